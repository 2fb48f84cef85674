"""`audit evidence`: one archive that shows of a decision that it was given, when, and by which rules and facts."""

from __future__ import annotations

from pathlib import Path

import click

from sealauthz.audit.anchoring import SUFFIX, Folder
from sealauthz.audit.evidence import Attached, evidence
from sealauthz.audit.log import Entry, Log
from sealauthz.audit.merkle import ProofRefused
from sealauthz.audit.note import NoteRefused, Verifier
from sealauthz.audit.posting import AnchorRefused
from sealauthz.audit.timestamps import STAMP
from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.past import kept_policies
from sealauthz.cli.printing import say
from sealauthz.cli.settings import audit_signer, open_store, read_config, receipt_issuer, store_options
from sealauthz.config import Config
from sealauthz.facts import Store
from sealauthz.facts.store.performed import Kept, kept_naming
from sealauthz.rollout import Archive
from sealauthz.rollout.kept import KeptPolicies
from sealauthz.runtime.errors import BundleRefused, InvalidRequest, PastUnknown


@click.command("evidence")
@click.argument("which", metavar="ID|NUMBER")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The archive to write.")
@click.option("--key", metavar="KEY", help="The log's public key, where this machine has no configured key.")
@click.option(
    "--policies",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="The folder that decided, where its policies were never activated.",
)
@store_options
def audit_evidence(
    *,
    which: str,
    out: Path | None,
    key: str | None,
    policies: Path | None,
    config_file: Path | None,
    database: str | None,
) -> int:
    """Write the evidence of one decision, such as a use of a seal.

    ID is that of the decision, of the operation, or of what the operation
    made, such as a use. The archive holds the record, its proof and the signed
    checkpoint, the receipt and its keys, the policies, the rules that proved
    it, the facts as they were (without names), and a page for people. It is
    verified without this software: docs/evidence.md.

    \b
      sealauthz audit evidence se-5e9e504f04b28582d269b53eeaf873e0
      sealauthz audit evidence 4711 --out case-17.zip
    """
    from sealauthz.audit.as_of import AsOf

    config = read_config(config_file, database)
    signer = audit_signer(config)
    try:
        verifier = signer.verifier if signer is not None and key is None else Verifier.read(key or "")
    except NoteRefused as error:
        raise Stop("nobody could verify it without the log's key: see `[audit] key`, or give --key") from error
    with open_store(config_file, database) as store:
        entry, kept = _found(store, which)
        content = entry.content
        past, _ = kept_policies(store, config, policies)
        issuer = receipt_issuer(config)
        attached = Attached(
            _archive(store, config, past, policies, content.get("policy", "")),
            "" if kept is None else kept.receipt,
            None if issuer is None else issuer.keys.key_set,
            *_kept_of(config, entry.number),
        )
        try:
            packed = evidence(store, AsOf(store, past.of), entry, verifier, attached, signer)
        except (NoteRefused, ProofRefused, InvalidRequest) as error:
            raise Stop(f"the log does not prove it: {error}; run `sealauthz audit verify`", Exit.REFUSED) from error
    file = out or Path(f"evidence-{content['id']}.zip")
    file.write_bytes(packed)
    say(f"{file}: {len(packed):,} bytes")
    return Exit.DONE


def _found(store: Store, which: str) -> tuple[Entry, Kept | None]:
    """Return the record, and what is kept of the operation."""
    log = Log(store)
    entry = log.entry_at(int(which)) if which.isascii() and which.isdecimal() else log.entry(which)
    with store.plain_connection() as connection:
        kept = kept_naming(connection, entry.content["id"] if entry is not None else which)
    if entry is None and kept:
        # The one with a receipt is what somebody acts on; what was done later with it names it, too.
        first = next((each for each in kept if each.receipt), kept[0])
        entry, kept = log.entry(first.decision_id), [first]
    if entry is None and (pruned := log.pruned()).until:
        raise Stop(f"the log has no record of `{which}`: {pruned.said}, or it waits for its place", Exit.REFUSED)
    if entry is None:
        raise Stop(f"the log has no record of `{which}`: it may wait for its place (`audit sequence`)", Exit.REFUSED)
    return entry, next((each for each in kept if each.decision_id == entry.content["id"]), None)


def _kept_of(config: Config, number: int) -> tuple[str, bytes]:
    """Return the first checkpoint that speaks of a record and was stamped, with its token; both empty without one."""
    if config.audit.folder is None:
        return "", b""
    folder = Folder(config.audit.folder)
    try:
        size = folder.first_beyond(number, STAMP)
        return ("", b"") if size is None else (folder.read(size, SUFFIX).decode(), folder.read(size, STAMP))
    except AnchorRefused as error:
        raise Stop(f"{error}: see `audit.folder`", Exit.REFUSED) from error


def _archive(store: Store, config: Config, past: KeptPolicies, folder: Path | None, version: str) -> str:
    """Return all files of the policies, if they are kept or here; empty where they are not."""
    archive = past.archive(version)
    if archive is not None:
        return archive.text
    try:
        past.of(version)  # else the folder holds others
        return Archive.of_folder(store.model, folder or config.policies.folder).text
    except (BundleRefused, PastUnknown):
        return ""
