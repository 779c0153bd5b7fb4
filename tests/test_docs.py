"""What the papers promise is what the program has, and the other way round."""

import re
from pathlib import Path
from typing import Any, get_args

import msgspec

from ordering import commands
from ordering.app import ROUTES
from ordering.options import MANAGER_PASSWORD, STORE_PASSWORD, TABLE
from ordering.refused import WORDS

ROOT = Path(__file__).parent.parent
API = (ROOT / "docs" / "api.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def test_every_route_is_documented() -> None:
    for pattern, _ in ROUTES:
        last = next((f"{{{name}}}" for name in ("op", "item", "line") if f"/{name}/" in pattern), "")
        first = {"pictures": "{name}", "floor": "{table}"}.get(pattern.split("/")[1], "{code}")
        names = iter([first, last])
        path = re.sub(r"\([^)]*\)", lambda _: next(names), pattern)  # noqa: B023
        assert f"`{path}`" in API or f" {path}`" in API, path


def test_every_command_and_its_fields_are_documented() -> None:
    for union in (commands.Diner, commands.Kitchen, commands.Floor, commands.Manage):
        for command in get_args(union):
            fields = [field.encode_name for field in msgspec.structs.fields(command) if field.name != "op"]
            rows = [row for row in API.splitlines() if row.startswith(f"| `{command.__struct_config__.tag}` |")]
            assert rows, command
            for field in fields:
                assert any(f"`{field}`" in row for row in rows), (command, field)


def test_every_error_word_is_documented_with_its_status() -> None:
    for word, entry in WORDS.items():
        assert f"| `{word}` | {entry.status} |" in API, word
    listed = set(re.findall(r"^\| `(\w+)` \| \d{3} \|", API, re.MULTILINE))
    assert listed == WORDS.keys()


def test_every_option_is_documented_with_its_default() -> None:
    for option in TABLE:
        default: Any = option.default if option.default != "" else ""
        assert f"| `--{option.name}={default}` |" in OPERATIONS, option
    for variable in (MANAGER_PASSWORD, STORE_PASSWORD):
        assert variable in OPERATIONS


def test_the_licence_of_every_pinned_package_is_listed() -> None:
    licences = (ROOT / "docs" / "licences.md").read_text()
    pins = re.findall(r"^([\w.-]+)==([^ ;\\]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert len(pins) > 20
    for name, version in pins:
        assert f"| {name} | {version.strip()} |" in licences, f"{name} {version}"


def test_every_link_of_the_papers_leads_somewhere() -> None:
    for paper in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("nginx/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", paper.read_text()):
            assert (paper.parent / target).exists(), (paper, target)


def test_every_make_target_of_the_papers_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for paper in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        assert set(re.findall(r"`make ([a-z-]+)", paper.read_text())) <= targets
