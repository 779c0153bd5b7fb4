"""The guests' rooms: the table's page, its two doors, and the pages that stand in for dialogs."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from ordering import commands, metrics
from ordering.clock import now
from ordering.documents import FLOOR, LOAD, MENU, STOCK, sitting_name
from ordering.floor import Floor, Table
from ordering.guests import guest_of
from ordering.handlers.base import AGAIN, GuestCookie, Page
from ordering.handlers.door import Do, last
from ordering.handlers.socket import LEAVING, NOT_YOURS, Handshake, Socket
from ordering.load import Load
from ordering.menu import Menu, allergens, find
from ordering.refused import Refused
from ordering.services import Services
from ordering.sitting import Sitting, line_of
from ordering.staff import may
from ordering.stock import Stock
from ordering.views import card, diner, dishes
from ordering.views.audience import Audience, Form, build, needs, sitting_in
from ordering.views.blocks import View, fingerprint
from ordering.views.pages import fixed
from ordering.views.pieces import Piece
from ordering.views.receipt import Receipt, pdf, receipt
from ordering.views.shown import everybody
from ordering.views.table_page import Parts, frame, hidden, languages, one, own_sheet, parts, said, whole
from ordering.views.text import Text

SITTING_ID = re.compile(r"[0-9a-f]{12}")
NOBODYS = "0" * 12  # stands for a sitting that is not the phone's: none is called so, so nothing is seen or done
POLL_LONGEST = 25.0  # seconds that a poll waits for something new; proxies cut what is silent for a minute
BACK_DAYS = 15 / (24 * 60)  # a way back holds for 15 minutes
SIGNS_APART = 1.0  # seconds between signs of life that are passed on


class AtTable(Page):
    """Somebody at a table: which table the code means, which sitting the page belongs to, and which guest asks."""

    table: Table
    sitting_id: str = ""
    guest: str = ""

    async def find_table(self, code: str) -> None:
        """The table, and the sitting that this page or phone belongs to: the one its address or form names, else
        the one that its cookie remembers of this table, else the table's present one.

        Raises:
            Refused: `no_such_table`.
        """
        cookie = self.guest_cookie()
        self.table = await self._table(code, cookie)
        self.guest = self.guest_id(cookie.key) if cookie else ""
        named = self.get_argument("sitting", "")
        remembered = cookie.sitting if cookie and cookie.table == self.table.id else ""
        if SITTING_ID.fullmatch(named):
            self.sitting_id = named if await self._may(named, remembered) else NOBODYS
        else:
            self.sitting_id = remembered or self.table.sitting

    async def _may(self, named: str, remembered: str) -> bool:
        """Whether this phone may name the sitting. An id is no secret among those who once sat together: it stands in
        addresses, which are sent to friends and kept by browsers. So a phone may name what its code leads to anyhow,
        what its page of this table showed last, and what it is a guest of."""
        at_hand = (self.table.sitting, remembered)
        return named in at_hand or await self.services.desk.belongs(named, self.table.id, self.guest)

    async def _table(self, code: str, cookie: GuestCookie | None) -> Table:
        """The table with this code; where it has another by now, the table of the guests who sit there."""
        try:
            return await self.services.desk.table(code)
        except Refused:
            seat = None if cookie is None else await self.services.desk.seat(cookie.sitting, self.guest_id(cookie.key))
            if seat is None:
                raise
            return seat

    async def audience_values(self, audience: Audience) -> tuple[dict[str, Any], int]:
        """The documents that the audience needs, as they are in the store, and the sitting's version."""
        documents = await self.services.desk.look(*needs(audience, None))
        values = {name: document.value for name, document in documents.items()}
        if values[MENU] is None:
            raise Refused("no_such_page")
        return values, documents[sitting_name(audience.subject)].v


PLACES = {
    **dict.fromkeys(("change", "note", "restore", "share", "hold", "place", "fire", "again"), "#order"),
    **dict.fromkeys(("name", "colour", "allergies", "enter"), "#me"),
    **dict.fromkeys(("split", "claim", "tip"), "#bill-sheet"),
}
"""Which part of the page a form's answer opens, by what the form did."""


