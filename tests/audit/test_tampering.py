"""The service never signs what it did not write: a table of tamperings, by what the sequencer knows when it looks next.

Each tampering is done with the rights of somebody who can write the whole database, and has no key of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from pathlib import Path
from typing import Any

import pytest
from audit_logs import made, run, until, wait

from sealauthz.audit.anchoring import Folder, anchor
from sealauthz.audit.continuity import LogTampered
from sealauthz.audit.log import Log
from sealauthz.audit.merkle import leaf_hash, tree_root
from sealauthz.audit.note import Checkpoint, Signer, open_checkpoint, read_checkpoint
from sealauthz.audit.report import Kind, Report
from sealauthz.audit.sequencer import Sequencer, Sequencing
from sealauthz.audit.tiles import Tiles
from sealauthz.audit.verify import verify_database
from sealauthz.facts import Store
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import FactsUnavailable

NAME = "test.example/log"
FIRST, MORE = 300, 40
"""So many records have places before the anchor and the older copy, and so many behind them."""

TABLES = ("audit_log", "audit_about", "audit_tile", "audit_checkpoint")
Copy = dict[str, list[tuple[Any, ...]]]


class Scene:
    """A log that a sequencer has grown, with its anchor of the newest state and a copy of an older one."""

    def __init__(self, store: Store, signer: Signer, folder: Path) -> None:
        self.store, self.signer, self.folder = store, signer, Folder(folder)
        self.clock = 60_000_000
        self.reported: list[str] = []
        self.beside = self.sequencer()
        self.grow(self.beside, FIRST)
        self.older = copied(store)
        self.running = self.sequencer()
        self.grow(self.beside, 3)
        self.grow(self.running, MORE)
        anchor(Log(store), self.folder)
        self.note = Log(store).head().note

    def sequencer(self, *, is_anchored: bool = False) -> Sequencer:
        kept = self.folder.last if is_anchored else None
        return Sequencer(self.store, NAME, self.signer, lambda: self.clock, kept, self.report)

    def report(self, event: str, _numbers: object, _error: BaseException | None) -> None:
        self.reported.append(event)

    def grow(self, sequencer: Sequencer, count: int) -> None:
        wait(self.store, [made(number) for number in range(count)])
        assert sequencer.drain() == count
        self.clock += 60_000_000

    def verified(self, *, is_anchored: bool = False) -> Report:
        kept = self.folder.last() if is_anchored else None
        with self.store.plain_connection() as connection:
            keys = [self.signer.verifier]
            return verify_database(connection, self.store.tables, keys, [] if kept is None else [kept])


@pytest.fixture
def scene(store: Store, signer: Signer, tmp_path: Path) -> Scene:
    return Scene(store, signer, tmp_path / "kept")


def copied(store: Store) -> Copy:
    with store.plain_connection() as connection:
        return {name: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {name}")] for name in TABLES}


def put_back(store: Store, copy: Copy) -> None:
    with store.writing() as connection:
        mark = "%s" if connection.dialect.name == "postgresql" else "?"
        for name, rows in copy.items():
            connection.exec_driver_sql(f"DELETE FROM {name}")
            for row in rows:
                marks = ", ".join(mark for _ in row)
                connection.exec_driver_sql(f"INSERT INTO {name} VALUES ({marks})", row)


def rewrite(store: Store, texts: Callable[[list[str]], list[str]], note: Callable[[Checkpoint, str], str]) -> None:
    """Make records others, and all hashes and the newest checkpoint with them."""
    rows = run(store, "SELECT number, record FROM audit_log ORDER BY number")
    records = texts([record for _, record in rows])
    tiles = Tiles(lambda _level, _number: b"")
    stored = tiles.append(0, [leaf_hash(record.encode()) for record in records])
    old = Log(store).head().note
    new = note(Checkpoint(NAME, len(records), tree_root(len(records), tiles.node)), old)
    copy = copied(store)
    copy["audit_log"] = [(*row[:3], record) for row, record in zip(sorted(copy["audit_log"]), records, strict=True)]
    copy["audit_tile"] = [(*place, hashes) for place, hashes in stored.items()]
    *earlier, (period, size, at, _, *more) = sorted(copy["audit_checkpoint"])
    copy["audit_checkpoint"] = [*earlier, (period, size, at, new, *more)]
    put_back(store, copy)


def forged(records: list[str]) -> list[str]:
    return [*records[:150], records[150].replace("ALLOW", "DENY"), *records[151:]]


def swapped(records: list[str]) -> list[str]:
    return [*records[:3], records[4], records[3], *records[5:]]


def with_old_signature(new: Checkpoint, old: str) -> str:
    return new.body + "\n" + old.partition("\n\n")[2]


def new_head(store: Store, change: Callable[[str], str]) -> None:
    note = change(Log(store).head().note)
    run(store, f"UPDATE audit_checkpoint SET note = '{note}' WHERE period = (SELECT max(period) FROM audit_checkpoint)")


def flip_a_hash(store: Store) -> None:
    copy = copied(store)
    copy["audit_tile"] = [
        (level, number, bytes([hashes[0] ^ 1]) + bytes(hashes[1:]) if (level, number) == (0, 1) else hashes)
        for level, number, hashes in copy["audit_tile"]
    ]
    put_back(store, copy)


def other_signature(note: str) -> str:
    return Signer.fresh(NAME).sign(read_checkpoint(note))


def broken_signature(note: str) -> str:
    end = -20
    return note[:end] + ("A" if note[end] != "A" else "B") + note[end + 1 :]


def newest_copy_but(store: Store, older: Copy, *names: str) -> None:
    put_back(store, copied(store) | {name: older[name] for name in names})


_NEWEST_HEAD = "period = (SELECT max(period) FROM audit_checkpoint)"
_SWAP = (
    "UPDATE audit_log SET number = -1 WHERE number = 3",
    "UPDATE audit_log SET number = 3 WHERE number = 4",
    "UPDATE audit_log SET number = 4 WHERE number = -1",
)

TAMPERINGS: dict[str, Callable[[Scene], object]] = {
    "record, tiles and head, with the old signature": lambda s: rewrite(s.store, forged, with_old_signature),
    "record, tiles and head, unsigned": lambda s: rewrite(s.store, forged, lambda new, _: new.unsigned),
    "record, tiles and head, signed by another key": lambda s: rewrite(
        s.store, forged, lambda new, _: Signer.fresh(NAME).sign(new)
    ),
    "record and tiles": lambda s: rewrite(s.store, forged, lambda _, old: old),
    "two swapped, with their tiles": lambda s: rewrite(s.store, swapped, lambda _, old: old),
    "a tile": lambda s: flip_a_hash(s.store),
    "tiles of before": lambda s: newest_copy_but(s.store, s.older, "audit_tile"),
    "tiles that hold a text": lambda s: run(s.store, "UPDATE audit_tile SET hashes = 'text'"),
    "tiles deleted": lambda s: run(s.store, "DELETE FROM audit_tile"),
    "the root of the head": lambda s: new_head(
        s.store, lambda old: with_old_signature(Checkpoint(NAME, 343, b"r" * 32), old)
    ),
    "the size of the head": lambda s: new_head(
        s.store, lambda old: with_old_signature(Checkpoint(NAME, 342, read_checkpoint(old).root), old)
    ),
    "the signature of the head": lambda s: new_head(s.store, broken_signature),
    "the signature of another key": lambda s: new_head(s.store, other_signature),
    "the head is no checkpoint": lambda s: new_head(s.store, lambda _: "nothing"),
    "the head is empty": lambda s: new_head(s.store, lambda _: ""),
    "the newest head deleted": lambda s: run(s.store, f"DELETE FROM audit_checkpoint WHERE {_NEWEST_HEAD}"),
    "all heads deleted": lambda s: run(s.store, "DELETE FROM audit_checkpoint"),
    "the newest records deleted": lambda s: run(s.store, "DELETE FROM audit_log WHERE number > 340"),
    "all but the tiles as it was before": lambda s: newest_copy_but(
        s.store, s.older, "audit_log", "audit_about", "audit_checkpoint"
    ),
    "a record behind the last": lambda s: run(
        s.store, "INSERT INTO audit_log (number, at, decision_id, record) VALUES (343, 1, 'x', '{}')"
    ),
    "all as it was before": lambda s: put_back(s.store, s.older),
    "all deleted": lambda s: put_back(s.store, {name: [] for name in TABLES}),
    "a record": lambda s: run(
        s.store, "UPDATE audit_log SET record = replace(record, 'ALLOW', 'DENY') WHERE number = 150"
    ),
    "two swapped": lambda s: run(s.store, *_SWAP),
    "an old record deleted": lambda s: run(s.store, "DELETE FROM audit_log WHERE number = 150"),
}


class End(Enum):
    """What comes of it: nothing is signed and an alarm is raised; or what is signed is still true, and `verify` finds
    what was changed; or nobody can see it, and `verify` says that.
    """

    STOPS = auto()
    FOUND = auto()
    UNSEEN = auto()


_ROLLED_BACK = {"all as it was before", "all but the tiles as it was before", "all deleted"}
_RECORDS_ALONE = {"a record", "two swapped", "an old record deleted"}


def expected(tampering: str, knows: str) -> End:
    if tampering in _RECORDS_ALONE:
        return End.FOUND
    return End.UNSEEN if tampering in _ROLLED_BACK and knows == "restarted without anchor" else End.STOPS


KNOWS: dict[str, Callable[[Scene], Sequencer]] = {
    "running": lambda scene: scene.running,
    "running, and another process was the last": lambda scene: scene.beside,
    "restarted with anchor": lambda scene: scene.sequencer(is_anchored=True),
    "restarted without anchor": lambda scene: scene.sequencer(),
}


@pytest.mark.parametrize("knows", KNOWS)
@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tampered_log_is_never_signed_over(scene: Scene, tampering: str, knows: str) -> None:
    TAMPERINGS[tampering](scene)
    before = Log(scene.store).head().note
    sequencer, end = KNOWS[knows](scene), expected(tampering, knows)
    wait(scene.store, [made(1)])
    if end is End.STOPS:
        for placing in (sequencer.step, lambda: sequencer.place([made(2)]), sequencer.step):
            with pytest.raises(LogTampered):
                placing()
        assert Log(scene.store).head().note == before
        assert run(scene.store, "SELECT count(*) FROM audit_pending") == [(1,)]
        assert scene.reported == ["audit_tampered"]
        assert sequencer.problem
        return
    assert sequencer.step() == 1
    assert scene.reported == []
    assert not sequencer.problem
    alone, by_anchor = scene.verified(), scene.verified(is_anchored=True)
    if end is End.FOUND:
        # What was signed is true: the tree that the anchor knows, and one record more.
        assert {each.kind for each in alone.findings} <= {Kind.CHANGED, Kind.MOVED, Kind.MISSING, Kind.INDEX}
        assert alone.findings
        assert not {Kind.CUT, Kind.FORKED, Kind.ROOT} & {each.kind for each in by_anchor.findings}
    else:
        assert alone
        assert any("the log is an older copy" in said for said in alone.unchecked)
        assert {Kind.CUT, Kind.FORKED} & {each.kind for each in by_anchor.findings}


@pytest.mark.parametrize("knows", KNOWS)
def test_untouched_log_goes_on_however_it_is_known(scene: Scene, knows: str) -> None:
    sequencer = KNOWS[knows](scene)
    sequencer.check()
    for count in (1, 255, 1, 300):
        scene.grow(sequencer, count)
        scene.grow(scene.sequencer(), 1)
    assert scene.reported == []
    assert scene.verified(is_anchored=True)


def test_log_that_is_put_back_goes_on(scene: Scene) -> None:
    newest = copied(scene.store)
    put_back(scene.store, scene.older)
    wait(scene.store, [made(1)])
    with pytest.raises(LogTampered, match="the log has 300 records, and had 343 as this process remembers"):
        scene.running.step()
    put_back(scene.store, newest)
    assert scene.running.step() == 1
    assert not scene.running.problem
    assert scene.verified(is_anchored=True)


def test_start_compares_with_the_anchor_before_anything_waits(scene: Scene) -> None:
    put_back(scene.store, scene.older)
    with pytest.raises(LogTampered, match="had 343 by the newest checkpoint of the anchor"):
        scene.sequencer(is_anchored=True).check()
    scene.sequencer().check()
    assert scene.reported == ["audit_tampered"]


def test_unreadable_anchor_stops_the_start_and_is_no_tampering(scene: Scene) -> None:
    (scene.folder._path / "00000000000000009999.checkpoint").write_text("nothing")
    sequencer = scene.sequencer(is_anchored=True)
    wait(scene.store, [made(1)])
    with pytest.raises(FactsUnavailable, match="cannot be compared with its anchor"):
        sequencer.step()
    assert not sequencer.problem
    (scene.folder._path / "00000000000000009999.checkpoint").unlink()
    assert sequencer.step() == 1


def test_unknown_end_of_a_commit_is_no_tampering(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is lost in the commit: it was made, or it was not."""
    grown = scene.running._place

    def place_and_lose(*arguments: Any) -> Any:
        grown(*arguments)
        raise FactsUnavailable("the connection was lost")

    wait(scene.store, [made(1)])
    with monkeypatch.context() as patched:
        patched.setattr(scene.running, "_place", place_and_lose)
        with pytest.raises(FactsUnavailable, match="was lost"):
            scene.running.step()
    scene.running.drain()
    scene.grow(scene.running, 1)
    assert not scene.reported
    assert scene.verified(is_anchored=True)


