"""Two enterprises with at least one record of every type, valid as a whole; and short ways to write and to look."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg
from sqlalchemy import select

from sealauthz.facts import Batch, Delete, Precondition, Put, Store, WriteReceipt
from sealauthz.facts.store.statements import driver
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.model.records.batches import IntentBatch, IntentBatchItem, batch_digest
from sealauthz.model.records.contracts import Contract, ContractDocument
from sealauthz.model.records.cross_grants import CrossEnterpriseGrant, CrossGrantContractType, HolderAssignment
from sealauthz.model.records.delegations import Delegation, DelegationContractType
from sealauthz.model.records.grants import (
    EmergencyUse,
    GrantContractType,
    GrantTemplate,
    OpenGrant,
    OpenGrantTemplate,
    SealGrant,
)
from sealauthz.model.records.identity import IdentityVerification, Person, PlatformStaff
from sealauthz.model.records.letters import AuthLetter
from sealauthz.model.records.membership import Absence, Invitation, JoinApplication, Membership, RoleAssignment
from sealauthz.model.records.monitoring import Alert, DeniedAttempt
from sealauthz.model.records.organisation import (
    CustomRole,
    CustomRolePower,
    Department,
    Enterprise,
    Holiday,
    MonitorSubscription,
    RegistrySnapshot,
    WorkingHours,
    uscc_check_character,
)
from sealauthz.model.records.outings import SealOuting
from sealauthz.model.records.procedures import (
    AmountBand,
    ApprovalProcess,
    BoardResolution,
    BusinessCategory,
    CategoryPermission,
    CategorySeal,
    ProcessStep,
    RuleChange,
    StepApprover,
)
from sealauthz.model.records.requests import Approval, RequestDocument, SealUseRequest, StampReport, UsePhoto
from sealauthz.model.records.retrieval import (
    EnterpriseAuthentication,
    NoticeDelivery,
    Objection,
    RetrievalAppeal,
    RetrievalCase,
    RetrievalReview,
)
from sealauthz.model.records.seal_uses import CountedRequest, SealUse
from sealauthz.model.records.seals import Certificate, Device, Seal, SealHold, SealProposal, SealReview, SealWitness
from sealauthz.model.records.signing import InternalReview, PartyConsent, Signatory, SigningTask, TaskOperator, TaskSeal
from sealauthz.schema import values_of

NOW = 1_790_000_000_000_000
DAY = 86_400_000_000
NOT_LOADED = "not loaded"
PHONE = "13800001569"
NAME = "张伟测试"


def uscc(number: int) -> str:
    """A valid code, another for each number."""
    body = f"91350100MA{number:07d}"
    return body + uscc_check_character(body)


def person(person_id: str, **columns: Any) -> Person:
    return Person(
        person_id,
        **{"realname_state": "VERIFIED", "id_hash": f"hash-{person_id}", "real_name": NAME, "phone": PHONE, **columns},
    )


def enterprise(number: int, **columns: Any) -> list[Any]:
    """An operating enterprise with its one administrator."""
    e = f"e{number}"
    return [
        Enterprise(e, f"Enterprise {number}", uscc(number), auth_state="AUTHENTICATED", **columns),
        person(f"{e}-boss"),
        Membership(f"{e}-m-boss", f"{e}-boss", e, "AUTHENTICATOR", NOW),
        RoleAssignment(f"{e}-admin", f"{e}-m-boss", "SYSTEM_ADMIN", is_primary=True),
    ]


def live_grant(grant_id: str, right: str, **columns: Any) -> SealGrant:
    """A grant of another right to ann, on the seal `s1`."""
    values = {"confirmation": "INTENT", "state": "ACTIVE", **columns}
    return SealGrant(grant_id, "s1", "m-ann", "seal-admin", right, "ALL_CONTRACTS", "FIXED", NOW, NOW + DAY, **values)


def batch(batch_id: str, *items: Any, **columns: Any) -> list[Any]:
    """A list of ann's, with its items and their digest."""
    made = IntentBatch(batch_id, "ann", "", **columns)
    return [dataclasses.replace(made, digest=batch_digest(made, items)), *items]


