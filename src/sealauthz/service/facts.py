"""FactsService: facts written as a whole, read page by page, imported and watched, within the caller's rights."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import grpc

from sealauthz.facts import Batch, Delete, Precondition, PreconditionKind, Put, Store, Update
from sealauthz.facts.store.importing import INVARIANT, Part, PartReceipt
from sealauthz.runtime.errors import (
    CallerNotPermitted,
    FactConflict,
    ImportStopped,
    InvalidRequest,
    InvariantBroken,
    TimeOver,
    Violation,
)
from sealauthz.schema import Model
from sealauthz.service.callers import Call, Caller
from sealauthz.service.fields import FieldViolations, revision_message, timestamp
from sealauthz.service.imports import end_named_import, list_imports, release_shared
from sealauthz.service.records import WireForms, filter_value, forms_of
from sealauthz.service.watching import Watches, watch
from sealauthz_client.v1 import facts_pb2, facts_pb2_grpc

MAX_CHANGES = 1_000
MAX_PRECONDITIONS = 1_000
MAX_FILTERS = 16
MAX_PART = 10_000
MAX_ENTERPRISES = 1_000
_MAX_PAGE_TOKEN_CHARACTERS = 2_048
_NOTICED_AFTER_S = 0.1

_CHANGE_PATH = re.compile(r"changes\[(\d+)\]\.(?!put\.|update\.|delete\.)(.+)")
_RECORD_PATH = re.compile(r"changes\[(\d+)\]\.?(.*)")
_PRECONDITION_PATH = re.compile(r"(preconditions\[\d+\])\.(?!key\.)(.+)")


class FactsServicer(facts_pb2_grpc.FactsServiceServicer):
    """Writes and reads the facts of one store."""

    def __init__(self, store: Store, watches: Watches) -> None:
        self._store = store
        self._model = store.model
        self._forms = forms_of(store.model)
        self._watches = watches

    def WriteFacts(self, request: facts_pb2.WriteFactsRequest, call: Call) -> facts_pb2.WriteFactsResponse:
        """Make all changes in one transaction, or none of them."""
        batch = _batch_from(request, call.caller.name, self._forms)
        call.noted["changes"] = len(batch.changes)
        call.counts_as(len(batch.changes))
        _check_types(call.caller, batch)
        try:
            receipt = self._store.write(batch, call.caller.tenants, call.caller.check_change)
        except InvalidRequest as error:
            raise _as_on_the_wire(error, batch, self._forms) from error
        call.noted["revision"] = receipt.revision
        return facts_pb2.WriteFactsResponse(
            revision=revision_message(self._store.store_id, receipt.timeline, receipt.revision),
            committed_at=timestamp(receipt.at),
            replayed=receipt.is_replay,
        )

    def ReadFacts(self, request: facts_pb2.ReadFactsRequest, call: Call) -> facts_pb2.ReadFactsResponse:
        """List the records of one type that the caller may see, without the fields that it may not."""
        record_type = _record_type_from(request, self._model)
        call.noted["resource_type"] = record_type
        readable = call.caller.readable(record_type)
        page = self._store.read(
            record_type,
            _filters_from(request, readable, call.caller),
            page_size=request.page_size,
            page_token=request.page_token,
            tenants=call.caller.tenants,
        )
        call.noted["items"] = len(page.records)
        hidden = [column.name for column in self._model.shapes[record_type].columns if column.name not in readable]
        return facts_pb2.ReadFactsResponse(
            facts=[
                facts_pb2.StoredFact(
                    fact=self._forms.fact_of(stored.record, hidden), revision=stored.revision, hidden_fields=hidden
                )
                for stored in page.records
            ],
            next_page_token=page.next_page_token,
            revision=revision_message(self._store.store_id, page.timeline, page.revision),
        )

    def ImportFacts(
        self, requests: Iterator[facts_pb2.ImportFactsRequest], call: Call
    ) -> facts_pb2.ImportFactsResponse:
        """Write facts in bulk, a part at a time; the enterprises are decided about again once the last is committed."""
        return _import_facts(self._store, requests, call)

    def WatchChanges(
        self, request: facts_pb2.WatchChangesRequest, call: Call
    ) -> Iterator[facts_pb2.WatchChangesResponse]:
        """Stream what is written, transaction by transaction."""
        return watch(self._watches, self._store.store_id, request, call)

    def ListImports(self, request: facts_pb2.ListImportsRequest, call: Call) -> facts_pb2.ListImportsResponse:
        """List the imports that are open, of all callers."""
        return list_imports(self._store, call)

    def EndImport(self, request: facts_pb2.EndImportRequest, call: Call) -> facts_pb2.EndImportResponse:
        """End an open import of any caller."""
        return end_named_import(self._store, request, call)


def _check_types(caller: Caller, batch: Batch) -> None:
    """Check the types; the store checks enterprises and fields, on the records as they are when it writes."""
    for precondition in batch.preconditions:
        caller.check_known(precondition.record_type)
    for change in batch.changes:
        caller.check_writes(type(change.record).__name__ if isinstance(change, Put) else change.record_type)


def _batch_from(request: facts_pb2.WriteFactsRequest, caller: str, forms: WireForms) -> Batch:
    """Read a batch. Raises InvalidRequest naming every malformed field, up to a limit."""
    violations = FieldViolations()
    violations.check_id("request_id", request.request_id)
    violations.check_count("changes", len(request.changes), MAX_CHANGES, least=1)
    violations.check_count("preconditions", len(request.preconditions), MAX_PRECONDITIONS)
    violations.refuse()
    changes = [_change_from(message, f"changes[{i}]", violations, forms) for i, message in enumerate(request.changes)]
    preconditions = [
        _precondition_from(message, f"preconditions[{i}]", violations, forms)
        for i, message in enumerate(request.preconditions)
    ]
    violations.refuse()
    return Batch(caller, request.request_id, _all(changes), _all(preconditions))


def _all(items: Iterable[Any | None]) -> tuple[Any, ...]:
    """Return the items, which are all there once no fault was found."""
    return tuple(item for item in items if item is not None)


def _change_from(
    message: facts_pb2.FactChange, path: str, violations: FieldViolations, forms: WireForms
) -> Put | Update | Delete | None:
    match message.WhichOneof("change"):
        case "put":
            record = forms.record_from(message.put, f"{path}.put", violations)
            return None if record is None else Put(record, forms.left_out(message.put))
        case "update":
            update = message.update
            found = forms.values_from(update.fact, update.fields.paths, f"{path}.update", violations)
            return None if found is None else Update(*found)
        case "delete":
            return Delete(*_key_from(message.delete, f"{path}.delete", violations, forms))
        case _:
            violations.add(path, "must hold `put`, `update` or `delete`")
            return None


def _precondition_from(
    message: facts_pb2.Precondition, path: str, violations: FieldViolations, forms: WireForms
) -> Precondition | None:
    key = _key_from(message.key, f"{path}.key", violations, forms)
    match message.WhichOneof("kind"):
        case "exists":
            return Precondition(*key, PreconditionKind.EXISTS)
        case "absent":
            return Precondition(*key, PreconditionKind.ABSENT)
        case "at_revision":
            if message.at_revision < 1:
                violations.add(f"{path}.at_revision", "must be at least 1")
            return Precondition(*key, PreconditionKind.AT_REVISION, message.at_revision)
        case _:
            violations.add(path, "must hold `exists`, `absent` or `at_revision`")
            return None


def _key_from(key: facts_pb2.FactKey, path: str, violations: FieldViolations, forms: WireForms) -> tuple[str, str]:
    if not key.record_type and not key.id:
        violations.add(path, "is required")
        return "", ""
    _check_record_type(f"{path}.record_type", key.record_type, violations, forms.model)
    violations.check_id(f"{path}.id", key.id)
    return key.record_type, key.id


def _check_record_type(path: str, record_type: str, violations: FieldViolations, model: Model) -> None:
    if not record_type:
        violations.add(path, "is required")
    elif record_type not in model.records:
        violations.add(path, "is not a record type")


def _record_type_from(request: facts_pb2.ReadFactsRequest, model: Model) -> str:
    violations = FieldViolations()
    _check_record_type("record_type", request.record_type, violations, model)
    if request.page_size < 0:
        violations.add("page_size", "must not be negative")
    if len(request.page_token) > _MAX_PAGE_TOKEN_CHARACTERS:
        violations.add("page_token", "is not a page token")
    violations.check_count("filters", len(request.filters), MAX_FILTERS)
    violations.refuse()
    return request.record_type


def _filters_from(
    request: facts_pb2.ReadFactsRequest, readable: frozenset[str], caller: Caller
) -> dict[str, str | int | bool | None]:
    """Read the filters. Raises InvalidRequest, and CallerNotPermitted for a field that the caller may not read."""
    columns = {column.name: column for column in caller.model.shapes[request.record_type].columns}
    violations = FieldViolations()
    filters: dict[str, str | int | bool | None] = {}
    for index, message in enumerate(request.filters):
        path = f"filters[{index}]"
        column = columns.get(message.field)
        if column is None:
            unknown = f"is not a field of `{request.record_type}`"
            violations.add(f"{path}.field", unknown if message.field else "is required")
        elif message.field not in readable:
            # Anyone who could filter by a field could find out what it holds.
            raise CallerNotPermitted(f"the caller `{caller.name}` may not read `{request.record_type}.{message.field}`")
        elif column.is_personal or column.is_instant:
            violations.add(f"{path}.field", "is personal or an instant, which no filter may name")
        elif message.field in filters:
            violations.add(f"{path}.field", "is named twice")
        else:
            filters[message.field] = filter_value(column, message.value, f"{path}.value", violations)
    violations.refuse()
    return filters


def _as_on_the_wire(error: InvalidRequest, batch: Batch, forms: WireForms) -> InvalidRequest:
    """Return what the store refused with the paths that the request has."""

    def renamed(violation: Violation) -> Violation:
        if match := _CHANGE_PATH.fullmatch(violation.field):
            match batch.changes[int(match[1])]:
                case Put(record=record):
                    where = f"put.{forms.path_of(type(record).__name__, match[2])}"
                case Update(record_type=record_type):
                    where = f"update.fact.{forms.path_of(record_type, match[2])}"
                case Delete():
                    where = f"delete.{match[2]}"
            return Violation(f"changes[{match[1]}].{where}", violation.description)
        if match := _PRECONDITION_PATH.fullmatch(violation.field):
            return Violation(f"{match[1]}.key.{match[2]}", violation.description)
        return violation

    return InvalidRequest(*map(renamed, error.violations))


def _import_facts(
    store: Store, requests: Iterable[facts_pb2.ImportFactsRequest], call: Call
) -> facts_pb2.ImportFactsResponse:
    """Write the parts as they come, until the last or the end of the stream.

    Raises InvalidRequest, CallerNotPermitted, FactConflict, InvariantBroken, FactsUnavailable; where parts are
    committed, ImportStopped for what does not pass by itself.
    """
    messages = _arriving(requests, call)
    first = next(messages, None)
    if first is None:
        raise InvalidRequest.at("import_id", "is required")
    try:
        return _import_parts(store, first, messages, call)
    except (InvalidRequest, CallerNotPermitted, FactConflict, InvariantBroken) as error:
        opened = store.open_import(call.caller.name, first.import_id)
        if opened is None or not opened.parts:
            raise
        raise ImportStopped(first.import_id, opened.parts, error) from error


def _import_parts(
    store: Store,
    first: facts_pb2.ImportFactsRequest,
    messages: Iterable[facts_pb2.ImportFactsRequest],
    call: Call,
) -> facts_pb2.ImportFactsResponse:
    tenants = _check_first(first, call)
    response = facts_pb2.ImportFactsResponse()
    for message in itertools.chain([first], messages):
        if message is not first:
            _check_later(message, first.import_id)
        part = Part(first.import_id, tenants, message.part, message.last, message.abandon)
        receipt = _write(store, part, message, call)
        response.parts = max(response.parts, receipt.parts)
        response.finished = receipt.is_finished
        if not receipt.written.is_replay:
            response.facts += len(message.facts)
        response.revision.CopyFrom(revision_message(store.store_id, receipt.written.timeline, receipt.written.revision))
        call.noted["parts"] = call.noted["parts"] + 1 if isinstance(call.noted.get("parts"), int) else 1  # type: ignore[operator]
        call.noted["changes"] = response.facts
        call.noted["revision"] = receipt.written.revision
        if part.ends:
            break
    return response


def _arriving(requests: Iterable[facts_pb2.ImportFactsRequest], call: Call) -> Iterator[facts_pb2.ImportFactsRequest]:
    """Yield the messages. Raises TimeOver where the client leaves in the middle."""
    broken_off = TimeOver("the stream broke off before its end")
    try:
        yield from requests
    except grpc.RpcError as error:
        raise broken_off from error
    # Nobody asks for more of an import at its end: so the client goes on later, or is gone. grpcio may notice the end
    # of the messages first, and only a moment later that the client is gone.
    if call.is_cancelled(within_s=_NOTICED_AFTER_S) and not call.is_stopped:
        raise broken_off


def _check_first(message: facts_pb2.ImportFactsRequest, call: Call) -> frozenset[str]:
    """Return the tenants of the import. Raises InvalidRequest, CallerNotPermitted."""
    violations = FieldViolations()
    violations.check_id("import_id", message.import_id)
    violations.check_count("enterprise_ids", len(message.enterprise_ids), MAX_ENTERPRISES, least=1)
    violations.refuse()
    for number, tenant_id in enumerate(message.enterprise_ids):
        violations.check_id(f"enterprise_ids[{number}]", tenant_id)
    if message.abandon:
        if message.facts:
            violations.add("facts", "must be empty where an import is abandoned")
        if message.last:
            violations.add("last", "must not be set where an import is abandoned")
    else:
        _check_part(message, violations)
    violations.refuse()
    for tenant_id in message.enterprise_ids:
        if not call.caller.may_see(tenant_id):
            caller, tenant = call.caller, call.caller.model.tenant.lower()
            raise CallerNotPermitted(f"the caller `{caller.name}` may not write facts of the {tenant} `{tenant_id}`")
    return frozenset(message.enterprise_ids)


def _check_later(message: facts_pb2.ImportFactsRequest, import_id: str) -> None:
    violations = FieldViolations()
    if message.import_id not in ("", import_id):
        violations.add("import_id", "must be that of the first message, or empty")
    if message.enterprise_ids:
        violations.add("enterprise_ids", "must be empty but in the first message")
    if message.abandon:
        violations.add("abandon", "must not be set but in the first message")
    _check_part(message, violations)
    violations.refuse()


def _check_part(message: facts_pb2.ImportFactsRequest, violations: FieldViolations) -> None:
    if message.part < 1:
        violations.add("part", "must be at least 1")
    violations.check_count("facts", len(message.facts), MAX_PART, least=0 if message.last else 1)


def _write(store: Store, part: Part, message: facts_pb2.ImportFactsRequest, call: Call) -> PartReceipt:
    """Write one part."""
    violations, forms = FieldViolations(), forms_of(store.model)
    found: list[Put | None] = []
    for number, fact in enumerate(message.facts):
        found.append(forms.put_from(fact, f"facts[{number}]", violations))
        if violations.is_full:
            break
    violations.refuse()
    puts = _all(found)
    records = [put.record for put in puts]
    for name in {type(record).__name__ for record in records}:
        call.caller.check_writes(name)
    try:
        return store.import_part(call.caller.name, part, puts, call.caller.tenants, call.caller.check_change)
    except InvalidRequest as error:
        raise InvalidRequest(*(_in_part(violation, records, forms) for violation in error.violations)) from error
    except (FactConflict, InvariantBroken) as error:
        if part.is_abandoned:
            if error.invariant not in (INVARIANT, "REQUEST_ID"):  # it broke a rule that takes the whole
                release_shared(store, call.caller.name, part.import_id)
            raise
        raise type(error)(error.invariant, f"part {part.number}: {error}") from error


def _in_part(violation: Violation, records: list[Any], forms: WireForms) -> Violation:
    """Return a violation with the path that the message has."""
    match = _RECORD_PATH.fullmatch(violation.field)
    if match is None:
        return violation
    path = forms.path_of(type(records[int(match[1])]).__name__, match[2])
    return Violation(f"facts[{match[1]}].{path}", violation.description)
