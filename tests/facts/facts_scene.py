"""Two enterprises with at least one record of every type, valid as a whole; and short ways to write and to look."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from sealauthz.domain import RECORDS
from sealauthz.domain.contracts import Contract, ContractDocument, Signatory, SigningTask, TaskOperator, TaskSeal
from sealauthz.domain.identifiers import uscc_check_character
from sealauthz.domain.identity import IdentityVerification, Person, PlatformStaff
from sealauthz.domain.organisation import (
    Enterprise,
    Invitation,
    JoinApplication,
    Membership,
    RegistrySnapshot,
    RoleAssignment,
)
from sealauthz.domain.retrieval import EnterpriseAuthentication, Objection, RetrievalCase, RetrievalReview
from sealauthz.domain.seals import (
    Approval,
    Certificate,
    GrantContractType,
    RequestDocument,
    Seal,
    SealGrant,
    SealHold,
    SealUseRequest,
)
from sealauthz.facts import Batch, Delete, Precondition, Put, Store, WriteReceipt
from sealauthz.facts.tables import METADATA

NOW = 1_790_000_000_000_000
DAY = 86_400_000_000
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


def scene() -> list[Any]:
    """A valid scene. `e1` has everything, `e2` what it needs to be the wrong enterprise."""
    return [
        *enterprise(1),
        *enterprise(2),
        Enterprise("e3", "Squatter", uscc(1), parent_id="e2"),
        person("ann"),
        person("bob"),
        person("old"),
        person("out", realname_state="UNVERIFIED", id_hash=""),
        Membership("m-ann", "ann", "e1", "INVITE", NOW),
        Membership("m-bob", "bob", "e1", "INVITE", NOW),
        Membership("m-old", "old", "e1", "INVITE", NOW, state="ENDED", ended_at=NOW, end_reason="RESIGNED"),
        RoleAssignment("seal-admin", "m-bob", "SEAL_ADMIN", granted_by_id="e1-boss", valid_to=NOW + 100 * DAY),
        RoleAssignment("was-admin", "m-old", "SEAL_ADMIN", state="REVOKED"),
        IdentityVerification("v1", "ann", "FACE", "SIGN", "ref-1", bound_type="Seal", bound_id="s1"),
        IdentityVerification("v2", "ann", "FACE", "SIGN", "ref-2", state="CONSUMED", passed_at=NOW, consumed_at=NOW),
        PlatformStaff("staff", "out", "REVIEWER"),
        PlatformStaff("was-staff", "bob", "REVIEWER", state="ENDED"),
        PlatformStaff("support", "bob", "SUPPORT"),
        RegistrySnapshot("reg", "e1", "EXISTING", NOW, legal_rep_id="old"),
        Invitation("inv", "e1", "e1-m-boss", "out", "token-1", NOW, NOW + DAY),
        JoinApplication("app", "out", "e1", NOW, NOW + DAY, handler_id="e1-m-boss"),
        RetrievalCase("case", "e1", "out", "ADMIN_RESIGNED", "DOCUMENTS", NOW),
        RetrievalCase("case2", "e2", "out", "ADMIN_RESIGNED", "DOCUMENTS", NOW),
        EnterpriseAuthentication("auth", "e1", "out", "DOCUMENTS", NOW, purpose="RETRIEVAL", case_id="case"),
        RetrievalReview("review", "case", "staff", 1, "PASSED", NOW),
        Objection("objection", "case", "old", NOW, ground="不同意"),
        Certificate("cert1", "e1", "CA", "1", NOW, NOW + DAY),
        Certificate("cert2", "e2", "CA", "2", NOW, NOW + DAY),
        Seal("s1", "e1", "合同章", "CONTRACT", state="ACTIVE", custodian_id="m-bob", certificate_id="cert1"),
        Seal("s2", "e2", "Contract seal", "CONTRACT", state="ACTIVE"),
        Seal("rep", "e1", "Legal representative", "LEGAL_REP", state="ACTIVE"),
        Seal("dead", "e1", "Revoked", "OFFICIAL", state="REVOKED"),
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
        ),
        GrantContractType("type", "g1", "SALES"),
        Contract("c1", "e1", "SALES"),
        ContractDocument("doc", "c1", "digest-1"),
        Signatory("party1", "c1", "ENTERPRISE", enterprise_id="e1"),
        Signatory("party2", "c1", "PERSON", person_id="out"),
        SigningTask("task1", "party1", "CORPORATE_SEAL", handler_id="ann"),
        SigningTask("task2", "party2", "PERSONAL_SIGN"),
        TaskOperator("operator", "task1", "bob"),
        TaskSeal("fixed", "task1", "s1"),
        SealUseRequest("request", "s1", "m-ann", NOW, NOW, NOW + DAY, contract_id="c1", uses=5, used=1),
        RequestDocument("request-doc", "request", "digest-1"),
        Approval("approval", "request", "m-bob", "PASSED", NOW),
    ]


BASE: dict[tuple[str, str], Any] = {(type(record).__name__, record.id): record for record in scene()}


def edited(record_type: str, record_id: str, **columns: Any) -> Any:
    """A record of the scene with other values; `id` makes it another one."""
    return dataclasses.replace(BASE[record_type, record_id], **columns)


def put(*records: Any) -> tuple[Put, ...]:
    return tuple(Put(record) for record in records)


def write(
    store: Store,
    *changes: Any,
    request_id: str = "",
    preconditions: tuple[Precondition, ...] = (),
    caller: str = "test",
    enterprises: frozenset[str] | None = None,
    guard: Callable[[Any, Any], None] | None = None,
) -> WriteReceipt:
    """Write records and deletes in one batch."""
    made = tuple(change if isinstance(change, Put | Delete) else Put(change) for change in changes)
    return store.write(Batch(caller, request_id or uuid.uuid4().hex, made, preconditions), enterprises, guard)


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with store.snapshot() as snapshot:
        return {
            table.name: sorted((tuple(row) for row in snapshot.connection.execute(select(table))), key=repr)
            for table in METADATA.sorted_tables
        }


def everything(store: Store) -> list[Any]:
    """Every record of a store."""
    return [stored.record for record_type in RECORDS for stored in store.read(record_type, page_size=1000).records]
