"""Measures what an installation needs: memory for facts and connections, CPU, connections to PostgreSQL, and disk.

    python benchmarks/capacity.py           two sizes of facts on PostgreSQL, one worker: some two minutes
    python benchmarks/capacity.py --quick   small sizes on SQLite

`sealauthz serve` as a process of its own, asked over a port. Memory is its resident set: with the facts of a few
questions, after every enterprise was asked about, with many open connections and watches. CPU is that of its process,
of warm questions and of writes. PostgreSQL counts connections: the most under load, and those with the watches open.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import facts
import psycopg
import worlds
from h2 import Load
from rich import box
from rich.console import Console
from rich.table import Table
from served import Served, service
from serving import TOKEN, check, postgresql, questions, run, single_requests, warm_up

from sealauthz.facts.store.engine import MAX_CONNECTIONS
from sealauthz_client import SealAuthzClient
from sealauthz_client.v1 import facts_pb2, facts_pb2_grpc

CONNECTIONS = 200
WATCHES = 100
AT_ONCE = 16


def resident_mb(served: Served) -> float:
    """Return the resident set of the processes that serve, in MB, once it has settled."""
    best = None
    for _ in range(5):
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) for pid in served.pids)
        mb = pages * 4096 / 1e6
        if best is not None and abs(mb - best) < 0.5:
            return mb
        best = mb
        time.sleep(0.3)
    return best or 0.0


class Connected:
    """Counts the connections of the service to PostgreSQL, from time to time; the most that there were."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+psycopg", "postgresql")
        self.most = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._count)

    def now(self) -> int:
        with psycopg.connect(self._url, autocommit=True) as connection:
            own = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            (found,) = connection.execute(own).fetchone() or (0,)
        return int(found)

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._ending.set()
            self._thread.join()

    def _count(self) -> None:
        while not self._ending.wait(0.02):
            self.most = max(self.most, self.now())


def watch(address: str, count: int) -> tuple[object, list[object]]:
    """Open so many watches; return what keeps them open."""
    import grpc

    channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
    stub = facts_pb2_grpc.FactsServiceStub(channel)  # type: ignore[no-untyped-call]
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    return channel, [stub.WatchChanges(facts_pb2.WatchChangesRequest(), metadata=metadata) for _ in range(count)]


def write(address: str, count: int) -> None:
    """Edit a seal, again and again."""
    with SealAuthzClient(address, TOKEN, insecure=True, timeout_s=60) as client:
        seal = client.read_facts("Seal", page_size=1).facts[0].fact
        for number in range(count):
            seal.seal.name = f"name {number}"
            client.write_facts([facts_pb2.FactChange(put=seal)], request_id=f"capacity-{number}-{random.random()}")


def measure(url: str, folder: Path, enterprises: int, calls: int, writes: int, held: int, table: Table) -> None:
    """Measure one size, and add it to the table."""
    worlds.NOW = time.time_ns() // 1_000 + 4 * worlds.MINUTE
    before = disk_bytes(url)
    count = facts.fill(url, worlds.records(enterprises))
    per_fact_disk = (disk_bytes(url) - before) / count
    asked = questions(enterprises)
    connected = None if url.startswith("sqlite") else Connected(url)
    with service(url, folder, 1, TOKEN) as served:
        requests = single_requests(asked, served.address)
        warm_up(served, requests[:50], 1)  # what any question needs, besides its facts
        empty_mb = resident_mb(served)
        with connected.counting() if connected else contextlib.nullcontext():
            warm_up(served, requests, 1)
            warm_mb = resident_mb(served)
            check(served.address, asked)
            answered = run(served, requests, calls, AT_ONCE)
            cpu = served.cpu_s()
            write(served.address, writes)
            write_us = (served.cpu_s() - cpu) / writes * 1e6
        before_mb = resident_mb(served)
        load = Load(served.address, held, 1)
        load.run(requests, held)
        per_connection = (resident_mb(served) - before_mb) / held * 1e3
        load.close()
        before_mb = resident_mb(served)
        kept = watch(served.address, held // 2)
        time.sleep(1.0)
        per_watch = (resident_mb(served) - before_mb) / (held // 2) * 1e3
        watched = connected.now() if connected else 0
        del kept
    table.add_row(
        f"{count:,}",
        f"{empty_mb:,.0f}",
        f"{warm_mb:,.0f}",
        f"{(warm_mb - empty_mb) * 1e6 / count:,.0f}",
        f"{per_fact_disk:,.0f}",
        f"{answered.cpu_us:,.0f}",
        f"{write_us:,.0f}",
        f"{per_connection:,.0f}",
        f"{per_watch:,.0f}",
        f"{connected.most} / {watched} / {MAX_CONNECTIONS}" if connected else "",
    )


def disk_bytes(url: str) -> int:
    """Return how large a database is."""
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        return file.stat().st_size if file.exists() else 0
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        (found,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    return int(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes on SQLite")
    quick = parser.parse_args().quick
    table = Table(box=box.SIMPLE, title="one worker")
    for heading in (
        "facts",
        "MB without facts",
        "MB with all",
        "B a fact",
        "B a fact on disk",
        "µs CPU a question",
        "a write",
        "kB a connection",
        "kB a watch",
        "to PostgreSQL: load / watches / limit",
    ):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory(prefix="sealauthz-bench-") as name, contextlib.ExitStack() as stack:
        for enterprises in (50,) if quick else (500, 2_000):
            folder = Path(name) / str(enterprises)
            folder.mkdir()
            url = f"sqlite:///{folder}/facts.db" if quick else new_database(postgresql(stack), f"size_{enterprises}")
            calls, writes, held = (200, 20, 20) if quick else (8_000, 300, CONNECTIONS)
            measure(url, folder, enterprises, calls, writes, held, table)
    Console(width=150).print(table)


def new_database(url: str, name: str) -> str:
    """Make an empty database on a server, and return its URL."""
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    return url.replace("/postgres?", f"/{name}?")


if __name__ == "__main__":
    main()
