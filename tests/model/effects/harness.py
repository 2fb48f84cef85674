"""Performing acts in tests, and looking at the new facts.

The facts are those of the policy tests (`policies/tests/fixtures.yaml` tells who is who), and differ as each test says.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from own_word import TRUSTED, signed

from sealauthz.decision import Bundle, Decision, Entity, PolicyDecisionPoint, Question, RequestOptions
from sealauthz.decision.assembly import DEFAULT_OPTIONS, Case, assemble, everything
from sealauthz.facts import Store
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.store.batch import Batch
from sealauthz.model import MODEL
from sealauthz.model.records.identity import (
    IdentityVerification,
    VerificationMethod,
    VerificationPurpose,
    VerificationState,
)
from sealauthz.operations import Operations, Performance
from sealauthz.policytools.testing.fixtures import FactReader, FactSet
from sealauthz.policytools.testing.library import Library, LoadedFile, Start, plain
from sealauthz.schema import Event, Outcome, Put, Update

POLICY_TESTS = Path(__file__).resolve().parents[3] / "policies" / "tests"
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOW = 1_790_000_000 * SECOND

NAMES = {"enterprise_name", "sender_name", "seal_name", "seal_owner_name"}
"""What is found by the ids of an event when its text is read (`test_event_texts.py`)."""

Columns = Mapping[str, Mapping[str, Mapping[str, Any]]]


@cache
def bundle() -> Bundle:
    """The shipped policies."""
    return Bundle.load(MODEL)


@cache
def _start(file: str, fixture: str) -> tuple[LoadedFile, Start]:
    library = Library(MODEL)
    loaded = library.load(POLICY_TESTS / file)
    assert loaded is not None
    start = library.fixture(loaded, fixture, ("fixture",))
    library.refuse()
    return loaded, start


def facts(
    *situations: str,
    put: Columns | None = None,
    change: Columns | None = None,
    drop: Sequence[str] = (),
    file: str = "fixtures.yaml",
    fixture: str = "spruce",
) -> FactSet:
    """Facts of the policy tests with what differs, written as in them: situations of the file first."""
    loaded, start = _start(file, fixture)
    reader = FactReader(loaded.document)
    found = start.facts
    given = [loaded.situations[name][1] for name in situations]
    for puts, changes, drops in [
        *((plain(each.put), plain(each.change), each.drop) for each in given),
        (put or {}, change or {}, drop),
    ]:
        found = reader.put(found, puts, (), start.now, start.defaults)
        found = reader.change(found, changes, (), start.now)
        found = reader.drop(found, drops, ())
    reader.check_references(found, ())
    assert not reader.faults, [fault.message for fault in reader.faults]
    return found


class Clock:
    """The time of a world, for its store too."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class World:
    """A store of its own with some facts, in which persons act at `now`; `events` is what was told so far."""

    def __init__(self, store: Store, given: FactSet, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self.events: list[Event] = []
        self._numbers = itertools.count()
        self._cache = FactCache(store)
        self._pdp = PolicyDecisionPoint(self._cache, bundle(), clock)
        self._operations = Operations(store, self._pdp, assertions=TRUSTED)
        self.write(*given.records)

    @property
    def now(self) -> int:
        """The time of the world."""
        return self._clock.now

    @now.setter
    def now(self, now: int) -> None:
        self._clock.now = now

    def write(self, *records: Any) -> None:
        """Write records as the services do that own the outside world."""
        self._store(Put(record) for record in records)

    def change(self, *changes: tuple[str, str, Mapping[str, Any]]) -> None:
        """Change columns of records that are there, as those services do."""
        self._store(Update(*each) for each in changes)

    def _store(self, changes: Any) -> None:
        self.store.write(Batch("harness", f"write-{next(self._numbers)}", tuple(changes)))

    def ask(self, subject: str, action: str, resource: str, **context: Any) -> Decision:
        """Ask whether somebody may do something now."""
        return self._pdp.decide(_question(subject, action, resource, context))

    def intent_digest(self, subject: str, action: str, resource: str, **context: Any) -> str:
        """What a face check for an act must be bound to, beside its object."""
        with self._cache.read() as snapshot:
            asked = _question(subject, action, resource, context)
            case = assemble(MODEL, asked, snapshot, everything, self.now, "", bundle().parameters)
        assert isinstance(case, Case)
        return str(case.context.intent_digest)

    def codes(self, subject: str, action: str, resource: str, **context: Any) -> list[str]:
        """Why somebody may not do something now; empty if they may."""
        return [reason.code for reason in self.ask(subject, action, resource, **context).reasons]

    def perform(self, subject: str, action: str, resource: str, arguments: Any = None, **context: Any) -> Outcome:
        """Do what is allowed, and say what changed, was told and was made. An AssertionError where it is denied."""
        question = _question(subject, action, resource, context)
        given = {} if arguments is None else dataclasses.asdict(arguments, dict_factory=_stated)
        before = self.store.revision()
        performance = Performance(question, f"request-{next(self._numbers)}", given)
        done = self._operations.perform(signed(performance, self.now), RequestOptions(caller="harness"))
        assert done, [reason.code for reason in done.decision.reasons]
        assert done.operation is not None
        events = tuple(each.event for each in self.store.events_after((before + 1, -1), 1_000))
        check_told(events)
        self.events += events
        return Outcome(events=events, values=done.operation.values)

    def text(self, event: Event, language: str = "en", options: RequestOptions = DEFAULT_OPTIONS) -> str:
        """What an event says to people now."""
        known = {**self._pdp.names_for(event, options), **event.values}
        return bundle().texts.event(event.code, language, known)

    def get(self, record_type: str, record_id: str) -> Any:
        """A record as it is now; None if there is none."""
        with self._cache.read() as snapshot:
            return snapshot.find(record_type, record_id)


def check_told(events: Iterable[Event]) -> None:
    """What is told is declared, and its text finds in it whatever it may name."""
    for event in events:
        assert event.code in MODEL.events
        for language, variants in bundle().texts.events[event.code].items():
            named = set().union(*(re.findall(r"\{(\w+)\}", variant) for variant in variants))
            assert named - NAMES <= event.values.keys(), (event.code, language)


def _stated(values: list[tuple[str, Any]]) -> dict[str, Any]:
    """What a client says: no argument that is left out."""
    return {name: value for name, value in values if value is not None}


def face(check_id: str, person: str, purpose: str, bound_type: str, bound_id: str, digest: str = "") -> Any:
    """A face check that somebody passed a minute ago, bound to a record."""
    return IdentityVerification(
        check_id,
        person,
        VerificationMethod.FACE,
        VerificationPurpose(purpose),
        f"provider-{check_id}",
        bound_type,
        bound_id,
        digest,
        VerificationState.PASSED,
        NOW - MINUTE,
    )


NewWorld = Callable[..., World]
"""What makes the world of a test: `world("a situation", put=…, change=…)`, as `facts` takes it."""


def _question(subject: str, action: str, resource: str, context: Mapping[str, Any]) -> Question:
    record_type, _, record_id = resource.partition(":")
    return Question(Entity("Person", subject), action, Entity(record_type, record_id), context)
