"""Imports: nothing is decided about an enterprise until its last part, and nothing breaks that a write would keep."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from facts_scene import (
    BASE,
    DAY,
    NOW,
    all_rows,
    dump,
    edited,
    enterprise,
    everything,
    opened,
    person,
    scene,
    uscc,
    write,
)

from sealauthz.facts import (
    Batch,
    FactCache,
    Part,
    PartReceipt,
    Precondition,
    PreconditionKind,
    Put,
    ReadTransaction,
    Store,
    Unit,
)
from sealauthz.facts.memory.consistency import uptime_s
from sealauthz.facts.memory.loading import load_unit, touched_since
from sealauthz.facts.store.reading import Query, read_page
from sealauthz.facts.store.rows import RecordRows
from sealauthz.facts.store.sweep import Sweep
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.model.records.grants import GrantContractType, GrantTemplate
from sealauthz.model.records.membership import Membership, RoleAssignment
from sealauthz.model.records.seals import Seal
from sealauthz.model.records.signing import TaskOperator
from sealauthz.runtime.background import Background, ignored
from sealauthz.runtime.errors import CallerNotPermitted, FactConflict, FactNotLoaded, InvalidRequest, InvariantBroken

NAMES = frozenset({"e1", "e2", "e3"})
ORDERED = sorted(scene(), key=lambda record: tables_of(MODEL).dependency_order[type(record).__name__])


def parts_of(size: int) -> list[list[Any]]:
    """The scene in parts of so many records; a list that one check of intent is for is whole from the first."""
    whole = {"IntentBatch", "IntentBatchItem"}
    single = [record for record in ORDERED if type(record).__name__ not in whole]
    parts = [single[start : start + size] for start in range(0, len(single), size)]
    parts[-1] += [record for record in ORDERED if type(record).__name__ in whole]
    return parts


def send(store: Store, number: int, *records: Any, **more: Any) -> PartReceipt:
    """Write one part of the import `i` of `e1`, unless said otherwise."""
    fields: dict[str, Any] = {"import_id": "i", "tenants": frozenset({"e1"}), **more}
    rights = {name: fields.pop(name) for name in ("caller", "guard", "rights") if name in fields}
    return store.import_part(
        rights.get("caller", "importer"),
        Part(number=number, **fields),
        records,
        rights.get("rights"),
        rights.get("guard"),
    )


def is_shut(store: Store, enterprise_id: str = "e1") -> bool:
    """Whether a fresh load of the enterprise's unit is refused."""
    with store.read_transaction() as snapshot:
        try:
            load_unit(snapshot, Unit("ENTERPRISE", enterprise_id))
        except FactNotLoaded as error:
            return error.importing == ("ENTERPRISE", enterprise_id)
    return False


def touched_in(snapshot: ReadTransaction, before: int) -> frozenset[Unit]:
    """The units that changed after a revision."""
    touched = touched_since(snapshot, before)
    return frozenset() if touched is None else touched.units


def refusal(store: Store, *arguments: Any, **more: Any) -> tuple[str, str]:
    before = all_rows(store)
    with pytest.raises((InvariantBroken, FactConflict)) as caught:
        send(store, *arguments, **more)
    assert all_rows(store) == before, "nothing of it stays"
    return caught.value.invariant, str(caught.value)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_valid_scene_comes_in_parts_of_any_size_in_the_order_of_its_references(store: Store, size: int) -> None:
    parts = parts_of(size)
    fact_cache = FactCache(store)
    for number, records in enumerate(parts, 1):
        receipt = send(store, number, *records, tenants=NAMES, is_last=number == len(parts))
        assert (receipt.parts, receipt.is_finished) == (number, number == len(parts))
        assert receipt.written.revision == number
        assert [is_shut(store, name) for name in sorted(NAMES)] == [not receipt.is_finished] * 3
    assert {(type(record).__name__, record.id): record for record in everything(store)} == BASE
    with fact_cache.read() as snapshot:
        assert snapshot.find("Seal", "s1").enterprise.name == "Enterprise 1"
    tables = dump(store)
    assert (tables["fact_import_unit"], tables["fact_import_new"]) == ([], [])


