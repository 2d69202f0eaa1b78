"""A large file landed block by block, in bounded memory, with the same rows as if held whole.

Belongs here: what must be known of all blocks before a file is landed: which keys came twice, the
version of its rows. Does not belong here: judging a block (`batch.py`), its account (`account.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TypeVar, cast

import polars as pl
from polars.io.plugins import register_io_source

from ingestion.errors import FileRejected
from ingestion.feeds import FEEDS
from ingestion.landing.account import LandedFile, span_of
from ingestion.landing.batch import Job, Prepared, delimited, judge
from ingestion.landing.manifest import check_rows
from ingestion.landing.store import draft_of, sink
from ingestion.mapping.spec import Format
from ingestion.reading.columns import Raw
from ingestion.reading.delimited import csv_blocks, csv_tail
from ingestion.reading.kinds import kind_of
from ingestion.reading.preflight import BLOCK, refuse_if_changed
from ingestion.rows.build import (
    are_distinct,
    one_per_key,
    with_told_keys,
    without_told_keys,
)
from ingestion.rows.fates import refuse_if_too_bad
from ingestion.rows.reshape import DIFFERING

# Any seed does: a hash only names the keys to look at.
_SEED = 0
# Ids that are made up where the file has none, told apart by an ordinal among alike rows.
_MADE = {"events": "event_id", "refunds": "refund_id"}
Item = TypeVar("Item")


class NotAlone(Exception):  # noqa: N818 - a finding, no fault
    """Rows of a file cannot be judged without the others after all."""


def is_large(path: Path) -> bool:
    """Return whether a file is more than one block, as far as its size tells before unpacking."""
    kind = kind_of(path)
    return kind in ("gzip", "zip") or (kind == "plain" and path.stat().st_size > 2 * BLOCK)


def is_rowwise(form: Format) -> bool:
    """Return whether each row of a format means the same whatever stands in the others."""
    if len(form.feeds) > 1 or form.read.kind != "csv" or form.read.fill_down or form.explode:
        return False
    (feed, mapped), *_ = form.feeds.items()
    return (
        # Orders are put together from rows, spend is summed, amounts depend on the rates of a run.
        "currency" not in FEEDS[feed].columns
        and feed not in ("orders", "order_items")
        and mapped.unpivot is None
        and (feed not in _MADE or _MADE[feed] in mapped.columns)
        and are_separable(form)
    )


def are_separable(form: Format) -> bool:
    """Return whether each expression of a format looks at one row alone."""
    rules = [form.filter, *form.exclude.values(), *form.require.values()]
    for derived in (form.derive, *(mapped.derive for mapped in form.feeds.values())):
        for rule in derived.values():
            rules += [rule.expression, rule.number]
    return all(_is_separable(rule) for rule in rules if rule)


def _is_separable(rule: str) -> bool:
    try:
        return pl.sql_expr(rule).meta.is_row_separable()
    except pl.exceptions.ColumnNotFoundError:  # polars cannot tell of IN without the column
        return False


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Work out the next item while the one before is used, because polars leaves Python's lock."""
    end = object()
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, items, end)
        while (item := following.result()) is not end:
            following = pool.submit(next, items, end)
            yield cast(Item, item)


def judged_blocks(job: Job) -> Iterator[Prepared]:
    """Read and judge a file whose format `is_rowwise` block by block; see `batch.prepare`.

    Raises:
        NotAlone: a row lacks the id that is then made up by looking at the other rows.
        FileRejected: the file cannot be read.
    """
    settings, wanted = delimited(job.source, job.files)
    for raw in ahead(csv_blocks(job.path, settings, wanted)):
        yield _judged(raw, job)


def _judged(raw: Raw, job: Job) -> Prepared:
    (feed, mapped), *_ = job.files.format.feeds.items()
    block = judge(raw, job)
    if feed in _MADE and block.raw.frame[mapped.columns[_MADE[feed]]].null_count():
        raise NotAlone
    if (block.issues["reason"] == DIFFERING).any():
        raise NotAlone  # a further row of the key may stand in another block
    return block


