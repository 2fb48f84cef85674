"""Measures what is heavier than a question, over a real port: batches, lists, and more than can be answered.

    python benchmarks/heavy.py              two workers on PostgreSQL, some minutes
    python benchmarks/heavy.py --quick      a short run: one worker on SQLite

Batches hold 500 questions, once such that all are allowed and once those of `serving.py`, of which 40 in 100 are
denied. Lists are of the seals that somebody may look at. All are compared, within the run, with single questions and
with the server that does nothing.

Overload: calls come at three times the rate that was reached with 64 at once, whether or not others have ended, and
give up after 2 seconds. What counts is how many are answered, against that rate, and how long the answered ones took,
against one call at a time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import facts
import serving
import worlds
from h2 import Load, Outcome, Request
from rich import box
from rich.console import Console
from rich.table import Table
from served import Served, service

from sealauthz_client.v1 import authorization_pb2

LISTS = "/sealauthz.v1.AuthorizationService/ListResources"
TIMES_CAPACITY = 3
GIVES_UP_S = 2


def list_requests(enterprises: int, address: str) -> list[Request]:
    """Return one call for each enterprise: which seals a member of it may look at."""
    found = []
    for number in range(enterprises):
        message = authorization_pb2.ListResourcesRequest(
            subject=authorization_pb2.Entity(type="Person", id=f"p{number}-{worlds.PLAIN}"),
            action="view",
            resource_type="Seal",
        )
        found.append(Request(address, LISTS, serving.TOKEN, message.SerializeToString()))
    return found


def overloaded(served: Served, messages: Sequence[bytes], per_s: float, seconds: float) -> tuple[Outcome, float]:
    """Offer so many calls a second; return what came of them, and the milliseconds that 99 in 100 answered took."""
    requests = [Request(served.address, serving.AUTHORIZE, serving.TOKEN, each, GIVES_UP_S) for each in messages]
    load = Load(served.address, 8, 0)
    try:
        outcome = load.offer(requests, per_s, seconds)
    finally:
        load.close()
    waits = outcome.waits
    return outcome, statistics.quantiles(waits, n=100)[98] * 1e3 if len(waits) > 1 else float("inf")


def main() -> int:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one worker on SQLite")
    options = parser.parse_args()
    enterprises, calls, rounds = (100, 200, 1) if options.quick else (serving.ENTERPRISES, 6_000, 3)
    workers = 1 if options.quick else 2
    worlds.NOW = time.time_ns() // 1_000 + 4 * worlds.MINUTE
    console = Console(width=110)
    with tempfile.TemporaryDirectory(prefix="sealauthz-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        url = f"sqlite:///{folder}/facts.db"
        if not options.quick:
            url = serving.postgresql(stack)
        facts.fill(url, worlds.records(enterprises))
        ours = stack.enter_context(service(url, folder, workers, serving.TOKEN))
        empty = stack.enter_context(serving.nothing(workers))
        asked = serving.questions(enterprises)
        allowed = [q for q in asked if q.action != "use" or "verification" in (q.context or {})]
        single, lists = serving.single_requests(asked, ours.address), list_requests(enterprises, ours.address)
        batches = {
            "all allowed": serving.batch_requests((allowed * 2)[: max(len(allowed), serving.BATCH_SIZE)], ours.address),
            "some denied": serving.batch_requests(asked, ours.address),
        }
        serving.check(ours.address, asked)
        serving.warm_up(ours, single + lists, workers)
        table = Table(box=box.SIMPLE, title=f"heavier than a question, {workers} workers")
        for heading in ("what", "a second", "÷ single questions", "÷ empty calls", "CPU µs each", "÷ empty call"):
            table.add_column(heading, justify="left" if heading == "what" else "right")
        found: dict[str, list[tuple[float, float]]] = {}
        for _ in range(rounds):
            for what, served, requests, count, at_once, each in (
                ("empty calls", empty, single, calls, 64, 1),
                ("single questions", ours, single, calls, 64, 1),
                ("lists", ours, lists, calls // 4, 64, 1),
                *((f"in batches, {kind}", ours, some, 10 * workers, 4, 500) for kind, some in batches.items()),
            ):
                got = serving.run(served, requests, count, at_once)
                found.setdefault(what, []).append((got.rate * each, got.cpu_us / each))
        middle = {what: [statistics.median(part) for part in zip(*got, strict=True)] for what, got in found.items()}
        for what, (rate, cpu_us) in middle.items():
            table.add_row(
                what,
                f"{rate:,.0f}",
                f"{rate / middle['single questions'][0]:.2f}",
                f"{rate / middle['empty calls'][0]:.2f}",
                f"{cpu_us:.0f}",
                f"{cpu_us / middle['empty calls'][1]:.2f}",
            )
        console.print(table)
        alone = serving.run(ours, single, max(200, calls // 4), 1)
        peak = serving.run(ours, single, calls, 64)
        messages = [authorization_pb2.AuthorizeRequest(**serving.parts(q)).SerializeToString() for q in asked]
        outcome, most_ms = overloaded(ours, messages, TIMES_CAPACITY * peak.rate, 1 if options.quick else 10)
        console.print(
            f"at {TIMES_CAPACITY} times {peak.rate:,.0f} calls a second: {outcome.answered:,} answered "
            f"({outcome.answered / outcome.seconds / peak.rate:.2f} of that rate), {outcome.failed:,} not; "
            f"p99 of the answered {most_ms:.0f} ms, {most_ms / alone.most_ms:.1f} times that of one at a time"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
