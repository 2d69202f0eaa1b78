"""Plans, forecasts, hours, products, stock, profit and service of the company."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from tests.browser.shop.company import LAST

Rows = list[dict[str, object]]
PRODUCTS = {
    "p1": ("Trail jacket", "A", "X"),
    "p2": ("露营杯", "A", "Y"),
    "p3": ("Head lamp", "C", "Z"),
}
PLATFORMS = ("tmall", "shopify")


def _first(last: date) -> date:
    return last.replace(day=1)


def plans(company: pl.DataFrame) -> Rows:
    """The month is planned at 1000 a day more than was sold, spend at 100 a day."""
    days = company.filter(pl.col("business_date") >= _first(LAST)).sort("business_date")
    rows: Rows = []
    sold = planned = 0.0
    for day, gmv in days.select("business_date", pl.col("gmv").cast(float)).iter_rows():
        sold, planned = sold + gmv, planned + gmv + 1000.0
        rows.append(_plan(day, "gmv", gmv, gmv + 1000.0, sold, planned))
        rows.append(_plan(day, "cost", 90.0, 100.0, 90.0 * day.day, 100.0 * day.day))
    return rows


def _plan(day: date, metric: str, now: float, plan: float, sold: float, planned: float) -> dict:
    whole = planned * 30 / day.day
    return {
        "business_date": day, "metric": metric, "dimension": "all", "segment": "all",
        "target": plan, "is_spread": False, "actual": now, "target_so_far": planned,
        "actual_so_far": sold, "month_target": whole, "attainment_rate": now / plan,
        "attainment_so_far_rate": sold / planned, "month_attainment_rate": sold / whole,
    }  # fmt: skip


def month(company: pl.DataFrame) -> Rows:
    rows = company.filter(pl.col("business_date") >= _first(LAST))
    sold = rows.select(pl.col("gmv").cast(float).sum()).item() if rows.height else None
    return [{"period_start": _first(LAST), "dimension": "all", "segment": "all",
             "gmv": None if sold is None else round(sold, 2), "is_complete": False}]  # fmt: skip


def forecast(company: pl.DataFrame) -> Rows:
    rows = company.filter(pl.col("business_date") >= _first(LAST))
    sold = rows.select(pl.col("gmv").cast(float).sum()).item()
    ends = {"expected_amount": 1.4, "lower_amount": 1.3, "upper_amount": 1.5}
    return [
        {"grain": "month", "period_start": _first(LAST), "platform": "all", "made_on": LAST,
         "observed_amount": round(sold, 2), "unknown_days": 0, "method": "baseline",
         **{name: round(sold * part, 2) for name, part in ends.items()}}
    ]  # fmt: skip


def hourly(calendar: list[date]) -> Rows:
    """The n-th hour of Shanghai sells n tens, on a Monday a tenth more."""
    return [
        {"hour_start": datetime.combine(day, time(hour)) - timedelta(hours=8),
         "business_date": day, "platform": "tmall", "channel": "(untracked)",
         "orders": 1, "gmv": (hour + 1) * (11.0 if day.weekday() == 0 else 10.0)}
        for day in calendar[-63:] for hour in range(24)
    ]  # fmt: skip


def product_daily(calendar: list[date]) -> Rows:
    """The jacket sells more every week, the cup less, the lamp hardly more."""
    rows: Rows = []
    for n, day in enumerate(calendar[-63:]):
        for key, gmv in (("p1", 100.0 + n), ("p2", 200.0 - n), ("p3", 50.0 + n / 5)):
            rows.append({"business_date": day, "platform": PLATFORMS[0], "source": "tmall",
                         "product_id": key, "product_key": key, "orders": 2, "units": 3,
                         "gmv": gmv})  # fmt: skip
    return rows


def products() -> Rows:
    """The jacket lasts three days, the lamp hardly sells."""
    cover = {"p1": (9, 3.2, False), "p2": (80, 40.0, False), "p3": (500, 400.0, True)}
    return [
        {"product_key": key, "source": "tmall", "product_id": key, "product_name": name,
         "role": "core", "abc_class": abc, "xyz_class": xyz, "lifecycle_stage": "mature",
         "gmv": 9000.0, "units": 90, "on_hand": cover[key][0], "days_of_stock": cover[key][1],
         "is_slow_moving": cover[key][2], "sell_through_rate": 0.5}
        for key, (name, abc, xyz) in PRODUCTS.items()
    ]  # fmt: skip


def inventory(calendar: list[date]) -> Rows:
    return [
        {"business_date": day, "source": "erp", "product_id": key, "product_key": key,
         "warehouse": "w", "on_hand": 10, "is_stock_out": key == "p2" and day == LAST,
         "lost_sales_amount": 25.0 if key == "p2" and day == LAST else 0.0,
         "stock_amount": 1000.0 if key == "p3" else 300.0}
        for day in calendar[-30:] for key in PRODUCTS
    ]  # fmt: skip


def suppliers() -> Rows:
    return [
        {"period_start": _first(LAST), "source": "erp", "supplier_id": name, "orders": 3,
         "ordered_amount": 900.0, "on_time_rate": 0.9, "fill_rate": 1.0, "defect_rate": 0.01,
         "lead_time_days": 7.0, "score": score, "grade": grade, "single_source_gmv_rate": 0.4}
        for name, score, grade in (("S1", 96.0, "A"), ("S2", 58.0, "C"), ("S3", None, None))
    ]  # fmt: skip


COSTS = {
    "refunded_amount": 50.0, "goods_cost_amount": 400.0, "platform_fee_amount": 30.0,
    "payment_fee_amount": 6.0, "creator_commission_amount": 0.0, "freight_amount": 44.0,
    "freight_insurance_amount": 0.0, "advertising_amount": 70.0,
}  # fmt: skip


def profit(calendar: list[date]) -> Rows:
    """Of 1000 a day and platform 550 stay as CM1, 470 as CM2, 400 as CM3, and the day's number."""
    return [
        {"business_date": day, "platform": platform, "shop_id": "s", "category": "outdoor",
         "gmv": 1000.0, "merchant_receivable_amount": 1000.0, **COSTS,
         "goods_cost_amount": 400.0 - day.day, "cm1_amount": 550.0 + day.day,
         "cm2_amount": 470.0 + day.day, "cm3_amount": 400.0 + day.day,
         "estimated_amount": 0.0, "is_estimated": False}
        for day in calendar[-400:] for platform in PLATFORMS
    ]  # fmt: skip


