"""The commands that ship policies on a server: `policy versions`, `show`, `propose`, `activate` and `rollback`."""

from __future__ import annotations

import dataclasses
import datetime
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sealauthz.cli.answer_source import connected, connection_options
from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.output import output_option, print_json, rfc3339
from sealauthz.cli.printing import say
from sealauthz.cli.ship_words import activation_line, print_comparison, print_standing, print_version
from sealauthz.runtime.errors import did_you_mean
from sealauthz_client import CallFailed, SealAuthzClient

if TYPE_CHECKING:
    from sealauthz_client.policy import PolicyActivation, PolicyDiagnostic, PolicyFile, PolicyStanding, PolicyVersion

F = TypeVar("F", bound=Callable[..., Any])

_PAUSE_S = 0.1
_SEEN_WITHIN_S = 5.0
_BASE = "base"


def server_options(command: F) -> F:
    """Add the options that say which server, and how to connect to it."""
    named = click.option(
        "--server", metavar="HOST:PORT", help="The server whose policies these are. [SEALAUTHZ_ADDRESS]"
    )
    return named(connection_options(command))


@contextmanager
def shipping_client(
    server: str | None, token_file: Path | None, ca: Path | None, insecure: bool
) -> Iterator[SealAuthzClient]:
    """Yield a client of the server that the options name."""
    address = server or os.environ.get("SEALAUTHZ_ADDRESS")
    if not address:
        raise click.UsageError("name the --server whose policies these are, or set SEALAUTHZ_ADDRESS")
    with connected(address, token_file, ca, insecure) as client:
        yield client


@click.command("versions")
@server_options
@output_option
def policy_versions(*, output: str, **how: Any) -> int:
    """List what was proposed, what decides, and which process has what.

    \b
      sealauthz policy versions --server authz:8443
    """
    with shipping_client(**how) as client:
        found = client.policies()
    if output == "json":
        print_json(_standing_json(found))
    else:
        print_standing(found)
    return Exit.DONE


@click.command("show")
@click.argument("version")
@click.argument("file", required=False)
@click.option(
    "--to",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the files there. Numbers and texts that others go over lie in `base` below.",
)
@server_options
@output_option
def policy_show(*, version: str, file: str | None, to: Path | None, output: str, **how: Any) -> int:
    """Show the policies of VERSION as they were proposed, or one FILE of them.

    VERSION is what a decision names (`policy_version`), or `active`.

    \b
      sealauthz policy show active
      sealauthz policy show 8c9c02a92c33d918 roles.polar
      sealauthz policy show 8c9c02a92c33d918 --to /tmp/proposed
      sealauthz policy diff policies/ /tmp/proposed --facts facts.jsonl
    """
    with shipping_client(**how) as client:
        if version == "active":
            version = _active(client.policies())
        about, files = client.policy(version)
    if file is not None:
        texts = [text for _, name, text in files if name == file]
        if not texts:
            raise Stop(f"these policies have no file `{file}`{did_you_mean(file, [name for _, name, _ in files])}")
        say(texts[-1], nl=False)
    elif output == "json":
        content = [{"part": part, "name": name, "text": text} for part, name, text in files]
        print_json({**_version_json(about), "files": content})
    else:
        print_version(about, files)
    if to is not None:
        _write(to, files)
    return Exit.DONE


@click.command("propose")
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-m", "--note", metavar="TEXT", default="", help="What they are for.")
@click.option("--dry-run", is_flag=True, help="Have the server check them only; nothing is kept.")
@server_options
@output_option
def policy_propose(*, folder: Path | None, note: str, dry_run: bool, output: str, **how: Any) -> int:
    """Propose the policies in FOLDER: every process loads them.

    Without FOLDER, those installed with sealauthz.

    They decide nothing until somebody else activates them. Exits with 1 if
    they cannot be served, with what the server finds wrong.

    \b
      sealauthz policy propose policies/ -m "face check for new devices"
      sealauthz policy propose policies/ --dry-run
    """
    files = _files_of(folder)
    with shipping_client(**how) as client:
        if dry_run:
            report = client.validate_policy(files)
            if output == "json":
                print_json(dataclasses.asdict(report))
            else:
                for each in report.diagnostics:
                    say(_diagnostic_line(each))
                say(f"version {report.version}" if report else "these policies cannot be served")
            return Exit.DONE if report else Exit.REFUSED
        try:
            proposed = client.propose_policy(files, note)
        except CallFailed as error:
            if not any(field == "content" for field, _ in error.violations):
                raise
            for each in client.validate_policy(files).diagnostics:
                say(_diagnostic_line(each), err=True)
            raise Stop("these policies cannot be served; nothing was proposed", Exit.REFUSED) from error
    if output == "json":
        print_json(_version_json(proposed))
    else:
        say(f"proposed {proposed.version} by {proposed.author}")
        say(f"digest   {proposed.digest}")
        say(f"somebody else activates it: sealauthz policy activate {proposed.version}")
    return Exit.DONE


@click.command("compare")
@click.argument("version")
@click.option("--with", "base", metavar="VERSION", default="", help="With this one.  [default: what decides now]")
@server_options
@output_option
def policy_compare(*, version: str, base: str, output: str, **how: Any) -> int:
    """Tell who gains and who loses what over the live facts if VERSION decides.

    The server decides every question about its facts under both; it takes
    some 20,000 records at most. For more, and with all contexts, compare an
    export with `sealauthz policy diff`.

    \b
      sealauthz policy compare 8c9c02a92c33d918
    """
    with shipping_client(**how) as client:
        found = client.compare_policies(version, base)
    if output == "json":
        print_json(dataclasses.asdict(found))
    else:
        print_comparison(found)
    return Exit.DONE


