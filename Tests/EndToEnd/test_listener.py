"""The agent's listener: who may come in, what is refused and how, and what a hostile neighbour cannot do."""

import json
import os
import pwd
import socket
import subprocess
import time
from pathlib import Path

import pytest
from parts import http
from parts.processes import wait_for

ROUTES = [
    "/", "/calls", "/connect", "/open/x", "/mcp", "/servers/everything/mcp", "/servers/nothing/mcp", "/healthz", "/readyz", "/metrics", "/control/status",
    "/.well-known/oauth-protected-resource", "/no/such/route",
]
OPEN_ROUTES = {"/healthz", "/readyz", "/metrics"}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("host", [
    "evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.:{port}", "[::ffff:127.0.0.1]:{port}", "0.0.0.0:{port}",
])
def test_a_foreign_host_is_421_on_every_route(everything, bearer, route, host):
    value = host.format(port=everything.port)
    reply = http.get(f"http://{everything.listen}{route}", headers={"Host": value, "Authorization": bearer})
    assert reply.status == 421


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}"])
def test_the_three_names_of_the_machine_are_let_in(everything, host):
    reply = http.get(f"http://{everything.listen}/healthz", headers={"Host": host.format(port=everything.port)})
    assert reply.status == 200


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "file://"])
def test_a_foreign_origin_is_403_on_every_route(everything, bearer, route, origin):
    reply = http.get(f"http://{everything.listen}{route}", headers={"Origin": origin, "Authorization": bearer})
    assert reply.status == 403


