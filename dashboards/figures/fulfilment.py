"""Orders on their way, as far as they can be judged.

Belongs here: which days' parcels are all due. Does not belong here: rates and charts.
"""

from __future__ import annotations

import polars as pl

from dashboards.base.data import Data

TABLE = "marts.fct_fulfilment_daily"


def shipping(data: Data) -> pl.DataFrame:
    """Rows of the mart; nothing of promises on days of which a parcel is not due yet.

    The first parcels due of a day are those that were promised soonest: a share of them in time is
    none of the day. Platforms that never tell when a parcel came have no part in this.
    """
    frame = data[TABLE]
    tells = pl.col("due_parcels").sum().over("platform") > 0
    open_days = (
        frame.filter(tells)
        .group_by("business_date")
        .agg(pl.sum("parcels"), pl.sum("due_parcels"))
        .filter(pl.col("parcels") > pl.col("due_parcels"))["business_date"]
    )
    is_open = pl.col("business_date").is_in(open_days.implode())
    return frame.with_columns(
        pl.when(~is_open).then(pl.col(name)).alias(name)
        for name in ("due_parcels", "on_time_parcels")
    )
