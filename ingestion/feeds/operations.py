"""Feeds of goods and their way: stock, suppliers, shipments, and the service around them."""

from __future__ import annotations

from ingestion.feeds.feed import (
    COUNT,
    CURRENCY,
    CUSTOMER,
    DAY,
    INSTANT,
    MONEY,
    NUMBER,
    PRICE,
    TEXT,
    UPDATED_AT,
    Column,
    Feed,
)

INVENTORY_SNAPSHOTS = Feed(
    name="inventory_snapshots",
    grain="One row a day, product and warehouse: the stock at the end of the day.",
    given=(
        Column("snapshot_date", DAY, "The day whose end is counted.", is_required=True),
        Column("product_id", TEXT, "The product.", is_required=True),
        Column("warehouse", TEXT, "The warehouse.", is_required=True),
        Column(
            "on_hand", COUNT, "Pieces there; below 0 if oversold.", is_required=True, minimum=None
        ),
        Column("in_transit", COUNT, "Pieces on the way there."),
        Column("reserved", COUNT, "Pieces promised to orders."),
        UPDATED_AT,
    ),
    key=("snapshot_date", "product_id", "warehouse"),
    instant="snapshot_date",
)

INVENTORY_MOVEMENTS = Feed(
    name="inventory_movements",
    grain="One row a movement of stock.",
    given=(
        Column("movement_id", TEXT, "Number of the movement.", is_required=True),
        Column("moved_at", INSTANT, "When.", is_required=True),
        Column("product_id", TEXT, "The product.", is_required=True),
        Column("warehouse", TEXT, "The warehouse.", is_required=True),
        Column(
            "kind",
            TEXT,
            "Why.",
            is_required=True,
            allowed=("receipt", "sale", "return", "adjustment"),
        ),
        Column(
            "quantity",
            COUNT,
            "Pieces, signed: into the warehouse above 0, out of it below.",
            is_required=True,
            minimum=None,
        ),
        Column("order_id", TEXT, "The order of a sale or return."),
        Column("po_id", TEXT, "The purchase order of a receipt."),
    ),
    key=("movement_id",),
    instant="moved_at",
)

PURCHASE_ORDERS = Feed(
    name="purchase_orders",
    grain="One row a line of a purchase order, in its latest state.",
    given=(
        Column("po_id", TEXT, "Number of the purchase order.", is_required=True),
        Column("po_line", TEXT, "Line within it.", is_required=True),
        Column("supplier_id", TEXT, "The supplier.", is_required=True),
        Column("product_id", TEXT, "The product.", is_required=True),
        Column("ordered_at", INSTANT, "When it was ordered.", is_required=True),
        Column("promised_at", INSTANT, "When it was promised for.", is_required=True),
        Column("ordered_quantity", COUNT, "Pieces ordered.", is_required=True, minimum=1),
        Column("unit_cost", PRICE, "Price of a piece.", is_required=True),
        CURRENCY,
        Column("received_at", INSTANT, "When it came; of parts, the last."),
        Column("received_quantity", COUNT, "Pieces that came, rejected ones among them."),
        Column("rejected_quantity", COUNT, "Pieces refused at the door."),
        Column("warehouse", TEXT, "Where to."),
        UPDATED_AT,
    ),
    key=("po_id", "po_line"),
    instant="ordered_at",
)

SHIPMENTS = Feed(
    name="shipments",
    grain="One row a parcel, in its latest state. An order may be split over several.",
    given=(
        Column("shipment_id", TEXT, "Number of the parcel.", is_required=True),
        Column("order_id", TEXT, "The order in it.", is_required=True),
        Column("carrier", TEXT, "Who carries it.", is_required=True),
        Column("shipped_at", INSTANT, "When the carrier took it.", is_required=True),
        Column("promised_at", INSTANT, "When it was promised for."),
        Column("delivered_at", INSTANT, "When it came."),
        Column("region", TEXT, "Province or state it goes to."),
        Column("cost", MONEY, "What the carrier gets."),
        CURRENCY,
        UPDATED_AT,
    ),
    key=("shipment_id",),
    instant="shipped_at",
)

TICKETS = Feed(
    name="tickets",
    grain="One row a request to customer service, in its latest state.",
    given=(
        Column("ticket_id", TEXT, "Number of the ticket.", is_required=True),
        Column("opened_at", INSTANT, "When it was opened.", is_required=True),
        Column("kind", TEXT, "What it is about.", is_required=True),
        Column("first_response_at", INSTANT, "First answer of a person."),
        Column("resolved_at", INSTANT, "When it was closed as solved."),
        Column("csat", NUMBER, "Satisfaction given, on the shop's scale."),
        Column("order_id", TEXT, "The order it is about."),
        Column("product_id", TEXT, "The product it is about."),
        CUSTOMER,
        UPDATED_AT,
    ),
    key=("ticket_id",),
    instant="opened_at",
)

REVIEWS = Feed(
    name="reviews",
    grain="One row a review. Its text is not landed: it may name people.",
    given=(
        Column("review_id", TEXT, "Number of the review.", is_required=True),
        Column("product_id", TEXT, "The product.", is_required=True),
        Column("rating", NUMBER, "Stars, 1 to 5.", is_required=True, minimum=1),
        Column("reviewed_at", INSTANT, "When it was given.", is_required=True),
        Column("order_id", TEXT, "The order it is about."),
        CUSTOMER,
    ),
    key=("review_id",),
    instant="reviewed_at",
)

HEADCOUNT = Feed(
    name="headcount",
    grain="One row a month and team.",
    given=(
        Column("month", DAY, "First day of the month.", is_required=True),
        Column("team", TEXT, "The team.", is_required=True),
        Column("headcount", NUMBER, "People, part-time as parts.", is_required=True),
    ),
    key=("month", "team"),
    instant="month",
)

SERVICE_HEALTH = Feed(
    name="service_health",
    grain="One row an hour and metric of the site's own monitoring.",
    given=(
        Column("hour_start", INSTANT, "Start of the hour.", is_required=True),
        Column("metric", TEXT, "What is measured, such as error_rate.", is_required=True),
        Column("value", NUMBER, "Its value.", is_required=True, minimum=None),
    ),
    key=("hour_start", "metric"),
    instant="hour_start",
)

FEEDS = (
    INVENTORY_SNAPSHOTS,
    INVENTORY_MOVEMENTS,
    PURCHASE_ORDERS,
    SHIPMENTS,
    TICKETS,
    REVIEWS,
    HEADCOUNT,
    SERVICE_HEALTH,
)