def closes() -> Rows:
    return [
        {"month_start": date(2026, 10, 1), "platform": platform, "close_date": date(2026, 11, 5),
         "is_closed": True, "gmv": 9000.0, "cm2_amount": 4000.0, "closed_net_amount": 8800.0,
         "adjustment_amount": -late, "adjusted_net_amount": 8800.0 - late,
         "reopened_date": None, "reopening_reason": None}
        for platform, late in (("tmall", 120.0), ("shopify", 0.0))
    ]  # fmt: skip


def settlements(calendar: list[date]) -> Rows:
    """Tmall owes 40 for a day of October and 300 that are not due yet."""
    overdue = date(2026, 10, 3)
    return [
        {"business_date": day, "platform": "tmall", "shop_id": "s", "orders": 9,
         "settlement_orders": 8, "due_amount": 300.0, "settled_amount": 300.0 - gap,
         "gap_amount": gap, "overdue_amount": 40.0 if day == overdue else 0.0,
         "unlisted_orders": 1, "unlisted_amount": 12.0}
        for day in calendar[-60:]
        for gap in [40.0 if day == overdue else 300.0 if day == LAST else 0.0]
    ]  # fmt: skip


def cohorts() -> Rows:
    """Of 200 customers 20 come back, of those of the month before 30."""
    return [
        {"cohort_month": month, "channel": channel, "age_months": 1, "customers": 100,
         "repeat_buyers": back, "repurchase_rate": None if back is None else back / 100}
        for month, back in ((date(2026, 8, 1), 15), (date(2026, 9, 1), 10),
                            (date(2026, 10, 1), None))
        for channel in ("direct", "email")
    ]  # fmt: skip


def after_sales(calendar: list[date]) -> Rows:
    """A day's orders of 1000 lose 40, of which all refunds are in after 90 days."""
    rows: Rows = []
    draw = np.random.default_rng(3)
    for day in calendar[-160:]:
        for basis in ("order_date", "event_date"):
            age = (LAST - day).days
            rows.append(
                {"business_date": day, "date_basis": basis, "platform": "tmall", "orders": 10,
                 "gmv": 1000.0, "refunded_amount": 40.0, "refunded_orders": 1,
                 "quality_refund_orders": int(draw.integers(0, 2)), "tickets": 4,
                 "answered_tickets": 4, "first_response_hours": 2.0, "resolved_tickets": 3,
                 "resolution_hours": 30.0, "rated_tickets": 2, "csat_total": 9.0, "reviews": 2,
                 "rating_total": 9.0, "bad_reviews": 0, "age_days": age,
                 "is_mature": basis == "order_date" and age >= 90}
            )  # fmt: skip
    return rows


