"""Facts that cannot be true are refused: decided records that go back, and masked texts that are written back."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import pytest
from facts_scene import NOW, PHONE, edited, person, scene, write

from sealauthz.facts import Part, Store
from sealauthz.facts.store.invariants import check_edit
from sealauthz.model import MODEL
from sealauthz.model.masking import mask_name, mask_phone
from sealauthz.runtime.errors import InvalidRequest, InvariantBroken
from sealauthz.schema import Change, shape_of
from sealauthz.schema.record import mask_all
from sealauthz.schema.rules import Life

STATES = [(name, life) for name, shape in MODEL.shapes.items() for life in shape.rules_of(Life)]


def words(record_type: str, life: Life) -> set[str]:
    return set(MODEL.shapes[record_type].column(life.column).words or ())


def test_every_state_of_every_record_has_a_life() -> None:
    with_states = {
        (name, column.name)
        for name, cls in MODEL.records.items()
        for column in shape_of(cls).columns
        if column.name == "state" or column.name.endswith("_state")
    }
    assert with_states == {(record_type, life.column) for record_type, life in STATES}


@pytest.mark.parametrize(("record_type", "life"), STATES, ids=[f"{name}.{life.column}" for name, life in STATES])
def test_a_life_names_exactly_the_words_of_its_column_and_has_no_cycle(record_type: str, life: Life) -> None:
    named = {*life.forward, *life.back}
    named |= {word for steps in (life.forward, life.back) for some in steps.values() for word in some}
    assert named == words(record_type, life)
    for word in named:
        assert not life.is_before(word, word)
        for before in life.back.get(word, ()):
            assert not life.is_before(word, before), "this is a step forward"


def check_edited(change: Change) -> None:
    check_edit(change, MODEL.shapes[change.record_type])


def is_masked(column: str, text: str) -> bool:
    """Whether a text of a person's column counts as masked."""
    personal = MODEL.shapes["Person"].column(column).personal
    return personal is not None and personal.is_masked(text)


FINAL = {
    "Alert": "ACKNOWLEDGED",
    "AuthLetter": "REJECTED WITHDRAWN",
    "BoardResolution": "WITHDRAWN",
    "BusinessCategory": "DELETED",
    "Certificate": "REVOKED",
    "Contract": "DELETED",
    "CrossEnterpriseGrant": "EXPIRED INVALIDATED REVOKED",
    "Delegation": "EXPIRED LAPSED REVOKED",
    "Device": "RETIRED",
    "EnterpriseAuthentication": "EXPIRED REJECTED",
    "HolderAssignment": "REVOKED",
    "IdentityVerification": "CONSUMED EXPIRED FAILED",
    "InternalReview": "PASSED REJECTED SIGN_REJECTED",
    "Invitation": "ACCEPTED CANCELLED DECLINED EXPIRED",
    "JoinApplication": "APPROVED CANCELLED EXPIRED REJECTED SUPERSEDED WITHDRAWN",
    "Membership": "ENDED",
    "MonitorSubscription": "ENDED",
    "NoticeDelivery": "ACCEPTED FAILED",
    "Objection": "DISMISSED UPHELD",
    "OpenGrant": "EXPIRED INVALIDATED REVOKED",
    "RetrievalAppeal": "DISMISSED UPHELD",
    "RetrievalCase": "EXPIRED REJECTED_FINAL RESOLVED_BY_ADMIN REVERSED SUPERSEDED WITHDRAWN",
    "RoleAssignment": "EXPIRED REVOKED",
    "RuleChange": "CARRIED_OUT WITHDRAWN",
    "Seal": "DESTROYED REVOKED",
    "SealGrant": "EXPIRED INVALIDATED REVOKED",
    "SealOuting": "LOST RETURNED",
    "SealProposal": "CARRIED_OUT WITHDRAWN",
    "SealReview": "PASSED REJECTED",
    "SealUse": "NOT_SEALED SEALED",
    "SealUseRequest": "COMPLETED EXPIRED FINISHED VOIDED WITHDRAWN",
    "SigningTask": "EXPIRED REJECTED SIGNED TRANSFERRED VOIDED",
    "StampReport": "COMPARED",
}


def test_the_final_states_are_pinned() -> None:
    found = {
        record_type: " ".join(sorted(word for word in words(record_type, life) if not life.reachable(word)))
        for record_type, life in STATES
        if life.column == "state"
    }
    assert {record_type: some for record_type, some in found.items() if some} == FINAL


