"""The client, against a real server."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import queue
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
import trustme
from conftest import TOKEN, Serve, Served, trusted
from fake_pdp import NOW, FakePdp, allow, deny

from sealauthz.decision import Entity
from sealauthz.decision.question import ListQuery
from sealauthz.polar.reach import Root
from sealauthz.runtime.errors import FactsUnavailable, RevisionGone, ServiceBusy
from sealauthz_client import (
    AsyncSealAuthzClient,
    CallFailed,
    NextStep,
    NoAnswer,
    Obligation,
    Question,
    SealAuthzClient,
    absent,
    at_revision,
    delete,
    exists,
    put,
)
from sealauthz_client.v1 import records_pb2

EVALUATED_AT = datetime.datetime(2025, 10, 9, 8, 53, 20, 123456, datetime.UTC)


class Opened:
    """Opens clients of servers, and closes them."""

    def __init__(self) -> None:
        self.clients: list[SealAuthzClient] = []

    def __call__(self, served: Served, token: str = TOKEN, **settings: Any) -> SealAuthzClient:
        client = SealAuthzClient(served.address, token, insecure=True, **{"timeout_s": 10, **settings})
        self.clients.append(client)
        return client


@pytest.fixture
def connect() -> Iterator[Opened]:
    opened = Opened()
    yield opened
    for client in opened.clients:
        client.close()


def test_an_allow_is_true_and_says_until_when_and_what_is_owed(serve: Serve, connect: Opened) -> None:
    decision = connect(serve()).authorize("Person:P1", "use", "Seal:S1", {"task": "T1"})
    assert decision
    assert decision.obligations == (Obligation("DECREMENT_USE", {"grant": "G1"}),)
    assert (decision.decision_id, decision.policy_version, decision.revision) == ("D1", "v1", 7)
    assert int(EVALUATED_AT.timestamp()) == NOW // 1_000_000
    assert decision.evaluated_at == EVALUATED_AT
    assert decision.valid_until - decision.evaluated_at == datetime.timedelta(minutes=1)


def test_a_deny_is_false_and_says_why_and_what_to_do(serve: Serve, connect: Opened) -> None:
    decision = connect(serve(pdp=FakePdp(deny))).authorize("Person:P1", "use", "Seal:S1")
    assert not decision
    step = NextStep("JOIN_ENTERPRISE", {"enterprise": "E1", "waiting": 2})
    assert decision.next_steps == (step,)
    reason = decision.reasons[0]
    assert (reason.code, reason.stage, reason.requirement) == ("NOT_A_MEMBER", 40, "MEMBER")
    assert reason.next_steps == (step,)
    assert not reason.is_for_operators


def test_a_question_without_an_answer_is_false(serve: Serve, connect: Opened) -> None:
    answers = connect(serve()).authorize_batch(
        [Question("Person:P1", "use", "Seal:S1"), Question("Person:P1", "", "Seal:S1")]
    )
    assert [bool(answer) for answer in answers] == [True, False]
    no_answer = answers[1]
    assert isinstance(no_answer, NoAnswer)
    assert (no_answer.code, no_answer.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert no_answer.violations == (("questions[1].action", "is required"),)


def test_actions_and_explanations_arrive(serve: Serve, connect: Opened) -> None:
    pdp = FakePdp(lambda asked: allow(asked) if asked.action == "use" else deny(asked))
    client = connect(serve(pdp=pdp))
    actions = client.list_actions("Person:P1", "Seal:S1")
    assert {action: bool(decision) for action, decision in actions.items()} == {"use": True, "freeze": False}
    explanation = client.explain("Person:P1", "freeze", "Seal:S1")
    assert not explanation
    assert [(item.requirement, item.standing) for item in explanation.requirements] == [
        ("MEMBER", "UNMET"),
        ("NO_RISK", "UNMET"),
        ("FRESH_FACE", "WAIVED"),
    ]
    assert explanation.requirements[0].tried[0].rules == ("M-01",)
    (stopped,) = explanation.requirements[0].attempts
    assert (stopped.rule, stopped.is_met) == (explanation.requirements[0].tried[0], False)
    assert (stopped.condition, stopped.file, stopped.line) == ("is_member(person)", "membership.polar", 13)
    assert (stopped.under[0].values, stopped.under[0].under) == (('"ENDED"', '"ACTIVE"'), ())
    (held,) = explanation.requirements[2].attempts
    assert (held.is_met, held.condition, held.file, held.line, held.values) == (True, "", "", 0, ())


def test_lists_arrive_page_by_page(serve: Serve, connect: Opened) -> None:
    pdp = FakePdp()
    client = connect(serve(pdp=pdp))
    page = client.list_resources("Person:P1", "use", "Seal", {"task": "T1"}, page_size=1)
    assert (page.ids, page.is_complete, page.next_page_token) == (("A0",), False, "T1")
    assert (page.revision, page.policy_version, page.evaluated_at) == (7, "v1", EVALUATED_AT)
    assert page.valid_until - page.evaluated_at == datetime.timedelta(minutes=1)
    last = client.list_resources("Person:P1", "use", "Seal", page_token=page.next_page_token)
    assert (last.ids, last.is_complete, last.next_page_token) == (("A1",), True, "")
    query, paging = pdp.listed[0]
    assert query == ListQuery(Root.SUBJECT, Entity("Person", "P1"), "use", "Seal", {"task": "T1"})
    assert (paging.size, paging.token) == (1, "")
    assert pdp.deadline.at is not None
    assert client.list_subjects("Person", "use", "Seal:S1").ids == ("A0",)
    assert pdp.listed[-1][0] == ListQuery(Root.RESOURCE, Entity("Seal", "S1"), "use", "Person")


def test_all_pages_of_a_list_come_one_after_the_other(serve: Serve, connect: Opened) -> None:
    client = connect(serve())
    for pages in (client.resource_pages("Person:P1", "use", "Seal"), client.subject_pages("Person", "use", "Seal:S1")):
        assert [(page.ids, page.is_complete) for page in pages] == [(("A0",), False), (("A1",), True)]


def test_a_list_that_cannot_go_on_raises_where_it_stops(serve: Serve, connect: Opened) -> None:
    class Moving(FakePdp):
        def list_page(self, query: Any, paging: Any = None, *terms: Any) -> Any:
            if paging.token:
                raise RevisionGone("the facts have changed since the first page; begin again without a page token")
            return super().list_page(query, paging, *terms)

    pages = connect(serve(pdp=Moving())).resource_pages("Person:P1", "use", "Seal")
    assert next(pages).ids == ("A0",)
    with pytest.raises(CallFailed) as caught:
        next(pages)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.ABORTED, "REVISION_GONE")


def test_facts_are_written_and_read(serve: Serve, connect: Opened) -> None:
    client = connect(serve())
    seal = records_pb2.Seal(id="S3", enterprise_id="E1", name="x", kind=records_pb2.SEAL_KIND_OTHER)
    first = client.write_facts([put(seal)], [absent("Seal", "S3"), exists("Seal", "S1")], request_id="R1")
    again = client.write_facts([put(seal)], [exists("Seal", "S1"), absent("Seal", "S3")], request_id="R1")
    assert (first.is_replay, again.is_replay, again.revision) == (False, True, first.revision)
    page = client.read_facts("Seal", {"enterprise_id": "E1"}, page_size=1)
    assert [stored.fact.seal.id for stored in page.facts] == ["S1"]
    page = client.read_facts("Seal", {"enterprise_id": "E1"}, page_size=1, page_token=page.next_page_token)
    assert ([stored.fact.seal.id for stored in page.facts], page.next_page_token) == (["S3"], "")
    client.write_facts([delete("SealHold", "none")], [at_revision("Seal", "S3", first.revision)])


def test_a_refused_call_says_why(serve: Serve, connect: Opened) -> None:
    served = serve()
    with pytest.raises(CallFailed) as caught:
        connect(served).authorize("Person:P1", "", "Seal:S1")
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert caught.value.violations == (("action", "is required"),)
    bad = records_pb2.Enterprise(id="E9", name="x", uscc="91350100M000100Y4Z")
    with pytest.raises(CallFailed) as caught:
        connect(served).write_facts([put(bad)])
    assert caught.value.metadata == {"invariant": "I2"}
    with pytest.raises(CallFailed, match="UNAUTHENTICATED"):
        connect(served, "nobody").authorize("Person:P1", "use", "Seal:S1")


def test_a_context_value_keeps_its_type(serve: Serve, connect: Opened) -> None:
    pdp = FakePdp()
    context = {"a": "text", "b": 7, "c": True, "d": EVALUATED_AT}
    connect(serve(pdp=pdp)).authorize("Person:P1", "use", "Seal:S1", context)
    assert pdp.asked[0].context == {"a": "text", "b": 7, "c": True, "d": NOW}
    with pytest.raises(ValueError, match="time zone"):
        connect(serve()).authorize("Person:P1", "use", "Seal:S1", {"at": datetime.datetime(2026, 1, 1)})  # noqa: DTZ001


class Flaky:
    """Fails some times before it answers."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or FactsUnavailable("the facts cannot be read now")
        self.calls = 0

    def __call__(self, asked: Any) -> Any:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return allow(asked)


