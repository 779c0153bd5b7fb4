"""What documents, cases and views are made of."""

from msgspec import Struct


class Value(Struct, frozen=True, gc=False):
    """An immutable value made of other values: none refers to what holds it, so the garbage collector has nothing to
    find. Each is 16 bytes smaller for that, and a command costs one part in seventy less."""
