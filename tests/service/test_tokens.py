"""JWTs of callers: what an issuer signs for this service now is accepted, and nothing else that anybody could make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from sealauthz.runtime.errors import CallerUnknown, ConfigRefused, KeysUnavailable, SealAuthzError
from sealauthz.runtime.keysets import KINDS
from sealauthz.service import issuer_keys
from sealauthz.service.callers import Caller, Callers
from sealauthz.service.issuer_keys import FetchedKeys, IssuerKeys, KeySources, read_issuer_keys
from sealauthz.service.tokens import ALGORITHMS, TokenIssuer, TokenOf, Tokens
from sealauthz_client.assertions import TYPE as ASSERTION
from sealauthz_client.receipts import TYPE as RECEIPT

NOW = 1_790_000_000
ISSUER, SERVICE, CALLER = "https://login.example", "https://authz.example", "svc-signing"
LEEWAY_S, LIFETIME_S = 5, 3_600

_PRIVATE: dict[tuple[str, str], Any] = {
    ("RSA", ""): RSAKey.generate_key(2_048),
    **{("EC", curve): ECKey.generate_key(curve) for curve in ("P-256", "P-384", "P-521")},
    ("OKP", "Ed25519"): OKPKey.generate_key("Ed25519"),
}
PRIVATE = {algorithm: _PRIVATE[KINDS[algorithm]] for algorithm in ALGORITHMS}
STRANGERS = {
    "RSA": RSAKey.generate_key(2_048),
    "EC": ECKey.generate_key("P-256"),
    "OKP": OKPKey.generate_key("Ed25519"),
}


def public(key: Any, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


KEY_SET = {"keys": [public(key, kid=algorithm, alg=algorithm, use="sig") for algorithm, key in PRIVATE.items()]}


class Fixed:
    """Keys that are there, or are not."""

    def __init__(self, keys: IssuerKeys | None, comes: bool = False) -> None:
        self.found, self.comes, self.asked = keys, comes, 0

    def keys(self) -> IssuerKeys | None:
        return self.found

    def ask(self) -> bool:
        self.asked += 1
        return self.comes


KEYS = Fixed(read_issuer_keys(KEY_SET, ALGORITHMS))


def tokens(now: float = NOW, keys: Any = KEYS, **settings: Any) -> Tokens[str]:
    issuer = TokenIssuer(ISSUER, SERVICE, keys, leeway_s=LEEWAY_S, max_lifetime_s=LIFETIME_S, **settings)
    other = TokenIssuer("https://other.example", SERVICE, Fixed({}))
    return Tokens([issuer, other], lambda claims: str(claims["sub"]), lambda: now)


def owner(text: str, now: float = NOW, **settings: Any) -> str:
    return tokens(now, **settings).owner(text, hashlib.sha256(text.encode()).digest())


# --- making tokens ----------------------------------------------------------------------------------------------------


def in_base64(some: bytes) -> str:
    return base64.urlsafe_b64encode(some).rstrip(b"=").decode()


def encoded(value: Any) -> str:
    return in_base64(json.dumps(value).encode())


def claims(**changed: Any) -> dict[str, Any]:
    whole = {"iss": ISSUER, "aud": SERVICE, "sub": CALLER, "iat": NOW - 10, "exp": NOW + 600, "jti": "j", **changed}
    return {name: value for name, value in whole.items() if value is not None}


def made(algorithm: str, header: Mapping[str, Any] | None = None, key: Any = None, **changed: Any) -> str:
    """A token that differs from a good one in its header or in some claims (None: without it)."""
    return signed(algorithm, json.dumps(claims(**changed)), header, key)


def signed(algorithm: str, payload: str, header: Mapping[str, Any] | None = None, key: Any = None) -> str:
    head = {"alg": algorithm, "typ": "at+jwt", "kid": algorithm, **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    parts = f"{encoded(head)}.{in_base64(payload.encode())}"
    return f"{parts}.{signature(algorithm, parts, key or PRIVATE[algorithm])}"


def signature(algorithm: str, parts: str, key: Any) -> str:
    """A signature of any text: what a library would refuse to sign is signed too."""
    signer = jws.JWSRegistry.algorithms[algorithm]
    return in_base64(signer.sign(parts.encode(), key))


def with_secret(algorithm: str, secret: bytes, kid: str, **changed: Any) -> str:
    parts = f"{encoded({'alg': algorithm, 'typ': 'at+jwt', 'kid': kid})}.{encoded(claims(**changed))}"
    return f"{parts}.{in_base64(hmac.digest(secret, parts.encode(), f'sha{algorithm[2:]}'))}"


# --- what is accepted -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_an_issuer_signs_is_accepted_until_it_ends(algorithm: str) -> None:
    text = made(algorithm)
    known = tokens()
    digest = hashlib.sha256(text.encode()).digest()
    assert known.owner(text, digest) == known.owner(text, digest) == CALLER
    for now in (NOW - 10 - LEEWAY_S, NOW + 599.9):
        assert owner(text, now) == CALLER
    for now in (NOW - 11 - LEEWAY_S, NOW + 600):
        with pytest.raises(CallerUnknown, match=r"not valid yet|expired"):
            owner(text, now)


@pytest.mark.parametrize(
    ("header", "changed"),
    [
        ({"typ": "application/at+jwt"}, {}),
        ({"typ": "AT+JWT"}, {}),
        ({"x5t": "thumbprint"}, {}),
        ({}, {"aud": [SERVICE]}),
        ({}, {"nbf": NOW - 10, "scope": "a b", "client_id": CALLER}),
        ({}, {"exp": NOW - 10 + LIFETIME_S}),
    ],
)
def test_what_is_of_no_account_is_accepted(header: dict[str, Any], changed: dict[str, Any]) -> None:
    assert owner(made("ES256", header, **changed)) == CALLER


def test_a_type_of_its_own_is_for_the_configuration_to_choose() -> None:
    assert owner(made("ES256", {"typ": None}), types=frozenset({""})) == CALLER
    assert owner(made("ES256", {"typ": "JWT"}), types=frozenset({"jwt"})) == CALLER
    for typ in ("at+jwt", "JWT", ASSERTION, RECEIPT):
        with pytest.raises(CallerUnknown, match="another type"):
            owner(made("ES256", {"typ": typ}), types=frozenset({""}))


def test_a_token_may_leave_out_the_name_of_the_only_key() -> None:
    only = Fixed(read_issuer_keys({"keys": [public(PRIVATE["ES256"], kid="k")]}, ALGORITHMS))
    nameless = Fixed(read_issuer_keys({"keys": [public(PRIVATE["ES256"])]}, ALGORITHMS))
    assert owner(made("ES256", {"kid": None}), keys=only) == CALLER
    assert owner(made("ES256", {"kid": None}), keys=nameless) == CALLER
    for keys in (only, nameless):
        with pytest.raises(CallerUnknown, match="unknown key"):
            owner(made("ES256", {"kid": "another"}), keys=keys)


# --- what is refused --------------------------------------------------------------------------------------------------


HEADERS: dict[str, dict[str, Any]] = {
    "no type": {"typ": None},
    "a plain token": {"typ": "JWT"},
    "an ID token": {"typ": "id+jwt"},
    "an assertion of a person": {"typ": ASSERTION},
    "a receipt": {"typ": RECEIPT},
    "a media type of an assertion": {"typ": f"application/{ASSERTION}"},
    "a type that is a list": {"typ": ["at+jwt"]},
    "a type that is a number": {"typ": 7},
    "an unknown key": {"kid": "another"},
    "no name of a key": {"kid": None},
    "an empty name of a key": {"kid": ""},
    "a key that is a list": {"kid": ["ES256"]},
    "a key that is a record": {"kid": {}},
    "a path as name of a key": {"kid": "../../dev/null"},
    "an address of keys": {"jku": "https://evil.example/jwks.json"},
    "an address of certificates": {"x5u": "https://evil.example/x.pem"},
    "certificates of its own": {"x5c": ["MIIB"]},
    "a key of its own": {"jwk": public(STRANGERS["EC"])},
    "an extension": {"crit": ["exp"], "exp": NOW + 5},
    "an empty extension": {"crit": []},
    "a payload that is not encoded": {"b64": False, "crit": ["b64"]},
    "a packed payload": {"zip": "DEF"},
    "an encrypted one": {"enc": "A256GCM"},
    "no algorithm": {"alg": None},
    "the algorithm none": {"alg": "none"},
    "the algorithm None": {"alg": "None"},
    "an algorithm that is a list": {"alg": ["ES256"]},
    "an algorithm that is a record": {"alg": {}},
    "an unknown algorithm": {"alg": "XX256"},
}
CLAIMS: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "https://elsewhere.example"},
    "two audiences": {"aud": [SERVICE, "https://elsewhere.example"]},
    "the audience twice": {"aud": [SERVICE, SERVICE]},
    "no audience": {"aud": None},
    "an audience that begins alike": {"aud": f"{SERVICE}.evil.example"},
    "an empty list of audiences": {"aud": []},
    "an audience that is a record": {"aud": {SERVICE: 1}},
    "an unknown issuer": {"iss": "https://nobody.example"},
    "an issuer that begins alike": {"iss": f"{ISSUER}/"},
    "no issuer": {"iss": None},
    "an issuer that is a list": {"iss": [ISSUER]},
    "another issuer": {"iss": "https://other.example"},
    "too long a life": {"exp": NOW - 10 + LIFETIME_S + 1},
    "no end": {"exp": None},
    "no beginning": {"iat": None},
    "an end before the beginning": {"iat": NOW, "exp": NOW - 1},
    "a past end": {"exp": NOW},
    "an end of all time": {"exp": 2**63},
    "an end without end": {"exp": float("inf")},
    "an end that is no number": {"exp": float("nan")},
    "times that are no whole seconds": {"exp": NOW + 5.5},
    "a whole second with a point": {"exp": float(NOW + 5)},
    "an end that is a text": {"exp": str(NOW + 5)},
    "a beginning that is a truth value": {"iat": True},
    "from the future": {"iat": NOW + LEEWAY_S + 1},
    "valid from the future": {"nbf": NOW + LEEWAY_S + 1},
    "a beginning of validity that is a text": {"nbf": "0"},
    "a beginning of validity that is a truth value": {"nbf": False},
}


def forged() -> Iterator[tuple[str, Callable[[], str]]]:
    """Tokens that are each wrong in one thing, for every algorithm."""
    for algorithm, private in PRIVATE.items():
        for what, header in HEADERS.items():
            yield f"{algorithm}: {what}", lambda a=algorithm, h=header: made(a, h)
        for what, changed in CLAIMS.items():
            yield f"{algorithm}: {what}", lambda a=algorithm, c=changed: made(a, **c)
        stranger = STRANGERS.get(KINDS[algorithm][0])
        if KINDS[algorithm] in {("RSA", ""), ("EC", "P-256"), ("OKP", "Ed25519")}:
            yield f"{algorithm}: a key of a stranger", lambda a=algorithm, k=stranger: made(a, key=k)
        for other in ALGORITHMS:
            if other != algorithm:
                # Signed with what the header says, under the name of a key that is for something else; and signed with
                # the right key for something else than the header says.
                yield f"{algorithm} by the name of {other}", lambda a=algorithm, o=other: made(a, {"kid": o})
                yield f"{algorithm} said to be {other}", lambda a=algorithm, o=other: made(a, {"alg": o})
        secrets = {
            "PEM": private.as_pem(private=False),
            "DER": private.as_der(private=False),
            "JWK": json.dumps(private.as_dict(private=False)).encode(),
            "nothing": b"",
        }
        for (form, secret), shared in itertools.product(secrets.items(), ("HS256", "HS384", "HS512")):
            yield (
                f"{shared} with the {form} of {algorithm}",
                lambda s=secret, h=shared, a=algorithm: with_secret(h, s, a),
            )
        yield from changed_texts(algorithm)


def changed_texts(algorithm: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """A good token with its text changed."""

    def parts() -> list[str]:
        return made(algorithm).split(".")

    def other_claims(sub: str) -> str:
        head, _, tail = parts()
        return f"{head}.{encoded(claims(sub=sub))}.{tail}"

    twice = json.dumps(claims())[:-1]
    yield f"{algorithm}: another subject", lambda: other_claims("svc-admin")
    yield f"{algorithm}: no signature", lambda: ".".join(parts()[:2]) + "."
    yield f"{algorithm}: two parts", lambda: ".".join(parts()[:2])
    yield f"{algorithm}: a part more", lambda: made(algorithm) + ".AA"
    yield f"{algorithm}: a signature of zeros", lambda: ".".join([*parts()[:2], in_base64(bytes(64))])
    yield f"{algorithm}: a signature cut short", lambda: made(algorithm)[:-8]
    yield (
        f"{algorithm}: a signature of another token",
        lambda: ".".join([*parts()[:2], made(algorithm, jti="k").split(".")[2]]),
    )
    yield f"{algorithm}: padding", lambda: made(algorithm) + "="
    yield f"{algorithm}: a blank", lambda: made(algorithm).replace(".", " .", 1)
    yield f"{algorithm}: a line break", lambda: made(algorithm) + "\n"
    yield f"{algorithm}: a subject said twice", lambda: signed(algorithm, f'{twice}, "sub": "svc-admin"}}')
    yield f"{algorithm}: an audience said twice", lambda: signed(algorithm, f'{twice}, "aud": "{SERVICE}"}}')
    yield f"{algorithm}: a list", lambda: signed(algorithm, "[]")
    yield f"{algorithm}: no JSON", lambda: signed(algorithm, "{")
    yield f"{algorithm}: deep JSON", lambda: signed(algorithm, '{"a":' + "[" * 900 + "]" * 900 + "}")
    yield f"{algorithm}: deeper JSON", lambda: signed(algorithm, "[" * 100_000)
    yield f"{algorithm}: a long number", lambda: signed(algorithm, f'{twice}, "exp2": {"9" * 5_000}}}')


FORGED = dict(forged())


def test_nothing_that_is_forged_is_accepted() -> None:
    assert len(FORGED) > 900
    known = tokens()
    accepted, odd = [], []
    for what, make in FORGED.items():
        text = make()
        try:
            known.owner(text, hashlib.sha256(text.encode()).digest())
        except (CallerUnknown, KeysUnavailable):
            continue
        except Exception as error:  # noqa: BLE001 (whatever it is, it is told by its name)
            odd.append(f"{what}: {error!r}")
        else:
            accepted.append(what)
    assert accepted == []
    assert odd == []


OTHER_TEXTS = [
    "",
    ".",
    "..",
    "...",
    "a.b.c",
    "é.é.é",
    "\ud800.a.b",
    "e30.e30.e30",
    "e30.e30.",
    "bnVsbA.bnVsbA.AA",
    "x" * 4_000,
]


@pytest.mark.parametrize("text", OTHER_TEXTS)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(CallerUnknown):
        tokens().owner(text, b"")


def test_a_refusal_repeats_nothing_of_the_token() -> None:
    for what, make in itertools.islice(FORGED.items(), 0, None, 7):
        text = make()
        with pytest.raises(SealAuthzError) as caught:
            owner(text)
        said = str(caught.value)
        assert CALLER not in said, what
        assert "evil" not in said, what


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_without_an_algorithm_is_for_those_that_fit_it() -> None:
    keys = read_issuer_keys(
        {"keys": [public(PRIVATE["RS256"], kid="r"), public(PRIVATE["ES256"], kid="e")]}, ("RS256", "ES256")
    )
    assert {kid: key.algorithms for kid, key in keys.items()} == {"r": {"RS256"}, "e": {"ES256"}}
    with pytest.raises(CallerUnknown, match="another algorithm"):
        owner(made("PS256", {"kid": "r"}), keys=Fixed(keys))


def small_rsa() -> dict[str, Any]:
    return {"kty": "RSA", "kid": "s", "alg": "RS256", "n": in_base64(b"\xc1" + b"\x35" * 127), "e": "AQAB"}


NO_KEYS = {
    "no set": [],
    "no list": {"keys": {}},
    "no records": {"keys": ["k"]},
    "none": {"keys": []},
    "too many": {"keys": [public(PRIVATE["ES256"], kid=str(n)) for n in range(65)]},
    "for encryption": {"keys": [public(PRIVATE["ES256"], kid="k", use="enc")]},
    "for signing": {"keys": [public(PRIVATE["ES256"], kid="k", key_ops=["sign"])]},
    "odd operations": {"keys": [public(PRIVATE["ES256"], kid="k", key_ops=7)]},
    "a shared secret": {"keys": [*KEY_SET["keys"], {"kty": "oct", "k": "c2VjcmV0", "kid": "o", "alg": "HS256"}]},
    "a secret said to be public": {"keys": [{"kty": "RSA", "k": "c2VjcmV0", "kid": "o", "alg": "RS256"}]},
    "a private key": {"keys": [PRIVATE["ES256"].as_dict(private=True, kid="k")]},
    "an algorithm that is not allowed": {"keys": [public(PRIVATE["ES384"], kid="k", alg="ES384")]},
    "a shared algorithm": {"keys": [public(PRIVATE["ES256"], kid="k", alg="HS256")]},
    "no algorithm": {"keys": [public(PRIVATE["ES256"], kid="k", alg="none")]},
    "an algorithm that is a list": {"keys": [public(PRIVATE["ES256"], kid="k", alg=["ES256"])]},
    "a curve that is a list": {"keys": [public(PRIVATE["ES256"], kid="k", crv=["P-256"])]},
    "one name twice": {"keys": [public(PRIVATE["ES256"], kid="k"), public(PRIVATE["RS256"], kid="k")]},
    "a name that is a number": {"keys": [public(PRIVATE["ES256"], kid=1)]},
    "an empty name": {"keys": [public(PRIVATE["ES256"], kid="")]},
    "two without names": {"keys": [public(PRIVATE["ES256"]), public(PRIVATE["RS256"])]},
    "one of two without a name": {"keys": [public(PRIVATE["ES256"], kid="k"), public(PRIVATE["RS256"])]},
    "a small key": {"keys": [small_rsa()]},
    "half a key": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "kid": "k"}]},
    "a point that is not on the curve": {"keys": [{**public(PRIVATE["ES256"], kid="k"), "y": in_base64(b"\1" * 32)}]},
    "a key that does not fit": {"keys": [public(PRIVATE["RS256"], kid="k", alg="ES256")]},
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_a_set_without_usable_public_keys_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has|holds) "):
        read_issuer_keys(NO_KEYS[name], ("RS256", "ES256"))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Address:
    """What is published, and how often it was fetched."""

    def __init__(self, *names: str) -> None:
        self.content: bytes | Exception = b""
        self.fetched = 0
        self.publish(*names)

    def publish(self, *names: str) -> None:
        self.content = json.dumps({"keys": [public(PRIVATE[name], kid=name) for name in names]}).encode()

    def __call__(self) -> bytes:
        self.fetched += 1
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


@pytest.fixture
def address() -> Address:
    return Address("ES256")


def test_keys_that_are_fetched_count_until_they_are_too_old_by_either_clock(address: Address) -> None:
    told: list[Any] = []
    steady, wall = Clock(), Clock()
    keys = FetchedKeys("i", address, ALGORITHMS, 300, 600, lambda *said: told.append(said), clocks=(steady, wall))
    assert keys.keys() is None
    with pytest.raises(KeysUnavailable):
        owner(made("ES256"), keys=keys)
    keys.look()
    first = keys.keys()
    assert first is not None
    address.content = b"{"
    for clock in (steady, wall):
        clock.now += 599
        assert keys.keys() is first
        keys.look()
        clock.now += 1
        assert keys.keys() is None
        clock.now -= 600
    wall.now -= 10_000  # set back: the keys get no younger
    steady.now += 600
    assert keys.keys() is None
    address.publish("ES256")
    keys.look()
    assert keys.keys() is first, "the same keys are the same object: what rests on them goes on"
    assert [event for event, _ in told] == ["issuer_keys", "issuer_keys_refused"]


def test_an_unknown_key_is_looked_for_once_in_a_while(address: Address) -> None:
    steady = Clock()
    keys = FetchedKeys("i", address, ALGORITHMS, 300, 600, clocks=(steady, Clock()))
    keys.look()
    with pytest.raises(CallerUnknown, match="unknown key"):
        owner(made("RS256"), keys=keys)
    steady.now += 30
    for _ in range(3):
        with pytest.raises(KeysUnavailable, match="looked for"):
            owner(made("RS256"), keys=keys)
    address.publish("RS256")
    keys.look()
    assert owner(made("RS256"), keys=keys) == CALLER
    with pytest.raises(CallerUnknown, match="unknown key"):
        owner(made("ES256"), keys=keys)
    assert address.fetched == 2


def test_a_token_ends_with_the_key_that_verified_it(address: Address) -> None:
    keys = FetchedKeys("i", address, ALGORITHMS, 300, 600)
    keys.look()
    known, text = tokens(keys=keys), made("ES256")
    assert known.owner(text, b"d") == CALLER
    address.publish("RS256")
    keys.look()
    with pytest.raises(CallerUnknown, match="unknown key"):
        known.owner(text, b"d")


def test_what_cannot_be_used_keeps_what_there_was(address: Address) -> None:
    keys = FetchedKeys("i", address, ALGORITHMS, 300, 600)
    keys.look()
    before = keys.keys()
    for content in (b"", b"\xff", b"[" * 100_000, b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "AA"}]}', b"null"):
        address.content = content
        keys.look()
        assert keys.keys() is before


def test_sources_that_stay_keep_their_keys_over_a_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    monkeypatch.setattr(issuer_keys, "fetch", lambda *_: asked.set() or json.dumps(KEY_SET).encode())
    sources = KeySources()

    def source(url: str = "https://login.example/k") -> Any:
        return sources.source(ISSUER, url, ("ES256",), None, 300, 600)

    first = source()
    sources.use()
    assert asked.wait(10)
    while first.keys() is None:
        pass
    assert source() is first
    sources.use()
    assert first.keys() is not None
    # A configuration that is refused begins and ends nothing.
    refused = source("https://login.example/other")
    sources.forget()
    assert source() is first
    sources.use()
    assert not first.thread.is_stopping
    assert refused.keys() is None
    second = source("https://login.example/other")
    sources.use()
    assert first.thread.is_stopping
    assert first.thread.join(10)
    sources.close()
    assert second.thread.join(10)
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(KEY_SET))
    assert source(str(file)).keys().keys() == {"ES256"}
    for content in ("{", '{"keys": []}', "[" * 100_000):
        file.write_text(content)
        with pytest.raises(ConfigRefused, match=r"keys\.json` (cannot|has)"):
            source(str(file))
    with pytest.raises(ConfigRefused, match="certificates in PEM form"):
        sources.source(ISSUER, "https://login.example/k", ("ES256",), file, 300, 600)


# --- a signature is checked once, and its time each time --------------------------------------------------------------


def test_a_signature_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[Any] = []
    validate = jws.validate_compact
    monkeypatch.setattr(jws, "validate_compact", lambda *args, **kw: checked.append(1) or validate(*args, **kw))
    now = [float(NOW)]
    known = Tokens([TokenIssuer(ISSUER, SERVICE, KEYS)], lambda said: str(said["sub"]), lambda: now[0])
    text = made("ES256")
    for _ in range(5):
        assert known.owner(text, b"d") == CALLER
    assert len(checked) == 1
    for at, said in ((NOW + 600, "expired"), (NOW - 100, "not valid yet")):
        now[0] = at
        with pytest.raises(CallerUnknown, match=said):
            known.owner(text, b"d")
    assert len(checked) == 1


def test_as_many_are_remembered_as_there_is_room_for() -> None:
    known = tokens()
    text = made("ES256")
    for number in range(4_100):
        known._remembered[str(number).encode()] = None  # type: ignore[assignment]
    known.owner(text, b"d")
    assert len(known._remembered) == 4_096
    assert b"d" in known._remembered


# --- whose it is ------------------------------------------------------------------------------------------------------


def callers(*of: TokenOf, **more: Any) -> Callers:
    found = [Caller(None, f"c{n}", issued=(each,)) for n, each in enumerate(of)]  # type: ignore[arg-type]
    return Callers(found, [TokenIssuer(ISSUER, SERVICE, KEYS)], lambda: NOW)


def identified(known: Callers, text: str) -> str:
    return known.identify([("authorization", f"Bearer {text}")]).name


def test_a_token_names_exactly_one_caller() -> None:
    known = callers(
        TokenOf(ISSUER, CALLER),
        TokenOf(ISSUER, "other", {"client_id": "x"}),
        TokenOf(ISSUER, "", {"role": "import", "level": 1}),
        TokenOf("https://other.example", "third"),
    )
    assert identified(known, made("ES256")) == "c0"
    assert identified(known, made("ES256", sub="other", client_id="x")) == "c1"
    assert identified(known, made("ES256", sub="whoever", role="import", level=1)) == "c2"
    nobody: list[dict[str, Any]] = [
        {"sub": "nobody"},
        {"sub": None},
        {"sub": [CALLER]},
        {"sub": CALLER.upper()},
        {"sub": "third"},
        {"sub": "other"},
        {"sub": "other", "client_id": "y"},
        {"sub": "other", "client_id": ["x"]},
        {"sub": "w", "role": "import"},
        {"sub": "w", "role": "import", "level": True},
        {"sub": "w", "role": "import", "level": "1"},
    ]
    for changed in nobody:
        with pytest.raises(CallerUnknown, match="names no caller"):
            identified(known, made("ES256", **changed))
    with pytest.raises(CallerUnknown, match="names several callers"):
        identified(known, made("ES256", role="import", level=1))


def test_two_credentials_at_once_are_refused() -> None:
    known = callers(TokenOf(ISSUER, CALLER))
    one, two = made("ES256"), made("RS256")
    for shown in ([one, two], [one, one]):
        with pytest.raises(CallerUnknown, match="one bearer token"):
            known.identify([("authorization", f"Bearer {text}") for text in shown])
