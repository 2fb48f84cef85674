"""An access diff as a report: text for a terminal, Markdown for a comment on a pull request, JSON for programs."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from sealauthz.cli import access_words as words
from sealauthz.cli.access_words import Gate, cause_text, context_text, contexts_text, entity_text
from sealauthz.cli.output import rfc3339
from sealauthz.policytools.diff.approval import acknowledgement_of, line_of
from sealauthz.policytools.diff.changes import Cause, Change, ChangeKind, OtherReasons, SourceLine, grouped
from sealauthz.policytools.diff.loosening import Loosening, RuleDifference
from sealauthz.policytools.diff.report import AccessDiff, named, unseen
from sealauthz.runtime.characters import escaped

MAX_LISTED = 50
"""Changes of one group that a terminal shows; JSON has all."""

MAX_ROWS = 200
"""Changes that a comment on a pull request lists: it must not grow past what such a comment may hold."""

_MARKUP = re.compile(r"[&<>|\\`*_\[\]#@~!$]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_SIGNS = {
    ChangeKind.GAIN: "➕ gain",
    ChangeKind.WIDER: "➕ wider",
    ChangeKind.LOSS: "➖ loss",
    ChangeKind.NARROWER: "➖ narrower",
    ChangeKind.OBLIGATION: "✳ obligation",
    ChangeKind.BROKEN: "⛔ error",
    ChangeKind.MENDED: "✳ mended",
}


def _paint(text: str, **style: Any) -> str:
    return text if os.environ.get("NO_COLOR") else click.style(text, **style)


def text_of(diffs: Sequence[AccessDiff], *, lists_reasons: bool = False, gate: Gate | None = None) -> str:
    """Write diffs for a terminal."""
    bundles = diffs[0].bundles
    same = "" if bundles.old != bundles.new else ", the same files"
    lines = [f"policy {_paint(bundles.old, bold=True)} → {_paint(bundles.new, bold=True)}{same}"]
    lines += [f"  {escaped(said)}" for said in words.files_text(bundles)]
    lines += _difference_lines(diffs[0].differences)
    for diff in diffs:
        if diff.name:
            lines += ["", _paint(f"facts {escaped(diff.name)}", bold=True)]
        for title, colour, changes in _sections(diff):
            for number, group in enumerate(grouped(changes)):
                lines += ["", _paint(title, fg=colour, bold=True)] if number == 0 else [""]
                lines += _group_lines(group)
        if lists_reasons and diff.other_reasons:
            lines += ["", _paint("REASONS", bold=True), *_reason_lines(diff.other_reasons)]
        lines += ["", *_last_lines(diff, lists_reasons, is_all=not unseen(diffs))]
    lines += _unseen_lines(unseen(diffs))
    if len(diffs) > 1 or unseen(diffs):
        lines += ["", f"all facts: {words.summary(diffs)}"]
    return "\n".join([*lines, *_gate_lines(gate)])


def _sections(diff: AccessDiff) -> Iterator[tuple[str, str, tuple[Change, ...]]]:
    """The changes with facts as they are, then those that show only with fresh ones, section by section."""
    for title, colour, kinds in words.SECTIONS:
        yield title, colour, diff.of(*kinds)
    for title, colour, kinds in words.SECTIONS:
        yield f"{title} {words.WITH_FRESH}", colour, diff.fresh_of(*kinds)


def _difference_lines(differences: Sequence[RuleDifference]) -> Iterator[str]:
    """The rules that not both bundles have as they are written; first those that an approval names."""
    for title, is_named, rows in words.rule_sections(differences):
        yield from ("", _paint(title, fg="red" if is_named else None, bold=True))
        yield from _listed([(where, escaped(said)) for where, said in rows], indent=2)


def _unseen_lines(missed: Sequence[Loosening]) -> Iterator[str]:
    if not missed:
        return
    yield from ("", _paint("CANNOT TELL", fg="red", bold=True))
    yield "  these changes of the rules may allow more, and no question of these facts shows what:"
    rows = [words.loosening_text(loosening) for loosening in missed]
    width = max(len(where) for where, _ in rows)
    yield from (f"    {_paint(f'{where:<{width}}', fg='cyan')}  {escaped(said)}" for where, said in rows)
    yield "  give facts of which a question reaches them, or acknowledge each with its line in the file of --approve"


def _last_lines(diff: AccessDiff, lists_reasons: bool, *, is_all: bool) -> Iterator[str]:
    for said in words.warnings(diff.extent):
        yield f"{_paint('warning:', fg='yellow', bold=True)} {said}"
    said = f"{words.changes_text([diff], is_all=is_all)} in {words.measured(diff.extent)}"
    reasons = words.reasons_text(diff, lists_reasons)
    yield said
    if reasons:
        yield f"and {reasons}"


def _group_lines(group: Sequence[Change]) -> Iterator[str]:
    yield f"  {_paint(escaped(words.headline(group)), bold=True)}"
    for cause in group[0].causes:
        text = cause_text(group[0], cause)
        yield f"    {escaped(text.what)}"
        width = max((len(str(spot)) for _, spot, _ in text.places), default=0)
        for side, spot, about in text.places:
            yield f"      {side} {_paint(f'{spot!s:<{width}}', fg='cyan')}  {escaped(about)}"
    yield from _listed([(entity_text(c.subject), entity_text(c.resource), contexts_text(c)) for c in group], indent=4)


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
        yield f"  {words.counted(len(group), 'denial', 'denials')} of `{action}` on {type_}"
        yield f"    OLD {', '.join(before)}"
        yield f"    NEW {', '.join(after)}"
        yield from _listed(
            [(entity_text(d.subject), entity_text(d.resource), context_text(d.context)) for d in group], indent=6
        )


def _gate_lines(gate: Gate | None) -> Iterator[str]:
    if gate is None:
        return
    yield ""
    file = escaped(gate.file)
    if gate.is_written:
        yield f"wrote the changes to {file}; review it before you commit it"
    if gate.broken:
        yield _paint(f"not approved: {words.broken_text(gate)}", fg="red", bold=True)
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


def markdown_of(diffs: Sequence[AccessDiff], *, lists_reasons: bool = False, gate: Gate | None = None) -> str:
    """Write diffs as a comment on a pull request."""
    bundles = diffs[0].bundles
    lines = [f"### Access: {words.summary(diffs)}", "", *_verdict_lines(gate)]
    lines += [f"Policy {_code(bundles.old)} → {_code(bundles.new)}"]
    lines += [f"- {_code(said)}" for said in words.files_text(bundles)]
    for title, is_named, rows in words.rule_sections(diffs[0].differences):
        lines += ["", f"#### {'❗' if is_named else '📜'} {title.capitalize()}", ""]
        lines += [f"- {_code(where)} {_code(said)}" for where, said in rows[:MAX_ROWS]]
        lines += [f"- … and {len(rows) - MAX_ROWS:,} more"] if len(rows) > MAX_ROWS else []
    room = MAX_ROWS
    for diff in diffs:
        if diff.name:
            lines += ["", f"#### {_mark(diff.name)}"]
        for title, find in (("", diff.of), (f"**{words.WITH_FRESH.capitalize()}**", diff.fresh_of)):
            groups = [group for _, _, kinds in words.SECTIONS for group in grouped(find(*kinds))]
            if groups:
                lines += ["", title] if title else []
                lines += ["", "| | persons | action | resources | because |", "|---|---:|---|---:|---|"]
                lines += [_row(group) for group in groups]
            for group in groups:
                lines += _folded(group, room)
                room = max(0, room - len(group))
        if lists_reasons:
            for denial in diff.other_reasons[:room]:
                before, after = ", ".join(denial.before), ", ".join(denial.after)
                who = f"{entity_text(denial.subject)} {denial.action} {entity_text(denial.resource)}"
                lines.append(f"- {_code(who)}: {_mark(before)} → {_mark(after)}")
            if len(diff.other_reasons) > room:
                lines.append(f"- … and {len(diff.other_reasons) - room:,} more denials with other reasons")
        lines += ["", *(f"> ⚠ {_mark(said)}\n" for said in words.warnings(diff.extent))]
        reasons = words.reasons_text(diff, lists_reasons)
        lines.append(f"{words.measured(diff.extent)}{f'; {_mark(reasons)}' if reasons else ''}.")
    missed = unseen(diffs)
    if missed:
        lines += ["", "#### ❓ Cannot tell", ""]
        lines += ["These changes of the rules may allow more, and no question of these facts shows what:", ""]
        rows = [words.loosening_text(loosening) for loosening in missed]
        lines += [f"- {_code(where)} {_code(said)}" for where, said in rows[:MAX_ROWS]]
        if len(rows) > MAX_ROWS:
            lines.append(f"- … and {len(rows) - MAX_ROWS:,} more")
    return "\n".join(lines)


def _row(group: Sequence[Change]) -> str:
    first = group[0]
    why = "<br>".join(_mark(cause_text(first, cause).what) + _where(first, cause) for cause in first.causes)
    why = why or _mark(first.error)
    return (
        f"| {_SIGNS[first.kind]} | {len({c.subject for c in group}):,} | {_code(first.action)} on "
        f"{_mark(first.resource.type)} | {len({c.resource for c in group}):,} | {why} |"
    )


def _where(change: Change, cause: Cause) -> str:
    places = dict.fromkeys(f"{side} {spot}" for side, spot, _ in cause_text(change, cause).places)
    return f" ({', '.join(map(_code, places))})" if places else ""


def _folded(group: Sequence[Change], room: int) -> Iterator[str]:
    yield from ("", f"<details><summary>{_mark(words.headline(group).replace('`', ''))}</summary>", "")
    for cause in group[0].causes:
        text = cause_text(group[0], cause)
        yield f"- {_mark(text.what)}"
        yield from (f"  - {side} {_code(str(spot))} {_mark(about)}" for side, spot, about in text.places)
    yield from ("", "| subject | resource | context |", "|---|---|---|")
    for change in group[:room]:
        cells = (entity_text(change.subject), entity_text(change.resource), contexts_text(change))
        yield f"| {' | '.join(map(_code, cells))} |"
    if len(group) > room:
        yield f"| … and {len(group) - room:,} more | | |"
    yield from ("", "</details>")


def _verdict_lines(gate: Gate | None) -> Iterator[str]:
    if gate is None:
        return
    if gate.broken:
        yield from (f"❌ **Not approved:** {words.broken_text(gate)}.", "")
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


def _some(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:MAX_ROWS]
    if len(lines) > MAX_ROWS:
        yield f"… and {len(lines) - MAX_ROWS:,} more"


def _mark(text: str) -> str:
    """Write text so that in Markdown it is text: no markup, no HTML, no mention of anybody."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", escaped(text))


