"""One policy file: its name inside the bundle, and its text."""

from __future__ import annotations

from dataclasses import dataclass

CONTRACT_FILE = "contract.polar"
FLOOR_FILE = "floor.polar"
TIMES_FILE = "times.polar"
"""Has rules that authors may call: nothing else need call them."""

FILES_REMEMBERED = 240
"""How many read files are kept: more than a bundle has, so that a reload reads only what changed."""


@dataclass(frozen=True, slots=True)
class Source:
    """A policy file. Two with the same name and text are equal."""

    file: str
    text: str
