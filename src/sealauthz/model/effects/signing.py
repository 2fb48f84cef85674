"""Acts on signing tasks and contracts: signing by hand, approving, refusing, passing on, recalling and terminating.

To open a task changes nothing: it binds nobody, and a task that somebody only looked at can still be passed on. It is
IN_PROGRESS from the moment in which a seal is reserved for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sealauthz.model.effects.turns import ended, sender_event, signed, task_event
from sealauthz.model.records.contracts import ContractState
from sealauthz.model.records.signing import SigningTask, TaskOperator, TaskSeal, TaskState
from sealauthz.schema import Act, Duty, Event, MetBy, Outcome, Put, RecordChange
from sealauthz.schema.effect import Value


def sign(act: Act) -> Outcome:
    """Sign by hand, in one step: nobody else makes the signature. What it counts on is counted like a seal's."""
    changes, events = signed(act, act.resource, act.subject.id, None)
    return Outcome(tuple(changes), tuple(events))


def approve(act: Act) -> Outcome:
    """Approve, as one of the sender's people who are named for it: the order goes on."""
    changes, events = signed(act, act.resource, act.subject.id, None)
    return Outcome(tuple(changes), tuple(events))


def refuse_to_sign(act: Act) -> Outcome:
    """Refuse a task: it ends, and whose turn would come after it is never asked. What others do beside it goes on until
    the sender ends the contract.
    """
    refusal = {"refused_by_id": act.subject.id, "refused_at": act.now, "refusal_reason": act.context.reason}
    return Outcome((act.set(act.resource, state=TaskState.REJECTED, **refusal),))


def transfer(act: Act) -> Outcome:
    """Pass a task on: it is TRANSFERRED, and the receiver gets a task of their own in its place, which takes the same
    seals. All who were named for the old one lose it.

    The receiver of a signature in person is its handler, and the sender of the contract is notified.
    """
    old, receiver = act.resource, act.context.receiver
    handler_id = receiver.person_id if old.action in ("HANDLER_SIGN", "PERSONAL_SIGN") else None
    new = SigningTask(act.new_id("task"), old.signatory_id, old.action, old.position, old.state, handler_id=handler_id)
    changes: list[RecordChange] = [act.set(old, state=TaskState.TRANSFERRED), Put(new)]
    if handler_id is None:
        changes.append(Put(TaskOperator(act.new_id("operator"), new.id, receiver.person_id)))
    changes += [Put(TaskSeal(act.new_id(f"seal/{f.seal_id}"), new.id, f.seal_id)) for f in old.fixed_seals]
    event = task_event("TASK_PASSED_ON", old, [receiver.person_id], new_task_id=new.id, actor_id=act.subject.id)
    events = [event]
    if handler_id is not None:
        contract = old.signatory.contract
        events.append(sender_event("HANDLER_NAMED", contract, old, new_task_id=new.id, actor_id=act.subject.id))
    return Outcome(tuple(changes), tuple(events), {"task_id": new.id})


def recall(act: Act) -> Outcome:
    """Recall a contract before it is complete: nobody signs it any more."""
    changes, events = ended(act, act.resource, ContractState.RECALLED, "CONTRACT_RECALLED")
    return Outcome(tuple(changes), tuple(events))


def terminate(act: Act) -> Outcome:
    """End a complete contract, as all its parties have agreed. What was signed stays signed."""
    event = sender_event("CONTRACT_TERMINATED", act.resource, actor_id=act.subject.id)
    return Outcome((act.set(act.resource, state=ContractState.TERMINATED),), (event,))


def _tell_sender(act: Act, _named: Mapping[str, Value]) -> Iterable[Event]:
    """Tell who sent the contract that somebody refused. Why, they read there."""
    task = act.resource
    yield sender_event("TASK_REFUSED", task.signatory.contract, task, task_id=task.id, actor_id=act.subject.id)


DUTIES = (
    Duty("RECORD_REFUSAL", MetBy.EFFECT),
    Duty("NOTIFY_SENDER", MetBy.EVENT, tell=_tell_sender),
)

EVENTS = {
    "TASK_REFUSED": "A signer refused; for who sent the contract.",
    "TASK_PASSED_ON": "A signing task was passed on to the recipient.",
    "HANDLER_NAMED": "A party named another handler for its signature; for who sent the contract.",
    "CONTRACT_RECALLED": "A contract was recalled in which the recipient was to sign.",
    "CONTRACT_TERMINATED": "A complete contract was ended as all its parties had agreed.",
}
"""The codes of these events, each with what it tells."""
