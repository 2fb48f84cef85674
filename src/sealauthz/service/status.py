"""Errors as gRPC statuses: one table, and nothing of an unexpected error but its incident id."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from sealauthz.runtime import errors
from sealauthz.service.fields import MAX_VIOLATIONS
from sealauthz_client.v1 import authorization_pb2

DOMAIN = "sealauthz.dev"
RETRY_AFTER_MS = 500

_MAX_MESSAGE_CHARACTERS = 200
_MAX_FIELD_CHARACTERS = 160
"""The details of an error travel in a trailer that holds 16 KiB."""


@dataclass(frozen=True, slots=True)
class Row:
    """How an error ends a call. `is_shown`: its message is for the caller; otherwise it is only in the log."""

    code: grpc.StatusCode
    reason: str
    is_shown: bool = True


TABLE: dict[type[errors.SealAuthzError], Row] = {
    errors.InvalidRequest: Row(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
    errors.CallerUnknown: Row(grpc.StatusCode.UNAUTHENTICATED, "CALLER_UNKNOWN"),
    errors.KeysUnavailable: Row(grpc.StatusCode.UNAVAILABLE, "KEYS_UNAVAILABLE"),
    errors.CallerNotPermitted: Row(grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED"),
    errors.AssertionNeeded: Row(grpc.StatusCode.PERMISSION_DENIED, "ASSERTION_NEEDED"),
    errors.OperationUnknown: Row(grpc.StatusCode.NOT_FOUND, "OPERATION_UNKNOWN"),
    errors.RecordUnknown: Row(grpc.StatusCode.NOT_FOUND, "RECORD_UNKNOWN"),
    errors.FactConflict: Row(grpc.StatusCode.ALREADY_EXISTS, "FACT_CONFLICT"),
    errors.InvariantBroken: Row(grpc.StatusCode.FAILED_PRECONDITION, "INVARIANT_BROKEN"),
    errors.ImportStopped: Row(grpc.StatusCode.FAILED_PRECONDITION, "IMPORT_STOPPED"),
    errors.ExtensionRefused: Row(grpc.StatusCode.UNAVAILABLE, "FACTS_UNAVAILABLE"),
    errors.FactsUnavailable: Row(grpc.StatusCode.UNAVAILABLE, "FACTS_UNAVAILABLE"),
    errors.HistoryLost: Row(grpc.StatusCode.UNAVAILABLE, "FACTS_UNAVAILABLE"),
    errors.RestoreIncomplete: Row(grpc.StatusCode.UNAVAILABLE, "RESTORE_INCOMPLETE"),
    errors.PoliciesUnavailable: Row(grpc.StatusCode.UNAVAILABLE, "POLICIES_UNAVAILABLE"),
    errors.PolicyUnknown: Row(grpc.StatusCode.NOT_FOUND, "POLICY_UNKNOWN"),
    errors.PolicyRefused: Row(grpc.StatusCode.FAILED_PRECONDITION, "POLICY_REFUSED"),
    errors.RevisionUnknown: Row(grpc.StatusCode.FAILED_PRECONDITION, "REVISION_UNKNOWN"),
    errors.RevisionGone: Row(grpc.StatusCode.ABORTED, "REVISION_GONE"),
    errors.PastUnknown: Row(grpc.StatusCode.FAILED_PRECONDITION, "NOT_CHECKABLE"),
    errors.ServiceBusy: Row(grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVICE_BUSY"),
    errors.TimeOver: Row(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_PASSED"),
    # None of these should reach a call; if one does, it is a bug.
    errors.EvaluationFailed: Row(grpc.StatusCode.INTERNAL, "INTERNAL", is_shown=False),
    errors.FactNotLoaded: Row(grpc.StatusCode.INTERNAL, "INTERNAL", is_shown=False),
    errors.BundleRefused: Row(grpc.StatusCode.INTERNAL, "INTERNAL", is_shown=False),
    errors.SuiteRefused: Row(grpc.StatusCode.INTERNAL, "INTERNAL", is_shown=False),
    errors.ConfigRefused: Row(grpc.StatusCode.INTERNAL, "INTERNAL", is_shown=False),
}
"""Every leaf of the error tree."""

_PASSING = (errors.FactsUnavailable, errors.KeysUnavailable, errors.PoliciesUnavailable, errors.ServiceBusy)
"""What may be otherwise soon."""

UNEXPECTED = Row(grpc.StatusCode.INTERNAL, "INTERNAL", is_shown=False)
DEADLINE_PASSED = TABLE[errors.TimeOver]
PRUNED = Row(grpc.StatusCode.OUT_OF_RANGE, "REVISION_PRUNED")


def row_of(error: BaseException) -> Row:
    """Return the row of an error; one outside of the table is unexpected."""
    if isinstance(error, errors.RevisionGone) and error.is_pruned:
        return PRUNED
    return next((TABLE[cls] for cls in type(error).__mro__ if cls in TABLE), UNEXPECTED)


@dataclass(frozen=True, slots=True)
class Failure:
    """How a call or an item of a batch ends without an answer. `incident` is empty unless the error is hidden."""

    code: grpc.StatusCode
    reason: str
    message: str
    incident: str = ""
    violations: tuple[errors.Violation, ...] = ()
    details: tuple[Message, ...] = ()

    def status(self) -> status_pb2.Status:
        """Return the status of a call, with its details."""
        status = status_pb2.Status(code=_number(self.code), message=self.message)
        for detail in self.details:
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        return status

    def item_status(self) -> authorization_pb2.ItemStatus:
        """Return the status of one item."""
        return authorization_pb2.ItemStatus(
            code=_number(self.code),
            message=self.message,
            reason=self.reason,
            field_violations=[
                authorization_pb2.FieldViolation(field=v.field, description=v.description) for v in self.violations
            ],
        )


def failure_of(error: BaseException) -> Failure:
    """Return how an error ends a call or an item. An unexpected one shows its incident id only."""
    row = row_of(error)
    if row.is_shown:
        return _failure(row, error)
    incident = uuid.uuid4().hex
    info = _info(row.reason, {"incident": incident})
    return Failure(row.code, row.reason, f"internal error; incident {incident}", incident, details=(info,))


def deadline_passed() -> Failure:
    """Return how a call ends whose deadline passed before its processing began."""
    message = "deadline exceeded before processing began"
    return Failure(DEADLINE_PASSED.code, DEADLINE_PASSED.reason, message, details=(_info(DEADLINE_PASSED.reason),))


def _failure(row: Row, error: BaseException) -> Failure:
    details: list[Message] = []
    metadata: dict[str, str] = {}
    violations: tuple[errors.Violation, ...] = ()
    message = str(error)
    if isinstance(error, errors.InvalidRequest):
        violations = tuple(_short(violation) for violation in error.violations[:MAX_VIOLATIONS])
        more = len(error.violations) - 1
        message = f"`{violations[0].field}` {violations[0].description}" + (f" (and {more} more)" if more else "")
        named = [{"field": violation.field, "description": violation.description} for violation in violations]
        details.append(error_details_pb2.BadRequest(field_violations=named))
    elif isinstance(error, errors.FactConflict | errors.InvariantBroken):
        metadata["invariant"] = error.invariant
        if isinstance(error, errors.InvariantBroken):
            broken = error_details_pb2.PreconditionFailure.Violation(
                type="INVARIANT", subject=error.invariant, description=_cut(message)
            )
            details.append(error_details_pb2.PreconditionFailure(violations=[broken]))
    elif isinstance(error, errors.ImportStopped):
        cause = failure_of(error.cause)
        violations = cause.violations
        metadata |= {"import_id": error.import_id, "parts": str(error.parts), "cause": cause.reason}
        if isinstance(error.cause, errors.FactConflict | errors.InvariantBroken):
            metadata["invariant"] = error.cause.invariant
        details += cause.details[1:]  # all but its own reason
    elif isinstance(error, errors.AssertionNeeded):
        metadata["digest"] = error.digest
    elif isinstance(error, errors.PolicyRefused):
        metadata["why"] = error.why
    elif isinstance(error, errors.PastUnknown):
        metadata["cause"] = error.cause
    elif isinstance(error, _PASSING):
        after_ms = RETRY_AFTER_MS
        if isinstance(error, errors.ServiceBusy):
            after_ms = math.ceil(error.retry_after_s * 1_000)
        delay = Duration()
        delay.FromMilliseconds(after_ms)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    details.insert(0, _info(row.reason, metadata))
    return Failure(row.code, row.reason, _cut(message), violations=violations, details=tuple(details))


def _info(reason: str, metadata: dict[str, str] | None = None) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata or {})


def _short(violation: errors.Violation) -> errors.Violation:
    return errors.Violation(_cut(violation.field, _MAX_FIELD_CHARACTERS), _cut(violation.description))


def _cut(text: str, most: int = _MAX_MESSAGE_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _number(code: grpc.StatusCode) -> int:
    number: int = code.value[0]
    return number
