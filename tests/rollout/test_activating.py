"""Activations: one at a time, by two people, once every process is ready; and each answer is by what decided then."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.paging import Paging
from sealauthz.decision.policies import Policies
from sealauthz.decision.question import ListQuery, Root
from sealauthz.facts import Batch, FactCache, Feed, Store, Update
from sealauthz.facts.memory.consistency import FULL
from sealauthz.facts.store.activations import ACTIVATE, FOLDER, ROLL_BACK, STORE, Activated, Process
from sealauthz.facts.store.policies import KEPT_PROPOSALS, PolicyStore, Proposal
from sealauthz.operations import Operations, Performance
from sealauthz.rollout import Archive
from sealauthz.runtime.errors import PoliciesUnavailable, PolicyRefused, PolicyUnknown, RevisionGone

OPTIONS = RequestOptions(caller="shop")
FRESH = RequestOptions(caller="shop", consistency=FULL)
PUBLISH = Question(Entity("User", "bob"), "publish", Entity("Document", "d1"), {"approver": "red-ann"})  # of 120 words


@dataclass(frozen=True)
class Rollout:
    """The policies of a store, with three proposals of Ann's."""

    kept: PolicyStore
    archives: list[Archive]
    versions: list[str]

    def activate(self, number: int, expected: str | None = None) -> int:
        """Activate a proposal, and return the revision."""
        if expected is None:
            activated = self.kept.activated()
            expected = activated[-1].version if activated else ""
        return self.kept.activate(self.versions[number], self.archives[number].digest, expected, "bob").revision

    def on(self, store: Store) -> Rollout:
        """The same as another process has them."""
        return replace(self, kept=PolicyStore(store))


@pytest.fixture
def rollout(store: Store, archives: list[Archive], bundles: list[Bundle]) -> Rollout:
    kept = PolicyStore(store)
    for number, (archive, bundle) in enumerate(zip(archives, bundles, strict=True)):
        kept.propose(Proposal(bundle.version, archive.digest, "ann", f"proposal {number}", number, archive.text))
    return Rollout(kept, archives, [bundle.version for bundle in bundles])


def process(name: str, **loaded: str) -> Process:
    return Process(name, name, "1", STORE, "", loaded)


def why(refused: pytest.ExceptionInfo[PolicyRefused]) -> str:
    return refused.value.why


def test_a_proposal_is_kept_once(rollout: Rollout) -> None:
    version = rollout.versions[0]
    again = rollout.kept.propose(
        Proposal(version, rollout.archives[0].digest, "bob", "again", 99, rollout.archives[0].text)
    )
    # Whoever sends the same later is not its author.
    assert (again.author, again.note, again.content) == ("ann", "proposal 0", rollout.archives[0].text)
    assert [each.note for each in rollout.kept.proposals()] == ["proposal 0", "proposal 2", "proposal 1"]
    with pytest.raises(PolicyRefused) as refused:
        rollout.kept.propose(Proposal(version, rollout.archives[1].digest, "eve", "", 99, rollout.archives[1].text))
    assert why(refused) == "VERSION_TAKEN"
    assert rollout.kept.proposal(version).content == rollout.archives[0].text
    with pytest.raises(PolicyUnknown):
        rollout.kept.proposal("0" * 16)


def test_an_activation_is_a_revision(store: Store, rollout: Rollout) -> None:
    before = store.revision()
    assert rollout.kept.activated() == ()
    first, second = rollout.activate(0), rollout.activate(1)
    assert (first, second, store.revision()) == (before + 1, before + 2, before + 2)
    assert rollout.kept.activated() == (Activated(first, rollout.versions[0]), Activated(second, rollout.versions[1]))
    newest, oldest = rollout.kept.activations()
    assert (newest.previous, newest.kind, newest.author, newest.approver) == (
        rollout.versions[0],
        ACTIVATE,
        "ann",
        "bob",
    )
    assert oldest.previous == ""
    assert [revision.number for revision in store.changes_after(before, 10).revisions] == [first, second]


def test_an_activation_is_in_the_log_of_decisions(store: Store, rollout: Rollout) -> None:
    """With its revision, in the same transaction; the note is a text of a person and is left out."""
    rollout.activate(0)
    rollout.activate(1)
    with pytest.raises(PolicyRefused):
        rollout.activate(2, expected="another")
    with store.plain_connection() as connection:
        rows = connection.exec_driver_sql("SELECT records FROM audit_pending ORDER BY id").scalars()
        records = [json.loads(row) for row in rows]
    assert [each["policy"] for each in records] == rollout.versions[:2]
    said = {name: records[1][name] for name in ("kind", "change", "previous", "author", "caller")}
    assert said == {
        "kind": "PolicyActivation",
        "change": ACTIVATE,
        "previous": rollout.versions[0],
        "author": "ann",
        "caller": "bob",
    }
    assert [each["revision"] for each in records] == [each.revision for each in rollout.kept.activated()]


