"""The laws of a decision over models that policies have extended: both engines, lists, and what is not declared."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from effort import tries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_scenes import INSTANTS, PEOPLE, asked_scenes
from scene import NOW, Scene, question
from signing_off import sign_off
from test_listing import asked_one_by_one, listed, query_of

from sealauthz.decision import Bundle, Decision, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.bundle import EngineKind
from sealauthz.decision.folder import model_for
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.polar.reach import Root
from sealauthz.schema import Model

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
FOLDERS = (EXAMPLES / "risk-score", EXAMPLES / "blocked-people")
WHOLE = model_for(MODEL, *FOLDERS)
LAW = settings(deadline=None, suppress_health_check=list(HealthCheck))


@dataclasses.dataclass(frozen=True)
class Policies:
    """The shipped policies over the extended model, and those that read what was added, on both engines."""

    shipped: Bundle
    reading: Bundle
    reference: Bundle


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    """Both worked examples in one folder."""
    folder = tmp_path_factory.mktemp("both")
    (folder / "bundle.toml").write_text('extends = "default"\n')
    for source in FOLDERS:
        for path in source.glob("*.polar"):
            (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    texts = [(source / "model.toml").read_text(encoding="utf-8") for source in FOLDERS]
    (folder / "model.toml").write_text("\n".join(texts), encoding="utf-8")
    model = model_for(MODEL, folder)
    assert model is WHOLE
    assert len(sign_off(folder, model)) == 1
    return Policies(Bundle.load(model), Bundle.load(model, folder), Bundle.load(model, folder, EngineKind.OSO))


def point(model: Model, bundle: Bundle, records: list[Any]) -> PolicyDecisionPoint:
    return PolicyDecisionPoint(FactCache.of_records(model, records), bundle, lambda: NOW)


def said(decision: Decision) -> tuple[Any, ...]:
    """What a decision says, but for its own id."""
    return (
        decision.effect,
        decision.reasons,
        decision.next_steps,
        decision.obligations,
        decision.valid_until,
        decision.revision,
    )


@given(asked_scenes())
@settings(LAW, max_examples=tries(25, 600))
def test_what_is_added_changes_no_answer_of_policies_that_do_not_read_it(
    policies: Policies, pair: tuple[Scene, Question]
) -> None:
    scene, asked = pair
    assert said(point(WHOLE, policies.shipped, scene.records).decide(asked)) == said(scene.pdp().decide(asked))


@st.composite
def extended_scenes(draw: st.DrawFn) -> tuple[list[Any], Question]:
    """Random facts and a question, with random values in what was added."""
    scene, asked = draw(asked_scenes())
    records = [
        dataclasses.replace(record, risk_score=draw(st.sampled_from([0, 79, 80, 100])))
        if type(record).__name__ == "Person"
        else record
        for record in map(WHOLE.own, scene.records)
    ]
    people = sorted({*PEOPLE} & {record.id for record in records if type(record).__name__ == "Person"})
    owners = sorted({record.id for record in records if type(record).__name__ == "Enterprise"} & {"e", "f"})
    for number in range(draw(st.integers(0, 3)) if people and owners else 0):
        records.append(
            WHOLE.records["BlockedPerson"](
                f"blocked{number}",
                draw(st.sampled_from(INSTANTS)),
                draw(st.sampled_from(owners)),
                draw(st.sampled_from(people)),
                draw(st.sampled_from(INSTANTS)),
                draw(st.sampled_from(["", "x"])),
                draw(st.sampled_from(["ACTIVE", "LIFTED"])),
            )
        )
    return records, asked


def test_the_values_of_an_entry_stand_where_they_are_meant() -> None:
    entry = WHOLE.records["BlockedPerson"]("b", 1, "e", "user", 2, "", "LIFTED")
    assert (entry.begins_at, entry.enterprise_id, entry.person_id, entry.ends_at) == (1, "e", "user", 2)
    assert (entry.note, entry.state) == ("", "LIFTED")


@given(extended_scenes(), st.sampled_from(Root))
@settings(LAW, max_examples=tries(25, 800))
def test_a_list_is_what_authorize_allows_by_rules_that_read_what_was_added(
    policies: Policies, pair: tuple[list[Any], Question], root: Root
) -> None:
    records, asked = pair
    pdp, query = point(WHOLE, policies.reading, records), query_of(asked, root)
    assert listed(pdp, query) == asked_one_by_one(pdp, query, records)


@given(extended_scenes())
@settings(LAW, max_examples=tries(25, 800))
def test_what_was_added_only_takes_away_here(policies: Policies, pair: tuple[list[Any], Question]) -> None:
    """Both examples tighten: whatever the facts, they allow nothing that the shipped policies deny."""
    records, asked = pair
    if point(WHOLE, policies.reading, records).decide(asked):
        assert point(WHOLE, policies.shipped, records).decide(asked)


@pytest.mark.slow
@given(extended_scenes())
@settings(LAW, max_examples=tries(6, 100))
def test_both_engines_answer_alike(policies: Policies, pair: tuple[list[Any], Question]) -> None:
    records, asked = pair
    options = RequestOptions(caller="in-process")
    ours = point(WHOLE, policies.reading, records).decide(asked, options)
    theirs = point(WHOLE, policies.reference, records).decide(asked, options)
    assert said(ours) == said(theirs)


@pytest.mark.parametrize(
    ("score", "state", "expected"),
    [
        (0, "LIFTED", []),
        (91, "LIFTED", ["HIGH_RISK_NEEDS_APPROVAL"]),
        (0, "ACTIVE", ["PERSON_BLOCKED"]),
        (91, "ACTIVE", ["PERSON_BLOCKED", "HIGH_RISK_NEEDS_APPROVAL"]),
    ],
)
def test_the_rules_do_read_it(policies: Policies, score: int, state: str, expected: list[str]) -> None:
    """Else the laws above would say nothing."""
    records = [
        dataclasses.replace(record, risk_score=score) if record.id == "user" else record
        for record in map(WHOLE.own, Scene().records)
    ]
    records.append(WHOLE.records["BlockedPerson"]("b", 1, "e", "user", NOW + 1, "", state))
    decision = point(WHOLE, policies.reading, records).decide(question("user", "use", ("Seal", "s")))
    added = {"HIGH_RISK_NEEDS_APPROVAL", "PERSON_BLOCKED"}
    assert [reason.code for reason in decision.reasons if reason.code in added] == expected
