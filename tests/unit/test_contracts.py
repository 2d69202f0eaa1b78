"""Fakes of published tables, and the columns pages ask for, against the tables' contracts."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from dashboards.base.data import COLUMNS
from tests.support.contracts import contracts, fake


def test_pages_name_columns_that_exist_in_types_that_hold_them() -> None:
    for table, wanted in COLUMNS.items():
        held = contracts()[table]
        assert not set(wanted) - set(held), table
        for name, dtype in wanted.items():
            numeric = held[name].is_numeric()
            assert numeric if dtype.is_numeric() else dtype in (held[name], pl.String), name


def test_a_fake_has_every_column_of_its_table_and_no_other() -> None:
    row = {"promo": "618", "promo_year": 2026, "starts_at": datetime(2026, 6, 14, 16)}
    made = fake("marts.dim_promo", [row])
    assert made.columns == list(contracts()["marts.dim_promo"])
    assert made.schema["promo_year"] == pl.Int32 and made["start_date"].to_list() == [None]
    for wrong in ({"began_on": date(2026, 6, 15)}, {"start_date": "2026-06-15"},
                  {"promo_year": 2026.5}):  # fmt: skip
        with pytest.raises(TypeError, match=next(iter(wrong))):
            fake("marts.dim_promo", [{**row, **wrong}])
