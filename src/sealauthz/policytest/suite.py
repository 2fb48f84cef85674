"""Policy tests, read and understood: every name in them is known, and each test is a list of questions with the answers
that are expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sealauthz.answers import ParameterValue
from sealauthz.decision import Bundle, Effect, Entity, Question
from sealauthz.decision.bundle import NOT_FOUND, UNKNOWN_ACTION, UNKNOWN_TYPE
from sealauthz.decision.folder import DEFAULT, installed_folder
from sealauthz.errors import Fault, SuiteRefused
from sealauthz.policytest import form
from sealauthz.policytest.complaints import faults_of
from sealauthz.policytest.fixtures import FactReader, FactSet, did_you_mean, length_of, time_of
from sealauthz.policytest.yaml_text import Document, read_yaml
from sealauthz.policytest.yaml_text import Path as DocumentPath

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Item:
    """A next step or obligation that is expected; None for parameters means that they may be anything."""

    code: str
    parameters: Mapping[str, ParameterValue] | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a decision must be. None means that this part may be anything."""

    effect: Effect
    reasons: tuple[str, ...] | None = None
    next_steps: tuple[Item, ...] | None = None
    obligations: tuple[Item, ...] | None = None
    valid_until: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One question over some facts at one time, and its answer. `label` says which part of its test it is."""

    facts: FactSet = field(repr=False)
    now: int
    question: Question
    expected: Expectation
    label: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class ListAsk:
    """A question for everything that is allowed: of `questions`, by the name that stands for each, exactly those of
    `expected` are.
    """

    facts: FactSet = field(repr=False)
    now: int
    questions: Mapping[str, Question] = field(repr=False)
    expected: frozenset[str]
    label: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test: it passes when every answer is as expected."""

    name: str
    rules: tuple[str, ...]
    asks: tuple[Ask | ListAsk, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of some files, in their order."""

    tests: tuple[PolicyTest, ...]


def files_of_tests(paths: Iterable[Path]) -> list[Path]:
    """Return the files of tests among paths and in folders, sorted by folder. Raises SuiteRefused where one is not
    there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())
            found |= dict.fromkeys(inside)
        elif path.is_file():
            found[path] = None
        else:
            raise SuiteRefused(Fault(str(path), 1, 1, "there is no such file or folder"))
    return list(found)


def load_suite(files: Sequence[Path], bundle: Bundle) -> Suite:
    """Read test files for a bundle. Raises SuiteRefused with everything that is wrong in them."""
    library = Library(bundle)
    tests: list[PolicyTest] = []
    for path in files:
        tests += library.tests_of(path)
    library.refuse()
    return Suite(tuple(tests))


@dataclass(slots=True)
class _Stage:
    """A fixture, understood: its facts, the time at which they stand, and what records take by default."""

    facts: FactSet
    now: int | None
    defaults: Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class _Loaded:
    """One file with the fixtures and situations that can be used in it, each with the document it stands in."""

    document: Document
    written: form.File
    fixtures: dict[str, tuple[Document, form.Fixture]]
    situations: dict[str, tuple[Document, form.Changes]]


