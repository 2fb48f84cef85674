"""A receipt is verified with the published key set alone, and anything that is not exactly one is refused."""

from __future__ import annotations

import base64
import dataclasses
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from sealauthz.operations.keys import SigningKeys
from sealauthz.operations.receipts import Issuer, Performed
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.schema import ReceiptTerms
from sealauthz_client.receipts import Receipt, ReceiptRefused, verify

ENGINE = "spiffe://example/sealing-engine"
KEY = OKPKey.generate_key("Ed25519")
KEYS = SigningKeys([KEY])
AT = 1_790_000_000
RECEIPT = Receipt(
    issuer="https://authz.example",
    audience=ENGINE,
    operation_id="op-1",
    subject="P1",
    caller="spiffe://example/contracts",
    on_behalf_of="",
    policy_version="v1",
    revision=42,
    timeline="t1",
    issued_at=AT,
    not_before=AT,
    expires_at=AT + 60,
    permits={"action": "use", "resource": "Seal:S1", "documents": [{"use_id": "U1", "digest": "sha256:aa"}]},
)
HEADER = {"alg": "Ed25519", "typ": "seal-receipt+jwt", "kid": KEYS.key_id}


def signed(header: dict[str, Any] | None = None, claims: Any = None, key: OKPKey = KEY) -> str:
    """Sign something that the service would not sign."""
    payload = claims if isinstance(claims, str) else json.dumps(RECEIPT.claims if claims is None else claims)
    header = HEADER if header is None else header
    registry = jws.JWSRegistry(strict_check_header=False, algorithms=[header["alg"]])
    with warnings.catch_warnings(action="ignore"):  # of the name that is out of use
        return jws.serialize_compact(header, payload, key, registry=registry)


def in_base64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_what_was_signed_is_verified_with_the_key_set_alone() -> None:
    text = KEYS.sign(RECEIPT)
    assert verify(text, json.loads(json.dumps(KEYS.key_set)), ENGINE, issuer=RECEIPT.issuer, now=AT) == RECEIPT
    assert text == KEYS.sign(RECEIPT)
    assert jws.extract_compact(text.encode()).headers() == HEADER


def test_the_key_set_holds_no_private_part_and_names_keys_by_their_thumbprints() -> None:
    (key,) = KEYS.key_set["keys"]
    assert key.keys() == {"kty", "crv", "x", "kid", "alg", "use"}
    assert key["kid"] == KEY.thumbprint()
    assert KEY.as_dict(private=True)["d"] not in repr(KEYS)


def test_a_receipt_ends_in_its_last_second_and_begins_in_its_first() -> None:
    text = KEYS.sign(RECEIPT)
    assert verify(text, KEYS.key_set, ENGINE, now=AT + 59)
    for now in (AT - 1, AT + 60, AT + 3_600):
        with pytest.raises(ReceiptRefused, match=r"not valid yet|expired"):
            verify(text, KEYS.key_set, ENGINE, now=now)


@pytest.mark.parametrize("audience", ["", "spiffe://example/sealing-engine2", "spiffe://example/contracts"])
def test_another_audience_is_refused(audience: str) -> None:
    with pytest.raises(ReceiptRefused):
        verify(KEYS.sign(RECEIPT), KEYS.key_set, audience, now=AT)


def test_another_issuer_is_refused() -> None:
    with pytest.raises(ReceiptRefused, match="issuer"):
        verify(KEYS.sign(RECEIPT), KEYS.key_set, ENGINE, issuer="https://other.example", now=AT)


