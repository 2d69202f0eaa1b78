"""How many pieces of each product will be asked for in the next weeks.

Belongs here: forecasts of sums of days, chosen and given their range by how earlier forecasts of
the same kind did. Does not belong here: forecasts of money (`models.forecast`), what to order
(`models.replenishment`), words.

Five ways are tried from the same days of the past (rolling origins): the same weekday of last week
(the naive forecast), the mean of four weeks, Croston's method with the correction of Syntetos and
Boylan, that of Teunter, Syntetos and Babai, and the product's part of its platform's sales times
what is expected of the platform. Products of one platform whose demand is of one class are judged
together, as one product tells little; only what beats the naive forecast is taken.

Sources: Croston, Operational Research Quarterly 23 (1972); Syntetos and Boylan, Int. J. of
Forecasting 21 (2005); Teunter, Syntetos and Babai, European J. of Operational Research 214 (2011);
Syntetos, Boylan and Croston, J. of the Operational Research Society 56 (2005), for the classes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from models.baseline import Flags, Floats, Ints
from models.forecast import Outlook, same_weekday

__all__ = [
    "DEMAND_SCHEMA",
    "DemandParams",
    "backtest",
    "count_range",
    "croston",
    "demand_forecast",
    "tsb",
]

DEMAND_SCHEMA: dict[str, type[pl.DataType]] = {
    "series": pl.String,
    "platform": pl.String,
    "horizon_days": pl.Int64,
    "made_on": pl.Date,
    "demand_class": pl.String,
    "expected_units": pl.Float64,
    "lower_units": pl.Float64,
    "upper_units": pl.Float64,
    "count_dispersion": pl.Float64,
    "relative_error": pl.Float64,
    "method": pl.String,
    "wape": pl.Float64,
    "naive_wape": pl.Float64,
    "mase": pl.Float64,
    "origins": pl.Int64,
}
"""Columns of `demand_forecast`, one row per series and horizon. The squared error of a forecast of
m pieces is expected to be count_dispersion x m + (relative_error x m)^2."""

NAIVE, MEAN = "seasonal_naive", "moving_average"


@dataclass(frozen=True)
class DemandParams:
    """How far, and what is tried.

    Attributes:
        horizons: days ahead whose sum is forecast.
        origins: past days from which forecasts are made to compare.
        step_days: days between them.
        least_days: known days that a series must have before an origin to be judged from it.
        least_origins: below so many nothing is compared: the moving average is taken, as one week
            tells nothing of what is asked for once a month, and has no range.
        mean_days: days of the moving average and of the product's part of its platform.
        smoothing: weight of the newest demand in Croston's method and that of Teunter and others.
        level: of the ranges.
    """

    horizons: tuple[int, ...] = (7, 28)
    origins: int = 26
    step_days: int = 7
    least_days: int = 28
    least_origins: int = 4
    mean_days: int = 28
    smoothing: float = 0.1
    level: float = 0.90


@dataclass(frozen=True)
class _Demand:
    """What was asked for.

    Attributes:
        keys: one row a series: series, platform.
        units: series x days, NaN where it is not known (nothing in stock, nothing delivered).
        ends: days known at each origin, the last one all of them.
    """

    keys: pl.DataFrame
    units: Floats
    ends: list[int]


def demand_forecast(
    units: pl.DataFrame, outlook: Outlook | None, params: DemandParams | None = None
) -> pl.DataFrame:
    """Forecast the pieces of each series.

    Args:
        units: series, platform (NULL: of no single one), business_date, units; one row per series
            and day. A day without a row after the first one sold nothing; NULL units are not known.
        outlook: what is expected of the platforms (`models.forecast`), which must end on the same
            day to be made use of.
        params: how far, and what is tried.

    Returns:
        `DEMAND_SCHEMA`; empty without rows. lower and upper are NULL where nothing could be
        compared.
    """
    params = params or DemandParams()
    if units.is_empty():
        return pl.DataFrame(schema=DEMAND_SCHEMA)
    demand, forecasts = _tried(units, outlook, params)
    classes = _classes(demand.units)
    found = [_told(demand, h, ways, classes, params) for h, ways in forecasts.items()]
    return (
        pl.concat(found)
        .with_columns(made_on=pl.lit(units["business_date"].max()))
        .select(pl.col(name).cast(kind) for name, kind in DEMAND_SCHEMA.items())
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .sort("series", "horizon_days")
    )


def backtest(
    units: pl.DataFrame, outlook: Outlook | None, params: DemandParams | None = None
) -> pl.DataFrame:
    """How far each way was off, at the same origins, of which every way had a forecast.

    Args:
        units: as of `demand_forecast`, not empty.
        outlook: as there.
        params: as there.

    Returns:
        series, platform, demand_class, horizon_days, way, missed (sum of absolute errors), came.
    """
    params = params or DemandParams()
    demand, forecasts = _tried(units, outlook, params)
    keys = demand.keys.with_columns(demand_class=pl.Series(_classes(demand.units)))
    found = []
    for horizon, ways in forecasts.items():
        actual = _sums_ahead(demand, horizon)
        usable = _usable(demand, actual, ways, params)
        came = np.where(usable, actual, 0).sum(axis=1)
        for way, values in ways.items():
            missed = np.where(usable, np.abs(values - actual), 0).sum(axis=1)
            found.append(
                keys.with_columns(
                    horizon_days=pl.lit(horizon), way=pl.lit(way),
                    missed=pl.Series(missed), came=pl.Series(came),
                )
            )  # fmt: skip
    return pl.concat(found)


def _tried(
    units: pl.DataFrame, outlook: Outlook | None, params: DemandParams
) -> tuple[_Demand, dict[int, dict[str, Floats]]]:
    """The demand, and of each horizon and way the sums of the days ahead, series x origins."""
    last = units["business_date"].max()
    assert isinstance(last, date)
    demand = _arranged(units, params)
    shares = _Shares.of(demand, outlook, last) if outlook else None
    if shares is not None:  # days whose sales did not wholly arrive teach nothing
        demand = replace(demand, units=np.where(np.isnan(shares.sold), np.nan, demand.units))
    steady = _recursions(demand, params)
    return demand, {h: _ahead(demand, h, steady, shares, params) for h in params.horizons}


def _arranged(units: pl.DataFrame, params: DemandParams) -> _Demand:
    keys = units.select("series", "platform").unique().sort("series", "platform")
    keys = keys.with_row_index("row")
    first, last = units["business_date"].min(), units["business_date"].max()
    assert isinstance(first, date) and isinstance(last, date)
    days = (last - first).days + 1
    placed = units.join(keys, on=["series", "platform"], nulls_equal=True).with_columns(
        day=(pl.col("business_date") - first).dt.total_days()
    )
    row, day = placed["row"].to_numpy(), placed["day"].to_numpy()
    born = np.full(len(keys), days)
    np.minimum.at(born, row, day)
    matrix = np.where(np.arange(days) < born[:, None], np.nan, 0.0)
    matrix[row, day] = placed["units"].cast(pl.Float64).to_numpy()
    longest = max(params.horizons)
    ends = [days - longest - params.step_days * number for number in range(params.origins)]
    return _Demand(
        keys.drop("row"), matrix, [*sorted(end for end in ends if end >= params.least_days), days]
    )


def _classes(units: Floats) -> list[str]:
    """Smooth, erratic, intermittent or lumpy, by how often and how evenly something is asked for.

    The bounds are those of the source: 1.32 days between demands, .49 as squared coefficient of
    variation of their sizes. Without two demands nothing can be told: new.
    """
    known, some = np.isfinite(units), np.nan_to_num(units) > 0
    times = some.sum(axis=1)
    sizes = np.where(some, np.nan_to_num(units), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        interval = known.sum(axis=1) / times
        mean = sizes.sum(axis=1) / times
        spread = np.where(some, sizes - mean[:, None], 0)
        squared_cv = (spread**2).sum(axis=1) / times / mean**2
    seldom, uneven = interval > 1.32, squared_cv > 0.49
    names = np.select(
        [times < 2, seldom & uneven, seldom, uneven],
        ["new", "lumpy", "intermittent", "erratic"], "smooth",
    )  # fmt: skip
    return [str(name) for name in names]


def croston(units: Floats, smoothing: float) -> Floats:
    """Croston's daily rate after each day, without correction: series x days.

    Begins with the first demand and the days up to it; days that are not known change nothing.
    """
    size, interval, waited = (np.full(len(units), np.nan), np.full(len(units), np.nan),
                              np.zeros(len(units)))  # fmt: skip
    rates = np.empty_like(units)
    for day, sold in enumerate(units.T):
        waited = waited + np.isfinite(sold)
        some = np.nan_to_num(sold) > 0
        new = some & np.isnan(size)
        size = np.where(new, sold, np.where(some, size + smoothing * (sold - size), size))
        moved = interval + smoothing * (waited - interval)
        interval = np.where(new, waited, np.where(some, moved, interval))
        waited = np.where(some, 0.0, waited)
        rates[:, day] = size / interval
    return rates


def tsb(units: Floats, smoothing: float) -> Floats:
    """Daily rate after each day by chance and size of a demand, of which the chance fades: 2-D.

    Begins as `croston` does.
    """
    size, chance, waited = (np.full(len(units), np.nan), np.full(len(units), np.nan),
                            np.zeros(len(units)))  # fmt: skip
    rates = np.empty_like(units)
    for day, sold in enumerate(units.T):
        known, some = np.isfinite(sold), np.nan_to_num(sold) > 0
        waited = waited + known
        new = some & np.isnan(size)
        size = np.where(new, sold, np.where(some, size + smoothing * (sold - size), size))
        moved = np.where(known, chance + smoothing * (some - chance), chance)
        chance = np.where(new, 1 / np.maximum(waited, 1), moved)
        rates[:, day] = size * chance
    return rates


def _recursions(demand: _Demand, params: DemandParams) -> dict[str, Floats]:
    """Daily rates of the ways that know no calendar: series x origins."""
    at = np.array(demand.ends)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = _lately(np.nan_to_num(demand.units), at, params) / _lately(
            np.isfinite(demand.units).astype(float), at, params
        )
    return {
        MEAN: mean,
        "sba": croston(demand.units, params.smoothing)[:, at - 1] * (1 - params.smoothing / 2),
        "tsb": tsb(demand.units, params.smoothing)[:, at - 1],
    }


def _lately(values: Floats, ends: Ints, params: DemandParams) -> Floats:
    """Sum of the days before each origin that the moving average is of: series x origins."""
    until = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    return np.asarray(until[:, ends] - until[:, np.maximum(ends - params.mean_days, 0)])


@dataclass(frozen=True)
class _Shares:
    """The platforms beside the series.

    Attributes:
        sold: GMV of the series' platform on each of its days, NaN where not known: series x days.
        expected: at each origin: series x origins x days ahead; NaN where there is no outlook.
    """

    sold: Floats
    expected: Floats

    @classmethod
    def of(cls, demand: _Demand, outlook: Outlook, last: date) -> _Shares | None:
        """Beside each series its platform, or the sum of all where it is of no single one."""
        if outlook.dates[-1] != last:
            return None
        shift = len(outlook.dates) - demand.units.shape[1]  # days before the first of the series
        sold = np.vstack([outlook.sold, outlook.sold.sum(axis=0)])
        expected = np.concatenate([outlook.expected, outlook.expected.sum(axis=0)[None]])
        rows = [outlook.names.index(name) if name in outlook.names else len(outlook.names)
                for name in demand.keys["platform"]]  # fmt: skip
        aligned = np.pad(sold, ((0, 0), (max(-shift, 0), 0)), constant_values=np.nan)
        places = {end - shift: number for number, end in enumerate(outlook.ends)}
        none = np.full((len(sold), expected.shape[2]), np.nan)
        at = [expected[:, places[end]] if end in places else none for end in demand.ends]
        return cls(aligned[rows][:, max(shift, 0) :], np.stack(at, axis=1)[rows])


def _ahead(
    demand: _Demand,
    horizon: int,
    steady: dict[str, Floats],
    shares: _Shares | None,
    params: DemandParams,
) -> dict[str, Floats]:
    """Sum of the days ahead by each way, series x origins; the last origin is today."""
    found = {NAIVE: same_weekday(demand.units, demand.ends, horizon).sum(axis=2)}
    found |= {name: rate * horizon for name, rate in steady.items()}
    if shares is not None and horizon <= shares.expected.shape[2]:
        at = np.array(demand.ends)
        known = np.isfinite(demand.units)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = _lately(np.nan_to_num(demand.units), at, params) / _lately(
                np.where(known, shares.sold, 0), at, params
            )
        found["calendar"] = part * shares.expected[:, :, :horizon].sum(axis=2)
    return found


def _told(
    demand: _Demand,
    horizon: int,
    tried: dict[str, Floats],
    classes: list[str],
    params: DemandParams,
) -> pl.DataFrame:
    """The way that is taken of each class of a platform, with its range."""
    actual = _sums_ahead(demand, horizon)
    usable = _usable(demand, actual, tried, params)
    kinds = demand.keys.with_columns(demand_class=pl.Series(classes), place=np.arange(len(classes)))
    scale = _usual_change(demand.units, horizon)
    rows = []
    for _, members in kinds.group_by("platform", "demand_class", maintain_order=True):
        at = members["place"].to_numpy()
        chosen = _chosen({name: values[at] for name, values in tried.items()},
                         actual[at], usable[at], scale[at], params)  # fmt: skip
        rows.append(
            members.select("series", "platform", "demand_class").with_columns(
                horizon_days=pl.lit(horizon), **chosen
            )
        )
    return pl.concat(rows)


def _usable(
    demand: _Demand, actual: Floats, tried: dict[str, Floats], params: DemandParams
) -> Flags:
    """Where every way that has any forecast has one, and what came is known: series x origins."""
    seen = np.cumsum(np.isfinite(demand.units), axis=1)[:, np.array(demand.ends) - 1]
    usable: Flags = np.isfinite(actual) & (seen >= params.least_days)
    for values in tried.values():
        usable &= np.isfinite(values) | ~np.isfinite(values[:, :-1]).any()
    usable[:, -1] = False
    return usable


def _sums_ahead(demand: _Demand, horizon: int) -> Floats:
    """What was asked for in the days after each origin, series x origins; NaN where not known."""
    padded = np.pad(demand.units, ((0, 0), (0, horizon)), constant_values=np.nan)
    until, gaps = (
        np.cumsum(np.pad(part, ((0, 0), (1, 0))), axis=1)
        for part in (np.nan_to_num(padded), np.isnan(padded))
    )
    at = np.array(demand.ends)
    whole = gaps[:, at + horizon] == gaps[:, at]
    return np.where(whole, until[:, at + horizon] - until[:, at], np.nan)


def _usual_change(units: Floats, horizon: int) -> Floats:
    """Mean absolute difference of the sums of one horizon and the next; NaN where not known."""
    days = units.shape[1] // horizon * horizon
    sums = units[:, units.shape[1] - days :].reshape(len(units), -1, horizon).sum(axis=2)
    changes = np.abs(np.diff(sums, axis=1))
    count = np.isfinite(changes).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.nansum(changes, axis=1) / count)


def _chosen(
    tried: dict[str, Floats], actual: Floats, usable: Flags, scale: Floats, params: DemandParams
) -> dict[str, pl.Expr | pl.Series]:
    """Columns of the series of one class: the way whose errors were least, and its range."""
    origins = int(usable.any(axis=0).sum())
    came = np.where(usable, actual, 0)
    errors = {name: np.where(usable, np.abs(values - actual), 0) for name, values in tried.items()}
    total = came.sum()
    missed = {name: float(error.sum()) for name, error in errors.items()}
    judged = origins >= params.least_origins and total > 0
    ready = [name for name in tried if np.isfinite(tried[name][:, :-1][usable[:, :-1]]).all()]
    method = min(ready, key=lambda name: (missed[name], name != NAIVE)) if judged else MEAN
    today = tried[method][:, -1]
    for name in (method, MEAN, NAIVE):  # a young series has no demand of its own yet
        today = np.where(np.isfinite(today), today, tried[name][:, -1])
    columns: dict[str, pl.Expr | pl.Series] = {
        "expected_units": pl.Series(today),
        "method": pl.lit(method),
        "origins": pl.lit(origins),
    }
    nothing = pl.lit(None, pl.Float64)
    names = ("lower_units", "upper_units", "count_dispersion", "relative_error", "wape",
             "naive_wape", "mase")  # fmt: skip
    if not judged:
        return columns | dict.fromkeys(names, nothing)
    spread = _spread(tried[method][usable], actual[usable])
    lower, upper = count_range(today, *spread, params.level)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(usable, errors[method] / scale[:, None], np.nan)
    values = (pl.Series(lower), pl.Series(upper), pl.lit(spread[0]), pl.lit(spread[1]),
              pl.lit(missed[method] / total), pl.lit(missed[NAIVE] / total),
              pl.lit(_mean(scaled)))  # fmt: skip
    return columns | dict(zip(names, values, strict=True))


def _mean(values: Floats) -> float | None:
    """Of what is finite: nothing is the change of a series that never changed."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else None


