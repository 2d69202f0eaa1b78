"""The products of the demo company with their prices over time.

Belongs here: the list of products and closed formulas for price and cost on a date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np

from simulator.draws import Floats, Ints

EPOCH = date(1970, 1, 1)
GIFTS = ("GIFT-001", "GIFT-002", "GIFT-003")
SIZES = ("S", "M", "L", "XL")
_PRICE_RISE = 1.025
_FIRST_REVISION = 2024
_OLD_LAUNCH = date(2023, 3, 1)

# category, its Chinese name, lowest and highest price, the season of the year it sells best (month)
_CATEGORIES = (
    ("bedding", "床品", 129, 459, 11),
    ("kitchen", "厨具", 49, 329, 1),
    ("bath", "卫浴", 29, 169, 6),
    ("fragrance", "香氛", 59, 259, 12),
    ("storage", "收纳", 39, 219, 3),
    ("tableware", "餐具", 35, 269, 9),
)
_ITEMS = (
    (("Linen duvet cover", "亚麻被套"), ("Down pillow", "羽绒枕"), ("Wool blanket", "羊毛毯")),
    (("Cast iron pan", "铸铁锅"), ("Chef's knife", "主厨刀"), ("Cutting board", "砧板")),
    (("Bath towel", "浴巾"), ("Soap tray", "皂盒"), ("Bath mat", "地垫")),
    (("Scented candle", "香薰蜡烛"), ("Reed diffuser", "藤条香薰"), ("Room spray", "室内喷雾")),
    (("Woven basket", "编织篮"), ("Stackable box", "叠放盒"), ("Clothes rack", "衣架")),
    (("Stoneware bowl", "陶碗"), ("Glass set", "玻璃杯套装"), ("Serving plate", "餐盘")),
)
_FINISHES = (("Natural", "原色"), ("Slate", "石板灰"), ("Moss", "苔绿"), ("Ivory", "象牙白"))


@dataclass(frozen=True)
class Product:
    """One product; prices in yuan at the first revision.

    Attributes:
        product_id: id, the same in both shops.
        names: (English, Chinese) name.
        category: (English, Chinese) category.
        role: core, related or lead_in.
        base_price: list price before any revision.
        launched: first day on sale.
        popularity: weight in the choice of what is bought.
        season: month in which the category sells best.
    """

    product_id: str
    names: tuple[str, str]
    category: tuple[str, str]
    role: str
    base_price: float
    launched: date
    popularity: float
    season: int


@cache
def products() -> tuple[Product, ...]:
    """Return the sixty products, ten in each of six categories, gifts not included."""
    made = []
    for number in range(60):
        group, item = number % 6, number // 6
        english, chinese, low, high, season = _CATEGORIES[group]
        name, finish = _ITEMS[group][item % 3], _FINISHES[item // 3]
        price = low * (high / low) ** (((item * 7 + group * 3) % 10) / 9.0)
        # the last two of each category come one by one from October 2024 on
        launched = _OLD_LAUNCH
        if item >= 8:
            launched = date(2024, 10, 15) + timedelta(days=61 * (group + 6 * (item - 8)))
        role = "lead_in" if price < low * 1.5 else "core" if item < 4 else "related"
        made.append(
            Product(
                product_id=f"P{number + 1:03d}",
                names=(f"{name[0]} {finish[0]}", f"{name[1]} {finish[1]}"),
                category=(english, chinese),
                role=role,
                base_price=round(price),
                launched=launched,
                popularity=(number + 3.0) ** -0.75,
                season=season,
            )
        )
    return tuple(made)


def _revisions(until: date) -> list[date]:
    """Return the days on which prices were revised, up to a date: 1 March and 1 September."""
    days = [
        date(year, month, 1) for year in range(_FIRST_REVISION, until.year + 1) for month in (3, 9)
    ]
    return [day for day in days if day <= until]


def _revised(number: int, until: date) -> list[date]:
    """Return the revisions that touched product `number`: every fourth one."""
    return [day for i, day in enumerate(_revisions(until)) if (i + number) % 4 == 0]


def change_days(first: date, last: date) -> list[date]:
    """Return the days after first, up to last, on which some product's row changes."""
    launches = {item.launched for item in products()}
    return sorted(day for day in launches.union(_revisions(last)) if first < day <= last)


def version(number: int, day: date) -> tuple[int, date]:
    """Return (price in cents, valid from) of product `number` on a day."""
    item = products()[number]
    past = [when for when in _revised(number, day) if when > item.launched]
    cents = round(item.base_price * _PRICE_RISE ** len(past)) * 100 - 10
    return cents, past[-1] if past else item.launched


def cost_cents(number: int) -> int:
    """Return the purchase cost of product `number`, which does not move with its price."""
    return round(products()[number].base_price * (38 + number % 9))


def price_table(first: int, last: int) -> Ints:
    """Return list prices in cents, shape (days, products), for days since 1970 first..last."""
    days = [EPOCH + timedelta(days=day) for day in range(first, last + 1)]
    numbers = range(len(products()))
    table = np.empty((len(days), len(numbers)), np.int64)
    changes = {days[0], *change_days(days[0], days[-1])}
    for i, day in enumerate(days):  # copied from the day before unless something changed
        table[i] = [version(k, day)[0] for k in numbers] if day in changes else table[i - 1]
    return table


def demand_table(first: int, last: int) -> Floats:
    """Return purchase weights, shape (days, products): popularity, launch and season."""
    items = products()
    days = np.arange(first, last + 1)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    season = np.array([item.season for item in items])
    launched = np.array([(item.launched - EPOCH).days for item in items])
    weight = np.array([item.popularity for item in items])
    wave = 1.0 + 0.25 * np.cos(2 * np.pi * (month[:, None] - season[None, :]) / 12)
    # what is not launched yet keeps a trace of weight: nobody is offered it before its day
    return np.where(days[:, None] >= launched[None, :], weight * wave, 0.0)
