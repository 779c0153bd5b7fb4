"""Values that nobody in their senses would send, and commands that somebody might."""

import os
import re
import string
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any, get_args

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from msgspec import inspect

from ordering.commands import Command

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))  # of each test; `tests/fuzz.py` wants more
MANY = settings(max_examples=EXAMPLES, print_blob=True)
SOME = settings(max_examples=max(20, EXAMPLES // 5), print_blob=True)
"""For what takes longer: a whole story, or a request."""

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(max_size=80)
    | st.sampled_from(["", "a", "t1", "dongpo-pork", "\n", "a\n", "\x00", "\u202e", "🍜" * 300, "1e400", "9" * 5000])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
"""Whatever JSON can say."""

INTEGERS = (0, 1, 2, 3, 5, 10, 99, 100, 101, 9999, 10**6, 2**53, 2**63, 10**30, -1, -2, -(2**63), -(10**30))
LETTERS = string.ascii_letters + string.digits + "._:-"
TEXTS = ("", " ", "x", "no onions", "<b>", "\u202eabc", "\n", "n" * 25, "n" * 201, "辣", "0000", "0.0.0.0", "12345678")


def types_of(union: Any) -> dict[str, inspect.StructType]:
    """What msgspec knows of each command of a union, by its word."""
    found: dict[str, inspect.StructType] = {}
    for each in get_args(union):
        kind = inspect.type_info(each)
        assert isinstance(kind, inspect.StructType)
        found[str(kind.tag)] = kind
    return found


def arbitrary(kind: inspect.StructType, rng: Random, known: Mapping[str, Iterable[Any]]) -> Command:
    """A command of this type: with values that are at home in its fields (`known`, by a field's name), others that
    exist, and some that fit nothing but the type."""
    sent: dict[str, Any] = {"do": kind.tag}
    for field in kind.fields:
        if field.required or rng.random() < 0.6:
            sent[field.encode_name] = _value(field.type, field.encode_name, rng, known)
    made: Command = msgspec.convert(sent, kind.cls)
    return made


def _value(kind: inspect.Type, name: str, rng: Random, known: Mapping[str, Iterable[Any]]) -> Any:
    match kind:
        case inspect.BoolType():
            return rng.random() < 0.5
        case inspect.LiteralType():
            return rng.choice(kind.values)
        case inspect.NoneType():
            return None
        case inspect.UnionType():
            return _value(rng.choice(kind.types), name, rng, known)
        case inspect.IntType():
            return _number(kind, name, rng, known)
        case inspect.StrType():
            return _text(kind, name, rng, known)
        case inspect.VarTupleType():
            several = min(rng.choice((0, 1, 1, 2, 3, 40)), kind.max_length or 40)
            return [_value(kind.item_type, name, rng, known) for _ in range(several)]
        case inspect.DictType():
            return {
                _value(kind.key_type, "line", rng, known): _value(kind.value_type, "", rng, known)
                for _ in range(rng.choice((1, 1, 2, 4)))
            }
        case _:
            raise AssertionError(f"nothing is known of {kind}")


def _number(kind: inspect.IntType, name: str, rng: Random, known: Mapping[str, Iterable[Any]]) -> int:
    at_home = list(known.get(name, ()))
    if at_home and rng.random() < 0.8:
        return int(rng.choice(at_home))
    least = -(10**31) if kind.ge is None else kind.ge
    most = 10**31 if kind.le is None else kind.le
    return max(least, min(most, rng.choice(INTEGERS)))


def _text(kind: inspect.StrType, name: str, rng: Random, known: Mapping[str, Iterable[Any]]) -> str:
    at_home, chance = list(known.get(name, ())), rng.random()
    if at_home and chance < 0.8:
        return str(rng.choice(at_home))
    if kind.pattern is None:
        return rng.choice(TEXTS)[: kind.max_length or 1000]
    if chance < 0.95:
        every = [each for values in known.values() for each in values if isinstance(each, str)]
        return str(rng.choice([each for each in every if each and re.match(kind.pattern, each)]))
    length = rng.choice((kind.min_length or 0, 1, 64))
    return "".join(rng.choice(LETTERS) for _ in range(min(length, kind.max_length or 64)))
