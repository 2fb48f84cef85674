"""Names that a bundle uses and nothing declares: classes, rules, fields, roles, permissions, relations, and arities."""

from __future__ import annotations

from collections.abc import Iterable

from sealauthz.polar.blocks import ACTOR, RESOURCE, RULE_OF, UNIONS, undeclared
from sealauthz.polar.check.rules import Clause, Rules
from sealauthz.polar.contract import ARITIES, Rulebook
from sealauthz.polar.diagnostic import Diagnostics, did_you_mean
from sealauthz.polar.program import NIL, class_as_value, how_to_ask_for
from sealauthz.polar.source import CONTRACT_FILE
from sealauthz.polar.syntax import (
    Assign,
    Attribute,
    BlockNode,
    Call,
    ListTerm,
    Literal,
    Place,
    Term,
    TypePattern,
    Variable,
)
from sealauthz.polar.terms import Node, in_parameter, walk, written
from sealauthz.polar.types import TypeTable


def check_names(rules: Rules, types: TypeTable, found: Diagnostics) -> None:
    """Find every name that nothing declares."""
    for block in rules.blocks:
        _check_block(block, rules, types, found)
    for rule_type in rules.rule_types:
        demanded, count = ARITIES.get(rule_type.name), len(rule_type.parameters)
        if demanded not in (None, count):
            found.error("arity", f"`{rule_type.name}` has {demanded} parameters, not {count}", rule_type.place)
        for parameter in rule_type.parameters:
            for node in in_parameter(parameter):
                _check_node(node, rules, types, found)
    for clause in rules.clauses:
        if not clause.is_written_out:
            check_names_of(clause, rules, types, found)


def check_names_of(clause: Clause, rules: Rules, types: TypeTable, found: Diagnostics) -> None:
    """Find every name in one rule that nothing declares."""
    rule = clause.node
    _check_declared(clause, rules, found)
    for parameter in rule.parameters:
        for node in in_parameter(parameter):
            _check_node(node, rules, types, found)
    if rule.body is not None:
        for node in walk(rule.body):
            _check_node(node, rules, types, found)


def _check_node(node: Node, rules: Rules, types: TypeTable, found: Diagnostics) -> None:
    # The commonest first: a `match` that comes to its end takes most of the time.
    kind = type(node)
    if kind is Literal or (kind is Attribute and node.arguments is None):  # type: ignore[union-attr]
        return
    match node:
        case Variable(name, place):
            if name in types.classes or name in UNIONS:
                found.error("class", class_as_value(name), place, how_to_ask_for(name))
        case TypePattern(name, fields, place):
            if _is_class(name, place, types, found) and types.is_class(name):
                for key, pattern in fields:
                    _check_field(name, key, pattern.place, types, found)
            elif fields and name in (ACTOR, RESOURCE):
                found.error("field", f"`{name}` is many classes and has no fields", place)
        case Attribute(_, name, arguments, place) if arguments is not None:
            found.error("method", f"`{name}(` would call host code: methods are not accepted", place)
        case Call(name, arguments, place):
            _check_call(name, len(arguments), rules, place, found)
            if (name, len(arguments)) in rules.by_key and name not in RULE_OF.values():
                _check_words(name, arguments, rules, found)
        case Assign(Variable(name, place), _, _) | ListTerm(_, Variable(name, place), _) if name == NIL:
            found.error("nil", "`nil` is a constant and takes no value", place, "give the variable another name")


def _check_field(class_: str, name: str, place: Place, types: TypeTable, found: Diagnostics) -> None:
    known = types.attribute(class_, name)
    if known is None:
        hint = did_you_mean(name, types.attributes(class_))
        found.error("field", f"{class_} has no `{name}`, so this pattern matches nothing", place, hint)
    elif known.is_personal:
        found.error("personal", f"`{name}` of {class_} is personal: no rule reads it", place)


def _is_class(name: str, place: Place, types: TypeTable, found: Diagnostics) -> bool:
    if name in (ACTOR, RESOURCE):
        return False
    if name in types.classes:
        return True
    found.error(
        "class", f"there is no class `{name}`", place, did_you_mean(name, sorted({*types.classes, ACTOR, RESOURCE}))
    )
    return False


def _check_call(name: str, arity: int, rules: Rules, place: Place, found: Diagnostics) -> None:
    """Check a call against the contract and the rules of that name."""
    demanded = ARITIES.get(name)
    if demanded is not None:
        if arity != demanded:
            found.error("arity", f"`{name}` takes {demanded} parameters, not {arity}", place)
        elif (name, arity) not in rules.by_key:
            found.error("rule", f"no rule `{name}` is defined", place)
        return
    if (name, arity) in rules.by_key:
        return
    if name in rules.arities:
        known = " or ".join(str(count) for count in sorted(rules.arities[name]))
        found.error("arity", f"`{name}` takes {known} parameters, not {arity}", place)
    else:
        found.error("rule", f"no rule `{name}` is defined", place, did_you_mean(name, rules.arities))


def _check_words(name: str, arguments: tuple[Term, ...], rules: Rules, found: Diagnostics) -> None:
    """Check the texts and numbers that a call hands to a rule whose clauses all demand one there."""
    for at, argument in enumerate(arguments):
        if isinstance(argument, Literal):
            words = rules.words_at((name, len(arguments)), at)
            if words and argument.value not in words:
                message = f"no rule `{name}` takes {written(argument)} there"
                found.error("word", message, argument.place, did_you_mean(str(argument.value), words))


