"""Customer service: tickets, reviews, and the hourly monitoring of the site.

Belongs here: what buyers say after an order, how fast they are answered, how well the site runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import polars as pl

from simulator.catalogue import products
from simulator.company import DEVICES
from simulator.demand import calendar_day, ordinal
from simulator.draws import Flags, Floats, Ints, luck
from simulator.incidents import Incident
from simulator.orderbook import DAY, HOUR, NEVER, OrderBook, own_keys
from simulator.world import World, choose, product_number

KINDS = ("logistics", "quality", "refund", "how_to_use", "invoice")
BAD_PRODUCT = "P011"
# share of paid orders with a ticket; of those whose first line is the bad product
TICKETS, BAD_TICKETS = 0.05, 0.25
_KIND_SHARES = [0.34, 0.14, 0.27, 0.17, 0.08]
_BAD_KIND_SHARES = [0.08, 0.74, 0.14, 0.03, 0.01]
# mean minutes to the first answer, and its multiple in a slow week
ANSWER_MINUTES, SLOW_FACTOR, SLOW_DAYS = 9.0, 14.0, 7
_SLOW_FROM = ((3, 9), (9, 21), (11, 14))
_RATED = 0.4
_CSAT, _SLOW_CSAT = [0.03, 0.04, 0.10, 0.28, 0.55], [0.28, 0.24, 0.22, 0.16, 0.10]
# share of completed lines reviewed; shares of 1 to 5 stars
REVIEWED = 0.16
STARS, BAD_STARS = [0.02, 0.03, 0.07, 0.22, 0.66], [0.30, 0.24, 0.20, 0.16, 0.10]
USUAL_ERRORS, USUAL_MILLISECONDS = 0.004, 240.0
_HAS, _LAG, _KIND, _ANSWER, _SOLVED, _SCORE, _SCORES = 41, 42, 43, 44, 45, 46, 47
_REVIEW, _STAR, _AFTER, _ERROR, _SPEED = 48, 49, 50, 51, 52


def slow_weeks(first: date, last: date) -> list[tuple[date, date]]:
    """Return first and last day of the weeks of slow service that begin from first to last."""
    begun = [date(year, *day) for year in range(first.year, last.year + 1) for day in _SLOW_FROM]
    return [(day, day + timedelta(days=SLOW_DAYS - 1)) for day in begun if first <= day <= last]


def _is_slow(day: Ints) -> Flags:
    """Say which days lie in a week of slow service."""
    slow = np.zeros(len(day), np.bool_)
    if len(day):
        first, last = calendar_day(int(day.min())), calendar_day(int(day.max()))
        for begin, end in slow_weeks(first.replace(month=1, day=1), last):
            slow |= (day >= ordinal(begin)) & (day <= ordinal(end))
    return slow


def make_tickets(world: World, shop: str, orders: pl.DataFrame) -> pl.DataFrame:
    """Return the tickets of one shop.

    Returns:
        Columns key, order_id, customer, main (product), kind (index into KINDS), opened, answered,
        solved (local seconds since 1970), csat (1 to 5, null where none was given); by instant.
    """
    paid = orders.filter(pl.col("paid") < NEVER)
    key = own_keys(shop, paid)
    bad = paid.get_column("main").to_numpy() == product_number(BAD_PRODUCT)
    rows = np.nonzero(luck(world.seed, key, _HAS) < np.where(bad, BAD_TICKETS, TICKETS))[0]
    key, bad = key[rows], bad[rows]
    u = {salt: luck(world.seed, key, salt) for salt in range(_LAG, _SCORES + 1)}
    opened = paid.get_column("paid").to_numpy()[rows] + (DAY * (0.1 + 9 * u[_LAG])).astype(np.int64)
    slow = _is_slow(opened // DAY)
    wait = -np.log1p(-u[_ANSWER]) * 60.0 * ANSWER_MINUTES * np.where(slow, SLOW_FACTOR, 1.0)
    answered = opened + 20 + wait.astype(np.int64)
    needed = HOUR * (0.4 + 20 * u[_SOLVED] ** 2) * np.where(slow, 3.0, 1.0)
    kind = np.where(bad, choose(_BAD_KIND_SHARES, u[_KIND]), choose(_KIND_SHARES, u[_KIND]))
    csat = 1 + np.where(slow, choose(_SLOW_CSAT, u[_SCORES]), choose(_CSAT, u[_SCORES]))
    return (
        paid.select("key", "order_id", "customer", "main")[rows]
        .with_columns(
            kind=pl.Series(kind),
            opened=pl.Series(opened),
            answered=pl.Series(answered),
            solved=pl.Series(answered + needed.astype(np.int64)),
            csat=pl.when(pl.Series(u[_SCORE]) < _RATED).then(pl.Series(csat)),
        )
        .sort("opened", "key")
    )


def make_reviews(world: World, shop: str, book: OrderBook) -> pl.DataFrame:
    """Return the reviews of one shop: order_id, line, product, rating, reviewed; by instant."""
    done = book.orders.filter(pl.col("completed") < NEVER).select("key", "completed")
    goods = book.lines.filter(pl.col("product") < len(products()))
    lines = goods.select("key", "order_id", "line", "product").join(done, on="key")
    key = own_keys(shop, lines) * 8 + lines.get_column("line").to_numpy()
    rows = np.nonzero(luck(world.seed, key, _REVIEW) < REVIEWED)[0]
    lines, key = lines[rows], key[rows]
    bad = lines.get_column("product").to_numpy() == product_number(BAD_PRODUCT)
    u = luck(world.seed, key, _STAR)
    after = (DAY * (0.02 + 5 * luck(world.seed, key, _AFTER))).astype(np.int64)
    return (
        lines.select("key", "order_id", "line", "product")
        .with_columns(
            rating=pl.Series(1 + np.where(bad, choose(BAD_STARS, u), choose(STARS, u))),
            reviewed=lines.get_column("completed") + pl.Series(after),
        )
        .sort("reviewed", "key", "line")
    )


def outages(incidents: Iterable[Incident]) -> list[tuple[Incident, float]]:
    """Return the site's incidents that its monitoring sees, with the share of requests failing."""
    share = {name: part for name, part, _ in DEVICES}
    return [
        (item, (1.0 - item.factor) * share.get(item.segment, 1.0))
        for item in incidents
        if item.platform == "shopify" and item.kind in {"payment_outage", "broken_checkout"}
    ]


def service_health(world: World) -> pl.DataFrame:
    """Return the monitoring of the site: day, hour (local seconds), metric, value; by hour."""
    hour = np.arange(world.first * 24, (world.last + 1) * 24)
    failing = np.zeros(len(hour))
    for item, share in outages(world.incidents):
        hit = (hour // 24 >= ordinal(item.start_date)) & (hour // 24 <= ordinal(item.end_date))
        failing[hit] += share
    errors: Floats = USUAL_ERRORS * (0.6 + 0.8 * luck(world.seed, hour, _ERROR)) + failing
    busy = np.where((hour % 24 >= 19) & (hour % 24 <= 22), 1.4, 1.0)
    speed = USUAL_MILLISECONDS * busy * (0.8 + 0.4 * luck(world.seed, hour, _SPEED))
    parts = [
        pl.DataFrame({"day": hour // 24, "hour": hour * 3600, "value": np.round(value, digits)})
        .with_columns(metric=pl.lit(name))
        for name, value, digits in (("error_rate", errors, 5), ("response_ms", speed, 1))
    ]  # fmt: skip
    return pl.concat(parts).sort("hour", "metric")
