"""Which paid orders are refunded, how and when.

Belongs here: refund cases of both shops, refund waves and the fraud ring's included. The usual lags
are those of `REFUND_PATHS`, which are written to the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulator.catalogue import products
from simulator.company import REFUND_PATHS, OrderRules
from simulator.draws import Flags, Floats, Ints
from simulator.orderbook import DAY, HOUR, NEVER, REASONS
from simulator.world import World, choose, product_number

DRAWS = ("refund", "lag", "tail", "decide", "kind", "scope", "line", "ok", "reason", "wave")
# a wave takes along orders paid so many days before its first day, earliest and latest; by then
# the slowest parcel has left
WAVE_DAYS = (16, 5)
# product, share of its orders refunded, first and last day
Wave = tuple[int, float, int, int]
_MOST_REFUNDED = 0.8
_QUALITY = 3


@dataclass(frozen=True)
class Cases:
    """Refund cases, one row an order.

    Attributes:
        asked: local seconds since 1970, NEVER without a case.
        done: decision, likewise.
        granted: the money goes back (without a case: would go back).
        full: all goods of the order.
        only: money back without the goods.
        unsent: asked for before shipping.
        returned: shape (orders, lines), the lines concerned.
        reason: index into REASONS.
    """

    asked: Ints
    done: Ints
    granted: Flags
    full: Flags
    only: Flags
    unsent: Flags
    returned: Flags
    reason: Ints


def _usual_lag(path: Ints, u: dict[str, Floats]) -> tuple[Floats, Floats]:
    """Return days from payment to decision, and from request to decision."""

    def of(name: str) -> Floats:
        return np.array([getattr(item, name) for item in REFUND_PATHS])[path]

    lag = of("shortest") + (of("longest") - of("shortest")) * u["lag"] ** of("power")
    tail = of("tail_shortest") + (of("tail_longest") - of("tail_shortest")) * u["lag"]
    asking = np.array([item.asking for item in REFUND_PATHS])[path]
    spent = asking[:, 0] + (asking[:, 1] - asking[:, 0]) * u["decide"]
    return np.where(u["tail"] < of("tail"), tail, lag), spent


def waves_of(world: World, shop: str) -> list[Wave]:
    """Return the refund waves of a shop."""
    rules = world.company.rules(shop)
    return [
        (
            product_number(item.segment),
            min(rules.refunded * item.factor, _MOST_REFUNDED),
            first,
            last,
        )
        for item, first, last in world.hit("refund_wave", shop)
    ]


def usual_cases(
    rules: OrderRules, share: Floats, moment: dict[str, Ints], product: Ints, u: dict[str, Floats]
) -> Cases:
    """Draw the refund cases of orders, refund waves aside.

    Args:
        rules: how orders of the shop live.
        share: chance of a case for each paid order.
        moment: instants of the orders; `paid` and `shipped` are looked at.
        product: shape (orders, lines), product of each line, -1 where none; gifts above products.
        u: uniform numbers by DRAWS.
    """
    paid, shipped = moment["paid"], moment["shipped"]
    is_goods = (product >= 0) & (product < len(products()))
    lines = is_goods.sum(axis=1)
    full = (u["scope"] < 0.5) | (lines == 1)
    chosen = np.floor(u["line"] * lines).astype(np.int64)
    path = choose([item.share for item in REFUND_PATHS], u["kind"])
    unsent = np.array([item.stage == "before_shipping" for item in REFUND_PATHS])[path]
    lag, spent = _usual_lag(path, u)
    done = paid + (DAY * lag).astype(np.int64)
    early = paid + ((shipped - paid) * (0.1 + 0.8 * u["decide"])).astype(np.int64)
    early = np.minimum(early, paid + (done - paid) // 2)
    asked = np.where(unsent, early, done - (DAY * spent).astype(np.int64))
    has_case = (paid < NEVER) & (u["refund"] < share)
    return Cases(
        asked=np.where(has_case, asked, NEVER),
        done=np.where(has_case, done, NEVER),
        granted=u["ok"] >= rules.rejected,
        full=full,
        only=np.array([item.kind == "refund_only" for item in REFUND_PATHS])[path],
        unsent=unsent,
        returned=is_goods & (full[:, None] | (np.arange(product.shape[1]) == chosen[:, None])),
        reason=np.floor(u["reason"] * len(REASONS)).astype(np.int64),
    )


def with_waves(
    waves: list[Wave], cases: Cases, paid: Ints, product: Ints, u: dict[str, Floats]
) -> Cases:
    """Let refund waves take orders along that hold their product and were paid shortly before.

    The money of that product's line goes back, on one of the days of the wave.
    """
    day = paid // DAY
    lines = ((product >= 0) & (product < len(products()))).sum(axis=1)
    for number, share, first, last in waves:
        line = product == number
        line &= np.cumsum(line, axis=1) == 1
        hit = (day >= first - WAVE_DAYS[0]) & (day <= first - WAVE_DAYS[1]) & (u["wave"] < share)
        hit &= line.any(axis=1)
        done = first * DAY + (DAY * (last - first + 1) * u["lag"]).astype(np.int64)
        asked = done - (HOUR * (2 + 16 * u["decide"])).astype(np.int64)
        cases = Cases(
            asked=np.where(hit, asked, cases.asked),
            done=np.where(hit, done, cases.done),
            granted=cases.granted | hit,
            full=np.where(hit, lines == 1, cases.full),
            only=cases.only | hit,
            unsent=cases.unsent & ~hit,
            returned=np.where(hit[:, None], line, cases.returned),
            reason=np.where(hit, _QUALITY, cases.reason),
        )
    return cases


def refund_frame(
    orders: pl.DataFrame, table: dict[str, Ints], refund: Ints, cases: Cases
) -> pl.DataFrame:
    """Turn refunded amounts, shape (orders, lines), into one row a refunded line."""
    order, column = np.nonzero((refund > 0) & (cases.asked < NEVER)[:, None])
    picked = orders.select("key", "order_id", "refund_asked", "refund_done", "granted")[order]
    return picked.with_columns(
        line=pl.Series(column + 1),
        product=pl.Series(table["product"][order, column]),
        quantity=pl.Series(table["quantity"][order, column]),
        amount_cents=pl.Series(refund[order, column]),
        only=pl.Series(cases.only[order]),
        reason=pl.Series(cases.reason[order]),
    )
