"""Answers that are used again for a short while, as long as a watch says that the facts are still those."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from typing import Self

from sealauthz_client import facts
from sealauthz_client.aio import AsyncConnection
from sealauthz_client.answers import Decision
from sealauthz_client.authorization import authorize
from sealauthz_client.failures import CallFailed
from sealauthz_client.messages import ContextValue
from sealauthz_client.retrying import Pauses, RetryPolicy
from sealauthz_client.transport import Connection

MAX_AGE_S = 5.0
MAX_ANSWERS = 10_000

_WATCH_LAGS_S = 3.0
"""A watch is told of every revision within a second or so: one that is that late is broken."""


class AnswerCache:
    """What was allowed, until it may have changed. Any thread may use it; it sends nothing.

    INVARIANT: an answer is given only while the watch is whole, has told of no newer revision than that of the answer,
    and neither `valid_until` nor `max_age_s` has passed. A deny is never kept, and an allow only if it owes nothing but
    what `repeatable` names: what is used up once is decided each time.
    """

    def __init__(
        self,
        *,
        max_age_s: float = MAX_AGE_S,
        max_answers: int = MAX_ANSWERS,
        repeatable: Collection[str] = (),
    ) -> None:
        self._max_age_s = max_age_s
        self._max_answers = max_answers
        self._repeatable = frozenset(repeatable)
        self._answers: OrderedDict[Hashable, tuple[Decision, float, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._is_whole = False
        self._watched = 0
        self._breaks = 0
        self._policy_version = ""
        # The first revision that an answer had and the watch had not told of, and when that was.
        self._ahead: tuple[int, float] | None = None

    def watched(self, revision: int) -> None:
        """Note how far the watch has come: answers of older facts are dropped."""
        with self._lock:
            if not self._is_whole:
                # What was kept before a break may be of a history that a restore took away.
                self._answers.clear()
                self._is_whole, self._watched = True, revision
            elif revision > self._watched:
                self._watched = revision
                self._answers.clear()
            if self._ahead is not None and revision >= self._ahead[0]:
                self._ahead = None

    def broke(self) -> None:
        """Note that the watch is broken: nothing is answered from here until it goes on."""
        with self._lock:
            self._is_whole, self._ahead = False, None
            self._breaks += 1
            self._answers.clear()

    @property
    def place(self) -> tuple[int, float]:
        """What `put` wants to know of the moment before the question was sent."""
        return self._breaks, time.monotonic()

    def get(self, key: Hashable) -> Decision | None:
        """Return an allow that still holds, with its age; None where the service must be asked."""
        now = time.monotonic()
        with self._lock:
            if not self._is_whole or (self._ahead is not None and now - self._ahead[1] > _WATCH_LAGS_S):
                return None
            found = self._answers.get(key)
            if found is None:
                return None
            decision, asked_at, ends_at = found
            # Both clocks: the first stands still while a machine sleeps, the second can be set.
            if now >= ends_at or datetime.datetime.now(datetime.UTC) >= decision.valid_until:
                del self._answers[key]
                return None
            self._answers.move_to_end(key)
        age = datetime.timedelta(seconds=now - asked_at)
        return dataclasses.replace(decision, facts_age=decision.facts_age + age)

    def put(self, key: Hashable, decision: Decision, place: tuple[int, float]) -> None:
        """Keep an answer to a question that was sent at a `place`, if it may be given again."""
        breaks, asked_at = place
        with self._lock:
            if decision.policy_version != self._policy_version:
                self._policy_version = decision.policy_version
                self._answers.clear()
            if not self._is_whole or breaks != self._breaks:
                return
            if decision.revision > self._watched and self._ahead is None:
                self._ahead = (decision.revision, time.monotonic())
            if not decision or any(owed.code not in self._repeatable for owed in decision.obligations):
                return
            if decision.revision < self._watched:
                return
            # Counted from before it was sent, which is before it was evaluated.
            lasts_s = (decision.valid_until - decision.evaluated_at).total_seconds()
            self._answers[key] = (decision, asked_at, asked_at + min(lasts_s, self._max_age_s))
            self._answers.move_to_end(key)
            while len(self._answers) > self._max_answers:
                self._answers.popitem(last=False)

    def __len__(self) -> int:
        return len(self._answers)


def key_of(
    subject: str, action: str, resource: str, context: Mapping[str, ContextValue] | None, language: str
) -> Hashable:
    """Return what tells a question from every other. `True` and `1` are equal to Python, and not to a policy."""
    try:
        given = frozenset((name, type(value), value) for name, value in (context or {}).items())
        key = (subject, action, resource, given, language)
        hash(key)
    except (AttributeError, TypeError):
        return object()  # the key of no answer: such a question cannot be sent
    return key


class CachedAuthorizer:
    """Asks as a client does, and answers from a cache where that may be. Close it before the client.

    A thread of its own follows the facts with `WatchChanges`, for which the caller needs the right, and the right to
    read what policies read. `failure` is why the watch cannot be had; then every question goes to the service.
    """

    def __init__(self, client: Connection, cache: AnswerCache | None = None) -> None:
        self._client = client
        self.cache = AnswerCache() if cache is None else cache
        self.failure: CallFailed | None = None
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="sealauthz-answers", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Answer nothing from the cache any more. The thread ends with the client."""
        self._is_closing.set()
        self.cache.broke()

    def authorize(
        self,
        subject: str,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        language: str = "",
        timeout_s: float | None = None,
    ) -> Decision:
        """Decide one question, as `SealAuthzClient.authorize` does; the newest facts has that. Raises CallFailed."""
        key = key_of(subject, action, resource, context, language)
        found = None if self._is_closing.is_set() else self.cache.get(key)
        if found is None:
            place = self.cache.place
            call = authorize(subject, action, resource, context, language=language, timeout_s=timeout_s)
            found = self._client.run(call)
            self.cache.put(key, found, place)
        return found

    def _follow(self) -> None:
        pauses = Pauses(RetryPolicy())
        while not self._is_closing.is_set():
            try:
                for revision in self._client.run_watch(facts.watch_revisions(self.cache.broke)):
                    if self._is_closing.is_set():
                        return
                    self.failure = None
                    pauses.begin_again()
                    self.cache.watched(revision)
                return  # the client was closed
            except CallFailed as error:
                self.failure = error
            finally:
                self.cache.broke()
            self._is_closing.wait(pauses.next_s())


