"""How much the tests do that try things at random: enough for every run, or all that `make thorough` asks for."""

from __future__ import annotations

import os

IS_THOROUGH = os.environ.get("SEALAUTHZ_THOROUGH") == "1"


def tries(every_run: int, thorough: int) -> int:
    """How many things to try."""
    return thorough if IS_THOROUGH else every_run
