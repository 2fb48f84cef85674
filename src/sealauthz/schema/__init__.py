"""What records, actions, invariants and models are. Names no record.

What a record is declared with is in `schema.record` and `schema.rules`.
"""

from sealauthz.runtime.instants import FOREVER, NEVER
from sealauthz.schema.action import Action, Resolver, ResolverInput, actions
from sealauthz.schema.activity import Monitored, Shown, Sighting
from sealauthz.schema.changes import Change, Changes, Invariant, Rows
from sealauthz.schema.effect import (
    Act,
    Delete,
    Duty,
    Event,
    MetBy,
    Named,
    Outcome,
    Put,
    ReceiptTerms,
    RecordChange,
    Sweep,
    Update,
    looks,
)
from sealauthz.schema.extending import extended
from sealauthz.schema.extension import NO_EXTENSION, Extension, ExtensionProblem
from sealauthz.schema.model import Model, Part
from sealauthz.schema.outside import OutsideMove, Provided
from sealauthz.schema.parameters import Duration
from sealauthz.schema.record import (
    EMPTY,
    UNLIMITED,
    Collection,
    Column,
    Instant,
    Shape,
    shape_of,
    values_of,
)
from sealauthz.schema.units import Unit, Units

__all__ = [
    "EMPTY",
    "FOREVER",
    "NEVER",
    "NO_EXTENSION",
    "UNLIMITED",
    "Act",
    "Action",
    "Change",
    "Changes",
    "Collection",
    "Column",
    "Delete",
    "Duration",
    "Duty",
    "Event",
    "Extension",
    "ExtensionProblem",
    "Instant",
    "Invariant",
    "MetBy",
    "Model",
    "Monitored",
    "Named",
    "Outcome",
    "OutsideMove",
    "Part",
    "Provided",
    "Put",
    "ReceiptTerms",
    "RecordChange",
    "Resolver",
    "ResolverInput",
    "Rows",
    "Shape",
    "Shown",
    "Sighting",
    "Sweep",
    "Unit",
    "Units",
    "Update",
    "actions",
    "extended",
    "looks",
    "shape_of",
    "values_of",
]
