"""A policy bundle: its files, its parameters, its contract, and the engine that evaluates it. Loaded whole or not at
all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.decision.checking import (
    analysis_of,
    attributes,
    compiled_from,
    diagnostics_of,
    engine_classes,
    floor_diagnostics_of,
    found_out,
    has_loaded,
    start_from,
    types_of,
)
from sealauthz.decision.folder import (
    Layout,
    digest_of,
    fitting,
    installed_folder,
    layout_of,
    read_extension,
    read_parameters,
    read_product_sources,
    read_sources,
    read_texts,
    texts_content,
)
from sealauthz.decision.product_reasons import PRODUCT_REASONS
from sealauthz.decision.questions import questions_of
from sealauthz.decision.signoffs import Accepted, accepted_of, excesses_of, signoff_diagnostics_of
from sealauthz.decision.stored import StoredBundle, base_of, key_of
from sealauthz.decision.stored_rules import UNREADABLE
from sealauthz.decision.texts import Texts
from sealauthz.polar import Rulebook, Source, Statement, admit, rulebook_of, trace
from sealauthz.polar.diagnostic import Diagnostic, Severity
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.groups import expanded
from sealauthz.polar.program import program_of
from sealauthz.polar.reach import Reachability
from sealauthz.polar.syntax import Place
from sealauthz.polar.types import TypeTable
from sealauthz.runtime.collector import without_collection
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import NO_EXTENSION, Extension, ExtensionProblem, Model, extended
from sealauthz.schema.declaring import MODEL_FILE

_VERSION_CHARACTERS = 16


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


class _Purpose(NamedTuple):
    """What a bundle is loaded for: whether it may be served, and whether it must be signed off."""

    is_served: bool = True
    needs_signoff: bool = True


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle. `digest` is the SHA-256 of all its files; `read_statements` returns the same `statements` each
    time.

    `accepted` is what its folder has signed off, `own` are the policy files that lie in the folder itself.
    `stored_warnings` are those of one from a cache.
    """

    model: Model
    digest: str
    sources: tuple[Source, ...]
    read_statements: Callable[[], tuple[Statement, ...]]
    parameters: Any
    texts: Texts
    rulebook: Rulebook
    engine: Engine
    accepted: tuple[Accepted, ...] = ()
    own: frozenset[str] = frozenset()
    stored_warnings: tuple[Diagnostic, ...] | None = None
    needs: Extension = NO_EXTENSION
    """What its folder adds to the model, and what its policies may read of that; the model may have more."""

    @classmethod
    def load(
        cls,
        model: Model,
        folder: Path | Layout | None = None,
        engine: EngineKind = EngineKind.COMPILED,
        *,
        is_served: bool = True,
        needs_signoff: bool = True,
        cache: BundleCache | None = None,
    ) -> Bundle:
        """Load the bundle of a model in a folder, or of files that were found, or the one that is installed with the
        service. Raises BundleRefused.

        What is not to be served may hold the product's files of another version; what is only tested or compared need
        not be signed off yet. From a `cache` it comes as an earlier load left it there, and a compiled one is left
        there. For oso, that spares the checks.
        """
        purpose = _Purpose(is_served, needs_signoff)
        with without_collection():
            inputs = None if cache is None else _inputs_of(model, folder, purpose)
            if cache is None or inputs is None:
                return _loaded(model, folder, engine, purpose)
            stored = _stored(model, inputs, cache)
            if engine != EngineKind.COMPILED:
                if stored is None:
                    return _loaded(model, folder, engine, purpose)
                # It is there, so the checker has passed these very files.
                return dataclasses.replace(stored, engine=_reference(model, stored.sources))
            if stored is not None:
                return stored
            with cache.turn(inputs.key) as has_waited:
                stored = _stored(model, inputs, cache) if has_waited else None
                if stored is not None:
                    return stored
                _start(model, inputs, cache)
                made = _loaded(model, folder, engine, purpose)
                is_kept = _store(made, cache, inputs.key, _inputs_of(model, folder, purpose))
            if is_kept:
                _store_analysis(made, inputs, cache)
            return made

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements in the order of the files, with their groups spelled out. Raises BundleRefused."""
        return self.read_statements()

    @cached_property
    def version(self) -> str:
        """By what people and answers name it: the beginning of its digest, of 64 bits."""
        return self.digest[:_VERSION_CHARACTERS]

    @cached_property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What the checker warned of, file by file from top to bottom."""
        if self.stored_warnings is not None:
            return self.stored_warnings
        written_for = extended(self.model, self.needs)
        return tuple(diagnostics_of(written_for, self.sources, self.statements, self.rulebook.groups))

    @cached_property
    def actions(self) -> Mapping[str, tuple[str, ...]]:
        """The actions of each resource type."""
        return {type_: self.rulebook.actions_of(type_) for type_ in self.rulebook.resource_types}

    @cached_property
    def naming(self) -> frozenset[tuple[str, str]]:
        """The actions, each with its type of resource, of which an obligation may name something."""
        return self.rulebook.naming

    def context_keys(self, action: str, resource_type: str) -> Mapping[str, type]:
        """The context keys that a client may give for an action, with the types of their values."""
        return self.model.action(action, resource_type).keys

    def context_records(self, action: str, resource_type: str) -> Mapping[str, str]:
        """The context keys of an action that name records, with the types of these."""
        return self.model.action(action, resource_type).records


