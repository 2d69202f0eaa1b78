"""Incidents from hand-written anomalies: which days and metrics are one story."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.wording.incidents import explained, segment_label
from models.anomaly import ANOMALY_SCHEMA
from models.incidents import INCIDENT_SCHEMA, open_incidents
from tests.support.contracts import registry
from tests.support.judged import completeness as days_of_feeds
from tests.support.judged import judged

DAY = date(2026, 11, 10)
GMV, VISITORS, CONVERSION = "gmv", "visitors", "conversion_rate"
FEEDS = ("orders", "order_items", "traffic_daily")


def anomalies(marks: dict[tuple[str, str, int], tuple[str, float]], days: int = 8) -> pl.DataFrame:
    """Ten days of three metrics of company and two platforms; marks: status and impact."""
    places = [("all", "all", None, 1000.0), ("platform", "tmall", "tmall", 700.0),
              ("platform", "shopify", "shopify", 300.0)]  # fmt: skip
    rows = []
    for day in range(days):
        for *place, gmv in places:
            for metric in (GMV, VISITORS, CONVERSION):
                status, impact = marks.get((place[1], metric, day), ("normal", 1.0))
                rows.append(judged(DAY + timedelta(day), metric, tuple(place), gmv + impact, gmv,
                                   impact / 10, status))  # fmt: skip
    return pl.DataFrame(rows, schema=ANOMALY_SCHEMA)


def completeness(gaps: dict[tuple[str, str, int], str] | None = None) -> pl.DataFrame:
    return days_of_feeds(
        [DAY + timedelta(day) for day in range(8)],
        [(source, feed) for source in ("tmall", "shopify") for feed in FEEDS],
        {
            (source, feed, DAY + timedelta(n)): why
            for (source, feed, n), why in (gaps or {}).items()
        },
        (100.4, 100, 40),
    )


def fall(impact: float) -> tuple[str, float]:
    return ("anomaly", impact)


def opened(
    marks: dict[tuple[str, str, int], tuple[str, float]] | pl.DataFrame,
    gaps: dict[tuple[str, str, int], str] | None = None,
    before: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Incidents of marks, or of anomalies, after those known before."""
    frame = marks if isinstance(marks, pl.DataFrame) else anomalies(marks)
    known = () if before is None else (before,)
    return open_incidents(frame, completeness(gaps), pl.DataFrame(), *known)


def test_a_fall_its_driver_and_the_company_are_one_incident() -> None:
    marks = {
        ("tmall", GMV, 3): fall(-200.0),
        ("tmall", VISITORS, 3): fall(-190.0),
        ("tmall", GMV, 4): fall(-100.0),
        ("all", GMV, 3): fall(-195.0),
    }
    found = opened(marks)
    assert dict(found.schema) == dict(INCIDENT_SCHEMA)
    found = explained(found, registry())
    assert found.height == 1
    told = found.row(0, named=True)
    assert (told["kind"], told["metric"], told["segment"]) == ("kpi", "gmv", "tmall")
    assert told["cause_metric"] == "visitors"
    assert told["impact_amount"] == -300.0
    assert (told["opened_date"], told["last_date"], told["days"]) == (
        DAY + timedelta(3), DAY + timedelta(4), 2,
    )  # fmt: skip
    assert told["closed_date"] == DAY + timedelta(5)
    assert told["observed"] == 600.0  # of the last day
    assert told["severity"] == "high"  # worst day: 200 of the company's 1000
    assert "300 less GMV" in told["explanation_en"]
    assert "visitors" in told["explanation_en"]
    assert "访客数" in told["explanation_zh"]


def test_two_platforms_are_two_incidents() -> None:
    marks = {
        ("tmall", GMV, 3): fall(-100.0),
        ("shopify", CONVERSION, 3): fall(-30.0),
        ("all", GMV, 3): fall(-120.0),
    }
    found = opened(marks)
    assert found.sort("segment").select("segment", "metric", "severity").rows() == [
        ("shopify", "conversion_rate", "low"), ("tmall", "gmv", "medium"),
    ]  # fmt: skip


def test_company_and_platforms_are_one_episode_told_by_the_side_that_explains_it() -> None:
    marks = {("all", GMV, 3): fall(-120.0), ("shopify", GMV, 3): fall(-40.0)}
    found = opened(marks)
    assert found["segment"].to_list() == ["all"]  # 40 of 120: the platforms do not explain it
    marks[("tmall", GMV, 3)] = fall(-60.0)
    found = opened(marks)
    assert sorted(found["segment"]) == ["shopify", "tmall"]  # 100 of 120 do
    alone = opened({("all", GMV, 3): fall(-120.0)})
    assert alone["segment"].to_list() == ["all"]