@pytest.mark.parametrize("route", [each for each in ROUTES if each not in OPEN_ROUTES and "well-known" not in each])
@pytest.mark.parametrize("authorization", [None, "Bearer dwc1_wrong", "Basic YTpi", "Bearer"])
def test_every_route_but_health_needs_a_credential(everything, route, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    assert http.get(f"http://{everything.listen}{route}", headers=headers).status == 401


@pytest.mark.parametrize("path", [
    "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/servers/everything/mcp",
    "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/anything",
])
def test_well_known_is_a_plain_404_without_a_credential(everything, path):
    reply = http.get(f"http://{everything.listen}{path}")
    assert reply.status == 404
    assert "www-authenticate" not in reply.headers


def test_an_unknown_server_and_one_of_somebody_else_look_the_same(world, everything, bearer):
    everything.add_server("not-granted", world.servers["everything"].url)
    replies = [http.rpc(everything.url(alias), bearer, "tools/list") for alias in ("not-granted", "never-heard-of")]
    assert [each.status for each in replies] == [404, 404]
    assert replies[0].body == replies[1].body


@pytest.mark.parametrize(("body", "id", "code"), [
    (b"", None, -32700),
    (b"{", None, -32700),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping",}', 1, -32700),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}', 1, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}', 1, -32600),
    (b'{"jsonrpc":"2.0","id":"a","m\\u0065thod":"ping","method":"tools/call"}', "a", -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","id":2}', None, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"} {}', 1, -32700),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', None, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping\xff"}', 1, -32700),
    (b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}', 1, -32700),
    (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', 1, -32600),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', None, -32600),
    (b'{"id":1,"method":"ping"}', 1, -32600),
    (b"[" * 5000, None, None),
])
def test_what_the_strict_reader_refuses_is_told_to_its_request(everything, bearer, body, id, code):
    """A status other than 200 ends the whole session of many clients of the handshake era."""
    headers = {
        "Authorization": bearer, "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
    }
    for version, status in (("2025-11-25", 400 if id is None else 200), ("2026-07-28", 400)):
        reply = http.request("POST", everything.url("everything"), body=body,
                             headers=headers | {"MCP-Protocol-Version": version})
        assert reply.status == status
        assert reply.json["id"] == id
        if code is not None:
            assert reply.json["error"]["code"] == code


@pytest.mark.parametrize("change", [
    {"Mcp-Method": "tools/list"}, {"Mcp-Name": "delete_thing"}, {"MCP-Protocol-Version": "2025-11-25"},
])
def test_headers_that_contradict_the_body_are_refused(world, everything, bearer, change):
    before = world.servers["everything"].ask("counts")
    reply = http.rpc(everything.url("everything"), bearer, "tools/call", {"name": "echo", "arguments": {"text": "x"}},
                     headers=change)
    assert (reply.status, reply.json["error"]["code"]) == (400, -32020)
    assert world.servers["everything"].ask("counts") == before


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"])
def test_a_simple_cross_site_request_is_refused(everything, bearer, kind):
    body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    headers = {"Authorization": bearer, "Content-Type": kind, "Accept": "application/json, text/event-stream"}
    assert http.request("POST", everything.url("everything"), headers=headers, body=body).status in (400, 415)


def test_a_coded_body_is_415(everything, bearer):
    headers = {"Content-Encoding": "gzip"}
    reply = http.rpc(everything.url("everything"), bearer, "tools/list", headers=headers)
    assert reply.status == 415
    assert "Content-Encoding" in reply.json["error"]["message"]
    assert http.rpc(everything.url("everything"), bearer, "tools/list", headers={"Content-Encoding": "identity"}).status == 200


@pytest.mark.parametrize(("change", "status", "words"), [
    ({"Authorization": "Bearer dwc1_wrong"}, 401, "doorward client add NAME"),
    ({"Host": "evil.example"}, 421, "doorward status"),
    ({"Origin": "https://evil.example"}, 403, "origins"),
])
def test_a_refusal_by_status_says_in_json_rpc_what_to_do(everything, bearer, change, status, words):
    reply = http.rpc(everything.url("everything"), bearer, "tools/list", headers=change)
    assert reply.status == status
    assert reply.headers["content-type"] == "application/json"
    assert "www-authenticate" not in reply.headers
    assert reply.json["id"] is None
    assert words in reply.json["error"]["message"]


def test_one_slash_more_and_two_blanks_behind_bearer(everything, bearer):
    url = everything.url("everything") + "/"
    reply = http.rpc(url, bearer.replace("Bearer ", "Bearer   "), "tools/list")
    assert reply.status == 200
    assert http.rpc(url + "/", bearer, "tools/list").status == 404


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/no/such", 404)])
def test_the_answer_to_head_has_no_body(everything, bearer, path, status):
    host = f"Host: {everything.listen}\r\nAuthorization: {bearer}\r\n"
    answer = raw(everything.listen, (
        f"HEAD {path} HTTP/1.1\r\n{host}\r\nGET /healthz HTTP/1.1\r\n{host}Connection: close\r\n\r\n").encode())
    first, rest = answer.split(b"\r\n\r\n", 1)
    assert first.startswith(f"HTTP/1.1 {status} ".encode())
    assert rest.startswith(b"HTTP/1.1 200 ")


def raw(listen: str, data: bytes, seconds: float = 15) -> bytes:
    """Sends bytes and reads until the other side closes or falls silent."""
    host, port = listen.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        try:
            connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


def head(everything, bearer: str, *lines: str) -> bytes:
    return "\r\n".join([
        "POST /servers/everything/mcp HTTP/1.1", f"Host: {everything.listen}", f"Authorization: {bearer}",
        "Content-Type: application/json", "Accept: application/json, text/event-stream", *lines, "", "",
    ]).encode()


@pytest.mark.parametrize("lines", [
    ("Content-Length: 2", "Transfer-Encoding: chunked"),
    ("Content-Length: 2", "Content-Length: 3"),
    ("Content-Length: 2, 2",),
    ("Content-Length: +2",),
    ("Transfer-Encoding: xchunked",),
    ("Transfer-Encoding : chunked",),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    ("X: a", " folded: b", "Content-Length: 2"),
    ("X: a\0b", "Content-Length: 2"),
    ("X: a\rb: c", "Content-Length: 2"),
], ids=str)
def test_a_head_with_two_readings_is_refused_and_the_connection_ends(everything, bearer, lines):
    answer = raw(everything.listen, head(everything, bearer, *lines) + b"{}" + b"GET /healthz HTTP/1.1\r\n\r\n")
    assert answer.split(b" ", 2)[1] in (b"400", b"501")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_head_over_64_kib_is_431(everything, bearer):
    assert raw(everything.listen, head(everything, bearer, "X: " + "a" * 70_000)).startswith(b"HTTP/1.1 431")


def test_a_body_over_4_mib_is_413(everything, bearer):
    answer = raw(everything.listen, head(everything, bearer, f"Content-Length: {4 * 1024 * 1024 + 1}"))
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.slow
def test_a_head_that_does_not_end_is_408_after_ten_seconds(everything):
    begin = time.monotonic()
    answer = raw(everything.listen, b"GET /healthz HTTP/1.1\r\nHost: 127", seconds=20)
    assert answer.startswith(b"HTTP/1.1 408")
    assert 8 < time.monotonic() - begin < 14


def test_idle_connections_give_way_to_the_next_caller(everything, bearer):
    """A neighbour who opens connections and says nothing locks no other client out."""
    host, port = everything.listen.rsplit(":", 1)
    idle = []
    try:
        for _ in range(600):
            idle.append(socket.create_connection((host, int(port)), timeout=5))
        message = http.call(everything.url("everything"), bearer, "echo", {"text": "in"})
        assert message["result"]["content"][0]["text"] == "in"
    finally:
        for each in idle:
            each.close()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


def as_nobody(script: str) -> str:
    account = pwd.getpwnam("nobody")

    def drop() -> None:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)

    done = subprocess.run(["/usr/bin/python3", "-c", script], preexec_fn=drop, capture_output=True, text=True,
                          timeout=20, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_root
def test_another_user_is_closed_without_an_answer(everything, bearer):
    script = f"""
import socket
connection = socket.create_connection(("127.0.0.1", {everything.port}), timeout=10)
try:
    connection.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: {everything.listen}\\r\\nAuthorization: {bearer}\\r\\n\\r\\n")
    print(repr(connection.recv(1000)))
except ConnectionError:
    print(repr(b""))
"""
    assert as_nobody(script).strip() == "b''"


def over_socket(desk, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(desk.home / "run" / "agent.sock"))
        connection.sendall(request)
        return connection.recv(65536)


def test_the_unix_socket_proves_the_user_and_needs_no_credential(everything):
    path = everything.home / "run" / "agent.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    body = json.dumps({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"text": "socket"}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": http.MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "s", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}},
    }).encode()
    answer = over_socket(
        everything,
        b"POST /servers/everything/mcp HTTP/1.1\r\nHost: anything\r\nContent-Type: application/json\r\n"
        b"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
        b"Mcp-Name: echo\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body,
    )
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"socket" in answer
    assert b"doorward-record:" in answer.lower()


