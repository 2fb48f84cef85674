"""Lists that except requirements hold what these alone keep from being allowed, and never pass for a permission."""

from __future__ import annotations

import dataclasses

import pytest
from effort import EFFORT, Effort, tries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policy_suite import asks, point_of
from random_scenes import asked_scenes
from scene import BUNDLE, NOW, SIGNING, Scene
from test_laws import failing
from test_listing import CALLER, asked_one_by_one, listed, pages, query_of

from sealauthz.decision import Entity, PolicyDecisionPoint, Question, RequestOptions
from sealauthz.decision.assembly import Case, Within
from sealauthz.decision.checking import attributes, compiled_from
from sealauthz.decision.evaluation import Evaluation
from sealauthz.decision.paging import Paging
from sealauthz.decision.plan import Asker, Plan
from sealauthz.decision.product_reasons import NOT_FOUND, PRODUCT_REASONS
from sealauthz.decision.question import ListQuery
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.polar import Source, admit, rulebook_of
from sealauthz.polar.parse import parse
from sealauthz.polar.reach import Root
from sealauthz.runtime.errors import EvaluationFailed, InvalidRequest

LAW = settings(max_examples=tries(60, 800), deadline=None, suppress_health_check=list(HealthCheck))
USABLE = ListQuery(Root.SUBJECT, Entity("Person", "user"), "use", "Seal", {"task": "t"})
REQUIREMENTS = BUNDLE.rulebook.requirements

Found = list[tuple[str, tuple[str, ...]]]


def but_for(query: ListQuery, *exceptions: str) -> ListQuery:
    return dataclasses.replace(query, except_requirements=exceptions)


def explained(pdp: PolicyDecisionPoint, question: Question, exceptions: frozenset[str]) -> tuple[str, ...] | None:
    """What a question lacks, by its explanation and each rule alone; None where more is in the way."""
    explanation = pdp.explain(question)
    if explanation.decision:
        return ()
    unmet = tuple(item.requirement for item in explanation.requirements if item.standing == "UNMET")
    if not unmet or not exceptions.issuperset(unmet):
        return None
    if any(NOT_FOUND in item.reasons for item in explanation.requirements):
        return None
    with pdp._fact_cache.read() as snapshot:
        case = Evaluation(pdp.policies.newest, snapshot, NOW, RequestOptions(caller=CALLER)).case(question)
    assert isinstance(case, Case)
    engine, of_case = BUNDLE.engine, (case.subject, case.resource, case.context)
    is_told = engine.holds("visible", *of_case) and engine.holds("has_standing", *of_case)
    return unmet if is_told and engine.holds("has_permission", case.subject, question.action, case.resource) else None


def expected(pdp: PolicyDecisionPoint, query: ListQuery, scene: Scene) -> Found:
    ids = sorted(record.id for record in scene.records if type(record).__name__ == query.sought)
    found = ((id_, explained(pdp, query.about(id_), query.exceptions)) for id_ in ids)
    return [(id_, lacking) for id_, lacking in found if lacking is not None]


def conditional(pdp: PolicyDecisionPoint, query: ListQuery, size: int = 0) -> Found:
    found = [item for page in pages(pdp, query, size) for item in page.items]
    return [(item.id, item.still_required) for item in found]


@given(asked_scenes(), st.sampled_from(Root), st.sampled_from([0, 1, 2]), st.data())
@LAW
def test_a_list_holds_what_only_the_exceptions_keep_from_being_allowed(
    pair: tuple[Scene, Question], root: Root, size: int, data: st.DataObject
) -> None:
    scene, asked = pair
    pdp = scene.pdp()
    requirements = REQUIREMENTS[asked.action, asked.resource.type]
    # What the question itself lacks is taken half of the time: at random, the exceptions rarely are all that is unmet.
    lacking = [item.requirement for item in pdp.explain(asked).requirements if item.standing == "UNMET"]
    exceptions = data.draw(st.sets(st.sampled_from(requirements), max_size=3))
    if lacking and data.draw(st.booleans()):
        exceptions |= set(lacking)
    query = but_for(query_of(asked, root), *sorted(exceptions))
    if exceptions:
        assert conditional(pdp, query, size) == expected(pdp, query, scene)
        plain = asked_one_by_one(pdp, dataclasses.replace(query, except_requirements=()), scene.records)
        assert [id_ for id_, lacking in conditional(pdp, query) if not lacking] == plain


