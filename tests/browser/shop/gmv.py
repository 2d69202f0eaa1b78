"""`fct_gmv_daily` and `fct_gmv_change`; effects are worked out here, apart from the SQL."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from tests.browser.shop.company import CHANNELS, DEVICES, REGIONS, WEEK

COUNTS = ["visitors", "tracked_buyers", "untracked_buyers", "identified_orders",
          "anonymous_orders", "units", "gmv"]  # fmt: skip
EFFECTS = ["visitors", "mix", "conversion", "untracked_buyers", "orders_per_buyer",
           "anonymous_orders", "aov"]  # fmt: skip


def _lift(days: list[date]) -> np.ndarray:
    weekday = np.array(WEEK)[[d.weekday() for d in days]]
    promo = np.ones(len(days))
    for place, d in enumerate(days):
        if (d.month, d.day) in ((11, 9), (11, 10), (6, 18)):
            promo[place] = 2.2
        elif (d.month, d.day) == (11, 11):
            promo[place] = 4.4
        elif (d.month == 11 and d.day <= 3) or (d.month == 10 and d.day == 31):
            promo[place] = 1.25
    growth = np.linspace(0.86, 1.0, len(days))
    return weekday * promo * growth


def _leaf(rng, days, base, conversion, frequency, value, drop) -> pl.DataFrame:
    noise = rng.normal(1, 0.025, (4, len(days)))
    visitors = np.round(base * _lift(days) * noise[0] * drop)
    buyers = np.round(visitors * conversion * noise[1])
    orders = np.round(buyers * frequency * np.clip(noise[2], 0.98, 1.03))
    gmv = np.round(orders * value * noise[3], 2)
    zero = np.zeros(len(days))
    return pl.DataFrame(
        {
            "business_date": days,
            "visitors": visitors,
            "tracked_buyers": buyers,
            "untracked_buyers": zero,
            "identified_orders": np.maximum(orders, buyers),
            "anonymous_orders": zero,
            "units": np.round(orders * 1.84),
            "gmv": gmv,
        }
    )


def _leaves(days: list[date], seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    none = np.ones(len(days))
    frames = [
        _leaf(rng, days, 31000, 0.031, 1.09, 208, none).with_columns(
            platform=pl.lit("tmall"), channel=pl.lit("(untracked)"), device=pl.lit("(untracked)")
        )
    ]
    outage = np.where([d >= date(2026, 11, 19) for d in days], 0.42, 1.0)
    for channel, share in CHANNELS.items():
        for device, part in DEVICES.items():
            hit = outage if channel == "paid_social" else none
            base = 21000 * share * part
            rate = 0.027 if device == "mobile" else 0.034
            frames.append(
                _leaf(rng, days, base, rate, 1.07, 196, hit).with_columns(
                    platform=pl.lit("shopify"), channel=pl.lit(channel), device=pl.lit(device)
                )
            )
    return pl.concat(frames)


def untracked(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        untracked_buyers=pl.col("tracked_buyers") + pl.col("untracked_buyers"),
        tracked_buyers=pl.lit(0.0),
        visitors=pl.lit(0.0),
    )


def _split(total: pl.DataFrame, dimension: str, shares: dict[str, float]) -> list[pl.DataFrame]:
    return [
        untracked(total).with_columns(
            *((pl.col(name) * share).round(2 if name == "gmv" else 0) for name in COUNTS),
            dimension=pl.lit(dimension),
            segment=pl.lit(segment),
        )
        for segment, share in shares.items()
    ]


def finished(frame: pl.DataFrame) -> pl.DataFrame:
    def ratio(over: str, under: str) -> pl.Expr:
        return pl.when(pl.col(under) > 0).then(pl.col(over) / pl.col(under))

    return (
        frame.with_columns(
            buyers=pl.col("tracked_buyers") + pl.col("untracked_buyers"),
            orders=pl.col("identified_orders") + pl.col("anonymous_orders"),
        )
        .with_columns(
            conversion_rate=ratio("tracked_buyers", "visitors"),
            orders_per_buyer=ratio("identified_orders", "buyers"),
            aov=ratio("gmv", "orders"),
            gmv_per_buyer=ratio("gmv", "buyers"),
            net_sales=(pl.col("gmv") * 0.93).cast(pl.Decimal(18, 2)),
            new_buyers=(pl.col("buyers") * 0.58).round(0),
            gmv=pl.col("gmv").cast(pl.Decimal(18, 2)),
        )
        .sort("business_date", "dimension", "segment")
    )


def daily(days: list[date], seed: int = 7) -> pl.DataFrame:
    leaves = _leaves(days, seed)
    parts = []
    for dimension in ("platform", "channel", "device"):
        rows = leaves if dimension == "platform" else _tracked_only(leaves)
        parts.append(
            rows.group_by("business_date", pl.col(dimension).alias("segment"))
            .agg(pl.col(COUNTS).sum())
            .with_columns(dimension=pl.lit(dimension))
        )
    total = leaves.group_by("business_date").agg(pl.col(COUNTS).sum())
    parts.append(total.with_columns(dimension=pl.lit("all"), segment=pl.lit("all")))
    shops = {"tmall": "tmall-flagship", "shopify": "shopify-site"}
    parts.append(
        parts[0].with_columns(dimension=pl.lit("shop"), segment=pl.col("segment").replace(shops))
    )
    parts += _split(total, "region", REGIONS)
    parts += _split(total, "customer_type", {"new": 0.58, "returning": 0.42})
    columns = ["business_date", "dimension", "segment", *COUNTS]
    return finished(pl.concat([part.select(columns) for part in parts]))


def _tracked_only(leaves: pl.DataFrame) -> pl.DataFrame:
    tmall = pl.col("platform") == "tmall"
    return pl.concat(
        [leaves.filter(~tmall), untracked(leaves.filter(tmall)).select(leaves.columns)]
    )


def _mean_log(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (a - b) / np.log(a / b)
    mean = np.where(np.abs(a - b) <= 1e-7 * np.maximum(a, b), (a + b) / 2, mean)
    return np.where((a <= 0) | (b <= 0), 0.0, mean)


def _ratio_log(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.log(a / b), nan=0.0, posinf=0.0, neginf=0.0)


def _effects(joined: pl.DataFrame) -> pl.DataFrame:
    """LMDI of tracked and untracked layers; a layer that is on one side only goes to buyers."""

    def get(name: str, side: str) -> np.ndarray:
        return joined[f"{name}{side}"].cast(pl.Float64).fill_null(0).to_numpy()

    g1, g0 = get("gmv", ""), get("gmv", "_b")
    b1, b0 = get("buyers", ""), get("buyers", "_b")
    t1, t0 = get("tracked_buyers", ""), get("tracked_buyers", "_b")
    v1, v0, w1, w0 = (
        get("visitors", ""),
        get("visitors", "_b"),
        get("company", ""),
        get("company", "_b"),
    )
    o1, o0 = get("orders", ""), get("orders", "_b")
    scale_b = np.divide(
        _mean_log(g1, g0), _mean_log(b1, b0), out=np.zeros_like(g1), where=_mean_log(b1, b0) > 0
    )
    tracked = scale_b * _mean_log(t1, t0)
    part = {
        "visitors": tracked * _ratio_log(w1, w0),
        "mix": tracked * (_ratio_log(v1, v0) - _ratio_log(w1, w0)),
        "conversion": tracked * (_ratio_log(t1, t0) - _ratio_log(v1, v0)),
        "orders_per_buyer": _mean_log(g1, g0) * (_ratio_log(o1, o0) - _ratio_log(b1, b0)),
        "aov": _mean_log(g1, g0) * (_ratio_log(g1, g0) - _ratio_log(o1, o0)),
        "anonymous_orders": np.zeros_like(g1),
    }
    part["untracked_buyers"] = g1 - g0 - sum(part.values())
    return joined.with_columns(pl.Series(f"{n}_effect", np.round(part[n], 9)) for n in EFFECTS)


def changes(frame: pl.DataFrame, only: tuple[str, ...] = ()) -> pl.DataFrame:
    company = frame.filter(pl.col("dimension") == "all").select(
        "business_date", pl.col("visitors").alias("company")
    )
    frame = frame.join(company, on="business_date").with_columns(
        pl.col(*COUNTS, "buyers", "orders", "company").cast(pl.Float64)
    )
    keys, numbers = (
        ["business_date", "dimension", "segment"],
        [*COUNTS, "buyers", "orders", "company"],
    )
    found = []
    shifts = {"previous_day": 1, "last_week": 7, "last_year": 364, "promo_phase": 365}
    for name, back in shifts.items():
        base = frame.select(*keys, *numbers).with_columns(
            pl.col("business_date") + pl.duration(days=back)
        )
        found.append(frame.join(base, on=keys, suffix="_b").with_columns(comparison=pl.lit(name)))
    rolled = frame.sort("business_date").with_columns(
        pl.col(name).shift(1).rolling_mean(28).over("dimension", "segment") for name in numbers
    )
    mean = frame.join(rolled.drop_nulls("gmv").select(*keys, *numbers), on=keys, suffix="_b")
    found.append(mean.with_columns(comparison=pl.lit("trailing_28d")))
    joined = pl.concat(found, how="diagonal")
    promo_day = (pl.col("business_date").dt.month() == 11) & pl.col(
        "business_date"
    ).dt.day().is_between(9, 11)
    joined = joined.filter((pl.col("comparison") != "promo_phase") | promo_day)
    if only:
        joined = joined.filter(pl.col("comparison").is_in(only))
    sides = [name for name in numbers if name not in ("units", "company")]
    return (
        _effects(joined)
        .with_columns(
            *(pl.col(f"{name}_b").alias(f"base_{name}") for name in sides),
            gmv_change=pl.col("gmv") - pl.col("gmv_b"),
            method=pl.lit("lmdi"),
        )
        .select(*keys, "comparison", "gmv_change", "method",
                *(f"{side}{n}" for n in sides for side in ("", "base_")),
                *(f"{n}_effect" for n in EFFECTS))
        .sort("business_date", "comparison", "dimension", "segment")
    )  # fmt: skip
