"""Checking a bundle before it is served: names, types, modes, polarity, and the contract. Errors stop it."""

from sealauthz.polar.check.checker import (
    Analysis,
    Baseline,
    KeptAnalysis,
    analyse,
    check,
    check_product_floor,
)
from sealauthz.polar.check.entries import ContextOf
from sealauthz.polar.diagnostic import Diagnostic, Severity

__all__ = [
    "Analysis",
    "Baseline",
    "ContextOf",
    "Diagnostic",
    "KeptAnalysis",
    "Severity",
    "analyse",
    "check",
    "check_product_floor",
]
