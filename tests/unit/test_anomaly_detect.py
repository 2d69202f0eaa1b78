"""The detector on a made shop with two platforms, where every planted thing is known."""

from __future__ import annotations

import functools
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.anomaly import ANOMALY_SCHEMA, DetectorParams, _closed, _survives, detect
from models.event_calendar import event_calendar
from models.incidents import open_incidents
from tests.support.judged import completeness as days_of_feeds

START, DAYS = date(2024, 9, 1), 812
LAST = START + timedelta(DAYS - 1)  # 2026-11-21
FACTORS = ("visitors", "conversion_rate", "orders_per_buyer", "aov")
LEVELS = {
    "tmall": {"visitors": 20000.0, "conversion_rate": 0.03, "orders_per_buyer": 1.1, "aov": 120.0},
    "shopify": {"visitors": 8000.0, "conversion_rate": 0.02, "orders_per_buyer": 1.1, "aov": 300.0},
}
PROMO = {
    # Two phases of two years: the platforms start on different days.
    ("tmall", 2024): (date(2024, 10, 31), date(2024, 11, 11)),
    ("shopify", 2024): (date(2024, 11, 5), date(2024, 11, 11)),
    ("tmall", 2025): (date(2025, 10, 30), date(2025, 11, 11)),
    ("shopify", 2025): (date(2025, 11, 4), date(2025, 11, 11)),
    ("tmall", 2026): (date(2026, 10, 31), date(2026, 11, 11)),
    ("shopify", 2026): (date(2026, 11, 5), date(2026, 11, 11)),
}


def dim_date() -> pl.DataFrame:
    dates = pl.date_range(START, LAST, eager=True).alias("date")
    off = [
        next((n for n in (0, 1) if (day - timedelta(n)).strftime("%m-%d") == "11-11"), None)
        for day in dates
    ]
    return pl.DataFrame(
        {"date": dates, "event_offset": pl.Series(off, dtype=pl.Int64)}
    ).with_columns(
        event=pl.when(pl.col("event_offset").is_not_null()).then(pl.lit("double_11")),
        lunar_new_year_offset=pl.lit(None, pl.Int64),
    )


def dim_promo() -> pl.DataFrame:
    return pl.DataFrame(
        [("double_11", platform, "sale", "sale", *span) for (platform, _), span in PROMO.items()],
        schema=["promo", "platform", "phase", "kind", "start_date", "end_date"], orient="row",
    )  # fmt: skip


def daily(
    hits: dict[tuple[str, date, str], float] | None = None, noise: float = 0.03, seed: int = 7
) -> pl.DataFrame:
    """Factors of each platform x noise x weekday x promo; company rows are sums."""
    rng = np.random.default_rng(seed)
    days = [START + timedelta(i) for i in range(DAYS)]
    weekday = np.array([0.9, 0.95, 1.0, 1.0, 1.05, 1.15, 1.1])[[day.weekday() for day in days]]
    parts = []
    for platform, levels in LEVELS.items():
        columns = {
            name: level * np.exp(rng.normal(0, noise if name == "visitors" else noise / 2, DAYS))
            for name, level in levels.items()
        }
        columns["visitors"] = columns["visitors"] * weekday
        for (name, _), (start, end) in PROMO.items():
            inside = [name == platform and start <= day <= end for day in days]
            columns["visitors"] = np.where(inside, columns["visitors"] * 2.5, columns["visitors"])
        for (name, day, metric), factor in (hits or {}).items():
            if name == platform and factor is not None:
                columns[metric][(day - START).days] *= factor
        parts.append(
            pl.DataFrame({"business_date": days, **columns}).with_columns(
                dimension=pl.lit("platform"), segment=pl.lit(platform)
            )
        )
    platforms = _with_sums(pl.concat(parts))
    totals = ["visitors", "buyers", "tracked_buyers", "orders", "gmv"]
    company = (
        platforms.group_by("business_date")
        .agg(pl.col(totals).sum())
        .with_columns(dimension=pl.lit("all"), segment=pl.lit("all"))
        .with_columns(
            conversion_rate=pl.col("buyers") / pl.col("visitors"),
            orders_per_buyer=pl.col("orders") / pl.col("buyers"),
            aov=pl.col("gmv") / pl.col("orders"),
        )
    )
    return pl.concat([platforms, company.select(platforms.columns)]).sort("business_date")


