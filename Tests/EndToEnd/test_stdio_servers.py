"""Servers that are programs, from the registry to the answer: real ones from PyPI and real clients, secrets, and what goes wrong."""

import json
import os
import pty
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from parts import http
from parts.processes import run, wait_for
from parts.world import CLIENTS, PROGRAMS, Desk, World, python

PROBE = ["/usr/bin/python3", str(PROGRAMS / "stdio_probe.py")]
OPEN = ["--read", str(PROGRAMS)]
SERVERS = ["time", "git", "fetch", "sqlite", "probe", "secret", "dies", "strict", "noisy", "quiet", "huge", "swapped", "lost", "shared"]
POLICY = f"""\
version: 1
roles:
  all:
    grant: [ {", ".join("{ server: %s }" % name for name in SERVERS)} ]
bind: [ {{ everyone: true, role: all }} ]
"""


def program(environment: str, name: str) -> str:
    return str(python(environment).parent / name)


@pytest.fixture(scope="module")
def shop(world: World, desk: Desk) -> Desk:
    """The owner's desk with the real servers."""
    desk.policy(POLICY)
    repository = desk.folder / "home" / "repository"
    repository.mkdir()
    for command in (
        ["git", "init", "-q", "-b", "main", "."], ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q",
        "--allow-empty", "-m", "the first commit"],
    ):
        subprocess.run(command, cwd=repository, check=True)
    (desk.folder / "home" / "data").mkdir()
    desk.add_program("time", [program("servers", "mcp-server-time"), "--local-timezone", "Europe/Berlin"])
    desk.add_program(
        "git", [program("servers", "mcp-server-git"), "--repository", str(repository)], "--read", "~/repository"
    )
    desk.add_program("fetch", [program("servers", "mcp-server-fetch"), "--ignore-robots-txt", "--allow-private-ips"], "--network")
    desk.add_program(
        "sqlite", [program("servers-handshake", "mcp-server-sqlite"), "--db-path", str(desk.folder / "home/data/x.db")],
        "--write", "~/data",
    )
    desk.add_program("probe", PROBE, *OPEN)
    return desk


def call(desk: Desk, alias: str, tool: str, **arguments: object) -> str:
    answer = desk.doorward("call", alias, tool, json.dumps(arguments), check=False).json
    assert "result" in answer, answer
    assert not answer["result"].get("isError"), answer
    return "".join(each.get("text", "") for each in answer["result"]["content"])


def attempt(desk: Desk, alias: str, what: str, **arguments: object):
    return desk.doorward("call", alias, "attempt", json.dumps({"what": what, **arguments}), check=False)


def facts(desk: Desk, alias: str = "probe") -> dict:
    return json.loads(attempt(desk, alias, "facts").json["result"]["content"][0]["text"])


