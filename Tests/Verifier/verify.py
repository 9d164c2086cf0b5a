#!/usr/bin/env python3
"""Verifies a report: section 5 of the page, whose numbers stand at the steps.

usage: verify.py DIR --key SHA256:...
"""

import sys

import ed25519
from files import Folder, Summary, agent_of, files_of, policy_key, read_records
from forms import Refused, canonical, fingerprint, from_base64url, integer, need, sha256
from kinds import PERSON
from notes import COUNTERSIGNATURE, Checkpoint
from proofs import check_cover, proven_leaf


class Report:
    """A report whose files are those that its summary lists: steps 1 to 6."""

    def __init__(self, path, wanted):
        folder = Folder(path)
        self.summary = Summary(folder.read("SUMMARY.txt"))                                                     # 1
        self.host = self.summary.host
        self.audit = self.host + "/audit"
        self.coordinator, self.log, self.epoch = policy_key(folder.read("policy.tlog"), self.host)
        check_key(self.coordinator, "policy.tlog")
        found = fingerprint(self.coordinator)
        need(found == wanted, "policy.tlog", f"the key is {found}")                                            # 2
        signed = self.summary.note.is_signed(self.summary.name, self.coordinator)
        need(signed, "SUMMARY.txt", "not signed by the coordinator")                                           # 3
        self.agents = sorted({agent_of(each) for each in self.summary.files} - {""})
        self._check_files(folder.list())                                                                       # 4
        self.data = {each: folder.read(each) for each in self.summary.files}
        for each, listed in self.summary.files.items():                                                        # 5
            need(sha256(self.data[each]) == listed, each, "not the hash that is listed")
        self.checkpoint = Checkpoint(self.data["org.checkpoint"], "org.checkpoint", self.log)                  # 6
        signed = self.checkpoint.note.is_signed(self.log, self.coordinator)
        need(signed, "org.checkpoint", "not signed by the coordinator")

    def _check_files(self, found):
        listed = set(self.summary.files)
        for each in sorted(found ^ (listed | {"SUMMARY.txt"})):
            need(False, each, "not listed" if each in found else "is missing")
        epoch = [f"epochs/{self.epoch}.tlog-proof"] if self.epoch else []
        for each in ["policy.tlog", "org.checkpoint", "records.jsonl"] + epoch + sum(map(files_of, self.agents), []):
            need(each in listed, each, "is missing")

    def leaf(self, path, kind):
        return proven_leaf(self.data[path], path, self.data["org.checkpoint"], self.checkpoint, kind)


def check_key(key, where):
    """Section 1: a key is refused, in any place."""
    need(ed25519.is_key(key), where, "not a key, or one for which anybody can sign")


def check_bundles(report):
    """Step 7."""
    for path in report.data:
        if path.startswith("bundles/"):
            _, leaf = report.leaf(path, "policy.bundle")
            version = path[len("bundles/"):-len(".tlog-proof")]
            need(str(leaf["version"]) == version, path, "the leaf has another version")


def check_epochs(report):
    """Step 7."""
    for path in report.data:
        if path.startswith("epochs/"):
            index, leaf = report.leaf(path, "log.restart")
            epoch = path[len("epochs/"):-len(".tlog-proof")]
            need(str(leaf["epoch"]) == epoch and leaf["size"] == index, path, "the leaf begins another epoch")


def check_removals(report):
    """Step 7."""
    for path in report.data:
        if path.startswith("removals/"):
            _, leaf = report.leaf(path, "admin.change")
            start = f"agents/{path[len('removals/'):-len('.tlog-proof')]}/log/below/"
            need(leaf["what"].startswith(start), path, "not of a removal of this agent's records")
            need(integer(leaf["what"][len(start):], 1) is not None, path, "not of a removal below a number")


