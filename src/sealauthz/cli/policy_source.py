"""Where a command that compares policies takes a bundle from: a folder, the installed one, or a revision of git."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.errors import BundleRefused

if TYPE_CHECKING:
    from sealauthz.decision import Bundle

INSTALLED = "default"
GIT = "git:"

_DEFAULT_PATH = "policies"
_FILE_MODES = ("100644", "100755")


def load_bundle(label: str, spec: str, other: str) -> Bundle:
    """Load the bundle that an argument names; `label` is the argument, `other` what the other argument names.

    Raises Stop.
    """
    from sealauthz.decision.bundle import Bundle

    try:
        if spec == INSTALLED:
            return Bundle.load(service_model())
        if spec.startswith(GIT):
            with tempfile.TemporaryDirectory(prefix="sealauthz-") as folder:
                _read_revision(spec, other, Path(folder))
                # What stood there once is compared, and never served: its floor may be that of an older version.
                return Bundle.load(service_model(), Path(folder), is_served=False)
        if not Path(spec).is_dir():
            what = "is no folder" if Path(spec).exists() else "does not exist"
            raise Stop(
                f"{label}: `{spec}` {what}; write a folder of policies, `{INSTALLED}` for those installed with "
                f"sealauthz, or `{GIT}REVISION`",
                Exit.WRONG_USE,
            )
        return Bundle.load(service_model(), Path(spec))
    except BundleRefused as error:
        raise Stop(f"{label} (`{spec}`) cannot be served: {error}", Exit.REFUSED) from error


def _read_revision(spec: str, other: str, into: Path) -> None:
    """Write the policy files of `git:REV` or `git:REV:path` into a folder.

    The objects are read as they are: an archive would follow attributes, and could leave out a file.
    """
    revision, _, path = spec.removeprefix(GIT).partition(":")
    if not revision:
        raise Stop(f"`{spec}` names no revision: write `git:main` or `git:main:policies`", Exit.WRONG_USE)
    # Asked from where the other folder lies, so that it matters as little as can be where the command is run.
    here = Path(other) if other != INSTALLED and not other.startswith(GIT) and Path(other).is_dir() else Path()
    top = _git(here, "rev-parse", "--show-toplevel")
    if top is None:
        raise Stop(f"`{spec}`: `{here}` lies in no git repository", Exit.WRONG_USE)
    root = Path(top.decode().rstrip("\n"))
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise Stop(f"`{spec}`: there is no revision `{revision}` in this repository", Exit.WRONG_USE)
    if not path:
        path = _DEFAULT_PATH
        if here != Path() and here.resolve().is_relative_to(root.resolve()):
            path = here.resolve().relative_to(root.resolve()).as_posix()
    path = path.strip("/")
    name = commit.decode().strip()
    tree = _git(root, "ls-tree", "-z", name if path in ("", ".") else f"{name}:{path}")
    if tree is None:
        raise Stop(f"`{spec}`: there is no folder `{path}` at `{revision}`", Exit.WRONG_USE)
    for entry in filter(None, tree.split(b"\0")):
        about, _, raw = entry.partition(b"\t")
        mode, _kind, object_name = about.decode().split()
        file = Path(raw.decode("utf-8", "surrogateescape")).name
        if not file.endswith((".polar", ".toml")):
            continue
        content = _git(root, "cat-file", "blob", object_name) if mode in _FILE_MODES else None
        if content is None:
            raise Stop(f"`{spec}`: `{file}` is no plain file at `{revision}`", Exit.WRONG_USE)
        (into / file).write_bytes(content)


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Run git in a folder and return what it prints; None where it fails."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise Stop("git is not installed, and `git:` needs it", Exit.WRONG_USE) from error
    return done.stdout if done.returncode == 0 else None
