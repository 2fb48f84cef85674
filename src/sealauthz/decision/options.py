"""For whom a question is answered, from how fresh facts, and until when."""

from __future__ import annotations

from dataclasses import dataclass

from sealauthz.decision.assembly import MaySee, everything
from sealauthz.facts.memory.consistency import FROM_MEMORY, NO_DEADLINE, Consistency, Deadline


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What a request says besides its question. `may_see` is the caller's right, `caller` their name.

    `consistency` of a list is that of its first page; the others stay at its revision.
    """

    may_see: MaySee = everything
    caller: str = ""
    consistency: Consistency = FROM_MEMORY
    deadline: Deadline = NO_DEADLINE


DEFAULT_OPTIONS = RequestOptions()
"""No limits: any enterprise, facts from memory, no deadline."""
