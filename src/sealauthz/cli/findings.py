"""What `policy check` tells, as data: diagnostics, and what somebody answers for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sealauthz.decision.inspection import Inspection
    from sealauthz.polar.check import Diagnostic
    from sealauthz.polar.syntax import Place


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the command tells. `severity` is error, warning, exempt or accepted.

    `end_column` is the one behind the last character. Line, column and end are 0 where the place is a file as a whole,
    whose name may be empty too.
    """

    severity: str
    code: str
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    hint: str


def findings_of(inspection: Inspection, *, is_strict: bool) -> Iterator[Finding]:
    """All that is told, as data: the diagnostics, then what is left out and signed off."""
    from sealauthz.polar.spans import end_column
    from sealauthz.polar.syntax import Place

    sources = {source.file: source for source in inspection.sources}

    def finding(severity: str, code: str, place: Place, message: str, hint: str) -> Finding:
        source, end = sources.get(place.file), 0
        if place.column:
            end = place.column + 1 if source is None else end_column(source, place.line, place.column)
        span = (place.line, place.column, place.line, end)
        return Finding(severity, code, place.file, *span, message, hint)

    for each in inspection.diagnostics:
        severity = severity_of(each, is_strict=is_strict)
        yield finding(severity, each.code, each.place, each.message, each.hint)
    for exemption in inspection.exemptions:
        yield finding("exempt", "group", exemption.place, str(exemption), exemption.reason)
    for accepted in inspection.bundle.accepted if inspection.bundle is not None else ():
        place = Place("bundle.toml", 0, 0)
        yield finding("accepted", "signoff", place, f"`{accepted.name}`: {accepted.what}", accepted.why)


def severity_of(diagnostic: Diagnostic, *, is_strict: bool) -> str:
    """What a diagnostic counts as: under `--strict` a warning is an error."""
    return "error" if is_strict else str(diagnostic.severity)
