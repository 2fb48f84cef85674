"""Whom answers are about: what is remembered of a revision is what a look-up says of it, and of no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny.model import TINY, facts

from sealauthz.audit.concerning import Concerning
from sealauthz.audit.record import look_up
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.facts import Batch, Delete, FactCache, Store
from sealauthz.facts.memory.snapshot import FactSnapshot

KEYS = [(type_, id_) for type_ in ("User", "Team", "Document") for id_ in ("ann", "bob", "red", "d1", "d2", "none")]


def snapshot_of(cache: FactCache) -> FactSnapshot:
    return cache.answer(lambda snapshot: snapshot)


@pytest.fixture
def cache(store: Store) -> FactCache:
    return FactCache(store)


@given(st.lists(st.lists(st.sampled_from(KEYS), max_size=4), max_size=5), st.lists(st.sampled_from(KEYS), max_size=4))
def test_what_is_remembered_is_what_is_looked_up(
    earlier: list[list[tuple[str, str]]], asked: list[tuple[str, str]]
) -> None:
    snapshot = snapshot_of(FactCache.of_records(TINY, facts()))
    concerning = Concerning(TINY)
    concerning.of_each(earlier, snapshot)
    found = concerning.remembered(asked, snapshot.timeline, snapshot.revision)
    if {key for each in earlier for key in each} >= set(asked):
        assert found == look_up(TINY, asked, snapshot)
    else:
        assert found is None


def test_nothing_is_remembered_of_another_revision_or_timeline(store: Store, cache: FactCache) -> None:
    concerning = Concerning(TINY)
    named = [("Document", "d1")]
    before = snapshot_of(cache)
    (then,) = concerning.of_each([named], before)
    store.write(Batch("test", "gone", (Delete("Document", "d1"),)))
    after = snapshot_of(cache)
    assert concerning.remembered(named, before.timeline, before.revision) == then
    assert concerning.remembered(named, after.timeline, after.revision) is None
    assert concerning.remembered(named, "another", before.revision) is None
    (now,) = concerning.of_each([named], after)
    assert (then.missing, now.missing) == (frozenset(), {Entity("Document", "d1")})
    assert concerning.remembered(named, before.timeline, before.revision) is None
    assert concerning.remembered(named, after.timeline, after.revision) == now


def test_a_decision_is_of_the_revision_that_is_remembered(store: Store, cache: FactCache) -> None:
    """Else each decision would be looked up for, or be told by the facts of another time."""
    decision = PolicyDecisionPoint(cache, Bundle.load(TINY)).decide(
        Question(Entity("User", "ann"), "read", Entity("Document", "d1"), {})
    )
    snapshot = snapshot_of(cache)
    assert (decision.timeline, decision.revision) == (snapshot.timeline, snapshot.revision)
