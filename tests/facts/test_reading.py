"""Reading page by page: filters, tokens, and only what the caller may see."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from facts_scene import edited, enterprise, scene, write

from sealauthz.facts import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Store
from sealauthz.model import MODEL
from sealauthz.model.records.seals import Seal
from sealauthz.runtime.errors import InvalidRequest

IDS = sorted([f"{letter}{number}" for letter in ("a", "Z", "é", "中", "_") for number in range(5)])


@pytest.fixture
def seals(store: Store) -> Store:
    write(store, *enterprise(1), *enterprise(2), *(Seal(i, "e1" if i < "b" else "e2", "x", "CONTRACT") for i in IDS))
    return store


def ids(store: Store, record_type: str, *arguments: Any, **options: Any) -> list[str]:
    return [stored.record.id for stored in store.read(record_type, *arguments, **options).records]


def test_pages_are_in_the_order_of_ids_whatever_the_locale(seals: Store) -> None:
    found: list[str] = []
    token = ""
    while True:
        page = seals.read("Seal", {"kind": "CONTRACT"}, page_size=7, page_token=token)
        found += [stored.record.id for stored in page.records]
        token = page.next_page_token
        if not token:
            break
        assert len(page.records) == 7
        assert base64.urlsafe_b64decode(token + "==")
    assert found == IDS


def test_a_full_last_page_has_no_token(seals: Store) -> None:
    assert seals.read("Seal", page_size=len(IDS)).next_page_token == ""
    assert seals.read("Seal", page_size=len(IDS) - 1).next_page_token != ""


def test_page_sizes(store: Store) -> None:
    write(store, *enterprise(1), *(Seal(f"s{number}", "e1", "x", "CONTRACT") for number in range(1200)))
    assert len(store.read("Seal").records) == DEFAULT_PAGE_SIZE == 100
    assert len(store.read("Seal", page_size=5000).records) == MAX_PAGE_SIZE == 1000


def test_filters_are_equalities_on_columns(store: Store) -> None:
    write(store, *scene())
    assert ids(store, "Seal", {"enterprise_id": "e1", "state": "ACTIVE"}) == ["rep", "s1", "thing"]
    assert ids(store, "Seal", {"custodian_id": None}) == ["dead", "rep", "s2", "thing"]
    assert ids(store, "SealGrant", {"used": 2}) == ["g1"]
    assert ids(store, "RegistrySnapshot", {"is_current": True}) == ["reg"]
    assert ids(store, "RegistrySnapshot", {"is_current": False}) == []
    assert ids(store, "Seal", {"id": "' OR 1=1 --"}) == []


def test_malformed_reads_name_the_field(seals: Store) -> None:
    cases: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("record_type", "Sael", {}, {}),
        ("filters[colour]", "Seal", {"colour": "red"}, {}),
        ("filters[revision]", "Seal", {"revision": 1}, {}),
        ("filters[enterprise]", "Seal", {"enterprise": "e1"}, {}),
        ("filters[state]", "Seal", {"state": "active"}, {}),
        ("filters[state]", "Seal", {"state": None}, {}),
        ("filters[name]", "Seal", {"name": 1}, {}),
        ("filters[name]", "Seal", {"name": "\0"}, {}),
        ("filters[phone]", "Person", {"phone": "13800001569"}, {}),
        ("page_size", "Seal", {}, {"page_size": -1}),
        ("page_token", "Seal", {}, {"page_token": "x"}),
        ("page_token", "Seal", {}, {"page_token": "!!"}),
        ("page_token", "Seal", {}, {"page_token": "é"}),
    ]
    for field, record_type, filters, options in cases:
        with pytest.raises(InvalidRequest) as caught:
            seals.read(record_type, filters, **options)
        assert [violation.field for violation in caught.value.violations] == [field]


def test_a_token_is_bound_to_its_query_and_its_store(seals: Store, new_database: Any) -> None:
    token = seals.read("Seal", {"kind": "CONTRACT"}, page_size=2).next_page_token
    other = Store.open(new_database("sqlite"), MODEL)
    flipped = ("A" if token[3] != "A" else "B").join((token[:3], token[4:]))
    cases: list[tuple[Store, str, dict[str, Any], str]] = [
        (seals, "Seal", {}, token),
        (seals, "Seal", {"kind": "FINANCE"}, token),
        (seals, "Seal", {"name": "CONTRACT"}, token),
        (seals, "Certificate", {}, token),
        (seals, "Seal", {"kind": "CONTRACT"}, flipped),
        (seals, "Seal", {"kind": "CONTRACT"}, token[:-1]),
        (seals, "Seal", {"kind": "CONTRACT"}, token + "AAAA"),
        (other, "Seal", {"kind": "CONTRACT"}, token),
    ]
    for store, record_type, filters, bad in cases:
        with pytest.raises(InvalidRequest) as caught:
            store.read(record_type, filters, page_token=bad)
        assert caught.value.violations[0].field == "page_token"
    assert len(seals.read("Seal", {"kind": "CONTRACT"}, page_token=token, page_size=5).records) == 5
    other.close()


def test_only_the_enterprises_that_the_caller_may_see(store: Store) -> None:
    write(store, *scene())
    for record_type in MODEL.records:
        seen = {i for e in ("e1", "e2", "e3") for i in ids(store, record_type, tenants=frozenset({e}))}
        assert seen == set(ids(store, record_type))
        nothing = ids(store, record_type, tenants=frozenset())
        assert nothing == (ids(store, record_type) if MODEL.units.home_kind(record_type) == "PERSON" else [])
    e1, e2 = frozenset({"e1"}), frozenset({"e2"})
    assert ids(store, "Seal", tenants=e2) == ["s2"]
    assert ids(store, "SealHold", tenants=e2) == []
    assert ids(store, "GrantContractType", tenants=e1) == ["sub-type", "type"]
    assert ids(store, "Contract", tenants=e2) == []
    assert ids(store, "TaskSeal", tenants=e2) == []
    write(store, edited("Signatory", "party1", id="party3", enterprise_id="e2", category_id=None))
    # A party sees the contract and all of it.
    assert ids(store, "Contract", tenants=e2) == ["c1"]
    assert ids(store, "TaskSeal", tenants=e2) == ["fixed"]
    assert ids(store, "Signatory", tenants=e2) == ["party1", "party2", "party3"]


def test_a_page_says_its_revision_and_those_of_its_records(store: Store) -> None:
    write(store, *scene())
    write(store, edited("Seal", "s1", name="x"))
    page = store.read("Seal")
    assert page.revision == 2
    assert [stored.record.id for stored in page.records if stored.revision == 2] == ["s1"]
    assert {stored.record.id for stored in page.records if stored.revision == 1} == {"dead", "rep", "s2", "thing"}
