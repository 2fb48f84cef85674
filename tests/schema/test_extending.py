"""What policies add to a model: what may be declared, what is refused and where, and what stays as it is."""

from __future__ import annotations

import dataclasses

import pytest
from tiny.model import TINY

from sealauthz.decision.checking import types_of
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.model.records.identity import Person
from sealauthz.schema import NO_EXTENSION, Extension, ExtensionProblem, Model, extended
from sealauthz.schema.declaring import extension_from
from sealauthz.schema.extension import from_json, to_json
from sealauthz.schema.rules import RelatedTo

SCORE = """
[columns.Person]
risk_score = { type = "Integer", default = 0 }
risk_note = { type = "String", default = "", personal = true }
scored_at = "Instant"
risk_level = { words = ["LOW", "HIGH"], default = "LOW" }
is_watched = { type = "Boolean", default = false }

[context.Seal.use]
ticket = "String"
tries = "Integer"
seen_at = "Instant"
is_urgent = "Boolean"
entry = "BlockedPerson"
"""

BLOCKED = """
[records.BlockedPerson]
home = "enterprise_id"
permanent = true
fixed = ["person_id"]
life = { column = "state", forward = { ACTIVE = ["LIFTED"] } }

[records.BlockedPerson.columns]
enterprise_id = { names = "Enterprise", collection = "blocked_people" }
person_id = { names = "Person", collection = "blocked_at" }
state = { words = ["ACTIVE", "LIFTED"], default = "ACTIVE" }
begins_at = "Instant"
ends_at = { type = "Instant", default = "forever" }

[[records.BlockedPerson.unique]]
columns = ["enterprise_id", "person_id"]
where = "state = 'ACTIVE'"
says = "once"

[[records.BlockedPerson.checks]]
is = "begins_at < ends_at"
says = "an entry begins before it ends"

[records.Remark]
home = "entry_id"
columns = { entry_id = { names = "BlockedPerson", collection = "remarks" }, text = "String" }
"""


def extension() -> Extension:
    return extension_from(SCORE + BLOCKED)


def model() -> Model:
    return extended(MODEL, extension())


def test_a_declaration_is_kept_as_json_and_read_back() -> None:
    assert Extension.of(from_json(to_json(each)) for each in extension().declarations) == extension()
    with pytest.raises(ValueError, match="is no declaration that this version knows"):
        from_json('{"kind": "sorcery"}')


def test_the_same_extension_gives_the_same_model() -> None:
    assert model() is model()
    assert extended(model(), NO_EXTENSION) is MODEL
    assert model().built_in is MODEL


def test_records_have_what_was_added_to_them() -> None:
    person = model().records["Person"]("p")
    assert (person.risk_score, person.risk_note, person.scored_at) == (0, "", None)
    assert (person.risk_level, person.is_watched) == ("LOW", False)
    assert isinstance(person, Person)
    assert model().added_columns("Person") == {"risk_score", "risk_note", "scored_at", "risk_level", "is_watched"}
    assert model().added_columns("BlockedPerson") == frozenset()
    assert {relation.name for relation in model().shapes["Person"].relations} >= {"blocked_at", "memberships"}


def test_a_declared_record_is_part_of_the_unit_of_its_home_and_of_whom_it_names() -> None:
    units = model().units
    assert units.home_kind("BlockedPerson") == units.home_kind("Remark") == "ENTERPRISE"
    (related,) = model().shapes["BlockedPerson"].rules_of(RelatedTo)
    assert (related.root, related.paths) == ("Person", ("person_id",))


def test_contexts_have_the_keys_and_those_that_derive_from_them_too() -> None:
    use, auto = model().action("use", "Seal"), model().action("auto_use", "Seal")
    assert use.keys == {
        **MODEL.action("use", "Seal").keys,
        "ticket": str,
        "tries": int,
        "seen_at": int,
        "is_urgent": bool,
        "entry": str,
    }
    assert use.records["entry"] == "BlockedPerson"
    assert auto.keys == MODEL.action("auto_use", "Seal").keys  # it shares the context, and is given nothing
    assert use.context is auto.context
    sealing = model().action("seal", "SealUse").context
    assert issubclass(sealing, use.context)
    types = types_of(model())
    assert types.is_a("SealingContext", "SealUseContext")
    assert types.attribute("SealingContext", "tries") == types.attribute("SealUseContext", "tries")
    assert types.attribute("SealUseContext", "seen_at").value.unit == "instant"  # type: ignore[union-attr]
    # What a context holds are records of this model, not those that it was made of.
    assert types.attribute("SealUseContext", "principals").known.element is model().records["Person"]  # type: ignore[union-attr]


