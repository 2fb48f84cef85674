"""Verifying a log: that nothing in it was changed, moved, put in or taken away, and by which checkpoints that is shown.

What the log itself holds proves that it fits together. Its signed checkpoints prove who says so. That nothing was cut
off its end, and that it is no old copy, only a checkpoint proves that was kept elsewhere: without one that is said to
be not checkable.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterator, Sequence
from functools import cache, reduce
from operator import xor
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, bindparam, func, literal_column, select, tuple_

from sealauthz.audit.finding import found_by
from sealauthz.audit.lateness import KEPT, Kept, Times
from sealauthz.audit.merkle import HASH_BYTES, leaf_hash, leaf_hashes, tree_root
from sealauthz.audit.note import (
    Checkpoint,
    NobodyKnown,
    NoteRefused,
    Verifier,
    open_checkpoint,
    read_checkpoint,
    signers,
)
from sealauthz.audit.report import MOST_FINDINGS, Kind, Report
from sealauthz.audit.retention import Pruned, newest_pruned
from sealauthz.audit.sequencer import ABOUT_RESUMED, tile_fetcher
from sealauthz.audit.tiles import WIDTH, TileMissing, Tiles, perfect_root
from sealauthz.facts.store.statements import Driver, compiled
from sealauthz.facts.store.system_tables import AUDIT_ABOUT, AUDIT_LOG, AUDIT_PENDING, TEXT
from sealauthz.facts.store.tables import Tables
from sealauthz.facts.store.waiting import FIRST_HELD

_ROWS_AT_ONCE = WIDTH * 16


class _Row(NamedTuple):
    number: int
    at: int
    decision_id: str
    record: str


class Stored(NamedTuple):
    """A checkpoint as it is stored."""

    period: int
    size: int
    at: int
    note: str


def verify_database(
    connection: Connection,
    tables: Tables,
    verifiers: Sequence[Verifier] = (),
    trusted: Sequence[Checkpoint] = (),
) -> Report:
    """Verify the log of a database with these tables, read in one transaction of a connection that is in none.

    `verifiers` are the keys of those whose checkpoints count; `trusted` are checkpoints that were kept elsewhere.
    """
    driver = Driver(connection)
    driver.run("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY" if driver.is_postgresql else "BEGIN")
    try:
        return _Verification(driver, tables, verifiers, trusted).run()
    finally:
        driver.run("ROLLBACK")


class _Verification:
    def __init__(
        self, driver: Driver, tables: Tables, verifiers: Sequence[Verifier], trusted: Sequence[Checkpoint]
    ) -> None:
        self._driver = driver
        self._verifiers = verifiers
        self._trusted = trusted
        self._report = Report()
        self._fetch = tile_fetcher(driver)
        self._pruned = Pruned()
        self._tile_at: tuple[int, int] | None = None
        self._tile_is = b""
        self._marks = array("q")
        self._times = Times(())
        self._made: list[list[bytes]] = []
        """Of each level, the roots of its tiles that are full, as those of level 0 make them."""

    def run(self) -> Report:
        report = self._report
        checkpoints = [
            Stored(*row)
            for row in self._driver.rows("SELECT period, size, at, note FROM audit_checkpoint ORDER BY period")
        ]
        self._times = Times(Kept(*row) for row in self._driver.rows(KEPT))
        opened = self._open(checkpoints)
        report.size = opened[-1][1].size if opened else 0
        self._pruned = newest_pruned(self._driver)
        self._check_records()
        self._check_pruned()
        self._check_index()
        self._check_upper_tiles()
        self._check_roots(opened)
        if not self._trusted:
            report.unchecked.append(
                "whether records were cut off the end, or the log is an older copy: that needs a checkpoint that was "
                "kept elsewhere (--checkpoint)"
            )
        report.unchecked += self._admitted()
        if not self._verifiers:
            report.unchecked.append("who has signed the checkpoints: that needs the log's public key (--key)")
        return report

    def _admitted(self) -> list[str]:
        """Return what is not vouched for: where an operator accepted the log as it was, and rows that are held back."""
        statements = _statements(self._driver.is_postgresql)
        resumed = self._driver.rows(statements.resumed, {"about": ABOUT_RESUMED})
        said = [
            f"whether the log up to record {number} is the one signed before: an operator accepted it (`audit resume`)"
            for (number,) in resumed
        ]
        ((held,),) = self._driver.rows(statements.held)
        if held:
            said.append(f"{held} rows of records that no process vouches for: they are held back (`audit held`)")
        return said

    def _open(self, checkpoints: Sequence[Stored]) -> list[tuple[Stored, Checkpoint]]:
        """Return the checkpoints that can be read, after checking signatures, names and order."""
        report = self._report
        opened: list[tuple[Stored, Checkpoint]] = []
        others, newest = 0, _newest(checkpoints)
        for stored in checkpoints:
            found: Checkpoint | None = None
            try:
                found = read_checkpoint(stored.note)
                if self._verifiers:
                    open_checkpoint(stored.note, self._verifiers)
            except NoteRefused as error:
                if isinstance(error, NobodyKnown) and stored is not checkpoints[-1]:
                    others += 1  # of before there was a key, or this one: a later one speaks of its records too
                    continue
                report.add(Kind.CHECKPOINT, 0, stored.size, f"the checkpoint of {stored.size} records: {error}")
                if found is None:
                    continue
            if found.size != stored.size:
                report.add(Kind.CHECKPOINT, 0, stored.size, f"a checkpoint of {found.size} is kept as of {stored.size}")
            if opened and found.size < opened[-1][1].size:
                said = f"a later checkpoint has fewer records than an earlier one: {found.size}"
                report.add(Kind.CHECKPOINT, found.size, opened[-1][1].size, said)
                continue
            expected = (self._trusted[0] if self._trusted else newest or found).origin
            if found.origin != expected and not self._verifiers and stored is not checkpoints[-1]:
                others += 1
            elif found.origin != expected:
                report.add(Kind.CHECKPOINT, 0, found.size, f"a checkpoint is of another log: `{found.origin}`")
            opened.append((stored, found))
        if others:
            said = f"{others} earlier checkpoints, which nobody known has signed: later ones speak of their records too"
            report.unchecked.append(said)
        if opened:
            report.origin = opened[-1][1].origin
            report.signed_by = signers(self._verifiers)
        return opened

    def _check_records(self) -> None:
        """Check each record against the hash that is stored at its place."""
        report, expected = self._report, 0
        self._marks = array("q", bytes(8 * report.size))
        for rows in self._rows():
            if self._are_sound(rows, expected):
                expected += len(rows)
            else:
                expected = self._check_some([_Row(*row) for row in rows], expected)
        self._check_gap(expected, report.size)
        self._take_tiles(report.size)

    def _rows(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield records, as of `_Row`, in the order of their places."""
        after = -1
        while rows := self._driver.rows(_statements(self._driver.is_postgresql).rows, {"after": after}):
            after = rows[-1][0]
            self._report.records += len(rows)
            yield rows

    def _are_sound(self, rows: Sequence[tuple[Any, ...]], expected: int) -> bool:
        """Tell whether records are those that follow `expected`, and say what is wrong with their times: all at once
        takes half as long as one after the other. Where they are not, `_check_some` tells what is wrong.
        """
        numbers, placed_at, ids, records = zip(*rows, strict=True)
        end = expected + len(rows)
        if numbers != tuple(range(expected, end)) or end > self._report.size:
            return False
        tiles = [self._tile(0, number) for number in range(expected // WIDTH, (end - 1) // WIDTH + 1)]
        if any(len(tile) != WIDTH * HASH_BYTES for tile in tiles[:-1]):
            return False
        hashes = leaf_hashes(map(str.encode, records))
        try:
            found = [found_by(record) for record in records]
        except ValueError:
            return False
        first = expected % WIDTH * HASH_BYTES
        if hashes != b"".join(tiles)[first : first + len(hashes)] or list(ids) != [by.decision_id for by in found]:
            return False
        self._marks[expected:end] = array("q", [reduce(xor, map(hash, by.about), 0) for by in found])
        answered_at = [by.at for by in found]
        if not self._times.passes(placed_at, answered_at):
            for number, *times in zip(numbers, placed_at, answered_at, strict=True):
                self._check_times(number, *times)
        return True

    def _check_some(self, rows: Sequence[_Row], expected: int) -> int:
        """Check records that follow `expected`; return the number that is to follow."""
        report, held, tile = self._report, -1, b""
        for row in rows:
            self._check_gap(expected, min(row.number, report.size))
            expected = row.number + 1
            if row.number >= report.size:
                said = f"record {row.number} is behind the newest checkpoint, which counts {report.size}"
                report.add(Kind.ADDED, row.number, row.number + 1, said)
                continue
            is_readable = self._mark(row)
            number, place = divmod(row.number, WIDTH)
            if number != held:
                held, tile = number, self._tile(0, number)
            found = leaf_hash(row.record.encode())
            if found != tile[place * HASH_BYTES : (place + 1) * HASH_BYTES]:
                self._say_changed(row.number, found)
            elif not is_readable:
                report.add(Kind.CHANGED, row.number, row.number + 1, f"record {row.number} is not of this version")
        return expected

    def _check_gap(self, first: int, end: int) -> None:
        """Say which records are not there, and count those that the log says were pruned."""
        pruned = max(0, min(end, self._pruned.until) - first)
        self._report.pruned += pruned
        if first + pruned < end:
            said = _range("is", "are", first + pruned, end, "not there")
            self._report.add(Kind.MISSING, first + pruned, end, said)

    def _check_pruned(self) -> None:
        """Check that no more was pruned than the log says: what was held must be there."""
        until, left, _ = self._pruned
        there = until - self._report.pruned
        if there < left:
            said = f"of the records before {until}, {left} were not pruned, and only {there} are there"
            self._report.add(Kind.MISSING, 0, until, said)
        elif until:
            self._report.unchecked.append(f"what pruned records said: {self._pruned.said}")

    def _say_changed(self, number: int, found: bytes) -> None:
        """Say what has become of a record that does not fit its place."""
        tile = number // WIDTH
        for near in (tile, tile - 1, tile + 1):
            place = self._tile(0, near).find(found) if near >= 0 else -1
            if place >= 0 and place % HASH_BYTES == 0:
                origin = near * WIDTH + place // HASH_BYTES
                said = f"record {number} is that of place {origin}: the order was changed"
                self._report.add(Kind.MOVED, number, number + 1, said)
                return
        said = f"record {number} is not the one that was hashed: it, or its stored hash, was changed"
        self._report.add(Kind.CHANGED, number, number + 1, said)

    def _tile(self, level: int, number: int) -> bytes:
        """Return a tile as it is stored; the last one is remembered."""
        if (level, number) != self._tile_at:
            self._tile_at, self._tile_is = (level, number), self._fetch(level, number)
        return self._tile_is

    def _mark(self, row: _Row) -> bool:
        """Note by what a record is to be found; return whether it can be read."""
        try:
            by = found_by(row.record)
        except ValueError:
            return False
        mark = 0
        for each in by.about:
            mark ^= hash(each)
        self._marks[row.number] = mark
        if row.decision_id != by.decision_id:
            said = f"record {row.number} is kept under the id of another"
            self._report.add(Kind.INDEX, row.number, row.number + 1, said)
        self._check_times(row.number, row.at, by.at)
        return True

    def _check_times(self, number: int, placed_at: int, answered_at: int) -> None:
        if wrong := self._times.wrong_with(number, placed_at, answered_at):
            self._report.add(Kind.INDEX, number, number + 1, f"record {number} {wrong}")

    def _check_index(self) -> None:
        """Check that each record is found by what it is about, and by nothing else.

        The hashes of what is noted at a record and of what finds it take each other away.
        """
        marks, size = self._marks, self._report.size
        about_, after, beyond = "", -1, set()
        statement = _statements(self._driver.is_postgresql).abouts
        while rows := self._driver.rows(statement, {"after_about": about_, "after_number": after}):
            for about_, after in rows:
                if 0 <= after < size:
                    marks[after] ^= hash(about_)
                else:
                    beyond.add(after)
        wrong = (number for number, mark in enumerate(marks) if mark)
        for number in itertools.islice(itertools.chain(wrong, sorted(beyond)), MOST_FINDINGS):
            said = f"record {number} is not found by what it is about, or by something else"
            self._report.add(Kind.INDEX, number, number + 1, said)

    def _take_tiles(self, size: int) -> None:
        """Take the roots of the full tiles of level 0, as they are stored."""
        row = []
        for number in range(size // WIDTH):
            hashes = self._tile(0, number)
            if len(hashes) == WIDTH * HASH_BYTES:
                row.append(perfect_root(hashes))
            else:
                first = number * WIDTH
                said = f"hashes of records {first} to {first + WIDTH - 1} are not there"
                self._report.add(Kind.HASHES, first, first + WIDTH, said)
                row.append(b"\x00" * HASH_BYTES)
        self._made.append(row)

    def _check_upper_tiles(self) -> None:
        """Check the tiles above against those below, and take what those below make of them."""
        level, covered = 1, WIDTH
        while row := self._made[level - 1]:
            for number in range(0, len(row), WIDTH):
                if self._tile(level, number // WIDTH) != b"".join(row[number : number + WIDTH]):
                    first, end = number * covered, min(number + WIDTH, len(row)) * covered
                    said = f"the hashes above records {first} to {end - 1} do not fit those below them"
                    self._report.add(Kind.HASHES, first, end, said)
            whole = range(0, len(row) // WIDTH * WIDTH, WIDTH)
            self._made.append([perfect_root(b"".join(row[at : at + WIDTH])) for at in whole])
            level, covered = level + 1, covered * WIDTH

    def _check_roots(self, opened: Sequence[tuple[Stored, Checkpoint]]) -> None:
        """Check the root of each checkpoint; between the last that fits and the first that does not, the log is not
        what was signed.
        """
        report, good, is_said = self._report, 0, False
        tiles = Tiles(self._made_tile)
        known = [(checkpoint, False) for _, checkpoint in opened]
        known += ((checkpoint, True) for checkpoint in self._trusted)
        for checkpoint, is_trusted in sorted(known, key=lambda each: each[0].size):
            size = checkpoint.size
            if is_trusted and size > report.size:
                said = f"the log has {report.size} records, and had {size} when the trusted checkpoint was made"
                report.add(Kind.CUT, report.size, size, f"{said}: it was cut off, or is an older copy")
                continue
            try:
                fits = tree_root(size, tiles.node) == checkpoint.root
            except TileMissing as error:
                report.add(Kind.HASHES, good, size, str(error))
                continue
            if fits:
                good = max(good, size)
            elif is_trusted:
                said = f"the first {size} records are not those that the trusted checkpoint speaks of"
                report.add(Kind.FORKED, 0, size, said)
            elif not is_said:
                is_said = True
                said = f"the records from {good} to {size - 1} are not those that the checkpoint of {size} speaks of"
                report.add(Kind.ROOT, good, size, said)

    def _made_tile(self, level: int, number: int) -> bytes:
        """Return a tile: as it is stored at level 0, and above as those below make it."""
        if level == 0:
            return self._tile(0, number)
        row = self._made[level - 1] if level <= len(self._made) else []
        return b"".join(row[number * WIDTH : (number + 1) * WIDTH])


def _newest(checkpoints: Sequence[Stored]) -> Checkpoint | None:
    """Return the newest checkpoint; None where it cannot be read."""
    try:
        return read_checkpoint(checkpoints[-1].note) if checkpoints else None
    except NoteRefused:
        return None


class _Statements(NamedTuple):
    rows: str
    abouts: str
    resumed: str
    held: str


@cache
def _statements(is_postgresql: bool) -> _Statements:
    row, found = AUDIT_LOG.c, AUDIT_ABOUT.c
    is_held = AUDIT_PENDING.c.id >= literal_column(f"'{FIRST_HELD}'", TEXT)
    rows = select(row.number, row.at, row.decision_id, row.record).where(
        row.number > bindparam("after", type_=BigInteger)
    )
    last = bindparam("after_about", type_=TEXT), bindparam("after_number", type_=BigInteger)
    abouts = select(found.about, found.number).where(tuple_(found.about, found.number) > tuple_(*last))
    return _Statements(
        f"{compiled(rows.order_by(row.number), is_postgresql)} LIMIT {_ROWS_AT_ONCE:d}",
        f"{compiled(abouts.order_by(found.about, found.number), is_postgresql)} LIMIT {_ROWS_AT_ONCE:d}",
        compiled(select(found.number).where(found.about == bindparam("about")).order_by(found.number), is_postgresql),
        compiled(select(func.count()).select_from(AUDIT_PENDING).where(is_held), is_postgresql),
    )


def _range(one: str, more: str, first: int, end: int, what: str) -> str:
    if end - first == 1:
        return f"record {first} {one} {what}"
    return f"records {first} to {end - 1} {more} {what}"
