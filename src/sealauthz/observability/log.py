"""The structured log: one JSON object per line. It never fails a call, nor makes one wait.

A call leaves an entry; a thread of the log formats the lines and writes many at a time.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol, TextIO

from structlog.tracebacks import ExceptionDictTransformer

from sealauthz.runtime.background import Background
from sealauthz.runtime.characters import escaped
from sealauthz.runtime.errors import SealAuthzError

MAX_QUEUED_ENTRIES = 4_096
FLUSH_S = 1.0
"""How long the end of the process waits for the lines that are left."""

GATHER_S = 0.01
"""How long an entry waits for others, so that one awakening of the thread, and one write, serves them all."""


_FULL_PIPE_S = 0.1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Without local variables: they hold tokens, contexts and names.
_exception = ExceptionDictTransformer(show_locals=False)
_json = json.JSONEncoder(ensure_ascii=False, default=repr)


class Entry(NamedTuple):
    """What a line is made of; `at_ns` is when it happened, in nanoseconds since 1970-01-01T00:00:00Z."""

    level: str
    event: str
    at_ns: int
    bound: Mapping[str, object]
    fields: Mapping[str, object]

    def line(self) -> str:
        """Return the line, with its end. Whatever its values do, nothing is raised."""
        try:
            return self._line_of({**self.bound, **self.fields})
        except Exception:  # noqa: BLE001 (the caller who logs is not to blame, and must not fail)
            return self._line_of({"unwritable": sorted({*self.bound, *self.fields})})

    def _line_of(self, fields: Mapping[str, object]) -> str:
        moment = (_EPOCH + timedelta(microseconds=self.at_ns // 1_000)).isoformat(timespec="microseconds")
        named = {"event": self.event, "level": self.level, "time": f"{moment.removesuffix('+00:00')}Z"}
        return f"{escaped(_json.encode({**fields, **named}))}\n"


class Sink(Protocol):
    """Where entries go."""

    def put(self, entry: Entry) -> None:
        """Take an entry, without raising or waiting."""


LEVELS = ("info", "warning", "error")


class Threshold:
    """Lets entries of a level and above through to another sink. The level may be changed at any time."""

    def __init__(self, sink: Sink, level: str = LEVELS[0]) -> None:
        self._sink = sink
        self.level = level

    def put(self, entry: Entry) -> None:
        """Take an entry, and drop it where nobody wants to read it."""
        if LEVELS.index(entry.level) >= LEVELS.index(self.level):
            self._sink.put(entry)


REPEATED_EVERY_S = 1.0
"""The same is written once in this time, and the next time with how often it came in between."""

_MOST_KEYS = 1_024


class Repeats:
    """Decides which of many lines with one key are written: `most` in REPEATED_EVERY_S. Close rather than exact, where
    threads race.
    """

    def __init__(self, most: int = 1) -> None:
        self._most = most
        self._known: dict[Hashable, tuple[float, int, int]] = {}

    def count(self, key: Hashable) -> int | None:
        """Return how many were left out since the last line of this key; None if this one is left out, too."""
        now = time.monotonic()
        until, written, left_out = self._known.get(key, (0.0, 0, 0))
        if now >= until:
            until, written = now + REPEATED_EVERY_S, 0
        if written >= self._most:
            self._known[key] = (until, written, left_out + 1)
            return None
        if len(self._known) >= _MOST_KEYS:
            self._known.clear()
        self._known[key] = (until, written + 1, 0)
        return left_out


class StrangersRationed:
    """Lets one line a second through, for each status, about calls of nobody who is known: anybody can make those."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._repeats = Repeats()

    def put(self, entry: Entry) -> None:
        """Take an entry; the line that is written next has as `repeated` how many were left out."""
        if entry.event == "call" and not entry.fields.get("caller"):
            repeated = self._repeats.count(entry.fields.get("code"))
            if repeated is None:
                return
            if repeated:
                entry = entry._replace(fields={**entry.fields, "repeated": repeated})
        self._sink.put(entry)


class Log:
    """Takes events, each a word with fields."""

    __slots__ = ("_bound", "_sink")

    def __init__(self, sink: Sink, bound: Mapping[str, object] | None = None) -> None:
        self._sink = sink
        self._bound = bound or {}

    def bind(self, **fields: object) -> Log:
        """Return a log all of whose lines have these fields too."""
        return Log(self._sink, {**self._bound, **fields})

    def through(self, around: Callable[[Sink], Sink]) -> Log:
        """Return a log whose entries go to the sink around this one's."""
        return Log(around(self._sink), self._bound)

    def limited(self, level: str = LEVELS[0]) -> tuple[Log, Threshold]:
        """Return a log that leaves out what is below a level, and what sets the level."""
        threshold = Threshold(self._sink, level)
        return Log(threshold, self._bound), threshold

    def info(self, event: str, **fields: object) -> None:
        """Log what happens in the normal course."""
        self._sink.put(Entry("info", event, time.time_ns(), self._bound, fields))

    def warning(self, event: str, error: BaseException | None = None, /, **fields: object) -> None:
        """Log what an operator may want to look at, with the error behind it."""
        self._sink.put(Entry("warning", event, time.time_ns(), self._bound, fields | _exception_fields(error)))

    def error(self, event: str, error: BaseException | None = None, /, **fields: object) -> None:
        """Log what an operator must look at, with the error behind it."""
        self._sink.put(Entry("error", event, time.time_ns(), self._bound, fields | _exception_fields(error)))

    def thread_failed(self, thread: Background, error: BaseException) -> None:
        """Log that a step of a thread of the background has failed; and how many have since its start."""
        write = self.warning if isinstance(error, SealAuthzError) else self.error
        write("thread_failed", error, thread=thread.name, failures=thread.failures)