class TableDo(AtTable, Do):
    """POST /t/{code}/do, and to the page's own address."""

    union = commands.Diner

    async def carry_out(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The desk's answer."""
        if self.sends_json and isinstance(sent.get("sitting"), str):
            self.request.arguments["sitting"] = [sent.pop("sitting").encode()]
        await self.find_table(self.path_args[0])
        if not self.guest:
            raise Refused("forbidden" if self.request.cookies else "no_cookies")
        self.services.limits.allowance(self.guest, self.sitting_id).spend()
        return await self.services.desk.guest(self.guest, self.sitting_id, self.command(sent))

    def back(self, sent: Mapping[str, Any]) -> str:
        """The page, at the same sitting; with that part of it open where something was changed."""
        do, item = last(sent.get("do")), last(sent.get("item"))
        place = f"#dish-{quote(str(item))}" if do == "add" and item else PLACES.get(str(do), "")
        return f"/t/{self.path_args[0]}?sitting={self.sitting_id}{place}"

    def standing(self) -> int:
        """The sitting's version as far as it is known here."""
        document = self.services.shelf.newest(sitting_name(self.sitting_id))
        return document.v if document else 0


class TablePage(TableDo):
    """GET /t/{code}: the page that the QR code opens; changes nothing in the store. What it shows of dishes and lines
    knows no table, so that all tables share it: its buttons send their commands to the page's own address, and its
    links ask that for the pages of a dish or a line."""

    async def get(self, code: str) -> None:
        """Called by Tornado."""
        for page, asked in (("item", "dish"), ("line", "line")):
            if of := self.get_query_argument(asked, ""):
                self.redirect(f"/t/{code}/{page}/{quote(of, safe='')}", status=303)
                return
        self.services.limits.page()
        with metrics.page_seconds.time():  # as a decorator it would only time how a coroutine is made
            await self._open(code)

    def compute_etag(self) -> str | None:
        """Called by Tornado: nobody keeps this page, so nobody asks whether it is still the same."""
        return None

    async def _open(self, code: str) -> None:
        # One question to the store where the floor at hand already says which sitting is meant.
        likely = self._likely(code)
        values, v = await self.audience_values(self._audience(likely)) if likely else ({}, 0)
        if not likely:
            await self.services.desk.look(FLOOR)
        await self.find_table(code)
        cookie = self.guest_cookie()
        key = cookie.key if cookie else secrets.token_urlsafe(24)
        self.guest = self.guest_id(key)
        # A scan (an address without a sitting) belongs to whoever sits there now; a reload keeps its sitting.
        if not self._named():
            self.sitting_id = self.table.sitting
        self.set_guest_cookie(GuestCookie(key, self.table.id, self.sitting_id))
        if self.sitting_id != likely:
            values, v = await self.audience_values(self._audience(self.sitting_id))
        if self.wants_json:
            self._show_json(values, v)
        else:
            self._show_page(values, v)

    def _audience(self, sitting_id: str) -> Audience:
        return Audience("diner", "json" if self.wants_json else "html", self.lang, sitting_id)

    def _named(self) -> str:
        """The sitting that the page's address names, if any."""
        named = self.get_query_argument("sitting", "")
        return named if SITTING_ID.fullmatch(named) else ""

    def _likely(self, code: str) -> str:
        """The sitting that will be meant, as far as this process knows; "" when it doesn't."""
        floor = self.services.shelf.newest(FLOOR)
        table = floor.value.by_code.get(code) if floor and floor.value else None
        return (self._named() or table.sitting) if table else ""

    def _show_page(self, values: Mapping[str, Any], v: int) -> None:
        floor: Floor = values[FLOOR] or Floor()
        sitting = sitting_in(values, self.sitting_id)
        if elsewhere := _elsewhere(sitting, floor, self.table, self.guest, self.path_args[0]):
            self.redirect(elsewhere, status=303)
            return
        menu: Menu = values[MENU]
        kept = self.services.lately.page(
            self._audience(self.sitting_id), values, now(), lambda: self._made(values, v, sitting)
        )
        self.show_pieces(menu.shop, whole(kept.parts, self._own(kept.view, menu, sitting)))

    def _made(self, values: Mapping[str, Any], v: int, sitting: Sitting) -> tuple[View, Parts]:
        """What the page shows to everybody at the table."""
        menu, table = values[MENU], self.table
        view = self.services.live.page(self._audience(self.sitting_id), values, v)
        area = next((self.t.pick(area.name) for area in values[FLOOR].areas if area.id == table.area), "")
        around = frame(self.lang, menu, table.code, table.name, area, self.settings["static_address"])
        state = "closed" if sitting.closed else "open" if sitting.opened else "free"
        stands = fixed(self.lang, menu).menu(view)
        return view, parts(around, view, stands, v=str(v), sitting_id=self.sitting_id, state=state)

    def _own(self, view: View, menu: Menu, sitting: Sitting) -> dict[str, Piece | Parts | Iterator[Piece]]:
        """What the page shows to this guest alone, by its mark."""
        mine, pin = guest_of(sitting, self.guest), _pin(menu, sitting, self.guest)
        return {
            "me": one(self.guest),
            "hidden": hidden(self.lang, self.xsrf_token.decode(), self.sitting_id),
            "flash": said(self.lang, self.flash()),
            "languages": languages(self.lang, self.languages()),
            "own": own_sheet(self.lang, menu, self.table.code, mine, pin),
            "my_share": one(self.t.money(diner.share(view, self.guest), menu.shop)),
        }

    def _show_json(self, values: Mapping[str, Any], v: int) -> None:
        def made() -> tuple[View, dict[str, Any]]:
            view = build(self._audience(self.sitting_id), values, v, now())
            return view, {"blocks": _raw(view.blocks), "order": _raw(view.order)}

        kept = self.services.lately.page(self._audience(self.sitting_id), values, now(), made)
        self.give_xsrf_cookie()
        self.reply(
            {
                "table": {"name": self.table.name, "area": self.table.area, "seats": self.table.seats},
                "version": v,
                "sitting": {"id": self.sitting_id, "guest": self.guest, **kept.parts},
                "menu": _menu(values[MENU]),
            }
        )


class GuestSocket(Socket):
    """A guest's page."""

    __slots__ = ("_allowance", "_code", "_signed_at", "guest", "sitting_id")

    union = commands.Diner

    def __init__(self, services: Services, t: Text, guest: str, sitting_id: str, code: str) -> None:
        super().__init__(services, t)
        self.guest = guest
        self.sitting_id = sitting_id
        self._code = code
        self._signed_at = -SIGNS_APART
        self._allowance = services.limits.allowance(guest, sitting_id)

    def enter(self, audience: Audience) -> None:
        """Part of Socket."""
        super().enter(audience)
        if not self.ended:
            self.services.codes.came(self._code, self)

    def shut_out(self) -> None:
        """Ends the page of a stranger whose code was replaced. Part of `codes.Visitor`."""
        self.guest = ""  # nothing more is taken of a phone that does not close
        self.close(NOT_YOURS, "no_such_table")

    def send_back(self) -> None:
        """Part of `codes.Visitor`."""
        self.close(LEAVING, "store_away")

    def owner(self) -> str:
        """The guest."""
        return self.guest

    def spend(self) -> None:
        """Counts a command as the guest's and the table's, whichever door it came by."""
        self._allowance.spend()

    def read(self, sent: dict[str, Any]) -> Any:
        """A sign of life, or a command; what the message says of its sitting must be this socket's."""
        if sent.get("do") == "here":
            try:
                return msgspec.convert(sent, commands.Here)
            except msgspec.ValidationError as error:
                raise Refused("malformed", why=str(error)) from error
        if sent.pop("sitting", self.sitting_id) != self.sitting_id:
            raise Refused("sitting_closed")
        return super().read(sent)

    def carry_out(self, command: commands.Diner | commands.Here) -> Awaitable[dict[str, Any] | None]:
        """The desk's answer; a sign of life is passed on."""
        if isinstance(command, commands.Here):
            return self._sign(command.at)
        if not self.guest:
            raise Refused("forbidden")
        return self.services.desk.guest(self.guest, self.sitting_id, command)

    async def _sign(self, where: str) -> None:
        """Passes a sign of life on, unless one was a moment ago."""
        moment = self._loop.time()
        if self.guest and moment - self._signed_at >= SIGNS_APART:
            self._signed_at = moment
            await self.services.desk.here(self.guest, self.sitting_id, where)

    def on_close(self) -> None:
        """Part of WebSocket: whoever leaves is gone at once, not when their last sign has grown old."""
        super().on_close()
        self.services.codes.left(self._code, self)
        if self._signed_at > 0:
            self.services.live.later(self.services.desk.gone(self.guest, self.sitting_id))


class TableLive(Handshake, AtTable):
    """WS /t/{code}/live."""

    async def enters(self, form: Form) -> tuple[Socket, Audience]:
        """A guest of this sitting, in this language."""
        await self.find_table(self.path_args[0])
        socket = GuestSocket(self.services, self.t, self.guest, self.sitting_id, self.path_args[0])
        return socket, Audience("diner", form, self.lang, self.sitting_id)


class Waiting:
    """A page that asks instead of listening, where WebSockets are blocked. A `live.Phone`."""

    full = False

    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes | None] = asyncio.Queue()

    def send(self, message: bytes) -> None:
        """Part of `live.Phone`."""
        self.came.put_nowait(message)

    def probe(self, now: float, silence: float) -> None:
        """Part of `live.Phone`: it waits for a time only."""

    def cut(self) -> None:
        """Part of `live.Phone`."""
        self.came.put_nowait(None)

    def dismiss(self) -> None:
        """Part of `live.Phone`."""
        self.cut()


