"""A witness: is asked to sign each checkpoint, and what it has not signed is not kept, whatever it says."""

from __future__ import annotations

import base64
import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from posted import answering

from sealauthz.audit.anchoring import COSIGNED, Folder
from sealauthz.audit.merkle import ProofRefused, consistency_proof, leaf_hash, node_hash, tree_root, verify_consistency
from sealauthz.audit.note import Checkpoint, Signer, Verifier, cosigned, open_checkpoint
from sealauthz.audit.posting import AnchorRefused
from sealauthz.audit.witness import Witness, cosignatures, read_witnesses, without_cosignatures
from sealauthz.errors import ConfigRefused, InvalidRequest

SIGNER = Signer.fresh("test.example/log")


class Tree:
    """A log that is its leaves."""

    def __init__(self, *leaves: str) -> None:
        self.leaves = list(leaves)

    def node(self, level: int, number: int) -> bytes:
        if level == 0:
            return leaf_hash(self.leaves[number].encode())
        return node_hash(self.node(level - 1, 2 * number), self.node(level - 1, 2 * number + 1))

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(SIGNER.verifier.name, len(self.leaves), tree_root(len(self.leaves), self.node))

    def consistency(self, first: int, second: int) -> Any:
        if not 0 < first <= second <= len(self.leaves):
            raise InvalidRequest.at("first_size", "is none")
        return SimpleNamespace(hashes=tuple(consistency_proof(first, second, self.node)))


