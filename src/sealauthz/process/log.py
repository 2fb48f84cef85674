"""The structured log: one JSON object per line. It never fails a call, nor makes one wait.

A call leaves an entry; a thread of the log formats the lines and writes many at a time. What a process writes to
standard error beside its log becomes lines of it: the standard library's `logging`, warnings, errors that end a thread,
and what is printed to `sys.stderr`.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import logging
import os
import select
import stat
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol, TextIO

from structlog.tracebacks import ExceptionDictTransformer

from sealauthz.background import Background
from sealauthz.errors import SealAuthzError

MAX_QUEUED_ENTRIES = 4_096
FLUSH_S = 1.0
"""How long the end of the process waits for the lines that are left."""

GATHER_S = 0.01
"""How long an entry waits for others, so that one awakening of the thread, and one write, serves them all."""

REPEATED_EVERY_S = 1.0
"""The same message is written once in this time, and the next time with how often it came in between."""

_MAX_MESSAGES = 1_024
_MAX_LINE_CHARACTERS = 4_096
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
        return f"{_json.encode({**fields, **named})}\n"


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


@contextlib.contextmanager
def captured(log: Log) -> Iterator[None]:
    """Send to the log what would go to standard error, until the end of the block. For a process that serves."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level, sys.stderr, sys.unraisablehook, threading.excepthook
    showing = warnings.showwarning
    root.handlers[:] = [_ToLog(log)]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.stderr = _Lines(log)
    sys.unraisablehook = _unraisable_hook(log)
    threading.excepthook = _thread_hook(log)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        warnings.showwarning = showing
        root.handlers[:], level, sys.stderr, sys.unraisablehook, threading.excepthook = kept
        root.setLevel(level)


def never_block(descriptor: int = 2) -> None:
    """Have writes to a pipe fail when it is full, instead of waiting for a reader.

    gRPC's core writes to standard error by itself, from the threads that serve. The pipe is opened a second time, for
    the flag belongs to everybody who shares an opening. What is not a pipe, or cannot be opened, is left as it is.
    """
    try:
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return
        opened = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        os.dup2(opened, descriptor, inheritable=True)
    finally:
        os.close(opened)


class _ToLog(logging.Handler):
    """Writes records of `logging` to the log; the same one again only now and then."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self._known: dict[tuple[str, int, str], tuple[float, int]] = {}

    def createLock(self) -> None:
        """Have no lock: the log needs none, and a call must not wait for another's."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            message = record.getMessage()
            repeated = self._repeated((record.name, record.lineno, message))
            if repeated is None:
                return
            fields: dict[str, Any] = {"logger": record.name, "message": message[:_MAX_LINE_CHARACTERS]}
            if repeated:
                fields["repeated"] = repeated
            error = record.exc_info[1] if record.exc_info else None
            write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
            write("logged", error, **fields)
        except Exception:  # noqa: BLE001 (the caller who logs is not to blame, and must not fail)
            self._log.warning("logged", logger=record.name, unwritable=True)

    def _repeated(self, key: tuple[str, int, str]) -> int | None:
        """Return how often the same came since it was last written; None if that is too short a while ago.

        Close rather than exact, where threads race.
        """
        now = time.monotonic()
        next_at, repeated = self._known.get(key, (0.0, 0))
        if now < next_at:
            self._known[key] = (next_at, repeated + 1)
            return None
        if len(self._known) >= _MAX_MESSAGES:
            self._known.clear()
        self._known[key] = (now + REPEATED_EVERY_S, 0)
        return repeated


class _Lines(io.TextIOBase):
    """What stands for `sys.stderr`: each line that is printed is a line of the log."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, log: Log) -> None:
        self._log = log
        self._begun = threading.local()

    def writable(self) -> bool:
        """Tell that this can be written to."""
        return True

    def write(self, text: str) -> int:
        """Log the lines that end in a text; keep the rest for the thread's next."""
        *ended, rest = (getattr(self._begun, "text", "") + text).split("\n")
        while len(rest) > _MAX_LINE_CHARACTERS:
            ended.append(rest[:_MAX_LINE_CHARACTERS])
            rest = rest[_MAX_LINE_CHARACTERS:]
        self._begun.text = rest
        for line in ended:
            if line.strip():
                self._log.warning("printed", text=line[:_MAX_LINE_CHARACTERS])
        return len(text)


def _thread_hook(log: Log) -> Callable[[threading.ExceptHookArgs], Any]:
    def report(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_type is not SystemExit:
            name = failed.thread.name if failed.thread is not None else ""
            log.error("thread_failed", failed.exc_value, thread=name)  # noqa: PLE1205 (a log of ours)

    return report


def _unraisable_hook(log: Log) -> Callable[[Any], Any]:
    def report(failed: Any) -> None:
        log.error("unraisable", failed.exc_value, message=failed.err_msg or "")  # noqa: PLE1205 (a log of ours)

    return report
