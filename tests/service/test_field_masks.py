"""`update`: single fields over gRPC, by callers with the right to these fields only."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from calls import TOKEN, ask, refused
from conftest import Serve, Served, trusted
from google.protobuf import field_mask_pb2

from sealauthz.facts import Store
from sealauthz_client import SealAuthzClient, update
from sealauthz_client.v1 import facts_pb2, records_pb2

PERSON = {"id": "P1", "phone": "13900000001"}


def mask(fact: records_pb2.Fact, *fields: str, request_id: str = "R1", **more: Any) -> facts_pb2.WriteFactsRequest:
    change = facts_pb2.FactUpdate(fact=fact, fields=field_mask_pb2.FieldMask(paths=fields))
    return facts_pb2.WriteFactsRequest(request_id=request_id, changes=[facts_pb2.FactChange(update=change)], **more)


def of_person(**fields: Any) -> records_pb2.Fact:
    return records_pb2.Fact(person=records_pb2.Person(**{**PERSON, **fields}))


def of_seal(**fields: Any) -> records_pb2.Fact:
    return records_pb2.Fact(seal=records_pb2.Seal(**{"id": "S1", **fields}))


def person(store: Store) -> Any:
    return store.read("Person", {"id": "P1"}).records[0].record


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve(trusted())


def test_a_caller_with_the_right_to_one_field_uses_it_without_the_others(serve: Serve, store: Store) -> None:
    served = serve(trusted(write={"Person": frozenset({"phone"})}, read={"Person": frozenset({"phone"})}))
    # As a put it would be refused: it cannot supply what it may not read.
    whole = facts_pb2.FactChange(put=of_person())
    refusal = refused(served.facts.WriteFacts, facts_pb2.WriteFactsRequest(request_id="R0", changes=[whole]))
    assert refusal.code == grpc.StatusCode.PERMISSION_DENIED
    ask(served.facts.WriteFacts, mask(of_person(), "phone"))
    assert (person(store).phone, person(store).real_name, person(store).id_hash) == ("13900000001", "陈小明", "h1")
    refusal = refused(served.facts.WriteFacts, mask(of_person(real_name="x"), "real_name", request_id="R2"))
    assert (refusal.code, refusal.message) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "the caller `demo` may not write `Person.real_name`",
    )


def test_what_was_read_is_sent_back_with_what_changed(served: Served, store: Store) -> None:
    read = ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Person"))
    fact = next(stored.fact for stored in read.facts if stored.fact.person.id == "P1")
    assert fact.person.real_name == "陈**"
    fact.person.phone = "13900000001"
    ask(served.facts.WriteFacts, mask(fact, "phone"))
    assert (person(store).phone, person(store).real_name) == ("13900000001", "陈小明")
    # Without a mask, every masked field of it is refused by name.
    fact.person.phone = "138****1569"
    whole = facts_pb2.WriteFactsRequest(request_id="R2", changes=[facts_pb2.FactChange(put=fact)])
    said = "is masked, as it is read; write the true value, or nothing"
    fields = ("id_last4", "real_name", "phone")
    assert refused(served.facts.WriteFacts, whole).violations == {f"changes[0].put.person.{f}": said for f in fields}
    refusal = refused(served.facts.WriteFacts, mask(fact, "real_name", request_id="R3"))
    assert refusal.violations == {"changes[0].update.fact.person.real_name": said}


@pytest.mark.parametrize(
    ("fields", "violations"),
    [
        ((), {"fields": "must name at least one field"}),
        (("nmae",), {"fields.paths[0]": "is not a field of `Seal`; did you mean `name`?"}),
        (("",), {"fields.paths[0]": "is not a field of `Seal`"}),
        (("*",), {"fields.paths[0]": "is not a field of `Seal`"}),
        (("seal.name",), {"fields.paths[0]": "is not a field of `Seal`; did you mean `name`?"}),
        (("name", "state", "name"), {"fields.paths[2]": "is named twice"}),
        (("name", "id"), {"fields.paths[1]": "never changes: it says which the record is"}),
        (("enterprise_id",), {"fields.paths[0]": "never changes: it says where the record is"}),
        (("kind",), {"fact.seal.kind": "must be a value of its enum, and not UNSPECIFIED"}),
    ],
)
def test_a_mask_that_cannot_be_followed_is_named(
    served: Served, fields: tuple[str, ...], violations: dict[str, str]
) -> None:
    refusal = refused(served.facts.WriteFacts, mask(of_seal(name="x", state=records_pb2.SEAL_STATE_ACTIVE), *fields))
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.violations == {f"changes[0].update.{path}": said for path, said in violations.items()}


def test_a_mask_of_no_record_is_refused(served: Served) -> None:
    refusal = refused(served.facts.WriteFacts, mask(records_pb2.Fact(), "name"))
    assert refusal.violations == {"changes[0].update.fact": "must hold a record"}
    refusal = refused(served.facts.WriteFacts, mask(of_seal(id=""), "name"))
    assert refusal.violations["changes[0].update.fact.seal.id"] == "is required"
    refusal = refused(served.facts.WriteFacts, mask(of_seal(id="S9", name="x"), "name"))
    assert (refusal.code, refusal.metadata) == (grpc.StatusCode.FAILED_PRECONDITION, {"invariant": "PRECONDITION"})
    assert refusal.message == "`Seal:S9` does not exist and cannot be updated: a new record is put as a whole"


def test_a_field_that_is_named_and_left_out_is_taken_away(served: Served, store: Store) -> None:
    # S2 is a draft, of which the face may change.
    ask(served.facts.WriteFacts, mask(of_seal(id="S2", face_digest="d"), "face_digest"))
    assert store.read("Seal", {"id": "S2"}).records[0].record.face_digest == "d"
    ask(served.facts.WriteFacts, mask(of_seal(id="S2"), "face_digest", request_id="R2"))
    assert store.read("Seal", {"id": "S2"}).records[0].record.face_digest == ""
    ask(served.facts.WriteFacts, mask(records_pb2.Fact(person=records_pb2.Person(id="P1")), "phone", request_id="R3"))
    assert (person(store).phone, person(store).real_name) == ("", "陈小明")


def test_a_put_that_leaves_out_a_field_with_a_value_is_refused(served: Served, store: Store) -> None:
    whole = facts_pb2.FactChange(put=of_person(real_name="陈小明"))
    refusal = refused(served.facts.WriteFacts, facts_pb2.WriteFactsRequest(request_id="R1", changes=[whole]))
    assert (refusal.code, refusal.metadata) == (grpc.StatusCode.FAILED_PRECONDITION, {"invariant": "LEFT_OUT"})
    assert refusal.message.startswith("`Person:P1` holds a value in `id_hash`, `id_last4` that the put leaves out: ")
    assert person(store).id_hash == "h1"


def test_the_client_updates_fields(served: Served, store: Store) -> None:
    with SealAuthzClient(served.address, TOKEN, insecure=True) as client:
        written = client.write_facts([update(records_pb2.Person(**PERSON), "phone")])
    assert person(store).phone == "13900000001"
    assert written.revision == store.revision()
