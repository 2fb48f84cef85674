"""Files of policy tests with the fixtures and situations that they share, read once each.

A file that is not of its form gets one diagnostic per mistake, with a suggestion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sealauthz.decision.folder import DEFAULT, installed_folder
from sealauthz.policytools.testing import fact_forms, form
from sealauthz.policytools.testing.fixtures import FactReader, FactSet, Written, time_of
from sealauthz.policytools.testing.yaml_text import Document, read_yaml
from sealauthz.policytools.testing.yaml_text import Path as DocumentPath
from sealauthz.runtime.errors import Fault, SuiteRefused, did_you_mean
from sealauthz.schema import Model

_TYPES = {
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be `true` or `false`",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}

_PATTERNS = {
    fact_forms.TIME_PATTERN: "is no time: write `now - 5 minutes`, `now + 1 day`, `never`, `forever` or "
    "`2026-01-05T09:00:00Z`",
    fact_forms.LENGTH_PATTERN: "is no length of time: write `90 seconds`, `10 minutes`, `1 day`",
    fact_forms.REFERENCE_PATTERN: "is no record: write its type and its id, like `Seal:seal-1`",
    fact_forms.ACTION_PATTERN: "is no action: actions are written like `request_use`",
    fact_forms.CODE_PATTERN: "is no code: codes are written like `SEAL_FROZEN`",
    fact_forms.RULE_PATTERN: "is no rule: rules are written like `U-01`",
    fact_forms.TYPE_PATTERN: "is no type: a type has letters only, the first of them a capital",
}

_PLACES: tuple[tuple[type[BaseModel], str], ...] = (
    (form.File, "the top of the file"),
    (form.Fixture, "a fixture"),
    (form.Changes, "changes of facts"),
    (form.AnyTest, "a test"),
    (form.Pair, "a test of one question"),
    (form.Matrix, "a test of a matrix"),
    (form.Grid, "`matrix`"),
    (form.Listing, "a test of a list"),
    (form.TableTest, "a test of the table of roles"),
    (form.Table, "`table`"),
    (form.Story, "a test of steps"),
    (form.Step, "a step"),
    (form.Ask, "`ask`"),
    (form.Outcome, "`expect`"),
    (form.Item, "a next step or an obligation"),
    (form.But, "`but`"),
    (form.Goal, "a goal"),
    (form.Duty, "`dutiful`"),
)
"""Where the keys of each form are written."""

_RECORDS = ("facts", "put", "change", "defaults")
"""The keys under which records stand."""


@dataclass(slots=True)
class Start:
    """What a test starts from: facts, the time at which they stand, and what records take by default."""

    facts: FactSet
    now: int | None
    defaults: Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class LoadedFile:
    """One file with the fixtures and situations that can be used in it, each with the document it stands in."""

    document: Document
    written: form.File
    fixtures: dict[str, tuple[Document, form.Fixture]]
    situations: dict[str, tuple[Document, form.Changes]]


class Library:
    """Test files of a model, with what they include; what is wrong is collected, and raised by `refuse`."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._no_facts = Start(FactSet(model), None, {})
        self._files: dict[Path, LoadedFile | None] = {}
        self._starts: dict[tuple[str, str], Start] = {}
        self._faults: list[Fault] = []

    def refuse(self) -> None:
        """Raise SuiteRefused if anything was wrong."""
        if self._faults:
            raise SuiteRefused(*dict.fromkeys(self._faults))

    def fixtures_of(self, path: Path) -> dict[str, tuple[FactSet, int | None]]:
        """Return the fixtures of a file, included ones too, each with the time at which its facts stand."""
        loaded = self.load(path)
        if loaded is None:
            return {}
        starts = {name: self.fixture(loaded, name, ("fixtures", name)) for name in loaded.fixtures}
        return {name: (start.facts, start.now) for name, start in starts.items()}

    # --- files -------------------------------------------------------------------------------------------------------

    def load(self, path: Path) -> LoadedFile | None:
        """Read a file once; None where it cannot be used."""
        known = path.resolve()
        if known not in self._files:
            self._files[known] = None  # a file that includes itself finds nothing
            self._files[known] = self._read(path)
        return self._files[known]

    def _read(self, path: Path) -> LoadedFile | None:
        name = str(path)
        try:
            document = read_yaml(name, path.read_bytes().decode())
        except SuiteRefused as error:
            self._faults += error.faults
            return None
        except UnicodeDecodeError:
            self._faults.append(Fault(name, 1, 1, "the file is not UTF-8 text"))
            return None
        except OSError as error:
            self._faults.append(Fault(name, 1, 1, (error.strerror or "the file cannot be read").lower()))
            return None
        try:
            written = form.read_file(self._model, {} if document.value is None else document.value)
        except ValidationError as error:
            self._faults += _diagnostics_of(self._model, document, error)
            return None
        loaded = LoadedFile(document, written, {}, {})
        for index, other in enumerate(written.include):
            home, _, inside = other.rpartition(":")
            folder = installed_folder() / "tests" if home == DEFAULT else path.parent
            self._include(loaded, folder / (inside if home == DEFAULT else other), ("include", index))
        self._add(loaded, "fixtures", {key: (document, value) for key, value in written.fixtures.items()})
        self._add(loaded, "situations", {key: (document, value) for key, value in written.situations.items()})
        return loaded

    def _include(self, loaded: LoadedFile, path: Path, place: DocumentPath) -> None:
        if not path.is_file():
            self.report(loaded.document, place, f"there is no file `{path.name}` in `{path.parent}`")
            return
        included = self.load(path)
        if included is None:
            self.report(loaded.document, place, f"`{path.name}` cannot be included")
            return
        for section in ("fixtures", "situations"):
            self._add(loaded, section, getattr(included, section))

    def _add(self, loaded: LoadedFile, section: str, named: Mapping[str, tuple[Document, Any]]) -> None:
        held = getattr(loaded, section)
        for name, (document, value) in named.items():
            if name in held and held[name][1] is not value:
                place = f"{held[name][0].file}:{held[name][0].line((section, name))}"
                self.report(document, (section, name), f"`{name}` is there already ({place})")
            held[name] = (document, value)

    # --- facts -------------------------------------------------------------------------------------------------------

    def fixture(self, loaded: LoadedFile, name: str, place: DocumentPath, chain: tuple[str, ...] = ()) -> Start:
        """Read a fixture; `place` is where it is named, in the document of `loaded`."""
        if name not in loaded.fixtures:
            near = did_you_mean(name, loaded.fixtures)
            self.report(loaded.document, place, f"there is no fixture `{name}`{near}")
            return self._no_facts
        document, written = loaded.fixtures[name]
        if name in chain:
            self.report(document, ("fixtures", name, "extends"), f"`{name}` extends itself")
            return self._no_facts
        key = (document.file, name)
        if key not in self._starts:
            self._starts[key] = self._read_fixture(loaded, document, written, name, (*chain, name))
        return self._starts[key]

    def _read_fixture(
        self, loaded: LoadedFile, document: Document, written: form.Fixture, name: str, chain: tuple[str, ...]
    ) -> Start:
        place: DocumentPath = ("fixtures", name)
        base = self._no_facts
        if written.extends is not None:
            # What a fixture extends is known in the file that it stands in.
            home = self._files.get(Path(document.file).resolve()) or loaded
            base = self.fixture(home, written.extends, (*place, "extends"), chain)
        now = base.now
        if written.now is not None:
            now = self.time(document, written.now, base.now, (*place, "now"))
        own = plain(written.defaults)
        defaults = {type_: {**base.defaults.get(type_, {}), **own.get(type_, {})} for type_ in {**base.defaults, **own}}
        reader = FactReader(document)
        facts = reader.put(base.facts, plain(written.facts), (*place, "facts"), now, defaults)
        facts.written = Written(base.facts, is_edit=False)
        self.take(reader)
        start = Start(facts, now, defaults)
        facts = self.changed(loaded, document, start, facts, written.given, (*place, "given"), now)
        self.check(document, facts, place)
        return Start(facts, now, defaults)

    def start_of(self, loaded: LoadedFile, test: Any, place: DocumentPath) -> Start:
        """Find the facts that a test starts from."""
        if test.fixture is not None:
            return self.fixture(loaded, test.fixture, (*place, "fixture"))
        if loaded.written.fixture is not None:
            return self.fixture(loaded, loaded.written.fixture, ("fixture",))
        self.report(loaded.document, place, "names no `fixture`, and neither does the file")
        return self._no_facts

    def changed(
        self,
        loaded: LoadedFile,
        document: Document,
        start: Start,
        facts: FactSet,
        given: Any,
        place: DocumentPath,
        now: int | None,
        *,
        is_edit: bool = False,
    ) -> FactSet:
        """Change facts as `given` says. Every part of a list is a write of its own."""
        if given is None:
            return facts
        parts = [(place, given)]
        if isinstance(given, list):
            parts = [((*place, index), part) for index, part in enumerate(given)]
        for where, part in parts:
            if isinstance(part, str):
                if part not in loaded.situations:
                    near = did_you_mean(part, loaded.situations)
                    self.report(document, where, f"there is no situation `{part}`{near}")
                    continue
                home, changes = loaded.situations[part]
                facts = self.apply(home, start, facts, changes, ("situations", part), now, is_edit=is_edit)
            else:
                facts = self.apply(document, start, facts, part, where, now, is_edit=is_edit)
        return facts

    def apply(
        self,
        document: Document,
        start: Start,
        facts: FactSet,
        changes: Any,
        place: DocumentPath,
        now: int | None,
        *,
        is_edit: bool = False,
    ) -> FactSet:
        """Make changes that are written out, as one write."""
        reader, written = FactReader(document), Written(facts, is_edit)
        facts = reader.put(facts, plain(changes.put), (*place, "put"), now, start.defaults)
        facts = reader.change(facts, plain(changes.change), (*place, "change"), now)
        facts = reader.drop(facts, changes.drop, (*place, "drop"))
        facts.written = written
        self.take(reader)
        return facts

    def check(self, document: Document, facts: FactSet, place: DocumentPath) -> None:
        """Say which records of facts that are complete name what is not there."""
        facts.is_whole = True
        reader = FactReader(document)
        reader.check_references(facts, place)
        self.take(reader)

    def time(self, document: Document, text: str, now: int | None, place: DocumentPath) -> int:
        """Read a time, or say what is wrong with it."""
        try:
            return time_of(text, now)
        except ValueError as error:
            self.report(document, place, str(error))
            return 0

    def take(self, reader: FactReader) -> None:
        """Take over what a reader found to be wrong."""
        self._faults += reader.faults

    def report(self, document: Document, path: DocumentPath, message: str) -> None:
        """Note what is wrong at a place."""
        self._faults.append(document.fault(path, message))


