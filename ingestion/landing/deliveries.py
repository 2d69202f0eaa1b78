"""Which files of the inbox are whose, and what a delivery is known by.

Belongs here: matching files to sources, batch ids. Does not belong here: what is in a file
(`batch.py`), landing it (`land.py`), remembering it (the ledger).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ingestion.errors import FileRejected, MappingError, Need
from ingestion.landing.exported import exported_at
from ingestion.landing.manifest import Entry, is_manifest
from ingestion.mapping.sources import FileSpec, Source, fingerprint
from ingestion.reading.preflight import sha256_of
from ingestion.rows.rates import Rates

IGNORED = re.compile(r"(^[.~])|(\.(tmp|part|crdownload|filepart)$)")


class Match(NamedTuple):
    """A file of the inbox and how it is read."""

    path: Path
    source: str
    files: FileSpec


def match_files(inbox: Path, sources: Mapping[str, Source]) -> list[Match]:
    """Return the files of the inbox that a source reads, by path; one that several read, as often.

    Raises:
        MappingError: two file specifications would read the same rows of a file into one feed.
    """
    claimed: dict[Path, list[Match]] = {}
    for source in sources.values():
        for spec in source.files:
            for path in sorted(inbox.glob(spec.path)):
                if not path.is_file() or not _is_data(path.name) or not is_text(path):
                    continue
                match = Match(path, source.name, spec)
                for other in claimed.setdefault(path, []):
                    _refuse_same_rows(other, match, inbox)
                claimed[path].append(match)
    return [match for path in sorted(claimed) for match in claimed[path]]


def _refuse_same_rows(one: Match, other: Match, inbox: Path) -> None:
    """Refuse two readings of a file by which its rows would count twice, or take turns."""
    mine, its = one.files.format, other.files.format
    shared = sorted(set(mine.feeds) & set(its.feeds))
    is_same = one.source == other.source and one.files == other.files
    if is_same or not shared or mine.conditions != its.conditions:
        return
    raise MappingError(
        f"`{one.files.path}` of {one.source} and `{other.files.path}` both claim "
        f"{other.path.relative_to(inbox)} for feed {shared[0]}: its rows would count twice",
        f"shop.yml sources.{other.source}",
        do_this="Narrow one of the two patterns, or give each a `filter` of its own.",
    )


def unmatched_files(
    inbox: Path, sources: Mapping[str, Source], ignored: Iterable[str] = ()
) -> list[Path]:
    """Return the files of the inbox that neither a source reads nor a lookup or `ignored` names."""
    known = {match.path for match in match_files(inbox, sources)}
    looked_in = [one.path for source in sources.values() for spec in source.files
                 for one in spec.format.lookup]  # fmt: skip
    known |= {path for pattern in (*ignored, *looked_in) for path in inbox.glob(pattern)}
    found = (p for p in inbox.rglob("*") if p.is_file() and _is_data(p.name) and is_text(p))
    return sorted(path for path in found if path not in known)


def is_text(path: Path) -> bool:
    """Whether a file's name is UTF-8: any other can be neither written down nor told."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def misnamed_files(inbox: Path) -> list[str]:
    """Return the names below the inbox that are no UTF-8, odd bytes written in hex."""
    odd = (str(p.relative_to(inbox)) for p in inbox.rglob("*") if p.is_file() and not is_text(p))
    return sorted(
        name.encode(errors="surrogateescape").decode(errors="backslashreplace") for name in odd
    )


def _is_data(name: str) -> bool:
    return not IGNORED.search(name) and not is_manifest(name)


class Batch(NamedTuple):
    """What a delivery is known by.

    Attributes:
        batch_id: 16 hex digits of (identity of the source, content, mapping fingerprint).
        content: sha256 of the file and, where it is told, the export instant: the same content
            exported again later is a later statement, it may take a correction back.
        fingerprint: of the mapping, and of what a manifest holds against the file: a file that was
            refused is read again once the manifest is corrected.
        sha256: of the file's bytes.
    """

    batch_id: str
    content: str
    fingerprint: str
    sha256: str


def batch_of(  # noqa: PLR0913, PLR0917 - all that a file is known by
    path: Path,
    source: Source,
    files: FileSpec,
    entry: Entry | None = None,
    sha256: str | None = None,
    back: int = 0,
) -> Batch:
    """Return the identity of a file under its mapping; reads its bytes and its name only.

    Args:
        path: the file.
        source: whose it is.
        files: how it is read.
        entry: what a manifest says of it.
        sha256: of its bytes, if it is known already.
        back: see `fingerprint`.
    """
    try:
        exported = exported_at(path, files, source, entry)
    except FileRejected:
        exported = None  # landing it will say so
    sha256 = sha256 or sha256_of(path)
    content = sha256 + (f"@{exported:%Y%m%dT%H%M%S}" if exported else "")
    mark = fingerprint(source, files, back)
    if entry is not None and entry.claims:
        mark = hashlib.sha256(f"{mark}|{entry.claims}".encode()).hexdigest()
    return Batch(batch_id_of(source.identity, content, mark), content, mark, sha256)


def rated_mark(mark: str, needs: Collection[Need], rates: Rates) -> str:
    """Return the mark of a mapping whose amounts depend on rates: with others it is another."""
    return f"{mark}|{rates.digest(needs)}" if needs else mark


def batch_id_of(source: str, content: str, mark: str) -> str:
    """Return the batch id of a file's content under a mapping."""
    return hashlib.sha256(f"{source}|{content}|{mark}".encode()).hexdigest()[:16]
