"""Signed notes, checkpoints and Merkle trees, as packaging/docs/report-format.md has them."""

import re

from ed25519 import is_signature
from forms import Refused, base64, integer, is_origin, need, sha256


class Note:
    def __init__(self, data, where, limit=2 << 20):
        end = data.rfind(b"\n\n")
        need(end > 0 and len(data) <= limit and data.endswith(b"\n") and end + 2 < len(data), where, "this is no note")
        self.where, self.text = where, data[:end + 1]
        need(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", self.text), where, "control characters")
        try:
            self.text.decode("utf-8")
            lines = data[end + 2:-1].decode("utf-8").split("\n")
        except ValueError as error:
            raise Refused(where, "this is not UTF-8") from error
        need(len(lines) <= 100, where, "too many signatures")
        self.signatures = []
        for line in lines:
            words = line.split(" ")
            need(len(words) == 3 and words[0] == "\u2014" and words[1], where, "this is no signature line")
            need(not any(c.isspace() or c == "+" or c < " " for c in words[1]), where, "this is no key name")
            blob = base64(words[2])
            need(blob is not None and len(blob) > 4, where, "this is no signature")
            self.signatures.append((words[1], blob[:4], blob[4:]))

    def _claims(self, name, key, algorithm):
        key_id = sha256(name.encode() + b"\n" + bytes([algorithm]) + key)[:4]
        found = [signature for other, other_id, signature in self.signatures if (other, other_id) == (name, key_id)]
        need(found, self.where, f"a signature of {name} is missing")
        return found

    def check_signature(self, name, key):
        for signature in self._claims(name, key, 1):
            need(is_signature(key, signature, self.text), self.where, f"the signature of {name} does not fit")

    def check_countersignature(self, name, key):
        for signature in self._claims(name, key, 4):
            need(len(signature) == 72 and signature[0] < 128, self.where, "this is no countersignature")
            time = int.from_bytes(signature[:8], "big")
            message = b"cosignature/v1\ntime %d\n" % time + self.text
            need(is_signature(key, signature[8:], message), self.where, f"the countersignature of {name} does not fit")


def checkpoint(note, origin):
    lines = note.text.decode("utf-8").split("\n")
    need(len(lines) == 4 and is_origin(lines[0]), note.where, "this is no checkpoint")
    root = base64(lines[2])
    need(root is not None and len(root) == 32 and lines[0] == origin, note.where, f"this is no checkpoint of {origin}")
    return integer(lines[1], note.where), root


def is_included(leaf_hash, index, size, root, proof):
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        return False
    position, last, result = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            result = sha256(b"\x01" + sibling + result)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            result = sha256(b"\x01" + result + sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and result == root


def covered_root(size, shown, cover, where):
    """The root that the shown leaves (pairs of number and hash, rising) and the hashes of a cover make."""
    leaves, nodes = iter(shown), iter(cover)
    ahead = next(leaves, None)

    def root(low, high):
        nonlocal ahead
        if ahead is None or ahead[0] >= high:
            node = next(nodes, None)
            need(node is not None, where, "a hash is missing")
            return node
        if high - low == 1:
            result, ahead = ahead[1], next(leaves, None)
            return result
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        left = root(low, middle)
        return sha256(b"\x01" + left + root(middle, high))

    result = root(0, size)
    need(next(nodes, None) is None, where, "a hash is left over")
    return result
