"""What a successor who goes on with the grants of a predecessor keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealauthz.model.right_invariants import LIVE_GRANT, terms_of_grants, touched_grants, wider
from sealauthz.schema.changes import Change, Changes, Invariant, Rows, all_of, broken, name_of
from sealauthz.schema.record import UNLIMITED

_IN_EFFECT = ("PENDING_EFFECT", "ACTIVE")


def check_adoptions(changes: Changes, rows: Rows) -> None:
    """A-11: what is adopted goes on to the same member and in nothing wider, and ends in the write in which it does."""
    grants = rows.get("SealGrant", touched_grants(changes))
    written = {change.id: change for change in changes.of("SealGrant")}
    adopting = [grant for grant in grants.values() if grant.adopts_id is not None and _begins(grant, written)]
    if not adopting:
        return
    adopted = all_of(rows, "SealGrant", {grant.adopts_id for grant in adopting})
    involved = {*adopted, *(grant.id for grant in adopting)}
    types, templates = terms_of_grants(rows, involved)
    for grant in adopting:
        old = adopted[grant.adopts_id]
        if grant.membership_id != old.membership_id:
            broken("A-11", f"{name_of(grant)} is to another member than {name_of(old)}")
        broader = wider(grant, old, types, templates)
        if not broader and grant.may_subgrant and not old.may_subgrant:
            broader = "may_subgrant"
        if broader:
            broken("A-11", f"{name_of(grant)} is wider than {name_of(old)} in `{broader}`")
        if grant.state not in _IN_EFFECT:
            continue
        if old.state in LIVE_GRANT:
            broken("A-11", f"{name_of(grant)} is in effect, and so is {name_of(old)} that it goes on with")
        if written[grant.id].before is None:
            continue
        # It comes into effect by this write: what was left then is what it goes on with.
        was = written[old.id].before if old.id in written else old
        if was is None or was.state not in _IN_EFFECT:
            broken("A-11", f"{name_of(grant)} goes on with {name_of(old)}, which had ended before")
        if old.use_limit != UNLIMITED and grant.use_limit > old.use_limit - old.used:
            broken("A-11", f"{name_of(grant)} is wider than {name_of(old)} in `use_limit`")


def _begins(grant: Any, written: Mapping[str, Change]) -> bool:
    """Tell whether a grant waits for its confirmation, or comes into effect; what has begun may only shrink anyway."""
    before = written[grant.id].before if grant.id in written else grant
    return grant.state in LIVE_GRANT and (before is None or before.state == "PENDING_CONFIRM")


ADOPTIONS = (Invariant(check_adoptions),)
