"""The public contract: every mart is published with the columns that readers may count on."""

from __future__ import annotations

from pathlib import Path

from orchestration.build import warehouse
from tests.support import shop
from tests.support.contracts import contracts

_FACTORS = (
    "visitors tracked_buyers untracked_buyers buyers identified_orders anonymous_orders orders"
)
_GMV = (
    f"dimension segment {_FACTORS} units gmv net_sales net_sales_by_order_date conversion_rate"
    " orders_per_buyer aov gmv_per_buyer new_buyers"
)
_RETENTION = (
    "kind retention_type dimension segment period_number cohort_size retained_count"
    " retention_rate revenue margin gap_day_count"
)
CONTRACT = {
    "dim_campaign": "platform campaign channel",
    "dim_channel": "channel label_en label_zh",
    "dim_customer": "customer_key first_order_date last_order_date orders net_sales recency_days"
    " r_score f_score m_score rfm_segment lifecycle_stage member_tier preferred_category"
    " preferred_channel first_channel",
    "dim_date": "business_date holiday_en holiday_zh",
    "dim_product": "product_key product_id units gmv views add_to_carts refunds abc_class xyz_class"
    " role lifecycle_stage launched_date days_of_stock is_slow_moving",
    "dim_product_history": "product_key valid_from valid_to",
    "dim_promo": "promo platform phase starts_at ends_at",
    "fct_after_sales_daily": "business_date date_basis platform dimension segment"
    " refund_amount_rate expected_final_refund_rate expected_net_sales tickets reviews",
    "fct_attribution_daily": "business_date platform model channel campaign credited_orders"
    " credited_revenue",
    "fct_benchmarks_monthly": "period_start metric dimension segment benchmark_value",
    "fct_campaign_daily": "business_date platform account campaign cost impressions clicks visitors"
    " orders attributed_gmv attributed_net_sales claimed_conversions roas",
    "fct_channel_cohorts_monthly": "cohort_month channel age_months customers repurchase_rate"
    " cumulative_margin cac is_paid_back",
    "fct_category_daily": "business_date platform category units gmv buyers product_visitors",
    "fct_channel_daily": "business_date platform channel impressions clicks cost visitors orders"
    " gmv claimed_conversions roas mer cac spend_rate",
    "fct_efficiency_monthly": "month_start gmv headcount gmv_per_head mer",
    "fct_experiment_arms_daily": "business_date experiment variant exposed converted revenue"
    " revenue_sq pre_period_revenue",
    "fct_fulfilment_daily": "business_date platform carrier region orders parcels on_time_rate"
    " shipped_48h_rate returns footprint_parcels parcel_co2e_kg return_co2e_kg",
    "fct_funnel_daily": "business_date basis dimension segment step_number step entered_count"
    " step_rate overall_rate attempt_count reached_count direct_count passage_rate reached_rate",
    "fct_gmv_change": "business_date comparison dimension segment gmv base_gmv gmv_change"
    " visitors_effect conversion_effect untracked_buyers_effect orders_per_buyer_effect"
    " anonymous_orders_effect aov_effect mix_effect method"
    f" {_FACTORS} {' '.join(f'base_{name}' for name in _FACTORS.split())}",
    "fct_gmv_daily": f"business_date {_GMV}",
    "fct_gmv_hourly": "hour_start business_date platform channel visitors orders gmv",
    "fct_gmv_monthly": f"period_start {_GMV} repeat_purchase_rate",
    "fct_gmv_weekly": f"period_start {_GMV} repeat_purchase_rate",
    "fct_lifecycle_daily": "business_date kind stage member_count",
    "fct_inventory_daily": "business_date product_id warehouse on_hand received sold adjusted"
    " is_stock_out lost_sales_amount turnover_days",
    "fct_live_sessions": "live_room_id platform shop_id kind host viewers gmv net_sales gpm"
    " commission_amount slot_fee_amount",
    "fct_month_close": "month_start platform is_closed closed_net_amount adjustment_amount"
    " gmv_restatement_amount",
    "fct_order_items": "source order_id line_number product_id category quantity unit_price"
    " merchant_discount_amount platform_discount_amount paid_amount cost_amount is_gift is_goods",
    "fct_orders": "source order_id customer_key platform shop_id channel device region ordered_at"
    " paid_at order_date business_date status is_paid is_presale placed_amount paid_amount"
    " refunded_amount currency original_amount order_number",
    "fct_product_daily": "business_date product_id units gmv views add_to_carts refunds",
    "fct_retention_daily": f"cohort_date {_RETENTION}",
    "fct_retention_monthly": f"cohort_month {_RETENTION}",
    "fct_profit_daily": "business_date platform shop_id category gmv cm1_amount cm2_amount"
    " cm3_amount is_estimated",
    "fct_promo_hourly": "promo promo_year platform phase hours_since_start orders gmv"
    " cumulative_gmv previous_gmv previous_cumulative_gmv",
    "fct_promo_review": "promo promo_year platform gmv orders buyers new_buyers"
    " new_buyer_d30_repurchase discount_amount cost baseline_naive_gmv margin_roi",
    "fct_refunds": "source refund_id order_id product_id reason amount goods_amount other_amount"
    " is_after_shipping",
    "fct_review_changes": "grain period_start comparison segment gmv_change visitors_effect",
    "fct_reviews": "grain period_start metric value previous_value target",
    "fct_risk_signals": "order_id rule score evidence",
    "fct_sales_ladder_daily": "business_date refund_basis rung amount other_amount shipping_basis",
    "fct_segment_behaviour_monthly": "month_start rfm_segment customers visits conversion_rate",
    "fct_segment_migration_monthly": "month_start from_segment to_segment customers migration_rate",
    "fct_segments_monthly": "month_start rfm_segment customers orders gmv year_net_amount",
    "fct_service_health_daily": "business_date metric mean_value",
    "fct_settlements_daily": "business_date platform due_amount settled_amount gap_amount",
    "fct_supplier_monthly": "period_start supplier_id on_time_rate fill_rate score",
    "fct_targets_daily": "business_date metric dimension segment target actual attainment_rate",
    "fct_sessions": "session_id visitor_key customer_key platform shop_id started_at business_date"
    " channel campaign device region event_count has_product_view has_add_to_cart has_checkout"
    " has_purchase",
}


def test_every_mart_has_its_columns(finished_home: Path) -> None:
    published: dict[str, set[str]] = {}
    for table, column in shop.query(
        finished_home,
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts'",
    ):
        published.setdefault(table, set()).add(column)
    assert published.keys() == CONTRACT.keys()
    missing = {table: set(told.split()) - published[table] for table, told in CONTRACT.items()}
    assert {table: columns for table, columns in missing.items() if columns} == {}
    empty = [
        table
        for table in CONTRACT
        if shop.query(finished_home, f"select count(*) from marts.{table}") == [(0,)]
    ]
    # no figure of others is delivered, and no promotion begins within these days
    assert empty == ["fct_benchmarks_monthly", "fct_promo_hourly", "fct_promo_review"]


def test_every_table_of_insights_has_the_columns_and_types_of_its_contract(
    finished_home: Path,
) -> None:
    with warehouse.connect_published(finished_home / "data/published/current.duckdb") as con:
        for table, columns in contracts().items():
            if table.startswith("insights."):
                found = con.sql(f"from {table} limit 0").pl().schema
                assert dict(found) == columns, table
