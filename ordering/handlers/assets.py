"""Style, scripts, pictures: one version for all of them in their address, so that a script imports its twin."""

import hashlib
from pathlib import Path

from tornado.web import StaticFileHandler

FOLDER = Path(__file__).parent.parent.parent / "static"
YEAR = 365 * 24 * 3600  # seconds

VERSION = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(FOLDER.iterdir()))).hexdigest()[:12]


def address(name: str) -> str:
    """Where a file of `static/` is found; a new one whenever any of them changes."""
    return f"/static/{VERSION}/{name}"


class Asset(StaticFileHandler):
    """GET /static/{version}/{file}: kept for a year by whoever gets it."""

    def set_extra_headers(self, path: str) -> None:
        """Called by Tornado."""
        self.set_header("Cache-Control", f"public, max-age={YEAR}, immutable")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.clear_header("Server")