@pytest.mark.parametrize("error", [None, ServiceBusy("too many calls wait for facts")])
def test_an_unavailable_or_busy_service_is_asked_again(serve: Serve, connect: Opened, error: Exception | None) -> None:
    flaky = Flaky(2, error)
    assert connect(serve(pdp=FakePdp(flaky))).authorize("Person:P1", "use", "Seal:S1")
    assert flaky.calls == 3


def test_a_busy_service_is_left_alone_for_as_long_as_it_says(serve: Serve, connect: Opened) -> None:
    flaky = Flaky(1, ServiceBusy("slow down", 0.4))
    client = connect(serve(pdp=FakePdp(flaky)))
    began = time.monotonic()
    assert client.authorize("Person:P1", "use", "Seal:S1")
    assert time.monotonic() - began >= 0.4
    flaky.calls = 0
    began = time.monotonic()
    with pytest.raises(CallFailed) as caught:
        client.authorize("Person:P1", "use", "Seal:S1", timeout_s=0.3)
    assert (caught.value.reason, caught.value.retry_after_s) == ("SERVICE_BUSY", 0.4)
    assert flaky.calls == 1, "an attempt was made that was to be in vain"


def test_retries_are_bounded(serve: Serve, connect: Opened) -> None:
    flaky = Flaky(100)
    with pytest.raises(CallFailed) as caught:
        connect(serve(pdp=FakePdp(flaky))).authorize("Person:P1", "use", "Seal:S1")
    assert caught.value.code == grpc.StatusCode.UNAVAILABLE
    assert flaky.calls == 6


