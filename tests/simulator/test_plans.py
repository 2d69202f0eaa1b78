"""The demo company's calendar, incidents, demand and arithmetic, against independent values."""

from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from simulator import draws
from simulator.calendar import PLATFORMS, is_ordinary, promo_phases
from simulator.catalogue import products, version
from simulator.company import COMPANY
from simulator.demand import make_demand, ordinal
from simulator.events import make_timeline, site_orders
from simulator.incidents import FIXED, KINDS, Incident, schedule
from simulator.orderbook import share_out
from simulator.orders import make_orders
from simulator.plan import exports
from simulator.run import simulate
from simulator.tmall import place_orders
from simulator.traffic import Visits, make_visits
from simulator.world import World, make_world

SEEDS = Path(__file__).parents[2] / "dbt_project/seeds"


def test_the_calendar_is_the_warehouse_seed() -> None:
    with (SEEDS / "promo_calendar.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["country"] == "CN"]
    columns = ("promo_year", "platform", "phase", "starts_at", "ends_at")
    seeded = {
        (row["promo"], *({**row, "platform": platform}[name] for name in columns))
        for row in rows
        for platform in ([row["platform"]] if row["platform"] else PLATFORMS)
    }
    own = {
        (p.promo, str(p.year), p.platform, p.phase, f"{p.starts} 00:00:00", f"{p.ends} 00:00:00")
        for p in promo_phases()
    }
    assert own == seeded


def test_the_days_around_double_eleven() -> None:
    ordinary = {day for day in range(1, 31) if is_ordinary(date(2026, 11, day))}
    assert ordinary == set(range(15, 31))  # opening, sustain, peak until 11, dip 12 to 14


def test_demand_of_a_day_does_not_depend_on_the_window() -> None:
    one = make_demand(7, COMPANY, 20_000, 20_400).shops["tmall"]
    two = make_demand(7, COMPANY, 20_300, 20_320).shops["tmall"]
    np.testing.assert_array_equal(one.traffic[300:321], two.traffic)
    np.testing.assert_array_equal(one.conversion[300:321], two.conversion)


def test_promos_lift_and_holidays_depress() -> None:
    first = ordinal(date(2025, 1, 1))
    shop = make_demand(7, COMPANY, first, first + 364).shops["shopify"]
    gmv = shop.traffic * shop.conversion * shop.basket

    def mean(month: int, days: range) -> float:
        rows = [ordinal(date(2025, month, day)) - first for day in days]
        return float(gmv[rows].mean())

    ordinary = mean(9, range(1, 31))
    assert mean(11, range(9, 12)) / ordinary == pytest.approx(3.0, rel=0.2)
    assert mean(11, range(1, 4)) / ordinary == pytest.approx(2.2, rel=0.25)
    assert mean(2, range(1, 8)) / ordinary == pytest.approx(0.6, rel=0.25)
    assert mean(11, range(12, 15)) / ordinary == pytest.approx(0.85, rel=0.15)


def test_sharing_out_gives_the_published_example() -> None:
    """METRICS: 50.00 off lines of 199.00, 99.90, 29.90 and a gift."""
    values = np.array([[19900, 9990, 2990, 0]])
    discount = share_out(values, np.array([5000]))
    assert discount.tolist() == [[3026, 1519, 455, 0]]


def test_sharing_out_loses_no_cent() -> None:
    random = np.random.default_rng(1)
    values = random.integers(0, 50_000, (500, 5))
    values[:, 0] += 1
    totals = (values.sum(axis=1) * random.random(500)).astype(np.int64)
    shared = share_out(values, totals)
    assert (shared.sum(axis=1) == totals).all()
    exact = values * totals[:, None] / values.sum(axis=1)[:, None]
    assert np.abs(shared - exact).max() < 1.0
    assert (shared[values == 0] == 0).all()


def test_systematic_choice_meets_its_expectation() -> None:
    random = np.random.default_rng(2)
    group = np.repeat(np.arange(300), 200)
    probability = random.random(len(group)) * 0.1
    chosen = draws.systematic(group, probability, np.repeat(random.random(300), 200))
    count, expected = np.bincount(group, chosen), np.bincount(group, probability)
    assert np.abs(count - expected).max() < 1.0
    assert abs(chosen.sum() - probability.sum()) < 3 * np.sqrt(300 / 12)


def test_mixing_is_one_to_one() -> None:
    numbers = np.arange(200_000)
    assert len(np.unique(draws.mix(numbers, 3))) == len(numbers)
    assert draws.fraction(numbers, 1).mean() == pytest.approx(0.5, abs=0.005)


def test_keyed_draws_stand_alone() -> None:
    days, counts = np.array([10, 11, 12]), np.array([4, 2, 3])
    whole = draws.uniforms(7, draws.Stream.VISITS, days, counts, ["a", "b"])
    alone = draws.uniforms(7, draws.Stream.VISITS, days[1:2], counts[1:2], ["a", "b"])
    assert whole["b"][4:6].tolist() == alone["b"].tolist()


# ---------------------------------------------------------------- incidents


@pytest.mark.parametrize("seed", [1, 7, 11])
def test_incidents_are_many_mixed_and_recent(seed: int) -> None:
    for shift in range(0, 366, 5):
        as_of = date(2026, 1, 10) + timedelta(days=shift)
        found = schedule(seed, as_of - timedelta(days=800), as_of)
        assert len(found) >= 40
        # between the year's goods and the end of the holiday nothing is planted for six weeks
        assert any(item.start_date > as_of - timedelta(days=60) for item in found)
        assert {item.kind for item in found} == set(KINDS)
        assert {item.metric for item in found} == {
            *("visitors", "conversion", "aov", "orders_per_buyer", "refund_rate", "data"),
        }


@pytest.mark.parametrize("seed", [1, 7, 11])
def test_incidents_leave_two_weeks_between_and_avoid_promos(seed: int) -> None:
    found = schedule(seed, date(2023, 1, 1), date(2030, 1, 1))
    assert all(is_ordinary(day) for item in found for day in item.days)
    for platform in ("shopify", "tmall"):
        mine = [item for item in found if item.platform == platform]
        rests = [(b.start_date - a.end_date).days for a, b in itertools.pairwise(mine)]
        assert min(rests) > 14
        assert sorted(rests)[len(rests) // 2] < 40
    assert len({item.incident_id for item in found}) == len(found)


def test_incidents_have_sizes_that_can_be_missed_and_found() -> None:
    for item in schedule(7, date(2023, 1, 1), date(2030, 1, 1)):
        if item.metric == "refund_rate":  # 6.8 % of orders are refunded anyway
            assert 0.3 < 0.068 * item.factor < 0.7
        elif item.kind not in {"stock_out", "late_source_file"} and item not in FIXED:
            assert 0.15 <= abs(item.factor - 1.0) <= 0.8


def test_a_span_has_its_incidents_whatever_the_window() -> None:
    march = schedule(7, date(2026, 3, 1), date(2026, 3, 31))
    wide = schedule(7, date(2025, 1, 1), date(2026, 12, 1))
    assert march == tuple(i for i in wide if (i.start_date.year, i.start_date.month) == (2026, 3))


def test_the_mobile_checkout_breaks_on_the_days_documented() -> None:
    for seed in (1, 7):
        found = schedule(seed, date(2026, 9, 24), date(2026, 11, 29))
        site = [item for item in found if item.platform == "shopify"]
        assert [(i.kind, i.segment, i.start_date, i.end_date) for i in site] == [
            ("broken_checkout", "mobile", date(2026, 10, 10), date(2026, 10, 10)),
            ("broken_checkout", "mobile", date(2026, 11, 15), date(2026, 11, 16)),
        ] or seed != 7
        assert set(FIXED) <= set(site)


def test_a_late_file_arrives_a_day_later_under_its_true_instant() -> None:
    late = Incident(
        "late_source_file", date(2026, 11, 5), date(2026, 11, 5), "tmall", "feed", "orders", "data",
        0.0,
    )  # fmt: skip

    def names(as_of: date) -> set[str]:
        made = exports(date(2026, 9, 1), date(2026, 10, 31), as_of, (late,))
        return {item.path.name for item in made if "20261105" in item.path.name}

    on_the_day, after = names(date(2026, 11, 5)), names(date(2026, 11, 6))
    assert after - on_the_day == {
        "ExportOrderList_20261105_20261107013000.csv",
        "ExportOrderDetailList_20261105_20261107013000.csv",
    }
    assert on_the_day < after
    assert "orders_export_20261105_20261106020000.csv" in on_the_day


def world_with(*incidents: Incident) -> World:
    base = make_world(7, 1.0, date(2026, 9, 1), date(2026, 9, 30))
    return replace(base, incidents=incidents)


def test_planted_factors_are_found_in_the_visits() -> None:
    day = date(2026, 9, 16)
    first, last = ordinal(date(2026, 9, 1)), ordinal(date(2026, 9, 30))

    def plant(kind: str, dimension: str, segment: str, factor: float) -> Incident:
        return Incident(kind, day, day, "shopify", dimension, segment, "any", factor)

    calm = make_visits(world_with(), first, last)
    out = make_visits(
        world_with(plant("traffic_source_out", "channel", "paid_search", 0.1)), first, last
    )
    broken = make_visits(world_with(plant("broken_checkout", "device", "mobile", 0.1)), first, last)
    lost = make_visits(world_with(plant("lost_tracking", "all", "all", 0.1)), first, last)
    hit = ordinal(day)

    def on_day(visits: Visits, rows: np.ndarray) -> int:
        return int((rows & (visits.day == hit)).sum())

    paid_search = on_day(out, out.channel == 1) / on_day(calm, calm.channel == 1)
    assert paid_search == pytest.approx(0.1, abs=0.06)
    assert on_day(out, out.channel != 1) == on_day(calm, calm.channel != 1)
    mobile = on_day(broken, broken.ordered & (broken.device == 0))
    assert mobile / on_day(calm, calm.ordered & (calm.device == 0)) == pytest.approx(0.1, abs=0.1)
    assert on_day(broken, broken.checked_out) == on_day(calm, calm.checked_out)
    assert on_day(broken, broken.ordered & (broken.device == 1)) == on_day(
        calm, calm.ordered & (calm.device == 1)
    )
    assert on_day(lost, lost.lost) / on_day(calm, calm.day > 0) == pytest.approx(0.9, abs=0.03)
    assert on_day(lost, lost.ordered) == on_day(calm, calm.ordered)
    for other in (out, broken, lost):  # the days around are untouched
        rows = other.day != hit
        assert other.visitor[rows].tolist() == calm.visitor[calm.day != hit].tolist()


def test_a_price_error_lowers_one_product_for_a_day() -> None:
    day, number = date(2026, 9, 16), 0
    item = products()[number]
    wrong = Incident("price_error", day, day, "shopify", "product", item.product_id, "aov", 0.15)
    world = world_with(wrong)
    visits = make_visits(world, world.first, world.last)
    made = site_orders(world, visits, make_timeline(world, visits))
    lines = make_orders(world, "shopify", made.placed).lines
    sold = lines.filter(pl.col("product") == number).with_columns(day=pl.col("key") // 100_000)
    right = version(number, day)[0]
    on_day = pl.col("day") == ordinal(day)
    assert sold.filter(on_day).get_column("unit").unique().to_list() == [
        round(right * 0.15 / 10) * 10
    ]
    assert sold.filter(~on_day).get_column("unit").unique().to_list() == [right]
    count = sold.filter(on_day).height
    assert count > 2.5 * sold.height / 30


def test_a_sold_out_product_is_bought_nowhere_and_the_others_as_ever() -> None:
    first, last, number = date(2026, 9, 10), date(2026, 9, 20), 0
    gone = Incident(
        "stock_out", first, last, "tmall", "product", products()[number].product_id, "conversion",
        0.0,
    )  # fmt: skip
    sold = []
    for world in (world_with(), world_with(gone)):
        placed = place_orders(world, world.first, world.last)
        inside = (placed.day >= ordinal(first)) & (placed.day <= ordinal(last))
        lines = make_orders(world, "tmall", placed).lines
        mine = lines.filter(
            pl.col("product") == number,
            (pl.col("key") // 100_000).is_between(ordinal(first), ordinal(last)),
        )
        sold.append((mine.height, int(inside.sum()), int((~inside).sum())))
    (calm, calm_orders, calm_around), (none, orders, around) = sold
    assert calm > 10
    assert none == 0
    assert around == calm_around
    assert 0.85 * calm_orders < orders < calm_orders  # a twelfth asked for it


def test_the_truth_lists_late_files_only_where_files_are_daily(tmp_path: Path) -> None:
    late = [i for i in schedule(7, date(2026, 1, 1), date(2026, 12, 31)) if "late" in i.kind]
    assert late
    chosen = late[-1].start_date
    start = (chosen.replace(day=1) - timedelta(days=1)).replace(day=1)
    report = simulate(
        tmp_path, start=start, history_until=chosen.replace(day=1) - timedelta(days=1),
        as_of=chosen, scale=0.02,
    )  # fmt: skip
    assert late[-1] in report.incidents
    folder = tmp_path / "inbox" / late[-1].platform
    assert not list(folder.glob(f"*rder*_{chosen:%Y%m%d}_*.csv"))
