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
    }
    return row | changed


def change_rows(comparison: str = "trailing_28d") -> pl.DataFrame:
    def row(dimension: str, segment: str, gmv: float, base: float, **e: float) -> dict[str, object]:
        names = ("visitors", "conversion", "untracked_buyers", "orders_per_buyer",
                 "anonymous_orders", "aov", "mix")  # fmt: skip
        return {
            "business_date": DAY,
            "comparison": comparison,
            "dimension": dimension,
            "segment": segment,
            "gmv": gmv,
            "base_gmv": base,
            "gmv_change": gmv - base,
            "method": "lmdi",
            **{f"{name}_effect": e.get(name, 0.0) for name in names},
        }

    return fake(
        "marts.fct_gmv_change",
        [
            row("all", "all", 420_000.0, 500_000.0, conversion=-80_000.0),
            row("platform", "tmall", 180_000.0, 258_000.0, visitors=12_000.0, mix=-4_000.0,
                conversion=-90_000.0, aov=4_000.0),
            row("channel", "paid_search", 60_000.0, 130_000.0, conversion=-70_000.0),
            row("channel", "email", 50_000.0, 40_000.0, conversion=10_000.0),
            row("device", "mobile", 300_000.0, 375_000.0, conversion=-75_000.0),
        ],
    )  # fmt: skip


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
