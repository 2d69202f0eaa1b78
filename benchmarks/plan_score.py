"""Whether plans keep what they promise: planted uplift in its range, stock that lasts.

The uplift of each promotion of `--runs` shops of the simulator's demand, with the noise of single
orders on top, is compared with its range at 90 %; so is that of `--companies` whole companies of
the simulator, drawn once with their promotions and once, from the same luck, without. Items of
known demand are ordered by the reorder plan for 1,500 days, from suppliers of known delays; counted
is how often the stock lasted until the delivery.

Run: python benchmarks/plan_score.py [--runs 200] [--companies 12] [--seed 1000]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.demand import demand_forecast
from models.promo_uplift import promo_uplift
from models.replenishment import ReorderParams, lead_times, reorder_plan
from simulator import tmall
from simulator.calendar import months, promo_phases
from simulator.company import COMPANY
from simulator.demand import ShopDemand, calendar_day, make_demand, ordinal
from simulator.events import make_timeline, site_orders
from simulator.orderbook import DAY, NEVER
from simulator.orders import make_orders
from simulator.traffic import make_visits
from simulator.world import World, make_world

Floats = NDArray[np.float64]
FIRST = date(2025, 1, 6)
ITEMS, HISTORY, SUPPLIERS, DAYS = 400, 400, 8, 1500
_PLATFORM = "shopify"
_BASKET = 0.07  # part of a lift that is in the basket, so that the lift can be told from it
_TRAFFIC = 0.60  # and in the visitors


KEY = ["promo", "promo_year", "platform"]
Told = list[tuple[str, float, bool]]


@cache
def _calendar(until: date = date(2025, 12, 31)) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Promotions of the simulator's own calendar that end by a day, and all phases."""
    phases = pl.DataFrame(
        [(p.promo, p.year, p.platform, p.phase, p.starts, p.ends - timedelta(days=1))
         for p in promo_phases()],
        orient="row", schema=["promo", "promo_year", "platform", "phase", "start_date", "end_date"],
    )  # fmt: skip
    sale = phases.filter(pl.col("phase") != "holiday")
    promos = sale.group_by(KEY).agg(
        first_date=pl.col("start_date").min(), last_date=pl.col("end_date").max()
    )
    whole = pl.col("first_date").is_between(date(2024, 9, 2), until) & (pl.col("last_date") < until)
    return promos.filter(whole).sort(KEY), phases


def _judged(days: pl.DataFrame, promos: pl.DataFrame, phases: pl.DataFrame, part: str) -> Told:
    """What was planted in the part of each promotion, and whether the range holds it.

    Args:
        days: platform, business_date, gmv, without (what would have been sold), planted.
        promos: as `promo_uplift` wants them.
        phases: likewise.
        part: promo, or after, the 14 days after it if all are ordinary.
    """
    daily = promos.join(days, on="platform")
    sales = daily.select(*KEY, "business_date", "gmv", measure=pl.lit("gmv"))
    found = promo_uplift(sales, promos, phases).filter(part=part)
    if part == "after":
        found = found.filter(day_count=14)
    ends = ["lower_uplift_amount", "upper_uplift_amount"]
    truth = (
        daily.join(found.select(*KEY, *ends, since="first_date", until="last_date"), on=KEY)
        .filter(pl.col("business_date").is_between("since", "until"))
        .group_by(*KEY, *ends)
        .agg(pl.col("planted", "without").sum())
        .sort(KEY)
    )
    planted = pl.col("planted")
    return truth.select(
        "promo", planted / pl.col("without"), planted.is_between(*ends).alias("inside")
    ).rows()


