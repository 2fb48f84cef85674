"""What may be said in an act: values of the keys of its context and of its arguments, from the facts and the tests."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.policytools.attack.acting import Refused
from sealauthz.policytools.attack.compared import NOTHING, comparisons
from sealauthz.policytools.attack.moves import ActMove, Asked, Value
from sealauthz.policytools.attack.views import Reads
from sealauthz.policytools.attack.world import World
from sealauthz.policytools.testing import form
from sealauthz.schema import FOREVER, UNLIMITED, Action, Column, Instant
from sealauthz.schema.arguments import Argument, arguments_of

DAY = 86_400_000_000
MOST_CONTEXTS = 200
"""How many contexts are tried of one act on one record."""
MOST_ARGUMENTS = 80
"""How many ways of carrying out one allowed act are tried."""
_FRESH = ("fresh", "fresh-too")
"""Texts that nothing has at first; where an act left the first behind, the second is the one that nothing has."""
_MOST_TEXTS = 8
_MOST_FITTING = 6
_MOST_NUMBERS = 8
_MOST_INSTANTS = 24
_MOST_PARTS = 4

Words = Mapping[tuple[str, str], tuple[str, ...]]
"""The texts that tests give in the context of acts, by action and key."""


def words_of_tests(files: Sequence[form.File]) -> Words:
    """Collect the texts that tests say in contexts."""
    found: dict[tuple[str, str], dict[str, None]] = {}

    def say(action: str, context: Mapping[str, str | int | bool | None] | None) -> None:
        for key, value in (context or {}).items():
            if isinstance(value, str):
                found.setdefault((action, key), {})[value] = None

    for test in (test for file in files for test in file.tests):
        match test:
            case form.Pair():
                say(test.action, test.context)
                say(test.action, test.but.context)
            case form.Case():
                say(test.action, test.context)
            case form.Matrix():
                for action in test.matrix.actions:
                    say(action, test.matrix.context)
            case form.Listing():
                say(test.action or "", test.context)
            case form.Story():
                for step in test.steps:
                    if step.ask is not None:
                        say(step.ask.action, step.ask.context)
    return {key: tuple(values) for key, values in found.items()}


@dataclass
class LeftOut:
    """What was not tried because there is too much of it."""

    contexts: int = 0
    arguments: int = 0


class Said:
    """Makes up what may be said in acts. What it leaves out it counts."""

    def __init__(self, bundle: Bundle, words: Words) -> None:
        self._model = bundle.model
        self.words = words
        self._compared = comparisons(bundle.statements)
        parameters = bundle.parameters
        self._numbers = {each.name: getattr(parameters, each.name) for each in fields(parameters)}
        self._provided = {each.key for each in self._model.provided.values()}
        self.left_out = LeftOut()
        self._places: dict[frozenset[str], tuple[tuple[str, str], ...]] = {}
        self._latest: tuple[World | None, Instant, str, str] = (None, 0, "", "")
        self._choices_of: dict[int, list[Any]] = {}
        """What may be said as each argument, in the world and by the action that were asked for last."""

    def reads(self, action: Action) -> Reads:
        """Return what may alter what is said in an act: the records that it may name, and what is held under the names
        of its arguments.
        """
        columns: set[tuple[str, str]] = set()
        types = {*self._model.subjects, action.resource, *action.records.values()}
        for key, record_type in action.records.items():
            if key in self._provided:
                columns |= {(record_type, each) for each in self._owners(record_type)}
        # The service that asks may be one that the record names.
        columns |= {
            (action.resource, each.name) for each in self._model.shapes[action.resource].columns if each.type is str
        }
        for name, column in _columns_in(action.arguments):
            if column.ref is not None:
                types.add(column.ref)
            elif column.type in (int, str) and not (column.words or column.is_instant):
                columns |= set(self._held_under(name))
        for key in action.plain:
            columns |= {*self._held_under(key), *self._instants_under(key)}
        return Reads(frozenset(columns), frozenset(types))

    def contexts(
        self, world: World, now: Instant, asked: Asked, free: frozenset[str], shown: frozenset[str] = frozenset()
    ) -> Iterator[Asked]:
        """Return an act with every context that may matter, the empty one first. Only keys of `free` are given; under
        those of `shown`, what somebody outside gave to other people too.
        """
        action = self._model.action(asked.action, asked.resource[0])
        keys = [key for key in action.keys if key in free]
        choices = [self._choices(world, now, action, key, asked.subject, is_shown=key in shown) for key in keys]
        for number, some in enumerate(itertools.product(*choices)):
            if number >= MOST_CONTEXTS:
                self.left_out.contexts += 1
                return
            context = tuple(pair for pair in some if pair is not None)
            yield Asked(asked.subject, asked.action, asked.resource, context, asked.caller)

    def _choices(
        self, world: World, now: Instant, action: Action, key: str, subject: str, *, is_shown: bool
    ) -> list[tuple[str, Value] | None]:
        record_type = action.records.get(key)
        if record_type is None:
            if key not in action.texts:
                some = [False, True] if action.keys[key] is bool else self._numbers_in_context(world, now, key)
                return [None, *((key, each) for each in some)]
            known = [each for each in self.words.get((action.name, key), ()) if not self._is_subject(world, each)]
            fitting = self._fitting(world, key)
            # Where rules compare it with what records hold, it is each of these, and none of them.
            known = [*fitting, *known, self._fresh(world, key)] if self._is_symbolic(key) else known or fitting
            return [None, *((key, each) for each in list(dict.fromkeys(known))[:_MOST_TEXTS])]
        if key in self._provided:
            # What somebody outside gives comes when it is asked for; what they gave before may be shown once more.
            own = self._own(world, record_type, subject)
            others = [each for each in world.ids(record_type) if each not in own] if is_shown else []
            return [None, *((key, each) for each in (*own, *others))]
        return [None, *((key, record_id) for record_id in world.ids(record_type))]

    def _own(self, world: World, record_type: str, subject: str) -> list[str]:
        """The records of a type that name a subject."""
        columns = self._owners(record_type)
        some = world.records.get(record_type, {})
        return [record_id for record_id, each in some.items() if subject in [getattr(each, name) for name in columns]]

    def _owners(self, record_type: str) -> list[str]:
        """The columns of a type that name subjects."""
        return [each.name for each in self._model.shapes[record_type].columns if each.ref in self._model.subjects]

    def _is_subject(self, world: World, text: str) -> bool:
        return any((name, text) in world for name in self._model.subjects)

    def ways(
        self,
        world: World,
        now: Instant,
        action: Action,
        carry_out: Callable[[Mapping[str, Any]], ActMove | Refused],
    ) -> Iterator[ActMove]:
        """Return the ways to carry out an allowed act: what a refusal names is said, or said otherwise."""
        declared = arguments_of(action.arguments)
        required = [each for each in declared.values() if each.is_required]
        waiting = deque((each, True) for each in self._with(world, now, action, {}, required))
        seen: set[str] = set()
        tried = 0
        while waiting:
            arguments, is_plain = waiting.popleft()
            key = repr(sorted(arguments.items(), key=lambda item: item[0]))
            if key in seen:
                continue
            if tried >= MOST_ARGUMENTS:
                self.left_out.arguments += 1
                return
            seen.add(key)
            tried += 1
            outcome = carry_out(arguments)
            if isinstance(outcome, ActMove):
                yield outcome
                for argument in declared.values():
                    if is_plain and argument.name not in arguments and _is_choice(argument):
                        waiting.extend((each, False) for each in self._with(world, now, action, arguments, [argument]))
                continue
            for violation in outcome.violations:
                name = violation.field.partition("[")[2].partition("]")[0]
                if not violation.field.startswith("arguments[") or name not in declared:
                    continue
                if name not in arguments:
                    waiting.extend(
                        (each, is_plain) for each in self._with(world, now, action, arguments, [declared[name]])
                    )
                elif _is_text(declared[name]) and arguments[name] not in _FRESH:
                    waiting.append(({**arguments, name: self._fresh(world, name)}, is_plain))
                elif _is_instant(declared[name]) and arguments[name] > now:
                    waiting.append(({**arguments, name: now - DAY}, is_plain))

    def _with(
        self, world: World, now: Instant, action: Action, arguments: Mapping[str, Any], more: Sequence[Argument]
    ) -> list[dict[str, Any]]:
        choices = [[(each.name, value) for value in self._values(world, now, action, each)] for each in more]
        return [{**arguments, **dict(some)} for some in itertools.islice(itertools.product(*choices), MOST_ARGUMENTS)]

    def _values(self, world: World, now: Instant, action: Action, argument: Argument) -> list[Any]:
        """What may be said as an argument: it is asked for many times for each act."""
        asked = (world, now, action.name, action.resource)
        if asked != self._latest:
            self._latest = asked
            self._choices_of = {}
        key = id(argument)  # there is one of each, as long as its class
        if key not in self._choices_of:
            self._choices_of[key] = self._values_now(world, now, action, argument)
        return self._choices_of[key]

    def _values_now(self, world: World, now: Instant, action: Action, argument: Argument) -> list[Any]:
        if argument.column is None:
            parts = [each for each in arguments_of(argument.parts).values() if each.is_required]
            some = self._with(world, now, action, {}, parts)[:_MOST_PARTS]
            return [[each] for each in some] if argument.is_many else list(some)
        values = self._of_column(world, now, action, argument.name, argument.column)
        return [[value] for value in values] if argument.is_many else values

    def _of_column(self, world: World, now: Instant, action: Action, name: str, column: Column) -> list[Any]:
        if column.words is not None:
            return [str(word) for word in column.words]
        if column.ref is not None:
            return world.ids(column.ref)
        if column.is_instant:
            return [now + DAY]
        if column.type is bool:
            return [True, False]
        if column.type is int:
            some = self._thresholds(world, name)[:_MOST_NUMBERS]
            return [*some, *([UNLIMITED] if column.default == UNLIMITED else [])]
        fitting, fresh = self._fitting(world, name), self._fresh(world, name)
        held = sorted(str(value) for value in self._held(world, {name, name.removesuffix("s")}) if value)
        if self._is_symbolic(name):
            return [*list(dict.fromkeys([*fitting, *held]))[: _MOST_TEXTS - 1], fresh]
        return list(dict.fromkeys([*held[:1], *fitting])) or [fresh]

    def _is_symbolic(self, name: str) -> bool:
        """Tell whether rules compare what is said under a name with what records hold: then all that counts is which of
        these it is.
        """
        return bool(self._columns(self._compared.get(name, NOTHING).names))

    def _fresh(self, world: World, name: str) -> str:
        """Return a text that no record holds under a name."""
        held = self._held(world, {name, name.removesuffix("s"), *self._compared.get(name, NOTHING).names})
        return next((each for each in _FRESH if each not in held), _FRESH[-1])

    def _numbers_in_context(self, world: World, now: Instant, name: str) -> list[int]:
        """The numbers that may matter in a context, and the instants: those that records hold under names with which
        rules compare it, and the present one, with the ones before and after.
        """
        names = self._compared.get(name, NOTHING).names
        instants = {
            getattr(each, c) for t, c in self._instants_under(name) for each in world.records.get(t, {}).values()
        }
        instants |= {now} if names & {each.name for each in fields(self._model.context)} else set()
        near = {each + step for each in instants if 0 < each < FOREVER for step in (-1, 0, 1)}
        return [*sorted(near)[:_MOST_INSTANTS], *self._thresholds(world, name)[:_MOST_NUMBERS]]

    def _instants_under(self, name: str) -> Iterator[tuple[str, str]]:
        """The columns of instants with which rules compare what is said under a name."""
        names = self._compared.get(name, NOTHING).names
        for record_type, shape in self._model.shapes.items():
            for column in shape.columns:
                if column.name in names and column.is_instant:
                    yield record_type, column.name

    def _thresholds(self, world: World, name: str) -> list[int]:
        """The numbers at which something may change: those that records hold under a name, those that rules compare
        with these, and of each the one before and the one after.
        """
        compared = self._compared.get(name, NOTHING)
        held = {
            each for each in self._held(world, {name, name.removesuffix("s"), *compared.names}) if type(each) is int
        }
        held |= {each for each in compared.values if isinstance(each, int)}
        held |= {self._numbers[each] for each in compared.names & self._numbers.keys()}
        near = {each + step for each in held if 0 <= each < UNLIMITED for step in (-1, 0, 1)}
        return sorted({each for each in near if each >= 0} | {1})

    def _fitting(self, world: World, name: str) -> list[str]:
        """Texts that rules compare with what is said under a name: in the rules, and in the records."""
        compared = self._compared.get(name, NOTHING)
        held = {str(each) for each in self._held(world, compared.names) if isinstance(each, str) and each}
        values = {each for each in compared.values if isinstance(each, str) and each}
        return [*sorted(held)[:_MOST_FITTING], *sorted(values - held)[:_MOST_TEXTS]]

    def _held(self, world: World, names: Collection[str]) -> set[Any]:
        """The values that records hold under some names."""
        found: set[Any] = set()
        for record_type, column in self._columns(names):
            found.update(getattr(record, column) for record in world.records.get(record_type, {}).values())
        found.discard(None)
        return found

    def _held_under(self, name: str) -> Sequence[tuple[str, str]]:
        """The columns whose values may be said under a name."""
        return self._columns({name, name.removesuffix("s"), *self._compared.get(name, NOTHING).names})

    def _columns(self, names: Collection[str]) -> Sequence[tuple[str, str]]:
        known = frozenset(names)
        if known not in self._places:
            self._places[known] = tuple(
                (record_type, column.name)
                for record_type, shape in self._model.shapes.items()
                for column in shape.columns
                if column.name in known and not column.is_instant and column.ref is None and column.name != "id"
            )
        return self._places[known]


def _is_text(argument: Argument) -> bool:
    """Whether an argument is any text."""
    column = argument.column
    return column is not None and not argument.is_many and column.type is str and not (column.words or column.ref)


def _is_instant(argument: Argument) -> bool:
    """Whether an argument is a time."""
    return argument.column is not None and not argument.is_many and argument.column.is_instant


def _is_choice(argument: Argument) -> bool:
    """Whether an argument that may be left out is tried by itself: one with few values that mean different things."""
    column = argument.column
    return column is not None and not argument.is_many and bool(column.words or column.ref or column.type is bool)


def _columns_in(arguments: type | None) -> Iterator[tuple[str, Column]]:
    """The columns that say the form of arguments, those of their parts among them."""
    for argument in arguments_of(arguments).values():
        if argument.column is None:
            yield from _columns_in(argument.parts)
        else:
            yield argument.name, argument.column
