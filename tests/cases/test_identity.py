"""What is the same and what is not: files, orders, versions, customers; from files to SQL."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cases.money import SHOPIFY, WOO, ZONE
from tests.support.shop import kpi, new_home, query

PLAIN = "order_id,ordered_at,paid_at,status,currency,order_amount,updated_at,customer_id\n"
STAMP = {"exported_at": {"file_name": r"(\d{8}_\d{6})", "datetime": "%Y%m%d_%H%M%S"}}
LOG: dict[str, Any] = {
    "datetimes": ["%Y-%m-%d %H:%M:%S"],
    "personal": ["visitor"],
    "read": {"header": ["what", "id", "at", "amount", "visitor", "region"]},
}
NO_STAMP = {"exported_at": None}
COLUMNS = {"order_id": "id", "ordered_at": "at", "paid_at": "at", "order_amount": "amount"}
VISITS = {
    **LOG,
    "filter": "what = 'visit'",
    "feeds": {"events": {
        "columns": {"event_id": "id", "occurred_at": "at", "visitor_id": "visitor"},
        "constants": {"event_type": "home"},
    }},
}  # fmt: skip


def sales(region: str) -> dict[str, Any]:
    """The mapping of a region's sales."""
    feeds = {"orders": {"columns": COLUMNS, "constants": {"status": "paid"}}}
    return {**LOG, "filter": f"what = 'sale' AND region = '{region}'", "feeds": feeds}


def plain(*rows: str) -> str:
    """Orders: number, day and hour in March 2026, amount, change, customer."""
    return PLAIN + "".join(
        "{0},2026-03-{1}:00:00,2026-03-{1}:01:00,paid,EUR,{2},{3},{4}\n".format(*row.split(","))
        for row in rows
    )


def shopify(*rows: str) -> str:
    """Orders of two lines: number, instant of creation, amount; the lines share it."""
    text = f"{SHOPIFY}\n"
    for row in rows:
        name, at, amount = row.split(",")
        half = Decimal(amount) / 2
        text += (
            f"{name},a@x,paid,fulfilled,,card,{at},EUR,{amount},0,0,{at},1,A,{half},A\n"
            f"{name},a@x,,,,,,,,,,{at},1,B,{half},B\n"
        )
    return text


def woo(*rows: str) -> str:
    """Lines: order, instant, total of the order."""
    text = f"{WOO}\n"
    for number, row in enumerate(rows):
        order, at, total = row.split(",")
        text += (
            f"{order},{order},2026-03-{at},2026-03-{at},completed,0,0,0,{total},EUR,card,a@x,"
            f"{number},S{number},Thing,1,{total},{total}\n"
        )
    return text


def totals(kind: str, *days: str) -> str:
    """Visitors of days in March: 100 of the shop, or 60 by search and 50 by mail."""
    segments = {"shop": [("shop", "all", 100)]}.get(
        kind, [("traffic_source", "search", 60), ("traffic_source", "mail", 50)]
    )
    return "traffic_date,grain,segment,visitors\n" + "".join(
        f"2026-03-0{day},{grain},{segment},{visitors}\n"
        for day in days
        for grain, segment, visitors in segments
    )


def console(shop: str, *amounts: str) -> str:
    """What a console reports of a shop, from 1 March on."""
    return "report_date,shop_id,paid_amount\n" + "".join(
        f"2026-03-0{day},{shop},{amount}\n" for day, amount in enumerate(amounts, 1)
    )


