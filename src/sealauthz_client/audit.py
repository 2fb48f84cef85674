"""The calls that read the log of decisions."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from sealauthz_client import messages
from sealauthz_client.answers import LogEntry, LogProof
from sealauthz_client.messages import moment_from
from sealauthz_client.transport import Connection
from sealauthz_client.v1 import audit_pb2


class AuditCalls(Connection):
    """The calls of AuditService."""

    def checkpoint(self, *, timeout_s: float | None = None) -> str:
        """Return the newest checkpoint of the log, a signed note; empty while the log is. Raises CallFailed."""
        request = audit_pb2.GetCheckpointRequest()
        reply: audit_pb2.GetCheckpointResponse = self._call(self._audit.GetCheckpoint, request, timeout_s)
        return reply.note

    def decision(self, decision_id: str, *, timeout_s: float | None = None) -> LogEntry:
        """Return the record of a decision. Raises CallFailed; NOT_FOUND where there is none for this caller."""
        request = audit_pb2.GetDecisionRequest(decision_id=decision_id)
        reply: audit_pb2.GetDecisionResponse = self._call(self._audit.GetDecision, request, timeout_s)
        return _entry_from(reply.record)

    def inclusion_proof(self, record: str | int, *, timeout_s: float | None = None) -> LogProof:
        """Prove that a record is in the log, by the id of its decision or by its place. Raises CallFailed."""
        named = {"number": record} if isinstance(record, int) else {"decision_id": record}
        request = audit_pb2.GetInclusionProofRequest(**named)
        reply: audit_pb2.GetInclusionProofResponse = self._call(self._audit.GetInclusionProof, request, timeout_s)
        return LogProof(reply.number, tuple(reply.hashes), reply.note)

    def consistency_proof(
        self, first_size: int, second_size: int = 0, *, timeout_s: float | None = None
    ) -> tuple[bytes, ...]:
        """Prove that the log went on from an earlier size to a later one (0: to the newest). Raises CallFailed."""
        request = audit_pb2.GetConsistencyProofRequest(first_size=first_size, second_size=second_size)
        reply: audit_pb2.GetConsistencyProofResponse = self._call(self._audit.GetConsistencyProof, request, timeout_s)
        return tuple(reply.hashes)

    def decisions(
        self,
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
    ) -> Iterator[LogEntry]:
        """Yield the records that are wanted, the newest first, page by page; what is left out does not count.

        `subject` and `resource` are `Type:id`. Raises CallFailed, and ValueError for a time without a time zone.
        """
        request = audit_pb2.ListDecisionsRequest(
            enterprise_id=enterprise_id,
            action=action,
            effect=effect,
            reason=reason,
            caller=caller,
            kind=kind,
            page_size=page_size,
        )
        if subject:
            request.subject.CopyFrom(messages.entity_message(subject))
        if resource:
            request.resource.CopyFrom(messages.entity_message(resource))
        for name, moment in (("since", since), ("until", until)):
            if moment is not None:
                if moment.tzinfo is None:
                    raise ValueError(f"`{name}` has no time zone")
                getattr(request, name).FromDatetime(moment)
        while True:
            reply: audit_pb2.ListDecisionsResponse = self._call(self._audit.ListDecisions, request, timeout_s)
            yield from map(_entry_from, reply.records)
            request.page_token = reply.next_page_token
            if not request.page_token:
                return


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
