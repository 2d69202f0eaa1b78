"""A proposal as the text of a shop.yml, with the evidence as comments, and as lines of a report.

Belongs here: text. Does not belong here: files, or deciding anything.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import yaml

from ingestion.recognise.proposal import (
    FILL_IN,
    Keys,
    Note,
    Proposal,
    ProposedSource,
    Reading,
    Unread,
)

_WIDTH = 100
OFF = "#| "
"""Stands before lines that are switched off: without it they are YAML again."""
NOT_READ = "Not read; examples/online_retail/shop.yml shows how to write a mapping by hand:"


@dataclass(frozen=True)
class Question:
    """Something only the owner can answer.

    Attributes:
        line: of the written file, 1 = the first.
        key: path of the key there.
        text: the question.
        options: lines to choose from.
    """

    line: int
    key: str
    text: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """The text of a shop.yml and the questions it leaves open, by line."""

    text: str
    questions: tuple[Question, ...]


def write(proposal: Proposal, head: str = "") -> Written:
    """Return the proposal as the text of a shop.yml.

    Args:
        proposal: what to write.
        head: comment lines to begin with.
    """
    page = _Page(head.splitlines())
    page.notes = _by_keys(proposal)
    page.block({"shop": proposal.shop}, (), 0)
    page.lines.append("")
    live = [s for s in proposal.sources if not all(r.is_doubtful for r in s.readings)]
    page.lines.append("sources:" if live else "sources: {}")
    for source in proposal.sources:
        _write_source(page, source)
    page.unread(proposal)
    return Written("\n".join(page.lines) + "\n", tuple(page.questions))


def entry(reading: Reading) -> dict[str, Any]:
    """Return the entry below `files:` that reads a group of files."""
    return {
        "path": reading.group.glob,
        "format": FILL_IN if reading.is_open else reading.format,
        **({"overrides": reading.overrides} if reading.overrides else {}),
    }


def _by_keys(proposal: Proposal) -> dict[Keys, list[Note]]:
    found: dict[Keys, list[Note]] = defaultdict(list)
    for note in proposal.notes:
        found[note.keys].append(note)
    for source in proposal.sources:
        base: Keys = ("sources", source.name)
        for note in source.notes:
            found[(*base, *note.keys)].append(note)
        for number, reading in enumerate(source.readings):
            for note in reading.notes:
                found[(*base, "files", number, *note.keys)].append(note)
    return found


def _write_source(page: _Page, source: ProposedSource) -> None:
    off = all(reading.is_doubtful for reading in source.readings)
    base: Keys = ("sources", source.name)
    mark = OFF if off else ""
    page.lines += ["", f"  {mark}{source.name}:"]
    page.off = off
    page.block(source.values, base, 4)
    page.add(4, "files:")
    for number, reading in enumerate(source.readings):
        page.off = off or reading.is_doubtful
        many = len(reading.group.outlines)
        told = f"{'1 file' if many == 1 else f'{many} files'}; {reading.sure}: {reading.why}"
        page.comment(6, told)
        page.item(entry(reading), (*base, "files", number), 6)
    page.off = False


class _Page:
    """Lines under way, and the line of each key."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.notes: dict[Keys, list[Note]] = {}
        self.questions: list[Question] = []
        self.off = False

    def add(self, indent: int, text: str) -> None:
        """One line of YAML, commented out where the part is switched off."""
        self.lines.append(f"{' ' * indent}{OFF if self.off else ''}{text}")

    def comment(self, indent: int, text: str) -> None:
        """A comment, wrapped."""
        room = _WIDTH - indent - 2
        words, line = text.split(), ""
        for word in words:
            if line and len(line) + len(word) + 1 > room:
                self.lines.append(f"{' ' * indent}# {line}")
                line = word
            else:
                line = f"{line} {word}".strip()
        self.lines.append(f"{' ' * indent}# {line}")

    def block(self, tree: dict[str, Any], keys: Keys, indent: int) -> None:
        """A mapping in block style, notes beside or above its keys."""
        for key, value in tree.items():
            self.pair(str(key), value, (*keys, key), indent)

    def item(self, tree: dict[str, Any], keys: Keys, indent: int) -> None:
        """An entry of a list: the first key after a dash."""
        first, *rest = tree.items()
        self.pair(first[0], first[1], (*keys, first[0]), indent, "- ")
        for key, value in rest:
            self.pair(key, value, (*keys, key), indent + 2)

    def pair(self, key: str, value: Any, keys: Keys, indent: int, dash: str = "") -> None:
        """One key with its value and notes."""
        notes = self.notes.get(keys, [])
        for note in notes:
            if note.question:
                self.comment(indent, f"QUESTION {len(self.questions) + 1}: {note.question}")
                self.questions.append(
                    Question(0, ".".join(map(str, keys)), note.question, note.alternatives)
                )
        place = len(self.questions)
        asked = sum(bool(note.question) for note in notes)
        inner = any(len(k) > len(keys) and k[: len(keys)] == keys for k in self.notes)
        is_block = isinstance(value, dict) and bool(value) and (inner or not _is_small(value))
        text = f"{dash}{scalar(key)}:" + ("" if is_block else f" {_flow(value, indent)}")
        if is_block:  # below its key they would stand among what belongs to it
            self._alternatives(notes, indent)
        self._line(text, [n for n in notes if n.why or not n.question], indent)
        for at in range(place - asked, place):
            self.questions[at] = replace(self.questions[at], line=self.own_line)
        if is_block:
            self.block(value, keys, indent + len(dash) + 2)
        else:
            self._alternatives(notes, indent + len(dash))

    def _alternatives(self, notes: list[Note], indent: int) -> None:
        """Lines that are YAML at their place once the `# ` is taken off."""
        self.lines += [f"{' ' * indent}# {line}" for note in notes for line in note.alternatives]

    def _line(self, text: str, notes: list[Note], indent: int) -> None:
        told = "; ".join(f"{note.sure}: {note.why}" if note.why else note.sure for note in notes)
        first = text.partition("\n")[0]
        if told and "\n" not in text and indent + len(first) + len(told) + 5 <= _WIDTH + 10:
            self.add(indent, f"{text}  # {told}")
            self.own_line = len(self.lines)
            return
        if told:
            self.comment(indent, told)
        self.own_line = len(self.lines) + 1
        for part in text.split("\n"):
            self.add(indent, part)

    def unread(self, proposal: Proposal) -> None:
        """What stays outside, as comments."""
        if not proposal.unread:
            return
        self.lines += ["", f"# {NOT_READ}"]
        for one in proposal.unread:
            self.comment(0, f"- {unread_told(one)}")
        self.comment(0, "What is not wanted can be named, so that `kpi doctor` asks no more:")
        self.lines.append(f"# ignore: {_flow([one.glob for one in proposal.unread], 2)}")


