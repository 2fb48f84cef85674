"""The log of the service: one JSON object per line. It never stops a call, nor makes one wait."""

from __future__ import annotations

import atexit
import contextlib
import datetime
import json
import os
import select
import sys
import threading
from collections import deque
from typing import TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger

MAX_QUEUED_LINES = 4_096
FLUSH_S = 1.0
"""How long the end of the process waits for the lines that are left."""

_FULL_PIPE_S = 0.1


def make_log(stream: TextIO | None = None) -> FilteringBoundLogger:
    """Return a log that writes to the stream; by default to standard error, from a thread of its own.

    What cannot be written is dropped: an error of the stream reaches no call. Nothing global is configured.
    """
    logger = structlog.wrap_logger(
        structlog.WriteLogger(cast(TextIO, _standard_error() if stream is None else Direct(stream))),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            # Without local variables: they hold tokens, contexts and names.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("INFO"),
    )
    return cast(FilteringBoundLogger, logger.bind())


class Direct:
    """A stream whose errors are nobody's business."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write the text, if it can be written."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Have it written out, if it can be."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


class Queued:
    """Lines on their way to a descriptor that may be stuck or closed; a thread writes, and who logs never waits.

    What there is no room for and what cannot be written is dropped, and `log_dropped` says how many before the next
    line that gets through.
    """

    def __init__(self, descriptor: int, max_lines: int = MAX_QUEUED_LINES) -> None:
        self._descriptor = descriptor
        self._max_lines = max_lines
        self._lines: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_writing = False
        self._dropped = 0

    def write(self, text: str) -> None:
        """Queue a line."""
        line = text.encode(errors="backslashreplace")
        with self._changed:
            if len(self._lines) >= self._max_lines:
                self._dropped += 1
                return
            self._lines.append(line)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="sealauthz-log", daemon=True)
                with contextlib.suppress(RuntimeError):  # no thread can be started now; the next line tries again
                    thread.start()
                    self._thread = thread
            self._changed.notify_all()

    def flush(self) -> None:
        """Do nothing: that is the point."""

    def drain(self, timeout_s: float = FLUSH_S) -> bool:
        """Wait until all is written or dropped; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines and not self._is_writing, timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._lines)
                line, dropped = self._lines.popleft(), self._dropped
                self._is_writing = True
            try:
                if dropped:
                    _write(self._descriptor, _dropped_line(dropped, line))
                    with self._changed:
                        self._dropped -= dropped
                _write(self._descriptor, line)
            except (OSError, ValueError):
                with self._changed:
                    self._dropped += 1


def _standard_error() -> Queued | Direct:
    try:
        queued = Queued(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):  # none, or one that is not a file, so that nothing can be stuck
        return Direct(sys.stderr)
    atexit.register(queued.drain)
    return queued


def _write(descriptor: int, line: bytes) -> None:
    """Write a line: in one write, for several workers may share the descriptor, unless it takes only a part.

    It is not the stream of `sys` that is written to: a thread that is stuck there keeps its lock, and Python would not
    end. Raises OSError.
    """
    while line:
        try:
            line = line[os.write(descriptor, line) :]
        except BlockingIOError:  # whoever gave us the pipe does not wait for it
            select.select([], [descriptor], [], _FULL_PIPE_S)


def _dropped_line(dropped: int, line: bytes) -> bytes:
    """Return the line that tells of those that are missing; of the same worker as `line`."""
    now = datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")
    of = {key: value for key, value in json.loads(line).items() if key == "worker"}
    entry = {**of, "dropped": dropped, "event": "log_dropped", "level": "warning", "time": now}
    return f"{json.dumps(entry)}\n".encode()
