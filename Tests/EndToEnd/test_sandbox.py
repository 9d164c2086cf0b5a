"""Servers that are programs: what they can reach from their sandbox, and that none of them outlives the agent."""

import json
import os
import random
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from parts.processes import run, wait_for
from parts.world import PROGRAMS, Desk, World

PROBE = ["/usr/bin/python3", str(PROGRAMS / "stdio_probe.py")]
OPEN = ["--read", str(PROGRAMS)]
POLICY = """\
version: 1
roles: { all: { grant: [ { server: probe }, { server: wired }, { server: second }, { server: secret }, { server: dies },
                         { server: strict }, { server: opened }, { server: gone }, { server: listed },
                         { server: m0 }, { server: m1 }, { server: m2 }, { server: m3 } ] } }
bind: [ { everyone: true, role: all } ]
"""


class Probe:
    def __init__(self, desk: Desk, alias: str) -> None:
        self.desk, self.alias = desk, alias

    def ask(self, what: str, **arguments: object):
        return self.desk.doorward(
            "call", self.alias, "attempt", json.dumps({"what": what, **arguments}), check=False, seconds=60
        )

    def __call__(self, what: str, **arguments: object) -> str:
        answer = self.ask(what, **arguments).json
        assert "result" in answer, answer
        assert not answer["result"].get("isError"), answer
        return answer["result"]["content"][0]["text"]

    def refused(self, what: str, **arguments: object) -> str:
        """What it says of something that does not succeed in the sandbox."""
        answer = self.ask(what, **arguments).json
        assert answer["result"].get("isError"), f"the sandbox lets it: {answer}"
        return answer["result"]["content"][0]["text"]


@pytest.fixture(scope="module")
def probes(world: World, desk: Desk) -> dict[str, Probe]:
    notes = desk.folder / "home" / "notes"
    notes.mkdir()
    (notes / "today.txt").write_text("milk")
    (desk.folder / "home" / ".ssh").mkdir()
    (desk.folder / "home" / ".ssh" / "id_ed25519").write_text("PRIVATE KEY")
    drafts = desk.folder / "home" / "drafts"
    drafts.mkdir()
    desk.policy(POLICY)
    desk.add_program("probe", PROBE, *OPEN)
    desk.add_program("second", PROBE, *OPEN)
    desk.add_program("wired", PROBE, *OPEN, "--network")
    # As wide as an administrator could open it by mistake.
    desk.add_program("opened", PROBE, *OPEN, "--read", str(desk.folder / "home"), "--write", "~/drafts")
    return {each: Probe(desk, each) for each in ("probe", "second", "wired", "opened")}