def test_a_normal_day_ends_an_episode_and_an_unjudged_one_does_not() -> None:
    marks = {
        ("tmall", GMV, 1): fall(-100.0),
        ("tmall", GMV, 2): ("data_incomplete", 0.0),
        ("tmall", GMV, 3): fall(-100.0),
        ("tmall", GMV, 6): fall(-90.0),
    }
    found = opened(marks).sort("opened_date")
    assert found.select("opened_date", "last_date", "closed_date").rows() == [
        (DAY + timedelta(1), DAY + timedelta(3), DAY + timedelta(4)),
        (DAY + timedelta(6), DAY + timedelta(6), DAY + timedelta(7)),
    ]
    still = opened({("tmall", GMV, 7): fall(-90.0)})
    assert still["closed_date"].to_list() == [None]


def test_all_feeds_of_a_source_are_one_data_incident() -> None:
    gaps = {
        ("tmall", "orders", 6): "stops_early",
        ("tmall", "order_items", 6): "stops_early",
        ("tmall", "orders", 7): "no_rows",
        ("tmall", "traffic_daily", 7): "no_rows",
        ("shopify", "traffic_daily", 2): "few_rows",
    }
    found = opened({}, gaps).sort("segment")
    rows = found.select("kind", "dimension", "segment", "severity", "feeds", "reason", "days")
    assert rows.rows() == [
        ("data", "source", "shopify", "medium", "traffic_daily", "few_rows", 1),
        ("data", "source", "tmall", "high", "order_items, orders, traffic_daily", "no_rows", 2),
    ]
    tmall = found.row(1, named=True)
    assert tmall["closed_date"] is None
    assert tmall["impact_amount"] is None
    assert (tmall["expected_rows"], tmall["arrived_rows"]) == (400, 160)
    assert found["closed_date"][0] == DAY + timedelta(3)


def test_nothing_from_anywhere_is_one_incident_of_all_sources() -> None:
    silent = {(s, f, 7): "no_rows" for s in ("tmall", "shopify") for f in FEEDS}
    alone = {("tmall", feed, 6): "no_rows" for feed in FEEDS}
    # The calendar of expected days runs on where no figure is judged any more.
    judged = anomalies({}, days=6)
    found = explained(opened(judged, silent), registry())
    assert found.select("kind", "dimension", "segment", "severity", "closed_date").rows() == [
        ("data", "all", "all sources", "high", None)
    ]
    told = found.row(0, named=True)
    assert (told["opened_date"], told["last_date"]) == (DAY + timedelta(7),) * 2
    assert "No source delivered anything" in told["explanation_en"]
    assert told["expected_rows"] == 600
    # A source that was late before stays its own story, neither ended nor extended by the day.
    both = opened(judged, silent | alone)
    assert both.sort("opened_date").select("segment", "last_date", "closed_date").rows() == [
        ("tmall", DAY + timedelta(6), None), ("all sources", DAY + timedelta(7), None),
    ]  # fmt: skip
    late = opened(judged, alone, before=both)
    closed = late.filter(pl.col("segment") == "all sources")["closed_date"]
    assert closed.to_list() == [DAY + timedelta(7)]


def test_segments_and_steps_belong_to_the_episode_of_their_platform() -> None:
    frame = anomalies({("shopify", GMV, 3): fall(-100.0)})
    like = frame.filter(pl.col("segment") == "shopify", pl.col("metric") == GMV)
    device = like.with_columns(dimension=pl.lit("device"), segment=pl.lit("mobile"))
    step = like.with_columns(metric=pl.lit("purchase_rate"))
    refunds = like.with_columns(metric=pl.lit("refund_rate"))
    found = opened(pl.concat([frame, device, step, refunds])).sort("metric")
    # Refunds are a story of their own.
    assert found.select("metric", "dimension", "segment").rows() == [
        ("gmv", "platform", "shopify"), ("refund_rate", "platform", "shopify"),
    ]  # fmt: skip
    assert found["incident_id"].n_unique() == 2
    # Only the device fell out of its range: it opens the platform's episode and is its place.
    quiet = anomalies({})
    found = opened(pl.concat([quiet, device]))
    told = found.row(0, named=True)
    assert (told["dimension"], told["segment"], told["platform"]) == ("device", "mobile", "shopify")
    assert (told["cause_dimension"], told["cause_segment"]) == ("device", "mobile")
    # Next day the whole platform falls: one incident, the same id.
    later = anomalies({("shopify", GMV, 4): fall(-100.0)})
    again = opened(pl.concat([later, device]), before=found)
    assert again["incident_id"].to_list() == found["incident_id"].to_list()
    assert again["dimension"].to_list() == ["platform"]


