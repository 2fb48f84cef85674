"""Open imports as an operator sees them: which there are, and ending one whose caller is gone."""

from __future__ import annotations

from sealauthz.facts import Part, Store
from sealauthz.facts.store.importing import INVARIANT, OpenImport, PartReceipt
from sealauthz.runtime.errors import CallerNotPermitted, FactConflict, InvariantBroken
from sealauthz.service.callers import Call
from sealauthz.service.fields import FieldViolations, revision_message, timestamp
from sealauthz_client.v1 import facts_pb2


def list_imports(store: Store, call: Call) -> facts_pb2.ListImportsResponse:
    """Return the open imports of which the caller may see every enterprise. Raises FactsUnavailable."""
    shown = [item for item in store.open_imports() if _is_shown(item, call)]
    call.noted["items"] = len(shown)
    return facts_pb2.ListImportsResponse(
        imports=[
            facts_pb2.OpenImport(
                caller=item.caller,
                import_id=item.import_id,
                enterprise_ids=sorted(item.tenants),
                parts=item.parts,
                began_at=timestamp(item.at),
                last_part_at=timestamp(item.last_at),
            )
            for item in shown
        ]
    )


def end_named_import(store: Store, request: facts_pb2.EndImportRequest, call: Call) -> facts_pb2.EndImportResponse:
    """End the import that a request names. Raises what `end_import` raises, InvalidRequest, CallerNotPermitted."""
    violations = FieldViolations()
    violations.check_id("caller", request.caller)
    violations.check_id("import_id", request.import_id)
    violations.refuse()
    item = store.open_import(request.caller, request.import_id)
    if item is None:
        raise InvariantBroken(INVARIANT, "there is no such open import: see `ListImports`")
    if not _is_shown(item, call):
        raise CallerNotPermitted(f"the caller `{call.caller.name}` may not see every enterprise of the import")
    call.noted["import_caller"] = item.caller
    call.noted["import_id"] = item.import_id
    receipt = end_import(store, item)
    call.noted["revision"] = receipt.written.revision
    return facts_pb2.EndImportResponse(
        revision=revision_message(store.store_id, receipt.written.timeline, receipt.written.revision),
        parts=receipt.parts,
    )


def end_import(store: Store, item: OpenImport) -> PartReceipt:
    """End an import: what it has written stays, and its enterprises are decided about again.

    Raises InvariantBroken where they break a rule that takes the whole: then only its contracts are decided about
    again. Raises FactConflict, FactsUnavailable.
    """
    try:
        return store.import_part(item.caller, Part(item.import_id, item.tenants, 0, is_abandoned=True))
    except (FactConflict, InvariantBroken) as error:
        if error.invariant not in (INVARIANT, "REQUEST_ID"):  # it broke a rule that takes the whole
            release_shared(store, item.caller, item.import_id)
        raise


def release_shared(store: Store, caller: str, import_id: str) -> None:
    """Unlock the shared roots of an import that cannot be abandoned yet: no rule that takes the whole is about them."""
    item = store.open_import(caller, import_id)
    if item is not None:
        store.import_part(caller, Part(import_id, item.tenants, item.parts, is_release=True))


def _is_shown(item: OpenImport, call: Call) -> bool:
    return all(call.caller.may_see(tenant_id) for tenant_id in item.tenants)
