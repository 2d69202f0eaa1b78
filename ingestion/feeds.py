"""The canonical feeds: which columns each has, of which type, and what identifies a row.

Belongs here: names, types, keys. Checks of values are in `schemas.py`, reading in `formats/`.

Every landed row also carries the columns of `LANDING`: where it came from and which version it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

MONEY = pl.Decimal(18, 2)
PRICE = pl.Decimal(18, 4)
TEXT = pl.String
COUNT = pl.Int64
INSTANT = pl.Datetime("us")  # UTC, without zone
DAY = pl.Date
FLAG = pl.Boolean

LANDING: dict[str, pl.DataType | type[pl.DataType]] = {
    "source": TEXT,
    "_batch_id": TEXT,  # also the landing folder: batch=<_batch_id>
    "_source_file": TEXT,  # path below the inbox
    "_row_number": COUNT,  # 1 = first data row of the file
    "_row_key": TEXT,  # the row's native key within its source
    "_unit_key": TEXT,  # what a newer version replaces as a whole: row, order, or snapshot period
    "_version_at": INSTANT,  # updated_at, else export instant, else last business instant
}


@dataclass(frozen=True)
class Feed:
    """One canonical table of ingestion.

    Attributes:
        name: name of the feed, its landing folder, and its table in schema `raw`.
        required: columns that are never null, with their types.
        optional: columns that may be null or not delivered at all.
        key: columns that identify a row within its source.
        instant: column that says when the row happened in the business, if any.
        personal: delivered column -> landed pseudonym column. The delivered one is never landed.
    """

    name: str
    required: dict[str, pl.DataType | type[pl.DataType]]
    optional: dict[str, pl.DataType | type[pl.DataType]]
    key: tuple[str, ...]
    instant: str | None = None
    personal: dict[str, str] | None = None

    @property
    def columns(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        """All canonical columns in landing order."""
        return {**self.required, **self.optional}

    @property
    def landed(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        """All columns of a landed Parquet file of this feed, in order."""
        return {**self.columns, **LANDING}


FEEDS: dict[str, Feed] = {
    feed.name: feed
    for feed in (
        Feed(
            name="orders",
            required={
                "order_id": TEXT,
                "platform": TEXT,
                "shop_id": TEXT,
                "ordered_at": INSTANT,
                # unpaid, deposit_paid, paid, shipped, completed, closed, refunded
                "status": TEXT,
                "currency": TEXT,
            },
            optional={
                "parent_order_id": TEXT,
                "paid_at": INSTANT,  # full payment
                "customer_key": TEXT,
                "payment_method": TEXT,
                "order_amount": MONEY,  # all lines after all discounts, without shipping
                "merchant_discount": MONEY,
                "platform_discount": MONEY,
                "creator_discount": MONEY,
                "shipping_amount": MONEY,
                "tax_amount": MONEY,
                "coupon_code": TEXT,
                "utm_source": TEXT,
                "utm_medium": TEXT,
                "utm_campaign": TEXT,
                "channel": TEXT,
                "device": TEXT,  # mobile, desktop, tablet
                "region": TEXT,
                "is_presale": FLAG,
                "deposit_amount": MONEY,
                "deposit_paid_at": INSTANT,
                "updated_at": INSTANT,
            },
            key=("order_id",),
            instant="ordered_at",
            personal={"customer_id": "customer_key"},
        ),
        Feed(
            name="order_items",
            required={
                "order_id": TEXT,
                "line_number": COUNT,  # ordinal within the order, from 1
                "product_id": TEXT,
                "quantity": COUNT,
                "unit_price": PRICE,  # before discounts
                "is_gift": FLAG,
                "is_goods": FLAG,  # false: postage, packaging and the like, outside GMV
            },
            optional={
                "product_name": TEXT,
                "category": TEXT,
                "discount_amount": MONEY,  # of the whole line
                "cost_amount": MONEY,  # of the whole line
            },
            key=("order_id", "line_number"),
        ),
        Feed(
            name="refunds",
            required={
                "refund_id": TEXT,  # given, else made of order_id, instant and ordinal
                "order_id": TEXT,
                "refunded_at": INSTANT,
                "amount": MONEY,
                "kind": TEXT,  # refund_only, return
                "status": TEXT,  # requested, succeeded, rejected
            },
            optional={
                "product_id": TEXT,
                "requested_at": INSTANT,
                "quantity": COUNT,
                "reason": TEXT,
                "updated_at": INSTANT,
            },
            key=("refund_id",),
            instant="refunded_at",
        ),
        Feed(
            name="events",
            required={
                "event_id": TEXT,  # given, else made of visitor, instant, name, content and ordinal
                "occurred_at": INSTANT,
                # home, list, search, product_view, favourite, add_to_cart, checkout, purchase,
                # other
                "event_type": TEXT,
                "platform": TEXT,
                "shop_id": TEXT,
            },
            optional={
                "visitor_key": TEXT,
                "customer_key": TEXT,
                "product_id": TEXT,
                "order_id": TEXT,
                "utm_source": TEXT,
                "utm_medium": TEXT,
                "utm_campaign": TEXT,
                "utm_content": TEXT,
                "referrer": TEXT,
                "device": TEXT,
                "region": TEXT,
            },
            key=("event_id",),
            instant="occurred_at",
            personal={"visitor_id": "visitor_key", "customer_id": "customer_key"},
        ),
        Feed(
            name="traffic_daily",
            required={
                "traffic_date": DAY,
                "platform": TEXT,
                "shop_id": TEXT,
                "grain": TEXT,  # shop, traffic_source, product, live_room
                "segment": TEXT,  # 'all' for grain shop
                "visitors": COUNT,
            },
            optional={
                "page_views": COUNT,
                "product_visitors": COUNT,
                "favourite_visitors": COUNT,
                "cart_visitors": COUNT,
                "paying_visitors": COUNT,
            },
            key=("traffic_date", "platform", "shop_id", "grain", "segment"),
            instant="traffic_date",
        ),
        Feed(
            name="campaign_spend",
            required={
                "spend_date": DAY,
                "platform": TEXT,
                "campaign": TEXT,
                "cost_kind": TEXT,  # click, slot_fee, cps
                "cost": MONEY,
                "currency": TEXT,
            },
            optional={
                "shop_id": TEXT,
                "account": TEXT,
                "ad": TEXT,
                "ad_product": TEXT,
                "impressions": COUNT,
                "clicks": COUNT,
                "claimed_conversions": pl.Float64,
                "claimed_value": MONEY,
            },
            key=("spend_date", "platform", "account", "campaign", "ad", "cost_kind"),
            instant="spend_date",
        ),
        Feed(
            name="products",
            required={"product_id": TEXT, "name": TEXT, "valid_from": DAY},
            optional={
                "category_1": TEXT,
                "category_2": TEXT,
                "category_3": TEXT,
                "brand": TEXT,
                "role": TEXT,
                "list_price": PRICE,
                "cost": PRICE,
                "supplier_id": TEXT,
                "launched_at": DAY,
            },
            key=("product_id", "valid_from"),
            instant="valid_from",
        ),
    )
}
