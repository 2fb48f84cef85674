"""Finds the files of policy tests, reads them for a bundle, and runs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sealauthz.decision import Bundle
from sealauthz.decision.folder import model_for
from sealauthz.decision.policies import Policies
from sealauthz.policytools.testing.library import Library
from sealauthz.policytools.testing.reading import tests_of
from sealauthz.policytools.testing.stated import with_stated
from sealauthz.policytools.testing.suite import (
    Failure,
    PolicyTest,
    failures_of,
    impossible_facts,
)
from sealauthz.policytools.testing.vocabulary import Vocabulary
from sealauthz.runtime.errors import Fault, SuiteRefused
from sealauthz.schema import Model

SUFFIXES = (".yaml", ".yml")


def files_of_tests(paths: Iterable[Path]) -> list[Path]:
    """Return the files of tests among paths and in folders, sorted by folder. Raises SuiteRefused where one is not
    there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())
            found |= dict.fromkeys(inside)
        elif path.is_file():
            found[path] = None
        else:
            raise SuiteRefused(Fault(str(path), 1, 1, "there is no such file or folder"))
    return list(found)


def load_suite(files: Sequence[Path], bundle: Bundle) -> tuple[PolicyTest, ...]:
    """Read test files for a bundle. Raises SuiteRefused with everything that is wrong in them."""
    return tuple(with_stated(test, bundle) for test in read_suite(files, bundle))


def read_suite(files: Sequence[Path], bundle: Bundle) -> tuple[PolicyTest, ...]:
    """Read test files for a bundle, and leave the words in them that stand for what the server says (`with_stated`).

    Raises SuiteRefused with everything that is wrong in them.
    """
    library, vocabulary = Library(bundle.model), Vocabulary(bundle)
    tests: list[PolicyTest] = []
    for path in files:
        tests += tests_of(path, library, vocabulary)
    library.refuse()
    return tuple(tests)


class PolicyTests:
    """Policy tests of one bundle, to be run by a program: no pytest, no output.

    Raises BundleRefused for faulty policies and SuiteRefused for faulty tests. `paths` are files and folders of tests;
    by default the folder `tests` of the policies.
    """

    def __init__(self, model: Model, policies: Path, paths: Iterable[Path] = ()) -> None:
        self.bundle = Bundle.load(model_for(model, policies), policies, needs_signoff=False)
        self.tests = load_suite(files_of_tests(tuple(paths) or [policies / "tests"]), self.bundle)

    def failures(self) -> Iterator[Failure]:
        """Ask every question; return the answers that are not as expected, and the facts that no store would take."""
        policies = Policies(self.bundle)
        for test in self.tests:
            yield from impossible_facts(test)
            yield from failures_of(test, policies)
