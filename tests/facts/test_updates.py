"""Single fields are changed without the others; a put wipes nothing by mistake, and no count is lost."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import pytest
from facts_scene import BASE, NAME, PHONE, edited, everything, scene, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealauthz.facts import Batch, Part, Precondition, PreconditionKind, Put, Store, Update
from sealauthz.model import MODEL
from sealauthz.runtime.errors import CallerNotPermitted, FactConflict, InvalidRequest, InvariantBroken
from sealauthz.schema.rules import Rising

COUNTERS = [
    (name, rule.column)
    for name, shape in MODEL.shapes.items()
    for rule in shape.rules_of(Rising)
    if not shape.column(rule.column).is_instant
]


@pytest.fixture
def filled(store: Store) -> Store:
    write(store, *scene())
    return store


def update(
    store: Store, record_type: str, record_id: str, *preconditions: Precondition, request_id: str = "", **values: Any
) -> int:
    batch = Batch("test", request_id or uuid.uuid4().hex, (Update(record_type, record_id, values),), preconditions)
    return store.write(batch).revision


def now(store: Store, record_type: str, record_id: str) -> tuple[Any, int]:
    (stored,) = store.read(record_type, {"id": record_id}).records
    return stored.record, stored.revision


def test_an_update_changes_its_fields_and_nothing_else(filled: Store) -> None:
    assert update(filled, "Person", "ann", phone="13900000001") == 2
    assert now(filled, "Person", "ann") == (dataclasses.replace(BASE["Person", "ann"], phone="13900000001"), 2)
    assert update(filled, "Seal", "s1", custodian_id=None, name="新章") == 3
    assert now(filled, "Seal", "s1")[0] == edited("Seal", "s1", custodian_id=None, name="新章")
    assert update(filled, "Seal", "s1", name="新章") == 3, "nothing changed"


def test_an_update_needs_a_record(filled: Store) -> None:
    with pytest.raises(InvariantBroken) as caught:
        update(filled, "Seal", "s9", name="x")
    assert (caught.value.invariant, str(caught.value)) == (
        "PRECONDITION",
        "`Seal:s9` does not exist and cannot be updated: a new record is put as a whole",
    )
    # Not of the batch either: what is made is put.
    batch = Batch("test", "twice", (Put(edited("Seal", "s1")), Update("Seal", "s1", {"name": "x"})))
    with pytest.raises(InvalidRequest, match="changes already"):
        filled.write(batch)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"id": "s2"}, "changes[0].id"),
        ({"enterprise_id": "e2"}, "changes[0].enterprise_id"),
        ({"nmae": "x"}, "changes[0].nmae"),
        ({"name": None}, "changes[0].name"),
        ({"state": "active"}, "changes[0].state"),
        ({}, "changes[0]"),
    ],
)
def test_a_field_that_cannot_be_updated_is_named(filled: Store, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        filled.write(Batch("test", "bad", (Update("Seal", "s1", values),)))
    assert [violation.field for violation in caught.value.violations] == [field]


def test_an_update_keeps_every_rule_of_a_write(filled: Store) -> None:
    for record_type, record_id, values, invariant in (
        ("Contract", "c1", {"currency": ""}, "U-05"),
        ("Contract", "c1", {"initiator_id": "e2"}, "C-02"),
        ("Seal", "dead", {"state": "ACTIVE"}, "I11"),
        ("RoleAssignment", "e1-admin", {"state": "REVOKED"}, "I4"),
        ("Seal", "s1", {"custodian_id": "nobody"}, "REFERENCE"),
        ("Seal", "s1", {"custodian_id": "m-dan"}, "SAME_ENTERPRISE"),
    ):
        with pytest.raises(InvariantBroken) as caught:
            update(filled, record_type, record_id, **values)
        assert caught.value.invariant == invariant
    with pytest.raises(InvalidRequest, match="is masked"):
        update(filled, "Person", "ann", phone="138****1569")


def test_an_update_is_within_the_rights_of_the_caller(filled: Store) -> None:
    with pytest.raises(CallerNotPermitted):
        filled.write(Batch("test", "other", (Update("Seal", "s1", {"name": "x"}),)), frozenset({"e2"}))
    shown: list[tuple[Any, Any]] = []
    filled.write(Batch("test", "ours", (Update("Seal", "s1", {"name": "x"}),)), frozenset({"e1"}), _keep(shown))
    assert shown == [(BASE["Seal", "s1"], edited("Seal", "s1", name="x"))]


def _keep(shown: list[tuple[Any, Any]]) -> Any:
    return lambda before, after: shown.append((before, after))


def test_an_update_is_written_once(filled: Store) -> None:
    assert update(filled, "Seal", "s1", name="x", request_id="r") == 2
    update(filled, "Seal", "s1", name="y")
    assert update(filled, "Seal", "s1", name="x", request_id="r") == 2, "the same request"
    assert now(filled, "Seal", "s1")[0].name == "y"
    with pytest.raises(FactConflict):
        update(filled, "Seal", "s1", name="z", request_id="r")


def put(store: Store, record: Any, *left_out: str, is_import: bool = False) -> None:
    change = Put(record, frozenset(left_out))
    if is_import:
        store.import_part("test", Part(uuid.uuid4().hex, frozenset({"e1"}), 1, is_last=True), [change])
    else:
        store.write(Batch("test", uuid.uuid4().hex, (change,)))


@pytest.mark.parametrize("is_import", [False, True])
def test_a_put_that_leaves_out_what_holds_a_value_is_refused(filled: Store, is_import: bool) -> None:
    with pytest.raises(InvariantBroken) as caught:
        put(filled, edited("Person", "ann", real_name="", phone=""), "real_name", "phone", is_import=is_import)
    assert str(caught.value) == (
        "`Person:ann` holds a value in `real_name`, `phone` that the put leaves out:"
        " name it with its value, or change single fields with `update` (LEFT_OUT)"
    )
    assert not {NAME, PHONE} & set(str(caught.value).split("`"))
    # What is named is wiped; what holds its default already, and what is new, may be left out.
    put(filled, edited("Person", "ann", phone=""), "last_active_at", is_import=is_import)
    put(filled, edited("Person", "ann", id="new", id_hash="new", phone=""), "phone", is_import=is_import)
    assert now(filled, "Person", "ann")[0].phone == ""


@pytest.mark.parametrize(("record_type", "column"), COUNTERS)
def test_a_counter_is_changed_by_who_read_it_last(filled: Store, record_type: str, column: str) -> None:
    def more(record: Any) -> Any:
        return dataclasses.replace(record, **{column: getattr(record, column) + 1})

    record = next(r for (name, _), r in BASE.items() if name == record_type and getattr(r, "used", 0) < 5)
    exists = Precondition(record_type, record.id, PreconditionKind.EXISTS)
    for preconditions in ((), (exists,)):
        with pytest.raises(InvariantBroken) as caught:
            write(filled, more(record), preconditions=preconditions)
        assert caught.value.invariant == "PRECONDITION"
        assert str(caught.value) == (
            f"`{record_type}:{record.id}` changes the counter `{column}`, which needs the precondition `at_revision`"
            " with the revision that it was read at, or a count of another writer would be lost (PRECONDITION)"
        )
    # Two read the same and count: the second one is told to read again.
    at = Precondition(record_type, record.id, PreconditionKind.AT_REVISION, now(filled, record_type, record.id)[1])
    write(filled, more(record), preconditions=(at,))
    with pytest.raises(InvariantBroken, match="is at revision 2, not at 1"):
        write(filled, more(record), preconditions=(at,))
    with pytest.raises(InvariantBroken, match="is at revision 2, not at 1"):
        update(filled, record_type, record.id, at, **{column: getattr(record, column) + 1})
    # An import has the enterprise to itself, and brings what was counted elsewhere.
    part = Part(uuid.uuid4().hex, frozenset({"e1"}), 1, is_last=True)
    filled.import_part("test", part, [more(more(record))])
    assert getattr(now(filled, record_type, record.id)[0], column) == getattr(record, column) + 2


FIELDS = {
    "Person": {"phone": ["", "13900000001"], "real_name": ["", "李雷"]},
    "Seal": {"name": ["a", "b"], "custodian_id": [None, "m-bob"]},
    "Contract": {"contract_type": ["SALES", "LEASE"], "deadline": [0, 5]},
}
IDS = {"Person": "ann", "Seal": "s1", "Contract": "c1"}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_order_of_updates_equals_puts_of_the_whole(filled: Store, data: st.DataObject) -> None:
    """Law: an update is the put of the record as it is, with those fields changed."""
    mirror = {(type(record).__name__, record.id): record for record in everything(filled)}
    for _ in range(data.draw(st.integers(1, 4))):
        record_type = data.draw(st.sampled_from(sorted(FIELDS)))
        fields = FIELDS[record_type]
        names = data.draw(st.sets(st.sampled_from(sorted(fields)), min_size=1))
        values = {name: data.draw(st.sampled_from(fields[name])) for name in sorted(names)}
        update(filled, record_type, IDS[record_type], **values)
        key = (record_type, IDS[record_type])
        mirror[key] = dataclasses.replace(mirror[key], **values)
    assert {(type(record).__name__, record.id): record for record in everything(filled)} == mirror
