"""The random programs once more, over records and contexts that policies have extended."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import agreement
import programs


def _copy(module: ModuleType, name: str) -> ModuleType:
    """Load the file of a module again, as another module."""
    spec = importlib.util.spec_from_file_location(name, str(module.__file__))
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


def extended_modules() -> tuple[ModuleType, ModuleType]:
    """Return `programs` and `agreement` for records that were extended (`programs.ADDED`)."""
    made = _copy(programs, "extended_programs")
    sys.modules["programs"] = made
    try:
        return made, _copy(agreement, "extended_agreement")
    finally:
        sys.modules["programs"] = programs
