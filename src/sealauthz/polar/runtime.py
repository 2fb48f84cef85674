"""What compiled policies call: Polar's equality, order and membership on values whose types the compiler does not know.

Rules of oso 0.27.3, as measured: numbers unify by value and never with booleans; different native types are unequal;
anything with a host object compares as Python does. Whatever oso would answer with an error raises here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sealauthz.runtime.errors import EvaluationFailed


class _Free:
    """The type of what marks a free argument, which nothing else has."""


FREE = _Free()
"""Marks an argument that an engine is to find."""

_I64 = 2**63
_NATIVE = (bool, int, float, str, list, dict)
_NUMBERS = (int, float)


def _kind(value: Any) -> type:
    """The type of a value to Polar, for which a collection of records is a list."""
    return list if isinstance(value, list) else type(value)


Budget = list[Any]
"""What a question may take, which begins with the steps that are left."""


def spent(steps: int, budget: Budget) -> bool:
    """Take steps from a budget. Raises EvaluationFailed where there are too few; returns True, as a part of a test."""
    budget[0] -= steps
    if budget[0] < 0:
        raise EvaluationFailed("the question takes more steps than it may")
    return True


def same(left: Any, right: Any, budget: Budget) -> bool:
    """Whether two bound values unify; each member that is compared is a step. Raises EvaluationFailed."""
    if type(left) is str and type(right) is str:  # by far the most
        return left == right
    kind, other = _kind(left), _kind(right)
    if kind not in _NATIVE or other not in _NATIVE:
        return left is right or bool(left == right)
    if kind in _NUMBERS and other in _NUMBERS:
        return bool(left == right)
    if kind is not other:
        return False
    if kind is list:
        return len(left) == len(right) and all(
            spent(1, budget) and same(one, other, budget) for one, other in zip(left, right, strict=True)
        )
    if kind is dict:
        return left.keys() == right.keys() and all(
            spent(1, budget) and same(value, right[key], budget) for key, value in left.items()
        )
    return bool(left == right)


_ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(sign: str, left: Any, right: Any) -> bool:
    """Compare two bound values. Raises EvaluationFailed where they cannot be compared."""
    kind, other = _kind(left), _kind(right)
    if kind in _NATIVE and other in _NATIVE:
        numeric = (bool, int, float)
        if not (kind in numeric and other in numeric) and not (kind is str and other is str):
            raise EvaluationFailed(f"`{sign}` does not compare {kind.__name__} with {other.__name__}")
    try:
        return bool(_ORDER[sign](left, right))
    except TypeError as error:
        raise EvaluationFailed(f"`{sign}` does not compare {kind.__name__} with {other.__name__}") from error


def _divide(left: Any, right: Any) -> float:
    """The quotient of two floats, as IEEE 754 has it: by zero too, which has a sign."""
    if right == 0:
        if left == 0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    return float(left) / float(right)


def _modulo(left: Any, right: Any) -> Any:
    """The remainder with the sign of the divisor."""
    if type(left) is float or type(right) is float:
        return math.nan if right == 0 or math.isinf(right) else left % right
    return left % right


def _remainder(left: Any, right: Any) -> Any:
    """The remainder with the sign of the dividend."""
    if right == 0 and (type(left) is float or type(right) is float):
        return math.nan
    result = abs(left) % abs(right)
    return -result if left < 0 else result


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "mod": _modulo,
    "rem": _remainder,
}


def calculate(sign: str, left: Any, right: Any) -> Any:
    """Calculate with two numbers. Raises EvaluationFailed for anything else, and where 64 bits do not hold the
    result.
    """
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        raise EvaluationFailed(f"`{sign}` does not calculate with {type(left).__name__} and {type(right).__name__}")
    try:
        result = _ARITHMETIC[sign](left, right)
    except (ZeroDivisionError, OverflowError) as error:
        raise EvaluationFailed(f"`{sign}` has no result") from error
    return whole(result) if type(result) is int else result


def whole(result: int) -> int:
    """The result of a calculation with whole numbers. Raises EvaluationFailed where 64 bits do not hold it."""
    if -_I64 <= result < _I64:
        return result
    raise EvaluationFailed("a result overflows 64 bits")


def items(collection: Any) -> Iterable[Any]:
    """What `in` walks through. Raises EvaluationFailed for what is no collection."""
    kind = type(collection)
    if isinstance(collection, list | tuple):
        return collection
    if kind is dict:
        return [list(pair) for pair in collection.items()]
    if kind is str:
        return list(collection)
    if kind in (int, float, bool, type(None)):
        raise EvaluationFailed(f"{kind.__name__} is no collection")
    try:
        return list(collection)
    except TypeError as error:
        raise EvaluationFailed(f"{kind.__name__} is no collection") from error


INDEXED_FROM = 12
"""Members from which a look-up is faster than walking through them all."""

HAVING_FROM = 32
"""The same for a look-up of those that have members of their own. Most have none, and are walked past at once; what
tells so of a smaller collection is one more thing to fetch from memory.
"""


def truth(value: Any) -> bool:
    """A value as a condition. Raises EvaluationFailed for anything but a boolean."""
    if type(value) is not bool:
        raise EvaluationFailed(f"{type(value).__name__} is no condition")
    return value


def contains(item: Any, collection: Any, budget: Budget) -> bool:
    """Whether a bound value is in a collection; each member that is compared is a step. Raises EvaluationFailed."""
    return any(spent(1, budget) and same(item, candidate, budget) for candidate in items(collection))
