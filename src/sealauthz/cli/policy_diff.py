"""The command `policy diff`: who gains and who loses what when one bundle takes the place of another."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.bars import progress
from sealauthz.cli.output import print_json
from sealauthz.cli.printing import say

if TYPE_CHECKING:
    from sealauthz.decision import Bundle
    from sealauthz.policytools.attack.changes import GoalChange
    from sealauthz.policytools.diff.approval import Approvals
    from sealauthz.policytools.diff.report import AccessDiff

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Moment(click.ParamType[int]):
    """A time in ISO 8601, as an instant."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the time; one without its zone could be any of two dozen."""
        if isinstance(value, int):
            return value
        try:
            moment = datetime.datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"`{value}` is no time: write it as in 2026-01-05T09:00:00Z", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"`{value}` lacks its time zone: write it as in 2026-01-05T09:00:00Z", param, ctx)
        return (moment - _EPOCH) // datetime.timedelta(microseconds=1)


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--facts", metavar="FILE|URL", required=True, help="A file of facts, `-`, a database, or `demo`.")
@click.option("--now", type=Moment(), help="The time at which to decide, in ISO 8601; the clock's by default.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    show_default=True,
    help="For people, for programs, or for a pull request.",
)
@click.option("--reasons", is_flag=True, help="List the denials that give other reasons, too.")
@click.option(
    "--approve", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Only these changes may happen."
)
@click.option("--update", is_flag=True, help="Write the changes to the file of --approve, for review.")
@click.option(
    "--pairs",
    type=click.IntRange(1),
    default=2_000_000,
    show_default=True,
    help="Pairs of subject and resource up to which all are decided.",
)
@click.option(
    "--contexts", type=click.IntRange(1), default=1_024, show_default=True, help="Contexts of one question at most."
)
@click.option(
    "--attack",
    "goals",
    metavar="PATH",
    type=click.Path(path_type=Path, exists=True),
    help="Search for the goals in this file or folder, too: which ones does NEW open?",
)
@click.option(
    "--seconds",
    metavar="N",
    type=click.FloatRange(0.1),
    default=60.0,
    show_default=True,
    help="For each goal of --attack, at most.",
)
def policy_diff(
    *,
    old: str,
    new: str,
    facts: str,
    now: int | None,
    output: str,
    reasons: bool,
    approve: Path | None,
    update: bool,
    pairs: int,
    contexts: int,
    goals: Path | None,
    seconds: float,
) -> int:
    """Tell who gains and who loses what if NEW takes the place of OLD.

    Decides every subject, action and resource of the facts under both
    policies, and prints what differs, with the lines of the policies that are
    responsible. OLD and NEW are folders of policies, `default` for those
    installed with sealauthz, or `git:REVISION` or `git:REVISION:FOLDER`
    (from the top of the repository; the other argument's folder by default).

    \b
      sealauthz policy diff default policies/ --facts demo
      sealauthz policy diff git:main policies/ --facts facts.jsonl
      sealauthz facts export | sealauthz policy diff git:main policies/ --facts -
      sealauthz policy diff git:main policies/ --facts facts.jsonl \\
        --now 2026-01-05T09:00:00Z --approve approved.txt -o markdown

    --facts is a file as `sealauthz facts export` writes it, `-` for standard
    input, a database URL (read at one revision, and only read), a YAML file
    with fixtures of policy tests (each at its own time), or `demo`.
    All facts are needed, names and phones are not.

    Access means that some context, made of the facts, allows it: with each
    task that the subject handles or operates and all of the contracts of the
    resource's enterprise; with the subject's own identity checks and some of
    others; with each reason that the policies know; and with none of these.
    The diff also lists access gained or lost in some contexts only (a
    widening, a narrowing), other obligations, and questions that a policy
    fails to decide.

    Checks that are valid for minutes are tried as they are and as if fresh:
    a face check passed just now for the resource, the code of a request,
    working hours, at the time of the facts. Changes that show only then have
    sections of their own.

    The rules are compared as they are written, too, whatever the questions
    reach: requirements that are dropped and waivers that are new or changed
    come first, then the others. Comments, order and the names of variables and
    helpers are no difference. What may allow more without an effect on any
    question is listed under CANNOT TELL. Above
    --pairs, each resource is decided for all subjects linked to it and a
    sample of the others. The diff always says what was not decided.

    --approve makes it a gate: exits with 0 if the changes are exactly those
    in the file, one a line, and says which lines to add or to remove if not.
    What is dropped or waived has a line of its own, whatever else shows, and
    so has what the diff cannot tell, each with a digest of the rule and all it
    calls.
    A question that NEW fails to decide cannot be approved. Comments begin
    with # and stay when --update writes the file.

    --attack searches for goals under both (`sealauthz policy attack`), and
    prints the way to each that is reached under one of them only. One that NEW
    opens cannot be approved.

    \b
      + Person:p-lin use Seal:seal-official         gains access
      - Person:p-lin view Seal:seal-official        loses access
      + Person:p-lin use Seal:seal-official task=t  has access, gains this
      ~ Person:p-lin use Seal:seal-official +NOTIFY_LEGAL -APPEND_SEAL_LOG
      ! waived use Seal SEAL_USABLE 5037a0ff        is waived, or not required
      ? meets stamp Seal SEAL_USABLE 8c1e3a90       no question shows what

    \b
    JSON is one object:
      complete    false if anything was not decided
      old, new    versions; files, parameters: in what they differ
      accepted    what bundle.toml of old and of new signs off: name, what,
                  why
      rules       the rules as they are written: change (ADDED, DROPPED,
                  CHANGED), rule, named, old and new (text, file, line)
      named       what is dropped or waived, like cannot_tell
      summary     the number of changes of each kind
      facts       for each set of facts: name, now, extent, changes,
                  denials_with_other_reasons (and other_reasons)
                  changes: kind (GAIN, WIDER, LOSS, NARROWER, OBLIGATION,
                  BROKEN, MENDED), subject, action, resource, context,
                  further_contexts, causes, obligations_added,
                  obligations_dropped, error, approval_line
                  fresh_changes: those that show only with fresh facts
      cannot_tell changes of the rules that may allow more, with no effect
                  seen: kind (ADDED, DROPPED, ACTION, PARAMETER,
                  OBLIGATION, LAPSE), rule, text, file, line, approval_line
      approval    null, or file, approved, missing, stale
      attacks     of --attack: goal, opens, and the steps of the way

    \b
    Exit codes:
      0  no changes; with --approve: exactly the approved ones
      1  changes, or it cannot tell; with --approve: other ones than
         approved; or a faulty policy
      2  wrong use: arguments, facts, or the file of approvals
      3  no answer: the database cannot be used now
    """
    from sealauthz.cli.access_report import json_of, markdown_of, text_of
    from sealauthz.cli.access_words import Gate
    from sealauthz.cli.attack_words import attack_json, attack_lines
    from sealauthz.cli.diff_source import load_bundles
    from sealauthz.decision import system_clock
    from sealauthz.policytools.diff import approval
    from sealauthz.policytools.diff.changes import ChangeKind
    from sealauthz.policytools.diff.comparison import Limits
    from sealauthz.policytools.diff.report import named, unseen

    if update and approve is None:
        raise click.UsageError("--update needs --approve, which names the file to write")
    approved = None if approve is None else _approved(approve, may_be_new=update)
    before, after = load_bundles(old, new)
    diffs = _diffs(before, after, facts, system_clock() if now is None else now, Limits(pairs, contexts), reasons)
    attacks = _attacks(before, after, goals, seconds) if goals is not None else None
    gate = None
    if approve is not None and approved is not None:
        lines = approval.lines_of(diffs) | approval.acknowledgements_of(diffs)
        if update:
            approve.write_text(approval.written(lines, approved), encoding="utf-8")
            approved = approval.Approvals(dict.fromkeys(lines, ((), "")))
        broken = sum(len((*diff.of(ChangeKind.BROKEN), *diff.fresh_of(ChangeKind.BROKEN))) for diff in diffs)
        gate = Gate(str(approve), approval.compare(lines, approved), update, broken)
    if output == "json":
        said = json_of(diffs, lists_reasons=reasons, gate=gate)
        print_json(said if attacks is None else {**said, "attacks": [attack_json(each) for each in attacks]})
    else:
        write = text_of if output == "table" else markdown_of
        say(write(diffs, lists_reasons=reasons, gate=gate))
        if attacks is not None:
            say("\n".join(attack_lines(attacks, is_markdown=output == "markdown")))
    changes = any(diff.changes or diff.fresh for diff in diffs) or bool(unseen(diffs) or named(diffs))
    is_fine = bool(gate) if gate is not None else not changes
    if any(each.opens for each in attacks or ()):
        is_fine = False
    return Exit.DONE if is_fine else Exit.REFUSED


