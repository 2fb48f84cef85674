"""Which process of a test run does what: each as much as every other, and what takes long first.

The processes take over what others have not begun (`--dist worksteal`). What is left for the end ought to be short: a
long test that begins last keeps one core busy, and the others wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler.worksteal import WorkStealingScheduling

LONG = {
    "tests/accessdiff/test_access_diff.py": 60,
    "tests/decision/test_laws.py": 50,
    "tests/cli/test_cli_policy_diff.py": 40,
    "tests/attack/test_finds_what_was_there.py": 40,
    "tests/policytest/test_mutation.py": 35,
    "tests/cli/test_cli_workers.py": 30,
    "policies/tests/seal_use.yaml": 30,
    "tests/decision/test_signoffs.py": 25,
    "tests/decision/test_listing_except.py": 25,
    "tests/decision/test_following_by_acts.py": 25,
    "tests/polar/test_core.py": 25,
    "tests/cli/test_cli_policy_test.py": 25,
    "tests/cli/test_cli_serve.py": 25,
    "tests/cli/test_cli_sync.py": 25,
    "tests/decision/test_listing.py": 20,
    "tests/policytest/test_policy_schema.py": 20,
    "tests/service/test_watching.py": 20,
    "tests/attack/test_search.py": 20,
    "policies/tests/approval_reach.yaml": 20,
    "tests/facts/test_consistency.py": 20,
    "tests/accessdiff/test_worked_changes.py": 20,
    "tests/cli/test_cli_policy_attack.py": 15,
    "tests/cli/test_cli_policy.py": 15,
    "tests/polar/test_analysis.py": 15,
    "tests/polar/test_equality.py": 15,
    "tests/decision/test_acts.py": 15,
    "tests/decision/test_imports.py": 15,
    "tests/decision/test_following.py": 15,
    "tests/model/effects/test_acts_at_once.py": 15,
    "tests/attack/test_shortcuts.py": 15,
    "tests/demo/test_story.py": 15,
    "tests/service/test_malformed.py": 15,
    "tests/test_tutorial.py": 15,
    "tests/test_setup.py": 15,
}
"""The files that take long, with the seconds: nothing depends on how exact they are, nor on whether all are here."""

_TEST_S = 0.03
"""What a test of another file takes."""


def shares(tests: Sequence[str], processes: int) -> list[list[int]]:
    """Return what each process does, in order, as places in the list of tests: whole files, the longest first."""
    files: dict[str, list[int]] = {}
    for place, test in enumerate(tests):
        files.setdefault(test.partition("::")[0], []).append(place)
    seconds = {file: LONG.get(file, _TEST_S * len(places)) for file, places in files.items()}
    given: list[list[int]] = [[] for _ in range(processes)]
    load = [0.0] * processes
    for file in sorted(files, key=lambda file: -seconds[file]):
        least = load.index(min(load))
        given[least] += files[file]
        load[least] += seconds[file]
    return given


def scheduler(config: pytest.Config, log: Any) -> WorkStealingScheduling:
    """Return the scheduler of pytest-xdist that begins with these shares."""
    # Only where the processes are started, and only where pytest-xdist is.
    from xdist.scheduler.worksteal import WorkStealingScheduling

    class Spread(WorkStealingScheduling):
        def schedule(self) -> None:
            if self.collection is None and self._check_nodes_have_same_collection():
                self.collection = next(iter(self.node2collection.values()))
                for node, places in zip(self.nodes, shares(self.collection, len(self.nodes)), strict=True):
                    if places:
                        self.node2pending[node].extend(places)
                        node.send_runtest_some(places)
            super().schedule()

    return Spread(config, log)
