"""A model and an extension, put together to a model: the records with further columns and collections, further record
types, and contexts with further keys.

INVARIANT: whatever the extension, the model keeps all that it declares: no column, rule, action or duty goes, and a
record that acts own stays theirs. What would break that is refused here, also for what a database has kept.
"""

from __future__ import annotations

import dataclasses
import types
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import Annotated, Any, NoReturn

from sealauthz.runtime.errors import did_you_mean
from sealauthz.schema.action import Action
from sealauthz.schema.conditions import ConditionProblem, checked
from sealauthz.schema.extension import (
    INSTANT,
    TYPES,
    AddedColumn,
    AddedKey,
    AddedRecord,
    Declaration,
    Extension,
    ExtensionProblem,
)
from sealauthz.schema.model import Model, Part
from sealauthz.schema.record import Instant, PersonalText, Ref, many
from sealauthz.schema.rules import Check, Fixed, Life, RelatedTo, Rule, Unique

RULE = "EXTENSION"
"""The invariant of what a declaration demands."""


def extended(model: Model, extension: Extension) -> Model:
    """Return the model, as it is built in, with what an extension adds: the same one each time.

    `model` may be extended itself; by what does not count. Raises ExtensionProblem.
    """
    return _extended(model.built_in, extension) if extension else model.built_in


@cache
def _extended(model: Model, extension: Extension) -> Model:
    return _Extending(model, extension).model()


