"""The values of terms, and what is wrong with reading them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from sealauthz.polar.check.asked import Asked
from sealauthz.polar.check.rules import Rules
from sealauthz.polar.check.scope import Mode, Scope
from sealauthz.polar.check.units import TIMES_HINT, plain_instant, unit_of_result, wrong_comparison, wrong_sum
from sealauthz.polar.check.values import (
    FREE,
    NUMBERS,
    Free,
    Value,
    are_comparable,
    are_of_one_record,
    both,
    either_of,
    literal,
    of_class,
)
from sealauthz.polar.diagnostic import Diagnostics, did_you_mean
from sealauthz.polar.syntax import Arithmetic, Attribute, DictTerm, ListTerm, Literal, Place, Term, Variable
from sealauthz.polar.terms import written
from sealauthz.polar.types import ANYTHING, NIL, AttributeType, TypeTable, ValueType


class Reader:
    """Reads terms in a scope. `why` says, after something could not hold, why not.

    `written_ids` are the texts that are compared with the id of a record, with its type and where they are written.
    `misspelt` are the words that were handed to a rule which compares them with what they never are, by their places;
    `unfit` those that were handed on to a rule which takes others only. `blamed` is the last `why` that is due to one
    of these, and the place of the word.
    `asked` notes what was asked of the classes of values, and `uses_mode` whether the mode made a difference.
    """

    def __init__(
        self, rules: Rules, types: TypeTable, contexts: AbstractSet[str], found: Diagnostics, asking: Asked
    ) -> None:
        self.rules = rules
        self.types = types
        self.found = found
        self.why = ""
        self.misspelt: dict[Place, tuple[str, str]] = {}
        self.unfit: dict[Place, tuple[str, str]] = {}
        self.blamed: tuple[str, Place | None] = "", None
        self.written_ids: dict[tuple[str, str, Place], None] = {}
        self.asked = 0
        self.uses_mode = False
        self._asking = asking
        self._contexts = contexts

    def side(self, term: Term, scope: Scope, mode: Mode) -> Value:
        """The value of a term that may be a variable without one."""
        if isinstance(term, Variable):
            if term.name == "_":
                return FREE
            if term.name == "nil":
                return NIL
            known = scope.of(term.name)
            if isinstance(known, Free) and term.name in self.types.classes:
                return ANYTHING
            return known
        return self.value(term, scope, mode, "a term")

    def value(self, term: Term, scope: Scope, mode: Mode, needed_by: str) -> ValueType:
        """The value of a term that must have one."""
        # The commonest first, without a `match`, which takes three times as long for them.
        if isinstance(term, Attribute):
            return self._attribute(term, scope, mode)
        if isinstance(term, Literal):
            return literal(term.value)
        if isinstance(term, Variable):
            known = self.side(term, scope, mode)
            if isinstance(known, ValueType):
                return known
            self.found.error("unbound", f"`{term.name}` has no value here, and {needed_by} needs one", term.place)
            return ANYTHING
        match term:
            case Arithmetic():
                return self._arithmetic(term, scope, mode)
            case ListTerm(items, _, _):
                held = [self.value(item, scope, mode, "a list") for item in items]
                element = either_of(held) if held else None
                return ValueType("list", element=element if isinstance(element, ValueType) else None)
            case DictTerm(fields, _):
                for _, field in fields:
                    self.value(field, scope, mode, "a dictionary")
                return ValueType("dict")
            case _:
                return ANYTHING

    def _attribute(self, term: Attribute, scope: Scope, mode: Mode) -> ValueType:
        base = self.value(term.base, scope, mode, f"`.{term.name}`")
        path = scope.path(term)
        known = scope.values.get(path) if path is not None else None
        if isinstance(known, ValueType):
            return known
        if base.name == "nil":
            self.found.error("types", f"`{written(term.base)}` is nil here and has no `{term.name}`", term.place)
            return ANYTHING
        if base.is_optional:
            self.absent(term.base, base, f"has no `{term.name}` then", term.place, mode)
            scope.narrow(term.base, base.present())
        if term.arguments is not None:
            return ANYTHING
        if not base.name:
            self._of_anything(term)
            return ANYTHING
        attribute = self.attribute(base.name, term.name)
        if attribute is None:
            self._unknown(base, term)
            return ANYTHING
        if attribute.is_personal:
            message = f"`{term.name}` of {base.name} is personal: no rule reads it"
            self.found.error("personal", message, term.place)
        return attribute.value

    def attribute(self, cls: str, name: str) -> AttributeType | None:
        """What an attribute of a class holds; None where the class does not have it."""
        self.asked |= self._asking.attribute(cls, name)
        return self.types.attribute(cls, name)

    def _of_anything(self, term: Attribute) -> None:
        """Check an attribute of something whose class is not known: some class has it, and none keeps it personal."""
        found = {name: self.types.attribute(name, term.name) for name in self.types.classes}
        having = sorted(name for name, attribute in found.items() if attribute is not None)
        personal = [name for name in having if (attribute := found[name]) is not None and attribute.is_personal]
        if not having:
            self.found.error("attribute", f"no class has an attribute `{term.name}`", term.place)
        elif personal:
            message = f"`{term.name}` of {' and '.join(personal)} is personal, and `{written(term.base)}` may be one"
            self.found.error("personal", message, term.place)

    def _unknown(self, base: ValueType, term: Attribute) -> None:
        name = base.name
        hint = did_you_mean(term.name, self.types.attributes(name))
        if name not in self._contexts:
            message = f"{name} has no attribute `{term.name}`"
            self.found.error("attribute", message, term.place, hint)
            return
        others = sorted(other for other in self._contexts if self.types.attribute(other, term.name))
        hint = hint or (f"{' and '.join(others)} has it" if others else "")
        message = f"the context here is {name}, which has no `{term.name}`"
        self.found.error("context", message, term.place, hint)

    def _arithmetic(self, term: Arithmetic, scope: Scope, mode: Mode) -> ValueType:
        needed_by = f"`{term.operator}`"
        names, values = set(), []
        for side in (term.left, term.right):
            value = self.value(side, scope, mode, needed_by)
            values.append(value)
            if value.name not in ("", *NUMBERS):
                message = f"`{term.operator}` calculates with numbers, and `{written(side)}` is {value}"
                self.found.error("types", message, term.place)
            elif value.is_optional:
                self.absent(side, value, f"`{term.operator}` fails then", term.place, mode)
                scope.narrow(side, value.present())
            names.add(value.name)
        left, right = values
        message, hint = wrong_sum(term.operator, (term.left, left), (term.right, right))
        if message:
            self.found.error("units", message, term.place, hint)
        name = "float" if "float" in names or term.operator == "/" else "int"
        return ValueType(name, unit=unit_of_result(term.operator, left, right))

    # --- what may be nil --------------------------------------------------------------------------------------------

    def absent(self, term: Term, value: ValueType, then: str, place: Place, mode: Mode) -> None:
        """Note that a value is read that may be nil, where nil is no answer but a failure."""
        self.uses_mode = True
        message = f"`{written(term)}` may be nil and {then}"
        hint = f"test it before: `{written(term)} matches {class_named_back(value.name)}`"
        if mode.is_negative:
            self.found.error("optional", f"{message}, under the negation at {mode.negation}", place, hint)
        else:
            self.found.warning("optional", message, place, hint)

    def absent_equal(self, term: Term, value: ValueType, place: Place, mode: Mode) -> None:
        """Note that a value is compared that may be nil, where nil would let a negation hold and so allow."""
        self.uses_mode = True
        if not (mode.is_negative and mode.decides):
            return
        at = f"the negation at {mode.negation}" if mode.negation != place else "`!=`"
        message = f"`{written(term)}` may be nil, and nil lets {at} hold"
        hint = f"test it before: `{written(term)} matches {class_named_back(value.name)}`"
        message += ": the client only has to leave it out" if value.is_given else ""
        self.found.error("optional", message, place, hint)

    # --- equality ---------------------------------------------------------------------------------------------------

    def equal(
        self, left: tuple[Term, ValueType], right: tuple[Term, ValueType], place: Place, scope: Scope, mode: Mode
    ) -> bool:
        """Whether two values can be equal; if so, note in the scope what that says about them."""
        (lterm, lvalue), (rterm, rvalue) = left, right
        if "nil" in (lvalue.name, rvalue.name):
            term, value = right if lvalue.name == "nil" else left
            if value.name and not value.is_optional:
                message = "what is given" if written(term) == "nil" else f"`{written(term)}`"
                self.why = f"{message} is never nil"
                return False
            scope.narrow(term, NIL)
            return True
        if lvalue.is_optional and rvalue.is_optional:
            message = f"both `{written(lterm)}` and `{written(rterm)}` may be nil, and nil equals nil"
            self.found.warning("nil-equal", message, place, f"test one before, as in `{written(lterm)} != nil`")
        for term, value in (left, right):
            if value.is_optional:
                self.absent_equal(term, value, place, mode)
        if self.is_impossible(left, right, place):
            return True
        common = both(lvalue, rvalue, self.types)
        if common is None:
            self.why = self._differ(left, right)
            return False
        if common != lvalue:
            scope.narrow(lterm, common)
        if common != rvalue:
            scope.narrow(rterm, common)
        return True

    def is_impossible(self, left: tuple[Term, ValueType], right: tuple[Term, ValueType], place: Place) -> bool:
        """Note values that no facts can make equal: of other classes, or words that an enumeration does not have."""
        (lterm, lvalue), (rterm, rvalue) = left, right
        if not are_comparable(lvalue, rvalue, self.types):
            message = f"`{written(lterm)}` is {lvalue} and `{written(rterm)}` is {rvalue}: they are never equal"
            self.found.error("types", message, place)
            return True
        if self.mixes_units(left, right, place):
            return True
        if self.names_others(left, right, place):
            return True
        self.note_ids(left, right, place)
        for (_, column), (term, other) in ((left, right), (right, left)):
            words = self.types.words_of(column.column)
            if not words or other.words is None or other.words & words:
                continue
            if self.types.words_of(other.column):
                message = f"`{column.column}` and `{other.column}` have no word in common"
                self.found.error("word", message, place)
            else:
                self._misspell(column.column, words, term, other, place)
            return True
        if lvalue.element is not None and rvalue.element is not None:
            return self._has_impossible_members((lterm, lvalue.element), (rterm, rvalue.element), place)
        return False

    def _has_impossible_members(
        self, left: tuple[Term, ValueType], right: tuple[Term, ValueType], place: Place
    ) -> bool:
        """Note words in a list that an enumeration does not have, where all members of the other are of that one."""
        for (_, column), (term, other) in ((left, right), (right, left)):
            words = self.types.words_of(column.column)
            if words and column.words == words and other.words and not other.words & words:
                self._misspell(column.column, words, term, other, place)
                return True
        return False

    def names_others(self, left: tuple[Term, ValueType], right: tuple[Term, ValueType], place: Place) -> bool:
        """Note ids of records of two types that are compared."""
        (lterm, lvalue), (rterm, rvalue) = left, right
        if are_of_one_record(lvalue, rvalue):
            return False
        message = (
            f"`{written(lterm)}` is the id of a record of {lvalue.names} and `{written(rterm)}` of {rvalue.names}: "
            "they are never the same"
        )
        self.found.error("identifier", message, place)
        return True

    def note_ids(self, left: tuple[Term, ValueType], right: tuple[Term, ValueType], place: Place) -> None:
        """Note the texts that are compared with the id of a record."""
        for (_, named), (term, other) in ((left, right), (right, left)):
            if named.names and named.words is None and other.words:
                where = term.place if isinstance(term, Literal) else other.origin or place
                self.written_ids |= {(named.names, word, where): None for word in other.words if isinstance(word, str)}

    def _misspell(self, column: str, words: frozenset[object], term: Term, other: ValueType, place: Place) -> None:
        """Note a word that an enumeration does not have, where the word was written."""
        wrong = min(map(str, other.words or ()))
        message, hint = f'`{column}` is never "{wrong}"', did_you_mean(wrong, sorted(map(str, words)))
        if isinstance(term, Literal):
            self.found.error("word", message, term.place, hint)
        elif other.origin is not None:
            self.misspelt[other.origin] = f"{message}, and is compared with it at {place}", hint
            self.found.error("word", self.misspelt[other.origin][0], other.origin, hint)
        else:
            self.found.error("word", message, place, hint)

    def hand_on(self, value: Value, known: Value) -> None:
        """Note a word that was handed to a rule and is as wrong as one that was handed to it elsewhere."""
        if isinstance(value, ValueType) and isinstance(known, ValueType) and value.origin and known.origin:
            wrong = self.misspelt.get(known.origin)
            if wrong is not None:
                self.misspelt[value.origin] = wrong
                self.found.error("word", wrong[0], value.origin, wrong[1])
            if known.origin in self.unfit:
                self.unfit.setdefault(value.origin, self.unfit[known.origin])

    def mixes_units(self, left: tuple[Term, ValueType], right: tuple[Term, ValueType], place: Place) -> bool:
        """Note values that are compared although they do not count the same."""
        message, hint = wrong_comparison(left, right)
        if message:
            self.found.error("units", message, place, hint)
        elif plain := plain_instant(left, right):
            self.found.warning("units", plain, place, TIMES_HINT)
        return bool(message)

    def _differ(self, left: tuple[Term, ValueType], right: tuple[Term, ValueType]) -> str:
        (lterm, lvalue), (rterm, rvalue) = left, right
        if isinstance(lterm, Literal) or (not isinstance(rterm, Literal) and lvalue.words and len(lvalue.words) == 1):
            (lterm, lvalue), (rterm, rvalue) = (rterm, rvalue), (lterm, lvalue)
        if rvalue.words is not None and len(rvalue.words) == 1:
            return f'`{written(lterm)}` is never "{next(iter(rvalue.words))}" here'
        return f"`{written(lterm)}` and `{written(rterm)}` are never equal here"

    def as_class(self, term: Term, value: ValueType, name: str) -> ValueType | None:
        """The value, once it is known to be of a class; None where it cannot be."""
        if value.name == name and not value.is_optional and name not in self.types.stem_names:
            return value  # what has no sibling answers for itself alone
        self.asked |= self._asking.membership(value.name, name)
        if value.name == name and not value.is_optional:
            return value
        union = self.rules.unions.get(name)
        found: ValueType | None
        if value.name == "nil":
            found = None
        elif union is not None:
            self.asked |= self._asking.union(value.name)
            found = value.present() if not value.name or value.name in union else None
        elif name not in self.types.classes:
            found = value.present()
        else:
            found = both(value.present(), of_class(name), self.types)
        if found is None:
            self.why = f"`{written(term)}` is {value}, never {name}"
        return found


def class_named_back(name: str) -> str:
    """What a type is called in a pattern."""
    return {"str": "String", "int": "Integer", "bool": "Boolean", "float": "Float"}.get(name, name or "…")
