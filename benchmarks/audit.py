"""Measures the log of decisions: what a record costs those who answer, and how fast the log is verified and listed.

    python benchmarks/audit.py           on PostgreSQL: some minutes
    python benchmarks/audit.py --quick   on SQLite, less of everything
    python benchmarks/audit.py --large   only lists of a day of 10 million records, on PostgreSQL: 12 GB, some minutes

Over a port: services that record no advice, all of it, and each answer before it is given, on the same facts, in turns
within each round, 64 calls at once. In process: the CPU time of a record, from the note of an answer to its place in
the log, and the part of it that the answering thread spends. Then a log is verified, and listed by one resource. A
question about the past is asked of an enterprise with 10,000 changes since.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import facts
import worlds
from rich.console import Console
from rich.table import Table
from served import service
from serving import TOKEN, check, postgresql, questions, run, single_requests, warm_up

from sealauthz.audit.as_of import AsOf, Moment
from sealauthz.audit.log import Log, Wanted
from sealauthz.audit.note import Signer
from sealauthz.audit.recorder import Answered, Recorder
from sealauthz.audit.sequencer import Sequencer
from sealauthz.audit.verify import verify_database
from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.decision.folder import installed_folder
from sealauthz.facts import Batch, FactCache, Put, Store, Unit, upgrade
from sealauthz.facts.memory.sources import TransactionSource
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.waiting import waiting, written
from sealauthz.model import MODEL
from sealauthz.runtime.background import ignored

AT_ONCE = 64


@contextlib.contextmanager
def set_to(**settings: str) -> Iterator[None]:
    """Have services that are started meanwhile read these settings."""
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in settings:
            del os.environ[name]


def over_a_port(url: str, folder: Path, enterprises: int, calls: int, rounds: int) -> None:
    demanding = folder / "policies"
    shutil.copytree(installed_folder(), demanding)
    named = "\n".join(f'audited("{action}", _: Seal);' for action in ("use", "edit", "view"))
    (demanding / "audited.polar").write_text(f"# Everything that is asked here.\n{named}\n", encoding="utf-8")
    asked = questions(enterprises)
    with contextlib.ExitStack() as stack:
        served = {}
        for name, settings in {
            "no advice": {"SEALAUTHZ_AUDIT__ADVICE": "false"},
            "advice": {},
            "each first": {"SEALAUTHZ_POLICIES__FOLDER": str(demanding)},
        }.items():
            (own := folder / name).mkdir()
            with set_to(**settings):
                served[name] = stack.enter_context(service(url, own, 1, TOKEN))
        requests = {name: single_requests(asked, each.address) for name, each in served.items()}
        for name, each in served.items():
            check(each.address, asked)
            warm_up(each, requests[name], 1)
        found = [
            {name: run(each, requests[name], calls, AT_ONCE) for name, each in served.items()} for _ in range(rounds)
        ]
    table = Table(title=f"Authorize, {AT_ONCE} at once, one worker, records placed by it too")
    for heading in ("recorded", "/s", "rate : no advice", "CPU µs", "CPU : no advice", "p99 ms"):
        table.add_column(heading, justify="right")
    for name in served:
        rates, cpus = ([getattr(each[name], field) for each in found] for field in ("rate", "cpu_us"))
        by_rate = statistics.median(each[name].rate / each["no advice"].rate for each in found)
        by_cpu = statistics.median(each[name].cpu_us / each["no advice"].cpu_us for each in found)
        most = statistics.median(each[name].most_ms for each in found)
        table.add_row(
            name,
            f"{statistics.median(rates):,.0f}",
            f"{by_rate:.2f}",
            f"{statistics.median(cpus):.0f}",
            f"{by_cpu:.2f}",
            f"{most:.1f}",
        )
    Console(width=120).print(table)


def in_process(store: Store, count: int) -> None:
    cache = FactCache(store)
    pdp = PolicyDecisionPoint(cache, Bundle.load(MODEL, cache=bundle_cache()), now=lambda: worlds.NOW)
    asked = [each.question for each in worlds.questions(50)]
    decisions = [pdp.decide(question) for question in asked]
    gc.collect()
    gc.freeze()  # as the service does with what stays
    recorder = Recorder(store, cache, lambda *_: None, ignored, most=count + 1)
    sequencer = Sequencer(store, f"sealauthz/{store.store_id}", Signer.fresh(f"sealauthz/{store.store_id}"))
    sequencer.resume()  # what was signed before, with a key that is gone
    sequencer.drain()
    answers = [
        Answered("Authorize", "bench", "ipv4:127.0.0.1:1", "", pdp.decide(asked[n % len(asked)]), now_us(), 100)
        for n in range(count)
    ]
    began = time.process_time()
    for answer in answers:
        recorder.note(answer)
    noted = time.process_time() - began
    began = time.process_time()
    while recorder.waiting:
        recorder._write()
    kept = time.process_time() - began
    began = time.process_time()
    sequencer.drain()
    placed = time.process_time() - began
    table = Table(title=f"one record, CPU of this process, of {count:,} (the database's own is not in it)")
    for heading in ("noted, µs", "written, µs", "placed, µs", "together, µs", "a decision, µs"):
        table.add_column(heading, justify="right")
    began = time.process_time()
    for _ in range(10):
        decisions = [pdp.decide(question) for question in asked]
    decided = (time.process_time() - began) / (10 * len(decisions))
    parts = [noted / count, kept / count, placed / count]
    table.add_row(*(f"{each * 1e6:.1f}" for each in (*parts, sum(parts), decided)))
    Console(width=120).print(table)


def verified_and_listed(store: Store, count: int) -> None:
    sequencer = Sequencer(store, f"sealauthz/{store.store_id}", Signer.fresh(f"sealauthz/{store.store_id}"))
    sequencer.resume()  # what was signed before, with a key that is gone
    sequencer.drain()
    size = Log(store).head().size
    at, lines = now_us(), []
    for number in range(size, count):
        seal = f"s{number % 5_000}-0"
        content = {"v": 1, "kind": "Authorize", "id": f"bench-{number}", "at": at + number, "caller": "bench"}
        content |= {"subject": f"Person:p{number % 20_000}-2", "action": "use", "resource": f"Seal:{seal}"}
        content |= {
            "effect": "ALLOW",
            "policy": "0" * 16,
            "revision": 4711,
            "timeline": "t" * 36,
            "peer": "ipv4:10.0.0.1:1",
        }
        lines.append(
            written({**content, "tenant": "Enterprise", "tenants": [f"e{number % 5_000}"], "duration_us": 100})
        )
        if len(lines) == 1_000 or number == count - 1:
            with store.writing() as connection:
                driver = Driver(connection)
                driver.run(*waiting(driver.is_postgresql, at + number, *lines))
            lines = []
    began = time.process_time()
    sequencer.drain()
    placed = (count - size) / (time.process_time() - began)
    began, wall = time.process_time(), time.perf_counter()
    with store.plain_connection() as connection:
        report = verify_database(connection, store.tables, [])
    spent, wall = time.process_time() - began, time.perf_counter() - wall
    if not report or report.records != count:
        raise SystemExit(f"the log is not in order: {report.findings[:3]}")
    waits = []
    for number in range(200):
        began = time.perf_counter()
        page = Log(store).page(Wanted(resource=f"Seal:s{number * 7 % 5_000}-0"), "Enterprise", 100)
        waits.append((time.perf_counter() - began) * 1e3)
        assert page.entries
    table = Table(title=f"a log of {count:,} records")
    for heading in ("placed/s (CPU)", "verified/s (CPU)", "verified/s", "list by seal, p50 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    quantiles = statistics.quantiles(waits, n=100)
    table.add_row(
        f"{placed:,.0f}",
        f"{count / spent:,.0f}",
        f"{count / wall:,.0f}",
        f"{quantiles[49]:.2f}",
        f"{quantiles[98]:.2f}",
    )
    Console(width=120).print(table)


def large(url: str, count: int) -> None:
    """List a day of so many records of 5,000 seals, 20,000 persons and 1,000 enterprises, written by the database."""
    began, day = time.perf_counter(), 86_400_000_000
    first = now_us() - day
    said = {"action": "use", "at": 0, "by_release": "0.1.0", "caller": "bench", "duration_us": 100, "effect": "ALLOW"}
    said |= {"id": "bench-@", "kind": "Authorize", "obligations": ["CONSUME_VERIFICATION", "DECREMENT_USE"]}
    said |= {"peer": "ipv4:127.0.0.1:1", "policy": "f34ee715e3dffe7f", "resource": "Seal:s@S", "revision": 1}
    said |= {"subject": "Person:p@P", "tenant": "Enterprise", "tenants": ["e@E"], "timeline": "t" * 36, "v": 2}
    record = f"'{written(said)}'".replace('"at":0', "\"at\":' || at || '")
    for mark, number in (("@S", "mod(n, 5000)"), ("@P", "mod(n * 7, 20000)"), ("@E", "mod(n, 1000)"), ("@", "n")):
        record = record.replace(mark, f"' || {number} || '")
    series = f"(SELECT n, {first} + n * {day // count} AS at FROM generate_series(0::bigint, {count - 1}) AS n) AS made"
    statements = [
        "SET maintenance_work_mem = '512MB'",
        "SET synchronous_commit = off",
        "ALTER TABLE audit_log DROP CONSTRAINT audit_log_pkey",
        "DROP INDEX audit_log_at_idx, audit_log_decision_id_idx",
        "ALTER TABLE audit_about DROP CONSTRAINT audit_about_pkey",
        f"INSERT INTO audit_log (number, at, decision_id, record) SELECT n, at, 'bench-' || n, {record} FROM {series}",
        *(
            f"INSERT INTO audit_about (about, number) SELECT {name}, n FROM {series}"
            for name in (
                "'Seal:s' || mod(n, 5000)",
                "'Person:p' || mod(n * 7, 20000)",
                "'Enterprise:e' || mod(n, 1000)",
            )
        ),
        "ALTER TABLE audit_log ADD CONSTRAINT audit_log_pkey PRIMARY KEY (number)",
        "CREATE INDEX audit_log_at_idx ON audit_log (at)",
        "CREATE UNIQUE INDEX audit_log_decision_id_idx ON audit_log (decision_id)",
        "ALTER TABLE audit_about ADD CONSTRAINT audit_about_pkey PRIMARY KEY (about, number)",
        "INSERT INTO audit_checkpoint (period, size, at, note, known_to)"
        " SELECT at / 60000000, max(number) + 1, max(at), '', max(number) + 1 FROM audit_log GROUP BY at / 60000000",
        "ANALYZE audit_log, audit_about, audit_checkpoint",
    ]
    with contextlib.closing(Store.open(url, MODEL)) as store:
        with store.plain_connection() as connection:
            driver = Driver(connection)
            for statement in statements:
                driver.run(statement)
        table = Table(title=f"a day of {count:,} records ({time.perf_counter() - began:,.0f} s to write)")
        for heading in ("a page of 100 by", "p50 ms", "p99 ms", "most ms"):
            table.add_column(heading, justify="right")
        log, hour = Log(store), day // 24
        asked = {
            "seal": lambda n: Wanted(resource=f"Seal:s{n * 13 % 5_000}"),
            "person": lambda n: Wanted(subject=f"Person:p{n * 7 * 13 % 20_000}"),
            "enterprise": lambda n: Wanted(tenant=f"e{n * 13 % 1_000}"),
            "seal, one hour": lambda n: Wanted(
                resource=f"Seal:s{n * 13 % 5_000}", since=first + n % 24 * hour, until=first + (n % 24 + 1) * hour
            ),
            "seal of a caller's enterprise": lambda n: Wanted(
                resource=f"Seal:s{n * 13 % 5_000}", tenants=frozenset({f"e{n * 13 % 1_000}"})
            ),
            "the last hour": lambda _n: Wanted(since=first + 23 * hour),
        }
        for name, wanted in asked.items():
            waits = []
            for number in range(200):
                began = time.perf_counter()
                page = log.page(wanted(number), "Enterprise", 100)
                waits.append((time.perf_counter() - began) * 1e3)
                assert page.entries
            quantiles = statistics.quantiles(waits, n=100)
            table.add_row(name, f"{quantiles[49]:.1f}", f"{quantiles[98]:.1f}", f"{max(waits):.1f}")
    Console(width=120).print(table)


def as_of(store: Store, changes: int) -> None:
    """Ask about one enterprise as it was before so many changes of it, each a transaction of its own."""
    asked = next(iter(worlds.questions(1))).question
    bundle = Bundle.load(MODEL, cache=bundle_cache())
    live = PolicyDecisionPoint(FactCache(store), bundle).decide(asked)
    begun, began = store.revision(), time.perf_counter()
    with store.read_transaction() as transaction:
        held = TransactionSource(transaction).load(Unit("ENTERPRISE", "e0"))
    seals = held["Seal"]
    for number in range(changes):
        seal = seals[number % len(seals)]
        store.write(Batch("bench", f"as-of-{begun}-{number}", (Put(replace(seal, name=f"Seal {number}")),)))
    written_in = time.perf_counter() - began
    looks = AsOf(store, lambda _version: bundle)
    moment, waits, spent = Moment(live.revision, live.evaluated_at), [], time.process_time()
    for _ in range(10):
        began = time.perf_counter()
        found = looks.decide(asked, moment, policy_version=bundle.version)
        waits.append((time.perf_counter() - began) * 1e3)
        assert (found.decision.effect, found.decision.reasons) == (live.effect, live.reasons)
    spent = (time.process_time() - spent) / len(waits)
    table = Table(title=f"a question as of before {changes:,} changes of its enterprise ({written_in:.0f} s to write)")
    for heading in ("p50, ms", "most, ms", "CPU of this process, ms"):
        table.add_column(heading, justify="right")
    table.add_row(f"{statistics.median(waits):.0f}", f"{max(waits):.0f}", f"{spent * 1e3:.0f}")
    Console(width=120).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short run on SQLite")
    parser.add_argument("--as-of", action="store_true", help="only a question about the past")
    parser.add_argument("--large", nargs="?", type=int, const=10_000_000, help="only lists of so many records")
    options = parser.parse_args()
    enterprises, calls, rounds, size = (20, 100, 1, 6_000) if options.quick else (500, 8_000, 3, 1_000_000)
    worlds.NOW = time.time_ns() // 1_000 + 4 * worlds.MINUTE
    with tempfile.TemporaryDirectory(prefix="sealauthz-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        url = f"sqlite:///{folder}/facts.db" if options.quick else postgresql(stack)
        if options.large:
            upgrade(url := postgresql(stack), MODEL)
            large(url, options.large)
            return
        facts.fill(url, worlds.records(enterprises))
        if not options.as_of:
            over_a_port(url, folder, enterprises, calls, rounds)
        with contextlib.closing(Store.open(url, MODEL)) as store:
            as_of(store, size // 100)
            if not options.as_of:
                in_process(store, size // 50)
                verified_and_listed(store, size)


if __name__ == "__main__":
    main()
