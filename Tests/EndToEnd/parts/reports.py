"""Reports that are made up here, as packaging/docs/report-format.md describes them: the records of the golden ones, under
keys from seeds, so that any layer can be changed before it is hashed, logged and signed."""

import base64
import functools
import hashlib
import itertools
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[2]
GOLDEN = TESTS / "Vectors" / "report" / "format-1"
GOLDEN_KEY = "SHA256:NHUPmL1Z_PyUbaRaqr6TO-FUpLUJThxKv0KGZQXzyX4"

sys.path.insert(0, str(TESTS / "Verifier"))

import ed25519  # noqa: E402
from forms import fingerprint, from_base64, sha256  # noqa: E402
from notes import COUNTERSIGNATURE, SIGNATURE, key_id  # noqa: E402

__all__ = ["COUNTERSIGNATURE", "ed25519", "fingerprint", "from_base64", "sha256"]

HOST = "gate.example.com"
AUDIT = f"{HOST}/audit"


def golden(name: str) -> dict[str, bytes]:
    """The files of a report that was made by the first release."""
    folder = GOLDEN / name
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@functools.cache
def golden_records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (GOLDEN / "whole" / "records.jsonl").read_text().splitlines()]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def time(microseconds: int) -> str:
    return f"2026-11-22T11:15:50.{microseconds:06d}Z"


def salt(what: str) -> str:
    return b64url(sha256(what.encode())[:16])


class Key:
    """An Ed25519 key from a seed."""

    def __init__(self, seed: str) -> None:
        digest = hashlib.sha512(sha256(seed.encode())).digest()
        self.secret = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
        self.prefix = digest[32:]
        self.public = ed25519.encode(ed25519.multiply(self.secret, ed25519.BASE))

    def sign(self, message: bytes) -> bytes:
        return _sign(self, message)


@functools.cache
def _sign(key: Key, message: bytes) -> bytes:
    r = int.from_bytes(hashlib.sha512(key.prefix + message).digest(), "little") % ed25519.ORDER
    first = ed25519.encode(ed25519.multiply(r, ed25519.BASE))
    k = int.from_bytes(hashlib.sha512(first + key.public + message).digest(), "little")
    return first + ((r + k * key.secret) % ed25519.ORDER).to_bytes(32, "little")


@functools.cache
def key_of(name: str) -> Key:
    """That of an agent, of the `coordinator`, or of anybody else."""
    return Key(name)


@functools.cache
def small_order() -> list[Any]:
    """The eight points whose order divides 8: the multiples of one of order 8."""
    for y in itertools.count(2):
        if point := ed25519.decode(y.to_bytes(32, "little")):
            point = ed25519.multiply(ed25519.ORDER, point)
            multiples = [ed25519.multiply(each, point) for each in range(8)]
            if len({ed25519.encode(each) for each in multiples}) == 8:
                return multiples
    raise AssertionError


class WeakKey:
    """32 bytes that a careless verifier takes for that point of small order: it has no secret, and signs all the same."""

    def __init__(self, public: bytes, point: Any) -> None:
        self.public, self.point = public, point

    def sign(self, message: bytes) -> bytes:
        for s in itertools.count():
            for own in small_order():
                first = ed25519.encode(ed25519.add(ed25519.multiply(s, ed25519.BASE), own))
                k = int.from_bytes(hashlib.sha512(first + self.public + message).digest(), "little") % ed25519.ORDER
                # [S]B - [k]A is R if this cancels out.
                if ed25519.encode(ed25519.add(ed25519.multiply(k, self.point), own)) == ed25519.encode(ed25519.NEUTRAL):
                    return first + s.to_bytes(32, "little")
        raise AssertionError


def signature_line(name: str, key: Any, text: bytes, algorithm: int = SIGNATURE, seconds: int = 1795345000) -> bytes:
    if algorithm == COUNTERSIGNATURE:
        signed = seconds.to_bytes(8, "big") + key.sign(b"cosignature/v1\ntime %d\n" % seconds + text)
    else:
        signed = key.sign(text)
    return f"\u2014 {name} {b64(key_id(name, algorithm, key.public) + signed)}".encode()


