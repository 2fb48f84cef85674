"""The command `policy fmt`: one style for policy files, which changes nothing that they say."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.printing import say
from sealauthz.runtime.errors import BundleRefused

_HERE = Path("policies")


@click.command("fmt")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is not in the style.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change, and exit with 1 if anything would.")
def policy_fmt(*, paths: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Lay policy files out in one style, of 120 columns.

    PATH is a file or a folder, whose .polar files are taken at every depth;
    without it, the folder `policies` of the working directory. Only spaces and
    line breaks change: every word and every comment stays, and so does the
    policy. A rule that was written on one line stays on one if it fits; else
    each of its conditions has a line. Inside brackets your line breaks stay.

    A file that is no policy is refused with its line, and then no file is
    changed.

    \b
      sealauthz policy fmt policies/
      sealauthz policy fmt --check policies/           # in CI
      sealauthz policy fmt --diff policies/house.polar
    """
    changed: list[tuple[Path, str, str]] = []
    refused: list[str] = []
    count = 0
    for path in _files(paths or (_HERE,)):
        count += 1
        try:
            before, after = _formatted(path)
        except BundleRefused as error:
            refused.append(f"{path}{str(error).removeprefix(path.name)}")
            continue
        if before != after:
            changed.append((path, before, after))
    if refused:
        for said in refused:
            say(f"error: {said}", err=True)
        raise Stop("nothing was changed: not every file is a policy", Exit.REFUSED)
    for path, before, after in changed:
        if diff:
            _show(path, before, after)
        elif check:
            say(f"would change {path}")
        else:
            _write(path, after)
            say(f"changed {path}")
    are = "is" if count == 1 else "are"
    if not changed:
        say(f"{_files_of(count)} {are} laid out", err=diff)
        return Exit.DONE
    if check or diff:
        say(f"{len(changed)} of {_files_of(count)} would change: run `sealauthz policy fmt`", err=True)
        return Exit.REFUSED
    return Exit.DONE


def _files_of(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}"


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    """The policy files, each once. Raises Stop where there is none."""
    seen: set[Path] = set()
    for path in paths:
        found = sorted(path.rglob("*.polar")) if path.is_dir() else [path]
        if not path.exists():
            raise Stop(f"there is no file or folder `{path}`")
        if not found:
            raise Stop(f"there is no policy file in `{path}`")
        for file in found:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def _formatted(path: Path) -> tuple[str, str]:
    """The text of a file as it is, and as it should be. Raises BundleRefused."""
    from sealauthz.polar.layout import formatted
    from sealauthz.polar.source import Source

    try:
        before = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise BundleRefused("the file is not UTF-8 text", path.name) from error
    except OSError as error:
        raise Stop(f"`{path}` cannot be read: {error.strerror}") from error
    return before, formatted(Source(path.name, before))


def _show(path: Path, before: str, after: str) -> None:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{path}", f"{path} (laid out)"
    )
    for line in lines:
        say(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n", nl=False)


def _write(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, so that nobody reads half a policy. Raises Stop."""
    target = path.resolve()
    written = None
    try:
        with tempfile.NamedTemporaryFile("wb", dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            written = Path(file.name)
            file.write(text.encode())
        shutil.copymode(target, written)
        written.replace(target)
    except OSError as error:
        if written is not None:
            written.unlink(missing_ok=True)
        raise Stop(f"`{path}` cannot be written: {error.strerror}") from error
