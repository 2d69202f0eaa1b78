"""Where it happened in several dimensions at once: combinations such as mobile of paid search.

Belongs here: a cube of leaves with an expectation each, and which combination of one to three of
its dimensions explains best why the whole is off. One dimension at a time, in money, is
`root_cause.py`.

Method: the counts of the leaves are Poisson with one rate inside the combination and another
outside, each times what is expected of the leaf; combinations are ranked by their log likelihood
ratio against one rate everywhere, less the logarithm of how many combinations of the same
dimensions there are. Only how the expectation is shared out matters, not its level: a day on which
all is weaker has no place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations

import numpy as np
import polars as pl
from scipy import special

from models.baseline import Floats
from models.episodes import STORIES

__all__ = ["SET_SCHEMA", "combination_causes", "leaf_cube", "likely_sets", "two_rates"]

SET_SCHEMA: dict[str, type[pl.DataType]] = {
    "incident_id": pl.String,
    "position": pl.Int64,
    "dimensions": pl.String,
    "segments": pl.String,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "likelihood": pl.Float64,
    "is_cause": pl.Boolean,
}
"""Columns of `insights.root_cause_sets`, one row an incident and combination."""

BASE_DAYS = 28
MOST_DIMENSIONS = 3
SHOWN = 3
SURE = 3.0  # log likelihood, beyond the choice there was, from which a combination is told
SEPARATOR = " + "


def two_rates(inside: Floats, wanted_inside: Floats, total: float, wanted: float) -> Floats:
    """Log likelihood ratio of one Poisson rate inside and another outside against one everywhere.

    Args:
        inside: counts inside each candidate.
        wanted_inside: what was expected there.
        total: count of everything.
        wanted: what was expected of everything.

    Returns:
        One value a candidate, negative where it did better than the rest.
    """
    outside, wanted_outside = total - inside, wanted - wanted_inside
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (
            special.xlogy(inside, inside / wanted_inside)
            + special.xlogy(outside, outside / wanted_outside)
            - special.xlogy(total, total / wanted)
        )
        is_lower = inside * wanted_outside < outside * wanted_inside
    least = 1e-9 * wanted  # less is the dust of the difference
    has_sides = (wanted_inside > least) & (wanted_outside > least)
    return np.asarray(np.where(has_sides, np.where(is_lower, ratio, -ratio), -np.inf))


def leaf_cube(days: pl.DataFrame, dimensions: Sequence[str], first: date) -> pl.DataFrame:
    """Leaves with what came and what was expected of each: the same part of the whole as before.

    Args:
        days: business_date, the dimensions, count; of a ratio also base, what it is a ratio of.
        dimensions: names of the dimensions.
        first: first day asked about; the days before it, at most 28, say what is usual.

    Returns:
        dimensions, observed, expected. Both sum at every roll-up, and over all leaves to the same
        count. A ratio's leaf is expected to keep its rate of before on the base that it has now.
    """
    is_now = pl.col("business_date") >= first
    is_base = pl.col("business_date") >= first - timedelta(days=BASE_DAYS)
    names = [name for name in ("count", "base") if name in days.columns]
    sums = (
        days.filter(is_base)
        .with_columns(pl.col(dimensions).fill_null("(unknown)"))
        .group_by(dimensions)
        .agg(
            *(pl.col(name).filter(is_now).sum().cast(pl.Float64) for name in names),
            *(pl.col(name).filter(~is_now).sum().cast(pl.Float64).alias(f"{name}_before")
              for name in names),
        )
    )  # fmt: skip
    usual = pl.col("count_before")
    if "base" in names:
        usual = (usual / pl.col("base_before") * pl.col("base")).fill_nan(0.0)
    level = pl.col("count").sum() / usual.sum()
    return sums.select(*dimensions, observed="count", expected=usual * level).sort(dimensions)


def likely_sets(leaves: pl.DataFrame, dimensions: Sequence[str], top: int = SHOWN) -> pl.DataFrame:
    """The combinations that best explain why some leaves did worse than the others.

    Args:
        leaves: dimensions, observed, expected.
        dimensions: names of the dimensions.
        top: how many.

    Returns:
        position, dimensions and segments (joined by `SEPARATOR`), observed, expected (at the rate
        of everything outside), likelihood (log likelihood ratio, over the scatter that the leaves
        have beyond Poisson, less the logarithm of the combinations there are to choose from),
        the likeliest first.
    """
    seen, wanted = (leaves[name].cast(pl.Float64).to_numpy() for name in ("observed", "expected"))
    total, expected = float(seen.sum()), float(wanted.sum())
    if total <= 0 or expected <= 0:
        return pl.DataFrame(schema={name: SET_SCHEMA[name] for name in _RANKED})
    codes = {name: leaves[name].cast(pl.String).rank("dense").to_numpy() - 1 for name in dimensions}
    found = []
    for size in range(1, min(MOST_DIMENSIONS, len(dimensions)) + 1):
        for chosen in combinations(dimensions, size):
            cell = np.unique(
                np.column_stack([codes[name] for name in chosen]), axis=0, return_inverse=True
            )[1].ravel()
            inside, own = (
                np.bincount(cell, weights=values).astype(np.float64) for values in (seen, wanted)
            )
            gain = two_rates(inside, own, total, expected)
            best = np.argsort(-gain, kind="stable")[: 2 * top]
            found += [
                (gain[place], len(inside), chosen, cell == place)
                for place in best
                if np.isfinite(gain[place])
            ]
    if not found:
        return pl.DataFrame(schema={name: SET_SCHEMA[name] for name in _RANKED})
    found.sort(key=lambda one: -(one[0] - np.log(one[1])))
    scatter = _scatter(seen, wanted, found[0][3])
    rows = []
    for gain, choices, chosen, where in found:
        first = int(np.flatnonzero(where)[0])
        rate = seen[~where].sum() / wanted[~where].sum()
        rows.append({
            "dimensions": SEPARATOR.join(chosen),
            "segments": SEPARATOR.join(str(leaves[name][first]) for name in chosen),
            "observed": float(seen[where].sum()),
            "expected": float(wanted[where].sum() * rate),
            "likelihood": float(gain / scatter - np.log(choices)),
        })  # fmt: skip
    ranked = pl.DataFrame(rows).sort("likelihood", "dimensions", descending=[True, False])
    return ranked.head(top).with_columns(
        position=pl.int_range(1, pl.len() + 1)
    ).select(_RANKED)  # fmt: skip


_RANKED = ["position", "dimensions", "segments", "observed", "expected", "likelihood"]


def _scatter(seen: Floats, wanted: Floats, where: np.ndarray) -> float:
    """Pearson's chi-squared of the leaves under two rates over their number; at least 1."""
    mean = np.where(
        where,
        wanted * seen[where].sum() / wanted[where].sum(),
        wanted * seen[~where].sum() / wanted[~where].sum(),
    )
    is_large = mean >= 1.0  # of smaller leaves chi-squared says nothing
    if is_large.sum() < 10:
        return 1.0
    off = (seen[is_large] - mean[is_large]) ** 2 / mean[is_large]
    return max(1.0, float(off.sum() / (is_large.sum() - 2)))


