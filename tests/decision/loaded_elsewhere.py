"""Loads policies of the small model as a process of its own: what its rules find, and whether it started from nothing.

It imports no other test, because most of them load the shipped policies.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tiny.model import TINY, facts

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question, stored
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.polar.engine import CompiledEngine

CODE = "this code"
NOW = 1_750_000_000_000_000


def has_started_from_another(bundle: Bundle) -> bool:
    assert isinstance(bundle.engine, CompiledEngine)
    return bundle.engine._code.compiler.has_begun_with_another


def said_by(bundle: Bundle) -> str:
    """What a bundle decides, why, and what it was warned of."""
    pdp = PolicyDecisionPoint(FactCache.of_records(TINY, facts()), bundle, lambda: NOW)
    found = pdp.explain(Question(Entity("User", "bob"), "publish", Entity("Document", "d1"), {}))
    return repr((found.decision.reasons, found.requirements, bundle.warnings, has_started_from_another(bundle)))


if __name__ == "__main__":
    stored._code_digest = lambda: CODE
    print(said_by(Bundle.load(TINY, Path(sys.argv[2]), cache=BundleCache(Path(sys.argv[1])))))  # noqa: T201
