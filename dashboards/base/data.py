"""What a site is built from: facts about the shop and typed access to the published frames.

Belongs here: the columns each page relies on, and look-ups by day and segment.
Does not belong here: any formula of a KPI; a number shown is a number published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from dashboards.wording.changes import COUNTS, EFFECT_ORDER
from dashboards.wording.comparisons import Comparisons
from dashboards.wording.metrics import by_name

Row = dict[str, Any]
SMALLEST_GROUP = 10  # persons; figures of fewer are not shown, they could be of one
_NUMBER, _TEXT, _DAY, _FLAG = pl.Float64(), pl.String(), pl.Date(), pl.Boolean()


def _columns(
    days: str = "", texts: str = "", numbers: str = "", flags: str = ""
) -> dict[str, pl.DataType]:
    named = ((days, _DAY), (texts, _TEXT), (numbers, _NUMBER), (flags, _FLAG))
    return {name: dtype for names, dtype in named for name in names.split()}


_EFFECTS = " ".join(f"{name}_effect" for name in EFFECT_ORDER)

COLUMNS: dict[str, dict[str, pl.DataType]] = {
    "marts.fct_gmv_daily": _columns(
        "business_date",
        "dimension segment",
        "visitors tracked_buyers untracked_buyers buyers identified_orders anonymous_orders "
        "orders units gmv net_sales conversion_rate orders_per_buyer aov gmv_per_buyer new_buyers",
    ),
    "marts.fct_gmv_change": _columns(
        "business_date",
        "comparison dimension segment method",
        " ".join(f"{name} base_{name}" for name in COUNTS) + f" gmv_change {_EFFECTS}",
    ),
    "marts.fct_funnel_daily": _columns(
        "business_date",
        "basis dimension segment step",
        "step_number attempt_count reached_count direct_count passage_rate",
    ),
    "marts.fct_retention_monthly": _columns(
        "cohort_month",
        "kind retention_type dimension segment",
        "period_number cohort_size retained_count retention_rate revenue",
    ),
    "marts.fct_retention_daily": _columns(
        "cohort_date",
        "kind retention_type dimension segment",
        "period_number cohort_size retained_count retention_rate gap_day_count",
    ),
    "marts.fct_attribution_daily": _columns(
        "business_date",
        "platform model channel campaign",
        "credited_orders credited_revenue credited_new_customers",
    ),
    "marts.fct_channel_daily": _columns(
        "business_date",
        "platform channel",
        "cost orders gmv claimed_conversions attributed_gmv new_customers visitors paying_visitors",
        "is_additive",
    ),
    "marts.fct_gmv_hourly": _columns(
        "business_date", "hour_start platform channel", "visitors orders gmv"
    ),
    "marts.fct_promo_hourly": _columns(
        "",
        "promo platform phase hour_start",
        "promo_year hours_since_start gmv cumulative_gmv previous_gmv previous_cumulative_gmv",
    ),
    "marts.fct_promo_review": _columns(
        "first_date last_date",
        "promo platform",
        "promo_year day_count gmv orders buyers new_buyers new_buyer_d30_repurchase "
        "ordinary_d30_repurchase_rate discount_amount coupons_redeemed cost baseline_naive_gmv "
        "after_gmv after_baseline_naive_gmv margin_amount baseline_naive_margin_amount margin_roi",
        "is_over",
    ),
    "marts.fct_gmv_monthly": _columns("period_start", "dimension segment", "gmv", "is_complete"),
    "marts.fct_reviews": _columns(
        "period_start period_end",
        "grain metric",
        "value previous_value year_before_value target attainment_rate month_to_date_value"
        " quarter_to_date_value year_to_date_value",
    ),
    "marts.fct_review_changes": _columns(
        "period_start",
        "grain comparison dimension segment method",
        f"gmv base_gmv gmv_change {_EFFECTS}",
    ),
    "marts.fct_targets_daily": _columns(
        "business_date",
        "metric dimension segment",
        "target actual target_so_far actual_so_far month_target attainment_rate "
        "attainment_so_far_rate month_attainment_rate",
        "is_spread",
    ),
    "marts.fct_profit_daily": _columns(
        "business_date",
        "platform shop_id category",
        "gmv merchant_receivable_amount refunded_amount goods_cost_amount cm1_amount "
        "platform_fee_amount payment_fee_amount creator_commission_amount freight_amount "
        "freight_insurance_amount agency_fee_amount packaging_amount cm2_amount "
        "advertising_amount cm3_amount estimated_amount",
        "is_estimated",
    ),
    "marts.fct_month_close": _columns(
        "month_start reopened_date",
        "platform reopening_reason",
        "gmv cm2_amount closed_net_amount adjustment_amount adjusted_net_amount",
        "is_closed",
    ),
    "marts.fct_settlements_daily": _columns(
        "business_date",
        "platform shop_id",
        "due_amount settled_amount gap_amount overdue_amount unlisted_orders unlisted_amount",
    ),
    "marts.fct_channel_cohorts_monthly": _columns(
        "cohort_month", "channel", "age_months customers repeat_buyers"
    ),
    "marts.fct_fulfilment_daily": _columns(
        "business_date",
        "platform carrier region",
        "orders parcels waiting_orders overdue_orders due_24h_orders shipped_24h_orders "
        "due_48h_orders shipped_48h_orders due_parcels on_time_parcels undelivered_parcels",
    ),
    "marts.fct_after_sales_daily": _columns(
        "business_date",
        "date_basis platform",
        "orders gmv refunded_orders refunded_amount quality_refund_orders tickets "
        "answered_tickets first_response_hours resolved_tickets resolution_hours rated_tickets "
        "csat_total reviews rating_total bad_reviews age_days refund_amount_rate "
        "expected_final_refund_rate expected_lower_rate expected_upper_rate",
        "is_mature",
    ),
    "marts.fct_product_daily": _columns(
        "business_date", "product_key platform", "orders units gmv refunded_amount views"
    ),
    "marts.dim_product": _columns(
        "",
        "product_key source product_name category role abc_class xyz_class lifecycle_stage",
        "gmv units on_hand days_of_stock sell_through_rate weekly_demand_cv",
        "is_slow_moving",
    ),
    "marts.dim_customer": _columns("", "rfm_segment", "r_score f_score m_score"),
    "marts.fct_segments_monthly": _columns(
        "month_start", "rfm_segment", "customers buyers orders gmv year_orders year_net_amount"
    ),
    "marts.fct_segment_migration_monthly": _columns(
        "month_start", "from_segment to_segment", "customers migration_rate"
    ),
    "marts.fct_segment_behaviour_monthly": _columns(
        "month_start", "rfm_segment top_category", "customers buyers orders_per_buyer aov"
    ),
    "insights.experiment_results": _columns(
        "",
        "platform experiment metric variant control status",
        "exposed control_exposed sample_ratio_p_value value control_value difference lower upper "
        "adjusted_p_value always_valid_p_value",
    ),
    "insights.customer_value_by_channel": _columns(
        "",
        "first_channel",
        "customers expected_sales_amount lower_sales_amount upper_sales_amount",
    ),
    "marts.fct_inventory_daily": _columns(
        "business_date",
        "source product_key warehouse",
        "on_hand in_transit lost_sales_amount stock_amount days_of_stock",
        "is_stock_out",
    ),
    "marts.fct_supplier_monthly": _columns(
        "period_start",
        "source supplier_id grade",
        "ordered_amount on_time_rate fill_rate defect_rate lead_time_days score "
        "single_source_gmv_rate",
    ),
    "marts.dim_promo": _columns(
        "start_date end_date", "promo platform phase kind label_en label_zh", "promo_year"
    ),
    "quality.metrics": _columns(
        "",
        "name label_en label_zh unit additivity good_direction owner definition_en definition_zh "
        "numerator denominator",
    ),
    "quality.comparisons": _columns(
        "",
        "comparison label_en label_zh versus_en versus_zh base_en base_zh",
        "position alert_position first_offset last_offset",
    ),
    "quality.checks": _columns("", "check_name layer subject severity status observed message"),
    "quality.ingest_files": _columns(
        "",
        "source source_file format feeds status unknown_columns first_at last_at landed_at",
        "rows_read rows_landed rows_quarantined rows_duplicate rows_excluded",
    ),
    "quality.reconciliation_daily": _columns(
        "business_date",
        "source measure",
        "landed_amount mart_amount difference landed_rows mart_rows row_difference",
    ),
    "quality.lookups": _columns(
        "last_orphan_date",
        "feed looks_for source examples",
        "rows amount orphan_rows orphan_amount orphan_rate",
        "is_material",
    ),
    "quality.platform_reconciliation_daily": _columns(
        "business_date",
        "platform differs_in",
        " ".join(
            f"reported_{name} own_{name}"
            for name in ("paid_amount", "refund_amount", "orders", "visitors")
        ),
        "is_within_tolerance",
    ),
    "quality.source_completeness_daily": _columns(
        "business_date",
        "source feed platform shop_id last_at reason",
        "expected_rows arrived_rows",
        "is_complete",
    ),
    "quality.source_watermarks": _columns(
        "complete_until_date",
        "source feed platform last_arrived_at last_file reason",
        "lag_days",
    ),
    "insights.gmv_forecast": _columns(
        "period_start made_on",
        "grain platform method",
        "observed_amount unknown_days expected_amount lower_amount upper_amount wape",
    ),
    "insights.anomalies": _columns(
        "business_date",
        "metric dimension segment platform status",
        "observed expected lower upper impact_amount",
    ),
    "insights.incidents": _columns(
        "opened_date last_date closed_date withdrawn_date told_date",
        "incident_id metric dimension segment segment_name platform severity kind cause_metric "
        "cause_dimension cause_segment cause_segment_name cause_side impact_of "
        "explanation_en explanation_zh",
        "observed expected lower upper impact_amount",
    ),
    "insights.reorder_plan": _columns(
        "runout_date order_by_date",
        "product_key product_name source warehouse supplier_id reason",
        "on_hand on_order days_of_stock suggested_units suggested_amount",
    ),
    "insights.incident_effects": _columns("", "incident_id factor", "position effect_amount"),
    "insights.root_cause_sets": _columns(
        "", "incident_id dimensions segments", "position observed expected", "is_cause"
    ),
    "marts.fct_risk_signals": _columns("business_date", "rule status platform"),
    "marts.fct_live_sessions": _columns(
        "business_date",
        "source live_room_id platform shop_id kind host started_at",
        "viewers product_clicks orders gmv net_sales commission_amount slot_fee_amount click_rate "
        "gmv_per_viewer commission_rate",
    ),
}
"""Frame -> the columns the pages use. A missing frame or column reads as empty or NULL."""

BY_PLATFORM = frozenset(
    name
    for name, columns in COLUMNS.items()
    if "platform" in columns and name.startswith(("marts.fct_", "insights."))
)
"""Frames whose rows belong to one platform; the others know none, and no page splits them."""

_RECENT = "business_date > (select max(business_date) from {}) - {}"
ROWS = {
    "marts.fct_gmv_hourly": _RECENT.format("marts.fct_gmv_hourly", 70),
    "marts.fct_product_daily": _RECENT.format("marts.fct_product_daily", 100),
    "marts.fct_inventory_daily": _RECENT.format("marts.fct_inventory_daily", 60),
    "marts.dim_customer": "r_score is not null",
    "marts.fct_risk_signals": _RECENT.format("marts.fct_risk_signals", 90),
    "marts.fct_gmv_monthly": "dimension = 'all'",
    "marts.fct_retention_daily":
        "kind = 'visit' and dimension = 'all' and retention_type = 'classic'",
    "marts.fct_retention_monthly":
        "kind = 'purchase' and dimension <> 'channel' and retention_type = 'classic'",
}  # fmt: skip
"""Frame -> the condition, in SQL, of the rows the pages use; all of them where there is none.

