"""Which comparison of `fct_gmv_change` a reader would ask for, and how it is called."""

from __future__ import annotations

from datetime import date

import polars as pl

__all__ = ["COMPARISONS", "change_row", "sensible_comparison"]

COMPARISONS = ("promo_phase", "trailing_28d", "last_week", "last_year", "previous_day")
"""From the most to the least sensible: in a promotion the same day of the same phase a year ago,
else four weeks of ordinary days."""


def sensible_comparison(changes: pl.DataFrame, business_date: date) -> str | None:
    """The comparison a reader would ask for on this day; None if the day has none.

    Args:
        changes: rows of `fct_gmv_change`.
        business_date: the day; `promo_phase` rows exist on days of a phase only.
    """
    on_day = changes.filter(pl.col("business_date") == business_date)
    found = set(on_day["comparison"].unique())
    return next((name for name in COMPARISONS if name in found), None)


def change_row(
    changes: pl.DataFrame, business_date: date, comparison: str, dimension: str, segment: str
) -> dict[str, object] | None:
    """One row of `fct_gmv_change` as a mapping, or None."""
    rows = changes.filter(
        pl.col("business_date") == business_date,
        pl.col("comparison") == comparison,
        pl.col("dimension") == dimension,
        pl.col("segment") == segment,
    )
    return rows.row(0, named=True) if len(rows) else None
