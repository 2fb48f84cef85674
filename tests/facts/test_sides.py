"""What several enterprises share: each row and column is written with the right on the one whose it is."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from facts_scene import NOW, edited, put, scene, write

from sealauthz.facts import Batch, Delete, Store, Update
from sealauthz.facts.store.importing import Part
from sealauthz.model import MODEL
from sealauthz.model.records.contracts import Contract, ContractDocument
from sealauthz.model.records.seal_uses import CountedRequest, SealUse
from sealauthz.model.records.signing import (
    InternalReview,
    PartyConsent,
    Signatory,
    SigningTask,
    TaskOperator,
    TaskSeal,
)
from sealauthz.runtime.errors import CallerNotPermitted
from sealauthz.schema import Column, shape_of

SENDER, PARTY, OTHER, STRANGER = "e2", "e1", "e3", "e9"
"""Who sent the contract, a party, another party, and an enterprise that has nothing to do with it."""

NEVER_THERE = "never-there"

OF_SENDER = {
    "Contract": None,
    "ContractDocument": None,
    "Signatory": {"id", "contract_id", "kind", "person_id", "enterprise_id", "guarantor_for_id"},
    "SigningTask": {"id", "signatory_id", "action", "position"},
    "TaskOperator": set(),
    "TaskSeal": set(),
    "InternalReview": set(),
    "PartyConsent": set(),
    "SealUse": set(),
    "CountedRequest": set(),
}
"""The columns that the sender of a contract writes, by record type (None: all); the others are the party's."""


def side(name: str, enterprise_id: str | None) -> list[Any]:
    """What a party has in the contract; a person is a party without an enterprise, and one party has seals."""
    party = (
        Signatory(name, "shared", "ENTERPRISE", enterprise_id=enterprise_id)
        if enterprise_id
        else Signatory(name, "shared", "PERSON", person_id="out")
    )
    task, use = f"{name}-task", f"{name}-use"
    rows = [
        party,
        SigningTask(task, name, "CORPORATE_SEAL"),
        TaskOperator(f"{name}-operator", task, "bob"),
        InternalReview(f"{name}-review", name),
        PartyConsent(f"{name}-consent", name, "TERMINATION", "ann", given_at=NOW),
    ]
    if enterprise_id != PARTY:
        return rows
    return [
        *rows,
        TaskSeal(f"{name}-fixed", task, "s1"),
        SealUse(use, task, "s1", "ann", "digest-1", NOW),
        CountedRequest(f"{name}-counted", use, "request"),
    ]


SHARED = [
    Contract("shared", SENDER, "SALES"),
    ContractDocument("shared-doc", "shared", "digest-9"),
    *side("theirs", PARTY),
]
"""What the sender and one party write."""


def owner_of(record_type: str, column: str) -> str:
    of_sender = OF_SENDER[record_type]
    return SENDER if of_sender is None or column in of_sender else PARTY


class Reached(Exception):
    """The rights were enough: the guard comes next, and nothing was written."""


