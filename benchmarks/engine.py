"""Measures the policy engine: compiled against oso, and against a function written by hand.

    python benchmarks/engine.py             the whole run, some minutes
    python benchmarks/engine.py --quick     a short one, less than 20 seconds
    python benchmarks/engine.py --markdown  also replaces the tables of docs/performance.md
    python benchmarks/engine.py -o json     for programs

Everything is measured in one process, on the same facts, in rounds that take the cases in turn, after a check that all
engines give the same answers. Times are CPU time of the measuring thread, so that other processes disturb them less;
what counts are the ratios. "hot" asks one decision again and again; "random" asks a different one of each of 1,000
enterprises, in random order.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import os
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import by_hand
import worlds
from rich import box
from rich.console import Console
from rich.table import Table

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle, Decision, PolicyDecisionPoint
from sealauthz.decision.assembly import Case, assemble
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.decision.checking import attributes, diagnostics_of, engine_classes, forget_loads, start_from, types_of
from sealauthz.decision.folder import installed_folder
from sealauthz.decision.product_reasons import PRODUCT_REASONS
from sealauthz.decision.questions import questions_of
from sealauthz.decision.stored import base_of
from sealauthz.decision.stored_analysis import read_analysis
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.model.parameters import Parameters
from sealauthz.polar import Rulebook, Source, admit, rulebook_of
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.reference import ReferenceEngine
from sealauthz.polar.runtime import FREE

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- written by benchmarks/engine.py --markdown -->", "<!-- end -->"

MEMORY_LIMIT_MIB = 8.0
"""By how much a process may grow over all decisions of the memory test."""

BLOCKS_LIMIT = 2_000
"""By how many blocks of memory Python may hold more after them. What was freed before can hide a growth of the process,
but not of these."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: enterprises, rounds, calls of one round by how slow they are, decisions for memory, and how
    often a load and its phases (0: the first two phases, once).
    """

    enterprises: int
    rounds: int
    hot_calls: int
    oso_calls: int
    oso_random: int
    decisions: int
    loads: int


WHOLE = Size(1_000, 9, 2_000, 3, 10, 1_000_000, 7)
QUICK = Size(50, 1, 200, 1, 1, 5_000, 0)


@dataclass(slots=True)
class Series:
    """One thing that is timed: what it calls with which arguments, how often per round, and µs per call by round.

    What `before` does ahead of a round is not timed.
    """

    row: str
    column: str
    call: Callable[..., object]
    arguments: Sequence[tuple[Any, ...]]
    repeat: int
    times: list[float] = field(default_factory=list)
    before: Callable[[], object] | None = None

    def run(self) -> None:
        """Take one round."""
        if self.before is not None:
            self.before()
        call, arguments = self.call, self.arguments
        start = time.thread_time_ns()
        for _ in range(self.repeat):
            for one in arguments:
                call(*one)
        self.times.append((time.thread_time_ns() - start) / 1_000 / (self.repeat * len(arguments)))


@dataclass(frozen=True, slots=True)
class Subject:
    """Cases of one kind: their questions, and what engines are asked about them."""

    name: str
    is_allowed: bool
    cases: list[Case]

    @property
    def title(self) -> str:
        """How the tables call it."""
        return f"{self.name}, {'allowed' if self.is_allowed else 'denied'}"


def reasons(engine: Any, bundle: Bundle, case: Case) -> list[str]:
    """Find all reasons of a deny: what is unmet, and why."""
    action, subject, resource, context = case.question.action, case.subject, case.resource, case.context
    found = []
    for (requirement,) in engine.each("unmet", subject, FREE, action, resource, context):
        codes = []
        if requirement in bundle.rulebook.because:
            codes = [code for (code,) in engine.each("because", requirement, FREE, subject, resource, context)]
        found += codes or [bundle.rulebook.otherwise[requirement]]
    return found


def subjects_of(fact_cache: FactCache, bundle: Bundle, size: Size) -> Iterator[Subject]:
    """Assemble what is asked, kind by kind, in random order."""
    asked = list(worlds.questions(size.enterprises))
    random.Random(1).shuffle(asked)
    with fact_cache.read() as snapshot:
        for name in worlds.SUBJECTS:
            for is_allowed in (True, False):
                chosen = [one.question for one in asked if (one.about, one.is_allowed) == (name, is_allowed)]
                cases = [
                    assemble(MODEL, question, snapshot, lambda _: True, worlds.NOW, "bench", bundle.parameters)
                    for question in chosen
                ]
                yield Subject(name, is_allowed, [case for case in cases if isinstance(case, Case)])


def series_of(
    subject: Subject, bundles: dict[str, Bundle], points: dict[str, PolicyDecisionPoint], size: Size
) -> Iterator[Series]:
    """Everything that is timed about one kind of case."""
    few = size.oso_random

    def both(what: str, column: str, call: Callable[..., object], arguments: list[tuple[Any, ...]]) -> Iterator[Series]:
        is_slow = column == "oso"
        hot, spread = (size.oso_calls, arguments[:few]) if is_slow else (size.hot_calls, arguments)
        yield Series(f"{what} · hot", column, call, arguments[:1], hot)
        yield Series(f"{what} · random", column, call, spread, 1)

    rule = [("allow", c.subject, c.question.action, c.resource, c.context) for c in subject.cases]
    for column, bundle in bundles.items():
        yield from both(f"rule allow: {subject.title}", column, bundle.engine.holds, rule)
        yield from both(
            f"decide: {subject.title}", column, points[column].decide, [(c.question,) for c in subject.cases]
        )
        if not subject.is_allowed:
            given = [(bundle.engine, bundle, case) for case in subject.cases]
            yield from both(f"all reasons: {subject.title}", column, reasons, given)
    if subject.name == "seal use":
        hand = [(c.subject, c.resource, c.context) for c in subject.cases]
        yield from both(f"rule allow: {subject.title}", "by hand", by_hand.may_use, hand)
        few_calls = max(1, size.hot_calls // 20)
        case = subject.cases[0]
        traced = ("allow", case.subject, case.question.action, case.resource, case.context)
        explain = bundles["compiled"].engine.explain
        yield Series(f"traced rule allow: {subject.title} · hot", "compiled", explain, [traced], few_calls)
        yield Series(
            f"explain: {subject.title} · hot", "compiled", points["compiled"].explain, [(case.question,)], few_calls
        )


def agree(subject: Subject, bundles: dict[str, Bundle], points: dict[str, PolicyDecisionPoint], few: int) -> None:
    """Check that everything that is timed gives the right answer, and all the same one; this is also the warm-up."""
    for number, case in enumerate(subject.cases):
        answers = set()
        for name, bundle in bundles.items():
            if name == "oso" and number >= few:
                continue
            decision = points[name].decide(case.question)
            allowed = bundle.engine.holds("allow", case.subject, case.question.action, case.resource, case.context)
            answers.add((bool(decision), allowed, *_codes(decision), "|", *reasons(bundle.engine, bundle, case)))
            assert (bool(decision), allowed) == (subject.is_allowed, subject.is_allowed), (name, case.question)
        assert len(answers) == 1, (case.question, answers)
        if number < few:
            points["compiled"].explain(case.question)
            bundles["compiled"].engine.explain("allow", case.subject, case.question.action, case.resource, case.context)
        if subject.name == "seal use":
            assert by_hand.may_use(case.subject, case.resource, case.context) == subject.is_allowed


def _codes(decision: Decision) -> Iterator[str]:
    return (reason.code for reason in decision.reasons)


def measure_decisions(bundles: dict[str, Bundle], size: Size) -> list[Series]:
    """Time all engines on the same facts, in turn."""
    fact_cache = FactCache.of_records(MODEL, worlds.records(size.enterprises))
    points = {name: PolicyDecisionPoint(fact_cache, bundle, lambda: worlds.NOW) for name, bundle in bundles.items()}
    subjects = list(subjects_of(fact_cache, bundles["compiled"], size))
    for subject in subjects:
        agree(subject, bundles, points, size.oso_random)
    everything = [one for subject in subjects for one in series_of(subject, bundles, points, size)]
    for _ in range(size.rounds):
        for one in everything:
            one.run()
    return everything


def measure_load(size: Size, sources: Sequence[Source]) -> list[Series]:
    """Time the phases in which a bundle is loaded, and the whole. All run as in a load: without Python's collector.

    A reload starts from the bundle that is served; here a line was inserted in the middle of the largest file, so that
    all behind it stands elsewhere.
    """
    largest = max(sources, key=lambda source: len(source.text))
    nodes = tuple(node for source in sources for node in parse(source))

    def forget() -> None:
        forget_loads(MODEL)

    def parse_all() -> None:
        for source in sources:
            parse(source)

    def admit_all() -> Rulebook:
        return rulebook_of([one for source in sources for one in admit(source, attributes(MODEL))], PRODUCT_REASONS)

    folder = Path(tempfile.mkdtemp()) / "policies"
    shutil.copytree(installed_folder(), folder)
    edited = folder / largest.file
    lines = largest.text.splitlines(keepends=True)
    served: list[Bundle] = []

    def insert() -> None:
        lines.insert(len(lines) // 2, "\n")
        edited.write_text("".join(lines), encoding="utf-8")

    def edit() -> None:
        served[:] = [Bundle.load(MODEL, folder)]
        insert()

    cache = BundleCache(folder.parent / "cache")
    types = types_of(MODEL)

    def edit_cached() -> None:
        served[:] = [Bundle.load(MODEL, folder, cache=cache)]
        insert()

    def start() -> None:
        """Be a process that took its policies from the disk, where one that loaded them from nothing left them."""
        forget()
        if not cache.analyses(str(base_of(MODEL, types))):
            insert()
            Bundle.load(MODEL, folder, cache=cache)
            forget()
        edit_cached()

    def read_kept() -> None:
        kept = read_analysis(cache, str(base_of(MODEL, types)), sources, types)
        assert kept is not None, "nothing is kept by code that was changed a moment ago: run it again"
        start_from(MODEL, kept)

    book = admit_all()

    def compile_all() -> None:
        engine = CompiledEngine(nodes, MODEL.records, (*MODEL.contexts, Parameters))
        for rule, *arguments in questions_of(MODEL, book):
            engine.prepare(rule, *arguments)

    phases: list[tuple[str, str, Callable[[], object], Callable[[], None]]] = [
        ("gate and rulebook", "compiled", admit_all, forget),
        ("parse", "compiled", parse_all, forget),
        ("check", "compiled", lambda: diagnostics_of(MODEL, tuple(sources), nodes), forget),
        ("compile", "compiled", compile_all, forget),
        ("the whole load", "compiled", lambda: Bundle.load(MODEL), forget),
        ("a reload", "compiled", lambda: Bundle.load(MODEL, folder), edit),
        ("a reload, and kept on disk", "compiled", lambda: Bundle.load(MODEL, folder, cache=cache), edit_cached),
        (
            "the first one after a start from disk",
            "compiled",
            lambda: Bundle.load(MODEL, folder, cache=cache),
            start,
        ),
        ("of it: what is read for it", "compiled", read_kept, forget),
        ("the whole load", "oso", lambda: ReferenceEngine(sources, engine_classes(MODEL)), forget),
    ]
    series = [Series(f"load: {name}", column, call, [()], 1, before=before) for name, column, call, before in phases]
    if not size.loads:
        series = series[:2]
    for _ in range(max(1, size.loads)):
        for one in series:
            gc.collect()
            gc.disable()
            try:
                one.run()
            finally:
                gc.enable()
    shutil.rmtree(folder.parent)
    return series


def measure_memory(bundle: Bundle, size: Size) -> dict[str, float]:
    """Decide again and again, and see by how many MiB the process grows."""
    fact_cache = FactCache.of_records(MODEL, worlds.records(20))
    point = PolicyDecisionPoint(fact_cache, bundle, lambda: worlds.NOW)
    questions = [asked.question for asked in worlds.questions(20)]

    def decide(times: int) -> None:
        for number in range(times):
            point.decide(questions[number % len(questions)])

    decide(len(questions) * 50)
    gc.collect()
    before, blocks_before = resident_mib(), sys.getallocatedblocks()
    decide(size.decisions)
    gc.collect()
    grown, blocks = resident_mib() - before, sys.getallocatedblocks() - blocks_before
    assert grown < MEMORY_LIMIT_MIB, f"{size.decisions} decisions made the process grow by {grown:.1f} MiB"
    assert blocks < BLOCKS_LIMIT, f"{size.decisions} decisions left {blocks} blocks of memory behind"
    return {
        "decisions": size.decisions,
        "before_mib": round(before, 1),
        "growth_mib": round(grown, 2),
        "growth_blocks": blocks,
    }


def resident_mib() -> float:
    """How much memory the process holds now."""
    with Path("/proc/self/statm").open() as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: medians in µs, ratios to compiled as median, lowest and highest of the rounds."""

    name: str
    compiled: float
    spread: tuple[float, float]
    oso: float | None
    ratio: tuple[float, float, float] | None
    by_hand: float | None


