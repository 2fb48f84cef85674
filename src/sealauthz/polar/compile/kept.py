"""What a compiler found out, so that it can be written down for one in another process to begin with.

The clauses in their core form are not part of it: those of a rule are made again when something asks for them, which
after a small change most of them are not. A clause that was looked up is its place among those of its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import CodeType, FunctionType
from typing import Any, overload

from sealauthz.polar.compile.compiler import Compiler, LookUp, lowered
from sealauthz.polar.compile.forms import ALL_PASSES, CallPattern
from sealauthz.polar.compile.remembering import Remembering
from sealauthz.polar.core.nodes import Clause
from sealauthz.polar.program import Key, Program
from sealauthz.polar.types import TypeTable


class Later(Sequence[Clause]):
    """Clauses that are made when something first asks for them. Any thread may ask."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Sequence[Clause]]) -> None:
        self._make: Callable[[], Sequence[Clause]] | None = make
        self._made: Sequence[Clause] = ()

    def _all(self) -> Sequence[Clause]:
        make = self._make
        if make is not None:
            # In this order: who finds nothing that makes them finds them. Two that were made at once say the same.
            self._made = make()
            self._make = None
        return self._made

    @overload
    def __getitem__(self, place: int) -> Clause: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Clause]: ...

    def __getitem__(self, place: int | slice) -> Clause | Sequence[Clause]:
        return self._all()[place]

    def __len__(self) -> int:
        return len(self._all())


@dataclass(frozen=True, slots=True)
class KeptCompiler:
    """The memories of a compiler, by their names; `questions` are what was asked of classes, in the order of the bits;
    `looked_at` the rules that were; `look_ups` have the bit, the places of the clauses, and what was asked.
    """

    next_name: int
    next_bit: int
    questions: Sequence[Any]
    promised: frozenset[str]
    remembering: tuple[Mapping[str, tuple[str, ...]], frozenset[str]]
    looked_at: Sequence[Key]
    look_ups: Mapping[tuple[Key, CallPattern | None], tuple[int, tuple[int, ...], int]]
    memories: Mapping[str, dict[Any, Any]]


_MEMORIES = ("_compiled", "_templates", "_common", "_common_templates", "_siblings", "_output_types", "_reads")


def kept_of(compiler: Compiler) -> KeptCompiler | None:
    """Return what one found out that has defined all its functions; None where it began with another one itself."""
    if compiler.has_begun_with_another or compiler.is_traced or compiler.passes != ALL_PASSES:
        return None
    places = {id(clause): place for found in compiler._core.values() for place, clause in enumerate(found)}
    return KeptCompiler(
        compiler.next_number(),
        compiler._next_bit,
        compiler.alike.names,
        frozenset(compiler.promised),
        compiler.remembering.state(),
        tuple(compiler._core),
        {
            asked: (found.bit, tuple([places[id(clause)] for clause in found.clauses]), found.asked)
            for asked, found in compiler._look_ups.items()
        },
        {name: getattr(compiler, name) for name in _MEMORIES},
    )


def compiler_of(
    kept: KeptCompiler, functions: Sequence[tuple[str, CodeType]], program: Program, table: TypeTable
) -> Compiler:
    """Return a compiler of the same program, over the same types, for others to begin with: `changed`."""
    compiler = Compiler(program, table, first_name=kept.next_name)
    for name in kept.questions:
        _ = compiler.attribute_bit(name) if isinstance(name, str) else compiler.fits_bit(name)
    compiler.promised = set(kept.promised)
    compiler.remembering = Remembering.of_state(*kept.remembering)
    core = {key: Later(partial(lowered, compiler._lowering, program, key)) for key in kept.looked_at}
    compiler._core = {**core}
    compiler._look_ups = {
        (key, pattern): LookUp(bit, Later(partial(_at, core[key], places)), asked)
        for (key, pattern), (bit, places, asked) in kept.look_ups.items()
    }
    compiler._next_bit = kept.next_bit
    for name in _MEMORIES:
        setattr(compiler, name, kept.memories[name])
    # Over no names: the compiler that takes one over makes it again over its own.
    compiler.definitions = {name: FunctionType(code, {}, name) for name, code in functions}
    return compiler


def _at(clauses: Sequence[Clause], places: Sequence[int]) -> Sequence[Clause]:
    return [clauses[place] for place in places]
