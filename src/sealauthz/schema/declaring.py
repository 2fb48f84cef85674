"""Reading `model.toml`: what a policy folder adds to the model. Only its form; whether it fits, `extending` says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from sealauthz.runtime.errors import did_you_mean
from sealauthz.schema.extension import (
    BOOLEAN,
    INSTANT,
    INSTANTS,
    INTEGER,
    STRING,
    TYPES,
    AddedCheck,
    AddedColumn,
    AddedKey,
    AddedLife,
    AddedRecord,
    AddedUnique,
    Declaration,
    Extension,
    ExtensionProblem,
)

MODEL_FILE = "model.toml"

_COLUMN = ("type", "words", "names", "collection", "optional", "default", "personal")
_RECORD = ("home", "says", "columns", "life", "unique", "checks", "fixed", "permanent")
_LIFE = ("column", "forward", "back")
_UNIQUE = ("columns", "where", "says")
_CHECK = ("is", "says")
_LONGEST = 28
"""Characters of a name: those of tables and constraints are made of two, and PostgreSQL cuts them at 63."""

_KEPT = frozenset(
    """
    if and or not in new print cut forall debug matches mod rem isa type rule resource actor global id
    revision self none true false null class def del for from import is lambda pass raise return try while
    with yield async await break continue elif else except finally nonlocal assert as all any array asc
    between by case check column constraint create cross current default deferrable desc distinct do drop end
    exists fetch full grant group having inner insert intersect into join leading left like limit offset on
    only order outer primary references returning right select session set some table then to trailing union
    unique update user using values variadic verbose when where window over partition rows range row natural
    collate cast analyze analyse both lateral localtime overlaps similar symmetric asymmetric tablesample
    binary concurrently freeze ilike isnull notnull placing system index add alter begin commit rollback glob
    regexp escape indexed transaction trigger view abort
    """.split()  # noqa: SIM905 (a list of them would fill pages)
)
"""Words of Polar, of Python and of SQL, and names that the tables of the store have."""

_OWN_TABLES = ("Fact", "Store", "Alembic", "Sqlite", "Pg")
_POLAR_TYPES = frozenset([*TYPES, "Float", "List", "Dictionary", "Record", "Model", "Id"])


def extension_from(text: str) -> Extension:
    """Read the text of a `model.toml`. Raises ExtensionProblem, with the line."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line ([0-9]+)", str(error))
        said = re.sub(r" \(at .*\)$", "", str(error))
        raise ExtensionProblem(f"is not TOML: {said[:1].lower()}{said[1:]}", int(found[1]) if found else 0) from error
    return Extension.of(_Reading(_Lines(text)).declarations(table))


class _Lines:
    """Where each key of a TOML text stands, as far as that is easily told: the line of a key, or of its table."""

    _TABLE = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
    _KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, ...], int] = {}
        above: tuple[str, ...] = ()
        for number, line in enumerate(text.splitlines(), 1):
            if table := self._TABLE.match(line):
                above = self._parts(table[1])
                self._lines.setdefault(above, number)
            elif key := self._KEY.match(line):
                self._lines.setdefault((*above, *self._parts(key[1])), number)

    def of(self, path: tuple[str, ...]) -> int:
        """Return the line of a key, or of the nearest that it stands in."""
        for end in range(len(path), 0, -1):
            below = [line for known, line in self._lines.items() if known[:end] == path[:end]]
            if below:
                return min(below)
        return 0

    @staticmethod
    def _parts(text: str) -> tuple[str, ...]:
        return tuple(part.strip().strip("\"'") for part in text.split("."))


