"""The scenarios of the official conformance suite, with the official clients and servers of both eras around an agent.

`DOORWARD_WRITE_PAGES=1` writes what came of them into packaging/docs/conformance.md; else the page has to be as good as this run.
"""

import json
import os
import subprocess

import pytest
from parts.conformance import agent, scenarios, tasks, visits, wire
from parts.conformance.raw import Wire
from parts.conformance.table import SERVERS, Table, kept, short
from parts.conformance.tap import Exchange, Tap
from parts.world import CLIENTS, ROOT, python

PAGE = ROOT / "packaging" / "docs" / "conformance.md"
POLICY = """\
version: 1
roles:
  everybody:
    grant:
      - { server: modern, server_requests: [elicitation, sampling, roots] }
      - { server: handshake, server_requests: [elicitation, sampling, roots] }
bind: [{ everyone: true, role: everybody }]
"""
STEPS = {"modern": visits.MODERN_STEPS, "handshake": visits.HANDSHAKE_STEPS}
VISITS = {"modern": scenarios.MODERN, "handshake": scenarios.HANDSHAKE}
RAW = {"modern": scenarios.MODERN_RAW, "handshake": scenarios.HANDSHAKE_RAW}
CLIENTS_TOO = ("modern", "handshake")
TITLES = {"modern": "Modern clients (2026-07-28, 37 scenarios)", "handshake": "Handshake clients (2025-11-25, 30 scenarios)"}
UNSCORED = "{} clients, scenarios without points"
# Tasks are made in another way in each era, and so pass between modern ends alone.
EXTENSIONS = {(client, server): {} for client in CLIENTS_TOO for server in SERVERS} | {("modern", "modern"): tasks.SCENARIOS}
TABLE = Table()


@pytest.fixture(scope="module")
def taps(world, desk):
    """The two fixture servers behind the agent, each with a tap on both sides of it."""
    taps = {"elsewhere": Tap("127.0.0.1", 9)}
    schema = f"http://127.0.0.1:{taps['elsewhere'].port}/schema"
    for era, program in (("modern", "conformance_server"), ("handshake", "conformance_handshake_server")):
        server = world.server(f"conformance-{era}", program, "--schema", schema, environment=era)
        taps[era, "server"] = Tap("127.0.0.1", server.port)
        # A question after its health, before anybody knows its era, would be no request of that era.
        desk.add_server(era, f"http://127.0.0.1:{taps[era, 'server'].port}/mcp", "--health-interval", "0")
    desk.policy(POLICY)
    for client in CLIENTS_TOO:
        for era in SERVERS:
            taps[client, era] = Tap("127.0.0.1", desk.port)
    yield taps
    for tap in taps.values():
        tap.close()


@pytest.fixture(scope="module")
def transcripts(desk, taps, bearer):
    """What the official clients saw, by client and server."""
    environment = {**desk.environment, "MCP_AUTHORIZATION": bearer}
    seen = {}
    for client in CLIENTS_TOO:
        for server in SERVERS:
            done = subprocess.run(
                [str(python(client)), str(CLIENTS / f"conformance_{client}.py"),
                 f"http://127.0.0.1:{taps[client, server].port}/servers/{server}/mcp"],
                input=json.dumps(STEPS[client]), capture_output=True, text=True, env=environment, check=False, timeout=200,
            )
            seen[client, server] = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {"end": done.stderr[-500:]}
    return seen


def run(client: str, scenario: str, server: str, check, argument) -> None:
    try:
        check(argument)
        outcome = "yes"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what this scenario came to
        outcome = short(error)
    TABLE.note(client, scenario, server, outcome)


@pytest.fixture(scope="module")
def outcomes(desk, taps, transcripts, bearer):
    # Before the scenarios below that say what no client should.
    for server in SERVERS:
        exchanges = list(taps[server, "server"].exchanges)
        run("agent", "wire", server, judged, exchanges)
        said = agent.Said(exchanges, [transcripts[client, server] for client in CLIENTS_TOO], taps["elsewhere"])
        for scenario, check in agent.SCENARIOS[server].items():
            run("agent", scenario, server, check, said)
    for client in CLIENTS_TOO:
        for server in SERVERS:
            checks = {**VISITS[client], **scenarios.UNSCORED[client]}
            for scenario, check in checks.items():
                run(client, scenario, server, check, transcripts[client, server])
            endpoint = Wire(desk.url(server), bearer)
            for scenario, check in {**RAW[client], **scenarios.UNSCORED_RAW[client], **EXTENSIONS[client, server]}.items():
                run(client, scenario, server, check, endpoint)
            run(client, "wire", server, judged, taps[client, server].exchanges)
    return TABLE


def judged(exchanges: list[Exchange]) -> None:
    assert exchanges, "nothing was said"
    problems = wire.judge(exchanges)
    assert not problems, f"{len(problems)} messages, the first: {problems[0]}"


def sections() -> list[tuple[str, str, list[str]]]:
    parts = []
    for client in CLIENTS_TOO:
        parts.append((client, TITLES[client], [*sorted({**VISITS[client], **RAW[client]}), "wire"]))
        unscored = sorted({**scenarios.UNSCORED[client], **scenarios.UNSCORED_RAW[client], **EXTENSIONS[client, "modern"]})
        parts.append((client, UNSCORED.format(client.capitalize()), unscored))
    own = sorted({name for server in SERVERS for name in agent.SCENARIOS[server]})
    return [*parts, ("agent", "The agent as a client (scenarios for clients, but for sign-in)", [*own, "wire"])]


def test_the_lists_are_those_of_the_suite():
    assert len({**scenarios.MODERN, **scenarios.MODERN_RAW}) == 37
    assert len({**scenarios.HANDSHAKE, **scenarios.HANDSHAKE_RAW}) == 30


def test_nothing_gets_worse(outcomes):
    page = outcomes.markdown(sections())
    passes = set()
    for client, title, names in sections():
        for name in names:
            passes |= {(title, name, server) for server, cell in outcomes.rows[client, name].items() if cell == "yes"}
    if os.environ.get("DOORWARD_WRITE_PAGES"):
        PAGE.write_text(page)
    lost = sorted(kept(PAGE) - passes)
    assert not lost, "\n".join(f"{title}: {name}, {server} server: {outcomes_of(name, server)}" for title, name, server in lost)
    gained = sorted(passes - kept(PAGE))
    assert not gained, f"the page is behind (DOORWARD_WRITE_PAGES=1 writes it): {gained}"


def outcomes_of(name: str, server: str) -> str:
    return "; ".join(row[server] for (_, each), row in TABLE.rows.items() if each == name and row.get(server, "yes") != "yes")
