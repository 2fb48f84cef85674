"""Reads written tests for a bundle: every name is looked up, and each test becomes questions with expected answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sealauthz.decision import Effect, Entity, Question
from sealauthz.decision.product_reasons import CONTEXT_NOT_FOUND, NOT_FOUND, UNKNOWN_ACTION, UNKNOWN_TYPE
from sealauthz.policytools.testing import form
from sealauthz.policytools.testing.fixtures import FactSet, length_of
from sealauthz.policytools.testing.library import Library, LoadedFile, plain
from sealauthz.policytools.testing.suite import Ask, Expectation, Item, ListAsk, PolicyTest
from sealauthz.policytools.testing.vocabulary import Given, Vocabulary
from sealauthz.policytools.testing.yaml_text import Path as DocumentPath
from sealauthz.runtime.errors import did_you_mean


def tests_of(path: Path, library: Library, vocabulary: Vocabulary) -> list[PolicyTest]:
    """Read the tests of a file; what is wrong is collected in the library."""
    loaded = library.load(path)
    if loaded is None:
        return []
    tests: list[PolicyTest] = []
    names: dict[str, int] = {}
    for name in loaded.written.fixtures:
        library.fixture(loaded, name, ("fixtures", name))
    for index, test in enumerate(loaded.written.tests):
        place: DocumentPath = ("tests", index)
        if test.name in names:
            library.report(loaded.document, (*place, "name"), f"line {names[test.name]} has a test of this name")
        names[test.name] = loaded.document.line((*place, "name"))
        tests.append(_Reader(library, vocabulary, loaded, test, place).test())
    return tests


class _Reader:
    """Makes one written test a list of questions."""

    def __init__(
        self, library: Library, vocabulary: Vocabulary, loaded: LoadedFile, test: Any, place: DocumentPath
    ) -> None:
        self._library = library
        self._words = vocabulary
        self._loaded = loaded
        self._document = loaded.document
        self._test = test
        self._place = place

    def test(self) -> PolicyTest:
        test = self._test
        for index, rule in enumerate(test.rules):
            self._know("rule", rule, self._words.rules, ("rules", index))
        self._start = self._library.start_of(self._loaded, test, self._place)
        start = self._start.now or 0
        if self._start.now is None:
            self._report((), "cannot be asked: neither the fixture nor what it extends has a `now`")
        now = start if test.now is None else self._library.time(self._document, test.now, start, (*self._place, "now"))
        facts = self._changed(self._start.facts, test.given, ("given",), now)
        return PolicyTest(
            test.name,
            tuple(test.rules),
            tuple(self._asks(facts, now)),
            self._document.file,
            self._document.line((*self._place, "name")),
            test.allow_impossible or "",
        )

    def _asks(self, facts: FactSet, now: int) -> Iterator[Ask | ListAsk]:
        match self._test:
            case form.Matrix(matrix=grid):
                yield from self._grid(facts, now, grid)
            case form.Listing():
                yield self._listing(facts, now, self._test)
            case form.TableTest(table=table):
                yield from self._table(facts, now, table)
            case form.Story(steps=steps):
                yield from self._story(facts, now, steps)
            case form.Pair():
                yield from self._pair(facts, now, self._test)
            case case:
                yield self._ask(facts, now, case, case.context, case.expect, (), "", "expect")

    # --- kinds -------------------------------------------------------------------------------------------------------

    def _pair(self, facts: FactSet, now: int, pair: form.Pair) -> Iterator[Ask]:
        but = pair.but
        first = self._ask(facts, now, pair, pair.context, pair.expect, (), "", "expect")
        yield first
        records = sum(len(ids) for part in (but.put, but.change) for ids in plain(part).values()) + len(but.drop)
        # None and empty differ: `context: {}` changes nothing, and is no flip.
        flips = records + len(but.context or {}) + (but.now is not None) + (but.caller is not None)
        if flips != 1:
            self._report(("but",), f"changes {flips or 'no'} facts: a pair turns on exactly one; the rest is `given`")
        flipped = self._library.apply(self._document, self._start, facts, but, (*self._place, "but"), now)
        if records:
            self._library.check(self._document, flipped, (*self._place, "but"))
        context = {**pair.context, **(but.context or {})}
        given = {key: value for key, value in context.items() if value is not None}
        if but.context and given == pair.context:
            self._report(("but", "context"), "gives the same context: this changes nothing")
        at = now if but.now is None else self._library.time(self._document, but.now, now, (*self._place, "but", "now"))
        if but.caller == pair.caller:
            self._report(("but", "caller"), "is the caller already: this changes nothing")
        second = self._ask(flipped, at, pair, given, pair.then, (), "but", "then")
        if but.caller is not None:
            second = dataclasses.replace(second, caller=but.caller)
        if first.expected.effect == second.expected.effect:
            self._report(("then",), "gives the same effect as `expect`: one fact is to flip it")
        yield second

    def _grid(self, facts: FactSet, now: int, grid: form.Grid) -> Iterator[Ask]:
        at: DocumentPath = ("matrix",)
        type_ = grid.resource.partition(":")[0]
        known = {key for action in grid.actions for key in self._words.keys(action, type_)}
        for key in grid.context:
            self._know("context key of these actions", key, known, (*at, "context", key))
        for subject, row in grid.expect.items():
            for action in grid.actions:
                if action not in row:
                    self._report((*at, "expect", subject), f"says nothing about `{action}`")
            for action, expected in row.items():
                if action not in grid.actions:
                    self._report((*at, "expect", subject, action), f"`{action}` is none of the `actions` of the matrix")
                    continue
                ask = form.Ask(subject=subject, action=action, resource=grid.resource)
                context = {k: v for k, v in grid.context.items() if k in self._words.keys(action, type_)}
                path: DocumentPath = (*at, "expect", subject)
                yield self._ask(facts, now, ask, context, expected, path, f"{subject} {action}", action, at)

    def _story(self, facts: FactSet, now: int, steps: Sequence[form.Step]) -> Iterator[Ask]:
        asked = False
        for index, step in enumerate(steps):
            at: DocumentPath = ("steps", index)
            if step.wait is not None:
                now += length_of(step.wait)
            # What the first step gives is how the facts differ; what a later one gives has changed since.
            facts = self._changed(facts, step.given, (*at, "given"), now, is_edit=index > 0)
            if step.ask is None:
                if step.expect is not None:
                    self._report((*at, "expect"), "expects an answer, and nothing is asked")
                if step.wait is None and step.given is None:
                    self._report(at, "neither waits, nor changes, nor asks")
                continue
            if step.expect is None:
                self._report((*at, "ask"), "asks, and says not what to `expect`")
                continue
            asked = True
            label = f"step {index + 1}"
            yield self._ask(facts, now, step.ask, step.ask.context, step.expect, at, label, "expect", (*at, "ask"))
        if not asked:
            self._report(("steps",), "ask nothing")

    def _listing(self, facts: FactSet, now: int, test: form.Listing) -> ListAsk:
        needed = {
            "resources": ("subject", "action", "type"),
            "subjects": ("action", "resource"),
            "actions": ("subject", "resource"),
        }[test.listed]
        for name in ("subject", "action", "resource", "type"):
            value = getattr(test, name)
            if (value is None) == (name in needed):
                said = "needs" if value is None else "knows no"
                self._report(() if value is None else (name,), f"a list of {test.listed} {said} `{name}`")
        questions: dict[str, Question] = {}
        if all(getattr(test, name) is not None for name in needed):
            questions = self._listed(facts, test, now)
        for index, name in enumerate(test.expect):
            if questions and name not in questions:
                near = did_you_mean(name, questions)
                self._report(("expect", index), f"`{name}` is none of the {test.listed} there are{near}")
        line = self._document.line(self._place)
        return ListAsk(facts, now, questions, frozenset(test.expect), "", self._document.file, line, caller=test.caller)

    def _table(self, facts: FactSet, now: int, table: form.Table) -> Iterator[ListAsk]:
        type_, _, resource_id = table.resource.partition(":")
        if self._know("type", type_, self._words.types, ("table", "resource")):
            self._exists(facts, (type_, resource_id), ("table", "resource"))
        actions = self._words.actions_of(type_)
        for subject, expected in table.expect.items():
            at: DocumentPath = ("table", "expect", subject)
            self._exists(facts, facts.subject(subject), at)
            for index, action in enumerate(expected):
                self._know(f"action of {type_}", action, actions, (*at, index))
            asker, resource = Entity(*facts.subject(subject)), Entity(type_, resource_id)
            questions = {each: Question(asker, each, resource, {}) for each in actions}
            line = self._document.line((*self._place, *at))
            expect = frozenset(expected)
            yield ListAsk(facts, now, questions, expect, subject, self._document.file, line, in_principle=True)

    def _listed(self, facts: FactSet, test: form.Listing, now: int) -> dict[str, Question]:
        context: dict[str, Given] = dict(test.context)
        if test.resource is not None:
            type_, _, resource_id = test.resource.partition(":")
            if self._know("type", type_, self._words.types, ("resource",)):
                self._exists(facts, (type_, resource_id), ("resource",))
        else:
            type_, resource_id = test.type or "", ""
            self._know("type", type_, self._words.types, ("type",))
        actions = self._words.actions_of(type_)
        if test.action is not None:
            self._know(f"action of {type_}", test.action, actions, ("action",))
        if test.subject is not None:
            self._exists(facts, facts.subject(test.subject), ("subject",))
        asked = (test.action,) if test.action is not None else actions
        known = {key for action in asked for key in self._words.keys(action, type_)}
        for key in context:
            self._know("context key", key, known, ("context", key))

        def question(subject: str, action: str, resource: str) -> Question:
            keys = self._words.keys(action, type_)
            fitting = {key: value for key, value in context.items() if key in keys}
            given = self._given(action, type_, fitting, now, ("context",))
            return Question(Entity(*facts.subject(subject)), action, Entity(type_, resource), given)

        if test.listed == "resources":
            return {each: question(test.subject or "", test.action or "", each) for each in facts.of(type_)}
        if test.listed == "subjects":
            return {each: question(each, test.action or "", resource_id) for each in facts.subjects}
        return {each: question(test.subject or "", each, resource_id) for each in actions}

    # --- questions ---------------------------------------------------------------------------------------------------

    def _ask(
        self,
        facts: FactSet,
        now: int,
        ask: Any,
        context: Mapping[str, Given],
        expected: Any,
        at: DocumentPath,
        label: str,
        expect_key: str,
        asked_at: DocumentPath | None = None,
    ) -> Ask:
        """Make a question; `at` is where the answer stands under `expect_key`, `asked_at` where the question does."""
        where = at if asked_at is None else asked_at
        outcome = self._outcome(expected, now, (*at, expect_key))
        codes = outcome.reasons or ()
        type_, _, resource_id = ask.resource.partition(":")
        at_resource = (*where, "resource")
        if UNKNOWN_TYPE not in codes and self._know("type with actions", type_, self._words.types, at_resource):
            if UNKNOWN_ACTION not in codes:
                actions = self._words.actions_of(type_)
                if self._know(f"action of {type_}", ask.action, actions, (*where, "action")):
                    context = self._given(ask.action, type_, context, now, (*where, "context"))
                    names_records = CONTEXT_NOT_FOUND not in codes
                    self._check_context(facts, ask.action, type_, context, (*where, "context"), names_records)
            if NOT_FOUND not in codes:
                self._exists(facts, (type_, resource_id), (*where, "resource"))
        if NOT_FOUND not in codes:
            self._exists(facts, facts.subject(ask.subject), (*where, "subject"))
        question = Question(Entity(*facts.subject(ask.subject)), ask.action, Entity(type_, resource_id), dict(context))
        line = self._document.line((*self._place, *at, expect_key))
        return Ask(facts, now, question, outcome, label, self._document.file, line, self._test.caller)

    def _given(
        self, action: str, type_: str, context: Mapping[str, Given], now: int, at: DocumentPath
    ) -> dict[str, Given]:
        """Return a context with its times as instants; report what is of another type than the action takes."""
        found: dict[str, Given] = {}
        for key, value in context.items():
            found[key] = value
            if key not in self._words.keys(action, type_):
                continue  # it is reported as unknown
            if isinstance(value, str) and self._words.is_instant(action, type_, key):
                found[key] = self._library.time(self._document, value, now, (*self._place, *at, key))
            elif misfit := self._words.misfit(action, type_, key, value):
                self._report((*at, key), misfit)
        return found

    def _check_context(
        self,
        facts: FactSet,
        action: str,
        type_: str,
        context: Mapping[str, Given],
        at: DocumentPath,
        names_records: bool = True,
    ) -> None:
        keys, records = self._words.keys(action, type_), self._words.record_keys(action, type_)
        for key, value in context.items():
            if self._know(f"context key of `{action}`", key, keys, (*at, key)) and key in records and names_records:
                self._exists(facts, (records[key], str(value)), (*at, key))

    def _outcome(self, expected: Any, now: int, at: DocumentPath) -> Expectation:
        if isinstance(expected, str):
            return Expectation(Effect(expected.upper()))
        if isinstance(expected, list):
            expected = form.Outcome(effect="deny", reasons=expected)
            reasons_at = at
        else:
            reasons_at = (*at, "reasons")
        effect = Effect(expected.effect.upper())
        if effect is Effect.ALLOW and (expected.reasons or expected.next_steps):
            self._report(at, "an allow has neither reasons nor next steps")
        if effect is Effect.DENY and expected.obligations:
            self._report((*at, "obligations"), "a deny has no obligations")
        for index, code in enumerate(expected.reasons or ()):
            self._know("reason", code, self._words.reasons, (*reasons_at, index))
        return Expectation(
            effect,
            None if expected.reasons is None else tuple(expected.reasons),
            self._items("next step", expected.next_steps, self._words.steps, now, (*at, "next_steps")),
            self._items("obligation", expected.obligations, self._words.obligations, now, (*at, "obligations")),
            None
            if expected.valid_until is None
            else self._library.time(self._document, expected.valid_until, now, (*self._place, *at, "valid_until")),
        )

    def _items(
        self, what: str, items: Sequence[Any] | None, known: Iterable[str], now: int, at: DocumentPath
    ) -> tuple[Item, ...] | None:
        if items is None:
            return None
        made = []
        for index, item in enumerate(items):
            code = item if isinstance(item, str) else item.code
            self._know(what, code, known, (*at, index))
            if isinstance(item, str):
                made.append(Item(code))
                continue
            parameters = dict(item.parameters)
            for name, value in parameters.items():
                if name.endswith(("_at", "_until")) and isinstance(value, str):
                    path = (*self._place, *at, index, "parameters", name)
                    parameters[name] = self._library.time(self._document, value, now, path)
            made.append(Item(code, parameters))
        return tuple(made)

    # --- names -------------------------------------------------------------------------------------------------------

    def _changed(self, facts: FactSet, given: Any, at: DocumentPath, now: int, *, is_edit: bool = False) -> FactSet:
        if given is None:
            return facts
        path = (*self._place, *at)
        changed = self._library.changed(
            self._loaded, self._document, self._start, facts, given, path, now, is_edit=is_edit
        )
        self._library.check(self._document, changed, path)
        return changed

    def _know(self, what: str, name: str, known: Iterable[str], at: DocumentPath) -> bool:
        known = tuple(known)
        if name in known:
            return True
        self._report(at, f"there is no {what} `{name}`{did_you_mean(name, known)}")
        return False

    def _exists(self, facts: FactSet, key: tuple[str, str], at: DocumentPath) -> None:
        if key not in facts:
            self._report(at, f"there is no `{key[0]}:{key[1]}`{facts.nearest(key)}")

    def _report(self, at: DocumentPath, message: str) -> None:
        self._library.report(self._document, (*self._place, *at), message)
