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

from ingestion.simulator import simulate

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
