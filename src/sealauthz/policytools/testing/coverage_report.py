"""Coverage for people and for other tools: a table, the policies annotated line by line, and LCOV."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.text import Text

from sealauthz.decision.folder import layout_of
from sealauthz.policytools.testing.coverage import Report, RuleReport, sides_of
from sealauthz.runtime.terminal import show, table

LCOV_FILE = "policies.lcov"


def table_text(report: Report, width: int, *, missing: bool = False) -> str:
    """Write one line per file and a total; with `missing`, also everything that the tests do not reach."""
    file = io.StringIO()
    console = Console(file=file, width=max(width, 60), markup=False, highlight=False, emoji=False)
    show(console, _page(report, missing))
    return file.getvalue()


def _page(report: Report, missing: bool) -> RenderableType:
    rows = [_row(name, [rule for rule in report.rules if rule.place.file == name]) for name in report.files]
    rows.append(_row("all files", report.rules))
    parts: list[RenderableType] = [table(("file", "rules held", "conditions seen whole", "sides seen", ""), rows)]
    settled = sum(not each.missing for each in report.requirements)
    parts += [Text(), Text(f"requirements seen settled and unmet: {settled} of {len(report.requirements)}")]
    if missing:
        parts += [Text(), *_missing_rules(report.rules)]
        missed = [each for each in report.requirements if each.missing]
        parts += [Text(f"{each.type} {each.action} {each.requirement}: {each.missing}") for each in missed]
    return Group(*parts)


def _row(name: str, rules: Sequence[RuleReport]) -> list[str]:
    held = sum(bool(rule.held) for rule in rules)
    conditions = [condition for rule in rules for condition in rule.conditions]
    both = sum(not condition.missing for condition in conditions)
    seen, sides = sides_of(rules)
    percent = f"{100 * seen / sides:.1f} %" if sides else ""
    return [name, f"{held} of {len(rules)}", f"{both} of {len(conditions)}", f"{seen} of {sides}", percent]


def _missing_rules(rules: Iterable[RuleReport]) -> Iterable[Text]:
    for rule in rules:
        place = f"{rule.place.file}:{rule.place.line}"
        if rule.missing:
            yield Text.assemble((place, "cyan"), f" {rule.missing}: {rule.head}")
        if not rule.tried:
            continue
        for condition in rule.conditions:
            if condition.missing:
                where = f"{condition.place.file}:{condition.place.line}"
                yield Text.assemble((where, "cyan"), f" {condition.missing}: {condition.text}")


# --- annotated policies ---------------------------------------------------------------------------------------------


def write_annotate(report: Report, folder: Path, target: Path) -> Path:
    """Write each policy file with the counts of each line before it. Returns the folder written to."""
    target.mkdir(parents=True, exist_ok=True)
    layout = layout_of(folder)
    by_line = _by_line(report)
    for name in report.files:
        lines = layout.path_of(name).read_text(encoding="utf-8").splitlines()
        annotated = [
            f"{by_line.get((name, number), _NOTHING).margin()} | {line}" for number, line in enumerate(lines, 1)
        ]
        (target / f"{name}.cover").write_text("\n".join([_HEADING, *annotated, ""]), encoding="utf-8")
    return target


_HEADING = """\
# `!` marks a line with something that the tests never saw: a rule that never held, a condition with one side only.
# Counts: how often rules held and conditions were met, and how often they were not.
"""


class _Line:
    """What happened on one line of a policy."""

    def __init__(self) -> None:
        self.met = self.unmet = 0
        self.is_missing = False
        self.has_counts = False

    def add(self, met: int, unmet: int, missing: str) -> None:
        """Count a rule or a condition that stands on the line."""
        self.met += met
        self.unmet += unmet
        self.is_missing = self.is_missing or bool(missing)
        self.has_counts = True

    def margin(self) -> str:
        """What stands before the line."""
        if not self.has_counts:
            return " " * 17
        return f"{'!' if self.is_missing else ' '} {self.met:>6} {self.unmet:>7} "


_NOTHING = _Line()


def _by_line(report: Report) -> dict[tuple[str, int], _Line]:
    lines: dict[tuple[str, int], _Line] = defaultdict(_Line)
    for rule in report.rules:
        lines[rule.place.file, rule.place.line].add(rule.held, max(rule.tried - rule.held, 0), rule.missing)
        for condition in rule.conditions:
            lines[condition.place.file, condition.place.line].add(condition.met, condition.unmet, condition.missing)
    return lines


# --- LCOV -----------------------------------------------------------------------------------------------------------


def write_lcov(report: Report, folder: Path, target: Path) -> Path:
    """Write a trace file for tools that show coverage: rules are functions, conditions branches (met, unmet).

    Returns the file written. Source: the format of geninfo(1).
    """
    layout = layout_of(folder)
    lines: list[str] = []
    for name in report.files:
        rules = [rule for rule in report.rules if rule.place.file == name]
        lines += ["TN:", f"SF:{layout.path_of(name)}", *_lcov_of(rules), "end_of_record"]
    target.mkdir(parents=True, exist_ok=True)
    file = target / LCOV_FILE
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return file


def _lcov_of(rules: Sequence[RuleReport]) -> Iterable[str]:
    hits: dict[int, int] = {}
    for rule in rules:
        # A comma ends a name in this format, and two functions have two names.
        yield f"FN:{rule.place.line},{rule.head.replace(',', ';')}@{rule.place.line}:{rule.place.column}"
    for rule in rules:
        yield f"FNDA:{rule.held},{rule.head.replace(',', ';')}@{rule.place.line}:{rule.place.column}"
        hits[rule.place.line] = hits.get(rule.place.line, 0) + max(rule.tried, rule.held)
        for condition in rule.conditions:
            hits[condition.place.line] = hits.get(condition.place.line, 0) + condition.met + condition.unmet
    yield f"FNF:{len(rules)}"
    yield f"FNH:{sum(bool(rule.held) for rule in rules)}"
    branches = 0
    taken = 0
    for rule in rules:
        for block, condition in enumerate(rule.conditions):
            reached = condition.met or condition.unmet
            for branch, count in enumerate((condition.met, condition.unmet)[: condition.sides]):
                branches += 1
                taken += bool(count)
                # Blocks are numbered within a line, so a number that no other condition there has.
                unique = rule.place.column * 1000 + block
                yield f"BRDA:{condition.place.line},{unique},{branch},{count if reached else '-'}"
    yield f"BRF:{branches}"
    yield f"BRH:{taken}"
    for line, count in sorted(hits.items()):
        yield f"DA:{line},{count}"
    yield f"LF:{len(hits)}"
    yield f"LH:{sum(bool(count) for count in hits.values())}"
