"""An access diff as people and programs read it: text for a terminal, Markdown for a pull request, JSON."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from sealauthz.accessdiff.approval import Verdict, acknowledgement_of, escaped, line_of
from sealauthz.accessdiff.changes import (
    Cause,
    CauseKind,
    Change,
    ChangeKind,
    ContextEntries,
    OtherReasons,
    SourceLine,
    grouped,
)
from sealauthz.accessdiff.loosening import Loosening, LooseningKind
from sealauthz.accessdiff.report import AccessDiff, BundleDelta, Extent, unseen
from sealauthz.cli.output import rfc3339

SECTIONS: tuple[tuple[str, str, tuple[ChangeKind, ...]], ...] = (
    ("GAINS", "green", (ChangeKind.GAIN, ChangeKind.WIDER)),
    ("LOSES", "red", (ChangeKind.LOSS, ChangeKind.NARROWER)),
    ("OBLIGATIONS", "cyan", (ChangeKind.OBLIGATION,)),
    ("ERRORS", "yellow", (ChangeKind.BROKEN, ChangeKind.MENDED)),
)
"""The sections of a report, with their colour and what stands in them."""

WITH_FRESH = "WITH FRESH CHECKS AND CODES"
"""What is added to the title of a section whose changes do not show with the facts as they are."""

MAX_LISTED = 50
"""Changes of one group that a terminal shows; JSON has all."""

MAX_ROWS = 200
"""Changes that a comment on a pull request lists: it must not grow past what such a comment may hold."""

_NOUNS = {
    ChangeKind.GAIN: ("gain", "gains"),
    ChangeKind.LOSS: ("loss", "losses"),
    ChangeKind.WIDER: ("widening", "widenings"),
    ChangeKind.NARROWER: ("narrowing", "narrowings"),
    ChangeKind.OBLIGATION: ("change of obligations", "changes of obligations"),
    ChangeKind.BROKEN: ("question that cannot be decided any more", "questions that cannot be decided any more"),
    ChangeKind.MENDED: ("question that can be decided again", "questions that can be decided again"),
}
_UNITS = ((86_400_000_000, "day"), (3_600_000_000, "hour"), (60_000_000, "minute"), (1_000_000, "second"))
_COUNTS = ("reminder_limit",)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_MARKUP = re.compile(r"[&<>|\\`*_\[\]#@~!$]|:(?=//)|(?<=www)\.", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Gate:
    """The file of approved changes, how the changes compare with it, and whether it was just written.

    `broken` counts the questions that NEW fails to decide, which nobody can approve.
    """

    file: str
    verdict: Verdict
    is_written: bool = False
    broken: int = 0

    def __bool__(self) -> bool:
        return bool(self.verdict) and not self.broken


# --- words that all forms share -------------------------------------------------------------------------------------


def summary(diffs: Sequence[AccessDiff]) -> str:
    """Say how much changes, in one line, and how much cannot be told."""
    untold = unseen(diffs)
    said = _changes_said(diffs, is_all=not untold)
    return f"{said}; {_untold_said(untold)}" if untold else said


def _changes_said(diffs: Sequence[AccessDiff], *, is_all: bool) -> str:
    """Say how much changes. That nothing does is said only where it can be told of all changes of the rules."""
    found = Counter(change.kind for diff in diffs for change in (*diff.changes, *diff.fresh))
    if not found:
        return "no access changes" if is_all else "no effect seen"
    kinds = [kind for kind in ChangeKind if found[kind] or kind in (ChangeKind.GAIN, ChangeKind.LOSS)]
    return ", ".join(counted(found[kind], *_NOUNS[kind]) for kind in kinds)


def _untold_said(untold: Sequence[Loosening]) -> str:
    return f"cannot tell what {counted(len(untold), 'change', 'changes')} of the rules may allow"


def _loosening_said(loosening: Loosening) -> tuple[str, str]:
    """Say where a change of the rules stands, and what it is."""
    is_gone = loosening.kind in (LooseningKind.DROPPED, LooseningKind.OBLIGATION)
    place = f"{loosening.place.file}:{loosening.place.line}" if loosening.place is not None else ""
    where = f"{'OLD' if is_gone else 'NEW'} {place}".rstrip()
    return where, f"{loosening.text}{'  is gone' if is_gone else ''}"


def counted(count: int, one: str, many: str) -> str:
    """Say a number of things."""
    return f"{count:,} {one if count == 1 else many}"


def measured(extent: Extent) -> str:
    """Say how much was decided."""
    decided = counted(extent.decisions, "decision", "decisions")
    if extent.fresh_decisions:
        decided += f" and {extent.fresh_decisions:,} with fresh checks and codes"
    return (
        f"{decided} ({counted(extent.subjects, 'subject', 'subjects')} × "
        f"{counted(extent.resources, 'resource', 'resources')}: {counted(extent.questions, 'question', 'questions')})"
    )


def warnings(extent: Extent) -> list[str]:
    """Say what was not decided."""
    said: list[str] = []
    if extent.decided_pairs < extent.pairs:
        said.append(
            f"incomplete: {extent.decided_pairs:,} of {extent.pairs:,} pairs of subject and resource were decided, all "
            "with a tie to the resource and some of each kind of strangers (see --pairs)"
        )
    for cut, how in ((extent.cut, ""), (extent.fresh_cut, "with fresh checks and codes ")):
        if cut:
            said.append(
                f"incomplete: {counted(cut, 'question has', 'questions have')} more contexts {how}than were tried "
                "(see --contexts)"
            )
    if extent.undecidable:
        said.append(f"{counted(extent.undecidable, 'question', 'questions')} cannot be decided by either policy")
    return said


def _reasons_said(diff: AccessDiff, is_listed: bool) -> str:
    extent, found = diff.extent, len(diff.other_reasons)
    notes = []
    if extent.compared < extent.denials:
        notes.append(f"{extent.compared:,} of {extent.denials:,} were compared")
    if not is_listed and (found or notes):
        notes.append("--reasons compares all and lists them" if notes else "--reasons lists them")
    if not found and not notes:
        return ""
    what = {0: "no denial gives", 1: "1 denial gives"}.get(found, f"{found:,} denials give")
    return " ".join([f"{what} other reasons", *([f"({'; '.join(notes)})"] if notes else [])])


def _files_said(bundles: BundleDelta) -> list[str]:
    said = [f"{name}: {_value(name, old)} → {_value(name, new)}" for name, old, new in bundles.parameters]
    return [*bundles.files, *(f"parameters.toml  {line}" for line in said)]


def _value(name: str, value: int) -> str:
    if name in _COUNTS:
        return str(value)
    for size, unit in _UNITS:
        if value % size == 0:
            return counted(value // size, unit, f"{unit}s")
    return f"{value} µs"


def _headline(group: Sequence[Change]) -> str:
    """Say what changes for a group, in one line."""
    first = group[0]
    subjects = len({change.subject for change in group})
    resources = len({change.resource for change in group})
    type_ = first.resource.type
    on = f"{type_}" if resources == 1 else f"{resources:,} of type {type_}"
    who, has = counted(subjects, "person", "persons"), "s" if subjects == 1 else ""
    may = f"`{first.action}` on {on}"
    return {
        ChangeKind.GAIN: f"{who} gain{has} {may}",
        ChangeKind.WIDER: f"{who} who {'has' if subjects == 1 else 'have'} {may} gain{has} it in more contexts",
        ChangeKind.LOSS: f"{who} lose{has} {may}",
        ChangeKind.NARROWER: f"{who} who keep{has} {may} lose{has} it in some contexts",
        ChangeKind.OBLIGATION: f"{who} with {may} get{has} other obligations",
        ChangeKind.BROKEN: f"{who}, {may}: NEW cannot decide any more: {first.error}",
        ChangeKind.MENDED: f"{who}, {may}: OLD could not decide: {first.error}",
    }[first.kind]


@dataclasses.dataclass(frozen=True, slots=True)
class _Told:
    """A cause in words: what it is, and the lines of the policies behind it as (side, line, what it is about)."""

    what: str
    places: tuple[tuple[str, SourceLine | None, str], ...]


def _told(change: Change, cause: Cause) -> _Told:
    """Put a cause into words: for a gain NEW allows and OLD denies, for a loss the other way round."""
    if cause.kind == CauseKind.OBLIGATION:
        is_added = cause.requirement in change.added
        said = f"{cause.requirement} {'must be done, too' if is_added else 'need not be done any more'}"
        return _Told(said, (("NEW" if is_added else "OLD", cause.required_by, "obliges to it"),))
    is_gain = change.kind in (ChangeKind.GAIN, ChangeKind.WIDER)
    allows, denies = ("NEW", "OLD") if is_gain else ("OLD", "NEW")
    type_ = change.resource.type
    what = {
        CauseKind.ACTION: (f"`{change.action}` on {type_} is new", f"NEW has no action `{change.action}` on {type_}"),
        CauseKind.FAILURE: (f"OLD could not decide: {cause.error}", f"NEW cannot decide: {cause.error}"),
        CauseKind.VISIBILITY: (f"the {type_} is visible now", f"the {type_} is not visible any more"),
        CauseKind.PERMISSION: ("the permission is given now", "the permission is not given any more"),
        CauseKind.CHECKLIST: (f"{cause.requirement} is not required any more", f"{cause.requirement} is required now"),
        CauseKind.REQUIREMENT: (
            f"{cause.requirement} is {'waived' if cause.is_waived else 'met'} now",
            f"{cause.requirement} is not {'waived' if cause.is_waived else 'met'} any more",
        ),
    }[cause.kind][0 if is_gain else 1]
    places: list[tuple[str, SourceLine | None, str]] = []
    if cause.required_by is not None:
        places.append((denies, cause.required_by, "requires it"))
    if cause.allowed_by is not None:
        gone = f"; {denies} has no such rule" if cause.is_rule_changed else ""
        places.append((allows, cause.allowed_by, f"holds{gone}"))
    places += [(allows, spot, f"is used by it; {denies} has no such rule") for spot in cause.only_allowing]
    places += [(denies, spot, f"is used by it; {allows} has no such rule") for spot in cause.only_denying]
    for stop in cause.stops:
        values = f"   ({' vs '.join(stop.values)})" if stop.values else ""
        places.append((denies, stop.at, f"stops at  {stop.condition}{values}"))
    if cause.parameters:
        what += f", for parameters.toml has another {' and '.join(cause.parameters)}"
    return _Told(what, tuple(places))


def _context(entries: ContextEntries) -> str:
    return " ".join(f"{key}={escaped(value)}" for key, value in entries)


def _seen(change: Change) -> str:
    more = f" (and {counted(change.further, 'other context', 'other contexts')})" if change.further else ""
    return f"{_context(change.context)}{more}".strip()


# --- text -----------------------------------------------------------------------------------------------------------


def _paint(text: str, **style: Any) -> str:
    return text if os.environ.get("NO_COLOR") else click.style(text, **style)


def _plain(text: str) -> str:
    """Take out what would steer a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def text_of(diffs: Sequence[AccessDiff], *, lists_reasons: bool = False, gate: Gate | None = None) -> str:
    """Write diffs for a terminal."""
    bundles = diffs[0].bundles
    same = "" if bundles.old != bundles.new else ", the same files"
    lines = [f"policy {_paint(bundles.old, bold=True)} → {_paint(bundles.new, bold=True)}{same}"]
    lines += [f"  {_plain(said)}" for said in _files_said(bundles)]
    for diff in diffs:
        if diff.name:
            lines += ["", _paint(f"facts {_plain(diff.name)}", bold=True)]
        for title, colour, changes in _sections(diff):
            for number, group in enumerate(grouped(changes)):
                lines += ["", _paint(title, fg=colour, bold=True)] if number == 0 else [""]
                lines += _group_lines(group)
        if lists_reasons and diff.other_reasons:
            lines += ["", _paint("REASONS", bold=True), *_reason_lines(diff.other_reasons)]
        lines += ["", *_last_lines(diff, lists_reasons, is_all=not unseen(diffs))]
    lines += _untold_lines(unseen(diffs))
    if len(diffs) > 1 or unseen(diffs):
        lines += ["", f"all facts: {summary(diffs)}"]
    return "\n".join([*lines, *_gate_lines(gate)])


