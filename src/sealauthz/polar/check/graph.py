"""Which rules call which: rules that nothing calls or that deny themselves, and what stands twice or alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sealauthz.polar.check.rules import Clause, Key, Rules
from sealauthz.polar.contract import ARITIES
from sealauthz.polar.diagnostic import Diagnostics, did_you_mean
from sealauthz.polar.source import TIMES_FILE
from sealauthz.polar.syntax import (
    And,
    Literal,
    Or,
    Parameter,
    Place,
    TypePattern,
    Variable,
)
from sealauthz.polar.terms import in_parameter, shape, walk


def check_graph(rules: Rules, found: Diagnostics) -> None:
    """Find what can be seen of all rules without knowing any type."""
    check_calls(rules, found)
    _check_twice(rules, found)
    _check_spread(rules, found)


def check_shapes(clauses: Iterable[Clause], texts: Mapping[str, str], found: Diagnostics) -> None:
    """Find what can be seen of each clause without knowing any type. `texts` are the files by name, as far as they are
    at hand.
    """
    lines = {file: text.splitlines() for file, text in texts.items()}
    for clause in clauses:
        check_singletons(clause, found)
        _check_mixed(clause, lines, found)


def check_calls(rules: Rules, found: Diagnostics) -> None:
    """Find what is wrong with which rules call which: all errors that `check_graph` can find."""
    calls = {key: [call for clause in clauses for call in clause.calls] for key, clauses in rules.by_key.items()}
    _check_negation(calls, found)
    _check_unused(rules, calls, found)


# --- calls ----------------------------------------------------------------------------------------------------------

_HINTS_AT_MOST = 100
"""Rules that nothing calls for which a name is suggested: to find it, all names are compared."""

_Call = tuple[Key, bool, Place]
"""A rule that is called, whether under a negation, and where."""


def _reached(calls: Mapping[Key, list[_Call]], start: Iterable[Key]) -> set[Key]:
    waiting, reached = list(start), set[Key]()
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting.extend(called for called, _, _ in calls.get(key, ()))
    return reached


def _check_negation(calls: Mapping[Key, list[_Call]], found: Diagnostics) -> None:
    group = _groups(calls)
    for key, called in calls.items():
        for target, is_negated, place in called:
            if is_negated and group[key] == group.get(target):
                message = f"`{key[0]}` would depend on its own negation: `{target[0]}` under `not` leads back to it"
                found.error("negative-recursion", message, place)


def _groups(calls: Mapping[Key, list[_Call]]) -> dict[Key, int]:
    """Return for each rule a number that it shares with those that it reaches and that lead back to it.

    Source: R. Tarjan, Depth-First Search and Linear Graph Algorithms, 1972.
    """
    numbers: dict[Key, int] = {}
    least: dict[Key, int] = {}
    group: dict[Key, int] = {}
    open_: list[Key] = []
    for start in calls:
        path = [(start, iter(calls[start]))] if start not in numbers else []
        while path:
            key, rest = path[-1]
            if key not in numbers:
                numbers[key] = least[key] = len(numbers)
                open_.append(key)
            for target, _, _ in rest:
                if target not in numbers:
                    path.append((target, iter(calls.get(target, ()))))
                    break
                if target not in group:
                    least[key] = min(least[key], numbers[target])
            else:
                path.pop()
                if path:
                    caller = path[-1][0]
                    least[caller] = min(least[caller], least[key])
                if least[key] == numbers[key]:
                    while key not in group:
                        group[open_.pop()] = numbers[key]
    return group


def _check_unused(rules: Rules, calls: Mapping[Key, list[_Call]], found: Diagnostics) -> None:
    entries = [key for key in rules.by_key if key in ARITIES.items()]
    reached = _reached(calls, entries)
    unused = 0
    arities: dict[str, set[int]] = {}
    for called in calls.values():
        for (target, count), _, _ in called:
            arities.setdefault(target, set()).add(count)
    for key, clauses in rules.by_key.items():
        name, arity = key
        if key in reached or name in ARITIES:
            continue
        if name in arities and arity not in arities[name]:
            others = " or ".join(map(str, sorted(arities[name])))
            message = f"`{name}` is called with {others} parameters, never with {arity}"
            found.error("arity", message, clauses[0].place)
            continue
        asked = [rule for rule, count in ARITIES.items() if count == arity]
        hint = did_you_mean(name, asked, cutoff=0.75)
        if hint:
            # A slip in the name of `lapses` or `visible` would be a rule that quietly counts for nothing.
            found.error("rule", f"nothing calls `{name}`", clauses[0].place, hint)
        elif clauses[0].place.file != TIMES_FILE:
            unused += 1
            near = sorted(name for name, count in reached if count == arity) if unused <= _HINTS_AT_MOST else []
            hint = did_you_mean(name, near, cutoff=0.85)
            found.warning("unused", f"nothing calls `{name}`", clauses[0].place, hint)


# --- clauses by themselves ------------------------------------------------------------------------------------------


def _check_twice(rules: Rules, found: Diagnostics) -> None:
    alike: dict[object, list[Clause]] = {}
    for clause in rules.clauses:
        if clause.key[0] not in ("requires", "otherwise"):  # for these it is an error of the contract
            glance = (clause.key, *clause.literals.values(), *sorted(clause.counts.values()))
            alike.setdefault(glance, []).append(clause)
    for clauses in alike.values():
        seen: dict[object, Clause] = {}
        for clause in clauses if len(clauses) > 1 else ():
            first = seen.setdefault(_says(clause), clause)
            if first is not clause:
                found.warning("unreachable", f"the same rule stands at {first.place} already", clause.place)


def _says(clause: Clause) -> object:
    if clause.said is None:
        names: dict[str, int] = {}
        clause.said = shape(clause.node.parameters, names), shape(clause.node.body, names)
    return clause.said


def _check_spread(rules: Rules, found: Diagnostics) -> None:
    """Warn of a helper that two files define for the same arguments: one author need not know of the other's rule."""
    refused = set(found.errors())
    for key, clauses in rules.by_key.items():
        name = key[0]
        if name in ARITIES or len({clause.place.file for clause in clauses}) == 1:
            continue
        order = {id(clause): at for at, clause in enumerate(clauses)}
        warned: set[str] = set()
        for at, clause in enumerate(clauses):
            file = clause.place.file
            if file in warned or clause.place in refused:
                continue
            words = {position: frozenset([word]) for position, word in clause.literals.items()}
            others = [
                order[id(o)] for o in rules.candidates(key, words) if o.place.file != file and _may_meet(clause, o)
            ]
            if others and min(others) < at:
                warned.add(file)
                first = clauses[min(others)].place
                message = f"`{name}` has a rule at {first} for the same arguments: the two add up"
                found.warning("spread", message, clause.place)


