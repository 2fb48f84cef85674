"""The fact cache: whole units at one revision, wired where everything is known and nowhere else."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from facts_scene import BASE, DAY, NOW, described, dump, edited, enterprise, everything, person, scene, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from sealauthz.facts import Delete, FactCache, FactSnapshot, Store, Unit
from sealauthz.facts.memory.loads import DEFAULT_LARGE_BYTES
from sealauthz.facts.store.invariants import check_edit
from sealauthz.model import MODEL
from sealauthz.model.records.membership import Membership
from sealauthz.model.records.seals import Seal, SealHold
from sealauthz.model.records.signing import TaskOperator
from sealauthz.runtime.errors import FactConflict, InvariantBroken
from sealauthz.schema import Change, values_of

ANN = Unit("PERSON", "ann")


def seen_in(snapshot: FactSnapshot, units: list[Unit]) -> dict[Unit, Any]:
    return {unit: None if (held := snapshot.unit(unit)) is None else described(held) for unit in units}


def roots_of(records: list[Any]) -> list[Unit]:
    return [Unit(MODEL.units.roots[type(r).__name__], r.id) for r in records if type(r).__name__ in MODEL.units.roots]


@pytest.fixture
def fact_cache(store: Store) -> FactCache:
    write(store, *scene())
    return FactCache(store)


def test_a_record_is_found_in_its_home_wired(fact_cache: FactCache) -> None:
    with fact_cache.read() as snapshot:
        assert snapshot.revision == 1
        seal = snapshot.find("Seal", "s1")
        assert seal is snapshot.find("Seal", "s1")
        assert seal.enterprise is snapshot.find("Enterprise", "e1")
        assert seal.custodian.person.id == "bob"
        assert [grant.id for grant in seal.grants] == ["g-auto", "g-emergency", "g-over", "g-sub", "g1", "next"]
        automatic, emergency, _, passed_on, given, _ = seal.grants
        assert given.grantor.membership is seal.custodian
        assert [kind.contract_type for kind in given.contract_types] == ["SALES"]
        assert (passed_on.parent, given.parent) == (given, None)
        assert [template.template_id for template in automatic.templates] == ["template-1"]
        assert [use.reason for use in emergency.emergency_uses] == ["flood"]
        assert [grant.department.name for grant in seal.open_grants] == ["Sales"]
        assert [template.template_id for template in seal.open_grants[0].templates] == ["template-1"]
        assert [kind.contract_type for kind in seal.cross_grants[0].contract_types] == ["SALES"]
        assert [holder.membership_id for holder in seal.cross_grants[0].holders] == ["m-dan"]
        assert [review.submitted_by.person.id for review in seal.reviews] == ["bob", "bob"]
        assert [witness.membership.id for witness in seal.proposals[0].witnesses] == ["m-cat"]
        assert snapshot.find("Seal", "thing").device.serial == "D-1"
        (request,) = seal.use_requests
        (step,) = request.process.steps
        assert request.approvals[0].process_step is step
        assert [(a.membership and a.membership.id, a.role) for a in step.approvers] == [
            ("m-bob", None),
            (None, "CONTRACT_ADMIN"),
        ]
        ann = snapshot.find("Membership", "m-ann")
        assert [a.custom_role and a.custom_role.powers[0].power for a in ann.assignments] == ["INVITE", None]
        (delegation,) = ann.delegations_given
        assert delegation.delegate.delegations_received == [delegation]
        assert [kind.contract_type for kind in delegation.contract_types] == ["SALES"]
        (category,) = seal.enterprise.categories
        assert (category.process.name, category.seals[0].seal_id) == ("Large amounts", "s1")
        assert category.permissions[0].membership_id == "m-ann"
        assert [monitor.leader.id for monitor in seal.enterprise.monitors] == ["m-cat"]
        assert [band.process is category.process for band in seal.enterprise.amount_bands] == [True]
        assert [len(rows) for rows in (seal.enterprise.working_hours, seal.enterprise.holidays)] == [1, 1]
        assert [resolution.contract_id for resolution in seal.enterprise.resolutions] == ["c1"]
        assert [department.id for department in seal.enterprise.departments] == ["dept1", "dept1-sub"]
        assert snapshot.find("Seal", "s2").custodian is None
        assert snapshot.find("Seal", "rep").holds == []
        assert [hold.id for hold in seal.holds] == ["hold"]
        assert [m.id for m in seal.enterprise.memberships] == ["e1-m-boss", "m-ann", "m-bob", "m-cat", "m-old"]
        assert snapshot.find("Invitation", "inv").inviter.person.id == "e1-boss"
        case = snapshot.find("RetrievalCase", "case")
        assert (case.applicant.id, case.certifications[0].case, len(case.objections)) == ("out", case, 1)
        assert [notice.channel for notice in case.notices] == ["SMS"]
        assert [(r.staff.duty, r.staff.person_id) for r in case.reviews] == [("REVIEWER", "out")]
        assert case.reviews[0].staff.person is case.applicant
        task = snapshot.find("SigningTask", "task1")
        assert (task.signatory.contract.id, [o.person_id for o in task.operators]) == ("c1", ["bob"])
        assert [review.state for review in task.signatory.reviews] == ["PENDING", "PASSED"]
        assert [consent.kind for consent in task.signatory.consents] == ["DOUBLE_AGENCY"]
        assert snapshot.find("SealUse", "use").task is task


def test_a_person_has_all_that_hangs_on_it(fact_cache: FactCache) -> None:
    with fact_cache.read() as snapshot:
        bob, ann, out = snapshot.find("Person", "bob"), snapshot.find("Person", "ann"), snapshot.find("Person", "out")
        assert [a.role for m in bob.memberships for a in m.assignments] == ["SEAL_ADMIN"]
        assert [o.task.signatory.enterprise_id for o in bob.operated_tasks] == ["e1"]
        assert [o.task.signatory.contract.contract_type for o in bob.operated_tasks] == ["SALES"]
        assert [t.signatory.contract.id for t in ann.handled_tasks] == ["c1"]
        assert [v.id for v in ann.verifications] == ["v1", "v2"]
        assert [t.id for t in ann.handled_tasks] == ["task1"]
        assert [i.id for i in out.invitations] == ["inv"]
        assert [a.id for a in out.applications] == ["app"]
        assert [c.id for c in out.retrieval_cases] == ["case", "case2"]
        assert [p.duty for p in out.staff_posts] == ["REVIEWER"]
        assert bob.verifications == []
        assert [snapshot.id for snapshot in snapshot.find("Person", "old").represented] == ["reg"]


def test_what_is_not_loaded_raises_and_is_never_empty(fact_cache: FactCache) -> None:
    reads: list[Callable[[FactSnapshot], Any]] = [
        lambda snapshot: snapshot.find("Person", "ann").memberships[0].enterprise,
        lambda snapshot: snapshot.find("Person", "ann").memberships[0].grants,
        lambda snapshot: snapshot.find("Person", "ann").memberships[0].use_requests,
        lambda snapshot: snapshot.find("Person", "ann").handled_tasks[0].operators,
        lambda snapshot: snapshot.find("Person", "ann").handled_tasks[0].fixed_seals,
        lambda snapshot: snapshot.find("Person", "ann").handled_tasks[0].signatory.tasks,
        lambda snapshot: snapshot.find("Person", "ann").handled_tasks[0].signatory.contract.documents,
        lambda snapshot: snapshot.find("Person", "ann").handled_tasks[0].signatory.contract.signatories,
        lambda snapshot: snapshot.find("Person", "out").retrieval_cases[0].objections,
        lambda snapshot: snapshot.find("Person", "out").applications[0].handler,
        lambda snapshot: snapshot.find("Membership", "m-ann").person.memberships,
        lambda snapshot: snapshot.find("Membership", "m-ann").person.verifications,
        lambda snapshot: snapshot.find("TaskOperator", "operator").person,
        lambda snapshot: snapshot.find("Person", "ann").memberships[0].delegations_given,
        lambda snapshot: snapshot.find("Person", "ann").memberships[0].assignments[0].custom_role,
        lambda snapshot: snapshot.find("Person", "old").represented[0].enterprise,
    ]
    with fact_cache.read() as snapshot:
        for read in reads:
            with pytest.raises(AttributeError):
                read(snapshot)


def test_what_does_not_exist_is_not_found(fact_cache: FactCache) -> None:
    with fact_cache.read() as snapshot:
        for record_type in MODEL.records:
            for record_id in ("none", "", "a\0b", "\ud800", "x" * 600):
                assert snapshot.find(record_type, record_id) is None
                assert snapshot.locate(record_type, record_id)[1] is None
        assert snapshot.find("Sael", "s1") is None
        assert snapshot.find("Seal", "hold") is None
        assert snapshot.find("Person", "e1") is None


def test_homes(fact_cache: FactCache) -> None:
    with fact_cache.read() as snapshot:
        for record_type, record_id in BASE:
            unit = snapshot.locate(record_type, record_id)[1]
            assert unit is not None
            assert unit.kind == MODEL.units.home_kind(record_type)
        assert snapshot.locate("GrantContractType", "type")[1] == Unit("ENTERPRISE", "e1")
        assert snapshot.locate("TaskSeal", "fixed")[1] == Unit("CONTRACT", "c1")
        assert snapshot.locate("IdentityVerification", "v1")[1] == ANN


def test_words_ids_and_flags_are_of_exact_types(fact_cache: FactCache) -> None:
    for source in (fact_cache, FactCache.of_records(MODEL, scene())):
        with source.read() as snapshot:
            for (record_type, record_id), original in BASE.items():
                found = snapshot.find(record_type, record_id)
                assert found == original
                assert found is not original
                assert {type(value) for value in values_of(found)} <= {str, int, bool, type(None)}
            assert snapshot.find("RegistrySnapshot", "reg").is_current is True
            ids = [m.person_id for m in snapshot.find("Enterprise", "e1").memberships if m.person_id == "ann"]
            assert ids[0] is snapshot.find("Membership", "m-ann").person.id


def test_every_record_type_has_a_home_and_complete_collections_only() -> None:
    units = MODEL.units
    for record_type, shape in MODEL.shapes.items():
        assert bool(shape.home) != (record_type in units.roots)
        for kind in units.kinds:
            for relation in units.collections(kind, record_type):
                assert not relation.is_one
                assert units.paths_to(kind, relation.record), f"{kind} does not hold {relation.name} of {record_type}"


def test_of_records_is_the_same_world(fact_cache: FactCache) -> None:
    units = roots_of(scene())
    memory = FactCache.of_records(MODEL, scene(), revision=7)
    with fact_cache.read() as snapshot, memory.read() as other:
        assert seen_in(snapshot, units) == seen_in(other, units)
        assert other.revision == 7
        for key in BASE:
            assert snapshot.locate(*key)[1] == other.locate(*key)[1]
        values = {"realm": "PUBLIC", "uscc": BASE["Enterprise", "e1"].uscc}
        assert snapshot.matching("Enterprise", **values) == other.matching("Enterprise", **values) == ["e1", "e3"]


def test_a_picture_keeps_its_revision_and_the_next_one_has_the_newest(store: Store, fact_cache: FactCache) -> None:
    with fact_cache.read() as snapshot:
        before = snapshot.find("Seal", "s1")
        write(store, edited("Seal", "s1", name="new"), edited("Seal", "s2", name="new"))
        assert snapshot.revision == 1
        assert snapshot.find("Seal", "s1") is before
        # Loaded after the write, and still as it was.
        assert snapshot.find("Seal", "s2").name == "Contract seal"
    with fact_cache.read() as snapshot:
        assert snapshot.revision == 2
        assert snapshot.find("Seal", "s1").name == snapshot.find("Seal", "s2").name == "new"
        assert before.name == "合同章"


def test_a_picture_loads_nothing_after_its_block(fact_cache: FactCache) -> None:
    with fact_cache.read() as snapshot:
        seal = snapshot.find("Seal", "s1")
    assert seal.enterprise.name == "Enterprise 1"
    with pytest.raises(RuntimeError):
        snapshot.find("Seal", "s2")


def test_only_the_units_that_were_touched_are_loaded_again(store: Store, fact_cache: FactCache) -> None:
    with fact_cache.read() as snapshot:
        first, second, ann = (
            snapshot.find("Enterprise", "e1"),
            snapshot.find("Enterprise", "e2"),
            snapshot.find("Person", "ann"),
        )
    write(store, edited("Seal", "s1", name="new"))
    with fact_cache.read() as snapshot:
        assert snapshot.find("Enterprise", "e1") is not first
        assert snapshot.find("Enterprise", "e2") is second
        assert snapshot.find("Person", "ann") is ann


def test_a_deleted_record_is_gone_and_its_id_may_live_elsewhere(store: Store, fact_cache: FactCache) -> None:
    with fact_cache.read() as snapshot:
        assert snapshot.find("GrantContractType", "type") is not None
        assert snapshot.find("TaskOperator", "operator").task_id == "task1"
    write(
        store,
        Delete("GrantContractType", "type"),
        Delete("GrantContractType", "sub-type"),
        Delete("TaskOperator", "operator"),
    )
    with fact_cache.read() as snapshot:
        assert snapshot.find("GrantContractType", "type") is None
        assert snapshot.find("SealGrant", "g1").contract_types == []
        assert snapshot.find("TaskOperator", "operator") is None
        assert snapshot.find("Person", "bob").operated_tasks == []
    write(store, dataclasses.replace(BASE["Contract", "c1"], id="c2"))
    write(store, dataclasses.replace(BASE["Signatory", "party1"], id="p2", contract_id="c2"))
    write(store, dataclasses.replace(BASE["SigningTask", "task1"], id="t2", signatory_id="p2"))
    write(store, TaskOperator("operator", "t2", "bob"))
    with fact_cache.read() as snapshot:
        assert snapshot.locate("TaskOperator", "operator")[1] == Unit("CONTRACT", "c2")
        assert snapshot.find("TaskOperator", "operator").task.id == "t2"


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    """The statements that loads send to the driver."""
    from sealauthz.facts.store.database import ReadTransaction

    sent: list[str] = []
    fetch, fetch_each = ReadTransaction.fetch, ReadTransaction.fetch_each
    patch = pytest.MonkeyPatch()
    patch.setattr(ReadTransaction, "fetch", lambda self, s, p: sent.append(s) or fetch(self, s, p))
    patch.setattr(ReadTransaction, "fetch_each", lambda self, s, p: sent.extend(s) or fetch_each(self, s, p))
    yield sent
    patch.undo()


def test_a_unit_costs_a_statement_per_type_and_a_cached_one_none(
    store: Store, fact_cache: FactCache, statements: list[str]
) -> None:
    write(store, *(SealHold(f"h{n}", "s1", "ADMIN", NOW) for n in range(50)))
    write(
        store,
        *(person(f"p{n}") for n in range(50)),
        *(Membership(f"m{n}", f"p{n}", "e1", "IMPORT", NOW) for n in range(50)),
    )
    with fact_cache.read() as snapshot:
        snapshot.find("Enterprise", "e1")
        types = sum(bool(MODEL.units.paths_to("ENTERPRISE", record_type)) for record_type in MODEL.records)
        # One asks whether the enterprise is being imported, and the first of all which policies are active.
        assert len(statements) == types + 2
    statements.clear()
    with fact_cache.read() as snapshot:
        snapshot.find("Enterprise", "e1")
        assert statements == []
    core: list[str] = []
    with fact_cache.read() as snapshot:
        event.listen(snapshot._reading.pin().connection, "before_cursor_execute", lambda *a: core.append(a[2]))  # type: ignore[attr-defined]
        snapshot.find("Enterprise", "e1")
    assert core == []


def test_the_cache_is_bounded_and_keeps_what_is_used(store: Store) -> None:
    write(store, *(record for number in range(1, 31) for record in enterprise(number)))
    measure = FactCache(store)
    with measure.read() as snapshot:
        snapshot.find("Enterprise", "e30")
    fact_cache = FactCache(store, budget=measure.timeline.cache.bytes * 5)
    with fact_cache.read() as snapshot:
        held = [snapshot.find("Enterprise", f"e{number}") for number in range(1, 31)]
        assert [e.memberships[0].person.id for e in held] == [f"e{number}-boss" for number in range(1, 31)]
        # What a snapshot has read stays with it, whatever the cache drops.
        assert snapshot.find("Enterprise", "e1") is held[0]
    assert 3 <= len(fact_cache.timeline.cache) <= 6
    with fact_cache.read() as snapshot:
        often = snapshot.find("Enterprise", "e30")
    for number in range(1, 29):
        with fact_cache.read() as snapshot:
            assert snapshot.find("Enterprise", "e30") is often
            snapshot.find("Enterprise", f"e{number}")
    assert fact_cache.timeline.cache.bytes <= fact_cache.timeline.cache.budget


def test_ids_that_do_not_exist_take_no_room(fact_cache: FactCache) -> None:
    with fact_cache.read() as snapshot:
        for number in range(50):
            snapshot.find("Enterprise", f"none{number}")
            snapshot.find("Seal", f"none{number}")
    assert len(fact_cache.timeline.cache) == len(fact_cache.homes) == 0


def test_one_enterprise_never_touches_another(store: Store, fact_cache: FactCache) -> None:
    with fact_cache.read() as snapshot:
        before = seen_in(snapshot, [Unit("ENTERPRISE", "e2")])
    write(store, edited("Seal", "s1", state="DISABLED"), edited("Membership", "m-ann", state="SUSPENDED"))
    write(store, Seal("more", "e1", "x", "OTHER"), edited("SealGrant", "g1", use_limit=9))
    with fact_cache.read() as snapshot:
        assert seen_in(snapshot, [Unit("ENTERPRISE", "e2")]) == before
    with FactCache(store).read() as snapshot:
        assert seen_in(snapshot, [Unit("ENTERPRISE", "e2")]) == before


def test_many_threads_read_while_others_write(store: Store, fact_cache: FactCache) -> None:
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with fact_cache.read() as snapshot:
                holds = snapshot.find("Seal", "s1").holds
                assert len(holds) == snapshot.revision
                assert snapshot.find("Person", "ann").memberships[0].person_id == "ann"

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        for number in range(25):
            write(store, SealHold(f"h{number}", "s1", "ADMIN", NOW))
        stop.set()
        for reader in readers:
            reader.result()


# --- a random history -------------------------------------------------------------------------------------------------

EDITS: list[Any] = [
    edited("Seal", "s1", custodian_id=None),
    edited("Seal", "s1", state="DISABLED"),
    edited("Person", "ann", real_name="x"),
    edited("Person", "old", phone="y"),
    edited("Person", "out", phone="z"),
    edited("Person", "old", realname_state="REVOKED", same_as_id="ann"),
    edited("Person", "ann", realname_state="REVOKED", same_as_id="bob"),
    edited("Person", "ann", realname_state="REVOKED", same_as_id="old"),
    edited("Membership", "m-ann", state="SUSPENDED"),
    edited("RoleAssignment", "was-admin", is_primary=True),
    edited("RegistrySnapshot", "reg", legal_rep_id="ann"),
    edited("RegistrySnapshot", "reg", legal_rep_id=None),
    edited("JoinApplication", "app", state="WITHDRAWN", handler_id=None),
    edited("RetrievalCase", "case2", state="WITHDRAWN"),
    edited("RetrievalCase", "case2", id="case3", applicant_id="ann", state="EXPIRED"),
    edited("EnterpriseAuthentication", "auth", id="auth2", applicant_id="bob"),
    edited("Contract", "c1", state="SIGNING"),
    edited("SigningTask", "task1", handler_id="old"),
    edited("SigningTask", "task1", handler_id=None),
    edited("SigningTask", "task2", handler_id="ann"),
    edited("Invitation", "inv", id="inv2", target_id="old", token_hash="token-2"),
    edited("Objection", "objection", id="objection2", person_id="ann"),
    Membership("m-new", "old", "e2", "INVITE", NOW),
    Membership("m-again", "old", "e1", "INVITE", NOW + DAY),
    TaskOperator("operator2", "task2", "old"),
    TaskOperator("operator3", "task1", "ann"),
    SealHold("hold2", "s2", "JUDICIAL", NOW),
    edited("PlatformStaff", "staff", state="ENDED"),
    edited("PlatformStaff", "was-staff", state="ACTIVE"),
    edited("RetrievalReview", "review", id="review2", case_id="case2"),
    edited("RetrievalReview", "review", id="review3", staff_id="was-staff"),
    Delete("TaskOperator", "operator"),
    Delete("TaskOperator", "operator2"),
    Delete("RegistrySnapshot", "reg"),
    Delete("Invitation", "inv"),
    Delete("TaskSeal", "fixed"),
    Delete("PlatformStaff", "was-staff"),
    Delete("StepApprover", "by-role"),
    Delete("CustomRolePower", "power"),
    Delete("CategorySeal", "sales-seal"),
    Delete("AmountBand", "band"),
    Delete("Holiday", "holiday"),
    edited("Department", "dept1-sub", parent_id=None),
    edited("Department", "dept1", parent_id="dept1-sub"),
    edited("Membership", "m-ann", department_id=None),
    edited("MonitorSubscription", "monitor", state="ENDED"),
    edited("Seal", "thing", device_id=None),
    edited("BusinessCategory", "sales", process_id=None),
    edited("Contract", "c1", category_id=None),
    edited("SigningTask", "task1", signed_by_id="ann"),
    edited("SealUse", "use", id="use2", digest="digest-2"),
    edited("NoticeDelivery", "notice", id="notice2", person_id="ann"),
    edited("StepApprover", "by-member", membership_id="m-cat"),
    edited("EmergencyUse", "emergency", id="emergency2"),
    edited("OpenGrant", "g-open", id="g-open2", department_id=None),
    edited("HolderAssignment", "holder", id="holder2", membership_id="e2-m-boss"),
    edited("Delegation", "delegation", id="delegation2", delegate_id="m-bob"),
    edited("InternalReview", "internal", id="internal2", reviewer_id="ann"),
    *scene(),
]


def _key(change: Any) -> tuple[str, str]:
    return (change.record_type, change.id) if isinstance(change, Delete) else (type(change).__name__, change.id)


def begin_again(store: Store) -> None:
    """Bring back the scene, but for what is over for good."""
    stored = {_key(record): record for record in everything(store)}
    changes = [Change(*_key(record), stored.get(_key(record)), record) for record in scene()]
    write(store, *(change.after for change in changes if change.before is None or _may_be(change)))


def _may_be(change: Change) -> bool:
    try:
        check_edit(change, MODEL.shapes[change.record_type])
    except InvariantBroken:
        return False
    return True


@given(
    history=st.lists(
        st.tuples(
            st.lists(st.sampled_from(EDITS), max_size=4, unique_by=_key),
            st.lists(st.sampled_from(roots_of(scene())), max_size=3),
        ),
        max_size=10,
    ),
    large_bytes=st.sampled_from((0, DEFAULT_LARGE_BYTES)),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_after_any_history_the_world_is_what_a_fresh_load_gives(history: Any, large_bytes: int, shared: Store) -> None:
    """Whether units are loaded again when they change, or changed in memory."""
    begin_again(shared)
    fact_cache = FactCache(shared, budget=80_000 if large_bytes == 0 else 40_000, large_bytes=large_bytes)
    for changes, looked_at in history:
        with contextlib.suppress(InvariantBroken, FactConflict):
            write(shared, *changes)
        with fact_cache.read() as snapshot:
            seen_in(snapshot, looked_at)
    records = everything(shared)
    units = roots_of(records)
    with (
        fact_cache.read() as kept,
        FactCache(shared).read() as fresh,
        FactCache.of_records(MODEL, records).read() as memory,
    ):
        expected = seen_in(fresh, units)
        assert seen_in(kept, units) == expected
        assert seen_in(memory, units) == expected
        assert kept.revision == fresh.revision


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def shared(request: pytest.FixtureRequest, new_database: Any) -> Iterator[Store]:
    """One store for all histories: each begins where the one before it ended."""
    store = Store.open(new_database(request.param), MODEL)
    write(store, *scene())
    yield store
    assert dump(store)["fact_change"]
    store.close()
