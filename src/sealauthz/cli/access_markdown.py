"""An access diff as Markdown: a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sealauthz.accessdiff.changes import Cause, Change, ChangeKind, grouped
from sealauthz.accessdiff.report import AccessDiff, unseen
from sealauthz.cli import access_words as words
from sealauthz.cli.access_words import Gate, cause_text, entity_text

MAX_ROWS = 200
"""Changes that a comment on a pull request lists: it must not grow past what such a comment may hold."""

_MARKUP = re.compile(r"[&<>|\\`*_\[\]#@~!$]|:(?=//)|(?<=www)\.", re.IGNORECASE)


def _mark(text: str) -> str:
    """Write text so that in Markdown it is text: no markup, no HTML, no mention of anybody."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", words.plain(text))


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
    lines = [f"### Access: {words.summary(diffs)}", "", *_verdict_lines(gate)]
    lines += [f"Policy {_code(bundles.old)} → {_code(bundles.new)}"]
    lines += [f"- {_code(said)}" for said in words.files_text(bundles)]
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
                lines += _details(group, room)
                room = max(0, room - len(group))
        if lists_reasons:
            for denial in diff.other_reasons[:room]:
                before, after = ", ".join(denial.before), ", ".join(denial.after)
                who = f"{entity_text(denial.subject)} {denial.action} {entity_text(denial.resource)}"
                lines.append(f"- {_code(who)}: {_mark(before)} → {_mark(after)}")
            if len(diff.other_reasons) > room:
                lines.append(f"- … and {len(diff.other_reasons) - room:,} more denials with other reasons")
        lines += ["", *(f"> ⚠️ {_mark(said)}\n" for said in words.warnings(diff.extent))]
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


def _details(group: Sequence[Change], room: int) -> Iterator[str]:
    yield from ("", f"<details><summary>{_mark(words.headline(group).replace('`', ''))}</summary>", "")
    for cause in group[0].causes:
        text = cause_text(group[0], cause)
        yield f"- {_mark(text.what)}"
        yield from (f"  - {side} {_code(str(spot))} {_mark(about)}" for side, spot, about in text.places)
    yield from ("", "| subject | resource | context |", "|---|---|---|")
    for change in group[:room]:
        cells = (entity_text(change.subject), entity_text(change.resource), words.contexts_text(change))
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
