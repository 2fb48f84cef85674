"""The words of the policies: typed records, their enumerations, identifiers and masking. No I/O.

Importing this package registers every record in `record.RECORDS`.
"""

from sealauthz.model.records import contracts, identity, organisation, procedures, retrieval, seals
from sealauthz.schema.record import FOREVER, NEVER, RECORDS, UNLIMITED, Column, Relation, Shape, exact, shape_of

__all__ = [
    "FOREVER",
    "NEVER",
    "RECORDS",
    "UNLIMITED",
    "Column",
    "Relation",
    "Shape",
    "contracts",
    "exact",
    "identity",
    "organisation",
    "procedures",
    "retrieval",
    "seals",
    "shape_of",
]