def descendants(pid: int) -> set[int]:
    """The processes below one."""
    parents = {}
    for each in Path("/proc").iterdir():
        try:
            parents[int(each.name)] = int((each / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def alive(pids: set[int]) -> set[int]:
    def runs(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    return {pid for pid in pids if runs(pid)}


def marked(mark: str) -> set[int]:
    """Processes whose command line has a mark."""
    found = set()
    for each in Path("/proc").iterdir():
        try:
            if mark.encode() in (each / "cmdline").read_bytes():
                found.add(int(each.name))
        except (OSError, ValueError):
            continue
    return found


def marked_below(pid: int, mark: str) -> set[int]:
    return descendants(pid) & marked(mark)


def test_the_home_of_the_user_is_not_there(probes: dict[str, Probe], desk: Desk) -> None:
    assert probes["probe"]("read", path="~") == ""
    for path in ("~/.ssh/id_ed25519", "~/notes/today.txt", str(desk.home), str(desk.world.coordinator.data), "/etc/shadow"):
        assert "No such file" in probes["probe"].refused("read", path=path)
    assert probes["probe"]("read", path="/var") == "tmp"
    for path in ("/root", "/var/lib", "/run", "/sys", "/mnt"):
        assert "No such file" in probes["probe"].refused("read", path=path)


def test_nothing_is_written_outside_of_its_own_tmp_and_home(probes: dict[str, Probe], desk: Desk) -> None:
    probe = probes["probe"]
    for path in ("/usr/x", "/etc/x", "/x", "/dev/x", str(PROGRAMS / "x")):
        probe.refused("write", path=path)
    assert not (PROGRAMS / "x").exists()
    for path in ("/tmp/mine", "~/mine", "/dev/shm/mine"):
        assert probe("write", path=path) == "written"
    assert not (desk.folder / "home" / "mine").exists() and not Path("/tmp/mine").exists()
    # What they hold lies in memory, and is bounded.
    assert "No space left" in probe("run", command=["/bin/sh", "-c", "head -c 400000000 /dev/zero > /tmp/big"])


def test_it_sees_no_other_process_and_no_secret_of_one(probes: dict[str, Probe]) -> None:
    lines = json.loads(probes["probe"]("processes"))
    assert all("doorward" not in line or "bwrap" in line for line in lines), lines
    assert len(lines) <= 3
    facts = json.loads(probes["probe"]("facts"))
    environment = facts["environment"]
    assert set(environment) <= {"PATH", "HOME", "USER", "LOGNAME", "LANG", "PWD", "LC_CTYPE"}
    assert facts["files"] == [0, 1, 2]
    assert set(facts["ignored"]) <= {"SIGPIPE", "SIGXFSZ"}, "Python itself ignores these"


def test_it_can_trace_nothing_and_gain_nothing(probes: dict[str, Probe], desk: Desk) -> None:
    assert desk.agent is not None
    for pid in (desk.agent.pid, os.getpid()):
        probes["probe"].refused("trace", pid=pid)
    capabilities = probes["probe"]("run", command=["/bin/sh", "-c", "grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status"])
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"):
        assert line in capabilities
    assert not probes["probe"]("run", command=["unshare", "--user", "true"]).startswith("0 ")
    assert not probes["probe"]("run", command=["mount", "-t", "tmpfs", "x", "/tmp"]).startswith("0 ")


def test_it_goes_first_where_memory_runs_out(probes: dict[str, Probe]) -> None:
    assert probes["probe"]("read", path="/proc/self/oom_score_adj").strip() == "800"


def test_siblings_are_as_far_apart_as_strangers(probes: dict[str, Probe]) -> None:
    probes["second"]("write", path="/tmp/of-the-second")
    assert "No such file" in probes["probe"].refused("read", path="/tmp/of-the-second")
    inside = json.loads(probes["second"]("facts"))["pid"]
    outside = [pid for pid in marked("stdio_probe.py") if pid != inside]
    for pid in outside:
        probes["probe"].refused("kill", pid=pid)
    assert probes["second"]("read", path="/tmp/of-the-second") == "written"


def test_no_socket_of_the_session_is_reachable(probes: dict[str, Probe], desk: Desk) -> None:
    sockets = [desk.home / "run" / "agent.sock", Path("/run/dbus/system_bus_socket")]
    bus = desk.environment["DBUS_SESSION_BUS_ADDRESS"].partition("path=")[2].partition(",")[0]
    if bus:
        sockets.append(Path(bus))
    for probe in probes.values():
        for path in sockets:
            probe.refused("connect", path=str(path))


def test_abstract_sockets_are_not_reachable_without_the_network(probes: dict[str, Probe]) -> None:
    name = f"doorward-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        probes["probe"].refused("connect", path=f"@{name}")
        if "landlock" in Path("/sys/kernel/security/lsm").read_text() if Path("/sys/kernel/security/lsm").exists() else False:
            probes["wired"].refused("connect", path=f"@{name}")


def test_the_network_is_there_only_where_the_entry_says_so(probes: dict[str, Probe], desk: Desk) -> None:
    port = int(desk.listen.rpartition(":")[2])
    assert probes["wired"]("connect", host="127.0.0.1", port=port) == "connected"
    for name in ("probe", "second", "opened"):
        probes[name].refused("connect", host="127.0.0.1", port=port)


def test_what_is_opened_is_open_and_the_agent_and_the_keyring_in_it_are_not(probes: dict[str, Probe], desk: Desk) -> None:
    probe = probes["opened"]
    home = desk.folder / "home"
    assert probe("read", path="~/notes/today.txt") == "milk"
    assert "Read-only" in probe.refused("write", path="~/notes/today.txt")
    assert probe("write", path="~/drafts/one", text="draft") == "written"
    assert (home / "drafts" / "one").read_text() == "draft"
    keyrings = home / ".local" / "share" / "keyrings"
    assert list(keyrings.iterdir()), "the keyring of this desk is where it is expected"
    assert probe("read", path=str(keyrings)) == ""


def test_a_link_does_not_lead_out(probes: dict[str, Probe], desk: Desk) -> None:
    (desk.folder / "home" / "drafts" / "out").symlink_to(desk.home)
    assert "No such file" in probes["opened"].refused("read", path="~/drafts/out")


def test_the_arguments_are_the_entrys_and_no_shell_reads_them(desk: Desk, probes: dict[str, Probe]) -> None:
    words = ["$(id)", "; touch /tmp/x", "a b", "", "--json", "*"]
    desk.add_program("listed", [*PROBE, *words], *OPEN)
    assert json.loads(Probe(desk, "listed")("facts"))["arguments"] == words


def test_all_of_it_ends_with_a_killed_agent(probes: dict[str, Probe], desk: Desk) -> None:
    mark = f"grandchild-{random.randrange(10**9)}"
    assert probes["probe"]("grandchild", mark=mark) == "started"
    probes["wired"]("grandchild", mark=mark)
    wait_for("the grandchildren to run", lambda: len(marked(f"# {mark}")) >= 2)
    assert desk.agent is not None
    below = descendants(desk.agent.pid)
    assert len(below) >= 6
    desk.agent.kill()
    started = time.monotonic()
    wait_for("everything below the agent to end", lambda: not alive(below) and not marked(f"# {mark}"), 10)
    assert time.monotonic() - started < 2
    desk.start_agent()


def test_no_moment_of_a_kill_leaves_anything(probes: dict[str, Probe], desk: Desk) -> None:
    """An agent is killed while children are being started, a hundred of them, each time at another moment."""
    mark, slowest = f"mark-{random.randrange(10**9)}", 0.0
    for number in range(4):
        desk.add_program(f"m{number}", [*PROBE, mark], *OPEN)
    for _ in range(25):
        assert desk.agent is not None
        callers = [threading.Thread(target=Probe(desk, f"m{number}").ask, args=("facts",)) for number in range(4)]
        for caller in callers:
            caller.start()
        wait_for("a child to be started", lambda: marked(mark), 20, 0.001)
        time.sleep(random.uniform(0, 0.1))
        desk.agent.kill()
        killed = time.monotonic()
        wait_for("nothing to be left", lambda: not marked(mark), 5, 0.01)
        slowest = max(slowest, time.monotonic() - killed)
        for caller in callers:
            caller.join()
        desk.start_agent()
    assert slowest < 2


def test_it_ends_with_an_agent_that_is_stopped(probes: dict[str, Probe], desk: Desk) -> None:
    probes["probe"]("facts")
    assert desk.agent is not None
    below = descendants(desk.agent.pid)
    assert below
    desk.agent.stop()
    assert not alive(below)
    desk.start_agent()


# How a machine looks where something is missing or forbidden: what `unshare` makes, what is changed there, what is said of it,
# and what mends it.
NO_BWRAP = (
    "printf '#!/bin/sh\\necho setting up uid map: Permission denied >&2; exit 1' > {folder}/bwrap; chmod 755 {folder}/bwrap; "
    "mount --bind {folder}/bwrap /usr/bin/bwrap"
)
SETTING = "mkdir -p {folder}/kernel; echo %s > {folder}/kernel/%s; mount --bind {folder}/kernel /proc/sys/kernel"
BAD_MACHINES = {
    "not installed": (
        ["--mount"], "mount --bind /dev/null /usr/bin/bwrap", "bubblewrap is not installed", "apt-get install bubblewrap",
    ),
    "in a container": (["--mount"], NO_BWRAP, "Permission denied", "bwrap --unshare-all"),
    "AppArmor": (
        ["--mount"], f"{NO_BWRAP}; {SETTING % (1, 'apparmor_restrict_unprivileged_userns')}",
        "AppArmor allows them to programs with a profile alone", "bwrap-userns-restrict",
    ),
    "Debian's switch": (
        ["--mount"], f"{NO_BWRAP}; {SETTING % (0, 'unprivileged_userns_clone')}", "kernel.unprivileged_userns_clone is 0",
        "kernel.unprivileged_userns_clone=1",
    ),
    "no namespaces": (
        ["--user", "--map-root-user"], "echo 0 > /proc/sys/user/max_user_namespaces", "user.max_user_namespaces is 0",
        "user.max_user_namespaces=15000",
    ),
}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can take bubblewrap away")
@pytest.mark.parametrize("machine", BAD_MACHINES)
def test_where_no_sandbox_can_be_made_it_is_said_everywhere_and_no_program_is_started(
    probes: dict[str, Probe], desk: Desk, machine: str
) -> None:
    namespaces, setup, words, remedy = BAD_MACHINES[machine]
    folder = desk.folder / machine.replace(" ", "-").replace("'", "")
    folder.mkdir()
    desk.stop_agent()
    desk.wrapper = ["unshare", *namespaces, "/bin/sh", "-c", setup.format(folder=folder) + '; exec "$@"', "-"]
    try:
        desk.start_agent()
        wait_for("it to be in the log", lambda: words in desk.world.logs())
        server = wait_for("it to be known", lambda: (each := desk.servers()["probe"])["state"] == "down" and each)
        assert words in server["error"] and remedy in server["error"]
        answer = probes["probe"].ask("facts")
        error = answer.json["error"]
        assert answer.status == 1 and error["code"] == -31004, answer
        assert words in error["message"] and remedy in error["message"], error
        assert not marked_below(desk.agent.pid, "stdio_probe")
        doctor = [*desk.wrapper, str(desk.world.programs / "doorward"), "doctor", "--json"]
        done = run(doctor, desk.environment)
        checks = {each["name"]: each for each in json.loads(done.stdout)["checks"]}
        assert done.returncode == 1 and checks["sandbox"]["state"] == "failed", done.stdout
        assert words in checks["sandbox"]["message"] and remedy in checks["sandbox"]["next"]
        assert checks["server probe"]["state"] == "failed"
    finally:
        desk.stop_agent()
        desk.wrapper = []
        desk.start_agent()
    assert json.loads(probes["probe"]("facts"))["uid"] == os.getuid()


def test_a_signal_to_the_terminal_does_not_reach_children(probes: dict[str, Probe], desk: Desk) -> None:
    """Children are in no process group of the agent's: what ends a foreground agent lets calls end first."""
    probes["probe"]("facts")
    assert desk.agent is not None
    group = os.getpgid(desk.agent.pid)
    assert all(os.getpgid(pid) != group for pid in descendants(desk.agent.pid))
    os.kill(desk.agent.pid, signal.SIGCONT)


def test_bubblewrap_shows_its_neighbours_nothing_but_the_command(probes: dict[str, Probe], desk: Desk) -> None:
    probes["opened"]("facts")
    assert desk.agent is not None
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in descendants(desk.agent.pid)]
    wrapped = [line for line in lines if line and line[0].endswith(b"bwrap")]
    assert wrapped
    for line in wrapped:
        assert line[1:4] == [b"--args", b"3", b"--"] and b"--setenv" not in line
