"""Questions that are asked together are sent together, and everybody gets their own answer."""

from __future__ import annotations

import asyncio
import datetime
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from answering import AsyncBatches, Batches

from sealauthz_client import AsyncBatchingAuthorizer, BatchingAuthorizer, CallFailed


def ask(authorizer: Any, number: int, **how: Any) -> Any:
    context = {"may": number % 2 == 0, "n": number}
    return authorizer.authorize(f"Person:P{number}", "use", "Seal:S1", context, **how)


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def waiting(authorizer: Any) -> int:
    return sum(len(line._waiting) for line in authorizer._lines.values())


def test_what_waits_is_sent_together_and_nobody_gets_the_answer_of_another() -> None:
    batches = Batches()
    authorizer = BatchingAuthorizer(batches, max_questions=20, max_batches=1)  # type: ignore[arg-type]
    with ThreadPoolExecutor(51) as pool:
        first = pool.submit(ask, authorizer, 0, timeout_s=20)
        batches.began.acquire()
        others = [pool.submit(ask, authorizer, number, timeout_s=20) for number in range(1, 51)]
        wait_until(lambda: waiting(authorizer) == 50)
        batches.hold.set()
        found = [each.result() for each in (first, *others)]
    assert batches.sizes == [1, 20, 20, 10]
    assert [bool(each) for each in found] == [number % 2 == 0 for number in range(51)]
    assert [each.decision_id for each in found] == [f"P{number} {number}" for number in range(51)]


def test_another_language_is_another_batch() -> None:
    batches = Batches()
    authorizer = BatchingAuthorizer(batches, max_batches=1)  # type: ignore[arg-type]
    with ThreadPoolExecutor(4) as pool:
        begun = [pool.submit(ask, authorizer, 0, language=each) for each in ("en", "zh")]
        batches.began.acquire()
        batches.began.acquire()
        batches.hold.set()
        assert all(each.result() for each in begun)
    assert batches.sizes == [1, 1]


def test_a_question_without_an_answer_fails_alone() -> None:
    batches = Batches()
    batches.hold.set()
    authorizer = BatchingAuthorizer(batches)  # type: ignore[arg-type]
    with pytest.raises(CallFailed) as failed:
        authorizer.authorize("Person:P1", "wrong", "Seal:S1")
    assert (failed.value.code, failed.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    with pytest.raises(ValueError, match="time zone"):
        authorizer.authorize("Person:P1", "use", "Seal:S1", {"at": datetime.datetime(2026, 1, 1)})  # noqa: DTZ001
    assert len(batches.sizes) == 1


def test_a_question_without_an_answer_does_not_show_its_place_in_the_batch() -> None:
    """A caller asked one question, and got `questions[7].resource.id`, which is a place among those of others."""

    def violations(failed: CallFailed | BaseException | None) -> tuple[tuple[tuple[str, str], ...], str]:
        assert isinstance(failed, CallFailed)
        return failed.violations, failed.message

    batches = Batches()
    authorizer = BatchingAuthorizer(batches, max_batches=1)  # type: ignore[arg-type]
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(ask, authorizer, 0, timeout_s=20)
        batches.began.acquire()
        wrong = [
            pool.submit(authorizer.authorize, f"Person:P{number}", "wrong", "Seal:S1", timeout_s=20)
            for number in range(3)
        ]
        wait_until(lambda: waiting(authorizer) == 3)
        batches.hold.set()
        assert first.result()
        found = {violations(each.exception()) for each in wrong}
    assert batches.sizes == [1, 3]
    text = "`resource.id` is too long; `other` is not `resource.id`"
    assert found == {((("resource.id", "is too long"),), text)}

    async def asked() -> None:
        later = AsyncBatches()
        later.go.set()
        tasks = [AsyncBatchingAuthorizer(later).authorize(f"Person:P{n}", "wrong", "Seal:S1") for n in range(3)]  # type: ignore[arg-type]
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert {violations(each) for each in found if isinstance(each, BaseException)} == {
            ((("resource.id", "is too long"),), text)
        }

    asyncio.run(asked())


def test_whoever_does_not_get_an_answer_in_time_leaves_the_others_theirs() -> None:
    batches = Batches()
    authorizer = BatchingAuthorizer(batches, max_batches=1)  # type: ignore[arg-type]
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask, authorizer, 0, timeout_s=20)
        batches.began.acquire()
        hasty = pool.submit(ask, authorizer, 2, timeout_s=0.05)
        patient = pool.submit(ask, authorizer, 4, timeout_s=20)
        with pytest.raises(CallFailed, match="DEADLINE_EXCEEDED"):
            hasty.result(10)
        wait_until(lambda: waiting(authorizer) == 1)
        batches.hold.set()
        assert first.result()
        assert patient.result()
    assert batches.sizes == [1, 1]
    assert batches.timeouts[1] > 10


