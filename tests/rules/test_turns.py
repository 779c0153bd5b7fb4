"""Turns: one at a time, in order, and none is lost when somebody gives up."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordering.turns import Turns

LONG = 60.0  # seconds


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def in_time(seconds: float = LONG) -> float:
    return asyncio.get_running_loop().time() + seconds


async def takes(turns: Turns, name: str, who: int, had: list[int], until: float) -> None:
    """Has a turn, of a few rounds of the loop."""
    if not turns.at_once(name):
        await turns.wait(name, until)
    try:
        had.append(who)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert had[-1] == who, "somebody else had the turn meanwhile"
    finally:
        turns.over(name)


def test_turns_are_had_one_after_the_other_in_the_order_in_which_they_were_asked_for() -> None:
    async def story() -> None:
        turns, had = Turns(), list[int]()
        await asyncio.gather(*(takes(turns, "a", who, had, in_time()) for who in range(5)))
        assert had == [0, 1, 2, 3, 4]
        assert turns.at_once("a"), "the last one has given it back"

    run(story())


def test_what_has_another_name_does_not_wait() -> None:
    turns = Turns()
    assert turns.at_once("a")
    assert turns.at_once("b")
    assert not turns.at_once("a")


def test_who_waits_too_long_is_told_and_the_others_go_on() -> None:
    async def story() -> None:
        turns, had = Turns(), list[int]()
        assert turns.at_once("a")
        late = asyncio.create_task(takes(turns, "a", 1, had, in_time(0.01)))
        patient = asyncio.create_task(takes(turns, "a", 2, had, in_time()))
        with pytest.raises(TimeoutError):
            await late
        turns.over("a")
        await patient
        assert had == [2]

    run(story())


def test_a_turn_that_comes_while_its_owner_gives_up_goes_to_the_next() -> None:
    async def story() -> None:
        turns, had = Turns(), list[int]()
        assert turns.at_once("a")
        gone = asyncio.create_task(takes(turns, "a", 1, had, in_time()))
        patient = asyncio.create_task(takes(turns, "a", 2, had, in_time()))
        await asyncio.sleep(0)
        turns.over("a")  # it is the first one's now, who has not been told yet
        gone.cancel()
        await patient
        assert had == [2]
        assert gone.cancelled()

    run(story())


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 4)), max_size=30))
def test_whoever_stays_has_a_turn_whoever_else_leaves(people: list[tuple[int, bool, int]]) -> None:
    async def story() -> None:
        turns, had = Turns(), dict[int, list[int]]()
        tasks = []
        for who, (name, _, _) in enumerate(people):
            tasks.append(asyncio.create_task(takes(turns, str(name), who, had.setdefault(name, []), in_time())))
        for round in range(5):
            await asyncio.sleep(0)
            for task, (_, leaves, when) in zip(tasks, people, strict=True):
                if leaves and when == round:
                    task.cancel()
        async with asyncio.timeout(LONG):
            await asyncio.gather(*tasks, return_exceptions=True)
        for name, each in had.items():
            stayed = [who for who, (at, leaves, _) in enumerate(people) if at == name and not leaves]
            assert [who for who in each if who in stayed] == stayed
            assert turns.at_once(str(name))

    run(story())
