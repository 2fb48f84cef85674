"""What is made without the constructor of its class cannot be told from what is made with it."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from sealauthz.decision import Decision, Entity, Question
from sealauthz.decision.decision import Effect
from sealauthz.decision.making import maker
from sealauthz.decision.texts import SILENT
from sealauthz_client.answers import Audience, NextStep, Obligation, Reason

QUESTION = Question(Entity("Person", "p"), "use", Entity("Seal", "s"))

PARTS = (
    NextStep("CALL", {"name": "x"}, "text"),
    Obligation("LOG", {}, ""),
    Reason("NO", 3, Audience.USER, "NEED", (NextStep("CALL"),), ""),
    Decision(QUESTION, Effect.DENY, "id", "v", 1, 2, 3, (), (Obligation("LOG"),), "line", 0.5, SILENT),
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_it_is_the_same(part: Decision) -> None:
    values = [getattr(part, each.name) for each in dataclasses.fields(part)]
    made = maker(type(part))(*values)
    assert type(made) is type(part)
    assert made == part
    assert repr(made) == repr(part)
    assert bool(made) == bool(part)
    assert [getattr(made, each.name) for each in dataclasses.fields(made)] == values
    assert dataclasses.replace(made) == copy.copy(made) == pickle.loads(pickle.dumps(made)) == part
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, dataclasses.fields(made)[0].name, None)


def test_a_value_too_few_or_too_many_is_refused() -> None:
    for values in (("CALL", {}), ("CALL", {}, "", "")):
        with pytest.raises(TypeError):
            maker(NextStep)(*values)
