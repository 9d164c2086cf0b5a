"""Proofs that leaves are in a tree: section 3 of the page, "*.tlog-proof" and "agents/AGENT.cover"."""

from bisect import bisect_left

from forms import canonical, from_base64, integer, need, sha256
from kinds import LEAVES, check_kind

MAX_HASHES = 64


def leaf_hash(data):
    return sha256(b"\x00" + data)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def included_root(index, size, leaf, path):
    """The root that an inclusion proof gives (RFC 9162, section 2.1.3.2), None with hashes too many or too few."""
    place, last = index, size - 1
    result = leaf_hash(leaf)
    for each in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            result = node_hash(each, result)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            result = node_hash(result, each)
        place >>= 1
        last >>= 1
    return result if last == 0 else None


def proven_leaf(data, where, checkpoint_data, checkpoint, kind):
    """The index and the leaf, which is of that kind, of a `.tlog-proof` that leads to `org.checkpoint`."""
    need(data.endswith(b"\n\n" + checkpoint_data), where, "org.checkpoint does not follow byte for byte")
    lines = data[:-len(checkpoint_data) - 1].decode("ascii", "replace").split("\n")[:-1]
    need(3 <= len(lines) <= 3 + MAX_HASHES, where, "not the lines of a proof")
    need(lines[0] == "c2sp.org/tlog-proof@v1", where, "not the first line of a proof")
    need(lines[1].startswith("extra ") and lines[2].startswith("index "), where, "no extra or index")
    leaf_data = from_base64(lines[1][6:])
    index = integer(lines[2][6:])
    path = [from_base64(each, 32) for each in lines[3:]]
    need(leaf_data is not None and index is not None and None not in path, where, "a bad leaf, index or hash")
    need(index < checkpoint.size, where, "the index is not below the size")
    root = included_root(index, checkpoint.size, leaf_data, path)
    need(root == checkpoint.root, where, "the proof does not give the root")
    leaf = canonical(leaf_data, where)
    check_kind(leaf, LEAVES, where)
    need(leaf["kind"] == kind, where, f"the leaf is no {kind}")
    return index, leaf


def check_cover(data, where, records, checkpoint):
    """That a `.cover` fits the agent's records (number to bytes) and checkpoint."""
    lines = data.decode("ascii", "replace").split("\n")
    need(lines[0] == "doorward-cover@v1" and lines[-1] == "", where, "not the lines of a cover")
    hashes = iter([from_base64(each, 32) for each in lines[1:-1]])
    numbers = sorted(records)

    def root(low, high):
        first = bisect_left(numbers, low)
        if first == len(numbers) or numbers[first] >= high:
            found = next(hashes, None)
            need(found is not None, where, "a hash is missing or bad")
            return found
        if high - low == 1:
            return leaf_hash(records[low])
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        left = root(low, middle)
        return node_hash(left, root(middle, high))

    result = root(0, checkpoint.size)
    need(next(hashes, b"") == b"", where, "a hash is left over")
    need(result == checkpoint.root, where, "the cover does not give the root")
