"""What a change of policies may let through, read off the rules: the other half of the access diff.

The diff decides the questions that its facts can ask. A rule that no such question comes near could say anything. So
the rules of two bundles are compared as they are written, and each difference that may allow more is told apart: the
diff then says for which of them it saw an effect, and for which it cannot tell.

Rules it keeps. A difference that can only deny more is no loosening: a condition more, a rule less, a requirement
more. Under a negation it is the other way round. What is written in other words with the same sense is no difference:
comments, the order of rules and conditions, the names of variables and of helpers. Where it cannot be seen, a
difference counts as a loosening.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.model.parameters import Parameters
from sealauthz.polar import Source
from sealauthz.polar.parse import parse
from sealauthz.polar.program import Clause, Key, Program, program_of
from sealauthz.polar.syntax import And, Attribute, Call, Literal, Not, Or, Parameter, Place, TypePattern, Variable
from sealauthz.polar.unparse import written_head


class LooseningKind(StrEnum):
    """In what way the rules of the new bundle may allow more."""

    ADDED = "ADDED"
    """A rule that only the new bundle has, or that has fewer conditions there."""
    DROPPED = "DROPPED"
    """A rule that only the old bundle has, and that kept something from being allowed: a requirement, say."""
    ACTION = "ACTION"
    """An action that only the new bundle has."""
    PARAMETER = "PARAMETER"
    """Another value of a parameter: whether more or less is allowed, nothing but questions can tell."""
    OBLIGATION = "OBLIGATION"
    """An obligation that only the old bundle has."""


Sign = tuple[Any, ...]
"""What an effect of a loosening is recognised by."""


@dataclass(frozen=True, slots=True)
class Loosening:
    """One change that may allow more. `place` is that of the rule, in the old bundle where it was dropped.

    `words` names what is changed: the rule, and what its head says of action, type and requirement. `digest` changes
    with everything that the rule says or calls, so that what was acknowledged once is not something else later.
    """

    kind: LooseningKind
    words: tuple[str, ...]
    text: str
    place: Place | None
    digest: str
    sign: Sign = field(compare=False)


def proved_sign(side: str, file: str, line: int) -> Sign:
    """The sign of a rule that was proved: on the side `OLD` or `NEW`, where it stands."""
    return ("proved", side, file, line)


@dataclass(frozen=True, slots=True)
class RuleChanges:
    """In what the rules of two bundles differ.

    `concerned` are the actions, each with its type, that the bundles could decide differently for some facts.
    """

    loosenings: tuple[Loosening, ...] = ()
    concerned: frozenset[tuple[str, str]] = frozenset()


def changes_of(old: Bundle, new: Bundle) -> RuleChanges:
    """Compare the rules and parameters of two bundles; the loosenings are in the order of the files."""
    sides = ((each.sources, each.parameters, tuple(each.rulebook.requirements.items())) for each in (old, new))
    return _changes(*sides)


_Read = tuple[tuple[Source, ...], Parameters, tuple[tuple[tuple[str, str], tuple[str, ...]], ...]]
"""What is read of a bundle: its sources, its parameters, and the checklist of each action."""


@lru_cache(maxsize=64)
def _changes(old: _Read, new: _Read) -> RuleChanges:
    compared = _Compared(old, new)
    found = dict.fromkeys((*compared.rules(), *compared.obligations(), *compared.parameters()))
    return RuleChanges(tuple(sorted(found, key=_order)), compared.concerned())


def _order(loosening: Loosening) -> tuple[Any, ...]:
    place = loosening.place
    return (
        place is None,
        *((place.file, place.line, place.column) if place is not None else ("", 0, 0)),
        loosening.words,
    )


# --- programs -------------------------------------------------------------------------------------------------------

_ALLOW: Key = ("allow", 4)
_BLOCK_RULES = ("has_permission", "has_role", "has_relation")
_NEEDS: Mapping[Key, tuple[int, int, int]] = {
    ("requires", 3): (0, 1, 2),
    ("meets", 5): (2, 3, 1),
    ("waived", 4): (1, 2, 0),
}
"""Where the head of a rule names action, type and requirement."""
_OBLIGATION: Key = ("obligation", 5)
_FIXED = frozenset(
    {*_NEEDS, _OBLIGATION, _ALLOW, ("visible", 3), ("settled", 5), *((name, 3) for name in _BLOCK_RULES)}
)
"""Rules that are asked for by name, so that one of another name is no match."""

Need = tuple[str, str, str]
"""An action, a type and a requirement; one that a head leaves open is empty."""


@lru_cache(maxsize=16)
def _program(sources: tuple[Source, ...]) -> Program:
    return program_of(node for source in sources for node in parse(source))


@lru_cache(maxsize=16)
def _forms(sources: tuple[Source, ...]) -> Mapping[int, _Form]:
    """What each clause of a program says, by the clause's identity; the program is kept as long as this is."""
    program = _program(sources)
    return {id(clause): _form_of(clause, program.unions) for some in program.clauses.values() for clause in some}


