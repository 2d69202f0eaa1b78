"""Where it happened: which segments of a platform an incident's money was lost in.

Belongs here: the expected value of a segment, its share of the loss, and the ranking of segments
and dimensions. Shares above 1 or below 0 stay as they are: segments that offset each other make
them.

Method: a segment whose own series fell out of its range and lost a good part of the money comes
first, the strongest score before all; then Adtributor (Bhagwat et al., NSDI 2014), one dimension at
a time. The expected value of a segment is the platform's own baseline of the day (METRICS.md 4)
shared out as in the 28 days before; so the losses of the segments of a dimension sum to the
platform's. What Adtributor names is a cause only where two rates, one inside and one outside, are
so much likelier than one that chance among so many segments does not make it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.episodes import STORIES
from models.root_cause_sets import SURE, two_rates

__all__ = ["ROOT_CAUSE_SCHEMA", "adtributor", "root_causes"]

ROOT_CAUSE_SCHEMA: dict[str, type[pl.DataType]] = {
    "incident_id": pl.String,
    "platform": pl.String,
    "dimension": pl.String,
    "segment": pl.String,
    "measure": pl.String,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "impact_amount": pl.Float64,
    "share": pl.Float64,
    "surprise": pl.Float64,
    "dimension_rank": pl.Int64,
    "position": pl.Int64,
    "is_cause": pl.Boolean,
    "segment_name": pl.String,
}
"""Columns of `insights.root_causes`, one row per incident, dimension and segment.

segment_name, of products, is filled in when it is written."""

BASE_DAYS = 28
MIN_SHARE = 0.10  # explanatory power below which a segment is no part of the explanation
ENOUGH = 0.67  # explanatory power at which the explanation is complete
AMOUNT_SCATTER = 1.5  # an amount of n orders scatters like n / 1.5 equal ones
OWN_PART = 0.20  # of the money, for a segment out of its range to be a place of the loss
WORSE = 1.0  # log likelihood ratio of a segment out of its range against the others of its kind
NOTABLE = 0.01  # surprise of a dimension below which the loss is everywhere alike


def _gaps_on(completeness: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Feeds that are not whole on days of the span: business_date, platform, source, feed, reason.

    Args:
        completeness: `quality.source_completeness_daily`.
        first: first day.
        last: last day.
    """
    return completeness.filter(
        pl.col("business_date").is_between(first, last),
        ~pl.col("is_complete"),
        pl.col("reason") != "not_expected",
    )


def adtributor(segments: pl.DataFrame) -> pl.DataFrame:
    """Rank segments and dimensions by surprise among those that explain a fall.

    Args:
        segments: dimension, segment, observed, expected (additive, of one total a dimension);
            weight, if known: orders or visitors the observed value rests on.

    Returns:
        The rows with share (explanatory power: the segment's part of the dimension's change, not
        clipped, null where nothing changed), surprise (Jensen-Shannon term of its part of the
        whole), is_cause, position (within the dimension; segments against the direction last) and
        dimension_rank (by the summed surprise of each dimension's causes, less what chance alone
        makes of so many segments: the divergence of n draws over k segments is (k - 1) / 8n on
        average, or thirty regions of two orders each would always be the place).
    """
    whole, wanted = (pl.col(name).sum().over("dimension") for name in ("observed", "expected"))
    change = pl.col("observed") - pl.col("expected")
    p, q = pl.col("expected") / wanted, pl.col("observed") / whole

    def term(part: pl.Expr) -> pl.Expr:
        """0 ln 0 = 0."""
        return pl.when(part > 0).then(part * (2 * part / (p + q)).log()).otherwise(0.0)

    total = whole - wanted
    ranked = segments.with_columns(
        share=pl.when(total != 0).then(change / total),
        # Nothing left anywhere: no part of it says where.
        surprise=pl.when(whole > 0).then(0.5 * (term(p) + term(q))).fill_nan(0.0).fill_null(0.0),
    ).sort(
        "dimension",
        (pl.col("share") > MIN_SHARE).fill_null(False),
        "surprise",
        "segment",
        descending=[False, True, True, False],
    )
    strong = (pl.col("share") > MIN_SHARE).fill_null(False)
    before = pl.when(strong).then("share").otherwise(0.0).cum_sum().over("dimension")
    found = ranked.with_columns(
        position=pl.int_range(1, pl.len() + 1).over("dimension"),
        is_cause=strong & (before - pl.col("share") < ENOUGH),
    )
    surprise = pl.col("surprise").filter("is_cause").sum()
    if "weight" in segments.columns:
        chance = (pl.len() - 1) / (8 * pl.col("weight").sum())
        surprise -= pl.when(pl.col("weight").sum() > 0).then(chance).otherwise(0.0)
    return (
        found.with_columns(strength=surprise.over("dimension"))
        .with_columns(dimension_rank=pl.struct(-pl.col("strength"), "dimension").rank("dense"))
        .with_columns(is_cause=pl.col("is_cause") & (pl.col("strength") >= NOTABLE))
        .sort("dimension_rank", "position")
        .drop("strength")
    )


