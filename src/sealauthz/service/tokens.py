"""Tokens of callers that somebody else issues: JWTs, signed with keys that their issuer publishes (RFC 8725, RFC 9068).

A token says who calls and nothing of what it may do: rights are in the caller's table. What a header says beside
algorithm, type and name of the key is never followed.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from joserfc import jws
from joserfc.errors import JoseError

from sealauthz.runtime import base64url
from sealauthz.runtime.errors import CallerUnknown, KeysUnavailable
from sealauthz.runtime.keysets import KINDS, once_each
from sealauthz.service.issuer_keys import IssuerKeys, KeySource

DEFAULT_ALGORITHMS = ("ES256", "Ed25519", "EdDSA", "PS256", "RS256")
DEFAULT_TYPES = ("at+jwt",)
ALGORITHMS = tuple(KINDS)
"""What a configuration may choose from: public keys only. A secret that is shared can be in two hands."""

T = TypeVar("T")
Claim = str | int | bool

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"})
"""What would have the token choose its own keys, or mean something that is not understood here."""
_MOST_REMEMBERED = 4_096


class _Registry(jws.JWSRegistry):
    """One algorithm, which the configuration chose: no word of whether it is old."""

    def get_alg(self, name: str) -> Any:
        """Return the algorithm. Raises ValueError for another."""
        if self.allowed is None or name not in self.allowed:
            raise ValueError("is signed with another algorithm")
        return self.algorithms[name]


_REGISTRIES = {name: _Registry(algorithms=[name]) for name in ALGORITHMS}


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """Who may issue tokens, and what has to be true of them. `audience` is this service, as they name it.

    `types` holds the `typ` of tokens in lower case, the empty text for none. `leeway_s` is by how much the clock of the
    issuer may be ahead; none behind, which only shortens a life.
    """

    name: str
    audience: str
    keys: KeySource
    types: frozenset[str] = frozenset(DEFAULT_TYPES)
    leeway_s: int = 5
    max_lifetime_s: int = 3_600


@dataclass(frozen=True, slots=True)
class TokenOf:
    """By which tokens a caller is known: those of an issuer with this subject, if one is named, and these claims."""

    issuer: str
    subject: str = ""
    claims: Mapping[str, Claim] = field(default_factory=dict)

    def is_met_by(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether a verified token is one of these."""
        if claims["iss"] != self.issuer or (self.subject and claims.get("sub") != self.subject):
            return False
        found = ((claims.get(name), wanted) for name, wanted in self.claims.items())
        return all(type(is_there) is type(wanted) and is_there == wanted for is_there, wanted in found)


@dataclass(frozen=True, slots=True)
class _Remembered(Generic[T]):
    """A token that was verified: with which keys, from when and until when it counts, and whose it is."""

    issuer: TokenIssuer
    keys: IssuerKeys
    begins_at: int
    ends_at: int
    owner: T


