"""The Tmall shop: who orders there, and the totals the marketplace shows of its traffic.

Belongs here: buyers and totals. No visitor of a marketplace is seen as a person.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.company import PROVINCES, TMALL_SOURCES
from simulator.draws import Floats, Ints, Stream, fraction, ordinals, stratified, uniforms
from simulator.orderbook import DAY, NEVER, Placed
from simulator.world import HISTORY_DAYS, World, choose, pick_product, rounded, time_of_day

SHOP = "tmall"
BUYERS_PER_DAY = 100_000
_ONCE = ("visitors", "views", "goods", "favourites", "carts", "orders", "presales")
_DRAWS = ("who", "gap", "index", "time", "main", "mobile", "blocked")
_SHARE_OF_NEW_BUYERS_SEEN = 0.75


def _once(world: World, days: Ints) -> dict[str, Floats]:
    """Draw the numbers of a day as a whole."""
    return uniforms(world.seed, Stream.TMALL_TRAFFIC, days, np.ones_like(days), _ONCE)


def visitors(world: World, days: Ints) -> tuple[Ints, Floats]:
    """Return visitors of the shop by day, and what outages left of each source (days, sources).

    Sources overlap; a source that is out takes along its share of the sum of all.
    """
    names = [name for name, _, _ in TMALL_SOURCES]
    left = world.remaining("traffic_source_out", SHOP, days, names)
    left = left * world.remaining("campaign_paused", SHOP, days, names)
    shares = np.array([share for _, share, _ in TMALL_SOURCES])
    kept = left @ (shares / shares.sum())
    expected = world.company.marketplace.visitors * world.at(SHOP, "traffic", days) * kept
    return rounded(expected, _once(world, days)["visitors"]), left


def _buyers(world: World, day: Ints, u: dict[str, Floats]) -> Ints:
    """Draw buyer numbers: the day of the first order and a running number on it."""
    place = world.company.marketplace
    is_new = u["who"] < place.new_share
    gap = 1 + np.floor(-np.log1p(-u["gap"]) * place.buyer_gap).astype(np.int64)
    born = np.where(is_new, day, day - np.minimum(gap, HISTORY_DAYS - 1))
    expected = place.visitors * place.conversion * world.level(SHOP, born) * place.new_share
    known = np.maximum((expected * _SHARE_OF_NEW_BUYERS_SEEN).astype(np.int64), 1)
    number = np.floor(known * u["index"] ** 1.6).astype(np.int64)
    number[is_new] = ordinals(day[is_new])
    buyer = born * BUYERS_PER_DAY + number
    again = (u["who"] > 1.0 - place.same_day) & (ordinals(day) > 0)
    # the same buyer as the order before; orders of a day are in no particular order
    return np.where(again, np.roll(buyer, 1), buyer)


def place_orders(world: World, first: int, last: int) -> Placed:
    """Draw the orders placed on days first..last (days since 1970), pre-sales included."""
    days = np.arange(first, last + 1)
    place, once = world.company.marketplace, _once(world, days)
    crowd, _ = visitors(world, days)
    ordinary = crowd * place.conversion * world.at(SHOP, "conversion", days)
    ends = world.at(SHOP, "presale_ends", days)
    deposits = np.where(ends > 0, crowd * place.conversion * place.presale, 0.0)
    plain = rounded(ordinary, once["orders"])
    counts = plain + rounded(deposits, once["presales"]) * (ends > 0)
    u = uniforms(world.seed, Stream.TMALL_BUYERS, days, counts, _DRAWS)
    day = np.repeat(days, counts)
    is_presale = ordinals(day) >= np.repeat(plain, counts)
    buyer = _buyers(world, day, u)
    row = day - world.first
    weights = world.shop_weights(SHOP, in_stock=False)
    placed = Placed(
        day=day,
        ordered=day * DAY + time_of_day(u["time"]).astype(np.int64),
        main=pick_product(weights, row, stratified(day, u["main"])),
        customer=buyer,
        region=choose([share for _, _, share in PROVINCES], fraction(buyer, 4)),
        mobile=u["mobile"] < 0.93,
        balance_from=np.where(is_presale, np.repeat(ends, counts), 0).astype(np.int64),
        lift=np.ones(len(day)),
        ring=np.full(len(day), -1),
    )
    cut_off = world.remaining("region_outage", SHOP, day, [name for name, _, _ in PROVINCES])
    comes = u["blocked"] < cut_off[np.arange(len(day)), placed.region]
    return placed.take(comes & ~world.sold_out(SHOP)[row, placed.main])


def daily_totals(world: World, first: int, last: int, orders: pl.DataFrame) -> pl.DataFrame:
    """Return the shop's totals by day: visitors and so on as numbers, and each source's.

    Args:
        world: the simulation's fixed part.
        first: first day, since 1970.
        last: last day.
        orders: Tmall orders that hold all payments of these days.

    Returns:
        Columns day, visitors, views, goods, favourites, carts, buyers; then per source number i
        visitors_i and buyers_i.
    """
    days = np.arange(first, last + 1)
    people, left = visitors(world, days)
    crowd = np.rint(people * world.left("bot_traffic", SHOP, days)).astype(np.int64)
    once = _once(world, days)
    # what is paid counts on the day of payment, whatever becomes of it later
    paid = orders.filter(pl.col("paid") < NEVER).with_columns(day=pl.col("paid") // DAY)
    buyers = (
        pl.DataFrame({"day": days})
        .join(paid.group_by("day").agg(n=pl.col("customer").n_unique()), on="day", how="left")
        .get_column("n")
        .fill_null(0)
        .to_numpy()
    )
    columns: dict[str, Ints | Floats] = {
        "day": days,
        "visitors": np.maximum(crowd, buyers),
        "views": np.floor(crowd * (2.9 + 0.5 * once["views"])),
        "goods": np.floor(crowd * (0.70 + 0.05 * once["goods"])),
        "favourites": np.floor(crowd * (0.035 + 0.01 * once["favourites"])),
        "carts": np.maximum(np.floor(crowd * (0.08 + 0.015 * once["carts"])), buyers),
        "buyers": buyers,
    }
    shares = np.array([share for _, share, _ in TMALL_SOURCES])
    whole = crowd / np.maximum(left @ (shares / shares.sum()), 1e-9)  # without the outage
    for i, (_, share, buyer_share) in enumerate(TMALL_SOURCES):
        columns[f"visitors_{i}"] = np.floor(whole * share * left[:, i])
        columns[f"buyers_{i}"] = np.floor(buyers * buyer_share * left[:, i] + 0.5)
    return pl.DataFrame(columns).with_columns(pl.all().cast(pl.Int64))
