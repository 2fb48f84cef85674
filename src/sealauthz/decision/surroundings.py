"""What the server adds to a context: facts that the subject and the resource lead to, but that are kept elsewhere.

It finds, counts and reads the clock of a place. It never judges: that is the policies' work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sealauthz.decision import contexts
from sealauthz.decision.contexts import Context
from sealauthz.facts.memory.fact_cache import FactSnapshot
from sealauthz.model.parameters import Parameters
from sealauthz.model.records.contracts import ConsentKind, Contract, SealUse, SigningTask, whole_digest
from sealauthz.model.records.organisation import AuthenticationState, Enterprise, Membership
from sealauthz.model.records.retrieval import RetrievalCase
from sealauthz.model.records.seals import CrossEnterpriseGrant, Seal, SealUseRequest
from sealauthz.schema.record import Collection, Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPEN_TASK = frozenset({"WAITING", "PENDING", "IN_PROGRESS"})
_APPROVED_REQUEST = frozenset({"APPROVED", "IN_USE"})
_OPEN_CONTRACT = frozenset({"DRAFT", "FILLING", "SIGNING"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a question stands: who asks about what, when, and the facts at that revision.

    `given` are the values that the client named, by their key in the context: records, texts, None for what is unknown.
    """

    subject: Any
    resource: Any
    now: Instant
    parameters: Parameters
    snapshot: FactSnapshot
    given: Mapping[str, Any] = field(default_factory=dict)


def found_for(context: type[Context], around: Surroundings) -> Mapping[str, Any]:
    """Return the keys that the server sets in a context of this class, beside the common ones."""
    finder = _FINDERS.get(context)
    return finder(around) if finder is not None else {}


def found_with(context: type[Context], around: Surroundings) -> Mapping[str, Any]:
    """Return those of the keys that depend on what the client gave."""
    finder = _FINDERS_WITH.get(context)
    return finder(around) if finder is not None else {}


def _seal_use(around: Surroundings) -> Mapping[str, Any]:
    seal = around.resource
    if not isinstance(seal, Seal):
        return {}
    local = _local_time(seal.enterprise.timezone, around.now)
    # Those who delegated to the subject at the seal's owner, each in the unit that holds what they represent.
    names = _principal_ids(around, seal)
    principals = Collection(around.snapshot.person(name) for name in sorted(names))
    found = {"holder": _holder(around, seal.cross_grants), "principals": principals, **_sealed(around, seal, names)}
    return found if local is None else found | _clock(local)


def _clock(local: datetime) -> dict[str, Any]:
    """The day, weekday and minute of a local time."""
    day = (local.date() - _EPOCH.date()).days
    return {"local_day": day, "local_weekday": local.isoweekday(), "local_minute": local.hour * 60 + local.minute}


def _principal_ids(around: Surroundings, seal: Seal) -> set[str]:
    members: Any = seal.enterprise.memberships
    return {
        delegation.principal.person_id
        for membership in members.holding("person_id", around.subject.id)
        for delegation in membership.delegations_received
    }


def _seal_use_with(around: Surroundings) -> Mapping[str, Any]:
    seal = around.resource
    return _sealed(around, seal, _principal_ids(around, seal)) if isinstance(seal, Seal) else {}


def _sealed(around: Surroundings, seal: Seal, principals: set[str]) -> Mapping[str, Any]:
    """What is sealed, and for whom else those act who are to seal it."""
    task = around.given.get("task")
    if not isinstance(task, SigningTask):
        return {"documents_digest": None, "parties": Collection(), "approvers": Collection()}
    contract = task.signatory.contract
    return {
        "documents_digest": _documents_digest(contract),
        "parties": _other_parties(around, seal, contract, {around.subject.id, *principals}),
        "approvers": _approvers(around, _approved_for_task(around, seal)),
    }


def _other_parties(around: Surroundings, seal: Seal, contract: Contract, acting: set[str]) -> list[Any]:
    """The other enterprises of a contract for which these persons act too, or that hold the seal."""
    holders = {grant.holder_id for grant in seal.cross_grants}
    others = set()
    for party in contract.signatories:
        name = party.enterprise_id
        if name and name != seal.enterprise_id and (name in holders or _acts_for(acting, party.tasks)):
            others.add(name)
    return _enterprises(around, others)


