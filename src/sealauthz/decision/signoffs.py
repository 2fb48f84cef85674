"""What a bundle does otherwise than the product, which somebody signs off under `accepts` in `bundle.toml`.

Rules of one name are alternatives, and under `not` or `forall` one more rule may allow more. So nobody guesses what a
difference does: each rule of a product predicate that a folder adds, changes or lacks needs a line that names its
digest, who agreed and why; a number outside of its range needs one as well. It does not matter whether the folder
extends the installed bundle, replaces files of it or is a whole copy.

    [accepts]
    "parameters.face_for_use" = "Security, 2026-03-01: shared terminals in the workshop"
    "adds waived/4 0f3c…" = "Wang Min, 2026-03-01: test enterprise without real seals"

INVARIANT: what needs no line cannot be asked of what the product decides: rules whose heads name a requirement, action,
record, reason or step that the product does not have, rules of other names, and `requires`, `lapses` and `audited`, of
which one more allows less; but not what a rule of the product calls. The rules of the folder's own that a signed rule
calls are part of its digest.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from sealauthz.decision.folder import (
    BUNDLE_FILE,
    PARAMETERS_FILE,
    Layout,
    line_of_number,
    product_expansion,
    read_product_sources,
    read_texts,
)
from sealauthz.decision.product_reasons import PRODUCT_REASONS
from sealauthz.decision.texts import SILENT, TEXTS_FILE, Texts, placeholders_of
from sealauthz.polar import CONTRACT_FILE, RuleNode, Source
from sealauthz.polar.blocks import UNIONS, declared_by, written_out
from sealauthz.polar.contract import ARITIES
from sealauthz.polar.diagnostic import Diagnostic, Severity
from sealauthz.polar.groups import Expansion
from sealauthz.polar.program import NIL, Key
from sealauthz.polar.rule_digest import called_by, digest_of, digest_of_text, form_of, key_of
from sealauthz.polar.syntax import Attribute, BlockNode, Call, Literal, Place, RuleTypeNode
from sealauthz.polar.terms import nodes_of
from sealauthz.polar.unparse import written_statement
from sealauthz.runtime.errors import did_you_mean
from sealauthz.schema import Extension
from sealauthz.schema.extension import Declaration, to_json
from sealauthz.schema.parameters import ranges_of, written

SIGNOFF = "signoff"
"""The code of a diagnostic about what is not signed off, and about signatures that sign nothing."""

_PARAMETERS = "parameters."
_ADDS, _LACKS = "adds", "lacks"

_NEEDS = {"meets": (1, 2, 3), "waived": (0, 1, 2)}
_ACTIONS = {"has_permission": (1, 2), "obligation": (1, 2), "obligation_parameter": (4, 5), "audited": (0, 1)}
_WORDS = {"otherwise": 0, "because": 0, "reason": 0, "parameter": 0, "counted": 0, "leads_nowhere": 0}
_RESOURCES = {"visible": 1, "has_standing": 1}
"""By the name of a rule: where its head names the requirement, action and type, the word, or the type that it is about.
"""

_STRICTER = frozenset({"requires", "lapses", "audited"})
"""Rules of which one more allows less, for a shorter time, or only once it is on record."""


@dataclass(frozen=True, slots=True)
class Excess:
    """One thing that needs a signature: the name that signs it off, what it does, and where it is."""

    name: str
    what: str
    place: Place


@dataclass(frozen=True, slots=True)
class Accepted:
    """One thing that is signed off: its name, what it does, and who agreed and why."""

    name: str
    what: str
    why: str


def excesses_of(
    layout: Layout, expansion: Expansion, parameters: Any, texts: Texts, installed: Path, adds: Extension
) -> list[Excess]:
    """Find what needs a signature: the numbers first, in their order, the texts, then what differs from the product's
    rules.

    `installed` is the folder of the product's own policies; `adds` is what the folder adds to the model. Raises
    BundleRefused where the policies cannot be read.
    """
    found = [*_numbers(layout, parameters), *_texts(layout, texts, installed)]
    sources = read_product_sources(layout, installed)
    if sources:
        rules = differences_of(expansion, sources, adds)
        found += sorted(rules, key=lambda each: (each.place.file, each.place.line, each.place.column))
    return list({each.name: each for each in reversed(found)}.values())[::-1]


def differences_of(expansion: Expansion, product: tuple[Source, ...], adds: Extension) -> Iterator[Excess]:
    """Yield what a policy that adds this to the model declares otherwise than the product's and must be signed off."""
    yield from _Comparison(_Policy(expansion), _product_policy(product), adds).excesses()


