"""Incidents: anomalies and data gaps told once an episode, not once a day and metric.

Belongs here: which days and metrics are one story, its severity, its words without currency.
Does not belong here: messages and sending (orchestration), scores (`anomaly.py`).

An incident once told is never forgotten: `previous` keeps its id and its row, and one that no
longer stands (a late file came, a correction) is closed, not deleted.
"""

from __future__ import annotations

import hashlib
from datetime import date

import polars as pl

from models.incident_words import data_words, kpi_words

__all__ = ["INCIDENT_SCHEMA", "open_incidents"]

INCIDENT_SCHEMA: dict[str, type[pl.DataType]] = {
    "incident_id": pl.String,
    "metric": pl.String,
    "dimension": pl.String,
    "segment": pl.String,
    "opened_date": pl.Date,
    "last_date": pl.Date,
    "closed_date": pl.Date,
    "severity": pl.String,
    "impact_amount": pl.Float64,
    "kind": pl.String,
    "explanation_en": pl.String,
    "explanation_zh": pl.String,
    "cause_metric": pl.String,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "days": pl.Int64,
    "platform": pl.String,
    "feeds": pl.String,
    "reason": pl.String,
    "expected_rows": pl.Int64,
    "arrived_rows": pl.Int64,
}
"""Columns of `insights.incidents`; observed to upper are those of `metric` on `last_date`."""

SEVERITY_SHARES = {"high": 0.20, "medium": 0.05}
"""Worst day's impact as a share of the company's expected GMV; below both it is `low`."""
EXPLAINS_SHARE = 0.5  # of an impact, for a part to count as its explanation

_SERIES = ["dimension", "segment"]


