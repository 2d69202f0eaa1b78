"""`fct_retention_monthly` and `fct_retention_daily`; the promotion's cohorts come back less."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

PLATFORMS = {"all": 1.0, "tmall": 0.6, "shopify": 0.397, "jd": 0.003}
PERIODS = [0, 1, 7, 30]


def _months(days: list[date]) -> list[date]:
    return sorted({day.replace(day=1) for day in days})


def monthly(days: list[date], seed: int = 13) -> pl.DataFrame:
    """Month n is known from the first day of month n + 1 on."""
    rng = np.random.default_rng(seed)
    months, rows = _months(days), []
    for place, month in enumerate(months):
        promo = month.month == 11
        for segment, share in PLATFORMS.items():
            size = round((1900 + 40 * place) * share * (2.2 if promo else 1.0))
            for n in range(25):
                is_mature = place + n < len(months) - 1
                rate = 1.0 if n == 0 else (0.2 if promo else 0.26) * n**-0.45
                back = size if n == 0 else int(rng.binomial(size, rate))
                rows.append(
                    {
                        "cohort_month": month, "kind": "purchase", "retention_type": "classic",
                        "dimension": "all" if segment == "all" else "platform",
                        "segment": segment, "period_number": n, "cohort_size": size,
                        "retained_count": back if is_mature else None,
                        "retention_rate": back / size if is_mature and size else None,
                        "revenue": round(back * 231.5, 2) if is_mature else None,
                        "margin": None,
                    }
                )  # fmt: skip
    schema = {"revenue": pl.Float64, "margin": pl.Float64, "retained_count": pl.Int64,
              "retention_rate": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema_overrides=schema)


def daily(days: list[date], seed: int = 17) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for day in days[-150:]:
        size = int(rng.normal(900, 40))
        for n, rate in zip(PERIODS, (1.0, 0.082, 0.041, 0.022), strict=True):
            is_mature = day + timedelta(days=n) <= days[-1]
            back = int(rng.binomial(size, rate))
            rows.append(
                {
                    "cohort_date": day, "kind": "visit", "retention_type": "classic",
                    "dimension": "all", "segment": "all", "period_number": n,
                    "cohort_size": size, "retained_count": back if is_mature else None,
                    "retention_rate": back / size if is_mature else None,
                }
            )  # fmt: skip
    schema = {"retained_count": pl.Int64, "retention_rate": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=schema)
