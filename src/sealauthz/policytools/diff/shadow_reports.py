"""What shadows have found, as text that a store keeps, and put together over all processes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.decision import Entity, Question
from sealauthz.policytools.diff.changes import Cause, CauseKind, SourceLine, Stop
from sealauthz.policytools.diff.shadow import Difference, Kind, Noted, ShadowReport, in_order

MOST_WRITTEN = 200
"""So many kinds of differences are written of a process, gains first."""

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class ShadowSummary:
    """What all processes together have found of a candidate; `processes` is how many have told.

    Counts are those of `ShadowReport`. Only what is told against the same active policies is put together: `active`.
    """

    active: str
    candidate: str
    processes: int
    sampled: int
    compared: int
    left_out: int
    not_in_memory: int
    uncounted: int
    differences: tuple[Noted, ...]


def written(report: ShadowReport) -> str:
    """Return a report as text."""
    kept, more = report.differences[:MOST_WRITTEN], report.differences[MOST_WRITTEN:]
    counts = {name: getattr(report, name) for name in _COUNTS}
    counts["uncounted"] += sum(noted.count for noted in more)
    whole = {"active": report.active, "candidate": report.candidate, "since": report.since, **counts}
    return json.dumps(whole | {"differences": [dataclasses.asdict(noted) for noted in kept]}, ensure_ascii=False)


def summary(texts: Iterable[str]) -> ShadowSummary | None:
    """Put the reports of all processes together; None where none has told."""
    reports = [_read(text) for text in texts]
    if not reports:
        return None
    # Right after an activation some processes compare with what was active before: the last ones to begin count.
    active = max(reports, key=lambda report: report.since).active
    same = [report for report in reports if report.active == active]
    noted: dict[Kind, Noted] = {}
    for report in same:
        for each in report.differences:
            so_far = noted.get(each.kind)
            if so_far is None:
                noted[each.kind] = each
                continue
            so_far.count += each.count
            so_far.first_at, so_far.last_at = min(so_far.first_at, each.first_at), max(so_far.last_at, each.last_at)
            further = [example for example in each.examples if example not in so_far.examples]
            so_far.examples = (*so_far.examples, *further)[:_EXAMPLES]
    counts = {name: sum(getattr(report, name) for report in same) for name in _COUNTS}
    return ShadowSummary(active, same[0].candidate, len(same), differences=tuple(in_order(noted.values())), **counts)


_COUNTS = ("sampled", "compared", "left_out", "not_in_memory", "uncounted")


def _read(text: str) -> ShadowReport:
    found = json.loads(text)
    counts = {name: found[name] for name in _COUNTS}
    differences = tuple(_noted(each) for each in found["differences"])
    return ShadowReport(found["active"], found["candidate"], found["since"], differences=differences, **counts)


def _noted(found: Mapping[str, Any]) -> Noted:
    kind = dict(found["kind"])
    kind["difference"] = Difference(kind["difference"])
    kind["causes"] = tuple(map(_cause, kind["causes"]))
    for name in ("before", "after", "added", "dropped"):
        kind[name] = tuple(kind[name])
    examples = tuple(
        Question(Entity(**each["subject"]), each["action"], Entity(**each["resource"]), each["context"])
        for each in found["examples"]
    )
    return Noted(Kind(**kind), found["first_at"], found["last_at"], found["count"], examples)


def _cause(found: Mapping[str, Any]) -> Cause:
    said = dict(found)
    said["kind"] = CauseKind(said["kind"])
    for name in ("allowed_by", "required_by"):
        said[name] = _line(said[name])
    for name in ("only_allowing", "only_denying"):
        said[name] = tuple(SourceLine(**each) for each in said[name])
    said["parameters"] = tuple(said["parameters"])
    said["stops"] = tuple(
        Stop(SourceLine(**each["rule"]), SourceLine(**each["at"]), each["condition"]) for each in said["stops"]
    )
    return Cause(**said)


def _line(found: Mapping[str, Any] | None) -> SourceLine | None:
    return None if found is None else SourceLine(**found)
