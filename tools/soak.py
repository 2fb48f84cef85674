"""Torments a service for an hour while others write and ask, and checks every answer. Exits 1 if one was wrong.

    python tools/soak.py                      one hour: two workers on PostgreSQL
    python tools/soak.py --seconds 60         a short form
    python tools/soak.py --sqlite             one process on SQLite

Each answer names its revision. It must be what the facts were at exactly that one, as the writers were told
(`soak_truth.py`), and the revision must be as new as the question demanded. What ends without an answer must end with
a status that a fault excuses. Faults come one after the other in an order that the seed decides, each kind as often as
the others. In the last third no process is killed, and the memory of those that serve must not grow.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read when grpc is imported

import soak_scene as scene
from rich import box
from rich.console import Console
from rich.table import Table
from soak_callers import TOKEN, Callers, at_of
from soak_faults import FLOOD_TOKEN, Faults, Postgres, Sqlite
from soak_truth import Truth

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import facts
from served import Service

from sealauthz_client import SealAuthzClient

MOST_GROWTH_MB = 32
_LONG_S = 600
"""From here on a run is long enough to tell whether memory grows, and for each fault to come without help."""

_BAD_EVENTS = frozenset({"incident", "call_failed", "unraisable", "unwritable"})


class Memory:
    """The memory of the processes that serve, looked at every second or so."""

    def __init__(self, service: Service) -> None:
        self.seen: dict[int, list[tuple[float, float]]] = defaultdict(list)
        self._service = service
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ending.set()
        self._thread.join()

    def growth_mb(self, since: float) -> dict[int, tuple[float, float]]:
        """Return of each process how much it had a third of the time after an instant, and how much more in the end.

        Those that did not live for so long are left out. The middle of several looks is taken.
        """
        found = {}
        end = max((looks[-1][0] for looks in self.seen.values()), default=since)
        for pid, looks in self.seen.items():
            from_here = since + (end - since) / 3
            settled = [mb for at, mb in looks if from_here <= at]
            if looks[0][0] <= from_here and looks[-1][0] > end - 10 and len(settled) > 20:
                first = statistics.median(settled[:10])
                found[pid] = (first, statistics.median(settled[-10:]) - first)
        return found

    def _look(self) -> None:
        while not self._ending.wait(1.0):
            try:
                for pid in self._service.pids:
                    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
                    self.seen[pid].append((time.monotonic(), pages * resource.getpagesize() / 2**20))
            except (OSError, ValueError):
                continue  # it is just being replaced


class Run:
    """One soak."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._options = options
        self._workers = 1 if options.sqlite else 2
        self._backend = Sqlite(folder) if options.sqlite else Postgres(folder)
        self._service = Service(
            self._backend.url, folder, self._workers, {"soak": TOKEN, "flood": FLOOD_TOKEN}, share=0.5
        )
        self._truth = Truth()
        self._faults: dict[str, list[float]] = defaultdict(list)
        self.is_good = True

    def run(self) -> None:
        """Torment the service for as long as was asked, and print what came of it."""
        facts.fill(self._backend.url, scene.opening())
        if problem := self._service.start():
            raise SystemExit(problem)
        callers = Callers(self._service.address, self._truth, self._options.seed, writers=2, readers=3)
        memory = Memory(self._service)
        began = time.monotonic()
        try:
            with SealAuthzClient(self._service.address, TOKEN, insecure=True, timeout_s=30) as client:
                first = client.write_facts([scene.turn(scene.free(0), is_on=True)])
            callers.open(at_of(first.revision_token), first.revision_token)
            quiet_from = self._torment(callers, began)
            late = callers.stop()
        finally:
            memory.stop()
            self._service.stop()
            self._backend.close()
        self._truth.finish()
        callers.check_watched()
        for name in late:
            self._truth.blame(f"{name} is still busy a minute after the end")
        self._check_log()
        self._print(callers, memory.growth_mb(quiet_from))

    def _torment(self, callers: Callers, began: float) -> float:
        """Let one fault follow the other; return since when no process was killed."""
        faults = Faults(self._service, self._backend, callers, self._truth, self._workers)
        random_ = random.Random(f"faults-{self._options.seed}")
        kills_until = began + self._options.seconds * 2 / 3
        end, deck, had_kills = began + self._options.seconds, [], True
        is_short = self._options.seconds < _LONG_S
        quiet_from, shown = began, 0
        pause_s = min(20.0, max(1.0, self._options.seconds / 60))
        while time.monotonic() < end and not (self._truth.wrong and self._options.first):
            time.sleep(random_.uniform(pause_s / 4, pause_s))
            has_kills = time.monotonic() < kills_until
            if had_kills and not has_kills:
                deck, quiet_from, had_kills = [], time.monotonic(), False
            known = {name: do for name, do in faults.all(kills=has_kills).items() if self._options.only in name}
            if not deck:
                deck = list(known)
                random_.shuffle(deck)
                deck.sort(key=lambda name: is_short and name.endswith("killed"))  # the last ones come first
            name = deck.pop()
            started = time.monotonic()
            known[name](random_)
            broken = time.monotonic()
            if not faults.is_back():
                self._truth.blame(f"{name}: no answer within a minute after it")
            self._faults[name].append(time.monotonic() - broken)
            if self._options.verbose:
                took = f"{broken - started:.1f} s, back {time.monotonic() - broken:.1f} s later"
                print(f"{started - began:7.1f} {name}: {took}; {len(self._truth.wrong)} wrong", flush=True)
                for what in self._truth.wrong[shown : shown + 3]:
                    print(f"        {what[:1_000]}", flush=True)
                shown = len(self._truth.wrong)
        return quiet_from

    def _check_log(self) -> None:
        bad: Counter[str] = Counter()
        for line in self._service.log.read_text(encoding="utf-8").splitlines():
            if line.startswith("{") and line.endswith("}"):
                entry = json.loads(line)
                if entry["event"] in _BAD_EVENTS:
                    bad[entry["event"]] += 1
                    if bad[entry["event"]] == 1:
                        self._truth.blame(f"the log says {line[:3_000]}")
        for event, count in bad.items():
            print(f"{count} times in the log: {event}")

    def _print(self, callers: Callers, growth: dict[int, tuple[float, float]]) -> None:
        console = Console(width=120)
        table = Table(box=box.SIMPLE, title="faults")
        for heading in ("what", "times", "answers after, median s", "most s"):
            table.add_column(heading, justify="left" if heading == "what" else "right")
        for name, backs in sorted(self._faults.items()):
            table.add_row(name, str(len(backs)), f"{statistics.median(backs):.2f}", f"{max(backs):.2f}")
        console.print(table)
        table = Table(box=box.SIMPLE, title="calls")
        for heading in ("what", "answered", "without an answer", "checked"):
            table.add_column(heading, justify="left" if heading == "what" else "right")
        for what in sorted({what for what, _ in callers.outcomes}):
            ends = {end: count for (of, end), count in callers.outcomes.items() if of == what}
            answered = ends.pop("answered", 0)
            others = ", ".join(f"{count:,} {end}" for end, count in sorted(ends.items()))
            table.add_row(what, f"{answered:,}", others or "0", f"{self._truth.judged[what]:,}")
        console.print(table)
        for pid, (first, grown) in growth.items():
            console.print(f"memory of process {pid}: {first:.0f} MB, {grown:+.1f} MB since")
            if self._options.seconds >= _LONG_S and grown > MOST_GROWTH_MB:
                self._truth.blame(f"the memory of process {pid} grew by {grown:.1f} MB")
        if self._options.seconds >= _LONG_S and not growth:
            self._truth.blame("no process lived for long enough to tell whether its memory grows")
        for what in self._truth.wrong[:20]:
            print(f"WRONG: {what}")
        checked = sum(self._truth.judged.values())
        console.print(f"{checked:,} answers checked, {len(self._truth.wrong)} wrong")
        self.is_good = not self._truth.wrong


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3_600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sqlite", action="store_true", help="one process on SQLite")
    parser.add_argument("--only", default="", metavar="WORDS", help="only the faults whose names have these words")
    parser.add_argument("--first", action="store_true", help="stop at the first wrong answer")
    parser.add_argument("--verbose", action="store_true", help="a line for each fault")
    parser.add_argument("--keep", type=Path, help="a folder for the log and the database, which is not removed")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # else what was started would stay
    with tempfile.TemporaryDirectory(prefix="sealauthz-soak-") as name:
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
        run = Run(options.keep or Path(name), options)
        run.run()
    return 0 if run.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
