"""What the tests of effects share: a store for the facts of one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from acting import NewPlatform, Platform
from harness import Clock, NewWorld, World, facts

from sealauthz.facts import Store
from sealauthz.model import MODEL


@pytest.fixture
def world(new_database: Callable[[str], str]) -> Iterator[NewWorld]:
    """Make the world of a test: the facts of the policy tests with what differs, in a store of their own."""
    stores: list[Store] = []

    def make(*situations: str, **given: Any) -> World:
        clock = Clock()
        stores.append(Store.open(new_database("sqlite"), MODEL, clock))
        return World(stores[-1], facts(*situations, **given), clock)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def platform(new_database: Callable[[str], str]) -> Iterator[NewPlatform]:
    """Make a platform with the facts of the policy tests and what differs, in a store of their own."""
    made: list[Platform] = []

    def make(*situations: str, **given: Any) -> Platform:
        made.append(Platform(new_database("sqlite"), facts(*situations, **given)))
        return made[-1]

    yield make
    for each in made:
        each.store.close()
