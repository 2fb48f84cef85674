"""What is over stays as it was: final records, past acts, reviewed faces, signed documents, in every way of writing."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import pytest
from facts_scene import BASE, DAY, NOW, edited, everything, scene, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealauthz.facts import Batch, Delete, Part, Precondition, PreconditionKind, Put, Store, Update
from sealauthz.facts.store.invariants import check_edit
from sealauthz.model import MODEL
from sealauthz.model.records.contracts import TERMS
from sealauthz.model.records.seals import SealReview
from sealauthz.runtime.errors import FactConflict, InvalidRequest, InvariantBroken
from sealauthz.schema import Change, Column
from sealauthz.schema.rules import Life

STATES = {name: life for name, shape in MODEL.shapes.items() for life in shape.rules_of(Life) if life.column == "state"}


def words(record_type: str) -> list[str]:
    return list(MODEL.shapes[record_type].column("state").words or ())


def other(column: Column, value: Any) -> Any:
    """Another value that the column takes."""
    if column.words is not None:
        return next(word for word in column.words if word != value)
    if column.type is bool:
        return not value
    return "other" if column.type is str else (value or 0) + 1


# --- final records ----------------------------------------------------------------------------------------------------

LATE = {
    "CrossEnterpriseGrant": ("used",),
    "OpenGrant": ("used",),
    "SealGrant": ("used",),
    "SealUseRequest": ("used", "photos_owed"),
}
"""The columns of a final record that may still change."""

FINAL = [(name, state) for name, life in STATES.items() for state in words(name) if not life.reachable(state)]


def test_what_a_final_record_may_still_change_is_pinned() -> None:
    assert {name: life.late for name, life in STATES.items() if life.late} == LATE


@pytest.mark.parametrize(("record_type", "state"), FINAL)
def test_a_record_in_a_final_state_keeps_every_column(record_type: str, state: str) -> None:
    shape = MODEL.shapes[record_type]
    record = next(record for (name, _), record in BASE.items() if name == record_type)
    before = dataclasses.replace(record, state=state)
    for column in shape.columns[1:]:
        after = dataclasses.replace(before, **{column.name: other(column, getattr(before, column.name))})
        change = Change(record_type, record.id, before, after)
        if column.is_personal or column.name in LATE.get(record_type, ()):
            check_edit(change, shape)
        else:
            with pytest.raises(InvariantBroken):
                check_edit(change, shape)


# --- where a record begins --------------------------------------------------------------------------------------------


def test_every_life_begins_somewhere_and_leads_to_each_of_its_states() -> None:
    begins = {name: sorted(life.initial) for name, life in STATES.items()}
    # A case begins as a draft, or as a claim, which never becomes a draft.
    assert {name: states for name, states in begins.items() if len(states) != 1} == {
        "RetrievalCase": ["CLAIMED", "DRAFT"]
    }
    for name, life in STATES.items():
        first = "DRAFT" if name == "RetrievalCase" else next(iter(life.initial))
        column = MODEL.shapes[name].column("state")
        # What a platform writes about a use of its own is history already; an act reserves it first.
        assert not column.has_default or column.default == ("SEALED" if name == "SealUse" else first)
        for state in set(words(name)) - life.initial:
            assert life.is_before(first, state), f"a new {name} could not be {state}"


# --- past acts --------------------------------------------------------------------------------------------------------

# Each record is first written with what stands before the arrow.
KEPT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Certificate:cert1": ({}, {"issuer": "CB", "serial": "9", "not_before": NOW + 1, "not_after": NOW + 2 * DAY}),
    "Contract:c1": (
        {"state": "COMPLETE"},
        {"amount": 1, "currency": "USD", "matter": "FINANCE", "is_monetary": False, "initiated_by_id": "bob"}
        | {"contract_type": "LEASE", "template_id": "t"},
    ),
    "Device:device": ({}, {"serial": "D-9"}),
    "Enterprise:e1": ({}, {"realm": "PRIVATE:X"}),
    "EnterpriseAuthentication:auth": ({}, {"submitted_at": NOW + 5, "attempt": 7}),
    "IdentityVerification:v1": ({}, {"fallback_from": "FACE"}),
    "Invitation:inv": ({}, {"inviter_id": "m-bob", "created_at": NOW + 1}),
    "Membership:m-ann": ({}, {"joined_via": "IMPORT", "joined_at": NOW + 1}),
    "Person:ann": ({}, {"id_hash": "another", "id_type": "PASSPORT", "realm": "PRIVATE:X"}),
    "PlatformStaff:staff": ({}, {"duty": "RISK"}),
    "RegistrySnapshot:reg": (
        {},
        {"status": "REVOKED", "fetched_at": NOW + 1, "legal_rep_id": "bob", "registered_name": "other"},
    ),
    "RetrievalCase:case": (
        {"state": "NOTICE", "notice_from": NOW + 9},
        {"reason": "ADMIN_DISPUTE", "path": "LEGAL_REP_ONLINE", "notice_from": NOW + 8},
    ),
    "Seal:s1": ({}, {"kind": "OTHER", "category": "PHYSICAL", "face_digest": "unseen"}),
    "SealUseRequest:request": ({}, {"purpose": "another", "submitted_at": NOW + 1}),
    "SigningTask:task1": ({}, {"action": "FILL"}),
    "TaskOperator:operator": ({}, {"person_id": "ann"}),
    "TaskSeal:fixed": ({}, {"seal_id": "thing"}),
}


def send(store: Store, way: str, *records: Any) -> None:
    """Write by one of the ways that there are."""
    if way == "import":
        part = Part(uuid.uuid4().hex, frozenset({"e1", "e2"}), 1, is_last=True)
        store.import_part("test", part, records)
        return
    names = [(type(record).__name__, record.id) for record in records]
    if way == "update":
        stored = [store.read(name, {"id": record_id}).records[0].record for name, record_id in names]
        values = [
            {
                column.name: getattr(record, column.name)
                for column in MODEL.shapes[name].columns
                if getattr(record, column.name) != getattr(old, column.name)
            }
            for (name, _), record, old in zip(names, records, stored, strict=True)
        ]
        changes: tuple[Any, ...] = tuple(
            Update(*key, changed) for key, changed in zip(names, values, strict=True) if changed
        )
    else:
        changes = tuple(map(Put, records))
    read = (stored for name, record_id in names for stored in store.read(name, {"id": record_id}).records)
    at = PreconditionKind.AT_REVISION
    conditions = tuple(Precondition(type(s.record).__name__, s.record.id, at, s.revision) for s in read)
    store.write(Batch("test", uuid.uuid4().hex, changes, conditions))


WAYS = ("write", "update", "import")


@pytest.mark.parametrize("way", WAYS)
def test_what_records_a_past_act_never_changes(store: Store, way: str) -> None:
    write(store, *scene())
    for key, (before, afters) in KEPT.items():
        name = key.split(":")
        if before:
            send(store, way, edited(*name, **before))
        for column, value in afters.items():
            changed = edited(*name, **{**before, column: value})
            assert changed != edited(*name, **before), f"{key}.{column} is no change"
            with pytest.raises(InvariantBroken, match=key):
                send(store, way, changed)


HISTORY = {
    "AuthLetter", "BoardResolution", "EmergencyUse", "EnterpriseAuthentication", "IdentityVerification",
    "InternalReview", "Invitation", "JoinApplication", "NoticeDelivery", "Objection", "PartyConsent", "PlatformStaff",
    "RegistrySnapshot", "RetrievalAppeal", "RetrievalCase", "RetrievalReview", "SealReview", "SealUse",
    "SealUseRequest", "Approval",
    "RequestDocument", "SealHold", "SealOuting", "IntentBatch", "IntentBatchItem", "SealProposal", "SealWitness",
    "SigningTask", "Signatory", "Membership", "RoleAssignment", "SealGrant", "OpenGrant", "CrossEnterpriseGrant",
    "HolderAssignment", "Delegation", "Contract", "Seal", "Certificate", "Device", "Person", "Enterprise",
}  # fmt: skip


def test_what_records_a_past_act_is_never_deleted() -> None:
    assert {name for name in HISTORY if not MODEL.shapes[name].is_permanent} == set()
    # What has a state has a past. A document of a contract goes while nobody has signed it, and an alert is forgotten
    # long after somebody has seen it.
    assert {name for name in STATES if not MODEL.shapes[name].is_permanent} == {"ContractDocument", "Alert"}


# --- faces and documents ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_face_changes_through_a_review_only(store: Store, way: str) -> None:
    write(store, *scene())
    for state in ("ACTIVE", "DISABLED", "LOST", "EXPIRED"):
        with pytest.raises(InvariantBroken, match="S-02"):
            send(store, way, edited("Seal", "s1", state=state, face_digest="face-2"))
    # Back to its review, where it may still change; it does not come out of it with a face that nobody has passed.
    send(store, way, edited("Seal", "s1", state="PENDING_REVIEW", face_digest="face-2"))
    send(store, way, edited("Seal", "s1", state="PENDING_REVIEW", face_digest="face-3"))
    with pytest.raises(InvariantBroken, match="no review has passed"):
        send(store, way, edited("Seal", "s1", state="ACTIVE", face_digest="face-4"))
    send(store, way, edited("Seal", "s1", state="ACTIVE", face_digest="face-3"))
    # A sync that saw only the end of a review brings it, and the face, at once.
    review = SealReview("late", "s1", "m-bob", NOW, "face-5", "Enterprise 1", "PASSED", "e1-m-boss", NOW)
    write(store, review)
    with pytest.raises(InvariantBroken, match="no review has passed"):
        send(store, way, edited("Seal", "rep", face_digest="face-5"))
    send(store, way, edited("Seal", "s1", state="ACTIVE", face_digest="face-5"))


@pytest.mark.parametrize("way", WAYS)
def test_what_a_party_has_signed_stays_as_it_was(store: Store, way: str) -> None:
    write(store, *scene())
    # While nobody has signed, it may change; filling in is no signature.
    filled = edited("SigningTask", "task2", id="fill", action="FILL", state="SIGNED", signed_by_id="out")
    write(store, filled)
    send(store, way, edited("ContractDocument", "doc", digest="digest-2"))
    send(store, way, edited("Contract", "c1", state="SIGNING", amount=1))
    send(store, way, edited("SigningTask", "task2", state="SIGNED", signed_by_id="out"))
    for changed in (
        edited("ContractDocument", "doc", digest="digest-3"),
        edited("Contract", "c1", state="SIGNING", amount=2),
    ):
        with pytest.raises(InvariantBroken, match="is signed already"):
            send(store, way, changed)
    with pytest.raises(InvariantBroken, match="is signed already"):
        write(store, Delete("ContractDocument", "doc"))
    send(store, way, edited("Contract", "c1", state="COMPLETE", amount=1, deadline=NOW))


# --- any order of writes ----------------------------------------------------------------------------------------------

MOVED = [key for key in BASE if key[0] in STATES]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_written_nothing_goes_back(sqlite_store: Store, data: st.DataObject) -> None:
    """Law: over all ways of writing, final records stay, states follow their lives, and counters never fall."""
    before = {(type(r).__name__, r.id): r for r in everything(sqlite_store)}
    for _ in range(data.draw(st.integers(3, 8))):
        record_type, record_id = data.draw(st.sampled_from(MOVED))
        shape = MODEL.shapes[record_type]
        record = before[record_type, record_id]
        column = data.draw(st.sampled_from([c for c in shape.columns if c.name != "id" and not c.is_personal]))
        changed = {"state": data.draw(st.sampled_from(words(record_type)))}
        if data.draw(st.booleans()) and column.name != "state":
            changed[column.name] = other(column, getattr(record, column.name))
        if data.draw(st.booleans()):
            changed["decided_at" if hasattr(record, "decided_at") else "state"] = (
                NOW if hasattr(record, "decided_at") else changed["state"]
            )
        try:
            send(sqlite_store, data.draw(st.sampled_from(WAYS)), dataclasses.replace(record, **changed))
        except (InvariantBroken, FactConflict, InvalidRequest):
            for item in sqlite_store.open_imports():
                sqlite_store.import_part("test", Part(item.import_id, item.tenants, 0, is_abandoned=True))
        after = {(type(r).__name__, r.id): r for r in everything(sqlite_store)}
        assert after.keys() >= before.keys()
        for key, old in before.items():
            life, new = STATES.get(key[0]), after[key]
            if life is None or old == new:
                continue
            assert old.state == new.state or new.state in life.reachable(old.state)
            if not life.reachable(old.state):
                late = LATE.get(key[0], ())
                assert dataclasses.replace(new, **{name: getattr(old, name) for name in late}) == old
            assert getattr(new, "used", 0) >= getattr(old, "used", 0)
            if key[0] == "Contract" and old.state not in ("DRAFT", "FILLING", "SIGNING"):
                assert [getattr(new, name) for name in TERMS] == [getattr(old, name) for name in TERMS]
        before = after


@pytest.fixture
def sqlite_store(new_database: Any) -> Any:
    store = Store.open(new_database("sqlite"), MODEL)
    write(store, *scene())
    yield store
    store.close()
