"""Mappings: what is wrong is told with its line, secrets never are, and rules convert what they say."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sealauthz.model import MODEL
from sealauthz.ops.sync.conversion import RuleRefused, ValueRefused, rule_of
from sealauthz.ops.sync.mapping import load_mapping
from sealauthz.runtime.errors import ConfigRefused

GOOD = """
name = "hr"
[source]
folder = "."
[[records]]
type = "Person"
csv = "people.csv"
[records.fields]
id = { column = "number", prefix = "p-" }
real_name = "name"
realname_state = { column = "checked", words = { yes = "VERIFIED", no = "UNVERIFIED" } }
"""


def load(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Any:
    file = tmp_path / "hr.toml"
    file.write_text(text, encoding="utf-8")
    return load_mapping(file, MODEL, environ or {})


def test_a_mapping_is_read_with_its_rules(tmp_path: Path) -> None:
    mapping = load(tmp_path, GOOD)
    (record,) = mapping.records
    row = {"number": "7", "name": "Lin", "checked": "yes"}
    made = {name: rule.convert(row) for name, rule in record.rules.items()}
    assert made == {"id": "p-7", "real_name": "Lin", "realname_state": "VERIFIED"}
    assert record.columns == {"number", "name", "checked"}


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('type = "Person"', 'type = "Persn"', 6, "`Persn` is not a record type; did you mean `Person`?"),
        ("real_name =", "real_nam =", 10, "`Person` has no field `real_nam`; did you mean `real_name`?"),
        ("words =", "wrods =", 11, "unknown key `wrods`; did you mean `words`?"),
        ('"VERIFIED"', '"VERIFYED"', 11, "`VERIFYED` is not a word of the field; did you mean `VERIFIED`?"),
        ("prefix", "time", 9, "`time` says nothing about a text"),
        ('csv = "people.csv"', 'table = "people"', None, "needs one of `csv` and `jsonl`"),
        ('csv = "people.csv"', 'csv = "people.csv"\ncursr = "x"', 8, "unknown setting; did you mean `cursor`?"),
        ('name = "hr"', 'name = "H R"', 2, "`name`"),
        ('name = "hr"', 'name = "hr"\nmax_deletes = 2', 3, "`max_deletes`"),
        ('csv = "people.csv"', 'csv = "people.csv"\ndeletes = "delete"', 8, "deletes need a `scope`"),
        ('[records.fields]', '[records.scope]\nrealm = "A"\n[records.fields]', None, ""),
        ('id = { column = "number", prefix = "p-" }', "", None, "needs the field `id`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int | None, said: str) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    if not said:
        load(tmp_path, text)
        return
    with pytest.raises(ConfigRefused) as refused:
        load(tmp_path, text)
    assert said in str(refused.value)
    if line is not None:
        assert f"hr.toml:{line}: " in str(refused.value)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ('type = "Membership"\ncsv = "m.csv"', "acts own `Membership` (decision 57)"),
        ('type = "Seal"\ncsv = "s.csv"\n[records.fields]\nid = "i"\nenterprise_id = "e"\nname = "n"\n'
         'kind = { value = "OFFICIAL" }\nstate = { value = "ACTIVE" }', "acts own `state` of `Seal`"),
        ('type = "Person"\ncsv = "p.csv"\ndeletes = "delete"\n[records.fields]\nid = "i"\n'
         '[records.scope]\nrealm = "PUBLIC"',
         "is history and is never deleted"),
    ],
)  # fmt: skip
def test_what_acts_own_and_what_is_history_is_refused(tmp_path: Path, record: str, said: str) -> None:
    text = f'name = "hr"\n[source]\nfolder = "."\n[[records]]\n{record}\n'
    with pytest.raises(ConfigRefused, match=re.escape(said)):
        load(tmp_path, text)


HOLIDAYS = """
[[records]]
type = "Holiday"
csv = "{0}.csv"
deletes = "delete"
[records.scope]
enterprise_id = "{0}"
[records.fields]
id = {{ column = "day", prefix = "{0}-" }}
enterprise_id = {{ value = "{0}" }}
day = "day"
"""


def test_two_mappings_of_a_type_must_not_take_from_each_other(tmp_path: Path) -> None:
    head = 'name = "hr"\n[source]\nfolder = "."\n'
    assert len(load(tmp_path, head + HOLIDAYS.format("a") + HOLIDAYS.format("b")).records) == 2
    unbounded = (
        HOLIDAYS.format("b").replace('[records.scope]\nenterprise_id = "b"', "").replace('deletes = "delete"', "")
    )
    for other in (HOLIDAYS.format("a"), unbounded):
        with pytest.raises(ConfigRefused, match=r"hr.toml:\d+: `Holiday` is mapped twice, and with deletes"):
            load(tmp_path, head + HOLIDAYS.format("a") + other)


def test_no_secret_stands_in_a_mapping_or_in_what_is_told(tmp_path: Path) -> None:
    database = GOOD.replace('folder = "."', "{}").replace('csv = "people.csv"', 'table = "people"')
    with pytest.raises(ConfigRefused, match="does not belong into a mapping") as refused:
        load(tmp_path, database.replace("{}", 'url = "postgresql://u:hunter2@h/d"'))
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ConfigRefused, match="the variable `HR_URL` is not set"):
        load(tmp_path, database.replace("{}", 'url_env = "HR_URL"'))
    with pytest.raises(ConfigRefused, match="cannot be read") as refused:
        load(tmp_path, database.replace("{}", 'url_env = "HR_URL"'), {"HR_URL": "hunter2 is no url"})
    assert "hunter2" not in str(refused.value)
    (tmp_path / "password").write_text("hunter2\n")
    mapping = load(tmp_path, database.replace("{}", 'url = "postgresql://u@h/d"\npassword_file = "password"'))
    assert mapping.url.password == "hunter2"
    assert "hunter2" not in f"{mapping!r} {mapping.said!r} {mapping.url!r}"


NOON = 1_772_424_000_000_000  # 2026-03-02T04:00:00Z


@pytest.mark.parametrize(
    ("column", "rule", "value", "made"),
    [
        ("Person.last_active_at", {"time": "iso"}, "2026-03-02T04:00:00Z", NOON),
        ("Person.last_active_at", {"zone": "Asia/Shanghai"}, "2026-03-02 12:00:00", NOON),
        ("Person.last_active_at", {"zone": "Asia/Shanghai"}, datetime.datetime(2026, 3, 2, 12), NOON),  # noqa: DTZ001
        ("Person.last_active_at", {"time": "%d.%m.%Y %H", "zone": "UTC"}, "02.03.2026 04", NOON),
        ("Person.last_active_at", {"time": "unix_s"}, NOON // 1_000_000, NOON),
        ("Person.last_active_at", {"time": "unix_ms"}, str(NOON // 1_000), NOON),
        ("Person.last_active_at", {}, None, 0),
        ("Contract.amount", {"scale": 2}, "12.30", 1_230),
        ("Contract.amount", {"scale": 2}, Decimal("12.30"), 1_230),
        ("Contract.amount", {}, "7", 7),
        ("Contract.amount", {}, "", None),
        ("Contract.is_monetary", {}, "Yes", True),
        ("Contract.is_monetary", {"words": {"J": True, "N": False}}, "N", False),
        ("Contract.initiated_by_id", {"prefix": "p-"}, 17, "p-17"),
        ("Enterprise.realm", {}, " public ", "PUBLIC"),
        ("Person.account_state", {"words": {"1": "ACTIVE"}}, 1, "ACTIVE"),
        ("Person.real_name", {"when_empty": "?"}, "  ", "?"),
        ("Person.real_name", {}, "", ""),
        ("Person.account_state", {"when_empty": "LOCKED"}, "", "LOCKED"),
    ],
)  # fmt: skip
def test_values_are_converted_by_what_is_declared(column: str, rule: dict[str, Any], value: Any, made: Any) -> None:
    record_type, _, name = column.partition(".")
    rule_made = rule_of(MODEL.shapes[record_type].column(name), {"column": "c", **rule})
    assert rule_made.convert({"c": value}) == made


@pytest.mark.parametrize(
    ("column", "rule", "value", "said"),
    [
        ("Person.last_active_at", {}, "2026-03-02T04:00:00", "without its zone"),
        ("Person.last_active_at", {"zone": "Europe/Berlin"}, "2026-03-29T02:30:00", "that there was not"),
        ("Person.last_active_at", {}, "yesterday", "is not a time in the form `iso`"),
        ("Contract.amount", {"scale": 2}, "12.345", "more than 2 decimals"),
        ("Contract.amount", {}, 1.5, "no exact number"),
        ("Contract.amount", {}, "1e40", "whole number"),
        ("Contract.amount", {}, "NaN", "not a number"),
        ("Contract.amount", {}, "１２", "digits from 0 to 9"),
        ("Contract.amount", {}, "1_000", "digits from 0 to 9"),
        ("Contract.is_monetary", {}, "maybe", "neither yes nor no"),
        ("Person.account_state", {}, "ACTIV", "unknown word `ACTIV`; did you mean `ACTIVE`?"),
        ("Person.account_state", {}, " ", "`c` is empty: say with `when_empty` what that means"),
        ("Contract.is_monetary", {}, None, "`c` is empty: say with `when_empty`"),
        ("Person.id", {}, "", "is empty"),
        ("Person.id", {}, b"x", "makes no text"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(column: str, rule: dict[str, Any], value: Any, said: str) -> None:
    record_type, _, name = column.partition(".")
    made = rule_of(MODEL.shapes[record_type].column(name), {"column": "c", **rule})
    with pytest.raises(ValueRefused, match=re.escape(said)):
        made.convert({"c": value})


@pytest.mark.parametrize(
    "rule", [{}, {"template": "x"}, {"template": "{a"}, {"column": "a", "value": 1}, {"column": "a", "zone": "UTC"}, 7,
             {"value": 7}, {"column": ""}, {"template": "{a}", "prefix": "x"}],
)  # fmt: skip
def test_a_rule_that_says_nothing_clear_is_refused(rule: Any) -> None:
    with pytest.raises(RuleRefused):
        rule_of(MODEL.shapes["Person"].column("id"), rule)
