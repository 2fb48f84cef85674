"""The founding story, chapter by chapter: what people do, what the answer must be, and what happens in between.

Whatever a person does is performed. Facts are written only of what the world outside owns: that a face was checked,
what the registry says, that an account was closed, what became of a message.
"""

from __future__ import annotations

from sealauthz.ops.demo import retrieving, sealing
from sealauthz.ops.demo.harness import Harness


def tell(harness: Harness) -> None:
    """Tell the whole story on a harness that has the opening facts."""
    lin = sealing.an_outsider_joins(harness)
    sealing.a_member_seals_a_contract(harness)
    sealing.a_right_is_taken_back_in_between(harness)
    retrieving.an_organisation_is_authenticated_once(harness)
    retrieving.a_claim_is_answered(harness)
    case = retrieving.the_administrator_resigns(harness)
    retrieving.the_enterprise_is_retrieved(harness, case)
    retrieving.power_has_moved(harness, lin)
