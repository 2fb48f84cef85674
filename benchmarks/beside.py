"""What stands beside a decision, and what it costs it: metrics, a candidate in the shadow, and an extended model.

    python benchmarks/beside.py             some ten seconds
    python benchmarks/beside.py --quick     a second

The same allowed and denied questions are decided in turns, plainly and with each of them, on the deciding thread: the
smallest turn of each counts, so that what else the machine does falls out. What a shadow takes besides is limited by
its setting and not shown here.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question, system_clock
from sealauthz.decision.folder import model_for
from sealauthz.facts import FactCache
from sealauthz.model import MODEL
from sealauthz.observability.log import Entry
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.observability.metrics.meter import Meter
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.policytools.diff.shadow import Shadow

ROOT = Path(__file__).resolve().parents[1]
LINE = {"method": "Authorization/Authorize", "code": "OK", "duration_ms": 0.2, "caller": "signing"}


def main() -> None:
    """Measure, and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few turns")
    turns, size = (5, 200) if parser.parse_args().quick else (40, 500)
    bundle = Bundle.load(MODEL, cache=bundle_cache())
    facts = FactCache.of_records(MODEL, opening_facts(system_clock()))
    pdp = PolicyDecisionPoint(facts, bundle)
    seal = Entity("Seal", "seal-official")
    questions = [Question(Entity("Person", person), "view", seal) for person in ("p-zhou", "p-lin")]
    meter = Meter(Instruments())
    larger = model_for(MODEL, ROOT / "docs" / "examples" / "risk-score", ROOT / "docs" / "examples" / "blocked-people")
    extended = PolicyDecisionPoint(
        FactCache.of_records(larger, opening_facts(system_clock())), Bundle.load(larger, cache=bundle_cache())
    )

    def decide_extended() -> None:
        for _ in range(size):
            for question in questions:
                extended.decide(question)

    def decide() -> None:
        for _ in range(size):
            for question in questions:
                pdp.decide(question)

    def measured() -> None:
        for _ in range(size):
            for question in questions:
                meter.note(pdp.decide(question))
                meter.note(Entry("info", "call", 0, {}, LINE))

    def shadowed(share: float) -> Callable[[], None]:
        shadow = Shadow(facts, lambda: bundle, bundle, share=share, cpu_share=0.05, now=system_clock)

        def run() -> None:
            pdp.listener = shadow.offer
            decide()
            pdp.listener = None

        return run

    ways = {
        "plainly": decide,
        "with metrics": measured,
        "with a shadow, of 1 in 10": shadowed(0.1),
        "with a shadow, of all": shadowed(1.0),
        "over an extended model": decide_extended,
    }
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(turns):
        for name, work in ways.items():
            began = time.thread_time()
            work()
            least[name] = min(least[name], time.thread_time() - began)
    plain = least["plainly"]
    for name, taken in least.items():
        each = taken / (size * len(questions)) * 1e6
        print(f"{name:26} {each:6.1f} µs each, {taken / plain:.3f} of plainly")
    began = time.thread_time()
    meter.feed()
    notes = turns * size * len(questions)
    print(f"counting, on a thread of its own: {(time.thread_time() - began) / notes * 1e6:.1f} µs for each call")


if __name__ == "__main__":
    main()
