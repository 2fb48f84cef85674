"""The command `policy mutate`: which mistakes in the policies the tests would not notice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.policy_test import test_paths

if TYPE_CHECKING:
    from sealauthz.policytest.mutation import Outcome, Result

_SHOWN_FAILING = 5


@click.command("mutate")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--policies",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="The policies under test.  [default: the folder that `tests` lies in]",
)
@click.option(
    "--file", "files", metavar="FILE", multiple=True, help="Change only this policy file, such as signing.polar."
)
@click.option("-n", "--processes", type=click.IntRange(1, 256), help="Processes.  [default: one per core]")
@click.option("--fail-under", metavar="PERCENT", type=click.FloatRange(0, 100), help="The least share to be noticed.")
@output_option
def policy_mutate(
    *,
    paths: tuple[Path, ...],
    policies: Path | None,
    files: tuple[str, ...],
    processes: int | None,
    fail_under: float | None,
    output: str,
) -> int:
    """Find the mistakes in the policies that the tests in PATH would not notice.

    Changes one thing at a time, in memory: a condition dropped or negated, a
    word or a comparison swapped, a rule, a requirement or a permission taken
    away, a number shifted. Runs the tests that reach it. What no test notices is
    listed: a test is missing there, or the rule says something twice.

    PATH is what `policy test` takes. Exits with 0, with 1 when less than
    --fail-under is noticed, and with 2 when the tests themselves fail.

    \b
      sealauthz policy mutate
      sealauthz policy mutate --file seal_use.polar
      sealauthz policy mutate --fail-under 90
    """
    from sealauthz.policytest.loading import files_of_tests
    from sealauthz.policytest.mutation import TestsFail, mutate
    from sealauthz.policytest.plugin import DEFAULT_MODEL, policy_folder

    found = files_of_tests(test_paths(paths))
    folder = policies or next(
        (f for f in map(policy_folder, (path.absolute() for path in found)) if f is not None), None
    )
    if folder is None:
        raise Stop("no policies next to these tests; name their folder with --policies")
    with _progress() as progress:
        try:
            result = mutate(DEFAULT_MODEL, folder, found, processes or os.cpu_count() or 1, files, progress)
        except TestsFail as error:
            named = "; ".join(error.names[:_SHOWN_FAILING])
            more = f" and {len(error.names) - _SHOWN_FAILING} more" if len(error.names) > _SHOWN_FAILING else ""
            raise Stop(f"these tests fail without any mistake: {named}{more}") from error
    if not result.outcomes:
        raise Stop("there is nothing to change in these files")
    if output == "json":
        print_json(_as_json(result))
    else:
        click.echo(_as_text(result))
    return Exit.REFUSED if fail_under is not None and result.percent < fail_under else Exit.DONE


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far it is, on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def progress(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(phase, total=total)
            bar.update(tasks[phase], completed=done)

        yield progress


def _as_text(result: Result) -> str:
    from sealauthz.policytest.mutation import Verdict

    missed = result.of(Verdict.SURVIVED, Verdict.UNREACHED)
    lines = []
    if missed:
        lines.append(click.style("No test would notice if …", bold=True))
        lines += [_line(outcome) for outcome in missed]
        lines.append("")
    lines += _table(result)
    served = len(result.outcomes) - len(result.of(Verdict.REFUSED))
    killed = len(result.of(Verdict.KILLED))
    lines.append("")
    lines.append(
        f"{killed} of {served} mistakes are noticed ({result.percent:.1f} %); "
        f"{len(result.of(Verdict.REFUSED))} more are refused when the policies are loaded"
    )
    return "\n".join(lines)


def _line(outcome: Outcome) -> str:
    from sealauthz.policytest.mutation import Verdict

    mutant = outcome.mutant
    place = f"{mutant.place.file}:{mutant.place.line}" if mutant.place.line else mutant.place.file
    unreached = " (no test reaches it)" if outcome.verdict is Verdict.UNREACHED else ""
    return f"  {click.style(place, fg='cyan')}: {mutant.effect}{unreached}"


def _table(result: Result) -> list[str]:
    from sealauthz.policytest.mutation import Verdict

    counts: Counter[tuple[str, Verdict]] = Counter((o.mutant.place.file, o.verdict) for o in result.outcomes)
    names = list(dict.fromkeys(outcome.mutant.place.file for outcome in result.outcomes))
    width = max(map(len, names))
    lines = [f"{'file':<{width}}  noticed  missed  refused"]
    for name in names:
        missed = counts[name, Verdict.SURVIVED] + counts[name, Verdict.UNREACHED]
        lines.append(
            f"{name:<{width}}  {counts[name, Verdict.KILLED]:>7}  {missed:>6}  {counts[name, Verdict.REFUSED]:>7}"
        )
    return lines


def _as_json(result: Result) -> dict[str, Any]:
    return {
        "percent": round(result.percent, 2),
        "mutants": [
            {
                "file": outcome.mutant.place.file,
                "line": outcome.mutant.place.line,
                "kind": str(outcome.mutant.kind),
                "if": outcome.mutant.effect,
                "verdict": str(outcome.verdict),
                "noticed_by": outcome.killed_by,
            }
            for outcome in result.outcomes
        ],
    }
