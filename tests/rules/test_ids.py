"""Ids are nobody else's, also after a fork."""

import os
import re

from ordering.ids import AT_ONCE, new_id


def test_no_id_comes_twice() -> None:
    drawn = [new_id() for _ in range(10 * AT_ONCE)]
    assert len(set(drawn)) == len(drawn)
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in drawn)


def test_a_forked_process_draws_its_own() -> None:
    new_id()  # the supply is not empty
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(told, "".join(new_id() for _ in range(AT_ONCE)).encode())
        os._exit(0)
    os.close(told)
    with os.fdopen(heard) as theirs:
        said = theirs.read()
    os.waitpid(child, 0)
    ours = {new_id() for _ in range(AT_ONCE)}
    assert len(said) == AT_ONCE * 16
    assert ours.isdisjoint(said[at : at + 16] for at in range(0, len(said), 16))