@pytest.mark.parametrize(
    ("failure", "raised"),
    [(CallFailed(grpc.StatusCode.UNAVAILABLE, "gone", "FACTS_UNAVAILABLE"), CallFailed), (KeyError("token"), KeyError)],
)
def test_a_batch_that_fails_fails_for_all_of_it_and_the_next_goes_on(
    failure: Exception, raised: type[Exception]
) -> None:
    """Whatever ends it: of another error the sender is told, and the others that they have no answer."""
    batches = Batches(lambda number: failure if number == 2 else None)
    authorizer = BatchingAuthorizer(batches, max_questions=5, max_batches=1)  # type: ignore[arg-type]
    with ThreadPoolExecutor(11) as pool:
        first = pool.submit(ask, authorizer, 0, timeout_s=20)
        batches.began.acquire()
        others: list[Future[Any]] = [pool.submit(ask, authorizer, 2 * number, timeout_s=20) for number in range(1, 11)]
        wait_until(lambda: waiting(authorizer) == 10)
        batches.hold.set()
        assert first.result()
        errors = [error for each in others if (error := each.exception()) is not None]
    assert len(errors) == 5
    assert sum(isinstance(error, raised) for error in errors) >= 1
    assert all(isinstance(error, raised | CallFailed) for error in errors)
    assert len({id(error) for error in errors}) == 5, "each thread raises one of its own"
    assert ask(authorizer, 8), "no place was lost"


def test_no_place_is_lost_under_a_storm_of_deadlines() -> None:
    batches = Batches(lambda number: None if number % 3 else CallFailed(grpc.StatusCode.UNAVAILABLE, "gone"))
    batches.hold.set()
    authorizer = BatchingAuthorizer(batches, max_questions=3, max_batches=2)  # type: ignore[arg-type]
    outcomes: list[bool] = []
    lock = threading.Lock()

    def one(number: int) -> None:
        try:
            found = bool(ask(authorizer, 2 * number, timeout_s=0.0005 * (number % 5)))
        except CallFailed:
            found = False
        with lock:
            outcomes.append(found)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(400)))
    assert len(outcomes) == 400
    assert waiting(authorizer) == 0
    assert [line._under_way for line in authorizer._lines.values()] == [0]


@pytest.mark.parametrize("sizes", [{"max_questions": 0}, {"max_questions": 1_001}, {"max_batches": 0}])
def test_sizes_without_sense_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a batch holds"):
        BatchingAuthorizer(Batches(), **sizes)  # type: ignore[arg-type]


def test_tasks_are_batched_in_the_same_way() -> None:
    async def asked() -> None:
        batches = AsyncBatches(lambda number: KeyError("token") if number == 5 else None)
        authorizer = AsyncBatchingAuthorizer(batches, max_questions=4, max_batches=1)  # type: ignore[arg-type]
        tasks = [asyncio.ensure_future(ask(authorizer, number, timeout_s=20)) for number in range(10)]
        hasty = asyncio.ensure_future(ask(authorizer, 98, timeout_s=0.01))
        with pytest.raises(CallFailed, match="DEADLINE_EXCEEDED"):
            await hasty
        tasks[3].cancel()
        await asyncio.gather(tasks[3], return_exceptions=True)
        batches.go.set()
        found = [await each for number, each in enumerate(tasks) if number != 3]
        assert batches.sizes == [1, 4, 4]
        assert [each.decision_id for each in found] == [f"P{n} {n}" for n in range(10) if n != 3]
        with pytest.raises(CallFailed, match="INVALID_ARGUMENT"):
            await authorizer.authorize("Person:P1", "wrong", "Seal:S1")
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        with pytest.raises(CallFailed, match="UNAVAILABLE"):
            await ask(authorizer, 2)
        assert await ask(authorizer, 2)

    asyncio.run(asked())
