"""Traces as OpenTelemetry's protocol has them, sent over gRPC: the one module that imports its libraries.

They come with `pip install 'sealauthz[traces]'`.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path

import grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from sealauthz import __version__
from sealauthz.observability.tracing.tracer import CollectorFailed
from sealauthz.runtime.spans import Trace

TIMEOUT_S = 5.0
"""How long a collector may take to accept a message, with what is tried again."""

_SAID = {
    "caller": "sealauthz.caller",
    "action": "sealauthz.action",
    "resource_type": "sealauthz.resource_type",
    "subject": "sealauthz.subject",
    "resource": "sealauthz.resource",
    "effect": "sealauthz.effect",
    "reasons": "sealauthz.reasons",
    "reason": "sealauthz.error",
    "decision_id": "sealauthz.decision_id",
    "operation_id": "sealauthz.operation_id",
    "revision": "sealauthz.revision",
    "policy": "sealauthz.policy",
    "items": "sealauthz.items",
    "incident": "sealauthz.incident",
}
"""What of the line in the log a span says, and how it is called there. INVARIANT: ids and words of ours only."""

_FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""Statuses that are the server's fault, as OpenTelemetry's conventions for gRPC have it."""

_CODES = {code.name: code.value[0] for code in grpc.StatusCode}
_EXPORTERS_LOG = "opentelemetry.exporter.otlp.proto.grpc.exporter"


class OtlpExporter:
    """Sends traces to a collector: `http://host:port` in plain text, `https://host:port` over TLS, where `ca` is the
    authority of its certificate, if not one of this machine's.
    """

    def __init__(self, endpoint: str, ca: bytes | None = None, timeout_s: float = TIMEOUT_S) -> None:
        credentials = None if ca is None else grpc.ssl_channel_credentials(ca)
        self._exporter = OTLPSpanExporter(endpoint, credentials=credentials, timeout=timeout_s)
        self._heard = _Heard()
        log = logging.getLogger(_EXPORTERS_LOG)
        # It says nothing a second time within twenty seconds.
        log.handlers[:], log.filters[:], log.propagate = [self._heard], [], False
        self._resource = Resource.create(
            {
                "service.name": os.environ.get("OTEL_SERVICE_NAME", "sealauthz"),
                "service.version": __version__,
                "service.instance.id": os.urandom(16).hex(),
            }
        )
        self._scope = InstrumentationScope("sealauthz", __version__)
        self._spans: list[ReadableSpan] = []

    def send(self, trace: Trace) -> None:
        """Write a trace into the next message."""
        trace_id, state = int(trace.trace_id, 16), TraceState.from_header([trace.state])

        def context(span_id: int, *, is_remote: bool = False) -> SpanContext:
            return SpanContext(trace_id, span_id, is_remote, TraceFlags(TraceFlags.SAMPLED), state)

        of_call = context(_new_id())
        parent = context(int(trace.parent_id, 16), is_remote=True) if trace.parent_id else None
        code = Status(StatusCode.ERROR) if trace.code in _FAULTS else Status()
        self._add(
            trace.name, of_call, parent, trace.began_at, trace.ended_at, code, SpanKind.SERVER, _attributes(trace)
        )
        contexts = [context(_new_id()) for _ in trace.spans]
        for own, part in zip(contexts, trace.spans, strict=True):
            if part is not None:
                within = of_call if part.parent < 0 else contexts[part.parent]
                status = Status(StatusCode.ERROR) if part.has_failed else Status()
                self._add(part.name, own, within, part.began_at, part.ended_at, status, SpanKind.INTERNAL, {})

    def flush(self) -> int:
        """Send the message, and return how many spans it has. Raises CollectorFailed."""
        spans, self._spans = self._spans, []
        if self._exporter.export(spans) is not SpanExportResult.SUCCESS:
            raise CollectorFailed(self._heard.last or "the collector did not take them")
        return len(spans)

    def close(self) -> None:
        """Send nothing more, and end what is under way."""
        self._exporter.shutdown(0)

    def _add(
        self,
        name: str,
        own: SpanContext,
        parent: SpanContext | None,
        began_at: int,
        ended_at: int,
        status: Status,
        kind: SpanKind,
        attributes: Mapping[str, str | int | list[str]],
    ) -> None:
        self._spans.append(
            ReadableSpan(
                name,
                own,
                parent,
                self._resource,
                attributes,
                kind=kind,
                status=status,
                start_time=began_at,
                end_time=ended_at,
                instrumentation_scope=self._scope,
            )
        )


def answers(endpoint: str, ca: bytes | None = None, timeout_s: float = TIMEOUT_S) -> float:
    """Send a collector nothing, and return how many seconds that took. Raises CollectorFailed."""
    began, exporter = time.monotonic(), OtlpExporter(endpoint, ca, timeout_s)
    try:
        exporter.flush()
    finally:
        exporter.close()
    return time.monotonic() - began


def read_ca(file: Path | None) -> bytes | None:
    """Read the file of an authority."""
    return None if file is None else file.read_bytes()


class _Heard(logging.Handler):
    """Keeps what the library said last of what went wrong; the tracer says it, once."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what is said."""
        self.last = record.getMessage()[:300]


def _new_id() -> int:
    return int.from_bytes(os.urandom(8)) or 1


def _attributes(trace: Trace) -> dict[str, str | int | list[str]]:
    service, _, method = trace.name.partition("/")
    said: dict[str, str | int | list[str]] = {
        "rpc.system": "grpc",
        "rpc.service": service,
        "rpc.method": method,
        "rpc.grpc.status_code": _CODES.get(trace.code, _CODES["UNKNOWN"]),
    }
    for field, name in _SAID.items():
        value = trace.fields.get(field)
        if isinstance(value, str | int | list):
            said[name] = value
    if trace.left_out:
        said["sealauthz.parts_left_out"] = trace.left_out
    return said
