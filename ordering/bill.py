"""The bill: what a sitting owes, and how the table shares it. Minor units; rates are hundredths of a per cent.

Whatever is shared, the shares add up to the whole, to the last minor unit.
"""

from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec.structs import replace

from ordering.commands import Claim, Split, SplitBill, Tip
from ordering.menu import Terms
from ordering.refused import Refused
from ordering.sitting import (
    GUESTS_MOST,
    Line,
    Moment,
    Off,
    Sitting,
    joined,
    line_of,
    placed,
    told,
    with_line,
)
from ordering.state import State
from ordering.values import Value

RATE = 10_000  # a rate of one whole
TIP_MOST = 100  # per cent
NOBODY = ""  # whose share is what nobody has claimed yet
_CART, _VOID = State.CART, State.VOID  # looking a member up takes as long as all else of a line


class Tax(Value, frozen=True):
    """The tax of one rate on `base`; in the prices already, or on top of them."""

    rate: int
    base: int
    amount: int


class Bill(Value, frozen=True):
    """What these lines come to: `off` is what was taken off them, `total` everything that is owed."""

    portions: int
    lines: int
    off: int
    service: int
    taxes: tuple[Tax, ...]
    total: int


class Tally(Value, frozen=True):
    """Lines added up one by one, before anything is taken off the whole: portions, prices by the menu, what is paid for
    them, what of that is taxed at each rate, and what of it each guest is asked for, where the bill is not shared in
    equal parts."""

    portions: int
    prices: int
    paid: int
    bases: dict[int, int]
    weights: dict[str, int]


class Share(Value, frozen=True):
    """What one guest (`NOBODY`: nobody yet) pays of the bill, and adds to it."""

    guest: str
    amount: int
    tip: int


def price(line: Line) -> int:
    """What the line costs by the menu: nothing once it is void."""
    return 0 if line.state is _VOID else line.unit_price * line.qty


def amount(line: Line) -> int:
    """What the line costs, with what was taken off it."""
    whole = price(line)
    return whole - taken_off(whole, line.off) if line.off else whole


def taken_off(whole: int, off: Off | None) -> int:
    """What is taken off `whole`, which never falls below zero."""
    return min(whole, off.amount + _part(whole, off.percent, 100)) if off else 0


def bill(lines: Iterable[Line], terms: Terms, off: Off | None = None) -> Bill:
    """The sum of the lines with service charge and tax; the charge itself is not taxed.

    What is taken off the whole is taken off each line in proportion, so that each rate's tax is on what is paid.
    """
    kept = [line for line in lines if line.state is not _VOID]
    paid = [amount(line) for line in kept]
    if off and kept:
        paid = [whole - less for whole, less in zip(paid, apportion(taken_off(sum(paid), off), paid), strict=True)]
    bases: dict[int, int] = {}
    for line, part in zip(kept, paid, strict=True):
        if line.tax:
            bases[line.tax] = bases.get(line.tax, 0) + part
    taxes = tuple([_tax(rate, base, terms) for rate, base in sorted(bases.items())])
    service = _part(sum(paid), terms.service, RATE)
    added = 0 if terms.tax_included else sum([tax.amount for tax in taxes])
    whole = sum([line.unit_price * line.qty for line in kept])
    return Bill(
        portions=sum([line.qty for line in kept]),
        lines=whole,
        off=whole - sum(paid),
        service=service,
        taxes=taxes,
        total=sum(paid) + service + added,
    )


def owed(sitting: Sitting, terms: Terms) -> Bill:
    """What the sitting owes: everything that was placed."""
    return bill(placed(sitting), terms, sitting.off)


def in_sight(sitting: Sitting, terms: Terms) -> Bill:
    """What it would owe if the cart were placed now."""
    return bill(sitting.lines, terms, sitting.off)


def tally(sitting: Sitting, lines: Iterable[Line], before: Tally | None = None) -> Tally:
    """These lines of the sitting added up; or added to those `before`."""
    if before is None:
        portions = prices = paid = 0
        bases: dict[int, int] = {}
        weights = dict.fromkeys([*(guest.id for guest in sitting.guests), NOBODY], 0)
    else:
        portions, prices, paid = before.portions, before.prices, before.paid
        bases, weights = {**before.bases}, {**before.weights}
    claiming = sitting.split == "lines"
    for line in lines:
        if line.state is _VOID:
            continue
        whole = cost = line.unit_price * line.qty
        if line.off:
            cost -= taken_off(whole, line.off)
        portions += line.qty
        prices += whole
        paid += cost
        if line.tax:
            bases[line.tax] = bases.get(line.tax, 0) + cost
        if not line.shared and not claiming:
            weights[line.guest if line.guest in weights else NOBODY] += cost
            continue
        payers = _payers(sitting, line, weights)
        for guest, part in zip(payers, apportion(cost, [1] * len(payers)), strict=True):
            weights[guest] += part
    return Tally(portions, prices, paid, bases, weights)


def comes_to(tally: Tally, terms: Terms) -> int:
    """The total of the bill of these lines, where nothing is taken off the whole."""
    added = 0 if terms.tax_included else sum([_part(base, rate, RATE) for rate, base in tally.bases.items()])
    return tally.paid + _part(tally.paid, terms.service, RATE) + added


