"""A large file of orders landed in stretches of whole orders, in bounded memory, equal to at once.

Belongs here: cutting a file where an order ends, and what must be known of all stretches before any
of them lands: that no order stands in two, that none bears on the rows of another, the rates and
the version of the file. Does not belong here: judging a stretch (`batch.py`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from tempfile import TemporaryFile
from typing import IO

import polars as pl
from polars.io.plugins import register_io_source

from ingestion.errors import FileRejected, Need
from ingestion.landing.account import LandedFile
from ingestion.landing.batch import Job, Prepared, delimited, judge
from ingestion.landing.deliveries import Batch, batch_id_of, rated_mark
from ingestion.landing.manifest import check_rows
from ingestion.landing.store import draft_of, sink
from ingestion.landing.stream import NotAlone, ahead, are_separable
from ingestion.mapping.spec import Format
from ingestion.reading.columns import ROW, Raw
from ingestion.reading.delimited import csv_blocks
from ingestion.reading.preflight import refuse_if_changed
from ingestion.rows.build import are_distinct, as_units, one_per_key, without_told_keys
from ingestion.rows.fates import refuse_if_too_bad
from ingestion.rows.order_ids import OF_ALL_IDS
from ingestion.rows.validate import PRECISION_LOST, some_rounded


def is_by_order(form: Format) -> bool:
    """Return whether rows of a format mean the same whatever stands in those of other orders."""
    return (
        form.read.kind == "csv"
        and bool(form.feeds)
        and set(form.feeds) <= {"orders", "order_items"}
        and form.order_key[0] is not None
        # Cells that are taken apart are cleaned once more, which only without marks is the same.
        and not (form.explode and form.read.clean)
        and all(mapped.unpivot is None for mapped in form.feeds.values())
        and are_separable(form)
    )


def land_in_stretches(job: Job, batch: Batch, before: os.stat_result) -> LandedFile:
    """Land a file whose format `is_by_order` stretch by stretch.

    Judged rows are kept in nameless files beside the landed ones until all are known: with the
    rates that a file takes its batch changes, and with its last instant the version of its rows.

    Args:
        job: the file, and where it lands.
        batch: what it is known by, whatever the rates.
        before: the file as it was when it was hashed.

    Raises:
        NotAlone: what stands in one stretch bears on another; nothing is written.
        FileRejected: it cannot be read, or too many rows are bad. Nothing is written.
        FileChanging: it was written to meanwhile. Nothing is written.
    """
    with ExitStack() as opened:
        parts = _Parts(job, opened)
        account, all_of = LandedFile(job), _AllOf()
        for stretch in _judged(job):
            all_of.add(stretch)
            account.add(stretch)
            parts.keep(stretch.feeds)
        all_of.check()
        account.needs = all_of.needs
        refuse_if_changed(job.path, before)
        try:
            refuse_if_too_bad(account.bad, account.rows_read, job.files, job.path)
        except FileRejected as error:
            error.needs = account.needs  # with other rates it may be accepted
            raise
        check_rows(job.path, account.rows_read, job.entry)
        mark = rated_mark(batch.fingerprint, account.needs, job.rates)
        job = replace(job, batch_id=batch_id_of(job.source.identity, batch.content, mark))
        account.job, account.version_at = job, job.exported or account.last_at
        for feed in job.files.format.feeds:
            account.feeds[feed] = parts.land(feed, job, account.version_at)
        account.rows_duplicate = parts.doubles
    return account


def _judged(job: Job) -> Iterator[Prepared]:
    form = job.files.format
    settings, wanted = delimited(job.source, job.files)
    column = str(form.order_key[0])
    blocks = csv_blocks(job.path, settings, wanted, column)
    for raw in _stretches(ahead(blocks), column, settings.fill_down):
        yield judge(raw, job)


def _stretches(blocks: Iterator[Raw], column: str, fill_down: tuple[str, ...]) -> Iterator[Raw]:
    """Cut blocks anew, each before the rows of the order that it ends with; the last one is whole.

    Raises:
        NotAlone: the file has no column that tells the order of a row.
    """
    rest: Raw | None = None
    for raw in blocks:
        if rest is not None:
            first, rest = _cut(rest, column)
            if first is not None:
                yield first
        whole = raw if rest is None else _joined(rest, raw)
        if column not in whole.frame.columns:
            raise NotAlone
        filled = [pl.col(name).forward_fill() for name in fill_down if name in whole.frame.columns]
        rest = replace(whole, frame=whole.frame.with_columns(filled))
    if rest is not None:
        yield rest


def _cut(raw: Raw, column: str) -> tuple[Raw | None, Raw]:
    """Take off the rows of the last order, and broken rows among them; None if they are all."""
    orders = raw.frame[column]
    ends = orders[:-1].ne_missing(orders[1:]).arg_true()
    if ends.is_empty():
        return None, raw
    end = ends[-1] + 1
    last, following = raw.frame[ROW][end - 1], raw.frame[ROW][end]
    # A broken row between two orders is of the one it names, else of the one before.
    names_it = (pl.col("key") == pl.lit(orders[end], pl.String)).fill_null(value=False)
    is_before = (pl.col(ROW) < following) & ~((pl.col(ROW) > last) & names_it)
    first = replace(raw, frame=raw.frame[:end], broken=raw.broken.filter(is_before))
    return first, replace(raw, frame=raw.frame[end:], broken=raw.broken.filter(~is_before))


def _joined(one: Raw, other: Raw) -> Raw:
    frame = pl.concat([one.frame, other.frame])
    return replace(other, frame=frame, broken=pl.concat([one.broken, other.broken]))


@dataclass
class _AllOf:
    """What of the stretches must be known together."""

    orders: list[pl.Series] = field(default_factory=list)
    broken: list[pl.Series] = field(default_factory=list)
    ids: dict[tuple[str, str], list[pl.Series]] = field(default_factory=dict)
    homes: set[bool] = field(default_factory=set)
    marks: set[frozenset[str]] = field(default_factory=set)
    has_broken: bool = False
    spans: dict[str, Need] = field(default_factory=dict)

    def add(self, stretch: Prepared) -> None:
        """Take in a stretch.

        Raises:
            NotAlone: what is found in it changes how rows of others are judged, or may.
        """
        bearing = stretch.bearing
        marks = {mark for taken in stretch.taken.values() for mark in taken}
        is_lost = (stretch.issues["reason"] == PRECISION_LOST).any()
        if bearing is None or bearing.is_torn or OF_ALL_IDS in marks or is_lost:
            raise NotAlone
        self.orders.append(bearing.orders)
        self.broken.append(bearing.broken)
        for column, ids in bearing.long_ids.items():
            self.ids.setdefault(column, []).append(ids)
        self.homes.add(bearing.is_home)
        self.marks.add(frozenset(marks))
        self.has_broken |= not stretch.raw.broken.is_empty()
        for need in stretch.needs:
            one = self.spans.get(need.currency, need)
            first, last = min(one.first, need.first), max(one.last, need.last)
            self.spans[need.currency] = Need(need.currency, first, last)

    @property
    def needs(self) -> tuple[Need, ...]:
        """Rates that their amounts depend on."""
        return tuple(sorted(self.spans.values()))

    def check(self) -> None:
        """Raise NotAlone where one stretch bears on another."""
        orders = pl.concat(self.orders)
        if (
            not are_distinct(orders)
            or pl.concat(self.broken).is_in(orders.implode()).any()
            # Where a row is foreign, those at home are told their currency too.
            or len(self.homes) > 1
            # Broken rows are named as the good ones of the whole file are.
            or (self.has_broken and len(self.marks) > 1)
            or any(some_rounded(pl.concat(ids)) for ids in self.ids.values())
        ):
            raise NotAlone


class _Parts:
    """Rows of stretches, kept in nameless files that end with the process, however it ends."""

    def __init__(self, job: Job, opened: ExitStack) -> None:
        job.landing.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, IO[bytes]] = {
            feed: opened.enter_context(TemporaryFile(dir=job.landing))  # noqa: SIM115
            for feed in job.files.format.feeds
        }
        self._sizes: dict[str, list[int]] = {feed: [] for feed in self._files}
        self._doubles: list[pl.Series] = []

    def keep(self, feeds: Mapping[str, pl.DataFrame]) -> None:
        """Write the judged rows of a stretch."""
        for feed, rows in feeds.items():
            content = io.BytesIO()  # polars does not say that it is the disk that is full
            rows.write_ipc_stream(content, compression="lz4")
            self._sizes[feed].append(self._files[feed].write(content.getbuffer()))

    def land(self, feed: str, job: Job, version_at: datetime | None) -> int:
        """Write the rows of a feed where they land; return how many."""
        count = 0

        def landed() -> Iterator[pl.DataFrame]:
            nonlocal count
            self._files[feed].seek(0)
            for size in self._sizes[feed]:
                rows = pl.read_ipc_stream(io.BytesIO(self._files[feed].read(size)))
                rows, twice = one_per_key(job.stamped(rows, feed, version_at), feed)
                self._doubles.append(twice)
                units = as_units({feed: rows}, job.source, job.files, job.exported)
                count += units[feed].height
                yield without_told_keys(units[feed], feed)

        frames = landed()
        first = next(frames)
        rows = register_io_source(lambda *_: chain([first], frames), schema=first.schema)
        with draft_of(job.target(feed)) as draft:
            sink(rows, draft)
        return count

    @property
    def doubles(self) -> int:
        """Rows of the file that another of their key took the place of, in any feed."""
        return pl.concat(self._doubles).n_unique()
