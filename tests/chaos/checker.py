"""Proves from the record of an evening what must always hold. It shares no code with the server.

The record is a list of events, in the order of their time `t` (s):

    menu    menu, left                                  what there is to order
    ask     id, who, op, cmd, door, sitting             a command is sent (each time it is)
    told    id, status, answer                          what came back; `answer` None: nothing that can be relied on
    learn   who, op, answer                             what "did my order go through?" was answered; None: never seen
    show    page, kind, subject, v, first, lines        a push, as the page stands after it
    end     page, kind, subject, v, live, lines         a page that is still connected at the end; whether the last that
                                                        it was told is that it is live
    fresh   kind, subject, v, lines, total, paid, left  a page loaded at the end, from each door
    put     t, until, next, lost                        the store went back to an older file: from number `next` on,
                                                        these entries are lost
    fault   name, t, until                              any fault
    log     entries                                     the shop's log at the end
    left    port, phones, files                         what a port held when everybody had gone
    repairs count                                       what a look found that nobody had missed

`kind` is guest (subject: its sitting) or kitchen (subject: its station, "" for all). Lines are, on a guest's page,
portions, note, state and round by id; on a display a list of (line, state).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from chaos.replay import ORDER, Menu, Replay

Event = Mapping[str, Any]
REFUSED = (400, 403, 404, 409)
"""Who gets one of these was judged: nothing was done, nor had been."""
FILES = 80  # that a port may have open when nobody is there: itself, its store, and connections nginx keeps
HEALED = 5.0  # seconds after a fault in which pages may still show what was before it


class Violation(NamedTuple):
    """What does not hold (`rule`), of what (`subject`), and in words."""

    rule: str
    subject: str
    words: str


def check(record: Sequence[Event]) -> list[Violation]:
    """Everything that does not hold in this record, the most telling first; none when all is well."""
    return list(_Evening(record).violations())


class _Evening:
    def __init__(self, record: Sequence[Event]) -> None:
        self.kinds: dict[str, list[Event]] = defaultdict(list)
        for event in record:
            self.kinds[event["e"]].append(event)
        (menu,) = self.kinds["menu"]
        (log,) = self.kinds["log"]
        self.entries: list[Event] = log["entries"]
        self.puts = self.kinds["put"]
        self.asked = {event["id"]: event for event in self.kinds["ask"]}
        self.attempts: dict[tuple[str, str], list[tuple[Event, Event | None]]] = defaultdict(list)
        told = {event["id"]: event for event in self.kinds["told"]}
        for id, ask in self.asked.items():
            self.attempts[ask["who"], ask["op"]].append((ask, told.get(id)))
        self.learnt = {(event["who"], event["op"]): event["answer"] for event in self.kinds["learn"]}
        self.lost = {(each["who"], each.get("op")) for put in self.puts for each in put["lost"]}
        # As the shop stood before each time that it was put back, and as it stands now.
        self.worlds = [Replay(Menu(menu["menu"], menu["left"]), each) for each in self._logs()]
        self.last = self.worlds[-1]

    def violations(self) -> Iterable[Violation]:
        return chain(
            self._once(),
            self._possible(),
            self._in_order(),
            self._answers_true(),
            self._pages_true(),
            self._never_back(),
            self._displays_true(),
            self._all_the_same(),
            self._nothing_unnoticed(),
            self._nothing_held(),
        )

    # ---- what the record says

    def _logs(self) -> list[list[Event]]:
        """The log as it stood before each put, and the last one: each begins like the next, up to what was lost."""
        found, log = [self.entries], self.entries
        for put in reversed(self.puts):
            log = [entry for entry in log if entry["s"] < put["next"]] + list(put["lost"])
            found.append(log)
        return found[::-1]

    def _world_at(self, t: float) -> list[Replay]:
        """The worlds that a page may show at this time."""
        found = [self.worlds[0]]
        for put, world in zip(self.puts, self.worlds[1:], strict=True):
            if t >= put["until"] + HEALED:
                found = [world]
            elif t >= put["t"]:
                found.append(world)
        return found

    # ---- what must hold

    def _once(self) -> Iterable[Violation]:
        """What was acknowledged took effect once, what was refused did not, what is unknown did at most once."""
        times = Counter((entry["who"], entry["op"]) for entry in self.entries if entry.get("op"))
        for (who, op), count in times.items():
            if count > 1:
                yield Violation("once", op, f"{op} of {who} took effect {count} times")
        for key, attempts in self.attempts.items():
            op, count = key[1], times[key]
            answers = [(ask, told) for ask, told in attempts if told and told["status"]]
            good = [told for _, told in answers if told["status"] == 200]
            refused = [(ask, told) for ask, told in answers if told["status"] in REFUSED]
            if good and not count and key not in self.lost:
                yield Violation("acknowledged", op, f"{op} was acknowledged, and is not in the log")
            turned_away = [ask for ask, told in answers if _turned_away(ask, told)]
            if len(refused) + len(turned_away) == len(attempts) and count:
                yield Violation("refused", op, f"{op} was refused {len(attempts)} times, and is in the log")
            if good and refused and key not in self.lost:
                first = min(told["t"] for told in good)
                if again := [told for ask, told in refused if ask["t"] > first]:
                    yield Violation("repeat", op, f"{op} was acknowledged, then refused: {again[0]['answer']}")
            if len({repr(told["answer"]) for told in good}) > 1 and key not in self.lost:
                yield Violation("repeat", op, f"{op} was answered {[told['answer'] for told in good]}")
        for key, answer in self.learnt.items():
            if (answer is not None) != bool(times[key]) and key not in self.lost:
                said = "done" if answer else "never seen"
                yield Violation(
                    "asked after", key[1], f"{key[1]} was said to be {said}, and is {times[key]} times there"
                )

    def _possible(self) -> Iterable[Violation]:
        """One after the other, everything in the log was possible: money, stock, states, and who saw what."""
        for world in self.worlds:
            for s, subject, words in world.faults:
                yield Violation("possible", subject, f"number {s}: {words}")

    def _in_order(self) -> Iterable[Violation]:
        """What was acknowledged before something else was asked stands before it."""
        numbers = {(entry["who"], entry.get("op")): entry["s"] for entry in self.entries}
        done = sorted(
            (told["t"], numbers[key], key[1])
            for key, attempts in self.attempts.items()
            if key in numbers and key not in self.lost
            for _, told in attempts
            if told and told["status"] == 200
        )
        asked = sorted(
            (min(ask["t"] for ask, _ in attempts), numbers[key], key[1])
            for key, attempts in self.attempts.items()
            if key in numbers and key not in self.lost
        )
        newest, at = (0, ""), 0
        for t, s, op in asked:
            while at < len(done) and done[at][0] < t:
                newest, at = max(newest, done[at][1:]), at + 1
            if s < newest[0]:
                yield Violation("order", op, f"{op} is number {s}; {newest[1]}, acknowledged before it, {newest[0]}")

    def _answers_true(self) -> Iterable[Violation]:
        """What was answered is what the log says, and the version in it the one that the commit made."""
        for entry in self.entries:
            key = (entry["who"], entry.get("op", ""))
            if key in self.lost:
                continue
            for ask, told in self.attempts.get(key, ()):
                if not told or told["status"] != 200 or not entry["in"]:
                    continue
                by_guest = ask["door"].startswith("guest")
                v = self.last.steps.get(entry["s"], ("", -1))[1] if by_guest else entry["s"]
                wanted = {"op": key[1], "ok": True, "v": v, **entry["answer"]}
                if told["answer"] != wanted:
                    yield Violation("answer", key[1], f"{key[1]} was told {told['answer']}, and made {wanted}")

    def _pages_true(self) -> Iterable[Violation]:
        """Every page that a guest saw is a version of their own sitting, as it was."""
        for event in self.kinds["show"] + self.kinds["end"] + self.kinds["fresh"]:
            if event["kind"] != "guest":
                continue
            seen = {id: tuple(line) for id, line in event["lines"].items()}
            worlds = [self.last] if event["e"] == "fresh" else self._world_at(event["t"])
            strangers = [
                id for id in seen if not any(world.sitting_of(id) in ("", event["subject"]) for world in worlds)
            ]
            if strangers:
                yield Violation("apart", event["subject"], f"a guest of {event['subject']} saw {strangers}")
            versions = [world.versions.get((event["subject"], event["v"])) for world in worlds]
            if not event["v"]:
                versions.append({})
            if not any(version == seen for version in versions):
                first = next((version for version in versions if version is not None), None)
                what = "a version that never was" if first is None else _difference(first, seen)
                words = f"page {event.get('page', 'loaded')} showed {event['subject']} at {event['v']}: {what}"
                yield Violation("page", event["subject"], words)

    def _never_back(self) -> Iterable[Violation]:
        """No page goes back a version, while the store does not; whatever connection it comes by."""
        newest: dict[tuple[str, str], tuple[float, int]] = {}
        for event in self.kinds["show"]:
            key = (event["page"].partition("/")[0], f"{event['kind']} {event['subject']}")
            before = newest.get(key)
            put = any(put["t"] <= event["t"] <= put["until"] + HEALED for put in self.puts)
            if before and event["v"] < before[1] and not put:
                yield Violation("back", key[0], f"{key[0]} of {key[1]} went from {before[1]} to {event['v']}")
            newest[key] = (event["t"], event["v"])

    def _displays_true(self) -> Iterable[Violation]:
        """A placed line stands on its own station's display, once; its states come in the order in which they were."""
        heard: dict[tuple[str, str], int] = {}
        for event in self.kinds["show"]:
            if event["kind"] != "kitchen":
                continue
            worlds = self._world_at(event["t"])
            for id, count in Counter(line for line, _ in event["lines"]).items():
                if count > 1:
                    yield Violation("display", id, f"{id} stands {count} times on {event['page']}")
            for id, state in event["lines"]:
                lives = [world.lives[id] for world in worlds if id in world.lives]
                if not lives:
                    yield Violation("display", id, f"{event['page']} showed {id}, which nobody placed")
                    continue
                key = (event["page"], id)
                at = next((at for at, was in enumerate(lives[-1]) if was == state and at >= heard.get(key, 0)), None)
                if at is None and len(worlds) == 1:
                    yield Violation("display", id, f"{event['page']} showed {id} as {state} after {heard.get(key)}")
                heard[key] = at or 0

    def _all_the_same(self) -> Iterable[Violation]:
        """In the end every page shows the replay's state: lines, money and stock."""
        open_lines = {
            line.id: (line.state, self.last.menu.stations[line.item])
            for sitting in self.last.sittings.values()
            for line in sitting.lines.values()
            if line.state in ORDER[:3]
        }
        for event in self.kinds["end"] + self.kinds["fresh"]:
            page, subject = event.get("page", "a page loaded anew"), event["subject"]
            if not event.get("live", True):
                yield Violation("live", page, f"{page} of {subject} still says that it is not live")
            if event["kind"] == "guest":
                sitting = self.last.sittings.get(subject)
                if event["v"] != (sitting.v if sitting else 0):
                    words = f"{page} of {subject} ended at {event['v']}, not at {sitting.v if sitting else 0}"
                    yield Violation("end", subject, words)
                if sitting and "total" in event and (event["total"], event["paid"]) != (sitting.owed, sitting.paid):
                    words = f"{subject} owes {sitting.owed} and has paid {sitting.paid}, the page says {event}"
                    yield Violation("money", subject, words)
                yield from self._stock(event)
            else:
                mine = {id: state for id, (state, station) in open_lines.items() if subject in ("", station)}
                shown = {line: state for line, state in event["lines"] if state in ORDER[:3]}
                if shown != mine:
                    yield Violation("display", subject, f"{page} of {subject} ended with {_difference(mine, shown)}")

    def _stock(self, event: Event) -> Iterable[Violation]:
        for item, left in event.get("left", {}).items():
            wanted = 0 if item in self.last.sold_out else self.last.left.get(item)
            if left != wanted:
                yield Violation("stock", item, f"{wanted} of {item} are left, the page says {left}")

    def _nothing_unnoticed(self) -> Iterable[Violation]:
        """Nothing got lost that only a look at everything found; but where messages were lost on purpose."""
        lossy = self.puts or any(fault["name"] == "messages" for fault in self.kinds["fault"])
        for event in self.kinds["repairs"]:
            if event["count"] and not lossy:
                yield Violation("unnoticed", event["port"], f"{event['port']} put {event['count']} documents right")

    def _nothing_held(self) -> Iterable[Violation]:
        """When everybody has gone a port holds no page and few files."""
        for event in self.kinds["left"]:
            if event["phones"] or event["files"] > FILES:
                words = f"{event['port']} holds {event['phones']} pages and {event['files']} open files"
                yield Violation("leak", event["port"], words)


def _turned_away(ask: Event, told: Event) -> bool:
    """Whether an answer says that this time nothing was done, and nothing of an earlier time. By POST nginx may have
    asked another port before."""
    return bool(ask["door"].endswith("/socket") and told["answer"] and told["answer"].get("error") == "busy")


def _difference(wanted: Mapping[str, Any], seen: Mapping[str, Any]) -> str:
    keys = [key for key in {**wanted, **seen} if wanted.get(key) != seen.get(key)]
    return "; ".join(f"{key} {seen.get(key)} instead of {wanted.get(key)}" for key in keys[:4])
