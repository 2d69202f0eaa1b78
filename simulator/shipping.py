"""Parcels of the orders: which carrier takes them, how long it needs, what it gets.

Belongs here: the way from the warehouse to the door. When an order leaves is part of its life in
`orders.py`; every parcel is there before the order can be completed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from simulator.company import PROVINCES
from simulator.demand import calendar_day, ordinal
from simulator.draws import Floats, Ints, luck
from simulator.orderbook import DAY, HOUR, NEVER, own_keys
from simulator.world import World, choose

PROMISE_HOURS = 48
SLOW_REGION, SLOW_REGION_LATE = "陕西省", 0.30
# the carrier that strikes, the share of its parcels of those days that is late
STRIKING, STRIKE_LATE, STRIKE_DAYS = 1, 0.90, 6
_STRIKES = ((4, 20), (10, 19))
LATE_HOURS = (49.0, 68.0)
_SPLIT_PIECES, SPLIT_SHARE, _SECOND_AFTER = 4, 0.25, HOUR
_CARRIER, _LATE, _HOURS, _SPLIT = 31, 32, 33, 34


@dataclass(frozen=True)
class Carrier:
    """One carrier.

    Attributes:
        name: its name.
        share: share of the parcels.
        late: share of its parcels that come after the promised 48 hours.
        hours: fewest and most hours of the others.
        cents: what it gets for a parcel; a fifth more outside the coastal provinces.
    """

    name: str
    share: float
    late: float
    hours: tuple[float, float]
    cents: int


CARRIERS = (
    Carrier("Swift Parcel", 0.25, 0.02, (14.0, 34.0), 1100),
    Carrier("Lantern Express", 0.40, 0.06, (20.0, 44.0), 620),
    Carrier("Harbour Post", 0.15, 0.38, (28.0, 48.0), 450),
    Carrier("Green Road", 0.20, 0.06, (20.0, 44.0), 590),
)
_NEAR = 7  # provinces of the list that cost no more


def strikes(first: date, last: date) -> list[tuple[date, date]]:
    """Return first and last day of the strikes that begin from first to last."""
    begun = [date(year, *day) for year in range(first.year, last.year + 1) for day in _STRIKES]
    return [(day, day + timedelta(days=STRIKE_DAYS - 1)) for day in begun if first <= day <= last]


def late_share(carrier: Ints, region: Ints, day: Ints) -> Floats:
    """Return the chance of each parcel to come late, by carrier, region and day of leaving."""
    share = np.array([item.late for item in CARRIERS])[carrier]
    slow = [name for name, _, _ in PROVINCES].index(SLOW_REGION)
    share = np.where(region == slow, share + (1.0 - share) * SLOW_REGION_LATE, share)
    on_strike = np.zeros(len(day), np.bool_)
    if len(day):
        first, last = calendar_day(int(day.min())), calendar_day(int(day.max()))
        for begin, end in strikes(first.replace(month=1, day=1), last):
            on_strike |= (day >= ordinal(begin)) & (day <= ordinal(end))
    return np.where((carrier == STRIKING) & on_strike, STRIKE_LATE, share)


def make_shipments(world: World, shop: str, orders: pl.DataFrame) -> pl.DataFrame:
    """Return the parcels of one shop's orders that are ever sent.

    Returns:
        Columns key, order_id, parcel (1, 2), carrier (index into CARRIERS), region (index into
        PROVINCES), shipped, promised, delivered (local seconds since 1970), cost_cents; by instant.
    """
    sent = orders.filter(pl.col("shipped") < NEVER).select(
        "key", "order_id", "region", "shipped", "units"
    )
    key = own_keys(shop, sent)
    many = sent.get_column("units").to_numpy() >= _SPLIT_PIECES
    twice = np.nonzero(many & (luck(world.seed, key, _SPLIT) < SPLIT_SHARE))[0]
    row = np.r_[np.arange(len(key)), twice]
    parcel = np.r_[np.ones(len(key), np.int64), np.full(len(twice), 2)]
    key = key[row]
    carrier = choose([item.share for item in CARRIERS], luck(world.seed, key, _CARRIER))
    region = sent.get_column("region").to_numpy()[row]
    shipped = sent.get_column("shipped").to_numpy()[row] + (parcel - 1) * _SECOND_AFTER
    is_late = luck(world.seed, key, _LATE) < late_share(carrier, region, shipped // DAY)
    usual = np.array([item.hours for item in CARRIERS])[carrier]
    low = np.where(is_late, LATE_HOURS[0], usual[:, 0])
    high = np.where(is_late, LATE_HOURS[1], usual[:, 1])
    hours = low + (high - low) * luck(world.seed, key * 2 + parcel, _HOURS)
    cents = np.array([item.cents for item in CARRIERS])[carrier]
    order: pl.DataFrame = sent[row]
    frame = order.select("key", "order_id", "region").with_columns(
        parcel=pl.Series(parcel),
        carrier=pl.Series(carrier),
        shipped=pl.Series(shipped),
        promised=pl.Series(shipped + PROMISE_HOURS * HOUR),
        delivered=pl.Series(shipped + (HOUR * hours).astype(np.int64)),
        cost_cents=pl.Series(np.where(region < _NEAR, cents, cents * 6 // 5)),
    )  # fmt: skip
    return frame.sort("shipped", "key", "parcel")