def check_person(report, agent):
    """Step 8, keys/AGENT.json and keys/AGENT.enrol.tlog-proof: the key, the index of the enrolment and its leaf."""
    path = f"keys/{agent}.json"
    need(report.data[path].endswith(b"\n"), path, "does not end with LF")
    person = canonical(report.data[path][:-1], path)
    need(PERSON(person) and person["agent"] == agent, path, "not its members, or of another agent")
    fields = report.summary.fields
    need("user" not in fields or person.get("user") == fields["user"], path, "not the user of the summary")
    key = from_base64url(person["public_key"], 32)
    check_key(key, path)
    path = f"keys/{agent}.enrol.tlog-proof"
    index, leaf = report.leaf(path, "key.enrol")
    wanted = (agent, fingerprint(key), person["sub"])
    need((leaf["agent"], leaf["key"], leaf["sub"]) == wanted, path, "of another agent, key or pseudonym")
    return key, index, leaf


def check_agent(report, agent, records):
    """Step 8, for one agent, and step 9 for its records."""
    key, enrolled, enrolment = check_person(report, agent)

    path, origin = f"agents/{agent}.checkpoint", f"{report.host}/agent/{agent}"
    checkpoint = Checkpoint(report.data[path], path, origin)
    need(checkpoint.note.is_signed(origin, key), path, "not signed by the agent")
    countersigned = checkpoint.note.is_signed(report.audit, report.coordinator, COUNTERSIGNATURE)
    need(countersigned, path, "not countersigned by the coordinator")

    path = f"agents/{agent}.tlog-proof"
    taken, leaf = report.leaf(path, "agent.checkpoint")
    state = (leaf["origin"], leaf["size"], from_base64url(leaf["root"], 32))
    need(state == (origin, checkpoint.size, checkpoint.root), path, "of another state")
    need(taken > enrolled, path, "not after the enrolment")

    path = f"keys/{agent}.revoke.tlog-proof"
    if path in report.data:
        revoked, leaf = report.leaf(path, "key.revoke")
        need((leaf["agent"], leaf["key"]) == (agent, enrolment["key"]), path, "of another agent or key")
        need(revoked > taken, path, "not after the agent's checkpoint")

    check_records(report.summary.fields, records, enrolment, checkpoint)
    path = f"agents/{agent}.cover"
    check_cover(report.data[path], path, {record["seq"]: line for _, line, record in records}, checkpoint)


def check_records(fields, records, enrolment, checkpoint):
    """Step 9, for the records of one agent."""
    before = None
    for number, _, record in records:
        where = f"records.jsonl:{number}"
        same = all(record[each] == enrolment[each] for each in ("agent", "key", "sub"))
        need(same, where, "not of the agent, key and pseudonym that were enrolled")
        need(record["seq"] < checkpoint.size, where, "not below the size of the log")
        if "server" in fields:
            need(record.get("srv") == fields["server"], where, "of another server")
        else:
            need(before in (None, record["seq"] - 1), where, "a record is missing before it")
        before = record["seq"]
    for number, _, record in (records[0], records[-1]):
        need(fields["from"] <= record["t"] < fields["to"], f"records.jsonl:{number}", "not in the time of the report")


def verify(path, wanted):
    """One line about a report that verifies; else Refused says where and why."""
    report = Report(path, wanted)
    check_bundles(report)
    check_epochs(report)
    check_removals(report)
    groups = read_records(report.data["records.jsonl"])
    need(sorted(groups) == report.agents, "records.jsonl", "not the agents of which there are files")
    for agent in report.agents:
        check_agent(report, agent, groups[agent])
    total = sum(map(len, groups.values()))
    need(total == report.summary.records, "records.jsonl", f"{total} records, not {report.summary.records}")   # 10
    return f"verified: {total} records of {len(report.agents)} agents of {report.host}"


def main(arguments):
    if len(arguments) != 3 or arguments[1] != "--key":
        print(__doc__.splitlines()[-1], file=sys.stderr)
        return 2
    try:
        print(verify(arguments[0], arguments[2]))
    except Refused as refused:
        # One line, whatever the names of files are.
        print(f"refused: {refused}".encode("unicode_escape").decode("ascii"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
