"""Blocks written out: what `actor` and `resource` blocks declare, and the rules that their shorthands stand for."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sealauthz.polar.syntax import (
    And,
    BlockNode,
    Call,
    Literal,
    Parameter,
    RuleNode,
    Shorthand,
    Term,
    TypePattern,
    Variable,
)

ACTOR, RESOURCE = "Actor", "Resource"

UNIONS = frozenset({ACTOR, RESOURCE})
"""Names that stand for several classes."""

RULE_OF = {"role": "has_role", "permission": "has_permission", "relation": "has_relation"}
"""The rule behind each kind of name that a block declares."""

_ACTOR, _RELATED = "actor", "related"


@dataclass(slots=True)
class Declared:
    """What the blocks of one type declare: the kind of each name, and the type behind each relation."""

    kinds: dict[str, str] = field(default_factory=dict)
    relations: dict[str, str] = field(default_factory=dict)

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """The names of a kind: role, permission or relation."""
        return tuple(name for name, declared in self.kinds.items() if declared == kind)


def declared_by(blocks: Iterable[BlockNode]) -> dict[str, Declared]:
    """Return by type what blocks declare; of a name that stands twice the first counts."""
    found: dict[str, Declared] = {}
    for block in blocks:
        declared = found.setdefault(block.type, Declared())
        for kind, names in (("role", block.roles), ("permission", block.permissions)):
            for name in names or ():
                declared.kinds.setdefault(str(name.value), kind)
        for name_, type_, _ in block.relations or ():
            declared.kinds.setdefault(name_, "relation")
            declared.relations.setdefault(name_, type_)
    return found


def unions_of(blocks: Iterable[BlockNode]) -> Mapping[str, frozenset[str]]:
    """Return the types that `Actor` and `Resource` stand for."""
    types = [(block.keyword, block.type) for block in blocks]
    actors = frozenset(type_ for keyword, type_ in types if keyword == "actor")
    return {ACTOR: actors, RESOURCE: frozenset(type_ for _, type_ in types)}


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A name in a shorthand that its type does not declare; `known` are the names of that kind that it does."""

    name: Literal
    type: str
    kind: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type} declares no {self.kind} `{self.name.value}`"


def undeclared(block: BlockNode, shorthand: Shorthand, declared: Mapping[str, Declared]) -> Iterator[Undeclared]:
    """Yield every name in a shorthand that nothing declares."""
    here = declared[block.type]
    if str(shorthand.implied.value) not in here.kinds:
        yield Undeclared(shorthand.implied, block.type, "role or permission", tuple(here.kinds))
    target: str = block.type
    if shorthand.relation is not None:
        related = here.relations.get(str(shorthand.relation.value))
        if related is None:
            yield Undeclared(shorthand.relation, block.type, "relation", tuple(here.relations))
            return
        target = related
    kinds = declared[target].kinds if target in declared else {}
    if str(shorthand.implier.value) not in kinds:
        yield Undeclared(shorthand.implier, target, "role, permission or relation", tuple(kinds))


def written_out(
    blocks: Iterable[BlockNode], declared: Mapping[str, Declared], reserved: Container[str]
) -> Iterator[RuleNode]:
    """Yield the rules that shorthands stand for, but for those with names that nothing declares.

    `reserved` are names that no variable may have.
    """
    for block in blocks:
        for shorthand in block.shorthands:
            if next(undeclared(block, shorthand, declared), None) is None:
                yield _rule_of(block, shorthand, declared, reserved)


def _rule_of(
    block: BlockNode, shorthand: Shorthand, declared: Mapping[str, Declared], reserved: Container[str]
) -> RuleNode:
    place = shorthand.place
    name = block.type[:1].lower() + block.type[1:]
    while name in (_ACTOR, _RELATED) or name in reserved:
        name += "_"
    this, actor = Variable(name, place), Variable(_ACTOR, place)
    kinds = declared[block.type].kinds
    relation, implier = shorthand.relation, shorthand.implier
    if relation is None:
        body: Term = Call(RULE_OF[kinds[str(implier.value)]], (actor, implier, this), place)
    else:
        target = declared[block.type].relations[str(relation.value)]
        related = Variable(_RELATED, place)
        implied = RULE_OF[declared[target].kinds[str(implier.value)]]
        link = Call("has_relation", (related, relation, this), place)
        body = And((link, Call(implied, (actor, implier, related), place)), place)
    parameters = (
        Parameter(actor, TypePattern(ACTOR, (), place), place),
        Parameter(shorthand.implied, None, place),
        Parameter(this, TypePattern(block.type, (), place), place),
    )
    return RuleNode(RULE_OF[kinds[str(shorthand.implied.value)]], parameters, body, block.tags, place)
