"""`make bench`: runs the benches, and says which of their ratios moved by more than the noise.

    python tests/bench/ratios.py                       all benches, beside what is stored; exit status 1 if worse
    python tests/bench/ratios.py idle growth           only these
    python tests/bench/ratios.py --store [--rounds=3]  runs them several times and stores the medians with their noise

Only ratios to a baseline of the same run are kept: seconds of one machine say nothing on another. A bench calls
`note("name", value)`, or takes `--json FILE` and writes `{"name": value}` there (`{"name": {"value", "better"}}` where
more is better; names may stand in groups).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
STORED = HERE / "ratios.json"
COLLECTED = "BENCH_RATIOS"  # the environment's name for the file that `note` appends to
LEAST = 0.10  # a ratio that moved by less has not moved, however quiet the rounds were that it was stored from


class Bench(NamedTuple):
    """A script beside this one."""

    name: str
    arguments: tuple[str, ...] = ()
    writes_json: bool = False


BENCHES = (
    Bench("measure"),
    Bench("display"),
    Bench("friday"),
    Bench("recovery"),
    Bench("pages", writes_json=True),
    Bench("views"),
    Bench("peers", ("--quick", "--if-there")),
    Bench("growth"),
    Bench("idle"),
)


class Ratio(NamedTuple):
    """Something beside its baseline; `noise` is the range of several runs, as a part of the value."""

    value: float
    noise: float = 0.0
    better: str = "lower"


def note(name: str, value: float, better: str = "lower") -> None:
    """Notes a ratio: kept when `make bench` runs the script, said in any case. `better` is "lower" or "higher"."""
    print(f"  ratio: {name} = {value:.3g}", flush=True)
    if path := os.environ.get(COLLECTED):
        with Path(path).open("a") as collected:
            collected.write(json.dumps({"name": name, "value": value, "better": better}) + "\n")


def moved(name: str, now: Ratio, before: Ratio | None) -> tuple[str, bool]:
    """What there is to say of a ratio, "" when it is where it was; and whether it got worse."""
    if before is None:
        return f"{name}: {now.value:.3g}, not stored yet", False
    change = now.value / before.value - 1
    if abs(change) <= max(LEAST, before.noise):
        return "", False
    worse = (change > 0) == (before.better == "lower")
    word = "WORSE" if worse else "better"
    return f"{name}: {before.value:.3g} → {now.value:.3g} ({change:+.0%}, noise ±{before.noise:.0%}): {word}", worse


def combined(runs: list[dict[str, Ratio]]) -> dict[str, Ratio]:
    """The medians of several runs, each with its noise."""
    values: dict[str, list[Ratio]] = {}
    for run in runs:
        for name, ratio in run.items():
            values.setdefault(name, []).append(ratio)
    found = {}
    for name, each in values.items():
        numbers = [ratio.value for ratio in each]
        middle = statistics.median(numbers)
        found[name] = Ratio(middle, (max(numbers) - min(numbers)) / middle if middle else 0.0, each[0].better)
    return found


def stored() -> dict[str, Ratio]:
    """What was stored last."""
    return {name: Ratio(**each) for name, each in json.loads(STORED.read_text()).items()} if STORED.exists() else {}


def store(found: dict[str, Ratio]) -> None:
    """Keeps these, and what was stored of others."""
    every = {**stored(), **found}
    rounded = {name: Ratio(round(each.value, 4), round(each.noise, 3), each.better) for name, each in every.items()}
    text = {name: each._asdict() for name, each in sorted(rounded.items())}
    STORED.write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n")


def run(bench: Bench) -> tuple[dict[str, Ratio], bool]:
    """The ratios of one run of a bench, and whether it ended well."""
    script = HERE / f"{bench.name}.py"
    with tempfile.TemporaryDirectory() as folder:
        collected, written = Path(folder, "notes"), Path(folder, "written.json")
        command = [sys.executable, str(script), *bench.arguments]
        if bench.writes_json:
            command += ["--json", str(written)]
        print(f"\n== {bench.name}", flush=True)
        status = subprocess.run(command, env={**os.environ, COLLECTED: str(collected)}).returncode
        notes = [json.loads(line) for line in collected.read_text().splitlines()] if collected.exists() else []
        found = {each.pop("name"): Ratio(**each) for each in notes}
        if written.exists():
            found |= _of_json(bench.name, json.loads(written.read_text()))
        return found, status == 0


def _of_json(name: str, written: dict[str, Any]) -> dict[str, Ratio]:
    found = {}
    for part, each in written.items():
        if isinstance(each, dict) and "value" in each:
            found[f"{name}: {part}"] = Ratio(each["value"], better=each.get("better", "lower"))
        elif isinstance(each, dict):
            found |= _of_json(f"{name}, {part}", each)
        else:
            found[f"{name}: {part}"] = Ratio(each)
    return found


def main() -> None:
    """Exit status 1 when a bench failed or a ratio got worse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="BENCH", help=", ".join(each.name for each in BENCHES))
    parser.add_argument("--store", action="store_true", help="keep what is measured now")
    parser.add_argument("--rounds", type=int, help="runs of each bench (3 to store, 1 to compare)")
    given = parser.parse_args()
    unknown = set(given.names) - {each.name for each in BENCHES}
    if unknown:
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    chosen = [each for each in BENCHES if not given.names or each.name in given.names]
    present = [each for each in chosen if (HERE / f"{each.name}.py").exists()]
    runs: list[dict[str, Ratio]] = []
    failed = []
    for _ in range(given.rounds or (3 if given.store else 1)):
        runs.append({})
        for bench in present:
            found, well = run(bench)
            runs[-1] |= found
            failed += [] if well else [bench.name]
    found, before = combined(runs), stored()
    print("\n== ratios")
    said = [moved(name, ratio, before.get(name)) for name, ratio in found.items()]
    for sentence, _ in said:
        if sentence:
            print(sentence)
    print(f"{sum(not sentence for sentence, _ in said)} of {len(said)} are where they were")
    if failed:
        print("failed:", ", ".join(dict.fromkeys(failed)))
    if given.store:
        store(found)
        print(f"stored in {STORED.name}")
    sys.exit(1 if failed or (not given.store and any(worse for _, worse in said)) else 0)


if __name__ == "__main__":
    main()
