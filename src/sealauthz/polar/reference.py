"""The policies on `oso`, made strict: the only importer of oso, which it imports when a bundle is loaded.

Four things are mended (measured on 0.27.3). Inside `not` and `forall` oso swallows a missing attribute, and a
swallowed error under a negation allows: here it raises. oso takes byte offsets for character offsets and aborts the
process on non-ASCII text: sources are padded. A `forall` over a native list of some thousand elements overflows the C
stack (of some hundred where stacks are small): long collections are handed over as tuples, which oso walks one by
one, slowly but safely. And a solution that oso leaves open (a variable, a constraint) is no solution: it raises.

Endless recursion and deep nesting can still kill or hang the process: it is for tests and trials of policies.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from sealauthz.polar.plain_sources import plain_sources
from sealauthz.polar.runtime import FREE
from sealauthz.polar.source import Source
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed, FactNotLoaded

QUERY_TIMEOUT_MS = 20_000
"""One query that takes longer is no answer, and so a deny. On a busy machine an honest one takes some seconds."""


_NATIVE_LIST_MAX = 100

_PLACE = re.compile(r"at line (\d+), column (\d+) of file (\S+?\.polar)")


class ReferenceUnavailable(ImportError):
    """The reference engine was asked for where oso is not installed."""


class ReferenceEngine:
    """One loaded bundle on oso, in this process. Never reloaded: a new bundle is a new engine."""

    def __init__(self, sources: Sequence[Source], classes: Iterable[type]) -> None:
        """Load the sources. Raises BundleRefused, and ReferenceUnavailable where there is no oso."""
        polar = _polar()
        sources = plain_sources(sources)
        # oso takes this from the environment only, and reads it when it starts a query.
        os.environ.setdefault("POLAR_TIMEOUT_MS", str(QUERY_TIMEOUT_MS))
        self._variable = polar.polar.Variable
        self._open = (polar.polar.Variable, polar.expression.Expression, polar.predicate.Predicate)
        self._errors = polar.exceptions.OsoError
        self._oso = _oso().Oso()
        for cls in classes:
            self._oso.register_class(cls)
        said = io.StringIO()
        padded = [polar.polar.Source(_padded(source.text), source.file) for source in sources]
        try:
            with contextlib.redirect_stdout(said):
                self._oso._load_sources(padded)
        except polar.exceptions.OsoError as error:
            raise _refusal(str(error), sources) from error
        for warning in said.getvalue().split("[warning] ")[1:]:
            if not warning.startswith("Your policy does not contain an allow rule"):
                raise _refusal(warning, sources)

    def holds(self, rule: str, *arguments: object) -> bool:
        """Whether a rule holds for these arguments. Raises EvaluationFailed."""
        return next(self._solutions(rule, arguments), None) is not None

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Return the values that the FREE arguments can take, each combination once, in the order found.

        Raises EvaluationFailed.
        """
        names = [f"free{index}" for index, argument in enumerate(arguments) if argument is FREE]
        found: list[tuple[Any, ...]] = []
        for bindings in self._solutions(rule, arguments):
            values = tuple(bindings[name] for name in names)
            if any(self._is_open(value) for value in values):
                raise EvaluationFailed(f"`{rule}` leaves a value open")
            if not any(map(_is_same, found, itertools.repeat(values))):
                found.append(values)
        return found

    def _is_open(self, value: Any) -> bool:
        if type(value) is list:
            return any(map(self._is_open, value))
        if type(value) is dict:
            return any(map(self._is_open, value.values()))
        return isinstance(value, self._open)

    def explain(self, rule: str, *arguments: object) -> tuple[()]:
        """Return nothing: oso does not tell why a rule did not hold."""
        return ()

    def _solutions(self, rule: str, arguments: tuple[object, ...]) -> Iterator[dict[str, Any]]:
        terms = [
            self._variable(f"free{index}") if argument is FREE else argument for index, argument in enumerate(arguments)
        ]
        try:
            for result in self._oso.query_rule(rule, *terms):
                yield result["bindings"]
        except EvaluationFailed:
            raise
        except (self._errors, RuntimeError, ValueError, TypeError, AttributeError, KeyError) as error:
            raise EvaluationFailed(f"`{rule}` could not be evaluated") from error


def _is_same(left: Any, right: Any) -> bool:
    """Whether two solutions are one; to Python alone, 1 and True would be."""
    if type(left) is not type(right):
        return False
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(_is_same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_is_same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def _oso() -> Any:
    try:
        import oso
    except ImportError as error:
        raise ReferenceUnavailable("the reference engine needs the extra `oso`, which is not installed here") from error
    return oso


@cache
def _polar() -> Any:
    """The package under oso, once its queries are strict."""
    _oso()
    import polar.exceptions
    import polar.expression
    import polar.polar
    import polar.predicate
    import polar.query

    class StrictQuery(polar.query.Query):  # type: ignore[misc]
        """A query that fails as a whole where oso would go on without a value."""

        def handle_external_call(self, data: dict[str, Any]) -> None:
            record = self.host.to_python(data["instance"])
            attribute = data["attribute"]
            if data["args"] is not None:
                raise EvaluationFailed(f"a policy called `{attribute}`")
            try:
                value = getattr(record, attribute)
            except AttributeError as error:
                if hasattr(type(record), attribute):
                    raise FactNotLoaded(f"{type(record).__name__}.{attribute} is not loaded") from error
                raise EvaluationFailed(f"{type(record).__name__} has no attribute `{attribute}`") from error
            if isinstance(value, list):
                # oso knows exact lists only; a list of another class would be a host object to it.
                value = list(value) if len(value) <= _NATIVE_LIST_MAX else tuple(value)
            self.ffi_query.call_result(data["call_id"], self.host.to_polar(value))

        def handle_debug(self, data: dict[str, Any]) -> None:
            raise EvaluationFailed("a policy asked for the debugger")

        def handle_make_external(self, data: dict[str, Any]) -> None:
            raise EvaluationFailed("a policy tried to construct a value")

    # oso looks this name up in its module whenever it starts a query.
    polar.polar.Query = StrictQuery
    return polar


def _padded(text: str) -> str:
    return text + "\n#" + " " * (len(text.encode()) - len(text))


def _refusal(said: str, sources: Sequence[Source]) -> BundleRefused:
    """Make one line out of what oso says; its columns are wrong after non-ASCII text, its lines are not."""
    place = _PLACE.search(said)
    message = " ".join(said.split("Get help with Oso", maxsplit=1)[0].split())
    message = message.split(" at line ")[0].rstrip(".")
    if place is not None:
        names = {source.file for source in sources}
        file = place[3] if place[3] in names else ""
        return BundleRefused(message, file, int(place[1]), int(place[2]))
    return BundleRefused(message)
