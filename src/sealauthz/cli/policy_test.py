"""The commands `policy test`, which runs policy tests with pytest, and `policy mutate`: what would they not notice?"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.bars import phases
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.printing import say

if TYPE_CHECKING:
    from sealauthz.policytools.attack.noticing import Attacked
    from sealauthz.policytools.testing.mutation import Outcome, Result

F = TypeVar("F", bound=Callable[..., Any])

HERE = Path("policies/tests")
_SHOWN_FAILING = 5


class _ForPytest(click.Command):
    """A command that keeps what follows `--` for pytest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put what follows `--` aside."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta["pytest"] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Say that more may follow."""
        return [*super().collect_usage_pieces(ctx), "[-- PYTEST OPTION...]"]


def tests_options(command: F) -> F:
    """Add `[PATH]...`, where the tests are, and `--policies FOLDER`, what they test."""
    paths = click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
    policies = click.option(
        "--policies",
        metavar="FOLDER",
        type=click.Path(path_type=Path, file_okay=False),
        help="The policies under test.  [default: the folder that `tests` lies in]",
    )
    return paths(policies(command))


@click.command("test", cls=_ForPytest)
@tests_options
@click.option("--engine", type=click.Choice(["compiled", "oso", "both"]), default="compiled", show_default=True)
@click.option("-k", "words", metavar="WORDS", help="Run the tests whose name matches, such as 'face and not task'.")
@click.option("-x", "--stop", is_flag=True, help="Stop at the first failure.")
@click.option("-n", "--processes", metavar="N", help="Run in N processes; `auto` takes one per core.")
@click.option("--junitxml", metavar="FILE", type=click.Path(path_type=Path), help="Write a report for CI.")
@click.option(
    "--coverage",
    multiple=True,
    type=click.Choice(["table", "missing", "annotate", "lcov"]),
    help="Tell what the tests reach; may be given several times.",
)
@click.option(
    "--coverage-to",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where `annotate` and `lcov` write.  [default: policy-coverage]",
)
@click.option("--fail-under", metavar="PERCENT", type=click.FloatRange(0, 100), help="The least condition coverage.")
@click.option("-v", "--verbose", is_flag=True, help="Print one line for each test.")
@click.pass_context
def policy_test(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    policies: Path | None,
    engine: str,
    words: str | None,
    stop: bool,
    processes: str | None,
    junitxml: Path | None,
    coverage: tuple[str, ...],
    coverage_to: Path | None,
    fail_under: float | None,
    verbose: bool,
) -> int:
    """Run the policy tests in PATH.

    PATH is a YAML file of tests, a folder of them, or a policy folder with a
    folder `tests` in it. Without PATH: policies/tests in the working directory,
    or the tests of the policies that are installed with sealauthz.

    Exits with 0 when all pass, 1 when one fails or the coverage is too low, and
    2 when a file cannot be understood.

    \b
      sealauthz policy test
      sealauthz policy test policies/tests/seal_use.yaml -k U-09
      sealauthz policy test --coverage missing --fail-under 95
      sealauthz policy test -- --lf --durations 5
    """
    if importlib.util.find_spec("pytest") is None:
        raise Stop("policy tests run with pytest, which is not installed: pip install 'sealauthz[test]'")
    places = test_paths(paths)
    for path in places:
        _under_test([path], policies)
    arguments = [str(path) for path in places]
    arguments += ["--policy-engine", engine]
    arguments += ["--policies", str(policies)] if policies is not None else []
    arguments += ["-k", words] if words is not None else []
    arguments += ["-x"] if stop else []
    if processes is not None:
        if importlib.util.find_spec("xdist") is None:
            raise Stop("several processes need pytest-xdist: pip install 'sealauthz[test]'")
        arguments += ["-n", processes]
    arguments += [f"--junitxml={junitxml}"] if junitxml is not None else []
    for kind in coverage:
        arguments += ["--policy-coverage", kind]
    arguments += ["--policy-coverage-to", str(coverage_to)] if coverage_to is not None else []
    arguments += ["--policy-fail-under", str(fail_under)] if fail_under is not None else []
    arguments += ["-v"] if verbose else ["-q"]
    return _run([*arguments, *ctx.meta["pytest"]])


