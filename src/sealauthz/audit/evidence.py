"""An evidence bundle: all that shows of one logged decision that it was given, when, and by which rules and facts.

It is one archive, the same bytes each time, and is verified without this software (`docs/evidence.md`). What the log
proves is proved by its checkpoint: the record, and by it the receipt and the version of the policies. What is told
beside it (the rules, the facts as they were, the page) is what was found by deciding again; its manifest may be signed.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sealauthz.audit.as_of import AsOf, Moment, PastDecision
from sealauthz.audit.evidence_page import page
from sealauthz.audit.log import Entry, Log
from sealauthz.audit.merkle import leaf_hash, verify_inclusion
from sealauthz.audit.note import Signer, Verifier, open_checkpoint
from sealauthz.audit.portable import proof_text
from sealauthz.audit.replay import check_policies, is_the_same, question_of, said_of
from sealauthz.decision.assembly import RequestOptions
from sealauthz.facts.store.acting import Observed
from sealauthz.facts.store.store import Store
from sealauthz.runtime.errors import PastUnknown, RecordUnknown
from sealauthz.schema import Model

FORMAT = "sealauthz evidence 1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
_BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Attached:
    """What comes from elsewhere: the archive of the policies, the receipt of the act, the keys that verify it, the
    checkpoint that was kept (the newest one, if none was) with the token of a time stamp authority over it.
    """

    policies: str = ""
    receipt: str = ""
    receipt_keys: Mapping[str, Any] | None = None
    kept: str = ""
    stamp: bytes = b""


def evidence(
    store: Store, as_of: AsOf, entry: Entry, verifier: Verifier, attached: Attached, signer: Signer | None = None
) -> bytes:
    """Return the bundle of a record. Raises RecordUnknown, NoteRefused, ProofRefused where the log does not prove it.

    The manifest is signed where there is a `signer`.
    """
    content = entry.content
    if "effect" not in content or "subject" not in content or "policy" not in content:
        raise RecordUnknown("the record is not of one decision")
    log, number = Log(store), entry.number
    proof = log.inclusion_in(number, attached.kept) if attached.kept else log.inclusion(number)
    checkpoint = open_checkpoint(proof.note, [verifier])
    verify_inclusion(proof.number, checkpoint.size, leaf_hash(entry.text.encode()), proof.hashes, checkpoint.root)
    decision, facts = _decided_again(store.model, as_of, content)
    files = {
        "record.json": entry.text,
        "proof.txt": proof_text(proof),
        "checkpoint.txt": proof.note,
        "log.key": f"{verifier}\n",
        "decision.json": _json(decision),
    }
    if facts:
        files["facts.json"] = _json(facts)
    if attached.policies:
        files["policies.json"] = attached.policies
    if attached.receipt:
        files["receipt.jws"] = attached.receipt
        files["receipt-keys.json"] = _json(attached.receipt_keys or {"keys": []})
    files["page.html"] = page(content, decision, checkpoint, sorted(files))
    packed = {name: text.encode() for name, text in files.items()}
    if attached.stamp:
        packed["timestamp.tsr"] = attached.stamp
    return _packed(packed, content["id"], checkpoint.origin, signer)


def _decided_again(
    model: Model, as_of: AsOf, content: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the decision as it is found again with its rules, and the facts that it read; where that cannot be told,
    why, and no facts.
    """
    try:
        question = question_of(model, content)
        check_policies(as_of, content)
        with as_of.past(Moment(content.get("revision", 0), content["at"])) as past:
            past.check_timeline(content.get("timeline", ""))
            options = RequestOptions(caller=content.get("caller", ""))
            found, observed = past.observe(question, options, content["policy"])
    except PastUnknown as error:
        return {"outcome": "NOT_CHECKABLE", "cause": error.cause, "said": str(error)}, None
    said, outcome = said_of(found.decision), "SAME" if is_the_same(content, found.decision) else "DIFFERENT"
    return {"outcome": outcome, **said, **_rests_on(found)}, _facts(model, found, observed)


def _rests_on(found: PastDecision) -> dict[str, Any]:
    decision = found.decision
    return {
        "policy": decision.policy_version,
        "policy_activated": found.is_activated,
        "revision": decision.revision,
        "at": decision.evaluated_at,
        "requirements": [
            {
                "requirement": outcome.requirement,
                "standing": str(outcome.standing),
                "rules": [asdict(each.rule) for each in outcome.attempts if each.is_met]
                or [asdict(rule) for rule in (*outcome.because, *outcome.tried)],
            }
            for outcome in found.explanation.requirements
        ],
    }


def _facts(model: Model, found: PastDecision, observed: Observed) -> dict[str, Any]:
    """Return the facts in the units that were read, without personal text."""
    units = {}
    for unit, records in sorted(observed.held.items()):
        held = {}
        for record_type, some in sorted(records.items()):
            public = [column.name for column in model.shapes[record_type].columns if not column.is_personal]
            held[record_type] = [{name: getattr(each, name) for name in public} for _, each in sorted(some.items())]
        units[f"{unit.kind}:{unit.id}"] = held
    return {"revision": found.decision.revision, "timeline": found.decision.timeline, "units": units}


def _packed(files: dict[str, bytes], record_id: str, origin: str, signer: Signer | None) -> bytes:
    """Return files as an archive that is the same each time, with a manifest of their digests."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    manifest = _json({"format": FORMAT, "log": origin, "record": record_id, "files": digests}).encode()
    files = {**files, MANIFEST: manifest}
    if signer is not None:
        # It begins as no checkpoint does, so that neither passes for the other.
        files[SIGNATURE] = base64.b64encode(signer.sign_bytes(f"{FORMAT}\n".encode() + manifest)) + b"\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(files):
            about = zipfile.ZipInfo(name, _BEGINNING_OF_TIME)
            about.create_system, about.external_attr = 3, 0o644 << 16
            archive.writestr(about, files[name])
    return packed.getvalue()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
