"""Counts against their usual part of something larger, over one day or several, by exact tails.

Belongs here: falls and rises of what is too small for a test of single days on the log scale: the
orders of a product, the refunds of a product, orders left unpaid, parcels late. Does not belong
here: what is counted (`count_series.py`), what is told (`incidents.py`).

Method: the hits of a window given its exposure are negative binomial, Gamma(hits, exposure) of the
base days mixed into a Poisson. So a base of few hits says less than one of many, a young segment
is shrunk to the rate of all segments, and the other orders of the platform, which are the exposure
of a segment's orders, carry promotions, weekdays and bad days of the whole out of the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy import special

from models.anomaly import ANOMALY_SCHEMA
from models.baseline import Flags, Floats
from models.series import incomplete

__all__ = [
    "COUNT_SCHEMA",
    "CountTest",
    "judge_counts",
    "lower_share_tail",
    "lower_tail",
    "upper_tail",
]

COUNT_SCHEMA: dict[str, type[pl.DataType]] = {
    "business_date": pl.Date,
    "dimension": pl.String,
    "segment": pl.String,
    "platform": pl.String,
    "hits": pl.Float64,
    "exposure": pl.Float64,
    "worth": pl.Float64,
}
"""What is counted: hits; exposure, what they are a part of or happen to; worth, money of the hits,
null throughout where they have no price."""


_MOST_CERTAIN = 0.98  # no share is so sure that not one of a hundred may fail


@dataclass(frozen=True)
class CountTest:
    """How one kind of count is judged; each kind has a budget of false alarms of its own.

    Attributes:
        metric: name of the series.
        days: length of the window that ends with the day judged.
        rises: whether more is bad; else less is.
        p_value: tail probability below which a day alerts.
        least_change: least fall (0.5: to half) or rise (2: to twice) of the window, told at all.
        base_days: days before the window that say what is usual.
        min_base_days: of these, least that must be known.
        prior_hits: weight of the rate of all segments, in hits.
        drift: how far usual rates wander from one month to the next, relative standard deviation.
        relearn_days: days on end that alert, after which they are what is usual.
        is_share: whether hits are a part of the exposure, which is a number of tries: their tail is
            that of the binomial, which knows less chance than one of counts.
        from_first: whether the exposure of every day counts, or for each segment only from its
            first hit on (a product that is not for sale yet sells nothing).
    """

    metric: str
    days: int
    rises: bool
    p_value: float
    least_change: float
    base_days: int = 56
    min_base_days: int = 14
    prior_hits: float = 0.5
    drift: float = 0.15
    relearn_days: int = 21
    is_share: bool = False
    from_first: bool = True


@dataclass(frozen=True)
class _Judged:
    """Figures of the window that ends with each day, series x days."""

    seen: Floats
    tries: Floats
    expected: Floats
    size: Floats
    tail: Floats
    is_out: Flags


def lower_tail(hits: Floats, size: Floats, mean: Floats) -> Floats:
    """P(X <= hits) of a negative binomial of this size (Gamma's shape) and mean."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(special.betainc(size, hits + 1, size / (size + mean)))


def upper_tail(hits: Floats, size: Floats, mean: Floats) -> Floats:
    """P(X >= hits) of a negative binomial of this size and mean."""
    with np.errstate(invalid="ignore", divide="ignore"):
        above = special.betainc(np.maximum(hits, 0.5), size, mean / (size + mean))
    return np.asarray(np.where(hits > 0, above, 1.0))


def lower_share_tail(hits: Floats, tries: Floats, size: Floats, mean: Floats) -> Floats:
    """P(X <= hits) of so many tries: binomial of tries made fewer by how unsure their rate is.

    A rate known to 1 / sqrt(size) of itself makes X scatter 1 + (tries - 1) r / ((1 - r) size)
    times as much as the binomial; so many tries less say as much (of a beta-binomial the first
    two moments).
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, spread = _spread(tries, size, mean)
        left = np.maximum((tries - hits) / spread, 1e-9)
        return np.asarray(special.betainc(left, hits / spread + 1, 1 - rate))


def _spread(tries: Floats, size: Floats, mean: Floats) -> tuple[Floats, Floats]:
    """Rate of a share, and how much more it scatters than the binomial."""
    rate = np.clip(mean / tries, 1e-9, _MOST_CERTAIN)
    return rate, 1 + np.maximum(tries - 1, 0) * rate / ((1 - rate) * size)


def judge_counts(  # noqa: PLR0913, PLR0917 - two tables, and how to judge them
    counted: pl.DataFrame,
    completeness: pl.DataFrame,
    company_gmv: float,
    test: CountTest,
    judge_from: date | None = None,
    min_impact_rate: float = 0.005,
) -> pl.DataFrame:
    """Judge every day of every segment from the days before its window.

    Args:
        counted: frame of `COUNT_SCHEMA`, of one kind.
        completeness: `quality.source_completeness_daily`; days that are not whole neither count
            nor teach.
        company_gmv: a usual day of the company, which the floor of impact is a share of.
        test: how.
        judge_from: first date of the result; None: all.
        min_impact_rate: share of `company_gmv` that a window must cost to be told.

    Returns:
        Rows as of `anomaly.ANOMALY_SCHEMA`. observed and expected are sums of the window, lower
        and upper the least and the most that are not told, impact_amount the money of the
        day alone at the usual worth of a hit. A fall (a rise) alerts only if the day itself has
        less (more) than expected: what is over is not told.
    """
    keys, dates, (hits, exposure, worth) = _matrices(counted, test)
    if keys.is_empty():
        return pl.DataFrame(schema=ANOMALY_SCHEMA)
    known = ~incomplete(keys.with_row_index("row"), pl.Series(dates), completeness) & (exposure > 0)
    hits, exposure = np.where(known, hits, 0.0), np.where(known, exposure, 0.0)
    first = max(0, ((judge_from or dates[0]) - dates[0]).days - 2 * test.base_days)
    judged = _walk(hits, exposure, known, _groups(keys), test, first)
    money = _money(hits, np.where(known, worth, 0.0), keys)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = hits - judged.expected / judged.tries * exposure
    is_out = _is_told(judged, gap, money, min_impact_rate * company_gmv, test)
    status = np.select(
        [np.isnan(judged.expected) & known, ~known, is_out],
        ["no_baseline", "data_incomplete", "anomaly"],
        "normal",
    )
    figures = _figures(judged, test) | {
        "observed": np.where(known, judged.seen, np.nan),
        "impact_amount": _sign(test) * gap * money,
    }
    rows = keys.select(pl.all().repeat_by(len(dates)).explode()).with_columns(
        pl.Series("business_date", dates * len(keys), dtype=pl.Date),
        *(pl.Series(name, values.ravel()).fill_nan(None) for name, values in figures.items()),
        pl.Series("status", status.ravel()),
    )
    wanted = pl.lit(True) if judge_from is None else pl.col("business_date") >= judge_from
    # A segment that could not alert whatever it did is no series that was judged.
    could = pl.Series((_least_tail(judged, test) < test.p_value).any(axis=1).repeat(len(dates)))
    return rows.filter(could, wanted, pl.col("status").is_in(["normal", "anomaly"])).select(
        pl.col(name).cast(kind) for name, kind in ANOMALY_SCHEMA.items()
    )


def _sign(test: CountTest) -> float:
    """What a hit more than expected is: good or bad."""
    return -1.0 if test.rises else 1.0


def _is_told(judged: _Judged, gap: Floats, money: Floats, floor: float, test: CountTest) -> Flags:
    """Windows that are out, dear, and whose own day still goes the bad way."""
    whole = (judged.seen - judged.expected) * _sign(test) * money
    is_dear = (-whole >= floor) | np.isnan(whole)
    return np.asarray(judged.is_out & (_sign(test) * gap < 0) & is_dear)


def _figures(judged: _Judged, test: CountTest) -> dict[str, Floats]:
    """What is published of each window beside what was seen."""
    lower, upper = _bounds(judged, test)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = special.ndtri(np.clip(judged.tail, 1e-300, 1 - 1e-16)) * _sign(test)
    return {"expected": judged.expected, "lower": lower, "upper": upper, "score": score}


def _matrices(
    counted: pl.DataFrame, test: CountTest
) -> tuple[pl.DataFrame, list[date], tuple[Floats, Floats, Floats]]:
    """Keys, days, and hits, exposure and worth as series x days."""
    place = ["dimension", "segment", "platform"]
    live = counted.filter(pl.col("exposure") > 0)
    keys = live.select(place).unique().sort(place).with_row_index("row")
    if keys.is_empty():
        none = np.empty((0, 0))
        return keys, [], (none, none, none)
    first, last = live["business_date"].min(), live["business_date"].max()
    assert isinstance(first, date) and isinstance(last, date)
    dates = pl.date_range(first, last, eager=True).to_list()
    placed = live.join(keys, on=place, nulls_equal=True).with_columns(
        day=(pl.col("business_date") - first).dt.total_days()
    )
    row, day = placed["row"].to_numpy(), placed["day"].to_numpy()
    matrices = []
    for name in ("hits", "exposure", "worth"):
        matrix = np.zeros((len(keys), len(dates)))
        matrix[row, day] = placed[name].fill_null(0.0).to_numpy()
        matrices.append(matrix)
    if test.from_first:
        born = np.maximum.accumulate(matrices[0] > 0, axis=1)
        matrices[1] = np.where(born, matrices[1], 0.0)
    named = keys.with_columns(metric=pl.lit(test.metric)).drop("row")
    return named, dates, (matrices[0], matrices[1], matrices[2])


def _groups(keys: pl.DataFrame) -> Floats:
    """Series x series, 1 where both are segments of one dimension and platform."""
    group = keys.select(pl.struct("dimension", "platform").rank("dense")).to_series().to_numpy()
    return np.asarray(group[:, None] == group[None, :], dtype=np.float64)


def _window(values: Floats, days: int) -> Floats:
    """Sum of each day and those before it, `days` in all."""
    until = np.cumsum(np.pad(values, ((0, 0), (days, 0))), axis=1)
    return np.asarray(until[:, days:] - until[:, :-days])


def _walk(  # noqa: PLR0913, PLR0917 - matrices of one shape
    hits: Floats, exposure: Floats, known: Flags, same: Floats, test: CountTest, first: int
) -> _Judged:
    """Judge day after day: a window that alerted teaches nothing of what is usual later."""
    shape = hits.shape
    seen, of = _window(hits, test.days), _window(exposure, test.days)
    expected, size, tail = (np.full(shape, np.nan) for _ in range(3))
    is_out = np.zeros(shape, dtype=np.bool_)
    teaches, run = known.copy(), np.zeros(shape[0], dtype=np.int64)
    for day in range(max(first, test.days), shape[1]):
        end = day - test.days + 1
        base = slice(max(0, end - test.base_days), end)
        mask = teaches[:, base]
        own, at = (hits[:, base] * mask).sum(axis=1), (exposure[:, base] * mask).sum(axis=1)
        all_hits, all_at = same @ own, same @ at
        with np.errstate(divide="ignore", invalid="ignore"):
            shape_of = own + test.prior_hits
            rate = shape_of / (at + test.prior_hits * all_at / all_hits)
            size[:, day] = 1 / (1 / shape_of + test.drift**2)
        enough = (mask.sum(axis=1) >= test.min_base_days) & (of[:, day] > 0) & (all_hits > 0)
        expected[:, day] = np.where(enough, rate * of[:, day], np.nan)
        tail[:, day] = _tail(seen[:, day], of[:, day], size[:, day], expected[:, day], test)
        change = seen[:, day] / np.where(enough, expected[:, day], np.nan)
        far = change >= test.least_change if test.rises else change <= test.least_change
        is_out[:, day] = enough & far & (tail[:, day] <= test.p_value) & known[:, day]
        teaches[is_out[:, day], end : day + 1] = False
        run = np.where(is_out[:, day], run + 1, np.where(known[:, day], 0, run))
        settled = run >= test.relearn_days
        late = slice(max(0, day - test.relearn_days + 1), day + 1)
        teaches[settled, late] = known[settled, late]
    return _Judged(seen, of, expected, size, tail, is_out)


def _tail(hits: Floats, tries: Floats, size: Floats, mean: Floats, test: CountTest) -> Floats:
    """Chance of as much or more (less) on the side that is bad."""
    if test.is_share:
        return lower_share_tail(hits, tries, size, mean)
    return (upper_tail if test.rises else lower_tail)(hits, size, mean)


def _money(hits: Floats, worth: Floats, keys: pl.DataFrame) -> Floats:
    """Usual worth of a hit of each series; of one without any, that of all; NaN without worth."""
    total = hits.sum(axis=1)
    overall = worth.sum() / max(hits.sum(), 1.0) or np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(total > 0, worth.sum(axis=1) / total, overall)
    return np.asarray(np.where(np.isnan(overall), np.nan, own))


def _least_tail(judged: _Judged, test: CountTest) -> Floats:
    """The smallest tail a window can have: of a fall that of no hit at all."""
    none = np.zeros(judged.tail.shape)
    return none if test.rises else _tail(none, judged.tries, judged.size, judged.expected, test)


def _bounds(judged: _Judged, test: CountTest) -> tuple[Floats, Floats]:
    """The least (most) count that is not told, on the side that is bad; null on the other."""
    none = np.full(judged.tail.shape, np.nan)
    share = judged.size / (judged.size + judged.expected)
    edge = test.least_change * judged.expected
    with np.errstate(invalid="ignore", divide="ignore"):
        if test.rises:
            bound = special.nbdtrik(1 - test.p_value, judged.size, share)
            return none, np.asarray(np.maximum(np.ceil(bound), np.ceil(edge) - 1))
        if test.is_share:
            rate, spread = _spread(judged.tries, judged.size, judged.expected)
            bound = special.bdtrik(test.p_value, judged.tries / spread, rate) * spread
        else:
            bound = special.nbdtrik(test.p_value, judged.size, share)
        told = np.floor(np.minimum(bound, edge))
    is_seen = _least_tail(judged, test) <= test.p_value  # else not even none at all is told
    return np.asarray(np.where(is_seen, np.nan_to_num(told, nan=0.0) + 1, 0.0)), none
