"""Groups of actions: what they require together is written once, and spelled out before anything else reads it.

    group("SEALING", _: Seal, ["use", "stamp"]);                      # which actions are one act; of each type a line
    group_requires("SEALING", ["SEAL_USABLE", "FRESH_FACE"]);         # what all of them require
    exempt("SEALING", "stamp", _: Seal, "FRESH_FACE", "It is ...");   # what one of them leaves out, and why

The checker and every engine see plain `requires` in their place, one for each member and requirement that no line
exempts, with the place of the requirement in its `group_requires`. A rule that lists several words where others name
one (`listed.py`) is spelled out in the same pass.

INVARIANT: nothing that an author adds to another one's groups takes a requirement away but an `exempt`. Nobody exempts
from the floor but the floor; from other requirements of the product, it counts as dropping them (`signoffs.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from sealauthz.polar.budget import MAX_RULES, MAX_STATEMENTS
from sealauthz.polar.diagnostic import Diagnostics, did_you_mean, refusal
from sealauthz.polar.listed import LISTED, forget_lists, lists_words, mistakes_in_list, remember_list, spelled_out
from sealauthz.polar.remembered import Remembered
from sealauthz.polar.source import FLOOR_FILE
from sealauthz.polar.syntax import ListTerm, Literal, Parameter, Place, RuleNode, RuleTypeNode, Statement
from sealauthz.polar.terms import written

GROUP, GROUP_REQUIRES, EXEMPT = "group", "group_requires", "exempt"
REQUIRES = "requires"

FORMS = {
    GROUP: 'group("NAME", _: Type, ["action", …]);',
    GROUP_REQUIRES: 'group_requires("NAME", ["REQUIREMENT", …]);',
    EXEMPT: 'exempt("NAME", "action", _: Type, "REQUIREMENT", "why");',
}
"""How the facts about groups are written: nothing else may have their names."""

_ARITIES = {GROUP: 3, GROUP_REQUIRES: 2, EXEMPT: 5}
_CODE = "group"

Need = tuple[str, str, str]
"""A requirement of an action on a type: (requirement, action, type)."""

Member = tuple[str, str]
"""An action and its type."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """A requirement of a group that one of its members leaves out, and why."""

    group: str
    action: str
    type: str
    requirement: str
    reason: str
    place: Place

    def __str__(self) -> str:
        return f"`{self.action}` on {self.type} from `{self.requirement}` of the group {self.group}"

    @property
    def need(self) -> Need:
        """What is left out."""
        return self.requirement, self.action, self.type


@dataclass(frozen=True, slots=True)
class Group:
    """Actions that are one act, and what they require together, each with the place that says so first."""

    name: str
    members: dict[Member, Place] = field(default_factory=dict)
    requirements: dict[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a bundle by name, what they exempt from, and by which groups each need is given."""

    by_name: Mapping[str, Group] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()
    given: Mapping[Need, tuple[str, ...]] = field(default_factory=dict)

    def exemption_of(self, need: Need) -> Exemption | None:
        """The first exemption that leaves a need out."""
        return next((each for each in self.exemptions if each.need == need), None)


NO_GROUPS = Groups()


@dataclass(frozen=True, slots=True)
class Expansion:
    """A policy with its groups spelled out; `instead` has what each statement became, in their order."""

    instead: tuple[tuple[Statement, tuple[Statement, ...]], ...]
    groups: Groups

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements that stand in the place of those that were read."""
        return tuple(made for _, became in self.instead for made in became)


NOT_EXPANDED = Expansion((), NO_GROUPS)


def expand(statements: Iterable[Statement], diagnostics: Diagnostics) -> Expansion:
    """Spell the groups of a whole bundle out, and note what is wrong with them. What has an error is left out, so that
    a policy with errors must not be served.
    """
    if not isinstance(statements, tuple):
        statements = tuple(islice(statements, MAX_STATEMENTS + 1))
    if len(statements) > MAX_STATEMENTS:
        diagnostics.error(
            "too-much", f"a bundle has at most {MAX_STATEMENTS:,} rules", statements[MAX_STATEMENTS].place
        )
        return NOT_EXPANDED
    for plain in tuple(_plain):
        if plain[0] is statements:
            return plain[1]
    if any(map(is_shorthand, statements)):
        return _Expander(statements, diagnostics).expansion()
    found = Expansion(tuple([(statement, (statement,)) for statement in statements]), NO_GROUPS)
    _plain.append((statements, found))
    return found


_plain: deque[tuple[tuple[Statement, ...], Expansion]] = deque(maxlen=3)
"""The last statements in which nothing stood for others: each stage of a load asks for them to be spelled out."""


def expanded(statements: Iterable[Statement]) -> Expansion:
    """Spell the groups of a whole bundle out. Raises BundleRefused for the first thing that is wrong with them."""
    diagnostics = Diagnostics()
    found = expand(statements, diagnostics)
    for some in diagnostics.noted():
        raise refusal(some.message, some.place)
    return found


def is_shorthand(statement: Statement) -> bool:
    """Whether a statement stands for others, or has the name of one that does."""
    if isinstance(statement, RuleNode):
        return statement.name in FORMS or lists_words(statement)
    return isinstance(statement, RuleTypeNode) and statement.name in FORMS


def may_list(statement: Statement, position: int) -> bool:
    """Whether a parameter of a statement may be a list, which is spelled out."""
    if not isinstance(statement, RuleNode):
        return False
    return statement.name in FORMS or (position == LISTED.get(statement.name) and lists_words(statement))


def is_of_group(rule: RuleNode) -> bool:
    """Whether a `requires` was spelled out of a group's."""
    return rule.name == REQUIRES and rule.place == rule.parameters[-1].place


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """One `group_requires`: the name of its group, and its requirements."""

    rule: RuleNode
    group: str
    requirements: tuple[Literal, ...]