LEGAL = """
RetrievalCase: DRAFT>APPROVED DRAFT>EXECUTED REJECTED>CERTIFYING NOTICE>OBJECTED OBJECTED>NOTICE OBJECTED>APPROVED
RetrievalCase: OBJECTED>REJECTED_FINAL EXECUTED>UNDER_APPEAL UNDER_APPEAL>REVERSED UNDER_APPEAL>EXECUTED
RetrievalCase: NOTICE>RESOLVED_BY_ADMIN DRAFT>WITHDRAWN REJECTED>EXPIRED APPROVED>WITHDRAWN CERTIFYING>NOTICE
Seal: ACTIVE>DISABLED DISABLED>ACTIVE ACTIVE>LOST COLLECTED>LOST LOST>DISABLED EXPIRED>ACTIVE COLLECTED>DESTROYED
Seal: REVIEW_REJECTED>PENDING_REVIEW DRAFT>ACTIVE LOST>REVOKED EXPIRED>REVOKED
Membership: ACTIVE>SUSPENDED SUSPENDED>ACTIVE ACTIVE>ENDED
SealUseRequest: IN_APPROVAL>DRAFT APPROVED>DRAFT REJECTED>DRAFT DRAFT>APPROVED IN_USE>COMPLETED APPROVED>VOIDED
SealGrant: ACTIVE>EXHAUSTED EXHAUSTED>REVOKED PENDING_CONFIRM>ACTIVE PENDING_CONFIRM>REVOKED ACTIVE>INVALIDATED
Certificate: ACTIVE>SUSPENDED SUSPENDED>ACTIVE ACTIVE>REVOKED EXPIRED>REVOKED
Contract: COMPLETE>TERMINATING TERMINATING>TERMINATED TERMINATING>COMPLETE DRAFT>SIGNING SIGNING>FORCE_FINISHED
SigningTask: WAITING>SIGNED IN_PROGRESS>PENDING PENDING>TRANSFERRED
SealHold: PLACED>RELEASED RELEASED>PLACED
"""

REFUSED = """
RetrievalCase: EXECUTED>DRAFT EXECUTED>APPROVED REVERSED>EXECUTED REJECTED>APPROVED REJECTED_FINAL>CERTIFYING
RetrievalCase: WITHDRAWN>NOTICE APPROVED>OBJECTED NOTICE>REJECTED EXECUTED>WITHDRAWN UNDER_APPEAL>APPROVED
Seal: LOST>ACTIVE REVOKED>ACTIVE DESTROYED>COLLECTED ACTIVE>DRAFT EXPIRED>LOST REVIEW_REJECTED>ACTIVE
Membership: ENDED>ACTIVE
SealUseRequest: REJECTED>APPROVED COMPLETED>IN_USE VOIDED>DRAFT IN_USE>APPROVED IN_USE>DRAFT EXPIRED>APPROVED
SealGrant: EXHAUSTED>ACTIVE REVOKED>ACTIVE EXPIRED>ACTIVE ACTIVE>PENDING_CONFIRM INVALIDATED>EXHAUSTED
Certificate: REVOKED>ACTIVE EXPIRED>ACTIVE
Contract: COMPLETE>SIGNING TERMINATED>COMPLETE SIGNING>DRAFT RECALLED>SIGNING EXPIRED>SIGNING
SigningTask: SIGNED>PENDING REJECTED>PENDING VOIDED>IN_PROGRESS PENDING>WAITING
JoinApplication: REJECTED>APPROVED APPROVED>PENDING WITHDRAWN>APPROVED
Objection: DISMISSED>OPEN UPHELD>DISMISSED
IdentityVerification: FAILED>PASSED EXPIRED>PASSED CONSUMED>PASSED
Invitation: ACCEPTED>OPEN EXPIRED>OPEN
InternalReview: SIGN_REJECTED>PASSED
AuthLetter: REJECTED>VERIFIED VERIFIED>DELIVERED WITHDRAWN>VERIFIED
RuleChange: WITHDRAWN>CONFIRMED CARRIED_OUT>PROPOSED
EnterpriseAuthentication: REJECTED>PASSED
"""


def steps(text: str) -> list[tuple[str, str, str]]:
    found = []
    for line in text.strip().splitlines():
        record_type, pairs = line.split(": ")
        found += [(record_type, *pair.split(">")) for pair in pairs.split()]
    return found  # type: ignore[return-value]


def moved(record_type: str, before: str, after: str) -> Change:
    record = next(record for record in scene() if type(record).__name__ == record_type)
    sides = [dataclasses.replace(record, state=state) for state in (before, after)]
    return Change(record_type, record.id, *sides)


@pytest.mark.parametrize(("record_type", "before", "after"), steps(LEGAL))
def test_a_step_that_the_life_knows_is_taken(record_type: str, before: str, after: str) -> None:
    check_edited(moved(record_type, before, after))


@pytest.mark.parametrize(("record_type", "before", "after"), steps(REFUSED))
def test_a_step_that_the_life_does_not_know_is_refused(record_type: str, before: str, after: str) -> None:
    with pytest.raises(InvariantBroken, match=f"is {before}.* {after}"):
        check_edited(moved(record_type, before, after))


