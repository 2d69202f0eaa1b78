"""The published generation, the pages and the messages: the end of every run."""

import shutil
from typing import Any

import dagster as dg
import polars as pl

from orchestration.build import archive, dbt, tables, warehouse
from orchestration.defs.audit import TABLES
from orchestration.defs.execution import step
from orchestration.run import Run


@dg.asset(
    key=["published", "marts"],
    deps=[dg.AssetKey(["quality", name]) for name in TABLES],
    group_name="published",
    kinds={"duckdb"},
)
@step("publish")
def published_marts(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> dg.MaterializeResult[None]:
    """The public contract: schemas marts, insights and quality in a new versioned file."""
    file = run.publish({**dbt.comments(dbt.manifest()), **tables.comments()})
    return dg.MaterializeResult(
        metadata={
            "file": dg.MetadataValue.path(str(file)),
            "megabytes": round(file.stat().st_size / 1e6, 1),
            "generations": ", ".join(warehouse.generations(run.paths)),
        }
    )


@dg.asset(
    key=["published", "site"], deps=[published_marts], group_name="published", kinds={"plotly"}
)
@step("site")
def published_site(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> dg.MaterializeResult[None]:
    """The pages, built beside the old ones and swapped as a whole."""
    from dashboards.site import build_site, write_status
    from orchestration.alerting.reports import send_reports

    frames, info = site_inputs(run)
    partial = run.paths.published / f".partial_site_{run.run_id}"
    kept = archive.carry(run.paths.site, partial, info.code)
    build_site(frames, info, partial, kept)
    write_status(
        archive.keep(run.paths.site, partial, info.data_through), "archived", info.built_at
    )
    warehouse.share(partial)
    target = run.paths.published / f"site_{run.run_id}"
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    warehouse.point(run.paths.site, target)
    send_reports(run.settings, run.state, frames, info)
    return dg.MaterializeResult(
        metadata={"index": dg.MetadataValue.path(str(run.paths.site / "index.html"))}
    )


def site_frames(run: Run) -> dict[str, pl.DataFrame]:
    """Of every table the columns and rows the pages name; what is not published is left out."""
    from dashboards.base.data import COLUMNS, ROWS

    frames = {}
    with run.on_published() as query:
        held = query(
            "select table_schema || '.' || table_name, column_name from information_schema.columns"
        )
        there = {(table, column) for table, column in held.iter_rows()}
        for table, wanted in COLUMNS.items():
            columns = [column for column in wanted if (table, column) in there]
            if columns:
                rows = ROWS.get(table, "true")
                frames[table] = query(f"select {', '.join(columns)} from {table} where {rows}")
    return frames


def site_inputs(run: Run) -> tuple[dict[str, pl.DataFrame], Any]:
    """Frames and facts of the current generation for the pages."""
    from dashboards.site import SiteInfo
    from orchestration.ledger.stories import Stories

    frames = site_frames(run)
    made = run.published("from quality.run").row(0, named=True)
    configured = {feed for source in run.settings.sources.values() for feed in source.feeds()}
    info = SiteInfo(
        shop_name=run.settings.shop.name,
        currency=run.settings.shop.currency,
        timezone=run.settings.shop.timezone,
        data_through=made["data_through"] or made["as_of"],  # the pages say that no day has come
        built_at=made["built_at"],
        run_id=made["run_id"],
        languages=tuple(run.settings.shop.languages),
        configured_feeds=configured,
        warn_hours=run.settings.file.publish.warn_hours,
        comments=run.settings.comments,
        code=run.settings.code_fingerprint("dashboards"),
        verdicts={name: str(row["verdict"]) for name, row in Stories(run.state).verdicts().items()},
    )
    return frames, info


@dg.asset(key=["alerts", "outbox"], deps=[published_site], group_name="alerts")
@step("alerts", then=Run.settle)
def outbox(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> dg.MaterializeResult[None]:
    """Messages on open incidents, written to the outbox and sent to the configured channels."""
    from orchestration.alerting.alerts import send_alerts

    news = send_alerts(run.settings, run.state, run.published)
    run.finish(news)
    return dg.MaterializeResult(
        metadata={"news": news, "outbox": dg.MetadataValue.path(str(run.paths.outbox))}
    )
