"""Using a seal for a signing task: the use is counted and reserved, and a receipt lets the sealing engine put the seal.

One act reserves one use for each document that is not sealed yet, and counts once. The seal is put by another act of
the engine (`effects.engine`), in which all is decided again. Where the engine itself uses the seal, both are one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from sealauthz.model.effects.acting import refuse
from sealauthz.model.effects.counting import named_ids
from sealauthz.model.records.grants import EmergencyUse
from sealauthz.model.records.seal_uses import CountedRequest, SealUse, SealUseAct, SealUseState
from sealauthz.model.records.signing import TaskState
from sealauthz.schema import Act, Duty, MetBy, Outcome, Put, ReceiptTerms, RecordChange
from sealauthz.schema.record import Ref

_LONGEST_TEXT = 256


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the seal is put on one document, in the words of the sealing engine, and how many impressions it makes."""

    document: Annotated[str, Ref("ContractDocument")]
    position: str = ""
    impressions: int = 1


@dataclass(frozen=True, slots=True)
class UseArguments:
    """Using a seal: `audience` is the sealing engine, by the name under which it calls. A document without a placement
    is sealed where the engine sees fit, once.
    """

    audience: str
    placements: tuple[Placement, ...] = ()


def use(act: Act) -> Outcome:
    """Use a seal: one use is counted, and reserved for each document."""
    return _reserve(act, SealUseAct.USE)


def auto_use(act: Act) -> Outcome:
    """Use a seal automatically."""
    return _reserve(act, SealUseAct.AUTO_USE)


def emergency_use(act: Act) -> Outcome:
    """Use a seal in an emergency: somebody entitled approves it afterwards, also where nothing is sealed in the end."""
    named: Mapping[str, Any] = act.obligations["POST_APPROVAL"]
    emergency = EmergencyUse(
        act.new_id("emergency"), str(named["grant_id"]), act.now, str(act.context.reason), task_id=act.context.task.id
    )
    return _reserve(act, SealUseAct.EMERGENCY_USE, emergency)


def _reserve(act: Act, by: SealUseAct, emergency: EmergencyUse | None = None) -> Outcome:
    seal, task = act.resource, act.context.task
    contract = task.signatory.contract
    audience = act.arguments.audience
    if not audience.strip() or len(audience) > _LONGEST_TEXT:
        refuse("arguments[audience]", f"must name the sealing engine, in up to {_LONGEST_TEXT} characters")
    begun = {made.digest for made in task.uses if made.state != "NOT_SEALED"}
    documents = [document for document in contract.documents if document.digest not in begun]
    if not documents:
        refuse("context[task]", "is of documents that are sealed, or that are being sealed")
    placements = _placements(act, documents)
    common = _common(act, seal, contract)
    # The engine that uses the seal itself decides once: there is no time in between.
    sealing_at = act.now if audience == act.context.caller else 0
    changes: list[RecordChange] = [act.set(task, state=TaskState.IN_PROGRESS)]
    uses: list[SealUse] = []
    for document in documents:
        placed = placements.get(document.id, Placement(document.id))
        made = SealUse(
            act.new_id(f"use/{document.id}"),
            task.id,
            seal.id,
            act.subject.id,
            document.digest,
            act.now,
            state=SealUseState.RESERVED,
            act=by,
            position=placed.position,
            impressions=placed.impressions,
            sealing_at=sealing_at,
            **common,
        )
        uses.append(made)
        changes.append(Put(made))
        changes += [
            Put(CountedRequest(act.new_id(f"request/{document.id}/{request_id}"), made.id, request_id))
            for request_id in _requests(act)
        ]
    if emergency is not None:
        changes.append(Put(emergency))
    values: dict[str, Any] = {"use_ids": json.dumps([made.id for made in uses])}
    if emergency is not None:
        values["emergency_use_id"] = emergency.id
    return Outcome(tuple(changes), (), values, None if sealing_at else _receipt(act, contract, uses))