def test_who_proposed_cannot_activate(rollout: Rollout) -> None:
    with pytest.raises(PolicyRefused) as refused:
        rollout.kept.activate(rollout.versions[0], rollout.archives[0].digest, "", "ann")
    assert why(refused) == "SAME_PERSON"
    assert rollout.kept.activated() == ()


def test_what_is_activated_is_what_was_looked_at(rollout: Rollout) -> None:
    with pytest.raises(PolicyRefused) as refused:
        rollout.kept.activate(rollout.versions[0], rollout.archives[1].digest, "", "bob")
    assert why(refused) == "ANOTHER_DIGEST"
    with pytest.raises(PolicyUnknown):
        rollout.kept.activate("0" * 16, rollout.archives[1].digest, "", "bob")


def test_an_activation_names_what_it_replaces(rollout: Rollout) -> None:
    rollout.activate(0)
    for expected in ("", rollout.versions[2]):
        with pytest.raises(PolicyRefused) as refused:
            rollout.kept.activate(rollout.versions[1], rollout.archives[1].digest, expected, "bob")
        assert why(refused) == "ANOTHER_IS_ACTIVE"
    with pytest.raises(PolicyRefused) as refused:
        rollout.kept.activate(rollout.versions[0], rollout.archives[0].digest, rollout.versions[0], "bob")
    assert why(refused) == "IS_ACTIVE"


def test_of_two_at_once_exactly_one_wins(rollout: Rollout) -> None:
    begin = threading.Barrier(2)

    def attempt(number: int) -> str:
        begin.wait(10)
        try:
            rollout.kept.activate(rollout.versions[number], rollout.archives[number].digest, "", "bob")
        except PolicyRefused as error:
            return error.why
        return rollout.versions[number]

    with ThreadPoolExecutor(2) as pool:
        done = sorted(pool.map(attempt, (0, 1)), key=len)
    (active,) = rollout.kept.activated()
    assert set(done) == {"ANOTHER_IS_ACTIVE", active.version}


def test_every_live_process_must_be_ready(store: Store, rollout: Rollout) -> None:
    version, digest = rollout.versions[0], rollout.archives[0].digest

    def refusal() -> str:
        with pytest.raises(PolicyRefused) as refused:
            rollout.kept.activate(version, digest, "", "bob")
        assert why(refused) == "NOT_READY"
        return str(refused.value)

    rollout.kept.beat(process("first", **{version: ""}))
    rollout.kept.beat(process("second"))
    assert "`second`: it has not loaded them yet" in refusal()
    rollout.kept.beat(process("second", **{version: "roles.polar:7: no"}))
    assert "`second`: roles.polar:7: no" in refusal()
    rollout.kept.beat(replace(process("second", **{version: ""}), source=FOLDER))
    assert "`second`: it serves its folder" in refusal()
    rollout.kept.leave("second")
    rollout.kept.beat(process("third"))
    with store.writing() as connection:
        # As one that was stopped for some time.
        connection.exec_driver_sql("UPDATE policy_process SET seen_at = seen_at - 11000000 WHERE id = 'third'")
    assert [(each.name, each.is_live) for each in rollout.kept.processes()] == [("first", True), ("third", False)]
    assert rollout.kept.activate(version, digest, "", "bob").version == version


def test_a_roll_back_goes_to_what_was_before(rollout: Rollout) -> None:
    first, second, third = rollout.versions
    with pytest.raises(PolicyRefused) as refused:
        rollout.kept.roll_back("", "ann")
    assert why(refused) == "NOTHING_BEFORE"
    for number in range(3):
        rollout.activate(number)
    rollout.kept.beat(process("slow"))  # waits for nobody
    with pytest.raises(PolicyRefused) as refused:
        rollout.kept.roll_back(second, "ann")
    assert why(refused) == "ANOTHER_IS_ACTIVE"
    done = rollout.kept.roll_back(third, "ann", "wrong allow")
    assert (done.version, done.previous, done.kind, done.approver, done.note) == (
        second,
        third,
        ROLL_BACK,
        "ann",
        "wrong allow",
    )
    # And on, and never to what was rolled back from: that takes two people again.
    assert rollout.kept.roll_back(second, "ann").version == first
    with pytest.raises(PolicyRefused) as refused:
        rollout.kept.roll_back(first, "ann")
    assert why(refused) == "NOTHING_BEFORE"


