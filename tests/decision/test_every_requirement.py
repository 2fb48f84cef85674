"""Each requirement of each action stands in somebody's way in some question of the policy tests."""

from __future__ import annotations

from policy_suite import asks, point_of
from scene import BUNDLE

from sealauthz.decision import RequestOptions
from sealauthz.decision.decision import Effect

OF_THE_SERVICE = "SERVICE_ITSELF"


def test_each_requirement_of_each_action_is_unmet_in_some_question() -> None:
    left = {key: set(required) for key, required in BUNDLE.rulebook.requirements.items()}
    for ask in asks():
        question = ask.question
        open_ = left.get((question.action, question.resource.type))
        if not open_:
            continue
        point = point_of(ask)
        if ask.expected.effect is not Effect.ALLOW:
            open_.difference_update(point.unmet(question) or ())
        elif OF_THE_SERVICE in open_:
            # The policy tests are asked by the service itself; here somebody else asks the same.
            decision = point.decide(question, RequestOptions(caller="app"))
            open_ -= {OF_THE_SERVICE} if decision.effect is Effect.DENY else set()
    assert {key: sorted(names) for key, names in left.items() if names} == {}
