"""The truth of the soak: it finds what is wrong, and only that."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

HOLD = ("free", "s1")
OTHER = ("member", "m1")


@pytest.fixture(scope="module")
def soak() -> Any:
    path = Path(__file__).resolve().parents[1] / "tools" / "soak_truth.py"
    spec = importlib.util.spec_from_file_location("soak_truth", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["soak_truth"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def truth(soak: Any) -> Any:
    """On at 1 (known at 10 s), off at 5 (at 20 s), on at 7 (at 30 s)."""
    truth = soak.Truth()
    for revision, is_on, now in ((1, True, 10.0), (5, False, 20.0), (7, True, 30.0)):
        truth.turned(HOLD, soak.At("a", revision), is_on=is_on, now=now)
    truth.turned(OTHER, soak.At("a", 1), is_on=True, now=10.0)
    return truth


@pytest.mark.parametrize(
    ("revision", "is_allowed", "fresh", "asked_at", "wrong"),
    [
        (4, True, {"max_age_s": 5.0}, 19.0, ""),
        (4, False, {"max_age_s": 5.0}, 19.0, "denied"),
        (5, False, {"max_age_s": 5.0}, 24.0, ""),
        (5, True, {"max_age_s": 5.0}, 24.0, "allowed"),
        (6, True, {"max_age_s": 5.0}, 24.0, "allowed"),
        (4, True, {"max_age_s": 5.0}, 24.9, ""),
        (4, True, {"max_age_s": 5.0}, 25.1, "older than revision 5, which was known"),
        (4, True, {"is_newest": True}, 19.9, ""),
        (4, True, {"is_newest": True}, 20.1, "older than revision 5, which was known"),
        (4, True, {"token": 4}, 99.0, ""),
        (4, True, {"token": 5}, 99.0, "older than the token of revision 5"),
    ],
)
def test_an_answer_is_right_for_its_revision_which_is_as_new_as_was_demanded(
    soak: Any, truth: Any, revision: int, is_allowed: bool, fresh: dict[str, Any], asked_at: float, wrong: str
) -> None:
    at = soak.At("a", fresh.pop("token")) if "token" in fresh else None
    item = soak.Item((HOLD, OTHER), is_allowed)
    truth.judge(soak.Answer("one", soak.At("a", revision), asked_at, asked_at, soak.Fresh(at, **fresh), (item,)))
    truth.finish()
    assert len(truth.wrong) == (1 if wrong else 0)
    assert wrong in "".join(truth.wrong)
    assert truth.judged["one"] == 1


def test_an_answer_about_what_is_being_written_is_judged_when_that_is_known(soak: Any, truth: Any) -> None:
    def answer(revision: int, is_allowed: bool) -> Any:
        item = soak.Item((HOLD,), is_allowed)
        return soak.Answer("one", soak.At("a", revision), 31.0, 31.0, soak.Fresh(max_age_s=5.0), (item,))

    with truth.turning(HOLD):
        truth.judge(answer(6, is_allowed=False))
        truth.judge(answer(8, is_allowed=False))
        assert sum(truth.judged.values()) == 1  # of the one, all is known
        truth.turned(HOLD, soak.At("a", 8), is_on=False, now=32.0)
    assert (sum(truth.judged.values()), truth.wrong) == (2, [])
    with truth.turning(HOLD):
        truth.judge(answer(9, is_allowed=True))  # it was never turned on after all
    assert len(truth.wrong) == 1


def test_after_a_restore_the_old_history_ends_and_goes_on_where_the_backup_was(soak: Any, truth: Any) -> None:
    def judge(history: str, revision: int, is_allowed: bool, asked_at: float, **fresh: Any) -> str:
        truth.wrong.clear()
        item = soak.Item((HOLD,), is_allowed)
        truth.judge(
            soak.Answer("one", soak.At(history, revision), asked_at, asked_at, soak.Fresh(None, **fresh), (item,))
        )
        return "".join(truth.wrong)

    assert judge("b", 5, False, 41.0) == ""  # it waits: nobody knows of that history yet
    truth.ended(40.0)
    truth.restored(soak.At("a", 5), "b", 41.0)
    assert not truth.wrong
    assert truth.is_over("a", 40.0)
    assert not truth.is_over("b", 99.0)
    assert judge("b", 5, False, 42.0, is_newest=True) == ""
    assert "allowed" in judge("b", 5, True, 42.0)
    assert "had not begun" in judge("b", 5, False, 40.9)
    assert judge("a", 7, True, 39.0, is_newest=True) == ""
    assert "had ended" in judge("a", 7, True, 40.1, is_newest=True)
    assert judge("a", 7, True, 44.0, max_age_s=5.0) == ""
    assert "had ended" in judge("a", 7, True, 45.1, max_age_s=5.0)
    truth.turned(HOLD, soak.At("b", 6), is_on=True, now=43.0)
    assert judge("b", 6, True, 44.0) == ""
    truth.wrong.clear()
    truth.judge(soak.Answer("one", soak.At("c", 6), 44.0, 44.0, soak.Fresh(), ()))
    truth.finish()
    assert "nobody knows" in truth.wrong[0]