def root_causes(
    incidents: pl.DataFrame,
    anomalies: pl.DataFrame,
    parts: pl.DataFrame,
    completeness: pl.DataFrame,
) -> pl.DataFrame:
    """Where each KPI incident's money was lost.

    An incident of a platform is looked into within this platform; one of the company within all
    platforms whose data of the days are whole, so that a file that is missing is never a place.

    Args:
        incidents: incident_id, kind, metric, cause_metric, platform, opened_date, last_date.
        anomalies: what `anomaly.detect` returns, of company and platforms at least.
        parts: business_date, platform, dimension, segment, gmv, visitors of every segment.
        completeness: `quality.source_completeness_daily`.

    Returns:
        Frame of `ROOT_CAUSE_SCHEMA`. Nothing for incidents that are a story of their own, and
        for days without an expectation.
    """
    found = [pl.DataFrame(schema=ROOT_CAUSE_SCHEMA)]
    told = incidents.filter(pl.col("kind") == "kpi")
    for incident in told.to_dicts():
        if incident["metric"] in STORIES or parts.is_empty():
            found.append(_shaped(_with_told(_NOWHERE, incident), incident, incident["metric"]))
            continue
        first, last = incident["opened_date"], incident["last_date"]
        is_traffic = "visitors" in (incident["metric"], incident["cause_metric"])
        measure = "visitors" if is_traffic else "gmv"
        missing = _gaps_on(completeness, first - timedelta(days=BASE_DAYS), last)
        missing = missing.filter(pl.col("feed") != "campaign_spend")
        near = parts.filter(
            pl.col("business_date").is_between(first - timedelta(days=BASE_DAYS), last)
        ).join(missing, on=["business_date", "platform"], how="anti")
        if incident["platform"] is not None:
            near = near.filter(pl.col("platform") == incident["platform"])
        else:
            late = missing.filter(pl.col("business_date") >= first)["platform"].unique()
            near = near.filter(~pl.col("platform").is_in(late.to_list()))
        segments = _segments(near, anomalies, measure, first)
        ranked = _NOWHERE
        if len(segments):
            ranked = _beyond_chance(adtributor(segments))
            ranked = _with_evidence(ranked, _evidence(anomalies, incident))
        found.append(_shaped(_with_told(ranked, incident), incident, measure))
    return pl.concat(found)


_NOWHERE = pl.DataFrame(
    schema={
        name: kind
        for name, kind in ROOT_CAUSE_SCHEMA.items()
        if name not in ("incident_id", "platform", "measure", "segment_name")
    }
)


def _shaped(ranked: pl.DataFrame, incident: dict[str, Any], measure: str) -> pl.DataFrame:
    return ranked.with_columns(
        incident_id=pl.lit(incident["incident_id"]),
        platform=pl.lit(incident["platform"], pl.String),
        measure=pl.lit(measure),
        segment_name=pl.lit(None, pl.String),
    ).select(pl.col(name).cast(kind) for name, kind in ROOT_CAUSE_SCHEMA.items())


