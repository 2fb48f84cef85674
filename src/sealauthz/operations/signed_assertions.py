"""Signed assertions: with one, the person says that an act is theirs. Who signs it, and how it is verified.

A caller acts for a person whom the service cannot see. An issuer of persons' identities, which is not the caller, has
the person confirm one act and signs a compact JWS of a type of its own; the caller forwards it. It is of exactly one
request (its digest), for one service, once, and for a minute at most. `sealauthz_client.assertions` says what it holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from sealauthz.runtime.keysets import Key, once_each, public_key, signing_keys
from sealauthz_client.assertions import ALGORITHMS, LIFETIME_S, TYPE

LEEWAY_S = 5
"""By how much the clock of an issuer may be ahead. None behind: that only shortens the life of what it signs."""
MAX_CHARACTERS = 4_096

_HEADER = frozenset({"alg", "typ", "kid"})
_MAX_ID_CHARACTERS = 128


class AssertionRefused(ValueError):
    """The text is no assertion of this act for this service now."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified assertion. `expires_at` is in whole seconds since 1970."""

    issuer: str
    jti: str
    expires_at: int

    @property
    def once(self) -> str:
        """What stands for it where it is used up: the same for no two assertions of any issuers."""
        return hashlib.sha256(json.dumps([self.issuer, self.jti]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key of an issuer. It verifies with its own algorithm and no other, whatever a token says."""

    algorithm: str
    key: Key


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who may sign for persons: its keys by their `kid`, and the callers that may forward what it signs (None: all)."""

    name: str
    keys: Mapping[str, PublicKey]
    callers: frozenset[str] | None = None


def read_keys(key_set: Any) -> dict[str, PublicKey]:
    """Return the keys of a JSON Web Key Set that may sign assertions. Those of other algorithms and uses are left out.

    Raises ValueError for what is no set of public keys, and where none is left.
    """
    found: dict[str, PublicKey] = {}
    for key in signing_keys(key_set):
        if str(key.get("alg")) not in ALGORITHMS:
            continue
        kid = key.get("kid")
        if not isinstance(kid, str) or not kid or kid in found:
            raise ValueError("has a key without a `kid` of its own")
        found[kid] = PublicKey(key["alg"], public_key(key, key["alg"]))
    if not found:
        raise ValueError(f"has no key with `kid` and one of the `alg` {', '.join(ALGORITHMS)}")
    return found


def verify(
    text: str, issuers: Mapping[str, Issuer], audience: str, *, caller: str, subject: str, digest: str, now: int
) -> Assertion:
    """Return an assertion, after checking all of it: signature, who signed, for whom, of which act, and its times.

    `caller` is who forwards it, `now` is in seconds since 1970. Raises AssertionRefused.
    """
    try:
        issuer, claims = _signed(text, issuers)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        if isinstance(error, AssertionRefused):
            raise
        raise AssertionRefused("the text is no assertion") from error
    if issuer.callers is not None and caller not in issuer.callers:
        raise AssertionRefused("this caller may not forward assertions of this issuer")
    if claims.get("aud") not in (audience, [audience]):
        raise AssertionRefused("the assertion is for another audience")
    if claims.get("sub") != subject:
        raise AssertionRefused("the assertion is of another subject")
    if claims.get("digest") != digest:
        raise AssertionRefused("the assertion is of another act")
    return Assertion(issuer.name, _id(claims), _valid_until(claims, now))


def _signed(text: str, issuers: Mapping[str, Issuer]) -> tuple[Issuer, dict[str, Any]]:
    """Return the claims whose signature is that of the issuer that they name."""
    if len(text) > MAX_CHARACTERS:
        raise AssertionRefused("the assertion is too long")
    signed = jws.extract_compact(text.encode())
    header: Any = signed.headers()
    # What a header may say beside these (a key, an address of keys, extensions) is never wanted here.
    if not isinstance(header, dict) or header.keys() != _HEADER:
        raise AssertionRefused("the header is not that of an assertion")
    if header["typ"] != TYPE:
        raise AssertionRefused("the token is of another type")
    claims = json.loads(signed.payload, object_pairs_hook=once_each)
    if not isinstance(claims, dict):
        raise AssertionRefused("the text is no assertion")
    # Read before it is verified: it only chooses whose keys verify it.
    name, kid = claims.get("iss"), header["kid"]
    issuer = issuers.get(name) if isinstance(name, str) else None
    if issuer is None:
        raise AssertionRefused("the assertion is of an unknown issuer")
    key = issuer.keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise AssertionRefused("the assertion is signed with an unknown key")
    if header["alg"] != key.algorithm:
        raise AssertionRefused("the assertion is signed with another algorithm than its key has")
    if not jws.validate_compact(signed, key.key, algorithms=[key.algorithm]):
        raise AssertionRefused("the signature of the assertion is wrong")
    return issuer, claims


def _id(claims: Mapping[str, Any]) -> str:
    found = claims.get("jti")
    if not isinstance(found, str) or not 0 < len(found) <= _MAX_ID_CHARACTERS or not found.isprintable():
        raise AssertionRefused(f"`jti` must be a text of 1 to {_MAX_ID_CHARACTERS} printable characters")
    return found


def _valid_until(claims: Mapping[str, Any], now: int) -> int:
    """Return when an assertion ends that is valid now."""
    issued_at, expires_at, not_before = (claims.get(name) for name in ("iat", "exp", "nbf"))
    if type(issued_at) is not int or type(expires_at) is not int or type(not_before) not in (int, type(None)):
        raise AssertionRefused("`iat` and `exp` must be whole seconds")
    if not 0 < expires_at - issued_at <= LIFETIME_S:
        raise AssertionRefused(f"an assertion is valid for {LIFETIME_S} seconds at most")
    if max(issued_at, not_before or 0) > now + LEEWAY_S:
        raise AssertionRefused("the assertion is not valid yet")
    if now >= expires_at:
        raise AssertionRefused("the assertion has expired")
    return expires_at
