"""`doorward verify` and the verifier that was written from the page alone say the same of every report: whole ones, ones
that somebody tampered with, and ones made up by who has all the keys and writes other things into them."""

import json
import random

import pytest
from parts.mutants import flipped, mutant
from parts.reports import GOLDEN_KEY, Forged, WeakKey, b64, canonical, golden, small_order, time
from parts.verdicts import FOLDER, PIPE, Case, Link, agree, case, disagreements, write

SHAPES = ["whole", "stretch", "server", "user", "empty"]
# One file of each kind, all of the golden report `whole`.
KINDS = [
    "SUMMARY.txt", "policy.tlog", "org.checkpoint", "records.jsonl", "agents/a-aaaa.checkpoint", "agents/a-aaaa.cover",
    "agents/a-aaaa.tlog-proof", "keys/a-aaaa.json", "keys/a-aaaa.enrol.tlog-proof", "keys/a-cccc.revoke.tlog-proof",
    "bundles/1.tlog-proof",
]


def without(files, path):
    return {each: data for each, data in files.items() if each != path}


def test_reports_verify_and_so_do_those_that_are_made_up_here(tmp_path):
    cases = {f"golden {each}": Case(golden(each), True) for each in SHAPES}
    cases |= {f"forged {each}": case(Forged(each), True) for each in [*SHAPES, "tiny"]}
    agree(tmp_path, cases)


def test_a_report_of_a_log_that_was_restarted(tmp_path):
    def leaf(**changed):
        return lambda value: canonical({**json.loads(value), **changed})

    def renamed(name):
        return {"text:org.checkpoint": lambda text: text.replace(b"/audit/epoch-7", name, 1)}

    path = "epochs/7.tlog-proof"
    agree(tmp_path, {
        "whole": case(Forged("whole", epoch=7), True),
        "empty": case(Forged("empty", epoch=7), True),
        "largest": case(Forged("tiny", epoch=2**53 - 1), True),
        "too large": case(Forged("tiny", epoch=2**53), False),
        "no leaf": case(Forged("whole", {"files": lambda files: without(files, path)}, epoch=7), False),
        "no leaf and no name": case(Forged("whole", {"files": lambda files: {**files, path: b""}}), False),
        "another epoch": case(Forged("whole", {f"leaf:{path}": leaf(epoch=8)}, epoch=7), False),
        "another place": case(Forged("whole", {f"leaf:{path}": leaf(size=5)}, epoch=7), False),
        "another kind": case(Forged("whole", {f"leaf:{path}": leaf(kind="log.seen")}, epoch=7), False),
        "a member more": case(Forged("whole", {f"leaf:{path}": leaf(more=1)}, epoch=7), False),
        "the name before": case(Forged("whole", renamed(b"/audit"), epoch=7), False),
        "another name": case(Forged("whole", renamed(b"/audit/epoch-8"), epoch=7), False),
        "an odd name": case(Forged("whole", renamed(b"/audit/epoch-07"), epoch=7), False),
        "epoch 0": case(Forged("whole", renamed(b"/audit/epoch-0"), epoch=7), False),
    })


def test_a_report_after_records_were_removed(tmp_path):
    def removed(agent, what, **changed):
        def change(value):
            return canonical({**json.loads(value), **changed})

        report = Forged("empty", {f"leaf:removals/{agent}.tlog-proof": change})
        report.removals = {agent: what}
        return report

    what = "agents/a-zzzz/log/below/"
    cases = {
        "first": case(removed("a-zzzz", what + "1"), True),
        "largest": case(removed("a-zzzz", f"{what}{2**53 - 1}"), True),
        "longest name": case(removed("a" * 64, f"agents/{'a' * 64}/log/below/7"), True),
        "another agent's": case(removed("a-zzzy", what + "7"), False),
        "no agent's": case(removed("a_zzzz", what.replace("-", "_") + "7"), False),
        "another kind": case(removed("a-zzzz", what + "7", kind="policy.bundle"), False),
        "another change": case(removed("a-zzzz", "tokens/a"), False),
        "a member more": case(removed("a-zzzz", what + "7", more=1), False),
    }
    for number in ["", "0", "-1", "01", "+1", " 1", "1 ", "1/", "1/2", "1\n", "x", "１", str(2**53), str(2**64 + 1)]:
        cases[f"below {number!r}"] = case(removed("a-zzzz", what + number), False)
    two = Forged("empty")
    two.removals = {each: f"agents/{each}/log/below/9" for each in ("a-aaaa", "a-bbbb")}
    cases["two"] = case(two, True)
    agree(tmp_path, cases)


