"""Decisions of now, and a connection that answers without a server: for what is built on top of a client."""

from __future__ import annotations

import asyncio
import datetime
import threading
from collections.abc import Callable
from typing import Any

from sealauthz_client.answers import Audience, Decision, NextStep, Obligation, Reason
from sealauthz_client.calls import Call
from sealauthz_client.v1 import authorization_pb2

JOIN = Reason("NOT_A_MEMBER", 40, Audience.USER, "MEMBER", (NextStep("JOIN_ENTERPRISE", {"enterprise": "E1"}),), "no")
FLAGGED = Reason("RISK_FLAGGED", 10, Audience.OPERATOR, "NO_RISK", (NextStep("CONTACT_PLATFORM"),), "secret")


def decision(
    *owed: str, reasons: tuple[Reason, ...] = (), lasts_s: float = 60, is_allowed: bool | None = None
) -> Decision:
    now = datetime.datetime.now(datetime.UTC)
    return Decision(
        is_allowed=not reasons if is_allowed is None else is_allowed,
        reasons=reasons,
        next_steps=(),
        obligations=tuple(map(Obligation, owed)),
        decision_id="D1",
        policy_version="v1",
        revision=7,
        revision_token="r7",
        evaluated_at=now,
        valid_until=now + datetime.timedelta(seconds=lasts_s),
    )


class Answering:
    """Decides whatever it is asked in the same way, and counts."""

    def __init__(self, answer: Decision | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[Any, ...]] = []

    def authorize(self, *question: Any, language: str = "") -> Decision:
        self.asked.append((*question, language))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class AsyncAnswering(Answering):
    async def authorize(self, *question: Any, language: str = "") -> Decision:  # type: ignore[override]
        return super().authorize(*question, language=language)


class Batches:
    """A connection that runs batches: an allow where the context says so. `hold` keeps the first ones under way."""

    def __init__(self, fails: Callable[[int], BaseException | None] = lambda _: None) -> None:
        self.sizes: list[int] = []
        self.timeouts: list[float] = []
        self.hold = threading.Event()
        self.began = threading.Semaphore(0)
        self._fails = fails
        self._lock = threading.Lock()

    def answer(self, call: Call[Any]) -> Any:
        request = call.request
        assert isinstance(request, authorization_pb2.AuthorizeBatchRequest)
        assert call.timeout_s is not None
        with self._lock:
            self.sizes.append(len(request.questions))
            self.timeouts.append(call.timeout_s)
            failure = self._fails(len(self.sizes))
        if failure is not None:
            raise failure
        reply = authorization_pb2.AuthorizeBatchResponse()
        for asked in request.questions:
            item = reply.items.add()
            if asked.action == "wrong":
                place = f"questions[{len(reply.items) - 1}].resource.id"
                item.status.code, item.status.reason = 3, "INVALID_REQUEST"
                item.status.message = f"`{place}` is too long; `other` is not `{place}`"
                item.status.field_violations.add(field=place, description="is too long")
                continue
            is_allowed = asked.context["may"].bool_value
            item.decision.effect = authorization_pb2.EFFECT_ALLOW if is_allowed else authorization_pb2.EFFECT_DENY
            item.decision.decision_id = f"{asked.subject.id} {asked.context['n'].int_value}"
        return call.read(reply)

    def run(self, call: Call[Any]) -> Any:
        self.began.release()
        self.hold.wait(20)
        return self.answer(call)


class AsyncBatches(Batches):
    def __init__(self, fails: Callable[[int], BaseException | None] = lambda _: None) -> None:
        super().__init__(fails)
        self.go = asyncio.Event()

    async def run(self, call: Call[Any]) -> Any:
        self.began.release()
        await self.go.wait()
        return self.answer(call)
