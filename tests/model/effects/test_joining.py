"""Coming in, carried out: applications, what is decided about them, and invitations."""

from __future__ import annotations

import pytest
from harness import DAY, HOUR, NewWorld

from sealauthz.model.effects.joining import ApproveJoinArguments, InviteArguments
from sealauthz.runtime.errors import InvalidRequest

OPEN = ("outsider", "open", "SigningTask:t")


def test_an_applicant_waits_for_the_named_administrator_reminds_and_is_taken_in(world: NewWorld) -> None:
    here = world(put={"Department": {"d-1": {"enterprise_id": "e", "name": "Sales"}}})
    assert here.codes(*OPEN) == ["NOT_A_MEMBER"]
    application = str(here.perform("outsider", "join", "Enterprise:e").values["application_id"])
    made = here.get("JoinApplication", application)
    assert (made.person_id, made.handler_id, made.expires_at) == ("outsider", "m-admin", here.now + 30 * DAY)
    assert here.codes(*OPEN) == ["JOIN_PENDING"]
    assert "DUPLICATE_APPLICATION" in here.codes("outsider", "join", "Enterprise:e")
    here.perform("outsider", "remind", f"JoinApplication:{application}")
    assert here.codes("outsider", "remind", f"JoinApplication:{application}") == ["REMINDER_TOO_SOON"]
    here.now += 24 * HOUR
    here.perform("outsider", "remind", f"JoinApplication:{application}")
    assert here.get("JoinApplication", application).reminders == 2
    assert [(event.code, event.recipients) for event in here.events] == [
        ("APPLICATION_RECEIVED", ("admin",)),
        ("APPLICATION_REMINDER", ("admin",)),
        ("APPLICATION_REMINDER", ("admin",)),
    ]
    taken = here.perform(
        "admin", "approve_join", f"JoinApplication:{application}", ApproveJoinArguments(department="d-1")
    )
    membership = here.get("Membership", str(taken.values["membership_id"]))
    assert (membership.person_id, membership.joined_via, membership.department_id) == ("outsider", "APPLICATION", "d-1")
    assert here.ask(*OPEN)
    assert here.codes("admin", "approve_join", f"JoinApplication:{application}") != []


def test_who_is_turned_down_reads_why_and_waits(world: NewWorld) -> None:
    here = world("outsider has applied to join")
    here.perform("admin", "reject_join", "JoinApplication:j", reason="unknown to us")
    decided = here.get("JoinApplication", "j")
    assert (decided.state, decided.reason, decided.decided_by_id) == ("REJECTED", "unknown to us", "admin")
    assert here.codes("outsider", "join", "Enterprise:e") == ["REAPPLY_COOLDOWN"]
    here.now += 24 * HOUR
    here.perform("outsider", "join", "Enterprise:e")


def test_an_application_that_is_taken_back_or_ran_out_makes_room_for_another(world: NewWorld) -> None:
    here = world("outsider has applied to join")
    here.perform("outsider", "withdraw", "JoinApplication:j")
    second = str(here.perform("outsider", "join", "Enterprise:e").values["application_id"])
    here.now += 31 * DAY
    third = str(here.perform("outsider", "join", "Enterprise:e").values["application_id"])
    assert [here.get("JoinApplication", each).state for each in ("j", second, third)] == [
        "WITHDRAWN",
        "EXPIRED",
        "PENDING",
    ]


def test_an_administrators_answer_ends_the_applicants_retrieval(world: NewWorld) -> None:
    here = world("outsider has applied to join", "outsider has opened a case")
    here.perform("admin", "approve_join", "JoinApplication:j")
    assert here.get("RetrievalCase", "k").state == "RESOLVED_BY_ADMIN"
    assert ("RETRIEVAL_RESOLVED", ("outsider",)) in [(event.code, event.recipients) for event in here.events]


def test_a_department_of_nobody_is_refused(world: NewWorld) -> None:
    here = world(
        "outsider has applied to join", put={"Department": {"d-f": {"enterprise_id": "f", "name": "Elsewhere"}}}
    )
    with pytest.raises(InvalidRequest, match=r"arguments\[department\]"):
        here.perform("admin", "approve_join", "JoinApplication:j", ApproveJoinArguments(department="d-f"))


def test_an_invited_person_comes_in_and_their_application_is_over(world: NewWorld) -> None:
    here = world("outsider has applied to join")
    said = InviteArguments("hash-of-token", here.now + DAY, target="outsider")
    invitation = str(here.perform("admin", "invite", "Enterprise:e", said).values["invitation_id"])
    joined = here.perform("outsider", "accept", f"Invitation:{invitation}")
    assert here.get("Membership", str(joined.values["membership_id"])).joined_via == "INVITE"
    assert here.get("JoinApplication", "j").state == "SUPERSEDED"
    assert here.get("Invitation", invitation).state == "ACCEPTED"
    assert here.ask(*OPEN)
    assert "INVITATION_USED" in here.codes("outsider", "accept", f"Invitation:{invitation}")


def test_a_phone_is_invited_claimed_confirmed_and_let_in(world: NewWorld) -> None:
    here = world(
        change={"Person": {"stranger": {"phone_hash": "hash-of-phone", "phone_bound_at": "now - 1 day"}}},
    )
    said = InviteArguments("token", here.now + 7 * DAY, phone_hash="hash-of-phone", contact_digest="digest-of-name")
    invitation = str(here.perform("admin", "invite", "Enterprise:e", said).values["invitation_id"])
    check = here.get("IdentityVerification", "v-user")
    match = type(check)(
        id="v-match",
        person_id="stranger",
        method="MOBILE3",
        purpose="JOIN",
        provider_ref="match",
        bound_type="Invitation",
        bound_id=invitation,
        bound_digest="digest-of-name",
        state="PASSED",
        passed_at=here.now,
    )
    here.write(match)
    here.perform("stranger", "claim", f"Invitation:{invitation}", verification="v-match")
    assert here.get("Invitation", invitation).target_id == "stranger"
    assert here.get("IdentityVerification", "v-match").state == "CONSUMED"
    assert here.codes("stranger", "accept", f"Invitation:{invitation}") == ["INVITATION_UNCONFIRMED"]
    here.perform("admin", "confirm_invitee", f"Invitation:{invitation}")
    here.perform("stranger", "accept", f"Invitation:{invitation}")
    assert here.get("Invitation", invitation).state == "ACCEPTED"


@pytest.mark.parametrize(
    ("subject", "said", "field"),
    [
        ("admin", {}, "target"),
        ("admin", {"target": "outsider", "phone_hash": "h", "contact_digest": "c"}, "target"),
        ("admin", {"phone_hash": "h"}, "contact_digest"),
        ("admin", {"target": "outsider", "expires_in": 31 * DAY}, "expires_at"),
        ("admin", {"target": "outsider", "expires_in": 0}, "expires_at"),
        ("admin", {"phone_hash": "h", "contact_digest": "c", "expires_in": 8 * DAY}, "expires_at"),
        ("admin", {"target": "user"}, "target"),
        ("admin", {"target": "outsider", "token": ""}, "token_hash"),
    ],
)
def test_an_invitation_that_says_too_little_or_too_much_is_refused(
    world: NewWorld, subject: str, said: dict[str, object], field: str
) -> None:
    here = world()
    token, expires_in = said.pop("token", "token"), said.pop("expires_in", DAY)
    assert isinstance(expires_in, int)
    arguments = InviteArguments(str(token), here.now + expires_in, **said)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match=field):
        here.perform(subject, "invite", "Enterprise:e", arguments)
