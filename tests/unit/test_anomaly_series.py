"""The further series and the counts behind them, with figures worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from models.anomaly import DetectorParams, detect
from models.kpi_series import (
    SeriesParams,
    lag_weights,
    product_series,
    refund_series,
    segment_series,
    step_series,
    top_segments_of,
    traffic_source_series,
)
from models.series import SERIES_SCHEMA

START = date(2026, 1, 5)  # a Monday
DAYS = [START + timedelta(n) for n in range(200)]
NO_DATES = pl.DataFrame(
    schema={"date": pl.Date, "event": pl.String, "event_offset": pl.Int64,
            "lunar_new_year_offset": pl.Int64}
)  # fmt: skip
NO_PROMOS = pl.DataFrame(
    schema={"promo": pl.String, "platform": pl.String, "phase": pl.String, "kind": pl.String,
            "start_date": pl.Date, "end_date": pl.Date}
)  # fmt: skip
WHOLE = pl.DataFrame(
    schema={"business_date": pl.Date, "feed": pl.String, "platform": pl.String,
            "is_complete": pl.Boolean, "reason": pl.String}
)  # fmt: skip


def sales(rows: list[tuple[str, str, str, float]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"business_date": START, "platform": p, "dimension": d, "segment": s, "gmv": gmv,
             "visitors": 100, "tracked_buyers": 5, "buyers": 5, "orders": 6}
            for p, d, s, gmv in rows
        ]
    )  # fmt: skip


def test_segments_are_chosen_by_size_within_their_platform() -> None:
    frame = sales(
        [
            ("site", "channel", "search", 500.0),
            ("site", "channel", "email", 90.0),
            ("site", "channel", "social", 10.0),  # 1 % of the company
            ("site", "channel", "(untracked)", 200.0),  # not a place to look into
            ("market", "channel", "all of it", 200.0),  # the platform itself
        ]
    )
    top = top_segments_of(frame, min_share=0.05, cap=2, max_share=0.95)
    assert top.rows() == [("site", "channel", "search"), ("site", "channel", "email")]
    assert top_segments_of(frame, 0.05, 1, 0.95).rows() == [("site", "channel", "search")]
    series = segment_series(frame, SeriesParams(per_dimension=1))
    assert dict(series.schema) == dict(SERIES_SCHEMA)
    told = {row["metric"]: (row["value"], row["count"], row["base"]) for row in series.to_dicts()}
    assert told == {
        "gmv": (500.0, 6.0, None),
        "visitors": (100.0, 100.0, None),
        "conversion_rate": (0.05, 6.0, 100.0),
    }
    assert set(series["platform"]) == {"site"}


def test_step_rates_of_the_golden_funnel() -> None:
    # METRICS 5, ordered, 14 days: 4 home, 3 product, 2 cart, 2 pay; u1 and u3 paid, u2 saw a
    # product, u4 came no further than home. One more begins at the cart and pays: whether those at
    # the product go on to the cart is not told by it, whether those at the cart pay is.
    depths = {"u1": 4, "u2": 2, "u3": 4, "u4": 1}
    attempts = pl.DataFrame(
        [
            {"business_date": START, "platform": "site", "channel": "email", "device": "mobile",
             **{f"reached_{n}": int(first <= n <= depth) for n in range(1, 5)},
             **{f"direct_{n}": int(n == first) for n in range(1, 5)}}
            for first, depth in [*((1, depth) for depth in depths.values()), (3, 4)]
        ]
    )  # fmt: skip
    segments = pl.DataFrame({"platform": ["site"], "dimension": ["channel"], "segment": ["email"]})
    steps = ["home", "product", "cart", "pay"]
    series = step_series(attempts, steps, segments)
    rates = series.filter(pl.col("dimension") == "platform").sort("metric")
    assert rates.select("metric", "value", "count", "base").rows() == [
        ("cart_rate", 2 / 3, 2.0, 3.0),
        ("pay_rate", 1.0, 3.0, 3.0),
        ("product_rate", 0.75, 3.0, 4.0),
    ]  # fmt: skip
    # One platform: the company's funnel is the platform's and not a series of its own.
    assert set(series["dimension"]) == {"platform", "channel"}
    two = pl.concat([attempts, attempts.with_columns(platform=pl.lit("app"))])
    company = step_series(two, steps).filter(dimension="all", metric="cart_rate")
    assert company.select("value", "count", "platform").rows() == [(2 / 3, 4.0, None)]


def test_the_refund_rate_is_what_is_refunded_in_the_end_on_every_day() -> None:
    # A tenth of all GMV comes back, 60 % of it after 2 days and 40 % after 5; sales are uneven.
    rng = np.random.default_rng(3)
    gmv = 1000 * np.exp(rng.normal(0, 0.5, len(DAYS)))
    gmv[150] *= 12  # a promotion: its refunds are no wave
    back = 0.1 * (0.6 * np.roll(gmv, 2) + 0.4 * np.roll(gmv, 5))
    daily = pl.DataFrame({"business_date": DAYS, "gmv": gmv}).with_columns(
        dimension=pl.lit("platform"), segment=pl.lit("site")
    )
    refunds = pl.DataFrame({"business_date": DAYS, "amount": back}).with_columns(
        platform=pl.lit("site"), refund_count=pl.lit(7)
    )
    lags = pl.DataFrame({"lag_days": [2, 5, 99, -1], "amount": [600.0, 400.0, 50.0, 10.0]})
    assert lag_weights(lags, 10).tolist() == [0, 0, 0.6, 0, 0, 0.4, 0, 0, 0, 0, 0]
    series = refund_series(daily, refunds, lags, SeriesParams(refund_lag_days=10))
    assert series["value"].to_numpy() == pytest.approx(np.full(len(DAYS) - 10, 0.1))
    assert series["business_date"].min() == START + timedelta(10)
    assert series["count"].unique().to_list() == [7.0]
    none = refund_series(daily, refunds.clear(), lags, SeriesParams(refund_lag_days=10))
    assert none.is_empty()  # not 0: nobody tells whether anything came back

    # The company's rate is of the sales of platforms that tell refunds, not of the till's too.
    till = daily.with_columns(segment=pl.lit("till"), gmv=pl.lit(5e5))
    whole = daily.with_columns(dimension=pl.lit("all"), segment=pl.lit("all"), gmv=pl.lit(6e5))
    several = pl.concat([daily, till, whole])
    series = refund_series(several, refunds, lags, SeriesParams(refund_lag_days=10))
    assert series["segment"].unique().sort().to_list() == ["all", "site"]
    assert series["value"].to_numpy() == pytest.approx(np.full(2 * (len(DAYS) - 10), 0.1))


def test_refunds_after_a_day_of_lost_orders_are_of_the_sales_that_are_known() -> None:
    # A tenth of 1,000 a day comes back; two days of sales are not known, their refunds are.
    daily = pl.DataFrame({"business_date": DAYS, "gmv": [1000.0] * len(DAYS)}).with_columns(
        gmv=pl.when(pl.col("business_date").is_in([DAYS[150], DAYS[153]])).then(None)
        .otherwise("gmv"),
        dimension=pl.lit("platform"), segment=pl.lit("site"),
    )  # fmt: skip
    whole = daily.with_columns(dimension=pl.lit("all"), segment=pl.lit("all"))
    refunds = pl.DataFrame({"business_date": DAYS, "amount": [100.0] * len(DAYS)}).with_columns(
        platform=pl.lit("site"), refund_count=pl.lit(7)
    )
    lags = pl.DataFrame({"lag_days": [2, 5], "amount": [600.0, 400.0]})
    series = refund_series(pl.concat([daily, whole]), refunds, lags,
                           SeriesParams(refund_lag_days=10))  # fmt: skip
    # of day 155, whose refunds are of the two lost days alone, there is no rate
    for _, own in series.group_by("dimension"):
        assert set(DAYS[10:]) - set(own["business_date"]) == {DAYS[155]}
    assert series["value"].to_numpy() == pytest.approx(np.full(series.height, 0.1))


def test_a_day_of_lost_orders_is_not_observed_as_zero() -> None:
    orders = [30] * 200
    lost, quiet = DAYS[180], DAYS[185]
    whole = small_shop(orders)
    daily = whole.filter(
        (pl.col("dimension") == "all") | ~pl.col("business_date").is_in([lost, quiet])
    )
    gaps = pl.DataFrame(
        {"business_date": [lost], "feed": ["orders"], "platform": ["site"],
         "is_complete": [False], "reason": ["no_rows"]}
    )  # fmt: skip
    result = detect(daily, NO_DATES, NO_PROMOS, gaps)
    told = {
        row["business_date"]: (row["observed"], row["impact_amount"], row["status"])
        for row in result.filter(dimension="platform", metric="gmv").iter_rows(named=True)
    }
    assert told[lost] == (None, None, "data_incomplete")
    assert told[quiet] == (0.0, -1500.0, "anomaly")  # no row and no gap: nothing was sold


def test_products_have_a_price_and_sources_visitors() -> None:
    products = pl.DataFrame(
        {"business_date": [START], "platform": ["site"], "segment": ["P1"], "units": [4.0],
         "orders": [3], "gmv": [100.0]}
    )  # fmt: skip
    series = product_series(products).sort("metric")
    assert series.select("metric", "dimension", "value", "count").rows() == [
        ("gmv", "product", 100.0, 3.0), ("gmv_per_unit", "product", 25.0, None),
    ]  # fmt: skip
    traffic = pl.DataFrame(
        {"business_date": [START], "platform": ["market"], "segment": ["search"],
         "visitors": [320.0]}
    )  # fmt: skip
    assert traffic_source_series(traffic).row(0, named=True) == {
        "business_date": START, "metric": "visitors", "dimension": "traffic_source",
        "segment": "search", "platform": "market", "value": 320.0, "count": 320.0, "base": None,
    }  # fmt: skip


def small_shop(orders: list[int], visitors: int = 400) -> pl.DataFrame:
    """One platform (and the company) with these orders a day at 50 each."""
    rows = [
        {
            "business_date": day, "dimension": dimension, "segment": segment, "gmv": 50.0 * n,
            "visitors": visitors, "conversion_rate": n / visitors, "buyers": n,
            "tracked_buyers": n, "orders_per_buyer": 1.0 if n else None,
            "aov": 50.0 if n else None, "orders": n,
        }
        for day, n in zip(DAYS, orders, strict=True)
        for dimension, segment in (("all", "all"), ("platform", "site"))
    ]  # fmt: skip
    return pl.DataFrame(rows)


def judge(daily: pl.DataFrame, more: pl.DataFrame | None = None, **params: float) -> pl.DataFrame:
    return detect(
        daily, NO_DATES, NO_PROMOS, WHOLE, DetectorParams(**params), more=more  # type: ignore[arg-type]
    )  # fmt: skip


def last(result: pl.DataFrame, metric: str, dimension: str = "platform") -> dict[str, Any]:
    """The last day of a series."""
    rows = result.filter(dimension=dimension, metric=metric, business_date=DAYS[-1])
    return rows.row(0, named=True)


def test_a_fall_of_a_small_count_is_worth_its_poisson_tail() -> None:
    rng = np.random.default_rng(5)
    orders = rng.poisson(9, len(DAYS)).tolist()
    orders[-1] = 2
    row = last(judge(small_shop(orders)), "conversion_rate")
    n = float(row["expected"]) * 400
    # As strong as counting 2 where n were expected, and not a bit more.
    assert row["score"] == pytest.approx(stats.norm.ppf(stats.poisson.cdf(2, n)), abs=0.35)
    assert row["score"] > np.log(2 / n) / np.sqrt(1 / n) + 1
    assert row["status"] == "normal"


def test_small_counts_alert_no_more_often_than_they_should() -> None:
    rng = np.random.default_rng(6)
    alerts = 0
    for _ in range(8):
        result = judge(small_shop(rng.poisson(7, len(DAYS)).tolist()))
        alerts += result.filter(dimension="platform", status="anomaly")["business_date"].n_unique()
    assert alerts <= 1  # of 1200 days


def test_a_platform_whose_checkout_breaks_alerts_at_thirty_orders() -> None:
    rng = np.random.default_rng(7)
    orders = rng.poisson(30, len(DAYS)).tolist()
    orders[-1] = 9
    flagged = judge(small_shop(orders)).filter(business_date=DAYS[-1], status="anomaly")["metric"]
    assert "conversion_rate" in flagged and "visitors" not in flagged


def more_series(values: np.ndarray, metric: str, base: np.ndarray | None = None,
                **place: str) -> pl.DataFrame:  # fmt: skip
    frame = pl.DataFrame({"business_date": DAYS, "value": values}).with_columns(
        metric=pl.lit(metric),
        dimension=pl.lit(place.get("dimension", "platform")),
        segment=pl.lit(place.get("segment", "site")),
        platform=pl.lit("site"),
        count=pl.Series(values * base) if base is not None else pl.lit(None, pl.Float64),
        base=pl.Series(base) if base is not None else pl.lit(None, pl.Float64),
    )
    return frame.select(pl.col(name).cast(kind) for name, kind in SERIES_SCHEMA.items())


def test_refunds_alert_when_they_rise_and_cost_what_came_back() -> None:
    rng = np.random.default_rng(8)
    daily = small_shop(rng.poisson(400, len(DAYS)).tolist(), visitors=9000)
    rate = 0.08 * np.exp(rng.normal(0, 0.05, len(DAYS)))
    rate[-2], rate[-1] = 0.01, 0.24  # hardly any yesterday, a wave today
    base = np.full(len(DAYS), 20_000.0)
    more = more_series(rate, "refund_rate", base).with_columns(count=pl.col("value") * base / 50)
    result = judge(daily, more).filter(metric="refund_rate").sort("business_date").tail(2)
    calm, wave = result.to_dicts()
    assert (calm["status"], wave["status"]) == ("normal", "anomaly")
    assert wave["score"] > 3.5
    expected_loss = (0.24 - wave["expected"]) * 20_000
    assert wave["impact_amount"] == pytest.approx(-expected_loss)


def test_orders_per_buyer_alert_on_both_sides_by_the_repeated_orders_alone() -> None:
    rng = np.random.default_rng(13)
    daily = small_shop(rng.poisson(60, len(DAYS)).tolist())
    usual = pl.Series(rng.binomial(40, 0.03, len(DAYS)) / 40 + 1)

    def observed(value: float) -> dict[str, Any]:
        values = pl.Series([*usual.to_list()[:-1], value])
        frame = daily.with_columns(orders_per_buyer=values.repeat_by(2).explode())
        return last(judge(frame), "orders_per_buyer")

    doubled, few = observed(1.5), observed(1.08)
    assert doubled["status"] == "anomaly" and float(doubled["impact_amount"]) > 0
    assert few["status"] == "normal"
    # 60 buyers, 3 % usual: 4.8 repeated orders are nothing; on the log scale they look like much.
    assert float(few["score"]) < 2.5


def test_a_step_rate_is_held_to_its_binomial_and_never_expected_above_one() -> None:
    rng = np.random.default_rng(9)
    daily = small_shop(rng.poisson(30, len(DAYS)).tolist())
    tries = np.full(len(DAYS), 8.0)
    rate = rng.binomial(8, 0.97, len(DAYS)) / 8
    rate[-1] = 5 / 8
    result = judge(daily, more_series(rate, "checkout_rate", tries))
    row = last(result, "checkout_rate")
    assert result.filter(metric="checkout_rate")["expected"].max() <= 1.0
    tail = stats.binom.cdf(5, 8, min(row["expected"], 0.9))
    assert row["score"] == pytest.approx(stats.norm.ppf(tail))
    assert row["status"] == "normal"


def test_segments_with_too_few_orders_are_not_judged() -> None:
    rng = np.random.default_rng(10)
    daily = small_shop(rng.poisson(30, len(DAYS)).tolist())
    few = rng.poisson(2, len(DAYS)).astype(float)
    more = more_series(50 * few, "gmv", dimension="channel", segment="email").with_columns(
        count=pl.Series(few)
    )
    result = judge(daily, more)
    assert "channel" not in result["dimension"].to_list()
    assert "channel" in judge(daily, more, min_count=0.0)["dimension"].to_list()


def test_a_source_of_traffic_costs_its_part_of_the_platforms_gmv() -> None:
    rng = np.random.default_rng(11)
    daily = small_shop(rng.poisson(100, len(DAYS)).tolist(), visitors=2000)
    visits = rng.poisson(500, len(DAYS)).astype(float)
    visits[-1] = 50
    more = more_series(visits, "visitors", dimension="traffic_source", segment="search")
    row = last(judge(daily, more), "visitors", "traffic_source")
    assert row["status"] == "anomaly"
    gmv = last(judge(daily), "gmv")["expected"]
    lost = (50 - row["expected"]) / 2000 * gmv
    assert row["impact_amount"] == pytest.approx(lost, rel=0.01)


def test_false_discoveries_are_held_over_all_series_of_a_day() -> None:
    # Alone a score of -3.6 alerts; among 150 quiet series it has to be better than that.
    rng = np.random.default_rng(12)
    daily = small_shop([400] * len(DAYS), visitors=9000)
    noise = rng.normal(0, 0.05, (150, len(DAYS)))
    noise[1:, -1] = 0.0

    def judged(count: int) -> dict[str, Any]:
        series = [
            more_series(1000 * np.exp(row), "visitors", dimension="source", segment=f"s{n}")
            for n, row in enumerate(noise[:count])
        ]
        result = judge(daily, pl.concat(series), min_impact_rate=-1e9, part_threshold=3.5)
        return result.filter(segment="s0", business_date=DAYS[-1]).row(0, named=True)

    noise[0, -1] = 0.0
    level = judged(1)["score"]
    noise[0, -1] = -0.1
    step = level - judged(1)["score"]
    noise[0, -1] = -0.1 * (3.6 + level) / step
    alone, among = judged(1), judged(150)
    assert alone["score"] == pytest.approx(-3.6) and among["score"] == pytest.approx(-3.6)
    p = stats.t.cdf(-3.6, df=0.37 * DetectorParams().scale_days)
    assert 0.05 / 160 < p < 0.05 / 11
    assert (alone["status"], among["status"]) == ("anomaly", "normal")