class _Expander:
    """Reads the facts about groups, then writes what they stand for."""

    def __init__(self, statements: tuple[Statement, ...], diagnostics: Diagnostics) -> None:
        self._statements = statements
        self._diagnostics = diagnostics
        self._groups: dict[str, Group] = {}
        self._members: dict[str, dict[Member, tuple[Literal, Parameter]]] = {}
        self._lines: dict[int, _Line] = {}
        self._exempt: dict[tuple[str, Need], Exemption] = {}
        self._own: dict[Need, RuleNode] = {}

    def expansion(self) -> Expansion:
        """Everything that is spelled out."""
        facts: dict[str, list[RuleNode]] = {name: [] for name in FORMS}
        for statement in self._statements:
            if isinstance(statement, RuleTypeNode) and statement.name in FORMS:
                self._error(f"`{statement.name}` is a fact of a group and has no type", statement.place, statement.name)
            elif isinstance(statement, RuleNode) and statement.name in FORMS:
                if self._is_fact(statement):
                    facts[statement.name].append(statement)
            elif isinstance(statement, RuleNode) and statement.name == REQUIRES:
                need = _need(statement)
                if need is not None:
                    self._own.setdefault(need, statement)
        for rule in facts[GROUP]:
            self._read_group(rule)
        for rule in facts[GROUP_REQUIRES]:
            self._read_requirements(rule)
        for rule in facts[EXEMPT]:
            self._read_exemption(rule)
        self._check_empty()
        if not self._is_bounded():
            return NOT_EXPANDED
        return self._written()

    def _is_bounded(self) -> bool:
        """Whether groups spell out no more rules than a bundle may have; an error at the line that exceeds it."""
        count = 0
        for line in self._lines.values():
            count += len(line.requirements) * len(self._members.get(line.group, ()))
            if count > MAX_RULES:
                message = f"groups spell out at most {MAX_RULES} requirements: name fewer actions or requirements"
                self._diagnostics.error("too-much", message, line.rule.place)
                return False
        return True

    def _error(self, message: str, place: Place, form: str = "", hint: str = "") -> None:
        self._diagnostics.error(_CODE, message, place, hint or (f"write `{FORMS[form]}`" if form else ""))

    def _is_fact(self, rule: RuleNode) -> bool:
        """Whether a rule is a fact with as many parameters as it must have."""
        count, arity = len(rule.parameters), _ARITIES[rule.name]
        if count != arity:
            self._error(f"`{rule.name}` has {arity} parameters, not {count}", rule.place, rule.name)
        elif rule.body is not None:
            self._error(f"`{rule.name}` is a fact and has no `if`", rule.place, rule.name)
        return count == arity and rule.body is None

    def _text(self, rule: RuleNode, at: int, what: str) -> Literal | None:
        """The text at a parameter; None, and an error, where it is something else or empty."""
        parameter = rule.parameters[at]
        if parameter.literal is None or not parameter.literal.strip() or not isinstance(parameter.term, Literal):
            message = f"the {what} of `{rule.name}` is a text, not `{written(parameter.term)}`"
            if parameter.literal is not None:
                message = f"the {what} of `{rule.name}` is empty"
            self._error(message, parameter.place, rule.name)
            return None
        return parameter.term

    def _texts(self, rule: RuleNode, at: int, what: str) -> tuple[Literal, ...]:
        """The texts of the list at a parameter; none of them, and an error, where it is something else."""
        parameter = rule.parameters[at]
        term = parameter.term
        if not isinstance(term, ListTerm) or term.rest is not None or not term.items or parameter.pattern is not None:
            self._error(f"the {what} of `{rule.name}` are a list of texts", parameter.place, rule.name)
            return ()
        found: dict[str, Literal] = {}
        for item in term.items:
            if not isinstance(item, Literal) or not isinstance(item.value, str) or not item.value:
                message = f"the {what} of `{rule.name}` are a list of texts, and `{written(item)}` is none"
                self._error(message, item.place, rule.name)
                return ()
            if item.value in found:
                self._error(f"`{item.value}` stands twice in this list", item.place, hint="leave one out")
            found.setdefault(item.value, item)
        return tuple(found.values())

    def _type(self, rule: RuleNode, at: int) -> str | None:
        """The type at a parameter; None, and an error, where it names none."""
        parameter = rule.parameters[at]
        if parameter.type is None or parameter.variable is None:
            self._error(f"the resource of `{rule.name}` names its type, as in `_: Seal`", parameter.place, rule.name)
            return None
        return parameter.type

    def _read_group(self, rule: RuleNode) -> None:
        name, type_, actions = self._text(rule, 0, "name"), self._type(rule, 1), self._texts(rule, 2, "actions")
        if name is None or type_ is None:
            return
        called = str(name.value)
        group = self._groups.setdefault(called, Group(called))
        members = self._members.setdefault(called, {})
        home = next((place.file for place in group.members.values()), rule.place.file)
        if FLOOR_FILE in (home, rule.place.file) and home != rule.place.file:
            other = home if home != FLOOR_FILE else rule.place.file
            message = f"`{called}` is a group of the floor: only {FLOOR_FILE} says what belongs to it"
            self._diagnostics.error("floor", message, name.place, f"give the group in {other} another name")
            return
        for action in actions:
            member = str(action.value), type_
            group.members.setdefault(member, action.place)
            members.setdefault(member, (action, rule.parameters[1]))

    def _group(self, name: Literal) -> Group | None:
        """The group of a name; None, and an error, where there is none."""
        group = self._groups.get(str(name.value))
        if group is None:
            hint = did_you_mean(str(name.value), self._groups)
            self._error(f"there is no group `{name.value}`", name.place, "" if hint else GROUP, hint)
        return group

    def _read_requirements(self, rule: RuleNode) -> None:
        name, requirements = self._text(rule, 0, "name"), self._texts(rule, 1, "requirements")
        group = None if name is None else self._group(name)
        if group is None:
            return
        self._lines[id(rule)] = _Line(rule, group.name, requirements)
        for requirement in requirements:
            group.requirements.setdefault(str(requirement.value), requirement.place)

    def _read_exemption(self, rule: RuleNode) -> None:
        name, action, type_ = self._text(rule, 0, "name"), self._text(rule, 1, "action"), self._type(rule, 2)
        requirement, reason = self._text(rule, 3, "requirement"), self._text(rule, 4, "reason")
        group = None if name is None else self._group(name)
        if group is None or action is None or type_ is None or requirement is None or reason is None:
            return
        named, required = str(action.value), str(requirement.value)
        if (named, type_) not in group.members:
            known = [action for action, other in group.members if other == type_]
            message = f"`{named}` on {type_} is no action of the group {group.name}"
            self._error(message, action.place, hint=did_you_mean(named, known))
            return
        if required not in group.requirements:
            hint = did_you_mean(required, group.requirements)
            message = f"the group {group.name} requires no `{required}` that `{named}` on {type_} could leave out"
            self._error(message, requirement.place, hint=hint)
            return
        files = {
            line.rule.place.file
            for line in self._lines.values()
            if line.group == group.name and any(each.value == required for each in line.requirements)
        }
        if FLOOR_FILE in files and rule.place.file != FLOOR_FILE:
            message = f"`{required}` of `{named}` on {type_} belongs to the floor: only {FLOOR_FILE} exempts from it"
            self._diagnostics.error("floor", message, rule.place)
            return
        need = required, named, type_
        if (group.name, need) in self._exempt:
            self._error(f"the group {group.name} exempts `{named}` on {type_} from `{required}` already", rule.place)
            return
        own = self._own.get(need)
        if own is not None and own.place.file == rule.place.file:
            message = f"this exempts `{named}` on {type_} from `{required}`, which {own.place} requires of it"
            self._error(message, rule.place, hint="leave one of the two out")
            return
        said = str(reason.value).strip()
        self._exempt[group.name, need] = Exemption(group.name, named, type_, required, said, rule.place)

    def _check_empty(self) -> None:
        for group in self._groups.values():
            if group.members and not group.requirements:
                place = next(iter(group.members.values()))
                self._error(f"the group {group.name} requires nothing", place, GROUP_REQUIRES)

    # Writing.

    def _given(self) -> dict[Need, tuple[str, ...]]:
        """The needs that groups give, each with their names."""
        given: dict[Need, tuple[str, ...]] = {}
        for group in self._groups.values():
            for requirement in group.requirements:
                for member in group.members:
                    need = (requirement, *member)
                    if (group.name, need) not in self._exempt:
                        given[need] = (*given.get(need, ()), group.name)
        return given

    def _needs_of(self, line: _Line) -> Iterator[tuple[Need, RuleNode]]:
        """What a line spells out, whether or not it stands elsewhere too."""
        for requirement in line.requirements:
            for member, (action, resource) in self._members.get(line.group, {}).items():
                need = (str(requirement.value), *member)
                if (line.group, need) not in self._exempt:
                    yield need, _requires(action, resource, requirement, line.rule.tags)

    def _written(self) -> Expansion:
        # A need counts once: as the floor says it, else as a line of its own says it, else as the first group does.
        ours: dict[Need, RuleNode] = {}
        lines = sorted(self._lines.values(), key=lambda line: line.rule.place.file != FLOOR_FILE)
        for line in lines:
            for need, made in self._needs_of(line):
                own = self._own.get(need)
                if own is None or (made.place.file == FLOOR_FILE and own.place.file != FLOOR_FILE):
                    ours.setdefault(need, made)
        instead: list[tuple[Statement, tuple[Statement, ...]]] = []
        for statement in self._statements:
            became: tuple[Statement, ...] = (statement,)
            if not isinstance(statement, RuleNode):
                became = () if is_shorthand(statement) else became
            elif id(statement) in self._lines:
                needs = self._needs_of(self._lines[id(statement)])
                became = tuple(made for need, made in needs if ours.get(need) == made)
            elif statement.name in FORMS:
                became = ()
            elif lists_words(statement):
                became = self._listed(statement)
            elif statement.name == REQUIRES and self._own.get(_need(statement) or ("", "", "")) is statement:
                became = () if _need(statement) in ours else became
            instead.append((statement, became))
        return Expansion(tuple(instead), Groups(self._groups, tuple(self._exempt.values()), self._given()))

    def _listed(self, rule: RuleNode) -> tuple[RuleNode, ...]:
        for message, place, hint in mistakes_in_list(rule):
            self._error(message, place, hint=hint)
            return ()
        return spelled_out(rule)


