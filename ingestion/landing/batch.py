"""One file, read and judged: the good rows of each feed, and all that is wrong with the rest.

Belongs here: the order of reading, deriving, casting, pseudonymising and checking.
Does not belong here: batch ids (`deliveries.py`), versions and writing (`land.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from ingestion.errors import FileRejected, Need
from ingestion.feeds import INSTANT
from ingestion.landing.lookups import Asked, looked_up, unanswered
from ingestion.landing.manifest import Entry
from ingestion.mapping.rules import Read
from ingestion.mapping.sources import FileSpec, Source
from ingestion.mapping.spec import Format
from ingestion.reading.columns import ROW, Raw
from ingestion.reading.rows import read_rows
from ingestion.rows.build import Built, build, keyed, landing_columns
from ingestion.rows.derive import Context, derive, excluded, issues, no_issues, required
from ingestion.rows.fates import (
    are_keys_distinct,
    bad_rows,
    broken_issues,
    owners,
    refuse_if_too_bad,
    same_key,
    whole_orders,
)
from ingestion.rows.lines import line_sums, refund_parts, without_empty_lines
from ingestion.rows.order_ids import plain_keys
from ingestion.rows.parse import instant
from ingestion.rows.pseudonymise import Pseudonymiser
from ingestion.rows.rates import Rates, are_home, convert
from ingestion.rows.reshape import UPDATED, explode
from ingestion.rows.validate import after_export, check

# Errors whose words are those of the mapping: names of columns, its own SQL.
_OF_THE_MAPPING = (
    pl.exceptions.ColumnNotFoundError,
    pl.exceptions.SQLInterfaceError,
    pl.exceptions.SQLSyntaxError,
)


@dataclass(frozen=True)
class Job:
    """A file, all that it is judged with, and where it lands.

    Attributes:
        path: the file, already checked to lie in the inbox.
        source: whose file it is.
        files: how it is read.
        masks: makes the pseudonyms.
        rates: into the currency that all amounts land in.
        batch_id: see `deliveries.Batch`.
        name: path below the inbox.
        landing: folder of landed files.
        exported: when the file was exported, UTC, if that is known.
        entry: what a manifest says of the file.
        until: the last instant a row can be of, UTC, if that is known.
        asked: what second files say of its keys.
    """

    path: Path
    source: Source
    files: FileSpec
    masks: Pseudonymiser
    rates: Rates
    batch_id: str
    name: str
    landing: Path
    exported: datetime | None = None
    entry: Entry | None = None
    until: datetime | None = None
    asked: Asked = field(default_factory=Asked)

    def stamped(self, rows: pl.DataFrame, feed: str, version_at: datetime | None) -> pl.DataFrame:
        """Add the landing columns."""
        return landing_columns(
            rows, feed, self.source, self.files,
            batch_id=self.batch_id, source_file=self.name, version_at=version_at,
        )  # fmt: skip

    def target(self, feed: str) -> Path:
        """Return where the rows of a feed land."""
        return self.landing / feed / f"batch={self.batch_id}" / "data.parquet"


@dataclass(frozen=True)
class Bearing:
    """What of orders and their lines bears on other rows of the file.

    Attributes:
        orders: hashes of all names of orders that the rows go by, each once.
        broken: hashes of those that only rows go by that could not be read.
        long_ids: feed and column -> see `validate.long_ids`.
        is_home: all amounts are in the reporting currency.
        is_torn: money of a line could not be read, so that lines were not added up.
    """

    orders: pl.Series
    broken: pl.Series
    long_ids: dict[tuple[str, str], pl.Series]
    is_home: bool
    is_torn: bool


@dataclass(frozen=True)
class Prepared:
    """A judged file.

    Attributes:
        raw: its rows of text.
        feeds: feed -> good rows, typed, pseudonymised, with `_row` and `_updated`.
        issues: everything wrong, one row an issue.
        excluded: `_row`, reason of rows the mapping leaves out.
        needs: rates its amounts depend on.
        taken: feed -> what was taken off order ids -> from how many rows.
        bearing: on other rows of the file; None for feeds other than orders and their lines.
        unanswered: of each lookup, in how many rows its key is not known, and has several values.
    """

    raw: Raw
    feeds: dict[str, pl.DataFrame]
    issues: pl.DataFrame
    excluded: pl.DataFrame
    needs: tuple[Need, ...] = ()
    taken: dict[str, dict[str, int]] = field(default_factory=dict)
    bearing: Bearing | None = None
    unanswered: list[tuple[int, int]] = field(default_factory=list)

    @property
    def landed_rows(self) -> int:
        """Rows that are neither bad nor excluded (duplicates still among them)."""
        gone = pl.concat([bad_rows(self.issues), self.excluded.select(ROW)])
        return self.raw.rows - gone[ROW].n_unique()


def prepare(job: Job) -> Prepared:
    """Read and judge a file.

    Raises:
        FileRejected: the file cannot be read, or too many of its rows are bad.
    """
    ready = judge(read(job.path, job.source, job.files), job)
    try:
        refuse_if_too_bad(ready.issues, ready.raw.rows, job.files, job.path)
    except FileRejected as error:
        error.needs = ready.needs  # with other rates it may be accepted
        raise
    return ready


def judge(raw: Raw, job: Job) -> Prepared:
    """Judge what was read of a file; see `prepare`."""
    source = job.source
    form = job.files.format.without(raw.missing)
    form = form.for_sheets() if raw.is_sheet else form
    context = Context.of(form, source.timezone)
    raw = looked_up(raw, job.asked, job.path.name)
    with _expressions(job.path):
        lines, torn = explode(raw.frame, form.explode, form.read, context)
        frame, found = derive(lines, form.derive, context)
        left_out, partly = excluded(frame, form)
        kept, late = _with_updated(_without(frame, left_out), form.updated_at, context)
        broken_rules = required(kept, form)
        built = {feed: build(kept, feed, form, source, context) for feed in form.feeds}
    taken = {feed: one.taken for feed, one in built.items()}
    named = _keyed(raw, form, context, {mark for marks in taken.values() for mark in marks})
    first = built
    built, empty = without_empty_lines(built)
    tests = _test_orders(built)
    left_out = pl.concat([left_out, tests, empty]).unique(ROW, keep="first", maintain_order=True)
    parts = [found, partly, late, broken_rules, *(feed.issues for feed in built.values())]
    # Of cells that do not fit together one thing is told, not what follows from it.
    found = pl.concat([torn, _without(pl.concat(parts), torn)])
    found = _without(found, left_out)
    feeds: dict[str, pl.DataFrame] = {}
    for feed, rows in built.items():
        real = _without(_without(rows.rows, tests), found)
        feeds[feed] = keyed(real, feed, source, job.masks)
    judged = [check(rows, feed, context) for feed, rows in feeds.items()]
    judged += [
        same_key(_without(rows, checked), feed, context)
        for checked, (feed, rows) in zip(judged, feeds.items(), strict=True)
        if not are_keys_distinct(rows, feed)
    ]
    judged += [line_sums(rows) for feed, rows in feeds.items() if feed == "order_items"]
    judged += [refund_parts(rows) for feed, rows in feeds.items() if feed == "refunds"]
    bearing = _bearing(first, named, are_home(feeds, source.currency, job.rates))
    feeds, unrated, needs = convert(feeds, source.currency, job.rates, context)
    known = None if form.exported_at and form.exported_at.is_count else job.exported
    ahead = [after_export(rows, feed, context, known, job.until) for feed, rows in feeds.items()]
    found = pl.concat([found, broken_issues(raw), *judged, unrated, *ahead])
    if form.groups_orders and found.height:
        found = whole_orders(found, named, owners(built))
    good = {feed: _without(rows, found) for feed, rows in feeds.items()}
    counts = unanswered(_without(raw.frame, left_out), job.asked)
    return Prepared(raw, good, found, left_out, needs, taken, bearing, counts)


def _bearing(built: Mapping[str, Built], named: Raw, is_home: bool) -> Bearing | None:
    """Return what of orders and lines bears on other rows of the file."""
    if not {"orders", "order_items"} & set(built):
        return None
    names = [
        one.rows[name]
        for one in built.values()
        for name in ("order_id", "parent_order_id")
        if name in one.rows.columns
    ]
    orders = pl.concat([_hashes(ids) for ids in names]).unique()
    broken = _hashes(named.broken["key"])
    broken = broken.filter(~broken.is_in(orders.implode()))
    long = {(feed, name): ids for feed, one in built.items() for name, ids in one.long_ids.items()}
    return Bearing(orders, broken, long, is_home, any(one.is_torn for one in built.values()))


def _hashes(ids: pl.Series) -> pl.Series:
    return ids.drop_nulls().unique().hash(0).alias("order")


def _test_orders(built: Mapping[str, Built]) -> pl.DataFrame:
    """Return `_row` and reason of the rows of orders that the export itself calls tests."""
    none = pl.DataFrame(schema={ROW: pl.Int64, "reason": pl.String})
    if "orders" not in built:
        return none
    tests = built["orders"].rows.filter("is_test")["order_id"]
    if tests.is_empty():
        return none
    rows = [
        made.rows.filter(pl.col("order_id").is_in(tests.implode())).select(ROW)
        for made in built.values()
    ]
    return pl.concat(rows).unique(maintain_order=True).with_columns(reason=pl.lit("test_order"))


@contextmanager
def _expressions(path: Path) -> Iterator[None]:
    """Blame the mapping where one of its expressions cannot be worked out on the file."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        # What the engine says may quote cells: the ledger, pages and logs must not hold them.
        is_of_mapping = isinstance(error, _OF_THE_MAPPING)
        told = str(error).splitlines()[0] if is_of_mapping else type(error).__name__
        raise FileRejected(
            f"an expression of its mapping fails: {told}",
            path.name,
            "Cells are text until an expression casts them.",
            'Write for instance TRY_CAST("Quantity" AS BIGINT) > 0 in filter, exclude or derive.',
        ) from None


