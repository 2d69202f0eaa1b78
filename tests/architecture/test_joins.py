"""Joins between rows of two feeds: of each it is said what becomes of rows that find none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import pytest

from ingestion.feeds import FEEDS
from tests.support.raw import PROJECT

# What a row of a table stands for; tables that have other rows than those of a feed (days, periods,
# seeds) stand for nothing. A new table is entered here.
ROWS = {
    "orders": ["stg_raw__orders", "stg_raw__order_names", "stg_raw__order_aliases",
               "int_orders_valued", "int_customers_acquired", "int_orders_rolled_up",
               "int_orders_attributed", "int_order_margins", "int_gmv_orders", "int_gmv_customers",
               "int_customers_scored", "fct_orders", "dim_customer", "int_live_orders_matched",
               "int_orders_watched", "fct_risk_signals"],
    "order_items": ["stg_raw__order_items", "int_order_items_shared", "fct_order_items"],
    "refunds": ["stg_raw__refunds", "int_refunds_matched", "int_refunds_converted",
                "fct_refunds"],
    "products": ["stg_raw__products", "dim_product", "dim_product_history",
                 "int_stock_products", "int_products_described"],
    "events": ["stg_raw__events", "int_products_seen", "int_events_counted",
               "int_purchases_tracked", "int_events_summed", "int_sessions_built", "fct_sessions",
               "int_sessions_identified", "int_sessions_recognised",
               "int_gmv_visitors", "int_gmv_visitors_counted", "int_gmv_visitors_identified",
               "int_funnel_sessions_counted", "int_funnel_visitors_counted",
               "int_orders_linked", "int_touches_credited", "fct_funnel_daily"],
    "campaign_spend": ["stg_raw__campaign_spend", "int_campaigns_bought",
                       "int_campaigns_visited", "int_campaigns_mapped", "dim_campaign"],
    "traffic_daily": ["stg_raw__traffic_daily"],
    "fx_rates": ["stg_raw__fx_rates"],
    "campaigns": ["stg_raw__campaigns"],
    "benchmarks": ["stg_raw__benchmarks", "fct_benchmarks_monthly"],
    "customers": ["stg_raw__customers", "int_customer_links"],
    "coupon_redemptions": ["stg_raw__coupon_redemptions"],
    "campaign_members": ["stg_raw__campaign_members"],
    "shipments": ["stg_raw__shipments"],
    "tickets": ["stg_raw__tickets"],
    "reviews": ["stg_raw__reviews"],
    "exposures": ["stg_raw__exposures"],
    "live_sessions": ["stg_raw__live_sessions", "fct_live_sessions"],
    "service_health": ["stg_raw__service_health", "fct_service_health_daily"],
    "platform_daily": ["stg_raw__platform_daily", "int_consoles_reported"],
    "order_costs": ["stg_raw__order_costs", "int_order_bookings"],
    "settlements": ["stg_raw__settlements"],
    "targets": ["stg_raw__targets"],
    "budgets": ["stg_raw__budgets"],
    "headcount": ["stg_raw__headcount"],
    "market_size": ["stg_raw__market_size"],
    "inventory_snapshots": ["stg_raw__inventory_snapshots", "int_stock_spans"],
    "inventory_movements": ["stg_raw__inventory_movements"],
    "purchase_orders": ["stg_raw__purchase_orders", "int_purchases_judged"],
}  # fmt: skip
# Aggregates of several feeds: what they are made of has been looked up before.
SUMS = [
    "int_attribution_cells", "int_gmv_facts", "int_gmv_cells", "int_gmv_totals",
    "int_gmv_comparisons", "int_gmv_sides", "int_gmv_known", "int_channels_measured",
    "int_channels_known", "int_sales_entries", "int_retention_members", "int_retention_returns",
    "int_retention_sales", "int_retention_cells", "int_retention_counted",
    "int_retention_periods", "int_completeness_arrivals", "int_completeness_days",
    "int_completeness_expectations", "int_completeness_horizons", "int_calendar_days",
    "int_calendar_periods", "int_calendar_promos", "int_calendar_promo_days",
    "int_lookups_of_refunds", "int_lookups_of_sales", "int_lookups_of_visits",
    "int_lookups_of_members", "int_lookups_counted", "fct_gmv_daily", "fct_gmv_weekly",
    "fct_gmv_monthly",
    "fct_gmv_change", "fct_sales_ladder_daily", "fct_retention_daily", "fct_retention_monthly",
    "fct_attribution_daily", "fct_channel_daily", "dim_channel", "dim_date", "dim_promo",
    "orphans_daily", "lookups", "source_completeness_daily", "source_watermarks",
    "version_conflicts", "platform_reconciliation_daily", "int_consoles_counted",
    "int_completeness_judged", "int_completeness_gaps", "int_calendar_holidays",
    "int_lookups_of_service", "int_after_sales_told", "int_sources_placed",
    "int_refunds_laddered", "fct_fulfilment_daily", "fct_after_sales_daily",
    "fct_experiment_arms_daily",
    "int_platforms_refunding", "int_lookups_of_costs", "int_cost_rates", "int_order_categories",
    "int_profit_entries", "int_advertising_shared", "int_profit_cells", "fct_profit_daily",
    "fct_settlements_daily",
    "int_lifecycle_cells", "fct_lifecycle_daily",
    "fct_segments_monthly", "fct_segment_migration_monthly", "fct_segment_behaviour_monthly",
    "fct_channel_cohorts_monthly", "int_gmv_hours", "fct_gmv_hourly", "fct_promo_hourly",
    "fct_promo_review", "int_promo_days", "int_campaign_visits", "fct_campaign_daily",
    "int_lookups_of_stock", "int_stock_moves", "int_stock_days",
    "int_stock_costs",
    "fct_product_daily", "fct_category_daily", "fct_inventory_daily", "fct_supplier_monthly",
    "int_months_closed", "int_months_refunded", "int_months_reopened",
    "int_targets_planned", "int_targets_spread", "int_targets_met",
    "fct_month_close", "int_target_weights", "fct_targets_daily", "fct_efficiency_monthly",
    "int_review_periods", "int_review_sides", "fct_reviews",
    "fct_review_changes",
]  # fmt: skip
# Table, feed that looks, feed it looks in -> where its rows that find none are counted, as
# feed/thing of quality.orphans_daily, or why none is lost.
_KEPT = "all rows are kept, "
JOINS = {
    ("dim_campaign", "campaign_spend", "campaigns"): _KEPT + "most campaigns have no plan",
    ("dim_campaign", "campaigns", "campaign_spend"): _KEPT + "a plan may cost nothing",
    # feed that looks, thing it looks for: counted in quality.orphans_daily
    ("int_refunds_converted", "refunds", "orders"): "refunds/order",
    ("int_order_items_shared", "order_items", "orders"): "order_items/order",
    ("int_order_items_shared", "order_items", "products"): "order_items/product",
    ("int_orders_rolled_up", "refunds", "orders"): "refunds/order",
    ("int_orders_rolled_up", "orders", "refunds"): _KEPT + "most orders have no refund",
    ("int_orders_linked", "orders", "events"): "orders/session, events/order",
    ("int_orders_attributed", "orders", "events"): "orders/session",
    ("int_touches_credited", "orders", "events"): "orders/session",
    ("int_attribution_cells", "orders", "events"): "orders/session",
    ("int_attribution_cells", "refunds", "events"): "orders/session",
    ("int_attribution_cells", "refunds", "orders"): "refunds/payment",
    ("int_gmv_facts", "refunds", "orders"): "refunds/payment",
    ("int_sales_entries", "refunds", "orders"): "refunds/payment",
    ("int_retention_sales", "orders", "events"): "orders/session",
    ("int_gmv_visitors_identified", "events", "orders"): _KEPT + "who never bought is new",
    ("int_gmv_facts", "traffic_daily", "events"): "a platform's totals count only where it has no"
    " events; fct_channel_daily shows them beside",
    ("int_order_margins", "orders", "order_items"): "orders/line",
    ("fct_order_items", "order_items", "orders"): "lines of int_order_items_shared, each of an"
    " order that is there",
    ("int_completeness_arrivals", "order_items", "orders"): "order_items/order",
    ("int_refunds_matched", "refunds", "orders"): "refunds/order",
    ("int_refunds_matched", "refunds", "fx_rates"): "refunds/rate",
    ("int_refunds_matched", "orders", "shipments"): _KEPT + "an order without a parcel has its"
    " status",
    ("int_refunds_matched", "shipments", "orders"): "shipments/order",
    ("int_refunds_converted", "refunds", "order_items"): "refunds/line",
    ("fct_refunds", "refunds", "orders"): "refunds of int_refunds_matched, each of an order that is"
    " there",
    ("int_orders_valued", "order_items", "orders"): "order_items/order",
    ("int_orders_valued", "orders", "order_items"): "orders/line",
    ("int_campaigns_visited", "events", "campaign_spend"): "campaign_spend/channel; visits of a"
    " campaign that nobody pays for are kept",
    ("int_customer_links", "events", "orders"): "events/order",
    ("int_customer_links", "customers", "orders"): "who never bought is linked to nobody",
    ("int_sessions_recognised", "events", "customers"): _KEPT + "visits of nobody known",
    ("int_customers_acquired", "orders", "events"): "orders/session",
    ("int_consoles_counted", "refunds", "orders"): "refunds/order",
    ("int_consoles_counted", "orders", "platform_daily"): "days that a console tells are compared",
    ("int_consoles_counted", "refunds", "platform_daily"): "likewise",
    ("int_consoles_counted", "events", "platform_daily"): "likewise",
    ("int_consoles_reported", "traffic_daily", "events"): "likewise, where events tell too",
    ("fct_fulfilment_daily", "shipments", "orders"): "shipments/order, shipments/payment",
    ("fct_fulfilment_daily", "orders", "shipments"): _KEPT + "an order that has not left is a row",
    ("fct_fulfilment_daily", "orders", "refunds"): _KEPT + "most orders have no refund",
    ("int_after_sales_told", "orders", "order_items"): _KEPT + "an order without lines has no"
    " pieces",
    ("int_after_sales_told", "orders", "shipments"): _KEPT + "the state of the order tells else",
    ("int_after_sales_told", "tickets", "orders"): "tickets/order; kept on their own day",
    ("int_after_sales_told", "reviews", "orders"): "reviews/order; kept on their own day",
    ("int_after_sales_told", "refunds", "orders"): "refunds/payment",
    **{
        ("int_after_sales_told", feed, found): _KEPT + "(unknown) is a category"
        for feed in ("refunds", "tickets", "reviews")
        for found in ("order_items", "products")
    },
    ("int_refunds_laddered", "refunds", "orders"): "refunds/payment",
    ("int_refunds_laddered", "orders", "refunds"): _KEPT + "most days have none of an age",
    ("int_live_orders_matched", "events", "orders"): "events/order",
    ("int_live_orders_matched", "events", "live_sessions"): "events/live_room",
    ("int_live_orders_matched", "order_costs", "orders"): "counted by int_lookups_of_costs",
    ("int_live_orders_matched", "order_costs", "live_sessions"): "order_costs/live_room",
    ("int_live_orders_matched", "order_costs", "events"): "who is found by an event is not looked"
    " for again",
    ("int_live_orders_matched", "events", "order_costs"): _KEPT + "most have no commission",
    ("fct_live_sessions", "live_sessions", "orders"): _KEPT + "what nothing tells is NULL",
    ("fct_live_sessions", "live_sessions", "traffic_daily"): _KEPT + "most are in no console",
    ("fct_experiment_arms_daily", "exposures", "events"): "exposures/visitor",
    ("fct_experiment_arms_daily", "exposures", "orders"): _KEPT + "most visitors buy nothing",
    ("int_orders_watched", "refunds", "orders"): "refunds/order",
    ("int_orders_watched", "orders", "refunds"): _KEPT + "most customers have no refund",
    ("dim_customer", "order_items", "orders"): "of paid orders of known customers",
    ("dim_customer", "orders", "order_items"): _KEPT + "the preferred category is then not known",
    ("dim_customer", "orders", "customers"): _KEPT + "who is on no list has no tier",
    ("fct_segment_behaviour_monthly", "orders", "order_items"): _KEPT + "the top category is not"
    " known then",
    ("fct_segment_behaviour_monthly", "events", "order_items"): "likewise",
    ("fct_segment_behaviour_monthly", "order_items", "orders"): "of paid orders of known customers",
    ("fct_promo_review", "coupon_redemptions", "orders"): "coupon_redemptions/order",
    ("fct_promo_review", "orders", "order_items"): "orders/line",
    ("fct_category_daily", "events", "products"): _KEPT + "views of what no list describes are of"
    " category (unknown)",
    ("fct_category_daily", "order_items", "orders"): "lines of fct_order_items, each of an order"
    " that is there",
    ("fct_product_daily", "order_items", "orders"): "likewise",
    ("fct_refunds", "refunds", "order_items"): "refunds/line",
    ("int_stock_spans", "inventory_movements", "inventory_snapshots"): "sources of both, of which"
    " each row is one",
    ("int_stock_spans", "inventory_snapshots", "inventory_movements"): "likewise",
    ("int_stock_moves", "inventory_snapshots", "inventory_movements"): _KEPT + "what did not move",
    ("int_stock_products", "purchase_orders", "inventory_snapshots"): _KEPT + "of some there is no"
    " stock",
    ("int_stock_costs", "products", "purchase_orders"): "costs of both, of what is stocked",
    ("int_stock_costs", "purchase_orders", "products"): _KEPT + "a purchase tells else",
    **{
        ("int_stock_products", "inventory_snapshots", found): "inventory_snapshots/product,"
        " inventory_movements/product"
        for found in ("order_items", "products")
    },
    ("int_stock_products", "purchase_orders", "order_items"): "purchase_orders/product",
    ("int_stock_products", "purchase_orders", "products"): "purchase_orders/product",
    ("dim_product", "products", "orders"): _KEPT + "of a source without orders sales are NULL",
    ("int_order_bookings", "order_costs", "orders"): "order_costs/order",
    ("int_order_bookings", "settlements", "orders"): "settlements/order",
    ("int_order_bookings", "order_costs", "fx_rates"): "order_costs/rate",
    ("int_order_bookings", "settlements", "fx_rates"): "settlements/rate",
    ("int_order_bookings", "order_costs", "settlements"): "rows of both, beside each other",
    ("int_order_bookings", "settlements", "order_costs"): "likewise",
    ("int_order_categories", "order_items", "orders"): "lines of int_order_items_shared, each of an"
    " order that is there",
    ("int_order_categories", "orders", "order_items"): _KEPT + "without lines in (unknown)",
    ("int_profit_entries", "order_costs", "orders"): "bookings of int_order_bookings, each of an"
    " order that is there",
    ("int_profit_entries", "order_items", "orders"): "likewise, of int_order_items_shared",
    ("int_profit_entries", "refunds", "orders"): "refunds/payment",
    ("int_profit_entries", "refunds", "order_items"): _KEPT + "shared over the whole order",
    ("fct_settlements_daily", "order_costs", "orders"): "settlements/payment",
    ("fct_settlements_daily", "orders", "order_costs"): _KEPT + "counted as unlisted",
    ("int_months_refunded", "refunds", "orders"): "refunds/payment",
    ("int_target_weights", "budgets", "targets"): "months of both",
    ("int_target_weights", "targets", "budgets"): "months of both",
    ("int_targets_met", "campaign_spend", "budgets"): "spend without a budget is in"
    " fct_channel_daily",
    ("dim_product", "products", "refunds"): _KEPT + "of a source without refunds these are NULL",
}  # fmt: skip


def joins(code: str) -> Iterator[tuple[str, str]]:
    """Pairs of tables of which one is joined to the other, as `ref` names them.

    The rows of a named step are those of what it selects from; what it joins it looks up.
    """
    code = re.sub(r"\{#.*?#\}|--[^\n]*", " ", code, flags=re.DOTALL)
    code = re.sub(r"^with\b\s*", "", code, flags=re.MULTILINE)
    code = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", code)
    steps = dict(re.findall(r"^(\w+)(?: \([^)]*\))? as \(\n(.*?)^\)", code, re.DOTALL | re.M))
    made: dict[str, set[str]] = {}

    def tables(name: str) -> set[str]:
        if name not in steps:
            return {name}
        if name not in made:
            made[name] = set()
            made[name] = {table for part in _selects(steps[name]) for table in tables(part[0])}
        return made[name]

    for step in (*steps.values(), code.rpartition("\n)\n")[2]):
        for first, looked_up in _selects(step):
            for left in tables(first):
                for name in looked_up:
                    yield from ((left, right) for right in tables(name))


def _selects(step: str) -> Iterator[tuple[str, list[str]]]:
    """Of each select of a step the table it selects from, and those it looks up."""
    for part in re.split(r"\bunion(?: all)?\b", step):
        within = re.findall(r"\bin \(\s*select [^()]*?\bfrom (\w+)", part)
        outer = re.sub(r"\bin \(\s*select [^()]*\)", " ", part)
        if found := re.search(r"\bfrom (\w+)", outer):
            yield found[1], [*re.findall(r"\bjoin (\w+)", outer), *within]


def found() -> set[tuple[str, str, str]]:
    of = {table: feed for feed, tables in ROWS.items() for table in tables}
    return {
        (file.stem, of[left], of[right])
        for file in (PROJECT / "models").rglob("*.sql")
        for left, right in joins(file.read_text("utf-8"))
        if left in of and right in of and of[left] != of[right]
    }


def test_every_join_of_two_feeds_says_what_becomes_of_rows_that_find_none() -> None:
    counting = {name for name, _, _ in found() if name.startswith("int_lookups_of_")}
    assert len(counting) == 7
    assert {join for join in found() if join[0] not in counting} == set(JOINS)


def test_what_is_said_to_be_counted_is_counted() -> None:
    folder = PROJECT / "models" / "intermediate" / "lookups"
    counted = set()
    for file in folder.glob("int_lookups_of_*.sql"):
        code = file.read_text("utf-8")
        pairs = set(re.findall(r"'(\w+)' as feed,\s+'(\w+)' as looks_for", code))
        # a feed named before: each of its rows looks for all that is looked for there
        feeds = set(re.findall(r"'(\w+)' as feed", code)) - {feed for feed, _ in pairs}
        things = re.findall(r"'(\w+)' as looks_for", code)
        counted |= {f"{feed}/{thing}" for feed, thing in {*pairs, *product(feeds, things)}}
    told = {kind for said in JOINS.values() for kind in re.findall(r"\w+/\w+", said)}
    assert told <= counted
    # asked of these alone: no table joins them
    assert counted - told == {
        "events/visitor", "coupon_redemptions/customer", "campaign_members/customer"
    }  # fmt: skip


def test_every_feed_that_names_an_order_finds_it_by_each_of_its_names() -> None:
    """A new staging table of costs, settlements or tickets cannot join by the id as delivered."""
    naming = {name for name, feed in FEEDS.items() if "order_id" in feed.columns} - {"orders"}
    staged = {}
    for name in naming:
        file = PROJECT / "models" / "staging" / f"stg_raw__{name}.sql"
        if file.exists():
            staged[name] = file.read_text("utf-8")
    assert {"refunds", "order_items", "shipments", "events"} <= set(staged)
    assert [name for name, code in staged.items() if "with_own_orders(" not in code] == []
    # No other table reads the ids as they were delivered.
    others = [file for file in (PROJECT / "models").rglob("*.sql") if file.parent.name != "staging"]
    reading = "|".join(sorted(naming))
    assert [file.stem for file in others if re.search(
        rf"source\('raw', '(?:{reading})'\)", file.read_text("utf-8"))] == []  # fmt: skip


def test_every_table_is_known_to_the_joins() -> None:
    tables = {file.stem for file in (PROJECT / "models").rglob("*.sql")}
    assert tables == {*SUMS, *(table for feed in ROWS.values() for table in feed)}


@pytest.mark.parametrize(
    ("code", "pairs"),
    [
        ("with a as (\n    select * from {{ ref('x') }}\n),\n\nb as (\n    select * from"
         " {{ ref('y') }}\n)\n\nselect * from a inner join b on true", {("x", "y")}),
        ("with a as (\n    select * from {{ ref('x') }}\n),\n\nb as (\n    select 1 from a\n"
         "    left join {{ ref('y') }} as y on true\n),\n\nc as (\n    select * from b\n)\n\n"
         "select * from c left join {{ ref('z') }} as z on true", {("x", "y"), ("x", "z")}),
        ("select * from {{ ref('x') }} where k not in (select y.k from {{ ref('y') }} as y)",
         {("x", "y")}),
        ("with a as (\n    select * from {{ ref('x') }}\n    union all\n"
         "    select * from {{ ref('y') }}\n)\n\nselect * from a -- join b", set()),
    ],
)  # fmt: skip
def test_a_join_is_seen(code: str, pairs: set[tuple[str, str]]) -> None:
    assert set(joins(code)) == pairs


def windowed(code: str) -> Iterator[tuple[str, str]]:
    """Joins within a span of instants: the table joined, and the condition.

    Engines begin a join of several tables with any two of them that share a condition.
    """
    code = re.sub(r"\{#.*?#\}|--[^\n]*", " ", code, flags=re.DOTALL)
    ends = (
        r"(?=\b(?:inner|left|full|cross) join\b|\bwhere\b|\bgroup by\b|\bqualify\b|\n\)|\bunion\b)"
    )
    for table, condition in re.findall(
        rf"join (?:\{{\{{.*?\}}\}} as )?(\w+)\s+on\b(.*?){ends}", code, re.DOTALL
    ):
        if re.search(r"_at\b[^=<>]*[<>]|[<>]=?\s*[\w.]+_at\b", condition):
            yield table, condition


def test_rows_of_a_span_of_time_are_met_by_who_they_are_of() -> None:
    """Never by platform and time alone: all orders and visits of weeks would meet each other."""
    persons = r"(?:visitor|customer|user|main_order|order)_(?:key|id)|attempt_id"
    seen = set()
    few = {"fct_promo_hourly"}  # phases and sums of hours: a few hundred for each
    for file in (PROJECT / "models").rglob("*.sql"):
        if file.stem in few:
            continue
        for table, condition in windowed(file.read_text("utf-8")):
            seen.add(file.stem)
            equal = re.findall(r"([\w.]+)\s*=\s*([\w.]+)", condition)
            assert any(re.search(persons, left) and re.search(persons, right)
                       for left, right in equal), (file.stem, table)  # fmt: skip
    assert {"int_orders_linked", "int_touches_credited", "int_customers_acquired"} <= seen
    assert "int_funnel_sessions_counted" in seen
    wrong = "inner join b\n    on a.platform = b.platform and a.paid_at >= b.begun_at\n)"
    [(_, condition)] = windowed(wrong)
    assert not re.search(persons, condition)
