"""The compiled engine: a bundle's rules as Python functions, found by rule and by the types of the arguments.

Nothing here is changed after load but the table of entries, which only grows; a new bundle is a new engine.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sealauthz.polar import compile as compiling
from sealauthz.polar import trace
from sealauthz.polar.code import FREE_TYPE, Code, Entry, KeptCode, StoredCode, pattern_of
from sealauthz.polar.compile import ALL_PASSES, Passes
from sealauthz.polar.compile.remembering import ANSWERS
from sealauthz.polar.counting import Notes, Tally
from sealauthz.polar.program import Clause, Program, program_of, with_rule
from sealauthz.polar.runtime import FREE, spent
from sealauthz.polar.syntax import Literal, RuleNode, Statement
from sealauthz.polar.types import TypeTable
from sealauthz.runtime.errors import EvaluationFailed, FactNotLoaded

MAX_STEPS = 400_000
"""Steps of one question: about 50 ms. One that needs more is no answer."""

_HASHED = frozenset({str, int})
"""TypeTable whose values are one solution exactly where Python takes them for one key; True and 1 are not."""

MAX_DEPTH = 120
"""Searches alive inside each other; a rule that recurses deeper while it searches is no answer."""

Work = list[Any]
"""The steps and the depth that are left to a question, what takes the events of a trace, what a decision is about, and
remembered answers.
"""

MAX_ROOTS = 3
"""How many objects a decision is about: its subject, its resource, and its context."""

_FIRST_ROOT = ANSWERS - MAX_ROOTS


class CompiledEngine:
    """One loaded bundle, compiled. Safe to call from several threads.

    INVARIANT: whatever goes wrong in compiled code is no answer, so that it denies. No other exception than
    EvaluationFailed leaves a question.
    """

    def __init__(
        self,
        statements: Sequence[Statement],
        records: Mapping[str, type],
        plain: Iterable[type] = (),
        max_steps: int = MAX_STEPS,
        passes: Passes = ALL_PASSES,
    ) -> None:
        table = TypeTable(records, plain)
        program = program_of(statements, table.classes)
        self._open(Code(table, compiling.Compiler(program, table, passes=passes)), _literals(program), max_steps)

    @classmethod
    def restored(cls, stored: StoredCode, table: TypeTable, program: Callable[[], Program]) -> CompiledEngine:
        """Return an engine whose functions were `stored` by another one of the same `program` and the same classes.

        The program is asked for only where a question comes up that they do not answer.
        """
        engine = cls.__new__(cls)
        code = Code(table, lambda first_name: compiling.Compiler(program(), table, first_name=first_name), stored)
        engine._open(code, frozenset(stored.words), MAX_STEPS)
        return engine

    def stored(self) -> StoredCode:
        """Return the functions of all that was prepared or asked so far, for `restored`. Raises BundleRefused."""
        return self._code.stored(self._words)

    def kept(self) -> KeptCode | None:
        """Return what the engine of another policy may begin with, for another process, after `stored`; None where this
        one began with another one itself.
        """
        return self._code.kept()

    @classmethod
    def of_kept(cls, kept: KeptCode, table: TypeTable) -> CompiledEngine:
        """Return an engine to begin with (`reloaded`), from what `kept` gave of the same types."""
        engine = cls.__new__(cls)
        engine._open(Code.of_kept(kept, table), frozenset(), MAX_STEPS)
        return engine

    def _open(self, code: Code, words: frozenset[str], max_steps: int) -> None:
        self._code = code
        self._words = words
        self._max_steps = max_steps
        self._entries = code.entries
        self._tracing = threading.Lock()
        self._traced_code: Code | None = None
        self._counted_code: Code | None = None

    @property
    def program(self) -> Program:
        """The policy as clauses."""
        return self._code.compiler.program

    @property
    def is_as_stored(self) -> bool:
        """Whether nothing was compiled that was not stored."""
        return not self._code.has_compiler

    @property
    def _traced(self) -> Code:
        """The functions that trace, made when first asked for."""
        made = self._traced_code
        if made is not None:
            return made
        with self._tracing:
            if self._traced_code is None:
                self._traced_code = self._tracing_code(is_counted=False)
            return self._traced_code

    @property
    def _counted(self) -> Code:
        """The functions that trace for those who only count, made when first asked for."""
        with self._tracing:
            if self._counted_code is None:
                self._counted_code = self._tracing_code(is_counted=True)
            return self._counted_code

    def _tracing_code(self, *, is_counted: bool) -> Code:
        compiler = self._code.compiler
        made = compiling.Compiler(compiler.program, compiler.table, is_traced=True, is_counted=is_counted)
        return Code(compiler.table, made)

    def changed(self, rule: RuleNode, replacement: RuleNode | None) -> CompiledEngine:
        """Return an engine of the same policy in which one rule is another with the same head, or is gone.

        It shares with this one what does not depend on the rule. Raises BundleRefused.
        """
        return self._with(with_rule(self.program, rule, replacement), self._words)

    def reloaded(self, statements: Sequence[Statement]) -> CompiledEngine:
        """Return an engine of another policy over the same classes; what is the same there is not compiled again.

        Raises BundleRefused.
        """
        program = program_of(statements, self._code.compiler.table.classes, self.program)
        return self._with(program, _literals(program))

    def _with(self, program: Program, words: frozenset[str]) -> CompiledEngine:
        other = CompiledEngine.__new__(CompiledEngine)
        other._open(self._code.changed(program), words, self._max_steps)
        return other

    def holds(self, rule: str, *arguments: object) -> bool:
        """Whether a rule holds for these arguments. Raises EvaluationFailed."""
        # As `_key` makes it, written out: this is the hottest line of the service.
        words = self._words
        key = (rule, *[a if type(a) is str and a in words else type(a) for a in arguments])
        entry = self._entries.get(key)
        if entry is None:
            entry = self._enter_late(self._code, key)
        function, picked, always = entry
        if function is None:
            return always is True
        try:
            return function(self.begin(), *picked(arguments)) is True
        except EvaluationFailed:
            raise
        except Exception as error:
            raise _failure(rule, error) from error

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Return the values that the FREE arguments can take, each combination once, in a fixed order.

        Raises EvaluationFailed.
        """
        words = self._words
        key = (rule, *[a if type(a) is str and a in words else type(a) for a in arguments])
        entry = self._entries.get(key)
        if entry is None:
            entry = self._enter_late(self._code, key)
        function, picked, _always = entry
        if function is None:
            return []
        try:
            work = self.begin()
            found: list[tuple[Any, ...]] = function(work, *picked(arguments))
            return found if len(found) < 2 else _distinct(found, work)
        except EvaluationFailed:
            raise
        except Exception as error:
            raise _failure(rule, error) from error

    def asker(self, rule: str, *likes: object, is_distinct: bool = True) -> Callable[..., Any]:
        """Return what asks a rule again and again for arguments like these: classes, words that are always the same,
        and FREE.

        It takes the work of a decision (`begin`), which is about instances of exactly these classes, in their order,
        and answers as `holds` does, or as `each` where an argument is FREE; unless `is_distinct`, it may give a
        combination of values several times. Nobody may change the list. Raises BundleRefused where the rule cannot be
        asked so.
        """
        kinds = tuple(FREE_TYPE if like is FREE else like for like in likes)
        function, _, always = self._code.enter((rule, *kinds), rule, pattern_of(kinds), is_asked=True)
        is_search, max_steps = FREE_TYPE in kinds, self._max_steps
        if function is None:
            constant: Any = [] if is_search else always is True
            return lambda *_: constant
        made = function

        end = _FIRST_ROOT + sum(isinstance(like, type) for like in likes)

        def ask(work: Work) -> Any:
            work[0] = max_steps
            try:
                found = made(work, *work[_FIRST_ROOT:end])
            except EvaluationFailed:
                raise
            except Exception as error:
                raise _failure(rule, error) from error
            return found if is_search else found is True

        def ask_all(work: Work) -> Any:
            # As above. Without a tuple of values, Python calls the function in place; and it is what most are asked.
            work[0] = max_steps
            try:
                found = made(work, work[3], work[4], work[5])
            except EvaluationFailed:
                raise
            except Exception as error:
                raise _failure(rule, error) from error
            return found if is_search else found is True

        asked = ask_all if end == _FIRST_ROOT + MAX_ROOTS else ask
        if not (is_search and is_distinct):
            return asked

        def ask_once(work: Work) -> list[tuple[Any, ...]]:
            found: list[tuple[Any, ...]] = asked(work)
            return _distinct(found, work) if len(found) > 1 else found

        return ask_once

    def begin(self, subject: object = None, resource: object = None, context: object = None) -> Work:
        """Begin a decision about some objects: what the answers to its questions may share, which is for one thread and
        one snapshot.
        """
        return [self._max_steps, MAX_DEPTH, None, subject, resource, context, {}]

    def explain(self, rule: str, *arguments: object) -> tuple[trace.Attempt, ...]:
        """Return the clauses of a rule that these arguments try, each with what stopped it, in the order tried.

        The arguments may be FREE where the rule finds them. Raises EvaluationFailed.
        """
        events = self.events_of(rule, *arguments)
        compiler = self._traced.compiler
        return trace.attempts(events, rule, compiler.numbers)

    def first_proved(self, work: Work, rule: str, *arguments: object) -> Clause | None:
        """Return the first clause of a rule that holds for these arguments, in the order in which they are tried; None
        where none does. It shares answers with the decision that `work` is of. Raises EvaluationFailed.
        """
        try:
            function, picked, _ = self._code.teller(self._key(rule, arguments))
            work[0] = self._max_steps
            found = False if function is None else function(work, *picked(arguments))
        except EvaluationFailed:
            raise
        except Exception as error:
            raise _failure(rule, error) from error
        return None if found is False else self._code.compiler.conditions[found].clause

    def proved(self, rule: str, *arguments: object) -> list[Clause]:
        """Return the clauses of a rule that these arguments try and that hold, each once. Raises EvaluationFailed."""
        events = self.events_of(rule, *arguments)
        compiler = self._traced.compiler
        return trace.proved(events, compiler.conditions, compiler.numbers.get(rule, {}))

    def proved_at_all(self, rule: str, *arguments: object) -> list[Clause]:
        """Return every clause that had a solution in one evaluation of a rule, in the order of the compilation.

        Raises EvaluationFailed.
        """
        numbers = sorted({number for what, number, _ in self.events_of(rule, *arguments) if what == "proved"})
        found = [self._traced.compiler.conditions[number].clause for number in numbers]
        return [clause for clause in found if clause is not None]

    def events_of(self, rule: str, *arguments: object) -> list[trace.Event]:
        """Return every event of one evaluation. Raises EvaluationFailed."""
        events: list[trace.Event] = []
        self._tell(self._traced, rule, arguments, events.append)
        return events

    def counted(self, rule: str, *arguments: object) -> list[int]:
        """Return every event of one evaluation in the short form that a `tally` counts. Raises EvaluationFailed."""
        events: list[int] = []
        self._tell(self._counted, rule, arguments, events.append)
        return events

    def note(self, notes: Notes, rule: str, *arguments: object) -> None:
        """Add what happens in one evaluation to the notes of this engine. Raises EvaluationFailed."""
        self._tell(self._counted, rule, arguments, notes.events.add)

    def tally(self) -> Tally:
        """Return what counts evaluations of this engine."""
        return Tally(self._counted.compiler.conditions)

    def notes(self) -> Notes:
        """Return what notes, each once, what happens in evaluations of this engine."""
        return Notes(self._counted.compiler.conditions)

    def _tell(self, code: Code, rule: str, arguments: tuple[object, ...], take: Callable[[Any], None]) -> None:
        """Hand over what functions that trace tell of one evaluation."""
        key = self._key(rule, arguments)
        function, picked, _always = code.entries.get(key) or self._enter_late(code, key)
        if function is None:
            return
        try:
            result = function([self._max_steps, MAX_DEPTH, take], *picked(arguments))
            if FREE_TYPE in key:
                for _ in result:
                    pass
        except EvaluationFailed:
            raise
        except Exception as error:
            raise _failure(rule, error) from error

    def prepare(self, rule: str, *arguments: object) -> None:
        """Compile a rule for arguments like these ahead of the first question; a class stands for its instances.

        Raises BundleRefused with the place of what cannot be compiled.
        """
        likes = tuple(FREE_TYPE if argument is FREE else argument for argument in arguments)
        key = (rule, *likes)
        if key not in self._code.entries:
            self._code.enter(key, rule, pattern_of(likes))

    def mentioned(self, rule: str, *likes: object) -> frozenset[str]:
        """Return every name and text in the functions that answer a rule for arguments like these: no attribute is read
        but by a name among them, and of no class but one that is named or that such an attribute leads to.

        Raises BundleRefused where the rule cannot be asked so.
        """
        kinds = tuple(FREE_TYPE if like is FREE else like for like in likes)
        return self._code.mentioned((rule, *kinds), rule, pattern_of(kinds))

    def has_prepared(self, rule: str, *arguments: object) -> bool:
        """Whether a rule was compiled for arguments like these."""
        return (rule, *(FREE_TYPE if argument is FREE else argument for argument in arguments)) in self._code.entries

    def show(self) -> str:
        """The Python of everything compiled so far, with comments that name the lines of the policy.

        It is compiled once more: what was defined is kept as functions only.
        """
        compiler = self._code.compiler
        again = Code(compiler.table, compiling.Compiler(compiler.program, compiler.table))
        for key in list(self._code.entries):
            again.enter(key, key[0], pattern_of(key[1:]))
        texts = [ast.unparse(each) for each in again.compiler.definitions.values() if isinstance(each, ast.FunctionDef)]
        return "\n\n\n".join("\n".join(map(_as_comment, text.splitlines())) for text in texts) + "\n"

    def _key(self, rule: str, arguments: tuple[object, ...]) -> tuple[Any, ...]:
        """What a question is known by: the rule, and for each argument the word that it is, or its type."""
        words = self._words
        return (rule, *[a if type(a) is str and a in words else type(a) for a in arguments])

    def _enter_late(self, code: Code, key: tuple[Any, ...]) -> Entry:
        """Compile a rule for a combination of types that was not prepared."""
        try:
            return code.enter_late(key)
        except Exception as error:
            raise EvaluationFailed(f"`{key[0]}` cannot be asked like this: {error}") from error


