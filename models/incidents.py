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
from models.episodes import INCIDENT_SCHEMA, conform, episodes, place, shape
from models.root_cause import root_causes

__all__ = ["INCIDENT_SCHEMA", "open_incidents"]

SEVERITY_SHARES = {"critical": 0.50, "high": 0.20, "medium": 0.05}
"""Worst day's impact as a share of the company's expected GMV; below both it is `low`."""
EXPLAINS_SHARE = 0.5  # of an impact, for a part to count as its explanation
DRIVERS = ("visitors", "conversion_rate", "buyers", "orders_per_buyer", "aov", "gmv_per_unit")
"""Factors of GMV: what a cause can be. Steps of the funnel are parts of conversion."""

_SERIES = ["metric", "dimension", "segment", "platform"]
_EPISODE = ["place", "run"]


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
    told = _without_crowds(told, by_series, cause)
    # A driver that fell explains a loss only: what was gained has no cause among them.
    explains = (pl.col("impact_amount") < 0) & (
        pl.col("cause_impact") <= EXPLAINS_SHARE * pl.col("impact_amount")
    )
    incidents = (
        runs.join(told, on=_EPISODE)
        .join(cause, on=_EPISODE, how="left")
        .with_columns(
            cause_metric=pl.when(explains | (pl.col("cause_side") == "above")).then("cause_metric"),
            severity=_severity(anomalies),
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
            pl.col("observed", "expected", "lower", "upper").last(),
            is_flagged=is_anomaly.any(),
            is_high=(pl.col("observed") > pl.col("upper")).any(),
            days=pl.col("business_date").n_unique(),
            worst=pl.col("impact_amount").min(),
            impact_amount=pl.col("impact_amount").sum(),
        )
    )


def _rank() -> pl.Expr:
    """GMV first, then its drivers, then steps of the funnel."""
    driver = pl.when(pl.col("metric").is_in(DRIVERS)).then(1).otherwise(2)
    return pl.when(pl.col("metric") == "gmv").then(0).otherwise(driver)


def _told(by_series: pl.DataFrame) -> pl.DataFrame:
    """The series an episode is told by: the whole before its segments, then GMV, then the money."""
    of_part = ~pl.col("dimension").is_in(["all", "platform"])
    return (
        by_series.filter("is_flagged")
        .sort(of_part, _rank(), "impact_amount", *_SERIES)
        .unique(_EPISODE, keep="first", maintain_order=True)
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


def _without_crowds(
    told: pl.DataFrame, by_series: pl.DataFrame, causes: pl.DataFrame
) -> pl.DataFrame:
    """What an episode cost, where visitors that buy nothing are its cause: what GMV itself lost."""
    gmv = by_series.filter(metric="gmv").select(
        *_EPISODE, "dimension", "segment", gmv_impact="impact_amount", gmv_worst="worst"
    )
    crowded = causes.select(*_EPISODE, "cause_side")
    is_crowd = pl.col("cause_side") == "above"
    return (
        told.join(crowded, on=_EPISODE, how="left")
        .join(gmv, on=[*_EPISODE, "dimension", "segment"], how="left")
        .with_columns(
            impact_amount=pl.when(is_crowd).then("gmv_impact").otherwise("impact_amount"),
            worst=pl.when(is_crowd).then("gmv_worst").otherwise("worst"),
        )
        .drop("cause_side", "gmv_impact", "gmv_worst")
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
    loss = -pl.col("worst")
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
