"""What is delivered has allowed licences, a bill of materials that names all of it, and protos that break nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))

import materials  # noqa: E402
from materials import LOCKS, RUNTIME, Rules, licence_of, pinned_in, problems, read_rules  # noqa: E402

RULES = Rules({"MIT": "permissive", "Apache-2.0": "ours"}, {})


def licensed(*, expression: str = "", text: str = "", classifier: str = "") -> list[str]:
    """What is wrong with one package, whose metadata say this, and one of each allowed licence."""
    said = {
        "License-Expression": [expression],
        "License": [text],
        "Classifier": [f"License :: OSI Approved :: {classifier}"],
    }
    of: Mapping[str, Mapping[str, list[str]]] = {
        "it": {key: [each for each in texts if each] for key, texts in said.items()},
        **{name: {"License-Expression": [name]} for name in RULES.allowed},
    }
    return problems(dict.fromkeys(of, "1"), RULES, lambda package, _version: of[package])


def test_the_licences_of_what_is_delivered_are_allowed() -> None:
    assert problems({name: version for lock in LOCKS for name, version in pinned_in(lock).items()}, read_rules()) == []


def test_where_no_database_of_vulnerabilities_can_be_reached_it_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(materials, "ADVISORIES", "advisories.invalid")
    assert materials.vulnerabilities(RUNTIME) == 0
    assert capsys.readouterr().out == "advisories.invalid cannot be reached: vulnerabilities were not looked up\n"


def test_versions_that_the_database_knows_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the exit code of the tool, which is not run here: it asks others."""
    monkeypatch.setattr(materials.socket, "create_connection", lambda *_args, **_kw: Mock())
    asked: list[Any] = []
    monkeypatch.setattr(materials.subprocess, "run", lambda command, **_: asked.append(command) or Mock(returncode=1))
    assert materials.vulnerabilities(RUNTIME) == 1
    assert asked[0][-2:] == ["--requirement", RUNTIME]


@pytest.mark.parametrize(
    "expression", ["MIT", "MIT OR GPL-3.0-only", "MIT AND Apache-2.0", "(MIT OR GPL-2.0-only) AND MIT"]
)
def test_a_licence_that_is_allowed_is_no_problem(expression: str) -> None:
    assert licensed(expression=expression) == []


@pytest.mark.parametrize(
    "expression",
    ["GPL-3.0-only", "MIT AND GPL-3.0-only", "AGPL-3.0-or-later", "GPL-2.0-only WITH Classpath-exception-2.0"],
)
def test_a_licence_that_is_not_allowed_is_a_problem(expression: str) -> None:
    (found,) = licensed(expression=expression)
    assert found.startswith(f"it 1: `{expression}` is not allowed")


def test_a_licence_that_nobody_names_is_a_problem() -> None:
    for said in ({}, {"text": "see the file LICENSE"}, {"classifier": "BSD License"}, {"expression": "MIT-ish"}):
        (found,) = licensed(**said)  # type: ignore[arg-type]
        assert found.startswith("it 1: names no licence")
    assert licensed(classifier="MIT License") == licensed(text="MIT") == []


def test_a_package_of_which_nothing_is_known_is_a_problem() -> None:
    (found,) = problems({"none": "1", "a": "1"}, Rules({"MIT": "x"}, {"a": "MIT"}))
    assert found.startswith("none 1: names no licence")


def test_a_rule_for_nothing_is_a_problem() -> None:
    found = problems({"a": "1"}, Rules({"MIT": "x", "0BSD": ""}, {"a": "MIT", "b": "MIT"}), lambda *_: {})
    assert found == [
        "[allowed] `0BSD`: no package has it",
        "[said] `b`: no such package",
        "[allowed] `0BSD`: says no reason",
    ]


@pytest.mark.slow
def test_the_bill_names_all_that_is_delivered(tmp_path: Path) -> None:
    from cyclonedx.schema import SchemaVersion  # it takes a second, which all processes of a run would wait for
    from cyclonedx.validation.json import JsonStrictValidator

    file = tmp_path / "bill.json"
    subprocess.run([sys.executable, str(ROOT / "tools" / "materials.py"), "bill", str(file)], check=True, timeout=120)
    text = file.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    made, rules = json.loads(text), read_rules()
    found = {each["name"]: each for each in made["components"]}
    delivered = pinned_in(RUNTIME)
    assert {name: each["version"] for name, each in found.items() if name in delivered} == delivered
    assert found.keys() - delivered.keys() == {"sealauthz-client"}
    for name, each in found.items():
        assert each["licenses"] == [{"expression": each["licenses"][0]["expression"]}]
        if name in delivered:
            hashes = each["externalReferences"][0]["hashes"]
            assert hashes
            assert all(each["content"] in RUNTIME.read_text() for each in hashes)
    assert found["protobuf"]["licenses"] == [{"expression": licence_of("protobuf", {}, rules.said)}]
    assert made["metadata"]["component"]["name"] == "sealauthz"
    assert str(ROOT) not in text


@pytest.mark.slow
def test_what_breaks_the_protos_of_the_last_release_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "protos", tmp_path / "protos")
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    file = tmp_path / "protos" / "sealauthz" / "v1" / "facts.proto"
    text = file.read_text(encoding="utf-8")

    def broken(changed: str) -> str:
        file.write_text(changed, encoding="utf-8")
        buf = Path(sys.executable).with_name("buf")
        command = [str(buf), "breaking", "--against", "protos/released.binpb.gz"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60).stdout

    start = "message FactKey {\n"
    assert broken(text.replace(start, start + "  // more is new.\n  string more = 1000;\n")) == ""
    assert "was deleted" in broken(text.replace("string id = 2;", "", 1))
    assert "changed" in broken(text.replace("string id = 2;", "bytes id = 2;", 1))
