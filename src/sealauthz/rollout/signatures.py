"""Signatures over policies: that somebody who holds a configured key agrees to exactly these files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from sealauthz.runtime.errors import ConfigRefused, PolicyRefused

_ABOUT = "sealauthz policies 1"
"""What is signed begins with this, so that no signature over anything else passes for one over policies."""


class Signers:
    """The public keys that policies may be signed with, by name. Without any, no signature is needed."""

    def __init__(self, files: Iterable[Path] = ()) -> None:
        """Read PEM files; a key has the name of its file, without the ending. Raises ConfigRefused."""
        self._keys: dict[str, Ed25519PublicKey] = {}
        for file in files:
            if file.stem in self._keys:
                raise ConfigRefused(f"`policies.signers`: two files are named `{file.stem}`")
            self._keys[file.stem] = _public_key(file)

    def check(self, digest: str, key: str, signature: bytes) -> str:
        """Return the name of the key that signed a digest; empty where none is needed and none was given.

        Raises PolicyRefused for a signature that is missing, or wrong: also where none is needed.
        """
        if not key and not signature:
            if self._keys:
                names = ", ".join(f"`{name}`" for name in sorted(self._keys))
                raise PolicyRefused("UNSIGNED", f"these policies must be signed with one of the keys {names}")
            return ""
        known = self._keys.get(key)
        if known is None:
            raise PolicyRefused("UNSIGNED", f"`policies.signers` of the service has no key `{key}`")
        try:
            known.verify(signature, _signed(digest))
        except InvalidSignature as error:
            raise PolicyRefused("UNSIGNED", f"the signature is not one of the key `{key}` over this digest") from error
        return key


def sign(file: Path, digest: str) -> bytes:
    """Sign a digest with the private key in a PEM file. Raises ConfigRefused."""
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        # INVARIANT: nothing of what the file holds is said.
        raise ConfigRefused(f"`{file}` holds no private Ed25519 key in PEM form") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigRefused(f"`{file}` holds a key of another kind: policies are signed with Ed25519")
    return key.sign(_signed(digest))


def _signed(digest: str) -> bytes:
    return f"{_ABOUT}\n{digest}".encode()


def _public_key(file: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(file.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise ConfigRefused(f"`policies.signers`: `{file}` holds no public Ed25519 key in PEM form") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigRefused(f"`policies.signers`: `{file}` holds a key of another kind than Ed25519")
    return key
