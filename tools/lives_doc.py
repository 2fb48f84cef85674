"""Write `docs/lives.md`: the life of every record that has one, as a diagram, and which acts write each of its states.

The arrows are those of the declared lives. Which acts write a state is read from the source of their effects: a state
that one writes stands there as the member of its enum, and is compared as a text. `--check` says whether the file is
up to date.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import enum
import inspect
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle
from sealauthz.decision.questions import named_by_obligations
from sealauthz.model import MODEL
from sealauthz.model.effects.counting import COUNTED_ON
from sealauthz.model.effects.members import Ending
from sealauthz.schema.rules import Life, OwnedByActs

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "lives.md"

EFFECTS = "sealauthz.model.effects."

INTRODUCTION = """\
An arrow is a step that the declared life allows. A write may take several steps forward at once, since a service writes
what it has seen last; a step back (marked so) is taken alone, and nothing leaves a final state. Time counts by itself,
whatever the state says: what has run out is over before anybody writes that down.

The tables say who writes each state: acts that are performed ([operations.md](operations.md)), the sweep that writes
down what has run out, or the world outside, which is the services that own these facts. What acts own is written by
nobody else without the right to import. An act that is named may write the state, and no other
does. An act stands on an arrow where no other arrow leads to that state."""

People = tuple[tuple[str, str], ...]
"""Who takes part in a flow: a short name, and what it stands for."""
Step = tuple[str, str, str | tuple[str, str]]
"""From whom, to whom, and what: an act by its name and type, or words. From nobody: where a part begins or ends."""

FLOWS: Mapping[str, tuple[str, People, tuple[Step, ...]]] = {
    "Sealing": (
        "From a member without a right of their own to a signed contract.",
        (("P", "person"), ("A", "approver"), ("S", "SealAuthz"), ("E", "sealing engine")),
        (
            ("P", "S", ("request_use", "Seal")),
            ("S", "A", "event APPROVAL_WANTED"),
            ("A", "S", ("approve", "SealUseRequest")),
            ("S", "P", "event REQUEST_APPROVED"),
            ("P", "S", "a face check of this task, from its provider"),
            ("P", "S", ("use", "Seal")),
            ("S", "E", "receipt: SealUse RESERVED, counted once"),
            ("E", "E", "verifies the receipt with the key set alone"),
            ("E", "S", ("seal", "SealUse")),
            ("S", "E", "all is decided again, in the moment of sealing"),
            ("", "", "alt the seal was put"),
            ("E", "S", ("confirm_sealed", "SealUse")),
            ("S", "P", "SealUse SEALED, SigningTask SIGNED"),
            ("", "", "else no seal was put, or sealing was denied"),
            ("E", "S", ("report_not_sealed", "SealUse")),
            ("S", "P", "SealUse NOT_SEALED, the count comes back"),
            ("", "", "else nothing is reported within an hour"),
            ("S", "S", "the sweep: SealUse UNKNOWN, and it counts"),
            ("", "", "end"),
        ),
    ),
    "Retrieval": (
        "From an enterprise that nobody runs any more to its new administrator, by documents.",
        (("P", "applicant"), ("S", "SealAuthz"), ("R", "reviewers"), ("C", "those concerned")),
        (
            ("P", "S", ("retrieve", "Enterprise")),
            ("P", "S", ("certify", "RetrievalCase")),
            ("P", "S", ("submit", "RetrievalCase")),
            ("S", "R", "event RETRIEVAL_SUBMITTED"),
            ("R", "S", ("review", "RetrievalCase")),
            ("S", "C", "event RETRIEVAL_NOTICE_WANTED; the platform writes to them"),
            ("R", "S", ("publish_notice", "RetrievalCase")),
            ("S", "C", "event RETRIEVAL_NOTICE; the time to object runs"),
            ("", "", "opt somebody objects"),
            ("C", "S", ("object", "RetrievalCase")),
            ("R", "S", ("adjudicate", "RetrievalCase")),
            ("", "", "end"),
            ("P", "S", ("execute", "RetrievalCase")),
            ("S", "C", "event RETRIEVAL_EXECUTED: roles and grants end, in one write"),
            ("", "", "opt a former administrator appeals"),
            ("C", "S", ("appeal", "RetrievalCase")),
            ("R", "S", ("decide_appeal", "RetrievalCase")),
            ("", "", "end"),
        ),
    ),
}
"""The flows: what each is, who takes part, and its steps in their order."""


class State(NamedTuple):
    """A state in one column of one record type."""

    record_type: str
    column: str
    value: str


_COMPLETED = State("SealUseRequest", "state", "COMPLETED")
NEVER: Mapping[tuple[str, str], frozenset[State]] = {
    # What is only reserved may come back: the engine's report completes the request.
    ("use", "Seal"): frozenset({_COMPLETED}),
    ("auto_use", "Seal"): frozenset({_COMPLETED}),
    ("emergency_use", "Seal"): frozenset({_COMPLETED}),
}
"""What an act does not write, although its source names it for others."""

ALSO: Mapping[tuple[str, str], frozenset[State]] = {
    # The new task stands where the old one stood.
    ("transfer", "SigningTask"): frozenset(State("SigningTask", "state", state) for state in ("WAITING", "PENDING")),
}
"""What an act writes and its source does not name."""


Written = Mapping[State, set[str]]


@cache
def lives() -> Mapping[tuple[str, str], Life]:
    """The lives, by record type and column."""
    return {(name, life.column): life for name, shape in MODEL.shapes.items() for life in shape.rules_of(Life)}


@cache
def enums() -> Mapping[type, tuple[tuple[str, str], ...]]:
    """The columns with a life, by the enum of their states."""
    found: dict[type, list[tuple[str, str]]] = defaultdict(list)
    for record_type, column in lives():
        cls = MODEL.records[record_type]
        module = vars(sys.modules[cls.__module__])
        written = next(each.type for each in dataclasses.fields(cls) if each.name == column)
        found[module[str(written)]].append((record_type, column))
    return {states: tuple(places) for states, places in found.items()}


class Reader(ast.NodeVisitor):
    """Collects the states that a function names as members of their enums, and what else it calls or names."""

    def __init__(self, known: Mapping[str, Any], resource_type: str) -> None:
        self._known = known
        self._resource_type = resource_type
        self.states: set[State] = set()
        self.others: list[Any] = []

    def visit_Compare(self, node: ast.Compare) -> None:
        """Look past what is only compared."""
        for part in (node.left, *node.comparators):
            if not isinstance(part, ast.Attribute):
                self.visit(part)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Take a member of an enum, or a method of what ends in an act."""
        base = self._known.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if inspect.isclass(base) and base in enums():
            self.states |= _states(getattr(base, node.attr))
        elif inspect.ismodule(base) and base.__name__.startswith(EFFECTS):
            self._take(getattr(base, node.attr))
        elif isinstance(node.value, ast.Name) and node.value.id in ("ending", "self"):
            self._take(vars(Ending).get(node.attr))
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Take a function, a constant or a record type."""
        self._take(self._known.get(node.id))

    def visit_Match(self, node: ast.Match) -> None:
        """Take the case of the resource's type, where the type is what is told apart."""
        cases = node.cases
        if ast.unparse(node.subject).endswith(".__name__") and self._resource_type:
            own = [case for case in cases if ast.unparse(case.pattern) == repr(self._resource_type)]
            cases = own or [case for case in cases if ast.unparse(case.pattern) == "_"]
        for case in cases:
            for statement in case.body:
                self.visit(statement)

    def visit_Call(self, node: ast.Call) -> None:
        """Take a record that is made: in which state it begins."""
        made = self._known.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if inspect.isclass(made) and MODEL.records.get(made.__name__) is made:
            fields = [each.name for each in dataclasses.fields(made)]
            given = {*fields[: len(node.args)], *(each.arg for each in node.keywords)}
            for record_type, column in lives():
                if record_type == made.__name__ and column not in given:
                    default = next(each.default for each in dataclasses.fields(made) if each.name == column)
                    self.states.add(State(record_type, column, str(default)))
        self.generic_visit(node)

    def _take(self, found: Any) -> None:
        if inspect.isfunction(found) and found.__module__.startswith(EFFECTS):
            self.others.append(found)
        elif isinstance(found, Mapping | tuple | frozenset):
            self.states |= set(_members(found))