class Tree:
    """A Merkle tree of which some leaves are known; whatever has none of them gets a made-up hash."""

    def __init__(self, size: int, leaves: dict[int, bytes]) -> None:
        self.size = size
        self.leaves = leaves
        self.root = self.node(0, size) if size else sha256(b"")

    @staticmethod
    def middle(low: int, high: int) -> int:
        return low + (1 << (high - low - 1).bit_length() - 1)

    def node(self, low: int, high: int) -> bytes:
        if not any(low <= each < high for each in self.leaves):
            return sha256(b"made up %d %d" % (low, high))
        if high - low == 1:
            return sha256(b"\0" + self.leaves[low])
        middle = self.middle(low, high)
        return sha256(b"\1" + self.node(low, middle) + self.node(middle, high))

    def path(self, index: int) -> list[bytes]:
        low, high, hashes = 0, self.size, []
        while high - low > 1:
            middle = self.middle(low, high)
            left = index < middle
            hashes.append(self.node(middle, high) if left else self.node(low, middle))
            low, high = (low, middle) if left else (middle, high)
        return hashes[::-1]

    def cover(self, shown: Iterable[int], low: int = 0, high: int | None = None) -> list[bytes]:
        high = self.size if high is None else high
        inside = [each for each in shown if low <= each < high]
        if not inside:
            return [self.node(low, high)]
        if high - low == 1:
            return []
        middle = self.middle(low, high)
        return self.cover(inside, low, middle) + self.cover(inside, middle, high)


class Agent:
    """An agent, its log, and where the organisation's log speaks of it."""

    def __init__(self, name: str, sub: str, user: str | None, place: int) -> None:
        self.id, self.sub, self.user, self.key = name, sub, user, key_of(name)
        self.log: dict[int, bytes] = {}
        for number, record in enumerate(each for each in golden_records() if each["agent"] == name):
            self.write(number, record)
        self.size = len(self.log)
        self.shown = sorted(self.log)
        self.enrolled, self.taken = 1 + place, 5 + place
        self.revoked: int | None = None

    def write(self, seq: int, record: dict[str, Any], **more: Any) -> None:
        own = {"agent": self.id, "key": fingerprint(self.key.public), "sub": self.sub, "seq": seq}
        self.log[seq] = canonical({**record, **own, **more})

    def record(self, seq: int) -> dict[str, Any]:
        return json.loads(self.log[seq])

    def sign_with(self, key: Any) -> None:
        self.key = key
        for seq in self.log:
            self.write(seq, self.record(seq))


