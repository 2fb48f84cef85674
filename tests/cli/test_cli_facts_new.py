"""`facts new` writes what `facts import` takes, and what it then tells to ask is allowed."""

import shlex

import pytest


@pytest.mark.parametrize("story", ["seal-use", "company"])
def test_what_is_told_to_ask_is_allowed(sealauthz, story):
    assert sealauthz("db", "upgrade")[0] == 0
    code, _, err = sealauthz("facts", "new", story, "--prefix", "shop", "--write", "facts.jsonl")
    assert code == 0
    assert sealauthz("facts", "import", "facts.jsonl")[0] == 0
    (line,) = [line for line in err.splitlines() if line.startswith("  sealauthz check ")]
    code, out, _ = sealauthz(*shlex.split(line)[1:])
    assert (code, out.split()[0]) == (0, "ALLOW")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("seal-us",), "did you mean `seal-use`?"),
        (("company", "--prefix", "A b"), "--prefix takes small letters, digits and dashes"),
    ],
)
def test_wrong_use_is_told(sealauthz, arguments, said):
    code, out, err = sealauthz("facts", "new", *arguments)
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())