def _with_sums(frame: pl.DataFrame) -> pl.DataFrame:
    buyers = pl.col("visitors") * pl.col("conversion_rate")
    return frame.with_columns(
        buyers=buyers,
        tracked_buyers=buyers,
        orders=buyers * pl.col("orders_per_buyer"),
        gmv=buyers * pl.col("orders_per_buyer") * pl.col("aov"),
    )


def completeness(gaps: dict[tuple[str, str, date], str] | None = None) -> pl.DataFrame:
    """All feeds of the last 30 days, complete but for the gaps (source, feed, day) -> reason."""
    feeds = [("tmall", f) for f in ("orders", "order_items", "refunds", "traffic_daily")]
    feeds += [("shopify", f) for f in ("orders", "order_items", "refunds", "events")]
    days = [LAST - timedelta(back) for back in range(30)]
    return days_of_feeds(days, feeds, gaps or {}, (500.0, 500, 0))


@functools.cache
def quiet() -> pl.DataFrame:
    """The judgement of the shop with nothing planted, shared by the tests."""
    return judge(daily())


def judge(
    frame: pl.DataFrame, complete: pl.DataFrame | None = None, back: int = 89, **params: float
) -> pl.DataFrame:
    return detect(
        frame,
        dim_date(),
        dim_promo(),
        completeness() if complete is None else complete,
        DetectorParams(**params),  # type: ignore[arg-type]
        judge_from=LAST - timedelta(back),
    )


def on(result: pl.DataFrame, day: date, segment: str, metric: str) -> dict[str, Any]:
    return result.filter(business_date=day, segment=segment, metric=metric).row(0, named=True)


def test_a_quiet_shop_gives_no_anomaly_in_ninety_days_with_a_promotion_inside() -> None:
    result = quiet()
    assert dict(result.schema) == dict(ANOMALY_SCHEMA)
    assert set(result["status"]) == {"normal"}
    assert result["business_date"].n_unique() == 90
    # 5 metrics of company and two platforms; buyers are judged only where traffic is unknown.
    daily_rows = result.filter(~pl.col("metric").str.ends_with("_trend"))
    assert daily_rows.height == 90 * 5 * 3
    # Trends are those of three metrics of two platforms, on ordinary days.
    trends = result.join(daily_rows, on=result.columns, how="anti", nulls_equal=True)
    assert trends.group_by("metric", "segment").len().height == 3 * 2
    assert result.select("business_date", "metric", "dimension", "segment").is_unique().all()


def test_a_broken_checkout_is_found_with_its_driver_and_its_money() -> None:
    hits = {("shopify", LAST, "conversion_rate"): 0.5}
    clean = on(quiet(), LAST, "shopify", "gmv")
    result = judge(daily(hits))
    gmv = on(result, LAST, "shopify", "gmv")
    conversion = on(result, LAST, "shopify", "conversion_rate")
    assert gmv["status"] == conversion["status"] == "anomaly"
    # The expectation knows nothing of the day, so the drop does not move it; half is lost.
    assert gmv["expected"] == pytest.approx(clean["expected"], rel=1e-12)
    assert gmv["observed"] == pytest.approx(clean["observed"] / 2)
    assert gmv["impact_amount"] == pytest.approx(gmv["observed"] - gmv["expected"])
    assert gmv["lower"] < gmv["expected"] < gmv["upper"]
    ratio = conversion["observed"] / conversion["expected"]
    assert conversion["impact_amount"] == pytest.approx(gmv["expected"] * (ratio - 1))
    assert on(result, LAST, "shopify", "visitors")["status"] == "normal"
    assert on(result, LAST, "tmall", "gmv")["status"] == "normal"


def test_a_day_is_judged_from_earlier_days_only() -> None:
    frame = daily()
    cut = LAST - timedelta(20)
    whole = judge(frame, back=60).filter(pl.col("business_date") <= cut)
    short = judge(frame.filter(pl.col("business_date") <= cut), back=60)
    same = whole.join(short, on=["business_date", "metric", "segment"], suffix="_short")
    assert same.height == whole.height
    assert (same["expected"] - same["expected_short"]).abs().max() == 0
    assert (same["score"] - same["score_short"]).abs().max() == 0


