"""Rows that find nothing to belong to: what the page and the message say of them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest
import yaml

from dashboards.base.data import Data, SiteInfo
from dashboards.pages.quality import page as quality
from dashboards.pages.quality.lookups import lookups
from dashboards.wording.alerts import AlertInfo
from dashboards.wording.i18n import LANGUAGES, catalogue
from dashboards.wording.lookups import lookups_message
from tests.support.contracts import fake
from tests.support.raw import PROJECT

INFO = SiteInfo(
    "S", "EUR", "Europe/Berlin", date(2026, 4, 9), datetime(2026, 4, 10, tzinfo=UTC), "r"
)
SHOP = AlertInfo("S", "EUR")
LAST = date(2026, 4, 9)


def row(feed: str = "refunds", looks_for: str = "order", orphans: int = 30,
        is_material: bool = True, **told: Any) -> dict[str, Any]:  # fmt: skip
    money = None if feed == "events" else 1234.5
    return {"feed": feed, "looks_for": looks_for, "source": "site", "rows": 120,
            "orphan_rows": orphans, "orphan_rate": orphans / 120, "orphan_amount": money,
            "is_material": is_material, "examples": "7, 8", **told}  # fmt: skip


def frames(*rows: dict[str, Any]) -> Data:
    return Data({"quality.lookups": fake("quality.lookups", list(rows))})


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "Not run"),
        ((row(orphans=0, is_material=False),), "Every row finds its own."),
        ((row(orphans=3, is_material=False),),
         "1 kind of row in which some find none, none with many of them."),
        ((row(), row(feed="events", orphans=1, is_material=False)),
         "1 kind of row in which many find none."),
        ((row(), row(feed="events")), "2 kinds of rows in which many find none."),
    ],
)  # fmt: skip
def test_the_sentence_is_true_of_the_table(rows: tuple[dict[str, Any], ...], said: str) -> None:
    summary, lost = lookups(frames(*rows), INFO)
    assert summary.en.lower().startswith(said.lower()), summary.en
    assert len(lost) == sum(each["orphan_rows"] > 0 for each in rows)


def test_rows_that_find_none_are_shown_with_what_becomes_of_them() -> None:
    _, (first, second) = lookups(
        frames(row("events", "visitor", 1, is_material=False), row()), INFO
    )
    assert (first.kind.en, first.numbers) == (
        "refunds without an order", ["30", "120", "25.0%", "€1,234.50"],
    )  # fmt: skip
    assert (first.effect.en, first.examples, first.is_material) == (
        "they are in no figure", "7, 8", True,
    )  # fmt: skip
    assert (second.kind.zh, second.numbers[3]) == ("没有访客的事件", "—")
    values = quality.build(frames(row()), INFO).values
    assert [each.source for each in values["lost_many"]] == ["site"]
    assert values["lost_few"] == []


def test_a_message_says_how_many_of_how_many_and_is_told_once_a_month() -> None:
    assert lookups_message([], LAST, SHOP) is None
    told = lookups_message([row(), row("events", "order", 60, source="web\nX-Bcc: a")], LAST, SHOP)
    assert told is not None
    english, chinese = told.text.split("\n\n")
    assert english.splitlines() == [
        "Rows that find nothing to belong to, in the last 28 days:",
        "site: 30 refunds without an order, 25.0% of 120, €1.23K; they are in no figure.",
        "web X-Bcc: a: 60 purchase events without an order, 50.0% of 120;"
        " they lead no order to its visit.",
    ]
    assert "30 行找不到订单的退款，占 120 行的 25.0%" in chinese
    assert told.subject == (
        "[S] medium: refunds without an order, purchase events without an order"
        " (site, web X-Bcc: a)"
    )
    later = lookups_message([row()], date(2026, 4, 30), SHOP)
    next_month = lookups_message([row()], date(2026, 5, 1), SHOP)
    assert later is not None and next_month is not None
    assert set(later.keys) < set(told.keys)
    assert not set(next_month.keys) & set(told.keys)


def test_every_thing_that_is_looked_for_has_its_words() -> None:
    """What the models look for, the kinds the catalogue knows and the column's values agree."""
    folder = PROJECT / "models/intermediate/lookups"
    pairs: set[tuple[str, str]] = set()
    for file in folder.glob("int_lookups_of_*.sql"):
        code = file.read_text("utf-8")
        told = set(re.findall(r"'(\w+)' as feed,\s+'(\w+)' as looks_for", code))
        # a feed named before: each of its rows looks for all that is looked for there
        feeds = set(re.findall(r"'(\w+)' as feed", code)) - {feed for feed, _ in told}
        pairs |= told | set(product(feeds, re.findall(r"'(\w+)' as looks_for", code)))
    kinds = {f"{feed}_{thing}" for feed, thing in pairs}
    assert len(kinds) == 29
    for lang in LANGUAGES:
        for group in ("kind", "effect"):
            known = {name for name in catalogue(lang) if name.startswith(f"lookup.{group}.")}
            assert known == {f"lookup.{group}.{kind}" for kind in kinds}
    yml = yaml.safe_load((PROJECT / "models/quality/orphans_daily.yml").read_text("utf-8"))
    (column,) = [c for c in yml["models"][0]["columns"] if c["name"] == "looks_for"]
    values = column["data_tests"][0]["accepted_values"]["arguments"]["values"]
    assert {thing for _, thing in pairs} == set(values)