def signoff_diagnostics_of(excesses: Iterable[Excess], layout: Layout) -> list[Diagnostic]:
    """Find what is not signed off, and signatures that sign nothing."""
    signed = dict(layout.accepts)
    known = {excess.name: excess for excess in excesses}
    found = []
    for excess in known.values():
        if excess.name not in signed:
            hint = f'change it, or sign it off in {BUNDLE_FILE} under [accepts]: "{excess.name}" = "WHO, WHEN: WHY"'
            found.append(Diagnostic(Severity.ERROR, SIGNOFF, f"{excess.what}: {hint}", excess.place))
    for name in signed:
        if name not in known:
            message = f"`{name}` under `accepts` accepts nothing: remove it{did_you_mean(name, known)}"
            found.append(Diagnostic(Severity.ERROR, SIGNOFF, message, Place(BUNDLE_FILE, 0, 0)))
    return found


def accepted_of(excesses: Iterable[Excess], layout: Layout) -> tuple[Accepted, ...]:
    """Return what is signed off, in the order in which it was found."""
    signed = dict(layout.accepts)
    return tuple(Accepted(each.name, each.what, signed[each.name]) for each in excesses if each.name in signed)


def _numbers(layout: Layout, parameters: Any) -> Iterator[Excess]:
    kind = type(parameters)
    for name, allowed in ranges_of(kind).items():
        value = getattr(parameters, name)
        if value not in allowed:
            least, most = (written(kind, name, limit) for limit in (allowed.least, allowed.most))
            what = f"`{name}` is {written(kind, name, value)}, outside of its range from {least} to {most}"
            place = Place(PARAMETERS_FILE, line_of_number(layout, name), 0)
            yield Excess(f"{_PARAMETERS}{name}", what, place)


def _texts(layout: Layout, texts: Texts, installed: Path) -> Iterator[Excess]:
    """The texts of the product that a folder has otherwise than with the same placeholders."""
    path = installed / TEXTS_FILE
    if texts == SILENT or layout.texts == (path,) or not path.exists():
        return
    product, _ = read_texts(Layout(installed, (), (), (path,)))
    ours = placeholders_of(texts)
    for name, expected in placeholders_of(product).items():
        if ours.get(name, expected) != expected:
            what = f"the text `{name}` has other placeholders than the text of the product"
            yield Excess(f"texts.{name}", what, Place(TEXTS_FILE, 0, 0))


# --- rules ----------------------------------------------------------------------------------------------------------


class _Policy:
    """The rules of a policy by name, those of its blocks among them, and what it declares."""

    def __init__(self, expansion: Expansion) -> None:
        blocks = [each for each in expansion.statements if isinstance(each, BlockNode)]
        self.groups = expansion.groups
        self.declarations = _declarations_of(expansion, blocks)
        self.rules: dict[Key, list[RuleNode]] = {}
        rules = (each for each in expansion.statements if isinstance(each, RuleNode))
        for rule in (*rules, *written_out(blocks, declared_by(blocks), {NIL, *UNIONS})):
            self.rules.setdefault(key_of(rule), []).append(rule)

    @cached_property
    def needs(self) -> frozenset[tuple[str | None, ...]]:
        """The requirements of actions on types."""
        return frozenset(_head(rule, (2, 0, 1)) for rule in self.rules.get(("requires", 3), ()))

    @cached_property
    def calls(self) -> Mapping[str, list[Call]]:
        """The calls by name, but for those of the contract, which are the questions of the service."""
        found: dict[str, list[Call]] = {}
        for rule in (rule for rules in self.rules.values() for rule in rules if rule.place.file != CONTRACT_FILE):
            for node in nodes_of(rule):
                if isinstance(node, Call):
                    found.setdefault(node.name, []).append(node)
        return found

    @cached_property
    def actions(self) -> frozenset[tuple[str | None, ...]]:
        """The actions of types."""
        return frozenset(need[1:] for need in self.needs)

    @cached_property
    def words(self) -> frozenset[str | None]:
        """The requirements, the reason codes and the next steps."""
        named = [*_WORDS.items(), ("reason", 3)]
        found = [
            rule.parameters[at].literal for name, at in named for rule in self.rules.get((name, ARITIES[name]), ())
        ]
        return frozenset((*found, *PRODUCT_REASONS, *(requirement for requirement, _, _ in self.needs)))


