"""The supervisor of several workers on one port: `serve --workers N` becomes
`python -m sealauthz.ops.workers.supervisor`.

It reserves the port, starts the workers, replaces one that dies, and stops them in order. It needs the standard
library only, and never gRPC: forking a process that serves hangs. So workers are programs of their own, started by one
that stays small.

Each worker has one end of a socket. It writes a line there when it takes calls, and spaces before that while it waits
for the database. When the other end closes, because the
supervisor is gone, it ends too.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import errno
import json
import math
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

START_LIMIT_S = 120.0
"""A worker that neither takes calls nor says that it waits for so long is killed."""

SETTLED_S = 10.0
"""A worker that dies sooner may do so again; its replacement waits."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STOP_MARGIN_S = 5.0
"""How long workers have beyond their grace to close what they have open."""

_WRONG_USE = 2
_FAILED = 1
_LOOK_EVERY_S = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Settings:
    """What to supervise. `command` starts a worker; `--listen HOST:PORT --worker NUMBER FD` is added to it."""

    listen: str
    workers: int
    grace_s: float
    command: tuple[str, ...]


class Numbers(Protocol):
    """What answers with the sum of what the workers measure (`process.endpoint.WorkersEndpoint`)."""

    @property
    def environment(self) -> dict[str, str]:
        """What a worker must be started with."""

    def forget(self, pid: int) -> None:
        """Leave out the present state of a worker that is gone."""

    def close(self) -> None:
        """Answer no more."""


