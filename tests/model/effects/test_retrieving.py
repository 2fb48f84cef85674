"""Taking an enterprise back, carried out: the founding story from the signing link to the new administrator, and what
can happen on the way.
"""

from __future__ import annotations

from typing import Any

import pytest
from harness import DAY, HOUR, MINUTE, NewWorld, World

from sealauthz.model.effects.enterprises import DecideCertificationArguments
from sealauthz.model.effects.retrieval import (
    Finding,
    FindingArguments,
    ObjectArguments,
    RetrieveArguments,
    ReviewArguments,
)
from sealauthz.model.effects.rule_terms import rules_digest
from sealauthz.model.records.identity import IdentityVerification, Person, PlatformStaff
from sealauthz.model.records.organisation import RegistrySnapshot
from sealauthz.model.records.retrieval import NoticeDelivery, RetrievalPath, ReviewVerdict
from sealauthz.runtime.errors import InvalidRequest

DOCUMENTS, ONLINE = RetrievalPath.DOCUMENTS, RetrievalPath.LEGAL_REP_ONLINE
PASSED, REJECTED = ReviewVerdict.PASSED, ReviewVerdict.REJECTED


def face(here: World, person: str, case: str, check: str, action: str, **context: str) -> str:
    """A face check of somebody for an act on a case, passed just now."""
    here.write(
        IdentityVerification(
            check,
            person,
            "FACE",
            "RETRIEVE",
            f"provider-{check}",
            bound_type="RetrievalCase",
            bound_id=case,
            bound_digest=here.intent_digest(person, action, f"RetrievalCase:{case}", **context),
            state="PASSED",
            passed_at=here.now,
        )
    )
    return check


def registry(here: World, snapshot: str, legal_rep: str | None = "boss", status: str = "EXISTING") -> None:
    """The registry was asked again."""
    current = [each for each in here.get("Enterprise", "e").registry_snapshots if each.is_current]
    here.change(*(("RegistrySnapshot", each.id, {"is_current": False}) for each in current))
    here.write(RegistrySnapshot(snapshot, "e", status, here.now, legal_rep, is_matched=True))


def deliver(here: World, case: str, **states: str) -> None:
    """What became of what the platform wrote to somebody, a minute later."""
    here.now += MINUTE
    here.write(*(NoticeDelivery(f"n-{case}-{who}", case, who, "SMS", here.now, state) for who, state in states.items()))


def opened(here: World, person: str = "outsider", path: RetrievalPath = DOCUMENTS) -> str:
    said = RetrieveArguments(path, "nobody answers")
    return str(here.perform(person, "retrieve", "Enterprise:e", said, reason="ADMIN_UNREACHABLE").values["case_id"])


def reviewed(here: World, case: str) -> None:
    for reviewer in ("reviewer", "reviewer2"):
        here.perform(reviewer, "review", f"RetrievalCase:{case}", ReviewArguments(PASSED))


def in_notice(here: World, *others: str) -> str:
    """A case of outsider by documents, whose notice runs; `others` are officers beside those of the fixture."""
    case = opened(here)
    here.perform("outsider", "certify", f"RetrievalCase:{case}", method="DOCUMENTS")
    here.perform(
        "outsider", "submit", f"RetrievalCase:{case}", verification=face(here, "outsider", case, "v-in", "submit")
    )
    reviewed(here, case)
    deliver(here, case, **dict.fromkeys(("admin", "keeper", "boss", *others), "ACCEPTED"))
    here.perform("reviewer", "publish_notice", f"RetrievalCase:{case}")
    return case


def executed(here: World, *others: str) -> str:
    """The same, executed."""
    case = in_notice(here, *others)
    here.now += 72 * HOUR
    registry(here, "reg-later")
    here.perform(
        "outsider", "execute", f"RetrievalCase:{case}", verification=face(here, "outsider", case, "v-out", "execute")
    )
    return case


