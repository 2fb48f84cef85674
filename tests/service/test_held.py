"""Answers that are held until they are in the log: each is given once or refused once, whichever thread is late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.service.arrivals import Aborted
from sealauthz.service.held import HeldAnswers, Later
from sealauthz.service.pools import AnsweringPool, Share

Then = Callable[[BaseException | None], None]


class Call:
    """A call as far as it is used."""

    def __init__(self) -> None:
        self.is_left = False
        self.is_followed = False
        self.outcome: list[Any] = []

    def follow(self) -> None:
        self.is_followed = True

    def time_remaining(self) -> float:
        return 1e9

    def is_active(self) -> bool:
        return not self.is_left

    def answer(self, message: bytes) -> None:
        self.outcome.append(message)

    def abort_with_status(self, status: Any) -> None:
        self.outcome.append(status.code)
        raise Aborted

    def end(self) -> None:
        self.outcome.append("ended")


class Request:
    """The line of a request in the log."""

    trace = None

    def __init__(self) -> None:
        self.lines: list[str] = []

    def failed(self, error: Exception) -> Any:
        from sealauthz.service.status import failure_of

        return failure_of(error)

    def end(self, failure: Any, code: str = "OK") -> None:
        self.lines.append(code if failure is None else failure.code.name)


class Held:
    """One answer that is held, in the share of a caller in a pool."""

    def __init__(self, once: Callable[[Then], None] | None = None) -> None:
        self.failed: list[BaseException] = []
        self.answers = HeldAnswers(self.failed.append)
        self.call, self.request = Call(), Request()
        self.pool = AnsweringPool("answers", 1, 8)
        self.share = Share(self.pool, "shop", 1)
        self.thens: list[Then] = []
        later = Later(b"answer", once or self.thens.append)
        self.answers.hold(later, self.call, self.request, self.share)  # type: ignore[arg-type]

    def give(self, error: BaseException | None = None) -> None:
        self.thens[0](error)


UNAVAILABLE = [grpc.StatusCode.UNAVAILABLE, "ended"]


def test_an_answer_is_given_once_what_it_waits_for_is_done() -> None:
    held = Held()
    assert held.call.is_followed
    assert not held.call.outcome
    assert held.pool.calls == 1
    assert not held.share.has_room()
    held.give()
    held.give()
    held.give(FactsUnavailable("gone"))
    held.answers.end_late()
    assert held.call.outcome == [b"answer"]
    assert held.request.lines == ["OK"]
    assert held.pool.calls == 0
    assert held.share.has_room()


def test_an_answer_that_is_not_recorded_is_not_given() -> None:
    held = Held()
    held.give(FactsUnavailable("the database is gone"))
    held.give()
    assert held.call.outcome == UNAVAILABLE
    assert held.request.lines == ["UNAVAILABLE"]
    assert held.pool.calls == 0


def test_where_nothing_more_can_be_noted_nothing_is_given() -> None:
    def refuse(_then: Then) -> None:
        raise FactsUnavailable("no room")

    assert Held(refuse).call.outcome == UNAVAILABLE


def test_a_record_that_comes_too_late_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealauthz.service.held.WAIT_S", -1.0)
    held = Held()
    held.answers.end_late()
    held.give()
    assert held.call.outcome == UNAVAILABLE
    assert held.request.lines == ["UNAVAILABLE"]


def test_nothing_is_sent_to_a_caller_that_has_left() -> None:
    held = Held()
    held.call.is_left = True
    held.give()
    assert held.call.outcome == []
    assert held.request.lines == ["CANCELLED"]
    assert held.pool.calls == 0


def test_what_goes_wrong_in_giving_one_answer_holds_up_no_other() -> None:
    """The thread is that of the recorder."""
    held = Held()

    def fail(_message: bytes) -> None:
        raise RuntimeError("the connection is gone")

    held.call.answer = fail  # type: ignore[method-assign]
    held.give()
    assert [str(each) for each in held.failed] == ["the connection is gone"]
    assert held.pool.calls == 0
