"""The compiler: clauses to Python, one function for each pattern in which a rule is called.

A call pattern says of each argument whether it is a constant, of a known type, just bound, to be found (FREE), or of
no interest (IGNORED). Literals and types fold away where the pattern decides them. A function without FREE arguments
answers True at its first solution; one with FREE arguments is a generator of their values, or, where the engine itself
asks, makes a list of them. Clauses that begin alike share what they begin with. Binding order is the order of the text:
what is unbound where a value is needed is refused, with its place.

Functions are built as `ast` nodes of a few kinds; no text of a policy reaches Python but as a constant, or as the name
of an attribute. Names of the code are a letter and a number, which alone tell them apart: `v3` is the third local, `a0`
the first argument, `r7` the seventh function, `c2` a class. What may follow behind `_` (`v3_seal`) is for readers.
"""

import importlib
from typing import TYPE_CHECKING, Any

from sealauthz.polar.compile.forms import (
    ALL_PASSES,
    FREE,
    IGNORED,
    Argument,
    Bound,
    CallPattern,
    Compiled,
    Condition,
    Constant,
    Passes,
)

if TYPE_CHECKING:
    from sealauthz.polar.compile.compiler import Compiler

__all__ = [
    "ALL_PASSES",
    "FREE",
    "IGNORED",
    "Argument",
    "Bound",
    "CallPattern",
    "Compiled",
    "Compiler",
    "Condition",
    "Constant",
    "Passes",
]


# The compiler is loaded when something is compiled: a bundle that was loaded before has its functions.
def __getattr__(name: str) -> Any:
    if name != "Compiler":
        raise AttributeError(f"module `{__name__}` has no `{name}`")
    found = importlib.import_module(f"{__name__}.compiler").Compiler
    globals()[name] = found
    return found
