"""Every invariant broken once, on both databases: it is named, and nothing of the transaction stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from facts_scene import (
    BASE,
    DAY,
    NAME,
    NOW,
    PHONE,
    all_rows,
    batch,
    edited,
    enterprise,
    live_grant,
    person,
    scene,
    uscc,
    write,
)

from sealauthz.facts import Delete, Precondition, PreconditionKind, Store
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.model.records.batches import IntentBatchItem
from sealauthz.model.records.grants import SealGrant
from sealauthz.model.records.membership import Membership, RoleAssignment
from sealauthz.model.records.organisation import DayKind, Enterprise
from sealauthz.model.records.requests import Approval
from sealauthz.model.records.signing import SigningTask
from sealauthz.runtime.errors import FactConflict, InvalidRequest, InvariantBroken
from sealauthz.schema import shape_of
from sealauthz.schema.rules import ActsFor, Check, OwnedByActs, RelatedTo, RootOwned, Unique, Urgent

# The writes of this module are all refused, so that they can share one store.


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def standing(request: pytest.FixtureRequest, new_database: Any) -> Iterator[Store]:
    store = Store.open(new_database(request.param), MODEL)
    write(store, *scene())
    yield store
    store.close()


@cache
def rows_at_first(store: Store) -> list[list[str]]:
    """What a store held before any test wrote to it: that is what it holds after each, or the test fails."""
    return all_rows(store)


def refused(store: Store, *changes: Any) -> FactConflict | InvariantBroken:
    """Write what must be refused; see that nothing of it stays."""
    before = rows_at_first(store)
    # Who counts says on what: the scene was written in one go.
    keys = {(type(change).__name__, change.id) for change in changes} & BASE.keys()
    read = tuple(Precondition(*key, PreconditionKind.AT_REVISION, 1) for key in sorted(keys))
    with pytest.raises((FactConflict, InvariantBroken)) as caught:
        write(store, *changes, preconditions=read)
    assert all_rows(store) == before
    message = str(caught.value)
    assert "\n" not in message
    # Nothing of the driver, the schema or the statement.
    for word in ("constraint", "sqlite", "psycopg", "INSERT", "UPDATE", "DETAIL", "failed"):
        assert word not in message
    # Nor anything about a person.
    for personal in (NAME, PHONE, "hash-"):
        assert personal not in message
    return caught.value


def grant(grant_id: str, **columns: Any) -> SealGrant:
    return edited("SealGrant", "g1", id=grant_id, **columns)


def sub(grant_id: str, **columns: Any) -> SealGrant:
    return edited("SealGrant", "g-sub", id=grant_id, **columns)


def adopting(**columns: Any) -> SealGrant:
    """A grant of the administrator's that goes on with bob's emergency grant, and waits."""
    waits = {"state": "PENDING_CONFIRM", "confirmation": "NONE", "adopts_id": "g-emergency"}
    return edited("SealGrant", "g-emergency", **{"id": "next", "grantor_id": "boss-seals", **waits, **columns})


CROSS_2 = edited("CrossEnterpriseGrant", "g-cross", id="g-cross2")
SUB_REVOKED = edited("SealGrant", "g-sub", state="REVOKED")

# Each unique constraint, with the record of the scene of which a second one is refused.
RESERVED: dict[str, Any] = {"state": "RESERVED", "operation_id": "operation", "audience": "engine"}

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
    "retrieval_appeal_r_13_1": edited("RetrievalAppeal", "appeal", id="twin"),
    "retrieval_review_r_08_1": edited("RetrievalReview", "review", id="twin"),
    "certificate_u_11_1": edited("Certificate", "cert1", id="twin", enterprise_id="e2"),
    "seal_i13_1": edited("Seal", "rep", id="twin", state="DRAFT"),
    "grant_contract_type_s_06_1": edited("GrantContractType", "type", id="twin"),
    "request_document_u_03_1": edited("RequestDocument", "request-doc", id="twin"),
    "approval_i14_1": edited("Approval", "approval", id="twin"),
    "contract_document_u_03_1": edited("ContractDocument", "doc", id="twin"),
    "task_operator_c_02_1": edited("TaskOperator", "operator", id="twin"),
    "task_seal_c_05_1": edited("TaskSeal", "fixed", id="twin"),
    "counted_request_i10_1": edited("CountedRequest", "counted", id="twin"),
    "use_photo_u_23_1": edited("UsePhoto", "photo", id="twin"),
    "seal_use_i15_1": edited("SealUse", "use", id="twin", person_id="bob"),
    "custom_role_power_m_07_1": edited("CustomRolePower", "power", id="twin"),
    "working_hours_u_08_1": edited("WorkingHours", "hours", id="twin", to_minute=600),
    "holiday_u_08_1": edited("Holiday", "holiday", id="twin"),
    "amount_band_u_04_1": edited("AmountBand", "band", id="twin", process_id="other-process"),
    "category_seal_u_02_1": edited("CategorySeal", "sales-seal", id="twin"),
    "category_permission_c_13_1": edited("CategoryPermission", "sales-ann", id="twin"),
    "device_u_23_1": edited("Device", "device", id="twin", state="RETIRED"),
    "grant_template_u_22_1": edited("GrantTemplate", "template", id="twin"),
    "open_grant_template_s_08_1": edited("OpenGrantTemplate", "open-template", id="twin"),
    "cross_grant_contract_type_u_20_1": edited("CrossGrantContractType", "cross-type", id="twin"),
    "holder_assignment_u_20_1": edited("HolderAssignment", "holder", id="twin"),
    "delegation_contract_type_u_18_1": edited("DelegationContractType", "delegation-type", id="twin"),
    "seal_review_s_02_1": edited("SealReview", "face", id="twin"),
    "seal_proposal_s_14_1": edited("SealProposal", "proposal", id="twin", ending="REVOKE"),
    "seal_witness_s_14_1": edited("SealWitness", "witness", id="twin"),
    "rule_change_a_06_1": edited("RuleChange", "rules", id="twin"),
    "seal_grant_a_11_8": adopting(id="twin"),
    "intent_batch_item_a_08_1": edited("IntentBatchItem", "item", id="twin"),
    "seal_outing_a_09_1": edited("SealOuting", "outing", id="twin"),
}


def returned(**columns: Any) -> Any:
    """The outing of the scene, taken back by bob."""
    return edited(
        "SealOuting", "outing", **{"state": "RETURNED", "returned_at": NOW, "received_by_id": "m-bob", **columns}
    )


TO_PHONE = {"phone_hash": "phone", "contact_digest": "phone and name"}

# Each check, with a record that fails it and nothing else.
CHECKS: dict[str, Any] = {
    "retrieval_case_r_07_3": edited("RetrievalCase", "case2", id="new", state="CLAIMED", claimed_until=0),
    "person_i5_2": edited("Person", "ann", id="new", id_hash=""),
    "person_i5_3": edited("Person", "ann", id="new", id_hash="new", same_as_id="bob"),
    "identity_verification_i12_2": edited("IdentityVerification", "v1", state="CONSUMED"),
    "membership_i3_2": edited("Membership", "m-old", id="new", end_reason=None),
    "role_assignment_i7_2": edited("RoleAssignment", "was-admin", id="new", valid_from=NOW, valid_to=NOW),
    "invitation_m_06_2": edited("Invitation", "inv", expires_at=NOW + 31 * DAY),
    "invitation_a_13_3": edited("Invitation", "inv", id="new", token_hash="new", target_id=None),
    "invitation_a_13_4": edited("Invitation", "inv", id="new", token_hash="new", phone_hash="phone"),
    "invitation_a_13_5": edited("Invitation", "inv", confirmed_at=NOW),
    "invitation_a_13_6": edited("Invitation", "inv", id="new", token_hash="new", state="ACCEPTED", **TO_PHONE),
    "join_application_m_05_2": edited("JoinApplication", "app", state="REJECTED"),
    "join_application_i14_3": edited("JoinApplication", "app", decided_by_id="out"),
    "join_application_m_02_4": edited("JoinApplication", "app", id="new", state="WITHDRAWN", reminders=-1),
    "join_application_m_04_5": edited("JoinApplication", "app", state="APPROVED", decided_at=NOW),
    "retrieval_case_i6_2": edited("RetrievalCase", "case", id="new", state="WITHDRAWN", attempt=0),
    "enterprise_authentication_r_05_1": edited("EnterpriseAuthentication", "auth", id="new", case_id=None),
    "certificate_u_11_2": edited("Certificate", "cert1", id="new", serial="9", not_after=NOW),
    "seal_grant_i10_1": edited("SealGrant", "g1", id="new", used=11),
    "seal_grant_s_06_2": edited("SealGrant", "g1", valid_from=NOW + DAY),
    "seal_grant_s_06_3": grant("new", state="EXPIRED", valid_to=NOW + 1097 * DAY),
    "seal_grant_s_06_4": edited("SealGrant", "g1", confirmation="NONE"),
    "seal_grant_u_05_5": edited("SealGrant", "g-auto", currency="CNY"),
    "seal_grant_s_09_6": edited("SealGrant", "g-sub", id="new", may_subgrant=True),
    "contract_u_04_1": edited("Contract", "c1", amount=-1),
    "contract_u_05_2": edited("Contract", "c1", currency=""),
    "signatory_u_04_2": edited("Signatory", "party1", amount=-1, currency="CNY"),
    "signatory_u_05_3": edited("Signatory", "party1", currency="CNY"),
    "signatory_a_05_4": edited("Signatory", "party1", id="new", guarantor_for_id="e1"),
    "cross_enterprise_grant_u_05_4": edited("CrossEnterpriseGrant", "g-cross", id="new", currency="CNY"),
    "party_consent_u_14_1": edited("PartyConsent", "consent", id="new", person_id=None),
    "role_assignment_i8_4": edited("RoleAssignment", "ann-clerk", revoked_at=NOW),
    "role_assignment_m_07_3": edited("RoleAssignment", "ann-clerk", id="new", custom_role_id=None),
    "working_hours_u_08_2": edited("WorkingHours", "hours", weekday=8),
    "working_hours_u_08_3": edited("WorkingHours", "hours", to_minute=540),
    "holiday_u_08_2": edited("Holiday", "holiday", day=-1),
    "party_consent_a_05_2": edited("PartyConsent", "consent", id="new", amount_max=1),
    "process_step_u_04_1": edited("ProcessStep", "step", id="new", position=0),
    "process_step_u_04_2": edited("ProcessStep", "step", id="new", valid_from=NOW, valid_to=NOW),
    "step_approver_u_04_1": edited("StepApprover", "by-member", id="new", role="SEAL_ADMIN"),
    "step_approver_u_04_2": edited("StepApprover", "by-member", id="new", valid_from=NOW, valid_to=NOW),
    "board_resolution_a_05_1": edited("BoardResolution", "resolution", id="new", currency="CNY"),
    "board_resolution_a_05_2": edited("BoardResolution", "resolution", id="new", confirmed_at=NOW),
    "board_resolution_a_05_3": edited(
        "BoardResolution", "resolution", id="new", recorded_by_id="ann", confirmed_by_id="ann", confirmed_at=NOW
    ),
    "rule_change_a_06_2": edited("RuleChange", "rules", id="new", rule_kind="HOLIDAYS", digest=""),
    "rule_change_a_06_3": edited("RuleChange", "rules", id="new", rule_kind="HOLIDAYS", confirmed_at=NOW),
    "rule_change_a_06_4": edited(
        "RuleChange", "rules", id="new", rule_kind="HOLIDAYS", confirmed_by_id="e1-boss", confirmed_at=NOW
    ),
    "auth_letter_a_02_1": edited("AuthLetter", "letter", id="new", seal_grant_id="g1"),
    "auth_letter_a_02_2": edited("AuthLetter", "letter", id="new", digest=""),
    "auth_letter_a_02_3": edited("AuthLetter", "letter", id="new", verified_at=NOW),
    "auth_letter_a_02_4": edited("AuthLetter", "letter", id="new", verified_by_id="bob", verified_at=NOW),
    "signing_task_a_12_2": edited("SigningTask", "task1", refused_by_id="ann", refused_at=NOW),
    "enterprise_a_03_3": edited("Enterprise", "e1", contact_changed_at=NOW),
    "enterprise_authentication_a_03_2": edited("EnterpriseAuthentication", "auth", owner_id="ann"),
    "enterprise_authentication_a_03_3": edited("EnterpriseAuthentication", "auth", reviewer_id="out"),
    "absence_a_07_1": edited("Absence", "absence", id="new", substitute_id="m-ann"),
    "absence_a_07_2": edited("Absence", "absence", id="new", valid_to=NOW),
    "holiday_a_06_3": edited("Holiday", "holiday", weekday=5),
    "holiday_a_06_4": edited("Holiday", "holiday", kind=DayKind.WORKDAY, weekday=8),
    "amount_band_u_04_2": edited("AmountBand", "band", from_amount=-1),
    "seal_s_05_2": edited("Seal", "s1", legal_rep_id="old"),
    "seal_s_16_3": edited("Seal", "s1", acting_custodian_id="m-cat", acting_from=NOW, acting_to=NOW),
    "emergency_use_u_24_1": edited("EmergencyUse", "emergency", id="new", approved_at=0),
    "emergency_use_u_24_2": edited("EmergencyUse", "emergency", id="new", reason=""),
    "retrieval_appeal_r_13_2": edited("RetrievalAppeal", "appeal", id="new", person_id="cat", decided_by_id=None),
    "emergency_use_u_24_3": edited("EmergencyUse", "emergency", id="new", representative_id="cat"),
    "open_grant_i10_1": edited("OpenGrant", "g-open", id="new", used=11),
    "open_grant_s_06_2": edited("OpenGrant", "g-open", id="new", state="EXPIRED", valid_to=NOW + 1097 * DAY),
    "open_grant_s_06_3": edited("OpenGrant", "g-open", confirmation="NONE"),
    "cross_enterprise_grant_i10_1": edited("CrossEnterpriseGrant", "g-cross", id="new", used=11),
    "cross_enterprise_grant_s_06_2": edited("CrossEnterpriseGrant", "g-cross", valid_to=NOW),
    "cross_enterprise_grant_u_20_3": edited("CrossEnterpriseGrant", "g-cross", confirmation="INTENT"),
    "delegation_u_18_1": edited("Delegation", "delegation", id="new", delegate_id="m-ann"),
    "delegation_u_18_2": edited("Delegation", "delegation", valid_to=NOW),
    "delegation_u_19_3": edited("Delegation", "delegation", id="new", power="PERSONAL_SIGNATURE"),
    "delegation_a_02_4": edited("Delegation", "delegation", id="new", offered_at=0),
    "holder_assignment_a_02_2": edited("HolderAssignment", "holder", id="new", state="REVOKED", assigned_by_id=None),
    "seal_hold_s_13_1": edited("SealHold", "hold", lift_proposed_at=NOW),
    "seal_review_s_02_2": edited("SealReview", "face", state="PASSED"),
    "seal_proposal_s_14_2": edited("SealProposal", "proposal", id="new", state="WITHDRAWN", reason=""),
    "seal_grant_a_11_7": edited("SealGrant", "g-sub", id="new", state="REVOKED", adopts_id="g1"),
    "intent_batch_a_08_1": edited("IntentBatch", "batch", id="new", total=None),
    "intent_batch_item_a_08_2": edited("IntentBatchItem", "item", id="new", task_id="task2", amount=None),
    "intent_batch_item_a_08_3": edited("IntentBatchItem", "item", id="new", task_id="task2", documents_digest=""),
    "seal_outing_a_09_2": edited("SealOuting", "outing", id="new", state="LOST", due_at=NOW),
    "seal_outing_a_09_3": edited("SealOuting", "outing", state="RETURNED", returned_at=NOW),
    "seal_outing_a_09_4": returned(returned_at=NOW - 1),
    "alert_w_05_1": edited("Alert", "alert", id="new", state="ACKNOWLEDGED", acknowledged_at=NOW),
    "denied_attempt_w_05_1": edited("DeniedAttempt", "denied", id="new", within_day=0),
    "seal_use_i16_2": edited("SealUse", "use", id="new", digest="digest-2", state="RESERVED"),
    "seal_use_i16_3": edited("SealUse", "use", id="new", digest="digest-2", sealing_at=NOW - 1),
    "seal_use_i16_4": edited("SealUse", "use", id="new", digest="digest-2", closed_at=NOW, **RESERVED),
    "stamp_report_u_23_1": edited("StampReport", "report", id="new", impressions=-1),
    "use_photo_u_23_2": edited("UsePhoto", "photo", id="new", digest=""),
    "seal_use_i16_5": edited("SealUse", "use", id="new", digest="digest-2", impressions=0),
    "seal_use_request_u_23_3": edited("SealUseRequest", "request", photos_owed=-1),
    "seal_use_request_u_03_1": edited("SealUseRequest", "request", valid_to=NOW),
    "seal_use_request_i10_2": edited("SealUseRequest", "request", id="new", used=6),
    "approval_u_03_2": edited("Approval", "approval", id="new", step=0),
    "signatory_c_02_1": edited("Signatory", "party1", id="new", person_id="ann"),
    "signing_task_c_01_1": edited("SigningTask", "task1", position=0),
}

# The length of a USCC is checked by the check of its digits, before the row is written.
UNREACHED = {"enterprise_i2_2"}


def test_every_constraint_of_a_record_has_its_case() -> None:
    declared = {
        f"{name}": constraint
        for cls in MODEL.records.values()
        for name, constraint in zip(_names_of(cls), shape_of(cls).constraints, strict=True)
    }
    assert {name for name, c in declared.items() if isinstance(c, Unique)} == UNIQUES.keys()
    assert {name for name, c in declared.items() if isinstance(c, Check)} == CHECKS.keys() | UNREACHED


def _names_of(cls: type) -> list[str]:
    from sealauthz.facts.store.tables import table_name

    prefix = table_name(cls.__name__)
    return [f"{prefix}_{c.invariant.lower().replace('-', '_')}_{i}" for i, c in enumerate(shape_of(cls).constraints, 1)]


@pytest.mark.parametrize("constraint", UNIQUES)
def test_a_second_record_where_one_is_allowed_is_a_conflict(standing: Store, constraint: str) -> None:
    error = refused(standing, UNIQUES[constraint])
    assert isinstance(error, FactConflict)
    assert error.invariant == tables_of(MODEL).invariants[constraint]
    columns, says = tables_of(MODEL).said[constraint]
    name = f"`{type(UNIQUES[constraint]).__name__}:{UNIQUES[constraint].id}`"
    said = f"{name} conflicts in {columns} with a record that exists: {says} ({error.invariant})"
    assert str(error) == said


@pytest.mark.parametrize("constraint", CHECKS)
def test_a_record_that_fails_its_check_is_refused(standing: Store, constraint: str) -> None:
    error = refused(standing, CHECKS[constraint])
    assert isinstance(error, InvariantBroken)
    assert error.invariant == tables_of(MODEL).invariants[constraint]
    columns, says = tables_of(MODEL).said[constraint]
    name = f"`{type(CHECKS[constraint]).__name__}:{CHECKS[constraint].id}`"
    assert str(error) == f"{name} breaks a rule in {columns}: {says} ({error.invariant})"


def test_every_rule_says_what_it_wants_and_is_about_columns_that_there_are() -> None:
    for shape in MODEL.shapes.values():
        for rule in shape.rules:
            if isinstance(rule, Urgent):
                assert rule.column in {column.name for column in shape.columns}
                assert rule.words
            elif not isinstance(rule, RelatedTo | ActsFor | RootOwned | OwnedByActs):
                assert re.fullmatch(r"[a-z].*[^.\s]", rule.says), rule
    assert all(columns for columns, _ in tables_of(MODEL).said.values())


def test_a_rule_about_amounts_in_words(standing: Store) -> None:
    assert str(refused(standing, edited("Contract", "c1", currency=""))) == (
        "`Contract:c1` breaks a rule in `amount`, `currency`:"
        " an amount needs its currency, and a currency its amount (U-05)"
    )
    assert str(refused(standing, edited("Contract", "c1", initiator_id="e2"))) == (
        "`Contract:c1` must keep its `initiator_id`: a contract keeps its initiator (C-02)"
    )
    assert str(refused(standing, edited("SealGrant", "g1", used=1))) == (
        "`SealGrant:g1` must not lower `used`: a counter never goes back (I10)"
    )
    assert str(refused(standing, edited("SealGrant", "g1", valid_to=NOW + 2 * DAY))) == (
        "`SealGrant:g1` must not be widened in `valid_to`:"
        " settled terms may shrink and never grow: more takes a new one (S-10)"
    )
    assert str(refused(standing, edited("Enterprise", "e3", uscc="9135"))) == (
        "`Enterprise:e3` is not valid in `uscc`:"
        " a unified social credit code is well-formed; it must have 18 characters (I2)"
    )


KEYS = [
    (cls.__name__, column.name)
    for cls in MODEL.records.values()
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
    "I2 another realm once authenticated": ("I2", [edited("Enterprise", "e1", realm="PRIVATE:X")]),
    "I1 a realm in small letters": ("I1", [edited("Enterprise", "e3", realm="public")]),
    "I1 a realm in full-width letters": ("I1", [edited("Enterprise", "e3", realm="ＰＵＢＬＩＣ")]),
    "I5 the realm of a person with a blank": ("I5", [edited("Person", "ann", id="new", id_hash="n", realm=" PUBLIC")]),
    "I5 a hash that ends in what has no width": ("I5", [edited("Person", "ann", id="new", id_hash="hash-ann\u200b")]),
    "I5 a hash in capital letters": ("I5", [edited("Person", "ann", id="new", id_hash="AB" * 32)]),
    "I5 a verified person who is another one": ("I5", [edited("Person", "ann", same_as_id="bob")]),
    "I5 a person who is the same as themselves": (
        "I5",
        [edited("Person", "ann", realname_state="REVOKED", same_as_id="ann")],
    ),
    "I5 an account of one that is another's": (
        "I5",
        [
            edited("Person", "old", realname_state="REVOKED", same_as_id="out"),
            edited("Person", "out", realname_state="REVOKED", same_as_id="ann"),
        ],
    ),
    "I5 two accounts that name each other": (
        "I5",
        [
            edited("Person", "old", realname_state="REVOKED", same_as_id="out"),
            edited("Person", "out", realname_state="REVOKED", same_as_id="old"),
        ],
    ),
    "I12 a reference with a blank": ("I12", [edited("IdentityVerification", "v1", id="new", provider_ref="ref 9")]),
    "U-11 an issuer in small letters": ("U-11", [edited("Certificate", "cert1", id="new", issuer="ca", serial="1")]),
    "U-11 a serial number with colons": ("U-11", [edited("Certificate", "cert1", id="new", serial="0A:1B")]),
    "U-23 a serial number with a blank": ("U-23", [edited("Device", "device", id="new", serial="D- 1")]),
    "U-05 a currency in small letters": ("U-05", [edited("Contract", "c1", currency="cny")]),
    "U-05 a currency that is none": ("U-05", [edited("AmountBand", "band", currency="YUAN")]),
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
    "I10 a sub-grant's use that its grant does not count": ("I10", [edited("SealGrant", "g-sub", used=1)]),
    "I10 two uses of a sub-grant that its grant counts once": (
        "I10",
        [edited("SealGrant", "g-sub", used=2), edited("SealGrant", "g1", used=3)],
    ),
    "I10 a request's use taken back": ("I10", [edited("SealUseRequest", "request", used=0)]),
    "I11 a revoked seal revived": ("I11", [edited("Seal", "dead", state="ACTIVE")]),
    "I11 a revoked seal destroyed": ("I11", [edited("Seal", "dead", state="DESTROYED")]),
    "S-02 a seal of another kind": ("S-02", [edited("Seal", "s1", kind="OTHER")]),
    "I11 a seal that is a draft again": ("I11", [edited("Seal", "s1", state="DRAFT")]),
    "S-02 the kind of a revoked seal": ("S-02", [edited("Seal", "dead", kind="CONTRACT")]),
    "S-05 a legal representative's seal of another person": ("S-05", [edited("Seal", "rep", legal_rep_id="ann")]),
    "S-05 a legal representative's seal of nobody": ("S-05", [edited("Seal", "rep", legal_rep_id=None)]),
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
    "M-15 a certification decided by one who has no post": (
        "M-15",
        [edited("EnterpriseAuthentication", "auth", state="PASSED", decided_at=NOW, reviewer_id="ann")],
    ),
    "M-15 a certification decided from a post of the support": (
        "M-15",
        [
            edited("PlatformStaff", "support", id="support2", person_id="ann"),
            edited("EnterpriseAuthentication", "auth", state="PASSED", decided_at=NOW, reviewer_id="ann"),
        ],
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
    "SAME_ENTERPRISE an inviter": (
        "SAME_ENTERPRISE",
        [edited("Invitation", "inv", id="new", token_hash="new", inviter_id="e2-m-boss")],
    ),
    "SAME_ENTERPRISE a case": (
        "SAME_ENTERPRISE",
        [edited("EnterpriseAuthentication", "auth", id="new", case_id="case2")],
    ),
    "SAME_ENTERPRISE a fixed seal": ("SAME_ENTERPRISE", [edited("TaskSeal", "fixed", id="new", seal_id="s2")]),
    "C-05 a fixed seal exchanged": ("C-05", [edited("TaskSeal", "fixed", seal_id="s2")]),
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
    "HOME a step moved": ("HOME", [edited("ProcessStep", "step", process_id="other-process")]),
    "HOME a member named for another grant": (
        "HOME",
        [edited("HolderAssignment", "holder", grant_id="g-cross2"), CROSS_2],
    ),
    # What never changes.
    "I3 an ended membership taken up again": (
        "I3",
        [edited("Membership", "m-old", state="ACTIVE", end_reason=None)],
    ),
    "I8 another role in the same assignment": ("I8", [edited("RoleAssignment", "dept-admin", role="SEAL_ADMIN")]),
    "I8 a revoked role given again": ("I8", [edited("RoleAssignment", "was-admin", state="ACTIVE")]),
    "I14 another verdict": ("I14", [edited("Approval", "approval", verdict="REJECTED")]),
    "I14 another step": ("I14", [edited("Approval", "approval", step_id="other-step")]),
    "I16 a use by somebody else": ("I16", [edited("SealUse", "use", person_id="bob")]),
    "I16 a use of another seal": ("I16", [edited("SealUse", "use", seal_id="rep")]),
    "I16 a use on another document": ("I16", [edited("SealUse", "use", digest="digest-2")]),
    "I16 a use at another time": ("I16", [edited("SealUse", "use", used_at=NOW + 1)]),
    "I16 a use under another grant": ("I16", [edited("SealUse", "use", grant_id=None)]),
    "I16 a use for another holder": ("I16", [edited("SealUse", "use", holder_id="e2")]),
    "I16 a use that is reserved again": ("I16", [edited("SealUse", "use", **RESERVED)]),
    "I16 a use that is taken back": ("I16", [edited("SealUse", "use", state="NOT_SEALED")]),
    "I16 another reason of an emergency": ("I16", [edited("EmergencyUse", "emergency", reason="fire")]),
    "I16 another approver of an emergency": (
        "I16",
        [edited("EmergencyUse", "emergency", approved_by_id="e1-m-boss")],
    ),
    "I16 an emergency no longer approved": (
        "I16",
        [edited("EmergencyUse", "emergency", approved_by_id=None, approved_at=0)],
    ),
    "R-13 a case executed at no time": ("R-13", [edited("RetrievalCase", "case", state="EXECUTED")]),
    "I17 a notice to somebody else": ("I17", [edited("NoticeDelivery", "notice", person_id="ann")]),
    "U-14 a consent about somebody else": ("U-14", [edited("PartyConsent", "consent", person_id="ann")]),
    "U-14 a consent by somebody else": ("U-14", [edited("PartyConsent", "consent", given_by_id="ann")]),
    "U-14 a consent to something else": ("U-14", [edited("PartyConsent", "consent", kind="TERMINATION")]),
    "U-17 a resolution about another contract": (
        "U-17",
        [edited("BoardResolution", "resolution", contract_id="c2"), edited("Contract", "c1", id="c2")],
    ),
    "U-17 a resolution of another kind": ("U-17", [edited("BoardResolution", "resolution", kind="SELF_DEALING")]),
    "C-07 a review decided again": ("C-07", [edited("InternalReview", "internal-old", state="REJECTED")]),
    "C-07 a review decided by somebody else": ("C-07", [edited("InternalReview", "internal-old", reviewer_id="ann")]),
    "S-02 a review of another face": ("S-02", [edited("SealReview", "face", face_digest="face-2")]),
    "S-02 a review decided again": ("S-02", [edited("SealReview", "face-old", state="REJECTED")]),
    "S-02 a review opened again": ("S-02", [edited("SealReview", "face-old", state="IN_REVIEW")]),
    "S-14 a proposal to end otherwise": ("S-14", [edited("SealProposal", "proposal", ending="REVOKE")]),
    "S-14 a proposal of somebody else": ("S-14", [edited("SealProposal", "proposal", proposed_by_id="m-cat")]),
    "S-14 another witness": ("S-14", [edited("SealWitness", "witness", membership_id="m-ann")]),
    "A-08 a list of nothing": ("A-08", [edited("IntentBatch", "batch", id="new", total=None, currency="")]),
    "A-08 more than fifty tasks": (
        "A-08",
        [
            record
            for n in range(51)
            for record in (
                edited("Contract", "c1", id=f"c-{n}"),
                edited("Signatory", "party1", id=f"p-{n}", contract_id=f"c-{n}"),
                edited("SigningTask", "task1", id=f"t-{n}", signatory_id=f"p-{n}"),
            )
        ]
        + batch("new", *(IntentBatchItem(f"i-{n}", "new", f"t-{n}", "s1", "digest-1") for n in range(51))),
    ),
    "A-08 a task added to a list that was shown": (
        "A-08",
        [
            edited("Contract", "c1", id="c2"),
            edited("Signatory", "party1", id="p2", contract_id="c2"),
            edited("SigningTask", "task1", id="t2", signatory_id="p2"),
            IntentBatchItem("new", "batch", "t2", "s1", "digest-1"),
        ],
    ),
    "A-08 a list for both sides": (
        "A-08",
        batch(
            "new",
            IntentBatchItem("new-1", "new", "task1", "s1", "digest-1"),
            IntentBatchItem("new-2", "new", "task2", "s1", "digest-1"),
        ),
    ),
    "A-08 a total that is another": (
        "A-08",
        batch("new", edited("IntentBatchItem", "item", id="new", batch_id="new"), total=1, currency="CNY"),
    ),
    "A-08 a total in another currency": (
        "A-08",
        batch("new", edited("IntentBatchItem", "item", id="new", batch_id="new"), total=100_00, currency="USD"),
    ),
    "A-08 a digest of something else": (
        "A-08",
        [
            edited("IntentBatch", "batch", id="new"),
            edited("IntentBatchItem", "item", id="new", batch_id="new", seal_id="s2"),
        ],
    ),
    "A-08 another digest": ("A-08", [edited("IntentBatch", "batch", digest="digest-2")]),
    "A-08 another seal": ("A-08", [edited("IntentBatchItem", "item", seal_id="s2")]),
    "A-11 a grant that goes on for somebody else": (
        "A-11",
        [adopting(id="new", adopts_id="g-auto", membership_id="m-bob")],
    ),
    "A-11 a grant that goes on with another right": ("A-11", [adopting(id="new", adopts_id="g-auto")]),
    "A-11 a grant that goes on for longer": ("A-11", [adopting(valid_to=NOW + 2 * DAY)]),
    "A-11 a grant that goes on beside the other": (
        "A-11",
        [adopting(state="ACTIVE", confirmation="INTENT")],
    ),
    "A-11 more uses than are left": (
        "A-11",
        [
            adopting(
                id="new", adopts_id="g-auto", right="AUTO_SIGN", use_limit=10, state="ACTIVE", confirmation="INTENT"
            ),
            edited("SealGrant", "g-auto", used=1, state="INVALIDATED"),
        ],
    ),
    "A-09 a seal with somebody else": ("A-09", [edited("SealOuting", "outing", holder_id="m-bob")]),
    "A-09 a seal due later": ("A-09", [edited("SealOuting", "outing", due_at=NOW + 2 * DAY)]),
    "A-09 a key carried out": ("A-09", [edited("SealOuting", "outing", id="new", seal_id="s1")]),
    "A-09 lost, and the seal in use": ("A-09", [edited("SealOuting", "outing", state="LOST")]),
    "A-09 taken back by its holder": ("A-09", [returned(received_by_id="m-ann")]),
    "W-05 another alert": ("W-05", [edited("Alert", "alert", kind="ALERT_NEAR_LIMIT")]),
    "W-05 another attempt": ("W-05", [edited("DeniedAttempt", "denied", within_day=2)]),
    "W-06 another leader": ("W-06", [edited("MonitorSubscription", "monitor", leader_id="m-ann")]),
    "W-06 another seal watched": ("W-06", [edited("MonitorSubscription", "monitor", seal_id="rep")]),
    # What only rises.
    "I10 an open grant's use taken back": ("I10", [edited("OpenGrant", "g-open", used=1)]),
    "I10 a holder's use taken back": ("I10", [edited("CrossEnterpriseGrant", "g-cross", used=1)]),
    # Whom and what a right is for, and what it may not become once it was confirmed.
    "S-10 a grant to somebody else": ("S-10", [edited("SealGrant", "g-auto", membership_id="m-cat")]),
    "S-10 a grant of another right": ("S-10", [edited("SealGrant", "g-auto", right="USE")]),
    "S-10 a grant by another role": ("S-10", [edited("SealGrant", "g-auto", grantor_id="e1-admin")]),
    "S-10 a grant no longer passed on": ("S-10", [edited("SealGrant", "g-sub", parent_id=None)]),
    "S-10 a grant for longer": ("S-10", [edited("SealGrant", "g1", valid_to=NOW + 2 * DAY)]),
    "S-10 a grant from earlier on": ("S-10", [edited("SealGrant", "g1", valid_from=NOW - 1)]),
    "S-10 a grant for more uses": ("S-10", [edited("SealGrant", "g1", use_limit=11)]),
    "S-10 a grant for a larger amount": ("S-10", [edited("SealGrant", "g1", amount_max=500_01)]),
    "S-10 a grant in another currency": ("S-10", [edited("SealGrant", "g1", currency="USD")]),
    "S-10 a grant without a limit": ("S-10", [edited("SealGrant", "g1", amount_max=2**63 - 1, currency="")]),
    "S-10 a grant of all contracts": ("S-10", [edited("SealGrant", "g1", scope="ALL_CONTRACTS")]),
    "S-10 a grant that may now be passed on": ("S-10", [edited("SealGrant", "g-auto", may_subgrant=True)]),
    "S-10 a contract type added": ("S-10", [edited("GrantContractType", "type", id="new", contract_type="LEASE")]),
    "S-10 a contract type exchanged": ("S-10", [edited("GrantContractType", "type", contract_type="LEASE")]),
    "S-10 a template added": ("S-10", [edited("GrantTemplate", "template", id="new", template_id="template-2")]),
    "S-10 the last template taken away": ("S-10", [Delete("GrantTemplate", "template")]),
    "S-10 a contract type added to a grant that loses its confirmation": (
        "S-10",
        [
            edited("GrantTemplate", "template", id="new", template_id="template-2"),
            edited("SealGrant", "g-auto", confirmation="NONE", state="PENDING_CONFIRM"),
        ],
    ),
    "S-10 a revoked grant given again": ("S-10", [edited("SealGrant", "g-over", state="ACTIVE")]),
    "S-10 an open grant for longer": ("S-10", [edited("OpenGrant", "g-open", valid_to=NOW + 2 * DAY)]),
    "S-10 an open grant for all": ("S-10", [edited("OpenGrant", "g-open", department_id=None)]),
    "S-10 a template added to an open grant": (
        "S-10",
        [edited("OpenGrantTemplate", "open-template", id="new", template_id="template-2")],
    ),
    "S-10 a grant to another holder": ("S-10", [edited("CrossEnterpriseGrant", "g-cross", holder_id="e3")]),
    "S-10 a holder's grant of all contracts": (
        "S-10",
        [edited("CrossEnterpriseGrant", "g-cross", scope="ALL_CONTRACTS")],
    ),
    "S-10 a contract type added for a holder": (
        "S-10",
        [edited("CrossGrantContractType", "cross-type", id="new", contract_type="LEASE")],
    ),
    "U-15 a document added to a request": ("U-15", [edited("RequestDocument", "request-doc", id="new", digest="x")]),
    "U-15 a document exchanged": ("U-15", [edited("RequestDocument", "request-doc", digest="x")]),
    "U-15 a request for longer": ("U-15", [edited("SealUseRequest", "request", valid_to=NOW + 2 * DAY)]),
    "U-15 a request for more uses": ("U-15", [edited("SealUseRequest", "request", uses=6)]),
    "U-15 a request for another contract": ("U-15", [edited("SealUseRequest", "request", contract_id=None)]),
    "U-15 a request on another process": ("U-15", [edited("SealUseRequest", "request", process_id="other-process")]),
    "U-15 a request out of hours": ("U-15", [edited("SealUseRequest", "request", is_out_of_hours=True)]),
    "U-15 a request to carry the seal out": ("U-15", [edited("SealUseRequest", "request", carries_out=True)]),
    "U-18 a delegation to somebody else": ("U-18", [edited("Delegation", "delegation", delegate_id="m-bob")]),
    "U-18 a delegation over all seals": ("U-18", [edited("Delegation", "delegation", seal_id=None)]),
    "U-18 a delegation for longer": ("U-18", [edited("Delegation", "delegation", valid_to=NOW + 2 * DAY)]),
    "U-18 a delegation of all contracts": ("U-18", [edited("Delegation", "delegation", scope="ALL_CONTRACTS")]),
    "U-18 a contract type added to a delegation": (
        "U-18",
        [edited("DelegationContractType", "delegation-type", id="new", contract_type="LEASE")],
    ),
    # What a right stands on.
    "I7 a member of a holder who has left": (
        "I7",
        [edited("Membership", "m-dan", state="ENDED", ended_at=NOW, end_reason="REMOVED")],
    ),
    "I7 a delegation to a member who has left": (
        "I7",
        [edited("Membership", "m-cat", state="ENDED", ended_at=NOW, end_reason="REMOVED"), SUB_REVOKED],
    ),
    "I7 a delegation by a member who has left": (
        "I7",
        [edited("Delegation", "delegation", id="new", principal_id="m-old")],
    ),
    "I8 an open grant by a revoked role": ("I8", [edited("OpenGrant", "g-open", id="new", grantor_id="was-admin")]),
    "I8 a holder's grant by a revoked role": (
        "I8",
        [edited("CrossEnterpriseGrant", "g-cross", id="new", grantor_id="was-admin")],
    ),
    "I9 an open grant beyond its grantor's term": (
        "I9",
        [edited("OpenGrant", "g-open", id="new", valid_to=NOW + 101 * DAY)],
    ),
    "I9 a sub-grant for longer": ("I9", [sub("new", valid_to=NOW + 2 * DAY)]),
    "I9 a sub-grant from earlier on": ("I9", [sub("new", valid_from=NOW - 1)]),
    "I9 a sub-grant for more uses": ("I9", [sub("new", use_limit=11)]),
    "I9 a sub-grant for a larger amount": ("I9", [sub("new", amount_max=500_01)]),
    "I9 a sub-grant in another currency": ("I9", [sub("new", currency="USD")]),
    "I9 a sub-grant of all contracts": ("I9", [sub("new", scope="ALL_CONTRACTS")]),
    "I9 a sub-grant of another contract type": (
        "I9",
        [sub("new"), edited("GrantContractType", "type", id="new", grant_id="new", contract_type="LEASE")],
    ),
    "I9 a sub-grant of another right": ("I9", [sub("new", right="APPROVE")]),
    "I9 a sub-grant of another seal": ("I9", [sub("new", seal_id="rep")]),
    "I9 a sub-grant of what may not be passed on": (
        "I9",
        [sub("new", parent_id="g-auto", right="AUTO_SIGN", scope="ALL_CONTRACTS")],
    ),
    "I9 a sub-grant of a sub-grant": ("I9", [sub("new", parent_id="g-sub")]),
    "I9 a sub-grant of a revoked grant": ("I9", [sub("new", parent_id="g-over")]),
    "I9 a sub-grant by somebody else": ("I9", [sub("new", grantor_id="e1-admin")]),
    "I9 a sub-grant of which the grant is revoked": ("I9", [edited("SealGrant", "g1", state="REVOKED")]),
    "I9 a sub-grant of which the grant is cut short": ("I9", [edited("SealGrant", "g1", valid_to=NOW + 1)]),
    "I9 a sub-grant of which the grant loses a type": ("I9", [Delete("GrantContractType", "type")]),
    "I9 a sub-grant that keeps no template of its grant": (
        "I9",
        [
            grant("limited", right="AUTO_SIGN"),
            edited("GrantTemplate", "template", id="new", grant_id="limited"),
            sub("new", parent_id="limited", right="AUTO_SIGN"),
        ],
    ),
    "I14 an emergency approved by its user": (
        "I14",
        [edited("EmergencyUse", "emergency", id="new", approved_by_id="m-ann")],
    ),
    "I14 an emergency approved by its user as the legal representative": (
        "I14",
        [edited("EmergencyUse", "emergency", id="new", approved_by_id=None, representative_id="ann")],
    ),
    "I14 a face reviewed by who submitted it": (
        "I14",
        [edited("SealReview", "face", state="PASSED", decided_by_id="m-bob")],
    ),
    "I14 a face reviewed by who submitted it, under an old membership": (
        "I14",
        [
            Membership("m-bob-old", "bob", "e1", "INVITE", NOW, state="ENDED", ended_at=NOW, end_reason="RESIGNED"),
            edited("SealReview", "face", state="PASSED", decided_by_id="m-bob-old"),
        ],
    ),
    "A-01 a seal called off beside a signature by hand": (
        "A-01",
        [
            edited("Contract", "c1", state="SIGNING"),
            SigningTask("hand", "party1", "HANDLER_SIGN", state="SIGNED", handler_id="ann", signed_by_id="ann"),
            edited("SigningTask", "task1", state="VOIDED"),
        ],
    ),
    "I15 a use under the certificate of another enterprise": (
        "I15",
        [edited("SealUse", "use", id="new", digest="digest-2", certificate_id="cert2")],
    ),
    "I15 a use under a grant on another seal": ("I15", [edited("SealUse", "use", id="new", seal_id="rep")]),
    "U-04 a step of another process": (
        "U-04",
        [edited("Approval", "approval", id="new", approver_id="m-cat", step_id="other-step")],
    ),
    "U-04 a step where there is no process": (
        "U-04",
        [
            edited("SealUseRequest", "request", id="new", process_id=None),
            edited("Approval", "approval", id="new", request_id="new"),
        ],
    ),
    "U-20 a seal granted to its owner": (
        "U-20",
        [edited("CrossEnterpriseGrant", "g-cross", id="new", holder_id="e1")],
    ),
    "U-20 a member of the owner named by the holder": (
        "U-20",
        [edited("HolderAssignment", "holder", id="new", membership_id="m-ann")],
    ),
    "U-20 another member of the holder": ("U-20", [edited("HolderAssignment", "holder", membership_id="e2-m-boss")]),
    "U-20 a use for whom nothing was granted": (
        "U-20",
        [edited("SealUse", "use", id="new", digest="digest-2", holder_id="e3")],
    ),
    "U-24 an emergency under a grant for use": ("U-24", [edited("EmergencyUse", "emergency", id="new", grant_id="g1")]),
    "CYCLE a department within itself": ("CYCLE", [edited("Department", "dept1", parent_id="dept1")]),
    "CYCLE two departments within each other": ("CYCLE", [edited("Department", "dept1", parent_id="dept1-sub")]),
    **{
        f"SAME_ENTERPRISE {record_type}.{column}": (
            "SAME_ENTERPRISE",
            [edited(record_type, record_id, **{"id": "new", column: target})],
        )
        for record_type, record_id, column, target in (
            ("Department", "dept1", "parent_id", "dept2"),
            ("Membership", "m-old", "department_id", "dept2"),
            ("RoleAssignment", "was-admin", "department_id", "dept2"),
            ("MonitorSubscription", "monitor", "leader_id", "e2-m-boss"),
            ("MonitorSubscription", "monitor", "seal_id", "s2"),
            ("StepApprover", "by-member", "membership_id", "e2-m-boss"),
            ("BusinessCategory", "sales", "process_id", "process2"),
            ("CategorySeal", "sales-seal", "seal_id", "s2"),
            ("CategoryPermission", "sales-ann", "membership_id", "e2-m-boss"),
            ("Seal", "thing", "device_id", "device2"),
            ("SealGrant", "g-sub", "parent_id", "g2"),
            ("EmergencyUse", "emergency", "approved_by_id", "e2-m-boss"),
            ("OpenGrant", "g-open", "grantor_id", "e2-admin"),
            ("OpenGrant", "g-open", "department_id", "dept2"),
            ("CrossEnterpriseGrant", "g-cross", "grantor_id", "e2-admin"),
            ("Delegation", "delegation", "delegate_id", "e2-m-boss"),
            ("Delegation", "delegation", "seal_id", "s2"),
            ("SealReview", "face-old", "submitted_by_id", "e2-m-boss"),
            ("SealReview", "face-old", "decided_by_id", "e2-m-boss"),
            ("SealWitness", "witness", "membership_id", "e2-m-boss"),
            ("SealUseRequest", "request", "process_id", "process2"),
            ("SealUseRequest", "request", "device_id", "device2"),
            ("Contract", "c1", "category_id", "sales2"),
            ("Signatory", "party1", "category_id", "sales2"),
            ("SealUse", "use", "seal_id", "s2"),
        )
    },
    "SAME_ENTERPRISE a custom role": (
        "SAME_ENTERPRISE",
        [edited("RoleAssignment", "ann-clerk", id="new", membership_id="m-cat", custom_role_id="clerk2")],
    ),
    "SAME_ENTERPRISE the process of a band": (
        "SAME_ENTERPRISE",
        [edited("AmountBand", "band", process_id="process2")],
    ),
    "SAME_ENTERPRISE an acting custodian": (
        "SAME_ENTERPRISE",
        [edited("Seal", "s1", acting_custodian_id="e2-m-boss", acting_from=NOW, acting_to=NOW + DAY)],
    ),
    "SAME_ENTERPRISE a step": (
        "SAME_ENTERPRISE",
        [edited("Approval", "approval", id="new", approver_id="m-cat", step_id="step2")],
    ),
    "SAME_ENTERPRISE a proposal": (
        "SAME_ENTERPRISE",
        [edited("SealProposal", "proposal", id="new", seal_id="rep", proposed_by_id="e2-m-boss")],
    ),
    "SAME_ENTERPRISE who takes a seal back": ("SAME_ENTERPRISE", [returned(received_by_id="e2-m-boss")]),
    "SAME_ENTERPRISE who has a seal outside": (
        "SAME_ENTERPRISE",
        [edited("SealOuting", "outing", id="new", state="LOST", holder_id="m-dan")],
    ),
    "SAME_ENTERPRISE a category of a person": (
        "SAME_ENTERPRISE",
        [edited("Signatory", "party2", category_id="sales")],
    ),
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


# Each time the other side of a rule above.
ALLOWED: list[list[Any]] = [
    # A right may shrink.
    [edited("OpenGrant", "g-open", valid_to=NOW + 10, use_limit=9, used=3)],
    [edited("CrossEnterpriseGrant", "g-cross", valid_from=NOW + 5, used=3)],
    [edited("SealGrant", "g-auto", amount_max=7, currency="CNY", use_limit=9, scope="LISTED_TYPES")],
    [Delete("OpenGrantTemplate", "open-template")],
    # One of two templates less is less; a grant that loses its last one is for documents of any, unless it is new.
    [
        live_grant("new-auto", "AUTO_SIGN"),
        edited("GrantTemplate", "template", id="new-1", grant_id="new-auto"),
        edited("GrantTemplate", "template", id="new-2", grant_id="new-auto", template_id="template-2"),
    ],
    [Delete("GrantTemplate", "new-2")],
    [edited("SealUseRequest", "request", used=2, uses=3, valid_to=NOW + 10, photos_owed=1, code_digest="code")],
    # What nobody has confirmed yet may become anything.
    [edited("SealGrant", "g2", valid_to=NOW + 5 * DAY, scope="LISTED_TYPES", may_subgrant=True)],
    [edited("GrantContractType", "type", id="type2", grant_id="g2")],
    [edited("SealGrant", "g2", scope="ALL_CONTRACTS", valid_to=NOW + 9 * DAY)],
    [edited("SealUseRequest", "request", id="draft", state="DRAFT", used=0)],
    [edited("SealUseRequest", "request", id="draft", state="DRAFT", used=0, uses=9, process_id="other-process")],
    [
        edited(
            "SealUseRequest", "request", id="draft", state="IN_APPROVAL", used=0, uses=9, process_id="other-process"
        ),
        edited("RequestDocument", "request-doc", id="draft-doc", request_id="draft"),
    ],
    [edited("Approval", "approval", id="draft-approval", request_id="draft", step_id="other-step")],
    # A sub-grant just as wide; with what it comes from, it is cut short and ends; used up, that is no reason to end it.
    [sub("sub2", use_limit=10), edited("GrantContractType", "sub-type", id="sub2-type", grant_id="sub2")],
    [edited("SealGrant", "g-sub", used=1), edited("SealGrant", "g1", used=3)],
    [edited("SealGrant", "g1", state="EXHAUSTED", used=10)],
    [
        edited("SealGrant", "g1", state="REVOKED", used=10),
        edited("SealGrant", "g-sub", used=1, state="REVOKED"),
        sub("sub2", use_limit=10, state="INVALIDATED"),
    ],
    # A draft of a seal may become another one.
    [edited("Seal", "s1", id="s-new", state="DRAFT", kind="OFFICIAL")],
    [edited("Seal", "s1", id="s-new", state="DRAFT", kind="OTHER")],
    [edited("Seal", "s1", id="s-new", state="PENDING_REVIEW", kind="OTHER")],
    # What waits is decided once.
    [edited("SealReview", "face", state="PASSED", decided_by_id="m-cat", decided_at=NOW)],
    [edited("InternalReview", "internal", state="REJECTED", reviewer_id="bob", decided_at=NOW)],
    [edited("SealProposal", "proposal", state="CARRIED_OUT")],
    # A post that has ended decided what it decided.
    [edited("EnterpriseAuthentication", "auth", state="PASSED", decided_at=NOW, reviewer_id="bob")],
    # A successor goes on with a grant: the old one ends in the write in which the new one begins.
    [adopting(state="ACTIVE", confirmation="INTENT"), edited("SealGrant", "g-emergency", state="INVALIDATED")],
    # An item of a list is used up.
    [edited("IntentBatchItem", "item", used_at=NOW)],
    # A seal comes back, goes out again, and is lost.
    [returned()],
    [edited("SealOuting", "outing", id="outing2", holder_id="m-bob")],
    [
        edited("Seal", "thing", state="LOST"),
        edited("SealOuting", "outing", id="outing2", holder_id="m-bob", state="LOST"),
    ],
    [edited("EmergencyUse", "emergency", id="waits", approved_by_id=None, approved_at=0)],
    [edited("EmergencyUse", "emergency", id="waits", approved_by_id="m-cat", approved_at=NOW)],
    [edited("NoticeDelivery", "notice", state="FAILED")],
    [edited("SealUse", "use", id="use2", digest="digest-2", grant_id=None, holder_id="e2")],
    [edited("HolderAssignment", "holder", state="REVOKED")],
    [edited("HolderAssignment", "holder", id="holder2")],
    [edited("Department", "dept1-sub", parent_id=None), edited("Department", "dept1", parent_id="dept1-sub")],
    [
        edited("Delegation", "delegation", state="LAPSED"),
        edited("HolderAssignment", "holder", id="holder2", state="REVOKED"),
    ],
    # Nothing that stands is carried any more.
    [
        edited("Membership", "m-cat", state="ENDED", ended_at=NOW, end_reason="REMOVED"),
        edited("Membership", "m-dan", state="ENDED", ended_at=NOW, end_reason="REMOVED"),
        edited("SealGrant", "g2", scope="ALL_CONTRACTS", valid_to=NOW + 9 * DAY, state="INVALIDATED"),
    ],
]


def test_the_other_side_of_each_rule_is_written(store: Store) -> None:
    write(store, *scene())
    for number, changes in enumerate(ALLOWED, 2):
        keys = [(type(c).__name__, c.id) for c in changes if not isinstance(c, Delete)]
        stored = {key: store.read(key[0], {"id": key[1]}).records for key in keys}
        at = PreconditionKind.AT_REVISION
        read = tuple(Precondition(*key, at, found[0].revision) for key, found in stored.items() if found)
        assert write(store, *changes, preconditions=read).revision == number


def test_permanent_records_are_never_deleted(standing: Store) -> None:
    for (record_type, record_id), _ in BASE.items():
        if MODEL.shapes[record_type].is_permanent:
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
    before = rows_at_first(standing)
    with pytest.raises(InvalidRequest) as caught:
        write(standing, record)
    assert [violation.field for violation in caught.value.violations] == [path]
    assert all_rows(standing) == before
