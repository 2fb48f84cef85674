"""The published JSON Schema says what the loader says."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policy_files import BUNDLE
from pydantic import ValidationError

from sealauthz.decision.folder import model_for
from sealauthz.model import MODEL
from sealauthz.policytools.testing.form import read_file
from sealauthz.policytools.testing.json_schema import json_schema
from sealauthz.policytools.testing.vocabulary import Vocabulary
from sealauthz.policytools.testing.yaml_text import read_yaml
from sealauthz.schema import Model

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

ROOT = Path(__file__).parent.parent.parent
PUBLISHED = ROOT / "docs" / "policy-tests.schema.json"
FILES = sorted([*(ROOT / "policies" / "tests").glob("*.yaml"), *(ROOT / "docs" / "examples").rglob("*.yaml")])


def of(schema: Any) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # it takes a second, which all processes of a run would wait for

    return Draft202012Validator(schema)


@cache
def validator(model: Model = MODEL) -> Draft202012Validator:
    return of(json_schema(model))


def loader_accepts(value: Any) -> bool:
    try:
        read_file(MODEL, value)
    except ValidationError:
        return False
    return True


def agree(value: Any) -> None:
    by_schema = validator().is_valid(value)
    assert by_schema == loader_accepts(value), [error.message for error in validator().iter_errors(value)]


def test_the_published_schema_is_the_one_that_the_loader_has() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == json_schema(MODEL)


def test_the_schema_is_one() -> None:
    validator().check_schema(json_schema(MODEL))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_our_own_files_fit(path: Path) -> None:
    value = read_yaml(path.name, path.read_text(encoding="utf-8")).value
    model = model_for(MODEL, path.parent.parent)
    # What a folder adds to the records is in the schema that is made for it, and in no other.
    assert validator(model).is_valid(value)
    read_file(model, value)
    if model is not MODEL:
        assert not validator().is_valid(value)
        assert not loader_accepts(value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_we_read_yaml_as_editors_do(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # The parser in Python takes seconds for a large file, which is written as the small ones are.
    loader: Any = yaml.SafeLoader if len(text) < 20_000 else yaml.CSafeLoader

    class AsEditors(loader):
        """YAML 1.2: neither dates, nor `yes` and `no`."""

    AsEditors.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(("timestamp", "bool", "float"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    AsEditors.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(?:true|false)$"), ["t", "f"])
    theirs = yaml.load(text, AsEditors)
    ours = read_yaml(path.name, text).value
    assert json.loads(json.dumps(ours), parse_constant=str) == json.loads(json.dumps(theirs))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything inside a value."""
    found = [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        found += places(item, (*path, key))
    return found


# A copy each time: what is put into a file is changed there in turn, and a list put into itself has no end.
JUNK = st.sampled_from(
    [None, True, 0, 7, -1, "", "x", "allow", "now", "now - 1 day", "Seal:s", "A-01", "CODE", [], ["x"], {}, {"x": 1}]
).map(copy.deepcopy)

OURS = [path for path in FILES if not (path.parent.parent / "model.toml").exists()]


@cache
def samples() -> list[Any]:
    """Our own files, read when a test asks for them: they are two megabytes."""
    return [read_yaml(path.name, path.read_text(encoding="utf-8")).value for path in OURS]


@cache
def small() -> list[Any]:
    """The same, each with one of its tests."""
    return [
        {**{key: value for key, value in sample.items() if key != "tests"}, "tests": [test]}
        for sample in samples()
        for test in sample.get("tests", [])[:40]
    ]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_schema_and_loader_agree_about_every_small_change(data: st.DataObject) -> None:
    value = copy.deepcopy(data.draw(st.sampled_from(small())))
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from([each for each in places(value) if each]))
        holder: Any = value
        for step in path[:-1]:
            holder = holder[step]
        match data.draw(st.sampled_from(["junk", "remove", "add"])):
            case "junk":
                holder[path[-1]] = data.draw(JUNK)
            case "remove":
                del holder[path[-1]]
            case "add" if isinstance(holder, dict):
                holder[data.draw(st.sampled_from(["but", "list", "steps", "matrix", "fixture", "zz"]))] = data.draw(
                    JUNK
                )
    agree(value)


def test_a_bundles_own_words_are_suggested_and_not_demanded() -> None:
    schema = json_schema(MODEL, Vocabulary(BUNDLE).suggestions())
    text = json.dumps(schema)
    assert '"SEAL_FROZEN"' in text
    assert '"request_use"' in text
    plain = of(schema)
    assert all(plain.is_valid({**value, "tests": value.get("tests", [])[:5]}) for value in samples())