def uplift_run(seed: int, orders: float = 60.0, part: str = "promo") -> Told:
    """One shop of so many orders a day.

    Returns:
        Of each promotion its name, what was planted beyond ordinary days, as a part of these, and
        whether the range of the part holds it.
    """
    first, last = ordinal(date(2024, 7, 1)), ordinal(date(2026, 2, 28))
    promos, phases = _calendar()
    random = np.random.default_rng(seed)
    shop = make_demand(seed, COMPANY, first, last).shops[_PLATFORM]
    lift = shop.basket ** (1 / _BASKET)
    mean = orders * shop.traffic * shop.conversion  # orders as expected, of 100 each
    count = random.poisson(mean)
    # an amount of n orders scatters by .7 of one each
    gmv = 100 * shop.basket * random.gamma(np.maximum(count, 0.01) / 0.49, 0.49)
    without = 100 * mean * shop.basket / lift
    days = pl.DataFrame({
        "platform": _PLATFORM,
        "business_date": [calendar_day(day) for day in range(first, last + 1)],
        "gmv": gmv, "without": without, "planted": without * (lift - 1),
    })  # fmt: skip
    return _judged(days, promos, phases, part)


def company_run(seed: int, part: str = "promo") -> Told:
    """One whole company, drawn twice from the same luck: with its promotions and without."""
    span = date(2024, 9, 1), date(2026, 11, 30)
    world = make_world(seed, 1.0, *span)
    shops = {name: _without_promotions(shop) for name, shop in world.demand.shops.items()}
    plain = replace(world, demand=replace(world.demand, shops=shops))
    sold, without = (_daily_sales(one, *span) for one in (world, plain))
    days = sold.join(without.rename({"gmv": "without"}), on=["platform", "business_date"])
    return _judged(
        days.with_columns(planted=pl.col("gmv") - pl.col("without")), *_calendar(span[1]), part
    )


def _without_promotions(shop: ShopDemand) -> ShopDemand:
    lift = shop.basket ** (1 / _BASKET)
    traffic, one = lift**_TRAFFIC, np.ones_like(lift)
    return replace(
        shop, level=shop.level / traffic, traffic=shop.traffic / traffic, conversion=one,
        basket=one, pull=one, is_promo=np.zeros_like(shop.is_promo),
        presale_ends=np.zeros_like(shop.presale_ends),
    )  # fmt: skip


