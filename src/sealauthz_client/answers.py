"""What a reader gets of a decision: the one form that the client hands out, and that commands and reports render.

It needs the standard library only. `sealauthz.decision` turns what it decides in this process into it (`answer`).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ParameterValue = str | int | datetime.datetime
"""A parameter of a next step or obligation. Names that end in `_at` or `_until` hold instants."""

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_LAST_INSTANT = 253_402_300_799_000_000

NOTHING_TO_DO = "NONE"
"""The next step of a reason that the person can do nothing about."""


class Audience(StrEnum):
    """Who may be shown a reason: the person who asks, or only those who run the platform."""

    USER = "USER"
    OPERATOR = "OPERATOR"


@dataclass(frozen=True, slots=True)
class NextStep:
    """What the person can do about a reason, with what the client needs to offer it (names and phones are masked).

    `text` is empty unless a language was asked for.
    """

    code: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    text: str = ""

    @property
    def identity(self) -> object:
        """What tells it from other steps: its code and what it carries. Hashable."""
        return (self.code, tuple(sorted(self.parameters.items()))) if self.parameters else self.code


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the answer is a deny. `stage` orders the reasons in the order in which a person should fix them, lowest
    first.

    `requirement` is empty where no requirement of the policy is behind the reason (`NOT_FOUND`, `POLICY_ERROR` …).
    """

    code: str
    stage: int
    audience: Audience
    requirement: str = ""
    next_steps: tuple[NextStep, ...] = ()
    text: str = ""

    @property
    def is_for_operators(self) -> bool:
        """Whether only those who run the platform may be shown the reason."""
        return self.audience is not Audience.USER