def rows_of(series: Sequence[Series]) -> list[Row]:
    """Bring together what belongs into one row."""
    rows: dict[str, dict[str, list[float]]] = {}
    for one in series:
        rows.setdefault(one.row, {})[one.column] = one.times
    made = []
    for name, columns in rows.items():
        compiled = columns["compiled"]
        oso = columns.get("oso")
        ratios = sorted(theirs / ours for theirs, ours in zip(oso, compiled, strict=True)) if oso else None
        hand = columns.get("by hand")
        made.append(
            Row(
                name,
                statistics.median(compiled),
                (min(compiled), max(compiled)),
                statistics.median(oso) if oso else None,
                (statistics.median(ratios), ratios[0], ratios[-1]) if ratios else None,
                statistics.median(hand) if hand else None,
            )
        )
    return made


HEADINGS = ("", "compiled", "lowest – highest", "oso", "oso ÷ compiled", "by hand", "compiled ÷ by hand")


def cells_of(row: Row) -> tuple[str, ...]:
    """What stands in the table for one row."""
    ratio = f"{row.ratio[0]:,.0f} ({row.ratio[1]:,.0f} – {row.ratio[2]:,.0f})" if row.ratio else ""
    if row.name.startswith("load"):
        ratio = f"{row.ratio[0]:.2f}" if row.ratio else ""
    return (
        row.name,
        _time(row.compiled),
        f"{_time(row.spread[0])} – {_time(row.spread[1])}",
        _time(row.oso) if row.oso is not None else "",
        ratio,
        _time(row.by_hand) if row.by_hand is not None else "",
        f"{row.compiled / row.by_hand:.1f}" if row.by_hand is not None else "",
    )