def _acts_for(persons: set[str], tasks: list[SigningTask]) -> bool:
    """Whether one of the persons signed one of the tasks, or is named for one."""
    for task in tasks:
        if task.signed_by_id in persons or task.handler_id in persons:
            return True
        for operator in task.operators:
            if operator.person_id in persons:
                return True
    return False


def _documents_digest(contract: Contract) -> str | None:
    documents = contract.documents
    if len(documents) == 1:  # by far the most
        return documents[0].digest or None
    return whole_digest([document.digest for document in documents])


def _enterprises(around: Surroundings, names: set[str]) -> list[Any]:
    if not names:
        return Collection()
    found = (around.snapshot.find("Enterprise", name) for name in sorted(names))
    return Collection(enterprise for enterprise in found if enterprise is not None)


def _approved_for_task(around: Surroundings, seal: Seal) -> Iterator[SealUseRequest]:
    """The approved requests to use the seal for the contract of the task that the client gave."""
    task = around.given.get("task")
    if isinstance(task, SigningTask):
        requests: Any = seal.use_requests
        for request in requests.holding("contract_id", task.signatory.contract_id):
            if request.state in _APPROVED_REQUEST:
                yield request


def _approvers(around: Surroundings, requests: Iterable[SealUseRequest]) -> list[Any]:
    """Those who decided on the requests, each in the unit that holds what they represent."""
    names = {approval.approver.person_id for request in requests for approval in request.approvals}
    return Collection(around.snapshot.person(name) for name in sorted(names))


def _request(around: Surroundings) -> Mapping[str, Any]:
    request = around.resource
    if not isinstance(request, SealUseRequest) or request.contract_id is None:
        return {}
    return {"contract": around.snapshot.find("Contract", request.contract_id)}


