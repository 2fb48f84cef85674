"""How many acts are performed in a second on PostgreSQL, beside the bare statements of the same acts.

    python benchmarks/performing.py              two processes, 2,000 uses of seals
    python benchmarks/performing.py --quick      a short run: shows that it runs, not how fast
    python benchmarks/performing.py --profile use    where one process spends its time

Each act is the `use` of another seal of another enterprise, for another task: nothing of one act is read by another.
They are performed in process, as by a service that has just answered the same questions, so that the facts are in
memory. The statements of these acts are written down once, as they reach the driver, and then sent again by the same
number of processes and threads to a copy of the same database: same driver, same transactions, same pipelines. What is
left between the two is all that is not the database. Facts are written beside them: a `WriteFacts` of one membership.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import multiprocessing
import os
import pstats
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import facts
import psycopg
import serving
import worlds
from joserfc.jwk import OKPKey
from rich import box
from rich.console import Console
from rich.table import Table
from served import children_of

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question, RequestOptions
from sealauthz.facts import Batch, FactCache, Store, Update
from sealauthz.facts.memory.feed import Feed
from sealauthz.facts.store.identity import origin_statement
from sealauthz.model import MODEL
from sealauthz.operations import Issuer, Operations, Performance
from sealauthz.operations.keys import SigningKeys
from sealauthz.runtime.collector import keep

OPTIONS = RequestOptions(caller="benchmark")
TARGET = 800
TARGET_RATIO = 0.5

Act = Callable[[int], object]
"""Does the act of a number."""

Sent = tuple[str, Any, Any]
"""What reached the driver: `execute` or `executemany` with its statement and values, or the ends of a pipeline."""


@dataclass
class Measured:
    """What came of a run."""

    wall_s: float
    python_s: float
    postgresql_s: float
    acts: int

    @property
    def per_s(self) -> float:
        return self.acts / self.wall_s

    def ms(self, seconds: float) -> float:
        """So many milliseconds for each act."""
        return seconds / self.acts * 1_000


def use_of(number: int) -> Performance:
    """The use of a seal of one enterprise."""
    context = {"task": f"t{number}", "verification": f"v{number}"}
    person, seal = Entity("Person", f"p{number}-{worlds.USER}"), Entity("Seal", f"s{number}-0")
    return Performance(Question(person, "use", seal, context), f"use-{number}", {"audience": "engine"})


@dataclass
class Process:
    """What one process of a service has."""

    url: str
    bundle: Bundle
    feeds: bool = True
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store.open(self.url, MODEL, lambda: worlds.NOW)
        fact_cache = FactCache(self.store, budget=1 << 40)
        self.pdp = PolicyDecisionPoint(fact_cache, self.bundle, lambda: worlds.NOW)
        issuer = Issuer("authz", SigningKeys([OKPKey.generate_key("Ed25519")]))
        self.operations = Operations(self.store, self.pdp, issuer)
        self.feed = Feed(fact_cache, self.store, lambda *_: None) if self.feeds else None
        if self.feed is not None:
            self.feed.start()

    def warm(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            if not self.pdp.decide(use_of(number).question, OPTIONS):
                raise SystemExit("a use is denied")

    def perform(self, number: int) -> None:
        if not self.operations.perform(use_of(number), OPTIONS):
            raise SystemExit("an act was denied")

    def write(self, number: int) -> None:
        change = Update("Membership", f"m{number}-5", {"state": "SUSPENDED"})
        self.store.write(Batch("benchmark", f"write-{number}", (change,)))

    def close(self) -> None:
        if self.feed is not None:
            self.feed.stop()
        self.store.close()


class Recorder:
    """Writes down what one thread sends to PostgreSQL."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        plain = {name: getattr(psycopg.Cursor, name) for name in ("execute", "executemany")}
        pipeline = psycopg.Connection.pipeline
        me = threading.get_ident()

        def heard(kind: str) -> Any:
            def send(cursor: Any, query: Any, params: Any = None, **keywords: Any) -> Any:
                if threading.get_ident() == me:
                    self.sent.append((kind, query, list(params) if kind == "executemany" else params))
                    params = self.sent[-1][2]
                return plain[kind](cursor, query, params, **keywords)

            return send

        @contextlib.contextmanager
        def piped(connection: Any) -> Iterator[Any]:
            self.sent.append(("begin", None, None))
            with pipeline(connection) as opened:
                yield opened
            self.sent.append(("end", None, None))

        for name in plain:
            setattr(psycopg.Cursor, name, heard(name))
        psycopg.Connection.pipeline = piped  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            for name, method in plain.items():
                setattr(psycopg.Cursor, name, method)
            psycopg.Connection.pipeline = pipeline  # type: ignore[method-assign]

    def take(self) -> list[Sent]:
        sent, self.sent = self.sent, []
        return sent


