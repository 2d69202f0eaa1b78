"""What a message says, for programs: figures, places, state of the data and a link, without words.

Belongs here: the schema that docs/alerts.md describes; `VERSION` grows when a field changes its
meaning or goes. Sentences on the same evidence are in `alerts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote

import polars as pl

from dashboards.wording.incidents import day_of, impact_of
from dashboards.wording.loss import own_effects
from dashboards.wording.message import AlertInfo
from dashboards.wording.metrics import Metrics, unit_of
from dashboards.wording.places import own_places, todo_key

SCHEMA, VERSION = "kpi-warehouse/alert", 2
_OF_SALES = frozenset(
    {"gmv", "gmv_3_days", "gmv_trend", "buyers", "orders_per_buyer", "aov", "gmv_per_unit",
     "price_share", "orders_1_hour", "orders_3_hours", "orders_3_days", "orders_7_days",
     "unpaid_orders", "refund_rate",
     "refunds_3_days"}
)  # fmt: skip
OPERATIONS_PAGES = {
    "on_hand": "products",
    "days_of_stock": "products",
    "late_parcels_3_days": "service",
    "bad_reviews_7_days": "service",
    "quality_refunds_7_days": "service",
    "error_rate": "service",
    "overdue_amount": "profit",
    "cost_so_far": "channels",
    "campaign_cost": "channels",
    "campaign_visits": "channels",
}
"""Page of `dashboards.registry` that shows the figures of an alert of operations."""


@dataclass(frozen=True)
class Evidence:
    """Published tables a message draws from.

    Attributes:
        completeness: `quality.source_completeness_daily`.
        metrics: the registry by name.
        feeds_of: feeds a metric is made of; of others all are looked at.
        causes: rows of `insights.root_causes`; those of other incidents are not looked at.
        effects: `insights.incident_effects`, likewise.
        sets: `insights.root_cause_sets`, likewise.
        promos: `dim_promo`.
        watermarks: `quality.source_watermarks`.
        consoles: `quality.platform_reconciliation_daily`.
    """

    completeness: pl.DataFrame
    metrics: Metrics
    feeds_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    causes: pl.DataFrame | None = None
    effects: pl.DataFrame | None = None
    sets: pl.DataFrame | None = None
    promos: pl.DataFrame | None = None
    watermarks: pl.DataFrame | None = None
    consoles: pl.DataFrame | None = None


@dataclass(frozen=True)
class Event:
    """Why an incident is told.

    Attributes:
        name: opened, grew, escalated or reopened.
        lead: what stands before the place in the subject; its severity if not given.
        lines: the first line in each language; none of one that opened.
    """

    name: str = "opened"
    lead: str | None = None
    lines: Mapping[str, str] = field(default_factory=dict)


def facts(
    incidents: Sequence[Mapping[str, Any]], info: AlertInfo, event: str, owner: str | None = None
) -> dict[str, Any]:
    """The facts of a message: JSON values only.

    Args:
        incidents: of each what `incident_facts` gives; none of a failed run, a digest or a test.
        info: shop, currency.
        event: opened, grew, escalated, reopened, closed, withdrawn, run_failed, lookups, digest or
            test.
        owner: who looks after it.
    """
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "event": event,
        "shop": info.shop,
        "currency": info.currency,
        "owner": owner,
        "incidents": list(incidents),
    }


def incident_facts(
    incident: Mapping[str, Any], evidence: Evidence, info: AlertInfo
) -> dict[str, Any]:
    """One incident as it stands."""
    is_data = incident["kind"] == "data"
    same = ("incident_id", "kind", "severity", "metric", "dimension", "segment", "platform",
            "opened_date", "last_date", "closed_date", "withdrawn_date", "days", "observed",
            "expected", "lower", "upper", "cause_metric", "cause_side", "cause_dimension",
            "cause_segment", "feeds", "reason", "expected_rows", "arrived_rows", "told_date",
            "segment_name", "company_impact_amount")  # fmt: skip
    known = {name: _plain(incident.get(name)) for name in same}
    return known | {
        "status": _status(incident),
        "unit": None if is_data else unit_of(str(incident["metric"]), evidence.metrics),
        "impact_amount": _plain(incident["impact_amount"]),
        "impact_of": None if is_data else impact_of(incident),
        "effects": None if is_data else _effects(incident, evidence),
        "places": [] if is_data else _places(incident, evidence.causes),
        "combinations": [] if is_data else _together(incident, evidence.sets),
        "todo": todo_key(incident),
        "data": _data(incident, evidence.completeness),
        "link": link_of(incident, info.site),
    }


def _status(incident: Mapping[str, Any]) -> str:
    if incident.get("withdrawn_date") is not None:
        return "withdrawn"
    return "open" if incident["closed_date"] is None else "closed"


def _effects(incident: Mapping[str, Any], evidence: Evidence) -> dict[str, Any] | None:
    """The effects of the factors on the money of all days; the parts sum to the change."""
    rows = own_effects(incident, evidence.effects)
    if not rows:
        return None
    seen, wanted = (_plain(incident.get(f"{name}_amount")) for name in ("observed", "expected"))
    return {
        "of": impact_of(incident),
        "dimension": incident.get("impact_dimension"),
        "segment": incident.get("impact_segment"),
        "observed_amount": seen,
        "expected_amount": wanted,
        "parts": {row["factor"]: _plain(row["effect_amount"]) for row in rows},
        "impact_parts": [row["factor"] for row in rows if row["is_impact"]],
    }


def _places(incident: Mapping[str, Any], causes: pl.DataFrame | None) -> list[dict[str, Any]]:
    names = ("dimension", "segment", "segment_name", "impact_amount")
    return [{name: _plain(row.get(name)) for name in names} for row in own_places(incident, causes)]


def _together(incident: Mapping[str, Any], sets: pl.DataFrame | None) -> list[dict[str, Any]]:
    """The likeliest combinations of segments, with their orders."""
    if sets is None or sets.is_empty():
        return []
    own = sets.filter(incident_id=incident["incident_id"]).sort("position")
    names = ("dimensions", "segments", "observed", "expected", "likelihood", "is_cause")
    return [{name: _plain(row[name]) for name in names} for row in own.to_dicts()]


def _data(incident: Mapping[str, Any], completeness: pl.DataFrame) -> list[dict[str, Any]]:
    """What of the last day has arrived, feed by feed."""
    day = completeness.filter(
        pl.col("business_date") == incident["last_date"], pl.col("reason") != "not_expected"
    ).sort("source", "feed")
    names = ("source", "feed", "is_complete", "reason", "arrived_rows", "expected_rows")
    return [{name: _plain(row[name]) for name in names} for row in day.to_dicts()]


def page_of(incident: Mapping[str, Any]) -> str:
    """File of the page that shows the figures of an incident: kind and metric decide."""
    metric = str(incident["metric"])
    if incident["kind"] == "data":
        return "quality.html"
    if metric in OPERATIONS_PAGES:
        return f"{OPERATIONS_PAGES[metric]}.html"
    return "drivers.html" if metric in _OF_SALES else "funnel.html"


def link_of(incident: Mapping[str, Any], site: str, lang: str | None = None) -> str | None:
    """The page that shows an incident; None where the pages are not served.

    Args:
        incident: kind, metric, platform, last_date, cause_dimension.
        site: address of the pages.
        lang: language to show them in; that of the reader if not given.
    """
    if not site:
        return None
    page, state = page_of(incident), {"lang": lang}
    if page == "quality.html":
        state["at"] = "completeness"
    elif page == "funnel.html":
        state["platform"] = incident["platform"]
    elif page == "drivers.html":
        state |= {"dim": incident.get("cause_dimension"), "day": str(day_of(incident))}
    parts = "&".join(f"{name}={quote(str(one), safe='')}" for name, one in state.items() if one)
    return f"{site.rstrip('/')}/{page}" + (f"#{parts}" if parts else "")


def _plain(value: Any) -> Any:
    """As JSON knows it: days as ISO text, money as a number."""
    if value is None or isinstance(value, str | bool | int):
        return value
    return value.isoformat() if isinstance(value, date) else float(value)