def _stamp(around: Surroundings) -> Mapping[str, Any]:
    seal, found = around.resource, _stamped(around)
    local = _local_time(seal.enterprise.timezone, around.now) if isinstance(seal, Seal) else None
    if local is None:
        return found
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + timedelta(days=1)
    return {**found, **_clock(local), "day_ends": (midnight - _EPOCH) // timedelta(microseconds=1)}


def _stamped(around: Surroundings) -> Mapping[str, Any]:
    """What the request leads to. One for another seal leads nowhere from this one; the policies refuse it."""
    seal, request = around.resource, around.given.get("request")
    if not isinstance(seal, Seal) or not isinstance(request, SealUseRequest) or request.seal_id != seal.id:
        return {"contract": None, "approvers": Collection(), "parties": Collection()}
    contract = None if request.contract_id is None else around.snapshot.find("Contract", request.contract_id)
    parties = Collection() if contract is None else _other_parties(around, seal, contract, {around.subject.id})
    return {"contract": contract, "approvers": _approvers(around, [request]), "parties": parties}


def _seal_end(around: Surroundings) -> Mapping[str, Any]:
    for fixed_id in around.snapshot.matching("TaskSeal", seal_id=around.resource.id):
        fixed = around.snapshot.find("TaskSeal", fixed_id)
        task = None if fixed is None else fixed.task
        if task is not None and task.state in _OPEN_TASK and task.signatory.contract.state in _OPEN_CONTRACT:
            return {"open_task_id": task.id}
    return {}


def _holder_act(around: Surroundings) -> Mapping[str, Any]:
    grant = around.resource
    return {"holder": _holder(around, [grant])} if isinstance(grant, CrossEnterpriseGrant) else {}


def _cross_grant(around: Surroundings) -> Mapping[str, Any]:
    grant = around.resource
    if not isinstance(grant, CrossEnterpriseGrant):
        return {}
    return {"holder": around.snapshot.find("Enterprise", grant.holder_id)}


def _holder(around: Surroundings, grants: list[CrossEnterpriseGrant]) -> Enterprise | None:
    """The enterprise that holds one of the grants and that the subject belongs to; the first by id, if any does."""
    if not grants:
        return None
    ours = set(_enterprises_of(around.subject))
    held = sorted({grant.holder_id for grant in grants} & ours)
    return around.snapshot.find("Enterprise", held[0]) if held else None


def _enterprises_of(person: Any) -> Iterator[str]:
    """The ids of the enterprises that a person, in the person's own unit, belongs to or was suspended in."""
    for membership in person.memberships:
        if membership.state != "ENDED":
            yield membership.enterprise_id
    for snapshot in person.represented:
        if snapshot.is_current:
            yield snapshot.enterprise_id


def _use_record(around: Surroundings) -> Mapping[str, Any]:
    use = around.resource
    if not isinstance(use, SealUse):
        return {}
    return {
        "seal": around.snapshot.find("Seal", use.seal_id),
        "holder": around.snapshot.find("Enterprise", use.holder_id) if use.holder_id else None,
    }


def _contract(around: Surroundings) -> Mapping[str, Any]:
    contract = around.resource
    if not isinstance(contract, Contract):
        return {}
    ours = set(_enterprises_of(around.subject))
    parties = sorted(ours & {party.enterprise_id for party in contract.signatories if party.enterprise_id})
    return {
        "enterprise": around.snapshot.find("Enterprise", contract.initiator_id),
        "party": around.snapshot.find("Enterprise", parties[0]) if parties else None,
    }


def _termination(around: Surroundings) -> Mapping[str, Any]:
    contract = around.resource
    if not isinstance(contract, Contract):
        return {}
    consented = {
        party.enterprise_id
        for party in contract.signatories
        if party.enterprise_id and any(consent.kind == ConsentKind.TERMINATION for consent in party.consents)
    }
    return {**_contract(around), "parties": _enterprises(around, consented)}


def _name_change(around: Surroundings) -> Mapping[str, Any]:
    for contract_id in _contracts_of(around.resource.id, around.snapshot):
        contract = around.snapshot.find("Contract", contract_id)
        if contract is not None and contract.state in _OPEN_CONTRACT:
            return {"open_contract_id": contract.id}
    return {}


def _contracts_of(enterprise_id: str, snapshot: FactSnapshot) -> Iterator[str]:
    """The ids of the contracts that an enterprise sent or is a party of; one may come twice."""
    yield from snapshot.matching("Contract", initiator_id=enterprise_id)
    for signatory_id in snapshot.matching("Signatory", enterprise_id=enterprise_id):
        signatory = snapshot.find("Signatory", signatory_id)
        if signatory is not None:
            yield signatory.contract_id


def _task(around: Surroundings) -> Mapping[str, Any]:
    task = around.resource
    party = task.signatory.enterprise_id if isinstance(task, SigningTask) else None
    return {"enterprise": around.snapshot.find("Enterprise", party) if party else None}


def _signing(around: Surroundings) -> Mapping[str, Any]:
    task, found = around.resource, _task(around)
    if not isinstance(task, SigningTask):
        return {**found, "documents_digest": None}
    contract = task.signatory.contract
    return {**found, "contract": contract, "documents_digest": _documents_digest(contract)}


def _member(around: Surroundings) -> Mapping[str, Any]:
    membership = around.resource
    return {"member": around.snapshot.person(membership.person_id)} if isinstance(membership, Membership) else {}


def _certification(around: Surroundings) -> Mapping[str, Any]:
    enterprise = around.resource
    if not isinstance(enterprise, Enterprise):
        return {}
    same = {"realm": enterprise.realm, "uscc": enterprise.uscc}
    twins = around.snapshot.matching("Enterprise", **same, auth_state=str(AuthenticationState.AUTHENTICATED))
    return {"twin_id": next((twin for twin in twins if twin != enterprise.id), None)}


def _join(around: Surroundings) -> Mapping[str, Any]:
    person, enterprise = around.subject, around.resource
    since = around.now - around.parameters.rejections_window
    is_open = [a for a in person.applications if a.state == "PENDING" and around.now < a.expires_at]
    rejected = [
        application
        for application in enterprise.applications
        if application.person_id == person.id and application.state == "REJECTED" and application.decided_at > since
    ]
    return {"open_applications": len(is_open), "rejections": len(rejected)}


def _retrieval(around: Surroundings) -> Mapping[str, Any]:
    resource = around.resource
    enterprise = resource.enterprise if isinstance(resource, RetrievalCase) else resource
    since = around.now - around.parameters.retrieval_window
    attempts = [a for a in enterprise.authentications if a.purpose == "RETRIEVAL" and a.submitted_at > since]
    others = {
        case.enterprise_id
        for case in around.subject.retrieval_cases
        if case.opened_at > since and case.enterprise_id != enterprise.id
    }
    return {"attempts": len(attempts), "enterprises": len(others)}


_FINDERS: Mapping[type[Context], Callable[[Surroundings], Mapping[str, Any]]] = {
    contexts.SealUseContext: _seal_use,
    contexts.RequestContext: _request,
    contexts.StampContext: _stamp,
    contexts.SealEndContext: _seal_end,
    contexts.HolderContext: _holder_act,
    contexts.GrantEndContext: _holder_act,
    contexts.CrossGrantContext: _cross_grant,
    contexts.UseRecordContext: _use_record,
    contexts.ContractContext: _contract,
    contexts.TerminationContext: _termination,
    contexts.NameChangeContext: _name_change,
    contexts.TaskContext: _signing,
    contexts.TransferContext: _task,
    contexts.MemberContext: _member,
    contexts.CertificationContext: _certification,
    contexts.JoinContext: _join,
    contexts.RetrievalContext: _retrieval,
}

_FINDERS_WITH: Mapping[type[Context], Callable[[Surroundings], Mapping[str, Any]]] = {
    contexts.SealUseContext: _seal_use_with,
    contexts.StampContext: _stamped,
}

LEADS: Mapping[type[Context], Mapping[str, tuple[str, ...]]] = {
    contexts.SealUseContext: {"holder": ("cross_grants", "holder_id")},
    contexts.StampContext: {"contract": ("use_requests", "contract_id")},
    contexts.RequestContext: {"contract": ("contract_id",)},
    contexts.HolderContext: {"holder": ("holder_id",)},
    contexts.GrantEndContext: {"holder": ("holder_id",)},
    contexts.CrossGrantContext: {"holder": ("holder_id",)},
    contexts.UseRecordContext: {"seal": ("seal_id",), "holder": ("holder_id",)},
    contexts.ContractContext: {"enterprise": ("initiator_id",), "party": ("signatories", "enterprise_id")},
    contexts.TerminationContext: {"enterprise": ("initiator_id",), "party": ("signatories", "enterprise_id")},
    contexts.TaskContext: {
        "enterprise": ("signatory_id", "enterprise_id"),
        "contract": ("signatory_id", "contract_id"),
    },
    contexts.TransferContext: {"enterprise": ("signatory_id", "enterprise_id")},
    contexts.MemberContext: {"member": ("person_id",)},
}
"""Of the records that the server finds: the path from the resource that each lies on. Lists rest on it: a record that
was found elsewhere would be missed.
"""

ABOUT_SUBJECT: frozenset[type[Context]] = frozenset(
    {
        contexts.SealUseContext,
        contexts.StampContext,
        contexts.HolderContext,
        contexts.GrantEndContext,
        contexts.ContractContext,
        contexts.TerminationContext,
        contexts.JoinContext,
        contexts.RetrievalContext,
    }
)
"""The contexts in which what the server finds depends on who asks."""


@cache
def _zone(name: str) -> ZoneInfo | None:
    """The time zone of that name; None where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # no such zone (a KeyError), or no name of one
        return None


def _local_time(timezone: str, now: Instant) -> datetime | None:
    """The time in a zone; None where the zone is not known."""
    zone = _zone(timezone)
    return None if zone is None else (_EPOCH + timedelta(microseconds=now)).astimezone(zone)
