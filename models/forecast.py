"""What the platforms will sell: the next weeks by day, and how the month will end.

Belongs here: forecasts of daily GMV, chosen and given their range by how earlier forecasts did.
Does not belong here: targets (SQL has them), demand by product, words.

Two ways are tried on each platform. `baseline`: that of the detector (`models.baseline`), which
knows weekdays and the events of the calendar, run on beyond the last day. `seasonal_naive`: the
same weekday of the last week. Both forecast from the same days of the past (rolling origins), and
the one whose absolute errors were smaller is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from models.baseline import DetectorParams, EventKeys, Flags, Floats, one_step_ahead
from models.event_calendar import event_calendar, event_keys
from models.series import cells, long_series

__all__ = ["FORECAST_SCHEMA", "ForecastParams", "Outlook", "forecast", "outlook", "same_weekday"]

FORECAST_SCHEMA: dict[str, type[pl.DataType]] = {
    "grain": pl.String,
    "period_start": pl.Date,
    "platform": pl.String,
    "made_on": pl.Date,
    "observed_amount": pl.Float64,
    "unknown_days": pl.Int64,
    "expected_amount": pl.Float64,
    "lower_amount": pl.Float64,
    "upper_amount": pl.Float64,
    "method": pl.String,
    "wape": pl.Float64,
    "naive_wape": pl.Float64,
    "origins": pl.Int64,
}
"""Columns of `insights.gmv_forecast`: one row per grain (day, month), period and platform; `all` is
the company, whose expectation is the sum of the platforms'."""


_NEIGHBOURS = 3  # days


@dataclass(frozen=True)
class ForecastParams:
    """How far, and what is tried.

    Attributes:
        horizon_days: days ahead; what is left of a month must fit.
        origins: past days from which forecasts are made to compare.
        step_days: days between them.
        least_origins: below so many, the naive forecast is taken and has no range.
        level: of the ranges.
        share_days: days over which the share of days with sales is counted.
    """

    horizon_days: int = 35
    origins: int = 26
    step_days: int = 7
    least_origins: int = 8
    level: float = 0.90
    share_days: int = 56


@dataclass(frozen=True)
class _Shop:
    """What was sold.

    Attributes:
        names: the platforms.
        dates: all days, those ahead last.
        sold: platforms x days before, NaN where unknown.
        known: the same, NaN also where something is missing.
    """

    names: list[str]
    dates: list[date]
    sold: Floats
    known: Floats


@dataclass(frozen=True)
class Outlook:
    """What was expected of each platform at each origin, for whoever forecasts its parts.

    Attributes:
        names: the platforms.
        dates: the days before today, today last.
        ends: days known at each origin, the last one all of them.
        sold: GMV, platforms x days, NaN where it did not wholly arrive.
        expected: GMV, platforms x origins x days ahead, by the way that is taken today.
        table: `FORECAST_SCHEMA`.
    """

    names: list[str]
    dates: list[date]
    ends: list[int]
    sold: Floats
    expected: Floats
    table: pl.DataFrame


@dataclass(frozen=True)
class _Tried:
    """Forecasts of one way, platforms x origins x days ahead; the last origin is today."""

    method: str
    values: Floats


def forecast(
    daily: pl.DataFrame,
    dim_date: pl.DataFrame,
    dim_promo: pl.DataFrame,
    completeness: pl.DataFrame,
    params: ForecastParams | None = None,
) -> pl.DataFrame:
    """The table of `outlook`, see there."""
    found = outlook(daily, dim_date, dim_promo, completeness, params)
    return found.table if found else pl.DataFrame(schema=FORECAST_SCHEMA)


def outlook(
    daily: pl.DataFrame,
    dim_date: pl.DataFrame,
    dim_promo: pl.DataFrame,
    completeness: pl.DataFrame,
    params: ForecastParams | None = None,
) -> Outlook | None:
    """Forecast the GMV of each platform and of the company.

    Args:
        daily: rows of `fct_gmv_daily` of the dimensions `all` and `platform`, as for the detector.
        dim_date: `date` and events, beyond the last day.
        dim_promo: promo phases, those to come among them.
        completeness: `quality.source_completeness_daily`; days that are not complete teach nothing
            and are compared with nothing.
        params: how far, and what is tried.

    Returns:
        None where less than two weeks are known. Of a month of the table,
        observed_amount is what was sold up to made_on and expected_amount the whole: with the
        forecast of what is left, and nothing for unknown_days.
    """
    params = params or ForecastParams()
    platforms = daily.filter(pl.col("dimension") == "platform")
    if platforms.is_empty():
        return None
    series = cells(long_series(daily), daily, completeness)
    rows = series.keys.with_row_index("row").filter(metric="gmv", dimension="platform")
    names, places = rows["segment"].to_list(), rows["row"].to_numpy()
    known = np.where(series.incomplete[places], np.nan, series.observed[places])
    if not names or np.isfinite(known).any(axis=0).sum() < 14:
        return None
    dates = [*series.dates, *(series.dates[-1] + timedelta(days=ahead + 1)
                              for ahead in range(params.horizon_days))]  # fmt: skip
    sizes = rows.select("segment").join(
        platforms.group_by("segment").agg(pl.col("gmv").sum()), on="segment"
    )
    largest = sizes.sort("gmv", "segment", descending=[True, False])["segment"].to_list()
    events = event_keys(event_calendar(dim_date, dim_promo, largest), dates, names)
    shop = _Shop(names, dates, series.observed[places], known)
    ends = _origins(known, params)
    tried = [_by_baseline(shop, events, ends, params), _by_last_week(known, ends, params)]
    expected, table = _told(shop, tried, _actual(known, ends, params), params)
    return Outlook(names, series.dates, ends, known, expected, table)


