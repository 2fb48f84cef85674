"""Events over a real port: each act's are told once it is committed, in order, resumably, and only to who may see."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from facts_scene import restored
from tiny.model import TINY, Document, facts

from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.decision.texts import Texts
from sealauthz.facts import Batch, Delete, FactCache, Part, Put, Store
from sealauthz.operations import Operations
from sealauthz.schema import Event as Told
from sealauthz.service import RPCS, Caller, Callers, Server, ServerSettings, build
from sealauthz_client import CallFailed, Event, SealAuthzClient
from sealauthz_client.calls import Repeats, Rpc, Watch
from sealauthz_client.v1 import events_pb2

TOKENS = {"all": "a" * 40, "blue": "b" * 40, "no reader": "c" * 40}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    said = {"en": ("{team_title}: published by {by_id}", "Something is published"), "zh": ("有文档已发布",)}
    return dataclasses.replace(Bundle.load(TINY), texts=Texts(events={"PUBLISHED": said}))


@pytest.fixture
def store(new_database: Callable[..., str]) -> Iterator[Store]:
    url = new_database("sqlite", TINY)
    store = Store.open(url, TINY)
    drafts = [Document(f"k{number}", "plans", "bob", f"K{number}", words=5) for number in range(5)]
    store.write(Batch("test", "facts", tuple(map(Put, [*facts(), *drafts]))))
    yield store
    store.close()


def caller(name: str) -> Caller:
    rights: dict[str, Any] = {"rpcs": frozenset(RPCS), "performs": None}
    rights["tenants"] = frozenset([name]) if name == "blue" else None
    rights["read"] = {} if name == "no reader" else {"Team": frozenset(["title"])}
    return Caller(TINY, name, frozenset({hashlib.sha256(TOKENS[name].encode()).digest()}), **rights)


@pytest.fixture
def server(store: Store, bundle: Bundle) -> Iterator[Server]:
    cache = FactCache(store)
    pdp = PolicyDecisionPoint(cache, bundle)
    settings = ServerSettings(listen="127.0.0.1:0", is_insecure=True)
    server = build(settings, Callers(map(caller, TOKENS)), store, pdp, Operations(store, pdp), signal=cache.signal)
    server.start()
    yield server
    server.stop(0)


@pytest.fixture
def client(server: Server) -> Iterator[SealAuthzClient]:
    with SealAuthzClient(f"127.0.0.1:{server.port}", TOKENS["all"], insecure=True) as client:
        yield client


def publish(client: SealAuthzClient, *numbers: int) -> None:
    for number in numbers:
        done = client.perform(
            "User:ann", "publish", f"Document:k{number}", {"approver": "red-bob"}, request_id=f"r{number}"
        )
        assert done


def take(client: SealAuthzClient, count: int, after: str, **how: Any) -> list[Event]:
    return list(itertools.islice(client.watch_events(after, **how), count))


def start_of(client: SealAuthzClient) -> str:
    """The token of what is now: a watch is told it at once."""
    rpc = Rpc(events_pb2.WatchRequest, events_pb2.WatchResponse, Repeats.READS_MUCH)
    messages = client.run_watch(Watch(rpc, events_pb2.WatchRequest(), lambda message: message, lambda *_: None))
    (first,) = itertools.islice(messages, 1)
    assert not first.HasField("event")
    return str(first.token)


def test_an_event_names_what_happened_whom_to_tell_and_when(client: SealAuthzClient) -> None:
    after = start_of(client)
    publish(client, 0)
    (event,) = take(client, 1, after)
    assert (event.code, event.enterprise_id, event.about) == ("PUBLISHED", "red", "Document:k0")
    assert event.recipient_ids == ("ann", "bob")
    assert event.values == {"by_id": "ann"}
    assert event.text == ""


def test_its_text_names_what_every_recipient_may_see(store: Store, client: SealAuthzClient) -> None:
    after = start_of(client)
    publish(client, 0)
    assert take(client, 1, after, language="en")[0].text == "Red: published by ann"
    assert take(client, 1, after, language="zh")[0].text == "有文档已发布"
    # Names are those of the time of reading, and one of the two is no member any more.
    store.write(Batch("test", "out", (Delete("TeamMember", "red-bob"),)))
    assert take(client, 1, after, language="en")[0].text == "Something is published"


def test_its_text_names_nothing_that_the_caller_may_not_read(server: Server, client: SealAuthzClient) -> None:
    after = start_of(client)
    publish(client, 0)
    with SealAuthzClient(f"127.0.0.1:{server.port}", TOKENS["no reader"], insecure=True) as no_reader:
        (event,) = take(no_reader, 1, after, language="en")
    assert event.values == {"by_id": "ann"}
    assert event.text == "Something is published"


def test_a_watch_goes_on_behind_the_last_event_that_was_handled(client: SealAuthzClient) -> None:
    after = start_of(client)
    publish(client, 0, 1, 2)
    first = take(client, 1, after)[0]
    publish(client, 3)
    assert [event.about for event in take(client, 3, first.token)] == ["Document:k1", "Document:k2", "Document:k3"]
    # At least once: the same token gives the same again.
    assert take(client, 1, first.token)[0].about == "Document:k1"


def test_what_was_denied_or_answered_again_is_told_once_or_not(client: SealAuthzClient) -> None:
    after = start_of(client)
    assert not client.perform("User:cy", "publish", "Document:k0", request_id="no")
    publish(client, 0, 0, 1)
    assert [event.about for event in take(client, 2, after)] == ["Document:k0", "Document:k1"]


def test_a_caller_is_told_of_its_own_enterprises_only(server: Server, client: SealAuthzClient) -> None:
    after = start_of(client)
    publish(client, 0)
    assert client.perform("User:cy", "add", "Folder:notes", arguments={"titles": ["N"]}, request_id="n")
    with SealAuthzClient(f"127.0.0.1:{server.port}", TOKENS["blue"], insecure=True) as blue:
        places: list[str] = []

        def leave(token: str) -> None:
            places.append(token)
            blue.close()

        watch = blue.watch_events(after, on_place=leave)
        assert list(watch) == []
        assert places
    with SealAuthzClient(f"127.0.0.1:{server.port}", TOKENS["blue"], insecure=True) as blue:
        with pytest.raises(CallFailed) as refused:
            next(blue.watch_events(enterprise_ids=["red"]))
        assert refused.value.code is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("token", ["nonsense", "nonsense.1", "e30.1", ".0", "x" * 5000])
def test_what_is_no_token_is_refused(client: SealAuthzClient, token: str) -> None:
    with pytest.raises(CallFailed) as refused:
        next(client.watch_events(token))
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT


def test_a_token_of_before_a_restore_is_refused(store: Store, client: SealAuthzClient) -> None:
    after = start_of(client)
    publish(client, 0)
    restored(store)
    with pytest.raises(CallFailed) as refused:
        next(client.watch_events(after))
    assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION


def test_many_events_come_page_by_page(store: Store, client: SealAuthzClient) -> None:
    after = start_of(client)
    many = [Document(f"m{number}", "plans", "bob", f"M{number}", words=5) for number in range(130)]
    store.write(Batch("test", "many", tuple(map(Put, many))))
    for number in range(130):
        assert client.perform("User:ann", "publish", f"Document:m{number}", {"approver": "red-bob"})
    assert [event.about for event in take(client, 130, after)] == [f"Document:m{number}" for number in range(130)]


@pytest.mark.parametrize("recipients", [(), ("ann", "bob")])
def test_an_enterprise_that_is_being_imported_holds_up_nobodys_events(
    store: Store, bundle: Bundle, recipients: tuple[str, ...]
) -> None:
    """Its events are told without names."""
    pdp = PolicyDecisionPoint(FactCache(store), bundle)
    event = Told("PUBLISHED", "red", ("Document", "k0"), recipients, {})
    assert pdp.names_for(event) == {"team_title": "Red"}
    store.import_part("importer", Part("i1", frozenset({"red"}), 1))
    assert pdp.names_for(event) == {}
