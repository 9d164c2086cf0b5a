"""`doorward verify` and the verifier that was written from the page alone say the same of what somebody signed who has
the keys and holds to no rule: notes, keys, proofs, leaves and records."""

import json

import pytest
from parts.mutants import base64_spellings, json_spellings
from parts.reports import (
    AUDIT, COUNTERSIGNATURE, HOST, Forged, WeakKey, b64, canonical, ed25519, from_base64, key_of, sha256,
    signature_line, small_order,
)
from parts.verdicts import agree, case

AGENT = "agents/a-cccc.checkpoint"
ORIGIN = f"{HOST}/agent/a-cccc"


def line_of(name, signature=b64(b"\1\2\3\4" + b"s" * 64)):
    return f"\u2014 {name} {signature}".encode()


def test_signature_lines_of_others(tmp_path):
    good = ["~", "!", "a" * 300, "="]
    bad = ["", "x+y", "x y", "x\ty", "x\x7f", "x\xa0y", "x\u2028", "caf\u00e9", "\u200d"]
    # What joins the space before or after it where a program thinks in characters.
    bad += ["x\u0301", "\ufe0fx", "\U0001f3fbx", "x\U000110bd"]
    cases = {}
    for path, shape in (("org.checkpoint", "empty"), (AGENT, "tiny")):
        for name in good + bad if shape == "empty" else bad[-4:]:
            change = {f"lines:{path}": lambda lines, _, name=name: [line_of(name), *lines]}
            cases[f"{path} {name[:9]!r}"] = case(Forged(shape, change), name in good)
    for text in ("AAAAAAA=", "AAAAAAB=", "AAAAAA==", "AAAA-AAA", "AAAA", "", " AAAAAAA=", "AAAAAAA=\r"):
        change = {"lines:org.checkpoint": lambda lines, _, text=text: [*lines, line_of("x", text)]}
        cases[f"signature {text!r}"] = case(Forged("empty", change), text == "AAAAAAA=")
    for number in (100, 101):
        change = {"lines:org.checkpoint": lambda lines, _, number=number: [line_of("x")] * (number - 1) + lines}
        cases[f"{number} lines"] = case(Forged("empty", change), number == 100)
    change = {"lines:SUMMARY.txt": lambda lines, _: [*lines, line_of("x")]}
    cases["two lines of a summary"] = case(Forged("empty", change), False)
    agree(tmp_path, cases)


def test_who_signs_what_under_which_name(tmp_path):
    coordinator, agent, other = map(key_of, ("coordinator", "a-cccc", "other"))

    def signed(*signers):
        def lines(_, text):
            return [signature_line(name, key, text, *more) for name, key, *more in signers]

        return {f"lines:{AGENT}": lines}

    ours, theirs = (ORIGIN, agent), (AUDIT, coordinator, COUNTERSIGNATURE)
    cases = {name: case(Forged("tiny", signed(*signers)), verdict) for name, verdict, *signers in [
        ("the other way round", True, theirs, ours), ("twice", True, ours, theirs, ours, theirs),
        ("no agent", False, theirs), ("no coordinator", False, ours),
        ("other names", False, (AUDIT, agent), (ORIGIN, coordinator, COUNTERSIGNATURE)),
        ("other keys", False, (ORIGIN, other), (AUDIT, other, COUNTERSIGNATURE)),
        ("a signature for a countersignature", False, ours, (AUDIT, coordinator)),
        ("also strangers", True, (ORIGIN, other), ours, (AUDIT, agent, COUNTERSIGNATURE), theirs, (AUDIT, coordinator)),
        ("no time", True, ours, (*theirs, 0)), ("the last time", True, ours, (*theirs, 2**63 - 1)),
        ("a time too late", False, ours, (*theirs, 2**63)), ("the latest time", False, ours, (*theirs, 2**64 - 1)),
    ]}
    agree(tmp_path, cases)


@pytest.mark.parametrize(("path", "shape", "at"), [("org.checkpoint", "empty", 0), (AGENT, "tiny", 1)])
def test_signatures_that_are_nearly_good(tmp_path, path, shape, at):
    changes = {
        "S": lambda d: d[:-1] + bytes([d[-1] ^ 1]), "R": lambda d: d[:-64] + bytes([d[-64] ^ 1]) + d[-63:],
        "S and the order": lambda d: d[:-32] + (int.from_bytes(d[-32:], "little") + ed25519.ORDER).to_bytes(32, "little"),
        "longer": lambda d: d + b"\0", "shorter": lambda d: d[:-1], "nothing": lambda d: d[:4] + bytes(len(d) - 4),
    }
    cases = {}
    for name, change in changes.items():
        def replaced(lines, _, change=change):
            start, text = lines[at].rsplit(b" ", 1)
            return [*lines, start + b" " + b64(change(from_base64(text.decode()))).encode()]

        # A good one is there too, but every one that is ours has to be good.
        cases[name] = case(Forged(shape, {f"lines:{path}": replaced}), False)
    agree(tmp_path, cases)


def test_keys_for_which_anybody_can_sign(tmp_path):
    points = small_order()
    keys = {f"order divides 8, {number}": (ed25519.encode(each), each) for number, each in enumerate(points)}
    p = ed25519.P
    for name, y, sign, point in (("y = p + 1", p + 1, 0, points[0]), ("y = p + 1, sign", p + 1, 1, points[0]),
                                 ("y = 1, sign", 1, 1, points[0]), ("y = -1, sign", p - 1, 1, points[4])):
        keys[name] = (y | sign << 255).to_bytes(32, "little"), point
    cases = {}
    for number, (name, key) in enumerate(keys.items()):
        report = Forged("tiny" if number % 2 else "empty")
        if number % 2:
            report.agents[0].sign_with(WeakKey(*key))
        else:
            report.key = WeakKey(*key)
        cases[f"the key of {'the agent' if number % 2 else 'the coordinator'}, {name}"] = case(report, False)
    agree(tmp_path, cases)


