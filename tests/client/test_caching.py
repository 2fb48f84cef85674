"""An answer is used again only while nothing can have changed: each law by what would break it."""

from __future__ import annotations

import datetime
import time

import pytest

from sealauthz_client import AnswerCache, Decision, Obligation, caching
from sealauthz_client.caching import key_of

KEY = key_of("Person:P1", "use", "Seal:S1", {"task": "T1"}, "")


class Clocks:
    """The two clocks of a machine, which a test moves."""

    def __init__(self) -> None:
        self.monotonic = 1_000.0
        self.wall = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def pass_s(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += datetime.timedelta(seconds=seconds)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()

    class Now(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return clocks.wall

    monkeypatch.setattr(time, "monotonic", lambda: clocks.monotonic)
    monkeypatch.setattr(caching.datetime, "datetime", Now)
    return clocks


@pytest.fixture
def cache(clocks: Clocks) -> AnswerCache:
    cache = AnswerCache(repeatable=["SHOW_NAME"])
    cache.watched(7)
    return cache


def allow(
    clocks: Clocks, *owed: str, revision: int = 7, lasts_s: float = 60, version: str = "v1", is_allowed: bool = True
) -> Decision:
    return Decision(
        is_allowed=is_allowed,
        reasons=(),
        next_steps=(),
        obligations=tuple(map(Obligation, owed)),
        decision_id="D1",
        policy_version=version,
        revision=revision,
        revision_token=f"r{revision}",
        evaluated_at=clocks.wall,
        valid_until=clocks.wall + datetime.timedelta(seconds=lasts_s),
        facts_age=datetime.timedelta(seconds=1),
    )


def test_an_allow_is_given_again_with_its_age(cache: AnswerCache, clocks: Clocks) -> None:
    cache.put(KEY, allow(clocks), cache.place)
    clocks.pass_s(2)
    found = cache.get(KEY)
    assert found
    assert found.facts_age == datetime.timedelta(seconds=3)


def test_another_context_is_another_question() -> None:
    asked = ("Person:P1", "use", "Seal:S1")
    keys = {key_of(*asked, {"a": value}, "") for value in (True, 1, "1")}
    assert len(keys) == 3
    assert key_of(*asked, {"a": 1, "b": 2}, "") == key_of(*asked, {"b": 2, "a": 1}, "")
    assert key_of(*asked, None, "en") != key_of(*asked, None, "zh")
    assert key_of(*asked, {"a": 1}, "") != key_of(*asked, None, "")


def test_a_deny_and_what_is_used_up_once_are_never_kept(cache: AnswerCache, clocks: Clocks) -> None:
    for decision in (
        allow(clocks, is_allowed=False),
        allow(clocks, "DECREMENT_USE"),
        allow(clocks, "SHOW_NAME", "NEW_TO_ALL"),
    ):
        cache.put(KEY, decision, cache.place)
        assert cache.get(KEY) is None
    cache.put(KEY, allow(clocks, "SHOW_NAME"), cache.place)
    assert cache.get(KEY)


@pytest.mark.parametrize(("lasts_s", "ends_s"), [(3.0, 3.0), (60.0, 5.0)])
def test_it_ends_with_valid_until_and_with_the_greatest_age(
    lasts_s: float, ends_s: float, cache: AnswerCache, clocks: Clocks
) -> None:
    cache.put(KEY, allow(clocks, lasts_s=lasts_s), cache.place)
    clocks.pass_s(ends_s - 0.001)
    assert cache.get(KEY)
    clocks.pass_s(0.001)
    assert cache.get(KEY) is None


def test_the_time_of_the_call_counts(cache: AnswerCache, clocks: Clocks) -> None:
    place = cache.place
    decision = allow(clocks, lasts_s=3)
    clocks.pass_s(2)
    cache.put(KEY, decision, place)
    clocks.pass_s(1)
    assert cache.get(KEY) is None


def test_a_clock_that_is_set_back_prolongs_nothing(cache: AnswerCache, clocks: Clocks) -> None:
    cache.put(KEY, allow(clocks, lasts_s=3), cache.place)
    clocks.wall -= datetime.timedelta(days=1)
    clocks.monotonic += 3
    assert cache.get(KEY) is None


def test_a_machine_that_slept_gives_nothing_that_has_ended(cache: AnswerCache, clocks: Clocks) -> None:
    cache.put(KEY, allow(clocks, lasts_s=60), cache.place)
    clocks.wall += datetime.timedelta(minutes=1)
    assert cache.get(KEY) is None


def test_a_change_empties_it_and_an_older_answer_comes_too_late(cache: AnswerCache, clocks: Clocks) -> None:
    cache.put(KEY, allow(clocks), cache.place)
    place = cache.place
    cache.watched(8)
    assert cache.get(KEY) is None
    cache.put(KEY, allow(clocks, revision=7), place)
    assert cache.get(KEY) is None
    cache.put(KEY, allow(clocks, revision=8), place)
    assert cache.get(KEY)


def test_nothing_is_given_while_the_watch_is_broken_nor_from_before(cache: AnswerCache, clocks: Clocks) -> None:
    assert AnswerCache().get(KEY) is None
    cache.put(KEY, allow(clocks), cache.place)
    before = cache.place
    cache.broke()
    assert cache.get(KEY) is None
    cache.put(KEY, allow(clocks), cache.place)
    assert cache.get(KEY) is None
    # A restored store may stand at the same revision again, with other facts.
    cache.watched(7)
    assert cache.get(KEY) is None
    cache.put(KEY, allow(clocks), before)
    assert cache.get(KEY) is None
    cache.put(KEY, allow(clocks), cache.place)
    assert cache.get(KEY)


def test_a_watch_that_hangs_is_noticed_by_the_answers(cache: AnswerCache, clocks: Clocks) -> None:
    other = key_of("Person:P2", "use", "Seal:S1", None, "")
    cache.put(KEY, allow(clocks, revision=9), cache.place)
    clocks.pass_s(2.9)
    assert cache.get(KEY)
    cache.put(other, allow(clocks, revision=12), cache.place)
    clocks.pass_s(0.2)
    assert cache.get(KEY) is None
    assert cache.get(other) is None
    cache.watched(9)
    cache.put(other, allow(clocks, revision=12), cache.place)
    assert cache.get(other)


def test_other_policies_empty_it(cache: AnswerCache, clocks: Clocks) -> None:
    cache.put(KEY, allow(clocks), cache.place)
    cache.put("other", allow(clocks, version="v2", is_allowed=False), cache.place)
    assert cache.get(KEY) is None


def test_it_holds_no_more_than_it_may(clocks: Clocks) -> None:
    cache = AnswerCache(max_answers=3)
    cache.watched(7)
    for number in range(5):
        cache.put(number, allow(clocks), cache.place)
        assert cache.get(0) or number >= 3
    assert len(cache) == 3
    assert cache.get(4)
