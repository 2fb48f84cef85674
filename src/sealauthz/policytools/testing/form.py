"""The form of a policy test file: which keys it has, and what may stand under each. The published JSON Schema is made
from it (`sealauthz.policytools.testing.json_schema`).

What a name means (is there such a fixture, an action, a record?) is decided in `sealauthz.policytools.testing.loading`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from sealauthz.decision.assembly import IN_PROCESS
from sealauthz.policytools.testing.fact_forms import (
    Action,
    Code,
    Context,
    Defaults,
    Facts,
    Id,
    Length,
    Name,
    Reference,
    RuleId,
    Subject,
    Time,
    TypeName,
    record_forms,
)
from sealauthz.schema import Model

MOST_ACTS = 3
"""How many acts an attack search tries one after the other at most."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


# --- facts ----------------------------------------------------------------------------------------------------------


class Changes(_Form):
    """A change of the facts."""

    put: Facts = None
    """Records that are added; their ids must be new."""
    change: Facts = None
    """Columns of records that are there."""
    drop: list[Reference] = []
    """Records that are taken away."""


def _kind_of_given(value: Any) -> str:
    return "name" if isinstance(value, str) else "list" if isinstance(value, list) else "changes"


def _kind_of_one(value: Any) -> str:
    return "name" if isinstance(value, str) else "changes"


_OneChange = Annotated[Annotated[Name, Tag("name")] | Annotated[Changes, Tag("changes")], Discriminator(_kind_of_one)]

Given = Annotated[
    Annotated[Name, Tag("name")] | Annotated[Changes, Tag("changes")] | Annotated[list[_OneChange], Tag("list")],
    Discriminator(_kind_of_given),
    Field(description="How the facts differ from the fixture: changes, the name of a situation, or several of both."),
]


class Fixture(_Form):
    """Facts that tests share, and the time at which they stand."""

    extends: Name | None = None
    """A fixture whose facts, defaults and time this one starts from."""
    now: Time | None = None
    """The time at which tests ask. `now` in its facts is this time."""
    defaults: Defaults = None
    facts: Facts = None
    """Records that are added to those of `extends`."""
    given: Given | None = None
    """Changes of what `extends` holds."""


# --- what is expected -----------------------------------------------------------------------------------------------


class Item(_Form):
    """A next step or an obligation, with exactly these parameters."""

    code: Code
    parameters: dict[str, str | int] = {}
    """Times (names that end in `_at` or `_until`) are written as times."""


def _kind_of_item(value: Any) -> str:
    return "code" if isinstance(value, str) else "item"


_Item = Annotated[Annotated[Code, Tag("code")] | Annotated[Item, Tag("item")], Discriminator(_kind_of_item)]


class Outcome(_Form):
    """What a decision must be. A list names everything that is to be there, in any order; what is left out may be
    anything.
    """

    effect: Literal["allow", "deny"]
    reasons: list[Code] | None = None
    """Of a deny: its reasons, in the order in which they are to be fixed."""
    next_steps: list[_Item] | None = None
    obligations: list[_Item] | None = None
    """Of an allow: what the caller must do when it goes ahead."""
    valid_until: Time | None = None
    """When the decision stops to be valid."""


def _kind_of_expected(value: Any) -> str:
    return "word" if isinstance(value, str) else "reasons" if isinstance(value, list) else "outcome"


Expected = Annotated[
    Annotated[Literal["allow", "deny"], Tag("word")]
    | Annotated[list[Code], Tag("reasons"), Field(min_length=1)]
    | Annotated[Outcome, Tag("outcome")],
    Discriminator(_kind_of_expected),
    Field(description="`allow`, `deny`, the exact reasons of a deny, or everything about the decision."),
]


# --- tests ----------------------------------------------------------------------------------------------------------


class AnyTest(_Form):
    """What tests of every kind say."""

    name: Name
    """What is true when the test passes."""
    rules: list[RuleId] = []
    """The rules of the rulebook that it tests."""
    fixture: Name | None = None
    """The fixture, where it is not the one of the file."""
    now: Time | None = None
    """When it is asked; `now + 1 hour` counts from the fixture's time. `now` in `given` is this time."""
    caller: Name = IN_PROCESS
    """The service that asks (`context.caller`). Where none is named it is the service itself."""
    given: Given | None = None
    allow_impossible: Name | None = None
    """Why the test holds facts that no store would take. Without it such facts fail the test."""


class Case(AnyTest):
    """One question and its answer."""

    subject: Subject
    action: Action
    resource: Reference
    context: Context = {}
    expect: Expected


class But(_Form):
    """The one fact that flips a decision: one record put, changed or dropped, other words of the client, another caller
    or another time.
    """

    put: Facts = None
    change: Facts = None
    drop: list[Reference] = []
    context: dict[str, str | int | bool | None] | None = None
    """Keys of the context that are given otherwise, or (null) not at all."""
    caller: Name | None = None
    """Another service that asks."""
    now: Time | None = None
    """Another time to ask at, counted from the time of the test."""


