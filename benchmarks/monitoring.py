"""Measures how long it takes until a use of a seal is shown to who watches, beside a bare notification of its commit.

    python benchmarks/monitoring.py          300 uses, with one watcher and with 32
    python benchmarks/monitoring.py --quick  30

Each use is committed in the process of a service on loopback and SQLite. The time begins before the write. A thread
that only waits for the signal of a new revision tells what a notification takes at best; a watcher over gRPC gets the
item, which was read, decided for its subject and sent.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle, PolicyDecisionPoint, system_clock
from sealauthz.facts import Batch, FactCache, Put, Store, upgrade
from sealauthz.model import MODEL
from sealauthz.model.records.seal_uses import SealUse, SealUseState
from sealauthz.observability.log import make_log
from sealauthz.operations import Operations
from sealauthz.ops.demo.facts import digest, opening_facts
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build
from sealauthz_client import SealAuthzClient

TOKEN = "b" * 40
WITHIN_S = 10.0


def use(number: int) -> SealUse:
    """Make a use of the demo's seal that was reserved now."""
    return SealUse(
        f"use-{number}",
        "task-cartons",
        "seal-official",
        "p-zhou",
        digest(f"document {number}"),
        system_clock(),
        grant_id="grant-zhou-use",
        state=SealUseState.RESERVED,
        operation_id=f"o-{number}",
        audience="engine",
    )


def measure(store: Store, cache: FactCache, port: int, uses: range, watchers: int) -> tuple[list[float], list[float]]:
    """Return after how many milliseconds each use was notified of, and shown to the last of the watchers."""
    shown: queue.SimpleQueue[float] = queue.SimpleQueue()
    woken: queue.SimpleQueue[float] = queue.SimpleQueue()
    begun = threading.Semaphore(0)
    clients = [SealAuthzClient(f"127.0.0.1:{port}", TOKEN, insecure=True) for _ in range(watchers)]

    def watch(client: SealAuthzClient) -> None:
        items = client.watch_seal_activity(
            "Person:p-chen", ["e-yunshan"], on_decision=lambda _decision: begun.release()
        )
        for _ in items:
            shown.put(time.perf_counter())

    def wait() -> None:
        for _ in uses:
            seen = cache.signal.revision
            begun.release()
            cache.signal.wait_for_other(seen, WITHIN_S)
            woken.put(time.perf_counter())

    for client in clients:
        threading.Thread(target=watch, args=(client,), daemon=True).start()
        begun.acquire(timeout=WITHIN_S)
    threading.Thread(target=wait, daemon=True).start()
    notified, last = [], []
    for number in uses:
        begun.acquire(timeout=WITHIN_S)
        began = time.perf_counter()
        store.write(Batch("benchmark", f"use {number}", (Put(use(number)),)))
        notified.append((woken.get(timeout=WITHIN_S) - began) * 1_000)
        last.append((max(shown.get(timeout=WITHIN_S) for _ in clients) - began) * 1_000)
    for client in clients:
        client.close()
    return notified, last


def p99(times: Sequence[float]) -> float:
    """Return what all but one in a hundred are below."""
    return sorted(times)[int(len(times) * 0.99)]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uses", type=int, default=300)
    parser.add_argument("--quick", action="store_true", help="a short run, for CI: shows that it runs, not how fast")
    options = parser.parse_args()
    uses = 30 if options.quick else options.uses
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'facts.db'}"
        upgrade(url, MODEL)
        store = Store.open(url, MODEL)
        store.write(Batch("benchmark", "facts", tuple(map(Put, opening_facts(system_clock())))))
        cache = FactCache(store)
        pdp = PolicyDecisionPoint(cache, Bundle.load(MODEL, cache=bundle_cache()))
        known = frozenset({hashlib.sha256(TOKEN.encode()).digest()})
        callers = Callers([Caller(MODEL, "benchmark", known, rpcs=frozenset(RPCS), tenants=None, share=1.0)])
        setting = ServerSettings(listen="127.0.0.1:0", is_insecure=True)
        server = build(setting, callers, store, pdp, Operations(store, pdp), make_log(io.StringIO()), cache.signal)
        server.start()
        table = Table("watchers", "notified p50", "p99", "shown to the last p50", "p99", "shown / notified p50")
        for number, watchers in enumerate((1, 32)):
            notified, last = measure(store, cache, server.port, range(number * uses, (number + 1) * uses), watchers)
            middle = statistics.median(last), statistics.median(notified)
            table.add_row(
                str(watchers),
                f"{middle[1]:.1f} ms",
                f"{p99(notified):.1f} ms",
                f"{middle[0]:.1f} ms",
                f"{p99(last):.1f} ms",
                f"{middle[0] / middle[1]:.1f}",
            )
        Console().print(table)
        server.stop(0)
        store.close()


if __name__ == "__main__":
    main()
