"""Physical seals: stamping with one, carrying it out of the house, and taking it back; and what its controller counted.

A stamp is final when the controller opens: its count is taken with the act, and no report gives it back. Where the
controller is opened by a service of its own, that service is named as the audience and gets a signed receipt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sealauthz.model.effects.acting import own_membership, refuse
from sealauthz.model.effects.told import alert, seal_administrators, watchers_of
from sealauthz.model.records.outings import OutingState, SealOuting
from sealauthz.model.records.requests import ReportState
from sealauthz.schema import Act, Duty, Instant, MetBy, Outcome, Put, ReceiptTerms, Update
from sealauthz.schema.action import Snapshot

_LONGEST_TEXT = 256


@dataclass(frozen=True, slots=True)
class OpeningArguments:
    """Opening a controller: `audience` is the service that opens it, by the name under which it verifies receipts. Left
    empty, the person opens it with the code alone, and there is no receipt.
    """

    audience: str = ""


def stamp(act: Act) -> Outcome:
    """Stamp once with a physical seal: the count, the code and the photo that is owed are duties of the act."""
    return Outcome(values={"request_id": act.context.request.id}, receipt=_receipt(act, {"impressions": 1}))


def carry_out(act: Act) -> Outcome:
    """Carry a physical seal out: it is with the applicant until the day ends. No use is counted yet."""
    named: Any = act.obligations["RECORD_OUTING"]
    outing = SealOuting(
        act.new_id("outing"), act.resource.id, str(named["holder_id"]), act.now, due_at=int(named["due_at"])
    )
    receipt = _receipt(act, {"outing_id": outing.id, "due_at": outing.due_at // 1_000_000})
    return Outcome((Put(outing),), values={"outing_id": outing.id}, receipt=receipt)


def _receipt(act: Act, more: dict[str, Any]) -> ReceiptTerms | None:
    """What the controller may do, where a service opens it."""
    audience, request = act.arguments.audience, act.context.request
    if not audience:
        return None
    if not audience.strip() or len(audience) > _LONGEST_TEXT:
        refuse("arguments[audience]", f"must name the controller's service, in up to {_LONGEST_TEXT} characters")
    about = {
        "enterprise_id": act.resource.enterprise_id,
        "seal_id": act.resource.id,
        "device_id": request.device_id,
        "request_id": request.id,
        "contract_id": request.contract_id,
        "documents_digest": act.context.documents_digest,
    }
    return ReceiptTerms(
        audience=audience,
        ends_at=act.now + act.context.parameters.receipt_lasts,
        permits={**{name: value for name, value in about.items() if value}, **more},
    )


def record_return(act: Act) -> Outcome:
    """Take a seal back that was carried out."""
    outing = act.resource
    receiver = own_membership(act, outing.seal.enterprise)
    return Outcome((act.set(outing, state=OutingState.RETURNED, returned_at=act.now, received_by_id=receiver.id),))


def overcounted(_snapshot: Snapshot, report: Any, now: Instant) -> Outcome:
    """What the sweep writes of a controller's report: it is compared with what was allowed, once.

    Those who watch the seal are alerted of more impressions than uses that were counted. What the controller counted
    stands for nothing else: a stamp that was not made is still used up.
    """
    request = report.request
    made = sum(each.impressions for each in request.stamp_reports)
    compared = Update("StampReport", report.id, {"state": ReportState.COMPARED})
    if made <= request.used:
        return Outcome((compared,))
    values = {"request_id": request.id, "impressions": made, "used": request.used}
    told = [*watchers_of(request.seal, now), request.applicant.person_id]
    return Outcome((compared,), (alert("SEAL_STAMPED_TOO_OFTEN", request.seal, told, **values),))


def overdue(_snapshot: Snapshot, outing: Any, now: Instant) -> Outcome:
    """What the sweep writes of a seal that did not come back: its holder, who keeps it and who watches it are alerted.

    It stays out, and blocks its holder, until it is taken back or reported lost.
    """
    seal = outing.seal
    keepers = [custodian.person_id for custodian in (seal.custodian,) if custodian is not None]
    told = [outing.holder.person_id, *keepers, *seal_administrators(seal.enterprise, now)]
    told += watchers_of(seal, now)
    event = alert("SEAL_OVERDUE", seal, told, outing_id=outing.id, due_at=outing.due_at)
    return Outcome((Update("SealOuting", outing.id, {"alerted_at": now}),), (event,))


DUTIES = (
    Duty("RECORD_OUTING", MetBy.EFFECT),
    Duty("RETURN_BY_DAY_END", MetBy.EFFECT),
)

EVENTS = {
    "SEAL_OVERDUE": "A seal that was carried out is overdue; for its holder, who keeps it, and those who watch it.",
    "SEAL_STAMPED_TOO_OFTEN": "A controller counted more impressions than were allowed; for those who watch the seal.",
}
"""The codes of these events, each with what it tells."""
