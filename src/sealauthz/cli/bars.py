"""Bars that show how far long work is, where a person watches: nothing where standard error is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")

_TOLD_EVERY = 100
"""Lines: to draw each would cost more than to read it."""


def is_watched() -> bool:
    """Tell whether a person looks at standard error."""
    return sys.stderr.isatty()


@contextmanager
def phases() -> Iterator[Callable[[str, int, int | None], None] | None]:
    """Yield what is told of each phase of the work how much of how much is done; None where nobody watches."""
    if not is_watched():
        yield None
        return
    with _bars() as bars:
        tasks: dict[str, Any] = {}

        def told(phase: str, done: int, total: int | None) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=total)
            bars.update(tasks[phase], completed=done, total=total)

        yield told


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """Yield what is told how much of how much is done; None where nobody watches."""
    with phases() as told:
        if told is None:
            yield None
            return
        told(doing, 0, None)
        yield lambda done, total: told(doing, done, total)


@contextmanager
def counting(doing: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Yield what is told how many are done, of so many; it does nothing where nobody watches."""
    with progress(doing) as told:
        yield (lambda _: None) if told is None else lambda done: told(done, total)


@contextmanager
def watched(
    file: BinaryIO, read: Callable[[BinaryIO], Iterable[tuple[int, T]]], doing: str
) -> Iterator[Iterable[tuple[int, T]]]:
    """Yield what is read of a file, with its number of lines; a bar shows at which line that is."""
    if not is_watched():
        yield read(file)
        return
    with counting(doing, _lines_in(file)) as told:
        yield _telling(read(file), told)


def _telling(items: Iterable[tuple[int, T]], told: Callable[[int], None]) -> Iterator[tuple[int, T]]:
    for number, item in items:
        if number % _TOLD_EVERY == 0:
            told(number)
        yield number, item


def _lines_in(file: BinaryIO) -> int | None:
    """Return how many lines there are; None of what can be read only once."""
    if not file.seekable():
        return None
    begin = file.tell()
    count = sum(1 for _ in file)
    file.seek(begin)
    return count


def _bars() -> Progress:
    # Here, because a program that watches does not need it.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        # What is printed stands above the bar; what goes into a pipe or a file must not.
        redirect_stdout=sys.stdout.isatty(),
    )
