"""What the checker knows of a pattern: a rule, called with arguments of these types."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sealauthz.polar.check.rules import Clause, Key
from sealauthz.polar.check.values import Value
from sealauthz.polar.syntax import Place
from sealauthz.polar.unchanging import unchanging

Pattern = tuple[Key, tuple[Value, ...], bool, bool]
"""A rule, its arguments, whether it stands under a negation, and whether it decides."""

Taken = tuple[Value, ...] | None
"""The arguments after a call; None where no rule can match."""

Words = tuple[tuple[int, frozenset[object]], ...]
"""The words that the arguments of a call can be, by their places."""

NOTHING = sys.maxsize
"""Behind the turn of every pattern."""


@dataclass(slots=True)
class Reach:
    """What the analysis of a pattern rests on and says, as sets of bits: the look-ups of clauses that it made, which
    clauses and conditions it tried, which of them could hold, which rules it called, and what it asked of the classes
    of its arguments.

    It is silent where nothing was wrong; it `uses_mode` where it may say something else under a negation, or where it
    decides. `height` is how many calls, one inside the other, it may take at most. `rests_on` is the turn of the
    outermost of the patterns that it rests on and that were still being read then: what it found may not be all.
    """

    look_ups: int = 0
    tried: int = 0
    held: int = 0
    called: int = 0
    asked: int = 0
    uses_mode: bool = False
    is_silent: bool = True
    height: int = 1
    rests_on: int = NOTHING

    @property
    def is_partial(self) -> bool:
        """Whether it may not be all."""
        return self.rests_on != NOTHING

    def add(self, other: Reach) -> None:
        """Take in the reach of a pattern that this one rests on."""
        self.height = max(self.height, other.height + 1)
        self.look_ups |= other.look_ups
        self.tried |= other.tried
        self.held |= other.held
        self.called |= other.called
        self.asked |= other.asked
        self.uses_mode |= other.uses_mode
        self.is_silent &= other.is_silent
        self.rests_on = min(self.rests_on, other.rests_on)


class Bits:
    """Numbers for things, as sets of one. `things` are kept, so that nothing else can be taken for one of them."""

    def __init__(self, like: Bits | None = None) -> None:
        self.things: list[object] = [] if like is None else [*like.things]
        self._bits: dict[object, int] = {} if like is None else dict(like._bits)

    def of(self, name: object, thing: object) -> int:
        """The bit of a thing that goes by a name."""
        bit = self._bits.get(name)
        if bit is None:
            bit = self._bits[name] = 1 << len(self.things)
            self.things.append(thing)
        return bit

    def known(self, name: object) -> int:
        """The bit of a thing; none where it has none."""
        return self._bits.get(name, 0)

    def among(self, bits: int) -> Iterator[object]:
        """The things whose bits are in a set."""
        while bits:
            lowest = bits & -bits
            yield self.things[lowest.bit_length() - 1]
            bits ^= lowest

    def things_named(self) -> list[tuple[object, object]]:
        """The things in the order of their bits, each with its name; None for what is named by its identity, which is
        another one in another process.
        """
        return [
            (None if name == id(thing) else name, thing) for name, thing in zip(self._bits, self.things, strict=True)
        ]

    @classmethod
    def of_things(cls, named: Iterable[tuple[object, object]]) -> Bits:
        """From what `things_named` gave."""
        made = cls()
        for name, thing in named:
            made.of(id(thing) if name is None else name, thing)
        return made


@dataclass(slots=True)
class Known:
    """What is known of a pattern: the arguments that it was first called with, what comes out, clause by clause, and
    whether it is still being found out; `turn` counts the patterns that were begun before it. Where it was found out
    with another class, `instead_of` names that one and its own, for what the clauses say.
    """

    values: tuple[Value, ...] = ()
    taken: Taken = None
    is_open: bool = True
    turn: int = 0
    is_recursive: bool = False
    by_clause: list[tuple[Clause, Taken]] = field(default_factory=list)
    reach: Reach = field(default_factory=Reach)
    instead_of: tuple[str, str] | None = None


@dataclass(slots=True)
class Tried:
    """A clause or condition that was tried: where it stands, what is wrong if it never holds, and why it did not; if it
    was a word that no rule takes, where that was written.
    """

    place: Place
    what: str
    holds: bool
    why: str
    word: Place | None = None


@unchanging
class Shared:
    """What is known of a pattern, as far as it holds for other classes and in other modes too."""

    known: Known
    cls: str
    is_negative: bool
    decides: bool


@dataclass(frozen=True, slots=True)
class KeptFlow:
    """What was found out in following calls, so that it can be written down: what was asked of classes, the patterns,
    all things that have a bit, what became of those that were tried, by their places among these, the look-ups, and how
    many steps that took.
    """

    questions: tuple[tuple[str, str], ...]
    known: dict[Pattern, Known]
    things: Sequence[tuple[object, object]]
    tried: Mapping[int, Tried]
    look_ups: dict[tuple[Key, Words], tuple[int, Sequence[Clause]]]
    steps: int
