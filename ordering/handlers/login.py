"""The staff's door: a password lets a person and their device in; on such a device a PIN is enough from then on."""

import asyncio
import logging
import re
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import quote

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ordering.clock import now
from ordering.documents import STAFF
from ordering.handlers.base import STAFF_DAYS, Page, said
from ordering.limits import Queue
from ordering.refused import Refused
from ordering.staff import NAME_LONGEST, ROOMS, Account, Room, Staff, may, must_not_wait

OURS = re.compile(r"/(kitchen|floor(/[A-Za-z0-9._:-]+)?|manage(/[a-z]+)?)(\?[A-Za-z0-9=&%,_-]*)?")
DEVICE_DAYS = 180
log = logging.getLogger(__name__)
hasher = PasswordHasher()


async def hashed(secret: str, queue: Queue) -> str:
    """A secret's hash, made beside the loop; "" stays "". Raises `Refused` `busy`."""
    if not secret:
        return ""
    async with queue.turn():
        return await asyncio.to_thread(hasher.hash, secret)


@cache
def _nobody() -> str:
    """Verified against when the account does not exist, so that the time taken does not tell."""
    return hasher.hash("nobody")


async def _right(kept: str, secret: str, queue: Queue) -> bool:
    """Whether the secret is the one whose hash was kept. Raises `Refused` `busy`."""
    async with queue.turn():
        try:
            await asyncio.to_thread(lambda: hasher.verify(kept or _nobody(), secret))
        except (Argon2Error, InvalidHashError):
            return False
    return bool(kept)


class Login(Page):
    """GET and POST /login."""

    async def get(self) -> None:
        """Called by Tornado; a program gets what it needs to log in: the `_xsrf` cookie."""
        if self.wants_json:
            self.give_xsrf_cookie()
            self.reply({"ok": False})
            return
        await self._show(None)

    async def post(self) -> None:
        """Called by Tornado."""
        sent = self.fields()
        staff = await self._staff()
        by_pin = bool(sent.get("account"))
        try:
            account = await (self._by_pin(staff, sent) if by_pin else self._by_password(staff, sent))
        except Refused as refused:
            if self.wants_json:
                self.refuse(refused)
                return
            self.set_status(refused.status)
            await self._show(said(refused, self.t, self.services.shelf))
            return
        self._let_in(account)
        if not by_pin:
            self.set_signed_cookie("device", str(now()), DEVICE_DAYS, httponly=True)
        if self.wants_json:
            self.reply({"ok": True, "role": account.role})
        else:
            self.redirect(self._next(account), status=303)

    async def _by_password(self, staff: Staff, sent: dict[str, Any]) -> Account:
        name = str(sent.get("name") or "manager")
        account = next((each for each in staff.accounts if each.name == name and each.active), None)
        limits, known = self.services.limits, self._known(staff)
        # Whoever guesses from outside must not lock out those who are at their own tablet, nor keep them waiting.
        tries = limits.passwords.of(f"{name[: NAME_LONGEST + 1]}|{known}")
        if not tries.has():
            raise Refused("wrong_often")
        tries.take()  # before it is looked at: many can be sent at once
        queue = limits.secrets if known else limits.strangers_secrets
        right = await _right(account.password if account else "", str(sent.get("password", "")), queue)
        if account is None or not right:
            if not tries.has():
                log.warning("too many wrong passwords for %r: it has to wait", name[: NAME_LONGEST + 1])
            if account is not None:  # after the answer, which must take as long where there is no such account
                self.services.live.later(self._noted(account))
            raise Refused("wrong_password")
        tries.give_back()
        await self.services.desk.tried(account, right, pin=False)
        return account

    async def _noted(self, account: Account) -> None:
        """A wrong password, in the log."""
        with suppress(Refused):
            await self.services.desk.tried(account, right=False, pin=False)

    async def _by_pin(self, staff: Staff, sent: dict[str, Any]) -> Account:
        account = next((each for each in staff.accounts if each.id == sent["account"] and each.active), None)
        if account is None or not account.pin or not self._known(staff):
            raise Refused("wrong_pin")
        must_not_wait(account, now())
        right = await _right(account.pin, str(sent.get("pin", "")), self.services.limits.secrets)
        await self.services.desk.tried(account, right, pin=True)
        if not right:
            raise Refused("wrong_pin")
        return account

    def _let_in(self, account: Account) -> None:
        self.set_signed_cookie("staff", f"{account.id}|{now()}", STAFF_DAYS, httponly=True)

    def _known(self, staff: Staff) -> bool:
        """Whether somebody has let this device in with a password, and nobody has let it out since."""
        signed = self.get_signed_cookie("device", max_age_days=DEVICE_DAYS)
        return signed is not None and int(signed) >= staff.devices_since

    async def _show(self, error: str | None) -> None:
        staff = await self._staff()
        people = [each for each in staff.accounts if each.active and each.pin] if self._known(staff) else []
        chosen = next((each for each in people if each.id == self.get_argument("account", "")), None)
        self.show("login.html", next=self.get_argument("next", ""), error=error, people=people, chosen=chosen)

    async def _staff(self) -> Staff:
        return (await self.services.desk.look(STAFF))[STAFF].value or Staff()

    def _next(self, account: Account) -> str:
        """Where to go afterwards: only ever a page of ours that the account may use."""
        wanted = self.get_argument("next", "")
        if OURS.fullmatch(wanted) and may(account, room_of(wanted)):
            return wanted
        return f"/{ROOMS[account.role][0]}"


def room_of(path: str) -> Room:
    """Which room's page it is."""
    first = re.split(r"[/?]", path)[1]
    return "kitchen" if first == "kitchen" else "manage" if first == "manage" else "floor"


class Lock(Page):
    """POST /lock: whoever was here has gone; the next one says who they are, and comes back to this page."""

    async def post(self) -> None:
        """Called by Tornado."""
        sent = self.fields()
        self.clear_cookie("staff")  # whatever the store says: nobody goes on here
        account, login = await self.account(), self.login()
        if account is not None and login is not None:
            await self.services.desk.left(account, login[1])
        wanted = str(sent.get("next", ""))
        self.redirect(f"/login?next={quote(wanted)}" if OURS.fullmatch(wanted) else "/login", status=303)
