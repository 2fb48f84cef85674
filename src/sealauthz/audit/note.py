"""Checkpoints of a log: its name, its size and its root, in the text that C2SP calls tlog-checkpoint, signed as a
signed note with Ed25519.

Source: c2sp.org/signed-note, c2sp.org/tlog-checkpoint. Anybody verifies one with the verifier key alone, which is a
line of text: `name+hash+key`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sealauthz.audit.merkle import HASH_BYTES
from sealauthz.runtime.errors import ConfigRefused

_ED25519 = b"\x01"
_DASH = "\u2014 "  # the text of a signature line begins with an em dash
_MOST_SIGNATURES = 100
_has_control_letters = re.compile(r"[\x00-\x09\x0b-\x1f]").search
_MOST_CHARACTERS = 1_000_000


class NoteRefused(ValueError):
    """The text is no checkpoint of this log, or nobody who is trusted has signed it."""


class NobodyKnown(NoteRefused):
    """No key that is known has signed the checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log was at one time: how many records, and the root of their tree."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @property
    def unsigned(self) -> str:
        """The note without a signature."""
        return f"{self.body}\n"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under its name."""

    name: str
    key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)

    @classmethod
    def read(cls, text: str) -> Verifier:
        """Read a verifier key, `name+hash+key`. Raises NoteRefused."""
        name, _, rest = text.strip().partition("+")
        key_hash, _, encoded = rest.partition("+")
        try:
            content = base64.b64decode(encoded, validate=True)
            if content[:1] != _ED25519 or len(content) != 33:
                raise NoteRefused("the verifier key is not of Ed25519")
            found = cls(name, content[1:])
            if key_hash != found.key_id.hex():
                raise NoteRefused("the verifier key was copied wrongly: its hash is another")
        except (ValueError, ConfigRefused) as error:
            if isinstance(error, NoteRefused):
                raise
            raise NoteRefused("the text is no verifier key `name+hash+key`") from error
        return found

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand for the key in a signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.key).decode()}"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Tell whether this key has signed a text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """Signs checkpoints in the name of one log. The name is public, the key is not."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.verifier = Verifier(name, key.public_key().public_bytes_raw())

    @classmethod
    def load(cls, name: str, file: Path) -> Signer:
        """Read the private key of a PEM file. Raises ConfigRefused."""
        try:
            key = load_pem_private_key(file.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            # INVARIANT: nothing of what the file holds is said.
            raise ConfigRefused(f"`{file}` holds no Ed25519 private key in PEM form") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigRefused(f"`{file}` holds no Ed25519 private key in PEM form")
        return cls(name, key)

    @classmethod
    def fresh(cls, name: str) -> Signer:
        """Make a key that no file holds: for demonstrations and tests."""
        return cls(name, Ed25519PrivateKey.generate())

    def sign(self, checkpoint: Checkpoint) -> str:
        """Return the signed note. The same checkpoint gives the same text."""
        body = checkpoint.body
        signed = self.verifier.key_id + self._key.sign(body.encode())
        return f"{body}\n{_DASH}{self.verifier.name} {base64.b64encode(signed).decode()}\n"

    def sign_bytes(self, content: bytes) -> bytes:
        """Return the signature of what is no checkpoint, and cannot be taken for one: the caller sees to that."""
        return self._key.sign(content)

    @property
    def secret(self) -> bytes:
        """What other keys may be derived from (`derived_key`)."""
        return self._key.private_bytes_raw()

    def __repr__(self) -> str:
        return f"Signer({self.verifier})"


def derived_key(secret: bytes, purpose: str) -> bytes:
    """Return the key of 32 bytes that a secret gives for a purpose. Source: RFC 5869 (HKDF-SHA-256)."""
    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret)


def check_name(name: str) -> None:
    """Raise ConfigRefused for what a key or a log cannot be called."""
    if not name or not name.isprintable() or any(letter.isspace() or letter == "+" for letter in name):
        raise ConfigRefused(f"`{name}` cannot name a log: it needs letters, and has no space and no plus sign")


def read_checkpoint(text: str) -> Checkpoint:
    """Return what a note says, without a look at its signatures. Raises NoteRefused."""
    return _checkpoint_of(_split(text)[0])


def open_checkpoint(text: str, verifiers: Iterable[Verifier]) -> Checkpoint:
    """Return what a note says that one of these keys has signed. Raises NoteRefused.

    Signatures of other keys are passed over; a wrong one of a key that is known refuses the note. Raises
    NobodyKnown where there is none of a known key.
    """
    body, lines = _split(text)
    by_id = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    is_signed = False
    for name, content in lines:
        verifier = by_id.get((name, content[:4]))
        if verifier is None:
            continue
        if not verifier.verifies(body, content[4:]):
            raise NoteRefused(f"the signature of `{name}` is wrong")
        is_signed = True
    if not is_signed:
        raise NobodyKnown("no key that is known has signed the checkpoint")
    return _checkpoint_of(body)


def signers(verifiers: Iterable[Verifier]) -> str:
    """Return the names of those that sign for a log."""
    return ", ".join(verifier.name for verifier in verifiers)


def _split(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the signed text of a note, and its signatures: each the name of the key, its id and what it signed."""
    if len(text) > _MOST_CHARACTERS or _has_control_letters(text):
        raise NoteRefused("the text is no checkpoint")
    body, blank, signatures = text.rpartition("\n\n")
    lines = signatures.splitlines()
    if not blank or (signatures and not signatures.endswith("\n")) or len(lines) > _MOST_SIGNATURES:
        raise NoteRefused("the text is no checkpoint")
    found = []
    for line in lines:
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        try:
            content = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise NoteRefused("a line of a signature is malformed") from error
        if not line.startswith(_DASH) or not name or len(content) < 5:
            raise NoteRefused("a line of a signature is malformed")
        found.append((name, content))
    return body + "\n", found


def _checkpoint_of(body: str) -> Checkpoint:
    lines = body.split("\n")
    if len(lines) < 4 or lines[-1]:
        raise NoteRefused("the text is no checkpoint: it needs a name, a size and a root")
    origin, size, root = lines[:3]
    try:
        found = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteRefused("the root of the checkpoint is malformed") from error
    is_number = size.isascii() and size.isdigit() and (size == "0" or not size.startswith("0")) and len(size) < 20
    if not origin or not is_number or len(found) != HASH_BYTES:
        raise NoteRefused("the text is no checkpoint: it needs a name, a size and a root")
    return Checkpoint(origin, int(size), found)
