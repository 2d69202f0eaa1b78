"""Rules of operations, and which detector explains another."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.episodes import STORIES
from models.incidents import open_incidents
from models.judgement import Watched, judge
from models.operations import error_rows, overdue_rows, pace_rows, stock_rows, stopped_rows
from tests.unit.test_anomaly_series import DAYS, small_shop

NO_PARTS = pl.DataFrame(schema={"business_date": pl.Date, "platform": pl.String})


def stock(on_hand: list[float], **more: Any) -> pl.DataFrame:
    count = len(on_hand)
    usual = {"daily_units": 4.0, "unit_gmv": 50.0, "platform": "site", "segment": "P1"} | more
    return pl.DataFrame(
        {"business_date": DAYS[-count:], "on_hand": on_hand}
    ).with_columns(
        **{name: pl.lit(value) for name, value in usual.items()},
        days_of_stock=pl.col("on_hand") / usual["daily_units"],
    )  # fmt: skip


def told(rows: pl.DataFrame) -> list[tuple[str, date]]:
    bad = rows.filter(status="anomaly").sort("business_date", "metric")
    return list(bad.select("metric", "business_date").iter_rows())


def test_zero_stock_is_told_on_day_zero_with_what_a_day_costs() -> None:
    rows = stock_rows(stock([40, 36, 0, 0, 30]), company_gmv=1000.0)
    assert told(rows) == [("on_hand", DAYS[-3]), ("on_hand", DAYS[-2])]
    first = rows.filter(metric="on_hand", business_date=DAYS[-3]).row(0, named=True)
    assert (first["observed"], first["expected"], first["impact_amount"]) == (0.0, 38.0, -200.0)


def test_a_product_that_sells_nothing_is_no_loss_and_one_never_in_stock_no_news() -> None:
    assert not told(stock_rows(stock([9, 0], daily_units=0.02), company_gmv=1000.0))
    assert not told(stock_rows(stock([0, 0]), company_gmv=1000.0))


def test_stock_that_lasts_days_is_told_without_a_loss() -> None:
    rows = stock_rows(stock([40, 19, 30]), company_gmv=1000.0)  # 4.75 days, then replenished
    assert told(rows) == [("days_of_stock", DAYS[-2])]
    assert rows.filter(status="anomaly")["impact_amount"].to_list() == [None]


def test_a_plan_is_over_pace_from_the_fourth_day_and_a_quarter_above() -> None:
    plans = pl.DataFrame(
        {"business_date": [date(2026, 5, 2), date(2026, 5, 9), date(2026, 5, 10)],
         "dimension": ["platform"] * 3, "segment": ["site"] * 3,
         "actual_so_far": [90.0, 126.0, 124.0], "target_so_far": [20.0, 100.0, 100.0]}
    )  # fmt: skip
    assert told(pace_rows(plans)) == [("cost_so_far", date(2026, 5, 9))]


def spend(
    cost: list[float | None], campaign: str = "search", metric: str = "campaign_cost"
) -> pl.DataFrame:
    return pl.DataFrame(
        {"business_date": DAYS[-len(cost):], "amount": cost},
        schema_overrides={"amount": pl.Float64},
    ).with_columns(
        platform=pl.lit("site"), source=pl.lit("ads"), segment=pl.lit(campaign),
        metric=pl.lit(metric),
    )  # fmt: skip


def test_a_campaign_that_stops_is_told_for_a_week_and_one_that_runs_now_and_then_is_not() -> None:
    steady = spend([100.0] * 30 + [0.0] * 12)
    video, brand = spend([200.0] * 42, "video"), spend([9.0] * 30 + [0.0] * 12, "brand")
    rows = stopped_rows(pl.concat([steady, video, brand]))
    found = told(rows)
    assert found == [("campaign_cost", day) for day in DAYS[-12:-4]]  # over a quarter of 28 days
    first = rows.filter(status="anomaly").row(0, named=True)
    assert (first["segment"], first["observed"], first["expected"]) == ("search", 0.0, 100.0)
    assert (first["lower"], first["impact_amount"]) == (10.0, None)
    now_and_then = spend([100.0, 0.0] * 20 + [0.0] * 2)
    assert not told(stopped_rows(pl.concat([now_and_then, video])))


def test_visits_of_a_campaign_that_no_account_reports_stop_if_there_were_enough() -> None:
    def stopped(usual: float) -> list[tuple[str, date]]:
        visits = spend([usual] * 38 + [1.0, 0.0], metric="campaign_visits")
        return told(stopped_rows(visits))

    assert stopped(30.0) == [("campaign_visits", day) for day in DAYS[-2:]]
    assert not stopped(15.0)


def test_a_campaign_out_of_the_report_had_no_delivery_and_no_report_says_nothing() -> None:
    video = spend([200.0] * 40, "video")
    assert told(stopped_rows(pl.concat([spend([100.0] * 40).head(38), video]))) == [
        ("campaign_cost", day) for day in DAYS[-2:]
    ]
    assert not told(stopped_rows(pl.concat([spend([100.0] * 40).head(38), video.head(38)])))
    unknown = spend([*[100.0] * 38, None, None])
    assert not told(stopped_rows(unknown))


def test_overdue_money_is_told_above_a_twentieth_of_what_was_due() -> None:
    def rows(overdue: float) -> pl.DataFrame:
        return pl.DataFrame(
            {"business_date": DAYS[-2:], "platform": ["site"] * 2, "due_amount": [500.0, 500.0],
             "overdue_amount": [overdue, 0.0]}
        )  # fmt: skip

    both = [("overdue_amount", DAYS[-2]), ("overdue_amount", DAYS[-1])]
    assert told(overdue_rows(rows(51.0))) == both  # from the first order that it is of
    assert not told(overdue_rows(rows(49.0)))


def test_errors_are_told_against_the_median_of_the_days_before() -> None:
    values = [0.004] * 20 + [0.02, 0.03, 0.004]
    frame = pl.DataFrame(
        {"business_date": DAYS[: len(values)], "segment": "web", "mean_value": values}
    )
    assert told(error_rows(frame)) == [("error_rate", DAYS[21])]  # 0.024 above is enough, 0.016 not


@pytest.fixture(scope="module")
def empty_shelf() -> pl.DataFrame:
    rng = np.random.default_rng(6)
    sold = rng.poisson(6, len(DAYS))
    sold[-7:-2] = 0
    counted = pl.DataFrame(
        {"business_date": DAYS, "dimension": "product", "segment": "P1", "platform": "site",
         "hits": sold.astype(float), "exposure": 30.0, "worth": sold * 40.0}
    )  # fmt: skip
    on_hand = np.full(len(DAYS), 80.0)
    on_hand[-7:-2] = 0
    shop = small_shop((rng.poisson(30, len(DAYS)) + sold).tolist())
    complete = pl.DataFrame(
        schema={"business_date": pl.Date, "source": pl.String, "feed": pl.String,
                "platform": pl.String, "is_complete": pl.Boolean, "reason": pl.String,
                "expected_rows": pl.Float64, "arrived_rows": pl.Int64}
    )  # fmt: skip
    from models.event_calendar import event_calendar  # noqa: F401 - the tables below are its

    dates = pl.DataFrame(
        {"date": DAYS, "event": None, "event_offset": None, "lunar_new_year_offset": None},
        schema={"date": pl.Date, "event": pl.String, "event_offset": pl.Int64,
                "lunar_new_year_offset": pl.Int64},
    )  # fmt: skip
    promos = pl.DataFrame(
        schema={"promo": pl.String, "platform": pl.String, "phase": pl.String, "kind": pl.String,
                "start_date": pl.Date, "end_date": pl.Date}
    )  # fmt: skip
    watched = Watched(counted={"orders_3_days": counted}, stock=stock(on_hand.tolist()))
    blind = Watched(counted={"orders_3_days": counted})
    tables = (shop, dates, promos, complete)
    return pl.concat(
        [judge(*tables, watched=watched).with_columns(sees=pl.lit(True)),
         judge(*tables, watched=blind).with_columns(sees=pl.lit(False))]
    )  # fmt: skip


def test_a_fall_of_a_product_out_of_stock_is_told_as_that_alone(empty_shelf: pl.DataFrame) -> None:
    bad = empty_shelf.filter(segment="P1", status="anomaly")
    assert bad.filter(pl.col("sees"))["metric"].unique().to_list() == ["on_hand"]
    assert bad.filter(~pl.col("sees"))["metric"].unique().to_list() == ["orders_3_days"]


def test_stock_is_a_story_of_its_own_that_ends(empty_shelf: pl.DataFrame) -> None:
    complete = pl.DataFrame(
        schema={"business_date": pl.Date, "source": pl.String, "feed": pl.String,
                "platform": pl.String, "is_complete": pl.Boolean, "reason": pl.String,
                "expected_rows": pl.Float64, "arrived_rows": pl.Int64}
    )  # fmt: skip
    seen = empty_shelf.filter(pl.col("sees")).drop("sees")
    incident = open_incidents(seen, complete, NO_PARTS).filter(metric="on_hand").row(0, named=True)
    assert (incident["opened_date"], incident["last_date"]) == (DAYS[-7], DAYS[-3])
    assert incident["closed_date"] == DAYS[-2]
    assert (incident["cause_dimension"], incident["cause_segment"]) == ("product", "P1")
    assert incident["impact_amount"] == pytest.approx(-5 * 200.0)


def test_every_story_has_a_word() -> None:
    from dashboards.wording.i18n import word

    assert all(
        word("metric_word", name, lang, "") for name in STORIES for lang in ("en", "zh")
    )  # fmt: skip
