"""The documents: every link leads somewhere, and every decision has a status and its line in the index."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = sorted(DECISIONS.glob("[0-9]*.md"))

_FOLDERS = ("client", "deploy", "docs", "examples", "policies", "protos", "tests")

_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`[^`\n]*`")
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def documents() -> list[str]:
    """The Markdown files of the project, by their paths."""
    inside = (path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.md") if "node_modules" not in path.parts)
    return sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *inside))


def text_of(path: Path) -> str:
    """What a document says outside of what it shows as code."""
    return _FENCED.sub("", path.read_text(encoding="utf-8"))


@cache
def anchors(path: Path) -> frozenset[str]:
    """What a link may name in a document: its anchors, and those that git hosts make of headings."""
    text = text_of(path)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in _HEADING.findall(text))
    of_headings = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}
    return frozenset({*of_headings, *_ANCHOR.findall(text)})


@pytest.mark.parametrize("name", documents())
def test_every_link_leads_somewhere(name: str) -> None:
    path = ROOT / name
    wrong = []
    for link in _LINK.findall(_INLINE.sub("", text_of(path))):
        if re.match(r"[a-z]+:", link):
            continue  # elsewhere, and nobody is asked there by a test
        to, _, anchor = link.partition("#")
        target = (path.parent / to).resolve() if to else path
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_every_decision_is_in_the_index_with_its_title_and_status() -> None:
    said = {}
    for page in PAGES:
        heading, status = re.match(r"# (\d+\. .+)\n\nStatus: (.+)\n", page.read_text(encoding="utf-8")).groups()  # type: ignore[union-attr]
        said[page.name] = heading, re.sub(r"\[(\d+)\]\([^)]*\)", r"\1", status.partition(";")[0])
    line = re.compile(r"^\| (\d+) \| \[(.+?)\]\((\d{4}-.+?\.md)\) \| (.+?) \|$", re.MULTILINE)
    index = line.findall((DECISIONS / "README.md").read_text(encoding="utf-8"))
    assert {file: (f"{number}. {title}", status) for number, title, file, status in index} == said
    assert [int(file[:4]) for _, _, file, _ in index] == sorted(int(number) for number, _, _, _ in index)
    assert len(index) == len(said)
