"""Which facts a rule reads, itself and through the rules that it calls."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Mapping, Sequence

from sealauthz.polar.syntax import Attribute, Call, In, Matches, RuleNode, Term, TypePattern, Unify, Variable
from sealauthz.polar.terms import Node, parts
from sealauthz.schema import Model

_Types = dict[str, str]


class FactsRead:
    """Find the facts that rules read, following calls and the types of variables."""

    def __init__(self, model: Model, rules: Mapping[str, Sequence[RuleNode]]) -> None:
        self._rules = rules
        self._seen: dict[tuple[str, tuple[str, ...]], tuple[set[str], list[str]]] = {}
        # The types of a context are read from text each time, and this is asked a hundred thousand times.
        self._attribute = functools.cache(_attributes(model))

    def of(self, rule: RuleNode) -> set[str]:
        """Return `Record.column`, `parameter name` or `context name` for every fact that the rule reads."""
        facts, _ = self._read(rule, ["" for _ in rule.parameters])
        return facts

    def _read(self, rule: RuleNode, given: list[str]) -> tuple[set[str], list[str]]:
        types: _Types = {}
        for parameter, known in zip(rule.parameters, given, strict=True):
            if parameter.variable and parameter.variable != "_":
                types[parameter.variable] = parameter.type or known
        facts: set[str] = set()
        # Twice: a variable may be used in the text before what gives its type.
        for _ in range(2):
            facts |= self._read_body(rule.body, types)
        return facts, [types.get(parameter.variable or "", "") for parameter in rule.parameters]

    def _read_body(self, body: Term | None, types: _Types) -> set[str]:
        facts: set[str] = set()
        waiting: list[Node] = [body] if body is not None else []
        while waiting:
            node = waiting.pop(0)
            match node:
                case Attribute():
                    facts |= self._follow(node, types)[1]
                    continue
                case Call(name, arguments, _) if name in self._rules:
                    facts |= self._read_call(name, arguments, types)
                case Unify(Variable(name, _), value, _) | In(Variable(name, _), value, _):
                    if isinstance(value, Attribute):
                        types[name] = types.get(name) or self._follow(value, types)[0]
                case Matches(Variable(name, _), TypePattern(type_, _, _), _):
                    types[name] = type_
                case _:
                    pass
            waiting[:0] = parts(node)
        return facts

    def _read_call(self, name: str, arguments: tuple[Term, ...], types: _Types) -> set[str]:
        given = [self._follow(argument, types)[0] for argument in arguments]
        facts: set[str] = set()
        for number, callee in enumerate(self._rules[name]):
            if len(callee.parameters) != len(arguments):
                continue
            key = (f"{name}/{number}", tuple(given))
            if key not in self._seen:
                self._seen[key] = (set(), given)
                self._seen[key] = self._read(callee, given)
            read, types_after = self._seen[key]
            facts |= read
            for argument, type_ in zip(arguments, types_after, strict=True):
                if isinstance(argument, Variable) and type_ and argument.name != "_":
                    types[argument.name] = types.get(argument.name) or type_
        return facts

    def _follow(self, term: Term, types: _Types) -> tuple[str, set[str]]:
        """Follow `variable.attribute.attribute`: the type at its end, and the facts that it passes."""
        match term:
            case Variable(name, _):
                return types.get(name, "") or ("Context" if name == "context" else ""), set()
            case Attribute(base, name, _, _):
                here, read = self._follow(base, types)
                type_, fact = self._attribute(here, name)
                return type_, read | {fact} if fact else read
            case _:
                return "", set()


def _attributes(model: Model) -> Callable[[str, str], tuple[str, str]]:
    """Return what finds the type behind an attribute, and the fact that it is (empty for a relation)."""
    parameters = model.parameters.__name__

    def attribute(type_: str, name: str) -> tuple[str, str]:
        if type_ in model.records:
            relation = next((each for each in model.shapes[type_].relations if each.name == name), None)
            return (relation.record, "") if relation is not None else ("", f"{type_}.{name}")
        if type_ == parameters:
            return "", f"parameter {name}"
        for cls in model.contexts:
            hints = typing.get_type_hints(cls)
            if type_ in {"Context", cls.__name__} and name in hints:
                if name == "parameters":
                    return parameters, ""
                plain = [part for part in typing.get_args(hints[name]) or (hints[name],) if part is not type(None)]
                record = getattr(plain[0], "__name__", "")
                return (record, "") if record in model.records else ("", f"context {name}")
        return "", ""

    return attribute