@dataclass(frozen=True, slots=True)
class Obligation:
    """What the caller must do when it acts on an allow; a caller that cannot must treat the answer as a deny."""

    code: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer; falsy unless it allows. `reasons` is ordered by what to fix first, and empty exactly when allowed.

    `facts_age` is how long ago, at most, the facts behind it were the newest. `revision_token` is empty unless a
    server decided.
    """

    is_allowed: bool
    reasons: tuple[Reason, ...]
    next_steps: tuple[NextStep, ...]
    obligations: tuple[Obligation, ...]
    decision_id: str
    policy_version: str
    revision: int
    revision_token: str
    evaluated_at: datetime.datetime
    valid_until: datetime.datetime
    facts_age: datetime.timedelta = datetime.timedelta(0)

    def __bool__(self) -> bool:
        return self.is_allowed


NamedValue = str | int | bool | datetime.datetime
"""What an operation names. Names that end in `_at` or `_until` hold instants."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An act that was performed; it never changes. `subject` and `resource` are `Type:id`.

    `values` names what was made, such as the id of a new record. `receipt` is a signed statement of the act, a JWS in
    compact form; empty where the act has none. `revision_token` is empty unless a server performed it.
    """

    operation_id: str
    caller: str
    request_id: str
    subject: str
    action: str
    resource: str
    revision: int
    revision_token: str
    performed_at: datetime.datetime
    values: Mapping[str, NamedValue] = field(default_factory=dict)
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Performed:
    """The answer to an act; falsy unless it was performed. `operation` is None exactly then: nothing was changed.

    `is_replay`: the same `request_id` was performed before, nothing was done now, and this is the first answer.
    """

    decision: Decision
    operation: Operation | None
    request_id: str
    is_replay: bool = False

    def __bool__(self) -> bool:
        return self.operation is not None


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage on the way: DONE, NOW, NEXT, or ENDED without being done.

    `at` is when it was done or ended, `until` when it ends by itself; None where that is not known. `actors` are those
    whose turn it is, as they may be shown: masked texts by their names.
    """

    code: str
    state: str
    at: datetime.datetime | None = None
    until: datetime.datetime | None = None
    actors: tuple[Mapping[str, str], ...] = ()
    values: Mapping[str, NamedValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something is; falsy for a subject who may not look. `actions` are the decisions on what can be done."""

    decision: Decision
    stages: tuple[Stage, ...] = ()
    actions: Mapping[str, Decision] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.decision)


@dataclass(frozen=True, slots=True)
class Event:
    """What people must be told. `token` resumes behind it; `text` is empty unless a language was asked for.

    Without `recipient_ids` it goes to whom the platform knows for the enterprise.
    """

    token: str
    code: str
    enterprise_id: str
    about: str
    recipient_ids: tuple[str, ...]
    committed_at: datetime.datetime
    values: Mapping[str, NamedValue] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that happened to a seal, or to the enterprise (no `seal_id`). `token` goes on behind it; it is empty
    where it `is_standing`: an alert from before that nobody has acknowledged.

    `person_id` is who acted or whom it concerns; empty where it is about nobody.
    """

    token: str
    code: str
    enterprise_id: str
    about: str
    seal_id: str
    person_id: str
    committed_at: datetime.datetime
    values: Mapping[str, NamedValue] = field(default_factory=dict)
    is_standing: bool = False


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """What happened, the newest first. `decision` is None for a personal view; without an allow there are no items.

    There may be none although more follow: the list is complete where `next_page_token` is empty.
    """

    decision: Decision | None
    items: tuple[Activity, ...]
    next_page_token: str = ""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A record of the log of decisions, at its place. What it does not say is empty; `subject` and `resource` are
    `Type:id`.

    `record` is the text that is hashed, one line of JSON; empty where the reader may not see all of it.
    """

    number: int
    logged_at: datetime.datetime
    decision_id: str
    kind: str
    at: datetime.datetime
    caller: str = ""
    subject: str = ""
    action: str = ""
    resource: str = ""
    effect: str = ""
    reasons: tuple[str, ...] = ()
    record: str = ""


@dataclass(frozen=True, slots=True)
class LogProof:
    """The proof that the record at a place is in the log of decisions: the hashes beside its way to the root, and the
    checkpoint with that root, a signed note.
    """

    number: int
    hashes: tuple[bytes, ...]
    note: str


@dataclass(frozen=True, slots=True)
class RuleRef:
    """A rule of the policies, by its head and its place. `rules` are the ids of the rulebook it carries (`U-01` …)."""

    head: str
    file: str
    line: int
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One rule that was tried: whether it held, else the first condition that no try of it got past.

    `condition` is the text of that condition and `file` and `line` its place (empty and 0 where the rule held, or its
    head did not fit). `values` are what it compared, as text: records by type and id, instants as times. `under` are
    the rules that the condition tried in turn.
    """

    rule: RuleRef
    is_met: bool
    condition: str = ""
    file: str = ""
    line: int = 0
    values: tuple[str, ...] = ()
    under: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class RequirementOutcome:
    """How one requirement of the action came out: `MET`, `WAIVED` or `UNMET`, and the rules that matter.

    `tried` are the rules that met or waived it, or all that might have; `because` those that say why it is unmet: the
    ones that hold, or the `otherwise` of the requirement. `attempts` tell, of an unmet requirement, what stopped each
    rule; of another, which rule held. It is empty on engines that do not trace.
    """

    requirement: str
    standing: str
    reasons: tuple[str, ...]
    tried: tuple[RuleRef, ...]
    because: tuple[RuleRef, ...]
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with the rules that matter to it; falsy unless it allows. `requirements` is in the policy's order."""

    decision: Decision
    requirements: tuple[RequirementOutcome, ...]

    def __bool__(self) -> bool:
        return bool(self.decision)


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list: ids in their order, perhaps none although more pages follow.

    Only where `is_complete` does the list end here; `next_page_token` is empty then. `valid_until` is when the first of
    the ids must no longer be acted on.
    """

    ids: tuple[str, ...]
    next_page_token: str
    is_complete: bool
    revision: int
    revision_token: str
    policy_version: str
    evaluated_at: datetime.datetime
    valid_until: datetime.datetime


@dataclass(frozen=True, slots=True)
class ConditionalItem:
    """What would be allowed but for the requirements that the list excepts. It is no permission, and always falsy.

    `id` is that of the resource or subject, or the name of the action. `still_required` are the excepted requirements
    that are not met now, in the order of the policies; where there are none, ask `authorize`: it allows.
    """

    id: str
    still_required: tuple[str, ...]

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class ConditionalPage:
    """One page of what would be allowed but for the `except_requirements`, in the order of the ids. It permits nothing.

    Only where `is_complete` does the list end here. `valid_until` is when it may be out of date.
    """

    items: tuple[ConditionalItem, ...]
    except_requirements: tuple[str, ...]
    next_page_token: str
    is_complete: bool
    revision: int
    revision_token: str
    policy_version: str
    evaluated_at: datetime.datetime
    valid_until: datetime.datetime


def distinct_steps(reasons: Iterable[Reason]) -> tuple[NextStep, ...]:
    """Return all next steps, in the order of their reasons, each once."""
    steps: dict[object, NextStep] = {}
    for reason in reasons:
        for step in reason.next_steps:
            steps.setdefault(step.identity, step)
    return tuple(steps.values())


def moment(instant: int) -> datetime.datetime:
    """Return an instant in microseconds as a time in UTC; one after the year 9999 as its end."""
    return _EPOCH + datetime.timedelta(microseconds=min(instant, _LAST_INSTANT))


@dataclass(frozen=True, slots=True)
class PastDecision:
    """What was decided, or would have been, at a moment of the past. It is no permission, and has no truth value.

    `effect` is `ALLOW` or `DENY`, `reasons` and `obligations` are codes. `policy_version` decided, `is_activated` if it
    was activated at the `revision`. `requirements` tells how each came out, with the rules that proved it, to those who
    may see them.
    """

    effect: str
    reasons: tuple[str, ...]
    obligations: tuple[str, ...]
    policy_version: str
    is_activated: bool
    revision: int
    decided_at: datetime.datetime
    requirements: tuple[RequirementOutcome, ...] = ()

    def __bool__(self) -> bool:
        raise TypeError("a decision as of the past permits nothing: look at its effect")
