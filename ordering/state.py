"""The states of a line, and what moves it from one to the next: one table, and nothing else decides it."""

from enum import Enum


class State(Enum):
    """Where a line stands."""

    CART = "cart"
    ASKED = "asked"
    HELD = "held"
    QUEUED = "queued"
    COOKING = "cooking"
    READY = "ready"
    SERVED = "served"
    VOID = "void"


class Act(Enum):
    """What is done to a line."""

    PLACE = "place"
    ASK = "ask"
    APPROVE = "approve"
    HOLD = "hold"
    FIRE = "fire"
    COOK = "cooking"
    FINISH = "ready"
    SERVE = "served"
    RECALL = "recall"
    VOID = "void"


AFTER: dict[tuple[State, Act], State] = {
    (State.CART, Act.PLACE): State.QUEUED,
    (State.CART, Act.HOLD): State.HELD,
    (State.QUEUED, Act.ASK): State.ASKED,
    (State.HELD, Act.ASK): State.ASKED,
    (State.ASKED, Act.APPROVE): State.QUEUED,
    (State.ASKED, Act.HOLD): State.HELD,
    (State.ASKED, Act.VOID): State.VOID,
    (State.HELD, Act.FIRE): State.QUEUED,
    (State.HELD, Act.VOID): State.VOID,
    (State.QUEUED, Act.HOLD): State.HELD,
    (State.QUEUED, Act.COOK): State.COOKING,
    (State.QUEUED, Act.FINISH): State.READY,
    (State.QUEUED, Act.SERVE): State.SERVED,
    (State.QUEUED, Act.VOID): State.VOID,
    (State.COOKING, Act.FINISH): State.READY,
    (State.COOKING, Act.SERVE): State.SERVED,
    (State.COOKING, Act.RECALL): State.QUEUED,
    (State.COOKING, Act.VOID): State.VOID,
    (State.READY, Act.SERVE): State.SERVED,
    (State.READY, Act.RECALL): State.COOKING,
    (State.READY, Act.VOID): State.VOID,
    (State.SERVED, Act.RECALL): State.READY,
}
"""Every move there is; a pair that is missing is refused."""

OPEN = frozenset({State.HELD, State.QUEUED, State.COOKING, State.READY})
"""On a station's display: placed, and neither served nor void."""

TO_MAKE = frozenset({State.QUEUED, State.COOKING})
"""What "all day" counts."""

DONE = frozenset({State.READY, State.SERVED})
"""Made."""


def after(state: State, act: Act) -> State | None:
    """The state that follows; None when the act does not fit the state."""
    return AFTER.get((state, act))
