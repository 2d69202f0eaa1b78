"""Canonical events from CSV to landed Parquet, beside a floor, DuckDB and dlt on Arrow batches.

One file of made-up events, two bad rows in a thousand, every variant in a process of its own and
in turns (A, B, ..., A, B, ...). What each wrote is counted and summed, and must agree, before any
figure is told. Imports are not counted: the first landing of a process also imports pandera, 1 to
2 s once a run.

- `landing`: `land_file` (read, cast, checked, pseudonymised, keyed, versioned, written as Parquet,
  bad rows set aside with their reason and place, rows balanced);
- `polars floor`: the same 16 columns parsed, the instant cast, written as Parquet;
- `polars, as landed`: the same with the nine landing columns, keys in full;
- `DuckDB`: CSV to Parquet, all columns as text;
- `DuckDB, checked`: read as text, cast, checked and keyed by SQL, good and bad rows in two files;
- `dlt`: Arrow batches into a DuckDB file, where --dlt-python names the Python of an environment
  that has `dlt[duckdb]` and pyarrow.

Run: python benchmarks/landing_bench.py [--rows 5000000] [--repeats 3] [--dlt-python PYTHON]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

COLUMNS = (
    *("event_id", "occurred_at", "visitor_id", "customer_id", "event_type", "product_id"),
    *("order_id", "platform", "shop_id", "utm_source", "utm_medium", "utm_campaign"),
    *("utm_content", "referrer", "device", "region"),
)
TYPES = ("home", "list", "search", "product_view", "add_to_cart", "checkout", "purchase")
ZONE_SECONDS = 8 * 3600  # the file is in the local time of Shanghai
ROWS = {"S": 1_000_000, "M": 5_000_000, "L": 20_000_000}


@dataclass(frozen=True)
class Told:
    """What a variant did: good rows, bad ones it set aside, and the sum of their UTC seconds."""

    rows: int
    bad: int
    seconds: int


@dataclass(frozen=True)
class Figure:
    """One run of a variant.

    Attributes:
        variant: its name.
        version: of the package that did it.
        rows: rows of the file.
        wall: seconds.
        cpu: seconds, all threads.
        peak: MiB resident.
    """

    variant: str
    version: str
    rows: int
    wall: float
    cpu: float
    peak: float


def make(path: Path, rows: int, seed: int = 7) -> None:
    """Write events in order of time: six a visit, visits of a twelfth as many visitors.

    Two rows of a thousand are bad: one has no instant, one an event that nobody knows.
    """
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
        occurred_at=pl.when(pl.col("i") % 1000 != 11)
        .then(pl.from_epoch("at", "s").dt.strftime("%Y-%m-%d %H:%M:%S"))
        .otherwise(pl.lit("soon")),
        visitor_id=pl.format(
            "{}.{}", pl.col("v") * 48271 % 2147483647, pl.col("v") + 1_700_000_000
        ),
        customer_id=pl.when(pl.col("v") % 5 == 0).then(pl.format("C{}", "v")),
        event_type=pl.when(pl.col("i") % 1000 == 7)
        .then(pl.lit("hover"))
        .otherwise(pl.Series(TYPES).gather(kind)),
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


def land(path: Path) -> Told:
    """Land the file as the pipeline does."""
    import polars as pl

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

    def run(file: Path) -> Any:
        return land_file(
            file, inbox=path.parent, landing=path.parent / "landing",
            quarantine=path.parent / "quarantine", source=source, files=source.files[0],
            key=b"a key for measuring, of 32 bytes", reporting_currency="CNY",
        )  # fmt: skip

    small = path.with_name("small.csv")
    with path.open("rb") as file:
        small.write_bytes(b"".join(file.readline() for _ in range(1000)))
    run(small)
    landed = timed("kpi-warehouse", lambda: run(path))
    written = path.parent / f"landing/events/batch={landed.batch_id}/data.parquet"
    seconds = pl.scan_parquet(written).select(pl.col("occurred_at").dt.epoch("s").sum())
    return Told(landed.rows_landed, landed.rows_quarantined, seconds.collect().item())


def polars(path: Path, *, as_landed: bool = False) -> Told:
    """Parse, cast the instant, write: what polars takes for it at least."""
    from datetime import datetime

    import polars as pl

    text, target = pl.String, path.with_name("polars.parquet")
    local = pl.col("occurred_at").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    rows = pl.scan_csv(path, infer_schema=False, row_index_name="_row_number")
    rows = rows.with_columns(occurred_at=local)
    if as_landed:
        rows = rows.with_columns(
            live_room_id=pl.lit(None, text),
            source=pl.lit("web"),
            _batch_id=pl.lit("0123456789abcdef"),
            _source_file=pl.lit(path.name),
            _row_key="event_id",
            _unit_key="event_id",
            _version_at=pl.lit(datetime(2026, 5, 1)),
            _covers_from=pl.lit(None, text),
            _covers_to=pl.lit(None, text),
        )
    else:
        rows = rows.drop("_row_number")

    timed("polars", lambda: rows.sink_parquet(target, compression="zstd", compression_level=1))
    good = pl.scan_parquet(target).filter(
        pl.col("occurred_at").is_not_null(), pl.col("event_type") != "hover"
    )
    seconds = pl.col("occurred_at").dt.epoch("s").sum() - ZONE_SECONDS * pl.len().cast(pl.Int64)
    count, total = good.select(pl.len(), seconds.alias("s")).collect().row(0)
    whole = pl.scan_parquet(target).select(pl.len()).collect().item()
    return Told(count, whole - count, total)


def duckdb(path: Path, *, checked: bool = False) -> Told:
    """CSV to Parquet; with its rows checked as landing checks them, if asked."""
    import duckdb as engine

    good, bad = path.with_name("duckdb.parquet"), path.with_name("bad.parquet")
    con = engine.connect()
    con.execute("set preserve_insertion_order = true")

    def run() -> None:
        if not checked:
            con.execute(
                f"copy (from read_csv('{path}', all_varchar = true))"
                f" to '{good}' (compression zstd, compression_level 1)"
            )
            return
        types = ", ".join(f"'{name}'" for name in (*TYPES, "favourite", "other"))
        con.execute(f"""
            create temp table judged as
            select
                * replace (try_cast(occurred_at as timestamp) as occurred_at),
                row_number() over () as row_number,
                occurred_at as given,
                concat_ws(', ',
                    case when trim(event_id) is null then 'no id' end,
                    case when try_cast(occurred_at as timestamp) is null
                        or try_cast(occurred_at as timestamp) not between '1990-01-01'
                        and '2100-01-01' then 'instant' end,
                    case when coalesce(event_type not in ({types}), true) then 'type' end
                ) as reason
            from read_csv('{path}', all_varchar = true)
        """)
        # One row a key: the others would count twice.
        con.execute(f"""
            copy (
                select * exclude (reason, given) from judged where reason = ''
                and event_id not in (
                    select event_id from judged where reason = '' group by 1 having count(*) > 1
                )
            ) to '{good}' (compression zstd, compression_level 1)
        """)
        con.execute(
            f"copy (select row_number, reason, given from judged where reason <> '') to '{bad}'"
        )

    timed("duckdb", run)
    sound = "try_cast(occurred_at as timestamp) is not null and event_type <> 'hover'"
    seconds = f"sum(epoch(try_cast(occurred_at as timestamp))) - {ZONE_SECONDS} * count(*)"
    found = con.execute(f"select count(*), {seconds} from '{good}' where {sound}").fetchall()[0]
    set_aside = f"select count(*) from '{bad if checked else good}'"
    unsound = "" if checked else f" where not coalesce({sound}, false)"
    return Told(int(found[0]), int(con.execute(set_aside + unsound).fetchall()[0][0]),
                int(found[1]))  # fmt: skip


def dlt(path: Path) -> Told:
    """Load Arrow batches, which dlt takes as they are, into a DuckDB file."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt as loader
    import duckdb as engine
    import pyarrow as pa
    from pyarrow import csv

    file = path.with_name("dlt.duckdb")
    pipeline = loader.pipeline(
        "bench",
        pipelines_dir=str(path.parent / "dlt"),
        destination=loader.destinations.duckdb(str(file)),
        dataset_name="bench",
    )
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(COLUMNS, pa.string()), strings_can_be_null=True
    )

    def batches() -> Iterator[Any]:
        yield from csv.open_csv(path, convert_options=options)

    timed("dlt", lambda: pipeline.run(loader.resource(batches, name="events")))
    sound = "try_cast(occurred_at as timestamp) is not null and event_type <> 'hover'"
    seconds = f"sum(epoch(try_cast(occurred_at as timestamp))) - {ZONE_SECONDS} * count(*)"
    with engine.connect(file) as con:
        count, total = con.execute(
            f"select count(*), {seconds} from bench.events where {sound}"
        ).fetchall()[0]
        whole = con.execute("select count(*) from bench.events").fetchall()[0][0]
    return Told(int(count), int(whole - count), int(total))


