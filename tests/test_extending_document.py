"""docs/extending.md shows what the worked examples hold."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from pathlib import Path

import pytest
from documents import ROOT, blocks
from google.protobuf import json_format

from sealauthz.config import load
from sealauthz.decision.folder import model_for
from sealauthz.model import MODEL
from sealauthz.schema import Extension
from sealauthz.schema.declaring import extension_from
from sealauthz.schema.extension import AddedRecord
from sealauthz.service.fields import FieldViolations
from sealauthz.service.records import forms_of
from sealauthz_client.v1 import records_pb2

DOCUMENT = ROOT / "docs" / "extending.md"
EXAMPLES = ROOT / "docs" / "examples"
SCORE, BLOCKED = EXAMPLES / "risk-score", EXAMPLES / "blocked-people"


def test_what_it_declares_is_what_the_examples_declare() -> None:
    declared = [text for text in blocks(DOCUMENT, "toml") if "[callers" not in text]
    for text, folder in zip(declared, (SCORE, BLOCKED), strict=True):
        there = extension_from((folder / "model.toml").read_text(encoding="utf-8"))
        assert without_words(extension_from(text)) == without_words(there)


def without_words(extension: Extension) -> Extension:
    """An extension without what it says of its records, which the document leaves out."""
    return Extension.of(
        dataclasses.replace(each, says="") if isinstance(each, AddedRecord) else each for each in extension.declarations
    )


@pytest.mark.parametrize("number", [0, 1])
def test_its_rules_stand_in_the_examples(number: int) -> None:
    folder = (SCORE, BLOCKED)[number]
    there = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.polar"))
    for rule in blocks(DOCUMENT, "polar")[number].strip().split("\n\n"):
        for statement in rule.split(";\n"):
            assert statement.strip().rstrip(";") in there


def test_the_rights_of_its_caller_are_those_that_a_service_reads(tmp_path: Path) -> None:
    (text,) = [text for text in blocks(DOCUMENT, "toml") if "[callers" in text]
    assert "token_sha256" not in tomllib.loads(text)["callers"]["risk-service"]
    file = tmp_path / "sealauthz.toml"
    file.write_text(f'{text}token_sha256 = "{"0" * 64}"\n', encoding="utf-8")
    model = model_for(MODEL, SCORE)
    rights = load(model, {}, file).callers["risk-service"].rights(model, "risk-service", 0.5, None)
    assert rights.write == {"Person": frozenset({"risk_score", "risk_note"})}


def test_a_star_does_not_hold_what_was_added(tmp_path: Path) -> None:
    file = tmp_path / "sealauthz.toml"
    text = f'[callers.x]\ntoken_sha256 = "{"0" * 64}"\n'
    file.write_text(f'{text}read = {{ Person = "*", Seal = ["*"] }}\nwrite = {{ Person = ["*", "risk_score"] }}\n')
    model = model_for(MODEL, SCORE)
    rights = load(model, {}, file).callers["x"].rights(model, "x", 0.5, None)
    own = {column.name for column in MODEL.shapes["Person"].columns}
    assert rights.read["Person"] == own
    assert rights.write["Person"] == own | {"risk_score"}
    assert rights.read["Seal"] == {column.name for column in MODEL.shapes["Seal"].columns}


def test_its_line_of_facts_is_read() -> None:
    (text,) = blocks(DOCUMENT, "json")
    fact = json_format.Parse(json.dumps(json.loads(text)), records_pb2.Fact())
    violations = FieldViolations()
    record = forms_of(model_for(MODEL, BLOCKED)).record_from(fact, "fact", violations)
    assert not violations
    assert (record.person_id, record.state) == ("p-lin", "ACTIVE")


def test_its_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", DOCUMENT.read_text(encoding="utf-8")):
        assert (DOCUMENT.parent / link).exists(), link
