"""Incidents from hand-written anomalies: which days and metrics are one story."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from models.anomaly import ANOMALY_SCHEMA
from models.incidents import INCIDENT_SCHEMA, open_incidents
from models.root_cause import change_row, sensible_comparison, top_segments

DAY = date(2026, 11, 10)
GMV, VISITORS, CONVERSION = "gmv", "visitors", "conversion_rate"


def anomalies(marks: dict[tuple[str, str, int], tuple[str, float]], days: int = 8) -> pl.DataFrame:
    """Ten days of three metrics of company and two platforms; marks: status and impact."""
    places = [("all", "all", 1000.0), ("platform", "tmall", 700.0), ("platform", "shopify", 300.0)]
    rows = []
    for day in range(days):
        for dimension, segment, gmv in places:
            for metric in (GMV, VISITORS, CONVERSION):
                status, impact = marks.get((segment, metric, day), ("normal", 1.0))
                rows.append(
                    {
                        "business_date": DAY + timedelta(day),
                        "metric": metric,
                        "dimension": dimension,
                        "segment": segment,
                        "observed": gmv + impact,
                        "expected": gmv,
                        "lower": gmv * 0.9,
                        "upper": gmv * 1.1,
                        "score": impact / 10,
                        "impact_amount": impact,
                        "status": status,
                    }
                )
    return pl.DataFrame(rows, schema=ANOMALY_SCHEMA)


def completeness(gaps: dict[tuple[str, str, int], str] | None = None) -> pl.DataFrame:
    rows = [
        {
            "business_date": DAY + timedelta(day),
            "source": source,
            "feed": feed,
            "platform": source,
            "expected_rows": 100.4,
            "arrived_rows": 40 if (source, feed, day) in (gaps or {}) else 100,
            "is_complete": (source, feed, day) not in (gaps or {}),
            "reason": (gaps or {}).get((source, feed, day), "ok"),
        }
        for day in range(8)
        for source in ("tmall", "shopify")
        for feed in ("orders", "order_items", "traffic_daily")
    ]
    return pl.DataFrame(rows)


def fall(impact: float) -> tuple[str, float]:
    return ("anomaly", impact)


NO_CHANGES = pl.DataFrame()


def test_a_fall_its_driver_and_the_company_are_one_incident() -> None:
    marks = {
        ("tmall", GMV, 3): fall(-200.0),
        ("tmall", VISITORS, 3): fall(-190.0),
        ("tmall", GMV, 4): fall(-100.0),
        ("all", GMV, 3): fall(-195.0),
    }
    found = open_incidents(anomalies(marks), completeness(), NO_CHANGES)
    assert dict(found.schema) == dict(INCIDENT_SCHEMA)
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
    found = open_incidents(anomalies(marks), completeness(), NO_CHANGES)
    assert found.sort("segment").select("segment", "metric", "severity").rows() == [
        ("shopify", "conversion_rate", "low"), ("tmall", "gmv", "medium"),
    ]  # fmt: skip


def test_the_company_speaks_for_itself_where_its_platforms_do_not_explain_it() -> None:
    marks = {("all", GMV, 3): fall(-120.0), ("shopify", GMV, 3): fall(-40.0)}
    found = open_incidents(anomalies(marks), completeness(), NO_CHANGES)
    assert sorted(found["segment"]) == ["all", "shopify"]
    alone = open_incidents(anomalies({("all", GMV, 3): fall(-120.0)}), completeness(), NO_CHANGES)
    assert alone["segment"].to_list() == ["all"]


def test_a_normal_day_ends_an_episode_and_an_unjudged_one_does_not() -> None:
    marks = {
        ("tmall", GMV, 1): fall(-100.0),
        ("tmall", GMV, 2): ("data_incomplete", 0.0),
        ("tmall", GMV, 3): fall(-100.0),
        ("tmall", GMV, 6): fall(-90.0),
    }
    found = open_incidents(anomalies(marks), completeness(), NO_CHANGES).sort("opened_date")
    assert found.select("opened_date", "last_date", "closed_date").rows() == [
        (DAY + timedelta(1), DAY + timedelta(3), DAY + timedelta(4)),
        (DAY + timedelta(6), DAY + timedelta(6), DAY + timedelta(7)),
    ]
    still = open_incidents(anomalies({("tmall", GMV, 7): fall(-90.0)}), completeness(), NO_CHANGES)
    assert still["closed_date"].to_list() == [None]


def test_all_feeds_of_a_source_are_one_data_incident() -> None:
    gaps = {
        ("tmall", "orders", 6): "stops_early",
        ("tmall", "order_items", 6): "stops_early",
        ("tmall", "orders", 7): "no_rows",
        ("tmall", "traffic_daily", 7): "no_rows",
        ("shopify", "traffic_daily", 2): "few_rows",
    }
    found = open_incidents(anomalies({}), completeness(gaps), NO_CHANGES).sort("segment")
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


def test_a_feed_not_expected_is_no_gap() -> None:
    gaps = {("shopify", "traffic_daily", 2): "not_expected"}
    assert open_incidents(anomalies({}), completeness(gaps), NO_CHANGES).is_empty()


def test_ids_are_the_same_in_every_run_and_safe_as_file_names() -> None:
    marks = {("tmall", GMV, 3): fall(-100.0)}
    first = open_incidents(anomalies(marks), completeness(), NO_CHANGES)
    second = open_incidents(anomalies(marks), completeness(), NO_CHANGES, first)
    assert first.equals(second)
    assert first["incident_id"].str.contains(r"^kpi-20261113-[0-9a-f]{8}$").all()


def test_an_incident_keeps_its_id_when_its_first_day_is_corrected() -> None:
    before = open_incidents(
        anomalies({("tmall", GMV, 3): fall(-100.0), ("tmall", GMV, 4): fall(-100.0)}),
        completeness(), NO_CHANGES,
    )  # fmt: skip
    corrected = anomalies({("tmall", GMV, 4): fall(-100.0)})
    after = open_incidents(corrected, completeness(), NO_CHANGES, before)
    assert after["incident_id"].to_list() == before["incident_id"].to_list()
    assert after["opened_date"].to_list() == [DAY + timedelta(4)]


def test_a_gap_that_was_filled_is_closed_and_not_forgotten() -> None:
    gaps = completeness({("tmall", "orders", 6): "no_rows"})
    before = open_incidents(anomalies({}, days=7), gaps, NO_CHANGES)
    assert before["closed_date"].to_list() == [None]
    after = open_incidents(anomalies({}), completeness(), NO_CHANGES, before)
    assert after["incident_id"].to_list() == before["incident_id"].to_list()
    assert after["closed_date"].to_list() == [DAY + timedelta(7)]
    later = open_incidents(anomalies({}), completeness(), NO_CHANGES, after)
    assert later.equals(after)


def test_nothing_judged_keeps_what_was_known() -> None:
    before = open_incidents(
        anomalies({("tmall", GMV, 3): fall(-100.0)}), completeness(), NO_CHANGES
    )
    assert open_incidents(anomalies({}).clear(), completeness(), NO_CHANGES, before).equals(before)
    assert open_incidents(anomalies({}).clear(), completeness(), NO_CHANGES).is_empty()


def change(
    comparison: str, dimension: str, segment: str, gmv: float, base: float
) -> dict[str, object]:
    return {
        "business_date": DAY,
        "comparison": comparison,
        "dimension": dimension,
        "segment": segment,
        "gmv": gmv,
        "base_gmv": base,
        "gmv_change": gmv - base,
    }


CHANGES = pl.DataFrame(
    [
        change("trailing_28d", "all", "all", 900.0, 1000.0),
        change("trailing_28d", "channel", "search", 300.0, 450.0),
        change("trailing_28d", "channel", "email", 350.0, 300.0),
        change("trailing_28d", "channel", "direct", 250.0, 250.0),
        change("trailing_28d", "device", "mobile", 500.0, 580.0),
        change("trailing_28d", "device", "desktop", 400.0, 420.0),
        change("last_week", "all", "all", 900.0, 800.0),
        change("last_week", "channel", "email", 350.0, 250.0),
    ]
)


def test_segments_are_ranked_in_money_and_shares_are_not_clipped() -> None:
    top = top_segments(CHANGES, DAY, "trailing_28d")
    assert top.select("dimension", "segment", "gmv_change", "position").rows() == [
        ("channel", "search", -150.0, 1),
        ("device", "mobile", -80.0, 1),
        ("device", "desktop", -20.0, 2),
    ]
    assert top["share"].to_list() == pytest.approx([1.5, 0.8, 0.2])  # 150 of 100: not clipped
    rise = top_segments(CHANGES, DAY, "last_week")
    assert rise.select("segment", "gmv_change").rows() == [("email", 100.0)]
    assert top_segments(CHANGES, DAY + timedelta(1), "last_week").is_empty()
    assert top_segments(CHANGES, DAY, "trailing_28d", limit=1).height == 2


def test_the_comparison_is_the_promo_phase_where_there_is_one() -> None:
    assert sensible_comparison(CHANGES, DAY) == "trailing_28d"
    promo = pl.concat([CHANGES, pl.DataFrame([change("promo_phase", "all", "all", 9.0, 10.0)])])
    assert sensible_comparison(promo, DAY) == "promo_phase"
    assert sensible_comparison(CHANGES, DAY + timedelta(1)) is None
    row = change_row(CHANGES, DAY, "last_week", "channel", "email")
    assert row is not None
    assert row["gmv_change"] == 100.0
    assert change_row(CHANGES, DAY, "last_week", "channel", "search") is None