def test_an_import_leaves_what_a_write_leaves(store: Store) -> None:
    """Images, revisions and units are as ever."""
    write(store, *enterprise(1))
    send(store, 1, edited("Enterprise", "e1", name="Renamed"), Seal("s9", "e1", "seal", "OTHER"))
    page = store.changes_after(1, 10)
    (revision,) = page.revisions
    assert {(c.record_type, c.id, c.before is None) for c in revision.changes} == {
        ("Enterprise", "e1", False),
        ("Seal", "s9", True),
    }
    assert all(c.concerned_after == {"e1"} for c in revision.changes)
    assert store.read("Seal").records[0].revision == 2


def test_marks_touch_the_enterprises_units_so_that_caches_drop_them(store: Store) -> None:
    write(store, *enterprise(1), *enterprise(2))
    fact_cache = FactCache(store)
    with fact_cache.read() as snapshot:
        assert snapshot.find("Enterprise", "e1") is not None
    # A part that changes nothing shuts the enterprise all the same, and the last one opens it.
    for number, is_last in ((1, False), (2, True)):
        before = store.revision()
        receipt = send(store, number, edited("Enterprise", "e1"), is_last=is_last)
        assert receipt.written.revision == before + 1
        with store.read_transaction() as snapshot:
            boss = Unit("PERSON", "e1-boss")
            assert touched_in(snapshot, before) == {Unit("ENTERPRISE", "e1"), boss}
        with fact_cache.read() as snapshot:
            assert snapshot.find("Enterprise", "e2") is not None
            if is_last:
                assert snapshot.find("Enterprise", "e1") is not None
            else:
                with pytest.raises(FactNotLoaded, match="is being imported"):
                    snapshot.find("Membership", "e1-m-boss")


def test_a_world_that_reloads_what_is_hot_moves_on_over_an_import(store: Store, database_url: str) -> None:
    """An enterprise that is shut must not hold up what is known of all others."""
    write(store, *enterprise(1), *enterprise(2))
    fact_cache = FactCache(store)
    e1, e2 = (Unit("ENTERPRISE", name) for name in ("e1", "e2"))
    for _ in range(5):
        with fact_cache.read() as snapshot:
            assert snapshot.unit(e1) is not None
            assert snapshot.unit(e2) is not None
    assert fact_cache.timeline.cache.is_reloaded(e1)
    elsewhere = Store.open(database_url, MODEL)
    send(elsewhere, 1, edited("Enterprise", "e1", name="half"))
    fact_cache.refresh(uptime_s(), reload=True)
    assert fact_cache.timeline.revision == 2
    with fact_cache.read() as snapshot:
        assert snapshot.unit(e2) is not None
        with pytest.raises(FactNotLoaded):
            snapshot.unit(e1)
    send(elsewhere, 2, is_last=True)
    fact_cache.refresh(uptime_s(), reload=True)
    with fact_cache.read() as snapshot:
        assert snapshot.find("Enterprise", "e1").name == "half"
    elsewhere.close()


def test_a_decision_sees_none_of_an_import_or_all_of_it(store: Store) -> None:
    """Law: whatever a reader loads at any moment is shut, or is a state that a write could have made."""
    write(store, *enterprise(1), Seal("s1", "e1", "0", "OTHER"), Seal("s2", "e1", "0", "OTHER"))
    fact_cache = FactCache(store)
    done = threading.Event()

    def read() -> list[str]:
        seen = []
        while not done.is_set():
            with fact_cache.read() as snapshot:
                try:
                    unit = snapshot.unit(Unit("ENTERPRISE", "e1"))
                except FactNotLoaded:
                    continue
                assert unit is not None
                names = {seal.name for seal in unit["Seal"].values()}
                assert len(names) == 1, "half of an import"
                seen += sorted(names)
        return seen

    with ThreadPoolExecutor(2) as pool:
        reading = [pool.submit(read) for _ in range(2)]
        try:
            for turn in range(1, 15):
                named = {"import_id": f"i{turn}"}
                send(store, 1, Seal("s1", "e1", str(turn), "OTHER"), **named)
                send(store, 2, Seal("s2", "e1", str(turn), "OTHER"), is_last=True, **named)
        finally:
            done.set()
        for job in reading:
            job.result()


