"""Which of the buyers of a day had bought before.

Belongs here: the share of returning among identified buyers. Does not belong here: cards, nodes.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from dashboards.base.data import Data


def with_returning(data: Data, until: date, days: int) -> pl.DataFrame:
    """Company rows of the days until `until`, with the share of returning among new and returning.

    Returns:
        `Data.company` and returning_share, NULL where no buyer of the day is identified.
    """
    kinds = (
        data["marts.fct_gmv_daily"]
        .filter(
            pl.col("dimension") == "customer_type", pl.col("segment").is_in(["new", "returning"])
        )
        .group_by("business_date")
        .agg(
            pl.col("buyers").filter(pl.col("segment") == "returning").sum().alias("_returning"),
            pl.col("buyers").sum().alias("_known"),
        )
    )
    share = pl.when(pl.col("_known") > 0).then(pl.col("_returning") / pl.col("_known"))
    return (
        data.company(until, days)
        .join(kinds, on="business_date", how="left", maintain_order="left")
        .with_columns(share.alias("returning_share"))
        .drop("_returning", "_known")
    )


def is_young(data: Data, moment: date, back: int) -> bool:
    """Whether the day `back` days before has less than half the history of the day itself.

    Who had bought before is known as far as the data reach: on a day near their beginning nearly
    all are new, and a share of returning buyers set against it measures the data, not the buyers.
    """
    first = data.first_day()
    return first is None or 2 * ((moment - first).days - back) < (moment - first).days


def returning_share(data: Data, moment: date) -> float | None:
    """The share of one day, None where it is not known."""
    shares = with_returning(data, moment, 1)["returning_share"].to_list()
    return shares[0] if shares else None
