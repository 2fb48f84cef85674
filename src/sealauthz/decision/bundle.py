"""A policy bundle: its files, its parameters, its contract, and the engine that evaluates it. Loaded whole or not at
all.
"""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol
from weakref import ReferenceType, WeakKeyDictionary, ref

from sealauthz.decision.folder import (
    installed_folder,
    layout_of,
    read_parameters,
    read_product_sources,
    read_sources,
    read_texts,
    version_of,
)
from sealauthz.decision.signoffs import Accepted, accepted_of, excesses_of, signoff_diagnostics_of
from sealauthz.decision.texts import Texts
from sealauthz.errors import BundleRefused
from sealauthz.polar import Rulebook, Source, Statement, admit, rulebook_of, trace
from sealauthz.polar.check import Analysis, Baseline, Diagnostic, Severity, analyse, check_product_floor
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.groups import NO_GROUPS, Groups, expanded
from sealauthz.polar.parse import parse
from sealauthz.polar.program import program_of
from sealauthz.polar.reach import Reachability
from sealauthz.polar.runtime import FREE
from sealauthz.polar.types import TypeTable
from sealauthz.schema import Model

NOT_FOUND = "NOT_FOUND"
UNKNOWN_ACTION = "UNKNOWN_ACTION"
UNKNOWN_TYPE = "UNKNOWN_TYPE"
FACT_UNAVAILABLE = "FACT_UNAVAILABLE"
POLICY_ERROR = "POLICY_ERROR"
NO_PERMISSION = "NO_PERMISSION"
PRODUCT_REASONS = (NOT_FOUND, UNKNOWN_ACTION, UNKNOWN_TYPE, FACT_UNAVAILABLE, POLICY_ERROR, NO_PERMISSION)
"""The reasons that the service gives by itself; a bundle describes them like its own."""


class EngineKind(StrEnum):
    """What evaluates a bundle: the compiled engine, or oso, for tests and comparison."""

    COMPILED = "compiled"
    OSO = "oso"


class Engine(Protocol):
    """What evaluates a bundle. Any error is an EvaluationFailed; no error ever counts as an answer."""

    def holds(self, rule: str, *arguments: object) -> bool:
        """Whether a rule holds for these arguments."""
        ...

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        """The values that the FREE arguments can take."""
        ...

    def explain(self, rule: str, *arguments: object) -> tuple[trace.Attempt, ...]:
        """The clauses that were tried, each with what stopped it; empty where the engine does not trace."""
        ...


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle. `version` is the digest of all its files; `statements` keep the order of the files.

    Their groups are spelled out. `accepted` is what its folder has signed off.
    """

    model: Model
    version: str
    sources: tuple[Source, ...]
    statements: tuple[Statement, ...]
    parameters: Any
    texts: Texts
    rulebook: Rulebook
    engine: Engine
    accepted: tuple[Accepted, ...] = ()

    @classmethod
    def load(
        cls,
        model: Model,
        folder: Path | None = None,
        engine: EngineKind = EngineKind.COMPILED,
        *,
        is_served: bool = True,
    ) -> Bundle:
        """Load the bundle of a model in a folder, or the one that is installed with the service. Raises BundleRefused.

        What is not to be served may hold the product's files of another version.
        """
        installed = model.policies or installed_folder()
        layout = layout_of(folder or installed, is_served=is_served, installed=installed)
        sources = tuple(read_sources(layout))
        with _without_collection():
            expansion = expanded(statement for source in sources for statement in admit(source, attributes(model)))
            statements = expansion.statements
        rulebook = rulebook_of(statements, PRODUCT_REASONS, expansion.groups)
        for type_ in rulebook.resource_types:
            if type_ not in model.records:
                raise BundleRefused(f"`{type_}` has actions but is no record")
        parameters, numbers = read_parameters(layout, model.parameters)
        texts, said = read_texts(layout)
        excesses = excesses_of(layout, statements, parameters, installed, expansion.groups)
        if is_served:
            _refuse_errors(floor_diagnostics_of(statements, read_product_sources(layout, installed)))
            _refuse_errors(signoff_diagnostics_of(excesses, layout))
        with _without_collection():
            if engine == EngineKind.COMPILED:
                made = _compiled(model, sources, statements, rulebook)
            else:
                made = _reference(model, sources, statements, rulebook)
        version = version_of(sources, numbers, said)
        accepted = accepted_of(excesses, layout)
        return cls(model, version, sources, statements, parameters, texts, rulebook, made, accepted)

    @cached_property
    def actions(self) -> Mapping[str, tuple[str, ...]]:
        """The actions of each resource type."""
        return {type_: self.rulebook.actions_of(type_) for type_ in self.rulebook.resource_types}

    def context_keys(self, action: str, resource_type: str) -> Mapping[str, type]:
        """The context keys that a client may give for an action, with the types of their values."""
        return self.model.action(action, resource_type).keys

    def context_records(self, action: str, resource_type: str) -> Mapping[str, str]:
        """The context keys of an action that name records, with the types of these."""
        return self.model.action(action, resource_type).records


def _compiled(
    model: Model, sources: tuple[Source, ...], statements: tuple[Statement, ...], rulebook: Rulebook
) -> Engine:
    """Check policies and compile them for every question that the service asks."""
    _refuse_errors(diagnostics_of(model, sources, statements, rulebook.groups))
    engine = compiled_from(model, statements)
    _prepare(engine, model, rulebook)
    return engine


def _prepare(engine: CompiledEngine, model: Model, rulebook: Rulebook) -> None:
    for rule, *arguments in questions_of(model, rulebook):
        engine.prepare(rule, *arguments)


def _refuse_errors(diagnostics: Iterable[Diagnostic]) -> None:
    """Raise BundleRefused for the first error."""
    for diagnostic in diagnostics:
        if diagnostic.severity is Severity.ERROR:
            place = diagnostic.place
            raise BundleRefused(diagnostic.message, place.file, place.line, place.column)


_analyses: WeakKeyDictionary[Model, Analysis] = WeakKeyDictionary()
"""The last analysis of each model's policies that found no error: the next one starts from it."""