def calls(url: str, bearer: str, wanted: list, environment: str = "handshake", mode: str = "-") -> dict:
    """What an official client sees that lists tools and makes some calls in one connection."""
    done = run(
        [str(python(environment)), str(CLIENTS / "caller.py"), mode, url, json.dumps(wanted)],
        {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", "MCP_AUTHORIZATION": bearer}, 60,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


# Real servers


def test_the_time_server_answers_with_its_zone(shop: Desk) -> None:
    assert "Europe/Berlin" in call(shop, "time", "get_current_time", timezone="Europe/Berlin")
    converted = call(
        shop, "time", "convert_time", source_timezone="UTC", time="12:00", target_timezone="Asia/Tokyo"
    )
    assert "21:00" in converted


def test_the_git_server_reads_the_repository_that_is_opened_to_it_and_writes_nothing(shop: Desk) -> None:
    repository = str(shop.folder / "home" / "repository")
    assert "the first commit" in call(shop, "git", "git_log", repo_path=repository)
    (shop.folder / "home" / "repository" / "new").write_text("x")
    answer = shop.doorward(
        "call", "git", "git_add", json.dumps({"repo_path": repository, "files": ["new"]}), check=False
    ).json
    assert answer["result"]["isError"], "the entry opens it for reading alone"


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"a page for everybody")

    def log_message(self, *_: object) -> None:
        pass


def test_the_fetch_server_uses_the_network_that_the_entry_grants(shop: Desk) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        text = call(shop, "fetch", "fetch", url=f"http://127.0.0.1:{pages.server_port}/", raw=True)
        pages.shutdown()
    assert "a page for everybody" in text


def test_the_sqlite_server_keeps_what_it_writes(shop: Desk) -> None:
    call(shop, "sqlite", "create_table", query="CREATE TABLE pet (name TEXT)")
    call(shop, "sqlite", "write_query", query="INSERT INTO pet VALUES ('Rex')")
    assert "Rex" in call(shop, "sqlite", "read_query", query="SELECT name FROM pet")
    assert (shop.folder / "home" / "data" / "x.db").exists()


CALLS = {"time": ["get_current_time", {"timezone": "UTC"}], "sqlite": ["list_tables", {}]}


@pytest.mark.parametrize("client", [("modern", "auto"), ("modern", "legacy"), ("modern", "2026-07-28"), ("handshake", "-")])
@pytest.mark.parametrize("alias", ["time", "sqlite"])
def test_real_clients_of_both_eras_call_real_servers(
    shop: Desk, bearer: str, client: tuple[str, str], alias: str
) -> None:
    environment, mode = client
    seen = calls(shop.url(alias), bearer, [CALLS[alias], CALLS[alias]], environment, mode)
    assert CALLS[alias][0] in seen["tools"] and len(seen["answers"]) == 2 and all(seen["answers"])
    assert seen["protocol"].startswith("2026" if mode in ("auto", "2026-07-28") else "2025")


def test_every_call_is_on_record(shop: Desk) -> None:
    answer = shop.doorward("call", "time", "get_current_time", '{"timezone":"UTC"}').json
    records = shop.doorward("audit", "show", answer["record"]).json["records"]
    assert [each["kind"] for each in records] == ["call.begin", "call.end"]
    assert records[1]["out"]["is"] == "ok"


# Who shares a child


def test_clients_do_not_share_a_child_and_each_keeps_its_own(shop: Desk) -> None:
    one, other = shop.client("one"), shop.client("other")

    def started(bearer: str, environment: str = "handshake", mode: str = "-") -> set[float]:
        answers = calls(shop.url("probe"), bearer, [["attempt", {"what": "facts"}]] * 2, environment, mode)["answers"]
        return {json.loads(answer)["started"] for answer in answers}

    first, second = started(one), started(other)
    assert len(first) == len(second) == 1 and first != second
    assert started(one) == first, "another connection of the same client finds the child that it had"
    assert started(one, "modern", "auto") == first, "also one of the other era"


@pytest.mark.parametrize(("isolation", "same"), [("per-user", True), ("per-session", False)])
def test_the_entry_says_who_shares_a_child(shop: Desk, isolation: str, same: bool) -> None:
    shop.add_program("shared", PROBE, *OPEN, "--isolation", isolation)
    bearers = [shop.client(f"{isolation}-{number}") for number in range(2)]
    children = {
        json.loads(calls(shop.url("shared"), bearer, [["attempt", {"what": "facts"}]])["answers"][0])["started"]
        for bearer in bearers
    }
    assert (len(children) == 1) is same
    shop.doorward("admin", "servers", "remove", "shared")
    wait_for("the entry to be gone", lambda: "shared" not in shop.servers())


# The registry


def test_the_registry_shows_the_command_and_what_is_approved(shop: Desk) -> None:
    entries = {
        entry["_meta"]["dev.doorward/entry"]["alias"]: entry
        for entry in shop.doorward("admin", "servers", "list").json["servers"]
    }
    stdio = entries["git"]["_meta"]["dev.doorward/entry"]["stdio"]
    assert stdio["command"].endswith("mcp-server-git") and stdio["read"] == ["~/repository"]
    assert stdio["approved"].startswith("SHA256:")
    assert "remotes" not in entries["git"] and "packages" not in entries["git"]
    assert shop.servers()["git"]["digest"] == stdio["approved"]
    words = shop.doorward("admin", "servers", "list", json=False).out
    assert "mcp-server-git --repository" in words and stdio["approved"] in words


def test_what_is_not_what_was_approved_is_not_even_added(shop: Desk) -> None:
    entry = next(
        each for each in shop.doorward("admin", "servers", "list").json["servers"] if each["name"].endswith("/git")
    )
    entry.pop("etag", None)
    settings = entry["_meta"]["dev.doorward/entry"]
    settings["alias"] = "swapped"
    settings["stdio"]["args"] = ["--repository", "/elsewhere"]
    answer = shop.doorward("admin", "api", "POST", "/v1/servers", json.dumps(entry), check=False)
    assert answer.json["status"] == 422
    assert answer.json["body"]["problems"][0]["where"].endswith("stdio/approved")


@pytest.mark.parametrize(("arguments", "words"), [
    (["--stdio"], "after --"),
    (["--stdio", "--url", "https://a.example/", "--", "x"], "either"),
    (["--url", "https://a.example/", "--network"], "need --stdio"),
    (["--stdio", "--auth", "oauth", "--", "x"], "about URLs"),
    (["--stdio", "--env", "API_TOKEN=abc", "--", "x"], "--secret API_TOKEN"),
])
def test_what_makes_no_sense_is_bad_usage(shop: Desk, arguments: list[str], words: str) -> None:
    answer = shop.doorward("admin", "servers", "add", "bad", *arguments, check=False)
    assert answer.status == 2, answer
    assert words in answer.error


def test_a_path_that_may_not_be_opened_is_refused_with_its_place(shop: Desk) -> None:
    answer = shop.doorward("admin", "servers", "add", "bad", "--stdio", "--read", "/proc", "--", "x", check=False)
    assert answer.status == 1
    assert "stdio/read/0" in answer.json["error"]["message"]


# Secrets


def test_a_program_that_needs_secrets_asks_for_them_with_the_command_to_type(shop: Desk, world: World) -> None:
    secret = world.secret("s3cret-" + "k" * 20)
    shop.add_program("secret", PROBE, *OPEN, "--secret", "API_KEY", "--secret", "OTHER", "--env", "TZ", "--env", "MODE=a b")
    wait_for("the missing secrets to be known", lambda: shop.servers()["secret"]["state"] == "needs_sign_in")
    answer = attempt(shop, "secret", "facts")
    assert answer.status == 3
    assert answer.json["error"]["data"]["command"] == "doorward connect secret"
    bad = shop.doorward("connect", "secret", input=f"{secret}\n", check=False)
    assert bad.status == 3 and "OTHER" in bad.json["error"]["message"]
    assert shop.doorward("connect", "secret", input=f"{secret}\nother-value\n").json["state"] == "up"
    assert shop.servers()["secret"]["state"] == "up"
    environment = facts(shop, "secret")["environment"]
    assert environment["API_KEY"] == secret and environment["OTHER"] == "other-value"
    assert environment["TZ"] == "UTC" and environment["MODE"] == "a b"
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and (process / "cmdline").exists():
            assert secret.encode() not in (process / "cmdline").read_bytes()


def test_a_secret_that_the_program_prints_is_not_in_the_log(shop: Desk, world: World) -> None:
    secret = facts(shop, "secret")["environment"]["API_KEY"]
    attempt(shop, "secret", "say", text=f"my key is {secret}, and that is that")
    wait_for("the line to be in the log", lambda: "and that is that" in world.logs())
    assert secret not in world.logs()


def test_another_command_of_the_same_name_is_not_given_the_secret(shop: Desk) -> None:
    shop.doorward("admin", "servers", "remove", "secret")
    wait_for("the entry to be gone", lambda: "secret" not in shop.servers())
    shop.add_program("secret", ["/usr/bin/env", *PROBE], *OPEN, "--secret", "API_KEY")
    wait_for("it to be without its secret", lambda: shop.servers()["secret"]["state"] == "needs_sign_in")
    assert attempt(shop, "secret", "facts").status == 3


def test_secrets_are_forgotten_and_the_program_that_has_them_ends(shop: Desk, world: World) -> None:
    shop.doorward("connect", "secret", input=world.secret("another-secret-value") + "\n")
    pid = facts(shop, "secret")["started"]
    assert shop.doorward("disconnect", "secret").json["state"] == "needs_sign_in"
    assert attempt(shop, "secret", "facts").status == 3
    shop.doorward("connect", "secret", input="a-third-secret\n")
    assert facts(shop, "secret")["environment"]["API_KEY"] == "a-third-secret"
    assert facts(shop, "secret")["started"] != pid


def test_a_terminal_does_not_show_what_is_typed(shop: Desk) -> None:
    shop.doorward("disconnect", "secret")
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [str(shop.world.programs / "doorward"), "connect", "secret"], env=shop.environment, stdin=child, stdout=child,
        stderr=child, start_new_session=True,
    )
    os.close(child)
    shown = b""
    while b"API_KEY of secret: " not in shown:
        shown += os.read(parent, 1000)
    os.write(parent, b"typed-secret\n")
    try:
        while chunk := os.read(parent, 1000):
            shown += chunk
    except OSError:
        pass
    assert process.wait(20) == 0
    assert b"typed-secret" not in shown
    assert facts(shop, "secret")["environment"]["API_KEY"] == "typed-secret"


