"""The pytest plugin: every policy test is a test item, run on one engine, or also on the other.

It takes the YAML files in the folder `tests` of a policy folder, and those under `--policies`. Nothing of SealAuthz is
imported before there is such a file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr
    from _pytest.terminal import TerminalReporter

    from sealauthz.decision import Bundle
    from sealauthz.decision.policies import Policies
    from sealauthz.policytools.testing.coverage import Coverage, Report
    from sealauthz.policytools.testing.suite import Failure, PolicyTest
    from sealauthz.schema import Model

DEFAULT_MODEL = "sealauthz.model:MODEL"
"""The model of the policies under test, where no setting names another."""

_OSO_TIMEOUT_MS = 180_000
"""A test waits for oso longer than a service would: on a slow machine it is slow, and not wrong."""

_SUFFIXES = frozenset({".yaml", ".yml"})
_HANDED_OVER = "sealauthz_policy_coverage"
_IMPOSSIBLE = "allow_impossible"

ENGINES = ("compiled", "oso", "both", "sampled")
"""What may evaluate policies under test; `sampled` is compiled for every test, and oso for one in SAMPLE_EVERY."""

SAMPLE_EVERY = 400
"""oso takes a thousand times as long as the compiled engine, and most tests of a file ask it about the same rules."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all of them beginning with `--policy` or `--policies`."""
    group = parser.getgroup("sealauthz", "policy tests (SealAuthz)")
    group.addoption(
        "--policies", metavar="FOLDER", type=Path, help="the policies under test (default: those beside the test files)"
    )
    group.addoption(
        "--policy-engine",
        choices=ENGINES,
        help=f"what evaluates them; `sampled` is compiled for all, and oso for one in {SAMPLE_EVERY} of every file, "
        "always the same (default: the setting `policy_engine`, or compiled)",
    )
    group.addoption(
        "--policy-coverage",
        action="append",
        choices=("table", "missing", "annotate", "lcov"),
        default=[],
        help="report which rules and conditions the tests reach: table, table with all that is missing, the policies "
        "annotated, or an LCOV file; may be given several times",
    )
    group.addoption(
        "--policy-coverage-to",
        metavar="FOLDER",
        type=Path,
        default=Path("policy-coverage"),
        help="where annotated policies and policies.lcov go (default: %(default)s)",
    )
    group.addoption(
        "--policy-coverage-of",
        metavar="FOLDER",
        action="append",
        type=Path,
        default=[],
        help="count only what is reached in this policy folder (default: in all that have tests); may be given several "
        "times",
    )
    group.addoption(
        "--policy-fail-under", metavar="PERCENT", type=float, help="fail when the condition coverage is below"
    )
    parser.addini("policy_engine", f"what evaluates policies under test: {', '.join(ENGINES)}", default="compiled")
    parser.addini(
        "policy_model", "the model of the policies under test: a module and a name in it", default=DEFAULT_MODEL
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep what the items of this run share."""
    config.stash[_SHARED] = _Shared(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the policy tests."""
    if file_path.suffix not in _SUFFIXES:
        return None
    folder = parent.config.getoption("policies") or policy_folder(file_path)
    if folder is None:
        return None
    file: PolicyFile = PolicyFile.from_parent(parent, path=file_path)
    file.folder = folder
    return file


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the coverage of a worker over to the process that started it."""
    shared = session.config.stash[_SHARED]
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_HANDED_OVER] = {str(folder): coverage.as_json() for folder, coverage in shared.coverages.items()}
    elif shared.is_below() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)  # there where pytest-xdist runs the tests in several processes
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker that ends has counted."""
    for folder, counts in getattr(node, "workeroutput", {}).get(_HANDED_OVER, {}).items():
        node.config.stash[_SHARED].take(folder, counts)


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print which tests hold facts that no store would take, and the coverage."""
    _print_impossible(terminalreporter)
    config.stash[_SHARED].print_to(terminalreporter)


def _print_impossible(reporter: TerminalReporter) -> None:
    """Print how many tests hold such facts; when the output is verbose, which ones and why."""
    held = {
        report.nodeid: reason
        for reports in reporter.stats.values()
        for report in reports
        for name, reason in getattr(report, "user_properties", ())
        if name == _IMPOSSIBLE
    }
    if not held:
        return
    said = "1 test holds" if len(held) == 1 else f"{len(held)} tests hold"
    reporter.write_line(f"{said} facts that no store would take (`allow_impossible`)")
    if reporter.verbosity > 0:
        for node, reason in held.items():
            reporter.write_line(f"  {node}: {reason}")


def policy_folder(file: Path) -> Path | None:
    """Return the policy folder whose tests a file is among: the parent of the nearest folder called `tests`."""
    for folder in file.parents:
        if folder.name == "tests":
            return folder.parent if is_policy_folder(folder.parent) else None
    return None


def is_policy_folder(folder: Path) -> bool:
    """Whether policies lie in a folder."""
    return (folder / "bundle.toml").is_file() or next(folder.glob("*.polar"), None) is not None


class PolicyTestFailed(Exception):
    """A policy test whose answers are not as expected, in words."""


class PolicyFile(pytest.File):
    """A file of policy tests."""

    folder: Path

    def collect(self) -> Iterator[pytest.Item]:
        """Return its tests, once for each engine that they run on."""
        from sealauthz.policytools.testing.loading import read_suite
        from sealauthz.runtime.errors import BundleRefused, SuiteRefused

        shared = self.config.stash[_SHARED]
        try:
            tests = read_suite([_shown(self.path)], shared.bundle(self.folder, "compiled"))
        except SuiteRefused as error:
            raise self.CollectError("\n".join(map(str, error.faults))) from error
        except BundleRefused as error:
            raise self.CollectError(f"the policies in `{_shown(self.folder)}` are refused: {error}") from error
        chosen = shared.engine
        for test, engine in runs_of(tests, chosen):
            name = test.name if chosen == engine else f"{test.name} [{engine}]"
            item: PolicyItem = PolicyItem.from_parent(self, name=name)
            item.test, item.engine = test, engine
            for rule in test.rules:
                item.extra_keyword_matches.add(rule)
            yield item


def runs_of(tests: Sequence[PolicyTest], chosen: str) -> Iterator[tuple[PolicyTest, str]]:
    """Return the tests of a file, in order, each with every engine that it runs on when one of ENGINES was chosen."""
    sample = sample_of(tests) if chosen == "sampled" else frozenset[str]()
    for test in tests:
        if chosen != "oso":
            yield test, "compiled"
        if chosen in ("oso", "both") or test.name in sample:
            yield test, "oso"


def sample_of(tests: Sequence[PolicyTest]) -> frozenset[str]:
    """Return the names of the tests of a file that a sample takes: one in SAMPLE_EVERY, at least one if there is any.

    Those with the fewest questions come first, as each may take seconds. Which of these depends on their names alone,
    so that it is the same everywhere, and on nothing that an author thinks of when a test is written.
    """
    ordered = sorted(tests, key=lambda test: (_questions(test), hashlib.sha256(test.name.encode()).digest()))
    return frozenset(test.name for test in ordered[: -(-len(ordered) // SAMPLE_EVERY)])


def _questions(test: PolicyTest) -> int:
    """How many questions a test asks."""
    from sealauthz.policytools.testing.suite import ListAsk

    return sum(len(ask.questions) if isinstance(ask, ListAsk) else 1 for ask in test.asks)


class PolicyItem(pytest.Item):
    """One policy test on one engine. What the server says in its `test` is found when it runs: each of the processes
    that run tests collects all, and runs some.
    """

    test: PolicyTest
    engine: str
    parent: PolicyFile

    def runtest(self) -> None:
        """Ask its questions."""
        from sealauthz.policytools.testing.stated import with_stated
        from sealauthz.policytools.testing.suite import failures_of, impossible_facts

        shared = self.config.stash[_SHARED]
        bundle = shared.bundle(self.parent.folder, self.engine)
        policies = shared.policies(self.parent.folder, self.engine)
        test = with_stated(self.test, bundle)
        if test.allow_impossible:
            self.user_properties.append((_IMPOSSIBLE, test.allow_impossible))
        # For a needless reason oso goes through all of them, for many seconds; the compiled engine is asked, too.
        is_sample = self.engine == "oso" and shared.engine == "sampled"
        failures = [*impossible_facts(test), *failures_of(test, policies, is_brief=is_sample)]
        if self.engine == "compiled" and shared.covers(self.parent.folder):
            shared.cover(self.parent.folder, test)
        # Thousands of items stay to the end of a run, what they read must not.
        for ask in (*test.asks, *self.test.asks):
            ask.facts.release()
        if failures:
            raise PolicyTestFailed("\n".join(self._text(failure, bundle) for failure in failures))

    def _text(self, failure: Failure, bundle: Bundle) -> str:
        from sealauthz.policytools.testing.suite import failure_text

        reporter: Any = self.config.pluginmanager.getplugin("terminalreporter")
        width = min(reporter._tw.fullwidth, 120) if reporter is not None else 100
        colour = self.config.getoption("color") == "yes" or (reporter is not None and reporter._tw.hasmarkup)
        return failure_text(failure, bundle, width, colour=colour)

    def repr_failure(  # noqa: D102 (as pytest says)
        self, excinfo: ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        if isinstance(excinfo.value, PolicyTestFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the test stands."""
        return self.path, self.test.line - 1, self.name


class _Shared:
    """The engines that were chosen, the bundles that are loaded, and what their tests reached."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.engine: str = config.getoption("policy_engine") or config.getini("policy_engine")
        if self.engine not in ENGINES:
            raise pytest.UsageError(f"`policy_engine` is `{self.engine}`, which is none of {', '.join(ENGINES)}")
        self._only = frozenset(folder.resolve() for folder in config.getoption("policy_coverage_of"))
        for folder in self._only:
            if not is_policy_folder(folder):
                raise pytest.UsageError(f"`{_shown(folder)}` of `--policy-coverage-of` is no policy folder")
        self._bundles: dict[tuple[Path, str], tuple[Bundle, Policies]] = {}
        self.coverages: dict[Path, Coverage] = {}

    def covers(self, folder: Path) -> bool:
        """Whether coverage of a policy folder is asked for."""
        options = self._config.option
        is_asked = bool(options.policy_coverage) or options.policy_fail_under is not None
        return is_asked and (not self._only or folder.resolve() in self._only)

    def bundle(self, folder: Path, engine: str) -> Bundle:
        """Return the policies of a folder."""
        return self._loaded(folder, engine)[0]

    def policies(self, folder: Path, engine: str) -> Policies:
        """Return the policies of a folder as what decides, with what is worked out for a decision."""
        return self._loaded(folder, engine)[1]

    def _loaded(self, folder: Path, engine: str) -> tuple[Bundle, Policies]:
        """Load the policies of a folder once; those on oso, which are large, until others are asked for."""
        from sealauthz.decision.bundle import Bundle, EngineKind
        from sealauthz.decision.bundle_cache import cache_of
        from sealauthz.decision.folder import model_for
        from sealauthz.decision.policies import Policies

        key = (folder.resolve(), engine)
        if key not in self._bundles:
            cache = cache_of(os.environ)
            if engine == EngineKind.OSO:
                os.environ.setdefault("POLAR_TIMEOUT_MS", str(_OSO_TIMEOUT_MS))
                for other in [known for known in self._bundles if known[1] == engine]:
                    del self._bundles[other]
            model = model_for(self._model(), folder)
            bundle = Bundle.load(model, folder, EngineKind(engine), needs_signoff=False, cache=cache)
            self._bundles[key] = bundle, Policies(bundle)
        return self._bundles[key]

    def _model(self) -> Model:
        name = self._config.getini("policy_model")
        try:
            model: Model = resolve_name(name)
        except (ValueError, ImportError, AttributeError) as error:
            said = f"`policy_model` is `{name}`, which cannot be imported: {error}"
            raise pytest.Collector.CollectError(said) from error
        return model

    def cover(self, folder: Path, test: PolicyTest) -> None:
        """Count what a test reaches."""
        self._coverage(folder.resolve()).run(test)

    def take(self, folder: str, counts: Any) -> None:
        """Take over what a worker counted."""
        self._coverage(Path(folder)).add_json(counts)

    def _coverage(self, folder: Path) -> Coverage:
        from sealauthz.policytools.testing.coverage import Coverage

        if folder not in self.coverages:
            self.coverages[folder] = Coverage(self.bundle(folder, "compiled"))
        return self.coverages[folder]

    def is_below(self) -> bool:
        """Whether the condition coverage of any policy folder is below what it must be."""
        limit = self._config.option.policy_fail_under
        return limit is not None and any(self._report(folder).percent < limit for folder in self.coverages)

    def _report(self, folder: Path) -> Report:
        from sealauthz.decision.folder import layout_of

        return self.coverages[folder].report(layout_of(folder).own)

    def print_to(self, reporter: TerminalReporter) -> None:
        """Print and write what was asked for."""
        from sealauthz.policytools.testing import coverage_report

        options = self._config.option
        for folder in self.coverages:
            report = self._report(folder)
            reporter.section(f"policy coverage of {_shown(folder)}")
            missing = "missing" in options.policy_coverage
            reporter.write(coverage_report.table_text(report, reporter._tw.fullwidth, missing=missing))
            for kind in ("annotate", "lcov"):
                if kind in options.policy_coverage:
                    write = getattr(coverage_report, f"write_{kind}")
                    reporter.write_line(f"wrote {write(report, folder, options.policy_coverage_to)}")
            limit = options.policy_fail_under
            if limit is not None and report.percent < limit:
                said = f"condition coverage is {report.percent:.1f} %, which is below {limit:g} %"
                reporter.write_line(said, red=True, bold=True)


_SHARED = pytest.StashKey[_Shared]()


def _shown(path: Path) -> Path:
    """Return a path as a person would write it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
