"""The keys that sign cookies: made on the first start, the same in every process of a shop, and replaced without
logging anybody out."""

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

FIRST = 0  # the version that Tornado gives to cookies signed with a key that has none


class SigningKeys(NamedTuple):
    """`ids` makes public ids of what is secret on a phone, and never changes; `signing` holds the keys for cookies by
    version: the newest signs, all of them are honoured."""

    ids: str
    signing: dict[int, str]

    @property
    def newest(self) -> int:
        """The version that signs."""
        return max(self.signing)

    def settings(self) -> dict[str, Any]:
        """Tornado's settings."""
        return {"cookie_secret": self.signing, "key_version": self.newest}


def read(stored: Mapping[str, str]) -> SigningKeys:
    """The keys as they are kept: `ids`, and a version each."""
    return SigningKeys(stored["ids"], {int(name): key for name, key in stored.items() if name != "ids"})


def new_key() -> str:
    """48 bytes that nobody can foresee."""
    return secrets.token_urlsafe(48)
