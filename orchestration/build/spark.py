"""The same dbt project on Apache Spark, for data that one machine cannot hold (docs/scaling.md).

Spark reads the same landing and builds and tests the same models, each time in full. What readers
and the later steps of a run need is then loaded into the working build, so that insights, audit,
publishing and pages are the same code. Nothing stays on Spark's side from one run to the next.

`pyspark` is imported here alone, and only when a run is told to use it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ingestion.feeds import FEEDS, Feed
from orchestration.build import dbt, raw, warehouse
from orchestration.config.machine import cores, memory_mib
from orchestration.config.sections import Spark
from orchestration.config.settings import Paths, Settings
from orchestration.errors import KpiError, config_error

log = logging.getLogger("kpi")
Execute = Callable[[str], Any]
_SCHEMAS = ("raw", "raw_landing", "staging", "intermediate", "marts", "quality")
# What is read outside dbt besides the published schemas -> which rows of it are.
READ = {
    "staging.stg_raw__events": "event_type = 'purchase'",
    "staging.stg_raw__orders": "true",
    "staging.stg_raw__purchase_orders": "true",
    "staging.stg_raw__traffic_daily": "true",
    "intermediate.int_after_sales_told": "is_quality",
    "intermediate.int_completeness_gaps": "true",
    "intermediate.int_funnel_sessions_counted": "true",
    "intermediate.int_gmv_cells": "true",
    "intermediate.int_order_margins": "true",
    "intermediate.int_purchases_judged": "true",
    "intermediate.int_refunds_converted": "true",
    "intermediate.int_sessions_built": "true",
    "intermediate.int_stock_products": "true",
    "intermediate.int_touches_credited": "true",
}
_MIN_JAVA = 17


def require(configured: Spark) -> None:
    """See that Spark can be used, before anything else is begun.

    Raises:
        KpiError: a package or Java is missing, or too old; says what to install.
    """
    needed = ["dbt.adapters.spark", "pyhive" if configured.thrift else "pyspark"]
    if missing := [name for name in needed if not _is_there(name)]:
        raise config_error(
            f"target spark needs {' and '.join(missing)}",
            "build.target",
            "pip install -c constraints.txt -e '.[spark]'   (0.5 GB)",
        )
    if not configured.thrift:  # with a Thrift server the JVM is its own
        _require_java()


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package above it
        return False


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr \
        if java else ""  # noqa: S603 # fmt: skip
    version = re.search(r'version "(\d+)', told)
    if version and int(version[1]) >= _MIN_JAVA:
        return
    found = f"{java} is version {version[1]}" if version else "none was found"
    raise config_error(
        f"target spark needs Java {_MIN_JAVA} or later; {found}",
        "JAVA_HOME" if home else "PATH",
        f"Install one, on Debian `apt install openjdk-{_MIN_JAVA}-jre-headless`, or set JAVA_HOME.",
    )


def build(
    settings: Settings, ledger: Sequence[Mapping[str, Any]], arguments: list[str], target: Path
) -> Mapping[str, Any]:
    """Build and test every table on Spark, and load what is read into the working build.

    Args:
        settings: the shop; its working build has schema `raw` already.
        ledger: as pinned for the run.
        arguments: of dbt, as `dbt.build_arguments` gives them.
        target: folder of what dbt writes.

    Returns:
        Node -> its result. Where one failed, nothing is loaded.

    Raises:
        KpiError: Spark or dbt could not begin.
    """
    require(settings.file.build.spark)
    folder = folder_of(settings)
    _copy_told(settings.paths, folder)
    try:
        with _connection(settings, folder) as execute:
            for statement in raw_statements(settings, ledger, folder):
                execute(statement)
            results = dbt.invoke(arguments, target)
        if not any(result.status in {"error", "fail"} for result in results.values()):
            load(settings.paths.working_build, folder, _loaded(dbt.manifest()))
    finally:
        discard(settings)
    return results


def folder_of(settings: Settings) -> Path:
    """Where Spark keeps the tables of a run under way; all nodes must see it and landing.

    It is named by the data folder: shops that share `build.spark.folder` must not meet.
    """
    home = settings.paths.home
    given = settings.file.build.spark.folder
    name = f"kpi_run_{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
    return (home / given if given else settings.paths.build / "spark") / name


def discard(settings: Settings) -> None:
    """Delete what a run, this one or a killed one, left on Spark's side."""
    shutil.rmtree(folder_of(settings), ignore_errors=True)


def _copy_told(paths: Paths, folder: Path) -> None:
    """The tables of schema raw that no feed is, as Parquet."""
    with warehouse.connect(paths.working_build, read_only=True) as con:
        for name in raw.TOLD:
            place = folder / "told" / name
            place.mkdir(parents=True)
            con.execute(f"copy raw.{name} to {warehouse.literal(place / 'data.parquet')}")


