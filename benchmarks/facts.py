"""Measures facts in memory: how long they take to load, and how much room they take.

    python benchmarks/facts.py              36 k, 360 k and 1 M facts, some minutes
    python benchmarks/facts.py --quick      36 k facts

Each size is a SQLite database of its own, filled before anything is measured, and a process of its own that loads every
unit of it. Loading is compared, within the process, with reading the same rows by one plain SELECT per table: what is
left between the two is finding them by enterprise, making records, and wiring. Room is the resident set.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import worlds
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, select

from sealauthz.facts import FactCache, Store, Unit, upgrade
from sealauthz.facts.store.database import Database
from sealauthz.facts.store.system_tables import FACT_CHANGE
from sealauthz.facts.store.tables import tables_of
from sealauthz.facts.store.values import plain
from sealauthz.model import MODEL
from sealauthz.schema import values_of

SIZES = (36_000, 360_000, 1_000_000)
PER_ENTERPRISE = sum(1 for _ in worlds.records(3)) // 3
LIMIT_MB = 500
"""The room that 1 M facts may take."""

KINDS = (("ENTERPRISE", "Enterprise"), ("CONTRACT", "Contract"), ("PERSON", "Person"))
HEADINGS = (
    "facts",
    "enterprises: ms each",
    "loading : plain rows",
    "MB",
    "B / fact",
    "estimated",
    "with contracts, MB",
    "with every person, MB",
)

_AT_ONCE = 200


def fill(url: str, records: Iterable[Any]) -> int:
    """Fill an empty database with facts, as one revision; return how many there are."""
    upgrade(url, MODEL)
    database = Database(url, MODEL)
    facts = 0
    with database.write() as connection:
        if not database.is_postgresql:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        by_type: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for record in records:
            table = tables_of(MODEL).of(type(record).__name__)
            values = [plain(value) for value in values_of(record)]
            by_type[type(record).__name__].append(dict(zip(table.c.keys(), [*values, 1], strict=True)))
            facts += 1
        for record_type in sorted(by_type, key=tables_of(MODEL).dependency_order.__getitem__):
            connection.execute(insert(tables_of(MODEL).of(record_type)), by_type[record_type])
        connection.execute(
            insert(FACT_CHANGE), [{"revision": 1, "at": 1, "caller": "b", "request_id": "b", "changes": "[]"}]
        )
    database.close()
    return facts


def resident_mb() -> float:
    """Return the resident set of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def measure(url: str) -> dict[str, float]:
    """Load everything, and say what it took."""
    store = Store.open(url, MODEL)
    fact_cache = FactCache(store, budget=1 << 40)
    ids: dict[str, list[str]] = {}
    facts = 0
    with store.read_transaction() as snapshot:
        begin = time.process_time()
        for cls in MODEL.records.values():
            for row in snapshot.connection.execute(select(tables_of(MODEL).of(cls.__name__))):
                facts += 1
                if cls.__name__ in ("Enterprise", "Person", "Contract"):
                    ids.setdefault(cls.__name__, []).append(row.id)
        rows_s = time.process_time() - begin
    gc.collect()
    empty_mb = resident_mb()
    found: dict[str, float] = {"facts": facts, "rows_s": rows_s}
    for kind, record_type in (
        ("ENTERPRISE", "Enterprise"),
        ("CONTRACT", "Contract"),
        ("PERSON", "Person"),
    ):
        units = [Unit(kind, record_id) for record_id in ids[record_type]]
        begin = time.process_time()
        for at in range(0, len(units), _AT_ONCE):
            some = units[at : at + _AT_ONCE]
            fact_cache.answer(lambda snapshot, some=some: [snapshot.unit(unit) for unit in some] and None)  # type: ignore[misc]
        found[f"{record_type.lower()}_s"] = time.process_time() - begin
        found[f"{record_type.lower()}_units"] = len(units)
        gc.collect()
        found[f"{record_type.lower()}_mb"] = resident_mb() - empty_mb
        found[f"{record_type.lower()}_estimate_mb"] = fact_cache.timeline.cache.bytes / 1e6
    store.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="36 k facts only")
    parser.add_argument("--measure", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return 0
    table = Table(box=box.SIMPLE, title="facts in memory, SQLite, CPU time of one process")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    is_met = True
    with tempfile.TemporaryDirectory(prefix="sealauthz-bench-") as folder:
        for size in SIZES[:1] if options.quick else SIZES:
            url = f"sqlite:///{folder}/facts-{size}.db"
            fill(url, worlds.records(size // PER_ENTERPRISE))
            done = subprocess.run(
                [sys.executable, __file__, "--measure", url], check=True, capture_output=True, text=True
            )
            found = json.loads(done.stdout)
            seconds = found["enterprise_s"] + found["contract_s"] + found["person_s"]
            table.add_row(
                f"{found['facts']:,}",
                f"{found['enterprise_s'] / found['enterprise_units'] * 1_000:.2f}",
                f"{seconds / found['rows_s']:.1f}",
                f"{found['enterprise_mb']:.0f}",
                f"{found['enterprise_mb'] * 1e6 / found['facts']:.0f}",
                f"{found['enterprise_estimate_mb']:.0f}",
                f"{found['contract_mb']:.0f} ({found['contract_estimate_mb']:.0f})",
                f"{found['person_mb']:.0f} ({found['person_estimate_mb']:.0f})",
            )
            is_met = is_met and (size < 1_000_000 or found["contract_mb"] <= LIMIT_MB)
    Console(width=130).print(table)
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
