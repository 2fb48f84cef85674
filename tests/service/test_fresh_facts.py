"""How fresh the facts of an answer are, over a real port: from memory, at least at a token, or the newest."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from calls import refused
from conftest import TOKEN, Serve, Served, demo_database, metadata
from facts_scene import restored

from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.facts.memory.permits import ReadPermits
from sealauthz.model import MODEL
from sealauthz.service.fields import revision_message
from sealauthz_client import NEWEST, CallFailed, Decision, Question, SealAuthzClient, at_least
from sealauthz_client.v1 import authorization_pb2

ZHOU, SEAL = "Person:p-zhou", "Seal:seal-official"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return demo_database(tmp_path)


@pytest.fixture
def other(database: Path) -> Iterator[Store]:
    """The store as another process has it."""
    store = Store.open(f"sqlite:///{database}", MODEL)
    yield store
    store.close()


@pytest.fixture
def served(serve: Serve, store: Store, bundle: Bundle) -> Served:
    return serve(pdp=PolicyDecisionPoint(FactCache(store, max_age_s=1e9), bundle))


@pytest.fixture
def client(served: Served) -> Iterator[SealAuthzClient]:
    with SealAuthzClient(served.address, TOKEN, insecure=True, timeout_s=60) as client:
        yield client


def suspend(store: Store, request_id: str = "r") -> str:
    """Suspend who asks, from another process, and return the token of that revision."""
    member = store.read("Membership", {"person_id": "p-zhou"}).records[0].record
    member.state = "SUSPENDED"
    receipt = store.write(Batch("other", request_id, (Put(member),)))
    return revision_message(store.store_id, receipt.timeline, receipt.revision).token


def test_every_question_may_say_how_fresh_its_facts_must_be(client: SealAuthzClient, other: Store) -> None:
    asked = Question(ZHOU, "view", SEAL)
    before = client.authorize(ZHOU, "view", SEAL)
    assert before
    token = suspend(other)
    assert client.authorize(ZHOU, "view", SEAL).revision == before.revision
    assert "seal-official" in client.list_resources(ZHOU, "view", "Seal").ids
    assert client.authorize(ZHOU, "view", SEAL, consistency=at_least(before.revision_token)).revision == before.revision
    for consistency in (at_least(token), NEWEST):
        answers: list[Any] = [
            client.authorize(ZHOU, "view", SEAL, consistency=consistency),
            *client.authorize_batch([asked, asked], consistency=consistency),
            client.list_actions(ZHOU, SEAL, consistency=consistency)["view"],
            client.explain(ZHOU, "view", SEAL, consistency=consistency).decision,
        ]
        assert [(bool(answer), answer.revision) for answer in answers] == [(False, before.revision + 1)] * 5
        seals = client.list_resources(ZHOU, "view", "Seal", consistency=consistency)
        persons = client.list_subjects("Person", "view", SEAL, consistency=consistency)
        assert "seal-official" not in seals.ids
        assert "p-zhou" not in persons.ids
        assert seals.revision == persons.revision == before.revision + 1


def test_an_answer_says_how_old_its_facts_may_be(client: SealAuthzClient) -> None:
    first = client.authorize(ZHOU, "view", SEAL)
    time.sleep(0.3)
    later = client.authorize(ZHOU, "view", SEAL)
    assert later.facts_age >= first.facts_age + datetime.timedelta(seconds=0.25)
    assert client.authorize(ZHOU, "view", SEAL, consistency=NEWEST).facts_age < datetime.timedelta(seconds=0.25)


@pytest.mark.parametrize(
    ("token", "code", "reason"),
    [
        ("nonsense!", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ("", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ("W10", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ("x" * 600, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        (revision_message("another", "t", 1).token, grpc.StatusCode.FAILED_PRECONDITION, "REVISION_UNKNOWN"),
    ],
)
def test_a_token_that_is_none_or_of_another_store_is_refused(
    served: Served, token: str, code: grpc.StatusCode, reason: str
) -> None:
    request = authorization_pb2.AuthorizeRequest(
        subject=authorization_pb2.Entity(type="Person", id="p-zhou"),
        action="view",
        resource=authorization_pb2.Entity(type="Seal", id="seal-official"),
        consistency=authorization_pb2.Consistency(at_least_as_fresh=token),
    )
    refusal = refused(served.authorization.Authorize, request)
    assert (refusal.code, refusal.reason) == (code, reason)


def test_a_token_of_a_history_that_was_restored_away_is_refused(client: SealAuthzClient, other: Store) -> None:
    token = client.authorize(ZHOU, "view", SEAL).revision_token
    restored(other)
    assert client.authorize(ZHOU, "view", SEAL, consistency=NEWEST)
    with pytest.raises(CallFailed) as caught:
        client.authorize(ZHOU, "view", SEAL, consistency=at_least(token))
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REVISION_UNKNOWN")
    # Also for those who do not ask for more, the token that they get is of the new history.
    assert client.authorize(ZHOU, "view", SEAL).revision_token != token


def test_a_revision_that_never_comes_is_waited_for_no_longer_than_the_deadline(
    client: SealAuthzClient, other: Store
) -> None:
    found = client.authorize(ZHOU, "view", SEAL)
    with other.read_transaction() as snapshot:
        token = revision_message(other.store_id, snapshot.timeline, found.revision + 5).token
    with pytest.raises(CallFailed) as caught:
        client.authorize(ZHOU, "view", SEAL, consistency=at_least(token), timeout_s=0.5)
    assert caught.value.code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_batch_is_of_one_revision_however_others_write(client: SealAuthzClient, other: Store) -> None:
    asked = [Question(ZHOU, "view", SEAL)] * 50
    for number in range(5):
        member = other.read("Membership", {"person_id": "p-zhou"}).records[0].record
        member.state = "SUSPENDED" if number % 2 == 0 else "ACTIVE"
        other.write(Batch("other", f"r{number}", (Put(member),)))
        answers = client.authorize_batch(asked, consistency=NEWEST)
        assert all(isinstance(answer, Decision) for answer in answers)
        assert len({(bool(answer), getattr(answer, "revision", 0)) for answer in answers}) == 1
        assert bool(answers[0]) == (number % 2 == 1)


def test_calls_that_wait_for_a_token_hold_up_no_answer_from_memory(
    serve: Serve, store: Store, bundle: Bundle, other: Store
) -> None:
    threads = 4
    fact_cache = FactCache(store, max_age_s=1e9, permits=ReadPermits.for_threads(threads, max_calls=64))
    served = serve(
        pdp=PolicyDecisionPoint(fact_cache, bundle),
        permits=fact_cache.permits,
        threads=threads,
        max_concurrent_calls=64,
    )
    with SealAuthzClient(served.address, TOKEN, insecure=True, timeout_s=20) as client:
        found = client.authorize(ZHOU, "view", SEAL)
        with other.read_transaction() as snapshot:
            to_come = revision_message(other.store_id, snapshot.timeline, found.revision + 1).token
        request = authorization_pb2.AuthorizeRequest(
            subject=authorization_pb2.Entity(type="Person", id="p-zhou"),
            action="view",
            resource=authorization_pb2.Entity(type="Seal", id="seal-official"),
            consistency=at_least(to_come),
        )
        calls = [served.authorization.Authorize.future(request, timeout=60, metadata=metadata()) for _ in range(32)]
        # So many may wait, eight times as many as there are threads; none of them is refused, and none holds one up.
        for _ in range(20):
            assert client.authorize(ZHOU, "view", SEAL)
        assert not any(_ended_within(call, 0) for call in calls)
        # One more would leave too little room for others.
        while fact_cache.permits.waiting < 32:
            time.sleep(0.01)
        with pytest.raises(grpc.RpcError) as caught:
            served.authorization.Authorize(request, timeout=20, metadata=metadata())
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        suspend(other)
        assert {call.result().decision.effect for call in calls} == {authorization_pb2.EFFECT_DENY}


def _ended_within(call: Any, seconds: float) -> bool:
    try:
        call.exception(seconds)
    except grpc.FutureTimeoutError:
        return False
    return True
