"""The demo, on the programs just built: what it says, how fast it is, what it leaves behind."""

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from parts import http
from parts.processes import run
from parts.world import ROOT, programs


def demo(*options: str, folder: str = "/tmp") -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", "DOORWARD_PROGRAMS": str(programs()),
        "TMPDIR": folder,
    }
    return run([str(ROOT / "packaging" / "dev"), "demo", *options], environment, 120)


def processes_of(folder: Path) -> list[str]:
    """What runs with a path in this folder among its arguments or in its environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                if str(folder).encode() in (process / name).read_bytes():
                    found.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue  # it has ended, or belongs to another user
    return found


def assert_console_opens(said: str) -> None:
    """The link that is printed signs in, and there is something to look at."""
    link = re.search(r"^\s*(https://\S+/sign-in/link/\S+)$", said, re.MULTILINE).group(1)
    authority = re.search(r"certificate authority (\S+)\)", said).group(1)
    origin, secret = link.split("/sign-in/link/")
    assert "ann@example.com" in http.request("GET", link, ca=authority).body.decode()
    opened = http.request(
        "POST", f"{origin}/sign-in/link", ca=authority, body=f"link={secret}",
        headers={"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert opened.status == 303, opened
    cookie = opened.headers["set-cookie"].split(";")[0]
    overview = http.request("GET", f"{origin}/", ca=authority, headers={"Cookie": cookie}).body.decode()
    for words in ("Calls over time", "bob@example.com", "tool definitions wait"):
        assert words in overview


@pytest.mark.slow
def test_the_demo_shows_one_call_the_whole_way_and_leaves_nothing():
    # A folder of its own: other tests make theirs in /tmp meanwhile.
    folder = tempfile.mkdtemp(prefix="demo-", dir="/tmp")
    begin = time.monotonic()
    done = demo(folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - begin < 30
    for line in ("refreshes: 1", "denied: 1", "limited: 1", "report: verified"):
        assert re.search(rf"^\s*{line}$", done.stdout, re.MULTILINE), done.stdout
    Path(folder).rmdir()


@pytest.mark.slow
def test_a_demo_that_is_kept_goes_on_and_ends_when_told():
    done = demo("--keep")
    assert done.returncode == 0, done.stdout + done.stderr
    stop = re.search(r"^\s*(/\S+/stop)\s", done.stdout, re.MULTILINE).group(1)
    try:
        command = Path(stop).with_name("doorward")
        tried = run([str(command), "call", "everything", "echo", '{"text": "still here"}', "--json"], {"PATH": "/usr/bin:/bin"})
        assert tried.returncode == 0, tried
        assert "still here" in tried.stdout
        assert_console_opens(done.stdout)
    finally:
        ended = run([stop], {"PATH": "/usr/bin:/bin"})
    assert ended.returncode == 0, ended
    assert not Path(stop).parent.exists()
    assert not processes_of(Path(stop).parent)
