"""Incidents and what is published beside them, for tests of messages; figures by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl

from models.incidents import INCIDENT_SCHEMA
from tests.support.contracts import fake

DAY = date(2026, 11, 20)


def incident(**changed: object) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(INCIDENT_SCHEMA)
    row |= {
        "incident_id": "kpi-20261119-0a1b2c3d",
        "metric": "gmv",
        "dimension": "platform",
        "segment": "tmall",
        "opened_date": date(2026, 11, 19),
        "last_date": DAY,
        "severity": "high",
        "impact_amount": Decimal("-152000.00"),
        "kind": "kpi",
        "explanation_en": "tmall fell.",
        "explanation_zh": "tmall 下跌。",
        "cause_metric": "conversion_rate",
        "observed": 180_000.0,
        "expected": 260_000.0,
        "lower": 230_000.0,
        "upper": 290_000.0,
        "days": 2,
        "platform": "tmall",
        "told_date": DAY,
        "impact_of": "gmv",
        "impact_dimension": "platform",
        "impact_segment": "tmall",
        "observed_amount": Decimal("364000.00"),
        "expected_amount": Decimal("516000.00"),
        "company_impact_amount": Decimal("-140000.00"),
    }
    return row | changed


def effects() -> pl.DataFrame:
    """Those of `incident`: 364 K came of 516 K expected; to the cent -152 K."""
    parts = [("conversion_rate", -170_000.0), ("visitors", -14_000.0), ("aov", 32_000.0)]
    rows = [
        {"incident_id": "kpi-20261119-0a1b2c3d", "factor": factor, "position": place,
         "effect_amount": amount, "is_impact": True}
        for place, (factor, amount) in enumerate(parts, start=1)
    ]  # fmt: skip
    return fake("insights.incident_effects", [*rows, rows[0] | {"incident_id": "another"}])


def sets() -> pl.DataFrame:
    """Of `incident`: most likely mobile of paid search, 90 of 400 orders."""
    row = {
        "incident_id": "kpi-20261119-0a1b2c3d", "position": 1, "dimensions": "channel + device",
        "segments": "paid_search + mobile", "observed": 90.0, "expected": 400.2,
        "likelihood": 120.0, "is_cause": True,
    }  # fmt: skip
    return fake("insights.root_cause_sets", [row])


def promos(kind: str = "holiday", platform: str = "tmall") -> pl.DataFrame:
    """A festival of DAY and the day before."""
    row = {
        "promo": "spring", "platform": platform, "phase": "holiday", "kind": kind,
        "start_date": date(2026, 11, 19), "end_date": DAY, "label_en": "Spring Festival",
        "label_zh": "春节",
    }  # fmt: skip
    return fake("marts.dim_promo", [row])


def causes() -> pl.DataFrame:
    def row(
        dimension: str, rank: int, segment: str, position: int, impact: float
    ) -> dict[str, object]:
        return {
            "incident_id": "kpi-20261119-0a1b2c3d",
            "platform": "tmall",
            "dimension": dimension,
            "segment": segment,
            "impact_amount": impact,
            "dimension_rank": rank,
            "position": position,
            "is_cause": impact < -1_000,
        }

    rows = [
        row("channel", 1, "paid_search", 1, -70_000.0),
        row("channel", 1, "email", 2, 10_000.0),
        row("device", 2, "mobile", 1, -75_000.0),
        row("channel", 1, "social", 1, -1.0) | {"incident_id": "another"},
    ]
    return fake("insights.root_causes", rows)


def completeness(reason: str = "ok") -> pl.DataFrame:
    rows = [
        {
            "business_date": DAY,
            "source": source,
            "feed": "orders",
            "platform": source,
            "expected_rows": expected,
            "arrived_rows": expected if state == "ok" else 0,
            "is_complete": state == "ok",
            "reason": state,
        }
        for source, expected, state in (("tmall", 400.0, "ok"), ("shopify", 200.0, reason))
    ]
    return fake("quality.source_completeness_daily", rows)


def consoles(**changed: object) -> pl.DataFrame:
    """Tmall's console says 100 K more than there is here; Shopify's agrees, its refunds do not."""
    tmall = {
        "business_date": DAY, "platform": "tmall", "reported_paid_amount": 280_000.0,
        "own_paid_amount": 180_000.0, "paid_amount_difference": -100_000.0,
        "differs_in": "paid_amount", "is_within_tolerance": False,
    }  # fmt: skip
    shopify = {
        **tmall, "platform": "shopify", "reported_paid_amount": 9.0, "own_paid_amount": 9.0,
        "paid_amount_difference": 0.0, "differs_in": "refund_amount",
    }  # fmt: skip
    return fake("quality.platform_reconciliation_daily", [tmall | changed, shopify])


def watermarks(**places: tuple[date | None, str]) -> pl.DataFrame:
    """Sources complete through DAY, but those given as source_feed=(day, reason)."""
    rows = [
        {
            "source": source,
            "feed": feed,
            "platform": source,
            "complete_until_date": until,
            "reason": reason,
        }
        for source in ("tmall", "shopify")
        for feed in ("orders", "events", "refunds")
        for until, reason in [places.get(f"{source}_{feed}", (DAY, "ok"))]
    ]
    return fake("quality.source_watermarks", rows)


def gap(source: str, opened: date, last: date = DAY) -> dict[str, object]:
    return incident(
        incident_id=f"data-{source}", kind="data", metric="completeness", dimension="source",
        segment=source, platform=source, reason="no_rows", feeds="orders", impact_amount=None,
        opened_date=opened, last_date=last, observed=None, expected=None, lower=None, upper=None,
        explanation_en=f"{source}: nothing arrived.", explanation_zh=f"{source}：没有数据。",
    )  # fmt: skip
