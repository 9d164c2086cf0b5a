"""A little world: a coordinator, desks with an agent and a keyring each, MCP servers; all of it in one folder.

The demo shows it, the tests check it, the benchmarks measure it. Everything is on loopback and on free ports, lives in
a folder of its own and ends with it.
"""

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import http
from .keyring import Keyring
from .processes import Failed, Process, Processes, run, wait_for

PROGRAMS = Path(__file__).parent / "programs"
CLIENTS = Path(__file__).parent / "clients"
ROOT = Path(__file__).resolve().parents[3]


def python(name: str) -> Path:
    """The interpreter of an environment that packaging/dev made, such as `modern` or `handshake`; or one by its path."""
    return Path(name) if name.startswith("/") else ROOT / ".build" / "tools" / f"python-{name}" / "bin" / "python"


def free_port() -> int:
    """A port at which nobody listens.

    It is below those that Linux gives to connections: one of those could be somebody's before it is listened at, and
    several runs of the tests work beside each other.
    """
    while True:
        port = random.randrange(10_240, 32_768)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@dataclass
class Answer:
    """What a command said."""

    status: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        """The one object on standard output; of commands that follow, the last line."""
        try:
            return json.loads(self.out)
        except ValueError:
            return self.lines[-1]

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]


class World:
    def __init__(self, programs: Path, outlive: bool = False) -> None:
        self.programs = programs
        # A short path, because a unix socket's is at most 107 bytes, everything that comes below included.
        self.folder = Path(tempfile.mkdtemp(prefix="dw-"))
        self.processes = Processes(self.folder / "logs", outlive)
        self.desks: list[Desk] = []
        self.servers: dict[str, Server] = {}
        self.coordinator = Coordinator(self)
        self.secrets: set[str] = set()

    def environment(self, home: Path, runtime: Path) -> dict[str, str]:
        """All that a program of this world gets to see; nothing of the user who runs it."""
        for folder in (home, runtime):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "TZ": "UTC",
            "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "PYTHONDONTWRITEBYTECODE": "1",
        }

    def desk(self, name: str = "ann", **options: Any) -> "Desk":
        desk = Desk(self, name, **options)
        self.desks.append(desk)
        return desk

    def server(self, name: str, program: str, *arguments: str, environment: str = "modern", port: int = 0) -> "Server":
        server = Server(self, name, program, list(arguments), environment, port)
        self.servers[name] = server
        return server

    def secret(self, text: str) -> str:
        """Remembers a secret, for the search that must not find it anywhere."""
        self.secrets.add(text)
        return text

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.processes.logs.glob("*.log")))

    def close(self) -> None:
        self.processes.close()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class Server:
    """One of the small servers in `programs/`, on a port that stays its own when it is started again."""

    def __init__(
        self, world: World, name: str, program: str, arguments: list[str], environment: str, port: int
    ) -> None:
        self.world = world
        self.name = name
        self.command = [str(python(environment)), str(PROGRAMS / f"{program}.py"), *arguments]
        self.port = port
        self.facts: dict[str, Any] = {}
        self.process: Process | None = None
        self.start()

    def start(self) -> None:
        home = self.world.folder / "servers"
        self.process = self.world.processes.start(
            self.name, [*self.command, "--port", str(self.port)], self.world.environment(home, home / "run")
        )
        self.facts = self.process.announced()
        self.port = self.facts["port"]

    def restart(self) -> None:
        """Starts it once more, after it was ended, and waits until it listens: its log still has what it said before."""
        self.start()

        def listens() -> bool:
            try:
                return self.ask("counts") is not None
            except OSError:
                return False

        wait_for(f"{self.name} to listen again", listens)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return self.facts.get("url", self.origin)

    def ask(self, path: str) -> Any:
        return http.get(f"{self.origin}/test/{path}").json

    def tell(self, path: str, body: dict[str, Any]) -> None:
        assert http.request("POST", f"{self.origin}/test/{path}", body=body).status == 200


