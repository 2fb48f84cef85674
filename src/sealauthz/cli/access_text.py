"""An access diff as text for a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from sealauthz.accessdiff.changes import Change, OtherReasons, grouped
from sealauthz.accessdiff.loosening import Loosening
from sealauthz.accessdiff.report import AccessDiff, unseen
from sealauthz.cli import access_words as words
from sealauthz.cli.access_words import Gate, context_text, contexts_text, entity_text, plain

MAX_LISTED = 50
"""Changes of one group that a terminal shows; JSON has all."""


def _paint(text: str, **style: Any) -> str:
    return text if os.environ.get("NO_COLOR") else click.style(text, **style)


def text_of(diffs: Sequence[AccessDiff], *, lists_reasons: bool = False, gate: Gate | None = None) -> str:
    """Write diffs for a terminal."""
    bundles = diffs[0].bundles
    same = "" if bundles.old != bundles.new else ", the same files"
    lines = [f"policy {_paint(bundles.old, bold=True)} → {_paint(bundles.new, bold=True)}{same}"]
    lines += [f"  {plain(said)}" for said in words.files_text(bundles)]
    for diff in diffs:
        if diff.name:
            lines += ["", _paint(f"facts {plain(diff.name)}", bold=True)]
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


def _unseen_lines(missed: Sequence[Loosening]) -> Iterator[str]:
    if not missed:
        return
    yield from ("", _paint("CANNOT TELL", fg="red", bold=True))
    yield "  these changes of the rules may allow more, and no question of these facts shows what:"
    rows = [words.loosening_text(loosening) for loosening in missed]
    width = max(len(where) for where, _ in rows)
    yield from (f"    {_paint(f'{where:<{width}}', fg='cyan')}  {plain(said)}" for where, said in rows)
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
    yield f"  {_paint(plain(words.headline(group)), bold=True)}"
    for cause in group[0].causes:
        text = words.cause_text(group[0], cause)
        yield f"    {plain(text.what)}"
        width = max((len(str(spot)) for _, spot, _ in text.places), default=0)
        for side, spot, about in text.places:
            yield f"      {side} {_paint(f'{spot!s:<{width}}', fg='cyan')}  {plain(about)}"
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
    file = plain(gate.file)
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
