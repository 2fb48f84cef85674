"""Bars that show how far long work is, where a person watches: nothing where standard error is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """Yield what is told how many of how many are done; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    # Here, because a program that watches does not need it.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def counting(doing: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Yield what is told how many are done, of so many."""
    with progress(doing) as told:
        yield (lambda _: None) if told is None else lambda done: told(done, total)
