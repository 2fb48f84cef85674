"""What reasons, next steps, obligations and events say to people, in each language: `texts.toml` of the bundle.

    [reasons]
    JOIN_PENDING.en = ["You have applied; waiting for {administrator_name}.", "You have applied to join."]
    JOIN_PENDING.zh = ["已申请加入，等待{administrator_name}处理", "已申请加入，等待管理员处理"]

A text may name, in braces, what the next steps of its reason carry. Of several texts the first is said whose names are
all known, and none of which is a count of 0; so the last one has none. Times are said in UTC.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sealauthz.polar import Rulebook
from sealauthz.schema import FOREVER
from sealauthz_client.answers import NOTHING_TO_DO

TEXTS_FILE = "texts.toml"

LANGUAGES = ("en", "zh")
"""English and Chinese (simplified)."""

SERVICE_REASONS = ("NOT_PERMITTED_NOW",)
"""Reasons that no policy gives: what a caller hears who may not see any of those that the policies gave."""

SERVICE_STEPS = {"CHOOSE_ACTION": "action", "CHOOSE_TYPE": "type", "CHECK_CONTEXT": "key"}
"""The next steps whose parameter the service finds, with its name: the word that is near an unknown one, or the key of
the context whose record is missing.
"""

_KINDS = ("reasons", "steps", "obligations", "events")
_NAME = re.compile(r"\{(\w+)\}", re.ASCII)
_INSTANT = ("_at", "_until")
_MINUTE = 60_000_000

Variants = tuple[str, ...]
TextTable = Mapping[str, Mapping[str, Variants]]
"""By code, then language: what is said, the best first."""


class TextsProblem(ValueError):
    """A text that is not of its form; the message names it."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What is said about codes. A code without a text says nothing."""

    reasons: TextTable = field(default_factory=dict)
    steps: TextTable = field(default_factory=dict)
    obligations: TextTable = field(default_factory=dict)
    events: TextTable = field(default_factory=dict)

    def reason(self, code: str, language: str, carried: Mapping[str, object]) -> str:
        """What a reason says, with what its next steps carry; empty where nothing is written."""
        return _said(self.reasons, code, language, carried)

    def step(self, code: str, language: str, carried: Mapping[str, object]) -> str:
        """What a next step says, with what it carries; empty where nothing is written."""
        return _said(self.steps, code, language, carried)

    def obligation(self, code: str, language: str, carried: Mapping[str, object]) -> str:
        """What an obligation says, with what it carries; empty where nothing is written."""
        return _said(self.obligations, code, language, carried)

    def event(self, code: str, language: str, carried: Mapping[str, object]) -> str:
        """What an event says, with what it names; empty where nothing is written."""
        return _said(self.events, code, language, carried)

    def over(self, base: Texts) -> Texts:
        """These texts, and those of `base` for the codes that have none here."""
        return Texts(
            {**base.reasons, **self.reasons},
            {**base.steps, **self.steps},
            {**base.obligations, **self.obligations},
            {**base.events, **self.events},
        )


SILENT = Texts()
"""No texts at all."""


def _said(texts_of_kind: TextTable, code: str, language: str, known: Mapping[str, object]) -> str:
    for variant in texts_of_kind.get(code, {}).get(language, ()):
        said = {name: _words(name, known.get(name)) for name in _NAME.findall(variant)}
        if all(said.values()):
            return variant.format_map(said)
    return ""


