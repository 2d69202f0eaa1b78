"""What the detectors said: `insights.anomalies` and `insights.incidents`."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from tests.browser.shop.company import LAST, WEEK


def anomalies(frame: pl.DataFrame) -> pl.DataFrame:
    company = frame.filter(pl.col("dimension") == "all").sort("business_date")
    parts = []
    for metric in ("gmv", "visitors", "conversion_rate", "orders_per_buyer", "aov"):
        values = company.select("business_date", observed=pl.col(metric).cast(pl.Float64))
        expected = pl.col("observed").rolling_median(35).shift(1)
        shape = WEEK if metric in ("gmv", "visitors") else [1.0] * 7
        week = pl.col("business_date").dt.weekday().replace_strict(
            dict(enumerate(shape, start=1)), return_dtype=pl.Float64
        )  # fmt: skip
        width = 0.06 if metric in ("gmv", "visitors") else 0.045
        parts.append(
            values.with_columns(expected=expected * week)
            .with_columns(
                lower=pl.col("expected") * (1 - width), upper=pl.col("expected") * (1 + width)
            )
            .with_columns(metric=pl.lit(metric))
        )
    judged = pl.concat(parts).drop_nulls("expected").with_columns(
        dimension=pl.lit("all"), segment=pl.lit("all"), score=pl.lit(0.0),
        impact_amount=(pl.col("observed") - pl.col("expected")).round(2),
    )  # fmt: skip
    promo = pl.col("observed") > 1.5 * pl.col("expected")
    low = pl.col("observed") < pl.col("lower")
    return judged.with_columns(
        status=pl.when(promo).then(pl.lit("no_baseline"))
        .when(low).then(pl.lit("anomaly")).otherwise(pl.lit("normal"))
    ).filter(pl.col("business_date") > LAST - timedelta(days=90))  # fmt: skip


def causes() -> dict[str, list[dict[str, object]]]:
    """What explains the incident of Shopify: phones of paid social, mostly visitors."""
    its = {"incident_id": "gmv-2026-11-19"}
    return {
        "insights.root_cause_sets": [
            {**its, "position": 1, "dimensions": "channel + device",
             "segments": "paid_social + mobile", "observed": 4.0, "expected": 21.4,
             "likelihood": 0.9, "is_cause": True},
            {**its, "position": 2, "dimensions": "device", "segments": "mobile", "observed": 30.0,
             "expected": 41.0, "likelihood": 0.2, "is_cause": False},
        ],
        "insights.incident_effects": [
            {**its, "factor": "visitors", "position": 1, "effect_amount": -15000.0,
             "is_impact": False},
            {**its, "factor": "aov", "position": 2, "effect_amount": -2800.0, "is_impact": False},
        ],
    }  # fmt: skip


def incidents() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "incident_id": "gmv-2026-11-19",
                "metric": "gmv",
                "dimension": "platform",
                "segment": "shopify",
                "opened_date": date(2026, 11, 19),
                "last_date": LAST,
                "closed_date": None,
                "severity": "high",
                "impact_amount": -17800.0,
                "kind": "kpi",
                "explanation_en": "Shopify GMV below its expected range: paid social −58%.",
                "explanation_zh": "Shopify 支付金额低于预期区间：付费社交访客数 −58%。",
            },
            {
                "incident_id": "data-2026-11-21",
                "metric": "rows",
                "dimension": "source",
                "segment": "meta_ads",
                "opened_date": LAST,
                "last_date": LAST,
                "closed_date": None,
                "severity": "medium",
                "impact_amount": None,
                "kind": "data",
                "explanation_en": "Spend of meta_ads arrived incomplete (61% of usual rows).",
                "explanation_zh": "meta_ads 投放花费数据不完整（为平日行数的 61%）。",
            },
        ],
        schema_overrides={"closed_date": pl.Date, "impact_amount": pl.Float64},
    )
