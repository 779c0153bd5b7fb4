"""What the handlers of one process share."""

from typing import NamedTuple

from ordering.codes import Codes
from ordering.desk import Desk
from ordering.limits import Limits
from ordering.live import Live
from ordering.options import Options
from ordering.shelf import Shelf
from ordering.store import Store
from ordering.views.table_page import Lately


class Services(NamedTuple):
    """One of each for a process; `ids` makes public ids of phones' secrets, the same in every process of the shop."""

    options: Options
    store: Store
    shelf: Shelf
    desk: Desk
    live: Live
    codes: Codes
    limits: Limits
    lately: Lately
    ids: str