class _Reading:
    """One reading of one file."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines

    def declarations(self, table: Mapping[str, Any]) -> Iterator[Declaration]:
        """Yield what is declared."""
        self._check_keys(table, ("columns", "records", "context"), ())
        for record, columns in self._tables(table.get("columns", {}), ("columns",)):
            for name, written in columns.items():
                yield self._column(record, name, written, ("columns", record, name), is_added=True)
        for record, written in self._tables(table.get("records", {}), ("records",)):
            yield from self._record(record, written, ("records", record))
        for resource, actions in self._tables(table.get("context", {}), ("context",)):
            for action, keys in self._tables(actions, ("context", resource)):
                for name, type_ in keys.items():
                    yield self._key(resource, action, name, type_, ("context", resource, action, name))

    def _key(self, resource: str, action: str, name: str, written: Any, path: tuple[str, ...]) -> AddedKey:
        if isinstance(written, dict):
            self._check_keys(written, ("type",), path)
            written = written.get("type")
        self._check_name(name, path)
        if not isinstance(written, str):
            self._refuse(path, f'must name its type: `{name} = "{STRING}"`, or that of a record')
        return AddedKey(resource, action, name, written, self._lines.of(path))

    def _record(self, name: str, table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Declaration]:
        self._check_keys(table, _RECORD, path)
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) or not re.search("[a-z]", name):
            self._refuse(path, "must be named like `BlockedParty`: letters and digits, each word with a capital")
        if len(re.sub(r"(?<!^)(?=[A-Z])", "_", name)) > _LONGEST:
            self._refuse(path, f"must have a shorter name: {_LONGEST} characters, with one more for each further word")
        if re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() in _KEPT:
            self._refuse(path, "is named like a word of SQL, which its table cannot be: name it otherwise")
        if name.startswith(_OWN_TABLES) or name in _POLAR_TYPES:
            self._refuse(path, f"must be named otherwise: names that begin like `{name}` are the product's own")
        columns = [
            self._column(name, column, written, (*path, "columns", column), is_added=False)
            for column, written in self._table(table.get("columns", {}), (*path, "columns")).items()
        ]
        home = self._text(table, "home", path)
        if not home:
            self._refuse(path, "must say its `home`: the column that names what it is part of")
        yield AddedRecord(
            name,
            home,
            self._text(table, "says", path),
            self._life(table.get("life"), (*path, "life")),
            tuple(self._unique(each, (*path, "unique")) for each in self._list(table, "unique", path)),
            tuple(self._check(each, (*path, "checks")) for each in self._list(table, "checks", path)),
            self._texts(table, "fixed", path),
            self._flag(table, "permanent", path),
            self._lines.of(path),
        )
        yield from columns

    def _column(self, of: str, name: str, written: Any, path: tuple[str, ...], *, is_added: bool) -> AddedColumn:
        self._check_name(name, path)
        is_short = isinstance(written, str)
        table: Mapping[str, Any] = {"type": written} if is_short else self._table(written, path)
        self._check_keys(table, _COLUMN, path)
        kinds = [kind for kind in ("type", "words", "names") if kind in table]
        if len(kinds) != 1:
            self._refuse(path, f'must say what it holds, once: `type = "{STRING}"`, `words = [...]` or `names = "..."`')
        type_ = self._text(table, "type", path) or STRING
        if type_ not in TYPES:
            known = ", ".join(f"`{name}`" for name in TYPES)
            self._refuse(path, f"is of the type `{type_}`, which is none of {known}{did_you_mean(type_, TYPES)}")
        words = self._texts(table, "words", path)
        if "words" in table and (
            not words
            or len(set(words)) < len(words)
            or not all(re.fullmatch(r"[A-Z][A-Z0-9_]{0,39}", w) for w in words)
        ):
            self._refuse(path, 'must have `words` such as ["ACTIVE", "LIFTED"]: capitals, each once')
        is_personal = self._flag(table, "personal", path)
        if is_personal and (type_ != STRING or words or "names" in table):
            self._refuse(path, f"is personal, as only free text (`{STRING}`) can be")
        column = AddedColumn(
            of,
            name,
            type_,
            words,
            self._text(table, "names", path),
            self._text(table, "collection", path),
            self._flag(table, "optional", path) or (is_short and is_added),
            self._default(table, type_, words, path),
            is_personal,
            self._lines.of(path),
        )
        if column.collection:
            self._check_name(column.collection, path)
        if column.default is not None and column.is_optional:
            self._refuse(path, "has a `default` and is `optional`: say one of them")
        if column.default is not None and column.names:
            self._refuse(path, "names a record and has a `default`, which would be one for all: make it `optional`")
        return column

    def _default(self, table: Mapping[str, Any], type_: str, words: tuple[str, ...], path: tuple[str, ...]) -> Any:
        if "default" not in table:
            return None
        value = table["default"]
        if type_ == INSTANT and value in INSTANTS:
            return INSTANTS[value]
        fits = type(value) is (bool if type_ == BOOLEAN else int if type_ in (INTEGER, INSTANT) else str)
        if not fits or type_ == INSTANT:
            wanted = "`never` or `forever`, as text" if type_ == INSTANT else f"of the type `{type_}`"
            self._refuse(path, f"has a `default` that is not {wanted}")
        if words and value not in words:
            self._refuse(path, f"has the default `{value}`, which is none of its words{did_you_mean(value, words)}")
        if type(value) is int and not -(2**63) <= value < 2**63:
            self._refuse(path, "has a `default` that does not fit 64 bits")
        if isinstance(value, str) and (len(value) > 200 or not value.isprintable() or "%" in value):
            self._refuse(path, "has a `default` of more than 200 characters, or with one that is `%` or not printed")
        return value

    def _life(self, written: Any, path: tuple[str, ...]) -> AddedLife | None:
        if written is None:
            return None
        table = self._table(written, path)
        self._check_keys(table, _LIFE, path)
        steps = {
            key: tuple((state, self._texts(some, state, (*path, key))) for state in some)
            for key in ("forward", "back")
            for some in (self._table(table.get(key, {}), (*path, key)),)
        }
        return AddedLife(self._text(table, "column", path) or "state", steps["forward"], steps["back"])

    def _unique(self, written: Any, path: tuple[str, ...]) -> AddedUnique:
        table = self._table(written, path)
        self._check_keys(table, _UNIQUE, path)
        said = self._said(table, path)
        return AddedUnique(self._texts(table, "columns", path), said, self._text(table, "where", path))

    def _check(self, written: Any, path: tuple[str, ...]) -> AddedCheck:
        table = self._table(written, path)
        self._check_keys(table, _CHECK, path)
        return AddedCheck(self._text(table, "is", path), self._said(table, path))

    def _said(self, table: Mapping[str, Any], path: tuple[str, ...]) -> str:
        says = self._text(table, "says", path)
        if not says or len(says) > 200 or not says.isprintable():
            self._refuse(path, "must say in words what it demands (`says`): a refused write shows it")
        return says

    # --- forms --------------------------------------------------------------------------------------------------------

    def _tables(self, written: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, each in self._table(written, path).items():
            yield name, self._table(each, (*path, name))

    def _table(self, value: Any, path: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._refuse(path, "must be a table")
        return value

    def _list(self, table: Mapping[str, Any], key: str, path: tuple[str, ...]) -> list[Any]:
        value = table.get(key, [])
        if not isinstance(value, list):
            self._refuse((*path, key), f"must be a list: `[[{'.'.join((*path, key))}]]`")
        return value

    def _text(self, table: Mapping[str, Any], key: str, path: tuple[str, ...]) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            self._refuse((*path, key), "must be text")
        return value

    def _texts(self, table: Mapping[str, Any], key: str, path: tuple[str, ...]) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._refuse((*path, key), "must be a list of texts")
        return tuple(value)

    def _flag(self, table: Mapping[str, Any], key: str, path: tuple[str, ...]) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self._refuse((*path, key), "must be `true` or `false`")
        return value

    def _check_keys(self, table: Mapping[str, Any], known: tuple[str, ...], path: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                place = f" in `{'.'.join(path)}`" if path else ""
                self._refuse((*path, key), f"is not known{place}{did_you_mean(key, known)}", name=key)

    def _check_name(self, name: str, path: tuple[str, ...]) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > _LONGEST:
            said = f"must be named like `risk_score`: small letters, digits and single underscores, at most {_LONGEST}"
            self._refuse(path, said, name=name)
        if name in _KEPT:
            self._refuse(path, "is a word of SQL, of Polar or of the store itself: name it otherwise", name=name)

    def _refuse(self, path: tuple[str, ...], said: str, *, name: str = "") -> NoReturn:
        raise ExtensionProblem(f"`{name or '.'.join(path[1:] or path)}` {said}", self._lines.of(path))