def _placements(act: Act, documents: list[Any]) -> dict[str, Placement]:
    known = {document.id for document in documents}
    found: dict[str, Placement] = {}
    for number, placed in enumerate(act.arguments.placements):
        field = f"arguments[placements][{number}]"
        if placed.document not in known:
            refuse(f"{field}[document]", "is none of the documents that are still to be sealed")
        if placed.document in found:
            refuse(f"{field}[document]", "is placed twice")
        if not 1 <= placed.impressions <= 1_000:
            refuse(f"{field}[impressions]", "must be between 1 and 1000")
        if len(placed.position) > _LONGEST_TEXT:
            refuse(f"{field}[position]", f"has more than {_LONGEST_TEXT} characters")
        found[placed.document] = placed
    return found


def _requests(act: Act) -> list[str]:
    """The requests of which a use is taken: the applicant's own, and those that the owner's rules asked for."""
    named = act.obligations.get("DECREMENT_USE", {})
    ids = [*named_ids(named.get("request_id")), *named_ids(named.get("process_request_ids"))]
    return list(dict.fromkeys(ids))


def _common(act: Act, seal: Any, contract: Any) -> dict[str, Any]:
    """What all uses of the act have in common: on what it was counted, and on which check and certificate it rests."""
    named: dict[str, Any] = dict(act.obligations.get("DECREMENT_USE", {}))
    cross_grant_id = named.get("cross_grant_id")
    cross_grant = None if cross_grant_id is None else act.snapshot.find("CrossEnterpriseGrant", cross_grant_id)
    verification: Any = getattr(act.context, "verification", None)
    rests_on_check = not {"CONSUME_VERIFICATION", "CONSUME_BATCH_ITEM"}.isdisjoint(act.obligations)
    return {
        "grant_id": named.get("grant_id"),
        "open_grant_id": named.get("open_grant_id"),
        "cross_grant_id": cross_grant_id,
        "holder_id": None if cross_grant is None else cross_grant.holder_id,
        "delegation_id": named.get("delegation_id"),
        "signed_for_id": act.obligations.get("LOG_ON_BEHALF", {}).get("principal_id"),
        "operation_id": act.operation_id,
        "audience": act.arguments.audience,
        "documents_digest": act.context.documents_digest or "",
        "certificate_id": seal.certificate_id,
        "verification_id": verification.id if verification is not None and rests_on_check else None,
    }


def _receipt(act: Act, contract: Any, uses: list[SealUse]) -> ReceiptTerms:
    first = uses[0]
    authority = {
        "grant_id": first.grant_id,
        "open_grant_id": first.open_grant_id,
        "cross_grant_id": first.cross_grant_id,
        "delegation_id": first.delegation_id,
        "request_ids": _requests(act),
        "approval_ids": named_ids(act.obligations.get("DECREMENT_USE", {}).get("approval_ids")),
    }
    return ReceiptTerms(
        audience=first.audience,
        ends_at=act.now + act.context.parameters.receipt_lasts,
        on_behalf_of=first.signed_for_id or "",
        permits={
            "enterprise_id": act.resource.enterprise_id,
            "seal_id": first.seal_id,
            "certificate_id": first.certificate_id,
            "contract_id": contract.id,
            "task_id": first.task_id,
            "documents_digest": first.documents_digest,
            "documents": [
                {"use_id": u.id, "digest": u.digest, "position": u.position, "impressions": u.impressions} for u in uses
            ],
            "authority": {name: value for name, value in authority.items() if value},
        },
    )


DUTIES = (
    # What was used, by whom, when and for what is the record of the use itself, or of the task, the request or the
    # outing; who decided on which facts is the operation's.
    Duty("APPEND_SEAL_LOG", MetBy.EFFECT),
    Duty("LOG_ON_BEHALF", MetBy.EFFECT),
    Duty("POST_APPROVAL", MetBy.EFFECT),
)