def _members(found: Any) -> Iterator[State]:
    """The states in a constant."""
    if isinstance(found, enum.Enum):
        yield from _states(found)
    elif isinstance(found, Mapping):
        for value in found.values():
            yield from _members(value)
    elif isinstance(found, tuple | frozenset):
        for value in found:
            yield from _members(value)


def _states(member: enum.Enum) -> set[State]:
    return {State(*place, str(member)) for place in enums().get(type(member), ())}


@cache
def written_by(function: Callable[..., Any], resource_type: str = "") -> frozenset[State]:
    """The states that a function of the effects, or any that it calls, writes, on a resource of a type."""
    states: set[State] = set()
    seen: set[Any] = set()
    waiting: list[Any] = [function]
    while waiting:
        taken = waiting.pop()
        if taken in seen:
            continue
        seen.add(taken)
        reader = Reader(taken.__globals__, resource_type)
        tree = ast.parse(textwrap.dedent(inspect.getsource(taken)))
        for statement in tree.body[0].body:  # type: ignore[attr-defined]
            reader.visit(statement)
        states |= reader.states
        waiting += reader.others
    return frozenset(states)


def written_by_acts(bundle: Bundle) -> Mapping[State, tuple[str, ...]]:
    """Who writes each state: acts, as they are shown in the section of its record, and the sweep."""
    found: dict[State, dict[str, None]] = defaultdict(dict)
    for (name, type_), action in sorted(MODEL.actions.items()):
        states: set[State] = set()
        if action.effect is not None:
            states |= written_by(action.effect, type_)
        for code, names in _obligations(bundle, name, type_):
            meet = MODEL.duties[code].meet
            counted = {COUNTED_ON[each] for each in names & COUNTED_ON.keys()}
            used_up = written_by(meet, type_) if meet is not None else frozenset()
            states |= {state for state in used_up if not counted or state.record_type in counted}
        states |= _chosen(action.arguments) | ALSO.get((name, type_), frozenset())
        states -= NEVER.get((name, type_), frozenset())
        for state in states:
            if _is_of(state, type_, states):
                found[state][f"`{name}`" if state.record_type == type_ else f"`{name}` on {type_}"] = None
    for sweep in MODEL.sweeps:
        for state in written_by(sweep.write, sweep.record_type):
            if state.record_type == sweep.record_type:
                found[state]["the sweep"] = None
    return {state: tuple(sorted(by, key=lambda each: (" on " in each, each))) for state, by in found.items()}


