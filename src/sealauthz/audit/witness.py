"""A witness: somebody else who signs that they saw a checkpoint go on from the one before it.

They are sent each newer checkpoint with the proof that it goes on from what they have seen, and what they sign is kept
beside it. Source: c2sp.org/tlog-witness (`add-checkpoint`), c2sp.org/tlog-cosignature.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from sealauthz.audit.anchoring import COSIGNED, Folder
from sealauthz.audit.note import Checkpoint, NoteRefused, Verifier, cosigned, read_checkpoint
from sealauthz.audit.posting import TIMEOUT_S, AnchorRefused, check_address, post
from sealauthz.errors import ConfigRefused, InvalidRequest

if TYPE_CHECKING:  # as in `anchoring`
    from sealauthz.audit.log import Log

_OK, _CONFLICT = 200, 409
_MOST_LINES = 8


class Witness:
    """A sink of checkpoints that signs them. Its signatures are kept in a folder, each below the note that it is of."""

    def __init__(
        self,
        url: str,
        key: str,
        folder: Folder,
        log: Log | None = None,
        timeout_s: float = TIMEOUT_S,
        number: int = 1,
    ) -> None:
        """`number` tells several apart. Raises ConfigRefused for an address that nothing is sent to, or for a key that
        is not of a witness.
        """
        check_address(url, "audit.witness")
        try:
            self.verifier = Verifier.read(key)
        except NoteRefused as error:
            raise ConfigRefused(f"`audit.witness_key`: {error}") from error
        if not self.verifier.is_witness:
            raise ConfigRefused("`audit.witness_key` is the key of a log, not of a witness (cosignature/v1)")
        self.name = "cosignatures" if number == 1 else f"cosignatures-{number}"
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self._folder = folder
        self._log = log
        self._timeout_s = timeout_s

    def last(self) -> Checkpoint | None:
        """Return the newest checkpoint that the witness has signed. Raises AnchorRefused."""
        newest = self._folder.newest(self.suffix)
        return None if newest is None else read_checkpoint(newest[1].decode())

    def keep(self, note: str, checkpoint: Checkpoint) -> None:
        """Have the witness sign a checkpoint, and keep what it has signed."""
        last = self.last()
        seen = 0 if last is None else last.size
        answer = post(self._url, self._asked(seen, note, checkpoint), "text/plain", "the witness", self._timeout_s)
        if answer.status == _CONFLICT:
            # It says how far it has come: by another process of ours, or before this folder was there.
            known = self._known(answer.body, seen, checkpoint)
            asked = self._asked(known, note, checkpoint)
            answer = post(self._url, asked, "text/plain", "the witness", self._timeout_s)
        if answer.status != _OK:
            raise AnchorRefused(f"the witness answered with status {answer.status}")
        lines = answer.body.decode("utf-8", "replace").splitlines(keepends=True)[:_MOST_LINES]
        mine = f"\u2014 {self.verifier.name} "
        signed = note + "".join(line for line in lines if line.startswith(mine))
        try:
            is_signed = bool(cosigned(signed, [self.verifier]))
        except NoteRefused:
            is_signed = False
        if not is_signed:
            raise AnchorRefused("the witness answered, and has not signed the checkpoint with its key")
        self._folder.add(checkpoint.size, self.suffix, signed.encode())

    @property
    def suffix(self) -> str:
        """How the names of the files end that hold what this witness has signed."""
        return f".{self.verifier.key_id.hex()}{COSIGNED}"

    def _known(self, body: bytes, seen: int, checkpoint: Checkpoint) -> int:
        """Return how many records the witness says that it has seen. Raises AnchorRefused."""
        text = body.decode("ascii", "replace").strip()
        if not text.isdecimal() or len(text) > 19 or int(text) == seen:
            raise AnchorRefused("the witness refuses the checkpoint as one that goes on from another, and names none")
        if int(text) > checkpoint.size:
            raise AnchorRefused(f"the witness saw a log of {text} records, and this one has {checkpoint.size}")
        return int(text)

    def _asked(self, seen: int, note: str, checkpoint: Checkpoint) -> bytes:
        """Return the body of a request. Raises AnchorRefused, FactsUnavailable."""
        hashes: tuple[bytes, ...] = ()
        if 0 < seen < checkpoint.size and self._log is not None:
            try:
                hashes = self._log.consistency(seen, checkpoint.size).hashes
            except InvalidRequest as error:
                raise AnchorRefused(f"the log has no proof from {seen} records to {checkpoint.size}") from error
        lines = [f"old {seen}", *(base64.b64encode(each).decode() for each in hashes)]
        return ("\n".join(lines) + "\n\n" + note).encode()


def read_witnesses(urls: str, keys: str, folder: Folder, log: Log | None = None) -> list[Witness]:
    """Return the witnesses of a configuration, which names them with blanks between: addresses, and as many keys.

    Raises ConfigRefused.
    """
    places, of = urls.split(), keys.split()
    if len(places) != len(of):
        raise ConfigRefused(f"`audit.witness` names {len(places)} witnesses, and `audit.witness_key` {len(of)} keys")
    found = [Witness(url, key, folder, log, number=n) for n, (url, key) in enumerate(zip(places, of, strict=True), 1)]
    if len({each.suffix for each in found}) < len(found):
        raise ConfigRefused("`audit.witness_key` names one witness twice: two that are one see nothing more")
    return found


def without_cosignatures(text: str) -> str:
    """Return a checkpoint with the signatures of its log only: those of the name that it begins with."""
    body, _, lines = text.partition("\n\n")
    mine = f"\u2014 {body.partition(chr(10))[0]} "
    return f"{body}\n\n" + "".join(line for line in lines.splitlines(keepends=True) if line.startswith(mine))


def cosignatures(folder: Folder, size: int) -> str:
    """Return a checkpoint of a folder with all that witnesses have signed of it, each line once; empty without any.

    Raises AnchorRefused.
    """
    notes = [text.decode("utf-8", "replace") for text in folder.read_all(size, COSIGNED)]
    lines = dict.fromkeys(line for note in notes for line in note.partition("\n\n")[2].splitlines(keepends=True))
    return f"{notes[0].partition(chr(10) * 2)[0]}\n\n{''.join(lines)}" if notes else ""
