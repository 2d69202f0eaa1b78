"""What has landed, read back: whether it is whole, the rows that count, the rates among them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl

from ingestion.feeds import FEEDS
from ingestion.rows.build import with_told_keys
from ingestion.rows.rates import RATE_TABLE, Rates


def losses(landing: Path, batches: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    """Compare landed files with what was landed; reads of each file what says its rows.

    Args:
        landing: folder of landed files.
        batches: batch id -> feed -> rows landed.

    Returns:
        Batch id -> what is wrong, of the batches that are not there as they were landed.
    """
    found = {}
    for batch, feeds in batches.items():
        for feed, rows in feeds.items():
            if why := _loss(landing / feed / f"batch={batch}" / "data.parquet", rows):
                found[batch] = f"{feed} {why}"
    return found


def _loss(path: Path, rows: int) -> str:
    if not path.exists():
        return "is gone"
    try:
        there = pl.scan_parquet(path, hive_partitioning=False).select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError):
        return "is damaged"
    return "" if there == rows else f"has {there} rows of {rows}"


def latest_rows(landing: Path, feed: str, active_batches: Collection[str]) -> pl.DataFrame:
    """Read a feed's landed rows; the winning batch of a unit brings all of its rows."""
    return _that_count(_landed(landing, feed, active_batches).collect())


def latest_rows_of(
    landing: Path, feed: str, active_batches: Collection[str], chosen: pl.Expr, columns: list[str]
) -> pl.DataFrame:
    """Read of a large feed the rows of which any version is chosen, in the one that counts.

    Args:
        landing: the landing folder.
        feed: its name.
        active_batches: ids of batches that are neither rejected nor superseded.
        chosen: whether a landed row is.
        columns: what to read of them.
    """
    rows, key = _landed(landing, feed, active_batches), pl.col("_row_key")
    # A snapshot withdraws rows that it does not hold: then all are needed to tell what counts.
    is_snapshot = (pl.col("_unit_key") != key) | pl.col("_covers_from").is_not_null()
    if not rows.select(is_snapshot.any()).collect().item():
        keys = rows.filter(chosen).select(key).unique().collect()["_row_key"]
        rows = rows.filter(key.is_in(keys.implode()))
    return _that_count(rows.collect()).select(columns)


def _landed(landing: Path, feed: str, active_batches: Collection[str]) -> pl.LazyFrame:
    files = [
        path
        for batch in sorted(set(active_batches))
        if (path := landing / feed / f"batch={batch}" / "data.parquet").exists()
    ]
    schema = FEEDS[feed].landed
    if not files:
        return pl.LazyFrame(schema=schema)
    # Columns that a feed gained later are missing from older files.
    rows = pl.scan_parquet(
        files, schema=schema, missing_columns="insert", extra_columns="ignore",
        hive_partitioning=False,
    )  # fmt: skip
    return with_told_keys(rows, feed)


def _that_count(rows: pl.DataFrame) -> pl.DataFrame:
    return _winning(_without_repeats(_newest(rows)), "_row_key")


def _newest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the batches that tell of a unit last; several of one instant may."""
    key = ["source", "_unit_key"]
    told = pl.concat([rows.select(*key, "_version_at", "_batch_id"), _emptied(rows)])
    told = told.group_by(*key, "_batch_id").agg(pl.col("_version_at").max())
    last = told.filter(pl.col("_version_at") == pl.col("_version_at").max().over(key))
    return rows.join(last, on=[*key, "_batch_id"], how="semi", maintain_order="left")


def _without_repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out batches of a unit that repeat a row of a later one; all others are its parts."""
    unit, batch = ["source", "_unit_key"], pl.col("_batch_id")
    told = rows.select(*unit, batch).unique()
    several = told.group_by(unit).len().filter(pl.col("len") > 1)
    contested = rows.join(several, on=unit, how="semi")  # few: the maximum of texts is slow
    repeats = contested.filter(batch < batch.max().over(*unit, "_row_key"))
    return rows.join(repeats, on=[*unit, "_batch_id"], how="anti", maintain_order="left")


def _winning(rows: pl.DataFrame, key: str, *others: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the batch that tells of a key last: the data's own time, then its id."""
    told = pl.concat([rows.select("source", key, "_version_at", "_batch_id"), *others])
    last = pl.col("_batch_id").sort_by("_version_at", "_batch_id").last()
    return rows.join(told.group_by("source", key).agg(last), on=["source", key, "_batch_id"],
                     how="semi", maintain_order="left")  # fmt: skip


def _emptied(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the units that lie within a snapshot, which may hold no row of them any more."""
    covers = rows.filter(pl.col("_covers_from").is_not_null())
    covers = covers.group_by("source", "_batch_id", "_covers_from", "_covers_to").agg(
        pl.col("_version_at").max()
    )
    units = rows.filter(pl.col("_unit_key") != pl.col("_row_key")).select("source", "_unit_key")
    return (
        units.unique()
        .join(covers, on="source")
        .filter(pl.col("_unit_key").is_between("_covers_from", "_covers_to"))
        .select("source", "_unit_key", "_version_at", "_batch_id")
    )


def landed_rates(landing: Path, active_batches: Collection[str], currency: str, zone: str) -> Rates:
    """Return the landed rates of the batches that count; of two for one day the later version."""
    rows = latest_rows(landing, "fx_rates", active_batches).sort("_version_at", "_batch_id")
    # A rate of nothing is none: what is sold is never worth nothing.
    table = (
        rows.filter(pl.col("rate") > 0)
        .select(list(RATE_TABLE))
        .unique(["currency", "rate_date"], keep="last")
    )
    return Rates(currency, zone, table.sort("currency", "rate_date"))
