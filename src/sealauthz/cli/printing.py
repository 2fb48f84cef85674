"""How the commands print a line: nothing that another system wrote steers the terminal or hides in it."""

from __future__ import annotations

import re
from typing import TextIO

import click

from sealauthz.runtime.characters import escaped

_STYLE = re.compile("(\x1b\\[(?:0|1|2|3[0-7])m)")
"""How `click.style` begins and ends a colour, bold and dim, none of which hides a text."""


def say(text: str = "", file: TextIO | None = None, *, err: bool = False, nl: bool = True) -> None:
    """Print a text, styled or not. What cannot be seen, other than blanks, is written as JSON writes it."""
    parts = _STYLE.split(text)
    parts[::2] = map(escaped, parts[::2])
    click.echo("".join(parts), file, err=err, nl=nl)  # noqa: TID251
