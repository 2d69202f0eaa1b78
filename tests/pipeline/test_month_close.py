"""A month that was closed stays as it was, whatever arrives; how far it moved stands beside it."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from orchestration.build.raw import CLOSED_MONTHS
from orchestration.ledger.state import State
from tests.support import shop
from tests.support.arrivals import Company
from tests.support.raw import PROJECT, read, run_dbt, write_raw

KEY = ["month_start", "platform"]
AS_TEXT = ", ".join(f"{name}::varchar as {name}" for name in CLOSED_MONTHS)


def known(file: Path) -> pl.DataFrame:
    """What the data say now of each month: GMV of its days, and of its orders what was kept."""
    month = pl.col("business_date").dt.truncate("1mo").alias("month_start")
    days = read(file, "select business_date, platform, gmv from marts.fct_profit_daily")
    orders = read(
        file,
        "select business_date, platform, paid_goods_amount - refunded_amount as net"
        " from intermediate.int_orders_rolled_up where is_paid",
    )
    sold = days.group_by(month, "platform").agg(pl.col("gmv").sum())
    kept = orders.group_by(month, "platform").agg(pl.col("net").sum())
    return sold.join(kept, on=KEY, how="left").with_columns(pl.col("net").fill_null(0))


def sell_late(company: Company, month_start: str, platform: str) -> None:
    """An order of a month that is closed, which no delivery before has told of."""
    at = datetime.fromisoformat(month_start) + timedelta(days=9, hours=3)
    order = {"order_id": f"late {company.seq}", "platform": platform, "shop_id": "s1",
             "ordered_at": at, "paid_at": at, "status": "shipped", "currency": "CNY",
             "order_amount": 8}  # fmt: skip
    company._land("orders", [order])


def walk(file: Path, seed: int, builds: int) -> int:
    """Builds after arrivals, each closing what is over; how often a closed month had moved."""
    company, moved, state = Company(seed), 0, State(file.parent)
    closed: dict[tuple[str, str], dict[str, str | None]] = {}
    for number in range(builds):
        for _ in range(4):
            company.step()
        for month in sorted(closed)[:1]:
            sell_late(company, *month)
        state.close_months(closed.values())
        again = sorted(closed)[-1:] if number == builds - 1 else []
        for month in again:
            closed.pop(month)
            state.reopen_month(*month, "a void sale")
        write_raw(file, company.frames(), company.ledger(), closed=state.closed_months(),
                  reopened=state.reopened_months())  # fmt: skip
        run_dbt(PROJECT, file, "build", "--exclude-resource-type", "test", "unit_test",
                "--select", "path:models/staging", "+fct_month_close",
                *([] if number else ["--full-refresh"]))  # fmt: skip
        told = {
            (row["month_start"], row["platform"]): row
            for row in read(file, f"select {AS_TEXT} from marts.fct_month_close"
                            " where is_closed").to_dicts()
        }  # fmt: skip
        assert {key: told[key] for key in closed} == closed
        months = read(file, "from marts.fct_month_close")
        both = months.join(known(file), on=KEY, how="left", suffix="_now").fill_null(0)
        assert (both["gmv"] + both["gmv_restatement_amount"] == both["gmv_now"]).all()
        assert (both["adjusted_net_amount"] == both["net"]).all()
        assert [
            row[:3]
            for row in read(
                file,
                "select month_start::varchar, platform, reopening_reason, is_closed"
                " from marts.fct_month_close where reopened_date is not null",
            ).rows()
        ] == [(*month, "a void sale") for month in again]
        for month in again:  # as it is now, up to the day of its close
            assert all(
                value in {"0.00", None}
                for value in read(
                    file,
                    "select columns('restatement')::varchar from marts.fct_month_close"
                    f" where (month_start::varchar, platform) = {month}",
                ).row(0)
            )
        moved += int((months["gmv_restatement_amount"] != 0).sum())
        closed = told
    return moved


@pytest.mark.long
@pytest.mark.parametrize("seed", [3, *range(40, 44)])  # 44 and 45 close no month
def test_no_closed_month_moves(seed: int, tmp_path: Path) -> None:
    assert walk(tmp_path / "working.duckdb", seed, builds=5) > 0


def test_a_run_keeps_the_months_it_closes(finished_home: Path) -> None:
    told = shop.query(
        finished_home,
        f"select {AS_TEXT} from marts.fct_month_close where is_closed order by month_start,"
        " platform",
    )
    kept = State(finished_home / "data/state").closed_months()
    assert [tuple(row.values()) for row in kept] == told
    assert len(told) == 6  # July to September on two platforms


@pytest.mark.long
def test_a_reopened_month_is_closed_by_the_next_run(finished_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(finished_home, home, symlinks=True)
    closed = State(home / "data/state").closed_months()
    for told in (["2026-06", "--reason", "x"], ["2026-07", "--reason", " "], ["2026-07"]):
        assert shop.kpi(home, "reopen", *told).returncode == 2
    done = shop.kpi(home, "reopen", "2026-07", "--platform", "tmall", "--reason", "<b>void</b>")
    assert done.returncode == 0, done.stderr
    assert "tmall" in done.stdout
    assert len(State(home / "data/state").closed_months()) == len(closed) - 1
    shop.run(home)
    # nothing came in between
    assert State(home / "data/state").closed_months() == closed
    (row,) = shop.query(
        home,
        "select platform, reopening_reason, reopened_gmv = gmv and gmv > 0"
        " from marts.fct_month_close where reopened_date is not null",
    )
    assert row == ("tmall", "<b>void</b>", True)
    page = (home / "data/site/profit.html").read_text("utf-8")
    assert "&lt;b&gt;void&lt;/b&gt;" in page and "<b>void</b>" not in page
