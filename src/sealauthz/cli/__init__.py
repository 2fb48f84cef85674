"""The command line: `sealauthz …`. It is the composition root, and together with `config` the only reader of settings.

`app` holds the main command and maps errors to exit codes; the other modules hold the commands.
"""

from sealauthz.cli.app import main

__all__ = ["main"]