def _need(rule: RuleNode) -> Need | None:
    """What a `requires` requires; None where it does not say so with literals."""
    if len(rule.parameters) != len(("action", "resource", "requirement")):
        return None
    action, resource, requirement = rule.parameters
    if not action.literal or not requirement.literal or resource.type is None:
        return None
    return requirement.literal, action.literal, resource.type


# What is spelled out of the same words at the same places is the same object: a reload finds what it kept of it.


_Spelled = tuple[Literal, Parameter, Literal, tuple[str, ...]]

_required: Remembered[_Spelled, RuleNode] = Remembered(20_000)


def _requires(action: Literal, resource: Parameter, requirement: Literal, tags: tuple[str, ...]) -> RuleNode:
    said = action, resource, requirement, tags
    found = _required.get(said)
    if found is None:
        named = Parameter(action, None, action.place)
        required = Parameter(requirement, None, requirement.place)
        rule = RuleNode(REQUIRES, (named, resource, required), None, tags, requirement.place)
        found = _required.put(said, rule)
    return found


def forget_spelled_out() -> None:
    """Let the next policy be spelled out from nothing, for measurements."""
    _plain.clear()
    _required.clear()
    forget_lists()


def remember(expansion: Expansion) -> None:
    """Take what the statements of a policy became from who has spelled them out."""
    for statement, became in expansion.instead:
        if not isinstance(statement, RuleNode) or became == (statement,):
            continue
        if lists_words(statement):
            remember_list(statement, tuple(each for each in became if isinstance(each, RuleNode)))
            continue
        for rule in became:
            if isinstance(rule, RuleNode) and rule.name == REQUIRES:
                action, resource, requirement = rule.parameters
                if isinstance(action.term, Literal) and isinstance(requirement.term, Literal):
                    _required.put((action.term, resource, requirement.term, rule.tags), rule)
