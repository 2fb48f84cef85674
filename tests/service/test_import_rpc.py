"""ImportFacts over a real port: parts, rights, breaking off and going on; and what is answered meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from calls import TOKEN, Refusal, refusal_of
from conftest import Serve, Served, trusted

from sealauthz.decision import Bundle, PolicyDecisionPoint, system_clock
from sealauthz.facts import Batch, FactCache, Put, Store, upgrade
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.model.records.identity import Person
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.service.callers import Call
from sealauthz.service.facts import MAX_PART, _arriving
from sealauthz.service.records import forms_of, snake
from sealauthz.service.streams import stopping
from sealauthz_client import MAX_ATTEMPTS, CallFailed, Imported, Question, SealAuthzClient, put
from sealauthz_client.v1 import facts_pb2, records_pb2

SEAL = "Seal:seal-official"


@pytest.fixture
def served(serve: Serve) -> Served:
    ours = trusted(name="ours", token="o" * 40, tenants=frozenset({"E1"}))
    few = trusted(name="few", token="f" * 40, write={"Seal": frozenset({"name"})})
    return serve(trusted(), ours, few)


def seal(seal_id: str, enterprise: str = "E1", name: str = "seal") -> records_pb2.Fact:
    record = records_pb2.Seal(id=seal_id, enterprise_id=enterprise, name=name, kind=records_pb2.SEAL_KIND_OTHER)
    return records_pb2.Fact(seal=record)


def part(number: int, *facts: records_pb2.Fact, **fields: Any) -> facts_pb2.ImportFactsRequest:
    return facts_pb2.ImportFactsRequest(part=number, facts=facts, **fields)


def first(*facts: records_pb2.Fact, **fields: Any) -> facts_pb2.ImportFactsRequest:
    return part(1, *facts, **{"import_id": "I1", "enterprise_ids": ["E1"], **fields})


def send(served: Served, *messages: facts_pb2.ImportFactsRequest, token: str = TOKEN) -> Any:
    return served.facts.ImportFacts(iter(messages), metadata=(("authorization", f"Bearer {token}"),), timeout=20)


def refuse(served: Served, *messages: facts_pb2.ImportFactsRequest, token: str = TOKEN) -> Refusal:
    with pytest.raises(grpc.RpcError) as caught:
        send(served, *messages, token=token)
    return refusal_of(caught.value)


def seals(store: Store) -> list[str]:
    return [stored.record.id for stored in store.read("Seal").records]


# --- the stream -------------------------------------------------------------------------------------------------------


def test_each_message_is_one_transaction_and_the_last_opens(served: Served, store: Store) -> None:
    done = send(served, first(seal("A")), part(2, seal("B"), seal("C")), part(3, last=True))
    assert (done.parts, done.facts, done.finished, done.revision.number) == (3, 3, True, 4)
    assert done.revision.token
    assert seals(store) == ["A", "B", "C", "S1", "S2"]
    assert store.open_imports() == []
    logged = served.last_call()
    assert (logged["parts"], logged["changes"], logged["revision"]) == (3, 3, 4)


def test_an_import_goes_on_in_another_call(served: Served, store: Store) -> None:
    begun = send(served, first(seal("A")))
    assert (begun.parts, begun.finished) == (1, False)
    # From the start again, as who does not know how far it came; or with what is next.
    again = send(served, first(seal("A")), part(2, seal("B")))
    assert (again.parts, again.facts, again.finished) == (2, 1, False)
    done = send(served, facts_pb2.ImportFactsRequest(import_id="I1", enterprise_ids=["E1"], part=3, last=True))
    assert (done.parts, done.facts, done.finished) == (3, 0, True)
    assert store.revision() == 4


def test_a_refused_part_leaves_those_before_it(served: Served, store: Store) -> None:
    refusal = refuse(served, first(seal("A")), part(2, seal("B"), seal("X", "none")))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "IMPORT_STOPPED")
    open_after = {"import_id": "I1", "parts": "1"}
    assert refusal.metadata == {**open_after, "cause": "INVARIANT_BROKEN", "invariant": "IMPORT"}
    refused = "part 2: the import does not name `Enterprise:none`"
    assert refusal.message == f"the import `I1` is open after part 1, resume or abandon it: {refused}"
    assert seals(store) == ["A", "S1", "S2"]
    assert send(served, first(seal("A")), part(2, seal("B"), last=True)).finished


def test_whatever_stops_an_import_halfway_names_it_and_why(served: Served, store: Store) -> None:
    """The enterprises of an open import are denied everything, so its caller must know that it is open."""
    assert refuse(served, first(seal("X", "none"))).reason == "INVARIANT_BROKEN", (
        "nothing is committed, nothing is open"
    )
    assert refuse(served, first(seal("A"), seal("A"))).reason == "INVALID_REQUEST"
    send(served, first(seal("A")))
    again = {"import_id": "I1", "enterprise_ids": ["E1"]}
    for message, cause, violations in (
        (part(2, seal("B"), seal("B"), **again), "INVALID_REQUEST", {"facts[1].seal"}),
        (part(2, records_pb2.Fact(), **again), "INVALID_REQUEST", {"facts[0]"}),
        (part(3, seal("B"), **again), "INVARIANT_BROKEN", set()),
        (part(2, seal("B"), import_id="I1", enterprise_ids=["E2"]), "FACT_CONFLICT", set()),
        (first(seal("Other")), "FACT_CONFLICT", set()),
    ):
        refusal = refuse(served, message)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "IMPORT_STOPPED")
        assert (refusal.metadata["import_id"], refusal.metadata["parts"]) == ("I1", "1")
        assert (refusal.metadata["cause"], set(refusal.violations)) == (cause, violations)
        assert ("invariant" in refusal.metadata) is (cause != "INVALID_REQUEST")
    assert refuse(served, first(seal("C"), import_id="I2")).reason == "FACT_CONFLICT", (
        "another import has begun nothing"
    )


def test_an_import_is_given_up(served: Served, store: Store) -> None:
    send(served, first(seal("A")))
    gone = send(served, facts_pb2.ImportFactsRequest(import_id="I1", enterprise_ids=["E1"], abandon=True))
    assert (gone.parts, gone.facts, gone.finished) == (1, 0, True)
    assert store.open_imports() == []
    assert refuse(served, first(seal("A")), part(2, seal("B"))).metadata == {"invariant": "IMPORT"}


@pytest.mark.parametrize(
    ("messages", "violations"),
    [
        ([], {"import_id"}),
        ([first(seal("A"), import_id="", enterprise_ids=[])], {"import_id", "enterprise_ids"}),
        ([first(seal("A"), import_id="x" * 129)], {"import_id"}),
        ([first(seal("A"), enterprise_ids=["E1", ""])], {"enterprise_ids[1]"}),
        ([first()], {"facts"}),
        ([part(0, seal("A"), import_id="I1", enterprise_ids=["E1"])], {"part"}),
        ([first(seal("A"), abandon=True, last=True)], {"facts", "last"}),
        ([first(records_pb2.Fact())], {"facts[0]"}),
        (
            [first(seal("A"), records_pb2.Fact(seal=records_pb2.Seal(id="B", enterprise_id="E1", name="x")))],
            {"facts[1].seal.kind"},
        ),
        ([first(seal("A"), seal("A"))], {"facts[1].seal"}),
        (
            [first(seal("A")), part(2, import_id="I2", enterprise_ids=["E1"], abandon=True)],
            {"import_id", "enterprise_ids", "abandon", "facts"},
        ),
    ],
)
def test_a_malformed_message_is_refused_by_field(
    served: Served, messages: list[facts_pb2.ImportFactsRequest], violations: set[str]
) -> None:
    refusal = refuse(served, *messages)
    assert "INVALID_REQUEST" in (refusal.reason, refusal.metadata.get("cause"))
    assert set(refusal.violations) == violations


def test_a_part_has_ten_thousand_facts_at_most(served: Served, store: Store) -> None:
    facts = [records_pb2.Fact(person=records_pb2.Person(id=f"p{number}")) for number in range(MAX_PART + 1)]
    assert refuse(served, first(*facts)).violations == {"facts": "must have 1 to 10,000 items"}
    assert send(served, first(*facts[:-1], last=True)).facts == MAX_PART


def test_rights_are_those_of_a_write_and_on_every_enterprise(served: Served, store: Store) -> None:
    for token, message in (
        ("o" * 40, first(seal("A"), enterprise_ids=["E1", "E2"])),
        ("o" * 40, first(records_pb2.Fact(person=records_pb2.Person(id="p")))),
        ("f" * 40, first(seal("A"))),
        ("f" * 40, first(records_pb2.Fact(person=records_pb2.Person(id="p")))),
    ):
        refusal = refuse(served, message, token=token)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED")
    assert store.revision() == 1
    assert send(served, first(seal("A"), last=True), token="o" * 40).finished


def test_another_write_and_another_import_are_refused_meanwhile(served: Served) -> None:
    send(served, first(seal("A")))
    write = facts_pb2.WriteFactsRequest(request_id="R", changes=[facts_pb2.FactChange(put=seal("B"))])
    with pytest.raises(grpc.RpcError) as caught:
        served.facts.WriteFacts(write, metadata=(("authorization", f"Bearer {TOKEN}"),), timeout=20)
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.metadata) == (grpc.StatusCode.FAILED_PRECONDITION, {"invariant": "IMPORT"})
    refusal = refuse(served, first(seal("C"), import_id="I2"))
    assert (refusal.code, refusal.metadata) == (grpc.StatusCode.ALREADY_EXISTS, {"invariant": "IMPORT"})


def test_a_client_that_breaks_off_leaves_the_import_open(served: Served, store: Store) -> None:
    held = []

    def messages() -> Iterator[facts_pb2.ImportFactsRequest]:
        yield first(seal("A"))
        while not held:
            time.sleep(0.01)

    call = served.facts.ImportFacts.future(messages(), metadata=(("authorization", f"Bearer {TOKEN}"),), timeout=20)
    deadline = time.monotonic() + 10
    while store.revision() < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    call.cancel()
    held.append(True)
    while not any(entry.get("method", "").endswith("ImportFacts") for entry in served.log):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert served.last_call()["code"] == "DEADLINE_EXCEEDED"
    assert not [entry for entry in served.log if entry["event"] == "incident"]
    assert [item.parts for item in store.open_imports()] == [1]


def test_a_server_that_stops_does_not_take_a_pause_for_a_client_that_left() -> None:
    call = Call(trusted())
    timer = threading.Timer(0.02, call.stop, (stopping(),))
    timer.start()
    message = first(seal("A"))
    assert list(_arriving(iter([message]), call)) == [message]
    timer.join()
    assert call.is_stopped


# --- the client -------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(served: Served) -> Iterator[SealAuthzClient]:
    with SealAuthzClient(served.address, TOKEN, insecure=True, timeout_s=20) as client:
        yield client


def people(count: int) -> list[records_pb2.Person]:
    return [records_pb2.Person(id=f"p{number:04}", id_hash=f"h{number}") for number in range(count)]


@pytest.mark.parametrize(("count", "size", "parts"), [(0, 5, 1), (1, 5, 1), (5, 5, 1), (6, 5, 2), (95, 5, 19)])
def test_the_client_sends_parts_of_any_number(
    client: SealAuthzClient, store: Store, count: int, size: int, parts: int
) -> None:
    done = client.import_facts("I", ["E1"], people(count), part_size=size)
    assert (done.parts, done.facts, done.is_finished) == (parts, count, True)
    assert len(store.read("Person", page_size=1000).records) == count + 1
    # The same again changes nothing.
    revision = store.revision()
    again = client.import_facts("I", ["E1"], people(count), part_size=size)
    assert again == Imported(parts, 0, done.revision, done.revision_token, True)
    assert store.revision() == revision


def test_the_client_goes_on_where_an_import_broke_off(
    client: SealAuthzClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever call fails, before or after it was committed, each part is written once."""
    import_part, failed = store.import_part, set()

    def flaky(caller: str, part: Any, *rest: Any) -> Any:
        if part.number % 3 == 0 and part.number not in failed:
            failed.add(part.number)
            raise FactsUnavailable("the facts cannot be written now")
        receipt = import_part(caller, part, *rest)
        if part.number % 7 == 0 and not receipt.written.is_replay:
            raise FactsUnavailable("the facts cannot be written now")
        return receipt

    monkeypatch.setattr(store, "import_part", flaky)
    done = client.import_facts("I", ["E1"], people(60), part_size=3)
    assert (done.parts, done.is_finished) == (20, True)
    assert store.revision() == 21
    assert len(store.read("Person", page_size=1000).records) == 61