class TableView(AtTable):
    """GET /t/{code}/view: the whole view, or what differs from the one that the page names with `have`, as soon as
    something does."""

    _waiting: Waiting | None = None
    _etag: str | None = None

    async def get(self, code: str) -> None:
        """Called by Tornado."""
        self.services.limits.page()
        self.services.live.must_have_room()
        await self.find_table(code)
        form: Form = "json" if self.get_query_argument("form", "html") == "json" else "html"
        have = self.get_query_argument("have", "").removeprefix("W/").strip('"')
        waiting = self._waiting = Waiting()
        seat = self.services.live.join(waiting, Audience("diner", form, self.lang, self.sitting_id), self.guest)
        self.services.codes.came(code, self)
        try:
            async with asyncio.timeout(POLL_LONGEST):
                message = await waiting.came.get()
                whole = not seat.sent or have != fingerprint(seat.sent)
                if not whole:
                    message = await waiting.came.get()
        except TimeoutError:
            self.set_status(204 if seat.sent else 503)
            return
        finally:
            self.services.live.leave(seat)
            self.services.codes.left(code, self)
        if message is None or seat.sent is None:
            self.set_status(503)
            return
        self.set_header("View", "whole" if whole else "difference")
        self._etag = f'"{fingerprint(seat.sent)}"'
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(message)

    def shut_out(self) -> None:
        """Ends the wait: who asks again finds no such table. Part of `codes.Visitor`."""
        if self._waiting:
            self._waiting.cut()

    send_back = shut_out

    def compute_etag(self) -> str | None:
        """Called by Tornado."""
        return self._etag

    def on_connection_close(self) -> None:
        """Called by Tornado."""
        if self._waiting:
            self._waiting.cut()


