"""Compares the rules of two bundles, and finds where the new one may allow more."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.polar.program import Clause, Key
from sealauthz.polar.syntax import Place
from sealauthz.polar.terms import placeless
from sealauthz.polar.unparse import written_head
from sealauthz.policytools.diff.clauses import (
    ALLOW,
    ANY_PARAMETER,
    BLOCK_RULES,
    FIXED,
    LAPSES,
    OBLIGATION,
    WAIVED,
    ClauseForm,
    RuleText,
    forms_of,
    literal_of,
    need_of,
    program_of_text,
    says_less,
    type_of,
)
from sealauthz.policytools.diff.loosening import (
    NEW,
    OLD,
    ChangedRule,
    Loosening,
    LooseningKind,
    RuleChanges,
    RuleDifference,
    Sign,
    WrittenRule,
    proved_sign,
)

BundleText = tuple[RuleText, Any, tuple[tuple[tuple[str, str], tuple[str, ...]], ...]]
"""What is read of a bundle: its rules, its parameters, and the checklist of each action."""


class RuleSet:
    """The rules of one bundle."""

    def __init__(self, name: str, read: BundleText) -> None:
        text, self.parameters, requirements = read
        self.name = name
        self.clauses = program_of_text(text).clauses
        self._forms = forms_of(text)
        self.actions = frozenset(key for key, _ in requirements)
        self.needs = frozenset((*key, requirement) for key, listed in requirements for requirement in listed)

    def form(self, clause: Clause) -> ClauseForm:
        """Return what a clause says."""
        return self._forms[id(clause)]

    def digest(self, clause: Clause) -> str:
        """A digest of a clause and of everything below it."""
        said: set[str] = set()
        waiting, seen = [clause], set[Key]()
        while waiting:
            each = waiting.pop()
            said.add(repr((each.name, placeless(each.parameters), placeless(each.goals))))
            for called in self.form(each).calls:
                if called not in seen:
                    seen.add(called)
                    waiting.extend(self.clauses.get(called, ()))
        return _digest_of(sorted(said))


def _digest_of(what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:8]


_CONTRACT: tuple[Key, ...] = (ALLOW, ("settled", 5), ("unmet", 5))
"""The rules that ask for those below."""

_DECIDING: Mapping[Key, tuple[int | None, int | None]] = {
    ("visible", 3): (None, 1),
    ("requires", 3): (0, 1),
    ("meets", 5): (2, 3),
    (WAIVED, 4): (1, 2),
    ("has_permission", 3): (1, 2),
    OBLIGATION: (1, 2),
    ("obligation_parameter", 7): (4, 5),
    LAPSES: (1, 2),
}
"""The rules by which a question is allowed, and on which conditions: where their heads name action and type."""

_TELLING: Mapping[Key, tuple[int | None, int | None]] = {
    ("because", 5): (None, 3),
    ("has_standing", 3): (None, 1),
    ("otherwise", 2): (None, None),
    ("reason", 4): (None, None),
}
"""The rules by which the reasons of a deny are found and ordered. What next steps carry is not compared."""

Node = tuple[Key, str | None]
"""A rule; of permissions, roles and relations those of one word, None for all."""


class RuleComparison:
    """Two bundles side by side."""

    def __init__(self, old: BundleText, new: BundleText) -> None:
        self._old, self._new = RuleSet(OLD, old), RuleSet(NEW, new)
        self._colours = self._coloured()
        colours: dict[str, set[int]] = defaultdict(set)
        for (side, _), colour in self._colours.items():
            colours[side].add(colour)
        self._shared = frozenset(colours[OLD] & colours[NEW])
        self._types = frozenset(type_ for _, type_ in self._old.actions | self._new.actions)

    def _coloured(self) -> dict[tuple[str, Key], int]:
        """Give rules of both bundles the same colour exactly where they say the same, whatever they are called.

        Rules that call each other in a circle keep the same colour until something tells them apart.
        """
        sides = (self._old, self._new)
        keys = [(side, key) for side in sides for key in side.clauses]
        known: dict[object, int] = {}
        colours = {
            (side.name, key): known.setdefault(key if key in FIXED else key[1], len(known)) for side, key in keys
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

    def _token(self, side: RuleSet, key: Key) -> object:
        """What a call of a rule says: the same for a rule that the other bundle has, too, under whatever name."""
        colour = self._colours.get((side.name, key))
        return colour if colour in self._shared else key

    def _shallow(self, side: RuleSet, clause: Clause) -> object:
        form = side.form(clause)
        return form.said, tuple(self._token(side, called) for called in form.calls)

    def parted(self, key: Key) -> tuple[list[Clause], list[Clause], list[tuple[Clause, Clause]]]:
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
            yield Loosening(LooseningKind.ACTION, words, said, None, _digest_of(words), words)
        waiting: list[tuple[Node, bool, bool]] = [((ALLOW, None), False, False)]
        seen: set[tuple[Node, bool, bool]] = set()
        while waiting:
            (key, word), is_negated, is_waiving = entry = waiting.pop()
            if entry in seen:
                continue
            seen.add(entry)
            gone, extra, both = self.parted(key)
            gone = [clause for clause in gone if self._counts(clause, word)]
            extra = [clause for clause in extra if self._counts(clause, word)]
            both = [pair for pair in both if self._counts(pair[0], word)]
            is_waiving = is_waiving or key[0] == WAIVED
            if key[0] == "requires":
                # Of one requirement more `allow` only asks more; that there is one at all comes with a new action.
                extra, gone = [], gone if is_negated else []
            if not is_negated:
                for clause in extra:
                    weaker = [other for other in gone if says_less(other, clause)]
                    if not weaker:
                        yield self._loosening(LooseningKind.ADDED, self._new, clause, is_waiving)
                    both += [(other, clause) for other in weaker]
            else:
                for clause in gone:
                    weaker = [other for other in extra if says_less(other, clause)]
                    if not weaker:
                        yield self._loosening(LooseningKind.DROPPED, self._old, clause, is_waiving)
                    both += [(clause, other) for other in weaker]
            for before, after in both:
                for side, clause in ((self._old, before), (self._new, after)):
                    for called, flips, said_word in side.form(clause).signed_calls:
                        # A rule of the same sense in both bundles holds no difference, nor does anything below it.
                        if self._colours.get((OLD, called)) != self._colours.get((NEW, called)):
                            waiting.append(((called, said_word), is_negated != flips, is_waiving))

    def _counts(self, clause: Clause, word: str | None) -> bool:
        """Whether a clause can be asked for by both bundles: with the word, and about an action that both have."""
        if word is not None and clause.name in BLOCK_RULES and literal_of(clause.parameters[1]) not in ("", word):
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

    def _loosening(self, kind: LooseningKind, side: RuleSet, clause: Clause, is_waiving: bool) -> Loosening:
        need = need_of(clause)
        sign: Sign = proved_sign(side.name, clause.place.file, clause.place.line)
        if need is not None and clause.name == "requires":
            sign = ("requires", *need)
        text, words = written_head(clause.name, clause.parameters), words_of(clause)
        is_named = is_waiving or clause.name == "requires"
        return Loosening(kind, words, text, clause.place, side.digest(clause), sign, is_named)

    def obligations(self) -> Iterator[Loosening]:
        """What an allow obliges to in the old bundle, and not, or under more conditions, in the new one."""
        gone, extra, _ = self.parted(OBLIGATION)
        for clause in gone:
            action, type_, code = (
                literal_of(clause.parameters[1]),
                type_of(clause.parameters[2]),
                literal_of(clause.parameters[4]),
            )
            if (action, type_) not in self._new.actions or any(says_less(other, clause) for other in extra):
                continue
            sign = ("obligation", action, type_, code)
            text = written_head(clause.name, clause.parameters)
            words = ("obligation", action, type_, code)
            digest = self._old.digest(clause)
            yield Loosening(LooseningKind.OBLIGATION, words, text, clause.place, digest, sign)

    def lapses(self) -> Iterator[Loosening]:
        """What ends an allow in the old bundle, and not, or under more conditions, in the new one."""
        gone, extra, _ = self.parted(LAPSES)
        for clause in gone:
            action, type_ = literal_of(clause.parameters[1]), type_of(clause.parameters[2])
            is_left = not action or (action, type_) in self._new.actions
            if is_left and not any(says_less(other, clause) for other in extra):
                words = ("lapses", *filter(None, (action, type_)))
                text, digest = written_head(clause.name, clause.parameters), self._old.digest(clause)
                yield Loosening(LooseningKind.LAPSE, words, text, clause.place, digest, words)

    def parameters(self) -> Iterator[Loosening]:
        """The parameters that have other values, of those that `allow` or anything below it reads."""
        changed = self._changed_parameters()
        if not changed:
            return
        read: set[str] = set()
        for side in (self._old, self._new):
            for key in rules_below(side, [ALLOW]):
                for clause in side.clauses.get(key, ()):
                    read |= side.form(clause).parameters
        for name, (before, after) in changed.items():
            if name in read or ANY_PARAMETER in read:
                said = f"{name} has another value"
                words = ("parameter", name)
                digest = _digest_of((name, before, after))
                yield Loosening(LooseningKind.PARAMETER, words, said, None, digest, words)

    def _changed_parameters(self) -> dict[str, tuple[Any, Any]]:
        before, after = self._old.parameters, self._new.parameters
        values = {
            each.name: (getattr(before, each.name), getattr(after, each.name)) for each in dataclasses.fields(before)
        }
        return {name: both for name, both in values.items() if both[0] != both[1]}

    # --- which actions -----------------------------------------------------------------------------------------------

    def concerned(self) -> frozenset[tuple[str, str]]:
        """The actions of which anything differs that an answer depends on, but for the reasons of a deny."""
        if self._differ_in_contract():
            return self._old.actions | self._new.actions
        return (self._old.actions ^ self._new.actions) | self._differing(_DECIDING)

    def told(self) -> frozenset[tuple[str, str]]:
        """The actions of which anything differs that the reasons of a deny depend on, beside what decides."""
        return self._differing(_TELLING)

    def _differ_in_contract(self) -> bool:
        """Whether the bundles have other rules that ask for what their own rules say, as another version may."""
        asked = (
            [{(form.said, form.calls) for form in map(side.form, side.clauses.get(key, ()))} for key in _CONTRACT]
            for side in (self._old, self._new)
        )
        return next(asked) != next(asked)

    def _differing(self, heads: Mapping[Key, tuple[int | None, int | None]]) -> frozenset[tuple[str, str]]:
        """The actions that the clauses of these rules are about which not both bundles have, down to what they call."""
        changed = frozenset(self._changed_parameters())
        known = self._old.actions | self._new.actions
        found = set[tuple[str, str]]()
        for key, (action_at, type_at) in heads.items():
            for side, other in ((self._old, self._new), (self._new, self._old)):
                there = {self._deep(other, clause) for clause in other.clauses.get(key, ())}
                for clause in side.clauses.get(key, ()):
                    if self._deep(side, clause) in there and not (changed and self._reads(side, clause, changed)):
                        continue
                    action = literal_of(clause.parameters[action_at]) if action_at is not None else ""
                    type_ = type_of(clause.parameters[type_at]) if type_at is not None else ""
                    found |= {
                        each
                        for each in known
                        if action in ("", each[0]) and (type_ == each[1] or type_ not in self._types)
                    }
        return frozenset(found)

    def _deep(self, side: RuleSet, clause: Clause) -> object:
        form = side.form(clause)
        return form.said, tuple(self._colours.get((side.name, called), -1) for called in form.calls)

    def _reads(self, side: RuleSet, clause: Clause, names: frozenset[str]) -> bool:
        """Whether a clause, or anything that it calls, reads one of these parameters."""
        form = side.form(clause)
        below = (each for key in rules_below(side, form.calls) for each in side.clauses.get(key, ()))
        read = form.parameters.union(*(side.form(each).parameters for each in below))
        return bool(names & read) or ANY_PARAMETER in read

    # --- as they are written -----------------------------------------------------------------------------------------

    def differences(self, named: frozenset[tuple[str, Place]]) -> Iterator[RuleDifference]:
        """Return the rules that decisions depend on and that not both bundles have as they are written.

        `named` are the places of those that an approval must name, each with its bundle.
        """
        below = {key for side in (self._old, self._new) for key in rules_below(side, (ALLOW, OBLIGATION, LAPSES))}
        for key in sorted(below):
            gone, extra, _ = self.parted(key)
            if key not in FIXED:
                # What the other bundle has under another name is in both.
                gone = gone if self._token(self._old, key) == key else []
                extra = extra if self._token(self._new, key) == key else []
            for words in dict.fromkeys(map(words_of, (*gone, *extra))):
                before = [clause for clause in gone if words_of(clause) == words]
                after = [clause for clause in extra if words_of(clause) == words]
                for old, new in itertools.zip_longest(before, after):
                    change = ChangedRule.ADDED if old is None else ChangedRule.DROPPED if new is None else None
                    is_named = (old is not None and (OLD, old.place) in named) or (
                        new is not None and (NEW, new.place) in named
                    )
                    yield RuleDifference(
                        change or ChangedRule.CHANGED, words, _written(old), _written(new), is_named=is_named
                    )


def _written(clause: Clause | None) -> WrittenRule | None:
    return None if clause is None else WrittenRule(written_head(clause.name, clause.parameters), clause.place)


def words_of(clause: Clause) -> tuple[str, ...]:
    """Name a rule by its own name and by what its head says of action, type and requirement."""
    need = need_of(clause)
    if need is not None:
        return (clause.name, *filter(None, need))
    literals = [literal_of(parameter) for parameter in clause.parameters]
    types = [type_of(parameter) for parameter in clause.parameters[-2:]]
    words = (clause.name, *filter(None, (*literals, *types[: len(types) if clause.name == "visible" else 0])))
    return (*words, *filter(None, [types[-1]])) if clause.name in BLOCK_RULES else words


def rules_below(side: RuleSet, keys: Iterable[Key]) -> set[Key]:
    """These rules and all that they call, directly or not."""
    waiting, found = list(keys), set[Key]()
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += [called for clause in side.clauses.get(key, ()) for called in side.form(clause).calls]
    return found


def changes_of(old: Bundle, new: Bundle) -> RuleChanges:
    """Compare the rules and parameters of two bundles; the loosenings are in the order of the files."""
    sides = (
        (RuleText(each.sources, each.read_statements), each.parameters, tuple(each.rulebook.requirements.items()))
        for each in (old, new)
    )
    return _changes(*sides)


@lru_cache(maxsize=8)  # several sets of facts are compared under the same two bundles
def _changes(old: BundleText, new: BundleText) -> RuleChanges:
    compared = RuleComparison(old, new)
    found: dict[Loosening, Loosening] = {}
    for each in (*compared.rules(), *compared.obligations(), *compared.lapses(), *compared.parameters()):
        # What is reached through a waiver and otherwise, too, is named.
        if each not in found or each.is_named:
            found[each] = each
    named = frozenset(
        (OLD if each.kind is LooseningKind.DROPPED else NEW, each.place)
        for each in found.values()
        if each.is_named and each.place is not None
    )
    differences = sorted(compared.differences(named), key=_rank)
    loosenings = tuple(sorted(found.values(), key=_order))
    return RuleChanges(loosenings, compared.concerned(), compared.told(), tuple(differences))


_RANKS = {"requires": 0, WAIVED: 1, "meets": 2, "has_permission": 3}


def _rank(difference: RuleDifference) -> tuple[Any, ...]:
    """Sort what must be named first, then requirements, what settles them, permissions, and the rules below."""
    written = difference.new or difference.old
    place = (written.place.file, written.place.line, written.place.column) if written is not None else ()
    return not difference.is_named, _RANKS.get(difference.words[0], len(_RANKS)), place


def _order(loosening: Loosening) -> tuple[Any, ...]:
    place = loosening.place
    return (
        place is None,
        *((place.file, place.line, place.column) if place is not None else ("", 0, 0)),
        loosening.words,
    )
