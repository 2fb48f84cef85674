"""What a change of policies may let through, read off the rules: the other half of the access diff.

The diff decides the questions that its facts can ask. A rule that no such question comes near could say anything. So
the rules of two bundles are compared as they are written, and each difference that may allow more is kept apart: the
diff then says for which of them it saw an effect, and for which it cannot tell.

Rules it keeps. A difference that can only deny more is no loosening: a condition more, a rule less, a requirement
more. Under a negation it is the other way round. What is written in other words with the same sense is no difference:
comments, the order of rules and conditions, the names of variables and of helpers. Where it cannot be seen, a
difference counts as a loosening.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sealauthz.polar.syntax import Place

OLD, NEW = "OLD", "NEW"


class LooseningKind(StrEnum):
    """In what way the rules of the new bundle may allow more."""

    ADDED = "ADDED"
    """A rule that only the new bundle has, or that has fewer conditions there."""
    DROPPED = "DROPPED"
    """A rule that only the old bundle has, and that kept something from being allowed: a requirement, say."""
    ACTION = "ACTION"
    """An action that only the new bundle has."""
    PARAMETER = "PARAMETER"
    """Another value of a parameter: whether more or less is allowed, nothing but questions can tell."""
    OBLIGATION = "OBLIGATION"
    """An obligation that only the old bundle has."""
    LAPSE = "LAPSE"
    """An end of an allow that only the old bundle has: it may stand for longer."""


Sign = tuple[Any, ...]
"""What an effect of a loosening is recognised by."""


@dataclass(frozen=True, slots=True)
class Loosening:
    """One change that may allow more. `place` is that of the rule, in the old bundle where it was dropped.

    `words` names what is changed: the rule, and what its head says of action, type and requirement. `digest` changes
    with everything that the rule says or calls, so that what was acknowledged once is not something else later.
    `is_named`: a requirement is dropped or waived, which an approval names whether or not a question showed an effect.
    """

    kind: LooseningKind
    words: tuple[str, ...]
    text: str
    place: Place | None
    digest: str
    sign: Sign = field(compare=False)
    is_named: bool = field(default=False, compare=False)


class ChangedRule(StrEnum):
    """What became of a rule as it is written."""

    ADDED = "ADDED"
    DROPPED = "DROPPED"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule as a bundle has it: its head, and where it stands."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """One rule that the two bundles do not both have as it is written, whatever it may allow.

    `words` names it: the rule, and what its head says of action, type and requirement; of another rule its parameters.
    """

    change: ChangedRule
    words: tuple[str, ...]
    old: WrittenRule | None
    new: WrittenRule | None
    is_named: bool = False


def proved_sign(side: str, file: str, line: int) -> Sign:
    """The sign of a rule that was proved: on the side `OLD` or `NEW`, where it stands."""
    return ("proved", side, file, line)


@dataclass(frozen=True, slots=True)
class RuleChanges:
    """In what the rules of two bundles differ.

    `concerned` are the actions, each with its type, that the bundles could decide differently for some facts, `told`
    those that they could deny for other reasons.
    """

    loosenings: tuple[Loosening, ...] = ()
    concerned: frozenset[tuple[str, str]] = frozenset()
    told: frozenset[tuple[str, str]] = frozenset()
    differences: tuple[RuleDifference, ...] = ()
