"""The command line: what is wrong is said in one line, with exit status 1 and no traceback."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from actors import Guest, tables, tell
from machines import ROOT, Server, free_ports, ready, short_folder, until

from ordering.embedded import _program


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the test's own."""
    with short_folder() as made:
        yield made


def fails(*arguments: str, env: dict[str, str] | None = None) -> str:
    """Runs it, expects failure, and returns its one line."""
    done = subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("run.py: ")
    return line


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--colour=red", "Unrecognized"),
        ("--port=eighty", "run.py: --port=eighty can't be used: a whole number"),
        ("--store-timeout=long", "run.py: --store_timeout=long can't be used: a number"),
        ("--demo=maybe", "run.py: --demo=maybe can't be used: true or false"),
        ("--port=0", "1 to 65535"),
        ("--processes=0", "1 to 64"),
        ("--store=mysql://x", "redis://"),
        ("--store=redis://host:port", "store"),
        ("--store_timeout=0", "seconds"),
        ("--store_connections=0", "1 to 1000"),
        ("--shop=a b", "a-z"),
        ("--public_url=ftp://x", "http(s)://"),
        ("--demo_tables=0", "1 to 2000"),
        ("--config=/nowhere/x.conf", "No such file"),
        ("--address=no.such.host.invalid", "not an address"),
        ("surplus", "not an option"),
    ],
)
def test_a_wrong_option_says_what_to_do(folder: Path, argument: str, words: str) -> None:
    assert words in fails(f"--data={folder / 'data'}", f"--port={free_ports(1)}", argument)


def test_a_config_file_that_is_wrong_is_named(folder: Path) -> None:
    config = folder / "x.conf"
    config.write_text("port = = 1\n")
    assert "x.conf" in fails(f"--config={config}")


def test_a_data_folder_that_can_not_be_written(folder: Path) -> None:
    (folder / "file").write_text("")
    line = fails(f"--data={folder / 'file' / 'data'}", f"--port={free_ports(1)}", "--demo")
    assert "can't be written" in line
    assert "--data" in line


def test_a_port_in_use(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        line = fails(f"--data={folder / 'data'}", f"--port={taken.getsockname()[1]}", "--demo")
    assert "another --port" in line


def test_a_second_one_on_the_same_folder(folder: Path) -> None:
    server = Server(folder).start()
    try:
        line = fails(f"--data={folder / 'data'}", f"--port={free_ports(1)}", "--demo")
        assert "in use by process" in line
        assert ready(server.port), "the first one goes on"
    finally:
        server.stop()


def test_an_empty_shop_without_a_restaurant(folder: Path) -> None:
    assert "--restaurant=FILE" in fails(f"--data={folder / 'data'}", f"--port={free_ports(1)}")


def test_a_restaurant_file_that_is_wrong(folder: Path) -> None:
    file = folder / "mine.toml"
    base = (ROOT / "ordering" / "demo" / "restaurant.toml").read_text()
    for text, words in (
        ("no toml", "no TOML"),
        (base.replace('category = "mains"', 'category = "mians"', 1), "'mians'"),
        (base.replace("price = ", "prise = ", 1), "prise"),
        (base.replace('currency = "CNY"', "", 1), "currency"),
    ):
        file.write_text(text)
        assert words in fails(f"--data={folder / 'data'}", f"--port={free_ports(1)}", f"--restaurant={file}")


def listens(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def guarded(folder: Path) -> Iterator[int]:
    """A store on TCP with a password."""
    port = free_ports(1)
    command = [_program(), "--port", str(port), "--requirepass", "sesame", "--save", "", "--bind", "127.0.0.1"]
    process = subprocess.Popen([*command, "--dir", str(folder), "--logfile", "log"])
    until(lambda: listens(port))
    yield port
    process.terminate()
    process.wait(10)


def test_a_store_that_needs_a_password(guarded: int) -> None:
    line = fails(f"--store=redis://127.0.0.1:{guarded}/0", f"--port={free_ports(1)}", "--demo")
    assert "ORDERING_STORE_PASSWORD" in line
    line = fails(f"--store=redis://:wrong@127.0.0.1:{guarded}/0", f"--port={free_ports(1)}", "--demo")
    assert "password" in line
    assert "wrong" not in line.replace("WRONGPASS", "")


def test_a_store_that_is_not_there() -> None:
    line = fails(f"--store=redis://127.0.0.1:{free_ports(1)}/0", f"--port={free_ports(1)}", "--demo")
    assert "does not answer" in line


def test_a_named_store_with_everything_set(folder: Path, guarded: int) -> None:
    config = folder / "ordering.conf"
    config.write_text("store_timeout = 3.0\nstore_connections = 8\ndemo = True\nshop = 'second'\n")
    os.environ["ORDERING_STORE_PASSWORD"] = "sesame"
    try:
        server = Server(folder, 2, f"--store=redis://127.0.0.1:{guarded}/3", f"--config={config}").start()
    finally:
        del os.environ["ORDERING_STORE_PASSWORD"]
    try:

        async def story() -> None:
            guest = Guest(server.port, (await tables(server.port))[0]["code"])
            await guest.scan()
            page = await guest.look(port=server.ports[1])
            await page.at((await guest.do("add", item="dongpo-pork"))["v"])

        tell(story())
        assert "NO append-only file" in server.said()
        assert not (folder / "data").exists(), "no bundled store beside a named one"
    finally:
        assert server.stop() == 0


def test_what_is_printed_at_the_first_and_at_the_second_start(folder: Path) -> None:
    first = Server(folder)
    command = [sys.executable, "run.py", f"--port={first.port}", f"--data={folder / 'data'}", "--demo"]
    quiet = {name: value for name, value in os.environ.items() if name != "ORDERING_MANAGER_PASSWORD"}
    said = []
    for _ in range(2):
        with (folder / "said.txt").open("w") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env={**quiet, "LANG": "C"}
            )
            until(lambda: ready(first.port), 30)
            process.terminate()
            assert process.wait(20) == 0
        said.append((folder / "said.txt").read_text("utf-8"))
    for text in said:
        assert re.search(r"Table 1 +http://\S+/t/[a-z2-9]{12}", text)
        assert "/kitchen" in text
        assert "/floor" in text
        assert "█" in text
        assert "synced before each answer" in text
    assert re.search(r"password \S{12} ", said[0])
    assert "password" not in said[1].split("Floor")[1]


@pytest.mark.parametrize("password", ["1234", "password1", "88888888"])
def test_a_first_password_that_protects_nothing_is_refused_in_a_line(folder: Path, password: str) -> None:
    command = [sys.executable, "run.py", f"--port={free_ports(1)}", f"--data={folder / 'data'}", "--demo"]
    env = {**os.environ, "ORDERING_MANAGER_PASSWORD": password}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, env=env)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done
    assert "take 8 characters or more" in done.stderr
    assert password not in done.stderr + done.stdout


def test_help_lists_every_option() -> None:
    from ordering.options import TABLE

    done = subprocess.run([sys.executable, "run.py", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    text = (done.stdout + done.stderr).replace("-", "_")
    assert all(f"__{option.name}" in text for option in TABLE)
