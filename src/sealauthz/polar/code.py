"""The functions of a compiled policy: made when they are first asked for, or taken over from where they were stored."""

from __future__ import annotations

import ast
import marshal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NoReturn

from sealauthz.polar import runtime
from sealauthz.polar.compile import FREE as FREE_ARGUMENT
from sealauthz.polar.compile import Argument, Bound, CallPattern, Constant
from sealauthz.polar.compile.forms import class_names
from sealauthz.polar.program import Program
from sealauthz.polar.runtime import FREE
from sealauthz.polar.types import Known, TypeTable
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed
from sealauthz.schema.record import EMPTY

if TYPE_CHECKING:
    from sealauthz.polar.compile import Compiler
    from sealauthz.polar.compile.kept import KeptCompiler

FREE_TYPE = type(FREE)

Key = tuple[Any, ...]
"""What a question is known by: the rule, and for each argument the word that it is, or its type."""

Picked = Callable[[tuple[Any, ...]], tuple[Any, ...]]
Entry = tuple[Callable[..., Any] | None, Picked, bool | None]
"""A function, what picks the arguments that it takes, and the answer where it is always the same."""


@dataclass(frozen=True, slots=True)
class StoredCode:
    """Functions with the questions that they answer, in a form for the same interpreter and the same classes.

    `next_name` is the number of the first name that none of them has. `questions` have the rule, what the arguments are
    like, the name of the function and the answer that is always the same; `words` are those that tell questions apart.
    """

    next_name: int
    words: tuple[str, ...]
    functions: tuple[tuple[str, CodeType], ...]
    questions: tuple[tuple[str, tuple[Any, ...], str | None, bool | None], ...]

    def dumped(self) -> bytes:
        """As bytes."""
        return marshal.dumps((self.next_name, self.words, self.functions, self.questions))

    @classmethod
    def loaded(cls, content: bytes) -> StoredCode:
        """From bytes that `dumped` made in the same interpreter. Raises ValueError, TypeError, EOFError for others."""
        next_name, words, functions, questions = marshal.loads(content)  # noqa: S302 (read from where nobody else writes)
        return cls(next_name, words, functions, questions)


@dataclass(frozen=True, slots=True)
class KeptCode:
    """A program, what a compiler found out about it, and its functions as bytes."""

    program: Program
    compiler: KeptCompiler
    functions: bytes


