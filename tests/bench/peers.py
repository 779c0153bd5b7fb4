"""This server beside servers that only relay, as ratios: JSON view and HTML view, against each peer of the same run.

    python tests/bench/peers.py                                   all shapes, all peers: about 17 minutes
    python tests/bench/peers.py --quick --only=tornado,node-ws    the main shape, two families: a minute and a half
    python tests/bench/peers.py --pairs=starlette-sansio          in turns with one peer, 15 times: five minutes
    python tests/bench/peers.py --report=FILE                     the tables of an earlier run's JSON

The peers live beside this project in ../shared/peers; name another place in the environment: PEERS=…/peers. Each peer
lets diners of a table hold a WebSocket; one sends a command, every one gets an update through Redis. Ours decides,
checks, commits and renders meanwhile; a peer only passes the message on.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from ratios import note  # noqa: E402

PEERS = Path(os.environ.get("PEERS") or HERE.parent.parent.parent / "shared" / "peers")
HOME = Path(os.environ.get("BENCH_HOME") or Path(tempfile.gettempdir()) / "bench" / "relay")
OURS, IN_HTML = "ordering", "ordering (html)"
LOUD = 0.3  # of a core used by others: such a trial counts only when there is no quiet one (as in the peers' `run`)
PAIRS = 15  # of trials, when nothing else is asked for
COUNTED = 2.0  # µs for a delivered message: nothing takes less that decides and sends it
REFERENCES = ("floor: Python", "tornado-table", "tornado-best", "starlette", "python-socketio", "node-ws")  # kept


class Column(NamedTuple):
    """A ratio: of which trials, of which phase (None: of the trial itself), of which number."""

    title: str
    shape: str
    phase: str | None
    key: str
    better: str = "lower"


COLUMNS = (
    Column("2 × 2 µs", "2x2", "fixed", "server_us"),
    Column("8 × 2 µs", "main", "fixed", "server_us"),
    Column("32 × 2 µs", "32x2", "fixed", "server_us"),
    Column("8 × 1 µs", "8x1", "fixed", "server_us"),
    Column("8 × 4 µs", "8x4", "fixed", "server_us"),
    Column("2 × 4 µs", "2x4", "fixed", "server_us"),
    Column("8 × 2 saturated µs", "main", "closed", "server_us"),
    Column("8 × 2 saturated msg/s", "main", "closed", "per_s", "higher"),
    Column("8 × 2 p50", "main", "fixed", "p50_ms"),
    Column("8 × 2 p99", "main", "fixed", "p99_ms"),
    Column("KiB/conn", "memory", None, "rss_per_conn"),
)

PAIRED = (2, 8, 32)  # diners at a table
PHASES = (("fixed", "× 2"), ("closed", "× 2 saturated"))  # of a trial in pairs

Trial = dict[str, Any]
Results = dict[str, dict[str, list[Trial]]]


def installed(if_there: bool) -> None:
    """Ends the program where the peers are not: with an error, or without one when they need not be there."""
    if if_there and not ((PEERS / "run").exists() and (HOME / "load").exists()):
        print(f"no peers in {PEERS} or not installed in {HOME}: left out")
        sys.exit()
    if not (PEERS / "run").exists():
        sys.exit(f"no peers in {PEERS}: name the folder of the relay comparison, PEERS=… python tests/bench/peers.py")
    if not (HOME / "load").exists():
        sys.exit(f"the peers are not installed in {HOME}: {PEERS}/setup (or set BENCH_HOME)")


def measure(given: argparse.Namespace) -> Results:
    """Runs the comparison and returns its results: peer → shape → trials."""
    path = Path(given.json) if given.json else HOME / "ordering.json"
    command = [sys.executable, str(PEERS / "run"), f"--json={path}"]
    command += [f"--also={HERE / 'peer_html.py'}", f"--also={HERE / 'peer.py'}"]
    command += ["--quick"] if given.quick else []
    command += [f"--only=ordering,{given.only}"] if given.only else []
    command += [f"--rounds={given.rounds}"] if given.rounds else []
    subprocess.run(command, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    return results(path)


def in_pairs(rival: str, diners: int, rounds: int) -> list[tuple[Trial, Trial]]:
    """Ours and one peer in turns over two processes, the one that begins changing: what the machine does in the minutes
    between two trials of a full run moves a ratio more than what is asked."""
    sys.path[:0] = [str(PEERS)]
    sys.dont_write_bytecode = True
    loader = SourceFileLoader("comparison", str(PEERS / "run"))  # its name does not end as a module's does
    comparison: Any = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(comparison)
    from peer import PEER as ours

    peers = {each.name: each for each in comparison.peers.PEERS}
    if rival not in peers:
        sys.exit(f"no peer {rival}: one of {', '.join(sorted(peers))}")
    tables, rate = comparison.CONNECTIONS // diners, comparison.DELIVERIES / diners
    found = []
    for number in range(rounds):
        trials = {}
        for each in (ours, peers[rival])[:: -1 if number % 2 else 1]:
            trials[each.name] = comparison.attempt(
                each, 2, diners, tables, rate=rate, warm=0.7, seconds=2.5, closed=1.5
            )
        pair = trials[OURS], trials[rival]
        found.append(pair)
        if any("error" in trial for trial in pair):
            print(f"{number + 1}: failed, and does not count")
            continue
        said = (
            f"{diners} {title} " + " by ".join(f"{trial[phase]['server_us']:.1f}" for trial in pair)
            for phase, title in PHASES
        )
        print(f"{number + 1}:", ", ".join(said), "µs", flush=True)
    return found


def pairs_say(pairs: list[tuple[Trial, Trial]], diners: int) -> list[str]:
    """Of each phase: the median of the pairs, the lowest and the highest, and in how many ours is below."""
    lines = []
    whole = [pair for pair in pairs if not any("error" in trial for trial in pair)]
    if not whole:
        return ["no pair was measured"]
    for phase, title in PHASES:
        ratios = sorted(ours[phase]["server_us"] / theirs[phase]["server_us"] for ours, theirs in whole)
        lines.append(
            f"{diners} {title}: median {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), "
            f"ours below in {sum(each < 1 for each in ratios)} of {len(ratios)} pairs"
        )
    return lines


def results(path: Path) -> Results:
    """What a run has written."""
    return dict(json.loads(path.read_text())["peers"])


def number(trials: list[dict[str, Any]], column: Column) -> float | None:
    """The median of the quiet trials; of all where none was quiet; None where there is none."""
    phase = column.phase
    whole = [trial for trial in trials if column.key in (trial.get(phase, {}) if phase else trial)]
    quiet = [trial for trial in whole if phase and _others(trial[phase]) <= LOUD]
    values = [(trial[phase] if phase else trial)[column.key] for trial in quiet or whole]
    return statistics.median(values) if values else None


def _others(window: dict[str, float]) -> float:
    return max(0.0, window["others_cpu"]) + max(0.0, window["stolen_cpu"])


def ratio(found: Results, ours: str, theirs: str, column: Column) -> float | None:
    """Ours by theirs; None when one of them was not measured, or is nothing."""
    numbers = [number(found.get(name, {}).get(column.shape, []), column) for name in (ours, theirs)]
    return numbers[0] / numbers[1] if numbers[0] and numbers[1] else None


def table(found: Results, ours: str) -> list[str]:
    """Markdown: a row for each peer, a column for each ratio that was measured."""
    rivals = [name for name in found if name not in (ours, IN_HTML)]
    rows = {name: [ratio(found, ours, name, column) for column in COLUMNS] for name in rivals}
    shown = [place for place in range(len(COLUMNS)) if any(row[place] is not None for row in rows.values())]
    lines = [f"| **{ours}** by | " + " | ".join(COLUMNS[place].title for place in shown) + " |"]
    lines.append("|---|" + "--:|" * len(shown))
    for name, row in rows.items():
        cells = ("–" if row[place] is None else f"{row[place]:.2f}" for place in shown)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def wrong(found: Results) -> list[str]:
    """What must not be in a result of ours."""
    said = []
    for name in (OURS, IN_HTML):
        for shape, trials in found.get(name, {}).items():
            for trial in trials:
                faults = {key: trial.get(key) for key in ("error", "lost", "duplicated", "reordered", "bad")}
                if trial.get("fixed", {}).get("server_us", COUNTED) < COUNTED:
                    faults["its processes were not counted"] = True
                if any(faults.values()):
                    said.append(f"{name}, {shape}: { ({key: value for key, value in faults.items() if value}) }")
    return said


def main() -> None:
    """Exit status 1 when an update of ours was lost, or came twice, or in the wrong order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the main shape and memory, one round")
    parser.add_argument("--only", default="", help="peers whose name contains one of these, with commas between")
    parser.add_argument("--pairs", default="", help="in turns with this peer, by its whole name")
    parser.add_argument("--diners", type=int, choices=PAIRED, default=8, help="at a table, in pairs (8)")
    parser.add_argument("--rounds", type=int, help=f"of the main shape (3; 1 when quick; {PAIRS} pairs)")
    parser.add_argument("--json", help="where the results go (default: ordering.json in BENCH_HOME)")
    parser.add_argument("--report", help="print the tables of an earlier run's JSON file")
    parser.add_argument("--if-there", action="store_true", help="nothing is to be done where there are no peers")
    given = parser.parse_args()
    if not given.report:
        installed(given.if_there)
    if given.pairs:
        pairs = in_pairs(given.pairs, given.diners, given.rounds or PAIRS)
        print("\nOurs by theirs", *pairs_say(pairs, given.diners), sep="\n")
        sys.exit("\n".join(wrong({OURS: {"pairs": [ours for ours, _ in pairs]}})) or None)
    found = results(Path(given.report)) if given.report else measure(given)
    print("\nOurs by theirs; below 1 we take less (msg/s: above 1 we do more)")
    for ours in (OURS, IN_HTML):
        print("", *table(found, ours), sep="\n")
    if not given.report:
        for name in (*REFERENCES, IN_HTML):
            for column in COLUMNS:
                ours, theirs = (IN_HTML, OURS) if name == IN_HTML else (OURS, name)
                if column.key not in ("p50_ms", "p99_ms") and (value := ratio(found, ours, theirs, column)):
                    note(f"peers: {ours} by {theirs}, {column.title}", value, column.better)
    if faults := wrong(found):
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
