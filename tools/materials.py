"""What SealAuthz is made of: the licences of the packages it is delivered with, and a bill of materials (CycloneDX).

    python tools/materials.py licences   fails on a licence that deploy/licences.toml does not allow
    python tools/materials.py audit      the same, and fails on a version with a known vulnerability
    python tools/materials.py bill FILE  writes the bill of deploy/runtime.lock, with hashes and licences, as JSON

The bill is the same for the same lock and the same installed packages, so that two builds can be compared.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from license_expression import ExpressionError, get_spdx_licensing

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
RUNTIME = DEPLOY / "runtime.lock"
LOCKS = (RUNTIME, DEPLOY / "build.lock")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==([^\s;\\]+)", re.MULTILINE)

OF_CLASSIFIER = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What classifiers say that name exactly one licence; `BSD License` names several."""

ADVISORIES = "api.osv.dev"
PIP_AUDIT = "pip-audit==2.10.1"
_PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

_SPDX = get_spdx_licensing()
_WITHIN_S = 120


class Rules(NamedTuple):
    """Which licences are allowed, each with its reason, and what packages are licensed under that do not say it."""

    allowed: Mapping[str, str]
    said: Mapping[str, str]


def read_rules(file: Path = DEPLOY / "licences.toml") -> Rules:
    """Read the rules."""
    with file.open("rb") as opened:
        return Rules(**tomllib.load(opened))


def pinned_in(lock: Path) -> dict[str, str]:
    """Return the packages of a lock with their versions."""
    return dict(PINNED.findall(lock.read_text(encoding="utf-8")))


def metadata_of(package: str, version: str) -> Mapping[str, list[str]]:
    """Return what an installed package says of itself; nothing where another version is installed, or none."""
    try:
        found = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return {}
    if found.version != version:
        return {}
    return {key: found.metadata.get_all(key) or [] for key in ("License-Expression", "License", "Classifier")}


def licence_of(package: str, metadata: Mapping[str, list[str]], said: Mapping[str, str]) -> str:
    """Return the licence of a package as an expression of SPDX; empty where nobody says it."""
    if package in said:
        return said[package]
    for key in ("License-Expression", "License"):
        for text in metadata.get(key, []):
            if _is_spdx(text):
                return text
    named = {OF_CLASSIFIER[each] for each in metadata.get("Classifier", []) if each in OF_CLASSIFIER}
    return named.pop() if len(named) == 1 else ""


def problems(
    packages: Mapping[str, str],
    rules: Rules,
    metadata: Callable[[str, str], Mapping[str, list[str]]] = metadata_of,
) -> list[str]:
    """Return what is wrong: each licence that is unknown or not allowed, and each rule that is for nothing."""
    found, used = [], set()
    for package, version in sorted(packages.items()):
        licence = licence_of(package, metadata(package, version), rules.said)
        if not licence or not _is_spdx(licence):
            found.append(f"{package} {version}: names no licence of SPDX; look into it, and add it under [said]")
            continue
        chosen = _allowed(_SPDX.parse(licence), rules.allowed)
        used |= chosen
        if not chosen:
            found.append(f"{package} {version}: `{licence}` is not allowed; add it with a reason, or do without it")
    found += [f"[allowed] `{name}`: no package has it" for name in sorted(rules.allowed.keys() - used)]
    found += [f"[said] `{name}`: no such package" for name in sorted(rules.said.keys() - packages.keys())]
    found += [f"[allowed] `{name}`: says no reason" for name, reason in rules.allowed.items() if not reason.strip()]
    return found


def _is_spdx(text: str) -> bool:
    try:
        return _SPDX.parse(text) is not None and not _SPDX.unknown_license_keys(text)
    except ExpressionError:
        return False


def _allowed(expression: Any, allowed: Mapping[str, str]) -> set[str]:
    """Return the allowed licences under which something may be used; none where it may not."""
    if not isinstance(expression, _SPDX.AND | _SPDX.OR):
        return {str(expression)} & allowed.keys()
    parts = [_allowed(part, allowed) for part in expression.args]
    whole: set[str] = set().union(*parts)
    return whole if isinstance(expression, _SPDX.OR) or all(parts) else set()


def bill(lock: Path, licences: Mapping[str, str], ours: Iterable[str] = ()) -> dict[str, Any]:
    """Return the bill of a lock, and of packages of ours that are built beside it (`name==version`)."""
    text = "\n".join((lock.read_text(encoding="utf-8"), *ours, ""))
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--pyproject", str(ROOT / "pyproject.toml")]
    command += ["--output-reproducible", "--of", "JSON", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=_WITHIN_S)
    if done.returncode:
        raise SystemExit(done.stderr)
    made: dict[str, Any] = json.loads(done.stdout)
    refs = {}
    for component in made["components"]:
        del component["description"]  # the line of the lock, once more
        refs[component["bom-ref"]] = component["bom-ref"] = component["purl"]
        component["licenses"] = [{"expression": licences[component["name"]]}]
    made["components"].sort(key=lambda component: component["name"])
    made["dependencies"] = [{"ref": refs.get(each["ref"], each["ref"])} for each in made["dependencies"]]
    made["dependencies"].sort(key=lambda each: each["ref"])
    return made


def version_of_ours() -> str:
    """Return the version that is built here."""
    found = re.search(r'^__version__ = "(.+)"$', (ROOT / "src/sealauthz/__init__.py").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit("src/sealauthz/__init__.py names no version")
    return found[1]


def vulnerabilities(lock: Path) -> int:
    """Look the packages of a lock up in the database of known vulnerabilities; 1 if it knows any, 0 also where it
    cannot be reached, which is printed.
    """
    try:
        socket.create_connection((ADVISORIES, 443), timeout=10).close()
    except OSError:
        print(f"{ADVISORIES} cannot be reached: vulnerabilities were not looked up")
        return 0
    print(f"{lock.relative_to(ROOT)}:", flush=True)
    audit = ["uv", "tool", "run", PIP_AUDIT, "--vulnerability-service", "osv", "--no-deps", "--disable-pip"]
    return subprocess.run([*audit, "--requirement", lock], check=False, env=os.environ | {"PATH": _PATH}).returncode


def main() -> int:
    """Check the licences, and write a bill where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("licences", help="compare the licences with deploy/licences.toml")
    commands.add_parser("audit", help="the same, and look for known vulnerabilities")
    commands.add_parser("bill", help="write a bill of materials").add_argument("file", type=Path)
    given, rules = parser.parse_args(), read_rules()
    packages = {name: version for lock in LOCKS for name, version in pinned_in(lock).items()}
    if found := problems(packages, rules):
        print("\n".join(found))
        return 1
    if given.command != "bill":
        print(f"the licences of {len(packages)} packages are allowed")
        return max(map(vulnerabilities, LOCKS)) if given.command == "audit" else 0
    licences = {name: licence_of(name, metadata_of(name, version), rules.said) for name, version in packages.items()}
    ours, version = "sealauthz-client", version_of_ours()
    made = bill(RUNTIME, {**licences, ours: "Apache-2.0"}, [f"{ours}=={version}"])
    made["metadata"]["component"]["version"] = version
    given.file.parent.mkdir(parents=True, exist_ok=True)
    given.file.write_text(json.dumps(made, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{given.file}: {len(made['components'])} components")
    return 0


if __name__ == "__main__":
    sys.exit(main())