def test_an_enterprise_whose_administrator_answers_nothing_is_joined_and_retrieved(world: NewWorld) -> None:
    here = world()
    application = str(here.perform("outsider", "join", "Enterprise:e").values["application_id"])
    for _ in range(3):
        assert here.codes("outsider", "retrieve", "Enterprise:e", reason="ADMIN_UNREACHABLE") != []
        here.now += 24 * HOUR
        here.change(("Person", "admin", {"last_active_at": here.now}))
        here.perform("outsider", "remind", f"JoinApplication:{application}")
    here.now += 3 * DAY
    here.change(("Person", "admin", {"last_active_at": here.now}))
    case = opened(here)
    resource = f"RetrievalCase:{case}"
    assert here.codes("outsider", "open", "SigningTask:t") == ["RETRIEVAL_NOT_EXECUTED"]
    assert "CERTIFICATION_REQUIRED" in here.codes("outsider", "submit", resource)
    here.perform("outsider", "certify", resource, method="DOCUMENTS")
    registry(here, "reg-1")
    here.perform("outsider", "submit", resource, verification=face(here, "outsider", case, "v-1", "submit"))
    assert here.get("IdentityVerification", "v-1").state == "CONSUMED"
    here.perform("reviewer", "review", resource, ReviewArguments(PASSED))
    assert here.codes("reviewer", "review", resource) == ["ALREADY_REVIEWED"]
    here.perform("reviewer2", "review", resource, ReviewArguments(PASSED))
    assert here.get("RetrievalCase", case).state == "NOTICE"
    assert [each.state for each in here.get("RetrievalCase", case).certifications] == ["PASSED"]
    assert here.events[-1].code == "RETRIEVAL_NOTICE_WANTED"
    assert set(here.events[-1].recipients) == {"admin", "keeper", "boss"}
    # The administrator is gone for good: what was sent there came back, and a public notice stands in.
    assert here.codes("reviewer", "publish_notice", resource) == ["NOTICE_NOT_GIVEN"]
    deliver(here, case, admin="FAILED", keeper="ACCEPTED", boss="ACCEPTED")
    assert "NOTICE_NOT_GIVEN" in here.codes("outsider", "execute", resource)
    here.perform("reviewer", "publish_notice", resource)
    assert here.get("RetrievalCase", case).published_at == here.now
    assert here.codes("reviewer", "publish_notice", resource) == ["NOTICE_ALREADY_RUNNING"]
    here.now += 72 * HOUR
    registry(here, "reg-2")
    check = face(here, "outsider", case, "v-2", "execute")
    taken = here.perform("outsider", "execute", resource, verification=check)
    membership = here.get("Membership", str(taken.values["membership_id"]))
    assert (membership.person_id, membership.state, membership.joined_via) == ("outsider", "ACTIVE", "RETRIEVAL")
    assert (here.get("RoleAssignment", "r-admin").state, here.get("Membership", "m-admin").state) == (
        "REVOKED",
        "ACTIVE",
    )
    assert here.get("JoinApplication", application).state == "SUPERSEDED"
    assert here.get("RetrievalCase", case).state == "EXECUTED"
    assert here.ask("outsider", "open", "SigningTask:t")
    assert here.codes("outsider", "assign_role", "Membership:m-plain", role="SEAL_ADMIN") == ["COOLING_OFF"]
    assert "NOT_ENTERPRISE_ADMIN" in here.codes("admin", "invite", "Enterprise:e")
    here.now += 24 * HOUR
    assert here.ask("outsider", "assign_role", "Membership:m-plain", role="SEAL_ADMIN")


def test_the_legal_representative_retrieves_over_another_case_and_the_short_notice(world: NewWorld) -> None:
    here = world("the administrator is away")
    other = opened(here)
    case = opened(here, "boss", ONLINE)
    resource = f"RetrievalCase:{case}"
    assert here.get("RetrievalCase", other).state == "SUPERSEDED"
    assert "CERTIFICATION_REQUIRED" in here.codes("boss", "certify", resource, method="DOCUMENTS")
    here.perform("boss", "certify", resource, method="LEGAL_REP_ONLINE")
    here.perform("boss", "submit", resource, verification=face(here, "boss", case, "v-boss-1", "submit"))
    assert [each.state for each in here.get("RetrievalCase", case).certifications] == ["PASSED"]
    deliver(here, case, admin="ACCEPTED", keeper="ACCEPTED")
    here.perform("reviewer", "publish_notice", resource)
    assert here.get("RetrievalCase", case).published_at == 0
    here.perform("admin", "object", resource, verification=face(here, "admin", case, "v-admin-1", "object"))
    here.now += 24 * HOUR
    registry(here, "reg-1")
    here.perform("boss", "execute", resource, verification=face(here, "boss", case, "v-boss-2", "execute"))
    assert here.ask("boss", "invite", "Enterprise:e")
    assert here.get("RoleAssignment", "r-admin").state == "REVOKED"