def _origins(known: Floats, params: ForecastParams) -> list[int]:
    """Number of days known at each origin, the last one all of them."""
    days = known.shape[1]
    ends = [
        days - params.horizon_days - params.step_days * number for number in range(params.origins)
    ]
    return [*sorted(end for end in ends if end >= 2 * DetectorParams().min_history_days), days]


def _actual(known: Floats, ends: list[int], params: ForecastParams) -> Floats:
    """What came after each origin, platforms x origins x days ahead; NaN where it is not known."""
    padded = np.pad(known, ((0, 0), (0, params.horizon_days)), constant_values=np.nan)
    ahead = np.array(ends)[:, None] + np.arange(params.horizon_days)
    return padded[:, ahead]


def _by_baseline(shop: _Shop, events: EventKeys, ends: list[int], params: ForecastParams) -> _Tried:
    """The detector's expectation of the days after each origin, none of which it has seen.

    Its mean is one of logarithms, and of days with sales: the sums of the days before are made to
    meet, and days without sales are as frequent as of late.
    """
    (count, days), horizon = shop.known.shape, params.horizon_days
    seen = np.arange(days + horizon) < np.array(ends)[:, None]  # origins x days
    padded = np.pad(shop.known, ((0, 0), (0, horizon)), constant_values=np.nan)
    cut = np.where(seen, padded[:, None, :], np.nan).reshape(-1, days + horizon)
    repeated = EventKeys(
        np.repeat(events.key, len(ends), axis=0),
        np.repeat(events.instance, len(ends), axis=0),
        np.repeat(events.d_day, len(ends), axis=0),
        events.fallback,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(cut > 0, np.log(cut), np.nan)
    weekdays = np.array([day.weekday() for day in shop.dates], dtype=np.int64)
    usable: Flags = np.isfinite(cut)
    base = one_step_ahead(logs, weekdays, usable, repeated, DetectorParams())
    mean = np.where(base.known, np.exp(base.mean), np.nan)
    trained = np.isfinite(mean) & (cut > 0) & (repeated.key < 0)
    of_late = np.cumsum(trained[:, ::-1], axis=1)[:, ::-1] <= DetectorParams().scale_days
    sold, told = (np.where(trained & of_late, part, 0).sum(axis=1) for part in (cut, mean))
    with np.errstate(divide="ignore", invalid="ignore"):
        met = np.where(told > 0, sold / told, 1.0)
    recent = np.cumsum(usable[:, ::-1], axis=1)[:, ::-1] <= params.share_days
    share = (recent & (cut > 0)).sum(axis=1) / np.maximum((recent & usable).sum(axis=1), 1)
    ahead = np.array(ends)[:, None] + np.arange(horizon)
    shaped = (mean * (met * share)[:, None]).reshape(count, len(ends), -1)
    return _Tried("baseline", shaped[:, np.arange(len(ends))[:, None], ahead])


def _by_last_week(known: Floats, ends: list[int], params: ForecastParams) -> _Tried:
    return _Tried("seasonal_naive", same_weekday(known, ends, params.horizon_days))


def same_weekday(known: Floats, ends: list[int], horizon: int) -> Floats:
    """The last known value of the same weekday, at most four weeks back: the naive forecast.

    Args:
        known: series x days, NaN where unknown.
        ends: days known at each origin.
        horizon: days ahead.

    Returns:
        Series x origins x days ahead.
    """
    ahead = np.arange(horizon)
    found = np.full((len(known), len(ends), horizon), np.nan)
    for weeks in range(1, 5):
        place = np.array(ends)[:, None] - 7 * weeks + ahead % 7
        found = np.where(np.isnan(found), known[:, np.maximum(place, 0)], found)
    return found


def _wape(forecasts: Floats, actual: Floats, both: Flags) -> Floats:
    """Absolute errors over sales, by platform; NaN where nothing can be compared."""
    errors = np.where(both, np.abs(forecasts - actual), 0).sum(axis=(1, 2))
    sold = np.where(both, actual, 0).sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = np.where(sold > 0, errors / sold, np.nan)
    return share


def _told(
    shop: _Shop, tried: list[_Tried], actual: Floats, params: ForecastParams
) -> tuple[Floats, pl.DataFrame]:
    """What is expected of the platforms; rows of days and months, the company's among them."""
    baseline, naive = (one.values for one in tried)
    past = slice(0, actual.shape[1] - 1)
    both = np.isfinite(actual[:, past] + baseline[:, past] + naive[:, past])
    enough = both.any(axis=2).sum(axis=1) >= params.least_origins
    wape, naive_wape = (_wape(one[:, past], actual[:, past], both) for one in (baseline, naive))
    ready = np.asarray(np.isfinite(baseline[:, -1]).all(axis=1))
    better = np.asarray(enough & ready & (wape <= naive_wape))
    chosen = np.where(better[:, None, None], baseline, naive)
    errors = [float(one if is_better else other)
              for one, other, is_better in zip(wape, naive_wape, better, strict=True)]  # fmt: skip
    method = [tried[0 if one else 1].method for one in better.tolist()]
    sums = [one.sum(axis=0)[None] for one in (chosen, naive, actual)]
    of_company = [
        _wape(one[:, past], sums[2][:, past], np.asarray(both.all(axis=0))[None])[0]
        for one in sums[:2]
    ]
    parts = [
        (name, chosen[row], actual[row], shop.sold[row], method[row],
         errors[row], naive_wape[row])
        for row, name in enumerate(shop.names)
    ]  # fmt: skip
    own = method[0] if len(set(method)) == 1 else "mixed"
    parts.append(("all", sums[0][0], sums[2][0], shop.sold.sum(axis=0), own, *of_company))
    made = [
        frame.with_columns(
            platform=pl.lit(name), method=pl.lit(how),
            wape=pl.lit(error), naive_wape=pl.lit(naive_error),
        )
        for name, expected, came, sold, how, error, naive_error in parts
        for frame in _periods(shop.dates, expected, came, sold, params)
    ]  # fmt: skip
    return chosen, (
        pl.concat(made)
        .with_columns(made_on=pl.lit(shop.dates[shop.sold.shape[1] - 1]))
        .select(pl.col(name).cast(kind) for name, kind in FORECAST_SCHEMA.items())
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .sort("grain", "platform", "period_start")
    )


def _periods(
    dates: list[date], expected: Floats, came: Floats, observed: Floats, params: ForecastParams
) -> list[pl.DataFrame]:
    """The days ahead of one series, and the months that end within them.

    Args:
        dates: all days, those ahead last.
        expected: origins x days ahead, the last origin today.
        came: the same, NaN where not known.
        observed: of the days before.
        params: the ranges.
    """
    days, ahead = dates[: -params.horizon_days], dates[-params.horizon_days :]
    reach, origins = _reach(expected[:-1], came[:-1], params)
    daily = pl.DataFrame({"period_start": ahead, "rest": expected[-1], "reach": reach,
                          "origins": origins}).with_columns(
        grain=pl.lit("day"), observed_amount=pl.lit(None, pl.Float64), unknown_days=pl.lit(0)
    )  # fmt: skip
    reach, origins = _reach(expected[:-1].cumsum(axis=1), came[:-1].cumsum(axis=1), params)
    months, first = [], days[-1].replace(day=1)
    while (end := (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)) <= ahead[-1]:
        sold = observed[np.array(days) >= first]
        before, left = max((first - days[-1]).days - 1, 0), (end - days[-1]).days
        months.append({
            "grain": "month", "period_start": first, "observed_amount": np.nansum(sold),
            "unknown_days": int(np.isnan(sold).sum()), "rest": expected[-1, before:left].sum(),
            "reach": reach[left - 1] if left else 0.0, "origins": origins[max(left - 1, 0)],
        })  # fmt: skip
        first = end + timedelta(days=1)
    known, rest, far = (pl.col("observed_amount").fill_null(0), pl.col("rest"), pl.col("reach"))
    return [
        frame.select(
            "grain", "period_start", "observed_amount", "unknown_days", "origins",
            expected_amount=known + rest,
            lower_amount=known + rest * (-far).exp(),
            upper_amount=known + rest * far.exp(),
        )
        for frame in (daily, pl.DataFrame(months, schema=daily.schema))
    ]  # fmt: skip


def _reach(
    expected: Floats, came: Floats, params: ForecastParams
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """How far, in logarithms, what came was from what was expected, and from how many origins.

    The root mean square over the origins, times Student's quantile, by days ahead; neighbours
    within three days are counted with a day, as one origin tells little.
    """
    from scipy.special import stdtrit

    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.log(came / expected)
    known = np.isfinite(error).astype(float)
    square = np.where(known > 0, error, 0) ** 2
    ahead = np.arange(error.shape[1])
    near = (np.abs(ahead[:, None] - ahead) <= _NEIGHBOURS).astype(float)
    origins = ((known @ near) > 0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt((square @ near).sum(axis=0) / (known @ near).sum(axis=0))
    quantile = stdtrit(np.maximum(origins - 1, 1), (1 + params.level) / 2)
    return np.where(origins >= params.least_origins, spread * quantile, np.nan), origins
