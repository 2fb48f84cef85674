"""Where the log of decisions is read: in a database, or from a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from sealauthz.audit.log import Entry, Log, Wanted
from sealauthz.cli.answer_source import connected, connection_options, refuse_connection
from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.settings import open_store, store_options
from sealauthz.runtime.errors import InvalidRequest, RecordUnknown
from sealauthz_client import SealAuthzClient
from sealauthz_client.answers import LogEntry, LogProof, moment

F = TypeVar("F", bound=Callable[..., Any])


class AuditSource(Protocol):
    """What answers the commands that read the log."""

    def decisions(self, wanted: Mapping[str, Any]) -> Iterator[LogEntry]:
        """Yield the records that are wanted, the newest first."""

    def decision(self, which: str) -> LogEntry:
        """Return a record by the id of its decision, or by its place."""

    def proof(self, which: str) -> LogProof:
        """Return the proof of a record."""

    def checkpoint(self) -> str:
        """Return the newest checkpoint; empty without one."""

    def pruned(self) -> str:
        """Say what was pruned; empty where nothing was, or where that is not told."""


def audit_options(command: F) -> F:
    """Add the options that say where the log is; the command gets what is opened as `source`."""

    def with_source(*arguments: Any, **options: Any) -> Any:
        names = ("config_file", "database", "server", "token_file", "ca", "insecure")
        with audit_source(**{name: options.pop(name) for name in names}) as source:
            return command(*arguments, source=source, **options)

    with_source.__doc__, with_source.__name__ = command.__doc__, command.__name__
    with_source.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    server = click.option("--server", metavar="HOST:PORT", help="Ask this server, not a database. [SEALAUTHZ_ADDRESS]")
    return store_options(server(connection_options(with_source)))  # type: ignore[return-value]


@contextmanager
def audit_source(
    *,
    config_file: Path | None,
    database: str | None,
    server: str | None,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
) -> Iterator[AuditSource]:
    """Open where the options say to read."""
    if server and database:
        raise click.UsageError("ask either a --server or a --database, not both")
    address = server or (None if database else os.environ.get("SEALAUTHZ_ADDRESS"))
    if address is not None:
        with connected(address, token_file, ca, insecure) as client:
            yield _Served(client)
        return
    refuse_connection(token_file, ca, insecure)
    with open_store(config_file, database) as store:
        try:
            yield _Kept(Log(store))
        except InvalidRequest as error:
            raise Stop(str(error), Exit.REFUSED) from error


@dataclass(frozen=True, slots=True)
class _Kept:
    """The log of a database. No rights are checked."""

    log: Log

    def decisions(self, wanted: Mapping[str, Any]) -> Iterator[LogEntry]:
        before: int | None = None
        while True:
            page = self.log.page(Wanted(**wanted), service_model().tenant, 0, before)
            for entry in page.entries:
                yield entry.answer()
            before = page.before
            if before is None:
                return

    def decision(self, which: str) -> LogEntry:
        return self._found(which).answer()

    def proof(self, which: str) -> LogProof:
        return self.log.inclusion(self._found(which).number)

    def checkpoint(self) -> str:
        return self.log.head().note

    def pruned(self) -> str:
        pruned = self.log.pruned()
        return pruned.said if pruned.until else ""

    def _found(self, which: str) -> Entry:
        found = self.log.entry_at(int(which)) if _is_place(which) else self.log.entry(which)
        if found is None:
            pruned = self.log.pruned()
            if _is_place(which) and int(which) < pruned.until:
                raise RecordUnknown(f"record {which} was pruned: only its hash is kept")
            if pruned.until:
                raise RecordUnknown(f"the log has no record `{which}`: it may wait for its place, or {pruned.said}")
            raise RecordUnknown(f"the log has no record `{which}`: it may wait for its place (`audit sequence`)")
        return found


@dataclass(frozen=True, slots=True)
class _Served:
    """The log that a server shows."""

    client: SealAuthzClient

    def decisions(self, wanted: Mapping[str, Any]) -> Iterator[LogEntry]:
        given = dict(wanted)
        given["enterprise_id"] = given.pop("tenant", "")
        for name in ("since", "until"):
            given[name] = moment(given[name]) if given.get(name) else None
        return self.client.decisions(**given)

    def decision(self, which: str) -> LogEntry:
        if _is_place(which):
            raise click.UsageError("a server knows records by the ids of their decisions, not by their places")
        return self.client.decision(which)

    def proof(self, which: str) -> LogProof:
        return self.client.inclusion_proof(int(which) if _is_place(which) else which)

    def checkpoint(self) -> str:
        return self.client.checkpoint()

    def pruned(self) -> str:
        return ""


def _is_place(which: str) -> bool:
    return which.isascii() and which.isdecimal() and len(which) < 19
