"""`sealauthz-client` is a distribution of its own: it holds the client and nothing else, and needs nothing else."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

import sealauthz
import sealauthz_client

ROOT = Path(sealauthz.__file__).parents[2]
PACKAGE = Path(sealauthz_client.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "v1" not in path.parts)
SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""How an archive is unpacked; CPython 3.11.3 and before know no filters, and the archive is our own."""

EXTRAS = {"assertions": "joserfc", "receipts": "joserfc", "starlette": "starlette"}
"""What needs `sealauthz-client[signatures]` and `sealauthz-client[starlette]`."""


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_says_its_job_and_needs_grpc_and_protobuf_only(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    allowed = {"sealauthz_client", "grpc", "google", *filter(None, [EXTRAS.get(path.stem)])}
    assert {name.split(".")[0] for name in imports_of(path)} - sys.stdlib_module_names <= allowed


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {path.stem for path in MODULES}
    graph = {
        path.stem: {name.split(".")[1] for name in imports_of(path) if name.startswith("sealauthz_client.")} & names
        for path in MODULES
        if path.stem not in ("__init__", *EXTRAS)  # they name types only
    }
    graphlib.TopologicalSorter(graph).prepare()


def test_all_names_are_there_and_load_only_what_they_need() -> None:
    assert all(getattr(sealauthz_client, name) is not None for name in sealauthz_client.__all__)
    assert sorted(sealauthz_client._MODULES) == sorted(sealauthz_client.__all__)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = sealauthz_client.nothing_like_it
    program = "import sys, sealauthz_client.answers, sealauthz_client.receipts; print('grpc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"


def test_server_and_client_are_of_one_version() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert sealauthz.__version__ == sealauthz_client.__version__
    assert f"sealauthz-client=={sealauthz.__version__}" in needed


def build(target: str, source: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(out)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=60)
    (made,) = out.iterdir()
    return made


ALONE = """
import importlib, pkgutil, sys

ALLOWED = {"sealauthz_client", "grpc", "google", "typing_extensions", *sys.stdlib_module_names}


class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in ALLOWED or name.startswith("google.rpc"):
            raise ModuleNotFoundError(f"`{name}` is not installed", name=name)


sys.path.insert(0, sys.argv[1])
sys.meta_path.insert(0, Nothing())
import sealauthz_client

assert sealauthz_client.__file__.startswith(sys.argv[1]), sealauthz_client.__file__
for found in pkgutil.walk_packages(sealauthz_client.__path__, "sealauthz_client."):
    try:
        importlib.import_module(found.name)
    except ModuleNotFoundError as error:
        print(found.name, error.name)
with sealauthz_client.SealAuthzClient("127.0.0.1:1", "a token", insecure=True, timeout_s=0.01) as client:
    try:
        client.authorize("Person:P1", "use", "Seal:S1")
    except sealauthz_client.CallFailed as error:
        print(error.code.name)
"""


@pytest.mark.slow
def test_the_wheel_made_from_the_source_distribution_works_alone(tmp_path: Path) -> None:
    source = build("sdist", ROOT / "client", tmp_path / "sdist")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path / "source", **SAFELY)
    (unpacked,) = (tmp_path / "source").iterdir()
    wheel = build("wheel", unpacked, tmp_path / "wheel")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith("METADATA"))
        said = Parser().parsestr(archive.read(metadata).decode())
    assert {name.split("/")[0] for name in names} == {"sealauthz_client", metadata.split("/")[0]}
    assert {name for name in names if name.endswith(".py") and "/v1/" not in name} == {
        f"sealauthz_client/{path.relative_to(PACKAGE)}" for path in MODULES
    }
    assert "sealauthz_client/py.typed" in names
    assert said["Version"] == sealauthz.__version__
    unconditional = [each for each in said.get_all("Requires-Dist", []) if "extra ==" not in each]
    assert sorted(each.split(">=")[0] for each in unconditional) == ["grpcio", "protobuf"]

    command = [sys.executable, "-I", "-c", ALONE, str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    *missing, code = done.stdout.splitlines()
    assert missing == [f"sealauthz_client.{name} {package}" for name, package in sorted(EXTRAS.items())]
    assert code in ("UNAVAILABLE", "DEADLINE_EXCEEDED")
