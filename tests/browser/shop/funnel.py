"""`fct_funnel_daily`: sessions of the tracked platform by channel and device, step by step."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from tests.browser.shop.company import CHANNELS, DEVICES, WEEK

STEPS = {"home": 1.0, "product_view": 0.61, "add_to_cart": 0.243, "checkout": 0.527,
         "purchase": 0.407}  # fmt: skip
TILT = {"paid_social": 0.72, "email": 1.25, "direct": 1.12}  # of the cart rate


def _leaf(days: list[date], channel: str, device: str, rng: np.random.Generator) -> pl.DataFrame:
    size = 15000 * CHANNELS[channel] * DEVICES[device]
    week = np.array(WEEK)[[d.weekday() for d in days]]
    reached = [np.maximum(np.round(size * week * rng.normal(1, 0.02, len(days))), 1)]
    for step, rate in list(STEPS.items())[1:]:
        chance = rate * (TILT.get(channel, 1.0) if step == "add_to_cart" else 1.0)
        if step == "checkout" and device == "mobile":
            chance = chance * np.where([d >= date(2026, 11, 14) for d in days], 0.93, 1.0)
        reached.append(rng.binomial(reached[-1].astype(int), chance))
    return pl.concat(
        [
            pl.DataFrame({"business_date": days, "step": step, "step_number": n,
                          "entered_count": reached[n - 1].astype(int)})
            for n, step in enumerate(STEPS, start=1)
        ]
    ).with_columns(platform=pl.lit("shopify"), channel=pl.lit(channel), device=pl.lit(device),
                   shop=pl.lit("shopify-site"))  # fmt: skip


def _app(days: list[date], rng: np.random.Generator) -> pl.DataFrame:
    """A second tracked platform, so that a filter has something to choose."""
    leaf = _leaf(days, "direct", "mobile", rng)
    return leaf.with_columns(platform=pl.lit("douyin"), shop=pl.lit("douyin-live"),
                             channel=pl.lit("livestream"))  # fmt: skip


def funnel(days: list[date], seed: int = 11) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    recent = days[-84:]
    leaves = pl.concat(
        [*(_leaf(recent, c, d, rng) for c in CHANNELS for d in DEVICES), _app(recent, rng)]
    )
    parts = []
    for dimension in ("all", "platform", "shop", "channel", "device"):
        segment = pl.lit("all") if dimension == "all" else pl.col(dimension)
        parts.append(
            leaves.group_by("business_date", "step_number", "step", segment.alias("segment"))
            .agg(pl.col("entered_count").sum())
            .with_columns(basis=pl.lit("session"), dimension=pl.lit(dimension))
        )
    keys = ["business_date", "dimension", "segment"]
    return (
        pl.concat(parts, how="diagonal")
        .sort(*keys, "step_number")
        .with_columns(
            step_rate=pl.when(pl.col("step_number") > 1).then(
                pl.col("entered_count") / pl.col("entered_count").shift(1).over(keys)
            ),
            overall_rate=pl.col("entered_count") / pl.col("entered_count").first().over(keys),
        )
    )
