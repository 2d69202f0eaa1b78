"""The factors of the GMV identity on both sides of a comparison, from the published marts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from dashboards.wording.changes import Effect

COUNTS = ("visitors", "tracked_buyers", "untracked_buyers", "buyers", "identified_orders",
          "anonymous_orders", "orders", "gmv")  # fmt: skip
# First and last base day, in days before; as dbt's int_gmv_comparisons.
_WINDOWS = {
    "previous_day": (1, 1),
    "last_week": (7, 7),
    "last_year": (364, 364),
    "trailing_28d": (28, 1),
}
_SUMS = ", ".join(f"cast(sum({name}) as double) / ? as {name}" for name in COUNTS)
_WINDOW = f"""
    select {_SUMS} from marts.fct_gmv_daily
    where dimension = 'all' and business_date between ? and ?
"""
# Whole days of a phase against those of last year's, platform by platform.
_PHASE = f"""
    with phases as (
        select platform, promo, phase, promo_year, start_date, end_date from marts.dim_promo
    ),
    base as (
        select now.platform,
            before.start_date + cast(cast(? as date) - now.start_date as integer) as base_date
        from phases as now
        inner join phases as before
            on now.platform = before.platform and now.promo = before.promo
            and now.phase = before.phase and now.promo_year = before.promo_year + 1
        where cast(? as date) between now.start_date and now.end_date
    )
    select {_SUMS} from marts.fct_gmv_daily as daily
    inner join base
        on daily.business_date = base.base_date and daily.segment = base.platform
    where daily.dimension = 'platform'
"""
_CENT = 0.01


@dataclass(frozen=True)
class Driver:
    """One factor of GMV on the day and in the comparison.

    Attributes:
        name: as in `fct_gmv_change` without `_effect`.
        label: in the asked language.
        value: on the day; None where it is not defined.
        base_value: in the comparison; None where it is not known.
        effect: money the change of the factor brought or cost.
    """

    name: str
    label: str
    value: float | None
    base_value: float | None
    effect: float


def sides(
    con: duckdb.DuckDBPyConnection, day: date, comparison: str, base_gmv: float
) -> tuple[dict[str, float], dict[str, float] | None]:
    """Company counts of the day and of what it is compared with.

    Args:
        con: connection to the published marts.
        day: the day.
        comparison: name of the comparison.
        base_gmv: base GMV of `fct_gmv_change`; where the counts do not rebuild it, they are not
            those of the comparison, and None is returned for them.
    """
    now = _counts(con, _WINDOW, [1] * len(COUNTS), [day, day])
    if comparison in _WINDOWS:
        first, last = (day - timedelta(days=back) for back in _WINDOWS[comparison])
        divisor = (last - first).days + 1
        base = _counts(con, _WINDOW, [divisor] * len(COUNTS), [first, last])
    elif comparison == "promo_phase":
        base = _counts(con, _PHASE, [], [1] * len(COUNTS), dates=[day, day])
    else:
        base = {}
    is_same = abs(base.get("gmv", float("nan")) - base_gmv) <= _CENT
    return now, base if is_same else None


def _counts(
    con: duckdb.DuckDBPyConnection,
    query: str,
    *values: list[Any],
    dates: list[date] | None = None,
) -> dict[str, float]:
    flat = [*(dates or []), *(value for part in values for value in part)]
    rows = con.execute(query, flat).fetchall()
    return {name: float(value or 0) for name, value in zip(COUNTS, rows[0], strict=True)}


def factor(name: str, counts: dict[str, float] | None) -> float | None:
    """The value of one factor; None where it is unknown or its denominator is zero."""
    if counts is None:
        return None
    if name in counts:
        return counts[name]
    parts = {
        "conversion": ("tracked_buyers", "visitors"),
        "orders_per_buyer": ("identified_orders", "buyers"),
        "aov": ("gmv", "orders"),
    }.get(name)
    if parts is None or not counts[parts[1]]:
        return None
    return counts[parts[0]] / counts[parts[1]]


def drivers(
    effects: list[Effect], now: dict[str, float], base: dict[str, float] | None
) -> list[Driver]:
    """The drivers in chain order, with their values on both sides.

    Args:
        effects: `dashboards.wording.changes.effects` of the company's row.
        now: counts of the day.
        base: counts of the comparison, None if not known.
    """
    return [
        Driver(e.name, e.label, factor(e.name, now), factor(e.name, base), e.amount)
        for e in effects
    ]