def combination_causes(incidents: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """The likeliest combinations of each incident whose orders fell.

    Args:
        incidents: what `open_incidents` returns.
        orders: business_date, platform, channel, device, region, category, count.

    Returns:
        Frame of `SET_SCHEMA`: observed and expected are orders. is_cause is the first, where its
        likelihood says so; none of incidents of prices, order values and refunds, nor of gains.
    """
    names = [name for name in orders.columns if name not in ("business_date", "count")]
    found = [pl.DataFrame(schema=SET_SCHEMA)]
    told = incidents.filter(
        pl.col("kind") == "kpi", pl.col("impact_amount") < 0,
        ~pl.coalesce("cause_metric", "metric").is_in(["aov", "gmv_per_unit", "price_share"]),
        ~pl.col("metric").is_in(list(STORIES)),
    )  # fmt: skip
    for incident in told.to_dicts() if len(orders) else []:
        first, last = incident["opened_date"], incident["last_date"]
        near = orders.filter(
            pl.col("business_date").is_between(first - timedelta(days=BASE_DAYS), last)
        )
        own = names
        if incident["platform"] is not None:
            near = near.filter(pl.col("platform") == incident["platform"])
            own = [name for name in names if name != "platform"]
        leaves = leaf_cube(near, own, first)
        if leaves.is_empty():
            continue
        ranked = likely_sets(leaves, own).with_columns(
            incident_id=pl.lit(incident["incident_id"]),
            is_cause=(pl.col("position") == 1)
            & (pl.col("likelihood") >= SURE)
            & ~pl.col("segments").str.contains(r"(^|\+ )\("),
        )
        found.append(ranked.select(pl.col(name).cast(kind) for name, kind in SET_SCHEMA.items()))
    return pl.concat(found)
