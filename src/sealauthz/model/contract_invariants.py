"""What holds of a contract with all that belongs to it: its parties, tasks, seals and uses."""

from __future__ import annotations

from sealauthz.model.records.contracts import TERMS
from sealauthz.schema.changes import Changes, Invariant, Rows, all_of, broken, name_of

_SEALS = frozenset({"CORPORATE_SEAL", "LEGAL_REP_SEAL"})


_BY_HAND = frozenset({"HANDLER_SIGN", "PERSONAL_SIGN"})


_SIGNATURES = _SEALS | _BY_HAND


_CALLED_OFF = frozenset({"TRANSFERRED", "VOIDED"})


_SEALS_OR_WILL = frozenset({"WAITING", "PENDING", "IN_PROGRESS", "SIGNED"})


_BINDING = frozenset({"FILLING", "SIGNING", "COMPLETE"})


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


def check_signed(changes: Changes, rows: Rows) -> None:
    """I15: what a party has signed stays as it was: the documents that there were, and the terms of the contract."""
    documents = [change for change in changes.of("ContractDocument") if change.before is not None]
    touched = {change.before.contract_id for change in documents}
    contracts = [
        change
        for change in changes.of("Contract")
        if None not in (change.before, change.after)
        and any(getattr(change.before, name) != getattr(change.after, name) for name in TERMS)
    ]
    touched |= {change.id for change in contracts}
    signatories = {s.id: s.contract_id for s in rows.naming("Signatory", "contract_id", touched)}
    written = {change.id: change for change in changes.of("SigningTask")}
    signed = {
        signatories[task.signatory_id]: task
        for task in rows.naming("SigningTask", "signatory_id", signatories.keys())
        if task.state == "SIGNED"
        and task.action in _SIGNATURES
        # Who signs in the same write signs what is written.
        and (task.id not in written or (written[task.id].before or task).state == "SIGNED")
    }
    for change in (*documents, *contracts):
        task = signed.get(getattr(change.before, "contract_id", change.id))
        if task is not None:
            broken("I15", f"{change} is signed already ({name_of(task)}) and stays as it was signed")


def check_sealed_beside(changes: Changes, rows: Rows) -> None:
    """A-01: the seal beside which somebody signed by hand is not called off while the contract goes on or is complete.

    A signature beside a seal asks for no authority of its own, so that without the seal it would bind nobody.
    """
    called_off = [
        change.after
        for change in changes.of("SigningTask")
        if change.before is not None
        and change.after is not None
        and change.after.action in _SEALS
        and change.after.state in _CALLED_OFF
        and change.before.state not in _CALLED_OFF
    ]
    parties = all_of(rows, "Signatory", [task.signatory_id for task in called_off])
    contracts = all_of(rows, "Contract", [party.contract_id for party in parties.values()])
    tasks = list(rows.naming("SigningTask", "signatory_id", parties.keys()))
    signed = {task.signatory_id: task for task in tasks if task.action in _BY_HAND and task.state == "SIGNED"}
    sealing = {task.signatory_id for task in tasks if task.action in _SEALS and task.state in _SEALS_OR_WILL}
    for task in called_off:
        if task.signatory_id not in signed or task.signatory_id in sealing:
            continue
        if contracts[parties[task.signatory_id].contract_id].state in _BINDING:
            broken(
                "A-01", f"{name_of(task)} seals beside {name_of(signed[task.signatory_id])}, which is signed already"
            )


CONTRACTS = (
    Invariant(check_fixed_seals),
    Invariant(check_categories),
    Invariant(check_signed),
    Invariant(check_sealed_beside),
)
