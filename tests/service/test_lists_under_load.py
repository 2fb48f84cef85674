"""Many answers that read the database at once: none is refused, and none holds up what memory can answer."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from calls import entity
from conftest import Serve, Served, metadata

from sealauthz.decision import Bundle, PolicyDecisionPoint, system_clock
from sealauthz.decision.listing import Bounds
from sealauthz.decision.question import Entity, Question
from sealauthz.facts import FactCache, Store
from sealauthz.facts.memory.consistency import NO_DEADLINE
from sealauthz.facts.memory.lookups import LookUps
from sealauthz.facts.memory.permits import ReadPermits
from sealauthz.facts.memory.sources import TransactionSource
from sealauthz_client.v1 import authorization_pb2

THREADS, IN_FLIGHT = 8, 64
LIST = authorization_pb2.ListResourcesRequest(
    subject=entity("Person:p-zhou"), action="view", resource_type="SealUse", page_size=50
)
LOOK_UP = authorization_pb2.AuthorizeRequest(
    subject=entity("Person:p-zhou"), action="change_name", resource=entity("Enterprise:e-yunshan")
)
"""Its context needs the contracts of the enterprise, which are looked up by a column."""

FROM_MEMORY = authorization_pb2.AuthorizeRequest(
    subject=entity("Person:p-zhou"), action="view", resource=entity("Seal:seal-official")
)


@pytest.fixture
def store(demo_store: Store) -> Store:
    """What is served has the facts of the demo."""
    return demo_store


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look-up by a column reads the database, as the first of its kind does."""
    monkeypatch.setattr(LookUps, "get", lambda self, key: None)


@pytest.fixture
def served(serve: Serve, store: Store, bundle: Bundle) -> Served:
    fact_cache = FactCache(store, max_age_s=1e9, permits=ReadPermits.for_threads(THREADS, 256))
    # A page has its time although a test holds it up.
    pdp = PolicyDecisionPoint(fact_cache, bundle, bounds=Bounds(seconds=600))
    served = serve(pdp=pdp, permits=fact_cache.permits, threads=THREADS)
    assert ask(served, LIST) == "OK"
    assert ask(served, LOOK_UP) == "OK"
    assert ask(served, FROM_MEMORY) == "OK"
    return served


def ask(served: Served, request: Any, timeout_s: float = 10) -> str:
    """Ask, and return the code."""
    stub = served.authorization
    method = stub.ListResources if request is LIST else stub.Authorize
    try:
        method(request, metadata=metadata(), timeout=timeout_s)
    except grpc.RpcError as error:
        return str(getattr(error, "code")().name)  # noqa: B009
    return "OK"


class Looking:
    """Look-ups in the database, as far as they are of one kind of records: counted, and held up."""

    def __init__(self, record_type: str) -> None:
        self._record_type = record_type
        self._changed = threading.Condition()
        self._is_open = True
        self.count = 0
        self.under_way = 0

    def __call__(self, record_type: str) -> None:
        if record_type != self._record_type:
            return
        with self._changed:
            self.count += 1
            self.under_way += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_open, 60)
            self.under_way -= 1

    def shut(self) -> None:
        self._is_open = False

    def open(self) -> None:
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def wait_for(self, under_way: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.under_way >= under_way, 20)


@pytest.fixture
def looking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Looking]]:
    real = TransactionSource.matching
    made: list[Looking] = []

    def matching(self: TransactionSource, record_type: str, values: Any) -> list[str]:
        for one in made:
            one(record_type)
        return real(self, record_type, values)

    def make(record_type: str) -> Looking:
        made.append(Looking(record_type))
        return made[-1]

    monkeypatch.setattr(TransactionSource, "matching", matching)
    yield make
    for one in made:
        one.open()


@pytest.mark.parametrize(
    "requests", [[LIST], [LOOK_UP], [LIST, LOOK_UP, FROM_MEMORY]], ids=["lists", "look-ups", "both"]
)
def test_64_calls_at_once_that_read_the_database_are_all_answered(
    served: Served, requests: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = TransactionSource.matching

    def far_away(self: TransactionSource, record_type: str, values: Any) -> list[str]:
        time.sleep(0.001)  # as a database does that is not on this machine
        return real(self, record_type, values)

    monkeypatch.setattr(TransactionSource, "matching", far_away)
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        asked = [requests[number % len(requests)] for number in range(3 * IN_FLIGHT)]
        codes = Counter(pool.map(lambda request: ask(served, request), asked))
    assert codes == {"OK": 3 * IN_FLIGHT}


def test_what_memory_answers_is_answered_while_all_others_wait(
    served: Served, looking: Callable[[str], Looking]
) -> None:
    lists, contracts = looking("SealUse"), looking("Contract")
    lists.shut()
    contracts.shut()
    with ThreadPoolExecutor(2 * IN_FLIGHT) as pool:
        waiting = [pool.submit(ask, served, LIST, 60) for _ in range(IN_FLIGHT)]
        lists.wait_for(THREADS // 2 - 1)
        # Lists leave the last turn to others, which wait for each other then.
        waiting += [pool.submit(ask, served, LOOK_UP, 60) for _ in range(IN_FLIGHT // 2)]
        contracts.wait_for(1)
        assert [ask(served, FROM_MEMORY) for _ in range(30)] == ["OK"] * 30
        assert (lists.under_way, contracts.under_way) == (THREADS // 2 - 1, 1)
        assert not any(call.done() for call in waiting)
        contracts.open()
        assert [call.result(60) for call in waiting[IN_FLIGHT:]] == ["OK"] * (IN_FLIGHT // 2)
        assert not any(call.done() for call in waiting[:IN_FLIGHT])
        lists.open()
        assert [call.result(60) for call in waiting] == ["OK"] * len(waiting)


def test_a_call_whose_time_is_over_while_it_waits_is_told_so_and_not_evaluated(
    served: Served, looking: Callable[[str], Looking]
) -> None:
    lists = looking("SealUse")
    lists.shut()
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        first = [pool.submit(ask, served, LIST, 60) for _ in range(THREADS // 2 - 1)]
        lists.wait_for(len(first))
        # A call is refused that needs more than half of its time to get to a thread, which a busy machine makes long.
        late = [pool.submit(ask, served, LIST, 2) for _ in range(20)]
        assert [call.result(20) for call in late] == ["DEADLINE_EXCEEDED"] * 20
        until = time.monotonic() + 20
        while len(ended := [line for line in served.log if line.get("code") == "DEADLINE_EXCEEDED"]) < 20:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert {line["reason"] for line in ended} == {"DEADLINE_PASSED"}
        assert lists.count == len(first)
        lists.open()
        assert [call.result(60) for call in first] == ["OK"] * len(first)


def test_an_answer_that_waited_is_of_the_time_after_the_wait(store: Store, bundle: Bundle) -> None:
    now = [system_clock()]
    fact_cache = FactCache(store, max_age_s=1e9, permits=ReadPermits(1))
    pdp = PolicyDecisionPoint(fact_cache, bundle, now=lambda: now[0])
    asked = Question(Entity("Person", "p-zhou"), "change_name", Entity("Enterprise", "e-yunshan"), {})
    begun = pdp.decide(asked).evaluated_at
    with ThreadPoolExecutor() as pool:
        with fact_cache.permits.turn(NO_DEADLINE):
            waiting = pool.submit(pdp.decide, asked)
            while not fact_cache.permits.waiting:
                time.sleep(0.001)
            now[0] += 10_000_000
        assert waiting.result(20).evaluated_at == begun + 10_000_000
