"""Policies that take far more work than their text is long, unless each analysis has a bound."""

from __future__ import annotations

from collections.abc import Callable


def mutual_recursion(size: int) -> str:
    """Rules that all call each other."""
    return "".join(
        f'm{i}(person: Person, x) if person.id = "p{i}" or '
        + " or ".join(f"m{j}(person, x)" for j in range(size) if j != i)
        + ";\n"
        for i in range(size)
    )


def wide_helpers(size: int) -> str:
    """Helpers of eight arguments, each called with two words at each place."""
    names = [f"a{k}" for k in range(8)]

    def called(depth: int, at: int, word: str) -> str:
        given = ", ".join([*names[:at], f'"{word}{depth}"', *names[at + 1 :]])
        return f"h{depth}({given})"

    rules = [
        f"h{depth}({', '.join(names)}) if "
        + " or ".join(called(depth + 1, at, word) for at in range(8) for word in "uv")
        + ";\n"
        for depth in range(size)
    ]
    return "".join(rules) + f'h{size}({", ".join(names)}) if a0 = "u";\n'


def fact_joins(size: int) -> str:
    """A rule that calls the same facts four times for different variables."""
    facts = "".join(f'k("w{i}");\n' for i in range(size))
    calls = " and ".join([*(f"k(x{j})" for j in range(4)), *(f"x{j} = p.id" for j in range(4))])
    return f"{facts}joined(p: Person) if {calls};\n"


def nested_negations(size: int) -> str:
    """Negations inside each other, each of which gives a variable a value last."""
    term = 's.state = "ACTIVE"'
    for i in range(size):
        term = f'not ({term} and x{i} in e.seals and x{i}.state = "DISABLED")'
    return f"nested(e: Enterprise, s: Seal) if {term};\n"


def groups(size: int) -> str:
    """A group of many actions that requires as many requirements."""
    actions, needs = (", ".join(f'"{letter}{i}"' for i in range(size)) for letter in "aR")
    return f'group("G", _: Seal, [{actions}]);\ngroup_requires("G", [{needs}]);\n'


def long_list(size: int) -> str:
    """A long list of words that a column is compared with."""
    words = ", ".join(f'"w{i}"' for i in range(size))
    return f"listed(p: Person) if p.id in [{words}];\n"


def answers_by_shape(size: int) -> str:
    """Clauses of a search that all begin with a different condition."""
    clauses = "".join(f'has(p: Person, "r{i}") if s in ["w{i}"] and p.id = s;\n' for i in range(size))
    return f"found(p: Person) if has(p, x) and p.id = x;\n{clauses}"


def nested_alternatives(size: int) -> str:
    """`or` in `and` in `or`."""
    term = 'p.id = "z"'
    for i in range(size):
        term = f'(p.id = "a{i}" or (p.id != "b{i}" and {term}))'
    return f"deep(p: Person) if {term};\n"


def nested_foralls(size: int) -> str:
    """`forall` in `forall`."""
    term = 'x0.state = "ACTIVE"'
    for i in range(size):
        term = f"forall(x{i} in e.seals, {term})"
    return f"all_of(e: Enterprise) if {term};\n"


def long_chain(size: int) -> str:
    """Rules that call one another in a row."""
    return "".join(f"c{i}(p: Person) if c{i + 1}(p);\n" for i in range(size)) + f'c{size}(p: Person) if p.id = "x";\n'


def chain_of_negations(size: int) -> str:
    """Rules of which each asks that the next one does not hold."""
    return (
        "".join(f"n{i}(p: Person) if not n{i + 1}(p);\n" for i in range(size)) + f'n{size}(p: Person) if p.id = "x";\n'
    )


def long_text(size: int) -> str:
    """A rule with a very long text."""
    return f'text(p: Person) if p.id = "{"x" * 1_000 * size}";\n'


HOSTILE: dict[str, tuple[Callable[[int], str], int]] = {
    made.__name__: (made, size)
    for made, size in (
        (mutual_recursion, 45),
        (wide_helpers, 7),
        (fact_joins, 100),
        (nested_negations, 20),
        (groups, 2_000),
        (long_list, 20_000),
        (answers_by_shape, 2_000),
        (nested_alternatives, 25),
        (nested_foralls, 28),
        (long_chain, 2_000),
        (chain_of_negations, 4_000),
        (long_text, 900),
    )
}
"""What makes a hostile policy, and of which size it is."""
