"""The audit of a run: exact reconciliation, the publish gate, and every check in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.feeds import MONEY
from orchestration.build.dbt import CHECKS_SCHEMA
from orchestration.build.warehouse import Query

RECONCILED = pl.Schema(
    {
        "business_date": pl.Date(), "source": pl.String(), "landed_amount": MONEY,
        "mart_amount": MONEY, "difference": MONEY, "measure": pl.String(),
        "landed_rows": pl.Int64(), "mart_rows": pl.Int64(), "row_difference": pl.Int64(),
    }
)  # fmt: skip
"""Columns of `quality.reconciliation_daily`."""

# The same measures as `ingestion.landing.recount`; what a mart does not tell is NULL. Purchases are
# in no mart by themselves: they are counted where all visits are made of them.
_MART_TOTALS = """
    select 'paid' as measure, business_date, source,
        sum(paid_amount)::decimal(18, 2) as mart_amount, count(*) as mart_rows
    from marts.fct_orders
    where is_paid
    group by all
    union all
    select 'lines', business_date, source, sum(paid_amount)::decimal(18, 2), count(*)
    from marts.fct_order_items
    where business_date is not null
    group by all
    union all
    select 'refunds', refund_date, source, sum(amount)::decimal(18, 2), count(*)
    from marts.fct_refunds
    group by all
    union all
    select 'spend', business_date, platform, sum(cost)::decimal(18, 2), null
    from marts.fct_channel_daily
    group by all
    having sum(cost) <> 0
    union all
    select 'purchases', event_date, source, null, count(*)
    from staging.stg_raw__events
    where event_type = 'purchase' and visitor_key is not null
    group by all
"""
_GATE_FRAME = """
    select business_date, dimension, segment, orders, visitors, gmv, conversion_rate
    from marts.fct_gmv_daily
    where dimension in ('all', 'platform')
"""


@dataclass(frozen=True)
class Recounted:
    """Purchases that a run need not count again.

    Attributes:
        purchases: business_date, source and landed_rows, as the last generation had them.
        others: event batches that came since, whose events no batch before has.
    """

    purchases: pl.DataFrame
    others: Sequence[str]


def reconciliation(  # noqa: PLR0913, PLR0917 - the two sides and what both are read by
    query: Query,
    landing: Path,
    batches: Sequence[str],
    timezone: str,
    currency: str,
    known: Recounted | None = None,
) -> pl.DataFrame:
    """What landed and what the marts hold of it, a measure, day and source.

    The landed side is computed by `ingestion.landing.recount`, which shares no SQL with staging.

    Args:
        query: on the working build.
        landing: folder of the landed batches.
        batches: the ones that count.
        timezone: the reporting zone.
        currency: the reporting currency.
        known: what of the purchases has been counted; all marts are compared in full all the same.

    Returns:
        Frame of `RECONCILED`, one row a measure, day and source with anything on either side. A
        side without a row has nothing; a measure without amounts, or whose marts tell no number
        of rows, has NULL there on a side and in the difference. Of spend the source is the
        platform: the marts know no other.
    """
    from ingestion.landing.recount import recount

    keys = ["measure", "business_date", "source"]
    if known is None:
        landed = recount(landing, batches, timezone, currency)
    else:
        anew = recount(landing, batches, timezone, currency, purchases_of=known.others)
        before = known.purchases.with_columns(measure=pl.lit("purchases"), landed_amount=None)
        is_purchase = pl.col("measure") == "purchases"
        purchases = pl.concat(
            [anew.filter(is_purchase), before.select(anew.columns).cast(anew.schema)]
        )
        summed = purchases.group_by(keys, maintain_order=True).agg(
            pl.col("landed_amount").first(), pl.col("landed_rows").sum()
        )
        landed = pl.concat([anew.filter(~is_purchase), summed.select(anew.columns)])
    both = landed.join(query(_MART_TOTALS), on=keys, how="full", coalesce=True)
    amounts = pl.col("landed_amount", "mart_amount").cast(MONEY).fill_null(0)
    has_amount = pl.col("measure") != "purchases"
    has_rows = pl.col("measure") != "spend"
    return (
        both.with_columns(
            pl.when(has_amount).then(amounts),
            pl.col("landed_rows").fill_null(0),
            pl.when(has_rows).then(pl.col("mart_rows").cast(pl.Int64).fill_null(0)),
        )
        .with_columns(
            difference=(pl.col("mart_amount") - pl.col("landed_amount")).cast(MONEY),
            row_difference=pl.col("mart_rows") - pl.col("landed_rows"),
        )
        .select(pl.col(name).cast(kind) for name, kind in RECONCILED.items())
        .sort("business_date", "source", "measure")
    )


def audit_checks(
    query: Query,
    totals: pl.DataFrame,
    as_of: date,
    run_id: str,
    undelivered: Sequence[Mapping[str, Any]] = (),
) -> pl.DataFrame:
    """The checks of files, reconciliation, gate and messages, as rows of `quality.checks`.

    Args:
        query: on the working build.
        totals: of `reconciliation`.
        as_of: the last day that should be there.
        run_id: of the run that checks.
        undelivered: messages of earlier runs that have not arrived, see `Outgoing.undelivered`.
    """
    own = _own_checks(query("from raw.ingest_files"), totals)
    rows = [*own, *_gate_checks(query, as_of), _delivery_check(undelivered)]
    return pl.DataFrame([(*row, run_id) for row in rows], schema=CHECKS_SCHEMA, orient="row")


# A row of `quality.checks` without its last column.
_Check = tuple[str, str, str, str, str, str, str]


def _own_checks(ledger: pl.DataFrame, totals: pl.DataFrame) -> Iterator[_Check]:
    off = totals.filter((pl.col("difference") != 0) | (pl.col("row_difference") != 0))
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


def _delivery_check(undelivered: Sequence[Mapping[str, Any]]) -> _Check:
    """Whether messages of earlier runs arrived; a channel is its number, never its address."""
    rows = [row for row in undelivered if row["is_recent"]]
    ways = sorted({f"{row['channel']}: {row['reason']}" for row in rows})
    told = "; ".join([*ways, *(str(row["subject"]) for row in rows[:3])])
    status = "failed" if rows else "passed"
    return "alerts_delivered", "alerts", "alerts", "warn", status, str(len(rows)), told


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
