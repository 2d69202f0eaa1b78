"""Landing the samples of order-side formats, each in the currency and under the name it has."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.landing.land import LandedFile
from tests.support.exports import Shop
from tests.support.samples import named, sample

CURRENCY = {"amazon_orders": "USD", "shopify_orders": "EUR", "woocommerce_orders": "EUR"}
# The plugin names its files with underscores.
NAMES = {"woocommerce_orders": "orders-export-2026_06_01_02_00_00.csv"}
# Every cell of a sample that names a person or a place to find one; none may be landed.
PEOPLE = (
    *("测试买家", "收货人", "示例路", "1380000", "留言", "请放门口", "密文", "jd_测试", "客户一"),
    *("example.com", "Example Street", "+0000", "Exampleville", "Exampleton", "192.0.2.1"),
    *("Anna", "abc1"),
)


def currency_of(form: str) -> str:
    """Currency of a format's sample."""
    return CURRENCY.get(form, "GBP" if form.startswith("shopify_api") else "CNY")


def name_of(form: str) -> str:
    """Name a format's sample is delivered under."""
    return NAMES.get(form, named(form))


def shop_for(root: Path, form: Any, **settings: Any) -> Shop:
    """A shop in Shanghai in the currency of the sample, files read as `form`."""
    currency = currency_of(form) if isinstance(form, str) else "CNY"
    return Shop(root, form, currency, settings, {"currency": currency})


def land(root: Path, form: str, **settings: Any) -> tuple[Shop, LandedFile]:
    """Deliver the sample of a format and land it."""
    home = shop_for(root, form, **settings)
    return home, home.land(sample(form).read_bytes(), name_of(form))


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