def test_flagged_days_do_not_train() -> None:
    hits = {("tmall", LAST - timedelta(back), "visitors"): 0.4 for back in range(1, 11)}
    ruined, clean = judge(daily(hits)), quiet()
    after, before = (on(r, LAST, "tmall", "visitors") for r in (ruined, clean))
    # Ten days at 40 % would drag a 28-day median far down if they trained.
    assert after["expected"] == pytest.approx(before["expected"], rel=0.03)
    assert after["status"] == "normal"


def test_a_level_that_stays_is_learned_and_alerts_no_more() -> None:
    hits = {("tmall", LAST - timedelta(back), "visitors"): 0.6 for back in range(60)}
    result = judge(daily(hits)).filter(pl.col("segment") == "tmall", pl.col("metric") == "visitors")
    bad = result.filter(pl.col("status") == "anomaly")["business_date"]
    assert bad.min() == LAST - timedelta(59)
    # Three weeks are told (21 days, one more where a promo day hides one), then it is the level.
    assert bad.max() < LAST - timedelta(59) + timedelta(40)
    assert (
        result.filter(pl.col("business_date") > LAST - timedelta(7))["status"].to_list()
        == ["normal"] * 7
    )


def test_a_slump_on_a_promotion_day_is_measured_against_earlier_promotions() -> None:
    day = date(2026, 11, 9)
    result = judge(daily({("tmall", day, "visitors"): 0.4}))
    row = on(result, day, "tmall", "gmv")
    assert row["status"] == "anomaly"
    ordinary = on(result, date(2026, 10, 19), "tmall", "gmv")  # same weekday, three weeks before
    assert row["expected"] == pytest.approx(2.5 * ordinary["expected"], rel=0.15)


def test_an_event_never_seen_has_no_baseline() -> None:
    only_now = dim_promo().filter(pl.col("start_date") > date(2026, 1, 1))
    none_of_it = dim_date().with_columns(
        event=pl.lit(None, pl.String), event_offset=pl.lit(None, pl.Int64)
    )
    result = detect(daily(), none_of_it, only_now, completeness(), judge_from=date(2026, 10, 1))
    inside = result.filter(
        pl.col("segment") == "tmall",
        pl.col("business_date").is_between(*PROMO["tmall", 2026]),
    )
    assert set(inside["status"]) == {"no_baseline"}
    assert inside["expected"].null_count() == inside.height
    outside = result.filter(pl.col("business_date") < date(2026, 10, 31))
    assert set(outside["status"]) == {"normal"}


def test_a_young_shop_has_no_baseline() -> None:
    early = detect(
        daily().filter(pl.col("business_date") < START + timedelta(14)),
        dim_date(), dim_promo(), completeness(),
    )  # fmt: skip
    assert set(early["status"]) == {"no_baseline"}


def test_a_shop_that_never_sold_is_not_judged() -> None:
    nothing = daily().with_columns(pl.selectors.numeric() * 0)
    assert detect(nothing, dim_date(), dim_promo(), completeness()).is_empty()


def test_small_money_does_not_alert() -> None:
    hits = {("shopify", LAST, "aov"): 0.8}
    usual = judge(daily(hits))
    loss = -on(usual, LAST, "shopify", "gmv")["impact_amount"]
    company = on(usual, LAST, "all", "gmv")["expected"]
    assert on(usual, LAST, "shopify", "aov")["status"] == "anomaly"
    strict = judge(daily(hits), min_impact_rate=1.5 * loss / company)
    assert on(strict, LAST, "shopify", "aov")["status"] == "normal"


def test_a_gain_is_not_an_alert() -> None:
    row = on(judge(daily({("tmall", LAST, "visitors"): 2.0})), LAST, "tmall", "gmv")
    assert row["status"] == "normal"
    assert row["score"] > 3.5


HELD_BACK = {
    ("tmall", feed, LAST): "no_rows" for feed in ("orders", "order_items", "traffic_daily")
}


