"""Products and stock, profit and budget, fulfilment and after-sales, against what they show."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.base.data import Data
from dashboards.base.page import Page, same
from dashboards.figures.windows import Window
from dashboards.pages.customers import page as customers
from dashboards.pages.experiments import page as experiments
from dashboards.pages.products import page as products
from dashboards.pages.profit import page as profit
from dashboards.pages.promo import page as promo
from dashboards.pages.service import page as service
from dashboards.pages.shared import ledger
from dashboards.site import build_site
from dashboards.wording.formatting import money
from tests.browser import shop
from tests.support.contracts import fake, fakes, registry
from tests.support.html import figure, table_of, tree, whole

INFO, DAY = shop.info(), shop.LAST


def blank() -> Page:
    return Page("x.html", "x", "x", same("x"))


# Pages of one platform ----------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["tmall", "shopify"])
def test_a_page_of_a_platform_sums_its_rows_alone(site: Path, platform: str) -> None:
    frames = shop.frames()
    month = pl.col("business_date").is_between(DAY.replace(day=1), DAY)
    week = pl.col("business_date") > DAY - timedelta(days=7)
    its = pl.col("platform") == platform
    owed = frames["marts.fct_profit_daily"].filter(month, its)["merchant_receivable_amount"].sum()
    rows = table_of(site, f"platform/{platform}/profit.html", "profit-ladder")
    assert rows[0][:2] == ["Receivable", f"¥{float(owed):,.2f}"]
    sold = frames["marts.fct_product_daily"].filter(week, its)["gmv"].sum()
    ranked = table_of(site, f"platform/{platform}/products.html", "product-rank")
    amounts = [float(row[1].strip("¥").replace(",", "")) for row in ranked]
    assert sum(amounts) == pytest.approx(float(sold))
    for name in ("profit", "service", "promo", "products"):
        source = (site / f"platform/{platform}/{name}.html").read_text("utf-8")
        if 'class="cards"' in source:
            told = source.split('class="cards"')[0].rsplit("data-follows=", 1)[1]
            assert told.startswith('""' if name == "products" else '"platform"'), name
    # What knows no platform is that of the whole company, and says so where the filter is set.
    for name in ("stock-cover", "suppliers") if ranked else ():
        whole_company = table_of(site, "products.html", name)
        assert table_of(site, f"platform/{platform}/products.html", name) == whole_company
        block = whole(site / f"platform/{platform}/products.html").split(f'id="{name}"')[1]
        assert 'data-follows=""' in block.split("</figcaption>")[0]


# Products and stock -------------------------------------------------------------------------------


def test_products_and_stock_by_hand(site: Path) -> None:
    text = tree(site, "products.html").text()
    for words in (
        "Best sellers that run out within a week: 1, first Trail jacket · Tmall.",
        "Stuck in products that hardly sell: ¥1.00K (1 products).",
        "¥1.60K",  # 300 + 300 + 1000 on hand
        "S2 scores lowest: 58 of 100, grade C",
        "Most is stuck in Head lamp",
    ):
        assert words in text, words
    sold = shop.frames()["marts.fct_product_daily"].filter(
        pl.col("business_date") > DAY - timedelta(days=7)
    )
    by_name = dict(sold.group_by("product_key").agg(pl.col("gmv").cast(float).sum()).iter_rows())
    rows = {row[0]: row for row in table_of(site, "products.html", "product-rank")}
    for key, name in (("p1", "Trail jacket · Tmall"), ("p2", "露营杯 · Tmall")):
        assert rows[name][1] == f"¥{by_name[key]:,.2f}"
    assert [row[0] for row in table_of(site, "products.html", "suppliers")] == ["S2", "S1", "S3"]
    heat = figure(site, "products.html", "product-classes")["data"]
    shown = [[a if a is not None else b for a, b in zip(*lines, strict=True)]
             for lines in zip(heat[0]["z"], heat[1]["z"], strict=True)]  # fmt: skip
    assert shown == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


STOCK = st.tuples(st.sampled_from("ABC"), st.integers(0, 3), st.integers(0, 12), st.booleans())


@settings(max_examples=100, deadline=None)
@given(st.lists(STOCK, max_size=5))
def test_the_headline_of_stock_counts_what_runs_out_and_what_is_stuck(
    held: list[tuple[str, int, int, bool]],
) -> None:
    data = Data(fakes({
        "marts.dim_product": [
            {"product_key": f"p{n}", "product_name": f"P{n}", "gmv": 5.0, "abc_class": abc,
             "on_hand": on_hand, "days_of_stock": float(days), "is_slow_moving": slow}
            for n, (abc, on_hand, days, slow) in enumerate(held)],
        "marts.fct_inventory_daily": [
            {"business_date": DAY, "product_key": f"p{n}", "stock_amount": 100.0}
            for n in range(len(held))],
    }))  # fmt: skip
    today, _ = products._stock(data, INFO)
    told = products.headline(data, INFO, products._stuck(data, today)).en
    ends = {f"P{n}": days if on_hand else 0
            for n, (abc, on_hand, days, _) in enumerate(held) if abc == "A"}  # fmt: skip
    urgent = {name: days for name, days in ends.items() if days < 7}
    slow = sum(item[3] for item in held)
    assert told.startswith("Stock is not known") == (not held)
    if urgent:
        first = re.search(r"within a week: (\d+), first (P\d)", told)
        assert first
        assert int(first[1]) == len(urgent) and urgent[first[2]] == min(urgent.values())
    elif held:
        assert "Every best seller lasts 7 days or more." in told
    assert (f"{money(100 * slow, 'CNY', 'en')} ({slow} products)" in told) == bool(slow)


# Profit and budget --------------------------------------------------------------------------------

COSTS = ("refunded_amount", "goods_cost_amount", "platform_fee_amount", "payment_fee_amount",
         "creator_commission_amount", "freight_amount", "freight_insurance_amount",
         "advertising_amount")  # fmt: skip


def test_profit_by_hand(site: Path) -> None:
    text = tree(site, "profit.html").text()
    # 21 days of two platforms: 400 and the day's number each.
    cm3 = 2 * (21 * 400 + sum(range(1, 22)))
    for words in (f"CM3 is {money(cm3, 'CNY', 'en')} this month to date.", "¥40.00 is overdue",
                  "Tmall 2026-10 lost ¥120 after its close"):  # fmt: skip
        assert words in text, words
    rows = table_of(site, "profit.html", "profit-ladder")
    assert rows[0][1] == "¥42,000.00" and rows[-1][1] == f"¥{cm3:,.2f}"
    assert [row[0] for row in rows if not row[1].startswith("−")] == ["Receivable", "CM1", "CM2",
                                                                      "CM3"]  # fmt: skip
    plans = {row[0]: row for row in table_of(site, "profit.html", "plan")}
    assert plans["Advertising"][1:3] == ["¥1,890.00", "¥2,100.00"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 400)), min_size=8, max_size=8))
def test_profit_is_told_as_far_as_its_costs_are_known(costs: list[int | None]) -> None:
    """Margins as the mart makes them: unknown from the first unknown part on."""
    known = dict(zip(COSTS, costs, strict=True))
    level: float | None = 1000.0
    margins: dict[str, float | None] = {}
    for margin, parts in (("cm1_amount", COSTS[:2]), ("cm2_amount", COSTS[2:7]),
                          ("cm3_amount", COSTS[7:])):  # fmt: skip
        taken = [known[part] for part in parts]
        level = None if level is None or None in taken else level - sum(t or 0 for t in taken)
        margins[margin] = level
    row = {
        "business_date": DAY, "platform": "tmall", "shop_id": "s", "category": "c",
        "gmv": 1000.0, "merchant_receivable_amount": 1000.0, "estimated_amount": 0.0,
        **{name: None if value is None else float(value) for name, value in known.items()},
        **margins,
    }  # fmt: skip
    data = Data({"marts.fct_profit_daily": fake("marts.fct_profit_daily", [row]),
                 "quality.metrics": registry()})  # fmt: skip
    found = profit.sums(data["marts.fct_profit_daily"])
    told = profit.headline(data, INFO, found).en
    last = max((m for m, value in margins.items() if value is not None), default=None)
    if last is None:
        assert told.startswith("Profit is not known")
        return
    value = margins[last]
    assert value is not None
    assert f"{last[:3].upper()} is {money(value, 'CNY', 'en')} " in told
    assert ("a loss" in told) == (value < 0)
    assert ("not all known" in told) == (last != "cm3_amount")
    chart = profit.ladder_chart((data, INFO), blank(), found, same("x"))
    taken = {str(name): -cost for name, cost, is_total in ledger._steps(found) if not is_total}
    assert sum(taken.values()) == pytest.approx(1000 - value)
    if taken:
        assert money(-max(taken.values()), "CNY", "en", signed=True) in chart.title.en


PLAN = st.tuples(st.booleans(), st.integers(1, 200), st.integers(1, 200))


@settings(max_examples=100, deadline=None)
@given(st.lists(PLAN, min_size=1, max_size=5))
def test_a_plan_of_sales_is_kept_above_it_one_of_spend_below(plans: list[Any]) -> None:
    rows = [
        {"metric": "cost" if is_cost else "gmv", "actual_so_far": float(actual),
         "target_so_far": float(target), "attainment_so_far_rate": actual / target}
        for is_cost, actual, target in plans
    ]  # fmt: skip
    names = {n: same(f"#{n}") for n in range(len(rows))}
    told = ledger.plan_title(rows, names).en
    over = ledger.plan_title(rows, names, "over").en
    assert over == told.replace(" so far", "").replace("plan is", "plan was").replace(
        "off is", "off was"
    )
    missed = [n for n, (is_cost, a, t) in enumerate(plans) if (a > t if is_cost else a < t)]
    assert told.startswith("Every plan is kept") == (not missed)
    if missed:
        found = re.search(r"so far: (\d+) of (\d+); farthest off is #(\d)", told)
        assert found and (int(found[1]), int(found[2])) == (len(missed), len(plans))
        off = {n: abs(plans[n][1] / plans[n][2] - 1) for n in missed}
        assert off[int(found[3])] == max(off.values())


# Fulfilment and after-sales -----------------------------------------------------------------------


def test_service_by_hand(site: Path) -> None:
    text = tree(site, "service.html").text()
    for words in (
        "Orders waiting for more than 48 hours: 4. 90.0% of the orders due left within 48 hours.",
        "Slow is latest: 60.0% on time, Swift 90.0%",
        "4.0% of the sales of",
    ):
        assert words in text, words
    care = {row[0]: row[1:] for row in table_of(site, "service.html", "care")}
    assert care["Tickets"] == ["112", "112"] and care["Satisfaction, mean of 5"][0] == "4.50"
    assert care["Hours to resolve, mean"][0] == "10.00"
    weeks = table_of(site, "service.html", "refunds")
    assert weeks[0][5] == "still coming" and weeks[-1][5] == "all refunds in"
    assert len(weeks) == service.WEEKS


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=4))
def test_the_latest_carrier_is_the_one_with_the_least_in_time(told: list[tuple[int, int]]) -> None:
    rows = [
        {"business_date": DAY, "platform": "tmall", "carrier": f"c{n}", "region": "r",
         "due_parcels": due, "on_time_parcels": min(due, come), "parcels": due}
        for n, (due, come) in enumerate(told)
    ]  # fmt: skip
    data = Data({"marts.fct_fulfilment_daily": fake("marts.fct_fulfilment_daily", rows),
                 "quality.metrics": registry()})  # fmt: skip
    title = service.carrier_chart(data, blank(), Window(DAY, DAY)).title.en
    rates = {f"c{n}": min(due, come) / due for n, (due, come) in enumerate(told) if due >= 20}
    if not rates:
        assert title == "No carrier has enough parcels to judge."
    elif len(rates) == 1:
        assert title.startswith(next(iter(rates)))
    else:
        found = re.match(r"(c\d) is latest: ([\d.]+)% on time, (c\d) ([\d.]+)%", title)
        assert found
        assert rates[found[1]] == min(rates.values()) and rates[found[3]] == max(rates.values())
        assert float(found[2]) == pytest.approx(100 * rates[found[1]], abs=0.051)


# Customers ----------------------------------------------------------------------------------------


def test_customers_by_hand_and_few_are_hidden(site: Path) -> None:
    text = tree(site, "customers.html").text()
    for words in (
        "Win back: 500 customers. Most moved from High value to Win back (45).",
        "Win back is the largest segment (500 customers)",
        "High value brought most in the year (¥9.00K)",
        "Best in both recency and frequency: 12 customers",
        "Customers of Direct are expected to bring most (¥900)",
    ):
        assert words in text, words
    sizes = {row[0]: row[1:] for row in table_of(site, "customers.html", "segment-size")}
    assert sizes["Lost"] == ["<10", "20", "<10", "<10", "<10"]
    moves = table_of(site, "customers.html", "migration")
    assert moves[0] == ["High value", "80.0%", "18.0%", "<10"]
    grid = table_of(site, "customers.html", "rfm-grid")
    assert (grid[0][5], grid[4][1]) == ("12", "<10")
    for name in ("segments_monthly", "segment_migration", "customer_value_by_channel"):
        file = pl.read_csv(site / f"data/{name}.csv")
        assert not file["customers"].is_between(1, 9).any(), name


MOVE = st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.integers(0, 60))


@settings(max_examples=100, deadline=None)
@given(st.lists(MOVE, max_size=6, unique_by=lambda move: move[:2]))
def test_the_greatest_move_is_between_segments_and_of_ten_or_more(moves: list[Any]) -> None:
    rows = [
        {"month_start": DAY.replace(day=1), "from_segment": a, "to_segment": b, "customers": n,
         "migration_rate": n / 100} for a, b, n in moves
    ]  # fmt: skip
    table = "marts.fct_segment_migration_monthly"
    told = customers.migration_chart(Data({table: fake(table, rows)}), INFO, blank()).title.en
    large = [n for a, b, n in moves if a != b and n >= 10]
    if not moves:
        assert told.startswith("No month to compare")
    elif not large:
        assert told == "No move of ten customers or more"
    else:
        found = re.fullmatch(r"Most moved from (.) to (.): (\d+) customers", told)
        assert found
        assert int(found[3]) == max(large)
        assert (found[1], found[2], int(found[3])) in moves


# Promotions and experiments -----------------------------------------------------------------------


def test_a_promotion_by_hand(site: Path) -> None:
    text = tree(site, "promo.html").text()
    for words in (
        "11.11 2026 sold ¥12.0K, more than the ¥9.00K of ordinary days.",
        "1 of 2 platforms sold more than on ordinary days",
        "It sold no more than on ordinary days in the two weeks after it",
        "Tmall is ahead of the time before at the same hour (¥3.00K against ¥2.70K)",
        "11.11 2026 on Shopify brought most margin for its spend (0.50)",
    ):
        assert words in text, words
    tiles = text.partition("Spend")[2]
    assert tiles.lstrip("投放花费\n ").startswith("—")  # of one platform it is not known


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.none() | st.integers(0, 90), st.booleans()),
                min_size=1, max_size=3))  # fmt: skip
def test_the_headline_of_a_promotion_is_that_of_its_platforms(
    sold: list[tuple[int, int | None, bool]],
) -> None:
    rows = [
        {"promo": "p", "promo_year": 2026.0, "platform": f"x{n}", "label_en": "P", "label_zh": "P",
         "is_over": over, "gmv": float(gmv), "baseline_naive_gmv": before,
         **dict.fromkeys(("after_gmv", "after_baseline_naive_gmv", "cost", "discount_amount",
                          "new_buyers"))}
        for n, (gmv, before, over) in enumerate(sold)
    ]  # fmt: skip
    told = promo.headline(rows, INFO).en
    total = sum(gmv for gmv, _, _ in sold)
    bases = [before for _, before, _ in sold]
    assert money(total, "CNY", "en") in told
    assert ("so far" in told) == (not all(over for _, _, over in sold))
    if None in bases:
        assert "no ordinary days" in told
    else:
        above = total > sum(before or 0 for before in bases)
        assert ("more than the" in told and "no more than" not in told) == above
        assert money(sum(before or 0 for before in bases), "CNY", "en") in told


def test_experiments_by_hand(site: Path) -> None:
    text = tree(site, "experiments.html").text()
    for words in (
        "checkout: short is better in conversion.",
        "banner: the split is not the planned one, so nothing is shown.",
        "The split is not the planned one: the results would mislead.",
    ):
        assert words in text, words
    rows = table_of(site, "experiments.html", "experiment-1")
    assert rows[1] == ["AOV", "98.00", "100.00", "−2.00", "−9.00", "5.00", "0.600", "1.000",
                       "not sure"]  # fmt: skip
    dots = figure(site, "experiments.html", "experiment-1")["data"][0]
    assert sorted(dots["x"]) == pytest.approx([-0.02, 0.5])
    exposed = [["short", "2,000"], ["control", "1,500"]]
    assert table_of(site, "experiments.html", "experiment-0") == exposed


P_VALUES = st.tuples(st.floats(-1, 1), st.none() | st.floats(0, 0.2))


@settings(max_examples=100, deadline=None)
@given(st.lists(P_VALUES, min_size=1, max_size=4), st.sampled_from(["tested", "too_few"]))
def test_a_variant_is_called_better_only_where_that_is_sure(
    measured: list[tuple[float, float | None]], status: str
) -> None:
    rows = [
        {"experiment": "e", "variant": "v", "status": status, "metric": f"m{n}",
         "difference": moved, "adjusted_p_value": p} for n, (moved, p) in enumerate(measured)
    ]  # fmt: skip
    told = experiments.told(rows).en
    sure = [moved > 0 for moved, p in measured if p is not None and p < 0.05]
    if status == "too_few":
        assert "too few" in told
    elif not sure:
        assert "no difference is sure" in told
    else:
        assert ("is better in" in told) == all(sure)
        assert ("is worse in" in told) == (not any(sure))
        assert ("both ways" in told) == (any(sure) and not all(sure))
        least = min(p for _, p in measured if p is not None)
        assert measured[int(told[-2])][1] == least


def test_without_their_feeds_the_pages_say_so(tmp_path: Path) -> None:
    build_site({}, shop.info(configured_feeds={"events"}), tmp_path)
    for name in ("products.html", "profit.html", "service.html", "customers.html", "promo.html",
                 "experiments.html"):  # fmt: skip
        assert "Not configured" in tree(tmp_path, name).text(), name


# What to order ------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=6))
def test_what_to_order_comes_by_its_last_day(told: list[tuple[int, int]]) -> None:
    rows = [
        {"source": "erp", "product_key": f"p{n}", "product_name": f"n{n}", "warehouse": "w",
         "suggested_units": units, "suggested_amount": 10 * units, "reason": "stock_out",
         "order_by_date": DAY + timedelta(days=days)}
        for n, (units, days) in enumerate(told)
    ]  # fmt: skip
    data = Data({"insights.reorder_plan": fake("insights.reorder_plan", rows)})
    chart = products.reorder_chart(data, shop.info(), blank())
    wanted = [(days, n) for n, (units, days) in enumerate(told) if units]
    assert len(chart.table.rows) == len(wanted)
    if not wanted:
        assert chart.title.en in (
            "Nothing needs to be ordered", "No plan of orders yet: it needs stock and its history",
        )  # fmt: skip
        assert ("Nothing needs" in chart.title.en) == bool(told)
        return
    first = min(days for days, _ in wanted)
    named = re.match(r"Products to order: (\d+), first n(\d) · erp$", chart.title.en)
    assert named and int(named[1]) == len(wanted)
    assert told[int(named[2])][1] == first