def test_visitors_that_do_not_buy_are_the_cause_of_a_lower_conversion() -> None:
    frame = anomalies(
        {("shopify", CONVERSION, 3): fall(-120.0), ("shopify", GMV, 3): ("normal", 4.0)}
    )
    crowd = (
        (pl.col("segment") == "shopify")
        & (pl.col("metric") == VISITORS)
        & (pl.col("business_date") == DAY + timedelta(3))
    )
    crowded = frame.with_columns(
        observed=pl.when(crowd).then(500.0).otherwise("observed"),
        impact_amount=pl.when(crowd).then(200.0).otherwise("impact_amount"),
    )
    told = explained(opened(crowded), registry()).row(0, named=True)
    assert (told["metric"], told["cause_metric"], told["cause_side"]) == (
        CONVERSION, VISITORS, "above",
    )  # fmt: skip
    # Conversion's 120 were never lost: GMV was 4 above its expectation.
    assert (told["impact_amount"], told["severity"]) == (4.0, "low")
    assert "robots" in told["explanation_en"] and "机器流量" in told["explanation_zh"]
    usual = opened(frame).row(0, named=True)
    assert (usual["cause_metric"], usual["cause_side"]) == (CONVERSION, None)
    # 180 of 300 at the logarithmic mean of 304 and 300. The rest is 1/301 by the days before and
    # 1/300 by the expectations: visitors and conversion share the difference.
    worth = (304 - 300) / math.log(304 / 300)
    lost = worth * (math.log(180 / 300) - math.log(301 / 300) / 2)
    assert usual["impact_amount"] == pytest.approx(lost, abs=0.005)
    assert usual["impact_of"] == "metric"


def test_orders_per_buyer_above_their_range_are_told_so() -> None:
    frame = anomalies({("shopify", VISITORS, 3): ("anomaly", 90.0)}).with_columns(
        metric=pl.col("metric").replace(VISITORS, "orders_per_buyer")
    )
    told = explained(opened(frame), registry()).row(0, named=True)
    assert "orders per buyer above the expected range" in told["explanation_en"]
    # The other drivers may have cost more: it is what this one adds, not what GMV gained: 390 of
    # 300 at the mean of 301 and 300, of which half of the 1/300 above goes to the other factor.
    assert "78 more GMV by itself" in told["explanation_en"]
    assert "高于预期区间" in told["explanation_zh"]


def test_a_gain_has_no_driver_that_fell_as_its_cause() -> None:
    # A third below the expectation: orders per buyer 4/3 of theirs, order values half.
    frame = anomalies({
        ("shopify", VISITORS, 3): ("anomaly", 100.0),
        ("shopify", CONVERSION, 3): ("normal", -150.0),
        ("shopify", GMV, 3): ("normal", -100.0),
    }).with_columns(
        metric=pl.col("metric").replace({VISITORS: "orders_per_buyer", CONVERSION: "aov"})
    )  # fmt: skip
    found = opened(frame)
    mean = 100 / math.log(300 / 200)
    gain = mean * (math.log(4 / 3) - math.log(301 / 300) / 2)
    assert found["impact_amount"].to_list() == [pytest.approx(gain, abs=0.005)]
    assert found["cause_metric"].to_list() == [None]
    told = explained(found, registry()).row(0, named=True)
    assert told["explanation_en"] == (
        "Shopify: orders per buyer above the expected range on 2026-11-13, 71 more GMV by itself."
    )
    assert "仅此一项使支付金额多 71" in told["explanation_zh"]


@pytest.mark.parametrize(
    ("place", "en", "zh"),
    [
        (("device", "mobile"), "device mobile", "设备 手机"),
        (("channel", "paid_search"), "channel paid search", "渠道 付费搜索"),
        (("platform", "tmall"), "platform Tmall", "平台 天猫"),
        (("region", "Berlin"), "region Berlin", "地区 Berlin"),
        (("channel", "(untracked)"), "channel (untracked)", "渠道 （未跟踪）"),
    ],
)
def test_a_place_is_called_by_its_name(place: tuple[str, str], en: str, zh: str) -> None:
    assert segment_label(*place, "en") == en
    assert segment_label(*place, "zh") == zh


metrics_told = st.sampled_from(["gmv", "gmv_3_days", "visitors", "aov", "orders_per_buyer"])