def _beyond_chance(ranked: pl.DataFrame) -> pl.DataFrame:
    """Only such causes as chance does not make of orders (visitors) as few as these.

    What is not attributed is no place: nobody can look there. Where the counts are not known all
    causes stand.
    """
    parts = []
    for rows in ranked.partition_by("dimension", maintain_order=True):
        weight, total, wanted = (
            float(rows[name].sum() or 0.0) if name in rows.columns else 0.0
            for name in ("weight", "observed", "expected")
        )
        if weight and total and wanted:
            size = weight / total  # how many counts one of the measure is
            ratio = two_rates(
                rows["observed"].to_numpy() * size, rows["expected"].to_numpy() * size,
                total * size, wanted * size,
            )  # fmt: skip
        else:
            ratio = np.full(len(rows), np.inf)
        told = ~pl.col("segment").str.starts_with("(") & (
            pl.col("ratio") >= SURE + np.log(len(rows))
        )
        judged = rows.with_columns(ratio=pl.Series(ratio, dtype=pl.Float64))
        parts.append(judged.with_columns(is_cause=pl.col("is_cause") & told))
    return pl.concat(parts)


def _with_told(ranked: pl.DataFrame, incident: dict[str, Any]) -> pl.DataFrame:
    """Put the segment that an incident is told by before all others; it is added if missing."""
    dimension, segment = incident["dimension"], incident["segment"]
    if dimension in ("all", "platform"):
        return ranked
    if ranked.filter(dimension=dimension, segment=segment).is_empty():
        own = pl.DataFrame({
            "dimension": [dimension], "segment": [segment],
            "observed": [incident["observed_amount"]], "expected": [incident["expected_amount"]],
            "impact_amount": [incident["impact_amount"]], "position": [0], "dimension_rank": [0],
        }).with_columns(pl.col("observed", "expected", "impact_amount").cast(pl.Float64),
                        pl.col("position", "dimension_rank").cast(pl.Int64))  # fmt: skip
        ranked = pl.concat([own, ranked], how="diagonal_relaxed")
    mine = (pl.col("dimension") == dimension) & (pl.col("segment") == segment)
    of_mine = pl.col("dimension") == dimension
    return (
        ranked.with_columns(is_cause=pl.col("is_cause").fill_null(value=False) | mine)
        .sort(~of_mine, "dimension_rank", ~mine, "position")
        .with_columns(
            dimension_rank=pl.struct(~of_mine, "dimension_rank").rank("dense").cast(pl.Int64),
            position=pl.int_range(1, pl.len() + 1).over("dimension"),
        )
    )


def _evidence(anomalies: pl.DataFrame, incident: dict[str, Any]) -> pl.DataFrame:
    """Segments of the incident's platform that were out of their own range in its days.

    Only those that lost a good part of its money: where a coupon cuts every price, a product
    whose own price is seen to fall is no place of it.
    """
    flagged = anomalies.filter(
        pl.col("status") == "anomaly",
        pl.col("business_date").is_between(incident["opened_date"], incident["last_date"]),
        ~pl.col("metric").is_in(list(STORIES)),
    )
    if incident["platform"] is not None:
        flagged = flagged.filter(pl.col("platform") == incident["platform"])
    sums = flagged.group_by("dimension", "segment", "metric").agg(
        evidence=-pl.col("score").min(), own=pl.col("impact_amount").sum()
    )
    most = min(0.0, float(incident["impact_amount"] or 0.0))
    return (
        sums.filter((pl.col("own").abs() >= OWN_PART * abs(most)) | (pl.lit(most) == 0))
        .group_by("dimension", "segment")
        .agg(pl.col("evidence").max())
    )


