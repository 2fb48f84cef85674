"""Following: what is proposed is loaded and reported, and a process without what decides answers nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from tiny.model import TINY

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.folder import model_for
from sealauthz.decision.policies import Policies
from sealauthz.facts import Batch, FactCache, Store, Update, upgrade
from sealauthz.facts.memory.consistency import FULL, uptime_s
from sealauthz.facts.store.activations import FOLDER
from sealauthz.facts.store.policies import PolicyStore, Proposal
from sealauthz.facts.store.upgrading import model_in
from sealauthz.rollout import Archive, Following, load_archive
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import PoliciesUnavailable, PolicyRefused

FRESH = RequestOptions(caller="shop", consistency=FULL)
PUBLISH = Question(Entity("User", "bob"), "publish", Entity("Document", "d1"), {"approver": "red-ann"})


class Process:
    """What a process has: the facts, the policies, and what follows them, which looks when it is told to."""

    def __init__(
        self, store: Store, base: Bundle, load: Callable[[Archive], Bundle] | None = None, *, obeys: bool = True
    ) -> None:
        self.loaded: list[str] = []
        self.told: list[tuple[str, Mapping[str, object]]] = []

        def loading(archive: Archive) -> Bundle:
            bundle = (load or (lambda archive: load_archive(TINY, archive)))(archive)
            self.loaded.append(bundle.version)
            return bundle

        self.cache = FactCache(store)
        self.policies = Policies(None, obeys=obeys)
        self.following = Following(
            store,
            self.cache,
            self.policies,
            loading,
            lambda: base,
            lambda event, numbers, _error: self.told.append((event, numbers)),
            ignored,
        )
        self.following.load_active()
        self.pdp = PolicyDecisionPoint(self.cache, self.policies)

    def look(self) -> None:
        self.cache.refresh(uptime_s())
        self.following.look()
        self.following.beat()

    def version(self) -> str:
        return self.pdp.decide(PUBLISH, FRESH).policy_version


def propose(kept: PolicyStore, archive: Archive, at: int, version: str = "") -> str:
    version = version or load_archive(TINY, archive).version
    kept.propose(Proposal(version, archive.digest, "ann", "", at, archive.text))
    return version


def activate(kept: PolicyStore, version: str) -> None:
    activated = kept.activated()
    kept.activate(version, kept.proposal(version).digest, activated[-1].version if activated else "", "bob")


def test_two_processes_switch_at_once(store: Store, archives: list[Archive], bundles: list[Bundle]) -> None:
    kept = PolicyStore(store)
    first, second = Process(store, bundles[0]), Process(store, bundles[0])
    versions = [propose(kept, archive, number) for number, archive in enumerate(archives)]
    first.look()
    second.following.beat()
    with pytest.raises(PolicyRefused, match="has not loaded them yet"):
        activate(kept, versions[1])
    second.look()
    assert first.version() == second.version() == versions[0]
    activate(kept, versions[1])
    # Nobody has looked since.
    assert first.version() == second.version() == versions[1]
    activate(kept, versions[2])
    kept.roll_back(versions[2], "ann")
    assert first.version() == second.version() == versions[1]
    # What decides and what decided before was in memory.
    first.look()
    assert first.loaded.count(versions[1]) == 1


def test_a_process_that_begins_has_what_decides(store: Store, archives: list[Archive], bundles: list[Bundle]) -> None:
    kept = PolicyStore(store)
    version = propose(kept, archives[1], 1)
    activate(kept, version)
    process = Process(store, bundles[0])
    assert process.following.serves == version
    assert process.policies.base is None
    assert process.version() == version
    obstinate = Process(store, bundles[0], obeys=False)
    assert obstinate.following.process().source == FOLDER
    assert obstinate.version() == bundles[0].version
    obstinate.look()
    other = propose(kept, archives[2], 2)
    with pytest.raises(PolicyRefused, match="serves its folder"):
        activate(kept, other)


def test_a_process_without_what_decides_answers_nothing(
    store: Store, archives: list[Archive], bundles: list[Bundle]
) -> None:
    """As one that was stopped for so long that it was taken for dead."""
    kept = PolicyStore(store)
    process = Process(store, bundles[0])
    version = propose(kept, archives[1], 1)
    activate(kept, version)
    with pytest.raises(PoliciesUnavailable, match="does not have them yet"):
        process.version()
    assert "does not have them yet" in process.following.problem
    process.look()
    assert process.following.problem == ""
    assert process.version() == version
    assert ("policies_active", {"policy_version": version}) in process.told


def test_a_proposal_that_cannot_be_loaded_says_why_and_harms_nobody(
    store: Store, archives: list[Archive], bundles: list[Bundle], variant: Callable[[int], Path]
) -> None:
    kept = PolicyStore(store)
    process = Process(store, bundles[0])
    folder = variant(501)
    (folder / "documents.polar").write_text("visible(_, _, _) if\n")
    broken = propose(kept, Archive.of_folder(TINY, folder), 1, "0123456789abcdef")
    lying = propose(kept, archives[2], 2, "fedcba9876543210")
    process.look()
    process.look()
    loaded = process.following.process().loaded
    assert loaded[broken].startswith("documents.polar:")
    assert loaded[lying] == f"the archive holds policies `{bundles[2].version}`, not `fedcba9876543210`"
    # Each was tried once.
    assert [event for event, _ in process.told] == ["policies_refused"] * 2
    assert process.following.problem == ""
    with pytest.raises(PolicyRefused, match=r"documents\.polar:"):
        activate(kept, broken)
    assert process.version() == bundles[0].version


def test_a_load_that_fails_by_accident_is_tried_again_where_it_matters(
    store: Store, archives: list[Archive], bundles: list[Bundle]
) -> None:
    kept = PolicyStore(store)
    failures = [OSError("no space left"), MemoryError(), OSError("no space left")]

    def load(archive: Archive) -> Bundle:
        if failures:
            raise failures.pop()
        return load_archive(TINY, archive)

    process = Process(store, bundles[0], load)
    version = propose(kept, archives[1], 1)
    process.look()
    assert process.following.process().loaded[version] == "an error of the load: OSError"
    kept.leave(process.following.id)
    activate(kept, version)
    for _ in range(2):
        with pytest.raises((OSError, MemoryError)):
            process.look()
        with pytest.raises(PoliciesUnavailable):
            process.version()
    process.look()
    assert process.version() == version


def test_only_so_many_are_in_memory(store: Store, archives: list[Archive], bundles: list[Bundle]) -> None:
    kept = PolicyStore(store)
    process = Process(store, bundles[0])
    versions = [propose(kept, archive, number) for number, archive in enumerate(archives)]
    process.look()
    assert set(process.policies.loaded) == set(versions[1:])
    # What is proposed again is the last proposal again.
    assert kept.proposals()[0].version == versions[2]
    propose(kept, archives[0], 10)
    process.look()
    assert versions[0] in process.policies.loaded


def test_threads_follow_by_themselves(store: Store, archives: list[Archive], bundles: list[Bundle]) -> None:
    kept = PolicyStore(store)
    process = Process(store, bundles[0])
    process.following.start()
    try:
        version = propose(kept, archives[1], 1)
        for _ in range(500):
            if [each.loaded.get(version) for each in kept.processes()] == [""]:
                break
            process.following.thread.rest(0.02)
        activate(kept, version)
        assert process.version() == version
    finally:
        process.following.stop()
    assert kept.processes() == []
    assert not process.following.thread.is_failing


def test_policies_that_need_what_the_database_lacks_are_neither_loaded_nor_activated(
    url: str, store: Store, bundles: list[Bundle], variant: Callable[[int], Path]
) -> None:
    folder = variant(501)
    (folder / "model.toml").write_text('[columns.User]\nscore = { type = "Integer", default = 0 }\n')
    with (folder / "documents.polar").open("a") as file:
        file.write('requires("publish", _: Document, "LOW_SCORE");\n')
        file.write('meets(user: User, "LOW_SCORE", "publish", _: Document, _) if user.score < 80;\n')
        file.write('otherwise("LOW_SCORE", "HIGH_SCORE");\nreason("HIGH_SCORE", 10, "USER", "WAIT");\n')
    extended, archive = model_for(TINY, folder), Archive.of_folder(TINY, folder)
    kept, process = PolicyStore(store), Process(store, bundles[0])
    version = propose(kept, archive, 1, load_archive(extended, archive).version)
    process.look()
    (event, numbers) = process.told[-1]
    assert event == "policies_refused"
    assert "model.toml:2: the policies need `User.score`, which the model here lacks" in str(numbers["message"])
    with pytest.raises(PolicyRefused):
        activate(kept, version)
    assert process.version() == bundles[0].version
    # The database gets it, and the process is started again: now it can have them.
    process.following.stop()
    upgrade(url, extended)
    with closing(Store.open(url, model_in(url, TINY))) as again:
        base = load_archive(again.model, Archive.of_folder(TINY, variant(500)))
        restarted = Process(again, base, lambda archive: load_archive(again.model, archive))
        restarted.look()
        activate(PolicyStore(again), version)
        assert restarted.version() == version
        assert restarted.pdp.decide(PUBLISH, FRESH)
        again.write(Batch("test", "score", (Update("User", "bob", {"score": 80}),)))
        assert [reason.code for reason in restarted.pdp.decide(PUBLISH, FRESH).reasons] == ["HIGH_SCORE"]
