"""A batch: applied whole or not at all, in any order, once per request, by whoever may."""

from __future__ import annotations

import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from facts_scene import (
    BASE,
    DAY,
    NAME,
    NOW,
    PHONE,
    all_rows,
    dump,
    edited,
    enterprise,
    everything,
    person,
    put,
    scene,
    uscc,
    write,
)
from sqlalchemy import select

from sealauthz.facts import Batch, Delete, Precondition, PreconditionKind, Store
from sealauthz.facts.store.system_tables import FACT_CHANGE, FACT_CHANGE_UNIT
from sealauthz.model import MODEL
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.membership import Membership, RoleAssignment
from sealauthz.model.records.organisation import Enterprise, RegistrySnapshot
from sealauthz.model.records.seals import Seal, SealHold
from sealauthz.model.records.signing import Signatory, SigningTask, TaskOperator
from sealauthz.runtime.errors import CallerNotPermitted, FactConflict, InvalidRequest, InvariantBroken
from sealauthz.schema import shape_of

EXISTS, ABSENT, AT_REVISION = PreconditionKind.EXISTS, PreconditionKind.ABSENT, PreconditionKind.AT_REVISION


def touched(store: Store, revision: int) -> set[str]:
    with store.read_transaction() as snapshot:
        rows = snapshot.connection.execute(select(FACT_CHANGE_UNIT).where(FACT_CHANGE_UNIT.c.revision == revision))
        return {f"{row.kind}:{row.id}" for row in rows}


def images(store: Store, revision: int) -> list[dict[str, Any]]:
    with store.read_transaction() as snapshot:
        row = snapshot.connection.execute(select(FACT_CHANGE).where(FACT_CHANGE.c.revision == revision)).one()
        changes: list[dict[str, Any]] = json.loads(row.changes)
        return changes


def test_what_is_written_is_read_back(store: Store) -> None:
    receipt = write(store, *scene())
    assert receipt.revision == store.revision() == 1
    assert {(type(r).__name__, r.id): r for r in everything(store)} == BASE
    # Exact words, not members of an enumeration.
    assert type(store.read("Seal", {"id": "s1"}).records[0].record.kind) is str
    assert store.read("RegistrySnapshot").records[0].record.is_current is True


def test_the_order_of_a_batch_says_nothing(store: Store) -> None:
    write(store, *reversed(scene()))
    assert {(type(r).__name__, r.id): r for r in everything(store)} == BASE


def test_parents_may_follow_their_children(store: Store) -> None:
    write(
        store,
        Enterprise("a", "a", uscc(1), parent_id="b"),
        Enterprise("b", "b", uscc(2), parent_id="c"),
        Enterprise("c", "c", uscc(3)),
    )
    assert [stored.record.parent_id for stored in store.read("Enterprise").records] == ["b", "c", None]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_batch_may_free_what_it_takes(store: Store, is_reversed: bool) -> None:
    write(store, *scene())
    changes: list[Any] = [
        # An insert takes what an update frees, an update what another update frees, an insert what a delete frees.
        edited("RegistrySnapshot", "reg", is_current=False),
        RegistrySnapshot("a-new", "e1", "EXISTING", NOW + 1),
        edited("Enterprise", "e1", auth_state="AUTH_FAILED"),
        edited("Enterprise", "e3", auth_state="AUTHENTICATED", operating_state="FROZEN"),
        Delete("TaskOperator", "operator"),
        TaskOperator("a-new", "task1", "bob"),
    ]
    write(store, *(reversed(changes) if is_reversed else changes))
    assert [stored.record.id for stored in store.read("TaskOperator").records] == ["a-new"]
    assert [s.record.id for s in store.read("RegistrySnapshot", {"is_current": True}).records] == ["a-new"]


def test_an_administrator_is_replaced_in_one_batch(store: Store) -> None:
    write(store, *scene())
    write(store, edited("RoleAssignment", "e1-admin", state="REVOKED"), RoleAssignment("next", "m-ann", "SYSTEM_ADMIN"))
    assert store.revision() == 2


def test_a_real_name_can_always_be_revoked(store: Store) -> None:
    write(store, *scene())
    assert write(store, edited("Person", "ann", realname_state="REVOKED")).revision == 2


