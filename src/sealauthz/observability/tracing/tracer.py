"""The tracer: begins a trace for the calls that are to be kept, and sends them to a collector from a thread of its own.

A call only leaves a note. Where the collector is slow or away, notes wait up to a limit, and are counted above it: no
answer depends on it.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Protocol

from sealauthz.facts.store.sweep import Report
from sealauthz.observability.tracing.parents import Parent
from sealauthz.runtime.background import Background, Failed, in_turns
from sealauthz.runtime.spans import Trace

EVERY_S = 0.5
"""How long what has ended waits to be sent, at most, where the collector keeps up."""

MOST_WAITING = 4_096
"""So many traces wait to be sent at most."""

AT_ONCE = 64
"""So many are sent with one message: to write one takes the time of answers."""

_WITHIN_S = 2.0


class CollectorFailed(Exception):
    """The collector did not take what it was sent; the text says why."""


class Exporter(Protocol):
    """What sends traces."""

    def send(self, trace: Trace) -> None:
        """Write a trace into the next message."""

    def flush(self) -> int:
        """Send the message, and return how many spans it has. Raises CollectorFailed."""

    def close(self) -> None:
        """Send nothing more, and end what is under way."""


class Tracer:
    """Decides which calls are kept: those whose parent is, and of those without a parent a share, by their trace id."""

    def __init__(
        self, exporter: Exporter, ratio: float, report: Report, failed: Failed, most: int = MOST_WAITING
    ) -> None:
        self.sent = 0
        self.lost = 0
        """How many traces were sent, and how many were not, for a collector that did not take them."""
        self._exporter = exporter
        self._bound = int(ratio * 2**64)
        self._report = report
        self._most = most
        self._ended: deque[Trace] = deque()
        self._is_failing = False
        self.thread = Background("traces", self._step, failed)

    def begin(self, name: str, parent: Parent | None) -> tuple[str, Trace | None]:
        """Return the id of the trace that a call is part of, and the trace if it is kept."""
        if parent is not None:
            trace_id, span_id, is_sampled, state = parent
            return trace_id, Trace(name, trace_id, span_id, state, self.note) if is_sampled else None
        drawn = os.urandom(16)
        trace_id = drawn.hex()
        is_kept = int.from_bytes(drawn[8:]) < self._bound
        return trace_id, Trace(name, trace_id, "", "", self.note) if is_kept else None

    def note(self, trace: Trace) -> None:
        """Have a call sent that has ended. Takes no lock, and never raises."""
        if len(self._ended) < self._most:
            self._ended.append(trace)
        else:
            self.lost += 1

    @property
    def waiting(self) -> int:
        """How many traces wait to be sent."""
        return len(self._ended)

    def start(self) -> None:
        """Begin to send."""
        self.thread.start()

    def stop(self) -> None:
        """Send what waits as far as that can be done at once, and give the thread back."""
        self.thread.stop()
        if not self.thread.join(_WITHIN_S):
            # It waits for the collector, and would not be the only one.
            self._exporter.close()
            self.thread.join(_WITHIN_S)
            return
        while self._ended and not self._is_failing:
            self._send()
        self._exporter.close()

    def _step(self) -> None:
        if len(self._ended) < AT_ONCE or self._is_failing:
            self.thread.rest(EVERY_S)
        if self._ended and not self.thread.is_stopping:
            self._send()

    def _send(self) -> None:
        """Send some of what waits; what the collector does not take is lost."""
        traces = [self._ended.popleft() for _ in range(min(len(self._ended), AT_ONCE))]
        try:
            for trace in in_turns(traces):
                self._exporter.send(trace)
            self._exporter.flush()
        except CollectorFailed as error:
            self.lost += len(traces)
            if not self._is_failing:
                self._is_failing = True
                self._report("traces_unsent", {"reason": str(error)}, None)
            return
        except BaseException:
            self.lost += len(traces)
            raise
        self.sent += len(traces)
        if self._is_failing:
            self._is_failing = False
            self._report("traces_sent_again", {"lost": self.lost}, None)
