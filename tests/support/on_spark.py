"""The golden shop built by DuckDB and by Spark, and how their tables differ."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from ingestion.feeds import FEEDS
from orchestration.build import dbt, spark
from orchestration.config.sections import ShopFile
from orchestration.config.settings import Paths, Settings
from orchestration.errors import KpiError
from tests.golden.shop import deliveries
from tests.support.exports import ORDERS, SHOP
from tests.support.raw import PROJECT, conform, run_dbt, write_raw

# Of logarithms, whose last digit is each library's own. Table -> its key, how close.
CLOSE = {"marts.fct_gmv_change": (["business_date", "comparison", "dimension", "segment"], 1e-10)}

HASH = "_row_hash"  # each engine has its own, by which a table finds its rows again


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
    file = root / "duckdb" / "kpi.duckdb"
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
             if result.status not in ("success", "pass", "warn")}  # fmt: skip
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


def differences(ours: Path, theirs: Path) -> dict[str, object]:
    """Table -> what is wrong with it on the other side; of all tables and `fct_sessions`."""
    with duckdb.connect() as con:
        con.execute(f"attach '{ours}' as ours (read_only)")
        con.execute(f"attach '{theirs}' as theirs (read_only)")
        wanted = con.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_catalog = 'ours' and (table_type = 'BASE TABLE' or table_name ="
            " 'fct_sessions') and table_schema in ('staging', 'intermediate', 'marts', 'quality')"
        ).fetchall()
        assert len(wanted) > 90
        return {name: found for (name,) in wanted if (found := _difference(con, name))}


def _difference(con: duckdb.DuckDBPyConnection, table: str) -> object:
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
    columns = ", ".join(_exact(name, kind) for name, kind, *_ in here if name != HASH)
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