@lru_cache(maxsize=2)
def _product_policy(sources: tuple[Source, ...]) -> _Policy:
    return _Policy(product_expansion(sources))


def _words_in(call: Call, places: Sequence[int]) -> tuple[object, ...]:
    """The words that a call names; None for what it leaves open."""
    named = (call.arguments[at] for at in places)
    return tuple(each.value if isinstance(each, Literal) else None for each in named)


def _head(rule: RuleNode, places: Sequence[int]) -> tuple[str | None, ...]:
    """The words and types that the head of a rule names; None for what it leaves open."""
    return tuple(rule.parameters[at].literal or rule.parameters[at].type for at in places)


@dataclass(frozen=True)
class _Comparison:
    """A bundle beside the product's."""

    ours: _Policy
    product: _Policy
    adds: Extension

    def excesses(self) -> Iterator[Excess]:
        """Yield what needs a signature."""
        yield from self._declarations()
        for key in dict.fromkeys((*self.product.rules, *ARITIES.items())):
            yield from self._rules(key)

    def _rules(self, key: Key) -> Iterator[Excess]:
        ours, theirs = self.ours.rules.get(key, []), self.product.rules.get(key, [])
        same = {*map(id, ours)} & {*map(id, theirs)}  # most: what an unchanged file says is the same object
        of_ours, of_theirs = (
            [(form_of(rule), rule) for rule in some if id(rule) not in same] for some in (ours, theirs)
        )
        kept, had = (Counter(form for form, _ in some) for some in (of_ours, of_theirs))
        # Of rules that are written alike, those at a place of the product are the product's.
        places = {rule.place for _, rule in of_theirs}
        of_ours.sort(key=lambda each: each[1].place in places)
        for rule in _more(of_ours, kept - had):
            if not self._is_own(rule):
                yield self._added_rule(rule)
        for rule in _more(of_theirs, had - kept):
            if not self._is_exempt(rule):
                yield _lacking(key, digest_of(rule, {}), _written(rule), rule.place)

    def _added_rule(self, rule: RuleNode) -> Excess:
        called = [*called_by(rule, self._helpers)]
        beside = f", which calls {len(called)} of your own rules," if called else ""
        digest = digest_of(rule, self._helpers, self._read_by(rule, *called))
        what = f"adds `{_written(rule)}`{beside} to the rules of the product"
        return Excess(_name(_ADDS, key_of(rule), digest), what, rule.place)

    @cached_property
    def _helpers(self) -> Mapping[Key, Sequence[RuleNode]]:
        """The folder's own rules of other names than the product's."""
        products = self.product.rules.keys() | ARITIES.items()
        return {key: rules for key, rules in self.ours.rules.items() if key not in products}

    @cached_property
    def _added(self) -> Mapping[str, list[Declaration]]:
        """What the folder adds to the model, by the names under which rules read it."""
        found: dict[str, list[Declaration]] = {}
        for column in self.adds.columns:
            for name in {column.name, column.name.removesuffix("_id"), column.collection}:
                found.setdefault(name, []).append(column)
        for key in self.adds.keys:
            found.setdefault(key.name, []).append(key)
        return found

    def _read_by(self, *rules: RuleNode) -> set[str]:
        """What rules read of what the folder adds to the model."""
        nodes = (node for rule in rules for node in nodes_of(rule) if isinstance(node, Attribute))
        return {to_json(each) for node in nodes for each in self._added.get(node.name, ())}

    def _is_own(self, rule: RuleNode) -> bool:
        """Whether a rule is about what the product does not have, so that none of its decisions ask for it."""
        name, product = rule.name, self.product
        calls = product.calls.get(name, [])
        if name in _NEEDS:
            head = _head(rule, _NEEDS[name])
            asked = {_words_in(call, _NEEDS[name][:2]) for call in calls}
            return self._is_exact(head) and not (head in product.needs or head[:2] in asked or None in chain(*asked))
        if calls:
            return False
        if name in _STRICTER:
            return True
        if name in _ACTIONS:
            head = _head(rule, _ACTIONS[name])
            return self._is_exact(head) and head not in product.actions
        if name in _WORDS:
            word = rule.parameters[_WORDS[name]].literal
            return word is not None and word not in product.words
        return name in _RESOURCES and rule.parameters[_RESOURCES[name]].type in self._records

    def _is_exact(self, head: tuple[str | None, ...]) -> bool:
        """Whether a head leaves nothing open and names a type of which there is only one."""
        return None not in head and (
            head[-1] in self._records or head[-1] in {type_ for _, type_ in self.product.actions}
        )

    @cached_property
    def _records(self) -> frozenset[str]:
        """The records of the folder's own."""
        return frozenset(each.name for each in self.adds.records)

    def _is_exempt(self, rule: RuleNode) -> bool:
        """Whether a `requires` is lacking because an `exempt` leaves it out, which is signed itself."""
        if rule.name != "requires":
            return False
        action, type_, requirement = _head(rule, (0, 1, 2))
        need = requirement or "", action or "", type_ or ""
        return self.ours.groups.exemption_of(need) is not None and self.product.groups.exemption_of(need) is None

    # --- declarations -----------------------------------------------------------------------------------------------

    def _declarations(self) -> Iterator[Excess]:
        """What differs in members and exemptions of groups, in blocks and in rule types."""
        now, before = self.ours.declarations, self.product.declarations
        for each, place in now.items():
            if each not in before and not self._is_own_declaration(each):
                what = f"adds `{each}` to the declarations of the product"
                yield Excess(_name(_ADDS, each.key, digest_of_text(str(each))), what, place)
        for each, place in before.items():
            if each not in now:
                yield _lacking(each.key, digest_of_text(str(each)), str(each), place)

    def _is_own_declaration(self, each: _Declaration) -> bool:
        """Whether nothing that the product declares changes by a declaration."""
        match each.kind:
            case "group":
                return each.words[0] not in self.product.groups.by_name
            case "exempt":
                return each.words[1:] not in self.product.needs
            case "actor" | "resource":
                return each.words[0] in self._records
            case "type":
                return each.words[0] not in {name for name, _ in (*self.product.rules, *ARITIES.items())}
            case _:  # a role, permission or relation: rules give it a meaning, and these are compared
                return True


