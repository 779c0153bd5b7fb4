"""What Lighthouse says of the guests' page: a phone on a slow network, 120 dishes, a busy table.

Fails when a budget does. Needs node 18 or later with npm; takes Lighthouse itself from the npm registry, pinned in
`lighthouse/package-lock.json`.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE.parent), str(HERE.parent / "browser")]

from actors import tables, tell  # noqa: E402
from evening import busy_table  # noqa: E402
from long_menu import long_menu  # noqa: E402
from machines import Server, short_folder  # noqa: E402
from phones import chromium  # noqa: E402

HOME = HERE / "lighthouse"
PROGRAM = HOME / "node_modules" / "lighthouse" / "cli" / "index.js"
RUNS = 3  # the median of so many counts
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
BUDGETS = {
    "performance": (98, "at least"),
    "accessibility": (100, "at least"),
    "best-practices": (100, "at least"),
    "cumulative-layout-shift": (0, "at most"),
    "total-blocking-time": (50, "at most"),
}
FIGURES = ("first-contentful-paint", "largest-contentful-paint", "speed-index", "total-byte-weight", "network-requests")


def install() -> None:
    """Lighthouse as pinned, once."""
    if PROGRAM.exists():
        return
    if not shutil.which("npm"):
        sys.exit("make lighthouse needs node 18 or later with npm")
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(command, cwd=HOME, check=True, env={**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"})


def report(address: str, path: Path) -> dict[str, Any]:
    """One run on this address, as Lighthouse tells it."""
    command = ["node", str(PROGRAM), address, "--quiet", "--output=json", f"--output-path={path}"]
    command += [f"--chrome-flags={FLAGS}", "--max-wait-for-load=20000"]
    subprocess.run(command, check=True, env={**os.environ, "CHROME_PATH": chromium()})
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def figures(told: dict[str, Any]) -> dict[str, float]:
    """Scores in per cent, times in ms, sizes in bytes."""
    found = {name: round(each["score"] * 100) for name, each in told["categories"].items()}
    for name in (*BUDGETS, *FIGURES):
        audit = told["audits"].get(name)
        if name == "network-requests" and audit:
            items = [each for each in audit["details"]["items"] if not each["url"].startswith("data:")]
            found[name] = len(items)
            found["other hosts"] = len({each["url"].split("/")[2] for each in items}) - 1
        elif audit and "numericValue" in audit:
            found[name] = round(audit["numericValue"], 3)
    return found


def failed(told: dict[str, Any]) -> list[str]:
    """Audits that are not perfect, in words."""
    references = [each for name in told["categories"] for each in told["categories"][name]["auditRefs"]]
    audits = [told["audits"][each["id"]] for each in references if each["weight"]]
    return sorted({f"{each['id']}: {each['title']}" for each in audits if each["score"] not in (None, 1)})


def main() -> None:
    """Prints the table; exit status 1 when a budget is not kept."""
    install()
    with short_folder() as folder:
        server = Server(folder, 1, f"--restaurant={long_menu(folder)}").start()
        try:
            code = tell(busy_table(server, 0))
            assert tell(tables(server.port))
            address = f"http://localhost:{server.port}/t/{code}"
            told = [report(address, folder / f"{run}.json") for run in range(RUNS)]
        finally:
            server.stop()
    runs = [figures(each) for each in told]
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    broken = []
    for name, value in median.items():
        limit, side = BUDGETS.get(name, (None, ""))
        kept = limit is None or (value >= limit if side == "at least" else value <= limit)
        print(
            f"{name:28} {value:>12,.3f}  {f'{side} {limit}' if limit is not None else ''}{'' if kept else '  BROKEN'}"
        )
        broken += [] if kept else [name]
    print("\nNot perfect:", *failed(told[-1]), sep="\n  ")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
