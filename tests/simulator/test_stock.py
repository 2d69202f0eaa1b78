"""The demo company's warehouses, recounted from its exports: every piece is accounted for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.support import simulated
from tests.support.simulated import near, rows, truth

WHERE = ("product_id", "warehouse")
WAREHOUSES = {"shopify": "GZ1", "tmall": "HZ1"}


@pytest.fixture(scope="module")
def snapshots(shop: Path) -> pl.DataFrame:
    return rows(shop, "erp/inventory_snapshots", "snapshot_date", *WHERE)


@pytest.fixture(scope="module")
def movements(shop: Path) -> pl.DataFrame:
    found = rows(shop, "erp/inventory_movements", "movement_id")
    return found.with_columns(day=pl.col("moved_at").dt.date())


@pytest.fixture(scope="module")
def ordered(shop: Path) -> pl.DataFrame:
    """Lines of purchase orders in their latest state."""
    return rows(shop, "erp/purchase_orders", "po_id", "po_line")


def test_opening_and_movements_make_the_closing_stock(
    snapshots: pl.DataFrame, movements: pl.DataFrame
) -> None:
    moved = movements.group_by(*WHERE, snapshot_date="day").agg(pl.col("quantity").sum())
    days = snapshots.sort(*WHERE, "snapshot_date").with_columns(
        opening=pl.col("on_hand").shift(1).over(WHERE),
        before=pl.col("snapshot_date").shift(1).over(WHERE),
    )
    days = days.join(moved, on=[*WHERE, "snapshot_date"], how="left").with_columns(
        pl.col("quantity").fill_null(0)
    )
    following = days.drop_nulls("before")
    assert following.height > 50_000
    gap = pl.col("snapshot_date") - pl.col("before")
    assert following.filter(gap != pl.duration(days=1)).is_empty()
    assert following.filter(pl.col("opening") + pl.col("quantity") != pl.col("on_hand")).is_empty()
    # what is new begins with its first delivery, the rest with the data
    new = days.filter(pl.col("before").is_null(), pl.col("snapshot_date") > simulated.LONG_START)
    assert new.height >= 10
    assert new.filter(pl.col("quantity") != pl.col("on_hand")).is_empty()
    listed = days.select(WHERE).unique()
    assert movements.join(listed, on=WHERE, how="anti").is_empty()
    assert snapshots["on_hand"].min() == 0


def test_signs_tell_the_way(movements: pl.DataFrame) -> None:
    sign = dict(
        movements.group_by("kind").agg(pl.col("quantity").sign().unique().sort()).iter_rows()
    )
    assert sign == {"sale": [-1], "return": [1], "receipt": [1], "adjustment": [-1, 1]}


def test_what_is_paid_leaves_the_warehouse(
    lines: dict[str, pl.DataFrame], movements: pl.DataFrame
) -> None:
    sold = movements.filter(pl.col("kind") == "sale")
    for platform, mine in lines.items():
        paid = mine.drop_nulls("paid").filter(
            pl.col("paid").dt.date().is_between(simulated.LONG_START, simulated.LONG_AS_OF)
        )
        counted = paid.group_by(product_id="sku", day=pl.col("paid").dt.date()).agg(
            counted=pl.col("quantity").sum()
        )
        booked = sold.filter(pl.col("warehouse") == WAREHOUSES[platform])
        both = counted.join(booked, on=["product_id", "day"], how="full")
        assert len(both) == len(counted) == len(booked) > 10_000
        assert (both["counted"] + both["quantity"]).unique().to_list() == [0]


def test_what_comes_back_in_time_is_put_on_the_shelf(
    shop: Path, lines: dict[str, pl.DataFrame], movements: pl.DataFrame
) -> None:
    returned = movements.filter(pl.col("kind") == "return")
    for platform, mine in lines.items():
        paid = mine.unique("order").select("paid", order_id="order")
        back = simulated.refund_rows(shop, platform).drop_nulls("refunded_at").join(
            paid, on="order_id"
        )  # fmt: skip
        in_time = pl.col("refunded_at") - pl.col("paid") <= timedelta(days=28)
        pieces = back.filter(in_time).group_by("product_id", day=pl.col("refunded_at").dt.date())
        goods = pl.col("quantity").cast(pl.Int64)
        counted = pieces.agg(least=goods.filter(pl.col("kind") == "return").sum(), most=goods.sum())
        booked = returned.filter(pl.col("warehouse") == WAREHOUSES[platform])
        both = counted.join(booked, on=["product_id", "day"], how="full", coalesce=True)
        both = both.with_columns(pl.col("least", "most", "quantity").fill_null(0))
        # money back without the goods puts them there only if they never left
        assert both.filter(
            ~pl.col("quantity").is_between(pl.col("least"), pl.col("most"))
        ).is_empty()
        assert both["least"].sum() > 300


def test_receipts_are_what_came_in_good_order(
    movements: pl.DataFrame, ordered: pl.DataFrame
) -> None:
    came = ordered.drop_nulls("received_at").with_columns(
        good=pl.col("received_quantity") - pl.col("rejected_quantity"),
        day=pl.col("received_at").dt.date(),
    )
    key = ["po_id", *WHERE, "day"]
    booked = movements.filter(pl.col("kind") == "receipt")
    both = came.join(booked, on=key, how="full")
    # ordered before the data began, so not in them: first deliveries of what was then new
    assert len(booked) - len(came) == both["good"].null_count() <= 4
    assert both.drop_nulls("good").filter(pl.col("good") != pl.col("quantity")).is_empty()
    assert both["quantity"].null_count() == 0
    assert len(came) > 3000
    assert came.filter(pl.col("received_quantity") > pl.col("ordered_quantity")).is_empty()
    open_lines = ordered.filter(pl.col("received_at").is_null())
    assert open_lines.height > 50
    assert open_lines["received_quantity"].null_count() == open_lines.height
    assert (open_lines["ordered_at"].dt.date() > simulated.LONG_AS_OF - timedelta(days=45)).all()


def test_in_transit_is_what_was_ordered_and_has_not_come(
    snapshots: pl.DataFrame, ordered: pl.DataFrame
) -> None:
    for day in (simulated.LONG_AS_OF - timedelta(days=i) for i in (0, 40, 200)):
        away = ordered.filter(
            pl.col("ordered_at").dt.date() <= day,
            pl.col("received_at").is_null() | (pl.col("received_at").dt.date() > day),
        )
        expected = away.group_by(WHERE).agg(away=pl.col("ordered_quantity").sum())
        mine = snapshots.filter(pl.col("snapshot_date") == day).join(expected, on=WHERE, how="left")
        assert mine["in_transit"].to_list() == mine["away"].fill_null(0).to_list()
        assert mine["in_transit"].sum() > 0


def test_stock_is_gone_on_the_planted_days_alone(shop: Path, snapshots: pl.DataFrame) -> None:
    planted = {
        (row["product_id"], row["warehouse"], row["start_date"] + timedelta(days=i))
        for row in truth(shop, "stock_outs").to_dicts()
        for i in range((row["end_date"] - row["start_date"]).days + 1)
    }
    gone = snapshots.filter(pl.col("on_hand") == 0).select(*WHERE, "snapshot_date")
    assert set(gone.iter_rows()) == planted
    assert len(planted) > 10


def test_one_product_lies_there_for_ever(shop: Path, snapshots: pl.DataFrame) -> None:
    (product,) = truth(shop, "overstocked")["product_id"]
    means = dict(snapshots.group_by("product_id").agg(pl.col("on_hand").mean()).iter_rows())
    neighbours = [means[f"P{int(product[1:]) + i:03d}"] for i in (-2, -1, 1, 2)]
    assert means[product] > 3 * max(neighbours)


def test_suppliers_are_as_late_and_careless_as_planted(shop: Path, ordered: pl.DataFrame) -> None:
    # a delivery held up by a stock-out is late for another reason
    held = truth(shop, "stock_outs")
    came = ordered.drop_nulls("received_at").with_columns(
        late=(pl.col("received_at").dt.date() - pl.col("promised_at").dt.date()).dt.total_days(),
        lead=(pl.col("promised_at").dt.date() - pl.col("ordered_at").dt.date()).dt.total_days(),
    )
    stuck = came.with_row_index("row").join(held, on=WHERE).filter(
        pl.col("received_at").dt.date() == pl.col("end_date").dt.offset_by("1d")
    )  # fmt: skip
    assert stuck.height >= 1
    free = came.with_row_index("row").join(stuck, on="row", how="anti")
    suppliers = truth(shop, "suppliers").to_dicts()
    assert sum(row["late_share"] > 0.3 for row in suppliers) == 1
    for row in suppliers:
        mine = free.filter(pl.col("supplier_id") == row["supplier_id"])
        assert mine["lead"].unique().to_list() == [row["lead_days"]]
        orders = mine.group_by("po_id").agg(pl.col("late").unique())
        assert orders["late"].list.len().max() == 1  # what is ordered together comes together
        late = orders["late"].list.first()
        near(int((late > 0).sum()), len(late), row["late_share"])
        assert set(late.filter(late > 0)) <= {
            *range(row["late_from_days"], row["late_to_days"] + 1)
        }
        short = (mine["received_quantity"] < mine["ordered_quantity"]).sum()
        near(int(short), len(mine), row["short_share"])
        rejected, received = mine["rejected_quantity"].sum(), mine["received_quantity"].sum()
        assert rejected / received == pytest.approx(row["rejected_share"], rel=0.15, abs=0.002)


def test_prices_of_suppliers_are_those_of_the_product_list(
    shop: Path, ordered: pl.DataFrame
) -> None:
    listed = pl.read_csv(sorted((shop / "inbox/shopify").glob("products_*.csv"))[-1])
    both = ordered.join(listed, on="product_id")
    coming = ordered.join(listed, on="product_id", how="anti")
    assert coming["product_id"].n_unique() <= 1  # ordered before it is on the list
    assert len(both) + len(coming) == len(ordered)
    ratio = both["unit_cost"].cast(pl.Float64) / both["cost"]
    assert ratio.is_between(0.975, 1.025).all()
