"""What every page shares: language, who is asking, limits, security headers, and answers to what goes wrong."""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import msgspec
from tornado.httputil import HTTPInputError, parse_body_arguments
from tornado.web import HTTPError, RequestHandler, stream_request_body

from ordering.documents import MENU, STAFF
from ordering.limits import RETRY_AFTER
from ordering.menu import Shop
from ordering.refused import Refused
from ordering.services import Services
from ordering.shelf import Shelf
from ordering.staff import LOGIN_LASTS, Account, logged_in
from ordering.views.pages import Brand, brand_style, pages
from ordering.views.pieces import Piece, gzipped, joined
from ordering.views.text import LANGUAGES, SOURCE, Text, preferred, text

log = logging.getLogger(__name__)

BODY_LARGEST = 64 * 1024  # bytes of a request: the longest command is under 4 KB
STAFF_DAYS = LOGIN_LASTS / (24 * 60 * 60_000)
GUEST_DAYS = 2
SIGNED_AGAIN = 1 / 24  # days after which a guest's cookie is signed anew, so that it lasts from the last page on
LANG_DAYS = 365


AGAIN = "="  # before the id of a guest who has come back on another phone, in the place of the phone's secret


class GuestCookie(NamedTuple):
    """What the `guest` cookie says: the phone's secret, and which sitting of which table its page showed last."""

    key: str
    table: str
    sitting: str


class Retry(NamedTuple):
    """A form that sends the same again: where to, and its fields."""

    action: str
    fields: list[tuple[str, str]]


class LoggedIn(NamedTuple):
    """Which account has logged in on a device, and when (ms)."""

    account: str
    at: int


def account_of(login: LoggedIn, shelf: Shelf) -> Account | None:
    """The account that has logged in, as far as this process knows; None when it may not be used any more."""
    staff = shelf.newest(STAFF)
    return logged_in(staff.value, login.account, login.at) if staff else None


