"""Lists hold exactly what Authorize allows, whatever the facts, the policies and the size of the pages."""

from __future__ import annotations

import base64
import dataclasses
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from effort import tries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policy_suite import asks, point_of
from random_scenes import PEOPLE, asked_scenes, scenes
from scene import BUNDLE, MINUTE, NOW, POLICIES, SECOND, SIGNING, Scene, member, person
from test_laws import failing

from sealauthz.decision import (
    Bundle,
    Decision,
    Effect,
    Entity,
    PolicyDecisionPoint,
    Question,
    RequestOptions,
    system_clock,
)
from sealauthz.decision.assembly import DEFAULT_OPTIONS, MaySee, Within, everything
from sealauthz.decision.candidates import Plans, ends_of
from sealauthz.decision.checking import attributes, compiled_from
from sealauthz.decision.listing import Bounds, ListPage
from sealauthz.decision.paging import PAGES_GO_ON_FOR, Paging, Start, token_of
from sealauthz.decision.policies import Policies
from sealauthz.decision.product_reasons import PRODUCT_REASONS
from sealauthz.decision.question import ListQuery
from sealauthz.facts import Batch, Deadline, FactCache, Put, Store
from sealauthz.facts.memory.permits import NotAtOnce, TooLongAtOnce
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.model import MODEL
from sealauthz.model.records.grants import OpenGrant
from sealauthz.model.records.organisation import Department, Enterprise
from sealauthz.model.records.seals import Seal, SealKind, SealState
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.polar import Source, admit, rulebook_of
from sealauthz.polar.parse import parse
from sealauthz.polar.reach import KnownOnly, Root, path_of
from sealauthz.runtime.errors import CallerNotPermitted, EvaluationFailed, InvalidRequest, RevisionGone, TimeOver
from sealauthz.schema import ResolverInput

CALLER = DEFAULT_OPTIONS.caller
"""Who asks here. Policies read the caller: a list and a check are the same for one and the same caller only."""

LAW = settings(max_examples=tries(40, 600), deadline=None, suppress_health_check=list(HealthCheck))


def query_of(asked: Question, root: Root) -> ListQuery:
    """The list that a question belongs to, from one side or the other."""
    if root is Root.SUBJECT:
        return ListQuery(root, asked.subject, asked.action, asked.resource.type, asked.context)
    return ListQuery(root, asked.resource, asked.action, asked.subject.type, asked.context)


def asked_one_by_one(
    pdp: PolicyDecisionPoint, query: ListQuery, records: list[Any], may_see: MaySee = everything
) -> list[str]:
    """What Authorize allows among all records of the type."""
    ids = sorted(record.id for record in records if type(record).__name__ == query.sought)
    answers = pdp.decide_many([query.about(id_) for id_ in ids], RequestOptions(may_see, CALLER))
    return [id_ for id_, answer in zip(ids, answers, strict=True) if isinstance(answer, Decision) and answer]


def pages(
    pdp: PolicyDecisionPoint, query: ListQuery, size: int = 0, may_see: MaySee = everything
) -> Iterator[ListPage]:
    """All pages of a list."""
    token = ""
    while True:
        page = pdp.list_page(query, Paging(size, token), RequestOptions(may_see, CALLER))
        yield page
        token = page.next_page_token
        assert page.is_complete == (not token)
        if page.is_complete:
            return


def listed(pdp: PolicyDecisionPoint, query: ListQuery, size: int = 0, may_see: MaySee = everything) -> list[str]:
    """The ids of all pages, in the order in which they came."""
    return [id_ for page in pages(pdp, query, size, may_see) for id_ in page.ids]


# --- the law --------------------------------------------------------------------------------------------------------


@given(asked_scenes(), st.sampled_from(Root), st.sampled_from([0, 1, 2, 3]))
@settings(LAW, max_examples=tries(100, 1_500))
def test_a_list_is_what_authorize_allows(pair: tuple[Scene, Question], root: Root, size: int) -> None:
    scene, asked = pair
    pdp, query = scene.pdp(), query_of(asked, root)
    assert listed(pdp, query, size) == asked_one_by_one(pdp, query, scene.records)