def _obligations(bundle: Bundle, name: str, type_: str) -> Iterator[tuple[str, set[str]]]:
    """The obligations of an act, each with what it may name."""
    named = named_by_obligations(bundle.rulebook).get((name, type_), {})
    for code in bundle.rulebook.obligations.get((name, type_), ()):
        yield code, set(named.get(code, ()))


def _is_of(state: State, type_: str, states: set[State]) -> bool:
    """Tell whether an act on a type writes a state: where types share their states, only that of its own type."""
    sharing = {each.record_type for each in states if (each.column, each.value) == (state.column, state.value)}
    alike = {each for places in enums().values() for each, _ in places if len(places) > 1}
    return state.record_type == type_ or type_ not in sharing & alike or state.record_type not in alike


def _chosen(arguments: type | None) -> set[State]:
    """The states that the client chooses by an argument."""
    if arguments is None:
        return set()
    module = vars(sys.modules[arguments.__module__])
    named = [str(each.type).partition(" |")[0] for each in dataclasses.fields(arguments)]
    return {
        state
        for name in named
        if inspect.isclass(module.get(name)) and module[name] in enums()
        for each in module[name]
        for state in _states(each)
    }


# --- the page ---------------------------------------------------------------------------------------------------------


def page(bundle: Bundle) -> Iterator[str]:
    """Yield the lines of the page."""
    written = written_by_acts(bundle)
    yield "# Lives"
    yield ""
    yield "Written by `tools/lives_doc.py` from the lives of the records and the effects of the acts; do not edit."
    yield ""
    yield from INTRODUCTION.splitlines()
    for title, (says, people, steps) in FLOWS.items():
        yield ""
        yield f"## {title}, step by step"
        yield ""
        yield says
        yield ""
        yield from _flow(people, steps)
    for (record_type, column), life in sorted(lives().items()):
        yield ""
        yield f"## {record_type}" + ("" if column == "state" else f": `{column}`")
        yield ""
        yield f"{_says(record_type)} {_owner(record_type, column, life, written)}"
        yield ""
        yield from _diagram(record_type, column, life, written)
        yield ""
        yield "| state | written by |"
        yield "|---|---|"
        for state in _states_of(life):
            place = State(record_type, column, state)
            nobody = "imports only" if _is_owned(record_type, column) else "the world outside"
            yield f"| {state} | {', '.join(written.get(place, ())) or nobody} |"


