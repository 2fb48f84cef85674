"""Heads: entering a clause with the arguments of a call, known or still to be found."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from sealauthz.polar.compile.forms import (
    FREE,
    IGNORED,
    KNOWN_LITERALS,
    Argument,
    Bound,
    CallParts,
    CallPattern,
    Constant,
    Env,
    Head,
    Value,
)
from sealauthz.polar.compile.nodes import Test, argument_name, constant_node, name_node
from sealauthz.polar.compile.session import Session
from sealauthz.polar.compile.values import Values
from sealauthz.polar.core import nodes as core
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.runtime import same


class Heads(Values):
    """A function under construction, as far as it enters clauses."""

    def head(self, clause: core.Clause, pattern: CallPattern) -> Head | None:
        """Enter a clause by a call pattern; None where it cannot match."""
        head = Head({}, [], [], {})
        for index, (parameter, argument) in enumerate(zip(clause.parameters, pattern, strict=True)):
            if isinstance(argument, str):
                self._leave_open(head, parameter)
                if argument == FREE:
                    head.outputs.append(parameter.term)
                continue
            if parameter.is_open:
                continue
            if isinstance(argument, Constant):
                value = Value(constant_node(argument.value), KNOWN_LITERALS[argument.kind])
            else:
                value = Value(name_node(argument_name(index)), argument.known)
            if not self._enter(head, parameter, value):
                return None
        return head

    def _entered(self, clause: core.Clause, arguments: Sequence[Value | None]) -> Head | None:
        """Enter a clause with the values of a call themselves; None where it cannot match."""
        head = Head({}, [], [], {})
        for parameter, argument in zip(clause.parameters, arguments, strict=True):
            if argument is None:
                self._leave_open(head, parameter)
                head.outputs.append(parameter.term)
            elif not parameter.is_open and not self._enter(head, parameter, argument):
                return None
        return head

    def _leave_open(self, head: Head, parameter: core.Parameter) -> None:
        """Take in a parameter without a value: its type is tested as soon as head or body gives it one."""
        term, pattern = parameter.term, parameter.pattern
        if pattern is None:
            return
        if not isinstance(term, core.Variable):
            head.tests.append(self._matches(self._value(term, head.env), pattern))
        elif term.number in head.env:
            head.tests.append(self._matches(head.env[term.number], pattern))
        else:
            # One that stands twice has to be of both types.
            head.typed[term.number] = (*head.typed.get(term.number, ()), pattern)

    def _enter(self, head: Head, parameter: core.Parameter, value: Value) -> bool:
        """Give a parameter its value; whether it may fit."""
        term, pattern = parameter.term, parameter.pattern
        tests: list[Test] = []
        if pattern is not None:
            tests.append(self._matches(value, pattern))
            if tests[0] is False:
                return False
            value = self._narrowed(value, pattern)
        if not isinstance(term, core.Variable):
            tests.append(self._same(self._value(term, head.env), value))
        elif term.number in head.env:
            before = head.env[term.number]
            tests.append(self._same(before, value))
            if pattern is not None:
                # What stands twice has its first value, which may equal one of another type, as 1 equals 1.0.
                tests.append(self._matches(before, pattern))
        else:
            head.env[term.number] = value
            tests += [self._matches(value, other) for other in head.typed.get(term.number, ())]
        if False in tests:
            return False
        head.tests += [test for test in tests if test is not True]
        return True

    def _call_pattern(self, call: core.Call, env: Env) -> CallParts:
        """How a call calls: its pattern, the values of its arguments, and the variables that it finds."""
        # What cannot be written out in one way is tried in the next.
        last = self._last_call
        if last is not None and last[0] is call and last[1] is env:
            return last[2]
        found = self._new_call_pattern(call, env)
        self._last_call = call, env, found
        return found

    def _new_call_pattern(self, call: core.Call, env: Env) -> CallParts:
        pattern: list[Argument] = []
        values: list[Value | None] = []
        found: list[core.Variable] = []
        for argument in call.arguments:
            if self._is_unbound(argument, env):
                bit = 1 << argument.number
                is_needed = not call.own & bit or bool(call.repeated & bit)
                if is_needed and any(argument.number == other.number for other in found):
                    # The rule would be searched for both places apart, where oso would make them one from the start.
                    raise refusal(f"`{argument.name}` stands twice in this call and has no value yet", argument.place)
                pattern.append(FREE if is_needed else IGNORED)
                values.append(None)
                if is_needed:
                    found.append(argument)
                continue
            value = self._value(argument, env)
            values.append(value)
            # No float is part of a pattern: 0.0 and -0.0 are one key to Python, and give two results where one divides.
            constant: Any = value.node.value if isinstance(value.node, ast.Constant) else 0.0
            if type(constant) is not float:
                pattern.append(Constant(constant, type(constant)))
            else:
                pattern.append(Bound(value.known))
        return tuple(pattern), values, found


def may_fit(session: Session, clause: core.Clause, pattern: CallPattern) -> bool:
    """Whether no word and no class of a head is another than that of the call: the first and cheapest look."""
    for index, term, classes in session.demands_of(clause):
        argument = pattern[index]
        if isinstance(argument, str):
            continue
        if classes is not None:
            known = KNOWN_LITERALS[argument.kind] if isinstance(argument, Constant) else argument.known
            if known is not None and session.fits(known, classes) is False:
                return False
        if term is not None:
            if isinstance(argument, Constant):
                # What Python takes for unequal is unequal; most are words, and are that.
                if argument.value != term.value or not same(argument.value, term.value, []):
                    return False
            elif term.value is None and argument.known is not None and not argument.known.is_optional:
                return False
    return True
