"""The e-seal model is declared in `model/` and nothing else names it: not by identifier, not by string."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import sealauthz
from sealauthz.model import MODEL

ROOT = Path(sealauthz.__file__).parent.parent
GENERIC = (
    "schema",
    "polar",
    "facts",
    "decision",
    "audit",
    "operations",
    "rollout",
    "service",
    "policytools",
    "cli",
    "observability",
    "ops/workers",
)

# Words of the policy language, of the protocol and of our own tables that some column or action has as its name, too.
PROTOCOL_WORDS = frozenset(
    [
        "action",
        "audience",
        "case",
        "certificate",
        "confirmed_at",
        "contract",
        "day",
        "digest",
        "enterprise_id",
        "export",
        "holds",
        "id",
        "issuer",
        "kind",
        "method",
        "monitor",
        "name",
        "operation_id",
        "path",
        "permissions",
        "person_id",
        "print",
        "reason",
        "request",
        "request_id",
        "role",
        "seal_id",
        "state",
        "status",
        "steps",
        "use",
        "verdict",
        "verify",
    ]
)

NAMES = frozenset(MODEL.records)
COLUMNS = frozenset(part.name for shape in MODEL.shapes.values() for part in (*shape.columns, *shape.relations))
ACTIONS = frozenset(action for action, _ in MODEL.actions)
PARAMETERS = frozenset(each.name for each in dataclasses.fields(MODEL.parameters))
NAMES_ALWAYS, NAMES_SOMETIMES = NAMES | PARAMETERS, COLUMNS | ACTIONS

MODULES = [
    path.relative_to(ROOT)
    for package in (*(f"sealauthz/{name}" for name in GENERIC), "sealauthz_client")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "v1" not in path.parts
]


def docstrings(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        for below in getattr(node, "body", ()) if not isinstance(node, ast.Lambda | ast.IfExp) else ():
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                yield below.value


def named_in(path: Path) -> Iterator[str]:
    """What a module names of the model, with the line."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    told = set(map(id, docstrings(tree)))
    for node in ast.walk(tree):
        names: tuple[str, ...] = ()
        match node:
            case ast.Attribute(value=ast.Name(id="x509")):
                pass  # a certificate of TLS, and no record
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) | ast.arg(arg=name):
                names = (name,)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names = (name,)
            case ast.Constant(value=str(text)) if id(node) not in told:
                if text in NAMES_ALWAYS or (text in NAMES_SOMETIMES and text not in PROTOCOL_WORDS):
                    yield f"{node.lineno}: {text!r}"
        yield from (f"{getattr(node, 'lineno', 0)}: {name}" for name in names if name in NAMES)


def test_a_generic_module_names_nothing_of_the_model() -> None:
    found = {str(path): list(named_in(path)) for path in MODULES}
    assert {path: names for path, names in found.items() if names} == {}
