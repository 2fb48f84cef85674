"""Errors as `application/problem+json` (RFC 9457), made of the status with which the same call ends over gRPC."""

from __future__ import annotations

import math
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2

from sealauthz.service.http.json_writer import encoded
from sealauthz.service.status import DOMAIN

MEDIA_TYPE = b"application/problem+json"

_CLIENT_CLOSED_REQUEST = 499
_UNEXPECTED: int = HTTPStatus.INTERNAL_SERVER_ERROR

_STATUSES: dict[int, int] = {
    code_pb2.CANCELLED: _CLIENT_CLOSED_REQUEST,
    code_pb2.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    code_pb2.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
    code_pb2.NOT_FOUND: HTTPStatus.NOT_FOUND,
    code_pb2.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    code_pb2.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    code_pb2.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    code_pb2.FAILED_PRECONDITION: HTTPStatus.BAD_REQUEST,
    code_pb2.ABORTED: HTTPStatus.CONFLICT,
    code_pb2.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    code_pb2.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    code_pb2.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    code_pb2.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
}
"""The status of each code, as google/rpc/code.proto has it; of every other code it is 500."""

Header = tuple[bytes, bytes]


class Problem(NamedTuple):
    """An answer that says why there is none."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


def status_of(error: Any) -> status_pb2.Status:
    """Return the whole status that grpcio is given for a failure: its details are in the trailing metadata."""
    for key, value in error.trailing_metadata or ():
        if key == "grpc-status-details-bin":
            return status_pb2.Status.FromString(value)
    return plain_status(error.code, error.details)


def plain_status(code: grpc.StatusCode, message: str, reason: str = "") -> status_pb2.Status:
    """Return a status with no other details than a reason."""
    number: int = code.value[0]
    status = status_pb2.Status(code=number, message=message)
    if reason:
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    return status


def problem(status: status_pb2.Status, http_status: int | None = None, more: Iterable[Header] = ()) -> Problem:
    """Return how a call that ends with this status is answered. `http_status` is for what only HTTP knows."""
    code = code_pb2.Code.Name(status.code) if status.code in code_pb2.Code.values() else "UNKNOWN"
    number = http_status or _STATUSES.get(status.code, _UNEXPECTED)
    content: dict[str, Any] = {"status": number, "code": code, "detail": status.message}
    headers = [(b"content-type", MEDIA_TYPE), *more]
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            content["reason"] = info.reason
            if info.metadata:
                content["metadata"] = dict(sorted(info.metadata.items()))
        elif detail.Unpack(bad):
            content["fieldViolations"] = [
                {"field": violation.field, "description": violation.description} for violation in bad.field_violations
            ]
        elif detail.Unpack(retry):
            after_s = retry.retry_delay.ToMilliseconds() / 1_000
            content["retryAfterSeconds"] = after_s
            headers.append((b"retry-after", str(math.ceil(after_s)).encode()))
    reason = content.get("reason", code)
    content = {"type": f"https://{DOMAIN}/errors/{reason}", "title": _title(reason), **content}
    if number == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Bearer realm="sealauthz"'))
    return Problem(number, tuple(headers), encoded(content))


def _title(reason: str) -> str:
    """Return a reason in words, the same each time."""
    return reason.replace("_", " ").capitalize()
