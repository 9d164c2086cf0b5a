#!/usr/bin/env python3
"""Verifies a report offline: a second verifier, written from packaging/docs/report-format.md and nothing else.

Usage: verify.py FOLDER [--key FINGERPRINT]. It shares no code with the program and needs nothing but Python 3.9.
"""

import argparse
import json
import os
import re
import stat
import sys

from forms import (
    LEAF, LEAVES, LIMIT, Refused, a_hash, agent_form, an_object, base64, base64url, canonical, fingerprint, integer,
    is_line, is_origin, is_time, need, number, record, sha256, word,
)
from logs import Note, checkpoint, covered_root, is_included

AGENT_FILES = ("agents/%s.checkpoint", "agents/%s.cover", "agents/%s.tlog-proof", "keys/%s.json",
               "keys/%s.enrol.tlog-proof")
PATHS = re.compile(
    r"policy\.tlog|org\.checkpoint|records\.jsonl|bundles/(?P<version>[1-9][0-9]{0,15})\.tlog-proof"
    r"|agents/(?P<agent>[a-z0-9-]{1,64})\.(?:checkpoint|cover|tlog-proof)"
    r"|keys/(?P<keyed>[a-z0-9-]{1,64})\.(?:json|enrol\.tlog-proof|revoke\.tlog-proof)"
)


