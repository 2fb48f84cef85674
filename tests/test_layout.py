"""Imports go one way: a package imports only what stands above it, and no modules import each other in a circle."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

import sealauthz

ROOT = Path(sealauthz.__file__).parent

ORDER = (
    "v1",
    "errors",
    "background",
    "answers",
    "receipts",
    "keysets",
    "assertions",
    "schema",
    "model",
    "polar",
    "facts",
    "decision",
    "audit",
    "operations",
    "terminal",
    "policytest",
    "accessdiff",
    "rollout",
    "process",
    "metrics",
    "service",
    "client",
    "attack",
    "config",
    "doctor",
    "demo",
    "cli",
    "__main__",
)
"""Top to bottom. `demo` belongs to the command line."""

MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] != "v1")

WHO_MAY_NAME_THE_MODEL = ("model", "demo", "cli/app.py")
"""All else is given the model that it works with. `cli/app.py` is where the service is put together."""


def name_of(path: Path) -> str:
    """The name of a module, from its place: `facts.store.tables`; a package has the name of its folder."""
    return ".".join(path.with_suffix("").parts).removesuffix("__init__").removesuffix(".")


NAMES = {name_of(path): path for path in MODULES}


def imported_by(path: Path) -> set[str]:
    """The modules of SealAuthz that a module imports, wherever in it the import stands, for types as well."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = whole.removeprefix("sealauthz.") in NAMES or node.module == "sealauthz"
                names.add(whole if is_module else str(node.module))
    ours = {name.removeprefix("sealauthz.") for name in names if name.startswith("sealauthz.")}
    return ours - {"__version__", name_of(path)}


IMPORTS = {name: imported_by(path) for name, path in NAMES.items()}


def circles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of modules that import each other; none where each can be loaded before those that import it."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return [error.args[1]]
    return []


@pytest.mark.parametrize("name", sorted(NAMES))
def test_imports_go_one_way(name: str) -> None:
    own = name.split(".", maxsplit=1)[0]
    if not own:
        assert IMPORTS[name] == set()
        return
    assert own in ORDER, f"`{own}` has no place in the order"
    assert {imported.split(".")[0] for imported in IMPORTS[name]} <= {own, *ORDER[: ORDER.index(own)]}


def test_no_modules_import_each_other_in_a_circle() -> None:
    # The records name each other's types, because what they declare leads both ways; none is loaded for it.
    within = {name for name in NAMES if name.startswith("model.records.")}
    imports = {name: {some for some in found if not {name, some} <= within} for name, found in IMPORTS.items()}
    assert circles(imports) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_who_puts_the_service_together_imports_the_model(path: Path) -> None:
    names = {name for name in IMPORTS[name_of(path)] if name.split(".")[0] == "model"}
    assert not names or str(path).startswith(WHO_MAY_NAME_THE_MODEL)


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
        *(
            f"sealauthz.v1.{name}"
            for name in (
                "audit_pb2",
                "audit_pb2_grpc",
                "events_pb2",
                "events_pb2_grpc",
                "facts_pb2",
                "facts_pb2_grpc",
                "operations_pb2",
                "operations_pb2_grpc",
                "policy_pb2",
                "policy_pb2_grpc",
                "records_pb2",
                "revision_pb2",
            )
        ),
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


def test_no_two_files_of_tests_have_one_name() -> None:
    """They are imported by their names alone: of two, one would not run."""
    names = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
