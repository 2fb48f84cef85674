"""What `serve` measures and traces, where the configuration says that somebody collects it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sealauthz.audit.backlog import Backlog
from sealauthz.audit.recorder import Recorder
from sealauthz.config.sections import TracesSection
from sealauthz.decision import PolicyDecisionPoint
from sealauthz.facts import FactCache, Store
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.sweep import Report
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.observability.metrics.meter import Meter, Rising
from sealauthz.observability.metrics.process import watch_process
from sealauthz.observability.metrics_endpoint import answering
from sealauthz.observability.tracing.tracer import Tracer
from sealauthz.operations.alarms import Alarms
from sealauthz.runtime.background import Failed
from sealauthz.runtime.errors import ConfigRefused, PoliciesUnavailable
from sealauthz.service import Server

_COUNTED = ("hits", "loads", "joined_loads", "moved", "restarts", "resets", "evicted")
"""What of the numbers of a fact cache only rises."""


@contextmanager
def collected(meter: Meter, listen: str, *, is_worker: bool) -> Iterator[str]:
    """Measure, and answer collectors; yield where. A worker's numbers are answered by the supervisor.

    Raises ConfigRefused where the address cannot be had.
    """
    meter.thread.start()
    try:
        if is_worker:
            yield ""
            return
        with ExitStack() as stack:
            try:
                endpoint = stack.enter_context(answering(listen, meter.instruments.registry))
            except (OSError, OverflowError) as error:
                raise ConfigRefused(f"`metrics.listen`: cannot listen on `{listen}`") from error
            yield endpoint.address
    finally:
        meter.thread.stop()
        meter.thread.join()


def trace_authority(settings: TracesSection) -> bytes | None:
    """Return the authority of the collector of traces; None for those that the machine knows, or without a collector.

    Raises ConfigRefused where it cannot be read, or the packages are missing.
    """
    if settings.endpoint is None:
        return None
    try:
        from sealauthz.observability.tracing.otlp import read_ca
    except ImportError as error:
        raise ConfigRefused("`traces.endpoint` needs more packages: install `sealauthz[traces]`") from error
    try:
        return read_ca(settings.ca)
    except OSError as error:
        raise ConfigRefused(f"`traces.ca`: cannot read `{settings.ca}`") from error


@contextmanager
def traced(settings: TracesSection, report: Report, failed: Failed) -> Iterator[Tracer | None]:
    """Yield what keeps the traces of calls; None without a collector. Raises ConfigRefused."""
    if settings.endpoint is None:
        yield None
        return
    authority = trace_authority(settings)
    from sealauthz.observability.tracing.otlp import OtlpExporter

    tracer = Tracer(OtlpExporter(settings.endpoint, authority), settings.ratio, report, failed)
    tracer.start()
    try:
        yield tracer
    finally:
        tracer.stop()


def watch_service(
    meter: Meter,
    server: Server,
    store: Store,
    fact_cache: FactCache,
    pdp: PolicyDecisionPoint,
    tracer: Tracer | None = None,
) -> None:
    """Have the gauges of a service set."""
    watch_process(meter)
    cached = Rising(lambda what, number: meter.instruments.cache_events.labels(what).inc(number))
    failed = Rising(lambda thread, number: meter.instruments.thread_failures.labels(thread).inc(number))
    kept = Rising(lambda what, number: meter.instruments.traces.labels(what).inc(number))
    served: set[str] = set()

    def sample(instruments: Instruments) -> None:
        numbers = fact_cache.numbers()
        instruments.facts_revision.set(numbers["revision"])
        instruments.facts_age.set(fact_cache.age_s)
        instruments.cache_units.set(numbers["units"])
        instruments.cache_bytes.set(numbers["bytes"])
        instruments.cache_budget.set(numbers["budget"])
        cached.read({name: numbers[name] for name in _COUNTED})
        version = _version_of(pdp)
        for each in served | {version}:
            if each:
                served.add(each)
                instruments.policies.labels(each).set(each == version)
        server.sample(instruments)
        if tracer is not None:
            kept.read({"sent": tracer.sent, "lost": tracer.lost})
        used, most = store.connections
        instruments.connections.set(used)
        instruments.connections_most.set(most)
        failed.read({thread.name: thread.failures for thread in server.threads})

    meter.watch(sample)


@contextmanager
def backlog_of(store: Store, failed: Failed) -> Iterator[Backlog]:
    """Yield what looks at the records that wait in a store."""
    backlog = Backlog(store, failed)
    backlog.start()
    try:
        yield backlog
    finally:
        backlog.stop()


def watch_log(meter: Meter, alarms: Alarms, recorder: Recorder | None, backlog: Backlog) -> None:
    """Have the gauges of the log of decisions and of alarms set."""
    told: Counter[tuple[str, str]] = Counter()

    def sample(instruments: Instruments) -> None:
        instruments.log_unwritten.set(0 if recorder is None else recorder.waiting)
        waiting = backlog.waiting
        instruments.log_waiting.set(waiting.writes)
        instruments.log_oldest.set(waiting.oldest_s(now_us()))
        instruments.log_held.set(waiting.held)
        instruments.log_tampered.set(1 if recorder is not None and recorder.log_problem else 0)
        for (alarm, what), number in dict(alarms.counted).items():
            of = instruments.alarms.labels(alarm, what)
            of.inc(number - told[alarm, what])
            told[alarm, what] = number

    meter.watch(sample)


def _version_of(pdp: PolicyDecisionPoint) -> str:
    """The version of the policies that decide now; empty while there are none."""
    try:
        return pdp.bundle.version
    except PoliciesUnavailable:
        return ""
