"""How near, how sure and how fast the statistical models are.

    python benchmarks/model_score.py speed              # attribution, customer value, baskets
    python benchmarks/model_score.py demand FOLDER ...  # backtest on the data folders of demos

What is promised (ranges, service) is scored by `plan_score.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter, process_time

import duckdb
import numpy as np
import polars as pl

from models.attribution import credited
from models.baskets import basket_rules
from models.customer_value import fit_purchases, fit_spend
from models.demand import backtest
from models.forecast import outlook
from models.future_sales import future_sales
from orchestration.build.insight_frames import read_frames
from orchestration.build.plan_frames import BASKETS, UNITS

_SEED = 5


def _timed(name: str, since: tuple[float, float]) -> None:
    print(f"| {name} | {perf_counter() - since[0]:.2f} | {process_time() - since[1]:.2f} |")


def speed() -> None:
    """Wall and CPU seconds of what has a bar, on data drawn at random."""
    random = np.random.default_rng(_SEED)
    print("| what | wall s | CPU s |\n|---|---|---|")
    _attribution(random)
    _customers(random)
    _baskets(random)


def _attribution(random: np.random.Generator) -> None:
    """10 M paths of 1 to 6 visits by 12 channels, counted by DuckDB, then credited."""
    con = duckdb.connect()
    names = [f"channel {number}" for number in range(12)]
    lengths = random.integers(1, 7, 10_000_000)
    visits = pl.DataFrame({
        "path": np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
        "channel": pl.Series(random.integers(0, 12, lengths.sum())).replace_strict(
            dict(enumerate(names)), return_dtype=pl.Categorical
        ),
    }).group_by("path", maintain_order=True).agg("channel")  # fmt: skip
    paths = visits.select(path=pl.col("channel").cast(pl.List(pl.String)))
    bought = random.random(len(lengths)) < 0.03
    paths = paths.with_columns(orders=bought.astype(int), revenue=bought * 100.0)
    con.register("paths", paths)
    since = perf_counter(), process_time()
    collapsed = con.sql("""
        select 'site' as platform, path, sum(orders)::bigint as orders,
            (count(*) - sum(orders))::bigint as nulls, sum(revenue) as revenue
        from paths
        group by all
    """).pl()
    _timed(f"10 M paths counted ({collapsed.height:,} distinct)", since)
    since = perf_counter(), process_time()
    credited(collapsed)
    _timed("Markov and Shapley of these", since)


def _customers(random: np.random.Generator) -> None:
    """1 M customers of BG/NBD and Gamma-Gamma, times in weeks."""
    count = 1_000_000
    age = random.integers(1, 105, count)
    rate, leaves = random.gamma(0.6, 1 / 8.0, count), random.beta(1.2, 3.0, count)
    made = np.minimum(random.poisson(rate * age), random.geometric(leaves) - 1)
    last = np.where(made > 0, np.ceil(age * random.beta(np.maximum(made, 1), 1)), 0)
    mean = random.gamma(6.0 * np.maximum(made, 1)) / np.maximum(made, 1)
    customers = pl.DataFrame({
        "frequency": made, "recency": np.minimum(last, age), "age": age,
        "monetary": np.where(made > 0, mean * random.lognormal(2, 0.5, count), 0.0), "group": "a",
    })  # fmt: skip
    since = perf_counter(), process_time()
    fit_purchases(customers), fit_spend(customers)
    _timed("BG/NBD and Gamma-Gamma fitted to 1 M customers", since)
    since = perf_counter(), process_time()
    future_sales(customers, 52)
    _timed("the same with what each will buy, and its range", since)


def _baskets(random: np.random.Generator) -> None:
    """10 M lines of 4 M orders and 2,000 products of very different popularity."""
    count, products = 10_000_000, 2_000
    popular = 1 / np.arange(1, products + 1) ** 0.8
    lines = pl.DataFrame({
        "source": "s", "order_id": random.integers(0, 4_000_000, count),
        "product_id": random.choice(products, count, p=popular / popular.sum()),
    }).with_columns(pl.col("order_id", "product_id").cast(pl.String))  # fmt: skip
    con = duckdb.connect()
    con.register("lines", lines)
    con.execute("create schema marts")
    con.execute("""
        create table marts.fct_order_items as
        select *, true as is_goods, false as is_gift, date '2026-01-01' as business_date from lines
    """)
    con.execute("""
        create table marts.fct_orders as
        select distinct source, order_id, 'site' as platform, true as is_paid from lines
    """)
    con.execute("create table marts.fct_gmv_daily as select date '2026-01-01' as business_date")
    since = perf_counter(), process_time()
    pairs = con.sql(BASKETS).pl()
    _timed(f"pairs of 10 M lines ({pairs.height:,} pairs)", since)
    since = perf_counter(), process_time()
    basket_rules(pairs, pairs.select("platform", "product_id", product_name="product_id").unique())
    _timed("their rules", since)


def demand(folder: Path) -> None:
    """Absolute errors over what came, of each way, by horizon; all products of a folder."""
    con = duckdb.connect(str(folder / "build/good.duckdb"), read_only=True)
    frames = read_frames(lambda sql: con.sql(sql).pl(), "Asia/Shanghai")
    sales = outlook(frames.daily, frames.dates, frames.promos, frames.completeness)
    tried = backtest(con.sql(UNITS).pl(), sales)
    print(f"\n{folder}: {tried['series'].n_unique()} products")
    told = tried.group_by("horizon_days", "way").agg(
        wape=pl.col("missed").sum() / pl.col("came").sum()
    )
    for (horizon,), part in told.sort("horizon_days", "wape").group_by(
        "horizon_days", maintain_order=True
    ):
        ways = ", ".join(f"{row['way']} {row['wape']:.3f}" for row in part.to_dicts())
        print(f"{horizon} days: {ways}")


def main() -> None:
    """See the module."""
    what, *folders = sys.argv[1:] or ["speed"]
    if what == "speed":
        speed()
    for folder in folders:
        demand(Path(folder))


if __name__ == "__main__":
    main()
