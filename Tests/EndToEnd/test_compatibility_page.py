"""The page of packaging/dev compatibility: what a section becomes, and what a run of one leaves of the others."""

import subprocess
import sys
import types

import pytest
from parts.world import ROOT, python

FOLDER = ROOT / "Tests" / "Compatibility"
sys.path.insert(0, str(FOLDER))

import compatibility  # noqa: E402
from ground import Ground, Missing  # noqa: E402
from table import Row, Section, replaced  # noqa: E402


@pytest.fixture
def section():
    return Section("Clients", ["lists", "calls"], "What was\ndone.", [
        Row("a", "1.0", {"lists": "yes", "calls": "no: it asks for the first page, and never for another"}),
        Row("b", "2.0", {"lists": "no: it asks for the first page, and never for another"}),
        Row("c", note="not tried: there is no such version"),
    ])


def test_a_long_cell_becomes_a_note_once(section):
    assert section.markdown() == """\
## Clients

What was done.

| Client | version | lists  | calls  |
|--------|---------|--------|--------|
| a      | 1.0     | yes    | no (1) |
| b      | 2.0     | no (1) |        |
| c (2)  |         |        |        |

1. it asks for the first page, and never for another
2. not tried: there is no such version
"""


def test_no_cell_breaks_the_table():
    text = Section("Clients", ["x"], "About.", [Row("a|b", "1", {"x": "one\n| two"})]).markdown()
    assert "| a\\|b   | 1       | one \\| two |" in text


def test_a_section_takes_its_own_place_and_leaves_the_others(section):
    other = Section("Servers", ["x"], "About servers.", [Row("s", "1", {"x": "yes"})])
    page = replaced(replaced("# Page\n\nWords.\n", section), other)
    section.rows = [Row("new", "3.0")]
    changed = replaced(page, section)
    assert changed.index("# Page") < changed.index("new") < changed.index("About servers.")
    assert "| s " in changed and "first page" not in changed
    assert changed.count("## ") == 2


def test_what_cannot_be_had_or_fails_is_a_row(tmp_path):
    ground = Ground(tmp_path)

    def missing() -> Row:
        raise Missing("there is no such version")

    def broken() -> Row:
        return Row("x", cells={"y": {}["z"]})

    assert ground.attempt("part", missing) == Row("part", note="not tried: there is no such version")
    assert ground.attempt("part", broken).note.startswith("failed: KeyError")


def test_the_script_and_the_runner_know_the_same_sections():
    script = (ROOT / "packaging" / "dev.d" / "compatibility.sh").read_text()
    assert " | ".join(compatibility.SECTIONS) + ") ;;" in script
    for name in compatibility.SECTIONS:
        assert (FOLDER / f"{name}.py").exists()


def test_an_unknown_section_is_bad_usage(tmp_path):
    done = subprocess.run(
        [str(python("modern")), str(FOLDER / "compatibility.py"), str(tmp_path), "frobnicate"], capture_output=True, text=True
    )
    assert done.returncode == 2 and "clients" in done.stderr


def test_a_run_of_one_section_keeps_the_others_and_a_whole_one_nothing_else(monkeypatch, tmp_path):
    program = tmp_path / "doorward"
    program.write_text("#!/bin/sh\necho 1.2.3\n")
    program.chmod(0o755)
    cells = {"first": "old", "second": "old"}
    for name in cells:
        module = types.SimpleNamespace(
            section=lambda _, name=name: Section(name.title(), ["x"], "About.", [Row("part", cells={"x": cells[name]})])
        )
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(compatibility, "SECTIONS", list(cells))
    page = tmp_path / "page.md"

    def run(*sections: str) -> str:
        monkeypatch.setattr(sys, "argv", ["compatibility.py", str(tmp_path), *sections, "--page", str(page)])
        assert compatibility.main() == 0
        return page.read_text()

    assert run().count("old") == 2
    cells["second"] = "new"
    text = run("second")
    assert text.count("old") == text.count("new") == 1
    assert "with Doorward 1.2.3." in text and text.index("## First") < text.index("## Second")
    page.write_text(text + "\n## Third\n\nof an earlier run\n")
    assert "Third" in run("first")
    assert "Third" not in run()