def likely_end(job: Job, first: Prepared) -> datetime | None:
    """Return the last instant among the first and the last rows of a file.

    Of a file in order of time, forwards or backwards, it is that of all rows.
    """
    settings, wanted = delimited(job.source, job.files)
    feeds = [first.feeds]
    try:
        if (raw := csv_tail(job.path, settings, wanted)) is not None:
            feeds.append(_judged(raw, replace(job, exported=None)).feeds)
    except (FileRejected, NotAlone):
        return None  # reading the whole file will say why
    ends = [span_of(some, job.source.timezone)[1] for some in feeds]
    return max((end for end in ends if end is not None), default=None)


def stream(
    blocks: Iterator[Prepared], job: Job, guess: datetime | None, before: os.stat_result
) -> LandedFile:
    """Land the one feed of a file block by block.

    Rows are written while the file is read. If it then shows that keys came twice, or that the
    last instant is another than guessed, the written file is copied once with that put right.

    Args:
        blocks: the judged file.
        job: the file, and where it lands.
        guess: what the last instant of the file may be; right in files in order of time.
        before: the file as it was when it was hashed.

    Raises:
        FileRejected: too many rows are bad. Nothing is written then.
        FileChanging: it was written to meanwhile. Nothing is written either.
    """
    (feed,) = job.files.format.feeds
    account, keys = LandedFile(job), []
    has_own = job.files.format.updated_at is not None
    guess = job.exported or (None if has_own else guess)

    def stamped() -> Iterator[pl.DataFrame]:
        for block in blocks:
            rows = job.stamped(block.feeds[feed], feed, guess)
            account.add(block)
            keys.append(rows["_row_key"].hash(_SEED))
            yield without_told_keys(rows, feed)

    frames = stamped()
    first = next(frames)
    rows = register_io_source(lambda *_: chain([first], frames), schema=first.schema)
    with draft_of(job.target(feed)) as draft:
        sink(rows, draft)
        refuse_if_changed(job.path, before)
        refuse_if_too_bad(account.bad, account.rows_read, job.files, job.path)
        check_rows(job.path, account.rows_read, job.entry)
        account.version_at = job.exported or account.last_at
        version = pl.lit(account.version_at, pl.Datetime("us"))
        version = pl.coalesce("_version_at", version) if has_own else version
        landed = pl.scan_parquet(draft, glob=False).with_columns(_version_at=version)
        again = _came_again(landed, pl.concat(keys), feed)
        if again.len() or guess != account.version_at:
            kept = landed.filter(~pl.col("_row_number").is_in(again.implode()))
            copy = draft.with_suffix(".copy")
            try:
                sink(kept, copy)
                copy.replace(draft)
            finally:
                copy.unlink(missing_ok=True)
    account.rows_duplicate = again.len()
    account.feeds = {feed: sum(map(len, keys)) - again.len()}
    return account


def _came_again(landed: pl.LazyFrame, keys: pl.Series, feed: str) -> pl.Series:
    """Return `_row_number` of the rows that another row of the same key takes the place of.

    Raises:
        NotAlone: rows of one key and version differ.
    """
    if are_distinct(keys):
        return pl.Series(dtype=pl.Int64)
    twice = keys.filter(keys.is_duplicated()).unique()
    alike = with_told_keys(landed, feed).filter(
        pl.col("_row_key").hash(_SEED).is_in(twice.implode())
    )
    rows = alike.collect(engine="streaming")
    latest = rows.filter((pl.col("_version_at").max() == pl.col("_version_at")).over("_row_key"))
    contents = latest.unique([*FEEDS[feed].columns])
    if contents["_row_key"].is_duplicated().any():
        raise NotAlone
    return one_per_key(rows, feed)[1]
