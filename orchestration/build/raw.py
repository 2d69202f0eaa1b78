"""Schema `raw` of the build file: views on landing, and what the ledger and `shop.yml` say.

The views show every landed row of every batch the ledger knows; `_is_active` says whether the batch
counts, `_seq` when its state last changed. What is on disk but not in the ledger is not seen: a run
killed between landing a file and recording it leaves nothing behind.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from ingestion.feeds import DAY, FEEDS, Feed
from orchestration.build.warehouse import literal
from orchestration.config.calendar import Calendar

if TYPE_CHECKING:
    import duckdb

    from ingestion.landing.manifest import Announced
    from ingestion.mapping.sources import Source

_BATCHES = {"batch_id": pl.String, "source": pl.String, "feed": pl.String, "seq": pl.Int64,
            "is_active": pl.Boolean, "undated_at": pl.String, "name_order": pl.Int64}  # fmt: skip
_FILES = {
    "source": pl.String, "source_file": pl.String, "batch_id": pl.String, "format": pl.String,
    "feeds": pl.String, "status": pl.String, "rows_read": pl.Int64, "rows_landed": pl.Int64,
    "rows_quarantined": pl.Int64, "rows_duplicate": pl.Int64, "rows_excluded": pl.Int64,
    "unknown_columns": pl.String, "message": pl.String, "first_at": pl.String,
    "last_at": pl.String, "landed_at": pl.String,
}  # fmt: skip
_INSTANTS = ("first_at", "last_at", "landed_at")
_ANNOUNCED = {
    "source": pl.String, "feed": pl.String, "source_file": pl.String, "first_date": pl.Date,
    "last_date": pl.Date,
}  # fmt: skip
_COUNTRIES = {"platform": pl.String, "country": pl.String}
_EVENTS = {
    "name": pl.String, "first_date": pl.Date, "last_date": pl.Date, "kind": pl.String,
    "phase": pl.String, "platform": pl.String, "label": pl.String,
}  # fmt: skip
# Of a month that a run has closed; an amount that was not known then is NULL.
CLOSED_MONTHS: dict[str, Any] = {
    "month_start": pl.Date, "platform": pl.String, "close_date": pl.Date,
    **dict.fromkeys(("gmv", "merchant_receivable_amount", "refunded_amount", "cm1_amount",
                     "cm2_amount", "cm3_amount", "closed_refunded_amount"), pl.Decimal(18, 2)),
}  # fmt: skip
# What it was closed with before it was reopened.
REOPENED_MONTHS: dict[str, Any] = {
    **CLOSED_MONTHS, "reason": pl.String, "reopened_at": pl.Datetime("us"),
    "reopening_number": pl.Int64,
}  # fmt: skip
# Feeds whose days are counted from staging; those of any other are from `raw.daily_rows`.
_STAGED = frozenset({"orders", "order_items", "refunds", "events", "traffic_daily",
                     "campaign_spend", "products"})  # fmt: skip
_DAILY_ROWS = {
    "feed": "string", "source": "string", "_row_key": "string", "_unit_key": "string",
    "_version_at": "timestamp", "_covers_from": "string", "_covers_to": "string",
    "arrived_at": "timestamp", "arrived_date": "date", "batch": "string",
    "_is_active": "boolean", "_seq": "bigint", "_name_order": "bigint",
}  # fmt: skip
_BATCH_STATE = {"batch": "string", "_is_active": "boolean", "_seq": "bigint",
                "_name_order": "bigint"}  # fmt: skip
# Tables of schema raw beside the feeds.
TOLD = ("batches", "ingest_files", "sources", "announced", "run", "calendar_countries",
        "calendar_events", "closed_months", "reopened_months")  # fmt: skip


def create_raw(  # noqa: PLR0913, PLR0917 - all that schema raw is made of
    con: duckdb.DuckDBPyConnection,
    landing: Path,
    ledger: Sequence[Mapping[str, Any]],
    sources: Mapping[str, Source],
    as_of: date,
    missing: Sequence[Announced] = (),
    calendar: Calendar | None = None,
    *,
    closed: Sequence[Mapping[str, str | None]] = (),
    reopened: Sequence[Mapping[str, str | None]] = (),
    tests_all: bool = True,
) -> None:
    """(Re)create schema `raw` in the build file.

    Args:
        con: connection to the working build.
        landing: folder of the landed batches.
        ledger: `State.files()`, pinned for this run.
        sources: the configured sources.
        as_of: the last day that every source should have delivered.
        missing: files that a manifest announces and that have not come.
        tests_all: whether data tests read all rows, or those that a partial run changes.
        calendar: section `calendar`; None: what it is where shop.yml has none.
        closed: `State.closed_months()`.
        reopened: `State.reopened_months()`.
    """
    con.execute("create schema if not exists raw")
    _table(con, "batches", _batches_frame(ledger))
    _table(con, "ingest_files", _files_frame(ledger, missing))
    _table(con, "sources", _sources_frame(sources, as_of))
    _table(con, "announced", _announced_frame(missing, as_of))
    _table(con, "run", pl.DataFrame({"tests_all": [tests_all]}))
    calendar = calendar or Calendar()
    countries = list(calendar.countries(sources).items())
    _table(con, "calendar_countries", pl.DataFrame(countries, schema=_COUNTRIES, orient="row"))
    _table(con, "calendar_events", pl.DataFrame(calendar.events(), schema=_EVENTS))
    _table(con, "closed_months", _months_frame(closed, CLOSED_MONTHS))
    _table(con, "reopened_months", _months_frame(reopened, REOPENED_MONTHS))
    for feed in FEEDS.values():
        con.execute(_view(con, feed, landing))
    con.execute(f"create or replace view raw.daily_rows as {daily_rows(sources)}")


def _months_frame(
    told: Sequence[Mapping[str, str | None]], schema: Mapping[str, Any]
) -> pl.DataFrame:
    frame = pl.DataFrame(told, schema=dict.fromkeys(schema, pl.String))
    instants = cs.by_name("reopened_at", require_all=False)
    return frame.with_columns(
        pl.col("month_start", "close_date").str.to_date(),
        instants.str.to_datetime(time_zone="UTC").dt.replace_time_zone(None),
    ).cast(pl.Schema(schema))


def _batches_frame(ledger: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    names = sorted({file["source_file"] for file in ledger}, key=_natural)
    place = {name: number for number, name in enumerate(names)}
    rows = [
        (file["batch_id"], file["source"], feed, file["seq"], file["status"] == "landed",
         None if "@" in file["content"] else file["last_at"], place[file["source_file"]])
        for file in ledger
        if file["status"] not in ("refused", "expired")
        for feed in file["feeds"]
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=_BATCHES, orient="row")
    return frame.with_columns(pl.col("undated_at").str.to_datetime(time_unit="us", strict=False))


def _natural(name: str) -> list[str | int]:
    """Order names as their numbers count, and `export (1).csv` after `export.csv`."""
    stem = name.rsplit(".", 1)[0]
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", stem)]


def _files_frame(ledger: Sequence[Mapping[str, Any]], missing: Sequence[Announced]) -> pl.DataFrame:
    rows = [{**file, "feeds": ", ".join(sorted(file["feeds"]))} for file in ledger]
    nothing = dict.fromkeys((name for name, kind in _FILES.items() if kind == pl.Int64), 0)
    absent = [
        {
            **nothing,
            "source": file.source,
            "source_file": file.source_file,
            "feeds": ", ".join(sorted(file.feeds)),
            "status": "missing",
            "message": f"{file.manifest} announces it; it has not come",
        }
        for file in missing
    ]
    frame = pl.DataFrame([*rows, *absent], schema=_FILES)
    return frame.with_columns(pl.col(*_INSTANTS).str.to_datetime(time_unit="us", strict=False))


def _announced_frame(missing: Sequence[Announced], as_of: date) -> pl.DataFrame:
    rows = [
        (file.source, feed, file.source_file, file.first_date or as_of, file.last_date or as_of)
        for file in missing
        for feed in file.feeds
    ]
    return pl.DataFrame(rows, schema=_ANNOUNCED, orient="row")


def instant_kind(feed: Feed) -> str | None:
    """Whether rows of a feed are of an `instant` or of a whole `day`; None for those of neither."""
    if feed.instant is None:
        return None
    return "day" if feed.columns[feed.instant] == DAY else "instant"


def _sources_frame(sources: Mapping[str, Source], as_of: date) -> pl.DataFrame:
    rows = [
        (name, source.timezone, source.platform, source.shop_id, feed,
         source.is_expected_daily(feed), min(as_of, source.until or as_of),
         instant_kind(FEEDS[feed]), source.until)
        for name, source in sources.items()
        for feed in source.feeds()
    ]  # fmt: skip
    schema = {"source": pl.String, "timezone": pl.String, "platform": pl.String,
              "shop_id": pl.String, "feed": pl.String, "is_expected_daily": pl.Boolean,
              "expected_until": pl.Date, "instant_kind": pl.String,
              "delivers_until": pl.Date}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def daily_rows(sources: Mapping[str, Source]) -> str:
    """Query of `raw.daily_rows`: of feeds without a staging model that a source delivers daily.

    A key is made unlike those of other feeds, so that versions are resolved for all of them at
    once. Feeds nobody configured as daily cost nothing: the view does not read them.
    """
    daily = sorted({
        feed
        for source in sources.values()
        for feed in source.feeds()
        if source.is_expected_daily(feed) and feed not in _STAGED and FEEDS[feed].instant
    })  # fmt: skip
    parts = [_daily_rows(FEEDS[feed]) for feed in daily]
    return " union all ".join(parts) or _nothing(_DAILY_ROWS)


def no_rows(feed: Feed) -> str:
    """Query of `raw.<feed>` where nothing of it has landed."""
    landed = {name: sql_type(kind) for name, kind in feed.landed.items()}
    return _nothing({**landed, **_BATCH_STATE})


def _nothing(columns: Mapping[str, str]) -> str:
    """A query of these columns without a row, in words of every engine."""
    nulls = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items())
    return f"select {nulls} where false"


def _daily_rows(feed: Feed) -> str:
    is_day = instant_kind(feed) == "day"
    no_at, no_day = "cast(null as timestamp)", "cast(null as date)"
    at, day = (no_at, feed.instant) if is_day else (feed.instant, no_day)
    return (
        f"select '{feed.name}' as feed, source, '{feed.name}|' || _row_key as _row_key,"
        f" '{feed.name}|' || _unit_key as _unit_key, _version_at,"
        f" '{feed.name}|' || _covers_from as _covers_from,"
        f" '{feed.name}|' || _covers_to as _covers_to, {at} as arrived_at,"
        f" {day} as arrived_date, batch, _is_active, _seq,"
        f" _name_order from raw.{feed.name}"
    )


def _table(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    con.register("_frame", frame.to_arrow())
    con.execute(f"create or replace table raw.{name} as from _frame")
    con.unregister("_frame")


def _view(con: duckdb.DuckDBPyConnection, feed: Feed, landing: Path) -> str:
    """DDL of `raw.<feed>`: the landed files, or an empty relation of the same shape."""
    pattern = literal(landing / feed.name / "batch=*" / "*.parquet")
    known = con.execute("select count(*) from raw.batches where feed = ?", [feed.name]).fetchall()
    if not known[0][0]:
        return f"create or replace view raw.{feed.name} as {no_rows(feed)}"
    files = (
        f"read_parquet({pattern}, hive_partitioning = true,"
        " hive_types = {'batch': varchar}, union_by_name = true)"
    )
    # A column added to the feed later is missing from older files, perhaps from all of them.
    landed = {row[0] for row in con.execute(f"describe select * from {files}").fetchall()}
    return f"create or replace view raw.{feed.name} as {feed_query(feed, files, landed)}"


def feed_query(feed: Feed, files: str, landed: Collection[str]) -> str:
    """Query of `raw.<feed>` in words of every engine.

    Args:
        feed: one of which batches are known.
        files: the relation of its landed rows, with their `batch`.
        landed: the columns it has; others are NULL.
    """
    # Keys that another column tells too are left empty in the files.
    row_key = f"coalesce(f._row_key, f.{feed.key_column or '_row_key'})"
    told = {"_row_key": row_key, "_unit_key": f"coalesce(f._unit_key, {row_key})"}
    columns = [
        f"{told.get(name, f'f.{name}')} as {name}"
        if name in landed
        else f"cast(null as {sql_type(kind)}) as {name}"
        for name, kind in feed.landed.items()
    ]
    # Of a file without export instant the last instant in it orders versions: a guess that the
    # order of names may contradict. A row that was changed at that very instant tells it itself.
    age = "b.name_order"
    if "updated_at" in landed:
        told_itself = "f.updated_at = f._version_at and f._covers_from is null"
        age = f"case when {told_itself} then null else b.name_order end"
    age = f"case when f._version_at = b.undated_at then {age} end as _name_order"
    return (
        f"select {', '.join(columns)}, f.batch, b.is_active as _is_active, b.seq as _seq, {age}"
        f" from {files} as f"
        f" inner join raw.batches as b on b.batch_id = f.batch and b.feed = '{feed.name}'"
    )


def sql_type(kind: Any) -> str:
    """A polars type as DuckDB and Spark both name it."""
    if isinstance(kind, pl.Decimal):
        return f"decimal({kind.precision}, {kind.scale})"
    if isinstance(kind, pl.Datetime):
        return "timestamp"
    names = {
        pl.String: "string",
        pl.Int64: "bigint",
        pl.Float64: "double",
        pl.Boolean: "boolean",
        pl.Date: "date",
    }
    return names[kind]
