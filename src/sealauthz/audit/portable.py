"""What leaves the database and is verified without it: an export of records, and the proof of one.

An export is lines of text: a header, which holds what came before and the checkpoints, then each record as it is
stored. A proof is the text that C2SP calls tlog-proof.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from sealauthz.audit.merkle import HASH_BYTES, Growing, ProofRefused, leaf_hash, perfect_subtrees, verify_inclusion
from sealauthz.audit.note import (
    Checkpoint,
    NobodyKnown,
    NoteRefused,
    Verifier,
    open_checkpoint,
    read_checkpoint,
    signers,
)
from sealauthz.audit.record import content_of
from sealauthz.audit.report import Kind, Report
from sealauthz.audit.retention import KIND, Pruned, newest_pruned, pruned_of
from sealauthz.audit.sequencer import head_of, tile_fetcher
from sealauthz.audit.tiles import Tiles
from sealauthz.facts.store.statements import Driver
from sealauthz.runtime.errors import FactsUnavailable, InvalidRequest
from sealauthz_client.answers import LogProof

PROOF = "c2sp.org/tlog-proof@v1"
_VERSION = 1
_ROWS_AT_ONCE = 5_000
_HASH = "pruned "
"""Begins a line that has the hash of a record which was pruned. A record begins with a brace."""


def export_lines(connection: Connection, first: int = 0) -> Iterator[str]:
    """Yield the log of a database as lines, from a record on, all as of one time; on a connection without a
    transaction. Raises FactsUnavailable, and InvalidRequest for a record that there is not.
    """
    driver = Driver(connection)
    driver.run("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY" if driver.is_postgresql else "BEGIN")
    try:
        head, tiles = head_of(driver), Tiles(tile_fetcher(driver))
        until = newest_pruned(driver).until
        if not 0 <= first <= head.size:
            raise InvalidRequest.at("from", f"is no place in the log, which has {head.size} records")
        notes = [note for size, note in driver.rows("SELECT size, note FROM audit_checkpoint ORDER BY period")]
        try:
            before = [tiles.node(*each) for each in perfect_subtrees(0, first)]
        except LookupError as error:
            raise FactsUnavailable("the log lacks hashes of its tree: run `sealauthz audit verify`") from error
        header = {
            "export": _VERSION,
            "first": first,
            "size": head.size,
            "before": [base64.b64encode(each).decode() for each in before],
            "checkpoints": [note for note in notes if read_checkpoint(note).size >= first],
        }
        yield json.dumps(header, sort_keys=True)
        after = first - 1
        parameter = "%(after)s" if driver.is_postgresql else ":after"
        statement = (
            f"SELECT number, record FROM audit_log WHERE number > {parameter} ORDER BY number LIMIT {_ROWS_AT_ONCE:d}"  # noqa: S608 (a parameter, and a number of ours)
        )
        while rows := driver.rows(statement, {"after": after}):
            for number, record in rows:
                while after + 1 < min(number, until):
                    after += 1
                    yield f"{_HASH}{base64.b64encode(tiles.node(0, after)).decode()}"
                if number != after + 1:
                    raise FactsUnavailable(f"record {after + 1} is not there: run `sealauthz audit verify`")
                after = number
                yield record
    finally:
        driver.run("ROLLBACK")


def verify_export(
    lines: Iterable[str], verifiers: Sequence[Verifier] = (), trusted: Sequence[Checkpoint] = ()
) -> Report:
    """Verify an export, by the checkpoints in it and by those that were kept elsewhere.

    Raises NoteRefused for what is no export.
    """
    report, each = Report(), iter(lines)
    header = _header(next(each, ""))
    first = header["first"]
    report.size = header["size"]
    tree = Growing(first, [base64.b64decode(text) for text in header["before"]])
    expected: dict[int, list[tuple[Checkpoint, bool]]] = {}
    for note in header["checkpoints"]:
        checkpoint = read_checkpoint(note)
        report.origin = checkpoint.origin
        try:
            if verifiers:
                open_checkpoint(note, verifiers)
        except NoteRefused as error:
            if isinstance(error, NobodyKnown) and note is not header["checkpoints"][-1]:
                continue  # of before there was a key, or this one: a later one speaks of its records too
            report.add(Kind.CHECKPOINT, 0, checkpoint.size, f"the checkpoint of {checkpoint.size} records: {error}")
        expected.setdefault(checkpoint.size, []).append((checkpoint, False))
    for kept in trusted:
        if kept.origin != report.origin:
            report.add(Kind.CHECKPOINT, 0, kept.size, f"the trusted checkpoint is of `{kept.origin}`")
        expected.setdefault(kept.size, []).append((kept, True))
    good, is_said, gone, pruned = first, False, -1, Pruned()
    for line in _with_start(each):
        if line is not None and line.startswith(_HASH):
            gone = tree.size
            report.pruned += 1
            tree.add(_hash_of(line))
        elif line is not None:
            tree.add(leaf_hash(line.rstrip("\n").encode()))
            report.records += 1
            pruned = _said(line) or pruned
        for checkpoint, is_trusted in expected.pop(tree.size, ()):
            if tree.root == checkpoint.root:
                good = tree.size
            elif is_trusted:
                said = f"the first {tree.size} records are not those that the trusted checkpoint speaks of"
                report.add(Kind.FORKED, 0, tree.size, said)
            elif not is_said:
                is_said = True
                said = f"the records from {good} to {tree.size - 1} are not those that the checkpoint speaks of"
                report.add(Kind.ROOT, good, tree.size, said)
    _compare_ends(report, tree, expected, first, trusted)
    if gone >= pruned.until:
        report.add(Kind.MISSING, gone, gone + 1, f"record {gone} is not there, and the log does not say it was pruned")
    elif report.pruned:
        report.unchecked.append(f"what pruned records said: {pruned.said}")
    report.signed_by = signers(verifiers)
    if not verifiers:
        report.unchecked.append("who has signed the checkpoints: that needs the log's public key (--key)")
    return report


def _compare_ends(
    report: Report,
    tree: Growing,
    left: dict[int, list[tuple[Checkpoint, bool]]],
    first: int,
    trusted: Sequence[Checkpoint],
) -> None:
    if tree.size < report.size:
        said = f"the export ends with record {tree.size - 1}, and is to have {report.size} in all"
        report.add(Kind.MISSING, tree.size, report.size, said)
    elif tree.size > report.size:
        said = f"records behind {report.size - 1} are in no checkpoint of the export"
        report.add(Kind.ADDED, report.size, tree.size, said)
    if not trusted:
        report.unchecked.append(
            "whether the export is of an older copy of the log: that needs a checkpoint that was kept elsewhere "
            "(--checkpoint)"
        )
    for kept in trusted:
        if kept.size > report.size and kept.size in left:
            said = f"the export has {report.size} records, and the log had {kept.size} for the trusted checkpoint"
            report.add(Kind.CUT, report.size, kept.size, f"{said}: it was cut off, or is of an older copy")
        elif kept.size < first:
            report.unchecked.append(
                f"the trusted checkpoint of {kept.size} records: it speaks of what is before the export"
            )


def _said(line: str) -> Pruned | None:
    """Return what a record says that was pruned; None for any other."""
    if f'"{KIND}"' not in line:
        return None
    try:
        return pruned_of(content_of(line.rstrip("\n")))
    except (ValueError, KeyError, TypeError):
        return None


def _hash_of(line: str) -> bytes:
    try:
        found = base64.b64decode(line.removeprefix(_HASH).rstrip("\n"), validate=True)
    except binascii.Error as error:
        raise NoteRefused("the hash of a pruned record is malformed") from error
    if len(found) != HASH_BYTES:
        raise NoteRefused("the hash of a pruned record is malformed")
    return found


def _with_start(lines: Iterator[str]) -> Iterator[str | None]:
    """Yield nothing first, so that a checkpoint of what came before is looked at."""
    yield None
    yield from lines


def _header(line: str) -> dict[str, Any]:
    try:
        header = json.loads(line)
        is_ours = header["export"] == _VERSION and isinstance(header["checkpoints"], list)
        numbers = (header["first"], header["size"])
        before = [base64.b64decode(text, validate=True) for text in header["before"]]
        Growing(numbers[0], before)
        if not is_ours or any(type(number) is not int for number in numbers):
            raise NoteRefused("the file is no export of a log of decisions")
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise NoteRefused("the file is no export of a log of decisions") from error
    return header  # type: ignore[no-any-return]


def proof_text(proof: LogProof) -> str:
    """Return the proof of one record as text."""
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in proof.hashes)
    return f"{PROOF}\nindex {proof.number}\n{hashes}\n{proof.note}"


def verify_proof(text: str, record: str, verifiers: Sequence[Verifier]) -> tuple[int, Checkpoint]:
    """Verify that a record is in the log of these keys; return its place, and the checkpoint that says so.

    Raises NoteRefused for what is no proof or not signed, and ProofRefused for what does not prove it.
    """
    head, blank, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    word, _, number = lines[0].partition(" ") if lines else ("", "", "")
    if not blank or first != PROOF or word != "index" or not (number.isascii() and number.isdigit()):
        raise NoteRefused(f"the text is no proof `{PROOF}`")
    try:
        hashes = [base64.b64decode(line, validate=True) for line in lines[1:]]
    except binascii.Error as error:
        raise ProofRefused("a hash of the proof is malformed") from error
    checkpoint = open_checkpoint(note, verifiers) if verifiers else read_checkpoint(note)
    content = leaf_hash(record.removesuffix("\n").encode())
    verify_inclusion(int(number), checkpoint.size, content, hashes, checkpoint.root)
    return int(number), checkpoint