def test_nothing_that_the_model_declares_goes_or_changes() -> None:
    """Floor, invariants, constraints and who may write are the model's own, whatever is added."""
    larger = model()
    assert larger.invariants == MODEL.invariants
    assert larger.duties == MODEL.duties
    for name, shape in MODEL.shapes.items():
        grown = larger.shapes[name]
        assert grown.columns[: len(shape.columns)] == shape.columns
        assert set(grown.relations) >= set(shape.relations)
        assert (grown.rules, grown.home, grown.root) == (shape.rules, shape.home, shape.root)
        assert grown.is_permanent == shape.is_permanent
        assert grown.owned_by_acts - larger.added_columns(name) == shape.owned_by_acts
    for key, action in MODEL.actions.items():
        grown_action = larger.actions[key]
        assert (grown_action.effect, grown_action.resolver) == (action.effect, action.resolver)
        assert grown_action.arguments is action.arguments
        assert grown_action.gives == action.gives
    assert larger.units.kinds == MODEL.units.kinds


def test_what_is_added_to_a_record_that_acts_own_is_theirs_too() -> None:
    """Else a caller could write, field by field, what it must have performed."""
    larger = extended(MODEL, extension_from('[columns.Membership]\nlevel = { type = "Integer", default = 0 }'))
    assert "level" in larger.shapes["Membership"].owned_by_acts


def test_a_model_that_nothing_was_added_to_is_untouched() -> None:
    assert extended(MODEL, NO_EXTENSION) is MODEL
    assert MODEL.extension == NO_EXTENSION
    person = Person("p")
    assert MODEL.own(person) is person


def test_a_record_of_before_gets_the_defaults_and_one_of_another_model_nothing() -> None:
    larger = model()
    assert larger.own(Person("p", real_name="x")).risk_score == 0
    other = dataclasses.make_dataclass("Person", ["id"])("p")
    assert larger.own(other) is other
    entry = larger.records["BlockedPerson"]("b", 1, "e", "p")
    assert larger.own(entry) is entry


def test_a_second_model_can_be_extended() -> None:
    larger = extended(TINY, extension_from('[columns.Document]\npages = { type = "Integer", default = 1 }'))
    assert [column.name for column in tables_of(larger).of("Document").c][-2:] == ["pages", "revision"]
    with pytest.raises(ExtensionProblem, match="`Person` is no record"):
        extended(TINY, extension_from(SCORE))


# --- what is refused ------------------------------------------------------------------------------------------------

RECORD = '[records.Entry]\nhome = "enterprise_id"\n'
COLUMNS = 'columns.enterprise_id = { names = "Enterprise" }\n'
ENTRY = RECORD + COLUMNS

