"""Checking a bundle before it is served: names, types, modes, polarity, and the contract. Errors stop it."""

from sealauthz.polar.check.checker import Baseline, check, check_product_floor
from sealauthz.polar.check.entries import ContextOf
from sealauthz.polar.diagnostic import Diagnostic, Severity

__all__ = ["Baseline", "ContextOf", "Diagnostic", "Severity", "check", "check_product_floor"]
