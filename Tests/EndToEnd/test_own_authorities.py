"""An entry that brings its own authority: nobody else vouches for that server, and the authority for no other."""

import json
import queue
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from parts.processes import wait_for

OPEN = "version: 1\nroles:\n  all:\n    grant:\n{grants}\nbind:\n  - {{ everyone: true, role: all }}\n"


class Echo(BaseHTTPRequestHandler):
    """A server of 2026-07-28 at /mcp, and one of HTTP+SSE at /sse."""

    protocol_version = "HTTP/1.1"
    told: queue.Queue = queue.Queue()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"event: endpoint\ndata: messages\n\n")
        while True:
            self.wfile.write(b"event: message\ndata: " + json.dumps(self.told.get()).encode() + b"\n\n")

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/messages":
            if "id" in message:
                results = {
                    "initialize": {
                        "protocolVersion": "2024-11-05", "capabilities": {"tools": {}},
                        "serverInfo": {"name": "echo", "version": "1"},
                    },
                    "tools/list": {"tools": [{"name": "hello", "inputSchema": {"type": "object"}}]},
                    "tools/call": {"content": [{"type": "text", "text": "hello by events"}]},
                }
                self.told.put({"jsonrpc": "2.0", "id": message["id"], "result": results.get(message["method"], {})})
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        result = {"resultType": "complete", "content": [{"type": "text", "text": "hello"}]}
        if message["method"] == "server/discover":
            result = {
                "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": 0,
                "cacheScope": "private",
            }
        elif message["method"] == "tools/list":
            tool = {"name": "hello", "inputSchema": {"type": "object"}}
            result = {"resultType": "complete", "tools": [tool], "ttlMs": 0, "cacheScope": "private"}
        body = json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def secure(world):
    """A server with a certificate of an authority that no system trusts, and the file of that authority."""
    folder = world.folder / "authority"
    folder.mkdir()

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for name in ("ours", "other"):
        openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.pem",
        )
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:mcp.corp.example\n")
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "ours.pem", "-CAkey", "ours.key", "-CAcreateserial", "-days", "1",
        "-extfile", "names", "-out", "server.pem",
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}/mcp", folder
    server.shutdown()


def test_the_entrys_own_authority_vouches_for_its_server_alone(secure, desk):
    url, folder = secure
    desk.add_server("ours", url, "--ca", str(folder / "ours.pem"))
    desk.add_server("none", url)
    desk.add_server("wrong", url, "--ca", str(folder / "other.pem"))
    desk.policy(OPEN.format(grants="\n".join(f"      - {{ server: {each} }}" for each in ("ours", "none", "wrong"))))
    answer = desk.doorward("call", "ours", "hello").json
    assert answer["result"]["content"][0]["text"] == "hello"
    for alias in ("none", "wrong"):
        refused = desk.doorward("call", alias, "hello", check=False)
        assert refused.status == 1 and refused.json["error"]["code"] == -31004
        assert "TLS" in refused.json["error"]["message"] or "trusted" in refused.json["error"]["message"]


@pytest.fixture
def proxy(secure):
    """A proxy that knows one name which no name server does, and the requests that it got."""
    port = int(secure[0].rsplit(":", 1)[1].split("/")[0])
    asked: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        asked.append(head.decode().split("\r\n")[0])
        server = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

        def pump(source: socket.socket, target: socket.socket) -> None:
            try:
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        threading.Thread(target=pump, args=(server, client), daemon=True).start()
        pump(client, server)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    listener.close()


def test_through_a_proxy_the_own_authority_holds_as_well(world, secure, desk, proxy):
    url, folder = secure
    address, asked = proxy
    port = url.rsplit(":", 1)[1].split("/")[0]
    member = world.desk("behind")
    member.environment |= {"HTTPS_PROXY": address, "NO_PROXY": "127.0.0.1"}
    member.login(desk.doorward("admin", "invite", "behind@example.com").json["token"])
    desk.doorward(
        "admin", "servers", "add", "corp", "--url", f"https://mcp.corp.example:{port}/mcp", "--ca", str(folder / "ours.pem")
    )
    entry = {
        "name": "local.doorward/corp-sse", "version": "1.0.0", "description": "events",
        "remotes": [{"type": "sse", "url": f"https://mcp.corp.example:{port}/sse"}],
        "_meta": {"dev.doorward/entry": {"alias": "corp-sse", "ca": (folder / "ours.pem").read_text()}},
    }
    desk.doorward("admin", "api", "POST", "/v1/servers", json.dumps(entry))
    desk.policy(OPEN.format(grants="\n".join(f"      - {{ server: {each} }}" for each in ("corp", "corp-sse"))))
    member.start_agent()
    wait_for("the servers", lambda: {"corp", "corp-sse"} <= set(member.servers()))
    wait_for("the policy", lambda: member.status()["policy_version"] > 0)
    answers = {alias: member.doorward("call", alias, "hello").json for alias in ("corp", "corp-sse")}
    assert answers["corp"]["result"]["content"][0]["text"] == "hello"
    assert answers["corp-sse"]["result"]["content"][0]["text"] == "hello by events"
    assert set(asked) == {f"CONNECT mcp.corp.example:{port} HTTP/1.1"}


def test_what_is_no_certificate_is_refused(secure, desk):
    url, folder = secure
    key = folder / "ours.key"
    both = folder / "both.pem"
    both.write_text((folder / "ours.pem").read_text() + key.read_text())
    words = folder / "words.pem"
    words.write_text("these are words\n")
    for file in (key, both, words):
        refused = desk.doorward("admin", "servers", "add", "bad", "--url", url, "--allow-loopback", "--ca", str(file), check=False)
        assert refused.status == 1 and "ca" in refused.json["error"]["message"]
        assert "PRIVATE" not in refused.out + refused.error


def test_a_private_address_needs_a_word_of_the_entry(desk):
    refused = desk.doorward("admin", "servers", "add", "private", "--url", "https://10.1.2.3/mcp", check=False)
    assert refused.status == 1 and "allow_private" in refused.json["error"]["message"]
    desk.doorward("admin", "servers", "add", "private", "--url", "https://10.1.2.3/mcp", "--allow-private")
    desk.doorward("admin", "servers", "remove", "private")
    metadata = desk.doorward(
        "admin", "servers", "add", "cloud", "--url", "https://169.254.169.254/mcp", "--allow-private", check=False
    )
    assert metadata.status == 1
