"""The demo company's traffic: coherent sessions, honest totals."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest

from tests.support.simulated import AS_OF, START, read_events, site_orders, table, tmall_orders

FUNNEL = ["view_item", "add_to_cart", "begin_checkout", "purchase"]
MINUTE = 60 * 1_000_000


@pytest.fixture(scope="module")
def events(demo: Path) -> pl.DataFrame:
    return read_events(demo)


def test_a_session_has_under_three_events_on_average(events: pl.DataFrame) -> None:
    assert 2.5 < len(events) / events.select("user_pseudo_id", "session").n_unique() < 3.0


def test_a_session_runs_forward_through_the_funnel(events: pl.DataFrame) -> None:
    rank = {name: i for i, name in enumerate(FUNNEL)}
    first = (
        events.filter(pl.col("event_name").is_in(FUNNEL))
        .group_by("user_pseudo_id", "session", "event_name")
        .agg(pl.col("at").min())
        .with_columns(rank=pl.col("event_name").replace_strict(rank, return_dtype=pl.Int64))
        .sort("user_pseudo_id", "session", "rank")
    )
    same = pl.struct("user_pseudo_id", "session")
    steps = first.with_columns(
        gap=pl.col("at").diff().over(same), back=pl.col("rank").diff().over(same)
    )
    assert steps.get_column("gap").drop_nulls().min() > 0
    bought = first.filter(pl.col("event_name") == "purchase").select("user_pseudo_id", "session")
    whole = first.join(bought, on=["user_pseudo_id", "session"])
    assert len(whole) == 4 * len(bought)  # nobody buys without looking, cart and checkout


def test_sessions_keep_their_gaps_short_and_some_cross_midnight(events: pl.DataFrame) -> None:
    ordered = events.sort("user_pseudo_id", "session", "at")
    by = ["user_pseudo_id", "session"]
    longest = ordered.select(gap=pl.col("at").diff().over(by)).get_column("gap").max()
    assert longest < 30 * MINUTE
    days = events.group_by(by).agg(pl.col("event_date").n_unique())
    assert (days.get_column("event_date") == 2).sum() > 0


def test_event_dates_are_local_dates(events: pl.DataFrame) -> None:
    local = pl.from_epoch(pl.col("at") + 8 * 3600 * 1_000_000, time_unit="us")
    assert events.select((local.dt.strftime("%Y%m%d") == pl.col("event_date")).all()).item()


def test_purchases_are_orders_and_a_few_orders_are_untracked(
    demo: Path, events: pl.DataFrame
) -> None:
    orders = site_orders(demo)
    paid = {name[1:] for name, rows in orders.items() if rows[0]["Paid at"]}
    purchases = events.filter(pl.col("event_name") == "purchase")
    tracked = purchases.get_column("transaction").to_list()
    assert len(tracked) == len(set(tracked))
    assert set(tracked) <= paid
    assert 0.01 < 1 - len(tracked) / len(paid) < 0.07
    lines = {name[1:]: rows for name, rows in orders.items()}
    for number, items in purchases.select("transaction", "items").iter_rows():
        goods = [x for x in lines[number] if not x["Lineitem sku"].startswith("GIFT-")]
        assert items == len(goods)


def test_conversion_is_two_to_three_percent(demo: Path, events: pl.DataFrame) -> None:
    visitors = events.select("event_date", "user_pseudo_id").n_unique()
    orders = site_orders(demo)
    buyers = {(r[0]["Paid at"][:10], r[0]["Email"]) for r in orders.values() if r[0]["Paid at"]}
    assert 0.02 < len(buyers) / visitors < 0.035  # with 11.11 within a short window


def test_tmall_totals_are_those_of_its_orders(demo: Path) -> None:
    orders = tmall_orders(demo)
    buyers: dict[str, set[str]] = defaultdict(set)
    for (row,) in orders.values():
        buyers[row["订单付款时间"][:10]].add(row["买家会员名"])
    sources: dict[str, int] = defaultdict(int)
    for path in (demo / "inbox/tmall").glob("traffic_sources_*.csv"):
        for row in table(path, "utf-8-sig"):
            sources[row["统计日期"]] += int(row["访客数"])
    days = 0
    for path in (demo / "inbox/tmall").glob("shop_traffic_*.csv"):
        for row in table(path, "utf-8-sig"):
            day, visitors = row["统计日期"], int(row["访客数"])
            assert int(row["支付买家数"]) == len(buyers[day])
            assert int(row["商品访客数"]) <= visitors
            assert visitors < sources[day] < 1.4 * visitors
            days += 1
    assert days == (AS_OF - START).days + 1