def timed(package: str, work: Callable[[], Any]) -> Any:
    """Run and print version, seconds, CPU seconds and the peak of memory of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    wall, cpu = time.perf_counter(), usage.ru_utime + usage.ru_stime
    found = work()
    wall = time.perf_counter() - wall
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime - cpu
    # What getrusage calls the peak includes that of the process this one was started from.
    status = Path("/proc/self/status").read_text(encoding="utf-8").split()
    peak = int(status[status.index("VmHWM:") + 1]) / 1024
    print("FIGURE", json.dumps([version(package), wall, cpu, peak]))
    return found


VARIANTS: dict[str, Callable[[Path], Told]] = {
    "landing": land,
    "polars floor": polars,
    "polars, as landed": lambda path: polars(path, as_landed=True),
    "DuckDB": duckdb,
    "DuckDB, checked": lambda path: duckdb(path, checked=True),
    "dlt": dlt,
}


def figures(rows: int, repeats: int = 3, dlt_python: str = "") -> list[Figure]:
    """Measure all variants in turns on one file.

    Args:
        rows: of the file.
        repeats: turns.
        dlt_python: the Python of an environment that has dlt; without it dlt is left out.

    Raises:
        SystemExit: a variant failed, or counts or sums other rows than the file was made with.
    """
    found = []
    pythons = dict.fromkeys(VARIANTS, sys.executable) | {"dlt": dlt_python}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.csv"
        make(path, rows)
        expected = told_of(path)
        for _ in range(repeats):
            for name, python in pythons.items():
                if python:
                    told, figure = measured(name, python, path, rows)
                    if told != expected:
                        raise SystemExit(f"{name} tells {told}, the file holds {expected}")
                    found.append(figure)
    return found


def told_of(path: Path) -> Told:
    """Count and sum the file line by line, in Python alone."""
    from datetime import datetime

    rows = bad = seconds = 0
    instants: dict[str, int] = {}
    with path.open(encoding="utf-8") as file:
        next(file)
        for line in file:
            _, at, _, _, kind, _ = line.split(",", 5)
            if at == "soon" or kind == "hover":
                bad += 1
                continue
            if at not in instants:
                instants[at] = int(datetime.fromisoformat(f"{at}+08:00").timestamp())
            rows += 1
            seconds += instants[at]
    return Told(rows, bad, seconds)


def measured(name: str, python: str, path: Path, rows: int) -> tuple[Told, Figure]:
    """Run a variant in a process and a folder of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        own = Path(folder) / path.name
        os.link(path, own)
        done = subprocess.run(
            [python, __file__, "--one", name, str(own)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        )
    told = [line.split(" ", 1)[1] for line in done.stdout.splitlines() if line[:6] in _TOLD]
    if len(told) != len(_TOLD):
        raise SystemExit(f"{name} did not run: {done.stderr.strip().splitlines()[-1:]}")
    of, wall, cpu, peak = json.loads(told[0])
    return Told(**json.loads(told[1])), Figure(name, of, rows, wall, cpu, peak)


_TOLD = ("FIGURE", "RESULT")


def table(found: list[Figure]) -> str:
    """The figures as a table: medians, and CPU seconds as ratios within the same turns."""
    by_name: dict[str, list[Figure]] = {}
    for figure in found:
        by_name.setdefault(figure.variant, []).append(figure)
    ours = by_name["landing"]
    lines = [
        "| variant | wall s | CPU s (least to most) | rows a CPU s | peak MiB | landing / it |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in by_name.items():
        cpu = sorted(run.cpu for run in runs)
        ratio = median(one.cpu / other.cpu for one, other in zip(ours, runs, strict=True))
        lines.append(
            f"| {name} ({runs[0].version}) | {median(run.wall for run in runs):.1f}"
            f" | {median(cpu):.1f} ({cpu[0]:.1f} to {cpu[-1]:.1f})"
            f" | {runs[0].rows / median(cpu):,.0f} | {max(run.peak for run in runs):,.0f}"
            f" | {ratio:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure all variants, or the one named, on one file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=ROWS["M"])
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--dlt-python", default="")
    options.add_argument("--one", nargs=2, metavar=("VARIANT", "FILE"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        print("RESULT", json.dumps(asdict(VARIANTS[given.one[0]](Path(given.one[1])))))
        return
    before = os.getloadavg()[0]
    found = figures(given.rows, given.repeats, given.dlt_python)
    print(f"{given.rows:,} rows, {given.repeats} turns, {os.cpu_count()} processors,"
          f" load {before:.1f} before and {os.getloadavg()[0]:.1f} after")  # fmt: skip
    print(table(found))
    if not given.dlt_python:
        print("dlt was not measured: --dlt-python names no environment that has it")


if __name__ == "__main__":
    main()
