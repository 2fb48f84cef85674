"""Imports go one way: a package imports only what stands above it, and no modules import each other in a circle."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import sealauthz

ROOT = Path(sealauthz.__file__).parent

ORDER = (
    "runtime",
    "schema",
    "model",
    "polar",
    "facts",
    "decision",
    "audit",
    "operations",
    "policytools",
    "rollout",
    "observability",
    "service",
    "config",
    "ops",
    "cli",
    "__main__",
)
"""The packages, top to bottom; docs/architecture.md lists them in this order."""

MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))

WHO_MAY_CALL = ("policytools/attack", "ops/doctor", "ops/demo", "cli")
"""All else takes from `sealauthz_client` what the wire and the answers are, and makes no call."""
FORMS = ("v1", "answers", "assertions", "receipts")

WHO_MAY_NAME_THE_MODEL = ("model", "ops/demo", "cli/app.py")
"""All else is given the model that it works with. `cli/app.py` is where the service is put together."""


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a module, read once for all tests."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """The name of a module, from its place: `facts.store.tables`; a package has the name of its folder."""
    return ".".join(path.with_suffix("").parts).removesuffix("__init__").removesuffix(".")


NAMES = {name_of(path): path for path in MODULES}


def imported_by(path: Path) -> set[str]:
    """The modules of SealAuthz that a module imports, without its client."""
    ours = {name.removeprefix("sealauthz.") for name in imports_of(path) if name.startswith("sealauthz.")}
    return ours - {"__version__", name_of(path)}


@cache
def imports_of(path: Path) -> frozenset[str]:
    """What a module imports, wherever in it the import stands, for types as well."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_package = node.module in ("sealauthz", "sealauthz_client")
                names.add(whole if is_package or whole.removeprefix("sealauthz.") in NAMES else str(node.module))
    return frozenset(names)


@cache
def imports_by_name() -> Mapping[str, set[str]]:
    """What each module imports, read when a test asks for it."""
    return {name: imported_by(path) for name, path in NAMES.items()}


def circles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of modules that import each other; none where each can be loaded before those that import it."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return [error.args[1]]
    return []


def test_imports_go_one_way() -> None:
    packages = {name.split(".", maxsplit=1)[0] for name in NAMES}
    assert packages - {""} <= set(ORDER), "a package has no place in the order"
    upwards = {}
    for name, imports in imports_by_name().items():
        own = name.split(".", maxsplit=1)[0]
        allowed = {own, *ORDER[: ORDER.index(own)]} if own else set()
        upwards[name] = {imported for imported in imports if imported.split(".")[0] not in allowed}
    assert {name: imports for name, imports in upwards.items() if imports} == {}


def test_at_most_fifteen_packages_are_listed_in_the_architecture_in_this_order() -> None:
    page = (ROOT.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## The packages")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert listed == ["sealauthz_client", *ORDER[:-1]]
    assert len(ORDER) - 1 <= 15


def test_no_modules_import_each_other_in_a_circle() -> None:
    # The records name each other's types, because what they declare leads both ways; none is loaded for it.
    within = {name for name in NAMES if name.startswith("model.records.")}
    imports = {
        name: {some for some in found if not {name, some} <= within} for name, found in imports_by_name().items()
    }
    assert circles(imports) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})


def test_only_who_puts_the_service_together_imports_the_model() -> None:
    named = {
        path: [name for name in imports_by_name()[name_of(path)] if name.split(".")[0] == "model"] for path in MODULES
    }
    assert [path for path in MODULES if named[path] and not str(path).startswith(WHO_MAY_NAME_THE_MODEL)] == []


def test_a_module_says_its_job() -> None:
    assert [path for path in MODULES if not ast.get_docstring(tree_of(path))] == []


def loaded_by(module: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after importing one."""
    program = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_server_and_its_client_meet_in_the_wire_and_the_answers() -> None:
    of_client = {path: [name for name in imports_of(path) if name.startswith("sealauthz_client.")] for path in MODULES}
    calls = {path: [name for name in names if name.split(".")[1] not in FORMS] for path, names in of_client.items()}
    assert [path for path in MODULES if calls[path] and not str(path).startswith(WHO_MAY_CALL)] == []


def test_the_supervisor_of_workers_needs_the_standard_library_only() -> None:
    loaded = {name.split(".")[0] for name in loaded_by("sealauthz.ops.workers.supervisor")}
    brought = {name.split(".")[0] for name in loaded_by("sys")}
    assert loaded - brought - sys.stdlib_module_names == {"sealauthz"}


def test_importing_the_package_loads_nothing() -> None:
    assert {name for name in loaded_by("sealauthz") if name.startswith("sealauthz")} == {"sealauthz"}


def test_what_decides_loads_what_a_bundle_from_the_cache_needs() -> None:
    """A command that asks without a server starts with it."""
    needless = {"lark", "google.protobuf", "sealauthz.polar.check.checker", "sealauthz.polar.compile.compiler"}
    loaded = loaded_by("sealauthz.decision, sealauthz.model")
    assert "sealauthz.decision.pdp" in loaded
    assert not needless & loaded


def test_policies_are_evaluated_in_one_place_only() -> None:
    importers = {
        str(path)
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] in ("oso", "polar") for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in ("oso", "polar"))
    }
    assert importers <= {"polar/reference.py"}


def test_no_two_files_of_tests_have_one_name() -> None:
    """They are imported by their names alone: of two, one would not run."""
    names = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
