"""Sections 1, 2 and 4 of packaging/docs/report-format.md: words, canonical JSON, leaves and records."""

import hashlib
import json
import re
from base64 import b64decode, b64encode
from datetime import datetime

LIMIT = 2**53 - 1


class Refused(Exception):
    """Something does not hold: where, and why."""


def need(condition, where, why="is not as the format wants it"):
    if not condition:
        raise Refused(where, why)


def sha256(data):
    return hashlib.sha256(data).digest()


def base64(text):
    """The bytes of base64 in its one spelling, or None."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    return data if b64encode(data) == text.encode() else None


def base64url(text):
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        return None
    return base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))


def is_base64url(text, count):
    data = base64url(text)
    return data is not None and len(data) == count


def fingerprint(key):
    return "SHA256:" + b64encode(sha256(key)).decode().replace("+", "-").replace("/", "_").rstrip("=")


def is_time(text):
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", text):
        return False
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").year >= 1970
    except ValueError:
        return False


def integer(text, where, least=0):
    need(re.fullmatch(r"0|[1-9][0-9]{0,15}", text) and least <= int(text) <= LIMIT, where, "this is no count")
    return int(text)


def is_origin(text):
    return re.fullmatch(r"[!-*,-~]{1,255}", text) is not None


def canonical(data, where):
    """The object of canonical JSON."""

    def pairs(members):
        need(len(dict(members)) == len(members), where, "a name occurs twice")
        need(all(re.fullmatch(r"[a-z0-9_]{1,32}", name) for name, _ in members), where, "a name is none")
        return dict(members)

    def check(value, depth):
        if isinstance(value, (dict, list)):
            need(depth <= 4, where, "too deep")
            for each in value.values() if isinstance(value, dict) else value:
                check(each, depth + 1)
        else:
            need(isinstance(value, (str, bool)) or type(value) is int and abs(value) <= LIMIT, where, "no such value")

    need(len(data) <= 8192, where, "too large")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs)
        need(isinstance(value, dict), where, "this is no object")
        check(value, 1)
        spelled = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Refused(where, "this is not canonical JSON") from error
    need(spelled == data, where, "this is not canonical JSON")
    return value


def text_of(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def bytes_of(count):
    return lambda value: isinstance(value, str) and is_base64url(value, count)


def one_of(*words):
    return lambda value: isinstance(value, str) and value in words


def number(least, most=LIMIT):
    return lambda value: type(value) is int and least <= value <= most


def is_name(value):
    return isinstance(value, str) and len(value.encode("utf-8")) <= 256


def is_line(value):
    return is_name(value) and value != "" and not re.search(r"[\x00-\x1f\x7f]", value)


agent_form = text_of(r"[a-z0-9-]{1,64}")
word = text_of(r"[A-Za-z0-9_.:+-]{1,64}")
an_id = text_of(r"[0-9a-f]{32}")
salt, a_hash, count_form = bytes_of(16), bytes_of(32), number(0)


def hash_or_empty(value):
    return value == "" or a_hash(value)


def key_form(value):
    return isinstance(value, str) and value.startswith("SHA256:") and is_base64url(value[7:], 32)


def time_form(value):
    return isinstance(value, str) and is_time(value)


def an_object(members, optional=()):
    def holds(value):
        return (
            isinstance(value, dict) and members.keys() - set(optional) <= value.keys() <= members.keys()
            and all(members[name](value[name]) for name in value)
        )

    return holds


# Leaves and records.

LEAF = {"kind": lambda _: True, "salt": salt, "t": time_form, "v": number(1, 1)}
LEAVES = {
    "key.enrol": {"agent": agent_form, "custody": word, "key": key_form, "sub": word},
    "key.revoke": {"agent": agent_form, "key": key_form, "why": word},
    "policy.bundle": {"version": number(1), "digest": a_hash, "expires": time_form},
    "agent.checkpoint": {"origin": lambda v: isinstance(v, str) and is_origin(v), "size": count_form, "root": a_hash},
    "admin.change": {"who": word, "what": is_name, "before": hash_or_empty, "after": hash_or_empty},
}

DECISION = an_object({
    "digest": hash_or_empty, "is": one_of("allow", "deny"), "limiter": is_name, "policy": count_form, "reason": word,
    "rules": lambda v: isinstance(v, list) and len(v) <= 16 and all(map(is_name, v)),
}, ["limiter"])
OUTCOMES = one_of(
    "ok", "tool_error", "rpc_error", "not_sent", "upstream_error", "too_large", "timeout", "cancelled", "unknown"
)
MEMBERS = {
    "agent": agent_form, "boot": salt, "bytes": count_form, "call": an_id, "calls": count_form,
    "client": an_object({"how": one_of("token", "local", "claimed"), "id": is_name}), "countersigned": count_form,
    "cred": word, "custody": word, "dec": DECISION, "delta_us": number(-LIMIT), "digest": hash_or_empty,
    "inst": an_id, "key": key_form, "kind": lambda _: True, "known": count_form, "method": is_name,
    "mono_us": count_form, "notifications": count_form,
    "out": an_object({"bytes_in": count_form, "bytes_out": count_form, "is": OUTCOMES, "ms": count_form}),
    "pings": count_form, "policy": count_form, "prompt": is_name, "salt": salt, "seq": count_form, "srv": is_name,
    "state": one_of("off", "on"), "sub": word, "t": time_form, "tool": is_name, "torn": count_form, "trace": an_id,
    "uri_hash": a_hash, "v": number(1, 1), "version": word, "why": word,
}
COMMON = {"agent", "boot", "inst", "key", "kind", "mono_us", "salt", "seq", "sub", "t", "v"}
ITEMS = {"tool", "prompt", "uri_hash"}
CALL = {"call", "client", "method", "srv", "trace"}
KINDS = {
    "call.begin": (CALL | {"dec"}, ITEMS | {"cred"}), "call.end": (CALL | {"out"}, ITEMS),
    "call.deny": (CALL | {"dec"}, ITEMS), "credential.grant": ({"cred", "srv"}, set()),
    "credential.refresh": ({"cred", "srv"}, set()), "credential.fail": ({"srv", "why"}, {"cred"}),
    "credential.revoke": ({"cred", "srv", "why"}, set()), "agent.start": ({"custody", "torn", "version"}, set()),
    "agent.stop": ({"why"}, set()), "agent.heartbeat": ({"calls", "notifications", "pings"}, set()),
    "agent.rollback": ({"countersigned", "known"}, set()), "clock.step": ({"delta_us"}, set()),
    "policy.apply": ({"digest", "policy"}, set()), "spool.pressure": ({"bytes", "state"}, set()),
}


def record(data, where):
    value = canonical(data, where)
    kind = value.get("kind")
    need(isinstance(kind, str) and kind in KINDS, where, "this is no kind of record")
    required, optional = COMMON | KINDS[kind][0], KINDS[kind][1]
    need(required <= value.keys() <= required | optional, where, "members are missing or unknown")
    need(len(ITEMS & value.keys()) <= 1, where, "a call is about one thing")
    for name in value:
        need(MEMBERS[name](value[name]), where, f"{name} does not have its form")
    return value