def test_the_key_is_compared_as_it_is_spelled(tmp_path):
    keys = ["SHA256:", GOLDEN_KEY.lower(), GOLDEN_KEY + "=", GOLDEN_KEY[7:], GOLDEN_KEY[:-1] + "5", GOLDEN_KEY + " "]
    agree(tmp_path, {key: Case(golden("empty"), False, key) for key in keys})


def test_a_flipped_bit_in_any_kind_of_file(tmp_path):
    source, whole = random.Random("flips"), golden("whole")
    cases = {}
    for path in KINDS:
        cases[path] = Case(whole | {path: flipped(whole[path], source)}, False)
        if path != "SUMMARY.txt":
            cases[f"{path}, signed again"] = case(Forged("whole", {f"file:{path}": lambda data: flipped(data, source)}))
    agree(tmp_path, cases)


def test_a_file_that_is_away_cut_longer_or_something_else(tmp_path):
    source, whole = random.Random("files"), golden("whole")
    cases = {}
    for number, path in enumerate(KINDS):
        data = whole[path]
        cases[f"{path} away"] = Case(without(whole, path), False)
        other = data + source.choice([b"\n", b" ", b"\0", data]) if number % 2 else data[:source.randrange(len(data))]
        cases[f"{path} longer or cut"] = Case(whole | {path: other}, False)
    for path in ("SUMMARY.txt", "records.jsonl", "keys/a-aaaa.json"):
        for name, what in (("a link to it", Link(whole[path])), ("a folder", FOLDER), ("a pipe", PIPE)):
            cases[f"{path} {name}"] = Case(whole | {path: what}, False)
    for form in ("agents/%s.cover", "agents/%s.checkpoint", "agents/%s.tlog-proof", "keys/%s.json"):
        a, b = form % "a-aaaa", form % "a-bbbb"
        swapped = whole | {a: whole[b], b: whole[a]}
        # Without hashes, the covers of all agents are the same.
        cases[f"{a} for {b}"] = Case(swapped, swapped == whole)
    agree(tmp_path, cases)


def test_a_file_that_is_neither_there_nor_listed(tmp_path):
    def drop(path):
        return {"files": lambda files: without(files, path)}

    # A verifier need not know of a revocation or of a policy.
    free = ("keys/a-cccc.revoke.tlog-proof", "bundles/1.tlog-proof")
    agree(tmp_path, {path: case(Forged("whole", drop(path)), path in free) for path in KINDS[1:]})


def test_what_else_is_in_the_folder(tmp_path):
    base = golden("empty")
    extra = {
        "x": b"", ".hidden": b"", "agents/.x": b"x", "a/b/c": b"", "caf\u00e9": b"", "x\ny": b"", b"\xff": b"",
        "bundles/1.tlog-proof": b"", "pipe": PIPE, "nowhere": Link("/nowhere"), "loop": Link("."),
        "link": Link("org.checkpoint"), "d/d/d/d/d/d/d/d/f": b"",
    }
    cases = {f"also {path!r}": Case(base | {path: content}, False) for path, content in extra.items()}
    for path in ("empty", ".hidden folder", "agents", "agents/empty", "caf\u00e9", "new\nline"):
        cases[f"also a folder {path!r}"] = Case(base | {path: FOLDER}, True)
    agree(tmp_path, cases)


def test_the_report_itself_may_be_named_by_a_link(tmp_path):
    write(golden("whole"), tmp_path / "report")
    (tmp_path / "link").symlink_to("report")
    places = {name: tmp_path / name for name in ("report", "link")}
    assert not list(disagreements({name: (place, GOLDEN_KEY, True) for name, place in places.items()}))