def _sections(diff: AccessDiff) -> Iterator[tuple[str, str, tuple[Change, ...]]]:
    """The changes with facts as they are, then those that show only with fresh ones, section by section."""
    for title, colour, kinds in SECTIONS:
        yield title, colour, diff.of(*kinds)
    for title, colour, kinds in SECTIONS:
        yield f"{title} {WITH_FRESH}", colour, diff.fresh_of(*kinds)


def _untold_lines(untold: Sequence[Loosening]) -> Iterator[str]:
    if not untold:
        return
    yield from ("", _paint("CANNOT TELL", fg="red", bold=True))
    yield "  these changes of the rules may allow more, and no question of these facts shows what:"
    rows = [_loosening_said(loosening) for loosening in untold]
    width = max(len(where) for where, _ in rows)
    yield from (f"    {_paint(f'{where:<{width}}', fg='cyan')}  {_plain(said)}" for where, said in rows)
    yield "  give facts of which a question reaches them, or acknowledge each with its line in the file of --approve"


def _last_lines(diff: AccessDiff, lists_reasons: bool, *, is_all: bool) -> Iterator[str]:
    for said in warnings(diff.extent):
        yield f"{_paint('warning:', fg='yellow', bold=True)} {said}"
    said = f"{_changes_said([diff], is_all=is_all)} in {measured(diff.extent)}"
    reasons = _reasons_said(diff, lists_reasons)
    yield said
    if reasons:
        yield f"and {reasons}"


