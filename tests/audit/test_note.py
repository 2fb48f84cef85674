"""Checkpoints as signed notes: the example of the specification, and nothing that nobody has signed."""

from __future__ import annotations

import base64
import hashlib
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealauthz.audit.note import (
    Checkpoint,
    Cosigned,
    NobodyKnown,
    NoteRefused,
    Signer,
    Verifier,
    cosigned,
    open_checkpoint,
    read_checkpoint,
)
from sealauthz.errors import ConfigRefused

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_SIGNATURE = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
CHECKPOINT = Checkpoint("authz.example/log", 12, bytes(range(32)))


def test_the_example_of_the_specification_verifies() -> None:
    verifier = Verifier.read(EXAMPLE_KEY)
    signed = base64.b64decode(EXAMPLE_SIGNATURE)
    assert signed[:4] == verifier.key_id
    assert verifier.verifies("This is an example message.\n", signed[4:])
    assert not verifier.verifies("This is another message.\n", signed[4:])
    assert str(verifier) == EXAMPLE_KEY


def test_a_checkpoint_is_what_the_specification_says() -> None:
    signer = Signer.fresh("authz.example/log")
    text = signer.sign(CHECKPOINT)
    name, size, root, blank, signature, end = text.split("\n")
    assert (name, size, blank, end) == ("authz.example/log", "12", "", "")
    assert root == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert signature.startswith("\u2014 authz.example/log ")
    assert text == signer.sign(CHECKPOINT)
    assert open_checkpoint(text, [Verifier.read(str(signer.verifier))]) == CHECKPOINT
    assert read_checkpoint(text) == read_checkpoint(CHECKPOINT.unsigned) == CHECKPOINT


def test_what_nobody_trusted_has_signed_is_refused() -> None:
    signer, other = Signer.fresh("log"), Signer.fresh("log")
    text = signer.sign(CHECKPOINT)
    for verifiers in ([], [other.verifier], [Verifier("another", signer.verifier.key)]):
        with pytest.raises(NoteRefused, match="no key that is known"):
            open_checkpoint(text, verifiers)
    with pytest.raises(NoteRefused, match="no key that is known"):
        open_checkpoint(CHECKPOINT.unsigned, [signer.verifier])
    with pytest.raises(NoteRefused, match="the signature of `log` is wrong"):
        open_checkpoint(text.replace("\n12\n", "\n13\n"), [signer.verifier])
    # One more signature, as of a witness, takes nothing away.
    second = other.sign(CHECKPOINT).splitlines()[-1]
    assert open_checkpoint(f"{text}{second}\n", [signer.verifier]) == CHECKPOINT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n12\n",
        "log\n12\nAAAA\n\n",
        "log\n012\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n",
        "log\n-1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n",
        "log\n99999999999999999999\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n",
        "log\n12\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n\u2014 log ",
        "log\n12\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\nlog AAECAwQF\n",
        "log\n12\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n\u2014 log ===\n",
        "log\r\n12\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n",
        "\n12\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n",
    ],
)
def test_a_malformed_note_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        read_checkpoint(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        EXAMPLE_KEY.replace("530d903a", "530d903b"),
        EXAMPLE_KEY.replace("+Aeky", "+Beky"),
        EXAMPLE_KEY[:-4],
        " +530d903a+" + EXAMPLE_KEY.rpartition("+")[2],
    ],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        Verifier.read(text)


def test_a_key_comes_from_a_file_and_nothing_of_it_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "log.pem"
    with pytest.raises(ConfigRefused, match="holds no Ed25519 private key"):
        Signer.load("log", file)
    file.write_text("secret", encoding="ascii")
    with pytest.raises(ConfigRefused) as refused:
        Signer.load("log", file)
    assert "secret" not in str(refused.value)
    with pytest.raises(ConfigRefused, match="cannot name a log"):
        Signer.fresh("two words")


def cosignature(name: str, key: Ed25519PrivateKey, body: str, at: int) -> tuple[str, str]:
    """What a witness makes of the body of a checkpoint, by the text of c2sp.org/tlog-cosignature: its key, its line."""
    public = b"\x04" + key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    signature = key.sign(f"cosignature/v1\ntime {at}\n{body}".encode())
    line = b64encode(key_id + at.to_bytes(8, "big") + signature).decode()
    return f"{name}+{key_id.hex()}+{b64encode(public).decode()}", f"\u2014 {name} {line}\n"


def test_a_witness_signs_beside_the_log_and_never_for_it() -> None:
    signer, witness = Signer.fresh("log"), Ed25519PrivateKey.generate()
    checkpoint = Checkpoint("log", 7, bytes(32))
    text, line = cosignature("witness.example", witness, checkpoint.body, 1_795_849_402)
    verifier, note = Verifier.read(text), signer.sign(checkpoint)
    assert str(verifier) == text
    keys = [signer.verifier, verifier]
    assert open_checkpoint(note + line, keys) == checkpoint
    assert open_checkpoint(note + line, [signer.verifier]) == checkpoint
    assert cosigned(note + line, keys) == [Cosigned("witness.example", 7, 1_795_849_402)]
    assert cosigned(note, keys) == cosigned(note + line, [signer.verifier]) == []
    with pytest.raises(NobodyKnown):
        open_checkpoint(checkpoint.unsigned + line, keys)
    _, later = cosignature("witness.example", witness, checkpoint.body, 1_795_849_403)
    # The time is signed: with another one, or of another checkpoint, it is wrong.
    forged = bytearray(b64decode(line.split()[2]))
    forged[11] ^= 1
    for wrong in (
        f"\u2014 witness.example {b64encode(forged).decode()}\n",
        cosignature("witness.example", witness, Checkpoint("log", 8, bytes(32)).body, 1)[1],
    ):
        with pytest.raises(NoteRefused, match="is wrong"):
            open_checkpoint(note + wrong, keys)
        assert cosigned(note + wrong, keys) == []
    assert open_checkpoint(note + later, keys) == checkpoint
    # The same key as that of a log has another id, and its plain signature is none of a witness.
    plain = Signer("witness.example", witness)
    assert plain.verifier.key_id != verifier.key_id
    with pytest.raises(NobodyKnown):
        open_checkpoint(plain.sign(checkpoint), [verifier])
