"""The samples of the shipped formats, and landing them in their currency under their name."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.landing.account import LandedFile
from tests.support.exports import Shop

SAMPLES = Path(__file__).parents[1] / "data" / "formats"
# 02:00 in Shanghai on 1 June 2026: after all that the samples tell of.
STAMP = "20260601020000"
CURRENCY = {"amazon_orders": "USD", "shopify_orders": "EUR", "woocommerce_orders": "EUR"}
# The plugin names its files with underscores.
NAMES = {"woocommerce_orders": "orders-export-2026_06_01_02_00_00.csv"}
# Every cell of a sample that names a person or a place to find one; none may be landed.
PEOPLE = (
    *("测试买家", "收货人", "示例路", "1380000", "留言", "请放门口", "密文", "jd_测试", "客户一"),
    *("example.com", "Example Street", "+0000", "Exampleville", "Exampleton", "192.0.2.1"),
    *("Anna", "abc1"),
)


def sample(form: str) -> Path:
    """The one sample of a format."""
    (path,) = SAMPLES.glob(f"{form}.*")
    return path


def name_of(form: str) -> str:
    """The name a sample is delivered under: with the instant it was exported."""
    return NAMES.get(form, f"{form}_{STAMP}{''.join(sample(form).suffixes)}")


def shop_for(root: Path, form: str, **settings: Any) -> Shop:
    """A shop in Shanghai in the currency of the sample, files read as `form`.

    Args:
        root: folder of the shop.
        form: name of the format.
        settings: of the file in shop.yml, such as overrides.
    """
    currency = CURRENCY.get(form, "GBP" if form.startswith("shopify_api") else "CNY")
    return Shop(root, form, currency, settings, {"currency": currency})


def land_sample(root: Path, form: str, **settings: Any) -> tuple[Shop, LandedFile]:
    """Deliver the sample of a format and land it; see `shop_for`."""
    home = shop_for(root, form, **settings)
    return home, home.land(sample(form).read_bytes(), name_of(form))


def rows(home: Shop, landed: LandedFile, feed: str, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of what was landed in a feed, as tuples."""
    return home.rows(landed, feed).select(columns).rows()


def no_person(home: Shop) -> None:
    """Fail if a landed or quarantined cell holds what tells of a person."""
    for path in home.landed_files:
        text = pl.read_parquet(path).write_json()
        found = [word for word in PEOPLE if word in text]
        assert not found, (path.parent.parent.name, found)


def d(text: str | None) -> Decimal | None:
    """A decimal, or nothing."""
    return None if text is None else Decimal(text)


def at(text: str | None) -> datetime | None:
    """An instant in UTC, or nothing."""
    return None if text is None else datetime.fromisoformat(text)
