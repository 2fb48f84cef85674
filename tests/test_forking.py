"""A run in forks collects once, says of each test what one process says, and loses nothing when a fork dies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import forking
import pytest
from forking import LONG, OWN_PROCESS, POLICY_TESTS, units

pytestmark = pytest.mark.skipif(not forking.HAS_FORKS, reason="the tests run in forks on Linux only")

_CONFTEST = """
import os, pathlib, threading, warnings
import forking, pytest

def note(file, text):
    with open(pathlib.Path(__file__).with_name(file), "a") as to:
        to.write(f"{text}\\n")

def pytest_cmdline_main(config):
    forking.take_over(config)

def pytest_configure(config):
    if "A_THREAD" in os.environ:
        threading.Thread(target=threading.Event().wait, daemon=True).start()

if "WARNS" in os.environ:
    end = os._exit

    def warn_and_end(status):
        warnings.warn("a child was killed while it wrote")
        end(status)

    os._exit = warn_and_end

def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["from"] = os.getpid()

@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    note("handed_over", node.workeroutput["from"])

@pytest.fixture(scope="session")
def shared(worker_id, testrun_uid, tmp_path_factory):
    note("shared", f"{os.getpid()} {worker_id} {testrun_uid} {tmp_path_factory.getbasetemp()}")
    yield os.getpid()
    note("ended", os.getpid())
    if "BREAKS" in os.environ:
        raise ValueError("the end of the session")
"""

_TESTS = """
import os, pathlib, signal, warnings
import pytest
from conftest import note

note("imported", os.getpid())

@pytest.fixture(scope="module")
def of_module():
    note("module", f"{os.getpid()} begins")
    yield
    note("module", f"{os.getpid()} ends")

@pytest.mark.parametrize("number", range(20))
def test_passes(number, shared, of_module, tmp_path):
    assert shared == os.getpid()
    note("ran", f"{number} {os.getppid()}")

def test_fails(shared):
    os.write(1, b"said before")
    assert 1 + 1 == 3

@pytest.mark.skip(reason="for a reason")
def test_skipped(): ...

@pytest.mark.xfail(reason="known")
def test_known(): assert False

def test_warns(record_property):
    record_property("a", "b")
    warnings.warn("mind this")
"""

_DEADLY = """
import os, signal, sys
from conftest import note

