"""What becomes of an order: lines, discounts, payment, shipping, refunds. Shared by both shops.

Belongs here: the life of an order once somebody has placed it. An order is drawn with its
whole future, and an export shows what of it had happened by then.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ingestion.simulator.catalogue import GIFTS, SIZES, products
from ingestion.simulator.company import OrderRules
from ingestion.simulator.draws import (
    Flags,
    Floats,
    Ints,
    Stream,
    stratified,
    uniforms,
)
from ingestion.simulator.orderbook import (
    DAY,
    HOUR,
    MOMENTS,
    NEVER,
    REASONS,
    OrderBook,
    Placed,
    order_numbers,
    share_out,
)
from ingestion.simulator.world import World, choose, pick_product

_LINES = 5  # up to four lines of goods, then a gift
_DRAWS = (
    *("coupon", "percent", "unpaid", "slow", "pay", "ship", "complete", "close", "refund", "lag"),
    *("late", "decide", "kind", "scope", "line", "ok", "reason", "gift", "deposit", "method"),
    *("lines", "m1", "m2", "m3", "q0", "q1", "q2", "q3", "s0", "s1", "s2", "s3"),
)


def _discount(goods: Ints, u: dict[str, Floats], promo: Flags, rules: OrderRules) -> list[Ints]:
    """Return discount in cents and index of the coupon (-1: none)."""
    tier = np.where(goods >= 29900, 3500, np.where(goods >= 19900, 2000, 800))
    tier = np.where(goods >= 9900, tier, 0)
    ordinary = np.where(u["percent"] < 0.45, goods // 10, tier)
    special = np.where(goods >= 30000, np.minimum(goods // 30000, 6) * 5000, goods // 20)
    discount = np.where(promo, special, ordinary)
    used = (u["coupon"] < np.where(promo, rules.promo_coupon, rules.coupon)) & (discount > 0)
    coupon = np.where(promo, 2, np.where(u["percent"] < 0.45, 0, 1))
    return [np.where(used, discount, 0), np.where(used, coupon, -1)]


def _lines(
    world: World, shop: str, placed: Placed, u: dict[str, Floats], rules: OrderRules
) -> dict[str, Ints]:
    """Draw lines as (orders, 5) tables: product (-1: none), quantity, unit price, size."""
    day = placed.day
    promo = world.at(shop, "is_promo", day).astype(np.bool_)
    lift = world.at(shop, "basket", day) ** 2
    spread = 1.0 - (1.0 - stratified(day, u["lines"])) / lift
    count = 1 + (spread[:, None] >= np.array(rules.lines)).sum(axis=1)
    weights, prices = world.shop_weights(shop), world.shop_prices(shop)
    row = day - world.first
    more = [pick_product(weights, row, stratified(day, u[f"m{i}"])) for i in (1, 2, 3)]
    product = np.stack([placed.main, *more, np.zeros_like(count)], axis=1)
    is_line = np.arange(_LINES) < count[:, None]
    several = [stratified(day, u[f"q{i}"]) for i in range(4)]
    quantity = np.stack([1 + (draw >= 0.87) + (draw >= 0.98) for draw in several], axis=1)
    quantity = np.column_stack([quantity, np.ones_like(count)])
    unit = prices[row[:, None], product]
    gift = u["gift"] < np.where(promo, rules.promo_gift, rules.gift)
    # a gift stands right after the goods
    column = np.arange(_LINES) == count[:, None]
    is_gift = gift[:, None] & column
    which = len(products()) + np.floor(u["gift"] * 1e4).astype(np.int64) % len(GIFTS)
    size = np.stack([np.floor(u[f"s{i}"] * len(SIZES)) for i in range(4)] + [0 * u["s0"]], axis=1)
    return {
        "product": np.where(is_line, product, np.where(is_gift, which[:, None], -1)),
        "quantity": np.where(is_line, quantity, 1),
        "unit": np.where(is_line, unit, 0),
        "size": size.astype(np.int64),
    }


def _payment(
    placed: Placed, u: dict[str, Floats], rules: OrderRules, forfeited: float
) -> dict[str, Ints]:
    """Draw the moments up to payment, or closing without it."""
    ordered, presale = placed.ordered, placed.balance_from > 0
    fails = stratified(placed.day, u["unpaid"]) < np.where(presale, forfeited, rules.unpaid)
    slow = u["slow"] < rules.slow_payers
    lag = np.where(slow, HOUR + 19 * HOUR * u["pay"], 20 + 420 * u["pay"] ** 2)
    opening = placed.balance_from * DAY
    balance = opening + 60 + np.minimum(-np.log1p(-u["pay"]) * 14 * HOUR, 90 * HOUR)
    paid = np.where(presale, balance, ordered + lag).astype(np.int64)
    close_lag = rules.close_hours * HOUR * (0.25 + 0.75 * np.minimum(2 * u["close"], 1.0))
    closed = np.where(presale, opening + 96 * HOUR, ordered + close_lag).astype(np.int64)
    return {
        "ordered": ordered,
        "deposited": np.where(presale, ordered + 15 + (200 * u["deposit"]).astype(np.int64), NEVER),
        "paid": np.where(fails, NEVER, paid),
        "closed": np.where(fails, closed, NEVER),
    }


def _after(
    moment: dict[str, Ints], u: dict[str, Floats], rules: OrderRules, promo: Flags, full: Flags
) -> dict[str, Ints]:
    """Add shipping, completion and refund to the moments of each order."""
    paid = moment["paid"]
    is_paid = paid < NEVER
    shipped = paid + (HOUR * (6 + 40 * u["ship"] + 20 * promo)).astype(np.int64)
    completed = shipped + (DAY * (3 + 8 * u["complete"])).astype(np.int64)
    has_case = is_paid & (u["refund"] < rules.refunded)
    late = u["late"] < 0.04
    days = np.where(late, 30 + 15 * u["lag"], 1 + 19 * u["lag"] ** 1.5)
    done = paid + (DAY * days).astype(np.int64)
    asked = done - (DAY * np.minimum(0.1 + 2.4 * u["decide"], days - 0.2)).astype(np.int64)
    granted = has_case & (u["ok"] >= rules.rejected)
    unsent = granted & full & (asked < shipped)
    result = dict(moment)
    result["shipped"] = np.where(is_paid & ~unsent, shipped, NEVER)
    gone = granted & full & (done < completed)
    result["completed"] = np.where(is_paid & ~gone, completed, NEVER)
    result["closed"] = np.where(granted & full, done, moment["closed"])
    result["refund_asked"] = np.where(has_case, asked, NEVER)
    result["refund_done"] = np.where(has_case, done, NEVER)
    return result


def make_orders(world: World, shop: str, placed: Placed) -> OrderBook:
    """Draw everything that happens to placed orders, now and later.

    Args:
        world: the simulation's fixed part.
        shop: shopify or tmall.
        placed: orders by day; row k of a day always gets the same future.

    Returns:
        Order book; instants as local seconds, amounts as cents.
    """
    company = world.company
    rules = company.shopify_orders if shop == "shopify" else company.tmall_orders
    stream = Stream.SHOPIFY_ORDERS if shop == "shopify" else Stream.TMALL_ORDERS
    days, counts = np.unique(placed.day, return_counts=True)
    u = uniforms(world.seed, stream, days, counts.astype(np.int64), _DRAWS)
    promo = world.at(shop, "is_promo", placed.day).astype(np.bool_) | (placed.balance_from > 0)
    table = _lines(world, shop, placed, u, rules)
    value = table["unit"] * table["quantity"]
    goods = value.sum(axis=1)
    discount, coupon = _discount(goods, u, promo, rules)
    paid_cents = share_out(value, goods - discount)
    lines_of_goods = (value > 0).sum(axis=1)
    full = (u["scope"] < 0.5) | (lines_of_goods == 1)
    moment = _payment(placed, u, rules, company.marketplace.forfeited)
    moment = _after(moment, u, rules, promo, full)
    key, order_id = order_numbers(shop, placed.day)
    postage = np.where(goods - discount >= rules.free_from_cents, 0, rules.shipping_cents)
    returned = full[:, None] | (
        np.arange(_LINES) == np.floor(u["line"] * lines_of_goods).astype(np.int64)[:, None]
    )
    refund = np.where(returned, paid_cents, 0)
    unsent = moment["refund_asked"] < moment["shipped"]
    orders = pl.DataFrame(
        {
            "key": key,
            "order_id": order_id,
            "customer": placed.customer,
            "region": placed.region,
            "mobile": placed.mobile,
            "presale": placed.balance_from > 0,
            **{name: moment[name] for name in MOMENTS},
            "goods_cents": goods,
            "discount_cents": discount,
            "postage_cents": postage,
            "deposit_cents": np.maximum((goods - discount) // 10_000 * 1000, 1000),
            "coupon": coupon,
            "method": choose([0.55, 0.38, 0.07], u["method"]),
            "granted": u["ok"] >= rules.rejected,
            "full": full,
            "refund_cents": refund.sum(axis=1),
            "units": np.where(table["product"] >= 0, table["quantity"], 0).sum(axis=1),
            "main": placed.main,
        }
    )
    return OrderBook(
        orders,
        _line_frame(key, order_id, table, paid_cents),
        _refund_frame(orders, table, refund, unsent | (u["kind"] < 0.3), u["reason"]),
    )


def _line_frame(key: Ints, order_id: pl.Series, table: dict[str, Ints], paid: Ints) -> pl.DataFrame:
    """Turn tables of lines into one row a line."""
    order, column = np.nonzero(table["product"] >= 0)
    cells = {name: values[order, column] for name, values in table.items()}
    return pl.DataFrame(
        {
            "key": key[order],
            "order_id": order_id.gather(order),
            "line": column + 1,
            **cells,
            "paid_cents": paid[order, column],
        }
    )


def _refund_frame(
    orders: pl.DataFrame, table: dict[str, Ints], refund: Ints, is_only: Flags, reason: Floats
) -> pl.DataFrame:
    """Turn tables of refunded amounts into one row a refunded line."""
    has_case = orders.get_column("refund_asked").to_numpy() < NEVER
    order, column = np.nonzero((refund > 0) & has_case[:, None])
    picked = orders.select("key", "order_id", "refund_asked", "refund_done", "granted")[order]
    return picked.with_columns(
        line=pl.Series(column + 1),
        product=pl.Series(table["product"][order, column]),
        quantity=pl.Series(table["quantity"][order, column]),
        amount_cents=pl.Series(refund[order, column]),
        only=pl.Series(is_only[order]),
        reason=pl.Series(np.floor(reason[order] * len(REASONS)).astype(np.int64)),
    )