def _group_lines(group: Sequence[Change]) -> Iterator[str]:
    yield f"  {_paint(_plain(_headline(group)), bold=True)}"
    for cause in group[0].causes:
        told = _told(group[0], cause)
        yield f"    {_plain(told.what)}"
        width = max((len(str(spot)) for _, spot, _ in told.places), default=0)
        for side, spot, about in told.places:
            yield f"      {side} {_paint(f'{spot!s:<{width}}', fg='cyan')}  {_plain(about)}"
    yield from _listed([(str_of(c.subject), str_of(c.resource), _seen(c)) for c in group], indent=4)


def str_of(entity: Any) -> str:
    """Write a subject or a resource so that whatever is in its id, it is one word."""
    return f"{entity.type}:{escaped(entity.id)}"


def _listed(rows: Sequence[tuple[str, ...]], indent: int) -> Iterator[str]:
    shown = rows[:MAX_LISTED]
    widths = [max((len(row[column]) for row in shown), default=0) for column in range(len(shown[0]))]
    for row in shown:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield " " * indent + "  ".join(cells).rstrip()
    if len(rows) > len(shown):
        yield f"{' ' * indent}… and {len(rows) - len(shown):,} more (-o json lists all)"


def _reason_lines(found: Iterable[OtherReasons]) -> Iterator[str]:
    groups: dict[tuple[Any, ...], list[OtherReasons]] = {}
    for denial in found:
        groups.setdefault((denial.action, denial.resource.type, denial.before, denial.after), []).append(denial)
    for (action, type_, before, after), group in groups.items():
        yield f"  {counted(len(group), 'denial', 'denials')} of `{action}` on {type_}"
        yield f"    OLD {', '.join(before)}"
        yield f"    NEW {', '.join(after)}"
        yield from _listed([(str_of(d.subject), str_of(d.resource), _context(d.context)) for d in group], indent=6)


