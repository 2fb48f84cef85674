"""Bytes that were not written by the cache of bundles call nothing, whatever they name."""

from __future__ import annotations

import importlib
import pickle
import pickletools
import zlib
from pathlib import Path

import pytest
from tiny.model import TINY

from sealauthz.decision import checking
from sealauthz.decision.stored_analysis import from_bytes
from sealauthz.decision.stored_classes import OF_ANALYSES, OF_BUNDLES
from sealauthz.decision.stored_rules import UNREADABLE, read


def short(text: str) -> bytes:
    return b"\x8c" + bytes((len(text),)) + text.encode()


def named(module: str, name: str) -> bytes:
    """The operations that push what a module has under a name."""
    return short(module) + short(name) + b"\x93"


def stream(operations: bytes) -> bytes:
    return b"\x80\x04" + operations + b"."


def calling(module: str, name: str, *arguments: str) -> bytes:
    """A stream that calls something with texts."""
    return stream(named(module, name) + b"(" + b"".join(map(short, arguments)) + b"tR")


DOTTED = [
    ("sealauthz.decision.bundle_cache", "os.system"),
    ("sealauthz.decision.bundle_cache", "os._wrap_close"),
    ("sealauthz.decision.bundle_cache", "Path"),
    ("sealauthz.decision.stored_rules", "pickle.Unpickler"),
    ("sealauthz.decision.stored_rules", "threading.Thread"),
    ("sealauthz.decision.stored_rules", "io.FileIO"),
    ("sealauthz.decision.stored_rules", "StoredRules"),
    ("sealauthz.polar.syntax", "Place.__class__"),
    ("sealauthz.polar.syntax", "Place.__init__"),
    ("sealauthz.polar.syntax", "Place.__init__.__globals__"),
    ("sealauthz.polar.syntax", "unchanging"),
    ("sealauthz.polar.syntax.Place", "__class__"),
    ("ast", "sys.exit"),
    ("ast", "parse"),
    ("ast", "AST"),
    ("_ast", "Load"),
    ("collections", "Counter.fromkeys"),
    ("collections", "namedtuple"),
    ("os", "system"),
    ("builtins", "getattr"),
    ("builtins", "eval"),
    ("copyreg", "_reconstructor"),
    ("copyreg", "add_extension"),
]


@pytest.mark.parametrize(("module", "name"), DOTTED, ids=lambda each: each)
def test_name_that_is_not_listed_is_unreadable(module: str, name: str) -> None:
    for forged in (stream(named(module, name)), stream(f"c{module}\n{name}\n".encode())):
        with pytest.raises(pickle.UnpicklingError, match="is not a class that the cache of bundles may hold"):
            read(forged)
        with pytest.raises(pickle.UnpicklingError, match="is not a class that the cache of bundles may hold"):
            from_bytes(zlib.compress(forged), checking.types_of(TINY))


def test_dotted_name_runs_nothing(tmp_path: Path) -> None:
    made = tmp_path / "made"
    forged = stream(
        named("sealauthz.decision.stored_rules", "io.FileIO") + b"(" + short(str(made)) + short("w") + b"tR"
    )
    with pytest.raises(UNREADABLE):
        read(forged)
    assert not made.exists()


BROKEN = {
    "truncated": calling("sealauthz.polar.syntax", "Place", "a")[:-3],
    "too few values": calling("sealauthz.polar.syntax", "Place"),
    "a memo that is empty": stream(b"h\x07"),
    "a memo index of two billion": stream(b"Nr\xff\xff\xff\x7f"),
    "a frame beyond the end": b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f.",
    "bytes beyond the end": stream(b"\x8e" + b"\xff" * 7 + b"\x7f"),
    "an extension": stream(b"\x82\x01"),
    "a persistent id": stream(b"N" + b"Q"),
    "an object of a text": stream(short("x") + b")R"),
    "a nested stream": stream(b"(" + named("pickle", "loads") + short("x") + b"tR"),
}


@pytest.mark.parametrize("forged", BROKEN.values(), ids=BROKEN)
def test_broken_stream_is_unreadable(forged: bytes) -> None:
    with pytest.raises(UNREADABLE):
        read(forged)


def test_analysis_that_becomes_too_large_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealauthz.decision.stored_analysis._MAX_BYTES", 1_000)
    with pytest.raises(pickle.UnpicklingError, match="too many"):
        from_bytes(zlib.compress(stream(b"X" + (5_000).to_bytes(4, "little") + b"x" * 5_000)), checking.types_of(TINY))


@pytest.mark.parametrize("listed", [OF_BUNDLES, OF_ANALYSES], ids=["bundles", "analyses"])
def test_listed_names_are_classes_whose_objects_cannot_be_called(
    listed: dict[str, frozenset[str]],
) -> None:
    for module, names in listed.items():
        for name in names:
            cls = getattr(importlib.import_module(module), name)
            assert isinstance(cls, type), f"{module}.{name}"
            assert cls.__qualname__ == name
            assert not any("__call__" in vars(each) for each in cls.__mro__), f"{module}.{name}"
            assert module == "collections" or "__reduce__" not in vars(cls), f"{module}.{name}"


def test_forged_streams_of_these_tests_are_streams() -> None:
    assert [operation.name for operation, _, _ in pickletools.genops(calling("os", "system", "x"))][-2] == "REDUCE"
