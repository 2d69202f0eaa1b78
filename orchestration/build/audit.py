"""The audit of a run: exact reconciliation, the publish gate, and every check in one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from orchestration.build.dbt import CHECKS_SCHEMA
from orchestration.build.warehouse import Query

_MART_TOTALS = """
    select business_date, source, sum(paid_amount)::decimal(18, 2) as mart_amount
    from marts.fct_orders
    where is_paid
    group by all
"""
_GATE_FRAME = """
    select business_date, dimension, segment, visitors, gmv, conversion_rate
    from marts.fct_gmv_daily
    where dimension in ('all', 'platform')
"""


def reconciliation(
    query: Query, landing: Path, batches: Sequence[str], timezone: str
) -> pl.DataFrame:
    """Paid goods a day and source, from landing and from the marts.

    The landed side is computed by `ingestion.landing.reconcile`, which shares no SQL with staging.

    Args:
        query: on the working build.
        landing: folder of the landed batches.
        batches: the ones that count.
        timezone: the reporting zone.

    Returns:
        Frame (business_date, source, landed_amount, mart_amount, difference), one row a day and
        source that has an amount on either side.
    """
    from ingestion.landing.reconcile import landed_totals

    landed = landed_totals(landing, batches, timezone)
    money = pl.Decimal(18, 2)
    return (
        landed.select("business_date", "source", "landed_amount")
        .join(query(_MART_TOTALS), on=["business_date", "source"], how="full", coalesce=True)
        .with_columns(pl.col("landed_amount", "mart_amount").cast(money).fill_null(0))
        .with_columns(
            (pl.col("mart_amount") - pl.col("landed_amount")).cast(money).alias("difference")
        )
        .sort("business_date", "source")
    )


def audit_checks(query: Query, totals: pl.DataFrame, as_of: date, run_id: str) -> pl.DataFrame:
    """The checks of files, reconciliation and publish gate, as rows of `quality.checks`.

    Args:
        query: on the working build.
        totals: of `reconciliation`.
        as_of: the last day that should be there.
        run_id: of the run that checks.
    """
    rows = [*_own_checks(query("from raw.ingest_files"), totals), *_gate_checks(query, as_of)]
    return pl.DataFrame([(*row, run_id) for row in rows], schema=CHECKS_SCHEMA, orient="row")


# A row of `quality.checks` without its last column.
_Check = tuple[str, str, str, str, str, str, str]


def _own_checks(ledger: pl.DataFrame, totals: pl.DataFrame) -> Iterator[_Check]:
    off = totals.filter(pl.col("difference") != 0)
    fates = pl.sum_horizontal("rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")
    unbalanced = ledger.filter(pl.col("rows_read") != fates)
    refused = ledger.filter(pl.col("status") == "refused")
    quarantined = ledger.filter(pl.col("status") == "landed", pl.col("rows_quarantined") > 0)
    for layer, name, severity, found, message in (
        ("reconciliation", "landed_equals_marts", "error", off, str(off.head(1).rows())),
        ("ingest", "rows_balance", "error", unbalanced, _names(unbalanced)),
        ("ingest", "no_row_quarantined", "warn", quarantined, _names(quarantined)),
        ("ingest", "no_file_refused", "warn", refused, _names(refused)),
    ):
        passed = found.is_empty()
        status, told = ("passed", "") if passed else ("failed", message)
        yield name, layer, layer, severity, status, str(found.height), told


def _names(files: pl.DataFrame) -> str:
    return ", ".join(files["source_file"].head(5))


def _gate_checks(query: Query, as_of: date) -> Iterator[_Check]:
    from orchestration.build.gate import run_gate

    for one in run_gate(query(_GATE_FRAME), as_of):
        yield (one.check_name, "gate", "marts.fct_gmv_daily", one.severity, one.status,
               one.observed, one.message)  # fmt: skip


def failed_errors(checks: pl.DataFrame) -> list[str]:
    """Names of the error-level checks that did not pass; one that did not run has not passed."""
    failed = checks.filter((pl.col("severity") == "error") & (pl.col("status") != "passed"))
    return failed["check_name"].to_list()
