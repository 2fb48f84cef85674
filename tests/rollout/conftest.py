"""Small policies in several versions, and stores of their model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny.model import TINY, facts

from sealauthz.decision import Bundle
from sealauthz.facts import Batch, Put, Store
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
def url(request: pytest.FixtureRequest, new_database: Callable[..., str]) -> str:
    return new_database(request.param, TINY)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url, TINY)
    store.write(Batch("test", "facts", tuple(map(Put, facts()))))
    yield store
    store.close()
