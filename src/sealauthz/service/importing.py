"""ImportFacts: a stream of parts, each one transaction, within the caller's rights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import grpc

from sealauthz.errors import CallerNotPermitted, FactConflict, InvalidRequest, InvariantBroken, TimeOver, Violation
from sealauthz.facts import Store
from sealauthz.facts.store.importing import INVARIANT, Part, PartReceipt
from sealauthz.service.call import Call
from sealauthz.service.records import WireForms, forms_of
from sealauthz.service.tokens import revision_message
from sealauthz.service.violations import FieldViolations
from sealauthz.v1 import facts_pb2

MAX_PART = 10_000
MAX_ENTERPRISES = 1_000

_NOTICED_AFTER_S = 0.1

_CHANGE_PATH = re.compile(r"changes\[(\d+)\]\.?(.*)")


def import_facts(
    store: Store, requests: Iterable[facts_pb2.ImportFactsRequest], call: Call
) -> facts_pb2.ImportFactsResponse:
    """Write the parts as they come, until the last or the end of the stream.

    Raises InvalidRequest, CallerNotPermitted, FactConflict, InvariantBroken, FactsUnavailable; the parts before stay.
    """
    messages = _arriving(requests, call)
    first = next(messages, None)
    if first is None:
        raise InvalidRequest.at("import_id", "is required")
    tenants = _check_first(first, call)
    response = facts_pb2.ImportFactsResponse()
    message: facts_pb2.ImportFactsRequest | None = first
    while message is not None:
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
        message = None if part.ends else next(messages, None)
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
    records: list[Any] = []
    for number, fact in enumerate(message.facts):
        records.append(forms.record_from(fact, f"facts[{number}]", violations))
        if violations.is_full:
            break
    violations.refuse()
    for name in {type(record).__name__ for record in records}:
        call.caller.check_writes(name)
    try:
        return store.import_part(call.caller.name, part, records, call.caller.tenants, call.caller.check_change)
    except InvalidRequest as error:
        raise InvalidRequest(*(_renamed(violation, records, forms) for violation in error.violations)) from error
    except (FactConflict, InvariantBroken) as error:
        if part.is_abandoned:
            if error.invariant not in (INVARIANT, "REQUEST_ID"):  # it broke a rule that takes the whole
                release_shared(store, call.caller.name, part.import_id)
            raise
        raise type(error)(error.invariant, f"part {part.number}: {error}") from error


def release_shared(store: Store, caller: str, import_id: str) -> None:
    """Unlock the shared roots of an import that cannot be abandoned yet: no rule that takes the whole is about them."""
    item = store.open_import(caller, import_id)
    if item is not None:
        store.import_part(caller, Part(import_id, item.tenants, item.parts, is_release=True))


def _renamed(violation: Violation, records: list[Any], forms: WireForms) -> Violation:
    """Return a violation with the path that the message has."""
    match = _CHANGE_PATH.fullmatch(violation.field)
    if match is None:
        return violation
    path = forms.path_of(type(records[int(match[1])]).__name__, match[2])
    return Violation(f"facts[{match[1]}].{path}", violation.description)
