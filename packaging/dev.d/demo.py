"""One real call, the whole way: what `packaging/dev demo` shows once the programs are built.

usage: demo.py PROGRAMS [--keep]
"""

import asyncio
import os
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "EndToEnd"))
sys.dont_write_bytecode = True
warnings.simplefilter("ignore")

import httpx2  # noqa: E402
from demo_kept import keep  # noqa: E402
from demo_words import Steps, say, shown  # noqa: E402
from mcp.client.client import Client  # noqa: E402
from mcp.client.streamable_http import streamable_http_client  # noqa: E402
from mcp.shared.exceptions import MCPError  # noqa: E402
from parts.processes import Failed  # noqa: E402
from parts.world import Desk, World  # noqa: E402

LIFETIME = 5
POLICY = """\
version: 1
roles:
  everybody:
    grant:
      - { server: everything }
bind:
  - { everyone: true, role: everybody }
forbid:
  - { server: everything, tools: ["delete_*"], because: "deletions go through review" }
limits:
  - { per: user, server: everything, tools: ["add"], rate: 1/min, burst: 2 }
tests:
  - { user: ann@example.com, call: everything/echo, expect: allow }
  - { user: ann@example.com, call: everything/delete_thing, expect: deny, because: forbidden }
"""


class Demo:
    def __init__(self, world: World, stays: bool = False) -> None:
        self.world = world
        self.stays = stays
        self.step = Steps()
        self.summary: dict[str, object] = {}

    def doorward(self, *arguments: str):
        shown("doorward", *arguments)
        return self.desk.doorward(*arguments).json

    def run(self) -> None:
        self.start_coordinator()
        self.start_servers()
        self.enrol()
        self.sign_in()
        asyncio.run(self.use())
        self.prove()
        if self.stays:
            self.populate()

    def start_coordinator(self) -> None:
        self.step("1. The coordinator, which an organisation runs once: SQLite, and TLS by a local CA of its own")
        facts = self.world.coordinator.init("ann@example.com")
        shown("doorward-coordinator", "init", "--data", str(self.world.coordinator.data), "--url", facts["url"])
        shown("doorward-coordinator", "serve", "--data", str(self.world.coordinator.data))
        self.world.coordinator.start()
        say(f"It answers at {facts['url']}; its key is {facts['key']}.")
        self.step.done("coordinator")

    def start_servers(self) -> None:
        self.step("2. An MCP server on the official Python SDK, protected by OAuth")
        self.authorization = self.world.server(
            "authorization-server", "authorization_server", "--lifetime", str(LIFETIME)
        )
        self.server = self.world.server("mcp-server", "mcp_server", "--issuer", self.authorization.facts["issuer"])
        say(f"The server is at {self.server.url}, its authorization server at {self.authorization.facts['issuer']}.")
        say(f"Access tokens live {LIFETIME} seconds; a refresh token that is used twice ends the sign-in.")
        self.step.done("MCP server")

    def enrol(self) -> None:
        self.step("3. Ann's desk: a keyring, and the agent, enrolled with a one-time token")
        self.desk = self.world.desk("ann")
        say("A Secret Service (gnome-keyring) runs on a private bus: your own keyring is not touched.")
        shown("doorward", "login", self.world.coordinator.url, "--token-file", "-")
        self.desk.login(self.world.coordinator.facts["token"])
        shown("doorward", "agent")
        self.desk.start_agent()
        status = self.desk.status()
        say(f"The agent {status['agent_id']} listens at {status['listen']}; its signing key is in the keyring.")
        self.step.done("agent")

    def sign_in(self) -> None:
        self.step("4. The server goes into the registry, a policy is applied, and Ann signs in to the server")
        shown("doorward", "admin", "servers", "add", "everything", "--url", self.server.url, "--auth", "oauth",
              "--allow-loopback")
        self.desk.add_server("everything", self.server.url, "--auth", "oauth")
        started = time.monotonic()
        version = self.desk.policy(POLICY)
        shown("doorward", "admin", "policy", "apply", str(self.desk.folder / "policy.yaml"))
        say(f"Version {version} of the policy was signed and reached the agent in {time.monotonic() - started:.1f} s.")
        shown("doorward", "connect", "everything", "--no-browser")
        self.desk.connect("everything")
        say("Registered as a client, consented, exchanged the code: the tokens are in the keyring and nowhere else.")
        self.step.done("policy and sign-in")

    async def use(self) -> None:
        self.step("5. The official MCP client from PyPI calls through the agent")
        authorization = self.desk.client("demo")
        shown("doorward", "client", "add", "demo")
        url = self.desk.url("everything")
        say(f"It is pointed at {url} and knows no token of the server.")
        async with (
            httpx2.AsyncClient(headers={"Authorization": authorization}) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            result = await client.call_tool("echo", {"text": "The door opens."})
            say(f"echo answers: {result.content[0].text}")
            self.step.done("first call")
            await self.expire(client)
            await self.deny(client)
            await self.limit(client)

    async def expire(self, client: Client) -> None:
        self.step(f"6. The access token expires ({LIFETIME} seconds), then ten calls come at once")
        before = self.authorization.ask("counts")["refreshes"]
        await asyncio.sleep(LIFETIME + 1)
        results = await asyncio.gather(*(client.call_tool("echo", {"text": str(each)}) for each in range(10)))
        assert [each.content[0].text for each in results] == [str(each) for each in range(10)], results
        refreshes = self.authorization.ask("counts")["refreshes"] - before
        say(f"Ten answers, and the authorization server counted {refreshes} refresh.")
        if refreshes != 1:
            raise Failed(f"ten calls at once made {refreshes} refreshes instead of one")
        self.summary["refreshes"] = refreshes
        self.step.done("ten calls after expiry")

    async def deny(self, client: Client) -> None:
        self.step("7. A tool that the policy forbids")
        error = await refused(client, "delete_thing", {"name": "everything"}, -31001)
        say(f"Denied ({error.code}): {error.message} by {', '.join(error.data['rules'])}; record {error.data['record']}")
        if self.server.ask("counts").get("delete_thing"):
            raise Failed("the forbidden tool ran")
        self.summary["denied"] = 1
        self.step.done("denied call")

    async def limit(self, client: Client) -> None:
        self.step("8. A tool that may be called twice and then once a minute")
        for number in (1, 2):
            result = await client.call_tool("add", {"a": number, "b": number})
            say(f"add answers: {result.content[0].text}")
        error = await refused(client, "add", {"a": 3, "b": 3}, -31002)
        say(f"Limited ({error.code}): {error.message}; again in {error.data['retry_after_ms'] / 1000:.0f} s")
        self.summary["limited"] = 1
        self.step.done("limited call")

    def prove(self) -> None:
        self.step("9. What happened can be proven: the audit report, verified without a network")
        self.desk.countersigned()
        folder, facts = self.desk.report()
        shown("doorward", "admin", "report", "--from", "-24h", "--to", "2099-01-01T00:00:00Z", "--out", str(folder))
        say(f"{facts['records']} records, each signed by the agent and countersigned by the coordinator.")
        verdict = self.doorward("verify", str(folder))
        for line in verdict["proven"]:
            say(f"proven: {line}")
        for line in verdict["not_proven"]:
            say(f"not proven: {line}")
        if not verdict["ok"]:
            raise Failed(f"the report does not verify: {verdict}")
        self.summary["report"] = "verified"
        self.step.done("report")

    def populate(self) -> None:
        self.step("10. More to look at: a second server, whose tools somebody has to approve, and a colleague who may see everything")
        wiki = self.world.server("wiki", "mcp_server")
        self.desk.add_server("wiki", wiki.url, "--pins", "approve")
        self.desk.policy(POLICY.replace("{ server: everything }", "{ server: everything }\n      - { server: wiki }", 1))
        bob = self.world.desk("bob")
        bob.login(self.desk.doorward("admin", "invite", "bob@example.com", "--role", "auditor").json["token"])
        bob.start_agent()
        for number in range(4):
            bob.doorward("call", "everything", "echo", '{"text": "without a sign-in"}', check=False)
            bob.doorward("call", "wiki", "echo", '{"text": "not approved yet"}', check=False)
            self.desk.doorward("call", "wiki", "add", f'{{"a": {number}, "b": 1}}', check=False)
        # What a client asks for is what a server's definitions come in with.
        asyncio.run(self.list_tools(bob, "wiki"))
        bob.connect("everything")
        for number in range(8):
            bob.doorward("call", "everything", "echo", f'{{"text": "{number}"}}')
        bob.doorward("call", "everything", "delete_thing", '{"name": "everything"}', check=False)
        bob.countersigned()
        self.desk.countersigned()
        say("Some calls have waited for a sign-in, some for an approval, some were answered: the console shows them all.")
        self.step.done("more to look at")

    async def list_tools(self, desk: Desk, server: str) -> None:
        headers = {"Authorization": desk.client("demo")}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(desk.url(server), http_client=http)) as client,
        ):
            await client.list_tools()

    def finish(self) -> None:
        print("\nSummary")
        for name, value in self.summary.items():
            say(f"{name}: {value}")
        times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.step.times)
        say(f"times: {times}; together {time.monotonic() - self.step.begin:.1f} s")


async def refused(client: Client, tool: str, arguments: dict, code: int):
    """The error that a call ends with; it must be the one that is expected."""
    try:
        result = await client.call_tool(tool, arguments)
    except MCPError as failure:
        if failure.error.code != code:
            raise Failed(f"{tool} ended with {failure.error}, expected {code}") from None
        return failure.error
    raise Failed(f"{tool} was let through: {result}")


def main() -> int:
    programs, *options = sys.argv[1:]
    world = World(Path(programs).resolve(), outlive="--keep" in options)
    demo = Demo(world, stays="--keep" in options)
    status = 1
    try:
        demo.run()
        demo.finish()
        status = 0
        if "--keep" in options:
            keep(demo)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        status = 130
    except (Failed, MCPError, AssertionError, OSError, LookupError, ValueError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        print(f"The logs are in {world.processes.logs}", file=sys.stderr)
    if status != 0 or "--keep" not in options:
        world.close()
    if status == 0 and "--keep" not in options:
        world.remove()
    return status


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
