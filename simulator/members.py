"""Members: the customers' own data, the coupons they used, the campaigns they were in.

Belongs here: persons, all of them obviously made up. Their names and numbers are those of the
order exports, so that the two can be joined.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from simulator.company import PROVINCES
from simulator.customers import LONGEST_GAP, SHOP, VISITORS_PER_DAY, joiners, ring_accounts
from simulator.demand import ordinal
from simulator.draws import Ints, fraction, luck, ordinals
from simulator.orderbook import COUPONS, DAY, NEVER
from simulator.tables import picked
from simulator.tmall import BUYERS_PER_DAY
from simulator.world import World, choose

TIERS = ("standard", "silver", "gold")
_TIER_SHARES = [0.72, 0.21, 0.07]
GENDERS = ("female", "male", "")
_GENDER_SHARES = [0.46, 0.34, 0.20]
_AGES = (1956, 50)
# who joined within so many days before a month, and which share of them, is in its campaign
WELCOME_DAYS, WELCOMED = 60, 0.35
_TIER, _POINTS, _BORN, _GENDER, _SENT = 81, 82, 83, 84, 85
_SINCE = 18_262  # customers are numbered from 2020 on
_REGION_SALTS = {"shopify": 2, "tmall": 4}
_CUSTOMERS_A_DAY = {"shopify": VISITORS_PER_DAY, "tmall": BUYERS_PER_DAY}
_PHONES = {"shopify": 13_900_000_000, "tmall": 13_800_000_000}


def site_members(world: World, first: int, last: int) -> Ints:
    """Return the numbers of those who opened an account on the site on days first..last."""
    days = np.arange(first, last + 1)
    day = np.repeat(days, joiners(world, days))
    honest = day * VISITORS_PER_DAY + ordinals(day)
    return np.sort(np.r_[honest, ring_accounts(world, first, last)])


def known_since(start: int) -> int:
    """Return the day from which the first list of members holds those who joined, since 1970."""
    return start - LONGEST_GAP


def customer_text(shop: str) -> pl.Expr:
    """Return the name by which a shop's orders know the customer numbered in `customer`."""
    number = (pl.col("customer") - _SINCE * _CUSTOMERS_A_DAY[shop]).cast(pl.String)
    if shop == SHOP:
        return pl.concat_str(pl.lit("user"), number, pl.lit("@example.com"))
    return pl.concat_str(pl.lit("nick_"), number)


def customers(world: World, shop: str, orders: pl.DataFrame, since: int) -> pl.DataFrame:
    """Return the customers of one shop: on the site all members, else who ordered the first time.

    Args:
        world: the simulation's fixed part.
        shop: shopify or tmall.
        orders: the shop's orders.
        since: on the site, first day of joining, since 1970.

    Returns:
        Columns customer, customer_id, email, phone, name, registered (local seconds since 1970),
        birth_year, gender, region, member_tier, points; by registration.
    """
    if shop == SHOP:
        number = site_members(world, since, world.last)
        frame = pl.DataFrame({"customer": number, "registered": number // VISITORS_PER_DAY * DAY})
    else:
        born = pl.col("customer") // BUYERS_PER_DAY
        new = orders.filter(born == pl.col("ordered") // DAY)
        frame = new.group_by("customer").agg(registered=pl.col("ordered").min())
        frame = frame.sort("registered", "customer")
    number = frame.get_column("customer").to_numpy()
    u = {salt: luck(world.seed, number, salt) for salt in range(_TIER, _GENDER + 1)}
    tier = choose(_TIER_SHARES, u[_TIER])
    region = choose([share for _, _, share in PROVINCES], fraction(number, _REGION_SALTS[shop]))
    text = (pl.col("customer") - _SINCE * _CUSTOMERS_A_DAY[shop]).cast(pl.String)
    mail = "user" if shop == SHOP else "buyer"
    person = "Customer " if shop == SHOP else "收货人"
    return frame.with_columns(
        tier=pl.Series(tier),
        area=pl.Series(region),
        sex=pl.Series(choose(_GENDER_SHARES, u[_GENDER])),
    ).select(
        "customer",
        customer_text(shop).alias("customer_id"),
        pl.concat_str(pl.lit(mail), text, pl.lit("@example.com")).alias("email"),
        (pl.col("customer") % 100_000_000 + _PHONES[shop]).cast(pl.String).alias("phone"),
        pl.concat_str(pl.lit(person), text).alias("name"),
        "registered",
        pl.Series("birth_year", _AGES[0] + np.floor(_AGES[1] * u[_BORN]).astype(np.int64)),
        picked(GENDERS, "sex").alias("gender"),
        picked(tuple(name for name, _, _ in PROVINCES), "area").alias("region"),
        picked(TIERS, "tier").alias("member_tier"),
        pl.Series("points", np.floor(400 * u[_POINTS] * (1 + tier) ** 2).astype(np.int64)),
    )


def coupon_redemptions(shop: str, orders: pl.DataFrame) -> pl.DataFrame:
    """Return the coupons used by known customers on paid orders of one shop.

    Returns:
        Columns customer_id, coupon_id, redeemed (local seconds since 1970), order_id; by instant.
    """
    used = pl.col("coupon") >= 0
    known = pl.col("customer") >= 0
    found = orders.filter(used, known, pl.col("paid") < NEVER).sort("paid", "key")
    return found.select(
        customer_text(shop).alias("customer_id"),
        picked(COUPONS, "coupon").alias("coupon_id"),
        pl.col("paid").alias("redeemed"),
        "order_id",
    )


def campaign_members(world: World, month: date) -> pl.DataFrame:
    """Return who is in the site's welcome campaign of a month: customer_id."""
    first = ordinal(month)
    number = site_members(world, first - WELCOME_DAYS, first - 1)
    chosen = number[luck(world.seed, number, _SENT) < WELCOMED]
    return pl.DataFrame({"customer": chosen}).select(customer_text(SHOP).alias("customer_id"))
