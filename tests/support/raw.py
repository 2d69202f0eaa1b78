"""Raw tables for dbt tests, written straight into a DuckDB file, and dbt run in this process.

Orchestration makes the schema `raw` as views over landing; here the same columns are tables, so
that a test decides which rows, versions and states of batches dbt meets.
"""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from ingestion.feeds import FEEDS
from orchestration.build import kept_builds
from orchestration.build.dbt import SILENT, invoke, manifest, parsed, prepare_manifest
from orchestration.build.raw import create_raw, instant_kind
from orchestration.build.results import of_dbt

PROJECT = Path(__file__).parents[2] / "dbt_project"

STATE_COLUMNS: dict[str, Any] = {"batch": pl.String, "_is_active": pl.Boolean, "_seq": pl.Int64,
                                 "_name_order": pl.Int64}  # fmt: skip
COUNTRIES = [("tmall", "CN"), ("shopify", "CN")]
DEFAULT_VERSION = datetime(2026, 1, 1)

_manifests: dict[tuple[str, ...], Manifest] = {}


def raw_columns(feed: str) -> dict[str, Any]:
    """Columns of `raw.<feed>` with their types: landing and the state of the batch."""
    return {**FEEDS[feed].landed, **STATE_COLUMNS}


def conform(frame: pl.DataFrame, feed: str) -> pl.DataFrame:
    """Complete a hand-written frame to the columns of `raw.<feed>`.

    Missing optional columns are null. Missing landing columns get what one first delivery would
    have: source 'shop', batch 'b1', `_row_key` from the feed's key, `_unit_key` the order for
    order_items and the row elsewhere, `_version_at` 2026-01-01, active, `_seq` 1.
    """
    have = set(frame.columns)

    def given(name: str, default: pl.Expr) -> pl.Expr:
        return (pl.col(name) if name in have else default).alias(name)

    key = pl.concat_str(
        [
            (pl.col(name).cast(pl.String) if name in have else pl.lit(None, pl.String)).fill_null(
                ""
            )
            for name in FEEDS[feed].key
        ],
        separator="|",
    )
    batch = pl.coalesce([name for name in ("batch", "_batch_id") if name in have] or [pl.lit("b1")])
    frame = frame.with_columns(
        given("source", pl.lit("shop")),
        batch.alias("batch"),
        batch.alias("_batch_id"),
        given("_source_file", pl.lit("hand.csv")),
        given("_row_number", pl.int_range(1, pl.len() + 1)),
        given("_row_key", key),
        given("_version_at", pl.lit(DEFAULT_VERSION)),
        given("_is_active", pl.lit(True)),
        given("_seq", pl.lit(1)),
    )
    unit = pl.col("order_id") if feed == "order_items" else pl.col("_row_key")
    frame = frame.with_columns(given("_unit_key", unit))
    unknown = set(frame.columns) - set(raw_columns(feed))
    if unknown:
        raise ValueError(f"not columns of raw.{feed}: {sorted(unknown)}")
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in raw_columns(feed).items()
    )


def write_raw(
    build_file: Path,
    frames: Mapping[str, pl.DataFrame],
    batches: pl.DataFrame | None = None,
    *,
    closed: Sequence[Mapping[str, str | None]] = (),
    reopened: Sequence[Mapping[str, str | None]] = (),
    tests_all: bool = True,
) -> None:
    """Write schema `raw` of a build file as a run on an empty landing does, then fill it.

    Args:
        build_file: DuckDB file; made if it does not exist. Other schemas are left alone.
        frames: feed name -> rows; columns may be left out, see `conform`. Other feeds are empty.
        batches: rows of `raw.batches`; derived from the frames when not given. So are those of
            `raw.sources`: expected daily are feeds with platform and shop_id. China's events act on
            the platforms of `COUNTRIES`.
        closed: months that runs before this one have closed, see `State.closed_months`.
        reopened: see `State.reopened_months`.
        tests_all: whether data tests read all rows.
    """
    full = {
        feed: conform(frames[feed], feed)
        if feed in frames and not frames[feed].is_empty()
        else pl.DataFrame(schema=raw_columns(feed))
        for feed in FEEDS
    }
    build_file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(build_file) as con:
        con.execute("drop schema if exists raw cascade")
        create_raw(con, build_file.parent / "no landing", [], {}, date.max, closed=closed,
                   reopened=reopened, tests_all=tests_all)  # fmt: skip
        for name, frame in {
            **full,
            "batches": _batches_of(full) if batches is None else batches,
            "sources": _sources_of(full),
            "calendar_countries": pl.DataFrame(
                COUNTRIES, schema=["platform", "country"], orient="row"
            ),
        }.items():
            shape = con.sql(f"from raw.{name} limit 0").pl()
            con.register("frame", pl.concat([shape, frame], how="diagonal"))
            con.execute(f"drop {'view' if name in full else 'table'} raw.{name}")
            con.execute(f"create table raw.{name} as select {', '.join(shape.columns)} from frame")
            con.unregister("frame")