@given(asked_scenes(), st.sampled_from(Root), st.sets(st.sampled_from(["e", "f", "other"])))
@LAW
def test_a_list_is_what_authorize_allows_to_this_caller(
    pair: tuple[Scene, Question], root: Root, enterprises: set[str]
) -> None:
    scene, asked = pair
    pdp, query = scene.pdp(), query_of(asked, root)
    may_see = Within(frozenset(enterprises))
    try:
        found = listed(pdp, query, may_see=may_see)
    except CallerNotPermitted:  # "a right on every enterprise", which test_what_nothing_ties_… is about
        links = Plans(BUNDLE).links(query)
        assert links is None or query.root is Root.RESOURCE or any(isinstance(link, KnownOnly) for link in links)
        return
    assert found == asked_one_by_one(pdp, query, scene.records, may_see)


@cache
def allowed_asks() -> list[Any]:
    """Questions of the policy tests that are allowed: one of each action, with more effort up to three."""
    by_action: dict[tuple[str, str], list[Any]] = {}
    for ask in asks():
        found = by_action.setdefault((ask.question.action, ask.question.resource.type), [])
        is_wanted = len(found) < tries(1, 3) and ask.expected.effect is Effect.ALLOW
        if is_wanted and point_of(ask).decide(ask.question):
            found.append(ask)
    return [ask for found in by_action.values() for ask in found]


def test_what_is_allowed_is_in_the_list_of_every_action_from_both_sides() -> None:
    seen = set()
    for ask in allowed_asks():
        pdp = point_of(ask)
        for root in Root:
            query = query_of(ask.question, root)
            found = listed(pdp, query)
            assert (ask.question.resource if root is Root.SUBJECT else ask.question.subject).id in found
            assert found == asked_one_by_one(pdp, query, list(ask.facts.records))
            seen.add((root, query.action, query.resource_type))
        ask.facts.release()
    assert seen == {(root, *key) for root in Root for key in BUNDLE.rulebook.requirements}


def test_a_list_asks_about_what_is_tied_and_not_about_the_rest() -> None:
    """Among hundreds of records that have nothing to do with them, a page of few candidates is the whole list."""
    others: list[Any] = []
    for number in range(200):
        others += [
            dataclasses.replace(Scene().record("Enterprise", "e"), id=f"a{number}", uscc=f"USCC{number:014}"),
            person(f"a-person-{number}"),
            Seal(f"a-seal-{number}", f"a{number}", "公章", SealKind.OFFICIAL, SealState.ACTIVE),
        ]
    fact_cache = FactCache.of_records(MODEL, Scene().put(*others).records)
    pdp = PolicyDecisionPoint(fact_cache, POLICIES, lambda: NOW, Bounds(candidates=20))
    for query, ids in (
        (ListQuery(Root.SUBJECT, Entity("Person", "user"), "use", "Seal", SIGNING), ("s",)),
        (VIEWERS, tuple(listed(Scene().pdp(), VIEWERS))),
    ):
        page = pdp.list_page(query)
        assert (page.ids, page.is_complete) == (ids, True)
    assert not pdp.list_page(JOINABLE).is_complete


# --- other policies -------------------------------------------------------------------------------------------------

ADMIRED = """
resource Seal { permissions = ["admire"]; }
requires("admire", _: Seal, "ADMIRABLE");
otherwise("ADMIRABLE", "NOT_FOUND");
meets(_: Person, "ADMIRABLE", "admire", seal: Seal, _) if seal.state = "ACTIVE";
"""
ANYBODY_SEES = "visible(_: Person, _: Seal, _);"
ANYBODY_ADMIRES = 'has_permission(_: Person, "admire", _: Seal);'