# --- what waits for the whole, and what does not ----------------------------------------------------------------------


def test_an_enterprise_without_an_administrator_is_not_opened(store: Store) -> None:
    lonely = enterprise(1)[0]
    send(store, 1, lonely)
    assert refusal(store, 2, is_last=True)[0] == "I4"
    assert refusal(store, 0, is_abandoned=True)[0] == "I4"
    assert is_shut(store)
    # The import is still open, and can mend it.
    send(store, 2, *enterprise(1)[1:])
    assert send(store, 3, is_last=True).is_finished
    assert not is_shut(store)


def test_the_whole_is_checked_for_every_enterprise_of_the_import(store: Store) -> None:
    both = frozenset({"e1", "e2"})
    send(store, 1, *enterprise(1), enterprise(2)[0], tenants=both)
    assert refusal(store, 2, is_last=True, tenants=both) == (
        "I4",
        "`Enterprise:e2` would have no active system administrator (I4)",
    )


@pytest.mark.parametrize(
    ("invariant", "early", "late"),
    [
        # Written in two parts, each is broken in between and whole at the end.
        ("I4", edited("RoleAssignment", "e1-admin", state="REVOKED"), RoleAssignment("new", "m-ann", "SYSTEM_ADMIN")),
        ("I7", edited("Membership", "m-cat", state="ENDED", ended_at=NOW, end_reason="RESIGNED"), None),
        ("I8", edited("RoleAssignment", "seal-admin", state="REVOKED"), None),
        ("I9", edited("SealGrant", "g1", state="REVOKED"), edited("SealGrant", "g-sub", state="REVOKED")),
    ],
)
def test_what_takes_the_whole_waits_and_is_not_forgotten(store: Store, invariant: str, early: Any, late: Any) -> None:
    write(store, *scene())
    with pytest.raises(InvariantBroken) as caught:
        write(store, early)
    assert caught.value.invariant == invariant, "an ordinary write is refused"
    send(store, 1, early)
    assert refusal(store, 2, is_last=True)[0] == invariant
    assert refusal(store, 0, is_abandoned=True)[0] == invariant
    if late is not None:
        assert send(store, 2, late, is_last=True).is_finished


@pytest.mark.parametrize(
    ("invariant", "record"),
    [
        ("SAME_ENTERPRISE", edited("Seal", "s1", custodian_id="m-dan")),
        ("I5", Membership("m-out", "out", "e1", "INVITE", NOW)),
        ("S-10", edited("SealGrant", "g1", valid_to=NOW + 2 * DAY)),
        ("I3", edited("Membership", "m-ann", person_id="bob")),
        ("HOME", edited("Seal", "s1", enterprise_id="e2")),
        ("REFERENCE", edited("Seal", "s1", custodian_id="none")),
        ("I11", edited("Seal", "dead", state="ACTIVE")),
        ("I2", edited("Enterprise", "e1", uscc=uscc(7))),
        ("CYCLE", edited("Department", "dept1", parent_id="dept1-sub")),
        ("I14", edited("EmergencyUse", "emergency", id="new", approved_by_id="m-ann")),
    ],
)
def test_everything_else_holds_in_each_part(store: Store, invariant: str, record: Any) -> None:
    write(store, *scene())
    assert refusal(store, 1, record, tenants=NAMES)[0] == invariant
    assert not is_shut(store)


