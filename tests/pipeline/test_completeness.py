"""Data alerts of simulated and of hand-made shops, judged by the product's SQL in one build.

A shop is its rows an hour; the files they would come in are tested elsewhere.
"""

from __future__ import annotations

import math
import re
from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.completeness_score import FIRST, LAST, SEEDS, SIZES, Shop, judged, score, shop
from tests.support.raw import PROJECT

DAYS = (LAST - FIRST).days + 1
HOURS = np.arange(24)


def at(day: str) -> int:
    return (date.fromisoformat(day) - FIRST).days


def steady(per_hour: int, first: int = 8, last: int = 22) -> np.ndarray:
    """So many orders every hour from the first to the last, the same every day."""
    rows = np.where((first <= HOURS) & (last >= HOURS), per_hour, 0)
    return np.tile(rows, (DAYS, 1))


def by_hand() -> dict[str, Shop]:
    """Shops of one trait each, in Germany and China."""
    weekday = (np.arange(DAYS) + FIRST.weekday()) % 7
    sundays, saturdays = weekday == 6, weekday == 5
    closed = steady(2)
    closed[sundays] = 0
    once_open = closed.copy()
    once_open[at("2025-05-04")] = 2  # one Sunday of eight was open
    shut = steady(2)
    for year in (2024, 2025):
        shut[at(f"{year}-12-25") : at(f"{year}-12-26") + 1] = 0
    eve = steady(2)
    eve[at("2025-12-24"), 16:] = 0
    eve[at("2025-12-24"), :16] *= 2  # more orders than usual, and none after four
    saturday = steady(4)
    saturday[saturdays, 14:] = 0  # closes at two
    short = saturday.copy()
    short[at("2025-05-07"), 14:] = 0  # a Wednesday that ends as Saturdays do
    golden = steady(2)
    for year in (2024, 2025):
        golden[at(f"{year}-10-01") : at(f"{year}-10-07") + 1] = 0
    lost = steady(2)
    lost[at("2025-05-07")] = 0
    slow = np.zeros((DAYS, 24), dtype=int)
    slow[:, [10, 15, 20]] = 1  # three a day
    slow[at("2025-05-07")] = 0  # as may happen
    slow[at("2025-06-04") : at("2025-06-06") + 1] = 0  # nine expected, none came
    stopped = steady(2)
    stopped[at("2025-09-01") :] = 0
    nothing = np.zeros((DAYS, 24), dtype=int)
    named = {
        "closed": closed, "once_open": once_open, "shut": shut, "eve": eve, "saturday": saturday,
        "short": short, "golden": golden, "lost": lost, "slow": slow, "stopped": stopped,
    }  # fmt: skip
    return {
        name: Shop(name, "CN" if name == "golden" else "DE", rows, nothing, nothing, [])
        for name, rows in named.items()
    }