@click.command("mutate")
@tests_options
@click.option(
    "--file", "files", metavar="FILE", multiple=True, help="Change only this policy file, such as signing.polar."
)
@click.option("--sample", metavar="N", type=click.IntRange(1), help="Make only N of the mistakes, chosen at random.")
@click.option(
    "--seed", metavar="S", type=int, default=0, show_default=True, help="Which ones: the same seed, the same sample."
)
@click.option("-n", "--processes", type=click.IntRange(1, 256), help="Processes.  [default: one per core]")
@click.option("--fail-under", metavar="PERCENT", type=click.FloatRange(0, 100), help="The least share to be noticed.")
@click.option(
    "--attack",
    "goals",
    metavar="PATH",
    type=click.Path(path_type=Path, exists=True),
    help="Search for the goals in this file or folder where no test notices a mistake.",
)
@click.option(
    "--depth",
    metavar="N",
    type=click.IntRange(1, 12),
    default=1,
    show_default=True,
    help="How many acts a search of --attack tries one after the other.",
)
@click.option(
    "--seconds",
    metavar="N",
    type=click.FloatRange(0.1),
    default=5.0,
    show_default=True,
    help="For each mistake and goal of --attack, at most.",
)
@output_option
def policy_mutate(
    *,
    paths: tuple[Path, ...],
    policies: Path | None,
    files: tuple[str, ...],
    sample: int | None,
    seed: int,
    processes: int | None,
    fail_under: float | None,
    goals: Path | None,
    depth: int,
    seconds: float,
    output: str,
) -> int:
    """Find the mistakes in the policies that the tests in PATH would not notice.

    Changes one thing at a time, in memory: a condition dropped or negated, a
    word or a comparison swapped, a rule, a requirement or a permission taken
    away, a number shifted. Runs the tests that reach it. What no test notices is
    listed: a test is missing there, or the rule says something twice.

    --attack searches for goals (`sealauthz policy attack`) under each mistake
    that no test notices, where an act of theirs rests on it. One that lets
    people reach a goal is noticed; which goal is printed. A mistake costs one or
    two seconds, and more with each act of --depth.

    PATH is what `policy test` takes. Exits with 0, with 1 when less than
    --fail-under is noticed, and with 2 when the tests themselves fail.

    \b
      sealauthz policy mutate
      sealauthz policy mutate --file seal_use.polar
      sealauthz policy mutate --fail-under 90
      sealauthz policy mutate --sample 300 --seed 7
      sealauthz policy mutate --file seal_use.polar --attack policies/tests
    """
    from sealauthz.policytools.testing.loading import files_of_tests
    from sealauthz.policytools.testing.mutation import Sample, TestsFail, mutate
    from sealauthz.policytools.testing.plugin import DEFAULT_MODEL

    places = test_paths(paths)
    folder = _under_test(places, policies)
    found = files_of_tests(places)
    count = processes or os.cpu_count() or 1
    attacked = _attacked(folder, found, goals, (depth, seconds)) if goals is not None else None
    with phases() as told:
        progress = told or (lambda *_: None)
        try:
            chosen = Sample(sample, seed) if sample is not None else None
            result = mutate(DEFAULT_MODEL, folder, found, count, files, chosen, progress)
        except TestsFail as error:
            named = "; ".join(error.names[:_SHOWN_FAILING])
            more = f" and {len(error.names) - _SHOWN_FAILING} more" if len(error.names) > _SHOWN_FAILING else ""
            raise Stop(f"these tests fail without any mistake: {named}{more}") from error
        if attacked is not None:
            from sealauthz.policytools.attack.noticing import with_goals

            result = with_goals(result, attacked, count, progress)
    if not result.outcomes:
        raise Stop("there is nothing to change in these files")
    if output == "json":
        print_json(_as_json(result))
    else:
        say(_as_text(result))
    return Exit.REFUSED if fail_under is not None and result.percent < fail_under else Exit.DONE


def _attacked(folder: Path, tests: Sequence[Path], goals: Path, bounds: tuple[int, float]) -> Attacked:
    """Load the goals of a file or folder. Raises Stop where there are none."""
    from sealauthz.policytools.attack.found import Limits
    from sealauthz.policytools.attack.noticing import Attacked, Place
    from sealauthz.policytools.testing.loading import files_of_tests
    from sealauthz.policytools.testing.plugin import DEFAULT_MODEL

    files = tuple(files_of_tests([goals]))
    words = tuple(dict.fromkeys((*tests, *files)))
    attacked = Attacked(Place(DEFAULT_MODEL, folder, files, words, Limits(*bounds)))
    if not attacked.goals:
        raise Stop(f"there are no goals in {goals}")
    return attacked