def test_a_case_that_its_applicant_let_lie_has_expired_with_the_next(world: NewWorld) -> None:
    here = world("the administrator is away")
    first = opened(here)
    here.now += 25 * HOUR
    second = opened(here)
    assert [here.get("RetrievalCase", each).state for each in (first, second)] == ["EXPIRED", "DRAFT"]


def test_a_rejected_case_is_certified_again_as_its_next_attempt(world: NewWorld) -> None:
    here = world("the administrator is away")
    case = opened(here)
    resource = f"RetrievalCase:{case}"
    here.perform("outsider", "certify", resource, method="DOCUMENTS")
    here.perform("outsider", "submit", resource, verification=face(here, "outsider", case, "v-1", "submit"))
    here.perform("reviewer", "review", resource, ReviewArguments(REJECTED))
    assert here.get("RetrievalCase", case).state == "REJECTED"
    assert "CERTIFICATION_REQUIRED" in here.codes("outsider", "submit", resource)
    here.perform("outsider", "certify", resource, method="AUTH_LETTER")
    again = here.get("RetrievalCase", case)
    assert (again.state, again.attempt) == ("CERTIFYING", 2)
    assert sorted((each.attempt, str(each.state)) for each in again.certifications) == [
        (1, "REJECTED"),
        (2, "SUBMITTED"),
    ]
    here.perform("outsider", "submit", resource, verification=face(here, "outsider", case, "v-2", "submit"))
    reviewed(here, case)
    assert here.get("RetrievalCase", case).state == "NOTICE"


def test_evidence_is_taken_back_until_it_is_handed_in(world: NewWorld) -> None:
    here = world("the administrator is away")
    case = opened(here)
    resource = f"RetrievalCase:{case}"
    given = [
        str(here.perform("outsider", "certify", resource, method="DOCUMENTS").values["certification_id"])
        for _ in range(2)
    ]
    assert [here.get("EnterpriseAuthentication", each).state for each in given] == ["EXPIRED", "SUBMITTED"]
    here.perform("outsider", "withdraw", f"EnterpriseAuthentication:{given[1]}")
    assert "CERTIFICATION_REQUIRED" in here.codes("outsider", "submit", resource)
    last = str(here.perform("outsider", "certify", resource, method="DOCUMENTS").values["certification_id"])
    here.perform("outsider", "submit", resource, verification=face(here, "outsider", case, "v-1", "submit"))
    assert here.codes("outsider", "withdraw", f"EnterpriseAuthentication:{last}") == ["REVIEW_PENDING"]


def test_what_is_listed_as_abnormal_takes_a_third_reviewer_and_a_payment(world: NewWorld) -> None:
    here = world("the administrator is away", change={"RegistrySnapshot": {"reg-e": {"status": "ABNORMAL"}}})
    here.write(
        Person("reviewer3", realname_state="VERIFIED", id_hash="hash-reviewer3"),
        PlatformStaff("staff-3", "reviewer3", "REVIEWER"),
    )
    case = opened(here)
    resource = f"RetrievalCase:{case}"
    here.perform("outsider", "certify", resource, method="DOCUMENTS")
    payment = str(here.perform("outsider", "certify", resource, method="BANK_TRANSFER").values["certification_id"])
    here.perform("outsider", "submit", resource, verification=face(here, "outsider", case, "v-1", "submit"))
    reviewed(here, case)
    assert here.get("RetrievalCase", case).state == "IN_REVIEW"
    here.perform("reviewer3", "review", resource, ReviewArguments(PASSED))
    assert here.get("RetrievalCase", case).state == "NOTICE"
    assert "CORPORATE_PAYMENT_REQUIRED" in here.codes("outsider", "execute", resource)
    arguments = DecideCertificationArguments(PASSED)
    here.perform("reviewer", "decide", f"EnterpriseAuthentication:{payment}", arguments)
    assert "CORPORATE_PAYMENT_REQUIRED" not in here.codes("outsider", "execute", resource)


