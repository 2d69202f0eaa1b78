"""Plans and outside figures by month: targets, budgets, headcount, market size; exchange rates.

Belongs here: what a company knows of a month before it begins. It follows from the calendar and
the trend alone, never from what was then sold.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from simulator.calendar import PLATFORMS
from simulator.catalogue import products
from simulator.company import CHANNELS, COMPANY
from simulator.demand import make_demand, ordinal
from simulator.draws import Floats, luck
from simulator.export_ads import CAMPAIGNS
from simulator.world import World

# what the plan takes for an ordinary day's GMV, yuan, and how much more it asks for
_USUAL_GMV = {"shopify": 7_900.0, "tmall": 4_900.0}
STRETCH = 1.04
_BUDGET_ROOM = 1.10
# team, people in January 2024, people more each half-year
TEAMS = (
    ("operations", 6.0, 0.5),
    ("marketing", 4.0, 0.5),
    ("customer_service", 7.0, 1.0),
    ("warehouse", 9.0, 1.0),
    ("product", 3.0, 0.0),
)
_MARKET = 42_000_000.0
_RATES = (("EUR", 7.80, 0.03), ("USD", 7.15, 0.02))
_SIZE, _RATE = 91, 92


def month_end(month: date) -> date:
    """Return the last day of the month that begins on a day."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _expected(world: World, month: date) -> dict[str, Floats]:
    """Return the GMV expected of each day of a month, by platform, in yuan."""
    first, last = ordinal(month), ordinal(month_end(month))
    demand = make_demand(world.seed, world.company, first, last)
    scale = {
        "shopify": world.company.site.sessions / COMPANY.site.sessions,
        "tmall": world.company.marketplace.visitors / COMPANY.marketplace.visitors,
    }
    return {
        shop: _USUAL_GMV[shop] * scale[shop] * part.level * part.conversion * part.basket
        for shop, part in demand.shops.items()
    }


def targets(world: World, month: date) -> pl.DataFrame:
    """Return the plan of a month: GMV of company and platforms, and of each day.

    Returns:
        Columns period (day, month), period_start, metric, dimension, segment, value (yuan).
    """
    expected = _expected(world, month)
    days = [month + timedelta(days=i) for i in range(len(expected["tmall"]))]
    whole = {shop: round(STRETCH * float(part.sum())) for shop, part in expected.items()}
    by_day = np.round(STRETCH * np.sum([*expected.values()], axis=0))
    rows: list[tuple[object, ...]] = [("month", month, None, None, float(sum(whole.values())))]
    rows += [("month", month, "platform", shop, float(whole[shop])) for shop in PLATFORMS]
    rows += [("day", day, None, None, float(x)) for day, x in zip(days, by_day, strict=True)]
    names = {
        "period": pl.String,
        "period_start": pl.Date,
        "dimension": pl.String,
        "segment": pl.String,
        "value": pl.Float64,
    }
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.select(
        "period", "period_start", pl.lit("gmv").alias("metric"), "dimension", "segment", "value"
    )


def budgets(world: World, month: date) -> pl.DataFrame:
    """Return the advertising budgets of a month: month, platform, campaign, budget_amount."""
    first, last = ordinal(month), ordinal(month_end(month))
    level = float(make_demand(world.seed, world.company, first, last).shops["shopify"].level.sum())
    sessions = world.company.site.sessions * level
    share = dict.fromkeys((name for _, name, _, _, _ in CAMPAIGNS), 0.0)
    for channel in CHANNELS:  # two channels may share a campaign
        for name, part in channel.campaigns:
            if name in share:
                share[name] += channel.share * part
    rows = [
        (month, "shopify", name, 10.0 * round(_BUDGET_ROOM * sessions * share[name] * price / 10))
        for _, name, price, _, _ in CAMPAIGNS
    ]
    names = ["month", "platform", "campaign", "budget_amount"]
    return pl.DataFrame(rows, schema=names, orient="row")


def headcount(month: date) -> pl.DataFrame:
    """Return the people of each team in a month: month, team, headcount."""
    halves = (month.year - 2024) * 2 + (month.month - 1) // 6
    rows = [(month, team, people + more * halves) for team, people, more in TEAMS]
    return pl.DataFrame(rows, schema=["month", "team", "headcount"], orient="row")


def market_size(world: World, month: date) -> pl.DataFrame:
    """Return an estimate of the market of a month, whole and by category, in yuan.

    Returns:
        Columns period_start, metric, category, value, origin.
    """
    names = list(dict.fromkeys(item.category[0] for item in products()))
    months = (month.year - 2024) * 12 + month.month - 1
    u = luck(world.seed, months * 100 + np.arange(len(names)), _SIZE)
    size = _MARKET * 1.004**months * (0.9 + 0.2 * u) * (1.0 + 0.25 * (month.month in {6, 11}))
    rounded = [float(round(x, -4)) for x in size]
    rows: list[tuple[object, ...]] = [(month, "gmv", None, sum(rounded), "panel estimate")]
    rows += [
        (month, "gmv", name, x, "panel estimate") for name, x in zip(names, rounded, strict=True)
    ]
    types = {"period_start": pl.Date, "metric": pl.String, "category": pl.String}
    return pl.DataFrame(
        rows, schema={**types, "value": pl.Float64, "origin": pl.String}, orient="row"
    ).select("period_start", "metric", "category", "value", "origin")


def fx_rates(world: World) -> pl.DataFrame:
    """Return yuan for a unit of foreign currency on each day: day, currency, rate."""
    days = np.arange(world.first, world.last + 1)
    parts = []
    for number, (currency, middle, swing) in enumerate(_RATES):
        wave = np.sin(2 * np.pi * (days + 90 * number) / 410.0)
        noise = luck(world.seed, days * 10 + number, _RATE) - 0.5
        rate = np.round(middle * (1.0 + swing * wave + 0.006 * noise), 4)
        parts.append(
            pl.DataFrame({"day": days, "rate": rate}).with_columns(currency=pl.lit(currency))
        )
    return pl.concat(parts).select("day", "currency", "rate").sort("day", "currency")
