"""The wire contract reads well: everything is commented, and each comment starts with the name it describes."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from google.protobuf import descriptor_pb2

from sealauthz_client.v1 import (
    audit_pb2,
    authorization_pb2,
    events_pb2,
    facts_pb2,
    monitor_pb2,
    operations_pb2,
    policy_pb2,
    records_pb2,
    revision_pb2,
)

PROTOS = sorted((Path(__file__).parents[2] / "protos/sealauthz/v1").glob("*.proto"))
MODULES = [
    audit_pb2,
    authorization_pb2,
    events_pb2,
    facts_pb2,
    monitor_pb2,
    operations_pb2,
    policy_pb2,
    records_pb2,
    revision_pb2,
]
DECLARED = re.compile(
    r"\s*(?:(?:service|message|enum|rpc|oneof) (?P<named>\w+)"
    r"|(?:optional |repeated )?[\w.]+(?:<[^>]+>)? (?P<field>\w+) = \d+;"
    r"|(?P<value>[A-Z][A-Z0-9_]+) = \d+;)"
)


def test_there_are_protos() -> None:
    assert [f"sealauthz/v1/{path.name}" for path in PROTOS] == [module.DESCRIPTOR.name for module in MODULES]


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.stem)
def test_everything_is_commented_and_the_comment_starts_with_its_name(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    missing = []
    for number, line in enumerate(lines):
        match = DECLARED.match(line)
        if match is None or line.startswith(("syntax", "package", "import")):
            continue
        name = match["named"] or match["field"] or match["value"]
        first = number
        while lines[first - 1].lstrip().startswith("//"):
            first -= 1
        if first == number or not re.match(rf"\s*// {name}\b", lines[first]):
            missing.append(f"{number + 1}: {name}")
    assert missing == []


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.stem)
def test_zero_is_unspecified_and_never_sent(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if re.match(r"\s+[A-Z0-9_]+ = 0;", line):
            assert line.endswith("_UNSPECIFIED = 0;")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.DESCRIPTOR.name)
def test_stubs_of_other_languages_have_a_place(module: ModuleType) -> None:
    described = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(described)
    options = described.options
    stem = module.DESCRIPTOR.name.removeprefix("sealauthz/v1/").removesuffix(".proto")
    assert options.go_package == "sealauthz.dev/go/sealauthz/v1;sealauthzv1"
    assert options.csharp_namespace == "SealAuthz.V1"
    assert options.java_package == "dev.sealauthz.v1"
    # A class for each message; the one of the file itself must not be named as a message of it is.
    assert options.java_multiple_files
    assert options.java_outer_classname == f"{stem.capitalize()}Proto"
    assert options.java_outer_classname not in module.DESCRIPTOR.message_types_by_name