def test_only_a_right_that_the_import_made_may_be_completed_in_a_later_part(store: Store) -> None:
    write(store, *scene())
    widened = GrantContractType("more", "g1", "LEASE")
    used_up = edited("SealGrant", "g1", used=3)
    # An old grant that the import touches is settled as ever.
    send(store, 1, used_up, edited("SealGrant", "g1", id="g9", used=0))
    assert refusal(store, 2, widened)[0] == "S-10"
    send(store, 2, GrantContractType("new", "g9", "LEASE"), GrantTemplate("only", "g9", "t"))
    send(store, 3, is_last=True)
    # And a new one is settled once the import is over.
    for detail in (GrantContractType("later", "g9", "PURCHASE"), widened):
        with pytest.raises(InvariantBroken) as caught:
            write(store, detail)
        assert caught.value.invariant == "S-10"
        assert refusal(store, 1, detail, import_id="another")[0] == "S-10"


def test_a_sub_grant_wider_than_its_grant_is_found_at_the_end(store: Store) -> None:
    write(store, *[record for record in scene() if record.id not in ("sub-type",)])
    send(store, 1, edited("SealGrant", "g-sub", id="g8"), GrantContractType("x", "g8", "LEASE"))
    assert refusal(store, 2, is_last=True)[0] == "I9"


# --- who may do what meanwhile ----------------------------------------------------------------------------------------


def test_nobody_else_writes_into_an_enterprise_that_is_being_imported(store: Store) -> None:
    write(store, *scene())
    send(store, 1, edited("Seal", "s1", name="new"))
    for change in (edited("Seal", "s1"), edited("SealHold", "hold", state="RELEASED"), edited("Enterprise", "e1")):
        for caller in ("other", "importer"):
            with pytest.raises(InvariantBroken, match="is being imported") as caught:
                write(store, change, caller=caller)
            assert caught.value.invariant == "IMPORT"
    condition = Precondition("Seal", "s1", PreconditionKind.EXISTS)
    with pytest.raises(InvariantBroken, match="is being imported"):
        write(store, edited("Seal", "s2", name="x"), preconditions=(condition,))
    # Persons, contracts and other enterprises are nobody's.
    write(store, edited("Seal", "s2", name="x"), edited("Contract", "c1", amount=5), person("new"))
    send(store, 2, is_last=True)
    write(store, edited("Seal", "s1", name="after"))


def test_a_contract_that_an_import_writes_is_shut_with_its_enterprises(store: Store) -> None:
    """A party of it, or a person who signs it, must not be answered on half of it either."""
    write(store, *scene(), edited("Contract", "c1", id="c2"))
    fact_cache = FactCache(store)
    with fact_cache.read() as snapshot:
        assert snapshot.find("SigningTask", "task1") is not None
    send(store, 1, edited("Seal", "s1", name="new"))
    write(store, edited("Contract", "c1", template_id="t"))
    send(store, 2, edited("TaskOperator", "operator", id="more", person_id="cat"))
    for record_type, record_id in (("Contract", "c1"), ("SigningTask", "task2")):
        with fact_cache.read() as snapshot, pytest.raises(FactNotLoaded, match="contract `c1` is being imported"):
            snapshot.find(record_type, record_id)
    with fact_cache.read() as snapshot:
        assert snapshot.find("Contract", "c2") is not None
        assert snapshot.find("Person", "e2-boss") is not None
    with pytest.raises(InvariantBroken, match="`Contract:c1` is being imported"):
        write(store, edited("SigningTask", "task2", state="SIGNED"))
    other = {"import_id": "j", "tenants": frozenset({"e9"})}
    assert refusal(store, 1, edited("Contract", "c1", template_id="u"), **other) == (
        "IMPORT",
        "`Contract:c1` is being imported",
    )
    before = store.revision()
    send(store, 3, is_last=True)
    with store.read_transaction() as snapshot:
        touched = touched_in(snapshot, before)
    opened = {Unit("ENTERPRISE", "e1"), Unit("CONTRACT", "c1")}
    assert {unit for unit in touched if unit.kind != "PERSON"} == opened
    with fact_cache.read() as snapshot:
        assert len(snapshot.find("SigningTask", "task1").operators) == 2


def persons_shut(store: Store) -> set[str]:
    """The persons whose units a fresh load refuses."""
    found = set()
    with store.read_transaction() as snapshot:
        for item in read_page(snapshot, Query("Person", {}), 1000, "", None).records:
            try:
                load_unit(snapshot, Unit("PERSON", item.record.id))
            except FactNotLoaded as error:
                found.add((error.importing or ("", ""))[1])
    return found