def test_before(shared): note("ran", "before")
def test_killed(shared): os.kill(os.getpid(), signal.SIGKILL)
def test_between(shared): note("ran", "between")
def test_exits(shared): os._exit(7)
def test_after(shared): note("ran", f"after {sys.exc_info()[0]}")
"""


class Project:
    """A folder with tests, and what they noted when they were run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "conftest.py").write_text(_CONFTEST)
        (folder / "pytest.ini").write_text("[pytest]\n")

    def add(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start pytest in it."""
        path = os.pathsep.join([str(Path(forking.__file__).parent), *sys.path])
        options = ["-p", "no:cacheprovider", "-p", "no:sealauthz", "-p", "no:hypothesispytest", "-rA"]
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *arguments],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run pytest in it, and return its exit code and what it prints."""
        run = self.start(*arguments, **environment)
        said, _ = run.communicate()
        return run.returncode, said

    def noted(self, file: str) -> list[str]:
        path = self._folder / file
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_run_in_forks_says_what_a_run_in_one_process_says(project: Project) -> None:
    project.add("test_one.py", _TESTS)
    code, said = project.run("-n", "3", "--junitxml", "forked.xml", "-o", "junit_family=xunit1", "--durations", "3")
    alone, said_alone = project.run("-n", "0", "--junitxml", "alone.xml", "-o", "junit_family=xunit1")
    assert (code, alone) == (1, 1), said
    counts = "1 failed, 21 passed, 1 skipped, 1 xfailed, 1 warning"
    assert counts in said
    assert counts in said_alone
    for line in (
        "said before",
        "assert (1 + 1) == 3",
        "UserWarning: mind this",
        "SKIPPED [1] test_one.py",
        "slowest 3",
    ):
        assert line in said, line
    assert _cases(project, "forked.xml") == _cases(project, "alone.xml")


def _cases(project: Project, file: str) -> list[tuple[str | None, list[str], list[dict[str, str]]]]:
    """What a report in XML says of each test: its name, what is said of it, and its properties."""
    cases = ET.fromstring("\n".join(project.noted(file))).iter("testcase")
    return sorted(
        (case.get("name"), sorted({part.tag for part in case}), [each.attrib for each in case.iter("property")])
        for case in cases
    )


def test_tests_are_collected_once_and_run_in_several_processes_that_share_no_fixture(project: Project) -> None:
    project.add("test_one.py", _TESTS)
    code, said = project.run("-n", "3", "-k", "passes")
    assert code == 0, said
    [parent] = project.noted("imported")
    ran = [line.split() for line in project.noted("ran")]
    assert sorted(int(number) for number, _ in ran) == list(range(20))
    assert {its_parent for _, its_parent in ran} == {parent}
    pids, names, runs, folders = map(set, zip(*map(str.split, project.noted("shared")), strict=True))
    assert len(pids) == len(names) == len(folders) == len(project.noted("shared")) > 1
    assert parent not in pids
    assert len(runs) == 1
    for pid in pids:
        made = [line.split()[1] for line in project.noted("module") if line.startswith(f"{pid} ")]
        assert made == ["begins", "ends"] * (len(made) // 2)
    # All of them ended in good order, and handed over what plugins give to the parent.
    assert set(project.noted("ended")) == pids
    assert set(project.noted("handed_over")) >= pids


def test_a_process_that_has_grown_is_replaced_when_it_has_done_what_it_was_given(project: Project) -> None:
    for name in "abc":
        project.add(f"test_{name}.py", _TESTS)
    ran = {}
    for most in ("-1", "1000"):
        code, said = project.run("-n", "2", "-k", "passes", FORKS_GROW_MB=most)
        assert code == 0, said
        assert "60 passed" in said
        # What plugins know of the processes that are gone is handed over, too.
        pids = project.noted("handed_over")
        assert set(project.noted("ended")) <= set(pids)
        ran[most] = len(pids)
        for file in ("handed_over", "ended"):
            project.add(file, "")
    assert ran["-1"] > ran["1000"] == 2


def test_a_process_that_dies_fails_its_test_and_no_other(project: Project) -> None:
    project.add("test_deadly.py", _DEADLY)
    code, said = project.run("-n", "1")
    assert code == 1, said
    assert "2 failed, 3 passed" in said
    assert "the process that ran test_deadly.py::test_killed ended of signal 9" in said
    assert "the process that ran test_deadly.py::test_exits ended with exit code 7" in said
    assert project.noted("ran") == ["before", "between", "after None"]


def test_nothing_more_is_begun_after_as_many_failures_as_are_borne(project: Project) -> None:
    project.add("test_one.py", "def test_fails(shared): assert False\ndef test_next(): open('next', 'w')\n")
    code, said = project.run("-n", "1", "-x")
    assert code == 1, said
    assert "stopping after 1 failures" in said
    assert "1 failed in" in said
    # What the session made is taken away.
    assert len(project.noted("ended")) == 1


def test_what_breaks_at_the_end_of_a_session_fails_the_run(project: Project) -> None:
    project.add("test_one.py", "def test_passes(shared): ...\n")
    code, said = project.run("-n", "2", BREAKS="1")
    assert code == pytest.ExitCode.INTERNAL_ERROR, said
    assert "ValueError: the end of the session" in said


def test_a_test_that_takes_too_long_fails_and_says_where_it_was(project: Project) -> None:
    project.add("test_one.py", "import time\ndef test_waits(shared): time.sleep(60)\ndef test_next(shared): ...\n")
    code, said = project.run("-n", "1", "--timeout", "1")
    assert code == 1, said
    assert "1 failed, 1 passed" in said
    assert "Failed: Timeout" in said
    assert "time.sleep(60)" in said


def test_a_warning_as_a_process_ends_is_no_failure(project: Project) -> None:
    # Threads that look for warnings at once can leave the filters of one of them to the end of the process.
    project.add(
        "test_one.py",
        "import atexit, warnings\ndef test_passes(shared): atexit.register(warnings.simplefilter, 'error')\n",
    )
    code, said = project.run("-n", "2", WARNS="1")
    assert code == 0, said
    assert "1 passed" in said
    assert "INTERNALERROR" not in said  # where it went on as if it were the parent


def test_a_process_with_threads_is_not_forked(project: Project) -> None:
    project.add("test_one.py", "def test_passes(): ...\n")
    code, said = project.run("-n", "2", A_THREAD="1")
    assert code == pytest.ExitCode.USAGE_ERROR, said
    assert "1 threads run before the first test" in said


def test_what_cannot_be_collected_fails_the_run(project: Project) -> None:
    project.add("test_one.py", "def test_passes(): open('ran', 'w')\n")
    project.add("test_two.py", "import nothing_that_is_there\n")
    code, said = project.run("-n", "2")
    assert code == pytest.ExitCode.INTERRUPTED, said
    assert "1 error during collection" in said
    assert not project.noted("ran")


def test_no_process_goes_on_without_the_one_that_started_it(project: Project) -> None:
    project.add(
        "test_one.py",
        """
import os, time
from conftest import note

def test_waits(shared):
    note("begun", os.getpid())
    while not os.path.exists("go"):
        time.sleep(0.01)

def test_next(): note("next", os.getpid())
""",
    )
    with project.start("-n", "1") as run:
        while not project.noted("begun"):
            assert run.poll() is None
            time.sleep(0.01)
        [child] = project.noted("begun")
        run.kill()
        run.wait()
        project.add("go", "")
        while _is_running(child):
            time.sleep(0.01)
    assert project.noted("ended") == [child]
    assert not project.noted("next")


def _is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


# --- what runs in one go, and in which order --------------------------------------------------------------------------

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
    assert [file for file in (*LONG, *OWN_PROCESS) if not (Path(__file__).parents[1] / file).is_file()] == []


def test_the_files_that_share_a_process_are_those_that_ask_for_it() -> None:
    """By what they import, or call of what imports it."""
    asks = re.compile(r"^from (own_process import|documents import (.+, )?run(,|$))", re.MULTILINE)
    files = (
        path
        for path in (Path(__file__).parents[1] / "tests").rglob("test_*.py")
        if asks.search(path.read_text(encoding="utf-8"))
    )
    asking = {path.relative_to(Path(__file__).parents[1]).as_posix() for path in files}
    assert asking == set(OWN_PROCESS)
