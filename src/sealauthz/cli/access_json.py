"""An access diff as JSON, for programs."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sealauthz.accessdiff.approval import acknowledgement_of, line_of
from sealauthz.accessdiff.changes import Cause, Change, ChangeKind, SourceLine
from sealauthz.accessdiff.loosening import Loosening
from sealauthz.accessdiff.report import AccessDiff, unseen
from sealauthz.cli.access_words import Gate
from sealauthz.cli.output import rfc3339


def json_of(diffs: Sequence[AccessDiff], *, lists_reasons: bool = False, gate: Gate | None = None) -> dict[str, Any]:
    """Write diffs for a program; the help of the command documents the form."""
    found = Counter(change.kind for diff in diffs for change in (*diff.changes, *diff.fresh))
    bundles = diffs[0].bundles
    return {
        "complete": all(diff.extent.is_complete for diff in diffs),
        "old": bundles.old,
        "new": bundles.new,
        "files": list(bundles.files),
        "parameters": [{"name": name, "old": old, "new": new} for name, old, new in bundles.parameters],
        "summary": {str(kind): found[kind] for kind in ChangeKind},
        "facts": [_diff_json(diff, lists_reasons) for diff in diffs],
        "cannot_tell": [_loosening_json(loosening) for loosening in unseen(diffs)],
        "approval": None
        if gate is None
        else {
            "file": gate.file,
            "approved": bool(gate),
            "missing": list(gate.verdict.missing),
            "stale": list(gate.verdict.stale),
        },
    }


def _diff_json(diff: AccessDiff, lists_reasons: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": diff.name,
        "now": rfc3339(diff.now),
        "extent": dataclasses.asdict(diff.extent),
        "changes": [_change_json(change, diff.name) for change in diff.changes],
        "fresh_changes": [_change_json(change, diff.name) for change in diff.fresh],
        "denials_with_other_reasons": len(diff.other_reasons),
    }
    if lists_reasons:
        made["other_reasons"] = [
            {
                "subject": str(denial.subject),
                "action": denial.action,
                "resource": str(denial.resource),
                "context": dict(denial.context),
                "old": list(denial.before),
                "new": list(denial.after),
            }
            for denial in diff.other_reasons
        ]
    return made


def _change_json(change: Change, name: str) -> dict[str, Any]:
    return {
        "kind": str(change.kind),
        "subject": str(change.subject),
        "action": change.action,
        "resource": str(change.resource),
        "context": dict(change.context),
        "further_contexts": change.further,
        "causes": [_cause_json(cause) for cause in change.causes],
        "obligations_added": list(change.added),
        "obligations_dropped": list(change.dropped),
        "error": change.error,
        "approval_line": line_of(change, name),
    }


def _loosening_json(loosening: Loosening) -> dict[str, Any]:
    place = loosening.place
    return {
        "kind": str(loosening.kind),
        "rule": list(loosening.words),
        "text": loosening.text,
        "file": place.file if place is not None else "",
        "line": place.line if place is not None else 0,
        "approval_line": acknowledgement_of(loosening),
    }


def _cause_json(cause: Cause) -> dict[str, Any]:
    return {
        "kind": str(cause.kind),
        "requirement": cause.requirement,
        "allowed_by": _spot_json(cause.allowed_by),
        "is_waived": cause.is_waived,
        "only_allowing": [_spot_json(spot) for spot in cause.only_allowing],
        "only_denying": [_spot_json(spot) for spot in cause.only_denying],
        "parameters": list(cause.parameters),
        "rule_is_changed": cause.is_rule_changed,
        "required_by": _spot_json(cause.required_by),
        "stops": [
            {
                "rule": _spot_json(stop.rule),
                "file": stop.at.file,
                "line": stop.at.line,
                "condition": stop.condition,
                "values": list(stop.values),
            }
            for stop in cause.stops
        ],
        "error": cause.error,
    }


def _spot_json(spot: SourceLine | None) -> dict[str, Any] | None:
    return None if spot is None else {"file": spot.file, "line": spot.line}
