"""What the sections of the configuration share: how strict they are, the star, and words that must be known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import pydantic
from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from sealauthz.config.secret_files import SecretFile
from sealauthz.runtime.errors import did_you_mean
from sealauthz.schema import Model

EVERYTHING = "*"

SecretFileSetting = Annotated[SecretFile, pydantic.PlainValidator(SecretFile.read)]
"""A setting that names a file."""


class Section(pydantic.BaseModel):
    """A table of the file, which has no other keys than those that are declared."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


def model_of(info: ValidationInfo) -> Model:
    """Return the model that a configuration is read for."""
    if not isinstance(info.context, Model):
        raise TypeError("a configuration is read for a model")
    return info.context


def check_words(words: Iterable[str], known: Iterable[str], what: str, path: Sequence[str] = ()) -> None:
    """Raise an error of pydantic's that names the first unknown word, and the one that may have been meant.

    `path` is where the words stand, if it is not what pydantic looks at.
    """
    for word in words:
        if word not in known:
            # Not in the template: a brace in the word would be taken for a place in it.
            said = f"unknown {what} `{word}`{did_you_mean(word, known)}"
            raise PydanticCustomError("unknown_word", "{said}", {"said": said, "word": word, "path": tuple(path)})


def split(value: object) -> object:
    """Return the parts of a variable, which has commas between them; of a file's list, what it is."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value
