"""Everything that is judged, in one frame: what a run and the benchmarks call.

Belongs here: which detectors there are, and which of them explains another. How each judges is in
its own module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from models.anomaly import DetectorParams, detect
from models.count_series import TESTS
from models.counts import judge_counts
from models.operations import (
    OperationParams,
    error_rows,
    overdue_rows,
    pace_rows,
    stock_rows,
    stopped_rows,
)
from models.promo_hours import HourParams, hour_rows

__all__ = ["Watched", "judge"]


@dataclass(frozen=True)
class Watched:
    """What is judged beside daily KPIs.

    Attributes:
        counted: frames of `counts.COUNT_SCHEMA` by name of `count_series.TESTS`.
        stock: see `operations.stock_rows`.
        plans: see `operations.pace_rows`.
        campaigns: see `operations.stopped_rows`.
        settlements: see `operations.overdue_rows`.
        service: see `operations.error_rows`.
        hours: see `promo_hours.hour_rows`.
    """

    counted: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    stock: pl.DataFrame = field(default_factory=pl.DataFrame)
    plans: pl.DataFrame = field(default_factory=pl.DataFrame)
    campaigns: pl.DataFrame = field(default_factory=pl.DataFrame)
    settlements: pl.DataFrame = field(default_factory=pl.DataFrame)
    service: pl.DataFrame = field(default_factory=pl.DataFrame)
    hours: pl.DataFrame = field(default_factory=pl.DataFrame)


def judge(  # noqa: PLR0913, PLR0917 - the tables of `detect`, and one more
    daily: pl.DataFrame,
    dim_date: pl.DataFrame,
    dim_promo: pl.DataFrame,
    completeness: pl.DataFrame,
    params: DetectorParams | None = None,
    judge_from: date | None = None,
    more: pl.DataFrame | None = None,
    watched: Watched | None = None,
) -> pl.DataFrame:
    """Judge KPIs, counts and operations.

    Args:
        daily: see `anomaly.detect`, as are the others but the last.
        dim_date: see there.
        dim_promo: see there.
        completeness: see there.
        params: see there; its smallest impact holds for all.
        judge_from: see there.
        more: see there.
        watched: what else there is.

    Returns:
        Frame of `anomaly.ANOMALY_SCHEMA`. A fall of a product's orders that days out of stock
        are part of is no anomaly of its own.
    """
    params, watched = params or DetectorParams(), watched or Watched()
    found = [detect(daily, dim_date, dim_promo, completeness, params, judge_from, more)]
    company = daily.filter(pl.col("dimension") == "all")["gmv"].cast(pl.Float64).median() or 0.0
    assert isinstance(company, float)
    rate = params.min_impact_rate
    found += [
        judge_counts(counted, completeness, company, TESTS[name], judge_from, rate)
        for name, counted in watched.counted.items()
        if not counted.is_empty()
    ]
    rules = OperationParams(min_impact_rate=rate)
    in_time = pl.lit(True) if judge_from is None else pl.col("business_date") >= judge_from
    judges: list[tuple[pl.DataFrame, Callable[[pl.DataFrame], pl.DataFrame]]] = [
        (watched.stock, lambda stock: stock_rows(stock, company, rules)),
        (watched.plans, lambda plans: pace_rows(plans, rules)),
        (watched.campaigns, lambda campaigns: stopped_rows(campaigns, rules)),
        (watched.settlements, lambda settlements: overdue_rows(settlements, rules)),
        (watched.service, lambda service: error_rows(service, rules)),
        (
            watched.hours,
            lambda hours: hour_rows(
                hours, dim_promo, completeness, company, HourParams(min_impact_rate=rate)
            ),
        ),
    ]
    for frame, rows in judges:
        if not frame.is_empty():
            found.append(rows(frame).filter(in_time))
    judged = _explained_by_stock(pl.concat(found))
    return judged.sort("business_date", "dimension", "segment", "platform", "metric")


def _explained_by_stock(judged: pl.DataFrame) -> pl.DataFrame:
    """Take back falls of a product whose window holds a day without stock."""
    place = ["segment", "platform"]
    out = judged.filter(metric="on_hand", status="anomaly").select(*place, out="business_date")
    if out.is_empty():
        return judged
    days = pl.col("metric").replace_strict(
        {name: TESTS[name].days for name in ("orders_3_days", "orders_7_days")}, default=None
    )
    falls = judged.with_row_index().filter(days.is_not_null(), status="anomaly").join(
        out, on=place, nulls_equal=True
    )  # fmt: skip
    since = (pl.col("business_date") - pl.col("out")).dt.total_days()
    explained = falls.filter(since >= 0, since < days)["index"].unique()
    return judged.with_columns(
        status=pl.when(pl.int_range(pl.len()).is_in(explained.implode()))
        .then(pl.lit("normal"))
        .otherwise("status")
    )
