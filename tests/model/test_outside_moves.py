"""What happens outside in a search: what a service outside owns is moved by its owner, or it is said why it is not."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from facts_scene import NOW, scene

from sealauthz.model import MODEL
from sealauthz.model.outside import NOT_MOVED, OUTSIDE
from sealauthz.model.outside.changes import becomes
from sealauthz.model.records.retrieval import RetrievalCase
from sealauthz.policytools.attack.moves import OutsideMoved
from sealauthz.policytools.attack.world import World
from sealauthz.policytools.testing.fixtures import FactSet
from sealauthz.schema import OutsideMove, Put, Update
from sealauthz.schema.rules import Life

DOCS = Path(__file__).parents[2] / "docs"
LIVES = (DOCS / "lives.md").read_text(encoding="utf-8")
BEGINNINGS = {
    ("Contract", "DRAFT"),
    ("Device", "ACTIVE"),
    ("IdentityVerification", "PASSED"),
    ("IdentityVerification", "STARTED"),
    ("NoticeDelivery", "SENT"),
    ("Person", "UNVERIFIED"),
}
"""States that services write and no move leads to. A record begins in them or, a check that was passed, is given."""


def steps_of(move: OutsideMove) -> tuple[str, str, Mapping[str, tuple[str, ...]]] | None:
    """The type, the column and the steps of a move that is one of states; None of another one."""
    made = move.moves
    return made.args if isinstance(made, functools.partial) and made.func is becomes else None


def edited() -> dict[tuple[str, str], Any]:
    """The scene of the tests, where somebody has a number that others may get, and a seal a controller."""
    records = {(type(each).__name__, each.id): each for each in scene()}
    for (name, _), record in list(records.items()):
        if name == "Person":
            records[name, record.id] = replace(record, phone_hash=f"{record.id}-hash".encode().hex())
    return records


def happening(move: OutsideMove) -> Iterator[tuple[World, OutsideMoved]]:
    """What may happen by a move in the scene and, where it goes from a state, in the scene with a record in that."""
    records = edited()
    worlds = [World(FactSet(MODEL, records))]
    if steps := steps_of(move):
        name, column, states = steps
        for key, record in records.items():
            if key[0] == name:
                worlds += [
                    World(FactSet(MODEL, {**records, key: replace(record, **{column: each})})) for each in states
                ]
    for world in worlds:
        for name, changes in move.moves(world.records, NOW):
            yield world, OutsideMoved(name, move.owner, move.says, changes)


def is_taken(world: World, moved: OutsideMoved) -> bool:
    written = moved.writing.on(world)
    return written is not None and bool(written.after) and world.moved(written).takes(written)


@pytest.mark.parametrize("move", OUTSIDE, ids=[each.name for each in OUTSIDE])
def test_what_may_happen_outside_is_taken_by_a_store(move: OutsideMove) -> None:
    assert any(is_taken(world, moved) for world, moved in happening(move))


def test_each_record_that_services_write_is_moved_by_one_or_it_is_said_why_not() -> None:
    not_owned = {name for name, shape in MODEL.shapes.items() if len(shape.owned_by_acts) < len(shape.columns)}
    written = set()
    for move in OUTSIDE:
        for _, moved in happening(move):
            for change in moved.changes:
                written.add(type(change.record).__name__ if isinstance(change, Put) else change.record_type)
    assert not_owned - written == NOT_MOVED.keys()
    # Holds of the platform and of courts come from outside, although acts own holds.
    assert written - not_owned == {"SealHold"}
    assert all(NOT_MOVED.values())


def test_a_move_takes_steps_that_the_life_of_its_record_allows() -> None:
    seen = 0
    for move in OUTSIDE:
        if steps := steps_of(move):
            name, column, states = steps
            (life,) = (each for each in MODEL.shapes[name].rules_of(Life) if each.column == column)
            for state, later in states.items():
                assert set(later) <= life.reachable(state), move.name
                seen += len(later)
    assert seen > 25


def test_each_state_that_services_alone_write_is_one_that_a_move_leads_to() -> None:
    reached: dict[tuple[str, str], set[str]] = {}
    for move in OUTSIDE:
        if steps := steps_of(move):
            name, column, states = steps
            reached.setdefault((name, column), set()).update(state for later in states.values() for state in later)
    left = set()
    for name, owned in by_services():
        moved = [some for (of, _), some in reached.items() if of == name]
        left |= {(name, state) for state in owned if not any(state in some for some in moved)}
    assert left == BEGINNINGS


def by_services() -> Iterator[tuple[str, set[str]]]:
    """Of each life, the states that nobody but services writes."""
    for part in LIVES.split("\n## ")[1:]:
        name = re.split(r"\W", part, maxsplit=1)[0]
        if name in MODEL.records:
            yield name, set(re.findall(r"^\| (\w+) \| the world outside \|$", part, re.MULTILINE))


def test_notices_are_sent_about_cases_alone() -> None:
    """What would be sent without a case, a store would not hold."""
    (move,) = (each for each in OUTSIDE if each.name == "a notice is sent")
    without = {key: each for key, each in edited().items() if not isinstance(each, RetrievalCase)}
    assert [
        *move.moves({"Person": {each.id: each for (name, _), each in without.items() if name == "Person"}}, NOW)
    ] == []


def test_every_move_has_a_name_of_its_own_and_an_owner() -> None:
    assert len({each.name for each in OUTSIDE}) == len(OUTSIDE)
    assert all(each.owner and each.says and isinstance(each.name, str) for each in OUTSIDE)
    assert all(
        isinstance(change, Put | Update) for each in OUTSIDE for _, moved in happening(each) for change in moved.changes
    )


def test_the_page_that_teaches_goals_names_every_move() -> None:
    page = (DOCS / "attack-search.md").read_text(encoding="utf-8")
    assert [each.name for each in OUTSIDE if f"`{each.name}`" not in page] == []
