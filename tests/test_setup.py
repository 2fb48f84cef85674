"""The set-up chooses an interpreter that the policy engine runs on, and the lock is what the project declares."""

import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import sealauthz

ROOT = Path(__file__).parent.parent


def load_setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sealauthz_setup", ROOT / "tools" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


setup = load_setup()


def interpreter(version, implementation="cpython", missing=(), is_optimised=False):
    parts = tuple(map(int, version.split(".")))
    return setup.Interpreter(f"/there/python{version}", parts, implementation, "/there", missing, is_optimised)


@pytest.mark.parametrize("version", ["3.12.0", "3.12.13", "3.11.0", "3.11.15"])
def test_a_cpython_of_3_12_or_3_11_is_accepted(version):
    assert setup.objection(interpreter(version)) is None


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "does not run"),
        (interpreter("3.13.0"), "is Python 3.13.0"),
        (interpreter("3.14.2"), "is Python 3.14.2"),
        (interpreter("3.10.13"), "is Python 3.10.13"),
        (interpreter("3.11.9", implementation="pypy"), "is pypy, not CPython"),
        (interpreter("3.12.1", missing=("sqlite3",)), "is Python 3.12.1, built without sqlite3"),
    ],
)
def test_any_other_interpreter_is_refused_with_its_reason(found, reason):
    assert setup.objection(found) == reason


def test_what_a_source_found_is_believed_only_after_it_was_run():
    answers = {
        "/shim/python3.12": None,
        "/usr/bin/python3.12": interpreter("3.13.5"),
        "/opt/python3.11": interpreter("3.11.2"),
    }
    found, source, passed_over = setup.choose(
        [
            setup.Candidate("first", "/shim/python3.12"),
            setup.Candidate("second", "/usr/bin/python3.12"),
            setup.Candidate("third", None),
            setup.Candidate("fourth", "/opt/python3.11"),
        ],
        answers.get,
    )
    assert (found, source) == (interpreter("3.11.2"), "fourth")
    assert passed_over == [
        "first: /shim/python3.12 does not run",
        "second: /usr/bin/python3.12 is Python 3.13.5",
        "third: none",
    ]


@pytest.mark.parametrize(
    ("optimised", "taken"), [((), "one"), (("two",), "two"), (("three",), "three"), (("one", "two"), "one")]
)
def test_one_that_is_optimised_goes_before_others(optimised, taken):
    of = {name: interpreter("3.12.1", is_optimised=name in optimised) for name in ("one", "two", "three")}
    found, source, _ = setup.choose([setup.Candidate(name, name) for name in ("none", *of)], of.get)
    assert (found, source) == (of[taken], taken)


def test_an_interpreter_says_how_it_was_built():
    found = setup.look(sys.executable, dict(os.environ))
    said = sysconfig.get_config_var("CONFIG_ARGS") or ""
    assert found is not None
    assert found.is_optimised is ("--enable-optimizations" in said or sys.base_prefix == "/usr")


def test_an_interpreter_that_another_hides_on_path_is_found_too(tmp_path, monkeypatch):
    for folder in ("first", "second", "third"):
        (tmp_path / folder).mkdir()
    for place in ("first/python3.11", "second/python3.11"):
        (tmp_path / place).touch(mode=0o755)
    (tmp_path / "third" / "python3.11").symlink_to(tmp_path / "second" / "python3.11")
    path = os.pathsep.join(str(tmp_path / folder) if folder else "" for folder in ("first", "", "second", "third"))
    known = {"3.12": None, "3.11": f"{tmp_path}/first/python3.11"}
    monkeypatch.setattr(setup, "found_by_uv", lambda _uv, _environment, name, _option: known[name])
    found = [candidate.path for candidate in setup.at_hand("uv", {"PATH": path, "PYENV_ROOT": str(tmp_path)})]
    # What two names lead to is run once; that none was found is said.
    assert found == [None, f"{tmp_path}/first/python3.11", f"{tmp_path}/second/python3.11", None]


