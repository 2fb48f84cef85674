"""What the reports of an access diff say in words, whatever their form."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sealauthz.policytools.diff.approval import Verdict, as_word
from sealauthz.policytools.diff.changes import Cause, CauseKind, Change, ChangeKind, ContextEntries, SourceLine
from sealauthz.policytools.diff.loosening import ChangedRule, Loosening, LooseningKind, RuleDifference
from sealauthz.policytools.diff.report import AccessDiff, BundleDelta, Extent, unseen
from sealauthz.schema.parameters import length_text

SECTIONS: tuple[tuple[str, str, tuple[ChangeKind, ...]], ...] = (
    ("GAINS", "green", (ChangeKind.GAIN, ChangeKind.WIDER)),
    ("LOSES", "red", (ChangeKind.LOSS, ChangeKind.NARROWER)),
    ("OBLIGATIONS", "cyan", (ChangeKind.OBLIGATION,)),
    ("ERRORS", "yellow", (ChangeKind.BROKEN, ChangeKind.MENDED)),
)
"""The sections of a report, with their colour and what stands in them."""

WITH_FRESH = "WITH FRESH CHECKS AND CODES"
"""What is added to the title of a section whose changes do not show with the facts as they are."""

_NOUNS = {
    ChangeKind.GAIN: ("gain", "gains"),
    ChangeKind.LOSS: ("loss", "losses"),
    ChangeKind.WIDER: ("widening", "widenings"),
    ChangeKind.NARROWER: ("narrowing", "narrowings"),
    ChangeKind.OBLIGATION: ("change of obligations", "changes of obligations"),
    ChangeKind.BROKEN: ("question that cannot be decided any more", "questions that cannot be decided any more"),
    ChangeKind.MENDED: ("question that can be decided again", "questions that can be decided again"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Gate:
    """The file of approved changes, how the changes compare with it, and whether it was just written.

    `broken` counts the questions that NEW fails to decide, which cannot be approved.
    """

    file: str
    verdict: Verdict
    is_written: bool = False
    broken: int = 0

    def __bool__(self) -> bool:
        return bool(self.verdict) and not self.broken


def summary(diffs: Sequence[AccessDiff]) -> str:
    """Say how much changes, in one line, and of how much no effect can be seen."""
    missed = unseen(diffs)
    said = changes_text(diffs, is_all=not missed)
    return f"{said}; {unseen_text(missed)}" if missed else said


def changes_text(diffs: Sequence[AccessDiff], *, is_all: bool) -> str:
    """Say how much changes. `is_all`: the effect of every change of the rules was seen, so none means none."""
    found = Counter(change.kind for diff in diffs for change in (*diff.changes, *diff.fresh))
    if not found:
        return "no access changes" if is_all else "no effect seen"
    kinds = [kind for kind in ChangeKind if found[kind] or kind in (ChangeKind.GAIN, ChangeKind.LOSS)]
    return ", ".join(counted(found[kind], *_NOUNS[kind]) for kind in kinds)


def unseen_text(missed: Sequence[Loosening]) -> str:
    """Say of how many changes of the rules no effect can be seen."""
    return f"cannot tell what {counted(len(missed), 'change', 'changes')} of the rules may allow"


def rule_sections(differences: Sequence[RuleDifference]) -> Iterator[tuple[str, bool, list[tuple[str, str]]]]:
    """The sections about the rules as they are written that hold any: their title, whether an approval names what
    stands in them, which comes first, and where each rule stands and what became of it.
    """
    for title, is_named in (("REQUIREMENTS DROPPED OR WAIVED", True), ("RULES", False)):
        rows = [difference_text(each) for each in differences if each.is_named == is_named]
        if rows:
            yield title, is_named, rows


def difference_text(difference: RuleDifference) -> tuple[str, str]:
    """Say where a rule stands that not both bundles have, and what became of it."""
    written = difference.new or difference.old
    if written is None:
        raise TypeError("a difference is of one rule at least")
    side = "NEW" if difference.new is not None else "OLD"
    became = {ChangedRule.ADDED: "is new", ChangedRule.DROPPED: "is gone", ChangedRule.CHANGED: "is changed"}
    return f"{side} {written.place.file}:{written.place.line}", f"{written.text}  {became[difference.change]}"


def loosening_text(loosening: Loosening) -> tuple[str, str]:
    """Say where a change of the rules stands, and what it is."""
    is_gone = loosening.kind in (LooseningKind.DROPPED, LooseningKind.OBLIGATION, LooseningKind.LAPSE)
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
    alike = extent.actions - extent.asked_actions
    same = f"; {alike:,} of {counted(extent.actions, 'action has', 'actions have')} the same rules" if alike else ""
    return (
        f"{decided} ({counted(extent.subjects, 'subject', 'subjects')} × "
        f"{counted(extent.resources, 'resource', 'resources')}: "
        f"{counted(extent.questions, 'question', 'questions')}{same})"
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


def reasons_text(diff: AccessDiff, is_listed: bool) -> str:
    """Say how many denials give other reasons; empty if none do and all were compared."""
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


def files_text(bundles: BundleDelta) -> list[str]:
    """Say which files and parameters changed, and what NEW accepts or no longer accepts."""
    said = []
    for name, old, new in bundles.parameters:
        written = str if name in bundles.counts else length_text
        said.append(f"{name}: {written(old)} → {written(new)}")
    return [*bundles.files, *(f"parameters.toml  {line}" for line in said), *_accepted_text(bundles)]


def _accepted_text(bundles: BundleDelta) -> Iterator[str]:
    before, after = ({each.name: each for each in accepted} for accepted in bundles.accepted)
    for name, each in after.items():
        verb = "accepts" if each == before.get(name) else "newly accepts"
        yield f"bundle.toml  {verb} `{name}`, {each.what}: {each.why}"
    for name, each in before.items():
        if name not in after:
            yield f"bundle.toml  no longer accepts `{name}`, {each.what}: {each.why}"


def headline(group: Sequence[Change]) -> str:
    """Say what changes for a group, in one line."""
    first = group[0]
    subjects = len({change.subject for change in group})
    resources = len({change.resource for change in group})
    type_ = first.resource.type
    on = f"{type_}" if resources == 1 else f"{resources:,} of type {type_}"
    kind = first.subject.type.lower()
    who, has = counted(subjects, kind, f"{kind}s"), "s" if subjects == 1 else ""
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
class CauseText:
    """A cause in words: what it is, and the lines of the policies behind it as (side, line, what it is about)."""

    what: str
    places: tuple[tuple[str, SourceLine | None, str], ...]


def cause_text(change: Change, cause: Cause) -> CauseText:
    """Put a cause into words: for a gain NEW allows and OLD denies, for a loss the other way round."""
    if cause.kind == CauseKind.OBLIGATION:
        is_added = cause.requirement in change.added
        said = f"{cause.requirement} {'must be done, too' if is_added else 'need not be done any more'}"
        return CauseText(said, (("NEW" if is_added else "OLD", cause.required_by, "obliges to it"),))
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
    return CauseText(what, tuple(places))


def context_text(entries: ContextEntries) -> str:
    """Write a context."""
    return " ".join(f"{key}={as_word(value)}" for key, value in entries)


def contexts_text(change: Change) -> str:
    """Write the context of a change, and how many others it has."""
    more = f" (and {counted(change.further, 'other context', 'other contexts')})" if change.further else ""
    return f"{context_text(change.context)}{more}".strip()


def entity_text(entity: Any) -> str:
    """Write a subject or a resource as one word, whatever is in its id."""
    return f"{entity.type}:{as_word(entity.id)}"


def broken_text(gate: Gate) -> str:
    """Say how many questions NEW fails to decide."""
    return f"NEW fails to decide {counted(gate.broken, 'question', 'questions')}, which no line can approve"
