"""What the commands that ship policies say to people: tables of versions, of activations and of processes."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from sealauthz.runtime.terminal import console, instant, show
from sealauthz_client.policy import (
    PolicyActivation,
    PolicyCause,
    PolicyComparison,
    PolicyFile,
    PolicyProcess,
    PolicyStanding,
    PolicyVersion,
)

_ACTIVATIONS = 10
_MORE = ("GAIN", "WIDER", "OBLIGATION", "BROKEN")


def print_standing(found: PolicyStanding) -> None:
    """Print what was proposed, what decided when, and which process has what."""
    to = console()
    if not found.versions:
        show(to, Text("nobody has proposed any policies: each process decides with its folder"))
    else:
        show(to, _versions(found))
    if found.activations:
        show(to, Text())
        show(to, _activations(found.activations[:_ACTIVATIONS]))
    if found.processes:
        show(to, Text())
        show(to, _processes(found))


def print_version(about: PolicyVersion, files: Iterable[PolicyFile]) -> None:
    """Print what policies are made of."""
    to = console()
    said = f"policies {about.version} by {about.author}, proposed {instant(about.proposed_at)}"
    show(to, Text(said))
    show(to, Text(f"digest {about.digest}", style="dim"))
    if about.note:
        show(to, Text(about.note))
    table = _table("FILE", "PART", "LINES")
    for part, name, text in files:
        table.add_row(name, part, f"{len(text.splitlines()):,}")
    show(to, table)


def print_comparison(found: PolicyComparison) -> None:
    """Print who gains and who loses what."""
    to = console()
    facts = f"over {found.records:,} records at revision {found.revision}"
    show(to, Text(f"{found.version} in the place of {found.base_version}, {facts}"))
    if not found.changes:
        show(to, Text("nobody gains or loses anything"))
    for each in found.changes:
        fresh = ", with a check that is fresh" if each.only_when_fresh else ""
        about = f"{each.kind}  {each.action} on {each.resource_type}, {each.count:,} times{fresh}"
        show(to, Text(about, style="bold red" if each.kind in _MORE else "bold"))
        for cause in each.causes:
            show(to, Text(f"  {_cause_line(cause)}"))
        for code in each.added_obligations:
            show(to, Text(f"  {code} must be done, too"))
        for code in each.dropped_obligations:
            show(to, Text(f"  {code} need not be done any more"))
        for subject, resource, context in each.examples:
            given = "".join(f" {key}={value}" for key, value in sorted(context.items()))
            show(to, Text(f"    {subject} {resource}{given}", style="dim"))
    if found.left_out:
        show(to, Text(f"… and {found.left_out:,} more changes: `sealauthz policy diff` lists all"))
    for rule in found.cannot_tell:
        show(to, Text(f"CANNOT TELL  {rule}  may allow more, and these facts show no effect of it", style="yellow"))
    if not found.is_complete:
        show(to, Text("some questions were not decided: more may change than is listed", style="yellow"))


def activation_line(done: PolicyActivation) -> str:
    """Say what decides now."""
    before = f", in the place of {done.previous}" if done.previous else ""
    verb = "active" if done.kind == "ACTIVATE" else "rolled back to"
    return f"{verb} {done.version} from revision {done.revision} on{before}"


def _cause_line(cause: PolicyCause) -> str:
    parts = [cause.kind.lower(), cause.requirement]
    parts += [f"allowed by {cause.allowed_by}"] if cause.allowed_by else []
    parts += [f"required by {cause.required_by}"] if cause.required_by else []
    parts += [f"numbers: {', '.join(cause.parameters)}"] if cause.parameters else []
    return "  ".join(part for part in parts if part)


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _versions(found: PolicyStanding) -> Table:
    table = _table("VERSION", "STATE", "AUTHOR", "PROPOSED", "NOTE")
    decided = {each.version for each in found.activations}
    live = [each for each in found.processes if each.is_live]
    for each in found.versions:
        ready = sum(each.version in process.ready for process in live)
        state = f"ready in {ready} of {len(live)}"
        if each.version == found.active:
            state = "ACTIVE"
        elif any(each.version in process.refused for process in live):
            state = "REFUSED"
        elif each.version in decided:
            state = f"was active, {state}"
        table.add_row(each.version, state, each.author, instant(each.proposed_at), each.note)
    return table


def _activations(activations: Iterable[PolicyActivation]) -> Table:
    table = _table("FROM REVISION", "VERSION", "HOW", "BY", "AT", "NOTE")
    for each in activations:
        how = "activated" if each.kind == "ACTIVATE" else "rolled back"
        by = f"{each.approver}, signed by {each.signed_by}" if each.signed_by else each.approver
        table.add_row(str(each.revision), each.version, how, by, instant(each.activated_at), each.note)
    return table


def _processes(found: PolicyStanding) -> Table:
    table = _table("PROCESS", "RELEASE", "DECIDES WITH", "SEEN", "PROBLEM")
    for each in found.processes:
        seen = f"{each.seen_s_ago:.0f} s ago" if each.is_live else "not lately"
        table.add_row(each.name, each.release, each.serves or "nothing", seen, _problem(each, found.active))
    return table


def _problem(process: PolicyProcess, active: str) -> str:
    if not process.follows_store:
        return "its configuration has it decide with its folder"
    said = [f"{version}: {why}" for version, why in sorted(process.refused.items())]
    if process.is_live and active and process.serves != active and active not in process.refused:
        said.insert(0, f"does not have {active} yet")
    return "; ".join(said)
