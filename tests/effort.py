"""How much the tests do that try things at random: little, half, enough for every run, or all that `make thorough`
asks for.

A mistake that one try in a few shows is found by `make quick`; what only one in a hundred shows is left to `make test`,
which every change passes, and what hardly any try shows to `make thorough`. TEST_EFFORT says which of them runs. It is
no setting of the service, whose names begin otherwise, and which refuses those that it does not know.
"""

from __future__ import annotations

import os
from enum import StrEnum


class Effort(StrEnum):
    """What a run of the tests is for."""

    QUICK = "quick"
    SHORT = "short"
    FULL = "full"
    THOROUGH = "thorough"


EFFORT = Effort(os.environ.get("TEST_EFFORT", Effort.FULL))

_SHARES = {Effort.QUICK: 5, Effort.SHORT: 2}
"""`make quick` tries one in five of what `make test` tries by itself, and CI, whose time is short, every second."""


def tries(every_run: int, thorough: int) -> int:
    """How many things to try."""
    if EFFORT is Effort.THOROUGH:
        return thorough
    return max(1, every_run // _SHARES.get(EFFORT, 1))
