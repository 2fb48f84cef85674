"""Asking: many at once, all actions of a resource, and questions that are malformed or outside the caller's right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from scene import BUNDLE, CEDAR_USCC, HOUR, MINUTE, NOW, SIGNING, Scene, codes, question

from sealauthz.decision import Decision, RequestOptions
from sealauthz.decision.question import Entity
from sealauthz.model.records.identity import Person
from sealauthz.model.records.organisation import (
    CertificationMethod,
    CertificationState,
    Enterprise,
    RegistrySnapshot,
    RegistryStatus,
)
from sealauthz.model.records.retrieval import EnterpriseAuthentication
from sealauthz.model.records.signing import InternalReview, PartyConsent, Signatory
from sealauthz.runtime.errors import InvalidRequest

USE = question("user", "use", ("Seal", "s"), **SIGNING)


def test_many_questions_are_answered_in_order_at_one_revision_and_time() -> None:
    bad = question("user", "use", ("Seal", "s"), colour="red")
    answers = Scene().pdp().decide_many([USE, bad, question("plain", "use", ("Seal", "s"), **SIGNING)])
    assert isinstance(answers[0], Decision)
    assert answers[0]
    assert isinstance(answers[1], InvalidRequest)
    assert isinstance(answers[2], Decision)
    assert not answers[2]
    assert {a.evaluated_at for a in answers if isinstance(a, Decision)} == {NOW}
    assert len({a.decision_id for a in answers if isinstance(a, Decision)}) == 2


@pytest.mark.parametrize(
    ("context", "field", "text"),
    [
        ({"now": 1}, "context[now]", "is set by the server"),
        ({"parameters": "x"}, "context[parameters]", "is set by the server"),
        ({"caller": "x"}, "context[caller]", "is set by the server"),
        ({"colour": "red"}, "context[colour]", "is not part of the context of `use`, which is `task`, `verification`"),
        ({"task": 7}, "context[task]", "must be of type str"),
        ({"task": True}, "context[task]", "must be of type str"),
    ],
)
def test_a_context_that_does_not_fit_is_malformed(context: dict[str, object], field: str, text: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        Scene().pdp().decide(question("user", "use", ("Seal", "s"), **context))  # type: ignore[arg-type]
    assert [(v.field, v.description) for v in raised.value.violations] == [(field, text)]


def test_actions_lists_every_action_of_the_type_with_its_decision() -> None:
    decisions = Scene().pdp().actions(Entity("Person", "keeper"), Entity("Seal", "s"), {"task": "t"})
    assert [d.question.action for d in decisions] == list(BUNDLE.actions["Seal"])
    allowed = {d.question.action for d in decisions if d}
    assert allowed == {
        "view",
        "view_attempts",
        "edit",
        "disable",
        "enable",
        "grant",
        "freeze",
        "report_lost",
    }


def test_actions_of_a_type_without_any_says_so() -> None:
    (decision,) = Scene().pdp().actions(Entity("Person", "keeper"), Entity("Person", "user"))
    assert codes(decision) == ["UNKNOWN_TYPE"]


def test_an_enterprise_outside_the_callers_right_is_as_one_that_does_not_exist() -> None:
    options = RequestOptions(may_see=lambda enterprise: enterprise == "f")
    unseen = Scene().pdp().decide(question("user", "use", ("Seal", "s")), options)
    absent = Scene().pdp().decide(question("user", "use", ("Seal", "none")), options)
    assert (unseen.reasons, unseen.valid_until, bool(unseen)) == (absent.reasons, absent.valid_until, False)
    assert codes(unseen) == ["NOT_FOUND"]
    assert Scene().pdp().decide(USE, RequestOptions(may_see=lambda enterprise: enterprise == "e"))


def test_a_task_belongs_to_its_party_not_to_who_sent_the_contract() -> None:
    opening = question("user", "open", ("SigningTask", "t"))
    assert Scene().pdp().decide(opening, RequestOptions(may_see={"e"}.__contains__))
    assert codes(Scene().pdp().decide(opening, RequestOptions(may_see={"f"}.__contains__))) == ["NOT_FOUND"]


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("request_review", Signatory("party-e", "c", "ENTERPRISE", enterprise_id="e")),
        ("decide", InternalReview("review", "party-e")),
        ("withdraw", PartyConsent("consent", "party-e", "TERMINATION", "boss")),
    ],
    ids=["party", "review", "consent"],
)
def test_what_a_party_says_belongs_to_it_and_not_to_the_other_side(action: str, said: Any) -> None:
    scene = Scene().put(said)
    asked = question("user", action, (type(said).__name__, said.id))
    assert codes(scene.pdp().decide(asked, RequestOptions(may_see={"e"}.__contains__))) != ["NOT_FOUND"]
    assert codes(scene.pdp().decide(asked, RequestOptions(may_see={"f"}.__contains__))) == ["NOT_FOUND"]


@pytest.mark.parametrize("seal", ["s", "none"])
@pytest.mark.parametrize("subject", ["user", "stranger", "none"])
def test_an_unknown_id_in_the_context_is_refused_by_its_key(subject: str, seal: str) -> None:
    """It was as if it were not given; and the answer must not depend on whether the rest exists."""
    asked = question(subject, "use", ("Seal", seal), **{**USE.context, "task": "none"})
    pdp = Scene().pdp()
    decision = pdp.decide(asked)
    assert codes(decision) == ["CONTEXT_NOT_FOUND"]
    assert [(step.code, step.parameters) for step in decision.reasons[0].next_steps] == [
        ("CHECK_CONTEXT", {"key": "task"})
    ]
    assert codes(pdp.explain(asked).decision) == ["CONTEXT_NOT_FOUND"]


def test_a_task_of_another_party_in_the_context_is_as_one_that_does_not_exist() -> None:
    asked = question("user", "use", ("Seal", "s"), task="t-f")
    options = RequestOptions(may_see={"e"}.__contains__)
    unseen = Scene().pdp().decide(asked, options)
    absent = Scene().pdp().decide(question("user", "use", ("Seal", "s"), task="none"), options)
    assert not unseen
    assert (unseen.reasons, unseen.valid_until) == (absent.reasons, absent.valid_until)
    assert codes(unseen) == ["CONTEXT_NOT_FOUND"]
    assert codes(Scene().pdp().decide(asked)) == [
        "TASK_NOT_PENDING",
        "NOT_TASK_OPERATOR",
        "SEAL_NOT_PERMITTED_FOR_TASK",
        "FACE_VERIFICATION_REQUIRED",
    ]


def test_what_does_not_exist_is_not_found_whatever_the_callers_right() -> None:
    decision = Scene().pdp().decide(question("user", "use", ("Seal", "none")), RequestOptions(may_see=lambda _: False))
    assert codes(decision) == ["NOT_FOUND"]


def test_a_decision_id_is_a_time_ordered_uuid() -> None:
    ids = [Scene().pdp().decide(USE).decision_id for _ in range(3)]
    assert all(len(i) == 36 and i[14] == "7" and i[19] in "89ab" for i in ids)
    assert [i[:13] for i in ids] == sorted(i[:13] for i in ids)


@pytest.mark.parametrize(
    ("once_anywhere", "expected"), [(0, "FACE_VERIFICATION_REQUIRED"), (1, "ORG_ALREADY_AUTHENTICATED")]
)
def test_an_organisation_is_authenticated_once_in_its_realm_or_in_all(once_anywhere: int, expected: str) -> None:
    elsewhere = Enterprise("p", "雪松贸易", CEDAR_USCC, realm="PRIVATE:plant")
    snapshot = RegistrySnapshot("reg-p", "p", RegistryStatus.EXISTING, fetched_at=NOW - HOUR)
    certification = EnterpriseAuthentication(
        "a-p",
        "p",
        "stranger",
        CertificationMethod.DOCUMENTS,
        NOW - HOUR,
        state=CertificationState.PASSED,
        decided_at=NOW - MINUTE,
        reviewer_id="reviewer",
    )
    scene = Scene().put(elsewhere, snapshot, certification, Person("reviewer"))
    bundle = replace(BUNDLE, parameters=replace(BUNDLE.parameters, authenticated_once_anywhere=once_anywhere))
    decision = scene.pdp(policies=bundle).decide(question("stranger", "authenticate", ("Enterprise", "p")))
    assert codes(decision) == [expected]
