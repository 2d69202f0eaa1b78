"""What pages say of one day: its range, its base, its past, whether its data are whole."""

from __future__ import annotations

import re
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.base.data import Data
from dashboards.pages.cohorts import page as cohorts
from dashboards.pages.overview.cards import cards
from dashboards.pages.overview.range import headline as day_headline
from dashboards.pages.overview.range import inside_range, lines
from dashboards.pages.overview.versus import versus
from dashboards.pages.quality import page as quality
from dashboards.pages.shared.changes import base_remarks
from dashboards.pages.shared.incidents import alerts
from dashboards.wording.changes import headline
from dashboards.wording.formatting import money
from tests.browser import shop
from tests.support.contracts import comparisons, fake, registry

DAY = shop.LAST
INFO = shop.info()


def judged(segment: str, status: str, gmv: float, low: float, high: float) -> dict[str, object]:
    return {
        "business_date": DAY, "metric": "gmv", "segment": segment, "status": status,
        "dimension": "all" if segment == "all" else "platform", "observed": gmv,
        "expected": (low + high) / 2, "lower": low, "upper": high,
        "impact_amount": round(gmv - (low + high) / 2, 2),
    }  # fmt: skip


def sold(segment: str, gmv: float) -> dict[str, object]:
    dimension = "all" if segment == "all" else "platform"
    return {"business_date": DAY, "dimension": dimension, "segment": segment, "gmv": gmv}


def of_day(rows: list[dict[str, object]], sales: list[dict[str, object]]) -> Data:
    return Data({
        "insights.anomalies": fake("insights.anomalies", rows),
        "marts.fct_gmv_daily": fake("marts.fct_gmv_daily", sales),
        "quality.metrics": registry(), "quality.comparisons": comparisons(),
    })  # fmt: skip


STATUS = st.sampled_from(["normal", "anomaly", "data_incomplete", "no_baseline"])


@settings(max_examples=100, deadline=None)
@given(STATUS, st.integers(1, 999), st.integers(1, 999), st.integers(0, 500))
def test_a_day_is_called_inside_its_range_when_it_is(
    status: str, gmv: int, low: int, width: int
) -> None:
    high = low + width
    rows = [judged(name, status, gmv, low, high) for name in ("all", "tmall", "jd")]
    data = of_day(rows, [sold("all", gmv), sold("tmall", gmv), sold("jd", gmv)])
    told = inside_range(data, INFO)
    places, left = lines(data, INFO, versus(data, INFO), "platform")
    is_inside = status in ("normal", "anomaly") and low <= gmv <= high
    assert (told is not None) == is_inside
    if told:
        for value in (gmv, low, high):
            assert money(value, "CNY", "en") in told.en
            assert money(value, "CNY", "zh") in told.zh
    word = (
        "not complete" if status == "data_incomplete" else "no range" if status == "no_baseline"
        else "inside" if is_inside else "below" if gmv < low else "above"
    )  # fmt: skip
    assert [place.name.en for place in places] == ["JD", "Tmall"] and not left
    assert all(word in place.remark.en for place in places)
    assert all((place.tone == "worse") == (word == "below") for place in places)
    if status in ("normal", "anomaly") and not is_inside:
        said = day_headline(data, INFO, None).en
        assert f"That is {word} its expected range" in said
        assert f"farthest {word} what was expected of it" in said


def test_a_headline_inside_the_range_stops(tmp_path_factory: pytest.TempPathFactory) -> None:
    from dashboards.pages.overview.page import build

    frames = shop.frames()
    gmv = frames["marts.fct_gmv_daily"].filter(
        pl.col("business_date") == DAY, pl.col("dimension") == "all"
    )["gmv"][0]
    low, high = float(gmv) * 0.9, float(gmv) * 1.1
    frames["insights.anomalies"] = fake(
        "insights.anomalies", [judged("all", "normal", float(gmv), low, high)]
    )
    calm = build(Data(frames), INFO).values["headline"].en
    assert calm.endswith(
        f"inside its expected range of {money(low, 'CNY', 'en')} to {money(high, 'CNY', 'en')}."
    )
    assert "moved" not in calm
    frames["insights.anomalies"] = fake(
        "insights.anomalies", [judged("all", "anomaly", float(gmv), high, 2 * high)]
    )
    assert "moved" in build(Data(frames), INFO).values["headline"].en


def test_a_day_without_orders_has_no_gmv_of_zero() -> None:
    row = {"business_date": DAY, "gmv": 0.0, "orders": 0}
    assert headline(row, "en", "USD") == "There were no orders on Sat 21 Nov."
    against = row | {"comparison": "last_week", "base_gmv": 900.0, "base_orders": 3}
    told = headline(against, "en", "USD", "the same day last week")
    assert told.startswith("There were no orders on Sat 21 Nov, against GMV of $900 on the same")
    twice = against | {"base_gmv": 0.0, "base_orders": 0}
    assert headline(twice, "zh", "USD", "上周同期") == "11月21日（周六）没有订单，与上周同期相同。"
    # A gift is an order.
    assert headline(row | {"orders": 1}, "en", "USD").startswith("GMV was $0 on Sat 21 Nov.")


