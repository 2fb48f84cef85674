"""The calls that read the log of decisions."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from sealauthz_client import messages
from sealauthz_client.answers import LogEntry, LogProof, PastDecision
from sealauthz_client.calls import Call, Pages, Repeats, Rpc
from sealauthz_client.messages import ContextValue, moment_from
from sealauthz_client.requests import build
from sealauthz_client.v1 import audit_pb2

_GET_CHECKPOINT = Rpc(audit_pb2.GetCheckpointRequest, audit_pb2.GetCheckpointResponse, Repeats.READS)
_GET_DECISION = Rpc(audit_pb2.GetDecisionRequest, audit_pb2.GetDecisionResponse, Repeats.READS)
_GET_INCLUSION_PROOF = Rpc(audit_pb2.GetInclusionProofRequest, audit_pb2.GetInclusionProofResponse, Repeats.READS)
_GET_CONSISTENCY_PROOF = Rpc(audit_pb2.GetConsistencyProofRequest, audit_pb2.GetConsistencyProofResponse, Repeats.READS)
_DECIDE_AS_OF = Rpc(audit_pb2.DecideAsOfRequest, audit_pb2.DecideAsOfResponse, Repeats.READS)
_LIST_DECISIONS = Rpc(audit_pb2.ListDecisionsRequest, audit_pb2.ListDecisionsResponse, Repeats.READS_MUCH)


PAST_TIMEOUT_S = 15.0
"""How long a question about the past may take: history is read, and policies that nobody asks now are loaded."""


def checkpoint(*, timeout_s: float | None = None) -> Call[str]:
    """Return the newest checkpoint of the log, a signed note; empty while the log is. Raises CallFailed."""
    request = audit_pb2.GetCheckpointRequest()
    return _GET_CHECKPOINT.call(request, lambda reply: reply.note, timeout_s)


def decision(decision_id: str, *, timeout_s: float | None = None) -> Call[LogEntry]:
    """Return the record of a decision. Raises CallFailed; NOT_FOUND where there is none for this caller."""
    request = build(audit_pb2.GetDecisionRequest, decision_id=decision_id)
    return _GET_DECISION.call(request, lambda reply: _entry_from(reply.record), timeout_s)


def inclusion_proof(record: str | int, *, timeout_s: float | None = None) -> Call[LogProof]:
    """Prove that a record is in the log, by the id of its decision or by its place. Raises CallFailed."""
    named = {"number": record} if isinstance(record, int) else {"decision_id": record}
    request = build(audit_pb2.GetInclusionProofRequest, **named)
    return _GET_INCLUSION_PROOF.call(
        request, lambda reply: LogProof(reply.number, tuple(reply.hashes), reply.note), timeout_s
    )


def decide_as_of(
    subject: str,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue] | None = None,
    *,
    revision: int | None = None,
    time: datetime.datetime | None = None,
    policy_version: str = "",
    timeout_s: float | None = PAST_TIMEOUT_S,
) -> Call[PastDecision]:
    """Decide as of the past: at a revision, at a time, or both. What it returns permits nothing.

    Raises CallFailed; FAILED_PRECONDITION with NOT_CHECKABLE where it cannot be told for sure, and ValueError for a
    time without a time zone.
    """
    request = build(
        audit_pb2.DecideAsOfRequest,
        subject=subject,
        action=action,
        resource=resource,
        context=context,
        revision=revision,
        time=time,
        policy_version=policy_version,
    )
    return _DECIDE_AS_OF.call(request, lambda reply: _past_from(reply.decision), timeout_s)


def consistency_proof(
    first_size: int, second_size: int = 0, *, timeout_s: float | None = None
) -> Call[tuple[bytes, ...]]:
    """Prove that the log went on from an earlier size to a later one (0: to the newest). Raises CallFailed."""
    request = build(audit_pb2.GetConsistencyProofRequest, first_size=first_size, second_size=second_size)
    return _GET_CONSISTENCY_PROOF.call(request, lambda reply: tuple(reply.hashes), timeout_s)


def decisions(
    *,
    subject: str = "",
    resource: str = "",
    enterprise_id: str = "",
    action: str = "",
    effect: str = "",
    reason: str = "",
    caller: str = "",
    kind: str = "",
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
    page_size: int = 0,
    timeout_s: float | None = None,
) -> Pages[audit_pb2.ListDecisionsResponse, LogEntry]:
    """Yield the records that are wanted, the newest first, page by page; what is left out does not count.

    `subject` and `resource` are `Type:id`. Raises CallFailed, and ValueError for a time without a time zone.
    """
    ends = {name: value for name, value in (("subject", subject), ("resource", resource)) if value != ""}
    request = build(
        audit_pb2.ListDecisionsRequest,
        **ends,
        enterprise_id=enterprise_id,
        action=action,
        effect=effect,
        reason=reason,
        caller=caller,
        kind=kind,
        since=since,
        until=until,
        page_size=page_size,
    )

    def page_at(token: str) -> Call[audit_pb2.ListDecisionsResponse]:
        wanted = audit_pb2.ListDecisionsRequest()
        wanted.CopyFrom(request)
        wanted.page_token = token
        return _LIST_DECISIONS.call(wanted, lambda reply: reply, timeout_s)

    return Pages(
        first=page_at(""),
        following=lambda page: page_at(page.next_page_token) if page.next_page_token else None,
        items=lambda page: map(_entry_from, page.records),
    )


def _past_from(message: audit_pb2.PastDecision) -> PastDecision:
    return PastDecision(
        effect="ALLOW" if message.effect == audit_pb2.PAST_EFFECT_ALLOWED_THEN else "DENY",
        reasons=tuple(message.reason_codes),
        obligations=tuple(message.obligation_codes),
        policy_version=message.policy_version,
        is_activated=message.policy_activated,
        revision=message.revision,
        decided_at=moment_from(message.decided_at),
        requirements=tuple(map(messages.outcome_from, message.requirements)),
    )


def _entry_from(message: audit_pb2.DecisionRecord) -> LogEntry:
    return LogEntry(
        number=message.number,
        logged_at=moment_from(message.logged_at),
        decision_id=message.decision_id,
        kind=message.kind,
        at=moment_from(message.answered_at),
        caller=message.caller,
        subject=message.subject,
        action=message.action,
        resource=message.resource,
        effect=message.effect,
        reasons=tuple(message.reason_codes),
        record=message.record,
    )