class ReceiptPage(AtTable):
    """GET /t/{code}/receipt: a page to print."""

    async def get(self, code: str) -> None:
        """Called by Tornado."""
        shown = await self._receipt(code)
        self.show("diner/receipt.html", shop=shown.shop, shown=shown, code=code, sitting_id=self.sitting_id)

    async def _may(self, named: str, remembered: str) -> bool:
        """The staff print what is left of any party."""
        if await super()._may(named, remembered):
            return True
        account = await self.account()
        return account is not None and may(account, "floor")

    async def _receipt(self, code: str) -> Receipt:
        await self.find_table(code)
        values, _ = await self.audience_values(Audience("diner", "html", self.lang, self.sitting_id))
        sitting = sitting_in(values, self.sitting_id)
        return receipt(sitting, values[MENU], values[FLOOR], now(), self.t)


class ReceiptPdf(ReceiptPage):
    """GET /t/{code}/receipt.pdf."""

    async def get(self, code: str) -> None:
        """Called by Tornado."""
        shown = await self._receipt(code)
        content = await asyncio.to_thread(pdf, shown, self.t)
        self.set_header("Content-Type", "application/pdf")
        self.set_header("Content-Disposition", f'attachment; filename="receipt-{shown.id}.pdf"')
        self.finish(content)


