"""Issuing receipts: what an effect wants to be said of its act, together with what only the transaction knows."""

from __future__ import annotations

from dataclasses import dataclass

from sealauthz.operations.keys import SigningKeys
from sealauthz.schema.effect import ReceiptTerms
from sealauthz.schema.record import Instant
from sealauthz_client.receipts import Receipt

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Performed:
    """What the transaction knows of an act that it performed. `at` is the time of the decision."""

    operation_id: str
    caller: str
    subject: str
    action: str
    resource: str
    policy_version: str
    revision: int
    timeline: str
    at: Instant
    valid_until: Instant | None = None
    """When the decision ends by itself; None where nothing of it ends."""


class Issuer:
    """Signs receipts in the name of one service."""

    def __init__(self, name: str, keys: SigningKeys) -> None:
        self.name = name
        self.keys = keys

    def issue(self, performed: Performed, terms: ReceiptTerms) -> str | None:
        """Sign a receipt; None where it would have ended in the second in which it begins.

        It ends with the earliest of what the effect says and when the decision itself would end: in whole seconds, the
        begun one not included, so that it never lasts longer than the right.
        """
        ends = terms.ends_at if performed.valid_until is None else min(terms.ends_at, performed.valid_until)
        issued_at = performed.at // _SECOND
        if ends // _SECOND <= issued_at:
            return None
        receipt = Receipt(
            issuer=self.name,
            audience=terms.audience,
            operation_id=performed.operation_id,
            subject=performed.subject,
            caller=performed.caller,
            on_behalf_of=terms.on_behalf_of,
            policy_version=performed.policy_version,
            revision=performed.revision,
            timeline=performed.timeline,
            issued_at=issued_at,
            not_before=issued_at,
            expires_at=ends // _SECOND,
            permits={"action": performed.action, "resource": performed.resource, **terms.permits},
        )
        return self.keys.sign(receipt)
