"""Which columns rules read, by record type: what is said where no rule reads it is said in one way only."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from small_worlds import loaded
from spruce import a_goal

from sealauthz.attack.columns import columns_deciding, columns_read
from sealauthz.attack.found import Limits
from sealauthz.attack.reads import Relevance
from sealauthz.attack.said import Said
from sealauthz.attack.search import _Run
from sealauthz.attack.world import World
from sealauthz.decision import Bundle
from sealauthz.decision.checking import attributes
from sealauthz.model import MODEL
from sealauthz.polar import Source, admit
from sealauthz.schema.arguments import arguments_of


def read(rules: str, *columns: str) -> set[str]:
    """The types of which one of some columns may be read."""
    statements = admit(Source("rules.polar", rules), attributes(MODEL))
    return {type_ for type_, column in columns_read(MODEL, statements) if column in columns}


_GOAL = """
include: ["default:fixtures.yaml"]
fixture: spruce
goals:
  - goal: none
    colluders: [keeper]
    {line}
    reached: 'reached(seal: Seal, _: Attack) if {query};'
"""

DIGESTS = {name for name, shape in MODEL.shapes.items() if any(each.name == "digest" for each in shape.columns)}


def test_a_column_is_read_of_the_type_that_a_rule_says() -> None:
    assert read('a(use: SealUse) if use.digest = "d";', "digest") == {"SealUse"}
    assert read('a(x) if x matches SealUse and x.digest = "d";', "digest") == {"SealUse"}
    assert read('a(contract: Contract) if one in contract.documents and one.digest = "d";', "digest") <= {
        "ContractDocument",
        "RequestDocument",
    }
    assert read('a(use: SealUse) if use.task.state = "d";', "state") == {"SigningTask"}


def test_what_others_hand_to_a_rule_says_its_type() -> None:
    rules = 'a(use: SealUse) if b(use); b(x) if c(x); c(y) if y.digest = "d";'
    assert read(rules, "digest") == {"SealUse"}
    assert read(rules + "d(letter: AuthLetter) if c(letter);", "digest") == {"SealUse", "AuthLetter"}


def test_where_nothing_says_the_type_every_type_is_read() -> None:
    assert read('a(x) if x.digest = "d";', "digest") == DIGESTS
    assert read('a(x) if b(x); b(y) if y.digest = "d"; c(use: SealUse) if b(use);', "digest") == DIGESTS
    assert read('a(x, use: SealUse) if (x matches SealUse or x = use.id) and x.digest = "d";', "digest") == DIGESTS


TOLD = """parameter("{step}", "name", name, _: Person, use: SealUse, _) if said(use, name);
said(use, name) if name = use.digest;
"""
"""What a next step tells people, by a rule that nothing else asks for."""


def deciding(rules: str) -> set[str]:
    """The types of which a digest may alter an answer."""
    statements = admit(Source("rules.polar", rules), attributes(MODEL))
    return {type_ for type_, column in columns_deciding(MODEL, statements) if column == "digest"}


def test_what_a_next_step_tells_people_decides_nothing() -> None:
    told = TOLD.format(step="REQUEST_SEAL_USE")
    assert read(told, "digest") == {"SealUse"}
    assert deciding(told) == set()
    assert deciding(TOLD.format(step="VERIFY_FACE")) == {"SealUse"}, "somebody outside gives something for it"
    assert deciding(told + 'visible(_, use: SealUse, _) if said(use, "d");') == {"SealUse"}
    assert deciding(told + 'visible(_, use: SealUse, _) if seen(use); seen(use) if said(use, "d");') == {"SealUse"}


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return Bundle.load(MODEL)


def digests(bundle: Bundle, rule: str, folder: Path, *seen: tuple[str, str]) -> list[object]:
    """What is said as the digest of a letter that is delivered, with one rule more, and where somebody else sees some
    columns.
    """
    goal = a_goal(folder, bundle)
    statements = (*bundle.statements, *admit(Source("more.polar", rule), attributes(MODEL)))
    more = dataclasses.replace(bundle, read_statements=lambda: statements)
    said = Said(more, Relevance(more), {}, frozenset(seen))
    action = MODEL.action("deliver_letter", "SealGrant")
    return said._values(World(goal.facts), goal.now, action, arguments_of(action.arguments)["digest"])


def test_a_text_is_said_in_one_way_where_no_rule_reads_what_it_becomes(shipped: Bundle, tmp_path: Path) -> None:
    assert digests(shipped, "", tmp_path) == ["fresh"]
    compares = "a(letter: AuthLetter, document: ContractDocument) if letter.digest = document.digest;"
    assert {"digest-1", "fresh"} <= set(digests(shipped, compares, tmp_path))
    assert {"digest-1", "fresh"} <= set(digests(shipped, "", tmp_path, ("AuthLetter", "digest")))


def test_what_a_goal_sees_is_said_in_every_way(shipped: Bundle, tmp_path: Path) -> None:
    """Also where no rule reads it; so is what a next step tells those who do what it asks for."""
    path = tmp_path / "goals.yaml"
    for more, is_said in (("", False), ("following: [approver]", True), ("sees", True)):
        query = 'seal.name = "云杉公章"' if more == "sees" else 'seal.id = "none"'
        line = more if more != "sees" else ""
        path.write_text(_GOAL.format(line=line, query=query), encoding="utf-8")
        goals, search = loaded(path, shipped)
        run = _Run(search, goals.goals[0], Limits())
        action = MODEL.action("create_seal", "Enterprise")
        goal = goals.goals[0]
        names = run._said._values(World(goal.facts), goal.now, action, arguments_of(action.arguments)["name"])
        assert ("云杉公章" in names) == is_said, more
