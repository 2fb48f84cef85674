"""Public keys that others publish as a JSON Web Key Set, and JSON that says each thing once.

What signed assertions of persons and tokens of callers have in common. Which keys and algorithms count is for each of
them to say: one kind of token never passes for the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from sealauthz.runtime import base64url

Key = OKPKey | ECKey | RSAKey

KINDS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", "")),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The algorithms of public keys that are known here, each with the type and the curve of its keys."""

MAX_KEYS = 64
_LEAST_RSA_BITS, _MOST_RSA_BITS = 2_048, 8_192
_PARTS = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CLASSES: Mapping[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


def signing_keys(key_set: Any) -> list[Mapping[str, Any]]:
    """Return the keys of a JSON Web Key Set that are for signatures, as they stand there.

    Raises ValueError for what is no set of public keys: one private or shared key in it makes all of it suspect.
    """
    keys = key_set.get("keys") if isinstance(key_set, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ValueError("is no JSON Web Key Set")
    if len(keys) > MAX_KEYS:
        raise ValueError(f"has more than {MAX_KEYS} keys")
    for key in keys:
        if key.keys() & _PRIVATE or key.get("kty") == "oct":
            raise ValueError("holds a private or shared key: give the public keys only")
    return [key for key in keys if key.get("use", "sig") == "sig" and _verifies(key.get("key_ops", ["verify"]))]


def _verifies(operations: object) -> bool:
    return isinstance(operations, list) and "verify" in operations


def public_key(key: Mapping[str, Any], algorithm: str) -> Key:
    """Return the key of an entry that fits an algorithm. Raises ValueError where it does not."""
    kind, curve = KINDS[algorithm]
    try:
        if key.get("kty") == kind and (kind != "RSA" or _LEAST_RSA_BITS <= _bits(key["n"]) <= _MOST_RSA_BITS):
            found = _CLASSES[kind].import_key({name: key[name] for name in _PARTS[kind] if name in key})
            if isinstance(found, RSAKey) or found.curve_name == curve:
                found.thumbprint()
                return found
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ValueError("has a key that does not fit its `alg`") from error
    raise ValueError("has a key that does not fit its `alg`")


def _bits(number: str) -> int:
    return int.from_bytes(base64url.decode(number)).bit_length()


def once_each(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of a JSON object, each of which has one value: two readers must not read two things.

    Raises ValueError.
    """
    given = list(pairs)
    found = dict(given)
    if len(found) != len(given):
        raise ValueError("says something twice")
    return found
