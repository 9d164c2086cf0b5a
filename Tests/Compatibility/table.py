"""What was seen, as a table that a person reads: a section of the page, with a row for each part and a short word in each
cell. What is too long for a cell is below the table, under a number."""

import re
import textwrap
from dataclasses import dataclass, field

# The longest text that stays in its cell.
SHORT = 24
WIDTH = 120


@dataclass
class Row:
    """One part that others made, its exact version, and what was seen of it, by column.

    A cell is a short word ("yes", "no", "asks again") or a word and what explains it: "no: only the first page is read".
    Then the word stays in the cell, and the explanation moves below the table. `note` is about the whole part: why it
    could not be installed, or what has to be set for it.
    """

    part: str
    version: str = ""
    cells: dict[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass
class Section:
    """A part of the page. `about` says in a paragraph or two what was done to learn what the cells say."""

    title: str
    columns: list[str]
    about: str
    rows: list[Row] = field(default_factory=list)
    # When, with what: the runner says it.
    tried: str = ""

    def markdown(self) -> str:
        notes: list[str] = []
        head = [self.title.removesuffix("s"), "version", *self.columns]
        body = [
            [
                _part(row, notes),
                _plain(row.version),
                *(_cell(row.cells.get(column, ""), notes) for column in self.columns),
            ]
            for row in self.rows
        ]
        parts = [f"## {self.title}", *map(_wrapped, _paragraphs(self.about))]
        if self.tried:
            parts.append(_wrapped(self.tried))
        parts.append(_lines(head, body))
        if notes:
            parts.append("\n".join(
                textwrap.fill(note, WIDTH, initial_indent=f"{number}. ", subsequent_indent="   ",
                              break_long_words=False, break_on_hyphens=False)
                for number, note in enumerate(notes, 1)
            ))
        return "\n\n".join(parts) + "\n"


def replaced(page: str, section: Section) -> str:
    """The page with this section in place of the one with its title, or behind all others if no section has it."""
    pieces = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    text = section.markdown()
    for index, piece in enumerate(pieces):
        if piece.startswith(f"## {section.title}\n"):
            pieces[index] = text
            break
    else:
        pieces.append(text)
    return "\n\n".join(piece.strip() for piece in pieces if piece.strip()) + "\n"


def _paragraphs(text: str) -> list[str]:
    return [" ".join(each.split()) for each in re.split(r"\n\s*\n", text.strip())]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _plain(text: str) -> str:
    """In one line, and without what would end a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _numbered(word: str, explanation: str, notes: list[str]) -> str:
    """A word and the number of its note; a note occurs once, however many cells need it."""
    if explanation not in notes:
        notes.append(explanation)
    return f"{word} ({notes.index(explanation) + 1})"


def _part(row: Row, notes: list[str]) -> str:
    name = _plain(row.part)
    return _numbered(name, _plain(row.note), notes) if row.note else name


def _cell(text: str, notes: list[str]) -> str:
    """The text as it is in its cell; the explanation of what is too long becomes a note."""
    text = _plain(text)
    if len(text) <= SHORT:
        return text
    word, _, rest = text.partition(": ")
    return _numbered(word, rest, notes) if rest and len(word) <= SHORT else _numbered("see", text, notes)


def _lines(head: list[str], body: list[list[str]]) -> str:
    """The table, its columns of one width, so that the source reads as well as the page."""
    widths = [max(3, *(len(line[index]) for line in [head, *body])) for index in range(len(head))]

    def line(cells: list[str]) -> str:
        return ("| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |").rstrip()

    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, body)])
