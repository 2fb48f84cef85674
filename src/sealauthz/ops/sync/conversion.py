"""Rules by which values of a row become the value of a field: declared, typed, and refused where they do not fit."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sealauthz.runtime.errors import did_you_mean
from sealauthz.schema import Column

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_PLACE = re.compile(r"\{(\w+)\}")
_KEYS = ("column", "template", "value", "prefix", "words", "time", "zone", "scale", "when_empty")
_UNIX = {"unix_s": 1_000_000, "unix_ms": 1_000, "unix_us": 1}
_YES_OR_NO = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}


class RuleRefused(ValueError):
    """A rule that a mapping declares cannot be used."""


class ValueRefused(ValueError):
    """A value of a row does not fit its rule. The message repeats no personal text."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field is made: from which columns, and by what. `convert` raises ValueRefused."""

    columns: tuple[str, ...]
    convert: Callable[[Mapping[str, Any]], Any]


def rule_of(column: Column, said: Any) -> Rule:
    """Return the rule that a mapping declares for a field: the name of a column, or a table. Raises RuleRefused."""
    if isinstance(said, str):
        said = {"column": said}
    if not isinstance(said, dict):
        raise RuleRefused("must be the name of a column, or a table such as { column = … }")
    for key in said.keys() - set(_KEYS):
        raise RuleRefused(f"unknown key `{key}`{did_you_mean(key, _KEYS)}")
    given = [key for key in ("column", "template", "value") if key in said]
    if len(given) != 1:
        raise RuleRefused("needs one of `column`, `template` and `value`")
    return {"column": _from_column, "template": _from_template, "value": _constant}[given[0]](column, said)


def _constant(column: Column, said: Mapping[str, Any]) -> Rule:
    if len(said) > 1:
        raise RuleRefused("a `value` stands alone")
    value = said["value"]
    if column.words is not None:
        _check_word(column, value)
    elif column.is_instant and isinstance(value, datetime.datetime):
        value = _micros(value, None)
    elif type(value) is not column.type:
        raise RuleRefused(f"the value must be {_named(column)}")
    return Rule((), lambda _: value)


def _from_template(column: Column, said: Mapping[str, Any]) -> Rule:
    if len(said) > 1 or not isinstance(said["template"], str):
        raise RuleRefused("a `template` is a text with columns in braces, and stands alone")
    if column.type is not str or column.words is not None:
        raise RuleRefused("a `template` makes a text")
    template: str = said["template"]
    columns = tuple(dict.fromkeys(_PLACE.findall(template)))
    if not columns or re.search(r"[{}]", _PLACE.sub("", template)):
        raise RuleRefused("the template needs columns in braces, as in m-{number}")

    def convert(row: Mapping[str, Any]) -> str:
        parts = {name: _text(row[name]) for name in columns}
        for name, part in parts.items():
            if not part:
                raise ValueRefused(f"`{name}` is empty")
        return _normal(column, _PLACE.sub(lambda place: parts[place[1]], template))

    return Rule(columns, convert)


def _from_column(column: Column, said: Mapping[str, Any]) -> Rule:
    name = said["column"]
    if not isinstance(name, str) or not name:
        raise RuleRefused("`column` must be the name of a column")
    to_value = _converter(column, said)
    empty = _when_empty(column, said)

    def convert(row: Mapping[str, Any]) -> Any:
        value = row[name]
        if value is None or (isinstance(value, str) and not value.strip()):
            return empty(name)
        try:
            return to_value(value)
        except ValueRefused as error:
            raise ValueRefused(f"`{name}` {error}") from None

    return Rule((name,), convert)


def _when_empty(column: Column, said: Mapping[str, Any]) -> Callable[[str], Any]:
    if "when_empty" in said:
        value = rule_of(column, {"value": said["when_empty"]}).convert({})
        return lambda _: value
    if column.is_optional:
        return lambda _: None
    # Where a word or a truth is missing the default is no reading of the source: whom an export lost the state of
    # would be active again.
    is_judged = column.words is not None or column.type is bool
    if column.has_default and not is_judged:
        return lambda _: column.default

    def refuse(name: str) -> Any:
        raise ValueRefused(f"`{name}` is empty" + (": say with `when_empty` what that means" if is_judged else ""))

    return refuse


