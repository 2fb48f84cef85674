"""Questions that are asked at the same time, sent as one `AuthorizeBatch`: while one is under way, the next fills."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import grpc

from sealauthz_client.aio import AsyncConnection
from sealauthz_client.answers import Decision
from sealauthz_client.authorization import authorize_batch
from sealauthz_client.calls import Call
from sealauthz_client.channels import DEFAULT_TIMEOUT_S
from sealauthz_client.failures import CallFailed
from sealauthz_client.messages import ContextValue, NoAnswer
from sealauthz_client.requests import build, seconds
from sealauthz_client.transport import Connection
from sealauthz_client.v1 import authorization_pb2

MAX_QUESTIONS = 100
_MOST_QUESTIONS = 1_000
"""That the service takes in a batch."""

_Answers = list[Decision | NoAnswer]


@dataclass(eq=False)
class _Asked:
    """One question of somebody who waits. `batch` is what they are to send, the first of which they are."""

    question: authorization_pb2.Question
    deadline: float
    woken: threading.Event | asyncio.Event
    answer: Decision | CallFailed | None = None
    batch: list[_Asked] | None = None

    def take(self) -> Decision:
        """Return the answer. Raises CallFailed."""
        if isinstance(self.answer, Decision):
            return self.answer
        raise self.answer or CallFailed(
            grpc.StatusCode.DEADLINE_EXCEEDED, "deadline exceeded before the question was answered"
        )


class _Line:
    """Those who wait with the same options, and how many batches of theirs are under way. It sends nothing."""

    def __init__(self, language: str, most: int, at_once: int) -> None:
        self._language = language
        self._most = most
        self._at_once = at_once
        self._waiting: deque[_Asked] = deque()
        self._under_way = 0

    def join(self, asked: _Asked) -> list[_Asked]:
        """Wait for the next batch; return it where it can be sent at once, and nothing otherwise."""
        self._waiting.append(asked)
        return self.begin()

    def begin(self) -> list[_Asked]:
        """Return those who have waited longest as a batch that is under way now; nothing where enough are."""
        batch: list[_Asked] = []
        if self._under_way < self._at_once:
            now = time.monotonic()
            while self._waiting and len(batch) < self._most:
                asked = self._waiting.popleft()
                if asked.deadline > now:
                    batch.append(asked)
        self._under_way += bool(batch)
        return batch

    def end(self) -> list[_Asked]:
        """Note the end of a batch; return the next."""
        self._under_way -= 1
        return self.begin()

    def leave(self, asked: _Asked) -> None:
        """Wait no longer."""
        if asked in self._waiting:
            self._waiting.remove(asked)

    def call(self, batch: Iterable[_Asked]) -> Call[_Answers]:
        """Return the call of a batch; it ends with the first deadline that is still to come."""
        now = time.monotonic()
        left_s = min((asked.deadline - now for asked in batch if asked.deadline > now), default=0.001)
        return authorize_batch([asked.question for asked in batch], language=self._language, timeout_s=left_s)


def _asked(
    subject: str,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue] | None,
    timeout_s: float,
    woken: threading.Event | asyncio.Event,
) -> _Asked:
    """Raises ValueError for what cannot be sent, to the caller who gives it and to no other of the batch."""
    deadline = time.monotonic() + seconds("timeout_s", timeout_s)
    question = build(authorization_pb2.Question, subject=subject, action=action, resource=resource, context=context)
    return _Asked(question, deadline, woken)


def _give(batch: list[_Asked], answers: _Answers) -> None:
    """Give everybody their own answer. A reply of another length answers nobody."""
    if len(answers) != len(batch):
        _fail(batch, CallFailed(grpc.StatusCode.INTERNAL, f"{len(answers)} answers to {len(batch)} questions"))
        return
    for index, (asked, answer) in enumerate(zip(batch, answers, strict=True)):
        if isinstance(answer, NoAnswer):
            # Its place in the batch is none of the caller's, who asked one question.
            place = f"questions[{index}]."
            violations = tuple((field.removeprefix(place), text) for field, text in answer.violations)
            message = answer.message.replace(f"`{place}", "`")
            asked.answer = CallFailed(answer.code, message, answer.reason, None, violations)
        else:
            asked.answer = answer


def _fail(batch: Iterable[_Asked], failed: CallFailed) -> None:
    """Give everybody the failure of the batch; each raises one of their own."""
    for asked in batch:
        asked.answer = CallFailed(
            failed.code, failed.message, failed.reason, failed.metadata, failed.violations, failed.retry_after_s
        )


def _wake(batch: Iterable[_Asked]) -> None:
    """Tell everybody that their batch has ended. What ended it otherwise than by a failed call, its sender raises."""
    unsent = [asked for asked in batch if asked.answer is None]
    _fail(unsent, CallFailed(grpc.StatusCode.UNAVAILABLE, "the batch of the question could not be sent"))
    for asked in batch:
        asked.woken.set()


def _check(max_questions: int, max_batches: int) -> None:
    if not 1 <= max_questions <= _MOST_QUESTIONS or max_batches < 1:
        raise ValueError(f"a batch holds 1 to {_MOST_QUESTIONS} questions, and one batch at least is under way")


class BatchingAuthorizer:
    """Asks as a client does. Questions that threads ask while `max_batches` are under way are sent together.

    Each keeps its own context and gets its own answer; those of one batch are answered at one revision, end with the
    deadline of the oldest, and have the same language. A lone question waits for nothing. Who waits longest sends.
    """

    def __init__(
        self,
        client: Connection,
        *,
        max_questions: int = MAX_QUESTIONS,
        max_batches: int = 2,
        timeout_s: float | None = None,
    ) -> None:
        _check(max_questions, max_batches)
        self._client = client
        self._sizes = (max_questions, max_batches)
        self._timeout_s = DEFAULT_TIMEOUT_S if timeout_s is None else timeout_s
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()

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
        """Decide one question, as `SealAuthzClient.authorize` does. Raises CallFailed."""
        woken = threading.Event()
        asked = _asked(subject, action, resource, context, self._timeout_s if timeout_s is None else timeout_s, woken)
        with self._lock:
            line = self._lines.setdefault(language, _Line(language, *self._sizes))
            self._hand_on(line.join(asked))
        woken.wait(max(asked.deadline - time.monotonic(), 0))
        with self._lock:
            line.leave(asked)
        if asked.batch is not None:
            self._send(line, asked.batch)
        return asked.take()

    def _hand_on(self, batch: list[_Asked]) -> None:
        """Have a batch sent by the first of those in it, who waits, or is about to."""
        if batch:
            batch[0].batch = batch
            batch[0].woken.set()

    def _send(self, line: _Line, batch: list[_Asked]) -> None:
        try:
            _give(batch, self._client.run(line.call(batch)))
        except CallFailed as failed:
            _fail(batch, failed)
        finally:
            with self._lock:
                self._hand_on(line.end())
            _wake(batch)


class AsyncBatchingAuthorizer:
    """As `BatchingAuthorizer`, for tasks of one event loop."""

    def __init__(
        self,
        client: AsyncConnection,
        *,
        max_questions: int = MAX_QUESTIONS,
        max_batches: int = 2,
        timeout_s: float | None = None,
    ) -> None:
        _check(max_questions, max_batches)
        self._client = client
        self._sizes = (max_questions, max_batches)
        self._timeout_s = DEFAULT_TIMEOUT_S if timeout_s is None else timeout_s
        self._lines: dict[str, _Line] = {}
        self._sending: set[asyncio.Task[None]] = set()

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
        """Decide one question, as `AsyncSealAuthzClient.authorize` does. Raises CallFailed."""
        woken = asyncio.Event()
        asked = _asked(subject, action, resource, context, self._timeout_s if timeout_s is None else timeout_s, woken)
        line = self._lines.setdefault(language, _Line(language, *self._sizes))
        self._send(line, line.join(asked))
        try:
            async with asyncio.timeout(max(asked.deadline - time.monotonic(), 0)):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            line.leave(asked)
        return asked.take()

    def _send(self, line: _Line, batch: list[_Asked]) -> None:
        # A task of its own: the one who asked may be cancelled, and others wait for the same batch.
        if batch:
            task = asyncio.ensure_future(self._sent(line, batch))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _sent(self, line: _Line, batch: list[_Asked]) -> None:
        try:
            _give(batch, await self._client.run(line.call(batch)))
        except CallFailed as failed:
            _fail(batch, failed)
        finally:
            self._send(line, line.end())
            _wake(batch)