class Back(AtTable):
    """GET /t/{code}/back: a guest who has lost the page is that guest again, on whatever phone."""

    async def get(self, code: str) -> None:
        """Called by Tornado."""
        await self.find_table(code)
        signed = self.get_signed_cookie("back", self.get_query_argument("token", ""), max_age_days=BACK_DAYS)
        guest, _, sitting = signed.decode().partition("|") if signed else ("", "", "")
        if not guest or sitting != self.table.sitting:
            raise Refused("too_late_back")
        self.set_guest_cookie(GuestCookie(AGAIN + guest, self.table.id, sitting))
        self.redirect(f"/t/{code}?sitting={sitting}", status=303)


class TableOp(AtTable):
    """GET /t/{code}/op/{op}: did my order go through?"""

    async def get(self, code: str, op: str) -> None:
        """Called by Tornado."""
        await self.find_table(code)
        try:
            self.reply(await self.services.desk.answer_to(self.guest, op))
        except Refused as refused:
            self.request.headers["Accept"] = "application/json"
            self.refuse(refused, op)


class ItemPage(AtTable):
    """GET /t/{code}/item/{item}: an item's sheet, for who has no script."""

    async def get(self, code: str, item_id: str) -> None:
        """Called by Tornado."""
        await self.find_table(code)
        values, _ = await self.audience_values(Audience("diner", "html", self.lang, self.sitting_id))
        menu: Menu = values[MENU]
        item, eating = find(menu, item_id), sitting_in(values, self.sitting_id).guests
        self.show(
            "diner/item.html",
            shop=menu.shop,
            card=card.card(menu, item, self.t),
            code=code,
            sitting_id=self.sitting_id,
            available=dishes.available(menu, values[STOCK] or Stock(), values[LOAD] or Load(), item, now()),
            concerns=dishes.concerns(menu, allergens(menu, item), eating, everybody(eating, self.t), self.t),
            hours=self.t.hours(item.hours or menu.category[item.category].hours),
        )


class LinePage(AtTable):
    """GET /t/{code}/line/{line}: the note of a line in the cart, for who has no script."""

    async def get(self, code: str, line_id: str) -> None:
        """Called by Tornado."""
        await self.find_table(code)
        values, _ = await self.audience_values(Audience("diner", "html", self.lang, self.sitting_id))
        sitting = sitting_in(values, self.sitting_id)
        line = line_of(sitting, line_id)
        self.show(
            "diner/line.html",
            shop=values[MENU].shop,
            line=line,
            name=self.t.pick(line.name),
            code=code,
            sitting_id=self.sitting_id,
        )


def _elsewhere(sitting: Sitting, floor: Floor, table: Table, guest: str, code: str) -> str:
    """Where the party, or this guest, is now; "" when it is here, under this code."""
    to = sitting.into or sitting.left.get(guest, "")
    seat = floor.by_sitting.get(to or sitting.id)
    if not to and code == table.code and (seat is None or seat.id == table.id):
        return ""
    return f"/t/{seat.code if seat else table.code}?sitting={to or sitting.id}"


def _pin(menu: Menu, sitting: Sitting, guest: str) -> str | None:
    """The table's PIN for those who sit there, "" for who needs it; None where there is none."""
    if not menu.shop.ordering.pin or not sitting.opened:
        return None
    return sitting.pin if guest_of(sitting, guest) else ""


@lru_cache(maxsize=4)
def _menu(menu: Menu) -> msgspec.Raw:
    """The menu for programs: items first, prices in minor units."""
    return _raw(
        {
            "shop": menu.shop,
            "items": menu.items,
            "categories": menu.categories,
            "groups": menu.groups,
            "tags": menu.tags,
            "stations": menu.stations,
        }
    )


def _raw(value: Any) -> msgspec.Raw:
    """As JSON, to be set in as it is."""
    return msgspec.Raw(msgspec.json.encode(value))
