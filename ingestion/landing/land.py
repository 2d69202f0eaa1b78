"""One export file in, one immutable Parquet a feed out, and an account of every row.

Belongs here: the order of the steps and the writing. Does not belong here: which files there are
and what they are known by (`deliveries.py`); the ledger, locks, clocks and keys, which
orchestration owns.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

import polars as pl

from ingestion.errors import Need
from ingestion.landing.batch import Job, Prepared, prepare
from ingestion.landing.deliveries import Batch, batch_id_of, batch_of, rated_mark
from ingestion.landing.exported import exported_at
from ingestion.landing.manifest import Entry, check_rows, check_sha256
from ingestion.landing.store import write
from ingestion.landing.stream import (
    NotAlone,
    Outcome,
    Stamp,
    ahead,
    is_large,
    is_rowwise,
    judged_blocks,
    likely_end,
    stream,
)
from ingestion.mapping.sources import FileSpec, Source
from ingestion.reading.columns import LINE
from ingestion.reading.preflight import below, line_offsets, refuse_if_changed
from ingestion.rows.build import one_per_key
from ingestion.rows.fates import Issue, quarantine_frame, refuse_if_too_bad, summarise
from ingestion.rows.pseudonymise import Pseudonymiser, Tombstones
from ingestion.rows.rates import Rates


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
    tombstones: Tombstones | None = None,
    entry: Entry | None = None,
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
        tombstones: pseudonyms that were erased: a re-delivery gets their replacements.
        entry: what a manifest says of it.

    Returns:
        The account of the file. The same content under the same mapping gives the same bytes.

    Raises:
        FileRejected: the file cannot be read, too many of its rows are bad, or it is not what its
            manifest says. Nothing is written.
        FileChanging: it was written to meanwhile. Nothing is written.
    """
    name = below(path, inbox)
    before = path.stat()
    batch = batch_of(path, source, files, entry)
    check_sha256(path, batch.sha256, entry)
    job = Job(
        path, source, files, Pseudonymiser(key, tombstones), rates or Rates(reporting_currency),
        exported_at(path, files, source, entry), entry,
    )  # fmt: skip
    outcome = _land(Stamp(job, batch.batch_id, name, landing), batch, before)
    batch = batch._replace(batch_id=outcome.batch_id)
    whose = {"batch_id": batch.batch_id, "source_file": name, "file_sha256": batch.sha256}
    told = _set_aside(outcome, path, files, quarantine / f"{batch.batch_id}.parquet", whose)
    return _account(outcome, job, batch, name, told)


def _account(outcome: Outcome, job: Job, batch: Batch, name: str, told: Path | None) -> LandedFile:
    """Return the account of a landed file."""
    troubles = summarise(outcome.bad, job.path.name)
    return LandedFile(
        batch_id=batch.batch_id,
        source=job.source.name,
        source_file=name,
        format=job.files.format.name,
        sha256=batch.sha256,
        fingerprint=batch.fingerprint,
        feeds=outcome.feeds,
        **outcome.fates,
        excluded=dict(
            pl.concat(outcome.excluded).group_by("reason").len().sort("reason").iter_rows()
        ),
        unknown_columns=tuple(c for c in outcome.unknown if c not in job.source.keep),
        first_at=outcome.span[0],
        last_at=outcome.span[1],
        version_at=outcome.version_at,
        issues=tuple(issue.example for issue in troubles),
        troubles=troubles,
        quarantine_file=told,
        needs=outcome.needs,
    )


def _land(stamp: Stamp, batch: Batch, before: os.stat_result) -> Outcome:
    """Land a large file block by block where its rows can be judged one by one, else as a whole."""
    job, ready = stamp.job, None
    if is_large(job.path) and is_rowwise(job.files.format):
        blocks = ahead(judged_blocks(job))
        try:
            first, second = next(blocks), next(blocks, None)
            if second is not None:
                return stream(chain([first, second], blocks), stamp, likely_end(job), before)
        except NotAlone:
            pass  # some rows can only be told apart by looking at the others
        else:
            refuse_if_too_bad(first.issues, first.raw.rows, job.files, job.path)
            ready = first
    ready = ready or prepare(job)
    check_rows(job.path, ready.raw.rows, job.entry)
    mark = rated_mark(batch.fingerprint, ready.needs, job.rates)
    stamp = replace(stamp, batch_id=batch_id_of(job.source.name, batch.content, mark))
    refuse_if_changed(job.path, before)
    return _whole(ready, stamp)


def _whole(ready: Prepared, stamp: Stamp) -> Outcome:
    """Land a file that is held in memory as a whole."""
    outcome = Outcome(batch_id=stamp.batch_id, needs=ready.needs)
    outcome.add(ready, stamp.job.source.timezone)
    outcome.version_at = stamp.job.exported or outcome.span[1]
    landed: dict[str, pl.DataFrame] = {}
    doubles: set[int] = set()
    for feed, rows in ready.feeds.items():
        landed[feed], twice = one_per_key(stamp.on(rows, feed, outcome.version_at), feed)
        doubles.update(twice)
    outcome.duplicates = len(doubles)
    for feed, rows in landed.items():
        write(rows, stamp.target(feed))
        outcome.feeds[feed] = rows.height
    return outcome


def _set_aside(
    outcome: Outcome, path: Path, files: FileSpec, target: Path, whose: Mapping[str, str]
) -> Path | None:
    """Write what is kept of bad rows; return where, or None without any."""
    if not outcome.places:
        return None
    places = pl.concat(outcome.places)
    offsets = line_offsets(path, files.format.read, places[LINE])
    frame = quarantine_frame(outcome.bad, places, offsets)
    write(frame.select(*(pl.lit(v).alias(k) for k, v in whose.items()), pl.all()), target)
    return target
