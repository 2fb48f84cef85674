"""Types of what a rule finds, as far as its clauses make them plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from sealauthz.polar.compile.forms import FREE, KNOWN_LITERALS, Bound, CallPattern, Constant
from sealauthz.polar.compile.session import Session
from sealauthz.polar.core import nodes as core
from sealauthz.polar.types import Known


class Outputs:
    """Finds what type a clause gives a free parameter, without compiling it."""

    def __init__(self, compiler: Session) -> None:
        self._compiler = compiler
        self._asked: set[tuple[int, int]] = set()

    def of_rule(self, clauses: Sequence[core.Clause], pattern: CallPattern, position: int) -> Known | None:
        """The type of what the clauses give a parameter; None where it is not one, or a clause does not say."""
        found: set[Known | None] = set()
        for clause in clauses:
            parameter = clause.parameters[position]
            declared = _declared(parameter.pattern)
            if declared is not None:
                found.add(declared)
            elif isinstance(parameter.term, core.Constant):
                found.add(KNOWN_LITERALS[type(parameter.term.value)])
            else:
                found.add(self.of(clause, pattern, parameter.term))
        return _joined(found)

    def of(self, clause: core.Clause, pattern: CallPattern, term: core.Term) -> Known | None:
        """The type of an output variable, where a goal of the clause makes it plain."""
        if not isinstance(term, core.Variable) or (id(clause), term.number) in self._asked:
            return None
        asked = (id(clause), term.number)
        self._asked.add(asked)
        try:
            return self._of(clause, pattern, term.number)
        finally:
            self._asked.discard(asked)

    def _of(self, clause: core.Clause, pattern: CallPattern, wanted: int) -> Known | None:
        types: dict[int, Known] = {}
        bound = 0
        heads = [p.term.number for p in clause.parameters if isinstance(p.term, core.Variable)]
        for parameter, argument in zip(clause.parameters, pattern, strict=True):
            if isinstance(parameter.term, core.Variable):
                number = parameter.term.number
                known = _declared(parameter.pattern)
                if isinstance(argument, Bound) and argument.known is not None:
                    known = argument.known if known is None else known
                elif isinstance(argument, Constant) and known is None:
                    known = KNOWN_LITERALS[argument.kind]
                # One that stands twice has the value of its first place, which may equal that of another type.
                if known is not None and heads.count(number) == 1:
                    types[number] = known
                if not isinstance(argument, str):
                    bound |= 1 << number
        for goal in clause.goals:
            match goal:
                case core.Member(item=core.Variable(number)) if not bound >> number & 1:
                    source = self._type(goal.collection, types)
                    if source is not None and source.element is not None:
                        types.setdefault(number, Known(source.element))
                case core.Equal():
                    for one, other in ((goal.left, goal.right), (goal.right, goal.left)):
                        source = self._type(other, types)
                        if isinstance(one, core.Variable) and not bound >> one.number & 1 and source is not None:
                            types.setdefault(one.number, source)
                case core.Matched(term=core.Variable(number)):
                    declared = _declared(goal.pattern)
                    if declared is not None:
                        types[number] = declared
                case core.Call():
                    self._learn_call(goal, types, bound)
                case _:
                    pass
            # What has a value keeps its type: that of what it equals may be another, as 1.0 equals 1.
            bound |= goal.variables
        return types.get(wanted)

    def _learn_call(self, call: core.Call, types: dict[int, Known], bound: int) -> None:
        """Learn the types of variables that a called rule finds."""
        clauses = self._compiler.all_clauses(call.key)
        for index, argument in enumerate(call.arguments):
            if not isinstance(argument, core.Variable) or argument.is_anonymous or argument.number in types:
                continue
            if bound >> argument.number & 1:
                continue
            pattern = tuple(
                FREE if position == index else Bound(self._type(other, types))
                for position, other in enumerate(call.arguments)
            )
            known = _joined({self.of(clause, pattern, clause.parameters[index].term) for clause in clauses})
            if known is not None:
                types[argument.number] = known

    def _type(self, term: core.Term, types: Mapping[int, Known]) -> Known | None:
        match term:
            case core.Variable(number):
                return types.get(number)
            case core.Attribute(base, name):
                owner = self._type(base, types)
                return None if owner is None else self._compiler.attribute(owner.cls, name)
            case core.Constant(value):
                return KNOWN_LITERALS[type(value)]
            case _:
                return None


def _joined(found: Set[Known | None]) -> Known | None:
    """What is known of a value that is of one of these types; None where that is not one class."""
    first, *others = found or {None}
    for other in others:
        if first is None or other is None or (first.cls, first.element) != (other.cls, other.element):
            return None
        first = Known(
            first.cls, first.is_optional or other.is_optional, first.is_exact and other.is_exact, first.element
        )
    return first


def _declared(pattern: core.Pattern | None) -> Known | None:
    if isinstance(pattern, core.Classes) and len(pattern.classes) == 1:
        return Known(pattern.classes[0], is_exact=False)
    return None
