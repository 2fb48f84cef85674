"""A collector that takes traces over OTLP, on loopback: it takes them, refuses them, or never answers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """What was sent, span by span; while it is not `open`, whoever sends waits."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.code = grpc.StatusCode.OK
        self.spans: queue.Queue[Span] = queue.Queue()
        self.resources: list[dict[str, str]] = []
        self.address = ""

    def Export(self, request: Any, context: Any) -> Any:
        self.reached.set()
        self.open.wait(60)
        if self.code is not grpc.StatusCode.OK:
            context.abort(self.code, "not now")
        for group in request.resource_spans:
            self.resources.append({each.key: each.value.string_value for each in group.resource.attributes})
            for scope in group.scope_spans:
                for span in scope.spans:
                    self.spans.put(span)
        return trace_service_pb2.ExportTraceServiceResponse()

    def trace(self) -> dict[str, Span]:
        """The next call that was sent, with its parts by their names."""
        call = self.spans.get(timeout=20)
        assert call.kind == Span.SPAN_KIND_SERVER
        parts = {"call": call}
        while not self.spans.empty() and self.spans.queue[0].kind == Span.SPAN_KIND_INTERNAL:
            part = self.spans.get()
            parts.setdefault(part.name, part)
        return parts


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """A collector that listens on loopback."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    collector.address = f"http://127.0.0.1:{bound}"
    try:
        yield collector
    finally:
        collector.open.set()
        server.stop(0).wait()


def said(span: Span) -> dict[str, Any]:
    """The attributes of a span."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}
