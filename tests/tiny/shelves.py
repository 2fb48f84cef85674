"""The tiny model once more, with other columns on one of its records: a folder stands on a shelf."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

from sealauthz.schema import Model, Part
from sealauthz.schema.record import Ref, many, one, record
from tiny.model import TINY, Document, Team


@record(home="team_id")
class Folder:
    """A folder of a team, on a shelf."""

    id: str
    shelf: int
    team_id: Annotated[str, Ref("Team")]

    team: Team = one("team_id")
    documents: list[Document] = many("folder_id")


def shelves(policies: Path) -> Model:
    """Return the model, with policies that read the shelf."""
    parts = [
        Part(
            tuple(Folder if cls.__name__ == "Folder" else cls for cls in part.records),
            part.actions,
            part.invariants,
            part.duties,
        )
        for part in TINY.parts
    ]
    return dataclasses.replace(TINY, name="shelves", parts=tuple(parts), policies=policies)
