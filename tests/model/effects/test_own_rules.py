"""An enterprise's own rules and resolutions, carried out."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from harness import DAY, HOUR, NOW, NewWorld, World, face

from sealauthz.model.effects.own_rules import days_tighten, hours_tighten
from sealauthz.model.effects.resolutions import NewResolution
from sealauthz.model.effects.rule_terms import (
    Approver,
    Band,
    Bands,
    CategoryEdit,
    CustomRoleTerms,
    Day,
    Days,
    DepartmentTerms,
    Hours,
    NewCategory,
    NewProcess,
    ProcessEdit,
    Proposal,
    Settings,
    Step,
    Week,
    rules_digest,
)
from sealauthz.model.records.organisation import AdminPower, DayKind
from sealauthz.model.records.procedures import CategoryState, ResolutionKind, RuleKind, StepMode
from sealauthz.runtime.errors import InvalidRequest

USING = {"task": "t", "verification": "v-user"}
RULED: dict[str, Any] = {"file": "own_rules.yaml", "fixture": "ruled"}
TIGHTENS = {"effect": "TIGHTENS"}
STEPS = (Step((Approver(member="m-approver"),), mode=StepMode.ALL),)


def agreed(here: World, action: str, resource: str, rules: Any, kind: str, counts_from: int = NOW) -> dict[str, str]:
    """Have two persons agree to rules, and return the context in which they are written."""
    digest = rules_digest(action, *resource.split(":"), rules)
    made = here.perform("admin", "propose_rule_change", "Enterprise:e", Proposal(RuleKind(kind), digest, counts_from))
    change = str(made.values["change_id"])
    here.perform("second", "confirm_change", f"RuleChange:{change}")
    return {"change": change, "digest": digest}


@pytest.fixture
def ruled(world: NewWorld) -> World:
    """Spruce with two administrators and nothing proposed."""
    return world(drop=["RuleChange:hours", "RuleChange:processes", "RuleChange:days"], **RULED)


def test_rules_that_two_agreed_to_are_written_once(ruled: World) -> None:
    rules = NewProcess("合同用印", STEPS)
    context = agreed(ruled, "create_process", "Enterprise:e", rules, "PROCESSES")
    outcome = ruled.perform("admin", "create_process", "Enterprise:e", rules, **context)
    assert ruled.get("RuleChange", context["change"]).state == "CARRIED_OUT"
    process = ruled.get("ApprovalProcess", str(outcome.values["process_id"]))
    assert [(step.mode, step.valid_from) for step in process.steps] == [("ALL", NOW)]
    assert ruled.codes("admin", "create_process", "Enterprise:e", **context) == ["RULE_CHANGE_REQUIRED"]
    assert [event.code for event in ruled.events] == ["RULE_CHANGE_PROPOSED", "RULE_CHANGE_CONFIRMED", "RULES_CHANGED"]


def test_other_rules_than_those_agreed_to_are_not_written(ruled: World) -> None:
    context = agreed(ruled, "create_process", "Enterprise:e", NewProcess("合同用印", STEPS), "PROCESSES")
    with pytest.raises(InvalidRequest, match=r"other rules: these have the digest `sha256:"):
        ruled.perform("admin", "create_process", "Enterprise:e", NewProcess("合同用印", STEPS, is_open=True), **context)
    assert ruled.get("RuleChange", context["change"]).state == "CONFIRMED"


def test_one_proposal_of_a_kind_is_open_at_a_time(ruled: World) -> None:
    made = ruled.perform("admin", "propose_rule_change", "Enterprise:e", Proposal(RuleKind.HOLIDAYS, "digest", NOW))
    with pytest.raises(InvalidRequest, match="open proposal"):
        ruled.perform("second", "propose_rule_change", "Enterprise:e", Proposal(RuleKind.HOLIDAYS, "other", NOW))
    ruled.perform("second", "withdraw", f"RuleChange:{made.values['change_id']}")
    ruled.perform("second", "propose_rule_change", "Enterprise:e", Proposal(RuleKind.HOLIDAYS, "other", NOW))


def test_what_only_tightens_is_written_by_one(ruled: World) -> None:
    assert ruled.ask("user", "use", "Seal:s", **USING)
    # Monday, 22:13 at the enterprise.
    ruled.perform("admin", "set_working_hours", "Enterprise:e", Week((Hours(1, 540, 1080),)), **TIGHTENS)
    assert ruled.codes("user", "use", "Seal:s", **USING) == ["OUT_OF_HOURS"]
    with pytest.raises(InvalidRequest, match="more than tighten"):
        ruled.perform("admin", "set_working_hours", "Enterprise:e", Week((Hours(1, 540, 1440),)), **TIGHTENS)
    with pytest.raises(InvalidRequest, match="more than tighten"):
        ruled.perform("admin", "set_working_hours", "Enterprise:e", Week(), **TIGHTENS)
    ruled.perform("admin", "set_working_hours", "Enterprise:e", Week((Hours(1, 540, 1000),)), **TIGHTENS)
    assert [hours.to_minute for hours in ruled.get("Enterprise", "e").working_hours] == [1000]


def test_who_claims_that_rules_tighten_and_shows_a_check_is_not_believed(ruled: World) -> None:
    ruled.perform("admin", "set_working_hours", "Enterprise:e", Week((Hours(1, 540, 1080),)), **TIGHTENS)
    ruled.write(face("v-admin", "admin", "SEAL_MANAGE", "Enterprise", "e"))
    with pytest.raises(InvalidRequest, match="more than tighten"):
        ruled.perform("admin", "set_working_hours", "Enterprise:e", Week(), verification="v-admin", **TIGHTENS)


def test_the_owner_of_a_company_of_one_writes_the_rules_for_which_they_showed_their_face(world: NewWorld) -> None:
    alone = world(file="sole_owner.yaml", fixture="cypress")
    shown, other = Week((Hours(1, 540, 1080),)), Week((Hours(1, 540, 1440),))
    digest = rules_digest("set_working_hours", "Enterprise", "o", shown)
    alone.write(face("v-rules", "solo", "SEAL_MANAGE", "Enterprise", "o", digest))
    context = {"verification": "v-rules", "digest": digest}
    (step,) = alone.ask("solo", "set_working_hours", "Enterprise:o", digest=digest).next_steps
    assert (step.code, step.parameters["bound_digest"]) == ("VERIFY_FACE", digest)
    # Nor by naming the digest of what was shown.
    with pytest.raises(InvalidRequest, match=r"context\[verification\].*of other rules"):
        alone.perform("solo", "set_working_hours", "Enterprise:o", other, **context)
    # The same rules as those of another act.
    assert alone.codes("solo", "set_working_hours", "Enterprise:o", verification="v-rules", digest="other")
    assert alone.get("IdentityVerification", "v-rules").state == "PASSED"
    assert not alone.get("Enterprise", "o").working_hours
    alone.perform("solo", "set_working_hours", "Enterprise:o", shown, **context)
    assert alone.get("IdentityVerification", "v-rules").state == "CONSUMED"
    assert [hours.to_minute for hours in alone.get("Enterprise", "o").working_hours] == [1080]


def test_a_change_that_is_not_agreed_is_not_used_up(ruled: World) -> None:
    made = ruled.perform("admin", "propose_rule_change", "Enterprise:e", Proposal(RuleKind.PROCESSES, "digest", NOW))
    change = str(made.values["change_id"])
    week = Week((Hours(1, 540, 1080),))
    ruled.perform("second", "set_working_hours", "Enterprise:e", week, change=change, digest="digest", **TIGHTENS)
    assert ruled.get("RuleChange", change).state == "PROPOSED"


def test_days_off_and_amount_bands_are_written(ruled: World) -> None:
    day = NOW // DAY
    ruled.perform("admin", "set_holidays", "Enterprise:e", Days((Day(day), Day(day + 1))), **TIGHTENS)
    assert sorted(each.day for each in ruled.get("Enterprise", "e").holidays) == [day, day + 1]
    with pytest.raises(InvalidRequest, match="more than tighten"):
        ruled.perform("admin", "set_holidays", "Enterprise:e", Days((Day(day),)), **TIGHTENS)
    bands = Bands((Band("CNY", 100, "p"), Band("CNY", 50, "p")))
    assert ruled.codes("admin", "set_amount_bands", "Enterprise:e", **TIGHTENS) == ["RULE_CHANGE_REQUIRED"]
    context = agreed(ruled, "set_amount_bands", "Enterprise:e", bands, "AMOUNT_BANDS")
    ruled.perform("admin", "set_amount_bands", "Enterprise:e", bands, **context)
    assert sorted(band.from_amount for band in ruled.get("Enterprise", "e").amount_bands) == [50, 100]
    other = Bands((Band("CNY", 1, "none"),))
    context = agreed(ruled, "set_amount_bands", "Enterprise:e", other, "AMOUNT_BANDS")
    with pytest.raises(InvalidRequest, match="names no ApprovalProcess"):
        ruled.perform("admin", "set_amount_bands", "Enterprise:e", other, **context)


def test_a_changed_process_is_for_what_comes(ruled: World) -> None:
    rules = ProcessEdit(steps=STEPS)
    context = agreed(ruled, "edit", "ApprovalProcess:p", rules, "PROCESSES")
    ruled.perform("second", "edit", "ApprovalProcess:p", rules, **context)
    ruled.now += HOUR
    other = ProcessEdit(name="用印", steps=(Step((Approver(member="m-user"),)),))
    context = agreed(ruled, "edit", "ApprovalProcess:p", other, "PROCESSES", ruled.now)
    ruled.perform("second", "edit", "ApprovalProcess:p", other, **context)
    steps = ruled.get("ApprovalProcess", "p").steps
    assert sorted((step.valid_from, min(step.valid_to, NOW + DAY)) for step in steps) == [
        (NOW, NOW + HOUR),
        (NOW + HOUR, NOW + DAY),
    ]


def test_a_category_says_who_starts_what(ruled: World) -> None:
    rules = NewCategory("人事", process="p", seals=("s",), members=("m-plain",))
    context = agreed(ruled, "create_category", "Enterprise:e", rules, "CATEGORIES")
    made = ruled.perform("admin", "create_category", "Enterprise:e", rules, **context)
    category_id = str(made.values["category_id"])
    category = f"BusinessCategory:{category_id}"
    assert ruled.ask("plain", "initiate", category)
    assert not ruled.ask("user", "initiate", category)
    ruled.perform("plain", "initiate", category)
    edit = CategoryEdit("人事", CategoryState.DISABLED, members=("m-user",))
    context = agreed(ruled, "edit", category, edit, "CATEGORIES")
    ruled.perform("admin", "edit", category, edit, **context)
    after = ruled.get("BusinessCategory", category_id)
    assert (after.state, after.process_id, len(after.seals)) == ("DISABLED", None, 0)
    assert [each.membership_id for each in after.permissions] == ["m-user"]
    assert ruled.codes("user", "initiate", category) == ["CATEGORY_DISABLED"]


def test_settings_are_a_time_zone_departments_and_roles(ruled: World) -> None:
    rules = Settings("Asia/Urumqi", (DepartmentTerms("采购"),), (CustomRoleTerms("人事", powers=(AdminPower.INVITE,)),))
    context = agreed(ruled, "change_settings", "Enterprise:e", rules, "SETTINGS", NOW + DAY)
    assert ruled.codes("admin", "change_settings", "Enterprise:e", **context) == ["CHANGE_NOT_YET_DUE"]
    ruled.now += DAY
    ruled.perform("admin", "change_settings", "Enterprise:e", rules, **context)
    enterprise = ruled.get("Enterprise", "e")
    assert enterprise.timezone == "Asia/Urumqi"
    assert [department.name for department in enterprise.departments] == ["采购"]
    assert [power.power for role in enterprise.custom_roles for power in role.powers] == ["INVITE"]


@pytest.mark.parametrize(
    ("old", "new", "tightens"),
    [
        ({}, {(1, 0): 10}, True),
        ({}, {}, True),
        ({(1, 0): 10}, {}, False),
        ({(1, 0): 10}, {(1, 2): 8}, True),
        ({(1, 0): 10}, {(1, 0): 10, (2, 0): 1}, False),
        ({(1, 0): 10, (1, 10): 20}, {(1, 5): 15}, True),
        ({(1, 0): 10}, {(1, 5): 15}, False),
    ],
)
def test_hours_tighten_within_the_old_ones(old: Any, new: Any, tightens: bool) -> None:
    assert hours_tighten(old, new) is tightens


FREE, WORK = ("HOLIDAY", None), ("WORKDAY", 5)


@pytest.mark.parametrize(
    ("old", "new", "tightens"),
    [
        ({}, {1: FREE}, True),
        ({}, {1: WORK}, False),
        ({1: FREE}, {}, False),
        ({1: WORK}, {1: FREE}, True),
        ({1: WORK}, {}, False),
        ({1: WORK}, {1: ("WORKDAY", 6)}, False),
        ({1: FREE, 2: WORK}, {1: FREE, 2: WORK, 3: FREE}, True),
    ],
)
def test_days_tighten_by_being_free(old: Any, new: Any, tightens: bool) -> None:
    assert days_tighten(old, new) is tightens


def test_the_digest_of_rules_is_pinned() -> None:
    rules = Days((Day(20_000, DayKind.WORKDAY, 5),))
    said = '{"day":20000,"kind":"WORKDAY","weekday":5}'
    text = f'{{"action":"set_holidays","arguments":{{"days":[{said}]}},"resource":"Enterprise:e"}}'
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    assert rules_digest("set_holidays", "Enterprise", "e", rules) == digest


def test_a_resolution_is_recorded_by_one_and_confirmed_by_another(world: NewWorld) -> None:
    here = world("there is a second administrator")
    given = NewResolution(ResolutionKind.SELF_DEALING, NOW - HOUR, NOW + DAY)
    context = {"source": "BOARD", "contract": "c", "beneficiary": "user"}
    made = here.perform("admin", "record_resolution", "Enterprise:e", given, **context)
    resolution_id = str(made.values["resolution_id"])
    resolution = f"BoardResolution:{resolution_id}"
    assert here.get("BoardResolution", resolution_id).bound_digest == "digest-1"
    assert here.codes("admin", "countersign", resolution)
    here.perform("second", "countersign", resolution)
    assert here.get("BoardResolution", resolution_id).confirmed_by_id == "second"
    here.perform("admin", "withdraw", resolution)
    assert here.get("BoardResolution", resolution_id).state == "WITHDRAWN"
    assert here.codes("admin", "withdraw", resolution) == ["RESOLUTION_NOT_OPEN"]


def test_the_representatives_consent_needs_nobody_else(world: NewWorld) -> None:
    here = world()
    given = NewResolution(ResolutionKind.SELF_DEALING, NOW, NOW + DAY)
    context = {"source": "LEGAL_REP", "contract": "c", "beneficiary": "user"}
    made = here.perform("boss", "record_resolution", "Enterprise:e", given, **context)
    assert here.get("BoardResolution", str(made.values["resolution_id"])).source == "LEGAL_REP"
    assert here.events == []
    with pytest.raises(InvalidRequest, match="in the past"):
        here.perform(
            "boss", "record_resolution", "Enterprise:e", NewResolution(given.kind, NOW + 1, NOW + DAY), **context
        )
