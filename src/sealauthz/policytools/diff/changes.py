"""Changes of access, the causes behind them, and how changes of one cause are put together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sealauthz.decision import Entity, Question

ContextEntries = tuple[tuple[str, str], ...]
"""What a client gives, by key, in the order of the action's keys."""


class ChangeKind(StrEnum):
    """What kind of change it is."""

    GAIN = "GAIN"
    """Denied in every context before, allowed in one now."""
    WIDER = "WIDER"
    """Allowed before, and now in a context in which it was denied."""
    LOSS = "LOSS"
    """Allowed in a context before, denied in every one now."""
    NARROWER = "NARROWER"
    """Still allowed, but denied in a context in which it was allowed."""
    OBLIGATION = "OBLIGATION"
    """Allowed by both, with other obligations."""
    BROKEN = "BROKEN"
    """Cannot be decided any more: the new bundle fails."""
    MENDED = "MENDED"
    """Could not be decided before: the old bundle fails."""


MIRRORED = {
    ChangeKind.GAIN: ChangeKind.LOSS,
    ChangeKind.LOSS: ChangeKind.GAIN,
    ChangeKind.WIDER: ChangeKind.NARROWER,
    ChangeKind.NARROWER: ChangeKind.WIDER,
    ChangeKind.BROKEN: ChangeKind.MENDED,
    ChangeKind.MENDED: ChangeKind.BROKEN,
    ChangeKind.OBLIGATION: ChangeKind.OBLIGATION,
}
"""What a change becomes when the two bundles change places."""


class CauseKind(StrEnum):
    """In what the two bundles differ for a change."""

    ACTION = "ACTION"
    """The bundle that denies does not have the action."""
    FAILURE = "FAILURE"
    """The bundle that denies cannot decide."""
    VISIBILITY = "VISIBILITY"
    """The resource is visible to the subject under one bundle only."""
    PERMISSION = "PERMISSION"
    """The table of roles and permissions gives the permission in one bundle only."""
    CHECKLIST = "CHECKLIST"
    """Only the bundle that denies has the requirement on the checklist."""
    REQUIREMENT = "REQUIREMENT"
    """Both have the requirement, and it is met under one only."""
    OBLIGATION = "OBLIGATION"
    """Only one obliges to something: `requirement` says to what, `required_by` where."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a bundle."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the bundle that denies stopped: the rule, the line of the condition in it or below it, and the values."""

    rule: SourceLine
    at: SourceLine
    condition: str
    values: tuple[str, ...] = dataclasses.field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Cause:
    """One difference behind a change. It speaks of the bundle that allows and the one that denies, so that it is the
    same for a gain and for the loss that mirrors it.

    `allowed_by` is the rule that holds in the bundle that allows, as an exception where `is_waived`; `is_rule_changed`
    says that the other bundle does not have this rule word for word. `only_allowing` and `only_denying` are rules below
    it that one bundle has and the other does not, `parameters` those it compares with that differ. `required_by` is the
    `requires` line that only the bundle that denies has. `error` is what went wrong where that bundle cannot decide.
    """

    kind: CauseKind
    requirement: str = ""
    allowed_by: SourceLine | None = None
    is_waived: bool = False
    is_rule_changed: bool = False
    only_allowing: tuple[SourceLine, ...] = ()
    only_denying: tuple[SourceLine, ...] = ()
    parameters: tuple[str, ...] = ()
    required_by: SourceLine | None = None
    stops: tuple[Stop, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `context` is one under which it shows, the one that says least; `further` counts the others.

    `added` and `dropped` are obligations. `error` is what went wrong where a bundle cannot decide.
    """

    kind: ChangeKind
    subject: Entity
    action: str
    resource: Entity
    context: ContextEntries = ()
    further: int = 0
    causes: tuple[Cause, ...] = ()
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    error: str = ""

    @property
    def question(self) -> Question:
        """The question that the two bundles answer differently."""
        return Question(self.subject, self.action, self.resource, dict(self.context))

    def mirrored(self) -> Change:
        """The same change with the two bundles in each other's place."""
        return dataclasses.replace(self, kind=MIRRORED[self.kind], added=self.dropped, dropped=self.added)


@dataclass(frozen=True, slots=True)
class OtherReasons:
    """A denial for which the two bundles give different reasons."""

    subject: Entity
    action: str
    resource: Entity
    context: ContextEntries
    before: tuple[str, ...]
    after: tuple[str, ...]


def grouped(changes: Iterable[Change]) -> list[list[Change]]:
    """Put together what changes for the same causes: same kind, action and type, same rules. In order."""
    groups: dict[tuple[Any, ...], list[Change]] = {}
    for change in changes:
        key = (
            change.kind,
            change.action,
            change.resource.type,
            change.causes,
            change.added,
            change.dropped,
            change.error,
        )
        groups.setdefault(key, []).append(change)
    return list(groups.values())