def _time(microseconds: float) -> str:
    if microseconds >= 1_000:
        return f"{microseconds / 1_000:,.1f} ms"
    return f"{microseconds:.1f} µs" if microseconds >= 10 else f"{microseconds:.2f} µs"


@dataclass(frozen=True, slots=True)
class Target:
    """One number to reach: what it says, and whether this run reached it."""

    what: str
    target: str
    measured: str
    is_met: bool


def targets_of(rows: Sequence[Row], memory: dict[str, float]) -> list[Target]:
    """Compare with the first two rows of the design's numbers, and with those of the engine."""
    found = {row.name: row for row in rows}

    def at_most(what: str, row: str, limit: float, said: str) -> Target:
        return Target(what, f"≤ {said}", _time(found[row].compiled), found[row].compiled <= limit)

    made = []
    for what, row in (("the rule `allow`", "rule allow"), ("the whole decision", "decide")):
        for outcome in ("allowed", "denied"):
            for how, limit in (("hot", 3), ("random", 10)):
                name = f"{row}: seal use, {outcome} · {how}"
                made.append(at_most(f"seal use, {outcome}, {how}: {what}", name, limit, f"{limit} µs"))
                ratio = found[name].ratio
                if ratio:
                    made.append(Target("  the same against oso", "≥ 2,000 ×", f"{ratio[0]:,.0f} ×", ratio[0] >= 2_000))
    for how, limit in (("hot", 5), ("random", 12)):
        name = f"all reasons: seal use, denied · {how}"
        made.append(at_most(f"all reasons of a deny, {how}", name, limit, f"{limit} µs"))
    if "load: a reload" in found:
        phases = sum(found[f"load: {phase}"].compiled for phase in ("parse", "check", "compile"))
        made.append(Target("parse + check + compile", "≤ 1 s", _time(phases), phases <= 1_000_000))
        made.append(at_most("a reload after an edit", "load: a reload", 400_000, "0.4 s"))
        first = found["load: the first one after a start from disk"].compiled
        later = found["load: a reload, and kept on disk"].compiled
        ratio = (first - found["load: of it: what is read for it"].compiled) / later
        made.append(Target("  the first after a start, reading aside", "≤ 1.3 ×", f"{ratio:.2f} ×", ratio <= 1.3))
    for outcome in ("allowed", "denied"):
        name = f"seal use, {outcome} · hot"
        made.append(at_most(f"traced rule `allow`, {outcome}", f"traced rule allow: {name}", 50, "50 µs"))
        made.append(at_most(f"the whole explanation, {outcome}", f"explain: {name}", 50, "50 µs"))
    made.append(
        Target(
            f"growth over {memory['decisions']:,} decisions",
            f"< {MEMORY_LIMIT_MIB:.0f} MiB",
            f"{memory['growth_mib']:.2f} MiB, {memory['growth_blocks']:+,} blocks",
            memory["growth_mib"] < MEMORY_LIMIT_MIB,
        )
    )
    return made