def test_a_case_is_given_up(world: NewWorld) -> None:
    here = world("the administrator is away")
    case = opened(here)
    here.perform("outsider", "withdraw", f"RetrievalCase:{case}")
    assert "CASE_OVER" in here.codes("outsider", "withdraw", f"RetrievalCase:{case}")
    opened(here)


def staff(here: World, *reviewers: str) -> None:
    for each in reviewers:
        here.write(
            Person(each, realname_state="VERIFIED", id_hash=f"hash-{each}"),
            PlatformStaff(f"staff-of-{each}", each, "REVIEWER"),
        )


def test_an_objection_stops_a_case_until_two_dismiss_it(world: NewWorld) -> None:
    here = world("the administrator is away")
    staff(here, "third", "fourth")
    case = in_notice(here)
    resource = f"RetrievalCase:{case}"
    here.now += HOUR
    said = ObjectArguments("I am here")
    digest = rules_digest("object", "RetrievalCase", case, said)
    check = face(here, "admin", case, "v-admin-1", "object", digest=digest)
    shown = {"verification": check, "digest": digest}
    objection = str(here.perform("admin", "object", resource, said, **shown).values["objection_id"])
    assert "OBJECTION_OPEN" in here.codes("outsider", "execute", resource)
    assert here.codes("reviewer", "adjudicate", resource) == ["REVIEWER_CONFLICT"]
    here.perform("third", "adjudicate", resource, FindingArguments(Finding.DISMISSED))
    assert (here.get("Objection", objection).state, here.get("RetrievalCase", case).state) == ("OPEN", "OBJECTED")
    here.perform("fourth", "adjudicate", resource, FindingArguments(Finding.DISMISSED))
    assert (here.get("Objection", objection).state, here.get("RetrievalCase", case).state) == ("DISMISSED", "NOTICE")
    here.now += 72 * HOUR
    registry(here, "reg-1")
    here.perform("outsider", "execute", resource, verification=face(here, "outsider", case, "v-out", "execute"))


def test_an_objection_that_is_upheld_ends_the_case(world: NewWorld) -> None:
    here = world("the administrator is away")
    staff(here, "third")
    case = in_notice(here)
    resource = f"RetrievalCase:{case}"
    here.perform("admin", "object", resource, verification=face(here, "admin", case, "v-admin-1", "object"))
    here.perform("third", "adjudicate", resource, FindingArguments(Finding.UPHELD))
    assert here.get("RetrievalCase", case).state == "REJECTED_FINAL"
    assert "CASE_OVER" in here.codes("outsider", "execute", resource)
    assert here.codes("outsider", "retrieve", "Enterprise:e", reason="ADMIN_RESIGNED") == ["OBJECTION_UPHELD"]
    here.now += 30 * 24 * HOUR
    assert "OBJECTION_UPHELD" not in here.codes("outsider", "retrieve", "Enterprise:e", reason="ADMIN_RESIGNED")


def rights(here: World) -> list[str]:
    return [str(here.get("SealGrant", each).state) for each in ("g-user", "g-admins", "g-sub")]


@pytest.fixture
def admin_of_seals(world: NewWorld) -> World:
    """The administrator runs the seals too, gave grants, one of which was passed on, and delegates; seals are held."""
    return world(
        "the administrator is away",
        "the administrator is a seal administrator too",
        put={
            "RoleAssignment": {"r-plain": {"membership_id": "m-plain", "role": "CONTRACT_ADMIN"}},
            "SealGrant": {
                "g-admins": {
                    "membership_id": "m-plain",
                    "grantor_id": "r-admin-seals",
                    "may_subgrant": True,
                    "confirmed_by_id": "admin",
                },
                "g-sub": {
                    "membership_id": "m-approver",
                    "grantor_id": "r-plain",
                    "parent_id": "g-admins",
                    "confirmed_by_id": "plain",
                },
            },
            "Delegation": {
                "del": {
                    "principal_id": "m-admin",
                    "delegate_id": "m-user",
                    "power": "USE_SEAL",
                    "scope": "ALL_CONTRACTS",
                    "valid_from": "now - 1 day",
                    "valid_to": "now + 30 days",
                    "state": "ACTIVE",
                }
            },
            "SealHold": {
                "h-case": {"source": "RETRIEVAL"},
                "h-court": {"source": "JUDICIAL"},
                "h-own": {"source": "ADMIN", "placed_by_id": "keeper"},
            },
        },
    )