@dataclass(frozen=True, slots=True)
class _Declaration:
    """Something that a policy declares, by words."""

    kind: str
    words: tuple[str, ...]

    @property
    def key(self) -> Key:
        """Its kind, and the number of its words."""
        return self.kind, len(self.words)

    def __str__(self) -> str:
        return f"{self.kind} {' '.join(map(json.dumps, self.words))}"


def _declarations_of(expansion: Expansion, blocks: Sequence[BlockNode]) -> dict[_Declaration, Place]:
    """What the groups, blocks and rule types of a policy declare, with where each is."""
    found: dict[_Declaration, Place] = {}
    for group in expansion.groups.by_name.values():
        for (action, type_), place in group.members.items():
            found[_Declaration("group", (group.name, action, type_))] = place
    for each in expansion.groups.exemptions:
        found[_Declaration("exempt", (each.group, *each.need))] = each.place
    places = {block.type: block.place for block in reversed(blocks)}
    for block in blocks:
        found.setdefault(_Declaration(block.keyword, (block.type,)), block.place)
    for type_, declared in declared_by(blocks).items():
        for name, kind in declared.kinds.items():
            words = type_, name, declared.relations.get(name, "")
            found[_Declaration(kind, words)] = places[type_]
    for statement in expansion.statements:
        if isinstance(statement, RuleTypeNode):
            declaration = _Declaration("type", (statement.name, written_statement(statement)))
            found.setdefault(declaration, statement.place)
    return found


def _more(rules: Iterable[tuple[str, RuleNode]], more: Counter[str]) -> Iterator[RuleNode]:
    """The rules of which there are more than elsewhere."""
    for form, rule in rules:
        if more[form] > 0:
            more[form] -= 1
            yield rule


def _name(verb: str, key: Key, digest: str) -> str:
    return f"{verb} {key[0]}/{key[1]} {digest}"


def _lacking(key: Key, digest: str, text: str, place: Place) -> Excess:
    # The line is that of the installed file, and the bundle may have another file of that name.
    what = f"lacks `{text}` of the product ({place.file}:{place.line} of the installed bundle)"
    return Excess(_name(_LACKS, key, digest), what, Place(place.file, 0, 0))


def _written(rule: RuleNode) -> str:
    """The head of a rule."""
    return written_statement(replace(rule, body=None)).removesuffix(";")