LISTED = ["x", "SUMMARY.txt", "agents/a-zzzz.cover", "bundles/0.tlog-proof", "bundles/01.tlog-proof",
          "bundles/9007199254740992.tlog-proof", "bundles/\u0661.tlog-proof", "keys/a_b.json", "agents/x.json"]


def test_a_file_that_is_listed_and_is_none_of_a_report(tmp_path):
    agree(tmp_path, {path: case(Forged("tiny", {"files": lambda files, path=path: files | {path: b"x"}}), False)
                     for path in LISTED})


def test_records_reordered_repeated_and_left_out(tmp_path):
    changes = {
        "without the first": lambda r: r[1:], "without one": lambda r: r[:5] + r[6:],
        "one twice": lambda r: r[:6] + r[5:], "two swapped": lambda r: r[:4] + [r[5], r[4]] + r[6:],
        "reversed": lambda r: r[::-1], "an agent moved": lambda r: r[12:] + r[:12], "an agent away": lambda r: r[:12],
        "an empty line": lambda r: [*r[:3], b"", *r[3:]], "an empty line at the end": lambda r: [*r, b""],
        "CR": lambda r: [r[0] + b"\r", *r[1:]], "one line": lambda r: [b"".join(r)], "none": lambda r: [],
    }
    cases = {name: case(Forged("stretch", {"records": change}), False) for name, change in changes.items()}
    # The proofs fit what is shown; so only a gap, or where the gap is, is wrong.
    for shape, verdict in (("stretch", False), ("server", True)):
        report = Forged(shape)
        del report.agents[0].shown[1]
        cases[f"a gap that is proven, {shape}"] = case(report, verdict)
    for count in (0, 1, 2):
        report = Forged("tiny")
        report.count, wanted = count, len(report.agents[0].shown)
        cases[f"{count} records"] = case(report, count == wanted)
    for name, change in (("LF away", lambda d: d[:-1]), ("LF more", lambda d: d + b"\n"), ("empty", lambda d: b"")):
        cases[name] = case(Forged("stretch", {"file:records.jsonl": change}), False)
    agree(tmp_path, cases)


def sized(length):
    """A record of exactly that many bytes."""
    report = Forged("tiny")
    agent = report.agents[0]
    whole = Forged("whole").agents[0]
    call = next(each for each in map(whole.record, whole.shown) if each["kind"] == "call.begin" and "tool" in each)
    # A name has 256 bytes, of which each may take six: a control character.
    call["dec"]["rules"] = ["\x01" * 200] * 5 + [""] * 11
    agent.write(0, call)
    more = length - len(agent.log[0])
    call["dec"]["rules"][5:] = ["x" * max(0, min(256, more - 256 * each)) for each in range(11)]
    agent.write(0, call)
    assert len(agent.log[0]) == length
    return report


def test_a_record_of_8192_bytes_and_none_of_one_more(tmp_path):
    agree(tmp_path, {"8191": case(sized(8191), True), "8192": case(sized(8192), True), "8193": case(sized(8193), False)})


def test_times_at_the_edges_of_a_report(tmp_path):
    cases = {}
    for start, end, verdict in ((500, 501, True), (499, 500, False), (501, 502, False), (500, 500, False),
                                (501, 500, False)):
        report = Forged("tiny")
        report.fields |= {"from": time(start), "to": time(end)}
        agent = report.agents[0]
        for seq in agent.shown:
            agent.write(seq, agent.record(seq), t=time(500))
        cases[f"{start} {end}"] = case(report, verdict)
    for when in ("1970-01-01T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z", "2024-02-29T00:00:00.000000Z",
                 "2023-02-29T00:00:00.000000Z", "2016-12-31T23:59:60.000000Z", "2026-01-01t00:00:00.000000Z",
                 "\u0662026-01-01T00:00:00.000000Z"):
        report = Forged("empty")
        report.fields["made"] = when
        cases[when] = case(report, when[:4] in ("1970", "2024"))
    agree(tmp_path, cases)


