"""The staff: who may log in, how, and to what. A document of the shop (`staff`); passwords and PINs only as argon2id
hashes.

A PIN is for a tablet that somebody has let in with a password before; its few digits are guarded by a limit on
tries, which is kept here so that every port counts the same.
"""

import re
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ordering.refused import Refused
from ordering.sitting import Moment, plain

Role = Literal["kitchen", "waiter", "manager"]
Room = Literal["kitchen", "floor", "manage"]

ROOMS: dict[Role, tuple[Room, ...]] = {
    "kitchen": ("kitchen",),
    "waiter": ("floor", "kitchen"),
    "manager": ("floor", "kitchen", "manage"),
}
"""Which pages and commands each role may use; the first is where a login leads."""

NAME_LONGEST = 24  # characters
ACCOUNTS_MOST = 200
PIN = re.compile(r"[0-9]{4,8}")
PASSWORD_SHORTEST = 8  # characters
PASSWORD_LONGEST = 200
DIFFERENT = 4  # characters, at least, of a password
# fmt: off
EASY = frozenset({
    "password", "passw0rd", "p@ssw0rd", "password1", "password12", "password123", "qwertyuiop",
    "qwerty123", "qwertyui", "1qaz2wsx", "1q2w3e4r", "1q2w3e4r5t", "asdfghjkl", "zxcvbnm1",
    "zxcvbnm123", "iloveyou", "sunshine", "princess", "football", "baseball", "superman", "trustno1",
    "letmein1", "welcome1", "welcome123", "admin123", "admin1234", "administrator", "manager1",
    "manager123", "changeme", "restaurant", "waiter123", "kitchen1", "kitchen123", "test1234",
    "abcd1234", "abc12345", "a1234567", "a12345678", "aa123456", "aa12345678", "qq123456",
    "woaini520", "woaini1314", "5201314520", "1314520520", "11223344", "12341234", "12344321",
    "147258369", "123qweasd",
})
"""What is tried first, of the lists of passwords that were stolen elsewhere; all the same and in order aside."""
# fmt: on
IN_ORDER = "01234567890123456789"
TRIES = 5  # wrong secrets in a row, after which an account waits
WAITS = 5 * 60_000  # ms
LOGIN_LASTS = 24 * 60 * 60_000  # ms: a working day
ENDED_MOST = 300  # ended logins that are remembered of an account: a tablet that locks itself every five minutes


class Account(Struct, frozen=True):
    """One person of the staff. `since` is when their role or a secret last changed (ms): logins from before are over.
    `wrong` counts wrong secrets in a row, `waits` is until when none is taken (ms). A `password` of "" is none. `ended`
    are the times (ms) of the logins that were ended by hand and would still hold: a copy of their cookie must not."""

    id: str
    name: str
    role: Role
    password: str = ""
    pin: str = ""
    active: bool = True
    since: int = 0
    wrong: int = 0
    waits: int = 0
    ended: tuple[int, ...] = ()


class Staff(Struct, frozen=True):
    """The whole staff document; devices that were let in before `devices_since` (ms) take no PIN any more."""

    accounts: tuple[Account, ...] = ()
    devices_since: int = 0


def account_of(staff: Staff, account_id: str) -> Account:
    """The account; raises `Refused` `no_such_account`."""
    found = next((each for each in staff.accounts if each.id == account_id), None)
    if found is None:
        raise Refused("no_such_account")
    return found


def logged_in(staff: Staff | None, account_id: str, at: int) -> Account | None:
    """Whose login this is that was made at this time (ms); None when it is over."""
    found = next((each for each in staff.accounts if each.id == account_id), None) if staff else None
    return found if found and found.active and at >= found.since and at not in found.ended else None


def left(staff: Staff, account_id: str, login: int, moment: Moment) -> Staff:
    """Without this login (the time at which it was made, ms), on whatever device its cookie is."""
    account = account_of(staff, account_id)
    lasting = [each for each in account.ended if moment.at - each <= LOGIN_LASTS and each != login]
    return _with(staff, replace(account, ended=(*lasting, login)[-ENDED_MOST:]))