FILES = {
    # The later export lacks order 1402 and 1406, whose day in the shop's zone it covers, and 1404,
    # the only one of a day between its first and last; order 1407 is of a day before it.
    "snap/orders_export_20260304_020000.csv": shopify(
        "#1407,2026-03-01 10:00:00 +0100,11.00", "#1406,2026-03-01 23:30:00 +0000,12.00",
        "#1401,2026-03-02 10:00:00 +0100,100.00", "#1402,2026-03-02 11:00:00 +0100,40.00",
        "#1404,2026-03-03 11:00:00 +0100,13.00",
    ),
    "snap/orders_export_20260305_020000.csv": shopify(
        "#1401,2026-03-02 10:00:00 +0100,100.00", "#1403,2026-03-04 11:00:00 +0100,7.00"
    ),
    # The deleted order was the last to change: the export decides, not what a row says of itself.
    "days/orders_20260304_020000.csv": plain(
        "1401,02 10,100.00,,", "1402,02 11,40.00,2026-03-03 09:00:00,"
    ),
    "days/orders_20260305_020000.csv": plain("1401,02 10,100.00,,", "1403,03 11,7.00,,"),
    # One file for two feeds, and for two sources.
    "log/all.csv": "what,id,at,amount,visitor,region\n"
    "sale,1,2026-03-02 10:00:00,10.00,v1,north\nsale,2,2026-03-02 11:00:00,20.00,v2,south\n"
    "visit,e1,2026-03-02 09:00:00,,v1,north\nvisit,e2,2026-03-02 09:30:00,,v2,south\n"
    "visit,e3,2026-03-02 09:31:00,,v3,south\n",
    # Nothing says which of two amounts of order 1 is newer; of order 3 the row does.
    "tied/orders_20260304_020000.csv": plain(
        "1,02 10,10.00,,", "2,02 11,20.00,,", "3,02 12,5.00,2026-03-03 08:00:00,"
    ),
    "tied/orders_b_20260304_020000.csv": plain(
        "1,02 10,12.00,,", "2,02 11,20.00,,", "3,02 12,6.00,2026-03-03 09:00:00,"
    ),
    # No export instant. The second export covers days 2 and 3 again and ends before the first.
    "dateless/orders_9.csv": plain("1,02 10,100.00,,", "2,03 10,60.00,,", "3,05 10,20.00,,"),
    "dateless/orders_10.csv": plain("1,02 10,60.00,,", "2,03 10,60.00,,"),
    # Each change has an instant, which is the last one of its file too: nothing is in doubt.
    "stamped/orders_9.csv": plain(
        "1,04 10,100.00,2026-03-05 10:00:00,", "3,05 10,20.00,2026-03-05 10:00:00,"
    ),
    "stamped/orders_10.csv": plain("1,04 10,60.00,2026-03-04 10:00:00,"),
    # So where an export was made at the very instant of its last row.
    "sharp/b_20260305_100000.csv": plain("1,04 10,100.00,,", "3,05 10,20.00,,"),
    "sharp/c_20260304_100000.csv": plain("1,04 10,60.00,,"),
    # Of exports that go on to later days the later counts, as their names say.
    "growing/woo_1.csv": woo("7,02 10:00:00,10.00"),
    "growing/woo_2.csv": woo("7,02 10:00:00,12.00", "8,04 10:00:00,8.00"),
    # So with lines alone: of order 7 they are another's in the export that ends before.
    "shrinking/woo_1.csv": woo("8,04 10:00:00,8.00", "7,02 10:00:00,10.00"),
    "shrinking/woo_1 (1).csv": woo("7,02 10:00:00,10.00"),
    # Nobody, in nine ways; two buyers who are somebody, one of them with most orders.
    "guests/orders_20260304_020000.csv": plain(
        *(f"{number},02 10,1.00,,{who}" for number, who in enumerate((
            "0", "guest", " Guest ", "null", "-", "anonymous", "N/A",
            "00000000-0000-0000-0000-000000000000", "游客", "10", *["C1"] * 30))),
    ),
    # Totals of the shop and of where its visitors came from, one export each, of the same days; the
    # later one of the shop has no second day any more. Once the shop's come first, once last.
    **{
        f"{name}/{kind}_{stamp}_020000.csv": totals(kind, *days)
        for name, exports in {
            "shop_first": ("04 shop 1 2 3", "05 shop 1 3", "06 source 1 2 3"),
            "shop_last": ("04 source 1 2 3", "05 shop 1 2 3", "06 shop 1 3"),
        }.items()
        for stamp, kind, *days in (f"202603{export}".split() for export in exports)
    },
    # Two shops of one console, each with an export of its own.
    "consoles/a_20260304_020000.csv": console("a", "100.00", "200.00"),
    "consoles/b_20260305_020000.csv": console("b", "10.00", "20.00"),
    # Two orders under number 3; number 4 twice the same; number 5 changed later.
    "twins/orders_20260304_020000.csv": plain(
        *(f"{number},02 10,1.00,," for number in range(20, 40)), "3,02 10,30.00,,",
        "3,02 15,31.00,,", "4,02 10,4.00,,", "4,02 10,4.00,,",
        "5,02 10,50.00,2026-03-03 08:00:00,", "5,02 10,51.00,2026-03-03 09:00:00,",
    ),
    # Order 5 has two lines; under number 6 are two orders.
    "lines/woo_20260304_020000.csv": woo(
        *(f"{number},02 10:00:00,10.00" for number in range(20, 32)), "5,02 10:00:00,10.00",
        "5,02 10:00:00,10.00", "6,02 10:00:00,10.00", "6,02 15:00:00,10.00",
    ),
}  # fmt: skip
SOURCES: dict[str, list[dict[str, Any]]] = {
    "snap": [{"path": "snap/*.csv", "format": "shopify_orders", "overrides": STAMP,
              "delivery": "snapshot:ordered_at"}],
    "days": [{"path": "days/*.csv", "format": "plain_orders", "overrides": STAMP,
              "delivery": "snapshot:ordered_at"}],
    "north": [{"path": "log/*.csv", "format": sales("north")},
              {"path": "log/*.csv", "format": VISITS}],
    "south": [{"path": "log/a*.csv", "format": sales("south")}],
    "tied": [{"path": "tied/*.csv", "format": "plain_orders", "overrides": STAMP}],
    "dateless": [{"path": "dateless/*.csv", "format": "plain_orders", "overrides": NO_STAMP}],
    "stamped": [{"path": "stamped/*.csv", "format": "plain_orders", "overrides": NO_STAMP}],
    "sharp": [{"path": "sharp/*.csv", "format": "plain_orders", "overrides": STAMP}],
    "growing": [{"path": "growing/*.csv", "format": "woocommerce_orders", "overrides": NO_STAMP}],
    "shrinking": [{"path": "shrinking/*.csv", "format": "woocommerce_orders",
                   "overrides": NO_STAMP}],
    "guests": [{"path": "guests/*.csv", "format": "plain_orders", "overrides": STAMP}],
    **{name: [
        {"path": f"{name}/*.csv", "format": "plain_traffic_daily", "overrides": STAMP,
         "delivery": "snapshot:traffic_date"},
    ] for name in ("shop_first", "shop_last")},
    "consoles": [{"path": "consoles/*.csv", "format": "plain_platform_daily", "overrides": STAMP,
                  "delivery": "snapshot:report_date"}],
    "twins": [{"path": "twins/*.csv", "format": "plain_orders", "overrides": STAMP}],
    "lines": [{"path": "lines/*.csv", "format": "woocommerce_orders", "overrides": STAMP}],
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = new_home(tmp_path_factory.mktemp("identity") / "home")
    for name, text in FILES.items():
        path = home / "data/inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = {
        "shop": {"name": "Same", "currency": "EUR", "timezone": ZONE, "languages": ["en"]},
        "sources": {
            name: {"platform": name, "shop_id": name, "timezone": ZONE, "currency": "EUR",
                   "files": [{**one, "daily": False} for one in files]}
            for name, files in SOURCES.items()
        },
        "alerts": {"channels": []},
    }  # fmt: skip
    (home / "shop.yml").write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
    done = kpi(home, "run", "--date", "2026-03-10")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-4000:]
    return home


