"""Incidents: anomalies and data gaps told once an episode, not once a day and metric.

Belongs here: which days, metrics and segments are one story, its severity and its cause.
Does not belong here: messages and sending (orchestration), scores (`anomaly.py`), where the money
was lost (`root_cause.py`).

An incident once told is never forgotten: `previous` keeps its id and its row, and one that no
longer stands (a late file came, a correction) is closed, not deleted.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from models.data_incidents import data_incidents
from models.episodes import INCIDENT_SCHEMA, STORIES, conform, episodes, place, shape
from models.loss import daily_effects, factor_of, money_days
from models.root_cause import root_causes

__all__ = ["INCIDENT_SCHEMA", "open_incidents"]

SEVERITY_SHARES = {"critical": 0.50, "high": 0.20, "medium": 0.05}
"""Worst day's impact as a share of the company's expected GMV; below both it is `low`."""
EXPLAINS_SHARE = 0.5  # of an impact, for a part to count as its explanation
DRIVERS = ("visitors", "conversion_rate", "buyers", "orders_per_buyer", "aov", "gmv_per_unit")
"""Factors of GMV: what a cause can be. Steps of the funnel are parts of conversion."""

_SERIES = ["metric", "dimension", "segment", "platform"]
_EPISODE = ["place", "run"]
_MONEY_PLACE = ["incident_id", "dimension", "segment"]


def open_incidents(
    anomalies: pl.DataFrame,
    completeness: pl.DataFrame,
    parts: pl.DataFrame,
    previous: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """All incidents known after this run, newest first.

    Days on end of one platform (or of the company) are one incident, whatever the metric and the
    segment: a fall of GMV, its driver, the step of the funnel and the device it happened in are
    told together, the driver as the cause and the segment as the place. Refunds, stock and other
    `STORIES` are told by themselves. Company and platforms are one episode: the platforms speak
    where they explain half of the company's loss, else the company does. Days that could not be
    judged neither end nor extend an incident.

    Args:
        anomalies: what `anomaly.detect` returns, of the judged window.
        completeness: `quality.source_completeness_daily`.
        parts: sales of every segment, see `root_cause.root_causes`; may be empty.
        previous: the incidents of the last run (this function's result), or none.

    Returns:
        Frame of `INCIDENT_SCHEMA`. incident_id is derived from kind, place and first day, and
        kept from `previous` where the episodes overlap. closed_date is the first day back in
        range. withdrawn_date is the last day known when a former incident was found no more.
    """
    if anomalies.is_empty():
        return pl.DataFrame(schema=INCIDENT_SCHEMA) if previous is None else conform(previous)
    first, last = anomalies["business_date"].min(), anomalies["business_date"].max()
    assert isinstance(first, date) and isinstance(last, date)
    window = completeness.filter(pl.col("business_date") >= first)
    expected_until = window["business_date"].max()
    assert expected_until is None or isinstance(expected_until, date)
    found = pl.concat([_kpi_incidents(anomalies, completeness, parts), data_incidents(window)])
    return _merge(found, previous, first, max(last, expected_until or last)).sort(
        ["opened_date", "incident_id"], descending=[True, False]
    )


def _kpi_incidents(
    anomalies: pl.DataFrame, completeness: pl.DataFrame, parts: pl.DataFrame
) -> pl.DataFrame:
    placed = anomalies.with_columns(kind=pl.lit("kpi")).with_columns(place=place())
    runs = _without_double_episodes(episodes(_judged_days(placed), ["place"]), placed)
    by_series = _series_of(placed, runs)
    told = _told(by_series)
    cause = _causes(by_series, told)
    # A driver that fell explains a loss only: what was gained has no cause among them.
    explains = (pl.col("own_impact") < 0) & (
        pl.col("cause_impact") <= EXPLAINS_SHARE * pl.col("own_impact")
    )
    incidents = (
        runs.join(told.rename({"impact_amount": "own_impact"}), on=_EPISODE)
        .join(cause, on=_EPISODE, how="left")
        .join(_money(told, runs, cause, anomalies), on=_EPISODE)
        .with_columns(
            cause_metric=pl.when(explains | (pl.col("cause_side") == "above")).then("cause_metric"),
            severity=_severity(anomalies),
            days="money_days",
            kind=pl.lit("kpi"),
        )
        .sort("place", "run")
    )
    return _located(shape(incidents), anomalies, parts, completeness)


def _judged_days(placed: pl.DataFrame) -> pl.DataFrame:
    """Days of each place that were bad or surely good."""
    # Only what a place as a whole is fed by makes its day unsure, not a segment's extra feeds.
    of_whole = pl.col("dimension").is_in(["all", "platform"])
    status = pl.col("status")
    return (
        placed.group_by("place", "business_date")
        .agg(
            is_bad=(status == "anomaly").any(),
            is_unsure=(status.filter(of_whole) == "data_incomplete").any()
            | (of_whole.any() & (status.filter(of_whole) == "no_baseline").all()),
        )
        .filter(pl.col("is_bad") | ~pl.col("is_unsure"))
    )


def _series_of(placed: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """Each judged series of each episode: figures of its last day, impact of all its days."""
    is_anomaly = pl.col("status") == "anomaly"
    return (
        placed.join(runs, on="place")
        .filter(pl.col("business_date").is_between("opened_date", "last_date"))
        .filter(pl.col("status").is_in(["anomaly", "normal"]))
        .sort("business_date")
        .group_by(*_EPISODE, *_SERIES)
        .agg(
            # Of a series that left its range the last day outside, for one basis of what is told.
            pl.col("observed", "expected", "lower", "upper")
            .sort_by(is_anomaly, "business_date")
            .last(),
            told_date=pl.col("business_date").sort_by(is_anomaly, "business_date").last(),
            is_flagged=is_anomaly.any(),
            is_high=(pl.col("observed") > pl.col("upper")).any(),
            days=pl.col("business_date").n_unique(),
            worst=pl.col("impact_amount").min(),
            # What has no price cost nothing that is known, not nothing.
            impact_amount=pl.when(pl.col("impact_amount").count() > 0).then(
                pl.col("impact_amount").sum()
            ),
        )
    )


def _rank() -> pl.Expr:
    """GMV first, then its drivers, then steps of the funnel."""
    driver = pl.when(pl.col("metric").is_in(DRIVERS)).then(1).otherwise(2)
    return pl.when(pl.col("metric") == "gmv").then(0).otherwise(driver)


def _told(by_series: pl.DataFrame) -> pl.DataFrame:
    """The series an episode is told by: the whole before its segments, then GMV, then the money.

    A price that cost half of what the whole shows, or more, is told itself.
    """
    of_part = ~pl.col("dimension").is_in(["all", "platform"])
    flagged = by_series.filter("is_flagged")
    whole = pl.col("impact_amount").filter(~of_part).min().over(_EPISODE)
    is_price = (pl.col("metric") == "gmv_per_unit") & (
        pl.col("impact_amount") <= EXPLAINS_SHARE * whole
    )
    return (
        flagged.sort(~is_price.fill_null(value=False), of_part, _rank(), "impact_amount", *_SERIES)
        .unique(_EPISODE, keep="first", maintain_order=True)
        .with_columns(is_above=pl.col("observed") > pl.col("upper"))
    )


def _causes(by_series: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """The driver that cost most at the place told of, one out of its range before all others.

    Where conversion fell while visitors rose out of their range, the visitors are the cause: they
    did not come to buy.
    """
    here = told.select(*_EPISODE, "dimension", "segment", told_metric="metric")
    drivers = by_series.join(here, on=[*_EPISODE, "dimension", "segment"]).filter(
        pl.col("metric").is_in(DRIVERS)
    )
    # GMV and sales drivers that fell fell by themselves.
    by_visitors = ~pl.col("told_metric").is_in(["gmv", "buyers", "orders_per_buyer", "aov"])
    is_crowd = (pl.col("metric") == "visitors") & pl.col("is_high") & by_visitors
    return (
        drivers.filter(is_crowd | (pl.col("impact_amount") < 0))
        .sort(~is_crowd, ~pl.col("is_flagged"), "impact_amount", "metric")
        .unique(_EPISODE, keep="first", maintain_order=True)
        .select(
            *_EPISODE,
            cause_metric="metric",
            cause_impact="impact_amount",
            cause_side=pl.when(is_crowd).then(pl.lit("above")),
        )
    )


def _money(
    told: pl.DataFrame, runs: pl.DataFrame, cause: pl.DataFrame, anomalies: pl.DataFrame
) -> pl.DataFrame:
    """What each episode cost, all of the same days and of one place.

    Refunds and prices have money of their own, GMV its own. A factor (a step: conversion) is told
    with its effect on the GMV of its place, or of its platform where it has none; where no GMV is
    judged with what the metric alone does to first order. Visitors that buy nothing are told with
    what GMV itself lost.
    """
    asked = _asked(told, runs, cause)
    days = money_days(anomalies).rename({"metric": "money_metric"})
    here = _at_one_place(asked, days)
    effects = daily_effects(
        here.filter(pl.col("factor").is_not_null(), pl.col("money_metric") == "gmv")
        .select(*_MONEY_PLACE, "opened_date", "last_date", "platform").unique(),
        anomalies,
    )  # fmt: skip
    whole = _of_days(_of_company(asked), days).group_by("incident_id")
    return (
        told.with_columns(incident_id=pl.concat_str(_EPISODE, separator="|"))
        .join(_summed(here, effects), on="incident_id", how="left", suffix="_money")
        .join(whole.agg(pl.col("gap").sum().round(2)), on="incident_id", how="left")
        .select(
            *_EPISODE, "observed_amount", "expected_amount",
            impact_dimension="dimension_money",
            impact_segment="segment_money",
            impact_amount=pl.coalesce("money_impact", pl.col("impact_amount").round(2)),
            money_worst=pl.coalesce("money_worst", "worst"),
            money_days=pl.coalesce("money_days", "days"),
            impact_of=pl.coalesce("money", _own_money()),
            company_impact_amount="gap",
        )
    )  # fmt: skip


def _asked(told: pl.DataFrame, runs: pl.DataFrame, cause: pl.DataFrame) -> pl.DataFrame:
    """Of each episode the series its money is read from, and the factor whose effect is asked."""
    factor = pl.when(pl.col("cause_side").is_null()).then(
        pl.col("metric").map_elements(factor_of, pl.String)
    )
    # Counts and operations say themselves what they cost, and have no GMV beside it.
    is_of_gmv = pl.col("factor").is_not_null() | pl.col("cause_side").is_not_null()
    return (
        told.join(runs, on=_EPISODE)
        .join(cause.select(*_EPISODE, "cause_side"), on=_EPISODE, how="left")
        .with_columns(incident_id=pl.concat_str(_EPISODE, separator="|"), factor=factor)
        .with_columns(money_metric=pl.when(is_of_gmv).then(pl.lit("gmv")).otherwise("metric"))
        .select(
            "incident_id", "opened_date", "last_date", "told_date", "is_above", "factor",
            "money_metric", "dimension", "segment", "platform",
        )
    )  # fmt: skip


def _at_one_place(asked: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Days of the money of each episode: of its own place, or of its platform for want of them."""
    of_platform = asked.filter(
        pl.col("platform").is_not_null(), pl.col("money_metric") == "gmv"
    ).with_columns(dimension=pl.lit("platform"), segment="platform")
    both = pl.concat([_of_days(asked, days), _of_days(of_platform, days)])
    both = both.unique(["incident_id", "business_date"], keep="first", maintain_order=True)
    first = both.unique("incident_id", keep="first", maintain_order=True).select(_MONEY_PLACE)
    return both.join(first, on=_MONEY_PLACE)


def _of_company(asked: pl.DataFrame) -> pl.DataFrame:
    """The company's money of sales and refunds beside each episode of a platform."""
    story = pl.col("money_metric").replace_strict(STORIES, default="sales")
    money = pl.when(story == "refunds").then(pl.lit("refund_rate")).otherwise(pl.lit("gmv"))
    return asked.filter(
        pl.col("platform").is_not_null(), story.is_in(["sales", "refunds"])
    ).with_columns(
        dimension=pl.lit("all"), segment=pl.lit("all"), platform=pl.lit(None, pl.String),
        money_metric=money,
    )  # fmt: skip


def _summed(here: pl.DataFrame, effects: pl.DataFrame) -> pl.DataFrame:
    """Money of all days of each episode: of the factor where it has one, else the gap."""
    day = ["incident_id", "business_date"]
    by_day = here.join(effects, on=[*day, "factor"], how="left").with_columns(
        has_factor=pl.col("effect_amount").is_not_null().any().over("incident_id")
    )  # fmt: skip
    lost = pl.when("has_factor").then(pl.col("effect_amount").fill_null(0.0)).otherwise("gap")
    worst = pl.when("is_above").then(pl.min_horizontal(lost, -lost)).otherwise(lost)
    summed = by_day.group_by(_MONEY_PLACE).agg(
        pl.col("observed_amount", "expected_amount").sum().round(2),
        money_impact=lost.sum().round(2),
        money_worst=worst.min(),
        money_days=pl.col("business_date").n_unique(),
        money=pl.when(pl.col("has_factor").first()).then(pl.lit("metric"))
        .otherwise(pl.col("money").first()),
    )  # fmt: skip
    sign = pl.when(pl.col("money") == "refunds").then(-1).otherwise(1)
    gap = (sign * (pl.col("observed_amount") - pl.col("expected_amount"))).round(2)
    is_alone = pl.col("money") == "metric"
    return summed.with_columns(money_impact=pl.when(is_alone).then("money_impact").otherwise(gap))


def _own_money() -> pl.Expr:
    """What the money of a metric is of that says itself what it cost."""
    metric = pl.col("metric")
    return (
        pl.when(metric.replace_strict(STORIES, default="") == "refunds")
        .then(pl.lit("refunds"))
        .when(metric.is_in(["gmv", "gmv_trend", "on_hand"]))
        .then(pl.lit("gmv"))
        .otherwise(pl.lit("metric"))
    )


def _of_days(places: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Judged days of the money of places, with the gap of each: a loss is negative."""
    gap = pl.col("observed_amount") - pl.col("expected_amount")
    return (
        places.join(days, on=["money_metric", "dimension", "segment", "platform"], nulls_equal=True)
        .filter(pl.col("business_date").is_between("opened_date", "last_date"))
        .with_columns(gap=pl.when(pl.col("money") == "refunds").then(-gap).otherwise(gap))
    )


def _located(
    incidents: pl.DataFrame,
    anomalies: pl.DataFrame,
    parts: pl.DataFrame,
    completeness: pl.DataFrame,
) -> pl.DataFrame:
    """Add where it happened: the segment told of, else the first of the root causes."""
    causes = root_causes(incidents, anomalies, parts, completeness)
    first = causes.filter("is_cause", dimension_rank=1, position=1).select(
        "incident_id", where="dimension", who="segment"
    )
    of_part = ~pl.col("dimension").is_in(["all", "platform"])
    return (
        incidents.join(first, on="incident_id", how="left", maintain_order="left")
        .with_columns(
            cause_dimension=pl.when(of_part).then("dimension").otherwise("where"),
            cause_segment=pl.when(of_part).then("segment").otherwise("who"),
        )
        .drop("where", "who")
    )


def _severity(anomalies: pl.DataFrame) -> pl.Expr:
    """Severity by the worst day against a usual day of the company in the window."""
    company = anomalies.filter(pl.col("metric") == "gmv", pl.col("dimension") == "all")
    usual = company["expected"].median() or company["observed"].median() or 0.0
    assert isinstance(usual, float)
    # What a day's failing requests cost is not known; they may cost their part of it.
    failing = (pl.col("observed") - pl.col("expected")) * usual
    loss = pl.when(pl.col("metric") == "error_rate").then(failing).otherwise(-pl.col("money_worst"))
    return (
        pl.when(loss >= SEVERITY_SHARES["critical"] * usual)
        .then(pl.lit("critical"))
        .when(loss >= SEVERITY_SHARES["high"] * usual)
        .then(pl.lit("high"))
        .when(loss >= SEVERITY_SHARES["medium"] * usual)
        .then(pl.lit("medium"))
        .otherwise(pl.lit("low"))
    )


def _without_double_episodes(runs: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """Of a company's episode and those of its platforms at the time, keep one side.

    The platforms', if they explain half of what the company lost; else the company's.
    """
    told = _told(_series_of(placed, runs)).select(*_EPISODE, "platform", "impact_amount")
    known = runs.join(told, on=_EPISODE).with_columns(
        story=pl.col("place").str.extract(r"(:\w+)$").fill_null("")
    )
    pairs = (
        known.filter(pl.col("platform").is_null())
        .join(known.filter(pl.col("platform").is_not_null()), on="story", suffix="_part")
        .filter(
            pl.col("opened_date") <= pl.col("last_date_part"),
            pl.col("opened_date_part") <= pl.col("last_date"),
        )
        .with_columns(
            explained=pl.col("impact_amount_part").sum().over(*_EPISODE)
            <= EXPLAINS_SHARE * pl.col("impact_amount")
        )
    )
    company = pairs.filter("explained").select(_EPISODE)
    parts = pairs.filter(~pl.col("explained")).select(place="place_part", run="run_part")
    return runs.join(pl.concat([company, parts]).unique(), on=_EPISODE, how="anti")


def _merge(
    found: pl.DataFrame, previous: pl.DataFrame | None, first: date, last: date
) -> pl.DataFrame:
    """Keep the ids of the last run where episodes overlap, and close what no longer stands."""
    if previous is None or previous.is_empty():
        return found
    same = ["kind", "place"]
    new = found.with_columns(place=place())
    old = conform(previous).with_columns(place=place())
    pairs = (
        new.join(old, on=same, suffix="_old")
        .filter(
            pl.col("opened_date") <= pl.col("last_date_old"),
            pl.col("opened_date_old") <= pl.col("last_date"),
        )
        .sort("opened_date_old", "opened_date")
        .unique("incident_id", keep="first", maintain_order=True)
        .unique("incident_id_old", keep="first", maintain_order=True)
        .select("incident_id", "incident_id_old", "opened_date_old")
    )
    began = pl.when(pl.col("opened_date_old") < first).then("opened_date_old")
    kept = (
        found.join(pairs, on="incident_id", how="left")
        .with_columns(
            incident_id=pl.coalesce("incident_id_old", "incident_id"),
            opened_date=pl.coalesce(began, "opened_date"),
        )
        .select(list(INCIDENT_SCHEMA))
    )
    gone = conform(previous).join(kept, on="incident_id", how="anti")
    # Its days were looked at again and show none: late data, or a story told otherwise now.
    is_withdrawn = pl.col("last_date").is_between(first, last)
    ended = gone.with_columns(
        pl.col("closed_date").fill_null(last),
        withdrawn_date=pl.when(is_withdrawn)
        .then(pl.col("withdrawn_date").fill_null(last))
        .otherwise("withdrawn_date"),
    )
    return pl.concat([kept, ended])
