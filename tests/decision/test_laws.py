"""The laws of a decision: what holds for every policy question, whatever the facts."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import pytest
from effort import EFFORT, Effort, tries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policy_suite import answer_of, asks_by, pairs, point_of
from random_scenes import PEOPLE, asked_scenes, scenes
from scene import BUNDLE, CEDAR_USCC, DAY, NOW, POLICIES, SIGNING, Scene, codes, member, person, question
from second_accounts import COLUMN_OF_THE_ACCOUNT_ALONE, OF_THE_ACCOUNT_ALONE, second_accounts

from sealauthz.decision import Bundle, Decision, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import Case, assemble
from sealauthz.decision.pdp import everything
from sealauthz.decision.policies import Policies
from sealauthz.decision.product_reasons import FACT_UNAVAILABLE, NOT_FOUND, POLICY_ERROR
from sealauthz.decision.questions import NO_PERMISSION
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.model.records.cross_grants import CrossEnterpriseGrant
from sealauthz.model.records.identity import Person
from sealauthz.model.records.membership import Membership, Role, RoleAssignment
from sealauthz.model.records.organisation import Enterprise, OperatingState
from sealauthz.model.records.seals import Seal, SealKind, SealState
from sealauthz.runtime.errors import EvaluationFailed, FactNotLoaded, FactsUnavailable
from sealauthz.schema import Unit, shape_of

LAW = settings(max_examples=tries(80, 1_000), deadline=None, suppress_health_check=list(HealthCheck))


def decide(scene: Scene, asked: Question) -> Decision:
    return scene.pdp().decide(asked)


# --- default deny ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(BUNDLE.actions))
def test_default_deny_where_there_are_no_facts(kind: str) -> None:
    pdp = Scene([]).pdp()
    for action in sorted({action for actions in BUNDLE.actions.values() for action in actions}):
        decision = pdp.decide(question("anybody", action, (kind, "anything")))
        assert not decision, action
        assert codes(decision) == [NOT_FOUND if action in BUNDLE.actions[kind] else "UNKNOWN_ACTION"], action


@given(st.text(max_size=20), st.text(max_size=20))
@LAW
def test_default_deny_of_what_the_policy_does_not_name(action: str, kind: str) -> None:
    if action not in BUNDLE.actions.get(kind, ()):
        assert not Scene().pdp().decide(question("admin", action, (kind, "e")))


def test_an_unknown_type_and_an_unknown_action_have_their_own_reasons() -> None:
    assert codes(Scene().ask("admin", "use", ("Stapler", "s"))) == ["UNKNOWN_TYPE"]
    assert codes(Scene().ask("admin", "use", ("Person", "user"))) == ["UNKNOWN_TYPE"]
    assert codes(Scene().ask("admin", "chew", ("Seal", "s"))) == ["UNKNOWN_ACTION"]


# --- the law of because ---------------------------------------------------------------------------------------------


@given(st.data())
@LAW
def test_no_allow_while_a_because_of_its_requirements_holds(data: st.DataObject) -> None:
    scene, asked = data.draw(asked_scenes())
    if decide(scene, asked):
        assert scene.pdp().needless(asked) == ()


@given(st.data())
@LAW
def test_every_deny_has_a_reason_and_every_reason_a_stage_and_a_next_step(data: st.DataObject) -> None:
    decision = decide(*data.draw(asked_scenes()))
    assert bool(decision.reasons) != bool(decision)
    assert [reason.stage for reason in decision.reasons] == sorted(reason.stage for reason in decision.reasons)
    for reason in decision.reasons:
        assert reason.next_steps
        assert reason.code in BUNDLE.rulebook.reasons
        # The shipped bundle explains every deny itself, whatever the facts.
        assert reason.code not in (POLICY_ERROR, FACT_UNAVAILABLE, NO_PERMISSION)
    if decision:
        assert decision.evaluated_at < decision.valid_until
    else:
        assert decision.obligations == ()


@given(st.data())
@LAW
def test_an_allow_stays_allowed_until_it_lapses(data: st.DataObject) -> None:
    scene, asked = data.draw(asked_scenes())
    decision = decide(scene, asked)
    if decision:
        later = scene.pdp(decision.valid_until - 1).decide(asked)
        assert later, codes(later)


@given(st.data())
@LAW
def test_a_membership_past_its_end_gives_no_more_than_an_ended_one(data: st.DataObject) -> None:
    scene, asked = data.draw(asked_scenes())
    members = [r for r in scene.records if isinstance(r, Membership) and r.id != asked.resource.id]
    gone = data.draw(st.sampled_from(members))
    past = scene.change("Membership", gone.id, state="ACTIVE", ended_at=data.draw(st.sampled_from([NOW, NOW - DAY])))
    if decide(past, asked):
        ended = past.change("Membership", gone.id, state="ENDED", end_reason="RESIGNED")
        decision = decide(ended, asked)
        assert decision, codes(decision)


def test_every_reason_of_the_bundle_has_a_stage_an_audience_and_a_next_step() -> None:
    for code, entry in BUNDLE.rulebook.reasons.items():
        assert 0 <= entry.stage <= 120, code
        assert all(entry.next_steps), code


# --- isolation ------------------------------------------------------------------------------------------------------


@given(st.data())
@LAW
def test_facts_of_one_enterprise_never_change_a_decision_about_another(data: st.DataObject) -> None:
    scene, asked = data.draw(asked_scenes())
    name, other = data.draw(st.sampled_from(_facts_of_another()))
    assert _stays(scene, asked, name, other)


@pytest.mark.timeout(tries(300, 3_600))
def test_facts_of_one_enterprise_never_change_a_policy_test_about_another() -> None:
    changed = [
        (pair.name, name)
        for pair in random.Random(29).sample(pairs(), tries(40, len(pairs())))
        for scene in (pair.given, pair.but(pair.given))
        for name, other in _facts_of_another()
        if not _stays(scene, pair.question, name, other)
    ]
    assert changed == []


def _stays(scene: Scene, asked: Question, name: str, other: Callable[[Scene], Scene]) -> bool:
    """Whether the decision is the same with facts of Cedar Trading added, or is about what is Cedar's own."""
    if _is_of_cedar(scene, asked):
        return True
    before, after = decide(scene, asked), decide(other(scene), asked)
    if name in (asked.subject.id, *_deciders(scene)):
        # What a person is elsewhere may stand in the way, as a conflict of interests: who belongs to the other side
        # decides on nothing that is signed with it, and its own tasks give no standing. It never gives anything.
        return bool(before or not after)
    return (before.effect, before.reasons) == (after.effect, after.reasons)


