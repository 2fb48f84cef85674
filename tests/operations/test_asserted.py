"""Acts that need the person's own word: with it once, without it never, and nothing is changed by a wrong one."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from joserfc.jwk import OKPKey
from tiny.model import TINY, Document, facts

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions
from sealauthz.facts import Batch, FactCache, Put, Store, upgrade
from sealauthz.facts.store.database import Database
from sealauthz.operations import Assertions, Operations, Performance, Performed
from sealauthz.operations.assertions import load_issuer
from sealauthz.operations.signed_assertions import Issuer, read_keys
from sealauthz.runtime.errors import AssertionNeeded, ConfigRefused, FactConflict, FactsUnavailable
from sealauthz.schema import Duty, MetBy, Model, Part
from sealauthz_client.assertions import Signer

SECOND = 1_000_000
DAY = 86_400 * SECOND
NOW = 1_790_000_000 * SECOND
OURS = RequestOptions(caller="shop")
THEIRS = RequestOptions(caller="other shop")
SIGNER = Signer.fresh("id", "authz")
TRUSTED = Assertions("authz", [Issuer("id", read_keys(SIGNER.key_set))])
NEEDS_ONE = 'obligation(_: User, "archive", _: Document, _, "CONSUME_ASSERTION");'

_numbers = itertools.count()


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Archiving a document needs the person's assertion."""
    folder = tmp_path_factory.mktemp("asserted") / "policies"
    shutil.copytree(TINY.policies or Path(), folder)
    with (folder / "documents.polar").open("a", encoding="utf-8") as file:
        file.write(f"\n{NEEDS_ONE}\n")
    more = Part(duties=(Duty("CONSUME_ASSERTION", MetBy.PERSON),))
    return dataclasses.replace(TINY, policies=folder, parts=(*TINY.parts, more))


@pytest.fixture(scope="module")
def bundle(model: Model) -> Bundle:
    return Bundle.load(model)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, model: Model) -> str:
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path_factory.mktemp('asserted') / 'tiny.db'}"
    else:
        uri: str = request.getfixturevalue("postgresql_uri")
        name = f"asserted_{uuid.uuid4().hex}"
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        made = uri.replace("/postgres?", f"/{name}?")
    upgrade(made, model)
    store = Store.open(made, model, Clock())
    store.write(Batch("test", "facts", tuple(map(Put, facts()))))
    store.close()
    return made


class World:
    """One process on the facts: its clock, its store, and what it performs."""

    def __init__(self, url: str, model: Model, bundle: Bundle, assertions: Assertions | None = TRUSTED) -> None:
        self.clock = Clock()
        self.store = Store.open(url, model, self.clock)
        pdp = PolicyDecisionPoint(FactCache(self.store), bundle, self.clock)
        self.operations = Operations(self.store, pdp, assertions=assertions)

    def draft(self) -> str:
        """Put a draft of its own into the facts."""
        name = f"draft-{next(_numbers)}"
        self.store.write(Batch("test", name, (Put(Document(name, "plans", "bob", name, words=5)),)))
        return name

    def is_there(self, document_id: str) -> bool:
        return bool(self.store.read("Document", {"id": document_id}).records)

    def perform(self, performance: Performance, options: RequestOptions = OURS) -> Performed:
        return self.operations.perform(performance, options)


@pytest.fixture
def world(url: str, model: Model, bundle: Bundle) -> Iterator[World]:
    made = World(url, model, bundle)
    yield made
    made.store.close()


def archiving(document_id: str, request_id: str = "", who: str = "ann") -> Performance:
    question = Question(Entity("User", who), "archive", Entity("Document", document_id))
    return Performance(question, request_id or f"archive-{document_id}")