class Forged:
    """A report with the shape of a golden one, or `tiny`: one agent. `change` has functions for what is on the way:
    `leaf:PATH`, `text:PATH`, `lines:PATH` (signature lines, and the text), `file:PATH`, `records` (a list), `files`."""

    def __init__(self, shape: str, change: dict[str, Callable[..., Any]] | None = None, epoch: Any = 0) -> None:
        # After a restart of the organisation's log, with the leaf of it in a place that is free.
        self.epoch = epoch
        people = [("a-aaaa", "u-2", "ann@example.com"), ("a-bbbb", "u-3", "bob@example.com"), ("a-cccc", "u-4", None)]
        chosen = {"whole": [0, 1, 2], "stretch": [0, 1], "server": [1], "user": [0], "empty": [], "tiny": [2]}[shape]
        self.agents = [Agent(*people[each], each) for each in chosen]
        if 2 in chosen:
            self.agents[-1].revoked = 9
        self.change = change or {}
        self.key: Any = key_of("coordinator")
        self.bundles = {1: 0} if shape in ("whole", "stretch") else {}
        # What the leaf says of the removal of an agent's records, by the agent; one has a place that is free in `empty`.
        self.removals: dict[str, Any] = {}
        self.size = 10
        self.fields = {"made": time(0), "from": "1970-01-01T00:00:00.000000Z", "to": "9999-12-31T23:59:59.999999Z"}
        self.count: int | None = None
        if shape == "stretch":
            for each, shown in zip(self.agents, (slice(2, 14), slice(0, 12))):
                each.shown = each.shown[shown]
        elif shape == "user":
            self.fields["user"], self.agents[0].shown = "ann@example.com", self.agents[0].shown[:14]
        elif shape == "server":
            self.fields["server"], bob = "jira", self.agents[0]
            bob.shown = [each for each in bob.shown if bob.record(each).get("srv") == "jira"][::2]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.key.public)

    def changed(self, layer: str, value: Any, *more: Any) -> Any:
        return self.change[layer](value, *more) if layer in self.change else value

    def note(self, path: str, lines: list[str], signers: list[tuple[Any, ...]]) -> bytes:
        text = self.changed(f"text:{path}", "".join(each + "\n" for each in lines).encode())
        signed = [signature_line(name, key, text, *more) for name, key, *more in signers]
        return text + b"\n" + b"".join(each + b"\n" for each in self.changed(f"lines:{path}", signed, text))

    def build(self) -> dict[str, Any]:
        files: dict[str, bytes] = {}
        leaves: dict[str, tuple[int, bytes]] = {}

        def leaf(path: str, place: int, **members: Any) -> None:
            value = canonical({**members, "salt": salt(path), "t": time(3), "v": 1})
            leaves[path] = place, self.changed(f"leaf:{path}", value)

        for each in self.agents:
            tree, key, origin = Tree(each.size, each.log), fingerprint(each.key.public), f"{HOST}/agent/{each.id}"
            path = f"agents/{each.id}.checkpoint"
            signers = [(origin, each.key), (AUDIT, self.key, COUNTERSIGNATURE)]
            files[path] = self.note(path, [origin, str(each.size), b64(tree.root)], signers)
            cover = ["doorward-cover@v1", *map(b64, tree.cover(each.shown))]
            files[f"agents/{each.id}.cover"] = "".join(line + "\n" for line in cover).encode()
            person = {"agent": each.id, "public_key": b64url(each.key.public), "sub": each.sub, "v": 1}
            files[f"keys/{each.id}.json"] = canonical(person | ({"user": each.user} if each.user else {})) + b"\n"
            leaf(f"keys/{each.id}.enrol.tlog-proof", each.enrolled, kind="key.enrol", agent=each.id, key=key,
                 custody="keyring", sub=each.sub)
            leaf(f"agents/{each.id}.tlog-proof", each.taken, kind="agent.checkpoint", origin=origin, size=each.size,
                 root=b64url(tree.root))
            if each.revoked is not None:
                leaf(f"keys/{each.id}.revoke.tlog-proof", each.revoked, kind="key.revoke", agent=each.id, key=key,
                     why="left")
        for version, place in self.bundles.items():
            leaf(f"bundles/{version}.tlog-proof", place, kind="policy.bundle", version=version,
                 digest=b64url(sha256(b"rules")), expires=time(0))

        for number, (agent, what) in enumerate(self.removals.items()):
            leaf(f"removals/{agent}.tlog-proof", 5 + number, kind="admin.change", who="u-1", what=what,
                 before=b64url(sha256(b"state")), after="")

        log = f"{AUDIT}/epoch-{self.epoch}" if self.epoch else AUDIT
        if self.epoch:
            state = {"origin": AUDIT, "size": 4, "root": b64url(sha256(b"old"))}
            leaf(f"epochs/{self.epoch}.tlog-proof", 4, kind="log.restart", epoch=self.epoch, who="uid:0", why="restored",
                 **state, **{f"known_{name}": value for name, value in state.items()})
        tree = Tree(self.size, dict(leaves.values()))
        checkpoint = self.note("org.checkpoint", [log, str(self.size), b64(tree.root)], [(log, self.key)])
        files["org.checkpoint"] = checkpoint
        for path, (place, value) in leaves.items():
            lines = ["c2sp.org/tlog-proof@v1", f"extra {b64(value)}", f"index {place}", *map(b64, tree.path(place)), ""]
            files[path] = "".join(line + "\n" for line in lines).encode() + checkpoint
        records = self.changed("records", [each.log[seq] for each in self.agents for seq in each.shown])
        files["records.jsonl"] = b"".join(each + b"\n" for each in records)
        vkey = f"{log}+{key_id(log, SIGNATURE, self.key.public).hex()}+{b64(bytes([SIGNATURE]) + self.key.public)}"
        files["policy.tlog"] = f"log {vkey}\nquorum none\n".encode()
        files = self.changed("files", {path: self.changed(f"file:{path}", data) for path, data in files.items()})

        lines = [f"{HOST}/report", "format 1", *(f"{name} {value}" for name, value in self.fields.items())]
        lines.append(f"records {len(records) if self.count is None else self.count}")
        lines += [f"{sha256(files[path]).hex()}  {path}" for path in sorted(files)]
        return files | {"SUMMARY.txt": self.note("SUMMARY.txt", lines, [(f"{HOST}/report", self.key)])}
