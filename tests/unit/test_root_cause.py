"""Where the money was lost: shares and surprise against a second source, places by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import jensenshannon

from dashboards.wording.comparisons import Comparisons, change_row
from models.anomaly import ANOMALY_SCHEMA
from models.incidents import open_incidents
from models.root_cause import ROOT_CAUSE_SCHEMA, adtributor, root_causes
from tests.support.contracts import comparisons
from tests.support.judged import completeness, judged

DAY = date(2026, 11, 10)
# Sales of an ordinary day; email is tmall's too, with figures of its own.
USUAL = {
    ("shopify", "channel", "search"): 400.0,
    ("shopify", "channel", "email"): 600.0,
    ("shopify", "device", "mobile"): 700.0,
    ("shopify", "device", "desktop"): 300.0,
    ("tmall", "channel", "email"): 500.0,
    ("tmall", "channel", "live"): 1500.0,
}


def parts(day: dict[tuple[str, str, str], float]) -> pl.DataFrame:
    """28 ordinary days and the day itself; half as many visitors as money."""
    rows = []
    for back in range(29):
        for (platform, dimension, segment), usual in USUAL.items():
            gmv = usual if back else day.get((platform, dimension, segment), usual)
            rows.append((DAY - timedelta(back), platform, dimension, segment, gmv, gmv / 2))
    names = ["business_date", "platform", "dimension", "segment", "gmv", "visitors"]
    return pl.DataFrame(rows, schema=names, orient="row")


def anomaly(
    metric: str, dimension: str, segment: str, observed: float, expected: float,
    platform: str | None = "shopify", score: float = -5.0,
) -> dict[str, object]:  # fmt: skip
    status = "anomaly" if score <= -3.5 else "normal"
    place = (dimension, segment, platform)
    return judged(DAY, metric, place, observed, expected, score, status)


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=ANOMALY_SCHEMA)


def gaps(*platforms: str) -> pl.DataFrame:
    missing = {(platform, "orders", DAY): "no_rows" for platform in platforms}
    feeds = [("shopify", "orders"), ("tmall", "orders")]
    return completeness([DAY], feeds, missing, (10.0, 10, 0))


def located(anomalies: pl.DataFrame, day: dict[tuple[str, str, str], float],
            completeness: pl.DataFrame) -> tuple[dict[str, object], pl.DataFrame]:  # fmt: skip
    """The one KPI incident and its causes."""
    incidents = open_incidents(anomalies, completeness, parts(day))
    kpi = incidents.filter(pl.col("kind") == "kpi")
    assert kpi.height == 1
    causes = root_causes(kpi, anomalies, parts(day), completeness)
    assert dict(causes.schema) == dict(ROOT_CAUSE_SCHEMA)
    return kpi.row(0, named=True), causes


def test_surprise_is_the_jensen_shannon_divergence_shared_out() -> None:
    segments = pl.DataFrame(
        {
            "dimension": ["a"] * 4,
            "segment": ["p", "q", "r", "s"],
            "expected": [60.0, 30.0, 10.0, 0.0],
            "observed": [20.0, 30.0, 0.0, 5.0],
        }
    )
    ranked = adtributor(segments)
    p = np.array([60, 30, 10, 0]) / 100
    q = np.array([20, 30, 0, 5]) / 55
    assert ranked["surprise"].sum() == pytest.approx(jensenshannon(p, q) ** 2)
    # Of the fall by 45: p 40, r 10, s rose by 5; nothing is clipped.
    shares = dict(zip(ranked["segment"], ranked["share"], strict=True))
    assert shares == pytest.approx({"p": 40 / 45, "q": 0.0, "r": 10 / 45, "s": -5 / 45})
    # r fell to nothing, which surprises most; p is needed to explain two thirds.
    assert ranked.filter("is_cause")["segment"].to_list() == ["r", "p"]


def test_chance_alone_makes_no_place_of_many_small_segments() -> None:
    # Eight regions of five orders fell to two or three each; two devices nearly alike.
    segments = pl.DataFrame(
        {
            "dimension": ["region"] * 8 + ["device"] * 2,
            "segment": [*(f"r{n}" for n in range(8)), "mobile", "desktop"],
            "expected": [5.0] * 8 + [24.0, 16.0],
            "observed": [2.0] * 4 + [3.0] * 4 + [11.0, 9.0],
        }
    )
    assert adtributor(segments)["dimension"][0] == "region"  # more of a surprise than the devices
    ranked = adtributor(segments.with_columns(weight=pl.col("observed")))
    assert ranked["dimension"][0] == "device"  # (8 - 1) / 160 against (2 - 1) / 160 by chance
    assert not ranked["is_cause"].any()


def test_a_fall_that_is_everywhere_alike_has_no_place() -> None:
    segments = pl.DataFrame(
        {
            "dimension": ["a", "a", "b", "b"],
            "segment": ["p", "q", "r", "s"],
            "expected": [60.0, 40.0, 50.0, 50.0],
            "observed": [30.0, 20.0, 25.0, 25.0],
        }
    )
    assert not adtributor(segments)["is_cause"].any()


def test_the_place_is_within_the_platform_and_sums_to_its_loss() -> None:
    # Mobile of the site lost 600 of its 700; the marketplace's own e-mails fell as well.
    day = {
        ("shopify", "device", "mobile"): 100.0,
        ("shopify", "channel", "search"): 160.0,
        ("shopify", "channel", "email"): 240.0,
        ("tmall", "channel", "email"): 20.0,
    }
    found = frame(
        anomaly("gmv", "platform", "shopify", 400.0, 1000.0),
        anomaly("gmv", "platform", "tmall", 1520.0, 2000.0, "tmall", score=-1.0),
    )
    told, causes = located(found, day, gaps())
    assert (told["cause_dimension"], told["cause_segment"]) == ("device", "mobile")
    by_segment = {(r["dimension"], r["segment"]): r["impact_amount"] for r in causes.to_dicts()}
    assert by_segment == pytest.approx(
        {
            ("device", "mobile"): -600.0,
            ("device", "desktop"): 0.0,
            ("channel", "email"): -360.0,
            ("channel", "search"): -240.0,
        }
    )


def test_a_segment_out_of_its_own_range_comes_first() -> None:
    # Both channels fell alike, so no share says where; the series of search does.
    day = {("shopify", "channel", "search"): 160.0, ("shopify", "channel", "email"): 240.0}
    found = frame(
        anomaly("gmv", "platform", "shopify", 400.0, 1000.0),
        anomaly("visitors", "channel", "search", 80.0, 200.0, score=-9.0),
    )
    told, causes = located(found, day, gaps())
    assert (told["cause_dimension"], told["cause_segment"]) == ("channel", "search")
    assert told["dimension"] == "platform"
    assert causes.row(0, named=True)["segment"] == "search"


def test_visitors_are_followed_by_visitors_and_told_in_money() -> None:
    day = {("shopify", "channel", "search"): 0.0}
    found = frame(
        anomaly("visitors", "platform", "shopify", 300.0, 500.0),
        anomaly("gmv", "platform", "shopify", 950.0, 1000.0, score=-1.0),
    )
    told, causes = located(found, day, gaps())
    assert (told["metric"], told["cause_segment"]) == ("visitors", "search")
    first = causes.row(0, named=True)
    # 200 of 500 visitors: 40 % of the 1000 that were expected.
    assert (first["measure"], first["impact_amount"]) == ("visitors", pytest.approx(-400.0))


def test_a_company_is_looked_into_without_platforms_that_are_not_whole() -> None:
    day = {("shopify", "channel", "search"): 100.0, ("tmall", "channel", "live"): 0.0}
    found = frame(
        anomaly("gmv", "all", "all", 1200.0, 3000.0, None),
        anomaly("gmv", "platform", "shopify", 700.0, 1000.0, score=-2.0),
        anomaly("gmv", "platform", "tmall", 500.0, 2000.0, "tmall", score=-2.0),
    )
    told, causes = located(found, day, gaps("tmall"))
    assert told["dimension"] == "all"
    assert "live" not in causes["segment"].to_list()
    assert (told["cause_dimension"], told["cause_segment"]) == ("channel", "search")
    whole, everything = located(found, day, gaps())
    assert "live" in everything["segment"].to_list()
    assert whole["cause_segment"] == "live"


def changes(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    names = ["comparison", "dimension", "segment", "gmv_change"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(business_date=pl.lit(DAY))


CHANGES = changes(
    ("trailing_28d", "all", "all", -100.0), ("last_week", "all", "all", 100.0),
    ("last_week", "channel", "email", 100.0),
)  # fmt: skip


def test_the_comparison_is_the_promo_phase_where_there_is_one() -> None:
    known = Comparisons(comparisons())
    assert known.sensible(CHANGES, DAY) == "trailing_28d"
    promo = pl.concat([CHANGES, changes(("promo_phase", "all", "all", -1.0))])
    assert known.sensible(promo, DAY) == "promo_phase"
    assert known.sensible(CHANGES, DAY + timedelta(1)) is None
    row = change_row(CHANGES, DAY, "last_week", "channel", "email")
    assert row is not None
    assert row["gmv_change"] == 100.0
    assert change_row(CHANGES, DAY, "last_week", "channel", "search") is None
