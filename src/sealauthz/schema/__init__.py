"""What records, actions, invariants and models are. Names no record."""

from sealauthz.schema.action import Action, Resolver, ResolverInput, actions
from sealauthz.schema.changes import Change, Changes, Invariant, Rows
from sealauthz.schema.columns import Column, Normalised, Personal, PersonalText, Ref, Relation, many, one
from sealauthz.schema.model import Model, ModelProblem, Part
from sealauthz.schema.record import Shape, exact, record, records_of, shape_of, values_of
from sealauthz.schema.rules import (
    ActsFor,
    Check,
    Fixed,
    Life,
    RelatedTo,
    Rising,
    SetOnce,
    Shared,
    Subject,
    Tenant,
    Terms,
    Unique,
    Valid,
)
from sealauthz.schema.units import Unit, Units
from sealauthz.schema.values import FOREVER, NEVER, UNLIMITED, Collection, Duration, Instant

__all__ = [
    "FOREVER",
    "NEVER",
    "UNLIMITED",
    "Action",
    "ActsFor",
    "Change",
    "Changes",
    "Check",
    "Collection",
    "Column",
    "Duration",
    "Fixed",
    "Instant",
    "Invariant",
    "Life",
    "Model",
    "ModelProblem",
    "Normalised",
    "Part",
    "Personal",
    "PersonalText",
    "Ref",
    "RelatedTo",
    "Relation",
    "Resolver",
    "ResolverInput",
    "Rising",
    "Rows",
    "SetOnce",
    "Shape",
    "Shared",
    "Subject",
    "Tenant",
    "Terms",
    "Unique",
    "Unit",
    "Units",
    "Valid",
    "actions",
    "exact",
    "many",
    "one",
    "record",
    "records_of",
    "shape_of",
    "values_of",
]
