"""What a deny tells the person to do, and what it must not tell."""

from __future__ import annotations

from rule_pairs import LEGAL_REP_CASE, LEGAL_REP_TASK, put
from scene import DAY, HOUR, NOW, Scene, application, case, codes, grant, member, request, role
from scene import person as a_person

from sealauthz.decision import Decision, NextStep
from sealauthz.domain.contracts import SigningTask, TaskAction, TaskState
from sealauthz.domain.identity import AccountState, RealnameState
from sealauthz.domain.organisation import ApplicationState, Enterprise, Membership, MembershipState, Role
from sealauthz.domain.retrieval import Objection
from sealauthz.domain.seals import GrantState, Seal, SealKind, SealState

TASK = ("SigningTask", "t")
SEAL = ("Seal", "s")
ENTERPRISE = ("Enterprise", "e")


def steps(decision: Decision) -> dict[str, dict[str, object]]:
    return {step.code: dict(step.parameters) for step in decision.next_steps}


def test_an_outsider_is_told_to_join_the_enterprise_by_name() -> None:
    assert steps(Scene().ask("outsider", "open", TASK)) == {
        "JOIN_ENTERPRISE": {"enterprise_id": "e", "enterprise_name": "云杉印务"}
    }


def test_an_applicant_waits_for_the_masked_administrator_and_may_remind_him_at_once() -> None:
    scene = Scene().put(application("outsider")).change("Person", "admin", real_name="陈明远", phone="13812341569")
    decision = scene.ask("outsider", "open", TASK)
    assert codes(decision) == ["JOIN_PENDING"]
    masked = {"administrator_name": "陈**", "administrator_phone": "138****1569"}
    assert steps(decision) == {
        "WAIT_ADMIN": masked,
        "REMIND_ADMIN": {**masked, "remind_allowed_at": NOW, "reminders_left": 3},
        "RETRIEVE_ENTERPRISE": {"enterprise_id": "e", "enterprise_name": "云杉印务"},
    }


def test_after_a_reminder_the_next_one_waits_for_the_gap() -> None:
    scene = Scene().put(application("outsider", reminders=1, last_reminded_at=NOW - HOUR))
    reminding = steps(scene.ask("outsider", "open", TASK))["REMIND_ADMIN"]
    assert reminding["remind_allowed_at"] == NOW + 23 * HOUR
    assert reminding["reminders_left"] == 2
    assert steps(scene.ask("outsider", "remind", ("JoinApplication", "j-outsider"))) == {
        "WAIT_UNTIL": {"wait_until": NOW + 23 * HOUR}
    }


def test_the_administrator_is_not_named_to_an_unverified_person() -> None:
    scene = Scene().put(application("outsider")).change("Person", "outsider", realname_state=RealnameState.REVOKED)
    decision = scene.ask("outsider", "open", TASK)
    assert codes(decision) == ["REALNAME_REQUIRED", "JOIN_PENDING"]
    assert steps(decision)["WAIT_ADMIN"] == {}


def test_without_a_primary_administrator_the_longest_standing_one_is_named() -> None:
    scene = (
        Scene()
        .put(application("outsider"), a_person("early", real_name="周一", phone="13911112222"))
        .put(member("early", joined_at=NOW - 700 * DAY), role("early", Role.SYSTEM_ADMIN))
        .change("RoleAssignment", "r-admin", is_primary=False)
    )
    assert steps(scene.ask("outsider", "open", TASK))["WAIT_ADMIN"]["administrator_phone"] == "139****2222"


def test_when_no_administrator_is_left_the_way_is_retrieval_and_nobody_is_named() -> None:
    scene = Scene().put(application("outsider")).change("Person", "admin", account_state=AccountState.CLOSED)
    decision = scene.ask("outsider", "open", TASK)
    assert codes(decision) == ["NO_ACTIVE_ADMIN"]
    assert steps(decision) == {"RETRIEVE_ENTERPRISE": {"enterprise_id": "e", "enterprise_name": "云杉印务"}}