def test_a_review_stands_when_its_reviewers_post_ends(store: Store) -> None:
    write(store, *scene())
    assert write(store, edited("PlatformStaff", "staff", state="ENDED")).revision == 2


def test_a_suspended_member_keeps_roles_and_grants(store: Store) -> None:
    write(store, *scene())
    assert write(store, edited("Membership", "m-bob", state="SUSPENDED")).revision == 2


def test_a_batch_that_changes_nothing_makes_no_revision(store: Store) -> None:
    write(store, *scene())
    before = store.read("Seal").records
    receipt = write(store, *scene(), Delete("TaskSeal", "nothing"), request_id="same")
    assert (receipt.revision, receipt.is_replay, store.revision()) == (1, False, 1)
    assert store.read("Seal").records == before
    write(store, edited("Seal", "s1", name="x"))
    again = write(store, *scene(), Delete("TaskSeal", "nothing"), request_id="same")
    assert (again.revision, again.is_replay) == (1, True)


def test_only_what_changed_gets_the_new_revision(store: Store) -> None:
    write(store, *scene())
    changed = edited("SealHold", "hold", state="RELEASED")
    write(store, *(changed if record.id == "hold" else record for record in scene()))
    assert {s.record.id for r in ("Seal", "SealHold") for s in store.read(r).records if s.revision == 2} == {"hold"}


def test_an_empty_batch_is_answered_with_the_newest_revision(store: Store) -> None:
    assert write(store).revision == 0
    write(store, *scene())
    assert write(store).revision == 1


# --- requests ---------------------------------------------------------------------------------------------------------


def test_the_same_request_is_answered_with_the_first_receipt(store: Store) -> None:
    first = write(store, *scene(), request_id="r")
    write(store, edited("Seal", "s1", name="x"))
    state = all_rows(store)
    again = write(store, *reversed(scene()), request_id="r")
    assert (again.revision, again.at, again.is_replay) == (first.revision, first.at, True)
    assert all_rows(store) == state


def test_the_same_request_id_for_another_content_is_a_conflict(store: Store) -> None:
    write(store, *scene(), request_id="r")
    for changes, conditions in (
        ((edited("Seal", "s1", name="x"),), ()),
        (tuple(scene()), (Precondition("Seal", "s1", EXISTS),)),
        ((Delete("TaskSeal", "fixed"),), ()),
    ):
        with pytest.raises(FactConflict) as caught:
            write(store, *changes, request_id="r", preconditions=conditions)
        assert caught.value.invariant == "REQUEST_ID"
    assert write(store, edited("Seal", "s1", name="x"), request_id="r", caller="another").revision == 2


def test_a_refused_request_may_be_sent_again(store: Store) -> None:
    with pytest.raises(InvariantBroken):
        write(store, Seal("s1", "e1", "x", "CONTRACT"), request_id="r")
    write(store, *enterprise(1))
    assert not write(store, Seal("s1", "e1", "x", "CONTRACT"), request_id="r").is_replay


def test_the_same_request_at_once_is_applied_once(database_url: str) -> None:
    stores = [Store.open(database_url, MODEL) for _ in range(4)]
    write(stores[0], *scene())
    for number in range(5):
        barrier = threading.Barrier(4)

        def send(store: Store, number: int = number, barrier: threading.Barrier = barrier) -> Any:
            barrier.wait()
            # The precondition fails for whoever comes second and does not find the receipt.
            return write(
                store,
                SealHold(f"h{number}", "s1", "ADMIN", NOW),
                request_id=f"r{number}",
                preconditions=(Precondition("SealHold", f"h{number}", ABSENT),),
            )

        with ThreadPoolExecutor(4) as pool:
            receipts = list(pool.map(send, stores))
        assert {receipt.revision for receipt in receipts} == {number + 2}
        assert sorted(receipt.is_replay for receipt in receipts) == [False, True, True, True]
    for store in stores:
        store.close()


