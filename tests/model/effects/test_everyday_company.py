"""Everyday acts of an enterprise, as sentences that must come true: the company of one, hours, departments, absences.

Each person does what the next steps tell them (`stories`), until the act is done.
"""

from __future__ import annotations

from typing import Any

from acting import NewPlatform
from harness import DAY, HOUR
from stories import Story, stated, use_of

from sealauthz.model.effects.rule_terms import (
    Approver,
    Band,
    Bands,
    Day,
    Days,
    Hours,
    NewProcess,
    Step,
    Week,
    rules_digest,
)  # fmt: skip
from sealauthz.model.records.membership import Role
from sealauthz.model.records.organisation import DayKind

ALONE: dict[str, Any] = {"file": "sole_owner.yaml", "fixture": "cypress"}
BY_RIGHT: dict[str, Any] = {"g-approver": {"membership_id": "m-approver", "right": "APPROVE"}}
LASTING: dict[str, Any] = {
    "Certificate": {"cert": {"not_after": "now + 300 days"}},
    "SealGrant": {"g-user": {"valid_to": "now + 300 days"}},
}
TREE: dict[str, Any] = {
    "sales": {"enterprise_id": "e", "name": "销售部"},
    "sales-1": {"enterprise_id": "e", "name": "销售一部", "parent_id": "sales"},
    "it": {"enterprise_id": "e", "name": "信息部"},
}
WEEK = Week((*(Hours(weekday, 540, 1080) for weekday in (1, 2, 3, 4)), Hours(5, 540, 720)))
SATURDAY = 20_722
"""26 September 2026, counted from 1970."""


# --- a company of one -------------------------------------------------------------------------------------------------


def test_the_owner_of_a_company_of_one_seals(platform: NewPlatform) -> None:
    here = Story(platform(**ALONE))
    here.seals("solo", "so", "to")
    assert here.platform.get("SigningTask", "to").state == "SIGNED"


def test_the_owner_makes_the_first_seal_and_seals_with_it(platform: NewPlatform) -> None:
    here = Story(platform(**ALONE, drop=["Seal:so", "TaskSeal:tso"]))
    named = {"name": "柏木公章", "certificate": "cert-o"}
    seal = str(here.does("solo", "create_seal", "Enterprise:o", named, kind="OFFICIAL")["seal_id"])
    asked = use_of("solo", seal)
    here.is_told("SEAL_UNDER_REVIEW", "UPLOAD_SEAL_FACE", *asked, task="to", says="尚未通过审核")
    here.does("solo", "edit", f"Seal:{seal}", {"face_digest": "face-o"})
    told = here.is_told("SEAL_UNDER_REVIEW", "SUBMIT_SEAL_REVIEW", *asked, task="to")
    here.does("solo", "submit_review", f"Seal:{told['seal_id']}", {"name_on_seal": "柏木工作室"})
    told = here.is_told("SEAL_UNDER_REVIEW", "DECIDE_SEAL_REVIEW", *asked, task="to")
    here.does("solo", "decide", f"SealReview:{told['review_id']}", verdict="PASSED")
    here.seals("solo", seal, "to")


def test_the_owner_writes_the_companys_processes(platform: NewPlatform) -> None:
    here = Story(platform(**ALONE))
    process = NewProcess("付款审批", (Step((Approver(member="m-solo"),)),))
    made = here.writes_alone("solo", "create_process", "Enterprise:o", process)
    here.writes_alone("solo", "set_amount_bands", "Enterprise:o", Bands((Band("CNY", 100_000, made["process_id"]),)))
    here.seals("solo", "so", "to")


