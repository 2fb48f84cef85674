"""The schema before and after an upgrade, so that upgrades are tested while the product has one migration only.

The database of `BEFORE` is the product's without some of it; `AFTER` brings that, as a release would, and is what the
records declare. Alembic reads both behind the product's own migration.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from importlib.resources import as_file, files
from pathlib import Path

from sealauthz.model import MODEL
from sealauthz.schema import Model

BEFORE, AFTER = "0002", "0003"

BROUGHT = ("person.phone_hash", "seal.face_digest", "seal_witness")
"""What the upgrade brings: columns, and a table."""


def later_model(folder: Path) -> Model:
    """Return the product's model with these migrations, which are laid out in an empty folder."""
    package = folder / "later_schema_package"
    with as_file(files("sealauthz.model.migrations")) as own:
        shutil.copytree(own, package / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__init__.py").touch()
    for file in Path(__file__).parent.glob("000*.py"):
        shutil.copy(file, package / "migrations" / "versions")
    sys.path.append(str(folder))
    return dataclasses.replace(MODEL, migrations=f"{package.name}:migrations")
