"""Public policies: what oso reads is read, or refused for a construct that has a name.

`SEALAUTHZ_POLAR_CORPUS` may name a folder with more of them.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from oso_reader import OsoReader
from polar_text import placeless

from sealauthz.polar.messages import REFUSED_WORDS
from sealauthz.polar.parse import parse
from sealauthz.polar.source import Source
from sealauthz.polar.syntax import RuleTypeNode, Statement
from sealauthz.polar.unparse import written_statement
from sealauthz.runtime.errors import BundleRefused

CORPUS = Path(__file__).with_name("corpus")
POLICIES = Path(__file__).parents[2] / "policies"

# Why oso reads these and we do not; or oso does not either.
REFUSED = {
    "cut.polar": "20:5: `cut` is not accepted: order must not decide",
    "golf.polar": "6:8: expected `actor` or `resource` before `global`",
    "group.polar": "1:18: expected `{`, found `(`",
    "resource_blocks.polar": "8:35: keyword arguments are not accepted: arguments go by their order",
    "test_oso.polar": "2:11: policies construct nothing: `new` is not accepted",
}
NAMED = (*REFUSED_WORDS.values(), "inline queries", "keyword arguments", "only a plain attribute name")


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.polar"))


def source_of(path: Path) -> Source:
    return Source(path.name, path.read_text(encoding="utf-8"))


def more() -> list[Path]:
    folder = os.environ.get("SEALAUTHZ_POLAR_CORPUS")
    return files(Path(folder)) if folder else []


@pytest.fixture(scope="module")
def oso() -> Iterator[OsoReader]:
    if importlib.util.find_spec("oso") is None:
        pytest.skip("oso has no wheel for this interpreter")
    reader = OsoReader()
    yield reader
    reader.close()


def test_the_manifest_names_every_file_with_its_licence() -> None:
    lines = (CORPUS / "MANIFEST.tsv").read_text().splitlines()[1:]
    licences = {name: licence for name, _, _, licence in (line.split("\t") for line in lines)}
    assert sorted(licences) == [path.name for path in files(CORPUS)]
    assert set(licences.values()) <= {"Apache-2.0", "MIT"}


@pytest.mark.parametrize("path", files(CORPUS), ids=lambda path: path.name)
def test_a_public_policy_is_read_or_refused_for_a_reason_with_a_name(path: Path) -> None:
    if path.name not in REFUSED:
        assert parse(source_of(path))
        return
    with pytest.raises(BundleRefused) as raised:
        parse(source_of(path))
    assert str(raised.value) == f"{path.name}:{REFUSED[path.name]}"


@pytest.mark.parametrize("path", [*files(CORPUS), *more()], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_oso_reads_what_we_read_and_we_name_what_we_refuse(path: Path, oso: OsoReader) -> None:
    source = source_of(path)
    verdict = oso.read(source.text)
    why = ""
    try:
        parse(source)
    except BundleRefused as error:
        why = str(error)
    is_named = any(name in why for name in NAMED)
    assert is_named or (verdict["stage"] == "parser") == bool(why), why or verdict["message"]


@pytest.mark.parametrize("path", files(POLICIES), ids=lambda path: path.name)
def test_the_shipped_policies_are_read_and_written_as_the_same_tree(path: Path) -> None:
    statements = parse(source_of(path))
    assert statements
    for statement in statements:
        (again,) = parse(Source("again.polar", written_statement(statement)))
        # What is written carries no tags.
        assert placeless(again) == placeless(_untagged(statement))


def _untagged(statement: Statement) -> Statement:
    return statement if isinstance(statement, RuleTypeNode) else dataclasses.replace(statement, tags=())
