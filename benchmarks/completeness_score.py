"""How often data alerts cry wolf, and how many planted gaps they find, on simulated shops.

Simulated is what completeness is judged from: rows an hour of orders and events of a shop, over two
years. The judgement is the product's: its SQL on a build file, its incidents on top. Of each
size (orders on an ordinary day) there is one shop a seed; it has a country whose holidays it keeps
or works through, weekdays, perhaps a closed one, seasons, sales three times an ordinary day, days
that end early before holidays, and days a fifth better or worse than expected without a reason.
Every second shop has no events, as marketplaces give none.

Planted are gaps that cost at least `LEAST_LOST` rows the shop expects: fewer are not told from
chance by their number. So a shop of 5 orders a day loses three days, one of 20 the most of a day;
events are lost over as many days, since it is the orders that tell them from a quiet day.
An alert is false if it touches no planted gap of its shop. The thresholds of
`dbt_project/macros/metrics/completeness.sql` were chosen on the seeds 101 to 108.

Run: python benchmarks/completeness_score.py [--seeds 1 2 3 4 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from models.data_incidents import data_incidents
from orchestration.build.raw import create_raw
from orchestration.config.calendar import seeded
from tests.support.raw import PROJECT, run_dbt

SIZES = (5, 20, 200)
SEEDS = (1, 2, 3, 4, 5)
COUNTRIES = ("DE", "US", "CN", "FR", "GB")
FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)
LEAST_LOST = 12.0
GAPS_A_SHOP = 24
_WARM = 70  # days before the first planted gap
_ROWS_A_VISIT, _CONVERSION = 10, 0.03
_PROFILE = np.array([1.2, .7, .4, .2, .2, .3, .7, 1.4, 2.4, 3.4, 4.2, 4.6, 4.6, 4.4, 4.4, 4.6, 5,
                     5.4, 5.8, 6.4, 7, 7, 5.6, 3])  # fmt: skip
_MODELS = (
    "holiday_calendar", "promo_calendar", "int_calendar_promos", "int_calendar_promo_days",
    "int_completeness_days", "int_completeness_expectations", "int_completeness_judged",
    "source_completeness_daily",
)  # fmt: skip

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shop:
    """Rows of a shop, days x hours, and the days of its planted gaps by number.

    Attributes:
        bought: purchases among its events: the orders as they were before a gap was planted.
    """

    name: str
    country: str
    orders: Counts
    events: Counts
    bought: Counts
    gaps: list[tuple[str, range]]


@dataclass(frozen=True)
class Score:
    """Figures of the shops of one size."""

    size: int
    shop_years: float
    false_alerts: int
    planted: dict[str, int]
    found: dict[str, int]

    @property
    def false_a_year(self) -> float:
        """False data alerts a shop-year."""
        return self.false_alerts / self.shop_years

    @property
    def recall(self) -> float:
        """Part of the planted gaps that an alert names."""
        return sum(self.found.values()) / sum(self.planted.values())


def shop(seed: int, size: int) -> Shop:
    """One shop, with its gaps planted."""
    rng = np.random.default_rng([seed, size])
    days = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
    country = COUNTRIES[seed % len(COUNTRIES)]
    level = size * _levels(rng, days, country)
    share = _PROFILE / _PROFILE.sum()
    profile = share * np.exp(rng.normal(0, 0.1, (len(days), 24)))  # no day has quite its hours
    early = np.isin(days, [d - timedelta(1) for d in _holidays(country)]) & (rng.random() < 0.5)
    profile[early, 17:] *= 0.05
    profile /= profile.sum(axis=1, keepdims=True)
    visits = level / _CONVERSION * np.exp(rng.normal(0, 0.15, len(days)))
    orders = rng.poisson(level[:, None] * profile)
    events = rng.poisson(visits[:, None] * profile) * _ROWS_A_VISIT
    events *= seed % 2
    bought = orders.copy()
    gaps = _planted(rng, level, profile, orders, events)
    return Shop(f"s{size}_{seed}", country, orders, events, bought * (events > 0), gaps)


def _levels(rng: np.random.Generator, days: list[date], country: str) -> Floats:
    """What a shop of one order a day expects of each day; zero where it is closed."""
    number = np.arange(len(days))
    weekday = np.array([day.weekday() for day in days])
    of_weekday = np.exp(rng.normal(0, 0.2, 7))
    if rng.random() < 0.4:
        of_weekday[6] = 0.0  # closed on Sundays
    noise, carried = rng.normal(0, 0.2, len(days)), np.zeros(len(days))
    for n in range(1, len(days)):
        carried[n] = 0.4 * carried[n - 1] + noise[n]
    season = 0.25 * np.sin(2 * np.pi * (number / 365.25 + rng.random()))
    level = of_weekday[weekday] * np.exp(carried + season + rng.normal(0, 0.3) * number / 730)
    for begin, end in _sales(country):
        level[np.array([begin <= day <= end for day in days])] *= 3
    off = np.isin(days, sorted(_holidays(country)))
    level[off] *= 0.0 if rng.random() < 0.5 else rng.uniform(0.3, 1.0)
    return np.asarray(level)


def _holidays(country: str) -> set[date]:
    return {
        date.fromisoformat(row["holiday_date"]) + timedelta(n)
        for row in seeded("holiday_calendar")
        if row["country"] == country
        for n in range(int(row["days"]))
    }


def _sales(country: str) -> list[tuple[date, date]]:
    return [
        (datetime.fromisoformat(row["starts_at"]).date(),
         datetime.fromisoformat(row["ends_at"]).date() - timedelta(1))
        for row in seeded("promo_calendar")
        if row["country"] == country and row["phase"] in {"peak", "opening"}
    ]  # fmt: skip


def _planted(
    rng: np.random.Generator, level: Floats, profile: Floats, orders: Counts, events: Counts
) -> list[tuple[str, range]]:
    """Take rows away: whole days, the rest of a day, most events of a day."""
    places = np.linspace(_WARM, len(level) - 8, GAPS_A_SHOP).astype(int)
    gaps: list[tuple[str, range]] = []
    for number, place in enumerate(places):
        day = int(place) + int(rng.integers(0, 6))
        kind = ("no_rows", "stops_early", "few_rows")[number % (3 if events.any() else 2)]
        if level[day] < 0.3 * np.median(level):
            continue  # closed, or as good as
        length = 1
        while kind != "stops_early" and level[day : day + length].sum() < LEAST_LOST:
            length += 1
        lost = slice(day, day + length)
        if kind == "no_rows":
            orders[lost] = 0
        elif kind == "stops_early":
            hour = int(rng.integers(6, 17))
            is_small = level[day] * profile[day, hour:].sum() < LEAST_LOST
            if is_small and not events.any():
                continue
            feed = events if events.any() and (is_small or rng.random() < 0.5) else orders
            feed[day, hour:] = 0
        else:
            kept = rng.uniform(0.0, 0.15)
            events[lost] = rng.binomial(events[lost] // _ROWS_A_VISIT, kept) * _ROWS_A_VISIT
        gaps.append((kind, range(day, day + length)))
    return gaps


def judged(shops: Sequence[Shop], root: Path) -> pl.DataFrame:
    """`quality.source_completeness_daily` of all shops, by the product's own SQL."""
    build = root / "completeness.duckdb"
    first, last = FIRST, LAST
    sources = pl.DataFrame(
        [(s.name, s.name, s.name, feed, True, last, "instant", None) for s in shops
         for feed in ("orders", "events") if feed == "orders" or s.events.any()],
        schema=["source", "platform", "shop_id", "feed", "is_expected_daily", "expected_until",
                "instant_kind", "delivers_until"], orient="row",
        schema_overrides={"delivers_until": pl.Date},
    )  # fmt: skip
    arrivals = pl.concat([
        _arrivals(s.name, feed, rows, s.bought)
        for s in shops
        for feed, rows in (("orders", s.orders), ("events", s.events))
        if rows.any()
    ])  # fmt: skip
    countries = pl.DataFrame(  # noqa: F841 - read by name
        [(s.name, s.country) for s in shops], schema=["platform", "country"], orient="row"
    )
    with duckdb.connect(build) as con:
        create_raw(con, root, [], {}, last)
        con.execute("create or replace table raw.sources as from sources")
        con.execute("create or replace table raw.calendar_countries as from countries")
        con.execute("create schema if not exists intermediate")
        con.execute("create table intermediate.int_completeness_arrivals as from arrivals")
        con.execute(
            "create table intermediate.int_calendar_days as select cast(unnest(generate_series("
            "?::date, ?::date, interval 1 day)) as date) as business_date", [first, last],
        )  # fmt: skip
    del sources, arrivals
    run_dbt(PROJECT, build, "build", "--select", *_MODELS, "--exclude-resource-type", "test",
            "unit_test", vars={"reporting_timezone": "UTC"})  # fmt: skip
    with duckdb.connect(build, read_only=True) as con:
        return con.sql("from quality.source_completeness_daily").pl()


