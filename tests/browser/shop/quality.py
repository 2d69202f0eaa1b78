"""The quality tables, each with something to complain about."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl

from tests.browser.shop.company import LAST

STREAMS = [("tmall", "orders"), ("tmall", "traffic_daily"), ("shopify", "orders"),
           ("shopify", "events"), ("meta_ads", "campaign_spend"),
           ("google_ads", "campaign_spend")]  # fmt: skip


def completeness(days: list[date]) -> pl.DataFrame:
    rows = []
    for source, feed in STREAMS:
        for d in days[-45:]:
            short = source == "meta_ads" and d == LAST
            none = source == "google_ads" and d == LAST - timedelta(days=9)
            rows.append(
                {
                    "business_date": d,
                    "source": source,
                    "feed": feed,
                    "platform": "tmall" if source == "tmall" else "shopify",
                    "shop_id": "tmall-flagship" if source == "tmall" else "shopify-site",
                    "expected_rows": 1000,
                    "arrived_rows": 610 if short else 0 if none else 990,
                    "first_at": datetime.combine(d, datetime.min.time()),
                    "last_at": None if none else datetime(d.year, d.month, d.day, 15, 58),
                    "expected_last_hour": 23,
                    "is_complete": not (short or none),
                    "reason": "few_rows" if short else "no_rows" if none else "ok",
                }
            )
    return pl.DataFrame(rows)


def watermarks() -> pl.DataFrame:
    """Meta stands a day back; refunds are not judged; one source has given nothing yet."""
    late = [("meta_ads", feed, LAST - timedelta(days=1), 1, "few_rows") for feed in
            ("all", "campaign_spend")]  # fmt: skip
    rows = [
        *late,
        ("tmall", "all", LAST, 0, "ok"),
        ("tmall", "refunds", None, None, "not_daily"),
        ("new_shop", "all", None, None, "no_rows"),
    ]
    names = ("source", "feed", "complete_until_date", "lag_days", "reason")
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(
        platform="source",
        last_arrived_at=pl.when(pl.col("source") != "new_shop").then(datetime(2026, 9, 20, 18, 5)),
        last_file=pl.when(pl.col("source") != "new_shop").then(pl.format("{}/a.csv", "source")),
    )


def checks() -> pl.DataFrame:
    rows = [
        {
            "check_name": f"{kind}_{table}_{n}",
            "layer": layer,
            "subject": f"marts.{table}",
            "severity": "error",
            "status": "passed",
            "observed": "0",
            "message": None,
            "checked_run": "run-1",
        }
        for layer, kind in (("dbt", "unique"), ("dbt", "holds"), ("ingest", "schema"))
        for table in ("fct_orders", "fct_gmv_daily", "fct_gmv_change")
        for n in range(12)
    ]
    rows[3] |= {
        "severity": "warn",
        "status": "failed",
        "observed": "61%",
        "message": "fewer rows than usual",
    }
    rows[5] |= {
        "status": "not_run",
        "layer": "gate",
        "observed": None,
        "message": "not enough history",
    }
    return pl.DataFrame(rows)


def files(days: list[date]) -> pl.DataFrame:
    rows = [
        {
            "source": source,
            "source_file": f"{source}/{feed}_{d:%Y%m%d}.csv",
            "batch_id": f"{source}{d:%m%d}",
            "format": feed,
            "feeds": feed,
            "status": "landed",
            "rows_read": 1010,
            "rows_landed": 990,
            "rows_quarantined": 3 if d == LAST else 0,
            "rows_duplicate": 10,
            "rows_excluded": 7 if d == LAST else 10,
            "unknown_columns": "会员等级" if source == "tmall" and d == LAST else "",
            "first_at": None,
            "last_at": None,
            "landed_at": datetime(d.year, d.month, d.day, 18, 5),
        }
        for source, feed in STREAMS
        for d in days[-12:]
    ]
    return pl.DataFrame(rows)


def reconciliation(days: list[date]) -> pl.DataFrame:
    rows = [
        {
            "business_date": d,
            "source": s,
            "landed_amount": 1e5,
            "mart_amount": 1e5,
            "difference": 0.0,
            "measure": measure,
            "landed_rows": 100,
            "mart_rows": 100,
            "row_difference": 0,
        }
        for s in ("tmall", "shopify")
        for measure in ("paid", "refunds")
        for d in days[-60:]
    ]
    return pl.DataFrame(rows)


def lookups() -> pl.DataFrame:
    """Two of many refunds without an order, half of the orders without a visit."""
    rows = [
        ("refunds", "order", "tmall", 400, 2, False),
        ("orders", "session", "shopify", 900, 500, True),
    ]
    names = ("feed", "looks_for", "source", "rows", "orphan_rows", "is_material")
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        orphan_rate=pl.col("orphan_rows") / pl.col("rows"),
        orphan_amount=pl.col("orphan_rows") * 100.0,
        last_orphan_date=LAST,
        examples=pl.lit("4711, 4712"),
    )


def consoles(days: list[date]) -> pl.DataFrame:
    """Tmall's console agrees on all days."""
    amounts = dict.fromkeys(("reported_paid_amount", "own_paid_amount"), 1e5)
    refunds = dict.fromkeys(("reported_refund_amount", "own_refund_amount"), 900.0)
    rows = [
        {"business_date": d, "platform": "tmall", **amounts, **refunds,
         "is_within_tolerance": True}
        for d in days[-60:]
    ]  # fmt: skip
    return pl.DataFrame(rows)


def quality(days: list[date]) -> dict[str, pl.DataFrame]:
    return {
        "quality.source_completeness_daily": completeness(days),
        "quality.source_watermarks": watermarks(),
        "quality.checks": checks(),
        "quality.lookups": lookups(),
        "quality.ingest_files": files(days),
        "quality.reconciliation_daily": reconciliation(days),
        "quality.platform_reconciliation_daily": consoles(days),
    }
