"""The engines of the databases: what a URL means, how connections are set up, and what errors keep to themselves."""

from __future__ import annotations

import ipaddress
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from sealauthz.facts.store.identity import SERVER
from sealauthz.facts.store.statements import forget_values
from sealauthz.runtime.errors import ConfigRefused, nearest

if TYPE_CHECKING:
    import psycopg


LOCK_TIMEOUT_S = 5
CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 10
_POOLED = 20
_BEYOND = 12
MAX_CONNECTIONS = _POOLED + _BEYOND + 1
"""How many connections one process has at most: those of its pool, and the one that listens."""

LIVELINESS: dict[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
"""How PostgreSQL's client notices that the other end is gone without having said so, within some 20 seconds."""

PRAGMAS = (
    f"PRAGMA busy_timeout = {LOCK_TIMEOUT_S * 1000}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)

_SESSION = """
    SELECT set_config('synchronous_commit', CASE setting WHEN 'off' THEN 'on' ELSE setting END, false),
      set_config('lock_timeout', %s, false),
      set_config('idle_in_transaction_session_timeout', '60s', false)
    FROM current_setting('synchronous_commit') AS setting
"""
"""What we say has been written survives a crash of the server, whatever the server, the database or the role is set to;
what is stricter stays. Set by a statement, because a connection pooler refuses such options in the startup message.
"""

_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
_CHOICES = {
    "target_session_attrs": "any read-write read-only primary standby prefer-standby",
    "load_balance_hosts": "disable random",
    "sslmode": "disable allow prefer require verify-ca verify-full",
}
"""What libpq takes for some parameters, and refuses only when it connects."""

_MALFORMED = "the database url is malformed"


def parse(url: str) -> URL:
    """Read a database URL. Raises ConfigRefused for one that facts cannot be kept in, and repeats no part of it that
    may be secret.
    """
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in url):  # bytes of a variable that are no UTF-8
        raise ConfigRefused(_MALFORMED)
    scheme, separator, rest = url.partition("://")
    if separator and scheme in _POSTGRESQL:
        return _parse_postgresql(rest)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigRefused(_MALFORMED) from error
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if parsed.database in (None, "", ":memory:"):
            raise ConfigRefused("the database url must name a file")
        return parsed
    raise ConfigRefused(f"the database url must start with `sqlite:` or `postgresql:`, not `{parsed.drivername}:`")


def _parse_postgresql(rest: str) -> URL:
    """Read what follows the scheme as libpq does: with several hosts, each with its port, and all of its parameters."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import Conninfo

    try:
        found = {name: str(value) for name, value in conninfo_to_dict(f"postgresql://{rest}").items()}
    except UnicodeError as error:  # what is encoded with `%` is no UTF-8
        raise ConfigRefused(_MALFORMED) from error
    except psycopg.Error as error:
        known = [option.keyword.decode() for option in Conninfo.get_defaults()]
        names = [name for name, _ in parse_qsl(rest.rpartition("?")[2], keep_blank_values=True)]
        meant = next((near for name in names if name not in known and (near := nearest(name, known))), "")
        # The name itself is not repeated: a password with a `?` would be read as one.
        hint = f"; is an unknown parameter meant to be `{meant}`?" if meant else ""
        raise ConfigRefused(f"{_MALFORMED}{hint}") from error
    user, password, name = (found.pop(part, None) for part in ("user", "password", "dbname"))
    hosts, ports = found.get("host", ""), found.get("port", "")
    _check_hosts(hosts.split(","), ports.split(","))
    for parameter, choices in _CHOICES.items():
        if found.get(parameter, "") not in ("", *choices.split()):
            raise ConfigRefused(f"the database url: `{parameter}` must be one of {', '.join(choices.split())}")
    parsed = URL.create("postgresql+psycopg", user, password, database=name, query=found)
    if "," in hosts + ports or hosts.startswith("/"):
        return parsed
    parsed = parsed.difference_update_query(("host", "port"))
    return parsed.set(host=hosts or None, port=int(ports) if ports else None)


def _check_hosts(hosts: list[str], ports: list[str]) -> None:
    if len(ports) not in (1, len(hosts)):
        raise ConfigRefused("the database url has another number of ports than of hosts")
    if any(port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536) for port in ports):
        raise ConfigRefused("the database url: a port must be a number from 1 to 65535")
    for host in hosts:
        if ":" in host and not host.startswith("/"):
            try:
                ipaddress.IPv6Address(host.partition("%")[0])
            except ValueError as error:
                raise ConfigRefused("the database url: write several hosts as `HOST:PORT,HOST:PORT`") from error


def shown(url: str) -> str:
    """Return a URL as it may be printed: without a password, wherever in it that stands."""
    try:
        parsed = parse(url)
    except ConfigRefused:
        return "***"
    query = {name: "***" if _is_secret(name) else value for name, value in parsed.query.items()}
    text = parsed.set(drivername=parsed.get_backend_name(), query=query).render_as_string()
    return text.replace("%2A%2A%2A", "***").replace("%2C", ",").replace("%2F", "/")


def _is_secret(parameter: str) -> bool:
    return any(part in parameter.lower() for part in ("pass", "secret", "scram"))


def cause_shown(error: BaseException, url: str) -> str:
    """Return what the driver said of an error, in one line and without a secret of the URL."""
    cause = getattr(error.__cause__, "orig", None) or error.__cause__ or error
    said = " ".join(str(cause).split())
    parsed = parse(url)
    secrets = (parsed.password, *(value for name, value in parsed.query.items() if _is_secret(name)))
    for secret in secrets:
        said = said.replace(str(secret), "***") if secret else said
    return said


def _forget_values(context: ExceptionContext) -> None:
    """Let an error say nothing that quotes a row."""
    import psycopg

    error = context.original_exception
    if isinstance(error, psycopg.Error):
        said = forget_values(error)
        if said is not None and context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(error).__name__}) {said}",)


def _prepare(connection: psycopg.Connection[Any], record: ConnectionPoolEntry) -> None:
    """Set up the session of a new connection, and take note of which database it is to."""
    connection.execute(_SESSION, [f"{LOCK_TIMEOUT_S}s"])
    (record.info["server"],) = connection.execute(SERVER).fetchone() or ("",)


def make_engine(url: URL, *, must_exist: bool) -> Engine:
    """Make the engine. `must_exist`: a missing SQLite file is an error rather than a new, empty database.

    INVARIANT: no error of it holds a value of a statement, because errors are logged and values may be personal.
    """
    common: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "hide_parameters": True}
    common |= {"pool_size": _POOLED, "max_overflow": _BEYOND, "pool_timeout": POOL_TIMEOUT_S}
    if url.get_backend_name() == "postgresql":
        arguments = {**LIVELINESS, "application_name": "sealauthz"}
        engine = create_engine(url, connect_args=arguments, **common)
        event.listen(engine, "handle_error", _forget_values)
        event.listen(engine, "connect", _prepare)
        return engine
    path = Path(url.database or "").absolute()
    mode = "rw" if must_exist else "rwc"
    database = f"sqlite:///file:{quote(str(path))}?mode={mode}&uri=true"
    arguments = {"timeout": LOCK_TIMEOUT_S, "check_same_thread": False}
    engine = create_engine(database, connect_args=arguments, **common)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in PRAGMAS:
            connection.execute(pragma)

    return engine
