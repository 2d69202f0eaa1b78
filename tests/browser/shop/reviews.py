"""Closed weeks and months of the company, from its own days."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

RATES = {"conversion_rate": 0.031, "refund_amount_rate": 0.06, "shipped_48h_rate": 0.97}
_SHARES = {"cm2_amount": 0.4, "cost": 0.07, "visitors": 0.09, "new_buyers": 0.0012}


def _closed(days: pl.DataFrame, every: str) -> pl.DataFrame:
    """GMV of every period that the days hold whole."""
    return (
        days.group_by(pl.col("business_date").dt.truncate(every).alias("period_start"))
        .agg(pl.col("gmv").sum().cast(pl.Float64), pl.len().alias("days"))
        .with_columns(
            period_end=pl.col("period_start").dt.offset_by(every).dt.offset_by("-1d"),
        )
        .filter(
            (pl.col("period_end") - pl.col("period_start")).dt.total_days() + 1 == pl.col("days")
        )
        .sort("period_start")
    )


def _figures(gmv: float, first: date) -> dict[str, float]:
    wave = 1 + (first.toordinal() % 9) / 40
    return {
        "gmv": gmv,
        "gmv_per_buyer": 280 * wave,
        "mer": 14 / wave,
        **{name: gmv * share * wave for name, share in _SHARES.items()},
        **{name: rate * wave for name, rate in RATES.items()},
    }


def reviews(table: pl.DataFrame) -> dict[str, list[dict[str, object]]]:
    """Rows of `fct_reviews` and `fct_review_changes` of a daily table."""
    days = table.filter(pl.col("dimension") == "all")
    rows: list[dict[str, object]] = []
    moved: list[dict[str, object]] = []
    for grain, every in (("week", "1w"), ("month", "1mo")):
        found = {r["period_start"]: r for r in _closed(days, every).to_dicts()}
        known = {first: _figures(r["gmv"], first) for first, r in found.items()}
        for first, row in found.items():
            year = first - timedelta(days=364) if grain == "week" else date(
                first.year - 1, first.month, 1
            )  # fmt: skip
            before = next((p for p, r in found.items()
                           if r["period_end"] == first - timedelta(days=1)), None)  # fmt: skip
            for metric, value in known[first].items():
                target = 1.02 * value if metric in ("gmv", "cost") else None
                rows.append({
                    "grain": grain, "period_start": first, "period_end": row["period_end"],
                    "metric": metric, "value": value,
                    "previous_value": known[before][metric] if before else None,
                    "year_before_value": known[year][metric] if year in known else None,
                    "target": target, "attainment_rate": value / target if target else None,
                    "month_to_date_value": value if metric in ("gmv", "mer") else None,
                })  # fmt: skip
            for comparison, base in (("previous_period", before), ("last_year", year)):
                if base in known:
                    moved.append(_moved(grain, first, comparison, row["gmv"], known[base]["gmv"]))
    return {"marts.fct_reviews": rows, "marts.fct_review_changes": moved}


def _moved(
    grain: str, first: date, comparison: str, gmv: float, base: float
) -> dict[str, object]:  # fmt: skip
    change = gmv - base
    effects = dict.fromkeys(
        ("untracked_buyers", "orders_per_buyer", "anonymous_orders", "mix"), 0.0
    ) | {"visitors": 0.7 * change, "conversion": 0.5 * change, "aov": -0.2 * change}  # fmt: skip
    return {
        "grain": grain, "period_start": first, "comparison": comparison, "dimension": "all",
        "segment": "all", "gmv": gmv, "base_gmv": base, "gmv_change": change, "method": "lmdi",
        **{f"{name}_effect": amount for name, amount in effects.items()},
    }  # fmt: skip
