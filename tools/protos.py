"""Generates src/sealauthz_client/v1 from protos/, or compares the two (--check).

The protos keep their place, which is that of their package: `sealauthz/v1`. The modules are made for the package that
holds them: where protoc writes its name, that is rewritten, and nothing else is.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"
MODULES = ROOT / "src" / "sealauthz_client" / "v1"

_IMPORTS = re.compile(r"^from sealauthz\.v1 import ", re.MULTILINE)
_PLACES = re.compile(r"\bsealauthz([/.])v1([/.]\w+_pb2)")
"""What else names a module: the classes in it, and the error where grpcio is too old."""


def generated() -> dict[str, str]:
    """Return the text of every module, by the name of its file. Exits where protoc finds an error."""
    protos = sorted(str(path) for path in (PROTOS / "sealauthz" / "v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        outputs = [f"--{kind}_out={scratch}" for kind in ("python", "pyi", "grpc_python")]
        code = protoc.main(["protoc", f"-I{PROTOS}", f"-I{WELL_KNOWN}", *outputs, *protos])
        if code != 0:
            sys.exit(code)
        files = sorted((Path(scratch) / "sealauthz" / "v1").iterdir())
        return {file.name: placed(file.read_text(encoding="utf-8")) for file in files}


def placed(text: str) -> str:
    """Return the text of a module as it stands in `sealauthz_client.v1`."""
    return _PLACES.sub(r"sealauthz_client\1v1\2", _IMPORTS.sub("from sealauthz_client.v1 import ", text))


def main() -> int:
    """Write the modules, or compare them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, and fail if there is a difference")
    arguments = parser.parse_args()
    wanted = generated()
    there = {path.name: path.read_text(encoding="utf-8") for path in MODULES.glob("*_pb2*.py*")}
    different = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if arguments.check:
        for name in different:
            print(f"src/sealauthz_client/v1/{name} is not what protos/ generates: run make proto")
        return 1 if different else 0
    for name in different:
        if name in wanted:
            (MODULES / name).write_text(wanted[name], encoding="utf-8")
        else:
            (MODULES / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