REFUSED: dict[str, tuple[str, int, str]] = {
    "no TOML": ("[columns.Person\n", 1, "is not TOML"),
    "unknown table": ("[colums.Person]\nx = 'String'", 1, "`colums` is not known; did you mean `columns`?"),
    "unknown type": (
        "[columns.Person]\nx = 'Integr'",
        2,
        "`Person.x` is of the type `Integr`.*did you mean `Integer`?",
    ),
    "unknown record": ("[columns.Persn]\nx = 'String'", 2, "`Persn` is no record; did you mean `Person`?"),
    "unknown key of a column": ("[columns.Person]\nx = { typ = 'String' }", 2, "`typ` is not known.*`type`?"),
    "column that is there": ("[columns.Person]\nphone = 'String'", 2, "`Person` has a `phone` already"),
    "relation that is there": ("[columns.Person]\nmemberships = 'String'", 2, "`Person` has a `memberships` already"),
    "id": ("[columns.Person]\nid = 'String'", 2, "is a word of SQL, of Polar or of the store itself"),
    "revision": ("[columns.Person]\nrevision = 'Integer'", 2, "is a word of SQL"),
    "word of SQL": ("[columns.Person]\norder = 'Integer'", 2, "is a word of SQL"),
    "bad name": ("[columns.Person]\nRiskScore = 'Integer'", 2, "must be named like `risk_score`"),
    "name that looks like another": (
        "[columns.Person]\n\"risk_sc\u043ere\" = 'Integer'",
        2,
        "must be named like `risk_score`",
    ),
    "word that looks like another": (
        "[columns.Person]\nlevel = { words = ['HIGH', 'H\u0406GH'], optional = true }",
        2,
        "must have `words`",
    ),
    "SQL in a name": ("[columns.Person]\n\"x; drop table person\" = 'Integer'", 2, "must be named like `risk_score`"),
    "long name": (f"[columns.Person]\n{'x' * 29} = 'Integer'", 2, "must be named like"),
    "required on what is there": ("[columns.Person]\nx = { type = 'Integer' }", 2, "give a `default`"),
    "default of another type": ("[columns.Person]\nx = { type = 'Integer', default = 'a' }", 2, "not of the type"),
    "truth as a number": ("[columns.Person]\nx = { type = 'Integer', default = true }", 2, "not of the type"),
    "default beyond 64 bits": ("[columns.Person]\nx = { type = 'Integer', default = 9223372036854775808 }", 2, "64"),
    "default and optional": ("[columns.Person]\nx = { type = 'Integer', default = 0, optional = true }", 2, "one of"),
    "default that is no word": ("[columns.Person]\nx = { words = ['A', 'B'], default = 'C' }", 2, "none of its words"),
    "words twice": ("[columns.Person]\nx = { words = ['A', 'A'], default = 'A' }", 2, "each once"),
    "words and a type": ("[columns.Person]\nx = { type = 'String', words = ['A'] }", 2, "must say what it holds, once"),
    "instant as a number": ("[columns.Person]\nx = { type = 'Instant', default = 5 }", 2, "`never` or `forever`"),
    "personal number": (
        "[columns.Person]\nx = { type = 'Integer', default = 0, personal = true }",
        2,
        "only free text",
    ),
    "reference on a record of the model": (
        "[columns.Person]\nseal_id = { names = 'Seal', optional = true }",
        2,
        "belongs to a record of your own",
    ),
    "record that is there": ("[records.Person]\nhome = 'x_id'\n", 1, "is a record of the model already"),
    "record named like a context": (f"{ENTRY.replace('Entry', 'SealUseContext')}", 1, "is the name of a context"),
    "record named like a table of the store": (f"{ENTRY.replace('Entry', 'FactChange')}", 1, "the product's own"),
    "record named like a type": (f"{ENTRY.replace('Entry', 'String')}", 1, "the product's own"),
    "record named like a word of SQL": (f"{ENTRY.replace('Entry', 'Order')}", 1, "is named like a word of SQL"),
    "record in capitals": (f"{ENTRY.replace('Entry', 'entry')}", 1, "must be named like `BlockedParty`"),
    "record without a home": ("[records.Entry]\ncolumns.x = 'String'", 1, "must say its `home`"),
    "home that is no column": (RECORD.replace("enterprise_id", "enterprse_id") + COLUMNS, 1, "`enterprise_id`?"),
    "home that is optional": (
        RECORD + 'columns.enterprise_id = { names = "Enterprise", optional = true }',
        1,
        "each record is part of something",
    ),
    "home that leads nowhere": (
        "[records.Entry]\nhome = 'entry_id'\ncolumns.entry_id = { names = 'Entry' }",
        1,
        "leads back to itself",
    ),
    "reference to what may be deleted": (
        ENTRY + 'columns.type_id = { names = "GrantContractType" }',
        4,
        "may be deleted, which the name would prevent",
    ),
    "reference to nothing": (
        ENTRY + 'columns.x_id = { names = "Sael" }',
        4,
        "`Sael` is no record; did you mean `Seal`?",
    ),
    "reference of another name": (ENTRY + 'columns.seal = { names = "Seal" }', 4, "its name must end in `_id`"),
    "reference that hides a column": (
        ENTRY + 'columns.seal_id = { names = "Seal" }\ncolumns.seal = "String"',
        4,
        "`Entry` has a `seal`",
    ),
    "collection that is there": (
        RECORD + 'columns.enterprise_id = { names = "Enterprise", collection = "seals" }',
        3,
        "`Enterprise` has a `seals` already",
    ),
    "collection named like an added column": (
        '[columns.Enterprise]\nentries = "String"\n'
        + RECORD
        + 'columns.enterprise_id = { names = "Enterprise", collection = "entries" }',
        5,
        "`Enterprise` has a `entries` already",
    ),
    "collection that would not be whole": (
        '[records.Entry]\nhome = "person_id"\ncolumns.person_id = { names = "Person" }\n'
        'columns.enterprise_id = { names = "Enterprise", collection = "entries" }',
        4,
        "the collection would not be whole",
    ),
    "collection of no reference": (ENTRY + 'columns.x = { type = "String", collection = "y" }', 4, "must say `names`"),
    "unique without words": (ENTRY + "unique = [{ columns = ['enterprise_id'] }]", 4, "must say in words"),
    "unique of no column": (
        ENTRY + "unique = [{ columns = ['enterprse_id'], says = 'x' }]",
        1,
        "no column of it; did you mean `enterprise_id`?",
    ),
    "unique of personal text": (
        ENTRY + "columns.note = { type = 'String', personal = true }\nunique = [{ columns = ['note'], says = 'x' }]",
        1,
        "could not be erased",
    ),
    "check with a function": (ENTRY + "checks = [{ is = 'length(id) = 3', says = 'x' }]", 1, "names `length`"),
    "check with a query": (ENTRY + "checks = [{ is = '1 = (select 1)', says = 'x' }]", 1, "the condition"),
    "check with two statements": (
        ENTRY + "checks = [{ is = '1 = 1; drop table person', says = 'x' }]",
        1,
        "cannot be read",
    ),
    "check with a comment": (ENTRY + "checks = [{ is = '1 = 1 -- x', says = 'x' }]", 1, "cannot be read"),
    "check of personal text": (
        ENTRY + "columns.note = { type = 'String', personal = true }\nchecks = [{ is = \"note <> ''\", says = 'x' }]",
        1,
        "names `note`",
    ),
    "check of two types": (
        ENTRY + "columns.count = 'Integer'\nchecks = [{ is = \"count = 'x'\", says = 'x' }]",
        1,
        "which is of another type",
    ),
    "check that says nothing": (ENTRY + "checks = [{ is = '', says = 'x' }]", 1, "a check that says nothing"),
    "life in no column": (ENTRY + "life = { forward = { A = ['B'] } }", 1, "no column of it with `words`"),
    "life of unknown states": (
        ENTRY + "columns.state = { words = ['ACTIVE', 'LIFTED'] }\nlife = { forward = { ACTIVE = ['LIFTD'] } }",
        1,
        "did you mean `LIFTED`?",
    ),
    "life in a circle": (
        ENTRY + "columns.state = { words = ['A', 'B'] }\nlife = { forward = { A = ['B'], B = ['A'] } }",
        1,
        "lead from `A` back to it",
    ),
    "key on no record": ("[context.Sael.use]\nx = 'String'", 2, "`Sael`, which is no record; did you mean `Seal`?"),
    "key of no action": ("[context.Seal.us]\nx = 'String'", 2, "declares no action of `Seal`; did you mean `use`?"),
    "key of no type": ("[context.Seal.use]\nx = 'Strng'", 2, "did you mean `String`?"),
    "key that is there": ("[context.Seal.use]\ntask = 'String'", 2, "is in the context of `use` already"),
    "key of the server": ("[context.Seal.use]\nnow = 'Instant'", 2, "is in the context of `use` already"),
    "key of two types": (
        "[context.Seal.use]\nx = 'String'\n[context.Seal.auto_use]\nx = 'Integer'",
        2,
        "which shares its context",
    ),
    "key that a derived context has": ("[context.Seal.use]\nuse = 'String'", 2, "or in one that derives from it"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_declared_is_refused_with_its_line(name: str) -> None:
    text, line, said = REFUSED[name]
    with pytest.raises(ExtensionProblem, match=said.rstrip("?").replace("(", r"\(")) as found:
        extended(MODEL, extension_from(text))
    assert found.value.line == line


def test_two_declarations_of_one_name_must_be_the_same() -> None:
    one = extension_from("[columns.Person]\nrisk_score = { type = 'Integer', default = 0 }")
    other = extension_from("[columns.Person]\nrisk_score = 'String'")
    with pytest.raises(
        ExtensionProblem, match=r"`Person.risk_score` is String, optional in b, and Integer, default 0 in a"
    ):
        one.and_(other, "in a", "in b")
    assert one.and_(extension(), "in a", "in b") == extension()


def test_conditions_become_constraints_of_the_table() -> None:
    table = tables_of(model()).constrained("BlockedPerson")
    assert {str(each.name) for each in table.constraints} >= {
        "blocked_person_extension_2",
        "blocked_person_state_words",
        "blocked_person_person_id_fkey",
    }
    assert [str(index.name) for index in table.indexes if index.unique] == ["blocked_person_extension_1"]
