"""This server's JSON view for the relay benchmark while the system moves its processes, beside `peer.py` in one run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from peer import Moved

PEER = Moved()
