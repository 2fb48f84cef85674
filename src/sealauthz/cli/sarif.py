"""Findings of `policy check` as SARIF 2.1.0, which editors and code hosts show at their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sealauthz import __version__
from sealauthz.decision.folder import BUNDLE_FILE
from sealauthz.decision.kinds import KINDS

if TYPE_CHECKING:
    from sealauthz.cli.findings import Finding

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_FOLDER, _INSTALLED = "POLICIES", "INSTALLED"
"""The bases of the paths of files that do not lie below the working directory."""

_BASES = {
    _FOLDER: "The policy folder that was checked.",
    _INSTALLED: "The folder of the policies that are installed with sealauthz.",
}

_LEVELS = {"error": "error", "warning": "warning", "exempt": "note", "accepted": "note"}

_SUPPRESSIONS = {"exempt": "inSource", "accepted": "external"}
"""Where somebody answers for what is found, and says why: in the policy itself, or beside it."""


def sarif_of(findings: Iterable[Finding], folder: Path | None, here: Path) -> dict[str, Any]:
    """Make a SARIF log with one run. `folder` is what was checked, None for the installed policies.

    Paths are relative: to `here`, else to the folder, or to the installed policies.
    """
    findings = tuple(findings)
    codes = sorted({finding.code for finding in findings})
    results = [_result(finding, codes, folder, here) for finding in findings]
    used = {where.get("uriBaseId") for result in results for where in _artifacts(result)}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "sealauthz",
                "semanticVersion": __version__,
                "rules": [_rule(code) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    bases = {name: {"description": {"text": text}} for name, text in _BASES.items() if name in used}
    if bases:
        run["originalUriBaseIds"] = bases
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    said = KINDS.get(code, "Something is wrong with the policies.")
    return {"id": code, "shortDescription": {"text": said}}


def _result(finding: Finding, codes: Sequence[str], folder: Path | None, here: Path) -> dict[str, Any]:
    hint = f"\n{finding.hint}" if finding.hint and finding.severity not in _SUPPRESSIONS else ""
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}{hint}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(finding.file, folder, here),
                    "region": _region(finding),
                }
            }
        ],
    }
    if finding.severity in _SUPPRESSIONS:
        result["suppressions"] = [{"kind": _SUPPRESSIONS[finding.severity], "justification": finding.hint}]
    return result


def _artifacts(result: Mapping[str, Any]) -> Iterable[Mapping[str, str]]:
    return (location["physicalLocation"]["artifactLocation"] for location in result["locations"])


def _artifact(file: str, folder: Path | None, here: Path) -> dict[str, str]:
    """Name a file; what is said of the folder as a whole is shown at its `bundle.toml`, as code hosts show files."""
    file = file or BUNDLE_FILE
    # Numbers and texts that are missing are for the folder to add, whether it has such a file yet or not.
    if folder is None or not (file.endswith(".toml") or (folder / file).is_file()):
        return {"uri": quote(file), "uriBaseId": _INSTALLED}
    path = (here / folder / file).resolve()
    if path.is_relative_to(here.resolve()):
        return {"uri": quote(path.relative_to(here.resolve()).as_posix())}
    return {"uri": quote(file), "uriBaseId": _FOLDER}


def _region(finding: Finding) -> dict[str, int]:
    """Where something stands; the first line for a file as a whole."""
    if not finding.line:
        return {"startLine": 1}
    region = {"startLine": finding.line, "endLine": finding.end_line}
    if finding.column:
        region |= {"startColumn": finding.column, "endColumn": finding.end_column}
    return region
