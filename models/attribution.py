"""Which channels sales came by, as far as the paths tell: Markov chain and Shapley value.

Belongs here: credits from distinct paths. Does not belong here: sessions and windows (SQL says
which visits a path holds), models by rule (`fct_attribution_daily`), words.

What a channel is credited with is a share of what was observed, not what would be missing without
it: attributed, not incremental.
"""

from __future__ import annotations

import numpy as np
import polars as pl

__all__ = ["CREDIT_SCHEMA", "credited"]

CREDIT_SCHEMA: dict[str, type[pl.DataType]] = {
    "platform": pl.String,
    "model": pl.String,
    "channel": pl.String,
    "removal_effect": pl.Float64,
    "share": pl.Float64,
    "credited_orders": pl.Float64,
    "credited_revenue": pl.Float64,
}
"""Columns of `credited`, one row per platform, model and channel."""

_START, _BOUGHT, _LEFT = "\0start", "\0bought", "\0left"  # no channel is called so


def credited(paths: pl.DataFrame) -> pl.DataFrame:
    """Credit the channels of each platform by both models.

    Args:
        paths: platform, path (list of channels, first visit first, none empty), orders and nulls
            (how often it ended in a paid order, and in none), revenue (of the orders). One row per
            distinct path, or several: they are added up.

    Returns:
        `CREDIT_SCHEMA`. Of each platform and model the shares sum to 1 and the orders and revenue
        to those of the paths; share is NULL, and credits 0, where no path ended in an order.
        removal_effect is that of the Markov chain, NULL of the other.
    """
    found = [
        _of_platform(part).with_columns(platform=pl.lit(platform))
        for (platform,), part in paths.sort("platform").group_by("platform", maintain_order=True)
    ]
    if not found:
        return pl.DataFrame(schema=CREDIT_SCHEMA)
    return (
        pl.concat(found)
        .select(pl.col(name).cast(kind) for name, kind in CREDIT_SCHEMA.items())
        .sort("platform", "model", "channel")
    )


def _of_platform(paths: pl.DataFrame) -> pl.DataFrame:
    steps = _steps(paths)
    orders, revenue = paths["orders"].sum(), paths["revenue"].sum()
    by_markov = _markov(steps).with_columns(
        model=pl.lit("markov"),
        credited_orders=pl.col("share").fill_null(0.0) * orders,
        credited_revenue=pl.col("share").fill_null(0.0) * revenue,
    )
    by_shapley = _shapley(paths).with_columns(
        model=pl.lit("shapley"),
        removal_effect=pl.lit(None, pl.Float64),
        share=pl.col("credited_orders") / (orders or None),
    )
    columns = {name: kind for name, kind in CREDIT_SCHEMA.items() if name != "platform"}
    return pl.concat(
        one.select(pl.col(name).cast(kind) for name, kind in columns.items())
        for one in (by_markov, by_shapley)
    )


def _steps(paths: pl.DataFrame) -> pl.DataFrame:
    """One row per step: number (of the path), channel, before, and the path's counts.

    A channel that follows itself is one step: a chain that stays where it is gets to the same ends.
    """
    channel, is_first = pl.col("channel"), pl.col("number") != pl.col("number").shift(1)
    return (
        paths.with_row_index("number")
        .explode("path")
        .rename({"path": "channel"})
        # of one path the rows follow each other, so that no window over paths is needed
        .with_columns(before=pl.when(is_first.fill_null(value=True)).then(None).otherwise(
            channel.shift(1)
        ))
        .filter(pl.col("before").is_null() | (channel != pl.col("before")))
    )  # fmt: skip


def _markov(steps: pl.DataFrame) -> pl.DataFrame:
    """Removal effects of the first-order chain, exactly: channel, removal_effect, share.

    Who enters a channel that has been removed leaves. With N = (I - Q)^-1, the visits of each state
    from each, and B the chance to buy from it, the chain that avoids c buys B[c] N[start, c] /
    N[c, c] less often: the chance ever to come to c times what it is worth from there.
    """
    ends = steps.filter((pl.col("number") != pl.col("number").shift(-1)).fill_null(value=True))
    moves = pl.concat([
        steps.select(
            start=pl.col("before").fill_null(_START),
            end="channel",
            times=pl.col("orders") + pl.col("nulls"),
        ),
        ends.select(start="channel", end=pl.lit(_BOUGHT), times="orders"),
        ends.select(start="channel", end=pl.lit(_LEFT), times="nulls"),
    ]).group_by("start", "end").agg(pl.col("times").sum())  # fmt: skip
    states = [_START, *sorted(steps["channel"].unique())]
    places = pl.DataFrame({"state": states, "place": np.arange(len(states))})
    inner = moves.join(places, left_on="start", right_on="state").join(
        places, left_on="end", right_on="state", suffix="_end"
    )
    chances = np.zeros((len(states), len(states)))
    chances[inner["place"], inner["place_end"]] = inner["times"]
    left = moves.group_by("start").agg(pl.col("times").sum())
    bought = moves.filter(pl.col("end") == _BOUGHT)
    out, buys = (
        places.join(one, left_on="state", right_on="start", how="left", maintain_order="left")[
            "times"
        ].fill_null(0).to_numpy().astype(float)
        for one in (left, bought)
    )  # fmt: skip
    out[out == 0] = 1.0  # a path told to have happened no times
    visits = np.linalg.inv(np.eye(len(states)) - chances / out[:, None])
    worth = visits @ (buys / out)
    reached = visits[0] / np.diag(visits)
    effect = reached * worth / worth[0] if worth[0] > 0 else np.zeros(len(states))
    total = effect[1:].sum()
    return pl.DataFrame({
        "channel": states[1:],
        "removal_effect": effect[1:],
        "share": effect[1:] / total if total > 0 else [None] * (len(states) - 1),
    })  # fmt: skip


def _shapley(paths: pl.DataFrame) -> pl.DataFrame:
    """The value of the game in which a set of channels has the orders of all paths within it.

    Its exact solution parts each order equally among the distinct channels of its path.
    """
    within = paths.filter(pl.col("orders") > 0).with_columns(pl.col("path").list.unique())
    equal = pl.col("path").list.len()
    sold = (
        within.select(
            "path", pl.col("orders") / equal, pl.col("revenue").cast(pl.Float64) / equal
        )
        .explode("path")
        .group_by(channel="path")
        .agg(credited_orders=pl.col("orders").sum(), credited_revenue=pl.col("revenue").sum())
    )  # fmt: skip
    met = paths.select(channel=pl.col("path").explode()).unique()
    return met.join(sold, on="channel", how="left").fill_null(0.0)
