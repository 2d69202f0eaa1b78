"""Feeds of who came, from where, and what it cost to bring them."""

from __future__ import annotations

from ingestion.feeds.feed import (
    COUNT,
    CURRENCY,
    CUSTOMER,
    DAY,
    INSTANT,
    MONEY,
    NUMBER,
    PLATFORM,
    SHOP,
    TEXT,
    Column,
    Feed,
)

EVENT_TYPES = (
    *("home", "list", "search", "product_view", "favourite"),
    *("add_to_cart", "checkout", "purchase", "other"),
)

EVENTS = Feed(
    name="events",
    grain="One row a thing a visitor did.",
    given=(
        Column(
            "event_id",
            TEXT,
            "Number of the event. Default: made of visitor, instant, type, content and ordinal.",
            is_required=True,
        ),
        Column("occurred_at", INSTANT, "When it happened.", is_required=True),
        Column("event_type", TEXT, "What was done.", is_required=True, allowed=EVENT_TYPES),
        PLATFORM,
        SHOP,
        Column(
            "visitor_key",
            TEXT,
            "Keyed pseudonym of the visitor. Empty visitors are counted apart.",
            pseudonym_of="visitor_id",
        ),
        CUSTOMER,
        Column("product_id", TEXT, "The product looked at or put into the cart."),
        Column("order_id", TEXT, "The order of a purchase; joins the event to its order."),
        Column("utm_source", TEXT, "Source of the visit, as tagged in the link."),
        Column("utm_medium", TEXT, "Medium of the visit, as tagged in the link."),
        Column("utm_campaign", TEXT, "Campaign of the visit, as tagged in the link."),
        Column("utm_content", TEXT, "Content of the advertisement, as tagged in the link."),
        Column("referrer", TEXT, "Page the visitor came from."),
        Column("device", TEXT, "mobile, desktop or tablet."),
        Column("region", TEXT, "Province or state of the visitor."),
        Column("live_room_id", TEXT, "The live session it happened in."),
    ),
    key=("event_id",),
    instant="occurred_at",
)

TRAFFIC_DAILY = Feed(
    name="traffic_daily",
    grain="One row a day, shop and segment of a marketplace's totals. Visitors are distinct per "
    "day: days and overlapping segments are never added up.",
    given=(
        Column("traffic_date", DAY, "The shop's local day.", is_required=True),
        PLATFORM,
        SHOP,
        Column(
            "grain",
            TEXT,
            "What the segment is.",
            is_required=True,
            allowed=("shop", "traffic_source", "product", "live_room"),
        ),
        Column("segment", TEXT, "Which one; `all` for the shop.", is_required=True),
        Column("visitors", COUNT, "Distinct visitors.", is_required=True),
        Column("page_views", COUNT, "Pages seen."),
        Column("product_visitors", COUNT, "Distinct visitors of product pages."),
        Column("favourite_visitors", COUNT, "Distinct visitors who marked a favourite."),
        Column("cart_visitors", COUNT, "Distinct visitors who put something into the cart."),
        Column("paying_visitors", COUNT, "Distinct visitors who paid."),
    ),
    key=("traffic_date", "platform", "shop_id", "grain", "segment"),
    instant="traffic_date",
)

CAMPAIGN_SPEND = Feed(
    name="campaign_spend",
    grain="One row a day and campaign (or advertisement). Rows of one key in a file are summed.",
    given=(
        Column("spend_date", DAY, "Day of the spend.", is_required=True),
        PLATFORM,
        Column("campaign", TEXT, "Name or number of the campaign.", is_required=True),
        Column(
            "cost_kind",
            TEXT,
            "Paid per click or view, as a slot fee, or as commission on sales.",
            is_required=True,
            allowed=("click", "slot_fee", "cps"),
        ),
        Column("cost", MONEY, "What it cost.", is_required=True),
        CURRENCY,
        Column("shop_id", TEXT, "The shop advertised for. Default: the source's."),
        Column("account", TEXT, "Advertising account."),
        Column("ad", TEXT, "Advertisement or keyword, where the export goes so deep."),
        Column("ad_product", TEXT, "The platform's product, such as search or feed."),
        Column("impressions", COUNT, "Times shown."),
        Column("clicks", COUNT, "Clicks."),
        Column(
            "claimed_conversions",
            NUMBER,
            "Conversions the platform claims; may be negative.",
            minimum=None,
        ),
        Column("claimed_value", MONEY, "Sales the platform claims; may be negative.", minimum=None),
    ),
    key=("spend_date", "platform", "account", "campaign", "ad", "cost_kind"),
    instant="spend_date",
)

BUDGETS = Feed(
    name="budgets",
    grain="One row a month, platform and campaign of planned advertising.",
    given=(
        Column("month", DAY, "First day of the month.", is_required=True),
        PLATFORM,
        Column("budget_amount", MONEY, "What may be spent.", is_required=True),
        CURRENCY,
        Column("campaign", TEXT, "The campaign; empty for all of the platform."),
    ),
    key=("month", "platform", "campaign"),
    instant="month",
)

EXPOSURES = Feed(
    name="exposures",
    grain="One row a visitor in an experiment.",
    given=(
        Column("experiment", TEXT, "Name of the experiment.", is_required=True),
        Column("variant", TEXT, "The arm, such as control.", is_required=True),
        Column(
            "visitor_key",
            TEXT,
            "Keyed pseudonym of the visitor; the same as on events.",
            is_required=True,
            pseudonym_of="visitor_id",
        ),
        Column("exposed_at", INSTANT, "When the visitor first saw it.", is_required=True),
    ),
    key=("experiment", "visitor_key"),
    instant="exposed_at",
)

LIVE_SESSIONS = Feed(
    name="live_sessions",
    grain="One row a live session.",
    given=(
        Column("live_room_id", TEXT, "Number of the session.", is_required=True),
        PLATFORM,
        SHOP,
        Column("started_at", INSTANT, "Start.", is_required=True),
        Column(
            "kind",
            TEXT,
            "The shop's own, or a creator's.",
            is_required=True,
            allowed=("own", "creator"),
        ),
        CURRENCY,
        Column("ended_at", INSTANT, "End."),
        Column("host", TEXT, "Stage name of the host or creator."),
        Column("viewers", COUNT, "Distinct viewers."),
        Column("product_clicks", COUNT, "Clicks on products."),
        Column("commission_rate", NUMBER, "Creator's share of sales, 0 to 1."),
        Column("slot_fee", MONEY, "Fixed fee of the session."),
    ),
    key=("live_room_id",),
    instant="started_at",
)

FEEDS = (
    EVENTS,
    TRAFFIC_DAILY,
    CAMPAIGN_SPEND,
    BUDGETS,
    EXPOSURES,
    LIVE_SESSIONS,
)
