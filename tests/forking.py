"""Runs the tests in forks of the process that collected them: what is imported, collected and compiled is there once.

`-n` asks for it as it does for pytest-xdist, which starts processes that each import, collect and compile all of it.
Linux only: elsewhere libraries may start threads of their own, which a fork loses.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
import traceback
import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Never
from uuid import uuid4

import pytest
from _pytest.config import create_terminal_writer
from _pytest.junitxml import LogXML
from _pytest.tmpdir import TempPathFactory

_TASKS, _STATM = Path("/proc/self/task"), Path("/proc/self/statm")
HAS_FORKS = _TASKS.exists()
"""Whether tests run in forks here."""

_GROWTH = int(os.environ.get("FORKS_GROW_MB", "100")) * 2**20 // os.sysconf("SC_PAGE_SIZE")
"""A process that has grown by so many pages is replaced when it has done what it was given: what tests leave behind in
caches, and in memory that is torn in pieces, is not given back otherwise.
"""

_DISTS = ("load", "worksteal")
_SENT_AT_ONCE = 64
_Message = tuple[str, Any]


def take_over(config: pytest.Config) -> None:
    """Run the tests in forks if pytest-xdist was asked to run them in processes of this machine."""
    option = config.option
    if not HAS_FORKS or option.collectonly or not getattr(option, "tx", None) or option.dist not in _DISTS:
        return
    if any(place != "popen" for place in option.tx):
        return
    processes = len(option.tx)
    option.tx, option.dist, option.numprocesses = [], "no", 0
    config.pluginmanager.register(_Parent(config, processes), "forking")


def run_of(config: pytest.Config) -> str | None:
    """The id of a run whose tests run in forks, in the process that started them; None elsewhere."""
    parent = config.pluginmanager.getplugin("forking")
    return parent.run if isinstance(parent, _Parent) and not is_fork(config) else None


def is_fork(config: pytest.Config) -> bool:
    """Tell whether this process is one of the forks."""
    return config.pluginmanager.hasplugin("forked")


@dataclass
class _Fork:
    """A process that runs tests, as the one that started it sees it."""

    pid: int
    pipe: Connection
    left: deque[int]
    """The places of the tests that it was given and has not ended; the first is the one that it runs, once begun."""
    is_running: bool = False


class _Parent:
    """Gives tests to the forks, and reports what they report."""

    def __init__(self, config: pytest.Config, processes: int) -> None:
        self._config = config
        self._processes = processes
        self._forks: dict[Connection, _Fork] = {}
        self._units: deque[list[int]] = deque()
        self.run = uuid4().hex
        self._numbers = itertools.count()

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run all tests; return None for pytest to say that they could not be collected."""
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            return None
        self._units.extend(units([item.nodeid for item in session.items], self._processes))
        # Before the first fork, as each of them has its own below it.
        self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # nothing public is there sooner
        try:
            for _ in range(min(self._processes, len(self._units))):
                self._start(session)
            while self._forks:
                for pipe in wait(list(self._forks)):
                    self._hear(session, self._forks[pipe])  # type: ignore[index]
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
        finally:
            self._stop()
        return True

    def _start(self, session: pytest.Session) -> None:
        """Start a process."""
        threads = len(list(_TASKS.iterdir()))
        if threads > 1:
            raise pytest.UsageError(f"{threads - 1} threads run before the first test, which forks would not have")
        # What is captured lies in files, and each process needs its own.
        capture: Any = self._config.pluginmanager.getplugin("capturemanager")
        capture.stop_global_capturing()
        here, there = Pipe()
        name = f"gw{next(self._numbers)}"
        pid = os.fork()
        if pid == 0:
            here.close()
            for pipe in self._forks:
                pipe.close()
            _Child(session, there, {"workerid": name, "testrunuid": self.run}).live()
        there.close()
        capture.start_global_capturing()
        self._forks[here] = _Fork(pid, here, deque())

    def _hear(self, session: pytest.Session, fork: _Fork) -> None:
        """Take what a process says, and do what follows from it."""
        messages: list[_Message] = []
        try:
            messages = fork.pipe.recv()
        except (EOFError, ConnectionResetError):
            is_dead = True
        else:
            is_dead = False
        if is_dead:  # outside of `except`: what is forked there has that error as the context of all others
            self._died(session, fork)
        for kind, content in messages:
            if kind == "next":
                fork.left = deque(self._units.popleft() if self._units else ())
                fork.pipe.send(list(fork.left))
            elif kind == "end":
                self._bury(fork)
                node = SimpleNamespace(config=self._config, workeroutput=content)
                self._config.hook.pytest_testnodedown(node=node, error=None)
                if self._units:
                    self._start(session)
            elif kind == "broken":
                raise RuntimeError(f"a process that runs tests ended with\n{content}")
            else:
                self._follow(session, fork, kind, content)

    def _follow(self, session: pytest.Session, fork: _Fork, kind: str, content: Any) -> None:
        """Take what a process says about a test."""
        hook = self._config.hook
        if kind == "begin":
            fork.is_running = True
        elif kind == "done":
            fork.is_running = False
            fork.left.popleft()
        elif kind == "report":
            hook.pytest_runtest_logreport(
                report=hook.pytest_report_from_serializable(config=self._config, data=content)
            )
        else:
            told = {**content, "warning_message": warnings.WarningMessage(**content["warning_message"])}
            hook.pytest_warning_recorded.call_historic(kwargs=told)

    def _died(self, session: pytest.Session, fork: _Fork) -> None:
        """Report the test that a process died in, and have another do what it was still to do."""
        status = self._bury(fork)
        how = f"of signal {-status}" if status < 0 else f"with exit code {status}"
        if not fork.is_running:
            raise RuntimeError(f"a process that runs tests ended {how} between two tests")
        item = session.items[fork.left.popleft()]
        report = pytest.TestReport(
            item.nodeid, item.location, {}, "failed", f"the process that ran {item.nodeid} ended {how}", "call"
        )
        self._config.hook.pytest_runtest_logreport(report=report)
        if fork.left:
            self._units.appendleft(list(fork.left))
        if self._units:
            self._start(session)

    def _bury(self, fork: _Fork) -> int:
        """Take leave of a process that ends; return how it ended, as `subprocess` says it."""
        del self._forks[fork.pipe]
        fork.pipe.close()
        return os.waitstatus_to_exitcode(os.waitpid(fork.pid, 0)[1])

    def _stop(self) -> None:
        """Have all processes that still run end what they are at, and wait for them."""
        for fork in list(self._forks.values()):
            # That the pipe is closed is what they see before the next test.
            self._bury(fork)


