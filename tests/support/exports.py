"""Small export files and a shop to land them in, for tests of ingestion."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from ingestion.errors import FileRejected
from ingestion.landing.account import LandedFile
from ingestion.landing.deliveries import match_files
from ingestion.landing.land import land_file
from ingestion.mapping.sources import FileSpec, Source, parse_sources
from ingestion.rows.build import with_told_keys

KEY = b"a key for tests, 32 bytes long.."
SHOP: dict[str, Any] = {
    "platform": "web",
    "shop_id": "web-1",
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
}

ORDERS: dict[str, Any] = {
    "read": {"header": ["order_id", "buyer", "ordered_at", "paid_at", "status", "paid_amount"]},
    "personal": ["buyer"],
    "feeds": {
        "orders": {
            "columns": {
                "order_id": "order_id",
                "customer_id": "buyer",
                "ordered_at": "ordered_at",
                "paid_at": "paid_at",
                "status": "status",
                "order_amount": "paid_amount",
            }
        }
    },
}
HEADER = "order_id,buyer,ordered_at,paid_at,status,paid_amount\n"
LINES: dict[str, Any] = {
    "read": {"header": ["order_id", "sku", "qty", "price", "at", "total"]},
    "order_value": "first_line",
    "feeds": {
        "orders": {
            "columns": {"order_id": "order_id", "ordered_at": "at", "paid_at": "at",
                        "order_amount": "total"},
            "constants": {"status": "paid"},
        },
        "order_items": {
            "columns": {"order_id": "order_id", "product_id": "sku", "quantity": "qty",
                        "unit_price": "price"},
        },
    },
}  # fmt: skip
LINES_HEADER = "order_id,sku,qty,price,at,total\n"


def shop_file(*files: Any, timezone: str = "Asia/Shanghai") -> str:
    """A shop.yml of one source `shop`, whose `orders_*.csv` are read as ORDERS, and more files."""
    first = {"path": "orders_*.csv", "max_bad_share": 1, "format": ORDERS}
    shop = {"name": "Corner shop", "currency": "CNY", "timezone": "Asia/Shanghai"}
    source = {**SHOP, "timezone": timezone, "files": [first, *files]}
    return yaml.safe_dump({"shop": shop, "sources": {"shop": source}}, sort_keys=False)


def order(number: int | str, amount: str = "10.00", status: str = "paid", **cells: str) -> str:
    """One row of an ORDERS file."""
    at = cells.get("at", "2026-05-01 10:00:00")
    buyer = cells.get("buyer", f"buyer{number}@example.com")
    return f"{number},{buyer},{at},{cells.get('paid', at)},{status},{amount}\n"


def orders(count: int, first: int = 1) -> str:
    """`count` good rows of an ORDERS file."""
    return "".join(order(number) for number in range(first, first + count))


def land_at(
    root: Path,
    path: Path,
    source: Source,
    files: FileSpec,
    currency: str,
    inbox: Path | None = None,
) -> LandedFile:
    """Land a file below `root`, whose `inbox` it lies in if no other is given."""
    return land_file(
        path, inbox=inbox or root / "inbox", landing=root / "landing",
        quarantine=root / "quarantine", source=source, files=files, key=KEY,
        reporting_currency=currency,
    )  # fmt: skip


def land_all(
    root: Path, sources: dict[str, Source], currency: str, inbox: Path | None = None
) -> list[LandedFile]:
    """Land every file of an inbox as `sources` of a shop.yml say."""
    return [
        land_at(root, match.path, sources[match.source], match.files, currency, inbox)
        for match in match_files(inbox or root / "inbox", sources)
    ]


@dataclass
class Shop:
    """A folder with an inbox; one source `shop` whose files are read in one way."""

    root: Path
    form: Any = field(default_factory=lambda: ORDERS)
    currency: str = "CNY"
    settings: dict[str, Any] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def inbox(self) -> Path:
        """The inbox."""
        return self.root / "inbox"

    @property
    def parsed(self) -> Source:
        """The source as shop.yml would give it."""
        files = [{"path": "**/*", "format": self.form, **self.settings}]
        return parse_sources({"shop": {**SHOP, **self.source, "files": files}})["shop"]

    def put(self, content: str | bytes, name: str = "orders.csv") -> Path:
        """Deliver a file."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def land(self, content: str | bytes | Path, name: str = "orders.csv") -> LandedFile:
        """Deliver and land a file; its account must balance."""
        path = content if isinstance(content, Path) else self.put(content, name)
        source = self.parsed
        landed = land_at(self.root, path, source, source.files[0], self.currency)
        fates = (landed.rows_landed, landed.rows_quarantined, landed.rows_duplicate,
                 landed.rows_excluded)  # fmt: skip
        assert min(fates) >= 0
        assert sum(fates) == landed.rows_read
        told = self.quarantined(landed) if landed.quarantine_file else None
        assert (0 if told is None else told["row_number"].n_unique()) == landed.rows_quarantined
        assert told is None or told["reason"].str.len_chars().min() > 0
        for feed, rows in landed.feeds.items():
            assert self.rows(landed, feed).height == rows
        return landed

    def rows(self, landed: LandedFile, feed: str = "orders") -> pl.DataFrame:
        """What was landed in a feed."""
        path = self.root / "landing" / feed / f"batch={landed.batch_id}" / "data.parquet"
        rows = pl.scan_parquet(path, hive_partitioning=False)
        return with_told_keys(rows, feed).collect()

    def quarantined(self, landed: LandedFile) -> pl.DataFrame:
        """What was set aside."""
        assert landed.quarantine_file is not None, landed
        return pl.read_parquet(landed.quarantine_file)

    @property
    def landed_files(self) -> list[Path]:
        """Every file below landing and quarantine."""
        places = (self.root / "landing", self.root / "quarantine")
        return [path for place in places for path in place.rglob("*") if path.is_file()]


def refused(shop: Shop, content: str | bytes, name: str = "orders.csv") -> str:
    """Land a file that must be refused as a whole; return what it says."""
    before = shop.landed_files
    with pytest.raises(FileRejected) as error:
        shop.land(content, name)
    assert shop.landed_files == before
    assert name in str(error.value)
    return str(error.value)


def with_read(**read: object) -> dict[str, Any]:
    """ORDERS, its bytes read in another way."""
    return {**ORDERS, "read": {**ORDERS["read"], **read}}


def one_bad_row(
    shop: Shop, row: str, reason: str, header: str = HEADER, good: str | None = None
) -> str:
    """Land nine good rows and a bad one, which alone is set aside; return what is said of it."""
    landed = shop.land(header + (orders(9) if good is None else good) + row)
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == (10, 9, 1)
    told = shop.quarantined(landed)
    assert set(told["reason"]) == {reason}
    assert set(told["row_number"]) == {10}
    return str(landed.issues[0])
