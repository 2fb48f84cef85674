"""Names that a bundle uses and nothing declares: classes, rules, fields, roles, permissions, relations, and arities."""

from __future__ import annotations

from collections.abc import Iterable

from sealauthz.polar.checking.bundle import ACTOR, RESOURCE, RULE_OF, Clause, Rules
from sealauthz.polar.checking.finding import Findings, did_you_mean
from sealauthz.polar.checking.terms import Node, in_parameter, walk
from sealauthz.polar.program import NIL, UNIONS, class_as_value, how_to_ask_for
from sealauthz.polar.syntax import (
    Assign,
    Attribute,
    BlockNode,
    Call,
    ListTerm,
    Literal,
    Place,
    Shorthand,
    Term,
    TypePattern,
    Variable,
)
from sealauthz.polar.types import Types

ARITIES = {
    "allow": 4,
    "visible": 3,
    "has_standing": 3,
    "settled": 5,
    "unmet": 5,
    "requires": 3,
    "meets": 5,
    "waived": 4,
    "because": 5,
    "otherwise": 2,
    "reason": 4,
    "obligation": 5,
    "obligation_parameter": 7,
    "parameter": 6,
    "counted": 6,
    "lapses": 5,
    "has_role": 3,
    "has_permission": 3,
    "has_relation": 3,
}
"""The rules of the contract, which the service asks for or the blocks write out, and their parameters."""


def check_names(rules: Rules, types: Types, found: Findings) -> None:
    """Find every name that nothing declares."""
    for block in rules.blocks:
        _check_block(block, rules, types, found)
    for rule_type in rules.rule_types:
        _check_arity("has", rule_type.name, len(rule_type.parameters), rules, rule_type.place, found)
        for parameter in rule_type.parameters:
            for node in in_parameter(parameter):
                _check_node(node, rules, types, found)
    for clause in rules.clauses:
        if not clause.is_written_out:
            check_names_of(clause, rules, types, found)


def check_names_of(clause: Clause, rules: Rules, types: Types, found: Findings) -> None:
    """Find every name in one rule that nothing declares."""
    rule = clause.node
    _check_arity("has", *clause.key, rules, clause.place, found)
    _check_declared(clause, rules, found)
    for parameter in rule.parameters:
        for node in in_parameter(parameter):
            _check_node(node, rules, types, found)
    if rule.body is not None:
        for node in walk(rule.body):
            _check_node(node, rules, types, found)


def _check_node(node: Node, rules: Rules, types: Types, found: Findings) -> None:
    match node:
        case TypePattern(name, fields, place):
            if _is_class(name, place, types, found) and types.is_class(name):
                for key, pattern in fields:
                    _check_field(name, key, pattern.place, types, found)
            elif fields and name in (ACTOR, RESOURCE):
                found.error("field", f"`{name}` is many classes and has no fields", place)
        case Attribute(_, name, arguments, place) if arguments is not None:
            found.error("method", f"`{name}(` would call host code: methods are not accepted", place)
        case Call(name, arguments, place):
            _check_arity("takes", name, len(arguments), rules, place, found)
        case Variable(name, place) if name in types.classes or name in UNIONS:
            found.error("class", class_as_value(name), place, how_to_ask_for(name))
        case Assign(Variable(name, place), _, _) | ListTerm(_, Variable(name, place), _) if name == NIL:
            found.error("nil", "`nil` is a constant and takes no value", place, "give the variable another name")


def _check_field(class_: str, name: str, place: Place, types: Types, found: Findings) -> None:
    known = types.attribute(class_, name)
    if known is None:
        hint = did_you_mean(name, types.attributes(class_))
        found.error("field", f"{class_} has no `{name}`, so this pattern matches nothing", place, hint)
    elif known.is_personal:
        found.error("personal", f"`{name}` of {class_} is personal: no rule reads it", place)


def _is_class(name: str, place: Place, types: Types, found: Findings) -> bool:
    if name in (ACTOR, RESOURCE):
        return False
    if name in types.classes:
        return True
    found.error(
        "class", f"there is no class `{name}`", place, did_you_mean(name, sorted({*types.classes, ACTOR, RESOURCE}))
    )
    return False


