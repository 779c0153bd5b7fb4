"""Evenings in which everything fails: nothing lost, nothing doubled, every page true. And that this proves something.

Longer and with other seeds: `make chaos` and `make soak`.
"""

import pytest
from chaos import faults
from chaos.evening import spend, tell
from chaos.faults import Fault

BROKEN = (
    ("number_only", faults.versions_come_again),
    ("no_reload", faults.subscribers_cut),
    ("no_version_check", faults.scripts_forgotten),
    ("forgets_ops", faults.scripts_forgotten),
    ("publishes_first", faults.scripts_forgotten),
    ("older_version", faults.scripts_forgotten),
    ("answers_early", faults.store_frozen),
)
OFTEN = 2  # of them, the ones that are hardest to find, in every run of the tests; `make chaos` begins with all
SECONDS = 30  # of an evening in every run of the tests: two of them are a minute
HUNT = 12  # seconds of an evening with a broken server: some five times what finds it
TRIES = 10  # such evenings in which a fault may hide: what is healed by the next message hides in every second one


@pytest.mark.parametrize("seed", [1, 2], ids=["in parts", "bundled"])
def test_an_evening_in_which_everything_fails_loses_nothing(seed: int) -> None:
    result = spend(seed, SECONDS)
    tell(result)
    assert not result.violations, "see above: the seed, what does not hold, and the shortest record of it"
    assert result.commands > 100
    assert sum(result.faults.values()) > 3
    assert "Traceback" not in result.said, result.said


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        pytest.param(*each, id=each[0], marks=pytest.mark.long if place >= OFTEN else ())
        for place, each in enumerate(BROKEN)
    ],
)
def test_a_server_that_is_broken_on_purpose_is_found_out(broken: str, fault: Fault) -> None:
    assert any(spend(seed, HUNT, broken, [fault], calm=1.0).violations for seed in range(TRIES))


@pytest.mark.long
@pytest.mark.parametrize(
    "fault", [pytest.param(fault, id=fault.__name__) for fault in dict.fromkeys(fault for _, fault in BROKEN)]
)
def test_a_server_that_is_whole_is_not_found_out(fault: Fault) -> None:
    """In the same evenings: what finds the broken ones is what they have, and not a busy machine."""
    assert not [violation for seed in range(2) for violation in spend(seed, HUNT, "", [fault], calm=1.0).violations]
