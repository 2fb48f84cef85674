"""The policies on `oso`, made strict: the only importer of oso.

Three things are mended (measured on 0.27.3). Inside `not` and `forall` oso swallows a missing attribute, and a
swallowed error under a negation allows: here it raises. oso takes byte offsets for character offsets and aborts the
process on non-ASCII text: sources are padded. A `forall` over a native list of some thousand elements overflows the C
stack (of some hundred where stacks are small): long collections are handed over as tuples, which oso walks one by
one, slowly but safely.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import oso
import polar.exceptions
import polar.polar
import polar.query

from sealauthz.errors import BundleRefused, EvaluationFailed, FactNotLoaded
from sealauthz.polar.source import Source

QUERY_TIMEOUT_MS = 5_000
"""One query that takes longer is no answer, and so a deny."""

FREE = object()
"""Marks an argument that the engine is to find."""

_NATIVE_LIST_MAX = 100

_PLACE = re.compile(r"at line (\d+), column (\d+) of file (\S+?\.polar)")


class _StrictQuery(polar.query.Query):  # type: ignore[misc]
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
        if type(value) is list and len(value) > _NATIVE_LIST_MAX:
            value = tuple(value)
        self.ffi_query.call_result(data["call_id"], self.host.to_polar(value))

    def handle_debug(self, data: dict[str, Any]) -> None:
        raise EvaluationFailed("a policy asked for the debugger")

    def handle_make_external(self, data: dict[str, Any]) -> None:
        raise EvaluationFailed("a policy tried to construct a value")


class ReferenceEngine:
    """One loaded bundle on oso. Never reloaded: a new bundle is a new engine."""

    def __init__(self, sources: Sequence[Source], classes: Iterable[type]) -> None:
        """Load the sources. Raises BundleRefused."""
        # oso knows no other way to be told, and reads it when it starts a query.
        os.environ.setdefault("POLAR_TIMEOUT_MS", str(QUERY_TIMEOUT_MS))
        # oso looks this name up in its module whenever it starts a query.
        polar.polar.Query = _StrictQuery
        self._oso = oso.Oso()
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
            if values not in found:
                found.append(values)
        return found

    def _solutions(self, rule: str, arguments: tuple[object, ...]) -> Iterator[dict[str, Any]]:
        terms = [
            polar.polar.Variable(f"free{index}") if argument is FREE else argument
            for index, argument in enumerate(arguments)
        ]
        try:
            for result in self._oso.query_rule(rule, *terms):
                yield result["bindings"]
        except EvaluationFailed:
            raise
        except (polar.exceptions.OsoError, RuntimeError, ValueError, TypeError, AttributeError, KeyError) as error:
            raise EvaluationFailed(f"`{rule}` could not be evaluated") from error


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
