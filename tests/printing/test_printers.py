"""A printer is believed when it says that it has printed, and never else."""

import asyncio
from collections.abc import Iterator

import pytest
from fake_printer import FakePrinter, Manner, fake_printer, refusing_port

from ordering import printers
from ordering.menu import Printer
from ordering.printers import Delivered, deliver, trouble
from ordering.slips import Why

JOB = b"\x1b@\x1c&" + "宫保鸡丁 one line and a little more of it\n".encode("gb18030") * 3 + b"\x1bd\x06\x1dV\x00"


@pytest.fixture
def printer(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePrinter]:
    """A printer that works; whoever waits for it is impatient."""
    monkeypatch.setattr(printers, "ANSWERED_WITHIN", 0.3)
    monkeypatch.setattr(printers, "PRINTED_WITHIN", 0.5)
    with fake_printer() as running:
        yield running


def given(printer: FakePrinter, says: bool = True) -> tuple[Delivered, int]:
    """What became of a job, and how often it was asked for."""
    asked = 0

    async def claim() -> bool:
        nonlocal asked
        asked += 1
        return says

    where = Printer("wok", {}, "127.0.0.1", printer.port)
    return asyncio.run(deliver(where, JOB, claim)), asked


def test_a_job_is_printed_when_the_printer_says_so(printer: FakePrinter) -> None:
    assert given(printer) == (Delivered("printed"), 1)
    assert [paper.count("宫保鸡丁") for paper in printer.papers] == [3]
    printer.manner = "slow"
    assert given(printer) == (Delivered("printed"), 1)


def test_a_job_that_is_not_claimed_is_not_sent(printer: FakePrinter) -> None:
    assert given(printer, says=False) == (Delivered("not_sent"), 1)
    assert printer.jobs == 0


@pytest.mark.parametrize(
    ("trait", "why"), [("paper_end", Why.PAPER), ("cover_open", Why.COVER)], ids=["no paper", "cover open"]
)
def test_a_printer_that_says_it_can_not_is_not_asked_to(printer: FakePrinter, trait: str, why: Why) -> None:
    setattr(printer, trait, True)
    assert given(printer) == (Delivered("not_sent", why), 0)
    setattr(printer, trait, False)
    assert given(printer) == (Delivered("printed"), 1)


def test_a_printer_that_hears_nothing_or_is_not_there_gets_no_job(printer: FakePrinter) -> None:
    printer.manner = "hears nothing"
    assert given(printer) == (Delivered("not_sent", Why.SILENT), 0)
    printer.unplug()
    assert given(printer) == (Delivered("not_sent", Why.UNREACHABLE), 0)
    printer.manner = "well"
    printer.plug_in()
    assert given(printer) == (Delivered("printed"), 1)


@pytest.mark.parametrize("manner", ["never confirms", "late", "cut in the middle", "vanishes after printing"])
def test_what_is_not_confirmed_is_perhaps_printed(printer: FakePrinter, manner: Manner) -> None:
    printer.manner = manner
    assert given(printer) == (Delivered("unknown", Why.UNCONFIRMED), 1)
    assert printer.jobs == 1
    assert len(printer.papers) == (0 if manner == "cut in the middle" else 1)


def test_paper_that_ends_in_the_middle_of_a_job_leaves_it_in_doubt(printer: FakePrinter) -> None:
    async def story() -> Delivered:
        async def claim() -> bool:
            printer.paper_end = True
            return True

        return await deliver(Printer("wok", {}, "127.0.0.1", printer.port), JOB, claim)

    assert asyncio.run(story()).outcome == "unknown"
    printer.paper_end = False


def test_a_printer_is_asked_how_it_is_without_a_job(printer: FakePrinter) -> None:
    where = Printer("wok", {}, "127.0.0.1", printer.port)
    assert asyncio.run(trouble(where)) is None
    printer.cover_open = True
    assert asyncio.run(trouble(where)) == Why.COVER
    assert asyncio.run(trouble(Printer("wok", {}, "127.0.0.1", refusing_port()))) == Why.UNREACHABLE
    assert printer.jobs == 0
