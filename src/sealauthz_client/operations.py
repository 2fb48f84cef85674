"""The calls that act: perform, what was performed, and the keys that verify receipts."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sealauthz_client import answers, messages
from sealauthz_client.calls import Call, Repeats, Rpc
from sealauthz_client.messages import ContextValue
from sealauthz_client.requests import build
from sealauthz_client.v1 import authorization_pb2, operations_pb2

ArgumentValue = str | int | bool | datetime.datetime | Sequence["ArgumentValue"] | Mapping[str, "ArgumentValue"]
"""An argument of an act, or a part of one: a value, several of one form, or several under their names."""


_PERFORM = Rpc(operations_pb2.PerformRequest, operations_pb2.PerformResponse, Repeats.TAKES_EFFECT_ONCE)
_GET_OPERATION = Rpc(operations_pb2.GetOperationRequest, operations_pb2.GetOperationResponse, Repeats.READS)
_GET_PROGRESS = Rpc(operations_pb2.GetProgressRequest, operations_pb2.GetProgressResponse, Repeats.READS)
_GET_KEYS = Rpc(operations_pb2.GetKeysRequest, operations_pb2.GetKeysResponse, Repeats.READS)


def perform(
    subject: str,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue] | None = None,
    arguments: Mapping[str, ArgumentValue] | None = None,
    *,
    request_id: str = "",
    assertion: str = "",
    language: str = "",
    timeout_s: float | None = None,
) -> Call[answers.Performed]:
    """Have an act performed, once, if it is allowed. `subject` and `resource` are `Type:id`.

    `request_id` is the caller's own id of the act; without one it gets a fresh one. Attempt after attempt uses the
    same. `assertion` is the person's own, signed for this very request (`assertions`), where the act needs
    one. Raises CallFailed; where the act may have been performed nevertheless, ask again with its `request_id`.
    Raises ValueError for a time without a time zone, and for an assertion without the id of its request.
    """
    if assertion and not request_id:
        raise ValueError("an assertion is of one request: give its `request_id` too")
    request = build(
        operations_pb2.PerformRequest,
        subject=subject,
        action=action,
        resource=resource,
        context=context,
        arguments=arguments,
        request_id=str(uuid.uuid4()) if request_id == "" else request_id,
        assertion=assertion,
        language=language,
    )

    def read(reply: operations_pb2.PerformResponse) -> answers.Performed:
        return answers.Performed(
            decision=messages.decision_from(reply.decision),
            operation=_operation_from(reply.operation) if reply.HasField("operation") else None,
            request_id=request.request_id,
            is_replay=reply.replayed,
        )

    return _PERFORM.call(request, read, timeout_s, request_id=request.request_id)


def operation(operation_id: str, *, timeout_s: float | None = None) -> Call[answers.Operation]:
    """Return what this caller has performed. Raises CallFailed (NOT_FOUND) for what is none of its operations."""
    request = build(operations_pb2.GetOperationRequest, operation_id=operation_id)
    return _GET_OPERATION.call(request, lambda reply: _operation_from(reply.operation), timeout_s)


def progress(
    subject: str, resource: str, *, language: str = "", timeout_s: float | None = None
) -> Call[answers.Progress]:
    """Return how far something is, and what the subject can do. Falsy for a subject who may not look.

    Raises CallFailed.
    """
    request = build(operations_pb2.GetProgressRequest, subject=subject, resource=resource, language=language)
    return _GET_PROGRESS.call(
        request,
        lambda reply: answers.Progress(
            decision=messages.decision_from(reply.decision),
            stages=tuple(map(_stage_from, reply.stages)),
            actions={part.action: messages.decision_from(part.decision) for part in reply.actions},
        ),
        timeout_s,
    )


def keys(*, timeout_s: float | None = None) -> Call[Mapping[str, Any]]:
    """Return the public keys that verify receipts, as `receipts.verify` takes them: a JSON Web Key Set."""
    return _GET_KEYS.call(operations_pb2.GetKeysRequest(), lambda reply: json.loads(reply.jwks), timeout_s)


def _stage_from(message: operations_pb2.ProgressStage) -> answers.Stage:
    state = operations_pb2.ProgressStage.StageState.Name(message.state).removeprefix("STAGE_STATE_")
    return answers.Stage(
        code=message.code,
        state=state,
        at=messages.moment_from(message.at) if message.HasField("at") else None,
        until=messages.moment_from(message.until) if message.HasField("until") else None,
        actors=tuple(dict(actor.parts) for actor in message.actors),
        values=named_values(message.values),
    )


def _operation_from(message: operations_pb2.Operation) -> answers.Operation:
    return answers.Operation(
        operation_id=message.operation_id,
        caller=message.caller,
        request_id=message.request_id,
        subject=_reference(message.subject),
        action=message.action,
        resource=_reference(message.resource),
        revision=message.revision.number,
        revision_token=message.revision.token,
        performed_at=messages.moment_from(message.performed_at),
        values=named_values(message.values),
        receipt=message.receipt,
    )


def _reference(message: authorization_pb2.Entity) -> str:
    return f"{message.type}:{message.id}"


def named_values(values: Mapping[str, operations_pb2.NamedValue]) -> dict[str, answers.NamedValue]:
    """Return what an operation, a stage or an event names."""
    return {name: _named_value(values[name]) for name in sorted(values)}


def _named_value(message: operations_pb2.NamedValue) -> answers.NamedValue:
    which: str = message.WhichOneof("value") or "string_value"
    value: Any = getattr(message, which)
    return messages.moment_from(value) if which == "time_value" else value
