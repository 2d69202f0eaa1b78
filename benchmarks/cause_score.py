"""How often the place of a planted fall is named first, in several dimensions at once.

Each scenario is a shop of platform x channel x region x device x category whose leaves sell with
Poisson counts around shares of their own, scattered beyond Poisson; 28 days teach what is usual.
On the day asked about the whole shop is up to 15 % off, and one combination of one to three
dimensions sells 20 to 70 % of what it should, which loses at least 1 % of the day's orders and is
at most 60 % of them: what is smaller wakes nobody, what is larger is the whole.

Run: python benchmarks/cause_score.py [--scenarios 200] [--seed 1] [--orders 4000]
"""

from __future__ import annotations

import argparse
import time
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from models.root_cause_sets import BASE_DAYS, SEPARATOR, leaf_cube, likely_sets

SIZES = {"platform": 3, "channel": 5, "region": 8, "device": 3, "category": 6}
LEAST_LOST, LARGEST = 0.01, 0.6  # of the day's orders
DAY = date(2026, 11, 10)


def scenario(rng: np.random.Generator, orders: int) -> tuple[pl.DataFrame, str, str]:
    """Orders of 29 days by leaf, and the dimensions and segments of the fall on the last."""
    names = list(SIZES)
    grid = np.indices(list(SIZES.values())).reshape(len(SIZES), -1)
    share = np.ones(grid.shape[1])
    for axis, size in enumerate(SIZES.values()):
        share *= rng.dirichlet(np.full(size, 4.0))[grid[axis]]
    # Segments are not independent of each other, and some do not go together at all.
    share *= rng.gamma(2.0, 0.5, len(share)) * (rng.random(len(share)) > 0.1)
    share /= share.sum()
    while True:
        size = int(rng.integers(1, 4))
        options = list(combinations(range(len(names)), size))
        axes = options[int(rng.integers(len(options)))]
        values = [int(rng.integers(SIZES[names[axis]])) for axis in axes]
        where = np.all([grid[axis] == value for axis, value in zip(axes, values, strict=True)], 0)
        left = rng.uniform(0.2, 0.7)
        part = share[where].sum()
        if part * (1 - left) >= LEAST_LOST and part <= LARGEST:
            break
    mean = np.tile(share * orders, (BASE_DAYS + 1, 1)) * rng.normal(1, 0.08, (BASE_DAYS + 1, 1))
    mean *= rng.gamma(1 / 0.05**2, 0.05**2, mean.shape)  # leaves scatter by 5 % beyond Poisson
    mean[-1] *= rng.uniform(0.85, 1.15)
    mean[-1, where] *= left
    counts = rng.poisson(mean)
    leaves = {name: [f"{name}{value}" for value in grid[axis]] for axis, name in enumerate(names)}
    days = pl.concat([
        pl.DataFrame({**leaves, "count": row}).with_columns(
            business_date=pl.lit(DAY - timedelta(days=BASE_DAYS - back))
        )
        for back, row in enumerate(counts)
    ])  # fmt: skip
    return (
        days,
        SEPARATOR.join(names[axis] for axis in axes),
        SEPARATOR.join(f"{names[axis]}{v}" for axis, v in zip(axes, values, strict=True)),
    )


def score(scenarios: int, seed: int, orders: int) -> dict[str, Any]:
    """Parts of the scenarios whose place is named first, and among the first three."""
    rng = np.random.default_rng(seed)
    places, seconds, sizes = [], 0.0, []
    for _ in range(scenarios):
        days, dimensions, segments = scenario(rng, orders)
        started = time.perf_counter()
        leaves = leaf_cube(days, list(SIZES), DAY)
        ranked = likely_sets(leaves, list(SIZES))
        seconds += time.perf_counter() - started
        hit = ranked.filter(dimensions=dimensions, segments=segments)
        places.append(int(hit["position"][0]) if len(hit) else 0)
        sizes.append(dimensions.count(SEPARATOR) + 1)
    ranks, depth = np.array(places), np.array(sizes)
    return {
        "scenarios": scenarios,
        "leaves": int(np.prod(list(SIZES.values()))),
        "first": float((ranks == 1).mean()),
        "top_three": float((ranks > 0).mean()),
        "first_by_dimensions": {
            int(size): round(float((ranks[depth == size] == 1).mean()), 3)
            for size in np.unique(depth)
        },
        "seconds_each": seconds / scenarios,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scenarios", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orders", type=int, default=4000, help="orders a day")
    options = parser.parse_args()
    for name, value in score(options.scenarios, options.seed, options.orders).items():
        print(f"{name}: {round(value, 4) if isinstance(value, float) else value}")


if __name__ == "__main__":
    main()
