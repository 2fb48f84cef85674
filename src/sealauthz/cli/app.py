"""The main command: its help, its exit codes, and how every error becomes one line and one of them."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from enum import IntEnum
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from sealauthz import __version__
from sealauthz.cli.printing import say
from sealauthz.runtime import errors, grpc_environment
from sealauthz.runtime.collector import without_collection

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from sealauthz.schema import Model


@cache
def _built_in() -> Model:
    """Return the model that is built in, imported on first use: here the service is put together."""
    from sealauthz.model import MODEL

    return MODEL


_MODEL = "sealauthz.model"
"""Where a command keeps the model that it is about."""


def service_model() -> Model:
    """Return the model that the command is about: the one that is built in, or what `work_on` was told."""
    context = click.get_current_context(silent=True)
    found: Model | None = None if context is None else context.meta.get(_MODEL)
    return found or _built_in()


def work_on(model: Model) -> None:
    """Have the command be about a model: the built-in one with what a database or policies add to it."""
    click.get_current_context().meta[_MODEL] = model


class Exit(IntEnum):
    """How the command ends; the help of the main command documents it."""

    DONE = 0
    REFUSED = 1
    WRONG_USE = 2
    NO_ANSWER = 3
    NOT_PERMITTED = 4
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141


EXIT_OF: dict[type[errors.SealAuthzError], Exit] = {
    errors.InvalidRequest: Exit.WRONG_USE,
    errors.CallerUnknown: Exit.NOT_PERMITTED,
    errors.KeysUnavailable: Exit.NO_ANSWER,
    errors.CallerNotPermitted: Exit.NOT_PERMITTED,
    errors.AssertionNeeded: Exit.NOT_PERMITTED,
    errors.OperationUnknown: Exit.REFUSED,
    errors.RecordUnknown: Exit.REFUSED,
    errors.FactConflict: Exit.REFUSED,
    errors.ImportStopped: Exit.REFUSED,
    errors.InvariantBroken: Exit.REFUSED,
    errors.FactsUnavailable: Exit.NO_ANSWER,
    errors.ExtensionRefused: Exit.REFUSED,
    errors.HistoryLost: Exit.NO_ANSWER,
    errors.RestoreIncomplete: Exit.NO_ANSWER,
    errors.PoliciesUnavailable: Exit.NO_ANSWER,
    errors.PolicyUnknown: Exit.REFUSED,
    errors.PolicyRefused: Exit.REFUSED,
    errors.RevisionUnknown: Exit.REFUSED,
    errors.RevisionGone: Exit.NO_ANSWER,
    errors.PastUnknown: Exit.NO_ANSWER,
    errors.ServiceBusy: Exit.NO_ANSWER,
    errors.TimeOver: Exit.NO_ANSWER,
    errors.EvaluationFailed: Exit.NO_ANSWER,
    errors.FactNotLoaded: Exit.NO_ANSWER,
    errors.BundleRefused: Exit.REFUSED,
    errors.SuiteRefused: Exit.WRONG_USE,
    errors.ConfigRefused: Exit.WRONG_USE,
}
"""Every leaf of the error tree."""


class Stop(click.ClickException):
    """Ends the command with one line and an exit code; without one, the command was used wrongly."""

    def __init__(self, message: str, code: Exit = Exit.WRONG_USE) -> None:
        super().__init__(message)
        self.code = code


COMPLETES = "_SEALAUTHZ_COMPLETE"
"""The variable with which a shell asks what completes a line."""

_COMMANDS = {
    "serve": ("serve.serve", "Serve decisions and facts over gRPC, and over HTTP where that is wanted."),
    "reload": ("reload_command.reload", "Have the server with this process id read its files again."),
    "health": ("health.health", "Does a server take calls?"),
    "check": ("asking.check", "May SUBJECT do ACTION to RESOURCE?"),
    "explain": ("asking.explain", "Why may SUBJECT do ACTION to RESOURCE, or why not?"),
    "actions": ("asking.actions", "What may SUBJECT do to RESOURCE?"),
    "list": ("asking.list_", "On which RESOURCE may SUBJECT do ACTION, or who may do it to RESOURCE?"),
    "perform": ("performing.perform", "Carry out ACTION of SUBJECT on RESOURCE, if it is allowed."),
    "operation": ("performing.operation", "Show an operation that was performed."),
    "keys": ("performing.keys", "Print the public keys that verify receipts, as a JSON Web Key Set."),
    "progress": ("following.progress", "How far is RESOURCE, as SUBJECT may see it?"),
    "events": ("following.events", "Print what people must be told, one JSON line for each event."),
    "monitor": ("monitoring.monitor", "Show what happens to the seals of an enterprise, as SUBJECT may see it."),
    "facts": ("facts.facts", "Read and write facts, directly in the database unless a server is named."),
    "sync": ("sync.sync", "Bring facts from a database, CSV or JSON Lines, as MAPPING declares."),
    "policy": ("policy.policy", "Work with policies."),
    "callers": ("callers.callers", "Show who may call, and what each caller may do."),
    "audit": ("audit.audit", "Read and verify the log of decisions."),
    "config": ("config.config_", "Check the configuration, and show what counts."),
    "doctor": ("doctor.doctor", "Look at everything that serving needs, and say what to do."),
    "db": ("operating.db", "Work with the database."),
    "demo": ("operating.demo", "Walk through the founding story, against a real service."),
    "completion": ("completing.completion", "Print what has SHELL complete commands, options and values."),
}
"""The commands, in the order of the help: where each is (module and function), and how its own help begins."""


class LazyGroup(click.Group):
    """A group that imports the module of a command only when it runs: `--help` need not load an engine."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order in which the help shows them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, function = _COMMANDS[cmd_name][0].partition(".")
        with without_collection():
            command: click.Command = getattr(import_module(f"sealauthz.cli.{module}"), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command is for, as click does, which would import all of them."""
        room = formatter.width - 6 - max(map(len, _COMMANDS))
        shown = [(name, click.Command(name, help=said)) for name, (_, said) in _COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(room)) for name, command in shown])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what completes a word: a person who types waits for it."""
        from click.shell_completion import CompletionItem

        begun = [(name, said) for name, (_, said) in _COMMANDS.items() if name.startswith(incomplete)]
        options = super(click.Group, self).shell_complete(ctx, incomplete)
        return [*(CompletionItem(name, help=said) for name, said in begun), *options]


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="sealauthz", message="%(prog)s %(version)s")
def cli() -> None:
    """May this person use this seal, now - and if not, what must happen first?

    \b
    See it work:            sealauthz demo
    Serve invented facts:   sealauthz serve --demo
    Ask a question:         sealauthz check Person:p-lin use Seal:seal-official

    Commands work on the database of the configuration (`sealauthz.db` in the
    working directory by default). The configuration is the TOML file that
    SEALAUTHZ_CONFIG names; variables such as SEALAUTHZ_DATABASE__URL win over
    it. Data goes to standard output, everything else to standard error.

    \b
    Exit codes:
      0  done; `check`: allowed; `perform`: performed; `progress`: shown
      1  refused: a deny, a fact that breaks a rule, a faulty policy
      2  wrong use: arguments, configuration, a malformed question or fact
      3  no answer: the database or the server cannot be used now
      4  not permitted: the caller is unknown, or may not do this
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. Whatever goes wrong is one line on standard error."""
    grpc_environment.prepare(os.environ)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if COMPLETES in os.environ:
        return _complete(os.environ[COMPLETES])
    try:
        result = cli.main(arguments, prog_name="sealauthz", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.format_message(), err=True)
        return Exit.WRONG_USE
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except Stop as error:
        return _fail(error.message, error.code)
    except click.ClickException as error:
        return _fail(_said(error), error.exit_code)
    except errors.ExtensionRefused as error:
        return _fail(str(error), Exit.REFUSED)
    except errors.FactsUnavailable as error:
        return _fail(f"{error}{_cause_of(error)}", Exit.NO_ANSWER)
    except errors.SealAuthzError as error:
        return _fail(str(error), _exit_of(error))
    except (BrokenPipeError, SystemExit):
        # The reader of our output is gone, which click answers with SystemExit. That must not look like an allow. The
        # rest of the buffer is dropped, or Python would complain again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OUTPUT_CLOSED
    except OSError as error:
        return _fail(f"`{error.filename}`: {(error.strerror or 'cannot be used').lower()}", Exit.WRONG_USE)
    return result if isinstance(result, int) else Exit.DONE