class Port:
    """The address, bound without listening, so that it stays ours while workers come and go. Raises OSError."""

    def __init__(self, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        number = int(port)
        name = host.removeprefix("[").removesuffix("]")
        found = socket.getaddrinfo(name, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self._held: list[socket.socket] = []
        refused: OSError | None = None
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                if number:
                    _check_free(family, (address[0], number, *address[2:]))
                self._held.append(_hold(family, (address[0], number, *address[2:])))
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:  # a name may have an address that this machine lacks
                    self.close()
                    raise
                refused = error
            else:
                number = self._held[-1].getsockname()[1]
        if not self._held:
            raise refused or OSError("the name has no address")
        self.listen = f"{host}:{number}"

    def close(self) -> None:
        """Give the address back."""
        for held in self._held:
            held.close()


@dataclass(slots=True)
class _Worker:
    """One process and our end of its socket."""

    process: subprocess.Popen[bytes]
    link: socket.socket
    started_at: float
    said: bytes = b""
    heard_at: float = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether the worker has said its line."""
        return b"\n" in self.said

    def hear(self) -> bool:
        """Read what the worker says. False once there is nothing more to hear."""
        try:
            heard = self.link.recv(4096)
        except OSError:
            heard = b""
        self.said += heard
        self.heard_at = time.monotonic()
        return bool(heard) and not self.is_ready


@dataclass(slots=True)
class _Place:
    """A worker number, and the process that has it now."""

    number: int
    worker: _Worker | None = None
    start_at: float | None = None
    quick_deaths: int = 0


@dataclass(slots=True)
class _State:
    """Where the supervisor stands."""

    is_up: bool = False
    is_stopping: bool = False
    kill_at: float = 0.0
    code: int = 0
    signals: list[int] = field(default_factory=list)


class Supervisor:
    """Runs the workers until a signal ends them. `run` returns the exit code."""

    def __init__(self, settings: Settings, port: Port, numbers: Numbers | None = None) -> None:
        self._settings = settings
        self._numbers = numbers
        self._port = port
        self._places = [_Place(number) for number in range(1, settings.workers + 1)]
        self._state = _State()
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Start the first worker and, once it takes calls, the others: an error that all would have is then said once.

        Returns 0 after SIGTERM or SIGINT, or the exit code of a worker that could not start.
        """
        self._catch_signals()
        self._start(self._places[0])
        while True:
            for key, _ in self._selector.select(self._timeout_s()):
                if not isinstance(key.data, _Worker):
                    self._state.signals += self._wakes.recv(4096)
                elif not key.data.hear():
                    self._selector.unregister(key.data.link)
            self._obey_signals()
            for place in self._places:
                self._look_at(place)
            self._proceed()
            if self._state.is_stopping and not self._living():
                return self._state.code

    def _catch_signals(self) -> None:
        self._wakes, written = socket.socketpair()
        written.setblocking(False)
        self._written = written
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wakes, selectors.EVENT_READ)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def _start(self, place: _Place) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        command = [*self._settings.command, "--listen", self._port.listen]
        place.start_at = None
        # A worker begins with the signal blocked, so that it does not die of it before it handles it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        with theirs:
            try:
                # In a group of its own: we pass on what the terminal sends, once.
                process = subprocess.Popen(
                    [*command, "--worker", str(place.number), str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=None if self._numbers is None else os.environ | self._numbers.environment,
                    process_group=0,
                )
            except OSError as error:
                ours.close()
                _log("error", "no_process", worker=place.number, cause=str(error))
                self._lost(place, _FAILED, lived_s=0.0)
                return
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        place.worker = _Worker(process, ours, time.monotonic())
        self._selector.register(ours, selectors.EVENT_READ, place.worker)
        _log("info", "worker_started", worker=place.number, pid=process.pid)

    def _obey_signals(self) -> None:
        if signal.SIGHUP in self._state.signals:
            _log("info", "workers_reload", workers=len(self._living()))
            for worker in self._living():
                worker.process.send_signal(signal.SIGHUP)
        ending = [number for number in self._state.signals if number in (signal.SIGTERM, signal.SIGINT)]
        self._state.signals.clear()
        for number in ending:
            if self._state.is_stopping:
                self._kill()
                self._state.code = 128 + number
            else:
                self._stop(0)

    def _look_at(self, place: _Place) -> None:
        worker, now = place.worker, time.monotonic()
        if worker is None:
            if place.start_at is not None and now >= place.start_at and not self._state.is_stopping:
                self._start(place)
            return
        code = worker.process.poll()
        if code is not None:
            self._remove(place, worker, code)
        elif not worker.is_ready and now - max(worker.started_at, worker.heard_at) > START_LIMIT_S:
            _log("error", "worker_late", worker=place.number, pid=worker.process.pid)
            worker.process.kill()

    def _remove(self, place: _Place, worker: _Worker, code: int) -> None:
        if worker.link in self._selector.get_map():
            self._selector.unregister(worker.link)
        worker.link.close()
        if self._numbers is not None:
            self._numbers.forget(worker.process.pid)
        place.worker = None
        if not self._state.is_stopping:
            self._lost(place, code, time.monotonic() - worker.started_at)

    def _lost(self, place: _Place, code: int, lived_s: float) -> None:
        """Replace a worker, now or after a pause; or stop, if the workers never all started."""
        if not self._state.is_up:
            _log("error", "worker_not_started", worker=place.number, code=code)
            self._stop(code if code > 0 else 128 - code if code < 0 else _FAILED)
            return
        place.quick_deaths = place.quick_deaths + 1 if lived_s < SETTLED_S else 0
        pause_s = pause_after(place.quick_deaths)
        place.start_at = time.monotonic() + pause_s
        _log("warning", "worker_died", worker=place.number, code=code, pause_s=pause_s)

    def _proceed(self) -> None:
        """Start the others once the first is ready; say where we listen once all are; kill those that do not stop."""
        if self._state.is_stopping:
            if time.monotonic() >= self._state.kill_at:
                self._kill()
        elif not self._state.is_up:
            first = self._places[0].worker
            if first is None or not first.is_ready:
                return
            for place in self._places:
                if place.worker is None and not self._state.is_stopping:  # which stops once a worker cannot be started
                    self._start(place)
            if all(place.worker is not None and place.worker.is_ready for place in self._places):
                self._state.is_up = True
                _say(f"{first.said.decode(errors='replace').strip()}; {len(self._places)} workers")

    def _stop(self, code: int) -> None:
        self._state.is_stopping = True
        self._state.code = code
        self._state.kill_at = time.monotonic() + self._settings.grace_s + STOP_MARGIN_S
        _log("info", "stopping_workers", workers=len(self._living()))
        for worker in self._living():
            worker.process.terminate()

    def _kill(self) -> None:
        self._state.kill_at = math.inf
        for worker in self._living():
            worker.process.kill()

    def _living(self) -> list[_Worker]:
        return [place.worker for place in self._places if place.worker is not None]

    def _timeout_s(self) -> float:
        """Return how long to wait for a signal or a socket: until the next thing that is due."""
        due = [place.start_at for place in self._places if place.start_at is not None]
        if self._state.is_stopping:
            due = [self._state.kill_at]
        return max(0.0, min([_LOOK_EVERY_S, *(at - time.monotonic() for at in due)]))


def pause_after(quick_deaths: int) -> float:
    """Return how long to wait, in seconds, after a worker died so often in a row soon after its start."""
    if quick_deaths == 0:
        return 0.0
    return min(FIRST_PAUSE_S * 2.0 ** min(quick_deaths - 1, 16), LONGEST_PAUSE_S)


def main(arguments: Sequence[str] | None = None) -> int:
    """Supervise as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="supervisor", description="Supervise workers on one port.")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--workers", required=True, type=int)
    parser.add_argument("--grace", required=True, type=float, metavar="SECONDS")
    parser.add_argument("--metrics", metavar="HOST:PORT", help="answer there with the sum of what the workers measure")
    parser.add_argument("command", nargs="+", help="what starts a worker, after --")
    said = parser.parse_args(arguments)
    try:
        port = Port(said.listen)
    except OSError:
        sys.stderr.write(f"error: cannot listen on `{said.listen}`\n")
        return _WRONG_USE
    numbers: Numbers | None = None
    try:
        if said.metrics is not None:
            # Here, because who does not measure needs the standard library only.
            from sealauthz.observability.metrics_endpoint import WorkersEndpoint

            try:
                numbers = WorkersEndpoint(said.metrics)
            except (OSError, OverflowError):
                sys.stderr.write(f"error: `metrics.listen`: cannot listen on `{said.metrics}`\n")
                return _WRONG_USE
            _log("info", "metrics", listen=numbers.address)
        return Supervisor(Settings(said.listen, said.workers, said.grace, tuple(said.command)), port, numbers).run()
    finally:
        if numbers is not None:
            numbers.close()
        port.close()


def _check_free(family: int, address: tuple[object, ...]) -> None:
    """Raise OSError if another process listens there, or holds the address to do so.

    The kernel lets a socket that shares its port bind without an error; one that does not share gets the error.
    """
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections do not count
        probe.bind(address)


def _hold(family: int, address: tuple[object, ...]) -> socket.socket:
    held = socket.socket(family, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(address)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)  # so that `_check_free` of another notices
    except OSError:
        held.close()
        raise
    return held


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # that nobody reads it is no reason to stop
        os.write(1, f"{line}\n".encode())


def _log(level: str, event: str, **what: object) -> None:
    """Write a line as the workers do."""
    now = datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")
    entry = {**what, "event": event, "level": level, "time": now}
    with contextlib.suppress(OSError):
        os.write(2, f"{json.dumps(entry)}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
