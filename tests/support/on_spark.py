"""The golden shop built by DuckDB and by Spark, and how their tables differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml

from ingestion.feeds import FEEDS
from orchestration.build import dbt, spark
from orchestration.config.sections import ShopFile
from orchestration.config.settings import Paths, Settings
from orchestration.errors import KpiError
from tests.golden.shop import SHOPS, deliveries
from tests.support import shop
from tests.support.exports import ORDERS, SHOP
from tests.support.published_hashes import SCHEMAS, STAMPS
from tests.support.raw import PROJECT, conform, run_dbt, write_raw

# Of logarithms, whose last digit is each library's own. Table -> its key, how close.
CLOSE = {"marts.fct_gmv_change": (["business_date", "comparison", "dimension", "segment"], 1e-10)}

HASH = "_row_hash"  # each engine has its own, by which a table finds its rows again
LAST_DAY = date(2026, 11, 13)
_WHEN = {"orders": ("ordered_at", "paid_at"), "order_items": (), "refunds": ("refunded_at",),
         "events": ("occurred_at",), "traffic_daily": ("traffic_date",)}  # fmt: skip
_WITHDRAWN = ("events", "traffic_daily")  # by the next export of their days


def settings(root: Path, **of_spark: Any) -> Settings:
    """A shop below a folder that builds on Spark."""
    file = {
        "shop": {"name": "Golden", "currency": "CNY", "timezone": "Asia/Shanghai"},
        "sources": {"shop": {**SHOP, "files": [{"path": "**/*.csv", "format": ORDERS}]}},
        "build": {
            "target": "spark",
            "spark": {"driver_memory": "2g", "shuffle_partitions": 2, **of_spark},
        },
    }
    return Settings(Paths(root), root / "shop.yml", ShopFile.model_validate(file))


def skip_without_spark() -> None:
    """Skip the test, and say why, where Spark cannot be used."""
    try:
        spark.require(settings(Path()).file.build.spark)
    except KpiError as error:
        pytest.skip(str(error))


def frames() -> dict[str, pl.DataFrame]:
    """The golden shop, each source in a batch of its own."""
    return {feed: frame.with_columns(batch="source") for feed, frame in deliveries().items()}


def built_here(root: Path) -> Path:
    """Build file of DuckDB."""
    file = root / "duckdb" / "working.duckdb"
    write_raw(file, frames())
    run_dbt(PROJECT, file, "build", "--full-refresh", "--exclude-resource-type", "unit_test")
    return file


def built_there(configured: Settings) -> Path:
    """Build file with every table that Spark built, all data tests passed."""
    configured.paths.make()
    ledger = _land(configured.paths)
    write_raw(configured.paths.working_build, frames())
    dbt.prepare_manifest()
    dbt.set_environment(configured)
    arguments = dbt.build_arguments(configured, full=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spark, "_loaded", _all_tables)
        results = spark.build(configured, ledger, arguments, configured.paths.home / "target")
    wrong = {name: result.message for name, result in results.items()
             if result.status not in ("success", "pass", "warn", "no-op")}  # fmt: skip
    assert wrong == {}
    assert sum(name.startswith("test.") for name in results) > 150
    return configured.paths.working_build


def _land(paths: Paths) -> list[dict[str, Any]]:
    """Land the golden shop as files; returns its ledger."""
    feeds: dict[str, dict[str, int]] = {}
    for feed, frame in frames().items():
        for (batch,), rows in conform(frame, feed).group_by("batch"):
            folder = paths.landing / feed / f"batch={batch}"
            folder.mkdir(parents=True)
            rows.select(list(FEEDS[feed].landed)).write_parquet(folder / "data.parquet")
            feeds.setdefault(str(batch), {})[feed] = rows.height
    return [{"batch_id": batch, "feeds": landed, "status": "landed"}
            for batch, landed in feeds.items()]  # fmt: skip


def _all_tables(manifest: Mapping[str, Any]) -> dict[str, str]:
    """All that is a table on Spark; views are made of them."""
    return {
        f"{node['schema']}.{node['name']}": "true"
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        and (node["config"]["materialized"] != "view" or node["name"] == "fct_sessions")
    }


def new_home(root: Path, **build: Any) -> Path:
    """A data folder of the golden shop, whose files `deliver` writes; `build` as in shop.yml."""
    home = shop.new_home(root)
    stamp = {"file_name": r"_(\d{14})"}
    sources = {
        platform: {
            "platform": platform, "shop_id": shop_id, "timezone": "UTC", "currency": "CNY",
            "files": [
                {"path": f"{platform}/{feed}_*.csv", "format": f"plain_{feed}", "daily": False,
                 "overrides": {"exported_at": stamp},
                 **({"delivery": f"snapshot:{_WHEN[feed][0]}"} if feed in _WITHDRAWN else {})}
                for feed, rows in deliveries().items() if platform in rows["source"]
            ],
        }
        for platform, shop_id in SHOPS.values()
    }  # fmt: skip
    settings = {
        "shop": {"name": "Golden", "currency": "CNY", "timezone": "Asia/Shanghai"},
        "sources": sources,
        "build": build,
    }
    (home / "shop.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return home


def deliver(home: Path, day: int) -> None:
    """Export the golden shop into the inbox: `day` 0 its own rows, and then what comes.

    Day 1 is a day like the last one. On day 2 all rows of day 1 are told to be of day 2, and day 1
    has none any more: moved where they have a key of their own, else withdrawn.
    """
    for feed, rows in deliveries().items():
        if day and feed not in _WHEN:
            continue
        if day:
            last = _of_last_day(feed, rows)
            again = [last] if day > 1 and feed in _WITHDRAWN else []
            rows = pl.concat([*again, _moved(feed, last, day)])  # noqa: PLW2901 - of the same feed
        for (platform,), part in rows.group_by("source"):
            stamp = LAST_DAY + timedelta(days=day + 1)
            file = home / f"data/inbox/{platform}/{feed}_{stamp:%Y%m%d}020000.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            given = part.drop("source", "platform", "shop_id", strict=False).rename(
                lambda name: name.replace("_key", "_id")
            )
            given.write_csv(file, datetime_format="%Y-%m-%d %H:%M:%S")


def _of_last_day(feed: str, rows: pl.DataFrame) -> pl.DataFrame:
    if not _WHEN[feed]:
        orders = _of_last_day("orders", deliveries()["orders"])
        return rows.join(orders, on=["source", "order_id"], how="semi")
    return rows.filter(pl.col(_WHEN[feed][0]).cast(pl.Date) == LAST_DAY)


def _moved(feed: str, rows: pl.DataFrame, days: int) -> pl.DataFrame:
    """The rows some days later, under ids of their own."""
    ids = {f"{name}_id" for name in ("order", "parent_order", "refund", "event")}
    return rows.with_columns(
        *(pl.col(name) + "-next" for name in ids.intersection(rows.columns)),
        *(pl.col(name) + timedelta(days=days) for name in _WHEN[feed]),
    )


def run_here(home: Path, day: int) -> None:
    """Deliver what comes on a day, and run on DuckDB."""
    deliver(home, day)
    shop.run(home, LAST_DAY + timedelta(days=day))


def published_differences(ours: Path, theirs: Path) -> dict[str, object]:
    """As `differences`, of two published files."""
    return differences(ours, theirs, SCHEMAS, STAMPS)


def differences(
    ours: Path,
    theirs: Path,
    schemas: Sequence[str] = ("staging", "intermediate", "marts", "quality"),
    stamps: Mapping[str, Collection[str]] | None = None,
) -> dict[str, object]:
    """Table -> what is wrong with it on the other side; of all tables and `fct_sessions`.

    Args:
        ours: a DuckDB file.
        theirs: another.
        schemas: those to look at.
        stamps: table -> columns that are of a run and not looked at.
    """
    with duckdb.connect() as con:
        con.execute(f"attach '{ours}' as ours (read_only)")
        con.execute(f"attach '{theirs}' as theirs (read_only)")
        wanted = con.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_catalog = 'ours' and (table_type = 'BASE TABLE' or table_name ="
            " 'fct_sessions') and table_schema in (select unnest(?))", [list(schemas)]
        ).fetchall()  # fmt: skip
        assert len(wanted) > (30 if stamps else 90)
        skipped = stamps or {}
        found = {name: _difference(con, name, skipped.get(name, ())) for (name,) in wanted}
        return {name: wrong for name, wrong in found.items() if wrong}


def _difference(con: duckdb.DuckDBPyConnection, table: str, skipped: Collection[str]) -> object:
    try:
        there = con.execute(f"describe theirs.{table}").fetchall()
    except duckdb.CatalogException:
        return "missing"
    here = con.execute(f"describe ours.{table}").fetchall()
    if [column[0] for column in here] != [column[0] for column in there]:
        return "other columns"
    types = [(a[0], a[1], b[1]) for a, b in zip(here, there, strict=True) if a[1] != b[1]]
    if types and table.startswith(("marts.", "quality.")):
        return types
    if table in CLOSE:
        return con.execute(_apart(table, here, *CLOSE[table])).fetchall()
    columns = ", ".join(
        _exact(name, kind) for name, kind, *_ in here if name not in {HASH, *skipped}
    )
    return con.execute(
        f"(select {columns} from ours.{table} except all select {columns} from theirs.{table})"
        " union all"
        f" (select {columns} from theirs.{table} except all select {columns} from ours.{table})"
        " limit 3"
    ).fetchall()


def _exact(name: str, kind: str) -> str:
    """A column as both can be compared: sums of integers are wider on DuckDB."""
    is_wide = kind.startswith(("HUGEINT", "DECIMAL"))
    return f'"{name}"::decimal(38, 12)' if is_wide else f'"{name}"'


def _apart(table: str, columns: list[Any], key: list[str], close: float) -> str:
    """Rows that one side lacks, or whose numbers are further apart."""
    same = [
        f"coalesce(abs(a.{name} - b.{name}) <= {close}, coalesce(a.{name}, b.{name}) is null)"
        if kind == "DOUBLE"
        else f"a.{name} is not distinct from b.{name}"
        for name, kind, *_ in columns
    ]
    paired = " and ".join(f"a.{name} = b.{name}" for name in key)
    return (
        f"select a, b from ours.{table} as a full join theirs.{table} as b on {paired}"
        f" where not ({' and '.join(same)}) limit 3"
    )