CLAIMS = RECEIPT.claims
OTHER_KEY = OKPKey.generate_key("Ed25519")
REFUSED = {
    "another type": signed({**HEADER, "typ": "JWT"}),
    "no type": signed({"alg": "Ed25519", "kid": KEYS.key_id}),
    "the polymorphic name of the algorithm": signed({**HEADER, "alg": "EdDSA"}),
    "no algorithm": f"{in_base64({**HEADER, 'alg': 'none'})}.{in_base64(CLAIMS)}.",
    "the public key as a secret": jws.serialize_compact(
        {**HEADER, "alg": "HS256"}, json.dumps(CLAIMS), OctKey.import_key(KEY.as_dict(private=False)["x"])
    ),
    "a key that came with it": signed({**HEADER, "jwk": OTHER_KEY.as_dict(private=False)}, key=OTHER_KEY),
    "an extension": signed({**HEADER, "extra": "1"}),
    "an unknown key": signed({**HEADER, "kid": OTHER_KEY.thumbprint()}, key=OTHER_KEY),
    "another key under a known id": signed(key=OTHER_KEY),
    "no key id": signed({"alg": "Ed25519", "typ": "seal-receipt+jwt"}),
    "several audiences": signed(claims={**CLAIMS, "aud": [ENGINE]}),
    "a missing claim": signed(claims={name: value for name, value in CLAIMS.items() if name != "exp"}),
    "a further claim": signed(claims={**CLAIMS, "scope": "*"}),
    "a time in words": signed(claims={**CLAIMS, "exp": str(AT + 60)}),
    "a time that is true": signed(claims={**CLAIMS, "iat": True}),
    "a time without end": signed(claims=json.dumps(CLAIMS).replace(str(AT + 60), "Infinity")),
    "a claim twice": signed(claims=json.dumps(CLAIMS)[:-1] + ', "sub": "P2"}'),
    "no object": signed(claims="[]"),
    "no JSON": signed(claims="{"),
    "nothing": "",
    "two parts": "a.b",
    "a byte order mark": "\ufeff" + KEYS.sign(RECEIPT),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_receipt_is_refused(name: str) -> None:
    with pytest.raises(ReceiptRefused):
        verify(REFUSED[name], KEYS.key_set, ENGINE, now=AT)


def test_every_change_of_one_character_is_noticed() -> None:
    text = KEYS.sign(RECEIPT)
    signature = text.rindex(".")
    # The last character of each part carries bits that are cut off.
    places = [place for place in range(0, len(text), 7) if text[place] != "." and place not in (signature - 1,)]
    for place in places:
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(ReceiptRefused):
            verify(changed, KEYS.key_set, ENGINE, now=AT)


def test_a_key_set_that_lies_about_an_id_verifies_nothing() -> None:
    other = {**SigningKeys([OTHER_KEY]).key_set["keys"][0], "kid": KEYS.key_id}
    with pytest.raises(ReceiptRefused, match="unknown key"):
        verify(signed(key=OTHER_KEY), {"keys": [other]}, ENGINE, now=AT)
    for broken in ({}, {"keys": None}, {"keys": ["x", {"kid": KEYS.key_id, "kty": "OKP", "crv": "Ed25519"}]}):
        with pytest.raises(ReceiptRefused):
            verify(KEYS.sign(RECEIPT), broken, ENGINE, now=AT)


def test_keys_of_other_kinds_in_the_set_are_for_other_purposes() -> None:
    keys = [OctKey.generate_key().as_dict(), {"kty": "RSA"}, {"kty": "OKP", "crv": "X25519"}, *KEYS.key_set["keys"]]
    assert verify(KEYS.sign(RECEIPT), {"keys": keys}, ENGINE, now=AT)


def test_keys_overlap_while_they_are_changed() -> None:
    old, new = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("Ed25519")
    before, between, after = SigningKeys([old, new]), SigningKeys([new, old]), SigningKeys([new])
    for signs, published in ((before, between), (between, before), (between, after)):
        assert verify(signs.sign(RECEIPT), published.key_set, ENGINE, now=AT) == RECEIPT
    with pytest.raises(ReceiptRefused, match="unknown key"):
        verify(before.sign(RECEIPT), after.key_set, ENGINE, now=AT)


def test_keys_are_read_from_files_and_an_earlier_one_may_be_public(tmp_path: Path) -> None:
    new, old = tmp_path / "new.pem", tmp_path / "old.pem"
    new.write_bytes(KEY.as_pem(private=True))
    old.write_bytes(OTHER_KEY.as_pem(private=False))
    keys = SigningKeys.load([new, old])
    assert [key["kid"] for key in keys.key_set["keys"]] == [KEY.thumbprint(), OTHER_KEY.thumbprint()]
    with pytest.raises(ConfigRefused, match="private"):
        SigningKeys.load([old, new])
    with pytest.raises(ConfigRefused, match="twice"):
        SigningKeys.load([new, new])
    with pytest.raises(ConfigRefused, match="need a key"):
        SigningKeys.load([])


@pytest.mark.parametrize("content", [b"", b"secret text", OKPKey.generate_key("X25519").as_pem(private=True)])
def test_what_is_no_key_is_refused_without_its_text(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    with pytest.raises(ConfigRefused) as refused:
        SigningKeys.load([file])
    assert "secret" not in str(refused.value)


def test_a_receipt_never_outlives_the_decision_it_rests_on() -> None:
    issuer = Issuer("https://authz.example", KEYS)
    performed = Performed("op-1", "caller", "P1", "use", "Seal:S1", "v1", 42, "t1", at=AT * 1_000_000 + 900_000)
    terms = ReceiptTerms(ENGINE, (AT + 60) * 1_000_000, {"digests": ["sha256:aa"]}, on_behalf_of="P2")
    text = issuer.issue(performed, terms)
    assert text is not None
    receipt = verify(text, KEYS.key_set, ENGINE, now=AT)
    assert (receipt.issued_at, receipt.expires_at, receipt.on_behalf_of) == (AT, AT + 60, "P2")
    assert receipt.permits == {"action": "use", "resource": "Seal:S1", "digests": ["sha256:aa"]}
    early = issuer.issue(dataclasses.replace(performed, valid_until=(AT + 5) * 1_000_000 + 999_999), terms)
    assert early is not None
    assert verify(early, KEYS.key_set, ENGINE, now=AT).expires_at == AT + 5
    assert issuer.issue(dataclasses.replace(performed, valid_until=AT * 1_000_000 + 999_999), terms) is None


def test_verifying_needs_neither_the_service_nor_its_database() -> None:
    program = "import sys, sealauthz_client.receipts; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert not {"oso", "polar", "sqlalchemy", "pydantic", "structlog", "click"} & set(done.stdout.split())
