"""In which order the tests run, and what the process that runs one runs together with it.

What is left for the end ought to be short: a long test that begins last keeps one core busy, and others wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LONG = {
    "tests/accessdiff/test_access_diff.py": 60,
    "tests/decision/test_laws.py": 50,
    "tests/cli/test_cli_policy_diff.py": 40,
    "tests/attack/test_finds_what_was_there.py": 40,
    "tests/delivery/test_delivery.py": 40,
    "tests/policytest/test_mutation.py": 35,
    "tests/operations/test_killed.py": 30,
    "tests/cli/test_cli_workers.py": 30,
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

OWN_PROCESS = (
    "tests/accessdiff/test_worked_changes.py",
    "tests/cli/test_cli_policy_test.py",
    "tests/policytest/test_plugin.py",
    "tests/test_tutorial.py",
)
"""The files whose tests run commands in forks of a process that has loaded the policies (`own_process`), which takes
ten seconds: it is there once where one process runs all of them.
"""

POLICY_TESTS = "policies/tests/"
"""The policy tests. What counts which rules they reach is compiled in each process that asks it, in six seconds."""

_TEST_S, _POLICY_TEST_S = 0.03, 0.015
"""What a test of another file takes, and a policy test."""


_UNITS = 8
"""How many units a process does at least, if it can be."""


def units(tests: Sequence[str], processes: int) -> list[list[int]]:
    """Return what a process does in one go, as places in the list of tests: what takes longest first.

    That is a file, whose tests share what they make, or a part of it if it were much of what a process does.
    OWN_PROCESS is one as well, and so is POLICY_TESTS.
    """
    files: dict[str, list[int]] = {}
    for place, test in enumerate(tests):
        files.setdefault(test.partition("::")[0], []).append(place)
    policy_tests = [file for file in files if file.startswith(POLICY_TESTS)]
    seconds = {file: LONG.get(file, _TEST_S * len(places)) for file, places in files.items()}
    seconds |= {file: _POLICY_TEST_S * len(files[file]) for file in policy_tests}
    longest = sum(seconds.values()) / processes / _UNITS
    found: list[tuple[float, list[int]]] = []
    for together in (policy_tests, [file for file in OWN_PROCESS if file in files]):
        if together:
            taken = sum(seconds[file] for file in together)
            found.append((taken, [place for file in together for place in files.pop(file)]))
    for file, places in files.items():
        parts = min(len(places), math.ceil(seconds[file] / longest))
        for part in range(parts):
            given = places[part * len(places) // parts : (part + 1) * len(places) // parts]
            found.append((seconds[file] * len(given) / len(places), given))
    return [places for _, places in sorted(found, key=lambda unit: -unit[0])]