def test_an_outage_during_an_import_or_a_write_names_its_id(
    client: SealAuthzClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out(*_: Any) -> Any:
        raise FactsUnavailable("the facts cannot be written now")

    monkeypatch.setattr(store, "import_part", out)
    monkeypatch.setattr(store, "write", out)
    with pytest.raises(CallFailed) as failed:
        client.import_facts("I", ["E1"], people(1), timeout_s=0.1)
    assert failed.value.request_id == "I"
    with pytest.raises(CallFailed) as failed:
        client.write_facts([put(people(1)[0])], timeout_s=0.1)
    assert failed.value.request_id


def test_the_client_cuts_parts_by_their_bytes_too(client: SealAuthzClient, store: Store) -> None:
    large = [
        records_pb2.Seal(id=f"s{n:04}", enterprise_id="E1", name="印" * 1_000, kind=records_pb2.SEAL_KIND_OTHER)
        for n in range(1_500)
    ]
    done = client.import_facts("I", ["E1"], large, part_size=10_000)
    assert (done.parts, done.facts) == (2, 1_500)


def test_the_client_raises_a_refusal_and_can_give_up(client: SealAuthzClient, store: Store) -> None:
    bad = records_pb2.Seal(id="X", enterprise_id="none", name="x", kind=records_pb2.SEAL_KIND_OTHER)
    with pytest.raises(CallFailed, match=r"part 3: the import does not name `Enterprise:none`") as failed:
        client.import_facts("I", ["E1"], [*people(4), bad], part_size=2)
    assert (failed.value.reason, failed.value.metadata["import_id"]) == ("IMPORT_STOPPED", "I")
    assert [item.parts for item in store.open_imports()] == [2]
    given_up = client.abandon_import("I", ["E1"])
    assert (given_up.parts, given_up.is_finished) == (2, True)
    assert store.open_imports() == []


# --- decisions meanwhile ----------------------------------------------------------------------------------------------


def codes(decision: Any) -> list[str]:
    return [reason.code for reason in decision.reasons]


def messages_of(records: Iterable[Any]) -> list[Any]:
    return [getattr(forms_of(MODEL).fact_of(record, is_plain=True), snake(type(record).__name__)) for record in records]


def test_nothing_is_decided_about_an_enterprise_until_its_import_is_over(
    serve: Serve, bundle: Bundle, tmp_path: Path
) -> None:
    """Law: in the middle of an import every question that needs the enterprise is denied, and after it as ever."""
    now = system_clock()
    records = sorted(opening_facts(now), key=lambda record: tables_of(MODEL).dependency_order[type(record).__name__])
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("imported", "written")]
    for url in urls:
        upgrade(url, MODEL)
    stores = [Store.open(url, MODEL) for url in urls]
    stores[1].write(Batch("setup", "facts", tuple(map(Put, records))))
    theirs = trusted(name="theirs", token="q" * 40, tenants=frozenset({"e-qinghe"}))
    importing, written = (
        serve(trusted(), theirs, pdp=PolicyDecisionPoint(FactCache(store), bundle, lambda: now), facts=store)
        for store in stores
    )
    enterprises = sorted(record.id for record in records if type(record).__name__ == "Enterprise")
    persons = sorted(record.id for record in records if isinstance(record, Person))
    people_first = [record for record in records if isinstance(record, Person)]
    stores[0].write(Batch("setup", "people", tuple(map(Put, people_first))))
    with (
        SealAuthzClient(importing.address, TOKEN, insecure=True, timeout_s=20) as here,
        SealAuthzClient(importing.address, "q" * 40, insecure=True, timeout_s=20) as other,
        SealAuthzClient(written.address, TOKEN, insecure=True, timeout_s=20) as there,
    ):
        every = messages_of(records)
        half = next(n for n, record in enumerate(records) if record.id == "seal-official") + 1
        # Breaks off in the middle, by a fact that no import could bring.
        bad = records_pb2.SealGrant()
        bad.CopyFrom(next(message for message in every if isinstance(message, records_pb2.SealGrant)))
        bad.id, bad.seal_id = "bad", "none"
        with pytest.raises(CallFailed, match="`SealGrant"):
            here.import_facts("I", enterprises, [*every[:half], bad], part_size=half)
        for resource in (SEAL, "Enterprise:e-yunshan"):
            for person in persons:
                decisions = here.list_actions(f"Person:{person}", resource)
                assert {tuple(codes(decision)) for decision in decisions.values()} == {("FACT_UNAVAILABLE",)}
        assert codes(here.explain("Person:p-zhou", "use", SEAL).decision) == ["FACT_UNAVAILABLE"]
        (batched,) = here.authorize_batch([Question("Person:p-zhou", "use", SEAL)])
        assert codes(batched) == ["FACT_UNAVAILABLE"]
        # A caller without a right to the enterprise gets the answer about one that does not exist.
        assert codes(other.authorize("Person:p-zhou", "use", SEAL)) == ["NOT_FOUND"]
        assert not [entry for entry in importing.log if entry["event"] == "incident"]
        here.abandon_import("I", enterprises)
        here.import_facts("I2", enterprises, every, part_size=7)
        for resource in (SEAL, "Enterprise:e-yunshan", "SigningTask:task-paper"):
            for person in persons:
                here_all = here.list_actions(f"Person:{person}", resource)
                there_all = there.list_actions(f"Person:{person}", resource)
                assert {a: (bool(d), codes(d)) for a, d in here_all.items()} == {
                    a: (bool(d), codes(d)) for a, d in there_all.items()
                }
        assert any(here.list_actions("Person:p-zhou", SEAL).values())
    for store in stores:
        store.close()


