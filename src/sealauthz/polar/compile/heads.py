"""Heads: entering a clause with the arguments of a call, known or still to be found."""

from __future__ import annotations

import ast

from sealauthz.polar.compile.forms import (
    FREE,
    IGNORED,
    KNOWN_LITERALS,
    Argument,
    Bound,
    CallPattern,
    Constant,
    Env,
    Head,
    Value,
)
from sealauthz.polar.compile.nodes import Test, all_of, argument_name, constant_node, name_node
from sealauthz.polar.compile.values import Values
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.program import Clause
from sealauthz.polar.runtime import same
from sealauthz.polar.syntax import Call, Literal, Parameter, Variable


class Heads(Values):
    """A function under construction, as far as it enters clauses."""

    def head(self, clause: Clause, pattern: CallPattern, env: dict[str, Value]) -> Head | None:
        """Enter a clause by a call pattern; None where it cannot match."""
        head = Head(env, [], [], {})
        for index, (parameter, argument) in enumerate(zip(clause.parameters, pattern, strict=True)):
            if isinstance(argument, str):
                self._leave_open(head, parameter)
                if argument == FREE:
                    head.outputs.append(parameter)
                continue
            if isinstance(argument, Constant):
                value = Value(constant_node(argument.value), KNOWN_LITERALS[argument.kind])
            else:
                known = argument.known if isinstance(argument, Bound) else None
                value = Value(name_node(argument_name(index)), known)
            if not self._enter(head, parameter, value):
                return None
        return head

    def _entered(self, clause: Clause, call: Call, env: Env) -> Head | None:
        """Enter a clause with the values of a call themselves; None where it cannot match."""
        head = Head({}, [], [], {})
        for parameter, argument in zip(clause.parameters, call.arguments, strict=True):
            if self._is_unbound(argument, env):
                self._leave_open(head, parameter)
                head.outputs.append(parameter)
            elif not self._enter(head, parameter, self._value(argument, env)):
                return None
        return head

    def _leave_open(self, head: Head, parameter: Parameter) -> None:
        """Take in a parameter without a value: its type is tested as soon as head or body gives it one."""
        if parameter.pattern is None:
            return
        if not isinstance(parameter.term, Variable):
            head.tests.append(self._matches(self._value(parameter.term, head.env), parameter.pattern))
            return
        name = parameter.term.name
        if name in head.env:
            head.tests.append(self._matches(head.env[name], parameter.pattern))
        elif name != "_":
            # One that stands twice has to be of both types.
            head.typed[name] = (*head.typed.get(name, ()), parameter.pattern)

    def _enter(self, head: Head, parameter: Parameter, value: Value) -> bool:
        test: Test = True
        if parameter.pattern is not None:
            test = self._matches(value, parameter.pattern)
            value = self._narrowed(value, parameter.pattern)
        if isinstance(parameter.term, Variable):
            name = parameter.term.name
            if name != "_":
                if name in head.env:
                    test = all_of([test, self._same(head.env[name], value)])
                else:
                    head.env[name] = value
                    test = all_of([test, *(self._matches(value, pattern) for pattern in head.typed.get(name, ()))])
        else:
            test = all_of([test, self._same(self._value(parameter.term, head.env), value)])
        head.tests.append(test)
        return test is not False

    def _call_pattern(self, call: Call, env: Env) -> tuple[CallPattern, list[ast.expr], list[Variable]]:
        """How a call calls: its pattern, the values that it passes, and the variables that it finds."""
        pattern: list[Argument] = []
        nodes: list[ast.expr] = []
        found: list[Variable] = []
        inside = self._compiler.counted(call)
        for argument in call.arguments:
            if self._is_unbound(argument, env) and isinstance(argument, Variable):
                is_needed = argument.name != "_" and (
                    self._scope.occurrences.get(argument.name, 0) > inside[argument.name] or inside[argument.name] > 1
                )
                if is_needed and any(argument.name == other.name for other in found):
                    # The rule would be searched for both places apart, where oso would make them one from the start.
                    raise refusal(f"`{argument.name}` stands twice in this call and has no value yet", argument.place)
                pattern.append(FREE if is_needed else IGNORED)
                if is_needed:
                    found.append(argument)
                continue
            value = self._value(argument, env)
            # No float is part of a pattern: 0.0 and -0.0 are one key to Python, and give two results where one divides.
            if value.is_constant and type(value.constant) is not float:
                pattern.append(Constant(value.constant, type(value.constant)))
            else:
                pattern.append(Bound(value.known))
                nodes.append(value.node)
        return tuple(pattern), nodes, found


def may_fit(clause: Clause, pattern: CallPattern) -> bool:
    """Whether no word of a head is another than that of the call: the first and cheapest look."""
    for parameter, argument in zip(clause.parameters, pattern, strict=True):
        term = parameter.term
        if not isinstance(argument, Constant) or not isinstance(term, Literal):
            continue
        # What Python takes for unequal is unequal; most are words, and are that.
        if argument.value != term.value or not same(argument.value, term.value):
            return False
    return True
