"""When a call is sent again: never where it might take effect twice, never past its deadline, and never in a storm."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from sealauthz_client import CallFailed, RenewedAsyncToken, RenewedToken, RetryPolicy, Token, tokens
from sealauthz_client.calls import Call, Repeats, Rpc
from sealauthz_client.error_details import details_of
from sealauthz_client.retrying import Attempts, RetryBudget
from sealauthz_client.v1 import authorization_pb2

OUT = CallFailed(grpc.StatusCode.UNAVAILABLE, "nobody is there")
BUSY = CallFailed(grpc.StatusCode.RESOURCE_EXHAUSTED, "later", "SERVICE_BUSY", retry_after_s=0.4)
POLICY = RetryPolicy(hedge_after_s=0.01)


def call(repeats: Repeats = Repeats.READS) -> Call[bool]:
    rpc = Rpc(authorization_pb2.AuthorizeRequest, authorization_pb2.AuthorizeResponse, repeats)
    return rpc.call(authorization_pb2.AuthorizeRequest(), bool)


def attempts(of: Call[bool], policy: RetryPolicy = POLICY, deadline: float = 10.0) -> Attempts:
    return Attempts(of, policy, RetryBudget(policy), deadline)


def test_an_rpc_is_found_by_its_request() -> None:
    assert call().rpc.path == "/sealauthz.v1.AuthorizationService/Authorize"
    wrong = Rpc(authorization_pb2.AuthorizeRequest, authorization_pb2.ExplainResponse, Repeats.READS)
    with pytest.raises(LookupError, match=r"AuthorizeRequest"):
        _ = wrong.path


def test_what_may_take_effect_twice_is_sent_once() -> None:
    assert attempts(call(Repeats.NEVER)).wait_s(OUT, 0.0) is None
    # A server that refused to begin has done nothing.
    assert attempts(call(Repeats.NEVER)).wait_s(BUSY, 0.0) is not None


@pytest.mark.parametrize("repeats", [each for each in Repeats if each is not Repeats.READS])
def test_only_what_reads_little_is_sent_beside_itself(repeats: Repeats) -> None:
    assert attempts(call()).hedge_after_s == 0.01
    assert attempts(call(repeats)).hedge_after_s is None


@pytest.mark.parametrize("code", [each for each in grpc.StatusCode if each.name not in ("UNAVAILABLE", "CANCELLED")])
def test_a_refusal_is_not_repeated(code: grpc.StatusCode) -> None:
    assert attempts(call()).wait_s(CallFailed(code, "no"), 0.0) is None


def test_what_the_server_says_is_waited_out_but_not_past_the_deadline() -> None:
    wait_s = attempts(call()).wait_s(BUSY, 0.0)
    assert wait_s is not None
    assert 0.4 < wait_s <= 0.45
    assert attempts(call(), deadline=0.4).wait_s(BUSY, 0.0) is None
    out = CallFailed(grpc.StatusCode.UNAVAILABLE, "no facts", retry_after_s=0.5)
    assert (attempts(call()).wait_s(out, 0.0) or 0) > 0.5


def test_attempts_and_pauses_are_bounded() -> None:
    made = attempts(call(), deadline=1e9)
    waits = [made.wait_s(OUT, 0.0) for _ in range(6)]
    assert waits[5] is None
    for number, wait_s in enumerate(waits[:5]):
        assert wait_s is not None
        assert 0.025 * 2**number <= wait_s <= 0.05 * 2**number


@pytest.mark.parametrize("failed", [OUT, BUSY, CallFailed(grpc.StatusCode.CANCELLED, "drained")])
def test_what_takes_effect_once_is_sent_until_its_deadline(failed: CallFailed) -> None:
    """An act of 30 seconds ended after 6 attempts and a second, and its caller did not know whether it was done."""
    made = attempts(call(Repeats.TAKES_EFFECT_ONCE), deadline=30.0)
    now, sent = 0.0, 1
    while (wait_s := made.wait_s(failed, now)) is not None:
        assert wait_s <= 2.0 or failed.retry_after_s
        now, sent = now + wait_s, sent + 1
        assert now < 30.0
    assert now > 28.0
    assert sent > 15


@pytest.mark.parametrize("repeats", Repeats)
def test_one_attempt_is_not_followed_by_another(repeats: Repeats) -> None:
    """Acts were repeated until their deadline although the caller wanted one attempt."""
    assert attempts(call(repeats), RetryPolicy(max_attempts=1), deadline=30.0).wait_s(OUT, 0.0) is None


def test_what_takes_effect_once_is_sent_less_often_without_budget() -> None:
    made = attempts(call(Repeats.TAKES_EFFECT_ONCE), RetryPolicy(budget=0), deadline=30.0)
    now = 0.0
    waits = []
    while (wait_s := made.wait_s(OUT, now)) is not None:
        waits.append(wait_s)
        now += wait_s
    assert set(waits) == {2.0}
    assert len(waits) == 14
    hasty = attempts(call(Repeats.TAKES_EFFECT_ONCE), RetryPolicy(budget=0), deadline=2.0)
    assert hasty.wait_s(OUT, 0.0) is None, "a storm is no larger than that of the calls"


def test_when_nothing_answers_repetitions_are_a_small_share_of_the_load() -> None:
    """A client that makes 10,000 calls to a server that is gone sends 11,000, not 60,000."""
    budget = RetryBudget(POLICY)
    sent = 0
    for _ in range(10_000):
        one = Attempts(call(), POLICY, budget, 1e9)
        sent += 1
        while one.wait_s(OUT, 0.0) is not None:
            sent += 1
    assert sent == 11_000
    for _ in range(5):
        budget.answered()
    assert budget.take()
    assert not budget.take()


def test_a_budget_is_not_overdrawn_by_many_threads() -> None:
    budget = RetryBudget(RetryPolicy(budget=50))
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: budget.take(), range(500))) == 50


def test_hedges_are_bounded_and_cost_of_the_budget() -> None:
    policy = RetryPolicy(hedge_after_s=0.01, max_hedges=2, budget=4)
    budget = RetryBudget(policy)
    made = Attempts(call(), policy, budget, 10.0)
    assert [made.take_hedge(1) for _ in range(3)] == [True, True, False]
    assert [budget.take() for _ in range(3)] == [True, True, False], "half is kept for calls that have failed"
    assert not attempts(call(), RetryPolicy(hedge_after_s=0.01, max_hedges=2)).take_hedge(3)


@pytest.mark.parametrize(
    "wrong", [{"max_attempts": 0}, {"budget": -1}, {"budget_share": 2}, {"first_pause_s": 0}, {"hedge_after_s": -1}]
)
def test_a_policy_without_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="retry policy"):
        RetryPolicy(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("trailer", [None, (), (("grpc-status-details-bin", b"\xff\xff"),), (("other", "x"),)])
def test_a_trailer_that_cannot_be_read_hides_no_error(trailer: tuple[tuple[str, str | bytes], ...] | None) -> None:
    assert details_of(trailer).reason == ""


class Issuer:
    """Issues numbered tokens."""

    def __init__(self, lifetime_s: float = 100.0) -> None:
        self.lifetime_s = lifetime_s
        self.issued = 0
        self.is_out = False

    def __call__(self) -> Token:
        if self.is_out:
            raise ConnectionError("the issuer is away")
        self.issued += 1
        return Token(f"t{self.issued}", self.lifetime_s)

    async def later(self) -> Token:
        await asyncio.sleep(0)
        return self()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr(tokens.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize("kind", ["threads", "asyncio"])
def test_a_token_is_renewed_before_its_end_and_shown_until_then(kind: str, clock: list[float]) -> None:
    issuer = Issuer()
    source = RenewedToken(issuer) if kind == "threads" else RenewedAsyncToken(issuer.later)

    def current() -> str:
        return source.current() if isinstance(source, RenewedToken) else asyncio.run(source.current())

    assert [current(), current()] == ["t1", "t1"]
    clock[0] += 69
    assert current() == "t1"
    clock[0] += 2
    issuer.is_out = True
    assert current() == "t1", "it still holds"
    issuer.is_out = False
    assert current() == "t2"
    source.refused("t1")
    assert current() == "t2", "another call has renewed it"
    source.refused("t2")
    issuer.is_out = True
    with pytest.raises(ConnectionError):
        current()
    issuer.is_out = False
    assert current() == "t3"
    clock[0] += 101
    issuer.is_out = True
    with pytest.raises(ConnectionError):
        current()


def test_one_thread_fetches_for_all() -> None:
    issuer, go = Issuer(), threading.Event()

    def slow() -> Token:
        go.wait(10)
        return issuer()

    source = RenewedToken(slow)
    with ThreadPoolExecutor(8) as pool:
        shown = [pool.submit(source.current) for _ in range(8)]
        go.set()
        assert {each.result() for each in shown} == {"t1"}


def test_one_task_fetches_for_all() -> None:
    async def shown() -> set[str]:
        source = RenewedAsyncToken(Issuer().later)
        return set(await asyncio.gather(*(source.current() for _ in range(8))))

    assert asyncio.run(shown()) == {"t1"}
