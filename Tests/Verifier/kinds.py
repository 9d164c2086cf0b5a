"""What is written in the logs: leaves (section 2 of the page), records (section 4), and keys/AGENT.json (section 3)."""

import re

from forms import (
    MAX_INTEGER, agent, between, count, has_bytes, hash_, hash_or_empty, id_, key, members, name, need, one_of, origin,
    salt, time, version_1, whole, word,
)

# Section 2, "Leaves of the organisation's log".

EVERY_LEAF = {"kind": word, "salt": salt, "t": time, "v": version_1}

LEAVES = {
    "key.enrol": members({**EVERY_LEAF, "agent": agent, "custody": word, "key": key, "sub": word}),
    "key.revoke": members({**EVERY_LEAF, "agent": agent, "key": key, "why": word}),
    "policy.bundle": members({
        **EVERY_LEAF, "version": between(1, MAX_INTEGER), "digest": hash_, "expires": time,
    }),
    "agent.checkpoint": members({**EVERY_LEAF, "origin": origin, "size": count, "root": hash_}),
    "admin.change": members({
        **EVERY_LEAF, "who": word, "what": name, "before": hash_or_empty, "after": hash_or_empty,
    }),
    "log.restart": members({
        **EVERY_LEAF, "epoch": between(1, MAX_INTEGER), "origin": origin, "size": count, "root": hash_,
        "known_origin": origin, "known_size": count, "known_root": hash_, "who": word, "why": name,
    }),
    "log.seen": members({**EVERY_LEAF, "agent": agent, "origin": origin, "size": count, "root": hash_}),
}

# Section 4, "Records": the members of every record, the forms of the others, and which kind has which.

EVERY_RECORD = {
    "agent": agent,
    "boot": salt,
    "inst": id_,
    "key": key,
    "kind": word,
    "mono_us": count,
    "salt": salt,
    "seq": count,
    "sub": word,
    "t": time,
    "v": version_1,
}


def rules(value):
    return type(value) is list and len(value) <= 16 and all(name(each) for each in value)


def conditions(value):
    return type(value) is list and len(value) <= 16 and all(word(each) for each in value)


OUTCOMES = one_of(
    "ok", "tool_error", "rpc_error", "not_sent", "upstream_error", "too_large", "timeout", "cancelled", "unknown",
)

FORMS = {
    "bytes": count,
    "call": id_,
    "calls": count,
    "client": members({"how": one_of("token", "local", "claimed"), "id": name}),
    "countersigned": count,
    "cred": word,
    "custody": word,
    "dec": members({
        "args?": conditions, "digest": hash_or_empty, "is": one_of("allow", "deny"), "limiter?": name,
        "observed?": word, "policy": count, "reason": word, "rules": rules,
    }),
    "delta_us": whole,
    "digest": hash_or_empty,
    "known": count,
    "method": name,
    "notifications": count,
    "out": members({"bytes_in": count, "bytes_out": count, "ms": count, "is": OUTCOMES}),
    "pings": count,
    "policy": count,
    "prompt": name,
    "srv": name,
    "state": one_of("off", "on"),
    "tool": name,
    "torn": count,
    "trace": id_,
    "uri_hash": hash_,
    "version": word,
    "why": word,
}

TARGETS = ("tool", "prompt", "uri_hash")

KINDS = {
    "call.begin": "call client dec method srv trace cred? tool? prompt? uri_hash?",
    "call.end": "call client method out srv trace tool? prompt? uri_hash?",
    "call.deny": "call client dec method srv trace tool? prompt? uri_hash?",
    "credential.grant": "cred srv",
    "credential.refresh": "cred srv",
    "credential.fail": "cred? srv why",
    "credential.revoke": "cred srv why",
    "agent.start": "custody torn version",
    "agent.stop": "why",
    "agent.heartbeat": "calls notifications pings",
    "agent.rollback": "countersigned known",
    "clock.step": "delta_us",
    "policy.apply": "digest policy",
    "spool.pressure": "bytes state",
}

RECORDS = {
    kind: members({**EVERY_RECORD, **{each: FORMS[each.rstrip("?")] for each in own.split()}})
    for kind, own in KINDS.items()
}


def check_kind(value, kinds, where):
    """That an object is a leaf or record of a known kind, with its members."""
    kind = value.get("kind")
    need(type(kind) is str and kind in kinds, where, "an unknown kind")
    need(kinds[kind](value), where, f"not the members of a {kind}")
    need(sum(each in value for each in TARGETS) <= 1, where, "more than one of tool, prompt, uri_hash")


# Section 3, "keys/AGENT.json".


def user(value):
    return has_bytes(value, 1, 256) and not re.search(r"[\x00-\x1f\x7f]", value)


PERSON = members({"agent": agent, "public_key": hash_, "sub": word, "user?": user, "v": version_1})