def _deciders(scene: Scene) -> set[str]:
    """Who decided on something, reviewed it or said it, and who gave a right or an office."""
    persons = {record.id: record.person_id for record in scene.records if isinstance(record, Membership)}
    assigned = [record for record in scene.records if isinstance(record, RoleAssignment)]
    givers = {record.id: persons[record.membership_id] for record in assigned}
    deciders = set()
    for record in scene.records:
        for column in shape_of(type(record)).columns:
            if column.name.endswith(_DECIDES):
                decider = getattr(record, column.name)
                deciders.add(
                    {"Membership": persons, "RoleAssignment": givers}.get(column.ref, {}).get(decider, decider)
                )
    return deciders


_DECIDES = ("_by_id", "reviewer_id", "approver_id", "grantor_id", "representative_id")
"""How the names of the columns end that say who decided."""


def _is_of_cedar(scene: Scene, asked: Question) -> bool:
    """Whether it is about what is Cedar's own, a seal that Cedar holds, or a contract that it sent or is a party of."""
    held = [r for r in scene.records if isinstance(r, CrossEnterpriseGrant) and r.holder_id == "f"]
    if any(asked.resource.id in (grant.id, grant.seal_id) for grant in held):
        return True
    with FactCache.of_records(MODEL, scene.records).read() as snapshot:
        home = snapshot.locate(asked.resource.type, asked.resource.id)[1]
        if home is None or home.kind != "CONTRACT":
            return home == Unit("ENTERPRISE", "f")
        contract = snapshot.find("Contract", home.id)
        return "f" in (contract.initiator_id, *(party.enterprise_id for party in contract.signatories))