def test_the_same_new_record_at_once_is_written_by_both_in_turn(database_url: str) -> None:
    stores = [Store.open(database_url, MODEL) for _ in range(2)]
    for number in range(8):
        barrier = threading.Barrier(2)

        def send(name: str, number: int = number, barrier: threading.Barrier = barrier) -> Any:
            barrier.wait()
            return write(stores[int(name)], Enterprise(f"e{number}", name, uscc(number)))

        with ThreadPoolExecutor(2) as pool:
            receipts = list(pool.map(send, "01"))
        assert sorted(receipt.revision for receipt in receipts) == [2 * number + 1, 2 * number + 2]
        last = max(receipts, key=lambda receipt: receipt.revision)
        assert stores[0].read("Enterprise", {"id": f"e{number}"}).records[0].record.name == str(receipts.index(last))
    for store in stores:
        store.close()


# --- preconditions ----------------------------------------------------------------------------------------------------


def test_preconditions_hold_or_nothing_happens(store: Store) -> None:
    write(store, *scene())
    write(store, edited("Seal", "s1", name="x"))
    state = all_rows(store)
    cases = [
        (Precondition("Seal", "none", EXISTS), InvariantBroken, "`Seal:none` does not exist"),
        (Precondition("Seal", "s1", ABSENT), FactConflict, "`Seal:s1` exists"),
        (Precondition("Seal", "s1", AT_REVISION, 1), InvariantBroken, "`Seal:s1` is at revision 2, not at 1"),
        (Precondition("Seal", "none", AT_REVISION, 1), InvariantBroken, "`Seal:none` does not exist"),
    ]
    for precondition, error, message in cases:
        with pytest.raises(error) as caught:
            write(store, edited("Seal", "s1", name="y"), preconditions=(precondition,))
        assert (caught.value.invariant, str(caught.value)) == ("PRECONDITION", message)
        assert all_rows(store) == state
    good = (
        Precondition("Seal", "s1", AT_REVISION, 2),
        Precondition("Seal", "s2", EXISTS),
        Precondition("Seal", "new", ABSENT),
    )
    assert write(store, edited("Seal", "s1", name="y"), preconditions=good).revision == 3


def test_two_edits_of_the_same_revision_cannot_both_win(database_url: str) -> None:
    stores = [Store.open(database_url, MODEL) for _ in range(2)]
    write(stores[0], *scene())
    for _ in range(8):
        revision = stores[0].read("Seal", {"id": "s1"}).records[0].revision
        barrier = threading.Barrier(2)

        def send(store: Store, revision: int = revision, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            condition = (Precondition("Seal", "s1", AT_REVISION, revision),)
            try:
                write(store, edited("Seal", "s1", name=f"{id(store)}-{revision}"), preconditions=condition)
            except InvariantBroken:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(send, stores)) == [False, True]
    for store in stores:
        store.close()


def test_malformed_batches_name_the_field(store: Store) -> None:
    seal = Seal("s1", "e1", "x", "CONTRACT")
    cases = {
        "caller": Batch("", "r", put(seal)),
        "request_id": Batch("c", "", put(seal)),
        "changes[1]": Batch("c", "r", put(seal, seal)),
        "changes[0].record_type": Batch("c", "r", (Delete("Sael", "s1"),)),
        "changes[0].id": Batch("c", "r", (Delete("TaskSeal", ""),)),
        "preconditions[0].id": Batch("c", "r", put(seal), (Precondition("Seal", "a\0", EXISTS),)),
        "preconditions[0].record_type": Batch("c", "r", put(seal), (Precondition("seal", "a", EXISTS),)),
    }
    for field, batch in cases.items():
        with pytest.raises(InvalidRequest) as caught:
            store.write(batch)
        assert [violation.field for violation in caught.value.violations] == [field]
    with pytest.raises(InvalidRequest):
        store.write(Batch("c", "r", (*put(seal), Delete("Seal", "s1"))))


# --- what a revision says ---------------------------------------------------------------------------------------------


def test_a_change_says_what_was_before_and_after(store: Store) -> None:
    write(store, *scene())
    write(store, edited("Seal", "s1", state="DISABLED"), Delete("TaskOperator", "operator"))
    changes = {change["id"]: change for change in images(store, 2)}
    assert changes["s1"]["type"] == "Seal"
    assert changes["s1"]["before"]["state"] == "ACTIVE"
    assert changes["s1"]["after"] == {**changes["s1"]["before"], "state": "DISABLED"}
    assert changes["operator"]["after"] is None
    assert changes["operator"]["before"]["person_id"] == "bob"