# --- going on


def test_resumed_log_goes_on_and_says_so(scene: Scene) -> None:
    """After a rollback that cannot be undone: the operator moves the anchor aside, and accepts what is left."""
    put_back(scene.store, scene.older)
    with pytest.raises(LogTampered, match="by the newest checkpoint of the anchor"):
        scene.sequencer(is_anchored=True).resume()
    assert scene.sequencer(is_anchored=False).resume() is None, "the older head has a signature of this log"
    rewrite(scene.store, lambda records: records, other_signature_of)
    with pytest.raises(LogTampered):
        scene.sequencer().check()
    wait(scene.store, [made(1)])
    operator = scene.sequencer()
    accepted = operator.resume()
    assert accepted is not None
    assert accepted.size == 300
    scene.grow(scene.sequencer(), 3)
    report = scene.verified()
    assert report, report.findings
    assert any("an operator accepted it" in said for said in report.unchecked)
    found = [entry.content for entry in Log(scene.store).backwards(300, 302)]
    assert [content["count"] for content in found if content["kind"] == "Resumed"] == [300]


def other_signature_of(new: Checkpoint, _old: str) -> str:
    return Signer.fresh(NAME).sign(new)


@pytest.mark.parametrize("tampering", ["record and tiles", "a tile", "tiles deleted", "the head is no checkpoint"])
def test_log_whose_hashes_do_not_fit_is_not_resumed(scene: Scene, tampering: str) -> None:
    TAMPERINGS[tampering](scene)
    with pytest.raises(LogTampered):
        scene.sequencer().resume()


