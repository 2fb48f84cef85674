"""The syntax tree of a policy: small classes that nobody changes, each with the place where it stands.

Names follow the Polar reference. A tree says what was written; nothing is resolved, rewritten or checked here.
"""

from __future__ import annotations

from sealauthz.polar.unchanging import unchanging


@unchanging
class Place:
    """Where something stands: file, and line and column of its first character, counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


# --- terms ----------------------------------------------------------------------------------------------------------


@unchanging
class Literal:
    """A string, a number or a boolean. `value` has exactly the type `str`, `int`, `float` or `bool`.

    It is None for `nil` in the clauses of a program, which resolves names; the parser leaves `nil` a variable.
    """

    value: str | int | float | bool | None
    place: Place


@unchanging
class Variable:
    """A variable, or the name of a class or constant. `_` alone is anonymous: a fresh one each time it stands."""

    name: str
    place: Place


@unchanging
class ListTerm:
    """A list: its items, and the variable behind `*` that takes the rest."""

    items: tuple[Term, ...]
    rest: Variable | None
    place: Place


@unchanging
class DictTerm:
    """A dictionary: keys with their values, in the order written."""

    fields: tuple[tuple[str, Term], ...]
    place: Place


@unchanging
class Attribute:
    """`base.name`; `arguments` is None for an attribute, a tuple for a method call. `place` is that of the name."""

    base: Term
    name: str
    arguments: tuple[Term, ...] | None
    place: Place


@unchanging
class Call:
    """`name(arguments)`: a call of a rule."""

    name: str
    arguments: tuple[Term, ...]
    place: Place


@unchanging
class Not:
    """`not term`."""

    term: Term
    place: Place


@unchanging
class And:
    """`a and b and …`: two parts or more."""

    parts: tuple[Term, ...]
    place: Place


@unchanging
class Or:
    """`a or b or …`: two parts or more."""

    parts: tuple[Term, ...]
    place: Place


@unchanging
class Forall:
    """`forall(condition, action)`: the action holds for every solution of the condition."""

    condition: Term
    action: Term
    place: Place


@unchanging
class Unify:
    """`left = right`."""

    left: Term
    right: Term
    place: Place


@unchanging
class Assign:
    """`variable := term`."""

    variable: Variable
    term: Term
    place: Place


@unchanging
class Compare:
    """A comparison; `operator` is one of `== != < <= > >=`."""

    operator: str
    left: Term
    right: Term
    place: Place


@unchanging
class Arithmetic:
    """An arithmetic operation; `operator` is one of `+ - * / mod rem`."""

    operator: str
    left: Term
    right: Term
    place: Place


@unchanging
class In:
    """`item in collection`."""

    item: Term
    collection: Term
    place: Place


@unchanging
class Matches:
    """`term matches pattern`."""

    term: Term
    pattern: Pattern
    place: Place


Term = (
    Literal
    | Variable
    | ListTerm
    | DictTerm
    | Attribute
    | Call
    | Not
    | And
    | Or
    | Forall
    | Unify
    | Assign
    | Compare
    | Arithmetic
    | In
    | Matches
)


# --- patterns -------------------------------------------------------------------------------------------------------


@unchanging
class TypePattern:
    """`Name` or `Name{key: pattern, …}`; `fields` is empty for the plain form."""

    name: str
    fields: tuple[tuple[str, Pattern], ...]
    place: Place


@unchanging
class DictPattern:
    """`{key: pattern, …}`."""

    fields: tuple[tuple[str, Pattern], ...]
    place: Place


Pattern = TypePattern | DictPattern | Literal | ListTerm | Variable
"""A pattern. Inside the fields of a pattern a Variable binds or compares; on its own it stands for a class
(TypePattern).
"""


# --- statements -----------------------------------------------------------------------------------------------------


@unchanging
class Parameter:
    """One parameter of a rule: a term alone, or a variable with a pattern."""

    term: Term
    pattern: Pattern | None
    place: Place

    @property
    def literal(self) -> str | None:
        """The text, where the parameter is a string."""
        return self.term.value if isinstance(self.term, Literal) and isinstance(self.term.value, str) else None

    @property
    def variable(self) -> str | None:
        """The name, where the parameter is a variable."""
        return self.term.name if isinstance(self.term, Variable) else None

    @property
    def type(self) -> str | None:
        """The class that a variable must be of; None where the parameter names none."""
        return self.pattern.name if isinstance(self.pattern, TypePattern) else None


ALWAYS = "always"
"""The tag of one rule that settles a requirement without a condition on purpose."""


@unchanging
class RuleNode:
    """`name(parameters) if body;` — `body` is None for a fact; `tags` are the rulebook ids of the `#@` line above, and
    `is_always` whether that line says so.
    """

    name: str
    parameters: tuple[Parameter, ...]
    body: Term | None
    tags: tuple[str, ...]
    place: Place
    is_always: bool = False


@unchanging
class RuleTypeNode:
    """`type name(parameters);`."""

    name: str
    parameters: tuple[Parameter, ...]
    place: Place


@unchanging
class Shorthand:
    """`"implied" if "implier";` or `"implied" if "implier" on "relation";` (`relation` is None without `on`)."""

    implied: Literal
    implier: Literal
    relation: Literal | None
    place: Place


@unchanging
class BlockNode:
    """An `actor` or `resource` block. Declarations it does not make are None; `relations` maps names to types."""

    keyword: str
    type: str
    roles: tuple[Literal, ...] | None
    permissions: tuple[Literal, ...] | None
    relations: tuple[tuple[str, str, Place], ...] | None
    shorthands: tuple[Shorthand, ...]
    tags: tuple[str, ...]
    place: Place


Statement = RuleNode | RuleTypeNode | BlockNode