def known_to(records: Iterable[Any], kind: str, unit_id: str) -> set[str]:
    """The persons whose units hold something that is at home in a unit."""
    rows = RecordRows(records)
    homes, held = MODEL.units.homes_of(records, rows), MODEL.units.units_of(records, rows)
    keys = [key for key, home in homes.items() if home == (kind, unit_id)]
    return {unit.id for key in keys for unit in held[key] if unit.kind == "PERSON"}


def held_persons(fact_cache: FactCache, store: Store) -> set[str]:
    """The persons that a fact cache answers about."""
    found = set()
    persons = store.read("Person", page_size=1000).records
    with fact_cache.read() as snapshot:
        for item in persons:
            try:
                found |= {item.record.id} if snapshot.find("Person", item.record.id) is not None else set()
            except FactNotLoaded:
                continue
    return found


@pytest.mark.parametrize(
    ("changed", "kind", "unit_id"),
    [
        (edited("Seal", "s1", name="new"), "ENTERPRISE", "e1"),
        (edited("Contract", "c1", template_id="t"), "CONTRACT", "c1"),
    ],
)
def test_who_is_known_to_what_is_shut_is_shut_with_it(store: Store, changed: Any, kind: str, unit_id: str) -> None:
    """Law: exactly the persons whose units hold something of it, and in a cache that had them in memory."""
    write(store, *scene())
    fact_cache = FactCache(store)
    everybody = held_persons(fact_cache, store)
    enterprises = frozenset({unit_id if kind == "ENTERPRISE" else "e9"})
    before = store.revision()
    send(store, 1, changed, tenants=enterprises)
    known = known_to(scene(), kind, unit_id)
    assert persons_shut(store) == known
    assert everybody - held_persons(fact_cache, store) == known
    with store.read_transaction() as snapshot:
        touched = touched_in(snapshot, before)
    assert {unit.id for unit in touched if unit.kind == "PERSON"} == known
    before = store.revision()
    send(store, 2, is_last=True, tenants=enterprises)
    assert persons_shut(store) == set()
    assert held_persons(fact_cache, store) == everybody
    with store.read_transaction() as snapshot:
        touched = touched_in(snapshot, before)
    assert {unit.id for unit in touched if unit.kind == "PERSON"} == known


def test_a_person_from_whom_an_import_takes_something_is_shut_until_it_ends(store: Store) -> None:
    """What is taken in one part may be made up for in the next, and nothing of it is left in the unit to say so."""
    write(store, *scene())
    fact_cache = FactCache(store)
    everybody = held_persons(fact_cache, store)
    moved = edited("SigningTask", "task1", handler_id="dan"), TaskOperator("dans", "task1", "dan")
    e9 = frozenset({"e9"})
    send(store, 1, *moved, tenants=e9)
    assert persons_shut(store) == {"ann", "bob", "dan"} == everybody - held_persons(fact_cache, store)
    send(store, 2, edited("Person", "cat", phone="13900001569"), person("new"), tenants=e9)
    assert persons_shut(store) == {"ann", "bob", "dan", "cat", "new"}
    send(store, 1, edited("Person", "ann", phone="13900001569"), import_id="j", tenants=frozenset({"e8"}))
    before = store.revision()
    send(store, 3, is_last=True, tenants=e9)
    assert persons_shut(store) == {"ann"}, "of whom another import writes"
    with store.read_transaction() as snapshot:
        touched = touched_in(snapshot, before)
    assert {unit.id for unit in touched if unit.kind == "PERSON"} == {"ann", "bob", "dan", "cat", "new"}
    send(store, 0, is_abandoned=True, import_id="j", tenants=frozenset({"e8"}))
    assert held_persons(fact_cache, store) == {*everybody, "new"}