def _may_meet(clause: Clause, other: Clause) -> bool:
    """Whether two heads can fit the same arguments, as far as their words and the names of types tell."""
    return all(map(_may_be_alike, clause.node.parameters, other.node.parameters))


def _may_be_alike(parameter: Parameter, other: Parameter) -> bool:
    if isinstance(parameter.term, Literal) and isinstance(other.term, Literal):
        return parameter.term.value == other.term.value
    if isinstance(parameter.pattern, TypePattern) and isinstance(other.pattern, TypePattern):
        return parameter.pattern.name == other.pattern.name
    return True


def check_singletons(clause: Clause, found: Diagnostics) -> None:
    """Warn of the variables of a rule that stand once only."""
    if 1 not in clause.counts.values():
        return
    single = {name for name, count in clause.counts.items() if count == 1 and not name.startswith("_")} - {"nil"}
    nodes = [node for parameter in clause.node.parameters for node in in_parameter(parameter)]
    if clause.node.body is not None:
        nodes.extend(walk(clause.node.body))
    # The name of a class is an error where a value stands, and no variable.
    wrong = {*found.errors()}
    for node in nodes:
        if isinstance(node, Variable) and node.name in single and node.place not in wrong:
            found.warning("singleton", f"`{node.name}` stands once only; `_` says that it does not matter", node.place)


def _check_mixed(clause: Clause, lines: Mapping[str, list[str]], found: Diagnostics) -> None:
    if clause.node.body is None:
        return
    for node in walk(clause.node.body):
        if not isinstance(node, Or):
            continue
        for index, part in enumerate(node.parts):
            if isinstance(part, And) and not _is_bracketed(node, index, part, lines):
                message = "`and` binds before `or`: brackets would say so"
                found.warning("mixed", message, part.place)


def _is_bracketed(either: Or, index: int, both: And, lines: Mapping[str, list[str]]) -> bool:
    """Whether an `and` inside an `or` stands in brackets of its own.

    A place is that of the first character, brackets of the first part included but not those round the whole. So the
    first part tells by itself; for the others the text must be at hand.
    """
    if index == 0:
        return either.place != both.place
    text = lines.get(both.place.file)
    if text is None:
        return True
    before = text[both.place.line - 1][: both.place.column - 1]
    line = both.place.line - 1
    while not before.split("#")[0].strip() and line > 0:
        line -= 1
        before = text[line]
    return before.split("#")[0].rstrip().endswith("(")
