"""What a check finds, and how checks are run: each on its own, within its time, whatever becomes of the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sealauthz.runtime.errors import SealAuthzError


class Level(StrEnum):
    """How bad it is: nothing to do, something that will hurt, or something that does."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: what is looked at, how it is, and what to do; that is empty where nothing is."""

    area: str
    level: Level
    what: str
    todo: str = ""


Found = Iterator[tuple[Level, str, str]]
"""What the function of a check yields: level, what, and what to do."""


@dataclass(frozen=True, slots=True)
class Check:
    """A look at one area, which may take so long and no longer."""

    area: str
    look: Callable[[], Iterable[tuple[Level, str, str]]]
    limit_s: float = 20.0


def run(check: Check) -> list[Finding]:
    """Return what a check finds. One that fails or takes too long says so, beside what it had found by then.

    It runs on a thread of its own, which is left behind when its time is over: a file on a dead network share, say,
    cannot be waited for, and does not end.
    """
    found: list[Finding] = []
    is_done = threading.Event()

    def look() -> None:
        try:
            for level, what, todo in check.look():
                found.append(Finding(check.area, level, what, todo))
        except SealAuthzError as error:
            found.append(Finding(check.area, Level.PROBLEM, str(error)))
        except Exception as error:  # noqa: BLE001 (the other checks go on)
            # INVARIANT: nothing of a text that nobody here has written is said: it may quote a secret.
            said = f"this could not be looked at: {type(error).__name__}"
            found.append(Finding(check.area, Level.PROBLEM, said, "the other checks go on; please report it"))
        finally:
            is_done.set()

    threading.Thread(target=look, name=f"doctor-{check.area}", daemon=True).start()
    if is_done.wait(check.limit_s):
        return found
    late = f"no answer within {check.limit_s:g} seconds"
    return [*found, Finding(check.area, Level.PROBLEM, late, "see what it waits for: network, disk or a lock")]