class Coordinator:
    def __init__(self, world: World) -> None:
        self.world = world
        self.data = world.folder / "coordinator"
        self.facts: dict[str, Any] = {}
        self.process: Process | None = None

    def run(self, *arguments: str, check: bool = True) -> Answer:
        home = self.world.folder / "coordinator-home"
        done = run(
            [str(self.world.programs / "doorward-coordinator"), *arguments],
            self.world.environment(home, home / "run"),
        )
        answer = Answer(done.returncode, done.stdout, done.stderr)
        if check and answer.status != 0:
            raise Failed(f"doorward-coordinator {' '.join(arguments)}: {answer}")
        return answer

    def init(self, owner: str = "owner@example.com") -> dict[str, Any]:
        self.url = f"https://127.0.0.1:{free_port()}"
        self.facts = self.run(
            "init", "--data", str(self.data), "--url", self.url, "--owner", owner, "--json"
        ).json
        self.world.secret(self.facts["token"])
        return self.facts

    def start(self, *more: str) -> None:
        home = self.world.folder / "coordinator-home"
        self.process = self.world.processes.start(
            "coordinator", [str(self.world.programs / "doorward-coordinator"), "serve", "--data", str(self.data), *more],
            self.world.environment(home, home / "run"),
        )
        self.process.ready(lambda: self.get("/readyz").status == 200)

    @property
    def ca(self) -> str:
        return self.facts["ca_file"]

    def get(self, path: str, **options: Any) -> http.Reply:
        return http.request("GET", self.url + path, ca=self.ca, **options)

    def request(self, method: str, path: str, **options: Any) -> http.Reply:
        return http.request(method, self.url + path, ca=self.ca, **options)


