"""Whatever anybody may send, at random, for as long as you like: `make fuzz MINUTES=60`.

The same tests as in every run (`tests/*/test_fuzz.py`), with more examples and another seed each round. Ends with the
round in which something is found: its output has the example, its seed finds it again.
"""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = 1000  # of each test in a round: some minutes


def main() -> int:
    """Rounds until the time is over, or something is found; the exit status says which."""
    minutes = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("FUZZ_MINUTES", "10"))
    tests = sorted(map(str, ROOT.glob("tests/*/test_fuzz.py")))
    end, rounds = time.monotonic() + minutes * 60, 0
    while time.monotonic() < end:
        rounds += 1
        seed = secrets.randbelow(2**32)
        print(f"round {rounds}, --hypothesis-seed={seed}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}", *tests]
        if subprocess.run(command, cwd=ROOT, env={**os.environ, "FUZZ_EXAMPLES": str(EXAMPLES)}).returncode:
            return 1
    print(f"{rounds} rounds, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