def test_the_client_waits_out_an_outage_as_long_as_its_timeout_says(
    client: SealAuthzClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More attempts than any other call makes, with pauses that do not grow for ever."""
    import_part, pauses = store.import_part, []

    def out(*arguments: Any) -> Any:
        if len(pauses) < 2 * MAX_ATTEMPTS:
            raise FactsUnavailable("the facts cannot be written now")
        return import_part(*arguments)

    monkeypatch.setattr(store, "import_part", out)
    monkeypatch.setattr("sealauthz_client.transport.time.sleep", pauses.append)
    assert client.import_facts("I", ["E1"], people(4), part_size=3).is_finished
    assert len(pauses) == 2 * MAX_ATTEMPTS
    assert 1.0 <= max(pauses) <= 2.0


# --- imports of others ------------------------------------------------------------------------------------------------


def test_an_operator_sees_and_ends_an_import_of_somebody_else(serve: Serve, store: Store) -> None:
    operator = trusted(name="operator", token="p" * 40)
    ours = trusted(name="ours", token="o" * 40, tenants=frozenset({"E2"}))
    served = serve(trusted(), operator, ours)
    send(served, first(seal("S9")))

    def call(method: str, token: str, request: Any) -> Any:
        return getattr(served.facts, method)(request, metadata=(("authorization", f"Bearer {token}"),), timeout=20)

    (found,) = call("ListImports", "p" * 40, facts_pb2.ListImportsRequest()).imports
    assert (found.import_id, list(found.enterprise_ids), found.parts) == ("I1", ["E1"], 1)
    assert found.last_part_at.ToMicroseconds() >= found.began_at.ToMicroseconds() > 0
    # Who may not see the enterprise sees no import of it, and ends none.
    assert not call("ListImports", "o" * 40, facts_pb2.ListImportsRequest()).imports
    named = facts_pb2.EndImportRequest(caller=found.caller, import_id="I1")
    refused: list[tuple[str, facts_pb2.EndImportRequest, grpc.StatusCode]] = [
        ("o", named, grpc.StatusCode.PERMISSION_DENIED),
        ("p", facts_pb2.EndImportRequest(), grpc.StatusCode.INVALID_ARGUMENT),
        ("p", facts_pb2.EndImportRequest(caller="operator", import_id="I1"), grpc.StatusCode.FAILED_PRECONDITION),
    ]
    for letter, request, code in refused:
        with pytest.raises(grpc.RpcError) as caught:
            call("EndImport", letter * 40, request)
        assert refusal_of(caught.value).code == code
    assert len(store.open_imports()) == 1
    ended = call("EndImport", "p" * 40, named)
    assert (ended.parts, ended.revision.number) == (1, store.revision())
    assert store.open_imports() == []
    assert store.read("Seal", {"id": "S9"}).records
    assert refuse(served, part(2, seal("S8"), import_id="I1", enterprise_ids=["E1"])).code == (
        grpc.StatusCode.FAILED_PRECONDITION
    )
