"""This server's HTML view for the relay benchmark, beside the JSON view of `peer.py` in one run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from peer import InHtml

PEER = InHtml()
