"""A worker: its link to the supervisor, its signals, and how `serve` becomes the supervisor."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

WAITING = b" "
"""What a worker sends before its line while it waits: the supervisor's limit for a start begins again."""

_LAST_MARGIN_S = 10.0
_LOOK_EVERY_S = 1.0


def become_supervisor(
    listen: str, workers: int, grace_s: float, options: Sequence[str], metrics: str | None = None
) -> NoReturn:
    """Replace this process by the supervisor of `workers` times `sealauthz serve OPTIONS`; it keeps the process id.

    `metrics` is where it answers with the sum of what they measure.
    """
    # A console script does not look for modules in the working directory, and what it starts must not either.
    is_found_here = any(folder in ("", str(Path.cwd())) for folder in sys.path)
    python = [sys.executable, *([] if is_found_here else ["-P"]), "-m"]
    command = [
        *(*python, "sealauthz.ops.workers.supervisor"),
        *("--listen", listen, "--workers", str(workers), "--grace", str(grace_s)),
        *(("--metrics", metrics) if metrics is not None else ()),
        "--",
        *(*python, "sealauthz", "serve", *options),
    ]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, command)  # noqa: S606 (no shell: that is the point)


class Link:
    """A worker's end of the socket that the supervisor holds the other end of."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)

    def follow(self, stopping: threading.Event, grace_s: float) -> None:
        """Set `stopping` when the supervisor is gone; kill the process if it is still there some time after that."""

        def watch() -> None:
            with suppress(OSError):
                self._socket.recv(1)  # nothing is ever sent
            stopping.set()
            time.sleep(grace_s + _LAST_MARGIN_S)
            os._exit(1)  # nobody else is left to kill it

        threading.Thread(target=watch, name="sealauthz-link", daemon=True).start()

    def say_waiting(self) -> bool:
        """Tell the supervisor that this worker waits for something outside; return whether it is still there."""
        try:
            self._socket.sendall(WAITING)
        except OSError:
            return False
        return True

    def say_ready(self, line: str) -> None:
        """Tell the supervisor that this worker takes calls, and where."""
        with suppress(OSError):  # it is gone, and `follow` notices
            self._socket.sendall(f"{line}\n".encode())


class Hangups:
    """What is done at each SIGHUP: nothing until `then` is called, which makes up for those that came before."""

    def __init__(self) -> None:
        self._then: Callable[[], None] | None = None
        self._is_due = False
        self._changing = threading.Lock()

    def then(self, act: Callable[[], None]) -> None:
        """Do this at each signal, on the thread that waits for it."""
        with self._changing:
            self._then = act
            is_due = self._is_due
        if is_due:
            self.come()

    def come(self) -> None:
        """Do what is to be done now."""
        with self._changing:
            act = self._then
            self._is_due = act is None
        if act is not None:
            act()


@contextmanager
def hangups() -> Iterator[Hangups]:
    """Take each SIGHUP on a thread of its own. Enter it before any other thread is started.

    The signal is blocked in all threads and waited for in one: so no handler has to log.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    ending = threading.Event()
    found = Hangups()

    def wait() -> None:
        while True:
            signal.sigwait({signal.SIGHUP})
            if ending.is_set():
                return
            found.come()

    thread = threading.Thread(target=wait, name="sealauthz-hangups", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ending.set()
        signal.pthread_kill(thread.ident or 0, signal.SIGHUP)
        thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop_on_signals(stopping: threading.Event, *, is_patient: bool) -> None:
    """Set the event on SIGTERM and SIGINT. Unless the process is patient, a second signal kills it."""

    def stop(_number: int, _frame: object) -> None:
        if not is_patient:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def wait_for_stop(stopping: threading.Event) -> None:
    """Wait on the main thread until the event is set.

    Python runs the handler of a signal on the main thread, between two instructions. A signal that comes just before
    that thread blocks, or that the kernel hands to another thread, would wait with it without end: so we never block
    for longer than a second.
    """
    while not stopping.wait(_LOOK_EVERY_S):
        pass
