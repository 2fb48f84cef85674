"""Using up what an act rests on: checks of identity and intent, each once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sealauthz.model.records.identity import VerificationState
from sealauthz.schema import Act, Duty, MetBy, RecordChange, Update
from sealauthz.schema.effect import Value


def _consume(act: Act, named: Mapping[str, Value]) -> Iterable[RecordChange]:
    """Use up the check that an obligation names."""
    values = {"state": VerificationState.CONSUMED, "consumed_at": act.now}
    yield Update("IdentityVerification", str(named["verification_id"]), values)


DUTIES = (
    Duty("CONSUME_ASSERTION", MetBy.PERSON),
    Duty("CONSUME_VERIFICATION", MetBy.TRANSACTION, meet=_consume),
    Duty("CONSUME_NEW_ADMIN_VERIFICATION", MetBy.TRANSACTION, meet=_consume),
    Duty("CONSUME_CARRIER_MATCH", MetBy.TRANSACTION, meet=_consume),
)
