"""oso, made strict: what it would swallow raises, and what would kill the process does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sealauthz.polar import Source
from sealauthz.polar.reference import FREE, ReferenceEngine
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed, FactNotLoaded


@dataclass(slots=True)
class Thing:
    """A record-like class; an unset slot is a relation that is not loaded."""

    name: str
    owner: Thing | None = None
    parts: list[Thing] | None = None


def engine(text: str) -> ReferenceEngine:
    return ReferenceEngine([Source("a.polar", text)], [Thing])


def without(attribute: str) -> Thing:
    thing = Thing("t")
    delattr(thing, attribute)
    return thing


@pytest.mark.parametrize(
    "body",
    [
        "not t.parts = 1",
        "not (_p in t.parts)",
        "forall(p in t.parts, p.name = 1)",
        't.parts = 1 or t.name = "t"',
    ],
)
def test_a_relation_that_is_not_loaded_raises_in_any_position(body: str) -> None:
    with pytest.raises(FactNotLoaded):
        engine(f"f(t: Thing) if {body};").holds("f", without("parts"))


@pytest.mark.parametrize("body", ["not t.owner.name = 1", "forall(x = t.owner.name, x = 1)", "t.owner.name = 1"])
def test_an_attribute_of_nothing_raises_in_any_position(body: str) -> None:
    with pytest.raises(EvaluationFailed):
        engine(f"f(t: Thing) if {body};").holds("f", Thing("t"))


@pytest.mark.parametrize("body", ["not t.nome = 1", "t.nome = 1"])
def test_a_misspelt_attribute_raises_in_any_position(body: str) -> None:
    with pytest.raises(EvaluationFailed):
        engine(f"f(t: Thing) if {body};").holds("f", Thing("t"))


def test_thousands_of_elements_under_a_negation_do_not_kill_the_process() -> None:
    """A native list of 5,000 overflows the stack of oso, which then takes the process with it."""
    many = Thing("t", None, [Thing("part")] * 6_000)
    assert engine('f(t: Thing) if not (p in t.parts and p.name != "part");').holds("f", many)


def test_an_endless_recursion_is_an_error_not_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLAR_TIMEOUT_MS", "500")  # its memory grows to the end
    with pytest.raises(EvaluationFailed):
        engine("f(x) if f(x);").holds("f", 1)


def test_an_undefined_rule_and_a_wrong_type_are_errors() -> None:
    loaded = engine('f(x) if x < "a";')
    with pytest.raises(EvaluationFailed):
        loaded.holds("g", 1)
    with pytest.raises(EvaluationFailed):
        loaded.holds("f", Thing("t"))


def test_each_finds_every_value_once() -> None:
    loaded = engine('f("a", 1);\nf("a", 2);\nf("b", 1);\nf("a", 1);\n')
    assert loaded.each("f", "a", FREE) == [(1,), (2,)]
    assert sorted(loaded.each("f", FREE, FREE)) == [("a", 1), ("a", 2), ("b", 1)]


def test_a_file_that_oso_refuses_names_file_line_and_column() -> None:
    with pytest.raises(BundleRefused) as raised:
        engine("# ok\nf(x) if g(x);")
    assert (raised.value.file, raised.value.line) == ("a.polar", 2)
    assert "help.osohq.com" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_class_in_a_head_is_refused_not_warned_about() -> None:
    with pytest.raises(BundleRefused):
        engine("f(_: Thingg);")


@pytest.fixture
def no_output(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("no_output")
def test_an_error_after_non_ascii_text_does_not_abort_the_process_and_prints_nothing() -> None:
    with pytest.raises(BundleRefused):
        engine("# éééééé 印章印章印章\nf(x) if x = 1")
    with pytest.raises(EvaluationFailed):
        engine("# éééééé 印章印章印章\nf(x) if x < 1;").holds("f", "text")


WITHOUT_OSO = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("oso", "polar", "_polar_lib"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Blocked())
from sealauthz.polar import Source
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
engine = CompiledEngine(parse(Source("a.polar", "f(1);")), {})
assert engine.holds("f", 1)
from sealauthz.polar.reference import ReferenceEngine, ReferenceUnavailable
try:
    ReferenceEngine([Source("a.polar", "f(1);")], [])
except ReferenceUnavailable as error:
    print(error)
"""


def test_without_oso_the_compiled_engine_works_and_the_reference_says_what_is_missing() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_OSO], capture_output=True, text=True, check=False)
    assert done.stdout == "the reference engine needs the extra `oso`, which is not installed here\n", done.stderr


def test_the_compiled_engine_does_not_load_oso() -> None:
    program = "import sys, sealauthz.polar.engine; print({'oso', 'polar'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