def make_log(stream: TextIO | None = None) -> Log:
    """Return a log that writes to the stream; by default to standard error, from a thread of its own.

    What cannot be written is dropped: an error of the stream reaches no call. No global logger is configured.
    """
    return Log(_standard_error() if stream is None else Direct(stream))


class Direct:
    """A stream whose errors are ignored."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def put(self, entry: Entry) -> None:
        """Write the line of an entry, if it can be written."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(entry.line())
            self._stream.flush()


class Queued:
    """Entries on their way to a descriptor that may be stuck or closed; a thread writes, so that logging never waits.

    Entries that do not fit or cannot be written are dropped; `log_dropped` says how many, before the next line.
    """

    def __init__(self, descriptor: int, max_entries: int = MAX_QUEUED_ENTRIES) -> None:
        self._descriptor = descriptor
        self._max_entries = max_entries
        self._entries: deque[Entry] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_idle = False
        self._dropped = 0
        self._failure: BaseException | None = None

    def put(self, entry: Entry) -> None:
        """Queue an entry."""
        # Without the lock while there is room and the thread is at work: all calls share this lock.
        if len(self._entries) >= self._max_entries:
            with self._changed:
                self._dropped += 1
            return
        self._entries.append(entry)
        if self._is_idle or self._thread is None:
            self._wake()

    def drain(self, timeout_s: float = FLUSH_S) -> bool:
        """Wait until all is written or dropped; False after the timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._entries and (self._is_idle or not self._thread), timeout_s)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="sealauthz-log", daemon=True)
                with contextlib.suppress(RuntimeError):  # no thread can be started now; the next entry tries again
                    thread.start()
                    self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                # First idle, then the look: `put` does it the other way round, so that one sees the other.
                self._is_idle = True
                if not self._entries:
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._entries)
                self._is_idle = False
            time.sleep(GATHER_S)
            with self._changed:
                dropped = self._dropped
            # Read before: entries dropped from now on came after these.
            entries = [self._entries.popleft() for _ in range(len(self._entries))]
            try:
                self._write_out(entries, dropped)
            except BaseException as error:  # noqa: BLE001 (a thread that ended would drop all later entries)
                self._failure = error
                with self._changed:
                    self._dropped += len(entries)

    def _write_out(self, entries: list[Entry], dropped: int) -> None:
        """Write entries; before the first, how many were dropped until now."""
        for count, text in _blocks(entries):
            try:
                if dropped:
                    _write(self._descriptor, _dropped_entry(dropped, entries[0], self._failure).line().encode())
                    self._failure = None
                    with self._changed:
                        self._dropped -= dropped
                    dropped = 0
                _write(self._descriptor, text)
            except (OSError, ValueError):
                with self._changed:
                    self._dropped += count


def _blocks(entries: Iterable[Entry]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines in pieces that are written at once, each with how many lines it has."""
    count, block = 0, b""
    for entry in entries:
        line = entry.line().encode(errors="backslashreplace")
        if block and len(block) + len(line) > select.PIPE_BUF:
            yield count, block
            count, block = 0, b""
        count, block = count + 1, block + line
    if block:
        yield count, block


class _Nowhere:
    """The sink of a process without standard error."""

    def put(self, entry: Entry) -> None:
        """Drop an entry."""


def _standard_error() -> Sink:
    if sys.stderr is None:
        return _Nowhere()
    try:
        queued = Queued(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):  # not a file, so that nothing can be stuck
        return Direct(sys.stderr)
    atexit.register(queued.drain)
    return queued


def _write(descriptor: int, text: bytes) -> None:
    """Write lines in one write, because several workers may share the descriptor. Raises OSError.

    Not through the stream of `sys`: a thread that is stuck there keeps its lock, and Python would not end.
    """
    while text:
        try:
            text = text[os.write(descriptor, text) :]
        except BlockingIOError:  # a pipe that is full and does not block
            select.select([], [descriptor], [], _FULL_PIPE_S)


def _dropped_entry(dropped: int, other: Entry, error: BaseException | None) -> Entry:
    """Return the entry that counts the missing ones, with the bound fields of another, and says why."""
    fields = {"dropped": dropped, **_exception_fields(error)}
    return Entry("warning", "log_dropped", time.time_ns(), other.bound, fields)


def _exception_fields(error: BaseException | None) -> dict[str, Any]:
    """Return an error with its causes as fields; none without an error."""
    return {} if error is None else {"exception": _exception((type(error), error, error.__traceback__))}