def test_an_error_says_what_is_wrong_and_what_would_be_right() -> None:
    with pytest.raises(InvariantBroken) as caught:
        check_edited(moved("RetrievalCase", "EXECUTED", "DRAFT"))
    assert str(caught.value) == (
        "`RetrievalCase:case` is EXECUTED in `state` and cannot go back to DRAFT in one write;"
        " it may become REVERSED, UNDER_APPEAL (LIFE)"
    )
    with pytest.raises(InvariantBroken) as caught:
        check_edited(moved("SigningTask", "SIGNED", "PENDING"))
    assert str(caught.value) == (
        "`SigningTask:task1` is SIGNED in `state`, which is final, and cannot become PENDING (LIFE)"
    )


@pytest.fixture(params=["write", "import"])
def way(request: pytest.FixtureRequest, store: Store) -> Any:
    """A way in which records come into the store."""
    write(store, *scene())

    def send(*records: Any) -> None:
        if request.param == "write":
            write(store, *records)
        else:
            part = Part(uuid.uuid4().hex, frozenset({"e1", "e2"}), 1, is_last=True)
            store.import_part("test", part, records)

    return send


# Each is first brought into the state before the arrow.
DECIDED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "RetrievalCase:case": (
        {"state": "EXECUTED", "executed_at": NOW},
        {"state": "DRAFT", "applicant_id": "ann", "executed_at": 0, "opened_at": NOW + 1},
    ),
    "SigningTask:task2": (
        {"state": "SIGNED", "signed_by_id": "out"},
        {"state": "PENDING", "signed_by_id": None},
    ),
    "Contract:c1": ({"state": "COMPLETE"}, {"state": "SIGNING"}),
    "Seal:s1": ({"state": "LOST"}, {"state": "ACTIVE"}),
    "JoinApplication:app": (
        {"state": "APPROVED", "decided_by_id": "e1-boss", "decided_at": NOW},
        {"state": "PENDING", "person_id": "ann", "decided_by_id": "bob", "decided_at": NOW + 1},
    ),
    "Objection:objection": ({"state": "DISMISSED"}, {"state": "OPEN", "person_id": "ann"}),
    "RetrievalReview:review": ({}, {"verdict": "REJECTED", "decided_at": NOW + 1, "attempt": 2}),
    "SealHold:hold": ({}, {"source": "JUDICIAL", "placed_by_id": None, "placed_at": NOW + 1}),
    "IdentityVerification:v1": ({"state": "PASSED", "passed_at": NOW}, {"state": "STARTED", "passed_at": NOW + 1}),
    "Invitation:inv": ({"state": "ACCEPTED"}, {"state": "OPEN", "target_id": "ann", "token_hash": "x"}),
    "EnterpriseAuthentication:auth": (
        {"state": "PASSED", "decided_at": NOW},
        {"state": "SUBMITTED", "applicant_id": "ann", "decided_at": NOW + 1},
    ),
}


def test_what_is_decided_stays_in_every_way_of_writing(way: Any) -> None:
    for key, (before, afters) in DECIDED.items():
        name = key.split(":")
        if before:
            way(edited(*name, **before))
        for column, value in afters.items():
            with pytest.raises(InvariantBroken, match=key):
                way(edited(*name, **{**before, column: value}))


MASKED = {
    "phone": ["138****1569", "138＊＊＊＊1569", "*", mask_phone(PHONE)],
    "real_name": ["陈*", "欧阳*", "A****", "＊＊", mask_name("张伟测试")],
    "id_last4": ["****", "0*2X"],
}


FREE_TEXTS = (
    ("JoinApplication", "app", "reason"),
    ("Objection", "objection", "ground"),
    ("RetrievalCase", "case", "reason_text"),
)


def test_a_masked_text_is_refused_and_its_field_named(way: Any) -> None:
    for column, text in ((column, text) for column, texts in MASKED.items() for text in texts):
        with pytest.raises(InvalidRequest) as caught:
            way(person("ann", **{column: text}))
        (violation,) = caught.value.violations
        assert violation.field == f"changes[0].{column}"
        assert violation.description == "is masked, as it is read; write the true value, or nothing"


def test_a_free_text_may_have_stars_but_not_be_all_stars(way: Any) -> None:
    for record_type, record_id, column in FREE_TEXTS:
        way(edited(record_type, record_id, **{column: "5* service, see *note*"}))
        with pytest.raises(InvalidRequest, match="masked"):
            way(edited(record_type, record_id, **{column: mask_all("不同意")}))
        way(edited(record_type, record_id, **{column: ""}))


def test_what_is_read_masked_is_known_as_masked() -> None:
    for name in ("陈小明", "欧阳锋", "Alice", "1", "陈"):
        assert is_masked("real_name", mask_name(name))
        assert not is_masked("real_name", name)
    for phone in (PHONE, "+44 20 7946 0958", "12", "0086" + PHONE):
        assert is_masked("phone", mask_phone(phone))
        assert not is_masked("phone", phone)
    for column in ("phone", "real_name", "id_last4"):
        assert not is_masked(column, "")
