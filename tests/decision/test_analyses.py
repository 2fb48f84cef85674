"""What is kept of the analyses of policies: that of the models that were asked for last."""

from __future__ import annotations

import dataclasses

from sealauthz.decision.analyses import Analyses, Checked
from sealauthz.model import MODEL
from sealauthz.polar.check import Analysis


def test_those_of_the_models_asked_for_last_are_kept() -> None:
    analyses = Analyses()
    models = [dataclasses.replace(MODEL) for _ in range(Analyses.KEPT + 1)]
    checked = Checked((), (), Analysis.__new__(Analysis))

    for model in models[:-1]:
        analyses.keep(model, checked)
    assert analyses.get(models[0]) is checked
    analyses.keep(models[-1], checked)

    assert [analyses.get(model) is checked for model in models] == [True, False, *[True] * (Analyses.KEPT - 1)]
    analyses.forget(models[0])
    assert analyses.get(models[0]) is None