def _converter(column: Column, said: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return what makes a value of the field out of one that is not empty."""
    allowed = {"column", "when_empty"}
    if column.words is not None:
        made, more = _by_words(column, said), {"words"}
    elif column.is_instant:
        made, more = _by_time(said), {"time", "zone"}
    elif column.type is bool:
        made, more = _by_yes_or_no(said), {"words"}
    elif column.type is int:
        made, more = _by_number(said), {"scale"}
    else:
        made, more = _by_prefix(column, said), {"prefix"}
    for key in said.keys() - allowed - more:
        raise RuleRefused(f"`{key}` says nothing about {_named(column)}")
    return made


def _by_words(column: Column, said: Mapping[str, Any]) -> Callable[[Any], Any]:
    words = said.get("words")
    assert column.words is not None  # noqa: S101 (that is why we are here)
    if words is None:
        words = {str(word): str(word) for word in column.words}
    if not isinstance(words, dict) or not words:
        raise RuleRefused("`words` is a table: the word of the source = the word of the field")
    for word in words.values():
        _check_word(column, word)

    def convert(value: Any) -> str:
        text = _text(value)
        if text not in words:
            raise ValueRefused(f"holds the unknown word `{text[:40]}`{did_you_mean(text, words)}")
        return str(words[text])

    return convert


def _check_word(column: Column, word: object) -> None:
    known = [str(each) for each in column.words or ()]
    if word not in known:
        raise RuleRefused(f"`{word}` is not a word of the field{did_you_mean(str(word), known)}")


def _by_yes_or_no(said: Mapping[str, Any]) -> Callable[[Any], bool]:
    words = said.get("words", _YES_OR_NO)
    if not isinstance(words, dict) or not all(isinstance(value, bool) for value in words.values()):
        raise RuleRefused("`words` is a table: the word of the source = true or false")

    def convert(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        text = _text(value)
        found = words.get(text, words.get(text.lower()))
        if not isinstance(found, bool):
            raise ValueRefused("is neither yes nor no")
        return found

    return convert


def _by_number(said: Mapping[str, Any]) -> Callable[[Any], int]:
    scale = said.get("scale", 0)
    if type(scale) is not int or not 0 <= scale <= 9:
        raise RuleRefused("`scale` is the number of decimals that a whole number stands for, from 0 to 9")

    def convert(value: Any) -> int:
        if isinstance(value, bool | float):
            raise ValueRefused("is no exact number: have the source give a decimal or a whole number")
        text = str(value).strip()
        if not text.isascii() or "_" in text:
            raise ValueRefused("is not a number in digits from 0 to 9")
        try:
            number = Decimal(text) * 10**scale
            whole = int(number)
        except (InvalidOperation, ValueError, OverflowError):
            raise ValueRefused("is not a number") from None
        if whole != number or abs(whole) >= 2**63:
            raise ValueRefused(f"has more than {scale} decimals" if scale else "is not a whole number")
        return whole

    return convert


def _by_prefix(column: Column, said: Mapping[str, Any]) -> Callable[[Any], str]:
    prefix = said.get("prefix", "")
    if not isinstance(prefix, str):
        raise RuleRefused("`prefix` is a text")
    return lambda value: _normal(column, prefix + _text(value))


def _by_time(said: Mapping[str, Any]) -> Callable[[Any], int]:
    form, zone_name = said.get("time", "iso"), said.get("zone")
    if not isinstance(form, str) or not (form in ("iso", *_UNIX) or "%" in form):
        raise RuleRefused(
            f"`time` is iso, {', '.join(_UNIX)}, or a form such as %Y-%m-%d{did_you_mean(str(form), _UNIX)}"
        )
    zone = None
    if zone_name is not None:
        try:
            zone = zoneinfo.ZoneInfo(str(zone_name))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise RuleRefused(f"`{zone_name}` is not a time zone, such as Asia/Shanghai") from None

    def convert(value: Any) -> int:
        if form in _UNIX:
            return _by_number({})(value) * _UNIX[form]
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            value = datetime.datetime.combine(value, datetime.time())
        if not isinstance(value, datetime.datetime):
            text = str(value).strip()
            try:
                read = datetime.datetime.fromisoformat if form == "iso" else None
                value = read(text) if read else datetime.datetime.strptime(text, form)  # noqa: DTZ007 (zoned below)
            except ValueError:
                raise ValueRefused(f"is not a time in the form `{form}`") from None
        return _micros(value, zone)

    return convert


def _micros(moment: datetime.datetime, zone: datetime.tzinfo | None) -> int:
    if moment.tzinfo is None:
        if zone is None:
            raise ValueRefused("is a time without its zone: say which with `zone`")
        local = moment.replace(tzinfo=zone)
        if local.astimezone(datetime.UTC).astimezone(zone).replace(tzinfo=None) != moment:
            raise ValueRefused("is a time that there was not in its zone")
        moment = local
    try:
        return (moment - _EPOCH) // datetime.timedelta(microseconds=1)
    except OverflowError:
        raise ValueRefused("is a time out of range") from None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | str | int):
        return str(value).strip() if not isinstance(value, bool) else str(value).lower()
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    if isinstance(value, float | bytes | list | dict):
        raise ValueRefused(f"is of a type that makes no text: {type(value).__name__}")
    return str(value)


def _normal(column: Column, text: str) -> str:
    return column.normalise(text) if column.normalise else text


def _named(column: Column) -> str:
    if column.is_instant:
        return "an instant"
    return {str: "a text", int: "a whole number", bool: "true or false"}[column.type]
