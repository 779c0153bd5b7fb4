"""Who is connected and looks at what, and what each of them received last: pushes the differences.

All phones of an audience share one view and, when they received the same before, one encoded push. A phone that has
not read its last push is not queued for: when it has, it gets the difference to the newest view. So a slow phone
costs one push, and delays nobody. Nothing here waits for a phone.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

import msgspec

from ordering.clock import now
from ordering.documents import FLOOR, sitting_name
from ordering.floor import Floor
from ordering.limits import PAGES, PAGES_OF_A_GUEST, PAGES_OF_A_PARTY
from ordering.refused import Refused
from ordering.shelf import Shelf
from ordering.views.audience import Audience, build, needs
from ordering.views.blocks import View, difference, differs, settled

log = logging.getLogger(__name__)

BEAT_BOARD = 1.0  # seconds between signs of life to a staff board: it must say how fresh it is
BEATS_DINER = 15  # of them until there is one to a guest's page, which reconnects when it has heard nothing for 35 s
SILENCE = 20.0  # seconds after which a phone is asked whether it is there; it has as long to answer
STAGES_AT_ONCE = 50  # that a beat sees to, then whoever orders has a turn: of 1,000 tables all take 10 ms
PROBES = 5  # beats between looks at who has said nothing
STUCK_LONGEST = 20.0  # seconds that one push may take before the phone is dropped
LATELY = 200  # views of pages that are kept to make the next ones from; what they share is there once
PROOF_LASTS = 2.5  # seconds after which a look no longer proves a board's number


class Phone(Protocol):
    """A connected page."""

    full: bool
    """It has not read what was sent: whoever owns it calls `Seat.filled` when that begins, `Seat.drained` when it has
    read it."""

    def send(self, message: bytes) -> None:
        """Sends a text message, without waiting; does nothing when the phone is gone."""

    def probe(self, now: float, silence: float) -> None:
        """Asks for a sign of life if there was none for so many seconds, and drops whoever gives none."""

    def cut(self) -> None:
        """Ends the connection without waiting."""

    def dismiss(self) -> None:
        """Ends the connection for good."""


class Seat:
    """A phone in its audience: `had` is the view that it has, None where that is its stage's (`Stage.in_step`)."""

    __slots__ = ("full_since", "gone", "had", "owed_beat", "owner", "phone", "stage")

    def __init__(self, phone: Phone, stage: "Stage", owner: str = "") -> None:
        self.phone = phone
        self.stage = stage
        self.owner = owner
        self.had: View | None = None
        self.full_since = 0.0
        self.gone = False
        self.owed_beat = False

    @property
    def sent(self) -> View | None:
        """The view that the phone has, or is just getting."""
        return self.stage.view if self.phone in self.stage.in_step else self.had

    def filled(self) -> None:
        """The phone does not read what it is sent: it gets no more until it has."""
        self.stage.out_of_step(self)

    def drained(self) -> None:
        """The phone has read what it was sent."""
        self.full_since = 0.0
        if not self.gone:
            self.stage.catch_up(self)


