"""What a loss is made of: effects that sum to it in cents, the planted factor first, by hand."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.wording.alerts import compose
from dashboards.wording.facts import Evidence
from dashboards.wording.formatting import money
from dashboards.wording.incidents import explained
from dashboards.wording.message import AlertInfo
from dashboards.wording.metrics import by_name
from models.anomaly import ANOMALY_SCHEMA
from models.incidents import open_incidents
from models.loss import effects_on, incident_effects
from tests.support.contracts import registry
from tests.support.judged import completeness, judged

DAY = date(2026, 11, 10)
USUAL = {"visitors": 1_000.0, "conversion_rate": 0.03, "orders_per_buyer": 1.1, "aov": 200.0}
PLACES: list[tuple[str, str, str | None]] = [
    ("platform", "tmall", "tmall"), ("all", "all", None),
]  # fmt: skip
WHOLE = completeness([DAY], [("tmall", "orders")], {}, (10.0, 10, 0))


def history(
    days: list[dict[str, float]], expected: list[dict[str, float]] | None = None,
    told: str = "gmv", rest: float = 1.0,
) -> pl.DataFrame:  # fmt: skip
    """28 usual days, then bad ones: what each factor is as a multiple of the usual.

    The company is the platform and as much again as usual; `rest` is what untracked buyers add.
    `expected` are multiples of what each factor (and gmv) was expected to be.
    """
    wanted = expected or [{}] * len(days)
    rows = []
    for back in range(-28, len(days)):
        bad, base = (days[back], wanted[back]) if back >= 0 else ({}, {})
        day = DAY + timedelta(days=back)
        seen = {name: usual * bad.get(name, 1.0) for name, usual in USUAL.items()}
        gmv = math.prod(USUAL.values()) * rest
        came = math.prod(seen.values()) * rest
        for dimension, segment, platform in PLACES:
            other = gmv if dimension == "all" else 0.0
            values = {"gmv": (came + other, gmv * base.get("gmv", 1.0) + other)}
            if dimension == "platform":
                values |= {
                    name: (seen[name], usual * base.get(name, 1.0)) for name, usual in USUAL.items()
                }
            for metric, (observed, wish) in values.items():
                is_bad = back >= 0 and metric == told and dimension == "platform"
                rows.append(
                    judged(day, metric, (dimension, segment, platform), observed, wish,
                           -5.0 if is_bad else 0.0, "anomaly" if is_bad else "normal")
                )  # fmt: skip
    return pl.DataFrame(rows, schema=ANOMALY_SCHEMA)


def told(anomalies: pl.DataFrame) -> tuple[dict[str, Any], pl.DataFrame]:
    """The one incident, and its effects."""
    incidents = open_incidents(anomalies, WHOLE, pl.DataFrame())
    assert incidents.filter(kind="kpi").height == 1
    one = incidents.filter(kind="kpi").row(0, named=True)
    return one, incident_effects(incidents, anomalies)


def cents(amounts: pl.Series) -> int:
    return sum(int(Decimal(str(amount)).scaleb(2)) for amount in amounts)


def test_effects_are_those_of_the_textbook() -> None:
    # 1000 x .03 x 1.1 x 200 = 6600 expected; conversion at half, order values a tenth above: 3630.
    one, effects = told(history([{"conversion_rate": 0.5, "aov": 1.1}]))
    mean = (3630 - 6600) / math.log(3630 / 6600)
    wanted = {"conversion_rate": mean * math.log(0.5), "aov": mean * math.log(1.1)}
    assert one["impact_amount"] == -2970.0
    assert (one["observed_amount"], one["expected_amount"]) == (3630.0, 6600.0)
    found = dict(effects.select("factor", "effect_amount").iter_rows())
    assert found == pytest.approx(wanted, abs=0.006)
    assert effects["factor"].to_list() == ["conversion_rate", "aov"]
    assert one["company_impact_amount"] == -2970.0


factor = st.floats(0.2, 1.8)
day = st.fixed_dictionaries(dict.fromkeys(USUAL, factor))
wish = st.fixed_dictionaries({name: st.floats(0.7, 1.4) for name in [*USUAL, "gmv"]})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(day, wish), min_size=1, max_size=4), st.floats(1.0, 1.5),
       st.sampled_from(["gmv", *USUAL]))  # fmt: skip
def test_effects_sum_to_the_impact_to_the_cent(
    days: list[tuple[dict[str, float], dict[str, float]]], rest: float, metric: str
) -> None:
    one, effects = told(history([d for d, _ in days], [w for _, w in days], metric, rest))
    gap = cents(pl.Series([one["observed_amount"]])) - cents(pl.Series([one["expected_amount"]]))
    assert cents(effects["effect_amount"]) == gap
    assert cents(effects.filter("is_impact")["effect_amount"]) == cents(
        pl.Series([one["impact_amount"]])
    )
    # Each day's money, worked out anew.
    usual = math.prod(USUAL.values()) * rest
    came = sum(usual * math.prod(d.values()) for d, _ in days)
    assert one["observed_amount"] == pytest.approx(came, abs=0.006)
    assert one["expected_amount"] == pytest.approx(
        sum(usual * w["gmv"] for _, w in days), abs=0.006
    )
    if one["impact_of"] == "metric":
        assert effects.filter("is_impact")["factor"].to_list() == [metric]


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(USUAL)), st.floats(0.2, 0.6),
       st.fixed_dictionaries({name: st.floats(0.95, 1.05) for name in USUAL}))  # fmt: skip
def test_the_planted_factor_is_first(planted: str, left: float, noise: dict[str, float]) -> None:
    _, effects = told(history([{**noise, planted: left}, {**noise, planted: left}]))
    assert effects["factor"][0] == planted
    assert effects["effect_amount"].min() == effects["effect_amount"][0]


def test_what_expectations_leave_goes_to_the_least_sure() -> None:
    # Factors multiply to 100 but 200 were expected; the second is known three times as exactly.
    logs = effects_on(
        np.array([[10.0, 10.0]]), np.array([[10.0, 10.0]]), np.array([[0.3, 0.1]]),
        (np.array([100.0]), np.array([200.0])),
    )  # fmt: skip
    assert logs.sum() == pytest.approx(-100.0)
    assert logs[0, 0] / logs[0, 1] == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("observed", "came", "wanted"),
    [([0.0, np.nan, np.nan], 0.0, [-60.0, 0.0, 0.0]), ([10.0, 0.0, np.nan], 0.0, [0.0, -60.0, 0.0]),
     ([10.0, 2.0, np.nan], 0.0, [0.0, 0.0, -60.0])],
)  # fmt: skip
def test_a_day_without_sales_is_the_first_zeros(
    observed: list[float], came: float, wanted: list[float]
) -> None:
    found = effects_on(
        np.array([observed]), np.array([[10.0, 2.0, 3.0]]), np.full((1, 3), 0.1),
        (np.array([came]), np.array([60.0])),
    )  # fmt: skip
    assert found.tolist() == [wanted]


def priced(sold: float, price: float) -> pl.DataFrame:
    """A product whose units cost 217 each and were sold at `price`; the platform lost nothing."""
    place = ("product", "P011", "shopify")
    rows = [
        judged(DAY, "gmv", ("platform", "shopify", "shopify"), 9_000.0, 8_000.0, 0.0, "normal"),
        judged(DAY, "gmv_per_unit", place, price, 217.0, -9.0, "anomaly")
        | {"impact_amount": sold * (price - 217.0)},
    ]
    return pl.DataFrame(rows, schema=ANOMALY_SCHEMA)


def test_a_wrong_price_costs_the_units_sold_times_the_gap() -> None:
    one, effects = told(priced(18, 75.0))
    assert (one["impact_of"], one["impact_amount"]) == ("price", 18 * (75 - 217))
    assert (one["observed_amount"], one["expected_amount"]) == (18 * 75, 18 * 217)
    assert effects.select("factor", "effect_amount").rows() == [("gmv_per_unit", -2556.0)]


def test_refunds_are_told_in_refunds() -> None:
    # 20 % of 50,000 came back where 8 % were expected.
    row = judged(DAY, "refund_rate", ("platform", "tmall", "tmall"), 0.20, 0.08, 6.0, "anomaly")
    gmv = judged(DAY, "gmv", ("platform", "tmall", "tmall"), 10.0, 5_000.0, 0.0, "normal")
    rows = [row | {"impact_amount": -6_000.0}, gmv]
    one, effects = told(pl.DataFrame(rows, schema=ANOMALY_SCHEMA))
    assert (one["impact_of"], one["impact_amount"]) == ("refunds", -6_000.0)
    assert (one["observed_amount"], one["expected_amount"]) == (10_000.0, 4_000.0)
    assert effects.select("factor", "effect_amount").rows() == [("refund_rate", -6_000.0)]


def test_orders_submitted_twice_are_a_gain_as_grave_as_it_is_large() -> None:
    frame = history([{"orders_per_buyer": 1.3}], told="orders_per_buyer")
    frame = frame.with_columns(upper=pl.col("expected") * 1.05)
    one, effects = told(frame)
    # 1.3 of 6600, and the company has 13,200: 15 % of it is medium.
    assert (one["impact_of"], one["impact_amount"]) == ("metric", 1_980.0)
    assert (one["severity"], one["cause_metric"]) == ("medium", None)
    assert effects["factor"].to_list() == ["orders_per_buyer"]


def test_the_last_day_out_of_range_is_told_of() -> None:
    frame = history([{"visitors": 0.5}, {"visitors": 0.9}], told="visitors")
    last = (pl.col("business_date") == DAY + timedelta(days=1)) & (pl.col("segment") == "tmall")
    frame = frame.with_columns(
        status=pl.when(last & (pl.col("metric") == "visitors")).then(pl.lit("normal"))
        .when(last & (pl.col("metric") == "gmv")).then(pl.lit("anomaly")).otherwise("status")
    ).with_columns(metric=pl.col("metric").replace({"gmv": "gmv"}))  # fmt: skip
    one, _ = told(frame)
    assert (one["told_date"], one["metric"]) == (DAY + timedelta(days=1), "gmv")
    alone = frame.with_columns(
        status=pl.when(last & (pl.col("metric") == "gmv")).then(pl.lit("normal"))
        .when(last & (pl.col("metric") == "aov")).then(pl.lit("anomaly")).otherwise("status")
    )  # fmt: skip
    one, _ = told(alone)
    assert (one["metric"], one["told_date"], one["observed"]) == ("visitors", DAY, 500.0)
    assert (one["last_date"], one["days"]) == (DAY + timedelta(days=1), 2)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(day, wish), min_size=1, max_size=3), st.sampled_from(["gmv", *USUAL]))
def test_every_figure_of_a_message_is_one_of_the_rows(
    days: list[tuple[dict[str, float], dict[str, float]]], metric: str
) -> None:
    frame = history([d for d, _ in days], [w for _, w in days], metric)
    incidents = explained(open_incidents(frame, WHOLE, pl.DataFrame()), registry())
    effects = incident_effects(incidents, frame)
    one = incidents.filter(kind="kpi").row(0, named=True)
    info = AlertInfo("Demo", "CNY", languages=("en",))
    text = compose(one, Evidence(WHOLE, by_name(registry()), effects=effects), info).text
    bad = frame.filter(pl.col("business_date") >= DAY, pl.col("segment") == "tmall")
    gmv = bad.filter(metric="gmv")
    came, wanted = gmv["observed"].sum(), gmv["expected"].sum()

    def paid(amount: float, signed: bool = True) -> str:
        return money(round(amount, 2), "CNY", "en", signed=signed)

    lines = text.splitlines()
    head = next(line for line in lines if line.startswith("GMV of Tmall"))
    assert f": {paid(came, signed=False)}, expected {paid(wanted, signed=False)}, " in head
    company = frame.filter(pl.col("business_date") >= DAY, segment="all")
    gap = (company["observed"] - company["expected"]).sum()
    assert any(line.endswith(f": {paid(gap)} of GMV against the expectation.") for line in lines)
    shown = {row["factor"]: paid(row["effect_amount"]) for row in effects.to_dicts()}
    impact = next(line for line in lines if line.startswith("Impact: "))
    if one["impact_of"] == "gmv":
        assert metric == "gmv" or one["cause_side"] == "above"
        assert impact.startswith(f"Impact: {paid(came - wanted)} of GMV, ")
    else:
        assert impact.startswith(f"Impact: {shown[metric]} of GMV by ")
    assert f"({len(days)} day" in impact
    last = bad.filter(metric=metric).sort("business_date").row(-1, named=True)
    side = "rose above" if last["observed"] > last["upper"] else "fell below"
    assert f"{side} the expected range on {last['business_date']}" in lines[0]