# What goes wrong


def test_a_program_that_ends_is_started_again_by_the_next_call(shop: Desk) -> None:
    before = facts(shop)["started"]
    answer = attempt(shop, "probe", "leave", status=7)
    assert answer.status == 1 and answer.json["error"]["code"] == -31004, answer
    assert facts(shop)["started"] != before


def test_one_that_cannot_start_says_why_and_is_left_alone_for_a_while(shop: Desk) -> None:
    shop.add_program("dies", [*PROBE, "--die"], *OPEN)
    messages = [attempt(shop, "dies", "facts").json["error"]["message"] for _ in range(4)]
    assert all("I cannot start: the die was cast" in message for message in messages), messages
    assert any("several times" in message for message in messages), messages
    assert shop.servers()["dies"]["state"] in ("down", "degraded")


def test_one_that_ends_at_anything_before_initialize_is_served_all_the_same(shop: Desk, bearer: str) -> None:
    shop.add_program("strict", [*PROBE, "--strict"], *OPEN)
    assert facts(shop, "strict")["calls"] == 1
    assert calls(shop.url("strict"), bearer, [["attempt", {"what": "facts"}]], "modern", "2026-07-28")["tools"] == ["attempt"]


def test_a_program_that_is_not_there_is_named(shop: Desk) -> None:
    shop.add_program("lost", ["no-such-program-anywhere"])
    message = attempt(shop, "lost", "facts").json["error"]["message"]
    assert "no-such-program-anywhere" in message and "install it" in message