def _loaded(model: Model, folder: Path | Layout | None, engine: EngineKind, purpose: _Purpose) -> Bundle:
    installed = installed_folder_of(model)
    layout = layout_of(folder or installed, is_served=purpose.is_served, installed=installed)
    needs, declared = read_extension(layout)
    written_for = written_for_of(model, needs)
    sources = tuple(read_sources(layout))
    expansion = expanded(statement for source in sources for statement in admit(source, attributes(written_for)))
    statements = expansion.statements
    rulebook = rulebook_of(statements, PRODUCT_REASONS, expansion.groups)
    for type_ in rulebook.resource_types:
        if type_ not in written_for.records:
            raise BundleRefused(f"`{type_}` has actions but is no record")
    parameters, numbers = read_parameters(layout, model.parameters)
    texts, said = read_texts(layout)
    excesses = excesses_of(layout, expansion, parameters, texts, installed, needs)
    if purpose.is_served:
        _refuse_errors(floor_diagnostics_of(statements, read_product_sources(layout, installed)))
        _refuse_errors(signoff_diagnostics_of(excesses, layout) if purpose.needs_signoff else ())
    if written_for is not model:
        _refuse_errors(diagnostics_of(written_for, sources, statements, rulebook.groups))
    if engine == EngineKind.COMPILED:
        made = _compiled(model, sources, statements, rulebook)
    else:
        _refuse_errors(diagnostics_of(model, sources, statements, rulebook.groups))
        made = _reference(model, sources)
    return Bundle(
        model,
        digest_of(sources, numbers, said, declared),
        sources,
        lambda: statements,
        parameters,
        texts,
        rulebook,
        made,
        accepted_of(excesses, layout),
        layout.own,
        needs=needs,
    )


