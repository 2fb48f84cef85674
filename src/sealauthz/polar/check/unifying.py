"""Making terms equal: giving values to variables, and taking lists, dictionaries and patterns apart."""

from __future__ import annotations

from collections.abc import Sequence

from sealauthz.polar.check.reading import Reader
from sealauthz.polar.check.scope import Mode, Scope
from sealauthz.polar.check.values import FREE, Free, both, literal
from sealauthz.polar.syntax import DictPattern, DictTerm, ListTerm, Literal, Pattern, Place, Term, TypePattern, Variable
from sealauthz.polar.types import ANYTHING, NIL, ValueType


class Unifier(Reader):
    """Makes terms equal in a scope; each method says whether it can be done."""

    def give(self, variable: Variable, value: ValueType, scope: Scope) -> bool:
        """Give a value to a variable, which its head may have limited to a class."""
        if variable.name == "_":
            return True
        known = scope.of(variable.name)
        result: ValueType | None = value
        if isinstance(known, ValueType):
            result = both(known, value, self.types)
            if result is None:
                self.why = f"`{variable.name}` would be {known} and {value}"
        elif known.limit:
            result = self.as_class(variable, value, known.limit)
        if result is not None:
            scope.give(variable.name, result)
        return result is not None

    def unify(self, left: Term, right: Term, place: Place, scope: Scope, mode: Mode) -> bool:
        """Whether two terms can be made equal."""
        match left, right:
            case ListTerm(ours, None), ListTerm(theirs, None) if len(ours) == len(theirs):
                return all(self.unify(one, other, place, scope, mode) for one, other in zip(ours, theirs, strict=True))
            case DictTerm(ours), DictTerm(theirs) if dict(ours).keys() == dict(theirs).keys():
                others = dict(theirs)
                return all(self.unify(value, others[key], place, scope, mode) for key, value in ours)
            case _:
                pass
        if self.is_open(left, scope):
            return self._unify_open(left, right, scope, mode)
        if self.is_open(right, scope):
            return self._unify_open(right, left, scope, mode)
        lvalue = self.value(left, scope, mode, "`=`")
        return self.equal((left, lvalue), (right, self.value(right, scope, mode, "`=`")), place, scope, mode)

    def is_open(self, term: Term, scope: Scope) -> bool:
        """Whether a term is a variable without a value, or a list or dictionary with one inside."""
        match term:
            case Variable(name, _):
                if name == "_":
                    return True
                return name != "nil" and isinstance(scope.of(name), Free) and name not in self.types.classes
            case ListTerm(items, rest, _):
                return any(self.is_open(item, scope) for item in items) or rest is not None
            case DictTerm(fields, _):
                return any(self.is_open(value, scope) for _, value in fields)
            case _:
                return False

    def _unify_open(self, open_: Term, other: Term, scope: Scope, mode: Mode) -> bool:
        if isinstance(open_, Variable):
            if isinstance(other, Variable) and self.is_open(other, scope):
                if "_" not in (open_.name, other.name):
                    scope.link(open_.name, other.name)
                return True
            return self.give(open_, self.value(other, scope, mode, "`=`"), scope)
        value = self.value(other, scope, mode, "a list or dictionary that is taken apart")
        return self.take_apart(open_, value, scope, mode)

    def take_apart(self, term: Term | Pattern, value: ValueType, scope: Scope, mode: Mode) -> bool:
        """Match a value with a term or pattern that has variables inside."""
        if isinstance(term, Variable):
            if term.name == "nil":
                return self.equal((term, NIL), (term, value), term.place, scope, mode)
            known = scope.of(term.name) if term.name != "_" else FREE
            if isinstance(known, Free):
                return self.give(term, value, scope)
            return self.equal((term, known), (term, value), term.place, scope, mode)
        match term:
            case Literal(content, place):
                return self.equal((term, literal(content)), (Variable("this", place), value), place, scope, mode)
            case ListTerm(items, rest, place):
                if value.name not in ("", "list"):
                    self.why = f"{value} is no list"
                    return False
                holds = all(self.take_apart(item, value.element or ANYTHING, scope, mode) for item in items)
                return holds and (rest is None or self.give(rest, value, scope))
            case DictTerm(fields, _):
                return all(self.take_apart(inner, ANYTHING, scope, mode) for _, inner in fields)
            case TypePattern(name, patterns, place):
                fitting = self.as_class(Variable("this", place), value, name)
                return fitting is not None and self._take_fields(fitting, patterns, scope, mode)
            case DictPattern(patterns, _):
                return self._take_fields(value, patterns, scope, mode)
            case _:
                return True

    def _take_fields(self, value: ValueType, patterns: Sequence[tuple[str, Pattern]], scope: Scope, mode: Mode) -> bool:
        for key, pattern in patterns:
            attribute = self.attribute(value.name, key)
            if not self.take_apart(pattern, attribute.value if attribute else ANYTHING, scope, mode):
                return False
        return True
