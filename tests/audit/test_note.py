"""Checkpoints as signed notes: the example of the specification, and nothing that nobody has signed."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from sealauthz.audit.note import (
    Checkpoint,
    NoteRefused,
    Signer,
    Verifier,
    open_checkpoint,
    read_checkpoint,
)
from sealauthz.runtime.errors import ConfigRefused

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
    # One more signature takes nothing away.
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