# --- what blocks declare --------------------------------------------------------------------------------------------


def _check_block(block: BlockNode, rules: Rules, types: TypeTable, found: Diagnostics) -> None:
    if block.keyword not in ("actor", "resource"):
        found.error("block", f"a block is an `actor` or a `resource`, not `{block.keyword}`", block.place)
    if block.type not in types.records:
        hint = did_you_mean(block.type, sorted(types.records))
        found.error("class", f"there is no record `{block.type}`", block.place, hint)
    for _, type_, place in block.relations or ():
        if type_ not in types.records:
            found.error("class", f"there is no record `{type_}`", place, did_you_mean(type_, sorted(types.records)))
    for shorthand in block.shorthands:
        for some in undeclared(block, shorthand, rules.declared):
            code = "relation" if some.kind == "relation" else "declared"
            found.error(code, str(some), some.name.place, did_you_mean(str(some.name.value), some.known))


def _check_declared(clause: Clause, rules: Rules, found: Diagnostics) -> None:
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


def _declared_name(key: tuple[str, int], terms: Iterable[Term], type_: str, rules: Rules, found: Diagnostics) -> None:
    kind = next((kind for kind, name in RULE_OF.items() if (name, 3) == key), None)
    literal = tuple(terms)[1] if kind else None
    if kind is None or not isinstance(literal, Literal):
        return
    if type_ in rules.declared:
        names = rules.declared[type_].of_kind(kind)
        message = f"{type_} declares no {kind}"
    elif type_ in ("", RESOURCE):
        names = tuple(name for declared in rules.declared.values() for name in declared.of_kind(kind))
        message = f"no block declares a {kind}"
    else:
        names, message = (), f"no block declares a {kind}"
    if literal.value not in names:
        found.error(kind, f"{message} `{literal.value}`", literal.place, did_you_mean(str(literal.value), names))


# --- what the contract names ----------------------------------------------------------------------------------------

ASKED = ("allow", "settled", "visible", "has_standing", "has_permission")
"""The rules that the service asks of every bundle."""

_ACTION_AT = {
    "meets": (2, 3),
    "waived": (1, 2),
    "obligation": (1, 2),
    "obligation_parameter": (4, 5),
    "lapses": (1, 3),
    "audited": (0, 1),
}


def check_contract_names(book: Rulebook, rules: Rules, types: TypeTable, found: Diagnostics) -> None:
    """Check that every rule that the service asks for is defined, and that actions, types and steps are declared.

    Every action that a rule names has a checklist, and every action with a checklist is a permission of its type.
    """
    missing = [f"`{name}`" for name in ASKED if (name, ARITIES[name]) not in rules.by_key]
    if missing:
        message = f"no rule {' or '.join(missing)} is defined, which the service asks for"
        found.error("rule", message, Place(CONTRACT_FILE, 1, 1))
    for name, (action_at, type_at) in {"requires": (0, 1), **_ACTION_AT}.items():
        for clause in rules.by_key.get((name, ARITIES[name]), ()):
            about = clause.node.parameters[type_at]
            if name != "lapses" and about.type in types.classes and about.type not in types.records:
                place = about.pattern.place if about.pattern is not None else about.place
                found.error("class", f"`{about.type}` has actions but is no record", place)
            if name != "requires":
                _check_action(clause, action_at, type_at, book, found)
    for action, type_ in book.requirements:
        declared = rules.declared.get(type_)
        permissions = declared.of_kind("permission") if declared else ()
        if permissions and action not in permissions:
            rule = next(rule for (_, *about), rule in book.requires.items() if about == [action, type_])
            message = f"{type_} declares no permission `{action}`, so that nobody can be allowed"
            found.error("permission", message, rule.parameters[0].place, did_you_mean(action, permissions))
    steps = {step for entry in book.reasons.values() for step in entry.next_steps}
    for clause in (*rules.named("parameter"), *rules.named("counted"), *rules.named("leads_nowhere")):
        step = clause.literals.get(0)
        if isinstance(step, str) and step not in steps:
            message = f"no reason has the next step `{step}`"
            found.error("next-step", message, clause.node.parameters[0].place, did_you_mean(step, steps))


def _check_action(clause: Clause, action_at: int, type_at: int, book: Rulebook, found: Diagnostics) -> None:
    action, type_ = clause.literals.get(action_at), clause.node.parameters[type_at].type
    actions = book.requirements
    if action is None or (action, type_) in actions or (type_ is None and any(a == action for a, _ in actions)):
        return
    known = [a for a, t in actions if type_ in (None, t)]
    message = f"no checklist has the action `{action}`" + (f" on {type_}" if type_ else "")
    found.error("action", message, clause.node.parameters[action_at].place, did_you_mean(str(action), known))


def check_unused_reasons(book: Rulebook, product_reasons: Iterable[str], found: Diagnostics) -> None:
    """Warn of reasons that nothing gives."""
    explaining = [rule for name in ("otherwise", "because") for rule in book.rules.get(name, ())]
    given = {*product_reasons, *(rule.parameters[1].literal for rule in explaining if len(rule.parameters) > 1)}
    seen: set[str] = set()
    for rule in book.rules.get("reason", ()):
        code = rule.parameters[0].literal if rule.parameters else None
        if code and code not in given and code not in seen:
            seen.add(code)
            found.warning("unused", f"nothing gives the reason `{code}`", rule.place)