def test_a_second_import_of_an_enterprise_is_refused(store: Store) -> None:
    send(store, 1, *enterprise(1))
    for caller, import_id in (("other", "i"), ("importer", "j")):
        both = frozenset({"e1", "e2"})
        invariant, said = refusal(store, 1, person("x"), caller=caller, import_id=import_id, tenants=both)
        assert (invariant, said) == (
            "IMPORT",
            "`Enterprise:e1` is being imported already: see `sealauthz facts imports`",
        )
    send(store, 2, is_last=True)
    assert send(store, 1, person("x"), import_id="j").parts == 1


def test_an_import_writes_only_into_the_enterprises_that_it_names(store: Store) -> None:
    write(store, *scene())
    assert refusal(store, 1, edited("Seal", "s2", name="x")) == ("IMPORT", "the import does not name `Enterprise:e2`")
    send(store, 1, person("new"), edited("Contract", "c1", amount=5))


def test_rights_are_those_of_a_write(store: Store) -> None:
    write(store, *scene())

    def guard(_before: Any, _after: Any) -> None:
        raise CallerNotPermitted("not this field")

    for more in ({"guard": guard}, {"rights": frozenset({"e2"})}):
        before = all_rows(store)
        with pytest.raises(CallerNotPermitted):
            send(store, 1, edited("Seal", "s1", name="x"), **more)
        assert all_rows(store) == before


def test_a_part_is_malformed_as_a_write_is(store: Store) -> None:
    with pytest.raises(InvalidRequest, match="changes a record that the batch changes already"):
        send(store, 1, person("a"), person("a"))


# --- taking up, finishing, abandoning ---------------------------------------------------------------------------------


def test_a_part_that_was_committed_is_not_written_again(store: Store) -> None:
    """Law: an import that breaks off anywhere and is sent again from the start leaves the same facts."""
    parts = parts_of(20)
    rng = random.Random(7)
    reached = 0
    while reached < len(parts):
        reached = min(len(parts), reached + rng.randint(0, 2))
        for number, records in enumerate(parts[:reached], 1):
            receipt = send(store, number, *records, tenants=NAMES, is_last=number == len(parts))
            assert receipt.written.revision == number
            assert receipt.parts >= number
    assert store.revision() == len(parts)
    assert {(type(record).__name__, record.id): record for record in everything(store)} == BASE
    # Even once it is over.
    again = send(store, 1, *parts[0], tenants=NAMES)
    assert (again.written.is_replay, again.parts, again.is_finished) == (True, len(parts), True)


def test_an_import_goes_on_as_it_began(store: Store) -> None:
    assert refusal(store, 2, person("a")) == ("IMPORT", "an import begins with part 1")
    send(store, 1, person("a"))
    assert refusal(store, 1, person("b"))[0] == "REQUEST_ID"
    assert refusal(store, 1, person("a"), is_last=True)[0] == "REQUEST_ID"
    assert refusal(store, 3, person("b")) == ("IMPORT", "expected part 2, got 3")
    assert refusal(store, 2, person("b"), tenants=frozenset({"e2"}))[0] == "IMPORT"
    send(store, 2, is_last=True)
    assert refusal(store, 3, person("b")) == ("IMPORT", "the import is finished already")


def test_an_abandoned_import_opens_what_is_sound_and_takes_nothing_more(store: Store) -> None:
    assert refusal(store, 0, is_abandoned=True) == ("IMPORT", "there is no such import")
    send(store, 1, *enterprise(1))
    assert [(item.import_id, item.parts, item.tenants) for item in store.open_imports()] == [
        ("i", 1, frozenset({"e1"}))
    ]
    receipt = send(store, 0, is_abandoned=True)
    assert (receipt.parts, receipt.is_finished, receipt.written.revision) == (1, True, 2)
    assert not is_shut(store)
    assert store.open_imports() == []
    assert refusal(store, 2, person("b")) == ("IMPORT", "the import is abandoned already")
    assert send(store, 0, is_abandoned=True).written.is_replay


