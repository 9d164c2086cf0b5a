"""Installed as a user would have it: the programs, the unit, and the agent under a real `systemd --user`."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from parts import http
from parts.processes import run, wait_for
from parts.user_manager import UserManager, needed
from parts.world import PROGRAMS, ROOT, Answer, programs

# What the README tells the user to type; these tests type it.
ENABLE = ("systemctl", "--user", "enable", "--now", "doorward")

pytestmark = pytest.mark.skipif(needed() is not None, reason=needed() or "")


def dev(verb: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "DOORWARD_PROGRAMS": str(programs()), "LANG": "C.UTF-8",
    }
    return run([str(ROOT / "packaging" / "dev"), verb], environment, 120)


@pytest.fixture(scope="module")
def account(world):
    """An account with a session bus, a keyring and a service manager, and Doorward installed into its home."""
    manager = UserManager(world.processes, world.folder / "games")
    manager.start()
    manager.start_keyring()
    done = dev("install", manager.home)
    assert done.returncode == 0, done.stderr
    manager.adopt_libraries(manager.home / ".local/bin/doorward")
    manager.own_everything()
    assert manager.run("systemctl", "--user", "daemon-reload").returncode == 0
    yield manager
    manager.stop()


def doorward(account, *arguments, input=None) -> Answer:
    done = account.run(str(account.home / ".local/bin/doorward"), *arguments, "--json", input=input)
    return Answer(done.returncode, done.stdout, done.stderr)


def test_install_puts_everything_where_a_user_expects_it(account):
    assert os.access(account.home / ".local/bin/doorward", os.X_OK)
    assert os.access(account.home / ".local/bin/doorward-coordinator", os.X_OK)
    unit = account.home / ".config/systemd/user/doorward.service"
    assert unit.read_text() == (ROOT / "packaging/systemd/doorward.service").read_text()


@pytest.fixture(scope="module")
def running(world, account):
    assert account.run(*ENABLE).returncode == 0, account.status()
    wait_for("the service to be active", lambda: account.show("doorward", "ActiveState") == "active")
    login = doorward(account, "login", world.coordinator.url, "--token-file", "-", input=world.coordinator.facts["token"])
    assert login.status == 0, login
    wait_for("the agent to notice the login", lambda: (
        (facts := doorward(account, "status").json)["running"] and facts["agent_id"] and facts["listen"]
    ))
    return account


def main_pid(account) -> int:
    return int(account.show("doorward", "MainPID"))


def test_a_killed_agent_comes_back(running):
    pid = main_pid(running)
    os.kill(pid, signal.SIGKILL)
    wait_for("another process", lambda: main_pid(running) not in (0, pid), 10)
    wait_for("the service to be active", lambda: running.show("doorward", "ActiveState") == "active")
    assert doorward(running, "status").json["running"]


def test_the_sandbox_holds_seen_from_inside(running):
    pid = main_pid(running)
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"

    def inside(*command: str) -> int:
        # As root, and only the files as the service sees them: what even root cannot write there, the service cannot.
        return run(["nsenter", "--target", str(pid), "--mount", "--", *command], {"PATH": "/usr/bin:/bin"}, 20).returncode

    home = running.home
    assert inside("touch", f"{home}/.local/state/doorward/probe") == 0
    for path in (f"{home}/probe", f"{home}/.local/bin/probe", f"{home}/.bashrc", "/var/tmp/probe", "/etc/probe"):
        assert inside("touch", path) != 0, path
    assert inside("test", "-e", "/dev/sda") != 0


def test_the_service_has_room_for_its_clients_and_a_bound(running):
    limits = Path(f"/proc/{main_pid(running)}/limits").read_text()
    soft, hard = re.search(r"Max open files +(\d+) +(\d+)", limits).groups()
    # A hard limit of the account that is lower stays.
    assert soft == hard
    assert 4096 <= int(soft) <= 16384
    assert running.show("doorward", "TasksMax") == "4096"
    assert running.show("doorward", "MemoryMax") == str(4 << 30)
    assert running.show("doorward", "TimeoutStopUSec") == "30s"


def test_root_is_another_user_too(running):
    """The tests are root; the agent is not: the connection is closed without an answer."""
    listen = doorward(running, "status").json["listen"]
    with pytest.raises((OSError, http.http.client.HTTPException)):
        http.get(f"http://{listen}/healthz", seconds=5)
    with pytest.raises(OSError):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(running.runtime / "doorward" / "agent.sock"))
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            if not connection.recv(100):
                raise ConnectionResetError
    # The account itself gets in.
    done = running.run("/usr/bin/curl", "--silent", "--fail", f"http://{listen}/healthz")
    assert done.returncode == 0


def test_programs_of_servers_run_in_the_service_and_end_with_it(running, world):
    """Their sandbox is made within the unit's own."""
    probe = running.home / "probe.py"
    shutil.copy(PROGRAMS / "stdio_probe.py", probe)
    (running.home / "data").mkdir()
    running.own_everything()
    (running.home / "policy.json").write_text(json.dumps({
        "version": 1, "roles": {"all": {"grant": [{"server": "probe"}, {"server": "writer"}]}},
        "bind": [{"everyone": True, "role": "all"}],
    }))
    assert doorward(running, "admin", "policy", "apply", str(running.home / "policy.json")).status == 0
    for alias, opened in (("probe", ("--read", "~/probe.py")), ("writer", ("--read", "~/probe.py", "--write", "~/data"))):
        command = [str(running.home / ".local/bin/doorward"), "admin", "servers", "add", alias, "--stdio", *opened]
        assert running.run(*command, "--json", "--", "/usr/bin/python3", str(probe)).returncode == 0
        wait_for("the entry to arrive", lambda alias=alias: any(
            each["alias"] == alias for each in doorward(running, "servers").json["servers"]
        ))
    answer = doorward(running, "call", "probe", "attempt", '{"what":"facts"}')
    assert answer.status == 0, answer
    assert seen(running, "read", path="/proc/self/oom_score_adj").strip() == "800"
    # Too many processes are its own to do without: the agent goes on. (No such bound holds for root, as which other tests run.)
    bomb = "for i in $(seq 3000); do sleep 2 >/dev/null 2>&1 & done"
    assert "fork" in seen(running, "run", command=["/bin/sh", "-c", bomb]).lower()
    assert doorward(running, "status").json["running"]
    # The unit has the disk read-only, which is said and not found out by the program.
    refused = doorward(running, "call", "writer", "attempt", '{"what":"facts"}').json["error"]["message"]
    assert f"ReadWritePaths={running.home}/data" in refused
    # Once it has room for processes again.
    wait_for("a grandchild", lambda: doorward(
        running, "call", "probe", "attempt", '{"what":"grandchild","mark":"left-by-the-probe"}'
    ).status == 0)

    def left() -> list[str]:
        return [
            each.name for each in Path("/proc").iterdir()
            if each.name.isdigit() and b"# left-by-the-probe" in _read(each / "cmdline")
        ]

    wait_for("the grandchild to run", left)
    os.kill(main_pid(running), signal.SIGKILL)
    wait_for("nothing of it to be left", lambda: not left(), 3)
    wait_for("the service to be active", lambda: running.show("doorward", "ActiveState") == "active")
    wait_for("the agent to serve again", lambda: doorward(running, "servers").status == 0)


