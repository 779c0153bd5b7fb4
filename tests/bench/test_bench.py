"""The measuring programs measure what they say: a moved ratio is found, and a short dinner ends without an error."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


from diners import Page, Tally  # noqa: E402
from peers import IN_HTML, OURS, pairs_say, wrong  # noqa: E402
from peers import table as beside  # noqa: E402
from ratios import Ratio, _of_json, combined, moved  # noqa: E402
from swarm import frame  # noqa: E402


def test_a_ratio_within_its_noise_has_not_moved() -> None:
    assert moved("pages", Ratio(1.14), Ratio(1.0, 0.15)) == ("", False)
    assert moved("pages", Ratio(1.09), Ratio(1.0, 0.0)) == ("", False)  # nobody's rounds are that quiet


def test_a_ratio_that_rises_is_worse_unless_more_is_better() -> None:
    sentence, worse = moved("pages", Ratio(1.3), Ratio(1.0, 0.15))
    assert worse
    assert "+30%" in sentence
    assert moved("a second", Ratio(1.3), Ratio(1.0, 0.15, "higher"))[1] is False
    assert moved("a second", Ratio(0.7), Ratio(1.0, 0.15, "higher"))[1] is True


def test_a_ratio_that_nobody_stored_is_said_and_is_not_worse() -> None:
    sentence, worse = moved("pages", Ratio(1.3), None)
    assert "not stored" in sentence
    assert not worse


def test_rounds_are_combined_into_their_median_with_the_range_as_noise() -> None:
    runs = [{"pages": Ratio(value)} for value in (1.0, 1.2, 1.1)]
    found = combined(runs)["pages"]
    assert found.value == 1.1
    assert abs(found.noise - 0.2 / 1.1) < 1e-9


def test_ratios_that_a_bench_wrote_may_stand_in_groups() -> None:
    written = {"× hello": {"page": 1.5}, "a second": {"value": 9, "better": "higher"}}
    assert _of_json("pages", written) == {"pages, × hello: page": Ratio(1.5), "pages: a second": Ratio(9, 0, "higher")}


def test_a_peer_that_takes_half_stands_as_two_in_the_table() -> None:
    def trial(us: float) -> dict[str, dict[str, float]]:
        return {"fixed": {"server_us": us, "others_cpu": 0.0, "stolen_cpu": 0.0}}

    found = {OURS: {"main": [trial(50)]}, IN_HTML: {"main": [trial(75)]}, "tornado": {"main": [trial(25)]}}
    assert beside(found, OURS)[-1] == "| tornado | 2.00 |"
    assert beside(found, IN_HTML)[2] == "| ordering | 1.50 |"


def test_pairs_say_their_median_and_in_how_many_ours_is_below() -> None:
    def trial(fixed: float, closed: float) -> dict[str, dict[str, float]]:
        return {"fixed": {"server_us": fixed}, "closed": {"server_us": closed}}

    pairs = [(trial(90, 30), trial(100, 20)), (trial(110, 10), trial(100, 20)), (trial(80, 30), trial(100, 20))]
    assert pairs_say(pairs, 8) == [
        "8 × 2: median 0.90 (0.80 to 1.10), ours below in 2 of 3 pairs",
        "8 × 2 saturated: median 1.50 (0.50 to 1.50), ours below in 1 of 3 pairs",
    ]


def test_a_run_whose_processes_were_not_counted_is_wrong() -> None:
    trial = {"fixed": {"server_us": 0.3}, "lost": 0}
    assert wrong({OURS: {"main": [trial]}})
    assert wrong({OURS: {"main": [{"lost": 3}]}})


def test_a_frame_of_any_size_says_its_size() -> None:
    assert frame(b"x" * 125)[:2] == b"\x81\xfd"
    assert frame(b"x" * 126)[:4] == b"\x81\xfe\x00\x7e"


class AnsweredSo(Page):
    """A page whose commands get these answers, one after the other."""

    def __init__(self, *answers: dict[str, object]) -> None:
        super().__init__(Tally(), 0, "", "")
        self.answers = list(answers)
        self.ops: list[str] = []
        self.transport = asyncio.Transport()

    def send(self, payload: bytes) -> None:
        op = json.loads(payload)["op"]
        self.ops.append(op)
        self.heard(self, json.dumps({"op": op, **self.answers.pop(0)}).encode())


def test_a_command_that_was_busy_and_then_taken_is_no_error() -> None:
    page = AnsweredSo({"error": "busy"}, {"ok": True, "v": 3})
    assert asyncio.run(page.do("call"))["v"] == 3
    assert len(page.ops) == 2
    assert len(set(page.ops)) == 1, "the same op: it is done once"
    assert (page.tally.counts["busy, then taken"], page.tally.counts["errors"]) == (1, 0)
    assert len(page.tally.took["tap to answer"]) == 1


def test_a_command_that_is_refused_otherwise_is_an_error() -> None:
    page = AnsweredSo({"error": "busy"}, {"error": "malformed"})
    assert asyncio.run(page.do("call")) == {}
    assert (page.tally.counts["busy, then taken"], page.tally.counts["errors"]) == (0, 1)


def test_a_short_dinner_at_two_tables_ends_without_an_error() -> None:
    given = ["--shops=1", "--tables=2", "--guests=2", "--minutes=0.02", "--still=0.2"]
    command = [sys.executable, str(HERE / "dinner.py"), *given]
    told = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    assert "Errors: 0." in told.stdout
    assert " parties, " in told.stdout