def signed(performance: Performance, signer: Signer = SIGNER, at: int = NOW, **changed: Any) -> Performance:
    """The same, with an assertion of its subject."""
    subject = changed.get("subject", str(performance.question.subject))
    digest = changed.get("digest", performance.digest)
    return dataclasses.replace(performance, assertion=signer.sign(subject, digest, now=at // SECOND))


def refuses(world: World, performance: Performance, said: str, options: RequestOptions = OURS) -> None:
    """Perform it and be refused: the error names the digest to sign, and nothing is changed, remembered or told."""
    document_id = performance.question.resource.id
    before = world.store.revision(), world.is_there(document_id)
    with pytest.raises(AssertionNeeded, match=said) as refused:
        world.perform(performance, options)
    assert refused.value.digest == performance.digest
    assert (world.store.revision(), world.is_there(document_id)) == before
    assert world.store.operation(options.caller, performance.request_id) is None


def test_an_act_is_performed_with_the_word_of_its_person(world: World) -> None:
    done = world.perform(signed(archiving(world.draft())))
    assert done
    # It is no obligation that is left to the caller.
    assert done.decision.obligations == ()
    assert done.operation is not None
    kept = world.store.operation_by_id("shop", done.operation.operation_id)
    assert kept is not None
    assert (kept["assertion"]["issuer"], len(kept["assertion"])) == ("id", 2)


def test_the_decision_beforehand_says_that_it_is_needed(world: World, model: Model, bundle: Bundle) -> None:
    pdp = PolicyDecisionPoint(FactCache(world.store), bundle, world.clock)
    decision = pdp.decide(archiving(world.draft()).question)
    assert [each.code for each in decision.obligations] == ["CONSUME_ASSERTION"]


def test_without_it_nothing_is_done(world: World) -> None:
    refuses(world, archiving(world.draft()), "the person must sign")


WRONG = {
    "another service": (Signer("id", "elsewhere", OKPKey.import_key(SIGNER.pem)), {}, "another audience"),
    "another issuer": (Signer("nobody", "authz", OKPKey.import_key(SIGNER.pem)), {}, "unknown issuer"),
    "another key": (Signer.fresh("id", "authz"), {}, "unknown key"),
    "another subject": (SIGNER, {"subject": "User:bob"}, "another subject"),
    "another act": (SIGNER, {"digest": archiving("d1", "r").digest}, "another act"),
    "a past time": (SIGNER, {"at": NOW - 60 * SECOND}, "expired"),
    "a time to come": (SIGNER, {"at": NOW + 60 * SECOND}, "not valid yet"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_is_refused_and_changes_nothing(world: World, name: str) -> None:
    signer, changed, said = WRONG[name]
    refuses(world, signed(archiving(world.draft()), signer, **changed), said)


def test_garbage_is_refused(world: World) -> None:
    for text in ("garbage", "a.b.c", "x" * 5_000):
        refuses(world, dataclasses.replace(archiving(world.draft()), assertion=text), "assertion")


def test_an_act_that_needs_none_refuses_a_wrong_one_too(world: World) -> None:
    question = Question(Entity("User", "ann"), "add", Entity("Folder", "plans"))
    performance = Performance(question, f"add-{next(_numbers)}", {"titles": [f"t{next(_numbers)}"]})
    refuses(world, dataclasses.replace(performance, assertion="garbage"), "no assertion")
    assert world.perform(signed(performance))


def test_without_trusted_issuers_every_assertion_and_every_such_act_is_refused(
    url: str, model: Model, bundle: Bundle
) -> None:
    world = World(url, model, bundle, None)
    performance = archiving(world.draft())
    refuses(world, performance, r"`\[assertions\]` of the configuration names no issuer")
    refuses(world, signed(performance), r"`\[assertions\]` of the configuration names no issuer")
    world.store.close()


def test_a_caller_forwards_only_what_it_may(world: World) -> None:
    world.operations.assertions = Assertions("authz", [Issuer("id", read_keys(SIGNER.key_set), frozenset({"shop"}))])
    performance = signed(archiving(world.draft()))
    refuses(world, performance, "may not forward", THEIRS)
    assert world.perform(performance)


def test_a_deny_does_not_use_it_up(world: World) -> None:
    document_id = world.draft()
    performance = signed(archiving(document_id, who="bob"))
    assert not world.perform(performance)
    assert not world.perform(performance)
    assert world.is_there(document_id)


def test_what_fails_does_not_use_it_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    performance = signed(archiving(world.draft()))
    with monkeypatch.context() as broken:
        broken.setattr("sealauthz.operations.operations.events_kept", _fail)
        with pytest.raises(FactsUnavailable, match="pulled"):
            world.perform(performance)
    assert world.perform(performance)


def _fail(*_arguments: object) -> None:
    raise FactsUnavailable("the plug was pulled")


def test_asking_again_needs_no_further_one(world: World) -> None:
    """Who lost the answer sends the same again, long after: the first answer comes, whatever assertion is with it."""
    performance = signed(archiving(world.draft()))
    first = world.perform(performance)
    assert first.operation is not None
    world.clock.now += 3_600 * SECOND
    for assertion in (performance.assertion, "", "garbage"):
        again = world.perform(dataclasses.replace(performance, assertion=assertion))
        assert again.is_replay
        assert again.operation == first.operation
    with pytest.raises(FactConflict):
        world.perform(signed(archiving("d1", performance.request_id), at=world.clock.now))


def test_another_caller_gets_nothing_by_the_same_request(world: World) -> None:
    """A request id that somebody else used is unused for this caller; the assertion, which it got hold of, is not."""
    performance = signed(archiving(world.draft()))
    assert world.perform(performance)
    # What the one performed the other does not learn: it gets what it would get without the first.
    bare = archiving(performance.question.resource.id, performance.request_id)
    told = [reason.code for reason in world.perform(bare, THEIRS).decision.reasons]
    assert [reason.code for reason in world.perform(performance, THEIRS).decision.reasons] == told


def test_one_assertion_serves_one_act(world: World) -> None:
    question = Question(Entity("User", "ann"), "add", Entity("Folder", "plans"))
    title = f"once {next(_numbers)}"
    performance = signed(Performance(question, f"add-{title}", {"titles": [title]}))
    assert world.perform(performance)
    refuses(world, performance, "used before", THEIRS)
    assert len(world.store.read("Document", {"title": title}).records) == 1


def test_an_issuer_that_gives_an_id_twice_gets_one_act(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealauthz_client.assertions.uuid.uuid4", lambda: "the same")
    assert world.perform(signed(archiving(world.draft())))
    refuses(world, signed(archiving(world.draft())), "used before")


def test_of_many_at_once_in_two_processes_one_performs(url: str, model: Model, bundle: Bundle, world: World) -> None:
    """Callers that share an assertion race for it, in a store each: no request waits for another's id."""
    other = World(url, model, bundle)
    question = Question(Entity("User", "ann"), "add", Entity("Folder", "plans"))
    for _ in range(4):
        title = f"raced {next(_numbers)}"
        performance = signed(Performance(question, f"add-{title}", {"titles": [title]}))
        start = threading.Barrier(6)

        def race(number: int, performance: Performance = performance, start: threading.Barrier = start) -> bool:
            start.wait()
            try:
                return bool((world, other)[number % 2].perform(performance, RequestOptions(caller=f"shop {number}")))
            except AssertionNeeded:
                return False

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(race, range(6))) == 1
        assert len(world.store.read("Document", {"title": title}).records) == 1
    other.store.close()


def test_an_assertion_that_ends_while_the_act_waits_is_not_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    performance = signed(archiving(world.draft()))
    real = Database.write

    def late(database: Database, *settings: str) -> Any:
        world.clock.now = NOW + 61 * SECOND
        return real(database, *settings)

    monkeypatch.setattr(Database, "write", late)
    refuses(world, performance, "expired")


def test_keys_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    for text, said in (("{", "cannot be read"), ("[]", "is no JSON Web Key Set"), ("\xff", "cannot be read")):
        file.write_bytes(text.encode("latin-1"))
        with pytest.raises(ConfigRefused, match=said):
            load_issuer("id", file, None)
    with pytest.raises(ConfigRefused, match="cannot be read"):
        load_issuer("id", tmp_path / "none.json", None)


def test_a_clock_that_is_ahead_for_a_moment_makes_no_assertion_new(url: str, model: Model, bundle: Bundle) -> None:
    """Whoever prunes meanwhile: the same assertion comes with another request, after the clock was set right."""
    world = World(url, model, bundle)
    name = world.draft()
    first = signed(archiving(name))
    done = world.perform(first)
    world.clock.now = NOW + 40 * DAY
    for writes in (False, True):
        if writes:
            world.draft()  # which has the time of that clock
        world.store.prune(world.clock.now - 30 * DAY, None)
    world.clock.now = NOW + 5 * SECOND
    world.store.write(Batch("test", f"{name} again", (Put(Document(name, "plans", "bob", name, words=5)),)))
    refuses(world, first, "used before", THEIRS)
    assert world.perform(first).operation == done.operation, "the same request is answered, and not performed again"
    assert world.is_there(name)
    world.store.close()


def test_an_assertion_is_forgotten_after_a_day_in_which_something_was_written(
    url: str, model: Model, bundle: Bundle
) -> None:
    world = World(url, model, bundle)
    performed = archiving(world.draft())
    world.clock.now += 50 * DAY  # later than what the test above has written
    assert world.perform(signed(performed, at=world.clock.now))
    for _ in range(23):
        world.clock.now += 3_600 * SECOND
        world.draft()
    world.store.prune(world.clock.now + DAY, None)
    assert world.store.operation("shop", performed.request_id) is not None
    for _ in range(2):
        world.clock.now += 3_600 * SECOND
        world.draft()
    world.store.prune(world.clock.now + DAY, None)
    assert world.store.operation("shop", performed.request_id) is None
    world.store.close()
