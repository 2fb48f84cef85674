"""Secrets from files, as containers have them mounted: digests, a password or an address, and nothing else in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

_MAX_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file and what it held when the configuration was read, without the line break at its end."""

    path: Path
    content: str = field(repr=False)

    @classmethod
    def read(cls, value: object) -> SecretFile:
        """Read a file. Raises ValueError, which says nothing of what the file holds."""
        if not isinstance(value, str | Path):
            raise ValueError("must be the name of a file")
        path = Path(value)
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
        except OSError:
            raise ValueError(f"the file `{path}` cannot be read") from None
        if len(content) > _MAX_BYTES:
            raise ValueError(f"the file `{path}` is longer than {_MAX_BYTES} bytes, which no secret is")
        try:
            text = content.decode()
        except UnicodeDecodeError:  # which would hold the bytes
            raise ValueError(f"the file `{path}` is not UTF-8 text") from None
        text = text.removesuffix("\n").removesuffix("\r")
        if not text.strip():
            raise ValueError(f"the file `{path}` is empty")
        return cls(path, text)
