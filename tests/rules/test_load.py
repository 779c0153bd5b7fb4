"""How the kitchen's load follows from what is open, and what guests can have at each level."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from stories import MENU, refused

from ordering.load import (
    LASTS,
    PRESSURE,
    RELIEF,
    WORDS,
    Level,
    Load,
    chosen,
    followed,
    minutes,
    must_be_quick,
    must_take,
    pressure,
)
from ordering.menu import Capacity
from ordering.pace import Pace

MINUTE = 60_000
MADE_FOR = Capacity(tickets=10, minutes=20, most="paused")
QUIET = Pace()


def at_pressure(load: Load, level: float, at: int, capacity: Capacity = MADE_FOR) -> Load:
    """What follows."""
    return followed(load, level, QUIET, capacity, at)


def test_the_level_rises_at_once_and_falls_when_it_has_been_clearly_less_for_a_while() -> None:
    busy = at_pressure(Load(), PRESSURE[Level.BUSY], 1000)
    assert (busy.level, busy.at) == (Level.BUSY, 1000)
    assert at_pressure(busy, PRESSURE[Level.PAUSED], 1001).level == Level.PAUSED
    just_less = PRESSURE[Level.BUSY] - 0.01
    assert at_pressure(busy, just_less, 1000 + 10 * LASTS) is busy
    clearly_less = PRESSURE[Level.BUSY] * RELIEF - 0.01
    assert at_pressure(busy, clearly_less, 1000 + LASTS - 1) is busy
    assert at_pressure(busy, clearly_less, 1000 + LASTS) == Load(Level.CALM, 1000 + LASTS)


def test_it_falls_to_the_level_that_still_holds() -> None:
    paused = Load(Level.PAUSED, 0)
    assert at_pressure(paused, PRESSURE[Level.SLOW], LASTS).level == Level.SLOW
    assert at_pressure(paused, PRESSURE[Level.PAUSED] * RELIEF, LASTS).level == Level.PAUSED


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5 * MINUTE)), max_size=40))
def test_it_never_flickers(steps: list[tuple[float, int]]) -> None:
    load, now, fell = Load(), 0, -LASTS
    for level, span in steps:
        now += span
        before, load = load, at_pressure(load, level, now)
        if load.level < before.level:
            assert now - before.at >= LASTS
            fell = now
    assert load.at <= now
    assert fell <= now


def test_it_goes_no_further_by_itself_than_the_shop_lets_it() -> None:
    shy = replace(MADE_FOR, most="busy")
    assert at_pressure(Load(), 9.0, 1, shy).level == Level.BUSY


def test_what_somebody_has_set_stays_until_it_is_left_to_itself() -> None:
    for word, level in WORDS.items():
        load = chosen(word, QUIET, "Mei", 5)
        assert (load.level, load.by) == (level, "Mei")
        assert at_pressure(load, 9.0, 10 * LASTS) is load
    auto = chosen("auto", QUIET, "Mei", 5)
    assert at_pressure(auto, 9.0, 6).level == Level.PAUSED


def test_the_pressure_is_the_worse_of_tickets_and_time_and_none_in_an_empty_kitchen() -> None:
    slow = Pace({"wok": (38 * MINUTE,) * 5, "bar": (2 * MINUTE,) * 5})
    assert minutes(slow) == 40
    assert pressure(5, QUIET, MADE_FOR) == 0.5
    assert pressure(5, slow, MADE_FOR) == 2.0
    assert pressure(0, slow, MADE_FOR) == 0.0
    assert followed(Load(), 2.0, slow, MADE_FOR, 1).minutes == 40


@pytest.mark.parametrize("level", Level)
def test_what_guests_can_have_at_each_level(level: Level) -> None:
    load, dish = Load(level), MENU.items[0]
    if level is Level.PAUSED:
        with refused("paused"):
            must_take(load)
    else:
        must_take(load)
    must_be_quick(load, replace(dish, slow=False))
    if level >= Level.SLOW:
        with refused("slow_dish"):
            must_be_quick(load, replace(dish, slow=True))
    else:
        must_be_quick(load, replace(dish, slow=True))
