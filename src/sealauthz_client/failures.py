"""How a call ends without an answer, and what the service says about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc

from sealauthz_client.error_details import details_of


class CallFailed(Exception):
    """A call without an answer. `violations` holds the malformed fields, `metadata` what varies (`invariant` …).

    `retry_after_s`: the server wants to be left alone for so long. `request_id` is that of an act or a write which may
    have taken effect nevertheless, and the id of an import: the same call with it tells. It is empty for other calls.
    """

    request_id = ""

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: tuple[tuple[str, str], ...] = (),
        retry_after_s: float = 0.0,
    ) -> None:
        self.retry_after_s = retry_after_s
        self.code = code
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = violations
        super().__init__(f"{code.name}: {message}")


def call_failed(error: grpc.RpcError) -> CallFailed:
    """Read what a failed call says, with the details in its trailer."""
    call: Any = error
    found = details_of(call.trailing_metadata())
    message = call.details() or ""
    return CallFailed(call.code(), message, found.reason, found.metadata, found.violations, found.retry_after_s)
