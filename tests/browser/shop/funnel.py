"""`fct_funnel_daily`: sessions of the tracked platform by channel and device, step by step."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from tests.browser.shop.company import CHANNELS, DEVICES, WEEK

STEPS = {"home": 1.0, "product_view": 0.61, "add_to_cart": 0.243, "checkout": 0.527,
         "purchase": 0.407}  # fmt: skip
BEGIN_AT_PRODUCT = 0.2  # sessions by a link to a product, for each that begins at the home page
COUNTS = ("attempt_count", "entered_count", "reached_count", "direct_count")
TILT = {"paid_social": 0.72, "email": 1.25, "direct": 1.12}  # of the cart rate


def _leaf(days: list[date], channel: str, device: str, rng: np.random.Generator) -> pl.DataFrame:
    size = 15000 * CHANNELS[channel] * DEVICES[device]
    week = np.array(WEEK)[[d.weekday() for d in days]]
    first = np.maximum(np.round(size * week * rng.normal(1, 0.02, len(days))), 1).astype(int)
    links = np.round(BEGIN_AT_PRODUCT * first).astype(int)
    entered, reached, direct = [first], [first], [first]
    for step, rate in list(STEPS.items())[1:]:
        chance = rate * (TILT.get(channel, 1.0) if step == "add_to_cart" else 1.0)
        if step == "checkout" and device == "mobile":
            chance = chance * np.where([d >= date(2026, 11, 14) for d in days], 0.93, 1.0)
        further = rng.binomial(reached[-1] - entered[-1], chance)
        entered.append(rng.binomial(entered[-1], chance))
        direct.append(links if step == "product_view" else 0 * links)
        reached.append(entered[-1] + further + direct[-1])
    return pl.concat(
        [
            pl.DataFrame({"business_date": days, "step": step, "step_number": n,
                          "attempt_count": first + links, "entered_count": entered[n - 1],
                          "reached_count": reached[n - 1], "direct_count": direct[n - 1]})
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
            .agg(pl.col(COUNTS).sum())
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
            passage_rate=pl.when(pl.col("step_number") > 1).then(
                (pl.col("reached_count") - pl.col("direct_count"))
                / pl.col("reached_count").shift(1).over(keys)
            ),
            reached_rate=pl.col("reached_count") / pl.col("attempt_count"),
        )
    )
