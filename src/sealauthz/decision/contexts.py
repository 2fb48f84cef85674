"""The typed context of each action: what the policies may read besides subject and resource.

`now`, `caller` and `parameters` are set by the server. The client may give what only it knows: keys that name a
record (`task`, `verification`) and plain values (`reason`). Records that belong to the resource but live elsewhere
(the party of a task, the person behind a membership) are found by the server. What the client left out, or named
wrongly, is None.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sealauthz.model.parameters import Parameters
from sealauthz.model.records.contracts import Contract, SigningTask
from sealauthz.model.records.identity import IdentityVerification, Person
from sealauthz.model.records.organisation import Enterprise, Membership
from sealauthz.model.records.seals import Seal, SealUseRequest
from sealauthz.schema.record import Instant


@dataclass(slots=True)
class Context:
    """What every action's context holds."""

    now: Instant
    caller: str
    parameters: Parameters


@dataclass(slots=True)
class SealUseContext(Context):
    """Using a seal: for which signing task, and on which intent check.

    Of the server's making: the local day (counted from 1970-01-01), weekday (Monday is 1) and minute of the day where
    the seal's owner is, None where its time zone is not known; and `holder`, the enterprise to which the seal was
    granted across enterprises and which the subject belongs to, None where there is none or the subject is the owner's;
    and `principals`, those who let the subject act for them at the seal's owner, each with what they represent.

    Of the task's contract: `documents_digest`, the digest of all its documents (`whole_digest`); `parties`, the other
    enterprises for which the subject or one of the principals signed a task of it or is named for one, or that hold the
    seal; and `approvers`, those who decided on approved requests to use the seal for it, each with what they represent.
    """

    task: SigningTask | None = None
    verification: IdentityVerification | None = None
    reason: str | None = None
    local_day: int | None = None
    local_weekday: int | None = None
    local_minute: int | None = None
    holder: Enterprise | None = None
    principals: list[Person] = dataclasses.field(default_factory=list)
    documents_digest: str | None = None
    parties: list[Enterprise] = dataclasses.field(default_factory=list)
    approvers: list[Person] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class RequestContext(Context):
    """Deciding on a request to use a seal: `contract` is the one that it names, found by the server."""

    reason: str | None = None
    contract: Contract | None = None


@dataclass(slots=True)
class StampContext(Context):
    """Using a physical seal, or carrying it out: for which approved request, with the digest of its one-time code.

    Of the server's making: `contract`, the one that a request for this seal names, None where it names none;
    `approvers`, those who decided on the request, each with what they represent; `parties`, the other enterprises of
    the contract for which the subject acts too, or that hold the seal; the local day, weekday and minute as in
    SealUseContext; and `day_ends`, the end of that day. None where the time zone of the seal's owner is not known.
    """

    request: SealUseRequest | None = None
    verification: IdentityVerification | None = None
    code_digest: str | None = None
    contract: Contract | None = None
    day_ends: Instant | None = None
    local_day: int | None = None
    local_weekday: int | None = None
    local_minute: int | None = None
    approvers: list[Person] = dataclasses.field(default_factory=list)
    parties: list[Enterprise] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class SealEndContext(Context):
    """Ending a seal: `open_task_id` is an open signing task that the seal is fixed for, None where there is none."""

    open_task_id: str | None = None


@dataclass(slots=True)
class CustodyContext(Context):
    """Giving a seal into the keeping of a member."""

    custodian: Membership | None = None


@dataclass(slots=True)
class HolderContext(Context):
    """An act of the enterprise that holds a seal of another one: `holder` is found by the server."""

    holder: Enterprise | None = None


@dataclass(slots=True)
class CrossGrantContext(Context):
    """Confirming a grant across enterprises: `holder` is the enterprise that gets the seal."""

    holder: Enterprise | None = None


@dataclass(slots=True)
class GrantEndContext(Context):
    """Ending a grant across enterprises: by its owner, or by `holder`, the enterprise that holds it and that the
    subject belongs to, None where there is none.
    """

    holder: Enterprise | None = None


@dataclass(slots=True)
class ReviewContext(Context):
    """Deciding a review of a seal: PASSED or REJECTED."""

    verdict: str | None = None


@dataclass(slots=True)
class UseRecordContext(Context):
    """Looking at one use of a seal: `seal` is the seal that was used, `holder` the enterprise for which it was used if
    that is not the seal's owner.
    """

    seal: Seal | None = None
    holder: Enterprise | None = None


@dataclass(slots=True)
class ContractContext(Context):
    """An act on a contract: `enterprise` is its initiator, `party` the enterprise for which the subject takes part in
    it, None where he takes part for none.
    """

    enterprise: Enterprise | None = None
    party: Enterprise | None = None


@dataclass(slots=True)
class TerminationContext(ContractContext):
    """Ending a complete contract: `parties` are the enterprises of it for which somebody consented to that."""

    parties: list[Enterprise] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class NameChangeContext(Context):
    """Changing an enterprise's name: `open_contract_id` is an open contract of it, None where all are over."""

    open_contract_id: str | None = None


@dataclass(slots=True)
class RoleContext(Context):
    """Giving a role: which one; that of an administrator on the intent checks of both, as when handing over."""

    role: str | None = None
    verification: IdentityVerification | None = None
    receiver_verification: IdentityVerification | None = None