_engines: WeakKeyDictionary[Model, list[ReferenceType[CompiledEngine]]] = WeakKeyDictionary()
"""The engines of each model that are in use, the last ones first: most of what the next one compiles, they have."""


def forget_loads(model: Model) -> None:
    """Let the next load of a model's policies start from nothing, for measurements."""
    _analyses.pop(model, None)
    _engines.pop(model, None)


def compiled_from(model: Model, statements: tuple[Statement, ...]) -> CompiledEngine:
    """Make an engine of parsed policies that compiles each rule when it is asked for. Raises BundleRefused."""
    known = [engine for engine in (known() for known in _engines.get(model, ())) if engine is not None]
    fresh = None if known else CompiledEngine(statements, model.records, plain_classes(model))
    engine = fresh or known[0].reloaded(statements)
    _engines[model] = [ref(engine), *map(ref, known)]
    return engine


def diagnostics_of(
    model: Model, sources: tuple[Source, ...], statements: tuple[Statement, ...], groups: Groups | None = None
) -> list[Diagnostic]:
    """Check parsed sources against the records, contexts and parameters that the service has.

    With `groups`, the statements are those that were spelled out of them.
    """
    analysis = analyse(
        statements,
        _types(model),
        _context_of(model),
        product_reasons=PRODUCT_REASONS,
        subjects=model.subjects,
        sources=sources,
        before=_analyses.get(model),
        groups=groups,
    )
    if analysis.flow is not None:
        _analyses[model] = analysis
    return analysis.diagnostics


def floor_diagnostics_of(statements: tuple[Statement, ...], product: tuple[Source, ...]) -> list[Diagnostic]:
    """Find where a bundle changes what the floor rests on. `product` are the installed files; none for themselves.

    Apart from the other checks, because it holds for what is served only. Raises BundleRefused for what is no Polar.
    """
    if not product:
        return []
    with _without_collection():
        kept = expanded(statement for source in product for statement in parse(source)).statements
    return check_product_floor(statements, kept)