class Code:
    """The functions of one compilation, made when first asked for.

    The compiler itself is made when something is asked that no function is stored for.
    """

    def __init__(
        self, table: TypeTable, compiler: Compiler | Callable[[int], Compiler], stored: StoredCode | None = None
    ) -> None:
        self.table = table
        self.entries: dict[Key, Entry] = {}
        self._growing = threading.RLock()
        # Which attributes a policy may read: as many as it names, of the classes of facts and contexts.
        self._readable: set[tuple[type, str]] = set()
        # What makes one is a function; a compiler is none.
        self._made: Compiler | None = None if callable(compiler) else compiler
        self._make = compiler if callable(compiler) else None
        self._next_name = 1
        self._tellers: dict[Key, Entry] = {}
        self._stored: dict[Key, Entry] = {}
        self._refused: dict[Key, BundleRefused] = {}
        self._namespace: dict[str, Any] = {
            "__builtins__": {},
            "same": runtime.same,
            "compare": runtime.compare,
            "calculate": runtime.calculate,
            "whole": runtime.whole,
            "truth": runtime.truth,
            "spent": runtime.spent,
            "items": runtime.items,
            "contains": runtime.contains,
            "attribute": self._attribute,
            "exhausted": _exhausted,
            "refused": _refused,
            "EMPTY": EMPTY,
            "isinstance": isinstance,
            "len": len,
            **{name: cls for cls, name in class_names(table).items()},
        }
        if stored is not None:
            self._take_over(stored)

    @property
    def compiler(self) -> Compiler:
        """What makes the functions."""
        if self._made is None:
            with self._growing:
                if self._made is None and self._make is not None:
                    self._made = self._make(self._next_name)
        assert self._made is not None  # noqa: S101 (there is one, or what makes one)
        return self._made

    @property
    def has_compiler(self) -> bool:
        """Whether anything was compiled that was not stored."""
        return self._made is not None

    def enter_late(self, key: Key) -> Entry:
        """Compile a rule for a question that was not prepared, with a budget of its own. Raises BundleRefused.

        What was refused is refused again without a look: to find out may take seconds.
        """
        refused = self._refused.get(key)
        if refused is not None:
            raise refused
        try:
            return self.enter(key, key[0], pattern_of(key[1:]), has_own_budget=True)
        except BundleRefused as error:
            self._refused[key] = error
            raise

    def enter(
        self, key: Key, rule: str, pattern: CallPattern, *, is_asked: bool = False, has_own_budget: bool = False
    ) -> Entry:
        """Compile a rule for a call pattern; one that `is_asked` is defined too. Raises BundleRefused."""
        stored = self._stored.get(key)
        if stored is not None:
            return stored
        with self._growing:
            if has_own_budget:
                self.compiler.renew_budget()
            collects = FREE_ARGUMENT in pattern and not self.compiler.is_traced
            compiled = self.compiler.rule(rule, pattern, collects=collects)
            picked = _picking(_given(pattern))
            function: Callable[..., Any] | None = None
            if compiled.always is None and is_asked:
                self._define([compiled.name])
                function = self._namespace[compiled.name]
            elif compiled.always is None:
                function = self._made_on_first_call(key, compiled.name, picked)
            entry: Entry = (function, picked, compiled.always)
            self.entries[key] = entry
            return entry

    def teller(self, key: Key) -> Entry:
        """What answers a question with the number of the first clause that holds, or False. Raises BundleRefused."""
        found = self._tellers.get(key)
        if found is None:
            with self._growing:
                pattern = pattern_of(key[1:])
                compiled = self.compiler.telling(key[0], pattern)
                function: Callable[..., Any] | None = None
                if compiled.always is None:
                    self._define([compiled.name])
                    function = self._namespace[compiled.name]
                found = self._tellers[key] = function, _picking(_given(pattern)), compiled.always
        return found

    def mentioned(self, key: Key, rule: str, pattern: CallPattern) -> frozenset[str]:
        """Return every name and text in the functions that answer a question. Raises BundleRefused."""
        function, _, _ = self.enter(key, rule, pattern, is_asked=True)
        found: set[str] = set()
        waiting = [] if function is None else [function.__name__]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            if name not in self._namespace and (name == getattr(function, "__name__", "") or self.has_compiler):
                with self._growing:
                    self._define([name])
            made = self._namespace.get(name)
            if isinstance(made, FunctionType) and made.__globals__ is self._namespace:
                waiting += _mentioned_in(made.__code__)
        return frozenset(found)

    def changed(self, program: Program) -> Code:
        """Return the code of another policy, with the functions of ours that are the same there."""
        with self._growing:
            other = Code(self.table, self.compiler.changed(program))
        kept = other.compiler.definitions
        for name, made in kept.items():
            if isinstance(made, FunctionType):
                # Over names of its own, so that nothing of this code stays behind.
                kept[name] = other._namespace[name] = FunctionType(made.__code__, other._namespace, name)
        return other

    def _made_on_first_call(self, key: Key, name: str, picked: Picked) -> Callable[..., Any]:
        """A stand-in that makes the function, with all that it calls, on its first call."""

        def first_call(*arguments: Any) -> Any:
            with self._growing:
                self._define([name])
            function = self._namespace[name]
            self.entries[key] = (function, picked, None)
            return function(*arguments)

        return first_call

    def _define(self, names: Iterable[str]) -> None:
        """Define functions and those that they call, and keep the functions in place of their trees."""
        definitions, finished = self.compiler.definitions, self.compiler.remembering.finished
        fresh: dict[str, CodeType] = {}
        waiting = [*names]
        while waiting:
            wanted = waiting.pop()
            if wanted in fresh or wanted in self._namespace:
                continue
            definition = definitions.get(wanted)
            if isinstance(definition, ast.FunctionDef):
                fresh[wanted] = code = compile(ast.Module([finished(definition)], []), "<policy>", "exec")
                waiting += _names_in(code)
        for wanted, code in fresh.items():
            exec(code, self._namespace)  # noqa: S102 (nodes from a closed list, no builtins)
            definitions[wanted] = self._namespace[wanted]

    def _attribute(self, value: Any, name: str) -> Any:
        """Read an attribute of a value whose type the compiler did not know."""
        cls = type(value)
        if (cls, name) not in self._readable:
            if self.table.knows(cls) and self.table.known(cls, name) is None:
                raise EvaluationFailed(f"{cls.__name__} has no attribute `{name}`")
            self._readable.add((cls, name))
        return getattr(value, name)

    # --- what is stored ---------------------------------------------------------------------------------------------

    def stored(self, words: Iterable[str]) -> StoredCode:
        """Return all functions so far and the questions that they answer. Raises BundleRefused."""
        with self._growing:
            compiler = self.compiler
            fresh = [d for d in compiler.definitions.values() if isinstance(d, ast.FunctionDef)]
            if fresh:
                module = ast.Module([*map(compiler.remembering.finished, fresh)], [])
                exec(compile(module, "<policy>", "exec"), self._namespace)  # noqa: S102 (as above)
                for definition in fresh:
                    compiler.definitions[definition.name] = self._namespace[definition.name]
            functions = {n: f.__code__ for n, f in compiler.definitions.items() if isinstance(f, FunctionType)}
            names: dict[Any, tuple[str | None]] = {cls: (name,) for name, cls in self.table.classes.items()}
            names[FREE_TYPE] = (None,)
            questions = []
            for rule, *likes in self.entries:
                told = tuple(like if isinstance(like, str) else names.get(like) for like in likes)
                if None not in told:
                    compiled = compiler.rule(rule, pattern_of(likes), collects=FREE_TYPE in likes)
                    name = compiled.name if compiled.always is None else None
                    questions.append((rule, told, name, compiled.always))
            return StoredCode(compiler.next_number(), tuple(sorted(words)), tuple(functions.items()), tuple(questions))

    def kept(self) -> KeptCode | None:
        """Return what the code of another policy may begin with, for another process, once all that is compiled is
        defined; None where this began with another one itself.
        """
        from sealauthz.polar.compile.kept import kept_of

        with self._growing:
            compiler = kept_of(self.compiler)
            made = self.compiler.definitions
            functions = tuple([(name, f.__code__) for name, f in made.items() if isinstance(f, FunctionType)])
            if compiler is None or len(functions) < len(made):
                return None
            return KeptCode(self.compiler.program, compiler, marshal.dumps(functions))

    @classmethod
    def of_kept(cls, kept: KeptCode, table: TypeTable) -> Code:
        """Return code for that of another policy to begin with, from what `kept` gave of the same types."""
        from sealauthz.polar.compile.kept import compiler_of

        functions = marshal.loads(kept.functions)  # noqa: S302 (as above)
        return cls(table, compiler_of(kept.compiler, functions, kept.program, table))

    def _take_over(self, stored: StoredCode) -> None:
        self._next_name = stored.next_name
        for name, code in stored.functions:
            self._namespace[name] = FunctionType(code, self._namespace, name)
        classes: dict[str | None, type] = {None: FREE_TYPE}
        classes.update(self.table.classes)
        for rule, told, answering, always in stored.questions:
            likes = tuple(like if isinstance(like, str) else classes[like[0]] for like in told)
            function = None if answering is None else self._namespace[answering]
            places = tuple([index for index, like in enumerate(likes) if _is_given(like)])
            self._stored[(rule, *likes)] = (function, _picking(places), always)
        self.entries.update(self._stored)


