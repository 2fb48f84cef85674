"""Merkle trees: the roots and proofs of RFC 6962, and no proof that proves nothing."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sealauthz.audit.merkle import (
    EMPTY_ROOT,
    Growing,
    ProofRefused,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

DATA = Path(__file__).parent / "data"
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
"""Of the tests of Certificate Transparency."""


def cases(file: str) -> list[Any]:
    return [
        pytest.param(case, id=case["file"].removeprefix("testdata/"))
        for case in json.loads((DATA / file).read_bytes())["cases"]
    ]


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def hashes(texts: list[str] | None) -> list[bytes]:
    return [decoded(text) for text in texts or ()]


@pytest.mark.parametrize("case", cases("inclusion.json"))
def test_inclusion_is_proved_by_what_proves_it_and_nothing_else(case: dict[str, Any]) -> None:
    proof = hashes(case["proof"])
    place = (case["leafIdx"], case["treeSize"], decoded(case["leafHash"]), proof, decoded(case["root"]))
    if not case["wantErr"]:
        verify_inclusion(*place)
        return
    with pytest.raises(ProofRefused):
        verify_inclusion(*place)


@pytest.mark.parametrize("case", cases("consistency.json"))
def test_consistency_is_proved_by_what_proves_it_and_nothing_else(case: dict[str, Any]) -> None:
    sizes = (case["size1"], case["size2"])
    rest = (decoded(case["root1"]), decoded(case["root2"]), hashes(case["proof"]))
    if not case["wantErr"]:
        verify_consistency(*sizes, *rest)
        return
    with pytest.raises(ProofRefused):
        verify_consistency(*sizes, *rest)


def test_the_vectors_are_all_there() -> None:
    assert [len(cases(file)) for file in ("inclusion.json", "consistency.json")] == [98, 98]


class Tree:
    """All perfect subtrees, counted the plain way."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.levels = [list(map(leaf_hash, leaves))]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            self.levels.append([node_hash(*below[at : at + 2]) for at in range(0, len(below) - 1, 2)])

    def node(self, level: int, number: int) -> bytes:
        return self.levels[level][number]


def plain_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962."""
    if len(leaves) < 2:
        return leaf_hash(leaves[0]) if leaves else EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


def test_the_roots_are_those_of_certificate_transparency() -> None:
    growing, leaves = Growing(), [bytes.fromhex(text) for text in LEAVES]
    roots = [growing.root.hex()]
    for leaf in leaves:
        growing.add(leaf_hash(leaf))
        roots.append(growing.root.hex())
    assert roots[0] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert roots[1] == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert roots[8] == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert roots == [plain_root(leaves[:size]).hex() for size in range(9)]


def test_every_proof_that_is_made_is_verified_and_no_other() -> None:
    leaves = [str(number).encode() for number in range(33)]
    tree = Tree(leaves)
    roots = [tree_root(size, tree.node) for size in range(34)]
    assert roots == [plain_root(leaves[:size]) for size in range(34)]
    for size in range(1, 34):
        for index in range(size):
            proof = inclusion_proof(index, size, tree.node)
            verify_inclusion(index, size, leaf_hash(leaves[index]), proof, roots[size])
            with pytest.raises(ProofRefused):
                verify_inclusion(index, size, leaf_hash(b"another"), proof, roots[size])
        for first in range(1, size + 1):
            proof = consistency_proof(first, size, tree.node)
            verify_consistency(first, size, roots[first], roots[size], proof)
            with pytest.raises(ProofRefused):
                verify_consistency(first, size, leaf_hash(b"another"), roots[size], proof)


def test_a_growing_tree_goes_on_where_it_was() -> None:
    tree = Growing()
    for number in range(11):
        tree.add(leaf_hash(str(number).encode()))
        again = Growing(tree.size, list(tree.roots))
        again.add(leaf_hash(b"next"))
        assert again.root == plain_root([*(str(n).encode() for n in range(number + 1)), b"next"])
    with pytest.raises(ValueError, match="3 perfect subtrees, not 2"):
        Growing(11, tree.roots[:2])


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (-1, 3)])
def test_what_cannot_be_proved_is_refused(first: int, second: int) -> None:
    tree = Tree([b"a", b"b", b"c"])
    with pytest.raises(ValueError, match="no proof"):
        consistency_proof(first, second, tree.node)
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_proof(3, 3, tree.node)
