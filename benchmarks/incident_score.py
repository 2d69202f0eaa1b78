"""What of the demo's planted incidents is found, how often nothing was wrong, and where it points.

Reads a finished data folder: the truth the simulator wrote beside the exports, and the build of the
last good run. The detector runs over the whole history, each day judged from the days before it.
(Which segments are large enough to be followed, and the shape of the refund lag, are taken from the
whole history.) Incidents are opened exactly as in a run.

A planted incident is found if an alert of its platform (or of the company) overlaps its days. An
alert is false if it overlaps no planted incident of its platform. Days without a baseline (the
first weeks, an event never seen before) cannot alert: what was planted there counts as missed, and
is counted apart as well.

Run: python benchmarks/incident_score.py DATA_FOLDER [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import polars as pl

from dashboards.wording.incidents import explained
from models.anomaly import FEEDS_OF_METRIC
from models.episodes import STORIES
from models.incidents import open_incidents
from models.judgement import judge
from orchestration.build import dbt
from orchestration.build.insight_frames import read_frames
from orchestration.build.registry import registry

DAYS_A_MONTH = 365.25 / 12
# Planted metric -> metrics that name it; a step of the funnel is a part of conversion.
FACTORS = {
    "visitors": {"visitors"},
    "conversion": {"conversion_rate"},
    "aov": {"aov", "gmv_per_unit"},
    "orders_per_buyer": {"orders_per_buyer"},
}


@dataclass(frozen=True)
class Score:
    """The figures of one data folder.

    Attributes:
        planted: planted incidents of the business within the data.
        judged: of these, with a baseline on at least one of their days.
        found: with an alert.
        factor_first: found, and the factor named as the cause is the planted one.
        located: found, with a segment planted.
        segment_first: of these, the segment named is the planted one.
        false_alerts: alerts of the business that overlap nothing planted.
        months: months of judged days.
        data_planted: planted incidents of the data.
        data_found: of these, with a data alert.
        data_false: data alerts that overlap nothing planted.
    """

    planted: int
    judged: int
    found: int
    factor_first: int
    located: int
    segment_first: int
    false_alerts: int
    months: float
    data_planted: int
    data_found: int
    data_false: int

    @property
    def recall(self) -> float:
        """Part of the planted incidents that was found."""
        return self.found / self.planted if self.planted else float("nan")

    @property
    def false_a_month(self) -> float:
        """False alerts a month."""
        return self.false_alerts / self.months if self.months else float("nan")


# Planted metric -> stories that tell it; any other is told as one of sales. An alert of another
# story neither finds it nor is explained by it.
STORIES_OF = {"refund_rate": ["refunds"], "late_parcels": ["fulfilment"]}
_PAID_BEFORE = 2  # an order leaves up to so many days after it is paid, which is its day


def operations(folder: Path) -> pl.DataFrame:
    """Planted incidents of operations in the form of `incidents.csv`: carriers that are late."""
    slow = pl.read_csv(folder / "slow_deliveries.csv", try_parse_dates=True)
    start = pl.col("start_date").cast(pl.Date)
    return slow.drop_nulls(["carrier", "start_date"]).select(
        incident_id=pl.format("{}-slow_carrier", start),
        kind=pl.lit("slow_carrier"),
        start_date=start - pl.duration(days=_PAID_BEFORE),
        end_date=pl.col("end_date").cast(pl.Date),
        platform=pl.lit(""),  # of every platform's name a part
        dimension=pl.lit("carrier"),
        segment="carrier",
        metric=pl.lit("late_parcels"),
        factor="late_share",
    )


def _told_by() -> pl.Expr:
    """The stories of a planted incident."""
    stock = pl.when(pl.col("kind") == "stock_out").then(pl.lit(["sales", "stock"]))
    own = pl.col("metric").replace_strict(
        STORIES_OF, default=["sales"], return_dtype=pl.List(pl.String)
    )
    errors = pl.col("kind").is_in(["broken_checkout", "payment_outage"])
    return stock.when(errors).then(pl.lit(["sales", "service"])).otherwise(own)


def _story(metric: str) -> pl.Expr:
    return pl.col(metric).replace_strict(STORIES, default="sales")


def matches(truth: pl.DataFrame, incidents: pl.DataFrame) -> pl.DataFrame:
    """Each planted incident with the first alert that overlaps it.

    Args:
        truth: `data/truth/incidents.csv`.
        incidents: frame of `models.incidents.INCIDENT_SCHEMA`.

    Returns:
        The truth with `alert` (null if not found), factor_first and segment_first.
    """
    kinds = pl.when(pl.col("metric") == "data").then(pl.lit("data")).otherwise(pl.lit("kpi"))
    alerts = incidents.select(
        "opened_date",
        "last_date",
        alert_kind="kind",
        alert="incident_id",
        story=_story("metric"),
        at="platform",
        told=pl.coalesce("cause_metric", pl.col("metric").replace("gmv", None)),
        where=pl.coalesce("cause_dimension", pl.lit("")),
        who=pl.coalesce("cause_segment", pl.lit("")),
    )
    pairs = (
        truth.with_columns(alert_kind=kinds, stories=_told_by())
        .join(alerts, on="alert_kind")
        .filter(
            (pl.col("alert_kind") == "data") | pl.col("stories").list.contains(pl.col("story")),
            pl.col("opened_date") <= pl.col("end_date"),
            pl.col("last_date") >= pl.col("start_date"),
            pl.col("at").is_null() | pl.col("at").str.contains(pl.col("platform"), literal=True),
        )
        .sort("incident_id", pl.col("at").is_null(), "opened_date", "alert")
        .unique("incident_id", keep="first", maintain_order=True)
    )
    right = [
        told in FACTORS.get(metric, {metric})
        or (metric == "conversion" and told is not None and told not in FEEDS_OF_METRIC)
        for metric, told in pairs.select("metric", "told").iter_rows()
    ]
    named = pairs.select(
        "incident_id",
        "alert",
        "told",
        "where",
        "who",
        pl.Series("factor_first", right, dtype=pl.Boolean),
        segment_first=(pl.col("where") == pl.col("dimension"))
        & (pl.col("who") == pl.col("segment")),
    )
    return truth.join(named, on="incident_id", how="left", maintain_order="left")


def false_alerts(truth: pl.DataFrame, incidents: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Alerts of a kind that overlap no planted incident of their platform.

    A planted gap in the data explains an alert of the business too: what it feeds looks odd.
    """
    alerts = incidents.filter(pl.col("kind") == kind)
    told = alerts.with_columns(story=_story("metric"))
    planted = truth.with_columns(stories=_told_by())
    explained = told.join(planted, how="cross", suffix="_planted").filter(
        pl.col("stories").list.contains(pl.col("story"))
        | (pl.col("metric_planted") == "data")
        | (pl.col("kind") == "data"),
        pl.col("opened_date") <= pl.col("end_date"),
        pl.col("last_date") >= pl.col("start_date"),
        pl.col("platform").is_null()
        | pl.col("platform").str.contains(pl.col("platform_planted"), literal=True),
    )
    return alerts.join(explained, on="incident_id", how="anti")


