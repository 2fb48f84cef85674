"""Records: what a class declares, what its relations do while unset, and the words a fact cache holds."""

import dataclasses

import pytest

from sealauthz.model import MODEL
from sealauthz.model.records.grants import SealGrant
from sealauthz.model.records.seals import Seal, SealKind, SealState
from sealauthz.schema import Column, shape_of, values_of
from sealauthz.schema.record import Relation, exact
from sealauthz.schema.rules import Check, Unique


def a_seal():
    return Seal(id="s-1", enterprise_id="e-1", name="合同专用章", kind=SealKind.CONTRACT, state=SealState.ACTIVE)


def test_a_shape_lists_the_columns_in_the_order_of_definition():
    assert [column.name for column in shape_of(Seal).columns] == [
        "id",
        "enterprise_id",
        "name",
        "kind",
        "state",
        "category",
        "custodian_id",
        "certificate_id",
        "legal_rep_id",
        "acting_custodian_id",
        "acting_from",
        "acting_to",
        "device_id",
        "face_digest",
    ]


def test_a_column_knows_its_type_words_reference_and_marks():
    assert shape_of(Seal).column("kind") == Column(
        "kind",
        str,
        is_optional=False,
        default=dataclasses.MISSING,
        words=SealKind,
        ref=None,
        is_instant=False,
        personal=None,
        normalise=None,
        crosses=False,
    )
    assert shape_of(Seal).column("custodian_id").ref == "Membership"
    assert shape_of(Seal).column("custodian_id").is_optional
    assert not shape_of(Seal).column("kind").has_default
    assert shape_of(Seal).column("state").default is SealState.DRAFT
    assert shape_of(SealGrant).column("valid_to").is_instant
    assert shape_of(SealGrant).column("used").type is int
    assert MODEL.shapes["Person"].column("phone").is_personal
    assert MODEL.shapes["RegistrySnapshot"].column("is_current").type is bool


def test_a_shape_of_no_such_column_is_an_error():
    with pytest.raises(KeyError):
        shape_of(Seal).column("colour")


def test_relations_are_apart_from_columns():
    relations = {relation.name: relation for relation in shape_of(Seal).relations}
    assert relations["enterprise"] == Relation("enterprise", "Enterprise", "enterprise_id", is_one=True)
    assert relations["custodian"] == Relation("custodian", "Membership", "custodian_id", is_one=True)
    assert relations["holds"] == Relation("holds", "SealHold", "seal_id", is_one=False)


def test_constraints_and_permanence_are_declared_with_the_class():
    assert shape_of(Seal).is_permanent
    assert not MODEL.shapes["TaskSeal"].is_permanent
    assert any(isinstance(rule, Unique) and rule.invariant == "I13" for rule in shape_of(Seal).constraints)
    assert any(isinstance(rule, Check) and rule.invariant == "I10" for rule in shape_of(SealGrant).constraints)


@pytest.mark.parametrize("name", sorted(MODEL.records))
def test_every_record_begins_with_its_id_and_refers_to_what_exists(name):
    shape = MODEL.shapes[name]
    assert shape.name == name
    assert shape.columns[0].name == "id"
    for column in shape.columns:
        assert column.type in (str, int, bool)
        assert column.ref is None or column.ref in MODEL.records
    for relation in shape.relations:
        keeper = shape if relation.is_one else MODEL.shapes[relation.record]
        assert keeper.column(relation.key).ref == (relation.record if relation.is_one else name)
    names = {column.name for column in shape.columns}
    for rule in shape.constraints:
        assert not isinstance(rule, Unique) or set(rule.columns) <= names


@pytest.mark.parametrize("relation", ["enterprise", "custodian", "holds", "grants"])
def test_an_unset_relation_raises_and_is_never_empty(relation):
    with pytest.raises(AttributeError):
        getattr(a_seal(), relation)


def test_an_unknown_attribute_cannot_be_set():
    with pytest.raises(AttributeError):
        a_seal().colour = "red"


def test_relations_are_neither_compared_nor_shown_nor_given():
    seal = a_seal()
    seal.holds = []
    assert seal == a_seal()
    assert "holds" not in repr(seal)
    with pytest.raises(TypeError):
        Seal(id="s-1", enterprise_id="e-1", name="", kind=SealKind.CONTRACT, holds=[])


def test_exact_leaves_plain_words_and_nothing_else_changed():
    seal = exact(a_seal())
    assert type(seal.kind) is str
    assert type(seal.state) is str
    assert (seal.kind, seal.state, seal.custodian_id) == ("CONTRACT", "ACTIVE", None)
    assert seal == a_seal()


def test_exact_leaves_an_absent_word_absent():
    person = MODEL.records["IdentityVerification"](
        id="v-1", person_id="p-1", method="FACE", purpose="SIGN", provider_ref="ref-1"
    )
    assert exact(person).fallback_from is None


def test_values_come_in_the_order_of_the_shape():
    values = ("s-1", "e-1", "合同专用章", "CONTRACT", "ACTIVE", "ELECTRONIC", None, None, None, None, 0, 0, None, "")
    assert values_of(a_seal()) == values
