"""What of the demo's planted incidents is found, how often nothing was wrong, and where it points.

Reads a finished data folder: the truth the simulator wrote beside the exports, and the build of the
last good run. The detector runs over the whole history, each day judged from the days before it.
(Which segments are large enough to be followed, and the shape of the refund lag, are taken from the
whole history.) Incidents are opened exactly as in a run.

A planted incident is found if an alert of its platform (or of the company) overlaps its days. An
alert is false if it overlaps no planted incident of its platform. Days without a baseline (the
first weeks, an event never seen before) cannot alert: what was planted there counts as missed, and
is counted apart as well.

Every planted incident has stories that tell it (a wave of refunds those of refunds, a stock-out
stock or sales): an alert of another story does not find it, and is false where nothing of its own
story was planted. Carriers that are late are planted too; they are counted apart.

Run: python benchmarks/incident_score.py DATA_FOLDER ... [--json]
or, for several demos in one command (an hour for ten; folders that are there are not built again):
     python benchmarks/incident_score.py --seeds 51 52 53 --into FOLDER
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

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
from simulator.run import default_window, simulate

ROOT = Path(__file__).resolve().parents[1]
AS_OF = date(2026, 11, 29)
ZONE = "Asia/Shanghai"  # of shop.example.yml
DAYS_A_MONTH = 365.25 / 12
# Planted metric -> metrics that name it; a step of the funnel is a part of conversion.
FACTORS = {
    "visitors": {"visitors", "campaign_cost"},
    "conversion": {"conversion_rate", "last_step_3_days"},
    "aov": {"aov", "gmv_per_unit", "price_share"},
    "refund_rate": {"refund_rate", "refunds_3_days", "quality_refunds_7_days"},
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
        late_planted: planted weeks of a late carrier.
        late_found: of these, with an alert.
        kinds: planted and found by kind.
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
    late_planted: int
    late_found: int
    kinds: dict[str, tuple[int, int]]

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
    paused = pl.col("kind") == "campaign_paused"
    return (
        stock.when(errors)
        .then(pl.lit(["sales", "service"]))
        .when(paused)
        .then(pl.lit(["sales", "ads"]))
        .otherwise(own)
    )


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


def score(
    truth: pl.DataFrame,
    incidents: pl.DataFrame,
    anomalies: pl.DataFrame,
    late: pl.DataFrame | None = None,
) -> Score:
    """Compare what was planted with what was told.

    Args:
        truth: `data/truth/incidents.csv`.
        incidents: what `open_incidents` returns for the whole history.
        anomalies: what `judge` returns for the whole history: days with a baseline.
        late: what `operations` returns.
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
    late = truth.clear() if late is None else late.select(truth.columns)
    carriers = matches(late, incidents)
    known = pl.concat([inside, late], how="vertical_relaxed")
    kinds = matched.group_by("kind").agg(pl.len(), pl.col("alert").count()).sort("kind")
    return Score(
        planted=len(business),
        judged=could["incident_id"].n_unique(),
        found=len(found),
        factor_first=int(found["factor_first"].sum()),
        located=len(located),
        segment_first=int(located["segment_first"].sum()),
        false_alerts=len(false_alerts(known, incidents, "kpi")),
        months=days["business_date"].n_unique() / DAYS_A_MONTH,
        data_planted=len(data),
        data_found=int(data["alert"].is_not_null().sum()),
        data_false=len(false_alerts(inside, incidents, "data")),
        late_planted=len(carriers),
        late_found=int(carriers["alert"].count()),
        kinds={kind: (found, planted) for kind, planted, found in kinds.iter_rows()},
    )


def total(scores: Sequence[Score]) -> Score:
    """The sums of several data folders."""
    kinds: dict[str, tuple[int, int]] = {}
    for one in scores:
        for kind, (found, planted) in one.kinds.items():
            before = kinds.get(kind, (0, 0))
            kinds[kind] = (before[0] + found, before[1] + planted)
    names = [item.name for item in fields(Score) if item.name != "kinds"]
    sums: dict[str, Any] = {name: sum(getattr(one, name) for one in scores) for name in names}
    return Score(**sums, kinds=dict(sorted(kinds.items())))


