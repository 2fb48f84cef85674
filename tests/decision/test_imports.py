"""Decisions while facts are imported: nothing about what is shut, and nothing else is any different."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.question import ListQuery
from sealauthz.demo.facts import opening_facts
from sealauthz.errors import CallerNotPermitted
from sealauthz.facts import Batch, Part, Put, Store, Unit, UnitKind, World
from sealauthz.facts.rows import RecordRows
from sealauthz.facts.units import homes_of
from sealauthz.polar.walks import Root

NOW = 1_790_000_000_000_000
RECORDS = opening_facts(NOW)
ENTERPRISES = sorted(record.id for record in RECORDS if type(record).__name__ == "Enterprise")
PERSONS = sorted(record.id for record in RECORDS if type(record).__name__ == "Person")
HOMES = homes_of(RECORDS, RecordRows(RECORDS))
SHUT = (False, ("FACT_UNAVAILABLE",))

Asked = tuple[str, str, str, str]
Answer = tuple[bool, tuple[str, ...]]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load()


@pytest.fixture
def filled(store: Store) -> Store:
    store.write(Batch("test", "facts", tuple(map(Put, RECORDS))))
    return store


@pytest.fixture
def pdp(filled: Store, bundle: Bundle) -> PolicyDecisionPoint:
    return PolicyDecisionPoint(World(filled), bundle, lambda: NOW)


def answers(pdp: PolicyDecisionPoint) -> Iterator[tuple[Asked, Answer]]:
    """What every person may do to every record, with a task where the seal is used for one."""
    for record in RECORDS:
        record_type = type(record).__name__
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
        at_home = {asked for asked in during if HOMES[asked[:2]] == Unit(UnitKind.ENTERPRISE, enterprise_id)}
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
            records = [Entity(record_type, record.id) for record in RECORDS if type(record).__name__ == record_type]
            allowed = {(p.id, r.id) for p in people for r in records if pdp.decide(Question(p, action, r))}
            by_person = {(p.id, found) for p in people for found in listed(pdp, Root.SUBJECT, p, action, record_type)}
            by_record = {(found, r.id) for r in records for found in listed(pdp, Root.RESOURCE, r, action, "Person")}
            assert by_person == by_record == allowed
        filled.import_part("test", Part(enterprise_id, frozenset({enterprise_id}), 2, is_last=True))


def test_the_record_of_a_context_is_looked_for_as_well(pdp: PolicyDecisionPoint, filled: Store) -> None:
    use = Question(Entity("Person", "p-zhou"), "use", Entity("Seal", "seal-official"), {"task": "task-paper"})
    task = next(record for record in RECORDS if record.id == "task-paper")
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
        for ask in (pdp.decide, pdp.explain):
            with pytest.raises(CallerNotPermitted):
                ask(question, lambda enterprise_id: enterprise_id == "e-qinghe")