def test_paths(paths: Sequence[Path]) -> list[Path]:
    """Return where the tests lie: of a policy folder, its folder `tests`. Raises Stop where there are none."""
    from sealauthz.decision.folder import installed_folder
    from sealauthz.policytools.testing.plugin import is_policy_folder

    if not paths:
        paths = [HERE if HERE.is_dir() else installed_folder() / "tests"]
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise Stop(f"there is no file or folder `{path}`")
        inner = path / "tests"
        found.append(inner if path.is_dir() and is_policy_folder(path) and inner.is_dir() else path)
    return found


def _under_test(paths: Sequence[Path], policies: Path | None) -> Path:
    """Return the policies that tests are for: those named, or those beside the tests. Raises Stop without either."""
    from sealauthz.policytools.testing.loading import SUFFIXES, files_of_tests
    from sealauthz.policytools.testing.plugin import policy_folder

    found = [path for path in files_of_tests(paths) if path.suffix in SUFFIXES]
    if not found:
        raise Stop(f"there are no policy tests (.yaml, .yml) in {', '.join(f'`{path}`' for path in paths)}")
    folder = policies or next(filter(None, (policy_folder(path.absolute()) for path in found)), None)
    if folder is None:
        beside = "policy tests lie in a folder `tests` beside the policies that they test"
        raise Stop(f"there are no policies beside `{found[0]}`: {beside}; name others with --policies FOLDER")
    return folder


def _run(arguments: list[str]) -> int:
    """Run pytest with nothing but these arguments: no settings of whatever project this is called in."""
    import pytest

    sys.stdout.flush()
    os.environ.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD", None)
    # Our own plugin is imported before pytest could rewrite its asserts, of which it has none.
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    settings = ["-c", os.devnull, "--rootdir", str(Path.cwd()), "--tb=short", "--no-header", *quiet]
    if not _REMEMBERING.intersection(arguments):
        settings += ["-p", "no:cacheprovider"]  # leaves no .pytest_cache behind
    outcome = pytest.main([*settings, *arguments])
    return _EXITS.get(int(outcome), Exit.NO_ANSWER)


_REMEMBERING = frozenset({"--lf", "--last-failed", "--ff", "--failed-first", "--sw", "--stepwise"})
"""Options of pytest that need what an earlier run left."""

_EXITS = {0: Exit.DONE, 1: Exit.REFUSED, 2: Exit.WRONG_USE, 4: Exit.WRONG_USE, 5: Exit.WRONG_USE}
"""By the exit code of pytest: a file that cannot be collected interrupts it (2); no test at all is wrong use (5)."""


def _as_text(result: Result) -> str:
    from sealauthz.policytools.testing.mutation import Verdict

    missed = result.of(Verdict.SURVIVED, Verdict.UNREACHED)
    lines = [click.style("No test would notice if …", bold=True), *map(_line, missed), ""] if missed else []
    opening = [outcome for outcome in result.of(Verdict.KILLED) if outcome.goal]
    if opening:
        lines += [click.style("No test would notice, but a goal is reached, if …", bold=True)]
        lines += [line for each in opening for line in (_line(each), f"      {each.goal}")]
        lines += [""]
    lines += _table(result)
    served = len(result.outcomes) - len(result.of(Verdict.REFUSED))
    killed = len(result.of(Verdict.KILLED))
    noticed = f"{killed} of {served} mistakes are noticed ({result.percent:.1f} %)"
    refused = f"{len(result.of(Verdict.REFUSED))} more are refused when the policies are loaded"
    return "\n".join([*lines, "", f"{noticed}; {refused}"])


def _line(outcome: Outcome) -> str:
    from sealauthz.policytools.testing.mutation import Verdict

    mutant = outcome.mutant
    place = f"{mutant.place.file}:{mutant.place.line}" if mutant.place.line else mutant.place.file
    unreached = " (no test reaches it)" if outcome.verdict is Verdict.UNREACHED else ""
    return f"  {click.style(place, fg='cyan')}: {mutant.effect}{unreached}"


def _table(result: Result) -> list[str]:
    from sealauthz.policytools.testing.mutation import Verdict

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
                "goal": outcome.goal,
            }
            for outcome in result.outcomes
        ],
    }