class _Gap(pytest.Item):
    """What follows the last test that a process knows of: no fixture but those of the session outlives that test."""

    def runtest(self) -> None:
        """Never called."""
        raise AssertionError


class _Child:
    """Runs tests in a process of its own, and tells the parent."""

    def __init__(self, session: pytest.Session, pipe: Connection, about: dict[str, str]) -> None:
        self._session = session
        self._config: Any = session.config
        self._pipe = pipe
        self._about = about
        self._unsent: list[_Message] = []
        self._is_new = True

    def live(self) -> Never:
        """Run what the parent gives, and end this process."""
        status = 1
        try:
            # What is to be done at the end of the parent is not done here.
            _atexit("_clear")
            self._become()
            try:
                self._serve()
            finally:
                self._config.hook.pytest_sessionfinish(session=self._session, exitstatus=pytest.ExitCode.OK)
                _atexit("_run_exitfuncs")
            self._say("end", self._config.workeroutput, is_last=True)
            status = 0
        except (KeyboardInterrupt, EOFError, BrokenPipeError):
            pass  # the parent ends, too, or has ended
        except BaseException:  # noqa: BLE001 (the parent says it)
            self._say("broken", traceback.format_exc(), is_last=True)
        finally:
            # What measures coverage looks, as the process ends, at what its own children left, and warns of one that
            # was killed while it wrote. No process goes on here because a warning is an error in tests.
            warnings.simplefilter("ignore")
            os._exit(status)

    def _become(self) -> None:
        """Make of what was the parent what plugins know a worker of pytest-xdist by."""
        config, plugins = self._config, self._config.pluginmanager
        plugins.getplugin("capturemanager").start_global_capturing()
        # They report, and the parent does that.
        for plugin in [plugins.getplugin("terminalreporter"), *plugins.get_plugins()]:
            if plugin is not None and (isinstance(plugin, LogXML) or plugin is plugins.getplugin("terminalreporter")):
                plugins.unregister(plugin)
        # What stops a test that takes too long writes where all threads are.
        plugins.register(SimpleNamespace(_tw=create_terminal_writer(config, sys.stderr)), "terminalreporter")
        config.workerinput, config.workeroutput = self._about, {}
        config.option.basetemp = config._tmp_path_factory.getbasetemp() / f"popen-{self._about['workerid']}"
        config._tmp_path_factory = TempPathFactory.from_config(config, _ispytest=True)
        plugins.register(self, "forked")
        self._is_new = False

    def _serve(self) -> None:
        gap = _Gap.from_parent(self._session, name="gap")
        begun = _pages()
        while True:
            self._say("next", None, is_last=True)
            unit: Sequence[int] = self._pipe.recv()
            if not unit:
                return
            for place, following in itertools.zip_longest(unit, unit[1:]):
                if self._pipe.poll():  # closed: nobody is there any more
                    raise EOFError
                item = self._session.items[place]
                self._say("begin", None, is_last=True)
                nextitem = gap if following is None else self._session.items[following]
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
                self._say("done", None)
            if _pages() > begun + _GROWTH:
                return

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Report it to the parent."""
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._say("report", data)

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Any
    ) -> None:
        """Hand it over to the parent, which knows those from before this process was there."""
        if not self._is_new:
            told = {
                "message": str(warning_message.message),
                "category": warning_message.category,
                "filename": warning_message.filename,
                "lineno": warning_message.lineno,
            }
            self._say("warning", {"warning_message": told, "when": when, "nodeid": nodeid, "location": location})

    def _say(self, kind: str, content: Any, *, is_last: bool = False) -> None:
        """Say it to the parent, with others that were kept back."""
        self._unsent.append((kind, content))
        if is_last or len(self._unsent) >= _SENT_AT_ONCE:
            self._pipe.send(self._unsent)
            self._unsent = []


def _pages() -> int:
    """How many pages of memory this process has, those that it shares with others among them."""
    return int(_STATM.read_text(encoding="ascii").split()[1])


def _atexit(name: str) -> None:
    """Call one of the functions that the multiprocessing module calls when it forks, too."""
    getattr(sys.modules["atexit"], name)()


# --- what runs in one go, and in which order: the longest first, so that the end is short -----------------------------

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
