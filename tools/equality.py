"""The long run: does the compiled engine answer random programs as strict oso does? Exits 1 where it does not."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "polar"))

import agreement as plain_agreement
import programs as plain_programs
from extended_programs_loader import extended_modules

from sealauthz.cli.bars import counting

BATCH = 50
READ_EVERY = 10
"""One in so many programs is written as text and read by our parser; the others are compiled from their trees."""


def main() -> int:
    """Compare programs and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stop-after", type=int, default=5, help="differences to show before giving up")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of questions about each program")
    parser.add_argument("--extended", action="store_true", help="over records and contexts that policies have extended")
    parser.add_argument("--why", action="store_true", help="show what was refused most often")
    parser.add_argument("--ignore", default="", help="pass over failures of the compiled engine that hold this text")
    options = parser.parse_args()
    generator, asking = extended_modules() if options.extended else (plain_programs, plain_agreement)
    agreement = asking.Agreement(lambda number: number % READ_EVERY == 0, options.ignore)
    started = time.monotonic()
    # Program n of seed s is the same in any run.
    first = options.seed * 1_000_000_000
    done = 0
    with counting("comparing", options.programs) as told:
        while done < options.programs and len(agreement.differences) < options.stop_after:
            count = min(BATCH, options.programs - done)
            numbers = range(first + done, first + done + count)
            programs = [generator.program_from(generator.Seeded(number), options.rounds) for number in numbers]
            found = agreement.check(programs)
            for number, program in zip(numbers, programs, strict=True):
                own = [difference for difference in found if difference.program is program]
                if own:
                    asked = len(program.questions)
                    print(f"--- program {number} differs in {len(own)} of {asked} questions; one, shrunk:")
                    print(f"{asking.shrunk(own[0])}\n", flush=True)
            done += count
            told(done)
            if done % 5_000 == 0:
                print(
                    f"{done} programs, {time.monotonic() - started:.0f} s, {len(agreement.differences)} differences",
                    flush=True,
                )
    agreement.close()
    elapsed = time.monotonic() - started
    generated = "extended" if options.extended else "plain"
    print(f"seed {options.seed} ({generated}), {elapsed:.0f} s, {done / elapsed:.0f} programs/s")
    for name, count in sorted(agreement.counts.items()):
        print(f"  {name:24} {count}")
    if options.why:
        for what, counter in (("oso", agreement.oso_refusals), ("compiler", agreement.our_refusals)):
            print(f"refused by the {what}:")
            for said, count in counter.most_common(12):
                print(f"  {count:6} {said}")
    return 1 if agreement.differences else 0


if __name__ == "__main__":
    sys.exit(main())
