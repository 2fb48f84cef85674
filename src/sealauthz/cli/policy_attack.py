"""The command `policy attack`: which acts lead to what must never happen?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.attack_words import step_lines, width
from sealauthz.cli.bars import counting
from sealauthz.cli.completing import files_like, goal_names, texts
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.printing import say
from sealauthz.cli.settings import bundle_cache
from sealauthz.runtime.errors import BundleRefused

if TYPE_CHECKING:
    from sealauthz.policytools.attack.report import Report

HERE = Path("policies")


@click.command("attack")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), required=False)
@click.option(
    "--goals",
    "paths",
    metavar="PATH",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    shell_complete=files_like(".yaml", ".yml"),
    help="A file or folder of goals; may be given several times.  [default: FOLDER/tests]",
)
@click.option(
    "--goal",
    "names",
    metavar="NAME",
    multiple=True,
    shell_complete=texts(goal_names),
    help="Search for this goal only.",
)
@click.option("--depth", metavar="N", type=click.IntRange(1, 3), help="Try up to N acts.  [default: the goal's]")
@click.option(
    "--seconds",
    metavar="N",
    type=click.FloatRange(0.1),
    default=600.0,
    show_default=True,
    help="At most, per goal.",
)
@click.option("--replay", "is_replayed", is_flag=True, help="Perform what is found on a temporary database, as proof.")
@click.option("--plain", is_flag=True, help="Leave nothing out that cannot matter: slower, to check the search itself.")
@click.option("-n", "--processes", type=click.IntRange(1, 256), help="Processes.  [default: one per core]")
@output_option
def policy_attack(
    *,
    folder: Path | None,
    paths: tuple[Path, ...],
    names: tuple[str, ...],
    depth: int | None,
    seconds: float,
    is_replayed: bool,
    plain: bool,
    processes: int | None,
    output: str,
) -> int:
    """Search the policies in FOLDER for attacks.

    A goal says what must never happen, in which world, and who acts together.
    The search tries what these people may do, one act after the other, with the
    real policies and what the acts change, and prints the shortest way that
    leads to a goal. Without FOLDER: policies in the working directory, or those
    that are installed with sealauthz.

    Exits with 0 when no goal is reached within the bounds, which are printed,
    with 1 when one is, and with 2 when nothing was searched: wrong use, or
    policies or goals that cannot be loaded.

    \b
      sealauthz policy attack
      sealauthz policy attack --goal "one person alone ends a seal" --depth 3
      sealauthz policy attack policies/ --seconds 60 --replay -o json
    """
    from sealauthz.decision.folder import installed_folder
    from sealauthz.policytools.attack.found import Limits
    from sealauthz.policytools.attack.report import as_json
    from sealauthz.policytools.attack.runs import Attacker, Job, chosen, results_of
    from sealauthz.policytools.testing.loading import files_of_tests
    from sealauthz.policytools.testing.plugin import DEFAULT_MODEL

    policies = folder or (HERE if HERE.is_dir() else installed_folder())
    tests = policies / "tests"
    files = files_of_tests(paths or ([tests] if tests.is_dir() else []))
    words = files_of_tests([tests]) if tests.is_dir() else files
    limits = Limits(depth, seconds, is_pruned=not plain)
    job = Job(DEFAULT_MODEL, policies, tuple(files), tuple(words), limits, is_replayed, bundle_cache())
    try:
        attacker = Attacker(job)
    except BundleRefused as error:
        # A gate must tell policies that cannot be searched from a goal that is reached.
        raise Stop(str(error)) from error
    try:
        goals = chosen(attacker.goals.goals, names)
    except KeyError as error:
        raise Stop(str(error.args[0])) from error
    if not goals:
        raise Stop(f"there are no goals in {', '.join(map(str, paths)) or tests}")
    reports = []
    with counting("searching", len(goals)) as told:
        for report in results_of(job, attacker, goals, processes or os.cpu_count() or 1):
            reports.append(report)
            told(len(reports))
            if output != "json":
                _show(report)
    reached = [report for report in reports if report.record]
    if output == "json":
        print_json([as_json(report) for report in reports])
    else:
        say(f"\n{_sum(len(reached), len(reports))}")
    return Exit.REFUSED if reached else Exit.DONE


def _sum(reached: int, searched: int) -> str:
    """Say how many goals were reached."""
    if searched == 1:
        return "the goal is reached" if reached else "the goal is not reached"
    if reached:
        return f"{reached} of {searched} goals {'is' if reached == 1 else 'are'} reached"
    return f"none of the {searched} goals is reached"


def _show(report: Report) -> None:
    if not report.record:
        say(f"{click.style('not reached', fg='green')}  {report.goal}\n    {report.bound}")
        if report.left_out:
            say(f"    {report.left_out}")
        return
    say(f"{click.style('REACHED', fg='red', bold=True)}  {report.goal} ({report.file}:{report.line})")
    if not report.steps:
        say("    the world of the goal is there already: what it forbids holds before anybody acts")
    for line in step_lines(report.steps, width()):
        say(line)
    say(f"    reached by {report.record}")
    if report.is_replayed is not None:
        said = "it is performed" if report.is_replayed else f"it is not, {report.replay_said}"
        say(f"    replayed on a database: {said}")
