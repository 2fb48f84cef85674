"""Every obligation of a bundle is met somewhere, or the bundle does not load."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from tiny.model import TINY

from sealauthz.decision import Bundle
from sealauthz.decision.inspection import inspect
from sealauthz.model import MODEL
from sealauthz.polar.check import Severity
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import Duty, MetBy, Model, Part

ALARM = 'obligation(_: User, "archive", _: Document, _, "TELL_TEEM");'


def model_of(folder: Path, text: str) -> Model:
    """The tiny model, with a further rule in its policies."""
    shutil.copytree(TINY.policies or Path(), folder / "policies")
    with (folder / "policies" / "documents.polar").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")
    return dataclasses.replace(TINY, policies=folder / "policies")


def test_an_obligation_that_nobody_meets_does_not_load(tmp_path: Path) -> None:
    model = model_of(tmp_path, ALARM)
    (found,) = [each for each in inspect(model).diagnostics if each.severity is Severity.ERROR]
    assert found.code == "obligation"
    assert found.message == "nobody meets the obligation `TELL_TEEM`; did you mean `TELL_TEAM`?"
    assert found.place.file == "documents.polar"
    with pytest.raises(BundleRefused, match="nobody meets the obligation"):
        Bundle.load(model)


def test_one_that_the_model_says_who_meets_loads(tmp_path: Path) -> None:
    model = model_of(tmp_path, ALARM)
    more = Part(duties=(Duty("TELL_TEEM", MetBy.CALLER),))
    assert Bundle.load(dataclasses.replace(model, parts=(*model.parts, more)))


def test_a_model_without_duties_leaves_all_to_the_caller(tmp_path: Path) -> None:
    model = model_of(tmp_path, ALARM)
    parts = tuple(dataclasses.replace(part, duties=()) for part in model.parts)
    assert Bundle.load(dataclasses.replace(model, parts=parts))


def test_a_duty_says_how_it_is_met() -> None:
    with pytest.raises(TypeError):
        Duty("TELL", MetBy.EVENT)
    with pytest.raises(TypeError):
        Duty("TELL", MetBy.CALLER, tell=lambda act, named: ())


def test_every_act_of_the_product_says_what_it_changes_or_that_it_only_looks() -> None:
    rulebook = Bundle.load(MODEL).rulebook
    silent = [key for key in rulebook.requirements if MODEL.action(*key).effect is None]
    assert silent == []


def test_no_two_parts_say_where_one_obligation_is_met() -> None:
    codes = [duty.code for part in MODEL.parts for duty in part.duties]
    assert len(codes) == len(set(codes))


def test_every_duty_is_asked_for_by_some_rule() -> None:
    asked = {code for codes in Bundle.load(MODEL).rulebook.obligations.values() for code in codes}
    assert set(MODEL.duties) == asked