def test_nobody_gets_alone_what_was_rolled_back_from(rollout: Rollout) -> None:
    """Also where it had decided before as well; and what two people activate again is no longer withdrawn."""
    first, second, _ = rollout.versions
    for number in (0, 1, 0):
        rollout.activate(number)
    assert rollout.kept.roll_back(first, "ann").version == second
    with pytest.raises(PolicyRefused) as refused:
        rollout.kept.roll_back(second, "ann")
    assert why(refused) == "NOTHING_BEFORE"
    rollout.activate(0)
    rollout.activate(2)
    assert rollout.kept.roll_back(rollout.versions[2], "ann").version == first
    assert rollout.kept.roll_back(first, "ann").version == second


def test_a_roll_back_overlooks_nothing_that_came_between(rollout: Rollout, store: Store) -> None:
    """Between its look and its commit, what it would go back to is activated and rolled back from."""
    first, second, _ = rollout.versions
    rollout.activate(0)
    rollout.activate(1)
    other = PolicyStore(store)

    class Slow(PolicyStore):
        def proposal(self, version: str) -> Proposal:
            found = super().proposal(version)  # the last thing that a roll-back looks at
            rollout.activate(0)
            other.roll_back(first, "bob")
            return found

    with pytest.raises(PolicyRefused, match="activated again") as refused:
        Slow(store).roll_back(second, "ann")
    assert why(refused) == "ANOTHER_IS_ACTIVE"
    assert other.activated()[-1].version == second


def test_old_proposals_go_and_what_decided_stays(rollout: Rollout) -> None:
    rollout.activate(0)
    for number in range(KEPT_PROPOSALS + 5):
        rollout.kept.propose(Proposal(f"{number:016}", f"d{number}", "ann", "", 100 + number, "x"))
    versions = [each.version for each in rollout.kept.proposals()]
    assert len(versions) == KEPT_PROPOSALS + 1
    assert rollout.versions[0] in versions
    assert f"{5:016}" in versions
    assert f"{4:016}" not in versions


# --- what decides -----------------------------------------------------------------------------------------------------


@pytest.fixture
def other(store: Store, url: str) -> Iterator[Store]:
    """The store as another process has it."""
    with contextlib.closing(Store.open(url, store.model)) as other:
        yield other


@pytest.fixture
def cache(store: Store) -> FactCache:
    return FactCache(store)


@pytest.fixture
def policies(bundles: list[Bundle]) -> Policies:
    """All three bundles, the first of them as the folder's, too."""
    policies = Policies(bundles[0])
    for bundle in bundles:
        policies.add(bundle)
    return policies


@pytest.fixture
def pdp(cache: FactCache, policies: Policies) -> PolicyDecisionPoint:
    return PolicyDecisionPoint(cache, policies)


def test_an_answer_is_by_what_decides_at_its_revision(pdp: PolicyDecisionPoint, rollout: Rollout) -> None:
    assert pdp.decide(PUBLISH, OPTIONS)
    revision = rollout.activate(1)
    denied = pdp.decide(PUBLISH, OPTIONS)
    assert (bool(denied), denied.policy_version, denied.revision) == (False, rollout.versions[1], revision)
    assert [reason.code for reason in denied.reasons] == ["TOO_LONG"]
    assert [
        each.policy_version for each in pdp.decide_many([PUBLISH] * 2, OPTIONS) if not isinstance(each, Exception)
    ] == [rollout.versions[1]] * 2
    rollout.activate(0)
    assert pdp.decide(PUBLISH, OPTIONS)


def test_answers_of_older_facts_are_by_what_decided_then(
    store: Store, pdp: PolicyDecisionPoint, other: Store, rollout: Rollout
) -> None:
    before = pdp.decide(PUBLISH, OPTIONS)
    # Another process: what is in memory here is of before, and may be for some time.
    revision = rollout.on(other).activate(1)
    still = pdp.decide(PUBLISH, OPTIONS)
    assert (still.policy_version, still.revision) == (before.policy_version, before.revision)
    assert before.revision < revision
    now = pdp.decide(PUBLISH, FRESH)
    assert (now.policy_version, now.revision) == (rollout.versions[1], revision)


