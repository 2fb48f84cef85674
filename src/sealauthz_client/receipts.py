"""Receipts: what a signed statement about one performed act holds, and how the one who acts on it verifies it.

A receipt is a compact JWS of a type of its own, signed with one pinned algorithm. The public key set alone verifies it.
A verified receipt is no permission by itself: its audience says in the moment of acting that it acts, and all is
decided again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

TYPE = "seal-receipt+jwt"
"""The `typ` of a receipt: no other token of the same issuer passes for one."""
ALGORITHM = "Ed25519"
"""Fully specified (RFC 9864): the name says the curve, so that nothing is left to the key or to the sender."""
CURVE = "Ed25519"

_HEADER = frozenset({"alg", "typ", "kid"})
_TEXTS = ("iss", "aud", "jti", "sub", "caller", "on_behalf_of", "policy_version", "timeline")
_NUMBERS = ("revision", "iat", "nbf", "exp")
_CLAIMS = frozenset({*_TEXTS, *_NUMBERS, "permits"})


class ReceiptRefused(ValueError):
    """The text is no receipt for this audience now. Who holds it must not act on it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A statement that an operation was performed, and what its audience may therefore do once, and until when.

    Times are whole seconds since 1970. `caller` is the service that performed the operation, `on_behalf_of` is empty
    where the subject acted for themself. `permits` holds what exactly: the action, the resource, and what the act is
    bound to.
    """

    issuer: str
    audience: str
    operation_id: str
    subject: str
    caller: str
    on_behalf_of: str
    policy_version: str
    revision: int
    timeline: str
    issued_at: int
    not_before: int
    expires_at: int
    permits: Mapping[str, Any]

    @property
    def claims(self) -> dict[str, Any]:
        """The claims as they are signed."""
        return {
            "iss": self.issuer,
            "aud": self.audience,
            "jti": self.operation_id,
            "sub": self.subject,
            "caller": self.caller,
            "on_behalf_of": self.on_behalf_of,
            "policy_version": self.policy_version,
            "revision": self.revision,
            "timeline": self.timeline,
            "iat": self.issued_at,
            "nbf": self.not_before,
            "exp": self.expires_at,
            "permits": dict(self.permits),
        }


def verify(
    receipt: str | bytes, key_set: Mapping[str, Any], audience: str, *, issuer: str = "", now: int | None = None
) -> Receipt:
    """Return what a receipt says, after checking all of it with the published key set.

    `key_set` is what `keys()` of a client returns; `audience` is who the verifier is, never taken from the receipt.
    `issuer` is checked where it is given, and `now` is the verifier's own clock where it is not. Raises ReceiptRefused,
    and ValueError for a key set that is no mapping.
    """
    if not isinstance(key_set, Mapping):
        raise ValueError(f"`key_set`: expected the mapping that `keys()` returns, got `{type(key_set).__name__}`")
    if not audience:
        raise ReceiptRefused("a verifier needs a name of its own")
    claims = _signed_claims(receipt, key_set)
    found = _receipt_of(claims)
    if found.audience != audience:
        raise ReceiptRefused("the receipt is for another audience")
    if issuer and found.issuer != issuer:
        raise ReceiptRefused("the receipt is of another issuer")
    at = int(time.time()) if now is None else now
    if at < found.not_before or at < found.issued_at:
        raise ReceiptRefused("the receipt is not valid yet")
    if at >= found.expires_at:
        raise ReceiptRefused("the receipt has expired")
    return found


def _signed_claims(receipt: str | bytes, key_set: Mapping[str, Any]) -> Any:
    try:
        signed = jws.extract_compact(receipt.encode() if isinstance(receipt, str) else receipt)
        header = signed.headers()
        # What a header may say beside these (a key, an address of keys, extensions) is never wanted here.
        if header.keys() != _HEADER:
            raise ReceiptRefused("the header of the receipt is not that of a receipt")
        if header["typ"] != TYPE:
            raise ReceiptRefused("the token is of another type")
        if header["alg"] != ALGORITHM:
            raise ReceiptRefused("the receipt is signed with another algorithm")
        if not jws.validate_compact(signed, _key(key_set, header["kid"]), algorithms=[ALGORITHM]):
            raise ReceiptRefused("the signature of the receipt is wrong")
        return json.loads(signed.payload, object_pairs_hook=_once_each)
    except (JoseError, ValueError, TypeError) as error:
        if isinstance(error, ReceiptRefused):
            raise
        raise ReceiptRefused("the text is no receipt") from error


def _key(key_set: Mapping[str, Any], key_id: object) -> OKPKey:
    """The public key of that id in a key set. Keys of other kinds beside it are for other purposes."""
    keys = key_set.get("keys")
    for key in keys if isinstance(keys, list | tuple) else ():
        if not isinstance(key, Mapping) or key.get("kid") != key_id or key.get("kty") != "OKP":
            continue
        if key.get("crv") != CURVE or key.get("alg", ALGORITHM) != ALGORITHM or key.get("use", "sig") != "sig":
            continue
        found = OKPKey.import_key({"kty": "OKP", "crv": CURVE, "x": str(key.get("x"))})
        if found.thumbprint() == key_id:
            return found
    raise ReceiptRefused("the receipt is signed with an unknown key")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of a JSON object, each of which has one value: two readers must not read two things."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ReceiptRefused("the receipt says something twice")
    return found


def _receipt_of(claims: Any) -> Receipt:
    if not isinstance(claims, dict) or claims.keys() != _CLAIMS or not isinstance(claims["permits"], dict):
        raise ReceiptRefused("the claims of the receipt are not those of a receipt")
    if any(not isinstance(claims[name], str) for name in _TEXTS):
        raise ReceiptRefused("the claims of the receipt are not those of a receipt")
    if any(type(claims[name]) is not int for name in _NUMBERS):
        raise ReceiptRefused("the claims of the receipt are not those of a receipt")
    return Receipt(
        issuer=claims["iss"],
        audience=claims["aud"],
        operation_id=claims["jti"],
        subject=claims["sub"],
        caller=claims["caller"],
        on_behalf_of=claims["on_behalf_of"],
        policy_version=claims["policy_version"],
        revision=claims["revision"],
        timeline=claims["timeline"],
        issued_at=claims["iat"],
        not_before=claims["nbf"],
        expires_at=claims["exp"],
        permits=claims["permits"],
    )