TAMPERED = {
    "a new tie": ANYBODY_SEES
    + 'has_permission(person: Person, "admire", seal: Seal) if seal.custodian.person_id = person.id;',
    "a tie beside the others": ANYBODY_SEES
    + 'has_permission(person: Person, "view_log", seal: Seal) if seal.custodian.person_id = person.id;'
    + 'has_permission(person: Person, "admire", seal: Seal) if is_listed_member(person, seal.enterprise);'
    + 'has_permission(person: Person, "admire", seal: Seal) if seal.custodian.person_id = person.id;',
    "open to anybody": ANYBODY_SEES + ANYBODY_ADMIRES,
    "seen by those who are tied": ANYBODY_ADMIRES,
    "two keys that may both be empty": ANYBODY_SEES
    + 'has_permission(person: Person, "admire", seal: Seal) if '
    + "membership in person.memberships and grant in seal.open_grants and "
    + "grant.department_id = membership.department_id;",
    "for staff": ANYBODY_SEES
    + 'has_permission(person: Person, "admire", _: Seal) if is_reviewer(person);'
    + 'has_permission(person: Person, "admire", seal: Seal) if is_suspended(person, seal.enterprise_id);'
    + "is_suspended(person: Person, id) if m in person.memberships and m.enterprise_id = id and "
    + 'm.state = "SUSPENDED";',
    "by a word": ANYBODY_SEES
    + 'has_permission(person: Person, "admire", seal: Seal) if seal.kind = person.account_state or '
    + "person.realname_state = seal.name or seal.legal_rep_id = person.id;",
    "unless": ANYBODY_SEES
    + 'has_permission(person: Person, "admire", seal: Seal) if not is_listed_member(person, seal.enterprise);',
}


@cache
def tampered(name: str) -> Bundle:
    """The bundle with rules added, and without the checker, which would refuse some of them."""
    sources = (*BUNDLE.sources, Source("admired.polar", ADMIRED + TAMPERED[name]))
    statements = tuple(statement for source in sources for statement in admit(source, attributes(MODEL)))
    rulebook = rulebook_of(statements, PRODUCT_REASONS)
    engine = compiled_from(MODEL, tuple(node for source in sources for node in parse(source)))
    return dataclasses.replace(
        BUNDLE, digest=name, sources=sources, read_statements=lambda: statements, rulebook=rulebook, engine=engine
    )


def admirers(scene: Scene) -> Scene:
    """A scene with seals and grants that the tampered policies tell apart."""
    return scene.put(
        Department("dep", "e", "部门"),
        Seal("s-kept", "e", "公章二", SealKind.CONTRACT, SealState.ACTIVE, custodian_id="m-plain"),
        Seal("s-boss", "e", "法人章", SealKind.LEGAL_REP, SealState.ACTIVE, legal_rep_id="boss"),
        OpenGrant("og-all", "s-kept", "r-keeper", NOW - MINUTE, NOW + MINUTE),
        OpenGrant("og-dep", "s-boss", "r-keeper", NOW - MINUTE, NOW + MINUTE, department_id="dep"),
        member("nobody", "f", department_id=None),
        person("nobody"),
    )


@pytest.mark.parametrize("name", TAMPERED)
def test_whoever_edits_a_policy_cannot_make_a_list_miss_anything(name: str) -> None:
    bundle = tampered(name)
    found = set()

    @given(scenes(), st.sampled_from(Root), st.sampled_from([0, 1]))
    @settings(LAW, max_examples=12)
    def law(scene: Scene, root: Root, size: int) -> None:
        scene = admirers(scene)
        pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, scene.records), bundle, lambda: NOW)
        for known in (*PEOPLE, "nobody") if root is Root.SUBJECT else ("s", "s-kept", "s-boss"):
            entity = Entity("Person" if root is Root.SUBJECT else "Seal", known)
            query = ListQuery(root, entity, "admire", "Seal" if root is Root.SUBJECT else "Person")
            expected = asked_one_by_one(pdp, query, scene.records)
            assert listed(pdp, query, size) == expected
            found.update(expected)

    law()
    assert found


# --- what the server finds ------------------------------------------------------------------------------------------


