"""Each test is run once, the files that take long first, and no process has much more than another."""

from pathlib import Path

from spreading import LONG, units

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
    assert all(len(names) == 1 for names in files)
    assert len(files) == len({name for names in files for name in names})
    seconds = [LONG.get(name, 3.0) for names in files for name in names]
    assert seconds == sorted(seconds, reverse=True)


def test_a_file_that_is_most_of_what_is_run_is_divided() -> None:
    long = max(LONG, key=lambda file: LONG[file])
    tests = [f"{long}::test_{number}" for number in range(60)] + ["tests/test_a.py::test_0"]
    given = units(tests, 2)
    assert [len(given), max(map(len, given))] == [17, 4]
    assert units(tests[:1], 2) == [[0]]
    assert units([], 2) == []


def test_what_is_said_to_take_long_is_there() -> None:
    assert [file for file in LONG if not (ROOT / file).is_file()] == []
