"""The README, typed line by line: every command in it runs here, or is run by the test that is named for it.

Commands are taken from the README itself, so that one which is added and not provided for is a failed test.
"""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from parts.processes import run, wait_for
from parts.world import ROOT, programs

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
POLICY = re.search(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL).group(1)

# Commands that need more than a desk, and the tests that type them.
ELSEWHERE = {
    "./packaging/dev demo": "test_demo.py",
    "./packaging/dev test": "the tests themselves",
    "./packaging/dev install": "test_service.py",
    "systemctl --user enable --now doorward": "test_service.py",
}


def test_every_block_of_commands_is_found():
    assert len(COMMANDS) > 15
    assert README.count("```sh") == len(BLOCKS)


def test_what_is_typed_elsewhere_is_typed_there():
    service = (Path(__file__).parent / "test_service.py").read_text()
    assert '("systemctl", "--user", "enable", "--now", "doorward")' in service
    assert 'dev("install"' in service
    assert '"demo"' in (Path(__file__).parent / "test_demo.py").read_text()
    assert 'packaging/dev" test' in (ROOT / ".ci" / "run").read_text()


def test_the_links_of_the_readme_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


class Typist:
    """A user at a shell, with the names of the README made those of a little world."""

    def __init__(self, world, server):
        self.world = world
        self.server = server
        self.folder = world.folder / "readme"
        self.folder.mkdir()
        self.desk = world.desk("reader")
        self.variables: dict[str, str] = {}
        bin = self.folder / "bin"
        bin.mkdir()
        for program in ("doorward", "doorward-coordinator"):
            (bin / program).symlink_to(programs() / program)
        self.environment = self.desk.environment | {"PATH": f"{bin}:{self.desk.environment['PATH']}"}
        policy = POLICY.replace("get_issue", "echo").replace('"get_*", "list_*"', '"echo"')
        policy = policy.replace("ann@example.com", world.coordinator.facts["owner"]).replace("delete_repo", "delete_thing")
        (self.folder / "policy.yaml").write_text(policy)
        (self.folder / "token.txt").write_text(world.coordinator.facts["token"])

    def translated(self, line: str) -> str:
        for before, after in (
            ("https://mcp.example.com/mcp --auth oauth", f"{self.server.url} --auth oauth --allow-loopback"),
            ("https://doorward.example.com", self.world.coordinator.url),
            ("get_issue '{\"number\": 1}'", "echo '{\"text\": \"hello\"}'"),
            ("delete_repo", "delete_thing"),
            ("/srv/doorward/tls/ca.pem", shlex.quote(self.world.coordinator.ca)),
            ("curl ", "curl --silent --show-error --fail "),
        ):
            line = line.replace(before, after)
        return line

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        # A shell, as a reader would use one.
        return run(["/bin/bash", "-c", f"cd {self.folder}; {self.translated(line)}"], self.environment | self.variables, 60)


CURL = "curl --config token.conf --cacert /srv/doorward/tls/ca.pem"

# The order in which a reader can do it: an administrator prepares what the user then uses.
ORDER = [
    "doorward login", "doorward status", "doorward admin servers add", "doorward admin policy check",
    "doorward admin policy apply", "doorward client add", "doorward servers", "doorward connect", "doorward call",
    "doorward explain", "doorward audit", "doorward admin invite", "doorward admin report", "doorward verify",
    "(umask 077; doorward admin tokens add", f"{CURL} --include", f"{CURL} -X PUT", f"{CURL} --json",
]


def place(line: str) -> int:
    return next((index for index, start in enumerate(ORDER) if line.startswith(start)), -1)


def test_every_command_of_the_readme_works(world):
    authorization = world.server("authorization", "authorization_server", "--lifetime", "60")
    server = world.server("github", "mcp_server", "--issuer", authorization.facts["issuer"])
    typist = Typist(world, server)
    mine = [line for line in COMMANDS if line not in ELSEWHERE and not line.startswith("doorward-coordinator")]
    for line in mine:
        assert place(line) >= 0, f"nothing here types: {line}"
    for line in sorted(mine, key=place):
        if line.startswith("doorward connect"):
            assert typist.desk.connect("github")["state"] == "up"
            continue
        done = typist.type(line)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        if line.startswith("doorward login"):
            # What systemd does in the README.
            typist.desk.start_agent()
        if line.startswith("doorward admin policy apply"):
            wait_for("the policy to arrive", lambda: typist.desk.status()["policy_version"] == 1)
        if "doorward admin tokens add" in line:
            kept = typist.folder / "token.conf"
            world.secret(re.search(r"dwt1_[\w-]+", kept.read_text()).group())
            assert kept.stat().st_mode & 0o077 == 0
            assert not done.stdout
        if "--include" in line:
            typist.variables["ETAG"] = re.search(r"(?im)^etag: (\S+)", done.stdout).group(1)
    assert (typist.folder / "report.tar.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert (typist.folder / "report" / "records.jsonl").exists()


def test_a_coordinator_is_made_and_served_as_the_readme_says(world, tmp_path):
    lines = [line for line in COMMANDS if line.startswith("doorward-coordinator")]
    assert [line.split()[1] for line in lines] == ["init", "serve"]
    data = tmp_path / "data"
    for line in lines:
        line = line.replace("/srv/doorward", str(data)).replace("https://doorward.example.com", "https://127.0.0.1:1")
        command = shlex.split(line)
        command[0] = str(programs() / command[0])
        if command[1] == "serve":
            # A test may not have the port of the URL.
            command += ["--listen", "127.0.0.1:0"]
            served = world.processes.start("readme-coordinator", command, world.environment(tmp_path, tmp_path / "run"))
            try:
                served.ready(lambda: "listen" in served.words() or None, 20)
            finally:
                served.stop()
        else:
            done = run(command, world.environment(tmp_path, tmp_path / "run"), 30)
            assert done.returncode == 0, done.stderr
            assert "dwi1." in done.stdout
    shutil.rmtree(data, ignore_errors=True)
