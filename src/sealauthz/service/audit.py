"""AuditService: the log of decisions, within what each caller may see."""

from __future__ import annotations

import json
import threading
from typing import Any

from sealauthz.audit.as_of import AsOf, Moment
from sealauthz.audit.log import Entry, Log, Wanted, is_shown
from sealauthz.audit.retention import NOTHING_PRUNED
from sealauthz.audit.words import EFFECTS, is_kind, is_reason_code
from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.decision import Effect
from sealauthz.decision.question import Question
from sealauthz.facts import Store
from sealauthz.facts.memory.consistency import Deadline
from sealauthz.runtime import base64url
from sealauthz.runtime.errors import InvalidRequest, RecordUnknown, ServiceBusy
from sealauthz.service.callers import EXPLAIN, Call, Caller
from sealauthz.service.fields import FieldViolations, set_timestamp
from sealauthz.service.questions import entity_from, may_see_of, read_question
from sealauthz.service.responses import explanation_message, visible_reasons
from sealauthz_client import answers
from sealauthz_client.v1 import audit_pb2, audit_pb2_grpc

_NONE_SEEN = "the log has no such record that this caller may see; it may still wait for its place"
_MOST_RECORDS = (1 << 62) - 1
_CHECKPOINT = "AuditService/GetCheckpoint"

PAST_AT_ONCE = 2
"""So many questions about the past are answered at a time: each may hold half a gigabyte of history."""

_RETRY_PAST_AFTER_S = 1.0


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """Reads the log of one store."""

    def __init__(self, store: Store, as_of: AsOf) -> None:
        self._store = store
        self._as_of = as_of
        self._tenant = store.model.tenant
        self._log = Log(store)
        self._past = threading.BoundedSemaphore(PAST_AT_ONCE)

    def GetCheckpoint(self, _request: audit_pb2.GetCheckpointRequest, _call: Call) -> audit_pb2.GetCheckpointResponse:
        """Return the newest checkpoint."""
        head = self._log.head()
        return audit_pb2.GetCheckpointResponse(note=head.note, size=head.size)

    def GetInclusionProof(
        self, request: audit_pb2.GetInclusionProofRequest, call: Call
    ) -> audit_pb2.GetInclusionProofResponse:
        """Prove one record."""
        violations = FieldViolations()
        if request.WhichOneof("record") is None:
            violations.add("record", "is required: name it by `decision_id` or `number`")
        elif request.HasField("decision_id"):
            violations.check_id("decision_id", request.decision_id)
        elif not 0 <= request.number <= _MOST_RECORDS:
            violations.add("number", "must be a place in the log, from 0")
        violations.refuse()
        if request.HasField("decision_id"):
            entry = self._log.entry(request.decision_id)
        else:
            entry = self._log.entry_at(request.number)
        proof = self._log.inclusion(self._seen(entry, call.caller).number)
        return audit_pb2.GetInclusionProofResponse(number=proof.number, hashes=proof.hashes, note=proof.note)

    def GetConsistencyProof(
        self, request: audit_pb2.GetConsistencyProofRequest, _call: Call
    ) -> audit_pb2.GetConsistencyProofResponse:
        """Prove that the log went on from an earlier size."""
        proof = self._log.consistency(request.first_size, request.second_size)
        return audit_pb2.GetConsistencyProofResponse(
            first_size=proof.sizes[0],
            second_size=proof.sizes[1],
            first_root=proof.roots[0],
            second_root=proof.roots[1],
            hashes=proof.hashes,
        )

    def ListDecisions(self, request: audit_pb2.ListDecisionsRequest, call: Call) -> audit_pb2.ListDecisionsResponse:
        """List records, the newest first."""
        wanted, before = _wanted_from(request, call.caller)
        page = self._log.page(wanted, self._tenant, request.page_size, before)
        call.noted["items"] = len(page.entries)
        is_whole = _sees_all(call.caller)
        response = audit_pb2.ListDecisionsResponse(
            next_page_token="" if page.before is None else _token(page.before, wanted)
        )
        for entry in page.entries:
            _fill(response.records.add(), entry.answer(is_whole=is_whole))
        return response

    def GetDecision(self, request: audit_pb2.GetDecisionRequest, call: Call) -> audit_pb2.GetDecisionResponse:
        """Return one record."""
        violations = FieldViolations()
        violations.check_id("decision_id", request.decision_id)
        violations.refuse()
        entry = self._seen(self._log.entry(request.decision_id), call.caller)
        response = audit_pb2.GetDecisionResponse()
        _fill(response.record, entry.answer(is_whole=_sees_all(call.caller)))
        return response

    def DecideAsOf(self, request: audit_pb2.DecideAsOfRequest, call: Call) -> audit_pb2.DecideAsOfResponse:
        """Decide as of the past, if not too many do."""
        question, moment = _past_from(request)
        caller = call.caller
        options = RequestOptions(may_see_of(caller), caller.name, deadline=Deadline(call.deadline))
        if not self._past.acquire(blocking=False):
            raise ServiceBusy("too many questions about the past at once; try again later", _RETRY_PAST_AFTER_S)
        try:
            # Rules that tell what they prove are compiled when they are first asked for, which takes a second or two.
            is_explained = caller.may_call(EXPLAIN)
            found = self._as_of.decide(question, moment, options, request.policy_version, is_explained=is_explained)
        finally:
            self._past.release()
        said, decided = found.answer(), found.decision
        call.noted["effect_then"], call.noted["revision"] = said.effect, said.revision
        response = audit_pb2.DecideAsOfResponse()
        message = response.decision
        message.effect = _PAST_EFFECTS[decided.effect]
        message.reason_codes.extend(reason.code for reason in visible_reasons(decided, caller))
        message.obligation_codes.extend(said.obligations)
        message.policy_version, message.policy_activated = said.policy_version, said.is_activated
        message.revision = said.revision
        set_timestamp(message.decided_at, decided.evaluated_at)
        if is_explained:
            message.requirements.extend(
                explanation_message(found.explanation, caller, self._store.store_id).requirements
            )
        return response

    def _seen(self, entry: Entry | None, caller: Caller) -> Entry:
        """Return a record that the caller may see. What it may not see is answered like what is not there, or not any
        more: that records were pruned is told to who may know how long the log is.
        """
        if entry is not None and is_shown(entry.content, caller.tenants):
            return entry
        pruned = self._log.pruned() if caller.may_call(_CHECKPOINT) else NOTHING_PRUNED
        raise RecordUnknown(f"{_NONE_SEEN}, or be pruned: {pruned.said}" if pruned.until else _NONE_SEEN)


