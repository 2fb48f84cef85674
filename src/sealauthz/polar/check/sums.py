"""How two sums stand to each other, whatever is added up: what stands on both sides makes no difference.

Of what is left only whole numbers are known, and of the numbers of a bundle the least that they can be: a length of
time is more than nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from sealauthz.polar.check.relations import EQUAL, GREATER, LESS, Key, key_of
from sealauthz.polar.syntax import Arithmetic, Attribute, Literal, Term

_SIGNS = {"+": 1, "-": -1}

Sum = dict[Key, tuple[int, Term]]
"""How often each term is added up (less than never where it is taken away), with the term."""


def order_of_sums(left: Term, right: Term, least: Mapping[str, int]) -> int | None:
    """How the left one of two terms may stand to the right one, as bits, where one of them is a sum at least; None
    where their difference is not known. `least` has the least that a number can be, by the name of the attribute.
    """
    if not isinstance(left, Arithmetic) and not isinstance(right, Arithmetic):
        return None
    total: Sum = {}
    _add(left, 1, total)
    _add(right, -1, total)
    low: float = 0
    high: float = 0
    for times, term in total.values():
        if isinstance(term, Literal) and type(term.value) is int:
            low, high = low + times * term.value, high + times * term.value
        elif times and isinstance(term, Attribute) and term.arguments is None and term.name in least:
            end = times * least[term.name]
            low, high = (low + end, inf) if times > 0 else (-inf, high + end)
        elif times:
            return None
    return (LESS if low < 0 else 0) | (EQUAL if low <= 0 <= high else 0) | (GREATER if high > 0 else 0)


def _add(term: Term, times: int, total: Sum) -> None:
    sign = _SIGNS.get(term.operator) if isinstance(term, Arithmetic) else None
    if isinstance(term, Arithmetic) and sign is not None:
        _add(term.left, times, total)
        _add(term.right, times * sign, total)
        return
    key = key_of(term)
    before, _ = total.get(key, (0, term))
    total[key] = before + times, term
