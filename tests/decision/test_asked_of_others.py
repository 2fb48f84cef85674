"""What next steps ask of other people is what following them was tried with."""

from __future__ import annotations

from following_ways import SELF, WAYS

from sealauthz.model import MODEL


def test_the_model_knows_the_acts_of_others_by_which_each_step_was_followed() -> None:
    tried: dict[str, set[tuple[str, str]]] = {}
    for step, way in WAYS.items():
        for said in way.acts:
            who, _, act = said.rpartition(" ")
            if (who or way.who) != SELF:
                record_type, _, action = act.partition("/")
                tried.setdefault(step, set()).add((action, record_type))
    assert {step: set(acts) for step, acts in MODEL.step_acts.items()} == tried


def test_what_a_step_asks_for_is_an_act() -> None:
    acts = {act for some in MODEL.step_acts.values() for act in some}
    assert acts <= MODEL.actions.keys()
    assert len(acts) > 40
