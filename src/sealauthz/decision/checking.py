"""What policies are checked against and compiled for: the records, contexts and parameters of a model.

Of each model it is remembered what the last check found and which engines are in use, so that what did not change is
neither checked nor compiled again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING
from weakref import ReferenceType, WeakKeyDictionary, ref

from sealauthz.decision.analyses import Analyses, Checked
from sealauthz.decision.duties import duty_diagnostics_of
from sealauthz.decision.folder import product_expansion
from sealauthz.decision.product_reasons import PRODUCT_REASONS
from sealauthz.polar import Source, Statement
from sealauthz.polar.diagnostic import Diagnostic
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.gate import Files, forget_admitted, remember_admitted
from sealauthz.polar.groups import NO_GROUPS, Expansion, Groups, forget_spelled_out
from sealauthz.polar.groups import remember as remember_spelled_out
from sealauthz.polar.types import TypeTable
from sealauthz.runtime.collector import without_collection
from sealauthz.schema import Model

if TYPE_CHECKING:
    from sealauthz.decision.stored_analysis import StoredAnalysis
    from sealauthz.polar.check import Analysis, Baseline

_analyses = Analyses()

_engines: WeakKeyDictionary[Model, list[ReferenceType[CompiledEngine]]] = WeakKeyDictionary()
"""The engines of each model that are in use, the last ones first: most of what the next one compiles, they have."""

_starting: WeakKeyDictionary[Model, CompiledEngine] = WeakKeyDictionary()
"""The engines that are in no use but that the next load starts from."""


def plain_classes(model: Model) -> tuple[type, ...]:
    """The classes that a policy may name beside the records."""
    return (*model.contexts, model.parameters)


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


@cache
def types_of(model: Model) -> TypeTable:
    """The types that a bundle is checked against."""
    return TypeTable(model.records, plain_classes(model))


def context_of(model: Model) -> Callable[[str, str], type]:
    """What tells the class of the context of an action."""
    return lambda action, type_: model.action(action, type_).context


def has_loaded(model: Model) -> bool:
    """Whether a load of a model's policies has something to start from."""
    return _analyses.get(model) is not None or any(known() is not None for known in _engines.get(model, ()))


def start_from(model: Model, stored: StoredAnalysis) -> None:
    """Have the next load of a model's policies start from what another process found out about some with the same code,
    interpreter and model.
    """
    from sealauthz.polar.check import Analysis

    types, statements = types_of(model), stored.expansion.statements
    analysis = Analysis.of_kept(stored.analysis, types)
    engine = CompiledEngine.of_kept(stored.code, types)
    for source, found in stored.files:
        remember_admitted(source, attributes(model), found)
    remember_spelled_out(stored.expansion)
    _analyses.keep(model, Checked(tuple(source for source, _ in stored.files), statements, analysis))
    _engines[model] = [ref(engine)]
    _starting[model] = engine


def found_out(model: Model, files: Files, expansion: Expansion, engine: CompiledEngine) -> StoredAnalysis | None:
    """Return what a load found out about policies that another process may start from, once the engine was stored; None
    where there is none, or where it started from another one itself.
    """
    from sealauthz.decision.stored_analysis import StoredAnalysis

    checked = _analyses.get(model)
    analysis = checked.analysis.kept() if checked is not None and checked.is_of(expansion.statements) else None
    code = None if analysis is None else engine.kept()
    return None if analysis is None or code is None else StoredAnalysis(files, expansion, analysis, code)


def forget_loads(model: Model) -> None:
    """Let the next load of a model's policies start from nothing, for measurements."""
    product_expansion.cache_clear()
    forget_admitted()
    forget_spelled_out()
    _analyses.forget(model)
    _engines.pop(model, None)
    _starting.pop(model, None)


def compiled_from(model: Model, statements: tuple[Statement, ...]) -> CompiledEngine:
    """Make an engine of parsed policies that compiles each rule when it is asked for. Raises BundleRefused."""
    known = [engine for engine in (known() for known in _engines.get(model, ())) if engine is not None]
    fresh = None if known else CompiledEngine(statements, model.records, plain_classes(model))
    engine = fresh or known[0].reloaded(statements)
    _engines[model] = [ref(engine), *map(ref, known)]
    _starting.pop(model, None)
    return engine


def diagnostics_of(
    model: Model, sources: tuple[Source, ...], statements: tuple[Statement, ...], groups: Groups | None = None
) -> list[Diagnostic]:
    """Check parsed sources against the records, contexts and parameters that the service has.

    With `groups`, the statements are those that were spelled out of them.
    """
    before = _analyses.get(model)
    if before is not None and groups is not None and sources == before.sources and before.is_of(statements):
        return [*before.analysis.diagnostics, *duty_diagnostics_of(model, before.analysis.rules)]
    analysis = analysis_of(model, statements, groups, sources, None if before is None else before.analysis)
    if analysis.flow is not None:
        _analyses.keep(model, Checked(sources, statements, analysis))
    return [*analysis.diagnostics, *duty_diagnostics_of(model, analysis.rules)]


def analysis_of(
    model: Model,
    statements: tuple[Statement, ...],
    groups: Groups | None,
    sources: tuple[Source, ...] = (),
    before: Analysis | None = None,
) -> Analysis:
    """Analyse policies against what a model has, from the beginning or from what was found `before`."""
    # Here, as wherever the checker is asked: what comes from a cache needs none.
    from sealauthz.polar.check import analyse

    return analyse(
        statements,
        types_of(model),
        context_of(model),
        product_reasons=PRODUCT_REASONS,
        subjects=model.subjects,
        sources=sources,
        before=before,
        groups=groups,
    )


def floor_diagnostics_of(statements: tuple[Statement, ...], product: tuple[Source, ...]) -> list[Diagnostic]:
    """Find where a bundle changes what the floor rests on. `product` are the installed files; none for themselves.

    Apart from the other checks, because it holds for what is served only. Raises BundleRefused for what is no Polar.
    """
    if not product:
        return []
    from sealauthz.polar.check import check_product_floor

    with without_collection():
        kept = product_expansion(product).statements
    return check_product_floor(statements, kept)


def baseline_of(model: Model, statements: tuple[Statement, ...], groups: Groups = NO_GROUPS) -> Baseline:
    """Check policies without errors so that small changes of them can be checked quickly.

    The statements are those that were spelled out of the groups.
    """
    from sealauthz.polar.check import Baseline

    checked = _analyses.get(model)
    return Baseline(
        statements,
        types_of(model),
        context_of(model),
        product_reasons=PRODUCT_REASONS,
        subjects=model.subjects,
        groups=groups,
        known=checked.analysis if checked is not None and checked.is_of(statements) else None,
    )