def test_a_deny_and_a_refusal_are_not_asked_again(serve: Serve, connect: Opened) -> None:
    pdp = FakePdp(deny)
    client = connect(serve(trusted(tenants=frozenset({"E1"})), pdp=pdp))
    assert not client.authorize("Person:P1", "use", "Seal:S1")
    with pytest.raises(CallFailed, match="PERMISSION_DENIED"):
        client.authorize("Person:P1", "use", "Seal:S2")
    assert len(pdp.asked) == 2


def test_a_call_ends_within_its_timeout_retries_included(serve: Serve, connect: Opened) -> None:
    def slow(asked: Any) -> Any:
        time.sleep(0.5)
        return allow(asked)

    client = connect(serve(pdp=FakePdp(slow, waits=True)))
    started = time.monotonic()
    with pytest.raises(CallFailed) as caught:
        client.authorize("Person:P1", "use", "Seal:S1", timeout_s=0.1)
    assert caught.value.code == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - started < 0.45


def test_a_server_that_is_replaced_loses_no_call(serve: Serve, connect: Opened) -> None:
    served = serve()
    client = connect(served)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(client.authorize, "Person:P1", "use", "Seal:S1") for _ in range(50)]
        served.server.stop(2)
        serve(listen=served.address)
        assert all(call.result(20) for call in calls)