@dataclass(frozen=True, slots=True)
class _Form:
    """What a clause says whatever its variables are called, but for the rules that it calls, which stand apart."""

    said: str
    calls: tuple[Key, ...]
    signed_calls: tuple[tuple[Key, bool, str | None], ...]
    """Each call, whether it is under a negation, and the word of a permission, role or relation that it asks for."""
    parameters: frozenset[str]
    """The names of the parameters of the bundle that it reads."""


def _form_of(clause: Clause, unions: Mapping[str, frozenset[str]]) -> _Form:
    names: dict[str, int] = {}
    calls: list[Key] = []
    head = _said(clause.parameters, names, calls)
    goals = [_said(goal, names, calls) for goal in sorted(clause.goals, key=_blank)]
    # A block more makes `Resource` a type wider, wherever it is asked for.
    wide = [
        sorted(unions[name]) for name in sorted(set(_type_names((clause.parameters, clause.goals))) & unions.keys())
    ]
    signed = tuple(call for goal in clause.goals for call in _signed_calls(goal, False))
    return _Form(repr((head, goals, wide)), tuple(calls), signed, frozenset(_parameters(clause.goals)))


def _blank(term: object) -> str:
    """What a condition says whatever the names in it: an order that does not depend on how it is written."""
    return repr(_said(term, None, []))


def _said(value: object, names: dict[str, int] | None, calls: list[Key]) -> object:
    match value:
        case Place():
            return None
        case Variable(name, _):
            if name in {"_", "nil"} or name[:1].isupper():
                return ("name", name)
            return "variable" if names is None else ("variable", names.setdefault(name, len(names)))
        case Literal(said, _):
            return (type(said).__name__, said)
        case Call(name, arguments, _):
            key = (name, len(arguments))
            calls.append(key)
            return ("call", name if key in _FIXED else len(arguments), _said(arguments, names, calls))
        case And(parts, _) | Or(parts, _):
            return (type(value).__name__, [_said(part, names, calls) for part in sorted(parts, key=_blank)])
        case tuple():
            return [_said(part, names, calls) for part in value]
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return (type(value).__name__, *(_said(getattr(value, each.name), names, calls) for each in fields))
    return value


def _signed_calls(term: object, is_negated: bool) -> Iterator[tuple[Key, bool, str | None]]:
    match term:
        case Call(name, arguments, _):
            word = arguments[1] if name in _BLOCK_RULES and len(arguments) == 3 else None
            said = word.value if isinstance(word, Literal) and isinstance(word.value, str) else None
            yield (name, len(arguments)), is_negated, said
        case Not(inner, _):
            yield from _signed_calls(inner, not is_negated)
        case And(parts, _) | Or(parts, _):
            for part in parts:
                yield from _signed_calls(part, is_negated)
        case _:
            pass


def _type_names(value: object) -> Iterator[str]:
    if isinstance(value, TypePattern):
        yield value.name
    for part in _parts(value):
        yield from _type_names(part)


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        yield from value
    elif dataclasses.is_dataclass(value) and not isinstance(value, Place):
        for each in dataclasses.fields(value):
            yield getattr(value, each.name)