def walk_forward(build: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Anomalies and incidents of the whole history of a build file.

    Args:
        build: `data/build/good.duckdb` of a finished data folder; opened read-only.
    """
    with duckdb.connect(build, read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        frames = read_frames(lambda query: con.sql(query).pl(), ZONE)
    # A clock that is days past the simulated ones expects files that were never to come.
    last = frames.daily.drop_nulls("gmv")["business_date"].max()
    completeness = frames.completeness.filter(pl.col("business_date") <= last)
    anomalies = judge(
        frames.daily,
        frames.dates,
        frames.promos,
        completeness,
        more=frames.series,
        watched=frames.watched,
    )
    return anomalies, open_incidents(anomalies, completeness, frames.parts)


def build_demo(seed: int, home: Path, scale: float = 1.0) -> Path:
    """The data folder of a demo with another seed, simulated and run unless it is there.

    Of another scale it sells so many times as much: of .15 nine orders a day.

    Only the build and the truth are kept: ten seeds would not fit otherwise.
    """
    if not (home / "data" / "build" / "good.duckdb").exists():
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "shop.example.yml", home / "shop.yml")
        start, history_until = default_window(AS_OF)
        simulate(
            home / "data", seed=seed, start=start, history_until=history_until, as_of=AS_OF,
            scale=scale,
        )  # fmt: skip
        # Exit code 6 and the like speak of the shop's state; without a build file it has failed.
        kpi = Path(sys.executable).with_name("kpi")
        subprocess.run([kpi, "-q", "--home", home, "run"], check=False, cwd=ROOT)
        for name in ("inbox", "landing", "published", "site", "quarantine", "dagster"):
            shutil.rmtree(home / "data" / name, ignore_errors=True)
    return home / "data"


def judged(data: Path) -> tuple[Score, pl.DataFrame, pl.DataFrame]:
    """Score, truth (with carriers) and incidents of a data folder."""
    truth = pl.read_csv(data / "truth" / "incidents.csv", try_parse_dates=True)
    late = operations(data / "truth").select(truth.columns)
    anomalies, incidents = walk_forward(data / "build" / "good.duckdb")
    every = pl.concat([truth, late], how="vertical_relaxed")
    return score(truth, incidents, anomalies, late), every, incidents


def _print(name: str, result: Score) -> None:
    print(
        f"{name}: {result.found} of {result.planted} found ({result.recall:.2f}),"
        f" {result.judged} had a baseline; false {result.false_alerts}"
        f" ({result.false_a_month:.2f} a month of {result.months:.0f}); factor first"
        f" {result.factor_first}, segment first {result.segment_first} of {result.located};"
        f" data {result.data_found} of {result.data_planted}, false {result.data_false};"
        f" late carriers {result.late_found} of {result.late_planted}"
    )


def main() -> None:
    """Print the figures of data folders; of one alone each planted incident and false alert."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, nargs="*", help="folders that hold build/ and truth/")
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--into", type=Path, help="where demos of --seeds are built")
    parser.add_argument("--scale", type=float, default=1.0, help="size of demos of --seeds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folders = options.data + [
        build_demo(seed, options.into / f"seed_{seed}", options.scale) for seed in options.seeds
    ]
    started = time.perf_counter()
    results = [judged(folder) for folder in folders]
    seconds = time.perf_counter() - started
    whole = total([one for one, _, _ in results])
    if options.json:
        figures = {"recall": whole.recall, "false_a_month": whole.false_a_month}
        print(json.dumps({**asdict(whole), **figures}, indent=2))
        return
    for folder, (one, _, _) in zip(folders, results, strict=True):
        _print(str(folder), one)
    _print("all", whole)
    print(f"{seconds:.1f} s of judging")
    for kind, (found, planted) in whole.kinds.items():
        print(f"  {kind:20s} {found} of {planted}")
    if len(results) == 1:
        _print_each(*results[0][1:])


def _print_each(truth: pl.DataFrame, incidents: pl.DataFrame) -> None:
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