def test_a_rejected_applicant_is_told_when_to_apply_again() -> None:
    rejected = application("outsider", state=ApplicationState.REJECTED, reason="unknown", decided_at=NOW - HOUR)
    decision = Scene().put(rejected).ask("outsider", "open", TASK)
    assert codes(decision) == ["JOIN_REJECTED"]
    assert steps(decision)["REAPPLY_JOIN"] == {"allowed_at": NOW + 23 * HOUR}


def test_the_last_administrator_hears_how_many_could_take_over() -> None:
    decision = Scene().ask("admin", "resign", ("Membership", "m-admin"))
    assert steps(decision) == {"TRANSFER_ADMIN": {"candidates": 4}}


def test_handing_over_says_how_many_tasks() -> None:
    held = [SigningTask(f"t-{n}", "party-e", TaskAction.HANDLER_SIGN, 3, TaskState.WAITING, "plain") for n in range(2)]
    decision = Scene().put(*held).ask("plain", "resign", ("Membership", "m-plain"))
    # Two that wait for him as their handler, and the open one that names him as an operator.
    assert steps(decision) == {"HANDOVER_TASKS": {"tasks": 3}}


def test_choosing_another_seal_counts_those_that_could_be_used() -> None:
    spare = Seal("s2", "e", "云杉合同章", SealKind.CONTRACT, SealState.ACTIVE, certificate_id="cert")
    scene = Scene().put(spare, grant("plain", "s2")).drop("TaskSeal", "ts")
    decision = scene.ask("plain", "use", SEAL, task="t", verification="v-plain")
    assert codes(decision) == ["NO_SEAL_GRANT"]
    assert steps(decision) == {
        "REQUEST_SEAL_USE": {"seal_id": "s", "seal_name": "云杉公章"},
        "CHOOSE_OTHER_SEAL": {"usable_seals": 1},
    }


def test_a_dead_grant_points_to_the_masked_seal_administrator() -> None:
    scene = Scene().put(grant("user", state=GrantState.EXPIRED)).change("Person", "keeper", real_name="林青")
    decision = scene.ask("user", "use", SEAL, task="t", verification="v-user")
    assert codes(decision) == ["GRANT_EXPIRED"]
    assert steps(decision)["REQUEST_GRANT_RENEWAL"] == {
        "seal_administrator_name": "林*",
        "seal_administrator_phone": "138****1569",
    }


def test_a_face_check_is_asked_for_with_what_it_must_be_bound_to() -> None:
    decision = Scene().ask("user", "use", SEAL, task="t")
    assert decision.next_steps == (
        NextStep("VERIFY_FACE", {"purpose": "SIGN", "bound_type": "SigningTask", "bound_id": "t"}),
    )


def test_a_notice_says_until_when() -> None:
    scene = Scene().put(case(notice_from=NOW - HOUR))
    decision = scene.ask("outsider", "execute", ("RetrievalCase", "k"))
    assert steps(decision)["WAIT_UNTIL"] == {"wait_until": NOW + 71 * HOUR}


def test_somebody_elses_retrieval_case_is_not_named() -> None:
    scene = Scene().put(case(applicant_id="signer")).change("Person", "admin", last_active_at=NOW - 8 * DAY)
    decision = scene.ask("outsider", "retrieve", ENTERPRISE, reason="ADMIN_RESIGNED")
    assert codes(decision) == ["RETRIEVAL_IN_PROGRESS"]
    assert steps(decision) == {"VIEW_RETRIEVAL_PROGRESS": {}}
    own = Scene().put(case()).change("Person", "admin", last_active_at=NOW - 8 * DAY)
    decision = own.ask("outsider", "retrieve", ENTERPRISE, reason="ADMIN_RESIGNED")
    assert steps(decision) == {"VIEW_RETRIEVAL_PROGRESS": {"case_id": "k"}}


def test_a_second_certification_points_to_the_enterprise_that_is_authenticated() -> None:
    again = Enterprise("e2", "云杉印务", "91350100M000100Y43")
    decision = Scene().put(again).ask("stranger", "authenticate", ("Enterprise", "e2"))
    where = {"enterprise_id": "e"}
    assert steps(decision) == {"JOIN_ENTERPRISE": where, "RETRIEVE_ENTERPRISE": where}


