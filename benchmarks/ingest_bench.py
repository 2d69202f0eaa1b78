"""How fast canonical events land from CSV, beside readers that do less and a loader that does more.

One file of made-up events, each variant in a process of its own: `land_file` (read, cast, checked,
pseudonymised, keyed, written as Parquet, rows balanced), polars and DuckDB reading the text alone,
and dlt loading the file into DuckDB. The first landing of a process also imports pandera (1 to 2
seconds, once a run), so that a small file is landed before the clock starts.

Run: python benchmarks/ingest_bench.py [--rows 5000000] [--dlt-rows 500000]
dlt is measured where --dlt-python names the Python of an environment that has `dlt[duckdb]`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

COLUMNS = (
    *("event_id", "occurred_at", "visitor_id", "customer_id", "event_type", "product_id"),
    *("order_id", "platform", "shop_id", "utm_source", "utm_medium", "utm_campaign"),
    *("utm_content", "referrer", "device", "region"),
)
TYPES = ("home", "list", "search", "product_view", "add_to_cart", "checkout", "purchase")


def make(path: Path, rows: int, seed: int = 7) -> None:
    """Write events in order of time: six a visit, visits of a twelfth as many visitors."""
    import numpy as np
    import polars as pl

    dice = np.random.default_rng(seed)
    visits, visitors = max(rows // 6, 1), max(rows * 8 // 100, 1)
    visit = np.sort(dice.integers(0, visits, rows))
    at = np.sort(dice.integers(1_772_000_000, 1_774_600_000, visits))[visit]
    at = at + dice.integers(0, 900, rows)
    order = np.argsort(at, kind="stable")
    visit, at = visit[order], at[order]
    who = dice.integers(0, visitors, visits)[visit]
    campaign = np.where(dice.random(visits) < 0.5, 0, dice.integers(1, 61, visits))[visit]
    kind = dice.choice(7, rows, p=[0.12, 0.16, 0.11, 0.44, 0.11, 0.04, 0.02])
    tagged = pl.col("c") > 0
    pl.DataFrame({"i": np.arange(rows), "v": who, "at": at, "c": campaign, "k": kind}).select(
        event_id=pl.format("evt-{}-{}", pl.col("i") * 2654435761 % 4294967296, "i"),
        occurred_at=pl.from_epoch("at", "s").dt.strftime("%Y-%m-%d %H:%M:%S"),
        visitor_id=pl.format(
            "{}.{}", pl.col("v") * 48271 % 2147483647, pl.col("v") + 1_700_000_000
        ),
        customer_id=pl.when(pl.col("v") % 5 == 0).then(pl.format("C{}", "v")),
        event_type=pl.Series(TYPES).gather(kind),
        product_id=pl.when(pl.col("k").is_between(3, 4)).then(
            pl.format("SKU-{}", pl.col("i") * 7919 % 5000)
        ),
        order_id=pl.when(pl.col("k") == 6).then(pl.format("20260000{}", "i")),
        platform=pl.lit("web"),
        shop_id=pl.lit("web-1"),
        utm_source=pl.when(tagged).then(pl.format("source{}", pl.col("c") % 4)),
        utm_medium=pl.when(tagged).then(pl.format("medium{}", pl.col("c") % 4)),
        utm_campaign=pl.when(tagged).then(pl.format("spring_sale_{}", "c")),
        utm_content=pl.when(tagged).then(pl.format("content{}", pl.col("c") % 2)),
        referrer=pl.when(pl.col("v") % 4 > 0).then(
            pl.format("https://shop.example/from/{}", pl.col("v") % 4)
        ),
        device=pl.Series(["mobile", "mobile", "desktop", "tablet"]).gather(who % 4),
        region=pl.format("Region {}", pl.col("v") % 31),
    ).write_csv(path)


def land(path: Path) -> int:
    """Land the file as the pipeline does; return the rows landed, which must be all."""
    from ingestion.landing.land import land_file
    from ingestion.mapping.sources import parse_sources

    form = {
        "read": {"header": list(COLUMNS)},
        "personal": ["visitor_id", "customer_id"],
        "feeds": {"events": {"columns": {name: name for name in COLUMNS}}},
    }
    settings = {"platform": "web", "shop_id": "web-1", "timezone": "Asia/Shanghai"}
    files = [{"path": "*", "format": form}]
    source = parse_sources({"web": {**settings, "currency": "CNY", "files": files}})["web"]

    def run(file: Path) -> int:
        landed = land_file(
            file, inbox=path.parent, landing=path.parent / "landing",
            quarantine=path.parent / "quarantine", source=source, files=source.files[0],
            key=b"a key for measuring, of 32 bytes", reporting_currency="CNY",
        )  # fmt: skip
        assert landed.rows_landed == landed.rows_read
        return landed.rows_landed

    small = path.with_name("small.csv")
    with path.open("rb") as file:
        small.write_bytes(b"".join(file.readline() for _ in range(1000)))
    run(small)
    return timed(lambda: run(path))


def polars(path: Path) -> int:
    """Read the file as text with polars and do nothing with it."""
    import polars as pl

    return timed(lambda: pl.read_csv(path, infer_schema=False).height)


def duckdb(path: Path) -> int:
    """Read the file as text with DuckDB into a table in memory."""
    import duckdb as engine

    con = engine.connect()
    return timed(
        lambda: con.execute(
            "create table events as select * from read_csv(?, all_varchar = true)", [str(path)]
        ).fetchall()[0][0]
    )


def dlt(path: Path) -> int:
    """Load the rows of the file into a DuckDB file with dlt, which infers their types."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import csv

    import dlt as loader

    pipeline = loader.pipeline(
        "bench",
        pipelines_dir=str(path.parent / "dlt"),
        destination=loader.destinations.duckdb(str(path.parent / "dlt.duckdb")),
        dataset_name="bench",
    )

    def rows() -> Iterator[dict[str, str]]:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)

    def run() -> int:
        pipeline.run(loader.resource(rows, name="events"))
        return int(pipeline.last_trace.last_normalize_info.row_counts["events"])

    return timed(run)


