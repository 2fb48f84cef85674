"""Stores of the second model, on each database, and a log that records were put into."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from tiny.model import TINY, facts

from sealauthz.audit.note import Signer
from sealauthz.audit.sequencer import Sequencer
from sealauthz.facts import Batch, Put, Store, upgrade


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path_factory.mktemp('tiny') / 'tiny.db'}"
    else:
        uri: str = request.getfixturevalue("postgresql_uri")
        name = f"audit_{threading.get_ident()}_{id(request)}"
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        made = uri.replace("/postgres?", f"/{name}?")
    upgrade(made, TINY)
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(Store.open(url, TINY)) as store:
        store.write(Batch("test", "facts", tuple(map(Put, facts()))))
        yield store


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer.fresh("test.example/log")


@pytest.fixture
def sequencer(store: Store, signer: Signer) -> Sequencer:
    return Sequencer(store, "test.example/log", signer)
