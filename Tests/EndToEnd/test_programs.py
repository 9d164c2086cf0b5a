"""The two programs, as they were just built."""

import os
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


NOTE = """\
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
/* Leaves a mark where something is written into the system's log. */
void vsyslog(int priority, const char *format, va_list values) { close(open(getenv("MARK"), O_CREAT | O_WRONLY, 0600)); }
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc (build-essential)")
@pytest.mark.parametrize("command", [["doorward", "status"], ["doorward-coordinator", "serve", "--data", "/nonexistent"]])
def test_a_program_of_an_ordinary_user_leaves_nothing_in_the_systems_log(command, tmp_path: Path):
    """libdispatch wants a priority for its event thread that only root may give, and would write that it has not got it."""
    source, library, mark = tmp_path / "note.c", tmp_path / "note.so", tmp_path / "note"
    source.write_text(NOTE)
    subprocess.run(["gcc", "-w", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    # As root, without the right to raise a priority.
    plain = ["setpriv", "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice"] if os.geteuid() == 0 else []

    def run(**more: str) -> None:
        environment = {"PATH": "/usr/bin:/bin", "LD_PRELOAD": str(library), "MARK": str(mark), "HOME": str(tmp_path), **more}
        subprocess.run([*plain, programs() / command[0], *command[1:]], env=environment, capture_output=True, timeout=20)

    run()
    assert not mark.exists()
    run(LIBDISPATCH_LOG="YES")
    assert mark.exists(), "the mark is not left by a program that was told to"
