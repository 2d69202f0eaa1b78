"""One export file in, one immutable Parquet a feed out, and an account of every row.

Belongs here: the order of the steps and the writing. Does not belong here: which files there are
and what they are known by (`deliveries.py`); the ledger, locks, clocks and keys, which
orchestration owns.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path

import polars as pl

from ingestion.errors import FileRejected
from ingestion.landing.account import LandedFile
from ingestion.landing.batch import Job, Prepared, prepare
from ingestion.landing.deliveries import Batch, batch_id_of, batch_of, rated_mark
from ingestion.landing.exported import exported_at
from ingestion.landing.lookups import Asked, Table, answered_mark, ask, remembered
from ingestion.landing.manifest import Entry, check_rows, check_sha256
from ingestion.landing.store import write
from ingestion.landing.stream import (
    NotAlone,
    ahead,
    is_large,
    is_rowwise,
    judged_blocks,
    likely_end,
    stream,
)
from ingestion.landing.stretches import is_by_order, land_in_stretches
from ingestion.mapping.sources import FileSpec, Source
from ingestion.reading.columns import LINE
from ingestion.reading.preflight import Hashed, below, hashed, line_offsets, refuse_if_changed
from ingestion.rows.build import as_units, one_per_key, without_told_keys
from ingestion.rows.fates import quarantine_frame, refuse_if_too_bad
from ingestion.rows.pseudonymise import Pseudonymiser, Tombstones
from ingestion.rows.rates import Rates


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
    until: datetime | None = None,
    known: Hashed | None = None,
    tables: Sequence[Table] = (),
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
        until: the last instant a row can be of, UTC; None where that is not known.
        known: its sha256, if that was taken already; the file must be as it was then.
        tables: what second files say, one a lookup of its format.

    Returns:
        The account of the file. The same content under the same mapping gives the same bytes.

    Raises:
        FileRejected: the file cannot be read, too many of its rows are bad, or it is not what its
            manifest says. Nothing is written.
        FileChanging: it was written to meanwhile. Nothing is written.
    """
    name = below(path, inbox)
    sha256, before = known or hashed(path)
    batch = batch_of(path, source, files, entry, sha256)
    check_sha256(path, batch.sha256, entry)
    asked = ask(path, source, files, tables, key) if files.format.lookup else Asked()
    batch = _answered(batch, source, asked)
    job = Job(
        path, source, files, Pseudonymiser(key, tombstones), rates or Rates(reporting_currency),
        batch.batch_id, name, landing, exported_at(path, files, source, entry), entry, until, asked,
    )  # fmt: skip
    try:
        account = _landed(job, batch, before)
    except FileRejected as error:
        error.remembered = remembered(error.needs, asked) if asked.keys else ""
        raise
    if account.places:
        account.quarantine_file = quarantine / f"{account.batch_id}.parquet"
        write(_told(account, batch.sha256), account.quarantine_file)
    return account


def _answered(batch: Batch, source: Source, asked: Asked) -> Batch:
    mark = answered_mark(batch.fingerprint, asked.mark)
    batch_id = batch_id_of(source.identity, batch.content, mark)
    return batch._replace(batch_id=batch_id, fingerprint=mark)


def _landed(job: Job, batch: Batch, before: os.stat_result) -> LandedFile:
    """Land a large file in parts where its rows, or its orders, can be judged one by one."""
    form = job.files.format
    if job.files.snapshot_column or not is_large(job.path):
        return _whole(prepare(job), job, batch, before)
    if is_by_order(form):
        try:
            return land_in_stretches(job, batch, before)
        except NotAlone:
            pass
    if not is_rowwise(form):
        return _whole(prepare(job), job, batch, before)
    blocks = ahead(judged_blocks(job))
    try:
        first, second = next(blocks), next(blocks, None)
        if second is not None:
            return stream(chain([first, second], blocks), job, likely_end(job, first), before)
    except NotAlone:  # some rows can only be told apart by looking at the others
        return _whole(prepare(job), job, batch, before)
    refuse_if_too_bad(first.issues, first.raw.rows, job.files, job.path)
    return _whole(first, job, batch, before)


def _whole(ready: Prepared, job: Job, batch: Batch, before: os.stat_result) -> LandedFile:
    """Land a file that is held in memory as a whole."""
    check_rows(job.path, ready.raw.rows, job.entry)
    mark = rated_mark(batch.fingerprint, ready.needs, job.rates)
    job = replace(job, batch_id=batch_id_of(job.source.identity, batch.content, mark))
    refuse_if_changed(job.path, before)
    account = LandedFile(job, ready.needs)
    account.add(ready)
    account.version_at = job.exported or account.last_at
    landed: dict[str, pl.DataFrame] = {}
    doubles: set[int] = set()
    for feed, rows in ready.feeds.items():
        landed[feed], twice = one_per_key(job.stamped(rows, feed, account.version_at), feed)
        doubles.update(twice)
    account.rows_duplicate = len(doubles)
    landed = as_units(landed, job.source, job.files, job.exported)
    for feed, rows in landed.items():
        write(without_told_keys(rows, feed), job.target(feed))
        account.feeds[feed] = rows.height
    return account


def _told(account: LandedFile, sha256: str) -> pl.DataFrame:
    """Return what is kept of bad rows."""
    job, places = account.job, pl.concat(account.places)
    offsets = line_offsets(job.path, job.files.format.read, places[LINE])
    whose = {"batch_id": job.batch_id, "source_file": job.name, "file_sha256": sha256}
    frame = quarantine_frame(account.bad, places, offsets)
    return frame.select(*(pl.lit(v).alias(k) for k, v in whose.items()), pl.all())
