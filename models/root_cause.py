"""Where a change of GMV happened: the segments of each dimension, ranked in money.

Belongs here: the choice of the comparison and the ranking of one-dimensional contributions. The
contributions themselves are rows of `fct_gmv_change`; shares above 1 or below 0 stay as they are,
because segments that offset each other make them.
"""

from __future__ import annotations

from datetime import date

import polars as pl

__all__ = ["COMPARISONS", "change_row", "sensible_comparison", "top_segments"]

COMPARISONS = ("promo_phase", "trailing_28d", "last_week", "last_year", "previous_day")
"""From the most to the least sensible: in a promotion the same day of the same phase a year ago,
else four weeks of ordinary days."""

SEGMENTS_SCHEMA: dict[str, type[pl.DataType]] = {
    "dimension": pl.String,
    "segment": pl.String,
    "gmv": pl.Float64,
    "base_gmv": pl.Float64,
    "gmv_change": pl.Float64,
    "share": pl.Float64,
    "position": pl.Int64,
}


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


def top_segments(
    changes: pl.DataFrame, business_date: date, comparison: str, limit: int = 3
) -> pl.DataFrame:
    """The segments that moved GMV most in the direction of the company's change, by dimension.

    Args:
        changes: rows of `fct_gmv_change`: business_date, comparison, dimension, segment, gmv,
            base_gmv, gmv_change.
        business_date: the day.
        comparison: against what.
        limit: segments kept of each dimension.

    Returns:
        dimension, segment, gmv, base_gmv, gmv_change (money), share (of the company's change, not
        clipped, null where the company did not change), position (1 = first within its dimension).
        Dimensions come by the size of their first segment. Segments against the direction are
        left out. The figures are the company's: the table has no platform within a dimension.
    """
    day = changes.filter(
        pl.col("business_date") == business_date, pl.col("comparison") == comparison
    ).with_columns(pl.col("gmv", "base_gmv", "gmv_change").cast(pl.Float64))
    company = day.filter(pl.col("dimension") == "all")["gmv_change"]
    if company.is_empty() or company[0] is None:
        return pl.DataFrame(schema=SEGMENTS_SCHEMA)
    total = float(company[0])
    side = -1.0 if total <= 0 else 1.0
    order = pl.col("gmv_change") * side
    return (
        day.filter(pl.col("dimension") != "all", order > 0)
        .sort(order, "dimension", "segment", descending=[True, False, False])
        .with_columns(
            position=pl.int_range(1, pl.len() + 1).over("dimension"),
            lead=order.max().over("dimension"),
            share=pl.lit(None, pl.Float64) if total == 0 else pl.col("gmv_change") / total,
        )
        .filter(pl.col("position") <= limit)
        .sort("lead", "dimension", "position", descending=[True, False, False])
        .select(pl.col(name).cast(kind) for name, kind in SEGMENTS_SCHEMA.items())
    )
