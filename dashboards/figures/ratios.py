"""Ratios of sums: numerator and denominator are those of the metric registry.

Belongs here: the one division. Does not belong here: which sums, and any list of ratios.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, SupportsFloat

from dashboards.wording.changes import COUNTS
from dashboards.wording.metrics import Metrics

Sums = Mapping[str, Any]
"""Sums by column; amounts of the same days and segment."""


def ratio(over: SupportsFloat | None, under: SupportsFloat | None) -> float | None:
    """A quotient, None where either side is unknown or nothing is below the line."""
    return float(over) / float(under) if over is not None and under and float(under) else None


def level(name: str, sums: Sums, metrics: Metrics) -> float | None:
    """The level of a metric: the ratio of sums that the registry says, else the sum itself.

    Args:
        name: metric of the registry, or column of `sums`.
        sums: what its parts sum to.
        metrics: rows of `quality.metrics` by name.
    """
    row = metrics.get(name) or {}
    if row.get("numerator") and row.get("denominator"):
        return ratio(sums.get(row["numerator"]), sums.get(row["denominator"]))
    value = sums.get(name)
    return None if value is None else float(value)


def sides(change: Mapping[str, Any]) -> tuple[Sums, Sums]:
    """The counts of a row of `fct_gmv_change`: of the day, and of its base."""
    return (
        {name: change.get(name) for name in COUNTS},
        {name: change.get(f"base_{name}") for name in COUNTS},
    )
