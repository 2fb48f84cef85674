"""Acts on contracts and on the signing tasks in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.common import Context, enterprises_of, found
from sealauthz.model.actions.known import appointers_of, authors_of, insiders, insiders_of, persons, principal_ids
from sealauthz.model.actions.seals import documents_digest, sealed_by_hand
from sealauthz.model.effects import signing
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.identity import IdentityVerification, Person
from sealauthz.model.records.membership import Membership
from sealauthz.model.records.organisation import Enterprise
from sealauthz.schema import EMPTY, Resolver, ResolverInput, actions, looks


@dataclass(slots=True, kw_only=True)
class ContractContext(Context):
    """An act on a contract: `enterprise` is its initiator, `own_parties` its parties that are enterprises and that the
    subject belongs to, in the order of their ids.
    """

    enterprise: Enterprise
    own_parties: list[Enterprise] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class TerminationContext(ContractContext):
    """Ending a complete contract: `parties` are the enterprises of it for which somebody consented to that, and
    `documents_digest` is the digest of all its documents (`whole_digest`); `authors`, those who consented; `insiders`,
    those who had put one of them in office within `parameters.cooling_off` before that, each with what they represent.
    """

    parties: list[Enterprise] = dataclasses.field(default_factory=list)
    documents_digest: str | None = None
    authors: list[Person] = dataclasses.field(default_factory=list)
    insiders: list[Person] = dataclasses.field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class TaskContext(Context):
    """An act on a task, with its `contract`: `enterprise` is the task's party, None where a person is the party;
    `documents_digest` is the digest of all documents of the contract (`whole_digest`); `authors`, those who gave
    evidence about it for the party, as in SealUseContext; and `principals`, those who let the subject act for them
    there, or passed a grant on to one of them, each with what they represent.
    """

    contract: Contract
    enterprise: Enterprise | None = None
    verification: IdentityVerification | None = None
    documents_digest: str | None = None
    authors: list[Person] = dataclasses.field(default_factory=list)
    principals: list[Person] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class SignContext(TaskContext):
    """Signing a task by hand. `insiders` are those who had put in office who reviewed the contract for the party or
    resolved about it, each with what they represent.

    Where the party seals nothing in the contract, the signature stands for it. Then, of the server's making, as where a
    seal is used (SealUseContext): the local day, weekday and minute where the party is;
    `parties`, the other enterprises for which the subject acts too; and `approvers`, those who decided on requests to
    use a seal of the party for this contract; `principals`, those who passed on to the subject a grant to use one; and
    `insiders`, those who gave the subject one or put an approver in place, and whom the registry names, as there.
    """

    local_day: int | None = None
    local_weekday: int | None = None
    local_minute: int | None = None
    parties: list[Enterprise] = dataclasses.field(default_factory=list)
    approvers: list[Person] = dataclasses.field(default_factory=list)
    insiders: list[Person] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class RefusalContext(TaskContext):
    """Refusing a task, for a reason."""

    reason: str | None = None


@dataclass(slots=True)
class TransferContext(Context):
    """Passing a task on: `enterprise` is the task's party, `receiver` the member who is to take it."""

    enterprise: Enterprise | None = None
    receiver: Membership | None = None


def _own_parties(query: ResolverInput) -> Mapping[str, Any]:
    parties = {party.enterprise_id for party in query.resource.signatories if party.enterprise_id}
    return {"own_parties": found(query.snapshot, "Enterprise", parties & set(enterprises_of(query.subject)))}


def _termination(query: ResolverInput) -> Mapping[str, Any]:
    consents = [
        (party, consent)
        for party in query.resource.signatories
        for consent in party.consents
        if consent.kind == "TERMINATION"
    ]
    consented = {party.enterprise_id for party, _ in consents if party.enterprise_id}
    parties = found(query.snapshot, "Enterprise", consented)
    behind: set[str | None] = set()
    for enterprise in parties:
        spoke = [(each.given_by_id, each.given_at) for party, each in consents if party.enterprise_id == enterprise.id]
        behind |= appointers_of(query, enterprise, spoke)
    return {
        **_own_parties(query),
        "parties": parties,
        "insiders": insiders_of(query, behind),
        "documents_digest": documents_digest(query.resource),
        "authors": persons(query, {consent.given_by_id for _, consent in consents}),
    }