def _attacks(before: Bundle, after: Bundle, goals: Path, seconds: float) -> list[GoalChange]:
    """Return the goals that are reached under one of the bundles only."""
    from sealauthz.policytools.attack.changes import goal_changes
    from sealauthz.policytools.attack.found import Limits
    from sealauthz.policytools.testing.loading import files_of_tests

    with _quiet():
        return list(goal_changes(before, after, files_of_tests([goals]), Limits(seconds=seconds)))


def _diffs(before: Bundle, after: Bundle, facts: str, now: int, limits: Any, lists_reasons: bool) -> list[AccessDiff]:
    """Compare two bundles over every set of facts."""
    import dataclasses

    from sealauthz.cli.diff_source import fact_sets
    from sealauthz.policytools.diff.diff import compare

    if lists_reasons:
        limits = dataclasses.replace(limits, denials=None)
    found = []
    with _quiet(), progress("deciding") as told:
        for some in fact_sets(facts, now):
            found.append(compare(before, after, some.records, some.now, limits, told, some.name))
    return found


def _approved(file: Path, *, may_be_new: bool) -> Approvals:
    from sealauthz.policytools.diff import approval

    if may_be_new and not file.exists():
        return approval.Approvals()
    if not file.exists():
        raise Stop(f"there is no file `{file}` of approved changes; --update writes it")
    try:
        return approval.read(file.read_bytes().decode(), str(file))
    except UnicodeDecodeError as error:
        raise Stop(f"`{file}` is not UTF-8 text") from error
    except approval.ApprovalProblem as error:
        raise Stop(str(error)) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the decision point from logging what goes wrong in a decision: the diff shows it."""
    logger = logging.getLogger("sealauthz.decision.pdp")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was_disabled