def plain(model: Any) -> dict[str, Any]:
    """Turn facts or defaults into plain tables that hold only what is written."""
    return {} if model is None else model.model_dump(exclude_unset=True)


# --- diagnostics -----------------------------------------------------------------------------------------------------


def _diagnostics_of(model: Model, document: Document, error: ValidationError) -> list[Fault]:
    """Say what a validation found, each mistake at its place in the file."""
    found: dict[tuple[int, int, str], Fault] = {}
    for each in error.errors(include_url=False):
        path = _path_of(document.value, each["loc"])
        fault = document.fault(path, _message(model, document, path, each))
        found.setdefault((fault.line, fault.column, fault.message), fault)
    return [found[key] for key in sorted(found)]


def _path_of(value: Any, location: tuple[str | int, ...]) -> DocumentPath:
    """Leave out of a location what pydantic adds for the members of a union."""
    path: list[str | int] = []
    for index, step in enumerate(location):
        is_last = index == len(location) - 1
        if isinstance(value, dict) and (step in value or is_last):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            continue
        path.append(step)
    return tuple(path)


def _message(model: Model, document: Document, path: DocumentPath, error: Mapping[str, Any]) -> str:
    kind, given = str(error["type"]), error["input"]
    last = path[-1] if path else ""
    if kind == "extra_forbidden":
        return f"`{last}` is not known here{_suggestion(model, path)}"
    if kind == "missing":
        return f"`{error['loc'][-1]}` is missing"
    if kind == "literal_error":
        words = [word.strip("'") for word in str(error["ctx"]["expected"]).replace(" or ", ", ").split(", ")]
        near = did_you_mean(given, words) if isinstance(given, str) else ""
        return f"`{last}` is `{given}`, which is none of {', '.join(f'`{word}`' for word in words)}{near}"
    if kind == "string_pattern_mismatch":
        return f"`{given}` {_PATTERNS[error['ctx']['pattern']]}"
    if kind == "string_too_long":
        return f"`{last}` is longer than {error['ctx']['max_length']} characters"
    if kind == "less_than_equal" and last == "depth":
        most = error["ctx"]["le"]
        return f"`depth` is {given}: a search tries up to {most} acts, so begin nearer to what must never happen"
    if kind in _TYPES:
        return f"`{last}` {_TYPES[kind]}" if isinstance(last, str) and last else _TYPES[kind]
    return f"`{last}` {str(error['msg']).lower()}"


def _suggestion(model: Model, path: DocumentPath) -> str:
    """Say where an unknown key belongs, or which one its author may have meant."""
    name = str(path[-1])
    for record_type in reversed(path[:-1]):
        if record_type in model.records:
            return did_you_mean(name, (column.name for column in model.shapes[str(record_type)].columns))
    if len(path) > 1 and path[-2] in _RECORDS:
        return did_you_mean(name, model.records)
    if name in model.records:
        return f": records stand under {_or(f'`{key}`' for key in _RECORDS)}"
    places = [place for each, place in _PLACES if name in _keys(each)]
    if places:
        return f": it belongs in {_or(places)}"
    return did_you_mean(name, (key for each, _ in _PLACES for key in _keys(each)))


def _keys(of: type[BaseModel]) -> list[str]:
    """The keys of a form, but for those that tests of every kind have."""
    common = form.AnyTest.model_fields if of is not form.AnyTest and issubclass(of, form.AnyTest) else {}
    return [field.alias or name for name, field in of.model_fields.items() if name not in common]


def _or(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