Retention has 35 rows a day and segment, of which pages draw new visitors of the company only; of
hours and of products pages look back as far as `figures.windows` does for an ordinary week.
"""


@dataclass(frozen=True)
class SiteInfo:
    """Facts a site is built with.

    Attributes:
        shop_name: name shown above the navigation; untrusted text.
        currency: ISO 4217 code of the reporting currency.
        timezone: IANA name of the reporting zone.
        data_through: last complete business day.
        built_at: instant of the build, UTC; goes to `status.js` and the manifest only, so that
            equal data gives equal pages.
        run_id: run that published the frames; manifest only.
        languages: languages offered, the first one is shown first.
        configured_feeds: feeds that `shop.yml` maps; pages say "not configured" of others.
        warn_hours: hours after the end of `data_through` when pages call themselves stale.
        comments: text of `comments.md`, what owners say of weeks and months; untrusted.
        code: fingerprint of the code that builds the pages; manifest only.
        verdicts: incident -> what somebody judged it to be (`kpi alerts feedback`).
        base_path: where the site lies on its server; only the page of unknown addresses needs it.
    """

    shop_name: str
    currency: str
    timezone: str
    data_through: date
    built_at: datetime
    run_id: str
    languages: tuple[str, ...] = ("en", "zh")
    configured_feeds: set[str] = field(default_factory=set)
    warn_hours: int = 36
    comments: str = ""
    code: str = ""
    base_path: str = "/"
    verdicts: Mapping[str, str] = field(default_factory=dict)


def _as_text(frame: pl.DataFrame, name: str) -> pl.Expr:
    dtype = frame.schema[name]
    if isinstance(dtype, pl.List):
        return pl.col(name).cast(pl.List(pl.String)).list.join(", ").alias(name)
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).dt.strftime("%Y-%m-%d %H:%M").alias(name)
    return pl.col(name).cast(pl.String).alias(name)


def normalise(name: str, frame: pl.DataFrame | None) -> pl.DataFrame:
    """The columns of `COLUMNS[name]` in plain types: Float64, String, Date, Boolean.

    Args:
        name: schema-qualified table.
        frame: the published table; None and frames without columns give an empty frame.
    """
    wanted = COLUMNS[name]
    if frame is None or not frame.width:
        return pl.DataFrame(schema=wanted)
    kept = []
    for column, dtype in wanted.items():
        if column not in frame.columns:
            kept.append(pl.lit(None, dtype=dtype).alias(column))
        elif dtype == pl.String:
            kept.append(_as_text(frame, column))
        else:
            kept.append(pl.col(column).cast(dtype))
    return frame.select(kept)


def exact_sum(name: str) -> pl.Expr:
    """The sum of a column to the millionth, NULL where no row knows it.

    Summed as integers: threads add floats in any order, and pages must be equal to the byte.
    """
    millionths = (pl.col(name) * 1e6).round().cast(pl.Int64)
    return pl.when(pl.col(name).count() > 0).then(millionths.sum() / 1e6).alias(name)


class Data:
    """The published frames of one site, by name, in plain types.

    Attributes:
        metrics: rows of the metric registry by name.
        comparisons: those of `quality.comparisons`.
    """

    def __init__(self, frames: Mapping[str, pl.DataFrame]) -> None:
        self._frames = {name: normalise(name, frames.get(name)) for name in COLUMNS}
        self.metrics = by_name(self["quality.metrics"])
        self.comparisons = Comparisons(self["quality.comparisons"])
        self._days: dict[tuple[str, date], dict[tuple[str, ...], list[Row]]] = {}

    def of_platform(self, platform: str) -> Data:
        """The same frames with the rows of one platform, where a frame is of `BY_PLATFORM`."""
        is_its = pl.col("platform") == platform
        return Data(
            {
                name: frame.filter(is_its) if name in BY_PLATFORM else frame
                for name, frame in self._frames.items()
            }
        )

    def platform_sales(self) -> pl.DataFrame:
        """Rows of `fct_gmv_daily` of the platforms."""
        return self["marts.fct_gmv_daily"].filter(pl.col("dimension") == "platform")

    def __getitem__(self, name: str) -> pl.DataFrame:
        return self._frames[name]

    def _day(
        self, name: str, moment: date, keys: Sequence[str]
    ) -> dict[tuple[str, ...], list[Row]]:
        """Rows of a table and day by the values of `keys`, each list by segment; looked up once."""
        place = (name, moment)
        if place not in self._days:
            rows = self[name].filter(pl.col("business_date") == moment).sort("segment").to_dicts()
            grouped: dict[tuple[str, ...], list[Row]] = {}
            for row in rows:
                grouped.setdefault(tuple(row[key] for key in keys), []).append(row)
            self._days[place] = grouped
        return self._days[place]

    def company(self, until: date, days: int) -> pl.DataFrame:
        """Company rows of `fct_gmv_daily`, the last `days` days until `until`, by day."""
        first = pl.lit(until) - pl.duration(days=days - 1)
        return (
            self["marts.fct_gmv_daily"]
            .filter(
                pl.col("dimension") == "all",
                pl.col("business_date").is_between(first, pl.lit(until)),
            )
            .sort("business_date")
        )

    def on(self, moment: date, dimension: str = "all") -> list[Row]:
        """Rows of `fct_gmv_daily` of one day and dimension, by segment."""
        return self._day("marts.fct_gmv_daily", moment, ["dimension"]).get((dimension,), [])

    def company_on(self, moment: date) -> Row | None:
        """The company's row of `fct_gmv_daily` of one day, if there is one."""
        rows = self.on(moment)
        return rows[0] if rows else None

    def first_day(self) -> date | None:
        """First business day of the company, None where nothing is published."""
        found = self["marts.fct_gmv_daily"]["business_date"].min()
        return found if isinstance(found, date) else None

    def changes(self, moment: date, comparison: str, dimension: str = "all") -> list[Row]:
        """Rows of `fct_gmv_change` of one day, comparison and dimension, by segment."""
        rows = self._day("marts.fct_gmv_change", moment, ["comparison", "dimension"])
        return rows.get((comparison, dimension), [])

    def change(self, moment: date, comparison: str) -> Row | None:
        """The company's row of `fct_gmv_change`, if the comparison exists that day."""
        rows = self.changes(moment, comparison)
        return rows[0] if rows else None
