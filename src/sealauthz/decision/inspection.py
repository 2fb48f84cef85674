"""Looking at a folder of policies: everything that is wrong with it, and the bundle if it can be served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sealauthz.decision.bundle import Bundle, findings_of, floor_findings_of
from sealauthz.decision.folder import installed_folder, layout_of, read_product_sources, read_sources
from sealauthz.decision.texts import SILENT, TEXTS_FILE, missing_texts
from sealauthz.errors import BundleRefused
from sealauthz.polar import Source, syntax
from sealauthz.polar.check import Finding, Severity
from sealauthz.polar.complaint import excerpt
from sealauthz.polar.parse import parse
from sealauthz.schema import Model

SYNTAX = "syntax"
"""The code of a finding about text that is no Polar, or Polar that policies must not contain."""

CONTRACT = "contract"
"""The code of a finding about files that are missing or cannot be read, and about what only loading finds."""


TEXT = "text"
"""The code of a finding about what reasons, next steps and obligations say to people."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in a folder, file by file from top to bottom; `bundle` is None where an error stops it.

    The place of a finding may lack its line and column (0), or its file ("") too.
    """

    sources: tuple[Source, ...]
    findings: tuple[Finding, ...]
    bundle: Bundle | None

    def excerpt(self, finding: Finding) -> str:
        """Return the line of a finding with a caret under its place; nothing where there is no such line."""
        place = finding.place
        found = (source for source in self.sources if source.file == place.file)
        return next((excerpt(source, place.line, place.column) for source in found), "")


def inspect(model: Model, folder: Path | None = None) -> Inspection:
    """Find all that is wrong with the policies in a folder, or with those that are installed with the service.

    The first mistake of each file that cannot be parsed hides the rest of that file, and what the checker would say.
    """
    installed = model.policies or installed_folder()
    folder = folder or installed
    try:
        layout = layout_of(folder, installed=installed)
        sources = tuple(read_sources(layout))
    except BundleRefused as error:
        return Inspection((), (_finding(CONTRACT, error),), None)
    nodes: list[syntax.Statement] = []
    faults: list[Finding] = []
    for source in sources:
        try:
            nodes += parse(source)
        except BundleRefused as error:
            faults.append(_finding(SYNTAX, error))
    if faults:
        return Inspection(sources, tuple(faults), None)
    found = findings_of(model, sources, tuple(nodes))
    told = {finding.place for finding in found if finding.severity is Severity.ERROR}
    found += [
        some for some in floor_findings_of(sources, read_product_sources(layout, installed)) if some.place not in told
    ]
    findings = tuple(sorted(found, key=lambda some: (some.place.file, some.place.line, some.place.column)))
    if any(finding.severity is Severity.ERROR for finding in findings):
        return Inspection(sources, findings, None)
    try:
        bundle = Bundle.load(model, folder)
    except BundleRefused as error:
        return Inspection(sources, (*findings, _finding(CONTRACT, error)), None)
    silent = syntax.Place(TEXTS_FILE, 0, 0)
    # A bundle without any texts is meant to have none.
    shown = tuple(dict.fromkeys(part for parts in model.shown.values() for part in parts))
    said = missing_texts(bundle.texts, bundle.rulebook, shown) if bundle.texts != SILENT else ()
    warnings = (Finding(Severity.WARNING, TEXT, sentence, silent) for sentence in said)
    return Inspection(sources, (*findings, *warnings), bundle)


def _finding(code: str, error: BundleRefused) -> Finding:
    place = ":".join(str(part) for part in (error.file, error.line, error.column) if part)
    message = str(error).removeprefix(f"{place}: ") if place else str(error)
    return Finding(Severity.ERROR, code, message, syntax.Place(error.file, error.line, error.column))