class Bare:
    """Sends what was written down, on one connection for each thread."""

    def __init__(self, url: str, scripts: dict[int, list[Sent]]) -> None:
        self._url = url
        self._scripts = scripts
        self._mine = threading.local()

    def warm(self, _numbers: Sequence[int]) -> None:
        """Have nothing in memory."""

    def send(self, number: int) -> None:
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = psycopg.connect(self._url, autocommit=True)
        self._send(connection, iter(self._scripts[number]), is_piped=False)

    def _send(self, connection: Any, script: Iterator[Sent], *, is_piped: bool) -> None:
        for kind, query, params in script:
            if kind == "begin":
                with connection.pipeline():
                    self._send(connection, script, is_piped=True)
            elif kind == "end":
                return
            else:
                cursor = psycopg.RawCursor(connection) if isinstance(query, bytes) else connection.cursor()
                getattr(cursor, kind)(query, params)
                if not is_piped and kind == "execute" and cursor.description is not None:
                    cursor.fetchall()

    def close(self) -> None:
        """Leave connections to the end of the process."""


class Server:
    """A PostgreSQL, and copies of one database on it."""

    def __init__(self, stack: ExitStack, enterprises: int) -> None:
        self._uri = serving.postgresql(stack)
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute("CREATE DATABASE filled")
            (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            self._postmaster = int(fields[1])
        facts.fill(self._url("filled"), worlds.records(enterprises))

    def _url(self, name: str) -> str:
        return self._uri.replace("/postgres?", f"/{name}?")

    def copy(self) -> str:
        """Return the URL of a fresh copy."""
        name = f"copy_{uuid.uuid4().hex}"
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE filled STRATEGY file_copy")
        with psycopg.connect(self._url(name), autocommit=True) as connection:
            connection.execute(
                f"UPDATE store_identity SET store_id = '{uuid.uuid4()}', timeline_id = '{uuid.uuid4()}', origin = NULL"
            )
            connection.execute(origin_statement(is_postgresql=True))
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
        return self._url(name)

    def cpu_s(self) -> float:
        """Return the CPU time of all its processes, of those too that have ended."""
        ticks = 0
        for pid in (self._postmaster, *children_of(self._postmaster)):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
                ticks += sum(map(int, fields[11 : 15 if pid == self._postmaster else 13]))
        return ticks / os.sysconf("SC_CLK_TCK")


def _work(make: Callable[[], tuple[Any, Act]], numbers: Sequence[int], threads: int, gate: Any, pipe: Any) -> None:
    """Do some acts in this process, once all processes are ready, and tell the CPU time."""
    worker, act = make()
    worker.warm(numbers)
    act(numbers[0])  # connections, and what is compiled once
    keep()  # as a process of the service does with what stays
    todo = iter(numbers[1:])
    lock = threading.Lock()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            while True:
                with lock:
                    number = next(todo, None)
                if number is None:
                    return
                act(number)
        except BaseException as error:
            failed.append(error)
            raise

    running = [threading.Thread(target=run) for _ in range(threads)]
    gate.wait()
    began = time.process_time()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    took = time.process_time() - began
    gate.wait()
    gate.wait()  # the connections live until the CPU time of the server is read
    pipe.send((took, not failed))
    worker.close()


def measure(server: Server, make: Callable[[], tuple[Any, Act]], acts: int, processes: int, threads: int) -> Measured:
    """Do all acts, spread over processes."""
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(processes + 1)
    pipes, children = [], []
    for number in range(processes):
        here, there = context.Pipe(duplex=False)
        share = range(number, acts, processes)
        child = context.Process(target=_work, args=(make, share, threads, gate, there))
        child.start()
        pipes.append(here)
        children.append(child)
    gate.wait()
    before, began = server.cpu_s(), time.perf_counter()
    gate.wait()
    wall, after = time.perf_counter() - began, server.cpu_s()
    gate.wait()
    told = [pipe.recv() for pipe in pipes]
    for child in children:
        child.join()
    if not all(is_well for _, is_well in told):
        raise SystemExit("an act failed")
    return Measured(wall, sum(took for took, _ in told), after - before, acts - processes)


def recorded(process: Process, act: Act, acts: int) -> dict[int, list[Sent]]:
    """Do all acts, and return what each sent."""
    recorder, scripts = Recorder(), {}
    process.warm(range(acts))
    with recorder.listening():
        for number in range(acts):
            recorder.take()
            act(number)
            scripts[number] = recorder.take()
    process.close()
    return scripts


def _text(query: Any) -> str:
    return query.decode() if isinstance(query, bytes) else str(query or "")


def counted(script: Sequence[Sent]) -> tuple[int, int]:
    """Return how many statements an act sent, and in how many round trips."""
    statements = trips = 0
    is_piped = False
    for kind, _, params in script:
        if kind in ("begin", "end"):
            is_piped = kind == "begin"
            trips += kind == "end"
        else:
            statements += len(params) if kind == "executemany" else 1
            trips += not is_piped
    return statements, trips


def profile(server: Server, bundle: Bundle, acts: int, *, writes: bool) -> None:
    """Show where one process spends its time."""
    process = Process(server.copy(), bundle, feeds=False)
    act = process.write if writes else process.perform
    process.warm(range(acts))
    act(0)
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    for number in range(1, acts):
        act(number)
    profiler.disable()
    process.close()
    for order in ("cumulative", "tottime"):
        pstats.Stats(profiler).sort_stats(order).print_stats(70)


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acts", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2, help="of each process")
    parser.add_argument("--statements", action="store_true", help="print what one act sends")
    parser.add_argument("--profile", choices=("use", "write"), help="show where the time of one process goes")
    parser.add_argument("--quick", action="store_true", help="a short run, for CI: shows that it runs, not how fast")
    options = parser.parse_args()
    acts = 20 if options.quick else options.acts
    worlds.NOW = time.time_ns() // 1_000 + 4 * worlds.MINUTE
    console = Console(width=None if sys.stdout.isatty() else 130)
    bundle = Bundle.load(MODEL, cache=bundle_cache())
    with ExitStack() as stack:
        server = Server(stack, max(acts, 4))
        if options.profile:
            profile(server, bundle, acts, writes=options.profile == "write")
            return 0
        table = Table(box=box.SIMPLE_HEAD, title=f"{acts:,} acts, {options.processes} processes x {options.threads}")
        for heading in ("", "in a second", "CPU ms: python", "postgresql", "statements", "round trips", "/ bare"):
            table.add_column(heading, justify="left" if not heading else "right")
        found = {}
        for name in ("use",) if options.quick else ("use", "write"):
            kept = Process(server.copy(), bundle, feeds=False)
            scripts = recorded(kept, kept.perform if name == "use" else kept.write, acts)
            middle = scripts[acts // 2]
            if options.statements:
                for number, (kind, query, _) in enumerate(middle):
                    console.print(f"{number:3} {kind:11} {' '.join(_text(query).split())[:100]}", markup=False)

            def make(name: str = name, url: str = server.copy()) -> tuple[Any, Act]:
                process = Process(url, bundle)
                return process, process.perform if name == "use" else process.write

            def bare(url: str = server.copy(), scripts: dict[int, list[Sent]] = scripts) -> tuple[Any, Act]:
                sender = Bare(url, scripts)
                return sender, sender.send

            done = measure(server, make, acts, options.processes, options.threads)
            beside = measure(server, bare, acts, options.processes, options.threads)
            found[name] = done.per_s / beside.per_s, done.per_s
            statements, trips = counted(middle)
            for label, run, ratio in ((name, done, f"{done.per_s / beside.per_s:.2f}"), (f"{name}, bare", beside, "")):
                cells = (f"{run.per_s:,.0f}", f"{run.ms(run.python_s):.2f}", f"{run.ms(run.postgresql_s):.2f}")
                table.add_row(label, *cells, str(statements), str(trips), ratio)
        console.print(table)
    ratio, per_s = found["use"]
    return 0 if options.quick or (ratio >= TARGET_RATIO and per_s >= TARGET) else 1


if __name__ == "__main__":
    sys.exit(main())