def incident(opened: int, last: int, **more: object) -> dict[str, object]:
    """An incident so many days before the day."""
    return {
        "incident_id": f"i{opened}", "kind": "kpi", "metric": "gmv", "dimension": "all",
        "segment": "all", "opened_date": DAY - timedelta(days=opened),
        "last_date": DAY - timedelta(days=last), "impact_amount": -100.0,
        "explanation_en": "GMV fell.", "explanation_zh": "支付金额下降。", **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("opened", "last", "said"),
    [(8, 6, True), (7, 7, True), (6, 5, False), (9, 8, False), (9, 0, False)],
)  # fmt: skip
def test_a_base_in_an_incident_is_said(opened: int, last: int, said: bool) -> None:
    frames = {
        "insights.incidents": fake("insights.incidents", [incident(opened, last)]),
        "quality.comparisons": comparisons(),
    }
    found = [text.en for text in base_remarks(Data(frames), DAY, "last_week")]
    assert found == (["The day compared with was no usual one: GMV fell."] if said else [])


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 40), st.integers(0, 12))
def test_unusual_days_of_a_mean_are_counted(last: int, length: int) -> None:
    """Of the 28 days before, from yesterday on; an incident of the day itself is told elsewhere."""
    frames = {
        "insights.incidents": fake("insights.incidents", [incident(last + length, last)]),
        "quality.comparisons": comparisons(),
    }
    hit = len({*range(last, last + length + 1)} & {*range(1, 29)}) if last else 0
    found = [text.en for text in base_remarks(Data(frames), DAY, "trailing_28d")]
    said = f"Of the 28 days compared with {hit} were not usual: GMV fell."
    assert found == ([said] if hit else [])


@pytest.mark.parametrize(
    ("back", "told"),
    [
        (
            60,
            "Orders were not recorded whole, so cohorts of these days are too low: 22 Sep (Tmall,",
        ),
        (5, "did not wholly arrive on 1 of these days, last on 16 Nov"),
        (500, None),  # older than any month that is shown
    ],
)
def test_days_that_lost_orders_are_listed_beside_the_months(back: int, told: str | None) -> None:
    gap = {"business_date": DAY - timedelta(days=back), "source": "t", "feed": "orders",
           "platform": "tmall", "is_complete": False, "reason": "no_rows"}  # fmt: skip
    frames = {
        "marts.fct_retention_monthly": shop.frames()["marts.fct_retention_monthly"],
        "quality.source_completeness_daily": fake("quality.source_completeness_daily", [gap]),
    }
    warnings = [text.en for text in cohorts.build(Data(frames), INFO).values["warnings"]]
    assert len(warnings) == bool(told)
    assert not told or told in warnings[0]


def test_an_unusual_day_of_last_years_phase_is_said() -> None:
    """Day 3 of the sale is compared with day 3 of last year's, which began three days earlier."""
    started = {2026: DAY - timedelta(days=2), 2025: DAY - timedelta(days=370)}
    frames = {
        "marts.dim_promo": fake("marts.dim_promo", [
            {"promo": "sale", "promo_year": year, "platform": "shopify", "phase": "burst",
             "start_date": first, "end_date": first + timedelta(days=5)}
            for year, first in started.items()
        ]),
        "quality.comparisons": comparisons(),
    }  # fmt: skip
    for back, is_base in ((369, False), (368, True), (367, False)):
        frames["insights.incidents"] = fake("insights.incidents", [incident(back, back)])
        found = [text.en for text in base_remarks(Data(frames), DAY, "promo_phase")]
        assert found == (["The day compared with was no usual one: GMV fell."] if is_base else [])


def growing(days: int) -> Data:
    """A company that wins one new buyer more every day, 1000 on its first."""
    return of_day([], [
        {"business_date": DAY - timedelta(days=days - n), "dimension": "all", "segment": "all",
         "gmv": 1.0, "new_buyers": 1000 + n - 1} for n in range(1, days + 1)
    ])  # fmt: skip


@pytest.mark.parametrize(("days", "is_told"), [(366, False), (600, False), (800, True)])
def test_new_buyers_are_not_set_against_a_year_without_history(days: int, is_told: bool) -> None:
    data = growing(days)
    card = next(c for c in cards(data, INFO, versus(data, INFO)) if c.name == "new_buyers")
    sizes = {key: delta.size.en for key, delta in card.deltas}
    assert sizes["week"] == f"{7 / (days + 992):.1%}"
    assert sizes["year"] == (f"{364 / (days + 635):.1%}" if is_told else "—")