class Library:
    """Test files that are read for one bundle; what is wrong is collected, and said by `refuse`.

    Fixtures alone can be read without a bundle.
    """

    def __init__(self, bundle: Bundle | None) -> None:
        self._vocabulary = None if bundle is None else Vocabulary(bundle)
        self._loaded: dict[Path, _Loaded | None] = {}
        self._stages: dict[tuple[str, str], _Stage] = {}
        self._faults: list[Fault] = []

    def refuse(self) -> None:
        """Raise SuiteRefused if anything was wrong."""
        if self._faults:
            raise SuiteRefused(*dict.fromkeys(self._faults))

    def fixtures_of(self, path: Path) -> dict[str, tuple[FactSet, int | None]]:
        """Return the fixtures of a file, included ones too, each with the time at which its facts stand."""
        loaded = self._load(path)
        if loaded is None:
            return {}
        stages = {name: self._stage(loaded, name, ("fixtures", name), ()) for name in loaded.fixtures}
        return {name: (stage.facts, stage.now) for name, stage in stages.items()}

    def tests_of(self, path: Path) -> list[PolicyTest]:
        """Return the tests of a file."""
        if self._vocabulary is None:
            raise TypeError("tests are read for a bundle")
        loaded = self._load(path)
        if loaded is None:
            return []
        tests: list[PolicyTest] = []
        names: dict[str, int] = {}
        for name in loaded.written.fixtures:
            self._stage(loaded, name, ("fixtures", name), ())
        for index, test in enumerate(loaded.written.tests):
            place: DocumentPath = ("tests", index)
            if test.name in names:
                self.say(loaded.document, (*place, "name"), f"line {names[test.name]} has a test of this name")
            names[test.name] = loaded.document.line((*place, "name"))
            tests.append(_Understanding(self, self._vocabulary, loaded, test, place).test())
        return tests

    # --- files -------------------------------------------------------------------------------------------------------

    def _load(self, path: Path) -> _Loaded | None:
        known = path.resolve()
        if known not in self._loaded:
            self._loaded[known] = None  # a file that includes itself finds nothing
            self._loaded[known] = self._read(path)
        return self._loaded[known]

    def _read(self, path: Path) -> _Loaded | None:
        name = str(path)
        try:
            document = read_yaml(name, path.read_bytes().decode())
        except SuiteRefused as error:
            self._faults += error.faults
            return None
        except UnicodeDecodeError:
            self._faults.append(Fault(name, 1, 1, "the file is not UTF-8 text"))
            return None
        except OSError as error:
            self._faults.append(Fault(name, 1, 1, (error.strerror or "the file cannot be read").lower()))
            return None
        try:
            written = form.File.model_validate({} if document.value is None else document.value)
        except ValidationError as error:
            self._faults += faults_of(document, error)
            return None
        loaded = _Loaded(document, written, {}, {})
        for index, other in enumerate(written.include):
            home, _, inside = other.rpartition(":")
            folder = installed_folder() / "tests" if home == DEFAULT else path.parent
            self._include(loaded, folder / (inside if home == DEFAULT else other), ("include", index))
        self._add(loaded, "fixtures", {key: (document, value) for key, value in written.fixtures.items()})
        self._add(loaded, "situations", {key: (document, value) for key, value in written.situations.items()})
        return loaded

    def _include(self, loaded: _Loaded, path: Path, place: DocumentPath) -> None:
        if not path.is_file():
            self.say(loaded.document, place, f"there is no file `{path.name}` in `{path.parent}`")
            return
        included = self._load(path)
        if included is None:
            self.say(loaded.document, place, f"`{path.name}` cannot be included")
            return
        for section in ("fixtures", "situations"):
            self._add(loaded, section, getattr(included, section))

    def _add(self, loaded: _Loaded, section: str, named: Mapping[str, tuple[Document, Any]]) -> None:
        held = getattr(loaded, section)
        for name, (document, value) in named.items():
            if name in held and held[name][1] is not value:
                place = f"{held[name][0].file}:{held[name][0].line((section, name))}"
                self.say(document, (section, name), f"`{name}` is there already ({place})")
            held[name] = (document, value)

    # --- facts -------------------------------------------------------------------------------------------------------

    def _stage(self, loaded: _Loaded, name: str, place: DocumentPath, chain: tuple[str, ...]) -> _Stage:
        """Understand a fixture; `place` is where it is named, in the document of `loaded`."""
        if name not in loaded.fixtures:
            near = did_you_mean(name, loaded.fixtures)
            self.say(loaded.document, place, f"there is no fixture `{name}`{near}")
            return _Stage(FactSet(), None, {})
        document, written = loaded.fixtures[name]
        if name in chain:
            self.say(document, ("fixtures", name, "extends"), f"`{name}` extends itself")
            return _Stage(FactSet(), None, {})
        key = (document.file, name)
        if key not in self._stages:
            self._stages[key] = self._understood(loaded, document, written, name, (*chain, name))
        return self._stages[key]

    def _understood(
        self, loaded: _Loaded, document: Document, written: form.Fixture, name: str, chain: tuple[str, ...]
    ) -> _Stage:
        place: DocumentPath = ("fixtures", name)
        base = _Stage(FactSet(), None, {})
        if written.extends is not None:
            # What a fixture extends is known in the file that it stands in.
            home = self._loaded.get(Path(document.file).resolve()) or loaded
            base = self._stage(home, written.extends, (*place, "extends"), chain)
        now = base.now
        if written.now is not None:
            now = self.time(document, written.now, base.now, (*place, "now"))
        own = _plain(written.defaults)
        defaults = {type_: {**base.defaults.get(type_, {}), **own.get(type_, {})} for type_ in {**base.defaults, **own}}
        reader = FactReader(document)
        facts = reader.put(base.facts, _plain(written.facts), (*place, "facts"), now, defaults)
        self.take(reader)
        stage = _Stage(facts, now, defaults)
        facts = self.changed(loaded, document, stage, facts, written.given, (*place, "given"), now)
        reader = FactReader(document)
        reader.check_references(facts, place)
        self.take(reader)
        return _Stage(facts, now, defaults)

    def stage_of(self, loaded: _Loaded, test: Any, place: DocumentPath) -> _Stage:
        """Find the facts that a test starts from."""
        if test.fixture is not None:
            return self._stage(loaded, test.fixture, (*place, "fixture"), ())
        if loaded.written.fixture is not None:
            return self._stage(loaded, loaded.written.fixture, ("fixture",), ())
        self.say(loaded.document, place, "names no `fixture`, and neither does the file")
        return _Stage(FactSet(), None, {})

    def changed(
        self,
        loaded: _Loaded,
        document: Document,
        stage: _Stage,
        facts: FactSet,
        given: Any,
        place: DocumentPath,
        now: int | None,
    ) -> FactSet:
        """Change facts as `given` says."""
        if given is None:
            return facts
        parts = [(place, given)]
        if isinstance(given, list):
            parts = [((*place, index), part) for index, part in enumerate(given)]
        for where, part in parts:
            if isinstance(part, str):
                if part not in loaded.situations:
                    near = did_you_mean(part, loaded.situations)
                    self.say(document, where, f"there is no situation `{part}`{near}")
                    continue
                home, changes = loaded.situations[part]
                facts = self._apply(home, stage, facts, changes, ("situations", part), now)
            else:
                facts = self._apply(document, stage, facts, part, where, now)
        return facts

    def _apply(
        self, document: Document, stage: _Stage, facts: FactSet, changes: Any, place: DocumentPath, now: int | None
    ) -> FactSet:
        reader = FactReader(document)
        facts = reader.put(facts, _plain(changes.put), (*place, "put"), now, stage.defaults)
        facts = reader.change(facts, _plain(changes.change), (*place, "change"), now)
        facts = reader.drop(facts, changes.drop, (*place, "drop"))
        self.take(reader)
        return facts

    def flipped(
        self, document: Document, stage: _Stage, facts: FactSet, but: form.But, place: DocumentPath, now: int | None
    ) -> FactSet:
        """Change the one fact of a pair."""
        return self._apply(document, stage, facts, but, place, now)

    def check(self, document: Document, facts: FactSet, place: DocumentPath) -> None:
        """Say which records of changed facts name what is not there."""
        reader = FactReader(document)
        reader.check_references(facts, place)
        self.take(reader)

    def time(self, document: Document, text: str, now: int | None, place: DocumentPath) -> int:
        """Read a time, or say what is wrong with it."""
        try:
            return time_of(text, now)
        except ValueError as error:
            self.say(document, place, str(error))
            return 0

    def take(self, reader: FactReader) -> None:
        """Take over what a reader found to be wrong."""
        self._faults += [document.fault(problem.path, problem.message) for document, problem in reader.problems]

    def say(self, document: Document, path: DocumentPath, message: str) -> None:
        """Note what is wrong at a place."""
        self._faults.append(document.fault(path, message))