TARGET_HEADINGS = ("number to reach", "target", "this run", "")


def environment(size: Size) -> dict[str, object]:
    """Where and how was measured."""
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "enterprises": size.enterprises,
        "rounds": size.rounds,
    }


def as_text(value: dict[str, object]) -> str:
    """Say in one line where and how was measured."""
    return (
        f"CPython {value['python']}, {value['machine']}, {value['cores']} cores shared with other processes "
        f"(load average {value['load_average']}); {value['enterprises']:,} enterprises, {value['rounds']} rounds, "
        "medians of CPU time"
    )


def print_tables(rows: Sequence[Row], targets: Sequence[Target], where: str) -> None:
    """Print everything for people."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(where, highlight=False)
    table = Table(box=box.SIMPLE_HEAD)
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if number == 0 else "right", no_wrap=number > 0)
    for row in rows:
        table.add_row(*cells_of(row))
    console.print(table)
    goals = Table(box=box.SIMPLE_HEAD)
    for heading in TARGET_HEADINGS:
        goals.add_column(heading)
    for target in targets:
        goals.add_row(target.what, target.target, target.measured, "met" if target.is_met else "[bold]not met[/bold]")
    console.print(goals)


def write_document(rows: Sequence[Row], targets: Sequence[Target], where: str) -> None:
    """Write the tables into docs/performance.md, between the marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    lines = [BEGIN, "", f"{where}.", ""]
    lines += _markdown(
        TARGET_HEADINGS, [(t.what.strip(), t.target, t.measured, "met" if t.is_met else "**not met**") for t in targets]
    )
    lines += ["", *_markdown(HEADINGS, [cells_of(row) for row in rows]), "", END]
    DOCUMENT.write_text(before + "\n".join(lines) + after, encoding="utf-8")