def _gate_lines(gate: Gate | None) -> Iterator[str]:
    if gate is None:
        return
    yield ""
    file = _plain(gate.file)
    if gate.is_written:
        yield f"wrote the changes to {file}; review it before you commit it"
    if gate.broken:
        yield _paint(f"not approved: {_broken_said(gate)}", fg="red", bold=True)
    if gate.is_written:
        return
    if gate:
        yield _paint(f"approved: the changes are exactly those in {file}", fg="green", bold=True)
        return
    if gate.verdict.missing:
        yield _paint(f"not approved: after review, add to {file}", fg="red", bold=True)
        yield from (f"  {line}" for line in gate.verdict.missing)
    if gate.verdict.stale:
        yield _paint(
            f"stale: these do not happen, and would let a later change through; remove from {file}", fg="red", bold=True
        )
        yield from (f"  {line}" for line in gate.verdict.stale)


# --- Markdown -------------------------------------------------------------------------------------------------------


def _mark(text: str) -> str:
    """Write text so that in Markdown it is text: no markup, no HTML, no mention of anybody."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", _plain(text))


def _code(text: str) -> str:
    return f"<code>{_mark(text)}</code>" if text else ""


_SIGNS = {
    ChangeKind.GAIN: "➕ gain",
    ChangeKind.WIDER: "➕ wider",
    ChangeKind.LOSS: "➖ loss",
    ChangeKind.NARROWER: "➖ narrower",
    ChangeKind.OBLIGATION: "✳️ obligation",
    ChangeKind.BROKEN: "⛔ error",
    ChangeKind.MENDED: "✳️ mended",
}


def markdown_of(diffs: Sequence[AccessDiff], *, lists_reasons: bool = False, gate: Gate | None = None) -> str:
    """Write diffs as a comment on a pull request."""
    bundles = diffs[0].bundles
    lines = [f"### Access: {summary(diffs)}", "", *_verdict_lines(gate)]
    lines += [f"Policy {_code(bundles.old)} → {_code(bundles.new)}"]
    lines += [f"- {_code(said)}" for said in _files_said(bundles)]
    room = MAX_ROWS
    for diff in diffs:
        if diff.name:
            lines += ["", f"#### {_mark(diff.name)}"]
        for title, find in (("", diff.of), (f"**{WITH_FRESH.capitalize()}**", diff.fresh_of)):
            groups = [group for _, _, kinds in SECTIONS for group in grouped(find(*kinds))]
            if groups:
                lines += ["", title] if title else []
                lines += ["", "| | persons | action | resources | because |", "|---|---:|---|---:|---|"]
                lines += [_row(group) for group in groups]
            for group in groups:
                lines += _details(group, room)
                room = max(0, room - len(group))
        if lists_reasons:
            for denial in diff.other_reasons[:room]:
                before, after = ", ".join(denial.before), ", ".join(denial.after)
                who = f"{str_of(denial.subject)} {denial.action} {str_of(denial.resource)}"
                lines.append(f"- {_code(who)}: {_mark(before)} → {_mark(after)}")
            if len(diff.other_reasons) > room:
                lines.append(f"- … and {len(diff.other_reasons) - room:,} more denials with other reasons")
        lines += ["", *(f"> ⚠️ {_mark(said)}\n" for said in warnings(diff.extent))]
        reasons = _reasons_said(diff, lists_reasons)
        lines.append(f"{measured(diff.extent)}{f'; {_mark(reasons)}' if reasons else ''}.")
    untold = unseen(diffs)
    if untold:
        lines += ["", "#### ❓ Cannot tell", ""]
        lines += ["These changes of the rules may allow more, and no question of these facts shows what:", ""]
        rows = [_loosening_said(loosening) for loosening in untold]
        lines += [f"- {_code(where)} {_code(said)}" for where, said in rows[:MAX_ROWS]]
        if len(rows) > MAX_ROWS:
            lines.append(f"- … and {len(rows) - MAX_ROWS:,} more")
    return "\n".join(lines)


def _row(group: Sequence[Change]) -> str:
    first = group[0]
    why = "<br>".join(_mark(_told(first, cause).what) + _where(first, cause) for cause in first.causes)
    why = why or _mark(first.error)
    return (
        f"| {_SIGNS[first.kind]} | {len({c.subject for c in group}):,} | {_code(first.action)} on "
        f"{_mark(first.resource.type)} | {len({c.resource for c in group}):,} | {why} |"
    )


def _where(change: Change, cause: Cause) -> str:
    places = dict.fromkeys(f"{side} {spot}" for side, spot, _ in _told(change, cause).places)
    return f" ({', '.join(map(_code, places))})" if places else ""


def _details(group: Sequence[Change], room: int) -> Iterator[str]:
    yield from ("", f"<details><summary>{_mark(_headline(group).replace('`', ''))}</summary>", "")
    for cause in group[0].causes:
        told = _told(group[0], cause)
        yield f"- {_mark(told.what)}"
        yield from (f"  - {side} {_code(str(spot))} {_mark(about)}" for side, spot, about in told.places)
    yield from ("", "| subject | resource | context |", "|---|---|---|")
    for change in group[:room]:
        yield f"| {_code(str_of(change.subject))} | {_code(str_of(change.resource))} | {_code(_seen(change))} |"
    if len(group) > room:
        yield f"| … and {len(group) - room:,} more | | |"
    yield from ("", "</details>")


def _verdict_lines(gate: Gate | None) -> Iterator[str]:
    if gate is None:
        return
    if gate.broken:
        yield from (f"❌ **Not approved:** {_broken_said(gate)}.", "")
    if gate.is_written:
        return
    if gate:
        yield from (f"✅ Approved: the changes are exactly those in {_code(gate.file)}.", "")
    if gate.verdict.missing:
        yield from (f"❌ **Not approved.** After review, add to {_code(gate.file)}:", "", "```diff")
        yield from _some(gate.verdict.missing)
        yield from ("```", "")
    if gate.verdict.stale:
        yield from (f"❌ **Stale.** These do not happen; remove from {_code(gate.file)}:", "", "```diff")
        yield from _some(gate.verdict.stale)
        yield from ("```", "")


def _broken_said(gate: Gate) -> str:
    return f"NEW fails to decide {counted(gate.broken, 'question', 'questions')}, which no line can approve"


def _some(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:MAX_ROWS]
    if len(lines) > MAX_ROWS:
        yield f"… and {len(lines) - MAX_ROWS:,} more"


# --- JSON -----------------------------------------------------------------------------------------------------------


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