def test_the_root_of_size_0_is_that_of_nothing(tmp_path):
    cases = {}
    for size, root, verdict in ((0, sha256(b""), True), (0, sha256(b"x"), False), (1, sha256(b"x"), True),
                                (2**53 - 1, sha256(b"x"), True), (2**53, sha256(b"x"), False)):
        text = f"{AUDIT}\n{size}\n{b64(root)}\n".encode()
        change = {"text:org.checkpoint": lambda _, text=text: text}
        cases[f"{size} {root[:4].hex()}"] = case(Forged("empty", change), verdict)
    agree(tmp_path, cases)


def test_other_spellings_of_base64(tmp_path):
    # A line of 44 characters, in files of each kind.
    layers = [("tiny", f"text:{AGENT}"), ("server", "file:agents/a-bbbb.cover"), ("tiny", "text:org.checkpoint"),
              ("server", "file:keys/a-bbbb.enrol.tlog-proof")]
    root = Forged("tiny").build()[AGENT].split(b"\n")[2].decode()
    cases = {}
    for number, name in enumerate(base64_spellings(root)):
        def change(data, name=name):
            lines = data.split(b"\n")
            at = next(at for at, line in enumerate(lines) if len(line) == 44 and line.endswith(b"="))
            lines[at] = base64_spellings(lines[at].decode())[name].encode()
            return b"\n".join(lines)

        for shape, layer in layers[number % 2::2]:
            cases[f"{layer}, {name}"] = case(Forged(shape, {layer: change}), False)
    agree(tmp_path, cases)


def test_other_spellings_of_canonical_json(tmp_path):
    layers = ["leaf:keys/a-cccc.enrol.tlog-proof", "record", "file:keys/a-cccc.json", "record"]
    cases = {}
    for number, name in enumerate(json_spellings(b'{"a":1,"b":2,"v":1}')):
        def change(data, name=name):
            return json_spellings(data.rstrip(b"\n"))[name] + b"\n" * data.endswith(b"\n")

        layer = layers[number % len(layers)]
        report = Forged("tiny", {layer: change})
        if layer == "record":
            log = report.agents[0].log
            log[0] = change(log[0])
        cases[f"{layer}, {name}"] = case(report, False)
    agree(tmp_path, cases)


def test_proofs_that_do_not_lead_to_the_root(tmp_path):
    path = "keys/a-cccc.enrol.tlog-proof"
    extra = b64(bytes(32)).encode()
    changes = {
        "one hash more": lambda h: [*h, extra], "one less": lambda h: h[:-1], "the first away": lambda h: [*h[:3], *h[4:]],
        "reversed": lambda h: [*h[:3], *h[:2:-1]], "64 hashes": lambda h: [*h[:3], *[extra] * 64],
        "65 hashes": lambda h: [*h[:3], *[extra] * 65], "no leaf": lambda h: [h[0], b"extra ", *h[2:]],
        "swapped": lambda h: [h[0], h[2], h[1], *h[3:]],
    }
    for index in ("0", "10", "-1", "03", "18446744073709551619"):
        changes[f"index {index}"] = lambda h, index=index: [*h[:2], b"index " + index.encode(), *h[3:]]

    def changed(change):
        def both(data):
            head, tail = data.split(b"\n\n", 1)
            return b"\n".join(change(head.split(b"\n"))) + b"\n\n" + tail

        return {f"file:{path}": both}

    cases = {name: case(Forged("tiny", changed(change)), False) for name, change in changes.items()}
    for enrolled, taken, revoked, verdict in ((1, 5, 7, True), (0, 1, 9, True), (5, 1, None, False),
                                              (3, 5, 1, False), (1, 5, 3, False)):
        report = Forged("tiny")
        report.agents[0].enrolled, report.agents[0].taken, report.agents[0].revoked = enrolled, taken, revoked
        cases[f"{enrolled} {taken} {revoked}"] = case(report, verdict)
    agree(tmp_path, cases)


def test_leaves_of_something_else(tmp_path):
    enrol, taken, revoke = (
        f"leaf:{each}.tlog-proof" for each in ("keys/a-cccc.enrol", "agents/a-cccc", "keys/a-cccc.revoke")
    )
    key = "SHA256:" + "A" * 43
    cases = {}
    for layer, members in ((enrol, {"agent": "a-bbbb"}), (enrol, {"sub": "u-9"}), (enrol, {"custody": ""}),
                           (taken, {"root": "A" * 43}), (taken, {"size": 2}), (taken, {"origin": f"{HOST}/agent/a-bbbb"}),
                           (revoke, {"agent": "a-aaaa"}), (revoke, {"key": key}), (revoke, {"kind": "key.rotate"}),
                           (enrol, {"kind": "key.revoke"})):
        change = {layer: lambda data, members=members: canonical(json.loads(data) | members)}
        cases[f"{layer} {members}"] = case(Forged("tiny", change), False)
    cases["another custody"] = case(Forged("tiny", {enrol: lambda data: data.replace(b"keyring", b"tpm")}), True)
    agree(tmp_path, cases)
