"""One export file in, one immutable Parquet a feed out, and an account of every row.

Belongs here: the order of the steps and the writing. Does not belong here: the ledger, locks,
clocks and keys, which orchestration owns.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ingestion.batch import Prepared, prepare
from ingestion.build import instant_of, landing_columns, one_per_key
from ingestion.errors import FileRejected, MappingError
from ingestion.fates import Issue, bad_rows, quarantine_frame, summarise
from ingestion.mapping import FileSpec, Source, fingerprint
from ingestion.parse import instant
from ingestion.preflight import below, line_offsets, refuse_if_changed, sha256_of
from ingestion.rates import Need, Rates
from ingestion.store import write

__all__ = [
    "Batch",
    "FileRejected",
    "LandedFile",
    "Match",
    "batch_of",
    "land_file",
    "match_files",
    "sha256_of",
    "unmatched_files",
]
IGNORED = re.compile(r"(^[.~])|(\.(tmp|part|crdownload|filepart)$)")


@dataclass(frozen=True)
class LandedFile:
    """The account of one landed file; rows_read is the sum of the four fates.

    Attributes:
        batch_id: see `Batch`.
        source: name of the source.
        source_file: path below the inbox.
        format: name of the format.
        sha256: of the file's bytes.
        fingerprint: of the mapping.
        feeds: feed -> rows landed in it.
        rows_read: data rows in the file.
        rows_landed: rows that went into at least one feed.
        rows_quarantined: rows set aside.
        rows_duplicate: rows whose key came again in the file.
        rows_excluded: rows that the mapping leaves out.
        excluded: reason -> rows left out.
        unknown_columns: columns of the file the format does not know.
        first_at: first business instant, UTC; None where the feeds have none.
        last_at: last business instant, UTC.
        version_at: instant that orders its versions where rows carry none, UTC.
        issues: what was wrong, one sentence a kind.
        troubles: the same as data.
        quarantine_file: where bad rows are told of, or None.
        needs: rates its amounts depend on; under others it must be landed again.
    """

    batch_id: str
    source: str
    source_file: str
    format: str
    sha256: str
    fingerprint: str
    feeds: Mapping[str, int]
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    rows_duplicate: int
    rows_excluded: int
    excluded: Mapping[str, int]
    unknown_columns: tuple[str, ...]
    first_at: datetime | None
    last_at: datetime | None
    version_at: datetime | None
    issues: tuple[str, ...]
    troubles: tuple[Issue, ...]
    quarantine_file: Path | None
    needs: tuple[Need, ...] = ()


class Match(NamedTuple):
    """A file of the inbox and how it is read."""

    path: Path
    source: str
    files: FileSpec


def match_files(inbox: Path, sources: Mapping[str, Source]) -> list[Match]:
    """Return the files of the inbox that a source reads, by path.

    Raises:
        MappingError: two file specifications claim the same file.
    """
    claimed: dict[Path, Match] = {}
    for source in sources.values():
        for spec in source.files:
            for path in sorted(inbox.glob(spec.path)):
                if not path.is_file() or IGNORED.search(path.name):
                    continue
                if path in claimed:
                    raise MappingError(
                        f"`{claimed[path].files.path}` and `{spec.path}` both claim "
                        f"{path.relative_to(inbox)}",
                        f"shop.yml sources.{source.name}",
                        do_this="Narrow one of the two patterns.",
                    )
                claimed[path] = Match(path, source.name, spec)
    return [claimed[path] for path in sorted(claimed)]


def unmatched_files(inbox: Path, sources: Mapping[str, Source]) -> list[Path]:
    """Return the files of the inbox that no source reads, by path."""
    known = {match.path for match in match_files(inbox, sources)}
    found = (p for p in inbox.rglob("*") if p.is_file() and not IGNORED.search(p.name))
    return sorted(path for path in found if path not in known)


class Batch(NamedTuple):
    """What a delivery is known by.

    Attributes:
        batch_id: 16 hex digits of (source, content, mapping fingerprint).
        content: sha256 of the file and, where its name tells it, the export instant: the same
            content exported again later is a later statement, it may take a correction back.
        fingerprint: of the mapping.
        sha256: of the file's bytes.
    """

    batch_id: str
    content: str
    fingerprint: str
    sha256: str


def batch_of(path: Path, source: Source, files: FileSpec) -> Batch:
    """Return the identity of a file under its mapping; reads its bytes and its name only."""
    try:
        exported = _exported_at(path, files, source)
    except FileRejected:
        exported = None  # landing it will say so
    sha256 = sha256_of(path)
    content = sha256 + (f"@{exported:%Y%m%dT%H%M%S}" if exported else "")
    mark = fingerprint(source, files)
    return Batch(batch_id_of(source.name, content, mark), content, mark, sha256)


def rated_mark(mark: str, needs: Collection[Need], rates: Rates) -> str:
    """Return the mark of a mapping whose amounts depend on rates: with others it is another."""
    return f"{mark}|{rates.digest(needs)}" if needs else mark


def batch_id_of(source: str, content: str, mark: str) -> str:
    """Return the batch id of a file's content under a mapping."""
    return hashlib.sha256(f"{source}|{content}|{mark}".encode()).hexdigest()[:16]


