"""Facts: tables derived from the records, the store that writes and reads them, and the fact cache of a decision."""

from sealauthz.facts.memory.consistency import Consistency, Deadline
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.memory.feed import Feed
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.batch import Batch, Precondition, PreconditionKind, WriteReceipt
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.importing import Part, PartReceipt
from sealauthz.facts.store.reading import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from sealauthz.facts.store.rows import Stored
from sealauthz.facts.store.store import Store
from sealauthz.facts.store.upgrading import upgrade
from sealauthz.schema import Delete, Put, Unit, Update

__all__ = [
    "DEFAULT_PAGE_SIZE",
    "MAX_PAGE_SIZE",
    "Batch",
    "Consistency",
    "Deadline",
    "Delete",
    "FactCache",
    "FactSnapshot",
    "Feed",
    "Part",
    "PartReceipt",
    "Precondition",
    "PreconditionKind",
    "Put",
    "ReadTransaction",
    "Store",
    "Stored",
    "Unit",
    "Update",
    "WriteReceipt",
    "upgrade",
]
