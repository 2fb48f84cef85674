"""Calls as tests make them: what a call returns, or how it fails with all details."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from sealauthz_client.v1 import authorization_pb2

TOKEN = "t" * 40


@dataclass
class Refusal:
    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    violations: dict[str, str] = field(default_factory=dict)
    invariants: list[str] = field(default_factory=list)
    retry_ms: int = 0
    everything: str = ""


def ask(method: Any, request: Any, token: str | None = TOKEN, timeout: float = 10) -> Any:
    """Call with a bearer token, or with none."""
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)
    return method(request, metadata=metadata, timeout=timeout)


def refused(method: Any, request: Any, token: str | None = TOKEN) -> Refusal:
    """Call, and return how the call failed."""
    with pytest.raises(grpc.RpcError) as caught:
        ask(method, request, token)
    return refusal_of(caught.value)


def refusal_of(error: Any) -> Refusal:
    refusal = Refusal(error.code(), error.details())
    status = rpc_status.from_call(error)
    assert status is not None, "every error has details"
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        failed, retry = error_details_pb2.PreconditionFailure(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            refusal.reason, refusal.domain, refusal.metadata = info.reason, info.domain, dict(info.metadata)
        elif detail.Unpack(bad):
            refusal.violations = {v.field: v.description for v in bad.field_violations}
        elif detail.Unpack(failed):
            refusal.invariants = [v.subject for v in failed.violations]
        elif detail.Unpack(retry):
            refusal.retry_ms = retry.retry_delay.ToMilliseconds()
    refusal.everything = f"{error!s}{error.trailing_metadata()}{status}"
    return refusal


def entity(text: str) -> authorization_pb2.Entity:
    record_type, _, record_id = text.partition(":")
    return authorization_pb2.Entity(type=record_type, id=record_id)


def use(seal: str = "Seal:S1", person: str = "Person:P1", action: str = "use", **context: str) -> Any:
    """The question whether a person may use a seal."""
    return authorization_pb2.AuthorizeRequest(
        subject=entity(person),
        action=action,
        resource=entity(seal),
        context={key: authorization_pb2.ContextValue(string_value=value) for key, value in context.items()},
    )


def question(seal: str = "Seal:S1", person: str = "Person:P1", action: str = "use") -> Any:
    return authorization_pb2.Question(subject=entity(person), action=action, resource=entity(seal))
