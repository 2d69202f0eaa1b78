"""Cohorts of the golden shop by hand, and of a real shop as its raw file has them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.support.raw import PROJECT, read, run_dbt, write_raw

RETAIL = Path(__file__).parents[3] / "shared/data/online_retail_2010_2011"


def curve(
    file: Path, table: str, cohort: date, kind: str, retention: str, segment: str = "all"
) -> list[int | None]:
    """Members of a cohort that are back, by period from 0 on, as far as the table goes."""
    first = "cohort_date" if table.endswith("daily") else "cohort_month"
    rows = read(
        file,
        f"select retained_count from marts.{table} where {first} = date '{cohort}'"
        f" and kind = '{kind}' and retention_type = '{retention}' and segment = '{segment}'"
        " order by period_number",
    )
    return rows["retained_count"].to_list()


def test_customers_of_9_november(golden_build: Path) -> None:
    """D pays again on the 13th, E on the 11th; A and B are customers of the year before."""
    cohort = date(2026, 11, 9)
    of_day = (golden_build, "fct_retention_daily", cohort, "purchase")
    assert curve(*of_day, "classic")[:7] == [2, 0, 1, 0, 1, None, None]
    assert curve(*of_day, "unbounded")[:7] == [2, 2, 2, 1, 1, None, None]
    assert curve(*of_day, "classic", "email")[:6] == [1, 0, 1, 0, 0, None]
    money = read(
        golden_build,
        "select period_number, revenue, margin from marts.fct_retention_daily"
        f" where cohort_date = date '{cohort}' and kind = 'purchase' and dimension = 'all'"
        " and retention_type = 'classic' and revenue != 0 order by all",
    )
    assert [(day, float(x)) for day, x, _ in money.rows()] == [(0, 300), (2, 90), (4, 100)]
    assert money["margin"].to_list() == [None] * 3  # the golden shop has no costs


def test_visitors_of_9_november(golden_build: Path) -> None:
    """v1, v2, v3 came first; v1 again on the 10th, 11th and 13th, v3 on the 12th."""
    of_day = (golden_build, "fct_retention_daily", date(2026, 11, 9), "visit")
    assert curve(*of_day, "classic")[:6] == [3, 1, 1, 1, 1, None]
    assert curve(*of_day, "unbounded")[:6] == [3, 2, 2, 2, 1, None]


def test_a_month_counts_when_it_is_over(golden_build: Path) -> None:
    """A and B of November 2025 pay again in November 2026, which ends after the data."""
    of_month = (golden_build, "fct_retention_monthly", date(2025, 11, 1), "purchase")
    assert curve(*of_month, "classic")[:13] == [3, *[0] * 11, None]
    assert curve(*of_month, "unbounded")[:13] == [3, *[2] * 11, None]


@pytest.mark.skipif(not RETAIL.exists(), reason="the real data folder is not beside the checkout")
def test_cohort_of_december_2010_of_a_real_shop(tmp_path: Path) -> None:
    """885 first-time buyers of which 324 and 286 buy again in months 1 and 2."""
    with duckdb.connect() as con:
        orders = con.sql(
            """
            with lines as (
                -- as instants of which the reporting zone, that of Shanghai, shows what is told
                select *, strptime(InvoiceDate, '%m/%d/%y %H:%M') - interval 8 hours as sold_at
                from read_csv(?, all_varchar = true)
            )
            select
                InvoiceNo as order_id, 'retail' as platform, 'uk' as shop_id,
                min(CustomerID) as customer_key, min(sold_at) as ordered_at,
                min(sold_at) as paid_at, 'completed' as status, 'GBP' as currency,
                sum(Quantity::int * UnitPrice::decimal(18, 3))::decimal(18, 2) as order_amount
            from lines
            where InvoiceNo[1] not in ('C', 'A') and Quantity::int > 0
                and UnitPrice::decimal(18, 3) > 0
            group by InvoiceNo
            """,
            params=[str(RETAIL / "*.csv.gz")],
        ).pl()
    file = tmp_path / "working.duckdb"
    write_raw(file, {"orders": orders})
    run_dbt(
        PROJECT, file, "build", "--full-refresh", "--select", "+fct_retention_monthly",
        "--exclude-resource-type", "test", "unit_test",
    )  # fmt: skip
    of_month = (file, "fct_retention_monthly", date(2010, 12, 1), "purchase")
    assert curve(*of_month, "classic")[:4] == [885, 324, 286, None]
