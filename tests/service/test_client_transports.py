"""The clients of threads and of asyncio do the same with a real server: they share all but the sending."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from conftest import TOKEN, Serve, Served
from fake_acts import FakeActs
from fake_pdp import FakePdp, allow, deny

from sealauthz.runtime.errors import FactsUnavailable
from sealauthz_client import (
    AsyncSealAuthzClient,
    CallFailed,
    Question,
    RenewedAsyncToken,
    RenewedToken,
    RetryPolicy,
    SealAuthzClient,
    Token,
    put,
)
from sealauthz_client.v1 import records_pb2

QUESTION = ("Person:P1", "use", "Seal:S1", {"task": "T1"})
Run = Callable[..., Any]


async def _all(found: Any, most: int) -> Any:
    if not hasattr(found, "__aiter__"):
        return await found
    taken = []
    async for each in found:
        taken.append(each)
        if len(taken) == most:
            break
    return taken


@pytest.fixture(params=["threads", "asyncio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Call one method of a fresh client; of what it iterates over, take `most`."""

    def with_threads(
        served: Served, method: str, *arguments: Any, most: int = 99, settings: Any = None, **how: Any
    ) -> Any:
        settings = {"token": TOKEN, "timeout_s": 10, **(settings or {})}
        with SealAuthzClient(served.address, insecure=True, **settings) as client:
            found = getattr(client, method)(*arguments, **how)
            return list(itertools.islice(found, most)) if inspect.isgenerator(found) else found

    def with_asyncio(
        served: Served, method: str, *arguments: Any, most: int = 99, settings: Any = None, **how: Any
    ) -> Any:
        settings = {"token": TOKEN, "timeout_s": 10, **(settings or {})}

        async def asked() -> Any:
            async with AsyncSealAuthzClient(served.address, insecure=True, **settings) as client:
                return await _all(getattr(client, method)(*arguments, **how), most)

        return asyncio.run(asked())

    run = with_threads if request.param == "threads" else with_asyncio
    run.kind = request.param  # type: ignore[attr-defined]
    return run


def test_both_clients_have_the_same_calls() -> None:
    def calls(of: type) -> dict[str, list[str]]:
        found = {name: each for name, each in vars(of).items() if not name.startswith("_")}
        return {name: list(inspect.signature(each).parameters) for name, each in found.items()}

    assert calls(SealAuthzClient) == calls(AsyncSealAuthzClient)
    assert len(calls(SealAuthzClient)) > 35
    assert all(each.__doc__ for name, each in vars(AsyncSealAuthzClient).items() if not name.startswith("_"))


def test_questions_lists_and_facts(run: Run, serve: Serve) -> None:
    served = serve()
    decision = run(served, "authorize", *QUESTION)
    assert decision
    assert decision.obligations[0].code == "DECREMENT_USE"
    answers = run(served, "authorize_batch", [Question(*QUESTION), Question("Person:P1", "", "Seal:S1")])
    assert [bool(each) for each in answers] == [True, False]
    pages = run(served, "resource_pages", "Person:P1", "use", "Seal")
    assert [(page.ids, page.is_complete) for page in pages] == [(("A0",), False), (("A1",), True)]
    seal = records_pb2.Seal(id="S9", enterprise_id="E1", name="x", kind=records_pb2.SEAL_KIND_OTHER)
    begun = run(served, "watch_changes", most=1)
    written = run(served, "write_facts", [put(seal)])
    (seen,) = run(served, "watch_changes", begun[0].revision_token, most=1)
    assert (seen.revision, seen.changes[0].key.id) == (written.revision, "S9")


def test_an_import_goes_part_by_part(run: Run, serve: Serve) -> None:
    seals = [
        records_pb2.Seal(id=f"B{number}", enterprise_id="E1", name="x", kind=records_pb2.SEAL_KIND_OTHER)
        for number in range(30)
    ]
    done = run(serve(), "import_facts", "I1", ["E1"], seals, part_size=3)
    assert (done.parts, done.facts, done.is_finished) == (10, 30, True)


def test_a_deny_is_an_answer_and_a_refusal_is_not(run: Run, serve: Serve) -> None:
    assert not run(serve(pdp=FakePdp(deny)), "authorize", *QUESTION)
    with pytest.raises(CallFailed) as failed:
        run(serve(), "authorize", "Person:P1", "", "Seal:S1")
    assert (failed.value.code, failed.value.violations) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        (("action", "is required"),),
    )


