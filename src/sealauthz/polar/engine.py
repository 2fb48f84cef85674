"""The compiled engine: a bundle's rules as Python functions, found by rule and by the types of the arguments.

Nothing here is changed after load but the table of entries, which only grows; a new bundle is a new engine.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from sealauthz.errors import BundleRefused, EvaluationFailed, FactNotLoaded
from sealauthz.polar import runtime
from sealauthz.polar.compile import FREE as FREE_ARGUMENT
from sealauthz.polar.compile import Argument, Bound, CallPattern, Compiler, Constant
from sealauthz.polar.program import program_of
from sealauthz.polar.runtime import FREE
from sealauthz.polar.static import ClassTable, Known
from sealauthz.polar.syntax import Literal, Statement

MAX_STEPS = 400_000
"""Steps of one question: about 50 ms. One that needs more is no answer."""

Entry = tuple[Callable[..., Any] | None, tuple[int, ...], bool | None]
"""A function, the positions of the arguments that it takes, and the answer where it is always the same."""


class CompiledEngine:
    """One loaded bundle, compiled. Safe to call from several threads."""

    def __init__(
        self,
        statements: Sequence[Statement],
        records: Mapping[str, type],
        plain: Iterable[type] = (),
        max_steps: int = MAX_STEPS,
    ) -> None:
        self._table = ClassTable(records, plain)
        self._compiler = Compiler(program_of(statements), self._table)
        self._words = _literals(self._compiler)
        self._entries: dict[tuple[Any, ...], Entry] = {}
        self._namespace: dict[str, Any] = {
            "__builtins__": {},
            "same": runtime.same,
            "compare": runtime.compare,
            "calculate": runtime.calculate,
            "items": runtime.items,
            "where": runtime.where,
            "contains": runtime.contains,
            "attribute": self._attribute,
            "exhausted": _exhausted,
            "isinstance": isinstance,
            "len": len,
        }
        self._growing = threading.RLock()
        self._max_steps = max_steps

    def holds(self, rule: str, *arguments: object) -> bool:
        """Whether a rule holds for these arguments. Raises EvaluationFailed."""
        words = self._words
        key = (rule, *[a if type(a) is str and a in words else type(a) for a in arguments])
        entry = self._entries.get(key)
        if entry is None:
            entry = self._enter_late(key, rule, arguments)
        function, positions, always = entry
        if always is not None:
            return always
        try:
            return bool(function([self._max_steps], *[arguments[position] for position in positions]))  # type: ignore[misc]
        except EvaluationFailed:
            raise
        except (AttributeError, TypeError, RecursionError, ValueError, KeyError) as error:
            raise _failure(rule, error) from error

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Return the values that the FREE arguments can take, each combination once, in the order found.

        Raises EvaluationFailed.
        """
        found: list[tuple[Any, ...]] = []
        for values in self._solutions(rule, arguments):
            if values not in found:
                found.append(values)
        return found

    def _solutions(self, rule: str, arguments: tuple[object, ...]) -> Iterator[tuple[Any, ...]]:
        words = self._words
        key = (rule, *[a if type(a) is str and a in words else FREE if a is FREE else type(a) for a in arguments])
        function, positions, always = self._entries.get(key) or self._enter_late(key, rule, arguments)
        if always is not None or function is None:
            return
        try:
            yield from function([self._max_steps], *[arguments[position] for position in positions])
        except EvaluationFailed:
            raise
        except (AttributeError, TypeError, RecursionError, ValueError, KeyError) as error:
            raise _failure(rule, error) from error

    def prepare(self, rule: str, *arguments: object) -> None:
        """Compile a rule for arguments like these ahead of the first question; a class stands for its instances.

        Raises BundleRefused with the place of what cannot be compiled.
        """
        key = (rule, *arguments)
        if key not in self._entries:
            self._enter(key, rule, self._pattern(arguments))

    def show(self) -> str:
        """The Python of everything compiled so far, with comments that name the lines of the policy."""
        parts = []
        for definition in self._compiler.definitions.values():
            ast.fix_missing_locations(definition)
            lines = ast.unparse(definition).splitlines()
            parts.append("\n".join(_as_comment(line) for line in lines))
        return "\n\n\n".join(parts) + "\n"

    def _enter_late(self, key: tuple[Any, ...], rule: str, arguments: tuple[object, ...]) -> Entry:
        """Compile a rule for a combination of types that nobody prepared."""
        likes = [a if a is FREE or type(a) is str and a in self._words else type(a) for a in arguments]
        try:
            return self._enter(key, rule, self._pattern(likes))
        except BundleRefused as error:
            raise EvaluationFailed(f"`{rule}` cannot be asked like this: {error}") from error

    def _enter(self, key: tuple[Any, ...], rule: str, pattern: CallPattern) -> Entry:
        with self._growing:
            compiled = self._compiler.rule(rule, pattern)
            positions = tuple(index for index, argument in enumerate(pattern) if isinstance(argument, Bound))
            function = None if compiled.always is not None else self._born_when_called(key, compiled.name, positions)
            entry: Entry = (function, positions, compiled.always)
            self._entries[key] = entry
            return entry

    def _born_when_called(self, key: tuple[Any, ...], name: str, positions: tuple[int, ...]) -> Callable[..., Any]:
        """A stand-in that makes the function, with all that it calls, when somebody asks."""

        def first_call(*arguments: Any) -> Any:
            with self._growing:
                self._define(name)
            function = self._namespace[name]
            self._entries[key] = (function, positions, None)
            return function(*arguments)

        return first_call

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

    def _define(self, name: str) -> None:
        """Bring a function and those that it calls into being."""
        fresh: dict[str, ast.FunctionDef] = {}
        waiting = [name]
        while waiting:
            wanted = waiting.pop()
            definition = self._compiler.definitions.get(wanted)
            if definition is None or wanted in fresh or wanted in self._namespace:
                continue
            fresh[wanted] = definition
            waiting += [node.id for node in ast.walk(definition) if isinstance(node, ast.Name)]
        self._namespace |= self._compiler.classes
        module = ast.fix_missing_locations(ast.Module([*fresh.values()], []))
        exec(compile(module, "<policy>", "exec"), self._namespace)  # noqa: S102 (nodes from a closed list, no builtins)

    def _attribute(self, value: Any, name: str) -> Any:
        """Read an attribute of a value whose type the compiler did not know."""
        cls = type(value)
        if self._table.knows(cls) and self._table.attribute(cls, name) is None:
            raise EvaluationFailed(f"{cls.__name__} has no attribute `{name}`")
        return getattr(value, name)


def _literals(compiler: Compiler) -> frozenset[str]:
    """The strings that stand in heads, which decide between clauses."""
    return frozenset(
        parameter.term.value
        for clauses in compiler.program.clauses.values()
        for clause in clauses
        for parameter in clause.parameters
        if isinstance(parameter.term, Literal) and type(parameter.term.value) is str
    )


def _as_comment(line: str) -> str:
    stripped = line.strip()
    if stripped.startswith("'@ ") and stripped.endswith("'"):
        return line[: len(line) - len(stripped)] + "# " + stripped[3:-1]
    return line


def _exhausted() -> NoReturn:
    raise runtime.BudgetExhausted("the question takes more steps than it may")


def _failure(rule: str, error: Exception) -> EvaluationFailed:
    if isinstance(error, AttributeError) and error.name and hasattr(type(error.obj), error.name):
        return FactNotLoaded(f"{type(error.obj).__name__}.{error.name} is not loaded")
    return EvaluationFailed(f"`{rule}` could not be evaluated")


