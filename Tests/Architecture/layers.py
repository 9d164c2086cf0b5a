"""What may import what, and the rules of form: plain functions over a tree of sources, so that each can be shown to fail."""

import re
from pathlib import Path
from typing import NamedTuple

# A target may import the targets above it in its own half, and Shared; nothing in Shared knows of the halves, and
# Agent and Coordinator never meet.
LAYERS = {
    "Shared": [
        "Errors", "Bytes", "StrictJSON", "MCP", "Policy", "StrictYAML", "PolicyFile", "TransparencyLog", "AuditLog",
        "AuditReport", "Addresses", "Contract", "CCurl", "Fetch", "CZlib", "Archive", "ServiceKit",
    ],
    "Agent": [
        "CLibSecret", "Keyring", "Wire", "OAuth", "Spool", "AgentState", "Upstreams", "CoordinatorLink", "LocalControl",
        "Bridging", "CSpawn", "Children", "Forwarding", "OwnPage", "StdioShim", "AgentCore", "Commands", "doorward",
    ],
    "Coordinator": [
        "Database", "Rights", "AuditSink", "Definitions", "Registry", "People", "PolicyStore", "Fleet", "SignIn",
        "Console", "API", "CoordinatorCore", "doorward-coordinator",
    ],
}

# A library that must stay behind a fence, with the targets on the inside. Names match exactly or by a trailing `*`.
FENCES = {
    "ArgumentParser": {"Commands", "doorward", "doorward-coordinator"},
    "AuditReport": {"AuditSink", "Commands"},
    "CCurl": {"Fetch"},
    "CLibSecret": {"Keyring"},
    "CSpawn": {"Children"},
    "CYaml": {"StrictYAML"},
    "CZlib": {"Archive"},
    "GRDB*": {"Database"},
    "Hummingbird*": {"API", "CoordinatorCore"},
    "JWTKit": {"SignIn"},
    "Mustache": {"Console"},
    "NIO*": {"Bridging", "Children", "Forwarding", "StdioShim", "Upstreams", "AgentCore", "API", "CoordinatorCore"},
    "Yams": {"StrictYAML"},
}

# Targets that decide on bytes, and so must not meet Foundation's idea of strings and JSON; nor any library but crypto.
PURE = {"Bytes", "StrictJSON", "MCP", "Policy", "TransparencyLog", "AuditLog", "Wire"}
# Targets of the domain, which never see a type of HTTP.
DOMAIN = {"Rights", "AuditSink", "Definitions", "Registry", "People", "PolicyStore", "Fleet", "SignIn"}
HTTP = ("HTTPTypes", "Hummingbird", "NIO")

# A file of the product is read at one sitting; a table of cases may be longer.
LONGEST = 300
LONGEST_TEST = 500

_IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?([A-Za-z_]\w*)", re.MULTILINE,
)
_PACKAGE = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*package\s+(?!import\b|extension\b)(?:(?:static|class|final|mutating|nonmutating|"
    r"nonisolated|indirect|lazy|convenience|required|override|private\(set\)|internal\(set\)|consuming|borrowing|"
    r"unsafe|package\(set\))\s+)*(struct|class|enum|actor|protocol|func|var|let|init|typealias|subscript)\b[\s?<(]*(.*)",
)
_TYPES = {"struct", "class", "enum", "actor", "protocol"}


class Finding(NamedTuple):
    where: str
    why: str


def targets(root: Path) -> dict[str, tuple[str, Path]]:
    """Every folder that holds a target: its name, its half and where it is."""
    return {
        folder.name: (half, folder)
        for half in LAYERS if (root / half).is_dir()
        for folder in sorted((root / half).iterdir()) if folder.is_dir()
    }


def module(target: str) -> str:
    """The name under which a target is imported."""
    return target.replace("-", "_")


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.swift"))


def without_comments(text: str) -> str:
    """The text with comments and string contents blanked, line by line where they were."""
    pattern = re.compile(r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*(?:.|\n)*?\*/')
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def imports(root: Path) -> dict[str, dict[str, set[str]]]:
    """For each target the modules that it imports, each with the files that do."""
    graph: dict[str, dict[str, set[str]]] = {}
    for name, (_, folder) in targets(root).items():
        graph[name] = {}
        for path in sources(folder):
            for imported in _IMPORT.findall(without_comments(path.read_text())):
                graph[name].setdefault(imported, set()).add(str(path.relative_to(root)))
    return graph


def unknown_targets(root: Path) -> list[Finding]:
    """Folders that no layer names: the list above has to say where they stand."""
    return [
        Finding(str(folder.relative_to(root)), f"{name} is in no layer of {half}")
        for name, (half, folder) in targets(root).items() if name not in LAYERS[half]
    ]


def names_without_rooms(root: Path) -> list[Finding]:
    """Targets that are listed, fenced or judged here and have no folder: such a rule applies to nothing."""
    there = {name for half in LAYERS for name in LAYERS[half] if (root / half / name).is_dir()}
    named = {name for half in LAYERS.values() for name in half} | set().union(*FENCES.values()) | PURE | DOMAIN
    return [Finding("Tests/Architecture/layers.py", f"{name} has no folder") for name in sorted(named - there)]


def wrong_layers(root: Path) -> list[Finding]:
    """Imports that go up a layer, or across from one half into the other."""
    place = {
        module(name): (half, level, name) for half, names in LAYERS.items() for level, name in enumerate(names)
    }
    findings = []
    for target, imported in imports(root).items():
        half, level, _ = place.get(module(target), (None, None, None))
        for name, files in imported.items():
            if name not in place or half is None:
                continue
            other, depth, real = place[name]
            if other == half and depth >= level:
                why = f"{target} may not import {real}: it is at the same level or below"
            elif other != half and other != "Shared":
                why = f"{half} may not import {other} ({target} imports {real})"
            else:
                continue
            findings += [Finding(file, why) for file in sorted(files)]
    return findings


def circles(root: Path) -> list[Finding]:
    """Targets that import each other, however far around."""
    graph = imports(root)
    by_module = {module(name): name for name in graph}
    edges = {name: {by_module[each] for each in imported if each in by_module} for name, imported in graph.items()}
    findings, done = [], set()

    def walk(name: str, path: list[str]) -> None:
        if name in path:
            findings.append(Finding(name, " imports ".join([*path[path.index(name):], name])))
            return
        if name in done:
            return
        for other in sorted(edges[name]):
            walk(other, [*path, name])
        done.add(name)

    for name in sorted(edges):
        walk(name, [])
    return findings


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def broken_fences(root: Path) -> list[Finding]:
    """Libraries seen outside of the targets that may know them."""
    findings = []
    for target, imported in imports(root).items():
        for name, files in imported.items():
            for pattern, inside in FENCES.items():
                if _matches(pattern, name) and target not in inside:
                    findings += [Finding(file, f"{name} may not be imported by {target}") for file in sorted(files)]
            if target in PURE and name.startswith("Foundation"):
                findings += [Finding(file, f"{target} decides on bytes, without {name}") for file in sorted(files)]
            if target in DOMAIN and name.startswith(HTTP):
                findings += [Finding(file, f"{target} is domain and may not see {name}") for file in sorted(files)]
    return findings


def statuses_in_domain(root: Path) -> list[Finding]:
    """HTTP statuses, and the wire form that has them, in targets that know nothing of HTTP."""
    rule = re.compile(r"\bstatus(?:Code)?\s*(?::|==|!=|>=|<)\s*[1-5]\d\d\b|\bProblem\b")
    return [
        Finding(f"{path.relative_to(root)}:{number}", f"{name} is domain: throw Refused, without a status")
        for name, (_, folder) in targets(root).items() if name in DOMAIN
        for path in sources(folder)
        for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1) if rule.search(line)
    ]


# Where each code that the domain refuses with has its status.
STATUS_TABLE = "Coordinator/API/Edge/Problem+Status.swift"


def codes_without_status(root: Path) -> list[Finding]:
    """Codes of refusals without a row in the table: such a refusal would be answered with 500."""
    table = root / STATUS_TABLE
    rows = set(re.findall(r'^\s*"(\w+)": \([1-5]\d\d, "', table.read_text(), re.MULTILINE)) if table.is_file() else set()
    return [
        Finding(str(path.relative_to(root)), f"{code} has no status in {STATUS_TABLE}")
        for name, (_, folder) in targets(root).items() if name in DOMAIN | {"API"}
        for path in sources(folder)
        for code in re.findall(r'\b(?:Refused\(|[mM]alformed\((?:[^"]|"[^"]*",(?!\s*code))*?code:)\s*"(\w+)"', path.read_text())
        if code not in rows
    ]


def too_long(root: Path) -> list[Finding]:
    """Files over the hard limit of lines."""
    kinds = {".swift", ".py", ".sh"}
    findings = []
    for folder in ("Agent", "Coordinator", "Shared", "Tests", "packaging"):
        for path in sorted((root / folder).rglob("*")) if (root / folder).is_dir() else []:
            longest = LONGEST_TEST if folder == "Tests" else LONGEST
            if path.suffix in kinds and (lines := len(path.read_text().splitlines())) > longest:
                findings.append(Finding(str(path.relative_to(root)), f"{lines} lines, at most {longest}"))
    return findings


def undocumented(root: Path) -> list[Finding]:
    """Types that other targets see and that have no documentation comment."""
    findings = []
    for _, folder in targets(root).values():
        for path in sources(folder):
            lines = path.read_text().splitlines()
            for index, line in enumerate(lines):
                found = _PACKAGE.match(line)
                if not found or found.group(1) not in _TYPES:
                    continue
                above = index - 1
                while above >= 0 and (lines[above].strip().startswith(("@", "#if", "#else")) or not lines[above].strip()):
                    above -= 1
                if above < 0 or not lines[above].strip().startswith("///"):
                    findings.append(Finding(f"{path.relative_to(root)}:{index + 1}", f"no comment: {line.strip()}"))
    return findings


def unexplained_sendable(root: Path) -> list[Finding]:
    """Promises to the compiler (`@unchecked Sendable`) that do not say which lock or thread keeps them."""
    findings = []
    for _, folder in targets(root).values():
        for path in sources(folder):
            lines = path.read_text().splitlines()
            for index, line in enumerate(lines):
                if "@unchecked Sendable" not in without_comments(line):
                    continue
                near = lines[max(0, index - 6):index + 1]
                if not any("//" in each for each in near):
                    findings.append(Finding(f"{path.relative_to(root)}:{index + 1}", "say which guard makes it safe"))
    return findings


# Waits and deadlines that a step of the wall clock lengthens or shortens, with what to take instead.
_WALL_CLOCK = [
    (r"\.wait\(\s*(?:timeout|wallTimeout)\s*:", "on Linux Dispatch counts this wait by the wall clock: ThreadSignal"),
    (r"\bDispatchWallTime\b|\bwallDeadline\s*:", "the wall clock is no deadline: DispatchTime"),
    (r"\bNSCondition(?:Lock)?\b|\.lock\(\s*before\s*:", "waits by the wall clock: ThreadSignal"),
    (r"\bThread\.sleep\b|\bTimer\s*[(.]|\bRunLoop\b", "waits by the wall clock: Task.sleep, or ThreadSignal"),
    (r"\bsem_timedwait\b|\bpthread_mutex_timedlock\b|\bpthread_rwlock_timed\w+", "waits by the wall clock: ThreadSignal"),
    (r"\bDate\(\s*\)|\bDate\.now\b|\btimeIntervalSinceNow\b", "the time comes from MachineClock, deadlines from ContinuousClock"),
    (r"\bgettimeofday\b|\bCLOCK_REALTIME\b|(?<![\w.])time\(\s*nil\s*\)", "the time comes from MachineClock"),
]
# Where the wall clock is read for all others.
_WALL_CLOCK_HOME = "Shared/ServiceKit/MachineClock.swift"


def wall_clock_waits(root: Path) -> list[Finding]:
    """Waits and deadlines by the wall clock, which may be set while they last."""
    findings = []
    for half in LAYERS:
        for path in sources(root / half) if (root / half).is_dir() else []:
            where = str(path.relative_to(root))
            text = without_comments(path.read_text())
            rules = [] if where == _WALL_CLOCK_HOME else list(_WALL_CLOCK)
            if not re.search(r"pthread_condattr_setclock\([^)]*CLOCK_MONOTONIC", text):
                rules.append((r"\bpthread_cond_timedwait\b", "waits by the wall clock: ThreadSignal"))
            for number, line in enumerate(text.splitlines(), 1):
                findings += [Finding(f"{where}:{number}", why) for rule, why in rules if re.search(rule, line)]
    return findings


def unfinished(root: Path) -> list[Finding]:
    """Marks of work that was left for later."""
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    return [
        Finding(f"{path.relative_to(root)}:{number}", line.strip())
        for half in LAYERS if (root / half).is_dir()
        for path in sources(root / half)
        for number, line in enumerate(path.read_text().splitlines(), 1) if mark.search(line)
    ]


# What libraries print by reflection unless it has a name of its own: slowly, and with whatever it holds.
_REFLECTED = [
    (r"\bCommandConfiguration\((?!\s*commandName:)", "a command names itself: commandName comes first"),
    (r"\b(?:struct|class|actor) \w+: Service\s*\{", "a service describes itself: CustomStringConvertible"),
]


def reflected(root: Path) -> list[Finding]:
    """Commands and services without a name, which libraries would look up in the program at each start."""
    findings = []
    for half in ("Agent", "Coordinator"):
        for path in sources(root / half) if (root / half).is_dir() else []:
            text = without_comments(path.read_text())
            for rule, why in _REFLECTED:
                findings += [
                    Finding(f"{path.relative_to(root)}:{text.count(chr(10), 0, found.start()) + 1}", why)
                    for found in re.finditer(rule, text)
                ]
    return findings