def fulfilment(calendar: list[date]) -> Rows:
    """Swift is on time in nine of ten, Slow in six; four orders wait too long."""
    return [
        {"business_date": day, "platform": "tmall", "carrier": carrier, "region": "north",
         "orders": 10, "parcels": 10, "waiting_orders": 2 if day == LAST else 0,
         "overdue_orders": 2 if day == LAST else 0, "due_24h_orders": 10, "shipped_24h_orders": 8,
         "due_48h_orders": 10, "shipped_48h_orders": 9, "due_parcels": 10,
         "on_time_parcels": on_time, "undelivered_parcels": 0}
        for day in calendar[-60:] for carrier, on_time in (("Swift", 9), ("Slow", 6))
    ]  # fmt: skip


SEGMENTS = {"high_value": (300, 9000.0), "win_back": (500, 4000.0), "lost": (6, 100.0)}


def segments() -> Rows:
    return [
        {"month_start": _first(LAST), "as_of_date": LAST, "rfm_segment": name, "customers": size,
         "buyers": 20, "orders": 21, "gmv": 2000.0, "year_orders": 700, "year_net_amount": net}
        for name, (size, net) in SEGMENTS.items()
    ]  # fmt: skip


def migration() -> Rows:
    """Of 250 of high value 200 stayed, 45 are to be won back, 5 are lost."""
    return [
        {"month_start": _first(LAST), "from_segment": "high_value", "to_segment": end,
         "customers": count, "migration_rate": count / 250}
        for end, count in (("high_value", 200), ("win_back", 45), ("lost", 5))
    ]  # fmt: skip


def behaviour() -> Rows:
    return [
        {"month_start": _first(LAST), "rfm_segment": name, "customers": size, "visits": 40,
         "buyers": 12, "orders": 15, "gmv": 1500.0, "orders_per_buyer": 1.25, "aov": 100.0,
         "top_category": "outdoor"}
        for name, (size, _) in SEGMENTS.items()
    ]  # fmt: skip


def scored() -> Rows:
    """Twelve customers are the best of all, three the worst."""
    return [
        {"customer_key": f"k{n}", "r_score": score, "f_score": score, "m_score": score,
         "rfm_segment": "high_value" if score == 5 else "lost"}
        for n, score in enumerate([5] * 12 + [1] * 3)
    ]  # fmt: skip


def values() -> Rows:
    return [
        {"first_channel": name, "customers": size, "expected_sales_amount": amount,
         "lower_sales_amount": amount - 50.0, "upper_sales_amount": amount + 50.0}
        for name, size, amount in (("email", 90, 700.0), ("direct", 40, 900.0), ("social", 4, 99.0))
    ]  # fmt: skip


def reviews() -> Rows:
    """11.11 sold 9000 of 4000 on Tmall, 3000 of 5000 on Shopify, where it paid .5 of its spend."""
    return [
        {"promo": "double_11", "promo_year": 2026, "platform": platform,
         "first_date": date(2026, 10, 31), "last_date": date(2026, 11, 11), "day_count": 12,
         "is_over": True, "gmv": gmv, "orders": 90, "buyers": 80, "new_buyers": 30,
         "discount_amount": 500.0, "cost": cost, "baseline_naive_gmv": before,
         "after_gmv": 700.0, "after_baseline_naive_gmv": 800.0, "margin_roi": roi,
         "ordinary_d30_repurchase_rate": 0.12}
        for platform, gmv, before, cost, roi in (("tmall", 9000.0, 4000.0, None, None),
                                                 ("shopify", 3000.0, 5000.0, 600.0, 0.5))
    ]  # fmt: skip