def _complete(how: str) -> int:
    """Answer a shell that asks what completes a line; silence, where that fails."""
    from click.shell_completion import shell_complete

    try:
        import_module("sealauthz.cli.completing")  # which knows bash better
        code = shell_complete(cli, {}, "sealauthz", COMPLETES, how)
        sys.stdout.flush()
    except Exception:  # noqa: BLE001 (a person is typing: there is nobody to tell)
        return Exit.REFUSED
    return code


def _exit_of(error: errors.SealAuthzError) -> Exit:
    return next((EXIT_OF[cls] for cls in type(error).__mro__ if cls in EXIT_OF), Exit.NO_ANSWER)


def _cause_of(error: errors.FactsUnavailable) -> str:
    """Say what the database said, unless the error does: a person who runs the command on it may see that."""
    cause: object = error.__cause__
    cause = getattr(cause, "orig", None) or cause
    lines = str(cause).splitlines() if cause else []
    return f": {lines[0]}" if lines and lines[0] not in str(error) else ""


def _fail(message: str, code: int) -> int:
    label = "error:" if os.environ.get("NO_COLOR") else click.style("error:", fg="red", bold=True)
    say(f"{label} {' '.join(message.split())}", err=True)
    return code


def _said(error: click.ClickException) -> str:
    """Say what click found as we say it: lower case, without a full stop, and where to read on."""
    message = error.format_message().removesuffix(".")
    if isinstance(error, click.UsageError):
        message = message[:1].lower() + message[1:]
        if error.ctx is not None:
            message += f" (see `{error.ctx.command_path} --help`)"
    return message
