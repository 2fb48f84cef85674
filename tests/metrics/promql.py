"""As much of PromQL as the alert rules use, over two readings of the metrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lark import Lark, Transformer
from prometheus_client import CollectorRegistry

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Readings = Mapping[tuple[str, Labels], float]

_GRAMMAR = r"""
?start: comparison
?comparison: sum | sum COMPARE sum -> compare
?sum: product | sum "-" product -> minus
?product: atom | product "/" atom -> over
?atom: NUMBER -> number | aggregate | call | selector | "(" comparison ")"
aggregate: AGGREGATE ("by" "(" NAME ("," NAME)* ")")? "(" comparison ")"
call: RANGED "(" selector "[" DURATION "]" ")"
selector: NAME ("{" matcher ("," matcher)* "}")?
matcher: NAME MATCH STRING
AGGREGATE.2: "sum" | "max" | "count"
RANGED.2: "rate" | "increase"
COMPARE: ">" | "<"
MATCH: "=~" | "="
NAME: /[a-z_]+/
DURATION: /[0-9]+[ms]/
STRING: /"[^"]*"/
NUMBER: /[0-9]+(\.[0-9]+)?/
%ignore /\s+/
"""


def reading(registry: CollectorRegistry) -> dict[tuple[str, Labels], float]:
    """What a collector would read now."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }


class _Evaluator(Transformer[Any, Any]):
    def __init__(self, before: Readings, after: Readings) -> None:
        super().__init__()
        self._before = before
        self._after = after

    def matcher(self, found: list[str]) -> Callable[[Mapping[str, str]], bool]:
        name, how, text = found[0], found[1], found[2].strip('"')
        if how == "=":
            return lambda labels: labels.get(name, "") == text
        return lambda labels: re.fullmatch(text, labels.get(name, "")) is not None

    def selector(self, found: list[Any]) -> Callable[[Readings], Vector]:
        name, *matchers = found

        def select(readings: Readings) -> Vector:
            return {
                labels: value
                for (metric, labels), value in readings.items()
                if metric == name and all(matches(dict(labels)) for matches in matchers)
            }

        return select

    def call(self, found: list[Any]) -> Vector:
        _, select, _ = found
        before = select(self._before)
        return {labels: value - before.get(labels, 0.0) for labels, value in select(self._after).items()}

    def aggregate(self, found: list[Any]) -> Vector:
        how, *names, inner = found
        groups: dict[Labels, list[float]] = {}
        for labels, value in self._vector(inner).items():
            groups.setdefault(frozenset(pair for pair in labels if pair[0] in names), []).append(value)
        work: Callable[[list[float]], float] = {"sum": sum, "max": max, "count": len}[str(how)]
        return {labels: work(values) for labels, values in groups.items()}

    def number(self, found: list[str]) -> float:
        return float(found[0])

    def minus(self, found: list[Any]) -> Any:
        return _pairwise(self._vector(found[0]), self._vector(found[1]), lambda a, b: a - b)

    def over(self, found: list[Any]) -> Any:
        return _pairwise(self._vector(found[0]), self._vector(found[1]), lambda a, b: a / b if b else float("nan"))

    def compare(self, found: list[Any]) -> Vector:
        left, how, limit = self._vector(found[0]), found[1], found[2]
        return {labels: v for labels, v in left.items() if (v > limit if how == ">" else v < limit)}

    def _vector(self, found: Any) -> Any:
        return found(self._after) if callable(found) else found


def _pairwise(left: Any, right: Any, work: Callable[[float, float], float]) -> Any:
    if isinstance(left, float):
        return {labels: work(left, value) for labels, value in right.items()}
    return {labels: work(value, right[labels]) for labels, value in left.items() if labels in right}


_PARSER = Lark(_GRAMMAR, parser="lalr")


def firing(expression: str, before: Readings, after: Readings) -> Vector:
    """What an expression finds between two readings; an alert fires where it is not empty. Rates are per reading."""
    found = _Evaluator(before, after).transform(_PARSER.parse(expression))
    return found if isinstance(found, dict) else {}
