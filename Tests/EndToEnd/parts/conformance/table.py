"""The page of the conformance tests: a row for each scenario, a column for each pair of client and server."""

import re
from collections.abc import Iterable
from pathlib import Path

SERVERS = ("modern", "handshake")
HEAD = """\
# Conformance

What the scenarios of the official conformance suite come to through an agent. They are written again in
`Tests/EndToEnd/parts/conformance`, with the official clients and servers of both eras (mcp 2.x at 2026-07-28, mcp 1.x at
2025-11-25) at the two ends of an agent, on an endpoint of one server. This page is written by the test run, which fails if
anything on it gets worse.

`yes`: as the suite wants it; `-`: a scenario that this pair of revisions does not have; otherwise the number of a note that says what
happens instead. *Wire* is every message of all scenarios, judged by the official models of its revision.
"""


class Table:
    """What came of each scenario, by client, scenario and server."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, str]] = {}

    def note(self, client: str, scenario: str, server: str, outcome: str) -> None:
        self.rows.setdefault((client, scenario), {})[server] = outcome

    def markdown(self, sections: Iterable[tuple[str, str, list[str]]]) -> str:
        """The page; a section is a client's era, its title and its scenarios in their order."""
        notes: list[str] = []
        parts = [HEAD]
        for client, title, scenarios in sections:
            parts.append(f"\n## {title}\n\n| scenario | modern server | handshake server |\n|---|---|---|\n")
            for scenario in scenarios:
                row = self.rows.get((client, scenario), {})
                cells = []
                for server in SERVERS:
                    outcome = row.get(server, "-")
                    if outcome not in ("yes", "-"):
                        if outcome not in notes:
                            notes.append(outcome)
                        outcome = f"no ({notes.index(outcome) + 1})"
                    cells.append(outcome)
                parts.append(f"| {scenario} | {' | '.join(cells)} |\n")
        if notes:
            parts.append("\n" + "".join(f"{number}. {note}\n" for number, note in enumerate(notes, 1)))
        return "".join(parts)


def kept(page: Path) -> set[tuple[str, str, str]]:
    """What passes by a page that is there: title, scenario and server."""
    found, title = set(), ""
    for line in page.read_text().splitlines() if page.exists() else []:
        if line.startswith("## "):
            title = line[3:]
        row = re.fullmatch(r"\| ([\w-]+) \| ([^|]+) \| ([^|]+) \|", line)
        if row and row.group(1) != "scenario":
            found |= {(title, row.group(1), server) for server, cell in zip(SERVERS, row.groups()[1:]) if cell == "yes"}
    return found


def short(error: BaseException) -> str:
    """What is said of a failure: no ports, no ids, no more than a line."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", re.sub(r"\b[0-9a-f-]{32,}\b", "ID", text))
    return text.partition(" assert ")[0].replace("|", "/")[:200].rstrip()
