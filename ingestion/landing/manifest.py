"""Manifests: what an export job says it has delivered, beside the files or ahead of them.

A manifest is a small file whose name begins with `manifest`, `.csv` or `.json`, in any folder of
the inbox. Belongs here: reading one, which entry speaks of a file, which announced files have not
come. Does not belong here: the ledger, and what a disagreement does to a file (`land.py`).
"""

from __future__ import annotations

import io
import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import Field, ValidationError, field_validator, model_validator

from ingestion.errors import FileRejected
from ingestion.mapping.sources import Source
from ingestion.mapping.vocabulary import Strict
from ingestion.reading.preflight import below

__all__ = ["Announced", "Entry", "Known", "Register", "check_rows", "check_sha256", "is_manifest",
           "missing", "read_manifest"]  # fmt: skip

_NAME = re.compile(r"manifest([-_. ].*)?\.(csv|json)", re.IGNORECASE)
_MAX_BYTES = 8 << 20
_COLUMNS = "file, rows, sha256, exported_at, first_date, last_date"


class Entry(Strict):
    """What a manifest says of one file; only `file` must be said.

    Attributes:
        file: path below the inbox (in the manifest: relative to the manifest's own folder).
        rows: data rows: no header, title or total lines.
        sha256: of the file's bytes as delivered, hex.
        exported_at: when it was exported; local time of its source where no offset is given.
        first_date: first day its rows are of, in the source's zone.
        last_date: last day its rows are of.
        manifest: path of the manifest below the inbox.
    """

    file: Annotated[str, Field(min_length=1)]
    rows: Annotated[int, Field(ge=0)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    exported_at: datetime | None = None
    first_date: date | None = None
    last_date: date | None = None
    manifest: str = ""

    @field_validator("sha256", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _in_order(self) -> Entry:
        if self.first_date and self.last_date and self.first_date > self.last_date:
            raise ValueError(f"first_date {self.first_date} lies after last_date {self.last_date}")
        return self

    @property
    def claims(self) -> str:
        """What can be held against the file; empty if nothing."""
        told = self.rows is not None or self.sha256 is not None
        return f"{self.rows}|{self.sha256}" if told else ""

    def exported_utc(self, zone: str) -> datetime | None:
        """Return the export instant in UTC, without zone; `zone` is of instants without offset."""
        at = self.exported_at
        if at is None:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
        return at.astimezone(UTC).replace(tzinfo=None)


def is_manifest(name: str) -> bool:
    """Whether a file of this name is a manifest, never data."""
    return _NAME.fullmatch(name) is not None


def read_manifest(path: Path, inbox: Path) -> list[Entry]:
    """Read a manifest: CSV with a header line, or JSON, a list of objects or `{"files": [...]}`.

    Raises:
        FileRejected: it is not that, or says something impossible; names the entry.
    """
    name = below(path, inbox)
    if path.stat().st_size > _MAX_BYTES:
        raise _refused(path, f"is larger than {_MAX_BYTES:,} bytes")
    data = path.read_bytes()
    try:
        rows = _json_rows(data) if path.suffix.lower() == ".json" else _csv_rows(data)
    except (ValueError, RecursionError, pl.exceptions.PolarsError) as error:
        raise _refused(path, f"cannot be read: {str(error).splitlines()[0]}") from None
    entries = []
    for number, row in enumerate(rows, start=1):
        try:
            entry = Entry.model_validate({**row, "manifest": name})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise _refused(path, f"entry {number} {place}: {first['msg']}") from None
        file = posixpath.normpath(posixpath.join(posixpath.dirname(name), entry.file))
        if entry.file.startswith("/") or file.split("/")[0] == "..":
            raise _refused(path, f"entry {number} names a file outside the inbox")
        entries.append(entry.model_copy(update={"file": file}))
    return entries


def _csv_rows(data: bytes) -> list[dict[str, Any]]:
    frame = pl.read_csv(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), infer_schema=False)
    rows = frame.rename(str.strip).to_dicts()
    return [{key: cell.strip() for key, cell in row.items() if cell and cell.strip()}
            for row in rows]  # fmt: skip


def _json_rows(data: bytes) -> list[dict[str, Any]]:
    content = json.loads(data.decode("utf-8-sig"))
    rows = content.get("files") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is no list of objects")
    return rows


def _refused(path: Path, what: str) -> FileRejected:
    return FileRejected(
        what,
        path.name,
        "Until it is corrected, what an earlier version of it said still counts.",
        f"A manifest has the columns {_COLUMNS}; only file is needed.",
    )


def check_sha256(path: Path, sha256: str, entry: Entry | None) -> None:
    """Raise FileRejected if a manifest gives another sha256 than the file has."""
    if entry is not None and entry.sha256 not in (None, sha256):
        raise FileRejected(
            "is not the file that its manifest announces",
            path.name,
            f"{entry.manifest} gives sha256 {str(entry.sha256)[:12]}..., the file has"
            f" {sha256[:12]}...: it was cut or altered on its way.",
            "Deliver it again, whole, or correct the manifest.",
        )


def check_rows(path: Path, rows: int, entry: Entry | None) -> None:
    """Raise FileRejected if a manifest gives another number of data rows than the file has."""
    if entry is not None and entry.rows not in (None, rows):
        raise FileRejected(
            f"has {rows:,} data rows, its manifest announces {entry.rows:,}",
            path.name,
            f"{entry.manifest} was written for another state of the file: rows are missing or"
            " were added on its way.",
            "Deliver it again, whole, or correct the manifest.",
        )


@dataclass(frozen=True)
class Known:
    """A file that is in the inbox or in the ledger.

    Attributes:
        source: whose it is.
        file: path below the inbox.
        sha256: of its bytes.
        is_settled: landed, or withdrawn by a person: it need not come any more.
    """

    source: str
    file: str
    sha256: str
    is_settled: bool = False


class Register:
    """All that the manifests say, as a function of their contents and never of their arrival."""

    def __init__(self, entries: Iterable[Entry], known: Iterable[Known] = ()) -> None:
        ordered = sorted(entries, key=lambda entry: entry.manifest)  # stable: lines keep theirs
        self._by_file: dict[str, list[Entry]] = {}
        self._by_sha: dict[str, Entry] = {}
        for entry in ordered:
            self._by_file.setdefault(entry.file, []).append(entry)
            if entry.sha256:
                self._by_sha[entry.sha256] = entry
        # A copy under another name is the same delivery, and what is said of one holds for both.
        self._copies: dict[tuple[str, str], Entry] = {}
        for one in sorted(known, key=lambda one: one.file):
            if (own := self._own(one.file, one.sha256)) is not None:
                self._copies[one.source, one.sha256] = own

    def entry(self, source: str, file: str, sha256: str) -> Entry | None:
        """Return what is said of a file: by its name, else its content, else a copy of it."""
        own = self._own(file, sha256)
        return own or self._by_sha.get(sha256) or self._copies.get((source, sha256))

    def _own(self, file: str, sha256: str) -> Entry | None:
        named = self._by_file.get(file, [])
        same = [entry for entry in named if entry.sha256 == sha256]
        found = same or named
        return found[-1] if found else None


@dataclass(frozen=True)
class Announced:
    """A file that a manifest announces and that has not landed.

    Attributes:
        source: whose files have such names; empty if nobody's.
        source_file: path below the inbox.
        manifest: path of the manifest.
        feeds: feeds the file would fill.
        first_date: first day of its rows, None if nothing tells.
        last_date: last day of its rows.
    """

    source: str
    source_file: str
    manifest: str
    feeds: tuple[str, ...] = ()
    first_date: date | None = None
    last_date: date | None = None


def missing(
    entries: Iterable[Entry], sources: Mapping[str, Source], known: Iterable[Known]
) -> list[Announced]:
    """Return the announced files that have not landed, by path.

    Args:
        entries: of all manifests.
        sources: the configured sources.
        known: the ledger. A file counts as come by its content where the manifest tells it, else
            by its path.
    """
    settled = [one for one in known if one.is_settled]
    files, contents = {one.file for one in settled}, {one.sha256 for one in settled}
    absent = {
        entry.file: _announced(entry, sources)
        for entry in sorted(entries, key=lambda entry: entry.manifest)
        if not (entry.sha256 in contents if entry.sha256 else entry.file in files)
    }
    return [absent[file] for file in sorted(absent)]


def _announced(entry: Entry, sources: Mapping[str, Source]) -> Announced:
    first, last = entry.first_date or entry.last_date, entry.last_date or entry.first_date
    for source in sources.values():
        for spec in source.files:
            if not _matches(spec.path.split("/"), entry.file.split("/")):
                continue
            if first is None and (at := entry.exported_utc(source.timezone)) is not None:
                local = at.replace(tzinfo=UTC).astimezone(ZoneInfo(source.timezone))
                first = last = local.date() - timedelta(days=1)
            feeds = tuple(spec.format.feeds)
            return Announced(source.name, entry.file, entry.manifest, feeds, first, last)
    return Announced("", entry.file, entry.manifest)


def _matches(pattern: list[str], names: list[str]) -> bool:
    """Whether a path meets a glob as `Path.glob` would, without the file being there."""
    if not pattern:
        return not names
    if pattern[0] == "**":
        return any(_matches(pattern[1:], names[at:]) for at in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], pattern[0]) and _matches(pattern[1:], names[1:])
