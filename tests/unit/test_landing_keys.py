"""Keys that another column tells are not written again, and files that have them count alike."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from ingestion.landing.landed import latest_rows
from orchestration.build.raw import create_raw
from tests.support.exports import HEADER, LINES, LINES_HEADER, Shop, order, orders
from tests.support.homes import Home

KEYS = ["_row_key", "_unit_key"]


def written(root: Path, feed: str) -> pl.DataFrame:
    [file] = (root / feed).glob("batch=*/data.parquet")
    return pl.read_parquet(file, hive_partitioning=False).sort("_row_number")


def as_before(home: Home) -> None:
    """Write all keys into the landed files, as versions before 0.6.0 did."""
    for file in home.paths.landing.glob("orders/batch=*/data.parquet"):
        whole = pl.read_parquet(file, hive_partitioning=False).with_columns(
            _row_key="order_id", _unit_key="order_id"
        )
        whole.write_parquet(file)
        home.state.forget_digest(file.parent.name.removeprefix("batch="), "orders")


def raw_orders(home: Home) -> list[tuple[str, str, str, bool]]:
    """Order, its two keys and whether its batch counts, as the build reads them."""
    with duckdb.connect() as con:
        con.execute("create schema raw")
        create_raw(con, home.paths.landing, home.state.files(), home.settings.sources,
                   date(2026, 5, 4))  # fmt: skip
        found: list[tuple[str, str, str, bool]] = con.execute(
            "select order_id, _row_key, _unit_key, _is_active from raw.orders order by all"
        ).fetchall()
        return found


def test_only_keys_that_no_other_column_tells_are_written(tmp_path: Path) -> None:
    shop = Shop(tmp_path, LINES)
    landed = shop.land(
        LINES_HEADER
        + "1,a,1,5.00,2026-05-01 10:00:00,5.00\n"
        + "2|b,a,1,5.00,2026-05-01 10:00:00,5.00\n"
        + "2|b,c,1,5.00,2026-05-01 10:00:00,5.00\n"
    )
    told = written(tmp_path / "landing", "orders")
    # A `|` inside an id is written apart from the border between two columns.
    assert told.select(KEYS).rows() == [(None, None), (r"2\|b", None)]
    whole = shop.rows(landed, "orders").sort("_row_number")
    assert whole.select(KEYS).rows() == [("1", "1"), (r"2\|b", r"2\|b")]
    lines = written(tmp_path / "landing", "order_items")
    assert lines.select(KEYS).rows() == [("1|1", "1"), (r"2\|b|1", "2|b"), (r"2\|b|2", "2|b")]


def test_files_landed_by_an_earlier_version_are_neither_landed_again_nor_counted_twice(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path)
    home.put(HEADER + orders(5), "first.csv")
    home.land()
    before = raw_orders(home)
    as_before(home)
    assert raw_orders(home) == before == [(str(n), str(n), str(n), True) for n in range(1, 6)]
    assert home.land()["files_landed"] == 0
    # A later delivery takes the place of orders that the older file told of.
    home.put(HEADER + order(2, "99.00", at="2026-05-03 10:00:00") + order(6), "second.csv")
    assert home.land()["files_landed"] == 1
    active = [file["batch_id"] for file in home.state.files()]
    latest = latest_rows(home.paths.landing, "orders", active).sort("order_id")
    assert latest["order_id"].to_list() == ["1", "2", "3", "4", "5", "6"]
    assert [str(amount) for amount in latest["order_amount"]] == ["10.00", "99.00", *["10.00"] * 4]
    assert [row[:3] for row in raw_orders(home)] == [
        (name, name, name) for name in ["1", "2", "2", "3", "4", "5", "6"]
    ]