@given(asked_scenes())
@settings(LAW, max_examples=tries(100, 1_500))
def test_what_the_server_finds_lies_on_the_path_that_lists_follow(pair: tuple[Scene, Question]) -> None:
    scene, asked = pair
    with FactCache.of_records(MODEL, scene.records).read() as snapshot:
        subject = snapshot.find(asked.subject.type, asked.subject.id)
        resource = snapshot.find(asked.resource.type, asked.resource.id)
        if subject is None or resource is None:
            return
        records = MODEL.action(asked.action, asked.resource.type).records
        named = {key: snapshot.find(type_, str(asked.context.get(key, ""))) for key, type_ in records.items()}
        action = MODEL.action(asked.action, asked.resource.type)
        found = MODEL.resolve(
            action, ResolverInput(subject, resource, NOW, BUNDLE.parameters, snapshot, named, action.name)
        )
        for key, path in action.resolver.all_paths.items():
            if found.get(key) is not None:
                walk = path_of(MODEL.shapes, asked.resource.type, path)
                records = found[key] if isinstance(found[key], list) else [found[key]]
                ends = ends_of(MODEL, snapshot, asked.resource.id, walk, lambda: None)
                assert {record.id for record in records} <= set(ends)


# --- pages ----------------------------------------------------------------------------------------------------------

JOINABLE = ListQuery(Root.SUBJECT, Entity("Person", "outsider"), "join", "Enterprise")
VIEWERS = ListQuery(Root.RESOURCE, Entity("Seal", "s"), "view", "Person")


def test_pages_cover_the_list_once_and_in_order() -> None:
    pdp = Scene().pdp()
    whole = listed(pdp, VIEWERS)
    assert whole == sorted(set(whole))
    assert len(whole) > 3
    for size in range(1, len(whole) + 2):
        found = list(pages(pdp, VIEWERS, size))
        assert [id_ for page in found for id_ in page.ids] == whole
        assert all(len(page.ids) == size for page in found[:-1])
        assert [page.is_complete for page in found] == [False] * (len(found) - 1) + [True]


def test_all_pages_are_of_one_revision_one_policy_and_the_instant_of_the_first() -> None:
    clock = [NOW]
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records, 7), POLICIES, lambda: clock[0])
    found = []
    for page in pages(pdp, VIEWERS, 1):
        found.append((page.revision, page.policy_version, page.evaluated_at))
        assert page.valid_until == NOW + BUNDLE.parameters.allow_valid_for
        clock[0] += SECOND
    assert len(found) > 3
    assert set(found) == {(7, BUNDLE.version, NOW)}


@pytest.mark.parametrize("query", [VIEWERS, JOINABLE])
def test_a_page_that_reaches_a_bound_says_so_and_the_next_goes_on(query: ListQuery) -> None:
    scene = Scene()
    whole = listed(scene.pdp(), query)
    for candidates in (1, 2, 3):
        pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, scene.records), POLICIES, lambda: NOW, Bounds(candidates))
        found = list(pages(pdp, query, 100))
        assert [id_ for page in found for id_ in page.ids] == whole
        assert all(len(page.ids) <= candidates for page in found)
        assert len(found) > 1 or candidates > 1


def test_a_page_may_be_empty_although_more_follow() -> None:
    scene = Scene()
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, scene.records), POLICIES, lambda: NOW, Bounds(1))
    query = ListQuery(Root.SUBJECT, Entity("Person", "user"), "use", "Seal", SIGNING)
    scene = scene.put(Seal("a-first", "e", "空", SealKind.OTHER, SealState.DRAFT))
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, scene.records), POLICIES, lambda: NOW, Bounds(1))
    found = list(pages(pdp, query))
    assert (found[0].ids, found[0].is_complete) == ((), False)
    assert listed(pdp, query) == ["s"]


def test_where_time_is_over_each_page_still_gets_further() -> None:
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records), POLICIES, lambda: NOW, Bounds(seconds=0.0))
    found = list(pages(pdp, JOINABLE))
    assert [id_ for page in found for id_ in page.ids] == listed(Scene().pdp(), JOINABLE)
    assert len(found) > 1


