"""Slips in names: a variable that says it does not matter, and is read all the same."""

from __future__ import annotations

from itertools import islice

from sealauthz.polar.check.rules import Clause
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.syntax import Variable
from sealauthz.polar.terms import in_parameter, nodes_of


def check_slips(clause: Clause, found: Diagnostics) -> None:
    """Find variables that begin with `_` and stand more than once: then they compare."""
    for name, count in clause.counts.items():
        if name[0] == "_" and count > 1:
            nodes = [node for parameter in clause.node.parameters for node in in_parameter(parameter)]
            nodes.extend(nodes_of(clause.node))
            places = (node.place for node in nodes if isinstance(node, Variable) and node.name == name)
            message = f"`{name}` stands {count} times, and `_` says that it does not matter"
            hint = f"write `{name.lstrip('_') or 'it'}` if it matters, or `_`"
            found.error("slip", message, next(islice(places, 1, None)), hint)
