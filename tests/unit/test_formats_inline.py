"""An export nobody ships a format for, read by shop.yml alone; rows are worked out by hand."""

import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import yaml

from ingestion.landing.account import LandedFile
from ingestion.mapping.sources import parse_sources
from ingestion.rows.pseudonymise import pseudonyms
from tests.support.exports import KEY, land_all

D = Decimal
# An invented shop.yml and its two exports: `;`, 1.234,56, dd.mm.yyyy, Windows' encoding.
EXPORTS = Path(__file__).parents[1] / "data" / "unknown_export"


def landed_files(root: Path) -> dict[str, LandedFile]:
    shutil.copytree(EXPORTS, root / "inbox/tienda", ignore=shutil.ignore_patterns("*.yml"))
    raw = yaml.safe_load((EXPORTS / "shop.yml").read_text(encoding="utf-8"))
    landed = land_all(root, parse_sources(raw["sources"]), "EUR")
    return {Path(file.source_file).stem: file for file in landed}


def landed_rows(root: Path, feed: str, *columns: str) -> list[tuple[object, ...]]:
    return pl.read_parquet(root / f"landing/{feed}/*/*.parquet").select(columns).rows()


def test_orders_of_an_unknown_export(tmp_path: Path) -> None:
    landed = landed_files(tmp_path)["pedidos_mayo"]
    assert landed.unknown_columns == ("Interno",)
    # Nine rows: 3 lines of two orders and one returned, 2 of a test, 1 of staff, 2 bad ones.
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == (9, 4, 2)
    assert landed.excluded == {"staff": 1, "test_order": 2}
    one, two = pseudonyms(
        pl.Series(["uno@correo.example", "dos@correo.example"]), KEY, "tienda"
    ).to_list()
    # Madrid is two hours ahead of UTC in May. 1234.56 - 214.26 + 12.10 - 2.10 = 1030.30.
    assert landed_rows(tmp_path, "orders", "order_id", "ordered_at", "paid_at", "status",
                       "customer_key", "order_amount", "tax_amount", "region", "currency") == [
        ("000123", datetime(2026, 5, 1, 21, 50), datetime(2026, 5, 1, 22, 10), "shipped", one,
         D("1030.30"), D("216.36"), "Málaga", "EUR"),
        ("000124", datetime(2026, 5, 2, 7, 5), None, "unpaid", two, D("50.00"), D("10.50"),
         "Ávila", "EUR"),
        ("000127", datetime(2026, 5, 3, 10), datetime(2026, 5, 3, 10, 1), "refunded", two,
         D("510.15"), D("107.13"), "Ávila", "EUR"),
    ]  # fmt: skip
    assert landed_rows(tmp_path, "order_items", "order_id", "line_number", "product_id", "quantity",
                       "unit_price") == [
        ("000123", 1, "SKU-1", 2, D("617.2800")),
        ("000123", 2, "SKU-2", 1, D("12.1000")),
        ("000124", 1, "SKU-2", 5, D("12.1000")),
        ("000127", 1, "SKU-1", 1, D("617.2800")),
    ]  # fmt: skip
    # A word the map has not, and an amount with the wrong decimal mark: told, with the value.
    told = " ".join(landed.issues)
    assert 'status "Perdido" is not in the value map' in told
    assert 'Bruto "12.10" is not a number' in told


def test_visits_of_an_unknown_export(tmp_path: Path) -> None:
    landed = landed_files(tmp_path)["visitas_mayo"]
    assert (landed.rows_read, landed.rows_landed, landed.excluded) == (5, 3, {"bot": 2})
    who = pseudonyms(pl.Series(["g1"]), KEY, "visitor_id\x1ftienda")[0]
    assert landed_rows(tmp_path, "events", "occurred_at", "event_type", "visitor_key", "product_id",
                       "shop_id") == [
        (datetime(2026, 5, 1, 21, 40), "home", who, None, "tienda-1"),
        (datetime(2026, 5, 1, 21, 40, 9), "product_view", who, "SKU-1", "tienda-1"),
        (datetime(2026, 5, 1, 21, 45), "other", None, None, "tienda-1"),
    ]  # fmt: skip


def test_nobody_is_named_in_what_is_kept(tmp_path: Path) -> None:
    landed_files(tmp_path)
    for path in [*tmp_path.glob("landing/**/*.parquet"), *tmp_path.glob("quarantine/*.parquet")]:
        text = pl.read_parquet(path).write_json()
        assert "correo.example" not in text
        assert "tienda.example" not in text
        assert "PRUEBA" not in text
