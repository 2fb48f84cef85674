"""The feed: a thread that keeps a fact cache at the newest revision, whichever process writes it.

It looks when PostgreSQL announces a revision, and from time to time anyway: an announcement can be lost, and only a
look tells that the facts in memory are still the newest. What it cannot see now it looks for again; meanwhile the facts
grow old, and beyond the bound of the fact cache nothing is answered from memory.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from sealauthz.facts.memory.consistency import uptime_s
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.store.database import Listener
from sealauthz.facts.store.store import Store
from sealauthz.runtime.background import Background
from sealauthz.runtime.errors import SealAuthzError

POLL_ANNOUNCED_S = 1.0
"""How often to look where new revisions are announced."""

POLL_SILENT_S = 0.05
"""How often to look where they are not."""

_PAUSE_S = 0.02
"""How long revisions wait to be looked at together, where one was looked at just before."""

_OWN_WITHIN_S = 0.002
"""How soon after its commit a revision of this process is in memory."""

_LISTEN_AGAIN_S = 5.0
_STOPPED_WITHIN_S = 5.0
_REPORTED_EVERY_S = 60.0
_NEVER = float("-inf")

Report = Callable[[str, Mapping[str, float], BaseException | None], None]
"""Is told `feed_lost` with the error when the newest revision cannot be seen, and again for another error, `feed_back`
when it can again, `feed_deaf` when announcements cannot be heard, and every minute the `facts` in memory in numbers.
"""


class Feed:
    """Follows the changes of a store for a fact cache. Start it once and stop it once."""

    def __init__(self, fact_cache: FactCache, store: Store, report: Report, poll_s: float | None = None) -> None:
        self._fact_cache = fact_cache
        self._store = store
        self._report = report
        self._poll_s = poll_s
        self._listener: Listener | None = None
        self._listen_at = _NEVER
        self._deaf: SealAuthzError | None = None
        self._is_lost = False
        self._reported_at = uptime_s()
        self._looked_at = _NEVER
        self._ear, self._mouth = socket.socketpair()
        self.thread = Background("feed", self._step, self._lose)

    def start(self) -> None:
        """Begin to follow."""
        self.thread.start()

    def stop(self) -> None:
        """Follow no longer, and return when the thread has ended; one that waits for the database is left behind."""
        if self.thread.is_stopping:
            return
        self.thread.stop()
        self._mouth.send(b".")
        if self.thread.join(_STOPPED_WITHIN_S):
            self._forget_listener()
            self._ear.close()
            self._mouth.close()

    def _step(self) -> None:
        """Look, and wait until it is time to look again."""
        self._looked_at = uptime_s()
        self._look()
        self.thread.goes_well()
        self._wait()

    def _lose(self, thread: Background, error: BaseException) -> None:
        """Report that the newest revision cannot be seen now."""
        self._is_lost = True
        self._report("feed_lost", {"failures": thread.failures}, error)

    def _look(self) -> None:
        """Look for the newest revision. Raises FactsUnavailable."""
        try:
            # Before the look: what is committed after it is announced.
            self._listen()
            self._fact_cache.refresh(uptime_s(), reload=True)
        except BaseException:
            self._forget_listener()
            self._deaf, self._listen_at = None, _NEVER
            raise
        if self._is_lost:
            self._is_lost = False
            self._report("feed_back", {}, None)
        if self._deaf is not None:
            deaf, self._deaf = self._deaf, None
            self._report("feed_deaf", {}, deaf)
        if uptime_s() - self._reported_at >= _REPORTED_EVERY_S:
            self._reported_at = uptime_s()
            self._report("facts", {**self._fact_cache.numbers(), "feed_failures": self.thread.failures}, None)

    def _listen(self) -> None:
        """Listen for announcements, if nobody does; where that cannot be done now, looking often has to do."""
        if self._listener is not None or uptime_s() < self._listen_at:
            return
        try:
            self._listener = self._store.listen()
            self._listen_at = _NEVER if self._listener is not None else float("inf")
        except SealAuthzError as error:
            if self._listen_at == _NEVER:
                self._deaf = error
            self._listen_at = uptime_s() + _LISTEN_AGAIN_S

    def _wait(self) -> None:
        """Wait for an announcement, or until it is time to look anyway."""
        often = POLL_SILENT_S if self._listener is None else POLL_ANNOUNCED_S
        until = uptime_s() + (self._poll_s or often)
        poll = select.poll()  # `select.select` takes no descriptor beyond 1023
        poll.register(self._ear, select.POLLIN)
        if self._listener is not None:
            poll.register(self._listener, select.POLLIN)
        while not self.thread.is_stopping:
            heard = {descriptor for descriptor, _ in poll.poll(max(0.0, until - uptime_s()) * 1_000)}
            if self._listener is None or self._listener.fileno() not in heard:
                return
            try:
                told = self._listener.take()
            except SealAuthzError:
                self._forget_listener()
                return
            # What this process has written itself is no reason to look: it is about to know that, if it does not yet.
            if not self._has_seen(told):
                self.thread.rest(max(_OWN_WITHIN_S, self._looked_at + _PAUSE_S - uptime_s()))
            if not self._has_seen(told):
                return

    def _has_seen(self, told: Iterable[str]) -> bool:
        return all(map(self._fact_cache.has_seen, told))

    def _forget_listener(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(Exception):  # it is forgotten, however its connection takes that
                listener.close()
