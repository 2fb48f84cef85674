"""The engines of the databases: what a URL means, how connections are set up, and what errors keep to themselves."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from sealauthz.facts.store.identity import SERVER
from sealauthz.facts.store.statements import forget_values
from sealauthz.runtime.errors import ConfigRefused

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

_DURABLE = """
    SELECT set_config('synchronous_commit', CASE setting WHEN 'off' THEN 'on' ELSE setting END, false)
    FROM current_setting('synchronous_commit') AS setting
"""
"""What we say has been written survives a crash of the server, whatever the server, the database or the role is set to;
what is stricter stays.
"""


def parse(url: str) -> URL:
    """Read a database URL. Raises ConfigRefused for one that facts cannot be kept in."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigRefused("the database url is malformed") from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgresql+psycopg":
        return parsed
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if parsed.database in (None, "", ":memory:"):
            raise ConfigRefused("the database url must name a file")
        return parsed
    raise ConfigRefused(f"the database url must start with `sqlite:` or `postgresql:`, not `{parsed.drivername}:`")


def shown(url: str) -> str:
    """Return a URL as it may be printed: without a password, wherever in it that stands."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return "***"
    query = {name: "***" if "pass" in name.lower() else value for name, value in parsed.query.items()}
    return parsed.set(query=query).render_as_string().replace("%2A%2A%2A", "***")


def _forget_values(context: ExceptionContext) -> None:
    """Let an error say nothing that quotes a row."""
    import psycopg

    error = context.original_exception
    if isinstance(error, psycopg.Error):
        said = forget_values(error)
        if said is not None and context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(error).__name__}) {said}",)


def _prepare(connection: psycopg.Connection[Any], record: ConnectionPoolEntry) -> None:
    """Have commits of a new connection wait until they last, and take note of which database it is to."""
    connection.execute(_DURABLE)
    (record.info["server"],) = connection.execute(SERVER).fetchone() or ("",)


def make_engine(url: URL, *, must_exist: bool) -> Engine:
    """Make the engine. `must_exist`: a missing SQLite file is an error rather than a new, empty database.

    INVARIANT: no error of it holds a value of a statement, because errors are logged and values may be personal.
    """
    common: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "hide_parameters": True}
    common |= {"pool_size": _POOLED, "max_overflow": _BEYOND, "pool_timeout": POOL_TIMEOUT_S}
    if url.get_backend_name() == "postgresql":
        options = f"-c lock_timeout={LOCK_TIMEOUT_S}s -c idle_in_transaction_session_timeout=60s"
        arguments = {**LIVELINESS, "options": options, "application_name": "sealauthz"}
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