def _words(name: str, value: object) -> str:
    """What is said for a name; empty for what is not known, a count of 0 and a time that never comes.

    A time is said in UTC, to the full minute that has not passed before it.
    """
    if not value:
        return ""
    if not name.endswith(_INSTANT) or type(value) is not int:
        return str(value)
    if value >= FOREVER:
        return ""
    minutes = -(-value // _MINUTE)
    return f"{datetime.datetime.fromtimestamp(minutes * 60, datetime.UTC):%Y-%m-%d %H:%M} UTC"


def texts_from(table: Mapping[str, Any]) -> Texts:
    """Read texts from a parsed file. Raises TextsProblem."""
    for kind in table:
        if kind not in _KINDS:
            raise TextsProblem(f"unknown table `{kind}`: there are {', '.join(f'`{name}`' for name in _KINDS)}")
    return Texts(*(_table(kind, table.get(kind, {})) for kind in _KINDS))


def _table(kind: str, table: object) -> TextTable:
    if not isinstance(table, dict):
        raise TextsProblem(f"`{kind}` must be a table")
    return {code: _by_language(f"{kind}.{code}", said) for code, said in table.items()}


def _by_language(path: str, said: object) -> Mapping[str, Variants]:
    if not isinstance(said, dict):
        raise TextsProblem(f'`{path}` must be of the form {{ en = "…", zh = "…" }}')
    wording: dict[str, Variants] = {}
    for language, given in said.items():
        if language not in LANGUAGES:
            raise TextsProblem(f"`{path}` is in `{language}`, which is none of {', '.join(LANGUAGES)}")
        variants = given if isinstance(given, list) else [given]
        if not variants or not all(isinstance(text, str) and text.strip() for text in variants):
            raise TextsProblem(f"`{path}.{language}` must be a text, or several")
        if _NAME.search(variants[-1]):
            raise TextsProblem(
                f"`{path}.{language}` must end with a text that names nothing, for when nothing is known"
            )
        wording[language] = tuple(variants)
    return wording


def placeholders_of(texts: Texts) -> Mapping[str, frozenset[str]]:
    """Return the placeholders of each text, by its kind, code and language (`reasons.NO_GRANT.en`)."""
    return {
        f"{kind}.{code}.{language}": frozenset(name for variant in variants for name in _NAME.findall(variant))
        for kind in _KINDS
        for code, by_language in getattr(texts, kind).items()
        for language, variants in by_language.items()
    }


def missing_texts(texts: Texts, book: Rulebook, shown: Iterable[str], events: Iterable[str]) -> Iterator[str]:
    """Tell what a bundle's texts lack or have too much, one sentence each. `shown` is what is shown of a subject,
    `events` are the codes of what people are told.
    """
    steps = {step for entry in book.reasons.values() for step in entry.next_steps if step != NOTHING_TO_DO}
    obligations = {code for codes in book.obligations.values() for code in codes}
    for kind, texts_of_kind, codes in (
        ("reason", texts.reasons, {*book.reasons, *SERVICE_REASONS}),
        ("next step", texts.steps, steps),
        ("obligation", texts.obligations, obligations),
        ("event", texts.events, set(events)),
    ):
        for code in sorted(codes):
            missing = [language for language in LANGUAGES if language not in texts_of_kind.get(code, {})]
            if missing:
                yield f"the {kind} `{code}` has no text in {' and '.join(missing)}"
        for code in sorted(texts_of_kind.keys() - codes):
            yield f"nothing gives the {kind} `{code}`" if kind == "event" else f"no policy gives the {kind} `{code}`"
    for code, wording in texts.reasons.items():
        if code in book.reasons:
            carried = _carried(book.reasons[code].next_steps, book, shown)
            yield from _unknown_names(f"reason `{code}`", wording, carried)
    for code, wording in texts.steps.items():
        if code in steps:
            yield from _unknown_names(f"next step `{code}`", wording, _carried((code,), book, shown))
    for code, wording in texts.obligations.items():
        yield from _unknown_names(f"obligation `{code}`", wording, _named(code, book), "it does not carry")


def _carried(steps: tuple[str, ...], book: Rulebook, shown: Iterable[str]) -> frozenset[str]:
    """The names of what next steps carry; a subject is carried as what is shown of it."""
    names = {name for (_, step), found in book.carried.items() if step in steps for name in found}
    names |= {name for step, name in SERVICE_STEPS.items() if step in steps}
    return frozenset(names | {f"{name}_{part}" for name in names for part in shown})


def _named(obligation: str, book: Rulebook) -> frozenset[str]:
    """The names of what an obligation carries."""
    rules = book.rules.get("obligation_parameter", ())
    return frozenset(rule.parameters[1].literal or "" for rule in rules if rule.parameters[0].literal == obligation)


def _unknown_names(
    what: str, wording: Mapping[str, Variants], carried: frozenset[str], lack: str = "none of its next steps carries"
) -> Iterator[str]:
    named = {name for variants in wording.values() for text in variants for name in _NAME.findall(text)}
    for name in sorted(named - carried):
        yield f"the text of the {what} names `{name}`, which {lack}"
