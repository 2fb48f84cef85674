"""Activity as it is kept: in the transaction of what it tells, for each tenant that it is of, as long as history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny.model import TINY, DocState, Document, facts

from sealauthz.facts import Batch, Part, Put, Store, Update, upgrade
from sealauthz.facts.store.activity import ActivityFilter, activity_of
from sealauthz.facts.store.rows import RecordRows
from sealauthz.model import MODEL
from sealauthz.model.records.organisation import Enterprise
from sealauthz.model.records.seal_uses import SealUse
from sealauthz.model.records.seals import HoldSource, HoldState, Seal, SealHold, SealKind, SealState
from sealauthz.schema import Change, Changes

FROM, TO = (-1, 0), (2**62, 0)
OF_E1 = ActivityFilter(frozenset({"E1"}))


@pytest.fixture
def seal(store: Store) -> Store:
    seal = Seal("S1", "E1", "contract seal", SealKind.CONTRACT, SealState.ACTIVE)
    store.write(Batch("test", "facts", (Put(Enterprise("E1", "Ying", "91350100M000100Y43")), Put(seal))))
    return store


def codes(store: Store, wanted: ActivityFilter = OF_E1, **how: Any) -> list[str]:
    return [each.code for each in store.activity(wanted, FROM, TO, 100, **how)]


def test_activity_is_kept_with_what_it_tells(seal: Store) -> None:
    receipt = seal.write(Batch("test", "hold", (Put(SealHold("H1", "S1", HoldSource.ADMIN, 5)),)))
    (made, held) = seal.activity(OF_E1, FROM, TO, 100)
    assert (made.code, made.topic_id) == ("SEAL_MADE", "S1")
    assert (held.code, held.tenant_id, held.topic_id, held.subject_id) == ("SEAL_HOLD_PLACED", "E1", "S1", "")
    assert (held.place, held.at) == ((receipt.revision, 0), receipt.at)
    assert (held.about, held.judged) == (("SealHold", "H1"), ("view_log", "Seal", "S1"))
    assert codes(seal, is_newest_first=True) == ["SEAL_HOLD_PLACED", "SEAL_MADE"]


def test_what_is_refused_or_repeated_or_changes_nothing_tells_nothing(seal: Store) -> None:
    seal.write(Batch("test", "hold", (Put(SealHold("H1", "S1", HoldSource.ADMIN, 5)),)))
    before = codes(seal)
    seal.write(Batch("test", "hold", (Put(SealHold("H1", "S1", HoldSource.ADMIN, 5)),)))
    seal.write(Batch("test", "same", (Update("SealHold", "H1", {"state": HoldState.PLACED}),)))
    with pytest.raises(Exception, match="REFERENCE"):
        seal.write(Batch("test", "none", (Put(SealHold("H2", "none", HoldSource.ADMIN, 5)),)))
    assert codes(seal) == before


def test_what_an_import_brings_in_is_no_activity(store: Store) -> None:
    records = (Enterprise("E1", "Ying", "91350100M000100Y43"), Seal("S1", "E1", "a seal", SealKind.OTHER))
    store.import_part("test", Part("I1", frozenset({"E1"}), 1, is_last=True), records)
    assert codes(store) == []


def test_activity_goes_with_its_revision_and_no_earlier(seal: Store) -> None:
    for number in range(3):
        seal.write(Batch("test", f"hold {number}", (Put(SealHold(f"H{number}", "S1", HoldSource.ADMIN, 5)),)))
    newest = seal.activity(OF_E1, FROM, TO, 100)[-1]
    archived: list[str] = []
    seal.prune(newest.at + 1, archived.extend)
    assert [each.place for each in seal.activity(OF_E1, FROM, TO, 100)] == [newest.place]


def test_a_use_is_activity_of_the_owner_and_of_the_enterprise_that_holds_the_seal() -> None:
    use = SealUse("U1", "T1", "S1", "P1", "sha256:d", 5, holder_id="E2")
    rows = RecordRows([use, Seal("S1", "E1", "a seal", SealKind.OTHER)])
    found = activity_of(MODEL, Changes([Change("SealUse", "U1", None, use)]), rows)
    assert [(each.tenant_id, each.topic_id, each.subject_id) for each in found] == [
        ("E1", "S1", "P1"),
        ("E2", "S1", "P1"),
    ]
    assert len({each.body for each in found}) == 1


def test_what_leads_nowhere_is_no_activity() -> None:
    use = SealUse("U1", "T1", "S1", "P1", "sha256:d", 5)
    assert activity_of(MODEL, Changes([Change("SealUse", "U1", None, use)]), RecordRows([use])) == []


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'tiny.db'}"
    upgrade(url, TINY)
    store = Store.open(url, TINY)
    yield store
    store.close()


def test_a_model_that_says_nothing_of_monitoring_keeps_none(tiny: Store) -> None:
    tiny.write(Batch("test", "facts", tuple(map(Put, facts()))))
    tiny.write(Batch("test", "more", (Put(Document("d9", "plans", "bob", "D", DocState.DRAFT, words=5)),)))
    assert codes(tiny, ActivityFilter(frozenset({"red"}))) == []