def pattern_of(likes: Iterable[object]) -> CallPattern:
    """The pattern of a question: a word stands for itself, a class for its instances, and that of FREE for FREE."""
    pattern: list[Argument] = []
    for like in likes:
        if like is FREE_TYPE:
            pattern.append(FREE_ARGUMENT)
        elif isinstance(like, str):
            pattern.append(Constant(like, str))
        elif like is type(None):
            pattern.append(Constant(None, type(None)))
        elif isinstance(like, type):
            pattern.append(Bound(Known(like)))
    return tuple(pattern)


def _names_in(code: CodeType) -> Iterator[str]:
    """The names that code reads from its namespace, and those of attributes."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_in(inner)


def _mentioned_in(code: CodeType) -> Iterator[str]:
    """The names and texts in code."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _mentioned_in(inner)
        elif isinstance(inner, str):
            yield inner
        elif isinstance(inner, tuple | frozenset):
            yield from (each for each in inner if isinstance(each, str))


def _is_given(like: object) -> bool:
    """Whether a function takes an argument that is like this, as `pattern_of` says of it."""
    return isinstance(like, type) and like is not FREE_TYPE and like is not type(None)


def _given(pattern: CallPattern) -> tuple[int, ...]:
    """The places of the arguments that a function takes."""
    return tuple(index for index, argument in enumerate(pattern) if isinstance(argument, Bound))


@cache
def _picking(positions: tuple[int, ...]) -> Picked:
    """What picks the arguments at some positions."""
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda arguments: tuple(arguments[position] for position in positions)


def _exhausted() -> NoReturn:
    raise EvaluationFailed("the question takes more steps than it may")


def _refused() -> NoReturn:
    raise EvaluationFailed("a rule that cannot be compiled was reached")