def _with_evidence(ranked: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """Put segments that were seen to fall before those whose share says so."""
    own = pl.col("evidence")
    lead = own.max().over("dimension")
    order = pl.struct(-lead, "dimension_rank").rank("dense").cast(pl.Int64)
    place = pl.struct(-own, "position").rank("ordinal").over("dimension").cast(pl.Int64)
    return (
        ranked.join(evidence, on=["dimension", "segment"], how="left")
        # Where all fell alike the largest is out of its range first, and is no place of it.
        .with_columns(pl.when(pl.col("ratio") >= WORSE).then(own).fill_null(0.0))
        .with_columns(dimension_rank=order, position=place, is_cause=pl.col("is_cause") | (own > 0))
        .sort("dimension_rank", "position")
        .drop("evidence")
    )


def _weighed(near: pl.DataFrame, measure: str) -> pl.DataFrame:
    """Value of each segment and day, and how many equal orders or visitors it rests on, if known.

    Dimensions of a platform that have none of it are left out.
    """
    counted = "orders" if measure == "gmv" and "orders" in near.columns else measure
    scatter = 1.0 if counted == "visitors" else AMOUNT_SCATTER
    weight = pl.col(counted).cast(pl.Float64) / scatter
    return near.with_columns(
        value=pl.col(measure).cast(pl.Float64),
        weight=pl.lit(None, pl.Float64) if counted == "gmv" else weight,
    ).filter((pl.col("value").sum() > 0).over("platform", "dimension"))


def _segments(
    near: pl.DataFrame, anomalies: pl.DataFrame, measure: str, first: date
) -> pl.DataFrame:
    """Observed and expected of every segment over the episode: dimension, segment, impact_amount.

    The platform's expectation is shared out by what its segments were of it in the days before.
    """
    columns = ["business_date", pl.col("segment").alias("platform"), "observed", "expected"]
    series = anomalies.filter(pl.col("dimension") == "platform", pl.col("expected") > 0)
    own = series.filter(pl.col("metric") == measure).select(columns)
    gmv = series.filter(pl.col("metric") == "gmv").select(
        "business_date", pl.col("segment").alias("platform"), gmv_expected="expected"
    )
    known = _weighed(near, measure)
    place = ["platform", "dimension", "segment"]
    of_base = pl.col("business_date") < first
    base = (
        known.filter(of_base)
        .group_by(place)
        .agg(base=pl.col("value").sum())
        .with_columns(part=pl.col("base") / pl.col("base").sum().over("platform", "dimension"))
    )
    days = own.join(gmv, on=["business_date", "platform"]).filter(~of_base)
    days = days.join(
        known.select("business_date", "platform").unique(), on=["business_date", "platform"]
    )
    totals = days.group_by("platform").agg(pl.col("expected", "gmv_expected", "observed").sum())
    seen = known.filter(~of_base).join(days, on=["business_date", "platform"], how="semi")
    sums = seen.group_by(place).agg(seen=pl.col("value").sum(), weight=pl.col("weight").sum())
    scale = pl.col("observed") / pl.col("seen").sum().over("platform", "dimension")
    # Sources of traffic overlap: their sum is not the platform's visitors and is scaled to them.
    amounts = (
        base.join(sums, on=place, how="full", coalesce=True)
        .join(totals, on="platform")
        .with_columns(pl.col("seen", "part").fill_null(0.0))
        .with_columns(
            wanted=pl.col("part") * pl.col("expected"),
            seen=(pl.col("seen") * scale).fill_nan(0.0),
        )
        .with_columns(
            impact=(pl.col("seen") - pl.col("wanted")) / pl.col("expected") * pl.col("gmv_expected")
        )
    )
    sums = amounts.group_by("dimension", "segment").agg(
        observed=pl.col("seen").sum(),
        expected=pl.col("wanted").sum(),
        impact_amount=pl.col("impact").sum(),
        weight=pl.col("weight").sum(),
    )
    shops = near.filter(pl.col("dimension") == "shop").group_by("platform")
    is_same = bool((shops.agg(pl.col("segment").n_unique())["segment"] <= 1).all())
    # A single segment is no place, nor is the one shop of a platform another than the platform.
    return sums.filter(
        (pl.len() > 1).over("dimension"), (pl.col("dimension") != "shop") | pl.lit(not is_same)
    )
