"""Who calls, and what each caller may call, write and see. What is not listed is not permitted."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sealauthz.errors import CallerNotPermitted, CallerUnknown
from sealauthz.schema import Column, Model
from sealauthz.v1 import authorization_pb2, facts_pb2

SERVICES = (
    authorization_pb2.DESCRIPTOR.services_by_name["AuthorizationService"],
    facts_pb2.DESCRIPTOR.services_by_name["FactsService"],
)
"""The services that a caller needs rights for."""

RPCS = tuple(f"{service.name}/{method.name}" for service in SERVICES for method in service.methods)
"""Every RPC that a caller can be given, as `Service/Method`."""

EXPLAIN = "AuthorizationService/Explain"

_MAX_TOKEN_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """A known caller and its rights on the records of a model; the defaults are none.

    `tenants` is None for every tenant. `read` and `write` hold fields by record type; `id` always counts in.
    """

    model: Model
    name: str
    token_sha256: bytes = field(repr=False)
    rpcs: frozenset[str] = frozenset()
    tenants: frozenset[str] | None = frozenset()
    read: Mapping[str, frozenset[str]] = field(default_factory=dict)
    write: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sees_operator_reasons: bool = False

    def may_call(self, rpc: str) -> bool:
        """Tell whether the caller may call `Service/Method`."""
        return rpc in self.rpcs

    def check_rpc(self, rpc: str) -> None:
        """Raise CallerNotPermitted unless the caller may call `Service/Method`."""
        if not self.may_call(rpc):
            raise CallerNotPermitted(f"the caller `{self.name}` may not call `{rpc}`")

    def may_see(self, tenant_id: str) -> bool:
        """Tell whether the tenant is within the caller's right."""
        return self.tenants is None or tenant_id in self.tenants

    def readable(self, record_type: str) -> frozenset[str]:
        """Return the fields that the caller may read. Raises CallerNotPermitted if it may not read the type at all."""
        self._check_scope(record_type)
        if record_type not in self.read:
            raise CallerNotPermitted(f"the caller `{self.name}` may not read `{record_type}`")
        return self.read[record_type] | {"id"}

    def check_known(self, record_type: str) -> None:
        """Raise CallerNotPermitted unless the caller may read or write the type, and so ask whether a record exists."""
        self._check_scope(record_type)
        if record_type not in self.read and record_type not in self.write:
            raise CallerNotPermitted(f"the caller `{self.name}` may not ask for `{record_type}`")

    def check_writes(self, record_type: str) -> None:
        """Raise CallerNotPermitted unless the caller may write some field of the type."""
        self._check_scope(record_type)
        if record_type not in self.write:
            raise CallerNotPermitted(f"the caller `{self.name}` may not write `{record_type}`")

    def check_change(self, before: Any | None, after: Any | None) -> None:
        """Raise CallerNotPermitted if a field that the caller may not write would change.

        A new record may hold the defaults there. To remove a record is to change all of it.
        """
        record_type = type(before if after is None else after).__name__
        self.check_writes(record_type)
        for column in _unlisted(self.model, record_type, self.write[record_type]):
            if after is None or getattr(after, column.name) != _untouched(before, column):
                raise CallerNotPermitted(f"the caller `{self.name}` may not write `{record_type}.{column.name}`")

    def _check_scope(self, record_type: str) -> None:
        # What belongs to no tenant counts for every tenant, so that a right on some of them is not enough.
        units = self.model.units
        if self.tenants is not None and units.is_of_subject(units.home_kind(record_type)):
            every = f"every {units.tenant.lower()}"
            raise CallerNotPermitted(
                f"the caller `{self.name}` has no right on {every}, which `{record_type}` calls for"
            )


@cache
def _unlisted(model: Model, record_type: str, fields: frozenset[str]) -> list[Column]:
    columns = model.shapes[record_type].columns
    return [column for column in columns if column.name != "id" and column.name not in fields]


def _untouched(before: Any | None, column: Column) -> Any:
    """Return the value that a column has if nobody sets it; one without a default has none, and equals nothing."""
    return column.default if before is None else getattr(before, column.name)


class Callers:
    """The callers that the service knows."""

    def __init__(self, callers: Iterable[Caller]) -> None:
        self._callers = tuple(callers)

    def identify(self, metadata: Iterable[tuple[str, str | bytes]]) -> Caller:
        """Return the caller whose bearer token the metadata of a call holds. Raises CallerUnknown."""
        values = [value for key, value in metadata if key.lower() == "authorization"]
        if not values:
            raise CallerUnknown("no bearer token in the `authorization` metadata")
        if len(values) > 1 or not isinstance(values[0], str):
            raise CallerUnknown("the `authorization` metadata must hold one bearer token")
        scheme, _, token = values[0].partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN_CHARACTERS:
            raise CallerUnknown("the `authorization` metadata must hold one bearer token")
        digest = hashlib.sha256(token.encode()).digest()
        found: Caller | None = None
        for caller in self._callers:
            # All are compared, so that the time taken does not tell which one it was.
            if hmac.compare_digest(caller.token_sha256, digest):
                found = caller
        if found is None:
            raise CallerUnknown("unknown bearer token")
        return found
