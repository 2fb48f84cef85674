"""Each test is run by one process, the files that take long first, and no process has much more than another."""

import itertools
from pathlib import Path

from spreading import LONG, shares

ROOT = Path(__file__).parents[1]
SHORT = [f"tests/test_{name}.py::test_{number}" for name in "abcdefghij" for number in range(100)]
TESTS = [*SHORT, *(f"{file}::test_{number}" for file in LONG for number in range(3))]


def test_each_test_is_in_one_share() -> None:
    for processes in (1, 2, 4, 7):
        given = shares(TESTS, processes)
        assert len(given) == processes
        assert sorted(place for share in given for place in share) == list(range(len(TESTS)))


def test_a_share_begins_with_what_takes_longest_and_keeps_files_whole() -> None:
    longest = sorted(LONG, key=lambda file: -LONG[file])
    for share in shares(TESTS, 4):
        files = [file for file, _ in itertools.groupby(TESTS[place].partition("::")[0] for place in share)]
        assert len(files) == len(set(files))
        assert files[0] in longest[:4]


def test_shares_take_as_long_as_each_other() -> None:
    seconds = [
        sum(LONG.get(file, 3.0) for file in {TESTS[place].partition("::")[0] for place in share})
        for share in shares(TESTS, 4)
    ]
    assert max(seconds) - min(seconds) <= max(LONG.values()) / 2


def test_what_is_said_to_take_long_is_there() -> None:
    assert [file for file in LONG if not (ROOT / file).is_file()] == []