def score(truth: pl.DataFrame, incidents: pl.DataFrame, anomalies: pl.DataFrame) -> Score:
    """Compare what was planted with what was told.

    Args:
        truth: `data/truth/incidents.csv`.
        incidents: what `open_incidents` returns for the whole history.
        anomalies: what `detect` returns for the whole history: days with a baseline.
    """
    days = anomalies.filter(
        pl.col("dimension") == "platform",
        pl.col("metric") == "gmv",
        pl.col("status").is_in(["normal", "anomaly"]),
    ).select("business_date", at="segment")
    inside = truth.filter(
        pl.col("end_date") >= anomalies["business_date"].min(),
        pl.col("start_date") <= anomalies["business_date"].max(),
    )
    matched = matches(inside, incidents)
    business = matched.filter(pl.col("metric") != "data")
    found = business.filter(pl.col("alert").is_not_null())
    could = business.join(days, how="cross").filter(
        pl.col("business_date").is_between("start_date", "end_date"),
        pl.col("at") == pl.col("platform"),
    )
    located = found.filter(pl.col("dimension") != "all")
    data = matched.filter(pl.col("metric") == "data")
    return Score(
        planted=len(business),
        judged=could["incident_id"].n_unique(),
        found=len(found),
        factor_first=int(found["factor_first"].sum()),
        located=len(located),
        segment_first=int(located["segment_first"].sum()),
        false_alerts=len(false_alerts(inside, incidents, "kpi")),
        months=days["business_date"].n_unique() / DAYS_A_MONTH,
        data_planted=len(data),
        data_found=int(data["alert"].is_not_null().sum()),
        data_false=len(false_alerts(inside, incidents, "data")),
    )


def walk_forward(build: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Anomalies and incidents of the whole history of a build file.

    Args:
        build: `data/build/good.duckdb` of a finished data folder; opened read-only.
    """
    with duckdb.connect(build, read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        frames = read_frames(lambda query: con.sql(query).pl())
    anomalies = judge(
        frames.daily,
        frames.dates,
        frames.promos,
        frames.completeness,
        more=frames.series,
        watched=frames.watched,
    )
    return anomalies, open_incidents(anomalies, frames.completeness, frames.parts)


def main() -> None:
    """Print the figures of a data folder, and each planted incident with what was told of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help="the folder that holds build/ and truth/")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    truth = pl.read_csv(options.data / "truth" / "incidents.csv", try_parse_dates=True)
    started = time.perf_counter()
    anomalies, incidents = walk_forward(options.data / "build" / "good.duckdb")
    seconds = time.perf_counter() - started
    result = score(truth, incidents, anomalies)
    if options.json:
        figures = {"recall": result.recall, "false_a_month": result.false_a_month}
        print(json.dumps({**asdict(result), **figures}, indent=2))
        return
    series = anomalies.select("metric", "dimension", "segment", "platform").unique().height
    print(f"{series} series, {result.months:.1f} months judged, {seconds:.1f} s in all")
    print(f"planted incidents of the business found: {result.found} of {result.planted}"
          f" ({result.recall:.0%}); {result.judged} had a baseline")  # fmt: skip
    print(f"false alerts: {result.false_alerts} ({result.false_a_month:.2f} a month)")
    print(f"planted factor first: {result.factor_first} of {result.found} found")
    print(f"planted segment first: {result.segment_first} of {result.located} found")
    print(f"planted gaps of the data found: {result.data_found} of {result.data_planted};"
          f" {result.data_false} data alerts without one")  # fmt: skip
    print()
    for row in matches(truth, incidents).sort("start_date").to_dicts():
        told = f"{row['told']} in {row['where']} {row['who']}" if row["alert"] else "not found"
        marks = "".join("+" if row[name] else "-" for name in ("factor_first", "segment_first"))
        place = f"{row['platform']:8s} {row['kind']:20s} {row['dimension']} {row['segment']}"
        print(f"{row['start_date']} {place}: {told} {marks if row['alert'] else ''}")
    print("\nfalse alerts")
    dbt.prepare_manifest()
    wrong = false_alerts(truth, incidents, "kpi").sort("opened_date")
    for row in explained(wrong, registry()).to_dicts():
        print(f"{row['opened_date']} {row['explanation_en']}")


if __name__ == "__main__":
    main()
