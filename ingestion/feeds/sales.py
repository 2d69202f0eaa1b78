"""Feeds of what was sold, to whom, and given back."""

from __future__ import annotations

from ingestion.feeds.feed import (
    COUNT,
    CURRENCY,
    CUSTOMER,
    DAY,
    FLAG,
    INSTANT,
    MONEY,
    PLATFORM,
    PRICE,
    SHOP,
    TEXT,
    UPDATED_AT,
    Column,
    Feed,
)

ORDER_STATUSES = (
    "unpaid",
    "deposit_paid",
    "paid",
    "shipped",
    "completed",
    "closed",
    "refunded",
)

ORDERS = Feed(
    name="orders",
    grain="One row an order as the platform numbers it: main orders, or child orders that name "
    "their main order.",
    given=(
        Column("order_id", TEXT, "The platform's number of the order.", is_required=True),
        PLATFORM,
        SHOP,
        Column("ordered_at", INSTANT, "When the order was placed.", is_required=True),
        Column(
            "status", TEXT, "How far the order has come.", is_required=True, allowed=ORDER_STATUSES
        ),
        CURRENCY,
        Column(
            "parent_order_id",
            TEXT,
            "The main order of a child order. Children are counted as one order under it.",
        ),
        Column(
            "paid_at",
            INSTANT,
            "When it was paid in full; of a pre-sale, when the balance was paid. Empty: not paid.",
        ),
        CUSTOMER,
        Column("payment_method", TEXT, "How it was paid, in the platform's words."),
        Column(
            "order_amount",
            MONEY,
            "Goods of all lines after all discounts, without shipping. Empty: the lines' sum.",
        ),
        Column("merchant_discount", MONEY, "Discounts the shop bears."),
        Column("platform_discount", MONEY, "Discounts the platform bears."),
        Column("creator_discount", MONEY, "Discounts a livestream host or creator bears."),
        Column("shipping_amount", MONEY, "Postage the buyer pays."),
        Column("tax_amount", MONEY, "Tax, where the export shows it apart."),
        Column("coupon_code", TEXT, "Code of the coupon used."),
        Column("utm_source", TEXT, "Source of the visit, as tagged in the link."),
        Column("utm_medium", TEXT, "Medium of the visit, as tagged in the link."),
        Column("utm_campaign", TEXT, "Campaign of the visit, as tagged in the link."),
        Column("utm_content", TEXT, "Content of the advertisement, as tagged in the link."),
        Column("channel", TEXT, "How the buyer came, where the export says so itself."),
        Column("device", TEXT, "mobile, desktop or tablet."),
        Column("region", TEXT, "Province or state of the buyer."),
        Column("ship_region", TEXT, "Province or state the parcel goes to, if another."),
        Column(
            "address_key",
            TEXT,
            "Keyed pseudonym of the shipping address: tells equal addresses, names none.",
            pseudonym_of="address_id",
        ),
        Column(
            "device_key",
            TEXT,
            "Keyed pseudonym of the device the order was placed on.",
            pseudonym_of="device_id",
        ),
        Column("is_presale", FLAG, "Whether a deposit is paid first and the balance later."),
        Column("deposit_amount", MONEY, "Deposit of a pre-sale."),
        Column("deposit_paid_at", INSTANT, "When the deposit was paid."),
        Column("platform_fee_amount", MONEY, "What the platform keeps of the order."),
        Column("commission_amount", MONEY, "What creators and agencies get of the order."),
        Column("is_test", FLAG, "A test order: left out and counted, never landed."),
        Column("original_amount", MONEY, "Order amount in the order's own currency."),
        UPDATED_AT,
    ),
    key=("order_id",),
    instant="ordered_at",
)

ORDER_ITEMS = Feed(
    name="order_items",
    grain="One row a line of an order. A newer version of an order replaces all its lines.",
    given=(
        Column("order_id", TEXT, "The order the line belongs to.", is_required=True),
        Column(
            "line_number",
            COUNT,
            "Place in the order, from 1. Default: the order of lines in the file.",
            is_required=True,
            minimum=1,
        ),
        Column("product_id", TEXT, "The shop's number of the product.", is_required=True),
        Column("quantity", COUNT, "Pieces.", is_required=True, minimum=1),
        Column("unit_price", PRICE, "Price of a piece before discounts.", is_required=True),
        Column(
            "is_gift", FLAG, "Given away: carries no part of the order's amount.", is_required=True
        ),
        Column(
            "is_goods",
            FLAG,
            "False for postage, packaging and the like, which stay outside GMV.",
            is_required=True,
        ),
        Column("product_name", TEXT, "Name as sold."),
        Column("category", TEXT, "Category as sold; else that of the product list."),
        Column("discount_amount", MONEY, "Discount on the whole line."),
        Column("cost_amount", MONEY, "Cost of the whole line to the shop."),
    ),
    key=("order_id", "line_number"),
)