def test_for_each_requirement_alone_the_lists_of_both_sides_hold_what_lacks_it() -> None:
    tried, seen = set(), set()
    for ask in asks():
        asked, reasons = ask.question, ask.expected.reasons or ()
        key = (asked.resource.type, *reasons)
        if len(reasons) != 1 or reasons[0] in PRODUCT_REASONS or key in tried:
            continue
        tried.add(key)
        pdp = point_of(ask)
        # An explanation is dear, and compiles what traces; it is asked for where the one requirement may be all.
        if len(pdp.unmet(asked) or ()) != 1:
            continue
        unmet = explained(pdp, asked, frozenset(REQUIREMENTS[asked.action, asked.resource.type]))
        if unmet is not None and len(unmet) == 1:
            seen.add((asked.action, asked.resource.type, *unmet))
            # Each list is planned for its own exceptions, which takes long: the sides take turns.
            for root in [*Root] if EFFORT is Effort.THOROUGH else [[*Root][len(seen) % 2]]:
                found = dict(conditional(pdp, but_for(query_of(asked, root), *unmet)))
                assert found[asked.resource.id if root is Root.SUBJECT else asked.subject.id] == unmet
    assert len(seen) > 100


def test_a_seal_that_lacks_the_face_check_is_listed_but_for_it_only() -> None:
    pdp = Scene().pdp()
    assert conditional(pdp, but_for(USABLE, "FRESH_FACE")) == [("s", ("FRESH_FACE",))]
    assert listed(pdp, USABLE) == []
    assert conditional(pdp, but_for(dataclasses.replace(USABLE, context=SIGNING), "FRESH_FACE")) == [("s", ())]
    assert conditional(pdp, but_for(USABLE, "SEAL_USABLE")) == []
    frozen = Scene().change("Seal", "s", state="DISABLED").pdp()
    assert conditional(frozen, but_for(USABLE, "FRESH_FACE")) == []


