"""What a process writes to standard error beside its log becomes lines of the log: `logging`, warnings, prints."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import stat
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from sealauthz.observability.log import Log, Repeats

_BAD_HEADER = ("grpc._cython.cygrpc", "Invalid encoding on %s")
"""What grpcio logs, with a trace, of each header that is not UTF-8. Anybody who can connect can send those; what became
of the call is in its own line.
"""

_MOST_OF_A_PLACE = 8
"""So many different messages of one line of code are written in REPEATED_EVERY_S; the rest is counted."""

_MAX_LINE_CHARACTERS = 4_096


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
        self._repeats = Repeats()
        self._of_places = Repeats(_MOST_OF_A_PLACE)

    def createLock(self) -> None:
        """Have no lock: the log needs none, and a call must not wait for another's."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            if (record.name, record.msg) == _BAD_HEADER:
                return
            message, place = record.getMessage(), (record.name, record.lineno)
            same = self._repeats.count((*place, message))
            others = None if same is None else self._of_places.count(place)
            if same is None or others is None:
                return
            repeated = same + others
            fields: dict[str, Any] = {"logger": record.name, "message": message[:_MAX_LINE_CHARACTERS]}
            if repeated:
                fields["repeated"] = repeated
            error = record.exc_info[1] if record.exc_info else None
            write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
            write("logged", error, **fields)
        except Exception:  # noqa: BLE001 (the caller who logs is not to blame, and must not fail)
            self._log.warning("logged", logger=record.name, unwritable=True)


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
