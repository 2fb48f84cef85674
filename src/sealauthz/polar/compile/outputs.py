"""Types of what a rule finds, as far as its clauses make them plain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence

from sealauthz.polar.compile.forms import FREE, KNOWN_LITERALS, Bound, CallPattern, Constant
from sealauthz.polar.compile.session import Session
from sealauthz.polar.program import Clause
from sealauthz.polar.syntax import Attribute, Call, In, Literal, Matches, Pattern, Term, TypePattern, Unify, Variable
from sealauthz.polar.terms import variables
from sealauthz.polar.types import Known


class Outputs:
    """Finds what type a clause gives a free parameter, without compiling it."""

    def __init__(self, compiler: Session) -> None:
        self._compiler = compiler
        self._asked: set[tuple[int, str]] = set()

    def of(self, clause: Clause, pattern: CallPattern, term: Term) -> Known | None:
        """The type of an output variable, where a goal of the clause makes it plain."""
        if not isinstance(term, Variable) or (id(clause), term.name) in self._asked:
            return None
        self._asked.add((id(clause), term.name))
        try:
            return self._of(clause, pattern, term)
        finally:
            self._asked.discard((id(clause), term.name))

    def _of(self, clause: Clause, pattern: CallPattern, term: Variable) -> Known | None:
        types: dict[str, Known] = {}
        bound: set[str] = set()
        heads = Counter(p.term.name for p in clause.parameters if isinstance(p.term, Variable))
        for parameter, argument in zip(clause.parameters, pattern, strict=True):
            if isinstance(parameter.term, Variable):
                known = self._declared(parameter.pattern)
                if isinstance(argument, Bound) and argument.known is not None:
                    known = argument.known if known is None else known
                elif isinstance(argument, Constant) and known is None:
                    known = KNOWN_LITERALS[argument.kind]
                # One that stands twice has the value of its first place, which may equal that of another type.
                if known is not None and heads[parameter.term.name] == 1:
                    types[parameter.term.name] = known
                if not isinstance(argument, str):
                    bound.add(parameter.term.name)
        for goal in clause.goals:
            match goal:
                case In(Variable(name, _), collection, _) if name not in bound:
                    source = self._type(collection, types)
                    if source is not None and source.element is not None:
                        types.setdefault(name, Known(source.element))
                case Unify(Variable(name, _), other, _) if name not in bound:
                    source = self._type(other, types)
                    if source is not None:
                        types.setdefault(name, source)
                case Matches(Variable(name, _), pattern_, _):
                    declared = self._declared(pattern_)
                    if declared is not None:
                        types[name] = declared
                case Call(name, arguments, _):
                    self._learn_call(name, arguments, types, bound)
                case _:
                    pass
            # What has a value keeps its type: that of what it equals may be another, as 1.0 equals 1.
            bound.update(variables(goal))
        return types.get(term.name)

    def _learn_call(self, name: str, arguments: Sequence[Term], types: dict[str, Known], bound: Container[str]) -> None:
        """Learn the types of variables that a called rule finds."""
        clauses = self._compiler.program.clauses.get((name, len(arguments)), ())
        for index, argument in enumerate(arguments):
            if not isinstance(argument, Variable) or argument.name in bound or argument.name == "_":
                continue
            if argument.name in types:
                continue
            pattern = tuple(
                FREE if position == index else Bound(self._type(other, types))
                for position, other in enumerate(arguments)
            )
            found = {self.of(clause, pattern, clause.parameters[index].term) for clause in clauses}
            known = found.pop() if len(found) == 1 else None
            if known is not None:
                types[argument.name] = known

    def _declared(self, pattern: Pattern | None) -> Known | None:
        if isinstance(pattern, TypePattern) and pattern.name in self._compiler.table.classes:
            return Known(self._compiler.table.classes[pattern.name], is_exact=False)
        return None

    def _type(self, term: Term, types: Mapping[str, Known]) -> Known | None:
        match term:
            case Variable(name, _):
                return types.get(name)
            case Attribute(base, name, None, _):
                owner = self._type(base, types)
                return None if owner is None else self._compiler.attribute(owner.cls, name)
            case Literal(value, _):
                return KNOWN_LITERALS[type(value)]
            case _:
                return None
