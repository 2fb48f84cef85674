"""The meter: feeds the instruments from what calls leave behind, on a thread of its own. A call only leaves a note.

Calls are counted from the entries of the log, which have all that is measured of them; decisions from the decisions.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping

from prometheus_client import Histogram

from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.product_reasons import UNKNOWN_ACTION, UNKNOWN_TYPE
from sealauthz.observability.log import Entry, Log, Sink
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.runtime.background import Background, Failed, ignored

FEED_S = 0.5
"""How long what calls leave behind waits to be counted, in seconds."""

MOST_WAITING = 100_000
"""So many notes wait at most; what does not fit is counted as unmeasured."""

Sample = Callable[[Instruments], None]
"""Reads what there is to measure now, and sets gauges."""

_RELOADS = frozenset({"reloaded", "reload_refused"})

_UNKNOWN = frozenset({UNKNOWN_ACTION, UNKNOWN_TYPE})


class Meter:
    """Feeds instruments. Any thread may leave it a note, which takes no lock and never raises."""

    def __init__(self, instruments: Instruments, failed: Failed = ignored) -> None:
        self.instruments = instruments
        self._notes: deque[Entry | Decision] = deque()
        self._samples: list[Sample] = []
        self._missed = 0
        self._durations: dict[str, Histogram] = {}
        self.thread = Background("metrics", self._step, failed)

    def note(self, what: Entry | Decision) -> None:
        """Leave an entry of the log or a decision to be counted."""
        if len(self._notes) < MOST_WAITING:
            self._notes.append(what)
        else:
            self._missed += 1

    def watch(self, sample: Sample) -> None:
        """Have gauges set by this, each time that notes are counted."""
        self._samples.append(sample)

    def feed(self) -> None:
        """Count all notes that wait, and set the gauges."""
        notes = self._notes
        calls: Counter[tuple[str, str, str]] = Counter()
        decided: Counter[tuple[str, str, Effect]] = Counter()
        reasons: Counter[str] = Counter()
        for _ in range(len(notes)):
            note = notes.popleft()
            if isinstance(note, Entry):
                self._entry(note, calls)
            else:
                question, codes = note.question, [reason.code for reason in note.reasons]
                if codes:
                    reasons.update(codes)
                if _UNKNOWN.isdisjoint(codes):
                    decided[question.resource.type, question.action, note.effect] += 1
                else:  # the words are the client's own
                    decided["", "", note.effect] += 1
        for labels, count in calls.items():
            self.instruments.calls.labels(*labels).inc(count)
        for labels, count in decided.items():
            self.instruments.decisions.labels(*map(str, labels)).inc(count)
        for code, count in reasons.items():
            self.instruments.reasons.labels(code).inc(count)
        if self._missed:
            missed, self._missed = self._missed, 0
            self.instruments.unmeasured.inc(missed)
        for sample in self._samples:
            sample(self.instruments)

    def _entry(self, entry: Entry, calls: Counter[tuple[str, str, str]]) -> None:
        fields = entry.fields
        if entry.event == "call":
            method = str(fields["method"])
            calls[method, str(fields["code"]), str(fields.get("caller", ""))] += 1
            duration_ms = fields["duration_ms"]
            if isinstance(duration_ms, int | float):
                of_method = self._durations.get(method)
                if of_method is None:  # to find the one with a label takes as long as all else here
                    of_method = self._durations[method] = self.instruments.call_duration.labels(method)
                of_method.observe(duration_ms / 1_000)
            return
        if entry.event in _RELOADS:
            self.instruments.reloaded.set(entry.at_ns / 1e9)
            self.instruments.reload_succeeded.set(entry.event == "reloaded")
        if entry.event == "busy":
            refused = fields.get("refused")
            limit = str(fields.get("pool", "rate"))
            count = refused if isinstance(refused, int) else 1
            self.instruments.refused.labels(limit, str(fields.get("caller", ""))).inc(count)
        if entry.level != "info":
            self.instruments.events.labels(entry.event, entry.level).inc()

    def _step(self) -> None:
        self.thread.rest(FEED_S)
        self.feed()


def measuring(meter: Meter | None) -> Callable[[Decision], None]:
    """Return what to do with each decision."""
    return _nothing if meter is None else meter.note


def _nothing(_decision: Decision) -> None:
    """Measure nothing."""


class Rising:
    """Adds to a counter what a number has risen by since it was looked at last."""

    def __init__(self, add: Callable[[str, float], None]) -> None:
        self._add = add
        self._last: dict[str, float] = {}

    def read(self, numbers: Mapping[str, float]) -> None:
        """Look at numbers that only rise; one that has fallen begins again."""
        for name, number in numbers.items():
            risen = number - self._last.get(name, 0)
            self._last[name] = number
            if risen:
                self._add(name, risen if risen > 0 else number)


class _Measured:
    """A sink that leaves a note of what is counted, and hands every entry on."""

    def __init__(self, sink: Sink, meter: Meter) -> None:
        self._sink = sink
        self._meter = meter

    def put(self, entry: Entry) -> None:
        """Take an entry."""
        self._sink.put(entry)
        if entry.event == "call" or entry.level != "info" or entry.event in _RELOADS:
            self._meter.note(entry)


def measured(log: Log, meter: Meter) -> Log:
    """Return a log whose entries are counted too."""
    return log.through(lambda sink: _Measured(sink, meter))
