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


@pytest.mark.usefixtures("patient")
def test_goals_rpcs_stories_and_files_of_their_kind_are_completed(tmp_path):
    goals = tmp_path / "goals"
    goals.mkdir()
    (goals / "g.yaml").write_text("goals:\n  - goal: a keeper alone\n  - goal: a $(id) b\n  - goal: other\n")
    (goals / "broken.yaml").write_text("- [")
    assert completed("policy", "attack", "--goals", "goals/g.yaml", "--goal", "a") == ["a keeper alone"]
    assert completed("policy", "attack", "--goals", "goals", "--goal", "a") == [], "a file is broken"
    assert "a member without a grant and without an approved request uses the seal" in completed(
        "policy", "attack", "--goal", "a member"
    )
    assert completed("callers", "list", "--rpc", "FactsService/Im") == ["FactsService/ImportFacts"]
    assert completed("facts", "new", "seal") == ["seal-use"]
    for name in ("a.jsonl", "b.toml", "c.jsonl.txt", "d;id.jsonl"):
        (tmp_path / name).write_text("")
    assert completed("facts", "import", "") == ["a.jsonl", ""], "the shell adds the folders"
    assert completed("sync", str(tmp_path / "b")) == [str(tmp_path / "b.toml"), str(tmp_path / "b")]
    assert completed("facts", "import", "nowhere/") == ["nowhere/"]


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


def at_hand(tmp_path):
    """Put the command where a shell finds it; return the beginning of its script."""
    # On a machine that has other work to do, two seconds are soon over.
    patient = "from sealauthz.cli import app, completing; completing.LIMIT_S = 60; app.main()"
    (tmp_path / "sealauthz").write_text(f"#!/bin/sh\nexec {sys.executable} -c '{patient}' \"$@\"\n")
    (tmp_path / "sealauthz").chmod(0o755)
    (tmp_path / "g.yaml").write_text("goals:\n  - goal: a keeper alone\n")
    (tmp_path / "a.jsonl").write_text("")
    return f"export PATH={tmp_path}:$PATH\n"


def said(shell, script):
    done = subprocess.run([*shell, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_bash_completes_goals_with_blanks_and_files(tmp_path):
    script = at_hand(tmp_path)
    script += """
    eval "$(sealauthz completion bash)"
    COMP_LINE='sealauthz policy attack --goals g.yaml --goal a\\ k'; COMP_POINT=${#COMP_LINE}
    _sealauthz_completion sealauthz; echo "${COMPREPLY[@]}"
    COMP_LINE='sealauthz facts import a'; COMP_POINT=${#COMP_LINE}
    _sealauthz_completion sealauthz 2>/dev/null; echo "${COMPREPLY[@]}"
    """
    assert said(["bash", "--norc"], script) == ["a\\ keeper\\ alone", "a.jsonl"]


@pytest.mark.slow
def test_fish_and_zsh_complete_what_bash_does(tmp_path):
    """Where they are installed; what they are told is tested without them above."""
    begin = at_hand(tmp_path)
    if shutil.which("fish"):
        script = begin.replace("export PATH=", "set -x PATH ").replace(":$PATH", " $PATH")
        script += "sealauthz completion fish | source\ncomplete -C 'sealauthz policy attack --goals g.yaml --goal a'\n"
        assert [line.split("\t")[0] for line in said(["fish", "--no-config"], script)] == ["a keeper alone"]
    if shutil.which("zsh"):
        # `compadd` outside of a widget is replaced by what it is given.
        script = (
            begin
            + """
        compdef() { : }
        compadd() { while [[ $1 != -a ]]; do shift; done; print -l -- ${(P)2} }
        _describe() { print -l -- ${(P)3} }
        eval "$(sealauthz completion zsh)"
        words=(sealauthz policy attack --goals g.yaml --goal a); CURRENT=7
        _sealauthz_completion
        """
        )
        assert said(["zsh", "-f"], script) == ["a keeper alone"]


def test_bash_is_told_what_stands_behind_the_last_colon(monkeypatch):
    monkeypatch.setenv("COMP_LINE", "sealauthz check Person:p-")
    bash = completing.Bash(cli, {}, "sealauthz", COMPLETES)
    assert bash.get_completion_args() == (["check"], "Person:p-")
    assert bash.format_completion(completing.CompletionItem("Person:p-lin")) == "plain,p-lin"
    monkeypatch.setenv("COMP_LINE", "sealauthz check ")
    assert bash.get_completion_args() == (["check"], "")
    assert bash.format_completion(completing.CompletionItem("Person:")) == "plain,Person:"
