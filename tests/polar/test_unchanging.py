"""Classes that nobody changes: as frozen dataclasses, but for what they take to make."""

from __future__ import annotations

import dataclasses

import pytest

from sealauthz.decision.stored_rules import read, written
from sealauthz.polar.compile import Bound, Constant
from sealauthz.polar.syntax import Literal, Place, Variable
from sealauthz.polar.types import Known, ValueType
from sealauthz.polar.unchanging import is_unchanging, unchanging

PLACE = Place("a.polar", 1, 2)


@unchanging
class Pair:
    """Two things."""

    one: int
    other: str = "x"


@dataclasses.dataclass(slots=True)
class Growing:
    """What may be changed."""

    one: int


def test_instances_with_the_same_values_are_one_key_and_have_no_other_attributes() -> None:
    assert {Pair(1): "found"}[Pair(1, "x")] == "found"
    assert Pair(1) != Pair(2)
    assert dataclasses.replace(Pair(1), one=2) == Pair(2)
    assert not hasattr(Pair(1), "__dict__")


def test_what_is_unchanging_is_told_from_what_may_be_changed() -> None:
    assert all(map(is_unchanging, (Pair, Place, Known)))
    assert not any(map(is_unchanging, (Growing, dict, str)))


def test_a_tree_is_stored_by_the_values_of_its_nodes() -> None:
    tree = (Variable("x", PLACE), Literal(1, PLACE), Literal(True, PLACE), PLACE)
    assert read(written(tree)) == tree
    assert [type(each) for each in read(written(tree))] == [Variable, Literal, Literal, Place]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Bound(Known(str)), Bound(Known(str, is_optional=True))),
        (Bound(Known(str)), Bound(Known(str, is_exact=False))),
        (Bound(), Bound(Known(type(None)))),
        (Constant(1, int), Constant(True, bool)),
        (Constant(0, int), Constant(None, type(None))),
        (ValueType("str"), ValueType("str", is_optional=True)),
        (ValueType("str", words=frozenset({"a"})), ValueType("str", words=frozenset({"a"}), is_given=True)),
        (ValueType("str", words=frozenset({1})), ValueType("str", words=frozenset({2}))),
    ],
    ids=str,
)
def test_what_differs_is_two_keys_whatever_its_hash(one: object, other: object) -> None:
    assert len({one, other}) == 2