def raw_statements(
    settings: Settings, ledger: Sequence[Mapping[str, Any]], folder: Path
) -> Iterator[str]:
    """DDL of an empty warehouse below `folder`, with schema `raw` over landing.

    A feed is a table of its own columns over its batches; a column added to it later is NULL in
    older files.
    """
    landed = {feed for file in ledger for feed in file["feeds"]
              if file["status"] not in ("refused", "expired")}  # fmt: skip
    for schema in _SCHEMAS:
        yield f"drop schema if exists {schema} cascade"
        yield f"create schema {schema} location {_text(folder / schema)}"
    for name in raw.TOLD:
        yield f"create table raw.{name} using parquet location {_text(folder / 'told' / name)}"
    for feed in FEEDS.values():
        if feed.name in landed:
            yield from _feed_statements(feed, settings.paths.landing / feed.name)
        else:
            yield f"create view raw.{feed.name} as {raw.no_rows(feed)}"
    yield f"create view raw.daily_rows as {raw.daily_rows(settings.sources)}"


def _feed_statements(feed: Feed, files: Path) -> Iterator[str]:
    columns = ", ".join(f"{name} {raw.sql_type(kind)}" for name, kind in feed.landed.items())
    yield (
        f"create table raw_landing.{feed.name} ({columns}, batch string) using parquet"
        f" partitioned by (batch) location {_text(files)}"
    )
    yield f"msck repair table raw_landing.{feed.name}"
    query = raw.feed_query(feed, f"raw_landing.{feed.name}", feed.landed)
    yield f"create view raw.{feed.name} as {query}"


def _text(path: Path) -> str:
    """A path as Spark writes a text."""
    escaped = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _loaded(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Tables to load -> which rows: the published schemas, and what later steps read."""
    published = {
        f"{node['schema']}.{node['name']}": "true"
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        and node["schema"] in warehouse.PUBLISHED_SCHEMAS
    }
    return published | READ


def load(file: Path, folder: Path, tables: Mapping[str, str]) -> None:
    """Load tables that Spark wrote below `folder` into a build file.

    Args:
        file: the build file; tables of these names are replaced.
        folder: as given to `raw_statements`.
        tables: "schema.table" -> condition on its rows.

    Raises:
        KpiError: a table is not there.
    """
    with warehouse.connect(file) as con:
        for table, rows in tables.items():
            schema, _, name = table.partition(".")
            files = folder / schema / name
            if not any(files.glob("*.parquet")):
                raise KpiError(f"Spark wrote no table {table}", str(files))
            con.execute(f"create schema if not exists {schema}")
            con.execute(
                f"create or replace table {table} as from"
                f" read_parquet({warehouse.literal(files / '*.parquet')}) where {rows}"
            )


@contextmanager
def _connection(settings: Settings, folder: Path) -> Iterator[Execute]:
    """What executes a statement where dbt will execute its own."""
    configured = settings.file.build.spark
    if configured.thrift:
        from pyhive import hive

        host, _, port = configured.thrift.partition(":")
        connection = hive.connect(host, int(port), username="kpi", configuration=_SESSION)
        try:
            cursor = connection.cursor()
            yield cursor.execute
        finally:
            connection.close()
        return
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("kpi")
    for name, value in _conf(settings, folder).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()  # which dbt finds and uses
    session.sparkContext.setLogLevel("ERROR")
    log.info("Spark %s on %s", session.version, session.sparkContext.master)
    try:
        yield session.sql
    finally:
        java = session.sparkContext._gateway.proc
        if (code := java.poll()) is not None:  # what failed since says only that it is gone
            raise KpiError(
                f"Spark's Java ended in the middle, exit code {code}",
                "build.spark.driver_memory",
                "Killed by the system (-9) it wanted more memory than the machine had left.",
            )
        session.stop()


_SESSION = {"spark.sql.session.timeZone": "UTC", "spark.sql.timestampType": "TIMESTAMP_NTZ"}


def _conf(settings: Settings, folder: Path) -> dict[str, str]:
    """Settings of a session of this process, which is then the driver."""
    section = settings.file.build
    spark = section.spark
    conf = {
        **_SESSION,
        "spark.master": spark.master or f"local[{section.threads or cores()}]",
        "spark.driver.memory": spark.driver_memory or f"{memory_mib() // 2}m",
        "spark.executor.memory": spark.executor_memory,
        "spark.sql.shuffle.partitions": str(spark.shuffle_partitions),
        "spark.sql.warehouse.dir": str(folder),
        # Rows that do not fit into memory: of a Java that was killed they go with the folder.
        "spark.local.dir": str(folder / "scratch"),
        "spark.sql.catalogImplementation": "in-memory",  # nothing outlives a run
        "spark.scheduler.mode": "FAIR",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if not spark.master:
        conf |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return conf | spark.conf