def test_noise_between_messages_is_skipped(shop: Desk) -> None:
    shop.add_program("noisy", PROBE, *OPEN, "--timeout", "2")
    assert attempt(shop, "noisy", "raw", text="Listening on nothing\n\n[not json\n").status == 0
    # What stands behind half a line is no message, so its call is over when its time is.
    answer = attempt(shop, "noisy", "raw", text="half a line without its end ")
    assert answer.status == 1 and answer.json["error"]["code"] == -31004
    assert facts(shop, "noisy")


def test_an_endless_line_ends_the_program_and_nothing_else(shop: Desk) -> None:
    shop.add_program("huge", PROBE, *OPEN)
    answer = attempt(shop, "huge", "raw", text="x" * 65536, times=200)
    assert answer.json["error"]["code"] == -31006, answer
    assert facts(shop, "huge")


def test_a_big_result_passes(shop: Desk) -> None:
    answer = attempt(shop, "probe", "big", size=2_000_000)
    assert len(answer.json["result"]["content"][0]["text"]) == 2_000_000


def test_a_slow_program_keeps_nobody_else_waiting(shop: Desk) -> None:
    shop.add_program("quiet", PROBE, *OPEN)
    facts(shop, "quiet")
    slow = subprocess.Popen(
        [str(shop.world.programs / "doorward"), "call", "quiet", "attempt", '{"what":"wait","seconds":5}', "--json"],
        env=shop.environment, stdout=subprocess.DEVNULL,
    )
    start = time.monotonic()
    facts(shop)
    assert time.monotonic() - start < 3
    assert slow.wait(30) == 0


def test_a_flood_on_standard_error_is_bounded_in_the_log(shop: Desk, world: World) -> None:
    attempt(shop, "probe", "say", text="flooding the log", times=5000)
    assert world.logs().count("flooding the log") < 500


def test_metrics_count_programs(shop: Desk) -> None:
    facts(shop)
    text = http.get(f"http://{shop.listen}/metrics").body.decode()
    assert 'doorward_child_starts_total{server="probe"}' in text
    assert "doorward_children " in text


def test_an_entry_that_is_removed_takes_its_program_with_it(shop: Desk) -> None:
    def children() -> str:
        text = http.get(f"http://{shop.listen}/metrics").body.decode()
        return next(line for line in text.splitlines() if line.startswith("doorward_children "))

    facts(shop, "noisy")
    before = children()
    shop.doorward("admin", "servers", "remove", "noisy")
    wait_for("the program to end", lambda: children() != before)


def test_the_whole_world_keeps_its_secrets(shop: Desk, world: World) -> None:
    logs = world.logs()
    for secret in world.secrets:
        assert secret not in logs