def _spread(expected: Floats, came: Floats) -> tuple[float, float]:
    """Dispersion and relative error that the squared errors tell: e^2 / m = a + b^2 m.

    Counts scatter at least as Poisson's do, so a is no less than 1.
    """
    some = expected > 0
    mean, square = expected[some], (came[some] - expected[some]) ** 2 / expected[some]
    if len(mean) == 0:
        return 1.0, 0.0
    weight = 1 / (1 + mean)  # large series err by far more
    columns = np.column_stack([np.ones_like(mean), mean]) * weight[:, None] ** 0.5
    found = np.linalg.lstsq(columns, square * weight**0.5, rcond=None)[0]
    slope = max(float(found[1]), 0.0)
    level = max(float(np.average(square - slope * mean, weights=weight)), 1.0)
    rest = np.average(square - level, weights=weight) / np.average(mean, weights=weight)
    slope = max(float(rest), 0.0)
    return level, round(float(np.sqrt(slope)), 6)


def count_range(
    mean: Floats, dispersion: float, relative: float, level: float
) -> tuple[Floats, Floats]:
    """Whole numbers between which a count lies with the level's chance, by a gamma distribution.

    Args:
        mean: expected counts.
        dispersion: variance over mean of the count itself.
        relative: error of the mean, as a part of it.
        level: chance.
    """
    from scipy.special import gammaincinv

    with np.errstate(divide="ignore", invalid="ignore"):
        variance = dispersion * mean + (relative * mean) ** 2
        shape = mean**2 / variance
        ends = [gammaincinv(shape, part) * variance / mean
                for part in ((1 - level) / 2, (1 + level) / 2)]  # fmt: skip
    lower, upper = (np.where(mean > 0, end, mean) for end in ends)
    return np.floor(lower), np.ceil(upper)