def test_an_act_that_failed_names_the_request_to_ask_again_with(run: Run, serve: Serve) -> None:
    served = serve()
    served.server.stop(0)
    with pytest.raises(CallFailed) as failed:
        run(served, "perform", *QUESTION, request_id="R1", settings={"timeout_s": 0.1})
    assert failed.value.request_id == "R1"


def test_an_act_is_sent_until_its_deadline(run: Run, serve: Serve) -> None:
    """The service is away for longer than six attempts take, and back before the deadline of the act."""
    calls = []

    def back_later(asked: Any) -> Any:
        calls.append(asked)
        if len(calls) <= 20:
            raise FactsUnavailable("the facts cannot be read now")
        return allow(asked)

    acts = FakeActs(back_later)
    often = {"timeout_s": 60, "retry": RetryPolicy(first_pause_s=0.001, longest_pause_s=0.01)}
    assert run(serve(acts=acts), "perform", *QUESTION, request_id="R1", settings=often)
    assert (len(calls), acts.done) == (21, ["R1"])


class Slow:
    """Answers the first question when it is told to, and others at once."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = threading.Event()

    def __call__(self, asked: Any) -> Any:
        self.asked += 1
        if self.asked == 1:
            self.go.wait(20)
        return allow(asked)


def test_a_question_that_takes_long_is_asked_a_second_time(run: Run, serve: Serve) -> None:
    slow = Slow()
    served = serve(pdp=FakePdp(slow, waits=True))
    try:
        hedged = {"retry": RetryPolicy(hedge_after_s=0.05)}
        began = time.monotonic()
        assert run(served, "authorize", *QUESTION, settings=hedged)
        assert time.monotonic() - began < 10
        assert slow.asked == 2
    finally:
        slow.go.set()


def test_where_all_that_were_sent_fail_the_call_fails(run: Run, serve: Serve) -> None:
    def out(asked: Any) -> Any:
        raise FactsUnavailable("the facts cannot be read now")

    hedged = {"retry": RetryPolicy(hedge_after_s=0.001, max_attempts=1)}
    with pytest.raises(CallFailed, match="UNAVAILABLE"):
        run(serve(pdp=FakePdp(out)), "authorize", *QUESTION, settings=hedged)


def test_an_empty_budget_ends_repetitions(run: Run, serve: Serve) -> None:
    calls = []

    def out(asked: Any) -> Any:
        calls.append(asked)
        raise FactsUnavailable("the facts cannot be read now")

    with pytest.raises(CallFailed, match="UNAVAILABLE"):
        run(serve(pdp=FakePdp(out)), "authorize", *QUESTION, settings={"retry": RetryPolicy(budget=0)})
    assert len(calls) == 1


def test_a_token_that_the_server_does_not_know_any_more_is_renewed_once(run: Run, serve: Serve) -> None:
    issued = iter(["old", TOKEN, "never"])

    def fetch() -> Token:
        return Token(next(issued), 3600)

    async def later() -> Token:
        return fetch()

    source = RenewedToken(fetch) if run.kind == "threads" else RenewedAsyncToken(later)  # type: ignore[attr-defined]
    assert run(serve(), "authorize", *QUESTION, settings={"token": source})
    assert next(issued) == "never"


def test_a_token_that_stays_unknown_is_shown_once_more_and_no_longer(run: Run, serve: Serve) -> None:
    issued = []

    def fetch() -> Token:
        issued.append(f"wrong{len(issued)}")
        return Token(issued[-1], 3600)

    async def later() -> Token:
        return fetch()

    source = RenewedToken(fetch) if run.kind == "threads" else RenewedAsyncToken(later)  # type: ignore[attr-defined]
    with pytest.raises(CallFailed, match="UNAUTHENTICATED"):
        run(serve(), "authorize", *QUESTION, settings={"token": source})
    assert len(issued) == 2


def test_a_watch_of_asyncio_ends_when_its_client_is_closed_or_its_task_cancelled(serve: Serve) -> None:
    served = serve()

    async def watched() -> None:
        client = AsyncSealAuthzClient(served.address, TOKEN, insecure=True)
        begun = [asyncio.Event(), asyncio.Event()]

        async def watch(event: asyncio.Event) -> str:
            async for _ in client.watch_changes():
                event.set()
            return "ended"

        tasks = [asyncio.ensure_future(watch(event)) for event in begun]
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in begun)), 10)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await client.close()
        assert await asyncio.wait_for(tasks[1], 10) == "ended"

    asyncio.run(watched())