@stream_request_body
class Page(RequestHandler):
    """A request of this system. Bodies over `BODY_LARGEST` are read to their end, dropped, and refused kindly."""

    lang: str
    t: Text

    def initialize(self, services: Services) -> None:
        """Called by Tornado with what the route carries."""
        self.services = services
        self._body = bytearray()
        self._too_large = False

    def prepare(self) -> None:
        """Called by Tornado before the method: the language is known from here on."""
        self.lang = self._chosen_language()
        self.t = text(self.lang)

    def data_received(self, chunk: bytes) -> None:
        """Called by Tornado for each part of a body."""
        if len(self._body) + len(chunk) > BODY_LARGEST:
            self._too_large = True
            self._body.clear()
        if not self._too_large:
            self._body += chunk

    def set_default_headers(self) -> None:
        """Called by Tornado for every answer."""
        self.set_header("Content-Security-Policy", self._policy())
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    def _policy(self, style: str = "") -> str:
        """The Content-Security-Policy; `style` is the source of the one inline style sheet there may be."""
        return _policy(self.request.host, style)

    # ---- what was sent

    def fields(self) -> dict[str, Any]:
        """The body: a JSON object, or a form's fields (a list where a name comes more than once), after the
        `_xsrf` check.

        Raises:
            Refused: `too_large`, `malformed`, `forbidden`.
        """
        if self._too_large:
            raise Refused("too_large", limit=BODY_LARGEST)
        sent = self._json() if self.sends_json else self._form()
        try:
            self.check_xsrf_cookie()
        except HTTPError as error:
            raise Refused("forbidden" if self.request.cookies else "no_cookies") from error
        sent.pop("_xsrf", None)
        return sent

    @property
    def sends_json(self) -> bool:
        """Whether the body is JSON."""
        return self.request.headers.get("Content-Type", "").startswith("application/json")

    @property
    def wants_json(self) -> bool:
        """Whether the answer is to be JSON."""
        return self.sends_json or "application/json" in self.request.headers.get("Accept", "")

    def _json(self) -> dict[str, Any]:
        sent = json_object(bytes(self._body))
        if isinstance(token := sent.get("_xsrf"), str):
            self.request.arguments["_xsrf"] = [token.encode()]
        return sent

    def _form(self) -> dict[str, Any]:
        arguments: dict[str, list[bytes]] = {}
        try:
            parse_body_arguments(
                self.request.headers.get("Content-Type", ""), bytes(self._body), arguments, self.request.files
            )
        except (HTTPInputError, ValueError) as error:
            raise Refused("malformed", why=str(error)) from error
        for name, values in arguments.items():
            self.request.arguments.setdefault(name, []).extend(values)
        names = list(self.request.arguments)
        sent = {name: self.get_arguments(name, strip=False) for name in names}
        return {name: values[0] if len(values) == 1 else values for name, values in sent.items()}

    # ---- who asks, and in which language

    def _chosen_language(self) -> str:
        asked = self.get_query_argument("lang", "")
        if asked in LANGUAGES:
            if self.get_cookie("lang") != asked:
                self.set_cookie("lang", asked, expires_days=LANG_DAYS)
            return asked
        kept = self.get_cookie("lang", "")
        if kept in LANGUAGES:
            return kept
        return _wished(self.request.headers.get("Accept-Language", ""), tuple(LANGUAGES), self._shops_language())

    def _shops_language(self) -> str:
        """What is read by who wishes for nothing that there is."""
        menu = self.services.shelf.newest(MENU)
        spoken = menu.value.shop.languages if menu and menu.value else ()
        return next((lang for lang in spoken if lang in LANGUAGES), SOURCE)

    @property
    def secure(self) -> bool:
        """Whether cookies may only travel by TLS: the public address says so, or a proxy that we trust."""
        options = self.services.options
        if options.public_url.startswith("https://"):
            return True
        return (
            self.request.remote_ip in options.trusted_proxies
            and self.request.headers.get("X-Forwarded-Proto") == "https"
        )

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        """Called for every cookie, also by Tornado: none of them goes out in the clear or to another site."""
        super().set_cookie(name, value, *args, **{"secure": self.secure, "samesite": "Lax", **kwargs})

    def public(self, path: str) -> str:
        """Where everybody finds this path."""
        return (self.services.options.public_url or f"{self.request.protocol}://{self.request.host}") + path

    def get_signed_cookie(
        self, name: str, value: str | None = None, max_age_days: float = 31, min_version: int | None = 2
    ) -> bytes | None:
        """Called for every signed cookie. Tornado's first version can't tell keys apart, and fails where there are
        several."""
        return super().get_signed_cookie(name, value, max_age_days, min_version)

    def guest_cookie(self) -> GuestCookie | None:
        """What this phone's cookie says; None when it has none, or a forged or an old one."""
        return self._guest_cookie[0]

    @cached_property
    def _guest_cookie(self) -> tuple[GuestCookie | None, bool]:
        """The same, looked at once a request; and whether it was signed lately."""
        lately = self.get_signed_cookie("guest", max_age_days=SIGNED_AGAIN)
        signed = lately or self.get_signed_cookie("guest", max_age_days=GUEST_DAYS)
        parts = signed.decode().split("|") if signed else []
        return GuestCookie(*parts) if len(parts) == len(GuestCookie._fields) else None, lately is not None

    def set_guest_cookie(self, cookie: GuestCookie) -> None:
        """Sends the cookie, signed; unless the phone has the same, signed lately."""
        if self._guest_cookie == (cookie, True):
            return
        self.set_signed_cookie("guest", "|".join(cookie), expires_days=GUEST_DAYS, httponly=True)

    def guest_id(self, key: str) -> str:
        """The public id that goes with a phone's secret: nobody can go back from it. The cookie is signed, so only the
        staff can make a phone be a guest who was there before."""
        if key.startswith(AGAIN):
            return key.removeprefix(AGAIN)
        secret = self.services.ids.encode()
        return hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()[:10]

    async def account(self) -> Account | None:
        """The staff account that is logged in; None when nobody is or the account is gone. The store is asked each
        time: where no board is open, this process does not hear that somebody was let go through another."""
        if not self.login():
            return None
        await self.services.desk.look(STAFF)
        return self.account_at_hand()

    def account_at_hand(self) -> Account | None:
        """The same, as far as this process knows."""
        login = self.login()
        return account_of(login, self.services.shelf) if login else None

    def login(self) -> LoggedIn | None:
        """Who has logged in, as the cookie says."""
        signed = self.get_signed_cookie("staff", max_age_days=STAFF_DAYS)
        account, _, at = signed.decode().partition("|") if signed else ("", "", "")
        return LoggedIn(account, int(at)) if at.isdecimal() else None

    # ---- answers

    def give_xsrf_cookie(self) -> None:
        """For programs: a page has it in its forms."""
        self.xsrf_token  # noqa: B018 - reading it sets the cookie

    def flash(self) -> str | None:
        """The sentence with which a form was refused, to be shown once."""
        said = self.get_signed_cookie("flash", max_age_days=1)
        if said is None:
            return None
        self.clear_cookie("flash")
        return said.decode()

    def show(self, template: str, **values: Any) -> None:
        """Finishes with the page."""
        brand = self._page_headers(values.get("shop"))
        self.finish(
            pages(self.lang).page(
                template,
                static=self.settings["static_address"],
                brand=brand,
                languages=self.languages(),
                xsrf=self.xsrf_token.decode(),
                new_op=secrets.token_urlsafe,
                **values,
            )
        )

    def show_pieces(self, shop: Shop, pieces: Sequence[Piece]) -> None:
        """Finishes with a page that is put together from pieces; packed where Tornado would have packed it."""
        self._page_headers(shop)
        if takes_gzip(self.request.headers.get("Accept-Encoding", "")):
            self.set_header("Content-Encoding", "gzip")
            self.finish(gzipped(pieces))
        else:
            self.finish(joined(pieces))

    def _page_headers(self, shop: Shop | None) -> Brand | None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Language", self.t.html_lang)
        brand = brand_style(shop.accent if shop else "")
        if brand:
            self.set_header("Content-Security-Policy", self._policy(f" '{brand.source}'"))
        return brand

    def reply(self, answer: Mapping[str, Any], status: int = 200) -> None:
        """Finishes with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(msgspec.json.encode(answer))

    def refuse(self, refused: Refused, op: Any = None, back: str | None = None, **more: Any) -> None:
        """Finishes with what was refused and why: JSON to who sent JSON, else a page."""
        if refused.word in ("busy", "too_often"):
            self.set_header("Retry-After", str(RETRY_AFTER))
        if self.wants_json:
            self.reply(refusal(refused, said(refused, self.t, self.services.shelf), op) | more, refused.status)
            return
        self.set_status(refused.status)
        lost, demo = refused.word == "no_such_page" and back is None, self.services.options.demo
        self.show(
            "message.html",
            title=self.t("That did not work"),
            sentence=said(refused, self.t, self.services.shelf),
            status=refused.status,
            back="/" if lost and demo else back,
            lost=lost and not demo,
            retry=self._retry() if refused.word in ("store_away", "busy") and self.request.method == "POST" else None,
        )

    def write_error(self, status_code: int, **details: Any) -> None:
        """Called by Tornado for whatever was raised."""
        error = details.get("exc_info", (None, None, None))[1]
        if not isinstance(error, Refused):
            error = _as_refused(status_code)
        if not hasattr(self, "t"):  # the request failed before its language was known
            self.lang, self.t = SOURCE, text(SOURCE)
        self.refuse(error)

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Called by Tornado: a refusal is an answer, not a fault."""
        if not isinstance(value, Refused):
            super().log_exception(typ, value, tb)

    def send_error(self, status_code: int = 500, **details: Any) -> None:
        """Called by Tornado: a refusal brings its own status."""
        error = details.get("exc_info", (None, None, None))[1]
        super().send_error(error.status if isinstance(error, Refused) else status_code, **details)

    def _retry(self) -> Retry:
        """With the same op."""
        fields = [
            (name, value)
            for name in self.request.arguments
            if name != "_xsrf"
            for value in self.get_arguments(name, strip=False)
        ]
        return Retry(self.request.path, fields)

    def languages(self) -> tuple[tuple[str, str, str, bool], ...]:
        """This page in every language: tag, name, address, and whether it is this one."""
        address = self._address()
        return tuple(
            (each.tag, each.name, f"{address}lang={lang}", lang == self.lang) for lang, each in LANGUAGES.items()
        )

    def _address(self) -> str:
        """This page's address, up to where a language is named."""
        kept = [
            f"{name}={value}"
            for name, values in self.request.query_arguments.items()
            if name in ("sitting", "station", "order", "view")
            for value in (each.decode(errors="replace") for each in values)  # the page of a refusal has it, too
            if value.replace("-", "").replace(",", "").isalnum()
        ]
        return f"{self.request.path}?{''.join(f'{each}&' for each in kept)}"


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header lets gzip in (RFC 9110, section 12.5.3)."""
    weights = {}
    for each in accepted.lower().split(","):
        name, _, weight = each.partition(";")
        weights[name.strip()] = not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return weights.get("gzip", weights.get("*", False))


class NotFound(Page):
    """Every address that there is not."""

    def prepare(self) -> None:
        """Called by Tornado."""
        super().prepare()
        raise Refused("no_such_page")


def json_object(sent: str | bytes) -> dict[str, Any]:
    """What was sent as JSON; raises `Refused` `malformed`."""
    try:
        return msgspec.json.decode(sent, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused("malformed", why=str(error)) from error


def said(refused: Refused, t: Text, shelf: Shelf) -> str:
    """The sentence for a refusal, its amounts in the shop's currency."""
    menu = shelf.newest(MENU)
    return t.refusal(refused, menu.value.shop if menu and menu.value else None)