def test_an_execution_changes_everything_in_one_write(admin_of_seals: World) -> None:
    here = admin_of_seals
    assert rights(here) == ["ACTIVE", "ACTIVE", "ACTIVE"]
    before = here.store.revision()
    case = executed(here)
    assert here.get("RetrievalCase", case).executed_at == here.now
    assert [str(here.get("RoleAssignment", each).state) for each in ("r-admin", "r-admin-seals", "r-keeper")] == [
        "REVOKED",
        "REVOKED",
        "ACTIVE",
    ]
    assert rights(here) == ["ACTIVE", "INVALIDATED", "INVALIDATED"]
    assert here.get("SealGrant", "g-admins").invalid_reason == "ADMIN_CHANGED"
    assert here.get("Delegation", "del").state == "LAPSED"
    assert [str(here.get("SealHold", each).state) for each in ("h-case", "h-court", "h-own")] == [
        "RELEASED",
        "PLACED",
        "PLACED",
    ]
    assert here.store.revision() > before
    told = {event.code: set(event.recipients) for event in here.events}
    assert told["RETRIEVAL_EXECUTED"] == {"outsider", "admin", "keeper", "boss"}


def test_an_appeal_that_is_dismissed_leaves_the_execution(world: NewWorld) -> None:
    here = world("the administrator is away")
    staff(here, "third")
    case = executed(here)
    resource = f"RetrievalCase:{case}"
    here.now += DAY
    here.perform("admin", "appeal", resource, verification=face(here, "admin", case, "v-appeal", "appeal"))
    assert here.codes("outsider", "assign_role", "Membership:m-plain", role="SEAL_ADMIN") == ["RETRIEVAL_HOLD"]
    here.perform("third", "decide_appeal", resource, FindingArguments(Finding.DISMISSED))
    assert here.get("RetrievalCase", case).state == "EXECUTED"
    assert here.codes("admin", "appeal", resource, verification=face(here, "admin", case, "v-again", "appeal")) == [
        "ALREADY_APPEALED"
    ]


def test_each_former_administrator_appeals_once_and_who_decided_one_decides_no_other(world: NewWorld) -> None:
    here = world("the administrator is away", "there is a second administrator")
    here.change(("Person", "second", {"last_active_at": here.now - 8 * DAY}))
    staff(here, "third")
    staff(here, "fourth")
    case = executed(here, "second")
    resource = f"RetrievalCase:{case}"
    here.now += DAY
    first = here.perform("second", "appeal", resource, verification=face(here, "second", case, "v-second", "appeal"))
    here.perform("third", "decide_appeal", resource, FindingArguments(Finding.DISMISSED))
    appeal = here.get("RetrievalAppeal", str(first.values["appeal_id"]))
    assert (appeal.person_id, appeal.state, appeal.decided_by_id) == ("second", "DISMISSED", "third")
    # The first one was on the side of the new administrator: the other one appeals all the same.
    here.perform("admin", "appeal", resource, verification=face(here, "admin", case, "v-admin", "appeal"))
    assert here.codes("third", "decide_appeal", resource) == ["REVIEWER_CONFLICT"]
    here.perform("fourth", "decide_appeal", resource, FindingArguments(Finding.UPHELD))
    assert here.get("RetrievalCase", case).state == "REVERSED"
    assert here.ask("admin", "invite", "Enterprise:e")