def test_the_contracts_of_an_import_are_released_without_its_enterprises(store: Store) -> None:
    write(store, *scene())
    send(store, 1, edited("RoleAssignment", "e1-admin", state="REVOKED"), edited("Contract", "c1", template_id="t"))
    before = store.revision()
    assert not send(store, 1, is_release=True).is_finished
    with store.read_transaction() as snapshot:
        touched = touched_in(snapshot, before)
        assert Unit("CONTRACT", "c1") in touched
        assert Unit("PERSON", "ann") in touched
        assert load_unit(snapshot, Unit("CONTRACT", "c1"))["Contract"]
    assert is_shut(store)
    assert send(store, 1, is_release=True).written.is_replay
    # A contract that the import writes again is shut again; with none there is nothing to do.
    send(store, 2, edited("Contract", "c1", template_id="u"))
    assert send(store, 2, is_release=True).written.revision == before + 3
    send(store, 3, RoleAssignment("new", "m-ann", "SYSTEM_ADMIN"))
    assert send(store, 3, is_release=True).written.revision == before + 4
    assert send(store, 4, is_last=True).is_finished
    assert refusal(store, 1, is_release=True, import_id="none") == ("IMPORT", "there is no such import")


def test_a_crash_leaves_the_enterprise_shut(store: Store, database_url: str) -> None:
    send(store, 1, *enterprise(1))
    store.close()
    again = Store.open(database_url, MODEL)
    assert is_shut(again)
    assert send(again, 2, is_last=True).is_finished
    assert not is_shut(again)
    again.close()


# --- at the same time -------------------------------------------------------------------------------------------------


@pytest.fixture
def stores(database_url: str) -> Iterator[list[Store]]:
    with opened(database_url, 3) as stores:
        yield stores


def test_of_two_imports_at_once_one_is_refused(stores: list[Store]) -> None:
    for turn in range(8):
        barrier = threading.Barrier(2)

        def begin(store: Store, name: str, turn: int = turn, barrier: threading.Barrier = barrier) -> str:
            barrier.wait()
            try:
                send(store, 1, person(f"{name}{turn}"), import_id=f"{name}{turn}", tenants=NAMES)
            except FactConflict as error:
                return error.invariant
            return ""

        with ThreadPoolExecutor(2) as pool:
            jobs = {name: pool.submit(begin, store, name) for store, name in zip(stores, "ab", strict=False)}
            results = {name: job.result() for name, job in jobs.items()}
        assert sorted(results.values()) == ["", "IMPORT"]
        (won,) = (name for name, said in results.items() if not said)
        send(stores[2], 0, import_id=f"{won}{turn}", tenants=NAMES, is_abandoned=True)


def test_a_write_meets_an_import_before_or_after_it_and_never_in_it(stores: list[Store]) -> None:
    write(stores[2], *enterprise(1))
    for turn in range(8):
        barrier = threading.Barrier(2)
        named = {"import_id": f"i{turn}"}

        def rename(turn: int = turn, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            try:
                write(stores[0], edited("Enterprise", "e1", name=f"write {turn}"))
            except InvariantBroken as error:
                return error.invariant != "IMPORT"
            return True

        def bring(named: dict[str, str] = named, barrier: threading.Barrier = barrier) -> int:
            barrier.wait()
            return send(stores[1], 1, Seal("s", "e1", str(named), "OTHER"), **named).written.revision

        with ThreadPoolExecutor(2) as pool:
            renaming, bringing = pool.submit(rename), pool.submit(bring)
            was_written, revision = renaming.result(), bringing.result()
        name = stores[2].read("Enterprise").records[0]
        assert (name.record.name == f"write {turn}") == was_written
        assert not was_written or name.revision < revision
        send(stores[1], 2, is_last=True, **named)


def test_the_same_part_at_once_is_written_once(stores: list[Store]) -> None:
    records = [person(f"p{number}") for number in range(5)]
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(send, store, 1, *records) for store in stores]
        receipts = [job.result() for job in jobs]
    assert {receipt.written.revision for receipt in receipts} == {1}
    assert sorted(receipt.written.is_replay for receipt in receipts) == [False, True, True]


# --- what does not wait for an import, and imports that stand still ---------------------------------------------------


