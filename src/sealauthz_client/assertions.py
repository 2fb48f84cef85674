"""Assertions on the side of those who have a person confirm an act: what an assertion holds, and signing it.

The digest is computed where the person sees the act, and signed by the issuer of the person's identity; the caller
forwards the result. Not imported with the rest of the client: it needs `joserfc`.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

if TYPE_CHECKING:
    from sealauthz_client.messages import ContextValue
    from sealauthz_client.operations import ArgumentValue

TYPE = "act-assertion+jwt"
"""The `typ` of an assertion: neither a receipt nor another token of the same issuer passes for one."""
ALGORITHMS = {"Ed25519": "Ed25519", "ES256": "P-256"}
"""The algorithms that assertions may be signed with, each with its curve. A key is pinned to one of them."""
LIFETIME_S = 60

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def assertion_digest(
    subject: str,
    action: str,
    resource: str,
    context: Mapping[str, Any],
    arguments: Mapping[str, Any],
    request_id: str,
) -> str:
    """Return the digest of one request: what a person confirms, and what their assertion is bound to.

    Values are texts, whole numbers, truth values, lists and records of them; instants are microseconds since 1970. It
    is SHA-256 over RFC 8785 (JSON with the keys in order and no spaces).
    """
    content = {
        "action": action,
        "arguments": arguments,
        "context": context,
        "request_id": request_id,
        "resource": resource,
        "subject": subject,
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def claims_of(
    issuer: str, audience: str, subject: str, digest: str, now: int, lifetime_s: int = LIFETIME_S
) -> dict[str, Any]:
    """Return the claims that an issuer signs: with an id of their own each time. `now` is in seconds since 1970."""
    return {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + lifetime_s,
        "digest": digest,
    }


def digest_of(
    subject: str,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue] | None = None,
    arguments: Mapping[str, ArgumentValue] | None = None,
    *,
    request_id: str,
) -> str:
    """Return the digest of a request, given as to `perform`. Raises ValueError for a time without a time zone."""
    return assertion_digest(subject, action, resource, _plain(context or {}), _plain(arguments or {}), request_id)


def _plain(value: Any) -> Any:
    """Return a value as it is digested: instants are whole microseconds since 1970."""
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError("a time must have a time zone")
        return (value - _EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, str | int):
        return value
    return [_plain(item) for item in value]


class Signer:
    """Signs assertions as an issuer does, with one private key. Who has that key can speak for every person."""

    def __init__(self, issuer: str, audience: str, key: OKPKey | ECKey) -> None:
        if not key.is_private:
            raise ValueError("assertions are signed with a private key")
        self._issuer = issuer
        self._audience = audience
        self._key = key
        self._key_id = key.thumbprint()
        self._algorithm = next(name for name, curve in ALGORITHMS.items() if curve == key.curve_name)

    @classmethod
    def load(cls, file: Path, issuer: str, audience: str) -> Signer:
        """Read the private key, Ed25519 or P-256, of a PEM file. Raises ValueError."""
        text = file.read_bytes()
        for kind in (OKPKey, ECKey):
            try:
                key = kind.import_key(text)
                if key.curve_name in ALGORITHMS.values():
                    return cls(issuer, audience, key)
            except (JoseError, ValueError, TypeError, AttributeError):
                continue
        raise ValueError(f"`{file}` holds no private key of Ed25519 or P-256 in PEM form")

    @classmethod
    def fresh(cls, issuer: str, audience: str) -> Signer:
        """Make a key that no file holds: for demonstrations and tests."""
        return cls(issuer, audience, OKPKey.generate_key("Ed25519"))

    @property
    def key_set(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set, for `[assertions]` of the service."""
        return {"keys": [self._key.as_dict(private=False, kid=self._key_id, alg=self._algorithm, use="sig")]}

    @property
    def pem(self) -> bytes:
        """The private key, for `load`."""
        return self._key.as_pem(private=True)

    def sign(self, subject: str, digest: str, *, now: int | None = None, lifetime_s: int = LIFETIME_S) -> str:
        """Return an assertion of the subject for a digest (`digest_of`). `now` is in seconds since 1970."""
        at = int(time.time()) if now is None else now
        header = {"alg": self._algorithm, "typ": TYPE, "kid": self._key_id}
        claims = claims_of(self._issuer, self._audience, subject, digest, at, lifetime_s)
        return jws.serialize_compact(header, json.dumps(claims), self._key, algorithms=[self._algorithm])
