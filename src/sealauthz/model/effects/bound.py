"""That the arguments of an act are those for which a face was shown."""

from __future__ import annotations

from sealauthz.model.effects.acting import refuse
from sealauthz.model.effects.rule_terms import rules_digest
from sealauthz.schema import Act


def check_arguments(act: Act) -> None:
    """Refuse arguments that are not those of the digest in the context, which the check of intent is bound to.

    Nothing stands for arguments that are all left out.
    """
    said, given = act.context.digest, act.arguments
    if not said and given == type(given)():
        return
    digest = rules_digest(act.action, type(act.resource).__name__, act.resource.id, given)
    if said != digest:
        refuse("context[digest]", f"is not that of these arguments, which is `{digest}`")