class _Extending:
    """One extension of one model."""

    def __init__(self, model: Model, extension: Extension) -> None:
        self._model = model
        self._extension = extension
        self._columns: dict[str, list[AddedColumn]] = defaultdict(list)
        for column in extension.columns:
            self._columns[column.of].append(column)
        self._own = {record.name: record for record in extension.records}

    def model(self) -> Model:
        """Return the model. Raises ExtensionProblem."""
        self._check()
        grown = {name: self._grown(cls) for name, cls in self._model.records.items()}
        contexts = _Contexts(self._model, self._extension.keys, grown | self._classes)
        parts = tuple(
            dataclasses.replace(
                part,
                records=tuple(grown[cls.__name__] for cls in part.records),
                actions=tuple(map(contexts.action, part.actions)),
            )
            for part in self._model.parts
        )
        parts += (Part(tuple(self._classes.values()), tuple(contexts.further_actions)),)
        return dataclasses.replace(
            self._model,
            parts=parts,
            context=contexts.of(self._model.context),
            extension=self._extension,
            extends=self._model,
        )

    # --- what must not be ---------------------------------------------------------------------------------------------

    def _check(self) -> None:
        known = [*self._model.records, *self._own]
        plain = {cls.__name__ for cls in (*self._model.contexts, self._model.parameters)}
        for record in self._extension.records:
            if record.name in self._model.records:
                _refuse(record, "is a record of the model already: add to it under `columns`")
            if record.name in plain:
                _refuse(record, "is the name of a context or of the parameters: name it otherwise")
        for column in self._extension.columns:
            if column.of not in known:
                self._refuse_column(column, f"`{column.of}` is no record{did_you_mean(column.of, known)}")
            if column.of in self._own:
                self._check_own(column)
            else:
                self._check_added(column)
        self._check_collections()
        for record in self._extension.records:
            self._check_record(record)
        shapes = self._model.shapes
        for key in self._extension.keys:
            resource = key.resource
            if resource not in known:
                _refuse(key, f"is on `{resource}`, which is no record{did_you_mean(resource, known)}")
            if key.type not in TYPES and key.type not in known:
                near = did_you_mean(key.type, [*TYPES, *known])
                _refuse(key, f"is of the type `{key.type}`, which is none of {', '.join(TYPES)}, and no record{near}")
            if (key.action, resource) not in self._model.actions and resource in shapes:
                names = [name for name, of in self._model.actions if of == resource]
                near = did_you_mean(key.action, names)
                _refuse(key, f"is of `{key.action}`, which the model declares no action of `{resource}`{near}")

    def _check_added(self, column: AddedColumn) -> None:
        shape = self._model.shapes[column.of]
        there = {*(each.name for each in shape.columns), *(each.name for each in shape.relations)}
        if column.name in there:
            self._refuse_column(column, f"`{column.of}` has a `{column.name}` already")
        if column.names:
            said = "what names another record belongs to a record of your own, under `records`"
            self._refuse_column(column, f"it is on a record of the model and names a `{column.names}`: {said}")
        if not column.may_be_left_out:
            said = "records that are there have no value for it: give a `default`, or say `optional = true`"
            self._refuse_column(column, said)

    def _check_own(self, column: AddedColumn) -> None:
        known = [*self._model.records, *self._own]
        if column.collection and not column.names:
            self._refuse_column(column, "a `collection` is of records that name one, so the column must say `names`")
        if not column.names:
            return
        if column.names not in known:
            self._refuse_column(column, f"`{column.names}` is no record{did_you_mean(column.names, known)}")
        named = self._model.shapes.get(column.names)
        if named is not None and not named.is_permanent and named.root is None:
            said = "may be deleted, which the name would prevent: hold its id as a `String`"
            self._refuse_column(column, f"`{column.names}` {said}")
        if not column.name.endswith("_id"):
            self._refuse_column(column, f"it holds an id, so its name must end in `_id`: `{column.name}_id`")

    def _check_collections(self) -> None:
        """Check the names of relations: of collections on what is named, and of what is named on our own records."""
        taken: dict[str, dict[str, str]] = defaultdict(dict)
        for name, shape in self._model.shapes.items():
            names = [*(each.name for each in shape.columns), *(each.name for each in shape.relations)]
            taken[name] |= dict.fromkeys(names, "there")
        for column in self._extension.columns:
            if column.name in taken[column.of]:
                self._refuse_column(column, f"`{column.of}` has a `{column.name}` already")
            taken[column.of][column.name] = column.key
        for column in self._extension.columns:
            one, owner = column.name.removesuffix("_id"), column.names
            if not owner:
                continue
            if one in taken[column.of]:
                self._refuse_column(column, f"`{column.of}` has a `{one}`, which is how rules reach what it names")
            taken[column.of][one] = column.key
            if column.collection:
                if column.collection in taken[owner]:
                    self._refuse_column(column, f"`{owner}` has a `{column.collection}` already")
                taken[owner][column.collection] = column.key
                if not self._is_held_whole(column):
                    said = "of another unit may not have been read with it, so that the collection would not be whole"
                    self._refuse_column(
                        column, f"a `{column.of}` that names a `{owner}` {said}: leave `collection` out"
                    )

    def _is_held_whole(self, column: AddedColumn) -> bool:
        """Tell whether each unit that holds what a column names holds all that name it."""
        record = self._own[column.of]
        if column.name == record.home or column.names in self._model.subjects:
            return True
        tenant = self._model.tenant
        return self._root_of(column.names) == tenant and self._root_of(column.of) == tenant

    def _root_of(self, record_type: str, seen: tuple[str, ...] = ()) -> str:
        """Return the root of the home of a record; empty where it has none."""
        if record_type in self._model.shapes:
            return self._model.units.root_of[self._model.units.home_kind(record_type)]
        record = self._own.get(record_type)
        home = None if record is None or record_type in seen else self._home_of(record)
        return "" if home is None else self._root_of(home.names, (*seen, record_type))

    def _home_of(self, record: AddedRecord) -> AddedColumn | None:
        return next((each for each in self._columns[record.name] if each.name == record.home), None)

    def _check_record(self, record: AddedRecord) -> None:
        columns = {each.name: each for each in self._columns[record.name]}
        home = columns.get(record.home)
        if home is None or not home.names:
            said = f"has the home `{record.home}`, which is none of its columns that name a record"
            _refuse(record, said + did_you_mean(record.home, [name for name, each in columns.items() if each.names]))
        if home.is_optional:
            _refuse(record, f"has the home `{record.home}`, which is optional: each record is part of something")
        if not self._root_of(record.name):
            _refuse(record, f"has the home `{record.home}`, which leads back to itself")
        for name in record.fixed:
            self._check_column(record, name, columns, "fixed")
        for unique in record.unique:
            if not unique.columns:
                _refuse(record, "has a `unique` without columns")
            for name in unique.columns:
                self._check_column(record, name, columns, "unique")
                if columns[name].is_personal:
                    _refuse(record, f"has a `unique` of `{name}`, which is personal: it could not be erased")
        for condition in (*(each.where for each in record.unique), *(each.condition for each in record.checks)):
            self._condition(record, condition)
        if any(not each.condition for each in record.checks):
            _refuse(record, 'has a check that says nothing: `is = "starts_at < ends_at"`')
        if record.life is not None:
            self._check_life(record, columns)

    def _check_life(self, record: AddedRecord, columns: Mapping[str, AddedColumn]) -> None:
        life = record.life
        assert life is not None  # noqa: S101 (the caller looked)
        column = columns.get(life.column)
        if column is None or not column.words:
            _refuse(record, f"has a life in `{life.column}`, which is no column of it with `words`")
        forward, back = dict(life.forward), dict(life.back)
        for state in (word for steps in (forward, back) for of, some in steps.items() for word in (of, *some)):
            if state not in column.words:
                near = did_you_mean(state, column.words)
                _refuse(record, f"has the state `{state}` in its life, which is no word of `{life.column}`{near}")
        if not forward:
            _refuse(record, 'has a life without a step: `forward = { ACTIVE = ["LIFTED"] }`')
        for start in forward:
            passed, standing = {start}, [start]
            while standing:
                for state in forward.get(standing.pop(), ()):
                    if state == start:
                        _refuse(record, f"has a life in which steps forward lead from `{start}` back to it: say `back`")
                    if state not in passed:
                        passed.add(state)
                        standing.append(state)

    def _check_column(self, record: AddedRecord, name: str, columns: Mapping[str, AddedColumn], where: str) -> None:
        if name not in columns:
            _refuse(record, f"names `{name}` under `{where}`, which is no column of it{did_you_mean(name, columns)}")

    def _condition(self, record: AddedRecord, text: str) -> str:
        """Return a condition in the SQL that databases read alike."""
        if not text:
            return ""
        held = {each.name: TYPES[each.type] for each in self._columns[record.name] if not each.is_personal}
        try:
            return checked(text, held)
        except ConditionProblem as error:
            _refuse(record, f"has the condition `{text}`, which {error}")

    def _refuse_column(self, column: AddedColumn, said: str) -> NoReturn:
        raise ExtensionProblem(f"`{column.key}` cannot be declared: {said}", column.line)

    # --- making -------------------------------------------------------------------------------------------------------

    def _grown(self, cls: type) -> type:
        """Return a record class of the model with its further columns and collections."""
        name = cls.__name__
        columns = [(each.name, *_field_of(each)) for each in self._columns.get(name, ())]
        fields = [*columns, *self._collections_of(name)]
        if not fields:
            return cls
        made: Any = _class(name, fields, (cls,), cls.__module__, cls.__doc__)
        made.__record__ = cls.__record__  # type: ignore[attr-defined]
        return made  # type: ignore[no-any-return]

    def _collections_of(self, owner: str) -> Iterator[tuple[str, Any, Any]]:
        for column in self._extension.columns:
            if column.names == owner and column.collection:
                yield column.collection, f"list[{column.of}]", many(column.name)

    @cached_property
    def _classes(self) -> dict[str, type]:
        """The classes of the declared records."""
        made = {}
        for record in self._extension.records:
            columns = self._columns[record.name]
            ordered = sorted(columns, key=lambda each: (each.may_be_left_out, each.name))
            fields = [("id", str, dataclasses.field()), *((each.name, *_field_of(each)) for each in ordered)]
            for each in columns:
                if each.names:
                    one = dataclasses.field(init=False, repr=False, compare=False, metadata={"one": each.name})
                    fields.append((each.name.removesuffix("_id"), each.names, one))
            fields += self._collections_of(record.name)
            cls = _class(record.name, fields, (), __name__, record.says or f"A {record.name}.")
            rules = tuple(self._rules(record, columns))
            cls.__record__ = (rules, record.home, None, record.is_permanent)
            made[record.name] = cls
        return made

    def _rules(self, record: AddedRecord, columns: Iterable[AddedColumn]) -> Iterator[Rule]:
        for unique in record.unique:
            yield Unique(RULE, unique.columns, self._condition(record, unique.where), says=unique.says)
        for check in record.checks:
            yield Check(RULE, self._condition(record, check.condition), says=check.says)
        if record.fixed:
            yield Fixed(RULE, *record.fixed, says=f"`{record.name}` declares that it never changes")
        if record.life is not None:
            yield Life(dict(record.life.forward), dict(record.life.back), RULE, record.life.column)
        home = self._root_of(record.name)
        for subject in self._model.subjects:
            named = tuple(each.name for each in columns if each.names == subject)
            if named and home != subject:
                yield RelatedTo(subject, *named)


