"""When the garbage collector stays away: while much is made that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the collector from walking through all that is made here, which would take as long again.

    Nor does it walk through it afterwards, as it would for objects that may be short-lived: they count as old at once.
    What somebody keeps from the collector for good (`gc.freeze`) would not be kept any more, and then is left.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()