@pytest.fixture(scope="module")
def completeness(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    shops = [*by_hand().values(), *simulated()]
    return judged(shops, tmp_path_factory.mktemp("completeness"))


def simulated() -> list[Shop]:
    return [shop(seed, size) for size in SIZES for seed in SEEDS]


def gaps(completeness: pl.DataFrame, name: str) -> dict[str, str]:
    rows = completeness.filter((pl.col("source") == name) & ~pl.col("is_complete"))
    return {
        str(row["business_date"]): row["reason"] for row in rows.sort("business_date").to_dicts()
    }


@pytest.mark.parametrize("size", SIZES)
def test_simulated_shops_have_few_false_alerts_and_their_gaps_are_found(
    completeness: pl.DataFrame, size: int
) -> None:
    [told] = [s for s in score(simulated(), completeness) if s.size == size]
    assert sum(told.planted.values()) >= 50
    assert told.false_a_year <= 1, told
    assert told.recall >= 0.95, told


def test_a_closed_weekday_is_no_gap_also_where_one_of_them_was_open(
    completeness: pl.DataFrame,
) -> None:
    assert gaps(completeness, "closed") == {}
    assert gaps(completeness, "once_open") == {}


def test_a_shop_that_closes_at_christmas_is_asked_once(completeness: pl.DataFrame) -> None:
    """The first time nobody can know; the second time it did the same last year."""
    found = gaps(completeness, "shut")
    assert min(found) == "2024-12-25" and max(found) <= "2024-12-26", found


def test_a_golden_week_is_that_of_the_year_before(completeness: pl.DataFrame) -> None:
    found = gaps(completeness, "golden")
    assert all(day < "2025" for day in found), found
    assert "2024-10-01" in found


def test_christmas_eve_may_end_early_and_ordinary_days_may_not(completeness: pl.DataFrame) -> None:
    assert gaps(completeness, "eve") == {}
    assert gaps(completeness, "saturday") == {}
    assert gaps(completeness, "short") == {"2025-05-07": "stops_early"}


def test_a_day_of_few_orders_may_be_empty_and_three_days_may_not(
    completeness: pl.DataFrame,
) -> None:
    assert gaps(completeness, "lost") == {"2025-05-07": "no_rows"}
    silent = {f"2025-06-0{n}": "no_rows" for n in (4, 5, 6)}
    assert gaps(completeness, "slow") == silent


def test_a_source_that_stopped_is_missed_for_weeks(completeness: pl.DataFrame) -> None:
    """For eight weeks the weekdays before say that rows should come; then there is no history."""
    found = gaps(completeness, "stopped")
    first = date(2025, 9, 1)
    assert set(found) >= {str(first + timedelta(n)) for n in range(49)}
    assert min(found) == "2025-09-01"


def _macro(name: str, **columns: float) -> float:
    """The value of a macro of `completeness.sql`, its SQL run by the engine."""
    from jinja2 import Environment

    text = (PROJECT / "macros/metrics/completeness.sql").read_text("utf-8")
    ratio = (PROJECT / "macros/metrics/ratio.sql").read_text("utf-8")
    call = "silence('t')" if name == "silence" else "surprise('t.counted', 't.mean')"
    sql = Environment().from_string(text + ratio + "{{ " + call + " }}").render()
    named = ", ".join(f"cast({value!r} as double) as {column}" for column, value in columns.items())
    [row] = duckdb.execute(f"select {sql} from (select {named}) as t").fetchall()
    return float(row[0])


MACROS = (PROJECT / "macros/metrics/completeness.sql").read_text("utf-8")
OF_ORDERS = float(re.findall(r"conversion_shape\(\) %\}([\d.]+)", MACROS)[0])
SHAPE = float(re.findall(r"level_shape\(\) %\}([\d.]+)", MACROS)[0])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.floats(1, 400), st.floats(0, 0.99))
def test_silence_is_the_chance_of_scipy(arrived: int, expected: float, share: float) -> None:
    """Negative binomial: the level given the rows that came, then none of the later ones."""
    later = expected * share
    told = _macro("silence", arrived_rows=arrived, expected_rows=expected,
                  expected_later_rows=later, rows_at_once=1.0)  # fmt: skip
    rate = SHAPE + expected - later
    assert told == pytest.approx(
        -stats.nbinom.logpmf(0, SHAPE + arrived, rate / (rate + later)), rel=1e-9, abs=1e-9
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 300), st.floats(0.05, 200))
def test_surprise_bounds_the_tail_of_scipy(counted: int, mean: float) -> None:
    """Never more sure than the exact tail of the negative binomial; and not far below it.

    The bound lacks what Stirling's formula gives a single count.
    """
    told = _macro("surprise", counted=counted, mean=mean)
    if counted <= mean:
        return
    exact = -stats.nbinom.logsf(counted - 1, OF_ORDERS, OF_ORDERS / (OF_ORDERS + mean))
    assert told <= exact + 1e-9
    if math.isfinite(exact):
        wide = counted * (counted + OF_ORDERS) / OF_ORDERS
        assert exact - told <= 0.5 + 0.5 * math.log(2 * math.pi * wide)
