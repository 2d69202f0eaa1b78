"""`fct_channel_daily` and `fct_attribution_daily`."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from tests.browser.shop.company import CHANNELS

COST = {"paid_social": 0.34, "paid_search": 0.17}  # of the channel's GMV
CLAIM = {"paid_social": 1.7, "paid_search": 1.08}  # of the channel's orders
# No advertising tells of tmall; of douyin nothing but advertising does.
NOT_KNOWN = {
    "tmall": ("impressions", "clicks", "cost", "claimed_conversions"),
    "douyin": ("visitors", "orders", "gmv", "attributed_gmv", "new_customers"),
}
MODELS = ("first", "last", "last_non_direct", "linear", "position", "time_decay")
CAMPAIGNS = {"paid_social": ["autumn_video", "retarget"], "paid_search": ["brand", "shoes"]}


def channel_daily(days: list[date], seed: int = 19) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    leaves = [("shopify", c, share) for c, share in CHANNELS.items()]
    leaves += [("tmall", "(untracked)", 1.9), ("douyin", "paid_social", 0.1)]
    for day in days[-200:]:
        for platform, channel, share in leaves:
            orders = int(620 * share * rng.normal(1, 0.05))
            gmv = round(orders * 196 * rng.normal(1, 0.02), 2)
            cost = round(gmv * COST.get(channel, 0.0), 2)
            if platform == "douyin":
                cost = round(cost * 1.6, 2)
            told = {
                    "business_date": day, "platform": platform, "channel": channel,
                    "is_additive": True, "impressions": round(cost * 40), "cost": cost,
                    "clicks": round(cost / 2.1), "visitors": orders * 34, "orders": orders,
                    "gmv": gmv, "attributed_gmv": gmv * 1.05, "new_customers": orders * 0.6,
                    "claimed_conversions": orders * CLAIM[channel] if cost else 0.0,
                }  # fmt: skip
            rows.append(told | dict.fromkeys(NOT_KNOWN.get(platform, ())))
        rows.append(
            {"business_date": day, "platform": "tmall", "channel": "手淘搜索", "is_additive": False,
             "visitors": 9000, "paying_visitors": 310}
        )  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def _shares(model: str) -> dict[str, float]:
    """Each model sees the same day in its own way; the shares of a day sum to one."""
    tilt = {
        "first": {"paid_social": 1.5, "direct": 0.5, "email": 0.6},
        "last": {"paid_social": 0.6, "direct": 1.8, "email": 1.3},
        "last_non_direct": {"paid_social": 0.8, "direct": 0.2, "email": 1.4},
        "position": {"paid_social": 1.1},
        "time_decay": {"direct": 1.3},
    }.get(model, {})
    raw = {c: share * tilt.get(c, 1.0) for c, share in CHANNELS.items()} | {"(unattributed)": 0.2}
    return {channel: share / sum(raw.values()) for channel, share in raw.items()}


def attribution(days: list[date], seed: int = 23) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for day in days[-60:]:
        orders, net = 980 * rng.normal(1, 0.05), 180000 * rng.normal(1, 0.05)
        for model in MODELS:
            for channel, share in _shares(model).items():
                campaigns = CAMPAIGNS.get(channel, ["(none)"])
                for place, campaign in enumerate(campaigns):
                    part = share * (1.0 if len(campaigns) == 1 else (0.7, 0.3)[place])
                    rows.append(
                        {
                            "business_date": day, "model": model, "channel": channel,
                            "campaign": campaign, "credited_orders": orders * part,
                            "credited_revenue": net * part,
                        }
                    )  # fmt: skip
    return pl.DataFrame(rows)
