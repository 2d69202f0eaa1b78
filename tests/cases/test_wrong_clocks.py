"""Events of phones whose clocks say 2031 or 1970: no day, no retention, no recency moves."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support import shop

SHOP_FILE = {
    "shop": {"name": "Clocks", "currency": "EUR", "timezone": "Europe/Berlin",
             "languages": ["en"]},
    "sources": {
        "web": {
            "platform": "web", "shop_id": "web", "timezone": "Europe/Berlin", "currency": "EUR",
            "files": [
                {"path": "web/orders_*.csv", "format": "plain_orders", "daily": True},
                {"path": "web/events*.csv", "format": "plain_events", "daily": True},
            ],
        }
    },
}  # fmt: skip
EVENTS = "visitor_id,occurred_at,event_type\n"
ORDERS = "order_id,ordered_at,paid_at,status,customer_id,order_amount\n"


def visits(letter: str) -> str:
    """Each day of 9 to 28 November two visitors of its own; those of the 12th: one comes back."""
    rows = [
        f"{letter}{n}-{day},2026-11-{day:02} 09:0{n}:00,home\n"
        for day in range(9, 29) for n in (1, 2)
    ]  # fmt: skip
    return "".join([*rows, f"{letter}1-12,2026-11-13 18:00:00,home\n"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on a file whose name tells its export, and on one whose name tells nothing."""
    home = shop.new_home(tmp_path_factory.mktemp("clocks") / "home")
    (home / "shop.yml").write_text(yaml.safe_dump(SHOP_FILE))
    inbox = home / "data/inbox/web"
    inbox.mkdir()
    wrong = "{0}x,2031-03-01 10:00:00,home\n{0}y,1970-01-01 00:00:00,home\n"
    (inbox / "events_20261129020000.csv").write_text(EVENTS + visits("a") + wrong.format("a"))
    (inbox / "events.csv").write_text(EVENTS + visits("b") + wrong.format("b"))
    # A new customer each day; those of the last five days come again on the last.
    days = [*((day, f"u{day}") for day in range(9, 29)), *((28, f"u{d}") for d in range(24, 28))]
    (inbox / "orders_20261129020000.csv").write_text(ORDERS + "".join(
        f"N{n},2026-11-{day:02} 10:00:00,2026-11-{day:02} 10:00:00,completed,{who},20.00\n"
        for n, (day, who) in enumerate(days)
    ))  # fmt: skip
    done = shop.kpi(home, "run", "--date", "2026-11-28")
    assert done.returncode == 0, done.stderr
    return home


def test_the_last_day_stays_and_the_rest_is_published(home: Path) -> None:
    assert shop.query(
        home, "select min(business_date)::varchar, max(business_date)::varchar, count(*),"
        " sum(visitors) from marts.fct_gmv_daily where dimension = 'all'",
    ) == [("2026-11-09", "2026-11-28", 20, 82)]  # fmt: skip


def test_no_retention_is_known_early(home: Path) -> None:
    assert shop.query(
        home, "select period_number, cohort_size, retained_count from marts.fct_retention_daily"
        " where kind = 'visit' and dimension = 'all' and retention_type = 'classic'"
        " and cohort_date = '2026-11-12' and period_number in (1, 30) order by 1",
    ) == [(1, 4, 2), (30, 4, None)]  # fmt: skip


def test_recency_counts_from_the_last_day_that_was(home: Path) -> None:
    recency = dict(shop.query(
        home, "select recency_days, count(*) from marts.dim_customer group by 1 order by 1"
    ))  # fmt: skip
    assert recency == {0: 5, **dict.fromkeys(range(5, 20), 1)}


def test_what_was_set_aside_is_told_file_by_file(home: Path) -> None:
    assert shop.query(
        home, "select source_file, rows_landed, rows_quarantined from quality.ingest_files"
        " where source_file like '%events%' order by 1",
    ) == [("web/events.csv", 41, 2), ("web/events_20261129020000.csv", 41, 2)]  # fmt: skip
