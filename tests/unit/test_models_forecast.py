"""Forecasts of shops whose sales are made by a known rule."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from models.forecast import FORECAST_SCHEMA, forecast
from tests.support.judged import completeness

FIRST, LAST = date(2025, 1, 1), date(2026, 10, 13)
DAYS = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
WEEK = np.array([0.8, 0.9, 1.0, 1.0, 1.1, 1.3, 1.2])
WHOLE = completeness([LAST], [("a", "orders")], {}, (1, 1, 1))


def daily(sales: dict[str, NDArray[np.float64]]) -> pl.DataFrame:
    """Rows of `fct_gmv_daily`, of a visitor and an order for each unit of money."""
    named = [("platform", name, values) for name, values in sales.items()]
    named.append(("all", "all", np.sum(list(sales.values()), axis=0)))
    return pl.concat(
        pl.DataFrame({
            "business_date": DAYS[: len(values)], "dimension": dimension, "segment": segment,
            "gmv": values, "visitors": values, "conversion_rate": 1.0, "buyers": values,
            "tracked_buyers": values, "orders": values, "orders_per_buyer": 1.0, "aov": 1.0,
        })
        for dimension, segment, values in named
    ).with_columns(pl.col(pl.Float64).fill_nan(None))  # fmt: skip


def dim_date(event: str | None = None) -> pl.DataFrame:
    """The calendar to a year beyond the last day; the event is each 20 October."""
    days = pl.date_range(FIRST, LAST + timedelta(days=366), eager=True)
    on = [event if (day.month, day.day) == (10, 20) else None for day in days]
    return pl.DataFrame({
        "date": days, "event": pl.Series(on, dtype=pl.String),
        "event_offset": pl.Series([0 if name else None for name in on], dtype=pl.Int64),
        "lunar_new_year_offset": pl.Series([None] * len(on), dtype=pl.Int64),
    })  # fmt: skip


def dim_promo(*rows: tuple[str, str, date]) -> pl.DataFrame:
    return pl.DataFrame(
        [(promo, platform, "peak", "sale", day, day) for promo, platform, day in rows],
        schema={"promo": pl.String, "platform": pl.String, "phase": pl.String, "kind": pl.String,
                "start_date": pl.Date, "end_date": pl.Date}, orient="row",
    )  # fmt: skip


def weekly(level: float) -> NDArray[np.float64]:
    return level * WEEK[[day.weekday() for day in DAYS]]


def test_a_shop_of_weekdays_goes_on_as_it_was() -> None:
    sales = {"a": weekly(1000.0), "b": weekly(500.0)}
    found = forecast(daily(sales), dim_date(), dim_promo(), WHOLE)
    assert found.schema == pl.Schema(FORECAST_SCHEMA)
    for name, level in (("a", 1000), ("b", 500), ("all", 1500)):
        days = found.filter(grain="day", platform=name)
        assert days["period_start"].to_list() == [LAST + timedelta(days=n) for n in range(1, 36)]
        wanted = [level * WEEK[day.weekday()] for day in days["period_start"]]
        assert days["expected_amount"].to_list() == pytest.approx(wanted, rel=1e-6)
        [october] = found.filter(grain="month", platform=name).to_dicts()
        of_month = [date(2026, 10, number) for number in range(1, 32)]
        assert october["period_start"] == date(2026, 10, 1)
        assert october["observed_amount"] == pytest.approx(
            sum(level * WEEK[day.weekday()] for day in of_month[:13])
        )
        assert october["expected_amount"] == pytest.approx(
            sum(level * WEEK[day.weekday()] for day in of_month), rel=1e-6
        )


def test_an_event_to_come_is_that_of_last_year() -> None:
    sales = weekly(1000.0) * np.random.default_rng(1).normal(1, 0.05, len(DAYS))
    sales[(date(2025, 10, 20) - FIRST).days] = 3 * 800  # a Monday; 2026 a Tuesday
    promos = dim_promo(*(("fair", "a", date(year, 10, 20)) for year in (2025, 2026)))
    found = forecast(daily({"a": sales}), dim_date(), promos, WHOLE)
    on_day = found.filter(grain="day", platform="a", period_start=date(2026, 10, 20))
    assert on_day["expected_amount"].to_list() == pytest.approx([3 * 900], rel=0.08)


def test_the_ranges_hold_what_comes() -> None:
    random = np.random.default_rng(4)
    count, until = 40, len(DAYS) - 35
    noise = np.zeros((count, len(DAYS)))
    for day in range(1, len(DAYS)):  # days hang together, and the level wanders
        noise[:, day] = 0.4 * noise[:, day - 1] + random.normal(0, 0.08, count)
    wander = random.normal(0, 0.004, (count, len(DAYS))).cumsum(axis=1)
    sales = weekly(1000.0) * np.exp(noise + wander)
    found = forecast(
        daily({f"p{row}": values[:until] for row, values in enumerate(sales)}),
        dim_date(), dim_promo(), WHOLE,
    ).filter(pl.col("platform") != "all")  # fmt: skip
    assert set(found["method"]) == {"baseline"}
    assert (found["wape"] < found["naive_wape"]).all()
    told = {(row["grain"], row["platform"], row["period_start"]): row for row in found.to_dicts()}
    held = [
        told["day", f"p{row}", day]["lower_amount"] <= sales[row, place]
        <= told["day", f"p{row}", day]["upper_amount"]
        for row in range(count)
        for place, day in enumerate(DAYS) if place >= until
    ]  # fmt: skip
    assert len(held) == count * 35
    assert 0.85 <= np.mean(held) <= 0.96
    month = DAYS[until - 1].replace(day=1)
    whole = [place for place, day in enumerate(DAYS) if day.replace(day=1) == month]
    kept = [
        told["month", f"p{row}", month]["lower_amount"] <= sales[row, whole].sum()
        <= told["month", f"p{row}", month]["upper_amount"]
        for row in range(count)
    ]  # fmt: skip
    assert sum(kept) >= 31  # of 40 at nine in ten: fewer once in a hundred


def test_where_last_week_knows_better_it_is_taken() -> None:
    # Each week is half as much again as the last, or two thirds of it; its days are alike.
    steps = np.random.default_rng(2).choice([-0.4, 0.4], len(DAYS) // 7 + 1).cumsum()
    jumping: NDArray[np.float64] = 1000.0 * np.exp(steps)[np.arange(len(DAYS)) // 7]
    found = forecast(daily({"a": jumping}), dim_date(), dim_promo(), WHOLE)
    assert set(found["method"]) == {"seasonal_naive"}
    first = found.filter(grain="day", platform="a")["expected_amount"][0]
    assert first == jumping[-7]
    assert found["wape"].to_list() == found["naive_wape"].to_list()


def test_what_is_not_known() -> None:
    sales = {"a": weekly(1000.0), "b": weekly(500.0)}
    sales["a"][-2] = np.nan
    gap = LAST - timedelta(days=1)
    gaps = completeness([gap], [("a", "orders")], {("a", "orders", gap): "missing"}, (9, 9, 0))
    found = forecast(daily(sales), dim_date(), dim_promo(), gaps)
    months = {row["platform"]: row for row in found.filter(grain="month").to_dicts()}
    assert [months[name]["unknown_days"] for name in ("a", "b", "all")] == [1, 0, 1]
    assert months["a"]["observed_amount"] == pytest.approx(np.nansum(sales["a"][-13:]))
    young = forecast(daily({"a": weekly(1000.0)[:40]}), dim_date(), dim_promo(), WHOLE)
    assert set(young["method"]) == {"seasonal_naive"}
    assert young["lower_amount"].null_count() == young["wape"].null_count() == young.height
    assert forecast(daily({"a": weekly(1.0)[:9]}), dim_date(), dim_promo(), WHOLE).is_empty()
    assert forecast(daily({"a": weekly(1.0)}).clear(), dim_date(), dim_promo(), WHOLE).is_empty()


def test_a_shop_that_sells_on_some_days_only() -> None:
    random = np.random.default_rng(8)
    sold = np.where(random.random(len(DAYS)) < 0.3, random.gamma(4, 25, len(DAYS)), 0.0)
    found = forecast(daily({"a": sold}), dim_date(), dim_promo(), WHOLE)
    month = found.filter(grain="day", platform="a")["expected_amount"].sum()
    assert month == pytest.approx(35 * 0.3 * 100, rel=0.35)
