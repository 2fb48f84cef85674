"""The main command: help that teaches, one exit code per kind of end, one line per error."""

import subprocess
import sys

import click
import pytest

from sealauthz import __version__
from sealauthz.cli import app
from sealauthz.cli.app import EXIT_OF, Exit, cli
from sealauthz.runtime import errors


def commands(group=cli, path=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def leaves(cls=errors.SealAuthzError):
    for sub in cls.__subclasses__():
        yield sub
        yield from leaves(sub)


def test_every_error_has_an_exit_code():
    assert {leaf for leaf in leaves() if leaf.__module__ == errors.__name__} == set(EXIT_OF)


def test_the_main_help_documents_every_exit_code(sealauthz):
    code, out, _ = sealauthz("--help")
    assert code == 0
    for exit_code in (Exit.DONE, Exit.REFUSED, Exit.WRONG_USE, Exit.NO_ANSWER, Exit.NOT_PERMITTED):
        assert f"\n    {exit_code.value}  " in out


@pytest.mark.parametrize(("path", "command"), [pytest.param(*entry, id=" ".join(entry[0])) for entry in commands()])
def test_every_command_explains_itself_with_an_example_in_80_columns(sealauthz, path, command):
    code, out, err = sealauthz(*path, "--help")
    assert (code, err) == (0, "")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert isinstance(command, click.Group) or f"    sealauthz {' '.join(path)}" in out


def test_the_main_help_says_of_each_command_how_its_own_help_begins():
    context = click.Context(cli)
    assert {name: said for name, (_, said) in app._COMMANDS.items()} == {
        name: cli.get_command(context, name).get_short_help_str(1_000) for name in cli.list_commands(context)
    }


def test_help_and_completion_import_no_command(sealauthz, monkeypatch):
    """Someone reads, or has pressed a key: to import all commands takes more than a second."""
    monkeypatch.setattr(app, "import_module", pytest.fail)
    code, out, err = sealauthz("--help")
    assert (code, err) == (0, "")
    assert out.endswith("  completion  Print what has SHELL complete commands, options and values.\n")
    begun = [item.value for item in cli.shell_complete(click.Context(cli), "p")]
    assert begun == ["perform", "progress", "policy"]


def test_the_version(sealauthz):
    assert sealauthz("--version") == (0, f"sealauthz {__version__}\n", "")


@pytest.mark.parametrize("arguments", [(), ("facts",), ("policy",), ("db",)])
def test_a_group_without_a_command_shows_its_help(sealauthz, arguments):
    code, out, err = sealauthz(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"Usage: sealauthz {' '.join(arguments)}".rstrip())


@pytest.mark.parametrize(
    ("arguments", "message", "where"),
    [
        (("nonsense",), "no such command", "sealauthz --help"),
        (("--nonsense",), "no such option", "sealauthz --help"),
        (("check",), "missing argument", "sealauthz check --help"),
        (("policy", "check", "-o", "yaml"), "invalid value for", "sealauthz policy check --help"),
    ],
)
def test_wrong_use_is_one_line_and_2(sealauthz, arguments, message, where):
    code, out, err = sealauthz(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith(f"error: {message} ")
    assert err.endswith(f" (see `{where}`)\n")


def test_an_unknown_variable_is_named(sealauthz, monkeypatch):
    monkeypatch.setenv("SEALAUTHZ_DATABASE__URI", "x")
    code, _, err = sealauthz("db", "upgrade")
    assert code == 2
    assert "`SEALAUTHZ_DATABASE__URI`; did you mean `SEALAUTHZ_DATABASE__URL`?" in err


def test_a_reader_that_goes_away_is_neither_an_allow_nor_a_traceback(demo_facts):
    command = [sys.executable, "-m", "sealauthz", "check", "Person:p-zhou", "view", "Seal:seal-official"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=demo_facts.parent)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == Exit.OUTPUT_CLOSED
    assert err == b""


def test_help_and_version_load_neither_engine_nor_database():
    code = "import sys; from sealauthz.cli.app import run; run(['--version']); print(sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'oso'" not in out
    assert "'sqlalchemy'" not in out
    assert "'grpc'" not in out