def test_for_the_largest_amounts_the_owner_invites_a_colleague_who_asks_and_seals(platform: NewPlatform) -> None:
    here = Story(
        platform(
            "there are bands up to 2000 yuan",
            **ALONE,
            change={"Contract": {"co": {"amount": 500_000}}},
            put={
                "ProcessStep": {"step": {"process_id": "p-o-top"}},
                "StepApprover": {"solo-approves": {"step_id": "step", "membership_id": "m-solo"}},
            },
        )
    )
    told = here.is_told("AMOUNT_EXCEEDS_LIMIT", "INVITE_MEMBER", *use_of("solo", "so"), task="to", alone=True)
    invited = {"token_hash": "token", "expires_at": here.now + DAY, "target": "plain"}
    made = here.does("solo", "invite", f"Enterprise:{told['enterprise_id']}", invited)
    joined = here.does("plain", "accept", f"Invitation:{made['invitation_id']}")
    # There are two now, and the owner approves what the other one asks.
    here.is_told("NO_SEAL_GRANT", "LET_COLLEAGUE_ASK", *use_of("solo", "so"), task="to", alone=True)
    task = str(here.does("solo", "transfer", "SigningTask:to", receiver_=str(joined["membership_id"]))["task_id"])
    here.is_told("NO_SEAL_GRANT", "REQUEST_SEAL_USE", *use_of("plain", "so"), task=task)
    told = here.finds("AMOUNT_EXCEEDS_LIMIT", "SUBMIT_APPROVAL", *use_of("plain", "so"), task=task)
    asked = {"valid_to": here.now + DAY, "contract": "co"}
    request = here.does("plain", "request_use", "Seal:so", asked, process=told["process_id"])["request_id"]
    told = here.is_told("APPROVAL_REQUIRED", "WAIT_APPROVAL", *use_of("plain", "so"), task=task, says="审批人s****")
    assert told["request_id"] == request
    here.does("solo", "approve", f"SealUseRequest:{request}")
    here.seals("plain", "so", task)


# --- the first days ---------------------------------------------------------------------------------------------------

GENERAL: dict[str, Any] = {"matter": "GENERAL", "is_monetary": False}
NEW: dict[str, Any] = {
    "Enterprise": {"g": {"name": "Typed in", "uscc": "91110000633674814Q", "auth_state": "REGISTERED"}},
    "RegistrySnapshot": {
        "reg-g": {
            "enterprise_id": "g",
            "status": "EXISTING",
            "fetched_at": "now",
            "legal_rep_id": "boss",
            "registered_name": "Registered",
        }
    },
    "Certificate": {
        "cert-g": {
            "enterprise_id": "g",
            "issuer": "CA",
            "serial": "7",
            "not_before": "now - 1 day",
            "not_after": "now + 300 days",
        }
    },
    "Contract": {"cg": {"initiator_id": "f", "contract_type": "SALES", "state": "SIGNING", **GENERAL}},
    "ContractDocument": {"dg": {"contract_id": "cg", "digest": "digest-g", "state": "COMPLETE"}},
    "Signatory": {
        "party-gf": {"contract_id": "cg", "kind": "ENTERPRISE", "enterprise_id": "f", **GENERAL},
        "party-g": {"contract_id": "cg", "kind": "ENTERPRISE", "enterprise_id": "g", **GENERAL},
    },
    "SigningTask": {"tg": {"signatory_id": "party-g", "action": "CORPORATE_SEAL", "position": 1, "state": "PENDING"}},
    "TaskOperator": {"og": {"task_id": "tg", "person_id": "signer"}},
}


def test_three_people_seal_a_first_contract_on_the_first_day(platform: NewPlatform) -> None:
    here = Story(platform(put=NEW))
    made = here.does("stranger", "certify", "Enterprise:g", {"method": "DOCUMENTS"})
    certification = f"EnterpriseAuthentication:{made['certification_id']}"
    here.does("reviewer", "decide", certification, {"verdict": "PASSED"})
    here.does("stranger", "authenticate", "Enterprise:g")
    # Who authenticated it runs its seals for the first days, and the platform's reviewer is the second pair of eyes.
    named = {"name": "G公章", "certificate": "cert-g", "face_digest": "face-g"}
    seal = str(here.does("stranger", "create_seal", "Enterprise:g", named, kind="OFFICIAL")["seal_id"])
    review = here.does("stranger", "submit_review", f"Seal:{seal}", {"name_on_seal": "Registered"})["review_id"]
    here.is_refused("DUAL_CONTROL_REQUIRED", "stranger", "decide", f"SealReview:{review}", verdict="PASSED")
    here.does("reviewer", "examine", f"SealReview:{review}", verdict="PASSED")
    # A colleague joins, and is given the seal by the one, with the legal representative as the second person.
    application = here.does("signer", "join", "Enterprise:g")["application_id"]
    here.does("stranger", "approve_join", f"JoinApplication:{application}")
    member = next(m.id for m in here.platform.get("Enterprise", "g").memberships if m.person_id == "signer")
    given = {"kind": "MEMBER", "member": member, "valid_to": here.now + DAY, "scope": "ALL_CONTRACTS"}
    grant = here.does("stranger", "grant", f"Seal:{seal}", given)["grant_id"]
    here.does("boss", "confirm", f"SealGrant:{grant}")
    here.seals("signer", seal, "tg")
    assert here.platform.get("SigningTask", "tg").state == "SIGNED"


