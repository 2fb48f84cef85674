"""The compiled engine: a bundle's rules as Python functions, found by rule and by the types of the arguments.

Nothing here is changed after load but the table of entries, which only grows; a new bundle is a new engine.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from sealauthz.errors import BundleRefused, EvaluationFailed, FactNotLoaded
from sealauthz.polar import runtime, trace
from sealauthz.polar.compile import FREE as FREE_ARGUMENT
from sealauthz.polar.compile import Argument, Bound, CallPattern, Compiler, Constant
from sealauthz.polar.program import Program, program_of
from sealauthz.polar.runtime import FREE
from sealauthz.polar.static import ClassTable, Known
from sealauthz.polar.syntax import Literal, Statement

MAX_STEPS = 400_000
"""Steps of one question: about 50 ms. One that needs more is no answer."""

_EVALUATION_ERRORS = (AttributeError, TypeError, RecursionError, ValueError, KeyError)
"""What compiled code may raise on values that are not what the policy took them for."""

MAX_DEPTH = 120
"""Searches alive inside each other; a rule that recurses deeper while it searches is no answer."""

Entry = tuple[Callable[..., Any] | None, tuple[int, ...], bool | None]
"""A function, the positions of the arguments that it takes, and the answer where it is always the same."""


class _Code:
    """The functions of one compilation, made when first asked for."""

    def __init__(self, compiler: Compiler, hooks: Mapping[str, Any]) -> None:
        self.compiler = compiler
        self.entries: dict[tuple[Any, ...], Entry] = {}
        self._growing = threading.RLock()
        self._namespace: dict[str, Any] = {
            "__builtins__": {},
            "same": runtime.same,
            "compare": runtime.compare,
            "calculate": runtime.calculate,
            "truth": runtime.truth,
            "items": runtime.items,
            "where": runtime.where,
            "contains": runtime.contains,
            "attribute": self._attribute,
            "exhausted": _exhausted,
            "isinstance": isinstance,
            "len": len,
            **hooks,
        }

    def enter(self, key: tuple[Any, ...], rule: str, pattern: CallPattern) -> Entry:
        """Compile a rule for a call pattern. Raises BundleRefused."""
        with self._growing:
            compiled = self.compiler.rule(rule, pattern)
            positions = tuple(index for index, argument in enumerate(pattern) if isinstance(argument, Bound))
            function = None if compiled.always is not None else self._born_when_called(key, compiled.name, positions)
            entry: Entry = (function, positions, compiled.always)
            self.entries[key] = entry
            return entry

    def _born_when_called(self, key: tuple[Any, ...], name: str, positions: tuple[int, ...]) -> Callable[..., Any]:
        """A stand-in that makes the function, with all that it calls, when somebody asks."""

        def first_call(*arguments: Any) -> Any:
            with self._growing:
                self._define(name)
            function = self._namespace[name]
            self.entries[key] = (function, positions, None)
            return function(*arguments)

        return first_call

    def _define(self, name: str) -> None:
        """Bring a function and those that it calls into being."""
        fresh: dict[str, ast.FunctionDef] = {}
        waiting = [name]
        while waiting:
            wanted = waiting.pop()
            definition = self.compiler.definitions.get(wanted)
            if definition is None or wanted in fresh or wanted in self._namespace:
                continue
            fresh[wanted] = definition
            waiting += [node.id for node in ast.walk(definition) if isinstance(node, ast.Name)]
        self._namespace |= self.compiler.classes
        module = ast.fix_missing_locations(ast.Module([*fresh.values()], []))
        exec(compile(module, "<policy>", "exec"), self._namespace)  # noqa: S102 (nodes from a closed list, no builtins)

    def _attribute(self, value: Any, name: str) -> Any:
        """Read an attribute of a value whose type the compiler did not know."""
        cls = type(value)
        if self.compiler.table.knows(cls) and self.compiler.table.attribute(cls, name) is None:
            raise EvaluationFailed(f"{cls.__name__} has no attribute `{name}`")
        return getattr(value, name)

    def show(self) -> str:
        """The Python of everything compiled so far."""
        parts = []
        for definition in self.compiler.definitions.values():
            ast.fix_missing_locations(definition)
            parts.append("\n".join(map(_as_comment, ast.unparse(definition).splitlines())))
        return "\n\n\n".join(parts) + "\n"


class CompiledEngine:
    """One loaded bundle, compiled. Safe to call from several threads."""

    def __init__(
        self,
        statements: Sequence[Statement],
        records: Mapping[str, type],
        plain: Iterable[type] = (),
        max_steps: int = MAX_STEPS,
    ) -> None:
        table = ClassTable(records, plain)
        program = program_of(statements)
        self._code = _Code(Compiler(program, table), {})
        self._traced = _Code(Compiler(program, table, is_traced=True), trace.HOOKS)
        self._words = _literals(program)
        self._max_steps = max_steps

    def holds(self, rule: str, *arguments: object) -> bool:
        """Whether a rule holds for these arguments. Raises EvaluationFailed."""
        # As `_key` makes it, written out: this is the hottest line of the service, and nothing is FREE here.
        words = self._words
        key = (rule, *[a if type(a) is str and a in words else type(a) for a in arguments])
        entry = self._code.entries.get(key)
        if entry is None:
            entry = self._enter_late(self._code, key)
        function, positions, always = entry
        if always is not None:
            return always
        try:
            return bool(function([self._max_steps, MAX_DEPTH], *[arguments[position] for position in positions]))  # type: ignore[misc]
        except EvaluationFailed:
            raise
        except _EVALUATION_ERRORS as error:
            raise _failure(rule, error) from error

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Return the values that the FREE arguments can take, each combination once, in the order found.

        Raises EvaluationFailed.
        """
        key = self._key(rule, arguments)
        entry = self._code.entries.get(key) or self._enter_late(self._code, key)
        function, positions, always = entry
        found: list[tuple[Any, ...]] = []
        if always is not None or function is None:
            return found
        try:
            for values in function([self._max_steps, MAX_DEPTH], *[arguments[position] for position in positions]):
                if not any(_is_alike(values, other) for other in found):
                    found.append(values)
        except EvaluationFailed:
            raise
        except _EVALUATION_ERRORS as error:
            raise _failure(rule, error) from error
        return found

    def explain(self, rule: str, *arguments: object) -> tuple[trace.Attempt, ...]:
        """Return the clauses of a rule that these arguments try, each with what stopped it, in the order tried.

        The arguments may be FREE where the rule finds them. Raises EvaluationFailed.
        """
        events = self.events_of(rule, *arguments)
        return trace.attempts(events, self._traced.compiler.conditions, rule)

    def events_of(self, rule: str, *arguments: object) -> list[trace.Event]:
        """Return every event of one evaluation. Raises EvaluationFailed."""
        key = self._key(rule, arguments)
        entry = self._traced.entries.get(key) or self._enter_late(self._traced, key)
        function, positions, _always = entry
        events: list[trace.Event] = []
        if function is None:
            return events
        try:
            result = function([self._max_steps, MAX_DEPTH, events], *[arguments[position] for position in positions])
            if FREE in key:
                for _ in result:
                    pass
        except EvaluationFailed:
            raise
        except _EVALUATION_ERRORS as error:
            raise _failure(rule, error) from error
        return events

    def coverage(self, traces: Iterable[Sequence[trace.Event]]) -> list[trace.Coverage]:
        """Count how often each condition that was traced came out met and unmet."""
        return trace.coverage(traces, self._traced.compiler.conditions)

    def prepare(self, rule: str, *arguments: object) -> None:
        """Compile a rule for arguments like these ahead of the first question; a class stands for its instances.

        Raises BundleRefused with the place of what cannot be compiled.
        """
        key = (rule, *arguments)
        if key not in self._code.entries:
            self._code.enter(key, rule, self._pattern(arguments))

    def show(self) -> str:
        """The Python of everything compiled so far, with comments that name the lines of the policy."""
        return self._code.show()

    def _key(self, rule: str, arguments: tuple[object, ...]) -> tuple[Any, ...]:
        """What a question is known by: the rule, and for each argument FREE, the word that it is, or its type."""
        words = self._words
        return (rule, *[a if a is FREE or (type(a) is str and a in words) else type(a) for a in arguments])

    def _enter_late(self, code: _Code, key: tuple[Any, ...]) -> Entry:
        """Compile a rule for a combination of types that nobody prepared."""
        rule, *likes = key
        try:
            return code.enter(key, rule, self._pattern(likes))
        except (BundleRefused, RecursionError) as error:
            raise EvaluationFailed(f"`{rule}` cannot be asked like this: {error}") from error

    def _pattern(self, arguments: Iterable[object]) -> CallPattern:
        pattern: list[Argument] = []
        for argument in arguments:
            if argument is FREE:
                pattern.append(FREE_ARGUMENT)
            elif isinstance(argument, str):
                pattern.append(Constant(argument, str))
            elif argument is type(None):
                pattern.append(Constant(None, type(None)))
            elif isinstance(argument, type):
                pattern.append(Bound(Known(argument)))
        return tuple(pattern)


def _is_alike(values: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    """Whether two solutions are one: equal values of the same types, as True and 1 are not."""
    return all(a is b or (type(a) is type(b) and a == b) for a, b in zip(values, others, strict=True))


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


def _exhausted() -> NoReturn:
    raise EvaluationFailed("the question takes more steps than it may")


def _failure(rule: str, error: Exception) -> EvaluationFailed:
    if isinstance(error, AttributeError) and error.name and hasattr(type(error.obj), error.name):
        return FactNotLoaded(f"{type(error.obj).__name__}.{error.name} is not loaded")
    return EvaluationFailed(f"`{rule}` could not be evaluated")
