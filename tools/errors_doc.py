"""Write `docs/errors.md`: every status, every reason of an error and every reason of a deny, with what a caller does.

The denies are read from the bundle; what is done about statuses and errors is said here, once for each. `--check` says
whether the file is up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle
from sealauthz.decision.texts import SERVICE_REASONS
from sealauthz.model import MODEL
from sealauthz.service.status import DEADLINE_PASSED, PRUNED, TABLE
from sealauthz_client.answers import NOTHING_TO_DO
from sealauthz_client.retrying import RETRIED

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "errors.md"

_INTRODUCTION = """\
A deny is an answer: status OK, effect DENY, with reasons and next steps. An error is no answer, and no answer is never
an allow. What the client of Python does by itself is in [client.md](client.md#retries); a client in another language
does the same.

1. **OK and ALLOW**: meet every obligation, then act, before `valid_until`. If one is not known to you, do not act.
2. **OK and DENY**: do not act. Show the first reasons with their texts, and offer `next_steps` in their order. Show no
   reason whose audience is OPERATOR.
3. **OK and any other effect**: do not act.
4. **An error**: do not act. Repeat it where the tables say so, within the deadline of what you are doing yourself; then
   say that it cannot be decided now.
5. **After `Perform` failed** with UNAVAILABLE, CANCELLED, DEADLINE_EXCEEDED, UNKNOWN or INTERNAL the act may have been
   performed: ask again with the same `request_id`, which performs it once and returns the first answer. Never with a
   fresh one."""

_ABOUT_ERRORS = """\
`ErrorInfo` in the details of the status (`grpc-status-details-bin`) has the reason; an item of a batch has it in its
status."""

_ABOUT_DENIES = """\
In the order in which a person fixes things. `text` of a reason and of a step is what to show, in the language that was
asked for; [reasons.md](reasons.md) has all texts, and what each step carries. A deny is never repeated by itself: only
when something has changed. `WatchChanges` tells of facts that change, and `EventsService.Watch` of what people must
know."""

STATUSES: Mapping[str, tuple[str, str]] = {
    "OK": (
        "There is an answer. It may be a deny.",
        "Look at the effect, and at the status of each item of a batch.",
    ),
    "CANCELLED": (
        "The call was cancelled, by the caller or by a server that drains.",
        "Repeat it after a pause, unless you cancelled it.",
    ),
    "UNKNOWN": (
        "Something between you and the service failed in a way that nobody named.",
        "Do not repeat it by itself. Of `Perform`: ask again with the same `request_id`.",
    ),
    "INVALID_ARGUMENT": (
        "The request is malformed; `BadRequest` names the fields.",
        "Do not repeat it: correct the caller. Of an id that a person typed: say that it does not exist.",
    ),
    "DEADLINE_EXCEEDED": (
        "The time that the caller gave is over.",
        "Say that it cannot be decided now. Give a call more time where that happens often.",
    ),
    "NOT_FOUND": (
        "There is nothing of that id, or nothing that this caller may see.",
        "Do not repeat it.",
    ),
    "ALREADY_EXISTS": (
        "Something exists that must not, or a `request_id` was used for something else.",
        "Do not repeat it: read what is there.",
    ),
    "PERMISSION_DENIED": (
        "The calling service lacks a right; or the person's own assertion is missing. It says nothing about "
        "the person.",
        "Do not repeat it: have the rights of the caller changed, or bring the assertion.",
    ),
    "RESOURCE_EXHAUSTED": (
        "A limit is reached. With `SERVICE_BUSY` the call was not begun; without it a message was too large.",
        "With `SERVICE_BUSY`: repeat it after `RetryInfo`. Otherwise ask for less at once.",
    ),
    "FAILED_PRECONDITION": (
        "As things stand it cannot be done; the reason names what stands against it.",
        "Do not repeat it as it is: read what is there now, and begin again from that.",
    ),
    "ABORTED": (
        "The facts or the policies changed under a list.",
        "Drop what you have of the list, and begin it again.",
    ),
    "OUT_OF_RANGE": (
        "What a watch was to go on behind is no longer kept.",
        "Read everything again, then watch from now on.",
    ),
    "UNIMPLEMENTED": (
        "This server does not know the call, or it came with no message or with several.",
        "Do not repeat it: the server is older than the caller, or the caller is wrong.",
    ),
    "INTERNAL": (
        "A mistake in the service; the message names an incident.",
        "Do not repeat it by itself. Tell the operators the incident.",
    ),
    "UNAVAILABLE": (
        "The service, its facts, its policies or its keys are not there now.",
        "Repeat it after a pause, not before `RetryInfo` says, with a bound on all repetitions together.",
    ),
    "DATA_LOSS": (
        "The service never says this.",
        "As UNKNOWN.",
    ),
    "UNAUTHENTICATED": (
        "The credentials belong to nobody, or have ended.",
        "Renew the token and repeat it once; then correct the caller.",
    ),
}
"""Each status of gRPC: what it means, and what a caller does."""

ERRORS: Mapping[str, tuple[str, str]] = {
    "INVALID_REQUEST": (
        "A field is malformed, too long, missing or unknown.",
        "Correct what `BadRequest.field_violations` names.",
    ),
    "CALLER_UNKNOWN": (
        "No credentials, or such as belong to nobody.",
        "Renew the token; check the certificate and the table of the caller.",
    ),
    "KEYS_UNAVAILABLE": (
        "The keys that verify tokens cannot be had.",
        "Repeat it. If it lasts, the identity provider is away.",
    ),
    "CALLER_NOT_PERMITTED": (
        "The caller may not make this call, perform this act, or watch this enterprise.",
        "Have `sealauthz callers explain` say what it may.",
    ),
    "ASSERTION_NEEDED": (
        "The person must confirm this very act; nothing was done.",
        "Have the issuer sign for the `digest` in the metadata, and repeat the act with the assertion and the"
        " same `request_id`.",
    ),
    "OPERATION_UNKNOWN": (
        "No operation of that id is this caller's.",
        "Ask with `Perform` and its `request_id` whether it was performed.",
    ),
    "RECORD_UNKNOWN": (
        "The log has no such record that this caller may see.",
        "It may not be logged yet: ask again in a second, once.",
    ),
    "FACT_CONFLICT": (
        "`invariant` says what exists already: `ID`, `PRECONDITION`, `REQUEST_ID`, or a rule of the facts.",
        "Read what is there. Of `REQUEST_ID`: this id was used for another content; find out why before you "
        "take a fresh one.",
    ),
    "INVARIANT_BROKEN": (
        "The write or the act would break the rule that `invariant` names.",
        "Read what is there, and decide again.",
    ),
    "IMPORT_STOPPED": (
        "A part of the import `import_id` was refused, and the first `parts` are committed; `cause` is the reason of"
        " the refusal. Nothing is decided about its enterprises meanwhile.",
        "Correct the part and resume with the same `import_id`, or abandon the import.",
    ),
    "FACTS_UNAVAILABLE": (
        "The facts cannot be read or written now, or not as fresh as was asked.",
        "Repeat it after `RetryInfo`.",
    ),
    "RESTORE_INCOMPLETE": (
        "The facts were restored from a backup, and nobody has said yet that they are complete.",
        "Write again what is missing (writes of facts are taken); an operator runs `sealauthz db complete`. "
        "Repeat a question after `RetryInfo`.",
    ),
    "POLICIES_UNAVAILABLE": (
        "This process has not loaded the policies that decide now.",
        "Repeat it after `RetryInfo`; another process may have them.",
    ),
    "POLICY_UNKNOWN": (
        "No policies of this version were proposed.",
        "List the versions.",
    ),
    "POLICY_REFUSED": (
        "The policies cannot be proposed or activated as things stand; `why` says what is so.",
        "List the versions, and look again before you activate.",
    ),
    "REVISION_UNKNOWN": (
        "The token is of another store, or of a history that a restore took away.",
        "Drop it: waiting is useless. Read everything again.",
    ),
    "REVISION_GONE": (
        "The facts moved on under a list.",
        "Begin the list again, without a page token.",
    ),
    "REVISION_PRUNED": (
        "The changes behind this token are no longer kept.",
        "Read everything again, then watch from now on.",
    ),
    "NOT_CHECKABLE": (
        "What was at that moment cannot be told any more, or not for sure; the metadata says why.",
        "Do not repeat it. Ask about a later moment.",
    ),
    "SERVICE_BUSY": (
        "Too many calls are under way, or this caller has used its share; nothing was begun.",
        "Repeat it after `RetryInfo`. If it lasts, batch or cache what you ask.",
    ),
    "DEADLINE_PASSED": (
        "The deadline passed before there was an answer.",
        "As DEADLINE_EXCEEDED.",
    ),
    "INTERNAL": (
        "A mistake in the service.",
        "Tell the operators the `incident` in the metadata.",
    ),
}
"""Each reason of an error (`ErrorInfo.reason`): what it means, and what a caller does."""

_OWN: Mapping[str, str] = {
    "FACT_UNAVAILABLE": "after a pause of a second or so, with a bound. If it lasts, an import may be open",
    "POLICY_ERROR": "no: it is a fault of the policies, which operators must see",
    "UNKNOWN_ACTION": "no: it is a mistake in the caller",
    "CONTEXT_NOT_FOUND": "no, unless it was made a moment ago: then with its revision",
    "UNKNOWN_TYPE": "no: it is a mistake in the caller",
    "NOT_FOUND": "no: say the same as of what does not exist",
}
"""When to ask again about the reasons of the service itself."""


def page(bundle: Bundle) -> Iterator[str]:
    """Yield the lines of the page. Raises LookupError where something is said of too little or too much."""
    yield "# Errors and denies: what a caller does"
    yield ""
    yield "Written by `tools/errors_doc.py`; do not edit."
    yield ""
    yield from _INTRODUCTION.splitlines()
    yield ""
    yield "## Statuses"
    yield ""
    yield "| status | means | do |"
    yield "|---|---|---|"
    for name in _all({code.name for code in grpc.StatusCode}, STATUSES, "status"):
        means, do = STATUSES[name]
        repeated = " The client of Python repeats it." if grpc.StatusCode[name] in RETRIED else ""
        yield f"| {name} | {means} | {do}{repeated} |"
    yield ""
    yield "## Reasons of errors"
    yield ""
    yield from _ABOUT_ERRORS.splitlines()
    yield ""
    yield "| reason | status | means | do |"
    yield "|---|---|---|---|"
    rows = [*TABLE.values(), DEADLINE_PASSED, PRUNED]
    for reason in _all({row.reason for row in rows}, ERRORS, "reason of an error"):
        codes = " ".join(sorted({row.code.name for row in rows if row.reason == reason}))
        means, do = ERRORS[reason]
        yield f"| `{reason}` | {codes} | {means} | {do} |"
    yield ""
    yield from _denies(bundle)


def _denies(bundle: Bundle) -> Iterator[str]:
    book = bundle.rulebook
    yield "## Reasons of denies"
    yield ""
    yield from _ABOUT_DENIES.splitlines()
    yield ""
    yield "| reason | show | offer | ask again |"
    yield "|---|---|---|---|"
    stages = book.reasons
    for code in sorted(stages, key=lambda code: (stages[code].stage, code)):
        entry = stages[code]
        steps = [step for step in entry.next_steps if step != NOTHING_TO_DO]
        is_shown = entry.audience == "USER"
        show = "its text" if is_shown else "nothing of it: another reason or `NOT_PERMITTED_NOW` stands for it"
        instants = {
            name
            for step in steps
            for (_, of), names in book.carried.items()
            if of == step
            for name in names
            if name.endswith(("_at", "_until"))
        }
        offer = " ".join(f"`{step}`" for step in steps) or "nothing"
        yield f"| `{code}` | {show} | {offer if is_shown else 'nothing'} | {_again(code, steps, instants, is_shown)} |"
    yield ""
    for code in SERVICE_REASONS:
        yield f"`{code}` stands for reasons that only operators may see. Show its text, offer nothing, and do not ask"
        yield "again by yourself."


def _again(code: str, steps: list[str], instants: set[str], is_shown: bool) -> str:
    if code in _OWN:
        return _OWN[code]
    if not is_shown:
        return "no: tell operators the `decision_id`"
    if not steps:
        return "no: nothing that the person does changes it"
    if instants:
        return f"when a step is done, or at {' or '.join(f'`{name}`' for name in sorted(instants))} of the step"
    if all(step.startswith("WAIT") for step in steps):
        return "when what it waits for has happened"
    return "when a step is done"


def _all(wanted: set[str], said: Mapping[str, object], what: str) -> list[str]:
    """Return all that is said, in its order. Raises LookupError unless that is said of each, and of nothing else."""
    for name in sorted(wanted ^ said.keys()):
        raise LookupError(f"the {what} `{name}` " + ("has no entry here" if name in wanted else "does not exist"))
    return list(said)


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    options = parser.parse_args()
    text = "\n".join(page(Bundle.load(MODEL, cache=bundle_cache()))) + "\n"
    if not options.check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        print(f"{TARGET.relative_to(ROOT)} is not what is so: run python tools/errors_doc.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
