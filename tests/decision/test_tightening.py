"""The law of an enterprise's own rules: they tighten what the policies ask, and never loosen it.

Working hours that are added to others, or a band beside others, change which rule applies; against having no rule at
all they only ever tighten. That is the first law. The second is about what is set where nothing of its kind was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from effort import tries
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_scenes import asked_scenes
from scene import NOW, SIGNING, Scene, codes, grant, question, request

from sealauthz.decision import Question
from sealauthz.model.records.grants import SealRight
from sealauthz.model.records.organisation import Holiday, WorkingHours
from sealauthz.model.records.procedures import AmountBand, ApprovalProcess, BusinessCategory, ProcessStep, StepApprover
from sealauthz.schema import UNLIMITED

LAW = settings(max_examples=tries(120, 2_000), deadline=None, suppress_health_check=list(HealthCheck))

ACTS_OF_USE = frozenset({"use", "auto_use", "emergency_use", "stamp", "carry_out"})

Change = Callable[[Scene], Scene]


def records_of(scene: Scene, record_type: str) -> list[str]:
    """The ids of a scene's records of one type."""
    return [record.id for record in scene.records if type(record).__name__ == record_type]


def without_rules(scene: Scene) -> Scene:
    """The scene without what any enterprise asks for before its seals are used."""
    for record_type in ("AmountBand", "WorkingHours", "Holiday"):
        for record_id in records_of(scene, record_type):
            scene = scene.drop(record_type, record_id)
    for category_id in records_of(scene, "BusinessCategory"):
        scene = scene.change("BusinessCategory", category_id, process_id=None)
    return scene


# --- what an enterprise may set -------------------------------------------------------------------------------------

PROCESS = ApprovalProcess("new-p", "e", "新流程")
STEP = ProcessStep("new-p-1", PROCESS.id)


@st.composite
def rules(draw: st.DrawFn) -> list[Change]:
    """Rules that an enterprise sets, each where it has set nothing of the kind."""
    enterprise = draw(st.sampled_from(["e", "e", "f"]))
    process = ApprovalProcess("new-p", enterprise, "新流程")

    def a_process(scene: Scene) -> Scene:
        return scene.put(process, STEP)

    def a_step(scene: Scene) -> Scene:
        """One step more in every process: at any position, and passed by one or by all of whoever is to be named."""
        for number, process_id in enumerate(records_of(scene, "ApprovalProcess")):
            scene = scene.put(ProcessStep(f"more-{number}", process_id, position, mode))
        return scene

    def a_band(scene: Scene) -> Scene:
        if records_of(scene, "AmountBand"):
            return scene
        return scene.put(process, AmountBand("new-b", enterprise, process.id, currency, from_amount))

    def a_process_of_categories(scene: Scene) -> Scene:
        for category_id in records_of(scene, "BusinessCategory"):
            category = scene.record("BusinessCategory", category_id)
            if category.process_id is None and category.enterprise_id == enterprise:
                scene = scene.put(process).change("BusinessCategory", category_id, process_id=process.id)
        return scene

    def hours(scene: Scene) -> Scene:
        if records_of(scene, "WorkingHours"):
            return scene
        return scene.put(WorkingHours("new-wh", enterprise, weekday, *minutes))

    def a_holiday(scene: Scene) -> Scene:
        return scene if records_of(scene, "Holiday") else scene.put(Holiday("new-hd", enterprise, day))

    position, mode = draw(st.integers(1, 3)), draw(st.sampled_from(["ANY", "ALL"]))
    currency, from_amount = draw(st.sampled_from(["CNY", "USD", ""])), draw(st.sampled_from([0, 2, 200_000, UNLIMITED]))
    weekday, minutes = draw(st.integers(1, 2)), draw(st.sampled_from([(0, 1440), (540, 1080), (1333, 1334)]))
    day = draw(st.sampled_from([20_716, 20_717, 20_718]))
    kinds = [a_process, a_step, a_band, a_process_of_categories, hours, a_holiday]
    return draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4, unique=True))


@st.composite
def uses(draw: st.DrawFn) -> tuple[Scene, Question]:
    """Somebody uses the seal, by a grant or on a request, for a contract that is worth something or not."""
    scene = Scene().put(BusinessCategory("bc", "e", "采购"))
    amount = draw(st.sampled_from([None, 0, 1, 200_000]))
    currency = "" if amount is None else draw(st.sampled_from(["CNY", "USD"]))
    scene = scene.change("Contract", "c", is_monetary=draw(st.booleans()), amount=amount, currency=currency)
    if draw(st.booleans()):
        scene = scene.change("Signatory", "party-e", category_id="bc")
    if draw(st.booleans()):
        scene = scene.put(*request("plain", is_out_of_hours=draw(st.booleans())))
    if draw(st.booleans()):
        scene = scene.put(grant("keeper"), PROCESS, STEP, StepApprover("new-sa", STEP.id, role="SYSTEM_ADMIN"))
    subject = draw(st.sampled_from(["user", "plain", "keeper"]))
    return scene, question(subject, "use", ("Seal", "s"), task="t", verification=f"v-{subject}")


