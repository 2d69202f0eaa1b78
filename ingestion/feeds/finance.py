"""Feeds of costs, settlements, plans, rates, and what the platform itself reports."""

from __future__ import annotations

from ingestion.feeds.feed import (
    COUNT,
    CURRENCY,
    DAY,
    INSTANT,
    MONEY,
    NUMBER,
    PLATFORM,
    RATE,
    SHOP,
    TEXT,
    Column,
    Feed,
)

COST_TYPES = (
    "platform_fee",
    "payment_fee",
    "creator_commission",
    "agency_fee",
    "freight",
    "freight_insurance",
    "packaging",
    "tax",
)

ORDER_COSTS = Feed(
    name="order_costs",
    grain="One row a cost of an order, or its reversal on a refund.",
    given=(
        Column("order_id", TEXT, "The order.", is_required=True),
        Column("cost_type", TEXT, "What for.", is_required=True, allowed=COST_TYPES),
        Column("booked_at", INSTANT, "When it was booked.", is_required=True),
        Column(
            "amount",
            MONEY,
            "The cost; negative where a refund gives it back.",
            is_required=True,
            minimum=None,
        ),
        CURRENCY,
        Column("entry_id", TEXT, "Number of the booking, where the export has one."),
    ),
    key=("order_id", "cost_type", "booked_at", "entry_id"),
    instant="booked_at",
)

SETTLEMENTS = Feed(
    name="settlements",
    grain="One row an order and what the platform has paid out for it.",
    given=(
        Column("order_id", TEXT, "The order.", is_required=True),
        Column(
            "settled_amount",
            MONEY,
            "What has been paid out; negative where it was taken back.",
            is_required=True,
            minimum=None,
        ),
        CURRENCY,
        Column("due_amount", MONEY, "What is owed to the shop for the order.", minimum=None),
        Column("settled_at", INSTANT, "When it was paid out."),
        Column("entry_id", TEXT, "Number of the booking, where an order has several."),
    ),
    key=("order_id", "entry_id"),
    instant="settled_at",
)

PLATFORM_DAILY = Feed(
    name="platform_daily",
    grain="One row a day and shop of what the platform's own console reports, to compare with.",
    given=(
        Column("report_date", DAY, "The console's day.", is_required=True),
        PLATFORM,
        SHOP,
        CURRENCY,
        Column("paid_amount", MONEY, "Paid amount it reports."),
        Column("buyers", COUNT, "Buyers it reports."),
        Column("sub_orders", COUNT, "Sub-orders it reports."),
        Column("refund_amount", MONEY, "Refunds it reports."),
    ),
    key=("report_date", "platform", "shop_id"),
    instant="report_date",
)

TARGETS = Feed(
    name="targets",
    grain="One row a day or month, metric and segment of the plan.",
    given=(
        Column("period", TEXT, "Length.", is_required=True, allowed=("day", "month")),
        Column("period_start", DAY, "The day, or the month's first.", is_required=True),
        Column("metric", TEXT, "The metric, such as gmv.", is_required=True),
        Column("value", NUMBER, "The plan, money in the reporting currency.", is_required=True),
        Column("dimension", TEXT, "Such as platform; empty for the company."),
        Column("segment", TEXT, "Such as tmall; empty for the company."),
    ),
    key=("period", "period_start", "metric", "dimension", "segment"),
    instant="period_start",
)

FX_RATES = Feed(
    name="fx_rates",
    grain="One row a day and currency.",
    given=(
        Column("rate_date", DAY, "The day the rate holds.", is_required=True),
        Column("currency", TEXT, "ISO 4217 code of the foreign currency.", is_required=True),
        Column("rate", RATE, "Reporting currency for one unit of it, above 0.", is_required=True),
    ),
    key=("rate_date", "currency"),
    instant="rate_date",
)

MARKET_SIZE = Feed(
    name="market_size",
    grain="One row a period of an outside estimate of the market.",
    given=(
        Column("period_start", DAY, "First day of the period.", is_required=True),
        Column("metric", TEXT, "What is estimated: gmv or buyers.", is_required=True),
        Column("value", NUMBER, "The estimate.", is_required=True),
        Column("category", TEXT, "The category; empty for the whole market."),
        Column("origin", TEXT, "Who estimated it."),
    ),
    key=("period_start", "metric", "category"),
    instant="period_start",
)

FEEDS = (
    ORDER_COSTS,
    SETTLEMENTS,
    PLATFORM_DAILY,
    TARGETS,
    FX_RATES,
    MARKET_SIZE,
)