def unread_told(one: Unread) -> str:
    """Return in words which files are not read, why, and what to do."""
    many = f" ({len(one.paths)} files)" if len(one.paths) > 1 else ""
    return f"{one.glob}{many}: {one.why}. {one.do_this}".strip()


def _is_small(value: dict[str, Any]) -> bool:
    return (
        len(value) <= 3
        and all(isinstance(v, str | int | bool) or v is None for v in value.values())
        and len(str(value)) < 70
        and "columns" not in value
    )


def scalar(value: Any) -> str:
    """Return a value as YAML writes it inside `[...]` or `{...}`."""
    text: str = yaml.safe_dump(
        [value], allow_unicode=True, default_flow_style=True, width=1_000_000
    )
    return text.strip()[1:-1]


def _flow(value: Any, indent: int) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(k)}: {scalar(v)}" for k, v in value.items()) + "}"
    if not isinstance(value, list):
        return scalar(value)
    parts, line = [], "["
    for number, item in enumerate(value):
        text = scalar(item) + ("," if number < len(value) - 1 else "]")
        if len(line) + len(text) + indent + 16 > _WIDTH and line != "[":
            parts.append(line.rstrip())
            line = "  "
        line += text + " "
    return "\n".join([*parts, line.rstrip()]) if value else "[]"
