"""Call patterns: what the compiler knows of the arguments of a call, and what comes of compiling one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sealauthz.polar.program import Clause
from sealauthz.polar.syntax import Term
from sealauthz.polar.types import Known


@dataclass(frozen=True, slots=True)
class Bound:
    """An argument whose value is given, of a type that may be known."""

    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """An argument whose value is known to the compiler; `kind` keeps True and 1 apart."""

    value: str | int | float | bool | None
    kind: type


FREE = "free"
IGNORED = "ignored"
Argument = Bound | Constant | str
CallPattern = tuple[Argument, ...]

NIL_TYPE = type(None)
KNOWN_LITERALS: Mapping[type, Known] = {
    **{cls: Known(cls) for cls in (str, int, float, bool)},
    NIL_TYPE: Known(NIL_TYPE, is_optional=True),
}
"""What is known of a literal, by its type."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled pattern: the name of its function, or the answer where it is the same for all values.

    It `tells_apart` classes of one stem where it would be other code for another of them.
    """

    name: str
    always: bool | None = None
    tells_apart: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that a trace can name, and the clause that it stands in; a clause itself has no term."""

    clause: Clause | None
    term: Term | None