def hold(source: str, hold_id: str = "urgent", **fields: Any) -> Any:
    return edited("SealHold", "hold", **{"id": hold_id, "source": source, "state": "PLACED", **fields})


def test_what_the_platform_or_a_court_freezes_waits_for_no_import(store: Store) -> None:
    """It would be forgotten, and the seal be free when the import ends."""
    write(store, *scene())
    fact_cache = FactCache(store)
    send(store, 1, Seal("s9", "e1", "seal", "OTHER"))
    for source in ("PLATFORM", "JUDICIAL"):
        assert write(store, hold(source, source)).revision == store.revision()
    refused: list[list[Any]] = [
        [hold("ADMIN")],
        [hold("PLATFORM"), edited("Seal", "s1", name="x")],  # nothing comes along with it
        [hold("PLATFORM", "PLATFORM", state="RELEASED")],  # nor is it lifted
    ]
    for records in refused:
        with pytest.raises(InvariantBroken, match="is being imported"):
            write(store, *records)
    assert is_shut(store)
    send(store, 2, is_last=True)
    held = fact_cache.answer(lambda snapshot: {hold.id for hold in snapshot.find("Seal", "s1").holds})
    assert held >= {"PLATFORM", "JUDICIAL"}


def test_a_part_that_changed_nothing_and_comes_again_is_no_other_history(stores: list[Store]) -> None:
    """The revision that it was answered with is another one's, and so is what marks that."""
    write(stores[0], *scene())
    batch = Batch("test", "nothing", (Put(edited("Seal", "s1")),))
    stores[0].write(batch)
    write(stores[0], edited("Seal", "s1", name="x"))
    assert stores[1].write(batch).is_replay
    assert stores[1].revision() == 2
    assert write(stores[1], edited("Seal", "s1", name="y")).revision == 3


def test_an_import_that_stands_still_is_told_once_for_each_lease(store: Store) -> None:
    write(store, *scene())
    told: list[tuple[str, Any]] = []
    now = [0]
    sweep = Sweep(store, lambda event, fields, _: told.append((event, fields)), ignored, 600.0, now=lambda: now[0])
    assert sweep.sweep() == (0, 0)
    send(store, 1, Seal("s9", "e1", "seal", "OTHER"))
    (item,) = store.open_imports()
    assert item.last_at >= item.at > 0
    for minutes, found in ((0, (1, 0)), (9, (1, 0)), (11, (1, 1)), (12, (1, 1)), (21, (1, 1))):
        now[0] = item.last_at + minutes * 60_000_000
        assert sweep.sweep() == found
    idle = [fields for event, fields in told if event == "import_idle"]
    assert [fields["idle_s"] for fields in idle] == [660, 1260]
    assert (idle[0]["import_caller"], idle[0]["import_id"], idle[0]["enterprises"]) == ("importer", "i", 1)
    assert [fields for event, fields in told if event == "imports"] == [
        {"under_way": 1, "idle": 0},
        {"under_way": 1, "idle": 1},
    ]
    send(store, 2, Seal("s9", "e1", "seal", "OTHER"))  # changes nothing, and shows that somebody is there
    assert store.open_imports()[0].last_at > item.last_at
    send(store, 0, is_abandoned=True)
    assert sweep.sweep() == (0, 0)


def test_a_sweep_that_fails_is_told_and_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    failed, went_well = threading.Event(), threading.Event()

    def report(event: str, _fields: Any, _error: BaseException | None) -> None:
        told.append(event)
        went_well.set()

    def fail(_thread: Background, error: BaseException) -> None:
        told.append(type(error).__name__)
        failed.set()

    def refuse() -> Any:
        raise TypeError

    send(store, 1, *enterprise(1))
    sweep = Sweep(store, report, fail, every_s=0.01)
    with monkeypatch.context() as patched:
        patched.setattr(store, "open_imports", refuse)
        sweep.start()
        assert failed.wait(30)
    assert went_well.wait(30)
    sweep.stop()
    assert sweep.thread.join(30)
    assert told == ["TypeError", "imports"]
