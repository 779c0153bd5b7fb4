"""A budget: so many at once, and then so many a second."""

from hypothesis import assume, given
from hypothesis import strategies as st

from ordering.limits import Budget, Rate

RATES = st.builds(Rate, st.floats(0.01, 1000), st.integers(1, 500).map(float))
TRIES = st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=60)


@given(RATES, st.floats(1, 1e6), TRIES)
def test_it_allows_what_a_bucket_of_tokens_would(rate: Rate, began: float, tries: list[tuple[float, bool]]) -> None:
    budget, left, now = Budget(rate), rate.at_once, began
    for pause, kept in tries:
        now, left = now + pause, min(rate.at_once, left + pause * rate.a_second)
        assume(abs(left - 1) > 1e-5)  # where rounding decides
        assert budget.has(now) == (left >= 1)
        if left >= 1:
            budget.take(now)
            left -= 1
            if not kept:
                budget.give_back()
                left += 1


def test_nobody_waits_longer_than_for_one() -> None:
    budget = Budget(Rate(2, 3))
    for _ in range(3):
        assert budget.has(100)
        budget.take(100)
    for _ in range(50):
        assert not budget.has(100.25), "who was refused has taken nothing"
    assert budget.has(100.5)