def test_log_in_order_is_not_resumed(scene: Scene) -> None:
    assert scene.sequencer(is_anchored=True).resume() is None
    assert Log(scene.store).head().note == scene.note


# --- with the thread that runs in a service


@pytest.fixture
def live(scene: Scene) -> Iterator[Scene]:
    sequencing = Sequencing(scene.running, ignored, every_s=0.01, check_every_s=0.01)
    sequencing.start()
    yield scene
    sequencing.stop()


@pytest.mark.parametrize(
    "tampering", ["record, tiles and head, with the old signature", "a tile", "all as it was before"]
)
def test_live_sequencer_stops_and_records_wait(live: Scene, tampering: str) -> None:
    wait(live.store, [made(1)])
    until(lambda: not run(live.store, "SELECT 1 FROM audit_pending"))
    TAMPERINGS[tampering](live)
    before = Log(live.store).head().note
    wait(live.store, [made(2)])
    until(lambda: live.running.problem)
    wait(live.store, [made(3)])
    assert run(live.store, "SELECT count(*) FROM audit_pending") == [(2,)]
    assert Log(live.store).head().note == before
    assert live.reported == ["audit_tampered"]


def test_idle_live_sequencer_notices_too(live: Scene) -> None:
    put_back(live.store, live.older)
    until(lambda: live.running.problem)
    assert live.reported == ["audit_tampered"]


def test_every_checkpoint_is_signed_by_the_log(scene: Scene) -> None:
    notes = [note for (note,) in run(scene.store, "SELECT note FROM audit_checkpoint ORDER BY period")]
    assert [open_checkpoint(note, [scene.signer.verifier]).size for note in notes] == [300, 303, 343]