class Pair(Case):
    """A question, and the one fact that flips its answer."""

    but: But
    then: Expected


class Grid(_Form):
    """Who may do what to one resource."""

    resource: Reference
    actions: Annotated[list[Action], Field(min_length=1)]
    context: Context = {}
    """Keys that an action does not know are left out for it."""
    expect: Annotated[dict[Id, dict[Action, Expected]], Field(min_length=1)]
    """By subject, and by action: every action for every subject."""


class Matrix(AnyTest):
    """Several subjects and several actions."""

    matrix: Grid


class Listing(AnyTest):
    """Everything that an answer of `allow` names: resources, subjects, or actions."""

    listed: Literal["resources", "subjects", "actions"] = Field(alias="list")
    subject: Subject | None = None
    """Of resources and actions: who asks."""
    action: Action | None = None
    """Of resources and subjects: what is asked for."""
    resource: Reference | None = None
    """Of subjects and actions: what it is asked for."""
    type: TypeName | None = None
    """Of resources: their type."""
    context: Context = {}
    expect: list[Id]
    """The ids of the resources or subjects, or the actions; in any order, all of them."""


class Table(_Form):
    """What the table of roles gives to whom for one resource, the checklists apart."""

    resource: Reference
    expect: Annotated[dict[Id, list[Action]], Field(min_length=1)]
    """By subject: all actions of the type of the resource that the table gives."""


class TableTest(AnyTest):
    """Several subjects, and what they may do in principle."""

    table: Table


class Ask(_Form):
    """A question."""

    subject: Subject
    action: Action
    resource: Reference
    context: Context = {}


class Step(_Form):
    """Time that passes, then facts that change, then a question."""

    wait: Length | None = None
    given: Given | None = None
    ask: Ask | None = None
    expect: Expected | None = None
    """The answer to `ask`."""


class Story(AnyTest):
    """Facts that change, and questions in between. `now` in a step is the time of that step."""

    steps: Annotated[list[Step], Field(min_length=1)]


def _kind_of_test(value: Any) -> str:
    keys = value.keys() if isinstance(value, dict) else ()
    named = ("matrix", "list", "table", "steps")
    return next((key for key in named if key in keys), "pair" if "but" in keys or "then" in keys else "case")


Test = Annotated[
    Annotated[Case, Tag("case")]
    | Annotated[Pair, Tag("pair")]
    | Annotated[Matrix, Tag("matrix")]
    | Annotated[Listing, Tag("list")]
    | Annotated[TableTest, Tag("table")]
    | Annotated[Story, Tag("steps")],
    Discriminator(_kind_of_test),
]


class Duty(_Form):
    """What an honest person does as soon as they may."""

    subject: Subject
    action: Action
    type: TypeName
    """The type of what it is done to."""


class Goal(_Form):
    """What must never come about: `sealauthz policy attack` looks for acts that lead there."""

    goal: Name
    """What must never happen, as a sentence."""
    rules: list[RuleId] = []
    """The rules of the rulebook that keep it from happening."""
    fixture: Name | None = None
    """The fixture, where it is not the one of the file."""
    given: Given | None = None
    colluders: Annotated[list[Subject], Field(min_length=1)]
    """Who acts together, and passes checks of their own faces."""
    deceived: list[Subject] = []
    """Honest people of whom one may once do something that the colluders want."""
    dutiful: list[Duty] = []
    """What honest people do as soon as they may, before time passes and after each move."""
    following: list[Subject] = []
    """Honest people who do what the next steps ask of them that are shown to those who act: each as an act."""
    outside: list[Name] = []
    """What may happen outside, by the names of the model's outside moves."""
    callers: list[Name] = []
    """The services that ask, beside the one that is named `platform`."""
    acts: list[Action] = []
    """The only actions that are tried; all of them if none is named."""
    depth: Annotated[int, Field(ge=1, le=MOST_ACTS)] = MOST_ACTS
    """How many acts are tried one after the other."""
    waits: Annotated[int, Field(ge=0, le=4)] = 0
    """How often time may pass in between."""
    reached: Annotated[str, Field(min_length=1)]
    """Polar: `reached(use: SealUse, context: Attack) if ...;`, asked of every record of the type after each move."""


class File(_Form):
    """A file of policy tests, and of goals that no attack may reach."""

    include: list[Name] = []
    """Files, relative to this one, whose fixtures and situations are used here. `default:fixtures.yaml` is the file of
    that name among the tests of the policies that are installed with sealauthz.
    """
    fixtures: dict[Name, Fixture] = {}
    situations: dict[Name, Changes] = {}
    """Changes of facts by name, for `given`."""
    fixture: Name | None = None
    """The fixture of the tests that name none."""
    tests: list[Test] = []
    goals: list[Goal] = []
    goal_rules: str = ""
    """Polar: rules that the goals of this file share."""


def read_file(model: Model, value: Any) -> File:
    """Read a file that tests policies of a model. Raises pydantic.ValidationError."""
    return File.model_validate(value, context=record_forms(model))