def _flow(
    people: tuple[tuple[str, str], ...], steps: tuple[tuple[str, str, str | tuple[str, str]], ...]
) -> Iterator[str]:
    yield "```mermaid"
    yield "sequenceDiagram"
    for short, name in people:
        yield f"    participant {short} as {name}"
    for sender, receiver, what in steps:
        if not sender:
            yield f"    {what}"
        elif isinstance(what, str):
            for code in (word.strip(";:,") for word in what.split() if word.isupper() and "_" in word):
                if code not in MODEL.events and not any(state.value == code for state in _all_states()):
                    raise KeyError(f"`{code}` is no event and no state")
            yield f"    {sender}-->>{receiver}: {what.replace(';', ',')}"
        else:
            action, type_ = what
            MODEL.action(action, type_)
            yield f"    {sender}->>{receiver}: {action} on {type_}"
    yield "```"


def _all_states() -> set[State]:
    return {State(*place, state) for place, life in lives().items() for state in _states_of(life)}


def _diagram(record_type: str, column: str, life: Life, written: Mapping[State, tuple[str, ...]]) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    steps = [(before, after, False) for before, later in life.forward.items() for after in later]
    steps += [(before, after, True) for before, earlier in life.back.items() for after in earlier]
    for state in _states_of(life):
        if state in life.initial:
            yield f"    [*] --> {state}"
    for before, after, is_back in steps:
        is_only = sum(target == after for _, target, _ in steps) == 1 and after not in life.initial
        by = [each.replace("`", "") for each in written.get(State(record_type, column, after), ())] if is_only else []
        said = ", ".join(by) if len(by) <= 3 else ""
        label = f"back {said}".strip() if is_back else said
        yield f"    {before} --> {after}" + (f" : {label}" if label else "")
    for state in _states_of(life):
        if not life.reachable(state):
            yield f"    {state} --> [*]"
    yield "```"


def _states_of(life: Life) -> list[str]:
    """The states of a life, in the order in which it names them."""
    named = [state for before, later in life.forward.items() for state in (before, *later)]
    order = [*life.forward, *named]
    return list(dict.fromkeys(order))


def _is_owned(record_type: str, column: str) -> bool:
    return any(rule.owns(column) for rule in MODEL.shapes[record_type].rules_of(OwnedByActs))


def _owner(record_type: str, column: str, life: Life, written: Mapping[State, tuple[str, ...]]) -> str:
    """Say in a sentence who writes the column."""
    if _is_owned(record_type, column):
        return "Acts own it."
    if any(State(record_type, column, state) in written for state in _states_of(life)):
        return "The world outside writes it, and so do acts."
    return "The world outside alone writes it."


def _says(record_type: str) -> str:
    """The first sentence about a record."""
    text = " ".join((inspect.getdoc(MODEL.records[record_type]) or "").partition("\n\n")[0].split())
    return text if text.endswith(".") else f"{text}."


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    options = parser.parse_args()
    text = "\n".join(page(Bundle.load(MODEL, cache=bundle_cache()))) + "\n"
    if not options.check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        print(f"{TARGET.relative_to(ROOT)} is not what the model says: run python tools/lives_doc.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
