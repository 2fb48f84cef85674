"""What the checker finds: errors that stop a bundle, and warnings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sealauthz.polar.syntax import Place
from sealauthz.runtime.errors import BundleRefused


class Severity(StrEnum):
    """Whether a diagnostic stops the bundle."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong, where it is, and what may be meant instead (`hint` may be empty)."""

    severity: Severity
    code: str
    message: str
    place: Place
    hint: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.place}: {self.severity}: {self.message}{hint} [{self.code}]"


MAX_ECHO = 60
"""An error repeats at most so many characters of a name, a text or a condition."""

MAX_MESSAGE = 600
"""An error has at most so many characters."""

_ECHO = re.compile(r"`[^`]*`|\"[^\"]*\"")


def cut(message: str) -> str:
    """Cut what an error repeats of a policy, which stands between backticks or quotes, and show it on one line."""
    if not message.isprintable():
        message = "".join(char if char.isprintable() else "\ufffd" for char in message)
    if len(message) > MAX_ECHO:
        message = _ECHO.sub(_cut_echo, message)
    return message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 1]}…"


def _cut_echo(found: re.Match[str]) -> str:
    text = found[0]
    return text if len(text) <= MAX_ECHO + 2 else f"{text[:MAX_ECHO]}…{text[-1]}"


def refusal(message: str, place: Place | None) -> BundleRefused:
    """Make the error that refuses a bundle for what stands at a place."""
    place = place or Place("", 0, 0)
    return BundleRefused(cut(message), place.file, place.line, place.column)


class Diagnostics:
    """Collects diagnostics: of each kind one at a place, an error before a warning. `told` counts all that it is told,
    also what it knows already.
    """

    def __init__(self) -> None:
        self.told = 0
        self._found: dict[tuple[Place, str], Diagnostic] = {}
        self._wrong: set[Place] = set()

    def error(self, code: str, message: str, place: Place, hint: str = "") -> None:
        """Note an error."""
        self._add(Diagnostic(Severity.ERROR, code, cut(message), place, cut(hint)))

    def warning(self, code: str, message: str, place: Place, hint: str = "") -> None:
        """Note a warning."""
        self._add(Diagnostic(Severity.WARNING, code, cut(message), place, cut(hint)))

    def has_error_at(self, place: Place) -> bool:
        """Whether an error was noted at a place."""
        return place in self._wrong

    def _add(self, diagnostic: Diagnostic) -> None:
        self.told += 1
        if diagnostic.severity is Severity.ERROR:
            self._wrong.add(diagnostic.place)
        key = (diagnostic.place, diagnostic.code)
        known = self._found.get(key)
        if known is None or (known.severity is Severity.WARNING and diagnostic.severity is Severity.ERROR):
            self._found[key] = diagnostic

    def take(self, other: Diagnostics) -> None:
        """Note what others noted."""
        for diagnostic in other.noted():
            self._add(diagnostic)

    def noted(self) -> Iterable[Diagnostic]:
        """All of them, in the order in which they were noted."""
        return self._found.values()

    def errors(self) -> list[Place]:
        """The places of the errors noted until now."""
        return [diagnostic.place for diagnostic in self._found.values() if diagnostic.severity is Severity.ERROR]

    def by_place(self) -> list[Diagnostic]:
        """All diagnostics, file by file from top to bottom."""
        return sorted(
            self._found.values(), key=lambda f: (f.place.file, f.place.line, f.place.column, f.severity, f.code)
        )


def did_you_mean(name: str, known: Iterable[object], cutoff: float = 0.6) -> str:
    """Suggest the known names that are nearest to one that is not known."""
    near = difflib.get_close_matches(name, [str(word) for word in known], n=2, cutoff=cutoff)
    return f"did you mean {' or '.join(f'`{word}`' for word in near)}?" if near else ""
