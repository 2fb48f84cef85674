"""Continuity: whether the stored log is one that this log signed, and extends what is known of it from before.

Nothing that is stored is trusted: the checkpoint counts by its signature, the stored hashes by its root, and both by
the proof that they extend the trees that the process remembers, or that were kept outside of the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sealauthz.audit.merkle import (
    EMPTY_ROOT,
    Growing,
    ProofRefused,
    consistency_proof,
    perfect_subtrees,
    verify_consistency,
)
from sealauthz.audit.note import Checkpoint, NoteRefused, Signer, open_checkpoint, read_checkpoint
from sealauthz.audit.tiles import TileMissing, Tiles
from sealauthz.runtime.errors import FactsUnavailable


class LogTampered(FactsUnavailable):
    """The stored log is not the one that was signed: nothing is signed until it is again."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: nothing is signed until that is settled (docs/audit.md, When the log was tampered with)"
        )


class Edge(NamedTuple):
    """Where a log grows: the newest checkpoint, its size, the roots of the perfect subtrees as of that, the largest
    first, and the tiles that records are added to.
    """

    note: str
    size: int
    roots: Sequence[bytes]
    tiles: Mapping[tuple[int, int], bytes]

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        return Growing(self.size, self.roots).root


NO_EDGE = Edge("", 0, (), {})


class Known(NamedTuple):
    """A tree that the log had, and who knows that."""

    size: int
    root: bytes
    by: str


def signed_checkpoint(note: str, signer: Signer | None, *, accepts_any: bool = False) -> Checkpoint:
    """Return a checkpoint that this log has signed; an unsigned one where it has no key. Raises LogTampered.

    One of any signer counts if it `accepts_any`.
    """
    try:
        if accepts_any:
            return read_checkpoint(note)
        if signer is not None:
            return open_checkpoint(note, [signer.verifier])
        found = read_checkpoint(note)
        if note != found.unsigned:
            raise NoteRefused("it is signed, and no key is configured here")
    except NoteRefused as error:
        raise LogTampered(f"the newest checkpoint is not one that this log signed: {error}") from error
    return found


def extended(note: str, checkpoint: Checkpoint | None, known: Sequence[Known], tiles: Tiles) -> Edge:
    """Return where a log of this checkpoint (None: an empty one) grows, if its stored hashes are those of the
    checkpoint and extend each tree that is known. Raises LogTampered.
    """
    size, root = (0, EMPTY_ROOT) if checkpoint is None else (checkpoint.size, checkpoint.root)
    for before in known:
        if size < before.size:
            raise LogTampered(f"the log has {size} records, and had {before.size} {before.by}")
    try:
        roots = [tiles.node(*subtree) for subtree in perfect_subtrees(0, size)]
        if Growing(size, roots).root != root:
            raise LogTampered("the stored hashes are not those of the newest checkpoint")
        for before in known:
            _check_extends(before, size, root, tiles)
    except TileMissing as error:
        raise LogTampered("the log lacks hashes of its tree") from error
    return Edge(note, size, roots, tiles.edge(size))


def _check_extends(before: Known, size: int, root: bytes, tiles: Tiles) -> None:
    if not before.size:
        return
    proof = consistency_proof(before.size, size, tiles.node)
    try:
        verify_consistency(before.size, size, before.root, root, proof)
    except ProofRefused as error:
        raise LogTampered(f"the log does not extend the {before.size} records that it had {before.by}") from error
