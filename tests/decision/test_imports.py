"""Decisions while facts are imported: nothing about what is shut, and nothing else is any different."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question, RequestOptions
from sealauthz.decision.question import ListQuery
from sealauthz.facts import Batch, FactCache, Part, Put, Store, Unit
from sealauthz.facts.store.rows import RecordRows
from sealauthz.model import MODEL
from sealauthz.model.records.signing import TaskOperator, TaskState
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.polar.reach import Root
from sealauthz.runtime.errors import FactConflict, InvalidRequest, InvariantBroken
from sealauthz.schema import shape_of

NOW = 1_790_000_000_000_000
FACTS = opening_facts(NOW)
ENTERPRISES = sorted(record.id for record in FACTS if type(record).__name__ == "Enterprise")
PERSONS = sorted(record.id for record in FACTS if type(record).__name__ == "Person")
HOMES = MODEL.units.homes_of(FACTS, RecordRows(FACTS))
ALL_TYPES = frozenset(type(record).__name__ for record in FACTS)
KINDS = ("Membership", "Enterprise", "SigningTask")
SHUT = (False, ("FACT_UNAVAILABLE",))

Asked = tuple[str, str, str, str]
Answer = tuple[bool, tuple[str, ...]]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(MODEL)


@pytest.fixture
def filled(store: Store) -> Store:
    store.write(Batch("test", "facts", tuple(map(Put, FACTS))))
    return store


@pytest.fixture
def pdp(filled: Store, bundle: Bundle) -> PolicyDecisionPoint:
    return PolicyDecisionPoint(FactCache(filled), bundle, lambda: NOW)


def answers(pdp: PolicyDecisionPoint, kinds: Collection[str] = ALL_TYPES) -> Iterator[tuple[Asked, Answer]]:
    """What every person may do to every record of some types, with a task where the seal is used for one."""
    for record in FACTS:
        record_type = type(record).__name__
        if record_type not in kinds:
            continue
        for person in PERSONS if pdp.bundle.actions.get(record_type) else ():
            context = {"task": "task-paper"} if record_type == "Seal" else {}
            for decision in pdp.actions(Entity("Person", person), Entity(record_type, record.id), context):
                codes = tuple(reason.code for reason in decision.reasons)
                yield (record_type, record.id, person, decision.question.action), (bool(decision), codes)


def test_a_question_is_answered_as_ever_or_not_at_all(pdp: PolicyDecisionPoint, filled: Store) -> None:
    """Law: an answer is that of before or, as for all that is at home where it is shut, FACT_UNAVAILABLE."""
    before = dict(answers(pdp))
    assert any(is_allowed for is_allowed, _ in before.values())
    for enterprise_id in ENTERPRISES:
        shut, name = frozenset({enterprise_id}), f"import {enterprise_id}"
        filled.import_part("test", Part(name, shut, 1))
        during = dict(answers(pdp))
        assert during.keys() == before.keys()
        assert {during[asked] for asked in during if during[asked] != before[asked]} == {SHUT}
        at_home = {asked for asked in during if HOMES[asked[:2]] == Unit("ENTERPRISE", enterprise_id)}
        assert {during[asked] for asked in at_home} == {SHUT}
        assert any(is_allowed for is_allowed, _ in during.values()), "the others go on"
        filled.import_part("test", Part(name, shut, 2, is_last=True))
        assert dict(answers(pdp)) == before


def listed(pdp: PolicyDecisionPoint, root: Root, known: Entity, action: str, sought: str) -> set[str]:
    page = pdp.list_page(ListQuery(root, known, action, sought, {}))
    assert not page.next_page_token
    return set(page.ids)


def test_a_list_is_what_is_allowed_while_an_enterprise_is_shut_too(pdp: PolicyDecisionPoint, filled: Store) -> None:
    people = [Entity("Person", person) for person in PERSONS]
    for enterprise_id in ENTERPRISES:
        filled.import_part("test", Part(enterprise_id, frozenset({enterprise_id}), 1))
        for action, record_type in (("view", "Seal"), ("join", "Enterprise"), ("use", "Seal")):
            records = [Entity(record_type, record.id) for record in FACTS if type(record).__name__ == record_type]
            allowed = {(p.id, r.id) for p in people for r in records if pdp.decide(Question(p, action, r))}
            by_person = {(p.id, found) for p in people for found in listed(pdp, Root.SUBJECT, p, action, record_type)}
            by_record = {(found, r.id) for r in records for found in listed(pdp, Root.RESOURCE, r, action, "Person")}
            assert by_person == by_record == allowed
        filled.import_part("test", Part(enterprise_id, frozenset({enterprise_id}), 2, is_last=True))


def test_the_record_of_a_context_is_looked_for_as_well(pdp: PolicyDecisionPoint, filled: Store) -> None:
    use = Question(Entity("Person", "p-zhou"), "use", Entity("Seal", "seal-official"), {"task": "task-paper"})
    task = next(record for record in FACTS if record.id == "task-paper")
    filled.import_part("test", Part("i", frozenset({"e-new"}), 1), [task])
    assert pdp.decide(use).reasons[0].code != "FACT_UNAVAILABLE", "what is as it was is no change, and not shut"
    filled.import_part("test", Part("i", frozenset({"e-new"}), 2), [replace(task, state="SIGNED")])
    assert [reason.code for reason in pdp.decide(use).reasons] == ["FACT_UNAVAILABLE"]
    assert [reason.code for reason in pdp.explain(use).decision.reasons] == ["FACT_UNAVAILABLE"]


def test_who_may_not_ask_about_an_enterprise_is_not_told_that_it_is_imported(
    pdp: PolicyDecisionPoint, filled: Store
) -> None:
    filled.import_part("test", Part("i", frozenset({"e-yunshan"}), 1))
    for action, resource in (("view", Entity("Seal", "seal-official")), ("join", Entity("Enterprise", "e-yunshan"))):
        question = Question(Entity("Person", "p-zhou"), action, resource)
        options = RequestOptions(may_see=lambda tenant: tenant == "e-qinghe")
        for decision in (pdp.decide(question, options), pdp.explain(question, options).decision):
            assert [reason.code for reason in decision.reasons] == ["NOT_FOUND"]


# --- persons, who are known to what is shut ---------------------------------------------------------------------------


def test_a_person_is_not_decided_about_between_one_task_and_the_next(filled: Store, bundle: Bundle) -> None:
    """The task that stands in the way of leaving ends in one part, and the one after it comes in the next."""
    pdp = PolicyDecisionPoint(FactCache(filled), bundle, lambda: NOW)
    leave = [
        Question(Entity("Person", person), action, Entity("Membership", "m-zhou"))
        for person, action in (("p-zhou", "resign"), ("p-chen", "end"))
    ]
    task = next(record for record in FACTS if record.id == "task-cartons")
    assert not any(pdp.decide(question) for question in leave)
    assert any(reason.code != "FACT_UNAVAILABLE" for question in leave for reason in pdp.decide(question).reasons)
    shut = frozenset({"e-qinghe"})
    filled.import_part("test", Part("i", shut, 1), [replace(task, state="VOIDED")])
    cold = PolicyDecisionPoint(FactCache(filled), bundle, lambda: NOW)
    for question in leave:
        for ours in (pdp, cold):
            assert [reason.code for reason in ours.decide(question).reasons] == ["FACT_UNAVAILABLE"]
    successor = replace(task, id="task-cartons-2")
    filled.import_part(
        "test", Part("i", shut, 2, is_last=True), [successor, TaskOperator("op2", successor.id, "p-zhou")]
    )
    for question in leave:
        codes = [reason.code for reason in pdp.decide(question).reasons]
        assert codes
        assert "FACT_UNAVAILABLE" not in codes


def tweaked(record: Any, rng: random.Random) -> Any:
    """A record with one other value, if it is of the kinds that stand in somebody's way or open one."""
    record_type = type(record).__name__
    if record_type == "SigningTask":
        other = {"state": rng.choice(list(TaskState))}, {"handler_id": rng.choice(PERSONS)}
        return replace(record, **rng.choice(other))
    if record_type == "TaskOperator":
        return replace(record, person_id=rng.choice(PERSONS))
    if record_type in ("Person", "RoleAssignment", "SealGrant", "JoinApplication", "PlatformStaff", "Seal"):
        column = "realname_state" if record_type == "Person" else "state"
        words = shape_of(type(record)).column(column).words or ()
        return replace(record, **{column: rng.choice(sorted(words))})
    return record


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_allowed_in_an_import_that_is_denied_before_and_after(
    filled: Store, bundle: Bundle, seed: int
) -> None:
    """Law: for an import of random changes, one a part, in any order."""
    rng = random.Random(seed)
    pdp = PolicyDecisionPoint(FactCache(filled), bundle, lambda: NOW)

    def allowed() -> set[Asked]:
        return {asked for asked, (is_allowed, _) in answers(pdp, KINDS) if is_allowed}

    def part(*records: Any, **more: Any) -> None:
        filled.import_part("test", Part("i", frozenset({"e-qinghe"}), len(states), **more), records)

    states = [allowed()]
    for record in rng.sample(FACTS, len(FACTS)):
        new = tweaked(record, rng)
        if new == record or len(states) > 6:
            continue
        with suppress(InvariantBroken, FactConflict, InvalidRequest):
            part(new)
            states.append(allowed())
    before, *during = states
    assert during
    try:
        part(is_last=True)
    except InvariantBroken:
        return  # it stays shut, and there is no state after it
    after = before | allowed()
    for some in during:
        assert some <= after
