"""The record of a performed act, which is written in the transaction that performs it."""

from __future__ import annotations

import hashlib
import time

from sealauthz.audit.record import Concerned, Origin, decision_record
from sealauthz.decision.decision import Decision
from sealauthz.operations.performance import Performed
from sealauthz.operations.signed_assertions import Assertion
from sealauthz.schema import Model, ReceiptTerms

PERFORM = "Perform"


def act_record(
    model: Model,
    origin: Origin,
    decision: Decision,
    performed: Performed,
    concerned: Concerned,
    asserted: Assertion | None,
    terms: ReceiptTerms | None,
    began: float,
) -> str:
    """Return the record of an act. `decision` is the whole one, with the obligations that the act itself met; `began`
    is when it was begun, as `time.perf_counter` tells.
    """
    operation = performed.operation
    if operation is None:
        raise TypeError("a deny performs nothing")
    done = {
        "operation_id": operation.operation_id,
        "revision": operation.revision,
        "at": operation.at,
        "made": dict(operation.values),
    }
    if operation.receipt:
        done["receipt_sha256"] = hashlib.sha256(operation.receipt.encode()).hexdigest()
    if asserted is not None:
        # Ids only, and no token: an issuer may say more of a person in it than may be kept.
        done["assertion"] = [asserted.issuer, asserted.jti]
    behalf = terms.on_behalf_of if terms is not None else ""
    duration_us = round((time.perf_counter() - began) * 1_000_000)
    return decision_record(
        model, PERFORM, origin, decision, concerned, duration_us, operation=done, on_behalf_of=behalf
    )
