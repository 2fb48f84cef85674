"""The typed context of each action: what the policies may read besides subject and resource.

`now`, `caller` and `parameters` are set by the server. The client may give what only it knows: keys that name a
record (`task`, `verification`) and plain values (`reason`). Records that belong to the resource but live elsewhere
(the party of a task, the person behind a membership) are found by the server. What the client left out, or named
wrongly, is None.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sealauthz.domain.contracts import SigningTask
from sealauthz.domain.identity import IdentityVerification, Person
from sealauthz.domain.organisation import Enterprise
from sealauthz.domain.parameters import Parameters
from sealauthz.domain.record import Instant


@dataclass(slots=True)
class Context:
    """What every action's context holds."""

    now: Instant
    caller: str
    parameters: Parameters


@dataclass(slots=True)
class SealUseContext(Context):
    """Using a seal: for which signing task, and on which intent check."""

    task: SigningTask | None = None
    verification: IdentityVerification | None = None


@dataclass(slots=True)
class TaskContext(Context):
    """Opening or signing a task: `enterprise` is the task's party, None where a person is the party."""

    enterprise: Enterprise | None = None
    verification: IdentityVerification | None = None


@dataclass(slots=True)
class VerifiedContext(Context):
    """An act that rests on an intent check."""

    verification: IdentityVerification | None = None


@dataclass(slots=True)
class ReasonedContext(Context):
    """An act that must state a reason."""

    reason: str | None = None


@dataclass(slots=True)
class MemberContext(Context):
    """An act on a membership: `member` is the person behind it, with the tasks that this person holds."""

    member: Person | None = None


@dataclass(slots=True)
class CertificationContext(Context):
    """Certifying an enterprise: `twin_id` is the authenticated enterprise of the same realm and USCC."""

    twin_id: str | None = None


@dataclass(frozen=True, slots=True)
class ContextForm:
    """The context of one action: its class, the keys that name records, and the keys that are plain text."""

    context: type[Context]
    records: dict[str, str] = dataclasses.field(default_factory=dict)
    texts: tuple[str, ...] = ()
    keys: dict[str, type] = dataclasses.field(init=False)
    """The keys that a client may give, with the type of their values."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", dict.fromkeys((*self.records, *self.texts), str))


_VERIFICATION = {"verification": "IdentityVerification"}

FORMS: dict[tuple[str, str], ContextForm] = {
    ("use", "Seal"): ContextForm(SealUseContext, {"task": "SigningTask", **_VERIFICATION}),
    ("open", "SigningTask"): ContextForm(TaskContext),
    ("sign", "SigningTask"): ContextForm(TaskContext, _VERIFICATION),
    ("confirm", "SealGrant"): ContextForm(VerifiedContext, _VERIFICATION),
    ("submit", "RetrievalCase"): ContextForm(VerifiedContext, _VERIFICATION),
    ("object", "RetrievalCase"): ContextForm(VerifiedContext, _VERIFICATION),
    ("execute", "RetrievalCase"): ContextForm(VerifiedContext, _VERIFICATION),
    ("retrieve", "Enterprise"): ContextForm(ReasonedContext, texts=("reason",)),
    ("reject_join", "JoinApplication"): ContextForm(ReasonedContext, texts=("reason",)),
    ("end", "Membership"): ContextForm(MemberContext),
    ("resign", "Membership"): ContextForm(MemberContext),
    ("authenticate", "Enterprise"): ContextForm(CertificationContext),
}
"""The contexts that hold more than the common ones, by action and resource type."""

_PLAIN = ContextForm(Context)

CONTEXT_CLASSES: tuple[type[Context], ...] = tuple(dict.fromkeys([Context, *(form.context for form in FORMS.values())]))


def form_of(action: str, resource_type: str) -> ContextForm:
    """Return the context form of an action; an action without a form of its own has the common one."""
    return FORMS.get((action, resource_type), _PLAIN)
