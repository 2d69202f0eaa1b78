"""The golden shop through dbt: marts equal to what was worked out on paper (README.md beside)."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.golden.reference import COLUMNS, limit
from tests.support.raw import PROJECT, read, run_dbt

EXPECTED = Path(__file__).parent / "expected"
DAYS = [date(2025, 11, 9), *(date(2026, 11, day) for day in range(7, 14))]
KEY = ["business_date", "dimension", "segment"]
SIDE = [
    "visitors", "tracked_buyers", "untracked_buyers", "buyers", "identified_orders",
    "anonymous_orders", "orders", "gmv",
]  # fmt: skip


def table(build_file: Path, name: str) -> pl.DataFrame:
    return read(build_file, f"from {name}")


def on_paper(name: str, like: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """An expected file with the types of the table it is compared with."""
    columns = (EXPECTED / name).read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    types = {column: like.schema[column] for column in columns}
    return pl.read_csv(EXPECTED / name, schema_overrides=types).sort(key)


def test_orders(golden_build: Path) -> None:
    found = table(golden_build, "marts.fct_orders")
    wanted = on_paper("fct_orders.csv", found, ["order_id"])
    assert_frame_equal(found.select(wanted.columns).sort("order_id"), wanted)


def test_every_row_of_eight_days(golden_build: Path) -> None:
    found = table(golden_build, "marts.fct_gmv_daily").filter(pl.col("business_date").is_in(DAYS))
    wanted = on_paper("fct_gmv_daily.csv", found, KEY)
    assert_frame_equal(found.select(wanted.columns).sort(KEY), wanted)


def test_ratios_follow_from_the_counts(golden_build: Path) -> None:
    found = table(golden_build, "marts.fct_gmv_daily")
    wanted = on_paper("fct_gmv_daily.csv", found, KEY).with_columns(
        buyers=pl.col("tracked_buyers") + pl.col("untracked_buyers"),
        orders=pl.col("identified_orders") + pl.col("anonymous_orders"),
        gmv=pl.col("gmv").cast(pl.Float64),
    )

    def divided(above: str, below: str) -> pl.Expr:
        return pl.when(pl.col(below) > 0).then(pl.col(above) / pl.col(below))

    wanted = wanted.select(
        *KEY,
        "buyers",
        "orders",
        conversion_rate=divided("tracked_buyers", "visitors"),
        orders_per_buyer=divided("identified_orders", "buyers"),
        aov=divided("gmv", "orders"),
        gmv_per_buyer=divided("gmv", "buyers"),
    )
    found = found.filter(pl.col("business_date").is_in(DAYS)).sort(KEY)
    assert_frame_equal(found.select(wanted.columns), wanted, rel_tol=1e-15)


def test_the_company_has_all_370_days(golden_build: Path) -> None:
    company = table(golden_build, "marts.fct_gmv_daily").filter(pl.col("dimension") == "all")
    assert company.height == 370
    assert company["business_date"].min() == date(2025, 11, 9)
    assert company["business_date"].max() == date(2026, 11, 13)
    assert company["gmv"].sum() == 1920
    assert company["net_sales"].sum() == company["net_sales_by_order_date"].sum() == 1750


def test_changes_by_factor(golden_build: Path) -> None:
    key = ["business_date", "comparison", "dimension", "segment"]
    sides = pl.read_csv(EXPECTED / "fct_gmv_change_sides.csv", try_parse_dates=True).sort(key)
    found = table(golden_build, "marts.fct_gmv_change").join(sides.select(key), on=key).sort(key)
    assert_frame_equal(found.select(key), sides.select(key))
    wanted = [wanted_effects(row) for row in sides.iter_rows(named=True)]
    for row, expected in zip(found.iter_rows(named=True), wanted, strict=True):
        context = {name: row[name] for name in key}
        assert (context, row["method"]) == (context, expected.pop("method"))
        for name, value in expected.items():
            close = None if value is None else pytest.approx(value, abs=1e-8)
            assert row[name] == close, (context, name)


def wanted_effects(row: dict[str, float | None]) -> dict[str, float | str | None]:
    """Counts of both sides, the base a mean of days, and effects by the oracle in decimals."""

    def counts(prefix: str, days: float) -> list[float]:
        value = {name: row[prefix + name] or 0 for name in row if prefix + name in row}
        buyers = value["tracked"] + value["untracked"]
        orders = value["identified"] + value["anonymous"]
        counted = [
            value["company_visitors"], value["visitors"], value["tracked"], value["untracked"],
            buyers, value["identified"], value["anonymous"], orders, value["gmv"],
        ]  # fmt: skip
        return [number / days for number in counted]

    now, base = counts("", 1), counts("base_", row["days"])
    return {
        **dict(zip(COLUMNS, limit(now, base), strict=True)),
        **dict(zip(SIDE, now[1:], strict=True)),
        **{f"base_{name}": count for name, count in zip(SIDE, base[1:], strict=True)},
        # not known is not 0, and decomposes as if there were nobody
        **{name: None for name in ("visitors", "base_visitors") if row[name] is None},
        "gmv_change": now[-1] - base[-1],
        "method": "lmdi_tracking_changed" if row["changed"] else "lmdi",
    }


def test_comparisons_of_the_company_are_exactly_these(golden_build: Path) -> None:
    """No promotion row on the 10th, when a platform without promotion sold, nor after the 11th."""
    days = [date(2026, 11, day) for day in range(9, 14)]
    key = ["business_date", "comparison"]
    sides = pl.read_csv(EXPECTED / "fct_gmv_change_sides.csv", try_parse_dates=True)
    found = table(golden_build, "marts.fct_gmv_change").filter(
        (pl.col("dimension") == "all") & pl.col("business_date").is_in(days)
    )
    wanted = sides.filter(pl.col("dimension") == "all")
    assert found.select(key).sort(key).rows() == wanted.select(key).sort(key).rows()


def test_a_second_run_changes_nothing(golden_build: Path, tmp_path: Path) -> None:
    names = ["marts.fct_orders", "marts.fct_gmv_daily", "marts.fct_gmv_change"]
    again = Path(shutil.copy(golden_build, tmp_path))
    run_dbt(PROJECT, again, "run", "--select", *(f"+{name.partition('.')[2]}" for name in names))
    for name in names:
        before = table(golden_build, name)
        assert_frame_equal(*(frame.sort(before.columns) for frame in (table(again, name), before)))