# Data health --------------------------------------------------------------------------------------

REASON = st.sampled_from(["ok", "ok", "ok", "ok", "few_rows", "no_rows", "not_expected", None])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(REASON, min_size=5, max_size=5), min_size=1, max_size=3),
    st.sampled_from(["passed", "failed", "not_run"]),
    st.sampled_from(["ok", "no_rows"]),
)
def test_every_source_is_called_complete_above_no_gap(
    feeds: list[list[str | None]], status: str, mark: str
) -> None:
    days = [DAY - timedelta(days=4 - n) for n in range(5)]
    rows = [
        {"business_date": day, "source": f"s{n}", "feed": "orders", "reason": reason,
         "is_complete": reason == "ok", "expected_rows": 10.0, "arrived_rows": 10}
        for n, line in enumerate(feeds) for day, reason in zip(days, line, strict=True) if reason
    ]  # fmt: skip
    marks = [{"source": "s0", "feed": "orders", "complete_until_date": DAY, "reason": mark}]
    data = Data({
        "quality.source_completeness_daily": fake("quality.source_completeness_daily", rows),
        "quality.source_watermarks": fake("quality.source_watermarks", marks),
        "quality.checks": fake("quality.checks", [{"check_name": "c", "status": status}]),
    })  # fmt: skip
    page = quality.build(data, INFO)
    told = page.values["headline"].en
    states = [cell.state for row in page.values["grid"] for cell in row.cells]
    bad = {"few_rows", "no_rows"}
    last = [row.cells[-1].state for row in page.values["grid"]]
    if "every source is complete" in told:
        assert status == "passed"
        assert not bad & set(states)
        assert mark == "ok"
        assert all(state in ("ok", "not_expected") for state in last)
    if status == "failed":
        assert told.startswith("1 check failed")
    elif bad & set(last):
        count = re.search(r"\d+", told)
        assert count
        assert int(count[0]) == sum(state not in ("ok", "not_expected") for state in last)
    elif status == "passed" and set(states) <= {"ok", "not_expected"} and states and mark == "ok":
        assert "every source is complete" in told


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("gmv", "GMV alert since Thu 19 Nov: −¥100"),
        ("visitors", "Alert since Thu 19 Nov: −¥100 of GMV by itself"),
        ("refund_rate", "Refund alert since Thu 19 Nov: −¥100 of net sales"),
    ],
)
def test_an_alert_line_says_whose_money_it_tells(metric: str, said: str) -> None:
    frame = fake("insights.incidents", [incident(2, 0, metric=metric)])
    (line,) = alerts(Data({"insights.incidents": frame}), INFO, DAY)
    assert line.title.en == said


MONEY = st.integers(-40_000, 40_000)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 200_000), st.lists(MONEY, min_size=3, max_size=3))
def test_the_headline_of_a_change_has_the_direction_and_the_drivers_of_the_row(
    base: int, moved: list[int]
) -> None:
    change = sum(moved)
    if base + change < 0:
        return
    names = ("Traffic", "conversion", "AOV")
    columns = ("visitors_effect", "conversion_effect", "aov_effect")
    row = {"business_date": DAY, "comparison": "last_week", "gmv": float(base + change),
           "base_gmv": float(base), "orders": 5, "base_orders": 5,
           **dict(zip(columns, map(float, moved), strict=True))}  # fmt: skip
    level, _, drivers = headline(row, "en", "CNY", "the base").partition("the base.")
    if base and base + change:
        rate = change / base
        key = "within 1%" if abs(rate) < 0.01 else "above" if rate > 0 else "below"
        assert key in level
        if key != "within 1%":
            assert f"{abs(rate) * 100:,.1f}%" in level
    by_name = {name.lower(): amount for name, amount in zip(names, moved, strict=True)}
    told = {
        name: amount for name, amount in by_name.items() if f"{name} " in drivers.lower() and amount
    }
    signed = re.findall(r"[+\u2212]¥", drivers)
    assert signed.count("+¥") == sum(amount > 0 for amount in told.values())
    if "cancelled" in drivers:
        assert abs(change) < 0.01 * max(base, base + change)
        assert max(told.values()) > 0 > min(told.values())
    elif "outweighed" in drivers:
        assert min(told.values()) * change < 0 or max(told.values()) * change < 0
    elif told:
        # What is named alone already moved GMV the way the sentence says.
        assert sum(told.values()) * change >= 0
        along = [abs(amount) for amount in by_name.values() if amount * change > 0]
        named = [abs(amount) for amount in told.values() if amount * change > 0]
        assert not along or max(along) == max(named)
