"""The folder of a report, and the files that stand for themselves: sections 3 and 5 ("Bounds") of the page."""

import os
import re
import stat

from forms import Refused, canonical, from_base64, has_bytes, integer, is_time, need, origin
from kinds import RECORDS, check_kind
from notes import SIGNATURE, Note, key_id

MIB = 1 << 20
MAX_SUMMARY, MAX_COVER, MAX_OTHER = 16 * MIB, 1024 * MIB, MIB
MAX_FILES, MAX_DEPTH = 500_000, 8

AGENT_FILES = {
    "agents": ("checkpoint", "cover", "tlog-proof"),
    "keys": ("json", "enrol.tlog-proof", "revoke.tlog-proof"),
}


def agent_of(path):
    """The agent whose file that is, "" for the others of section 3, None for any other path."""
    if path in ("policy.tlog", "org.checkpoint", "records.jsonl"):
        return ""
    if parts := re.fullmatch(r"(?:bundles|epochs)/(.*)\.tlog-proof", path):
        return None if integer(parts[1], 1) is None else ""
    if re.fullmatch(r"removals/[a-z0-9-]{1,64}\.tlog-proof", path):
        return ""
    parts = re.fullmatch(r"(agents|keys)/([a-z0-9-]{1,64})\.(.*)", path)
    return parts[2] if parts and parts[3] in AGENT_FILES[parts[1]] else None


def files_of(agent):
    """The five files that every agent has."""
    return [
        f"{folder}/{agent}.{kind}" for folder, kinds in AGENT_FILES.items() for kind in kinds
        if kind != "revoke.tlog-proof"
    ]


class Folder:
    """A report's folder. It may be named by a link, and nothing in it may be one."""

    def __init__(self, path):
        self.path = os.fsencode(path)

    def list(self):
        """The paths of all files, at any depth, hidden ones too."""
        found, folders = set(), [""]
        while folders:
            folder = folders.pop()
            try:
                entries = list(os.scandir(os.path.join(self.path, folder.encode("utf-8"))))
            except OSError as error:
                raise Refused(f"{folder}: {error.strerror}") from None
            for each in entries:
                path = self._path(folder, each.name)
                mode = each.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    need(path.count("/") < MAX_DEPTH, path, "too deep")
                    folders.append(path)
                    continue
                need(stat.S_ISREG(mode), path, "neither a folder nor a plain file")
                found.add(path)
                need(len(found) <= MAX_FILES, path, "too many files")
        return found

    @staticmethod
    def _path(folder, name):
        try:
            return f"{folder}/{name.decode('utf-8')}".lstrip("/")
        except UnicodeDecodeError:
            raise Refused(f"{folder or '.'}: the name {name!r} is no UTF-8") from None

    def read(self, path):
        limit = {"SUMMARY.txt": MAX_SUMMARY, "records.jsonl": None}.get(path, MAX_OTHER)
        if path.endswith(".cover"):
            limit = MAX_COVER
        full = os.path.join(self.path, path.encode("utf-8"))
        try:
            status = os.lstat(full)
            need(stat.S_ISREG(status.st_mode), path, "no plain file")
            need(limit is None or status.st_size <= limit, path, "too large")
            with open(full, "rb") as file:
                return file.read()
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}") from None


class Summary:
    """Section 3, "SUMMARY.txt". `fields` are its lines by their first word, `files` the hashes by path."""

    WHERE = "SUMMARY.txt"

    def __init__(self, data):
        self.note = Note(data, self.WHERE, MAX_SUMMARY)
        need(len(self.note.signatures) == 1, self.WHERE, "not exactly one signature line")
        lines = self.note.lines()
        self.name = lines[0]
        self.host = self.name[:-len("/report")]
        need(origin(self.name) and self.name.endswith("/report") and self.host, self.WHERE, "a bad first line")
        need(lines[1:2] == ["format 1"], self.WHERE, "not of format 1")
        self.fields = {}
        for field in ("made", "from", "to", "user", "server", "records"):
            at = 2 + len(self.fields)
            if at < len(lines) and lines[at].startswith(field + " "):
                self.fields[field] = lines[at][len(field) + 1:]
            else:
                need(field in ("user", "server"), self.WHERE, f"no line {field}")
        self._check_fields()
        self.files = {}
        self._read_files(lines[2 + len(self.fields):])

    def _check_fields(self):
        fields = self.fields
        need(all(is_time(fields[each]) for each in ("made", "from", "to")), self.WHERE, "a bad time")
        need(fields["from"] <= fields["to"], self.WHERE, "from is later than to")
        for each in ("user", "server"):
            need(each not in fields or has_bytes(fields[each], 1, 256), self.WHERE, f"a bad {each}")
        self.records = integer(fields["records"])
        need(self.records is not None, self.WHERE, "a bad number of records")

    def _read_files(self, lines):
        last = ""
        for line in lines:
            path = line[66:]
            need(re.match(r"[0-9a-f]{64}  ", line) and agent_of(path) is not None, self.WHERE, "a bad line of a file")
            # The paths of section 3 are ASCII: this is the order of their bytes.
            need(last < path, self.WHERE, "the paths are not sorted")
            last = path
            self.files[path] = bytes.fromhex(line[:64])


def policy_key(data, host):
    """Section 3, "policy.tlog": the coordinator's key, the name of its log, and the epoch in it."""
    where = "policy.tlog"
    parts = re.fullmatch(rb"log (.+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})\nquorum none\n", data)
    need(parts, where, "not its two lines")
    name, audit, epoch = parts[1].decode("utf-8", "replace"), f"{host}/audit", 0
    if name != audit:
        start = audit + "/epoch-"
        epoch = integer(name[len(start):], 1) if name.startswith(start) else None
        need(epoch is not None, where, f"not the name {audit}, or that of an epoch")
    vkey = from_base64(parts[3].decode("ascii"), 33)
    need(vkey is not None and vkey[0] == SIGNATURE, where, "a bad vkey")
    key = vkey[1:]
    need(key_id(name, SIGNATURE, key).hex().encode() == parts[2], where, "not the id of the key")
    return key, name, epoch


def read_records(data):
    """Section 3, "records.jsonl", and section 4: for each agent its (line number, bytes, record), in order."""
    need(data == b"" or data.endswith(b"\n"), "records.jsonl", "does not end with LF")
    groups, last = {}, None
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        where = f"records.jsonl:{number}"
        record = canonical(line, where)
        check_kind(record, RECORDS, where)
        place = (record["agent"], record["seq"])
        need(last is None or last < place, where, "not in order")
        last = place
        groups.setdefault(record["agent"], []).append((number, line, record))
    return groups
