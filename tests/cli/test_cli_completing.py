"""`completion`: what a shell is told, quickly or not at all, and nothing that it would run."""

import shutil
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.shell_completion import ZshComplete

from sealauthz.cli import completing
from sealauthz.cli.app import COMPLETES, cli
from sealauthz.facts import Batch, Put, Store
from sealauthz.model import MODEL
from sealauthz.model.records.identity import Person


def completed(*words):
    *before, typed = words
    complete = ZshComplete(cli, {}, "sealauthz", COMPLETES)
    return [item.value for item in complete.get_completions(before, typed)]


@pytest.fixture
def patient(monkeypatch):
    """Without a limit of time, which is none of these tests' matter."""
    monkeypatch.setattr(completing, "LIMIT_S", 60)


@pytest.mark.usefixtures("demo_facts", "patient")
def test_types_actions_and_ids_are_completed():
    assert "check" in completed("ch")
    assert "Person:p-lin" in completed("check", "P")
    assert completed("check", "Person:p-lin", "us") == ["use"]
    assert completed("check", "Person:p-lin", "use", "Seal:seal-off") == ["Seal:seal-official"]
    types = completed("check", "Person:p-lin", "read", "")
    assert types == [] or all(name.endswith(":") for name in types) or len({n.split(":")[0] for n in types}) == 1
    assert "Enterprise" in completed("facts", "show", "E")
    assert completed("facts", "show", "Seal", "seal-off") == ["seal-official"]
    assert completed("facts", "show", "Nothing", "") == []
    assert completed("check", "Nothing:") == []


@pytest.mark.usefixtures("patient")
def test_callers_are_completed(tmp_path):
    digest = "0f5c6a4be4ac8ff4c3a4c1f1c1e5f25a1ab54f4b1b5b0e8a6f0f6d6a9f1b7a01"
    (tmp_path / "c.toml").write_text(f'[callers.signing]\ntoken_sha256 = "{digest}"\n')
    assert completed("callers", "explain", "--config", "c.toml", "s") == ["signing"]


@pytest.mark.usefixtures("patient")
def test_an_id_that_a_shell_would_run_is_not_completed(demo_facts):
    with closing(Store.open(f"sqlite:///{demo_facts}", MODEL)) as store:
        for number, bad in enumerate(("zz-$(id)", "zz-`id`", "zz;id", "zz id", "zz\nid", "zz'", "zz%", "zz-fine")):
            store.write(Batch("test", f"r{number}", (Put(Person(bad)),)))
    assert completed("check", "Person:zz") == ["Person:zz-fine"]


def test_what_fails_or_takes_too_long_completes_nothing_and_says_nothing(monkeypatch, capsys):
    assert completed("check", "Person:") == []  # there is no database
    ends = threading.Event()
    monkeypatch.setattr(completing, "LIMIT_S", 0.05)
    monkeypatch.setattr(completing, "_ids", lambda *_: ends.wait(30) or [])
    begun = time.monotonic()
    assert completed("check", "Person:") == []
    ends.set()
    assert time.monotonic() - begun < 10
    assert capsys.readouterr() == ("", "")


def test_each_shell_gets_its_script(sealauthz):
    for shell in ("bash", "zsh", "fish"):
        code, out, err = sealauthz("completion", shell)
        assert (code, err) == (0, "")
        assert COMPLETES in out
    assert sealauthz("completion", "csh")[0] == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_behind_a_colon(demo_facts, tmp_path):
    (tmp_path / "sealauthz").write_text(f'#!/bin/sh\nexec {sys.executable} -m sealauthz "$@"\n')
    (tmp_path / "sealauthz").chmod(0o755)
    script = f"""
    PATH={tmp_path}:$PATH
    eval "$(sealauthz completion bash)"
    COMP_LINE='sealauthz check Person:p-lin u'; COMP_POINT=30
    _sealauthz_completion sealauthz; echo "${{COMPREPLY[@]}}"
    COMP_LINE='sealauthz facts show Seal seal-off'; COMP_POINT=34
    _sealauthz_completion sealauthz; echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=False)
    first, _second = done.stdout.splitlines()
    assert "use" in first.split()
    assert Path(demo_facts).exists()


def test_bash_is_told_what_stands_behind_the_last_colon(monkeypatch):
    monkeypatch.setenv("COMP_LINE", "sealauthz check Person:p-")
    bash = completing.Bash(cli, {}, "sealauthz", COMPLETES)
    assert bash.get_completion_args() == (["check"], "Person:p-")
    assert bash.format_completion(completing.CompletionItem("Person:p-lin")) == "plain,p-lin"
    monkeypatch.setenv("COMP_LINE", "sealauthz check ")
    assert bash.get_completion_args() == (["check"], "")
    assert bash.format_completion(completing.CompletionItem("Person:")) == "plain,Person:"
