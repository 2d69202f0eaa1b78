"""Exports of the Shopify site: orders_export.csv; and the product list of both shops.

Belongs here: layouts. One row a line item, the order's own cells on its first row only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from simulator.catalogue import GIFTS, cost_cents, products, version
from simulator.company import PAYMENT_METHODS, PROVINCES
from simulator.export_tmall import product_ids
from simulator.orderbook import COUPONS, NEVER, OrderBook
from simulator.tables import Span, csv_texts, header, money, picked, stamp, touched

ORDER_HEADER = header(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,"
    "Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,"
    "Discount Amount,Shipping Method,Created at,"
    "Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,"
    "Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,Billing Name,"
    "Billing Street,Billing Address1,Billing Address2,Billing Company,Billing City,Billing Zip,"
    "Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,"
    "Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,"
    "Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,"
    "Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,Location,"
    "Device ID,Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,"
    "Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value"
)
PRODUCT_HEADER = header(
    "product_id,name,category_1,category_2,brand,role,list_price,cost,launched_at,valid_from"
)
BRAND = "Muye"
ZONE = " +0800"
_FIRST_CUSTOMER = 18_262 * 1_000_000  # visitors are numbered from 2020 on
_NAMES = tuple(item.names[0] for item in products())
_ALL_NAMES = (*_NAMES, *(f"Gift {gift}" for gift in GIFTS))


def _financial_status() -> pl.Expr:
    """Return the payment state of an order at the end of a period."""
    until = pl.col("until")
    refunded = pl.col("granted") & (pl.col("refund_done") < until)
    return (
        pl.when(refunded & pl.col("full"))
        .then(pl.lit("refunded"))
        .when(refunded)
        .then(pl.lit("partially_refunded"))
        .when(pl.col("paid") < until)
        .then(pl.lit("paid"))
        .when(pl.col("closed") < until)
        .then(pl.lit("voided"))
        .otherwise(pl.lit("pending"))
    )


def _order_cells(orders: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of an order's first row, one row an order and file, with what orders them.

    Args:
        orders: orders with the moment of the export in `until`.
    """
    until = pl.col("until")
    subtotal = pl.col("goods_cents") - pl.col("discount_cents")
    total = subtotal + pl.col("postage_cents")
    number = (pl.col("customer") - _FIRST_CUSTOMER).cast(pl.String)
    known = pl.col("customer") >= 0
    refunded = pl.when(pl.col("granted") & (pl.col("refund_done") < until))
    # only what never left the shop is cancelled: unpaid, or refunded in full before shipping
    cancelled = (pl.col("closed") < until) & (pl.col("shipped") == NEVER)
    cities = tuple(city for _, city, _ in PROVINCES)
    provinces = tuple(name for name, _, _ in PROVINCES)
    person = pl.concat_str(pl.lit("Customer "), number)
    shipped = pl.when(pl.col("shipped") < until)
    cells = {
        "Email": pl.when(known).then(pl.concat_str(pl.lit("user"), number, pl.lit("@example.com"))),
        "Financial Status": _financial_status(),
        "Paid at": stamp("paid", ZONE),
        "Fulfillment Status": shipped.then(pl.lit("fulfilled")).otherwise(pl.lit("unfulfilled")),
        "Fulfilled at": stamp("shipped", ZONE),
        "Accepts Marketing": pl.lit("no"),
        "Currency": pl.lit("CNY"),
        "Subtotal": money(subtotal),
        "Shipping": money("postage_cents"),
        "Taxes": pl.lit("0.00"),
        "Total": money(total),
        "Discount Code": picked(COUPONS, "coupon"),
        "Discount Amount": money("discount_cents"),
        "Shipping Method": pl.lit("Standard"),
        "Created at": stamp("ordered", ZONE),
        "Billing Name": pl.when(known).then(person),
        "Shipping Name": pl.when(known).then(person),
        "Shipping Address1": pl.when(known).then(_address()),
        "Shipping City": picked(cities, "region"),
        "Shipping Province": picked(provinces, "region"),
        "Shipping Country": pl.lit("CN"),
        "Shipping Phone": pl.when(known).then(
            (pl.col("customer") % 100_000_000 + 13_900_000_000).cast(pl.String)
        ),
        "Cancelled at": pl.when(cancelled).then(stamp("closed", ZONE)),
        "Payment Method": pl.when(pl.col("paid") < until).then(picked(PAYMENT_METHODS, "method")),
        "Refunded Amount": money(refunded.then("refund_cents").otherwise(0)),
        "Outstanding Balance": money(pl.when(pl.col("paid") < until).then(0).otherwise(total)),
        "Id": pl.concat_str(pl.lit("5"), pl.col("order_id").str.zfill(12)),
        "Risk Level": pl.lit("Low"),
        "Source": pl.lit("web"),
    }
    return orders.select(
        "file", "key", "ordered", *(cell.alias(name) for name, cell in cells.items())
    )


