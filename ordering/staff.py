"""The staff: who may log in. A document of the shop (`staff`); passwords only as argon2id hashes."""

from typing import Literal

from msgspec import Struct


class Account(Struct, frozen=True):
    """One person of the staff."""

    id: str
    name: str
    role: Literal["manager"]
    password: str


class Staff(Struct, frozen=True):
    """The whole staff document."""

    accounts: tuple[Account, ...] = ()