def test_the_first_candidate_is_looked_for_as_long_as_the_call_has_time() -> None:
    """The facts that lead to it may have to be loaded, and a list with nothing in it would be a wrong answer."""
    query = ListQuery(Root.SUBJECT, Entity("Person", "user"), "use", "Seal", SIGNING)
    fact_cache = FactCache.of_records(MODEL, Scene().records)

    def found(bounds: Bounds, deadline: Deadline) -> tuple[str, ...]:
        pdp = PolicyDecisionPoint(fact_cache, POLICIES, lambda: NOW, bounds)
        return pdp.list_page(query, options=dataclasses.replace(DEFAULT_OPTIONS, deadline=deadline)).ids

    in_time, too_late = Deadline(time.monotonic() + 600), Deadline(time.monotonic() - 1)
    assert found(Bounds(seconds=-1.0), in_time) == found(Bounds(seconds=-1.0), Deadline()) == ("s",)
    for bounds, deadline in (
        (Bounds(seconds=600.0), too_late),
        (Bounds(seconds=-1.0, search_seconds=-1.0), in_time),
        (Bounds(seconds=-1.0, search_seconds=-1.0), Deadline()),
    ):
        with pytest.raises(TimeOver, match="before a candidate"):
            found(bounds, deadline)


def links_of(pdp: PolicyDecisionPoint, query: ListQuery) -> Callable[[FactSnapshot], object]:
    """Reads the links of a query out of the policies."""
    return lambda snapshot: pdp.policies.at(snapshot).plans.links(query)


def test_a_page_at_once_is_the_same_page_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # A busy machine takes longer than a served page may; what time alone ends, the third case shows.
    monkeypatch.setattr("sealauthz.decision.listing._SECONDS_AT_ONCE", 600)
    fact_cache = FactCache.of_records(MODEL, Scene().records)
    at_once = dataclasses.replace(DEFAULT_OPTIONS, may_wait=False)
    for candidates, seconds in ((5_000, 600), (1, 600), (5_000, -1)):
        pdp = PolicyDecisionPoint(fact_cache, Policies(BUNDLE), lambda: NOW, Bounds(candidates, seconds))
        patient = PolicyDecisionPoint(fact_cache, POLICIES, lambda: NOW)
        for query in (VIEWERS, ListQuery(Root.SUBJECT, Entity("Person", "user"), "use", "Seal", SIGNING)):
            with pytest.raises(NotAtOnce) as caught:
                pdp.list_page(query, options=at_once)
            assert not isinstance(caught.value, TooLongAtOnce), "the links come out of the policies first"
            whole = patient.list_page(query)
            pdp.look(links_of(pdp, query))
            for paging in (Paging(), Paging(1)):
                asked = patient.list_page(query, paging)
                if candidates > 1 and seconds > 0:
                    assert pdp.list_page(query, paging, at_once) == asked
                elif len(whole.ids) > 1:
                    with pytest.raises(NotAtOnce) as caught:
                        pdp.list_page(query, paging, at_once)
                    if seconds > 0 and not paging.size:
                        assert isinstance(caught.value, TooLongAtOnce), "it will take long the next time too"
            excepting = dataclasses.replace(query, except_requirements=("ACCOUNT_ACTIVE",))
            pdp.look(links_of(pdp, excepting))
            with pytest.raises(NotAtOnce):
                pdp.list_page(excepting, options=at_once)


def test_where_time_is_over_before_anything_is_found_there_is_no_answer() -> None:
    with pytest.raises(TimeOver):
        Scene().pdp().list_page(VIEWERS, options=RequestOptions(deadline=Deadline(time.monotonic() - 1)))


