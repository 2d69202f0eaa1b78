"""The company itself: its days, segments, promotions and the facts of its site."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from dashboards.site import SiteInfo

LAST = date(2026, 11, 21)
DAYS = 480
CHANNELS = {
    "paid_social": 0.30,
    "organic_search": 0.24,
    "direct": 0.16,
    "paid_search": 0.12,
    "email": 0.08,
    "referral": 0.06,
    "social": 0.04,
}
DEVICES = {"mobile": 0.7, "desktop": 0.24, "tablet": 0.06}
REGIONS = {"浙江省": 0.3, "上海": 0.25, "广东省": 0.25, "北京": 0.1996, "西藏": 0.0004}
WEEK = [0.96, 0.94, 0.95, 0.97, 1.0, 1.08, 1.1]
HOSTILE = (
    '</script><img src=x onerror=alert(1)> "q" \'s\' <a href="javascript:alert(1)">x</a> {{7*7}}'
)


def info(**changes: object) -> SiteInfo:
    values: dict = {
        "shop_name": "Demo shop",
        "currency": "CNY",
        "timezone": "Asia/Shanghai",
        "data_through": LAST,
        "built_at": datetime(2026, 11, 21, 23, 2, tzinfo=UTC),
        "run_id": "run-1",
        "configured_feeds": {
            "orders", "order_items", "refunds", "events", "traffic_daily", "campaign_spend",
            "products",
        },
    }  # fmt: skip
    return SiteInfo(**{**values, **changes})


def promotions() -> list[dict]:
    """Phases from midnight to midnight in Shanghai, eight hours ahead of UTC."""
    return [
        {
            "promo": name,
            "promo_year": year,
            "platform": platform,
            "phase": phase,
            "kind": "sale",
            "label_en": {"double_11": "11.11"}.get(name, name),
            "label_zh": {"double_11": "双11"}.get(name, name),
            "starts_at": datetime(year, *start) - timedelta(hours=8),
            "ends_at": datetime(year, *end) - timedelta(hours=8),
            "start_date": date(year, *start),
            "end_date": date(year, *end) - timedelta(days=1),
        }
        for year in (2025, 2026)
        for platform in ("tmall", "shopify")
        for name, phase, start, end in (
            ("618", "peak", (6, 15), (6, 19)),
            ("double_11", "presale", (10, 24), (10, 31)),
            ("double_11", "opening", (10, 31), (11, 4)),
            ("double_11", "sustain", (11, 4), (11, 9)),
            ("double_11", "peak", (11, 9), (11, 12)),
        )
    ]