def _task(query: ResolverInput) -> Mapping[str, Any]:
    enterprise = _enterprise_of(query)
    resolved = _about(query, enterprise)
    if enterprise is None:
        return resolved
    ids = principal_ids(query, enterprise, {seal.id for seal in enterprise.seals})
    return {**resolved, "principals": persons(query, ids)}


def _signature(query: ResolverInput) -> Mapping[str, Any]:
    party = query.resource.signatory
    enterprise = _enterprise_of(query)
    resolved = _about(query, enterprise)
    if enterprise is None:
        return resolved
    if any(task.action in _SEALING and task.state in _STANDING for task in party.tasks):
        return {**resolved, "insiders": insiders(query, enterprise, party.contract, ())}
    return {**resolved, **sealed_by_hand(query, enterprise, party.contract)}


def _enterprise_of(query: ResolverInput) -> Any:
    enterprise_id = query.resource.signatory.enterprise_id
    return query.snapshot.find("Enterprise", enterprise_id) if enterprise_id else None


def _about(query: ResolverInput, enterprise: Any) -> dict[str, Any]:
    contract = query.resource.signatory.contract
    authors = EMPTY if enterprise is None else authors_of(query, enterprise, contract)
    return {"contract": contract, "documents_digest": documents_digest(contract), "authors": authors}


_SEALING = frozenset({"CORPORATE_SEAL", "LEGAL_REP_SEAL"})
# A signature is beside a seal that was put, or that still may be (`is_beside_seal`, signing.polar).
_STANDING = frozenset({"WAITING", "PENDING", "IN_PROGRESS", "SIGNED"})

_INITIATOR = {"enterprise": ("initiator_id",)}
_OWN_PARTIES = {"own_parties": ("signatories", "enterprise_id")}
_TASK_PARTY = {"enterprise": ("signatory_id", "enterprise_id")}

_CONTRACT = Resolver(along=_INITIATOR, find=_own_parties, paths=_OWN_PARTIES, is_about_subject=True)
_TERMINATION = Resolver(along=_INITIATOR, find=_termination, paths=_OWN_PARTIES, is_about_subject=True)
_CONTRACT_OF_TASK = {"contract": ("signatory_id", "contract_id")}
_TASK = Resolver(along=_TASK_PARTY, find=_task, paths=_CONTRACT_OF_TASK, is_about_subject=True)
_SIGNATURE = Resolver(along=_TASK_PARTY, find=_signature, paths=_CONTRACT_OF_TASK, is_about_subject=True)

ACTIONS = (
    *actions(
        "Contract",
        ContractContext,
        "view",
        "download",
        "print",
        "view_refusal",
        resolver=_CONTRACT,
        effect=looks,
    ),
    *actions("Contract", ContractContext, "recall", resolver=_CONTRACT, effect=signing.recall),
    *actions("Contract", TerminationContext, "terminate", resolver=_TERMINATION, effect=signing.terminate),
    *actions("SigningTask", TaskContext, "open", resolver=_TASK, effect=looks),
    *actions("SigningTask", TaskContext, "approve", resolver=_TASK, effect=signing.approve),
    *actions("SigningTask", SignContext, "sign", gives=("verification",), resolver=_SIGNATURE, effect=signing.sign),
    *actions("SigningTask", RefusalContext, "refuse", gives=("reason",), resolver=_TASK, effect=signing.refuse_to_sign),
    *actions(
        "SigningTask",
        TransferContext,
        "transfer",
        gives=("receiver",),
        resolver=Resolver(along=_TASK_PARTY),
        effect=signing.transfer,
    ),
    *actions("SigningTask", TaskContext, "view_progress", resolver=_TASK, effect=looks),
)
