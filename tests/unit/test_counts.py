"""Counts judged by exact tails: against scipy's distributions and series planted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from models.count_series import TESTS, last_steps, part_orders, product_refunds
from models.counts import (
    COUNT_SCHEMA,
    CountTest,
    judge_counts,
    lower_share_tail,
    lower_tail,
    upper_tail,
)

DAYS = [date(2026, 1, 1) + timedelta(n) for n in range(120)]
FALLS = CountTest("orders_3_days", 3, rises=False, p_value=1e-4, least_change=0.5)
RISES = CountTest(
    "refunds_3_days", 3, rises=True, p_value=1e-4, least_change=2.0, drift=0.0, from_first=False
)
STEPS = TESTS["last_step_3_days"]
WHOLE = pl.DataFrame(
    schema={"business_date": pl.Date, "feed": pl.String, "platform": pl.String,
            "is_complete": pl.Boolean, "reason": pl.String}
)  # fmt: skip


def counted(segments: dict[str, Any], exposure: Any = 40.0, worth: float | None = 50.0) -> Any:
    return pl.concat(
        pl.DataFrame(
            {"business_date": DAYS, "hits": np.asarray(hits, float),
             "exposure": np.broadcast_to(np.asarray(exposure, float), len(DAYS))}
        ).with_columns(
            dimension=pl.lit("product"), segment=pl.lit(name), platform=pl.lit("site"),
            worth=pl.col("hits") * pl.lit(worth, pl.Float64),
        ).select(pl.col(n).cast(t) for n, t in COUNT_SCHEMA.items())
        for name, hits in segments.items()
    )  # fmt: skip


def judged(frame: pl.DataFrame, test: CountTest, **more: Any) -> pl.DataFrame:
    more = {"completeness": WHOLE, "company_gmv": 1000.0} | more
    return judge_counts(frame, test=test, **more)


def flagged(result: pl.DataFrame, segment: str = "P1") -> list[date]:
    return result.filter(segment=segment, status="anomaly")["business_date"].to_list()


@pytest.mark.parametrize("size", [0.5, 3.0, 44.4, 900.0])
@pytest.mark.parametrize("mean", [0.02, 1.5, 12.0, 300.0])
def test_tails_are_those_of_the_negative_binomial(size: float, mean: float) -> None:
    hits = np.array([0.0, 1.0, 2.0, 7.0, 30.0, 250.0])
    law = stats.nbinom(size, size / (size + mean))
    assert lower_tail(hits, np.array(size), np.array(mean)) == pytest.approx(law.cdf(hits))
    assert upper_tail(hits, np.array(size), np.array(mean)) == pytest.approx(law.sf(hits - 1))


def test_figures_of_a_window_by_hand() -> None:
    # 56 days of 5 a day of 40 before the window; drift 0.15; then 0, 0 and 1.
    hits = np.full(len(DAYS), 5.0)
    hits[100:103] = [0, 0, 1]
    row = judged(counted({"P1": hits}), FALLS).filter(business_date=DAYS[102]).row(0, named=True)
    base, of = 56 * 5 + 0.5, 56 * 40 + 0.5 * 8  # half a hit of the rate of all segments, 1 of 8
    assert row["observed"] == 1.0
    assert row["expected"] == pytest.approx(base / of * 120)
    size = 1 / (1 / base + 0.15**2)
    tail = stats.nbinom.cdf(1, size, size / (size + row["expected"]))
    assert row["score"] == pytest.approx(stats.norm.ppf(tail))
    assert row["impact_amount"] == pytest.approx((1 - base / of * 40) * 50)
    # The bound is the least count that would not have alerted.
    law = stats.nbinom(size, size / (size + row["expected"]))
    assert law.cdf(row["lower"] - 1) <= 1e-4 < law.cdf(row["lower"])
    assert row["upper"] is None
    assert row["status"] == "anomaly"


def test_a_product_out_of_stock_is_told_by_its_third_day_and_not_when_it_is_back() -> None:
    rng = np.random.default_rng(1)
    hits = rng.poisson(5, len(DAYS))
    hits[100:105] = 0
    found = flagged(judged(counted({"P1": hits, "P2": rng.poisson(5, len(DAYS))}), FALLS))
    assert found == DAYS[102:105]
    assert not flagged(judged(counted({"P1": rng.poisson(5, len(DAYS))}), FALLS))


def test_a_bad_day_of_the_whole_platform_is_none_of_its_products() -> None:
    rng = np.random.default_rng(2)
    exposure = np.full(len(DAYS), 400.0)
    exposure[100:] = 40.0
    hits = rng.poisson(exposure / 8)
    assert not flagged(judged(counted({"P1": hits}, exposure), FALLS))


def test_a_rise_of_refunds_is_told_and_a_young_product_has_the_rate_of_the_others() -> None:
    rng = np.random.default_rng(3)
    others = {f"P{n}": rng.poisson(0.3, len(DAYS)) for n in range(2, 12)}
    wave = rng.poisson(0.3, len(DAYS))
    wave[100:102] = [4, 5]
    result = judged(counted({"P1": wave} | others, 1.0), replace(RISES, prior_hits=3.0))
    assert flagged(result)[0] in (DAYS[100], DAYS[101])
    assert not result.filter(pl.col("segment") != "P1", pl.col("status") == "anomaly").height
    # One that was never refunded is expected to be a little, not at all by its own days.
    quiet = np.zeros(len(DAYS))
    row = judged(counted({"P1": quiet} | others, 1.0), replace(RISES, prior_hits=3.0))
    rate = row.filter(segment="P1", business_date=DAYS[-1])["expected"][0] / 3
    all_rate = sum(h[-59:-3].sum() for h in others.values()) / (11 * 56)
    assert rate == pytest.approx(3.0 / (56 + 3.0 / all_rate))


def test_alarms_are_no_more_than_their_budget() -> None:
    rng = np.random.default_rng(4)
    quiet = counted({f"P{n}": rng.poisson(4, len(DAYS)) for n in range(150)}, worth=None)
    for p_value in (1e-2, 1e-3):
        test = replace(FALLS, days=1, p_value=p_value, least_change=1.0, drift=0.0)
        result = judged(quiet, test)
        assert result.filter(status="anomaly").height <= 1.2 * p_value * result.height


def test_days_that_are_not_whole_neither_alert_nor_teach() -> None:
    hits = np.full(len(DAYS), 5.0)
    hits[100:105] = 0
    gap = pl.DataFrame(
        [{"business_date": day, "feed": "orders", "platform": "site", "is_complete": False,
          "reason": "no_rows"} for day in DAYS[100:105]], schema=WHOLE.schema
    )  # fmt: skip
    result = judged(counted({"P1": hits}), FALLS, completeness=gap)
    assert not flagged(result)
    after = result.filter(business_date=DAYS[110])["expected"][0]
    assert after == pytest.approx((51 * 5 + 0.5) / (51 * 40 + 4) * 120)


def test_what_alerts_teaches_nothing_until_it_is_what_is_usual() -> None:
    hits = np.full(len(DAYS), 8.0)
    hits[70:] = 1.0
    found = flagged(judged(counted({"P1": hits}), FALLS))
    assert found[0] in (DAYS[70], DAYS[71], DAYS[72])
    assert 20 <= len(found) <= 40  # some weeks, then it is the level
    assert found[-1] < DAYS[-1]


@pytest.mark.parametrize("test", [FALLS, RISES, replace(STEPS, from_first=False)])
@pytest.mark.parametrize("level", [0.4, 3.0, 12.0])
def test_what_is_told_is_outside_of_the_range_it_is_told_with(
    test: CountTest, level: float
) -> None:
    """Of counts from none to many what is told is beyond the bound, and what is not is inside."""
    hits = np.tile(np.random.default_rng(8).poisson(level, len(DAYS)), (30, 1)).astype(float)
    hits[:, 100 : 100 + test.days] = 0.0
    hits[:, 100] = np.arange(30)
    exposure = np.full(len(DAYS), 40.0)
    frame = counted({f"P{n:02}": row for n, row in enumerate(hits)}, exposure, worth=None)
    day = DAYS[99 + test.days]
    rows = judged(frame, replace(test, days=test.days)).filter(business_date=day)
    inside = (pl.col("observed") <= pl.col("upper")) if test.rises else (
        pl.col("observed") >= pl.col("lower")
    )  # fmt: skip
    assert rows.filter(inside, pl.col("status") == "anomaly").is_empty()
    # The day itself must go the bad way too, which here it does on the falling side alone.
    if not test.rises:
        assert rows.filter(~inside, pl.col("status") != "anomaly").is_empty()


def test_small_money_is_not_told_and_counts_without_a_price_are() -> None:
    hits = np.full(len(DAYS), 5.0)
    hits[100:105] = 0
    assert not flagged(judged(counted({"P1": hits}, worth=0.1), FALLS))
    assert flagged(judged(counted({"P1": hits}, worth=None), FALLS))


def test_earlier_days_do_not_depend_on_later_ones() -> None:
    rng = np.random.default_rng(5)
    hits = {f"P{n}": rng.poisson(3, len(DAYS)) for n in range(5)}
    whole = judged(counted(hits), FALLS)
    short = judged(counted(hits).filter(pl.col("business_date") < DAYS[90]), FALLS)
    both = short.join(whole, on=["business_date", "segment"], suffix="_whole")
    assert both.height == short.height > 0
    assert both["expected"].to_list() == both["expected_whole"].to_list()
    late = judged(counted(hits), FALLS, judge_from=DAYS[110])
    assert late["business_date"].min() == DAYS[110]


def test_orders_of_parts_are_given_the_others_and_days_without_a_row_have_none() -> None:
    rows = [
        (DAYS[0], "site", "platform", "site", 900.0, 9),
        (DAYS[1], "site", "platform", "site", 800.0, 8),
        (DAYS[0], "site", "product", "P1", 300.0, 3),
        (DAYS[0], "site", "product", "P2", 300.0, 4),
        (DAYS[1], "site", "product", "P2", 300.0, 4),
        (DAYS[0], "site", "channel", "(untracked)", 9.0, 9),
    ]
    names = ["business_date", "platform", "dimension", "segment", "gmv", "orders"]
    found = part_orders(pl.DataFrame(rows, schema=names, orient="row"))
    got = found.sort("segment", "business_date").select("segment", "hits", "exposure").rows()
    assert got == [("P1", 3.0, 6.0), ("P1", 0.0, 8.0), ("P2", 4.0, 5.0), ("P2", 4.0, 4.0)]


def test_refunds_are_given_the_orders_they_can_be_of() -> None:
    products = pl.DataFrame(
        {"business_date": DAYS[:4], "platform": ["site"] * 4, "segment": ["P1"] * 4,
         "orders": [10, 0, 20, 0], "gmv": [100.0, 0.0, 200.0, 0.0]}
    )  # fmt: skip
    refunds = pl.DataFrame(
        {"business_date": [DAYS[3]], "platform": ["site"], "segment": ["P1"], "refund_count": [2],
         "amount": [20.0]}
    )  # fmt: skip
    lags = pl.DataFrame({"lag_days": [1, 3], "amount": [75.0, 25.0]})
    found = product_refunds(products, refunds, lags).sort("business_date")
    # Day 1: .75 x 10; day 3: .75 x 20 + .25 x 10. Days 0 and 2 have nothing to refund yet.
    assert found["exposure"].to_list() == [0.0, 7.5, 0.0, 17.5]
    assert found["hits"].to_list() == [0.0, 0.0, 0.0, 2.0]


def test_every_kind_has_a_word_in_both_languages() -> None:
    from dashboards.wording.metrics import metric_word

    for name in TESTS:
        assert TESTS[name].metric == name
        assert metric_word(name, {}, "en") != name.replace("_", " ") or name == "unpaid_orders"
        assert metric_word(name, {}, "zh") != name.replace("_", " ")


@pytest.mark.parametrize("tries", [3.0, 24.0, 400.0])
@pytest.mark.parametrize("rate", [0.05, 0.5, 0.9])
def test_the_tail_of_a_share_is_the_binomial_and_wider_where_its_rate_is_unsure(
    tries: float, rate: float
) -> None:
    hits = np.arange(0.0, tries)
    many, mean = np.array(1e12), np.array(rate * tries)
    law = stats.binom(int(tries), rate)
    sure = lower_share_tail(hits, np.array(tries), many, mean)
    assert sure == pytest.approx(law.cdf(hits), abs=1e-8)
    # Variance of what is unsure: that of a beta-binomial whose rate has this relative scatter.
    size = 40.0
    of = rate / ((1 - rate) * size)
    unsure = stats.betabinom(int(tries), rate * (1 / of - 1), (1 - rate) * (1 / of - 1))
    wide = lower_share_tail(hits, np.array(tries), np.array(size), mean)
    low = (hits < 0.6 * mean) & (unsure.cdf(hits) >= 1e-6)
    assert unsure.var() == pytest.approx(tries * rate * (1 - rate) * (1 + (tries - 1) * of))
    assert (wide[low] >= sure[low]).all()
    assert np.log(wide[low]) == pytest.approx(np.log(unsure.cdf(hits[low])), rel=0.45, abs=0.25)


def attempts(passed: Any) -> pl.DataFrame:
    """Of 8 a day at the checkout in each of five regions four buy; of these two came directly."""
    return pl.concat(
        pl.DataFrame({"business_date": DAYS, "reached_2": np.asarray(hits) + 2}).with_columns(
            platform=pl.lit("site"), region=pl.lit(f"R{n}"), reached_1=pl.lit(8),
            direct_2=pl.lit(2),
        ) for n, hits in enumerate(passed)
    )  # fmt: skip


def test_a_region_whose_checkouts_end_is_told_and_others_are_not() -> None:
    rng = np.random.default_rng(6)
    passed = rng.binomial(8, 0.5, (5, len(DAYS)))
    passed[0, 100:103] = [1, 0, 1]
    sales = pl.DataFrame(
        {"platform": ["site"], "dimension": ["platform"], "gmv": [900.0], "orders": [9]}
    )
    counted = last_steps(attempts(passed), 2, sales, ("region",))
    first = counted.sort("segment", "business_date").row(0, named=True)
    assert (first["hits"], first["exposure"]) == (passed[0, 0], 8.0)
    assert first["worth"] == 100.0 * passed[0, 0]
    result = judged(counted, STEPS)
    bad = result.filter(status="anomaly")
    assert set(bad["segment"]) == {"R0"} and DAYS[102] in bad["business_date"].to_list()
    row = result.filter(segment="R0", business_date=DAYS[102]).row(0, named=True)
    assert row["observed"] == 2.0 < row["lower"]
    assert row["score"] <= stats.norm.ppf(STEPS.p_value)


def test_shares_that_are_well_are_told_no_more_than_their_budget() -> None:
    rng = np.random.default_rng(7)
    regions = rng.binomial(8, 0.5, (60, len(DAYS)))
    sales = pl.DataFrame(
        {"platform": ["site"], "dimension": ["platform"], "gmv": [900.0], "orders": [9]}
    )
    result = judged(last_steps(attempts(regions), 2, sales, ("region",)), STEPS)
    assert result.filter(status="anomaly").height <= STEPS.p_value * result.height