def timed(work: Callable[[], int]) -> int:
    """Run and print rows, seconds, CPU seconds and the peak of memory of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    wall, cpu = time.perf_counter(), usage.ru_utime + usage.ru_stime
    rows = work()
    wall = time.perf_counter() - wall
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime - cpu
    # What getrusage calls the peak includes that of the process this one was started from.
    status = Path("/proc/self/status").read_text(encoding="utf-8").split()
    peak = int(status[status.index("VmHWM:") + 1])
    print(f"RESULT {rows} {wall:.2f} {cpu:.2f} {peak / 1024:.0f}")
    return rows


VARIANTS = {"land_file": land, "polars alone": polars, "DuckDB alone": duckdb, "dlt": dlt}


def main() -> None:
    """Measure all variants, or the one named, on one file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument("--dlt-rows", type=int, default=500_000)
    options.add_argument("--dlt-python", default=sys.executable)
    options.add_argument("--one", nargs=2, metavar=("VARIANT", "FILE"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        VARIANTS[given.one[0]](Path(given.one[1]))
        return
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'variant':<14}{'rows':>11}{'seconds':>9}{'CPU s':>8}{'rows/s':>11}{'peak MiB':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for name in VARIANTS:
            rows = given.dlt_rows if name == "dlt" else given.rows
            path = Path(folder) / f"{rows}.csv"
            if not path.exists():
                make(path, rows)
            python = given.dlt_python if name == "dlt" else sys.executable
            done = subprocess.run(
                [python, __file__, "--one", name, str(path)],
                capture_output=True,
                text=True,
                check=False,
            )
            found = [line.split()[1:] for line in done.stdout.splitlines() if "RESULT" in line]
            if not found:
                print(f"{name:<14}did not run: {done.stderr.strip().splitlines()[-1:]}")
                continue
            count, wall, cpu, peak = (float(word) for word in found[0])
            rate = count / wall
            print(f"{name:<14}{count:>11,.0f}{wall:>9.2f}{cpu:>8.2f}{rate:>11,.0f}{peak:>10,.0f}")
    print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
