"""Shared views: who shares one, and until when what was found of it serves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sealauthz.decision import RequestOptions
from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.question import Entity, Question
from sealauthz.facts.memory.consistency import Consistency, Deadline
from sealauthz.facts.store.activity import WHOLE, Activity, ActivityFilter
from sealauthz.operations import shared_views
from sealauthz.operations.monitoring import View
from sealauthz.operations.shared_views import SharedViews
from sealauthz.runtime.errors import FactsUnavailable

ANN = Entity("User", "ann")
VIEW = View(ANN, ActivityFilter(frozenset({"red"})))
QUESTION = Question(ANN, "watch", Entity("Team", "red"))
EVER = 2**62


class Monitored:
    """What monitoring finds: each revision has one item. It notes what it was asked."""

    def __init__(self) -> None:
        self.newest = 7
        self.until = EVER
        self.asked: list[str] = []
        self.deadlines: list[Deadline] = []
        self.fails = False

    def options(self) -> RequestOptions:
        return RequestOptions(consistency=Consistency(self.newest, "line"))

    def decide(self, _view: View, options: RequestOptions) -> Decision:
        self.asked.append("decide")
        if self.fails:
            raise FactsUnavailable("not now")
        return Decision(QUESTION, Effect.ALLOW, "d", "v", options.consistency.at_least, 1, self.until)

    def between(self, _view: View, after: tuple[int, int], before: tuple[int, int], size: int) -> list[Activity]:
        self.asked.append("between")
        numbers = range(after[0] + 1, before[0] + 1)[:size]
        return [Activity(number, 0, 1, "red", "", "", "X", ("T", "t"), ("a", "T", "t"), {}) for number in numbers]

    def seen(self, _view: View, found: list[Activity], options: RequestOptions) -> list[Activity]:
        self.deadlines.append(options.deadline)
        return found


@pytest.fixture
def monitored(monkeypatch: pytest.MonkeyPatch) -> Monitored:
    monkeypatch.setattr(shared_views, "LOOK_S", 600.0)
    return Monitored()


def test_only_equal_views_by_equal_rights_are_shared_and_none_is_kept(monitored: Monitored) -> None:
    views = SharedViews(monitored)  # type: ignore[arg-type]
    with views.watched(VIEW, "shop") as one, views.watched(replace(VIEW), "shop") as same:
        assert one is same
        for view, rights in ((replace(VIEW, is_personal=True), "shop"), (VIEW, "other")):
            with views.watched(view, rights) as another:
                assert another is not one
    with views.watched(VIEW, "shop") as later:
        assert later is not one
    assert not views._views


def test_a_look_serves_until_there_is_news_or_it_is_over(monitored: Monitored, monkeypatch: pytest.MonkeyPatch) -> None:
    with SharedViews(monitored).watched(VIEW) as shared:  # type: ignore[arg-type]
        first = shared.look(7, monitored.options)
        assert shared.look(3, monitored.options) is first
        monitored.newest = 8
        assert shared.look(7, monitored.options) is first
        second = shared.look(8, monitored.options)
        assert (second is first, second.newest) == (False, 8)
        monitored.until = 1  # the decision ends before the look does: it serves nobody else
        third = shared.look(9, monitored.options)
        assert shared.look(8, monitored.options) is not third
        monitored.until = EVER
        fourth = shared.look(9, monitored.options)
        monkeypatch.setattr(fourth, "until", 0.0)
        assert shared.look(8, monitored.options) is not fourth


def test_what_lies_behind_a_place_is_read_once_for_each_look(monitored: Monitored) -> None:
    monitored.newest = 250
    with SharedViews(monitored).watched(VIEW) as shared:  # type: ignore[arg-type]
        look = shared.look(0, monitored.options)
        place, numbers = (0, WHOLE), []
        for _ in range(2):
            while True:
                behind = shared.behind(look, place, monitored.options())
                numbers += [each.revision for each in behind.items]
                place = behind.place
                if not behind.goes_on:
                    break
            assert place == (250, 0)
            place = (0, WHOLE)
        assert numbers == [*range(1, 251)] * 2
        assert monitored.asked.count("between") == 3
        for number in range(100):
            shared.behind(look, (number, 1), monitored.options())
        assert len(look._behind) <= 16


def test_each_watcher_waits_until_its_own_deadline(monitored: Monitored) -> None:
    """What one of them had made is no more bound by its call."""
    with SharedViews(monitored).watched(VIEW) as shared:  # type: ignore[arg-type]
        look = shared.look(0, lambda: replace(monitored.options(), deadline=Deadline(1.0)))
        shared.behind(look, (3, WHOLE), replace(monitored.options(), deadline=Deadline(2.0)))
        assert [each.at for each in monitored.deadlines] == [2.0]


def test_a_failed_look_is_nobodys(monitored: Monitored) -> None:
    with SharedViews(monitored).watched(VIEW) as shared:  # type: ignore[arg-type]
        shared.look(7, monitored.options)
        monitored.fails = True
        for told in (8, 7):
            with pytest.raises(FactsUnavailable):
                shared.look(told, monitored.options)
        monitored.fails = False
        assert shared.look(7, monitored.options).newest == 7


def test_a_deny_shows_nothing() -> None:
    deny: Any = Decision(QUESTION, Effect.DENY, "d", "v", 1, 1, EVER)
    assert not shared_views.Look(1, deny, Consistency(1, "line"), 1.0).may_watch
    assert shared_views.Look(1, None, Consistency(1, "line"), 1.0).may_watch
