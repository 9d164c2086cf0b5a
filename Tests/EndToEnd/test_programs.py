"""The two programs, as they were just built."""

import subprocess
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).resolve().parents[2] / ".build" / "debug"


@pytest.mark.parametrize("name", ["doorward", "doorward-coordinator"])
def test_a_program_names_its_version(name):
    answer = subprocess.run([PROGRAMS / name, "--version"], capture_output=True, text=True, timeout=20)
    assert answer.returncode == 0
    assert answer.stdout.strip() == "0.1.0"
