"""The simulated company's exports, read back as the platforms' own readers would."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import defaultdict
from datetime import date
from math import sqrt
from pathlib import Path

import polars as pl
import pytest

from simulator.run import simulate
from tests.support.once import once

START = date(2026, 9, 1)
HISTORY = date(2026, 10, 31)
AS_OF = date(2026, 11, 16)
SCALE = 0.25
STAMP = "%Y-%m-%d %H:%M:%S"


LONG_START, LONG_AS_OF = date(2025, 3, 1), date(2026, 6, 1)
DATES = ("snapshot_date", "report_date", "rate_date", "month", "period_start")
COUNTS = ("on_hand", "in_transit", "quantity", "ordered_quantity", "received_quantity",
          "rejected_quantity", "buyers", "sub_orders", "entry_id", "rating", "csat")  # fmt: skip
MONEY = ("amount", "cost", "due_amount", "settled_amount", "paid_amount", "refund_amount")


def autumn(factory: pytest.TempPathFactory) -> Path:
    """The data folder of an autumn with 11.11, written once a session. Do not change it."""
    window = {"start": START, "history_until": HISTORY, "as_of": AS_OF}
    return once(factory, "autumn", lambda root: simulate(root, **window, scale=SCALE))


def long_shop(factory: pytest.TempPathFactory) -> Path:
    """Fifteen months at full scale, written once a session. Do not change it."""
    window = {"start": LONG_START, "history_until": date(2026, 5, 31), "as_of": LONG_AS_OF}
    return once(factory, "long_shop", lambda root: simulate(root, **window))


def truth(root: Path, name: str) -> pl.DataFrame:
    """A file of what was planted."""
    return pl.read_csv(root / f"truth/{name}.csv", try_parse_dates=True)


def near(found: int, trials: int, share: float) -> None:
    """A count is what is planted within three standard errors."""
    assert trials > 20
    error = 3 * sqrt(trials * share * (1 - share))
    assert abs(found - trials * share) <= error + 1, (found / trials, share)


def export_instant(path: Path) -> str:
    """The instant of export in a file's name."""
    match = re.search(r"_(\d{14})\.csv$", path.name)
    assert match, path.name
    return match.group(1)