REFUNDS = Feed(
    name="refunds",
    grain="One row a refund, or a request for one.",
    given=(
        Column(
            "refund_id",
            TEXT,
            "Number of the refund. Default: order, instant and place among equal amounts.",
            is_required=True,
        ),
        Column("order_id", TEXT, "The order the money goes back for.", is_required=True),
        Column("refunded_at", INSTANT, "When the money went back.", is_required=True),
        Column("amount", MONEY, "What went back, as a positive amount.", is_required=True),
        Column(
            "kind",
            TEXT,
            "Money only, or goods returned too.",
            is_required=True,
            allowed=("refund_only", "return"),
        ),
        Column(
            "status",
            TEXT,
            "Only succeeded refunds reduce sales.",
            is_required=True,
            allowed=("requested", "succeeded", "rejected"),
        ),
        Column("product_id", TEXT, "The product, where only part of the order is refunded."),
        Column("requested_at", INSTANT, "When the buyer asked."),
        Column("quantity", COUNT, "Pieces refunded."),
        Column("reason", TEXT, "Why, in the platform's words."),
        UPDATED_AT,
    ),
    key=("refund_id",),
    instant="refunded_at",
)

CUSTOMERS = Feed(
    name="customers",
    grain="One row a customer. Names are never landed; mail and phone only as pseudonyms.",
    given=(
        Column(
            "customer_key",
            TEXT,
            "Keyed pseudonym of the customer's number; the same as on orders.",
            is_required=True,
            pseudonym_of="customer_id",
        ),
        Column("registered_at", INSTANT, "When the account was opened."),
        Column("email_key", TEXT, "Keyed pseudonym of the mail address.", pseudonym_of="email"),
        Column("phone_key", TEXT, "Keyed pseudonym of the phone number.", pseudonym_of="phone"),
        Column("birth_year", COUNT, "Year of birth; never the day.", minimum=1900),
        Column("gender", TEXT, "As the customer states it."),
        Column("region", TEXT, "Province or state."),
        Column("member_tier", TEXT, "Tier in the shop's own programme."),
        Column("points", COUNT, "Loyalty points held.", minimum=None),
        UPDATED_AT,
    ),
    key=("customer_key",),
    instant="registered_at",
)

PRODUCTS = Feed(
    name="products",
    grain="One row a product and the day from which the row is valid.",
    given=(
        Column("product_id", TEXT, "The shop's number of the product.", is_required=True),
        Column("name", TEXT, "Name.", is_required=True),
        Column("valid_from", DAY, "First day these facts hold.", is_required=True),
        Column("category_1", TEXT, "Top category."),
        Column("category_2", TEXT, "Category below it."),
        Column("category_3", TEXT, "Category below that."),
        Column("brand", TEXT, "Brand."),
        Column("role", TEXT, "core, related or lead_in: what the product is for."),
        Column("list_price", PRICE, "Price of a piece without any discount."),
        Column("cost", PRICE, "Cost of a piece to the shop."),
        Column("supplier_id", TEXT, "Who supplies it."),
        Column("launched_at", DAY, "First day on sale."),
    ),
    key=("product_id", "valid_from"),
    instant="valid_from",
)

COUPON_REDEMPTIONS = Feed(
    name="coupon_redemptions",
    grain="One row a coupon used.",
    given=(
        Column(
            "customer_key",
            TEXT,
            "Keyed pseudonym of who used it.",
            is_required=True,
            pseudonym_of="customer_id",
        ),
        Column("coupon_id", TEXT, "The coupon.", is_required=True),
        Column("redeemed_at", INSTANT, "When it was used.", is_required=True),
        Column("campaign_id", TEXT, "The campaign that gave it out."),
        Column("order_id", TEXT, "The order it was used on."),
    ),
    key=("customer_key", "coupon_id", "redeemed_at", "campaign_id", "order_id"),
    instant="redeemed_at",
)

CAMPAIGN_MEMBERS = Feed(
    name="campaign_members",
    grain="One row a customer in a campaign.",
    given=(
        Column(
            "customer_key",
            TEXT,
            "Keyed pseudonym of the customer.",
            is_required=True,
            pseudonym_of="customer_id",
        ),
        Column("campaign_id", TEXT, "The campaign.", is_required=True),
        Column("member_from", DAY, "First day in the campaign."),
        Column("member_to", DAY, "Last day in the campaign."),
    ),
    key=("customer_key", "campaign_id", "member_from"),
    instant="member_from",
)

FEEDS = (
    ORDERS,
    ORDER_ITEMS,
    REFUNDS,
    CUSTOMERS,
    PRODUCTS,
    COUPON_REDEMPTIONS,
    CAMPAIGN_MEMBERS,
)
