"""What looks alike is one: realms, hashes, names and numbers in every way of writing them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealauthz.model.normal_forms import (
    currency_problem,
    hash_problem,
    name_problem,
    normalise_currency,
    normalise_hash,
    normalise_name,
    normalise_realm,
    normalise_serial,
    realm_problem,
    reference_problem,
    serial_problem,
)

FORMS = {
    "realm": (normalise_realm, realm_problem),
    "hash": (normalise_hash, hash_problem),
    "name": (normalise_name, name_problem),
    "serial": (normalise_serial, serial_problem),
    "currency": (normalise_currency, currency_problem),
}

ALIKE = {
    "realm": [
        "PUBLIC",
        "public",
        "Public",
        "ＰＵＢＬＩＣ",
        "ｐｕｂｌｉｃ",
        " PUBLIC\t",
        "PUB\u200bLIC",
        "\ufeffPUBLIC",
        "PUB LIC",
    ],
    "hash": ["0a" * 16, "0A" * 16, "０Ａ" * 16, "0a" * 16 + "\u200d", " " + "0a" * 16],
    "name": [
        "CN=CFCA, O=中金",
        "cn=cfca, o=中金",
        "ＣＮ＝CFCA,  O=中金 ",
        "CN=CF\u00adCA,\u00a0O=中金",
        "CN=CFCA, O=中\u3164金",
    ],
    "serial": ["0A1B", "0a:1b", "0A 1B", "０ａ１ｂ", "0A\u200c1B"],
    "currency": ["CNY", "cny", " CNY", "ＣＮＹ"],
}


@pytest.mark.parametrize("kind", FORMS)
def test_what_looks_alike_is_one_and_only_that_one_is_stored(kind: str) -> None:
    normalise, problem = FORMS[kind]
    first, *others = ALIKE[kind]
    assert problem(first) is None
    for text in others:
        assert normalise(text) == first
        assert problem(text) is not None


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (realm_problem, "РUBLIC"),  # with the Cyrillic letter
        (realm_problem, ""),
        (realm_problem, "PUBLIC:"),
        (realm_problem, "PRIVATE/X"),
        (hash_problem, "hash-张"),
        (serial_problem, "号1"),
        (currency_problem, "YUAN"),
        (currency_problem, "¥"),
        (reference_problem, "ref 1"),
        (reference_problem, "ref\u200b1"),
        (reference_problem, "ｒｅｆ"),
    ],
)
def test_what_only_resembles_it_is_refused(problem: Callable[[str], str | None], text: str) -> None:
    assert problem(text) is not None


def test_a_problem_names_the_normal_form_but_repeats_no_hash() -> None:
    assert realm_problem("ｐrivate:plant") == "must be written `PRIVATE:PLANT`"
    assert serial_problem("0a:1b") == "must be written `0A1B`"
    assert hash_problem("AB" * 32) == "must be in small letters if it is hexadecimal"
    assert reference_problem("Ref-1/x=") is None
    assert realm_problem("PRIVATE:2") is None
    assert currency_problem("") is None


@pytest.mark.parametrize("kind", FORMS)
@given(text=st.text())
def test_a_normal_form_is_its_own(kind: str, text: str) -> None:
    """Law: once written in its normal form, a text stays as it is; otherwise nothing could be written at all."""
    normalise, _ = FORMS[kind]
    assert normalise(normalise(text)) == normalise(text)