def _parameters(value: object) -> Iterator[str]:
    """The parameters of the bundle that conditions read, as in `context.parameters.face_for_use`."""
    if isinstance(value, Attribute) and isinstance(value.base, Attribute) and value.base.name == "parameters":
        yield value.name
    for part in _parts(value):
        yield from _parameters(part)


def _placeless(value: object) -> object:
    """What something says word for word, names and all."""
    if isinstance(value, Place):
        return None
    if isinstance(value, Literal):
        return (type(value.value).__name__, value.value)
    if isinstance(value, tuple):
        return tuple(map(_placeless, value))
    if dataclasses.is_dataclass(value):
        return (type(value).__name__, *(_placeless(getattr(value, each.name)) for each in dataclasses.fields(value)))
    return value


def _words_of(clause: Clause) -> tuple[Counter[object], object]:
    return Counter(_placeless(goal) for goal in clause.goals), _placeless(clause.parameters)


def _says_less(one: Clause, other: Clause) -> bool:
    """Whether a clause has the head of another and no condition that the other lacks, so that it holds more often."""
    mine, head = _words_of(one)
    theirs, other_head = _words_of(other)
    return head == other_head and mine <= theirs


# --- comparing ------------------------------------------------------------------------------------------------------

OLD, NEW = "OLD", "NEW"


class _Side:
    """The rules of one bundle."""

    def __init__(self, name: str, read: _Read) -> None:
        sources, self.parameters, requirements = read
        self.name = name
        self.clauses = _program(sources).clauses
        self._forms = _forms(sources)
        self.actions = frozenset(key for key, _ in requirements)
        self.needs = frozenset((*key, requirement) for key, listed in requirements for requirement in listed)

    def form(self, clause: Clause) -> _Form:
        return self._forms[id(clause)]

    def digest(self, clause: Clause) -> str:
        """A digest of a clause and of everything below it."""
        said: set[str] = set()
        waiting, seen = [clause], set[Key]()
        while waiting:
            each = waiting.pop()
            said.add(repr((each.name, _placeless(each.parameters), _placeless(each.goals))))
            for called in self.form(each).calls:
                if called not in seen:
                    seen.add(called)
                    waiting.extend(self.clauses.get(called, ()))
        return _digest(sorted(said))


def _digest(what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:8]


def need_of(clause: Clause) -> Need | None:
    """The action, type and requirement that the head of a contract's rule names; None for another rule."""
    at = _NEEDS.get((clause.name, len(clause.parameters)))
    if at is None:
        return None
    action, type_, requirement = at
    parameters = clause.parameters
    return _literal(parameters[action]), _type(parameters[type_]), _literal(parameters[requirement])


def _literal(parameter: Parameter) -> str:
    term = parameter.term
    return term.value if isinstance(term, Literal) and isinstance(term.value, str) else ""


def _type(parameter: Parameter) -> str:
    return parameter.pattern.name if isinstance(parameter.pattern, TypePattern) else ""


Node = tuple[Key, str | None]
"""A rule; of permissions, roles and relations those of one word, None for all."""