def test_a_list_that_is_allowed_nothing_is_whole_and_empty() -> None:
    pdp = Scene().pdp()
    for query in (
        ListQuery(Root.SUBJECT, Entity("Person", "no-such"), "join", "Enterprise"),
        ListQuery(Root.RESOURCE, Entity("Enterprise", "no-such"), "join", "Person"),
        ListQuery(Root.SUBJECT, Entity("Person", "stranger"), "view", "Seal"),
        ListQuery(Root.SUBJECT, Entity("Person", "\0"), "view", "Seal"),
    ):
        page = pdp.list_page(query)
        assert (page.ids, page.is_complete) == ((), True)
        assert page.valid_until == NOW + BUNDLE.parameters.deny_valid_for


# --- tokens ---------------------------------------------------------------------------------------------------------


def second(pdp: PolicyDecisionPoint, query: ListQuery = VIEWERS, caller: str = CALLER) -> str:
    return pdp.list_page(query, Paging(1), RequestOptions(caller=caller)).next_page_token


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(VIEWERS, action="request_use"),
        dataclasses.replace(VIEWERS, known=Entity("Seal", "s-p")),
        ListQuery(Root.SUBJECT, Entity("Person", "s"), "view", "Seal"),
        dataclasses.replace(JOINABLE),
    ],
)
def test_a_token_is_for_its_query_only(other: ListQuery) -> None:
    pdp = Scene().pdp()
    with pytest.raises(InvalidRequest, match="is not a page token of this query"):
        pdp.list_page(other, Paging(1, second(pdp)), RequestOptions(caller=CALLER))


def test_a_token_is_for_its_context_and_its_caller_only() -> None:
    pdp = Scene().pdp()
    query = ListQuery(Root.RESOURCE, Entity("Seal", "s"), "propose_end", "Person", {"reason": "x"})
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records), POLICIES, lambda: NOW, Bounds(1))
    token = second(pdp, query)
    assert pdp.list_page(query, Paging(1, token), RequestOptions(caller=CALLER))
    with pytest.raises(InvalidRequest, match="page_token"):
        pdp.list_page(
            dataclasses.replace(query, context={"reason": "y"}), Paging(1, token), RequestOptions(caller=CALLER)
        )
    with pytest.raises(InvalidRequest, match="page_token"):
        pdp.list_page(query, Paging(1, token), RequestOptions(caller="another"))


@given(st.text(max_size=40) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
@LAW
def test_what_is_no_token_is_refused(text: str) -> None:
    if text:
        with pytest.raises(InvalidRequest, match="page_token"):
            Scene().pdp().list_page(VIEWERS, Paging(1, text))


@given(st.data())
@LAW
def test_a_token_that_was_changed_is_refused(data: st.DataObject) -> None:
    pdp = Scene().pdp()
    token = second(pdp)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidRequest, match="page_token"):
        pdp.list_page(
            VIEWERS,
            Paging(1, base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")),
            RequestOptions(caller=CALLER),
        )


@pytest.mark.parametrize("after", ["\0", "\ud800", "x" * 5_000])
def test_a_token_made_up_around_what_is_no_id_is_refused(after: str) -> None:
    start = Start(after, "", 1, BUNDLE.version, NOW)
    with pytest.raises(InvalidRequest, match="page_token"):
        Scene().pdp().list_page(VIEWERS, Paging(1, token_of(VIEWERS, start, CALLER)), RequestOptions(caller=CALLER))


def test_a_page_of_facts_that_have_moved_on_is_gone() -> None:
    token = second(PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records, 1), POLICIES, lambda: NOW))
    later = PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records, 2), POLICIES, lambda: NOW)
    with pytest.raises(RevisionGone, match="the facts have changed"):
        later.list_page(VIEWERS, Paging(1, token), RequestOptions(caller=CALLER))


def test_a_page_of_other_policies_is_gone() -> None:
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records), BUNDLE, lambda: NOW)
    token = second(pdp)
    pdp.bundle = dataclasses.replace(BUNDLE, digest="another")
    with pytest.raises(RevisionGone, match="the policies have changed"):
        pdp.list_page(VIEWERS, Paging(1, token), RequestOptions(caller=CALLER))