def baseline_of(model: Model, statements: tuple[Statement, ...], groups: Groups = NO_GROUPS) -> Baseline:
    """Check policies without errors so that small changes of them can be checked quickly.

    The statements are those that were spelled out of the groups.
    """
    return Baseline(
        statements,
        _types(model),
        _context_of(model),
        product_reasons=PRODUCT_REASONS,
        subjects=model.subjects,
        groups=groups,
    )


def reachability_of(bundle: Bundle) -> Reachability:
    """Return what the rules of a bundle say about the links between subjects and resources."""
    model, engine = bundle.model, bundle.engine
    types = _types(model)
    program = engine.program if isinstance(engine, CompiledEngine) else program_of(bundle.statements, types.classes)
    paths = {context.__name__: resolver.all_paths for context, resolver in model.resolvers.items()}
    return Reachability(program, model.shapes, paths, types.is_a)


def plain_classes(model: Model) -> tuple[type, ...]:
    """The classes that a policy may name beside the records."""
    return (*model.contexts, model.parameters)


@cache
def _types(model: Model) -> TypeTable:
    """The types that a bundle is checked against."""
    return TypeTable(model.records, plain_classes(model))


def _context_of(model: Model) -> Callable[[str, str], type]:
    """What tells the class of the context of an action."""
    return lambda action, type_: model.action(action, type_).context


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the collector from walking through all the trees that a load makes, which would take as long again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _reference(
    model: Model, sources: tuple[Source, ...], statements: tuple[Statement, ...], rulebook: Rulebook
) -> Engine:
    """Check policies and load them into oso, which gets no text that the checker has not passed."""
    _refuse_errors(diagnostics_of(model, sources, statements, rulebook.groups))
    # oso has no wheel for every interpreter that the service runs on, so only who asks for it imports it.
    from sealauthz.polar.reference import ReferenceEngine, ReferenceUnavailable

    try:
        return ReferenceEngine(sources, engine_classes(model))
    except ReferenceUnavailable as error:
        raise BundleRefused(str(error)) from error


def named_by_obligations(book: Rulebook) -> dict[tuple[str, str], dict[str, set[str]]]:
    """By action and resource type: what obligations name, by their codes."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for rule in book.rules.get("obligation_parameter", ()):
        code, name, _value, _subject, action, resource, _context = rule.parameters
        of_action = found.setdefault((action.literal or "", resource.type or ""), {})
        of_action.setdefault(code.literal or "", set()).add(name.literal or "")
    return found


def questions_of(model: Model, book: Rulebook) -> Iterator[tuple[Any, ...]]:
    """Every rule that the decision point asks, with the types of its arguments."""
    naming = named_by_obligations(book)
    for (action, type_), requirements in book.requirements.items():
        resource, context = model.records[type_], model.action(action, type_).context
        for subject_type in model.subjects:
            subject = model.records[subject_type]
            yield "allow", subject, action, resource, context
            yield "visible", subject, resource, context
            yield "has_standing", subject, resource, context
            yield "has_permission", subject, action, resource
            yield "unmet", subject, FREE, action, resource, context
            for requirement in requirements:
                if requirement in book.because:
                    yield "because", requirement, FREE, subject, resource, context
            if "lapses" in book.rules:
                yield "lapses", subject, action, resource, context, FREE
            if (action, type_) in book.obligations:
                yield "obligation", subject, action, resource, context, FREE
            if (action, type_) in naming:
                yield "obligation_parameter", FREE, FREE, FREE, subject, action, resource, context
            steps = book.steps_of(requirements, type_, NO_PERMISSION)
            for name, step in sorted(book.carried):
                if step in steps:
                    yield name, step, FREE, FREE, subject, resource, context
            for step in sorted(book.withheld & steps):
                yield "leads_nowhere", step, subject, resource, context


def engine_classes(model: Model) -> tuple[type, ...]:
    """The classes that a policy may name."""
    return (*model.records.values(), *plain_classes(model))


@cache
def attributes(model: Model) -> frozenset[str]:
    """Every name that a policy may read behind a dot."""
    names: set[str] = set()
    for shape in model.shapes.values():
        names.update(column.name for column in shape.columns if not column.is_personal)
        names.update(relation.name for relation in shape.relations)
    for plain in plain_classes(model):
        names.update(field.name for field in dataclasses.fields(plain))
    return frozenset(names)
