"""What a search remembers by what was read: an answer stands where nobody may notice a difference, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from tiny.model import TINY

from sealauthz.attack.remembered import Remembered
from sealauthz.attack.touching import Footprint, Trace, What, trace_of
from sealauthz.attack.traced import reading, tell_of_collections, traced
from sealauthz.facts.memory.wiring import wire
from sealauthz.schema import Unit

NAMES = TINY.records
RED = (What.SCAN, "TeamMember", "team_id", "red")


def member(name: str, rank: str = "READER") -> Any:
    return NAMES["TeamMember"](name, "red", name, rank)


def footprint(*changes: tuple[Any, Any]) -> Footprint:
    """What it is that records are others than before."""
    some = [((type(was or new).__name__, (was or new).id), was, new) for was, new in changes]
    return Footprint(TINY, some, frozenset(), frozenset())


ANN = footprint((None, member("ann")))
OTHER = footprint((None, NAMES["TeamMember"]("dee", "blue", "dee", "READER")))
RANKED = footprint((member("bob"), member("bob", "OWNER")))
RANK_OF_BOB = Trace(frozenset({("TeamMember", "bob", "rank")}))


@pytest.mark.parametrize(
    ("trace", "then", "now", "stands"),
    [
        (RANK_OF_BOB, (), (ANN,), True),
        (RANK_OF_BOB, (), (RANKED,), False),
        (RANK_OF_BOB, (RANKED,), (), False),
        (RANK_OF_BOB, (RANKED,), (RANKED, ANN), True),
        (RANK_OF_BOB, (ANN,), (OTHER,), True),
        (Trace(walked=frozenset({RED})), (), (ANN,), False),
        (Trace(walked=frozenset({RED})), (ANN,), (), True),
        (Trace(walked=frozenset({RED})), (ANN,), (OTHER,), True),
        (Trace(frozenset({RED})), (ANN,), (), False),
        (Trace(frozenset({(What.ONE, "TeamMember", "ann")})), (), (ANN,), False),
    ],
)
def test_an_answer_stands_where_what_it_read_is_the_same(
    trace: Trace, then: tuple[Footprint, ...], now: tuple[Footprint, ...], stands: bool
) -> None:
    known: Remembered[str] = Remembered()
    known.add("may they", frozenset(then), "yes", trace)
    assert known.find("may they", frozenset(now)) == (("yes", trace) if stands else None)
    assert known.find("may others", frozenset(now)) is None
    known.clear()
    assert known.find("may they", frozenset(then)) is None


def looked_up(**ranks: str) -> Any:
    """A team whose members tell what is read of them."""
    records = [traced(member(*each)) for each in ranks.items()]
    unit = wire(TINY, Unit("TEAM", "red"), {"Team": [traced(NAMES["Team"]("red", "red"))], "TeamMember": records})
    tell_of_collections(TINY, unit)
    return unit["Team"]["red"]


def test_what_is_looked_up_rests_on_who_holds_the_value_alone() -> None:
    """Also where nobody does, and where nobody is there."""
    for team in (looked_up(bob="READER", cy="OWNER"), looked_up(cy="OWNER"), looked_up()):
        with reading() as events:
            found = team.members.holding("rank", "READER")
        assert [each.id for each in found] == [each.id for each in list(team.members) if each.rank == "READER"]
        trace = trace_of(events, None)
        assert ANN.may_be_noticed_by(trace), "another reader comes"
        assert RANKED.may_be_noticed_by(trace), "one is a reader no more"
        assert footprint((member("cy", "OWNER"), member("cy", "READER"))).may_be_noticed_by(trace)
        assert footprint((member("bob"), None)).may_be_noticed_by(trace)
        assert not footprint((None, member("ann", "OWNER"))).may_be_noticed_by(trace)
        assert not footprint((member("cy", "OWNER"), member("cy", "EDITOR"))).may_be_noticed_by(trace)
        assert not OTHER.may_be_noticed_by(trace)


@pytest.mark.parametrize(
    "taken",
    [
        len,
        bool,
        list,
        tuple,
        sorted,
        lambda some: some == [],
        lambda some: some != [],
        lambda some: some.__eq__([]),
        lambda some: some[:1],
        lambda some: some[:],
        lambda some: [*some],
        lambda some: some.__add__([]),
        lambda some: some * 2,
        lambda some: None in some,
        lambda some: some.copy(),
        lambda some: some.count(None),
        lambda some: [*reversed(some)],
        lambda some: (some.holding("rank", "OWNER"), len(some)),
        lambda some: any(each.rank == "OWNER" for each in some),
    ],
)
def test_what_an_effect_does_with_a_collection_rests_on_all_of_it(taken: Any) -> None:
    for team in (looked_up(), looked_up(bob="READER")):
        with reading() as events:
            if taken is sorted:
                sorted(team.members, key=lambda each: each.id)
            else:
                taken(team.members)
        assert ANN.is_noticed_by(trace_of(events, None))