def _arrivals(source: str, feed: str, rows: Counts, bought: Counts) -> pl.DataFrame:
    """Rows of `int_completeness_arrivals`; the last row of an hour comes late in it by chance."""
    day, hour = np.nonzero(rows)
    count = rows[day, hour]
    spread = np.random.default_rng(len(day)).random(len(day)) ** (1 / count)
    start = (
        np.datetime64(FIRST, "us") + day * np.timedelta64(1, "D") + hour * np.timedelta64(1, "h")
    )
    last = start + (spread * 3.6e9).astype("timedelta64[us]")
    is_purchase = (bought[day, hour] > 0) & (feed == "events")
    purchase = np.where(is_purchase, last, np.datetime64("NaT"))
    return pl.DataFrame({
        "source": source, "feed": feed,
        "business_date": np.datetime64(FIRST, "D") + day * np.timedelta64(1, "D"),
        "local_hour": pl.Series(hour, dtype=pl.Int32), "arrived_rows": count,
        "first_at": start, "last_at": last,
        "last_purchase_at": purchase,
    }).with_columns(pl.col("business_date").cast(pl.Date))  # fmt: skip


def score(shops: Sequence[Shop], completeness: pl.DataFrame) -> list[Score]:
    """Count the product's data incidents against what was planted."""
    incidents = data_incidents(completeness).filter(pl.col("dimension") != "all")
    by_size: dict[int, Score] = {}
    for one in shops:
        size = int(one.name.split("_")[0][1:])
        known = by_size.setdefault(size, Score(size, 0.0, 0, {}, {}))
        alerts = [
            ((row["opened_date"] - FIRST).days, (row["last_date"] - FIRST).days)
            for row in incidents.filter(pl.col("platform") == one.name).to_dicts()
        ]
        false = sum(
            not any(begin < gap.stop and end >= gap.start for _, gap in one.gaps)
            for begin, end in alerts
        )
        planted, found = dict(known.planted), dict(known.found)
        for kind, gap in one.gaps:
            planted[kind] = planted.get(kind, 0) + 1
            hit = any(begin < gap.stop and end >= gap.start for begin, end in alerts)
            found[kind] = found.get(kind, 0) + hit
        years = known.shop_years + len(one.orders) / 365.25
        by_size[size] = Score(size, years, known.false_alerts + false, planted, found)
    return list(by_size.values())


def measured(seeds: Sequence[int], sizes: Sequence[int], root: Path) -> list[Score]:
    """Simulate, judge and count."""
    shops = [shop(seed, size) for size in sizes for seed in seeds]
    return score(shops, judged(shops, root))


def main() -> None:
    """Print the figures of each size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        scores = measured(options.seeds, SIZES, Path(folder))
    if options.json:
        print(json.dumps([asdict(s) for s in scores]))
        return
    for s in scores:
        parts = ", ".join(f"{kind} {s.found[kind]} of {n}" for kind, n in sorted(s.planted.items()))
        print(
            f"{s.size:>4} orders a day: {s.false_alerts} false in {s.shop_years:.1f} shop-years"
            f" ({s.false_a_year:.2f} a year); found {s.recall:.1%} ({parts})"
        )
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