def shares(sitting: Sitting, lines: Sequence[Line], terms: Terms) -> list[Share]:
    """Everyone's share of these lines, in the way the table has chosen. The amounts add up to `bill(lines).total`.

    By guest: one's own lines, and an equal part of what is for the table. In equal parts: among `people`; those
    without a phone are `NOBODY`'s. By lines: what one has claimed, with whoever else did; the rest is `NOBODY`'s.
    """
    return shared(sitting, tally(sitting, lines), bill(lines, terms, sitting.off).total)


def shared(sitting: Sitting, tally: Tally, whole: int) -> list[Share]:
    """Everyone's share of lines that have been added up and come to `whole`."""
    percents = {guest.id: guest.tip for guest in sitting.guests}
    return [
        Share(guest, part, tip_on(part, percents.get(guest, 0)))
        for guest, part in parts(sitting, tally, whole).items()
        if guest != NOBODY or part
    ]


def parts(sitting: Sitting, tally: Tally, whole: int) -> Mapping[str, int]:
    """Everyone's part of these lines, by guest, without the tip; of `NOBODY` perhaps nothing."""
    if sitting.split != "equal":
        if whole == tally.paid:
            return tally.weights
        return dict(zip(tally.weights, apportion(whole, [*tally.weights.values()]), strict=True))
    guests = [guest.id for guest in sitting.guests]
    people = sitting.people or max(1, len(guests))
    found = dict.fromkeys(guests, 0)
    for number, part in enumerate(apportion(whole, [1] * people)):
        guest = guests[number] if number < len(guests) else NOBODY
        found[guest] = found.get(guest, 0) + part
    return found


def tip_on(part: int, percent: int) -> int:
    """What somebody adds to their part."""
    return _part(part, percent, 100) if percent else 0


def apportion(whole: int, weights: Sequence[int]) -> list[int]:
    """`whole` in parts proportional to the weights, each within one unit of exact, together exactly `whole`.

    The units that rounding leaves go to the largest remainders, the first of equals. Without any weight the parts
    are equal.
    """
    sum_of_weights = sum(weights)
    if not sum_of_weights:
        weights, sum_of_weights = [1] * len(weights), len(weights)
    if whole == sum_of_weights:
        return [*weights]
    divided = [divmod(whole * weight, sum_of_weights) for weight in weights]
    parts = [part for part, _ in divided]
    left = whole - sum(parts)
    if left:
        by_remainder = sorted(
            range(len(weights)), key=[-rest for _, rest in divided].__getitem__
        )  # keeps equals' order
        for at in by_remainder[:left]:
            parts[at] += 1
    return parts


def split(sitting: Sitting, command: SplitBill, moment: Moment) -> Sitting:
    """Another way of sharing the bill; `people` only counts for equal parts."""
    sitting = joined(sitting, moment)
    if command.people < 0:
        raise Refused("no_such_choice")
    if command.people > GUESTS_MOST:
        raise Refused("too_many", limit=GUESTS_MOST, what={"en": "people to share a bill", "zh": "人分摊"})
    people = command.people if command.by == "equal" else 0
    return told(replace(sitting, split=command.by, people=people), f"split_{command.by}", moment)


def claim(sitting: Sitting, command: Claim, moment: Moment) -> Sitting:
    """A placed line that this guest pays for, with whoever else does; or not any more."""
    sitting = joined(sitting, moment)
    line = line_of(sitting, command.line)
    if sitting.split != "lines":
        raise Refused("not_split_so")
    if line.state in (State.CART, State.VOID):
        raise Refused("no_such_line")
    others = tuple(guest for guest in line.claimed if guest != moment.who)
    return with_line(sitting, replace(line, claimed=(*others, moment.who) if command.on else others))


def tip(sitting: Sitting, command: Tip, moment: Moment) -> Sitting:
    """What this guest adds to their share, in per cent of it."""
    sitting = joined(sitting, moment)
    if not 0 <= command.percent <= TIP_MOST:
        raise Refused("too_many", limit=TIP_MOST, what={"en": "per cent", "zh": "%"})
    guests = tuple(replace(guest, tip=command.percent) if guest.id == moment.who else guest for guest in sitting.guests)
    return replace(sitting, guests=guests)


def _payers(sitting: Sitting, line: Line, known: Container[str]) -> Sequence[str]:
    """Who pays for a line, of the guests who are `known`; what is in the cart is paid by those who eat it until it is
    sent and can be claimed."""
    if sitting.split == "lines" and line.state is not _CART:
        return line.claimed or (NOBODY,)
    if not line.shared:
        return (line.guest if line.guest in known else NOBODY,)
    return [guest.id for guest in sitting.guests] or (NOBODY,)


def _tax(rate: int, base: int, terms: Terms) -> Tax:
    return Tax(rate, base, _part(base, rate, RATE + rate) if terms.tax_included else _part(base, rate, RATE))


def _part(whole: int, of: int, among: int) -> int:
    """`whole` × `of` / `among`, rounded half up."""
    return (2 * whole * of + among) // (2 * among)


SPLITS: tuple[Split, ...] = ("guest", "equal", "lines")
