"""Performing acts: an allowed act is carried out, recorded and receipted in the transaction that decided it."""

from sealauthz.operations.assertions import Assertions
from sealauthz.operations.operations import Operations
from sealauthz.operations.performance import ArgumentValue, Operation, Performance, Performed
from sealauthz.operations.receipts import Issuer

__all__ = ["ArgumentValue", "Assertions", "Issuer", "Operation", "Operations", "Performance", "Performed"]