def test_odd_names_of_users_and_servers(tmp_path):
    cases = {}
    for name in ("a" * 256, "a" * 257, "", " ", "\u0301a", "a\u2028", "a\x7f"):
        good = 0 < len(name) < 257 and "\x7f" not in name
        report = Forged("tiny")
        report.agents[0].user = report.fields["user"] = name
        cases[f"user {name[:9]!r} {len(name)}"] = case(report, good)
        report = Forged("server")
        report.fields["server"], agent = name, report.agents[0]
        for seq in agent.shown:
            agent.write(seq, agent.record(seq), srv=name)
        cases[f"server {name[:9]!r} {len(name)}"] = case(report, good)
    report = Forged("tiny")
    report.fields["user"], report.agents[0].user = "\u00e9", "e\u0301"
    cases["no normalisation"] = case(report, False)
    agree(tmp_path, cases)


def test_what_the_two_once_told_apart(tmp_path):
    identity = small_order()[0]
    cases = {}

    # Keys that are no canonical encoding of a point: each of these is the identity to who does not look.
    for name, data in {"sign": b"\1" + bytes(30) + b"\x80", "y = p + 1": b"\xee" + b"\xff" * 30 + b"\x7f"}.items():
        report = Forged("empty")
        report.key = WeakKey(data, identity)
        cases[f"the coordinator's key, {name}"] = case(report, False)
        report = Forged("tiny")
        report.agents[0].sign_with(WeakKey(data, identity))
        cases[f"an agent's key, {name}"] = case(report, False)

    # Key names that begin with a mark that joins the space before it, or end with one that joins the space after it.
    other = b64(b"\1\2\3\4" + b"s" * 64)
    for name in ("\u0301x", "x\u0600"):
        line = f"\u2014 {name} {other}".encode()
        for path in ("org.checkpoint", "agents/a-cccc.checkpoint"):
            report = Forged("tiny", {f"lines:{path}": lambda lines, _, line=line: [*lines, line]})
            cases[f"{path}, key name {name!r}"] = case(report, False)

    # A policy in a report without records; one that no record names.
    for shape, version in (("empty", 7), ("tiny", 7), ("tiny", 2**53 - 1)):
        report = Forged(shape)
        report.bundles = {version: 0}
        cases[f"policy {version}, {shape}"] = case(report, True)

    # Folders eight deep, and nine; empty ones whose name is no UTF-8.
    base = golden("empty")
    cases["eight"] = Case(base | {"/".join("d" * 8): FOLDER}, True)
    cases["nine"] = Case(base | {"/".join("d" * 9): FOLDER}, False)
    cases["no UTF-8"] = Case(base | {b"\xff folder": FOLDER}, False)
    cases["no UTF-8, inside"] = Case(base | {b"agents/\xff": FOLDER}, False)
    agree(tmp_path, cases)


LAYERS = {
    "empty": ["text:org.checkpoint", "text:SUMMARY.txt", "file:policy.tlog", "file:org.checkpoint"],
    "tiny": ["text:agents/a-cccc.checkpoint", "leaf:keys/a-cccc.enrol.tlog-proof", "leaf:agents/a-cccc.tlog-proof",
             "leaf:keys/a-cccc.revoke.tlog-proof", "file:keys/a-cccc.json", "file:agents/a-cccc.tlog-proof",
             "file:agents/a-cccc.checkpoint", "record", "record", "record"],
    "server": ["file:agents/a-bbbb.cover", "file:records.jsonl", "text:SUMMARY.txt", "record"],
}


@pytest.mark.parametrize("shape", LAYERS)
def test_anything_anywhere_signed_again(tmp_path, shape):
    source = random.Random(f"anything {shape}")
    cases = {}
    for number in range(2 * len(LAYERS[shape])):
        layer = LAYERS[shape][number % len(LAYERS[shape])]
        if layer == "record":
            report = Forged(shape)
            log, seq = report.agents[0].log, source.choice(report.agents[0].shown)
            log[seq] = mutant(log[seq], source)
        else:
            report = Forged(shape, {layer: lambda data: mutant(data, source)})
        cases[f"{number} {layer}"] = case(report)
    agree(tmp_path, cases)