def test_a_client_that_is_removed_is_out_at_once(everything):
    value = everything.client("short-lived")
    assert http.call(everything.url("everything"), value, "echo", {"text": "a"})["result"]
    twice = everything.doorward("client", "add", "short-lived", check=False)
    assert twice.status == 1
    everything.doorward("client", "remove", "short-lived")
    wait_for("the client to be gone", lambda: http.rpc(everything.url("everything"), value, "tools/list").status == 401, 2)


def test_localhost_is_the_agent_over_both_families(everything, bearer):
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    for host in ("[::1]", "localhost"):
        url = everything.url("everything").replace("127.0.0.1", host)
        assert http.call(url, bearer, "echo", {"text": host})["result"]
        assert http.rpc(url, "Bearer dwc1_wrong", "tools/list").status == 401


def test_somebody_else_on_the_other_address_of_localhost_is_told_of(world):
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    desk = world.desk("beside")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        desk.port = listener.getsockname()[1]
        desk.start_agent(ready=False)
        assert http.get(f"http://127.0.0.1:{desk.port}/healthz").status == 200
        assert "clients have to say 127.0.0.1, and not localhost" in desk.agent.words()
        desk.stop_agent()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"])
def test_the_agent_listens_on_loopback_only(everything, address):
    answer = everything.doorward("agent", "--listen", address, check=False, json=False)
    assert answer.status == 2


def test_the_agent_tells_its_health_and_its_numbers(everything, bearer):
    http.call(everything.url("everything"), bearer, "echo", {"text": "count me"})
    base = f"http://{everything.listen}"
    assert http.get(f"{base}/healthz").status == http.get(f"{base}/readyz").status == 200
    metrics = http.get(f"{base}/metrics")
    text = metrics.body.decode()
    assert metrics.headers["content-type"].startswith("text/plain")
    samples = [line for line in text.splitlines() if line and not line.startswith("#")]
    names = [line.rsplit(" ", 1)[0] for line in samples]
    assert len(names) == len(set(names)), "a series appears twice"
    assert any("everything" in name for name in names)
    assert any("_bucket{" in name for name in names)
