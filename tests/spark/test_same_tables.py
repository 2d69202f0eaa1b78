"""Spark builds the golden shop, all data tests passed, into the tables that DuckDB builds of it."""

from __future__ import annotations

from pathlib import Path

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

pytestmark = pytest.mark.spark
# Of logarithms, whose last digit is each library's own. Table -> its key, how close.
CLOSE = {"marts.fct_gmv_change": (["business_date", "comparison", "dimension", "segment"], 1e-10)}
TABLES = "select table_schema || '.' || table_name from information_schema.tables where"


@pytest.fixture(scope="module", autouse=True)
def usable() -> None:
    """Skip, and say why, where Spark cannot be used."""
    try:
        spark.require(ShopFile.model_validate(_SHOP).build.spark)
    except KpiError as error:
        pytest.skip(str(error))


_SHOP = {
    "shop": {"name": "Golden", "currency": "CNY", "timezone": "Asia/Shanghai"},
    "sources": {"shop": {**SHOP, "files": [{"path": "**/*.csv", "format": ORDERS}]}},
    "build": {"target": "spark", "spark": {"driver_memory": "2g", "shuffle_partitions": 2}},
}


def frames() -> dict[str, pl.DataFrame]:
    """The golden shop, each source in a batch of its own."""
    return {feed: frame.with_columns(batch="source") for feed, frame in deliveries().items()}


def land(paths: Paths) -> list[dict[str, object]]:
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


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build files of DuckDB and of Spark, with every table."""
    root = tmp_path_factory.mktemp("same_tables")
    ours = root / "duckdb" / "kpi.duckdb"
    write_raw(ours, frames())
    run_dbt(PROJECT, ours, "build", "--full-refresh", "--exclude-resource-type", "unit_test")
    settings = Settings(Paths(root), root / "shop.yml", ShopFile.model_validate(_SHOP))
    settings.paths.make()
    ledger = land(settings.paths)
    write_raw(settings.paths.working_build, frames())
    dbt.prepare_manifest()
    dbt.set_environment(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spark, "_loaded", _all_tables)
        results = spark.build(
            settings, ledger, dbt.build_arguments(settings, full=True), root / "target"
        )
    wrong = {name: result.message for name, result in results.items()
             if result.status not in ("success", "pass", "warn")}  # fmt: skip
    assert wrong == {}
    assert sum(name.startswith("test.") for name in results) > 150
    return ours, settings.paths.working_build


def _all_tables(manifest: dict[str, dict[str, dict[str, object]]]) -> dict[str, str]:
    """All that is a table on Spark; views are made of them."""
    return {
        f"{node['schema']}.{node['name']}": "true"
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        and (node["config"]["materialized"] != "view" or node["name"] == "fct_sessions")  # type: ignore[index]
    }


def test_every_table_is_equal(builds: tuple[Path, Path]) -> None:
    with duckdb.connect() as con:
        con.execute(f"attach '{builds[0]}' as ours (read_only)")
        con.execute(f"attach '{builds[1]}' as theirs (read_only)")
        built = "table_schema in ('staging', 'intermediate', 'marts', 'quality')"
        wanted = con.execute(
            f"{TABLES} {built} and table_catalog = 'ours'"
            " and (table_type = 'BASE TABLE' or table_name = 'fct_sessions') order by 1"
        ).fetchall()
        assert len(wanted) > 90
        wrong = {name: found for (name,) in wanted if (found := _differences(con, name))}
    assert wrong == {}


def _differences(con: duckdb.DuckDBPyConnection, table: str) -> object:
    """How a table differs; nothing if it does not."""
    try:
        there = con.execute(f"describe theirs.{table}").fetchall()
    except duckdb.CatalogException:
        return "missing"
    here = con.execute(f"describe ours.{table}").fetchall()
    if [column[0] for column in here] != [column[0] for column in there]:
        return "other columns"
    if table.startswith(("marts.", "quality.")) and (
        types := [(a[0], a[1], b[1]) for a, b in zip(here, there, strict=True) if a[1] != b[1]]
    ):
        return types
    if table in CLOSE:
        return con.execute(_apart(table, here, *CLOSE[table])).fetchall()
    columns = ", ".join(_exact(name, kind) for name, kind, *_ in here)
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


def _apart(table: str, columns: list[tuple[str, str]], key: list[str], close: float) -> str:
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