class Judge:
    """A witness as c2sp.org/tlog-witness has it. `answers` stands for what it says instead, once."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.verifier = Verifier("witness.example", self.key.public_key().public_bytes_raw(), is_witness=True)
        self.seen = Checkpoint(SIGNER.verifier.name, 0, b"")
        self.asked: list[int] = []
        self.answers: list[Callable[[], tuple[int, bytes]]] = []

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        assert path == "/w/add-checkpoint"
        head, _, note = body.decode().partition("\n\n")
        old, *hashes = head.split("\n")
        self.asked.append(int(old.removeprefix("old ")))
        if self.answers:
            return self.answers.pop(0)()
        new = open_checkpoint(note, [SIGNER.verifier])
        if self.asked[-1] != self.seen.size:
            return 409, f"{self.seen.size}\n".encode()
        if new.size < self.asked[-1]:
            return 400, b""
        proof = [base64.b64decode(each) for each in hashes]
        try:
            if self.seen.size:
                verify_consistency(self.seen.size, new.size, self.seen.root, new.root, proof)
            elif proof:
                return 422, b""
        except ProofRefused:
            return 422, b""
        self.seen = new
        return 200, self.signature(new, 1_700_000_000)

    def signature(self, of: Checkpoint, at: int) -> bytes:
        text = f"cosignature/v1\ntime {at}\n{of.body}"
        signed = self.verifier.key_id + at.to_bytes(8) + self.key.sign(text.encode())
        return f"\u2014 {self.verifier.name} {base64.b64encode(signed).decode()}\n".encode()


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def address(judge: Judge) -> Iterator[str]:
    with answering(judge.answer) as address:
        yield f"{address}/w/"


@pytest.fixture
def tree() -> Tree:
    return Tree("a", "b", "c")


@pytest.fixture
def witness(address: str, judge: Judge, tree: Tree, tmp_path: Path) -> Witness:
    return Witness(address, str(judge.verifier), Folder(tmp_path), tree, 1.0)  # type: ignore[arg-type]


def ask(witness: Witness, tree: Tree) -> None:
    witness.keep(SIGNER.sign(tree.checkpoint()), tree.checkpoint())


def kept(folder: Path) -> list[str]:
    return [file.read_text() for file in sorted(folder.glob(f"*{COSIGNED}"))]


def test_what_a_witness_signs_is_kept_below_the_note(
    witness: Witness, judge: Judge, tree: Tree, tmp_path: Path
) -> None:
    assert witness.last() is None
    ask(witness, tree)
    tree.leaves += ["d", "e"]
    ask(witness, tree)
    assert judge.asked == [0, 3]
    assert witness.last() == tree.checkpoint()
    keys = [SIGNER.verifier, judge.verifier]
    assert [open_checkpoint(note, keys).size for note in kept(tmp_path)] == [3, 5]
    assert [each for note in kept(tmp_path) for each in cosigned(note, keys)] == [
        ("witness.example", size, 1_700_000_000) for size in (3, 5)
    ]


def test_a_witness_that_saw_more_or_less_than_is_known_says_so(
    witness: Witness, judge: Judge, tree: Tree, tmp_path: Path
) -> None:
    """Another process has asked it meanwhile; or it is another one under the same key, and knows nothing yet."""
    judge.seen = Tree("a", "b").checkpoint()
    ask(witness, tree)
    judge.seen = Checkpoint(SIGNER.verifier.name, 0, b"")
    tree.leaves.append("d")
    ask(witness, tree)
    assert judge.asked == [0, 2, 3, 0]
    assert len(kept(tmp_path)) == 2


def test_a_witness_that_is_ahead_of_the_log_refuses_it(
    witness: Witness, judge: Judge, tree: Tree, tmp_path: Path
) -> None:
    """The log was cut off, or is an older copy."""
    judge.seen = Tree("a", "b", "c", "d").checkpoint()
    with pytest.raises(AnchorRefused, match="saw a log of 4 records, and this one has 3"):
        ask(witness, tree)
    assert kept(tmp_path) == []


def test_a_log_that_is_another_one_is_not_signed(witness: Witness, judge: Judge, tree: Tree, tmp_path: Path) -> None:
    judge.seen = Tree("a", "x").checkpoint()
    with pytest.raises(AnchorRefused, match="status 422"):
        ask(witness, tree)
    assert kept(tmp_path) == []


def test_a_witness_that_lies_signs_nothing(witness: Witness, judge: Judge, tree: Tree, tmp_path: Path) -> None:
    other, signed = Judge(), tree.checkpoint()
    mine = judge.signature(signed, 1)
    lies: list[tuple[int, bytes, str]] = [
        (200, b"", "has not signed"),
        (200, b"\xff\xfe", "has not signed"),
        (200, other.signature(signed, 1), "has not signed"),
        (200, judge.signature(Tree("a", "b", "x").checkpoint(), 1), "has not signed"),
        (200, mine[:-8] + b"AAAAAA=\n", "has not signed"),
        (200, mine.replace(b" witness.example ", b" other.example "), "has not signed"),
        (200, b"x" * 300_000, "more than"),
        (409, b"0\n", "names none"),
        (409, b"-1\n", "names none"),
        (409, b"9" * 30, "names none"),
        (409, b"", "names none"),
        (404, mine, "status 404"),
        (500, mine, "status 500"),
        (201, mine, "status 201"),
    ]
    for status, body, said in lies:
        judge.answers = [lambda status=status, body=body: (status, body)]  # type: ignore[misc]
        with pytest.raises(AnchorRefused, match=said):
            ask(witness, tree)
    judge.answers = [lambda: (409, b"1\n"), lambda: (409, b"2\n")]  # it goes on and on
    with pytest.raises(AnchorRefused, match="status 409"):
        ask(witness, tree)
    assert kept(tmp_path) == []
    ask(witness, tree)
    assert len(kept(tmp_path)) == 1


def test_a_witness_that_hangs_is_not_waited_for(address: str, judge: Judge, tree: Tree, tmp_path: Path) -> None:
    over = threading.Event()

    def hang() -> tuple[int, bytes]:
        over.wait(10)
        return 200, b""

    judge.answers = [hang]
    witness = Witness(address, str(judge.verifier), Folder(tmp_path), tree, 0.05)  # type: ignore[arg-type]
    with pytest.raises(AnchorRefused, match="cannot be reached"):
        ask(witness, tree)
    over.set()
    assert kept(tmp_path) == []


def test_an_address_or_a_key_that_is_none_is_refused(judge: Judge, tmp_path: Path) -> None:
    for url, key, said in (
        ("http://witness.example/s3cret", str(judge.verifier), "must begin with"),
        ("ftp://localhost/s3cret", str(judge.verifier), "must begin with"),
        ("https://", str(judge.verifier), "must begin with"),
        ("https://witness.example", "", "not of Ed25519"),
        ("https://witness.example", str(SIGNER.verifier), "of a log, not of a witness"),
    ):
        with pytest.raises(ConfigRefused, match=said) as refused:
            Witness(url, key, Folder(tmp_path))
        assert "s3cret" not in str(refused.value)


def test_several_witnesses_sign_each_for_themselves(tmp_path: Path) -> None:
    judges, folder, tree = [Judge(), Judge()], Folder(tmp_path), Tree("a", "b", "c")
    for judge in judges:
        judge.verifier = dataclasses.replace(judge.verifier, name=f"w{judges.index(judge)}.example")
    judges[1].answers = [lambda: (503, b"")]
    note = SIGNER.sign(tree.checkpoint())
    with answering(judges[0].answer) as first, answering(judges[1].answer) as second:
        keys = " ".join(str(judge.verifier) for judge in judges)
        one, other = read_witnesses(f"{first}/w {second}/w", keys, folder, tree)  # type: ignore[arg-type]
        assert (one.name, other.name) == ("cosignatures", "cosignatures-2")
        one.keep(note, tree.checkpoint())
        with pytest.raises(AnchorRefused):
            other.keep(note, tree.checkpoint())
        assert (one.last(), other.last()) == (tree.checkpoint(), None)
        other.keep(note, tree.checkpoint())
    text = cosignatures(folder, 3)
    seen = cosigned(text, [judge.verifier for judge in judges])
    assert {each.witness for each in seen} == {"w0.example", "w1.example"}
    assert without_cosignatures(text) == note
    assert open_checkpoint(text, [SIGNER.verifier]) == tree.checkpoint()
    assert cosignatures(folder, 2) == ""
    # The one that most have signed, and of those the first.
    one._folder.add(5, one.suffix, b"x")
    assert folder.most_beyond(0, COSIGNED) == 3
    assert folder.most_beyond(3, COSIGNED) == 5
    assert folder.most_beyond(5, COSIGNED) is None


def test_each_witness_needs_a_key_of_its_own(judge: Judge, tmp_path: Path) -> None:
    key, url = str(judge.verifier), "https://witness.example"
    for urls, keys in ((f"{url} {url}", key), (url, f"{key} {key}"), (f"{url} {url}", f"{key} {key}"), (url, "")):
        with pytest.raises(ConfigRefused, match="witness_key"):
            read_witnesses(urls, keys, Folder(tmp_path))