def _facts_of_another() -> list[tuple[str, Callable[[Scene], Scene]]]:
    """Changes of the facts of Cedar Trading, by person: each of them in every role there; and Cedar frozen."""

    def everything_at_cedar(name: str) -> Callable[[Scene], Scene]:
        membership = member(name, "f")
        return lambda scene: scene.put(
            membership,
            RoleAssignment(f"r-f-{name}", membership.id, Role.SYSTEM_ADMIN),
            RoleAssignment(f"r2-f-{name}", membership.id, Role.SEAL_ADMIN),
            Seal("s-f", "f", "雪松公章", SealKind.OFFICIAL, SealState.ACTIVE),
        )

    return [
        *((name, everything_at_cedar(name)) for name in PEOPLE),
        ("", lambda scene: scene.change("Enterprise", "f", operating_state=OperatingState.FROZEN)),
    ]


def test_a_parent_enterprise_gives_its_administrator_nothing_in_the_subsidiary() -> None:
    scene = Scene().put(Enterprise("p", "集团", CEDAR_USCC, realm="PRIVATE:p")).change("Enterprise", "e", parent_id="p")
    assert not scene.ask("signer", "invite", ("Enterprise", "e"))


# --- an error is never an allow -------------------------------------------------------------------------------------


class FailingEngine:
    """The real engine, but one rule cannot be evaluated."""

    def __init__(self, rule: str, error: Exception) -> None:
        self._rule = rule
        self._error = error

    def holds(self, rule: str, *arguments: object) -> bool:
        if rule == self._rule:
            raise self._error
        return BUNDLE.engine.holds(rule, *arguments)

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        if rule == self._rule:
            raise self._error
        return BUNDLE.engine.each(rule, *arguments)


def failing(rule: str, error: Exception) -> Bundle:
    return dataclasses.replace(BUNDLE, engine=FailingEngine(rule, error))


@pytest.mark.parametrize(
    "rule", ["allow", "lapses", "visible", "unmet", "because", "has_standing", "parameter", "counted"]
)
@pytest.mark.parametrize(
    ("error", "code"), [(EvaluationFailed("broken"), POLICY_ERROR), (FactNotLoaded("missing"), FACT_UNAVAILABLE)]
)
def test_an_error_is_never_an_allow(rule: str, error: Exception, code: str) -> None:
    bundle = failing(rule, error)
    scene = Scene() if rule in ("allow", "lapses") else Scene().drop("SealGrant", "g-user")
    decision = PolicyDecisionPoint(FactCache.of_records(MODEL, scene.records), bundle, lambda: NOW).decide(
        question("user", "use", ("Seal", "s"), **SIGNING)
    )
    assert not decision
    assert codes(decision) == [code]


def test_a_fact_that_is_not_loaded_denies_even_under_a_negation() -> None:
    """The holds of the seal are unknown: `forall(hold in seal.holds, …)` must not pass for "no holds"."""
    fact_cache = FactCache.of_records(MODEL, Scene().records)
    with fact_cache.read() as snapshot:
        seal = snapshot.find("Seal", "s")
        del seal.holds
        asked = question("user", "use", ("Seal", "s"), **SIGNING)
        case = assemble(MODEL, asked, snapshot, everything, NOW, "", BUNDLE.parameters)
        assert isinstance(case, Case)
        with pytest.raises(FactNotLoaded):
            BUNDLE.engine.holds("allow", case.subject, "use", case.resource, case.context)


