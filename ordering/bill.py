"""The bill: what a sitting owes, whole and by guest, in minor units."""

from msgspec import Struct

from ordering.sitting import Line, Sitting
from ordering.state import State


class Totals(Struct, frozen=True):
    """`portions` and `amount` of the cart and of what was placed; `by_guest` adds up to both amounts together."""

    cart_portions: int
    cart_amount: int
    placed_portions: int
    placed_amount: int
    by_guest: dict[str, int]

    @property
    def amount(self) -> int:
        """Everything: what was placed and what is in the cart."""
        return self.cart_amount + self.placed_amount


def amount(line: Line) -> int:
    """What the line costs: nothing once it is void."""
    return 0 if line.state is State.VOID else line.unit_price * line.qty


def totals(sitting: Sitting) -> Totals:
    """The sums over the sitting's lines."""
    portions = {True: 0, False: 0}
    amounts = {True: 0, False: 0}
    by_guest = {guest.id: 0 for guest in sitting.guests}
    for line in sitting.lines:
        if line.state is State.VOID:
            continue
        in_cart = line.state is State.CART
        portions[in_cart] += line.qty
        amounts[in_cart] += amount(line)
        by_guest[line.guest] = by_guest.get(line.guest, 0) + amount(line)
    return Totals(portions[True], amounts[True], portions[False], amounts[False], by_guest)