def test_personal_text_is_in_its_own_row_only(store: Store) -> None:
    secrets = {
        ("Person", "ann", "person"): {"real_name": "秘密姓名", "phone": "13912345678", "id_last4": "902X"},
        ("JoinApplication", "app", "join_application"): {"reason": "秘密原因一"},
        ("RetrievalCase", "case", "retrieval_case"): {"reason_text": "秘密原因二"},
        ("Objection", "objection", "objection"): {"ground": "秘密原因三"},
        ("SigningTask", "task2", "signing_task"): {"refusal_reason": "秘密原因四"},
        ("Approval", "approval", "approval"): {"reason": "秘密原因五"},
    }
    personal = {
        (cls.__name__, c.name) for cls in MODEL.records.values() for c in shape_of(cls).columns if c.is_personal
    }
    assert personal == {(key[0], column) for key, columns in secrets.items() for column in columns}
    write(store, *scene())
    for (record_type, record_id, _), columns in secrets.items():
        write(store, edited(record_type, record_id, **columns))
    tables = dump(store)
    for (_, _, table), columns in secrets.items():
        for secret in columns.values():
            assert {name for name, rows in tables.items() if secret in repr(rows)} == {table}
    for table in ("fact_change", "fact_request", "fact_change_unit"):
        assert NAME not in repr(tables[table])
        assert PHONE not in repr(tables[table])
    # A change of personal text alone is a change all the same.
    assert images(store, 2)[0]["before"] == images(store, 2)[0]["after"]


def test_a_person_is_erased_by_blanking_what_is_personal_and_no_table_keeps_it(store: Store) -> None:
    write(store, *scene())
    secrets = {"real_name": "秘密姓名", "phone": "13912345678", "id_last4": "902X"}
    write(store, edited("Person", "ann", **secrets, phone_hash="b" * 64))
    write(store, edited("Person", "ann", **dict.fromkeys([*secrets, "phone_hash"], "")))
    tables = dump(store)
    for secret in secrets.values():
        assert not [name for name, rows in tables.items() if secret in repr(rows)]
    # The hash is gone from the row; what it was is history, as every change of a row is.
    assert {name for name, rows in tables.items() if "b" * 64 in repr(rows)} == {"fact_change"}


def test_a_revision_names_every_unit_that_holds_what_it_changed(store: Store) -> None:
    write(store, *scene())
    cases: list[tuple[list[Any], set[str]]] = [
        ([edited("Seal", "s1", name="x")], {"ENTERPRISE:e1"}),
        ([edited("Membership", "m-ann", state="SUSPENDED")], {"ENTERPRISE:e1", "PERSON:ann"}),
        ([edited("RoleAssignment", "seal-admin", is_primary=True)], {"ENTERPRISE:e1", "PERSON:bob"}),
        ([edited("Person", "ann", phone="1")], {"ENTERPRISE:e1", "PERSON:ann"}),
        # A guest as the applicant of both cases; as the former member, legal representative and objector.
        ([edited("Person", "out", phone="1")], {"ENTERPRISE:e1", "ENTERPRISE:e2", "PERSON:out"}),
        ([edited("Person", "old", phone="1")], {"ENTERPRISE:e1", "PERSON:old"}),
        # A contract touches the persons of its tasks.
        ([edited("Contract", "c1", state="SIGNING")], {"CONTRACT:c1", "PERSON:ann", "PERSON:bob"}),
        # A post touches the enterprises that it reviewed.
        ([edited("PlatformStaff", "staff", state="ENDED")], {"ENTERPRISE:e1", "PERSON:out"}),
        ([edited("PlatformStaff", "support", state="ENDED")], {"PERSON:bob"}),
        # A task touches the handler that it had and the one that it gets.
        ([edited("SigningTask", "task1", handler_id="old")], {"CONTRACT:c1", "PERSON:ann", "PERSON:bob", "PERSON:old"}),
        ([Signatory("party3", "c1", "ENTERPRISE", enterprise_id="e2")], {"CONTRACT:c1"}),
        ([edited("SigningTask", "task2", handler_id="out")], {"CONTRACT:c1", "PERSON:out"}),
        ([Delete("TaskOperator", "operator")], {"CONTRACT:c1", "PERSON:bob"}),
        ([edited("RegistrySnapshot", "reg", is_current=False)], {"ENTERPRISE:e1", "PERSON:old"}),
        ([edited("IdentityVerification", "v1", state="PASSED")], {"PERSON:ann"}),
        ([edited("Objection", "objection", state="UPHELD")], {"ENTERPRISE:e1"}),
        # What a holder does with a seal of another enterprise is that one's.
        ([edited("HolderAssignment", "holder", state="REVOKED")], {"ENTERPRISE:e1"}),
        ([edited("CustomRole", "clerk", name="x")], {"ENTERPRISE:e1"}),
        ([edited("StepApprover", "by-role", valid_to=NOW)], {"ENTERPRISE:e1"}),
        ([edited("BoardResolution", "resolution", state="WITHDRAWN")], {"ENTERPRISE:e1"}),
        ([edited("Delegation", "delegation", state="REVOKED")], {"ENTERPRISE:e1"}),
        ([edited("InternalReview", "internal", state="PASSED")], {"CONTRACT:c1"}),
        ([edited("NoticeDelivery", "notice", state="ACCEPTED")], {"ENTERPRISE:e1"}),
    ]
    for changes, units in cases:
        receipt = write(store, *changes)
        assert touched(store, receipt.revision) == units, changes