class AsyncCachedAuthorizer:
    """As `CachedAuthorizer`, for asyncio: `async with` begins and ends the watch."""

    def __init__(self, client: AsyncConnection, cache: AnswerCache | None = None) -> None:
        self._client = client
        self.cache = AnswerCache() if cache is None else cache
        self.failure: CallFailed | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.ensure_future(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cache.broke()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def authorize(
        self,
        subject: str,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        language: str = "",
        timeout_s: float | None = None,
    ) -> Decision:
        """Decide one question, as `CachedAuthorizer.authorize` does. Raises CallFailed."""
        key = key_of(subject, action, resource, context, language)
        found = self.cache.get(key)
        if found is None:
            place = self.cache.place
            call = authorize(subject, action, resource, context, language=language, timeout_s=timeout_s)
            found = await self._client.run(call)
            self.cache.put(key, found, place)
        return found

    async def _follow(self) -> None:
        pauses = Pauses(RetryPolicy())
        while True:
            try:
                async for revision in self._client.run_watch(facts.watch_revisions(self.cache.broke)):
                    self.failure = None
                    pauses.begin_again()
                    self.cache.watched(revision)
                return  # the client was closed
            except CallFailed as error:
                self.failure = error
            finally:
                self.cache.broke()
            await asyncio.sleep(pauses.next_s())
