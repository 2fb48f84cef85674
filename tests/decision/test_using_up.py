"""What an allow rests on is used up once, by the recipe of `docs/facts.md`: of two who decided together one writes."""

from __future__ import annotations

import pytest
from policy_suite import POLICIES
from scene import NOW, Scene, codes, question

from sealauthz.decision import Decision, PolicyDecisionPoint
from sealauthz.facts import Batch, FactCache, Precondition, PreconditionKind, Put, Store, Update
from sealauthz.runtime.errors import InvariantBroken

USES = question("user", "use", ("Seal", "s"), task="t", verification="v-user")


def use_up(store: Store, decision: Decision, request_id: str) -> None:
    """Carry out what the obligations of an allow name, if nothing that they name changed since it was decided."""
    named = {name: str(id_) for some in decision.obligations for name, id_ in some.parameters.items()}
    check, grant = ("IdentityVerification", named["verification_id"]), ("SealGrant", named["grant_id"])
    stored = {(kind, id_): store.read(kind, {"id": id_}).records[0] for kind, id_ in (check, grant)}
    if any(each.revision > decision.revision for each in stored.values()):
        raise InvariantBroken("PRECONDITION", "it changed since: ask again")
    changes = (
        Update(*check, {"state": "CONSUMED", "consumed_at": NOW}),
        Update(*grant, {"used": stored[grant].record.used + 1}),
    )
    unchanged = [Precondition(*key, PreconditionKind.AT_REVISION, each.revision) for key, each in stored.items()]
    store.write(Batch("test", request_id, changes, tuple(unchanged)))


def test_of_two_who_decided_together_one_uses_up_what_it_rests_on(store: Store) -> None:
    store.write(Batch("test", "facts", tuple(map(Put, Scene().records))))
    pdp = PolicyDecisionPoint(FactCache(store), POLICIES, lambda: NOW)
    first, second = pdp.decide(USES), pdp.decide(USES)
    assert first
    assert second
    before = store.read("SealGrant", {"id": "g-user"}).records[0].record.used
    use_up(store, first, "first")
    with pytest.raises(InvariantBroken):
        use_up(store, second, "second")
    assert store.read("SealGrant", {"id": "g-user"}).records[0].record.used == before + 1
    again = PolicyDecisionPoint(FactCache(store), POLICIES, lambda: NOW).decide(USES)
    assert codes(again) == ["FACE_VERIFICATION_ALREADY_USED"]