def table(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def files(root: Path, pattern: str) -> list[Path]:
    """The files of a stream, the last exported last."""
    found = sorted((root / "inbox").glob(f"{pattern}_*.csv"), key=export_instant)
    assert found, pattern
    return found


def latest(
    root: Path, pattern: str, key: str, encoding: str = "utf-8"
) -> dict[str, list[dict[str, str]]]:
    """Group rows by key in the state of the file that was exported last."""
    orders: dict[str, list[dict[str, str]]] = {}
    for path in files(root, pattern):
        rows: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in table(path, encoding):
            rows[row[key]].append(row)
        orders.update(rows)
    return orders


def site_orders(root: Path) -> dict[str, list[dict[str, str]]]:
    """Lines of the site's orders by the order's name."""
    return latest(root, "shopify/orders_export", "Name")


def tmall_orders(root: Path, what: str = "List") -> dict[str, list[dict[str, str]]]:
    """The Tmall shop's orders, or their details, by order."""
    return latest(root, f"tmall/ExportOrder{what}", "订单编号", "gb18030")


def cells(root: Path, pattern: str, *key: str, encoding: str = "utf-8") -> pl.DataFrame:
    """Cells of all files of a stream, of each key those of the file exported last."""
    parts: list[pl.DataFrame] = []
    for path in files(root, pattern):
        part = pl.read_csv(path.read_bytes().decode(encoding).encode(), infer_schema=False)
        if key:
            parts = [old.join(part.select(key).unique(), on=key, how="anti") for old in parts]
        parts.append(part)
    return pl.concat(parts)


def rows(root: Path, pattern: str, *key: str) -> pl.DataFrame:
    """Rows of a stream beside orders, in their latest state; money in cents, so sums are exact."""
    frame = cells(root, pattern, *key)
    assert not key or not frame.select(key).is_duplicated().any(), pattern
    return frame.with_columns(
        *(pl.col(name).str.to_datetime() for name in frame.columns if name.endswith("_at")),
        *(pl.col(name).str.to_date() for name in frame.columns if name in DATES),
        *(pl.col(name).cast(pl.Int64) for name in frame.columns if name in COUNTS),
        *(cents(name) for name in frame.columns if name in MONEY),
    )


def cents(name: str) -> pl.Expr:
    """Money with two decimals as cents."""
    return pl.col(name).cast(pl.Decimal(18, 2)).cast(pl.Decimal(18, 4)).mul(100).cast(pl.Int64)


def read_events(root: Path) -> pl.DataFrame:
    """Web analytics events: date, name, visitor, instant, session, order and number of items."""
    value = pl.col("event_params").list.get(0).struct.field("value").struct.field("int_value")
    parts = []
    for path in sorted((root / "inbox/ga4").iterdir()):
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
        else:
            text = gzip.decompress(path.read_bytes())
            frame = pl.read_ndjson(io.BytesIO(text), infer_schema_length=None)
        parts.append(
            frame.select(
                "event_date",
                "event_name",
                "user_pseudo_id",
                at=pl.col("event_timestamp").cast(pl.Int64),
                session=value.cast(pl.Int64),
                transaction=pl.col("ecommerce").struct.field("transaction_id"),
                items=pl.col("items").list.len().cast(pl.Int64),
            )
        )
    return pl.concat(parts)


def site_lines(root: Path) -> pl.DataFrame:
    """The site's order lines with their order's buyer, province, address, days and amount due."""
    rows = cells(root, "shopify/orders_export", "Name")
    head = {"Email": "buyer", "Paid at": "paid", "Created at": "day", "Subtotal": "due",
            "Shipping Province": "province", "Shipping Address1": "address"}  # fmt: skip
    return rows.select(
        *(pl.col(name).first().over("Name").alias(alias) for name, alias in head.items()),
        order=pl.col("Name").str.slice(1),
        sku="Lineitem sku",
        quantity=pl.col("Lineitem quantity").cast(pl.Int64),
        price=pl.col("Lineitem price").cast(pl.Float64),
    ).with_columns(
        pl.col("due").cast(pl.Float64),
        day=pl.col("day").str.head(10).str.to_date(),
        paid=pl.col("paid").str.head(19).str.to_datetime(),
    )


def tmall_lines(root: Path) -> pl.DataFrame:
    """The Tmall shop's order lines with their order's buyer, province, days and amount due."""
    folder = "tmall/ExportOrder"
    orders = cells(root, f"{folder}List", "订单编号", encoding="gb18030").select(
        "订单编号",
        buyer="买家会员名",
        province=pl.col("收货地址").str.extract(r"^(\S+) "),
        day=pl.col("订单创建时间").str.head(10).str.to_date(),
        at=pl.col("订单创建时间").str.to_datetime(),
        received=pl.col("买家实际支付金额"),
        paid=pl.col("订单付款时间").str.to_datetime(),
        due=pl.col("买家应付货款").cast(pl.Float64),
    )
    lines = cells(root, f"{folder}DetailList", "订单编号", encoding="gb18030")
    return lines.join(orders, on="订单编号").select(
        "buyer", "province", "day", "paid", "due", "at", "received",
        order=pl.col("订单编号").str.extract(r"(\d+)"),
        sku="外部系统编号",
        price=pl.col("价格").cast(pl.Float64),
        quantity=pl.col("购买数量").cast(pl.Int64),
    )  # fmt: skip


def refund_rows(root: Path, shop: str) -> pl.DataFrame:
    """A shop's refunds in their latest state."""
    return cells(root, f"{shop}/refunds", "refund_id").with_columns(
        pl.col("requested_at", "refunded_at").str.to_datetime(), pl.col("amount").cast(pl.Float64)
    )


def sessions(root: Path, months: str = "*") -> pl.DataFrame:
    """Sessions of the nested event files: visitor, day, where from, on what, what was bought."""
    value = pl.element().struct.field("value").struct.field("string_value")
    source = pl.col("collected_traffic_source").struct
    told = pl.col("event_params").list.len() == 4
    scan = pl.scan_parquet(root / f"inbox/ga4/events_{months}.parquet").filter(
        pl.col("event_name").is_in(["session_start", "purchase"])
    )
    rows = scan.select(
        visitor="user_pseudo_id",
        session=pl.col("event_params").list.get(0).struct.field("value").struct.field("int_value"),
        name="event_name",
        day=pl.col("event_date").str.to_date("%Y%m%d"),
        at="event_timestamp",
        source=source.field("manual_source"),
        medium=source.field("manual_medium"),
        campaign=source.field("manual_campaign_name"),
        device=pl.col("device").struct.field("category"),
        region=pl.col("geo").struct.field("region"),
        order=pl.col("ecommerce").struct.field("transaction_id"),
        told=pl.when(told).then(pl.col("event_params").list.slice(2).list.eval(value)),
    ).collect()
    bought = (
        rows.filter(pl.col("name") == "purchase")
        .group_by("visitor", "session")
        .agg(orders=pl.col("order"))
    )
    return (
        rows.filter(pl.col("name") == "session_start")
        .drop("name", "order")
        .join(bought, on=["visitor", "session"], how="left")
        .with_columns(bought=pl.col("orders").is_not_null())
        .sort("at", "visitor")
    )