@pytest.mark.parametrize(("later", "is_gone"), [(PAGES_GO_ON_FOR - 1, False), (PAGES_GO_ON_FOR, True), (-MINUTE, True)])
def test_a_page_long_after_the_first_is_gone(later: int, is_gone: bool) -> None:
    token = second(Scene().pdp())
    pdp = Scene().pdp(NOW + later)
    if is_gone:
        with pytest.raises(RevisionGone, match="too long ago"):
            pdp.list_page(VIEWERS, Paging(1, token), RequestOptions(caller=CALLER))
    else:
        assert pdp.list_page(VIEWERS, Paging(1, token), RequestOptions(caller=CALLER)).evaluated_at == NOW


# --- what cannot be listed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (dataclasses.replace(VIEWERS, action="chew"), "action"),
        (dataclasses.replace(VIEWERS, known=Entity("Stapler", "s")), "resource.type"),
        (dataclasses.replace(VIEWERS, sought="Seal"), "subject_type"),
        (dataclasses.replace(JOINABLE, sought="Stapler"), "resource_type"),
        (dataclasses.replace(JOINABLE, sought="Person"), "resource_type"),
        (dataclasses.replace(JOINABLE, known=Entity("Seal", "s")), "subject.type"),
        (dataclasses.replace(JOINABLE, context={"colour": "red"}), "context[colour]"),
        (dataclasses.replace(JOINABLE, context={"now": 1}), "context[now]"),
    ],
)
def test_a_list_that_can_hold_nothing_is_refused_rather_than_empty(query: ListQuery, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Scene().pdp().list_page(query)
    assert [violation.field for violation in caught.value.violations] == [field]


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="page_size"):
        Scene().pdp().list_page(VIEWERS, Paging(-1))


def test_of_a_resource_out_of_reach_nobody_is_told_who_may_act_on_it() -> None:
    options = RequestOptions(may_see=lambda enterprise: enterprise == "f")
    unseen = Scene().pdp().list_page(VIEWERS, options=options)
    absent = Scene().pdp().list_page(dataclasses.replace(VIEWERS, known=Entity("Seal", "none")), options=options)
    assert unseen == absent
    assert unseen.ids == ()


def test_resources_out_of_reach_are_not_there() -> None:
    pdp = Scene().pdp()
    query = ListQuery(Root.SUBJECT, Entity("Person", "outsider"), "join", "Enterprise")
    assert "e" in listed(pdp, query, may_see=Within(frozenset({"e", "f"})))
    assert "e" not in listed(pdp, query, may_see=Within(frozenset({"f", "none"})))


def test_what_nothing_ties_is_told_to_who_may_know_of_everything_only() -> None:
    """Who may join an enterprise is anybody: the list would be of all persons that there are."""
    pdp = Scene().pdp()
    query = ListQuery(Root.RESOURCE, Entity("Enterprise", "e"), "join", "Person")
    assert listed(pdp, query)
    with pytest.raises(CallerNotPermitted, match="every enterprise"):
        listed(pdp, query, may_see=Within(frozenset({"e"})))


def test_no_token_names_what_the_caller_may_not_see() -> None:
    """Of a member of many enterprises, a caller of one of them is told nothing of the others, tokens included."""
    others = [f"hidden-{number}" for number in range(5)]
    scene = Scene().put(
        *(Enterprise(id_, id_, f"U-{id_}") for id_ in others),
        *(member("user", id_) for id_ in others),
        *(Seal(f"seal-of-{id_}", id_, "x", SealKind.OFFICIAL, SealState.ACTIVE) for id_ in others),
    )
    query = ListQuery(Root.SUBJECT, Entity("Person", "user"), "view", "Seal")
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, scene.records), POLICIES, lambda: NOW, Bounds(candidates=1))
    assert {id_ for id_ in listed(pdp, query) if id_.startswith("seal-of-")}
    for page in pages(pdp, query, 1, Within(frozenset({"e"}))):
        token = page.next_page_token
        told = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        assert b"hidden" not in told
        assert not any("hidden" in id_ for id_ in page.ids)


