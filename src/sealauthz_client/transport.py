"""The connection to a server: attempt after attempt until the timeout, and what a failed call says."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

import grpc
from google.protobuf.message import Message

from sealauthz_client.error_details import details_of
from sealauthz_client.v1 import (
    audit_pb2_grpc,
    authorization_pb2_grpc,
    events_pb2_grpc,
    facts_pb2_grpc,
    operations_pb2_grpc,
    policy_pb2_grpc,
)

Reply = TypeVar("Reply", bound=Message)

DEFAULT_TIMEOUT_S = 2.0
MAX_ATTEMPTS = 6
MAX_RECEIVE_BYTES = 32 * 1024 * 1024

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    # By default grpcio waits a second before it connects again: all our attempts would have failed by then. Its
    # `min_reconnect_backoff_ms` is not set: despite its name it is how long one attempt may take.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
RETRIED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
"""A draining server may cancel a few calls. Any call may be sent again: it only reads, or has an id of its own."""

_RESUMED = RETRIED | {grpc.StatusCode.RESOURCE_EXHAUSTED}
"""A watch also ends when the watcher lags behind, or when there are too many watchers."""


_BUSY = "SERVICE_BUSY"
"""The reason with which a server refuses a call that it did not begin: too many are under way."""


class CallFailed(Exception):
    """A call without an answer. `violations` holds the malformed fields, `metadata` what varies (`invariant` …).

    `retry_after_s`: the server wants to be left alone for so long. `request_id` is that of an act which may have been
    performed nevertheless: the same call with it tells. It is empty for other calls.
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


class Connection:
    """A connection to the service; `SealAuthzClient` has its calls."""

    def __init__(
        self,
        address: str,
        token: str,
        *,
        tls_roots: bytes | None = None,
        certificate: bytes | None = None,
        insecure: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        if insecure:
            if not _is_loopback(address):
                raise ValueError(f"plain text goes to loopback only, not to `{address}`")
            if certificate is not None:
                raise ValueError("a certificate is shown over TLS only")
            self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        else:
            credentials = grpc.ssl_channel_credentials(tls_roots, certificate, certificate)
            self._channel = grpc.secure_channel(address, credentials, options=_OPTIONS)
        self._is_closed = False
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._timeout_s = timeout_s
        self._audit: Any = audit_pb2_grpc.AuditServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._authorization: Any = authorization_pb2_grpc.AuthorizationServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._events: Any = events_pb2_grpc.EventsServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._operations: Any = operations_pb2_grpc.OperationsServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._policies: Any = policy_pb2_grpc.PolicyServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._facts: Any = facts_pb2_grpc.FactsServiceStub(self._channel)  # type: ignore[no-untyped-call]

    @property
    def channel(self) -> grpc.Channel:
        """The channel, for services that are not ours, such as health."""
        return self._channel

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._is_closed = True
        self._channel.close()

    def _call(
        self,
        method: Callable[..., Reply],
        request: Message | Sequence[Message],
        timeout_s: float | None,
        max_attempts: float = MAX_ATTEMPTS,
    ) -> Reply:
        """Call with a message or a stream of them, and call again what may be called again, until the timeout."""
        deadline = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        pause_s = FIRST_PAUSE_S
        for attempt in itertools.count(1):
            try:
                sent = request if isinstance(request, Message) else iter(request)
                return method(sent, timeout=max(deadline - time.monotonic(), 0.001), metadata=self._metadata)
            except grpc.RpcError as error:
                failed = call_failed(error)
                wait_s = random.uniform(pause_s / 2, pause_s)  # noqa: S311 (spreads the retries; nothing depends on it)
                if failed.reason == _BUSY:
                    wait_s += failed.retry_after_s
                is_last = attempt >= max_attempts or time.monotonic() + wait_s >= deadline
                if (failed.code not in RETRIED and failed.reason != _BUSY) or is_last:
                    raise failed from error
            time.sleep(wait_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        raise AssertionError("the last attempt returns or raises")

    def _resumed(
        self, method: Callable[..., Any], request: Any, on_outage: Callable[[CallFailed], None] | None
    ) -> Iterator[Any]:
        """Yield the messages of a watch, which goes on after an outage, a restart of the server or a lag.

        Who takes a message puts into the request behind what to go on. Ends when the connection is closed. Raises
        CallFailed for what does not pass by itself.
        """
        is_out = False
        pause_s = FIRST_PAUSE_S
        while not self._is_closed:
            stream = method(request, metadata=self._metadata)
            try:
                for message in stream:
                    pause_s, is_out = FIRST_PAUSE_S, False
                    yield message
            except grpc.RpcError as error:
                failed = call_failed(error)
                # A message that is too large would be too large again.
                if not self._is_closed and (failed.code not in _RESUMED or "larger than" in failed.message):
                    raise failed from error
                if failed.code == grpc.StatusCode.UNAVAILABLE and not is_out and not self._is_closed:
                    is_out = True
                    if on_outage is not None:
                        on_outage(failed)
            finally:
                stream.cancel()
            time.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311 (spreads the watchers)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _is_loopback(address: str) -> bool:
    host, _, _ = address.rpartition(":")
    return host in ("localhost", "[::1]") or (host.startswith("127.") and host.replace(".", "").isdecimal())


def call_failed(error: grpc.RpcError) -> CallFailed:
    """Read what a failed call says, with the details in its trailer."""
    call: Any = error
    found = details_of(call.trailing_metadata())
    message = call.details() or ""
    return CallFailed(call.code(), message, found.reason, found.metadata, found.violations, found.retry_after_s)
