"""What the tests of effects share: a store for the facts of one test."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from acting import NewPlatform, Platform
from harness import Clock, NewWorld, World, bundle, facts

from sealauthz.facts import Store
from sealauthz.model import MODEL
from sealauthz.operations import operations
from sealauthz.schema import Act, Model, Outcome, Put


@pytest.fixture
def world(new_database: Callable[[str], str]) -> Iterator[NewWorld]:
    """Make the world of a test: the facts of the policy tests with what differs, in a store of their own."""
    stores: list[Store] = []

    def make(*situations: str, **given: Any) -> World:
        clock = Clock()
        stores.append(Store.open(new_database("sqlite"), MODEL, clock))
        return World(stores[-1], facts(*situations, **given), clock)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def platform(new_database: Callable[[str], str]) -> Iterator[NewPlatform]:
    """Make a platform with the facts of the policy tests and what differs, in a store of their own."""
    made: list[Platform] = []

    def make(*situations: str, **given: Any) -> Platform:
        made.append(Platform(new_database("sqlite"), facts(*situations, **given)))
        return made[-1]

    yield make
    for each in made:
        each.store.close()


@cache
def _documented() -> Any:
    """Who writes each state, as `docs/lives.md` says."""
    path = Path(__file__).resolve().parents[3] / "tools" / "lives_doc.py"
    spec = importlib.util.spec_from_file_location("lives_doc", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["lives_doc"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, module.written_by_acts(bundle())


@pytest.fixture(autouse=True)
def _every_act_writes_only_what_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare the states that an act writes in any of these tests with `docs/lives.md`."""
    followed = operations.followed

    def compared(model: Model, act: Act, outcome: Outcome) -> Any:
        found = followed(model, act, outcome)
        lives_doc, written = _documented()
        type_ = type(act.resource).__name__
        for change in found.changes:
            is_new = isinstance(change, Put)
            record_type = type(change.record).__name__ if is_new else change.record_type
            values = vars_of(change.record) if is_new else getattr(change, "values", {})
            for of_type, column in lives_doc.lives():
                if of_type == record_type and column in values:
                    by = written.get(lives_doc.State(of_type, column, str(values[column])), ())
                    shown = f"`{act.action}`" if of_type == type_ else f"`{act.action}` on {type_}"
                    assert shown in by, (shown, of_type, column, values[column])
        return found

    monkeypatch.setattr(operations, "followed", compared)


def vars_of(record: Any) -> dict[str, Any]:
    """The columns of a record."""
    return {each.name: getattr(record, each.name) for each in MODEL.shapes[type(record).__name__].columns}
