"""Readers and loaders beside the landing of the product: event files in, typed Parquet out.

Each is a function of the files and an empty folder; `benchmarks/bench.py` runs it in a process of
its own, perhaps of another environment, so that all imports are inside. Landing does more than the
others: it checks every value, makes pseudonyms, keys and the seven columns that say where a row
came from, and accounts for every row. dlt keeps a state and a schema and adds two columns.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

INSTANT = "occurred_at"


def product(files: list[Path], out: Path) -> int:
    """Land the files as a run does."""
    from ingestion.landing.land import land_file
    from ingestion.mapping.sources import parse_sources

    spec = {"path": "*", "format": "plain_events"}
    settings = {"platform": "web", "shop_id": "web-1", "timezone": "Asia/Shanghai"}
    source = parse_sources({"web": {**settings, "currency": "CNY", "files": [spec]}})["web"]
    rows = 0
    for file in files:
        landed = land_file(
            file, inbox=file.parent, landing=out, quarantine=out / "quarantine", source=source,
            files=source.files[0], key=b"a key for measuring, of 32 bytes",
            reporting_currency="CNY",
        )  # fmt: skip
        rows += landed.rows_landed
    return rows


def duckdb(files: list[Path], out: Path) -> int:
    """DuckDB's own reader and writer."""
    import duckdb as engine

    con = engine.connect()
    con.execute(f"set threads = {os.cpu_count()}")
    return int(con.execute(
        f"copy (from read_csv(?)) to '{out}/events.parquet' (compression zstd)",
        [[str(file) for file in files]],
    ).fetchall()[0][0])  # fmt: skip


def polars(files: list[Path], out: Path) -> int:
    """The streaming engine of polars."""
    import polars as pl

    path = out / "events.parquet"
    frame = pl.scan_csv(files, infer_schema=False).with_columns(
        pl.col(INSTANT).str.to_datetime("%Y-%m-%d %H:%M:%S")
    )
    frame.sink_parquet(path, compression="zstd")
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def pandas(files: list[Path], out: Path) -> int:
    """One file after the other with pandas."""
    import pandas as pd

    rows = 0
    for file in files:
        frame = pd.read_csv(file, dtype="string", parse_dates=[INSTANT])
        frame.to_parquet(out / f"{file.stem}.parquet", compression="zstd")
        rows += len(frame)
    return rows


def dlt(files: list[Path], out: Path) -> int:
    """Load batches of Arrow into a DuckDB file with dlt."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt as loader
    from pyarrow import csv

    def batches() -> Iterator[Any]:
        for file in files:
            yield from csv.open_csv(file)

    destination = loader.destinations.duckdb(str(out / "dlt.duckdb"))
    pipeline = loader.pipeline(
        "bench", pipelines_dir=str(out / "dlt"), destination=destination, dataset_name="bench"
    )
    pipeline.run(loader.resource(batches, name="events"))
    return int(pipeline.last_trace.last_normalize_info.row_counts["events"])


def spark(files: list[Path], out: Path) -> int:
    """Spark on this machine alone."""
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[*]")
        .config("spark.driver.memory", "4g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .config("spark.driver.host", "localhost")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    frame = session.read.csv([str(file) for file in files], header=True)
    frame = frame.withColumn(INSTANT, frame[INSTANT].cast("timestamp"))
    frame.write.parquet(str(out / "events"))
    rows = int(session.read.parquet(str(out / "events")).count())
    gateway = session.sparkContext._gateway
    session.stop()
    # Java has done all the work: only who waits for its end can tell what it took.
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    return rows


PEERS: dict[str, Callable[[list[Path], Path], int]] = {
    "product": product, "duckdb": duckdb, "polars": polars, "pandas": pandas, "dlt": dlt,
    "spark": spark,
}  # fmt: skip
PACKAGES = {"dlt": "dlt", "spark": "pyspark"}


if __name__ == "__main__":
    from importlib.metadata import version

    name, folder, *paths = sys.argv[1:]
    count = PEERS[name]([Path(path) for path in paths], Path(folder))
    package = PACKAGES.get(name, name)
    print(f"ROWS {count} {version('kpi-warehouse' if name == 'product' else package)}")
