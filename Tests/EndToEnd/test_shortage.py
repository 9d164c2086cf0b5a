"""What runs out or jumps under the records: room on the disk, and the wall clock."""

import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import wait_for
from parts.small_disk import small_disk

STEP = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
/* A wall clock that is ten minutes ahead of the kernel's: a wait until a time on it lasts ten minutes too long, as it
   does when the clock is set back in the middle of one. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += 600;
    return result;
}
"""


@pytest.fixture(scope="module")
def called(world, desk):
    server = world.server("everything", "mcp_server")
    desk.add_server("everything", server.url)
    desk.policy(OPEN_POLICY)
    return desk


@pytest.fixture(scope="module")
def step(world) -> Path:
    """A library that sets the wall clock of the program that it is preloaded to."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc (build-essential)")
    source, library = world.folder / "step.c", world.folder / "step.so"
    source.write_text(STEP)
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library


def call(desk, bearer: str) -> dict:
    return http.call(desk.url("everything"), bearer, "echo", {"text": "a"})


def problem(desk) -> str:
    return desk.status()["audit"].get("problem") or ""


def test_a_step_of_the_wall_clock_delays_no_record(world, called, bearer, step):
    """Each record is durable and shipped as ever, although no wait by the wall clock would end within ten minutes."""
    called.stop_agent()
    try:
        called.environment["LD_PRELOAD"] = str(step)
        called.start_agent()
    finally:
        del called.environment["LD_PRELOAD"]
    assert str(step) in Path(f"/proc/{called.agent.pid}/maps").read_text()
    for number in range(12):
        # A refusal is made durable and shipped at once; the records of a call that comes just then wait for others, and
        # no other call wakes the thread that waits with them.
        refused = http.call(called.url("everything"), bearer, "delete_all", {})
        assert refused["error"]["code"] == -31001
        time.sleep(0.004 * number)
        assert "result" in call(called, bearer)
        called.countersigned(10)
    called.stop_agent()
    called.start_agent()


def test_a_full_disk_shows_everywhere_and_ends_by_itself(world, called, bearer):
    spool = called.home / "state" / "spool"
    assert spool.is_dir()
    called.stop_agent()
    kept = called.folder / "kept-spool"
    shutil.copytree(spool, kept)
    with small_disk(spool, "120m"):
        shutil.copytree(kept, spool, dirs_exist_ok=True)
        called.start_agent()
        assert "result" in call(called, bearer)
        before = len(called.agent.words())
        # Another program takes all that is left.
        filler = spool / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        wait_for("a call to be refused", lambda: call(called, bearer)["error"]["code"] == -31005)
        wait_for("the problem to show", lambda: str(spool) in problem(called))
        assert "No space left on device" in problem(called)
        page = http.get(f"http://{called.listen}/readyz")
        assert page.status == 503
        assert str(spool) in page.body.decode()

        filler.unlink()
        wait_for("calls to pass again", lambda: "result" in call(called, bearer))
        wait_for("the problem to end", lambda: not problem(called))
        assert http.get(f"http://{called.listen}/readyz").status == 200
        words = called.agent.words()[before:]
        assert words.count("Nothing can be recorded for now") == 1
        assert words.count("Calls can be recorded again") == 1
        called.countersigned()
        called.stop_agent()
        shutil.rmtree(kept)
        shutil.copytree(spool, kept)
    shutil.rmtree(spool)
    shutil.copytree(kept, spool)
    called.start_agent()
    assert "result" in call(called, bearer)


def test_a_disk_that_is_too_small_says_what_it_needs(world, called):
    desk = world.desk("small", keyring=True)
    with small_disk(desk.home, "24m"):
        token = called.doorward("admin", "invite", "small@example.com").json["token"]
        desk.login(token)
        desk.start_agent(ready=False)
        wait_for("the problem to show", lambda: "65 MiB must be free" in problem(desk))
        assert http.get(f"http://{desk.listen}/readyz").status == 503
        desk.stop_agent()
