"""A database with the demo facts, and the command as a function."""

import os
import shutil

import pytest
from shared_cache import SHARED_CACHE

from sealauthz.cli.app import run
from sealauthz.decision import system_clock
from sealauthz.facts import Batch, Put, Store, upgrade
from sealauthz.model import MODEL
from sealauthz.ops.demo.facts import opening_facts


@pytest.fixture(autouse=True)
def _clean_surroundings(monkeypatch, tmp_path):
    """Run each test in a folder of its own, without the settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("SEALAUTHZ_")]:
        monkeypatch.delenv(name)
    # For the processes that a test starts.
    for name, value in SHARED_CACHE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def _demo_database(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    upgrade(f"sqlite:///{path}", MODEL)
    store = Store.open(f"sqlite:///{path}", MODEL)
    store.write(Batch("test", "opening", tuple(map(Put, opening_facts(system_clock())))))
    store.close()
    return path


@pytest.fixture
def demo_facts(_demo_database, tmp_path):
    """The database of the configuration, holding the demo facts."""
    return shutil.copy(_demo_database, tmp_path / "sealauthz.db")


@pytest.fixture
def sealauthz(capsys, monkeypatch):
    """The command: returns exit code, standard output and standard error."""

    def call(*arguments):
        with monkeypatch.context() as patch:
            # In this process, policies are compiled once for all tests.
            patch.setenv("SEALAUTHZ_CACHE", "off")
            code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call
