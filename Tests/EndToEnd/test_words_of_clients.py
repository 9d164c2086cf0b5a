"""What people read whose client is a framework's, or Claude Code: its own exceptions and tool results."""

import os
from contextlib import ExitStack

import pytest
from parts.odd_server import OddServer
from parts.small_disk import small_disk
from parts.visitors import Visitor
from parts.world import CLIENTS, free_port, python

POLICY = """\
version: 1
roles:
  all:
    grant: [ { server: words }, { server: locked }, { server: gone }, { server: broken } ]
bind:
  - { everyone: true, role: all }
limits:
  - { per: user, server: words, tools: ["scarce"], rate: 1/h, burst: 1 }
"""
FORBIDDEN = """\
forbid:
  - { tools: ["delete_*"], because: "deletions go through review" }
"""

PROGRAMS = {
    "langchain": ("handshake", "langchain_tools"),
    "openai-agents": ("clients", "openai_agents"),
    "pydantic-ai": ("clients", "pydantic_ai_tools"),
    "Claude Code": ("clients", "claude_code"),
}

# Each refusal, by the server's name and the step at which it is met: its code, and what its words must say.
REFUSALS = {
    ("words", "delete_it"): (
        -31001, ["forbids `delete_it` at words: deletions go through review", "doorward explain words delete_it"],
    ),
    ("words", "scarce"): (-31002, ["At most 1 call an hour to words: try again in "]),
    ("words", "crash"): (-31004, ["words closed the connection", "doorward status"]),
    ("words", "slow"): (-31004, ["words was silent for 2 s", "doorward admin servers add", "--timeout"]),
    ("words", "busy"): (-31004, ["words asks for fewer requests", "try again in 60 s"]),
    ("words", "broken"): (-31006, ["words answers another request", "doorward audit show "]),
    ("words", "huge"): (-31006, ["answer of words is over 8 MiB", "limits.result"]),
    ("words", "fails"): (-32603, ["the database is away"]),
    ("locked", "connect"): (-31003, ["Sign in to locked first: run `doorward connect locked`."]),
    ("gone", "connect"): (-31004, ["gone cannot be reached", "doorward status"]),
    ("full", "connect"): (-31005, ["This cannot be recorded", "doorward status"]),
    ("broken", "connect"): (-31006, ["broken answers another request", "doorward audit show "]),
    ("stranger", "connect"): (401, ["credential of this client is missing, or not known", "doorward client add NAME"]),
    ("nobody", "connect"): (401, ["credential of this client is missing, or not known", "doorward client add NAME"]),
    ("nowhere", "connect"): (404, ["no such server for you", "doorward servers"]),
}
TOOLS = [step for case, step in REFUSALS if case == "words"]

# Where a client shows something else, whatever the answer says. A change of these is good news.
ELSE = {
    # The last SDK of the handshake throws away what comes with a status.
    ("langchain", "stranger", "connect"): ["401 Unauthorized"],
    ("langchain", "nobody", "connect"): ["401 Unauthorized"],
    ("langchain", "nowhere", "connect"): ["Session terminated"],
    ("Claude Code", "nowhere", "connect"): ["MCP endpoint not found", "Check the URL in your MCP config"],
    # It strikes out what the server's address has in it, and so the alias, which the same line of its list shows though.
    ("Claude Code", "locked", "connect"): ["Sign in to [redacted] first: run `doorward connect [redacted]`."],
    ("Claude Code", "gone", "connect"): ["[redacted] cannot be reached", "`doorward status` shows when it is back"],
    ("Claude Code", "broken", "connect"): ["[redacted] answers another request", "doorward audit show "],
}
# It shows the model no error but those that a tool itself has put into a result.
for tool in TOOLS:
    ELSE["openai-agents", "words", tool] = ["An error occurred while running the tool. Please try again."]


@pytest.fixture(scope="module")
def shown(world, desk, bearer):
    odd = OddServer()
    desk.add_server("words", odd.url, "--timeout", "2")
    desk.add_server("broken", odd.broken_url)
    desk.add_server("locked", f"http://127.0.0.1:{free_port()}/mcp", "--auth", "oauth")
    desk.add_server("gone", f"http://127.0.0.1:{free_port()}/mcp")
    desk.policy(POLICY)
    plan = [
        {"name": "words", "url": desk.url("words"), "authorization": bearer, "calls": [
            # For the first caller and any other, the second call of what is scarce is over the limit.
            {"tool": tool} for tool in [*TOOLS, "scarce"]
        ]},
        *(
            {"name": name, "url": desk.url(name), "authorization": bearer}
            for name in ("locked", "gone", "broken", "nowhere")
        ),
        {"name": "stranger", "url": desk.url("words"), "authorization": "Bearer dwc1_unknown"},
        {"name": "nobody", "url": desk.url("words")},
    ]
    with ExitStack() as stack:
        if full := without_room(world, desk, stack):
            plan.append(full)
        visitors = [
            stack.enter_context(
                Visitor(name, python(environment), CLIENTS / f"{program}.py", world.processes.logs / f"{program}.log")
            )
            for name, (environment, program) in PROGRAMS.items()
        ]
        for visitor in visitors:
            visitor.told(plan)
        for visitor in visitors:
            visitor.listed()
        # They know of the tool that is taken away now.
        desk.policy(POLICY + FORBIDDEN)
        for visitor in visitors:
            visitor.goes_on()
        yield {visitor.name: visitor.done() for visitor in visitors}
    odd.shutdown()


def without_room(world, desk, stack):
    """An agent in whose home there is no room for a record; only root can make one."""
    small = world.desk("small")
    try:
        stack.enter_context(small_disk(small.home, "12m"))
    except pytest.skip.Exception:
        return None
    small.login(desk.doorward("admin", "invite", "small@example.com").json["token"])
    stack.callback(small.stop_agent)
    small.start_agent(ready=False)
    return {"name": "full", "url": small.url("words"), "authorization": small.client("words")}


@pytest.mark.parametrize("case, step", REFUSALS, ids=lambda value: value)
@pytest.mark.parametrize("client", PROGRAMS)
def test_a_refusal_is_shown_with_what_to_do(shown, client, case, step):
    code, words = REFUSALS[case, step]
    words = ELSE.get((client, case, step), words)
    found = shown[client].get((case, step))
    if case == "full" and os.geteuid() != 0:
        pytest.skip("only root can mount a small home")
    assert found, shown[client]
    if step == "scarce":
        # One of all these calls passed.
        found = [each for each in found if "fine" not in each["text"]]
        assert found
    for each in found:
        for word in words:
            # Of a group of errors, the text tells nothing of those in it; what a terminal or a log shows does.
            assert word in each["text"] or word in each.get("traceback", ""), each
        if isinstance(each.get("code"), int) and code < 0:
            assert each["code"] == code
