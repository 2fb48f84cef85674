"""An explanation names, for each requirement, how it came out and the rules behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scene import BUNDLE, SIGNING, Scene, question

from sealauthz.decision import Explanation, Standing
from sealauthz.decision.folder import installed_folder
from sealauthz.decision.plan import Plan


def explain(scene: Scene, subject: str = "user", **context: str) -> Explanation:
    return scene.pdp().explain(question(subject, "use", ("Seal", "s"), **context))


def test_every_requirement_of_the_action_is_told_in_the_order_of_the_bundle() -> None:
    explanation = explain(Scene(), **SIGNING)
    assert [outcome.requirement for outcome in explanation.requirements] == list(
        BUNDLE.rulebook.requirements["use", "Seal"]
    )
    assert {outcome.standing for outcome in explanation.requirements} == {Standing.MET}


def test_an_unmet_requirement_names_its_reason_and_the_rule_behind_it() -> None:
    explanation = explain(Scene().change("SealGrant", "g-user", used=10), **SIGNING)
    outcome = next(o for o in explanation.requirements if o.requirement == "SEAL_AUTHORITY")
    assert outcome.standing == Standing.UNMET
    assert outcome.reasons == ("USE_LIMIT_EXHAUSTED",)
    assert {rule.rules for rule in outcome.because} == {("U-06",)}
    assert {rule.file for rule in outcome.tried} == {"seal_use.polar"}
    assert {rule.file for rule in outcome.because} == {"authority.polar"}


def test_where_no_because_holds_the_otherwise_is_the_rule_behind_the_reason() -> None:
    explanation = explain(Scene().drop("SealGrant", "g-user"), **SIGNING)
    outcome = next(o for o in explanation.requirements if o.requirement == "SEAL_AUTHORITY")
    assert outcome.reasons == ("NO_SEAL_GRANT",)
    (rule,) = outcome.because
    assert (rule.file, rule.head) == ("reasons.polar", 'otherwise("SEAL_AUTHORITY", "NO_SEAL_GRANT")')


def test_file_and_line_point_at_the_rule() -> None:
    explanation = explain(Scene().drop("SealGrant", "g-user"), **SIGNING)
    for outcome in explanation.requirements:
        for rule in (*outcome.tried, *outcome.because):
            line = (Path(installed_folder()) / rule.file).read_text(encoding="utf-8").splitlines()[rule.line - 1]
            assert line.startswith(rule.head.split("(")[0] + "(")


def test_a_waived_requirement_says_so() -> None:
    explanation = explain(Scene().change("Seal", "s", kind="DEPARTMENT"), task="t")
    assert explanation.decision
    outcome = next(o for o in explanation.requirements if o.requirement == "FRESH_FACE")
    assert outcome.standing == Standing.WAIVED
    assert [rule.head.split("(")[0] for rule in outcome.tried] == ["waived"]


def test_the_decision_and_what_is_told_about_it_ask_for_the_reasons_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    because = Plan.because

    def counted(plan: Plan, requirement: str) -> Any:
        asked.append(requirement)
        return because(plan, requirement)

    monkeypatch.setattr(Plan, "because", counted)
    explanation = explain(Scene().change("SealGrant", "g-user", used=10), **SIGNING)
    unmet = [each.requirement for each in explanation.requirements if each.standing == Standing.UNMET]
    assert "SEAL_AUTHORITY" in unmet
    assert asked == unmet


def test_what_does_not_exist_has_nothing_to_explain() -> None:
    explanation = Scene().pdp().explain(question("user", "use", ("Seal", "no-such-seal")))
    assert explanation.requirements == ()
