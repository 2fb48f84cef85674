"""When the garbage collector stays away: while much is made that stays, and from what is kept for good."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_keeps = [False]
"""Whether something is kept. The collector could say so (`gc.get_freeze_count`), but counts all of it first: half a
second for some millions of objects, at each load.
"""


def keep() -> None:
    """Keep the collector from all that is there now and is no garbage: it stays to the end, and is large."""
    gc.collect()
    gc.freeze()
    _keeps[0] = True


def keep_again() -> None:
    """Do so where something was kept before that may be garbage by now."""
    gc.unfreeze()
    keep()


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the collector from walking through all that is made here, which would take as long again.

    Nor does it walk through it afterwards, as it would for objects that may be short-lived: they count as old at once.
    What somebody keeps from the collector for good (`keep`) would not be kept any more, and then is left.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not _keeps[0]:
                gc.freeze()
                gc.unfreeze()
            gc.enable()
