"""One organisation is authenticated once, and one human is verified once, however either is written."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from facts_scene import NOW, enterprise, person, scene, uscc, write

from sealauthz.facts import Store
from sealauthz.facts.memory.consistency import Consistency
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.model import MODEL
from sealauthz.model.records.membership import Membership
from sealauthz.runtime.errors import FactConflict, InvalidRequest, InvariantBroken
from sealauthz.schema.rules import Unique, Valid
from sealauthz.service.fields import FieldViolations
from sealauthz.service.records import forms_of
from sealauthz_client.v1 import records_pb2

REALMS = ("PUBLIC", "public", "ＰＵＢＬＩＣ", "Pub\u200blic", " PUBLIC ")
CODES = (uscc(1), uscc(1).lower())


def read(fact: records_pb2.Fact) -> Any:
    """A record as it comes in over the wire or from a file."""
    violations = FieldViolations()
    record = forms_of(MODEL).record_from(fact, "fact", violations)
    violations.refuse()
    return record


@pytest.mark.parametrize("realm", REALMS)
@pytest.mark.parametrize("code", CODES)
def test_an_organisation_is_authenticated_once_however_it_is_written(store: Store, realm: str, code: str) -> None:
    write(store, *scene())
    twin = records_pb2.Enterprise(id="e9", name="again", uscc=code, realm=realm)
    record = read(records_pb2.Fact(enterprise=twin))
    assert (record.realm, record.uscc) == ("PUBLIC", uscc(1))
    write(store, record)
    _, boss, member, admin = enterprise(9)
    admins = [boss, dataclasses.replace(member, enterprise_id="e9"), admin]
    with pytest.raises(FactConflict) as caught:
        write(store, dataclasses.replace(record, auth_state="AUTHENTICATED"), *admins)
    assert caught.value.invariant == "I1"
    # In another realm it is another organisation.
    write(store, dataclasses.replace(record, auth_state="AUTHENTICATED", realm="PRIVATE:X"), *admins)


def test_a_code_in_full_width_letters_is_none(store: Store) -> None:
    for code in (uscc(1).replace("9", "９", 1), uscc(1) + "\u200b", " " + uscc(1)):
        with pytest.raises((InvariantBroken, InvalidRequest), match=r"I2|can be seen"):
            write(store, read(records_pb2.Fact(enterprise=records_pb2.Enterprise(id="e9", name="x", uscc=code))))


HASH = "0a" * 32


def test_an_identity_document_verifies_one_person_however_its_hash_is_written(store: Store) -> None:
    write(store, *scene(), person("first", id_hash=HASH))
    verified = records_pb2.REALNAME_STATE_VERIFIED
    for spelling in (HASH.upper(), HASH + "\u200d", "０" + HASH[1:], f" {HASH}"):
        twin = records_pb2.Person(id="twin", id_hash=spelling, realm="public", realname_state=verified)
        with pytest.raises(FactConflict) as caught:
            write(store, read(records_pb2.Fact(person=twin)))
        assert caught.value.invariant == "I5"
        assert HASH not in str(caught.value)


def test_what_is_unique_by_a_text_is_unique_by_its_normal_form() -> None:
    """A text that is compared is brought into one form, refused in any other one, or an opaque reference of ours."""
    opaque = {"digest", "contract_type", "template_id", "token_hash"}
    loose = set()
    for name, shape in MODEL.shapes.items():
        valid = {rule.column for rule in shape.rules_of(Valid)}
        for rule in shape.rules_of(Unique):
            for column in map(shape.column, rule.columns):
                if column.type is str and column.words is None and column.ref is None and column.name not in valid:
                    loose.add((name, column.name))
    assert {column for _, column in loose} <= opaque, loose


def test_every_realm_and_currency_has_its_normal_form() -> None:
    for shape in MODEL.shapes.values():
        for column in shape.columns:
            if column.name in ("realm", "currency"):
                assert column.normalise is not None, (shape.name, column.name)
                assert column.name in {rule.column for rule in shape.rules_of(Valid)}, (shape.name, column.name)


def test_two_accounts_of_one_human_have_one_verified_name(store: Store) -> None:
    card, passport = person("card"), person("passport", id_type="PASSPORT")
    write(store, *scene(), card, passport, Membership("m-passport", "passport", "e1", "INVITE", NOW))
    # The provider of identities finds that they are one: the one account ends being verified as it names the other.
    with pytest.raises(InvariantBroken, match="is not verified itself"):
        write(store, dataclasses.replace(passport, same_as_id="card"))
    linked = dataclasses.replace(passport, same_as_id="card", realname_state="REVOKED")
    write(store, linked)
    # It cannot come back, join, or hand its document to a third account.
    with pytest.raises(InvariantBroken, match="is not verified itself"):
        write(store, dataclasses.replace(linked, realname_state="VERIFIED"))
    with pytest.raises(InvariantBroken, match="I5"):
        write(store, Membership("m-2", "passport", "e2", "INVITE", NOW))
    with pytest.raises(FactConflict, match="one identity document verifies one person"):
        write(store, person("third", id_type="PASSPORT", id_hash=passport.id_hash))
    for changed in ({"id_hash": "x"}, {"id_type": "OTHER"}, {"realm": "PRIVATE:X"}):
        with pytest.raises(InvariantBroken, match="the document of a verified person never changes"):
            write(store, dataclasses.replace(linked, **changed))
    with pytest.raises(InvariantBroken, match="REFERENCE"):
        write(store, dataclasses.replace(linked, same_as_id="nobody"))
    # A link that was wrong is taken back.
    write(store, dataclasses.replace(linked, same_as_id=None, realname_state="VERIFIED"))


def test_all_accounts_of_a_human_name_the_one_that_counts(store: Store) -> None:
    """What is known with the account that counts are those that name it, and not those that name them."""
    card, passport, permit = person("card"), person("passport", id_type="PASSPORT"), person("permit", id_type="OTHER")
    write(store, *scene(), card, passport, permit)

    def linked(record: Any, counting: str) -> Any:
        return dataclasses.replace(record, same_as_id=counting, realname_state="REVOKED")

    write(store, linked(permit, "passport"))
    # The one in the middle becomes an account of another: those that named it name that one in the same write.
    with pytest.raises(InvariantBroken, match="which is not the account that counts"):
        write(store, linked(passport, "card"))
    write(store, linked(passport, "card"), linked(permit, "card"))
    with pytest.raises(InvariantBroken, match="I5"):
        write(store, linked(permit, "passport"))
    with FactCache(store).read() as snapshot:
        known = snapshot.find("Person", "card")
        assert [account.id for account in known.accounts] == ["passport", "permit"]
        assert snapshot.find("Person", "passport").accounts == []


def test_what_another_account_is_a_member_of_is_known_with_the_one_that_counts(store: Store) -> None:
    card, passport = person("card"), person("passport", id_type="PASSPORT")
    write(store, *scene(), card, passport, Membership("m-passport", "passport", "e1", "INVITE", NOW))
    fact_cache = FactCache(store)

    def seen(snapshot: FactSnapshot) -> list[list[str]]:
        accounts = snapshot.find("Person", "card").accounts
        return [[membership.id for membership in account.memberships] for account in accounts]

    assert fact_cache.answer(seen, Consistency(is_full=True)) == []
    write(store, dataclasses.replace(passport, same_as_id="card", realname_state="REVOKED"))
    assert fact_cache.answer(seen, Consistency(is_full=True)) == [["m-passport"]]
    with fact_cache.read() as snapshot:
        assert snapshot.find("Person", "card").memberships == []
        (other,) = snapshot.find("Person", "card").accounts
        with pytest.raises(AttributeError):  # not known there, and so not empty
            _ = other.verifications
    write(store, dataclasses.replace(passport, same_as_id=None, realname_state="VERIFIED"))
    assert fact_cache.answer(seen, Consistency(is_full=True)) == []