def _code(text: str) -> str:
    return f"<code>{_mark(text)}</code>" if text else ""


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
        "accepted": {
            side: [dataclasses.asdict(each) for each in accepted]
            for side, accepted in zip(("old", "new"), bundles.accepted, strict=True)
        },
        "rules": [_difference_json(each) for each in diffs[0].differences],
        "named": [_loosening_json(loosening) for loosening in named(diffs)],
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


def _difference_json(difference: RuleDifference) -> dict[str, Any]:
    return {
        "change": str(difference.change),
        "rule": list(difference.words),
        "named": difference.is_named,
        **{
            side: None
            if written is None
            else {"text": written.text, "file": written.place.file, "line": written.place.line}
            for side, written in (("old", difference.old), ("new", difference.new))
        },
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
        "allowed_by": _place_json(cause.allowed_by),
        "is_waived": cause.is_waived,
        "only_allowing": [_place_json(spot) for spot in cause.only_allowing],
        "only_denying": [_place_json(spot) for spot in cause.only_denying],
        "parameters": list(cause.parameters),
        "rule_is_changed": cause.is_rule_changed,
        "required_by": _place_json(cause.required_by),
        "stops": [
            {
                "rule": _place_json(stop.rule),
                "file": stop.at.file,
                "line": stop.at.line,
                "condition": stop.condition,
                "values": list(stop.values),
            }
            for stop in cause.stops
        ],
        "error": cause.error,
    }


def _place_json(place: SourceLine | None) -> dict[str, Any] | None:
    return None if place is None else dataclasses.asdict(place)