@click.command("activate")
@click.argument("version")
@click.option("-m", "--note", metavar="TEXT", default="", help="Why.")
@click.option("--digest", metavar="HEX", help="The digest of what you have looked at; a start of it will do.")
@click.option("--replaces", metavar="VERSION", help="What must be active until then.  [default: what is active now]")
@click.option(
    "--sign-with",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Sign with this private Ed25519 key (PEM), where the service asks for it.",
)
@click.option("--key", metavar="NAME", help="How the service names that key.  [default: as the file, without ending]")
@click.option(
    "--wait",
    metavar="SECONDS",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    help="For processes that are not ready yet.",
)
@server_options
@output_option
def policy_activate(
    *,
    version: str,
    note: str,
    digest: str | None,
    replaces: str | None,
    sign_with: Path | None,
    key: str | None,
    wait: float,
    output: str,
    **how: Any,
) -> int:
    """Have the policies of VERSION decide, from the next revision of the facts on.

    The caller that proposed them cannot activate them. Every live process must have
    loaded them. Exits with 1 if that is refused.

    \b
      sealauthz policy show 8c9c02a92c33d918 --to /tmp/proposed
      sealauthz policy activate 8c9c02a92c33d918 -m "agreed in CAB-118"
    """
    with shipping_client(**how) as client:
        standing = client.policies()
        known = {each.version: each for each in standing.versions}
        if version not in known:
            raise Stop(f"nobody proposed policies `{version}`{did_you_mean(version, known)}", Exit.REFUSED)
        wanted = known[version].digest
        if digest is not None and not (len(digest) >= 8 and wanted.startswith(digest.lower())):
            raise Stop(f"policies `{version}` have the digest {wanted}, not {digest}", Exit.REFUSED)
        signature = None
        if sign_with is not None:
            # Here, because it loads the engine, which others need not wait for.
            from sealauthz.rollout.signatures import sign

            signature = (key or sign_with.stem, sign(sign_with, wanted))
        expected = standing.active if replaces is None else replaces
        until = time.monotonic() + wait
        while True:
            try:
                done = client.activate_policy(version, wanted, expected, note, signature=signature)
                break
            except CallFailed as error:
                if error.metadata.get("why") != "NOT_READY" or time.monotonic() >= until:
                    raise
            time.sleep(_PAUSE_S * 5)
        _report(client, done, output)
    return Exit.DONE


@click.command("rollback")
@click.option("-m", "--note", metavar="TEXT", default="", help="Why.")
@click.option("--from", "active", metavar="VERSION", help="What must be active until then.  [default: what is active]")
@server_options
@output_option
def policy_rollback(*, note: str, active: str | None, output: str, **how: Any) -> int:
    """Have the policies decide again that decided before the active ones.

    It needs nobody else, and waits for no process.

    \b
      sealauthz policy rollback -m "p-lin was let in"
    """
    with shipping_client(**how) as client:
        done = client.roll_back_policy(active or _active(client.policies()), note)
        _report(client, done, output)
    return Exit.DONE


def _report(client: SealAuthzClient, done: PolicyActivation, output: str) -> None:
    """Print what was done, and how many processes serve it by now."""
    begun = time.monotonic()
    while True:
        live = [each for each in client.policies().processes if each.is_live and each.follows_store]
        behind = [each.name for each in live if each.serves != done.version]
        if not behind or time.monotonic() - begun > _SEEN_WITHIN_S:
            break
        time.sleep(_PAUSE_S)
    if output == "json":
        print_json({**_activation_json(done), "processes": len(live), "behind": behind})
        return
    say(activation_line(done))
    if not done.previous:
        say("warning: nothing was active before, so nothing can be rolled back to", err=True)
    say(f"{len(live) - len(behind)} of {len(live)} processes decide with it")
    for name in behind:
        say(f"warning: `{name}` does not have it yet, and answers nothing until it has", err=True)


def _active(standing: PolicyStanding) -> str:
    if not standing.active:
        raise Stop("nobody has activated any policies: each process decides with its folder", Exit.REFUSED)
    return standing.active


def _files_of(folder: Path | None) -> list[PolicyFile]:
    # Here, because the engine takes a second to load.
    from sealauthz.rollout import Archive

    return [(file.part.value, file.name, file.text) for file in Archive.of_folder(service_model(), folder).files]


def _write(to: Path, files: tuple[PolicyFile, ...]) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for number, (part, name, text) in enumerate(files):
        is_below = any((part, name) == later[:2] for later in files[number + 1 :])
        folder = to / _BASE if is_below else to
        if Path(name).name != name:  # which no server of ours sends
            raise Stop(f"`{name}` is no name of a file")
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(text.encode())


def _diagnostic_line(each: PolicyDiagnostic) -> str:
    place = ":".join(str(part) for part in (each.file, each.line, each.column) if part)
    return f"{place}: {each.severity.lower()}: {each.message} [{each.code}]".removeprefix(": ")


def _with_times(value: PolicyVersion | PolicyActivation) -> dict[str, Any]:
    found = dataclasses.asdict(value)
    return {name: rfc3339(each) if isinstance(each, datetime.datetime) else each for name, each in found.items()}


def _version_json(about: PolicyVersion) -> dict[str, Any]:
    return _with_times(about)


def _activation_json(done: PolicyActivation) -> dict[str, Any]:
    return _with_times(done)


def _standing_json(found: PolicyStanding) -> dict[str, Any]:
    return {
        "active": found.active,
        "versions": list(map(_version_json, found.versions)),
        "activations": list(map(_activation_json, found.activations)),
        "processes": [dataclasses.asdict(each) for each in found.processes],
    }
