"""Imports go one way: a package imports only what stands above it in the list of the design."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sealauthz

ROOT = Path(sealauthz.__file__).parent

ORDER = (
    "v1",
    "errors",
    "answers",
    "schema",
    "model",
    "polar",
    "facts",
    "decision",
    "terminal",
    "policytest",
    "accessdiff",
    "process",
    "service",
    "client",
    "config",
    "exchange",
    "demo",
    "cli",
    "__main__",
)
"""Top to bottom. `exchange` and `demo` belong to the command line."""

MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] != "v1")


def part_of(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def imports_of(path: Path) -> set[str]:
    """The parts of SealAuthz that a module imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {
                f"{node.module}.{alias.name}" if node.module == "sealauthz" else str(node.module)
                for alias in node.names
            }
    return {part_of(name) for name in names if name.split(".")[0] == "sealauthz"} - {"", "__version__"}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_go_one_way(path: Path) -> None:
    own = path.parts[0].removesuffix(".py")
    if own == "__init__":
        assert imports_of(path) == set()
        return
    assert own in ORDER, f"`{own}` has no place in the order"
    allowed = {own, *ORDER[: ORDER.index(own)]}
    assert imports_of(path) <= allowed


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_says_its_job(path: Path) -> None:
    assert ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8")))


def loaded_by(module: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after importing one."""
    program = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_client_needs_grpc_and_protobuf_only() -> None:
    loaded = loaded_by("sealauthz.client")
    ours = {name for name in loaded if name.startswith("sealauthz.") and not name.startswith("sealauthz.client")}
    assert ours == {
        "sealauthz.answers",
        "sealauthz.v1",
        *(f"sealauthz.v1.{name}" for name in ("authorization_pb2", "authorization_pb2_grpc")),
        *(f"sealauthz.v1.{name}" for name in ("facts_pb2", "facts_pb2_grpc", "records_pb2", "revision_pb2")),
    }
    assert not {"oso", "polar", "sqlalchemy", "alembic", "psycopg", "pydantic", "structlog", "click"} & {
        name.split(".")[0] for name in loaded
    }


def test_the_supervisor_of_workers_needs_the_standard_library_only() -> None:
    loaded = {name.split(".")[0] for name in loaded_by("sealauthz.process.supervisor")}
    brought = {name.split(".")[0] for name in loaded_by("sys")}
    assert loaded - brought - sys.stdlib_module_names == {"sealauthz"}


def test_importing_the_package_loads_nothing() -> None:
    assert {name for name in loaded_by("sealauthz") if name.startswith("sealauthz")} == {"sealauthz"}


def test_policies_are_evaluated_in_one_place_only() -> None:
    importers = {
        str(path)
        for path in MODULES
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] in ("oso", "polar") for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in ("oso", "polar"))
    }
    assert importers <= {"polar/reference.py"}
