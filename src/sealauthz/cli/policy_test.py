"""The command `policy test`: runs policy tests with pytest, for people who need not know it."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from sealauthz.cli.app import Exit, Stop

HERE = Path("policies/tests")


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


@click.command("test", cls=_ForPytest)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--policies",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="The policies under test.  [default: the folder that `tests` lies in]",
)
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
    arguments = [str(path) for path in test_paths(paths)]
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


def test_paths(paths: Sequence[Path]) -> list[Path]:
    """Return where the tests lie: of a policy folder, its folder `tests`. Raises Stop where there are none."""
    from sealauthz.decision.folder import installed_folder
    from sealauthz.policytest.plugin import is_policy_folder

    if not paths:
        paths = [HERE if HERE.is_dir() else installed_folder() / "tests"]
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise Stop(f"there is no file or folder `{path}`")
        inner = path / "tests"
        found.append(inner if path.is_dir() and is_policy_folder(path) and inner.is_dir() else path)
    return found


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