class Desk:
    """A user's machine: a home, a session bus with a keyring, and perhaps an agent."""

    def __init__(
        self, world: World, name: str, keyring: bool = True, services: bool = True, provider: type[Keyring] = Keyring
    ) -> None:
        self.world = world
        self.name = name
        self.folder = world.folder / name
        self.environment = world.environment(self.folder / "home", self.folder / "run")
        self.home = self.folder / "doorward"
        self.environment["DOORWARD_HOME"] = str(self.home)
        self.keyring = provider(world.processes, self.folder / "home", self.environment, services)
        if keyring:
            self.keyring.start()
        # What starts the agent: a program that changes something and then becomes the agent.
        self.wrapper: list[str] = []
        self.agent: Process | None = None
        self.listen = ""
        self.port = 0

    def doorward(
        self, *arguments: str, input: str | None = None, check: bool = True, seconds: float = 60, json: bool = True
    ) -> Answer:
        """One command; with `check` it must succeed. All commands but the few without facts answer in JSON."""
        command = [str(self.world.programs / "doorward"), *arguments]
        if json:
            # Before a `--`, behind which everything belongs to another program.
            command.insert(command.index("--") if "--" in command else len(command), "--json")
        done = run(command, self.environment, seconds, input)
        answer = Answer(done.returncode, done.stdout, done.stderr)
        if check and answer.status != 0:
            raise Failed(f"doorward {' '.join(arguments)}: {answer}")
        return answer

    def login(self, token: str) -> dict[str, Any]:
        self.world.secret(token)
        return self.doorward("login", self.world.coordinator.url, "--token-file", "-", input=token + "\n").json

    def start_agent(self, *more: str, ready: bool = True) -> None:
        self.agent = self.world.processes.start(
            f"agent-{self.name}",
            [
                *self.wrapper, str(self.world.programs / "doorward"), "agent", "--listen", f"127.0.0.1:{self.port}",
                *more,
            ],
            self.environment,
        )

        def listening() -> bool:
            facts = self.doorward("status", check=False).json
            self.listen = facts.get("listen") or ""
            return bool(facts.get("running") and self.listen)

        self.agent.ready(listening)
        self.port = int(self.listen.rsplit(":", 1)[1])
        if ready:
            self.agent.ready(lambda: http.get(f"http://{self.listen}/readyz").status == 200)

    def stop_agent(self) -> None:
        if self.agent is not None:
            self.agent.stop()

    def status(self) -> dict[str, Any]:
        return self.doorward("status", check=False).json

    def url(self, alias: str) -> str:
        return f"http://{self.listen}/servers/{alias}/mcp"

    def client(self, name: str) -> str:
        """A new client's credential, as the value of its Authorization header."""
        value = self.doorward("client", "add", name).json["header"]["value"]
        self.world.secret(value.removeprefix("Bearer "))
        return value

    def connect(self, alias: str, *more: str, **options: Any) -> dict[str, Any]:
        """Signs in to a server, which must succeed."""
        answer = self.sign_in(alias, *more, **options)
        if answer.status != 0:
            raise Failed(f"doorward connect {alias}: {answer}")
        return answer.json

    def sign_in(
        self, alias: str, *more: str, input: str | None = None, browse: Callable[[str], http.Reply] = http.visit
    ) -> Answer:
        """Tries to sign in to a server: reads the address that the command prints and does what a browser would do."""
        process = subprocess.Popen(
            [str(self.world.programs / "doorward"), "connect", alias, *more, "--no-browser", "--json"],
            env=self.environment, text=True, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            if process.stdin is not None:
                process.stdin.write(input)
                process.stdin.close()
                process.stdin = None
            first = process.stdout.readline()
            if first.strip() and "authorization_url" in (line := json.loads(first)):
                page = browse(line["authorization_url"])
                assert page.status == 200, page
                self.world.secret(urllib.parse.parse_qs(urllib.parse.urlsplit(line["authorization_url"]).query)["state"][0])
            rest, error = process.communicate(timeout=30)
        finally:
            if process.poll() is None:
                process.kill()
        return Answer(process.returncode, rest or first, error)

    def servers(self) -> dict[str, dict[str, Any]]:
        return {each["alias"]: each for each in self.doorward("servers").json["servers"]}

    def policy(self, text: str) -> int:
        """Applies a policy as this person, and waits until this desk's own agent has it."""
        path = self.folder / "policy.yaml"
        path.write_text(text)
        version = self.doorward("admin", "policy", "apply", str(path)).json["version"]
        if self.agent is not None and self.agent.running():
            wait_for("the policy to arrive", lambda: self.status()["policy_version"] == version)
        return version

    def add_server(self, alias: str, url: str, *more: str) -> None:
        """Registers a server and waits until this desk's own agent knows it."""
        self.doorward("admin", "servers", "add", alias, "--url", url, "--allow-loopback", *more)
        if self.agent is not None and self.agent.running():
            wait_for(f"the server {alias} to arrive", lambda: alias in self.servers())

    def add_program(self, alias: str, command: list[str], *options: str) -> None:
        """Registers a server that is a program and waits until this desk's own agent knows it."""
        self.doorward("admin", "servers", "add", alias, "--stdio", *options, "--", *command)
        if self.agent is not None and self.agent.running():
            wait_for(f"the server {alias} to arrive", lambda: alias in self.servers())

    def countersigned(self, seconds: float = 20) -> dict[str, int]:
        """Waits until every record of this desk is with the coordinator."""

        def done() -> Any:
            audit = self.status()["audit"]
            return audit if audit["recorded"] == audit["countersigned"] else None

        return wait_for("all records to be countersigned", done, seconds)

    def report(self, *more: str) -> tuple[Path, dict[str, Any]]:
        """A report of everything until now."""
        folder = self.folder / f"report-{len(list(self.folder.glob('report-*')))}"
        facts = self.doorward(
            "admin", "report", "--from", "-24h", "--to", "2099-01-01T00:00:00Z", "--out", str(folder), *more
        ).json
        return folder, facts

    def records(self, *more: str) -> list[dict[str, Any]]:
        """Every record that the coordinator holds, from a report of its own."""
        self.countersigned()
        folder, _ = self.report(*more)
        return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def visit(client: str, mode: str, url: str, authorization: str | None, seconds: float = 60) -> dict[str, Any]:
    """The transcript of an official client's whole visit; `client` is `modern` or `handshake`."""
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    if authorization:
        environment["MCP_AUTHORIZATION"] = authorization
    done = run([str(python(client)), str(CLIENTS / f"{client}.py"), mode, url], environment, seconds)
    if done.returncode != 0:
        raise Failed(f"the client {client} {mode} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def programs() -> Path:
    """Where the programs under test are: what was built last, unless DOORWARD_PROGRAMS says otherwise."""
    return Path(os.environ.get("DOORWARD_PROGRAMS") or ROOT / ".build" / "debug")
