"""The site's customers: who becomes one, when they first order, when they come back.

Belongs here: everything about orders that goes beyond one visit. Customers of a day are numbered
from 0; number and day say all about one, and the days on which customers return are drawn day by
day from those of earlier days. So a day's orders follow from (seed, day) alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from simulator.company import CHANNELS, DEVICES
from simulator.demand import calendar_day, ordinal
from simulator.draws import (
    Flags,
    Floats,
    Ints,
    Stream,
    fraction,
    ordinals,
    stratified,
    systematic,
    uniforms,
)
from simulator.experiments import kept, lifted
from simulator.world import World, choose, rounded

SHOP = "shopify"
VISITORS_PER_DAY = 1_000_000
LONGEST_GAP = 400
_RING_NUMBER = 900_000
# candidates for a return drawn per return expected at the highest rate; many, so that a day's
# returns do not depend on who happens to be among them
_CANDIDATES = 10.0


@dataclass(frozen=True)
class Cast:
    """Visits that are planned, one row a visit, by day.

    Attributes:
        day: local day since 1970.
        visitor: number of the visitor.
        is_first: the visitor's first visit.
        is_member: the visitor has ordered before.
        wants: comes to order.
        ring: number of the fraud account, -1 for honest visitors.
    """

    day: Ints
    visitor: Ints
    is_first: Flags
    is_member: Flags
    wants: Flags
    ring: Ints


def _expected_joiners(world: World, days: Ints) -> Floats:
    """Return how many customers are expected to begin with a first visit on each day."""
    site = world.company.site
    people = site.sessions * site.joining * world.at(SHOP, "traffic", days)
    return np.asarray(people * world.at(SHOP, "conversion", days) * lifted(days))


def joiners(world: World, days: Ints) -> Ints:
    """Return how many customers begin with a first visit on each day."""
    expected = _expected_joiners(world, days)
    return rounded(expected, fraction(days + world.seed * 1_000_003, 7))


def acquisition(visitor: Ints) -> Ints:
    """Return the channel (index into CHANNELS) that brought each customer the first time."""
    return choose([item.share * item.conversion for item in CHANNELS], fraction(visitor, 6))


def customer_device(visitor: Ints) -> Ints:
    """Return the device (index into DEVICES) each customer usually takes."""
    return choose([share * factor for _, share, factor in DEVICES], fraction(visitor, 1))


def basket_lift(visitor: Ints, lines: tuple[float, ...]) -> Floats:
    """Return the multiple of further order lines that makes each customer's mean basket.

    Args:
        visitor: numbers of customers.
        lines: cumulative shares of orders with 1, 2, 3 lines.
    """
    further = sum(1.0 - share for share in lines)
    basket = np.array([item.basket for item in CHANNELS])[acquisition(visitor)]
    return np.asarray(((1.0 + further) * basket - 1.0) / further)


def _first_orders(world: World, days: Ints) -> tuple[Ints, Ints, Ints]:
    """Return (day of the first visit, number, lag of the first order) of customers.

    All customers are returned who visit first or order first on one of the days.
    """
    lags = world.company.site.order_lags
    born = np.arange(int(days[0]) - len(lags) + 1, int(days[-1]) + 1)
    count = joiners(world, born)
    day = np.repeat(born, count)
    number = ordinals(day)
    # evenly spread, so that each day has about as many first orders as expected
    place = (number + fraction(day, 8)) / np.repeat(count, count)
    return day, number, choose(list(lags), place % 1.0)


def _gap_weights(world: World, days: Ints) -> Floats:
    """Return customers of earlier days by what they would order, shape (days, gaps).

    Bargain hunters of a promo do not come back more often than the customers of a usual day, and
    come back when there is a promo.
    """
    site = world.company.site
    gaps = np.arange(site.repeat_from, LONGEST_GAP)
    first = int(days[0]) - LONGEST_GAP
    born = np.arange(first, int(days[-1]) + 1)
    usual = joiners(world, born) / world.at(SHOP, "pull", born) / lifted(born)
    weight = _gap_shares(world)
    return np.asarray(usual[days[:, None] - gaps[None, :] - first] * weight)


def _gap_shares(world: World) -> Floats:
    """Return shares of later orders by days since joining, from `repeat_from` on."""
    site = world.company.site
    decay = np.exp(-np.arange(LONGEST_GAP - site.repeat_from) / site.repeat_gap)
    return np.asarray(decay / decay.sum())


def mood(world: World, days: Ints) -> Floats:
    """Return how much more or less than usual customers return on each day."""
    shape = np.array(world.company.shape)
    week = shape[(days + 3) % 7] / shape.mean()
    pull, noise = world.at(SHOP, "pull", days), world.at(SHOP, "noise", days)
    return np.asarray(pull * noise * week)


def _returns(world: World, days: Ints, offset: Floats) -> tuple[Ints, Ints]:
    """Return (day, visitor) of orders by customers who come back.

    Candidates are drawn from the customers of earlier days and taken by their channel's rate, so
    each customer returns at the rate planned whoever else is there.
    """
    site = world.company.site
    weights = _gap_weights(world, days)
    total = np.cumsum(weights, axis=1)
    most = max(item.repeats for item in CHANNELS)
    expected = total[:, -1] * most * mood(world, days) * lifted(days) * _CANDIDATES
    count = rounded(expected, fraction(days + world.seed * 1_000_003, 12))
    u = uniforms(world.seed, Stream.RETURNS, days, count, ("gap", "number"))
    day = np.repeat(days, count)
    row = day - days[0]
    edges = (total / total[:, -1:] + np.arange(len(days))[:, None]).ravel()
    gap = np.searchsorted(edges, stratified(day, u["gap"]) + row, side="right")
    born = day - site.repeat_from - np.minimum(gap - row * weights.shape[1], weights.shape[1] - 1)
    number = np.floor(u["number"] * joiners(world, born)).astype(np.int64)
    visitor = born * VISITORS_PER_DAY + number
    rate = np.array([item.repeats for item in CHANNELS])[acquisition(visitor)]
    chosen = systematic(day, rate / (most * _CANDIDATES), np.repeat(offset, count))
    return day[chosen], visitor[chosen]


def repeat_chances(world: World, days: Ints, within: int) -> dict[str, float]:
    """Return by channel the chance that a customer orders and pays again on a later day.

    Args:
        world: the simulation's fixed part, its demand holding the days concerned.
        days: days of the first order, since 1970; the chance is that of their customers together.
        within: days after the first order that count.
    """
    site, paid = world.company.site, 1.0 - world.company.shopify_orders.unpaid
    ahead = np.arange(1, within + 1)
    shares = np.concatenate([np.zeros(site.repeat_from), _gap_shares(world)])
    after = mood(world, np.minimum(days[:, None] + ahead, world.last).ravel()).reshape(
        len(days), within
    )
    lags = np.array(site.order_lags)
    weight = np.zeros((len(lags), len(days)))
    expected = np.zeros((len(lags), len(days)))
    for lag, share in enumerate(lags):
        born = days - lag
        weight[lag] = share * _expected_joiners(world, born)
        expected[lag] = after @ shares[ahead + lag] / world.at(SHOP, "pull", born) * paid
    weight /= weight.sum()
    return {
        item.name: float((weight * -np.expm1(-item.repeats * expected)).sum()) for item in CHANNELS
    }


def ring_orders(world: World, first: int, last: int) -> tuple[Ints, Ints, Ints]:
    """Return (day, visitor, account) of the orders of fraud rings from first to last."""
    ring = world.company.ring
    parts = []
    for year in range(calendar_day(first).year, calendar_day(last).year + 1):
        begin = ordinal(date(year, *ring.starts))
        account, turn = np.divmod(np.arange(ring.accounts * ring.orders), ring.orders)
        visitor = begin * VISITORS_PER_DAY + _RING_NUMBER + account
        luck = fraction(visitor * 64 + turn + world.seed, 10)
        day = begin + np.floor((turn + luck) * ring.days / ring.orders).astype(np.int64)
        parts.append(np.stack([day, visitor, account]))
    day, visitor, account = np.concatenate(parts, axis=1)
    rows = (day >= first) & (day <= last)
    order = np.lexsort((visitor[rows], day[rows]))
    return day[rows][order], visitor[rows][order], account[rows][order]


def ring_accounts(world: World, first: int, last: int) -> Ints:
    """Return the visitors behind the rings that begin on days first..last."""
    ring = world.company.ring
    years = range(calendar_day(first).year, calendar_day(last).year + 1)
    begins = [ordinal(date(year, *ring.starts)) for year in years]
    return np.array(
        [
            begin * VISITORS_PER_DAY + _RING_NUMBER + account
            for begin in begins
            if first <= begin <= last
            for account in range(ring.accounts)
        ],
        np.int64,
    )


def _group(
    day: Ints, visitor: Ints, *, first: bool = False, member: bool = False, wants: bool = False
) -> list[Ints | Flags]:
    """Return the columns of a Cast for honest visitors who have everything in common."""
    size = len(day)
    flags = [np.full(size, flag) for flag in (first, member, wants)]
    return [day, visitor, *flags, np.full(size, -1)]


def plan_visits(world: World, days: Ints, offset: Floats) -> Cast:
    """Return the visits that customers make to order, and the first visits of later customers.

    Args:
        world: the simulation's fixed part.
        days: consecutive days since 1970.
        offset: one uniform number a day.
    """
    born, number, lag = _first_orders(world, days)
    visitor = born * VISITORS_PER_DAY + number
    later = lag > 0
    again, returning = _returns(world, days, offset)
    caught, thief, account = ring_orders(world, int(days[0]), int(days[-1]))
    # day, visitor, is_first, is_member, wants, account
    parts = [
        _group(born[~later], visitor[~later], first=True, wants=True),
        _group(born[later], visitor[later], first=True),
        _group((born + lag)[later], visitor[later], wants=True),
        _group(again, returning, member=True, wants=True),
        [*_group(caught, thief, member=True, wants=True)[:-1], account],
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    inside = (columns[0] >= days[0]) & (columns[0] <= days[-1])
    order = np.argsort(columns[0][inside], kind="stable")
    day, who, is_first, is_member, wants, ring = (
        np.ascontiguousarray(column[inside][order]) for column in columns
    )
    # who is not won over by the variant seen comes all the same
    chance = kept(day, who)
    wants = wants & ((chance == 1.0) | (fraction(who * 1024 + day % 1024, 11) < chance))
    return Cast(day, who, is_first, is_member, wants, ring)
