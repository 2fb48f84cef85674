"""The calls on facts: write, read, watch and import; and the changes and conditions that are written."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping

from google.protobuf import field_mask_pb2
from google.protobuf.message import Message

from sealauthz_client.calls import Call, Repeats, Rpc, Steps, Watch
from sealauthz_client.failures import CallFailed
from sealauthz_client.messages import Changes, Imported, OpenImport, Page, Written, moment_from, open_import_from
from sealauthz_client.requests import build, unexpected
from sealauthz_client.v1 import facts_pb2, records_pb2

_PARTS_AT_ONCE = 8
_MAX_PART_BYTES = 3 * 1024 * 1024
"""Of the 4 MiB that a message may have."""


def put(record: Message) -> facts_pb2.FactChange:
    """Return the change that writes a whole record, which is a message of `sealauthz_client.v1.records_pb2`.

    Refused where a stored record holds a value that the message leaves out: see `update`.
    """
    return facts_pb2.FactChange(put=_fact_of(record))


def update(record: Message, *fields: str) -> facts_pb2.FactChange:
    """Return the change of these fields of a record that exists: they take the values that the message holds.

    A field that the message leaves out takes its default. All other fields of the message but `id` do not count.
    """
    mask = build(field_mask_pb2.FieldMask, paths=fields)
    return facts_pb2.FactChange(update=facts_pb2.FactUpdate(fact=_fact_of(record), fields=mask))


def fact(record: Message, extension: Mapping[str, str | int | bool | datetime.datetime]) -> records_pb2.Fact:
    """Return a record with fields that policies have added to it, by name, for `put`, `update` and `import_facts`.

    Raises ValueError for a value that a field cannot hold, such as a time without a time zone.
    """
    made = records_pb2.Fact()
    made.CopyFrom(_fact_of(record))
    made.MergeFrom(build(records_pb2.Fact, extension=extension))
    return made


def _fact_of(record: Message) -> records_pb2.Fact:
    """Return a record as a fact; a fact is one. Raises ValueError for anything else."""
    if isinstance(record, records_pb2.Fact) and record.WhichOneof("record") is not None:
        return record
    fact = records_pb2.Fact()
    for field in fact.DESCRIPTOR.fields if isinstance(record, Message) else ():
        if field.message_type is record.DESCRIPTOR:
            getattr(fact, field.name).CopyFrom(record)
            return fact
    raise unexpected("record", "a message of `sealauthz_client.v1.records_pb2` that `Fact` names", record)


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
    return build(facts_pb2.Precondition, key=_key(record_type, record_id), at_revision=revision)


def _key(record_type: str, record_id: str) -> facts_pb2.FactKey:
    return build(facts_pb2.FactKey, record_type=record_type, id=record_id)


_WRITE_FACTS = Rpc(facts_pb2.WriteFactsRequest, facts_pb2.WriteFactsResponse, Repeats.TAKES_EFFECT_ONCE)
_READ_FACTS = Rpc(facts_pb2.ReadFactsRequest, facts_pb2.ReadFactsResponse, Repeats.READS_MUCH)
_IMPORT_FACTS = Rpc(facts_pb2.ImportFactsRequest, facts_pb2.ImportFactsResponse, Repeats.TAKES_EFFECT_ONCE)
_LIST_IMPORTS = Rpc(facts_pb2.ListImportsRequest, facts_pb2.ListImportsResponse, Repeats.READS)
_END_IMPORT = Rpc(facts_pb2.EndImportRequest, facts_pb2.EndImportResponse, Repeats.TAKES_EFFECT_ONCE)
_WATCH_CHANGES = Rpc(facts_pb2.WatchChangesRequest, facts_pb2.WatchChangesResponse, Repeats.READS_MUCH)


def write_facts(
    changes: Iterable[facts_pb2.FactChange],
    preconditions: Iterable[facts_pb2.Precondition] = (),
    *,
    request_id: str = "",
    timeout_s: float | None = None,
) -> Call[Written]:
    """Make all changes (`put`, `update`, `delete`) in one transaction; without a `request_id` with a fresh one."""
    request = build(
        facts_pb2.WriteFactsRequest,
        request_id=str(uuid.uuid4()) if request_id == "" else request_id,
        changes=changes,
        preconditions=preconditions,
    )
    return _WRITE_FACTS.call(
        request,
        lambda reply: Written(
            reply.revision.number, reply.revision.token, moment_from(reply.committed_at), reply.replayed
        ),
        timeout_s,
        request_id=request.request_id,
    )


def read_facts(
    record_type: str,
    filters: Mapping[str, str] | None = None,
    *,
    page_size: int = 0,
    page_token: str = "",
    timeout_s: float | None = None,
) -> Call[Page]:
    """Read one page of the records of one type, in the order of their ids."""
    if not isinstance(filters, Mapping | None):
        raise unexpected("filters", "a mapping of fields to text", filters)
    request = build(
        facts_pb2.ReadFactsRequest,
        record_type=record_type,
        filters=[build(facts_pb2.FactFilter, field=field, value=value) for field, value in (filters or {}).items()],
        page_size=page_size,
        page_token=page_token,
    )
    return _READ_FACTS.call(
        request, lambda reply: Page(tuple(reply.facts), reply.next_page_token, reply.revision.number), timeout_s
    )


def watch_changes(
    after: str = "",
    record_types: Iterable[str] = (),
    enterprise_ids: Iterable[str] = (),
    *,
    on_outage: Callable[[CallFailed], None] | None = None,
) -> Watch[Changes]:
    """Yield what is written after a revision (`revision_token`; empty: from now on), each revision once, in order.

    Resumes after an outage, a restart of the server or a lag, without a limit, and ends when the client is closed.
    `on_outage` is called once per outage, with why the server does not answer (UNAVAILABLE). Raises CallFailed for
    what does not pass by itself (FAILED_PRECONDITION: the facts were restored; OUT_OF_RANGE: the changes are no
    longer kept).
    """
    request = build(
        facts_pb2.WatchChangesRequest, after=after, record_types=record_types, enterprise_ids=enterprise_ids
    )
    return Watch(_WATCH_CHANGES, request, _changes_from, _resume_behind, on_outage)


def watch_revisions(on_end: Callable[[], None]) -> Watch[int]:
    """Yield how far the facts have come: first where they stand, then each revision that the caller may read of.

    A stream that ends begins again from where the facts stand then, and not where it was; `on_end` tells.
    """
    request = facts_pb2.WatchChangesRequest()
    return Watch(_WATCH_CHANGES, request, lambda message: message.revision.number, _begin_anew, on_end=on_end)


def _begin_anew(request: facts_pb2.WatchChangesRequest, message: facts_pb2.WatchChangesResponse) -> None:
    """Leave the request as it is."""


def _changes_from(message: facts_pb2.WatchChangesResponse) -> Changes:
    at = moment_from(message.committed_at) if message.HasField("committed_at") else None
    return Changes(message.revision.number, message.revision.token, at, tuple(message.changes))


def _resume_behind(request: facts_pb2.WatchChangesRequest, message: facts_pb2.WatchChangesResponse) -> None:
    request.after = message.revision.token


def import_facts(
    import_id: str,
    enterprise_ids: Iterable[str],
    facts: Iterable[Message],
    *,
    part_size: int = 1_000,
    timeout_s: float = 60.0,
) -> Steps[Imported]:
    """Write records in bulk, part by part; nothing is decided about the enterprises until the last part is there.

    A record refers only to records before it. `timeout_s` bounds each call of a few parts, retries included. The
    same call with the same facts and `part_size` resumes an import that broke off: parts that are there are not
    written again. Raises CallFailed, whose `request_id` is the `import_id`: the import may be open then, and is if the
    reason is IMPORT_STOPPED; see `abandon_import`.
    """
    named = build(facts_pb2.ImportFactsRequest, import_id=import_id, enterprise_ids=enterprise_ids)
    if isinstance(part_size, bool) or not isinstance(part_size, int) or part_size < 1:
        raise unexpected("part_size", "a whole number above 0", part_size)
    if not isinstance(facts, Iterable):
        raise unexpected("facts", "a list", facts)
    put_facts = 0
    for window in _windows(named, map(_fact_of, facts), part_size):
        reply: facts_pb2.ImportFactsResponse = yield _IMPORT_FACTS.call(
            window, lambda reply: reply, timeout_s, request_id=import_id
        )
        put_facts += reply.facts
    return Imported(reply.parts, put_facts, reply.revision.number, reply.revision.token, reply.finished)


def abandon_import(import_id: str, enterprise_ids: Iterable[str], *, timeout_s: float | None = None) -> Call[Imported]:
    """End an import: what was committed stays, and the enterprises are decided about again."""
    request = build(facts_pb2.ImportFactsRequest, import_id=import_id, enterprise_ids=enterprise_ids, abandon=True)
    return _IMPORT_FACTS.call(
        [request],
        lambda reply: Imported(reply.parts, 0, reply.revision.number, reply.revision.token, reply.finished),
        timeout_s,
    )


def list_imports(*, timeout_s: float | None = None) -> Call[tuple[OpenImport, ...]]:
    """Return the open imports of all callers, the oldest first, of which the caller may see every enterprise."""
    return _LIST_IMPORTS.call(
        facts_pb2.ListImportsRequest(), lambda reply: tuple(map(open_import_from, reply.imports)), timeout_s
    )


def end_import(caller: str, import_id: str, *, timeout_s: float | None = None) -> Call[Imported]:
    """End an import of any caller, for an operator: what was committed stays. Raises CallFailed."""
    request = build(facts_pb2.EndImportRequest, caller=caller, import_id=import_id)
    return _END_IMPORT.call(
        request,
        lambda reply: Imported(reply.parts, 0, reply.revision.number, reply.revision.token, is_finished=True),
        timeout_s,
    )


def _windows(
    named: facts_pb2.ImportFactsRequest, facts: Iterable[records_pb2.Fact], part_size: int
) -> Iterator[list[facts_pb2.ImportFactsRequest]]:
    """Yield the parts of an import, as many as one call takes at a time. Only its answer says that they are there."""
    window: list[facts_pb2.ImportFactsRequest] = []
    for part in _parts(facts, part_size):
        if len(window) == _PARTS_AT_ONCE:
            yield window
            window = []
        if not window:
            part.MergeFrom(named)
        window.append(part)
    yield window


def _parts(facts: Iterable[records_pb2.Fact], part_size: int) -> Iterator[facts_pb2.ImportFactsRequest]:
    """Yield the parts, numbered, the last one marked; without facts it is the only one."""
    part, size = facts_pb2.ImportFactsRequest(part=1), 0
    for fact in facts:
        fact_size = fact.ByteSize() + 8
        if len(part.facts) == part_size or (part.facts and size + fact_size > _MAX_PART_BYTES):
            yield part
            part, size = facts_pb2.ImportFactsRequest(part=part.part + 1), 0
        part.facts.append(fact)
        size += fact_size
    part.last = True
    yield part
