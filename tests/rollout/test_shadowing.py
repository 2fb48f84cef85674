"""A candidate runs in the shadow of every process, and what they find is put together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest
from tiny.model import TINY

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.policies import Policies
from sealauthz.facts import FactCache, Store
from sealauthz.facts.store.shadows import ShadowRun, ShadowStore
from sealauthz.policytools.diff.shadow import Difference
from sealauthz.policytools.diff.shadow_reports import ShadowSummary, summary
from sealauthz.policytools.diff.shadowing import Shadowing
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import PolicyUnknown

PUBLISH = Question(Entity("User", "bob"), "publish", Entity("Document", "d1"), {"approver": "red-ann"})
ASKED = RequestOptions(caller="shop")


class Process:
    """What a process has: it looks for a candidate when it is told to."""

    def __init__(self, store: Store, bundles: list[Bundle], name: str) -> None:
        self.told: list[tuple[str, Mapping[str, object]]] = []
        known = {bundle.version: bundle for bundle in bundles}

        def get(version: str) -> Bundle:
            if version not in known:
                raise PolicyUnknown(f"there are no policies `{version}`")
            return known[version]

        cache = FactCache(store)
        self.pdp = PolicyDecisionPoint(cache, Policies(bundles[0]))
        self.shadowing = Shadowing(
            ShadowStore(store),
            cache,
            self.pdp,
            get,
            name,
            lambda event, numbers, _error: self.told.append((event, numbers)),
            ignored,
        )

    def ask(self, times: int) -> None:
        for _ in range(times):
            self.pdp.decide(PUBLISH, ASKED)


@pytest.fixture
def processes(store: Store, bundles: list[Bundle]) -> Iterator[list[Process]]:
    made = [Process(store, bundles, name) for name in ("one", "two")]
    yield made
    for process in made:
        process.shadowing.stop()


def until_compared(processes: list[Process], store: ShadowStore, count: int) -> ShadowSummary:
    """Look until so many questions were compared in all."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for process in processes:
            process.shadowing.look()
        found = summary(store.reports())
        if found is not None and found.compared >= count:
            return found
        time.sleep(0.02)
    raise AssertionError("nothing is compared")


def test_what_all_processes_find_is_put_together(store: Store, bundles: list[Bundle], processes: list[Process]) -> None:
    kept = ShadowStore(store)
    for process in processes:
        process.shadowing.look()
        process.ask(1)
    assert summary(kept.reports()) is None
    kept.begin(bundles[1].version, 1.0, 0.9, "ann", 1)
    for process, times in zip(processes, (3, 2), strict=True):
        process.shadowing.look()
        process.ask(times)
    found = until_compared(processes, kept, 5)
    assert (found.active, found.candidate) == (bundles[0].version, bundles[1].version)
    assert (found.processes, found.sampled, found.compared) == (2, 5, 5)
    (loss,) = found.differences
    assert (loss.kind.difference, loss.kind.action, loss.count) == (Difference.LOSS, "publish", 5)
    assert [example.subject for example in loss.examples] == [PUBLISH.subject]
    assert loss.kind.causes[0].parameters == ("longest",)


def test_another_candidate_begins_again_and_the_end_keeps_what_was_found(
    store: Store, bundles: list[Bundle], processes: list[Process]
) -> None:
    kept, process = ShadowStore(store), processes[0]
    for number, version in enumerate((bundles[1].version, bundles[2].version), 1):
        kept.begin(version, 1.0, 0.9, "ann", number)
        process.shadowing.look()
        process.ask(number)
        found = until_compared([process], kept, number)
        assert (found.candidate, found.compared) == (version, number)
    assert kept.end()
    assert not kept.end()
    process.shadowing.look()
    assert process.pdp.listener is None
    process.ask(3)
    found = summary(kept.reports())
    assert found is not None
    assert found.compared == 2
    assert [event for event, _ in process.told] == ["shadow_began", "shadow_ended"] * 2


def test_a_report_of_a_run_that_is_over_is_not_kept(store: Store, bundles: list[Bundle]) -> None:
    kept = ShadowStore(store)
    over = kept.begin(bundles[1].version, 1.0, 0.9, "ann", 1)
    kept.begin(bundles[2].version, 1.0, 0.9, "ann", 2)
    kept.tell(over, "one", "{}")
    assert kept.reports() == []


def test_of_two_that_begin_at_once_all_take_the_same(store: Store, bundles: list[Bundle]) -> None:
    kept = ShadowStore(store)
    first = kept.begin(bundles[1].version, 1.0, 0.9, "ann", 1)
    second = ShadowRun("other", bundles[2].version, 0.5, 0.1, "bob", 2)
    with store.writing() as connection:  # as another process would that saw no row yet
        connection.exec_driver_sql(
            f"INSERT INTO policy_shadow VALUES ('other', '{second.version}', 0.5, 0.1, 'bob', 2)"
        )
    assert kept.run() == second
    kept.tell(first, "one", "{}")
    assert kept.reports() == []


def test_a_candidate_that_is_not_there_is_told_once(
    store: Store, bundles: list[Bundle], processes: list[Process]
) -> None:
    ShadowStore(store).begin("absent", 1.0, 0.9, "ann", 1)
    for _ in range(3):
        processes[0].shadowing.look()
    assert [event for event, _ in processes[0].told] == ["shadow_refused"]
    assert processes[0].pdp.listener is None


def test_its_thread_looks_by_itself(store: Store, bundles: list[Bundle], processes: list[Process]) -> None:
    kept, process = ShadowStore(store), processes[0]
    kept.begin(bundles[1].version, 1.0, 0.9, "ann", 1)
    process.shadowing.start()
    deadline = time.monotonic() + 60
    while not kept.reports() and time.monotonic() < deadline:
        process.ask(1)
        time.sleep(0.02)
    assert kept.reports()
    assert TINY is store.model