def test_without_a_permission_exceptions_list_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of permissions is no requirement: who may not in principle is not listed, whatever is excepted."""
    query = but_for(USABLE, *REQUIREMENTS["use", "Seal"])
    assert conditional(Scene().pdp(), query) == [("s", ("FRESH_FACE",))]
    asker = Plan._asker

    def without_permission(plan: Plan, rule: str, *likes: object) -> Asker:
        return (lambda *_: False) if rule == "has_permission" else asker(plan, rule, *likes)

    monkeypatch.setattr(Plan, "_asker", without_permission)
    # With plans of its own: those of others are made already.
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records), BUNDLE, lambda: NOW)
    assert conditional(pdp, query) == []


def test_a_person_without_standing_learns_nothing_of_a_seal() -> None:
    every = REQUIREMENTS["use", "Seal"]
    for query in (
        ListQuery(Root.SUBJECT, Entity("Person", "stranger"), "use", "Seal"),
        ListQuery(Root.SUBJECT, Entity("Person", "signer"), "use", "Seal"),
    ):
        assert conditional(Scene().pdp(), but_for(query, *every)) == []


def test_a_page_that_excepts_requirements_does_not_pass_for_a_permission() -> None:
    page = Scene().pdp().list_page(but_for(USABLE, "FRESH_FACE"))
    with pytest.raises(ValueError, match="is no permission"):
        page.answer()
    answer = page.conditional_answer()
    assert not hasattr(answer, "ids")
    assert answer.except_requirements == ("FRESH_FACE",)
    assert [(item.id, bool(item)) for item in answer.items] == [("s", False)]
    assert page.valid_until == NOW + BUNDLE.parameters.deny_valid_for


def test_a_token_is_for_its_exceptions_only() -> None:
    pdp = Scene().pdp()
    viewers = ListQuery(Root.RESOURCE, Entity("Seal", "s"), "view", "Person")
    options = RequestOptions(caller=CALLER)
    token = pdp.list_page(but_for(viewers, "MEMBER"), Paging(1), options).next_page_token
    assert pdp.list_page(but_for(viewers, "MEMBER", "MEMBER"), Paging(1, token), options)
    for other in (viewers, but_for(viewers, "ACCOUNT_ACTIVE"), but_for(viewers, "MEMBER", "ACCOUNT_ACTIVE")):
        with pytest.raises(InvalidRequest, match="is not a page token of this query"):
            pdp.list_page(other, Paging(1, token), options)
    plain = pdp.list_page(viewers, Paging(1), options).next_page_token
    with pytest.raises(InvalidRequest, match="is not a page token of this query"):
        pdp.list_page(but_for(viewers, "MEMBER"), Paging(1, plain), options)


def test_an_unknown_exception_is_refused_with_the_near_one() -> None:
    pdp = Scene().pdp()
    with pytest.raises(InvalidRequest) as caught:
        pdp.list_page(but_for(USABLE, "MEMBER", "FRESH_FAZE"))
    (violation,) = caught.value.violations
    assert violation.field == "except_requirements[1]"
    assert violation.description == "is not a requirement of `use` on Seal; did you mean `FRESH_FACE`?"
    with pytest.raises(InvalidRequest, match="is not a requirement of an action on Seal; did you mean `FRESH_FACE`"):
        pdp.actions_except(Entity("Person", "user"), Entity("Seal", "s"), ["FRESH_FAZE"])
    with pytest.raises(InvalidRequest, match="did you mean `Seal`"):
        pdp.actions_except(Entity("Person", "user"), Entity("Seel", "s"), ["FRESH_FACE"])


@given(asked_scenes(), st.data())
@LAW
def test_actions_but_for_requirements_are_those_of_the_lists(pair: tuple[Scene, Question], data: st.DataObject) -> None:
    scene, asked = pair
    pdp, actions = scene.pdp(), BUNDLE.actions[asked.resource.type]
    known = sorted({name for action in actions for name in REQUIREMENTS[action, asked.resource.type]})
    exceptions = sorted(data.draw(st.sets(st.sampled_from(known), min_size=1, max_size=12)))
    found = pdp.actions_except(asked.subject, asked.resource, exceptions, asked.context).items
    for action in actions:
        keys = BUNDLE.context_keys(action, asked.resource.type)
        fitting = {key: value for key, value in asked.context.items() if key in keys}
        question = Question(asked.subject, action, asked.resource, fitting)
        lacking = explained(pdp, question, frozenset(exceptions))
        assert [item.still_required for item in found if item.id == action] == ([] if lacking is None else [lacking])


def test_an_error_lists_nothing() -> None:
    fact_cache = FactCache.of_records(MODEL, Scene().records)
    for rule in ("allow", "unmet", "visible", "has_standing", "has_permission"):
        pdp = PolicyDecisionPoint(fact_cache, failing(rule, EvaluationFailed("broken")), lambda: NOW)
        assert conditional(pdp, but_for(USABLE, "FRESH_FACE")) == []


def test_what_the_caller_may_not_see_is_not_listed() -> None:
    pdp = Scene().pdp()
    query = but_for(ListQuery(Root.SUBJECT, Entity("Person", "user"), "view", "Seal"), "MEMBER")
    assert "s" in [id_ for id_, _ in conditional(pdp, query)]
    options = RequestOptions(Within(frozenset({"f"})), CALLER)
    assert pdp.list_page(query, options=options).ids == ()
    about_a_seal = but_for(ListQuery(Root.RESOURCE, Entity("Seal", "s"), "view", "Person"), "MEMBER")
    assert pdp.list_page(about_a_seal, options=options).ids == ()
    absent = pdp.actions_except(Entity("Person", "user"), Entity("Seal", "none"), ["MEMBER"], options=options)
    unseen = pdp.actions_except(Entity("Person", "user"), Entity("Seal", "s"), ["MEMBER"], options=options)
    assert unseen.items == absent.items == ()


KEPT = """
resource Seal { permissions = ["admire"]; }
visible(_: Person, _: Seal, _);
has_standing(_: Person, _: Seal, _);
has_permission(_: Person, "admire", _: Seal);
requires("admire", _: Seal, "KEPT");
otherwise("KEPT", "NOT_SEAL_ADMIN");
meets(person: Person, "KEPT", "admire", seal: Seal, _) if seal.custodian.person_id = person.id;
requires("admire", _: Seal, "ALIVE");
otherwise("ALIVE", "SEAL_REVOKED");
meets(_: Person, "ALIVE", "admire", seal: Seal, _) if seal.state = "ACTIVE";
"""


@pytest.mark.parametrize("root", Root)
def test_what_an_excepted_requirement_links_does_not_narrow_the_list(root: Root) -> None:
    sources = (*BUNDLE.sources, Source("kept.polar", KEPT))
    statements = tuple(statement for source in sources for statement in admit(source, attributes(MODEL)))
    engine = compiled_from(MODEL, tuple(node for source in sources for node in parse(source)))
    bundle = dataclasses.replace(
        BUNDLE,
        digest="kept",
        sources=sources,
        read_statements=lambda: statements,
        rulebook=rulebook_of(statements, PRODUCT_REASONS),
        engine=engine,
    )
    scene = Scene().change("Seal", "s", custodian_id="m-keeper")
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, scene.records), bundle, lambda: NOW)
    known = Entity("Person", "plain") if root is Root.SUBJECT else Entity("Seal", "s")
    query = ListQuery(root, known, "admire", "Seal" if root is Root.SUBJECT else "Person")
    about = "s" if root is Root.SUBJECT else "plain"
    assert about not in listed(pdp, query)
    assert dict(conditional(pdp, but_for(query, "KEPT")))[about] == ("KEPT",)
    assert about not in dict(conditional(pdp, but_for(query, "ALIVE")))