class _Compared:
    """Two bundles side by side."""

    def __init__(self, old: _Read, new: _Read) -> None:
        self._old, self._new = _Side(OLD, old), _Side(NEW, new)
        self._colours = self._coloured()
        colours: dict[str, set[int]] = defaultdict(set)
        for (side, _), colour in self._colours.items():
            colours[side].add(colour)
        self._shared = frozenset(colours[OLD] & colours[NEW])

    def _coloured(self) -> dict[tuple[str, Key], int]:
        """Give rules of both bundles the same colour exactly where they say the same, whatever they are called.

        Rules that call each other in a circle keep the same colour until something tells them apart.
        """
        sides = (self._old, self._new)
        keys = [(side, key) for side in sides for key in side.clauses]
        known: dict[object, int] = {}
        colours = {
            (side.name, key): known.setdefault(key if key in _FIXED else key[1], len(known)) for side, key in keys
        }
        count = 0
        while count != len(set(colours.values())):
            count = len(set(colours.values()))
            known = {}
            fresh: dict[tuple[str, Key], int] = {}
            for side, key in keys:
                rules = frozenset(
                    (form.said, tuple(colours.get((side.name, called), -1) for called in form.calls))
                    for form in map(side.form, side.clauses[key])
                )
                fresh[side.name, key] = known.setdefault((colours[side.name, key], rules), len(known))
            colours = fresh
        return colours

    def _token(self, side: _Side, key: Key) -> object:
        """What a call of a rule says: the same for a rule that the other bundle has, too, under whatever name."""
        colour = self._colours.get((side.name, key))
        return colour if colour in self._shared else key

    def _shallow(self, side: _Side, clause: Clause) -> object:
        form = side.form(clause)
        return form.said, tuple(self._token(side, called) for called in form.calls)

    def _parted(self, key: Key) -> tuple[list[Clause], list[Clause], list[tuple[Clause, Clause]]]:
        """The clauses of a rule that only the old bundle has, those that only the new one has, and what both have."""
        before = {self._shallow(self._old, clause): clause for clause in self._old.clauses.get(key, ())}
        after = {self._shallow(self._new, clause): clause for clause in self._new.clauses.get(key, ())}
        gone = [clause for said, clause in before.items() if said not in after]
        extra = [clause for said, clause in after.items() if said not in before]
        return gone, extra, [(clause, after[said]) for said, clause in before.items() if said in after]

    # --- what may allow more ---------------------------------------------------------------------------------------

    def rules(self) -> Iterator[Loosening]:
        """Follow the calls from `allow` through what both bundles have, and tell where they part."""
        for action, type_ in sorted(self._new.actions - self._old.actions):
            said = f"`{action}` on {type_} is a new action"
            words = ("action", action, type_)
            yield Loosening(LooseningKind.ACTION, words, said, None, _digest(words), words)
        waiting: list[tuple[Node, bool]] = [((_ALLOW, None), False)]
        seen: set[tuple[Node, bool]] = set()
        while waiting:
            (key, word), is_negated = entry = waiting.pop()
            if entry in seen:
                continue
            seen.add(entry)
            gone, extra, both = self._parted(key)
            gone = [clause for clause in gone if self._counts(clause, word)]
            extra = [clause for clause in extra if self._counts(clause, word)]
            both = [pair for pair in both if self._counts(pair[0], word)]
            if key[0] == "requires":
                # Of one requirement more `allow` only asks more; that there is one at all comes with a new action.
                extra, gone = [], gone if is_negated else []
            if not is_negated:
                for clause in extra:
                    weaker = [other for other in gone if _says_less(other, clause)]
                    if not weaker:
                        yield self._loosening(LooseningKind.ADDED, self._new, clause)
                    both += [(other, clause) for other in weaker]
            else:
                for clause in gone:
                    weaker = [other for other in extra if _says_less(other, clause)]
                    if not weaker:
                        yield self._loosening(LooseningKind.DROPPED, self._old, clause)
                    both += [(clause, other) for other in weaker]
            for before, after in both:
                for side, clause in ((self._old, before), (self._new, after)):
                    for called, flips, said_word in side.form(clause).signed_calls:
                        # A rule of the same sense in both bundles holds no difference, nor does anything below it.
                        if self._colours.get((OLD, called)) != self._colours.get((NEW, called)):
                            waiting.append(((called, said_word), is_negated != flips))

    def _counts(self, clause: Clause, word: str | None) -> bool:
        """Whether a clause can be asked for by both bundles: with the word, and about an action that both have."""
        if word is not None and clause.name in _BLOCK_RULES and _literal(clause.parameters[1]) not in ("", word):
            return False
        need = need_of(clause)
        if need is None:
            return True
        action, type_, _ = need
        if not action:
            return True
        if clause.name == "requires":
            # What a new action requires, or one that is gone required, is no difference of an action.
            return (action, type_) in self._old.actions & self._new.actions
        # What settles a requirement that is new is part of the tightening.
        return need in self._old.needs & self._new.needs

    def _loosening(self, kind: LooseningKind, side: _Side, clause: Clause) -> Loosening:
        need = need_of(clause)
        sign: Sign = proved_sign(side.name, clause.place.file, clause.place.line)
        if need is not None:
            words: tuple[str, ...] = (clause.name, *filter(None, need))
            if clause.name == "requires":
                sign = ("requires", *need)
        else:
            literals = [_literal(parameter) for parameter in clause.parameters]
            types = [_type(parameter) for parameter in clause.parameters[-2:]]
            words = (clause.name, *filter(None, (*literals, *types[: len(types) if clause.name == "visible" else 0])))
            if clause.name in _BLOCK_RULES:
                words = (*words, *filter(None, [types[-1]]))
        return Loosening(
            kind, words, written_head(clause.name, clause.parameters), clause.place, side.digest(clause), sign
        )

    def obligations(self) -> Iterator[Loosening]:
        """What an allow obliges to in the old bundle, and not, or under more conditions, in the new one."""
        gone, extra, _ = self._parted(_OBLIGATION)
        for clause in gone:
            action, type_, code = (
                _literal(clause.parameters[1]),
                _type(clause.parameters[2]),
                _literal(clause.parameters[4]),
            )
            if (action, type_) not in self._new.actions or any(_says_less(other, clause) for other in extra):
                continue
            sign = ("obligation", action, type_, code)
            text = written_head(clause.name, clause.parameters)
            words = ("obligation", action, type_, code)
            digest = self._old.digest(clause)
            yield Loosening(LooseningKind.OBLIGATION, words, text, clause.place, digest, sign)

    def parameters(self) -> Iterator[Loosening]:
        """The parameters that have other values, of those that `allow` or anything below it reads."""
        changed = self._changed_parameters()
        if not changed:
            return
        read: set[str] = set()
        for side in (self._old, self._new):
            for key in _below(side, [_ALLOW]):
                for clause in side.clauses.get(key, ()):
                    read |= side.form(clause).parameters
        for name, (before, after) in changed.items():
            if name in read:
                said = f"{name} has another value"
                words = ("parameter", name)
                digest = _digest((name, before, after))
                yield Loosening(LooseningKind.PARAMETER, words, said, None, digest, words)

    def _changed_parameters(self) -> dict[str, tuple[Any, Any]]:
        before, after = self._old.parameters, self._new.parameters
        values = {
            each.name: (getattr(before, each.name), getattr(after, each.name)) for each in dataclasses.fields(before)
        }
        return {name: both for name, both in values.items() if both[0] != both[1]}

    # --- which actions -----------------------------------------------------------------------------------------------

    def concerned(self) -> frozenset[tuple[str, str]]:
        """The actions of which anything differs that an answer depends on."""
        changed = frozenset(self._changed_parameters())
        found = set(self._old.actions ^ self._new.actions)
        heads: tuple[tuple[Key, int | None, int], ...] = (
            (("requires", 3), 0, 1),
            (("meets", 5), 2, 3),
            (("waived", 4), 1, 2),
            (_OBLIGATION, 1, 2),
            (("has_permission", 3), 1, 2),
            (("visible", 3), None, 1),
        )
        for key, action_at, type_at in heads:
            for side, other in ((self._old, self._new), (self._new, self._old)):
                there = {self._deep(other, clause) for clause in other.clauses.get(key, ())}
                for clause in side.clauses.get(key, ()):
                    if self._deep(side, clause) in there and not (changed and changed & self._read_by(side, clause)):
                        continue
                    action = _literal(clause.parameters[action_at]) if action_at is not None else ""
                    type_ = _type(clause.parameters[type_at])
                    found |= {
                        known
                        for known in self._old.actions | self._new.actions
                        if action in ("", known[0]) and type_ in ("", "Resource", known[1])
                    }
        return frozenset(found)

    def _deep(self, side: _Side, clause: Clause) -> object:
        form = side.form(clause)
        return form.said, tuple(self._colours.get((side.name, called), -1) for called in form.calls)

    def _read_by(self, side: _Side, clause: Clause) -> frozenset[str]:
        form = side.form(clause)
        below = (each for key in _below(side, form.calls) for each in side.clauses.get(key, ()))
        return form.parameters.union(*(side.form(each).parameters for each in below))


def _below(side: _Side, keys: Iterable[Key]) -> set[Key]:
    """These rules and all that they call, directly or not."""
    waiting, found = list(keys), set[Key]()
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += [called for clause in side.clauses.get(key, ()) for called in side.form(clause).calls]
    return found
