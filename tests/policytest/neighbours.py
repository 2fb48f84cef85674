"""The law of neighbours: where a word denies, the words beside it deny too, or it is written down that they do not.

A rule that names the words of a column that deny is wrong in the word that it forgot. So of every question of the
policy tests that is denied, each fact that its test gave is changed in one column: into every other word of the
enumeration, into the other truth, to times on the other side of now, and to another account of the same human. What is
allowed then is either expected (`neighbours.toml`), because that word is no obstacle, or a hole.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealauthz.decision import Effect, PolicyDecisionPoint
from sealauthz.decision.policies import Policies
from sealauthz.policytools.testing.fixtures import FactSet, Key, Written
from sealauthz.policytools.testing.possible import refusal
from sealauthz.policytools.testing.suite import Ask, PolicyTest, options_of
from sealauthz.runtime.errors import SealAuthzError
from sealauthz.schema import FOREVER, NEVER, Column
from sealauthz.schema.parameters import UNITS_OF_TIME

EXPECTED = Path(__file__).with_name("neighbours.toml")

ACCOUNT = "another account"
"""How a change of an id is written down that makes it the id of another account of the same human."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A denied question over facts of which one column holds another word. `column` is `Type.column`."""

    test: PolicyTest
    ask: Ask
    key: Key
    column: str
    was: Any
    word: str
    facts: FactSet = dataclasses.field(repr=False)

    def __str__(self) -> str:
        changed = f"{self.column} of {self.key[1]}, {self.was} -> {self.word}"
        return f"{self.ask.file}:{self.ask.line}: {self.test.name}: {changed}"


@dataclass(frozen=True, slots=True)
class Expected:
    """The words that are no obstacle, by column and reason."""

    words: Mapping[tuple[str, str], frozenset[str]]

    @staticmethod
    def read(path: Path = EXPECTED) -> Expected:
        """Read what is written down. Raises ValueError where something is written twice."""
        words: dict[tuple[str, str], frozenset[str]] = {}
        for column, lines in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for listed, reasons in lines.items():
                for reason in reasons:
                    if (column, reason) in words:
                        raise ValueError(f"`{column}` has {reason} twice")
                    words[column, reason] = frozenset(listed.split(", "))
        return Expected(words)

    def holds(self, neighbour: Neighbour, reasons: Iterable[str]) -> bool:
        """Whether it is written down that a question that was denied for these reasons is allowed then."""
        return any(neighbour.word in self.words.get((neighbour.column, reason), ()) for reason in reasons)


def answered(tests: Iterable[PolicyTest], effect: Effect) -> list[tuple[PolicyTest, Ask]]:
    """Return the questions that are to be answered so, over facts that a store takes."""
    return [
        (test, ask)
        for test in tests
        if not test.allow_impossible
        for ask in test.asks
        if isinstance(ask, Ask) and ask.expected.effect is effect
    ]


def denied(tests: Iterable[PolicyTest]) -> list[tuple[PolicyTest, Ask]]:
    """Return the questions that are to be denied, over facts that a store takes."""
    return answered(tests, Effect.DENY)


def neighbours_of(test: PolicyTest, ask: Ask) -> Iterator[Neighbour]:
    """Return the neighbours of a denied question: of all that its test gave, or of the one fact that turned it."""
    before = ask.facts.last_whole
    for key, old, new in () if before is None else list(ask.facts.since(before)):
        if new is None:
            continue
        for column in ask.facts.model.shapes[key[0]].columns:
            was = getattr(new, column.name)
            if column.name == "id" or (old is not None and getattr(old, column.name) == was):
                continue
            for word, value, others in _beside(ask, key, column, was):
                if old is None or getattr(old, column.name) != value:
                    facts = _with(ask.facts, others, dataclasses.replace(new, **{column.name: value}))
                    yield Neighbour(test, ask, key, f"{key[0]}.{column.name}", was, word, facts)


def is_allowed(neighbour: Neighbour, policies: Policies) -> bool:
    """Whether the question is allowed then, over facts that a store would take."""
    ask = neighbour.ask
    point = PolicyDecisionPoint(neighbour.facts.fact_cache, policies, lambda: ask.now)
    try:
        decision = point.decide(ask.question, options_of(ask))
    except SealAuthzError:
        return False
    return bool(decision) and refusal(neighbour.facts) == ""


def reasons_of(ask: Ask, policies: Policies) -> tuple[str, ...]:
    """Return why a question is denied."""
    point = PolicyDecisionPoint(ask.facts.fact_cache, policies, lambda: ask.now)
    decision = point.decide(ask.question, options_of(ask))
    return tuple(reason.code for reason in decision.reasons)


def unexpected(asks: Iterable[tuple[PolicyTest, Ask]], policies: Policies, expected: Expected) -> Iterator[Neighbour]:
    """Return the neighbours of questions that are allowed, and of which nobody wrote that they are."""
    for test, ask in asks:
        for neighbour in neighbours_of(test, ask):
            if is_allowed(neighbour, policies) and not expected.holds(neighbour, reasons_of(ask, policies)):
                yield neighbour
        ask.facts.release()


def _with(facts: FactSet, others: Iterable[Any], changed: Any) -> FactSet:
    """Return facts with others that are as if they had always been, and one that is written so."""
    whole = facts.with_records(others) if others else facts
    made = whole.with_records([changed])
    made.written, made.is_whole = Written(whole, is_edit=False), True
    return made


def _beside(ask: Ask, key: Key, column: Column, was: Any) -> Iterator[tuple[str, Any, list[Any]]]:
    """Return the values beside one: each as it is written down, and the records that it takes."""
    if column.words is not None:
        yield from ((str(word), word, []) for word in column.words if word != was)
        if column.is_optional and was is not None:
            yield "nothing", None, []
    elif column.type is bool:
        yield str(not was).lower(), not was, []
    elif column.is_instant:
        yield from ((word, at, []) for word, at in _times(ask.now) if at != was)
    elif column.ref in ("Person", "Membership") and was is not None and key[0] != "Person":
        yield from _accounts(ask.facts, column.ref, was)


def words_of(column: Column) -> frozenset[str]:
    """Return what a value of a column may be written down as."""
    if column.words is not None:
        return frozenset(map(str, column.words)) | ({"nothing"} if column.is_optional else set())
    if column.type is bool:
        return frozenset(("true", "false"))
    return frozenset(word for word, _ in _times(0)) if column.is_instant else frozenset((ACCOUNT,))


def _times(now: int) -> Iterator[tuple[str, int]]:
    hour, day = UNITS_OF_TIME["hour"], UNITS_OF_TIME["day"]
    yield "never", NEVER
    yield "years ago", now - 3000 * day
    yield "before", now - hour
    yield "after", now + hour
    yield "forever", FOREVER


def _accounts(facts: FactSet, record_type: str, record_id: str) -> Iterator[tuple[str, Any, list[Any]]]:
    """Return the same human by another account, who is known by it wherever they are a member."""
    person_id = record_id if record_type == "Person" else facts.get(("Membership", record_id)).person_id
    person = facts.get(("Person", person_id))
    if person.same_as_id is None:
        other = {"id": f"{person_id}-2", "id_hash": f"{person.id_hash}-2", "same_as_id": person_id}
        account = dataclasses.replace(person, realname_state="REVOKED", **other)
        own = [facts.get(("Membership", each)) for each in facts.of("Membership")]
        places = [
            dataclasses.replace(each, id=f"{each.id}-2", person_id=account.id)
            for each in own
            if each.person_id == person_id
        ]
        yield ACCOUNT, f"{record_id}-2", [account, *places]