@pytest.mark.parametrize("here", [interpreter("3.12.1"), interpreter("3.13.0")])
def test_nothing_is_fetched_while_something_suitable_is_at_hand(monkeypatch, here):
    fetched = []

    def fetching(*_):
        fetched.append(True)
        yield setup.Candidate("fetched", "/fetched/python3.12")

    there = {"/there/python3": here, "/fetched/python3.12": interpreter("3.12.9")}
    monkeypatch.setattr(setup, "at_hand", lambda *_: iter([setup.Candidate("at hand", "/there/python3")]))
    monkeypatch.setattr(setup, "fetched", fetching)
    monkeypatch.setattr(setup, "look", lambda path, _environment: there[path])
    found, source = setup.find_python("uv", {})
    assert (found, source, fetched) == (
        (here, "at hand", []) if here.version[1] == 12 else (interpreter("3.12.9"), "fetched", [True])
    )


def test_no_suitable_candidate_gives_none_and_the_whole_search():
    found, _, passed_over = setup.choose(
        [setup.Candidate("only", "/usr/bin/python3")], lambda _path: interpreter("3.13.0")
    )
    assert found is None
    assert passed_over == ["only: /usr/bin/python3 is Python 3.13.0"]


def test_pyenv_versions_come_best_series_first_and_newest_first():
    names = [
        "3.11.7",
        "3.12.1",
        "3.13.0",
        "3.12.10",
        "3.8.18",
        "3.11.10",
        "3.12-dev",
        "pypy3.11-7.3.20",
        "3.12.1t",
        "work",
    ]
    assert setup.newest_first(names) == ["3.12.10", "3.12.1", "3.11.10", "3.11.7"]


@pytest.mark.parametrize(
    ("said", "is_good"),
    [
        ("uv 0.13.8 (x86_64-unknown-linux-gnu)", True),
        ("uv 0.11.0", True),
        ("uv 0.10.9", False),
        ("uv 1.0.0", True),
        ("", False),
    ],
)
def test_an_old_or_broken_uv_is_not_used(said, is_good):
    assert setup.is_new_enough(said) is is_good


def test_the_lock_entry_of_uv_comes_with_its_hashes():
    entry = "uv==0.13.8 \\\n    --hash=sha256:01 \\\n    --hash=sha256:02\n"
    lock = f"a==1 \\\n    --hash=sha256:00\n{entry}    # via\nz==3\n"
    assert setup.locked(lock, "uv") == ("0.13.8", entry)


def test_a_package_that_is_not_locked_is_an_error():
    with pytest.raises(setup.SetupError, match="`uv` is not in"):
        setup.locked("uvloop==1 \\\n    --hash=sha256:00\n", "uv")


def test_the_environment_of_uv_has_no_trace_of_an_activated_environment():
    given = {
        "PATH": f"{setup.VENV / 'bin'}:/usr/bin:/bin",
        "VIRTUAL_ENV": str(setup.VENV),
        "PYTHONPATH": "/x",
        "HOME": "/home/x",
    }
    assert setup.child_environment(given) == {"PATH": "/usr/bin:/bin", "HOME": "/home/x", "UV_SYSTEM_CERTS": "1"}


def test_setup_is_written_for_python_3_8():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "F,E9", "--target-version", "py38", "tools/setup.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CLIENT = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())
PINS = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", LOCK, re.MULTILINE))


def test_every_declared_dependency_is_locked_at_its_lower_bound_or_above():
    declared = [
        *PROJECT["project"]["dependencies"],
        *CLIENT["project"]["dependencies"],
        *CLIENT["build-system"]["requires"],
        *PROJECT["dependency-groups"]["dev"],
        *PROJECT["build-system"]["requires"],
    ]
    # The client is built from this repository, too.
    declared.remove(f"sealauthz-client=={sealauthz.__version__}")
    for requirement in declared:
        match = re.match(r"([A-Za-z0-9-]+)(?:\[\w+\])?(?:[>=]=([0-9.]+))", requirement)
        assert match is not None, requirement
        name, bound = match.groups()
        assert [int(part) for part in re.findall(r"\d+", PINS[name])] >= [int(part) for part in bound.split(".")], (
            requirement
        )


def test_generated_code_and_runtime_are_of_one_grpc_version():
    family = ["grpcio", "grpcio-status", "grpcio-health-checking", "grpcio-reflection", "grpcio-tools"]
    assert {PINS[name] for name in family} == {PINS["grpcio"]}


def test_the_lock_names_no_registry_and_every_entry_has_hashes():
    assert "://" not in LOCK
    assert "index-url" not in LOCK
    entries = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) == len(PINS)
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
