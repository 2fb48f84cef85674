"""Where strict oso answers, the compiled engine answers the same, over models that policies have extended, too."""

from __future__ import annotations

from extended_programs_loader import extended_modules

from sealauthz.polar.syntax import RuleNode
from sealauthz.polar.unparse import written_statement

PROGRAMS, AGREEMENT = extended_modules()

SEEDED_PROGRAMS = 100
ADDED = ("score", "alias", "is_watched", "mark", "remarks", "Remark", "remark", "level")


def test_programs_over_extended_records_agree() -> None:
    agreement = AGREEMENT.Agreement()
    try:
        for first in range(0, SEEDED_PROGRAMS, 50):
            drawn = (PROGRAMS.program_from(PROGRAMS.Seeded(number)) for number in range(first, first + 50))
            found = agreement.check(drawn)
            assert not found, f"\n{AGREEMENT.shrunk(found[0])}"
    finally:
        agreement.close()
    counts = agreement.counts
    assert counts["accepted"] >= 0.5 * counts["programs"]
    assert counts["compared"] >= 0.6 * counts["questions"]
    for kind in ("true", "false", "solutions", "no solution"):
        assert counts[f"compared {kind}"] >= 0.05 * counts["compared"], counts


def test_the_programs_read_what_was_added() -> None:
    texts = [
        "\n".join(written_statement(rule) for rule in program.statements if isinstance(rule, RuleNode))
        for program in (PROGRAMS.program_from(PROGRAMS.Seeded(number)) for number in range(SEEDED_PROGRAMS))
    ]
    for name in ADDED:
        assert sum(name in text for text in texts) >= 5, name
    assert {
        row[0] for program in [PROGRAMS.program_from(PROGRAMS.Seeded(n)) for n in range(20)] for row in program.rows
    } >= {"Remark"}
