"""The command that writes a small consistent set of facts: `facts new`."""

from __future__ import annotations

import re
import shlex
from typing import Any, BinaryIO

import click
from click.shell_completion import CompletionItem

from sealauthz.cli.app import Exit, service_model
from sealauthz.cli.completing import names
from sealauthz.cli.printing import say
from sealauthz.cli.records import line_of
from sealauthz.runtime.errors import did_you_mean
from sealauthz.runtime.terminal import instant

_PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,30}", re.ASCII)


class StoryName(click.ParamType[str]):
    """The name of a story."""

    name = "STORY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check that there is such a story, and suggest one if there is not."""
        from sealauthz.ops.demo.stories import STORIES

        if value not in STORIES:
            known = "".join(f"\n  {name}: {story.about}" for name, story in STORIES.items())
            self.fail(f"`{value}` is not a story{did_you_mean(str(value), STORIES)}. There are:{known}", param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Complete the name of a story."""
        from sealauthz.ops.demo.stories import STORIES

        return names(lambda _: STORIES)(ctx, param, incomplete)


@click.command("new")
@click.argument("story", type=StoryName())
@click.option("--prefix", default="new", show_default=True, metavar="TEXT", help="What all ids begin with.")
@click.option(
    "--write", "file", type=click.File("wb", lazy=True), default="-", metavar="FILE", help="Else: print them."
)
def facts_new(*, story: str, prefix: str, file: BinaryIO) -> int:
    """Write a small consistent set of facts to begin with.

    STORY is what is to be allowed on them: `seal-use` (a member seals a
    contract under a grant) or `company` (a company with an administrator).
    The facts are those that `facts import` takes, with times around now. What
    to ask then is told on standard error. Everything in them is invented.

    \b
      sealauthz facts new seal-use --write facts.jsonl
      sealauthz facts import facts.jsonl
      sealauthz facts new seal-use --prefix shop | sealauthz facts import -
    """
    if not _PREFIX.fullmatch(prefix):
        raise click.UsageError("--prefix takes small letters, digits and dashes, 31 at most")
    # Here, because the stories are of the model, and no other command needs them.
    from sealauthz.decision import system_clock
    from sealauthz.ops.demo.stories import STORIES

    chosen, now = STORIES[story], system_clock()
    lines = [line_of(service_model(), record, with_personal_data=True) for record in chosen.records(prefix, now)]
    file.write("".join(f"{line}\n" for line in lines).encode())
    file.flush()
    asked = chosen.question(prefix)
    words = ["sealauthz", "check", asked.subject, asked.action, asked.resource]
    for name, value in asked.context.items():
        words += ["--context", f"{name}={value}"]
    until = instant(now + chosen.lasts_us)
    say(f"{len(lines)} facts; once they are imported, this is allowed until {until}:", err=True)
    say(f"  {shlex.join(words)}", err=True)
    return Exit.DONE
