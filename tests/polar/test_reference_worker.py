"""The reference in a process of its own: it answers like the one in ours, and what kills it kills nothing else."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sealauthz.polar import Source
from sealauthz.polar.isolated import SENT_ALONG, Forms, IsolatedReference, ProcessLost, answer_of
from sealauthz.polar.reference import ReferenceEngine
from sealauthz.polar.runtime import FREE
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed, FactNotLoaded
from sealauthz.schema import Collection

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@dataclass(slots=True)
class Thing:
    name: str
    owner: Thing | None = None
    parts: list[Thing] | None = None


@dataclass(slots=True)
class Special(Thing):
    size: int = 0


CLASSES = (Thing, Special)
Load = Callable[..., IsolatedReference]


@pytest.fixture
def load() -> Iterator[Load]:
    made: list[IsolatedReference] = []

    def load(text: str, seconds: float = 5.0) -> IsolatedReference:
        made.append(IsolatedReference([Source("a.polar", text)], CLASSES, 20.0, seconds))
        return made[-1]

    yield load
    for engine in made:
        engine.close()


def process_of(engine: IsolatedReference) -> int:
    return engine._process.pid


# --- it answers like the engine in this process ---------------------------------------------------------------------

POLICY = """
owned(t: Thing) if t.owner.name = "o";
special(_: Special);
part(t: Thing, p) if p in t.parts;
same(a, b) if a = b;
held(t: Thing, x) if x in [t.name, t.owner, 1, 1.5, true, nil];
made(t: Thing, [t, t.name], {name: t.name});
"""


def test_it_answers_like_the_engine_in_this_process(load: Load) -> None:
    owner = Thing("o")
    thing = Thing("t", owner, Collection([owner, Thing("o"), Special("s", None, None, 3)]))
    isolated, here = load(POLICY), ReferenceEngine([Source("a.polar", POLICY)], CLASSES)
    for engine in (isolated, here):
        assert engine.holds("owned", thing)
        assert not engine.holds("owned", 1)
        assert not engine.holds("special", thing)
        assert engine.holds("special", Special("s"))
        assert engine.holds("same", thing, thing)
        assert engine.holds("same", Thing("o"), owner)
        assert not engine.holds("same", Thing("o"), Special("o"))
        assert engine.each("held", thing, FREE) == [("t",), (owner,), (1,), (1.5,), (True,), (None,)]
        assert engine.each("made", thing, FREE, FREE) == [([thing, "t"], {"name": "t"})]
    assert [values[0] for values in isolated.each("part", thing, FREE)] == [thing.parts[0], thing.parts[2]]
    assert isolated.each("held", thing, FREE)[1][0] is owner


def test_the_records_of_an_answer_are_those_of_the_question(load: Load) -> None:
    parts = [Thing(str(number)) for number in range(3 * SENT_ALONG)]
    found = load(POLICY).each("part", Thing("t", None, parts), FREE)
    assert len(found) == len(parts)
    assert all(values[0] is part for values, part in zip(found, parts, strict=True))


def test_what_was_not_sent_along_is_asked_for(load: Load) -> None:
    chain = Thing("end")
    for number in range(SENT_ALONG + 50):
        chain = Thing(str(number), chain)
    end = load('end(t: Thing) if t.name = "end" or end(t.owner);')
    assert end.holds("end", chain)


def test_a_relation_that_is_not_loaded_raises(load: Load) -> None:
    thing = Thing("t")
    del thing.parts
    with pytest.raises(FactNotLoaded):
        load("f(t: Thing) if not t.parts = 1;").holds("f", thing)


def test_errors_are_errors_and_the_process_lives_on(load: Load) -> None:
    engine = load('f(x) if x < "a";\ng(t: Thing) if not t.owner.name = 1;\nh(x) if h(x);\ni(_x);')
    first = process_of(engine)
    for question in (("f", 1), ("g", Thing("t")), ("h", 1), ("i", FREE), ("nothing", 1)):
        with pytest.raises(EvaluationFailed):
            engine.each(*question)
    with pytest.raises(EvaluationFailed, match="does not take"):
        engine.holds("i", object())
    assert engine.holds("i", 1)
    assert process_of(engine) == first


def test_a_refusal_names_file_and_line(load: Load) -> None:
    with pytest.raises(BundleRefused) as raised:
        load("# ok\nf(x) if g(x);")
    assert (raised.value.file, raised.value.line) == ("a.polar", 2)
    assert str(raised.value).count("a.polar") == 1


# --- what kills oso -------------------------------------------------------------------------------------------------

DEEP = 200_000


@pytest.mark.parametrize(
    "text",
    [
        "f(x) if " + "not (" * DEEP + "x = 1" + ")" * DEEP + ";",
        "f(x) if x = " + "[" * 5 * DEEP + "]" * 5 * DEEP + ";",
        "f(x) if x = " + "+".join(["1"] * 5 * DEEP) + ";",
        "f(x) if " + " and ".join(["x = 1"] * 60_000) + ";",
    ],
    ids=["brackets", "lists", "sums", "conjunctions"],
)
def test_text_that_kills_or_hangs_the_process_is_refused(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(BundleRefused, match="when it loaded the policies"):
        IsolatedReference([Source("a.polar", text)], CLASSES, load_deadline_s=3.0)
    assert time.monotonic() - started < 10


def test_non_ascii_text_before_an_error_is_an_error(load: Load) -> None:
    """Unpadded it aborts the process, when it is loaded and when it is asked."""
    with pytest.raises(BundleRefused, match=r"a\.polar:3"):
        # The text ends on the line of the padding.
        load("# éééééé 印章印章印章\nf(x) if x = 1")
    with pytest.raises(EvaluationFailed):
        load("# éééééé 印章印章印章\nf(x) if x < 1;").holds("f", "text")


@pytest.mark.parametrize(
    ("text", "seconds", "room"),
    [
        # To fill all that it may have takes 14 s of a core; that it may have no more is shown below.
        pytest.param("f(x) if not f(x);\nok(_);", 20.0, 200 * 2**20, marks=linux_only),
        ("f(x) if not f(x);\nok(_);", 0.5, None),
        ("f(t: Thing) if f(t.owner);\nf(t: Thing) if f(t.owner);\nok(_);", 0.5, None),
    ],
    ids=["memory", "time", "cycle"],
)
def test_a_question_that_kills_or_hangs_the_process_is_an_error(
    load: Load, text: str, seconds: float, room: int | None
) -> None:
    engine = load(text, seconds)
    lost = process_of(engine)
    if room is not None:
        has = int(Path(f"/proc/{lost}/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.prlimit(lost, resource.RLIMIT_AS, (has + room, has + room))
    cycle = Thing("a", Thing("b"))
    assert cycle.owner is not None
    cycle.owner.owner = cycle
    started = time.monotonic()
    with pytest.raises(EvaluationFailed):
        engine.holds("f", cycle)
    assert time.monotonic() - started < seconds + 1
    assert engine.holds("ok", 1)
    if process_of(engine) == lost:
        pytest.skip("oso gave up by itself")


def test_thousands_of_elements_under_a_negation_are_answered(load: Load) -> None:
    many = Thing("t", None, [Thing("part")] * 6_000)
    assert load('f(t: Thing) if not (p in t.parts and p.name != "part");').holds("f", many)


def test_a_process_that_is_killed_is_replaced(load: Load) -> None:
    engine = load("f(1);")
    os.kill(process_of(engine), 9)
    time.sleep(0.1)
    assert engine.holds("f", 1)


def test_a_closed_engine_answers_nothing(load: Load) -> None:
    engine = load("f(1);")
    engine.close()
    with pytest.raises(EvaluationFailed):
        engine.holds("f", 1)


# --- the process ----------------------------------------------------------------------------------------------------


@linux_only
def test_the_process_has_limits_and_nothing_of_ours(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALAUTHZ_SECRET", "hidden")
    with Path("/etc/hostname").open(encoding="utf-8") as file:
        os.set_inheritable(file.fileno(), True)
        engine = load("f(1);")
        process = Path(f"/proc/{process_of(engine)}")
        targets = {str(link.readlink()) for link in (process / "fd").iterdir()}
    assert engine.holds("f", 1)
    assert (process / "environ").read_bytes() == b""
    assert (process / "cwd").readlink() == Path("/")
    assert {target.split(":")[0] for target in targets} == {"/dev/null", "pipe"}
    limits = {line[:26].strip(): line[26:].split()[:2] for line in (process / "limits").read_text().splitlines()}
    for name in ("Max open files", "Max file size", "Max core file size", "Max processes"):
        assert limits[name] == ["0", "0"]
    assert int(limits["Max address space"][1]) <= 1536 * 1024 * 1024
    assert int(limits["Max cpu time"][0]) < 120


@linux_only
def test_a_process_with_these_limits_opens_neither_files_nor_sockets() -> None:
    program = """
import resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
for attempt in (lambda: open("/etc/hostname"), socket.socket, lambda: open(0, closefd=False).close() or open("/x")):
    try:
        attempt()
    except OSError as error:
        print(error.errno)
    else:
        print("opened")
"""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["24", "24", "24"]


def test_the_process_ends_when_its_engine_does() -> None:
    engine = IsolatedReference([Source("a.polar", "f(1);")], CLASSES)
    process = engine._process._process
    del engine
    assert process.poll() is not None


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"holds": 1},
        {"holds": "true"},
        {"each": [[["r", 7]]]},
        {"each": [[["r", -1]]]},
        {"each": [[["r", True]]]},
        {"each": [[["x"]]]},
        {"each": [[[]]]},
        {"each": [[{"a": 1}]]},
        {"each": [1]},
        {"failed": 1},
        {"fetch": 0},
    ],
    ids=str,
)
def test_an_answer_that_makes_no_sense_is_no_answer(message: dict[str, object]) -> None:
    forms = Forms(CLASSES)
    forms.of(Thing("t"))
    with pytest.raises(ProcessLost):
        answer_of(message, forms)


# --- without oso ----------------------------------------------------------------------------------------------------

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
    assert done.stdout == "the reference engine needs `oso`, which is not installed here\n", done.stderr


def test_the_compiled_engine_does_not_load_oso() -> None:
    program = "import sys, sealauthz.polar.engine, sealauthz.polar.isolated; print({'oso', 'polar'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