def _plain(model: Any) -> dict[str, Any]:
    """Turn facts or defaults into plain tables that hold only what is written."""
    return {} if model is None else model.model_dump(exclude_unset=True)


class Vocabulary:
    """The names that a bundle knows."""

    def __init__(self, bundle: Bundle) -> None:
        book = bundle.rulebook
        self._bundle = bundle
        self.types = book.resource_types
        self.reasons = frozenset(book.reasons)
        self.steps = frozenset(step for entry in book.reasons.values() for step in entry.next_steps)
        self.obligations = frozenset(code for codes in book.obligations.values() for code in codes)
        self.rules = frozenset(tag for rules in book.rules.values() for rule in rules for tag in rule.tags)

    def suggestions(self) -> dict[str, list[str]]:
        """Return the words for an editor to offer, by the pattern that they fit."""
        return {
            form.ACTION_PATTERN: sorted({action for type_ in self.types for action in self.actions_of(type_)}),
            form.CODE_PATTERN: sorted(self.reasons | self.steps | self.obligations),
            form.RULE_PATTERN: sorted(self.rules),
            form.TYPE_PATTERN: sorted(self.types),
        }

    def actions_of(self, resource_type: str) -> tuple[str, ...]:
        """Return the actions of a type."""
        return self._bundle.rulebook.actions_of(resource_type)

    def record_keys(self, action: str, resource_type: str) -> Mapping[str, str]:
        """Return the context keys that name records, with the types of these."""
        return self._bundle.context_records(action, resource_type)

    def keys(self, action: str, resource_type: str) -> Sequence[str]:
        """Return all context keys of an action."""
        return tuple(self._bundle.context_keys(action, resource_type))


