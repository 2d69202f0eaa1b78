"""Calendars of strangers' shops: weeks over new year, holidays of one country, exports."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.support import shop
from tests.support.html import Tree, whole
from tests.support.once import once

ORDERS = "order_id,ordered_at,paid_at,status,order_amount"
PER_DAY = 16
FIRST, LAST = date(2024, 8, 1), date(2026, 1, 14)


def orders(amounts: dict[date, list[tuple[str, str]]]) -> str:
    """A file of paid orders: day -> (hour and minute, amount) each."""
    lines = [
        f"{day:%y%m%d}-{number},{day} {at}:00,{day} {at}:00,paid,{amount}"
        for day, sold in amounts.items()
        for number, (at, amount) in enumerate(sold)
    ]
    return "\n".join([ORDERS, *lines]) + "\n"


def steady(factors: dict[date, float], part: int = 1) -> str:
    """`PER_DAY` orders of 100 a day, a few more or less by weekday; factors act on single days."""
    sold = {}
    for day in (FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)):
        wave = (day.toordinal() * 7) % 3  # no two days are quite alike
        count = round((PER_DAY + day.weekday() + wave) * part * factors.get(day, 1.0))
        sold[day] = [(f"{8 + 15 * n // count:02d}:{n % 60:02d}", "100") for n in range(count)]
    return orders(sold)


WEEKS = orders({
    date(2025, 12, 27): [("12:00", "1")], date(2025, 12, 28): [("12:00", "2")],
    date(2025, 12, 30): [("12:00", "4")], date(2025, 12, 31): [("12:00", "8")],
    date(2026, 1, 1): [("12:00", "16")], date(2026, 1, 3): [("12:00", "32")],
    date(2026, 1, 4): [("12:00", "64")], date(2026, 1, 6): [("12:00", "128")],
    date(2026, 1, 10): [("12:00", "256")], date(2026, 1, 11): [("12:00", "512")],
})  # fmt: skip
EASTER = {date(2025, 4, 18): 0.3, date(2025, 4, 20): 0.3, date(2025, 4, 21): 0.3}
CHRISTMAS = {date(year, 12, 25): 0.3 for year in (2024, 2025)}
GOLDEN = {date(year, 10, day): 0.4 for year in (2024, 2025) for day in range(1, 8)}
SHOPS: dict[str, tuple[str, str]] = {  # source -> zone, orders
    "weeks": ("Europe/Berlin", WEEKS),
    "christmas": ("Europe/Berlin", steady(CHRISTMAS | EASTER)),
    # the same, but the second Christmas is far below the first
    "worse": ("Europe/Berlin", steady({**CHRISTMAS, date(2025, 12, 25): 0.02}, 5)),
    "golden": ("Asia/Shanghai", steady(GOLDEN)),
    # a German fall on the Chinese holiday is no holiday of its own
    "national": ("Europe/Berlin", steady({date(2025, 10, 1): 0.3}, 5)),
    "stocktaking": ("Europe/Berlin", steady({date(2025, 11, 5): 0.1})),
}


def _made(home: Path) -> None:
    shop.new_home(home)
    sources = {}
    for name, (zone, text) in SHOPS.items():
        file = home / f"data/inbox/{name}/orders.csv"
        file.parent.mkdir(parents=True)
        file.write_text(text)
        sources[name] = {
            "platform": name, "shop_id": name, "timezone": zone, "currency": "EUR",
            "files": [{"path": f"{name}/orders.csv", "format": "plain_orders",
                       "daily": name != "weeks"}],
        }  # fmt: skip
    settings: dict[str, Any] = {
        "shop": {"name": "Calendars", "currency": "EUR", "timezone": "Europe/Berlin",
                 "week_start": "sunday", "languages": ["en"]},
        "sources": sources,
        "calendar": {"add": [{"name": "stocktaking", "first_day": date(2025, 11, 5),
                              "kind": "closed", "platform": "stocktaking"}]},
        "alerts": {"channels": []},
    }  # fmt: skip
    (home / "shop.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    done = shop.kpi(home, "run", "--date", str(LAST))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-4000:]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "calendar_cases", _made)


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(home / "data/published/current.duckdb", read_only=True) as con:
        return con.execute(query).fetchall()


def test_weeks_from_sunday_and_months_over_new_year(home: Path) -> None:
    weeks = rows(
        home,
        """
        select period_start, gmv from marts.fct_gmv_weekly
        where dimension = 'platform' and segment = 'weeks' and gmv > 0 order by 1
    """,
    )
    assert [(str(day), int(gmv)) for day, gmv in weeks] == [
        ("2025-12-21", 1), ("2025-12-28", 62), ("2026-01-04", 448), ("2026-01-11", 512),
    ]  # fmt: skip
    months = rows(
        home,
        """
        select period_start, gmv from marts.fct_gmv_monthly
        where dimension = 'platform' and segment = 'weeks' and gmv > 0 order by 1
    """,
    )
    assert [(str(day), int(gmv)) for day, gmv in months] == [
        ("2025-12-01", 15), ("2026-01-01", 1008),
    ]  # fmt: skip


def test_iso_weeks_of_the_years_with_53(home: Path) -> None:
    """By the ISO calendar 2026 has 53 weeks: the last runs until Sunday, 3 January 2027."""
    found = rows(
        home,
        """
        select business_date, iso_year, iso_week from marts.dim_date
        where business_date in (date '2025-12-28', date '2025-12-29', date '2026-12-31',
                                date '2027-01-03', date '2027-01-04') order by 1
    """,
    )
    assert [(str(day), year, week) for day, year, week in found] == [
        ("2025-12-28", 2025, 52), ("2025-12-29", 2026, 1), ("2026-12-31", 2026, 53),
        ("2027-01-03", 2026, 53), ("2027-01-04", 2027, 1),
    ]  # fmt: skip


def judged(home: Path, platform: str, day: str) -> tuple[str, float | None]:
    [(status, expected)] = rows(
        home,
        f"""
        select status, expected from insights.anomalies where metric = 'gmv'
        and dimension = 'platform' and segment = '{platform}' and business_date = date '{day}'
    """,
    )
    return status, expected


def alerts(home: Path, platform: str) -> list[tuple[Any, ...]]:
    return rows(
        home,
        f"""
        select kind, opened_date, last_date, metric from insights.incidents
        where platform = '{platform}' order by 2
    """,
    )


def test_a_shop_that_sells_little_every_christmas_raises_no_alert(home: Path) -> None:
    status, expected = judged(home, "christmas", "2025-12-25")
    assert status == "normal"
    assert expected is not None and 400 < expected < 800  # 30 % of about 1,900
    assert alerts(home, "christmas") == []


def test_a_christmas_far_below_the_last_one_is_an_alert(home: Path) -> None:
    status, _ = judged(home, "worse", "2025-12-25")
    assert status == "anomaly"
    assert [a for a in alerts(home, "worse") if a[0] == "kpi" and str(a[1]) == "2025-12-25"]


def test_a_golden_week_is_learned_by_the_chinese_shop_alone(home: Path) -> None:
    for day in range(1, 8):
        assert judged(home, "golden", f"2025-10-0{day}")[0] == "normal"
    assert alerts(home, "golden") == []
    assert judged(home, "national", "2025-10-01")[0] == "anomaly"
    events = rows(
        home,
        """
        select platform, promo, phase, kind, start_date, end_date from marts.dim_promo
        where promo_year = 2025 and promo in ('national_day', 'easter_monday', '618',
                                              'black_friday', 'stocktaking')
        and platform in ('golden', 'stocktaking') order by start_date, platform
    """,
    )
    told = [(*row[:4], str(row[4]), str(row[5])) for row in events]
    assert ("golden", "national_day", "holiday", "holiday", "2025-10-01", "2025-10-07") in told
    assert (
        "stocktaking",
        "easter_monday",
        "holiday",
        "holiday",
        "2025-04-21",
        "2025-04-21",
    ) in told
    assert ("stocktaking", "black_friday", "peak", "sale", "2025-11-28", "2025-12-01") in told
    assert ("stocktaking", "stocktaking", "closed", "closed", "2025-11-05", "2025-11-05") in told
    elsewhere = {("golden", "easter_monday"), ("golden", "black_friday"), ("stocktaking", "618"),
                 ("stocktaking", "national_day")}  # fmt: skip
    assert not elsewhere & {row[:2] for row in told}


def test_a_day_the_shop_calls_closed_is_not_judged(home: Path) -> None:
    assert judged(home, "stocktaking", "2025-11-05")[0] == "no_baseline"
    assert alerts(home, "stocktaking") == []


SHOPIFY = (
    "Name,Email,Financial Status,Fulfillment Status,Cancelled at,Payment Method,Paid at,Currency,"
    "Subtotal,Shipping,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Lineitem sku"
)
LARGE = {n: 100 * (n % 7 + 1) for n in range(48)}  # a jeweller: an order now and then
LARGE[40] = 5200
SEEN_FROM = date(2026, 3, 2)


def _export(zone: str, first_number: int) -> str:
    lines = [SHOPIFY]
    for n, amount in LARGE.items():
        day = SEEN_FROM - timedelta(days=4 * (47 - n))
        at = f"{day} 15:24:26 {zone}"
        lines.append(
            f"#{first_number + n},a{n}@example.com,paid,fulfilled,,Card,{at},EUR,{amount}.00,0.00,"
            f"0.00,{at},1,Aluna,{amount}.00,A-{n}"
        )
    return "\n".join([lines[0], *reversed(lines[1:])]) + "\n"


def _abroad(home: Path) -> None:
    """Exports of a Spanish and a Belgian shop, with the shop.yml that `kpi init` proposes."""
    shop.new_home(home)
    (home / "shop.yml").unlink()
    exports = home.with_name("exports_abroad")
    for country, number in (("spain", 1803), ("belgium", 1001)):
        (exports / country).mkdir(parents=True)
        (exports / country / "orders_export_1.csv").write_text(_export("+0100", number))
    done = shop.kpi(home, "init", "--from", str(exports), "--currency", "EUR", "--timezone",
                    "Europe/Madrid", "--copy")  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = yaml.safe_load((home / "shop.yml").read_text())
    assert told["calendar"] == {"country": "ES"}
    for source in told["sources"].values():
        for file in source["files"]:
            file["overrides"] = {
                **(file.get("overrides") or {}),
                "exported_at": {"file_time": True},
            }
    (home / "shop.yml").write_text(yaml.safe_dump(told, sort_keys=False))
    done = shop.kpi(home, "run", "--date", str(SEEN_FROM))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-4000:]


def test_the_axis_covers_the_sales_and_no_event_of_china_is_shaded(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Nearly all days are without sales, so the expected range is zero; the axis follows sales."""
    home = once(tmp_path_factory, "calendar_abroad", _abroad)
    [(sold, count)] = rows(home, "select sum(paid_amount), count(*) from marts.fct_orders")
    assert (int(sold), count) == (2 * sum(LARGE.values()), 2 * len(LARGE))
    payload = Tree(whole(home / "data/site/index.html")).payload()
    line = payload["figures"]["gmv-line"]["layout"]
    low, high = line["yaxis"]["range"]
    assert low <= 0 and high >= 2 * 5200
    # between 3 December and 2 March: Spain's days off and none of China's weeks before new year
    shaded = {shape["x0"]: shape["x1"] for shape in line["shapes"] if "x0" in shape}
    assert {"2025-12-08", "2025-12-25", "2026-01-01", "2026-01-06"} <= set(shaded)
    promos = {name for (name,) in rows(home, "select distinct promo from marts.dim_promo")}
    assert "epiphany" in promos and not promos & {"618", "double_11", "lunar_new_year"}
