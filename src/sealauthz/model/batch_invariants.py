"""What the rows of a list that one check of intent is for keep together."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from sealauthz.model.records.batches import BATCH_LIMIT, batch_digest
from sealauthz.schema.changes import Changes, Invariant, Rows, all_of, broken, name_of


def check_batches(changes: Changes, rows: Rows) -> None:
    """A-08: a list is whole from its first write on: its digest and total are those of its items, and of each contract
    it has one task, so that it never is for both sides.
    """
    made = {change.id for change in changes.of("IntentBatch") if change.before is None}
    made |= {
        change.after.batch_id for change in changes.of("IntentBatchItem") if change.before is None and change.after
    }
    if not made:
        return
    batches = all_of(rows, "IntentBatch", made)
    items: dict[str, list[Any]] = defaultdict(list)
    for item in rows.naming("IntentBatchItem", "batch_id", made):
        items[item.batch_id].append(item)
    tasks = all_of(rows, "SigningTask", [item.task_id for some in items.values() for item in some])
    parties = all_of(rows, "Signatory", [task.signatory_id for task in tasks.values()])
    for batch in batches.values():
        listed = items[batch.id]
        if not 0 < len(listed) <= BATCH_LIMIT:
            broken("A-08", f"{name_of(batch)} is for {len(listed)} tasks: a list has 1 to {BATCH_LIMIT}")
        amounts = [item.amount for item in listed if item.amount is not None]
        if (sum(amounts) if amounts else None) != batch.total:
            broken("A-08", f"the total of {name_of(batch)} is not that of its items")
        if any(item.amount is not None and item.currency != batch.currency for item in listed):
            broken("A-08", f"{name_of(batch)} has amounts in another currency than its total")
        contracts = Counter(parties[tasks[item.task_id].signatory_id].contract_id for item in listed)
        if max(contracts.values()) > 1:
            broken("A-08", f"{name_of(batch)} has two tasks of one contract: each takes a check of its own")
        if batch.digest != batch_digest(batch, listed):
            broken("A-08", f"the `digest` of {name_of(batch)} is not that of its items")


BATCHES = (Invariant(check_batches),)
