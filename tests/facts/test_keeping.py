"""What is pruned: old history into an archive, and old keys of requests; nothing that anybody still needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from facts_scene import edited, scene, write

from sealauthz.facts import Batch, Consistency, FactCache, Part, Put, Store
from sealauthz.facts.store import keeping
from sealauthz.model import MODEL
from sealauthz.model.records.seals import Seal
from sealauthz.runtime.errors import RevisionGone

DAY = 86_400_000_000
FULL = Consistency(is_full=True)


@pytest.fixture
def clock() -> list[int]:
    return [1_000 * DAY]


@pytest.fixture
def store(database_url: str, clock: list[int]) -> Any:
    store = Store.open(database_url, MODEL, lambda: clock[0])
    write(store, *scene())
    for number in range(4):
        clock[0] += DAY
        write(store, edited("Seal", "s1", name=f"name {number}"))
    yield store
    store.close()


def test_old_history_goes_into_the_archive_and_then_only(
    store: Store, clock: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_REVISIONS_AT_ONCE", 2)
    whole = {revision.number: list(revision.changes) for revision in store.changes_after(0, 99).revisions}
    cache = FactCache(store, max_age_s=1e9)
    assert cache.answer(lambda snapshot: snapshot.find("Seal", "s1").name) == "name 3"
    archive: list[str] = []
    assert store.prune(clock[0] - DAY, None).revisions == 0, "without an archive none is"
    assert store.prune(clock[0] - DAY, archive.extend).revisions == 3
    kept = [json.loads(line) for line in archive]
    assert [line["revision"] for line in kept] == [1, 2, 3]
    assert all(len(line["changes"]) == len(whole[line["revision"]]) for line in kept)
    assert {"at", "caller", "request_id"} <= set(kept[0])
    # Who watches goes on from where history begins, and is told where it does not.
    assert [revision.number for revision in store.changes_after(3, 99).revisions] == [4, 5]
    with pytest.raises(RevisionGone):
        store.changes_after(1, 99)
    # Nor is a process that was away for so long misled.
    assert cache.answer(lambda snapshot: snapshot.find("Seal", "s1").name, FULL) == "name 3"
    assert write(store, edited("Seal", "s1", name="next")).revision == 6
    assert cache.answer(lambda snapshot: snapshot.find("Seal", "s1").name, FULL) == "next"


def test_the_newest_revision_is_never_pruned(store: Store, clock: list[int]) -> None:
    archive: list[str] = []
    assert store.prune(clock[0] + 99 * DAY, archive.extend).revisions == 4
    assert store.revision() == 5
    assert write(store, edited("Seal", "s1", name="next")).revision == 6


def test_what_cannot_be_archived_stays(store: Store, clock: list[int]) -> None:
    def full(_: Sequence[str]) -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        store.prune(clock[0] + DAY, full)
    assert len(store.changes_after(0, 99).revisions) == 5


def test_keys_of_requests_go_but_for_those_of_open_imports(store: Store, clock: list[int]) -> None:
    batch = Batch("test", "again", (Put(edited("Person", "ann", phone="1380000")),))
    store.write(batch)
    part = Part("i", frozenset({"e1"}), 1)
    records = [Seal("s9", "e1", "seal", "OTHER")]  # type: ignore[arg-type]
    store.import_part("importer", part, records)
    other = replace(part, import_id="done", tenants=frozenset({"e2"}))
    store.import_part("importer", replace(other, is_last=True))
    clock[0] += 10 * DAY
    assert store.prune(clock[0] - 20 * DAY, None).requests == 0
    pruned = store.prune(clock[0] - DAY, None)
    assert pruned.requests == 5 + 1 + 1
    assert store.import_part("importer", part, records).written.is_replay
    (item,) = store.open_imports()
    assert item.last_at == clock[0] - 10 * DAY
    assert not store.write(batch).is_replay
