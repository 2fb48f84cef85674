"""Traces of real calls, at a real collector: which are kept, what they say, and that no answer depends on them."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from tiny.model import TINY, facts
from tracing.collectors import Collector, collecting, said

from sealauthz.audit.log import Log, Wanted
from sealauthz.audit.recorder import Recorder
from sealauthz.audit.sequencer import Sequencer
from sealauthz.cli.measuring import traced
from sealauthz.config import TracesSection
from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.facts import Batch, FactCache, Put, Store, upgrade
from sealauthz.observability.log import make_log
from sealauthz.observability.tracing.otlp import OtlpExporter, answers
from sealauthz.observability.tracing.tracer import MOST_WAITING, CollectorFailed, Tracer
from sealauthz.operations import Operations
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build
from sealauthz_client.v1 import (
    authorization_pb2,
    authorization_pb2_grpc,
    facts_pb2,
    facts_pb2_grpc,
    operations_pb2,
    operations_pb2_grpc,
    records_pb2,
)

TOKEN = "t" * 40
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
KEPT, LEFT = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"


class Reports:
    """What was reported."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, event: str, numbers: Mapping[str, object], error: BaseException | None) -> None:
        self.said.append(event)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The policies of the tiny model, by which it must be in the log first who may archive."""
    folder = tmp_path_factory.mktemp("policies") / "policies"
    shutil.copytree(TINY.policies or Path(), folder)
    with (folder / "documents.polar").open("a") as file:
        file.write('\naudited("archive", _: Document);\n')
    return Bundle.load(TINY, folder)


class Served:
    """A service of the tiny model: its stubs, its log, and what is recorded."""

    def __init__(self, channel: grpc.Channel, log: io.StringIO, store: Store, sequencer: Sequencer) -> None:
        self.authorization = authorization_pb2_grpc.AuthorizationServiceStub(channel)  # type: ignore[no-untyped-call]
        self.facts = facts_pb2_grpc.FactsServiceStub(channel)  # type: ignore[no-untyped-call]
        self.operations = operations_pb2_grpc.OperationsServiceStub(channel)  # type: ignore[no-untyped-call]
        self._log = log
        self._store = store
        self._sequencer = sequencer

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines() if '"call"' in line]

    def _page(self) -> Sequence[Any]:
        return Log(self._store).page(Wanted(), "Team").entries

    def recorded(self, count: int) -> list[str]:
        """The traces that as many records name, once they are there."""
        found: list[str] = []

        def are_there() -> bool:
            self._sequencer.drain()
            found[:] = [entry.content.get("trace_id", "") for entry in Log(self._store).page(Wanted(), "Team").entries][
                ::-1
            ]
            return len(found) == count

        wait_for(are_there)
        return found


Serve = Callable[..., Served]


@pytest.fixture
def serve(bundle: Bundle, tmp_path: Path) -> Iterator[Serve]:
    """Start a service that sends what is kept of its calls to a collector."""
    with ExitStack() as stack:

        def start(tracer: Tracer | None) -> Served:
            url, log = f"sqlite:///{tmp_path / 'tiny.db'}", io.StringIO()
            upgrade(url, TINY)
            store = Store.open(url, TINY)
            stack.callback(store.close)
            store.write(Batch("test", "facts", tuple(map(Put, facts()))))
            cache = FactCache(store)
            recorder = Recorder(store, cache, Reports(), ignored)
            recorder.start()
            stack.callback(recorder.stop)
            pdp = PolicyDecisionPoint(cache, bundle)
            fields = {name: frozenset(c.name for c in shape.columns) for name, shape in TINY.shapes.items()}
            rights: dict[str, Any] = {"rpcs": frozenset(RPCS), "tenants": None, "read": fields, "write": fields}
            known = Caller(TINY, "demo", frozenset({hashlib.sha256(TOKEN.encode()).digest()}), performs=None, **rights)
            server = build(
                ServerSettings("127.0.0.1:0", is_insecure=True),
                Callers([known]),
                store,
                pdp,
                Operations(store, pdp),
                make_log(log),
                cache.signal,
                cache.permits,
                recorder=recorder,
                tracer=tracer,
            )
            server.start()
            stack.callback(server.stop, 0)
            channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{server.port}"))
            return Served(channel, log, store, Sequencer(store, "tiny"))

        yield start


@contextmanager
def tracing(address: str, ratio: float = 0.0, timeout_s: float = 20.0, **how: Any) -> Iterator[Tracer]:
    """Keep traces, of calls without a parent this share."""
    tracer = Tracer(OtlpExporter(address, timeout_s=timeout_s), ratio, how.pop("report", Reports()), ignored, **how)
    tracer.start()
    try:
        yield tracer
    finally:
        tracer.stop()


def sent(*headers: str, token: str = TOKEN) -> Sequence[tuple[str, str]]:
    more = [("traceparent", each) for each in headers]
    return (("authorization", f"Bearer {token}"), *more, ("tracestate", "shop=7"))


def read(who: str = "ann", document: str = "d1", action: str = "read") -> authorization_pb2.AuthorizeRequest:
    return authorization_pb2.AuthorizeRequest(
        subject=authorization_pb2.Entity(type="User", id=who),
        action=action,
        resource=authorization_pb2.Entity(type="Document", id=document),
    )


def within(part: Any, whole: Any) -> bool:
    return bool(
        part.parent_span_id == whole.span_id
        and part.trace_id == whole.trace_id
        and whole.start_time_unix_nano <= part.start_time_unix_nano
        and part.start_time_unix_nano <= part.end_time_unix_nano <= whole.end_time_unix_nano
    )


# --- what a trace says ------------------------------------------------------------------------------------------------


def test_a_call_is_a_span_with_its_parts(serve: Serve, collector: Collector) -> None:
    with tracing(collector.address) as tracer:
        served = serve(tracer)
        for _ in range(2):
            answer = served.authorization.Authorize(read(), metadata=sent(KEPT), timeout=10).decision
        first, second = collector.trace(), collector.trace()
    call = first["call"]
    assert (call.trace_id.hex(), call.parent_span_id.hex(), call.trace_state) == (TRACE, SPAN, "shop=7")
    assert call.name == "sealauthz.v1.AuthorizationService/Authorize"
    # What is not in memory is loaded, on a thread of a pool; what is there is decided when its caller has its turn.
    assert set(first) == {"call", "wait", "decision", "load"}
    assert set(second) == {"call", "wait", "decision"}
    assert within(first["wait"], call)
    assert within(first["decision"], call)
    assert within(first["load"], first["decision"])
    told = said(second["call"])
    assert told["sealauthz.decision_id"] == answer.decision_id
    assert (told["sealauthz.subject"], told["sealauthz.resource"]) == ("User:ann", "Document:d1")
    assert (told["sealauthz.effect"], told["sealauthz.caller"]) == ("ALLOW", "demo")
    assert (told["rpc.method"], told["rpc.grpc.status_code"]) == ("Authorize", 0)
    assert collector.resources[-1]["service.name"] == "sealauthz"
    # It holds no text of a person, and no token.
    whole = " ".join(map(str, (*first.values(), *second.values())))
    assert "example.org" not in whole
    assert TOKEN not in whole
    assert [line["trace_id"] for line in served.lines] == [TRACE, TRACE]
    assert served.recorded(2) == [TRACE, TRACE]


def test_what_is_written_and_recorded_first_is_a_part(serve: Serve, collector: Collector) -> None:
    with tracing(collector.address, ratio=1.0) as tracer:
        served = serve(tracer)
        value = records_pb2.GenericRecord(type="User", id="dan", values={"mail": {"string_value": "dan@example.org"}})
        change = facts_pb2.FactChange(put=records_pb2.Fact(generic=value))
        write = facts_pb2.WriteFactsRequest(request_id="w1", changes=[change])
        served.facts.WriteFacts(write, metadata=sent(), timeout=10)
        served.authorization.Authorize(read(action="archive"), metadata=sent(), timeout=10)
        act = operations_pb2.PerformRequest(request_id="r1", subject=read().subject, action="archive")
        act.resource.CopyFrom(read().resource)
        assert served.operations.Perform(act, metadata=sent(), timeout=10).HasField("operation")
        written, recorded, performed = collector.trace(), collector.trace(), collector.trace()
    assert set(written) == {"call", "wait", "write"}
    assert within(written["write"], written["call"])
    assert "example.org" not in " ".join(map(str, written.values()))
    assert {"decision", "audit"} <= set(recorded)
    assert within(recorded["audit"], recorded["call"])
    assert {"decision", "write"} <= set(performed)
    # The trace of each is of its own, and is the one that the log and the record name.
    ids = [each["call"].trace_id.hex() for each in (written, recorded, performed)]
    assert len(set(ids)) == 3
    assert [line["trace_id"] for line in served.lines] == ids
    assert served.recorded(2) == ids[1:]


def test_what_goes_wrong_is_said(serve: Serve, collector: Collector) -> None:
    with tracing(collector.address) as tracer:
        served = serve(tracer)
        with pytest.raises(grpc.RpcError):
            served.authorization.Authorize(read(who=""), metadata=sent(KEPT), timeout=10)
        wrong = collector.trace()["call"]
    assert said(wrong)["rpc.grpc.status_code"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert wrong.status.code == Status.STATUS_CODE_UNSET  # the fault of the caller, and none of ours


# --- which are kept ---------------------------------------------------------------------------------------------------


def test_the_parent_says_whether_a_call_is_kept_and_else_the_ratio(serve: Serve, collector: Collector) -> None:
    with tracing(collector.address, ratio=1.0) as tracer:
        served = serve(tracer)
        for headers in ((LEFT,), (), (f"{KEPT}-more",), ("rubbish",)):
            served.authorization.Authorize(read(), metadata=sent(*headers), timeout=10)
        kept = [collector.trace()["call"] for _ in range(3)]
    left, *ids = [line["trace_id"] for line in served.lines]
    assert left == TRACE
    assert [each.trace_id.hex() for each in kept] == ids
    assert TRACE not in ids
    assert {each.parent_span_id for each in kept} == {b""}
    assert (tracer.sent, tracer.lost) == (3, 0)


def test_of_calls_without_a_parent_the_share_is_kept() -> None:
    class Nothing:
        def send(self, trace: Any) -> None: ...
        def flush(self) -> int:
            return 0

        def close(self) -> None: ...

    def share(ratio: float) -> int:
        tracer = Tracer(Nothing(), ratio, Reports(), ignored)
        return sum(tracer.begin("s/m", None)[1] is not None for _ in range(4_000))

    assert (share(0.0), share(1.0)) == (0, 4_000)
    assert 800 < share(0.25) < 1_200


def test_of_a_caller_that_nobody_knows_nothing_is_kept(serve: Serve, collector: Collector) -> None:
    with tracing(collector.address, ratio=1.0) as tracer:
        served = serve(tracer)
        with pytest.raises(grpc.RpcError):
            served.authorization.Authorize(read(), metadata=sent(KEPT, token="x" * 40), timeout=10)
        served.authorization.Authorize(read(), metadata=sent(KEPT), timeout=10)
        assert said(collector.trace()["call"])["rpc.grpc.status_code"] == 0
    assert tracer.sent == 1


def test_without_a_collector_the_trace_is_named_all_the_same(serve: Serve) -> None:
    served = serve(None)
    for headers in ((KEPT,), ()):
        served.authorization.Authorize(read(), metadata=sent(*headers), timeout=10)
    assert [line.get("trace_id") for line in served.lines] == [TRACE, None]
    assert served.recorded(2) == [TRACE, ""]


# --- collectors that fail ---------------------------------------------------------------------------------------------


def test_nothing_waits_for_a_collector_that_hangs(serve: Serve) -> None:
    with collecting() as collector:
        collector.open.clear()
        with tracing(collector.address, ratio=1.0, most=50) as tracer:
            served = serve(tracer)
            served.authorization.Authorize(read(), metadata=sent(), timeout=10)
            assert collector.reached.wait(20)
            began = time.monotonic()
            for _ in range(200):
                assert served.authorization.Authorize(read(), metadata=sent(), timeout=2).decision.effect == 1
            took_s = time.monotonic() - began
            assert tracer.waiting == 50
            assert tracer.lost >= 150
            began = time.monotonic()
        assert time.monotonic() - began < 10  # a service that stops does not wait for it either
    assert took_s < 10


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED])
def test_a_collector_that_refuses_is_reported_once_and_tried_again(serve: Serve, code: grpc.StatusCode) -> None:
    reports = Reports()
    with collecting() as collector:
        collector.code = code
        with tracing(collector.address, ratio=1.0, timeout_s=0.3, report=reports) as tracer:
            served = serve(tracer)
            for lost in (1, 2):
                served.authorization.Authorize(read(), metadata=sent(), timeout=10)
                wait_for(lambda lost=lost: tracer.lost == lost)  # type: ignore[misc]
            assert reports.said == ["traces_unsent"]
            collector.code = grpc.StatusCode.OK
            served.authorization.Authorize(read(), metadata=sent(), timeout=10)
            collector.trace()
            wait_for(lambda: tracer.sent == 1)
    assert reports.said == ["traces_unsent", "traces_sent_again"]


def test_a_collector_that_is_not_there_costs_no_answer(serve: Serve) -> None:
    with collecting() as collector:
        address = collector.address
    with tracing(address, ratio=1.0, timeout_s=0.2) as tracer:
        served = serve(tracer)
        assert served.authorization.Authorize(read(), metadata=sent(), timeout=10).decision.effect == 1
        wait_for(lambda: tracer.lost == 1)
    with pytest.raises(CollectorFailed, match="UNAVAILABLE"):
        answers(address, timeout_s=0.2)


def test_what_waits_is_sent_when_the_service_stops(collector: Collector) -> None:
    tracer = Tracer(OtlpExporter(collector.address), 1.0, Reports(), ignored)
    for number in range(130):
        trace = tracer.begin(f"service/{number}", None)[1]
        assert trace is not None
        trace.end("OK", {})
    tracer.start()
    tracer.stop()
    assert tracer.sent == 130
    assert [collector.trace()["call"].name for _ in range(130)] == [f"service/{number}" for number in range(130)]
    assert MOST_WAITING > 130


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until something holds that another thread does."""
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


# --- as the configuration says ----------------------------------------------------------------------------------------


def test_the_configuration_makes_a_tracer(collector: Collector) -> None:
    with traced(TracesSection(), Reports(), ignored) as nothing:
        assert nothing is None
    with traced(TracesSection(endpoint=collector.address, ratio=1.0), Reports(), ignored) as tracer:
        assert tracer is not None
        trace = tracer.begin("service/method", None)[1]
        assert trace is not None
        trace.end("OK", {})
        assert collector.trace()["call"].name == "service/method"


def test_what_a_tracer_lacks_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = TracesSection(endpoint="https://127.0.0.1:4317", ca=tmp_path / "none.pem")
    with pytest.raises(ConfigRefused, match=r"`traces\.ca`: cannot read"), traced(settings, Reports(), ignored):
        pass
    monkeypatch.setitem(sys.modules, "sealauthz.observability.tracing.otlp", None)
    with pytest.raises(ConfigRefused, match=r"install `sealauthz\[traces\]`"), traced(settings, Reports(), ignored):
        pass
