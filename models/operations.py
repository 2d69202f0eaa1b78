"""What needs no statistics to be seen: nothing in stock, a plan overspent, money late.

Belongs here: rules on figures that say themselves whether they are bad, as rows of
`anomaly.ANOMALY_SCHEMA`. Does not belong here: what is judged against its own past.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from models.anomaly import ANOMALY_SCHEMA

__all__ = [
    "OperationParams",
    "error_rows",
    "overdue_rows",
    "pace_rows",
    "stock_rows",
    "stopped_rows",
]


@dataclass(frozen=True)
class OperationParams:
    """Bounds of the rules.

    Attributes:
        min_impact_rate: a product counts if a day without it costs this share of the company's GMV.
        usual_days: days before, whose mean says what usually is sold and in stock.
        least_days_of_stock: a product that counts is about to run out below so many days of sales.
        most_of_plan: cost so far as a multiple of what the plan gives so far.
        from_day: day of the month from which a plan's pace says something.
        least_of_spend: a campaign counts from this share of its account's spend, or visits.
        least_visits: and of those whose visits alone are known, from so many a day.
        stopped_below: cost of a day, as a part of the usual, at which a campaign has stopped.
        most_errors: error rate of a service as a multiple of the median of the days before.
        least_errors: and at least so much above it.
        min_days: days before that must be known to say what a service usually does.
        most_overdue: overdue share of what was due in `overdue_days`.
        overdue_days: days of sales looked at.
    """

    min_impact_rate: float = 0.005
    usual_days: int = 28
    least_days_of_stock: float = 5.0
    most_of_plan: float = 1.25
    from_day: int = 4
    least_of_spend: float = 0.05
    least_visits: float = 20.0
    stopped_below: float = 0.1
    most_errors: float = 4.0
    least_errors: float = 0.02
    min_days: int = 7
    most_overdue: float = 0.05
    overdue_days: int = 60


def stock_rows(
    stock: pl.DataFrame, company_gmv: float, params: OperationParams | None = None
) -> pl.DataFrame:
    """Products with nothing left, and those about to run out, from the snapshot of the day itself.

    A product counts by what it sold in the days it was there: one that nobody buys is no loss. The
    first day at zero is told at once. What a product is about to cost is not told as lost.

    Args:
        stock: business_date, platform (of the warehouse, null if it serves several), segment
            (product id), on_hand, daily_units (usual, null if not known), days_of_stock, unit_gmv
            (what a piece brings); one row a day, product and platform.
        company_gmv: a usual day of the company.
        params: bounds.

    Returns:
        Rows of metric `on_hand` (expected: the mean of the days before, lower: one piece) and
        `days_of_stock` (lower: the bound), all judged days of products that count.
    """
    p = params or OperationParams()
    place = ["platform", "segment"]
    before = (
        pl.col("on_hand")
        .cast(pl.Float64)
        .rolling_mean(p.usual_days, min_samples=1)
        .shift(1)
        .over(place)
    )
    worth = pl.col("daily_units") * pl.col("unit_gmv")
    counts = stock.sort(*place, "business_date").with_columns(
        usual=before, worth=worth.fill_null(strategy="forward").over(place)
    )
    counts = counts.filter(
        pl.col("worth") >= p.min_impact_rate * company_gmv, pl.col("on_hand").is_not_null()
    )
    is_out = (pl.col("on_hand") <= 0) & (pl.col("usual") > 0)
    empty = counts.with_columns(
        metric=pl.lit("on_hand"),
        observed=pl.col("on_hand").cast(pl.Float64),
        expected="usual",
        lower=pl.lit(1.0),
        impact_amount=pl.when(is_out).then(-pl.col("worth")).otherwise(0.0),
        is_bad=is_out,
    )
    short = counts.filter(pl.col("on_hand") > 0, pl.col("days_of_stock").is_not_null())
    low = short.with_columns(
        metric=pl.lit("days_of_stock"),
        observed="days_of_stock",
        expected=pl.col("usual") / pl.col("daily_units"),
        lower=pl.lit(p.least_days_of_stock),
        impact_amount=pl.lit(None, pl.Float64),
        is_bad=pl.col("days_of_stock") < p.least_days_of_stock,
    )
    return _rows(pl.concat([empty, low]).with_columns(dimension=pl.lit("product")))


def pace_rows(plans: pl.DataFrame, params: OperationParams | None = None) -> pl.DataFrame:
    """Ad plans spent faster than the month goes.

    Args:
        plans: rows of `fct_targets_daily` of metric `cost`: business_date, dimension (`all`,
            `platform`), segment, actual_so_far, target_so_far.
        params: bounds.
    """
    p = params or OperationParams()
    known = plans.filter(
        pl.col("target_so_far") > 0,
        pl.col("actual_so_far").is_not_null(),
        pl.col("business_date").dt.day() >= p.from_day,
    )
    upper = p.most_of_plan * pl.col("target_so_far")
    return _rows(
        known.with_columns(
            metric=pl.lit("cost_so_far"),
            platform=pl.when(pl.col("dimension") == "platform").then("segment"),
            observed="actual_so_far",
            expected="target_so_far",
            upper=upper,
            is_bad=pl.col("actual_so_far") > upper,
        )
    )


def stopped_rows(campaigns: pl.DataFrame, params: OperationParams | None = None) -> pl.DataFrame:
    """Campaigns that ran every day and have stopped, as their account's reports or visits say.

    One that has been off for more than a week is told no more: it has ended.

    Args:
        campaigns: business_date, platform, source (the account's), segment (campaign), metric
            (`campaign_cost` or `campaign_visits`), amount (null where not known). A campaign
            without a row on a day on which its source tells of others had nothing; a day on which
            the source tells nothing is not known.
        params: bounds.

    Returns:
        Rows of these metrics, dimension `campaign`, of campaigns that ran until then; what a stop
        cost in sales is not known from it.
    """
    p = params or OperationParams()
    account = ["metric", "platform", "source"]
    place = [*account, "segment"]
    known = campaigns.filter(pl.col("amount").is_not_null())
    first = known.group_by(place).agg(first=pl.col("business_date").min())
    usual = pl.col("amount").rolling_median(p.usual_days, min_samples=p.min_days).shift(1)
    # The quarter of the days with least: more than half of the usual if it is steady.
    least = pl.col("amount").rolling_quantile(
        0.25, window_size=p.usual_days, min_samples=p.min_days
    )
    every = (
        known.select(*account, "business_date")
        .unique()
        .join(first, on=account)
        .filter(pl.col("business_date") >= pl.col("first"))
        .join(known, on=[*place, "business_date"], how="left")
        .sort(*place, "business_date")
        .with_columns(pl.col("amount").fill_null(0.0))
        .with_columns(usual=usual.over(place), least=least.shift(1).over(place))
        .filter(pl.col("least") > 0.5 * pl.col("usual"))
    )
    of_account = pl.col("usual").sum().over(*account, "business_date")
    is_large = pl.col("usual") >= p.least_of_spend * of_account
    is_seen = (pl.col("metric") != "campaign_visits") | (pl.col("usual") >= p.least_visits)
    lower = p.stopped_below * pl.col("usual")
    return _rows(
        every.filter(is_large, is_seen).with_columns(
            dimension=pl.lit("campaign"),
            observed="amount",
            expected="usual",
            lower=lower,
            is_bad=pl.col("amount") < lower,
        )
    )


def error_rows(service: pl.DataFrame, params: OperationParams | None = None) -> pl.DataFrame:
    """Days on which a service failed far more often than it does.

    Args:
        service: business_date, segment (the source that watches it), mean_value, the error rate.
        params: bounds.

    Returns:
        Rows of metric `error_rate`, dimension `service`; what it cost is not known from it.
    """
    p = params or OperationParams()
    usual = (
        pl.col("mean_value")
        .rolling_median(p.usual_days, min_samples=p.min_days)
        .shift(1)
        .over("segment")
    )
    upper = pl.max_horizontal(p.most_errors * pl.col("usual"), p.least_errors + pl.col("usual"))
    return _rows(
        service.sort("segment", "business_date")
        .with_columns(usual=usual)
        .filter(pl.col("usual").is_not_null(), pl.col("mean_value").is_not_null())
        .with_columns(
            metric=pl.lit("error_rate"),
            dimension=pl.lit("service"),
            observed="mean_value",
            expected="usual",
            upper=upper,
            is_bad=pl.col("mean_value") > upper,
        )
    )


def overdue_rows(settlements: pl.DataFrame, params: OperationParams | None = None) -> pl.DataFrame:
    """Money that platforms should have paid out and did not, as it stands on the last day.

    Dated from the first day whose orders it is of, so that an incident stays one from run to run.

    Args:
        settlements: rows of `fct_settlements_daily`: business_date, platform, due_amount,
            overdue_amount.
        params: bounds.
    """
    p = params or OperationParams()
    last = settlements["business_date"].max()
    recent = settlements.filter(
        pl.col("business_date") > pl.lit(last) - pl.duration(days=p.overdue_days)
    )
    sums = recent.group_by("platform").agg(
        pl.col("due_amount", "overdue_amount").cast(pl.Float64).sum(),
        first=pl.col("business_date").filter(pl.col("overdue_amount") > 0).min(),
    )
    upper = p.most_overdue * pl.col("due_amount")
    is_bad = pl.col("overdue_amount") > upper
    since = pl.when(is_bad).then("first").otherwise(pl.lit(last, pl.Date))
    return _rows(
        sums.filter(pl.col("due_amount") > 0)
        .with_columns(
            business_date=pl.date_ranges(since, pl.lit(last, pl.Date)),
            metric=pl.lit("overdue_amount"),
            dimension=pl.lit("platform"),
            segment="platform",
            observed="overdue_amount",
            expected=pl.lit(0.0),
            upper=upper,
            is_bad=is_bad,
        )
        .explode("business_date")
    )


def _rows(frame: pl.DataFrame) -> pl.DataFrame:
    status = pl.when("is_bad").then(pl.lit("anomaly")).otherwise(pl.lit("normal"))
    named = frame.with_columns(status=status)
    missing = [pl.lit(None).alias(name) for name in ANOMALY_SCHEMA if name not in named.columns]
    return named.with_columns(missing).select(
        pl.col(name).cast(kind) for name, kind in ANOMALY_SCHEMA.items()
    )
