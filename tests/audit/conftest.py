"""Stores of the second model, on each database, and a log that records were put into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from tiny.model import TINY, facts

from sealauthz.audit.note import Signer
from sealauthz.audit.sequencer import Sequencer
from sealauthz.facts import Batch, Put, Store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, new_database: Callable[..., str]) -> str:
    return new_database(request.param, TINY)


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
