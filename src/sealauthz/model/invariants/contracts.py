"""The invariants of contracts: the seals and categories that they name are those of the parties concerned."""

from __future__ import annotations

from sealauthz.schema.changes import Changes, Invariant, Rows, all_of, broken, name_of


def check_fixed_seals(changes: Changes, rows: Rows) -> None:
    """SAME_ENTERPRISE: a seal fixed for a task is one of the enterprise that signs."""
    fixed = changes.written("TaskSeal")
    seals = all_of(rows, "Seal", [task_seal.seal_id for task_seal in fixed])
    tasks = all_of(rows, "SigningTask", [task_seal.task_id for task_seal in fixed])
    signatories = all_of(rows, "Signatory", [task.signatory_id for task in tasks.values()])
    for task_seal in fixed:
        signatory = signatories[tasks[task_seal.task_id].signatory_id]
        if seals[task_seal.seal_id].enterprise_id != signatory.enterprise_id:
            broken("SAME_ENTERPRISE", f"`TaskSeal:{task_seal.id}` names a seal that is not the signatory's")


def check_categories(changes: Changes, rows: Rows) -> None:
    """SAME_ENTERPRISE: the category of a contract is its initiator's, that of a party the party's own."""
    kept = [(contract, contract.initiator_id) for contract in changes.written("Contract")]
    kept += [(signatory, signatory.enterprise_id) for signatory in changes.written("Signatory")]
    kept = [(record, enterprise_id) for record, enterprise_id in kept if record.category_id is not None]
    categories = all_of(rows, "BusinessCategory", [record.category_id for record, _ in kept])
    for record, enterprise_id in kept:
        if categories[record.category_id].enterprise_id != enterprise_id:
            broken("SAME_ENTERPRISE", f"{name_of(record)} names a category of another enterprise")


INVARIANTS = (Invariant(check_fixed_seals), Invariant(check_categories))
