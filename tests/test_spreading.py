"""Each test is run once, the files that take long first, and no process has much more than another."""

import re
from pathlib import Path

from spreading import LONG, OWN_PROCESS, POLICY_TESTS, units

ROOT = Path(__file__).parents[1]
SHORT = [f"tests/test_{name}.py::test_{number}" for name in "abcdefghij" for number in range(100)]
TESTS = [*SHORT, *(f"{file}::test_{number}" for file in LONG for number in range(3))]


def test_each_test_is_in_one_unit() -> None:
    for processes in (1, 2, 4, 7):
        given = units(TESTS, processes)
        assert sorted(place for unit in given for place in unit) == list(range(len(TESTS)))
        assert all(given)


def test_what_takes_longest_comes_first_and_files_stay_whole() -> None:
    given = units(TESTS, 1)
    files = [{TESTS[place].partition("::")[0] for place in unit} for unit in given]
    assert [names for names in files if len(names) > 1] == [set(OWN_PROCESS) & set(LONG)]
    assert sum(map(len, files)) == len({name for names in files for name in names})
    seconds = [sum(LONG.get(name, 3.0) for name in names) for names in files]
    assert seconds == sorted(seconds, reverse=True)


def test_a_file_that_is_most_of_what_is_run_is_divided() -> None:
    long = max(LONG, key=lambda file: LONG[file])
    tests = [f"{long}::test_{number}" for number in range(60)] + ["tests/test_a.py::test_0"]
    given = units(tests, 2)
    assert [len(given), max(map(len, given))] == [17, 4]
    assert units(tests[:1], 2) == [[0]]
    assert units([], 2) == []


def test_files_that_share_a_process_are_run_by_one() -> None:
    tests = [f"{file}::test_{number}" for number in range(60) for file in (*OWN_PROCESS, "tests/test_a.py")]
    (shared,) = [unit for unit in units(tests, 4) if tests[unit[0]].startswith(OWN_PROCESS)]
    assert len(shared) == 60 * len(OWN_PROCESS)


def test_one_process_runs_the_policy_tests() -> None:
    tests = [f"{POLICY_TESTS}{name}.yaml::{number}" for number in range(400) for name in "abc"]
    given = units([*TESTS, *tests], 4)
    (together,) = [unit for unit in given if unit[-1] >= len(TESTS)]
    assert sorted(together) == list(range(len(TESTS), len(TESTS) + len(tests)))


def test_what_is_said_to_take_long_is_there() -> None:
    assert [file for file in (*LONG, *OWN_PROCESS) if not (ROOT / file).is_file()] == []


def test_the_files_that_share_a_process_are_those_that_ask_for_it() -> None:
    """By what they import, or call of what imports it."""
    asks = re.compile(r"^from (own_process import|documents import (.+, )?run(,|$))", re.MULTILINE)
    files = (path for path in (ROOT / "tests").rglob("test_*.py") if asks.search(path.read_text(encoding="utf-8")))
    asking = {path.relative_to(ROOT).as_posix() for path in files}
    assert asking == set(OWN_PROCESS)