def _address() -> pl.Expr:
    """Return the street of an order; a fraud ring has everything sent to one house."""
    house = pl.when(pl.col("ring") >= 0).then(pl.col("customer") - pl.col("ring"))
    number = house.otherwise("customer") * 7919 % 9973 + 1
    return pl.concat_str(pl.lit("No. "), number.cast(pl.String), pl.lit(" Example Road"))


def orders_bytes(book: OrderBook, spans: Sequence[Span]) -> list[bytes]:
    """Return orders_export.csv of each period: all orders something happened to, as at its end."""
    cells = _order_cells(touched(book.orders, spans))
    rows = book.lines.join(cells, on="key").sort("file", "ordered", "key", "line")
    is_first = pl.col("line") == 1
    order_names = [name for name in cells.columns if name not in {"file", "key", "ordered"}]
    has_shipped = pl.col("Fulfilled at").is_not_null()
    frame = rows.select(
        "file",
        pl.concat_str(pl.lit("#"), "order_id").alias("Name"),
        *(pl.when(is_first).then(name).alias(name) for name in order_names),
        pl.col("quantity").alias("Lineitem quantity"),
        picked(_ALL_NAMES, "product").alias("Lineitem name"),
        money("unit").alias("Lineitem price"),
        picked(product_ids(), "product").alias("Lineitem sku"),
        pl.lit("true").alias("Lineitem requires shipping"),
        pl.lit("true").alias("Lineitem taxable"),
        pl.when(has_shipped)
        .then(pl.lit("fulfilled"))
        .otherwise(pl.lit("pending"))
        .alias("Lineitem fulfillment status"),
        pl.lit(BRAND).alias("Vendor"),
        pl.lit("0.00").alias("Lineitem discount"),
    )
    return [text.encode() for text in csv_texts(frame, ORDER_HEADER, len(spans))]


def products_bytes(shop: str, day: date, start: date) -> bytes:
    """Return the product list as of a day, products not yet launched left out.

    A product's row is valid from its last change, for the first list from the start at the latest.
    """
    chinese = 1 if shop == "tmall" else 0
    rows = []
    for number, item in enumerate(products()):
        if item.launched > day:
            continue
        price, since = version(number, day)
        rows.append((
            item.product_id, item.names[chinese], item.category[0], item.category[chinese], BRAND,
            item.role, f"{price / 100:.2f}", f"{cost_cents(number) / 100:.2f}", item.launched,
            max(since, start),
        ))  # fmt: skip
    for number, gift in enumerate(GIFTS):
        name = f"赠品 {gift}" if chinese else f"Gift {gift}"
        cost = f"{3 + 2 * number}.00"
        since = products()[0].launched
        rows.append(
            (gift, name, "gift", "gift", BRAND, "related", "0.00", cost, since, max(since, start))
        )
    return pl.DataFrame(rows, schema=list(PRODUCT_HEADER), orient="row").write_csv().encode()