class FarAway:
    """A way to a server that takes every byte a while, in both directions."""

    def __init__(self, address: str, delay_s: float) -> None:
        host, _, port = address.rpartition(":")
        self._to = (host, int(port))
        self._delay_s = delay_s
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listening]
        self.connections = 0
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                self.connections += 1
                self._open.append(near)
                try:
                    far = socket.create_connection(self._to)
                except OSError:  # nobody is there now
                    near.close()
                    continue
                self._open.append(far)
                for source, target in ((near, far), (far, near)):
                    travelling: queue.Queue[tuple[float, bytes]] = queue.Queue()
                    threading.Thread(target=self._take, args=(source, travelling), daemon=True).start()
                    threading.Thread(target=self._bring, args=(travelling, target), daemon=True).start()

    def _take(self, source: socket.socket, travelling: queue.Queue[tuple[float, bytes]]) -> None:
        some = b"-"
        while some:
            try:
                some = source.recv(65_536)
            except OSError:
                some = b""
            travelling.put((time.monotonic() + self._delay_s, some))

    def _bring(self, travelling: queue.Queue[tuple[float, bytes]], target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                due, some = travelling.get()
                time.sleep(max(due - time.monotonic(), 0))
                if not some:
                    target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(some)


@pytest.mark.parametrize("round_trip_s", [0.1, 0.2])
def test_a_server_that_is_far_away_is_reached_at_once_and_takes_turns(serve: Serve, round_trip_s: float) -> None:
    """One attempt at the first call; calls above the server's limit of streams wait, and none is refused; after the
    server was replaced the first attempt that can succeed does.
    """
    served = serve(max_concurrent_calls=2 * STREAMS, caller_share=0.5)
    way = FarAway(served.address, round_trip_s / 2)

    async def ask(client: AsyncSealAuthzClient, count: int) -> float:
        began = time.monotonic()
        answered = await asyncio.gather(*(client.authorize("Person:P1", "use", "Seal:S1") for _ in range(count)))
        assert all(answered)
        return time.monotonic() - began

    async def calls() -> None:
        async with AsyncSealAuthzClient(way.address, TOKEN, insecure=True, timeout_s=20) as client:
            await ask(client, 1)
            assert way.connections == 1, "an attempt was given up before an answer could be there"
            # Three turns of so many, each of which takes the way there and back.
            assert await ask(client, 2 * STREAMS + 10) > 2.5 * round_trip_s
            assert way.connections == 1
            await asyncio.to_thread(served.server.stop, 0)
            serve(listen=served.address)
            await ask(client, 1)
            assert 2 <= way.connections <= MOST_ATTEMPTS

    try:
        asyncio.run(calls())
    finally:
        way.close()


STREAMS = 100
"""The server announces no fewer."""

MOST_ATTEMPTS = 8
"""Of connecting again, with a back-off that begins at 50 ms: where each attempt were cut short, there would be tens."""


def test_over_tls_the_server_must_be_the_one_that_is_trusted(serve: Serve, tmp_path: Any) -> None:
    authority, other = trustme.CA(), trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    served = serve(is_insecure=False, tls_certificate=certificate, tls_key=key)
    with SealAuthzClient(served.address, TOKEN, tls_roots=authority.cert_pem.bytes(), timeout_s=10) as client:
        assert client.authorize("Person:P1", "use", "Seal:S1")
    with (
        SealAuthzClient(served.address, TOKEN, tls_roots=other.cert_pem.bytes(), timeout_s=1) as client,
        pytest.raises(CallFailed, match="UNAVAILABLE"),
    ):
        client.authorize("Person:P1", "use", "Seal:S1")


@pytest.mark.parametrize("address", ["sealauthz.example:1", "10.0.0.1:1", "0.0.0.0:1", "127.0.0.1.example:1"])
def test_plain_text_goes_to_loopback_only(address: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        SealAuthzClient(address, TOKEN, insecure=True)


def test_what_is_no_record_cannot_be_put() -> None:
    with pytest.raises(ValueError, match=r"expected a message of `sealauthz_client.v1.records_pb2`"):
        put(records_pb2.Fact())
