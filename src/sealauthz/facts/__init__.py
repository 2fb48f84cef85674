"""Facts: tables derived from the records, the store that writes and reads them, and the world of a decision."""

from sealauthz.facts.batch import Batch, Delete, Precondition, PreconditionKind, Put, WriteReceipt
from sealauthz.facts.consistency import Consistency, Deadline
from sealauthz.facts.database import Snapshot
from sealauthz.facts.feed import Feed
from sealauthz.facts.importing import OpenImport, Part, PartReceipt
from sealauthz.facts.reading import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page
from sealauthz.facts.rows import Stored
from sealauthz.facts.schema import upgrade
from sealauthz.facts.store import Store
from sealauthz.facts.units import Unit, UnitKind
from sealauthz.facts.world import Picture, World

__all__ = [
    "DEFAULT_PAGE_SIZE",
    "MAX_PAGE_SIZE",
    "Batch",
    "Consistency",
    "Deadline",
    "Delete",
    "Feed",
    "OpenImport",
    "Page",
    "Part",
    "PartReceipt",
    "Picture",
    "Precondition",
    "PreconditionKind",
    "Put",
    "Snapshot",
    "Store",
    "Stored",
    "Unit",
    "UnitKind",
    "World",
    "WriteReceipt",
    "upgrade",
]
