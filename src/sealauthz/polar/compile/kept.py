"""What a compiler found out, so that it can be written down for one in another process to begin with.

The program is not part of it, nor are the clauses in their core form: they are made again of the same statements. A
clause that was looked up is its place among those of its rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from sealauthz.polar.compile.compiler import Compiler, LookUp
from sealauthz.polar.compile.forms import ALL_PASSES, CallPattern
from sealauthz.polar.compile.remembering import Remembering
from sealauthz.polar.program import Key, Program
from sealauthz.polar.types import TypeTable


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
    core = {key: compiler._lowered(key) for key in kept.looked_at}
    compiler._look_ups = {
        (key, pattern): LookUp(bit, [core[key][place] for place in places], asked)
        for (key, pattern), (bit, places, asked) in kept.look_ups.items()
    }
    compiler._next_bit = kept.next_bit
    for name in _MEMORIES:
        setattr(compiler, name, kept.memories[name])
    # Over no names: the compiler that takes one over makes it again over its own.
    compiler.definitions = {name: FunctionType(code, {}, name) for name, code in functions}
    return compiler
