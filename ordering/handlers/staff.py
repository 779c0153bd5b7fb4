"""The staff's rooms: logging in, the kitchen display and the floor, each with its two doors."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ordering import commands
from ordering.documents import FLOOR, MENU, STAFF
from ordering.floor import Floor, table_of
from ordering.handlers.base import STAFF_DAYS, Page
from ordering.handlers.door import Do, LiveSocket
from ordering.menu import Menu
from ordering.refused import Refused
from ordering.staff import Account
from ordering.views.audience import Audience, Form, needs
from ordering.views.kitchen import Chosen
from ordering.views.pages import fixed, marked

STATION = re.compile(r"[a-z0-9-]{1,32}")
STATIONS_LONGEST = 400  # characters of them together
OURS = re.compile(r"/kitchen(\?[A-Za-z0-9=&%,-]*)?|/floor(/[A-Za-z0-9._:-]+)?")
hasher = PasswordHasher()
# Verified against when the account does not exist, so that the time taken does not tell.
NOBODY = hasher.hash("nobody")
AT_ONCE = asyncio.Semaphore(2)  # hashes at a time: each takes 64 MB and a processor


class Login(Page):
    """GET and POST /login."""

    def get(self) -> None:
        """Called by Tornado; a program gets what it needs to log in: the `_xsrf` cookie."""
        if self.wants_json:
            self.give_xsrf_cookie()
            self.reply({"ok": False})
            return
        self.show("login.html", next=self._next(), error=None)

    async def post(self) -> None:
        """Called by Tornado."""
        sent = self.fields()
        name = str(sent.get("name") or "manager")
        staff = (await self.services.desk.look(STAFF))[STAFF].value
        account = next((each for each in staff.accounts if each.name == name), None) if staff else None
        if not await _right(account, str(sent.get("password", ""))):
            refused = Refused("wrong_password")
            if self.wants_json:
                self.refuse(refused)
                return
            self.set_status(refused.status)
            self.show("login.html", next=self._next(), error=self.t.refusal(refused))
            return
        assert account
        self.set_signed_cookie(
            "staff", account.id, expires_days=STAFF_DAYS, httponly=True, samesite="Lax", secure=self.secure
        )
        if self.wants_json:
            self.reply({"ok": True})
        else:
            self.redirect(self._next(), status=303)

    def _next(self) -> str:
        """Where to go afterwards: only ever a page of ours."""
        wanted = self.get_argument("next", "/floor")
        return wanted if OURS.fullmatch(wanted) else "/floor"


async def _right(account: Account | None, password: str) -> bool:
    """Whether the password is the account's; the hashing happens beside the loop."""
    hashed = account.password if account else NOBODY
    async with AT_ONCE:
        try:
            await asyncio.to_thread(hasher.verify, hashed, password)
        except (Argon2Error, InvalidHashError):
            return False
    return account is not None


class StaffOnly(Page):
    """A room that only the staff may enter."""

    who: Account

    async def must_be_staff(self) -> None:
        """Raises `Refused` `login_needed`."""
        account = await self.account()
        if account is None:
            raise Refused("login_needed")
        self.who = account

    async def board(self, audience: Audience, template: str, **values: Any) -> None:
        """Shows a board's page; who is not logged in is led to the login."""
        try:
            await self.must_be_staff()
        except Refused:
            if self.wants_json:
                raise
            self.redirect(f"/login?next={quote(self.request.uri or '')}", status=303)
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
            account=self.who.name,
            flash=self.flash(),
            **values,
        )

    @property
    def form(self) -> Form:
        """How this page wants its blocks."""
        return "json" if self.wants_json else "html"


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
            fixed=fixed(self.lang, menu, table.code),
        )


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


class StaffLive(LiveSocket, StaffOnly):
    """The socket of a staff board."""

    async def carry_out(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The desk's answer; a login that has ended since ends here, too."""
        await self.must_be_staff()
        sent.pop("_xsrf", None)
        return await self.services.desk.staff(self.who, self.command(sent))


class KitchenLive(StaffLive):
    """WS /kitchen/live."""

    union = commands.Kitchen

    async def audience(self, form: Form) -> Audience:
        """The displays that show the same, in this language."""
        await self.must_be_staff()
        return _display(self, form)


class PartyLive(StaffLive):
    """WS /floor/{table}/live."""

    union = commands.Floor

    async def audience(self, form: Form) -> Audience:
        """Those who look at this table, in this language."""
        await self.must_be_staff()
        return Audience("party", form, self.lang, self.path_args[0])


class FloorLive(StaffLive):
    """WS /floor/live."""

    union = commands.Floor

    async def audience(self, form: Form) -> Audience:
        """The floor pages in this language."""
        await self.must_be_staff()
        return Audience("floor", form, self.lang, "")