def seen(account, what: str, **arguments: object) -> str:
    answer = doorward(account, "call", "probe", "attempt", json.dumps({"what": what, **arguments}))
    assert answer.status == 0, answer
    return answer.json["result"]["content"][0]["text"]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_stop_is_clean_and_uninstall_takes_away_what_install_brought(running):
    assert running.run("systemctl", "--user", "stop", "doorward").returncode == 0
    assert running.show("doorward", "Result") == "success"
    assert running.run("systemctl", "--user", "start", "doorward").returncode == 0

    def state() -> set[str]:
        # The agent that has just started is still writing: files that are not whole yet have names of their own.
        names = (each.name for each in (running.home / ".local/state/doorward").iterdir())
        return {name for name in names if not name.endswith(".part")}

    before = state()
    assert before

    # As the account, with its own service manager.
    done = running.run("env", f"DOORWARD_PROGRAMS={programs()}", str(ROOT / "packaging" / "dev"), "uninstall")
    if done.returncode == 126 or "ermission denied" in done.stderr:
        pytest.skip("the sources are not readable to other accounts here")
    assert done.returncode == 0, done.stderr
    assert running.show("doorward", "ActiveState") in ("inactive", "failed")
    for path in (".local/bin/doorward", ".local/bin/doorward-coordinator", ".config/systemd/user/doorward.service"):
        assert not (running.home / path).exists()
    assert before <= state()
