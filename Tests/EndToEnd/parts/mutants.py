"""Small changes of bytes, as a forger or a careless program makes them. All are from a seed."""

import json
import random
import re
from typing import Any

from .reports import canonical

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_INSERTED = [b" ", b"\t", b"\r", b"\0", b"=", b"+", b"0", b"-", b"\n", b"\x7f", b"\xff", b'"', b"\\", b"\xc2\xa0",
             b"\xcc\x81", b"\xe2\x80\xa8", b"\xef\xbb\xbf"]
_VALUES = [None, True, 0, 1, -1, 1.5, 2**53 - 1, 2**53, -2**53, "", "x" * 64, "x" * 65, "x" * 257, "\u00e9" * 128,
           "e\u0301", "\0", "\x7f", "\u2028", [], {}, ["x"] * 17, [[["x"]]], "A" * 43, "A" * 42 + "B", "A" * 22,
           "SHA256:" + "A" * 43, "2026-02-29T11:15:50.123456Z", "a" * 32, "A" * 32, "x\n"]
_NUMBERS = ["+1", "01", "-0", "-1", "1.0", "1e0", "0x1", "", "\u0661", str(2**53 - 1), str(2**53), str(2**64 + 1)]


def flipped(data: bytes, source: random.Random) -> bytes:
    at = source.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << source.randrange(8)]) + data[at + 1:]


def base64_spellings(text: str) -> dict[str, str]:
    """Others for the same bytes, or nearly. The text ends with padding."""
    body = text.rstrip("=")
    return {
        "without padding": body, "more padding": text + "=", "only padding more": text + "====",
        "bits left over": body[:-1] + _ALPHABET[_ALPHABET.index(body[-1]) | 1] + text[len(body):],
        "a space": text[:4] + " " + text[4:], "a byte more": body + "AAA", "three bytes less": text[4:],
        "a mark": text[:4] + "\u0301" + text[4:], "other alphabet": "-_" + text[2:],
    }


def json_spellings(data: bytes) -> dict[str, bytes]:
    """Others for the same object, or nearly. It has a member `v`, which is the integer 1 and comes last."""
    names = sorted(json.loads(data))
    first, second = (canonical(name) + b":" + canonical(json.loads(data)[name]) for name in names[:2])
    return {
        "a space": data.replace(b":", b": ", 1), "a space at the end": data + b" ", "an LF before": b"\n" + data,
        "swapped": data.replace(first + b"," + second, second + b"," + first), "in an array": b"[" + data + b"]",
        "twice": data.replace(first, first + b"," + first), "escaped": data.replace(b'"v"', b'"\\u0076"'),
        "1.0": data.replace(b'"v":1', b'"v":1.0'), "1e0": data.replace(b'"v":1', b'"v":1e0'),
        "01": data.replace(b'"v":1', b'"v":01'), "true": data.replace(b'"v":1', b'"v":true'),
        "null": data.replace(b'"v":1', b'"v":null'), "text": data.replace(b'"v":1', b'"v":"1"'),
        "two": data.replace(b'"v":1', b'"v":2'), "comma": data[:-1] + b",}", "more": data[:-1] + b',"x":1}',
        "less": data.replace(b',"v":1', b""), "nothing": b"{}", "mark": b"\xef\xbb\xbf" + data, "cut": data[:-1],
    }


def _member(data: bytes, source: random.Random) -> bytes:
    value: Any = json.loads(data)
    place = value
    name = source.choice(sorted(value))
    while isinstance(place[name], dict):
        place = place[name]
        name = source.choice(sorted(place))
    if source.random() < 0.2:
        del place[name]
    else:
        place[name] = source.choice(_VALUES)
    return canonical(value)


def _lines(data: bytes, source: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = source.randrange(len(lines))
    line, after = lines[at], lines[at + 1:]
    changed = source.choice([
        after, [line, line, *after], [b"", line, *after], [line + b" ", *after], [b" " + line, *after],
        [line + b"\r", *after], [*after[:1], line, *after[1:]],
    ])
    return b"\n".join(lines[:at] + changed)


def _token(data: bytes, source: random.Random) -> bytes:
    """Another spelling of a number or of base64 that means the same."""
    found = list(re.finditer(rb"(?<![\w+/=.:-])(?:[0-9]{1,16}|[A-Za-z0-9+/]{40,}=)(?![\w+/=.:-])", data))
    if not found:
        return flipped(data, source)
    each = source.choice(found)
    if each[0].endswith(b"="):
        other = source.choice(list(base64_spellings(each[0].decode()).values()))
    else:
        other = source.choice(_NUMBERS)
    return data[:each.start()] + other.encode() + data[each.end():]


def mutant(data: bytes, source: random.Random) -> bytes:
    """One change of any kind."""
    if data.startswith(b"{") and b"\n" not in data[:-1] and source.random() < 0.6:
        tail = b"\n" if data.endswith(b"\n") else b""
        if source.random() < 0.5:
            return _member(data, source) + tail
        return source.choice(list(json_spellings(data.rstrip(b"\n")).values())) + tail
    at = source.randrange(len(data) + 1)
    kind = source.randrange(6)
    if kind == 0 and data:
        return flipped(data, source)
    if kind == 1:
        return data[:at] + source.choice(_INSERTED) + data[at:]
    if kind == 2:
        return data[:at] + data[at + 1:]
    if kind == 3:
        return data[:at]
    return _lines(data, source) if kind == 4 else _token(data, source)