def test_the_reasons_stand_in_the_order_of_the_ladder() -> None:
    scene = (
        Scene()
        .put(grant("user", state=GrantState.EXPIRED))
        .change("Seal", "s", state=SealState.DISABLED)
        .change("Certificate", "cert", not_after=NOW)
        .change("SigningTask", "t", state=TaskState.WAITING)
        .change("Person", "user", realname_state=RealnameState.REVOKED)
    )
    assert codes(scene.ask("user", "use", SEAL, task="t")) == [
        "REALNAME_REQUIRED",
        "NOT_YOUR_TURN",
        "SEAL_DISABLED",
        "CERT_EXPIRED",
        "GRANT_EXPIRED",
        "FACE_VERIFICATION_REQUIRED",
    ]


def test_an_allow_ends_with_what_it_rests_on() -> None:
    scene = Scene().change("SealGrant", "g-user", valid_to=NOW + 5)
    decision = scene.ask("user", "use", SEAL, task="t", verification="v-user")
    assert decision
    assert decision.valid_until == NOW + 5
    assert [obligation.code for obligation in decision.obligations] == [
        "CONSUME_VERIFICATION",
        "DECREMENT_USE",
        "APPEND_SEAL_LOG",
        "NOTIFY_MONITORS",
    ]


def test_joining_again_does_not_revive_old_grants() -> None:
    scene = (
        Scene()
        .change("Membership", "m-user", state=MembershipState.ENDED)
        .put(Membership("m-user-2", "user", "e", "APPLICATION", NOW - DAY))
    )
    decision = scene.ask("user", "use", SEAL, task="t", verification="v-user")
    assert codes(decision) == ["NO_SEAL_GRANT"]


def test_a_request_covers_one_contract_only() -> None:
    scene = Scene().put(*request("plain", contract_id="another"))
    assert codes(scene.ask("plain", "use", SEAL, task="t", verification="v-plain")) == ["NO_SEAL_GRANT"]


def test_only_the_legal_representative_grants_his_own_seal() -> None:
    scene = LEGAL_REP_TASK(Scene())
    decision = scene.ask("user", "use", SEAL, task="t", verification="v-user")
    assert codes(decision) == ["NOT_TASK_OPERATOR", "GRANTOR_NOT_ENTITLED"]
    by_himself = scene.put(member("boss")).change(
        "RoleAssignment", "r-keeper", membership_id="m-boss", role=Role.LEGAL_REP
    )
    assert by_himself.ask("user", "use", SEAL, task="t", verification="v-user")
    # Once the registry names another, what the former one gave is void.
    replaced = by_himself.change("RegistrySnapshot", "reg-e", legal_rep_id="signer")
    assert not replaced.ask("user", "use", SEAL, task="t", verification="v-user")


def test_an_objection_is_not_held_up_by_the_legal_representatives_path() -> None:
    objected = put(Objection("ob", "k", "admin", NOW - DAY))(LEGAL_REP_CASE(Scene()))
    assert objected.ask("outsider", "execute", ("RetrievalCase", "k"), verification="v-outsider")
    assert objected.change("RetrievalCase", "k", state="OBJECTED").ask(
        "outsider", "execute", ("RetrievalCase", "k"), verification="v-outsider"
    )


def test_a_face_check_that_is_not_needed_neither_shortens_an_allow_nor_is_consumed() -> None:
    scene = Scene().change("Seal", "s", kind=SealKind.DEPARTMENT)
    scene = scene.change("IdentityVerification", "v-user", passed_at=NOW - 2 * HOUR)
    decision = scene.ask("user", "use", SEAL, task="t", verification="v-user")
    assert decision
    assert decision.valid_until == NOW + 60_000_000
    assert "CONSUME_VERIFICATION" not in [obligation.code for obligation in decision.obligations]


def test_nobody_is_told_that_an_enterprise_is_orphaned_who_has_no_tie_to_it() -> None:
    scene = Scene().change("Person", "admin", account_state=AccountState.LOCKED)
    assert codes(scene.ask("stranger", "invite", ENTERPRISE)) == ["NOT_A_MEMBER"]
    assert codes(scene.ask("outsider", "invite", ENTERPRISE)) == ["NO_ACTIVE_ADMIN", "NOT_ENTERPRISE_ADMIN"]
