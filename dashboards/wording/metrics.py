"""Metrics as people read them: the word inside a sentence, and a value in its unit.

Belongs here: what the registry (`quality.metrics`) does not say of series that only detectors and
pages have. Does not belong here: labels and units of registered metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, SupportsFloat

import polars as pl

from dashboards.wording.formatting import DASH, fixed, inline, integer, money, percent
from dashboards.wording.i18n import text, word

_FEW = 10
Metrics = Mapping[str, Mapping[str, Any]]
"""Rows of `quality.metrics` by name."""

_UNITS = {
    "gmv_3_days": "currency",
    "gmv_per_unit": "currency",
    "gmv_trend": "currency",
    "overdue_amount": "currency",
    "cost_so_far": "currency",
    "campaign_cost": "currency",
    "returning_share": "rate",
    "price_share": "rate",
    "conversion_rate_trend": "rate",
    "visitors_trend": "count",
    "orders_3_days": "count",
    "orders_7_days": "count",
    "refunds_3_days": "count",
    "unpaid_orders": "count",
    "campaign_visits": "count",
    "quality_refunds_7_days": "count",
    "orders_1_hour": "count",
    "orders_3_hours": "count",
    "last_step_3_days": "count",
    "late_parcels_3_days": "count",
    "bad_reviews_7_days": "count",
    "on_hand": "count",
    "days_of_stock": "days",
}
"""Of metrics outside the registry that are neither a rate by name nor a plain ratio."""


def by_name(registry: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The rows of `quality.metrics` by name."""
    return {str(row["name"]): row for row in registry.to_dicts()}


def metric_word(metric: str, metrics: Metrics, lang: str) -> str:
    """A metric as it stands inside a sentence.

    The rate of a step of the funnel is called by that step alone: which one it is a rate of is
    what the shop's funnel says.
    """
    label = (metrics.get(metric) or {}).get(f"label_{lang}")
    step = word("step", metric.removesuffix("_rate"), lang, "") if not label else ""
    if step and metric.endswith("_rate"):
        return text("metric_word.step_rate", lang, step=inline(step, lang))
    default = inline(label, lang) if label else metric.replace("_", " ")
    return word("metric_word", metric, lang, default)


def unit_of(metric: str, metrics: Metrics) -> str:
    """`currency`, `count`, `rate`, `ratio` or `days`."""
    registered = (metrics.get(metric) or {}).get("unit")
    return registered or _UNITS.get(metric) or ("rate" if metric.endswith("_rate") else "ratio")


def in_unit(value: SupportsFloat | None, unit: str, currency: str, lang: str) -> str:
    """A value as its unit is written; None gives an em dash.

    Args:
        value: in its unit; a rate as a fraction.
        unit: as `unit_of` gives it.
        currency: ISO 4217 code.
        lang: `en` or `zh`.
    """
    if value is None:
        return DASH
    if unit == "currency":
        return money(value, currency, lang)
    if unit == "rate":
        return percent(value, 2)
    if unit == "count":
        # Of few what is expected is no whole number: four refunds where 0.2 are usual.
        is_part = abs(float(value)) < _FEW and not float(value).is_integer()
        return fixed(value, 1) if is_part else integer(value)
    return fixed(value, 3)