def _batches_of(full: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(
        frame.group_by("batch", "source")
        .agg(pl.max("_seq").alias("seq"), pl.all_horizontal(pl.col("_is_active").all()))
        .select(
            pl.col("batch").alias("batch_id"),
            "source",
            pl.lit(feed).alias("feed"),
            "seq",
            pl.col("_is_active").alias("is_active"),
        )
        for feed, frame in full.items()
    )


def _sources_of(full: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    placed = {feed for feed, frame in full.items() if {"platform", "shop_id"} <= set(frame.columns)}
    places = pl.concat(full[feed].select("source", "platform", "shop_id") for feed in placed)
    # What is configured does not change with what comes: who sells delivers refunds, if any.
    sellers = {"refunds": full["orders"]}
    return pl.concat(
        (frame if feed in placed else frame.select("source").join(places, on="source"))
        .select("source", "platform", "shop_id")
        .drop_nulls("platform")  # a row may lack it, what is configured does not
        .unique()
        .with_columns(
            pl.lit(feed).alias("feed"),
            pl.lit(feed in placed).alias("is_expected_daily"),
            pl.lit(instant_kind(FEEDS[feed]), pl.String).alias("instant_kind"),
        )
        for feed, frame in {**full, **sellers}.items()
    )


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_dbt(
    project_dir: Path,
    build_file: Path,
    *args: str,
    vars: Mapping[str, Any] | None = None,  # noqa: A002 - the word dbt uses
    target_path: Path | None = None,
    check: bool = True,
    told: Callable[[Any], None] | None = None,
) -> dbtRunnerResult:
    """Run dbt in this process on one build file.

    The parsed project is kept between calls with the same project and file name, since parsing
    takes longer than a small build.

    Args:
        project_dir: folder of dbt_project.yml.
        build_file: DuckDB file with schema `raw`.
        args: what follows `dbt`, such as "build", "--full-refresh".
        vars: dbt vars.
        target_path: where dbt writes; default: beside the build file.
        check: raise AssertionError with the failed nodes if dbt did not succeed.
        told: is called with every event of dbt.

    Returns:
        The result as dbt gives it; `.result` holds the nodes' results.
    """
    target = target_path or build_file.parent / "target"
    given = ["--vars", json.dumps(dict(vars))] if vars else []
    places = {"project-dir": project_dir, "profiles-dir": project_dir, "target-path": target,
              "log-path": target}  # fmt: skip
    command = [*args, *(f"--{name}={place}" for name, place in places.items()), *given]
    with _environment({"KPI_BUILD_FILE": str(build_file), "DO_NOT_TRACK": "1"}):
        known = (str(project_dir), build_file.stem)
        if known not in _manifests:
            is_ours = project_dir == PROJECT
            _manifests[known] = parsed(build_file) if is_ours else parse(command[len(args) :])
        try:
            runner = dbtRunner(_manifests[known], callbacks=[told] if told else [])
            result = runner.invoke([*SILENT, *command])
        finally:
            # dbt-duckdb keeps the file open in this process; nobody else could open it.
            DuckDBConnectionManager.close_all_connections()
    if check and not result.success:
        raise AssertionError(f"dbt {' '.join(args)} failed: {_failures(result)}")
    return result


def build_all(build_file: Path, variables: Sequence[str] = ()) -> None:
    """Build and test every table anew as a run does: by what dbt once sent, if it did.

    Args:
        build_file: DuckDB file with schema `raw`.
        variables: `--vars` and their values, as a run gives them to dbt.
    Raises:
        AssertionError: a model or test failed.
    """
    arguments = ["build", "--exclude-resource-type", "unit_test", *variables, "--full-refresh"]
    with _environment({"KPI_BUILD_FILE": str(build_file), "DO_NOT_TRACK": "1"}):
        results = invoke(arguments, build_file.parent / "target")
    failed = [f"{name}: {one.status}: {one.message}" for name, one in results.items()
              if one.status not in ("success", "pass", "warn", "no-op")]  # fmt: skip
    assert not failed, failed


def build_models(build_file: Path, *, full: bool = True) -> None:
    """Build every table, whatever the data tests say: by what dbt sent the first time."""
    prepare_manifest()
    kept = _folder() / ("full.json" if full else "part.json")
    is_known = full or kept_builds.is_partial(manifest(), build_file)
    if is_known and kept.exists():
        assert kept_builds.repeat(kept, build_file) is not None
        return
    sent = kept_builds.Statements()
    options = [
        "--exclude-resource-type",
        "test",
        "unit_test",
        *(["--full-refresh"] if full else []),
    ]
    done: Any = run_dbt(PROJECT, build_file, "build", *options, told=sent.note)
    if is_known:
        every = sent.of_all(manifest(), [of_dbt(one) for one in done.result.results])
        kept.write_text(json.dumps(every), "utf-8")


@cache
def _folder() -> Path:
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


def parse(options: Sequence[str]) -> Manifest:
    """The project as dbt parses it with these options, all anew."""
    parsed = dbtRunner().invoke(["--quiet", "parse", "--no-partial-parse", *options])
    if not parsed.success:
        raise AssertionError(f"dbt parse failed: {parsed.exception}")
    assert isinstance(parsed.result, Manifest)
    return parsed.result


def _failures(result: dbtRunnerResult) -> str:
    if result.exception is not None:
        return str(result.exception)
    return "\n".join(
        f"{node.node.unique_id}: {node.status}: {node.message}"
        for node in getattr(result.result, "results", [])
        if node.status not in ("success", "pass", "warn", "skipped", "no-op")
    )


def read(build_file: Path, query: str) -> pl.DataFrame:
    """Rows of a query on a build file; opened read-only and closed again."""
    with duckdb.connect(build_file, read_only=True) as con:
        return con.sql(query).pl()
