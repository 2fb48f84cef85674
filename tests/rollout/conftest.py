"""Small policies in several versions, and stores of their model."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tiny.model import TINY, facts

from sealauthz.decision import Bundle
from sealauthz.facts import Batch, Put, Store, upgrade
from sealauthz.rollout import Archive, load_archive

POLICIES = Path(__file__).parents[1] / "tiny" / "policies"

Variant = Callable[[int], Path]
"""Makes a folder of policies that publish documents of up to so many words."""


@pytest.fixture
def variant(tmp_path: Path) -> Variant:
    def make(longest: int) -> Path:
        folder = tmp_path / f"longest-{longest}"
        if not folder.exists():
            shutil.copytree(POLICIES, folder)
            numbers = folder / "parameters.toml"
            numbers.write_text(numbers.read_text().replace("longest = 500", f"longest = {longest}"))
        return folder

    return make


@pytest.fixture
def archives(variant: Variant) -> list[Archive]:
    """Three proposals: they publish documents of up to 500, 5 and 7 words."""
    return [Archive.of_folder(TINY, variant(longest)) for longest in (500, 5, 7)]


@pytest.fixture
def bundles(archives: list[Archive]) -> list[Bundle]:
    return [load_archive(TINY, archive) for archive in archives]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path / 'tiny.db'}"
    else:
        uri: str = request.getfixturevalue("postgresql_uri")
        name = f"tiny_{uuid.uuid4().hex}"
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        made = uri.replace("/postgres?", f"/{name}?")
    upgrade(made, TINY)
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url, TINY)
    store.write(Batch("test", "facts", tuple(map(Put, facts()))))
    yield store
    store.close()
