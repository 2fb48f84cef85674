"""How long a list takes, against asking about everything of its type, on the same facts in a database and in one run.

    python benchmarks/lists.py            # 1,000 enterprises with 20 members and 5 seals each
    python benchmarks/lists.py --quick    # a short run: shows that it runs, not how fast

Each list is found through the units of the fact cache, warm, and by indexes of a SQLite file; asking all means one
batch of questions about every record of the type. Both must agree before anything is timed. Times are of CPU, medians
of rounds.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from sealauthz.cli.settings import bundle_cache
from sealauthz.model import MODEL

sys.path.insert(0, str(Path(__file__).resolve().parent))

import worlds

from sealauthz.decision import Bundle, Decision, Entity, PolicyDecisionPoint
from sealauthz.decision.listing import Bounds
from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ListQuery
from sealauthz.facts import Batch, FactCache, Put, Store, upgrade
from sealauthz.facts.store.tables import tables_of
from sealauthz.model.records.identity import Person
from sealauthz.model.records.organisation import Enterprise, uscc_check_character
from sealauthz.polar.reach import Root

TARGET_MS = 2.0
BATCH = 2_000
OF_CONTRACTS = frozenset(
    {
        "Contract",
        "ContractDocument",
        "Signatory",
        "SigningTask",
        "TaskOperator",
        "TaskSeal",
        "IdentityVerification",
    }
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One list to be timed, and how many records of the type there are to ask about."""

    name: str
    query: ListQuery
    ids: tuple[str, ...]


def storable(record: Any) -> Any:
    """The record as a store takes it: an enterprise with a code that can be."""
    if not isinstance(record, Enterprise):
        return record
    body = f"91310000MA{int(record.id[1:]):07}"
    return dataclasses.replace(record, uscc=body + uscc_check_character(body))


def filled(url: str, enterprises: int) -> Store:
    """A store with the facts of that many enterprises."""
    upgrade(url, MODEL)
    store = Store.open(url, MODEL)
    # People and enterprises refer to each other; contracts to both. An enterprise is written with its administrator.
    parts: list[list[Any]] = [[]]
    later: list[Any] = []
    people: list[Any] = []
    for record in map(storable, worlds.records(enterprises)):
        if isinstance(record, Person):
            people.append(record)
        elif type(record).__name__ in OF_CONTRACTS:
            later.append(record)
        else:
            if isinstance(record, Enterprise) and len(parts[-1]) > BATCH:
                parts.append([])
            parts[-1].append(record)
    later.sort(key=lambda record: tables_of(MODEL).dependency_order[type(record).__name__])
    for number, part in enumerate([*_cut(people), *parts, *_cut(later)]):
        store.write(Batch("benchmark", f"part {number}", tuple(map(Put, part))))
    return store


def _cut(records: list[Any]) -> Iterator[list[Any]]:
    yield from (records[at : at + BATCH] for at in range(0, len(records), BATCH))


def lists(enterprises: int) -> Iterator[Listed]:
    """The lists: for a member, for a resource, and for nobody in particular."""
    middle = enterprises // 2
    user = Entity("Person", f"p{middle}-{worlds.USER}")
    seals = tuple(f"s{n}-{k}" for n in range(enterprises) for k in range(worlds.SEALS))
    persons = tuple(f"p{n}-{k}" for n in range(enterprises) for k in range(worlds.MEMBERS))
    signing = {"task": f"t{middle}", "verification": f"v{middle}"}
    yield Listed("the seals one person may use", ListQuery(Root.SUBJECT, user, "use", "Seal", signing), seals)
    yield Listed("the seals one person may view", ListQuery(Root.SUBJECT, user, "view", "Seal"), seals)
    seal = Entity("Seal", f"s{middle}-1")
    yield Listed("who may view one seal", ListQuery(Root.RESOURCE, seal, "view", "Person"), persons)


def measure(pdp: PolicyDecisionPoint, listed: Listed, rounds: int, calls: int) -> tuple[float, float, int, int]:
    """Milliseconds of one list and of asking all, how much was found, and how much there was to ask about."""
    questions = [listed.query.about(candidate) for candidate in listed.ids]

    def ask_all() -> list[str]:
        answers = pdp.decide_many(questions)
        pairs = zip(listed.ids, answers, strict=True)
        return sorted(candidate for candidate, answer in pairs if isinstance(answer, Decision) and answer)

    paging = Paging(1_000)
    page = pdp.list_page(listed.query, paging)
    expected = ask_all()
    assert page.is_complete, listed.name
    assert list(page.ids) == expected, listed.name
    assert expected, listed.name
    list_ms, all_ms = [], []
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(calls):
            pdp.list_page(listed.query, paging)
        list_ms.append((time.process_time() - started) * 1_000 / calls)
        started = time.process_time()
        ask_all()
        all_ms.append((time.process_time() - started) * 1_000)
    return statistics.median(list_ms), statistics.median(all_ms), len(expected), len(questions)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short run, for CI: shows that it runs, not how fast")
    options = parser.parse_args()
    enterprises, rounds, calls = (20, 1, 5) if options.quick else (1_000, 5, 200)
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("list", "found", "of", "one list", "asking all", "asking all ÷ list", f"≤ {TARGET_MS:g} ms"):
        table.add_column(heading, justify="left" if heading == "list" else "right")
    with tempfile.TemporaryDirectory() as folder:
        store = filled(f"sqlite:///{folder}/facts.db", enterprises)
        try:
            # Room for all units: asking all is to be as warm as the list.
            fact_cache = FactCache(store, budget=1 << 40)
            bounds = Bounds(candidates=sys.maxsize, seconds=60.0)
            pdp = PolicyDecisionPoint(fact_cache, Bundle.load(MODEL, cache=bundle_cache()), lambda: worlds.NOW, bounds)
            for listed in lists(enterprises):
                list_ms, all_ms, found, of = measure(pdp, listed, rounds, calls)
                met = "met" if list_ms <= TARGET_MS else "not met"
                cells = (f"{found:,}", f"{of:,}", f"{list_ms:.3f} ms", f"{all_ms:,.1f} ms", f"{all_ms / list_ms:,.0f}")
                table.add_row(listed.name, *cells, met)
        finally:
            store.close()
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(
        f"CPython {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores shared "
        f"with other processes (load average {os.getloadavg()[0]:.1f}); {enterprises:,} enterprises, {rounds} rounds",
        highlight=False,
    )
    console.print(table)


if __name__ == "__main__":
    main()
