"""Measures how fast facts are imported into PostgreSQL, against the bare rows.

    python benchmarks/importing.py                    60 k facts, a minute
    python benchmarks/importing.py --quick            12 k facts
    python benchmarks/importing.py --profile          where the Python of one import goes

The same facts, in the same order and parts, come into databases of their own: by `sealauthz facts import --bulk`, by
the same command through a server, and as bare rows: an INSERT a row by `executemany`, a transaction a part, as a
program without checks, history and revisions would write them. The time is that on the clock, from the first line to
the last commit, with PostgreSQL (and the server) on the same cores; what starts them is not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import io
import itertools
import os
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import worlds
from rich import box
from rich.console import Console
from rich.table import Table
from served import Served, service
from serving import postgresql

from sealauthz.cli.app import run as command
from sealauthz.cli.records import line_of
from sealauthz.facts import upgrade
from sealauthz.facts.store.tables import tables_of
from sealauthz.facts.store.values import plain
from sealauthz.model import MODEL
from sealauthz.schema import values_of

PER_ENTERPRISE = sum(1 for _ in worlds.records(3)) // 3
PART = 1_000
TOKEN = "t" * 43


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which the facts come in, made ready for a database; it yields what runs it, and the pids beside us."""

    name: str
    ready: Callable[[str, Path, list[Any]], AbstractContextManager[tuple[Callable[[], None], Served | None]]]


def _import(file: Path, *options: str) -> None:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = command(["facts", "import", "--bulk", "--request-id", "b", *options, str(file)])
    if code:
        raise SystemExit(f"the import failed: {said.getvalue()}")


@contextlib.contextmanager
def _into_database(url: str, file: Path, _: list[Any]) -> Iterator[tuple[Callable[[], None], Served | None]]:
    yield lambda: _import(file, "--database", url), None


@contextlib.contextmanager
def _through_server(url: str, file: Path, _: list[Any]) -> Iterator[tuple[Callable[[], None], Served | None]]:
    token = file.with_name("token")
    token.write_text(TOKEN, encoding="ascii")
    options = ("--token-file", str(token), "--insecure")
    with service(url, file.parent, 1, TOKEN) as served:
        yield lambda: _import(file, "--server", served.address, *options), served


@contextlib.contextmanager
def _by_hand(url: str, _: Path, records: list[Any]) -> Iterator[tuple[Callable[[], None], Served | None]]:
    """Write the rows of each part by an INSERT each."""
    tables = tables_of(MODEL)
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:

        def run() -> None:
            rest = iter(records)
            while part := list(itertools.islice(rest, PART)):
                with connection.transaction(), connection.cursor() as cursor:
                    for record_type, some in itertools.groupby(part, key=lambda record: type(record).__name__):
                        table = tables.of(record_type)
                        names = ", ".join(f'"{name}"' for name in list(table.c.keys()))
                        marks = ", ".join(["%s"] * len(table.c))
                        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'
                        cursor.executemany(statement, [[*map(plain, values_of(record)), 1] for record in some])

        yield run, None


WAYS = (
    Way("bare rows", _by_hand),
    Way("facts import --bulk", _into_database),
    Way("facts import --bulk --server", _through_server),
)


@contextlib.contextmanager
def database(uri: str, name: str) -> Iterator[str]:
    """Make a database of its own; yield its URL."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = uri.replace("/postgres?", f"/{name}?").replace("postgresql://", "postgresql+psycopg://")
    upgrade(url, MODEL)
    yield url
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}")


def server_cpu_s(uri: str) -> float:
    """Return the CPU time of the server of PostgreSQL and of those of its processes that have ended."""
    with psycopg.connect(uri) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    pid = (Path(folder) / "postmaster.pid").read_text(encoding="ascii").split()[0]
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def written(file: Path, records: Iterable[Any]) -> None:
    """Write the file that is imported."""
    with file.open("w", encoding="utf-8") as lines:
        for record in records:
            lines.write(line_of(MODEL, record, with_personal_data=True) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="12 k facts only")
    parser.add_argument("--profile", action="store_true", help="profile one import into the database instead")
    options = parser.parse_args()
    enterprises = (12_000 if options.quick or options.profile else 60_000) // PER_ENTERPRISE
    order = tables_of(MODEL).dependency_order
    records = sorted(worlds.records(enterprises), key=lambda record: order[type(record).__name__])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sealauthz-bench-")))
        file = folder / "facts.jsonl"
        written(file, records)
        uri = postgresql(stack)
        if options.profile:
            profile = cProfile.Profile()
            with database(uri, "profiled") as url, WAYS[1].ready(url, file, records) as (run, _):
                profile.runcall(run)
            out = io.StringIO()
            pstats.Stats(profile, stream=out).sort_stats("cumtime").print_stats(45)
            print(out.getvalue())
            return 0
        rates: dict[str, list[float]] = {way.name: [] for way in WAYS}
        cpu: dict[str, list[float]] = {way.name: [] for way in WAYS}
        theirs: dict[str, list[float]] = {way.name: [] for way in WAYS}
        for turn in range(1 if options.quick else 3):
            for number, way in enumerate(WAYS):
                with database(uri, f"bench_{number}_{turn}") as url:
                    server = server_cpu_s(uri)
                    with way.ready(url, file, records) as (run, served):
                        own = time.process_time() + (served.cpu_s() if served else 0)
                        begin = time.perf_counter()
                        run()
                        rates[way.name].append(len(records) / (time.perf_counter() - begin))
                        own = time.process_time() + (served.cpu_s() if served else 0) - own
                        cpu[way.name].append(1e6 * own / len(records))
                    theirs[way.name].append(1e6 * (server_cpu_s(uri) - server) / len(records))
    bare = statistics.median(rates[WAYS[0].name])
    table = Table(
        box=box.SIMPLE, title=f"{len(records):,} facts into PostgreSQL, parts of {PART:,}, {os.cpu_count()} cores"
    )
    for heading in ("", "facts/s", "to bare rows", "our CPU a fact, µs", "the server's"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, found in rates.items():
        rate = statistics.median(found)
        table.add_row(
            name,
            f"{rate:,.0f}",
            f"{rate / bare:.2f} ×",
            f"{statistics.median(cpu[name]):.0f}",
            f"{statistics.median(theirs[name]):.0f}",
        )
    Console(width=100).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