class _Understanding:
    """Makes one written test a list of questions."""

    def __init__(
        self, library: Library, vocabulary: Vocabulary, loaded: _Loaded, test: Any, place: DocumentPath
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
        self._stage = self._library.stage_of(self._loaded, test, self._place)
        start = self._stage.now or 0
        if self._stage.now is None:
            self._say((), "cannot be asked: neither the fixture nor what it extends has a `now`")
        now = start if test.now is None else self._library.time(self._document, test.now, start, (*self._place, "now"))
        facts = self._changed(self._stage.facts, test.given, ("given",), now)
        return PolicyTest(
            test.name,
            tuple(test.rules),
            tuple(self._asks(facts, now)),
            self._document.file,
            self._document.line((*self._place, "name")),
        )

    def _asks(self, facts: FactSet, now: int) -> Iterator[Ask | ListAsk]:
        match self._test:
            case form.Matrix(matrix=grid):
                yield from self._grid(facts, now, grid)
            case form.Listing():
                yield self._listing(facts, now, self._test)
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
        records = sum(len(ids) for part in (but.put, but.change) for ids in _plain(part).values()) + len(but.drop)
        # None and empty differ: `context: {}` changes nothing, and is no flip.
        flips = records + len(but.context or {}) + (but.now is not None)
        if flips != 1:
            self._say(("but",), f"changes {flips or 'no'} facts: a pair turns on exactly one; the rest is `given`")
        flipped = self._library.flipped(self._document, self._stage, facts, but, (*self._place, "but"), now)
        if records:
            self._library.check(self._document, flipped, (*self._place, "but"))
        context = {**pair.context, **(but.context or {})}
        given = {key: value for key, value in context.items() if value is not None}
        if but.context and given == pair.context:
            self._say(("but", "context"), "gives the same context: this changes nothing")
        at = now if but.now is None else self._library.time(self._document, but.now, now, (*self._place, "but", "now"))
        second = self._ask(flipped, at, pair, given, pair.then, (), "but", "then")
        if first.expected.effect == second.expected.effect:
            self._say(("then",), "gives the same effect as `expect`: one fact is to flip it")
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
                    self._say((*at, "expect", subject), f"says nothing about `{action}`")
            for action, expected in row.items():
                if action not in grid.actions:
                    self._say((*at, "expect", subject, action), f"`{action}` is none of the `actions` of the matrix")
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
            facts = self._changed(facts, step.given, (*at, "given"), now)
            if step.ask is None:
                if step.expect is not None:
                    self._say((*at, "expect"), "expects an answer, and nothing is asked")
                if step.wait is None and step.given is None:
                    self._say(at, "neither waits, nor changes, nor asks")
                continue
            if step.expect is None:
                self._say((*at, "ask"), "asks, and says not what to `expect`")
                continue
            asked = True
            label = f"step {index + 1}"
            yield self._ask(facts, now, step.ask, step.ask.context, step.expect, at, label, "expect", (*at, "ask"))
        if not asked:
            self._say(("steps",), "ask nothing")

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
                self._say(() if value is None else (name,), f"a list of {test.listed} {said} `{name}`")
        questions: dict[str, Question] = {}
        if all(getattr(test, name) is not None for name in needed):
            questions = self._listed(facts, test)
        for index, name in enumerate(test.expect):
            if questions and name not in questions:
                near = did_you_mean(name, questions)
                self._say(("expect", index), f"`{name}` is none of the {test.listed} there are{near}")
        return ListAsk(
            facts, now, questions, frozenset(test.expect), "", self._document.file, self._document.line(self._place)
        )

    def _listed(self, facts: FactSet, test: form.Listing) -> dict[str, Question]:
        context: dict[str, str] = dict(test.context)
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
            self._exists(facts, ("Person", test.subject), ("subject",))
        asked = (test.action,) if test.action is not None else actions
        known = {key for action in asked for key in self._words.keys(action, type_)}
        for key in context:
            self._know("context key", key, known, ("context", key))

        def question(subject: str, action: str, resource: str) -> Question:
            keys = self._words.keys(action, type_)
            fitting = {key: value for key, value in context.items() if key in keys}
            return Question(Entity("Person", subject), action, Entity(type_, resource), fitting)

        if test.listed == "resources":
            return {each: question(test.subject or "", test.action or "", each) for each in facts.of(type_)}
        if test.listed == "subjects":
            return {each: question(each, test.action or "", resource_id) for each in facts.of("Person")}
        return {each: question(test.subject or "", each, resource_id) for each in actions}

    # --- questions ---------------------------------------------------------------------------------------------------

    def _ask(
        self,
        facts: FactSet,
        now: int,
        ask: Any,
        context: Mapping[str, str],
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
                    self._check_context(facts, ask.action, type_, context, (*where, "context"))
            if NOT_FOUND not in codes:
                self._exists(facts, (type_, resource_id), (*where, "resource"))
        if NOT_FOUND not in codes:
            self._exists(facts, ("Person", ask.subject), (*where, "subject"))
        question = Question(Entity("Person", ask.subject), ask.action, Entity(type_, resource_id), dict(context))
        line = self._document.line((*self._place, *at, expect_key))
        return Ask(facts, now, question, outcome, label, self._document.file, line)

    def _check_context(
        self, facts: FactSet, action: str, type_: str, context: Mapping[str, str], at: DocumentPath
    ) -> None:
        keys, records = self._words.keys(action, type_), self._words.record_keys(action, type_)
        for key, value in context.items():
            if self._know(f"context key of `{action}`", key, keys, (*at, key)) and key in records:
                self._exists(facts, (records[key], value), (*at, key))

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
            self._say(at, "an allow has neither reasons nor next steps")
        if effect is Effect.DENY and expected.obligations:
            self._say((*at, "obligations"), "a deny has no obligations")
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

    def _changed(self, facts: FactSet, given: Any, at: DocumentPath, now: int) -> FactSet:
        if given is None:
            return facts
        path = (*self._place, *at)
        changed = self._library.changed(self._loaded, self._document, self._stage, facts, given, path, now)
        self._library.check(self._document, changed, path)
        return changed

    def _know(self, what: str, name: str, known: Iterable[str], at: DocumentPath) -> bool:
        known = tuple(known)
        if name in known:
            return True
        self._say(at, f"there is no {what} `{name}`{did_you_mean(name, known)}")
        return False

    def _exists(self, facts: FactSet, key: tuple[str, str], at: DocumentPath) -> None:
        if key not in facts:
            self._say(at, f"there is no `{key[0]}:{key[1]}`{facts.nearest(key)}")

    def _say(self, at: DocumentPath, message: str) -> None:
        self._library.say(self._document, (*self._place, *at), message)
