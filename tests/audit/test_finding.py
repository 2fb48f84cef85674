"""How records are written and found: as the slow and plain way would, whatever they hold."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sealauthz.audit.finding import about, found_by
from sealauthz.audit.record import content_of
from sealauthz.facts.store.waiting import written

slowly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
texts = st.text(st.characters(exclude_categories=()), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
named = st.fixed_dictionaries({}, optional={"subject": texts, "resource": texts})
records = st.builds(
    lambda more, id_, v, parts: {**more, **parts, "id": id_, "v": v},
    st.dictionaries(texts, values, max_size=4),
    texts.filter(bool),
    st.sampled_from([1, 2]),
    st.fixed_dictionaries(
        {},
        optional={
            "subject": texts,
            "resource": texts,
            "tenant": st.just("Team"),
            "tenants": st.lists(texts, max_size=3),
            "items": st.lists(named, max_size=3),
        },
    ).map(lambda parts: {**parts, "tenant": "Team"} if "tenants" in parts else parts),
)


@slowly
@given(records)
def test_a_record_is_written_in_ascii_as_the_plain_way_writes_it(content: dict[str, Any]) -> None:
    text = written(content)
    kept = {key: value for key, value in content.items() if value or value == 0}
    assert text == json.dumps(kept, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    assert "\n" not in text


@slowly
@given(records)
@example({"v": 1, "id": "0", "subject": "", "items": [{"subject": ""}], "": {"\ud800": None}})
@example({"v": 1, "id": "0", "resource": [None]})
@example({"v": 1, "id": "0", "subject": {}, "items": ["x", {"subject": []}], "tenants": [[], 1, "a"], "tenant": "Team"})
@example({"v": 1, "id": "0", "items": 1, "tenants": True})
@example({"v": 1, "id": "0", "tenants": ["a"]})
def test_a_record_is_found_by_what_its_content_says(content: dict[str, Any]) -> None:
    text = written(content)
    said = content_of(text)
    assert found_by(text) == (said["id"], said["at"] if type(said.get("at")) is int else 0, about(said))


class Word(StrEnum):
    YES = "YES"


class Text(str):
    """What libraries make of a text."""


def test_values_of_other_classes_are_written_as_what_they_are() -> None:
    assert written({"a": Word.YES, "b": Text("x"), "c": 2**70, "d": (1, 2)}) == (
        '{"a":"YES","b":"x","c":1180591620717411303424,"d":[1,2]}'
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"id":"x","v":3}',
        '{"id":1,"v":1}',
        '{"v":1}',
        '{"id":"x"}',
        '{"id":"x","v":1} ',
        ' {"id":"x","v":1}',
        '{"id":"x","v":1}{}',
        '{"id":"x","v":1',
    ],
)
def test_what_is_no_record_is_found_by_nothing(text: str) -> None:
    for read in (found_by, content_of):
        with pytest.raises(ValueError):  # noqa: PT011 (of whichever reader)
            read(text)


def test_a_record_of_another_shape_is_found_all_the_same() -> None:
    """A later release may say more: its records must not stop the log."""
    items = '[{"effect":"ALLOW","resource":"Seal:s"},{"subject":"Person:p"}]'
    text = f'{{"id":"x","items":{items},"resource":"Seal:t","tenant":7,"v":2}}'
    assert found_by(text) == ("x", 0, {"Seal:s", "Person:p", "Seal:t"})