def scene() -> list[Any]:
    """A valid scene. `e1` has everything, `e2` what it needs to be the wrong enterprise."""
    return [
        *enterprise(1),
        *enterprise(2),
        Enterprise("e3", "Squatter", uscc(1), parent_id="e2"),
        person("ann"),
        person("bob"),
        person("cat"),
        person("dan"),
        person("old"),
        person("out", realname_state="UNVERIFIED", id_hash=""),
        Department("dept1", "e1", "Sales"),
        Department("dept1-sub", "e1", "Exports", parent_id="dept1"),
        Department("dept2", "e2", "Sales"),
        CustomRole("clerk", "e1", "Clerk"),
        CustomRole("clerk2", "e2", "Clerk"),
        CustomRolePower("power", "clerk", "INVITE"),
        WorkingHours("hours", "e1", 1, 540, 1080),
        Holiday("holiday", "e1", 20_000),
        Membership("m-ann", "ann", "e1", "INVITE", NOW, department_id="dept1"),
        Membership("m-bob", "bob", "e1", "INVITE", NOW),
        Membership("m-cat", "cat", "e1", "INVITE", NOW),
        Membership("m-old", "old", "e1", "INVITE", NOW, state="ENDED", ended_at=NOW, end_reason="RESIGNED"),
        Membership("m-dan", "dan", "e2", "INVITE", NOW),
        RoleAssignment("seal-admin", "m-bob", "SEAL_ADMIN", granted_by_id="e1-boss", valid_to=NOW + 100 * DAY),
        RoleAssignment("boss-seals", "e1-m-boss", "SEAL_ADMIN"),
        RoleAssignment("was-admin", "m-old", "SEAL_ADMIN", state="REVOKED"),
        RoleAssignment("dept-admin", "m-ann", "DEPT_ADMIN", department_id="dept1"),
        RoleAssignment("ann-clerk", "m-ann", "CUSTOM", custom_role_id="clerk"),
        Absence("absence", "m-ann", "m-cat", "ann", NOW, NOW, NOW + DAY),
        MonitorSubscription("monitor", "e1", "m-cat", seal_id="s1"),
        IdentityVerification("v1", "ann", "FACE", "SIGN", "ref-1", bound_type="Seal", bound_id="s1"),
        IdentityVerification("v2", "ann", "FACE", "SIGN", "ref-2", state="CONSUMED", passed_at=NOW, consumed_at=NOW),
        PlatformStaff("staff", "out", "REVIEWER"),
        PlatformStaff("was-staff", "bob", "REVIEWER", state="ENDED"),
        PlatformStaff("support", "bob", "SUPPORT"),
        RegistrySnapshot("reg", "e1", "EXISTING", NOW, legal_rep_id="old", is_matched=True),
        Invitation("inv", "e1", "e1-m-boss", "token-1", NOW, NOW + DAY, "out"),
        JoinApplication("app", "out", "e1", NOW, NOW + DAY, handler_id="e1-m-boss"),
        RetrievalCase("case", "e1", "out", "ADMIN_RESIGNED", "DOCUMENTS", NOW),
        RetrievalCase("case2", "e2", "out", "ADMIN_RESIGNED", "DOCUMENTS", NOW),
        EnterpriseAuthentication("auth", "e1", "out", "DOCUMENTS", NOW, purpose="RETRIEVAL", case_id="case"),
        RetrievalReview("review", "case", "staff", 1, "PASSED", NOW),
        Objection("objection", "case", "old", NOW, ground="不同意"),
        RetrievalAppeal("appeal", "case", "old", NOW, "DISMISSED", "cat", NOW),
        NoticeDelivery("notice", "case", "e1-boss", "SMS", NOW),
        ApprovalProcess("process", "e1", "Large amounts"),
        ApprovalProcess("other-process", "e1", "Out of hours"),
        ApprovalProcess("process2", "e2", "Large amounts"),
        ProcessStep("step", "process"),
        ProcessStep("other-step", "other-process"),
        ProcessStep("step2", "process2"),
        StepApprover("by-member", "step", membership_id="m-bob"),
        StepApprover("by-role", "step", role="CONTRACT_ADMIN"),
        AmountBand("band", "e1", "process", "CNY", 1_000_00),
        BusinessCategory("sales", "e1", "Sales", process_id="process"),
        BusinessCategory("sales2", "e2", "Sales"),
        CategorySeal("sales-seal", "sales", "s1"),
        CategoryPermission("sales-ann", "sales", "m-ann"),
        BoardResolution("resolution", "e1", "c1", "GUARANTEE", "BOARD"),
        RuleChange("rules", "e1", "WORKING_HOURS", "digest-rules", NOW + DAY, "e1-boss", NOW),
        Certificate("cert1", "e1", "CA", "1", NOW, NOW + DAY),
        Certificate("cert2", "e2", "CA", "2", NOW, NOW + DAY),
        Device("device", "e1", "D-1"),
        Device("device2", "e2", "D-1"),
        Seal("s1", "e1", "合同章", "CONTRACT", state="ACTIVE", custodian_id="m-bob", certificate_id="cert1"),
        Seal("s2", "e2", "Contract seal", "CONTRACT", state="ACTIVE"),
        Seal("rep", "e1", "Legal representative", "LEGAL_REP", state="ACTIVE", legal_rep_id="old"),
        Seal("dead", "e1", "Revoked", "OFFICIAL", state="REVOKED"),
        Seal("thing", "e1", "公章", "OFFICIAL", state="ACTIVE", category="PHYSICAL", device_id="device"),
        SealHold("hold", "s1", "ADMIN", NOW, placed_by_id="e1-boss"),
        SealGrant(
            "g1",
            "s1",
            "m-ann",
            "seal-admin",
            "USE",
            "LISTED_TYPES",
            "FIXED",
            NOW,
            NOW + DAY,
            confirmation="INTENT",
            state="ACTIVE",
            use_limit=10,
            used=2,
            amount_max=500_00,
            currency="CNY",
            may_subgrant=True,
        ),
        GrantContractType("type", "g1", "SALES"),
        SealGrant(
            "g-sub",
            "s1",
            "m-cat",
            "dept-admin",
            "USE",
            "LISTED_TYPES",
            "FIXED",
            NOW,
            NOW + DAY,
            confirmation="INTENT",
            state="ACTIVE",
            use_limit=5,
            amount_max=500_00,
            currency="CNY",
            parent_id="g1",
        ),
        GrantContractType("sub-type", "g-sub", "SALES"),
        live_grant("g-auto", "AUTO_SIGN", use_limit=10),
        GrantTemplate("template", "g-auto", "template-1"),
        live_grant("g-emergency", "EMERGENCY"),
        dataclasses.replace(
            live_grant("next", "EMERGENCY", state="PENDING_CONFIRM", confirmation="NONE", adopts_id="g-emergency"),
            grantor_id="boss-seals",
        ),
        live_grant("g-over", "USE", state="REVOKED", may_subgrant=True),
        SealGrant("g2", "s2", "m-dan", "e2-admin", "USE", "ALL_CONTRACTS", "LONG_TERM", NOW, NOW + DAY),
        EmergencyUse(
            "emergency", "g-emergency", NOW, "flood", approved_by_id="m-bob", approved_at=NOW + 1, task_id="task1"
        ),
        OpenGrant("g-open", "s1", "seal-admin", NOW, NOW + DAY, "dept1", "INTENT", "ACTIVE", use_limit=10, used=2),
        OpenGrantTemplate("open-template", "g-open", "template-1"),
        CrossEnterpriseGrant(
            "g-cross",
            "s1",
            "e2",
            "seal-admin",
            "LISTED_TYPES",
            NOW,
            NOW + DAY,
            confirmation="AUTH_LETTER",
            state="ACTIVE",
            use_limit=10,
            used=2,
        ),
        CrossGrantContractType("cross-type", "g-cross", "SALES"),
        HolderAssignment("holder", "g-cross", "m-dan", assigned_by_id="e2-boss", assigned_at=NOW),
        AuthLetter("letter", "s1", "digest-letter", "bob", NOW, cross_grant_id="g-cross"),
        Delegation(
            "delegation",
            "m-ann",
            "m-cat",
            "USE_SEAL",
            "LISTED_TYPES",
            NOW,
            NOW + DAY,
            seal_id="s1",
            state="ACTIVE",
            offered_by_id="ann",
            offered_at=NOW,
        ),
        DelegationContractType("delegation-type", "delegation", "SALES"),
        SealReview("face", "s1", "m-bob", NOW, "face-1", "Enterprise 1"),
        SealReview("face-old", "s1", "m-bob", NOW, "face-0", "Enterprise 1", "PASSED", "e1-m-boss", NOW),
        SealProposal("proposal", "s1", "DESTROY", "m-bob", NOW, "worn out"),
        SealWitness("witness", "proposal", "m-cat"),
        SealOuting("outing", "thing", "m-ann", NOW, NOW + DAY),
        Alert("alert", "e1", "ALERT_FIRST_USE", "Operation:o1", NOW, "s1", "ann"),
        DeniedAttempt("denied", "s1", "out", "use", "SEAL_LOST", NOW, 1),
        Contract("c1", "e1", "SALES", amount=100_00, currency="CNY", initiated_by_id="ann", category_id="sales"),
        ContractDocument("doc", "c1", "digest-1"),
        Signatory("party1", "c1", "ENTERPRISE", enterprise_id="e1", category_id="sales"),
        Signatory("party2", "c1", "PERSON", person_id="out"),
        SigningTask("task1", "party1", "CORPORATE_SEAL", handler_id="ann"),
        SigningTask("task2", "party2", "PERSONAL_SIGN"),
        TaskOperator("operator", "task1", "bob"),
        TaskSeal("fixed", "task1", "s1"),
        InternalReview("internal", "party1"),
        InternalReview("internal-old", "party1", "PASSED", "bob", NOW),
        PartyConsent("consent", "party1", "DOUBLE_AGENCY", "e1-boss", person_id="out", given_at=NOW),
        *batch(
            "batch",
            IntentBatchItem("item", "batch", "task1", "s1", "digest-1", 100_00, "CNY"),
            total=100_00,
            currency="CNY",
        ),
        SealUse("use", "task1", "s1", "ann", "digest-1", NOW, grant_id="g1"),
        SealUseRequest(
            "request",
            "s1",
            "m-ann",
            NOW,
            NOW,
            NOW + DAY,
            contract_id="c1",
            state="IN_USE",
            uses=5,
            used=1,
            process_id="process",
            device_id="device",
        ),
        RequestDocument("request-doc", "request", "digest-1"),
        Approval("approval", "request", "m-bob", "PASSED", NOW, step_id="step"),
        CountedRequest("counted", "use", "request"),
        StampReport("report", "request", "device", 1, NOW),
        UsePhoto("photo", "request", "digest-photo", NOW, "ann"),
    ]


