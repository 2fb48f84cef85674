"""What an access diff reports: the changes, how much was decided, and which changes of the rules showed no effect."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.decision.signoffs import Accepted
from sealauthz.policytools.diff.changes import Change, ChangeKind, OtherReasons
from sealauthz.policytools.diff.loosening import Loosening, RuleDifference
from sealauthz.schema.parameters import counts_of


@dataclass(frozen=True, slots=True)
class Extent:
    """How much was decided, and what was not.

    A pair is a subject and a resource; a question is a pair with an action; a decision is a question in one context,
    under both bundles. Of the `actions`, `asked_actions` are those of which the rules or parameters differ: only they
    are asked, as all others are answered alike. `cut` counts the questions with more contexts than the limit.
    `undecidable` counts the questions that neither bundle can decide in some context. `denials` counts questions that
    both deny, of which the reasons were compared for `compared`. All are about the facts as they are;
    `fresh_decisions` and `fresh_cut` count the same with fresh facts.
    """

    subjects: int = 0
    resources: int = 0
    actions: int = 0
    asked_actions: int = 0
    pairs: int = 0
    decided_pairs: int = 0
    questions: int = 0
    decisions: int = 0
    cut: int = 0
    undecidable: int = 0
    denials: int = 0
    compared: int = 0
    fresh_decisions: int = 0
    fresh_cut: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every pair was decided, in every context that was drawn."""
        return self.decided_pairs == self.pairs and not self.cut and not self.fresh_cut


@dataclass(frozen=True, slots=True)
class BundleDelta:
    """In what two bundles differ: the names of files, and parameters with their values before and after.

    `counts` are the parameters that are counts; the others are lengths of time in microseconds. `accepted` is what the
    old and the new bundle have signed off, changed or not.
    """

    old: str
    new: str
    files: tuple[str, ...] = ()
    parameters: tuple[tuple[str, int, int], ...] = ()
    counts: frozenset[str] = frozenset()
    accepted: tuple[tuple[Accepted, ...], tuple[Accepted, ...]] = ((), ())


@dataclass(frozen=True, slots=True)
class AccessDiff:
    """What changes, in the order of kind, type, action, resource and subject. `other_reasons` are no changes.

    `fresh` are the changes that show only where checks and codes are fresh. `loosenings` are the differences of the
    rules that may allow more, `shown` those of them of which these facts showed an effect. `differences` are all rules
    that are not in both bundles as they are written, those that an approval must name first.
    """

    bundles: BundleDelta
    now: int
    extent: Extent
    changes: tuple[Change, ...] = ()
    other_reasons: tuple[OtherReasons, ...] = ()
    name: str = ""
    fresh: tuple[Change, ...] = ()
    loosenings: tuple[Loosening, ...] = ()
    shown: frozenset[Loosening] = frozenset()
    differences: tuple[RuleDifference, ...] = ()

    def of(self, *kinds: ChangeKind) -> tuple[Change, ...]:
        """The changes of these kinds, of the facts as they are."""
        return tuple(change for change in self.changes if change.kind in kinds)

    def fresh_of(self, *kinds: ChangeKind) -> tuple[Change, ...]:
        """The changes of these kinds that show only with fresh facts."""
        return tuple(change for change in self.fresh if change.kind in kinds)


def unseen(diffs: Sequence[AccessDiff]) -> tuple[Loosening, ...]:
    """Return what may allow more, and of which no set of facts showed an effect: the diff cannot tell what it does."""
    shown = frozenset[Loosening]().union(*(diff.shown for diff in diffs))
    return tuple(loosening for loosening in diffs[0].loosenings if loosening not in shown) if diffs else ()


def named(diffs: Sequence[AccessDiff]) -> tuple[Loosening, ...]:
    """Return the requirements that are dropped or waived: an approval names each, whatever the questions show."""
    return tuple(loosening for loosening in diffs[0].loosenings if loosening.is_named) if diffs else ()


def delta(old: Bundle, new: Bundle) -> BundleDelta:
    """Say in what the files of two bundles differ."""
    texts = [{source.file: source.text for source in bundle.sources} for bundle in (old, new)]
    names = sorted(texts[0].keys() | texts[1].keys())
    fields = [field.name for field in dataclasses.fields(old.parameters)]
    parameters = [(name, getattr(old.parameters, name), getattr(new.parameters, name)) for name in fields]
    return BundleDelta(
        old.version,
        new.version,
        tuple(name for name in names if texts[0].get(name) != texts[1].get(name)),
        tuple((name, before, after) for name, before, after in parameters if before != after),
        counts_of(type(old.parameters)),
        (old.accepted, new.accepted),
    )


_MORE = (ChangeKind.GAIN, ChangeKind.WIDER)
_LESS = (ChangeKind.LOSS, ChangeKind.NARROWER)


def not_covered_by(known: Iterable[Change], more: Iterable[Change]) -> Iterator[Change]:
    """Leave out the changes that are known: one that gains access gains it in every context, or with a check."""
    reported = {_identity(change) for change in known}
    whole = {(change.kind, change.subject, change.action, change.resource) for change in known}
    for change in more:
        about = (change.subject, change.action, change.resource)
        is_gained, is_lost = (ChangeKind.GAIN, *about) in whole, (ChangeKind.LOSS, *about) in whole
        if (
            _identity(change) in reported
            or (is_gained and change.kind in (*_MORE, ChangeKind.OBLIGATION))
            or (is_lost and change.kind in (*_LESS, ChangeKind.OBLIGATION))
        ):
            continue
        yield change


def _identity(change: Change) -> tuple[Any, ...]:
    is_one = change.kind in (ChangeKind.WIDER, ChangeKind.NARROWER)
    about = (change.subject, change.action, change.resource)
    return (change.kind, *about, change.context if is_one else (), change.added, change.dropped)
