"""Every invariant broken once, on both databases: it is named, and nothing of the transaction stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from facts_scene import BASE, DAY, NOW, dump, edited, enterprise, person, scene, uscc, write

from sealauthz.domain import RECORDS, shape_of
from sealauthz.domain.organisation import Enterprise, Membership, RoleAssignment
from sealauthz.domain.record import Check, Unique
from sealauthz.domain.seals import Approval, SealGrant
from sealauthz.errors import FactConflict, InvalidRequest, InvariantBroken
from sealauthz.facts import Delete, Store
from sealauthz.facts.tables import INVARIANTS

# The writes of this module are all refused, so that they can share one store.


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def standing(request: pytest.FixtureRequest, new_database: Any) -> Iterator[Store]:
    store = Store.open(new_database(request.param))
    write(store, *scene())
    yield store
    store.close()


def refused(store: Store, *changes: Any) -> FactConflict | InvariantBroken:
    """Write what must be refused; see that nothing of it stays."""
    before = dump(store)
    with pytest.raises((FactConflict, InvariantBroken)) as caught:
        write(store, *changes)
    assert dump(store) == before
    message = str(caught.value)
    assert "\n" not in message
    # Nothing of the driver, the schema or the statement.
    for word in ("constraint", "sqlite", "psycopg", "INSERT", "UPDATE", "DETAIL", "failed"):
        assert word not in message
    return caught.value


def grant(grant_id: str, **columns: Any) -> SealGrant:
    return edited("SealGrant", "g1", id=grant_id, **columns)


# Each unique constraint, with the record of the scene of which a second one is refused.
UNIQUES: dict[str, Any] = {
    "person_i5_1": edited("Person", "ann", id="twin"),
    "identity_verification_i12_1": edited("IdentityVerification", "v1", id="twin"),
    "enterprise_i1_1": edited("Enterprise", "e3", auth_state="AUTHENTICATED", operating_state="FROZEN"),
    "registry_snapshot_r_05_1": edited("RegistrySnapshot", "reg", id="twin"),
    "membership_i3_1": edited("Membership", "m-ann", id="twin", state="SUSPENDED"),
    "role_assignment_i7_1": edited("RoleAssignment", "seal-admin", id="twin"),
    "invitation_m_06_1": edited("Invitation", "inv", id="twin", enterprise_id="e2", inviter_id="e2-m-boss"),
    "join_application_i6_1": edited("JoinApplication", "app", id="twin"),
    "retrieval_case_i6_1": edited("RetrievalCase", "case", id="twin", state="REJECTED"),
    "retrieval_review_r_08_1": edited("RetrievalReview", "review", id="twin"),
    "certificate_u_11_1": edited("Certificate", "cert1", id="twin", enterprise_id="e2"),
    "seal_i13_1": edited("Seal", "rep", id="twin", state="DRAFT"),
    "grant_contract_type_s_06_1": edited("GrantContractType", "type", id="twin"),
    "request_document_u_03_1": edited("RequestDocument", "request-doc", id="twin"),
    "approval_i14_1": edited("Approval", "approval", id="twin"),
    "contract_document_u_03_1": edited("ContractDocument", "doc", id="twin"),
    "task_operator_c_02_1": edited("TaskOperator", "operator", id="twin"),
    "task_seal_c_05_1": edited("TaskSeal", "fixed", id="twin"),
}

# Each check, with a record that fails it and nothing else.
CHECKS: dict[str, Any] = {
    "person_i5_2": edited("Person", "ann", id_hash=""),
    "identity_verification_i12_2": edited("IdentityVerification", "v1", state="CONSUMED"),
    "membership_i3_2": edited("Membership", "m-old", end_reason=None),
    "role_assignment_i7_2": edited("RoleAssignment", "was-admin", valid_from=NOW, valid_to=NOW),
    "invitation_m_06_2": edited("Invitation", "inv", expires_at=NOW + 31 * DAY),
    "join_application_m_05_2": edited("JoinApplication", "app", state="REJECTED"),
    "join_application_i14_3": edited("JoinApplication", "app", decided_by_id="out"),
    "join_application_m_02_4": edited("JoinApplication", "app", reminders=-1),
    "join_application_m_04_5": edited("JoinApplication", "app", state="APPROVED", decided_at=NOW),
    "retrieval_case_i6_2": edited("RetrievalCase", "case", attempt=0),
    "enterprise_authentication_r_05_1": edited("EnterpriseAuthentication", "auth", case_id=None),
    "certificate_u_11_2": edited("Certificate", "cert1", not_after=NOW),
    "seal_grant_i10_1": edited("SealGrant", "g1", used=11),
    "seal_grant_s_06_2": edited("SealGrant", "g1", valid_from=NOW + DAY),
    "seal_grant_s_06_3": edited("SealGrant", "g1", state="EXPIRED", valid_to=NOW + 1097 * DAY),
    "seal_grant_s_06_4": edited("SealGrant", "g1", confirmation="NONE"),
    "seal_use_request_u_03_1": edited("SealUseRequest", "request", valid_to=NOW),
    "seal_use_request_i10_2": edited("SealUseRequest", "request", used=6),
    "approval_u_03_2": edited("Approval", "approval", step=0),
    "signatory_c_02_1": edited("Signatory", "party1", person_id="ann"),
    "signing_task_c_01_1": edited("SigningTask", "task1", position=0),
}

# The length of a USCC is checked by the check of its digits, before the row is written.
UNREACHED = {"enterprise_i2_2"}


def test_every_constraint_of_a_record_has_its_case() -> None:
    declared = {
        f"{name}": constraint
        for cls in RECORDS.values()
        for name, constraint in zip(_names_of(cls), shape_of(cls).constraints, strict=True)
    }
    assert {name for name, c in declared.items() if isinstance(c, Unique)} == UNIQUES.keys()
    assert {name for name, c in declared.items() if isinstance(c, Check)} == CHECKS.keys() | UNREACHED


def _names_of(cls: type) -> list[str]:
    from sealauthz.facts.tables import table_name

    prefix = table_name(cls.__name__)
    return [f"{prefix}_{c.invariant.lower().replace('-', '_')}_{i}" for i, c in enumerate(shape_of(cls).constraints, 1)]


@pytest.mark.parametrize("constraint", UNIQUES)
def test_a_second_record_where_one_is_allowed_is_a_conflict(standing: Store, constraint: str) -> None:
    error = refused(standing, UNIQUES[constraint])
    assert isinstance(error, FactConflict)
    assert error.invariant == INVARIANTS[constraint]
    assert error.invariant in str(error)
    assert f"`{type(UNIQUES[constraint]).__name__}:{UNIQUES[constraint].id}`" in str(error)


@pytest.mark.parametrize("constraint", CHECKS)
def test_a_record_that_fails_its_check_is_refused(standing: Store, constraint: str) -> None:
    error = refused(standing, CHECKS[constraint])
    assert isinstance(error, InvariantBroken)
    assert error.invariant == INVARIANTS[constraint]
    assert f"`{type(CHECKS[constraint]).__name__}:{CHECKS[constraint].id}`" in str(error)


KEYS = [
    (cls.__name__, column.name)
    for cls in RECORDS.values()
    for column in shape_of(cls).columns
    if column.ref is not None
]


@pytest.mark.parametrize(("record_type", "column"), KEYS)
def test_a_key_that_names_nothing_is_refused(standing: Store, record_type: str, column: str) -> None:
    sample = next(record for (name, _), record in BASE.items() if name == record_type)
    changed = edited(record_type, sample.id, **{"id": "new", column: "missing"})
    error = refused(standing, changed)
    assert error.invariant == "REFERENCE"
    assert "missing" in str(error)


TOGETHER: dict[str, tuple[str, list[Any]]] = {
    "I2 a wrong check character": ("I2", [Enterprise("e9", "x", uscc(9)[:-1] + ("0" if uscc(9)[-1] != "0" else "1"))]),
    "I2 lower case": ("I2", [Enterprise("e9", "x", uscc(9).lower())]),
    "I2 too short": ("I2", [Enterprise("e9", "x", "9135")]),
    "I2 an edit to a wrong code": ("I2", [edited("Enterprise", "e3", uscc="0" * 17 + "1")]),
    "I2 another code once authenticated": ("I2", [edited("Enterprise", "e1", uscc=uscc(7))]),
    "I3 another person in the same membership": ("I3", [edited("Membership", "m-ann", person_id="old")]),
    "I4 the last administrator revoked": ("I4", [edited("RoleAssignment", "e1-admin", state="REVOKED")]),
    "I4 the last administrator suspended": ("I4", [edited("Membership", "e1-m-boss", state="SUSPENDED")]),
    "I4 authenticated without administrator": ("I4", [Enterprise("e9", "x", uscc(9), auth_state="AUTHENTICATED")]),
    "I4 thawed without administrator": (
        "I4",
        [Enterprise("e9", "x", uscc(9), auth_state="AUTHENTICATED", operating_state="ACTIVE")],
    ),
    "I5 an unverified member": ("I5", [Membership("new", "out", "e2", "INVITE", NOW)]),
    "I5 a member unverified in the same batch": (
        "I5",
        [person("new", realname_state="REVOKED"), Membership("new", "new", "e2", "INVITE", NOW)],
    ),
    "I7 a role of an ended membership": ("I7", [RoleAssignment("new", "m-old", "CONTRACT_ADMIN")]),
    "I7 a grant to an ended membership": ("I7", [grant("new", membership_id="m-old")]),
    "I7 a pending grant to an ended membership": ("I7", [grant("new", membership_id="m-old", state="PENDING_CONFIRM")]),
    "I7 a membership ended with a role": (
        "I7",
        [edited("Membership", "m-bob", state="ENDED", ended_at=NOW, end_reason="REMOVED")],
    ),
    "I7 a membership ended with a grant": (
        "I7",
        [edited("Membership", "m-ann", state="ENDED", ended_at=NOW, end_reason="REMOVED")],
    ),
    "I8 a grantor's role revoked": ("I8", [edited("RoleAssignment", "seal-admin", state="REVOKED")]),
    "I8 a grant by a revoked role": ("I8", [grant("new", grantor_id="was-admin")]),
    "I9 a grant beyond its grantor's term": ("I9", [grant("new", valid_to=NOW + 101 * DAY)]),
    "I9 a grantor's term cut short": ("I9", [edited("RoleAssignment", "seal-admin", valid_to=NOW + 1)]),
    "I9 a grant to its own grantor": ("I9", [grant("new", membership_id="m-bob")]),
    "I10 a grant's use taken back": ("I10", [edited("SealGrant", "g1", used=1)]),
    "I10 a request's use taken back": ("I10", [edited("SealUseRequest", "request", used=0)]),
    "I11 a revoked seal revived": ("I11", [edited("Seal", "dead", state="ACTIVE")]),
    "I11 a revoked seal destroyed": ("I11", [edited("Seal", "dead", state="DESTROYED")]),
    "I12 another purpose": ("I12", [edited("IdentityVerification", "v1", purpose="APPROVE")]),
    "I12 another method": ("I12", [edited("IdentityVerification", "v1", method="SMS")]),
    "I12 another reference": ("I12", [edited("IdentityVerification", "v1", provider_ref="ref-9")]),
    "I12 another type": ("I12", [edited("IdentityVerification", "v1", bound_type="Contract")]),
    "I12 another object": ("I12", [edited("IdentityVerification", "v1", bound_id="s2")]),
    "I12 another digest": ("I12", [edited("IdentityVerification", "v1", bound_digest="x")]),
    "I12 another person": ("I12", [edited("IdentityVerification", "v1", person_id="bob")]),
    "I12 consumed once more": ("I12", [edited("IdentityVerification", "v2", state="PASSED", consumed_at=0)]),
    "I12 consumed later": ("I12", [edited("IdentityVerification", "v2", consumed_at=NOW + 1)]),
    "I14 an approval of one's own request": ("I14", [Approval("new", "request", "m-ann", "PASSED")]),
    "I14 a request handed to its approver": ("I14", [edited("SealUseRequest", "request", applicant_id="m-bob")]),
    "R-08 a review from a post that has ended": (
        "R-08",
        [edited("RetrievalReview", "review", id="new", staff_id="was-staff")],
    ),
    "R-08 a review from a post of the support": (
        "R-08",
        [edited("RetrievalReview", "review", id="new", staff_id="support")],
    ),
    "R-08 a review from a post that ends in the same batch": (
        "R-08",
        [edited("RetrievalReview", "review", id="new", attempt=2), edited("PlatformStaff", "staff", state="ENDED")],
    ),
    "R-08 a review handed to a post that has ended": (
        "R-08",
        [edited("RetrievalReview", "review", staff_id="was-staff")],
    ),
    "SAME_ENTERPRISE a grantee": ("SAME_ENTERPRISE", [grant("new", membership_id="e2-m-boss")]),
    "SAME_ENTERPRISE a grantor": ("SAME_ENTERPRISE", [grant("new", grantor_id="e2-admin")]),
    "SAME_ENTERPRISE a custodian": ("SAME_ENTERPRISE", [edited("Seal", "s1", custodian_id="e2-m-boss")]),
    "SAME_ENTERPRISE a certificate": ("SAME_ENTERPRISE", [edited("Seal", "s1", certificate_id="cert2")]),
    "SAME_ENTERPRISE an applicant": (
        "SAME_ENTERPRISE",
        [edited("SealUseRequest", "request", id="new", applicant_id="e2-m-boss")],
    ),
    "SAME_ENTERPRISE an approver": ("SAME_ENTERPRISE", [Approval("new", "request", "e2-m-boss", "PASSED")]),
    "SAME_ENTERPRISE a handler": ("SAME_ENTERPRISE", [edited("JoinApplication", "app", handler_id="e2-m-boss")]),
    "SAME_ENTERPRISE an inviter": ("SAME_ENTERPRISE", [edited("Invitation", "inv", inviter_id="e2-m-boss")]),
    "SAME_ENTERPRISE a case": ("SAME_ENTERPRISE", [edited("EnterpriseAuthentication", "auth", case_id="case2")]),
    "SAME_ENTERPRISE a fixed seal": ("SAME_ENTERPRISE", [edited("TaskSeal", "fixed", id="new", seal_id="s2")]),
    "SAME_ENTERPRISE a fixed seal exchanged": ("SAME_ENTERPRISE", [edited("TaskSeal", "fixed", seal_id="s2")]),
    "SAME_ENTERPRISE a seal fixed for a person": (
        "SAME_ENTERPRISE",
        [edited("TaskSeal", "fixed", id="new", task_id="task2")],
    ),
    "C-02 another initiator": ("C-02", [edited("Contract", "c1", initiator_id="e2")]),
    "C-02 another enterprise as a party": ("C-02", [edited("Signatory", "party1", enterprise_id="e2")]),
    "C-02 another person as a party": ("C-02", [edited("Signatory", "party2", person_id="bob")]),
    "C-02 a person as a party for an enterprise": (
        "C-02",
        [edited("Signatory", "party1", kind="PERSON", person_id="bob", enterprise_id=None)],
    ),
    "HOME a seal moved": ("HOME", [edited("Seal", "s2", enterprise_id="e1")]),
    "HOME a grant moved": ("HOME", [edited("SealGrant", "g1", seal_id="rep")]),
    "HOME a task moved": ("HOME", [edited("SigningTask", "task1", signatory_id="party2")]),
    "HOME a role moved": ("HOME", [edited("RoleAssignment", "seal-admin", membership_id="m-ann")]),
    "HOME a staff post moved": ("HOME", [edited("PlatformStaff", "staff", person_id="ann")]),
    "I17 a membership deleted": ("I17", [Delete("Membership", "m-ann")]),
    "I17 a seal deleted": ("I17", [Delete("Seal", "dead")]),
}


@pytest.mark.parametrize("case", TOGETHER)
def test_what_several_facts_forbid_together_is_refused(standing: Store, case: str) -> None:
    invariant, changes = TOGETHER[case]
    error = refused(standing, *changes)
    assert isinstance(error, InvariantBroken)
    assert error.invariant == invariant
    assert error.invariant == case.split(maxsplit=1)[0]


@pytest.mark.parametrize("case", TOGETHER)
def test_the_fault_is_found_wherever_it_stands_in_the_batch(standing: Store, case: str) -> None:
    invariant, changes = TOGETHER[case]
    assert refused(standing, *enterprise(20), *changes, *enterprise(21)).invariant == invariant


def test_permanent_records_are_never_deleted(standing: Store) -> None:
    for (record_type, record_id), _ in BASE.items():
        if shape_of(RECORDS[record_type]).is_permanent:
            assert refused(standing, Delete(record_type, record_id)).invariant == "I17"


BAD_VALUES: dict[str, tuple[Any, str]] = {
    "no id": (edited("Person", "ann", id=""), "changes[0].id"),
    "NUL": (edited("Person", "ann", real_name="a\0b"), "changes[0].real_name"),
    "a lone surrogate": (edited("Person", "ann", real_name="\ud800"), "changes[0].real_name"),
    "an unknown word": (edited("Person", "ann", account_state="active"), "changes[0].account_state"),
    "None": (edited("Person", "ann", realm=None), "changes[0].realm"),
    "a number for text": (edited("Person", "ann", realm=1), "changes[0].realm"),
    "text for a number": (edited("SealGrant", "g1", used="1"), "changes[0].used"),
    "true for a number": (edited("SealGrant", "g1", used=True), "changes[0].used"),
    "a number for true": (edited("RegistrySnapshot", "reg", is_current=1), "changes[0].is_current"),
    "more than 64 bits": (edited("SealGrant", "g1", use_limit=2**63), "changes[0].use_limit"),
    "an instant before 1970": (edited("SealHold", "hold", placed_at=-1), "changes[0].placed_at"),
    "an instant after 9999": (edited("SealHold", "hold", placed_at=2**62), "changes[0].placed_at"),
    "an empty key": (edited("SealHold", "hold", seal_id=""), "changes[0].seal_id"),
    "a long id": (edited("SealHold", "hold", id="x" * 513), "changes[0].id"),
    "no record": (object(), "changes[0]"),
}


@pytest.mark.parametrize("case", BAD_VALUES)
def test_a_value_that_no_column_takes_is_named(standing: Store, case: str) -> None:
    record, path = BAD_VALUES[case]
    before = dump(standing)
    with pytest.raises(InvalidRequest) as caught:
        write(standing, record)
    assert [violation.field for violation in caught.value.violations] == [path]
    assert dump(standing) == before
