"""The two programs, as they were just built."""

import shutil
import subprocess
from pathlib import Path

import pytest
from parts.world import programs

MARK = """\
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
/* Leaves a mark where the process ends as exit(3) ends one: libraries then free what threads still use. */
__attribute__((destructor)) static void leave_mark(void) { close(open(getenv("MARK"), O_CREAT | O_WRONLY, 0600)); }
"""


@pytest.mark.parametrize("name", ["doorward", "doorward-coordinator"])
def test_a_program_names_its_version(name):
    answer = subprocess.run([programs() / name, "--version"], capture_output=True, text=True, timeout=20)
    assert answer.returncode == 0
    assert answer.stdout.strip() == "0.1.0"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc (build-essential)")
@pytest.mark.parametrize("arguments", [["--version"], ["--frobnicate"], ["--help"]])
@pytest.mark.parametrize("name", ["doorward", "doorward-coordinator"])
def test_a_program_ends_without_what_libraries_do_at_the_end(name, arguments, tmp_path: Path):
    """Threads of libcurl and of the keyring are still at work then, and what is freed under them crashes the end."""
    source, library, mark = tmp_path / "mark.c", tmp_path / "mark.so", tmp_path / "mark"
    source.write_text(MARK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)

    def run(*command: str) -> None:
        environment = {"PATH": "/usr/bin:/bin", "LD_PRELOAD": str(library), "MARK": str(mark), "HOME": str(tmp_path)}
        subprocess.run(command, env=environment, capture_output=True, timeout=20)

    run("/usr/bin/env", "true")
    assert mark.exists(), "the mark is not left by a program that ends as usual"
    mark.unlink()
    run(str(programs() / name), *arguments)
    assert not mark.exists()
