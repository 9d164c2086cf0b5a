"""The page about the architecture names what there is."""

import re
from pathlib import Path

from layers import LAYERS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "packaging" / "docs" / "architecture.md"
DECISIONS = ROOT / "packaging" / "docs" / "decisions"
_DECLARED = re.compile(r"\b(?:struct|class|enum|actor|protocol|typealias)\s+([A-Z]\w+)")


def named(text: str) -> set[str]:
    """The texts in backticks that look like names of types."""
    form = re.compile(r"[A-Z][a-z]+(?:[A-Z][A-Za-z]*)+|[A-Z][a-z]{4,}")
    return {name for name in re.findall(r"`([^`\n]+)`", text) if form.fullmatch(name)}


def declared() -> set[str]:
    sources = (path for half in LAYERS for path in (ROOT / half).rglob("*.swift"))
    return {name for path in sources for name in _DECLARED.findall(path.read_text())}


def missing(text: str, known: set[str]) -> set[str]:
    """The types and files that a page names and that are not there."""
    headers = {"Host", "Origin"}
    files = {name for name in re.findall(r"`((?:Tests|Agent|Shared|Coordinator|packaging)/[\w./-]+)`", text)}
    return (named(text) - known - headers) | {name for name in files if not (ROOT / name).exists()}


def test_every_type_and_file_of_the_page_exists():
    assert missing(PAGE.read_text(), declared() | {name for half in LAYERS.values() for name in half}) == set()


def test_a_name_that_is_gone_is_found():
    known = {"Envelope"}
    assert missing("`Envelope` and `CallGhost`, `Tests/Architecture/layers.py`, `Agent/Gone.swift`", known) == {
        "CallGhost", "Agent/Gone.swift",
    }


def test_the_page_tells_of_every_target():
    text = PAGE.read_text()
    system = {"CCurl", "CZlib", "CLibSecret"}
    programs = {"doorward", "doorward-coordinator"}
    there = {name for half, names in LAYERS.items() for name in names if (ROOT / half / name).is_dir()}
    assert {name for name in there - system - programs if f"**{name}**" not in text} == set()


def test_the_list_of_decisions_is_whole():
    listed = set(re.findall(r"\]\(([\w-]+)\.md\)", (DECISIONS / "README.md").read_text()))
    assert listed == {path.stem for path in DECISIONS.glob("*.md")} - {"README"}