def test_facts_that_cannot_be_read_are_no_answer_at_all() -> None:
    class Gone:
        def answer(self, *_asked: Any, **_how: Any) -> Any:
            raise FactsUnavailable("the facts cannot be read")

    pdp = PolicyDecisionPoint(Gone(), BUNDLE, lambda: NOW)
    with pytest.raises(FactsUnavailable):
        pdp.decide(question("user", "use", ("Seal", "s"), **SIGNING))
    with pytest.raises(FactsUnavailable):
        pdp.decide_many([question("user", "use", ("Seal", "s"), **SIGNING)])


def test_a_decision_is_truthy_only_when_it_allows() -> None:
    assert bool(Scene().ask("user", "use", ("Seal", "s"), **SIGNING)) is True
    assert bool(Scene().ask("stranger", "use", ("Seal", "s"), **SIGNING)) is False


# --- what is invisible ----------------------------------------------------------------------------------------------


def test_what_a_stranger_cannot_see_is_answered_like_what_does_not_exist() -> None:
    # What is hidden does not depend on who asks in the test.
    for ask in asks_by(lambda ask: (ask.question.action, ask.question.resource.type, ask.file, ask.expected.effect)):
        asked = ask.question
        if asked.resource.type in ("Enterprise", "Invitation"):
            continue
        pdp = Scene([*ask.facts.records, person("passer-by")]).pdp(ask.now)
        context = {key: value for key, value in asked.context.items() if key != "verification"}
        hidden, missing = (
            pdp.decide(question("passer-by", asked.action, (asked.resource.type, id_), **context))
            for id_ in (asked.resource.id, "no-such-id")
        )
        assert codes(hidden) == codes(missing) == [NOT_FOUND], ask
        assert hidden.next_steps == missing.next_steps


def test_an_unknown_subject_is_answered_like_an_unknown_resource() -> None:
    decision = Scene().ask("nobody", "use", ("Seal", "s"), **SIGNING)
    assert codes(decision) == [NOT_FOUND]


@given(st.data())
@LAW
def test_without_standing_only_gate_reasons_are_given(data: st.DataObject) -> None:
    scene = data.draw(scenes()).put(Person("passer-by", realname_state="VERIFIED", id_hash="x"))
    action = data.draw(st.sampled_from(BUNDLE.actions["Enterprise"]))
    decision = scene.pdp(NOW + DAY).decide(question("passer-by", action, ("Enterprise", "e")))
    assert all(reason.stage <= 40 for reason in decision.reasons), codes(decision)


# --- one human with several accounts ---------------------------------------------------------------------------------


def test_what_another_account_of_the_same_human_did_turns_no_deny_into_an_allow() -> None:
    """It takes a few seconds of CPU: where a rule compares ids alone, nothing else tells."""
    seen: set[object] = set()
    for each in second_accounts():
        kind = each.record_type, each.column, each.question.resource.type
        denied = each.before.pdp(each.now).decide(each.question)
        if denied or (kind in seen and EFFORT is not Effort.THOROUGH):
            continue
        if any((each.record_type, code) in OF_THE_ACCOUNT_ALONE for code in codes(denied)):
            continue
        if any((each.record_type, each.column, code) in COLUMN_OF_THE_ACCOUNT_ALONE for code in codes(denied)):
            continue
        seen.add(kind)
        assert not each.after.pdp(each.now).decide(each.question), (each.name, each.record_type, each.column)
    assert len(seen) > 60


# --- the order of solutions ------------------------------------------------------------------------------------------


class Backwards:
    """An engine that finds everything in the opposite order."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.holds, self.explain = engine.holds, engine.explain

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        return list(reversed(self._engine.each(rule, *arguments)))


def test_the_order_in_which_an_engine_finds_solutions_decides_nothing() -> None:
    backwards = Policies(dataclasses.replace(BUNDLE, engine=Backwards(BUNDLE.engine)))
    for ask in asks_by(answer_of):
        forth, back = (point_of(ask, policies).decide(ask.question) for policies in (POLICIES, backwards))
        assert (forth.effect, forth.reasons, forth.obligations, forth.valid_until) == (
            back.effect,
            back.reasons,
            back.obligations,
            back.valid_until,
        )
