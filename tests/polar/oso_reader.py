"""Asks oso how it reads policy text, in a process of its own: text that kills oso must not kill the tests.

Run as a script it is that process: one JSON string per line in, one verdict per line out.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from typing import Any


class OsoReader:
    """A process that loads texts into oso, one after the other; a new one after each that died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def read(self, text: str) -> dict[str, Any]:
        """Return `stage` (`loaded`, `parser`, `later` or `died`), the name of the error, its message and `details`."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            self.close()
            return {"stage": "died", "error": "", "message": "", "details": {}}
        verdict: dict[str, Any] = json.loads(answer)
        return verdict

    def close(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            with process:
                assert process.stdin is not None
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()


def _verdict(text: str) -> dict[str, Any]:
    import oso
    import polar.exceptions

    # oso takes byte offsets for character offsets and aborts where there are too few characters.
    padded = f"{text}\n#{' ' * (len(text.encode()) - len(text))}"
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            oso.Oso().load_str(padded)
    except polar.exceptions.OsoError as error:
        stage = "parser" if isinstance(error, polar.exceptions.ParserError) else "later"
        return {"stage": stage, "error": type(error).__name__, "message": error.message, "details": error.details}
    return {"stage": "loaded", "error": "", "message": "", "details": {}}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_verdict(json.loads(line))) + "\n")
        sys.stdout.flush()
