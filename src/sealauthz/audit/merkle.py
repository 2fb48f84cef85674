"""Merkle trees over stored bytes, as RFC 6962 hashes them: roots, proofs, and how proofs are verified.

A tree is known by the hashes of its perfect subtrees: those of 2^level leaves that begin at a multiple of that many.
They never change while the tree grows. Source: RFC 9162, sections 2.1.1 to 2.1.4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

HASH_BYTES = 32

Node = Callable[[int, int], bytes]
"""Returns the hash of a perfect subtree: of 2^level leaves, the one of this number, counted from 0."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


class ProofRefused(ValueError):
    """The proof does not prove what it is given for."""


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf that holds these bytes."""
    return hashlib.sha256(b"\x00" + content).digest()


def leaf_hashes(contents: Iterable[bytes]) -> bytes:
    """Return the hashes of leaves, one behind the other."""
    return b"".join([hashlib.sha256(b"\x00" + content).digest() for content in contents])


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def nodes_above(hashes: bytes) -> bytes:
    """Return the hashes of the nodes above a row of nodes, of which there are an even number."""
    width = 2 * HASH_BYTES
    pairs = [hashes[at : at + width] for at in range(0, len(hashes), width)]
    return b"".join([hashlib.sha256(b"\x01" + pair).digest() for pair in pairs])


def perfect_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the level and the number of the perfect subtrees that together hold the leaves from `start` to `end`."""
    while start < end:
        level = (start & -start).bit_length() - 1 if start else end.bit_length() - 1
        while start + (1 << level) > end:
            level -= 1
        yield level, start >> level
        start += 1 << level


class Growing:
    """A tree that leaves are added to, held as the roots of its perfect subtrees: it needs no more memory than 64
    hashes, whatever its size.
    """

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        """`roots` are those of the perfect subtrees of a tree of this size, the largest first."""
        if len(roots) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect subtrees, not {len(roots)}")
        self.size = size
        self.roots = list(roots)

    def add(self, leaf: bytes) -> None:
        """Add a leaf, by its hash."""
        roots, above = self.roots, self.size
        while above & 1:
            leaf = hashlib.sha256(b"\x01" + roots.pop() + leaf).digest()
            above >>= 1
        roots.append(leaf)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return _joined(self.roots)


def tree_root(size: int, node: Node) -> bytes:
    """Return the root of a tree of so many leaves."""
    return _joined([node(level, number) for level, number in perfect_subtrees(0, size)])


def _joined(roots: Sequence[bytes]) -> bytes:
    """Return the root above perfect subtrees, the largest first."""
    if not roots:
        return EMPTY_ROOT
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def _range_root(start: int, end: int, node: Node) -> bytes:
    """Return the hash above the leaves from `start` to `end`, which are a subtree of the tree."""
    return _joined([node(level, number) for level, number in perfect_subtrees(start, end)])


def _split(size: int) -> int:
    """Return the largest power of two below a size of at least 2."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Return the proof that the leaf of this index is in the tree of this size, the hash nearest to it first."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return [_range_root(first, last, node) for first, last in reversed(path)]


def consistency_proof(first: int, second: int, node: Node) -> list[bytes]:
    """Return the proof that the tree of the first size is the beginning of that of the second."""
    if not 0 < first <= second:
        raise ValueError(f"there is no proof from size {first} to {second}")
    start, end, known, path = 0, second, True, []
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, known = middle, False
    if not known:
        path.append((start, end))
    return [_range_root(begin, last, node) for begin, last in reversed(path)]


def _check_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofRefused("a hash of the proof is not of 32 bytes")


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the tree of this size and root has a leaf of this hash at an index. Raises ProofRefused."""
    if not 0 <= index < size:
        raise ProofRefused(f"a tree of {size} leaves has no leaf {index}")
    _check_hashes(leaf, root, *proof)
    at, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            raise ProofRefused("the proof has more hashes than its place needs")
        if at & 1 or at == last:
            found = node_hash(each, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, each)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofRefused("the proof has fewer hashes than its place needs")
    if found != root:
        raise ProofRefused("the proof leads to another root")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that a tree goes on from what it was at the first size. Raises ProofRefused.

    Of an empty tree nothing can be proved: a first size of 0 is refused.
    """
    if not 0 < first <= second:
        raise ProofRefused(f"a tree of {second} leaves cannot be shown to go on from {first}")
    if first == second:
        if proof or first_root != second_root:
            raise ProofRefused("two trees of the same size are not the same")
        return
    _check_hashes(first_root, second_root, *proof)
    rest = list(proof)
    if not first & (first - 1):
        rest.insert(0, first_root)  # a perfect tree is a node of the larger one
    if not rest:
        raise ProofRefused("the proof has fewer hashes than its place needs")
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    of_first = of_second = rest[0]
    for each in rest[1:]:
        if last == 0:
            raise ProofRefused("the proof has more hashes than its place needs")
        if at & 1 or at == last:
            of_first, of_second = node_hash(each, of_first), node_hash(each, of_second)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            of_second = node_hash(of_second, each)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofRefused("the proof has fewer hashes than its place needs")
    if of_first != first_root:
        raise ProofRefused("the proof leads to another root of the first tree")
    if of_second != second_root:
        raise ProofRefused("the proof leads to another root of the second tree")
