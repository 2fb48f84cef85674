"""How long a write into a large enterprise takes, and the first fresh answer after it, beside a small one in one run.

    python benchmarks/large.py                   # one enterprise of 50,000 facts
    python benchmarks/large.py --facts 500000    # a larger one
    python benchmarks/large.py --quick           # a short run: shows that it runs, not how fast

The large enterprise is the first of some that are otherwise alike; it has more members, each with a person, a role and
a grant. Each round edits one membership and asks a question about the enterprise that has to see the edit. Both are
compared with the same in a small enterprise. `loaded again` is what such an answer takes where the unit in memory is
dropped instead of changed. Times are of the wall, because they are what a caller waits.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent))

import facts as bench_facts
import worlds

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.facts import Batch, FactCache, Put, Store, Unit
from sealauthz.model import MODEL
from sealauthz.model.records.grants import GrantConfirmation, GrantScope, GrantState, GrantTerm, SealGrant, SealRight
from sealauthz.model.records.identity import Person, RealnameState
from sealauthz.model.records.membership import JoinedVia, Membership, MembershipState, Role, RoleAssignment

BESIDE = 20
"""How many small enterprises there are."""

PER_MEMBER = 4


def records(facts: int) -> Iterator[Any]:
    """The facts of the enterprises; the first has about so many."""
    yield from worlds.records(BESIDE)
    for k in range(worlds.MEMBERS, worlds.MEMBERS + facts // PER_MEMBER):
        yield Person(f"p0-{k}", realname_state=RealnameState.VERIFIED, id_hash=f"hash0-{k}", last_active_at=worlds.NOW)
        yield Membership(f"m0-{k}", f"p0-{k}", "e0", JoinedVia.IMPORT, worlds.NOW - 365 * worlds.DAY)
        yield RoleAssignment(f"r0-{k}", f"m0-{k}", Role.CONTRACT_ADMIN)
        yield SealGrant(
            f"gx0-{k}",
            f"s0-{k % worlds.SEALS}",
            f"m0-{k}",
            "rk0",
            right=SealRight.USE,
            scope=GrantScope.ALL_CONTRACTS,
            term=GrantTerm.FIXED,
            valid_from=worlds.NOW - 30 * worlds.DAY,
            valid_to=worlds.NOW + 30 * worlds.DAY,
            confirmation=GrantConfirmation.INTENT,
            state=GrantState.ACTIVE,
            use_limit=10,
            confirmed_by_id=f"p0-{worlds.KEEPER}",
            confirmed_at=worlds.NOW - 30 * worlds.DAY,
        )


def percentile(times: list[float], share: float) -> float:
    """The time in milliseconds that so many of them are not above."""
    return sorted(times)[min(len(times) - 1, math.ceil(len(times) * share) - 1)] * 1_000


def member(enterprise: int, number: int, state: MembershipState) -> Membership:
    """The membership of one member, suspended or not."""
    joined = worlds.NOW - 365 * worlds.DAY
    row = Membership(f"m{enterprise}-{number}", f"p{enterprise}-{number}", f"e{enterprise}", JoinedVia.IMPORT, joined)
    return dataclasses.replace(row, state=state)


def question(enterprise: int) -> Question:
    """A question that takes the enterprise."""
    person, seal = f"p{enterprise}-{worlds.USER}", f"s{enterprise}-0"
    return Question(Entity("Person", person), "view", Entity("Seal", seal), {})


def asking(fact_cache: FactCache, *, is_quick: bool) -> Callable[[int], object]:
    """What asks about an enterprise: a decision, or in a short run, which loads no policies, a look at its facts."""
    if is_quick:
        return lambda enterprise: fact_cache.answer(
            lambda snapshot: [seal.holds for seal in snapshot.find("Enterprise", f"e{enterprise}").seals]
        )
    pdp = PolicyDecisionPoint(fact_cache, Bundle.load(MODEL, cache=bundle_cache()), lambda: worlds.NOW)
    return lambda enterprise: pdp.decide(question(enterprise))


def rounds_of(
    store: Store, fact_cache: FactCache, ask: Callable[[int], object], enterprise: int, rounds: int, *, is_dropped: bool
) -> tuple[list[float], list[float]]:
    """The seconds of each write, and of each first answer after it."""
    writes, answers = [], []
    ask(enterprise)
    for number in range(rounds):
        who, is_even = 3 + number // 2 % 8, number % 2 == 0
        state = MembershipState.SUSPENDED if is_even else MembershipState.ACTIVE
        batch = Batch("benchmark", f"{enterprise}-{is_dropped}-{number}", (Put(member(enterprise, who, state)),))
        began = time.perf_counter()
        store.write(batch)
        writes.append(time.perf_counter() - began)
        if is_dropped:
            fact_cache.timeline.cache.take_aside(Unit("ENTERPRISE", f"e{enterprise}"))
        began = time.perf_counter()
        ask(enterprise)
        answers.append(time.perf_counter() - began)
    return writes, answers


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="a short run, for CI: shows that it runs, not how fast")
    options = parser.parse_args()
    facts, rounds = (2_000, 6) if options.quick else (options.facts, options.rounds)
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("enterprise", "write p50", "write p99", "answer p50", "answer p99", "loaded again p50", "ratio"):
        table.add_column(heading, justify="left" if heading == "enterprise" else "right")
    with tempfile.TemporaryDirectory(prefix="sealauthz-bench-") as folder:
        url = f"sqlite:///{folder}/facts.db"
        bench_facts.fill(url, records(facts))
        store = Store.open(url, MODEL, lambda: worlds.NOW)
        try:
            fact_cache = FactCache(store, budget=1 << 40, max_age_s=1e9)
            ask = asking(fact_cache, is_quick=options.quick)
            for enterprise, name in ((0, f"of {facts:,} facts"), (5, "small")):
                writes, answers = rounds_of(store, fact_cache, ask, enterprise, rounds, is_dropped=False)
                _, again = rounds_of(store, fact_cache, ask, enterprise, max(4, rounds // 10), is_dropped=True)
                shown = (percentile(writes, 0.5), percentile(writes, 0.99))
                shown += (percentile(answers, 0.5), percentile(answers, 0.99), percentile(again, 0.5))
                cells = [f"{ms:.1f} ms" for ms in shown]
                table.add_row(name, *cells, f"{shown[4] / shown[2]:.0f}")
        finally:
            store.close()
    Console(width=None if sys.stdout.isatty() else 130).print(table)


if __name__ == "__main__":
    main()
