"""Measures what traces cost the thread that answers: without a collector, with calls left out, and with all kept.

    python benchmarks/tracing.py           half a minute
    python benchmarks/tracing.py --quick   a short run, which shows that it runs

A whole call on the thread that serves all of them, from its headers to its answer, but for the wire: who calls, the
question, the decision, the answer, its line in the log. The ways take turns within each round; a call without any of it
is the same code with what traces need taken out. Times are CPU time of the thread, as medians over the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console
from rich.table import Table

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle, PolicyDecisionPoint, system_clock
from sealauthz.decision.pdp import PolicyDecisionPoint as Pdp
from sealauthz.facts import FactCache
from sealauthz.model import MODEL
from sealauthz.observability.log import make_log
from sealauthz.observability.tracing.parents import parent_in
from sealauthz.observability.tracing.tracer import Tracer
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.runtime.background import ignored
from sealauthz.runtime.spans import Trace, span
from sealauthz.service import RPCS, Caller, Callers
from sealauthz.service.authorization import AuthorizationServicer
from sealauthz.service.handling import RequestLog
from sealauthz.service.interceptor import Interceptor
from sealauthz.service.pools import Pools
from sealauthz_client.v1 import authorization_pb2, authorization_pb2_grpc

MOST_US = 3.0
TOKEN = "t" * 40
HEADERS = (("user-agent", "grpc-python/1.85.1"), ("authorization", f"Bearer {TOKEN}"), ("x-request-id", "7"))
PARENT = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-")
PATH = "/sealauthz.v1.AuthorizationService/Authorize"


class Nowhere:
    """Takes traces, and does nothing with them."""

    def send(self, trace: Trace) -> None: ...

    def flush(self) -> int:
        return 0

    def close(self) -> None: ...


class Waiting:
    """A call as the thread that serves all of them has it."""

    may_wait = True  # else a question that takes long here would be sent to a pool

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self._metadata = metadata

    def time_remaining(self) -> float:
        return 10.0

    def is_active(self) -> bool:
        return True

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata

    def peer(self) -> str:
        return "ipv4:127.0.0.1:4711"


class _Handlers:
    """Takes the methods of a service from the generated code."""

    def __init__(self) -> None:
        self.of: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, _handlers: Any) -> None: ...

    def add_registered_method_handlers(self, _service: str, handlers: dict[str, Any]) -> None:
        self.of = handlers


def answering(pdp: PolicyDecisionPoint, tracer: Tracer | None, *headers: tuple[str, str]) -> Callable[[], object]:
    """Return what answers one call, whole."""
    log, handlers = make_log(io.StringIO()), _Handlers()
    rights = {"rpcs": frozenset(RPCS), "tenants": None, "read": {}, "write": {}, "performs": None}
    caller = Caller(MODEL, "shop", frozenset({hashlib.sha256(TOKEN.encode()).digest()}), **rights)  # type: ignore[arg-type]
    interceptor = Interceptor(Callers([caller]), log, Pools(8, 512, 16, 128, 256), tracer)
    servicer = AuthorizationServicer(pdp, "store", log)
    authorization_pb2_grpc.add_AuthorizationServiceServicer_to_server(servicer, handlers)  # type: ignore[no-untyped-call]
    method = interceptor.method(handlers.of["Authorize"], PATH)
    metadata = (*HEADERS, *headers)
    message = authorization_pb2.AuthorizeRequest(
        subject=authorization_pb2.Entity(type="Person", id="p-lin"),
        action="use",
        resource=authorization_pb2.Entity(type="Seal", id="seal-official"),
        context={"task": authorization_pb2.ContextValue(string_value="task-paper")},
    ).SerializeToString()

    def answer() -> object:
        request_log = interceptor.arrived(method, metadata)
        assert isinstance(request_log, RequestLog)
        return method.wrapped(message, Waiting(metadata), request_log)

    return answer


@contextlib.contextmanager
def without_traces() -> Iterator[None]:
    """Take out what traces need of a call."""

    def decide(self: Any, work: Any, consistency: Any = None, deadline: Any = None, **how: Any) -> Any:
        return self._fact_cache.answer(work, consistency, deadline, **how)

    def nothing(_self: Any, _request_log: Any, _metadata: Any) -> None: ...

    with mock.patch.object(Interceptor, "_trace", nothing), mock.patch.object(Pdp, "_answer", decide):
        yield


def timed(work: Callable[[], object], times: int) -> float:
    """Return how long one takes, in microseconds of CPU time of this thread."""
    began = time.thread_time_ns()
    for _ in range(times):
        work()
    return (time.thread_time_ns() - began) / times / 1_000


def alone(times: int) -> float:
    """Return what a call without a collector does for traces, and nothing else: the headers, and each span."""

    def work() -> None:
        parent_in(HEADERS)
        with span("decision"):
            pass
        with span("audit"):
            pass

    return timed(work, times) - timed(lambda: None, times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short run, which shows that it runs")
    quick = parser.parse_args().quick
    rounds, calls = (3, 200) if quick else (31, 1_500)
    with tempfile.TemporaryDirectory() as folder:
        assert Path(folder).is_dir()
        cache = FactCache.of_records(MODEL, opening_facts(system_clock()))
        pdp = PolicyDecisionPoint(cache, Bundle.load(MODEL, cache=bundle_cache()))
        tracers = [Tracer(Nowhere(), ratio, lambda *_: None, ignored, most=10**9) for ratio in (0.0, 1.0)]
        ways: dict[str, Callable[[], object]] = {
            "no traces at all": answering(pdp, None),
            "no collector": answering(pdp, None),
            "no collector, with a parent": answering(pdp, None, (PARENT[0], PARENT[1] + "01")),
            "collector, left out": answering(pdp, tracers[0]),
            "collector, kept": answering(pdp, tracers[1]),
        }
        took: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            for name, work in ways.items():
                with without_traces() if name == "no traces at all" else contextlib.nullcontext():
                    one = timed(work, calls)
                if number:
                    took[name].append(one)
            for tracer in tracers:
                tracer._ended.clear()
    base = took["no traces at all"]
    table = Table("a call", "CPU", "more than without", title="Authorize on the thread that serves all calls")
    for name, times in took.items():
        more = statistics.median(one - without for one, without in zip(times, base, strict=True))
        table.add_row(name, f"{statistics.median(times):.1f} µs", f"{more:+.2f} µs")
    Console().print(table)
    off = statistics.median(alone(20_000) for _ in range(9))
    print(f"what a call without a collector does for traces, by itself: {off:.2f} µs (at most {MOST_US:g})")
    if off > MOST_US:
        sys.exit(1)


if __name__ == "__main__":
    main()
