"""Callers and what each may call, write and see (what is not listed is not permitted), and their admitted calls."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sealauthz.runtime.errors import CallerNotPermitted, CallerUnknown, SealAuthzError
from sealauthz.schema import Column, Model
from sealauthz.service.tokens import TokenIssuer, TokenOf, Tokens
from sealauthz_client.v1 import (
    audit_pb2,
    authorization_pb2,
    events_pb2,
    facts_pb2,
    monitor_pb2,
    operations_pb2,
    policy_pb2,
)

if TYPE_CHECKING:
    import grpc

SERVICES = (
    authorization_pb2.DESCRIPTOR.services_by_name["AuthorizationService"],
    facts_pb2.DESCRIPTOR.services_by_name["FactsService"],
    operations_pb2.DESCRIPTOR.services_by_name["OperationsService"],
    events_pb2.DESCRIPTOR.services_by_name["EventsService"],
    monitor_pb2.DESCRIPTOR.services_by_name["MonitorService"],
    policy_pb2.DESCRIPTOR.services_by_name["PolicyService"],
    audit_pb2.DESCRIPTOR.services_by_name["AuditService"],
)
"""The services that a caller needs rights for."""

RPCS = tuple(f"{service.name}/{method.name}" for service in SERVICES for method in service.methods)
"""Every RPC that a caller can be given, as `Service/Method`."""

AUDITING = frozenset(name for name in RPCS if name.startswith("AuditService/"))
"""The RPCs that read what others were answered. They are given by name only, too."""

SHIPPING = frozenset(name for name in RPCS if name.startswith("PolicyService/"))
"""The RPCs that ship policies. A caller has one of them only where it is named: who may do "everything" may not decide
what everything is.
"""

Metadata = Iterable[tuple[str, str | bytes]]


class Shown(NamedTuple):
    """What a call shows of who calls: its metadata, in which a token is, and the certificate of its connection."""

    metadata: Metadata
    certificate: bytes | None = None


EXPLAIN = "AuthorizationService/Explain"
IMPORT = "FactsService/ImportFacts"

_MAX_TOKEN_CHARACTERS = 4096
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Caller:
    """A known caller and its rights on the records of a model; the defaults are none.

    `tenants` is None for every tenant. `read` and `write` hold fields by record type; `id` always counts in. `performs`
    holds actions, `use` on every type or `Seal/use` on one; None for every action. `share` is the part of each pool
    that it may have under way, `calls_per_s` how fast it may ask (None: as fast as it likes). `tokens` holds the
    SHA-256 of each bearer token that it may show, `issued` says which tokens of issuers are its own, and
    `spiffe` holds the ids of its certificates. Callers are equal if they have the same name and rights, whatever they
    are known by.
    """

    model: Model
    name: str
    tokens: frozenset[bytes] = field(default=frozenset(), repr=False, compare=False)
    issued: tuple[TokenOf, ...] = field(default=(), kw_only=True, compare=False)
    spiffe: frozenset[str] = field(default=frozenset(), kw_only=True, compare=False)
    rpcs: frozenset[str] = frozenset()
    tenants: frozenset[str] | None = frozenset()
    read: Mapping[str, frozenset[str]] = field(default_factory=dict)
    write: Mapping[str, frozenset[str]] = field(default_factory=dict)
    performs: frozenset[str] | None = frozenset()
    sees_operator_reasons: bool = False
    share: float = 0.5
    calls_per_s: float | None = None

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

    def check_performs(self, action: str, resource_type: str) -> None:
        """Raise CallerNotPermitted unless the caller may have this action performed on a record of this type."""
        # An action with a slash would be read as one on a type.
        names = {action, f"{resource_type}/{action}"} if "/" not in action else set()
        if self.performs is None or names & self.performs:
            return
        # Only words of the vocabulary: any other text is the client's own, and the log has this message.
        is_known = (action, resource_type) in self.model.actions
        what = f"`{action}` on {resource_type}" if is_known else "this action"
        raise CallerNotPermitted(f"the caller `{self.name}` may not perform {what}")

    def may_read(self, record_type: str, column: str) -> bool:
        """Tell whether the caller may read a column of a type of records."""
        try:
            return column in self.readable(record_type)
        except CallerNotPermitted:
            return False

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
        owned = self._owned_by_acts(record_type)
        if "id" in owned and self.write[record_type] <= owned:
            raise self._owned(record_type, "")

    def check_change(self, before: Any | None, after: Any | None) -> None:
        """Raise CallerNotPermitted if a field that the caller may not write would change.

        A new record may hold the defaults there. To remove a record is to change all of it.
        """
        record_type = type(before if after is None else after).__name__
        self.check_writes(record_type)
        owned = self._owned_by_acts(record_type)
        for column in _unlisted(self.model, record_type, self.write[record_type] - owned):
            # What nobody sets holds the default; a column without one has none, which equals nothing.
            untouched = column.default if before is None else getattr(before, column.name)
            if after is None or getattr(after, column.name) != untouched:
                if column.name in owned:
                    raise self._owned(record_type, f".{column.name}")
                raise CallerNotPermitted(f"the caller `{self.name}` may not write `{record_type}.{column.name}`")

    def _owned_by_acts(self, record_type: str) -> frozenset[str]:
        """Return the columns of a type that acts change and this caller does not."""
        # Who may import brings in whatever it likes: to refuse it the single write would keep nothing.
        return frozenset() if self.may_call(IMPORT) else self.model.shapes[record_type].owned_by_acts

    def _owned(self, record_type: str, column: str) -> CallerNotPermitted:
        return CallerNotPermitted(
            f"`{record_type}{column}` is changed by acts: the caller `{self.name}` must have them performed, or have "
            f"the right to `{IMPORT}`"
        )

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


class Known(NamedTuple):
    """A caller that was identified, and what the log says of how, where there are several ways."""

    caller: Caller
    by: Mapping[str, str] = {}


class Callers:
    """The callers that the service knows."""

    def __init__(
        self, callers: Iterable[Caller], issuers: Iterable[TokenIssuer] = (), now: Callable[[], float] = time.time
    ) -> None:
        self._callers = tuple(callers)
        self._by_digest = {
            digest: Known(caller, {"token": digest.hex()[:_DIGITS]} if len(caller.tokens) > 1 else {})
            for caller in self._callers
            for digest in caller.tokens
        }
        self._by_spiffe = {name: Known(caller, {"spiffe": name}) for caller in self._callers for name in caller.spiffe}
        issuers = tuple(issuers)
        self._issued = Tokens(issuers, self._owner_of, now) if issuers else None

    def has(self, caller: Caller) -> bool:
        """Tell whether the caller is known, with exactly these rights."""
        return caller in self._callers

    def identify(self, metadata: Metadata, spiffe: str | None = None) -> Caller:
        """Return who calls, by the metadata of a call. Raises CallerUnknown, KeysUnavailable.

        `spiffe` is the SPIFFE id of the certificate that the connection showed, None where it shows none.
        """
        return self.known(metadata, spiffe).caller

    def known(self, metadata: Metadata, spiffe: str | None = None) -> Known:
        """Return the same caller, and how it is known. Raises CallerUnknown, KeysUnavailable.

        Whatever is shown counts: nothing wrong is overlooked because something else is right.
        """
        values = [value for key, value in metadata if key.lower() == "authorization"]
        if spiffe is None:
            return self._by_token(values)
        found = self._by_spiffe.get(spiffe)
        if found is None:
            raise CallerUnknown("the certificate names no caller")
        if not values:
            return found
        other = self._by_token(values)
        if other.caller is not found.caller:
            raise CallerUnknown("the certificate and the token name different callers")
        return Known(found.caller, {**found.by, **other.by})

    def _by_token(self, values: Sequence[str | bytes]) -> Known:
        if not values:
            raise CallerUnknown("no bearer token in the `authorization` metadata")
        if len(values) > 1 or not isinstance(values[0], str):
            raise CallerUnknown("the `authorization` metadata must hold one bearer token")
        scheme, _, token = values[0].partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN_CHARACTERS:
            raise CallerUnknown("the `authorization` metadata must hold one bearer token")
        digest = hashlib.sha256(token.encode()).digest()
        # The time of a look-up may tell something of the digest, from which nobody finds a token.
        found = self._by_digest.get(digest)
        if found is None:
            if self._issued is None:
                raise CallerUnknown("unknown bearer token")
            return self._issued.owner(token, digest)
        return found

    def _owner_of(self, claims: Mapping[str, Any]) -> Known:
        """Return the caller that a verified token names. Raises CallerUnknown if it is not exactly one."""
        found = [caller for caller in self._callers if any(each.is_met_by(claims) for each in caller.issued)]
        if len(found) != 1:
            raise CallerUnknown("the token names no caller" if not found else "the token names several callers")
        return Known(found[0], {"issuer": claims["iss"]})


@dataclass(slots=True, eq=False)
class Call:
    """An admitted call, as a servicer gets it besides the request: who calls, until when, and what to add to the log.

    `shown` is what the caller was identified by. `deadline` is in seconds of `time.monotonic`, None if the caller set
    none. `is_stopped`: the server ends this stream, with `stopped_by`. `may_wait`: the thread is one of a pool, and not
    the one that serves all calls. `trace_id` is that of the trace that it is part of; empty if it is of none.
    `given_once`, where such a thread may not wait, begins what must be done before the answer is given: what it is
    given is told when that is done, or why it is not. It may raise SealAuthzError instead.

    INVARIANT: `noted` holds no token, no personal text and no value of a context.
    """

    caller: Caller
    noted: dict[str, str | int | list[str]] = field(default_factory=dict)
    deadline: float | None = None
    _context: grpc.ServicerContext | None = field(default=None, repr=False)
    stopped_by: SealAuthzError | None = None
    may_wait: bool = True
    owe: Callable[[int], None] | None = field(default=None, repr=False)
    shown: Shown | None = field(default=None, repr=False)
    trace_id: str = ""
    given_once: Callable[[Callable[[BaseException | None], None]], None] | None = field(default=None, repr=False)
    _on_stop: list[Callable[[], None]] = field(default_factory=list, repr=False)

    @property
    def peer(self) -> str:
        """The address that the call came from; empty if nobody knows."""
        return "" if self._context is None else str(self._context.peer())

    @property
    def is_stopped(self) -> bool:
        """Whether the server ends this stream."""
        return self.stopped_by is not None

    def counts_as(self, count: int) -> None:
        """Have the call count as so many against the rate of its caller."""
        if self.owe is not None and count > 1:
            self.owe(count - 1)

    def remaining_s(self) -> float | None:
        """The seconds until the deadline, never below 0; None without a deadline."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)

    def is_cancelled(self, within_s: float = 0.0) -> bool:
        """Tell whether nobody waits for an answer: the caller left, or the server stops a stream.

        Waits `within_s` seconds for that.
        """
        if self.is_stopped or (self._context is not None and not self._context.is_active()):
            return True
        if within_s <= 0:
            return False
        over = threading.Event()
        return not self.on_cancel(over.set) or over.wait(within_s)

    def on_cancel(self, wake: Callable[[], None]) -> bool:
        """Call `wake` from another thread when the call is over; return False if it is over already.

        `wake` must not wait for anything: the thread may be the one that serves all calls.
        """
        self._on_stop.append(wake)
        is_registered = self._context is None or bool(self._context.add_callback(wake))
        return is_registered and not self.is_stopped

    def stop(self, error: SealAuthzError) -> None:
        """End a stream with an error. The first counts."""
        if self.stopped_by is None:
            self.stopped_by = error
        for wake in list(self._on_stop):
            wake()
