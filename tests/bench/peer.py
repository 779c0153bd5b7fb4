"""This server for the relay benchmark: the adapter that `shared/peers/run --also` takes.

    ../shared/peers/run --quick --only=ordering,floor,tornado,starlette --also=tests/bench/peer.py

or, with the HTML view beside it and ratios at the end, `python tests/bench/peers.py`.

Each command gives one dish a portion more, the next one takes it back: a real command, decided, committed with its
`op`, published, diffed; and the cart stays within its limits however long the run is.
"""

import itertools
import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from adapter import Raw

ROOT = os.environ.get("ORDERING_HOME") or str(Path(__file__).parent.parent.parent)
PATIENCE = 30.0  # seconds for a page of a server that is busy


class Ordering(Raw):  # type: ignore[misc]
    """`run.py` with `--processes`, on the benchmark's own Redis; one diner of a table sends all its commands."""

    form = "json"
    name = "ordering"
    start = (
        os.environ.get("ORDERING_PYTHON", ROOT + "/.venv/bin/python"),
        ROOT + "/tests/bench/without_budgets.py",
        "--port={port}",
        "--processes={count}",
        "--store=redis://127.0.0.1:{redis}/0",
        "--demo",
        "--demo_tables=300",
    )
    single = True
    ports_in_a_row = True
    relative = True
    state = True
    marker, seqkey, ready = b'"set"', b'"v":', b'"set"'

    def prepare(self, ports: list[int], tables: int, diners: int) -> None:
        """Gets the tables' codes, cookies for every diner, and one dish into every cart."""
        self.base = f"http://127.0.0.1:{ports[0]}"
        listed = json.loads(self._open("/", Accept="application/json")[0])["tables"][:tables]
        self.codes = [table["code"] for table in listed]
        self.cookies = {}
        self.lines = []
        for table in range(tables):
            for diner in range(diners):
                self.cookies[table, diner] = self._open(f"/t/{self.codes[table]}", Accept="application/json")[1]
            self.lines.append(self._first_line(table))
        self.fresh = itertools.count()

    def _first_line(self, table: int) -> str:
        cookies = self.cookies[table, 0]
        xsrf = dict(part.split("=", 1) for part in cookies.split("; "))["_xsrf"]
        command = {"op": f"first-{table}", "do": "add", "item": "dongpo-pork", "qty": 50}
        headers = {"Cookie": cookies, "X-XSRFToken": xsrf, "Content-Type": "application/json"}
        answer, _ = self._open(f"/t/{self.codes[table]}/do", json.dumps(command).encode(), **headers)
        return str(json.loads(answer)["line"])

    def _open(self, path: str, body: bytes | None = None, **headers: str) -> tuple[bytes, str]:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(urllib.request.Request(self.base + path, body, headers)) as answer:
                    cookies = (cookie.partition(";")[0] for cookie in answer.headers.get_all("Set-Cookie") or ())
                    return answer.read(), "; ".join(cookies)
            except urllib.error.HTTPError as error:
                if error.code != 503 or time.monotonic() > end:  # busy: others have the machine
                    raise
                time.sleep(0.5)

    def path(self, table: int, diner: int) -> str:
        """The socket's address."""
        return f"/t/{self.codes[table]}/live"

    def headers(self, table: int, diner: int) -> dict[str, str]:
        """Which view, and who looks."""
        return {"Sec-WebSocket-Protocol": f"{self.form}.ordering.v1", "Cookie": self.cookies[table, diner]}

    def adds(self, table: int) -> list[str]:
        """One portion more, one fewer, in turn."""
        phase = next(self.fresh)  # an op is never used twice, not in another phase either
        more: list[dict[str, Any]] = [{"do": "change", "line": self.lines[table], "by": by} for by in (1, -1)]
        return [json.dumps({"op": f"b{table}-{phase}-{n}-%n", **each}) for n, each in enumerate(more)]


class InHtml(Ordering):
    """The same, as the guests' pages get it."""

    form = "html"
    name = "ordering (html)"


PEER = Ordering()
