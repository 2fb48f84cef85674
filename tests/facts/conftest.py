"""A model whose schema was upgraded once."""

from __future__ import annotations

import pytest
from later_schema import later_model

from sealauthz.schema import Model


@pytest.fixture(scope="session")
def later(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The product's model with two more migrations: what was before, and what an upgrade brings."""
    return later_model(tmp_path_factory.mktemp("later"))