class _Contexts:
    """The classes of contexts, of which those with further keys, and those derived from them, are made again."""

    def __init__(self, model: Model, keys: Iterable[AddedKey], records: Mapping[str, type]) -> None:
        self._model = model
        self._records = records
        self._keys: dict[tuple[str, str], list[AddedKey]] = defaultdict(list)
        for key in keys:
            self._keys[key.action, key.resource].append(key)
        self._added: dict[type, dict[str, AddedKey]] = defaultdict(dict)
        for (action, resource), some in self._keys.items():
            cls = model.action(action, resource).context
            for key in some:
                family: list[Any] = [other for other in model.contexts if issubclass(other, cls)]
                if any(each.name == key.name for other in family for each in dataclasses.fields(other)):
                    _refuse(key, f"is in the context of `{action}` already, or in one that derives from it")
                other = self._added[cls].setdefault(key.name, key)
                if other.type != key.type:
                    said = f"`{other.key}`, which shares its context, is {other.type}"
                    _refuse(key, f"is {key.type}, and {said}: name one of them otherwise")
        for cls, added in self._added.items():
            for above in cls.__mro__[1:]:
                for name in added.keys() & self._added.get(above, {}).keys():
                    _refuse(added[name], f"is declared for a context that this one derives from, too: {above.__name__}")
        self._made: dict[type, type] = {}

    @property
    def further_actions(self) -> Iterator[Action]:
        """The actions that the model does not declare itself, with the keys that a client may give."""
        for action, resource in self._keys:
            if (action, resource) not in self._model.actions:
                yield self.action(Action(action, resource, self._model.context))

    def action(self, action: Action) -> Action:
        """Return an action with its context, and with what a client may give beside."""
        further = {key.name: key.type for key in self._keys.get((action.name, action.resource), ())}
        return dataclasses.replace(action, context=self.of(action.context), further=tuple(further.items()))

    def of(self, cls: type) -> type:
        """Return the class that a class of contexts becomes: itself, where nothing is added to it."""
        if cls not in self._made:
            self._made[cls] = self._grown(cls)
        return self._made[cls]

    def _grown(self, cls: Any) -> type:
        if not any(above in self._added for above in cls.__mro__):
            return cls  # type: ignore[no-any-return]
        own: list[tuple[str, Any, Any]] = []
        named = vars(cls).get("__annotations__", {})
        for each in dataclasses.fields(cls):
            if each.name in named:
                own.append((each.name, each.type, _again(each)))
        for key in self._added.get(cls, {}).values():
            hint = TYPES.get(key.type) or self._records[key.type]
            how = dataclasses.field(default=None, metadata={"is_instant": key.type == INSTANT})
            own.append((key.name, hint | None, how))
        bases = tuple(base if base is object else self.of(base) for base in cls.__bases__)
        made: type = _class(cls.__name__, own, bases, cls.__module__, cls.__doc__)
        return made