def land_file(  # noqa: PLR0913 - the places and secrets of one landing
    path: Path,
    *,
    inbox: Path,
    landing: Path,
    quarantine: Path,
    source: Source,
    files: FileSpec,
    key: bytes,
    reporting_currency: str,
    rates: Rates | None = None,
) -> LandedFile:
    """Land one file.

    Args:
        path: the file, inside the inbox.
        inbox: folder that exports are delivered to.
        landing: receives `<feed>/batch=<batch_id>/data.parquet`, also with 0 rows.
        quarantine: receives `<batch_id>.parquet` if rows are bad.
        source: whose file it is.
        files: how it is read.
        key: secret key of the pseudonyms.
        reporting_currency: that amounts are landed in.
        rates: into it; rows in a currency without one are quarantined.

    Returns:
        The account of the file. The same content under the same mapping gives the same bytes.

    Raises:
        FileRejected: the file cannot be read, or too many of its rows are bad. Nothing is written.
        FileChanging: it was written to meanwhile. Nothing is written.
    """
    name = below(path, inbox)
    before = path.stat()
    batch = batch_of(path, source, files)
    exported = _exported_at(path, files, source)
    rates = rates or Rates(reporting_currency)
    ready = prepare(path, source, files, key, rates, exported=exported)
    mark = rated_mark(batch.fingerprint, ready.needs, rates)
    batch = batch._replace(batch_id=batch_id_of(source.name, batch.content, mark))
    first_at, last_at = _span(ready.feeds, source.timezone)
    version_at = exported or last_at
    landed, doubles = _stamped(
        ready.feeds, source, files,
        batch_id=batch.batch_id, source_file=name, version_at=version_at,
    )  # fmt: skip
    whose = {"batch_id": batch.batch_id, "source_file": name, "file_sha256": batch.sha256}
    refuse_if_changed(path, before)
    told = _set_aside(ready, path, files, quarantine / f"{batch.batch_id}.parquet", whose)
    for feed, rows in landed.items():
        write(rows, landing / feed / f"batch={batch.batch_id}" / "data.parquet")
    troubles = summarise(ready.issues, path.name)
    return LandedFile(
        batch_id=batch.batch_id,
        source=source.name,
        source_file=name,
        format=files.format.name,
        sha256=batch.sha256,
        fingerprint=batch.fingerprint,
        feeds={feed: rows.height for feed, rows in landed.items()},
        **_fates(ready, doubles),
        excluded=dict(ready.excluded.group_by("reason").len().sort("reason").iter_rows()),
        unknown_columns=tuple(c for c in ready.raw.unknown if c not in source.keep),
        first_at=first_at,
        last_at=last_at,
        version_at=version_at,
        issues=tuple(issue.example for issue in troubles),
        troubles=troubles,
        quarantine_file=told,
        needs=ready.needs,
    )


def _stamped(
    feeds: Mapping[str, pl.DataFrame], source: Source, files: FileSpec, **stamp: Any
) -> tuple[dict[str, pl.DataFrame], int]:
    """Return the feeds as they land, one row a key, and how many rows of the file came again."""
    landed: dict[str, pl.DataFrame] = {}
    doubles: set[int] = set()
    for feed, rows in feeds.items():
        landed[feed], twice = one_per_key(landing_columns(rows, feed, source, files, **stamp), feed)
        doubles.update(twice)
    return landed, len(doubles)


def _fates(ready: Prepared, doubles: int) -> dict[str, int]:
    """What became of the rows of the file; the four fates sum to the rows read."""
    return {
        "rows_read": ready.raw.rows,
        "rows_landed": ready.landed_rows - doubles,
        "rows_quarantined": bad_rows(ready.issues).height,
        "rows_duplicate": doubles,
        "rows_excluded": ready.excluded.height,
    }


def _exported_at(path: Path, files: FileSpec, source: Source) -> datetime | None:
    """Read the export instant from the file's name, in UTC."""
    rule = files.format.exported_at
    if rule is None:
        return None
    stamp = re.search(rule.file_name, path.name)
    if stamp is None and not rule.required:
        return None
    zone = source.timezone if files.format.zone == "source" else files.format.zone
    text = pl.DataFrame({"t": [stamp.group(1) if stamp else None]}, schema={"t": pl.String})
    found = text.select(instant(pl.col("t"), rule.formats, zone)).item()
    if not isinstance(found, datetime):
        raise FileRejected(
            "its name carries no export instant",
            path.name,
            f"The format looks for `{rule.file_name}`; versions of a row are ordered by it.",
            "Keep the name the platform gives, or change exported_at.",
        )
    return found


def _span(feeds: Mapping[str, pl.DataFrame], zone: str) -> tuple[datetime | None, datetime | None]:
    """Return the first and last business instant over the feeds, UTC."""
    ends: list[datetime] = []
    for feed, rows in feeds.items():
        column = instant_of(feed, zone)
        if column is not None and rows.height:
            found = rows.select(column.min().alias("a"), column.max().alias("b")).row(0)
            ends.extend(end for end in found if end is not None)  # the instant may be optional
    return (min(ends), max(ends)) if ends else (None, None)


def _set_aside(
    ready: Prepared, path: Path, files: FileSpec, target: Path, whose: Mapping[str, str]
) -> Path | None:
    """Write what is kept of bad rows; return where, or None without any."""
    if ready.issues.is_empty():
        return None
    offsets = line_offsets(path, files.format.read)
    frame = quarantine_frame(ready.issues, ready.raw, offsets)
    write(frame.select(*(pl.lit(v).alias(k) for k, v in whose.items()), pl.all()), target)
    return target
