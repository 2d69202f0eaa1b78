"""The audit of a run: exact reconciliation, the publish gate, and every check in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orchestration.build.dbt import CHECKS_SCHEMA

if TYPE_CHECKING:
    from orchestration.run import Run

_MART_TOTALS = """
    select business_date, source, sum(paid_amount)::decimal(18, 2) as mart_amount
    from marts.fct_orders
    where is_paid
    group by all
"""


def reconciliation(run: Run) -> pl.DataFrame:
    """Paid goods a day and source, from landing and from the marts.

    The landed side is computed by `ingestion.landing.reconcile`, which shares no SQL with staging.

    Returns:
        Frame (business_date, source, landed_amount, mart_amount, difference), one row a day and
        source that has an amount on either side.
    """
    from ingestion.landing.reconcile import landed_totals

    active = [file["batch_id"] for file in run.ledger if file["status"] == "landed"]
    landed = landed_totals(run.paths.landing, active, run.settings.shop.timezone)
    money = pl.Decimal(18, 2)
    return (
        landed.select("business_date", "source", "landed_amount")
        .join(run.query(_MART_TOTALS), on=["business_date", "source"], how="full", coalesce=True)
        .with_columns(pl.col("landed_amount", "mart_amount").cast(money).fill_null(0))
        .with_columns(
            (pl.col("mart_amount") - pl.col("landed_amount")).cast(money).alias("difference")
        )
        .sort("business_date", "source")
    )


def audit_checks(run: Run, totals: pl.DataFrame) -> pl.DataFrame:
    """Every check of the run: files, dbt tests, reconciliation, publish gate (`quality.checks`)."""
    from orchestration.build.gate import run_gate

    off = totals.filter(pl.col("difference") != 0)
    ledger = run.frame("raw.ingest_files")
    fates = pl.sum_horizontal("rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")
    unbalanced = ledger.filter(pl.col("rows_read") != fates)
    refused = ledger.filter(pl.col("status") == "refused")
    counted = ledger.filter(pl.col("status") == "landed")
    quarantined = counted.filter(pl.col("rows_quarantined") > 0)
    own = [
        ("reconciliation", "landed_equals_marts", "error", off, str(off.head(1).rows())),
        ("ingest", "rows_balance", "error", unbalanced, _names(unbalanced)),
        ("ingest", "no_row_quarantined", "warn", quarantined, _names(quarantined)),
        ("ingest", "no_file_refused", "warn", refused, _names(refused)),
    ]
    rows: list[dict[str, str]] = [
        {
            "check_name": name,
            "layer": layer,
            "subject": layer,
            "severity": severity,
            "status": "passed" if violations.is_empty() else "failed",
            "observed": str(violations.height),
            "message": "" if violations.is_empty() else message,
            "checked_run": run.run_id,
        }
        for layer, name, severity, violations, message in own
    ]
    frame = run.query(
        "select business_date, dimension, segment, visitors, buyers, orders, gmv, conversion_rate"
        " from marts.fct_gmv_daily where dimension in ('all', 'platform')"
    )
    rows += [
        {
            "check_name": result.check_name,
            "layer": "gate",
            "subject": "marts.fct_gmv_daily",
            "severity": result.severity,
            "status": result.status,
            "observed": result.observed,
            "message": result.message,
            "checked_run": run.run_id,
        }
        for result in run_gate(frame, run.as_of)
    ]
    return pl.concat([*run.checks, pl.DataFrame(rows, schema=CHECKS_SCHEMA)])


def failed_errors(checks: pl.DataFrame) -> list[str]:
    """Names of the error-level checks that did not pass; one that did not run has not passed."""
    failed = checks.filter((pl.col("severity") == "error") & (pl.col("status") != "passed"))
    return failed["check_name"].to_list()


def _names(files: pl.DataFrame) -> str:
    return ", ".join(files["source_file"].head(5))
