"""What performed acts leave beside the facts: what each was answered with, and the events that people must be told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy import tuple_ as pair

from sealauthz.facts.store.batch import WriteReceipt
from sealauthz.facts.store.tables import FACT_EVENT, FACT_OPERATION, Tables
from sealauthz.schema import Event


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it is kept: at which revision, at which place among those of it, and when, in microseconds."""

    revision: int
    ordinal: int
    at: int
    event: Event


def has_no_operations(tables: Tables) -> bool:
    """Tell whether the database is of before there were operations."""
    return (FACT_OPERATION.name, "") in tables.absent


def keeps_assertions(tables: Tables) -> bool:
    """Tell whether the database can use up assertions, or is of before there were any."""
    return (FACT_OPERATION.name, FACT_OPERATION.c.assertion.name) not in tables.absent


def is_used_up(connection: Connection, assertion: str) -> bool:
    """Tell whether an act was performed with this assertion. Under the lock of revisions that is final."""
    used = select(FACT_OPERATION.c.operation_id).where(FACT_OPERATION.c.assertion == assertion)
    return connection.execute(used).first() is not None


def keep_operation(
    connection: Connection,
    receipt: WriteReceipt,
    key: tuple[str, str],
    operation_id: str,
    answer: Mapping[str, Any],
    assertion: str = "",
) -> None:
    """Keep what an act was answered with, in the transaction that performs it. `key` is the caller and its request,
    `assertion` what it uses up.
    """
    caller, request_id = key
    row: dict[str, Any] = {"caller": caller, "request_id": request_id, "operation_id": operation_id}
    if assertion:
        row["assertion"] = assertion
    text = json.dumps(answer, ensure_ascii=False)
    connection.execute(
        insert(FACT_OPERATION), [{**row, "revision": receipt.revision, "at": receipt.at, "answer": text}]
    )


def keep_events(connection: Connection, receipt: WriteReceipt, events: Sequence[Event]) -> None:
    """Keep the events of a revision, in the transaction that makes it."""
    rows = [
        {
            "revision": receipt.revision,
            "ordinal": ordinal,
            "tenant_id": event.tenant_id,
            "at": receipt.at,
            "body": json.dumps(
                {
                    "code": event.code,
                    "about": event.about,
                    "recipients": event.recipients,
                    "values": dict(event.values),
                },
                ensure_ascii=False,
            ),
        }
        for ordinal, event in enumerate(events)
    ]
    if rows:
        connection.execute(insert(FACT_EVENT), rows)


def operation_of(connection: Connection, caller: str, request_id: str) -> dict[str, Any] | None:
    """Return what a request of a caller was answered with; None where it performed nothing."""
    row = FACT_OPERATION.c
    return _answer(connection, (row.caller == caller) & (row.request_id == request_id))


def operation_by_id(connection: Connection, caller: str, operation_id: str) -> dict[str, Any] | None:
    """Return what an operation of a caller was answered with; None where it is another caller's, or of nobody."""
    row = FACT_OPERATION.c
    return _answer(connection, (row.caller == caller) & (row.operation_id == operation_id))


def _answer(connection: Connection, condition: Any) -> dict[str, Any] | None:
    text = connection.execute(select(FACT_OPERATION.c.answer).where(condition)).scalar()
    return None if text is None else json.loads(text)


def events_after(
    connection: Connection, after: tuple[int, int], limit: int, tenants: Iterable[str] | None = None
) -> list[StoredEvent]:
    """Return events behind a place (a revision and a number), in their order; of some tenants, or of all."""
    row = FACT_EVENT.c
    statement = select(FACT_EVENT).where(pair(row.revision, row.ordinal) > after)
    if tenants is not None:
        statement = statement.where(row.tenant_id.in_(list(tenants)))
    found = connection.execute(statement.order_by(row.revision, row.ordinal).limit(limit))
    return [StoredEvent(each.revision, each.ordinal, each.at, _event(each.tenant_id, each.body)) for each in found]


def _event(tenant_id: str, text: str) -> Event:
    body = json.loads(text)
    record_type, record_id = body["about"]
    return Event(body["code"], tenant_id, (record_type, record_id), tuple(body["recipients"]), body["values"])