def pacing() -> Rows:
    """The peak of Tmall: a hundred an hour, of the year before ninety; the last has not come."""
    begun = datetime(2026, 11, 8, 16)
    return [
        {"promo": "double_11", "promo_year": 2026, "platform": "tmall", "phase": "peak",
         "hours_since_start": hour, "hour_start": begun + timedelta(hours=hour),
         "gmv": None if hour == 30 else 100.0, "previous_promo_year": 2025, "previous_gmv": 90.0,
         "cumulative_gmv": None if hour == 30 else 100.0 * (hour + 1),
         "previous_cumulative_gmv": 90.0 * (hour + 1)}
        for hour in range(31)
    ]  # fmt: skip


def experiments() -> Rows:
    """One experiment whose variant converts better, one whose split is wrong."""
    tested = {
        "platform": "shopify", "experiment": "checkout", "variant": "short", "control": "control",
        "exposed": 2000, "control_exposed": 2010, "status": "tested", "sample_ratio_p_value": 0.87,
        "value": 0.06, "control_value": 0.04, "difference": 0.02, "lower": 0.01, "upper": 0.03,
        "p_value": 0.001, "adjusted_p_value": 0.004, "always_valid_p_value": 0.02,
    }  # fmt: skip
    spoilt = {name: tested[name] for name in ("platform", "variant", "control", "exposed")}
    return [
        {**tested, "metric": "conversion_rate"},
        {**tested, "metric": "aov", "value": 98.0, "control_value": 100.0, "difference": -2.0,
         "lower": -9.0, "upper": 5.0, "adjusted_p_value": 0.6, "always_valid_p_value": 1.0},
        *({**spoilt, "experiment": "banner", "metric": metric, "control_exposed": 1500,
           "status": "sample_ratio_mismatch", "sample_ratio_p_value": 0.0}
          for metric in ("conversion_rate", "aov")),
    ]  # fmt: skip


def live(calendar: list[date]) -> Rows:
    """A creator sold 300 and 500; what the shop's own studio sold no platform tells."""
    known = {"orders": 3, "net_sales": 280.0, "commission_amount": 30.0, "slot_fee_amount": 100.0,
             "kind": "creator", "host": "creator_lin"}  # fmt: skip
    own = {"kind": "own", "host": "studio"}
    return [
        {"source": "tmall", "platform": "tmall", "live_room_id": f"L{n}", "business_date": day,
         "started_at": datetime(day.year, day.month, day.day, 12), "viewers": 400, **what}
        for n, (day, what) in enumerate([
            (calendar[-1], {**known, "gmv": 500.0}), (calendar[-1], own),
            (calendar[-2 if len(calendar) > 1 else -1], {**known, "gmv": 300.0}),
        ])
    ]  # fmt: skip


def risk(calendar: list[date]) -> Rows:
    """Three orders that share an address, two that no rule can judge."""
    return [
        {"source": "tmall", "platform": "tmall", "order_id": f"o{n}", "rule": "shared_address",
         "status": "risk" if n < 3 else "not_evaluable", "business_date": calendar[-1]}
        for n in range(5)
    ]  # fmt: skip


def trade(calendar: list[date], daily: pl.DataFrame) -> dict[str, Rows]:
    """All tables of this module by name."""
    company = daily.filter(pl.col("dimension") == "all")
    return {
        "marts.fct_targets_daily": plans(company),
        "marts.fct_gmv_monthly": month(company),
        "insights.gmv_forecast": forecast(company),
        "marts.fct_gmv_hourly": hourly(calendar),
        "marts.fct_product_daily": product_daily(calendar),
        "marts.dim_product": products(),
        "marts.fct_inventory_daily": inventory(calendar),
        "marts.fct_supplier_monthly": suppliers(),
        "marts.fct_profit_daily": profit(calendar),
        "marts.fct_month_close": closes(),
        "marts.fct_settlements_daily": settlements(calendar),
        "marts.fct_channel_cohorts_monthly": cohorts(),
        "marts.fct_after_sales_daily": after_sales(calendar),
        "marts.fct_fulfilment_daily": fulfilment(calendar),
        "marts.fct_segments_monthly": segments(),
        "marts.fct_segment_migration_monthly": migration(),
        "marts.fct_segment_behaviour_monthly": behaviour(),
        "marts.dim_customer": scored(),
        "insights.customer_value_by_channel": values(),
        "marts.fct_promo_review": reviews(),
        "marts.fct_promo_hourly": pacing(),
        "insights.experiment_results": experiments(),
        "marts.fct_live_sessions": live(calendar),
        "marts.fct_risk_signals": risk(calendar),
    }
