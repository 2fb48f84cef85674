"""What a shell completes: names of records, actions and callers, and ids from the database or a server.

Nothing here may be in a person's way: what takes too long or fails completes nothing, and says nothing.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

from sealauthz.cli.app import service_model
from sealauthz.cli.printing import say

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]

LIMIT_S = 2.0
"""How long a look into the database or at a server may take. Who waits longer has typed it."""

MOST = 100

_SAFE = re.compile(r"[A-Za-z0-9_.@+:/*-]+")
"""What is put on a command line. INVARIANT: an id from the database with `$(…)` in it must not get there."""

_SAFE_TEXT = re.compile(r"[A-Za-z0-9_.,@+:/*-]+(?: [A-Za-z0-9_.,@+:/*-]+)*")
"""The same, with single blanks between words: zsh and fish put a backslash before each, and so do we for bash."""

_BASH = r"""
%(complete_func)s() {
    local IFS=$'\n' response type value
    # The line, not the words: bash makes three of Person:p-lin.
    response=$(env COMP_LINE="${COMP_LINE:0:$COMP_POINT}" %(complete_var)s=bash_complete $1 2>/dev/null)
    COMPREPLY=()
    while IFS=',' read -r type value; do
        if [[ $type == 'dir' ]]; then
            compopt -o plusdirs
        elif [[ $type == 'file' ]]; then
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            [[ $value == *[:=/] ]] && compopt -o nospace
            COMPREPLY+=("$value")
        fi
    done <<< "$response"
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Completion for bash, which breaks words at colons, and replaces only what stands behind the last one."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words of the line, and the one that is being typed."""
        line = os.environ.get("COMP_LINE", "")
        words = split_arg_string(line)[1:]
        if not words or line[-1:].isspace():
            return words, ""
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Leave out what stands before the last colon of what was typed."""
        typed = self.get_completion_args()[1]
        value = str(item.value)[typed.rfind(":") + 1 :].replace(" ", "\\ ")
        return f"{item.type},{value}"


add_completion_class(Bash)


def files_like(*suffixes: str) -> Completer:
    """Return what completes the path of a file of some kinds, by how its name ends; the shell adds the folders."""

    def look(typed: str) -> list[str]:
        folder, slash, begins = typed.rpartition("/")
        inside = Path(folder + slash if slash else ".")
        found = sorted(path for path in inside.iterdir() if path.name.startswith(begins) and path.suffix in suffixes)
        return [f"{folder}{slash}{path.name}" for path in found if path.is_file()]

    def complete(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem[str]]:
        return [*_items(typed, within(lambda: look(typed), ctx)), CompletionItem(typed, type="dir")]

    return complete


def texts(of: Callable[[click.Context], Iterable[str]]) -> Completer:
    """Return what completes a text with blanks in it."""

    def complete(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem[str]]:
        found = within(lambda: sorted(set(of(ctx))), ctx)
        fitting = [text for text in found if text.startswith(typed) and _SAFE_TEXT.fullmatch(text)]
        return [CompletionItem(text) for text in fitting[:MOST]]

    return complete


def names(of: Callable[[click.Context], Iterable[str]]) -> Completer:
    """Return what completes a word from a list."""

    def complete(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem[str]]:
        return _items(typed, within(lambda: sorted(of(ctx)), ctx))

    return complete


def references(types: Callable[[click.Context], Iterable[str]]) -> Completer:
    """Return what completes `TYPE:ID`: the types that may stand there, and the ids of one."""

    def complete(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem[str]]:
        if ":" not in typed:
            found = within(lambda: sorted(name for name in types(ctx) if name.startswith(typed)), ctx)
            if len(found) != 1:
                return _items(typed, [f"{name}:" for name in found])
            typed = f"{found[0]}:"
        record_type, _, begins = typed.partition(":")
        ids = within(lambda: [f"{record_type}:{id_}" for id_ in _ids(ctx, record_type, begins)], ctx)
        return _items(typed, ids)

    return complete


def record_types(_ctx: click.Context) -> Iterable[str]:
    """Return the types of records."""
    return service_model().records


def subject_types(_ctx: click.Context) -> Iterable[str]:
    """Return the types of those who act."""
    return service_model().subjects


def action_names(_ctx: click.Context) -> Iterable[str]:
    """Return the actions, of every type: the type comes behind it."""
    return {name for name, _ in service_model().actions}


def resource_types(ctx: click.Context) -> Iterable[str]:
    """Return the types on which there is the action that was typed; every one that has actions if none was."""
    action = ctx.params.get("action")
    return {of for name, of in service_model().actions if action in (None, name)}


def rpc_names(_ctx: click.Context) -> Iterable[str]:
    """Return the RPCs that a caller can be given."""
    from sealauthz.service.callers import RPCS

    return RPCS


def goal_names(ctx: click.Context) -> Iterable[str]:
    """Return the goals of the files or folders that were named, or of the policies."""
    import yaml

    paths = [Path(path) for path in ctx.params.get("paths") or ()]
    if not paths:
        folder, here = ctx.params.get("folder"), Path("policies")
        if folder is None and not here.is_dir():
            # Only now, because the engine takes longer to load than a person waits on a busy machine.
            from sealauthz.decision.folder import installed_folder

            here = installed_folder()
        paths = [Path(folder or here) / "tests"]
    files = [file for path in paths for file in (sorted(path.rglob("*.y*ml")) if path.is_dir() else [path])]
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for file in files:
        read = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (a safe loader)
        for goal in (read.get("goals") or ()) if isinstance(read, dict) else ():
            if isinstance(goal, dict) and isinstance(goal.get("goal"), str):
                yield goal["goal"]


def callers_of(ctx: click.Context) -> Iterable[str]:
    """Return the callers of the configuration."""
    from sealauthz.cli.settings import read_config

    return read_config(_path(ctx, "config_file")).callers


def ids_of_type(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem[str]]:
    """Complete the id of a record whose type stands before it."""
    record_type = str(ctx.params.get("record_type") or "")
    return _items(typed, within(lambda: _ids(ctx, record_type, typed), ctx))


def within(look: Callable[[], list[str]], ctx: click.Context) -> list[str]:
    """Return what is found in time; nothing where it fails."""
    found: list[str] = []

    def run() -> None:
        try:
            with ctx.scope(cleanup=False):
                found.extend(look())
        except BaseException:  # noqa: BLE001 (a person is typing: there is nobody to tell)
            found.clear()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LIMIT_S)
    return [] if thread.is_alive() else found


def _items(typed: str, found: Iterable[str]) -> list[CompletionItem[str]]:
    fitting = [name for name in found if name.startswith(typed) and _SAFE.fullmatch(name)]
    return [CompletionItem(name) for name in fitting[:MOST]]


def _ids(ctx: click.Context, record_type: str, begins: str) -> list[str]:
    """Return ids that begin so: of the server that is asked, or of the database."""
    if record_type not in service_model().records:
        return []
    server = ctx.params.get("server") or (not ctx.params.get("database") and os.environ.get("SEALAUTHZ_ADDRESS"))
    if server:
        from sealauthz.cli.answer_source import connected

        with connected(
            str(server), _path(ctx, "token_file"), _path(ctx, "ca"), bool(ctx.params.get("insecure"))
        ) as client:
            page = client.read_facts(record_type, page_size=1_000, timeout_s=LIMIT_S)
            return [_id_of(stored.fact) for stored in page.facts]
    from sqlalchemy import select

    from sealauthz.cli.settings import open_store

    database = ctx.params.get("database")
    with open_store(_path(ctx, "config_file"), str(database) if database else None) as store:
        column = store.tables.of(record_type).c.id
        query = select(column).where(column.startswith(begins, autoescape=True)).order_by(column).limit(MOST)
        with store.plain_connection() as connection:
            return [str(found) for found in connection.execute(query).scalars()]


def _id_of(fact: Any) -> str:
    """Return the id of a record on the wire, whatever its type."""
    (kinds,) = fact.DESCRIPTOR.oneofs
    return str(getattr(getattr(fact, fact.WhichOneof(kinds.name)), "id", ""))


def _path(ctx: click.Context, name: str) -> Path | None:
    found = ctx.params.get(name)
    return found if isinstance(found, Path) else None


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print what has SHELL complete commands, options and values.

    Types, actions, ids of the database or of the server that is asked, callers.
    An id is looked up for two seconds at most, and nothing is said if that fails.

    \b
      eval "$(sealauthz completion bash)"       # in ~/.bashrc
      eval "$(sealauthz completion zsh)"        # in ~/.zshrc
      sealauthz completion fish > ~/.config/fish/completions/sealauthz.fish
    """
    from click.shell_completion import get_completion_class

    from sealauthz.cli.app import COMPLETES, cli

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"there is no completion for `{shell}`")
    made = found(cli, {}, "sealauthz", COMPLETES)
    say(made.source_template % made.source_vars())
