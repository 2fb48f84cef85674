"""The command `reload`: a server reads its files again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import click

from sealauthz.cli.app import Exit, Stop


@click.command()
@click.argument("pid", type=click.IntRange(2), metavar="PID")
def reload(*, pid: int) -> int:
    """Have the server with this process id read its files again.

    Reads the certificate, the callers, the issuers, the folder of policies and
    the log level again, without losing a call: all of it, or nothing where
    something is wrong. How that went is in the server's log, as `reloaded` or
    `reload_refused`. With several workers, PID is that of their supervisor.

    \b
      sealauthz reload 4711
    """
    if not _is_ours(pid):
        raise Stop(f"process {pid} is no `sealauthz serve` of this machine", Exit.REFUSED)
    try:
        os.kill(pid, signal.SIGHUP)
    except PermissionError as error:
        raise Stop(f"process {pid} belongs to another user", Exit.NOT_PERMITTED) from error
    except ProcessLookupError as error:
        raise Stop(f"process {pid} is no `sealauthz serve` of this machine", Exit.REFUSED) from error
    return Exit.DONE


def _is_ours(pid: int) -> bool:
    """Tell whether a process serves: another one would die of the signal."""
    if not Path("/proc/self").exists():  # where nobody can tell
        return True
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"serve" in words and any(b"sealauthz" in word for word in words)
