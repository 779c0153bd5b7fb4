"""The staff's rooms: logging in, the kitchen display and the floor, each with its two doors."""

import asyncio
import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ordering import commands
from ordering.documents import FLOOR, MENU, STAFF, sitting_name
from ordering.floor import Floor, Table, table_of
from ordering.handlers.base import LoggedIn, Page, account_of
from ordering.handlers.door import Do
from ordering.handlers.socket import NOT_YOURS, Handshake, Socket
from ordering.menu import Menu
from ordering.refused import Refused
from ordering.services import Services
from ordering.sitting import Sitting
from ordering.staff import ROOMS, Account, Room, may
from ordering.views.audience import Audience, Form, needs
from ordering.views.kitchen import Chosen
from ordering.views.pages import fixed, marked, picture
from ordering.views.text import Text

STATION = re.compile(r"[a-z0-9-]{1,32}")
STATIONS_LONGEST = 400  # characters of them together


class StaffOnly(Page):
    """A room that only the staff may enter."""

    who: Account
    room: Room = "floor"

    async def must_be_staff(self) -> None:
        """Raises `Refused` `login_needed` or `not_your_role`."""
        self.who = must_be_staff(await self.account(), self.room)

    async def let_in(self) -> bool:
        """Whether somebody is logged in who may see this page; who is not is led to the login."""
        try:
            await self.must_be_staff()
        except Refused as refused:
            if self.wants_json or refused.word != "login_needed":
                raise
            self.redirect(f"/login?next={quote(self.request.uri or '')}", status=303)
            return False
        return True

    async def board(self, audience: Audience, template: str, **values: Any) -> None:
        """Shows a board's page; who is not logged in is led to the login."""
        if not await self.let_in():
            return
        floor = (await self.services.desk.look(FLOOR))[FLOOR].value or Floor()
        names = needs(audience, floor)
        loaded = await self.services.desk.look_with_number(names)
        documents = {name: document.value for name, document in loaded.documents.items()}
        view = self.services.live.page(audience, documents, loaded.s)
        if self.wants_json:
            self.give_xsrf_cookie()
            self.reply({"v": view.v, "blocks": view.blocks, "order": view.order})
            return
        menu: Menu = documents[MENU]
        floor = documents[FLOOR]
        self.show(
            template,
            shop=menu.shop,
            areas=[(area.id, self.t.pick(area.name)) for area in floor.areas],
            stations=[(station.id, self.t.pick(station.name)) for station in menu.stations],
            items=[(item.id, self.t.pick(item.name)) for item in menu.items],
            blocks=marked(view),
            order=view.order,
            v=view.v,
            account=self.who,
            here=self.request.uri,
            rooms=ROOMS[self.who.role],
            lock_after=menu.shop.lock_after if self.who.pin and self.room != "kitchen" else 0,
            flash=self.flash(),
            **values,
        )

    @property
    def form(self) -> Form:
        """How this page wants its blocks."""
        return "json" if self.wants_json else "html"


def must_be_staff(account: Account | None, room: Room) -> Account:
    """The account, if it may be in this room; raises `Refused` `login_needed` or `not_your_role`."""
    if account is None:
        raise Refused("login_needed")
    if not may(account, room):
        raise Refused("not_your_role", role=account.role)
    return account


def _display(page: Page, form: Form) -> Audience:
    """Which display of the kitchen is asked for: `?view=expo` is the pass; `?station=` one, several (again, or with a
    comma between them) or none for all; `?order=promise` puts first what is due first."""
    if page.get_query_argument("view", "") == "expo":
        return Audience("expo", form, page.lang, "")
    stations = ",".join(page.get_query_arguments("station"))[:STATIONS_LONGEST]
    promise = page.get_query_argument("order", "") == "promise"
    chosen = Chosen(tuple(each for each in stations.split(",") if STATION.fullmatch(each)), promise)
    return Audience("kitchen", form, page.lang, chosen.subject)


class KitchenPage(StaffOnly):
    """GET /kitchen: the display of stations, or of the pass."""

    room = "kitchen"

    async def get(self) -> None:
        """Called by Tornado."""
        audience = _display(self, self.form)
        expo, chosen = audience.kind == "expo", Chosen.parse(audience.subject)
        query = {name: self.get_query_arguments(name) for name in ("station", "order", "view")}
        await self.board(
            audience,
            "expo/page.html" if expo else "kitchen/page.html",
            home="/kitchen",
            socket=f"/kitchen/live?{urlencode({**query, 'lang': self.lang}, doseq=True)}",
            station="expo" if expo else audience.subject,
            chosen=chosen,
            display="expo" if expo else {0: "all", 1: audience.subject}.get(len(chosen.stations), "several"),
        )


class FloorPage(StaffOnly):
    """GET /floor: every table."""

    async def get(self) -> None:
        """Called by Tornado."""
        audience = Audience("floor", self.form, self.lang, "")
        await self.board(audience, "floor/page.html", home="/floor", socket=f"/floor/live?lang={self.lang}", station="")


class PartyPage(StaffOnly):
    """GET /floor/{table}: one table with its lines, bill and payments."""

    async def get(self, table_id: str) -> None:
        """Called by Tornado."""
        documents = await self.services.desk.look(FLOOR, MENU)
        table = table_of(documents[FLOOR].value or Floor(), table_id)
        menu: Menu = documents[MENU].value
        await self.board(
            Audience("party", self.form, self.lang, table_id),
            "party/page.html",
            home="/floor",
            socket=f"/floor/{table_id}/live?lang={self.lang}",
            station=table_id,
            table=table,
            dishes=[(item.id, self.t.pick(item.name)) for item in menu.items],
            fixed=fixed(self.lang, menu),
        )