def stop(_before: Any, _after: Any) -> None:
    raise Reached


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def shared(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> Iterator[Store]:
    """A store with a contract of several enterprises, which no test of these changes."""
    store = Store.open(new_database(request.param), MODEL)
    write(store, *scene(), *SHARED, *side("other", OTHER), *side("human", None))
    yield store
    store.close()


def other_value(record: Any, column: Column) -> Any:
    """Another value that the column takes, whatever it means."""
    value = getattr(record, column.name)
    if column.words is not None:
        return next(word for word in column.words if word != value)
    if column.name == "currency":
        return "USD" if value != "USD" else "CNY"
    if column.type is bool:
        return not value
    if column.type is int:
        return 0 if value is None else value - 1 if value > 1 else value + 1
    return f"{value}x"


def by_update(store: Store, record: Any, column: str, tenants: frozenset[str]) -> None:
    values = {column: other_value(record, shape_of(type(record)).column(column))}
    change = Update(type(record).__name__, record.id, values)
    store.write(Batch("test", uuid.uuid4().hex, (change,)), tenants, stop)


def by_put(store: Store, record: Any, column: str, tenants: frozenset[str]) -> None:
    changed = dataclasses.replace(record, **{column: other_value(record, shape_of(type(record)).column(column))})
    write(store, changed, tenants=tenants, guard=stop)


def by_import(store: Store, record: Any, column: str, tenants: frozenset[str]) -> None:
    changed = dataclasses.replace(record, **{column: other_value(record, shape_of(type(record)).column(column))})
    store.import_part("test", Part(uuid.uuid4().hex, tenants, 1), [changed], tenants, stop)


WAYS: tuple[Callable[[Store, Any, str, frozenset[str]], None], ...] = (by_update, by_put, by_import)


def test_every_shared_record_is_in_the_table() -> None:
    units = MODEL.units
    types = {name for name in MODEL.records if units.root_of[units.home_kind(name)] in units.shared}
    assert types == OF_SENDER.keys() == {type(record).__name__ for record in SHARED}
    for name in types:
        columns = {column.name for column in MODEL.shapes[name].columns}
        assert frozenset().union(*units.writers[name].values()) == columns
        assert sum(map(len, units.writers[name].values())) == len(columns), "each column is in one set"


@pytest.mark.parametrize("way", WAYS)
def test_a_column_of_one_side_is_not_written_with_the_right_on_another(
    shared: Store, way: Callable[[Store, Any, str, frozenset[str]], None]
) -> None:
    everybody = {SENDER, PARTY, OTHER, STRANGER}
    for record in SHARED:
        for column in shape_of(type(record)).columns:
            name = type(record).__name__
            owner = owner_of(name, column.name)
            home = MODEL.shapes[name].home
            if column.name == "id" or (column.name == home and way is by_update):
                continue  # it is another record, or no change that there is
            with pytest.raises(CallerNotPermitted, match="the caller may not write"):
                way(shared, record, column.name, frozenset(everybody - {owner}))
            if column.name not in (home, "initiator_id"):  # which lead to whose it is, before and after
                with pytest.raises(Reached):
                    way(shared, record, column.name, frozenset({owner}))


def test_a_new_row_of_one_side_is_not_made_with_the_right_on_another(shared: Store) -> None:
    for record in SHARED:
        name = type(record).__name__
        new, owner = dataclasses.replace(record, id="new"), owner_of(name, "id")
        others = frozenset({SENDER, PARTY, OTHER, STRANGER} - {owner})
        with pytest.raises(CallerNotPermitted):
            write(shared, new, tenants=others, guard=stop)
        with pytest.raises(CallerNotPermitted):
            shared.import_part("test", Part("i", others, 1), [new], others, stop)
        with pytest.raises(Reached):
            write(shared, new, tenants=frozenset({owner}), guard=stop)
        for column in shape_of(type(record)).columns:
            if owner_of(name, column.name) == owner or column.name == "id":
                continue
            with pytest.raises(CallerNotPermitted):
                by_put(shared, new, column.name, frozenset({owner}))
            with pytest.raises(Reached):
                by_put(shared, new, column.name, frozenset({SENDER, PARTY}))


def test_a_contract_is_made_with_its_parties_and_without_what_these_say(shared: Store) -> None:
    contract = Contract("made", SENDER, "SALES")
    party = Signatory("made-party", "made", "ENTERPRISE", enterprise_id=PARTY)
    task = SigningTask("made-task", "made-party", "CORPORATE_SEAL")
    bare = [contract, ContractDocument("made-doc", "made", "digest-1"), party, task]
    sender, both = frozenset({SENDER}), frozenset({SENDER, PARTY})
    with pytest.raises(Reached):
        write(shared, *bare, tenants=sender, guard=stop)
    stated = [contract, dataclasses.replace(party, matter="GENERAL", amount=1, currency="CNY")]
    for more in (stated, [*bare, TaskOperator("o", "made-task", "bob")], [*bare, TaskSeal("f", "made-task", "s1")]):
        for tenants in (sender, frozenset({PARTY})):
            with pytest.raises(CallerNotPermitted):
                write(shared, *more, tenants=tenants, guard=stop)
        with pytest.raises(Reached):
            write(shared, *more, tenants=both, guard=stop)


def test_a_row_is_neither_moved_to_another_side_nor_taken_away(shared: Store) -> None:
    for moved in ("theirs-operator", "other-operator", "human-operator"):
        to = {"theirs-operator": "other-task", "other-operator": "theirs-task", "human-operator": "theirs-task"}
        for tenants in ({SENDER}, {PARTY}, {OTHER}):
            with pytest.raises(CallerNotPermitted):
                write(shared, TaskOperator(moved, to[moved], "bob"), tenants=frozenset(tenants), guard=stop)
    for record_type, record_id in (("TaskOperator", "theirs-operator"), ("TaskSeal", "theirs-fixed")):
        with pytest.raises(CallerNotPermitted):
            write(shared, Delete(record_type, record_id), tenants=frozenset({SENDER, OTHER}), guard=stop)
        with pytest.raises(Reached):
            write(shared, Delete(record_type, record_id), tenants=frozenset({PARTY}), guard=stop)


def test_what_a_person_has_in_a_contract_is_written_by_its_sender(shared: Store) -> None:
    for record in side("human", None):
        shape = shape_of(type(record))
        column = next(column.name for column in shape.columns if column.name not in ("id", shape.home))
        with pytest.raises(CallerNotPermitted):
            by_put(shared, record, column, frozenset({PARTY, OTHER}))
        with pytest.raises(Reached):
            by_put(shared, record, column, frozenset({SENDER}))


def test_what_is_not_there_is_refused_like_what_is_another_s(shared: Store) -> None:
    """Who has no right to a row learns neither that it exists nor what it holds."""
    foreign = frozenset({STRANGER})

    def refused(*changes: Any) -> str:
        with pytest.raises(CallerNotPermitted) as caught:
            shared.write(Batch("test", uuid.uuid4().hex, changes), foreign, stop)
        return str(caught.value)

    for record in SHARED:
        name = type(record).__name__
        column = next(c for c in shape_of(type(record)).columns if c.name not in ("id", MODEL.shapes[name].home))
        held, other = getattr(record, column.name), other_value(record, column)
        changes = [
            *(Update(name, id_, {column.name: value}) for id_ in (record.id, NEVER_THERE) for value in (held, other)),
            *(Delete(name, id_) for id_ in (record.id, NEVER_THERE)),
            *put(record, dataclasses.replace(record, id=NEVER_THERE)),
        ]
        if MODEL.shapes[name].home:
            changes += put(dataclasses.replace(record, id=NEVER_THERE, **{MODEL.shapes[name].home: NEVER_THERE}))
        assert len({refused(change) for change in changes}) == 1, name


def test_whom_a_holder_names_is_written_with_the_rights_on_both(shared: Store) -> None:
    """The seal is the owner's, and the member whom the other enterprise names under its grant is its own."""
    named = edited("HolderAssignment", "holder", state="REVOKED")
    for tenants in ({"e1"}, {"e2"}):
        with pytest.raises(CallerNotPermitted):
            write(shared, named, tenants=frozenset(tenants), guard=stop)
    with pytest.raises(Reached):
        write(shared, named, tenants=frozenset({"e1", "e2"}), guard=stop)
