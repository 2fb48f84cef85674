"""Looking at a folder of policies: everything that is wrong with it, and the bundle if it can be served."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sealauthz.decision.bundle import Bundle, installed_folder_of, written_for_of
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.decision.checking import diagnostics_of, floor_diagnostics_of
from sealauthz.decision.folder import (
    Layout,
    layout_of,
    read_extension,
    read_parameters,
    read_product_sources,
    read_sources,
    read_texts,
)
from sealauthz.decision.signoffs import excesses_of, signoff_diagnostics_of
from sealauthz.decision.texts import SILENT, TEXTS_FILE, missing_texts
from sealauthz.polar import Source, Statement
from sealauthz.polar.check import Diagnostic, Severity
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.groups import Exemption, expand
from sealauthz.polar.messages import excerpt
from sealauthz.polar.parse import parse
from sealauthz.polar.syntax import Place
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import Model

SYNTAX = "syntax"
"""The code of a diagnostic about text that is no Polar, or Polar that policies must not contain."""

CONTRACT = "contract"
"""The code of a diagnostic about files that are missing or cannot be read, and about what only loading finds."""


TEXT = "text"
"""The code of a diagnostic about what reasons, next steps and obligations say to people."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in a folder, file by file from top to bottom; `bundle` is None where an error stops it.
    `exemptions` are those of the folder's own files.

    The place of a diagnostic may lack its line and column (0), or its file ("") too.
    """

    sources: tuple[Source, ...]
    diagnostics: tuple[Diagnostic, ...]
    bundle: Bundle | None
    exemptions: tuple[Exemption, ...] = ()

    def excerpt(self, diagnostic: Diagnostic) -> str:
        """Return the line of a diagnostic with a caret under its place; nothing where there is no such line."""
        place = diagnostic.place
        found = (source for source in self.sources if source.file == place.file)
        return next((excerpt(source, place.line, place.column) for source in found), "")


def inspect(model: Model, folder: Path | Layout | None = None, cache: BundleCache | None = None) -> Inspection:
    """Find all that is wrong with the policies in a folder, or with those that are installed with the service.

    The first mistake of each file that cannot be parsed hides the rest of that file, and what the checker would say. So
    do mistakes in groups. What can be served may come from a `cache`, with what was found when it was stored.
    """
    try:
        bundle = Bundle.load(model, folder, cache=cache)
    except BundleRefused as error:
        return _refused(model, folder, error)
    silent = Place(TEXTS_FILE, 0, 0)
    said: Iterable[str] = ()
    if bundle.texts != SILENT:  # a bundle without any texts is meant to have none
        said = missing_texts(bundle.texts, bundle.rulebook, model.shown_parts, model.events)
    warnings = (Diagnostic(Severity.WARNING, TEXT, sentence, silent) for sentence in said)
    exemptions = tuple(each for each in bundle.rulebook.groups.exemptions if each.place.file in bundle.own)
    return Inspection(bundle.sources, (*_by_place(bundle.warnings), *warnings), bundle, exemptions)


def unreadable(error: BundleRefused) -> Inspection:
    """Return what is found where the files cannot even be put in their order."""
    return Inspection((), (_diagnostic(CONTRACT, error),), None)


def _refused(model: Model, folder: Path | Layout | None, first: BundleRefused) -> Inspection:
    """Find everything that is wrong with policies that were refused; `first` is what the load said."""
    installed = installed_folder_of(model)
    try:
        layout = layout_of(folder or installed, installed=installed)
        adds, _ = read_extension(layout)
        written_for = written_for_of(model, adds)
        sources = tuple(read_sources(layout))
    except BundleRefused as error:
        return unreadable(error)
    statements: list[Statement] = []
    unparsed: list[Diagnostic] = []
    for source in sources:
        try:
            statements += parse(source)
        except BundleRefused as error:
            unparsed.append(_diagnostic(SYNTAX, error))
    if unparsed:
        return Inspection(sources, tuple(unparsed), None)
    mistakes = Diagnostics()
    expansion = expand(statements, mistakes)
    if mistakes.errors():
        return Inspection(sources, tuple(mistakes.by_place()), None)
    found = diagnostics_of(written_for, sources, expansion.statements, expansion.groups)
    refused = {diagnostic.place for diagnostic in found if diagnostic.severity is Severity.ERROR}
    product = read_product_sources(layout, installed)
    found += [some for some in floor_diagnostics_of(expansion.statements, product) if some.place not in refused]
    diagnostics = _by_place(found)
    if any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics):
        return Inspection(sources, diagnostics, None)
    try:
        parameters, _ = read_parameters(layout, model.parameters)
        texts, _ = read_texts(layout)
        excesses = excesses_of(layout, expansion, parameters, texts, installed, adds)
        unsigned = signoff_diagnostics_of(excesses, layout)
    except BundleRefused as error:
        return Inspection(sources, (*diagnostics, _diagnostic(CONTRACT, error)), None)
    return Inspection(sources, (*diagnostics, *(unsigned or (_diagnostic(CONTRACT, first),))), None)


def _by_place(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(found, key=lambda some: (some.place.file, some.place.line, some.place.column)))


def _diagnostic(code: str, error: BundleRefused) -> Diagnostic:
    place = ":".join(str(part) for part in (error.file, error.line, error.column) if part)
    message = str(error).removeprefix(f"{place}: ") if place else str(error)
    return Diagnostic(Severity.ERROR, code, message, Place(error.file, error.line, error.column))
