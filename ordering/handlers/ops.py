"""What operators and their machines ask, and the demo's front page."""

from typing import Any

from markupsafe import Markup
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ordering import metrics
from ordering.documents import FLOOR, MENU
from ordering.floor import Floor
from ordering.handlers.base import Page
from ordering.menu import Menu
from ordering.refused import Refused
from ordering.replies import kind
from ordering.store import StoreAway
from ordering.views.pages import picture


class Health(Page):
    """GET /healthz: this process lives."""

    def get(self) -> None:
        """Called by Tornado."""
        self.reply({"ok": True})

    head = get


class Ready(Page):
    """GET /readyz: the store answers."""

    async def get(self) -> None:
        """Called by Tornado."""
        try:
            await self.services.store.ping()
        except StoreAway as error:
            # Anybody can ask: where the store is, and what its operator has to do, stands in the log of the shelf.
            self.reply({"ok": False, "why": kind(str(error)) or "no answer"}, 503)
            return
        self.reply({"ok": True, "live": self.services.shelf.live, "v": self.services.shelf.s})

    head = get


class Metrics(Page):
    """GET /metrics: for Prometheus."""

    def get(self) -> None:
        """Called by Tornado."""
        shelf = self.services.shelf
        metrics.by_socket.settle()
        metrics.phones.set(len(self.services.live.phones()))
        metrics.dropped.set(self.services.live.dropped)
        metrics.sequence.set(shelf.s)
        metrics.live.set(shelf.live)
        metrics.repairs.set(shelf.repairs)
        metrics.reconnects.set(shelf.reconnects)
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(generate_latest())


class Home(Page):
    """GET /: in the demo every table with its link; otherwise nothing that a stranger could use."""

    async def get(self) -> None:
        """Called by Tornado."""
        if not self.services.options.demo:
            raise Refused("no_such_page")
        documents = await self.services.desk.look(FLOOR, MENU)
        floor: Floor = documents[FLOOR].value or Floor()
        menu: Menu | None = documents[MENU].value
        if menu is None:
            raise Refused("no_such_page")
        if self.wants_json:
            self.reply({"tables": [{"id": table.id, "name": table.name, "code": table.code} for table in floor.tables]})
            return
        self.show("home.html", shop=menu.shop, areas=[self._area(area, floor) for area in floor.areas])

    def _area(self, area: Any, floor: Floor) -> tuple[str, list[tuple[Any, str, Markup]]]:
        tables = [table for table in floor.tables if table.area == area.id]
        paths = [(table, f"/t/{table.code}") for table in tables]
        return self.t.pick(area.name), [(table, path, picture(self.public(path))) for table, path in paths]