def orders(home: Path, source: str) -> dict[str, Decimal]:
    sql = f"select order_id, paid_amount from marts.fct_orders where source = '{source}'"
    return {order.lstrip("#"): paid for order, paid in query(home, sql)}


def counts(home: Path, source: str) -> tuple[int, ...]:
    """Rows read, landed, set aside and repeated."""
    [found] = query(
        home,
        "select sum(rows_read), sum(rows_landed), sum(rows_quarantined), sum(rows_duplicate)"
        f" from quality.ingest_files where source = '{source}'",
    )
    return tuple(int(number) for number in found)


def test_a_snapshot_withdraws_what_its_days_hold_no_more(home: Path) -> None:
    assert orders(home, "snap") == {
        "1401": Decimal("100.00"), "1403": Decimal("7.00"), "1407": Decimal("11.00")}  # fmt: skip
    # Their lines go along: none is left without its order.
    sql = "select count(*), sum(paid_amount) from marts.fct_order_items where source = 'snap'"
    assert query(home, sql) == [(6, Decimal("118.00"))]
    assert query(home, "from quality.orphans_daily where feed = 'order_items'") == []
    assert orders(home, "days") == {"1401": Decimal("100.00"), "1403": Decimal("7.00")}
    sql = "select source, difference from quality.reconciliation_daily where difference <> 0"
    assert query(home, sql) == []


