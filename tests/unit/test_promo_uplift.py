"""What a promotion is said to have brought is what was planted, by hand and by the simulator."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from benchmarks.plan_score import company_run, uplift_run
from models.promo_uplift import NEW_BUYER_SCHEMA, UPLIFT_SCHEMA, new_buyers, promo_uplift

WEEK = np.array([0.8, 0.9, 1.0, 1.0, 1.1, 1.3, 1.2])
FIRST, LAST = date(2025, 6, 10), date(2025, 6, 18)
DAYS = [FIRST + timedelta(days=n) for n in range(-90, 100)]
PROMOS = pl.DataFrame({"promo": "fair", "promo_year": 2025, "platform": "a",
                       "first_date": FIRST, "last_date": LAST})  # fmt: skip
PHASES = PROMOS.select("platform", start_date="first_date", end_date="last_date")


def sales(gmv: NDArray[np.float64], days: list[date] = DAYS) -> pl.DataFrame:
    return pl.DataFrame({"promo": "fair", "promo_year": 2025, "platform": "a", "measure": "gmv",
                         "business_date": days, "gmv": gmv})  # fmt: skip


def ordinary() -> NDArray[np.float64]:
    return 1000.0 * WEEK[[day.weekday() for day in DAYS]] * 1.001 ** np.arange(len(DAYS))


def test_without_noise_the_uplift_is_that_planted() -> None:
    usual = ordinary()
    within = np.array([FIRST <= day <= LAST for day in DAYS])
    after = np.array([LAST < day <= LAST + timedelta(days=14) for day in DAYS])
    before = np.array([FIRST - timedelta(days=7) <= day < FIRST for day in DAYS])
    gmv = usual * np.select([within, after, before], [3.0, 0.8, 0.9], 1.0)
    found = promo_uplift(sales(gmv), PROMOS, PHASES)
    assert found.schema == pl.Schema(UPLIFT_SCHEMA)
    told = {row["part"]: row for row in found.to_dicts()}
    for part, days in (("before", before), ("promo", within), ("after", after)):
        planted = (gmv - usual)[days].sum()
        assert told[part]["uplift_amount"] == pytest.approx(planted, rel=1e-3)
        assert told[part]["day_count"] == days.sum()
    assert told["promo"]["uplift_rate"] == pytest.approx(2.0, rel=1e-3)
    assert told["total"]["uplift_amount"] == pytest.approx((gmv - usual).sum(), rel=1e-3)


def test_a_closed_weekday_expects_nothing() -> None:
    usual = ordinary() * np.array([day.weekday() != 6 for day in DAYS])
    found = promo_uplift(sales(usual), PROMOS, PHASES)
    assert found["uplift_rate"].to_list() == pytest.approx([0.0] * 4, abs=1e-3)


def test_days_that_are_not_known_are_left_out() -> None:
    usual = ordinary()
    usual[DAYS.index(FIRST)] = np.nan
    holed = sales(usual).with_columns(pl.col("gmv").fill_nan(None))
    [row] = promo_uplift(holed, PROMOS, PHASES).filter(part="promo").to_dicts()
    assert (row["day_count"], row["first_date"]) == (8, FIRST + timedelta(days=1))
    assert row["uplift_rate"] == pytest.approx(0.0, abs=1e-3)
    until = FIRST + timedelta(days=2)  # not over
    begun = sales(ordinary()).filter(pl.col("business_date") <= until)
    [row] = promo_uplift(begun, PROMOS, PHASES).filter(part="promo").to_dicts()
    assert (row["day_count"], row["last_date"]) == (3, until)
    fest = pl.concat([PHASES, PHASES.with_columns(
        start_date=LAST + timedelta(days=3), end_date=LAST + timedelta(days=20)
    )])  # fmt: skip
    after = promo_uplift(sales(ordinary()), PROMOS, fest).filter(part="after")
    assert after["day_count"].to_list() == [2]  # before the other begins
    young = sales(ordinary()).filter(pl.col("business_date") >= FIRST - timedelta(days=20))
    assert promo_uplift(young.filter(pl.col("business_date") <= LAST), PROMOS, PHASES).is_empty()


def test_new_buyers_are_compared_as_two_proportions_are() -> None:
    cohorts = pl.DataFrame(
        [("a", 2025, "p", 10_000, 250, 10_000, 200), ("b", 2025, "p", None, None, 10, 1)],
        orient="row", schema={"promo": pl.String, "promo_year": pl.Int32, "platform": pl.String,
                              **dict.fromkeys(("new_buyers", "returned_buyers", "ordinary_buyers",
                                               "ordinary_returned_buyers"), pl.Int64)},
    )  # fmt: skip
    found = new_buyers(cohorts, level=0.95)
    assert found.schema == pl.Schema(NEW_BUYER_SCHEMA)
    one, other = found.to_dicts()
    assert one["p_value"] == pytest.approx(0.0171258289, abs=1e-10)
    assert (one["lower"], one["upper"]) == pytest.approx((0.00088705, 0.00913827), abs=1e-8)
    assert other["difference"] is None and other["ordinary_repurchase_rate"] == 0.1


def test_planted_uplift_is_in_the_range() -> None:
    told = [one for seed in range(10) for one in uplift_run(seed)]
    assert len(told) == 10 * 6
    assert min(planted for _, planted, _ in told) > 0.1
    inside = sum(held for _, _, held in told)
    assert 49 <= inside <= 59  # of 60 at nine in ten, two standard deviations


@pytest.mark.long
@pytest.mark.parametrize("part", ["promo", "after"])
def test_planted_uplift_is_in_the_range_in_85_to_95_of_100_runs(part: str) -> None:
    """After a promotion with a peak three days sell less: that was pulled forward."""
    told = [one for seed in range(1000, 1200) for one in uplift_run(seed, part=part)]
    assert len(told) >= 1000
    inside = np.mean([held for _, _, held in told])
    assert inside >= 0.85
    if part == "promo":
        assert inside <= 0.95
    else:  # its range is wider than it need be
        assert max(planted for _, planted, _ in told) < 0


@pytest.mark.long
def test_uplift_of_whole_companies_is_in_the_range() -> None:
    told = [one for seed in range(21, 27) for one in company_run(seed)]
    assert len(told) >= 90
    assert np.mean([held for _, _, held in told]) >= 0.82  # at nine in ten, but for one in 200