def _again(field: dataclasses.Field[Any]) -> Any:
    return dataclasses.field(
        default=field.default,
        default_factory=field.default_factory,
        init=field.init,
        kw_only=field.kw_only,
        metadata=field.metadata,
    )


def _class(name: str, fields: Iterable[tuple[str, Any, Any]], bases: tuple[type, ...], module: str, doc: Any) -> Any:
    """Return a dataclass with these fields, like one that is written down in a module."""
    fields = list(fields)

    def fill(namespace: dict[str, Any]) -> None:
        namespace["__module__"], namespace["__doc__"] = module, doc
        namespace["__annotations__"] = {field: hint for field, hint, _ in fields}
        namespace.update((field, how) for field, _, how in fields)

    return dataclass(slots=True)(types.new_class(name, bases, {}, fill))


def _field_of(column: AddedColumn) -> tuple[Any, Any]:
    """Return the annotation of a column, and its field."""
    hint: Any = TYPES[column.type]
    default: Any = column.default
    if column.words:
        words = StrEnum(column.name.title().replace("_", ""), [(word, word) for word in column.words])  # type: ignore[misc]
        hint, default = words, None if default is None else words(default)
    elif column.type == INSTANT:
        hint = Instant
    elif column.is_personal:
        hint = Annotated[str, PersonalText()]
    elif column.names:
        hint = Annotated[str, Ref(column.names)]
    if column.is_optional:
        return hint | None, dataclasses.field(default=None)
    return hint, dataclasses.field() if default is None else dataclasses.field(default=default)


def _refuse(declared: Declaration, said: str) -> NoReturn:
    raise ExtensionProblem(f"`{declared.key}` {said}", declared.line)
