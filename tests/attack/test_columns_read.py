"""Which columns rules read, by record type: what is said where no rule reads it is said in one way only."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from spruce import a_goal

from sealauthz.attack.columns import columns_read
from sealauthz.attack.reads import Relevance
from sealauthz.attack.said import Said
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


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return Bundle.load(MODEL)


def digests(bundle: Bundle, rule: str, folder: Path) -> list[object]:
    """What is said as the digest of a letter that is delivered, with one rule more."""
    goal = a_goal(folder, bundle)
    statements = (*bundle.statements, *admit(Source("more.polar", rule), attributes(MODEL)))
    more = dataclasses.replace(bundle, read_statements=lambda: statements)
    said = Said(more, Relevance(more), {})
    action = MODEL.action("deliver_letter", "SealGrant")
    return said._values(World(goal.facts), goal.now, action, arguments_of(action.arguments)["digest"])


def test_a_text_is_said_in_one_way_where_no_rule_reads_what_it_becomes(shipped: Bundle, tmp_path: Path) -> None:
    assert digests(shipped, "", tmp_path) == ["fresh"]
    compares = "a(letter: AuthLetter, document: ContractDocument) if letter.digest = document.digest;"
    assert {"digest-1", "fresh"} <= set(digests(shipped, compares, tmp_path))