_PAST_EFFECTS = {
    Effect.ALLOW: audit_pb2.PAST_EFFECT_ALLOWED_THEN,
    Effect.DENY: audit_pb2.PAST_EFFECT_DENIED_THEN,
}


def _past_from(request: audit_pb2.DecideAsOfRequest) -> tuple[Question, Moment]:
    """Read a question about the past, and when. Raises InvalidRequest naming every malformed field."""
    violations = FieldViolations()
    question = read_question(request, "", violations)
    revision = request.revision if request.HasField("revision") else None
    at = violations.instant("time", request.time) if request.HasField("time") else None
    if revision is None and at is None:
        violations.add("revision", "or `time` is required")
    elif revision is not None and not 0 <= revision <= _MOST_RECORDS:
        violations.add("revision", "must be a revision, from 0")
    if request.policy_version:
        violations.check_id("policy_version", request.policy_version)
    violations.refuse()
    return question, Moment(revision, at)


def _sees_all(caller: Caller) -> bool:
    return caller.sees_operator_reasons and caller.may_call(EXPLAIN)


def _wanted_from(request: audit_pb2.ListDecisionsRequest, caller: Caller) -> tuple[Wanted, int | None]:
    violations = FieldViolations()
    texts: dict[str, Any] = {}
    for name in ("action", "effect", "reason", "caller", "kind"):
        texts[name] = value = getattr(request, name)
        if value:
            violations.check_id(name, value)
    # What no record can hold is a mistake: it would be answered with an empty list.
    if request.effect and request.effect not in EFFECTS:
        violations.add("effect", f"must be one of {', '.join(EFFECTS)}")
    if request.reason and not is_reason_code(request.reason):
        violations.add("reason", "must be the code of a reason: capital letters, digits and _")
    if request.kind and not is_kind(request.kind):
        violations.add("kind", "must be a kind of record, such as Authorize: letters, the first a capital")
    for name in ("subject", "resource"):
        if request.HasField(name):
            texts[name] = str(entity_from(getattr(request, name), name, violations))
    for name in ("since", "until"):
        if request.HasField(name):
            texts[name] = violations.instant(name, getattr(request, name))
    if texts.get("until") and (texts.get("since") or 0) >= texts["until"]:
        violations.add("until", "must be later than `since`: nothing is answered between them")
    if request.enterprise_id:
        violations.check_id("enterprise_id", request.enterprise_id)
    if request.page_size < 0:
        violations.add("page_size", "must not be negative")
    violations.refuse()
    tenant, is_whole = request.enterprise_id, _sees_all(caller)
    wanted = Wanted(**texts, tenant=tenant, tenants=caller.tenants, is_whole=is_whole)
    return wanted, _before(request.page_token, wanted) if request.page_token else None


def _asked(wanted: Wanted) -> list[Any]:
    return [getattr(wanted, name) for name in Wanted.__dataclass_fields__ if name != "tenants"]


def _token(before: int, wanted: Wanted) -> str:
    """Return what asks for the next page of the same list."""
    return base64url.encode(json.dumps([before, _asked(wanted)]).encode())


def _before(token: str, wanted: Wanted) -> int:
    try:
        content = json.loads(base64url.decode(token))
        before, asked = content
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest.at("page_token", "is not a token of this list") from error
    if type(before) is not int or not 0 < before <= _MOST_RECORDS or asked != _asked(wanted):
        raise InvalidRequest.at("page_token", "is not a token of this list")
    return before


def _fill(message: audit_pb2.DecisionRecord, entry: answers.LogEntry) -> None:
    message.number, message.decision_id, message.kind = entry.number, entry.decision_id, entry.kind
    message.logged_at.FromDatetime(entry.logged_at)
    message.answered_at.FromDatetime(entry.at)
    message.caller, message.subject, message.action = entry.caller, entry.subject, entry.action
    message.resource, message.effect, message.record = entry.resource, entry.effect, entry.record
    message.reason_codes.extend(entry.reasons)
