"""Orders that look wrong wait for one tap of a waiter before the kitchen sees them; and who may order at all.

What looks wrong: too much of it, too dear, too many rounds or too many new phones in a short time, outside the
opening hours, or the first round where the shop wants a nod for it.
"""

from collections import Counter

from msgspec.structs import replace

from ordering.floor import Floor, Table, table_of
from ordering.kitchen import void
from ordering.menu import Ordering, Shop, open_now
from ordering.pace import Pace
from ordering.refused import Refused
from ordering.sitting import Line, Moment, Round, Sitting, is_guest, joined, must_have_reason, on_its_way, with_line
from ordering.state import Act, State
from ordering.stock import Stock, give_back

LATELY = 10 * 60_000  # ms in which rounds and new phones count
TRIES = 20  # wrong PINs at a table


def doubts(sitting: Sitting, placed: Round, shop: Shop, at: int) -> tuple[str, ...]:
    """Why this round of the sitting should be looked at first: words of `Round.doubts`."""
    rules = shop.ordering
    lines = [line for line in sitting.lines if line.round == placed.number]
    sum_of_it = sum(line.unit_price * line.qty for line in lines)
    rounds = sum(at - each.at <= LATELY for each in sitting.rounds)
    phones = sum(at - guest.since <= LATELY for guest in sitting.guests)
    found = {
        "first": rules.open == "nod" and all(line.state is State.ASKED for line in _sent_before(sitting, placed)),
        "quantity": sum(line.qty for line in lines) > rules.portions,
        "value": sum_of_it > rules.value > 0,
        "pace": rounds > rules.rounds,
        "phones": phones > rules.phones,
        "hours": not open_now(shop, at),
    }
    return tuple(word for word, doubtful in found.items() if doubtful)


def _sent_before(sitting: Sitting, placed: Round) -> list[Line]:
    return [line for line in sitting.lines if 0 < line.round < placed.number and line.state is not State.VOID]


def checked(sitting: Sitting, shop: Shop, moment: Moment) -> Sitting:
    """A sitting whose last round was placed just now: the same value when nothing is wrong with it, else with this
    round kept back."""
    placed = sitting.rounds[-1]
    found = doubts(sitting, placed, shop, moment.at)
    if not found:
        return sitting
    for line in sitting.lines:
        if line.round == placed.number:
            sitting = with_line(sitting, on_its_way(sitting, line, Act.ASK, Pace(), moment))
    return replace(sitting, rounds=(*sitting.rounds[:-1], replace(placed, doubts=found)))


def approved(sitting: Sitting, number: int, pace: Pace, moment: Moment) -> Sitting:
    """A round that was kept back on its way to the kitchen."""
    for line in _asked(sitting, number):
        act = Act.HOLD if line.hold else Act.APPROVE
        sitting = with_line(sitting, on_its_way(sitting, line, act, pace, moment))
    rounds = tuple(replace(each, doubts=()) if each.number == number else each for each in sitting.rounds)
    return replace(sitting, rounds=rounds)


def declined(sitting: Sitting, stock: Stock, number: int, reason: str, moment: Moment) -> tuple[Sitting, Stock]:
    """A round that was kept back, and that nobody will make: others can have its portions."""
    must_have_reason(reason)
    portions: Counter[str] = Counter()
    for line in _asked(sitting, number):
        sitting = void(sitting, line.id, reason, moment)
        portions[line.item] += line.qty
    return sitting, give_back(stock, portions)


def waiting(sitting: Sitting) -> tuple[Round, ...]:
    """The rounds that wait for a nod."""
    asked = {line.round for line in sitting.lines if line.state is State.ASKED}
    return tuple(each for each in sitting.rounds if each.number in asked)


def _asked(sitting: Sitting, number: int) -> list[Line]:
    lines = [line for line in sitting.lines if line.round == number and line.state is State.ASKED]
    if not lines:
        raise Refused("no_such_ticket")
    return lines


# ---- who may order


def must_be_let_in(sitting: Sitting, table: Table | None, rules: Ordering, who: str, calling: bool = False) -> None:
    """Refuses what a phone may not do: at a frozen table (unless it is `calling` for somebody), before the staff have
    opened it, without the table's PIN."""
    if table is not None and table.frozen and not calling:
        raise Refused("frozen")
    if is_guest(sitting, who):
        return
    if rules.open == "staff" and not sitting.opened:
        raise Refused("not_opened")
    if rules.pin and sitting.opened and sitting.guests:
        raise Refused("pin_needed")


def enter(sitting: Sitting, pin: str, moment: Moment) -> tuple[Sitting, bool]:
    """The sitting with a phone more that knows its PIN, or with one try more that was wrong; and which of the two.
    After too many of those only the staff let phones in."""
    if sitting.tries >= TRIES:
        raise Refused("frozen")
    if not sitting.pin or pin.strip() != sitting.pin:
        return replace(sitting, tries=sitting.tries + 1), False
    return joined(sitting, moment), True


def frozen(floor: Floor, table_id: str, on: bool) -> Floor:
    """A table whose phones can't order, or can again."""
    table = table_of(floor, table_id)
    if table.frozen == on:
        raise Refused("no_such_choice")
    return _with(floor, replace(table, frozen=on))


def recoded(floor: Floor, table_id: str, code: str) -> Floor:
    """A table with another code: the old one leads nowhere, but for the phones of those who sit there."""
    return _with(floor, replace(table_of(floor, table_id), code=code))


def owned(floor: Floor, table_id: str, account: str) -> Floor:
    """A table that this account looks after."""
    return _with(floor, replace(table_of(floor, table_id), waiter=account))


def _with(floor: Floor, table: Table) -> Floor:
    return replace(floor, tables=tuple(table if each.id == table.id else each for each in floor.tables))