def _daily_sales(world: World, first: date, last: date) -> pl.DataFrame:
    """Goods value paid by day: platform, business_date, gmv."""
    parts = []
    for begin, end in months(first, last):
        span = ordinal(begin), ordinal(end)
        visits = make_visits(world, *span)
        site = site_orders(world, visits, make_timeline(world, visits)).placed
        for shop, placed in ((_PLATFORM, site), ("tmall", tmall.place_orders(world, *span))):
            paid = make_orders(world, shop, placed).orders.filter(pl.col("paid") < NEVER)
            parts.append(
                paid.select(
                    platform=pl.lit(shop),
                    business_date=pl.from_epoch(pl.col("paid") // DAY, time_unit="d"),
                    gmv=(pl.col("goods_cents") - pl.col("discount_cents")) / 100,
                )
            )
    return pl.concat(parts).group_by("platform", "business_date").agg(pl.col("gmv").sum())


def units(matrix: Floats, platform: str | None = "a") -> pl.DataFrame:
    """Rows of series s000, s001 ... from `FIRST` on; NaN is not known."""
    count, days = matrix.shape
    return pl.DataFrame({
        "series": np.repeat([f"s{row:03d}" for row in range(count)], days),
        "platform": pl.Series([platform] * count * days, dtype=pl.String),
        "business_date": [FIRST + timedelta(days=day) for day in range(days)] * count,
        "units": matrix.ravel(),
    }).with_columns(pl.col("units").fill_nan(None))  # fmt: skip


class StockedShop:
    """Items of known demand and suppliers of known delays, and what the models learn of them."""

    def __init__(self, seed: int) -> None:
        self.random = random = np.random.default_rng(seed)
        self.rate = random.lognormal(1.0, 0.7, ITEMS)
        self.scatter = random.uniform(2, 8, ITEMS)
        self.shortest = random.integers(3, 9, SUPPLIERS)
        self.longest = random.integers(9, 16, SUPPLIERS)
        self.supplier = random.integers(0, SUPPLIERS, ITEMS)
        sold = np.stack([self.day() for _ in range(HISTORY)], axis=1)
        self.demand = demand_forecast(units(sold), None)
        orders = np.tile(np.arange(SUPPLIERS), 60)
        self.leads = lead_times(pl.DataFrame({
            "supplier_id": [f"S{one}" for one in orders],
            "po_id": np.arange(len(orders)), "lead_days": self.lead(orders),
        }))  # fmt: skip

    def day(self) -> Floats:
        """What is asked for on one more day, by item."""
        chance = self.scatter / (self.scatter + self.rate)
        return self.random.negative_binomial(self.scatter, chance).astype(float)

    def lead(self, suppliers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Days that an order to each of the suppliers takes."""
        return self.random.integers(self.shortest[suppliers], self.longest[suppliers] + 1)

    def plan(self, on_hand: Any, service: float) -> pl.DataFrame:
        """The reorder plan of all items, as of the end of the history."""
        names = [f"s{row:03d}" for row in range(ITEMS)]
        held = pl.DataFrame({
            "series": names, "made_on": FIRST + timedelta(days=HISTORY), "source": "erp",
            "product_id": names, "product_key": names, "product_name": names, "warehouse": "w",
            "on_hand": on_hand, "on_order": 0,
            "supplier_id": [f"S{one}" for one in self.supplier], "unit_cost": 1.0,
        })  # fmt: skip
        return reorder_plan(held, self.demand, self.leads, ReorderParams(service_level=service))


def service_run(seed: int, service: float) -> float:
    """Part of the deliveries before which the stock lasted, ordered by a plan for this service."""
    shop = StockedShop(seed)
    plan = shop.plan(0, service)
    point, target = plan["reorder_point_units"].to_numpy(), plan["target_units"].to_numpy()
    on_hand, coming, due = target.copy(), np.zeros(ITEMS), np.full(ITEMS, -1)
    cycles = missed = 0
    for day in range(DAYS):
        on_hand = on_hand - shop.day()
        came = due == day  # in the evening
        # what was asked for until the delivery and could not be given
        cycles, missed = cycles + int(came.sum()), missed + int((on_hand[came] < 0).sum())
        on_hand = np.where(came, np.maximum(on_hand, 0) + coming, on_hand)
        low = (on_hand <= point) & ((due < 0) | came)
        coming = np.where(low, target - np.maximum(on_hand, 0), coming)
        due = np.where(low, day + shop.lead(shop.supplier), np.where(came, -1, due))
    return 1 - missed / cycles


def _print(what: str, runs: list[Told]) -> None:
    schema = ["promo", "planted", "inside"]
    told = pl.DataFrame([one for run in runs for one in run], schema=schema, orient="row")
    by_promo = told.group_by("promo").agg(pl.col("planted", "inside").mean()).sort("promo")
    each = [f"{name} (planted {planted:+.2f}) {inside:.3f}"
            for name, planted, inside in by_promo.rows()]  # fmt: skip
    print(f"{what}: {told['inside'].mean():.3f} of {told.height};", ", ".join(each))


def main() -> None:
    """Print all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--companies", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1000)
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.runs)
    for orders, part in ((60.0, "promo"), (15.0, "promo"), (60.0, "after")):
        runs = [uplift_run(seed, orders, part) for seed in seeds]
        _print(f"uplift, {orders:.0f} orders a day, {part}", runs)
    companies = [company_run(seed) for seed in range(asked.seed, asked.seed + asked.companies)]
    _print("uplift of whole companies", companies)
    for service in (0.90, 0.95, 0.98):
        lasted = [service_run(asked.seed + number, service) for number in range(5)]
        print(f"service {service}: " + ", ".join(f"{part:.4f}" for part in lasted))


if __name__ == "__main__":
    main()