def _check_arity(verb: str, name: str, arity: int, rules: Rules, place: Place, found: Findings) -> None:
    """Check a head (`has`) or a call (`takes`) against the contract, the rule types and the clauses of that name."""
    demanded = ARITIES.get(name)
    if demanded is not None:
        if arity != demanded:
            found.error("arity", f"`{name}` {verb} {demanded} parameters, not {arity}", place)
        elif verb == "takes" and (name, arity) not in rules.by_key:
            found.error("rule", f"no rule `{name}` is defined", place)
        return
    if verb == "has" or (name, arity) in rules.by_key:
        return
    if name in rules.arities:
        known = " or ".join(str(count) for count in sorted(rules.arities[name]))
        found.error("arity", f"`{name}` takes {known} parameters, not {arity}", place)
    else:
        found.error("rule", f"no rule `{name}` is defined", place, did_you_mean(name, rules.arities))


# --- what blocks declare --------------------------------------------------------------------------------------------


def _check_block(block: BlockNode, rules: Rules, types: Types, found: Findings) -> None:
    if block.keyword not in ("actor", "resource"):
        found.error("block", f"a block is an `actor` or a `resource`, not `{block.keyword}`", block.place)
    if block.type not in types.records:
        hint = did_you_mean(block.type, sorted(types.records))
        found.error("class", f"there is no record `{block.type}`", block.place, hint)
    for _, type_, place in block.relations or ():
        if type_ not in types.records:
            found.error("class", f"there is no record `{type_}`", place, did_you_mean(type_, sorted(types.records)))
    for shorthand in block.shorthands:
        _check_shorthand(block, shorthand, rules, found)


def _check_shorthand(block: BlockNode, shorthand: Shorthand, rules: Rules, found: Findings) -> None:
    here = rules.declared[block.type]
    _declares(block.type, here.kinds, shorthand.implied, "role or permission", found)
    if shorthand.relation is None:
        _declares(block.type, here.kinds, shorthand.implier, "role, permission or relation", found)
        return
    if _declares(block.type, here.relations, shorthand.relation, "relation", found):
        target = here.relations[str(shorthand.relation.value)]
        there = rules.declared.get(target)
        _declares(target, there.kinds if there else (), shorthand.implier, "role, permission or relation", found)


def _declares(type_: str, names: Iterable[str], literal: Literal, kind: str, found: Findings) -> bool:
    names = tuple(names)
    if literal.value in names:
        return True
    code = kind.replace(" or ", ", ").split(", ")[-1] if ", " not in kind and " or " not in kind else "declared"
    found.error(
        code, f"{type_} declares no {kind} `{literal.value}`", literal.place, did_you_mean(str(literal.value), names)
    )
    return False


def _check_declared(clause: Clause, rules: Rules, found: Findings) -> None:
    """Check the literal roles, permissions and relations of heads and calls against the blocks."""
    terms = [parameter.term for parameter in clause.node.parameters]
    head_types = {
        parameter.term.name: parameter.pattern.name
        for parameter in clause.node.parameters
        if isinstance(parameter.term, Variable) and isinstance(parameter.pattern, TypePattern)
    }
    resource = clause.node.parameters[-1].pattern if clause.node.parameters else None
    _declared_name(clause.key, terms, resource.name if isinstance(resource, TypePattern) else "", rules, found)
    if clause.node.body is None:
        return
    for node in walk(clause.node.body):
        if isinstance(node, Call) and node.name in RULE_OF.values():
            last = node.arguments[-1] if node.arguments else None
            type_ = head_types.get(last.name, "") if isinstance(last, Variable) else ""
            _declared_name((node.name, len(node.arguments)), node.arguments, type_, rules, found)


def _declared_name(key: tuple[str, int], terms: Iterable[Term], type_: str, rules: Rules, found: Findings) -> None:
    kind = next((kind for kind, name in RULE_OF.items() if (name, 3) == key), None)
    literal = tuple(terms)[1] if kind else None
    if kind is None or not isinstance(literal, Literal):
        return
    if type_ in rules.declared:
        names = rules.declared[type_].of_kind(kind)
        said = f"{type_} declares no {kind}"
    elif type_ in ("", RESOURCE):
        names = tuple(name for declared in rules.declared.values() for name in declared.of_kind(kind))
        said = f"no block declares a {kind}"
    else:
        names, said = (), f"no block declares a {kind}"
    if literal.value not in names:
        found.error(kind, f"{said} `{literal.value}`", literal.place, did_you_mean(str(literal.value), names))