def may(account: Account, room: Room) -> bool:
    """Whether the account's role may use these pages."""
    return room in ROOMS[account.role]


def add(staff: Staff, name: str, role: Role, password: str, pin: str, moment: Moment) -> Staff:
    """One account more; `password` and `pin` are hashes."""
    if len(staff.accounts) >= ACCOUNTS_MOST:
        raise Refused("too_many", limit=ACCOUNTS_MOST, what={"en": "accounts", "zh": "个账号"})
    if not (password or pin):
        raise Refused("no_secret")
    made = Account(moment.fresh, _name(staff, name, ""), role, password, pin, since=moment.at)
    return replace(staff, accounts=(*staff.accounts, made))


def change(staff: Staff, account_id: str, name: str, role: Role, active: bool, moment: Moment) -> Staff:
    """Another name or role; not `active`: the account can't log in any more. There is always a manager left."""
    account = account_of(staff, account_id)
    revoked = (role, active) != (account.role, account.active)
    changed = replace(
        account,
        name=_name(staff, name, account_id),
        role=role,
        active=active,
        since=moment.at if revoked else account.since,
    )
    staff = _with(staff, changed)
    if not any(each.active and each.role == "manager" and each.password for each in staff.accounts):
        raise Refused("last_manager")
    return staff


def secrets(staff: Staff, account_id: str, password: str, pin: str, moment: Moment) -> Staff:
    """Another password or PIN (hashes; "": it stays as it is); whoever is logged in has to log in again."""
    account = account_of(staff, account_id)
    if not (password or pin):
        raise Refused("no_secret")
    changed = replace(account, password=password or account.password, pin=pin or account.pin, since=moment.at, wrong=0)
    return _with(staff, replace(changed, waits=0))


def forget_devices(staff: Staff, moment: Moment) -> Staff:
    """No device takes a PIN until somebody logs in there with a password."""
    return replace(staff, devices_since=moment.at)


def tried(staff: Staff, account_id: str, right: bool, moment: Moment) -> Staff:
    """A secret was given: too many wrong ones in a row, and the account has to wait."""
    account = account_of(staff, account_id)
    must_not_wait(account, moment.at)
    if right:
        return _with(staff, replace(account, wrong=0, waits=0))
    wrong = account.wrong + 1
    return _with(staff, replace(account, wrong=wrong % TRIES, waits=moment.at + WAITS if wrong >= TRIES else 0))


def must_not_wait(account: Account, at: int) -> None:
    """Refuses while too many wrong secrets were given lately."""
    if at < account.waits:
        raise Refused("wait", minutes=-(-(account.waits - at) // 60_000))


def must_be_secret(password: str, pin: str) -> None:
    """Refuses a password or PIN that is none; "" is not given."""
    if password and not PASSWORD_SHORTEST <= len(password) <= PASSWORD_LONGEST:
        raise Refused("weak_password", least=PASSWORD_SHORTEST, most=PASSWORD_LONGEST)
    plainly = password.casefold()
    in_order = plainly in IN_ORDER or plainly in IN_ORDER[::-1]
    if password and (plainly in EASY or in_order or len(set(plainly)) < DIFFERENT):
        raise Refused("easy_password")
    if pin and not PIN.fullmatch(pin):
        raise Refused("bad_pin")
    if pin and (len(set(pin)) == 1 or pin in "0123456789" or pin in "9876543210"):
        raise Refused("weak_pin")


def _name(staff: Staff, name: str, account_id: str) -> str:
    name = plain(name, NAME_LONGEST)
    if not name:
        raise Refused("name_needed")
    if any(each.name.casefold() == name.casefold() and each.id != account_id for each in staff.accounts):
        raise Refused("name_taken")
    return name


def _with(staff: Staff, changed: Account) -> Staff:
    return replace(staff, accounts=tuple(changed if each.id == changed.id else each for each in staff.accounts))