def read(path: Path, source: Source, files: FileSpec) -> Raw:
    """Read the columns of a file that its format and the source's `keep` want."""
    form = files.format
    if form.read.kind in ("parquet", "jsonl"):
        return read_rows(path, form.read, form.reads)
    settings, wanted = delimited(source, files)
    return read_rows(path, settings, wanted, form.order_key[0])


def delimited(source: Source, files: FileSpec) -> tuple[Read, list[str]]:
    """Return how the rows of a delimited file are read, and which columns."""
    form = files.format
    settings = form.read.model_copy(update={"optional": (*form.read.optional, *source.keep)})
    return settings, list(dict.fromkeys([*form.reads, *source.keep]))


def _keyed(raw: Raw, form: Format, context: Context, taken: Collection[str]) -> Raw:
    """Return what was read with the orders of broken rows named as those of good rows are."""
    column, rule = form.order_key
    if column is None or raw.broken.is_empty():
        return raw
    keys = raw.broken["key"]
    if rule is not None:
        keys = derive(raw.broken.select(pl.col("key").alias(column)), {"_id": rule}, context)[0][
            "_id"
        ]
    return replace(raw, broken=raw.broken.with_columns(key=plain_keys(keys, taken)))


def _without(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    if found.is_empty():
        return rows
    return rows.filter(~pl.col(ROW).is_in(bad_rows(found)[ROW].implode()))


def _with_updated(
    frame: pl.DataFrame, column: str | None, context: Context
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add `_updated`, the row's own version instant, null where the format has none."""
    if column is None:
        return frame.with_columns(pl.lit(None, INSTANT).alias(UPDATED)), no_issues()
    if frame.schema[column] == INSTANT:
        return frame.with_columns(pl.col(column).alias(UPDATED)), no_issues()
    text = pl.col(column)
    frame = frame.with_columns(instant(text, context.datetimes, context.zone).alias(UPDATED))
    bad = text.is_not_null() & pl.col(UPDATED).is_null()
    told = "is not a date and time"
    return frame, issues(frame, bad, column, "not_readable", told, value=text)
