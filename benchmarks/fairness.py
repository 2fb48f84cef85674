"""Measures what a caller keeps beside another that floods the service, as its client sees it, over a real port.

    python benchmarks/fairness.py           some minutes, one worker on SQLite
    python benchmarks/fairness.py --quick   a short run

The small caller keeps 4 calls under way on one connection, the flood 300, each in a process of its own; whatever comes
of a call, the next is begun immediately, as no polite client does. Within a round the small one calls alone and beside
each flood in turn, and what counts is the best of the rounds: others on the machine only ever take away.

The flood's client takes CPU from the server, too, where there are few cores, and that no order of calls can give back.
So there is a second ratio, of the answers for each second of CPU that the server had: how it shares what it has.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import facts
import serving
import worlds
from h2 import Load, Outcome, Request
from rich import box
from rich.console import Console
from rich.table import Table
from served import Served, Service

from sealauthz_client.v1 import authorization_pb2

SMALL, FLOOD = "s" * 43, "f" * 43
CALLS = 4
FLOODS = {
    "300 on one connection": (1, 300),
    "300 on 30 connections": (30, 10),
    "200 on 10 connections": (10, 20),
}
"""Connections, and calls under way on each. A caller's share is 256 calls: the last stays within it."""

_WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What one client saw: answers and refusals a second, and the milliseconds that half and 99 in 100 answers took.

    `cpu` is what the server used meanwhile, in seconds of CPU a second; 0 where nobody looked.
    """

    rate: float
    refused: float
    half_ms: float
    most_ms: float
    cpu: float = 0.0


def seen(outcome: Outcome) -> Seen:
    """Sum up what a client saw."""
    waits = outcome.waits if len(outcome.waits) > 1 else [float("inf")] * 2
    return Seen(
        outcome.answered / outcome.seconds,
        outcome.failed / outcome.seconds,
        statistics.median(waits) * 1e3,
        statistics.quantiles(waits, n=100)[98] * 1e3,
    )


def client(address: str, token: str, messages: Sequence[bytes], shape: tuple[int, int], seconds: float) -> Seen:
    """Keep so many calls under way on each of so many connections; in a process of its own."""
    requests = [Request(address, serving.AUTHORIZE, token, message) for message in messages]
    load = Load(address, *shape)
    try:
        return seen(load.keep(requests, seconds))
    finally:
        load.close()


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short run")
    options = parser.parse_args()
    enterprises, seconds, rounds = (50, 3.0, 2) if options.quick else (200, 10.0, 3)
    worlds.NOW = time.time_ns() // 1_000 + 4 * worlds.MINUTE
    with tempfile.TemporaryDirectory(prefix="sealauthz-bench-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/facts.db"
        facts.fill(url, worlds.records(enterprises))
        service = Service(url, folder, 1, {"small": SMALL, "flood": FLOOD}, share=0.5)
        if problem := service.start():
            raise SystemExit(problem)
        asked = serving.questions(enterprises)
        messages = [authorization_pb2.AuthorizeRequest(**serving.parts(q)).SerializeToString() for q in asked]
        try:
            rows = measured(Served(service.address, service.pids), messages, seconds, rounds)
        finally:
            service.stop()
    print_rows(rows)
    return 0


def measured(
    served: Served, messages: Sequence[bytes], seconds: float, rounds: int
) -> dict[str, list[tuple[Seen, Seen | None]]]:
    """Return what the small caller saw, and the flood beside it, in each round."""
    found: dict[str, list[tuple[Seen, Seen | None]]] = {}
    address = served.address

    def small() -> Seen:
        before = served.cpu_s()
        saw = pool.submit(client, address, SMALL, messages, (1, CALLS), seconds).result()
        return replace(saw, cpu=(served.cpu_s() - before) / seconds)

    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for token in (SMALL, FLOOD):
            pool.submit(client, address, token, messages, (4, 16), 2 * _WARM_UP_S).result()
        for _ in range(rounds):
            found.setdefault("alone", []).append((small(), None))
            for what, shape in FLOODS.items():
                flood: Future[Seen] = pool.submit(client, address, FLOOD, messages, shape, seconds + 2 * _WARM_UP_S)
                time.sleep(_WARM_UP_S)
                found.setdefault(what, []).append((small(), flood.result()))
    return found


def print_rows(rows: dict[str, list[tuple[Seen, Seen | None]]]) -> None:
    """Print the best round of each."""
    table = Table(box=box.SIMPLE, title="a caller with 4 calls under way")
    for heading in (
        "beside",
        "a second",
        "÷ alone",
        "of CPU",
        "p50 ms",
        "p99 ms",
        "flood: a second",
        "refused a second",
        "p50 ms",
        "p99 ms",
    ):
        table.add_column(heading, justify="left" if heading == "beside" else "right")
    alone = max((small for small, _ in rows["alone"]), key=lambda seen: seen.rate)
    for what, found in rows.items():
        small, flood = max(found, key=lambda pair: pair[0].rate)
        of_cpu = small.rate / small.cpu / (alone.rate / alone.cpu)
        cells = [f"{small.rate:,.0f}", f"{small.rate / alone.rate:.2f}", f"{of_cpu:.2f}"]
        cells += [f"{small.half_ms:.1f}", f"{small.most_ms:.1f}"]
        if flood is not None:
            cells += [f"{flood.rate:,.0f}", f"{flood.refused:,.0f}", f"{flood.half_ms:.0f}", f"{flood.most_ms:.0f}"]
        table.add_row(what, *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
