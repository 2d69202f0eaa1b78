"""Live sessions of the Tmall shop: its own and those of creators.

Belongs here: when a room is on, who hosts it, how many watch, and which orders it brought. Whether
there is a session on a day is a function of the day alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulator.draws import Floats, Ints, luck
from simulator.orderbook import DAY, HOUR
from simulator.world import World

HOSTS = ("creator_lin", "creator_mo", "creator_qiao")
_OWN_HOST = "shop_studio"
_OWN_WEEKDAYS = (1, 3, 5)
_CREATOR_DAYS = 0.07
# share of the orders placed while a creator's room is on that came from it
CREATOR_ORDERS = 0.55
_BEGIN, _OWN_HOURS, _CREATOR_HOURS = 20 * HOUR, 2.5, 3.5
# viewers of a session for each visitor of the shop on a usual day
_OWN_VIEWERS, _CREATOR_VIEWERS = 0.5, 6.0
_IS_CREATOR, _HOST, _CROWD, _CLICKS, _FROM_ROOM = 61, 62, 63, 64, 65


@dataclass(frozen=True)
class Deal:
    """What a creator gets.

    Attributes:
        commission: share of the sales.
        slot_fee: fixed fee of a session, yuan.
    """

    commission: float
    slot_fee: int


DEALS = (Deal(0.20, 1500), Deal(0.15, 3000), Deal(0.12, 6000))


def _creators(world: World, day: Ints) -> Ints:
    """Return the creator (index into HOSTS) whose room is on, -1 on days without one."""
    on = luck(world.seed, day, _IS_CREATOR) < _CREATOR_DAYS
    host = np.floor(luck(world.seed, day, _HOST) * len(HOSTS)).astype(np.int64)
    return np.where(on, host, -1)


def live_sessions(world: World) -> pl.DataFrame:
    """Return the sessions of the world's days, by instant.

    Returns:
        Columns day, live_room_id, started, ended (local seconds since 1970), host, kind, viewers,
        product_clicks, commission_rate, slot_fee (null for the shop's own).
    """
    days = np.arange(world.first, world.last + 1)
    creator = _creators(world, days)
    own = np.isin((days + 3) % 7, _OWN_WEEKDAYS) & (creator < 0)
    crowd: Floats = world.company.marketplace.visitors * world.level("tmall", days)
    crowd = crowd * (0.8 + 0.4 * luck(world.seed, days, _CROWD))
    viewers = np.floor(crowd * np.where(creator >= 0, _CREATOR_VIEWERS, _OWN_VIEWERS))
    hours = np.where(creator >= 0, _CREATOR_HOURS, _OWN_HOURS)
    clicks = np.floor(viewers * (0.2 + 0.2 * luck(world.seed, days, _CLICKS)))
    known = pl.col("creator") >= 0
    index = pl.when(known).then(pl.col("creator")).cast(pl.UInt32)
    frame = pl.DataFrame(
        {
            "day": days,
            "creator": creator,
            "started": days * DAY + _BEGIN,
            "ended": days * DAY + _BEGIN + (hours * HOUR).astype(np.int64),
            "viewers": viewers.astype(np.int64),
            "product_clicks": clicks.astype(np.int64),
        }
    ).filter(pl.Series(own | (creator >= 0)))
    return frame.with_columns(
        live_room_id=pl.concat_str(
            pl.lit("L"), pl.from_epoch("day", time_unit="d").dt.strftime("%Y%m%d")
        ),
        host=pl.lit(pl.Series(HOSTS)).gather(index).fill_null(_OWN_HOST),
        kind=pl.when(known).then(pl.lit("creator")).otherwise(pl.lit("own")),
        commission_rate=pl.lit(pl.Series([item.commission for item in DEALS])).gather(index),
        slot_fee=pl.lit(pl.Series([item.slot_fee for item in DEALS])).gather(index),
    )


def commission_rates(world: World, orders: pl.DataFrame) -> Floats:
    """Return the share of each order that goes to the creator who sold it, 0 for most."""
    ordered = orders.get_column("ordered").to_numpy()
    day, second = ordered // DAY, ordered % DAY
    creator = _creators(world, day)
    on = (second >= _BEGIN) & (second < _BEGIN + _CREATOR_HOURS * HOUR) & (creator >= 0)
    key = orders.get_column("key").to_numpy()
    sold = on & (luck(world.seed, key, _FROM_ROOM) < CREATOR_ORDERS)
    rates = np.array([item.commission for item in DEALS])
    return np.where(sold, rates[np.maximum(creator, 0)], 0.0)
