"""OperationsService: acts in, what was done out, within what each caller may perform."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from sealauthz.decision import RequestOptions
from sealauthz.decision.bundle import Bundle
from sealauthz.decision.ids import new_id
from sealauthz.decision.question import Entity
from sealauthz.facts.memory.consistency import Deadline
from sealauthz.observability.metrics.meter import Meter, measuring
from sealauthz.operations import ArgumentValue, Operation, Performance, Performed
from sealauthz.operations.arguments import MAX_ITEMS
from sealauthz.operations.progress import Progress, ShownStage
from sealauthz.operations.signed_assertions import MAX_CHARACTERS
from sealauthz.runtime.errors import EvaluationFailed, OperationUnknown
from sealauthz.service.callers import Call
from sealauthz.service.fields import FieldViolations, is_id, revision_message, set_timestamp, timestamp
from sealauthz.service.questions import (
    checked_language,
    entity_from,
    may_see_of,
    note_decision,
    note_question,
    read_question,
)
from sealauthz.service.recording import NOTHING_RECORDED, Recording, act_options
from sealauthz.service.responses import fill_decision, is_instant
from sealauthz_client.v1 import authorization_pb2, operations_pb2, operations_pb2_grpc

MAX_ARGUMENTS = 64
MAX_DEPTH = 4
"""Lists and records lie no deeper in one another."""


class Acts(Protocol):
    """What carries acts out and remembers them (`operations.Operations`)."""

    def perform(self, performance: Performance, options: RequestOptions) -> Performed:
        """Decide a question and, if it is allowed, carry the act out, in one transaction."""

    def operation(self, operation_id: str, options: RequestOptions) -> Operation | None:
        """Return an operation of this caller; None where there is none that the caller has a right to."""

    def progress(self, subject: Entity, resource: Entity, options: RequestOptions) -> Progress:
        """Return how far something is, for a subject who may look."""


class Bundles(Protocol):
    """What serves policies (`decision.PolicyDecisionPoint`)."""

    @property
    def bundle(self) -> Bundle:
        """The bundle that is served; it may be replaced at any time."""


PublicKeys = Callable[[], str]
"""Returns the keys that verify receipts, as the text of a JSON Web Key Set."""


def no_keys() -> str:
    """Return the key set of a service that signs nothing."""
    return '{"keys":[]}'


class OperationsServicer(operations_pb2_grpc.OperationsServiceServicer):
    """Carries acts out for callers with the right to each. `keys` verify the receipts."""

    def __init__(
        self,
        acts: Acts,
        bundles: Bundles,
        store_id: str,
        keys: PublicKeys = no_keys,
        meter: Meter | None = None,
        recording: Recording = NOTHING_RECORDED,
    ) -> None:
        self._measured = measuring(meter)
        self._recording = recording
        self._acts = acts
        self._bundles = bundles
        self._store_id = store_id
        self._keys = keys

    def Perform(self, request: operations_pb2.PerformRequest, call: Call) -> operations_pb2.PerformResponse:
        """Decide one question and, if it is allowed, carry the act out: all of it, or nothing."""
        began, caller = time.perf_counter_ns(), call.caller
        performance, language = performance_from(request), checked_language(request.language)
        question = performance.question
        note_question(call, self._bundles.bundle, question.action, question.resource.type)
        caller.check_performs(question.action, question.resource.type)
        performed = self._acts.perform(performance, act_options(call))
        decision, operation = performed.decision, performed.operation
        note_decision(call, decision)
        self._measured(decision)
        if bool(decision) != (operation is not None):
            raise EvaluationFailed("an allowed act must be performed, and no other")
        response = operations_pb2.PerformResponse(replayed=performed.is_replay)
        fill_decision(response.decision, decision, caller, self._store_id, language)
        if operation is not None:
            _note_operation(call, operation)
            call.noted["replayed"] = int(performed.is_replay)
            response.operation.CopyFrom(operation_message(operation, self._store_id))
        # What was performed now is recorded by the transaction that performed it.
        if operation is None:
            is_first = self._recording.is_first(self._bundles.bundle, (question.action, question.resource.type))
            self._recording.answered("Perform", call, decision, began, is_first=is_first)
        elif performed.is_replay:
            again = replace(decision, decision_id=new_id())
            self._recording.answered("Perform", call, again, began, again=operation.operation_id)
        return response

    def GetOperation(
        self, request: operations_pb2.GetOperationRequest, call: Call
    ) -> operations_pb2.GetOperationResponse:
        """Return what the same caller has performed."""
        violations = FieldViolations()
        violations.check_id("operation_id", request.operation_id)
        violations.refuse()
        caller = call.caller
        options = RequestOptions(may_see_of(caller), caller.name, deadline=Deadline(call.deadline))
        operation = self._acts.operation(request.operation_id, options)
        if operation is None:
            raise OperationUnknown("this caller has performed no operation of this id")
        _note_operation(call, operation)
        return operations_pb2.GetOperationResponse(operation=operation_message(operation, self._store_id))

    def GetProgress(self, request: operations_pb2.GetProgressRequest, call: Call) -> operations_pb2.GetProgressResponse:
        """Tell how far something is, to a subject who may look."""
        violations = FieldViolations()
        subject = entity_from(request.subject, "subject", violations)
        resource = entity_from(request.resource, "resource", violations)
        violations.refuse()
        language = checked_language(request.language)
        note_question(call, self._bundles.bundle, "", resource.type)
        caller = call.caller
        options = RequestOptions(may_see_of(caller), caller.name, deadline=Deadline(call.deadline))
        began = time.perf_counter_ns()
        found = self._acts.progress(subject, resource, options)
        self._recording.answered("GetProgress", call, [found.decision, *found.actions], began)
        response = operations_pb2.GetProgressResponse(stages=map(_stage_message, found.stages))
        fill_decision(response.decision, found.decision, caller, self._store_id, language)
        for decision in found.actions:
            part = response.actions.add(action=decision.question.action)
            fill_decision(part.decision, decision, caller, self._store_id, language)
        return response

    def GetKeys(self, _request: operations_pb2.GetKeysRequest, _call: Call) -> operations_pb2.GetKeysResponse:
        """Return the public keys that verify receipts."""
        return operations_pb2.GetKeysResponse(jwks=self._keys())


def _note_operation(call: Call, operation: Operation) -> None:
    call.noted["operation_id"] = operation.operation_id
    call.noted["revision"] = operation.revision


def performance_from(message: operations_pb2.PerformRequest) -> Performance:
    """Read what is to be performed. Raises InvalidRequest naming every malformed field, up to a limit."""
    violations = FieldViolations()
    question = read_question(message, "", violations)
    arguments = _named_values(message.arguments, "arguments", violations, MAX_DEPTH)
    violations.check_id("request_id", message.request_id)
    if len(message.assertion) > MAX_CHARACTERS:
        violations.add("assertion", f"must have at most {MAX_CHARACTERS:,} characters")
    violations.refuse()
    return Performance(
        question=question, request_id=message.request_id, arguments=arguments, assertion=message.assertion
    )


def _named_values(
    messages: Mapping[str, operations_pb2.ArgumentValue], path: str, violations: FieldViolations, depth: int
) -> dict[str, ArgumentValue]:
    """Read values by their names; `depth` says how many lists and records may lie in each."""
    violations.check_count(path, len(messages), MAX_ARGUMENTS)
    found: dict[str, ArgumentValue] = {}
    for name in sorted(messages):  # sorted: a map has no order on the wire
        if violations.is_full:
            break
        if is_id(name):
            found[name] = _argument_value(messages[name], f"{path}[{name}]", violations, depth)
        else:
            violations.add(path, "must have names of 1 to 128 printable characters")
    return found


def _argument_value(
    message: operations_pb2.ArgumentValue, path: str, violations: FieldViolations, depth: int
) -> ArgumentValue:
    which = message.WhichOneof("value")
    if which is None:
        violations.add(path, "must hold a value")
        return ""
    if which in ("list_value", "record_value") and depth == 0:
        violations.add(path, f"must not lie more than {MAX_DEPTH} lists and records deep")
        return ""
    if which == "record_value":
        return _named_values(message.record_value.values, path, violations, depth - 1)
    if which == "list_value":
        items = message.list_value.values
        violations.check_count(path, len(items), MAX_ITEMS)
        found: list[ArgumentValue] = []
        for number, item in enumerate(items):
            if violations.is_full:
                break
            found.append(_argument_value(item, f"{path}[{number}]", violations, depth - 1))
        return found
    if which == "time_value":
        return violations.instant(path, message.time_value)
    if which == "string_value":
        violations.check_text(path, message.string_value)
    value: ArgumentValue = getattr(message, which)
    return value


def operation_message(operation: Operation, store_id: str) -> operations_pb2.Operation:
    """Return an operation as a message."""
    message = operations_pb2.Operation(
        operation_id=operation.operation_id,
        caller=operation.caller,
        request_id=operation.request_id,
        subject=_entity_message(operation.subject),
        action=operation.action,
        resource=_entity_message(operation.resource),
        revision=revision_message(store_id, operation.timeline, operation.revision),
        performed_at=timestamp(operation.at),
        receipt=operation.receipt,
    )
    fill_values(message.values, operation.values)
    return message


def _stage_message(shown: ShownStage) -> operations_pb2.ProgressStage:
    stage = shown.stage
    message = operations_pb2.ProgressStage(code=stage.code, state=f"STAGE_STATE_{stage.state}")
    if stage.at:
        set_timestamp(message.at, stage.at)
    if stage.until:
        set_timestamp(message.until, stage.until)
    message.actors.extend(operations_pb2.ShownSubject(parts=actor) for actor in shown.actors)
    fill_values(message.values, stage.values)
    return message


def fill_values(messages: Any, values: Mapping[str, str | int | bool]) -> None:
    """Fill in what an operation or an event names."""
    for name, value in values.items():
        if isinstance(value, str):
            messages[name].string_value = value
        elif isinstance(value, bool):
            messages[name].bool_value = value
        elif is_instant(name):
            set_timestamp(messages[name].time_value, value)
        else:
            messages[name].int_value = value


def _entity_message(entity: Entity) -> authorization_pb2.Entity:
    return authorization_pb2.Entity(type=entity.type, id=entity.id)
