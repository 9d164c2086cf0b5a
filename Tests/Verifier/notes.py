"""Signed notes and checkpoints: section 1 of the page, "Signed notes"."""

import re

import ed25519
from forms import from_base64, integer, need, origin, sha256

MAX_NOTE = 1 << 20
SIGNATURE, COUNTERSIGNATURE = 1, 4

SIGNATURE_LINE = re.compile(rb"\xe2\x80\x94 ([!-*,-~]+) ([A-Za-z0-9+/=]+)")


class Note:
    """A text, and its signature lines as (name, key id, signature)."""

    def __init__(self, data, where, limit=MAX_NOTE):
        need(len(data) <= limit, where, "too large")
        # The last pair of LF LF is the empty line.
        cut = data.rfind(b"\n\n")
        need(cut >= 0 and data.endswith(b"\n"), where, "no signed note")
        raw = data[:cut + 1]
        need(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", raw), where, "a control character in the text")
        try:
            self.text = raw.decode("utf-8")
        except UnicodeDecodeError:
            need(False, where, "the text is no UTF-8")
        self.raw = raw
        lines = data[cut + 2:].split(b"\n")[:-1]
        need(1 <= len(lines) <= 100, where, "not 1 to 100 signature lines")
        self.signatures = [self._signature(line, where) for line in lines]

    @staticmethod
    def _signature(line, where):
        parts = SIGNATURE_LINE.fullmatch(line)
        need(parts, where, "a bad signature line")
        data = from_base64(parts[2].decode("ascii"))
        need(data is not None and len(data) >= 5, where, "a bad signature")
        return parts[1].decode("ascii"), data[:4], data[4:]

    def lines(self):
        """The lines of the text, which ends with LF."""
        return self.text.split("\n")[:-1]

    def is_signed(self, name, key, algorithm=SIGNATURE):
        """At least one line has that name and key id, and every line that has both holds a signature of the key."""
        wanted = (name, key_id(name, algorithm, key))
        ours = [signature for *who, signature in self.signatures if tuple(who) == wanted]
        check = self._is_countersignature if algorithm == COUNTERSIGNATURE else self._is_signature
        return bool(ours) and all(check(key, each) for each in ours)

    def _is_signature(self, key, data):
        return ed25519.verify(key, self.raw, data)

    def _is_countersignature(self, key, data):
        if len(data) != 72:
            return False
        time = int.from_bytes(data[:8], "big")
        return time < 2**63 and ed25519.verify(key, b"cosignature/v1\ntime %d\n" % time + self.raw, data[8:])


def key_id(name, algorithm, key):
    return sha256(name.encode("utf-8") + b"\n" + bytes([algorithm]) + key)[:4]


class Checkpoint:
    """Section 1, "A checkpoint": a note of exactly three lines, here with the origin that is wanted."""

    def __init__(self, data, where, wanted):
        self.note = Note(data, where)
        lines = self.note.lines()
        need(len(lines) == 3, where, "not three lines")
        need(origin(lines[0]) and lines[0] == wanted, where, f"not the origin {wanted}")
        self.size = integer(lines[1])
        self.root = from_base64(lines[2], 32)
        need(self.size is not None and self.root is not None, where, "a bad size or root")
        # "The root of every size 0 is that" of the tree of no leaves.
        need(self.size > 0 or self.root == sha256(b""), where, "size 0 with another root than that of no leaves")