class Tokens(Generic[T]):
    """Verifies tokens, and remembers those that it has verified by their digests: a signature is checked once.

    What is remembered counts only while the keys are those that it was verified with. `owner_of` says whose a token
    with these claims is, or raises CallerUnknown.
    """

    def __init__(
        self,
        issuers: Iterable[TokenIssuer],
        owner_of: Callable[[Mapping[str, Any]], T],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._owner_of = owner_of
        self._now = now
        self._remembered: OrderedDict[bytes, _Remembered[T]] = OrderedDict()
        self._changing = threading.Lock()

    def owner(self, text: str, digest: bytes) -> T:
        """Return whose a token is that is valid now. `digest` is its own. Raises CallerUnknown, KeysUnavailable."""
        now = self._now()
        found = self._remembered.get(digest)
        if found is None or found.issuer.keys.keys() is not found.keys:
            found = self._verified(text)
            with self._changing:
                self._remembered[digest] = found
                while len(self._remembered) > _MOST_REMEMBERED:
                    self._remembered.popitem(last=False)
        if now < found.begins_at:
            raise CallerUnknown("the token is not valid yet")
        if now >= found.ends_at:
            raise CallerUnknown("the token has expired")
        return found.owner

    def _verified(self, text: str) -> _Remembered[T]:
        """Verify a token but for whether its time has come. Raises CallerUnknown, KeysUnavailable."""
        if not _FORM.fullmatch(text):
            raise CallerUnknown("unknown bearer token")
        try:
            header, claims = (_json(part) for part in text.split(".")[:2])
            return self._checked(text, header, claims)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise CallerUnknown("the bearer token is neither known nor a token that can be verified") from error

    def _checked(self, text: str, header: Mapping[str, Any], claims: Mapping[str, Any]) -> _Remembered[T]:
        if header.keys() & _REFUSED_HEADERS:
            raise CallerUnknown("the token has a header that is not accepted")
        # Read before it is verified: it only chooses whose keys verify it.
        name = claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise CallerUnknown("the token is of an unknown issuer")
        if _type_of(header) not in issuer.types:
            raise CallerUnknown("the token is of another type")
        keys, algorithm = self._signed(text, issuer, header)
        if not jws.validate_compact(jws.extract_compact(text.encode()), keys[1], registry=_REGISTRIES[algorithm]):
            raise CallerUnknown("the signature of the token is wrong")
        if claims.get("aud") not in (issuer.audience, [issuer.audience]):
            raise CallerUnknown("the token is for another audience")
        begins_at, ends_at = _times(claims, issuer)
        return _Remembered(issuer, keys[0], begins_at, ends_at, self._owner_of(claims))

    def _signed(self, text: str, issuer: TokenIssuer, header: Mapping[str, Any]) -> tuple[tuple[IssuerKeys, Any], str]:
        """Return the keys of an issuer and the one that a token names, with the algorithm that both agree on."""
        keys = issuer.keys.keys()
        if keys is None:
            issuer.keys.ask()
            raise KeysUnavailable("the keys of the token's issuer cannot be had now")
        kid, algorithm = header.get("kid", ""), header.get("alg")
        if not isinstance(kid, str) or not isinstance(algorithm, str):
            raise CallerUnknown("the token has a header that is not accepted")
        key = keys.get(kid)
        if key is None and len(keys) == 1 and not kid:
            (key,) = keys.values()
        if key is None:
            if kid and issuer.keys.ask():
                raise KeysUnavailable("the key of the token is being looked for")
            raise CallerUnknown("the token is signed with an unknown key")
        if algorithm not in key.algorithms:
            raise CallerUnknown("the token is signed with another algorithm than its key has")
        return (keys, key.key), algorithm


def _json(part: str) -> Mapping[str, Any]:
    """Return a part of a token. Raises ValueError for what is no object, or says something twice."""
    found = json.loads(base64url.decode(part), object_pairs_hook=once_each)
    if not isinstance(found, dict):
        raise ValueError("is no object")
    return found


def _type_of(header: Mapping[str, Any]) -> str:
    """Return the `typ` of a token, which may be written as a whole media type."""
    found = header.get("typ", "")
    if not isinstance(found, str):
        raise CallerUnknown("the token is of another type")
    return found.lower().removeprefix("application/")


def _times(claims: Mapping[str, Any], issuer: TokenIssuer) -> tuple[int, int]:
    """Return from when and until when a token counts."""
    issued_at, expires_at, not_before = (claims.get(name) for name in ("iat", "exp", "nbf"))
    if type(issued_at) is not int or type(expires_at) is not int or type(not_before) not in (int, type(None)):
        raise CallerUnknown("`iat` and `exp` of the token must be whole seconds")
    if not 0 < expires_at - issued_at <= issuer.max_lifetime_s:
        raise CallerUnknown(f"the token is valid for longer than {issuer.max_lifetime_s} seconds")
    return max(issued_at, not_before or 0) - issuer.leeway_s, expires_at
