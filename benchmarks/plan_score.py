"""Whether plans keep what they promise: planted uplift in its range, stock that lasts.

The uplift of each promotion of `--runs` shops of the simulator's demand, with the noise of single
orders on top, is compared with its range at 90 %. Items of known demand are ordered by the reorder
plan for 1,500 days, from suppliers of known delays; counted is how often the stock lasted until the
delivery.

Run: python benchmarks/plan_score.py [--runs 200] [--seed 1000]
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.demand import demand_forecast
from models.promo_uplift import promo_uplift
from models.replenishment import ReorderParams, lead_times, reorder_plan
from simulator.calendar import promo_phases
from simulator.company import COMPANY
from simulator.demand import calendar_day, make_demand, ordinal

Floats = NDArray[np.float64]
FIRST = date(2025, 1, 6)
ITEMS, HISTORY, SUPPLIERS, DAYS = 400, 400, 8, 1500
_PLATFORM = "shopify"
_BASKET = 0.07  # part of a lift that is in the basket, so that the lift can be told from it


@cache
def _calendar() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Promotions and phases of the simulator's own calendar."""
    phases = pl.DataFrame(
        [(p.promo, p.year, p.platform, p.phase, p.starts, p.ends - timedelta(days=1))
         for p in promo_phases()],
        orient="row", schema=["promo", "promo_year", "platform", "phase", "start_date", "end_date"],
    ).filter(platform=_PLATFORM)  # fmt: skip
    sale = phases.filter(pl.col("phase") != "holiday")
    promos = sale.group_by("promo", "promo_year", "platform").agg(
        first_date=pl.col("start_date").min(), last_date=pl.col("end_date").max()
    )
    whole = pl.col("first_date").is_between(date(2024, 9, 2), date(2025, 12, 31))
    return promos.filter(whole), phases


def uplift_run(
    seed: int, orders: float = 60.0, part: str = "promo"
) -> list[tuple[str, float, bool]]:
    """One shop of so many orders a day.

    Returns:
        Of each promotion its name, what was planted beyond ordinary days, as a part of these, and
        whether the range of the part (promo or after, the 14 days after it if all are ordinary)
        holds it.
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
    planted = pl.DataFrame({
        "business_date": [calendar_day(day) for day in range(first, last + 1)],
        "gmv": gmv, "without": without, "planted": without * (lift - 1),
    })  # fmt: skip
    key = ["promo", "promo_year", "platform"]
    daily = promos.join(planted, how="cross")
    sales = daily.select(*key, "business_date", "gmv", measure=pl.lit("gmv"))
    found = promo_uplift(sales, promos, phases).filter(part=part)
    if part == "after":
        found = found.filter(day_count=14)
    days = found.select(*key, "lower_uplift_amount", "upper_uplift_amount", since="first_date",
                        until="last_date")  # fmt: skip
    truth = (
        daily.join(days, on=key)
        .filter(pl.col("business_date").is_between("since", "until"))
        .group_by(*key, "lower_uplift_amount", "upper_uplift_amount")
        .agg(pl.col("planted", "without").sum())
    )
    return truth.sort(key).select(
        "promo", pl.col("planted") / pl.col("without"),
        pl.col("planted").is_between("lower_uplift_amount", "upper_uplift_amount").alias("inside"),
    ).rows()  # fmt: skip


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


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.runs)
    for orders, part in ((60.0, "promo"), (15.0, "promo"), (60.0, "after")):
        told = pl.DataFrame(
            [one for seed in seeds for one in uplift_run(seed, orders, part)],
            schema=["promo", "planted", "inside"], orient="row",
        )  # fmt: skip
        by_promo = told.group_by("promo").agg(pl.col("planted", "inside").mean()).sort("promo")
        each = [f"{name} (planted {planted:+.2f}) {inside:.3f}"
                for name, planted, inside in by_promo.rows()]  # fmt: skip
        print(f"uplift, {orders:.0f} orders a day, {part}: {told['inside'].mean():.3f} of"
              f" {told.height};", ", ".join(each))  # fmt: skip
    for service in (0.90, 0.95, 0.98):
        lasted = [service_run(asked.seed + number, service) for number in range(5)]
        print(f"service {service}: " + ", ".join(f"{part:.4f}" for part in lasted))


if __name__ == "__main__":
    main()