BASE: dict[tuple[str, str], Any] = {(type(record).__name__, record.id): record for record in scene()}


def edited(record_type: str, record_id: str, **columns: Any) -> Any:
    """A record of the scene with other values; `id` makes it another one."""
    return dataclasses.replace(BASE[record_type, record_id], **columns)


def put(*records: Any) -> tuple[Put, ...]:
    return tuple(Put(record) for record in records)


def restored(store: Store) -> None:
    """Announce a restore and complete it, as an operator does who misses nothing."""
    store.announce_restore()
    store.complete_restore("test", "nothing is missing")


def write(
    store: Store,
    *changes: Any,
    request_id: str = "",
    preconditions: tuple[Precondition, ...] = (),
    caller: str = "test",
    tenants: frozenset[str] | None = None,
    guard: Callable[[Any, Any], None] | None = None,
) -> WriteReceipt:
    """Write records and deletes in one batch."""
    made = tuple(change if isinstance(change, Put | Delete) else Put(change) for change in changes)
    return store.write(Batch(caller, request_id or uuid.uuid4().hex, made, preconditions), tenants, guard)


def described(unit: Any) -> dict[str, Any]:
    """Everything about a unit that a policy could see: values, and for each relation the ids or that it is unset."""
    seen: dict[str, Any] = {}
    for record_type, records in unit.items():
        for record_id, record in records.items():
            relations: dict[str, Any] = {}
            for relation in MODEL.shapes[record_type].relations:
                target = getattr(record, relation.name, NOT_LOADED)
                if isinstance(target, list):
                    assert all(member is unit[relation.record][member.id] for member in target)
                    relations[relation.name] = [member.id for member in target]
                elif target is None or target == NOT_LOADED:
                    relations[relation.name] = target
                else:
                    assert target is unit[relation.record][target.id]
                    relations[relation.name] = target.id
            seen[f"{record_type}:{record_id}"] = (values_of(record), relations)
    return seen


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with store.read_transaction() as snapshot:
        return {
            table.name: sorted((tuple(row) for row in snapshot.connection.execute(select(table))), key=repr)
            for table in tables_of(MODEL).metadata.sorted_tables
        }


_EACH_TABLE = [f"SELECT * FROM {table.name}" for table in tables_of(MODEL).metadata.sorted_tables]


def all_rows(store: Store) -> list[list[str]]:
    """Every row of every table, as the driver reads it: for whether anything changed, ten times as fast as a dump."""
    with store.read_transaction() as snapshot:
        connection = driver(snapshot.connection)
        if isinstance(connection, psycopg.Connection):
            cursor = psycopg.ClientCursor(connection)  # which takes several statements at once
            cursor.execute("; ".join(_EACH_TABLE))
            read = [cursor.fetchall()]
            while cursor.nextset():
                read.append(cursor.fetchall())
        else:
            read = [connection.execute(statement).fetchall() for statement in _EACH_TABLE]
    assert len(read) == len(_EACH_TABLE)
    return [sorted(map(repr, of_table)) for of_table in read]


def everything(store: Store) -> list[Any]:
    """Every record of a store."""
    return [
        stored.record for record_type in MODEL.records for stored in store.read(record_type, page_size=1000).records
    ]


@contextmanager
def opened(url: str, count: int) -> Iterator[list[Store]]:
    """Yield so many stores on one database, as so many processes would have."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Store.open(url, MODEL))) for _ in range(count)]
