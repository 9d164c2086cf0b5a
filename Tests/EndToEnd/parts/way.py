"""The way to a coordinator in the hands of an attacker within TLS: a proxy with the coordinator's own certificate."""

import http.client
import http.server
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SYNC = "/v1/agent/bundle"
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass
class Passing:
    """An answer to a machine's question for news, on its way: what a lie is made of."""

    query: str
    # The fingerprint of the machine's key.
    key: str
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def put(self, answer: Any) -> None:
        self.status, self.body = 200, json.dumps(answer).encode()


@dataclass
class Way:
    """Listens where people think that the coordinator is, and asks it where it really is."""

    port: int
    behind: int
    certificate: Path
    key: Path
    # Changes an answer to a question for news; None: everything passes as it is.
    lie: Callable[[Passing], None] | None = None
    # What the coordinator has really said, oldest first.
    seen: list[Passing] = field(default_factory=list)
    # How many answers were changed.
    lies: int = 0
    # Whether questions for news are answered here and at once: there are none.
    mutes: bool = False

    def start(self) -> None:
        way = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def any(self) -> None:
                way._pass(self)

            do_GET = do_POST = do_PUT = do_DELETE = any

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass  # A machine that goes away in the middle is no news.

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _pass(self, ask: http.server.BaseHTTPRequestHandler) -> None:
        body = ask.rfile.read(int(ask.headers.get("content-length") or 0))
        if self.mutes and ask.path.partition("?")[0] == _SYNC:
            self.lies += 1
            ask.send_response_only(204)
            ask.end_headers()
            return
        trusting = ssl._create_unverified_context()
        behind = http.client.HTTPSConnection("127.0.0.1", self.behind, timeout=60, context=trusting)
        try:
            headers = {name: value for name, value in ask.headers.items() if name.lower() not in _HOP}
            behind.request(ask.command, ask.path, body or None, headers)
            reply = behind.getresponse()
            path, _, query = ask.path.partition("?")
            key = re.search(r'keyid="([^"]+)"', ask.headers.get("signature-input") or "")
            passing = Passing(query, key[1] if key else "", reply.status, reply.read())
        except (OSError, http.client.HTTPException):
            ask.close_connection = True
            return
        finally:
            behind.close()
        if path == _SYNC:
            if passing.status == 200:
                self.seen.append(Passing(query, passing.key, passing.status, passing.body))
            if (lie := self.lie) is not None:
                lie(passing)
                self.lies += 1
        ask.send_response_only(passing.status)
        for name, value in reply.getheaders():
            if name.lower() not in _HOP or name.lower() == "date":
                ask.send_header(name, value)
        if passing.status != 204:
            ask.send_header("Content-Length", str(len(passing.body)))
        ask.end_headers()
        if passing.status != 204 and ask.command != "HEAD":
            ask.wfile.write(passing.body)


def within_tls(coordinator: Any) -> tuple[Way, str]:
    """A way before a coordinator that was made and does not serve yet, and where it has to listen."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        behind = listener.getsockname()[1]
    port = int(coordinator.url.rsplit(":", 1)[1])
    way = Way(port, behind, coordinator.data / "tls" / "server.pem", coordinator.data / "tls" / "server.key")
    way.start()
    return way, f"127.0.0.1:{behind}"