@dataclass(slots=True)
class AdminChangeContext(Context):
    """Handing an enterprise over: to whom, on the intent checks of both."""

    receiver: Membership | None = None
    verification: IdentityVerification | None = None
    receiver_verification: IdentityVerification | None = None


@dataclass(slots=True)
class TaskContext(Context):
    """An act on a task, with its `contract`: `enterprise` is the task's party, None where a person is the party;
    `documents_digest` is the digest of all documents of the contract (`whole_digest`).
    """

    enterprise: Enterprise | None = None
    contract: Contract | None = None
    verification: IdentityVerification | None = None
    documents_digest: str | None = None


@dataclass(slots=True)
class TransferContext(Context):
    """Passing a task on: `enterprise` is the task's party, `receiver` the member who is to take it."""

    enterprise: Enterprise | None = None
    receiver: Membership | None = None


@dataclass(slots=True)
class JoinContext(Context):
    """Applying to join. Of the server's making: how many applications of the subject are open anywhere, and how often
    this enterprise turned the subject down within `parameters.rejections_window` before now.
    """

    open_applications: int | None = None
    rejections: int | None = None


@dataclass(slots=True)
class RetrievalContext(Context):
    """Opening or submitting a retrieval: why, and how often it was tried.

    Of the server's making, both within `parameters.retrieval_window` before now: `attempts` counts the certifications
    submitted to retrieve this enterprise, `enterprises` the other enterprises for which the subject opened a case.
    """

    reason: str | None = None
    verification: IdentityVerification | None = None
    attempts: int | None = None
    enterprises: int | None = None


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
_TASK = {"task": "SigningTask"}
_REQUEST = {"request": "SealUseRequest", **_VERIFICATION}

FORMS: dict[tuple[str, str], ContextForm] = {
    ("use", "Seal"): ContextForm(SealUseContext, _TASK | _VERIFICATION),
    ("auto_use", "Seal"): ContextForm(SealUseContext, _TASK),
    ("emergency_use", "Seal"): ContextForm(SealUseContext, _TASK | _VERIFICATION, ("reason",)),
    ("stamp", "Seal"): ContextForm(StampContext, _REQUEST, ("code_digest",)),
    ("carry_out", "Seal"): ContextForm(StampContext, _REQUEST, ("code_digest",)),
    ("report_found", "Seal"): ContextForm(VerifiedContext, _VERIFICATION),
    ("propose_end", "Seal"): ContextForm(ReasonedContext, texts=("reason",)),
    ("revoke", "Seal"): ContextForm(SealEndContext),
    ("destroy", "Seal"): ContextForm(SealEndContext),
    ("assign_custodian", "Seal"): ContextForm(CustodyContext, {"custodian": "Membership"}),
    ("release", "SealHold"): ContextForm(VerifiedContext, _VERIFICATION),
    ("assign", "CrossEnterpriseGrant"): ContextForm(HolderContext),
    ("confirm", "CrossEnterpriseGrant"): ContextForm(CrossGrantContext),
    ("revoke", "CrossEnterpriseGrant"): ContextForm(GrantEndContext),
    ("decide", "SealReview"): ContextForm(ReviewContext, texts=("verdict",)),
    ("view", "SealUse"): ContextForm(UseRecordContext),
    ("view", "Contract"): ContextForm(ContractContext),
    ("download", "Contract"): ContextForm(ContractContext),
    ("print", "Contract"): ContextForm(ContractContext),
    ("recall", "Contract"): ContextForm(ContractContext),
    ("terminate", "Contract"): ContextForm(TerminationContext),
    ("change_name", "Enterprise"): ContextForm(NameChangeContext),
    ("transfer_admin", "Enterprise"): ContextForm(
        AdminChangeContext,
        {"receiver": "Membership", "receiver_verification": "IdentityVerification", **_VERIFICATION},
    ),
    ("assign_role", "Membership"): ContextForm(
        RoleContext, {"receiver_verification": "IdentityVerification", **_VERIFICATION}, ("role",)
    ),
    ("open", "SigningTask"): ContextForm(TaskContext),
    ("approve", "SigningTask"): ContextForm(TaskContext),
    ("transfer", "SigningTask"): ContextForm(TransferContext, {"receiver": "Membership"}),
    ("sign", "SigningTask"): ContextForm(TaskContext, _VERIFICATION),
    ("confirm", "SealGrant"): ContextForm(VerifiedContext, _VERIFICATION),
    ("confirm", "OpenGrant"): ContextForm(VerifiedContext, _VERIFICATION),
    ("submit", "RetrievalCase"): ContextForm(RetrievalContext, _VERIFICATION),
    ("object", "RetrievalCase"): ContextForm(VerifiedContext, _VERIFICATION),
    ("execute", "RetrievalCase"): ContextForm(VerifiedContext, _VERIFICATION),
    ("join", "Enterprise"): ContextForm(JoinContext),
    ("retrieve", "Enterprise"): ContextForm(RetrievalContext, texts=("reason",)),
    ("reject_join", "JoinApplication"): ContextForm(ReasonedContext, texts=("reason",)),
    ("approve", "SealUseRequest"): ContextForm(RequestContext),
    ("reject", "SealUseRequest"): ContextForm(RequestContext, texts=("reason",)),
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
