"""Words, canonical JSON and the forms of its members: section 1 of the page."""

import base64
import datetime
import hashlib
import json
import re

MAX_INTEGER = 2**53 - 1
MAX_JSON = 8192


class Refused(Exception):
    """What does not hold: where (a path, perhaps with :LINE) and why."""


def need(holds, where, why):
    if not holds:
        raise Refused(f"{where}: {why}")


def sha256(data):
    return hashlib.sha256(data).digest()


# Section 1, "Words".


def from_base64(text, size=None):
    """The bytes of strict base64 (of that many bytes), else None."""
    try:
        raw = text.encode("ascii")
        data = base64.b64decode(raw, validate=True)
    except ValueError:
        return None
    # What is read loosely, such as bits that are left over, does not come back.
    if base64.b64encode(data) != raw or size not in (None, len(data)):
        return None
    return data


def from_base64url(text, size):
    """The bytes of strict base64url without padding, else None."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        return None
    return from_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), size)


def fingerprint(key):
    return "SHA256:" + base64.urlsafe_b64encode(sha256(key)).decode().rstrip("=")


def integer(text, low=0, high=MAX_INTEGER):
    """The number of decimal ASCII, None if it is not one or is out of its range."""
    if not re.fullmatch(r"0|-?[1-9][0-9]{0,18}", text):
        return None
    return int(text) if low <= int(text) <= high else None


def is_time(text):
    form = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
    if not re.fullmatch(form, text) or text < "1970" or text[17:19] > "59":
        return False
    try:
        datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return False
    return True


# Section 1, "Canonical JSON".

SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def encode(value, depth=1):
    """The one spelling of a value; ValueError if it is not allowed to have one."""
    if type(value) in (dict, list) and depth > 4:
        raise ValueError("nested more than 4 deep")
    if type(value) is dict:
        if not all(re.fullmatch(r"[a-z0-9_]{1,32}", each) for each in value):
            raise ValueError("a member's name")
        return "{" + ",".join(f'"{each}":{encode(value[each], depth + 1)}' for each in sorted(value)) + "}"
    if type(value) is list:
        return "[" + ",".join(encode(each, depth + 1) for each in value) + "]"
    if type(value) is str:
        return '"' + re.sub(r'[\x00-\x1f"\\]', lambda m: SHORT.get(m[0]) or f"\\u{ord(m[0]):04x}", value) + '"'
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER:
        return str(value)
    raise ValueError("a value that is not allowed")


def canonical(data, where):
    """The object of these bytes: `encode(parse(bytes)) == bytes`."""
    need(len(data) <= MAX_JSON, where, f"more than {MAX_JSON} bytes")
    try:
        value = json.loads(data.decode("utf-8"))
        same = type(value) is dict and encode(value).encode("utf-8") == data
    except (ValueError, RecursionError) as error:
        raise Refused(f"{where}: no canonical JSON ({error})") from None
    need(same, where, "no canonical JSON object")
    return value


# Section 1, the table of forms. A form is a function that tells whether a value has it.


def matches(pattern):
    return lambda value: type(value) is str and re.fullmatch(pattern, value) is not None


def one_of(*words):
    return lambda value: type(value) is str and value in words


def between(low, high):
    # A truth value is no integer here.
    return lambda value: type(value) is int and low <= value <= high


def has_bytes(value, low, high):
    return type(value) is str and low <= len(value.encode("utf-8")) <= high


def name(value):
    return has_bytes(value, 0, 256)


def salt(value):
    return type(value) is str and from_base64url(value, 16) is not None


def hash_(value):
    return type(value) is str and from_base64url(value, 32) is not None


def hash_or_empty(value):
    return value == "" or hash_(value)


def key(value):
    return type(value) is str and value.startswith("SHA256:") and hash_(value[7:])


def time(value):
    return type(value) is str and is_time(value)


agent = matches(r"[a-z0-9-]{1,64}")
word = matches(r"[A-Za-z0-9_\-.:+]{1,64}")
id_ = matches(r"[0-9a-f]{32}")
count = between(0, MAX_INTEGER)
whole = between(-MAX_INTEGER, MAX_INTEGER)
version_1 = between(1, 1)
# Section 1, "Signed notes": U+0021 to U+007E without `+`.
origin = matches(r"[!-*,-~]{1,255}")


def members(forms):
    """The form of an object with exactly these members; one whose name ends in `?` may be absent."""
    allowed = {each.rstrip("?"): form for each, form in forms.items()}
    required = {each for each in forms if not each.endswith("?")}
    return lambda value: (
        type(value) is dict
        and required <= value.keys() <= allowed.keys()
        and all(allowed[each](content) for each, content in value.items())
    )