def open_incidents(
    anomalies: pl.DataFrame,
    completeness: pl.DataFrame,
    changes: pl.DataFrame,
    previous: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """All incidents known after this run, newest first.

    Days on end of one platform (or of the company) are one incident, whatever the metric: a fall
    of GMV and its driver are told together, the driver as the cause. The company has an incident of
    its own only where its platforms do not explain half of it. Days that could not be judged
    neither end nor extend an incident.

    Args:
        anomalies: what `anomaly.detect` returns, of the judged window.
        completeness: `quality.source_completeness_daily`.
        changes: rows of `fct_gmv_change`, for the segments named in the explanation; may be empty.
        previous: the incidents of the last run (this function's result), or none.

    Returns:
        Frame of `INCIDENT_SCHEMA`. incident_id is derived from kind, segment and first day, and
        kept from `previous` where the episodes overlap. closed_date is the first day back in
        range.
    """
    if anomalies.is_empty():
        return pl.DataFrame(schema=INCIDENT_SCHEMA) if previous is None else previous
    first, last = anomalies["business_date"].min(), anomalies["business_date"].max()
    assert isinstance(first, date) and isinstance(last, date)
    window = completeness.filter(pl.col("business_date").is_between(first, last))
    found = pl.concat([_kpi_incidents(anomalies, changes), _data_incidents(window)])
    return _merge(found, previous, first, last).sort(
        ["opened_date", "incident_id"], descending=[True, False]
    )


def _episodes(days: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Runs of bad days: `by`, run, opened_date, last_date, closed_date, and each run's days."""
    runs = (
        days.sort(*by, "business_date")
        .with_columns(run=pl.col("is_bad").rle_id().over(by))
        .group_by(*by, "run", "is_bad")
        .agg(opened_date=pl.col("business_date").min(), last_date=pl.col("business_date").max())
        .sort(*by, "run")
        .with_columns(closed_date=pl.col("opened_date").shift(-1).over(by))
    )
    return runs.filter("is_bad").drop("is_bad")


def _kpi_incidents(anomalies: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    is_anomaly = pl.col("status") == "anomaly"
    days = (
        anomalies.group_by(*_SERIES, "business_date")
        .agg(
            is_bad=is_anomaly.any(),
            is_unsure=(pl.col("status") == "data_incomplete").any()
            | (pl.col("status") == "no_baseline").all(),
        )
        .filter(pl.col("is_bad") | ~pl.col("is_unsure"))
    )
    episodes = _episodes(days, _SERIES)
    parts = (
        anomalies.join(episodes, on=_SERIES)
        .filter(pl.col("business_date").is_between("opened_date", "last_date"))
        .filter(pl.col("status").is_in(["anomaly", "normal"]))
    )
    by_metric = (
        parts.sort("business_date")
        .group_by(*_SERIES, "run", "metric")
        .agg(
            pl.col("observed", "expected", "lower", "upper").last(),
            is_flagged=is_anomaly.any(),
            days=pl.col("business_date").n_unique(),
            worst=pl.col("impact_amount").min(),
            impact_amount=pl.col("impact_amount").sum(),
        )
    )
    told = (
        by_metric.filter("is_flagged")
        .sort(pl.col("metric") != "gmv", "impact_amount", "metric")
        .unique([*_SERIES, "run"], keep="first", maintain_order=True)
    )
    cause = (
        by_metric.filter(pl.col("metric") != "gmv", pl.col("impact_amount") < 0)
        .sort(~pl.col("is_flagged"), "impact_amount", "metric")
        .unique([*_SERIES, "run"], keep="first", maintain_order=True)
        .select(*_SERIES, "run", cause_metric="metric", cause_impact="impact_amount")
    )
    incidents = episodes.join(told, on=[*_SERIES, "run"]).join(
        cause, on=[*_SERIES, "run"], how="left"
    )
    explains = pl.col("cause_impact") <= EXPLAINS_SHARE * pl.col("impact_amount")
    incidents = _without_explained_company(incidents).with_columns(
        cause_metric=pl.when(explains).then("cause_metric"),
        severity=_severity(anomalies),
        kind=pl.lit("kpi"),
        platform=pl.when(pl.col("dimension") == "platform").then("segment"),
    )
    words = [kpi_words(row, changes) for row in incidents.to_dicts()]
    return _shape(incidents, words)


def _severity(anomalies: pl.DataFrame) -> pl.Expr:
    """Severity by the worst day against a usual day of the company in the window."""
    company = anomalies.filter(pl.col("metric") == "gmv", pl.col("dimension") == "all")
    usual = company["expected"].median() or company["observed"].median() or 0.0
    assert isinstance(usual, float)
    loss = -pl.col("worst")
    return (
        pl.when(loss >= SEVERITY_SHARES["high"] * usual)
        .then(pl.lit("high"))
        .when(loss >= SEVERITY_SHARES["medium"] * usual)
        .then(pl.lit("medium"))
        .otherwise(pl.lit("low"))
    )


def _without_explained_company(incidents: pl.DataFrame) -> pl.DataFrame:
    """Drop the company's episodes that incidents of its platforms explain."""
    company = incidents.filter(pl.col("dimension") == "all")
    platforms = incidents.filter(pl.col("dimension") == "platform")
    explained = (
        company.join(platforms, how="cross", suffix="_part")
        .filter(
            pl.col("opened_date") <= pl.col("last_date_part"),
            pl.col("opened_date_part") <= pl.col("last_date"),
        )
        .group_by("dimension", "segment", "run")
        .agg(part=pl.col("impact_amount_part").sum(), whole=pl.col("impact_amount").first())
        .filter(pl.col("part") <= EXPLAINS_SHARE * pl.col("whole"))
    )
    return incidents.join(explained, on=[*_SERIES, "run"], how="anti")


def _data_incidents(completeness: pl.DataFrame) -> pl.DataFrame:
    """One incident a source and run of unfinished days, whatever the number of its feeds."""
    judged = completeness.filter(pl.col("reason") != "not_expected")
    is_gap = ~pl.col("is_complete")
    days = judged.group_by("source", "business_date").agg(is_bad=is_gap.any())
    episodes = _episodes(days, ["source"])
    gaps = judged.filter(is_gap).join(episodes, on="source")
    summary = (
        gaps.filter(pl.col("business_date").is_between("opened_date", "last_date"))
        .group_by("source", "run")
        .agg(
            feeds=pl.col("feed").unique().sort().str.join(", "),
            platform=pl.col("platform").drop_nulls().unique().sort().str.join(", "),
            reason=pl.col("reason").sort_by("business_date", "feed").last(),
            days=pl.col("business_date").n_unique(),
            has_sales=pl.col("feed").is_in(["orders", "order_items"]).any(),
            expected_rows=pl.col("expected_rows").cast(pl.Float64).round().sum(),
            arrived_rows=pl.col("arrived_rows").sum(),
        )
    )
    incidents = episodes.join(summary, on=["source", "run"]).with_columns(
        metric=pl.lit("completeness"),
        dimension=pl.lit("source"),
        segment="source",
        kind=pl.lit("data"),
        severity=pl.when("has_sales").then(pl.lit("high")).otherwise(pl.lit("medium")),
    )
    return _shape(incidents, [data_words(row) for row in incidents.to_dicts()])


def _shape(incidents: pl.DataFrame, words: list[tuple[str, str]]) -> pl.DataFrame:
    """Add id and words, and bring the columns into the order of the schema."""
    names = zip(
        incidents["kind"],
        incidents["dimension"],
        incidents["segment"],
        incidents["opened_date"],
        strict=True,
    )
    frame = incidents.with_columns(
        pl.Series("incident_id", [_incident_id(*name) for name in names], dtype=pl.String),
        pl.Series("explanation_en", [en for en, _ in words], dtype=pl.String),
        pl.Series("explanation_zh", [zh for _, zh in words], dtype=pl.String),
    )
    return frame.select(
        pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind).alias(name)
        for name, kind in INCIDENT_SCHEMA.items()
    )


def _incident_id(kind: str, dimension: str, segment: str, opened: date) -> str:
    """An id that is the same in every run and safe as a file name."""
    digest = hashlib.sha256(f"{kind}|{dimension}|{segment}|{opened}".encode()).hexdigest()[:8]
    return f"{kind}-{opened:%Y%m%d}-{digest}"


def _merge(
    found: pl.DataFrame, previous: pl.DataFrame | None, first: date, last: date
) -> pl.DataFrame:
    """Keep the ids of the last run where episodes overlap, and close what no longer stands."""
    if previous is None or previous.is_empty():
        return found
    same = ["kind", "dimension", "segment"]
    pairs = (
        found.join(previous, on=same, suffix="_old")
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
    gone = previous.join(kept, on="incident_id", how="anti").select(list(INCIDENT_SCHEMA))
    return pl.concat([kept, gone.with_columns(pl.col("closed_date").fill_null(last))])
