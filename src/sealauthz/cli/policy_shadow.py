"""The commands about policies in the shadow: `policy shadow begin`, `show` and `stop`."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from sealauthz.cli.app import Exit
from sealauthz.cli.output import output_option, print_json, rfc3339
from sealauthz.cli.policy_ship import server_options, shipping_client
from sealauthz.cli.printing import say
from sealauthz.runtime.terminal import console, instant, show

if TYPE_CHECKING:
    from sealauthz_client.policy import ShadowCause, ShadowDifference, ShadowFindings

_WORDS = {
    "GAIN": ("GAIN", "bold red"),
    "OBLIGATION": ("OBLIGATION", "yellow"),
    "BROKEN": ("BROKEN", "bold red"),
    "LOSS": ("LOSS", "yellow"),
    "MENDED": ("MENDED", ""),
    "REASONS": ("reasons", "dim"),
}


@click.group("shadow")
def policy_shadow() -> None:
    """Have proposed policies decide live questions in the shadow.

    A sample of the questions that a service answers is decided by the
    candidate too. Answers neither wait for it nor depend on it; what it would
    answer otherwise is counted by rule, what somebody gains first.

    \b
      sealauthz policy shadow begin 58eece9bec921fbd --share 0.2
      sealauthz policy shadow show
      sealauthz policy shadow stop
    """


@policy_shadow.command("begin")
@click.argument("version")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.1,
    show_default=True,
    metavar="PART",
    help="Of the questions.",
)
@click.option(
    "--cpu",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.05,
    show_default=True,
    metavar="PART",
    help="Of one core, in each process, at most.",
)
@server_options
@output_option
def shadow_begin(*, version: str, share: float, cpu: float, output: str, **how: Any) -> int:
    """Have the proposed policies VERSION decide a share of the live questions.

    What ran before ends, and all counts begin again.

    \b
      sealauthz policy shadow begin 58eece9bec921fbd --share 0.2
    """
    with shipping_client(**how) as client:
        begun = client.begin_shadow(version, share=share, cpu_share=cpu)
    if output == "json":
        print_json({**dataclasses.asdict(begun), "begun_at": rfc3339(begun.begun_at)})
    else:
        say(f"{begun.version} decides {begun.share:.0%} of the live questions in the shadow")
        say("what it answers otherwise: sealauthz policy shadow show")
    return Exit.DONE


@policy_shadow.command("stop")
@server_options
def shadow_stop(**how: Any) -> int:
    """Have no policies decide in the shadow any more.

    What was found until then is still told by `policy shadow show`.

    \b
      sealauthz policy shadow stop
    """
    with shipping_client(**how) as client:
        ended = client.end_shadow()
    say("stopped" if ended else "nothing ran in the shadow")
    return Exit.DONE


@policy_shadow.command("show")
@click.option("--fail-on-gain", is_flag=True, help="Exit with 1 where somebody gains something, or nothing is decided.")
@server_options
@output_option
def shadow_show(*, fail_on_gain: bool, output: str, **how: Any) -> int:
    """Show what the policies in the shadow answer otherwise, gains first.

    It is as of a second ago, and counts from the begin, or from when other
    policies became active.

    \b
      sealauthz policy shadow show --fail-on-gain
    """
    with shipping_client(**how) as client:
        found = client.shadow()
    if output == "json":
        print_json(_json(dataclasses.asdict(found)))
    else:
        _print(found)
    bad = [each for each in found.differences if each.kind in {"GAIN", "BROKEN"}]
    # Where more differ than are kept, nobody knows how.
    return Exit.REFUSED if fail_on_gain and (bad or found.uncounted or not found.compared) else Exit.DONE


def _json(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return rfc3339(value)
    if isinstance(value, dict):
        return {key: _json(each) for key, each in value.items()}
    return [_json(each) for each in value] if isinstance(value, list | tuple) else value


def _print(found: ShadowFindings) -> None:
    to = console()
    if not found.candidate:
        show(to, Text("nothing has run in the shadow yet: sealauthz policy shadow begin VERSION"))
        return
    run = found.shadow
    state = f"since {instant(run.begun_at)} by {run.caller}" if run is not None else "stopped"
    show(to, Text(f"{found.candidate} in the shadow of {found.active or 'what is active'}, {state}"))
    if not found.processes:
        show(to, Text("no process has told what it found yet"))
        return
    where = "1 process" if found.processes == 1 else f"{found.processes} processes"
    counted = f"{found.compared:,} questions compared in {where}"
    left = found.left_out + found.not_in_memory
    show(to, Text(counted + (f"; {left:,} more were drawn and not compared" if left else "")))
    if found.uncounted:
        show(to, Text(f"{found.uncounted:,} further differences are of more kinds than are kept", style="yellow"))
    if not found.differences:
        show(to, Text("no difference"))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("HOW", "QUESTIONS", "ACTION", "WHY", "FOR EXAMPLE"):
        table.add_column(header, overflow="fold")
    for each in found.differences:
        word, style = _WORDS.get(each.kind, (each.kind, ""))
        example = each.examples[0] if each.examples else None
        asked = f"{example.subject} on {example.resource}" if example is not None else ""
        table.add_row(
            Text(word, style=style), f"{each.count:,}", f"{each.action} on {each.resource_type}", _why(each), asked
        )
    show(to, table)


def _why(found: ShadowDifference) -> str:
    lines = [_cause(each) for each in found.causes]
    if found.error:
        lines.append(found.error)
    lines += [f"+ {code}" for code in found.obligations_added] + [f"- {code}" for code in found.obligations_dropped]
    if found.kind == "REASONS":
        lines.append(f"{', '.join(found.reasons_before)} → {', '.join(found.reasons_after)}")
    return "\n".join(lines)


def _cause(cause: ShadowCause) -> str:
    places = [cause.allowed_by and f"{'waived' if cause.is_waived else 'allowed'} by {cause.allowed_by}"]
    places += [cause.required_by and f"required by {cause.required_by}", *cause.stopped_at[:1], *cause.parameters]
    return f"{cause.requirement or cause.kind.lower()}: {'; '.join(place for place in places if place)}"
