"""Verifying assertions: of one issuer's person, for one service, of one act, for a minute; and of nothing else."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from sealauthz.operations.signed_assertions import (
    LEEWAY_S,
    MAX_CHARACTERS,
    Assertion,
    AssertionRefused,
    Issuer,
    read_keys,
    verify,
)
from sealauthz_client.assertions import LIFETIME_S, TYPE, Signer, assertion_digest, claims_of, digest_of
from sealauthz_client.receipts import TYPE as RECEIPT

NOW = 1_790_000_000
WHO, SERVICE, ISSUER, CALLER = "Person:p-lin", "https://authz.example", "https://id.example", "console"
DIGEST = assertion_digest(WHO, "freeze", "Seal:s", {}, {"until": 5}, "r1")

EDWARDS, CURVE = OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-256")
SIGNERS = {"Ed25519": Signer(ISSUER, SERVICE, EDWARDS), "ES256": Signer(ISSUER, SERVICE, CURVE)}
KEYS = {"keys": [key for signer in SIGNERS.values() for key in signer.key_set["keys"]]}
OTHER = Signer.fresh("https://other.example", SERVICE)
ISSUERS = {
    ISSUER: Issuer(ISSUER, read_keys(KEYS)),
    "https://other.example": Issuer("https://other.example", read_keys(OTHER.key_set), frozenset({CALLER})),
}
KID = EDWARDS.thumbprint()


def checked(text: str, **named: Any) -> Assertion:
    expected = {"caller": CALLER, "subject": WHO, "digest": DIGEST, "now": NOW, **named}
    return verify(text, ISSUERS, SERVICE, **expected)


def made(header: dict[str, Any] | None = None, key: Any = EDWARDS, **changed: Any) -> str:
    """An assertion that differs from a good one in some claims (None: without it) or in its header."""
    claims = {**claims_of(ISSUER, SERVICE, WHO, DIGEST, NOW), **changed}
    claims = {name: value for name, value in claims.items() if value is not None}
    return signed(json.dumps(claims), header, key)


def signed(payload: str, header: dict[str, Any] | None = None, key: Any = EDWARDS) -> str:
    head = {"alg": "Ed25519", "typ": TYPE, "kid": KID, **(header or {})}
    return jws.serialize_compact(head, payload, key, algorithms=[head["alg"]])


@pytest.mark.parametrize("algorithm", SIGNERS)
def test_what_an_issuer_signs_is_verified_until_it_ends(algorithm: str) -> None:
    text = SIGNERS[algorithm].sign(WHO, DIGEST, now=NOW)
    for now in (NOW - LEEWAY_S, NOW, NOW + LIFETIME_S - 1):
        assert checked(text, now=now).expires_at == NOW + LIFETIME_S
    for now in (NOW - LEEWAY_S - 1, NOW + LIFETIME_S):
        with pytest.raises(AssertionRefused, match=r"not valid yet|expired"):
            checked(text, now=now)


def test_further_claims_of_an_issuer_are_its_own_matter() -> None:
    assert checked(made(auth_time=NOW - 5, amr=["face"], nbf=NOW, aud=[SERVICE]))


REFUSED = {
    "another audience": lambda: made(aud="https://elsewhere.example"),
    "two audiences": lambda: made(aud=[SERVICE, "https://elsewhere.example"]),
    "no audience": lambda: made(aud=None),
    "an unknown issuer": lambda: made(iss="https://nobody.example"),
    "no issuer": lambda: made(iss=None),
    "an issuer that is a list": lambda: made(iss=[ISSUER]),
    "the key of another issuer": lambda: made({"kid": OTHER.key_set["keys"][0]["kid"]}, iss=ISSUER),
    "an unknown key": lambda: made({"kid": "k"}),
    "a key id that is a list": lambda: raw({"alg": "Ed25519", "typ": TYPE, "kid": [KID]}),
    "a signature of another key": lambda: made(key=OKPKey.generate_key("Ed25519")),
    "another key of the set": lambda: made({"alg": "ES256"}, CURVE),
    "another algorithm of the set": lambda: made({"kid": CURVE.thumbprint()}),
    "no algorithm": lambda: raw({"alg": "none", "typ": TYPE, "kid": KID}).rpartition(".")[0] + ".",
    "the public key as a shared secret": lambda: raw({"alg": "HS256", "typ": TYPE, "kid": KID}),
    "the type of a receipt": lambda: made({"typ": RECEIPT}),
    "a plain token": lambda: made({"typ": "JWT"}),
    "a key of its own": lambda: made({"jwk": EDWARDS.as_dict(private=False)}),
    "an extension": lambda: made({"crit": ["b64"], "b64": True}),
    "another subject": lambda: made(sub="Person:p-wang"),
    "no subject": lambda: made(sub=None),
    "another act": lambda: made(digest=assertion_digest(WHO, "release", "Seal:s", {}, {"until": 5}, "r1")),
    "another resource": lambda: made(digest=assertion_digest(WHO, "freeze", "Seal:t", {}, {"until": 5}, "r1")),
    "another argument": lambda: made(digest=assertion_digest(WHO, "freeze", "Seal:s", {}, {"until": 6}, "r1")),
    "another context": lambda: made(digest=assertion_digest(WHO, "freeze", "Seal:s", {"a": "b"}, {"until": 5}, "r1")),
    "another request": lambda: made(digest=assertion_digest(WHO, "freeze", "Seal:s", {}, {"until": 5}, "r2")),
    "no digest": lambda: made(digest=None),
    "too long a life": lambda: made(exp=NOW + LIFETIME_S + 1),
    "no end": lambda: made(exp=None),
    "no beginning": lambda: made(iat=None),
    "an end before the beginning": lambda: made(iat=NOW + 3, exp=NOW + 2),
    "times that are no whole seconds": lambda: made(iat=float(NOW), exp=NOW + 5.5),
    "a time that is a truth value": lambda: made(iat=True),
    "a time that is a text": lambda: made(exp=str(NOW + 5)),
    "from the future": lambda: made(iat=NOW + LEEWAY_S + 1, exp=NOW + 30),
    "valid from the future": lambda: made(nbf=NOW + LEEWAY_S + 1),
    "a past end": lambda: made(iat=NOW - 40, exp=NOW),
    "no id": lambda: made(jti=None),
    "an empty id": lambda: made(jti=""),
    "a number as id": lambda: made(jti=7),
    "a long id": lambda: made(jti="x" * 129),
    "an id with control characters": lambda: made(jti="a\nb"),
    "a subject said twice": lambda: signed(made_payload().replace("{", '{"sub": "Person:p-wang", ', 1)),
    "a list": lambda: signed("[]"),
    "no JSON": lambda: signed("{"),
    "deep JSON": lambda: signed("[" * 2_000),
    "oversize": lambda: made(more="x" * MAX_CHARACTERS),
    "garbage": lambda: "garbage",
    "dots": lambda: "...",
    "nothing": lambda: "",
    "a header that is a list": lambda: encoded(["alg", "typ", "kid"]) + ".e30.AA",
    "an algorithm that is a record": lambda: encoded({"alg": {}, "typ": TYPE, "kid": KID}) + ".e30.AA",
    "letters of no alphabet": lambda: "é.é.é",
    "half a character": lambda: "\ud800.a.b",
    "a changed claim": lambda: ".".join((made().split(".")[0], encoded({"sub": WHO}), made().split(".")[2])),
}


def made_payload() -> str:
    return json.dumps(claims_of(ISSUER, SERVICE, WHO, DIGEST, NOW))


def encoded(value: Any) -> str:
    return in_base64(json.dumps(value).encode())


def in_base64(some: bytes) -> str:
    return base64.urlsafe_b64encode(some).rstrip(b"=").decode()


def raw(header: dict[str, Any]) -> str:
    """What no library makes: any header, with the public key as the secret of an HMAC."""
    text = f"{encoded(header)}.{in_base64(made_payload().encode())}"
    return f"{text}.{in_base64(hmac.digest(EDWARDS.as_pem(private=False), text.encode(), 'sha256'))}"


@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused(name: str) -> None:
    make: Callable[[], str] = REFUSED[name]
    with pytest.raises(AssertionRefused):
        checked(make())


def test_an_issuer_may_be_bound_to_callers() -> None:
    text = OTHER.sign(WHO, DIGEST, now=NOW)
    assert checked(text).issuer == "https://other.example"
    with pytest.raises(AssertionRefused, match="may not forward"):
        checked(text, caller="another")


def test_no_two_assertions_are_used_up_as_one() -> None:
    one, other = Assertion("a", "bc", 1), Assertion("ab", "c", 1)
    assert one.once != other.once
    assert one.once == dataclasses.replace(one, expires_at=2).once


def test_the_digest_is_that_of_the_documented_text() -> None:
    at = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
    found = digest_of(
        WHO,
        "create_seal",
        "Enterprise:e-1",
        {"kind": "OTHER"},
        {"name": "样品", "parts": [{"at": at}]},
        request_id="r1",
    )
    text = (
        '{"action":"create_seal","arguments":{"name":"样品","parts":[{"at":1772413200000000}]},"context":{"kind":"OTHER"},'
        '"request_id":"r1","resource":"Enterprise:e-1","subject":"Person:p-lin"}'
    )
    assert found == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    with pytest.raises(ValueError, match="time zone"):
        digest_of(WHO, "a", "B:c", {"at": at.replace(tzinfo=None)}, request_id="r")


def test_no_two_acts_have_the_same_digest() -> None:
    """Values of other types or in other places, left out or empty, in another form of Unicode: each is its own act."""
    values = [
        1,
        "1",
        True,
        "true",
        "",
        [],
        [1],
        ["1"],
        [[1]],
        {},
        {"a": 1},
        {"a": "1"},
        [{"a": 1}],
        "é",
        "e\u0301",
        "\u212b",
    ]
    values += ["\u00c5", 2**53, 2**53 + 1, "a\nb", 'a","b":"c']
    given: list[dict[str, Any]] = [{}, *({"a": value} for value in values), {"a": 1, "b": ""}, {"b": 1}]
    acts = [(context, {}) for context in given] + [({}, arguments) for arguments in given[1:]]
    digests = {assertion_digest(WHO, "use", "Seal:s", *act, "r1") for act in acts}
    assert len(digests) == len(acts)
    assert assertion_digest(WHO, "use", "Seal:s", {"b": 1, "a": {"d": 2, "c": 3}}, {}, "r1") == assertion_digest(
        WHO, "use", "Seal:s", {"a": {"c": 3, "d": 2}, "b": 1}, {}, "r1"
    )


def public(key: Any, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


def test_keys_of_other_uses_and_algorithms_are_left_out() -> None:
    rsa = public(RSAKey.generate_key(2048), kid="r", alg="RS256")
    used = public(OKPKey.generate_key("Ed25519"), kid="u", alg="Ed25519", use="enc")
    found = read_keys({"keys": [rsa, used, *KEYS["keys"]]})
    assert set(found) == {KID, CURVE.thumbprint()}


NO_KEYS = {
    "no set": [],
    "no list": {"keys": {}},
    "no records": {"keys": ["k"]},
    "none": {"keys": []},
    "without an algorithm": {"keys": [public(EDWARDS, kid="k")]},
    "without a name": {"keys": [public(EDWARDS, alg="Ed25519")]},
    "one name twice": {"keys": [public(EDWARDS, kid="k", alg="Ed25519")] * 2},
    "a private key": {"keys": [EDWARDS.as_dict(private=True, kid="k", alg="Ed25519")]},
    "a shared secret": {"keys": [*KEYS["keys"], {"kty": "oct", "k": "c2VjcmV0", "kid": "o", "alg": "HS256"}]},
    "a key of another curve": {"keys": [public(ECKey.generate_key("P-384"), kid="k", alg="ES256")]},
    "a key of another kind": {"keys": [public(CURVE, kid="k", alg="Ed25519")]},
    "half a key": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "kid": "k", "alg": "ES256"}]},
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_a_set_without_usable_public_keys_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has|holds) "):
        read_keys(NO_KEYS[name])


def test_a_signer_is_read_from_a_file(tmp_path: Path) -> None:
    for key in (EDWARDS, CURVE):
        file = tmp_path / "key.pem"
        file.write_bytes(Signer(ISSUER, SERVICE, key).pem)
        assert checked(Signer.load(file, ISSUER, SERVICE).sign(WHO, DIGEST, now=NOW))
        file.write_bytes(key.as_pem(private=False))
        with pytest.raises(ValueError, match="private key"):
            Signer.load(file, ISSUER, SERVICE)
    file.write_text("nothing")
    with pytest.raises(ValueError, match="holds no private key"):
        Signer.load(file, ISSUER, SERVICE)