def test_time_never_goes_back(database_url: str) -> None:
    clock = itertools.chain([1000, 500, 700], itertools.count(2000))
    store = Store.open(database_url, MODEL, now=lambda: next(clock))
    instants = [write(store, *enterprise(number)).at for number in range(1, 5)]
    assert instants == [1000, 1000, 1000, 2000]
    store.close()


# --- rights -----------------------------------------------------------------------------------------------------------


def test_who_may_write_one_enterprise_may_not_write_another(store: Store) -> None:
    write(store, *scene())
    e1, e2 = frozenset({"e1"}), frozenset({"e2"})
    state = all_rows(store)
    refused = [
        (e2, edited("Seal", "s1", name="x")),
        (e2, edited("Enterprise", "e1", name="x")),
        (e2, SealHold("new", "s1", "ADMIN", NOW)),
        (e2, edited("Contract", "c1", contract_type="x")),
        (e2, Delete("TaskOperator", "operator")),
        # Nobody lets themselves in: neither by taking the contract over nor by becoming a party of it.
        (e2, edited("Contract", "c1", initiator_id="e2")),
        (e2, Signatory("new", "c1", "ENTERPRISE", enterprise_id="e2")),
        (e2, SigningTask("new", "party1", "FILL")),
        (e2, Seal("new", "no-enterprise", "x", "CONTRACT")),
        (e2, Delete("TaskOperator", "none")),
        (e2, Enterprise("new", "x", uscc(9))),
        (e2, Seal("new", "e1", "x", "CONTRACT")),
        (frozenset(), edited("Seal", "s1", name="x")),
    ]
    for enterprises, change in refused:
        with pytest.raises(CallerNotPermitted):
            write(store, change, tenants=enterprises)
        with pytest.raises(CallerNotPermitted):
            write(store, edited("Seal", "s2", name="x"), change, tenants=enterprises)
        assert all_rows(store) == state
    with pytest.raises(CallerNotPermitted):
        write(store, edited("Seal", "s2", name="x"), tenants=e2, preconditions=(Precondition("Seal", "s1", EXISTS),))
    write(store, edited("Seal", "s1", name="x"), edited("Contract", "c1", contract_type="x"), tenants=e1)
    write(store, edited("Person", "ann", phone="1"), tenants=frozenset())
    # The sender names the parties and what they are to do, and one batch may make a contract with all of that.
    write(store, Signatory("party3", "c1", "ENTERPRISE", enterprise_id="e2"), tenants=e1)
    write(store, SigningTask("new", "party3", "FILL"), tenants=e1)
    write(
        store,
        Contract("c2", "e2", "SALES"),
        Signatory("p", "c2", "ENTERPRISE", enterprise_id="e1"),
        SigningTask("t", "p", "FILL"),
        tenants=e2,
    )


