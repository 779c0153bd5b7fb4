"""Who may log in, how, and to what."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from stories import moment, refused

from ordering import staff as rules
from ordering.refused import Refused
from ordering.staff import ROOMS, TRIES, WAITS, Account, Staff

BOSS = Account("manager", "manager", "manager", "hash")
HOUSE = Staff((BOSS, Account("w", "Mei", "waiter", "", "hash"), Account("k", "Bo", "kitchen", "", "hash")))
NOW = replace(moment(), at=10_000_000, fresh="fresh")


def test_a_new_account_has_a_name_of_its_own_and_a_way_in() -> None:
    after = rules.add(HOUSE, "  Lin \n", "waiter", "", "hash", NOW)
    assert rules.account_of(after, "fresh") == Account("fresh", "Lin", "waiter", "", "hash", since=NOW.at)
    for name, word in (("mei", "name_taken"), (" ", "name_needed"), ("x" * 25, "too_long")):
        with refused(word):
            rules.add(HOUSE, name, "waiter", "", "hash", NOW)
    with refused("no_secret"):
        rules.add(HOUSE, "Lin", "waiter", "", "", NOW)
    with refused("too_many"):
        rules.add(Staff((BOSS,) * rules.ACCOUNTS_MOST), "Lin", "waiter", "", "hash", NOW)


def test_another_name_keeps_the_login_and_another_role_or_secret_ends_it() -> None:
    renamed = rules.change(HOUSE, "w", "Mei Mei", "waiter", True, NOW)
    assert rules.logged_in(renamed, "w", NOW.at - 1) is not None
    for after in (
        rules.change(HOUSE, "w", "Mei", "kitchen", True, NOW),
        rules.secrets(HOUSE, "w", "", "other", NOW),
    ):
        assert rules.logged_in(after, "w", NOW.at - 1) is None
        assert rules.logged_in(after, "w", NOW.at) is not None
    gone = rules.change(HOUSE, "w", "Mei", "waiter", False, NOW)
    assert rules.logged_in(gone, "w", NOW.at + 1) is None
    assert rules.logged_in(HOUSE, "nobody", NOW.at) is None
    assert rules.logged_in(None, "w", NOW.at) is None
    with refused("no_secret"):
        rules.secrets(HOUSE, "w", "", "", NOW)
    with refused("no_such_account"):
        rules.secrets(HOUSE, "x", "", "hash", NOW)


def test_a_login_that_was_ended_is_over_and_the_others_of_the_account_go_on() -> None:
    first, second = NOW.at - 2, NOW.at - 1
    after = rules.left(HOUSE, "w", first, NOW)
    assert rules.logged_in(after, "w", first) is None
    assert rules.logged_in(after, "w", second) is not None
    assert rules.left(after, "w", first, NOW) == after
    tomorrow = replace(NOW, at=first + rules.LOGIN_LASTS + 1)
    assert rules.account_of(rules.left(after, "w", second, tomorrow), "w").ended == (second,)
    for login in range(1000):
        after = rules.left(after, "w", NOW.at + login, NOW)
    assert len(rules.account_of(after, "w").ended) == rules.ENDED_MOST


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(list(ROOMS)), st.booleans()), max_size=12))
def test_there_is_always_a_manager_with_a_password(steps: list[tuple[int, rules.Role, bool]]) -> None:
    house = rules.add(HOUSE, "Boss 2", "manager", "hash", "", NOW)
    for place, role, active in steps:
        account = house.accounts[place]
        with contextlib.suppress(Refused):
            house = rules.change(house, account.id, account.name, role, active, NOW)
        assert any(each.active and each.role == "manager" and each.password for each in house.accounts)


def test_wrong_pins_in_a_row_make_an_account_wait_and_a_right_one_ends_the_count() -> None:
    house = HOUSE
    for _ in range(TRIES - 1):
        house = rules.tried(house, "w", False, NOW)
    assert rules.account_of(rules.tried(house, "w", True, NOW), "w").wrong == 0
    house = rules.tried(house, "w", False, NOW)
    with refused("wait"):
        rules.tried(house, "w", True, replace(NOW, at=NOW.at + WAITS - 1))
    later = replace(NOW, at=NOW.at + WAITS)
    assert rules.account_of(rules.tried(house, "w", True, later), "w").waits == 0
    rules.must_not_wait(rules.account_of(house, "k"), NOW.at)


@pytest.mark.parametrize(
    ("password", "pin", "word"),
    [
        ("short", "", "weak_password"),
        ("x" * 201, "", "weak_password"),
        ("Password123", "", "easy_password"),
        ("12345678", "", "easy_password"),
        ("9876543210", "", "easy_password"),
        ("abababababab", "", "easy_password"),
        ("", "123", "bad_pin"),
        ("", "12ab", "bad_pin"),
        ("", "123456789", "bad_pin"),
        ("", "٣٤٥٦", "bad_pin"),
        ("", "1234", "weak_pin"),
        ("", "7777", "weak_pin"),
        ("", "8765", "weak_pin"),
    ],
)
def test_a_secret_that_is_none_is_refused(password: str, pin: str, word: str) -> None:
    with refused(word):
        rules.must_be_secret(password, pin)


def test_good_secrets_pass() -> None:
    rules.must_be_secret("correct horse", "")
    rules.must_be_secret("", "2580")
    rules.must_be_secret("", "")


def test_each_role_has_its_rooms() -> None:
    assert rules.may(BOSS, "manage")
    waiter, cook = HOUSE.accounts[1:]
    assert [rules.may(waiter, room) for room in ("kitchen", "floor", "manage")] == [True, True, False]
    assert [rules.may(cook, room) for room in ("kitchen", "floor", "manage")] == [True, False, False]