# --- the licence, and hours -------------------------------------------------------------------------------------------


def test_an_abnormal_listing_does_not_stop_business(platform: NewPlatform) -> None:
    here = Story(platform(change={"RegistrySnapshot": {"reg-e": {"status": "ABNORMAL"}}}))
    here.seals("user", "s", "t")
    assert "ABNORMAL_LICENCE" in " ".join(event.code for event in here.platform.told())


def test_out_of_hours_a_use_is_approved_for_just_that(platform: NewPlatform) -> None:
    here = Story(platform("there is a second administrator", put={"SealGrant": BY_RIGHT}, change=LASTING))
    digest = rules_digest("set_working_hours", "Enterprise", "e", WEEK)
    here.does("admin", "set_working_hours", "Enterprise:e", stated(WEEK), effect="TIGHTENS", digest=digest)
    # It is 22:13 on a Monday. A request that does not say so does not help, and is not waited for.
    asked = {"valid_to": here.now + DAY, "contract": "c"}
    here.does("user", "request_use", "Seal:s", asked)
    told = here.is_told("OUT_OF_HOURS", "SUBMIT_APPROVAL", *use_of("user", "s"), task="t", alone=True)
    assert told["is_out_of_hours"] == "true"
    request = here.does("user", "request_use", "Seal:s", {**asked, "is_out_of_hours": True})["request_id"]
    told = here.is_told(
        "OUT_OF_HOURS", "WAIT_APPROVAL", *use_of("user", "s"), task="t", says="审批人a********", alone=True
    )
    assert told["request_id"] == request
    here.does("approver", "approve", f"SealUseRequest:{request}")
    here.seals("user", "s", "t")


def test_a_make_up_working_day_has_the_hours_of_its_weekday(platform: NewPlatform) -> None:
    here = Story(platform("there is a second administrator", change=LASTING))
    digest = rules_digest("set_working_hours", "Enterprise", "e", WEEK)
    here.does("admin", "set_working_hours", "Enterprise:e", stated(WEEK), effect="TIGHTENS", digest=digest)
    days = Days((Day(SATURDAY, DayKind.WORKDAY, 3),))
    # What is proposed for today is withdrawn, and proposed for the day that the step names.
    change = here.proposes("admin", "HOLIDAYS", "set_holidays", "Enterprise:e", days)
    confirm = ("second", "confirm_change", f"RuleChange:{change}")
    withdrawn = here.is_told("COUNTS_TOO_EARLY", "WITHDRAW_RULE_CHANGE", *confirm)
    told = here.is_told("COUNTS_TOO_EARLY", "PROPOSE_RULE_CHANGE", *confirm)
    here.does("second", "withdraw", f"RuleChange:{withdrawn['change_id']}")
    here.agrees("admin", "second", "HOLIDAYS", "set_holidays", "Enterprise:e", days, counts_from=told["counts_from_at"])
    here.platform.now = SATURDAY * DAY + 6 * HOUR  # 14:00 in China: a Friday's hours would be over
    here.seals("user", "s", "t")


def test_a_change_that_nobody_confirmed_in_time_is_proposed_again(platform: NewPlatform) -> None:
    here = Story(platform("there is a second administrator", change=LASTING))
    days = Days((Day(SATURDAY + 70, DayKind.WORKDAY, 3),))
    named = ("HOLIDAYS", "set_holidays", "Enterprise:e", days)
    change = here.proposes("admin", *named)
    here.platform.now += 30 * DAY
    confirm = ("second", "confirm_change", f"RuleChange:{change}")
    withdrawn = here.is_told("RULE_CHANGE_STALE", "WITHDRAW_RULE_CHANGE", *confirm)
    here.is_told("RULE_CHANGE_STALE", "PROPOSE_RULE_CHANGE", *confirm)
    here.does("second", "withdraw", f"RuleChange:{withdrawn['change_id']}")
    here.agrees("admin", "second", *named, counts_from=here.now + 8 * DAY)


