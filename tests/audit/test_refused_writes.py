"""A database that takes no writes for a while: what must be in the log is not answered, advice is, and nothing of it is
lost.
"""

from __future__ import annotations

import hashlib
import resource
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import grpc
import psycopg
import pytest
from audit_logs import run
from sqlalchemy import event
from sqlalchemy.pool import Pool
from tiny.model import TINY, facts

from sealauthz.audit.note import Signer
from sealauthz.audit.recorder import Recorder
from sealauthz.audit.sequencer import Sequencer, Sequencing
from sealauthz.audit.verify import verify_database
from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.operations import Operations
from sealauthz.runtime.background import ignored
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build
from sealauthz_client import CallFailed, RetryPolicy, SealAuthzClient
from sealauthz_client.answers import Decision, Performed

TOKEN = "t" * 40
Outage = Callable[[str], AbstractContextManager[None]]
ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    assert TINY.policies is not None
    folder = tmp_path_factory.mktemp("audited") / "policies"
    shutil.copytree(TINY.policies, folder)
    (folder / "audited.polar").write_text('# What is audited.\naudited("archive", _: Document);\n', encoding="utf-8")
    return Bundle.load(TINY, folder)


@pytest.fixture
def url(outage: Outage, new_database: Callable[..., str]) -> Iterator[str]:
    url = new_database("sqlite" if outage in (no_room, read_only_file) else "postgresql", TINY)
    with closing(Store.open(url, TINY)) as store:
        store.write(Batch("test", "facts", tuple(map(Put, facts()))))
    if outage is read_only_file:
        event.listen(Pool, "checkout", set_query_only)
    yield url
    if outage is read_only_file:
        event.remove(Pool, "checkout", set_query_only)


@pytest.fixture
def reported() -> list[str]:
    return []


@pytest.fixture
def client(url: str, bundle: Bundle, signer: Signer, reported: list[str]) -> Iterator[SealAuthzClient]:
    """A client of a service that keeps the log, with threads as in a worker."""
    with closing(Store.open(url, TINY)) as store:
        cache = FactCache(store)
        pdp = PolicyDecisionPoint(cache, bundle)
        recorder = Recorder(store, cache, lambda event, *_: reported.append(event), ignored, every_s=0.01)
        sequencing = Sequencing(Sequencer(store, "test.example/log", signer), ignored, every_s=0.01)
        digests = frozenset({hashlib.sha256(TOKEN.encode()).digest()})
        caller = Caller(TINY, "shop", digests, rpcs=frozenset(RPCS), tenants=None, performs=None)
        settings = ServerSettings(listen="127.0.0.1:0", is_insecure=True)
        server = build(settings, Callers([caller]), store, pdp, Operations(store, pdp), recorder=recorder)
        recorder.start()
        sequencing.start()
        server.start()
        with SealAuthzClient(f"127.0.0.1:{server.port}", TOKEN, insecure=True, timeout_s=60.0, retry=ONCE) as client:
            yield client
        server.stop(0)
        recorder.stop()
        sequencing.stop()


def execute(url: str, *statements: str) -> None:
    """Run statements as the owner of the database, who may write when nobody else does."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in ("SET default_transaction_read_only = off", *statements):
            connection.execute(statement)


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """A database that only reads, as providers have it whose disk is nearly full; connections are made again."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    others = (
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )
    execute(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on", others)
    try:
        yield
    finally:
        execute(url, f"ALTER DATABASE {name} RESET default_transaction_read_only", others)


@contextmanager
def full_disk(url: str) -> Iterator[None]:
    """A database without room: each row that comes is refused with PostgreSQL's own error for that."""
    refusing = "BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END"
    tables = ("audit_pending", "audit_log", "audit_tile", "fact_change", "fact_operation")
    execute(
        url,
        f"CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS '{refusing.replace(chr(39), chr(39) * 2)}'",
        *(
            f"CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_room()"
            for table in tables
        ),
    )
    try:
        yield
    finally:
        execute(url, "DROP FUNCTION no_room CASCADE")


@contextmanager
def no_room(_url: str) -> Iterator[None]:
    """A disk that takes nothing more of this process, which SQLite finds out when it writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


IS_READ_ONLY = threading.Event()


def set_query_only(connection: Any, *_: object) -> None:
    connection.execute(f"PRAGMA query_only = {int(IS_READ_ONLY.is_set())}")


@contextmanager
def read_only_file(_url: str) -> Iterator[None]:
    """A file that SQLite may only read, with its own error for that; permissions would not stop root."""
    IS_READ_ONLY.set()
    try:
        yield
    finally:
        IS_READ_ONLY.clear()


def refusal(ask: Callable[[SealAuthzClient], object], client: SealAuthzClient) -> grpc.StatusCode:
    with pytest.raises(CallFailed) as failed:
        ask(client)
    return failed.value.code


def archive(client: SealAuthzClient) -> Decision:
    return client.authorize("User:ann", "archive", "Document:d1")


def read(client: SealAuthzClient) -> Decision:
    return client.authorize("User:ann", "read", "Document:d1")


def publish(client: SealAuthzClient) -> Performed:
    return client.perform("User:bob", "publish", "Document:d1", {"approver": "red-ann"}, request_id="r1")


@pytest.mark.parametrize("outage", [read_only, full_disk, no_room, read_only_file])
def test_what_must_be_in_the_log_is_not_answered_while_it_cannot_be_and_advice_is(
    url: str,
    client: SealAuthzClient,
    signer: Signer,
    reported: list[str],
    outage: Outage,
) -> None:
    answered = [archive(client), read(client)]
    with outage(url):
        for _ in range(3):
            assert refusal(archive, client) is grpc.StatusCode.UNAVAILABLE
            assert refusal(publish, client) is grpc.StatusCode.UNAVAILABLE
            answered.append(read(client))
        assert reported == ["audit_unwritten"]
    answered += [archive(client), read(client)]
    done = publish(client)
    assert done
    assert reported == ["audit_unwritten", "audit_written_again"]
    expected = {decision.decision_id for decision in (*answered, done.decision)}
    with closing(Store.open(url, TINY)) as store:
        logged: list[str] = []
        while not expected <= set(logged):
            logged = [row[0] for row in run(store, "SELECT decision_id FROM audit_log")]
        with store.plain_connection() as connection:
            report = verify_database(connection, store.tables, [signer.verifier])
    assert report, report.findings
    assert len(logged) == len(set(logged))