def test_a_file_held_back_is_one_data_incident_and_does_not_silence_the_other_shop() -> None:
    hits = {("shopify", LAST, "conversion_rate"): 0.5}
    frame = daily(hits)
    gone = (pl.col("segment") == "tmall") & (pl.col("business_date") == LAST)
    company = (pl.col("segment") == "all") & (pl.col("business_date") == LAST)
    left = frame.filter(pl.col("segment") == "shopify", pl.col("business_date") == LAST)
    frame = frame.filter(~gone).with_columns(
        gmv=pl.when(company).then(left["gmv"][0]).otherwise("gmv"),
        visitors=pl.when(company).then(left["visitors"][0]).otherwise("visitors"),
    )
    gaps = completeness(HELD_BACK)
    result = judge(frame, gaps)
    today = result.filter(pl.col("business_date") == LAST)
    assert set(today.filter(pl.col("segment") == "tmall")["status"]) == {"data_incomplete"}
    assert set(today.filter(pl.col("segment") == "all")["status"]) == {"data_incomplete"}
    assert on(result, LAST, "shopify", "gmv")["status"] == "anomaly"
    incidents = open_incidents(result, gaps, pl.DataFrame())
    told = incidents.select("kind", "segment").sort("kind").rows()
    assert told == [("data", "tmall"), ("kpi", "shopify")]


def test_a_held_back_file_alone_gives_exactly_one_incident() -> None:
    frame = daily().filter(~((pl.col("segment") == "tmall") & (pl.col("business_date") == LAST)))
    gaps = completeness(HELD_BACK)
    incidents = open_incidents(judge(frame, gaps), gaps, pl.DataFrame())
    assert incidents.select("kind", "segment", "reason", "closed_date").rows() == [
        ("data", "tmall", "no_rows", None)
    ]


def test_late_traffic_leaves_sales_judged() -> None:
    gaps = completeness({("tmall", "traffic_daily", LAST): "stops_early"})
    result = judge(daily({("tmall", LAST, "aov"): 0.5}), gaps)
    assert on(result, LAST, "tmall", "visitors")["status"] == "data_incomplete"
    assert on(result, LAST, "tmall", "conversion_rate")["status"] == "data_incomplete"
    assert on(result, LAST, "tmall", "gmv")["status"] == "anomaly"
    assert on(result, LAST, "shopify", "visitors")["status"] == "normal"


def test_incomplete_days_do_not_train() -> None:
    days = [LAST - timedelta(back) for back in range(1, 20)]
    hits = {("tmall", day, "visitors"): 0.9 for day in days}
    gaps = completeness({("tmall", "traffic_daily", day): "few_rows" for day in days})
    after = on(judge(daily(hits), gaps), LAST, "tmall", "visitors")
    before = on(quiet(), LAST, "tmall", "visitors")
    assert after["expected"] == pytest.approx(before["expected"], rel=0.04)


def test_a_shop_closed_on_saturdays_is_not_a_loss_and_one_that_stops_is() -> None:
    saturday = pl.col("business_date").dt.weekday() == 6
    sold = daily().filter(~saturday)
    closed = judge(sold)
    rest = closed.filter(saturday, pl.col("metric") == "gmv", pl.col("segment") == "tmall")
    assert set(rest["status"]) == {"normal"}
    assert rest["expected"].to_list() == [0.0] * rest.height
    friday = LAST - timedelta(1)
    stopped = sold.with_columns(
        gmv=pl.when((pl.col("segment") == "tmall") & (pl.col("business_date") == friday))
        .then(0.0)
        .otherwise("gmv")
    )
    row = on(judge(stopped), friday, "tmall", "gmv")
    assert row["status"] == "anomaly"
    assert row["impact_amount"] == pytest.approx(-row["expected"])


@pytest.mark.parametrize(("zeros", "is_closed"), [(0, False), (1, False), (2, True), (4, True)])
def test_a_zero_day_is_closed_from_half_of_the_weekdays_before(zeros: int, is_closed: bool) -> None:
    """29 days of which the last is zero, and so many of the four of its weekday before."""
    sold = np.full((1, 29), 5.0)
    sold[0, -1] = 0
    sold[0, [-8, -15, -22, -29][:zeros]] = 0
    assert _closed(sold, DetectorParams(closed_weekday_weeks=4))[0, -1] == is_closed


def test_buyers_stand_in_for_visitors_where_traffic_is_unknown() -> None:
    unknown = pl.when(pl.col("segment") == "shopify").then(None)
    frame = daily({("shopify", LAST, "visitors"): 0.4}).with_columns(
        visitors=unknown.otherwise("visitors"),
        conversion_rate=unknown.otherwise("conversion_rate"),
        tracked_buyers=pl.when(pl.col("segment") == "shopify")
        .then(0.0)
        .otherwise("tracked_buyers"),
    )
    result = judge(frame)
    assert set(result.filter(pl.col("segment") == "shopify")["metric"]) == {
        "gmv", "gmv_trend", "buyers", "orders_per_buyer", "aov",
    }  # fmt: skip
    assert on(result, LAST, "shopify", "buyers")["status"] == "anomaly"