def test_a_context_out_of_reach_is_as_one_that_does_not_exist() -> None:
    query = ListQuery(Root.SUBJECT, Entity("Person", "stranger"), "use", "Seal", {"task": "t"})
    options = RequestOptions(may_see=lambda enterprise: enterprise == "f")
    unseen = Scene().pdp().list_page(query, options=options)
    assert unseen == Scene().pdp().list_page(dataclasses.replace(query, context={"task": "none"}), options=options)


@pytest.mark.parametrize("rule", ["allow", "lapses", "obligation"])
def test_an_error_is_never_in_a_list(rule: str) -> None:
    query = ListQuery(Root.SUBJECT, Entity("Person", "user"), "use", "Seal", SIGNING)
    assert listed(Scene().pdp(), query) == ["s"]
    fact_cache = FactCache.of_records(MODEL, Scene().records)
    pdp = PolicyDecisionPoint(fact_cache, failing(rule, EvaluationFailed("broken")), lambda: NOW)
    assert listed(pdp, query) == asked_one_by_one(pdp, query, Scene().records)


# --- on a database --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_from_a_database_a_list_is_what_authorize_allows(
    backend: str, new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sealauthz.decision.candidates._CHUNK", 2)
    now = system_clock()
    facts = opening_facts(now)
    store = Store.open(new_database(backend), MODEL)
    try:
        store.write(Batch("setup", "facts", tuple(map(Put, facts))))
        pdp = PolicyDecisionPoint(FactCache(store), POLICIES, lambda: now)
        found = 0
        for action, type_ in BUNDLE.rulebook.requirements:
            for root, known_type, sought in ((Root.SUBJECT, "Person", type_), (Root.RESOURCE, type_, "Person")):
                for record in [record for record in facts if type(record).__name__ == known_type]:
                    query = ListQuery(root, Entity(known_type, record.id), action, sought)
                    expected = asked_one_by_one(pdp, query, facts)
                    assert listed(pdp, query) == expected
                    found += len(expected)
        assert found > 20
        official = dataclasses.replace(VIEWERS, known=Entity("Seal", "seal-official"))
        token = second(pdp, official)
        assert token
        # The list goes on as of its revision while what it reads is as it was then, and no longer.
        store.write(Batch("setup", "more", (Put(person("somebody")),)))
        assert pdp.list_page(official, Paging(1, token), RequestOptions(caller=CALLER)).revision == 1
        seal = next(record for record in facts if type(record).__name__ == "Seal" and record.id == "seal-official")
        store.write(Batch("setup", "other", (Put(dataclasses.replace(seal, name="another")),)))
        with pytest.raises(RevisionGone):
            pdp.list_page(official, Paging(1, token), RequestOptions(caller=CALLER))
    finally:
        store.close()


def test_warm_lists_and_decisions_open_no_transaction(
    new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = system_clock()
    facts = opening_facts(now)
    store = Store.open(new_database("sqlite"), MODEL)
    try:
        store.write(Batch("setup", "facts", tuple(map(Put, facts))))
        pdp = PolicyDecisionPoint(FactCache(store, max_age_s=1e9), POLICIES, lambda: now)
        known = {type(record).__name__: [r.id for r in facts if type(r) is type(record)][:2] for record in facts}
        queries = [
            ListQuery(root, Entity(side, id_), action, sought)
            for action, type_ in BUNDLE.rulebook.requirements
            for root, side, sought in ((Root.SUBJECT, "Person", type_), (Root.RESOURCE, type_, "Person"))
            for id_ in known.get(side, ())
        ]
        cold = [pdp.list_page(query) for query in queries]
        asked = [query.about(id_) for query, page in zip(queries, cold, strict=True) for id_ in page.ids[:1]]
        decided = [bool(pdp.decide(question)) for question in asked]

        def refuse() -> None:
            raise AssertionError("a warm answer reads the database")

        monkeypatch.setattr(store, "read_transaction", refuse)
        assert [pdp.list_page(query).ids for query in queries] == [page.ids for page in cold]
        assert [bool(pdp.decide(question)) for question in asked] == decided
        assert any(decided)
        assert len(queries) > 100
    finally:
        store.close()
