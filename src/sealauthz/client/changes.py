"""Facts to write: changes of records, and the conditions under which they are made."""

from __future__ import annotations

from google.protobuf.message import Message

from sealauthz.v1 import facts_pb2, records_pb2


def put(record: Message) -> facts_pb2.FactChange:
    """Return the change that writes a record, which is a message of `sealauthz.v1.records_pb2`."""
    return facts_pb2.FactChange(put=fact_of(record))


def fact_of(record: Message) -> records_pb2.Fact:
    """Return a record as a fact. Raises TypeError for any other message."""
    fact = records_pb2.Fact()
    for field in fact.DESCRIPTOR.fields:
        if field.message_type is record.DESCRIPTOR:
            getattr(fact, field.name).CopyFrom(record)
            return fact
    raise TypeError(f"`{record.DESCRIPTOR.name}` is not a record")


def delete(record_type: str, record_id: str) -> facts_pb2.FactChange:
    """Return the change that removes a record."""
    return facts_pb2.FactChange(delete=_key(record_type, record_id))


def exists(record_type: str, record_id: str) -> facts_pb2.Precondition:
    """Return the condition that a record exists."""
    return facts_pb2.Precondition(key=_key(record_type, record_id), exists=facts_pb2.Precondition.Exists())


def absent(record_type: str, record_id: str) -> facts_pb2.Precondition:
    """Return the condition that a record does not exist."""
    return facts_pb2.Precondition(key=_key(record_type, record_id), absent=facts_pb2.Precondition.Absent())


def at_revision(record_type: str, record_id: str, revision: int) -> facts_pb2.Precondition:
    """Return the condition that a record exists and last changed at this revision."""
    return facts_pb2.Precondition(key=_key(record_type, record_id), at_revision=revision)


def _key(record_type: str, record_id: str) -> facts_pb2.FactKey:
    return facts_pb2.FactKey(record_type=record_type, id=record_id)