def test_traffic_moves_only_the_tracked_part_of_gmv() -> None:
    half = daily({("tmall", LAST, "visitors"): 0.5}).with_columns(
        tracked_buyers=pl.col("buyers") / 2
    )
    result = judge(half)
    row = on(result, LAST, "tmall", "visitors")
    expected_gmv = on(result, LAST, "tmall", "gmv")["expected"]
    lost = 1 - row["observed"] / row["expected"]
    assert row["impact_amount"] == pytest.approx(-expected_gmv * lost / 2)


def test_benjamini_hochberg_against_a_case_by_hand() -> None:
    # m = 5, q = .05: bounds .01 .02 .03 .04 .05; sorted p .004 .019 .029 .041 .6:
    # ranks 1 to 3 pass, .041 > .04 and .6 > .05 do not.
    p = np.array([[0.029], [0.6], [0.004], [0.041], [0.019], [np.nan]])
    assert _survives(p, 0.05)[:, 0].tolist() == [True, False, True, False, True, False]
    # A step-up: rank 2 fails its own bound, rank 3 passes and carries it.
    p = np.array([[0.001], [0.045], [0.048]])
    assert _survives(p, 0.05)[:, 0].tolist() == [True, True, True]


def test_platform_phases_and_the_companys_follow_the_largest_platform() -> None:
    calendar = event_calendar(dim_date(), dim_promo(), ["tmall", "shopify"])
    assert calendar.height == 3 * DAYS

    def at(segment: str, day: date) -> tuple[object, ...]:
        return calendar.filter(pl.col("segment") == segment, pl.col("date") == day).row(0)[2:]

    begin = date(2025, 10, 30)
    assert at("tmall", begin) == ("double_11:sale", 0, begin, False)
    assert at("shopify", begin) == (None, None, None, False)
    assert at("all", date(2025, 11, 6)) == ("double_11:sale", 7, begin, False)
    assert at("shopify", date(2025, 11, 6)) == ("double_11:sale", 2, date(2025, 11, 4), False)
    assert at("tmall", date(2025, 11, 11))[3] is True  # the main day keeps its wide floor
    assert at("tmall", date(2025, 11, 12)) == ("double_11", 1, date(2025, 11, 11), False)


def test_a_day_is_of_one_event_and_of_those_of_its_platform_alone() -> None:
    """Sale before holiday, long holiday before short, closed before all; no 11.11 elsewhere."""
    first = date(2025, 10, 1)
    own = [
        ("national_day", "holiday", "holiday", first, first + timedelta(3)),
        ("mid_autumn", "holiday", "holiday", first + timedelta(1), first + timedelta(1)),
        ("birthday", "peak", "sale", first + timedelta(2), first + timedelta(4)),
        ("stocktaking", "closed", "closed", first + timedelta(3), first + timedelta(3)),
    ]
    events = pl.DataFrame(
        [(promo, "site", *rest) for promo, *rest in own],
        schema=["promo", "platform", "phase", "kind", "start_date", "end_date"], orient="row",
    )  # fmt: skip
    calendar = event_calendar(dim_date(), pl.concat([dim_promo(), events]), ["site", "tmall"])
    days = calendar.filter(pl.col("segment") == "site", pl.col("event").is_not_null())
    assert days.select("date", "event", "event_day").rows() == [
        (first, "national_day:holiday", 0),
        (first + timedelta(1), "national_day:holiday", 1),
        (first + timedelta(2), "birthday:peak", 0),
        (first + timedelta(3), "stocktaking:closed", 0),
        (first + timedelta(4), "birthday:peak", 2),
    ]  # the main day of 11.11 is none on a platform that has no phase of it


def test_no_rows_and_no_promotions_are_no_error() -> None:
    empty = detect(daily().clear(), dim_date(), dim_promo(), completeness())
    assert empty.is_empty()
    assert dict(empty.schema) == dict(ANOMALY_SCHEMA)
    result = detect(daily(), dim_date(), dim_promo().clear(), completeness().clear())
    assert result.height > 0
