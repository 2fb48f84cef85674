"""Records as messages and back: every field, every record, every bad value."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import example, given
from hypothesis import strategies as st

from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.model.records.grants import GrantScope, GrantTerm, SealGrant, SealRight
from sealauthz.model.records.identity import Person
from sealauthz.model.records.organisation import Enterprise
from sealauthz.runtime.characters import is_plain
from sealauthz.schema import FOREVER, NEVER, UNLIMITED, Column, shape_of
from sealauthz.schema.record import exact
from sealauthz.service.fields import FieldViolations
from sealauthz.service.records import forms_of, snake
from sealauthz_client.v1 import records_pb2

FORMS = forms_of(MODEL)
MESSAGES = records_pb2.DESCRIPTOR.message_types_by_name
REVISION = "revision"


def values(column: Column) -> st.SearchStrategy[Any]:
    text = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=40)
    if column.words is not None:
        found: st.SearchStrategy[Any] = st.sampled_from(column.words)
    elif column.is_instant:
        found = st.integers(NEVER, FOREVER) | st.sampled_from([NEVER, FOREVER])
    elif column.type is bool:
        found = st.booleans()
    elif column.type is int:
        found = st.integers(-(2**63), 2**63 - 1) | st.just(UNLIMITED)
    elif column.normalise is None:
        found = text.filter(is_plain)
    else:
        found = text
    if column.normalise is not None:
        found = found.map(column.normalise)
    return found | st.none() if column.is_optional else found


def records(cls: type) -> st.SearchStrategy[Any]:
    # Personal text does not come back from a message as it went in.
    columns = [column for column in shape_of(cls).columns if not column.is_personal]
    return st.builds(cls, **{column.name: values(column) for column in columns})


def refusals(fact: records_pb2.Fact) -> dict[str, str]:
    violations = FieldViolations()
    assert FORMS.record_from(fact, "put", violations) is None
    return {v.field: v.description for v in violations._violations}


@pytest.mark.parametrize("name", MODEL.records)
def test_proto_table_and_record_have_the_same_fields(name: str) -> None:
    columns = [column.name for column in MODEL.shapes[name].columns]
    assert [field.name for field in MESSAGES[name].fields] == columns
    assert [column.name for column in tables_of(MODEL).of(name).columns] == [*columns, REVISION]


@pytest.mark.parametrize("name", MODEL.records)
def test_each_field_has_the_type_the_words_and_the_presence_of_its_column(name: str) -> None:
    for column in MODEL.shapes[name].columns:
        field = MESSAGES[name].fields_by_name[column.name]
        assert field.has_presence == (column.has_default or column.is_optional or column.is_instant), column.name
        if column.words is not None:
            assert field.enum_type.name == column.words.__name__
            words = [value.name for value in field.enum_type.values]
            prefix = words[0].removesuffix("UNSPECIFIED")
            assert words[1:] == [f"{prefix}{word}" for word in column.words]
        elif column.is_instant:
            assert field.message_type.full_name == "google.protobuf.Timestamp"
        else:
            assert field.type == {str: field.TYPE_STRING, int: field.TYPE_INT64, bool: field.TYPE_BOOL}[column.type]


def test_a_fact_holds_every_record() -> None:
    fields = {field.name: field.message_type.name for field in MESSAGES["Fact"].fields}
    assert fields.pop("generic") == "GenericRecord"
    assert fields.pop("extension") == "ExtensionEntry"
    assert fields == {snake(name): name for name in MODEL.records}


@given(st.one_of([records(cls) for cls in MODEL.records.values()]))
@example(Person("P1", phone_hash="/"))
def test_every_record_comes_back_as_it_went(record: Any) -> None:
    violations = FieldViolations()
    fact = records_pb2.Fact.FromString(FORMS.fact_of(exact(record)).SerializeToString())
    assert FORMS.record_from(fact, "put", violations) == record
    assert not violations


def test_what_is_left_out_takes_its_default() -> None:
    violations = FieldViolations()
    fact = records_pb2.Fact(enterprise=records_pb2.Enterprise(id="E1", name="Ying", uscc="91350100m000100y43"))
    assert FORMS.record_from(fact, "put", violations) == Enterprise("E1", "Ying", "91350100M000100Y43")


def test_a_default_that_is_no_sentinel_is_said_and_a_sentinel_is_left_out() -> None:
    person = FORMS.fact_of(Person("P1")).person
    assert person.realm == "PUBLIC"
    assert not person.HasField("phone_bound_at")
    grant = SealGrant(
        "G1", "S1", "M1", "A1", SealRight.USE, GrantScope.ALL_CONTRACTS, GrantTerm.LONG_TERM, NEVER, FOREVER
    )
    message = FORMS.fact_of(grant).seal_grant
    assert message.valid_from == Timestamp(seconds=0)
    assert message.valid_to == Timestamp(seconds=253_402_300_799)
    assert message.use_limit == UNLIMITED


def test_hidden_fields_are_left_out_and_personal_ones_masked() -> None:
    person = FORMS.fact_of(Person("P1", real_name="陈小明", phone="13812341569", id_last4="002X"), ["id_hash"]).person
    assert (person.real_name, person.phone, person.id_last4) == ("陈**", "138****1569", "****")
    assert not person.HasField("id_hash")


def test_a_time_finer_than_a_microsecond_is_cut_off() -> None:
    violations = FieldViolations()
    message = records_pb2.Person(id="P1", last_active_at=Timestamp(seconds=5, nanos=1_999))
    assert FORMS.record_from(records_pb2.Fact(person=message), "put", violations).last_active_at == 5_000_001


@pytest.mark.parametrize(
    "moment",
    [
        Timestamp(seconds=-1),
        Timestamp(seconds=253_402_300_799, nanos=1_000),
        Timestamp(seconds=2**62),
        Timestamp(nanos=-1),
        Timestamp(nanos=1_000_000_000),
    ],
    ids=str,
)
def test_a_time_out_of_range_is_refused(moment: Timestamp) -> None:
    fact = records_pb2.Fact(person=records_pb2.Person(id="P1", last_active_at=moment))
    assert refusals(fact) == {
        "put.person.last_active_at": "must be from 1970-01-01T00:00:00Z to 9999-12-31T23:59:59Z",
    }


def test_every_malformed_field_is_named() -> None:
    seal = records_pb2.Seal(id="a\x07", enterprise_id="", name="", kind=99, custodian_id="")  # type: ignore[arg-type]
    seal.state = records_pb2.SEAL_STATE_UNSPECIFIED
    assert refusals(records_pb2.Fact(seal=seal)) == {
        "put.seal.id": "must have printable characters only",
        "put.seal.enterprise_id": "is required",
        "put.seal.name": "is required",
        "put.seal.kind": "is not a value",
        "put.seal.state": "must be a value of its enum, and not UNSPECIFIED",
        "put.seal.custodian_id": "is required",
    }
    assert refusals(records_pb2.Fact(seal_hold=records_pb2.SealHold(id="H1", seal_id="x" * 129))) == {
        "put.seal_hold.seal_id": "must have at most 128 characters",
        "put.seal_hold.source": "must be a value of its enum, and not UNSPECIFIED",
        "put.seal_hold.placed_at": "is required",
    }
    assert refusals(records_pb2.Fact()) == {"put": "must hold a record"}


def test_a_text_has_at_most_1024_characters_and_no_control_characters() -> None:
    case = {"id": "C1", "enterprise_id": "E1", "applicant_id": "P1", "reason": 1, "path": 1, "opened_at": Timestamp()}
    fact = records_pb2.Fact(retrieval_case=records_pb2.RetrievalCase(**case, reason_text="x" * 1_025))
    assert refusals(fact) == {"put.retrieval_case.reason_text": "must have at most 1,024 characters"}
    fact = records_pb2.Fact(retrieval_case=records_pb2.RetrievalCase(**case, reason_text="a\0b"))
    (said,) = refusals(fact).values()
    assert said == "must be one line of characters that can be seen, without (U+0000 without a name)"