@given(metrics_told, st.floats(-1e7, 1e7), st.sampled_from([None, "above"]))
def test_the_sentence_has_the_amount_and_the_direction_of_the_row(
    metric: str, impact: float, side: str | None
) -> None:
    row = dict.fromkeys(INCIDENT_SCHEMA) | {
        "metric": metric, "dimension": "platform", "segment": "tmall", "platform": "tmall",
        "kind": "kpi", "opened_date": DAY, "last_date": DAY, "impact_amount": impact,
        "cause_side": side, "cause_metric": "visitors" if side else None,
    }  # fmt: skip
    told = explained(pl.DataFrame([row], schema=INCIDENT_SCHEMA), registry()).row(0, named=True)
    said = re.search(r"([\d,]+) (more|less) GMV (than expected|by itself)", told["explanation_en"])
    if round(abs(impact)) == 0:
        assert said is None
        return
    assert said is not None
    assert abs(float(said[1].replace(",", "")) - abs(impact)) <= 0.5
    assert (said[2] == "more") == (impact > 0)
    # Of GMV itself only, the expectation is GMV's.
    assert (said[3] == "than expected") == (metric.startswith("gmv") or side == "above")
    assert ("多" in told["explanation_zh"]) == (impact > 0)


def test_incidents_of_an_older_generation_without_the_new_columns_are_read() -> None:
    marks = {("tmall", GMV, 3): fall(-100.0)}
    before = opened(marks)
    old = before.drop("cause_dimension", "cause_segment")
    after = opened(marks, before=old)
    assert after["incident_id"].to_list() == before["incident_id"].to_list()


def test_a_feed_not_expected_is_no_gap() -> None:
    gaps = {("shopify", "traffic_daily", 2): "not_expected"}
    assert opened({}, gaps).is_empty()


def test_ids_are_the_same_in_every_run_and_safe_as_file_names() -> None:
    marks = {("tmall", GMV, 3): fall(-100.0)}
    first = opened(marks)
    second = opened(marks, before=first)
    assert first.equals(second)
    assert first["incident_id"].str.contains(r"^kpi-20261113-[0-9a-f]{8}$").all()


def test_an_incident_keeps_its_id_when_its_first_day_is_corrected() -> None:
    before = opened({("tmall", GMV, 3): fall(-100.0), ("tmall", GMV, 4): fall(-100.0)})
    after = opened({("tmall", GMV, 4): fall(-100.0)}, before=before)
    assert after["incident_id"].to_list() == before["incident_id"].to_list()
    assert after["opened_date"].to_list() == [DAY + timedelta(4)]


def test_a_gap_that_was_filled_is_closed_and_not_forgotten() -> None:
    gaps = completeness({("tmall", "orders", 6): "no_rows"})
    until = gaps.filter(pl.col("business_date") < DAY + timedelta(7))
    before = open_incidents(anomalies({}, days=7), until, pl.DataFrame())
    assert before["closed_date"].to_list() == [None]
    after = opened({}, before=before)
    assert after["incident_id"].to_list() == before["incident_id"].to_list()
    assert after["closed_date"].to_list() == [DAY + timedelta(7)]
    later = opened({}, before=after)
    assert later.equals(after)


def test_what_late_data_take_back_is_withdrawn_and_stands_again_when_found_again() -> None:
    marks = {("tmall", GMV, 6): fall(-100.0)}
    before = opened(marks)
    assert before["withdrawn_date"].to_list() == [None]
    gone = opened({}, before=before)
    assert gone.select("closed_date", "withdrawn_date").rows() == [(DAY + timedelta(7),) * 2]
    assert opened({}, before=gone).equals(gone)
    again = opened(marks, before=gone)
    assert again.equals(before)
    # An earlier day cannot take back what it does not reach, nor can a window that begins later.
    until = completeness().filter(pl.col("business_date") < DAY + timedelta(6))
    kept = open_incidents(anomalies({}, days=6), until, pl.DataFrame(), before)
    assert kept["withdrawn_date"].to_list() == [None]
    window = anomalies({}).filter(pl.col("business_date") > DAY + timedelta(6))
    assert opened(window, before=before)["withdrawn_date"].to_list() == [None]


def test_half_of_a_usual_day_lost_is_critical() -> None:
    severities = [
        opened({("tmall", GMV, 3): fall(-loss)})["severity"].to_list()
        for loss in (499.0, 500.0, 199.0, 200.0, 49.0, 50.0)  # of the company's 1000
    ]
    assert severities == [["high"], ["critical"], ["medium"], ["high"], ["low"], ["medium"]]


def test_nothing_judged_keeps_what_was_known() -> None:
    before = opened({("tmall", GMV, 3): fall(-100.0)})
    assert opened(anomalies({}).clear(), before=before).equals(before)
    assert opened(anomalies({}).clear()).is_empty()