# --- departments, and who stands in -----------------------------------------------------------------------------------


def test_the_head_of_the_applicants_own_department_approves(platform: NewPlatform) -> None:
    here = Story(
        platform(
            "there is a second administrator",
            "nobody is named for the task",
            "user holds no grant",
            put={"Department": TREE},
            change={"Membership": {"m-plain": {"department_id": "sales-1"}}, "Seal": {"s": {"kind": "CONTRACT"}}},
        )
    )
    here.does("admin", "assign_role", "Membership:m-user", {"department": "sales"}, role="DEPT_ADMIN")
    here.does("admin", "assign_role", "Membership:m-approver", {"department": "it"}, role="DEPT_ADMIN")
    process = NewProcess("部门审批", (Step((Approver(role=Role.DEPT_ADMIN),)),), is_open=True)
    made = here.agrees("admin", "second", "PROCESSES", "create_process", "Enterprise:e", process)
    here.is_told("NO_SEAL_GRANT", "REQUEST_SEAL_USE", *use_of("plain", "s"), task="t")
    asked = {"valid_to": here.now + DAY, "contract": "c"}
    request = (
        f"SealUseRequest:{here.does('plain', 'request_use', 'Seal:s', asked, process=made['process_id'])['request_id']}"
    )
    told = here.is_told("APPROVAL_REQUIRED", "WAIT_APPROVAL", *use_of("plain", "s"), task="t")
    assert told["approver_name"] == "u****"
    here.is_refused("NOT_AN_APPROVER", "approver", "approve", request)
    here.does("user", "approve", request)
    here.seals("plain", "s", "t")


def test_a_grant_to_a_department_covers_those_below_it(platform: NewPlatform) -> None:
    here = Story(
        platform(
            "nobody is named for the task",
            put={"Department": TREE},
            change={
                "Membership": {"m-plain": {"department_id": "sales-1"}, "m-approver": {"department_id": "it"}},
                "Seal": {"s": {"kind": "CONTRACT"}},
                "Contract": {"c": {"template_id": "template"}},
            },
        )
    )
    template = {"template_id": "template", "initiator": "f"}
    given = {"kind": "ALL", "department": "sales", "valid_to": here.now + DAY, "templates": [template]}
    grant = f"OpenGrant:{here.does('keeper', 'grant', 'Seal:s', given)['grant_id']}"
    here.is_told("DUAL_CONTROL_REQUIRED", "REQUEST_SECOND_PERSON", "keeper", "confirm", grant)
    here.does("boss", "confirm", grant)
    here.is_told("NO_SEAL_GRANT", "REQUEST_GRANT", *use_of("approver", "s"), task="t", alone=True)
    here.seals("plain", "s", "t")


def test_a_substitute_approves_while_the_approver_is_away(platform: NewPlatform) -> None:
    here = Story(
        platform(
            "there is a second administrator",
            put={
                "ApprovalProcess": {"p": {"enterprise_id": "e", "name": "一级审批"}},
                "ProcessStep": {"p-1": {"process_id": "p"}},
                "StepApprover": {"named": {"step_id": "p-1", "membership_id": "m-approver"}},
            },
        )
    )
    asked = {"valid_to": here.now + DAY, "contract": "c"}
    request = here.does("plain", "request_use", "Seal:s", asked, process="p")["request_id"]
    away = ("approver", "record_absence", "Membership:m-approver", {"valid_to": here.now + DAY})
    here.is_told("SUBSTITUTE_NOT_ELIGIBLE", "CHOOSE_SUBSTITUTE", *away)
    here.does(*away, substitute="m-second")
    # Whoever waits is told for whom: not for the one who is away.
    told = here.is_told("APPROVAL_REQUIRED", "WAIT_APPROVAL", *use_of("plain", "s"), task="t")
    assert told["approver_name"] == "s******"
    here.does("second", "approve", f"SealUseRequest:{request}")
    here.seals("plain", "s", "t")