def refusal(refused: Refused, sentence: str, op: Any = None) -> dict[str, Any]:
    """The JSON answer for a refusal; `cart_changed` names the lines."""
    answer = {"op": op if isinstance(op, str) else None, "error": refused.word, "message": sentence}
    if "lines" in refused.details:
        answer["lines"] = refused.details["lines"]
    return answer


def _as_refused(status: int) -> Refused:
    words = {400: "malformed", 403: "forbidden", 404: "no_such_page", 405: "not_here", 413: "too_large"}
    word = words.get(status, "broken")
    if word == "malformed":
        return Refused(word, why="HTTP")
    return Refused(word, limit=BODY_LARGEST) if word == "too_large" else Refused(word)


@lru_cache(maxsize=256)
def _wished(accepted: str, offered: tuple[str, ...], otherwise: str) -> str:
    return preferred(accepted, offered, otherwise)


@lru_cache(maxsize=256)
def _policy(host: str, style: str) -> str:
    # Older Safari does not count ws: as 'self'.
    sockets = f" ws://{host} wss://{host}" if _plain_host(host) else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'{style}; img-src 'self' data:; "
        f"connect-src 'self'{sockets}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    )


def _plain_host(host: str) -> bool:
    """Whether a Host header is only that, and can stand in a policy."""
    return bool(host) and all(char.isalnum() or char in ".-:[]" for char in host) and host.isascii()