def test_a_guard_is_shown_every_change_as_it_is_and_will_be(store: Store) -> None:
    write(store, *scene())
    shown: dict[str, tuple[Any, Any]] = {}
    disabled, hold = edited("Seal", "s1", state="DISABLED"), SealHold("new", "s1", "ADMIN", NOW)
    removed = (Delete("TaskOperator", "operator"), Delete("TaskOperator", "none"))
    write(
        store,
        *(disabled, hold, edited("Seal", "s2"), *removed),
        guard=lambda before, after: shown.update({(after or before).id: (before, after)}),
    )
    assert shown == {
        "s1": (BASE["Seal", "s1"], disabled),
        "new": (None, hold),
        "operator": (BASE["TaskOperator", "operator"], None),
    }


def test_what_a_guard_raises_refuses_the_batch(store: Store) -> None:
    write(store, *scene())
    state = all_rows(store)

    def refuse(before: Any, after: Any) -> None:
        raise CallerNotPermitted("no")

    nobody = (Precondition("Seal", "none", EXISTS),)
    with pytest.raises(CallerNotPermitted, match="no"):
        write(store, edited("Seal", "s1", name="x"), guard=refuse, preconditions=nobody)
    with pytest.raises(CallerNotPermitted, match="may not write facts of this enterprise"):
        write(store, edited("Seal", "s1", name="x"), guard=refuse, tenants=frozenset({"e2"}))
    assert all_rows(store) == state


def test_a_replayed_request_is_not_shown_to_the_guard(store: Store) -> None:
    asked: list[Any] = []
    write(store, *scene())
    for _ in range(2):
        receipt = write(
            store, edited("Seal", "s1", name="x"), request_id="r", guard=lambda before, after: asked.append(after)
        )
    assert receipt.is_replay
    assert len(asked) == 1


def test_a_guard_sees_what_a_writer_before_it_left(database_url: str) -> None:
    """Who may set the name alone cannot put back, with a record read earlier, what another has changed meanwhile."""
    first, second = Store.open(database_url, MODEL), Store.open(database_url, MODEL)
    write(first, *scene())
    is_first_inside, is_second_called = threading.Event(), threading.Event()

    def hold(before: Any, after: Any) -> None:
        is_first_inside.set()
        is_second_called.wait(10)
        time.sleep(0.2)

    def only_the_name(before: Any, after: Any) -> None:
        if before.state != after.state:
            raise CallerNotPermitted(f"from {before.state} to {after.state}")

    def rename() -> None:
        is_second_called.set()
        write(second, edited("Seal", "s1", name="renamed"), guard=only_the_name)

    with ThreadPoolExecutor(2) as pool:
        disabling = pool.submit(write, first, edited("Seal", "s1", state="DISABLED"), guard=hold)
        assert is_first_inside.wait(10)
        renaming = pool.submit(rename)
        disabling.result()
        with pytest.raises(CallerNotPermitted, match="from DISABLED to ACTIVE"):
            renaming.result()
    seal = first.read("Seal", {"id": "s1"}).records[0].record
    assert (seal.state, seal.name) == ("DISABLED", BASE["Seal", "s1"].name)
    first.close()
    second.close()


def test_the_enterprises_that_a_record_concerns(store: Store) -> None:
    write(store, *scene())
    new = Seal("new", "e2", "x", "CONTRACT")
    with store.read_transaction() as snapshot:
        assert store.tenants_of(snapshot, BASE["SealHold", "hold"]) == {"e1"}
        assert store.tenants_of(snapshot, BASE["Person", "ann"]) == frozenset()
        assert store.tenants_of(snapshot, edited("Signatory", "party2", kind="ENTERPRISE", enterprise_id="e2")) == {
            "e1",
            "e2",
        }
        assert store.tenants_of(snapshot, BASE["TaskSeal", "fixed"]) == {"e1"}
        assert store.tenants_of(snapshot, SealHold("new", "new", "ADMIN", NOW)) == frozenset()
        assert store.tenants_of(snapshot, SealHold("new", "new", "ADMIN", NOW), beside=[new]) == {"e2"}


def test_a_large_batch_is_one_revision(store: Store) -> None:
    people = [person(f"p{number}") for number in range(400)]
    members = [Membership(f"m{number}", f"p{number}", "e1", "IMPORT", NOW + DAY) for number in range(400)]
    receipt = write(store, *enterprise(1), *people, *members)
    assert receipt.revision == 1
    assert len(store.read("Membership", page_size=1000).records) == 401
