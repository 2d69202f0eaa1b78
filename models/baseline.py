"""What a daily KPI should have been: one causal step ahead, for many series at once.

Belongs here: the recursive log-scale baseline (level, weekday, event, scale). Whether a day is told
to anyone is decided in `anomaly.py`.

Every number for a day uses earlier days only. The recursion over days is sequential by nature
(a day that is out of range must not train the next), so it loops over days and is vectorised over
series.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class DetectorParams:
    """Parameters of the detector; the defaults are METRICS.md 4 where it names them.

    Attributes:
        threshold: robust z at or below which a day alerts (as -threshold).
        part_threshold: the same for segments and steps of the funnel: there are a hundred of them.
        level_days: ordinary days whose median is the level.
        weekday_weeks: same weekdays whose median is the weekday effect.
        scale_days: one-step residuals in the scale.
        min_history_days: ordinary days before a series is judged at all.
        weekday_prior: how far weekdays of a young series may lie from its level, log units.
        scale_prior: scale of a series whose own is not known, log units.
        scale_prior_days: residuals that such a prior is worth.
        scale_floor: smallest scale, log units (0.02 = 2 %).
        event_floor: scale of an event's strength while this year's is unknown, and on D-days.
        event_noise: day-to-day scatter inside an event around its own strength, log units.
        max_autocorrelation: upper bound of the learned day-to-day autocorrelation.
        relearn_after_weeks: same weekdays on end, likewise: their effect is learned anew.
        relearn_after_days: days on end out of range on one side after which they are the new level.
        min_impact_rate: share of the company's expected daily GMV below which nothing alerts.
        fdr: false discovery rate over the series judged on one day.
        price_floor: smallest scale of a product's GMV per unit: coupons move it by a tenth.
        min_count: orders (successes of a rate, refunds) a segment must be expected to have on a
            day to be judged on it.
        closed_weekday_weeks: recent same weekdays looked at to tell a closed day from a loss.
    """

    threshold: float = 3.5
    part_threshold: float = 4.5
    level_days: int = 28
    weekday_weeks: int = 16
    scale_days: int = 90
    min_history_days: int = 14
    weekday_prior: float = 0.15
    scale_prior: float = 0.20
    scale_prior_days: int = 7
    scale_floor: float = 0.02
    event_floor: float = 0.15
    event_noise: float = 0.06
    max_autocorrelation: float = 0.6
    relearn_after_weeks: int = 4
    relearn_after_days: int = 21
    min_impact_rate: float = 0.005
    fdr: float = 0.05
    price_floor: float = 0.10
    min_count: float = 5.0
    closed_weekday_weeks: int = 4


@dataclass(frozen=True)
class EventKeys:
    """Which event day each series is in; event days never train the ordinary level.

    Attributes:
        key: series x days, id of (event, day of the event); -1 on ordinary days.
        instance: series x days, id of this year's event (its strength is learned within it).
        d_day: series x days, true on the event's main day.
        fallback: id of the previous day of the same event for each key; -1 for the first.
    """

    key: Ints
    instance: Ints
    d_day: Flags
    fallback: Ints


@dataclass(frozen=True)
class Baseline:
    """One-step-ahead expectation of each series and day, in log units.

    Attributes:
        mean: series x days, expected log value.
        scale: series x days, robust scale of the log value.
        known: series x days, false where there is no baseline (too young, or event never seen).
        pattern: series x days, the weekday's part of mean.
    """

    mean: Floats
    scale: Floats
    known: Flags
    pattern: Floats


class _Ring:
    """The last `size` values of each series, NaN where there are none yet."""

    def __init__(self, series: int, size: int) -> None:
        self.values = np.full((series, size), np.nan)
        self.count = np.zeros(series, dtype=np.int64)

    def push(self, rows: Flags, values: Floats) -> None:
        """Append one value to the rings of the marked series."""
        index = np.flatnonzero(rows)
        self.values[index, self.count[index] % self.values.shape[1]] = values[index]
        self.count[index] += 1

    def refill(self, row: int, values: Floats) -> None:
        """Replace the ring of one series by the given values."""
        self.values[row] = np.nan
        self.values[row, : len(values)] = values[-self.values.shape[1] :]
        self.count[row] = len(values)

    def median(self) -> Floats:
        """Median of each ring; NaN for an empty one."""
        return median_of_rows(self.values)


def median_of_rows(values: Floats) -> Floats:
    """Row medians without NaN: a sort puts NaN last, which is far quicker than nanmedian."""
    ordered = np.sort(values, axis=1)
    valid = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(values))
    low = ordered[rows, np.maximum(valid - 1, 0) // 2]
    high = ordered[rows, np.minimum(valid // 2, values.shape[1] - 1)]
    return np.asarray(np.where(valid > 0, (low + high) / 2, np.nan))


class _Recursion:
    """State of the baseline between two days (all arrays have one entry per series)."""

    def __init__(self, values: Floats, events: EventKeys, params: DetectorParams) -> None:
        series = values.shape[0]
        self.values, self.events, self.params = values, events, params
        self.level_ring = _Ring(series, params.level_days)
        self.residual_ring = _Ring(series, params.scale_days)
        self.weekday_rings = [_Ring(series, params.weekday_weeks) for _ in range(7)]
        self.weekday_effect = np.zeros((series, 7))
        self.level = np.full(series, np.nan)
        self.scale = np.full(series, max(params.event_floor, params.scale_prior))
        self.last = np.zeros(series)
        self.cross, self.square = np.zeros(series), np.full(series, 1e-12)
        keys = max(len(events.fallback), 1)
        self.effect_sum = np.zeros((series, keys))
        self.effect_count = np.zeros((series, keys), dtype=np.int64)
        # Days of the running event wait here: only earlier years may say what its days are worth.
        self.waiting_sum, self.waiting_count = self.effect_sum.copy(), self.effect_count.copy()
        self.event_ring = _Ring(series, params.scale_days)
        self.noise = np.full(series, params.event_noise)
        self.instance = np.full(series, -1, dtype=np.int64)
        self.strength_sum, self.strength_count = np.zeros(series), np.zeros(series)
        self.strength = np.zeros(series)
        self.run = np.zeros(series, dtype=np.int64)
        self.weekday_run = np.zeros((series, 7), dtype=np.int64)
        self.rows = np.arange(series)

    def learned_key(self, day: int) -> Ints:
        """The event day to learn from: this one, else the nearest earlier day of the event."""
        key = self.events.key[:, day].copy()
        missing = (key >= 0) & (self.effect_count[self.rows, key] == 0)
        while missing.any():
            key[missing] = self.events.fallback[key[missing]]
            missing = (key >= 0) & (self.effect_count[self.rows, key] == 0)
        return key

    def start_events(self, day: int) -> None:
        """Forget the strength of the last event where another one begins."""
        new = (self.events.instance[:, day] != self.instance) & (self.events.key[:, day] >= 0)
        self.instance = np.where(new, self.events.instance[:, day], self.instance)
        self.strength_sum[new] = 0.0
        self.strength_count[new] = 0.0
        for total, waiting in (
            (self.effect_sum, self.waiting_sum),
            (self.effect_count, self.waiting_count),
        ):
            total[new] += waiting[new]
            waiting[new] = 0

    def predict(self, day: int, weekday: int) -> tuple[Floats, Floats, Flags]:
        """Mean, scale and known-ness of a day from the days before it."""
        p = self.params
        self.start_events(day)
        event = self.events.key[:, day] >= 0
        key = self.learned_key(day)
        seen = self.effect_count[self.rows, key]
        effect = self.effect_sum[self.rows, key] / np.maximum(seen, 1)
        prior = p.event_floor**2 * (1 + 1 / np.maximum(seen, 1)) / 2
        # What few days taught of it carries the scatter of those days.
        taught = self.scale**2 / np.maximum(seen, 1)
        spread = 1 / (1 / prior + self.strength_count / self.noise**2)
        self.strength = spread / self.noise**2 * self.strength_sum
        carry = np.clip(self.cross / self.square, 0.0, p.max_autocorrelation) * self.last
        mean = self.level + self.weekday_effect[:, weekday]
        mean = mean + np.where(event, effect + self.strength, carry)
        event_scale = np.sqrt(self.scale**2 + self.noise**2 + spread + taught)
        floor = np.where(self.events.d_day[:, day], p.event_floor, 0.0)
        # A weekday effect shrunk to none is wrong by what the shrinkage takes away.
        weeks = np.minimum(self.weekday_rings[weekday].count, p.weekday_weeks)
        scale = np.hypot(
            np.where(event, np.maximum(event_scale, floor), self.scale),
            p.weekday_prior / (1 + weeks),
        )
        old_enough = self.level_ring.count >= p.min_history_days
        return mean, scale, old_enough & (~event | (key >= 0)) & np.isfinite(mean)

    def learn(self, day: int, weekday: int, mean: Floats, train: Flags, known: Flags) -> None:
        """Take the day into the baseline of the series in `train`."""
        y = self.values[:, day]
        event = self.events.key[:, day] >= 0
        ordinary = train & ~event
        above = y - self.level
        start = np.isnan(self.level)
        deviation = np.where(start, 0.0, above - self.weekday_effect[:, weekday])
        if (event & train & ~start).any():
            self._learn_event(day, train & event & ~start, deviation, mean, known)
        self._learn_weekday(weekday, ordinary & ~start, above)
        followed = ordinary & (self.last != 0)
        self.cross = np.where(followed, 0.99 * self.cross + deviation * self.last, self.cross)
        self.square = np.where(followed, 0.99 * self.square + self.last**2, self.square)
        bound = 2.5 * self.scale
        self.last = np.where(ordinary, np.clip(deviation, -bound, bound), 0.0)
        settled = ordinary & (self.level_ring.count >= self.params.min_history_days // 2)
        self.residual_ring.push(settled, y - mean)
        self.level_ring.push(ordinary, y - self.weekday_effect[:, weekday])
        self.level = self.level_ring.median()
        residuals = self.residual_ring.values
        spread = median_of_rows(np.abs(residuals - median_of_rows(residuals)[:, None]))
        p, seen = self.params, np.minimum(self.residual_ring.count, self.params.scale_days)
        # Once there are some, residuals speak for themselves; before, a prior does beside them.
        prior = np.clip(1 - seen / (4 * p.scale_prior_days), 0, 1) * p.scale_prior_days
        own = MAD_TO_SIGMA * np.nan_to_num(spread)
        mixed = np.sqrt((seen * own**2 + prior * p.scale_prior**2) / np.maximum(seen + prior, 1))
        self.scale = np.where(seen > 0, np.maximum(mixed, p.scale_floor), self.scale)

    def _learn_event(
        self, day: int, train: Flags, deviation: Floats, mean: Floats, known: Flags
    ) -> None:
        """Add the day to its event's effect, and to this year's strength if there is a base."""
        index = np.flatnonzero(train)
        key = self.events.key[index, day]
        adapt = index[known[index]]
        error = self.values[:, day] - mean
        self.event_ring.push(train & known & (self.strength_count > 0), error)
        scatter = MAD_TO_SIGMA * median_of_rows(np.abs(self.event_ring.values))
        self.noise = np.where(
            self.event_ring.count >= 7, np.maximum(scatter, self.params.event_noise), self.noise
        )
        self.strength_sum[adapt] += error[adapt] + self.strength[adapt]
        self.strength_count[adapt] += 1
        self.waiting_sum[index, key] += deviation[index]
        self.waiting_count[index, key] += 1

    def _learn_weekday(self, weekday: int, train: Flags, above: Floats) -> None:
        ring = self.weekday_rings[weekday]
        ring.push(train, above)
        seen = np.minimum(ring.count, self.params.weekday_weeks)
        effect = ring.median() * seen / (seen + 1)
        self.weekday_effect[:, weekday] = np.where(
            train & (seen > 0), effect, self.weekday_effect[:, weekday]
        )

    def settle_new_level(self, rows: Flags, day: int, weekdays: Ints) -> None:
        """Start the level again from a long run of days out of range on one side."""
        for row in np.flatnonzero(rows):
            days = np.arange(max(0, day - self.params.relearn_after_days + 1), day + 1)
            recent = self.values[row, days] - self.weekday_effect[row, weekdays[days]]
            recent = recent[np.isfinite(recent) & (self.events.key[row, days] < 0)]
            if len(recent):
                history = self.level_ring.count[row]
                self.level_ring.refill(int(row), recent)
                self.level_ring.count[row] = max(history, len(recent))
                self.level = self.level_ring.median()


def _grown(run: Ints, side: Ints, out: Flags, valid: Flags) -> Ints:
    """Days out of range on end with this one, signed; a day that is not known changes nothing."""
    longer = np.where(side * run > 0, run + side, side)
    return np.asarray(np.where(valid, np.where(out, longer, 0), run))


def one_step_ahead(
    values: Floats, weekdays: Ints, usable: Flags, events: EventKeys, params: DetectorParams
) -> Baseline:
    """Expect every day of every series from the days before it.

    Args:
        values: series x days, natural logarithm of the KPI; NaN where unknown or zero.
        weekdays: weekday 0..6 of each day.
        usable: series x days, false for days that must not train (incomplete data).
        events: event day of each cell.
        params: parameters of the baseline.

    Returns:
        Mean, scale and known-ness, each series x days, in log units.
    """
    state = _Recursion(values, events, params)
    mean = np.full(values.shape, np.nan)
    scale, pattern = mean.copy(), mean.copy()
    known = np.zeros(values.shape, dtype=np.bool_)
    for day in range(values.shape[1]):
        weekday = int(weekdays[day])
        expected, spread, is_known = state.predict(day, weekday)
        mean[:, day], scale[:, day], known[:, day] = expected, spread, is_known
        pattern[:, day] = state.weekday_effect[:, weekday]
        valid = usable[:, day] & np.isfinite(values[:, day])
        score = np.where(valid & is_known, (values[:, day] - expected) / spread, 0.0)
        out = np.abs(score) >= params.threshold
        side = np.sign(score).astype(np.int64)
        state.run = _grown(state.run, side, out, valid)
        weeks = _grown(state.weekday_run[:, weekday], side, out, valid & (events.key[:, day] < 0))
        state.weekday_run[:, weekday] = weeks
        is_usual = np.abs(weeks) >= params.relearn_after_weeks
        state.learn(day, weekday, expected, valid & (~out | is_usual), is_known)
        long = out & (np.abs(state.run) >= params.relearn_after_days)
        if long.any():
            state.settle_new_level(long, day, weekdays)
            state.run[long] = 0
    return Baseline(mean, scale, known, pattern)
