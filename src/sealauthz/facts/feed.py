"""The feed: a thread that keeps a world at the newest revision, whoever writes it.

It looks when PostgreSQL announces a revision, and from time to time anyway: an announcement can be lost, and only a
look tells that the facts in memory are still the newest. What it cannot see now it looks for again; meanwhile the facts
grow old, and beyond the bound of the world nothing is answered from memory.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from sealauthz.errors import SealAuthzError
from sealauthz.facts.consistency import uptime_s
from sealauthz.facts.database import Listener
from sealauthz.facts.store import Store
from sealauthz.facts.world import World

POLL_ANNOUNCED_S = 1.0
"""How often to look where new revisions are announced."""

POLL_SILENT_S = 0.05
"""How often to look where they are not."""

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0

_REPORTED_EVERY_S = 60.0

Report = Callable[[str, Mapping[str, float], BaseException | None], None]
"""Is told `feed_lost` with the error when the newest revision cannot be seen, `feed_back` when it can again, and every
minute the `facts` in memory in numbers.
"""


class Feed:
    """Follows the changes of a store for a world. Start it once and stop it once."""

    def __init__(self, world: World, store: Store, report: Report, poll_s: float | None = None) -> None:
        self._world = world
        self._store = store
        self._report = report
        self._poll_s = poll_s
        self._listener: Listener | None = None
        self._is_lost = False
        self._reported_at = uptime_s()
        self._stopping = threading.Event()
        self._ear, self._mouth = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="sealauthz-feed", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer, and return when the thread has ended."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._mouth.send(b".")
        if self._thread.is_alive():
            self._thread.join()
        self._ear.close()
        self._mouth.close()

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        try:
            while not self._stopping.is_set():
                if self._look():
                    pause_s = _FIRST_PAUSE_S
                    self._wait()
                else:
                    self._stopping.wait(pause_s)
                    pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        finally:
            self._forget_listener()

    def _look(self) -> bool:
        """Look for the newest revision; False if it cannot be seen now."""
        try:
            if self._listener is None:
                # Before the look: what is committed after it is announced.
                self._listener = self._store.listen()
            self._world.refresh(uptime_s(), reload=True)
        except Exception as error:  # noqa: BLE001 (a feed that ended would leave the world without one)
            self._forget_listener()
            if not self._is_lost:
                self._report("feed_lost", {}, error)
            self._is_lost = True
            return False
        if self._is_lost:
            self._report("feed_back", {}, None)
        self._is_lost = False
        if uptime_s() - self._reported_at >= _REPORTED_EVERY_S:
            self._reported_at = uptime_s()
            self._report("facts", self._world.numbers(), None)
        return True

    def _wait(self) -> None:
        """Wait for an announcement, or until it is time to look anyway."""
        silent = POLL_SILENT_S if self._listener is None else POLL_ANNOUNCED_S
        ears: list[Any] = [self._ear] if self._listener is None else [self._ear, self._listener]
        heard, _, _ = select.select(ears, [], [], self._poll_s or silent)
        if self._listener in heard and self._listener is not None:
            try:
                self._listener.take()
            except SealAuthzError:
                self._forget_listener()

    def _forget_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
