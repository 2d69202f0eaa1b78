"""The simulated company's exports, read back as the platforms' own readers would."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import defaultdict
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from simulator import simulate

START = date(2026, 9, 1)
HISTORY = date(2026, 10, 31)
AS_OF = date(2026, 11, 16)
SCALE = 0.25
STAMP = "%Y-%m-%d %H:%M:%S"


def autumn(factory: pytest.TempPathFactory) -> Path:
    """The data folder of an autumn with 11.11, written once a session. Do not change it."""
    root = factory.getbasetemp() / "autumn"
    simulate(root, start=START, history_until=HISTORY, as_of=AS_OF, scale=SCALE)
    return root


def export_instant(path: Path) -> str:
    """The instant of export in a file's name."""
    match = re.search(r"_(\d{14})\.csv$", path.name)
    assert match, path.name
    return match.group(1)


def table(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def latest(
    root: Path, pattern: str, key: str, encoding: str = "utf-8"
) -> dict[str, list[dict[str, str]]]:
    """Group rows by key in the state of the file that was exported last."""
    orders: dict[str, list[dict[str, str]]] = {}
    for path in sorted((root / "inbox").glob(pattern), key=export_instant):
        rows: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in table(path, encoding):
            rows[row[key]].append(row)
        orders.update(rows)
    return orders


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


LONG_START, LONG_AS_OF = date(2025, 3, 1), date(2026, 6, 1)


def long_shop(factory: pytest.TempPathFactory) -> Path:
    """Fifteen months at full scale, written once a session. Do not change it."""
    root = factory.getbasetemp() / "long"
    simulate(root, start=LONG_START, history_until=date(2026, 5, 31), as_of=LONG_AS_OF)
    return root


def _csv(root: Path, pattern: str, key: str, encoding: str = "utf8") -> pl.DataFrame:
    """Rows of all files, of each key those of the file exported last."""
    parts = []
    for path in sorted((root / "inbox").glob(pattern), key=export_instant):
        text = path.read_bytes().decode(encoding).encode()
        part = pl.read_csv(text, infer_schema=False)
        parts = [old.join(part.select(key).unique(), on=key, how="anti") for old in parts]
        parts.append(part)
    return pl.concat(parts)


def site_lines(root: Path) -> pl.DataFrame:
    """The site's order lines: order, cells of the order on each line, day placed and paid."""
    rows = _csv(root, "shopify/orders_export_*.csv", "Name")
    head = [
        *("Email", "Paid at", "Created at", "Subtotal", "Shipping Province"),
        *("Shipping Address1", "Discount Amount"),
    ]
    return rows.select(
        *(pl.col(name).first().over("Name") for name in head),
        order=pl.col("Name").str.slice(1),
        sku="Lineitem sku",
        quantity=pl.col("Lineitem quantity").cast(pl.Int64),
        price=pl.col("Lineitem price").cast(pl.Float64),
    ).with_columns(
        pl.col("Subtotal", "Discount Amount").cast(pl.Float64),
        day=pl.col("Created at").str.head(10).str.to_date(),
        paid=pl.col("Paid at").str.head(19).str.to_datetime(),
    )


def tmall_lines(root: Path) -> pl.DataFrame:
    """The Tmall shop's order lines with their order's buyer, province, days and amount due."""
    folder = "tmall/ExportOrder"
    orders = _csv(root, f"{folder}List_*.csv", "订单编号", "gb18030").select(
        "订单编号",
        buyer="买家会员名",
        province=pl.col("收货地址").str.extract(r"^(\S+) "),
        day=pl.col("订单创建时间").str.head(10).str.to_date(),
        paid=pl.col("订单付款时间").str.to_datetime(),
        due=pl.col("买家应付货款").cast(pl.Float64),
    )
    lines = _csv(root, f"{folder}DetailList_*.csv", "订单编号", "gb18030")
    return lines.join(orders, on="订单编号").select(
        "buyer", "province", "day", "paid", "due",
        order=pl.col("订单编号").str.extract(r"(\d+)"),
        sku="外部系统编号",
        price=pl.col("价格").cast(pl.Float64),
        quantity=pl.col("购买数量").cast(pl.Int64),
    )  # fmt: skip


def refund_rows(root: Path, shop: str) -> pl.DataFrame:
    """A shop's refunds in their latest state."""
    return _csv(root, f"{shop}/refunds_*.csv", "refund_id").with_columns(
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
