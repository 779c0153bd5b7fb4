"""Choosing from the menu."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordering.menu import Menu, choose, find
from ordering.refused import Refused
from ordering.restaurant import DEMO, read

MENU = read(DEMO).menu
WITH_CHOICES = [item for item in MENU.items if item.groups]


def test_a_required_group_must_be_chosen_from(menu: Menu) -> None:
    item = next(item for item in menu.items if any(menu.group[group].min for group in item.groups))
    with pytest.raises(Refused) as error:
        choose(menu, item, [])
    assert error.value.word == "bad_choice"
    assert error.value.details["least"] == 1


def test_more_than_a_group_allows_is_refused(menu: Menu) -> None:
    item = next(item for item in menu.items if any(menu.group[group].max == 1 for group in item.groups))
    group = next(menu.group[group] for group in item.groups if menu.group[group].max == 1)
    with pytest.raises(Refused) as error:
        choose(menu, item, [modifier.id for modifier in group.modifiers])
    assert error.value.word == "bad_choice"


def test_a_modifier_of_another_item_is_refused(menu: Menu) -> None:
    item = find(menu, next(item.id for item in menu.items if not item.groups))
    with pytest.raises(Refused) as error:
        choose(menu, item, ["hot"])
    assert error.value.word == "no_such_modifier"


@given(st.data())
def test_what_is_chosen_is_within_every_group_or_refused(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from(WITH_CHOICES))
    groups = [MENU.group[group] for group in item.groups]
    ids = [modifier.id for group in groups for modifier in group.modifiers]
    wanted = data.draw(st.lists(st.sampled_from([*ids, "foreign"]), max_size=6))
    allowed = set(wanted) <= set(ids) and len(set(wanted)) == len(wanted)
    allowed = allowed and all(
        group.min <= sum(modifier.id in wanted for modifier in group.modifiers) <= group.max for group in groups
    )
    if allowed:
        assert sorted(choice.id for choice in choose(MENU, item, wanted)) == sorted(wanted)
        return
    with pytest.raises(Refused) as error:
        choose(MENU, item, wanted)
    assert error.value.word in ("bad_choice", "no_such_modifier")
