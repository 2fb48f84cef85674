"""Values: how a term is written as code, what is known of it, and tests of values alone."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard

from sealauthz.polar import program as written
from sealauthz.polar.compile import placed
from sealauthz.polar.compile.forms import KNOWN_LITERALS, NIL_TYPE, NOT_TYPED, CallParts, Env, Typed, Value
from sealauthz.polar.compile.nodes import BUDGET, Test, all_of, any_of, constant_node, name_node, numbered, runtime_call
from sealauthz.polar.compile.session import Session
from sealauthz.polar.core import nodes as core
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.program import Key
from sealauthz.polar.runtime import INDEXED_FROM, same
from sealauthz.polar.syntax import Place
from sealauthz.polar.types import Known

_PLAIN_ARITHMETIC: Mapping[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub}
"""What Python calculates with whole numbers as Polar does, but for the size of the result."""

_OPERATORS: Mapping[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}


class Values:
    """A function under construction, as far as it writes values and compares them."""

    def __init__(
        self, compiler: Session, name: str, is_generator: bool, collects: bool = False, tells: bool = False
    ) -> None:
        self._compiler = compiler
        self._name = name
        self._is_generator = is_generator
        self._collects = collects
        self._tells = tells
        self._locals = itertools.count(1)
        self._loops = 0
        self._copies = 1
        self._typed: Typed = NOT_TYPED
        self._inside: tuple[Key, ...] = ()
        self._tracing: written.Clause | None = None
        self._solutions_given = 0
        self._last_call: tuple[core.Call, Env, CallParts] | None = None

    def _is_unbound(self, term: core.Term, env: Env) -> TypeGuard[core.Variable]:
        return type(term) is core.Variable and term.number not in env

    def _value(self, term: core.Term, env: Env) -> Value:
        # The commonest first, without a `match`, which takes three times as long for them.
        if isinstance(term, core.Variable):
            value = env.get(term.number)
            if value is None:
                raise refusal(f"`{term.name}` has no value yet", term.place)
            return value
        if isinstance(term, core.Attribute):
            return self._attribute(self._value(term.base, env), term.name, term.place)
        if isinstance(term, core.Constant):
            return Value(constant_node(term.value), KNOWN_LITERALS[type(term.value)])
        match term:
            case core.Calculation(sign, left, right, _):
                return _calculated(sign, self._value(left, env), self._value(right, env))
            case core.ListOf(members, _):
                return Value(
                    placed.List([self._value(member, env).node for member in members], ast.Load()), Known(list)
                )
            case core.DictOf(fields, _):
                keys: list[ast.expr | None] = [constant_node(key) for key, _ in fields]
                return Value(placed.Dict(keys, [self._value(value, env).node for _, value in fields]), Known(dict))
            case core.Unsupported(message, place):
                raise refusal(message, place)

    def _attribute(self, base: Value, name: str, place: Place) -> Value:
        node = placed.Attribute(base.node, name, ast.Load())
        known = base.known
        if known is None or known.cls is NIL_TYPE:
            return Value(runtime_call("attribute", base.node, constant_node(name)))
        found = self._compiler.attribute(known.cls, name)
        if found is None:
            if known.is_exact or not self._compiler.table.knows(known.cls):
                raise refusal(f"{known.cls.__name__} has no attribute `{name}`", place)
            return Value(node)
        return Value(node, found)

    def _local(self, name: str) -> str:
        return numbered("v", next(self._locals), name)

    # --- tests -------------------------------------------------------------------------------------------------------

    def _contains(self, item: core.Term, collection: core.Term, env: Env) -> Test:
        value = self._value(item, env)
        if isinstance(collection, core.ListOf):
            return self._is_one_of(value, [self._value(member, env) for member in collection.items])
        return runtime_call("contains", value.node, self._value(collection, env).node, name_node(BUDGET))

    def _is_one_of(self, value: Value, members: Sequence[Value]) -> Test:
        known = value.known
        if (
            known is not None
            and known.cls is not bool
            and _is_compared_by_python(known)
            and not value.is_constant
            and all(m.is_constant and type(m.constant) is known.cls for m in members)
        ):
            listed = [m.node for m in members]
            # Many are a set, which CPython makes once: to find a word in it touches one of them.
            among = placed.Tuple(listed, ast.Load()) if len(listed) < INDEXED_FROM else placed.Set(listed)
            return placed.Compare(value.node, [ast.In()], [among])
        found = any_of([self._same(value, member) for member in members])
        if len(members) < INDEXED_FROM or isinstance(found, bool):
            return found
        return all_of([runtime_call("spent", constant_node(len(members)), name_node(BUDGET)), found])

    def _same(self, left: Value, right: Value) -> Test:
        """Whether two values unify."""
        if left.is_constant and right.is_constant:
            return same(left.constant, right.constant, [])
        for value, other in ((left, right), (right, left)):
            if other.is_constant and other.constant is None:
                if value.known is not None and not value.known.is_optional:
                    return False
                return placed.Compare(value.node, [ast.Is()], [constant_node(None)])
        ours, theirs = left.known, right.known
        if _is_compared_by_python(ours) and _is_compared_by_python(theirs) and ours.cls is theirs.cls:
            sign = ast.Is() if ours.cls is bool else ast.Eq()
            return placed.Compare(left.node, [sign], [right.node])
        return runtime_call("same", left.node, right.node, name_node(BUDGET))

    def _unified_test(self, left: core.Term, right: core.Term, env: Env) -> Test:
        """Whether two terms unify. A variable does with itself, whatever its value: that may be unequal to itself."""
        match left, right:
            case core.Variable(one), core.Variable(other) if one == other:
                return True
            case core.ListOf(ours), core.ListOf(theirs) if len(ours) == len(theirs):
                if all(map(_is_read_safely, (*ours, *theirs))):
                    return all_of([self._unified_test(a, b, env) for a, b in zip(ours, theirs, strict=True)])
            case core.DictOf(ours), core.DictOf(theirs) if dict(ours).keys() == dict(theirs).keys():
                other_fields = dict(theirs)
                if all(map(_is_read_safely, (*dict(ours).values(), *other_fields.values()))):
                    return all_of([self._unified_test(value, other_fields[key], env) for key, value in ours])
            case _:
                pass
        return self._same(self._value(left, env), self._value(right, env))

    def _compare(self, sign: str, left: Value, right: Value) -> Test:
        ours, theirs = left.known, right.known
        is_equality = sign in {"==", "!="}
        if ours is not None and theirs is not None and ours.cls is theirs.cls and ours.cls in {str, int}:
            # None is no number and no word to Polar's order, but it is unequal to both.
            may_be_none = ours.is_optional or theirs.is_optional
            if is_equality or not may_be_none:
                return placed.Compare(left.node, [_OPERATORS[sign]()], [right.node])
        return runtime_call("compare", constant_node(sign), left.node, right.node)

    def _truth(self, value: Value, place: Place) -> Test:
        if value.known is not None and value.known.cls is bool and not value.known.is_optional:
            return placed.Compare(value.node, [ast.Is()], [constant_node(True)])
        if value.known is None or value.known.cls is bool:
            return runtime_call("truth", value.node)
        raise refusal("only a boolean is a condition by itself", place)

    def _matches(self, value: Value, pattern: core.Pattern) -> Test:
        match pattern:
            case core.Constant(constant, _):
                return self._same(value, Value(constant_node(constant), KNOWN_LITERALS[type(constant)]))
            case core.Unsupported(message, place):
                raise refusal(message, place)
            case core.Classes(_, classes, _):
                pass
        known = value.known
        if known is not None:
            fits = self._compiler.fits(known, classes)
            if fits is not None:
                if not fits or not known.is_optional:
                    return fits
                return placed.Compare(value.node, [ast.IsNot()], [constant_node(None)])
        nodes = [self._compiler.class_node(cls) for cls in classes]
        node = nodes[0] if len(nodes) == 1 else placed.Tuple(nodes, ast.Load())
        return placed.Call(name_node("isinstance"), [value.node, node], [])

    # --- what is known -----------------------------------------------------------------------------------------------

    def _narrowed(self, value: Value, pattern: core.Pattern) -> Value:
        """What is known of a value once it has matched."""
        if not isinstance(pattern, core.Classes):
            return value
        known = value.known
        if known is not None and known.is_exact:
            return Value(value.node, replace(known, is_optional=False)) if known.is_optional else value
        return Value(value.node, Known(pattern.classes[0], is_exact=False)) if len(pattern.classes) == 1 else value

    def _learnt(self, goal: core.Goal, env: Env) -> Env:
        """What is known of the variables once a test has passed."""
        if isinstance(goal, core.Matched):
            term = goal.term
            if isinstance(term, core.Variable) and term.number in env:
                return {**env, term.number: self._narrowed(env[term.number], goal.pattern)}
        elif isinstance(goal, core.All):
            for part in goal.goals:
                env = self._learnt(part, env)
        return env

    def _admitted(self, number: int, value: Value) -> tuple[Test, Value]:
        """Whether a value may be given to a variable whose parameter has a type, and what is then known of it."""
        patterns = self._typed.get(number)
        if patterns is None:
            return True, value
        tests: list[Test] = []
        for pattern in patterns:
            tests.append(self._matches(value, pattern))
            value = self._narrowed(value, pattern)
        return all_of(tests), value


def _is_read_safely(term: core.Term) -> bool:
    """Whether reading a term cannot fail, so that it makes no difference whether it is read."""
    match term:
        case core.Variable() | core.Constant():
            return True
        case core.ListOf(items):
            return all(map(_is_read_safely, items))
        case core.DictOf(fields):
            return all(_is_read_safely(value) for _, value in fields)
        case _:
            return False


def _is_compared_by_python(known: Known | None) -> TypeGuard[Known]:
    """Whether values of a type are equal to Polar exactly where they are to Python, if both are of it.

    What only matches Integer may be a boolean: to Python, True is 1.
    """
    return known is not None and (known.cls is str or known.cls is bool or (known.cls is int and known.is_exact))


def _calculated(sign: str, left: Value, right: Value) -> Value:
    # A value that only matches Integer may be a boolean, with which Polar does not calculate.
    if sign != "/" and left.known == right.known == Known(int):
        if sign in _PLAIN_ARITHMETIC:
            return Value(
                runtime_call("whole", placed.BinOp(left.node, _PLAIN_ARITHMETIC[sign](), right.node)), Known(int)
            )
        return Value(runtime_call("calculate", constant_node(sign), left.node, right.node), Known(int))
    return Value(runtime_call("calculate", constant_node(sign), left.node, right.node))
