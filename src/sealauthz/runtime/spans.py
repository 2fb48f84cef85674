"""Spans: how long the parts of one call take, noted where they are done, on the thread that does them.

A call that is not traced has no trace on its thread, and then a span is nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

MOST_SPANS = 64
"""So many parts of one call are noted; what comes after them is counted. A list may load hundreds of units."""


class Span(NamedTuple):
    """A part of a call. `parent` is its place among the spans of the trace, -1 for the call itself; times are in
    nanoseconds since the epoch.
    """

    name: str
    parent: int
    began_at: int
    ended_at: int
    has_failed: bool


class Trace:
    """One call that is traced, from its arrival to its end, with its parts. Only one thread at a time works on it.

    `trace_id` and `parent_id` (empty for a call that begins its trace) are hexadecimal; `state` is the `tracestate` of
    the call, as it came.
    """

    __slots__ = (
        "_began",
        "_ended",
        "_open",
        "began_at",
        "code",
        "ended_at",
        "fields",
        "left_out",
        "name",
        "parent_id",
        "spans",
        "state",
        "trace_id",
    )

    def __init__(self, name: str, trace_id: str, parent_id: str, state: str, ended: Callable[[Trace], None]) -> None:
        self.name = name
        self.trace_id = trace_id
        self.parent_id = parent_id
        self.state = state
        self.began_at = time.time_ns()
        self.ended_at = 0
        self.code = ""
        self.fields: Mapping[str, object] = {}
        self.spans: list[Span | None] = []
        """None stands for a part that has not ended."""
        self.left_out = 0
        # The clock of the day may be set meanwhile; lengths of time are measured.
        self._began = time.perf_counter_ns()
        self._ended = ended
        self._open = -1

    def now(self) -> int:
        """The time, in nanoseconds since the epoch; it never goes back within a trace."""
        return self.began_at + time.perf_counter_ns() - self._began

    def waited(self, seconds: float) -> None:
        """Note that the call has waited until now."""
        now = self.now()
        if len(self.spans) < MOST_SPANS:
            self.spans.append(Span("wait", self._open, max(now - int(seconds * 1e9), self.began_at), now, False))

    def forget(self) -> None:
        """Forget the parts: what was tried is done again on another thread."""
        self.spans, self._open, self.left_out = [], -1, 0

    def end(self, code: str, fields: Mapping[str, object]) -> None:
        """Note that the call has ended with a status, and what its line in the log says."""
        self.ended_at, self.code, self.fields = self.now(), code, fields
        self._ended(self)

    def begin(self) -> int:
        """Begin a part within the one that is open; return its place, -1 where there is no room for it."""
        if len(self.spans) >= MOST_SPANS:
            self.left_out += 1
            return -1
        self.spans.append(None)
        return len(self.spans) - 1


class _Nothing:
    """What stands around a part of a call that is not traced."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_error: object) -> None:
        pass


class _Part:
    """Stands around a part of a call that is traced."""

    __slots__ = ("_began_at", "_name", "_outer", "_place", "_trace")

    def __init__(self, trace: Trace, name: str) -> None:
        self._trace = trace
        self._name = name

    def __enter__(self) -> None:
        trace = self._trace
        self._outer, self._place = trace._open, trace.begin()
        if self._place >= 0:
            trace._open = self._place
        self._began_at = trace.now()

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        trace = self._trace
        if self._place >= 0:
            trace.spans[self._place] = Span(self._name, self._outer, self._began_at, trace.now(), kind is not None)
            trace._open = self._outer


class _OnThread:
    """Stands around what a thread does for a call that is traced."""

    __slots__ = ("_trace",)

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __enter__(self) -> None:
        _here.trace = self._trace

    def __exit__(self, *_error: object) -> None:
        _here.trace = None


class _Here(threading.local):
    trace: Trace | None = None


_here = _Here()
_NOTHING = _Nothing()


def span(name: str) -> AbstractContextManager[None]:
    """Stand around a part of whatever call this thread works on."""
    trace = _here.trace
    return _NOTHING if trace is None else _Part(trace, name)


def part_of(trace: Trace | None, name: str) -> AbstractContextManager[None]:
    """Stand around a part of a call, on whichever threads; None for one that is not traced."""
    return _NOTHING if trace is None else _Part(trace, name)


def working_on(trace: Trace | None) -> AbstractContextManager[None]:
    """Stand around what this thread does for one call; None for one that is not traced."""
    return _NOTHING if trace is None else _OnThread(trace)