def facts_and_questions() -> st.SearchStrategy[tuple[Scene, Question]]:
    return asked_scenes() | uses()


# --- the laws -------------------------------------------------------------------------------------------------------


@given(st.data())
@LAW
def test_what_an_enterprise_allows_under_its_own_rules_it_allows_without_them(data: st.DataObject) -> None:
    scene, asked = data.draw(facts_and_questions())
    for rule in data.draw(rules()):
        scene = rule(scene)
    # A request that was approved in a process which the rules name is a permission by itself: without these rules, it
    # was put to nobody whom they ask.
    assume(not any(scene.record("SealUseRequest", each).process_id for each in records_of(scene, "SealUseRequest")))
    if scene.pdp().decide(asked):
        bare = without_rules(scene).pdp().decide(asked)
        assert bare, codes(bare)


@given(st.data())
@LAW
def test_setting_a_rule_never_turns_a_deny_into_an_allow(data: st.DataObject) -> None:
    scene, asked = data.draw(facts_and_questions())
    before = scene.pdp().decide(asked)
    for rule in data.draw(rules()):
        scene = rule(scene)
    assert before or not scene.pdp().decide(asked)


@given(st.data())
@LAW
def test_naming_more_approvers_of_a_new_step_lets_nobody_use_a_seal(data: st.DataObject) -> None:
    scene, asked = data.draw(facts_and_questions())
    if asked.action not in ACTS_OF_USE:
        return
    before = scene.pdp().decide(asked)
    position = data.draw(st.integers(1, 3))
    members = sorted({"m-admin", "m-approver"} & set(records_of(scene, "Membership")))
    for number, process_id in enumerate(records_of(scene, "ApprovalProcess")):
        step = ProcessStep(f"more-{number}", process_id, position)
        scene = scene.put(step, *(StepApprover(f"more-{number}-{name}", step.id, name) for name in members))
    assert before or not scene.pdp().decide(asked)


# --- and they do tighten --------------------------------------------------------------------------------------------

VALUABLE = {"is_monetary": True, "amount": 200_000, "currency": "CNY"}


@pytest.mark.parametrize(
    ("set_rule", "reason"),
    [
        (lambda scene: scene.put(PROCESS, AmountBand("b", "e", PROCESS.id, "CNY", 200_000)), "AMOUNT_EXCEEDS_LIMIT"),
        (lambda scene: scene.put(PROCESS, AmountBand("b", "e", PROCESS.id, "USD", 0)), "AMOUNT_CURRENCY_UNSUPPORTED"),
        (lambda scene: scene.put(WorkingHours("wh", "e", 1, 540, 1080)), "OUT_OF_HOURS"),
        (
            lambda scene: scene.put(PROCESS, BusinessCategory("bc", "e", "采购", process_id=PROCESS.id)).change(
                "Signatory", "party-e", category_id="bc"
            ),
            "APPROVAL_REQUIRED",
        ),
    ],
    ids=["a band", "a band in another currency", "working hours", "a category"],
)
def test_a_rule_turns_an_allow_into_a_deny(set_rule: Change, reason: str) -> None:
    scene = Scene().change("Contract", "c", **VALUABLE)
    assert scene.ask("user", "use", ("Seal", "s"), **SIGNING)
    assert codes(set_rule(scene).ask("user", "use", ("Seal", "s"), **SIGNING)) == [reason]


def test_a_step_and_a_holiday_turn_an_allow_into_a_deny() -> None:
    approver = grant("approver", right=SealRight.APPROVE)
    followed = [record for record in request("plain", process_id=PROCESS.id) if record.id != approver.id]
    named = StepApprover("sa", STEP.id, "m-approver")
    open_process = dataclasses.replace(PROCESS, is_open=True)
    scene = Scene().put(open_process, STEP, named, *followed).change("Approval", "qa-plain", step_id=STEP.id)
    asked = question("plain", "use", ("Seal", "s"), task="t", verification="v-plain")
    assert scene.pdp().decide(asked)
    assert not scene.put(ProcessStep("new-p-2", PROCESS.id, 2)).pdp().decide(asked)
    at_work = scene.put(WorkingHours("wh", "e", 1, 0, 1440))
    assert at_work.pdp().decide(asked)
    assert not at_work.put(Holiday("hd", "e", 20_717)).pdp(NOW).decide(asked)
