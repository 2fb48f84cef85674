"""The keys that receipts are signed with: one signs, those before it and after it are published beside it.

SM2 (GM/T 0009) has no registered JOSE algorithm and no kept library here. A signer of it would be a second class with
`key_id`, `sign` and `public`, chosen in the composition root; nothing else knows how a receipt is signed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from sealauthz.runtime import base64url
from sealauthz.runtime.errors import ConfigRefused
from sealauthz_client.receipts import ALGORITHM, CURVE, TYPE, Receipt

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


class SigningKeys:
    """Private keys with overlap. The first one signs; all are published, so that what an earlier one signed, and what
    the next one will sign, is verified by everybody who fetched the key set in time.
    """

    def __init__(self, keys: Sequence[OKPKey]) -> None:
        if not keys:
            raise ConfigRefused("receipts need a key to sign with")
        by_id = {key.thumbprint(): key for key in keys}
        if len(by_id) != len(keys):
            raise ConfigRefused("a key to sign receipts with is given twice")
        self.key_id, signer = next(iter(by_id.items()))
        private = signer.private_key
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigRefused("the first key of receipts must be a private one: it signs")
        self._private = private
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self.key_id}
        self._header = base64url.encode(json.dumps(header, separators=(",", ":")).encode())
        self._public: list[dict[str, Any]] = [
            key.as_dict(private=False, kid=key_id, alg=ALGORITHM, use="sig") for key_id, key in by_id.items()
        ]

    @classmethod
    def load(cls, files: Sequence[Path]) -> SigningKeys:
        """Read PEM files: the first holds the private key that signs, the others private or public keys to publish.

        Raises ConfigRefused.
        """
        return cls([_read(file) for file in files])

    @classmethod
    def fresh(cls) -> SigningKeys:
        """Make a key that no file holds: for demonstrations and tests, whose receipts nobody verifies later."""
        return cls([OKPKey.generate_key("Ed25519")])

    @property
    def key_set(self) -> dict[str, Any]:
        """The public keys as a JWK set: a JSON document for `GetKeys` and for a file."""
        return {"keys": [dict(key) for key in self._public]}

    def sign(self, receipt: Receipt) -> str:
        """Sign a receipt. The same receipt gives the same text."""
        # Put together here: a library would check the header, which is always the same, at five times the cost.
        signed = f"{self._header}.{base64url.encode(_encode(receipt.claims).encode())}"
        return f"{signed}.{base64url.encode(self._private.sign(signed.encode()))}"

    def __repr__(self) -> str:
        """Name the public ids only."""
        return f"SigningKeys({', '.join(key['kid'] for key in self._public)})"


def _read(file: Path) -> OKPKey:
    try:
        key = OKPKey.import_key(file.read_bytes())
        if key.curve_name != CURVE:
            raise ConfigRefused(f"`{file}` holds a key of another curve: receipts are signed with {ALGORITHM}")
        key.thumbprint()
    except (OSError, ValueError, TypeError, AttributeError, JoseError) as error:
        if isinstance(error, ConfigRefused):
            raise
        # INVARIANT: nothing of what the file holds is said.
        raise ConfigRefused(f"`{file}` holds no {ALGORITHM} key in PEM form") from error
    return key
