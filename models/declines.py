"""Slow declines: falls of a percent a day, which a baseline that follows never finds odd.

Belongs here: a one-sided CUSUM against a guarded reference, the level of the months that end four
weeks before the day, so that a decline cannot become what it is compared with. Does not belong
here: days (`anomaly.py`).

Source: Page, Continuous inspection schemes, Biometrika 41 (1954).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.baseline import Baseline, Flags, Floats, median_of_rows

__all__ = ["DeclineParams", "Declines", "declines"]


@dataclass(frozen=True)
class DeclineParams:
    """Parameters of the CUSUM.

    Attributes:
        allowance: part of a day's gap that is forgiven, standard deviations.
        decision: sum of the gaps above it at which a decline is told, standard deviations.
        clip: largest gap of a day: one day of an outage is no decline.
        guard_days: days before the day under test that the reference leaves out.
        reference_days: days of the reference.
        min_days: ordinary days it must have.
        recent_days: days whose mean is the level told of.
        least_fall: smallest fall of that level, log units.
    """

    allowance: float = 1.0
    decision: float = 20.0
    clip: float = 2.5
    guard_days: int = 28
    reference_days: int = 91
    min_days: int = 28
    recent_days: int = 14
    least_fall: float = 0.05


@dataclass(frozen=True)
class Declines:
    """What was found, series x days.

    Attributes:
        is_told: the day on which the sum passes the decision.
        reference: level it is compared with, log units; NaN where there is none.
        recent: level of late, log units.
        total: the sum, standard deviations.
    """

    is_told: Flags
    reference: Floats
    recent: Floats
    total: Floats


def declines(
    values: Floats, base: Baseline, ordinary: Flags, params: DeclineParams | None = None
) -> Declines:
    """Look for declines; what was told is the new level, from which the next is counted.

    Args:
        values: series x days, natural logarithm of the KPI; NaN where unknown or zero.
        base: what `baseline.one_step_ahead` returns for them.
        ordinary: days that count: whole and outside of events.
        params: parameters.
    """
    p = params or DeclineParams()
    level = np.where(ordinary & base.known, values - base.pattern, np.nan)
    rows, days = values.shape
    told = np.zeros(values.shape, dtype=np.bool_)
    reference, recent, total = (np.full(values.shape, np.nan) for _ in range(3))
    since, sums = np.zeros(rows, dtype=np.int64), np.zeros(rows)
    number = np.arange(days)
    for day in range(p.guard_days + 1, days):
        window = slice(max(0, day - p.guard_days - p.reference_days), day - p.guard_days)
        own = np.where(number[None, window] >= since[:, None], level[:, window], np.nan)
        is_known = np.isfinite(own).sum(axis=1) >= p.min_days
        late = level[:, max(0, day - p.recent_days + 1) : day + 1]
        usual, now = median_of_rows(own), _mean(late)
        gap = np.clip((usual - level[:, day]) / base.scale[:, day], -p.clip, p.clip)
        counts = is_known & np.isfinite(gap)
        sums = np.where(counts, np.maximum(0.0, sums + gap - p.allowance), sums)
        sums = np.where(is_known, sums, 0.0)
        fall = usual - now >= p.least_fall
        told[:, day] = counts & fall & (sums >= p.decision)
        reference[:, day] = np.where(is_known, usual, np.nan)
        recent[:, day], total[:, day] = now, sums
        since = np.where(told[:, day], day - p.recent_days + 1, since)
        sums = np.where(told[:, day], 0.0, sums)
    return Declines(told, reference, recent, total)


def _mean(values: Floats) -> Floats:
    """Row means without NaN; NaN where there is nothing."""
    count = np.isfinite(values).sum(axis=1)
    return np.asarray(np.nansum(values, axis=1) / np.where(count > 0, count, np.nan))