def test_those_who_appeal_at_the_same_time_are_decided_about_together(world: NewWorld) -> None:
    here = world("the administrator is away", "there is a second administrator")
    here.change(("Person", "second", {"last_active_at": here.now - 8 * DAY}))
    staff(here, "third")
    case = executed(here, "second")
    resource = f"RetrievalCase:{case}"
    here.now += DAY
    made = [
        here.perform(who, "appeal", resource, verification=face(here, who, case, f"v-{who}", "appeal")).values[
            "appeal_id"
        ]
        for who in ("second", "admin")
    ]
    first = here.get("RetrievalCase", case).appealed_at
    here.perform("third", "decide_appeal", resource, FindingArguments(Finding.DISMISSED))
    assert [here.get("RetrievalAppeal", str(each)).state for each in made] == ["DISMISSED", "DISMISSED"]
    assert here.get("RetrievalCase", case).appealed_at == first


def test_an_appeal_that_is_upheld_takes_everything_back(world: NewWorld) -> None:
    here = world("the administrator is away")
    staff(here, "third")
    case = executed(here)
    resource = f"RetrievalCase:{case}"
    here.now += 25 * HOUR
    # The usurper has an accomplice run the seals, who gives a friend a right, and drives the victim out.
    given = here.perform("outsider", "assign_role", "Membership:m-plain", role="SEAL_ADMIN").values["assignment_id"]
    here.write(
        *(
            type(here.get("SealGrant", "g-user"))(
                "g-friend",
                "s",
                "m-approver",
                str(given),
                "USE",
                "ALL_CONTRACTS",
                "FIXED",
                here.now,
                here.now + DAY,
                "INTENT",
                "ACTIVE",
                confirmed_by_id="plain",
                confirmed_at=here.now,
            ),
        )
    )
    assert here.codes("outsider", "end", "Membership:m-admin") == ["APPEAL_OPEN"]
    here.perform("admin", "resign", "Membership:m-admin")
    assert here.get("Membership", "m-admin").state == "ENDED"
    here.perform("admin", "appeal", resource, verification=face(here, "admin", case, "v-appeal", "appeal"))
    here.perform("third", "decide_appeal", resource, FindingArguments(Finding.UPHELD))
    assert here.get("RetrievalCase", case).state == "REVERSED"
    assert here.get("RoleAssignment", str(given)).state == "REVOKED"
    assert here.get("SealGrant", "g-friend").state == "INVALIDATED"
    assert here.get("SealGrant", "g-user").state == "ACTIVE"
    assert "NOT_A_MEMBER" in here.codes("outsider", "invite", "Enterprise:e")
    assert here.ask("admin", "invite", "Enterprise:e")


def test_an_appeal_is_not_upheld_where_nobody_can_run_the_enterprise_again(world: NewWorld) -> None:
    here = world("the administrator is away")
    staff(here, "third")
    case = executed(here)
    resource = f"RetrievalCase:{case}"
    here.now += DAY
    here.perform("admin", "appeal", resource, verification=face(here, "admin", case, "v-appeal", "appeal"))
    here.change(("Person", "admin", {"account_state": "LOCKED"}))
    with pytest.raises(InvalidRequest, match="finding"):
        here.perform("third", "decide_appeal", resource, FindingArguments(Finding.UPHELD))


def test_a_suspended_legal_representative_comes_back_with_the_execution(world: NewWorld) -> None:
    suspended: dict[str, Any] = {"Membership": {"m-boss": {"person_id": "boss", "state": "SUSPENDED"}}}
    here = world("the administrator is away", put=suspended)
    case = opened(here, "boss", ONLINE)
    resource = f"RetrievalCase:{case}"
    here.perform("boss", "certify", resource, method="LEGAL_REP_ONLINE")
    here.perform("boss", "submit", resource, verification=face(here, "boss", case, "v-1", "submit"))
    deliver(here, case, admin="ACCEPTED", keeper="ACCEPTED")
    here.perform("reviewer", "publish_notice", resource)
    here.now += 24 * HOUR
    registry(here, "reg-1")
    here.perform("boss", "execute", resource, verification=face(here, "boss", case, "v-2", "execute"))
    assert here.get("Membership", "m-boss").state == "ACTIVE"
    assert here.ask("boss", "invite", "Enterprise:e")