def written_for_of(model: Model, needs: Extension) -> Model:
    """Return the model that policies are written for, which need this of it. Raises BundleRefused.

    A model has what was applied to its database, and that may be more than a bundle needs. What is not there, or is
    there as something else, must not be decided on.
    """
    try:
        lacking = model.extension.lacks(needs)
    except ExtensionProblem as error:
        raise BundleRefused(f"the model has it otherwise: {error}", MODEL_FILE, error.line) from error
    fitting(model, needs)  # says first what no database could have
    if lacking:
        names, more = ", ".join(f"`{each.key}`" for each in lacking[:3]), ", …" if len(lacking) > 3 else ""
        said = "run `sealauthz db upgrade --policies FOLDER` with this folder, then start this process again"
        raise BundleRefused(
            f"the policies need {names}{more}, which the model here lacks: {said}", MODEL_FILE, lacking[0].line
        )
    return fitting(model, needs)


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What a bundle is made of, as far as it is read again beside what is stored; `key` names all of it, `base` what is
    the same for any policies.
    """

    key: str
    base: str
    layout: Layout
    sources: tuple[Source, ...]
    parameters: Any
    digest: str
    types: TypeTable
    needs: Extension


def inputs_key(model: Model, folder: Path | None) -> str | None:
    """Return what is the same for a folder that is loaded again as long as nothing changed of which its bundle is made,
    or for which it is refused; None where only a load tells.
    """
    inputs = _inputs_of(model, folder, _Purpose())
    return None if inputs is None else inputs.key


def _inputs_of(model: Model, folder: Path | Layout | None, purpose: _Purpose) -> _Inputs | None:
    """Read what a bundle is made of; None where it must not be stored, or a load refuses it and says why."""
    installed, types = installed_folder_of(model), types_of(model)
    try:
        layout = layout_of(folder or installed, is_served=purpose.is_served, installed=installed)
        sources = tuple(read_sources(layout))
        parameters, numbers = read_parameters(layout, model.parameters)
        said = texts_content(layout)
        needs, declared = read_extension(layout)
        written_for_of(model, needs)
        read = (numbers, said, declared)
        key = key_of(layout, sources, read, installed=installed, model=model, types=types, purpose=purpose)
    except BundleRefused:
        return None  # a load tells first what comes first
    base = base_of(model, types)
    if key is None or base is None:
        return None
    return _Inputs(key, base, layout, sources, parameters, digest_of(sources, *read), types, needs)


def _stored(model: Model, inputs: _Inputs, cache: BundleCache) -> Bundle | None:
    """Return the bundle that was stored for these inputs; None where none is, or none that can be read."""
    content = cache.read(inputs.key)
    stored = None if content is None else StoredBundle.loaded(content)
    if stored is None:
        return None
    read_statements, types = stored.rules.statements, inputs.types
    return Bundle(
        model,
        inputs.digest,
        inputs.sources,
        read_statements,
        inputs.parameters,
        stored.texts,
        stored.rulebook,
        CompiledEngine.restored(stored.code, types, lambda: program_of(read_statements(), types.classes)),
        stored.accepted,
        inputs.layout.own,
        stored.warnings,
        inputs.needs,
    )


def _start(model: Model, inputs: _Inputs, cache: BundleCache) -> None:
    """Have a load start from what an earlier one found out, where this process has made none itself."""
    if has_loaded(model):
        return
    from sealauthz.decision.stored_analysis import read_analysis

    stored = read_analysis(cache, inputs.base, inputs.sources, inputs.types)
    if stored is not None:
        with suppress(*UNREADABLE):
            start_from(model, stored)


def _store_analysis(made: Bundle, inputs: _Inputs, cache: BundleCache) -> None:
    """Store what a load from nothing found out."""
    engine = made.engine
    if not isinstance(engine, CompiledEngine):
        return
    names = attributes(made.model)
    files = [(source, admit(source, names)) for source in made.sources]
    expansion = expanded(statement for _, statements in files for statement in statements)
    stored = found_out(made.model, files, expansion, engine)
    if stored is not None:
        from sealauthz.decision.stored_analysis import write_analysis

        write_analysis(cache, inputs.base, stored, inputs.types)


def _store(made: Bundle, cache: BundleCache, key: str, inputs: _Inputs | None) -> bool:
    """Store a bundle, if its inputs are still as they were when its key was made; tell whether it was."""
    engine = made.engine
    if not isinstance(engine, CompiledEngine):
        return False
    if not all(engine.has_prepared(*question) for question in questions_of(made.model, made.rulebook)):
        return False
    content = StoredBundle.dumped(
        made.statements, made.rulebook, made.texts, made.accepted, made.warnings, engine.stored()
    )
    if content is None or inputs is None or inputs.key != key:
        return False
    cache.write(key, content)
    return True


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


def written_ids_of(bundle: Bundle) -> list[tuple[str, str, Place]]:
    """Return the ids that stand in the policies of a bundle, each with the type of its record and where it stands.

    Only what the types tell to be an id: what is compared with one. The bundle is analysed from the beginning.
    """
    analysis = analysis_of(bundle.model, bundle.statements, bundle.rulebook.groups)
    return [] if analysis.flow is None else analysis.flow.written_ids


def reachability_of(bundle: Bundle) -> Reachability:
    """Return what the rules of a bundle say about the links between subjects and resources."""
    model, engine = bundle.model, bundle.engine
    types = types_of(model)
    program = engine.program if isinstance(engine, CompiledEngine) else program_of(bundle.statements, types.classes)
    paths = {context.__name__: resolver.all_paths for context, resolver in model.resolvers.items()}
    return Reachability(program, model.shapes, paths, types.is_a)


def installed_folder_of(model: Model) -> Path:
    """Return where the product's own policies of a model lie."""
    return model.policies or installed_folder()


def _reference(model: Model, sources: tuple[Source, ...]) -> Engine:
    """Load policies into oso, which gets no text that the checker has not passed."""
    # oso has no wheel for every interpreter that the service runs on, so only who asks for it imports it.
    from sealauthz.polar.reference import ReferenceEngine, ReferenceUnavailable

    try:
        return ReferenceEngine(sources, engine_classes(model))
    except ReferenceUnavailable as error:
        raise BundleRefused(str(error)) from error
