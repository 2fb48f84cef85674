"""Bars: a person who watches sees how far long work is, and nobody else sees anything of them."""

import io
import sys
from contextlib import contextmanager

import pytest

from sealauthz.cli.bars import counting, phases, progress, watched
from sealauthz.cli.printing import say

ESCAPE = "\x1b["


@contextmanager
def watching():
    """Let standard error be a terminal; yield what is written there."""
    seen = io.StringIO()
    seen.isatty = lambda: True
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.delenv("NO_COLOR", raising=False)
        patch.setattr(sys, "stderr", seen)
        yield seen


def numbered(file):
    return list(enumerate(file, 1))


def test_nobody_watches_and_nothing_is_shown(capsys):
    with phases() as told:
        assert told is None
    with progress("x") as told:
        assert told is None
    with counting("x", 3) as told:
        told(1)
    file = io.BytesIO(b"a\nb\n")
    with watched(file, numbered, "x") as lines:
        assert lines == [(1, b"a\n"), (2, b"b\n")]
    assert capsys.readouterr() == ("", "")


def test_a_person_sees_how_far_it_is_and_no_trace_of_it_at_the_end(capsys):
    with watching() as seen, counting("counting beans", 300) as told:
        told(300)
    assert "counting beans" in seen.getvalue()
    assert "300/300" in seen.getvalue()
    assert seen.getvalue().rstrip().endswith("\x1b[2K"), "its line is cleared"
    assert capsys.readouterr().out == ""


def test_lines_of_a_file_are_counted_before_they_are_read():
    file = io.BytesIO(b"x\n" * 250)
    file.readline()
    with watching() as seen, watched(file, numbered, "reading") as lines:
        assert [number for number, _ in lines] == list(range(1, 250))
    assert "/249" in seen.getvalue()
    pipe = io.BytesIO(b"x\n")
    pipe.seekable = lambda: False
    with watching(), watched(pipe, numbered, "reading") as lines:
        assert list(lines) == [(1, b"x\n")]


def test_what_is_printed_into_a_file_stays_out_of_the_bar(capsys):
    with watching() as seen, counting("searching", 2) as told:
        say("a result")
        told(1)
    assert capsys.readouterr().out == "a result\n"
    assert "a result" not in seen.getvalue()


def _fail_while_counting():
    with counting("x", 2) as told:
        told(1)
        raise ValueError("no")


def test_an_error_ends_the_bar():
    with watching() as seen, pytest.raises(ValueError, match="no"):
        _fail_while_counting()
    assert "\x1b[?25h" in seen.getvalue(), "the cursor is shown again"


@pytest.mark.usefixtures("demo_facts")
def test_an_import_and_its_errors_are_the_same_with_a_bar(sealauthz, tmp_path, monkeypatch):
    lines = "".join(f'{{"person": {{"id": "p-{number}"}}}}\n' for number in range(250))
    (tmp_path / "people.jsonl").write_text(lines)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    code, out, err = sealauthz("facts", "import", "people.jsonl", "--chunk", "100")
    assert (code, out) == (0, "")
    assert "importing" in err
    assert "/250" in err
    assert "lines 201 to 250: 50 facts written" in err
    (tmp_path / "people.jsonl").write_text(lines + '{"person": {"id": ""}}\n')
    code, out, err = sealauthz("facts", "import", "people.jsonl")
    assert (code, out) == (2, "")
    assert "line 251: `fact.person.id` is required" in err


@pytest.mark.usefixtures("demo_facts")
def test_an_import_that_nobody_watches_has_no_bar(sealauthz, tmp_path):
    (tmp_path / "people.jsonl").write_text('{"person": {"id": "p-1"}}\n')
    code, out, err = sealauthz("facts", "import", "people.jsonl")
    assert (code, out) == (0, "")
    assert ESCAPE not in err
    assert "importing" not in err
