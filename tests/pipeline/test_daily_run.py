"""A whole run: what it publishes, and that it calls nobody."""

import json
import re
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from tests.support import shop


def test_money_is_decimal_and_ratios_are_double(finished_home: Path) -> None:
    kinds = dict(
        shop.query(
            finished_home, "select column_name, column_type from (describe marts.fct_gmv_daily)"
        )
    )
    assert kinds["gmv"] == kinds["net_sales"] == "DECIMAL(18,2)"
    assert kinds["aov"] == kinds["conversion_rate"] == kinds["gmv_per_buyer"] == "DOUBLE"


def test_gmv_rebuilds_from_its_factors_in_every_row(finished_home: Path) -> None:
    [(rows, worst)] = shop.query(
        finished_home,
        """
        select count(*), max(abs(
            ((coalesce(visitors * conversion_rate, 0) + untracked_buyers)
             * coalesce(orders_per_buyer, 0) + anonymous_orders) * coalesce(aov, 0) - gmv)
            / greatest(0.01, 1e-9 * gmv))
        from marts.fct_gmv_daily""",
    )
    assert rows > 1000 and worst <= 1


def test_effects_sum_to_the_change_in_every_row(finished_home: Path) -> None:
    [(rows, worst)] = shop.query(
        finished_home,
        """
        select count(*), max(abs(visitors_effect + conversion_effect + untracked_buyers_effect
            + orders_per_buyer_effect + anonymous_orders_effect + aov_effect + mix_effect
            - gmv_change) / greatest(0.01, 1e-9 * gmv))
        from marts.fct_gmv_change""",
    )
    assert rows > 1000 and worst <= 1


def test_segments_of_each_dimension_sum_to_the_company(finished_home: Path) -> None:
    off = shop.query(
        finished_home,
        """
        with company as (from marts.fct_gmv_daily where dimension = 'all'),
        parts as (
            select business_date, dimension, sum(gmv) as gmv, sum(orders) as orders,
                sum(buyers) as buyers, sum(visitors) as visitors
            from marts.fct_gmv_daily where dimension <> 'all' group by all)
        select p.* from parts as p inner join company as c using (business_date)
        where (p.gmv, p.orders, p.buyers, p.visitors)
            is distinct from (c.gmv, c.orders, c.buyers, c.visitors)""",
    )
    assert off == []


def test_landed_and_mart_amounts_agree(finished_home: Path) -> None:
    [(days, total, worst)] = shop.query(
        finished_home,
        """
        select count(distinct business_date), sum(landed_amount), max(abs(difference))
        from quality.reconciliation_daily""",
    )
    assert days > 80 and total > 0 and worst == 0


def test_the_days_on_which_the_console_was_planted_to_be_wrong_are_found_and_no_other(
    finished_home: Path,
) -> None:
    truth = pl.read_csv(finished_home / "data/truth/console_errors.csv", try_parse_dates=True)
    planted = [(row["report_date"], row["platform"]) for row in truth.to_dicts()]
    table = "from quality.platform_reconciliation_daily where"
    found = shop.query(
        finished_home,
        f"select business_date, platform, differs_in, own_paid_amount, reported_paid_amount {table}"
        " not is_within_tolerance order by all",
    )
    assert [row[:3] for row in found] == [(*one, "paid_amount") for one in planted] != []
    for *_, own, reported in found:
        assert reported == round(own * Decimal("1.12"), 2)
    agreed = shop.query(
        finished_home,
        f"select platform, count(*), sum(abs(paid_amount_difference))"
        f" + sum(abs(refund_amount_difference)) {table} is_within_tolerance group by all",
    )
    assert {row[0] for row in agreed} == {"tmall", "shopify"}
    assert all(days > 60 and off == 0 for _, days, off in agreed)
    checks = "select status, severity from quality.checks where check_name ="
    assert shop.query(finished_home, f"{checks} 'platforms_report_the_same'") == [
        ("failed", "warn")
    ]
    told = json.loads(shop.kpi(finished_home, "status", "--json").stdout)
    assert len(told["platforms_differ"]) == len(planted)


def test_every_file_balances_and_holds_no_personal_data(finished_home: Path) -> None:
    off = shop.query(
        finished_home,
        """
        select source_file from quality.ingest_files where rows_read
            <> rows_landed + rows_quarantined + rows_duplicate + rows_excluded""",
    )
    assert off == []
    personal = re.compile(rb"user\d+@example\.com|nick_\d+|(?<![0-9a-f])138\d{8}(?![0-9a-f])")
    for folder in ("landing", "quarantine", "published", "site", "outbox"):
        for file in (finished_home / "data" / folder).rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                if file.suffix == ".parquet":  # compressed: look at the values
                    with duckdb.connect() as con:
                        content = repr(con.execute(f"from '{file}' limit 500").fetchall()).encode()
                assert not personal.search(content), file


def test_a_run_calls_nobody(finished_home: Path, tmp_path: Path) -> None:
    calls = shop.calls_of(finished_home)
    assert not calls.exists(), calls.read_text()
    # The trap itself works: a call is caught and written down.
    home = tmp_path / "home"
    home.mkdir()
    caught = subprocess.run(
        [sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 9))"],
        env=shop.environment(home, **shop.trapped(home)), check=False, capture_output=True,
    )  # fmt: skip
    assert caught.returncode != 0 and shop.calls_of(home).exists()


def test_a_run_shows_in_the_instance_of_the_ui(finished_home: Path) -> None:
    [file] = (finished_home / "data/dagster").rglob("runs.db")
    with sqlite3.connect(file) as con:
        assert ("daily", "SUCCESS") in con.execute(
            "select pipeline_name, status from runs"
        ).fetchall()
