"""What is written down of an evening, as it happens."""

import itertools
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors import Page


class Record:
    """Events in the order of their time (s since the evening began); `checker.py` says what each holds."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._began = time.monotonic()
        self._ids = itertools.count(1)

    @property
    def t(self) -> float:
        """Now."""
        return time.monotonic() - self._began

    def note(self, e: str, **what: Any) -> dict[str, Any]:
        """Writes an event down; returns it."""
        event = {"e": e, "t": self.t, **what}
        self.events.append(event)
        return event

    def ask(self, who: str, op: str, command: Mapping[str, Any], door: str) -> int:
        """A command is sent; returns the attempt's id."""
        id = next(self._ids)
        self.note("ask", id=id, who=who, op=op, cmd=dict(command), door=door)
        return id

    def told(self, id: int, status: int, answer: Mapping[str, Any] | None) -> None:
        """An attempt's answer."""
        self.note("told", id=id, status=status, answer=dict(answer) if answer else None)

    def show(self, name: str, kind: str, subject: str, page: Page) -> None:
        """A page as it stands after a push."""
        self.note("show", page=name, kind=kind, subject=subject, v=page.v, lines=lines(kind, page.blocks))

    def save(self, path: Path) -> None:
        """One event a line."""
        path.write_text("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in self.events))


def lines(kind: str, blocks: Mapping[str, Any]) -> Any:
    """What `checker.py` wants to know of a page's lines."""
    if kind == "guest":
        found = (block for id, block in blocks.items() if id.startswith("line-"))
        return {line["id"]: [line["qty"], line["note"], line["state"], line["round"]] for line in found}
    tickets = (block for id, block in blocks.items() if id.startswith("ticket-"))
    return [[line["id"], line["state"]] for ticket in tickets for line in ticket["lines"]]