@pytest.mark.parametrize("source", ["shop_first", "shop_last"])
def test_a_snapshot_of_one_grain_leaves_the_others_alone(home: Path, source: str) -> None:
    """Of the shop the second day was withdrawn, of where visitors came from nothing."""
    sql = ("select business_date::varchar, visitors from marts.fct_gmv_daily where dimension ="
           f" 'platform' and segment = '{source}' and visitors > 0 order by 1")  # fmt: skip
    assert query(home, sql) == [("2026-03-01", 100), ("2026-03-03", 100)]
    sql = ("select channel, sum(visitors)::int from marts.fct_channel_daily where platform ="
           f" '{source}' and channel <> '(untracked)' group by all order by all")  # fmt: skip
    assert sorted(count for _, count in query(home, sql)) == [150, 180]


def test_a_console_of_one_shop_leaves_the_others_alone(home: Path) -> None:
    sql = (
        "select business_date::varchar, reported_paid_amount::double from"
        " quality.platform_reconciliation_daily where platform = 'consoles' order by 1"
    )
    assert query(home, sql) == [("2026-03-01", 110.0), ("2026-03-02", 220.0)]


def test_one_file_feeds_two_feeds_and_two_sources(home: Path) -> None:
    assert orders(home, "north") == {"1": Decimal("10.00")}
    assert orders(home, "south") == {"2": Decimal("20.00")}
    assert query(home, "select count(*) from marts.fct_sessions") == [(3,)]
    sql = ("select source, feeds, status, rows_landed from quality.ingest_files"
           " where source_file = 'log/all.csv' order by all")  # fmt: skip
    assert query(home, sql) == [
        ("north", "events", "landed", 3), ("north", "orders", "landed", 1),
        ("south", "orders", "landed", 1)]  # fmt: skip
    again = kpi(home, "run", "--date", "2026-03-10")
    assert again.returncode == 0 and "nothing new" in again.stderr


def test_versions_that_nothing_orders_are_told(home: Path) -> None:
    found = orders(home, "tied")
    assert found["1"] in (Decimal("10.00"), Decimal("12.00"))
    assert (found["2"], found["3"]) == (Decimal("20.00"), Decimal("6.00"))
    [row] = query(home, "from quality.version_conflicts where source = 'tied'")
    assert row[:4] == ("orders", "tied", 1, "1")
    taken = "tied/orders_" + ("b_" if found["1"] == Decimal("12.00") else "") + "2026"
    assert row[4].startswith(taken)
    checks = query(home, "select check_name, severity from quality.checks where status <> 'passed'")
    assert ("every_row_has_one_newest_version", "warn") in checks
    assert "rows of which nothing says which version is newer" in kpi(home, "status").stdout


def test_the_last_row_orders_exports_and_a_name_that_contradicts_is_told(home: Path) -> None:
    assert orders(home, "growing") == {"7": Decimal("12.00"), "8": Decimal("8.00")}
    found = query(
        home,
        "select source, feed, rows, examples, source_files from quality.version_conflicts"
        " where source in ('dateless', 'growing', 'shrinking') order by all",
    )
    assert found == [
        ("dateless", "orders", 1, "1", "dateless/orders_9.csv"),
        ("shrinking", "order_items", 1, "7|1", "shrinking/woo_1.csv"),
    ]


@pytest.mark.parametrize("source", ["stamped", "sharp"])
def test_a_version_of_the_last_instant_of_its_file_is_not_in_doubt(home: Path, source: str) -> None:
    assert orders(home, source) == {"1": Decimal("100.00"), "3": Decimal("20.00")}
    assert query(home, f"from quality.version_conflicts where source = '{source}'") == []


def test_nobody_is_no_customer_and_one_with_most_orders_is_named(home: Path) -> None:
    sql = ("select count(*), count(customer_key), count(distinct customer_key)"
           " from marts.fct_orders where source = 'guests'")  # fmt: skip
    assert query(home, sql) == [(40, 31, 2)]
    told = kpi(home, "doctor").stdout
    assert "one customer of guests has 30 of 40 orders (75%)" in told


def test_two_orders_under_one_number_are_set_aside_and_told(home: Path) -> None:
    assert counts(home, "twins") == (26, 22, 2, 2)
    found = orders(home, "twins")
    assert "3" not in found and len(found) == 22
    assert (found["4"], found["5"]) == (Decimal("4.00"), Decimal("51.00"))
    # Lines of an order repeat what is told of it; those of 6 do not.
    assert counts(home, "lines") == (16, 14, 2, 0)
    assert orders(home, "lines")["5"] == Decimal("10.00") and "6" not in orders(home, "lines")
    sql = "select message from quality.ingest_files where rows_quarantined > 0 order by source"
    (lines,), (twins,) = query(home, sql)
    assert "two orders under one number" in lines
    assert "two under one key" in twins
