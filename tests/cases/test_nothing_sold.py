"""Shops where nothing was paid: orders that all wait, batches that are all withdrawn, no file."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from orchestration.config.settings import Paths
from orchestration.ledger.state import State
from tests.support import shop

DAY = "2026-11-28"
SHOP_FILE = {
    "shop": {"name": "Quiet", "currency": "INR", "timezone": "Asia/Kolkata", "languages": ["en"]},
    "sources": {
        "web": {
            "platform": "web",
            "shop_id": "web",
            "timezone": "Asia/Kolkata",
            "currency": "INR",
            "files": [{"path": "web/orders_*.csv", "format": "plain_orders", "daily": True}],
        }
    },
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder without a file."""
    made = shop.new_home(tmp_path / "home")
    (made / "shop.yml").write_text(yaml.safe_dump(SHOP_FILE))
    return made


def put_pending(home: Path) -> None:
    """43 orders of 20 days, cash on delivery, none paid."""
    rows = [f"P{n},2026-11-{9 + n % 20:02} 10:00:00,,unpaid,c{n},{100 + n}.00\n" for n in range(43)]
    file = home / "data/inbox/web/orders_20261129020000.csv"
    file.parent.mkdir()
    file.write_text("order_id,ordered_at,paid_at,status,customer_id,order_amount\n" + "".join(rows))


def page(home: Path) -> str:
    return (home / "data/site/index.html").read_text()


def test_orders_that_all_wait_and_then_none_at_all_are_published(home: Path) -> None:
    put_pending(home)
    done = shop.kpi(home, "run", "--date", DAY)
    assert done.returncode == 0, done.stderr
    assert shop.query(home, "select count(*), sum(is_paid::int) from marts.fct_orders") == [(43, 0)]
    whole = "where dimension = 'all'"
    assert shop.query(
        home, f"select sum(gmv), sum(orders), sum(buyers) from marts.fct_gmv_daily {whole}"
    ) == [(0, 0, 0)]
    assert shop.query(home, "select count(*) from insights.incidents") == [(0,)]
    assert "Data through 2026-11-28" in page(home)

    state = State(Paths(home).state)
    [file] = state.files()
    state.reject(file["batch_id"])
    done = shop.kpi(home, "run", "--date", DAY)
    assert done.returncode == 0, done.stderr
    assert shop.query(home, "select count(*) from marts.fct_orders") == [(0,)]
    assert shop.query(home, "select data_through from quality.run") == [(None,)]
    assert "No day of data yet" in page(home)
    assert "GMV of Sat 28 Nov is not known." in page(home)
    status = shop.kpi(home, "status")
    assert status.returncode == 0, status.stderr
    assert "no day of data yet" in status.stdout


@pytest.mark.parametrize(
    ("files", "told"),
    [((), "the inbox is empty"),
     (("elsewhere/orders_1.csv", "web/ordres.csv"), "no source reads any of the 2 files")],
)  # fmt: skip
def test_nothing_to_read_is_said_within_seconds(
    home: Path, files: tuple[str, ...], told: str
) -> None:
    for name in files:
        path = home / "data/inbox" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a,b\n1,2\n")
    started = time.monotonic()
    done = shop.kpi(home, "run")
    assert done.returncode == 3
    assert told in done.stderr
    assert str(home / "data/inbox") in done.stderr.replace("\n", "")
    assert "dbt" not in done.stdout + done.stderr
    assert time.monotonic() - started < 30
    assert not (home / "data/build/working.duckdb").exists()
