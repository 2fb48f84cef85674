"""`audit verify`: a database, an export, or the proof of one record."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from sealauthz.audit.anchoring import SUFFIX
from sealauthz.audit.merkle import ProofRefused
from sealauthz.audit.note import Checkpoint, NoteRefused, Verifier, open_checkpoint, read_checkpoint
from sealauthz.audit.portable import verify_export, verify_proof
from sealauthz.audit.report import Kind, Report
from sealauthz.audit.timestamps import STAMP, StampRefused, read_roots, verify_stamp
from sealauthz.audit.verify import verify_database
from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.printing import say
from sealauthz.cli.settings import audit_signer, open_store, read_config, store_options
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.runtime.terminal import instant

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command("verify")
@click.option("--key", metavar="FILE|KEY", help="The log's public key.  [default: the configured key]")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, exists=True),
    metavar="FILE|FOLDER",
    help="A checkpoint that was kept elsewhere, or a folder of them.  [default: the configured folder]",
)
@click.option(
    "--tsa-roots",
    type=_FILE,
    metavar="FILE",
    help="Root certificates of the time stamp authority.  [default: configured]",
)
@click.option("--export", type=_FILE, metavar="FILE", help="Verify this export instead of a database.")
@click.option("--proof", type=_FILE, metavar="FILE", help="Verify the proof of one record, with --record.")
@click.option("--record", type=_FILE, metavar="FILE", help="Holds the text of the record.")
@store_options
@output_option
def audit_verify(
    *,
    key: str | None,
    checkpoint: Path | None,
    tsa_roots: Path | None,
    export: Path | None,
    proof: Path | None,
    record: Path | None,
    config_file: Path | None,
    database: str | None,
    output: str,
) -> int:
    """Verify that nothing in the log was changed, moved, added or removed.

    Exits with 1 if anything was, and says where. What cannot be told from what
    is given is said as "not checkable": that nothing was cut off the end, and
    that the log is no older copy, only a checkpoint shows that was kept
    elsewhere.

    \b
      sealauthz audit verify --key log.key --checkpoint kept.txt
      sealauthz audit verify --checkpoint /mnt/kept --tsa-roots tsa.pem
      sealauthz audit verify --key log.key --export log.jsonl
      sealauthz audit verify --key log.key --proof 1.proof --record 1.json
    """
    if (proof is None) != (record is None):
        raise click.UsageError("--proof and --record go together")
    if sum(given is not None for given in (proof, export, database)) > 1:
        raise click.UsageError("verify one thing: a --database, an --export or a --proof")
    verifiers = verifiers_of(key, config_file)
    if checkpoint is None and proof is None and export is None and database is None:
        checkpoint = _kept_in(read_config(config_file).audit.folder)
    trusted = [] if checkpoint is None else trusted_of(checkpoint, verifiers)
    if proof is not None and record is not None:
        if trusted:
            raise click.UsageError("a proof has its own checkpoint: leave out --checkpoint")
        return _verify_proof(proof, record, verifiers, output)
    if export is not None:
        try:
            with export.open(encoding="utf-8") as lines:
                report = verify_export(lines, verifiers, trusted)
        except (NoteRefused, UnicodeDecodeError) as error:
            raise Stop(f"`{export}`: {error}", Exit.REFUSED) from error
    else:
        with open_store(config_file, database) as store, store.plain_connection() as connection:
            report = verify_database(connection, store.tables, verifiers, trusted)
    _add_stamps(report, checkpoint, tsa_roots or read_config(config_file).audit.timestamp_roots)
    return _show(report, output)


def _kept_in(folder: Path | None) -> Path | None:
    """Return the configured folder of checkpoints, if it keeps any."""
    return folder if folder is not None and _files_of(folder) and folder.is_dir() else None


def _add_stamps(report: Report, place: Path | None, roots: Path | None) -> None:
    """Say which checkpoints that were kept elsewhere were stamped, by whom and when."""
    stamps = [] if place is None else [file.with_suffix(STAMP) for file in _files_of(place)]
    stamps = [file for file in stamps if file.exists()]
    if not stamps:
        return
    if roots is None:
        said = f"{len(stamps)} time stamps: that needs the root certificates of their authority (--tsa-roots)"
        report.unchecked.append(said)
        return
    try:
        known = read_roots(roots)
        for file in stamps:
            content = file.with_suffix(SUFFIX).read_bytes()
            try:
                report.stamped.append(verify_stamp(file.read_bytes(), content, known))
            except StampRefused as error:
                report.add(
                    Kind.STAMP, 0, read_checkpoint(content.decode()).size, f"`{file.name}` proves nothing: {error}"
                )
    except ConfigRefused as error:
        raise click.UsageError(str(error)) from error


def _show(report: Report, output: str) -> int:
    code = Exit.DONE if report else Exit.REFUSED
    if output == "json":
        said: dict[str, Any] = dataclasses.asdict(report)
        said["stamped"] = [each._asdict() for each in report.stamped]
        said["findings"] = [finding._asdict() for finding in report.findings]
        print_json({"in_order": bool(report), **said})
        return code
    for finding in report.findings:
        say(f"{finding.kind}: {finding.said}")
    by = f", signed by {report.signed_by}" if report.signed_by and report else ""
    name = f" of {report.origin}" if report.origin else ""
    word = "in order" if report else "NOT in order"
    say(f"the log{name} is {word}: {report.records} records, {report.size} by its newest checkpoint{by}")
    for stamp in report.stamped:
        say(f"{stamp.authority} stamped it with {stamp.size} records at {instant(stamp.at)}")
    for unchecked in report.unchecked:
        say(f"not checkable: {unchecked}")
    return code


def _verify_proof(proof: Path, record: Path, verifiers: list[Verifier], output: str) -> int:
    text, content = proof.read_text(encoding="utf-8"), record.read_text(encoding="utf-8")
    try:
        number, checkpoint = verify_proof(text, content, verifiers)
    except (NoteRefused, ProofRefused) as error:
        raise Stop(f"`{proof}` proves nothing: {error}", Exit.REFUSED) from error
    if output == "json":
        print_json({"number": number, "origin": checkpoint.origin, "size": checkpoint.size})
        return Exit.DONE
    say(f"the record is number {number} of the {checkpoint.size} in the log {checkpoint.origin}")
    if not verifiers:
        say("not checkable: who has signed the checkpoint: that needs the log's public key (--key)")
    return Exit.DONE


def verifiers_of(key: str | None, config_file: Path | None) -> list[Verifier]:
    """Return the public keys of a file or text, or without one that of the configuration."""
    if key is None:
        signer = audit_signer(read_config(config_file))
        return [] if signer is None else [signer.verifier]
    file = Path(key)
    try:
        text = key if "+" in key and not file.exists() else file.read_text(encoding="utf-8")
        return [Verifier.read(line) for line in text.splitlines() if line.strip()] or [Verifier.read("")]
    except (NoteRefused, UnicodeDecodeError) as error:
        raise click.UsageError(f"--key: {error}") from error


def _files_of(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    return sorted(place.glob(f"*{SUFFIX}"))


def trusted_of(place: Path, verifiers: list[Verifier]) -> list[Checkpoint]:
    """Return the checkpoints of a file, or of all files of a folder."""
    found = []
    for file in _files_of(place):
        try:
            text = file.read_text(encoding="utf-8")
            found.append(open_checkpoint(text, verifiers) if verifiers else read_checkpoint(text))
        except (NoteRefused, UnicodeDecodeError) as error:
            raise click.UsageError(f"--checkpoint: `{file}`: {error}") from error
    if not found:
        raise click.UsageError(f"--checkpoint: `{place}` holds no checkpoint (*{SUFFIX})")
    return found
