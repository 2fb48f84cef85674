"""The instruments: everything that is measured, each with its name, its labels and its unit.

No label holds an id, a token or any text that a client chose: the values of each are words of the configuration, of the
policies or of this service, so that there are few of them.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from sealauthz.decision.product_reasons import POLICY_ERROR

# A second series for each, which nobody looks at.
disable_created_metrics()  # type: ignore[no-untyped-call]

_ALERTED = ("incident", "reload_refused", "audit_unwritten", "audit_lacking", "thread_failed", "import_idle")
"""Events that alerts are for. Their series are there from the start, at 0: one that is born at 1 has not risen."""

DURATIONS_S = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets of durations, in seconds."""


class Instruments:
    """The instruments of one process. Where several processes serve, gauges are added up or the highest counts."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"sealauthz_{name}", what, labels, registry=self.registry)

        def added(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"sealauthz_{name}", what, labels, registry=self.registry, multiprocess_mode="livesum")

        def highest(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"sealauthz_{name}", what, labels, registry=self.registry, multiprocess_mode="livemax")

        def lowest(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"sealauthz_{name}", what, labels, registry=self.registry, multiprocess_mode="livemin")

        # --- calls and decisions
        self.calls = counter("calls", "Calls that have ended.", "method", "code", "caller")
        self.call_duration = Histogram(
            "sealauthz_call_duration_seconds",
            "From the arrival of a call to its end; of a stream, as long as it is open.",
            ("method",),
            registry=self.registry,
            buckets=DURATIONS_S,
        )
        self.refused = counter("calls_refused", "Calls refused for lack of room, or above a rate.", "limit", "caller")
        self.decisions = counter("decisions", "Questions decided.", "resource_type", "action", "effect")
        self.reasons = counter("denial_reasons", "Reasons given for denials; one may have several.", "reason")
        self.events = counter("log_events", "Warnings and errors of the log, by what happened.", "event", "level")
        for event in _ALERTED:
            for level in ("warning", "error"):
                self.events.labels(event, level)
        self.reasons.labels(POLICY_ERROR)
        self.unmeasured = counter("unmeasured", "Calls and decisions that were not measured, for too many at a time.")

        self.traces = counter("traces", "Traces of calls that were to be kept: sent to the collector, or lost.", "what")
        self.traces.labels("lost")

        # --- facts in memory
        self.facts_revision = highest("facts_revision", "The revision of the facts in memory.")
        self.facts_age = highest("facts_age_seconds", "How long ago the facts in memory were the newest, at most.")
        self.cache_units = added("fact_cache_units", "Units of facts in memory.")
        self.cache_bytes = added("fact_cache_bytes", "Memory that the facts take.")
        self.cache_budget = added("fact_cache_budget_bytes", "Memory that the facts may take.")
        self.cache_events = counter("fact_cache", "What the cache did: hits, loads, evictions and so on.", "what")
        for what in ("hits", "evicted"):
            self.cache_events.labels(what)

        # --- the log of decisions, and alarms
        self.log_unwritten = added("log_unwritten", "Answers that wait in memory to be written for the log.")
        self.log_waiting = highest("log_waiting_writes", "Writes whose records wait for their places in the log.")
        self.log_oldest = highest("log_oldest_wait_seconds", "For how long the oldest record waits for its place.")
        self.log_held = highest("log_held_writes", "Writes of records that no process vouches for: they are held back.")
        self.log_tampered = highest("log_tampered", "1 while nothing is signed, as the log is not what was signed.")
        self.alarms = counter("alarms", "Alarms that the service itself raised, or could not raise.", "alarm", "what")

        # --- the service
        self.serving = added("serving_processes", "Processes that take calls.")
        self.incomplete = highest("restore_incomplete", "1 while a restore is not complete, and nothing is answered.")
        self.pool_calls = added("pool_calls", "Calls that are under way or wait for a thread.", "pool")
        self.pool_room = added("pool_room", "Calls that a pool takes at most.", "pool")
        self.unreceived = highest(
            "unreceived_seconds", "How long a call may have waited in the process before it was received, at most."
        )
        self.watchers = added("watchers", "Open streams of changes.")
        self.policies = added("policy_processes", "Processes that decide by a policy version.", "version")
        self.thread_failures = counter("thread_failures", "Failed steps of threads of the background.", "thread")
        self.failing_threads = highest("thread_failing", "1 while a thread of the background fails.", "thread")
        self.certificate_end = lowest(
            "certificate_end_seconds", "When the certificate of the server ends, as Unix time."
        )
        self.reloaded = lowest("last_reload_seconds", "When the configuration was last reloaded or refused; Unix time.")
        self.reload_succeeded = lowest("last_reload_succeeded", "1 unless the last reload was refused.")

        # --- the database
        self.connections = added("database_connections", "Connections to the database that are in use.")
        self.connections_most = added("database_connections_most", "Connections to the database that may be in use.")
        self.database_latency = highest("database_latency_seconds", "How long the newest revision took to read, last.")

        # --- the process
        self.build = highest("build_info", "1; which release runs, on what.", "version", "python", "grpc")
        self.started = lowest("process_start_seconds", "When the process began, as Unix time; the oldest.")
        self.cpu = counter("process_cpu_seconds", "CPU that the processes took.")
        self.memory = added("process_resident_bytes", "Memory of the processes.")
        self.files = highest("process_open_files", "Open files of a process.")
        self.files_most = lowest("process_open_files_most", "Files that a process may have open.")