def test_nothing_is_answered_without_the_policies_that_decide(
    cache: FactCache, bundles: list[Bundle], rollout: Rollout
) -> None:
    policies = Policies(bundles[0])
    pdp = PolicyDecisionPoint(cache, policies)
    rollout.activate(1)
    listed = ListQuery(Root.SUBJECT, Entity("User", "ann"), "read", "Document")
    asks: list[Callable[[], object]] = [
        lambda: pdp.decide(PUBLISH, OPTIONS),
        lambda: pdp.decide_many([PUBLISH], OPTIONS),
        lambda: pdp.decide_to_act(PUBLISH, lambda *_: None, OPTIONS),
        lambda: pdp.actions(PUBLISH.subject, PUBLISH.resource, {}, OPTIONS),
        lambda: pdp.actions_except(PUBLISH.subject, PUBLISH.resource, ["APPROVED"], {}, OPTIONS),
        lambda: pdp.explain(PUBLISH, OPTIONS),
        lambda: pdp.list_page(listed, options=OPTIONS),
        lambda: pdp.unmet(PUBLISH),
        lambda: pdp.in_principle(PUBLISH),
    ]
    for ask in asks:
        with pytest.raises(PoliciesUnavailable):
            ask()
    policies.add(bundles[1])
    assert pdp.decide(PUBLISH, OPTIONS).policy_version == rollout.versions[1]
    # Whose own folder counts in any case is no part of it.
    obstinate = PolicyDecisionPoint(cache, Policies(bundles[0], obeys=False))
    assert obstinate.decide(PUBLISH, OPTIONS).policy_version == rollout.versions[0]


def test_a_list_does_not_go_on_with_other_policies(pdp: PolicyDecisionPoint, rollout: Rollout) -> None:
    query = ListQuery(Root.SUBJECT, Entity("User", "bob"), "read", "Document")
    first = pdp.list_page(query, Paging(1), OPTIONS)
    assert first.next_page_token
    assert pdp.list_page(query, Paging(1, first.next_page_token), OPTIONS).revision == first.revision
    rollout.activate(1)
    rollout.activate(0)
    with pytest.raises(RevisionGone, match="policies"):
        pdp.list_page(query, Paging(1, first.next_page_token), OPTIONS)


def test_an_act_is_decided_again_after_an_activation(
    store: Store, pdp: PolicyDecisionPoint, other: Store, rollout: Rollout
) -> None:
    operations = Operations(store, pdp)
    decide, decided = pdp.decide_to_act, []
    # By another process, of which this one has heard nothing.
    elsewhere = rollout.on(other)

    def and_then(question, follow, options):  # type: ignore[no-untyped-def]
        found = decide(question, follow, options)
        decided.append(found[0])
        if len(decided) == 1:
            elsewhere.activate(1)
        return found

    pdp.decide_to_act = and_then  # type: ignore[method-assign]
    done = operations.perform(Performance(PUBLISH, "r1"), OPTIONS)
    assert [bool(each) for each in decided] == [True, False]
    assert not done
    assert done.decision.policy_version == rollout.versions[1]
    assert store.operation("shop", "r1") is None


def test_a_stale_process_notices_whoever_activated(
    store: Store, cache: FactCache, pdp: PolicyDecisionPoint, other: Store, rollout: Rollout
) -> None:
    pdp.decide(PUBLISH, OPTIONS)
    for number in (1, 2, 0, 1):
        revision = rollout.on(other).activate(number)
        other.write(Batch("other", f"r{revision}", (Update("Document", "d1", {"words": 121}),)))
    # A write of our own tells of what came before it, too.
    store.write(Batch("test", "mine", (Update("Document", "d1", {"words": 120}),)))
    assert pdp.decide(PUBLISH, OPTIONS).policy_version == rollout.versions[1]
    assert cache.timeline.activated == rollout.kept.activated()


def test_answers_under_load_are_by_what_decided_at_their_revision(
    store: Store, cache: FactCache, pdp: PolicyDecisionPoint, rollout: Rollout
) -> None:
    """Questions, lists and writes while policies change all the time: each answer is joined with what decided."""
    feed = Feed(cache, store, lambda *_: None, 0.01)
    feed.start()
    stopping = threading.Event()
    query = ListQuery(Root.SUBJECT, Entity("User", "bob"), "read", "Document")

    def ask() -> Iterator[tuple[int, str, int | None]]:
        number = 0
        while not stopping.is_set():
            number += 1
            decision = pdp.decide(PUBLISH, FRESH if number % 5 == 0 else OPTIONS)
            yield decision.revision, decision.policy_version, None if decision else len(decision.reasons)
            page = pdp.list_page(query, options=OPTIONS)
            yield page.revision, page.policy_version, None

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(lambda: list(ask())) for _ in range(2)]
        try:
            for number in range(12):
                rollout.activate((number + 1) % 3)
                store.write(Batch("test", f"w{number}", (Update("Document", "d1", {"words": 100 + number}),)))
        finally:
            stopping.set()
        answers = [answer for each in asked for answer in each.result(30)]
    feed.stop()
    line = rollout.kept.activated()
    assert len(line) == 12
    allowing = rollout.versions[0]
    for revision, version, denied in answers:
        active = [each.version for each in line if each.revision <= revision]
        assert version == (active[-1] if active else allowing)
        assert denied is None or version != allowing
    assert len({version for _, version, _ in answers}) > 1
