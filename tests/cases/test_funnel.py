"""A funnel that begins anywhere, and days that lost their visits or their orders.

A shop of ten weeks sells on its site, which records visits, and on a market, which does not. Each
day twelve visitors of the site begin at the home page and see a product, and eight come by a link
to a product, of whom six fill the cart and two buy; four of the day before come again. On LOST the
visits of but two visitors are recorded, on SILENT no order of the site is delivered.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import shop
from tests.support.html import tree

FIRST, LAST = date(2026, 1, 5), date(2026, 3, 20)
LOST, SILENT = date(2026, 3, 10), date(2026, 3, 5)
DAYS = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
STEPS = ("home", "product_view", "add_to_cart", "checkout", "purchase")
_VISITS = {  # number of the visitor of the day -> steps of its session
    **dict.fromkeys(range(12), ("home", "product_view")),
    **dict.fromkeys(range(12, 14), ("product_view",)),
    **dict.fromkeys(range(14, 18), ("product_view", "add_to_cart")),
    **dict.fromkeys(range(18, 20), ("product_view", "add_to_cart", "checkout", "purchase")),
}
Session = tuple[date, str, tuple[str, ...]]


def sessions() -> list[Session]:
    """Day, visitor and steps of every session that is delivered."""
    found = []
    for day in DAYS:
        own = [(day, f"v{day}-{n}", steps) for n, steps in _VISITS.items()]
        before = day - timedelta(1)
        again = [(day, f"v{before}-{n}", ("home",)) for n in range(4)] if day > FIRST else []
        found += own[18:] if day == LOST else [*own, *again]
    return found


def orders(platform: str, count: int) -> str:
    """Orders of every day but SILENT; the first customer of a day buys again the day after."""
    rows = ["order_id,ordered_at,paid_at,status,customer_id,order_amount"]
    for day in DAYS:
        if platform == "site" and day == SILENT:
            continue
        buyers = [f"{platform}{day}-{n}" for n in range(count)]
        buyers += [f"{platform}{day - timedelta(1)}-0"] if day > FIRST else []
        for n, buyer in enumerate(buyers):
            at = f"{day} {9 + 2 * n}:30:00"
            rows.append(f"{platform}-{day}-{n},{at},{at},completed,{buyer},30")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("funnel") / "home"
    shop.new_home(folder)
    events = ["visitor_id,occurred_at,event_type"]
    for place, (day, visitor, steps) in enumerate(sessions()):
        # Sessions lie over the whole day, until its end.
        hour, minute = 8 + place % 15, 5 * (place % 6)
        events += [f"{visitor},{day} {hour}:{minute + n:02}:00,{step}"
                   for n, step in enumerate(steps)]  # fmt: skip
    events += [f"night,{day} 23:30:00,other" for day in DAYS]
    inbox = folder / "data/inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "events.csv").write_text("\n".join(events) + "\n")
    (inbox / "site.csv").write_text(orders("site", 6))
    (inbox / "market.csv").write_text(orders("market", 2))
    common = {"timezone": "Europe/Berlin", "currency": "EUR"}
    settings: dict[str, Any] = {
        "shop": {"name": "F", "currency": "EUR", "timezone": "Europe/Berlin", "languages": ["en"]},
        "alerts": {"channels": []},
        "sources": {
            "site": {**common, "platform": "site", "shop_id": "site", "files": [
                {"path": "events.csv", "format": "plain_events"},
                {"path": "site.csv", "format": "plain_orders"}]},
            "market": {**common, "platform": "market", "shop_id": "market", "files": [
                {"path": "market.csv", "format": "plain_orders", "daily": False}]},
        },
    }  # fmt: skip
    (folder / "shop.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    done = shop.kpi(folder, "run", "--date", str(LAST))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-4000:]
    return folder


def text(home: Path, page: str) -> str:
    return " ".join(tree(home / "data/site", page).text().split())


def test_sessions_that_begin_in_the_middle_count_at_their_step(home: Path) -> None:
    """In order from the home page nobody buys; of the sessions of a day two do."""
    rows = shop.query(
        home,
        "select step, attempt_count, reached_count, direct_count, entered_count, passage_rate"
        " from marts.fct_funnel_daily where dimension = 'all' and basis = 'session'"
        f" and business_date = date '{LAST}' order by step_number",
    )
    assert rows == [
        ("home", 25, 16, 16, 16, None),  # with the one of the night, which has no step
        ("product_view", 25, 20, 8, 12, 12 / 16),
        ("add_to_cart", 25, 6, 0, 0, 6 / 20),
        ("checkout", 25, 2, 0, 0, 2 / 6),
        ("purchase", 25, 2, 0, 0, 1.0),
    ]
    visitors = shop.query(
        home,
        "select attempt_count, reached_count, entered_count from marts.fct_funnel_daily"
        " where dimension = 'all' and basis = 'visitor' and step = 'add_to_cart'"
        f" and business_date = date '{LAST}'",
    )
    assert visitors == [(24, 6, 0)]  # the one of the night has no step


def test_the_page_says_what_it_counts_and_of_whom(home: Path) -> None:
    told = text(home, "funnel.html")
    assert "Of 100 sessions of site 8.0 reach the last step, Pay." in told  # 2 of 25
    assert "Most are lost at Product view → Add to cart: 56 of 100." in told  # 14 of 25
    assert "for sessions are not recorded there: market." in told
    assert "Whole company" not in told


def test_days_that_lost_their_visits_are_left_out_and_listed(home: Path) -> None:
    reasons = shop.query(
        home,
        "select feed, business_date, reason from quality.source_completeness_daily"
        " where not is_complete order by feed",
    )
    assert reasons == [("events", LOST, "few_rows"), ("orders", SILENT, "no_rows")]
    for page in ("funnel.html", "cohorts.html"):
        assert "visits were not recorded whole: 10 Mar (site, few rows)." in text(home, page)
    assert "Orders were not recorded whole" not in text(home, "funnel.html")


def test_retention_is_averaged_without_days_that_lost_data(home: Path) -> None:
    """Of new visitors four of twenty are back on the next day, of buyers one of six or two."""
    average = f"""
        select kind, segment, sum(retained_count) / sum(cohort_size)
        from marts.fct_retention_daily
        where retention_type = 'classic' and period_number = 1 and retained_count is not null
            and dimension in ('all', 'platform') and cohort_date >= date '{FIRST + timedelta(9)}'
            and cohort_date <= case kind when 'visit' then date '{LOST}' else date '{SILENT}' end
        group by all order by all
    """
    assert shop.query(home, average) == [
        ("purchase", "all", pytest.approx(2 / 8)),
        ("purchase", "market", pytest.approx(1 / 2)),
        ("purchase", "site", pytest.approx(1 / 6)),
        ("visit", "all", pytest.approx(4 / 20)),
        ("visit", "site", pytest.approx(4 / 20)),
    ]
    unknown = f"""
        select kind, segment, cohort_date
        from marts.fct_retention_daily
        where retention_type = 'classic' and period_number = 1 and retained_count is null
            and dimension in ('all', 'platform') and cohort_date < date '{LAST}'
        order by all
    """
    day = timedelta(1)
    assert shop.query(home, unknown) == [
        ("purchase", "all", SILENT - day), ("purchase", "all", SILENT),
        ("purchase", "site", SILENT - day),  # nobody of the site is known of SILENT itself
        ("visit", "all", LOST - day), ("visit", "all", LOST),
        ("visit", "site", LOST - day), ("visit", "site", LOST),
    ]  # fmt: skip


def test_changes_against_such_days_carry_their_own_method(home: Path) -> None:
    rows = shop.query(
        home,
        "select business_date, comparison, method, visitors, conversion_effect, visitors_effect"
        " from marts.fct_gmv_change where dimension = 'all' order by all",
    )
    method = {(day, name): told for day, name, told, *_ in rows}
    for name, days in (("previous_day", 1), ("last_week", 7)):
        for day in DAYS[days:]:
            base = day - timedelta(days)
            # What the site sold on SILENT is not known: there the market is compared alone, and
            # nothing is compared with it.
            expected = "lmdi_gap" if {LOST, SILENT} & {day, base} else "lmdi"
            assert method.get((day, name)) == (None if base == SILENT else expected)
    assert method[SILENT - timedelta(1), "trailing_28d"] == "lmdi"
    assert method[LAST, "trailing_28d"] == "lmdi_gap"
    visitors = {(day, name): told for day, name, _, told, *_ in rows}
    assert visitors[LOST, "previous_day"] is None is visitors[SILENT, "previous_day"]
    effects = {(day, name): found for day, name, _, _, *found in rows}
    # Visitors of the site are compared neither on LOST nor on SILENT.
    assert effects[LOST, "previous_day"] == [0, 0]
    assert effects[LOST + timedelta(1), "previous_day"] == [0, 0]
    assert effects[SILENT, "previous_day"] == [0, 0]
    assert "did not arrive whole" in text(home, "drivers.html")