def _markdown(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in cells:
        yield f"| {' | '.join(row)} |"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short run, for CI: shows that it runs, not how fast")
    parser.add_argument("--markdown", action="store_true", help="replace the tables of docs/performance.md")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    size = QUICK if options.quick else WHOLE
    compiled = Bundle.load(MODEL, cache=bundle_cache() if options.quick else None)
    # oso in this process: what a process of its own costs on top is no part of the comparison.
    in_process = ReferenceEngine(compiled.sources, engine_classes(MODEL))
    bundles = {"compiled": compiled, "oso": dataclasses.replace(compiled, engine=in_process)}
    # Memory first: what the other measurements leave behind would hide a growth.
    memory = measure_memory(bundles["compiled"], size)
    load = measure_load(size, compiled.sources)
    rows = rows_of([*measure_decisions(bundles, size), *load])
    targets = targets_of(rows, memory)
    where = environment(size)
    if options.output == "json":
        made = {
            "environment": where,
            "memory": memory,
            "unit": "µs of CPU time",
            "rows": [
                {
                    "name": row.name,
                    "compiled": row.compiled,
                    "compiled_lowest_highest": row.spread,
                    "oso": row.oso,
                    "oso_to_compiled": row.ratio,
                    "by_hand": row.by_hand,
                }
                for row in rows
            ],
            "targets": [
                {"what": t.what.strip(), "target": t.target, "measured": t.measured, "is_met": t.is_met}
                for t in targets
            ],
        }
        print(json.dumps(made, ensure_ascii=False, indent=2))
    else:
        print_tables(rows, targets, as_text(where))
    if options.markdown:
        write_document(rows, targets, as_text(where))


if __name__ == "__main__":
    main()