def test_an_approver_of_the_parent_decides_in_the_subsidiarys_process(platform: NewPlatform) -> None:
    here = Story(
        platform(
            "Spruce belongs to a group",
            "Spruce has the group's director in its process",
            file="parents_approver.yaml",
        )
    )
    here.is_told("NO_SEAL_GRANT", "REQUEST_SEAL_USE", *use_of("plain", "s"), task="t")
    asked = {"valid_to": here.now + DAY, "contract": "c"}
    request = here.does("plain", "request_use", "Seal:s", asked, process="p")["request_id"]
    told = here.is_told("APPROVAL_REQUIRED", "WAIT_APPROVAL", *use_of("plain", "s"), task="t")
    assert told["approver_name"][0] == "d"
    here.does("director", "approve", f"SealUseRequest:{request}")
    here.seals("plain", "s", "t")


# --- leaving, and being away ------------------------------------------------------------------------------------------

FROZEN: dict[str, Any] = {"Enterprise": {"e": {"operating_state": "FROZEN"}}}


def test_a_member_with_open_tasks_leaves_a_frozen_enterprise_that_lets_nobody_take_them(platform: NewPlatform) -> None:
    here = Story(platform(change=FROZEN))
    here.is_told("ENTERPRISE_FROZEN", "CONTACT_PLATFORM", "user", "transfer", "SigningTask:t", receiver="m-plain")
    here.does("user", "resign", "Membership:m-user")
    assert here.platform.get("Membership", "m-user").state == "ENDED"


def test_who_keeps_an_electronic_seal_of_it_leaves_too_and_a_physical_one_is_handed_over(platform: NewPlatform) -> None:
    kept = {**FROZEN, "Seal": {"s": {"custodian_id": "m-keeper"}}}
    here = Story(platform(change=kept))
    here.does("keeper", "resign", "Membership:m-keeper")
    kept["Seal"] = {"s": {"custodian_id": "m-keeper", "category": "PHYSICAL", "certificate_id": None}}
    here = Story(platform(change=kept))
    here.is_told("ENTERPRISE_FROZEN", "CONTACT_PLATFORM", "keeper", "resign", "Membership:m-keeper")


def test_its_last_administrator_turns_to_the_platform(platform: NewPlatform) -> None:
    here = Story(platform(change=FROZEN, drop=["TaskOperator:o-plain"]))
    here.is_told("ENTERPRISE_FROZEN", "CONTACT_PLATFORM", "admin", "resign", "Membership:m-admin", alone=True)


def test_a_member_hands_over_what_is_open_and_leaves(platform: NewPlatform) -> None:
    here = Story(platform(change={"Seal": {"s": {"custodian_id": "m-keeper"}}}))
    leaves = ("keeper", "resign", "Membership:m-keeper")
    told = here.is_told("HANDOVER_REQUIRED", "HANDOVER_TASKS", *leaves, says="1份待处理合同、1枚保管中的印章")
    assert (told["tasks"], told["seals"]) == (1, 1)
    here.does("admin", "transfer", "SigningTask:t", receiver_="m-approver")
    here.does("keeper", "assign_custodian", "Seal:s", custodian="m-plain")
    here.does(*leaves)


def test_an_administrator_who_is_away_for_a_day_voids_nobodys_grant(platform: NewPlatform) -> None:
    here = Story(platform("there is a second administrator"))
    here.does("admin", "suspend", "Membership:m-keeper", {"cause": "ABSENCE"})
    here.does("second", "suspend", "Membership:m-admin", {"cause": "ABSENCE"})
    here.is_told("MEMBERSHIP_SUSPENDED", "CONTACT_ADMIN", "admin", "invite", "Enterprise:e", stated_invitation(here))
    here.seals("user", "s", "t")
    here.wait(DAY)
    here.does("second", "reinstate", "Membership:m-admin")
    here.does("admin", "invite", "Enterprise:e", stated_invitation(here))


def stated_invitation(here: Story) -> dict[str, Any]:
    return {"token_hash": "token", "expires_at": here.now + DAY, "target": "outsider"}
