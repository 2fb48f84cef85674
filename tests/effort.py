"""How much the tests do that try things at random: little, enough for every run, or all that `make thorough` asks for.

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
    FULL = "full"
    THOROUGH = "thorough"


EFFORT = Effort(os.environ.get("TEST_EFFORT", Effort.FULL))

_QUICK_SHARE = 5
"""`make quick` tries one in so many of what every run tries."""


def tries(every_run: int, thorough: int) -> int:
    """How many things to try."""
    if EFFORT is Effort.QUICK:
        return max(1, every_run // _QUICK_SHARE)
    return thorough if EFFORT is Effort.THOROUGH else every_run