class Live:
    """All connected pages of this process."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._stages: dict[Audience, Stage] = {}
        self._looking: dict[str, set[Stage]] = {}
        self._dirty: set[Stage] = set()
        self._beats = 0
        self._phase = 0
        self._beating: asyncio.Task[None] | None = None
        self.dropped = 0
        self._loose: set[asyncio.Task[None]] = set()
        self._lately: dict[Audience, View] = {}
        self._owned: dict[str, list[Seat]] = {}
        self._parties: Counter[str] = Counter()
        self._seats = 0
        shelf.listeners.append(self._changed)

    def start(self) -> None:
        """Begins to send signs of life."""
        self._beating = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        """Ends the signs of life."""
        if self._beating:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)

    def must_have_room(self) -> None:
        """Raises `Refused` `busy` when this process has as many pages as it can hold."""
        if self._seats >= PAGES:
            raise Refused("busy")

    def join(self, phone: Phone, audience: Audience, owner: str = "") -> Seat:
        """Lets a phone look on; its first push is the whole view, as soon as its documents have been read.

        `owner` is whose page it is: where too many are open, the oldest gives way. Raises `Refused` `too_many_pages`
        when there are too many of a party.
        """
        if audience.subject and not audience.board and self._parties[audience.subject] >= PAGES_OF_A_PARTY:
            raise Refused("too_many_pages")
        stage = self._stages.get(audience)
        if stage is None:
            lately = self._lately.get(audience)
            self._phase += 1
            stage = self._stages[audience] = Stage(audience, self._shelf, self._looking, lately, self._phase)
        seat = Seat(phone, stage, owner)
        stage.join(seat)
        self._seats += 1
        self._parties[audience.subject] += 1
        if owner:
            mine = self._owned.setdefault(owner, [])
            mine.append(seat)
            if len(mine) > PAGES_OF_A_GUEST:
                mine[0].phone.dismiss()
                self.leave(mine[0])
        return seat

    def leave(self, seat: Seat) -> None:
        """The phone has gone."""
        if seat.gone:
            return
        seat.gone = True
        stage = seat.stage
        stage.leave(seat)
        self._seats -= 1
        self._parties[stage.audience.subject] -= 1
        if not self._parties[stage.audience.subject]:
            del self._parties[stage.audience.subject]
        if seat.owner:
            self._owned[seat.owner].remove(seat)
            if not self._owned[seat.owner]:
                del self._owned[seat.owner]
        if not stage.looked_at:
            self._stages.pop(stage.audience, None)
            stage.close()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something for a phone that has gone already."""
        task = asyncio.create_task(work)
        self._loose.add(task)
        task.add_done_callback(self._loose.discard)

    def page(self, audience: Audience, values: Mapping[str, Any], v: int) -> View:
        """The view for a fresh page. Only what differs from the one that this audience's phones have, or that a page
        had lately, is rendered."""
        stage = self._stages.get(audience)
        lately = self._lately.pop(audience, None)
        view = settled(build(audience, values, v, now(), stage.view if stage and stage.view else lately))
        self._lately[audience] = view
        if len(self._lately) > LATELY:
            del self._lately[next(iter(self._lately))]
        return view

    def phones(self) -> list[Phone]:
        """Every connected phone."""
        return [seat.phone for stage in self._stages.values() for seat in stage.seats]

    def _changed(self, name: str) -> None:
        """A document has changed; with "" the connection to the store was lost or is back."""
        if not name:
            for stage in self._stages.values():
                stage.beat()
            return
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        if stages := self._looking.get(name):
            value = self._shelf.known()[name].value
            for stage in stages:
                stage.values[name] = value
            self._dirty |= stages

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, set()
        for stage in dirty:
            try:
                stage.refresh()
            except Exception as error:  # one table's view must not take the others' along
                stage.fail(error)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_BOARD)
            self._beats += 1
            at = asyncio.get_running_loop().time()
            for number, stage in enumerate(list(self._stages.values()), 1):
                turn = self._beats + stage.phase  # not all tables in the same second
                guests_too = not stage.board and turn % BEATS_DINER == 0
                if stage.board or guests_too:
                    stage.beat()
                if guests_too or stage.due(now()):
                    self._dirty.add(stage)  # who is here, what is served now, what is late: time alone changes them
                self.dropped += stage.drop_stuck(at)
                if turn % PROBES == 0:
                    stage.probe(at)
                if number % STAGES_AT_ONCE == 0:
                    self._flush()
                    await asyncio.sleep(0)
            self._flush()