def _distinct(found: list[tuple[Any, ...]], work: Work) -> list[tuple[Any, ...]]:
    """The solutions, each once. Raises EvaluationFailed where to compare them takes too many steps."""
    try:
        if len(set(found)) == len(found):
            return found
    except TypeError:
        pass  # records, which have no hash
    if all(type(value) in _HASHED for values in found for value in values):
        return list(dict.fromkeys(found))
    once: list[tuple[Any, ...]] = []
    for values in found:
        spent(len(once), work)
        if not any(_is_alike(values, other) for other in once):
            once.append(values)
    return once


def _is_alike(one: Any, other: Any) -> bool:
    """Whether two solutions are one: equal values of the same types, as True and 1 are not, inside of lists neither."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_is_alike, one, other))
    if type(one) is dict:
        return one.keys() == other.keys() and all(_is_alike(value, other[key]) for key, value in one.items())
    return bool(one == other)


def _literals(program: Program) -> frozenset[str]:
    """The strings that stand in heads, which decide between clauses."""
    return frozenset(
        parameter.term.value
        for clauses in program.clauses.values()
        for clause in clauses
        for parameter in clause.parameters
        if isinstance(parameter.term, Literal) and type(parameter.term.value) is str
    )


def _as_comment(line: str) -> str:
    stripped = line.strip()
    for quote in ("'", '"""'):
        if stripped.startswith(f"{quote}@ ") and stripped.endswith(quote):
            place = stripped.removeprefix(f"{quote}@ ").removesuffix(quote)
            return f"{line[: len(line) - len(stripped)]}# {place}"
    return line


def _failure(rule: str, error: Exception) -> EvaluationFailed:
    if isinstance(error, AttributeError) and error.name and hasattr(type(error.obj), error.name):
        return FactNotLoaded(f"{type(error.obj).__name__}.{error.name} is not loaded")
    return EvaluationFailed(f"`{rule}` could not be evaluated")