class Report:
    def __init__(self, folder):
        self.folder, self.hashes, self.agents = folder, {}, []

    def present(self):
        paths = set()
        for place, folders, names in os.walk(self.folder):
            for name in folders + names:
                path = os.path.relpath(os.path.join(place, name), self.folder)
                mode = os.lstat(os.path.join(place, name)).st_mode
                need(stat.S_ISDIR(mode) or stat.S_ISREG(mode), path, "is no plain file")
                if stat.S_ISREG(mode):
                    paths.add(path)
        return paths

    def raw(self, path):
        try:
            with open(os.path.join(self.folder, path), "rb") as file:
                return file.read()
        except OSError as error:
            raise Refused(path, "is missing or cannot be read") from error

    def read(self, path):
        data = self.raw(path)
        need(sha256(data).hex() == self.hashes[path], path, "is not the file that SUMMARY.txt lists")
        return data

    def summary(self, note):
        lines = note.text.decode("utf-8").split("\n")[:-1]
        where, at = "SUMMARY.txt", 0

        def rest(start, optional=False):
            nonlocal at
            if at < len(lines) and lines[at].startswith(start):
                at += 1
                return lines[at - 1][len(start):]
            need(optional, f"{where}:{at + 1}", f"the line does not begin with {start}")
            return None

        origin = rest("")
        need(is_origin(origin) and re.fullmatch(r".+/report", origin), where, "this is no report")
        need(rest("format ") == "1", where, "this is not format 1")
        times = [rest("made "), rest("from "), rest("to ")]
        need(all(map(is_time, times)) and times[1] <= times[2], where, "these are no times")
        self.host, self.start, self.end = origin[:-len("/report")], times[1], times[2]
        self.user, self.server = rest("user ", optional=True), rest("server ", optional=True)
        need(all(each is None or is_line(each) for each in (self.user, self.server)), where, "this is no selection")
        self.records = integer(rest("records "), where)
        for line in lines[at:]:
            found = re.fullmatch(r"([0-9a-f]{64})  (.*)", line)
            path = found and PATHS.fullmatch(found[2])
            need(path and int(path["version"] or 1) <= LIMIT, where, "this is no file of a report")
            need(not self.hashes or list(self.hashes)[-1] < found[2], where, "the files are not in order")
            self.hashes[found[2]] = found[1]
            self.agents.append(path["agent"] or path["keyed"])
        self.agents = sorted({each for each in self.agents if each})

    def leaf(self, path, kind):
        lines = self.read(path).split(b"\n\n", 1)
        need(len(lines) == 2 and lines[1] == self.org_note, path, "this is not a proof for org.checkpoint")
        try:
            lines = lines[0].decode("ascii").split("\n")
        except ValueError as error:
            raise Refused(path, "this is no proof") from error
        need(3 <= len(lines) <= 67 and lines[0] == "c2sp.org/tlog-proof@v1" and lines[1].startswith("extra ")
             and lines[2].startswith("index "), path, "this is no proof")
        data, index = base64(lines[1][6:]), integer(lines[2][6:], path)
        proof = [base64(line) for line in lines[3:]]
        need(data is not None and all(each is not None and len(each) == 32 for each in proof), path, "no hash")
        need(is_included(sha256(b"\x00" + data), index, *self.org, proof), path, "the proof does not hold")
        leaf = canonical(data, path)
        need(leaf.get("kind") == kind and an_object({**LEAF, **LEAVES[kind]})(leaf), path, f"this is no {kind}")
        return leaf, index

    def agent(self, agent):
        """The key, pseudonym, size, root and cover of an agent."""
        path = f"keys/{agent}.json"
        data = self.read(path)
        need(data.endswith(b"\n"), path)
        person = canonical(data[:-1], path)
        form = {"agent": agent_form, "public_key": a_hash, "sub": word, "user": is_line, "v": number(1, 1)}
        need(an_object(form, ["user"])(person) and person["agent"] == agent, path)
        need(self.user is None or person.get("user") == self.user, path, "this is another person's")
        public = base64url(person["public_key"])
        key = fingerprint(public)
        path = f"keys/{agent}.enrol.tlog-proof"
        enrol, enrolled = self.leaf(path, "key.enrol")
        need((enrol["agent"], enrol["key"], enrol["sub"]) == (agent, key, person["sub"]), path, "another enrolment")
        path = f"agents/{agent}.checkpoint"
        origin = f"{self.host}/agent/{agent}"
        note = Note(self.read(path), path)
        size, root = checkpoint(note, origin)
        note.check_signature(origin, public)
        note.check_countersignature(f"{self.host}/audit", self.key)
        path = f"agents/{agent}.tlog-proof"
        leaf, logged = self.leaf(path, "agent.checkpoint")
        need((leaf["origin"], leaf["size"], base64url(leaf["root"])) == (origin, size, root), path, "another state")
        need(enrolled < logged, path, "the state is older than the key")
        path = f"keys/{agent}.revoke.tlog-proof"
        if path in self.hashes:
            leaf, revoked = self.leaf(path, "key.revoke")
            need((leaf["agent"], leaf["key"]) == (agent, key) and logged < revoked, path, "the key was revoked before")
        path = f"agents/{agent}.cover"
        lines = self.read(path).split(b"\n")
        need(lines[0] == b"doorward-cover@v1" and lines[-1] == b"" and len(lines) > 1, path)
        cover = [base64(line.decode("latin-1")) if line.isascii() else None for line in lines[1:-1]]
        need(all(each is not None and len(each) == 32 for each in cover), path, "this is no hash")
        return {"agent": agent, "key": key, "sub": person["sub"], "size": size, "root": root, "cover": cover,
                "shown": [], "last": None}

    def finish(self, agent):
        need(self.start <= agent["last"] < self.end, "records.jsonl", "the last record is not within the time")
        path = f"agents/{agent['agent']}.cover"
        root = covered_root(agent["size"], agent["shown"], agent["cover"], path)
        need(root == agent["root"], path, "the records are not those of the agent's log")

    def check_records(self):
        data = self.read("records.jsonl")
        need(data == b"" or data.endswith(b"\n"), "records.jsonl", "the last line has no end")
        waiting, agent = list(self.agents), None
        for at, line in enumerate(data.split(b"\n")[:-1], 1):
            where = f"records.jsonl:{at}"
            facts = record(line, where)
            if agent is None or facts["agent"] != agent["agent"]:
                if agent:
                    self.finish(agent)
                need(waiting and waiting[0] == facts["agent"], where, "this agent is not next")
                agent = self.agent(waiting.pop(0))
                need(self.start <= facts["t"] < self.end, where, "the first record is not within the time")
            before = agent["shown"][-1][0] if agent["shown"] else None
            need((facts["key"], facts["sub"]) == (agent["key"], agent["sub"]), where, "another key or person")
            need(facts["seq"] < agent["size"], where, "the number is not in the log")
            need(before is None or before < facts["seq"] and (self.server is not None or facts["seq"] == before + 1),
                 where, "the numbers do not go on")
            need(self.server is None or facts.get("srv") == self.server, where, "another server")
            agent["shown"].append((facts["seq"], sha256(b"\x00" + line)))
            agent["last"] = facts["t"]
        if agent:
            self.finish(agent)
        need(not waiting, f"agents/{waiting[0] if waiting else ''}.checkpoint", "there is no record of this agent")
        need(data.count(b"\n") == self.records, "SUMMARY.txt", "there is another number of records")

    def verify(self, wanted):
        present = self.present()
        note = Note(self.raw("SUMMARY.txt"), "SUMMARY.txt", 16 << 20)
        need(len(note.signatures) == 1, "SUMMARY.txt", "there is more than one signature")
        self.summary(note)
        audit = f"{self.host}/audit"
        trust = self.raw("policy.tlog")
        found = re.fullmatch(r"log (\S+)\+([0-9a-f]{8})\+(\S+)\nquorum none\n", trust.decode("latin-1"))
        blob = found and base64(found[3]) if trust.isascii() else None
        need(blob and len(blob) == 33 and blob[0] == 1 and found[1] == audit, "policy.tlog")
        self.key = blob[1:]
        need(sha256(audit.encode() + b"\n" + blob)[:4].hex() == found[2], "policy.tlog", "the key id does not fit")
        need(wanted is None or wanted == fingerprint(self.key), "policy.tlog", "the key is another")
        note.check_signature(f"{self.host}/report", self.key)
        needed = {"policy.tlog", "org.checkpoint", "records.jsonl"}
        needed |= {path % agent for agent in self.agents for path in AGENT_FILES}
        for path in sorted((needed | self.hashes.keys()) - (present & self.hashes.keys())):
            raise Refused(path, "is missing")
        for path in sorted(present - self.hashes.keys() - {"SUMMARY.txt"}):
            raise Refused(path, "is not listed")
        for path in self.hashes:
            self.read(path)
        self.org_note = self.read("org.checkpoint")
        note = Note(self.org_note, "org.checkpoint")
        self.org = checkpoint(note, audit)
        note.check_signature(audit, self.key)
        for path in self.hashes:
            if version := PATHS.fullmatch(path)["version"]:
                leaf, _ = self.leaf(path, "policy.bundle")
                need(leaf["version"] == int(version), path, "this is another version")
        self.check_records()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--key", help="the fingerprint of the coordinator's key")
    arguments = parser.parse_args()
    report = Report(arguments.folder)
    try:
        report.verify(arguments.key)
    except Refused as refusal:
        where, why = (refusal.args + ("is not as the format wants it",))[:2]
        print(json.dumps({"ok": False, "failure": {"where": where, "why": why}}))
        return 1
    verdict = {"ok": arguments.key is not None, "records": report.records}
    if arguments.key is None:
        verdict["not_proven"] = [f"whose report it is: the key {fingerprint(report.key)} was not told with --key"]
    print(json.dumps(verdict))
    return 0 if arguments.key else 1


if __name__ == "__main__":
    sys.exit(main())
