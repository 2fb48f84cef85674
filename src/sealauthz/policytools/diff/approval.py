"""The approved changes of access: a text file that is reviewed like code, one change a line, sorted.

    # Zhou Min takes over the seal.
    + Person:p-zhou use Seal:seal-official
    + Person:p-zhou use Seal:seal-official task=task-cartons    # agreed with security
    - Person:p-chen grant Seal:seal-official
    ~ Person:p-zhou use Seal:seal-official +NOTIFY_LEGAL
    ! waived use Seal SEAL_USABLE 5037a0ff
    ? meets stamp Seal SEAL_USABLE 8c1e3a90

`+` is access that is gained, `-` access that is lost, `~` an allow with other obligations, `!` a requirement that is
dropped or waived, whatever the questions show, `?` another change of the rules that may allow more and of which no
question showed an effect; the digest is that of the rule and of all that it calls.
A line with a context is about somebody who has access with or without the change, and for whom this context is added
or taken away. Blanks, `#`, `%` and `=` in an id are written with percent signs, as in addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sealauthz.policytools.diff.changes import Change, ChangeKind
from sealauthz.policytools.diff.loosening import Loosening
from sealauthz.policytools.diff.report import AccessDiff, named, unseen

MARKS = {
    ChangeKind.GAIN: "+",
    ChangeKind.WIDER: "+",
    ChangeKind.LOSS: "-",
    ChangeKind.NARROWER: "-",
    ChangeKind.OBLIGATION: "~",
}
"""How a line begins. What cannot be decided has no mark: nobody can approve it."""

HEADER = (
    "# Approved changes of access. Written by `sealauthz policy diff --update`; reviewed like code.",
    "# + gained   - lost   ~ other obligations   ! dropped or waived   ? effect not seen; see `policy diff --help`.",
)

_ESCAPED = re.compile(r"[^\S ]|[ #%=\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_WORD = r"(?:[^\s#%=]|%[0-9A-F]{2})+"
_REFERENCE = rf"[A-Za-z]\w*:{_WORD}"
_LINE = re.compile(
    rf"(?P<set>\[{_WORD}\] )?(?P<mark>[+\-~]) {_REFERENCE} [A-Za-z]\w* {_REFERENCE}(?P<rest>(?: \S+)*)", re.ASCII
)
_OF_RULES = re.compile(rf"[!?](?: {_WORD})+ [0-9a-f]{{8}}", re.ASCII)
_ENTRY = re.compile(rf"[A-Za-z]\w*=(?:{_WORD})?", re.ASCII)
_OBLIGATION = re.compile(rf"[+\-]{_WORD}", re.ASCII)


class ApprovalProblem(ValueError):
    """A line that is no change; the message names the line and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """The approved changes, each with the comments that belong to it: lines above it and the rest of its own line."""

    changes: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    footer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How changes compare with the approved ones: lines to add, and lines to take out because they do not happen."""

    missing: tuple[str, ...]
    stale: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.missing and not self.stale


def as_word(text: str) -> str:
    """Write an id so that it is one word and shows what it is, whatever is in it."""
    return _ESCAPED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)


def line_of(change: Change, name: str = "") -> str:
    """Write a change as the line that approves it; empty for what nobody can approve. `name` is that of the facts."""
    mark = MARKS.get(change.kind)
    if mark is None:
        return ""
    entries: list[str] = []
    if change.kind in (ChangeKind.WIDER, ChangeKind.NARROWER):
        # Without any context it still is another approval than one of all access: an equals sign alone says so.
        entries = [f"{key}={as_word(value)}" for key, value in change.context] or ["context="]
    elif change.kind == ChangeKind.OBLIGATION:
        entries = [*(f"+{as_word(code)}" for code in change.added), *(f"-{as_word(code)}" for code in change.dropped)]
    subject = f"{change.subject.type}:{as_word(change.subject.id)}"
    resource = f"{change.resource.type}:{as_word(change.resource.id)}"
    of = [f"[{as_word(name)}]"] if name else []
    return " ".join((*of, mark, subject, change.action, resource, *entries))


def lines_of(diffs: Iterable[AccessDiff]) -> frozenset[str]:
    """Write every change that can be approved, with facts as they are or as if fresh."""
    lines = {line_of(change, diff.name) for diff in diffs for change in (*diff.changes, *diff.fresh)}
    return frozenset(lines - {""})


def acknowledgement_of(loosening: Loosening) -> str:
    """Write a change of the rules as the line that acknowledges it: that it drops or waives, or that no question shows
    an effect.
    """
    return " ".join(("!" if loosening.is_named else "?", *map(as_word, loosening.words), loosening.digest))


def acknowledgements_of(diffs: Sequence[AccessDiff]) -> frozenset[str]:
    """Write what is dropped or waived, and every other change of the rules that may allow more and shows nowhere."""
    return frozenset(map(acknowledgement_of, (*named(diffs), *unseen(diffs))))


def read(text: str, name: str) -> Approvals:
    """Read a file of approvals. Raises ApprovalProblem."""
    changes: dict[str, tuple[tuple[str, ...], str]] = {}
    header: list[str] = []
    above: list[str] = []
    # Not `splitlines`, which would take what stands in a comment for the end of a line.
    for number, raw in enumerate(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"), 1):
        content, hash_, comment = raw.partition("#")
        line = " ".join(content.split())
        if not line:
            if hash_:
                above.append(raw.strip())
            elif above and not changes and not header:
                # What stands on top, with a blank line below it, speaks about the file.
                header, above = above, []
            continue
        _check(line, f"{name}:{number}")
        if line in changes:
            raise ApprovalProblem(f"{name}:{number}: `{line}` is approved already")
        changes[line] = (tuple(above), f"#{comment}".rstrip() if hash_ else "")
        above = []
    return Approvals(changes, tuple(header), tuple(above))


def _check(line: str, place: str) -> None:
    if line.startswith(("!", "?")):
        if not _OF_RULES.fullmatch(line):
            raise ApprovalProblem(
                f"{place}: `{line}` is no change: `{line[0]}` stands before a rule and its digest, as `policy diff` "
                "prints them"
            )
        return
    found = _LINE.fullmatch(line)
    if found is None:
        raise ApprovalProblem(
            f"{place}: `{line}` is no change: write `+`, `-` or `~`, then subject, action and resource, "
            "as in `+ Person:p-lin use Seal:seal-official`"
        )
    rest = found["rest"].split()
    if found["mark"] == "~":
        if not rest or not all(_OBLIGATION.fullmatch(word) for word in rest):
            raise ApprovalProblem(
                f"{place}: `~` ends with obligations, each with `+` or `-` before it, as in `+NOTIFY_LEGAL`"
            )
    elif not all(_ENTRY.fullmatch(word) for word in rest):
        raise ApprovalProblem(f"{place}: behind the resource stands a context, as in `task=task-paper`")


def compare(needed: Iterable[str], approved: Approvals) -> Verdict:
    """Compare changes, as lines, with those approved."""
    needed = frozenset(needed)
    missing = sorted(needed - approved.changes.keys(), key=_order)
    return Verdict(tuple(missing), tuple(line for line in approved.changes if line not in needed))


def written(needed: Iterable[str], approved: Approvals) -> str:
    """Write the whole file: these changes, sorted, each with the comments that it had."""
    lines = [*(approved.header or HEADER), ""]
    for line in sorted(needed, key=_order):
        above, comment = approved.changes.get(line, ((), ""))
        lines += [*above, f"{line}    {comment}" if comment else line]
    lines += approved.footer
    return "\n".join(lines).rstrip("\n") + "\n"


def _order(line: str) -> tuple[str, ...]:
    """Sort by resource, action and subject, so that what belongs together stands together."""
    words = line.split(" ")
    if words[0] == "!":
        return ("", *words)  # first of all
    if words[0] == "?":
        return ("~", *words)
    of = words.pop(0) if words[0].startswith("[") else ""
    mark, subject, action, resource, *rest = words
    return (of, resource, action, subject, mark, *rest)
