"""What becomes of an order: lines, discounts, payment, shipping, refunds. Shared by both shops.

Belongs here: the life of an order once somebody has placed it. An order is drawn with its
whole future, and an export shows what of it had happened by then.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator import refunds
from simulator.catalogue import GIFTS, SIZES, products
from simulator.company import OrderRules
from simulator.draws import Flags, Floats, Ints, Stream, stratified, uniforms
from simulator.orderbook import DAY, HOUR, NEVER, OrderBook, Placed, order_numbers, share_out
from simulator.world import World, choose, pick_product

_LINES = 5  # up to four lines of goods, then a gift
_DRAWS = (
    *("coupon", "percent", "unpaid", "slow", "pay", "ship", "complete", "close", "outage"),
    *("gift", "deposit", "method", *refunds.DRAWS),
    *("lines", "m1", "m2", "m3", "q0", "q1", "q2", "q3", "s0", "s1", "s2", "s3"),
)


def _discount(
    goods: Ints, u: dict[str, Floats], promo: Flags, left: Floats, rules: OrderRules
) -> list[Ints]:
    """Return discount in cents and index of the coupon (-1: none)."""
    tier = np.where(goods >= 29900, 3500, np.where(goods >= 19900, 2000, 800))
    tier = np.where(goods >= 9900, tier, 0)
    ordinary = np.where(u["percent"] < 0.45, goods // 10, tier)
    special = np.where(goods >= 30000, np.minimum(goods // 30000, 6) * 5000, goods // 20)
    discount = np.where(promo, special, ordinary)
    used = (u["coupon"] < np.where(promo, rules.promo_coupon, rules.coupon)) & (discount > 0)
    coupon = np.where(promo, 2, np.where(u["percent"] < 0.45, 0, 1))
    # a coupon that should not exist takes its part off what would be due, from everybody
    discount = np.where(used, discount, 0)
    due = np.rint((goods - discount) * left).astype(np.int64)
    return [goods - due, np.where(left < 1.0, 1, np.where(used, coupon, -1))]


def _lines(
    world: World, shop: str, placed: Placed, u: dict[str, Floats], rules: OrderRules
) -> dict[str, Ints]:
    """Draw lines as (orders, 5) tables: product (-1: none), quantity, unit price, size."""
    day = placed.day
    promo = world.at(shop, "is_promo", day).astype(np.bool_)
    lift = world.at(shop, "basket", day) ** 2 * placed.lift
    spread = 1.0 - (1.0 - stratified(day, u["lines"])) / lift
    count = 1 + (spread[:, None] >= np.array(rules.lines)).sum(axis=1)
    weights, prices = world.shop_weights(shop), world.shop_prices(shop)
    row = day - world.first
    more = [pick_product(weights, row, stratified(day, u[f"m{i}"])) for i in (1, 2, 3)]
    product = np.stack([placed.main, *more, np.zeros_like(count)], axis=1)
    is_line = np.arange(_LINES) < count[:, None]
    several = [stratified(day, u[f"q{i}"]) for i in range(4)]
    quantity = np.stack([1 + (draw >= 0.87) + (draw >= 0.98) for draw in several], axis=1)
    quantity = quantity * np.where(placed.ring >= 0, world.company.ring.bulk, 1)[:, None]
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
    world: World, shop: str, placed: Placed, u: dict[str, Floats], rules: OrderRules
) -> dict[str, Ints]:
    """Draw the moments up to payment, or closing without it."""
    ordered, presale = placed.ordered, placed.balance_from > 0
    share = np.where(presale, world.company.marketplace.forfeited, rules.unpaid)
    fails = stratified(placed.day, u["unpaid"]) < share
    fails |= ~presale & (u["outage"] >= world.left("payment_outage", shop, placed.day))
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


def _after(moment: dict[str, Ints], u: dict[str, Floats], cases: refunds.Cases) -> dict[str, Ints]:
    """Let refund cases change what becomes of each order, and add completion."""
    is_paid = moment["paid"] < NEVER
    completed = moment["shipped"] + (DAY * (3 + 8 * u["complete"])).astype(np.int64)
    back = (cases.asked < NEVER) & cases.granted & cases.full
    is_sent = is_paid & ~(back & cases.unsent)
    return moment | {
        "shipped": np.where(is_sent, moment["shipped"], NEVER),
        "completed": np.where(is_sent & ~(back & (cases.done < completed)), completed, NEVER),
        "closed": np.where(back, cases.done, moment["closed"]),
        "refund_asked": cases.asked,
        "refund_done": cases.done,
    }


def _fate(
    world: World, shop: str, placed: Placed, product: Ints, u: dict[str, Floats]
) -> tuple[dict[str, Ints], refunds.Cases]:
    """Draw the moments of orders and their refund cases.

    Args:
        world: the simulation's fixed part.
        shop: shopify or tmall.
        placed: the orders.
        product: shape (orders, lines), product of each line, -1 where none.
        u: uniform numbers by _DRAWS.
    """
    company = world.company
    rules = company.rules(shop)
    promo = world.at(shop, "is_promo", placed.day).astype(np.bool_) | (placed.balance_from > 0)
    moment = _payment(world, shop, placed, u, rules)
    # an order that is refunded before has no shipping in the end
    pack = (HOUR * (6 + 40 * u["ship"] + 20 * promo)).astype(np.int64)
    moment["shipped"] = np.where(moment["paid"] < NEVER, moment["paid"] + pack, NEVER)
    share = np.where(placed.ring >= 0, company.ring.refunded, rules.refunded)
    cases = refunds.usual_cases(rules, share, moment, product, u)
    cases = refunds.with_waves(refunds.waves_of(world, shop), cases, moment["paid"], product, u)
    return _after(moment, u, cases), cases


def make_orders(world: World, shop: str, placed: Placed) -> OrderBook:
    """Draw everything that happens to placed orders, now and later.

    Args:
        world: the simulation's fixed part.
        shop: shopify or tmall.
        placed: orders by day; row k of a day always gets the same future.

    Returns:
        Order book; instants as local seconds, amounts as cents.
    """
    rules = world.company.rules(shop)
    stream = Stream.SHOPIFY_ORDERS if shop == "shopify" else Stream.TMALL_ORDERS
    days, counts = np.unique(placed.day, return_counts=True)
    u = uniforms(world.seed, stream, days, counts.astype(np.int64), _DRAWS)
    promo = world.at(shop, "is_promo", placed.day).astype(np.bool_) | (placed.balance_from > 0)
    table = _lines(world, shop, placed, u, rules)
    moment, cases = _fate(world, shop, placed, table["product"], u)
    value = table["unit"] * table["quantity"]
    goods = value.sum(axis=1)
    discount, coupon = _discount(
        goods, u, promo, world.left("coupon_error", shop, placed.day), rules
    )
    paid_cents = share_out(value, goods - discount)
    refund = np.where(cases.returned, paid_cents, 0)
    key, order_id = order_numbers(shop, placed.day)
    orders = pl.DataFrame(
        {
            "key": key,
            "order_id": order_id,
            "customer": placed.customer,
            "region": placed.region,
            "mobile": placed.mobile,
            "presale": placed.balance_from > 0,
            "ring": placed.ring,
            "main": placed.main,
            **moment,
            "granted": cases.granted,
            "full": cases.full,
            "refund_cents": refund.sum(axis=1),
            **_amounts(goods, discount, rules),
            "coupon": coupon,
            "method": choose([0.55, 0.38, 0.07], u["method"]),
            "units": np.where(table["product"] >= 0, table["quantity"], 0).sum(axis=1),
        }
    )
    return OrderBook(
        orders,
        _line_frame(key, order_id, table, paid_cents),
        refunds.refund_frame(orders, table, refund, cases),
    )


def _amounts(goods: Ints, discount: Ints, rules: OrderRules) -> dict[str, Ints]:
    """Return the amounts of orders in cents."""
    due = goods - discount
    return {
        "goods_cents": goods,
        "discount_cents": discount,
        "postage_cents": np.where(due >= rules.free_from_cents, 0, rules.shipping_cents),
        "deposit_cents": np.maximum(due // 10_000 * 1000, 1000),
    }


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