class CodePage(StaffOnly):
    """GET /floor/{table}/code: the table's QR code, and one for each guest who has lost the page."""

    async def get(self, table_id: str) -> None:
        """Called by Tornado."""
        if not await self.let_in():
            return
        documents = await self.services.desk.look(FLOOR, MENU)
        table = table_of(documents[FLOOR].value or Floor(), table_id)
        name = sitting_name(table.sitting)
        sitting: Sitting = (await self.services.desk.look(name))[name].value or Sitting(table.sitting, table.id)
        back = self.public(f"/t/{table.code}/back?token=")
        addresses = [f"{back}{quote(self._token(guest.id, table))}" for guest in sitting.guests]
        # A dozen milliseconds each, and sixty guests may sit there: beside the loop, which has taps to carry out.
        here, *others = await asyncio.to_thread(
            lambda: [picture(each) for each in (self.public(f"/t/{table.code}"), *addresses)]
        )
        names = [guest.name or self.t("Guest %(number)s", number=n) for n, guest in enumerate(sitting.guests, 1)]
        self.show(
            "party/code.html",
            shop=documents[MENU].value.shop,
            table=table,
            code=here,
            pin=sitting.pin if documents[MENU].value.shop.ordering.pin else "",
            guests=list(zip(names, others, strict=True)),
        )

    def _token(self, guest: str, table: Table) -> str:
        signed: bytes = self.create_signed_value("back", f"{guest}|{table.sitting}")
        return signed.decode()


class StaffDo(StaffOnly, Do):
    """POST to a staff page's door."""

    home: str

    async def carry_out(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The desk's answer."""
        await self.must_be_staff()
        return await self.services.desk.staff(self.who, self.command(sent))

    def back(self, sent: Mapping[str, Any]) -> str:
        """The display that the form came from."""
        stations, _, order = str(sent.get("back", "")).partition("|")
        if stations == "expo":
            return f"{self.home}?view=expo"
        query = {name: value for name, value in (("station", stations), ("order", order)) if value}
        return f"{self.home}?{urlencode(query, safe=',')}" if query else self.home

    def standing(self) -> int:
        """The shop's sequence number as far as it is known here."""
        return self.services.shelf.s


class KitchenDo(StaffDo):
    """POST /kitchen/do."""

    room = "kitchen"
    union = commands.Kitchen
    home = "/kitchen"


class FloorDo(StaffDo):
    """POST /floor/do."""

    union = commands.Floor
    home = "/floor"

    def back(self, sent: Mapping[str, Any]) -> str:
        """The floor, or the table's page that the form came from."""
        table = str(sent.get("back", ""))
        return f"{self.home}/{quote(table)}" if table else self.home


class StaffSocket(Socket):
    """A staff board, as long as its login lasts."""

    __slots__ = ("_login", "_room")

    def __init__(self, services: Services, t: Text, login: LoggedIn, room: Room) -> None:
        super().__init__(services, t)
        self._login = login
        self._room = room

    def send(self, text: bytes) -> None:
        """Sends, unless the login has ended: whoever may not look any more sees nothing new."""
        try:
            must_be_staff(account_of(self._login, self.services.shelf), self._room)
        except Refused:
            self.close(NOT_YOURS, "login_needed")
            return
        super().send(text)

    async def carry_out(self, command: commands.Kitchen | commands.Floor) -> dict[str, Any]:
        """The desk's answer; a login that has ended since ends here, too."""
        await self.services.desk.look(STAFF)
        who = must_be_staff(account_of(self._login, self.services.shelf), self._room)
        return await self.services.desk.staff(who, command)


class KitchenSocket(StaffSocket):
    """A display of the kitchen."""

    __slots__ = ()

    union = commands.Kitchen


class FloorSocket(StaffSocket):
    """The floor, or one of its tables."""

    __slots__ = ()

    union = commands.Floor


class StaffLive(Handshake, StaffOnly):
    """The socket of a staff board."""

    socket: type[StaffSocket] = FloorSocket

    async def enters(self, form: Form) -> tuple[Socket, Audience]:
        """Whoever is logged in, in this language."""
        await self.must_be_staff()
        login = self.login()
        assert login
        return self.socket(self.services, self.t, login, self.room), await self.audience(form)

    @abstractmethod
    async def audience(self, form: Form) -> Audience:
        """What is looked at; raises `Refused` when there is no such thing."""


class KitchenLive(StaffLive):
    """WS /kitchen/live."""

    room = "kitchen"
    socket = KitchenSocket

    async def audience(self, form: Form) -> Audience:
        """The displays that show the same, in this language."""
        return _display(self, form)


class PartyLive(StaffLive):
    """WS /floor/{table}/live."""

    async def audience(self, form: Form) -> Audience:
        """Those who look at this table, in this language."""
        table_of((await self.services.desk.look(FLOOR))[FLOOR].value or Floor(), self.path_args[0])
        return Audience("party", form, self.lang, self.path_args[0])


class FloorLive(StaffLive):
    """WS /floor/live."""

    async def audience(self, form: Form) -> Audience:
        """The floor pages in this language."""
        return Audience("floor", form, self.lang, "")