class Stage:
    """One audience's view, and the phones that look at it."""

    __slots__ = (
        "_coming",
        "_lately",
        "_looking",
        "_needs",
        "_needs_of",
        "_pending",
        "_shelf",
        "_sitting",
        "_watched",
        "_watching_more",
        "audience",
        "board",
        "in_step",
        "phase",
        "seats",
        "values",
        "view",
    )

    def __init__(
        self, audience: Audience, shelf: Shelf, looking: "dict[str, set[Stage]]", lately: View | None, phase: int
    ) -> None:
        self.audience = audience
        self.board = audience.board
        self._sitting = sitting_name(audience.subject)
        self.phase = phase
        self.seats: set[Seat] = set()
        self.in_step: tuple[Phone, ...] = ()  # those of the seats that have `view`, and are sent what is otherwise
        self.view: View | None = None
        self._coming: set[Seat] = set()  # their documents are being read
        self._lately = lately
        self._shelf = shelf
        self._looking = looking
        self._watched: set[str] = set()
        self.values: dict[str, Any] = {}  # of the documents that are watched, by name
        self._pending: set[asyncio.Task[None]] = set()
        self._watching_more = False
        self._needs: set[str] | None = None
        self._needs_of: Floor | None = None
        shelf.keen += self.board

    def join(self, seat: Seat) -> None:
        """One phone more; its documents are read before it is shown anything."""
        self._coming.add(seat)
        self._later(self._show(seat))

    def leave(self, seat: Seat) -> None:
        """One phone fewer."""
        self.out_of_step(seat)
        self.seats.discard(seat)
        self._coming.discard(seat)

    @property
    def looked_at(self) -> bool:
        """Whether anybody looks, or is about to."""
        return bool(self.seats or self._coming)

    def due(self, at: int) -> bool:
        """Whether time alone has changed the view by now (ms)."""
        return self.view is not None and 0 < self.view.until <= at

    def close(self) -> None:
        """Nobody looks any more."""
        for task in self._pending:
            task.cancel()
        self._unwatch(self._watched)
        self._shelf.keen -= self.board

    def refresh(self) -> None:
        """Builds the view anew and sends what differs to everyone who can take it."""
        if not self.seats and not self._coming:
            return
        wanted = self._wanted()
        if wanted is not self._watched and wanted != self._watched:  # for guests it is the same, after the first time
            if not wanted <= self._watched:
                if not self._watching_more:
                    self._watching_more = True
                    self._later(self._watch_more())
                return
            self._unwatch(self._watched - wanted)
        self._watched = wanted
        if self.view is None:
            return
        before, after = self.view, self._built()
        if (self.board or before.v == after.v) and not differs(before, after):  # the beat carries its number
            if self.board:
                self.view = settled(after)
            return
        self.view = settled(after)
        if self.in_step:
            message = difference(before, after)
            for phone in self.in_step:  # who hears of it may leave, and take others along: it is another tuple then
                phone.send(message)

    def beat(self) -> None:
        """A sign of life to every phone; to one that is full as soon as it is not, since it may be what tells that the
        store is back. One that is out of step and not full any more, whatever became of the word, is brought up."""
        if self.view is None or (self.board and self._pending):
            return  # a board that is still reading something can't tell its number
        message = self._sign()
        for seat in tuple(self.seats):
            if seat.phone in self.in_step:
                seat.phone.send(message)
            else:
                seat.owed_beat = True
                self.catch_up(seat)

    def _sign(self) -> bytes:
        assert self.view
        live = self._shelf.proved(PROOF_LASTS) if self.board else self._shelf.live
        v = self._shelf.s if self.board else self.view.v
        return _encode({"v": v, "live": live})

    def drop_stuck(self, at: float) -> int:
        """Drops phones that have not read their push for too long; returns how many."""
        stuck = []
        for seat in self.seats:
            if not seat.phone.full:
                continue
            if not seat.full_since:
                seat.full_since = at
            elif at - seat.full_since > STUCK_LONGEST:
                stuck.append(seat)
        for seat in stuck:
            seat.phone.cut()
        return len(stuck)

    def probe(self, at: float) -> None:
        """Finds phones that are there no more and have not said so."""
        for seat in tuple(self.seats):
            seat.phone.probe(at, SILENCE)

    def catch_up(self, seat: Seat) -> None:
        """What a phone has missed while it did not read."""
        if seat in self.seats:
            self._bring_up(seat)
            if seat.owed_beat and not seat.phone.full:
                seat.owed_beat = False
                seat.phone.send(self._sign())

    async def _show(self, seat: Seat) -> None:
        """Watches what the audience needs, then shows the new phone the whole of it."""
        await self._watch(self._wanted())
        if self.board:  # the floor, just read, may name other sittings
            await self._watch(self._wanted())
        if self.view is None:
            self.view, self._lately = settled(self._built()), None
        else:
            self.refresh()
        if seat in self._coming:
            self._coming.discard(seat)
            self.seats.add(seat)
            self._bring_up(seat)

    async def _watch_more(self) -> None:
        try:
            await self._watch(self._wanted())
        finally:
            self._watching_more = False
        self.refresh()

    def fail(self, error: BaseException) -> None:
        """The view can't be made: says so in the log and drops the phones, which come back for another try."""
        log.error("a view of %s failed", self.audience, exc_info=error)
        for seat in [*self.seats, *self._coming]:
            seat.phone.cut()

    async def _watch(self, wanted: set[str]) -> None:
        """Watches what is not watched yet, and has what is watched read again for who has just come."""
        await self._shelf.watch(wanted, number=self.board)
        self._shelf.unwatch(wanted & self._watched)  # once for each stage is enough
        self._watched = self._watched | wanted
        known = self._shelf.known()
        for name in wanted:
            if name in known:
                self.values[name] = known[name].value
            self._looking.setdefault(name, set()).add(self)

    def _unwatch(self, names: set[str]) -> None:
        self._shelf.unwatch(names)
        self._watched = self._watched - names
        for name in names:
            self.values.pop(name, None)
            self._looking[name].discard(self)
            if not self._looking[name]:
                del self._looking[name]

    def _wanted(self) -> set[str]:
        """The names of the documents to look at: a board's are others when the floor is another."""
        if self._needs is not None and not self.board:
            return self._needs
        document = self._shelf.newest(FLOOR)
        floor = document.value if document else None
        if self._needs is None or floor is not self._needs_of:
            self._needs, self._needs_of = needs(self.audience, floor), floor
        return self._needs

    def _built(self) -> View:
        if self.board:
            v = self._shelf.s
        else:
            document = self._shelf.newest(self._sitting)
            v = document.v if document else 0
        return build(self.audience, self.values, v, now(), self.view or self._lately)

    def out_of_step(self, seat: Seat) -> None:
        """This phone is sent nothing for now; what it misses is seen from the view that it has."""
        if seat.phone in self.in_step:
            seat.had = self.view
            self.in_step = tuple(phone for phone in self.in_step if phone is not seat.phone)

    def _bring_up(self, seat: Seat) -> None:
        """Sends a phone that is not full what it has not got; from then on it is in step with the others."""
        phone, had, view = seat.phone, seat.sent, self.view
        if phone.full or view is None:
            return
        message = difference(had, view) if had is not view else b""
        if phone not in self.in_step:
            self.in_step += (phone,)
        seat.had = None  # nothing keeps an old view alive
        if message:
            phone.send(message)  # which may fill it

    def _later(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._pending.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.fail(error)


_encode = msgspec.json.Encoder().encode
