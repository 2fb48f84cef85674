"""How fast the attack search decides acts, and how deep it comes: the shipped policies over the world of their tests.

Prints acts per second, and the ratio of a pruned search to a plain one in the same run.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle
from sealauthz.decision.folder import installed_folder
from sealauthz.model import MODEL
from sealauthz.policytools.attack.found import Ended, Found, Limits
from sealauthz.policytools.attack.runs import search_for
from sealauthz.policytools.attack.search import Search

WORLD = """
include: ["default:fixtures.yaml"]
fixture: spruce
goals:
  - goal: nothing
    colluders: [keeper, plain]
    depth: 3
    reached: |
      reached(use: SealUse, context: Attack) if context.began <= use.used_at and use.id = "no such use";
"""


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two acts deep instead of three")
    depth = 2 if parser.parse_args().quick else 3
    bundle = Bundle.load(MODEL, cache=bundle_cache())
    tests = sorted((installed_folder() / "tests").glob("*.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "goals.yaml"
        path.write_text(WORLD, encoding="utf-8")
        search = search_for(bundle, [path], tests)
    search.run(search.goals.goals[0], Limits(depth=1))  # compiles what is asked
    print(f"memory before it begins: {_peak():.0f} MB")
    pruned, pruned_s = _timed(search, Limits(depth=depth, seconds=300))
    plain, plain_s = _timed(search, Limits(depth=depth - 1, is_pruned=False))
    pruned_two, pruned_two_s = _timed(search, Limits(depth=depth - 1))
    whole = "whole" if pruned.ended is Ended.DEPTH else "five minutes of it"
    print(f"{depth} acts deep, {whole}: {_said(pruned, pruned_s)}")
    print(f"{depth - 1} deep, everything tried: {_said(plain, plain_s)}")
    print(f"{depth - 1} deep, pruned: {_said(pruned_two, pruned_two_s)}; {plain_s / pruned_two_s:.1f} times faster")
    print(f"peak memory: {_peak():.0f} MB")


def _peak() -> float:
    """The most memory that the process has held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * (1024 if sys.platform == "darwin" else 1))


def _timed(search: Search, limits: Limits) -> tuple[Found, float]:
    began = time.process_time()
    found = search.run(search.goals.goals[0], limits)
    return found, time.process_time() - began


def _said(found: Found, seconds: float) -> str:
    acts = found.decided + found.remembered
    decided = f"{acts:,} acts ({found.decided:,} of them afresh)"
    return f"{found.states:,} states, {decided} in {seconds:.1f} s of CPU: {acts / seconds:,.0f} acts/s"


if __name__ == "__main__":
    main()
