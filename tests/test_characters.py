"""Texts that people read: what is refused in facts, and what a terminal shows of what was not."""

from __future__ import annotations

import io
import json

import click
import pytest
from facts_scene import edited, scene, write
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sealauthz.cli.printing import say
from sealauthz.facts import Batch, Part, Put, Store, Update
from sealauthz.runtime.characters import escaped, is_plain, text_fault
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.runtime.terminal import show

UNSEEN = {
    "line feed": "\n",
    "carriage return": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "delete": "\x7f",
    "next line": "\x85",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "right-to-left override": "\u202e",
    "left-to-right isolate": "\u2066",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "tag": "\U000e0041",
    "Hangul filler": "\u3164",
    "braille blank": "\u2800",
    "selector of a variant": "\ufe0f",
    "grapheme joiner": "\u034f",
}

PLAIN = (
    "",
    "a",
    "印章",
    "云杉\u3000印务",
    "1\u00a0000",
    "\ue000 a",
    "Ann Lee",
    "№ 1 — (draft)",
    "e\u0301",
    "4",
    "👍 agreed",
)

BLANK = (" ", "\u3000", "   ", "-", "…", "***", "\u0301", "👍")


@pytest.mark.parametrize("char", UNSEEN.values(), ids=UNSEEN)
def test_a_character_that_cannot_be_seen_is_a_fault_and_is_escaped(char: str) -> None:
    fault = text_fault(f"Ann{char}Lee")
    assert f"U+{ord(char):04X}" in fault
    assert not is_plain(f"Ann{char}Lee")
    assert char not in fault
    shown = escaped(f"Ann{char}Lee")
    assert (char in shown) == (char in "\t\n")
    if char not in shown:
        assert shown.isascii()
        assert json.loads(f'"{shown}"') == f"Ann{char}Lee"


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_text_has_no_fault_and_is_shown_as_it_is(text: str) -> None:
    assert (text_fault(text), is_plain(text), escaped(text)) == ("", True, text)


@pytest.mark.parametrize("text", BLANK)
def test_a_text_without_a_letter_or_digit_states_nothing(text: str) -> None:
    assert text_fault(text) == "must have a letter or a digit"
    assert not is_plain(text)


@pytest.mark.parametrize("text", [*(f"Ann{char}Lee" for char in UNSEEN.values()), *BLANK])
def test_no_way_of_writing_stores_a_text_with_a_fault(store: Store, text: str) -> None:
    write(store, *scene())
    record = edited("Seal", "s1", name=text)
    for change in (Put(record), Update("Seal", "s1", {"name": text})):
        with pytest.raises(InvalidRequest, match="name"):
            store.write(Batch("test", f"bad-{type(change).__name__}", (change,)))
    with pytest.raises(InvalidRequest, match="name"):
        store.import_part("test", Part("monday", frozenset({record.enterprise_id}), 1), [record])


def test_a_terminal_shows_what_would_steer_it_as_a_number() -> None:
    written = io.StringIO()
    table = Table("name")
    table.add_row("a\x1b[2Jb")
    for content in ("Ann\u202eeeL", Text("x\x1b]0;title\x07y", style="bold"), table):
        show(Console(file=written, force_terminal=False, markup=False, width=60), content)
    found = written.getvalue()
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert "Ann\\u202eeeL" in found
    assert "a\\u001b[2Jb" in found


def test_a_line_that_is_printed_keeps_our_colours_and_no_other_command(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"{click.style('error', fg='red', bold=True)} a\x1b[8mb\x1b[2J\u202ec\x7f")
    printed = capsys.readouterr().out
    assert printed == "error a\\u001b[8mb\\u001b[2J\\u202ec\\u007f\n"
