"""Style, scripts and pictures: what may be kept for ever, because its address changes when it does."""

import gzip
import hashlib
import mimetypes
from pathlib import Path

from tornado.web import RequestHandler

from ordering.handlers.base import Page, takes_gzip
from ordering.refused import Refused

FOLDER = Path(__file__).parent.parent.parent / "static"
YEAR = 365 * 24 * 3600  # seconds
FOR_EVER = f"public, max-age={YEAR}, immutable"

# Every style sheet begins with the tokens: one request instead of two.
TOKENS = "tokens.css"
FILES = {file.name: file.read_bytes() for file in sorted(FOLDER.iterdir())}
FILES = {
    name: FILES[TOKENS] + content if name.endswith(".css") and name != TOKENS else content
    for name, content in FILES.items()
}
PACKED = {name: gzip.compress(content, 9, mtime=0) for name, content in FILES.items()}
VERSION = hashlib.sha256(b"".join(FILES.values())).hexdigest()[:12]


def address(name: str) -> str:
    """Where a file of `static/` is found; one version for all of them, so that a script imports its twin."""
    return f"/static/{VERSION}/{name}"


class Asset(RequestHandler):
    """GET /static/{version}/{file}."""

    def set_default_headers(self) -> None:
        """Called by Tornado for every answer, also for a file that there is not."""
        self.set_header("X-Content-Type-Options", "nosniff")
        self.clear_header("Server")

    def get(self, name: str) -> None:
        """Called by Tornado."""
        if name not in FILES:
            self.set_status(404)
            return
        self.set_header("Content-Type", mimetypes.guess_type(name)[0] or "application/octet-stream")
        self.set_header("Cache-Control", FOR_EVER)
        if takes_gzip(self.request.headers.get("Accept-Encoding", "")):
            self.set_header("Content-Encoding", "gzip")
            self.finish(PACKED[name])
        else:
            self.finish(FILES[name])

    head = get


class Photo(Page):
    """GET /pictures/{name}: a picture of the shop's in one of its widths."""

    async def get(self, name: str) -> None:
        """Called by Tornado."""
        try:
            content = await self.services.desk.file(name)
        except Refused as refused:
            self.send_error(refused.status)
            return
        self.set_header("Content-Type", "image/webp")
        self.set_header("Cache-Control", FOR_EVER)
        self.finish(content)

    head = get

    def write_error(self, status_code: int, **details: object) -> None:
        """Called by Tornado: a picture that is missing is no page."""
        self.finish()
