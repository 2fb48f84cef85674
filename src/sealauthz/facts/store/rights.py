"""Which enterprises a record concerns: whoever may see or write one of them may see or write the record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from sealauthz.facts.store.rows import among
from sealauthz.facts.store.tables import table_of
from sealauthz.facts.units import HOME_KEY, Rows, UnitKind, home_kind, homes_of
from sealauthz.model import RECORDS, shape_of


def enterprises_of(records: Iterable[Any], rows: Rows) -> dict[tuple[str, str], frozenset[str]]:
    """Return the enterprises that each record concerns, by the record's type and id.

    A record of an enterprise concerns that one; a record of a contract, its initiator and every enterprise that is a
    party. A record of a person concerns none, and so does one whose home is not found.
    """
    records = list(records)
    homes = homes_of(records, rows)
    contract_ids = {unit.id for unit in homes.values() if unit.kind == UnitKind.CONTRACT}
    parties: dict[str, set[str]] = {contract_id: set() for contract_id in contract_ids}
    if contract_ids:
        for contract in rows.get("Contract", contract_ids).values():
            parties[contract.id].add(contract.initiator_id)
        for signatory in rows.naming("Signatory", "contract_id", contract_ids):
            if signatory.enterprise_id is not None:
                parties[signatory.contract_id].add(signatory.enterprise_id)
    concerned: dict[tuple[str, str], frozenset[str]] = {}
    for record in records:
        key = (type(record).__name__, record.id)
        unit = homes.get(key)
        if unit is None or unit.kind == UnitKind.PERSON:
            concerned[key] = frozenset()
        elif unit.kind == UnitKind.ENTERPRISE:
            concerned[key] = frozenset({unit.id})
        else:
            concerned[key] = frozenset(parties[unit.id])
    return concerned


def within(record_type: str, parameter: str, is_postgresql: bool) -> ColumnElement[bool] | None:
    """Return the condition that a row concerns one of the enterprises of a parameter; None where none is needed."""
    kind = home_kind(record_type)
    if kind == UnitKind.PERSON:
        return None
    return _within(record_type, kind, parameter, is_postgresql)


def _within(record_type: str, kind: UnitKind, parameter: str, is_postgresql: bool) -> ColumnElement[bool]:
    table = table_of(RECORDS[record_type])
    if record_type == "Enterprise":
        return among(table.c.id, parameter, is_postgresql)
    if record_type == "Contract":
        signatory = table_of(RECORDS["Signatory"])
        party = select(signatory.c.contract_id).where(among(signatory.c.enterprise_id, parameter, is_postgresql))
        return or_(among(table.c.initiator_id, parameter, is_postgresql), table.c.id.in_(party))
    key = HOME_KEY[record_type]
    parent_type = shape_of(RECORDS[record_type]).column(key).ref or ""
    parent = table_of(RECORDS[parent_type])
    above = select(parent.c.id).where(_within(parent_type, kind, parameter, is_postgresql))
    return table.c[key].in_(above)
