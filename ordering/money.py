"""Money is a whole number of minor units (fen, cents): never a float, never rounded twice.

What a person reads is made in `views/text.py`; here there are only numbers.
"""

from decimal import Decimal
from typing import NamedTuple

MAJOR_MOST = 10**8  # of an amount that somebody writes into a file: beyond any dish, in any currency
MINOR_PER_MAJOR = 100  # every currency that the system is sold for has hundredths; JPY and KWD would need a table here


def minor(major: Decimal | int) -> int:
    """`Decimal("38.50")` → 3850.

    Raises:
        ValueError: when the amount has a fraction of a minor unit, or is none: infinite, or more than there is.
    """
    amount = Decimal(major)
    if not amount.is_finite() or abs(amount) > MAJOR_MOST:
        raise ValueError(f"{major} is no amount: at most {MAJOR_MOST}")
    units = amount * MINOR_PER_MAJOR
    if units != units.to_integral_value():
        raise ValueError(f"{major} has more than two decimals")
    return int(units)


class Amount(NamedTuple):
    """So much (minor units), where a refusal names it: shown in the shop's currency."""

    minor: int
