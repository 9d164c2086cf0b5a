"""A machine that is made by hand: enrolled as every other, and free to ask and upload whatever its owner likes."""

import base64
import hashlib
import http.client
import json
import os
import ssl
import time
import urllib.parse
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import http as plain

LIMIT = 8 << 20


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


class Machine:
    def __init__(self, url: str, ca: str) -> None:
        self.url, self.ca = url, ca
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port
        self.name = f"{self.host}:{self.port}"
        self.private = Ed25519PrivateKey.generate()
        self.public = self.private.public_key().public_bytes_raw()
        self.keyid = f"SHA256:{b64url(sha256(self.public))}"
        self.id = self.sub = ""
        # The right edge of its log: the roots of the complete subtrees, largest first.
        self.size, self.peaks = 0, []
        self.connection: http.client.HTTPSConnection | None = None

    # Asking

    def headers(self, method: str, target: str, body: bytes = b"", now: int | None = None) -> dict[str, str]:
        """The headers that sign a request; every time others."""
        path, _, query = target.partition("?")
        now = int(time.time()) if now is None else now
        digest = f"sha-256=:{b64(sha256(body))}:"
        parameters = (
            '("@method" "@path" "@query" "content-digest" "doorward-audience")'
            f';created={now};expires={now + 60};nonce="{b64url(os.urandom(16))}"'
            f';keyid="{self.keyid}";alg="ed25519";tag="doorward-agent-1"'
        )
        audience = f"{self.name}/audit"
        base = "\n".join([
            f'"@method": {method}', f'"@path": {path}', f'"@query": ?{query}', f'"content-digest": {digest}',
            f'"doorward-audience": {audience}', f'"@signature-params": {parameters}',
        ])
        return {
            "content-digest": digest, "doorward-audience": audience, "signature-input": f"doorward={parameters}",
            "signature": f"doorward=:{b64(self.private.sign(base.encode()))}:",
        }

    def ask(
        self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> plain.Reply:
        """One signed request; on one connection as long as that lasts."""
        signed = headers or self.headers(method, target, body or b"")
        for isLast in (False, True):
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(
                    self.host, self.port, timeout=60, context=ssl.create_default_context(cafile=self.ca)
                )
            try:
                self.connection.request(method, target, body, signed)
                answer = self.connection.getresponse()
                return plain.Reply(
                    answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
                )
            except (http.client.HTTPException, OSError):
                self.connection.close()
                self.connection = None
                if isLast:
                    raise
        raise AssertionError

    def enrol(self, token: str) -> "Machine":
        body = json.dumps({
            "token": ".".join(token.split(".")[:2]), "public_key": b64url(self.public), "hostname": "by-hand",
            "custody": "file", "version": "0.1.0",
        }).encode()
        reply = self.ask("POST", "/v1/enrolments", body)
        assert reply.status == 201, reply
        self.id, self.sub = reply.json["agent_id"], reply.json["sub"]
        return self

    # Uploading

    def record(self, number: int, padding: int) -> bytes:
        """A denial with the names of as many rules as make it long."""
        rules = [("r" * 252 + f"{each:04d}") for each in range(padding // 260)]
        return json.dumps({
            "agent": self.id, "boot": b64url(os.urandom(16)), "inst": "0" * 32, "key": self.keyid, "kind": "call.deny",
            "mono_us": number, "salt": b64url(os.urandom(16)), "seq": number, "sub": self.sub,
            "t": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()), "v": 1, "call": os.urandom(16).hex(),
            "client": {"how": "local", "id": "local"}, "method": "tools/call", "srv": "made-up", "trace": "0" * 31 + "1",
            "dec": {"digest": "", "is": "deny", "policy": 1, "reason": "no_grant", "rules": rules},
        }, sort_keys=True, separators=(",", ":")).encode()

    def upload(self, size: int = LIMIT - 65536, padding: int = 4160) -> plain.Reply:
        """Uploads about so many bytes of records that it has made up; its log grows only if they are taken."""
        records, total = [], 0
        while not records or total + padding < size:
            records.append(self.record(self.size + len(records), padding))
            total += len(records[-1]) + 1
        peaks, count = list(self.peaks), self.size
        for record in records:
            node, height = sha256(b"\0" + record), count
            while height & 1:
                node, height = sha256(b"\1" + peaks.pop() + node), height >> 1
            peaks.append(node)
            count += 1
        root = peaks[-1]
        for peak in reversed(peaks[:-1]):
            root = sha256(b"\1" + peak + root)
        origin = f"{self.name}/agent/{self.id}"
        text = f"{origin}\n{count}\n{b64(root)}\n".encode()
        key_id = sha256(origin.encode() + b"\n\1" + self.public)[:4]
        note = text + f"\n— {origin} {b64(key_id + self.private.sign(text))}\n".encode()
        body = f"old {self.size}\n\n".encode() + note + b"\n" + b"".join(each + b"\n" for each in records)
        reply = self.ask("POST", "/v1/agent-log", body)
        if reply.status == 200:
            self.size, self.peaks = count, peaks
        return reply

    def problem(self, reply: plain.Reply) -> Any:
        """The code of a refusal."""
        assert reply.headers["content-type"] == "application/problem+json", reply
        return reply.json["type"].rsplit("/", 1)[1]
